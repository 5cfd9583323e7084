"""WebSocket faults and options over real sockets, as an independent client (websockets) meets them."""

from __future__ import annotations

import asyncio
import json
import ssl
import urllib.request
import zlib
from typing import Any

import pytest
import websockets
from websockets.exceptions import ConnectionClosed, InvalidMessage, InvalidStatus

from okxdoctor.exchange import Bench

BOOKS = json.dumps({"op": "subscribe", "args": [{"channel": "books", "instId": "BTC-USDT"}]})
TICKERS = json.dumps({"op": "subscribe", "args": [{"channel": "tickers", "instId": "BTC-USDT"}]})
CANDLES = json.dumps({"op": "subscribe", "args": [{"channel": "candle1m", "instId": "BTC-USDT"}]})


def connect(served: Any, path: str = "/public", **more: Any) -> Any:
    trusted = ssl.create_default_context(cafile=served.info.ca_file)
    return websockets.connect(
        served.info.ws_url + path, ssl=trusted, open_timeout=5, close_timeout=1, proxy=None, max_size=None, **more
    )


async def receive(ws: Any) -> Any:
    return json.loads(await asyncio.wait_for(ws.recv(), 5))


async def receive_for_ever(ws: Any) -> None:
    while True:
        await receive(ws)


@pytest.mark.parametrize(("how", "status"), [("refuse", 403), ("strip", 400)])
def test_an_upgrade_that_is_refused(served: Any, how: str, status: int) -> None:
    served.faults.turn_on(f"ws-blocked={how}")

    async def go() -> None:
        with pytest.raises(InvalidStatus) as caught:
            async with connect(served):
                pass
        assert caught.value.response.status_code == status

    asyncio.run(go())


def test_an_upgrade_that_is_closed(served: Any) -> None:
    served.faults.turn_on("ws-blocked=close")

    async def go() -> None:
        with pytest.raises((InvalidMessage, ConnectionError, EOFError)):
            async with connect(served):
                pass

    asyncio.run(go())


@pytest.mark.parametrize("fault", ["ws-drops=100ms", "ws-drops-on-subscribe"])
def test_a_cut_shows_no_close_frame(served: Any, fault: str) -> None:
    served.faults.turn_on(fault)

    async def go() -> None:
        async with connect(served) as ws:
            await ws.send(TICKERS)
            with pytest.raises(ConnectionClosed):
                await receive_for_ever(ws)
            assert ws.close_code == 1006

    asyncio.run(go())


@pytest.mark.parametrize("code", [1011, 4005, 4008])
def test_a_close_code_arrives_as_it_is(served: Any, code: int) -> None:
    name = "ws-connection-limit-code" if code == 4008 else "ws-drops-code"
    served.faults.turn_on(f"{name}={code}")

    async def go() -> None:
        async with connect(served) as ws:
            await ws.send(TICKERS)
            with pytest.raises(ConnectionClosed):
                await receive(ws)
            assert ws.close_code == code

    asyncio.run(go())


def test_frames_that_are_compressed_without_an_agreement_break_the_protocol(served: Any) -> None:
    served.faults.turn_on("ws-drops-compression")

    async def go() -> None:
        async with connect(served) as ws:
            assert "Sec-WebSocket-Extensions" not in ws.response.headers
            await ws.send("ping")
            with pytest.raises(ConnectionClosed):
                await asyncio.wait_for(ws.recv(), 5)
            # RFC 6455 section 7.4.1: a protocol error, said by the client.
            assert ws.protocol.close_sent.code == 1002

    asyncio.run(go())


def test_compression_is_agreed_on_where_it_is_offered_and_only_there(served: Any) -> None:
    async def go(compression: str | None) -> tuple[str | None, Any]:
        async with connect(served, compression=compression) as ws:
            await ws.send(BOOKS)
            assert (await receive(ws))["event"] == "subscribe"
            return ws.response.headers.get("Sec-WebSocket-Extensions"), (await receive(ws))["action"]

    agreed, first = asyncio.run(go("deflate"))
    assert agreed is not None
    assert agreed.startswith("permessage-deflate")
    assert (first, asyncio.run(go(None))) == ("snapshot", (None, "snapshot"))


def test_a_gateway_leads_every_path_to_one(served: Any) -> None:
    served.faults.turn_on("ws-wrong-path=business")

    async def go() -> None:
        async with connect(served, "/public") as ws:
            await ws.send(TICKERS)
            assert (await receive(ws))["code"] == "64002"
            await ws.send(CANDLES)
            assert (await receive(ws))["event"] == "subscribe"

    asyncio.run(go())


def test_a_connection_in_two_meets_a_fault(served: Any) -> None:
    served.faults.turn_on("ws-no-pong,every=2")

    async def ponged() -> bool:
        served.clock.step(2)
        async with connect(served) as ws:
            await ws.send("ping")
            try:
                return await asyncio.wait_for(ws.recv(), 0.3) == "pong"
            except TimeoutError:
                return False

    async def go() -> list[bool]:
        return [await ponged() for _ in range(4)]

    assert asyncio.run(go()) == [True, False, True, False]


def test_options_and_a_reset_through_the_control_endpoint(served: Any) -> None:
    def control(path: str, body: dict[str, Any]) -> Any:
        request = urllib.request.Request(
            served.info.control_url + path, json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=5) as answer:
            return json.loads(answer.read())

    assert control("/options", {"checksum": "crc"}) == {"checksum": "crc", "tier": 1, "slack": 0.0}

    async def go() -> None:
        async with connect(served) as ws:
            await ws.send(BOOKS)
            await receive(ws)
            data = (await receive(ws))["data"][0]
            turns = zip(data["bids"][:25], data["asks"][:25], strict=True)
            crc = zlib.crc32(":".join(f"{b[0]}:{b[1]}:{a[0]}:{a[1]}" for b, a in turns).encode())
            assert data["checksum"] % 2**32 == crc
            last = (await receive(ws))["data"][0]["seqId"]
            seq = (await asyncio.to_thread(control, "/reset-book", {"inst": "BTC-USDT"}))["seq_id"]
            assert seq < last
            while True:
                data = (await receive(ws))["data"][0]
                assert data["prevSeqId"] == last
                last = data["seqId"]
                if last < data["prevSeqId"]:
                    return

    try:
        asyncio.run(go())
    finally:
        assert control("/options", {"checksum": "zero"}) == {"checksum": "zero", "tier": 1, "slack": 0.0}


def test_options_from_python(served: Any) -> None:
    bench = Bench(served)
    assert bench.options(tier=5) == {"checksum": "zero", "tier": 5, "slack": 0.0}
    with pytest.raises(ValueError, match="zero or crc"):
        bench.options(checksum="md5")
    assert bench.options(tier=1) == {"checksum": "zero", "tier": 1, "slack": 0.0}
    assert bench.reset_book("BTC-USDT") < 10_000
