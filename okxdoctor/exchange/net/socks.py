"""A SOCKS5 proxy on loopback (RFC 1928, CONNECT only; user and password by RFC 1929), obliging or not."""

from __future__ import annotations

import asyncio
import hmac
import ipaddress

from okxdoctor.exchange.net.proxying import DEADLINE_S, ProxyBehaviour, ProxyServer, tunnel
from okxdoctor.exchange.net.pump import close_politely
from okxdoctor.exchange.net.tcp import stay_silent

_VERSION = 5
_NO_AUTHENTICATION = 0
_USER_PASSWORD = 2
_NO_ACCEPTABLE_METHOD = 0xFF
_CONNECT = 1
_IPV4, _NAME, _IPV6 = 1, 3, 4

SUCCEEDED = 0
NOT_ALLOWED = 2
HOST_UNREACHABLE = 4
CONNECTION_REFUSED = 5
COMMAND_NOT_SUPPORTED = 7
ADDRESS_NOT_SUPPORTED = 8


class SocksProxy(ProxyServer):
    """CONNECT alone; ``refusal`` of any status is reply 2 (not allowed)."""

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, behaviour: ProxyBehaviour
    ) -> None:
        if behaviour.hang:
            await stay_silent(reader, writer)
            return
        async with asyncio.timeout(DEADLINE_S):
            if not await self._greet(reader, writer, behaviour):
                await close_politely(reader, writer)
                return
            command, host, port = await _read_request(reader)
        if behaviour.hang_up:
            self._log("SOCKS5", host or "", port, None)
            await close_politely(reader, writer)
            return
        reply, upstream = SUCCEEDED, None
        if command != _CONNECT:
            reply = COMMAND_NOT_SUPPORTED
        elif host is None:
            reply = ADDRESS_NOT_SUPPORTED
        elif behaviour.refusal is not None:
            reply = NOT_ALLOWED
        elif behaviour.inspect is None:
            try:
                upstream = await self._reach(host, port)
            except ConnectionRefusedError:
                reply = CONNECTION_REFUSED
            except OSError:
                reply = HOST_UNREACHABLE
        self._log("SOCKS5", host or "", port, reply)
        writer.write(bytes((_VERSION, reply, 0, _IPV4)) + bytes(6))
        await writer.drain()
        if upstream is not None:
            await tunnel((reader, writer), upstream)
        elif reply == SUCCEEDED and behaviour.inspect is not None:
            await behaviour.inspect(reader, writer)
        else:
            await close_politely(reader, writer)

    async def _greet(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, behaviour: ProxyBehaviour
    ) -> bool:
        """Agree on a method and carry it out; False when the client is not let in."""
        version, count = await reader.readexactly(2)
        if version != _VERSION:
            return False
        offered = await reader.readexactly(count)
        wanted = _NO_AUTHENTICATION if behaviour.user is None else _USER_PASSWORD
        agreed = wanted in offered
        writer.write(bytes((_VERSION, wanted if agreed else _NO_ACCEPTABLE_METHOD)))
        if not agreed:
            self._log("SOCKS5", "", 0, _NO_ACCEPTABLE_METHOD)
        if not agreed or wanted == _NO_AUTHENTICATION:
            return agreed
        await reader.readexactly(1)
        user = await reader.readexactly((await reader.readexactly(1))[0])
        password = await reader.readexactly((await reader.readexactly(1))[0])
        expected = (behaviour.user or "").encode(), behaviour.password.encode()
        right = hmac.compare_digest(user, expected[0]) & hmac.compare_digest(password, expected[1])
        writer.write(bytes((1, 0 if right else 1)))
        return right


async def _read_request(reader: asyncio.StreamReader) -> tuple[int, str | None, int]:
    """Command, host (None for an unknown kind of address) and port."""
    _, command, _, kind = await reader.readexactly(4)
    if kind in (_IPV4, _IPV6):
        host = str(ipaddress.ip_address(await reader.readexactly(4 if kind == _IPV4 else 16)))
    elif kind == _NAME:
        length = (await reader.readexactly(1))[0]
        host = (await reader.readexactly(length)).decode("ascii", "replace").lower()
    else:
        return command, None, 0
    return command, host, int.from_bytes(await reader.readexactly(2))
