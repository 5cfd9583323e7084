"""Orders: what is accepted, what is refused with which code, and what happens to the money."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

ORDER = {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "limit", "px": "10000.1", "sz": "0.001"}


def money(bench: Any) -> dict[str, tuple[Decimal, Decimal]]:
    rows = bench.get("account/balance")[0]["details"]
    return {row["ccy"]: (Decimal(row["cashBal"]), Decimal(row["frozenBal"])) for row in rows}


def test_a_resting_order_freezes_and_its_cancellation_releases(bench: Any) -> None:
    before = money(bench)
    answer = bench.post("trade/order", {**ORDER, "clOrdId": "first1"})
    assert (answer["code"], answer["data"][0]["sCode"], answer["data"][0]["clOrdId"]) == ("0", "0", "first1")
    assert len(answer["inTime"]) == len(answer["outTime"]) == 16
    order_id = answer["data"][0]["ordId"]
    assert money(bench)["USDT"] == (before["USDT"][0], Decimal("10.0001"))
    pending = bench.get("trade/orders-pending?instType=SPOT")
    assert [(row["ordId"], row["state"], row["px"], row["sz"]) for row in pending] == [
        (order_id, "live", "10000.1", "0.001")
    ]
    assert bench.get("trade/order?instId=BTC-USDT&clOrdId=first1") == pending
    assert bench.post("trade/cancel-order", {"instId": "BTC-USDT", "ordId": order_id, "clOrdId": ""})["code"] == "0"
    assert money(bench) == before
    assert bench.get("trade/orders-pending") == []
    assert bench.get(f"trade/order?instId=BTC-USDT&ordId={order_id}")[0]["state"] == "canceled"
    again = bench.post("trade/cancel-order", {"instId": "BTC-USDT", "ordId": order_id})
    assert (again["code"], again["data"][0]["sCode"]) == ("1", "51400")


def test_a_market_order_takes_from_the_book_and_pays_its_fee(bench: Any) -> None:
    before = money(bench)
    ask = json.loads(bench.send("GET", "/api/v5/market/books?instId=BTC-USDT", signed=False).body)["data"][0]["asks"][0]
    size = Decimal("0.001")
    assert Decimal(ask[1]) > size
    order = {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "market", "sz": "0.001"}
    answer = bench.post("trade/order", {**order, "tgtCcy": "base_ccy"})
    assert answer["code"] == "0"
    done = bench.get(f"trade/order?instId=BTC-USDT&ordId={answer['data'][0]['ordId']}")[0]
    assert (done["state"], done["avgPx"], done["accFillSz"]) == ("filled", ask[0], "0.001")
    after = money(bench)
    fee = size * Decimal("0.001")
    assert Decimal(done["fee"]) == -fee
    assert after["USDT"] == (before["USDT"][0] - Decimal(ask[0]) * size, Decimal(0))
    assert after["BTC"] == (before["BTC"][0] + size - fee, Decimal(0))
    fill = bench.get("trade/fills?instType=SPOT")[0]
    assert (fill["ordId"], fill["fillPx"], fill["execType"]) == (done["ordId"], ask[0], "T")


def test_an_order_that_the_market_reaches_is_filled_at_its_own_price(bench: Any) -> None:
    market = bench.exchange.venue("global", "live").market(
        bench.exchange.venue("global", "live").instrument("BTC-USDT")
    )
    bid, _ = market.touch(bench.now_ms // 100)
    below = market.tick.text(bid - 3)
    order_id = bench.post("trade/order", {**ORDER, "px": below})["data"][0]["ordId"]
    assert bench.get(f"trade/order?instId=BTC-USDT&ordId={order_id}")[0]["state"] == "live"
    for _ in range(3_000):
        bench.advance(100)
        if market.touch(bench.now_ms // 100)[1] <= bid - 3:
            break
    done = bench.get(f"trade/order?instId=BTC-USDT&ordId={order_id}")[0]
    assert (done["state"], done["avgPx"]) == ("filled", below)
    assert Decimal(done["fee"]) == -Decimal("0.001") * Decimal("0.0008")
    assert money(bench)["USDT"][1] == 0


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"instId": "NOPE-USDT"}, "51001"),
        ({"instId": ""}, "50014"),
        ({"tdMode": ""}, "50014"),
        ({"tdMode": "margin"}, "51000"),
        ({"side": "long"}, "51000"),
        ({"ordType": "stop"}, "51000"),
        ({"sz": "0"}, "51000"),
        ({"sz": "-1"}, "51000"),
        ({"sz": "1e-3x"}, "51000"),
        ({"sz": None}, "51000"),
        ({"sz": "0.000000001"}, "51121"),
        ({"sz": "0.000001"}, "51020"),
        ({"px": ""}, "51000"),
        ({"px": "NaN"}, "51000"),
        ({"px": "10000.15"}, "51150"),
        ({"px": "1000000"}, "51137"),
        ({"side": "sell", "px": "100"}, "51138"),
        ({"clOrdId": "with-hyphen"}, "51000"),
        ({"clOrdId": "x" * 33}, "51000"),
        ({"tag": "x" * 17}, "51000"),
        ({"sz": "5", "px": "10000"}, "51008"),
        ({"instId": "BTC-USDT-SWAP", "sz": "1"}, "51010"),
        ({"instId": "BTC-USDT-SWAP", "tdMode": "cross", "posSide": "long", "sz": "1"}, "51000"),
        ({"instId": "BTC-USDT-SWAP", "tdMode": "cross", "sz": "0.015"}, "51121"),
        ({"expTime": "1"}, "50036"),
    ],
)
def test_a_refused_order_says_why_and_changes_nothing(bench: Any, change: dict[str, object], code: str) -> None:
    before = money(bench)
    answer = bench.post("trade/order", {**ORDER, **change})
    item = answer["data"][0]
    assert (answer["code"], answer["msg"], item["sCode"]) == ("1", "All operations failed", code)
    assert (item["ordId"], bool(item["sMsg"])) == ("", True)
    assert bench.get("trade/orders-pending") == []
    assert money(bench) == before


def test_a_client_id_is_unique_among_open_orders_only(bench: Any) -> None:
    assert bench.post("trade/order", {**ORDER, "clOrdId": "same"})["code"] == "0"
    assert bench.post("trade/order", {**ORDER, "clOrdId": "same"})["data"][0]["sCode"] == "51016"
    assert bench.post("trade/cancel-order", {"instId": "BTC-USDT", "clOrdId": "same"})["code"] == "0"
    assert bench.post("trade/order", {**ORDER, "clOrdId": "same"})["code"] == "0"


def test_a_batch_with_one_bad_order_has_code_2(bench: Any) -> None:
    answer = bench.post("trade/batch-orders", [ORDER, {**ORDER, "instId": "NOPE-USDT"}])
    assert answer["code"] == "2"
    assert [item["sCode"] for item in answer["data"]] == ["0", "51001"]
    too_many = bench.post("trade/batch-orders", [ORDER] * 21)
    assert too_many["code"] == "51111"


def test_post_only_fok_and_ioc(bench: Any) -> None:
    high = json.loads(bench.send("GET", "/api/v5/public/price-limit?instId=BTC-USDT", signed=False).body)
    crossing = {**ORDER, "px": high["data"][0]["buyLmt"]}

    def state(kind: str, **more: str) -> tuple[str, str, str]:
        order_id = bench.post("trade/order", {**crossing, "ordType": kind, **more})["data"][0]["ordId"]
        row = bench.get(f"trade/order?instId=BTC-USDT&ordId={order_id}")[0]
        return row["state"], row["accFillSz"], row["cancelSource"]

    assert state("post_only") == ("canceled", "0", "31")
    assert state("fok") == ("filled", "0.001", "")
    assert state("ioc") == ("filled", "0.001", "")
    assert state("ioc", px="10000.1") == ("canceled", "0", "14")
    assert state("fok", px="10000.1") == ("canceled", "0", "13")
    assert money(bench)["USDT"][1] == 0


def test_a_position_opens_and_closes_and_the_profit_is_cash(bench: Any) -> None:
    start = money(bench)["USDT"][0]
    swap = {"instId": "BTC-USDT-SWAP", "tdMode": "cross", "ordType": "market", "sz": "1"}
    bought = bench.post("trade/order", {**swap, "side": "buy"})["data"][0]["ordId"]
    position = bench.get("account/positions?instType=SWAP")[0]
    assert (position["pos"], position["posSide"], position["mgnMode"]) == ("1", "net", "cross")
    bench.advance(60_000)
    sold = bench.post("trade/order", {**swap, "side": "sell", "reduceOnly": "true"})["data"][0]["ordId"]
    assert bench.get("account/positions") == []
    rows = [bench.get(f"trade/order?instId=BTC-USDT-SWAP&ordId={each}")[0] for each in (bought, sold)]
    profit = (Decimal(rows[1]["avgPx"]) - Decimal(rows[0]["avgPx"])) * Decimal("0.01")
    fees = Decimal(rows[0]["fee"]) + Decimal(rows[1]["fee"])
    assert abs(money(bench)["USDT"][0] - (start + profit + fees)) < Decimal("1e-9")
    assert money(bench)["USDT"][1] == 0


def test_amending_moves_what_is_frozen(bench: Any) -> None:
    order_id = bench.post("trade/order", ORDER)["data"][0]["ordId"]
    answer = bench.post("trade/amend-order", {"instId": "BTC-USDT", "ordId": order_id, "newSz": "0.002", "reqId": "r1"})
    assert (answer["code"], answer["data"][0]["reqId"]) == ("0", "r1")
    assert money(bench)["USDT"][1] == Decimal("20.0002")
    broke = bench.post("trade/amend-order", {"instId": "BTC-USDT", "ordId": order_id, "newSz": "9"})
    assert broke["data"][0]["sCode"] == "51008"
    assert money(bench)["USDT"][1] == Decimal("20.0002")
    missing = bench.post("trade/amend-order", {"instId": "BTC-USDT", "ordId": "1", "newSz": "1"})
    assert missing["data"][0]["sCode"] == "51603"


def test_precheck_wants_a_margin_account_and_places_nothing(bench: Any) -> None:
    refused = bench.post("trade/order-precheck", ORDER)
    assert (refused["code"], refused["data"]) == ("51010", [])
    body = json.dumps(ORDER)
    reply = bench.send("POST", "/api/v5/trade/order-precheck", body, environment="demo")
    answer = json.loads(reply.body)
    assert (answer["code"], answer["data"][0]["imrChg"]) == ("0", "10.0001")
    assert bench.get("trade/orders-pending") == []


def test_order_ids_are_unique_and_rise(bench: Any) -> None:
    ids = [int(bench.post("trade/order", ORDER)["data"][0]["ordId"]) for _ in range(20)]
    assert ids == sorted(set(ids))
    assert max(ids) < 2**63


@pytest.mark.parametrize("field", ["instId", "sz", "px", "clOrdId", "tdMode", "ordId", "tag", "reduceOnly", "expTime"])
def test_a_deep_value_where_a_text_belongs_is_refused(bench: Any, field: str) -> None:
    deep = "[" * 400 + "]" * 400
    body = json.dumps({**ORDER, field: "X"}).replace('"X"', deep)
    reply = bench.send("POST", "/api/v5/trade/order", body)
    assert reply.status == 200
    assert json.loads(reply.body)["code"] in ("0", "1")
    session = bench.session("public")
    argument = '{"op":"subscribe","args":[{"channel":"tickers","instId":' + deep + "}]}"
    assert json.loads(session.receive(argument)[0].text)["code"] == "60012"
