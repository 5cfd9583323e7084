"""The check of the key: each refusal, each proof by a second request, permissions and IP lists."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any, Literal

import pytest
from fakeio import FakeIo, Scripted, codes, failed, judged, ok, page, refusal, run, view
from hypothesis import given
from hypothesis import strategies as st

from okxdoctor.check import Inconclusive, Skip
from okxdoctor.model import Confidence, Finding
from okxdoctor.port import AccountView, Ask, CredentialShape, KeyStanding, LedgerRow, Route, Surroundings, TimeBasis
from okxdoctor_checks._answers import Reply
from okxdoctor_checks.key import CHECK, Facts

CONFIG = "GET /api/v5/account/config"
OKAY_ACCOUNT = {
    "uid": "1", "mainUid": "1", "acctLv": "2", "posMode": "net_mode", "kycLv": "3", "type": "0",
    "perm": "read_only,trade", "ip": "198.51.100.7", "autoLoan": False, "settleCcyList": ["USD"],
}  # fmt: skip


def account(**changes: Any) -> Scripted:
    return ok([{**OKAY_ACCOUNT, **changes}])


def machine(looks_like: Literal["uuid", "other"], *blemishes: str) -> Surroundings:
    key = CredentialShape(field="api_key", source="env:OKX_API_KEY", present=True, length=36, looks_like=looks_like,
                          blemishes=blemishes)  # fmt: skip
    return Surroundings(python="3.13", platform="Linux", credentials=(key,), files=(), tls_off=(), packages=(),
                        import_owner="", proxy_variables=())  # fmt: skip


def diagnose(
    script: Any, *, records: tuple[Any, ...] = (), skew_s: float = 0.0, here: Surroundings | None = None, **look: Any
) -> tuple[tuple[Finding, ...], FakeIo]:
    io = FakeIo(view=view(**look), http_script=script, records=records, skew_s=skew_s,
                surroundings_fact=here or machine("other"))  # fmt: skip
    _, findings = run(CHECK, io)
    return findings, io


def one(findings: tuple[Finding, ...]) -> Finding:
    assert len(findings) == 1, codes(findings)
    return findings[0]


def test_a_fitting_key_is_accepted_with_one_request() -> None:
    findings, io = diagnose({CONFIG: account()}, need=("read", "trade"))
    assert findings == ()
    assert io.asks == [Ask(method="GET", path="/api/v5/account/config", signed=True)]


def test_no_key_is_a_skip_without_a_request() -> None:
    io = FakeIo(view=view(credentials=False))
    with pytest.raises(Skip, match=r"no whole API key \(id, secret, passphrase\) is set: private checks are not made"):
        asyncio.run(CHECK.probe(io))
    assert io.asks == []


# ---- refusals that name themselves --------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "status", "cause"),
    [
        ("50100", 400, "key.frozen"),
        ("50105", 401, "key.passphrase-wrong"),
        ("50111", 401, "key.malformed"),
        ("50112", 401, "timestamp.format"),
        ("50113", 401, "key.secret-wrong"),
        ("50120", 401, "permission.missing"),
        ("50120", 200, "permission.missing"),
        ("50035", 403, "permission.ip-binding-required"),
    ],
)
def test_a_code_that_names_its_cause_is_asked_for_twice(code: str, status: int, cause: str) -> None:
    findings, io = diagnose({CONFIG: refusal(code, status=status)})
    finding = one(findings)
    assert finding.code == cause
    assert finding.evidence["code"] == code
    assert finding.subject == "rest"
    assert len(io.asks) == (1 if code == "50110" else 2), "how addresses differ is for egress to see"


@pytest.mark.parametrize(
    ("code", "header"),
    [
        ("50103", "OK-ACCESS-KEY"),
        ("50104", "OK-ACCESS-PASSPHRASE"),
        ("50106", "OK-ACCESS-SIGN"),
        ("50107", "OK-ACCESS-TIMESTAMP"),
    ],
)
def test_a_lost_header_is_named(code: str, header: str) -> None:
    finding = one(diagnose({CONFIG: refusal(code)})[0])
    assert finding.code == "header.missing"
    assert finding.evidence["header"] == header
    assert header in finding.summary


def test_a_lost_header_behind_a_proxy_names_the_proxy() -> None:
    route = Route(url="http://***@p:3128", scheme="http", host="p", port=3128, source="flag", has_credentials=True)
    finding = one(diagnose({CONFIG: refusal("50106")}, rest_route=route)[0])
    assert "p:3128" in finding.remedy[1]


@pytest.mark.parametrize(
    ("message", "address", "family"),
    [
        ("Your IP 203.0.113.9 is not included in your API key's *** IP whitelist.", "203.0.113.9", "v4"),
        ("Your IP 2001:db8::0:7 is not included in your API key's *** IP whitelist.", "2001:db8::7", "v6"),
    ],
)
def test_the_refused_address_is_read_from_the_message(message: str, address: str, family: str) -> None:
    finding = one(diagnose({CONFIG: refusal("50110", message)})[0])
    assert finding.code == "ip.not-whitelisted"
    assert finding.evidence["refused_address"] == address
    assert finding.evidence["family"] == family
    assert address in finding.remedy[0]
    assert ("2001:db8::/64" in finding.remedy[0]) == (family == "v6")


def test_a_refused_address_that_is_not_told_leaves_the_usual_remedy() -> None:
    finding = one(diagnose({CONFIG: refusal("50110", "Your IP is not included.")})[0])
    assert finding.code == "ip.not-whitelisted"
    assert finding.remedy == ()


# ---- environment: 50101 ---------------------------------------------------------------------------


@pytest.mark.parametrize(("environment", "flipped"), [("live", True), ("demo", False)])
def test_flipping_the_demo_header_proves_the_environment(environment: str, flipped: bool) -> None:
    def reply(ask: Ask) -> Scripted:
        return account() if ask.simulated is flipped else refusal("50101")

    findings, io = diagnose({CONFIG: reply}, environment=environment)
    finding = one(findings)
    assert finding.code == "key.wrong-environment"
    assert finding.confidence is Confidence.CERTAIN
    assert [ask.simulated for ask in io.asks] == [None, flipped]


def test_both_environments_refusing_is_only_possibly_the_environment() -> None:
    finding = one(diagnose({CONFIG: refusal("50101")})[0])
    assert finding.code == "key.wrong-environment"
    assert finding.confidence is Confidence.POSSIBLE


def test_a_second_fault_behind_the_environment_is_named_too() -> None:
    findings, _ = diagnose({CONFIG: [refusal("50101"), refusal("50105")]})
    assert sorted(codes(findings)) == ["key.passphrase-wrong", "key.wrong-environment"]


# ---- the matrix: 50119 -----------------------------------------------------------------------------


def test_a_key_of_another_site_is_found_there() -> None:
    script = {CONFIG: refusal("50119"), f"{CONFIG} @eea/live": account()}
    findings, io = diagnose(script)
    finding = one(findings)
    assert finding.code == "region.wrong-rest-host"
    assert finding.evidence["rest_url"] == "https://eea.okx.com"
    assert finding.confidence is Confidence.CERTAIN
    assert "https://eea.okx.com" in finding.summary
    assert finding.remedy[0] == "okxdoctor run --site eea"
    assert sorted(ask.cell or "" for ask in io.asks) == [
        "",
        "eea/demo",
        "eea/live",
        "global/demo",
        "us/demo",
        "us/live",
    ]
    assert {ask.cell: ask.simulated for ask in io.asks if ask.cell} == {
        "eea/demo": True, "eea/live": False, "global/demo": True, "us/demo": True, "us/live": False,
    }  # fmt: skip


def test_a_demo_key_of_the_same_host_is_the_environment_not_the_site() -> None:
    finding = one(diagnose({CONFIG: refusal("50119"), f"{CONFIG} @global/demo": account()})[0])
    assert finding.code == "key.wrong-environment"


def test_a_key_unknown_everywhere_is_unknown() -> None:
    finding = one(diagnose({CONFIG: refusal("50119")})[0])
    assert finding.code == "key.unknown"
    assert finding.confidence is Confidence.CERTAIN
    assert "6 sites and environments" in finding.summary


@pytest.mark.parametrize("reply", [failed("timeout", "connect"), page(200)])
def test_a_place_that_does_not_tell_may_be_the_home_of_the_key(reply: Scripted) -> None:
    """Nobody is told to make a new key before every site has said that it does not know the old one."""
    with pytest.raises(Inconclusive, match="us/live"):
        diagnose({CONFIG: refusal("50119"), f"{CONFIG} @us/live": reply})


def test_a_recording_without_the_other_places_leaves_doubt() -> None:
    def not_recorded(ask: Ask) -> Scripted:
        raise Skip("the cassette does not hold this request")

    others = [f"{CONFIG} @{site}" for site in ("global/demo", "eea/live", "eea/demo", "us/live", "us/demo")]
    finding = one(diagnose({CONFIG: refusal("50119"), **dict.fromkeys(others, not_recorded)})[0])
    assert finding.code == "key.unknown"
    assert finding.confidence is Confidence.LIKELY


def test_without_other_places_the_key_is_unknown_here() -> None:
    finding = one(diagnose({CONFIG: refusal("50119")}, cells=())[0])
    assert finding.code == "key.unknown"
    assert finding.confidence is Confidence.LIKELY


def test_a_place_that_knows_the_key_and_refuses_it_is_likely_its_home() -> None:
    script = {CONFIG: refusal("50119"), f"{CONFIG} @us/live": refusal("50110", "Your IP 203.0.113.9 is not included")}
    findings, _ = diagnose(script)
    assert sorted(codes(findings)) == ["ip.not-whitelisted", "region.wrong-rest-host"]
    home = next(finding for finding in findings if finding.code == "region.wrong-rest-host")
    assert home.confidence is Confidence.LIKELY


@pytest.mark.parametrize(
    ("then", "cause"),
    [
        ([refusal("50110", "Your IP 203.0.113.9 is not included")], "ip.not-whitelisted"),
        ([failed("timeout", "first-byte")], "ip.not-whitelisted"),
        ([refusal("50110", "Your IP 203.0.113.10 is not included")], "ip.egress-unstable"),
        ([account(), refusal("50110", "Your IP 203.0.113.9 is not included")], "ip.egress-unstable"),
    ],
)
def test_a_home_that_refuses_one_of_several_addresses(then: list[Scripted], cause: str) -> None:
    first = refusal("50110", "Your IP 203.0.113.9 is not included")
    findings, io = diagnose({CONFIG: refusal("50119"), f"{CONFIG} @us/live": [first, *then]})
    assert sorted(codes(findings)) == [cause, "region.wrong-rest-host"]
    assert [ask.fresh for ask in io.asks if ask.cell == "us/live"] == [False, True, True]


def test_several_homes_are_all_named_and_nothing_is_certain() -> None:
    script = {CONFIG: refusal("50067"), f"{CONFIG} @us/live": account(), f"{CONFIG} @eea/live": account()}
    finding = one(diagnose(script)[0])
    assert finding.code == "region.wrong-rest-host"
    assert finding.confidence is Confidence.LIKELY
    assert finding.evidence["lives_on"] == ["eea/live", "us/live"]


# ---- time: 50102 ------------------------------------------------------------------------------------


def expiring(window_s: float, true_minus_local_s: float, then: Scripted) -> Any:
    """An exchange that compares the timestamp that this ask would carry with the true time."""

    def reply(ask: Ask) -> Scripted:
        return refusal("50102") if abs(ask.shift_s - true_minus_local_s) > window_s else then

    return reply


def test_a_wrong_clock_is_corrected_to_see_what_lies_behind() -> None:
    basis = TimeBasis(low_s=-45.02, high_s=-45.0, source="server time")
    findings, io = diagnose({CONFIG: expiring(30, -45.0, account())}, records=(basis,))
    finding = one(findings)
    assert finding.code == "timestamp.expired"
    assert finding.evidence["skew_s"] == pytest.approx(45.01)
    assert finding.evidence["code_with_corrected_time"] == "0"
    assert io.asks[1].shift_s == pytest.approx(-45.01)


def test_what_lies_behind_a_wrong_clock_is_reported_beside_it() -> None:
    basis = TimeBasis(low_s=-45.02, high_s=-45.0, source="server time")
    findings, _ = diagnose({CONFIG: expiring(30, -45.0, refusal("50105"))}, records=(basis,))
    assert codes(findings) == ["timestamp.expired", "key.passphrase-wrong"]


def test_a_right_clock_excludes_itself() -> None:
    basis = TimeBasis(low_s=-0.01, high_s=0.02, source="server time")
    finding = one(diagnose({CONFIG: refusal("50102")}, records=(basis,))[0])
    assert finding.code == "timestamp.expired"
    assert "clock.ahead" in finding.excluded
    assert finding.remedy


def test_without_the_clock_check_the_refusals_own_date_serves() -> None:
    date = (("content-type", "application/json"), ("date", "Mon, 24 Nov 2025 16:02:00 GMT"))

    def reply(ask: Ask) -> Scripted:
        return refusal("50102", headers=date) if abs(ask.shift_s - 120) > 30 else account()

    findings, io = diagnose({CONFIG: reply})
    assert one(findings).evidence["skew_s"] == pytest.approx(-120.5, abs=0.6)
    assert len(io.asks) == 2


def test_without_any_time_the_expiry_is_only_likely() -> None:
    finding = one(diagnose({CONFIG: refusal("50102")})[0])
    assert finding.code == "timestamp.expired"
    assert finding.confidence is Confidence.LIKELY


# ---- permissions and IP list --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("perm", "need", "expected"),
    [
        ("read_only,trade", (), []),
        ("read_only,trade", ("read", "trade"), []),
        ("read,trade", ("read_only",), ["permission.excess"]),
        ("trade,read_only", ("read",), ["permission.excess"]),
        ("read_only", ("read", "trade"), ["permission.missing"]),
        ("read_only,withdraw", ("read", "trade"), ["permission.missing", "permission.excess"]),
        ("read_only,withdraw,trade", (), ["permission.excess"]),
        ("read_only,withdraw,trade", ("withdraw", "trade"), []),
        ("read_only", ("read",), []),
        ("", ("read", "trade"), []),
    ],
)
def test_permissions_against_the_need(perm: str, need: tuple[str, ...], expected: list[str]) -> None:
    findings, _ = diagnose({CONFIG: account(perm=perm)}, need=need)
    assert codes(findings) == expected


@pytest.mark.parametrize(
    ("perm", "environment", "expected"),
    [
        ("read_only,trade", "live", "key.idle-expiry"),
        ("read_only,withdraw", "live", "key.idle-expiry"),
        ("read_only", "live", "ip.unbound"),
        ("read_only,trade", "demo", "ip.unbound"),
    ],
)
def test_an_unbound_key_gives_one_finding(perm: str, environment: str, expected: str) -> None:
    need = ("read", "trade", "withdraw") if "withdraw" in perm else ()
    findings, _ = diagnose({CONFIG: account(perm=perm, ip="")}, environment=environment, need=need)
    assert [code for code in codes(findings) if code != "permission.missing"] == [expected]


@pytest.mark.parametrize(
    ("listed", "addresses", "private"),
    [
        ("198.51.100.7", "global", None),
        ("203.0.113.0/24,2001:4860::1", "global", None),
        ("192.168.1.10", "global", ["192.168.1.10"]),
        ("198.51.100.7, 10.0.0.0/8", "global", ["10.0.0.0/8"]),
        ("172.15.255.255,172.32.0.0", "global", None),
        ("172.16.0.0,172.31.255.255", "global", ["172.16.0.0", "172.31.255.255"]),
        ("100.63.255.255,100.128.0.0", "global", None),
        ("100.64.0.1", "global", ["100.64.0.1"]),
        ("fd00::1,fe80::1", "global", ["fd00::1", "fe80::1"]),
        ("127.0.0.1,::1", "global", ["127.0.0.1", "::1"]),
        ("127.0.0.1,::1", "loopback", None),
        ("127.0.0.1,192.168.1.10", "loopback", ["192.168.1.10"]),
        ("127.0.0.1", "any", None),
        ("0.0.0.0/0", "global", None),
        ("not-an-address", "global", None),
    ],
)
def test_private_entries_of_the_ip_list(listed: str, addresses: str, private: list[str] | None) -> None:
    findings, _ = diagnose({CONFIG: account(ip=listed)}, addresses=addresses)
    if private is None:
        assert findings == ()
    else:
        assert one(findings).code == "ip.private-listed"
        assert one(findings).evidence["private"] == private


def test_an_accepted_answer_without_rows_says_nothing_of_permissions() -> None:
    facts, findings = run(CHECK, FakeIo(view=view(need=("trade",)), http_script={CONFIG: ok()}))
    assert findings == ()
    assert facts.account is None


def test_a_sparse_account_is_no_crash() -> None:
    findings, _ = diagnose({CONFIG: ok([{"perm": "read_only", "ip": "198.51.100.7", "uid": None, "acctLv": 2}])})
    assert findings == ()


# ---- what is somebody else's to judge -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "layer"),
    [
        (failed("dns", "resolve"), "dns"),
        (failed("refused", "connect"), "tcp"),
        (failed("timeout", "connect"), "tcp"),
        (failed("unreachable", "connect"), "tcp"),
        (failed("tls", "handshake"), "tls"),
        (failed("not-tls", "handshake"), "tls"),
        (failed("reset", "handshake"), "tls"),
        (failed("proxy", "proxy"), "proxy"),
        (failed("timeout", "proxy"), "proxy"),
        (failed("timeout", "first-byte"), "http"),
        (failed("closed", "body"), "http"),
        (page(403), "http"),
        (page(401, "<html>401</html>", server="gateway"), "http"),
        (page(525), "http"),
        (page(200, ""), "http"),
        (refusal("50001", status=503), "status"),
        (refusal("50013", status=429), "status"),
        (refusal("50011", status=429), "ratelimit"),
        (page(429, "error code: 1015"), "http"),
        (refusal("50121", status=200), "http"),
    ],
)
def test_a_lower_layer_names_the_cause(reply: Scripted, layer: str) -> None:
    with pytest.raises(Skip) as caught:
        asyncio.run(CHECK.probe(FakeIo(http_script={CONFIG: reply})))
    assert caught.value.layer == layer
    assert "openapi.okx.com" in caught.value.because


def test_a_code_that_is_not_understood_is_inconclusive() -> None:
    with pytest.raises(Inconclusive, match="50114"):
        asyncio.run(CHECK.probe(FakeIo(http_script={CONFIG: refusal("50114")})))


# ---- records --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "standing"),
    [
        (account(), KeyStanding(standing="accepted")),
        (refusal("50113"), KeyStanding(standing="refused", code="50113")),
    ],
)
def test_the_standing_is_offered(reply: Scripted, standing: KeyStanding) -> None:
    facts, _ = run(CHECK, FakeIo(http_script={CONFIG: reply}))
    assert CHECK.offers is not None
    assert standing in CHECK.offers(facts)


def test_the_account_is_offered_in_one_spelling() -> None:
    facts, _ = run(CHECK, FakeIo(http_script={CONFIG: account(perm="read, trade", ip="198.51.100.7, 198.51.100.8")}))
    assert CHECK.offers is not None
    assert list(CHECK.offers(facts))[1] == AccountView(
        uid="1", perm=("read_only", "trade"), ip=("198.51.100.7", "198.51.100.8"), acct_lv="2", pos_mode="net_mode",
        kyc_lv="3", account_type="0",
    )  # fmt: skip


# ---- total ------------------------------------------------------------------------------------------------


@given(st.builds(Facts))
def test_any_facts_are_judged(facts: Facts) -> None:
    judged(CHECK, facts)


@given(st.builds(Facts), st.sampled_from(["50101", "50102", "50103", "50105", "50110", "50119", "50113"]))
def test_any_facts_with_a_known_code_are_judged(facts: Facts, code: str) -> None:
    first = replace(facts.first, kind="refused", code=code, failure=None)
    judged(CHECK, replace(facts, first=first, corrected=None))


@pytest.mark.parametrize(
    ("here", "changed"),
    [(machine("uuid"), True), (machine("uuid", "trailing-space"), False), (machine("other"), False)],
)
def test_a_key_that_has_its_form_here_and_none_there_is_changed_on_the_way(here: Surroundings, changed: bool) -> None:
    finding = one(diagnose({CONFIG: refusal("50111", status=401)}, here=here)[0])
    assert finding.code == "key.malformed"
    assert ("changed on the way" in finding.summary) == changed
    assert any("OK-ACCESS-KEY" in line for line in finding.remedy) == changed


# ---- once is not always ---------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["50105", "50113", "50100", "50111", "50106", "50112", "50120", "50035"])
def test_a_refusal_that_does_not_come_twice_is_not_certain(code: str) -> None:
    findings, io = diagnose({CONFIG: [refusal(code), account()]})
    found = next(finding for finding in findings if finding.evidence.get("code") == code)
    assert found.confidence is Confidence.POSSIBLE
    assert found.evidence["asked_again"] == "0"
    assert "accepted a moment later" in found.summary
    assert found.excluded == ()
    twice, _ = diagnose({CONFIG: refusal(code)})
    assert [finding.confidence for finding in twice] == [Confidence.CERTAIN]
    assert [ask.path for ask in io.asks] == ["/api/v5/account/config"] * 2


def test_who_is_accepted_the_second_time_is_looked_at_further() -> None:
    """Other checks are not to be skipped for a refusal that has passed; what the account says is judged."""
    io = FakeIo(http_script={CONFIG: [refusal("50113"), account(perm="read_only")]},
                view=view(need=("trade",)))  # fmt: skip
    facts, findings = run(CHECK, io)
    assert {finding.code for finding in findings} >= {"key.secret-wrong", "permission.missing"}
    assert KeyStanding(standing="accepted") in tuple(CHECK.offers(facts))


def test_a_method_that_arrives_as_another_one() -> None:
    findings, _ = diagnose({CONFIG: refusal("50115", "Invalid request method.", status=405)})
    (found,) = findings
    assert (found.code, found.confidence) == ("signature.unexplained", Confidence.LIKELY)
    assert "50115" in found.summary


def test_a_path_that_is_not_there_is_named() -> None:
    elsewhere = replace(view().rest, base="/okx")
    script = {CONFIG: refusal("404", "Not Found", status=404)}
    with pytest.raises(Inconclusive, match=r"nothing is at /okx/api/v5/account/config \(HTTP 404"):
        diagnose(script, rest=elsewhere)


def test_places_that_a_recording_does_not_hold_are_counted() -> None:
    finding = one(diagnose({CONFIG: refusal("50119")})[0])
    assert (finding.code, finding.confidence) == ("key.unknown", Confidence.CERTAIN)
    assert "on any of " in finding.summary
    facts, _ = run(CHECK, FakeIo(view=view(), http_script={CONFIG: refusal("50119")}))
    first, *others = facts.matrix
    unasked = replace(first, asked=False, reply=Reply(method="GET", path="/api/v5/account/config", kind="failed"))
    weaker = one(judged(CHECK, replace(facts, matrix=(unasked, *others))))
    assert (weaker.code, weaker.confidence) == ("key.unknown", Confidence.LIKELY)
    assert f"; 1 of {len(facts.matrix)} other places did not tell" in weaker.summary
    assert (len(finding.excluded), weaker.excluded) == (2, ())


def test_a_key_that_two_places_know_is_not_only_in_the_wrong_environment() -> None:
    """The same host in the other environment knows it, and another site does as well: where it lives is two places."""

    def told(ask: Ask) -> Scripted:
        return account() if ask.cell in ("global/demo", "eea/live") else refusal("50119")

    finding = one(diagnose({CONFIG: told})[0])
    assert finding.code == "region.wrong-rest-host"
    assert finding.confidence is Confidence.LIKELY
    assert finding.evidence["lives_on"] == ["global/demo", "eea/live"]


@pytest.mark.parametrize("ip", [None, ["127.0.0.1"], 0])
def test_an_answer_that_tells_no_list_says_nothing_of_one(ip: object) -> None:
    """Absent as on older accounts, or another type by now: it is not the list that is empty."""
    assert diagnose({CONFIG: account(ip=ip)}, need=("read", "trade"))[0] == ()


PROXY = Route(
    url="http://proxy.lan:3128", scheme="http", host="proxy.lan", port=3128, source="flag", has_credentials=False
)  # fmt: skip


@pytest.mark.parametrize(
    ("code", "word"), [("50106", "removes the header OK-ACCESS-SIGN"), ("50112", "rewrites the timestamp")]
)
def test_what_changes_requests_on_the_way_is_the_proxy_where_there_is_one(code: str, word: str) -> None:
    direct, proxied = (
        one(diagnose({CONFIG: refusal(code)})[0]),
        one(diagnose({CONFIG: refusal(code)}, rest_route=PROXY)[0]),
    )
    assert "from another network" in direct.remedy[0]
    assert "without the proxy" in proxied.remedy[0]
    assert "proxy.lan:3128" in proxied.remedy[1]
    assert word in direct.remedy[1]
    assert word in proxied.remedy[1]
    if code == "50106":
        assert (direct.evidence["via"], proxied.evidence["via"]) == ("no proxy", "proxy.lan:3128")


@pytest.mark.parametrize(("code", "cause"), [("50100", "key.frozen"), ("50103", "header.missing")])
@pytest.mark.parametrize(("others", "confidence"), [("50100", Confidence.CERTAIN), ("0", Confidence.LIKELY)])
def test_a_refusal_is_not_certain_while_others_of_the_key_are_accepted(
    code: str, cause: str, others: str, confidence: Confidence
) -> None:
    row = LedgerRow(at_mono_ns=0, method="GET", path="/api/v5/account/max-size?x=1", scope="", status=200, code=others)
    public = replace(row, path="/api/v5/public/time", code="0")
    io = FakeIo(view=view(), http_script={CONFIG: refusal(code)}, ledger_rows=(row, public))
    finding = one(run(CHECK, io)[1])
    assert (finding.code, finding.confidence) == (cause, confidence)
    assert ("other requests of the same key are accepted" in finding.summary) == (others == "0")
