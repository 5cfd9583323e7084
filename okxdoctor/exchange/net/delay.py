"""A forwarder that puts a distance between a client and a server on one machine."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
from collections import deque
from dataclasses import dataclass

from okxdoctor.exchange.net.service import StreamService
from okxdoctor.exchange.net.tcp import abort_with_reset
from okxdoctor.exchange.net.tls import Address

_CHUNK = 65536
_MOST_IN_FLIGHT = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Distance:
    """How far away the server seems.

    ``one_way_s``     seconds from either side to the other
    ``jitter_s``      added to each piece, uniformly between 0 and this; order is kept, as TCP keeps it
    ``loss``          share of the pieces (0 to 1) that come late by ``retransmit_s``, as a lost segment does:
                      a byte stream never misses one
    ``seed``          of jitter and loss
    """

    one_way_s: float
    jitter_s: float = 0.0
    loss: float = 0.0
    retransmit_s: float = 0.2
    seed: int = 0


NEAR = Distance(one_way_s=0.0)


class DelayedForwarder:
    """Forward TCP connections to ``upstream`` over a distance.

    The kernel completes the client's TCP handshake at once, before any program could delay it.  So the round trip
    of that handshake is made up for by the client's first bytes, which come that much later: a phase further on
    seems longer by it, the whole exchange lasts as long as it would.
    """

    def __init__(self, upstream: Address, distance: Distance) -> None:
        self.upstream = upstream
        self.distance = distance
        self._random = random.Random(distance.seed)
        self._service = StreamService(self.handle)

    @property
    def host(self) -> str:
        return self._service.host

    @property
    def port(self) -> int:
        return self._service.port

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Bind and serve.  Raises OSError if ``port`` is taken."""
        await self._service.start(host, port)

    async def close(self) -> None:
        await self._service.close()

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward one accepted connection (also without ``start``, for a listener of the caller's)."""
        accepted = asyncio.get_running_loop().time()
        server_reader, server_writer = await asyncio.open_connection(*self.upstream)
        _send_at_once(writer)
        _send_at_once(server_writer)
        connected = accepted + 2 * self.distance.one_way_s
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._carry(reader, server_writer, not_before=connected))
                group.create_task(self._carry(server_reader, writer, not_before=accepted))
        except* OSError:
            pass  # nobody is left to deliver to
        finally:
            writer.close()
            server_writer.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, not_before: float) -> None:
        """Take pieces as they come and let each out when its time has come, never before an earlier one."""
        loop = asyncio.get_running_loop()
        travelling: deque[tuple[float, bytes | None]] = deque()  # None: a reset
        came, left = asyncio.Event(), asyncio.Event()
        size = 0

        async def take() -> None:
            nonlocal size
            while True:
                data: bytes | None
                try:
                    data = await reader.read(_CHUNK)
                except OSError:
                    data = None
                # A piece may be due before an earlier one; it goes out behind it all the same.
                due = max(loop.time(), not_before) + self._travel_time()
                travelling.append((due, data))
                size += len(data or b"")
                came.set()
                if not data:
                    return
                while size > _MOST_IN_FLIGHT:
                    left.clear()
                    await left.wait()

        async def deliver() -> None:
            nonlocal size
            while True:
                while not travelling:
                    came.clear()
                    await came.wait()
                due, data = travelling.popleft()
                await asyncio.sleep(max(0.0, due - loop.time()))
                size -= len(data or b"")
                left.set()
                if data is None:
                    abort_with_reset(writer)
                    return
                if not data:
                    with contextlib.suppress(OSError):
                        writer.write_eof()
                    return
                writer.write(data)
                await writer.drain()

        async with asyncio.TaskGroup() as group:
            group.create_task(take())
            group.create_task(deliver())

    def _travel_time(self) -> float:
        distance = self.distance
        lost = self._random.random() < distance.loss
        jitter = self._random.uniform(0.0, distance.jitter_s)
        return distance.one_way_s + jitter + (distance.retransmit_s if lost else 0.0)


def _send_at_once(writer: asyncio.StreamWriter) -> None:
    sock: socket.socket = writer.get_extra_info("socket")
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
