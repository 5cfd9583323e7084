"""The connections that httpcore pools: our wires, opened along our routes.

With :mod:`okxdoctor.targets.live.http` the only place that knows httpcore.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from typing import Any

import httpcore

from okxdoctor.port import Instant
from okxdoctor.targets.live.attention import absent_s
from okxdoctor.targets.live.broken import Broken
from okxdoctor.targets.live.route import Family, Route, Trail
from okxdoctor.targets.live.tls import TlsWire
from okxdoctor.targets.live.wire import Wire

Ways = Callable[[str, int], Route]
"""Finds the way to a host and port."""

# The request that the running task is making. httpcore connects in the task of the request that needs it.
TRAIL: ContextVar[Trail] = ContextVar("okxdoctor_trail")


class Pool(httpcore.AsyncConnectionPool):
    """httpcore's pool, except that requests do not queue up behind a connection in the hope that it becomes HTTP/2.

    When it becomes HTTP/1.1, they would all start over: two round trips lost at the start of every run.
    """

    def __init__(self, *, speaks_h2: set[tuple[str, int]], **settings: Any) -> None:
        super().__init__(**settings)
        self._settings = {
            name: settings[name] for name in ("ssl_context", "keepalive_expiry", "http1", "http2", "network_backend")
        }
        self._h2 = speaks_h2

    def create_connection(self, origin: httpcore.Origin) -> httpcore.AsyncConnectionInterface:
        return _Connection(origin=origin, speaks_h2=self._h2, **self._settings)


class _Connection(httpcore.AsyncHTTPConnection):
    def __init__(self, *, origin: httpcore.Origin, speaks_h2: set[tuple[str, int]], **settings: Any) -> None:
        super().__init__(origin=origin, **settings)
        self._place = (origin.host.decode("ascii"), origin.port)
        self._h2 = speaks_h2

    async def handle_async_request(self, request: httpcore.Request) -> httpcore.Response:
        try:
            return await super().handle_async_request(request)
        finally:
            # The pool sends what a GOAWAY has spared again, elsewhere, and nobody would hear of it.
            ended = getattr(self._connection, "_connection_terminated", None)
            trail = TRAIL.get(None)
            if ended is not None and trail is not None:
                trail.ended_after = streams_up_to(ended.last_stream_id)

    def is_available(self) -> bool:
        if self.info() == "CONNECTING" and self._place not in self._h2:
            return False
        return super().is_available()


def streams_up_to(last_stream_id: int | None) -> int:
    """How many requests that is: client streams have odd numbers, so the n-th request is stream 2n-1."""
    return ((last_stream_id or 0) + 1) // 2


class Backend(httpcore.AsyncNetworkBackend):
    """Brings the bytes for httpcore by the own ways, so that each phase has its time and each lookup is the run's."""

    def __init__(
        self, ways: Ways, family: Family, *, clock: Callable[[], Instant], speaks_h2: set[tuple[str, int]]
    ) -> None:
        self._ways = ways
        self._family: Family = family
        self._clock = clock
        self._h2 = speaks_h2

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        route = self._ways(host, port)
        wire = await route.open(family=self._family, trail=TRAIL.get())
        return Stream(wire, route, clock=self._clock, speaks_h2=self._h2)


class Stream(httpcore.AsyncNetworkStream):
    """A wire as httpcore wants it; notes when bytes last left and when the first ones after them came, and how long
    before that nobody had looked."""

    def __init__(
        self, wire: Wire, route: Route, *, clock: Callable[[], Instant], speaks_h2: set[tuple[str, int]]
    ) -> None:
        self.wire = wire
        self.sent: Instant | None = None
        self.received: Instant | None = None
        self.absent_s = 0.0
        self._route = route
        self._clock = clock
        self._h2 = speaks_h2

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data = await self.wire.read()
        if self.received is None and data:
            self.received, self.absent_s = self._clock(), absent_s()
            trail = TRAIL.get(None)
            if trail is not None and not trail.first:
                trail.first = data[:40]
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if not buffer:
            return
        self.received = None
        self.sent = self._clock()
        try:
            await self.wire.write(buffer)
        except Broken as broken:
            # As httpcore's own backends do: a server may answer and close before it has read everything.
            raise httpcore.WriteError from broken

    async def aclose(self) -> None:
        self.wire.close()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        secured = await self._route.secure(
            self.wire, ssl_context, server_hostname or self._route.host, trail=TRAIL.get()
        )
        if secured.tls.selected_alpn_protocol() == "h2":
            self._h2.add((self._route.host, self._route.port))
        return Stream(secured, self._route, clock=self._clock, speaks_h2=self._h2)

    def get_extra_info(self, info: str) -> Any:
        if info == "ssl_object":
            return self.wire.tls if isinstance(self.wire, TlsWire) else None
        if info == "is_readable":
            # Nobody has asked anything: whatever lies there, even the end, makes the connection unfit for reuse.
            return self.wire.pull() is not None
        return None
