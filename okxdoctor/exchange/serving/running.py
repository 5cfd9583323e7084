"""Start and stop: the core, the servers, the network around them, and faults that come and go."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import os
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from okxdoctor.exchange.core.clock import Clock
from okxdoctor.exchange.core.exchange import Exchange
from okxdoctor.exchange.core.sites import CERTIFICATE_NAMES, REST_NAME, TEST_NAMES, WS_NAME
from okxdoctor.exchange.faults import Injected, parse
from okxdoctor.exchange.faults.effects import circumstances
from okxdoctor.exchange.faults.model import Unit
from okxdoctor.exchange.faults.occasions import Occasions, Record
from okxdoctor.exchange.net.delay import NEAR, Distance
from okxdoctor.exchange.net.edge import Edge
from okxdoctor.exchange.net.plan import NetPlan, net_plan
from okxdoctor.exchange.net.service import Acceptor, netloc

from .control import Control
from .desk import Desk
from .info import Info, SiteInfo
from .log import WireLog
from .sockets import Sockets
from .turns import Turns
from .web import Front


class Faults:
    """The faults that are on. Turning one on again replaces its value, and its history begins anew."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._occasions = running.occasions
        self._loop = asyncio.get_running_loop()
        self._lock = asyncio.Lock()
        self._timer: asyncio.TimerHandle | None = None
        self._turning: asyncio.Task[None] | None = None
        self._steady: tuple[Injected, ...] = ()

    @property
    def on(self) -> tuple[Injected, ...]:
        """What was turned on, also what has not begun or is over by its schedule."""
        return self._occasions.injected

    @property
    def records(self) -> tuple[Record, ...]:
        """What has become of each: since when, how many occasions there were, how many of them met it."""
        return self._occasions.records

    async def turn_on(self, *faults: str | Injected) -> None:
        """Let these faults be on from now on; raises ``UnknownFault`` or ``BadFaultValue`` and changes nothing then."""
        read = {fault.name: fault for fault in (f if isinstance(f, Injected) else parse(f) for f in faults)}
        kept = {fault.name: fault for fault in self.on if fault.name not in read}
        await self._change({**kept, **read}.values(), anew=read)

    async def turn_off(self, *names: str) -> None:
        """Lift these faults; names that are not on are passed over."""
        off = {name.partition("=")[0].partition(",")[0].partition(";")[0] for name in names}
        await self._change(fault for fault in self.on if fault.name not in off)

    async def clear(self) -> None:
        """Lift all."""
        await self._change(())

    async def settle(self) -> None:
        """Wait until what schedules say of this moment is in force."""
        self.look()
        if self._turning is not None:
            await asyncio.gather(self._turning, return_exceptions=True)

    def look(self) -> None:
        """Time has passed or jumped: let begin what begins, and end what ends. In the exchange's loop only."""
        if self._occasions.steady() != self._steady and (self._turning is None or self._turning.done()):
            self._turning = self._loop.create_task(self._turn())
            self._running.apply_to_core(self._occasions.steady())  # at once: the network takes a moment
        self._await_turn()

    def close(self) -> None:
        """No schedule goes on."""
        for pending in (self._timer, self._turning):
            if pending is not None:
                pending.cancel()

    async def _turn(self) -> None:
        try:
            async with self._lock:
                while (steady := self._occasions.steady()) != self._steady:
                    self._steady = steady
                    await self._running.apply(steady)
        except OSError as refused:
            # Nobody waits who could be told that the system does not allow it.
            self._running.wire_log.defects.append(f"a fault's schedule: {refused!r}")
        self._await_turn()

    def _await_turn(self) -> None:
        """Come again when the next fault begins or ends; a clock that is moved calls by itself."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        at_ms, rate = self._occasions.next_turn_ms(), self._running.clock.rate
        if at_ms is not None and rate > 0:
            away_s = (at_ms - self._running.schedule_ms()) / 1000 / rate
            self._timer = self._loop.call_later(min(max(away_s, 0.001), _LONGEST_TIMER_S), self.look)

    async def _change(self, on: Iterable[Injected], *, anew: Iterable[str] = ()) -> None:
        """All or nothing: what the system refuses (a port that cannot be filtered) leaves things as they were."""
        async with self._lock:
            before = self._occasions.records
            self._occasions.replace(tuple(on), anew=anew)
            try:
                self._steady = self._occasions.steady()
                await self._running.apply(self._steady)
            except OSError:
                self._occasions.restore(before)
                self._steady = self._occasions.steady()
                await self._running.apply(self._steady)
                raise
            finally:
                self._await_turn()


_LONGEST_TIMER_S = 3_600.0
_MOST_PLANS = 256
THROUGH_PROXY = ("proxy-", "tls-intercepted-by-proxy")
"""Faults, by the beginnings of their names, of a world in which the client goes through a proxy."""


class Running:
    """An exchange that is being served in the running loop.

    ``clock`` may be moved from any thread; ``exchange`` is the core; ``wire_log`` is what crossed the wire.
    ``distance`` is how far away everything is.
    """

    def __init__(self, *, seed: int, clock: Clock, host: str, directory: Path, distance: Distance = NEAR) -> None:
        self.clock = clock
        self._distance = distance
        self.exchange = Exchange(clock=clock, seed=seed)
        self.wire_log = WireLog()
        self.occasions = Occasions(seed=seed, now_ms=self.schedule_ms)
        self.faults = Faults(self)
        self.desk = Desk(self)
        self.turns = Turns()
        self.sockets = Sockets(self.exchange, self.wire_log, self.occasions, self.turns)
        self._host = host
        self._directory = directory
        self._edge = Edge(
            names=TEST_NAMES,
            clock=lambda: clock.now_ns() / 1e9,
            host=host,
        )
        self._edge.meets = self._plan_for
        self._edge.short = self._shed
        self._edge.turn = self.turns.turn
        self._plans: dict[tuple[Injected, ...], NetPlan] = {}
        self._ports: dict[str, int] = {}
        self._plain_port = 0
        self._plain: Acceptor | None = None
        self._fronts: list[Front] = []
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._forget = [self.exchange.watch(self._wake), clock.listen(self._time_jumped)]
        self.ca_file = ""
        self.ca_bundle = ""

    def __repr__(self) -> str:
        return f"<exchange at {netloc(self._host, self._ports.get('global', 0))}>"

    async def start(self, *, port: int = 0, faults: Iterable[str | Injected] = ()) -> None:
        """Open every listener; raises OSError when ``port`` is taken."""
        self.ca_file = str(self._edge.authority.root_file(self._directory))
        self.ca_bundle = str(self._edge.authority.bundle_file(self._directory))
        await self._edge.start()
        plain = self._front("global", plain=True, control=Control(self))
        listener = socket.create_server(
            (self._host, 0), family=socket.AF_INET6 if ":" in self._host else socket.AF_INET, backlog=128
        )
        self._plain_port = int(listener.getsockname()[1])
        self._plain = Acceptor(listener, partial(_serve_plain, plain.factory()), short=self._shed)
        for site in self.exchange.sites:
            opened = await self._edge.tls_port(
                protocol_factory=self._front(site).factory(), names=CERTIFICATE_NAMES,
                upstream=(self._host, self._plain_port), port=port if site == "global" else 0,
            )  # fmt: skip
            self._ports[site] = opened.port
        if faults or self._distance != NEAR:
            await self.faults.turn_on(*faults)

    def _front(self, site: str, *, plain: bool = False, control: Control | None = None) -> Front:
        front = Front(
            exchange=self.exchange, site=site, log=self.wire_log, sockets=self.sockets, occasions=self.occasions,
            pace=self.turns, plain=plain, control=control,
        )  # fmt: skip
        self._fronts.append(front)
        return front

    def schedule_ms(self) -> int:
        """The time that schedules go by: the exchange's, without what a fault does to it."""
        return self.clock.now_ms() - self.clock.offset_ms

    def apply_to_core(self, injected: Iterable[Injected]) -> None:
        """Make the exchange itself as these faults say."""
        world = circumstances(injected)
        if world != self.exchange.world:
            self.exchange.set_circumstances(world)

    async def apply(self, injected: Iterable[Injected]) -> None:
        """Make the world as these faults say, in the core and on the network."""
        on = tuple(injected)
        self.apply_to_core(on)
        plan = self._plan(on)
        if any(each.name.startswith(THROUGH_PROXY) for each in self.faults.on):
            # A client has its proxy configured, also while nothing is wrong with it.
            plan = replace(plan, proxy=replace(plan.proxy, in_use=True))
        self._edge.offer(("h2", "http/1.1") if self.exchange.world.edge.goaway_after else ("http/1.1",))
        await self._edge.apply(plan)

    def _plan(self, on: tuple[Injected, ...]) -> NetPlan:
        return net_plan(on, names=TEST_NAMES, address=self._host, distance=self._distance)

    def _plan_for(self, unit: Unit, place: str) -> NetPlan | None:
        """What one occasion on the network meets; None: nothing but what is always there."""
        met = self.occasions.meet(unit, place)
        if not met:
            return None
        on = (*self.occasions.steady(), *met)
        if on not in self._plans:
            if len(self._plans) >= _MOST_PLANS:
                self._plans.clear()
            self._plans[on] = self._plan(on)
        return self._plans[on]

    def _wake(self) -> None:
        if threading.get_ident() == self._thread:
            self.sockets.wake()
        else:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self.sockets.wake)

    def _time_jumped(self) -> None:
        self._wake()
        if threading.get_ident() == self._thread:
            self.faults.look()
        else:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self.faults.look)

    def _shed(self) -> None:
        """Let go of those who have said nothing yet, so that others can be served."""
        for front in self._fronts:
            front.shed()

    async def close(self) -> None:
        """Stop everything; safe after a start that failed half-way."""
        for forget in self._forget:
            forget()
        self.faults.close()
        await self.sockets.close()
        if self._plain is not None:
            await self._plain.close()
        await self._edge.close()
        for front in self._fronts:
            await front.close()
        self.turns.close()

    @property
    def info(self) -> Info:
        """Where and how this exchange is reached."""
        host, edge = self._host, self._edge
        sites: list[SiteInfo] = []
        for site, port in self._ports.items():
            main = self._ports["global"]
            ws_main = edge.legacy_port.port if edge.plan.ws_on_legacy_port else main
            for environment in ("live", "demo"):
                handed = self.exchange.credentials(site, environment)
                base = "/ws/v5" if environment == "live" else "/demo/ws/v5"
                sites.append(
                    SiteInfo(
                        name=site,
                        environment=environment,
                        rest_url=f"https://{netloc(host, port)}",
                        ws_url=f"wss://{netloc(host, port)}{base}",
                        named_rest_url=f"https://{REST_NAME[site]}:{main}",
                        named_ws_url=f"wss://{WS_NAME[site, environment]}:{ws_main}/ws/v5",
                        api_key=handed.api_key,
                        secret_key=handed.secret_key,
                        passphrase=handed.passphrase,
                    )
                )
        first, plain = sites[0], netloc(host, self._plain_port)
        return Info(
            rest_url=first.rest_url, ws_url=first.ws_url, plain_rest_url=f"http://{plain}",
            plain_ws_url=f"ws://{plain}/ws/v5", named_rest_url=first.named_rest_url,
            named_ws_url=first.named_ws_url, ca_file=self.ca_file, ca_bundle=self.ca_bundle,
            dns_server=edge.program_dns.address, independent_dns_server=edge.independent_dns.address,
            ntp_server=edge.ntp[0].address, ntp_servers=tuple(server.address for server in edge.ntp),
            control_url=f"http://{plain}/__control__", proxy_url=edge.proxy_url,
            proxy_in_use=edge.plan.proxy.in_use, legacy_ws_port=edge.legacy_port.port, api_key=first.api_key,
            secret_key=first.secret_key, passphrase=first.passphrase, sites=tuple(sites),
        )  # fmt: skip


