"""A WebSocket conversation: the protocol by websockets' Sans-I/O layer, the bytes over our own wire.

The Sans-I/O layer, because the connection below is ours (own DNS, proxies, TLS with its reasons kept) and because a
transcript of every frame, pings and the close included, is what a doctor is for.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Literal

from websockets.exceptions import InvalidState
from websockets.frames import Frame as WsFrame
from websockets.frames import Opcode

from okxdoctor.check import Skip
from okxdoctor.port import Frame, Instant, Opening
from okxdoctor.targets.config import Credentials
from okxdoctor.targets.live.broken import Broken
from okxdoctor.targets.live.content import text as decoded
from okxdoctor.targets.live.upgrade import Talk
from okxdoctor.targets.live.veil import MASK, Veil

_MOST_WAITING = 1000
_MOST_RECORDED = 5000
# RFC 6455 §7.4.1: the code that stands for an end without a close frame; never sent on the wire.
ABNORMAL = 1006

Kind = Literal["text", "binary", "ping", "pong", "close"]
_KINDS: Mapping[Opcode, Kind] = {
    Opcode.TEXT: "text",
    Opcode.BINARY: "binary",
    Opcode.PING: "ping",
    Opcode.PONG: "pong",
    Opcode.CLOSE: "close",
}


class LiveSocket:
    """Implements :class:`okxdoctor.port.Socket`. With ``talk`` it is open, without it the opening failed.

    A task of its own listens, so that pings are answered and times are true while nobody receives.
    """

    def __init__(
        self,
        opening: Opening,
        *,
        started: float,
        veil: Veil,
        credentials: Credentials | None,
        clock: Callable[[], Instant],
        talk: Talk | None = None,
        released: Callable[[], None] | None = None,
    ) -> None:
        self._opening = opening
        self._started = started
        self._veil = veil
        self._credentials = credentials
        self._clock = clock
        self._talk = talk
        self._released = released or _nothing
        self._frames: list[Frame] = []
        self._waiting: asyncio.Queue[Frame] = asyncio.Queue(_MOST_WAITING)
        self._queues = [self._waiting]
        self._shared = False
        self._over = talk is None
        self._pieces: list[bytes] = []
        self._piece_kind: Kind = "text"
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
        return await self.heard(self._waiting, timeout_s)

    async def heard(self, queue: asyncio.Queue[Frame], timeout_s: float) -> Frame | None:
        """The next frame of one listener's queue."""
        if self._over and queue.empty():
            return None
        try:
            async with asyncio.timeout(timeout_s):
                return await queue.get()
        except TimeoutError:
            return None

    def listen_in(self) -> asyncio.Queue[Frame]:
        """A queue of one's own, of what arrives from now on; of an end that has come, too.

        The first listener gets everything from the start.
        """
        if not self._shared:
            self._shared = True
            return self._waiting
        queue: asyncio.Queue[Frame] = asyncio.Queue(_MOST_WAITING)
        self._queues.append(queue)
        if self._over and self._frames and self._frames[-1].kind == "close":
            queue.put_nowait(self._frames[-1])
        return queue

    def listen_no_more(self, queue: asyncio.Queue[Frame]) -> bool:
        """Give a queue back; whether nobody listens any more."""
        if queue in self._queues:
            self._queues.remove(queue)
        while not queue.empty():  # the conversation may stand waiting for a place in it
            queue.get_nowait()
        return not self._queues

    @property
    def left(self) -> bool:
        """Whether this side has closed it."""
        return self._talk is None

    async def close(self) -> None:
        talk, self._talk = self._talk, None
        if talk is None:
            return
        try:
            if not self._over:
                # The close frame is sent and its echo not waited for: nothing more is to be learnt.
                with suppress(Broken, TimeoutError, InvalidState):
                    async with asyncio.timeout(1.0):
                        talk.protocol.send_close(1000)
                        self._record("sent", "close", code=1000)
                        await talk.flush()
            if self._reader is not None:
                self._reader.cancel()
                await asyncio.gather(self._reader, return_exceptions=True)
        finally:
            # Also when the farewell is cancelled, because the peer floods and the run has no time left.
            if self._reader is not None:
                self._reader.cancel()
            self._over = True
            talk.close()
            self._release()

    def _release(self) -> None:
        released, self._released = self._released, _nothing
        released()

    async def _send(self, text: str, *, recorded: str) -> None:
        talk = self._talk
        if talk is None or self._over:
            return
        try:
            talk.protocol.send_text(text.encode("utf-8", "replace"))
            self._record("sent", "text", text=recorded)
            await talk.flush()
        except (Broken, InvalidState):
            # That the peer is gone is for the reader to say.
            pass

    async def _listen(self, talk: Talk) -> None:
        reason = "the connection ended without a close frame"
        try:
            while True:
                for event in talk.events():
                    frame = self._take(event)
                    if frame is not None:
                        await self._give(frame)
                await talk.flush()
                # Where the peer broke the protocol this side has said so and is done, whether or not the peer closes.
                if self._over or talk.broken_protocol()[0] or not await talk.more():
                    break
            for event in talk.events():
                frame = self._take(event)
                if frame is not None:
                    await self._give(frame)
        except Broken as broken:
            reason = f"{broken.failure.kind} {broken.failure.detail}".strip()
        if not self._over:
            self._over = True
            code, why = talk.broken_protocol()
            frame = self._record("received", "close", text=why or reason, code=code or ABNORMAL)
            await self._give(frame)
        talk.close()
        self._release()

    async def _give(self, frame: Frame) -> None:
        for queue in tuple(self._queues):
            if queue in self._queues:
                await queue.put(frame)

    def _take(self, event: object) -> Frame | None:
        """One frame into the transcript; given back if receivers are to see it."""
        if not isinstance(event, WsFrame) or self._over:
            return None
        data = bytes(event.data)
        if event.opcode in (Opcode.PING, Opcode.PONG, Opcode.CLOSE):
            return self._whole(_KINDS[event.opcode], data)
        # A message may come in pieces (RFC 6455 §5.4); receivers see it whole.
        if event.opcode is not Opcode.CONT:
            self._piece_kind = _KINDS[event.opcode]
        self._pieces.append(data)
        if not event.fin:
            return None
        data, self._pieces = b"".join(self._pieces), []
        return self._whole(self._piece_kind, data)

    def _whole(self, kind: Kind, data: bytes) -> Frame | None:
        match kind:
            case "close":
                self._over = True
                # 1005 stands for a close frame without a code (RFC 6455 §7.4.1).
                code = int.from_bytes(data[:2], "big") if len(data) >= 2 else 1005
                return self._record("received", "close", text=decoded(data[2:], ""), code=code)
            case "binary":
                return self._record("received", "binary", text=data[:64].hex())
            case "text":
                return self._record("received", "text", text=decoded(data, ""))
            case "ping":
                shown = self._record("received", "ping", text=decoded(data, ""))
                # The protocol has put the answer into its buffer; the listener sends it with the next flush.
                self._record("sent", "pong", text=shown.text)
                return None
            case "pong":
                self._record("received", "pong", text=decoded(data, ""))
                return None

    def _record(
        self, direction: Literal["sent", "received"], kind: Kind, *, text: str = "", code: int | None = None
    ) -> Frame:
        at_ms = round((time.monotonic() - self._started) * 1000, 3)
        frame = Frame(direction=direction, kind=kind, at_ms=at_ms, text=self._veil(text), code=code)
        if len(self._frames) < _MOST_RECORDED:
            self._frames.append(frame)
        return frame


def _nothing() -> None:
    """Stands where a place was already given back."""


def _login(argument: Mapping[str, str]) -> str:
    return json.dumps({"op": "login", "args": [argument]}, separators=(",", ":"))
