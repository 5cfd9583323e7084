"""A WebSocket conversation: the protocol by websockets' Sans-I/O layer, the bytes over our own wire.

The Sans-I/O layer, because the connection below is ours (own DNS, proxies, TLS with its reasons kept) and because a
transcript of every frame, pings and the close included, is what a doctor is for.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Mapping
from typing import Literal

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidHandshake, InvalidMessage
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.frames import Frame as WsFrame
from websockets.frames import Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.uri import parse_uri

from okxdoctor.check import Skip
from okxdoctor.port import Failure, Frame, Instant, Opening
from okxdoctor.targets.config import Credentials
from okxdoctor.targets.live.broken import Broken
from okxdoctor.targets.live.content import text as decoded
from okxdoctor.targets.live.proxy import printable
from okxdoctor.targets.live.veil import MASK, Veil, veil_header
from okxdoctor.targets.live.wire import Wire

# A frame of the exchange is far below; beyond it a peer is flooding and the protocol closes with 1009.
_LARGEST = 4 * 2**20
_MOST_WAITING = 1000
_MOST_RECORDED = 5000
_BODY_KEPT = 4096
# RFC 6455 §7.4.1: the code that stands for an end without a close frame; never sent on the wire.
ABNORMAL = 1006

# websockets writes frames to its log at DEBUG, the login among them.
_SILENT = logging.getLogger("okxdoctor.targets.live.socket.quiet")
_SILENT.addHandler(logging.NullHandler())
_SILENT.propagate = False
_SILENT.setLevel(logging.CRITICAL)

Kind = Literal["text", "binary", "ping", "pong", "close"]
_KINDS: Mapping[Opcode, Kind] = {
    Opcode.TEXT: "text",
    Opcode.BINARY: "binary",
    Opcode.PING: "ping",
    Opcode.PONG: "pong",
    Opcode.CLOSE: "close",
}


class LiveSocket:
    """Implements :class:`okxdoctor.port.Socket`. Made by :func:`open_socket`, open or failed."""

    def __init__(
        self,
        opening: Opening,
        *,
        started: float,
        veil: Veil,
        credentials: Credentials | None,
        clock: Callable[[], Instant],
        talk: _Talk | None = None,
    ) -> None:
        self._opening = opening
        self._started = started
        self._veil = veil
        self._credentials = credentials
        self._clock = clock
        self._talk = talk
        self._frames: list[Frame] = []
        self._waiting: asyncio.Queue[Frame] = asyncio.Queue(_MOST_WAITING)
        self._over = talk is None
        self._ended = False
        self._reader = None if talk is None else asyncio.ensure_future(self._listen(talk))

    @property
    def opening(self) -> Opening:
        return self._opening

    @property
    def frames(self) -> tuple[Frame, ...]:
        return tuple(self._frames)

    async def send(self, text: str) -> None:
        await self._send(text, recorded=self._veil(text))

    async def login(self, *, shift_s: float = 0.0) -> None:
        from okxdoctor.okx.signing import login_argument

        credentials = self._credentials
        if credentials is None or not credentials.complete:
            raise Skip("no API key is set")
        epoch_s = (self._clock().wall_ns + round(shift_s * 1e9)) // 1_000_000_000
        argument = login_argument(
            key=credentials.api_key.reveal(),
            secret=credentials.secret_key.reveal(),
            passphrase=credentials.passphrase.reveal(),
            epoch_s=epoch_s,
        )
        self._veil.add(argument["sign"])
        shown = {name: value if name == "timestamp" else MASK for name, value in argument.items()}
        await self._send(_login(argument), recorded=_login(shown))

    async def receive(self, timeout_s: float) -> Frame | None:
        if self._ended and self._waiting.empty():
            return None
        if self._over and self._waiting.empty():
            return None
        try:
            async with asyncio.timeout(timeout_s):
                frame = await self._waiting.get()
        except TimeoutError:
            return None
        if frame.kind == "close":
            self._ended = True
        return frame

    async def close(self) -> None:
        talk, self._talk = self._talk, None
        if talk is None:
            return
        if not self._over:
            # The close frame is sent and its echo not waited for: nothing more is to be learnt.
            try:
                async with asyncio.timeout(1.0):
                    talk.protocol.send_close(1000)
                    self._record("sent", "close", code=1000)
                    await talk.flush()
            except (Broken, TimeoutError, InvalidState):
                pass
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
        self._over = True
        talk.close()

    async def _send(self, text: str, *, recorded: str) -> None:
        talk = self._talk
        if talk is None or self._over:
            return
        try:
            talk.protocol.send_text(text.encode("utf-8", "surrogatepass"))
            self._record("sent", "text", text=recorded)
            await talk.flush()
        except (Broken, InvalidState):
            # That the peer is gone is for the reader to say.
            pass

    async def _listen(self, talk: _Talk) -> None:
        code, reason = ABNORMAL, "the connection ended without a close frame"
        try:
            while not self._over:
                for event in talk.events():
                    frame = self._take(event, talk)
                    if frame is not None:
                        await self._waiting.put(frame)
                    if self._over:
                        return
                await talk.flush()
                if talk.protocol.state is State.CLOSED or not await talk.more():
                    for event in talk.events():
                        frame = self._take(event, talk)
                        if frame is not None:
                            await self._waiting.put(frame)
                    break
        except Broken as broken:
            reason = f"{broken.failure.kind} {broken.failure.detail}".strip()
        if not self._over:
            self._over = True
            if talk.protocol.parser_exc is not None and not isinstance(talk.protocol.parser_exc, EOFError):
                code, reason = 1002, printable(type(talk.protocol.parser_exc).__name__)
            await self._waiting.put(self._record("received", "close", text=reason, code=code))

    def _take(self, event: object, talk: _Talk) -> Frame | None:
        """One frame into the transcript; given back if receivers are to see it."""
        if not isinstance(event, WsFrame):
            return None
        if event.opcode is Opcode.CONT or not event.fin or talk.pieces:
            return self._piece(event, talk)
        return self._whole(_KINDS[event.opcode], bytes(event.data), talk)

    def _piece(self, event: WsFrame, talk: _Talk) -> Frame | None:
        if event.opcode in (Opcode.PING, Opcode.PONG, Opcode.CLOSE):
            return self._whole(_KINDS[event.opcode], bytes(event.data), talk)
        if event.opcode is not Opcode.CONT:
            talk.kind = _KINDS[event.opcode]
        talk.pieces.append(bytes(event.data))
        if not event.fin:
            return None
        data, talk.pieces = b"".join(talk.pieces), []
        return self._whole(talk.kind, data, talk)

    def _whole(self, kind: Kind, data: bytes, talk: _Talk) -> Frame | None:
        if kind == "close":
            self._over = True
            code = int.from_bytes(data[:2], "big") if len(data) >= 2 else 1005
            return self._record("received", "close", text=decoded(data[2:], ""), code=code)
        if kind == "binary":
            return self._record("received", "binary", text=data[:64].hex())
        frame = self._record("received", kind, text=decoded(data, ""))
        if kind == "ping":
            # The protocol layer has put the answer into its buffer.
            self._record("sent", "pong", text=frame.text)
        return frame if kind == "text" else None

    def _record(
        self, direction: Literal["sent", "received"], kind: Kind, *, text: str = "", code: int | None = None
    ) -> Frame:
        at_ms = round((time.monotonic() - self._started) * 1000, 3)
        frame = Frame(direction=direction, kind=kind, at_ms=at_ms, text=self._veil(text), code=code)
        if len(self._frames) < _MOST_RECORDED:
            self._frames.append(frame)
        return frame


class _Talk:
    """The protocol and the wire under one open conversation."""

    def __init__(self, protocol: ClientProtocol, wire: Wire) -> None:
        self.protocol = protocol
        self.pieces: list[bytes] = []
        self.kind: Kind = "text"
        self._wire = wire

    def events(self) -> list[object]:
        return list(self.protocol.events_received())

    async def more(self) -> bool:
        """Reads some bytes into the protocol; False at the end."""
        data = await self._wire.read()
        if data:
            self.protocol.receive_data(data)
        else:
            self.protocol.receive_eof()
        return bool(data)

    async def flush(self) -> None:
        for data in self.protocol.data_to_send():
            if data:
                await self._wire.write(data)

    def close(self) -> None:
        self._wire.close()


def _login(argument: Mapping[str, str]) -> str:
    return json.dumps({"op": "login", "args": [argument]}, separators=(",", ":"))
