"""The DNS check: what kind of place an address is, which name was meant, and the verdicts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from fakeio import FakeIo, codes, judged, run, view
from hypothesis import given
from hypothesis import strategies as st

from okxdoctor.check import Skip
from okxdoctor.model import Confidence, Finding, Severity
from okxdoctor.port import Certificate, Dial, Endpoint, Handshake, Lookup, Route
from okxdoctor_checks._addresses import kind
from okxdoctor_checks._names import edits, is_published, nearest, successor
from okxdoctor_checks._resolved import Host
from okxdoctor_checks.dns import CHECK, Facts

PUBLIC = "104.18.43.174"


def lookup(name: str, *addresses: str, resolver: str = "system", **more: Any) -> Lookup:
    base = Lookup(name=name, resolver=resolver, outcome="ok", addresses=addresses, elapsed_ms=12.0)
    return replace(base, **more)


def nothing(name: str, outcome: Any = "nxdomain", resolver: str = "system", **more: Any) -> Lookup:
    return replace(Lookup(name=name, resolver=resolver, outcome=outcome, elapsed_ms=12.0), **more)


def host(*lookups: Lookup, role: Any = "rest", dials: tuple[Dial, ...] = ()) -> Host:
    return Host(name=lookups[0].name, roles=(role,), lookups=lookups, dials=dials)


WS = host(lookup("ws.okx.com", PUBLIC), role="ws")


def facts(*hosts: Host, **changes: Any) -> Facts:
    base = Facts(
        hosts=hosts,
        control=(lookup("example.com", "93.184.215.14"),),
        addresses="global",
        declared=False,
    )
    return replace(base, **changes)


def dialed(address: str, outcome: Any) -> Dial:
    return Dial(address=address, port=443, family="v6" if ":" in address else "v4", outcome=outcome)


def only(found: tuple[Finding, ...]) -> Finding:
    assert len(found) == 1, found
    return found[0]


def seen_as(*addresses: str, **changes: Any) -> tuple[Finding, ...]:
    return judged(CHECK, facts(host(lookup("openapi.okx.com", *addresses)), WS, **changes))


# ---- addresses -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("8.8.8.8", "global"),
        ("104.18.43.174", "global"),
        ("2606:4700::6812:2bae", "global"),
        ("127.0.0.1", "loopback"),
        ("127.255.255.255", "loopback"),
        ("::1", "loopback"),
        ("::ffff:127.0.0.1", "loopback"),
        ("0.0.0.0", "unspecified"),
        ("::", "unspecified"),
        ("169.254.0.2", "link-local"),
        ("fe80::1%eth0", "link-local"),
        ("10.0.0.1", "private"),
        ("172.31.255.255", "private"),
        ("172.32.0.1", "global"),
        ("192.168.0.1", "private"),
        ("fd00::1", "private"),
        ("::ffff:192.168.0.1", "private"),
        ("100.63.255.255", "global"),
        ("100.64.0.0", "shared"),
        ("100.127.255.255", "shared"),
        ("100.128.0.0", "global"),
        ("198.17.255.255", "global"),
        ("198.18.0.1", "fake-ip"),
        ("198.19.255.255", "fake-ip"),
        ("198.20.0.0", "global"),
        ("192.0.2.1", "documentation"),
        ("198.51.100.7", "documentation"),
        ("203.0.113.9", "documentation"),
        ("2001:db8::1", "documentation"),
        ("224.0.0.1", "multicast"),
        ("ff0e::1", "multicast"),
        ("240.0.0.1", "reserved"),
        ("255.255.255.255", "reserved"),
        ("64:ff9b::104.18.43.174", "global"),
        ("64:ff9b::10.0.0.1", "private"),
        ("64:ff9b:1::a00:1", "global"),
        ("www.okx.com", "not-an-address"),
        ("", "not-an-address"),
    ],
)
def test_kind_of_address(text: str, expected: str) -> None:
    assert kind(text) == expected


@given(st.text())
def test_kind_is_total(text: str) -> None:
    assert kind(text)


# ---- names -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [("", "", 0), ("okx", "okx", 0), ("okx", "okex", 1), ("okx", "oxk", 1), ("abc", "", 3), ("kitten", "sitting", 3)],
)
def test_edits(one: str, other: str, distance: int) -> None:
    assert edits(one, other) == distance


@given(st.text("abc.", max_size=8), st.text("abc.", max_size=8))
def test_edits_is_a_distance(one: str, other: str) -> None:
    assert edits(one, other) == edits(other, one)
    assert (edits(one, other) == 0) == (one == other)
    assert abs(len(one) - len(other)) <= edits(one, other) <= max(len(one), len(other))


@pytest.mark.parametrize("name", ["openapi.okx.com", "WWW.okx.com.", "wseeapap.okx.com", "openapi.okx.test"])
def test_published(name: str) -> None:
    assert is_published(name)
    assert successor(name) is None
    assert nearest(name) is None


@pytest.mark.parametrize(
    ("name", "present"),
    [
        ("www.okex.com", "openapi.okx.com"),
        ("ws.okex.com", "ws.okx.com"),
        ("aws.okx.com", "openapi.okx.com"),
        ("wsaws.okx.com", "ws.okx.com"),
        ("my.okex.com", "openapi.okx.com"),
        ("www.okex.me", "openapi.okx.com"),
        ("aws.okx.test", "openapi.okx.test"),
    ],
)
def test_retired(name: str, present: str) -> None:
    assert successor(name) == present


@pytest.mark.parametrize(
    ("name", "meant"),
    [("opeanapi.okx.com", "openapi.okx.com"), ("ws.okx.co", "ws.okx.com"), ("wwww.okx.test", "www.okx.test")],
)
def test_nearest(name: str, meant: str) -> None:
    assert nearest(name) == meant


def test_nothing_is_near_a_stranger() -> None:
    assert nearest("gateway.internal.example") is None


# ---- verdicts --------------------------------------------------------------------------------


def test_healthy() -> None:
    assert seen_as(PUBLIC, "2606:4700::6812:2bae") == ()


def test_different_answers_of_two_resolvers_are_normal() -> None:
    two = host(lookup("openapi.okx.com", PUBLIC), lookup("openapi.okx.com", "104.18.1.1", resolver="1.1.1.1:53"))
    alive = replace(two, dials=(dialed(PUBLIC, "connected"), dialed("104.18.1.1", "connected")))
    undecided = replace(two, dials=(dialed(PUBLIC, "timeout"),))
    both_dead = replace(two, dials=(dialed(PUBLIC, "timeout"), dialed("104.18.1.1", "timeout")))
    for made in (two, alive, undecided, both_dead):
        assert judged(CHECK, facts(made, WS)) == ()


def test_dead_answer_beside_a_living_one() -> None:
    two = host(
        lookup("openapi.okx.com", "104.18.9.9"),
        lookup("openapi.okx.com", PUBLIC, resolver="1.1.1.1:53"),
        dials=(dialed("104.18.9.9", "refused"), dialed(PUBLIC, "connected")),
    )
    found = only(judged(CHECK, facts(two, WS)))
    assert found.code == "dns.poisoned"
    assert found.subject == "rest"
    assert "104.18.9.9" in found.summary
    assert PUBLIC in found.summary
    assert "dig +short openapi.okx.com @1.1.1.1" in found.remedy[0]


def test_the_same_dead_answer_for_the_other_name_is_poison_as_well() -> None:
    """Of the WebSocket host's own address nobody knows whether it lives: its port may be closed everywhere."""
    living, dead = "104.18.43.174", "104.18.43.9"
    rest = host(lookup("openapi.okx.com", dead), lookup("openapi.okx.com", living, resolver="1.1.1.1:53"),
                dials=(dialed(dead, "refused"), dialed(living, "connected")))  # fmt: skip
    ws_dials = (dialed(dead, "refused"), dialed(living, "refused"))
    ws = host(
        lookup("ws.okx.com", dead), lookup("ws.okx.com", living, resolver="1.1.1.1:53"), role="ws", dials=ws_dials
    )
    found = judged(CHECK, facts(rest, ws))
    assert {(one.code, one.subject, one.confidence) for one in found} == {
        ("dns.poisoned", "rest", Confidence.CERTAIN), ("dns.poisoned", "ws", Confidence.LIKELY),
    }  # fmt: skip
    other = host(lookup("ws.okx.com", "104.18.43.10"), lookup("ws.okx.com", living, resolver="1.1.1.1:53"), role="ws",
                 dials=ws_dials)  # fmt: skip
    assert [one.subject for one in judged(CHECK, facts(rest, other))] == ["rest"]


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "0.0.0.0", "169.254.0.2", "10.1.2.3", "100.64.1.1", "203.0.113.1", "::1", "64:ff9b::a00:1"]
)
def test_address_that_cannot_be_the_exchange(address: str) -> None:
    found = only(seen_as(address))
    assert found.code == "dns.poisoned"
    assert found.severity is None
    assert address in found.summary
    assert seen_as(address, addresses="any") == ()


