"""The contract of exit codes and verdicts, case by case, and what a baseline takes away."""

from __future__ import annotations

import pytest

from okxdoctor.model import Attempt, Blame, Confidence, Diagnosis, Outcome, Severity, Verdict
from okxdoctor.runner.verdict import Acceptance, conclude

TODAY = "2026-11-23"


def root(severity: Severity, code: str = "clock.ahead") -> Diagnosis:
    return Diagnosis(
        code=code, severity=severity, blame=Blame.YOURS, summary="…", confidence=Confidence.CERTAIN, evidence={"n": 1}
    )  # fmt: skip


def attempt(outcome: Outcome, check: str = "clock", *, matters: bool = True) -> Attempt:
    return Attempt(check=check, title=check, outcome=outcome, because="", elapsed_ms=1.0, matters=matters)


ERROR, WARNING = root(Severity.ERROR), root(Severity.WARNING)
DONE, SKIPPED = attempt(Outcome.COMPLETED), attempt(Outcome.SKIPPED, "dns")
BLIND, BROKEN = attempt(Outcome.INCONCLUSIVE, "tls"), attempt(Outcome.BROKEN, "tcp")
BESIDE = attempt(Outcome.INCONCLUSIVE, "proxy", matters=False)


@pytest.mark.parametrize(
    ("diagnosis", "attempts", "fail_on", "verdict", "exit_code"),
    [
        ([], [DONE], Severity.ERROR, Verdict.HEALTHY, 0),
        ([], [DONE, SKIPPED], Severity.WARNING, Verdict.HEALTHY, 0),
        ([], [DONE, BESIDE], Severity.ERROR, Verdict.HEALTHY, 0),
        ([WARNING], [DONE], Severity.ERROR, Verdict.DEGRADED, 0),
        ([WARNING], [DONE], Severity.WARNING, Verdict.DEGRADED, 1),
        ([ERROR], [DONE], Severity.ERROR, Verdict.BROKEN, 1),
        ([ERROR], [DONE], Severity.WARNING, Verdict.BROKEN, 1),
        # could not look
        ([], [], Severity.ERROR, Verdict.INCONCLUSIVE, 3),
        ([], [SKIPPED], Severity.ERROR, Verdict.INCONCLUSIVE, 3),
        ([], [DONE, BLIND], Severity.ERROR, Verdict.INCONCLUSIVE, 3),
        ([WARNING], [DONE, BLIND], Severity.ERROR, Verdict.INCONCLUSIVE, 3),
        # a defect outranks a blind spot, a finding outranks both
        ([], [DONE, BROKEN], Severity.ERROR, Verdict.INCONCLUSIVE, 4),
        ([], [DONE, BROKEN, BLIND], Severity.ERROR, Verdict.INCONCLUSIVE, 4),
        ([WARNING], [DONE, BROKEN], Severity.WARNING, Verdict.INCONCLUSIVE, 1),
        ([ERROR], [DONE, BROKEN, BLIND], Severity.ERROR, Verdict.BROKEN, 1),
        ([ERROR], [BROKEN], Severity.ERROR, Verdict.BROKEN, 1),
    ],
)
@pytest.mark.parametrize("interrupted", [False, True])
def test_verdict_and_exit_code(
    diagnosis: list[Diagnosis], attempts: list[Attempt], fail_on: Severity, verdict: Verdict, exit_code: int,
    interrupted: bool,
) -> None:  # fmt: skip
    found = conclude(
        diagnosis, attempts, fail_on=fail_on, accepted=(), interrupted=interrupted, today=TODAY
    )  # fmt: skip
    if interrupted:
        # What was found stands; that nothing was found says nothing.
        assert found.exit_code == 130
        assert found.verdict is (Verdict.BROKEN if verdict is Verdict.BROKEN else Verdict.INCONCLUSIVE)
    else:
        assert (found.verdict, found.exit_code) == (verdict, exit_code)
    assert found.diagnosis == tuple(diagnosis)


@pytest.mark.parametrize(("asked", "exit_code"), [((), 0), (("clock",), 0), (("tls",), 3), (("tls", "clock"), 0)])
def test_a_run_that_looked_only_at_what_the_named_checks_need_did_not_look(
    asked: tuple[str, ...], exit_code: int
) -> None:
    found = conclude(
        [], [DONE, SKIPPED], fail_on=Severity.ERROR, accepted=(), interrupted=False, today=TODAY, asked=asked
    )
    assert found.exit_code == exit_code


@pytest.mark.parametrize(
    ("expires", "stands"), [("2026-11-22", True), ("2026-11-23", False), ("2026-11-24", False), ("2027-01-01", False)]
)
def test_an_acceptance_holds_to_the_end_of_its_day(expires: str, stands: bool) -> None:
    row = Acceptance(code="clock.ahead", reason="until the move", owner="ops", expires=expires)
    found = conclude([ERROR], [DONE], fail_on=Severity.ERROR, accepted=[row], interrupted=False, today=TODAY)
    assert found.exit_code == (1 if stands else 0)
    assert found.verdict is (Verdict.BROKEN if stands else Verdict.HEALTHY)
    if stands:
        assert found.diagnosis == (ERROR,)
        assert found.accepted == ()
        assert found.notes == (f"the acceptance of clock.ahead by ops expired on {expires}",)
    else:
        assert found.diagnosis == ()
        assert [each.accepted for each in found.accepted] == [f"until the move (ops, until {expires})"]
        assert found.notes == ()


def test_an_acceptance_is_of_one_cause() -> None:
    row = Acceptance(code="clock.ahead", reason="known", owner="ops", expires="2027-01-01")
    other = root(Severity.ERROR, "dns.poisoned")
    found = conclude([ERROR, other], [DONE], fail_on=Severity.ERROR, accepted=[row], interrupted=False, today=TODAY)
    assert (found.diagnosis, found.exit_code) == ((other,), 1)
    assert [each.code for each in found.accepted] == ["clock.ahead"]
