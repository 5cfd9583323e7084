"""Every fault of the catalogue leads to its own cause first, with nothing unrelated beside it."""

from __future__ import annotations

import json

import msgspec
import pytest

from okxdoctor.exchange.faults import catalogue as exchange_faults
from okxdoctor.knowledge import causes
from okxdoctor.model import Outcome
from okxdoctor.runner.discover import checks
from okxdoctor.targets.world import catalogue as machine_faults

FAULTS = {fault.name: fault for fault in (*exchange_faults(), *machine_faults())}
SEED = 7
# Of severity info whatever the circumstances: noted under its check, and no alarm.
NOTED = frozenset({"schema.new-field"})


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_a_fault_leads_to_its_cause(leap, rendered, secrets, name: str) -> None:
    fault = FAULTS[name]
    burst = fault.cause in ("ratelimit.refusal-shape", "ratelimit.limit-differs")
    trip = fault.cause == "order.state-diverges"
    report = leap(faults=[fault.example], seed=SEED, burst=burst, demo_orders=trip)

    codes = [d.code for d in report.diagnosis]
    if fault.cause in NOTED:
        assert codes == [], "what is good to know is no diagnosis"
        assert [f.code for a in report.attempts for f in a.findings].count(fault.cause) == 1
    else:
        assert codes[:1] == [fault.cause]
        assert codes == [fault.cause], "something unrelated stands beside it"
        assert report.diagnosis[0].remedy
    assert not [a for a in report.attempts if a.outcome is Outcome.BROKEN]

    # The facts survive JSON and give the same findings again.
    by_id = {check.id: check for check in checks()}
    for attempt in report.attempts:
        if attempt.outcome is Outcome.COMPLETED:
            check = by_id[attempt.check]
            facts = msgspec.convert(json.loads(json.dumps(attempt.facts)), check.facts, strict=False)
            again = sorted(check.evaluate(facts), key=lambda f: (f.code, f.subject))
            before = sorted(attempt.findings, key=lambda f: (f.code, f.subject))
            assert [(f.code, f.subject, f.summary) for f in again] == [(f.code, f.subject, f.summary) for f in before]

    # Nothing secret in any format.
    for form, text in rendered(report).items():
        for secret in secrets(SEED):
            assert secret not in text, f"{form} shows a secret"


def test_every_fault_names_a_cause_of_the_vocabulary_and_has_its_own_words() -> None:
    for fault in FAULTS.values():
        assert fault.cause in causes(), fault.name
        assert fault.example.partition("=")[0] == fault.name
        assert len(fault.says) > 20


IN_SCOPE = ("env", "clock", "dns", "tcp", "proxy", "tls", "http", "status", "key", "permission", "header",
            "ratelimit", "instrument")  # fmt: skip
ALSO = {
    "timestamp.expired",
    "timestamp.format",
    "ip.not-whitelisted",
    "ip.unbound",
    "ip.private-listed",
    "ws.blocked",
    "ws.no-pong",
    "ws.silent",
}
# No fault leads to this: the healthy exchange sends no rate-limit headers, which is a note under its check.
WITHOUT = {"ratelimit.headers-absent"}


def test_every_cause_in_scope_has_a_fault() -> None:
    wanted = {code for code in causes() if code.split(".")[0] in IN_SCOPE} | ALSO
    assert wanted - {fault.cause for fault in FAULTS.values()} == WITHOUT