def test_one_wrong_address_beside_a_right_one_is_a_warning() -> None:
    assert only(seen_as(PUBLIC, "::")).severity is Severity.WARNING


def test_ipv6_only_network_is_healthy() -> None:
    assert seen_as("64:ff9b::6812:2bae") == ()


def test_embedded_exchange_lives_on_loopback() -> None:
    test_host = host(lookup("openapi.okx.test", "127.0.0.1"))
    assert judged(CHECK, facts(test_host, addresses="loopback")) == ()
    elsewhere = host(lookup("openapi.okx.test", "198.51.100.1"))
    assert codes(judged(CHECK, facts(elsewhere, addresses="loopback"))) == ["dns.poisoned"]


def test_tunnel_that_carries_is_fine_and_one_that_does_not_is_not() -> None:
    tunnel = host(lookup("openapi.okx.com", "198.18.0.7"))
    assert codes(judged(CHECK, facts(tunnel, WS))) == ["dns.poisoned"]
    assert judged(CHECK, facts(replace(tunnel, dials=(dialed("198.18.0.7", "connected"),)), WS)) == ()


@pytest.mark.parametrize("outcome", ["nxdomain", "nodata", "servfail", "refused", "timeout", "error"])
def test_resolver_down(outcome: Any) -> None:
    down = facts(
        host(nothing("openapi.okx.com", outcome)),
        host(nothing("ws.okx.com", outcome), role="ws"),
        control=(nothing("example.com", outcome),),
    )
    found = only(judged(CHECK, down))
    assert found.code == "dns.resolver-down"
    assert found.subject == ""


