"""An HTTP proxy on loopback (CONNECT and absolute-form requests; RFC 9110 §9.3.6, RFC 9112 §3.2), obliging or not."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

from okxdoctor.exchange.net.proxying import DEADLINE_S, ProxyBehaviour, ProxyServer, tunnel
from okxdoctor.exchange.net.pump import close_politely
from okxdoctor.exchange.net.tcp import stay_silent


@dataclass(frozen=True, slots=True, kw_only=True)
class _Head:
    """``fields`` has lower-case names; ``lines`` are the field lines as they came."""

    method: str
    target: str
    version: str
    fields: Mapping[str, str]
    lines: tuple[bytes, ...]


class HttpProxy(ProxyServer):
    """CONNECT tunnels, and requests in absolute form."""

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, behaviour: ProxyBehaviour
    ) -> None:
        if behaviour.hang:
            await stay_silent(reader, writer)
            return
        async with asyncio.timeout(DEADLINE_S):
            head = await _read_head(reader)
        if head is None:
            await _refuse(reader, writer, HTTPStatus.BAD_REQUEST)
            return
        host, port = _target(head)
        if not host:
            await _refuse(reader, writer, HTTPStatus.BAD_REQUEST)
            return
        if behaviour.hang_up:
            self._log(head.method, host, port, None)
            await close_politely(reader, writer)
            return
        status = _refusal(head, behaviour)
        if status is not None:
            self._log(head.method, host, port, status)
            await _refuse(reader, writer, status)
            return
        if head.method == "CONNECT" and behaviour.inspect is not None:
            self._log(head.method, host, port, HTTPStatus.OK)
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await behaviour.inspect(reader, writer)
            return
        try:
            upstream = await self._reach(host, port)
        except OSError as error:
            late = isinstance(error, TimeoutError)
            status = HTTPStatus.GATEWAY_TIMEOUT if late else HTTPStatus.BAD_GATEWAY
            self._log(head.method, host, port, status)
            await _refuse(reader, writer, status)
            return
        self._log(head.method, host, port, HTTPStatus.OK)
        if head.method == "CONNECT":
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            upstream[1].write(_origin_form(head))
        await tunnel((reader, writer), upstream)


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
