"""The short way for ordinary requests says what the long way says, and leaves to it whatever is not ordinary."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from okxdoctor.exchange import serve
from okxdoctor.exchange.serving import express, web
from okxdoctor.exchange.serving.express import Express

TIME = b"GET /api/v5/public/time HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
LONG_WAY = b"TE: trailers\r\n"


@pytest.fixture
def served() -> Iterator[Any]:
    with serve(seed=33) as exchange:
        yield exchange


@pytest.fixture
def answered_here(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The targets that went the short way."""
    targets: list[str] = []
    before = Express._answer

    def answer(self: Express, method: str, target: str, headers: dict[str, str], body: bytes) -> None:
        targets.append(target)
        before(self, method, target, headers, body)

    monkeypatch.setattr(Express, "_answer", answer)
    return targets


class Wire:
    """A connection to the plain listener."""

    def __init__(self, served: Any) -> None:
        where = urlsplit(served.info.plain_rest_url)
        self.socket = socket.create_connection((where.hostname, where.port), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._got = b""

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def answer(self) -> tuple[bytes, bytes]:
        """Head and body of the next answer."""
        while b"\r\n\r\n" not in self._got:
            self._more()
        head, _, rest = self._got.partition(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        while len(rest) < length:
            self._more()
            rest = self._got.partition(b"\r\n\r\n")[2]
        self._got = rest[length:]
        return head, rest[:length]

    def ask(self, *pieces: bytes) -> tuple[bytes, bytes]:
        for piece in pieces:
            self.socket.sendall(piece)
        return self.answer()

    def ended(self) -> bool:
        """Whether the exchange ends the connection, after whatever it still says."""
        with contextlib.suppress(ConnectionError):
            while self.socket.recv(65_536):
                pass
        return True

    def _more(self) -> None:
        data = self.socket.recv(65_536)
        assert data, "the exchange has hung up"
        self._got += data


def _lasting(head: bytes) -> list[bytes]:
    return [line for line in head.split(b"\r\n") if not line.startswith((b"CF-RAY", b"Date"))]


def _post(path: bytes, body: bytes, more: bytes = b"") -> bytes:
    return (
        b"POST " + path + b" HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n" + more
        + b"Content-Length: " + str(len(body)).encode() + b"\r\n\r\n" + body
    )  # fmt: skip


@pytest.mark.parametrize(
    ("target", "more"),
    [
        (b"/api/v5/market/candles?instId=BTC-USDT&bar=1D&after=1700000000000", b""),
        (b"/api/v5/public/instruments?instType=SPOT", b"Accept: */*\r\nConnection: keep-alive\r\n"),
        (b"/api/v5/account/config", b""),
        (b"/api/v5/account/config", b"OK-ACCESS-KEY: \xc3\xa9\xff\r\nok-access-SIGN:  x \t\r\nTimestamp:y\r\n"),
        (b"/api/v5/nowhere?x=%2C,", b""),
        (b"/", b""),
    ],
)  # fmt: skip
def test_both_ways_say_the_same(served: Any, answered_here: list[str], target: bytes, more: bytes) -> None:
    served.clock.freeze()
    start, end = b"GET " + target + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n" + more, b"\r\n"
    with Wire(served) as wire:
        short_head, short_body = wire.ask(start + end)
        assert answered_here == [target.decode()]
        long_head, long_body = wire.ask(start + LONG_WAY + end)
    assert answered_here == [target.decode()]
    assert short_body == long_body
    assert _lasting(short_head) == _lasting(long_head)
    short, long = served.wire_log.entries()
    assert (short.detail, short.answer, set(short.headers) | {"te"}) == (long.detail, long.answer, set(long.headers))


def test_both_ways_say_the_same_of_a_body(served: Any, answered_here: list[str]) -> None:
    path, body = b"/api/v5/trade/order", b'{"instId":"BTC-USDT"}'
    with Wire(served) as wire:
        short = wire.ask(_post(path, body))
        long = wire.ask(_post(path, body, LONG_WAY))
    assert answered_here == [path.decode()]
    assert (_lasting(short[0]), short[1]) == (_lasting(long[0]), long[1])
    assert [entry.body for entry in served.wire_log.entries()] == [body.decode()] * 2


def test_a_request_may_come_in_pieces(served: Any, answered_here: list[str]) -> None:
    request = _post(b"/api/v5/trade/order", b'{"instId":"BTC-USDT"}')
    with Wire(served) as wire:
        for size in (1, 7, len(request) - 5):
            pieces = [request[at : at + size] for at in range(0, len(request), size)]
            assert b" 401 " in wire.ask(*pieces)[0]
        assert len(answered_here) == 3


@pytest.mark.parametrize(
    "unusual",
    [
        TIME + TIME,
        TIME.replace(b"GET", b"HEAD"),
        TIME.replace(b"HTTP/1.1", b"HTTP/1.0"),
        TIME.replace(b"Host: 127.0.0.1", b"host: 127.0.0.1\r\nAccept: a\r\nAccept: b"),
        TIME.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"),
        TIME.replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"),
        TIME.replace(b"GET", b"POST").replace(b"\r\n\r\n", b"\r\nContent-Length: +2\r\n\r\n{}"),
        TIME.replace(b"\r\n\r\n", b"\r\nX: " + b"y" * 20_000 + b"\r\n\r\n"),
        TIME.replace(b"\r\n\r\n", b"\r\n folded\r\n\r\n"),
        b"GET http://127.0.0.1/api/v5/public/time HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"GET /__control__ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"GET /ws/v5/public HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"\x16\x03\x01\x00\xee garbage",
        b"GET\r\n\r\n",
    ],
)  # fmt: skip
def test_what_is_not_ordinary_goes_the_long_way(served: Any, answered_here: list[str], unusual: bytes) -> None:
    with Wire(served) as wire:
        wire.socket.sendall(unusual)
        assert wire.socket.recv(12).startswith(b"HTTP/1.")
    assert answered_here == []


def test_an_upgrade_may_follow_a_request(served: Any, answered_here: list[str]) -> None:
    upgrade = (
        b"GET /ws/v5/public HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    with Wire(served) as wire:
        assert json.loads(wire.ask(TIME)[1])["code"] == "0"
        wire.socket.sendall(upgrade)
        got = b""
        while b"\r\n\r\n" not in got:
            got += wire.socket.recv(4_096)
        assert got.startswith(b"HTTP/1.1 101 ")
        wire.socket.sendall(b"\x81\x84\x00\x00\x00\x00ping")
        assert wire.socket.recv(6) == b"\x81\x04pong"


def test_a_fault_that_waits_is_met_in_the_middle_of_a_connection(served: Any, answered_here: list[str]) -> None:
    with Wire(served) as wire:
        wire.ask(TIME)
        served.faults.turn_on("http-edge-blocked")
        assert b" 200 " not in wire.ask(TIME)[0]
        served.faults.clear()
        assert b" 200 " in wire.ask(TIME)[0]
    assert len(answered_here) == 1


@pytest.mark.parametrize(
    "begun",
    [
        b"", b"G", b"GET /api/v5/public/time HTTP/1.1\r\nHost:", _post(b"/api/v5/trade/order", b"{}")[:-1],
        b"POST /api/v5/trade/order HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999999\r\n\r\n{",
    ],
    ids=["nothing", "a letter", "half a head", "half a body", "a body without end"],
)  # fmt: skip
@pytest.mark.parametrize("before", [0, 1], ids=["first", "later"])
def test_a_request_that_never_arrives_ends_the_connection(
    served: Any, monkeypatch: pytest.MonkeyPatch, begun: bytes, before: int
) -> None:
    monkeypatch.setattr(web, "PATIENCE_S", 0.05)
    monkeypatch.setattr(express, "IDLE_S", 0.05)
    monkeypatch.setattr(web, "KEEPALIVE_S", 0.05)
    with Wire(served) as wire:
        for _ in range(before):
            wire.ask(TIME)
        wire.socket.sendall(begun)
        assert wire.ended()


def test_a_connection_that_is_used_is_not_ended(served: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "PATIENCE_S", 0.1)
    monkeypatch.setattr(express, "IDLE_S", 5.0)
    with Wire(served) as wire:
        end = time.monotonic() + 0.35
        while time.monotonic() < end:
            assert b" 200 " in wire.ask(TIME.replace(b"public/time", b"market/books?instId=BTC-USDT"))[0]
            time.sleep(0.06)  # the thing itself: real time in which a connection is idle


def test_a_peer_that_does_not_read_costs_no_memory(
    served: Any, monkeypatch: pytest.MonkeyPatch, answered_here: list[str]
) -> None:
    monkeypatch.setattr(web, "PATIENCE_S", 0.05)
    served.faults.turn_on("ratelimit-limit-differs=1000000")
    long = TIME.replace(b"public/time", b"public/instruments?instType=SPOT")
    (front,) = (front for front in served.running._fronts if front.plain)
    with Wire(served) as wire:
        wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        asked = 0
        while len(answered_here) == asked:
            wire.socket.sendall(long)
            asked += 1
            end = time.monotonic() + 0.5
            while len(answered_here) < asked and time.monotonic() < end:
                time.sleep(0.001)
        assert 0 < len(answered_here) < 500
        end = time.monotonic() + 10
        while front.direct and time.monotonic() < end:
            time.sleep(0.01)
        assert not front.direct


def test_a_defect_is_kept_and_the_client_hears_of_it(served: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("by design")

    monkeypatch.setattr(web, "respond", broken)
    with Wire(served) as wire:
        assert wire.ask(TIME)[0].startswith(b"HTTP/1.1 500 ")
        assert wire.ended()
    assert served.wire_log.defects == ["GET /api/v5/public/time: ZeroDivisionError('by design')"]
    served.wire_log.defects.clear()