def test_a_machine_without_a_network_is_told_so() -> None:
    server = "10.0.0.53:53"

    def asked(name: str, detail: str, role: str = "rest", **more: Any) -> Host:
        return host(nothing(name, "servfail"), nothing(name, "error", server, detail=detail, **more), role=role)

    def down(detail: str) -> Finding:
        hosts = asked("openapi.okx.com", detail), asked("ws.okx.com", detail, "ws")
        return only(judged(CHECK, facts(*hosts, control=(nothing("example.com", "servfail"),))))

    cut_off = down("ENETUNREACH")
    assert cut_off.code == "dns.resolver-down"
    assert f"this machine has no route to its resolver {server}" in cut_off.summary
    assert cut_off.remedy[0].startswith("ip route")
    assert "tcp.unreachable" not in cut_off.excluded
    # A server that is not there leaves the network as it is.
    for other in (down("EHOSTUNREACH"), down("ECONNREFUSED")):
        assert "no route" not in other.summary
        assert other.remedy == ()
        assert "tcp.unreachable" in other.excluded
    stub = host(nothing("openapi.okx.com", "servfail"), nothing("openapi.okx.com", "servfail", "127.0.0.53:53"))
    behind = only(judged(CHECK, facts(stub, control=(nothing("example.com", "servfail"),))))
    assert "tcp.unreachable" not in behind.excluded


