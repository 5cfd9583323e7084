"""Opening a WebSocket: the way, TLS, the upgrade, and the conversation that comes of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from okxdoctor import __version__
from okxdoctor.port import Instant, LedgerRow, Opening
from okxdoctor.targets.config import Credentials
from okxdoctor.targets.live.attention import patience
from okxdoctor.targets.live.broken import Broken
from okxdoctor.targets.live.hosts import Place
from okxdoctor.targets.live.ledger import Ledger
from okxdoctor.targets.live.pacing import Turn
from okxdoctor.targets.live.route import Route, Trail
from okxdoctor.targets.live.trust import Trust
from okxdoctor.targets.live.upgrade import Upgraded, upgrade
from okxdoctor.targets.live.veil import Veil, veil_header
from okxdoctor.targets.live.websocket import LiveSocket
from okxdoctor.targets.live.wire import Wire

REQUEST_TIMEOUT = 408
"""The answer to a connection that stood too long without a request (RFC 9110, 15.5.9)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opener:
    """What an opening needs. ``places`` bounds the connections; a conversation holds one until it is closed. ``turn``
    is waited for on the connection that stands, before the upgrade is asked for."""

    route: Route
    trust: Trust
    ledger: Ledger
    turn: Callable[[], Awaitable[Turn]]
    veil: Veil
    credentials: Credentials | None
    clock: Callable[[], Instant]
    headers: Mapping[str, str]
    places: asyncio.Semaphore

    async def open(self, place: Place, target: str, *, timeout_s: float) -> LiveSocket:
        """Total: a failure is in the socket's ``opening``."""
        await self.places.acquire()
        upgraded: Upgraded | None = None
        started = time.monotonic()
        try:
            upgraded, held_s = await self._upgraded(place, target, timeout_s)
            # What was held back took no time of the network's: all times of the conversation are told without it.
            started += held_s
            elapsed_ms = round((time.monotonic() - started) * 1000, 3)
        finally:
            if upgraded is None or upgraded.talk is None:
                self.places.release()
        headers = tuple((name, self.veil(veil_header(name, value))) for name, value in upgraded.headers)
        opening = Opening(
            url=f"{'wss' if place.tls else 'ws'}://{place.authority}{target}",
            ok=upgraded.talk is not None,
            status=upgraded.status,
            headers=headers,
            body=self.veil(upgraded.body),
            extensions=dict(headers).get("sec-websocket-extensions", ""),
            failure=upgraded.failure,
            elapsed_ms=elapsed_ms,
            held_ms=round(held_s * 1000, 3),
        )
        return LiveSocket(
            opening,
            started=started,
            veil=self.veil,
            credentials=self.credentials,
            clock=self.clock,
            talk=upgraded.talk,
            released=self.places.release,
        )

    async def _upgraded(self, place: Place, target: str, timeout_s: float) -> tuple[Upgraded, float]:
        """How it went, and how long the request for the upgrade was held back on the connection that stood."""
        deadline = time.monotonic() + timeout_s
        wire = await self._within(place, timeout_s)
        if isinstance(wire, Upgraded):
            return wire, 0.0
        try:
            turn = await self.turn()
        except BaseException:
            wire.close()
            raise
        deadline += turn.held_s
        upgraded = await self._asked(wire, place, target, deadline)
        if upgraded.status == REQUEST_TIMEOUT and turn.held_s > 0:
            # The wire stood while the turn was waited for, longer than somebody in between lets one be silent.
            wire = await self._within(place, max(0.0, deadline - time.monotonic()))
            upgraded = wire if isinstance(wire, Upgraded) else await self._asked(wire, place, target, deadline)
        return upgraded, turn.held_s

    async def _within(self, place: Place, timeout_s: float) -> Wire | Upgraded:
        """A wire to the place, or how it failed."""
        trail = Trail()
        try:
            async with patience(timeout_s):
                return await self._connected(place, trail)
        except TimeoutError:
            return Upgraded(talk=None, failure=self.route.ran_out(trail.phase, after_s=timeout_s))
        except Broken as broken:
            return Upgraded(talk=None, failure=broken.failure)

    async def _asked(self, wire: Wire, place: Place, target: str, deadline: float) -> Upgraded:
        """The request for the upgrade and its answer, noted in the ledger."""
        at = self.clock()
        upgraded = await upgrade(
            wire,
            place,
            target,
            {"User-Agent": f"okxdoctor/{__version__}", **self.headers},
            timeout_s=max(0.0, deadline - time.monotonic()),
        )
        self.ledger.sent(
            LedgerRow(
                at_mono_ns=at.mono_ns,
                method="GET",
                path=target,
                scope="",
                status=upgraded.status,
                code="",
                connection=wire.number,
            )
        )
        return upgraded

    async def _connected(self, place: Place, trail: Trail) -> Wire:
        if not place.tls:
            return await self.route.open(trail=trail)
        context = (await self.trust.in_use()).context
        # A server that is offered HTTP/2 takes it, and knows no Upgrade there.
        return await self.route.open_tls(context, place.host, trail=trail, alpn=("http/1.1",))
