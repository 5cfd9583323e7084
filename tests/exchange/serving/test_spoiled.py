"""What a client gets to see of each fault between it and the exchange's gateway, byte by byte where that matters."""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from okxdoctor.exchange import Bench, serve

TRADES = "/api/v5/market/trades?instId=BTC-USDT"


@pytest.fixture(scope="module")
def x() -> Iterator[Bench]:
    with serve(seed=9) as served:
        yield Bench(served)


@pytest.fixture(autouse=True)
def lifted(x: Bench) -> Iterator[None]:
    yield
    x.lift()
    x.served.clock.step(5)


def get(x: Bench, **headers: str) -> httpx.Response:
    return httpx.get(x.info.plain_rest_url + TRADES, trust_env=False, timeout=5, headers=headers)


class Wire:
    """One bare connection to the plain listener."""

    def __init__(self, x: Bench) -> None:
        at = urlsplit(x.info.plain_rest_url)
        self.socket = socket.create_connection((at.hostname, at.port), timeout=5)

    def ask(self) -> None:
        self.socket.sendall(f"GET {TRADES} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: w\r\n\r\n".encode())

    def answer(self) -> bytes:
        """Up to the end of a whole answer, or of what there is."""
        data = b""
        with contextlib.suppress(ConnectionResetError):
            while piece := self.socket.recv(65_536):
                data += piece
                head, _, body = data.partition(b"\r\n\r\n")
                if b"Content-Length: " in head:
                    length = int(head.split(b"Content-Length: ")[1].split(b"\r\n")[0])
                    if len(body) >= length:
                        break
        return data

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()


# ---- pages of others ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "status", "server", "marks"),
    [
        ("http-edge-blocked-challenge", 403, "cloudflare", ("cf-mitigated: challenge", "cf-ray:")),
        ("http-edge-blocked-too-many", 429, "cloudflare", ("retry-after:", "cf-ray:")),
        ("http-edge-blocked-json", 403, "cloudflare", ("content-type: application/json",)),
        ("http-region-blocked=page", 403, "cloudflare", ("cf-ray:",)),
        ("http-origin-down=502", 502, "nginx", ()),
        ("http-origin-down=520", 520, "cloudflare", ("cf-ray:",)),
        ("http-captive-portal=511", 511, "Portal/2.4", ()),
        ("http-not-json-redirect", 301, "nginx", ("location: ./",)),
    ],
)
def test_pages(x: Bench, fault: str, status: int, server: str, marks: tuple[str, ...]) -> None:
    x.inject(fault)
    answer = get(x)
    assert (answer.status_code, answer.headers["server"]) == (status, server)
    said = "\n".join(f"{name}: {value}" for name, value in answer.headers.items()).lower()
    assert all(mark in said for mark in marks)
    assert ("cf-ray" in said) == (server == "cloudflare")
    assert b'"code"' not in answer.content


def test_an_agent_is_turned_away_by_its_name(x: Bench) -> None:
    x.inject("http-edge-blocked-agent=Python")
    assert get(x, **{"User-Agent": "python-httpx/0.28"}).status_code == 403
    assert get(x, **{"User-Agent": ""}).status_code == 403
    assert get(x, **{"User-Agent": "Mozilla/5.0"}).status_code == 200


# ---- bodies ---------------------------------------------------------------------------------------


def test_bodies_that_are_no_envelope(x: Bench) -> None:
    x.inject("http-not-json=bom")
    assert get(x).content.startswith(b"\xef\xbb\xbf{")
    x.inject("http-not-json=no-envelope")
    assert get(x).json() == {"status": "UP"}
    x.inject("http-not-json=gzip")
    with pytest.raises(httpx.DecodingError):
        get(x)


def test_half_an_answer_is_half_an_answer(x: Bench) -> None:
    whole = get(x).content
    x.inject("http-not-json-cut=half")
    with Wire(x) as wire:
        wire.ask()
        head, _, body = wire.answer().partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    assert abs(len(body) - len(whole) // 2) < 40


@pytest.mark.parametrize("how", ["close", "reset"])
def test_a_connection_that_ends_in_place_of_an_answer(x: Bench, how: str) -> None:
    x.inject(f"http-not-json-cut={how}")
    with Wire(x) as wire:
        wire.ask()
        if how == "reset":
            with pytest.raises(ConnectionResetError):
                wire.socket.recv(1)
        else:
            assert wire.socket.recv(1) == b""


def test_a_connection_serves_one_request(x: Bench) -> None:
    x.inject("http-goaway-reused")
    for _ in range(2):
        with Wire(x) as wire:
            wire.ask()
            assert wire.answer().startswith(b"HTTP/1.1 200")
            wire.ask()
            assert wire.answer() == b""


def test_bytes_that_come_one_by_one(x: Bench) -> None:
    x.inject("http-timeout=drip")
    with Wire(x) as wire:
        wire.ask()
        wire.socket.settimeout(0.4)
        data = b""
        with contextlib.suppress(TimeoutError):
            while True:
                data += wire.socket.recv(65_536)
    assert len(data.partition(b"\r\n\r\n")[2]) == 1


def test_a_body_that_takes_its_time_comes_whole_and_in_pieces(x: Bench) -> None:
    x.inject("http-slow-body=200ms")
    with httpx.stream("GET", x.info.plain_rest_url + TRADES, trust_env=False, timeout=5) as answer:
        began = time.monotonic()
        pieces = list(answer.iter_raw())
    assert len(pieces) > 3
    assert b"".join(pieces).startswith(b'{"')
    assert time.monotonic() - began > 0.15


# ---- bounds ---------------------------------------------------------------------------------------


def test_a_slow_head_on_a_later_request_is_cut_as_the_first_is(x: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the way by aiohttp as well, which a fault that waits takes."""
    from okxdoctor.exchange.serving import web

    monkeypatch.setattr(web, "PATIENCE_S", 0.1)
    monkeypatch.setattr(web, "KEEPALIVE_S", 0.2)
    x.inject("http-slow=1ms")
    with Wire(x) as wire:
        wire.ask()
        assert wire.answer().startswith(b"HTTP/1.1 200")
        wire.socket.sendall(b"GET /api/v5/public/ti")
        assert ended(wire.socket)


def test_a_client_that_goes_on_asking_is_not_cut(x: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    from okxdoctor.exchange.serving import web

    monkeypatch.setattr(web, "PATIENCE_S", 0.15)
    monkeypatch.setattr(web, "KEEPALIVE_S", 0.3)
    x.inject("http-slow=1ms")
    with Wire(x) as wire:
        for _ in range(8):
            wire.ask()
            assert wire.answer().startswith(b"HTTP/1.1 200")
            time.sleep(0.1)


def ended(sock: socket.socket) -> bool:
    try:
        return sock.recv(1) == b""
    except ConnectionResetError:
        return True


def test_a_client_that_goes_away_in_the_middle_leaves_no_trace(x: Bench) -> None:
    for fault in (
        "http-timeout=drip",
        "http-slow-body=5s",
        "http-timeout=body",
        "http-slow=5s",
        "http-not-json-cut=half",
    ):
        x.inject(fault)
        for _ in range(5):
            with Wire(x) as wire:
                wire.ask()
                wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        x.lift()
    assert get(x).status_code == 200
    assert x.served.wire_log.defects == []


def test_pages_and_spoiled_answers_are_in_the_wire_log(x: Bench) -> None:
    x.inject("http-origin-down=502")
    get(x)
    last: Any = x.wire_log[-1]
    assert (last.status, last.detail) == (502, "page")
