"""What is not ordinary waits while ordinary requests are answered; it is late then, and not lost."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from websockets.sync.client import connect

from okxdoctor.exchange import serve
from okxdoctor.exchange.serving import express, turns
from okxdoctor.exchange.serving.turns import Turns

TIME = b"GET /api/v5/public/time HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
ODD = TIME.replace(b"\r\n\r\n", b"\r\nTE: trailers\r\nConnection: close\r\n\r\n")
UPGRADE = (
    b"GET /ws/v5/public HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


class Timed:
    """Turns whose time is told; what is due is done when it is told so."""

    def __init__(self) -> None:
        self.turns = Turns()
        self.now_s = 100.0
        self.turns._time = lambda: self.now_s
        self.done: list[str] = []

    def wait(self, name: str, *, wanted: bool = True) -> None:
        def work() -> bool:
            if wanted:
                self.done.append(name)
            return wanted

        self.turns.wait(work)

    def after(self, seconds: float) -> list[str]:
        self.now_s += seconds
        self.turns._serve()
        done, self.done = self.done, []
        return done


def test_nobody_waits_while_nothing_ordinary_comes() -> None:
    async def go() -> None:
        timed = Timed()
        assert all(timed.turns.free() for _ in range(100))
        timed.turns.ordinary()
        timed.now_s += turns.BUSY_S
        assert all(timed.turns.free() for _ in range(100))

    asyncio.run(go())


def test_beside_ordinary_requests_there_is_one_turn_after_the_other() -> None:
    async def go() -> None:
        timed = Timed()
        timed.turns.ordinary()
        assert timed.turns.free()
        assert not timed.turns.free()
        for name in "abc":
            timed.wait(name)
        assert timed.after(turns.PAUSE_S / 2) == []
        assert timed.after(turns.PAUSE_S / 2) == ["a"]
        assert not timed.turns.free()
        timed.wait("gone", wanted=False)
        timed.wait("d")
        assert timed.after(turns.PAUSE_S) == ["b"]
        assert timed.after(turns.PAUSE_S) == ["c"]
        assert timed.after(turns.PAUSE_S) == ["d"]  # who is gone has no turn
        assert len(timed.turns) == 0
        assert timed.after(turns.PAUSE_S) == []
        assert timed.turns.free()

    asyncio.run(go())


def test_who_waits_is_served_when_ordinary_requests_end() -> None:
    async def go() -> None:
        timed = Timed()
        timed.turns.ordinary()
        assert timed.turns.free()
        for number in range(turns.AT_ONCE + 3):
            timed.wait(str(number))
        assert len(timed.after(turns.BUSY_S)) == turns.AT_ONCE
        assert len(timed.after(0)) == 3

    asyncio.run(go())


def test_at_the_end_nobody_is_left_waiting() -> None:
    async def go() -> None:
        timed = Timed()
        timed.turns.ordinary()
        assert timed.turns.free()
        waiting = asyncio.create_task(timed.turns.turn())
        left = asyncio.create_task(timed.turns.turn())
        await asyncio.sleep(0)
        left.cancel()
        timed.turns.close()
        await waiting

    asyncio.run(go())


@pytest.fixture
def busy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An exchange that has just answered an ordinary request and counts as busy from then on."""
    monkeypatch.setattr(turns, "BUSY_S", 3_600.0)
    monkeypatch.setattr(turns, "PAUSE_S", 0.01)
    with serve(seed=34) as exchange:
        served_by(exchange, TIME)
        yield exchange
        assert exchange.wire_log.defects == []


def dialled(exchange: Any) -> socket.socket:
    where = urlsplit(exchange.info.plain_rest_url)
    return socket.create_connection((where.hostname, where.port), timeout=10)


def served_by(exchange: Any, request: bytes) -> bytes:
    with dialled(exchange) as peer:
        peer.sendall(request)
        return peer.recv(65_536)


def all_of(peer: socket.socket) -> bytes:
    got = b""
    while piece := peer.recv(65_536):
        got += piece
    return got


