"""What the ``orders`` channel says of fills: of the event alone, as clients that add up its fills need it."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from okxdoctor.exchange.core.backstage import counter_order

ABSENT = {"fillPx": "", "fillSz": "0", "fillTime": "", "tradeId": "", "execType": "", "fillFee": "0", "fillFeeCcy": ""}
"""What a push says that is not of a fill."""


def post(bench: Any, name: str, **body: str) -> dict[str, Any]:
    answer = json.loads(bench.send("POST", f"/api/v5/{name}", json.dumps(body)).body)
    assert answer["code"] == "0", answer
    found: dict[str, Any] = answer["data"][0]
    return found


def best_bid(bench: Any) -> Decimal:
    answer = json.loads(bench.send("GET", "/api/v5/market/books?instId=BTC-USDT", signed=False).body)
    return Decimal(answer["data"][0]["bids"][0][0])


@pytest.fixture
def listening(bench: Any) -> Any:
    session = bench.session("private")
    session.receive(json.dumps({"op": "login", "args": [bench.login()]}))
    session.receive(json.dumps({"op": "subscribe", "args": [{"channel": "orders", "instType": "ANY"}]}))
    return session


def told(session: Any) -> list[dict[str, Any]]:
    found = [json.loads(frame.text) for frame in session.tick()]
    return [row for each in found if each.get("arg", {}).get("channel") == "orders" for row in each["data"]]


def test_a_fill_is_told_once_whatever_becomes_of_the_order(bench: Any, listening: Any) -> None:
    px = best_bid(bench) + Decimal("0.1")
    known = {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "limit", "px": str(px), "sz": "0.003"}
    placed = post(bench, "trade/order", **known)
    (live,) = told(listening)
    assert live["state"] == "live"
    assert live["avgPx"] == "0"
    assert {name: live[name] for name in ABSENT} == ABSENT
    venue = bench.exchange.venue("global", "live")
    counter_order(bench.exchange, venue, "BTC-USDT", "sell", str(px), "0.001")
    (part,) = told(listening)
    assert (part["state"], part["fillSz"], part["fillPx"], part["accFillSz"]) == (
        "partially_filled", "0.001", str(px), "0.001",
    )  # fmt: skip
    assert part["tradeId"] and part["fillTime"] and part["execType"] == "M"  # noqa: PT018
    which = {"instId": "BTC-USDT", "ordId": placed["ordId"]}
    post(bench, "trade/amend-order", **which, newSz="0.002", reqId="r1")
    (amended,) = told(listening)
    assert (amended["state"], amended["amendResult"], amended["accFillSz"]) == ("partially_filled", "0", "0.001")
    assert {name: amended[name] for name in ABSENT} == ABSENT
    post(bench, "trade/cancel-order", **which)
    (ended,) = told(listening)
    assert (ended["state"], ended["accFillSz"], ended["avgPx"]) == ("canceled", "0.001", str(px))
    assert {name: ended[name] for name in ABSENT} == ABSENT
    # What was filled of the order is worth the same in every push after it.
    assert part["fillNotionalUsd"] == ended["fillNotionalUsd"] != live["fillNotionalUsd"] == ""
    # REST remembers the last fill, and an average of nothing is nothing there.
    row = json.loads(bench.send("GET", f"/api/v5/trade/order?instId=BTC-USDT&ordId={placed['ordId']}").body)["data"][0]
    assert (row["fillSz"], row["tradeId"]) == ("0.001", part["tradeId"])


def test_the_sizes_of_fills_add_up_to_what_was_filled(bench: Any, listening: Any) -> None:
    px = best_bid(bench) + Decimal("0.1")
    known = {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "limit", "px": str(px), "sz": "0.003"}
    post(bench, "trade/order", **known)
    venue = bench.exchange.venue("global", "live")
    for size in ("0.001", "0.0005", "0.0015"):
        counter_order(bench.exchange, venue, "BTC-USDT", "sell", str(px), size)
    rows = told(listening)
    assert [row["accFillSz"] for row in rows] == ["0", "0.001", "0.0015", "0.003"]
    assert sum(Decimal(row["fillSz"]) for row in rows) == Decimal("0.003")
    worth = [Decimal(row["fillNotionalUsd"] or 0) for row in rows]
    assert worth == sorted(worth)
    assert abs(worth[-1] / (px * Decimal("0.003")) - 1) < Decimal("0.01")


@pytest.mark.parametrize(("side", "fee", "rebate"), [("buy", "BTC", "USDT"), ("sell", "USDT", "BTC")])
def test_a_rebate_would_be_of_the_other_currency(bench: Any, side: str, fee: str, rebate: str) -> None:
    px = best_bid(bench) / 2 if side == "buy" else best_bid(bench) * 2
    order = {"instId": "BTC-USDT", "tdMode": "cash", "ordType": "limit", "sz": "0.001", "px": f"{px:.1f}"}
    placed = post(bench, "trade/order", **order, side=side)
    row = json.loads(bench.send("GET", f"/api/v5/trade/order?instId=BTC-USDT&ordId={placed['ordId']}").body)["data"][0]
    assert (row["feeCcy"], row["rebateCcy"]) == (fee, rebate)


@pytest.mark.parametrize("size", ["0.001", "0.0005"])
def test_an_order_that_is_made_no_larger_than_what_is_filled_is_filled(bench: Any, listening: Any, size: str) -> None:
    px = best_bid(bench) + Decimal("0.1")
    known = {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "limit", "px": str(px), "sz": "0.003"}
    placed = post(bench, "trade/order", **known)
    counter_order(bench.exchange, bench.exchange.venue("global", "live"), "BTC-USDT", "sell", str(px), "0.001")
    told(listening)
    post(bench, "trade/amend-order", instId="BTC-USDT", ordId=placed["ordId"], newSz=size, reqId="r1")
    (ended,) = told(listening)
    assert (ended["state"], ended["amendResult"], ended["reqId"]) == ("filled", "0", "r1")
    assert (ended["accFillSz"], ended["tradeId"], ended["fillSz"]) == ("0.001", "", "0")
    balances = json.loads(bench.send("GET", "/api/v5/account/balance?ccy=USDT").body)["data"][0]["details"]
    assert balances[0]["ordFrozen"] == "0"
