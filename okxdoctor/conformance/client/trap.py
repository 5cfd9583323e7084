"""A proxy that the program is told of, with the loopback left out: it sees who wants to go elsewhere.

The addresses of the embedded exchange are on the loopback, which NO_PROXY names, so a program that takes its
addresses from the configuration never comes here. One that has an address of OKX built in does, and is refused: no
test of a program ever reaches the real exchange through it. Other places (a database, a messenger) are let through.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from okxdoctor.conformance.client.record import Record
from okxdoctor.conformance.client.trace import Elsewhere

NAMES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")
_OURS = ("okx.com", "okex.com", "okx.cab", "okex.me", "oklink.com")
HEAD = 16_384
PATIENCE_S = 10.0


def of_the_exchange(host: str) -> bool:
    """Whether a host is one of OKX's."""
    low = host.lower().rstrip(".")
    return any(low == name or low.endswith("." + name) for name in _OURS)


class Trap:
    """One listener. Not opened where the user's environment has a proxy of its own."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self.port = 0

    async def open(self, host: str = "127.0.0.1") -> None:
        self._server = await asyncio.start_server(self._serve, host, 0, limit=HEAD)
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for writer in tuple(self._open):
            writer.transport.abort()

    def environ(self, own: Mapping[str, str]) -> dict[str, str]:
        """The variables that name it; none where a proxy is named already."""
        if self._server is None or any(own.get(name) for name in NAMES):
            return {}
        url = f"http://127.0.0.1:{self.port}"
        spared = ",".join(filter(None, (own.get("NO_PROXY") or own.get("no_proxy", ""), "127.0.0.1,localhost,::1")))
        found = dict.fromkeys(("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"), url)
        return {**found, "NO_PROXY": spared, "no_proxy": spared}

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            await self._handle(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError, ValueError):
            pass
        finally:
            self._open.discard(writer)
            writer.close()

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(PATIENCE_S):
            head = await reader.readuntil(b"\r\n\r\n")
        method, target, _ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 2)
        tunnel = method == "CONNECT"
        split = urlsplit(f"//{target}" if tunnel else target)
        host, port = split.hostname or "", split.port or (443 if tunnel else 80)
        if not _loopback(host):
            self._record.add(Elsewhere(at_s=self._record.at(), host=f"{host}:{port}"))
        if of_the_exchange(host):
            writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            await writer.drain()
            return
        async with asyncio.timeout(PATIENCE_S):
            far_reader, far_writer = await asyncio.open_connection(host, port)
        self._open.add(far_writer)
        try:
            if tunnel:
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                far_writer.write(head)
            await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))
        finally:
            self._open.discard(far_writer)
            far_writer.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(OSError):
        if writer.can_write_eof():
            writer.write_eof()


def _loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
