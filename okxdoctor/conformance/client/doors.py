"""TLS doors in front of an aiohttp server: each handshake is written down, whoever ends it.

asyncio's own TLS server tells nobody of a handshake that failed; here the connection is accepted in the clear and
lifted to TLS afterwards, so that a program that turns away from a bad certificate is seen to do so.
"""

from __future__ import annotations

import asyncio
import itertools
import ssl
from collections.abc import Callable
from typing import cast

from okxdoctor.conformance.client.record import Record
from okxdoctor.conformance.client.trace import Knock, Played, Side

HANDSHAKE_S = 8.0


class Door:
    """One listening port. ``context`` None: plain text. ``shown`` names the certificate."""

    def __init__(
        self,
        side: Side,
        record: Record,
        serve: Callable[[], asyncio.Protocol],
        numbers: itertools.count[int],
        *,
        context: ssl.SSLContext | None,
        shown: str = "healthy",
    ) -> None:
        self.side = side
        self.record = record
        self.serve = serve
        self.numbers = numbers
        self.context = context
        self.shown = shown
        self.port = 0
        self.refusing = False
        """Whether connections are reset as soon as they are made."""
        self._server: asyncio.Server | None = None
        self.guests: set[Guest] = set()

    async def open(self, host: str) -> None:
        self._server = await asyncio.get_running_loop().create_server(lambda: Guest(self), host, 0)
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for guest in tuple(self.guests):
            guest.abort()


class Guest(asyncio.Protocol):
    """A connection from its first byte until the HTTP server has taken it over."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._early: list[bytes] = []
        self._eof = False
        self._inner: asyncio.Protocol | None = None
        self._task: asyncio.Task[None] | None = None
        self._transport: asyncio.Transport | None = None
        self.number = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        door = self._door
        self._transport = cast(asyncio.Transport, transport)
        self.number = next(door.numbers)
        if door.refusing:
            door.record.add(Played(at_s=door.record.at(), name="connection-reset", conn=self.number, detail=door.side))
            self._transport.abort()
            return
        door.guests.add(self)
        if door.context is None:
            self._hand_over(self._transport)
        else:
            self._task = asyncio.get_running_loop().create_task(self._lift(self._transport, door.context))

    async def _lift(self, transport: asyncio.Transport, context: ssl.SSLContext) -> None:
        door = self._door
        lifted: asyncio.Transport | None = None
        outcome, detail = "refused", ""
        try:
            lifted = await asyncio.get_running_loop().start_tls(
                transport, self, context, server_side=True, ssl_handshake_timeout=HANDSHAKE_S
            )
            outcome = "complete"
        except ssl.SSLError as error:
            detail = (error.reason or "").lower().replace("_", " ") or "the handshake failed"
        except (OSError, EOFError) as error:
            detail = "the connection ended within the handshake" if isinstance(error, ConnectionError) else str(error)
        except asyncio.CancelledError:
            transport.abort()
            return
        door.record.add(
            Knock(
                at_s=door.record.at(),
                conn=self.number,
                side=door.side,
                shown=door.shown,
                outcome="complete" if outcome == "complete" else "refused",
                detail=detail,
            )
        )
        if lifted is None:
            door.guests.discard(self)
            transport.abort()
            return
        self._transport = lifted
        self._hand_over(lifted)

    def _hand_over(self, transport: asyncio.Transport) -> None:
        inner = self._inner = self._door.serve()
        transport.set_protocol(self)
        inner.connection_made(transport)
        for data in self._early:
            inner.data_received(data)
        self._early.clear()
        if self._eof:
            inner.eof_received()

    def data_received(self, data: bytes) -> None:
        if self._inner is None:
            self._early.append(data)
        else:
            self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        if self._inner is None:
            self._eof = True
            return None
        return self._inner.eof_received()

    def pause_writing(self) -> None:
        if self._inner is not None:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        if self._inner is not None:
            self._inner.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._door.guests.discard(self)
        if self._inner is not None:
            self._inner.connection_lost(exc)

    def abort(self) -> None:
        if self._task is not None:
            self._task.cancel()
        if self._transport is not None:
            self._transport.abort()
