"""Run a plan against a target: concurrent, bounded in time, and never lost.

Rules. Every chosen check ends as exactly one Attempt, whatever it does: it may crash, hang, swallow its
cancellation or return rubbish. A probe has its own timeout; the run has a deadline; ``stop`` ends it early
(Ctrl-C). In all three cases the report is complete and valid.
"""

from __future__ import annotations

import asyncio
import errno
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Protocol

from okxdoctor import __version__
from okxdoctor.check import Check, Inconclusive, Skip
from okxdoctor.imports import to_blame
from okxdoctor.knowledge.systems import ANYWHERE, System
from okxdoctor.model import Attempt, Finding, Outcome, Report, Severity, TargetName
from okxdoctor.port import Io
from okxdoctor.runner.diagnose import Vocabulary, diagnose, vocabulary
from okxdoctor.runner.events import CheckFinished, CheckStarted, Event, RunFinished, RunStarted
from okxdoctor.runner.exclude import with_exclusions
from okxdoctor.runner.plan import Plan, read_by
from okxdoctor.runner.scope import Heard, ScopedIo, Settling, as_io, scoped
from okxdoctor.runner.verdict import Acceptance, conclude

LET_GO_S = 0.5  # a cancelled probe may clean up this long before it is left behind


class Target(Protocol):
    """What the runner needs of a target."""

    @property
    def name(self) -> TargetName: ...

    @property
    def io(self) -> Io: ...

    @property
    def saved(self) -> Mapping[str, Attempt] | None:
        """Attempts of an earlier run that are judged again instead of probing; None for a target that is probed."""
        ...

    @property
    def effort(self) -> tuple[int, int]:
        """(requests, connections) made so far."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """``timeout_s`` bounds one probe, ``deadline_s`` the run. ``redact`` is the one redaction point. ``system`` is the
    one that is judged: where its remedies are to be typed."""

    timeout_s: float = 10.0
    deadline_s: float = 30.0
    fail_on: Severity = Severity.ERROR
    accepted: tuple[Acceptance, ...] = ()
    redact: Callable[[str], str] = lambda text: text
    system: System = ANYWHERE


_SPENT = {
    errno.EMFILE: "this process may open no more files (ulimit -n)",
    errno.ENFILE: "this machine may open no more files (fs.file-max)",
}
"""What ends a probe and is nobody's mistake in it."""


