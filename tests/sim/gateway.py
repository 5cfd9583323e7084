"""A gateway between doctor and exchange, as companies have them: it passes bytes, and changes what it is told to.

Plain HTTP/1.1 and WebSocket on loopback, one upstream connection for each request, every byte in the test's hands.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

Headers = list[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    method: str
    target: str
    headers: Headers
    body: bytes = b""

    @property
    def upgrade(self) -> bool:
        return any(name.lower() == "upgrade" for name, _ in self.headers)

    def header(self, name: str) -> str:
        return next((value for other, value in self.headers if other.lower() == name), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    status: int
    headers: Headers = field(default_factory=list)
    body: bytes = b""

    def header(self, name: str) -> str:
        return next((value for other, value in self.headers if other.lower() == name), "")


def without(headers: Headers, *names: str) -> Headers:
    return [(name, value) for name, value in headers if name.lower() not in names]


def page(status: int, html: str, *headers: tuple[str, str]) -> Response:
    return Response(status=status, headers=[("Content-Type", "text/html"), *headers], body=html.encode())


Ask = Callable[[Request], "Request | Response"]
Answer = Callable[[Request, Response], Response]
Relay = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def passing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Bytes of one direction as they come."""
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


@dataclass(slots=True, kw_only=True)
class Gateway:
    """What it does: to ``ask`` and ``answer`` of HTTP (upgrades included), and to the frames of a WebSocket ``down``
    to the client. ``life_s``: how long it lets a WebSocket live. ``patience_s``: how long a connection may stand
    without a request; to a first one that does not come it says 408."""

    ask: Ask = lambda request: request
    answer: Answer = lambda request, response: response
    down: Relay = passing
    life_s: float | None = None
    patience_s: float | None = None
    upstream: tuple[str, int] = ("127.0.0.1", 0)
    seen: list[Request] = field(default_factory=list)
    _tasks: set[Any] = field(default_factory=set)

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        self._tasks.add(task)
        try:
            asked = 0
            while True:
                try:
                    request = await asyncio.wait_for(_request(reader), self.patience_s)
                except TimeoutError:
                    if not asked:
                        await _send(writer, page(408, "408 Request Time-out", ("Connection", "close")))
                    return
                if request is None:
                    return
                asked += 1
                self.seen.append(request)
                told = self.ask(request)
                if isinstance(told, Response):
                    await _send(writer, told)
                elif told.upgrade:
                    await self._websocket(told, reader, writer)
                    return
                else:
                    await _send(writer, self.answer(request, await self._pass(told)))
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the end of a connection; a task of asyncio's own streams may not end as cancelled (Python 3.11)
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _pass(self, request: Request) -> Response:
        reader, writer = await asyncio.open_connection(*self.upstream)
        try:
            body = [("Content-Length", str(len(request.body)))] if request.body else []
            headers = [*without(request.headers, "connection", "content-length"), ("Connection", "close"), *body]
            writer.write(_head(f"{request.method} {request.target} HTTP/1.1", headers) + request.body)
            status, headers = await _answer_head(reader)
            raw = await reader.read(-1)
            if any(value.lower() == "chunked" for name, value in headers if name.lower() == "transfer-encoding"):
                raw = _joined(raw)
            return Response(status=status, headers=without(headers, "connection", "transfer-encoding"), body=raw)
        finally:
            writer.close()

    async def _websocket(self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_connection(*self.upstream)
        try:
            up_writer.write(_head(f"{request.method} {request.target} HTTP/1.1", request.headers))
            status, headers = await _answer_head(up_reader)
            told = self.answer(request, Response(status=status, headers=headers))
            writer.write(_head(f"HTTP/1.1 {told.status} Switching Protocols", told.headers))
            ways = [
                asyncio.ensure_future(passing(reader, up_writer)),
                asyncio.ensure_future(self.down(up_reader, writer)),
            ]
            _, open_still = await asyncio.wait(ways, timeout=self.life_s, return_when=asyncio.FIRST_COMPLETED)
            for way in open_still:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
        finally:
            up_writer.close()


@contextlib.asynccontextmanager
async def standing(gateway: Gateway, plain_rest_url: str) -> AsyncIterator[int]:
    """The gateway before the exchange at this address; gives its port."""
    upstream = urlsplit(plain_rest_url)
    gateway.upstream = (upstream.hostname or "", upstream.port or 80)
    server = await asyncio.start_server(gateway._client, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tuple(gateway._tasks):
            task.cancel()
        await asyncio.gather(*gateway._tasks, return_exceptions=True)


# ---- HTTP/1.1, as much as is needed ---------------------------------------------------------------


def _head(first: str, headers: Headers) -> bytes:
    return "\r\n".join([first, *(f"{name}: {value}" for name, value in headers), "", ""]).encode("latin-1")


async def _lines(reader: asyncio.StreamReader) -> tuple[str, Headers]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in head[1:] if line)
    return head[0], [(name.strip(), value.strip()) for name, _, value in pairs]


async def _request(reader: asyncio.StreamReader) -> Request | None:
    try:
        first, headers = await _lines(reader)
    except asyncio.IncompleteReadError:
        return None
    method, target, _ = first.split(" ", 2)
    request = Request(method=method, target=target, headers=headers)
    length = int(request.header("content-length") or 0)
    return replace(request, body=await reader.readexactly(length)) if length else request


async def _answer_head(reader: asyncio.StreamReader) -> tuple[int, Headers]:
    first, headers = await _lines(reader)
    return int(first.split(" ")[1]), headers


async def _send(writer: asyncio.StreamWriter, response: Response) -> None:
    headers = [*without(response.headers, "content-length"), ("Content-Length", str(len(response.body)))]
    writer.write(_head(f"HTTP/1.1 {response.status} Told", headers) + response.body)
    await writer.drain()


def _joined(chunked: bytes) -> bytes:
    whole = b""
    while chunked:
        size, _, chunked = chunked.partition(b"\r\n")
        length = int(size, 16)
        if not length:
            break
        whole, chunked = whole + chunked[:length], chunked[length + 2 :]
    return whole
