"""The TLS check: names, dates by trusted time, stores, and greetings that die."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from fakeio import EPOCH_NS, FakeIo, codes, judged, run, view
from hypothesis import given
from hypothesis import strategies as st

from okxdoctor.check import Inconclusive, Skip
from okxdoctor.model import Confidence, Finding, Severity
from okxdoctor.port import Certificate, Endpoint, Handshake, Role, Route, TimeBasis, TrustStore, Verification
from okxdoctor_checks._certificates import called, covers, epoch_s, path
from okxdoctor_checks._tls_greeting import Greeting
from okxdoctor_checks.tls import CHECK, Facts

DAY_S = 86400.0
NOW = EPOCH_NS / 1e9  # 2025-11-24T16:00:00Z
HOST = "openapi.okx.com"
STORE = TrustStore(source="system", path="/etc/ssl/certs", certificates=140)


def leaf(**changes: Any) -> Certificate:
    base = Certificate(
        subject="CN=okx.com",
        issuer="CN=WE1, O=Google Trust Services",
        names=("okx.com", "*.okx.com"),
        not_before="2025-10-01T00:00:00Z",
        not_after="2025-12-30T00:00:00Z",
        serial="1",
        sha256="00",
        key_type="EC",
        key_bits=256,
        signature_hash="sha256",
        is_ca=False,
        self_issued=False,
        aia_issuers=("http://i.pki.goog/we1.crt",),
    )
    return replace(base, **changes)


ISSUER = leaf(
    subject="CN=WE1, O=Google Trust Services",
    issuer="CN=GTS Root R4",
    names=(),
    not_before="2023-12-13T00:00:00Z",
    not_after="2029-02-20T00:00:00Z",
    is_ca=True,
)
ROOT = replace(ISSUER, subject="CN=GTS Root R4", issuer="CN=GTS Root R4", self_issued=True, signature_hash="sha1")


def verified(store: Any = "in-use", code: int = 0, source: str = "system") -> Verification:
    text = {0: "", 20: "unable to get local issuer certificate", 85: "Missing Authority Key Identifier"}.get(code, "no")
    return Verification(store=store, ok=code == 0, code=code, message=text, source=source)


def shaken(outcome: Any = "ok", *, host: str = HOST, **changes: Any) -> Handshake:
    base = Handshake(host=host, server_name=host, address="104.18.43.174", port=443, outcome=outcome, elapsed_ms=20.0)
    if outcome == "ok":
        base = replace(base, version="TLSv1.3", chain=(leaf(), ISSUER), verifications=(verified(),))
    return replace(base, **changes)


def facts(handshake: Handshake, flipped: Handshake | None = None, **changes: Any) -> Facts:
    base = Facts(
        greetings=(Greeting(role="rest", host=HOST, handshake=handshake, flipped=flipped),),
        trust=STORE,
        wall_ns=EPOCH_NS,
        basis=TimeBasis(low_s=-0.01, high_s=0.01, source="the exchange"),
        public=True,
    )
    return replace(base, **changes)


def only(found: tuple[Finding, ...]) -> Finding:
    assert len(found) == 1, found
    return found[0]


def of(handshake: Handshake, flipped: Handshake | None = None, **changes: Any) -> Finding:
    return only(judged(CHECK, facts(handshake, flipped, **changes)))


def unverified(*more: Verification, code: int = 20, **changes: Any) -> Handshake:
    return shaken(verifications=(verified(code=code), *more), **changes)


def test_healthy() -> None:
    assert judged(CHECK, facts(shaken())) == ()
    with_root = shaken(chain=(leaf(), ISSUER, ROOT), verifications=(verified(), verified("bundled")))
    assert judged(CHECK, facts(with_root)) == ()
    assert judged(CHECK, facts(shaken(verifications=()))) == ()


# ---- names -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "host", "yes"),
    [
        (["openapi.okx.com"], HOST, True),
        (["OPENAPI.OKX.COM"], "openapi.okx.com.", True),
        (["*.okx.com"], HOST, True),
        (["*.okx.com"], "okx.com", False),
        (["*.okx.com"], "a.b.okx.com", False),
        (["*.com"], "okx.com", False),
        (["*"], "localhost", False),
        (["o*.okx.com"], HOST, False),
        (["*.*.com"], "a.okx.com", False),
        (["okx.com"], HOST, False),
        (["xopenapi.okx.com"], HOST, False),
        (["127.0.0.1"], "127.0.0.1", True),
        (["*.0.0.1"], "127.0.0.1", False),
        (["::1"], "[0:0:0:0:0:0:0:1]", True),
        (["127.0.0.1"], "127.0.0.2", False),
        ([], HOST, False),
        ([""], "", False),
    ],
)
def test_covers(names: list[str], host: str, yes: bool) -> None:
    assert covers(names, host) is yes


def test_hostname_mismatch() -> None:
    found = of(shaken(chain=(leaf(names=("portal.hotel.example",)), ISSUER)))
    assert found.code == "tls.hostname-mismatch"
    assert "portal.hotel.example" in found.summary
    assert HOST in found.summary
    assert found.excluded == ("tls.trust-store",)
    assert "names no host" in of(shaken(chain=(leaf(names=()),))).summary


# ---- dates -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025-11-24T16:00:00Z", NOW),
        ("2025-11-24T17:00:00+01:00", NOW),
        ("2025-11-24T16:00:00", NOW),
        ("9999-12-31T23:59:59Z", 253402300799.0),
        ("", None),
        ("soon", None),
        ("2025-13-01T00:00:00Z", None),
    ],
)
def test_epoch(text: str, expected: float | None) -> None:
    assert epoch_s(text) == expected


@pytest.mark.parametrize(
    ("not_after", "expected"),
    [
        ("2025-11-24T15:59:00Z", "tls.expired"),
        ("2025-11-24T16:01:00Z", "tls.expires-soon"),
        ("2025-12-08T15:59:00Z", "tls.expires-soon"),
        ("2025-12-08T16:01:00Z", None),
    ],
)
def test_end(not_after: str, expected: str | None) -> None:
    found = judged(CHECK, facts(shaken(chain=(leaf(not_after=not_after), ISSUER))))
    assert codes(found) == ([expected] if expected else [])


@pytest.mark.parametrize(
    ("not_before", "expected"),
    [("2025-11-24T16:01:00Z", ["tls.not-yet-valid"]), ("2025-11-24T15:59:00Z", [])],
)
def test_begin(not_before: str, expected: list[str]) -> None:
    assert codes(judged(CHECK, facts(shaken(chain=(leaf(not_before=not_before), ISSUER))))) == expected


def test_numbers_of_an_expired_certificate() -> None:
    found = of(shaken(chain=(leaf(not_after="2025-11-21T16:00:00Z"), ISSUER)))
    assert "expired 3.0 d ago" in found.summary
    assert found.evidence["days"] == 3.0
    assert found.evidence["judged_by"] == "the exchange"
    assert found.excluded == ("clock.ahead", "clock.behind", "clock.timezone-shift")


@pytest.mark.parametrize("off_s", [400 * DAY_S, -400 * DAY_S])
def test_a_wrong_local_clock_is_not_blamed_on_the_server(off_s: float) -> None:
    """True time is ``off_s`` away from the local clock, and by true time the certificate is in order."""
    wrong = facts(
        shaken(),
        wall_ns=EPOCH_NS - round(off_s * 1e9),
        basis=TimeBasis(low_s=off_s - 0.01, high_s=off_s + 0.01, source="NTP"),
    )
    assert judged(CHECK, wrong) == ()
    nobody_knows = only(judged(CHECK, replace(wrong, basis=None)))
    assert nobody_knows.confidence is Confidence.LIKELY
    assert nobody_knows.code in ("tls.expired", "tls.not-yet-valid")


def test_an_uncertain_time_proves_nothing() -> None:
    ended = shaken(chain=(leaf(not_after="2025-11-24T15:59:30Z"), ISSUER))
    wide = TimeBasis(low_s=-60, high_s=60, source="the HTTP Date header")
    assert codes(judged(CHECK, facts(ended, basis=wide))) == ["tls.expires-soon"]


def test_expired_issuer_counts_and_an_old_cross_signed_one_does_not() -> None:
    old = "2025-01-01T00:00:00Z"
    assert "issuer of" in of(shaken(chain=(leaf(), replace(ISSUER, not_after=old)))).summary
    cross = replace(ISSUER, subject="CN=GTS Root R4", issuer="CN=GlobalSign Root CA", not_after=old)
    assert judged(CHECK, facts(shaken(chain=(leaf(), ISSUER, cross)))) == ()
    lost = unverified(chain=(leaf(), ISSUER, cross), code=10)
    assert codes(judged(CHECK, facts(lost))) == ["tls.intercepted"]


# ---- stores ----------------------------------------------------------------------------------


def test_self_signed() -> None:
    own = leaf(issuer="CN=okx.com", self_issued=True)
    found = of(unverified(chain=(own,), code=18))
    assert found.code == "tls.self-signed"
    trusted = shaken(chain=(own,), verifications=(verified(source="ca-file"),))
    assert judged(CHECK, facts(trusted)) == ()


def test_intercepted_names_the_root() -> None:
    corporate = leaf(issuer="CN=Corp Inspection CA", aia_issuers=())
    root = replace(ROOT, subject="CN=Corp Inspection CA", issuer="CN=Corp Inspection CA")
    found = of(unverified(verified("system", 19), verified("bundled", 19), chain=(corporate, root), code=19))
    assert (found.code, found.confidence) == ("tls.intercepted", Confidence.CERTAIN)
    assert "from Corp Inspection CA," in found.summary
    alone = of(unverified(verified("bundled", 20), chain=(corporate,)))
    assert (alone.code, alone.confidence) == ("tls.intercepted", Confidence.LIKELY)
    middle = replace(ISSUER, subject="CN=Corp Inspection CA", issuer="CN=Corp Root")
    without_root = of(unverified(chain=(corporate, middle)))
    assert without_root.evidence["root"] == "CN=Corp Root"


@pytest.mark.parametrize("store", ["system", "bundled"])
def test_trust_store(store: Any) -> None:
    found = of(unverified(verified(store)))
    assert found.code == "tls.trust-store"
    assert found.severity is None


def test_incomplete_chain() -> None:
    repaired = unverified(
        verified("bundled", 20), verified("in-use+aia"), chain=(leaf(),), aia_fetched=("http://i.pki.goog/we1.crt",)
    )
    found = of(repaired)
    assert (found.code, found.confidence) == ("tls.incomplete-chain", Confidence.CERTAIN)
    assert "(WE1)" in found.summary
    assert found.evidence["missing"] == "CN=WE1, O=Google Trust Services"
    assert found.evidence["fetched_from"] == ["http://i.pki.goog/we1.crt"]
    unfetched = of(unverified(verified("bundled", 20), chain=(leaf(),)))
    assert (unfetched.code, unfetched.confidence) == ("tls.incomplete-chain", Confidence.POSSIBLE)


def test_fetched_issuer_of_a_private_root_is_interception() -> None:
    private = unverified(
        verified("in-use+aia", 19), verified("bundled", 20), chain=(leaf(),), aia_fetched=("http://pki.corp/ca.crt",)
    )
    assert of(private).code == "tls.intercepted"


def test_python_313_strictness_is_a_trust_finding_of_its_own() -> None:
    found = of(unverified(code=85))
    assert found.code == "tls.trust-store"
    assert found.evidence["strict"] is True
    assert "3.13" in found.summary


@pytest.mark.parametrize("problem", ["missing", "unreadable", "empty", "not-pem"])
def test_broken_store_is_one_finding(problem: str) -> None:
    broken = TrustStore(source="env:SSL_CERT_FILE", path="/nowhere.pem", certificates=0, problem=problem)
    found = of(unverified(verified("bundled")), trust=broken)
    assert (found.code, found.subject) == ("tls.trust-store", "")
    assert "SSL_CERT_FILE" in found.summary
    assert "unset SSL_CERT_FILE" in found.remedy[0]


def test_private_root_in_the_system_store_behind_a_public_name() -> None:
    quiet = shaken(verifications=(verified(), verified("system"), verified("bundled", 20)))
    found = of(quiet)
    assert (found.code, found.severity) == ("tls.intercepted", Severity.WARNING)
    assert judged(CHECK, facts(quiet, public=False)) == ()


# ---- strength --------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["TLSv1", "TLSv1.1", "SSLv3"])
def test_old_protocol(version: str) -> None:
    assert version in of(shaken(version=version)).summary


@pytest.mark.parametrize(
    ("change", "weak"),
    [
        ({"key_type": "RSA", "key_bits": 1024}, True),
        ({"key_type": "RSA", "key_bits": 2047}, True),
        ({"key_type": "RSA", "key_bits": 2048}, False),
        ({"key_type": "EC", "key_bits": 256}, False),
        ({"key_type": "unknown", "key_bits": 0}, False),
        ({"signature_hash": "sha1"}, True),
        ({"signature_hash": "SHA-1"}, True),
        ({"signature_hash": "md5"}, True),
        ({"signature_hash": "ed25519"}, False),
        ({"signature_hash": ""}, False),
    ],
)
def test_weak_certificate(change: dict[str, Any], weak: bool) -> None:
    assert codes(judged(CHECK, facts(shaken(chain=(leaf(**change), ISSUER))))) == (["tls.weak"] if weak else [])


def test_weak_key_is_named_before_the_store_that_refuses_it() -> None:
    assert of(unverified(chain=(leaf(key_type="RSA", key_bits=1024), ISSUER), code=66)).code == "tls.weak"


@pytest.mark.parametrize("alert", ["protocol_version", "insufficient_security"])
def test_alert_of_an_old_peer(alert: str) -> None:
    assert of(shaken("alert", alert=alert)).code == "tls.weak"


@pytest.mark.parametrize("reason", ["alert handshake_failure", "dh key too small"])
def test_a_cipher_that_programs_of_today_refuse(reason: str) -> None:
    found = of(shaken(version="TLSv1.2", cipher="DHE-RSA-AES128-GCM-SHA256", refused=reason))
    assert found.code == "tls.weak"
    assert (found.evidence["cipher"], found.confidence) == ("DHE-RSA-AES128-GCM-SHA256", Confidence.CERTAIN)
    assert reason in found.summary


# ---- greetings that die ----------------------------------------------------------------------


@pytest.mark.parametrize("alert", ["handshake_failure", "certificate_required"])
def test_a_gateway_that_wants_a_certificate_is_told_from_a_filter(alert: str) -> None:
    found = of(shaken("alert", alert=alert, asks_certificate=True), shaken(server_name="example.com"))
    assert (found.code, found.confidence) == ("tls.handshake-reset", Confidence.CERTAIN)
    assert (found.evidence["alert"], found.evidence["asks_certificate"]) == (alert, True)
    assert "certificate of the client" in found.summary
    assert found.remedy
    plain = of(shaken("alert", alert=alert), shaken(server_name="example.com"))
    assert "asks_certificate" not in plain.evidence
    assert "certificate of the client" not in plain.summary


def test_a_server_that_only_asks_is_healthy() -> None:
    assert not judged(CHECK, facts(shaken(asks_certificate=True)))


@pytest.mark.parametrize("outcome", ["reset", "closed", "timeout"])
@pytest.mark.parametrize(
    ("flipped", "confidence"),
    [
        (shaken(server_name="example.com"), Confidence.CERTAIN),
        (shaken("alert", alert="handshake_failure", server_name="example.com"), Confidence.CERTAIN),
        (shaken("error", server_name="example.com"), Confidence.POSSIBLE),
        (None, Confidence.LIKELY),
    ],
)
def test_cut_off(outcome: Any, flipped: Handshake | None, confidence: Confidence) -> None:
    found = of(shaken(outcome), flipped)
    assert found.code == "tls.handshake-reset"
    assert found.confidence is confidence


@pytest.mark.parametrize(
    ("outcome", "code"), [("timeout", "http.timeout"), ("reset", "tcp.refused"), ("closed", "tcp.refused")]
)
def test_what_is_the_same_for_every_name_is_no_filter_of_names(outcome: Any, code: str) -> None:
    found = of(shaken(outcome), shaken(outcome, server_name="example.com"))
    assert (found.code, found.confidence) == (code, Confidence.LIKELY)
    assert "tls.handshake-reset" in found.excluded
    assert found.evidence["other_name"] == "example.com"


@pytest.mark.parametrize(("first", "then"), [("reset", "closed"), ("closed", "reset")])
def test_a_reset_here_and_a_close_there_is_the_same_end(first: Any, then: Any) -> None:
    assert of(shaken(first), shaken(then, server_name="example.com")).code == "tcp.refused"


@pytest.mark.parametrize("proof", ["began", "asks_certificate"])
def test_who_had_begun_to_answer_is_somebody(proof: str) -> None:
    cut = replace(shaken("closed"), **{proof: True})
    found = of(cut, replace(cut, server_name="example.com"))
    assert (found.code, found.confidence) == ("tls.handshake-reset", Confidence.POSSIBLE)


def test_alert_about_the_name() -> None:
    found = of(shaken("alert", alert="unrecognized_name"), shaken(server_name="example.com"))
    assert (found.code, found.confidence) == ("tls.handshake-reset", Confidence.CERTAIN)
    assert found.evidence["alert"] == "unrecognized_name"
    refused = shaken("alert", alert="unrecognized_name", server_name="example.com")
    assert of(shaken("alert", alert="unrecognized_name"), refused).confidence is Confidence.POSSIBLE


def test_not_tls() -> None:
    found = of(shaken("not-tls", plain="HTTP/1.1 400 Bad Request"))
    assert found.code == "tls.not-tls"
    assert "HTTP/1.1 400" in found.summary


def test_each_role_is_judged() -> None:
    ended = shaken(chain=(leaf(not_after="2025-11-21T16:00:00Z"), ISSUER))
    two = facts(ended)
    two = replace(two, greetings=(*two.greetings, replace(two.greetings[0], role="ws")))
    assert [f.subject for f in judged(CHECK, two)] == ["rest", "ws"]


# ---- chains ----------------------------------------------------------------------------------


def test_path_follows_issuers_in_any_order_and_ends() -> None:
    assert path((leaf(), ROOT, ISSUER)) == (leaf(), ISSUER, ROOT)
    assert path((leaf(), ROOT)) == (leaf(),)
    circle = replace(ISSUER, issuer=leaf().subject)
    assert path((leaf(), circle)) == (leaf(), circle)
    assert path(()) == ()


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("CN=WE1, O=Google Trust Services, C=US", "WE1"),
        ("O=Corp, C=DE", "Corp"),
        ("CN=a=b", "a=b"),
        ("C=DE", "C=DE"),
        ("", "nobody"),
        ("unreadable: ValueError", "unreadable: ValueError"),
    ],
)
def test_called(name: str, short: str) -> None:
    assert called(name) == short


wild_certificates = st.builds(
    Certificate,
    names=st.lists(st.sampled_from([HOST, "*.okx.com", "*", "", "127.0.0.1"]) | st.text(max_size=5), max_size=3).map(
        tuple
    ),
    not_before=st.sampled_from(["", "0001-01-01T00:00:00+14:00", "2025-10-01T00:00:00Z"]) | st.text(max_size=5),
    not_after=st.sampled_from(["", "9999-12-31T23:59:59-14:00", "2025-10-01T00:00:00Z"]) | st.text(max_size=5),
)
wild_handshakes = st.builds(
    Handshake,
    outcome=st.sampled_from(["ok", "ok", "alert", "reset", "closed", "timeout", "not-tls", "error"]),
    chain=st.lists(wild_certificates, max_size=3).map(tuple),
    verifications=st.lists(st.from_type(Verification), max_size=4).map(tuple),
    version=st.sampled_from(["TLSv1.3", "TLSv1", ""]),
)


@given(
    st.builds(
        Facts,
        greetings=st.lists(
            st.builds(Greeting, handshake=wild_handshakes, flipped=st.none() | wild_handshakes), max_size=2
        ).map(tuple),
    )
)
def test_evaluate_is_total(any_facts: Facts) -> None:
    for found in CHECK.evaluate(any_facts):
        assert found.code in CHECK.causes
        assert found.evidence


# ---- the probe -------------------------------------------------------------------------------

BASIS = TimeBasis(low_s=-0.1, high_s=0.1, source="NTP")
WS = shaken(host="ws.okx.com")


def test_probe_of_a_healthy_world() -> None:
    io = FakeIo(handshakes={"rest": shaken(), "ws": WS}, trust_fact=STORE, records=(BASIS,))
    found, findings = run(CHECK, io)
    assert findings == ()
    assert found.basis == BASIS
    assert all(g.flipped is None for g in found.greetings)


def test_probe_flips_the_name_where_a_greeting_died() -> None:
    io = FakeIo(
        handshakes={
            "rest": shaken("reset"),
            "rest example.com": shaken(server_name="example.com"),
            "ws": shaken("alert", alert="protocol_version"),
        },
        trust_fact=STORE,
    )
    found, findings = run(CHECK, io)
    assert codes(findings) == ["tls.handshake-reset", "tls.weak"]
    assert found.greetings[1].flipped is None


def test_probe_does_not_wait_out_a_silence_before_it_flips_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    class Silent(FakeIo):
        flips = 0

        async def handshake(self, role: Role, *, server_name: str | None = None, again: bool = False) -> Handshake:
            if server_name is not None:
                self.flips += 1
                return shaken(server_name=server_name, elapsed_ms=0.5)
            while not self.flips:
                await asyncio.sleep(0)
            return shaken("timeout")

    monkeypatch.setattr("okxdoctor_checks.tls.limit", lambda name: 0.001)
    found, findings = run(CHECK, Silent(trust_fact=STORE))
    assert codes(findings) == ["tls.handshake-reset", "tls.handshake-reset"]
    assert {g.flipped.outcome for g in found.greetings if g.flipped} == {"ok"}


@pytest.mark.parametrize("first", ["timeout", "reset", "closed"])
@pytest.mark.parametrize(("second", "expected"), [("ok", []), ("same", ["tls.handshake-reset"])])
def test_a_greeting_that_was_lost_once_is_not_cut_off_for_its_name(
    first: Any, second: str, expected: list[str]
) -> None:
    """A slow line, or one that loses packets: the other name was luckier, and so is this one the second time."""
    io = FakeIo(
        handshakes={
            "rest": shaken(first),
            "rest again": shaken() if second == "ok" else shaken(first),
            "rest example.com": shaken(server_name="example.com"),
            "ws": WS,
        },
        trust_fact=STORE,
    )
    assert codes(run(CHECK, io)[1]) == expected


@pytest.mark.parametrize(
    ("other_ms", "expected"), [(400.0, "tls.handshake-reset"), (1_900.0, "http.timeout"), (None, "http.timeout")]
)
def test_silence_where_the_other_name_is_late_too_is_a_slow_line(other_ms: float | None, expected: str) -> None:
    """64 kbit/s and several greetings at once: which of them is answered in time is chance."""
    other = shaken("timeout") if other_ms is None else shaken(server_name="example.com", elapsed_ms=other_ms)
    found = only(judged(CHECK, facts(shaken("timeout", elapsed_ms=5_000.0), other)))
    assert found.code == expected
    if expected == "http.timeout":
        assert ("1.9 s: a line that is slow" in found.summary) == (other_ms is not None)


@pytest.mark.parametrize(
    ("detail", "layer"), [("resolve: nxdomain", "dns"), ("connect: refused", "tcp"), ("proxy: 403", "proxy")]
)
def test_probe_without_connection_points_below(detail: str, layer: str) -> None:
    dead = shaken("error", address="", detail=detail)
    with pytest.raises(Skip, match=f"see {layer}") as caught:
        _probe(FakeIo(handshakes={"rest": dead, "ws": dead}, trust_fact=STORE))
    assert caught.value.layer == layer


def test_probe_judges_the_role_that_connects() -> None:
    dead = shaken("error", address="", detail="connect: refused")
    found, _ = run(CHECK, FakeIo(handshakes={"rest": dead, "ws": WS}, trust_fact=STORE))
    assert [g.role for g in found.greetings] == ["ws"]


def test_probe_that_saw_nothing_says_so() -> None:
    blind = shaken("error", detail="internal")
    with pytest.raises(Inconclusive):
        _probe(FakeIo(handshakes={"rest": blind, "ws": blind}, trust_fact=STORE))


def test_probe_of_a_target_that_holds_only_a_part() -> None:
    class Bare(FakeIo):
        async def handshake(self, role: Any, *, server_name: str | None = None, again: bool = False) -> Handshake:
            if role == "ws" or server_name is not None:
                raise Skip("no sockets here", layer="tcp")
            return await super().handshake(role)

        async def trust(self) -> TrustStore:
            raise Skip("no store here")

    found, findings = run(CHECK, Bare(handshakes={"rest": shaken("reset")}))
    assert (found.trust, found.greetings[0].flipped) == (None, None)
    assert [f.confidence for f in findings] == [Confidence.LIKELY]


def test_probe_through_a_proxy_points_to_it() -> None:
    via = Route(url="http://p:1", scheme="http", host="p", port=1, source="flag", has_credentials=False)
    dead = shaken("error", address="", detail="connect: refused")
    with pytest.raises(Skip, match="see proxy"):
        _probe(FakeIo(view=view(rest_route=via, ws_route=via), handshakes={"rest": dead, "ws": dead}))


def test_probe_of_plain_addresses() -> None:
    def plain(role: Any) -> Endpoint:
        return Endpoint(role=role, url="http://h", scheme="http", host="h", port=80, base="", tls=False)

    with pytest.raises(Skip, match="plain"):
        _probe(FakeIo(view=view(rest=plain("rest"), ws=plain("ws"))))


def _probe(io: FakeIo) -> Any:
    async def once() -> Any:
        return await CHECK.probe(io)

    return asyncio.run(once())
