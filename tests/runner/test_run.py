"""The engine: whatever a check does, the run ends in time with one attempt for each and a valid report."""

from __future__ import annotations

import asyncio
import errno
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from okxdoctor.check import Check, Inconclusive, Skip
from okxdoctor.model import Attempt, Finding, Outcome, Report, Severity, TargetName, Verdict
from okxdoctor.port import Io, KeyStanding, TimeBasis
from okxdoctor.runner.events import CheckFinished, CheckStarted, Event, RunFinished, RunStarted
from okxdoctor.runner.plan import Plan, PlanProblem, in_order, make_plan
from okxdoctor.runner.run import Options, run_checks


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    n: int = 0


class NoIo:
    """These checks ask nothing of the world but each other."""


@dataclass
class StubTarget:
    saved: Mapping[str, Attempt] | None = None
    io: Any = None
    effort: tuple[int, int] = (3, 2)

    def __post_init__(self) -> None:
        self.io = NoIo()

    @property
    def name(self) -> TargetName:
        return TargetName(kind="sim", site="global", rest="https://x.test", ws="wss://x.test")


async def fine(io: Io) -> Facts:
    return Facts(n=1)


def nothing(facts: Facts) -> Iterable[Finding]:
    return ()


def behind(facts: Facts) -> Iterable[Finding]:
    return (Finding(code="clock.behind", summary="45 s behind", evidence={"skew_s": -45.0}),)


def make(id: str, probe: Any = fine, evaluate: Any = nothing, causes: tuple[str, ...] = ("clock.behind",), **more: Any):
    return Check(id=id, title=f"{id} is well", facts=Facts, probe=probe, evaluate=evaluate, causes=causes, **more)


def go(
    *checks: Check[Any], target: Any = None, stop: float | None = None, plan: Plan | None = None, **options: Any
) -> tuple[Report, list[Event]]:
    events: list[Event] = []

    async def main() -> Report:
        event = asyncio.Event()
        if stop is not None:
            asyncio.get_running_loop().call_later(stop, event.set)
        chosen = plan or make_plan(in_order(checks))
        return await run_checks(chosen, target or StubTarget(), Options(**options), listen=events.append, stop=event)

    return asyncio.run(main()), events


def attempts(report: Report) -> dict[str, Attempt]:
    return {a.check: a for a in report.attempts}


def test_a_healthy_run_says_so_and_tells_its_events_in_order() -> None:
    report, events = go(make("a"), make("b"))
    assert (report.verdict, report.exit_code, report.diagnosis) == (Verdict.HEALTHY, 0, ())
    assert isinstance(events[0], RunStarted)
    assert isinstance(events[-1], RunFinished)
    for id in ("a", "b"):
        kinds = [type(e) for e in events if getattr(e, "check", None) == id
                 or (isinstance(e, CheckFinished) and e.attempt.check == id)]  # fmt: skip
        assert kinds == [CheckStarted, CheckFinished]
    assert (report.requests, report.connections) == (3, 2)


def points(layer: str) -> Any:
    async def probe(io: Io) -> Facts:
        raise Skip(f"no answer (see {layer})", layer=layer)

    return probe


def test_a_skip_for_what_another_check_found_stays_one() -> None:
    report, _ = go(make("tls", evaluate=behind), make("http", points("tls")), make("key", points("http")))
    assert [attempts(report)[id].outcome for id in ("http", "key")] == [Outcome.SKIPPED, Outcome.SKIPPED]
    assert report.exit_code == 1


def test_a_skip_for_a_warning_is_no_health_either() -> None:
    """Every call refused with a warning beside it: the run did not look, and its exit code says so."""

    def busy(facts: Facts) -> tuple[Finding, ...]:
        return (Finding(code="status.overloaded", summary="busy", evidence={"calls": 9}),)

    report, _ = go(make("status", evaluate=busy, causes=("status.overloaded",)), make("key", points("status")))
    assert attempts(report)["key"].outcome is Outcome.INCONCLUSIVE
    assert attempts(report)["key"].because == "no answer (see status); status found no more than a warning"
    assert [root.code for root in report.diagnosis] == ["status.overloaded"]
    assert report.exit_code == 3


