"""An HTTP proxy on loopback (CONNECT and absolute-form requests; RFC 9110 §9.3.6, RFC 9112 §3.2), obliging or not."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hmac
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import urlsplit

from okxdoctor.exchange.net.pump import close_politely
from okxdoctor.exchange.net.service import Handler, StreamService
from okxdoctor.exchange.net.tcp import stay_silent

_HEAD_DEADLINE_S = 10.0
_CHUNK = 65536
_LOG_SIZE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyBehaviour:
    """How a proxy treats its clients.

    ``user``, ``password``  wanted by Basic authentication (HTTP) or RFC 1929 (SOCKS5); user None: nobody is asked
    ``refusal``   every request that would otherwise be let through is refused, HTTP by this status; None: let through
    ``hang``      take the request and never answer
    ``inspect``   handler for the tunnelled bytes instead of the target: a proxy that opens TLS and rewrites it
    """

    user: str | None = None
    password: str = field(default="", repr=False)
    refusal: int | None = None
    hang: bool = False
    inspect: Handler | None = None


OBLIGING = ProxyBehaviour()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyRequest:
    """One request that the proxy got and what became of it.

    ``outcome``  HTTP status, or SOCKS5 reply code; None: nothing was answered
    """

    method: str
    host: str
    port: int
    outcome: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Head:
    """``fields`` has lower-case names; ``lines`` are the field lines as they came."""

    method: str
    target: str
    version: str
    fields: Mapping[str, str]
    lines: tuple[bytes, ...]


class HttpProxy:
    """Replace ``behaviour`` to change how it treats clients.

    ``hosts``  names → addresses, for names (``.test``) that no resolver of the machine knows; others are looked up
    """

    def __init__(self, hosts: Mapping[str, str], behaviour: ProxyBehaviour = OBLIGING) -> None:
        self.hosts = hosts
        self.behaviour = behaviour
        self.requests: deque[ProxyRequest] = deque(maxlen=_LOG_SIZE)
        self._service = StreamService(self.handle)

    @property
    def port(self) -> int:
        return self._service.port

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Bind and serve.  Raises OSError if ``port`` is taken."""
        await self._service.start(host, port)

    async def close(self) -> None:
        await self._service.close()

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection: one tunnel, or one forwarded request."""
        async with asyncio.timeout(_HEAD_DEADLINE_S):
            head = await _read_head(reader)
        if head is None:
            await _refuse(reader, writer, HTTPStatus.BAD_REQUEST)
            return
        host, port = _target(head)
        if not host:
            await _refuse(reader, writer, HTTPStatus.BAD_REQUEST)
            return
        behaviour = self.behaviour
        if behaviour.hang:
            self._log(head, host, port, None)
            await stay_silent(reader, writer)
            return
        status = _refusal(head, behaviour)
        if status is not None:
            self._log(head, host, port, status)
            await _refuse(reader, writer, status)
            return
        if head.method == "CONNECT" and behaviour.inspect is not None:
            self._log(head, host, port, HTTPStatus.OK)
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await behaviour.inspect(reader, writer)
            return
        try:
            upstream = await asyncio.open_connection(self.hosts.get(host, host), port)
        except OSError:
            self._log(head, host, port, HTTPStatus.BAD_GATEWAY)
            await _refuse(reader, writer, HTTPStatus.BAD_GATEWAY)
            return
        self._log(head, host, port, HTTPStatus.OK)
        if head.method == "CONNECT":
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            upstream[1].write(_origin_form(head))
        await tunnel((reader, writer), upstream)

    def _log(self, head: _Head, host: str, port: int, outcome: int | None) -> None:
        self.requests.append(ProxyRequest(method=head.method, host=host, port=port, outcome=outcome))


async def tunnel(
    client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    server: tuple[asyncio.StreamReader, asyncio.StreamWriter],
) -> None:
    """Copy both ways until both directions have ended; an end in one direction is passed on as an end."""
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_copy(client[0], server[1]))
            group.create_task(_copy(server[0], client[1]))
    except* OSError:
        pass  # a reset on one side ends the tunnel
    finally:
        client[1].close()
        server[1].close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(_CHUNK):
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()


async def _read_head(reader: asyncio.StreamReader) -> _Head | None:
    """None for what is no HTTP/1 request; known by the first byte if that starts TLS or SOCKS, so nobody waits."""
    first = await reader.readexactly(1)
    if not first.isalpha():
        return None
    try:
        return _parse_head(first + await reader.readuntil(b"\r\n\r\n"))
    except (ValueError, asyncio.LimitOverrunError):
        return None


def _parse_head(raw: bytes) -> _Head:
    first, *lines = raw[:-4].split(b"\r\n")
    method, target, version = first.decode("ascii").split(" ")
    if not version.startswith("HTTP/1."):
        raise ValueError("not HTTP/1")
    fields = {}
    for line in lines:
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon:
            raise ValueError("a field line without a colon")
        fields[name.strip().lower()] = value.strip()
    return _Head(method=method, target=target, version=version, fields=fields, lines=tuple(lines))


def _target(head: _Head) -> tuple[str, int]:
    """Host (lower case, no brackets) and port; an empty host if the request line names none."""
    try:
        split = urlsplit(f"//{head.target}" if head.method == "CONNECT" else head.target)
        return split.hostname or "", split.port or 80
    except ValueError:
        return "", 0


def _refusal(head: _Head, behaviour: ProxyBehaviour) -> int | None:
    if behaviour.user is not None:
        wanted = base64.b64encode(f"{behaviour.user}:{behaviour.password}".encode()).decode()
        scheme, _, given = head.fields.get("proxy-authorization", "").partition(" ")
        if scheme.lower() != "basic" or not hmac.compare_digest(given.strip().encode(), wanted.encode()):
            return HTTPStatus.PROXY_AUTHENTICATION_REQUIRED
    return behaviour.refusal


def _origin_form(head: _Head) -> bytes:
    """The request as the origin server gets it: path only, no proxy fields, one request for the connection."""
    split = urlsplit(head.target)
    path = (split.path or "/") + (f"?{split.query}" if split.query else "")
    kept = [
        line for line in head.lines if not line.lower().startswith((b"proxy-", b"connection:", b"keep-alive:", b"via:"))
    ]
    upgrade = "upgrade" in head.fields.get("connection", "").lower()
    kept += [b"Connection: Upgrade" if upgrade else b"Connection: close", b"Via: 1.1 okxdoctor-proxy"]
    return f"{head.method} {path} {head.version}\r\n".encode("ascii") + b"\r\n".join(kept) + b"\r\n\r\n"


async def _refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, status: int) -> None:
    phrase = HTTPStatus(status).phrase
    body = f"{phrase}\n".encode()
    challenge = 'Proxy-Authenticate: Basic realm="okxdoctor proxy"\r\n' if status == 407 else ""
    head = (
        f"HTTP/1.1 {status} {phrase}\r\n{challenge}"
        f"Content-Type: text/plain\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    with contextlib.suppress(ConnectionError):
        writer.write(head.encode() + body)
        await writer.drain()
    await close_politely(reader, writer)
