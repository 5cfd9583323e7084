"""From diagnosis and attempts to the verdict and the exit code. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from okxdoctor.model import Attempt, Diagnosis, Outcome, Severity, Verdict

EXIT_HEALTHY, EXIT_FINDINGS, EXIT_USAGE, EXIT_BLIND, EXIT_DEFECT, EXIT_INTERRUPTED = 0, 1, 2, 3, 4, 130


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """A cause that the user has accepted for now: why, who, and until which day (ISO date, inclusive)."""

    code: str
    reason: str
    owner: str
    expires: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion:
    verdict: Verdict
    exit_code: int
    diagnosis: tuple[Diagnosis, ...]
    accepted: tuple[Diagnosis, ...]
    notes: tuple[str, ...]


def conclude(
    diagnosis: Sequence[Diagnosis],
    attempts: Sequence[Attempt],
    *,
    fail_on: Severity,
    accepted: Sequence[Acceptance],
    interrupted: bool,
    today: str,
    asked: Collection[str] = (),
) -> Conclusion:
    """Apply the baseline, then decide. ``asked`` are the checks that the user named; a run that only looked at what
    these need did not look.

    A finding outranks a defect and a blind spot in the exit code: whoever ignores 3 or 4 must not miss it.
    """
    standing: list[Diagnosis] = []
    waved: list[Diagnosis] = []
    notes: list[str] = []
    by_code = {row.code: row for row in accepted}
    for root in diagnosis:
        row = by_code.get(root.code)
        if row is None:
            standing.append(root)
        elif row.expires < today:
            standing.append(root)
            notes.append(f"the acceptance of {root.code} by {row.owner} expired on {row.expires}")
        else:
            waved.append(replace(root, accepted=f"{row.reason} ({row.owner}, until {row.expires})"))
    errors = any(root.severity is Severity.ERROR for root in standing)
    warnings = any(root.severity is Severity.WARNING for root in standing)
    broken = any(a.outcome is Outcome.BROKEN for a in attempts)
    completed = any(a.outcome is Outcome.COMPLETED and (not asked or a.check in asked) for a in attempts)
    blind = not completed or any(a.outcome is Outcome.INCONCLUSIVE and a.matters for a in attempts)
    verdict = (
        Verdict.BROKEN
        if errors
        else Verdict.INCONCLUSIVE
        if blind or broken or interrupted
        else Verdict.DEGRADED
        if warnings
        else Verdict.HEALTHY
    )
    fails = errors or (warnings and fail_on is Severity.WARNING)
    exit_code = (
        EXIT_INTERRUPTED
        if interrupted
        else EXIT_FINDINGS
        if fails
        else EXIT_DEFECT
        if broken
        else EXIT_BLIND
        if blind
        else EXIT_HEALTHY
    )
    return Conclusion(
        verdict=verdict,
        exit_code=exit_code,
        diagnosis=tuple(standing),
        accepted=tuple(waved),
        notes=tuple(notes),
    )