def test_a_skip_for_what_another_check_did_not_find_is_no_health() -> None:
    """One request may be lost where all others come through: who points elsewhere then has not looked."""
    report, _ = go(make("tls"), make("http", points("tls")), make("key", points("http")))
    seen = attempts(report)
    assert [seen[id].outcome for id in ("http", "key")] == [Outcome.INCONCLUSIVE, Outcome.INCONCLUSIVE]
    assert seen["key"].because == "no answer (see http); tls found nothing"
    assert (report.verdict, report.exit_code) == (Verdict.INCONCLUSIVE, 3)


def test_a_skip_for_a_check_that_was_left_out_is_no_health() -> None:
    report, _ = go(make("env"), make("key", points("tls")))
    assert attempts(report)["key"].because == "no answer (see tls); tls did not look"
    assert report.exit_code == 3


def test_checks_that_point_at_each_other_have_not_looked() -> None:
    report, _ = go(make("a", points("b")), make("b", points("a")))
    assert {attempt.outcome for attempt in report.attempts} == {Outcome.INCONCLUSIVE}


def test_independent_checks_run_together() -> None:
    meeting = []

    def meets(io: Io) -> Any:
        async def probe() -> Facts:
            meeting.append(1)
            while len(meeting) < 3:
                await asyncio.sleep(0.001)
            return Facts()

        return probe()

    report, _ = go(make("a", meets), make("b", meets), make("c", meets), timeout_s=5)
    assert {a.outcome for a in report.attempts} == {Outcome.COMPLETED}


def test_a_crash_in_probe_or_judgement_stops_nobody_else() -> None:
    async def crashes(io: Io) -> Facts:
        raise RuntimeError("boom with hunter2 in it")

    def judge_crashes(facts: Facts) -> Iterable[Finding]:
        raise KeyError("x")

    report, _ = go(
        make("a", crashes), make("b", evaluate=judge_crashes), make("c"), redact=lambda t: t.replace("hunter2", "***")
    )
    rows = attempts(report)
    assert (rows["a"].outcome, rows["b"].outcome, rows["c"].outcome) == (
        Outcome.BROKEN, Outcome.BROKEN, Outcome.COMPLETED)  # fmt: skip
    assert report.exit_code == 4
    assert "hunter2" not in str(report)
    assert "RuntimeError" in (rows["a"].because or "")
    assert rows["b"].facts == {"n": 1}  # what was gathered is not lost with the judgement


def test_no_descriptor_left_is_a_probe_that_could_not_look_and_no_defect() -> None:
    async def spent(io: Io) -> Facts:
        raise OSError(errno.EMFILE, "Too many open files")

    report, _ = go(make("a", spent), make("b"))
    assert attempts(report)["a"].outcome is Outcome.INCONCLUSIVE
    assert "ulimit -n" in (attempts(report)["a"].because or "")
    assert report.exit_code == 3


def test_a_finding_outranks_a_crash_in_the_exit_code() -> None:
    async def crashes(io: Io) -> Facts:
        raise RuntimeError

    report, _ = go(make("a", crashes), make("b", evaluate=behind))
    assert report.exit_code == 1
    assert report.verdict is Verdict.BROKEN


def test_an_undeclared_cause_is_a_defect_of_ours() -> None:
    report, _ = go(make("a", evaluate=behind, causes=("clock.ahead",)))
    assert attempts(report)["a"].outcome is Outcome.BROKEN


def test_hanging_checks_are_given_up_even_when_they_refuse_to_die() -> None:
    async def hangs(io: Io) -> Facts:
        await asyncio.sleep(60)
        return Facts()

    async def immortal(io: Io) -> Facts:
        until = time.monotonic() + 2.5
        while time.monotonic() < until:
            try:
                await asyncio.sleep(0.2)
            except asyncio.CancelledError:
                pass
        return Facts()

    begun = time.monotonic()
    report, _ = go(make("a", hangs), make("b", immortal), make("c"), timeout_s=0.1)
    rows = attempts(report)
    assert rows["a"].outcome is rows["b"].outcome is Outcome.INCONCLUSIVE
    assert "0.1 s" in (rows["a"].because or "")
    assert rows["c"].outcome is Outcome.COMPLETED
    assert report.exit_code == 3
    assert report.verdict is Verdict.INCONCLUSIVE
    assert time.monotonic() - begun < 20