def test_name_not_found_needs_a_control_that_answers() -> None:
    gone = facts(host(nothing("openapi.okx.com")), WS)
    found = only(judged(CHECK, gone))
    assert (found.code, found.subject, found.confidence) == ("dns.name-not-found", "rest", Confidence.CERTAIN)
    assert found.excluded == ("dns.resolver-down",)
    both = facts(host(nothing("openapi.okx.com")), host(nothing("ws.okx.com"), role="ws"))
    assert codes(judged(CHECK, both)) == ["dns.name-not-found"] * 2


def test_silence_of_the_control_name_alone_is_nothing() -> None:
    assert seen_as(PUBLIC, control=(nothing("example.com"),)) == ()


def test_typing_error_is_named() -> None:
    found = only(judged(CHECK, facts(host(nothing("openapi.0kx.com")), WS, declared=True)))
    assert found.code == "dns.name-not-found"
    assert "did you mean openapi.okx.com?" in found.summary
    assert "openapi.okx.com" in found.remedy[0]


def test_name_that_only_this_resolver_does_not_know() -> None:
    blocked = host(nothing("openapi.okx.com"), lookup("openapi.okx.com", PUBLIC, resolver="9.9.9.9:53"))
    found = only(judged(CHECK, facts(blocked, WS)))
    assert found.code == "dns.name-not-found"
    assert "9.9.9.9" in found.remedy[0]
    assert found.excluded == ("dns.resolver-down",)


def test_servfail_for_one_name_is_less_certain() -> None:
    assert only(judged(CHECK, facts(host(nothing("openapi.okx.com", "servfail")), WS))).confidence is Confidence.LIKELY


@pytest.mark.parametrize(
    "answer", [lookup("www.okex.com", PUBLIC), nothing("www.okex.com"), lookup("www.okex.com", "::")]
)
def test_retired_name_whatever_it_resolves_to(answer: Lookup) -> None:
    found = only(judged(CHECK, facts(host(answer), WS)))
    assert found.code == "dns.retired-name"
    assert "okx.com" in found.summary


def test_unofficial_name() -> None:
    mirror = facts(host(lookup("www.okx.win", PUBLIC)), WS)
    found = only(judged(CHECK, mirror))
    assert found.code == "dns.unofficial-name"
    assert "www.okx.com" in found.summary
    assert judged(CHECK, replace(mirror, declared=True)) == ()


@pytest.mark.parametrize("answer", [lookup("api.okx.com", PUBLIC), nothing("api.okx.com")])
def test_name_that_never_was_an_api_host(answer: Lookup) -> None:
    found = only(judged(CHECK, facts(host(answer), WS)))
    assert found.code == ("dns.unofficial-name" if answer.addresses else "dns.name-not-found")
    assert found.remedy[0] == "Replace api.okx.com by openapi.okx.com in the configuration"


def test_address_instead_of_a_name_is_no_name() -> None:
    assert judged(CHECK, facts(host(lookup("104.18.43.174", PUBLIC)), WS, declared=True)) == ()


def test_one_host_for_both_is_one_finding_about_the_whole() -> None:
    shared = Host(name="gw.example", roles=("rest", "ws"), lookups=(nothing("gw.example"),))
    assert only(judged(CHECK, facts(shared, declared=True))).subject == ""


@pytest.mark.parametrize(("each_ms", "expected"), [(299.0, []), (301.0, ["dns.slow"])])
def test_slow(each_ms: float, expected: list[str]) -> None:
    slow = facts(
        host(lookup("openapi.okx.com", PUBLIC, elapsed_ms=each_ms)),
        host(lookup("ws.okx.com", PUBLIC, elapsed_ms=each_ms), role="ws"),
        control=(lookup("example.com", PUBLIC, elapsed_ms=each_ms),),
    )
    assert codes(judged(CHECK, slow)) == expected


def test_one_slow_name_of_three_is_not_slow() -> None:
    assert seen_as(PUBLIC, control=(lookup("example.com", PUBLIC, elapsed_ms=4000.0),)) == ()


def test_one_slow_name_of_two_is_not_slow() -> None:
    """As where the control name has no answer: the mean of a lost packet and of an answer is neither."""
    late = host(lookup("openapi.okx.com", PUBLIC, elapsed_ms=1015.9))
    assert judged(CHECK, facts(late, WS, control=(nothing("example.com", "timeout"),))) == ()


