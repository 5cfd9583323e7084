"""``Bench``: time, faults, the wire log, other loops, and what is left behind."""

from __future__ import annotations

import asyncio
import json
import os
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import pytest
import websockets
from websockets.sync.client import connect

from okxdoctor.exchange import AsyncBench, Bench, running, serve
from okxdoctor.exchange.bench import Impossible
from okxdoctor.exchange.faults import UnknownFault


@pytest.fixture
def served() -> Iterator[Any]:
    with serve(seed=11) as exchange:
        yield exchange


@pytest.fixture
def x(served: Any) -> Bench:
    return Bench(served)


# -- time ----------------------------------------------------------------------------------------


def test_time_passes_without_the_client_noticing(x: Bench, Client: Any) -> None:
    with_own_clock, with_server_time = Client(x), Client(x, lambda: x.served.clock.now_ms() / 1000)
    behind = Client(x, lambda: time.time() - 31)
    before = x.served.clock.now_ms()
    assert x.advance(600) >= before + 600_000
    assert with_own_clock("GET", "/api/v5/account/config")["code"] == "0"
    assert with_server_time("GET", "/api/v5/account/config")["code"] == "0"
    assert behind("GET", "/api/v5/account/config")["code"] == "50102"
    with with_own_clock.private():
        pass
    with x.inject("clock-ahead=45s"):
        assert with_own_clock("GET", "/api/v5/account/config")["code"] == "50102"
    with pytest.raises(ValueError, match="forward"):
        x.advance(-1)


def test_an_idle_connection_is_closed_once_its_time_has_passed(x: Bench, Client: Any) -> None:
    with Client(x).private() as socket:
        x.advance(31)
        with pytest.raises(websockets.ConnectionClosedError) as closed:
            socket.recv(timeout=10)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4004


# -- faults --------------------------------------------------------------------------------------


def test_faults_come_and_go(x: Bench, Client: Any) -> None:
    client = Client(x)
    with x.inject("key-frozen"):
        assert client("GET", "/api/v5/account/config")["code"] == "50100"
    assert client("GET", "/api/v5/account/config")["code"] == "0"
    x.inject("key-frozen", "http-slow=10ms")
    x.lift("key-frozen")
    assert [fault.name for fault in x.served.faults.on] == ["http-slow"]
    x.lift()
    assert x.served.faults.on == ()


def test_a_block_brings_back_what_was_before(x: Bench) -> None:
    x.inject("clock-ahead=5s", "http-slow=10ms")
    with x.inject("clock-ahead=90s"):
        assert {fault.name: fault.value for fault in x.served.faults.on} == {"clock-ahead": 90.0, "http-slow": 0.01}
    assert {fault.name: fault.value for fault in x.served.faults.on} == {"clock-ahead": 5.0, "http-slow": 0.01}
    with pytest.raises(UnknownFault), x.inject("http-slow=1s", "nonsense"):
        pass
    assert {fault.name: fault.value for fault in x.served.faults.on} == {"clock-ahead": 5.0, "http-slow": 0.01}


def test_connections_are_cut_and_given_notice(x: Bench, Client: Any) -> None:
    client = Client(x)
    with client.private() as one, client.private() as other:
        assert x.cut_connections() == 2
        for socket in (one, other):
            with pytest.raises(websockets.ConnectionClosedError) as closed:
                socket.recv(timeout=10)
            assert closed.value.rcvd is None
    x.advance(10)
    with client.private() as socket:
        x.notice(0.05)
        assert json.loads(socket.recv(timeout=10))["code"] == "64008"
        with pytest.raises(websockets.ConnectionClosed):
            socket.recv(timeout=10)
    with pytest.raises(Impossible, match="60 seconds"):
        x.notice(61)


# -- the wire log --------------------------------------------------------------------------------


def test_the_wire_log_tells_what_was_said_but_no_secret(x: Bench, Client: Any, until: Any) -> None:
    client = Client(x)
    order_id = client.order(str(round(float(x.price("BTC-USDT")) * 0.98, 1)), "0.001")
    client("GET", "/api/v5/account/balance?ccy=USDT")
    client("POST", "/api/v5/trade/order", {"passphrase": x.site.passphrase})
    with client.private() as socket:
        socket.send(json.dumps({"op": "subscribe", "args": [{"channel": "orders", "instType": "ANY"}], "id": "a1"}))
        until(socket, lambda message: message.get("event") == "subscribe")
        x.fill(order_id)
        until(socket, lambda message: "data" in message)
        # A login that cannot be read is quoted in the refusal.
        socket.send(f"{{'Passphrase': '{x.site.passphrase}'")
        assert x.site.passphrase in until(socket, lambda message: message.get("code") == "60012")["msg"]
    (placed, refused) = x.requests("post", "/api/v5/trade/order")
    assert json.loads(placed.body)["sz"] == "0.001"
    assert json.loads(placed.answer)["data"][0]["ordId"] == order_id
    assert (placed.status, placed.detail, placed.direction, placed.path) == (200, "0", "in", "/api/v5/trade/order")
    assert refused.body == "(not kept)"
    assert x.requests(path="/api/v5/account/balance")[0].target.endswith("?ccy=USDT")
    assert x.requests("DELETE") == ()
    out = [entry for entry in x.wire_log if entry.direction == "out"]
    assert [entry.detail for entry in out][:2] == ["login 0", "subscribe"]
    pushed = next(json.loads(entry.body) for entry in out if entry.detail.startswith("orders"))
    assert pushed["data"][0]["ordId"] == order_id
    assert [entry.number for entry in x.wire_log] == sorted(entry.number for entry in x.wire_log)
    kept = f"{x.wire_log!r}{x.served.wire_log.as_json()}"
    assert x.site.secret_key not in kept
    assert x.site.passphrase not in kept
    assert client.sign("") not in kept