def test_the_deadline_ends_the_run_with_a_whole_report() -> None:
    async def hangs(io: Io) -> Facts:
        await asyncio.sleep(60)
        return Facts()

    report, events = go(make("a", hangs), make("b"), make("c", needs=("a",)), deadline_s=0.2)
    rows = attempts(report)
    assert set(rows) == {"a", "b", "c"}
    assert "deadline" in (rows["a"].because or "")
    assert rows["c"].outcome in (Outcome.SKIPPED, Outcome.INCONCLUSIVE)
    assert isinstance(events[-1], RunFinished)


def test_ctrl_c_leaves_a_valid_report_of_what_is_known() -> None:
    async def hangs(io: Io) -> Facts:
        await asyncio.sleep(60)
        return Facts()

    report, _ = go(make("a", hangs), make("b", evaluate=behind), stop=0.1)
    assert report.exit_code == 130
    assert report.interrupted
    assert [d.code for d in report.diagnosis] == ["clock.behind"]
    assert attempts(report)["a"].because == "interrupted"


@pytest.mark.parametrize(("error", "outcome"), [(Skip("no key"), "skipped"), (Inconclusive("dark"), "inconclusive")])
def test_skips_and_blind_spots_keep_their_reason(error: Exception, outcome: str) -> None:
    async def probe(io: Io) -> Facts:
        raise error

    report, _ = go(make("a", probe), make("b"))
    row = attempts(report)["a"]
    assert (row.outcome, row.because) == (outcome, str(error))
    assert report.exit_code == (0 if outcome == "skipped" else 3)


def test_a_blind_spot_that_does_not_matter_does_not_fail_the_run() -> None:
    async def probe(io: Io) -> Facts:
        raise Inconclusive("dark")

    report, _ = go(make("a", probe, matters=False), make("b"))
    assert report.exit_code == 0


def test_nothing_looked_at_is_not_health() -> None:
    async def probe(io: Io) -> Facts:
        raise Skip("nothing there")

    report, _ = go(make("a", probe))
    assert (report.exit_code, report.verdict) == (3, Verdict.INCONCLUSIVE)


def test_looking_only_at_what_the_named_check_needs_is_not_health() -> None:
    async def probe(io: Io) -> Facts:
        raise Skip("not allowed")

    checks = (make("a"), make("b", probe, needs=("a",)))
    report, _ = go(*checks, plan=make_plan(checks, only=["b"]))
    assert [row.outcome for row in report.attempts] == ["completed", "skipped"]
    assert (report.exit_code, report.verdict) == (3, Verdict.INCONCLUSIVE)
    report, _ = go(*checks, plan=make_plan(checks, only=["a"]))
    assert (report.exit_code, report.verdict) == (0, Verdict.HEALTHY)


def test_needs_gate_and_wait_while_reads_only_hand_over() -> None:
    order: list[str] = []

    def noting(id: str, hold: float = 0.0) -> Any:
        async def probe(io: Io) -> Facts:
            order.append(f"{id} starts")
            await asyncio.sleep(hold)
            order.append(f"{id} ends")
            return Facts()

        return probe

    async def reads(io: Io) -> Facts:
        order.append("d starts")
        basis = await io.given(TimeBasis)
        assert await io.given(KeyStanding) is None
        order.append(f"d has {basis.low_s if basis else None}")
        return Facts()

    report, _ = go(
        make("a", noting("a", 0.05), offers=lambda f: (TimeBasis(low_s=1.5, high_s=2.0, source="t"),)),
        make("b", noting("b"), needs=("a",)),
        make("c", noting("c"), needs=("e",)),
        make("d", reads, reads=("a",)),
        make("e", evaluate=behind),
    )
    assert order.index("a ends") < order.index("b starts")
    assert order.index("d starts") < order.index("a ends") < order.index("d has 1.5")
    assert "c starts" not in order
    assert attempts(report)["c"].because == "needs e, which found clock.behind"