@pytest.mark.parametrize(("again_ms", "expected"), [(None, ["dns.slow"]), (790.0, ["dns.slow"]), (3.0, [])])
def test_a_name_that_is_fast_when_asked_again_is_not_slow(again_ms: float | None, expected: list[str]) -> None:
    names = ("openapi.okx.com", "ws.okx.com", "example.com")
    rest, ws, control = (lookup(n, PUBLIC, elapsed_ms=800.0, again_ms=again_ms) for n in names)
    assert codes(judged(CHECK, facts(host(rest), host(ws, role="ws"), control=(control,)))) == expected


@pytest.mark.parametrize(
    ("unanswered", "expected"), [((1, 1, 1), []), ((2, 1, 0), []), ((2, 2, 0), ["dns.slow"]), ((2, 2, 2), ["dns.slow"])]
)
def test_more_questions_lost_than_answered(unanswered: tuple[int, int, int], expected: list[str]) -> None:
    names = ("openapi.okx.com", "ws.okx.com", "example.com")
    rest, ws, control = (
        lookup(name, PUBLIC, elapsed_ms=3.0, unanswered=lost) for name, lost in zip(names, unanswered, strict=True)
    )
    found = judged(CHECK, facts(host(rest), host(ws, role="ws"), control=(control,)))
    assert codes(found) == expected
    assert all(f"({sum(unanswered)} to 3" in one.summary for one in found)


addresses = st.sampled_from([PUBLIC, "127.0.0.1", "198.18.0.1", "::1", "x"]) | st.text(max_size=4)
wild_lookups = st.lists(
    st.builds(Lookup, addresses=st.lists(addresses, max_size=3).map(tuple), name=st.text(max_size=9)), max_size=3
).map(tuple)
wild_hosts = st.builds(
    Host,
    name=st.sampled_from(["openapi.okx.com", "www.okex.com", "x", "", "127.0.0.1"]) | st.text(max_size=12),
    roles=st.sampled_from([(), ("rest",), ("ws",), ("rest", "ws")]),
    lookups=wild_lookups,
    dials=st.lists(st.builds(Dial, address=addresses), max_size=3).map(tuple),
)


@given(st.builds(Facts, hosts=st.lists(wild_hosts, max_size=3).map(tuple), control=wild_lookups))
def test_evaluate_is_total(any_facts: Facts) -> None:
    for found in CHECK.evaluate(any_facts):
        assert found.code in CHECK.causes
        assert found.evidence


# ---- the probe -------------------------------------------------------------------------------


def proxied(scheme: str) -> Route:
    return Route(
        url=f"{scheme}://p:1", scheme=scheme, host="p", port=1, source="env:HTTPS_PROXY", has_credentials=False
    )


LOOKUPS = {name: (lookup(name, PUBLIC),) for name in ("openapi.okx.com", "ws.okx.com")}
LOOKUPS["example.com"] = (lookup("example.com", "93.184.215.14"),)


def greeted(*names: str) -> Handshake:
    """A server that presents a certificate for these names."""
    leaf = Certificate(
        subject="CN=x", issuer="CN=y", names=names, not_before="2026-01-01T00:00:00Z",
        not_after="2027-01-01T00:00:00Z", serial="1", sha256="", key_type="EC", key_bits=256, signature_hash="sha256",
        is_ca=False, self_issued=False,
    )  # fmt: skip
    return Handshake(
        host="openapi.okx.com", server_name="openapi.okx.com", address=PUBLIC, port=443, outcome="ok", chain=(leaf,)
    )


def test_probe_of_a_healthy_world_dials_nothing() -> None:
    found, findings = run(CHECK, FakeIo(lookups=LOOKUPS))
    assert findings == ()
    assert [h.roles for h in found.hosts] == [("rest",), ("ws",)]


