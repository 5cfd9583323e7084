"""From settings to a report: choose the checks, open the target, run, and let the report pass the redaction point."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from okxdoctor.cli.interrupts import Interrupts
from okxdoctor.settings import Settings, UsageProblem

if TYPE_CHECKING:
    from okxdoctor.model import Report
    from okxdoctor.redact import Redactor
    from okxdoctor.runner.events import Event
    from okxdoctor.runner.run import Target


def execute(settings: Settings, listen: Callable[[Event], None], interrupts: Interrupts) -> Report:
    """Run the checks and give the redacted report. Raises :class:`UsageProblem` for what cannot be run."""
    return asyncio.run(_execute(settings, listen, interrupts))


async def _execute(settings: Settings, listen: Callable[[Event], None], interrupts: Interrupts) -> Report:
    from okxdoctor.model import Severity
    from okxdoctor.runner.discover import checks
    from okxdoctor.runner.plan import PlanProblem, make_plan
    from okxdoctor.runner.run import Options, run_checks

    stop = interrupts.stop_event()
    try:
        plan = make_plan(checks(), only=settings.only, skip=settings.skip)
    except PlanProblem as problem:
        raise UsageProblem(str(problem), "okxdoctor list checks") from None
    redactor = settings.redactor()
    options = Options(
        timeout_s=settings.timeout_s,
        deadline_s=settings.deadline_s,
        fail_on=Severity(settings.fail_on),
        redact=redactor.text,
    )
    async with _target(settings) as target:
        report = await run_checks(plan, target, options, listen=_redacting(listen, redactor), stop=stop)
    return redactor.report(report)


def _redacting(listen: Callable[[Event], None], redactor: Redactor) -> Callable[[Event], None]:
    """Progress displays are a sink too."""
    from dataclasses import replace

    from okxdoctor.runner.events import CheckFinished, RunFinished

    def pass_on(event: Event) -> None:
        match event:
            case CheckFinished():
                listen(replace(event, attempt=redactor.attempt(event.attempt)))
            case RunFinished():
                listen(replace(event, report=redactor.report(event.report)))
            case _:
                listen(event)

    return pass_on


@asynccontextmanager
async def _target(settings: Settings) -> AsyncIterator[Target]:
    """The target that the settings name, open."""
    match settings.kind:
        case "facts":
            from okxdoctor.targets.bundle import BadBundle, read_bundle

            try:
                yield read_bundle(Path(settings.path or ""))
            except BadBundle as problem:
                raise UsageProblem(f"--target facts: {problem}") from None
        case "cassette":
            from okxdoctor.targets.cassette import BadCassette, find_cassette, read_cassette

            try:
                yield read_cassette(find_cassette(settings.path or ""), settings.need, settings.instruments)
            except BadCassette as problem:
                raise UsageProblem(f"--target cassette: {problem}") from None
        case "live" | "demo":
            from okxdoctor.model import TargetName
            from okxdoctor.targets.live.target import LiveTarget
            from okxdoctor.targets.probed import ProbedTarget

            config = settings.target_config()
            view = config.view
            name = TargetName(
                kind=view.kind, site=view.site, rest=view.rest.url, ws=view.ws.url, environment=view.environment
            )
            async with LiveTarget(config) as live:
                yield ProbedTarget(name=name, io=live, live=live)
        case "sim":
            from okxdoctor.targets.sim import open_sim

            async with open_sim(settings) as target:
                yield target
