"""WebSocket connections: aiohttp on the outside, a ``Session`` of the core inside.

One pump for all connections lets time pass for each session and queues what it wants to send; each
connection has a writer of its own, so that a slow one only fills its own queue, and is dropped then.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections import deque
from dataclasses import replace
from decimal import setcontext

from aiohttp import WSCloseCode, WSMsgType, web

from okxdoctor.exchange.core import redraft
from okxdoctor.exchange.core.circumstances import Circumstances
from okxdoctor.exchange.core.decimals import EXACT
from okxdoctor.exchange.core.exchange import Exchange
from okxdoctor.exchange.core.limits import Pressure, per
from okxdoctor.exchange.core.market import SLOT_MS
from okxdoctor.exchange.core.protocol import encode
from okxdoctor.exchange.core.seeded import digest
from okxdoctor.exchange.core.ws_world import CUT
from okxdoctor.exchange.core.wsproto import Close, Out, Send, Session
from okxdoctor.exchange.faults.model import Injected
from okxdoctor.exchange.faults.occasions import Occasions
from okxdoctor.exchange.net.service import forget_frames

from .log import BODY, NOT_KEPT, WireLog, received
from .turns import Turns

PUMP_S = 0.05
LAST_WRITE_S = 0.2
COMPRESSED = 15
"""The window of a compressed frame, in bits."""
_EVENT = re.compile(r'"(?:event|op|channel)":"([^"]{0,64})"')
_REFUSED = '"event":"error"'
_CODE = re.compile(r'"code":"(\d{1,6})"')
QUEUE = 2_000
"""Frames that may wait for a slow consumer."""
WRITE_AHEAD = 65_536
"""Bytes that may wait in the transport of a connection; beyond them frames wait here."""
MAX_MESSAGE = 65_536
IN_A_ROW = 4
"""Messages of one connection that are answered before the others are looked at, where more of them are there."""
CONNECTS = per(3, 1, "ip")
"""New connections of one address in a second (documented), to each of the three paths: that they are counted each for
itself is assumed, since a client in wide use (nautilus_trader) opens four at once."""


class Connection:
    """One open WebSocket: its session and what waits to be written."""

    def __init__(
        self,
        session: Session,
        socket: web.WebSocketResponse,
        transport: asyncio.BaseTransport | None,
        site: str,
        met: tuple[Injected, ...] = (),
    ) -> None:
        self.site = site
        self.met = met
        """Faults that this connection met when it was opened."""
        self.peer = session.peer
        self.session = session
        self.socket = socket
        self.transport = transport
        self.queue: deque[Out] = deque()
        self.ready = asyncio.Event()
        self.over = False
        self.plain = not socket.compress
        """Texts may be written at once: no compression was agreed on, and no end is on its way."""

    def push(self, frames: list[Out], framed: dict[str, bytes] | None = None) -> None:
        """Write frames at once where nothing waits, or queue them; a consumer that lets too many wait is cut off.

        ``framed``: frames that were made already for the same texts.
        """
        if not frames or self._wrote(frames, {} if framed is None else framed):
            return
        if any(isinstance(frame, Close) for frame in frames):
            self.plain = False  # nothing overtakes the end
        self.queue.extend(frames)
        self.ready.set()
        if len(self.queue) > QUEUE:
            self.session.closed = True
            if isinstance(self.transport, asyncio.WriteTransport):
                self.transport.abort()

    def _wrote(self, frames: list[Out], framed: dict[str, bytes]) -> bool:
        """Write ordinary texts in one piece, if the consumer keeps up."""
        transport = self.transport
        if not self.plain or self.queue or self.over or not isinstance(transport, asyncio.WriteTransport):
            return False
        if transport.is_closing() or transport.get_write_buffer_size() > WRITE_AHEAD:
            return False
        pieces: list[bytes] = []
        for frame in frames:
            if not isinstance(frame, Send) or frame.compressed:
                return False
            made = framed.get(frame.text)
            if made is None:
                made = framed[frame.text] = text_frame(frame.text)
            pieces.append(made)
        transport.write(b"".join(pieces))
        return True

    async def write(self) -> None:
        """Write what is queued until a close frame or the end of the connection."""
        while not self.over:
            await self.ready.wait()
            self.ready.clear()
            while self.queue:
                frame = self.queue.popleft()
                if isinstance(frame, Send):
                    # Compressed for one message: also where nothing was agreed on.
                    await self.socket.send_str(frame.text, compress=COMPRESSED if frame.compressed else None)
                elif frame.code == CUT:
                    if isinstance(self.transport, asyncio.WriteTransport):
                        self.transport.abort()
                    return
                else:
                    await self.socket.close(code=frame.code, message=frame.reason.encode())
                    return

    async def stop(self, writer: asyncio.Task[None]) -> None:
        """End the writer: between two writes where it can be, for a write that is cut short leaves its rest behind."""
        self.over = True
        self.queue.clear()
        self.ready.set()
        done, _ = await asyncio.wait({writer}, timeout=LAST_WRITE_S)
        if not done and isinstance(self.transport, asyncio.WriteTransport):
            # Whoever waits for room to write learns that there will be none.
            self.transport.abort()
            done, _ = await asyncio.wait({writer}, timeout=LAST_WRITE_S)
        if not done:
            writer.cancel()
        with contextlib.suppress(asyncio.CancelledError, ConnectionError, RuntimeError):
            await writer


class Sockets:
    """All WebSocket connections of an exchange."""

    def __init__(self, exchange: Exchange, log: WireLog, occasions: Occasions, turns: Turns) -> None:
        self.exchange = exchange
        self.log = log
        self.occasions = occasions
        self.turns = turns
        self.open: set[Connection] = set()
        self._number = 0
        self._pump: asyncio.Task[None] | None = None
        self._writers: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Let the sessions look at once (something has changed, time has jumped)."""
        self._wake.set()

    async def serve(
        self, request: web.BaseRequest, site: str, environment: str, path: str, peer: str, met: tuple[Injected, ...]
    ) -> web.StreamResponse:
        """One connection from upgrade to end. ``met``: the faults that it meets besides the steady ones."""
        now_ms = self.exchange.clock.now_ms()
        # Raised budgets (for load tests) raise this one, too; pressure on requests is not pressure on connections.
        pressure = Pressure(factor=max(1.0, self.exchange.world.budgets.pressure.factor))
        channels = self.occasions.world(self.exchange.world, met).channels
        crowded = channels.crowd == "connects"
        if crowded or not self.exchange.ledger.take(("connect", site, path, peer), CONNECTS, now_ms, pressure):
            # How the limit shows is not documented; 429 on the upgrade is assumed.
            body = encode({"msg": "Too Many Requests", "code": "50011"})
            self.log.add(at_ms=now_ms, kind="ws-open", site=site, peer=peer, target=request.raw_path, status=429)
            refusal = web.Response(
                status=429, body=body, headers={"Content-Type": "application/json", "Server": "cloudflare"}
            )
            refusal.force_close()  # what follows an upgrade are frames, and nobody is there to read them
            return refusal
        socket = web.WebSocketResponse(
            autoping=True, compress=not channels.undeclared_compression, max_msg_size=MAX_MESSAGE, timeout=2.0
        )
        socket.headers["Server"] = "cloudflare"
        await socket.prepare(request)
        self._number += 1
        session = Session(
            exchange=self.exchange, venue=self.exchange.venue(site, environment), path=channels.led_to or path,
            peer=peer, conn_id=digest(self.exchange.seed, "connId", self._number).hex()[:8],
        )  # fmt: skip
        self.log.add(at_ms=now_ms, kind="ws-open", site=site, peer=peer, target=request.raw_path, status=101)
        connection = Connection(session, socket, request.transport, site, met)
        self.open.add(connection)
        self._ensure_pump()
        writer = asyncio.create_task(connection.write())
        self._writers.add(writer)
        writer.add_done_callback(self._written_out)
        try:
            await self._read(connection, peer, site)
        finally:
            self.open.discard(connection)
            session.end()
            await connection.stop(writer)
            self.log.add(
                at_ms=self.exchange.clock.now_ms(),
                kind="ws-close",
                site=site,
                peer=peer,
                status=socket.close_code or 1006,
            )
        return socket

    async def _read(self, connection: Connection, peer: str, site: str) -> None:
        row = 0
        async for message in connection.socket:
            if message.type is WSMsgType.TEXT:
                text: str = message.data
                secret = received(text) == NOT_KEPT
                shown = "(a login is not kept)" if secret else text[:300]
                self.log.add(
                    at_ms=self.exchange.clock.now_ms(), kind="ws-in", site=site, peer=peer, detail=shown, body=text
                )  # fmt: skip
                met = () if text == "ping" else self.occasions.meet("request")
                with self.exchange.under(self._world(connection, met)):
                    frames = self._written(connection.session.receive(text))
                # A message that cannot be read is quoted in the answer.
                self._told(connection, frames, quotes=not secret)
                connection.push(frames)
            elif message.type is WSMsgType.BINARY:
                connection.push(frames := connection.session.receive("\x00"))
            else:
                if isinstance(message.data, BaseException):
                    forget_frames(message.data)
                return
            row += 1
            if any(isinstance(each, Send) and _REFUSED in each.text[:64] for each in frames):
                await self.turns.turn()
            elif row % IN_A_ROW == 0:
                # Messages that are there already are handed out without a look at anybody else.
                await asyncio.sleep(0)

    def _world(self, connection: Connection, met: tuple[Injected, ...] = ()) -> Circumstances:
        """The circumstances for this connection, and for an operation that meets ``met``."""
        return self.occasions.world(self.exchange.world, (*self.occasions.still_on(connection.met), *met))

    def _written(self, frames: list[Out]) -> list[Out]:
        """The frames as they are written in these circumstances."""
        drafts = self.exchange.world.redrafts
        if not drafts:
            return frames
        return [
            replace(frame, text=redraft.message(drafts, frame.text)) if isinstance(frame, Send) else frame
            for frame in frames
        ]

    def _told(self, connection: Connection, frames: list[Out], quotes: bool = True) -> None:
        """Log what goes out; market data, which names no user and answers no message, is left to the client."""
        for frame in frames:
            if isinstance(frame, Send) and (not frame.text.startswith('{"arg"') or '"uid":"' in frame.text[:300]):
                self.log.add(
                    at_ms=self.exchange.clock.now_ms(), kind="ws-out", site=connection.site, peer=connection.peer,
                    detail=_event(frame.text), body=frame.text if quotes or "60012" not in frame.text else NOT_KEPT,
                )  # fmt: skip

    def _ensure_pump(self) -> None:
        if self._pump is None or self._pump.done():
            self._pump = asyncio.create_task(self._run())

    async def _run(self) -> None:
        setcontext(EXACT)  # for this task alone: sessions need not do it, each for itself
        while self.open:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._pause_s()):
                    await self._wake.wait()
            self._wake.clear()
            framed: dict[str, bytes] = {}
            for connection in tuple(self.open):
                if connection.session.closed:
                    continue
                if connection.met:
                    with self.exchange.under(self._world(connection)):
                        frames = self._written(connection.session.tick())
                else:
                    frames = self._written(connection.session.tick())
                if not frames:
                    continue
                if isinstance(frames[-1], Close):
                    connection.session.closed = True
                self._told(connection, frames)
                connection.push(frames, framed)

    def _written_out(self, writer: asyncio.Task[None]) -> None:
        """A writer has ended; that its client had gone is no news, also where nobody waits for it any more."""
        self._writers.discard(writer)
        if not writer.cancelled():
            writer.exception()

    def _pause_s(self) -> float:
        """Until the next look: the market moves at the beginning of a slot, and is told right then."""
        clock = self.exchange.clock
        left_ms = SLOT_MS - clock.now_ms() % SLOT_MS
        return min(PUMP_S, (left_ms + 1) / 1000) if clock.rate == 1 else PUMP_S

    async def notice(self, grace_s: float = 0.0) -> None:
        """Announce a service upgrade on every connection, then close them after ``grace_s``."""
        for connection in tuple(self.open):
            frames: list[Out] = [connection.session.notice()]
            self._told(connection, frames)
            connection.push(frames)
        await asyncio.sleep(grace_s)
        await self.close(WSCloseCode.GOING_AWAY)

    async def cut(self) -> int:
        """Break every connection without a close frame; the answer is how many there were."""
        connections = tuple(self.open)
        for connection in connections:
            connection.session.closed = True
            if isinstance(connection.transport, asyncio.WriteTransport):
                connection.transport.abort()
        return len(connections)

    async def close(self, code: int = WSCloseCode.GOING_AWAY) -> None:
        """Close every connection and stop the pump."""
        for connection in tuple(self.open):
            connection.session.closed = True
            if isinstance(connection.transport, asyncio.WriteTransport):
                connection.transport.abort()
        if self._pump is not None:
            self._pump.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._pump
            self._pump = None
        if self._writers:
            await asyncio.wait(tuple(self._writers), timeout=3 * LAST_WRITE_S)
        del code


def text_frame(text: str) -> bytes:
    """One unmasked text message in one frame (RFC 6455 section 5.2)."""
    payload = text.encode()
    size = len(payload)
    if size < 126:
        return b"\x81" + size.to_bytes(1) + payload
    if size < 1 << 16:
        return b"\x81\x7e" + size.to_bytes(2) + payload
    return b"\x81\x7f" + size.to_bytes(8) + payload


def _event(text: str) -> str:
    """What kind of message goes out: its event, operation or channel, with the code if it has one."""
    found = _EVENT.search(text[:BODY])
    code = _CODE.search(text[:BODY])
    return " ".join(each[1] for each in (found, code) if each is not None) or text[:32]
