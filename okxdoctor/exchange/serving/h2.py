"""HTTP/2, offered only when the circumstances have a server that ends each connection after some streams.

The gateway and the edge are the same as for HTTP/1.1; only the framing differs (RFC 9113, by ``h2``).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from h2.config import H2Configuration
from h2.connection import ConnectionState, H2Connection
from h2.errors import ErrorCodes
from h2.events import DataReceived, RequestReceived, StreamEnded, StreamReset, WindowUpdated
from h2.exceptions import ProtocolError

from okxdoctor.exchange.core.circumstances import Circumstances
from okxdoctor.exchange.core.protocol import Reply, Request

if TYPE_CHECKING:
    from .web import Front

MAX_BODY = 1_048_576
LINGER_S = 0.2
"""How long a connection stays after its GOAWAY, so that the frame is read before the end is seen."""


@dataclass(slots=True)
class Stream:
    """A request that is being received, then the rest of its answer's body."""

    method: str
    target: str
    headers: dict[str, str]
    world: Circumstances
    """What the request meets."""
    body: bytearray = field(default_factory=bytearray)
    rest: bytes | None = None


class Http2(asyncio.Protocol):
    """One HTTP/2 connection."""

    def __init__(self, front: Front) -> None:
        self._front = front
        self._http = H2Connection(config=H2Configuration(client_side=False, header_encoding="utf-8"))
        self._streams: dict[int, Stream] = {}
        self._taken = 0
        self._last = 0
        self._leaving = False
        self._transport: asyncio.Transport | None = None
        self._timers: set[asyncio.TimerHandle] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not isinstance(transport, asyncio.Transport):
            raise TypeError("HTTP/2 wants a stream transport")
        self._transport = transport
        self._front.direct.add(transport)
        self._http.initiate_connection()
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._transport is not None:
            self._front.direct.discard(self._transport)
        for timer in self._timers:
            timer.cancel()

    def data_received(self, data: bytes) -> None:
        if self._leaving or self._transport is None:
            return
        try:
            events = self._http.receive_data(data)
        except (ProtocolError, UnicodeDecodeError):
            self._flush()
            self._transport.close()
            return
        for event in events:
            if self._http.state_machine.state is ConnectionState.CLOSED:
                return
            match event:
                case RequestReceived(stream_id=int() as number, headers=list() as pairs):
                    self._open(number, pairs)
                case DataReceived(stream_id=int() as number, data=bytes() as chunk):
                    self._receive(number, chunk, event.flow_controlled_length or 0)
                case StreamEnded(stream_id=int() as number):
                    self._ready(number)
                case StreamReset(stream_id=int() as number):
                    self._streams.pop(number, None)
                case WindowUpdated():
                    self._send_rests()
                case _:
                    pass
        self._flush()

    def _open(self, number: int, pairs: list[tuple[str, str]]) -> None:
        headers = {str(name): str(value) for name, value in pairs}
        target, method = headers.pop(":path", "/"), headers.pop(":method", "GET")
        headers["host"] = headers.pop(":authority", headers.get("host", ""))
        headers.pop(":scheme", None)
        limit = self._front.exchange.world.edge.goaway_after
        if limit and self._taken >= limit:
            # As seen in the field: the request after the last one is under way already when the end is announced.
            self._go_away(self._last)
            return
        self._taken, self._last = self._taken + 1, number
        self._streams[number] = Stream(method, target, headers, self._front.meets())

    def _receive(self, number: int, chunk: bytes, length: int) -> None:
        stream = self._streams.get(number)
        if stream is not None and len(stream.body) <= MAX_BODY:
            stream.body += chunk
        self._http.acknowledge_received_data(length, number)

    def _ready(self, number: int) -> None:
        stream = self._streams.get(number)
        if stream is None:
            return
        edge = stream.world.edge
        if edge.stall is not None:
            return
        if edge.cut is not None and self._transport is not None:
            self._transport.abort()
            return
        loop = asyncio.get_running_loop()
        if edge.delay_ms or edge.body_ms:
            timer = loop.call_later((edge.delay_ms + edge.body_ms) / 1000, self._late, number)
            self._timers.add(timer)
        else:
            self._answer(number)

    def _late(self, number: int) -> None:
        self._answer(number)
        self._flush()

    def _answer(self, number: int) -> None:
        stream = self._streams.get(number)
        if stream is None or self._transport is None or self._leaving:
            return
        front = self._front
        site, _ = front.place(stream.headers.get("host", ""))
        came_from = str((self._transport.get_extra_info("peername") or ("127.0.0.1",))[0])
        peer = front.seen(came_from, stream.world, self._transport)
        page = stream.world.edge.page_for(stream.headers.get("user-agent", ""))
        if page is not None:
            front.log_page(stream.method, stream.target, page, site, peer)
            status, fields, body = page.status, front.page_headers(page), page.body
        else:
            if len(stream.body) > MAX_BODY:
                reply = Reply(status=413, body=b'{"msg":"Payload Too Large","code":"413"}')
            else:
                request = Request(
                    method=stream.method, target=stream.target, headers=stream.headers, body=bytes(stream.body),
                    peer=peer,
                )  # fmt: skip
                reply = front.reply(site, request, stream.world)
            status, fields, body = reply.status, front.headers(reply), reply.body
        block = [(":status", str(status)), ("content-length", str(len(body)))]
        block.extend((name.lower(), value) for name, value in fields.items())
        self._http.send_headers(number, block)
        stream.rest = body
        self._send_rests()

    def _send_rests(self) -> None:
        for number, stream in list(self._streams.items()):
            while stream.rest is not None:
                room = min(self._http.local_flow_control_window(number), self._http.max_outbound_frame_size)
                if room <= 0 and stream.rest:
                    break
                piece, rest = stream.rest[:room], stream.rest[room:]
                self._http.send_data(number, piece, end_stream=not rest)
                stream.rest = rest or None
                if not rest:
                    del self._streams[number]

    def _go_away(self, last: int) -> None:
        """No further stream is taken; those after ``last`` were never looked at."""
        if self._transport is None:
            return
        self._http.close_connection(error_code=ErrorCodes.NO_ERROR, last_stream_id=last)
        self._leaving = True
        self._flush()
        timer = asyncio.get_running_loop().call_later(LINGER_S, self._transport.close)
        self._timers.add(timer)

    def _flush(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(self._http.data_to_send())