class _Run:
    """The state of one run: which checks have settled, and why it ends early if it does."""

    def __init__(self, plan: Plan, target: Target, options: Options, words: Vocabulary) -> None:
        self.plan = plan
        self.target = target
        self.options = options
        self.words = words
        self.attempts: dict[str, Attempt] = {}
        self.pointed: dict[str, str] = {}
        """Checks that were skipped because of what another one sees, and that other one."""
        self.settlings: dict[str, Settling] = {check.id: Settling() for check in plan.chosen}
        self.held_ms: dict[str, float] = {}
        self.heard = Heard()
        self.ending: str | None = None
        self.tasks: dict[str, asyncio.Task[Any]] = {}

    # -- one check --------------------------------------------------------------------------

    async def check(self, check: Check[Any], emit: Callable[[Event], None]) -> None:
        attempt, records = await self._attempt(check, emit)
        if check.id in self.held_ms:
            attempt = replace(attempt, held_ms=self.held_ms[check.id])
        self.attempts[check.id] = attempt
        self.settlings[check.id].settle(records)
        emit(CheckFinished(attempt=attempt))

    async def _attempt(self, check: Check[Any], emit: Callable[[Event], None]) -> tuple[Attempt, tuple[Any, ...]]:
        def ended(outcome: Outcome, because: str, **more: Any) -> tuple[Attempt, tuple[Any, ...]]:
            return self._plain(check, outcome, because, **more), ()

        blocked = await self._blocked(check)
        if blocked is not None:
            return ended(Outcome.SKIPPED, blocked)
        if self.ending is not None:
            return ended(Outcome.SKIPPED, self.ending)
        emit(CheckStarted(check=check.id))
        saved = self.target.saved
        begun = time.monotonic()
        if saved is not None:
            return self._judge_saved(check, saved.get(check.id))
        reads = {read: self.settlings[read] for read in read_by(check, self.plan.chosen)}
        scope = scoped(self.target.io, reads, self.heard)
        task = asyncio.ensure_future(check.probe(as_io(scope)))
        self.tasks[check.id] = task
        over = await self._wait(task, scope)
        if scope.held_s:
            self.held_ms[check.id] = round(scope.held_s * 1000, 1)
        elapsed = round((time.monotonic() - begun) * 1000, 1)
        if over is not None:
            said = await self._let_go(task, check.cleanup_s)
            return ended(Outcome.INCONCLUSIVE, self.options.redact("; ".join((over, *said))), elapsed_ms=elapsed)
        try:
            facts = task.result()
        except Skip as skip:
            if skip.layer:
                self.pointed[check.id] = skip.layer
            return ended(Outcome.SKIPPED, self.options.redact(skip.because), elapsed_ms=elapsed)
        except Inconclusive as blind:
            return ended(Outcome.INCONCLUSIVE, self.options.redact(blind.because), elapsed_ms=elapsed)
        except asyncio.CancelledError:
            return ended(Outcome.INCONCLUSIVE, self._why_cancelled(), elapsed_ms=elapsed)
        except Exception as error:
            if isinstance(error, OSError) and error.errno in _SPENT:
                return ended(Outcome.INCONCLUSIVE, _SPENT[error.errno], elapsed_ms=elapsed)
            if isinstance(error, MemoryError) or "can't start new thread" in str(error):
                return ended(Outcome.INCONCLUSIVE, "this process may use no more memory or threads", elapsed_ms=elapsed)
            if blame := to_blame(error):
                return ended(Outcome.INCONCLUSIVE, self.options.redact(blame), elapsed_ms=elapsed)
            return ended(
                Outcome.BROKEN,
                f"a defect of okxdoctor in the probe: {self._name(error)}",
                elapsed_ms=elapsed,
                trace=self._trace(error),
            )
        return self._judge(check, facts, elapsed)

    def _plain(self, check: Check[Any], outcome: Outcome, because: str, **more: Any) -> Attempt:
        return Attempt(
            check=check.id, title=check.title, outcome=outcome, because=because, matters=check.matters, **more
        )

    async def _blocked(self, check: Check[Any]) -> str | None:
        """Why this check cannot run: something it needs did not complete, or found an error."""
        for need in check.needs:
            settling = self.settlings.get(need)
            if settling is None:
                continue
            await settling.records()
            attempt = self.attempts[need]
            if attempt.outcome is not Outcome.COMPLETED:
                return f"needs {need}, which was {attempt.outcome}: {attempt.because}"
            for finding in attempt.findings:
                if self.words.severity(finding) is Severity.ERROR:
                    return f"needs {need}, which found {finding.code}"
        return None

    async def _wait(self, task: asyncio.Task[Any], scope: ScopedIo) -> str | None:
        """Wait for a probe. None when it is done, else why it is given up."""
        begun = time.monotonic()
        while True:
            left = self.options.timeout_s - (time.monotonic() - begun - scope.paused_s)
            if left <= 0 and not scope.waiting:
                return f"no result within {self.options.timeout_s:g} s (--timeout)"
            done, _ = await asyncio.wait({task}, timeout=max(left, 0.05))
            if done:
                return None
            if self.ending is not None:
                return self.ending

    async def _let_go(self, task: asyncio.Task[Any], cleanup_s: float) -> tuple[str, ...]:
        """Cancel a probe; what it has to say of what it leaves behind, if anything."""
        task.cancel()
        # A result or exception that comes too late is looked at, so that asyncio does not complain about it.
        task.add_done_callback(_look_at)
        await asyncio.wait({task}, timeout=max(LET_GO_S, cleanup_s))
        left = task.exception() if task.done() and not task.cancelled() else None
        return (left.because,) if isinstance(left, Inconclusive) else ()

    def _why_cancelled(self) -> str:
        return self.ending or "the probe was cancelled"

    # -- judging ----------------------------------------------------------------------------

    def _judge_saved(self, check: Check[Any], saved: Attempt | None) -> tuple[Attempt, tuple[Any, ...]]:
        if saved is None:
            return self._plain(check, Outcome.SKIPPED, "the bundle holds nothing of this check"), ()
        if saved.outcome is not Outcome.COMPLETED or saved.facts is None:
            return replace(saved, title=check.title, findings=(), matters=check.matters), ()
        import msgspec

        try:
            facts = msgspec.convert(saved.facts, check.facts, strict=False)
        except (msgspec.ValidationError, TypeError) as error:
            because = f"the saved facts do not fit this version: {error}"
            return self._plain(check, Outcome.INCONCLUSIVE, because, facts=saved.facts), ()
        return self._judge(check, facts, saved.elapsed_ms)

    def _judge(self, check: Check[Any], facts: Any, elapsed: float) -> tuple[Attempt, tuple[Any, ...]]:
        try:
            import msgspec

            plain = msgspec.to_builtins(facts)
        except Exception as error:
            because = f"a defect of okxdoctor: the facts are not JSON-able: {self._name(error)}"
            return self._plain(check, Outcome.BROKEN, because, elapsed_ms=elapsed, trace=self._trace(error)), ()
        try:
            found = tuple(check.evaluate(facts))
            records = tuple(check.offers(facts)) if check.offers is not None else ()
            unknown = [f.code for f in found if f.code not in check.causes or not self.words.known(f.code)]
            if unknown:
                raise ValueError(f"undeclared causes: {', '.join(unknown)}")
        except Exception as error:
            because = f"a defect of okxdoctor in the judgement: {self._name(error)}"
            return (
                self._plain(check, Outcome.BROKEN, because, elapsed_ms=elapsed, facts=plain, trace=self._trace(error)),
                (),
            )
        wanted = tuple(finding for finding in found if self.plan.reports(check.id, finding.code))
        return (
            Attempt(
                check=check.id,
                title=check.title,
                outcome=Outcome.COMPLETED,
                elapsed_ms=elapsed,
                findings=self._sorted(wanted),
                facts=plain,
                matters=check.matters,
            ),
            records,
        )

    def _sorted(self, findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
        return tuple(sorted(findings, key=lambda f: (self.words.severity(f).rank, f.code, f.subject)))

    def _name(self, error: BaseException) -> str:
        return self.options.redact(f"{type(error).__name__}: {error}".splitlines()[0][:200])

    def _trace(self, error: BaseException) -> str:
        return self.options.redact("".join(traceback.format_exception(error)))


async def run_checks(
    plan: Plan,
    target: Target,
    options: Options,
    *,
    listen: Callable[[Event], None] = lambda event: None,
    stop: asyncio.Event | None = None,
) -> Report:
    """Run every chosen check and give the report. Raises nothing of the checks' making."""
    begun = time.monotonic()
    started = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    words = vocabulary()
    run = _Run(plan, target, options, words)
    order = (*plan.chosen, *(check for check, _ in plan.left_out))
    listen(RunStarted(target=target.name, checks=tuple((check.id, check.title) for check in order)))
    tasks = {asyncio.ensure_future(run.check(check, listen)): check for check in plan.chosen}
    stopping = asyncio.ensure_future((stop or asyncio.Event()).wait())
    interrupted = False
    pending: set[asyncio.Task[Any]] = set(tasks)
    try:
        while pending and run.ending is None:
            left = options.deadline_s - (time.monotonic() - begun)
            done, _ = await asyncio.wait(
                {*pending, stopping}, timeout=max(left, 0), return_when=asyncio.FIRST_COMPLETED
            )
            pending -= done
            if stopping in done:
                interrupted, run.ending = True, "interrupted"
            elif not done:
                run.ending = f"the run's deadline of {options.deadline_s:g} s was reached (--deadline)"
        if pending:
            for task in run.tasks.values():
                task.cancel()
            cleanup_s = max((check.cleanup_s for task, check in tasks.items() if task in pending), default=0.0)
            await asyncio.wait(pending, timeout=max(2 * LET_GO_S, cleanup_s + LET_GO_S))
    finally:
        stopping.cancel()
        for task in pending:
            task.cancel()
    attempts = _complete(run, plan)
    findings = [f for a in attempts for f in a.findings]
    conclusion = conclude(
        with_exclusions(
            diagnose(findings, words, system=options.system),
            attempts,
            causes_of={check.id: check.causes for check in plan.chosen},
            look_alikes=words.look_alikes,
            words=words,
        ),
        attempts,
        fail_on=options.fail_on,
        accepted=options.accepted,
        interrupted=interrupted,
        today=started[:10],
        asked=plan.asked,
    )
    requests, connections = target.effort
    report = Report(
        version=__version__,
        target=target.name,
        started=started,
        elapsed_ms=round((time.monotonic() - begun) * 1000, 1),
        verdict=conclusion.verdict,
        exit_code=conclusion.exit_code,
        diagnosis=conclusion.diagnosis,
        accepted=conclusion.accepted,
        notes=conclusion.notes,
        attempts=attempts,
        interrupted=interrupted,
        requests=requests,
        connections=connections,
    )
    listen(RunFinished(report=report))
    return report


def _look_at(late: asyncio.Task[Any]) -> None:
    if not late.cancelled():
        late.exception()


def _complete(run: _Run, plan: Plan) -> tuple[Attempt, ...]:
    """One attempt for every check, in layer order: what never settled says so."""
    from okxdoctor.runner.plan import in_order

    reasons = {check.id: because for check, because in plan.left_out}
    rows: list[Attempt] = []
    for check in in_order((*plan.chosen, *(check for check, _ in plan.left_out))):
        if check.id in run.attempts:
            rows.append(_without_reason(run, run.attempts[check.id]))
        elif check.id in reasons:
            rows.append(run._plain(check, Outcome.SKIPPED, reasons[check.id]))
        else:
            rows.append(run._plain(check, Outcome.INCONCLUSIVE, run.ending or "it never settled"))
    return tuple(rows)


def _without_reason(run: _Run, attempt: Attempt) -> Attempt:
    """Who was skipped for what another check sees, when that one sees no error, has not looked.

    A warning that kept a check from looking is no reason for the run to read as one that looked.
    """
    if attempt.outcome is not Outcome.SKIPPED or attempt.check not in run.pointed:
        return attempt
    here, seen = attempt.check, {attempt.check}
    while here in run.pointed and run.pointed[here] not in seen:
        here = run.pointed[here]
        seen.add(here)
    reason = run.attempts.get(here)
    grave = [run.words.severity(f) for f in reason.findings] if reason is not None else []
    if Severity.ERROR in grave:
        return attempt
    told = "found nothing" if reason is not None and reason.outcome is Outcome.COMPLETED else "did not look"
    if Severity.WARNING in grave:
        told = "found no more than a warning"
    return replace(attempt, outcome=Outcome.INCONCLUSIVE, because=f"{attempt.because}; {here} {told}")
