"""Every other choice of a fault leads to the same cause as its example, and two faults together lead to both."""

from __future__ import annotations

import ssl

import pytest

from okxdoctor.exchange.faults import catalogue as exchange_faults
from okxdoctor.model import Confidence, Outcome
from okxdoctor.targets.world import catalogue as machine_faults

CHOICES = [
    (f"{fault.name}={choice}", fault.cause)
    for fault in (*exchange_faults(), *machine_faults())
    for choice in getattr(fault, "choices", ())
    if f"{fault.name}={choice}" != fault.example and choice != fault.default
]

OFFERED = {cipher["name"] for cipher in ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).get_ciphers()}


@pytest.mark.parametrize(("fault", "cause"), CHOICES)
def test_a_choice_leads_to_the_cause_of_its_fault(leap, fault: str, cause: str) -> None:
    if fault == "tls-weak-ciphers=aes128-sha" and "AES128-SHA" in OFFERED:
        pytest.skip("this interpreter is of a distribution whose OpenSSL takes that cipher: nothing is wrong there")
    report = leap(faults=[fault], seed=11, burst=cause == "ratelimit.refusal-shape")
    assert [found.code for found in report.diagnosis] == [cause]
    assert not [attempt for attempt in report.attempts if attempt.outcome is Outcome.BROKEN]


@pytest.mark.parametrize(
    ("faults", "causes"),
    [
        (("key-secret-wrong", "clock-ahead=45s"), {"clock.ahead", "key.secret-wrong"}),
        (("key-passphrase-wrong", "key-wrong-environment"), {"key.passphrase-wrong", "key.wrong-environment"}),
        (("ip-private-listed", "instrument-not-live"), {"ip.private-listed", "instrument.not-live"}),
        (("ws-blocked", "permission-excess"), {"ws.blocked", "permission.excess"}),
    ],
)
def test_two_faults_are_both_named(leap, faults: tuple[str, ...], causes: set[str]) -> None:
    report = leap(faults=faults, seed=11)
    assert {found.code for found in report.diagnosis} == causes


@pytest.mark.parametrize("home", ["eea", "us"])
def test_the_site_of_the_key_is_named(leap, home: str) -> None:
    (found,) = leap(faults=[f"region-wrong-rest-host={home}"], seed=11).diagnosis
    assert found.code == "region.wrong-rest-host"
    assert found.confidence is Confidence.CERTAIN
    assert found.evidence["lives_on"] == [f"{home}/live"]
    assert found.remedy[0] == f"okxdoctor run --site {home}"
