"""A whole grading: the healthy round, then every round that can tell something about this program; then the grades.

Rounds are independent of each other (each has an exchange, a gateway and a process of its own) and run side by side.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import ssl
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from okxdoctor.conformance.client import program, rounds
from okxdoctor.conformance.client.cases import Case, Limits, limits
from okxdoctor.conformance.client.gateway import Gateway
from okxdoctor.conformance.client.grade import Grade, not_exercised
from okxdoctor.conformance.client.judging import judge
from okxdoctor.conformance.client.record import Record
from okxdoctor.conformance.client.rounds import Round
from okxdoctor.conformance.client.trace import (
    Asked,
    Ended,
    Event,
    Knock,
    Known,
    Opened,
    Played,
    Printed,
    Trace,
    decoded,
)
from okxdoctor.conformance.client.trap import Trap
from okxdoctor.conformance.client.upstream import ask

if TYPE_CHECKING:
    from okxdoctor.exchange.core.clock import Clock

TICK_S = 0.05
PATIENCE_S = 15.0
"""How long a program may take from its start to its first connection; the rounds are counted from there."""
JOBS = 4
STEP_AFTER_S = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be graded, and how.

    ``seconds``    the longest a round may last; ``healthy_s`` how long the healthy one does
    ``jobs``       how many rounds run side by side
    ``plain``      gives the program plain http and ws addresses (for one that cannot be given a certificate authority)
    ``environ``    more variables for the program
    ``enough``     ends the healthy round early: whether these events show what the program does
    """

    command: tuple[str, ...]
    cases: tuple[Case, ...]
    seed: int = 0
    seconds: float = 60.0
    jobs: int = JOBS
    healthy_s: float = rounds.HEALTHY_S
    environment: Literal["live", "demo"] = "live"
    plain: bool = False
    limits: Limits = field(default_factory=limits)
    environ: Mapping[str, str] = field(default_factory=dict)
    enough: Callable[[Sequence[Event]], bool] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Graded:
    """A case with its grade."""

    case: Case
    grade: Grade


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Everything a report shows. ``said`` is what the suite has to say about the program as such."""

    command: tuple[str, ...]
    seed: int
    elapsed_ms: float
    graded: tuple[Graded, ...]
    traces: tuple[Trace, ...]
    said: tuple[str, ...] = ()
    interrupted: bool = False
    defects: tuple[str, ...] = ()
    known: Known = field(default_factory=Known, repr=False)

    @property
    def reached(self) -> bool:
        """Whether the program came to the exchange at all."""
        return any(trace.calls or trace.upgrades for trace in self.traces)

    def count(self, verdict: str) -> int:
        return sum(one.grade.verdict == verdict for one in self.graded)

    def exit_code(self, fail_on: Literal["must", "should"] = "must") -> int:
        """By the contract of the command line: 130, 1, 4, 3, 0, the first that applies."""
        levels = ("must",) if fail_on == "must" else ("must", "should")
        if self.interrupted:
            return 130
        if any(one.grade.verdict == "failed" and one.case.level in levels for one in self.graded):
            return 1
        if self.defects:
            return 4
        return 0 if self.reached and (self.count("passed") or self.count("failed")) else 3


class CannotRun(Exception):
    """The command cannot be started at all."""


Progress = Callable[[str], None]


async def run(wish: Wish, *, stop: asyncio.Event | None = None, progress: Progress = lambda said: None) -> Outcome:
    """Grade a program. ``stop`` ends it early: what was seen by then is graded. Raises ``CannotRun``."""
    began = monotonic()
    stop = stop or asyncio.Event()
    asyncio.get_running_loop().set_exception_handler(_unheard)
    if shutil.which(wish.command[0]) is None:
        raise CannotRun(f"there is no such command: {wish.command[0]}")
    with tempfile.TemporaryDirectory(prefix="okxdoctor-") as directory:
        stage = Stage(wish, Path(directory), stop, progress)
        try:
            traces = await stage.play()
        except OSError as error:
            raise CannotRun(f"{wish.command[0]}: {error.strerror or error}") from None
    defects = list(stage.defects)
    graded = []
    for case in wish.cases:
        try:
            grade = judge(case, traces, wish.limits)
        except Exception as defect:
            # One judge that cannot cope with what it sees does not cost the user the others.
            defects.append(f"the judge of {case.id}: {defect!r}")
            grade = not_exercised("its judge failed")
        graded.append(Graded(case=case, grade=grade))
    return Outcome(
        command=wish.command,
        seed=wish.seed,
        elapsed_ms=(monotonic() - began) * 1000,
        graded=tuple(graded),
        traces=traces,
        said=tuple(stage.said),
        interrupted=stop.is_set(),
        defects=tuple(defects),
        known=stage.known,
    )


def _unheard(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """A write to a program that has gone is no news."""
    if not isinstance(context.get("exception"), OSError | RuntimeError):
        loop.default_exception_handler(context)


class Stage:
    """Plays the rounds."""

    def __init__(self, wish: Wish, directory: Path, stop: asyncio.Event, progress: Progress) -> None:
        from okxdoctor.exchange.net.ca import Authority

        self._wish = wish
        self._directory = directory
        self._stop = stop
        self._progress = progress
        self._authority = Authority()
        self._bundle = str(self._authority.bundle_file(directory))
        self._wishes = rounds.tls_wishes()
        self.known = Known()
        self.said: list[str] = []
        self.defects: list[str] = []

    async def play(self) -> tuple[Trace, ...]:
        """The traces of all rounds, the healthy one first."""
        length_s = self._wish.healthy_s
        healthy = await self._round(Round(name=rounds.HEALTHY, length_s=length_s, settle_s=length_s))
        traces = [healthy]
        self._speak_of(healthy)
        able = rounds.abilities(healthy)
        # What is graded on every round needs none for itself beside the healthy one.
        wanted = {name for case in self._wish.cases for name in case.rounds if name != "*"}
        names = {str(case.params["name"]) for case in self._wish.cases if "name" in case.params}
        chosen = [
            rounds.after_start(rounds.narrowed(one, names), healthy)
            for one in rounds.plan()
            if able.issuperset(one.needs) and _wanted(one.name, wanted) and not (self._wish.plain and one.knock)
        ]
        gate = asyncio.Semaphore(max(1, self._wish.jobs))
        alone: list[Round] = []
        for one, found in zip(chosen, await asyncio.gather(*(self._series(one, gate) for one in chosen)), strict=True):
            if len(found) == 1 and _turned_away(found[0]):
                alone.append(one)
            else:
                traces.extend(found)
        for one in alone:
            # A program that holds a lock or a port lives once at a time.
            traces.extend(await self._series(one, gate))
        return tuple(traces)

    async def _series(self, one: Round, gate: asyncio.Semaphore) -> list[Trace]:
        """A round, the rest of its series, and its parts alone where the whole was too much for the program."""
        traces: list[Trace] = []
        wanted: Round | None = one
        while wanted is not None and not self._stop.is_set():
            async with gate:
                trace, applied = await self._played(wanted)
            traces.append(trace)
            wanted = rounds.again(wanted, applied)
        if (one.together or one.odd_ws) and traces and (_suffered(traces[0]) or (one.odd_ws and _gave_up(traces[0]))):
            met = {name for call in traces[0].calls for name in call.done.split(",")}
            met |= {message.done for socket in traces[0].sockets for message in socket.said}
            parts = [part for part in rounds.alone(one) if met.intersection((*part.together, *part.odd_ws))]
            traces += await asyncio.gather(*(self._alone(part, gate) for part in parts))
        return traces

    async def _alone(self, part: Round, gate: asyncio.Semaphore) -> Trace:
        async with gate:
            if self._stop.is_set():
                return Trace(part.name, (), self.known)
            return (await self._played(part))[0]

    async def _round(self, one: Round) -> Trace:
        return (await self._played(one))[0]

    async def _played(self, one: Round) -> tuple[Trace, tuple[str, ...]]:
        from okxdoctor.exchange import running

        wish, scripts, circumstances = self._wish, one.scripts(), one.circumstances()
        self._progress(one.name)
        async with running(seed=wish.seed, faults=one.faults) as exchange:
            record = Record(exchange.clock.now_ms)
            site = next(each for each in exchange.info.sites if each.environment == wish.environment)
            if not self.known.instruments:
                self.known = Known(
                    key=site.api_key,
                    secret=site.secret_key,
                    passphrase=site.passphrase,
                    environment=wish.environment,
                    instruments=await _listed(exchange.info.plain_rest_url),
                )
            ws_url = exchange.info.plain_ws_url
            if wish.environment == "demo":
                ws_url = ws_url.replace("/ws/v5", "/demo/ws/v5")
            gateway = Gateway(
                record=record,
                rest_url=exchange.info.plain_rest_url,
                ws_url=ws_url,
                scripts=scripts,
                known=self.known,
                circumstances=circumstances,
                tls=None if wish.plain else self._context("healthy"),
                rest_tls=self._shown(one.rest_tls),
                ws_tls=self._shown(one.ws_tls),
            )
            trap = Trap(record)
            await gateway.open()
            await trap.open()
            try:
                environment = {
                    **os.environ,
                    **wish.environ,
                    **exchange.info.environ(site),
                    **trap.environ(os.environ),
                    "OKX_BASE_URL": gateway.rest_url,
                    "OKX_WS_URL": gateway.ws_url,
                    "PYTHONUNBUFFERED": "1",
                    **dict.fromkeys(("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"), self._bundle),
                }
                await self._watched(one, record, gateway, environment, exchange.clock)
            finally:
                await gateway.close()
                await trap.close()
            self.defects += [f"round {one.name}: {each}" for each in (*gateway.defects, *exchange.wire_log.defects)]
            applied = tuple(name for script in scripts for name in script.applied)
            return record.trace(one.name, self.known), applied

    async def _watched(
        self, one: Round, record: Record, gateway: Gateway, environment: Mapping[str, str], clock: Clock
    ) -> None:
        """Let the program run until the round has nothing more to tell."""
        started = await program.start(self._wish.command, environment)
        length_s = min(one.length_s, self._wish.seconds)
        patience_s = min(PATIENCE_S, self._wish.seconds)
        healthy, enough = one.name == rounds.HEALTHY, self._wish.enough
        contact_s = done_at = None
        seen, changed_at, steady = 0, 0.0, one.step_s == 0
        try:
            while not self._stop.is_set():
                if await started.ended(TICK_S):
                    record.add(Ended(at_s=record.at(), status=started.status or 0))
                    break
                now = record.at()
                if contact_s is None:
                    contact_s = record.events[0].at_s if record.events else None
                    if now >= patience_s:
                        break
                    continue
                if now - contact_s >= length_s or (healthy and enough is not None and enough(record.events)):
                    break
                played = sum(len(script.applied) for script in gateway.scripts) + (
                    sum(isinstance(event, Knock) for event in record.events) if one.knock else 0
                )
                if played != seen:
                    seen, changed_at = played, now
                if not steady and now - contact_s >= STEP_AFTER_S:
                    # What it does to the program's requests is the same as if the program's own clock had jumped.
                    steady = True
                    clock.offset_ms += int(one.step_s * 1000)
                    record.add(Played(at_s=now, name=one.name, detail=f"{one.step_s:+g} s"))
                if done_at is None and steady and _complete(one, gateway, seen):
                    done_at = now
                if done_at is not None and now - max(done_at, changed_at) >= one.settle_s:
                    break
                if one.series and seen and now - changed_at >= 2 * one.settle_s:
                    break
        finally:
            record.over = True
            await started.end()
            for name in ("stdout", "stderr"):
                text = started.output(name)
                if text:
                    record.add(Printed(at_s=record.at(), stream="stdout" if name == "stdout" else "stderr", text=text))

    def _shown(self, defect: str) -> tuple[str, ssl.SSLContext] | None:
        return (defect, self._context(defect)) if defect else None

    def _context(self, defect: str) -> ssl.SSLContext:
        from okxdoctor.exchange.net.tls import ServerTls, context_of

        wish: Any = self._wishes[defect]
        return context_of(
            ServerTls(**wish), authority=self._authority, names=("127.0.0.1", "localhost"), alpn=("http/1.1",)
        )

    def _speak_of(self, healthy: Trace) -> None:
        """What has to be said of a program that does not work when all is well."""
        ended = healthy.ended
        if ended is not None and not healthy.calls and not healthy.upgrades:
            how = f"status {ended.status}" if ended.status >= 0 else f"signal {-ended.status}"
            self.said.append(f"the program ended after {ended.at_s:.1f} s with {how} and never came to the exchange")
        elif ended is not None and ended.status != 0:
            self.said.append(
                f"the program ended with status {ended.status} after {ended.at_s:.1f} s although nothing was wrong"
            )
        elif not healthy.calls and not healthy.upgrades:
            self.said.append(
                "the program never came to the exchange: it has to take its addresses from OKX_BASE_URL and OKX_WS_URL"
            )
        if self.said:
            lines = [
                each for _, event in healthy.of(Printed) if event.stream == "stderr" for each in event.text.splitlines()
            ]
            self.said += [f"its last words: {each.strip()}" for each in lines[-1:] if each.strip()]


def _complete(one: Round, gateway: Gateway, seen: int) -> bool:
    """Whether everything that was to happen has happened."""
    if one.knock:
        return seen > 0
    if one.faults or one.step_s or (not one.series and not one.make):
        return True
    return all(script.exhausted or script.endless for script in gateway.scripts) and all(
        each.exhausted for each in gateway.circumstances
    )


def _turned_away(trace: Trace) -> bool:
    """Whether a program that came to the exchange before ended with an error and never came there."""
    came = any(isinstance(event, Knock | Asked | Opened) for event in trace.events)
    return not came and trace.ended is not None and trace.ended.status != 0


def _suffered(trace: Trace) -> bool:
    """Whether the program came to an end it would not have come to when all is well."""
    return trace.ended is not None and trace.ended.status != 0


def _gave_up(trace: Trace) -> bool:
    """Whether the program closed a connection and made another one in its place."""
    return any(
        socket.closed is not None
        and socket.closed.by == "program"
        and any(each.path == socket.path and each.place > (socket.closed_place or 0) for each in trace.upgrades)
        for socket in trace.sockets
    )


def _wanted(name: str, patterns: Iterable[str]) -> bool:
    from fnmatch import fnmatchcase

    return any(fnmatchcase(name, pattern) for pattern in patterns)


async def _listed(rest_url: str) -> tuple[tuple[str, tuple[str, str, str, int]], ...]:
    """The instruments that can be traded, as the exchange lists them to everybody."""
    split, found = urlsplit(rest_url), []
    for kind in ("SPOT", "SWAP", "FUTURES", "OPTION&instFamily=BTC-USD"):
        target = f"/api/v5/public/instruments?instType={kind}"
        _, _, body, _ = await ask(
            (split.hostname or "", split.port or 0), "GET", target, ((b"Host", b"127.0.0.1"),), b""
        )
        for row in decoded(body.decode("utf-8", "replace"))["data"]:
            if row["tickSz"] and row["lotSz"]:
                grid = (row["tickSz"], row["lotSz"], row["minSz"], row["instIdCode"] or 0)
                found.append((row["instId"], grid))
    return tuple(found)
