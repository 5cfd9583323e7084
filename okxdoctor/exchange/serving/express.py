"""The short way for ordinary requests: from bytes to bytes without a task, a queue or a request object.

Every HTTP/1.1 connection begins here. A whole, plain GET or POST is answered at once; whatever is more than that (an
upgrade, a body in chunks, pipelined requests, other verbs, the control endpoint, a fault that waits or hangs, and
everything that is not well-formed) goes with all its bytes to aiohttp, and the connection stays there. So there is one
judge of what is odd, and both ways ask the same ``Front.reply`` and send the same headers. What goes there takes its
turn (``turns``), and so do requests with long bodies, and what is left of a body that was refused.
"""

from __future__ import annotations

import asyncio
import re
from http import HTTPStatus
from typing import TYPE_CHECKING

from okxdoctor.exchange.core.protocol import Reply, Request

if TYPE_CHECKING:
    from .turns import Work
    from .web import Front

MAX_HEAD = 16_384
"""Bytes of a head that are kept here; aiohttp takes longer ones, or rather refuses them."""
MAX_ENDLESS = 65_536
"""Bytes in which a head has to end; who sends more without an end is refused at a glance."""
LINGER_S = 1.0
"""Real seconds for which what follows such a beginning is taken in, so that the refusal is not lost."""
EAGER_S = 0.002
"""Real seconds that frames wait which were sent before their upgrade was agreed to: by then it was refused, or not."""
MAX_BODY = 1_048_576
"""Bytes of a request body that are read; more is refused with 413."""
IDLE_S = 75.0
"""Real seconds for which a connection may stay open between two requests."""

_HEAD = re.compile(
    rb"(GET|POST) (/[!-~]*+) HTTP/1\.1\r\n"
    rb"((?:[!#$%&'*+.^_`|~0-9A-Za-z-]++:[ \t]*+[^\x00-\x08\x0a-\x1f\x7f]*+\r\n)++)\r\n"
)
_BEGINNINGS = (b"GET /", b"POST /")
_OTHERWISE = frozenset({"transfer-encoding", "expect", "upgrade", "content-encoding", "te", "trailer"})
_UPGRADE = re.compile(rb"\nupgrade:", re.IGNORECASE)
_PHRASE = {status.value: status.phrase for status in HTTPStatus}