def test_odd_requests_are_all_answered(busy: Any) -> None:
    peers = [dialled(busy) for _ in range(12)]
    for peer in peers:
        peer.sendall(ODD.replace(b"public/time", b"no/budget"))
    for gone in peers[3:6]:
        gone.close()
    answers = [all_of(peer) for peer in (*peers[:3], *peers[6:])]
    for peer in peers:
        peer.close()
    assert [each[:15] for each in answers] == [b"HTTP/1.1 404 No"] * 9
    assert len(busy.running.turns) == 0


def test_what_comes_while_a_request_waits_is_read_after_it(busy: Any) -> None:
    with dialled(busy) as first, dialled(busy) as peer:
        first.sendall(ODD)
        peer.sendall(TIME.replace(b"time", b"time?n=1") + TIME.replace(b"time", b"time?n=2"))
        peer.sendall(ODD.replace(b"time", b"time?n=3"))
        assert all_of(peer).count(b'"code":"0"') == 3
    targets = [entry.target.partition("?")[2] for entry in busy.wire_log.entries()]
    assert [each for each in targets if each] == ["n=1", "n=2", "n=3"]


def test_handshakes_and_upgrades_come_through(busy: Any) -> None:
    context = ssl.create_default_context(cafile=busy.info.ca_file)
    with connect(f"{busy.info.ws_url}/public", ssl=context) as one:
        for _ in range(5):
            one.send("{")
        one.send(b"binary")
        one.send("ping")
        said = [one.recv(timeout=10) for _ in range(7)]
    assert [json.loads(each)["code"] for each in said[:6]] == ["60012"] * 6
    assert said[6] == "pong"


def test_many_messages_of_one_connection_leave_room_for_others() -> None:
    """Two thousand messages that are there at once are answered in order, and others in between."""
    with serve(seed=35) as exchange, dialled(exchange) as peer, dialled(exchange) as other:
        peer.sendall(UPGRADE)
        assert peer.recv(4_096).startswith(b"HTTP/1.1 101")
        for _ in range(5):
            peer.sendall(b"\x81\x84\x00\x00\x00\x00ping" * 2_000)
            other.sendall(TIME)
            assert b'"code":"0"' in other.recv(4_096)
        got = b""
        while len(got) < 5 * 2_000 * 6:
            got += peer.recv(65_536)
        assert got == b"\x81\x04pong" * 10_000


def test_a_refused_body_is_taken_in_by_and_by(busy: Any) -> None:
    with dialled(busy) as peer:
        head = b"POST /api/v5/trade/order HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n"
        peer.sendall(head + b" " * 3_000_000)
        got = all_of(peer)
    assert got.startswith(b"HTTP/1.1 413 ")
    assert b"\r\nConnection: close\r\n" in got


def test_a_head_without_an_end_is_refused(busy: Any) -> None:
    with dialled(busy) as peer:
        peer.sendall(b"GET / HTTP/1.1\r\nA: " + b"b" * (express.MAX_ENDLESS + 100_000))
        peer.shutdown(socket.SHUT_WR)
        got = all_of(peer)
    assert got.startswith(b"HTTP/1.1 400 ")


def test_a_long_body_in_pieces_is_one_request(busy: Any) -> None:
    body = b'{"a":"' + b"b" * 700_000 + b'"}'
    head = b"POST /api/v5/trade/order HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body)
    with dialled(busy) as peer:
        for at in range(0, len(head + body), 90_001):
            peer.sendall((head + body)[at : at + 90_001])
        assert peer.recv(65_536).startswith(b"HTTP/1.1 401 ")
        peer.sendall(TIME)
        assert b'"code":"0"' in peer.recv(65_536)
    assert [len(entry.body) for entry in busy.wire_log.entries()][1:] == [2_500, 0]


def test_an_upgrade_over_the_budget_is_refused_and_the_connection_ends(busy: Any) -> None:
    for _ in range(3):
        assert served_by(busy, UPGRADE).startswith(b"HTTP/1.1 101 ")
    with dialled(busy) as peer:
        peer.sendall(UPGRADE)
        got = all_of(peer)
    assert got.startswith(b"HTTP/1.1 429 ")