def test_market_data_does_not_fill_the_log(x: Bench, Client: Any, until: Any) -> None:
    client = Client(x)
    with connect(f"{x.site.ws_url}/public", ssl=client.context) as socket:
        socket.send(json.dumps({"op": "subscribe", "args": [{"channel": "tickers", "instId": "BTC-USDT"}]}))
        for _ in range(5):
            until(socket, lambda message: "data" in message)
    assert [entry.kind for entry in x.wire_log if entry.kind == "ws-out"] == ["ws-out"]


def test_waiting(x: Bench, Client: Any) -> None:
    client = Client(x)
    later = threading.Timer(0.05, lambda: client("GET", "/api/v5/public/time"))
    later.start()
    (seen,) = x.wait_for(lambda: x.requests("GET", "/api/v5/public/time"))
    assert seen.status == 200
    later.join()
    with pytest.raises(TimeoutError, match=r"nothing within 0.05 s; last on the wire: rest GET /api/v5/public/time"):
        x.wait_for(lambda: False, timeout=0.05)


# -- places, loops, ends -------------------------------------------------------------------------


def test_every_site_and_environment_has_its_own(x: Bench, Client: Any) -> None:
    demo, eea = x.at(environment="demo"), x.at("eea")
    demo.add_funds("USDT", 1)
    assert x.balance("USDT")["cash"] == "10000"
    assert Client(demo).cash("USDT") == Fraction(demo.balance("USDT")["cash"]) == 10_001
    assert Client(eea)("GET", "/api/v5/account/config")["code"] == "0"
    assert len({bench.environ()["OKX_API_KEY"] for bench in (x, demo, eea)}) == 3
    assert x.environ()["OKX_BASE_URL"] == x.info.rest_url
    assert demo.environ()["OKX_WS_URL"].endswith("/demo/ws/v5")
    with pytest.raises(Impossible, match="global, eea, us"):
        x.at("mars")
    assert x.site.secret_key not in f"{x!r}{demo!r}{x.aio!r}{x.site!r}"


def test_a_proxy_is_named_where_the_circumstances_have_one(x: Bench) -> None:
    assert "HTTPS_PROXY" not in x.environ()
    with x.inject("proxy-auth-required"):
        assert x.environ()["HTTPS_PROXY"] == x.info.proxy_url
    assert "HTTPS_PROXY" not in x.environ()


async def _try_everything(x: AsyncBench, Client: Any) -> None:
    loop = asyncio.get_running_loop()
    client = await asyncio.to_thread(Client, x)
    assert await x.add_funds("USDT", 90_000) == (await x.balance("USDT"))["cash"] == "100000"
    await x.move_market("BTC-USDT", to=60_000)
    order_id = await asyncio.to_thread(client.order, "59000", "0.5")
    assert [row["ordId"] for row in await x.orders()] == [order_id]
    assert (await x.fill(order_id, "0.1"))["accFillSz"] == "0.1"
    counter = await x.place_counter_order("ETH-USDT", "buy", await x.price("ETH-USDT"), "0.1")
    assert counter["instId"] == "ETH-USDT"
    async with x.inject("key-frozen"):
        answer = await asyncio.to_thread(client, "GET", "/api/v5/account/config")
        assert answer["code"] == "50100"
    await x.inject("http-slow=1ms")
    await x.lift()
    assert (await asyncio.to_thread(client, "GET", "/api/v5/account/config"))["code"] == "0"
    await x.advance(31)
    pending = asyncio.create_task(asyncio.to_thread(client, "GET", "/api/v5/public/time"))
    assert await x.wait_for(lambda: x.requests(path="/api/v5/public/time"))
    await pending

    async def never() -> bool:
        return False

    with pytest.raises(TimeoutError, match="last on the wire"):
        await x.wait_for(never, timeout=0.05)
    async with websockets.connect(f"{x.site.ws_url}/public", ssl=client.context) as socket:
        assert await x.cut_connections() == 1
        with pytest.raises(websockets.ConnectionClosedError):
            await socket.recv()
    await x.notice()
    assert x.at("us").environ()["OKX_API_KEY"] != x.environ()["OKX_API_KEY"]
    assert asyncio.get_running_loop() is loop


def test_the_same_can_be_awaited(x: Bench, Client: Any) -> None:
    asyncio.run(_try_everything(x.aio, Client))


def test_the_same_can_be_awaited_in_the_exchange_s_own_loop(Client: Any) -> None:
    async def go() -> None:
        async with running(seed=11) as exchange:
            await _try_everything(AsyncBench(exchange), Client)

    asyncio.run(go())


def test_fifty_starts_in_a_row_leave_nothing_behind(Client: Any) -> None:
    def files() -> int:
        return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0

    directories = []
    for turn in range(50):
        with serve(seed=turn) as exchange:
            bench = Bench(exchange)
            assert Client(bench)("GET", "/api/v5/account/config")["code"] == "0"
            directories.append(os.path.dirname(bench.info.ca_file))
        if turn == 1:
            open_files, threads = files(), threading.active_count()
    assert files() <= open_files + 2
    assert threading.active_count() == threads
    assert not any(map(os.path.exists, directories))
