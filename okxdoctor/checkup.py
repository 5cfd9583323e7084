"""One check-up from settings to report: the only place that knows targets, checks and runner at once.

    settings = resolve(flags, os.environ, okxdoctor.files.home())
    report = asyncio.run(check_up(settings))

``check_up`` opens the target, runs the plan, and gives the redacted report. It raises
:class:`~okxdoctor.settings.UsageProblem` for what the user must change, before anything is asked of the world.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from okxdoctor.knowledge.systems import System, here, system_of
from okxdoctor.model import Report, Severity, TargetName
from okxdoctor.port import Io, View
from okxdoctor.redact import Redactor
from okxdoctor.runner.discover import BrokenCheck, checks
from okxdoctor.runner.events import CheckFinished, Event, RunFinished
from okxdoctor.runner.plan import Plan, PlanProblem, make_plan
from okxdoctor.runner.run import Options, Target, run_checks
from okxdoctor.runner.verdict import Acceptance
from okxdoctor.settings import Settings, UsageProblem
from okxdoctor.targets.config import TargetConfig
from okxdoctor.targets.probed import ProbedTarget

ONE_OPERATION = 0.5
"""Share of a probe's time that one connect, handshake or answer may take: a probe that meets a silent peer must
still have time to say so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A target that is ready, with the redaction point that knows its secrets. ``save`` writes its recording."""

    target: Target
    redactor: Redactor
    save: Callable[[], None] = lambda: None


async def check_up(
    settings: Settings,
    *,
    listen: Callable[[Event], None] = lambda event: None,
    stop: asyncio.Event | None = None,
) -> Report:
    """Look at the target of ``settings`` and give the report. ``stop`` ends the run early, with a whole report."""
    plan = _plan(settings)
    accepted = _accepted(settings)
    async with opened(settings) as ready:
        options = Options(
            timeout_s=settings.timeout_s,
            deadline_s=settings.deadline_s,
            fail_on=Severity(settings.fail_on),
            accepted=accepted,
            redact=ready.redactor.text,
            system=_system(ready.target),
        )

        def tell(event: Event) -> None:
            match event:
                case CheckFinished(attempt=attempt):
                    listen(replace(event, attempt=ready.redactor.attempt(attempt)))
                case RunFinished(report=report):
                    listen(replace(event, report=ready.redactor.report(report)))
                case _:
                    listen(event)

        report = await run_checks(plan, ready.target, options, listen=tell, stop=stop)
        report = ready.redactor.report(report)
        ready.save()
    if settings.save_facts is not None:
        _save_facts(report, _path(settings.save_facts))
    return report


def _plan(settings: Settings) -> Plan:
    try:
        return make_plan(checks(), only=settings.only, skip=settings.skip)
    except PlanProblem as problem:
        raise UsageProblem(str(problem), "okxdoctor list checks") from None
    except BrokenCheck as problem:
        raise UsageProblem(f"an installed check cannot be used: {problem}") from None


def _accepted(settings: Settings) -> tuple[Acceptance, ...]:
    if settings.baseline is None:
        return ()
    from okxdoctor.files import named
    from okxdoctor.settings.baseline import read_baseline

    return read_baseline(named(settings.baseline))


def _path(text: str) -> Path:
    """A file to write. ``~`` is the home directory, as it was where the place was proven writable."""
    return Path(text).expanduser()


def _save_facts(report: Report, path: Path) -> None:
    from okxdoctor.files import write_whole
    from okxdoctor.targets.bundle import bundle

    try:
        write_whole(path, bundle(report))
    except OSError as error:
        raise UsageProblem(f"--save-facts: {path} cannot be written: {error.strerror or error}") from None


# ---- targets --------------------------------------------------------------------------------


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Opened]:
    """The target that the settings name, ready to be asked; closed again at the end."""
    match settings.kind:
        case "facts":
            yield Opened(target=_bundle(settings), redactor=settings.redactor())
        case "cassette":
            yield Opened(target=_cassette(settings), redactor=settings.redactor())
        case "sim":
            from okxdoctor.targets.sim import sim_world

            async with sim_world(settings) as inner:
                redactor = inner.redactor.also(settings.secrets())
                async with _probed(settings, inner.config, redactor) as ready, inner.company(ready.target.io):
                    yield ready
        case "live" | "demo":
            config = settings.target_config()
            config = replace(config, timeout_s=settings.timeout_s * ONE_OPERATION)
            async with _probed(settings, config, settings.redactor()) as ready:
                yield ready


@asynccontextmanager
async def _probed(settings: Settings, config: TargetConfig, redactor: Redactor) -> AsyncIterator[Opened]:
    from okxdoctor.targets.live.handshake import nothing_to_offer
    from okxdoctor.targets.live.target import LiveTarget

    if (config.view.rest.tls or config.view.ws.tls) and (why := nothing_to_offer()):
        named = settings.environ.get("OPENSSL_CONF")
        raise UsageProblem(
            f"OpenSSL of this machine cannot begin a TLS connection ({why}), nor can any program that uses it",
            f"OPENSSL_CONF names {named}: mend or unset it" if named else "mend its openssl.cnf: openssl version -d",
        )
    async with LiveTarget(config) as live:
        io: Io = live
        save: Callable[[], None] = lambda: None  # noqa: E731
        if settings.record is not None:
            from okxdoctor.targets.cassette import Recorder

            path = _path(settings.record)
            recorder = Recorder(live, path, redactor.text)
            io, save = recorder.as_io(), lambda: _save_record(recorder, path)
        name = target_name(config.view)
        yield Opened(target=ProbedTarget(name=name, io=io, live=live), redactor=redactor, save=save)


def target_name(view: View) -> TargetName:
    """What a report calls the target."""
    return TargetName(kind=view.kind, site=view.site, rest=view.rest.url, ws=view.ws.url, environment=view.environment)


def _save_record(recorder: object, path: Path) -> None:
    from okxdoctor.targets.cassette import Recorder

    assert isinstance(recorder, Recorder)
    try:
        recorder.save()
    except OSError as error:
        raise UsageProblem(f"--record: {path} cannot be written: {error.strerror or error}") from None


def _system(target: Target) -> System:
    """Where the remedies are to be typed: on the machine whose facts a bundle holds, else on this one."""
    from okxdoctor.targets.bundle import BundleTarget

    return system_of(target.platform) if isinstance(target, BundleTarget) else here()


def _bundle(settings: Settings) -> Target:
    from okxdoctor.targets.bundle import BadBundle, read_bundle

    try:
        return read_bundle(Path(settings.path or ""))
    except BadBundle as problem:
        raise UsageProblem(f"--target facts: {problem}", "make one with --save-facts FILE") from None


def _cassette(settings: Settings) -> Target:
    from okxdoctor.targets.cassette import BadCassette, find_cassette, read_cassette

    try:
        return read_cassette(find_cassette(settings.path or ""), settings.need, settings.instruments)
    except BadCassette as problem:
        raise UsageProblem(f"--target cassette: {problem}", "make one with --record FILE") from None
