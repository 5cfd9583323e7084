"""Connections that were refused or broken leave nothing that only the garbage collector would find, hours later."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from okxdoctor.exchange import serve

POST = b"POST /api/v5/trade/order HTTP/1.1\r\nHost: x\r\nContent-Length: "
UPGRADE = (
    b"GET /ws/v5/public HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
HARM = {
    "a hello that is none": ("rest_url", b"\x16\x03\x01\x02\x00\x01" + bytes(80)),
    "no TLS": ("rest_url", b"GET / HTTP/1.1\r\n\r\n"),
    "garbage": ("plain_rest_url", bytes(range(256)) * 20),
    "many fields": ("plain_rest_url", b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 5_000 + b"\r\n"),
    "a head without an end": ("plain_rest_url", b"GET / HTTP/1.1\r\nA: " + b"b" * 200_000),
    "a body over the limit": ("plain_rest_url", POST + b"2000000\r\n\r\n" + b" " * 2_000_000),
    "a frame over the limit": ("plain_rest_url", UPGRADE + b"\x81\xff" + (1 << 20).to_bytes(8) + bytes(100_000)),
    "a frame of no kind": ("plain_rest_url", UPGRADE + b"\xff" * 300),
}  # fmt: skip
HEAVY = {"frame", "traceback", "coroutine", "Task", "SSLProtocol", "_SSLSocket", "RequestHandler", "Express"}
"""Kinds that hold buffers, or lead to what does. asyncio's own transports are a cycle, of a kilobyte."""


@pytest.fixture(scope="module")
def served() -> Iterator[Any]:
    with serve(seed=37) as exchange:
        exchange.faults.turn_on("ratelimit-limit-differs=100000")
        yield exchange


@pytest.mark.parametrize("harm", HARM)
def test_nothing_is_left(served: Any, uncollected: Any, harm: str) -> None:
    where, data = HARM[harm]
    port = int(getattr(served.info, where).rpartition(":")[2])

    def once() -> None:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as peer, contextlib.suppress(ConnectionError):
            peer.sendall(data)
            peer.shutdown(socket.SHUT_WR)
            while peer.recv(65_536):
                pass

    once()
    settled(served)
    uncollected()
    for _ in range(6):
        once()
    settled(served)
    left = uncollected()
    assert not HEAVY & left.keys(), left


def settled(served: Any) -> None:
    """Every connection is gone from the exchange."""

    async def busy() -> int:
        listening = [served.running._plain, *(port._acceptor for port in served.running._edge._tls_ports)]
        handled = sum(len(front.server.connections) for front in served.running._fronts if front.server is not None)
        direct = sum(len(front.direct) for front in served.running._fronts)
        return handled + direct + sum(len(each._running) for each in listening)

    end = time.monotonic() + 10
    while served.run(busy()):
        assert time.monotonic() < end
        time.sleep(0.01)
    for _ in range(5):
        served.run(busy())  # what was called soon has been called
