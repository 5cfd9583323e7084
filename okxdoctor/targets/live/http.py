"""HTTP/1.1 and HTTP/2 by httpcore, the engine under httpx, behind one adapter (this module
and ``connections``): no type of it gets further.

httpcore rather than httpx on top of it: the connection below is ours by its public ``network_backend`` (own DNS, own
proxies, own TLS with the reasons kept), nothing of httpx's sessions, redirects or environment is wanted here, and
importing httpx costs a command-line program more (its own command line brings click, rich and pygments along).
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections.abc import AsyncIterable, Callable
from dataclasses import dataclass, field
from typing import Any, cast

import anyio._backends._asyncio  # noqa: F401  # anyio finds it in the first request, which would pay for it
import httpcore

from okxdoctor.port import Failure, Instant
from okxdoctor.targets.live.attention import absent_s, less_absence, patience
from okxdoctor.targets.live.broken import Broken
from okxdoctor.targets.live.connections import TRAIL, Backend, Pool, Stream, Ways, streams_up_to
from okxdoctor.targets.live.content import LIMIT
from okxdoctor.targets.live.proxy import printable
from okxdoctor.targets.live.route import Family, Trail

# These log headers at DEBUG, credentials included; a program that turns debugging on must not print them.
for _name in ("httpcore", "hpack", "h2"):
    logging.getLogger(_name).setLevel(logging.WARNING)

_IDLE_S = 30.0
NO_HTTP = "the answer is no HTTP"

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """One request. ``headers`` is asked when the request is about to leave, so that a timestamp in it is not stale."""

    method: str
    scheme: str
    host: str
    port: int
    target: str
    headers: Callable[[], Headers]
    body: bytes = b""
    fresh: bool = False
    family: Family = "any"
    timeout_s: float = 5.0
    limit: int = LIMIT


@dataclass(slots=True, kw_only=True)
class Reply:
    """What came back, as raw as it came. ``failure`` set: there is no (complete) response."""

    trail: Trail = field(default_factory=Trail)
    status: int | None = None
    headers: Headers = ()
    body: bytes = b""
    cut: bool = False
    version: str = ""
    sent: Instant | None = None
    received: Instant | None = None
    first_byte_ms: float | None = None
    body_ms: float | None = None
    total_ms: float = 0.0
    opened: bool = False
    connection: int = 0
    retried: bool = False
    failure: Failure | None = None


class HttpClient:
    """Requests over pooled connections (or fresh ones), bounded in number and in time.

    ``route`` finds the way to a host; ``context`` is the TLS context in use; ``pooled`` connections are kept at
    most, and ``extra`` bounds those that are opened besides (fresh, or of one address family).
    """

    def __init__(
        self,
        route: Ways,
        context: ssl.SSLContext,
        *,
        clock: Callable[[], Instant],
        pooled: int,
        extra: asyncio.Semaphore,
    ) -> None:
        self._route = route
        self._context = context
        self._clock = clock
        self._extra = extra
        # As many requests as connections: nobody waits inside the pool, where the wait would count as slowness.
        self._slots = asyncio.Semaphore(pooled)
        self._speaks_h2: set[tuple[str, int]] = set()
        self._pool = self._new_pool("any", pooled)

    async def close(self) -> None:
        await self._pool.aclose()

    async def exchange(self, sending: Sending) -> Reply:
        """Total: every failure is in the reply. Raises only what ``sending.headers`` raises, and cancellation."""
        if sending.fresh or sending.family != "any":
            async with self._extra:
                pool = self._new_pool(sending.family, 1)
                try:
                    return await self._exchange(pool, sending)
                finally:
                    await pool.aclose()
        async with self._slots:
            reply = await self._exchange(self._pool, sending)
            if (_stale(reply) or _spared(reply)) and sending.method == "GET":
                # The server closed an idle connection in the moment of its reuse, or ended it before this request
                # was looked at: no answer, but no failure either. One attempt more, on a connection that is new.
                ended_after = reply.trail.ended_after
                pool = self._new_pool("any", 1)
                try:
                    reply = await self._exchange(pool, sending)
                    reply.retried = True
                    if reply.trail.ended_after is None:
                        reply.trail.ended_after = ended_after
                finally:
                    await pool.aclose()
            return reply

    def _new_pool(self, family: Family, most: int) -> Pool:
        return Pool(
            ssl_context=self._context,
            max_connections=most,
            max_keepalive_connections=most,
            keepalive_expiry=_IDLE_S,
            http1=True,
            http2=True,
            network_backend=Backend(self._route, family, clock=self._clock, speaks_h2=self._speaks_h2),
            speaks_h2=self._speaks_h2,
        )

    async def _exchange(self, pool: Pool, sending: Sending) -> Reply:
        reply = Reply()
        started = time.monotonic()
        route = self._route(sending.host, sending.port)
        try:
            async with patience(sending.timeout_s):
                route.check("connect", "handshake")
                await self._send(pool, sending, reply)
        except TimeoutError:
            reply.failure = route.ran_out(reply.trail.phase, after_s=sending.timeout_s)
            if reply.trail.phase == "first-byte" and (sending.host, sending.port) not in self._speaks_h2:
                # A peer that greets in its own language and waits has answered, though not in ours.
                reply.failure = _foreign(reply.trail.first) or reply.failure
        except Broken as broken:
            reply.failure = _in_phase(broken.failure, reply.trail.phase)
        except httpcore.LocalProtocolError as error:
            # Headers were checked before: HTTP/2 stumbles over what the peer sent. Its text may quote it.
            reply.failure = Failure(kind="protocol", phase=reply.trail.phase, detail=type(error).__name__)
        except httpcore.ProtocolError as error:
            _protocol(error, reply)
        except (httpcore.NetworkError, OSError) as error:
            reply.failure = _in_phase(_cause(error), reply.trail.phase)
        except Exception as error:
            # A hostile peer finds the corners of any library (httpcore after a GOAWAY, h2 on odd frames); to the
            # port that is an answer that broke the protocol. Our own mistakes are outside of this block.
            reply.failure = Failure(kind="protocol", phase=reply.trail.phase, detail=type(error).__name__)
        if reply.failure is not None:
            reply.status = None
        reply.total_ms = _ms_since(started)
        return reply

    async def _send(self, pool: Pool, sending: Sending, reply: Reply) -> None:
        marks: dict[str, Instant] = {}
        absent = 0.0

        async def trace(event: str, info: dict[str, Any]) -> None:
            nonlocal absent
            step = event.partition(".")[2]
            if step == "connect_tcp.started":
                reply.opened = True
            elif step == "send_request_headers.started":
                reply.trail.phase = "send"
                marks["sent"] = self._clock()
            elif step == "receive_response_headers.started":
                reply.trail.phase = "first-byte"
            elif step == "receive_response_headers.complete":
                marks["received"], absent = self._clock(), absent_s()
                reply.trail.phase = "body"

        headers = [(name.encode("ascii"), _header_value(value)) for name, value in sending.headers()]
        request = httpcore.Request(
            sending.method.encode(),
            httpcore.URL(
                scheme=sending.scheme.encode(), host=sending.host.encode("ascii"), port=sending.port, target=b"/"
            ),
            headers=headers,
            content=sending.body or None,
            # The request line carries the target as it was signed, whatever a URL type would make of it.
            extensions={"trace": trace, "target": sending.target.encode("ascii")},
        )
        token = TRAIL.set(reply.trail)
        try:
            response = await pool.handle_async_request(request)
        finally:
            TRAIL.reset(token)
            reply.sent, reply.received = marks.get("sent"), marks.get("received")
        try:
            stream = response.extensions.get("network_stream")
            if isinstance(stream, Stream):
                reply.connection = stream.wire.number
                if response.extensions.get("http_version") != b"HTTP/2":
                    # One request at a time: the stream's own readings stand closer to the socket.
                    reply.sent, reply.received = stream.sent or reply.sent, stream.received or reply.received
                    absent = stream.absent_s if stream.received else absent
            reply.status = response.status
            reply.headers = tuple((_text(name).lower(), _text(value)) for name, value in response.headers)
            reply.version = _text(response.extensions.get("http_version", b""))
            if reply.sent and reply.received:
                reply.first_byte_ms = less_absence(_between_s(reply.sent, reply.received), absent)
            await _read_body(response, sending.limit, reply)
            if reply.received:
                reply.body_ms = less_absence(_between_s(reply.received, self._clock()), absent_s())
        finally:
            await response.aclose()


async def _read_body(response: httpcore.Response, limit: int, reply: Reply) -> None:
    body = bytearray()
    try:
        async for chunk in cast("AsyncIterable[bytes]", response.stream):
            body += chunk
            if len(body) > limit:
                reply.cut = True
                break
    except httpcore.RemoteProtocolError as error:
        # "peer closed connection without sending complete message body": the end came before its announced place.
        if "complete message body" not in str(error):
            raise
        reply.cut = True
    finally:
        reply.body = bytes(body[:limit])


def _header_value(value: str) -> bytes:
    """A header's value as bytes. Checked here, because the libraries' complaints quote it, and it may be a secret."""
    if value != value.strip() or any(character < " " or character == "\x7f" for character in value):
        raise Broken("other", "send", "a header holds characters that HTTP cannot carry")
    return value.encode("utf-8", "replace")


def _stale(reply: Reply) -> bool:
    return (
        not reply.opened
        and reply.failure is not None
        and reply.failure.kind in ("closed", "reset")
        and reply.failure.phase in ("send", "first-byte")
    )


def _spared(reply: Reply) -> bool:
    """Whether the request came to a connection that was being ended (GOAWAY), and was left without an answer."""
    return reply.failure is not None and reply.failure.kind == "protocol" and reply.trail.ended_after is not None


def _protocol(error: Exception, reply: Reply) -> None:
    phase = reply.trail.phase
    event = error.args[0] if error.args else ""
    last, code = getattr(event, "last_stream_id", None), getattr(event, "error_code", None)
    if type(event).__name__ == "ConnectionTerminated":
        streams = streams_up_to(last)
        detail = f"goaway after {streams} streams, error code {int(code or 0)}"
        reply.failure = Failure(kind="protocol", phase=phase, detail=detail)
    elif type(event).__name__ == "StreamReset":
        reply.failure = Failure(kind="protocol", phase=phase, detail=f"stream reset, error code {int(code or 0)}")
    elif "disconnected without sending a response" in str(error):
        # httpcore's words for every end before a complete head.
        first = reply.trail.first
        if not first:
            reply.failure = Failure(kind="closed", phase="first-byte", detail="closed without an answer")
        else:
            torn = Failure(kind="closed", phase="first-byte", detail="closed in the middle of the headers")
            reply.failure = _foreign(first) or torn
    else:
        # h11 stumbles over the first line of another protocol, and its own words quote no more than a part of it.
        foreign = _foreign(reply.trail.first) if phase == "first-byte" else None
        reply.failure = foreign or Failure(kind="protocol", phase=phase, detail=str(error)[:120])


def _foreign(first: bytes) -> Failure | None:
    """The failure that the first bytes of an answer are, if they belong to no HTTP."""
    if not first or first.startswith(b"HTTP/"[: len(first)]):
        return None
    heard = printable(first.decode("latin-1"))
    return Failure(kind="protocol", phase="first-byte", detail=f"{NO_HTTP}: {heard!r}")


def _cause(error: BaseException) -> Failure:
    """The failure of ours that httpcore wrapped, or the operating system's."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, Broken):
            return seen.failure
        seen = seen.__cause__ or seen.__context__
    return Failure(kind="other", phase="send", detail=type(error).__name__)


def _in_phase(failure: Failure, phase: str) -> Failure:
    """A wire knows only that it was receiving or sending; the request knows what for."""
    if failure.phase not in ("receive", "send") or failure.kind == "other":
        return failure
    return Failure(kind=failure.kind, phase=phase, detail=failure.detail)


def _text(raw: bytes) -> str:
    return raw.decode("latin-1")


def _between_s(first: Instant, then: Instant) -> float:
    return (then.mono_ns - first.mono_ns) / 1e9


def _ms_since(started: float) -> float:
    return round((time.monotonic() - started) * 1000, 3)
