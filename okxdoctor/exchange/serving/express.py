"""The short way for ordinary requests: from bytes to bytes without a task, a queue or a request object.

Every HTTP/1.1 connection begins here. A whole, plain GET or POST is answered at once; whatever is more than that (an
upgrade, a body in chunks, pipelined requests, other verbs, the control endpoint, a fault that waits or hangs, and
everything that is not well-formed) goes with all its bytes to aiohttp, and the connection stays there. So there is one
judge of what is odd, and both ways ask the same ``Front.reply`` and send the same headers.
"""

from __future__ import annotations

import asyncio
import re
from http import HTTPStatus
from typing import TYPE_CHECKING

from okxdoctor.exchange.core.protocol import Reply, Request

if TYPE_CHECKING:
    from .web import Front

MAX_HEAD = 16_384
"""Bytes of a head, or of a whole request that comes in pieces, that are kept here; aiohttp takes longer ones."""
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
_PHRASE = {status.value: status.phrase for status in HTTPStatus}


class Express(asyncio.Protocol):
    """One HTTP/1.1 connection, until something on it is not ordinary."""

    def __init__(self, front: Front) -> None:
        self._front = front
        self._transport: asyncio.Transport | None = None
        self._peer: str | None = None
        self._kept = b""
        self._blocked = False
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
        if self._kept:
            data = self._kept + data
        if self._blocked:
            self._kept = data
            return
        if self._front.waits():
            self._give_away(data)
            return
        head = _HEAD.match(data)
        if head is None:
            if len(data) > MAX_HEAD or b"\r\n\r\n" in data or not _begins(data):
                self._give_away(data)
            else:
                self._keep(data)
            return
        headers = _fields(head[3]) if head.end() <= MAX_HEAD else None
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
            self._send(Reply(status=413, body=b'{"msg":"Payload Too Large","code":"413"}'))
            self._dropping = end - start
            self._due(self._time() + self._front.patience_s)
            self._drop(len(data) - start)
            return
        if len(data) == end:
            if not self._used and self._transport is not None:
                self._front.unheard.pop(self._transport, None)
            self._kept, self._used = b"", True
            self._deadline = self._time() + IDLE_S
            self._answer(head[1].decode("ascii"), target, headers, data[start:])
        elif len(data) < end <= MAX_HEAD:
            self._keep(data)
        else:
            self._give_away(data)

    def _answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> None:
        front, transport = self._front, self._transport
        if transport is None or transport.is_closing():
            return
        world, now_ms = front.exchange.world, front.exchange.clock.now_ms()
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

    def _send(self, reply: Reply, now_ms: int | None = None) -> None:
        if self._transport is None:
            return
        now_ms = self._front.exchange.clock.now_ms() if now_ms is None else now_ms
        top = f"HTTP/1.1 {reply.status} {_PHRASE.get(reply.status, '')}\r\n{self._front.header_block(reply, now_ms)}"
        self._transport.write(f"{top}Content-Length: {len(reply.body)}\r\n\r\n".encode() + reply.body)

    def _drop(self, size: int) -> None:
        """Take in what was refused already: who closes in the face of a sender destroys his own answer (RST)."""
        self._dropping -= size
        if self._dropping <= 0 and self._transport is not None:
            self._transport.close()

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
        elif _HEAD.match(self._kept):
            self._give_away(self._kept)  # the body is missing: aiohttp's side waits once more, then says 408
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
        self._let_go()
        self._front.inherit(transport, served=self._used).data_received(data)

    def _let_go(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._front.direct.discard(self._transport)
            self._front.unheard.pop(self._transport, None)
        self._transport = None
        self._kept = b""


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
