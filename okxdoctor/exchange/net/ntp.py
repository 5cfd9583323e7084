"""A time server on loopback (NTPv4, RFC 5905, client/server mode only) over any clock, honest or not."""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from okxdoctor.exchange.net.service import netloc

_UNIX_TO_NTP_S = 2_208_988_800
"""Seconds from 1900-01-01 to 1970-01-01 (RFC 868)."""

_PACKET = struct.Struct("!BBbbII4sQQQQ")
_CLIENT = 3
_SERVER = 4
_LEAP_UNKNOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class NtpBehaviour:
    """How one server answers.

    ``silent``        not at all
    ``offset_s``      seconds added to the clock: a falseticker, honest in every other field
    ``kiss``          kiss-of-death code of four letters (``RATE``, ``DENY``, ``RSTR``): stratum 0 and no useful time
    ``stratum``       1 to 15; 16 is "not synchronized"
    ``leap``          leap indicator; 3 is "not synchronized"
    ``round_trip_s``  seconds on the way, half before the packet is stamped and half after
    ``wrong_origin``  the origin timestamp is not the one that the client sent: a stale or forged answer
    """

    silent: bool = False
    offset_s: float = 0.0
    kiss: str | None = None
    stratum: int = 2
    leap: int = 0
    round_trip_s: float = 0.0
    wrong_origin: bool = False


HONEST = NtpBehaviour()


class NtpServer:
    """Serve ``clock`` (Unix seconds) on ``host``; replace ``behaviour`` to change how."""

    def __init__(
        self,
        clock: Callable[[], float] = time.time,
        behaviour: NtpBehaviour = HONEST,
        *,
        host: str = "127.0.0.1",
    ) -> None:
        self.clock = clock
        self.behaviour = behaviour
        self.choose: Callable[[], NtpBehaviour | None] = lambda: None
        """Asked at each query: the behaviour for this one alone, None for that of always."""
        self.host = host
        self.port = 0
        self._transport: asyncio.DatagramTransport | None = None

    @property
    def address(self) -> str:
        """``HOST:PORT`` as ``--ntp-server`` takes it."""
        return netloc(self.host, self.port)

    async def start(self, port: int = 0) -> None:
        """Bind and serve.  Raises OSError if ``port`` is taken."""
        self._transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: _Datagrams(self), local_addr=(self.host, port)
        )
        self.port = self._transport.get_extra_info("sockname")[1]

    async def close(self) -> None:
        if self._transport is not None:
            self._transport.close()
            await asyncio.sleep(0)  # the socket is closed one step later


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, server: NtpServer) -> None:
        self._server = server
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not by isinstance: until 3.12 asyncio's own transport does not inherit from DatagramTransport.
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        behaviour = self._server.choose() or self._server.behaviour
        if behaviour.round_trip_s:
            asyncio.get_running_loop().call_later(behaviour.round_trip_s / 2, self._answer, data, addr, behaviour)
        else:
            self._answer(data, addr, behaviour)

    def _answer(self, data: bytes, address: tuple[str | Any, int], behaviour: NtpBehaviour) -> None:
        packet = reply(data, self._server.clock, behaviour)
        if packet is None:
            return
        if behaviour.round_trip_s:
            asyncio.get_running_loop().call_later(behaviour.round_trip_s / 2, self._send, packet, address)
        else:
            self._send(packet, address)

    def _send(self, packet: bytes, address: tuple[str | Any, int]) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(packet, address)


def reply(request: bytes, clock: Callable[[], float], behaviour: NtpBehaviour = HONEST) -> bytes | None:
    """The 48-octet answer to a client's packet; None for anything else than a client's packet, and when silent."""
    if behaviour.silent or len(request) < _PACKET.size:
        return None
    version, mode = (request[0] >> 3) & 0b111, request[0] & 0b111
    if mode != _CLIENT or not 1 <= version <= 4:
        return None
    (origin,) = struct.unpack_from("!Q", request, 40)
    if behaviour.wrong_origin:
        origin = (origin ^ 0xFFFF_FFFF) & 0xFFFF_FFFF_FFFF_FFFF
    poll = struct.unpack_from("!b", request, 2)[0]
    if behaviour.kiss is not None:
        leap, stratum, reference_id = _LEAP_UNKNOWN, 0, behaviour.kiss.encode().ljust(4)[:4]
    else:
        leap, stratum, reference_id = behaviour.leap, behaviour.stratum, bytes((127, 0, 0, 1))
    received = timestamp(clock() + behaviour.offset_s)
    return _PACKET.pack(
        leap << 6 | version << 3 | _SERVER,
        stratum,
        poll,
        -20,  # precision: 2**-20 s, about a microsecond
        0x0000_0021,  # root delay 0.5 ms (16.16 fixed point)
        0x0000_0042,  # root dispersion 1 ms
        reference_id,
        timestamp(clock() + behaviour.offset_s - 16.0),
        origin,
        received,
        timestamp(clock() + behaviour.offset_s),
    )


def timestamp(unix_s: float) -> int:
    """Unix seconds as an NTP timestamp (32.32 fixed point since 1900, era wrapped as RFC 5905 §6 says)."""
    whole = int(unix_s // 1)
    fraction = int((unix_s - whole) * 2**32)
    return ((whole + _UNIX_TO_NTP_S) % 2**32) << 32 | min(fraction, 2**32 - 1)