def test_probe_dials_where_answers_contradict() -> None:
    io = FakeIo(
        lookups=LOOKUPS
        | {
            "openapi.okx.com": (
                lookup("openapi.okx.com", "104.18.9.9"),
                lookup("openapi.okx.com", PUBLIC, resolver="1.1.1.1:53"),
            )
        },
        dials={"rest": (dialed("104.18.9.9", "timeout"),), "rest elsewhere": (dialed(PUBLIC, "connected"),)},
    )
    assert codes(run(CHECK, io)[1]) == ["dns.poisoned"]


@pytest.mark.parametrize(("living", "expected"), [(PUBLIC, []), ("104.18.9.8", ["dns.poisoned"])])
def test_a_name_that_gives_its_addresses_one_at_a_time_is_not_poisoned(living: str, expected: list[str]) -> None:
    """Where the program's own way leads to a living address as well; not where each of its answers is dead."""
    own = lookup("openapi.okx.com", "104.18.9.9", in_turn=(PUBLIC,))
    io = FakeIo(
        lookups=LOOKUPS | {"openapi.okx.com": (own, lookup("openapi.okx.com", "104.18.9.8", resolver="10.0.0.1:53"))},
        dials={
            "rest": (dialed("104.18.9.9", "timeout"),),
            "rest elsewhere": tuple(
                dialed(a, "connected" if a == living else "timeout") for a in (PUBLIC, "104.18.9.8")
            ),
        },
    )
    assert codes(run(CHECK, io)[1]) == expected


def test_a_server_that_answers_when_asked_directly_is_not_down() -> None:
    late = {name: lookup(name, outcome="timeout", elapsed_ms=2000.0) for name in LOOKUPS}
    direct = {name: lookup(name, PUBLIC, resolver="192.168.1.1:53", elapsed_ms=3.0) for name in LOOKUPS}
    both = {name: (late[name], direct[name]) for name in LOOKUPS}
    found = run(CHECK, FakeIo(lookups=both))[1]
    assert codes(found) == ["dns.slow"]
    assert (found[0].severity, found[0].confidence) == (Severity.ERROR, Confidence.LIKELY)
    assert "192.168.1.1:53, asked directly, answers in 3 ms" in found[0].summary
    # Another server's answer, or a refusal, proves nothing of the one that is asked.
    named = replace(view(), dns_servers=("192.168.1.9:53", "192.168.1.1:53"))
    assert codes(run(CHECK, FakeIo(view=named, lookups=both))[1]) == ["dns.resolver-down"]
    doh = {name: (late[name], replace(direct[name], resolver="https://dns.google/dns-query")) for name in LOOKUPS}
    assert codes(run(CHECK, FakeIo(lookups=doh))[1]) == ["dns.resolver-down"]
    refused = {name: (replace(late[name], outcome="servfail"), direct[name]) for name in LOOKUPS}
    assert codes(run(CHECK, FakeIo(lookups=refused))[1]) == ["dns.resolver-down"]


@pytest.mark.parametrize(("elapsed_ms", "expected"), [(1000.0, ["dns.slow"]), (4.0, ["dns.resolver-down"])])
def test_the_c_library_that_gives_up_has_heard_nothing(elapsed_ms: float, expected: list[str]) -> None:
    """``options timeout:1 attempts:1`` and an answer after 1.5 s; at once, ``EAI_AGAIN`` is what a server said."""
    gave_up = {n: nothing(n, "servfail", elapsed_ms=elapsed_ms, detail="EAI_AGAIN") for n in LOOKUPS}
    direct = {n: lookup(n, PUBLIC, resolver="192.168.1.1:53", elapsed_ms=1500.0) for n in LOOKUPS}
    found = run(CHECK, FakeIo(lookups={n: (gave_up[n], direct[n]) for n in LOOKUPS}))[1]
    assert codes(found) == expected