async def _serve_plain(factory: Callable[[], asyncio.BaseProtocol], sock: socket.socket) -> None:
    await asyncio.get_running_loop().connect_accepted_socket(factory, sock)


@contextlib.asynccontextmanager
async def running(
    *,
    seed: int = 0,
    faults: Iterable[str | Injected] = (),
    port: int = 0,
    host: str = "127.0.0.1",
    clock: Clock | None = None,
    round_trip_s: float = 0.0,
    distance: Distance | None = None,
) -> AsyncIterator[Running]:
    """An exchange in the running loop, gone at the end of the block.

    ``port``          of the main TLS listener; 0: any free one
    ``clock``         the exchange's time; None: real time
    ``round_trip_s``  how far away everything is, there and back
    ``distance``      the same with jitter and loss (``exchange.net.delay.Distance``)
    Raises ``UnknownFault``, ``BadFaultValue`` (before anything is opened) and OSError (port taken).
    """
    read = [fault if isinstance(fault, Injected) else parse(fault) for fault in faults]
    with _own_directory() as directory:
        owner = os.getpid()
        exchange = Running(
            seed=seed,
            clock=clock or Clock(time.time_ns),
            host=host,
            directory=directory,
            distance=distance if distance is not None else Distance(one_way_s=round_trip_s / 2),
        )
        try:
            await exchange.start(port=port, faults=read)
            yield exchange
        finally:
            if os.getpid() == owner:  # a forked child has the same loop, and would close it for its parent
                await exchange.close()


@contextlib.contextmanager
def _own_directory() -> Iterator[Path]:
    """A temporary directory, which the process that has made it removes, and no child that was forked off it."""
    owner, path = os.getpid(), tempfile.mkdtemp(prefix="okxdoctor-")

    def remove() -> None:
        if os.getpid() == owner:
            shutil.rmtree(path, ignore_errors=True)

    atexit.register(remove)
    try:
        yield Path(path)
    finally:
        atexit.unregister(remove)
        remove()
