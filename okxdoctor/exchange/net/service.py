"""Listening on loopback: an acceptor of sockets, and a service of byte streams on top of it.

Not ``asyncio.Server``: when that is closed while the loop has accepted a connection and not yet made its
transport, the connection is lost half-made.  Faults are switched while clients come and go, so that happens.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

_BACKLOG = 128
_OUT_OF_DESCRIPTORS = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_PAUSE_S = 0.2
_RELIEF_S = 0.02
"""Until those whom ``short`` let go of are gone."""


def netloc(host: str, port: int) -> str:
    """``HOST:PORT`` as it stands in URLs and flags: an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class Acceptor:
    """Give every connection of ``listener`` to ``serve``, which owns the socket then; takes over ``listener``.

    Starts at once in the running loop.  What ``serve`` raises by way of a lost or failed connection ends there.
    ``short`` is called when the process has no descriptor left for the next connection: it lets go of some.
    """

    def __init__(
        self,
        listener: socket.socket,
        serve: Callable[[socket.socket], Coroutine[Any, Any, None]],
        *,
        short: Callable[[], None] | None = None,
    ) -> None:
        self._listener = listener
        self._short = short
        self._listener.setblocking(False)
        self._serve = serve
        self._loop = asyncio.get_running_loop()
        self._running: set[asyncio.Task[None]] = set()
        self._loop.add_reader(listener.fileno(), self._accept)

    def stop(self) -> None:
        """Listen no more; connections go on."""
        if self._listener.fileno() >= 0:
            self._loop.remove_reader(self._listener.fileno())
            self._listener.close()

    async def close(self) -> None:
        """Listen no more, and cancel what still serves."""
        self.stop()
        # A task cancelled before its first step never gets to close its socket.
        await asyncio.sleep(0)
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await asyncio.sleep(0)  # transports close their sockets one step later

    def _accept(self) -> None:
        for _ in range(_BACKLOG):
            try:
                sock, _address = self._listener.accept()
            except (BlockingIOError, ConnectionAbortedError, InterruptedError):
                return
            except OSError as error:
                if error.errno not in _OUT_OF_DESCRIPTORS:
                    raise
                # The listener stays readable, so without a pause this would spin.
                self._loop.remove_reader(self._listener.fileno())
                self._loop.call_later(_PAUSE_S if self._short is None else _RELIEF_S, self._resume)
                if self._short is not None:
                    self._short()
                return
            sock.setblocking(False)
            # asyncio does this only for sockets that name their protocol; else a second frame waits for an ACK (40 ms).
            with contextlib.suppress(OSError):  # the peer may be gone
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            task = self._loop.create_task(self._serve_one(sock))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    def _resume(self) -> None:
        if self._listener.fileno() >= 0:
            self._loop.add_reader(self._listener.fileno(), self._accept)

    async def _serve_one(self, sock: socket.socket) -> None:
        try:
            await self._serve(sock)
        except (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError) as lost:
            # What a peer can bring about: OSError covers ssl.SSLError and every loss of a connection. A future holds
            # the error, and the error's frames the future and the buffers of the connection: 300 KiB that would wait
            # for the garbage collector.
            forget_frames(lost)


def forget_frames(error: BaseException) -> None:
    """Let go of what an error was raised through, with its locals; nobody is going to print it."""
    at: BaseException | None = error
    while at is not None:
        at.__traceback__ = None
        at = at.__context__


async def serve_stream(sock: socket.socket, handler: Handler) -> None:
    """Run ``handler`` on an accepted socket and close it, whatever happens."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(loop=loop)
    protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
    try:
        transport, _ = await loop.connect_accepted_socket(lambda: protocol, sock)
    except BaseException:
        sock.close()
        raise
    writer = asyncio.StreamWriter(transport, protocol, reader, loop)
    try:
        await handler(reader, writer)
    except asyncio.CancelledError:
        transport.abort()  # the service is being closed, which waits for nobody who does not read
        raise
    finally:
        writer.close()


class StreamService:
    """Serve connections by ``handler``.  A peer that goes away or is too slow ends its connection, not the service."""

    def __init__(self, handler: Handler) -> None:
        self.host = ""
        self.port = 0
        self._handler = handler
        self._acceptor: Acceptor | None = None

    async def start(self, host: str = "127.0.0.1", port: int = 0, *, listener: socket.socket | None = None) -> None:
        """Bind and serve, or serve on ``listener``.  Raises OSError if ``port`` is taken."""
        if listener is None:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
        self.host, self.port = listener.getsockname()[:2]
        self._acceptor = Acceptor(listener, lambda sock: serve_stream(sock, self._handler))

    async def close(self) -> None:
        """Stop listening and end every connection."""
        if self._acceptor is not None:
            await self._acceptor.close()
            self._acceptor = None