def test_waiting_for_another_check_is_not_the_probes_own_time() -> None:
    async def slow(io: Io) -> Facts:
        await asyncio.sleep(0.25)
        return Facts()

    async def reads(io: Io) -> Facts:
        await io.settled()
        return Facts()

    report, _ = go(make("a", slow), make("b", reads, reads=("a",)), timeout_s=0.4)
    assert attempts(report)["b"].outcome is Outcome.COMPLETED
    hanging, _ = go(make("a", slow), make("b", reads, reads=("a",)), timeout_s=0.1)
    assert attempts(hanging)["b"].outcome is Outcome.COMPLETED
    assert attempts(hanging)["a"].outcome is Outcome.INCONCLUSIVE


def test_facts_that_are_no_json_are_a_defect_of_ours() -> None:
    async def probe(io: Io) -> Any:
        return object()

    report, _ = go(make("a", probe))
    assert attempts(report)["a"].outcome is Outcome.BROKEN


def test_saved_facts_are_judged_again_without_probing() -> None:
    async def never(io: Io) -> Facts:
        raise AssertionError("a bundle is not probed")

    live, _ = go(make("a", evaluate=behind), make("b", lambda io: fine(io)))
    saved = {a.check: replace(a, findings=()) for a in live.attempts}
    again, _ = go(make("a", never, behind), make("b", never), make("new", never), target=StubTarget(saved=saved))
    assert [d.code for d in again.diagnosis] == ["clock.behind"]
    assert attempts(again)["new"].outcome is Outcome.SKIPPED
    unfit = {"a": replace(saved["a"], facts={"n": "many"})}
    odd, _ = go(make("a", never, behind), target=StubTarget(saved=unfit))
    assert attempts(odd)["a"].outcome is Outcome.INCONCLUSIVE


def test_fail_on_warning() -> None:
    def drifts(facts: Facts) -> Iterable[Finding]:
        return (Finding(code="clock.drifting", summary="3 s", evidence={}),)

    check = make("a", evaluate=drifts, causes=("clock.drifting",))
    assert go(check)[0].exit_code == 0
    assert go(check)[0].verdict is Verdict.DEGRADED
    assert go(check, fail_on=Severity.WARNING)[0].exit_code == 1


class TestPlan:
    def test_only_and_skip_take_ids_and_causes(self) -> None:
        checks = (make("clock"), make("dns", causes=("dns.slow", "dns.poisoned")), make("tls", needs=("dns",)))
        plan = make_plan(checks, only=["tls"])
        assert {c.id for c in plan.chosen} == {"tls", "dns"}
        assert [(c.id, why) for c, why in plan.left_out] == [("clock", "not selected by --only")]
        plan = make_plan(checks, only=["dns.slow"])
        assert plan.reports("dns", "dns.slow")
        assert not plan.reports("dns", "dns.poisoned")
        plan = make_plan(checks, skip=["dns.slow", "clock"])
        assert not plan.reports("dns", "dns.slow")
        assert plan.reports("dns", "dns.poisoned")
        assert {c.id for c in plan.chosen} == {"dns", "tls"}

    @pytest.mark.parametrize("flags", [{"only": ["nosuch"]}, {"skip": ["cl0ck*"]}, {"skip": ["*"]}])
    def test_a_selection_that_looks_at_nothing_is_refused(self, flags: dict[str, list[str]]) -> None:
        with pytest.raises(PlanProblem):
            make_plan((make("clock"), make("dns")), **flags)

    def test_a_circle_is_refused(self) -> None:
        with pytest.raises(PlanProblem, match="a -> b -> a"):
            in_order((make("a", needs=("b",)), make("b", reads=("a",))))
