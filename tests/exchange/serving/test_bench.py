"""``Bench``: money, orders and prices in the hands of a test, seen by a client on the wire."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import pytest
from websockets.sync.client import connect

from okxdoctor.exchange import Bench, serve
from okxdoctor.exchange.bench import Impossible

MAKER = Fraction(8, 10_000)
"""Maker fee of the regular tier in spot trading."""


@pytest.fixture
def served() -> Iterator[Any]:
    with serve(seed=11) as exchange:
        yield exchange


@pytest.fixture
def x(served: Any) -> Bench:
    return Bench(served)


# -- money ---------------------------------------------------------------------------------------


def test_funds_arrive_in_the_wallet_and_on_the_private_channels(x: Bench, Client: Any, until: Any) -> None:
    client = Client(x)
    before = client.cash("USDT")
    with client.private() as socket:
        socket.send(json.dumps({"op": "subscribe", "args": [{"channel": "balance_and_position"}]}))
        until(socket, lambda message: "data" in message)
        assert Fraction(x.add_funds("USDT", "500.25")) == before + Fraction("500.25")
        told = until(socket, lambda message: "data" in message)["data"][0]
    assert told["eventType"] == "transferred"
    assert {row["ccy"]: row["cashBal"] for row in told["balData"]}["USDT"] == x.balance("USDT")["cash"]
    assert client.cash("USDT") == before + Fraction("500.25")
    x.add_funds("USDT", -0.25)
    assert client.cash("USDT") == before + 500


def test_the_funding_wallet_is_another_one(x: Bench, Client: Any) -> None:
    client = Client(x)
    trading = client.cash("USDT")
    x.add_funds("USDT", 7, wallet="funding")
    rows = client("GET", "/api/v5/asset/balances?ccy=USDT")["data"]
    assert Fraction(rows[0]["bal"]) == Fraction(x.balance("USDT", "funding")["cash"])
    assert client.cash("USDT") == trading


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("USDT", "-1000000"), "only 10000 USDT"), (("DOUBLOON", 1), "DOUBLOON"), (("USDT", "much"), "is a number"),
        (("USDT", float("nan")), "is a number"), (("USDT", True), "is a number"), (("USDT", 1, "purse"), "trading"),
    ],
)  # fmt: skip
def test_impossible_funds_change_nothing(x: Bench, arguments: Any, says: str) -> None:
    with pytest.raises(Impossible, match=says):
        x.add_funds(*arguments)
    assert x.balance("USDT")["cash"] == "10000"


# -- orders --------------------------------------------------------------------------------------


def test_a_fill_takes_its_part_of_an_order_at_its_price(x: Bench, Client: Any, until: Any) -> None:
    client = Client(x)
    x.add_funds("USDT", 100_000)
    x.move_market("BTC-USDT", to=60_000)
    usdt, btc = client.cash("USDT"), client.cash("BTC")
    order_id = client.order("59000", "0.5")
    assert Fraction(x.balance("USDT")["frozen"]) == 29_500
    with client.private() as socket:
        socket.send(json.dumps({"op": "subscribe", "args": [{"channel": "orders", "instType": "SPOT"}]}))
        until(socket, lambda message: message.get("event") == "subscribe")
        assert x.fill(order_id, "0.2")["state"] == "partially_filled"
        told = until(socket, lambda message: "data" in message)["data"][0]
    assert (told["ordId"], told["fillSz"], told["fillPx"], told["execType"]) == (order_id, "0.2", "59000", "M")
    assert client.cash("USDT") == usdt - 11_800
    assert client.cash("BTC") == btc + Fraction("0.2") * (1 - MAKER)
    assert [(row["ordId"], row["accFillSz"]) for row in x.orders()] == [(order_id, "0.2")]
    assert Fraction(x.balance("USDT")["frozen"]) == 17_700
    assert x.fill(order_id)["state"] == "filled"
    assert x.orders() == ()
    assert client.cash("USDT") == usdt - 29_500
    assert x.balance("USDT")["frozen"] == "0"
    assert len(client("GET", f"/api/v5/trade/fills?ordId={order_id}")["data"]) == 2


@pytest.mark.parametrize("size", ["0", "-1", "0.6", "0.000000001"])
def test_only_what_is_left_can_be_filled(x: Bench, size: str, Client: Any) -> None:
    x.add_funds("USDT", 100_000)
    x.move_market("BTC-USDT", to=60_000)
    order_id = Client(x).order("58000", "0.5")
    with pytest.raises(Impossible, match="whole lots"):
        x.fill(order_id, size)
    with pytest.raises(Impossible, match="no order"):
        x.fill("123")


def test_a_counter_order_meets_the_best_price_first(x: Bench, Client: Any) -> None:
    x.served.clock.freeze()
    client = Client(x, lambda: x.served.clock.now_ms() / 1000)
    x.add_funds("USDT", 100_000)
    x.move_market("BTC-USDT", to=60_000)
    book = client("GET", "/api/v5/market/books?instId=BTC-USDT&sz=1")["data"][0]
    bid, ask = Fraction(book["bids"][0][0]), Fraction(book["asks"][0][0])
    assert ask - bid > Fraction("0.1")
    inside, behind = client.order(str(float(bid) + 0.1), "0.03"), client.order("59000", "0.03")
    countered = x.place_counter_order("BTC-USDT", "sell", px=str(float(bid) + 0.1), sz="0.01")
    assert countered["state"] == "filled"
    assert {row["ordId"]: row["accFillSz"] for row in x.orders()} == {inside: "0.01", behind: "0"}
    # One that asks for more than the account offers stays in the book at its price.
    countered = x.place_counter_order("BTC-USDT", "sell", px=str(float(bid) + 0.1), sz="0.05")
    assert (countered["state"], countered["accFillSz"]) == ("partially_filled", "0.02")
    book = client("GET", "/api/v5/market/books?instId=BTC-USDT&sz=1")["data"][0]
    assert (Fraction(book["asks"][0][0]), book["asks"][0][1]) == (bid + Fraction("0.1"), "0.03")
    assert [row["ordId"] for row in x.orders()] == [behind]


def test_counter_orders_obey_the_rules(x: Bench) -> None:
    with pytest.raises(Impossible, match="51121"):
        x.place_counter_order("BTC-USDT", "sell", px=x.price("BTC-USDT"), sz="0.0000000001")
    with pytest.raises(Impossible, match="51000"):
        x.place_counter_order("BTC-USDT", "borrow", px=x.price("BTC-USDT"), sz="1")
    with pytest.raises(Impossible, match="BTC-USDT"):
        x.place_counter_order("BTC-USTD", "sell", px="1", sz="1")


# -- prices --------------------------------------------------------------------------------------


def test_a_moved_market_is_moved_everywhere(x: Bench, Client: Any) -> None:
    client = Client(x)
    old = client("GET", "/api/v5/market/candles?instId=BTC-USDT&bar=1m&limit=3")["data"][1:]
    assert Fraction(x.move_market("BTC-USDT", to=50_000)) == pytest.approx(50_000, rel=0.002)
    # The mark price follows within a second.
    x.advance(1)
    for path, field in (
        ("/api/v5/market/ticker?instId=BTC-USDT", "last"),
        ("/api/v5/market/ticker?instId=BTC-USDT-SWAP", "last"),
        ("/api/v5/public/mark-price?instType=SWAP&instId=BTC-USDT-SWAP", "markPx"),
        ("/api/v5/market/index-tickers?instId=BTC-USDT", "idxPx"),
    ):
        assert float(client("GET", path)["data"][0][field]) == pytest.approx(50_000, rel=0.01), path
    later = client("GET", "/api/v5/market/candles?instId=BTC-USDT&bar=1m&limit=6")["data"]
    assert all(row in later for row in old)
    assert x.at("eea").price("BTC-USDT") != x.price("BTC-USDT")
    assert float(x.move_market("BTC-USDT", by=-0.1)) == pytest.approx(45_000, rel=0.005)
    assert float(x.price("ETH-USDT")) < 20_000


def test_the_bid_is_on_the_price_that_was_asked_for(x: Bench, Client: Any) -> None:
    x.served.clock.freeze()
    client = Client(x, lambda: x.served.clock.now_ms() / 1000)
    for inst in ("BTC-USDT", "ETH-USDT-SWAP", "BTC-USD-SWAP"):
        for target in ("60000", "3000"):
            x.move_market(inst, to=target)
            book = client("GET", f"/api/v5/market/books?instId={inst}&sz=1")["data"][0]
            bid, ask = Fraction(book["bids"][0][0]), Fraction(book["asks"][0][0])
            assert bid <= Fraction(target) < ask, (inst, target)


def test_an_order_is_filled_once_the_market_is_there(x: Bench, Client: Any) -> None:
    x.add_funds("USDT", 100_000)
    x.move_market("BTC-USDT", to=60_000)
    client = Client(x)
    order_id = client.order("59000", "0.01")
    x.move_market("BTC-USDT", to=58_000)
    assert x.orders() == ()
    row = client("GET", f"/api/v5/trade/order?instId=BTC-USDT&ordId={order_id}")["data"][0]
    assert (row["state"], row["avgPx"]) == ("filled", "59000")


def test_a_stream_of_the_book_stays_whole_over_a_move(x: Bench, Client: Any, until: Any) -> None:
    client = Client(x)
    with connect(f"{x.site.ws_url}/public", ssl=client.context) as socket:
        socket.send(json.dumps({"op": "subscribe", "args": [{"channel": "books", "instId": "BTC-USDT"}]}))
        first = until(socket, lambda message: message.get("action") == "snapshot")["data"][0]
        sequence = first["seqId"]
        sides: dict[str, dict[str, str]] = {
            side: {px: sz for px, sz, *_ in first[side]} for side in ("bids", "asks")
        }  # fmt: skip
        x.move_market("BTC-USDT", by=0.2)
        want = float(x.price("BTC-USDT"))
        for _ in range(40):
            update = until(socket, lambda message: message.get("action") == "update")["data"][0]
            assert update["prevSeqId"] == sequence
            sequence = update["seqId"]
            for side, levels in sides.items():
                for px, sz, *_ in update[side]:
                    if sz == "0":
                        levels.pop(px, None)
                    else:
                        levels[px] = sz
            bid, ask = max(map(float, sides["bids"])), min(map(float, sides["asks"]))
            assert bid < ask
            if bid == pytest.approx(want, rel=0.005):
                return
    pytest.fail(f"the book has not moved: {bid} {ask}, wanted {want}")


@pytest.mark.parametrize(
    "where", [{}, {"to": 1, "by": 1.0}, {"to": "0"}, {"to": "-5"}, {"by": -1.0}, {"by": 1e9}, {"by": float("nan")}]
)
def test_impossible_prices(x: Bench, where: Any) -> None:
    before = float(x.price("BTC-USDT"))
    with pytest.raises(Impossible):
        x.move_market("BTC-USDT", **where)
    assert float(x.price("BTC-USDT")) == pytest.approx(before, rel=0.01)