@pytest.mark.parametrize("outcome", ["timeout", "servfail"])
def test_an_answer_that_was_lost_is_no_name_that_does_not_exist(outcome: Any) -> None:
    ws = (nothing("ws.okx.com", outcome), lookup("ws.okx.com", PUBLIC, resolver="192.168.1.1:53"))
    found = run(CHECK, FakeIo(lookups=LOOKUPS | {"ws.okx.com": ws}))[1]
    assert (codes(found), found[0].subject) == (["dns.slow"], "ws")
    assert "192.168.1.1:53 gives" in found[0].summary
    # Who says that it does not exist has been heard.
    denied = (nothing("ws.okx.com"), ws[1])
    assert codes(run(CHECK, FakeIo(lookups=LOOKUPS | {"ws.okx.com": denied}))[1]) == ["dns.name-not-found"]


@pytest.mark.parametrize(
    ("own", "direct", "canonical", "control", "says"),
    [
        ("104.18.9.9", PUBLIC, None, "93.184.215.14", "1.1.1.1:53 gives another address"),
        ("104.18.9.9", "104.18.9.9", "openapi.okx.com.corp.example", "93.184.215.14", "a search list makes"),
        ("104.18.9.9", "104.18.9.9", None, "104.18.9.9", "the control name example.com resolves to the same"),
    ],
)
def test_an_odd_address_with_another_name_in_the_certificate(
    own: str, direct: str, canonical: str | None, control: str, says: str
) -> None:
    def world(*names: str) -> FakeIo:
        own_lookup = replace(lookup("openapi.okx.com", own), canonical=canonical)
        return FakeIo(
            lookups={
                "openapi.okx.com": (own_lookup, lookup("openapi.okx.com", direct, resolver="1.1.1.1:53")),
                "ws.okx.com": (lookup("ws.okx.com", "104.18.77.7"),),
                "example.com": (lookup("example.com", control),),
            },
            dials={"rest": (dialed(own, "connected"),), "rest elsewhere": (dialed(PUBLIC, "connected"),)},
            handshakes={"rest": greeted(*names)},
        )

    found = run(CHECK, world("portal.example.net"))[1]
    assert codes(found) == ["dns.poisoned"]
    assert says in found[0].summary
    assert found[0].subject == "rest"
    assert run(CHECK, world("*.okx.com", "okx.com"))[1] == ()


def test_every_name_gets_one_dead_address() -> None:
    same = {name: (lookup(name, "104.18.9.9"),) for name in LOOKUPS}
    dead = dict.fromkeys(("rest", "ws"), (dialed("104.18.9.9", "timeout"),))
    found = run(CHECK, FakeIo(lookups=same, dials=dead))[1]
    assert codes(found) == ["dns.poisoned", "dns.poisoned"]
    assert found[0].confidence is Confidence.LIKELY
    alive = dict.fromkeys(("rest", "ws"), (dialed("104.18.9.9", "connected"),))
    ours = dict.fromkeys(("rest", "ws"), greeted("*.okx.com"))
    assert run(CHECK, FakeIo(lookups=same, dials=alive, handshakes=ours))[1] == ()


@pytest.mark.parametrize("scheme", ["http", "https", "socks5h"])
def test_probe_leaves_names_to_the_proxy(scheme: str) -> None:
    """Skipped: a check that looked and found nothing would rule out what nobody here has seen."""
    far = FakeIo(view=view(rest_route=proxied(scheme), ws_route=proxied(scheme)))
    with pytest.raises(Skip, match="the proxy resolves the names"):
        run(CHECK, far)


def test_probe_resolves_for_a_socks5_proxy() -> None:
    near = FakeIo(view=view(rest_route=proxied("socks5"), ws_route=proxied("socks5")), lookups=LOOKUPS)
    assert all(h.lookups for h in run(CHECK, near)[0].hosts)


def test_retired_name_is_found_behind_a_proxy_too() -> None:
    old = Endpoint(
        role="rest", url="https://www.okex.com", scheme="https", host="www.okex.com", port=443, base="", tls=True
    )
    far = FakeIo(view=view(rest=old, rest_route=proxied("http"), ws_route=proxied("http")))
    assert codes(run(CHECK, far)[1]) == ["dns.retired-name"]


def test_probe_asks_a_shared_host_once() -> None:
    one = Endpoint(
        role="ws", url="wss://openapi.okx.com", scheme="wss", host="openapi.okx.com", port=443, base="", tls=True
    )
    found, _ = run(CHECK, FakeIo(view=view(ws=one), lookups=LOOKUPS))
    assert [h.roles for h in found.hosts] == [("rest", "ws")]


