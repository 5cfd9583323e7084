"""One relayed WebSocket connection: what passes is written down and shown to the circumstances of the round."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp import WSMsgType, web

from okxdoctor.conformance.client.trace import Closed, Heard, Pinged, Played, Said, decoded, shortened
from okxdoctor.conformance.client.ws_circumstances import Passed

if TYPE_CHECKING:
    from okxdoctor.conformance.client.gateway import Gateway

BODY = 70_000
"""Characters of a request's body or message that a trace keeps: more than may be sent at once."""
SAID = 6_000


class RelayedLink:
    """One relayed WebSocket connection."""

    def __init__(
        self,
        gateway: Gateway,
        conn: int,
        path: str,
        socket: web.WebSocketResponse,
        upstream: aiohttp.ClientWebSocketResponse,
        transport: asyncio.BaseTransport | None,
    ) -> None:
        self.conn = conn
        self.path = path
        self.settled = False
        self._gateway = gateway
        self._record = gateway.record
        self._socket = socket
        self._upstream = upstream
        self._transport = transport
        self._over = False
        self._out: asyncio.Queue[Passed] = asyncio.Queue()
        self._pings: dict[bytes, Callable[[], None]] = {}

    async def relay(self) -> None:
        pumps = [asyncio.ensure_future(each) for each in (self._from_exchange(), self._write())]
        try:
            await self._from_program()
        finally:
            for pump in pumps:
                pump.cancel()
            for pump in pumps:
                with contextlib.suppress(asyncio.CancelledError, ConnectionError, RuntimeError):
                    await pump
            self.ended("program", self._socket.close_code or 1006)

    async def _from_program(self) -> None:
        record, gateway = self._record, self._gateway
        async for message in self._socket:
            match message.type:
                case WSMsgType.TEXT:
                    text: str = message.data
                    record.add(Heard(at_s=record.at(), epoch_ms=record.now_ms(), conn=self.conn, text=text[:BODY]))
                    read = decoded(text)
                    known = read if isinstance(read, dict) else {}
                    if self._let_through(text, known):
                        await self._upstream.send_str(text)
                case WSMsgType.BINARY:
                    record.add(
                        Heard(at_s=record.at(), epoch_ms=record.now_ms(), conn=self.conn, text="(a binary message)")
                    )
                    await self._upstream.send_bytes(message.data)
                case WSMsgType.PING:
                    record.add(Pinged(at_s=record.at(), conn=self.conn))
                    for each in gateway.circumstances:
                        each.pinged(self)
                    await self._socket.pong(message.data)
                case WSMsgType.PONG:
                    answered = self._pings.pop(bytes(message.data), None)
                    if answered is not None:
                        answered()
                case _:
                    pass

    def _let_through(self, text: str, message: dict[str, Any]) -> bool:
        """Every circumstance hears it, whatever another one says."""
        heard = [each.heard(self, text, message) for each in self._gateway.circumstances]
        return all(heard)

    async def _from_exchange(self) -> None:
        async for message in self._upstream:
            if message.type is WSMsgType.TEXT:
                for frame in self._through(Passed(text=message.data)):
                    self._out.put_nowait(frame)
        code = self._upstream.close_code or 1006
        if not self._over:
            self.ended("exchange", code)
            with contextlib.suppress(ConnectionError, RuntimeError):
                await self._socket.close(code=code if code != 1006 else 1001)

    def _through(self, frame: Passed) -> list[Passed]:
        frames = [frame]
        for each in self._gateway.circumstances:
            frames = [more for one in frames for more in each.said(self, one)]
        return frames

    async def _write(self) -> None:
        while True:
            frame = await self._out.get()
            if self._over:
                return
            if frame.ping:
                await self._socket.ping(frame.ping)
                continue
            if not frame.unrecorded:
                self._record.add(
                    Said(at_s=self._record.at(), conn=self.conn, text=shortened(frame.text, SAID), done=frame.done)
                )
            if not self.settled and '"event":"subscribe"' in frame.text[:400]:
                self.settled = True
                for each in self._gateway.circumstances:
                    each.settled(self)
            await self._socket.send_str(frame.text)

    # -- for circumstances ------------------------------------------------------------------------

    def say(self, text: str, done: str) -> None:
        self._out.put_nowait(Passed(text=text, done=done))

    def flood(self, text: str, times: int) -> None:
        """One message many times, not recorded."""
        for _ in range(times):
            self._out.put_nowait(Passed(text=text, unrecorded=True))

    def ping(self, mark: bytes, answered: Callable[[], None]) -> None:
        """A ping frame behind everything that is to be said; its pong tells that all of that has been read."""
        self._pings[mark] = answered
        self._out.put_nowait(Passed(text="", ping=mark))

    def note(self, name: str, detail: str = "") -> None:
        self._record.add(Played(at_s=self._record.at(), name=name, conn=self.conn, detail=detail))

    def later(self, delay_s: float, action: Any) -> None:
        self._gateway.later(delay_s, lambda: None if self._over else action())

    def cut(self, done: str) -> None:
        self.ended("circumstances", 1006, done)
        if isinstance(self._transport, asyncio.WriteTransport):
            self._transport.abort()

    def close(self, code: int, reason: str, done: str) -> None:
        self.ended("circumstances", code, done)

        async def close() -> None:
            with contextlib.suppress(ConnectionError, RuntimeError):
                await self._socket.close(code=code, message=reason.encode())

        task = asyncio.get_running_loop().create_task(close())
        self._gateway.keep(task)

    def ended(self, by: Any, code: int, done: str = "") -> None:
        if not self._over:
            self._over = True
            self._record.add(Closed(at_s=self._record.at(), conn=self.conn, by=by, code=code, done=done))
            for each in self._gateway.circumstances:
                each.gone(self)
