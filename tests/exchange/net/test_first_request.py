"""A request that comes along with the end of the handshake, on every kind of front; and no tickets behind it."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from okxdoctor.exchange import serve

ASK = b"GET /api/v5/public/time HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
UPGRADE = (
    b"GET /ws/v5/public HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


@pytest.fixture(scope="module")
def served() -> Iterator[Any]:
    with serve(seed=21) as exchange:
        yield exchange


class Client:
    """A TLS client that has its records in hand: it decides what shares a segment."""

    def __init__(self, served: Any) -> None:
        context = ssl.create_default_context(cafile=served.info.ca_file)
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._in, self._out, server_hostname="127.0.0.1")
        self.wire = socket.create_connection(("127.0.0.1", urlsplit(served.info.rest_url).port), timeout=10)
        self.wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.wire.close()

    def shake(self) -> bytes:
        """The handshake up to the client's last flight, which is not sent but returned."""
        while True:
            try:
                self.tls.do_handshake()
            except ssl.SSLWantReadError:
                self.wire.sendall(self._out.read())
                self._feed()
            else:
                return self._out.read()

    def sealed(self, data: bytes) -> bytes:
        self.tls.write(data)
        return self._out.read()

    def read_until(self, mark: bytes) -> bytes:
        got = b""
        while mark not in got:
            try:
                got += self.tls.read(65_536)
            except ssl.SSLWantReadError:
                self._feed()
        return got

    def _feed(self) -> None:
        data = self.wire.recv(65_536)
        assert data, "the exchange has hung up"
        self._in.write(data)


@pytest.mark.parametrize("request_bytes", [ASK, UPGRADE], ids=["rest", "upgrade"])
@pytest.mark.parametrize("fault", ["", "tls-handshake-reset"], ids=["by-the-loop", "by-hand"])
def test_a_request_in_the_segment_of_the_last_flight(served: Any, request_bytes: bytes, fault: str) -> None:
    served.faults.clear()
    if fault:
        served.faults.turn_on(fault)  # whoever names no server is served all the same
    with Client(served) as peer:
        last = peer.shake()
        assert last
        peer.wire.sendall(last + peer.sealed(request_bytes))
        assert peer.read_until(b"\r\n\r\n").startswith((b"HTTP/1.1 200", b"HTTP/1.1 101"))
        # A ticket would have come before the answer, at the moment at which clients write their first request.
        assert peer.tls.version() == "TLSv1.3"
        assert peer.tls.session is None or not peer.tls.session.has_ticket
