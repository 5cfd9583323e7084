"""WebSocket over real sockets, by an independent client (websockets)."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import ssl
from typing import Any

import pytest
import websockets
from websockets.exceptions import ConnectionClosed, InvalidStatus


def connect(served: Any, path: str, *, base: str | None = None, **more: Any) -> Any:
    url = (base or served.info.ws_url) + path
    if url.startswith("wss:"):
        more["ssl"] = ssl.create_default_context(cafile=served.info.ca_file)
    return websockets.connect(url, open_timeout=5, close_timeout=1, proxy=None, **more)


async def receive(ws: Any) -> Any:
    return json.loads(await asyncio.wait_for(ws.recv(), 5))


def login(served: Any, site: int = 0) -> str:
    who, stamp = served.info.sites[site], str(served.clock.now_ms() // 1000)
    digest = hmac.new(who.secret_key.encode(), f"{stamp}GET/users/self/verify".encode(), hashlib.sha256).digest()
    argument = {
        "apiKey": who.api_key, "passphrase": who.passphrase, "timestamp": stamp,
        "sign": base64.b64encode(digest).decode(),
    }  # fmt: skip
    return json.dumps({"op": "login", "args": [argument]})


TICKERS = json.dumps({"op": "subscribe", "args": [{"channel": "tickers", "instId": "BTC-USDT"}]})


@pytest.mark.parametrize("where", ["tls", "plain", "appended", "bare"])
def test_subscription_data_and_ping(served: Any, where: str) -> None:
    base = {
        "tls": None, "plain": served.info.plain_ws_url, "appended": served.info.ws_url + "/ws/v5",
        "bare": served.info.ws_url.removesuffix("/ws/v5"),
    }[where]  # fmt: skip

    async def go() -> None:
        async with connect(served, "/public", base=base) as ws:
            await ws.send("ping")
            assert await asyncio.wait_for(ws.recv(), 5) == "pong"
            await ws.send(TICKERS)
            assert (await receive(ws))["event"] == "subscribe"
            stamps = [int((await receive(ws))["data"][0]["ts"]) for _ in range(3)]
            assert stamps == sorted(set(stamps))
            await (await ws.ping())

    asyncio.run(go())


@pytest.mark.parametrize("site", [0, 1, 2, 3, 4, 5])
def test_a_login_on_each_site_and_environment(served: Any, site: int) -> None:
    async def go() -> None:
        async with connect(served, "/private", base=served.info.sites[site].ws_url) as ws:
            await ws.send(login(served, site))
            assert (await receive(ws))["event"] == "login"
        served.clock.step(2)
        async with connect(served, "/private", base=served.info.sites[(site + 2) % 6].ws_url) as ws:
            await ws.send(login(served, site))
            assert (await receive(ws))["code"] == "60032"

    asyncio.run(go())


def test_idle_connections_end_with_4004_when_virtual_time_has_passed(served: Any) -> None:
    async def go() -> None:
        async with connect(served, "/public") as ws:
            await ws.send("ping")
            await ws.recv()
            served.clock.step(31)
            with pytest.raises(ConnectionClosed):
                await asyncio.wait_for(ws.recv(), 5)
            assert (ws.close_code, ws.close_reason) == (4004, "No data received in 30s.")

    asyncio.run(go())


def test_an_order_by_rest_is_told_on_the_socket(served: Any, ask: Any) -> None:
    async def go() -> None:
        async with connect(served, "/private") as ws:
            await ws.send(login(served))
            await receive(ws)
            await ws.send(json.dumps({"op": "subscribe", "args": [{"channel": "orders", "instType": "ANY"}]}))
            assert [(await receive(ws))["event"] for _ in range(2)] == ["subscribe", "channel-conn-count"]
            order = {
                "instId": "BTC-USDT",
                "tdMode": "cash",
                "side": "buy",
                "ordType": "limit",
                "px": "10000.1",
                "sz": "0.001",
            }
            answer = await asyncio.to_thread(
                lambda: ask("POST", "/api/v5/trade/order", signed=True, body=json.dumps(order))
            )
            pushed = await receive(ws)
            assert pushed["data"][0]["ordId"] == json.loads(answer[2])["data"][0]["ordId"]

    asyncio.run(go())


@pytest.mark.parametrize(("how", "status"), [("refuse", 403), ("strip", 400)])
def test_a_refused_upgrade(served: Any, how: str, status: int) -> None:
    served.faults.turn_on(f"ws-blocked={how}")

    async def go() -> None:
        with pytest.raises(InvalidStatus) as caught:
            async with connect(served, "/public"):
                pass
        assert caught.value.response.status_code == status

    asyncio.run(go())


def test_an_upgrade_without_an_answer(served: Any) -> None:
    served.faults.turn_on("ws-blocked=hang")

    async def go() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5), connect(served, "/public"):
                pass

    asyncio.run(go())


def test_silence_after_the_acknowledgement(served: Any) -> None:
    served.faults.turn_on("ws-silent", "ws-no-pong")

    async def go() -> None:
        async with connect(served, "/public") as ws:
            await ws.send(TICKERS)
            assert (await receive(ws))["event"] == "subscribe"
            await ws.send("ping")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(ws.recv(), 0.5)

    asyncio.run(go())


def test_the_fourth_connection_in_a_second_is_refused(served: Any) -> None:
    async def go() -> None:
        served.clock.freeze()
        try:
            opened = [await connect(served, "/public") for _ in range(3)]
            with pytest.raises(InvalidStatus) as caught:
                await connect(served, "/public")
            assert caught.value.response.status_code == 429
            for ws in opened:
                await ws.close()
        finally:
            served.clock.resume()

    asyncio.run(go())


@pytest.mark.parametrize("message", [b"\x00\xff", "x" * 70_000, "{" * 60_000])
def test_hostile_messages_hurt_nobody_else(served: Any, message: str | bytes) -> None:
    async def go() -> None:
        async with connect(served, "/public") as good, connect(served, "/public") as bad:
            await good.send(TICKERS)
            await receive(good)
            await bad.send(message)
            try:
                answer = await receive(bad)
                assert answer["code"] == "60012"
            except ConnectionClosed:
                assert bad.close_code == 1009
            assert "data" in await receive(good)
            assert "data" in await receive(good)

    asyncio.run(go())


def test_a_notice_and_a_cut(served: Any) -> None:
    async def go() -> None:
        async with connect(served, "/public") as ws:
            await ws.send("ping")
            await ws.recv()
            task = asyncio.to_thread(served.run, served.running.sockets.notice(0.1))
            running = asyncio.ensure_future(task)
            assert (await receive(ws))["code"] == "64008"
            with pytest.raises(ConnectionClosed):
                await asyncio.wait_for(ws.recv(), 5)
            await running

    asyncio.run(go())


def test_other_paths_are_no_channels(served: Any) -> None:
    async def go() -> None:
        for path in ("/nothing", "/public/private", "/x/public"):
            with pytest.raises(InvalidStatus) as caught:
                await connect(served, path)
            assert caught.value.response.status_code == 404

    asyncio.run(go())


@pytest.mark.parametrize("site", [0, 1, 2, 3, 4, 5])
def test_the_site_is_known_by_the_name_that_is_asked_for(served: Any, site: int) -> None:
    who = served.info.sites[site]
    port = int(who.named_ws_url.removesuffix("/ws/v5").rpartition(":")[2])

    async def go() -> None:
        async with connect(served, "/private", base=who.named_ws_url, host="127.0.0.1", port=port) as ws:
            await ws.send(login(served, site))
            assert (await receive(ws))["event"] == "login"

    asyncio.run(go())


def test_a_login_leaves_no_secret_in_the_log(served: Any) -> None:
    odd = login(served).replace('"login"', '"\\u006cogin"')

    async def go() -> None:
        async with connect(served, "/private") as ws:
            await ws.send(odd)
            assert (await receive(ws))["event"] == "login"

    asyncio.run(go())
    text = json.dumps(served.wire_log.as_json())
    assert served.info.passphrase not in text
    assert json.loads(odd)["args"][0]["sign"] not in text


def test_raised_budgets_admit_many_connections_whose_books_agree(served: Any) -> None:
    served.faults.turn_on("ratelimit-limit-differs=100")
    books = json.dumps({"op": "subscribe", "args": [{"channel": "books", "instId": "BTC-USDT"}]})

    async def one() -> dict[int, str]:
        async with connect(served, "/public") as ws:
            await ws.send(books)
            await receive(ws)
            last = (await receive(ws))["data"][0]["seqId"]
            updates = {}
            for _ in range(5):
                data = (await receive(ws))["data"][0]
                assert data["prevSeqId"] == last
                last = data["seqId"]
                updates[last] = json.dumps(data)
            return updates

    async def go() -> None:
        seen: dict[int, str] = {}
        for updates in await asyncio.gather(*(one() for _ in range(12))):
            for number, text in updates.items():
                assert seen.setdefault(number, text) == text

    asyncio.run(go())