WAY_OUT = Route(
    url="socks5://proxy.lan:1080", scheme="socks5", host="proxy.lan", port=1080, source="flag", has_credentials=False
)  # fmt: skip


def poisoned_world(*dials: Dial, **changes: Any) -> FakeIo:
    """A name resolves here to other places than elsewhere; nothing but the scripted connections can be made."""
    greeting = Handshake(
        host="openapi.okx.com", server_name="openapi.okx.com", address="203.0.113.2", port=443, outcome="closed"
    )  # fmt: skip
    return FakeIo(
        view=view(**changes),
        lookups={
            "openapi.okx.com": (
                lookup("openapi.okx.com", "203.0.113.1", "203.0.113.2"),
                lookup("openapi.okx.com", PUBLIC, resolver="9.9.9.9:53"),
            ),
            "ws.okx.com": (lookup("ws.okx.com", PUBLIC),),
            "example.com": (lookup("example.com", "93.184.215.14"),),
        },
        dials={"rest": dials} if dials else {},
        handshakes={"rest": greeting} if dials else {},
    )


def test_an_odd_address_is_not_dialed_where_a_proxy_makes_the_connections() -> None:
    facts, _ = run(CHECK, poisoned_world(rest_route=WAY_OUT, ws_route=WAY_OUT))
    assert [host.dials for host in facts.hosts] == [(), ()]


def test_one_open_address_of_several_is_greeted() -> None:
    facts, _ = run(CHECK, poisoned_world(dialed("203.0.113.1", "timeout"), dialed("203.0.113.2", "connected")))
    assert facts.hosts[0].presents is None, "a greeting without a certificate has no names"
    assert [dial.outcome for dial in facts.hosts[0].dials] == ["timeout", "connected"]
    both = (dialed("203.0.113.1", "timeout"), dialed("203.0.113.2", "connected"))
    with pytest.raises(AssertionError, match="handshake with rest is not scripted"):
        run(CHECK, replace(poisoned_world(*both), handshakes={}))
    shut, _ = run(CHECK, replace(poisoned_world(dialed("203.0.113.1", "timeout")), handshakes={}))
    assert len(shut.hosts[0].dials) == 1


def test_a_server_asked_directly_counts_where_it_answers_for_one_of_the_names() -> None:
    silent = nothing("ws.okx.com", "servfail")
    answered = host(nothing("openapi.okx.com", "servfail"), lookup("openapi.okx.com", PUBLIC, resolver="9.9.9.9:53"))
    unanswered = host(silent, nothing("ws.okx.com", "timeout", "9.9.9.9:53"), role="ws")
    down = {"control": (nothing("example.com", "servfail"),)}
    (found,) = judged(CHECK, facts(answered, unanswered, **down))
    assert (found.code, "asked directly does answer" in found.summary) == ("dns.resolver-down", True)
    neither = host(nothing("openapi.okx.com", "servfail"), nothing("openapi.okx.com", "timeout", "9.9.9.9:53"))
    (found,) = judged(CHECK, facts(neither, unanswered, **down))
    assert (found.code, "asked directly does answer" in found.summary) == ("dns.resolver-down", False)


def test_the_longest_vain_wait_is_told() -> None:
    def late(name: str, waited_ms: float) -> Lookup:
        return replace(nothing(name, "timeout"), elapsed_ms=waited_ms)

    hosts = (
        host(late("openapi.okx.com", 5_000), lookup("openapi.okx.com", PUBLIC, resolver="9.9.9.9:53")),
        host(late("ws.okx.com", 10_000), lookup("ws.okx.com", PUBLIC, resolver="9.9.9.9:53"), role="ws"),
    )
    (found,) = judged(CHECK, facts(*hosts, control=(late("example.com", 5_000),)))
    assert (found.code, found.evidence["waited_ms"]) == ("dns.slow", 10_000.0)
    assert "10.0 s" in found.summary
