"""Algo orders: what sets them off, what comes of them, and what they are refused for."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

SWAP = "BTC-USDT-SWAP"


def algo(bench: Any, **fields: str) -> Any:
    return bench.post("trade/order-algo", {"instId": SWAP, "tdMode": "cross", "sz": "2", **fields})


def placed(bench: Any, **fields: str) -> str:
    answer = algo(bench, **fields)
    assert answer["code"] == "0", answer
    return str(answer["data"][0]["algoId"])


def shown(bench: Any, algo_id: str) -> dict[str, Any]:
    return dict(bench.get(f"trade/order-algo?algoId={algo_id}")[0])


def order(bench: Any, **fields: Any) -> dict[str, Any]:
    body = {"instId": SWAP, "tdMode": "cross", "ordType": "market", **fields}
    answer = bench.post("trade/order", body)
    assert answer["code"] == "0", answer
    return dict(bench.get(f"trade/order?instId={body['instId']}&ordId={answer['data'][0]['ordId']}")[0])


def last(bench: Any, inst: str = SWAP) -> Decimal:
    return Decimal(bench.get(f"market/ticker?instId={inst}")[0]["last"])


def away(bench: Any, share: str, inst: str = SWAP) -> str:
    """A price on the tick, away from the last one by ``share``."""
    return str((last(bench, inst) * (1 + Decimal(share))).quantize(Decimal("0.1")))


def move(bench: Any, by: float) -> None:
    from okxdoctor.exchange.core.backstage import move_market

    move_market(bench.exchange, bench.exchange.venue("global", "live"), "BTC-USDT", by=by)
    bench.advance(1_100)


@pytest.mark.parametrize("kind", ["last", "mark", "index"])
@pytest.mark.parametrize(("name", "by"), [("tp", 0.02), ("sl", -0.02)])
def test_each_leg_of_an_oco_closes_the_position(bench: Any, kind: str, name: str, by: float) -> None:
    order(bench, side="buy", sz="2")
    legs = {
        "tpTriggerPx": away(bench, "0.01"), "tpOrdPx": "-1", "tpTriggerPxType": kind,
        "slTriggerPx": away(bench, "-0.01"), "slOrdPx": "-1", "slTriggerPxType": kind,
    }  # fmt: skip
    algo_id = placed(bench, side="sell", ordType="oco", reduceOnly="true", algoClOrdId="oco1", **legs)
    assert shown(bench, algo_id)["state"] == "live"
    pending = bench.get("trade/orders-algo-pending?ordType=oco")
    assert [(row["algoId"], row["algoClOrdId"]) for row in pending] == [(algo_id, "oco1")]
    assert bench.get("account/positions")[0]["closeOrderAlgo"][0]["algoId"] == algo_id
    move(bench, by * 0.3)
    assert shown(bench, algo_id)["state"] == "live"
    move(bench, by)
    row = shown(bench, algo_id)
    assert (row["state"], row["actualSide"], row["actualSz"]) == ("effective", name, "2")
    assert bench.get("account/positions") == []
    closed = bench.get(f"trade/order?instId={SWAP}&ordId={row['ordId']}")[0]
    assert (closed["algoId"], closed["algoClOrdId"], closed["source"]) == (algo_id, "oco1", "7")
    assert (closed["state"], closed["side"], closed["reduceOnly"]) == ("filled", "sell", "true")
    assert bench.get("trade/orders-algo-pending?ordType=oco") == []
    history = bench.get("trade/orders-algo-history?ordType=oco&state=effective")
    assert [each["ordIdList"] for each in history] == [[row["ordId"]]]


@pytest.mark.parametrize(("by", "share"), [(0.02, "0.01"), (-0.02, "-0.01")])
def test_a_trigger_order_waits_for_its_price_from_either_side(bench: Any, by: float, share: str) -> None:
    price = away(bench, share)
    algo_id = placed(bench, side="buy", ordType="trigger", triggerPx=price, orderPx="-1")
    bench.advance(60_000)
    assert shown(bench, algo_id)["state"] == "live"
    assert shown(bench, algo_id)["triggerPx"] == price.rstrip("0").rstrip(".")
    move(bench, by)
    row = shown(bench, algo_id)
    assert row["state"] == "effective"
    assert bench.get(f"trade/order?instId={SWAP}&ordId={row['ordId']}")[0]["source"] == "6"
    assert bench.get("account/positions")[0]["pos"] == "2"


def test_a_trigger_order_with_a_price_leaves_a_limit_order(bench: Any) -> None:
    low = away(bench, "-0.03")
    algo_id = placed(bench, side="buy", ordType="trigger", triggerPx=away(bench, "-0.01"), orderPx=low)
    move(bench, -0.012)
    row = shown(bench, algo_id)
    resting = bench.get(f"trade/order?instId={SWAP}&ordId={row['ordId']}")[0]
    assert (resting["state"], resting["ordType"], Decimal(resting["px"])) == ("live", "limit", Decimal(low))


def test_a_trailing_stop_follows_and_turns(bench: Any) -> None:
    order(bench, side="buy", sz="2")
    algo_id = placed(
        bench, side="sell", ordType="move_order_stop", callbackRatio="0.01", activePx=away(bench, "0.01"),
        reduceOnly="true",
    )  # fmt: skip
    move(bench, -0.02)
    assert shown(bench, algo_id)["moveTriggerPx"] == ""
    move(bench, 0.05)
    first = Decimal(shown(bench, algo_id)["moveTriggerPx"])
    move(bench, 0.02)
    second = Decimal(shown(bench, algo_id)["moveTriggerPx"])
    assert first < second < last(bench)
    move(bench, -0.005)
    assert shown(bench, algo_id)["state"] == "live"
    move(bench, -0.01)
    row = shown(bench, algo_id)
    assert row["state"] == "effective"
    assert bench.get(f"trade/order?instId={SWAP}&ordId={row['ordId']}")[0]["source"] == "25"
    assert bench.get("account/positions") == []


def test_an_order_that_is_refused_when_it_is_set_off_has_failed(bench: Any) -> None:
    algo_id = placed(
        bench, side="sell", ordType="conditional", reduceOnly="true", slTriggerPx=away(bench, "-0.01"), slOrdPx="-1"
    )
    move(bench, -0.02)
    row = shown(bench, algo_id)
    assert (row["state"], row["failCode"], row["ordId"]) == ("order_failed", "51169", "")


def test_a_whole_position_is_closed_by_fraction_and_the_order_ends_with_it(bench: Any) -> None:
    order(bench, side="sell", sz="3")
    fields = {"side": "buy", "ordType": "conditional", "closeFraction": "1", "tpOrdPx": "-1", "sz": ""}
    algo_id = placed(bench, **fields, tpTriggerPx=away(bench, "-0.01"))
    order(bench, side="sell", sz="2")
    move(bench, -0.02)
    assert shown(bench, algo_id)["actualSz"] == "5"
    assert bench.get("account/positions") == []
    order(bench, side="sell", sz="1")
    waiting = placed(bench, **fields, tpTriggerPx=away(bench, "-0.01"))
    order(bench, side="buy", sz="1")
    bench.advance(200)
    assert shown(bench, waiting)["state"] == "canceled"


def test_what_hangs_on_an_order_lives_when_it_is_filled(bench: Any) -> None:
    attached = {"attachAlgoClOrdId": "tp1", "tpTriggerPx": away(bench, "0.01"), "tpOrdPx": "-1"}
    attached |= {"slTriggerPx": away(bench, "-0.01"), "slOrdPx": "-1"}
    low = bench.get(f"market/books?instId={SWAP}&sz=400")[0]["bids"][399][0]
    limit = {"ordType": "limit", "px": low, "side": "buy", "sz": "3", "attachAlgoOrds": [attached]}
    resting = order(bench, **limit)
    hanging = resting["attachAlgoOrds"][0]
    assert hanging["attachAlgoClOrdId"] == "tp1"
    assert bench.get("trade/orders-algo-pending?ordType=oco") == []
    bench.post("trade/cancel-order", {"instId": SWAP, "ordId": resting["ordId"]})
    assert bench.get("trade/orders-algo-pending?ordType=oco") == []
    order(bench, **{**limit, "ordType": "market", "px": ""})
    live = bench.get("trade/orders-algo-pending?ordType=oco")[0]
    assert (live["algoClOrdId"], live["side"], live["sz"], live["reduceOnly"]) == ("tp1", "sell", "3", "true")
    move(bench, 0.02)
    assert shown(bench, live["algoId"])["actualSide"] == "tp"
    assert bench.get("account/positions") == []


def test_spot_orders_take_profits_too(bench: Any) -> None:
    attached = {"tpTriggerPx": away(bench, "0.01", "BTC-USDT"), "tpOrdPx": "-1"}
    bought = order(
        bench, instId="BTC-USDT", tdMode="cash", side="buy", sz="0.01", tgtCcy="base_ccy", attachAlgoOrds=[attached]
    )
    live = bench.get("trade/orders-algo-pending?ordType=conditional")[0]
    assert (live["instType"], live["side"], live["sz"]) == ("SPOT", "sell", bought["accFillSz"])
    move(bench, 0.02)
    assert shown(bench, live["algoId"])["state"] == "effective"
    by_mark = {**attached, "tpTriggerPx": away(bench, "0.01", "BTC-USDT"), "tpTriggerPxType": "mark"}
    body = {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "market", "sz": "100"}
    refused = bench.post("trade/order", {**body, "attachAlgoOrds": [by_mark]})
    assert refused["data"][0]["sCode"] == "51415"


def test_algo_orders_are_amended_and_canceled(bench: Any) -> None:
    order(bench, side="buy", sz="2")
    algo_id = placed(bench, side="sell", ordType="conditional", slTriggerPx=away(bench, "-0.05"), slOrdPx="-1")
    new = away(bench, "-0.02")
    body = {"instId": SWAP, "algoId": algo_id, "newSlTriggerPx": new, "newSz": "1", "reqId": "r1"}
    answer = bench.post("trade/amend-algos", body)
    assert (answer["code"], answer["data"][0]["reqId"]) == ("0", "r1")
    row = shown(bench, algo_id)
    assert (Decimal(row["slTriggerPx"]), row["sz"]) == (Decimal(new), "1")
    passed = bench.post("trade/amend-algos", {"instId": SWAP, "algoId": algo_id, "newSlTriggerPx": away(bench, "0.01")})
    assert passed["data"][0]["sCode"] == "51280"
    added = bench.post("trade/amend-algos", {"instId": SWAP, "algoId": algo_id, "newTpTriggerPx": away(bench, "0.01")})
    assert added["data"][0]["sCode"] == "51526"
    both = bench.post("trade/cancel-algos", [{"instId": SWAP, "algoId": algo_id}, {"instId": SWAP, "algoId": "1"}])
    assert (both["code"], [item["sCode"] for item in both["data"]]) == ("2", ["0", "51400"])
    assert shown(bench, algo_id)["state"] == "canceled"
    late = bench.post("trade/amend-algos", body)
    assert late["data"][0]["sCode"] == "51503"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"ordType": ""}, "50014"),
        ({"ordType": "stop"}, "51000"),
        ({"instId": "NO-SUCH"}, "51001"),
        ({"sz": "0.001"}, "51121"),
        ({"ordType": "oco", "tpTriggerPx": "80000", "tpOrdPx": "-1"}, "51000"),
        ({"tpTriggerPx": "60000", "tpOrdPx": "-1"}, "51279"),
        ({"slTriggerPx": "80000", "slOrdPx": "-1"}, "51280"),
        ({"side": "buy", "tpTriggerPx": "80000", "tpOrdPx": "-1"}, "51277"),
        ({"side": "buy", "slTriggerPx": "60000", "slOrdPx": "-1"}, "51278"),
        ({"slTriggerPx": "80000", "slOrdPx": "-1", "slTriggerPxType": "mark"}, "51304"),
        ({"slTriggerPx": "80000", "slOrdPx": "-1", "slTriggerPxType": "index"}, "51308"),
        ({"slTriggerPx": "60000"}, "51000"),
        ({"slTriggerPx": "60000", "slOrdPx": "-1", "slTriggerPxType": "bid"}, "51000"),
        ({"ordType": "trigger", "triggerPx": "60000", "orderPx": "-1", "tgtCcy": "base_ccy"}, "51281"),
        ({"ordType": "move_order_stop"}, "51000"),
        ({"ordType": "move_order_stop", "callbackRatio": "2"}, "51257"),
        ({"closeFraction": "1", "slTriggerPx": "60000", "slOrdPx": "-1"}, "51331"),
        ({"algoClOrdId": "a-b", "slTriggerPx": "60000", "slOrdPx": "-1"}, "51000"),
    ],
)
def test_refusals(bench: Any, fields: dict[str, str], code: str) -> None:
    answer = algo(bench, **{"side": "sell", "ordType": "conditional", **fields})
    assert (answer["code"], answer["data"][0]["sCode"], answer["data"][0]["algoId"]) == ("1", code, "")


def test_a_name_is_taken_while_it_lives(bench: Any) -> None:
    one = {"side": "sell", "ordType": "conditional", "slTriggerPx": "60000", "slOrdPx": "-1", "algoClOrdId": "a1"}
    placed(bench, **one)
    assert algo(bench, **one)["data"][0]["sCode"] == "51065"
    bench.post("trade/cancel-algos", [{"instId": SWAP, "algoClOrdId": "a1"}])
    placed(bench, **one)


def test_an_instrument_holds_a_hundred_stops(bench: Any) -> None:
    stop = {"side": "sell", "ordType": "conditional", "slTriggerPx": "60000", "slOrdPx": "-1"}
    for _ in range(100):
        placed(bench, **stop)
        bench.advance(101)
    assert algo(bench, **stop)["data"][0]["sCode"] == "51261"
    assert algo(bench, **{**stop, "instId": "ETH-USDT-SWAP", "slTriggerPx": "2000"})["code"] == "0"


@pytest.mark.parametrize(
    ("query", "code"),
    [("ordType=conditional", "51602"), ("ordType=conditional&state=live", "51000"), ("state=canceled", "50014"),
     ("ordType=conditional&state=canceled&algoId=1", "51601")],
)  # fmt: skip
def test_the_history_wants_a_kind_and_a_state(bench: Any, query: str, code: str) -> None:
    answer = json.loads(bench.send("GET", f"/api/v5/trade/orders-algo-history?{query}").body)
    assert answer["code"] == code


def test_algo_orders_are_told_on_the_business_channel(bench: Any) -> None:
    algo_id = placed(bench, side="sell", ordType="conditional", slTriggerPx=away(bench, "-0.01"), slOrdPx="-1")
    account = next(iter(bench.exchange.venue("global", "live").accounts.values()))
    move(bench, -0.02)
    bench.get("account/config")
    told = [event.row for event in account.events if event.channel == "orders-algo"]
    assert [(row["algoId"], row["state"]) for row in told] == [(algo_id, "live"), (algo_id, "effective")]


def test_a_position_is_closed_at_once(bench: Any) -> None:
    close = {"instId": SWAP, "mgnMode": "cross"}
    assert bench.post("trade/close-position", close)["code"] == "51023"
    order(bench, side="buy", sz="4")
    high = bench.get(f"market/books?instId={SWAP}&sz=100")[0]["asks"][99][0]
    waiting = order(bench, side="sell", sz="1", ordType="limit", px=high, reduceOnly="true")
    busy = bench.send("POST", "/api/v5/trade/close-position", json.dumps(close))
    assert (busy.status, json.loads(busy.body)["code"]) == (429, "51115")
    closed = bench.post("trade/close-position", {**close, "autoCxl": True, "clOrdId": "bye", "tag": "t"})
    assert closed["data"] == [{"clOrdId": "bye", "instId": SWAP, "posSide": "net", "tag": "t"}]
    assert bench.get("account/positions") == []
    assert bench.get(f"trade/order?instId={SWAP}&ordId={waiting['ordId']}")[0]["state"] == "canceled"
    assert bench.get(f"trade/order?instId={SWAP}&clOrdId=bye")[0]["state"] == "filled"


def test_orders_end_when_nothing_is_heard_in_time(bench: Any) -> None:
    low = bench.get("market/books?instId=BTC-USDT&sz=400")[0]["bids"][399][0]
    spot = {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "limit", "px": low, "sz": "0.001"}
    one, tagged = order(bench, **spot), order(bench, **spot, tag="mine")
    for seconds, code in (("9", "51000"), ("121", "51000"), ("x", "51000"), ("", "50014")):
        assert bench.post("trade/cancel-all-after", {"timeOut": seconds})["code"] == code
        bench.advance(1_000)
    row = bench.post("trade/cancel-all-after", {"timeOut": "30", "tag": "mine"})["data"][0]
    assert int(row["triggerTime"]) == bench.now_ms + 30_000
    bench.advance(20_000)
    bench.post("trade/cancel-all-after", {"timeOut": "30", "tag": "mine"})
    bench.advance(29_900)
    query = "trade/order?instId=BTC-USDT&ordId="
    assert bench.get(query + tagged["ordId"])[0]["state"] == "live"
    bench.advance(200)
    row = bench.get(query + tagged["ordId"])[0]
    assert (row["state"], row["cancelSource"]) == ("canceled", "20")
    assert bench.get(query + one["ordId"])[0]["state"] == "live"
    bench.post("trade/cancel-all-after", {"timeOut": "10"})
    bench.advance(5_000)
    bench.post("trade/cancel-all-after", {"timeOut": "0"})
    bench.advance(60_000)
    assert bench.get(query + one["ordId"])[0]["state"] == "live"


def test_what_is_set_off_together_is_set_off_once(bench: Any) -> None:
    """Also when the clock jumps: each waits in its own slot, and none is placed while another is."""
    order(bench, side="buy", sz="6")
    stop = {"side": "sell", "ordType": "conditional", "slTriggerPx": away(bench, "-0.002"), "slOrdPx": "-1", "sz": "1"}
    ids = [placed(bench, **stop) for _ in range(5)]
    for _ in range(60):
        bench.advance(240_000)
        bench.get("account/config")
        if bench.get("trade/orders-algo-pending?ordType=conditional") == []:
            break
    else:
        move(bench, -0.02)
    rows = [shown(bench, each) for each in ids]
    assert [row["state"] for row in rows] == ["effective"] * 5
    assert len({row["ordId"] for row in rows}) == 5
    assert bench.get("account/positions")[0]["pos"] == "1"
    assert len(bench.get("trade/orders-algo-history?ordType=conditional&state=effective")) == 5


def test_what_hangs_on_an_order_can_be_changed_until_it_is_filled(bench: Any) -> None:
    low = bench.get(f"market/books?instId={SWAP}&sz=400")[0]["bids"][399][0]
    attached = {"attachAlgoClOrdId": "mine", "tpTriggerPx": away(bench, "0.05"), "tpOrdPx": "-1"}
    resting = order(bench, ordType="limit", px=low, side="buy", sz="3", attachAlgoOrds=[attached])
    body = {"instId": SWAP, "ordId": resting["ordId"]}
    new = away(bench, "0.01")
    change = {"attachAlgoClOrdId": "mine", "newTpTriggerPx": new, "newSlOrdPx": "-1"}
    change["newSlTriggerPx"] = away(bench, "-0.05")
    missing = bench.post("trade/amend-order", {**body, "attachAlgoOrds": [{**change, "attachAlgoClOrdId": "other"}]})
    assert missing["data"][0]["sCode"] == "51527"
    assert bench.post("trade/amend-order", {**body, "attachAlgoOrds": [change]})["code"] == "0"
    hanging = bench.get(f"trade/order?instId={SWAP}&ordId={resting['ordId']}")[0]["attachAlgoOrds"][0]
    assert (Decimal(hanging["tpTriggerPx"]), hanging["slOrdPx"]) == (Decimal(new), "-1")
    answer = bench.post("trade/amend-order", {**body, "newPx": away(bench, "0.5"), "pxAmendType": "1"})
    assert answer["code"] == "0", answer
    assert bench.get("trade/orders-algo-pending?ordType=oco")[0]["algoClOrdId"] == "mine"


@pytest.mark.parametrize(("side", "opens", "closes"), [("long", "buy", "sell"), ("short", "sell", "buy")])
def test_stops_and_closing_in_long_short_mode(bench: Any, side: str, opens: str, closes: str) -> None:
    assert bench.post("account/set-position-mode", {"posMode": "long_short_mode"})["code"] == "0"
    order(bench, side=opens, posSide=side, sz="3")
    away_from = "-0.01" if side == "long" else "0.01"
    stop = {"side": closes, "posSide": side, "ordType": "conditional", "slOrdPx": "-1", "sz": "1"}
    algo_id = placed(bench, **stop, slTriggerPx=away(bench, away_from))
    busy = bench.post("account/set-leverage", {"instId": SWAP, "mgnMode": "cross", "lever": "7"})
    assert busy["code"] == "59669"
    move(bench, 2 * float(away_from))
    assert shown(bench, algo_id)["state"] == "effective"
    assert bench.get("account/positions")[0]["pos"] == "2"
    wrong = bench.post("trade/close-position", {"instId": SWAP, "mgnMode": "cross"})
    assert wrong["code"] == "51000"
    assert bench.post("trade/close-position", {"instId": SWAP, "mgnMode": "cross", "posSide": side})["code"] == "0"
    assert bench.get("account/positions") == []
    assert bench.get("account/positions-history")[0]["direction"] == side