class Express(asyncio.Protocol):
    """One HTTP/1.1 connection, until something on it is not ordinary."""

    def __init__(self, front: Front) -> None:
        self._front = front
        self._transport: asyncio.Transport | None = None
        self._peer: str | None = None
        self._kept = b""
        self._pieces: list[bytes] = []
        """Of a long body, after what is kept; so many bytes of it are ``_missing``."""
        self._missing = 0
        self._blocked = False
        self._queued = False
        """Waits for its turn."""
        self._long = False
        """A long body has had its turn."""
        self._used = False
        self._dropping = 0
        self._unread = 0
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._time = asyncio.get_running_loop().time

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not isinstance(transport, asyncio.Transport):
            raise TypeError("HTTP wants a stream transport")
        self._transport = transport
        self._front.direct.add(transport)
        self._front.unheard[transport] = None
        self._peer = (transport.get_extra_info("peername") or (None,))[0]
        self._deadline = self._time() + self._front.patience_s
        self._timer = asyncio.get_running_loop().call_at(self._deadline, self._expired)

    def connection_lost(self, exc: Exception | None) -> None:
        self._let_go()

    def data_received(self, data: bytes) -> None:
        if self._dropping:
            self._drop(len(data))
            return
        if self._missing:
            self._pieces.append(data)
            self._missing -= len(data)
            if self._missing > 0:
                return
            data = self._whole()
        elif self._kept:
            data = self._kept + data
        if self._blocked or self._queued:
            self._kept = data
            return
        if self._front.waits():
            self._give_away(data)
            return
        # Found before it is read: what has no end, or a late one, is not worth a look at each of its bytes.
        blank = data.find(b"\r\n\r\n", 0, MAX_ENDLESS)
        head = _HEAD.match(data, 0, blank + 4) if 0 <= blank <= MAX_HEAD - 4 else None
        if head is None:
            if blank < 0 and len(data) >= MAX_ENDLESS:
                self._refuse(Reply(status=400, body=b"Bad Request", content_type="text/plain; charset=utf-8"))
            elif blank >= 0 or not _begins(data):
                # Long heads too are given away whole: aiohttp finds an error in each piece of one, and keeps them.
                self._give_away(data)
            else:
                self._keep(data)
            return
        headers = _fields(head[3])
        target = head[2].decode("ascii")
        if headers is None or self._front.is_special(target):
            self._give_away(data)
            return
        start, length = head.end(), headers.get("content-length", "0")
        if not (length.isascii() and length.isdigit()) or len(length) > 15:
            self._give_away(data)
            return
        end = start + int(length)
        if end - start > MAX_BODY:
            self._send(Reply(status=413, body=b'{"msg":"Payload Too Large","code":"413"}'), ending=True)
            self._dropping = end - start
            self._due(self._time() + self._front.patience_s)
            self._drop(len(data) - start)
            return
        if end - start > MAX_HEAD and not self._long and not self._front.pace.free():
            self._queue(data, self._go_on)  # nobody has that much to say to an exchange
            return
        self._long = end - start > MAX_HEAD and len(data) < end
        if len(data) == end:
            if not self._used and self._transport is not None:
                self._front.unheard.pop(self._transport, None)
            self._kept, self._used = b"", True
            self._deadline = self._time() + IDLE_S
            self._answer(head[1].decode("ascii"), target, headers, data[start:])
        elif len(data) < end:
            self._missing = end - len(data)
            self._keep(data)
        else:
            self._give_away(data)

    def _answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> None:
        front, transport = self._front, self._transport
        if transport is None or transport.is_closing():
            return
        world, now_ms = front.exchange.world, front.exchange.clock.now_ms()
        front.pace.ordinary()
        try:
            peer = front.seen(self._peer, world, transport)
            asked = Request(method=method, target=target, headers=headers, body=body, peer=peer)
            reply = front.replied(front.place(headers["host"])[0], asked, world, now_ms)
        except Exception as defect:
            front.log.defects.append(f"{method} {target.partition('?')[0]}: {defect!r}")
            transport.write(b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            transport.close()
            return
        self._send(reply, now_ms)

    def _send(self, reply: Reply, now_ms: int | None = None, *, ending: bool = False) -> None:
        if self._transport is None:
            return
        now_ms = self._front.exchange.clock.now_ms() if now_ms is None else now_ms
        top = f"HTTP/1.1 {reply.status} {_PHRASE.get(reply.status, '')}\r\n{self._front.header_block(reply, now_ms)}"
        more = "Connection: close\r\n" if ending else ""
        self._transport.write(f"{top}{more}Content-Length: {len(reply.body)}\r\n\r\n".encode() + reply.body)

    def _refuse(self, reply: Reply) -> None:
        """Answer what has no end, and see nothing of what follows it."""
        self._kept = b""
        self._send(reply, ending=True)
        self._dropping = 1 << 62
        self._due(self._time() + LINGER_S)
        self._drop(0)

    def _drop(self, size: int) -> None:
        """Take in what was refused already: who closes in the face of a sender destroys his own answer (RST)."""
        self._dropping -= size
        if self._transport is None:
            return
        if self._dropping <= 0:
            self._transport.close()
        elif not self._front.pace.free():
            self._transport.pause_reading()
            self._front.pace.wait(self._read_on)

    def _read_on(self) -> bool:
        if self._transport is None or self._transport.is_closing():
            return False
        self._transport.resume_reading()
        return True

    # -- bounds ---------------------------------------------------------------------------------------

    def _keep(self, data: bytes) -> None:
        """Wait for the rest, which is due within the patience from the first byte on."""
        if not self._kept:
            self._due(self._time() + self._front.patience_s)
        self._kept = data

    def _due(self, at: float) -> None:
        sooner, self._deadline = at < self._deadline, min(at, self._deadline)
        if sooner and self._timer is not None:
            self._timer.cancel()
            self._timer = asyncio.get_running_loop().call_at(at, self._expired)

    def _expired(self) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if self._time() < self._deadline:
            # The deadline has moved with each request; the timer has not, which costs less.
            self._timer = asyncio.get_running_loop().call_at(self._deadline, self._expired)
        elif self._queued:
            transport.abort()
        elif _HEAD.match(self._kept):
            self._give_away(self._whole())  # the body is missing: aiohttp's side waits once more, then says 408
        elif self._blocked and transport.get_write_buffer_size() < self._unread:
            self.pause_writing()  # slow, but it reads
        elif self._kept or self._blocked or self._dropping:
            transport.abort()
        else:
            transport.close()

    def pause_writing(self) -> None:
        """The peer does not read: nothing more is answered here."""
        self._blocked = True
        if self._transport is not None:
            self._transport.pause_reading()
            self._unread = self._transport.get_write_buffer_size()
        self._deadline = self._time() + IDLE_S
        self._due(self._time() + self._front.patience_s)

    def resume_writing(self) -> None:
        self._blocked = False
        self._deadline = self._time() + IDLE_S
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()
            if self._kept:
                asyncio.get_running_loop().call_soon(self._again)

    def _again(self) -> None:
        """Look at what came while the peer did not read."""
        kept, self._kept = self._kept, b""
        if kept and self._transport is not None:
            self.data_received(kept)

    # -- the other way ----------------------------------------------------------------------------------

    def _give_away(self, data: bytes) -> None:
        transport = self._transport
        if transport is None:
            return
        if self._front.pace.free():
            self._hand_over(transport, data)
            return
        self._queue(data, self._leave)

    def _queue(self, data: bytes, work: Work) -> None:
        """Do ``work`` in turn, and read nothing until then."""
        if self._transport is not None:
            self._queued, self._kept = True, data
            self._due(self._time() + self._front.patience_s)
            self._transport.pause_reading()
            self._front.pace.wait(work)

    def _leave(self) -> bool:
        transport = self._transport
        if transport is None or transport.is_closing():
            return False
        transport.resume_reading()
        self._hand_over(transport, self._kept)
        return True

    def _go_on(self) -> bool:
        transport = self._transport
        if transport is None or transport.is_closing():
            return False
        data, self._queued, self._long = self._kept, False, True
        self._kept = b""
        transport.resume_reading()
        self.data_received(data)
        return True

    def _hand_over(self, transport: asyncio.Transport, data: bytes) -> None:
        self._let_go()
        heir = self._front.inherit(transport, served=self._used)
        blank = data.find(b"\r\n\r\n", 0, MAX_ENDLESS) + 4
        if 4 <= blank < len(data) and _UPGRADE.search(data, 0, blank):
            transport.pause_reading()
            asyncio.get_running_loop().call_later(EAGER_S, _follow, transport, heir, data[blank:])
            data = data[:blank]
        heir.data_received(data)

    def _whole(self) -> bytes:
        """All that is kept, which is kept no more."""
        whole = b"".join((self._kept, *self._pieces))
        self._pieces.clear()
        self._kept, self._missing = b"", 0
        return whole

    def _let_go(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._front.direct.discard(self._transport)
            self._front.unheard.pop(self._transport, None)
        self._transport = None
        self._kept = b""
        self._pieces.clear()


def _follow(transport: asyncio.Transport, heir: asyncio.Protocol, frames: bytes) -> None:
    """Hand on the frames that came with an upgrade, unless it was refused."""
    if not transport.is_closing():
        heir.data_received(frames)
        transport.resume_reading()


def _begins(data: bytes) -> bool:
    """Whether this can become one of the requests that are answered here."""
    return data.startswith(_BEGINNINGS) or any(each.startswith(data) for each in _BEGINNINGS)


def _fields(block: bytes) -> dict[str, str] | None:
    """Header fields by lower-case name; None where they ask for more than an answer."""
    fields: dict[str, str] = {}
    lines = block[:-2].decode("utf-8", "surrogateescape").split("\r\n")
    for line in lines:
        name, _, value = line.partition(":")
        fields[name.lower()] = value.strip(" \t")
    # A field that is there twice is not ordinary.
    if len(fields) != len(lines) or "host" not in fields or not _OTHERWISE.isdisjoint(fields):
        return None
    return None if fields.get("connection", "keep-alive").lower() != "keep-alive" else fields
