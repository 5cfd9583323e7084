"""Ports in chosen circumstances, without root: open, closed, filtered, mute, resetting.

A ``HeldPort`` keeps its number for as long as it lives, whatever happens on it: a second socket stays bound
beside the listening one.  Linux lets both be bound (``SO_REUSEADDR`` on both, one of them not listening) and
gives the number to nobody else meanwhile, so a closed port stays closed and can be opened again later.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import select
import socket
import struct
from dataclasses import dataclass, field

LOOPBACK_BROADCAST = "127.255.255.255"
"""An address to which ``connect`` fails at once with ENETUNREACH on Linux: nothing leaves the machine."""

_MOST_FILLERS = 16
_FILL_WAIT_S = 0.02


class NotFiltered(OSError):
    """The kernel keeps answering although the accept queue is full: this circumstance cannot be had here."""


@dataclass(slots=True)
class HeldPort:
    """One TCP port on ``host``, owned until ``close``; closed to clients (RST) unless something listens on it.

    ``port`` 0 takes a free one.  Raises OSError (EADDRINUSE) if the number is taken.
    """

    host: str = "127.0.0.1"
    port: int = 0
    _holder: socket.socket = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.port:
            # A holder alone would not collide with somebody's listener that has SO_REUSEADDR too: ask first.
            _probe_free(self.host, self.port)
        self._holder = _bound(self.host, self.port)
        self.port = self._holder.getsockname()[1]

    def listen(self, backlog: int = 128) -> socket.socket:
        """A new listening socket on the port, for ``loop.create_server(sock=…)``; the caller closes it.

        Closing it closes the port to new clients and leaves the number held.
        """
        listener = _bound(self.host, self.port)
        try:
            listener.listen(backlog)
        except OSError:
            listener.close()
            raise
        return listener

    def filter(self) -> FilteredPort:
        """Let every further SYN go unanswered until the result is closed; raises ``NotFiltered``."""
        return FilteredPort(host=self.host, listener=self.listen(0), port=self.port)

    def close(self) -> None:
        self._holder.close()


class FilteredPort:
    """A listener nobody accepts from, its queue filled: the kernel drops every further SYN.

    A client sees what a dropping firewall shows it: no answer at all, until its own deadline.
    """

    def __init__(self, *, host: str, port: int, listener: socket.socket) -> None:
        self._sockets = [listener]
        try:
            for _ in range(_MOST_FILLERS):
                if not self._occupy(host, port):
                    return
        except OSError:
            self.close()
            raise
        self.close()
        raise NotFiltered(f"{_MOST_FILLERS} connections were accepted into a queue of none")

    def _occupy(self, host: str, port: int) -> bool:
        """Take one more place in the queue; False when there was none left."""
        filler = socket.socket(_family(host), socket.SOCK_STREAM)
        filler.setblocking(False)
        result = filler.connect_ex((host, port))
        if result not in (0, errno.EINPROGRESS):
            filler.close()
            raise OSError(result, "cannot fill the accept queue")
        _, writable, _ = select.select([], [filler], [], _FILL_WAIT_S)
        if writable:
            self._sockets.append(filler)
            return True
        filler.close()  # or it would go on sending SYNs, and enter when a place gets free
        return False

    def close(self) -> None:
        for each in self._sockets:
            each.close()
        self._sockets.clear()


async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Connection handler: RST at once after accept, before a byte is read."""
    abort_with_reset(writer)


async def stay_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Connection handler: read and never answer, until the client gives up."""
    with contextlib.suppress(ConnectionError):
        while await reader.read(65536):
            pass
    writer.close()


def abort_with_reset(writer: asyncio.StreamWriter) -> None:
    """Close so that the peer gets RST, not FIN."""
    with contextlib.suppress(OSError):
        linger_to_reset(writer.get_extra_info("socket"))
    writer.transport.abort()


def linger_to_reset(sock: socket.socket | None) -> None:
    """Let the end of ``sock`` be RST (``SO_LINGER`` with time 0).  Raises OSError when it is closed already."""
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _bound(host: str, port: int) -> socket.socket:
    sock = socket.socket(_family(host), socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if sock.family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((host, port))
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock


def _probe_free(host: str, port: int) -> None:
    with _bound(host, port) as probe:
        probe.listen(1)
