"""Bytes over TCP. Everything above (TLS, tunnels, HTTP, WebSocket) speaks to a :class:`Wire`.

Raw non-blocking sockets rather than asyncio's transports: a close is a close at once, also on Ctrl-C; every byte
that a broken peer sends can be looked at; and layers stack (TLS to a proxy, a tunnel in it, TLS in the tunnel).
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import Protocol

from okxdoctor.targets.live.broken import broken_by
from okxdoctor.targets.live.ledger import Ledger

CHUNK = 65536


class Wire(Protocol):
    """A connection: ``number`` is its place in the run, ``address`` the peer's (the proxy's if there is one)."""

    @property
    def number(self) -> int: ...

    @property
    def address(self) -> str: ...

    async def read(self) -> bytes:
        """Some bytes; ``b""`` when the peer has closed. Raises Broken."""
        ...

    async def write(self, data: bytes) -> None: ...

    def pull(self) -> bytes | None:
        """What lies ready, without waiting; None when nothing does, ``b""`` when the peer has closed."""
        ...

    def close(self) -> None: ...


class TcpWire:
    """A connected socket."""

    __slots__ = ("_busy", "_closing", "_loop", "_socket", "address", "number")

    def __init__(self, connected: socket.socket, address: str, number: int) -> None:
        self._socket = connected
        self._loop = asyncio.get_running_loop()
        self._busy = 0
        self._closing = False
        self.address = address
        self.number = number

    async def read(self) -> bytes:
        self._busy += 1
        try:
            # sock_recv comes back without a turn of the loop while bytes lie ready: a peer that floods would stop
            # every clock of the run, this read's own timeout among them.
            await asyncio.sleep(0)
            return await self._loop.sock_recv(self._socket, CHUNK)
        except OSError as error:
            raise broken_by(error, "receive") from None
        finally:
            self._leave()

    async def write(self, data: bytes) -> None:
        self._busy += 1
        try:
            await self._loop.sock_sendall(self._socket, data)
        except OSError as error:
            raise broken_by(error, "send") from None
        finally:
            self._leave()

    def pull(self) -> bytes | None:
        if self._busy or self._closing:
            return None if self._busy else b""
        try:
            return self._socket.recv(CHUNK)
        except (BlockingIOError, InterruptedError):
            return None
        except OSError:
            return b""

    def close(self) -> None:
        # A descriptor that another task waits on must not vanish under the selector: shutting it down wakes that
        # task with end-of-file, and the last one out closes.
        if self._busy and not self._closing:
            self._closing = True
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
        elif not self._busy:
            self._closing = True
            self._socket.close()

    def _leave(self) -> None:
        self._busy -= 1
        if self._closing and not self._busy:
            self._socket.close()


class Ahead:
    """A wire of which some bytes were read by somebody whom they were not for: they come first.

    ``dialled`` is that wire, ``rest`` those bytes.
    """

    __slots__ = ("_dialled", "_rest")

    def __init__(self, dialled: Wire, rest: bytes) -> None:
        self._dialled = dialled
        self._rest = rest

    @property
    def number(self) -> int:
        return self._dialled.number

    @property
    def address(self) -> str:
        return self._dialled.address

    async def read(self) -> bytes:
        rest, self._rest = self._rest, b""
        return rest or await self._dialled.read()

    async def write(self, data: bytes) -> None:
        await self._dialled.write(data)

    def pull(self) -> bytes | None:
        rest, self._rest = self._rest, b""
        return rest or self._dialled.pull()

    def close(self) -> None:
        self._dialled.close()


async def connect(address: str, port: int) -> socket.socket:
    """A TCP connection to one literal address. Raises OSError; the caller bounds the time."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    connecting = socket.socket(family, socket.SOCK_STREAM)
    try:
        connecting.setblocking(False)
        connecting.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(connecting, (address, port))
    except BaseException:
        connecting.close()
        raise
    return connecting


async def race(
    addresses: tuple[str, ...], port: int, *, stagger_s: float, ledger: Ledger
) -> tuple[TcpWire | None, tuple[tuple[str, OSError], ...]]:
    """The first of several addresses that connects, and what became of those that failed before it.

    As RFC 8305 §5 has it: the next address starts when the one before failed, or after ``stagger_s``. The caller
    bounds the time.
    """
    failed: list[tuple[str, OSError]] = []
    waiting = list(addresses)
    running: dict[asyncio.Task[socket.socket], str] = {}
    try:
        while waiting or running:
            if waiting:
                address = waiting.pop(0)
                running[asyncio.ensure_future(connect(address, port))] = address
            done, _ = await asyncio.wait(
                running, timeout=stagger_s if waiting else None, return_when=asyncio.FIRST_COMPLETED
            )
            won: TcpWire | None = None
            for task in done:
                address = running.pop(task)
                error = task.exception()
                if isinstance(error, OSError):
                    failed.append((address, error))
                elif error is not None:
                    raise error
                elif won is None:
                    won = TcpWire(task.result(), address, ledger.connected())
                else:
                    task.result().close()
            if won is not None:
                return won, tuple(failed)
        return None, tuple(failed)
    finally:
        for task in running:
            task.cancel()
            task.add_done_callback(_close_late)


def _close_late(task: asyncio.Task[socket.socket]) -> None:
    # A connection that came up in the same turn of the loop in which another one won.
    if not task.cancelled() and task.exception() is None:
        task.result().close()
