"""The proxy check: whose refusal it is, and whether both transports leave by the same way."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from fakeio import FakeIo, codes, judged, run, view
from hypothesis import given
from hypothesis import strategies as st

from okxdoctor.check import Skip
from okxdoctor.model import Confidence, Finding
from okxdoctor.port import Dial, Lookup, ProxyDial, Route, Surroundings
from okxdoctor_checks.proxy import CHECK, Facts, Way


def route(scheme: str = "http", **changes: Any) -> Route:
    base = Route(
        url=f"{scheme}://proxy.lan:3128",
        scheme=scheme,
        host="proxy.lan",
        port=3128,
        source="env:HTTPS_PROXY",
        has_credentials=False,
    )
    return replace(base, **changes)


def dialed(outcome: Any, via: Route | None = None, **more: Any) -> ProxyDial:
    return ProxyDial(route=via or route(), target="openapi.okx.com:443", outcome=outcome, elapsed_ms=3.0, **more)


def way(role: Any, dial: ProxyDial | None) -> Way:
    host = "ws.okx.com" if role == "ws" else "openapi.okx.com"
    return Way(role=role, host=host, route=dial.route if dial else None, dial=dial)


def direct(outcome: Any, address: str = "104.18.43.174") -> Dial:
    return Dial(address=address, port=443, family="v4", outcome=outcome, elapsed_ms=3.0)


@pytest.mark.parametrize(
    ("dials", "code"),
    [
        ((direct("refused"),), "tcp.refused"),
        ((direct("refused"), direct("reset", "104.18.43.1")), "tcp.refused"),
        ((direct("timeout"),), "tcp.filtered"),
        ((direct("unreachable"),), "tcp.unreachable"),
        ((direct("connected"),), "proxy.forbidden"),
        ((direct("refused"), direct("connected", "104.18.43.1")), "proxy.forbidden"),
        ((direct("refused"), direct("timeout", "104.18.43.1")), "proxy.forbidden"),
        ((), "proxy.forbidden"),
    ],
)
@pytest.mark.parametrize(("scheme", "status"), [("http", 502), ("http", 504), ("socks5", 5), ("socks5h", 4)])
def test_a_willing_proxy_is_not_to_blame_for_a_way_that_nobody_has(
    dials: tuple[Dial, ...], code: str, scheme: str, status: int
) -> None:
    one = replace(way("rest", dialed("status", route(scheme), status=status)), direct=dials)
    found = only(judged(CHECK, Facts(ways=(one, replace(one, role="ws")), variables=())))
    assert (found.code, found.confidence) == (code, Confidence.LIKELY)


@pytest.mark.parametrize("outcome", ["timeout", "unreachable", "refused", "connected"])
def test_a_name_that_leads_inside_is_what_the_proxy_stumbles_over_too(outcome: str) -> None:
    inside = replace(way("rest", dialed("status", route("socks5h"), status=3)), direct=(direct(outcome, "10.1.1.1"),))
    ways = (inside, replace(inside, role="ws"))
    found = only(judged(CHECK, Facts(ways=ways, variables=(), public=True)))
    assert (found.code, found.confidence) == ("dns.poisoned", Confidence.LIKELY)
    assert "10.1.1.1, a private address" in found.summary
    assert only(judged(CHECK, Facts(ways=ways, variables=()))).code != "dns.poisoned"  # a place inside is meant


@pytest.mark.parametrize(
    ("speaks", "direct_way", "code"),
    [
        ("http", "timeout", "tcp.filtered"),
        ("http", "connected", "proxy.forbidden"),
        ("", "timeout", "proxy.unreachable"),
    ],
)
def test_a_proxy_that_waits_itself_is_there(speaks: str, direct_way: str, code: str) -> None:
    """It answers a greeting and not the request for a tunnel: the far side is silent, not the proxy."""
    one = replace(way("rest", dialed("timeout", speaks=speaks)), direct=(direct(direct_way),))
    assert only(judged(CHECK, Facts(ways=(one,), variables=()))).code == code


@pytest.mark.parametrize(
    ("outcome", "code"), [("nxdomain", "dns.name-not-found"), ("nodata", "dns.name-not-found"),
                          ("timeout", "proxy.forbidden"), ("servfail", "proxy.forbidden")],
)  # fmt: skip
def test_a_name_that_neither_the_proxy_nor_this_machine_knows(outcome: Any, code: str) -> None:
    lookups = tuple(Lookup(name="openapi.okx.com", resolver=each, outcome=outcome) for each in ("system", "1.1.1.1:53"))
    one = replace(way("rest", dialed("status", status=502)), lookups=lookups)
    assert only(judged(CHECK, Facts(ways=(one,), variables=()))).code == code


def test_a_refusal_by_rule_is_the_proxys_whatever_the_direct_way_says() -> None:
    for scheme, status in (("http", 403), ("socks5", 2)):
        one = replace(way("rest", dialed("status", route(scheme), status=status)), direct=(direct("refused"),))
        assert only(judged(CHECK, Facts(ways=(one,), variables=()))).code == "proxy.forbidden"


def both(dial: ProxyDial) -> Facts:
    return Facts(ways=(way("rest", dial), way("ws", dial)), variables=(("HTTPS_PROXY", "http://proxy.lan:3128"),))


def only(found: tuple[Finding, ...]) -> Finding:
    assert len(found) == 1, found
    return found[0]


def test_healthy() -> None:
    assert judged(CHECK, both(dialed("established", status=200))) == ()


@pytest.mark.parametrize(
    ("dial", "expected", "confidence"),
    [
        (dialed("refused", dials=(Dial(address="10.0.0.1", port=3128, family="v4", outcome="refused"),)),
         "proxy.unreachable", Confidence.CERTAIN),
        (dialed("timeout"), "proxy.unreachable", Confidence.CERTAIN),
        (dialed("unreachable"), "proxy.unreachable", Confidence.CERTAIN),
        (dialed("name-not-found"), "proxy.unreachable", Confidence.CERTAIN),
        (dialed("status", status=407), "proxy.auth-required", Confidence.CERTAIN),
        (dialed("status", status=401), "proxy.auth-required", Confidence.CERTAIN),
        (dialed("auth-required"), "proxy.auth-required", Confidence.CERTAIN),
        (dialed("status", status=403), "proxy.forbidden", Confidence.CERTAIN),
        (dialed("status", status=405), "proxy.forbidden", Confidence.CERTAIN),
        (dialed("status", status=503), "proxy.forbidden", Confidence.LIKELY),
        (dialed("status"), "proxy.forbidden", Confidence.CERTAIN),
        (dialed("not-proxy", route("https"), speaks="http"), "proxy.scheme-wrong", Confidence.CERTAIN),
        (dialed("not-proxy", route("socks5"), speaks="http"), "proxy.scheme-wrong", Confidence.CERTAIN),
        (dialed("not-proxy", route("http"), speaks="socks5"), "proxy.scheme-wrong", Confidence.CERTAIN),
        (dialed("not-proxy", route("http")), "proxy.scheme-wrong", Confidence.CERTAIN),
        (dialed("closed", route("https")), "proxy.scheme-wrong", Confidence.LIKELY),
        (dialed("closed", route("http"), speaks="tls"), "proxy.scheme-wrong", Confidence.LIKELY),
        (dialed("closed"), "proxy.forbidden", Confidence.POSSIBLE),
    ],
)  # fmt: skip
def test_one_proxy_for_both_is_one_finding(dial: ProxyDial, expected: str, confidence: Confidence) -> None:
    found = only(judged(CHECK, both(dial)))
    assert (found.code, found.confidence, found.subject) == (expected, confidence, "")
    assert "proxy.lan:3128" in found.summary
    assert "HTTPS_PROXY" in found.summary


def test_the_right_scheme_is_offered() -> None:
    found = only(judged(CHECK, both(dialed("not-proxy", route("https"), speaks="http"))))
    assert found.remedy[0].startswith("Write http://proxy.lan:3128")


def test_wrong_password_reads_differently_from_none() -> None:
    given_one = only(judged(CHECK, both(dialed("auth-required", route(has_credentials=True)))))
    assert "refuses the user and password" in given_one.summary
    assert "wants a user" in only(judged(CHECK, both(dialed("auth-required")))).summary
    assert given_one.remedy[0].startswith("Correct them in HTTPS_PROXY: http://USER:PASSWORD@proxy.lan:3128")


def test_unset_is_offered_for_a_variable() -> None:
    assert "unset HTTPS_PROXY" in only(judged(CHECK, both(dialed("refused")))).remedy[0]


def test_split() -> None:
    facts = Facts(ways=(way("rest", dialed("established")), way("ws", None)), variables=())
    found = only(judged(CHECK, facts))
    assert (found.code, found.subject) == ("proxy.split", "")
    assert "REST leaves through proxy.lan:3128" in found.summary
    assert "WebSocket directly" in found.summary


@pytest.mark.parametrize("entry", ["ws.okx.com", ".okx.com", "okx.com", "*.okx.com", "ws.okx.com:443", "*"])
def test_an_exemption_is_named_where_it_splits(entry: str) -> None:
    ways = (way("rest", dialed("established")), way("ws", None))
    variables = (("HTTPS_PROXY", "http://proxy.lan:3128"), ("NO_PROXY", f"localhost, {entry}"))
    assert only(judged(CHECK, Facts(ways=ways, variables=variables))).remedy[0] == (
        f"Take {entry} out of NO_PROXY: it sends WebSocket directly"
    )
    others = (("NO_PROXY", "localhost,kx.com,10.0.0.0/8,"),)
    assert "NO_PROXY" not in "".join(only(judged(CHECK, Facts(ways=ways, variables=others))).remedy)


def test_two_proxies_are_split_and_two_spellings_of_one_are_not() -> None:
    other = dialed("established", route(host="other.lan", url="http://other.lan:3128"))
    two = Facts(ways=(way("rest", dialed("established")), way("ws", other)), variables=())
    assert codes(judged(CHECK, two)) == ["proxy.split"]
    same = dialed("established", route(source="env:ALL_PROXY"))
    one = Facts(ways=(way("rest", dialed("established")), way("ws", same)), variables=())
    assert judged(CHECK, one) == ()


def test_a_dead_proxy_for_one_role_is_both_dead_and_split() -> None:
    facts = Facts(ways=(way("rest", dialed("refused")), way("ws", None)), variables=())
    found = judged(CHECK, facts)
    assert codes(found) == ["proxy.unreachable", "proxy.split"]
    assert found[0].subject == "rest"


@given(
    st.builds(
        Facts,
        ways=st.lists(st.from_type(Way), max_size=3).map(tuple),
        variables=st.lists(st.tuples(st.text(max_size=3), st.text(max_size=3)), max_size=2).map(tuple),
    )
)
def test_evaluate_is_total(any_facts: Facts) -> None:
    for found in CHECK.evaluate(any_facts):
        assert found.code in CHECK.causes
        assert found.evidence


# ---- the probe -------------------------------------------------------------------------------

SURROUNDINGS = Surroundings(
    python="3.11.9",
    platform="linux",
    credentials=(),
    files=(),
    tls_off=(),
    packages=(),
    import_owner="",
    proxy_variables=(("HTTPS_PROXY", "http://***@proxy.lan:3128"),),
)


def test_probe_without_a_proxy_has_nothing_to_look_at() -> None:
    async def once() -> Any:
        return await CHECK.probe(FakeIo())

    with pytest.raises(Skip, match="no proxy is configured"):
        asyncio.run(once())


def test_probe_dials_only_the_role_that_has_a_proxy() -> None:
    io = FakeIo(
        view=view(rest_route=route()),
        surroundings_fact=SURROUNDINGS,
        proxy_dials={"rest": dialed("established"), "ws": dialed("refused")},
    )
    found, findings = run(CHECK, io)
    assert codes(findings) == ["proxy.split"]
    assert found.ways[1].dial is None
    assert found.variables == SURROUNDINGS.proxy_variables


def test_one_proxy_that_fails_in_two_ways_is_two_findings() -> None:
    ways = (way("rest", dialed("refused")), way("ws", dialed("status", status=407)))
    found = judged(CHECK, Facts(ways=ways, variables=()))
    assert [one.subject for one in found] == ["rest", "ws"]
    assert found[0].code != found[1].code
    assert [one.summary.partition(":")[0] for one in found] == ["REST", "WebSocket"]
    same = only(judged(CHECK, both(dialed("refused"))))
    assert same.summary.startswith("The proxy proxy.lan:3128 (set by HTTPS_PROXY)")


def test_a_name_that_one_resolver_knows_is_known() -> None:
    lookups = (
        Lookup(name="openapi.okx.com", resolver="system", outcome="nxdomain", elapsed_ms=1.0),
        Lookup(name="openapi.okx.com", resolver="9.9.9.9", outcome="ok", addresses=("1.1.1.1",), elapsed_ms=1.0),
    )
    one = replace(way("rest", dialed("status", status=502)), lookups=lookups)
    assert only(judged(CHECK, Facts(ways=(one,), variables=()))).code == "proxy.forbidden"


@pytest.mark.parametrize(
    ("source", "told"),
    [("flag", "set by --proxy"), ("env:ALL_PROXY", "set by ALL_PROXY"), ("profile", "from the profile"),
     ("", "configured")],
)  # fmt: skip
def test_where_the_proxy_was_set_is_told(source: str, told: str) -> None:
    assert f"({told})" in only(judged(CHECK, both(dialed("refused", route(source=source))))).summary


def test_what_is_set_now_is_told_where_something_is() -> None:
    ways = (way("rest", None), way("ws", dialed("established")))
    bare = only(judged(CHECK, Facts(ways=ways, variables=())))
    assert (bare.evidence["rest"], bare.evidence["ws"]) == ("direct", "http://proxy.lan:3128")
    turned = only(judged(CHECK, Facts(ways=(way("rest", dialed("established")), way("ws", None)), variables=())))
    assert (turned.evidence["rest"], turned.evidence["ws"]) == ("http://proxy.lan:3128", "direct")
    assert "now set" not in "".join(bare.remedy)
    named = only(judged(CHECK, Facts(ways=ways, variables=(("WSS_PROXY", "http://proxy.lan:3128"),))))
    assert "(now set: WSS_PROXY)" in "".join(named.remedy)


def test_two_proxies_that_are_both_dead_are_two_findings() -> None:
    other = route(host="other.lan", url="http://other.lan:3128")
    ways = (way("rest", dialed("refused")), way("ws", dialed("refused", other)))
    found = judged(CHECK, Facts(ways=ways, variables=()))
    assert [(one.code, one.subject) for one in found] == [
        ("proxy.unreachable", "rest"), ("proxy.unreachable", "ws"), ("proxy.split", ""),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("scheme", "status", "told"),
    [
        ("http", 403, "answers 403 when"), ("socks5", 2, "answers SOCKS reply 2 when"),
        ("socks5", None, "answers with a refusal when"), ("http", None, "answers with a refusal when"),
    ],
)  # fmt: skip
def test_a_refusal_is_told_by_its_number_where_it_has_one(scheme: str, status: int | None, told: str) -> None:
    assert told in only(judged(CHECK, both(dialed("status", route(scheme), status=status)))).summary


def test_what_the_system_said_of_an_address_stands_in_the_evidence() -> None:
    tried = Dial(
        address="192.0.2.9", port=3128, family="v4", outcome="unreachable", elapsed_ms=1.0, errno="EHOSTUNREACH"
    )
    shut = replace(tried, address="192.0.2.8", errno="", outcome="timeout")
    found = only(judged(CHECK, both(dialed("unreachable", dials=(tried, shut)))))
    assert found.evidence["addresses"] == {"192.0.2.9": "EHOSTUNREACH", "192.0.2.8": "timeout"}
