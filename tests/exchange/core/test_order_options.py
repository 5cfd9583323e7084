"""What an order request can say beside price and size: limits, expiry, failure, protection of the sender."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

LIMIT = {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "limit", "sz": "0.01"}


def one(answer: Any) -> dict[str, Any]:
    return dict(answer["data"][0])


def shown(bench: Any, answer: Any, inst: str = "BTC-USDT") -> dict[str, Any]:
    return dict(bench.get(f"trade/order?instId={inst}&ordId={one(answer)['ordId']}")[0])


def limits(bench: Any, inst: str = "BTC-USDT") -> tuple[Decimal, Decimal]:
    row = bench.get(f"public/price-limit?instId={inst}")[0]
    return Decimal(row["buyLmt"]), Decimal(row["sellLmt"])


def deep(bench: Any, side: str = "bids") -> str:
    return str(bench.get("market/books?instId=BTC-USDT&sz=400")[0][side][399][0])


@pytest.mark.parametrize(("side", "code"), [("buy", "51137"), ("sell", "51138")])
def test_a_price_beyond_the_limit_is_refused_or_brought_to_it(bench: Any, side: str, code: str) -> None:
    highest, lowest = limits(bench)
    beyond, limit = (highest * 2, highest) if side == "buy" else (lowest / 2, lowest)
    order = {**LIMIT, "side": side, "px": str(beyond.quantize(Decimal("0.1"))), "sz": "0.001"}
    assert one(bench.post("trade/order", order))["sCode"] == code
    assert one(bench.post("trade/order", {**order, "pxAmendType": "0"}))["sCode"] == code
    taken = shown(bench, bench.post("trade/order", {**order, "pxAmendType": "1"}))
    assert Decimal(taken["px"]) == limit
    assert taken["state"] == "filled"
    assert one(bench.post("trade/order", {**order, "pxAmendType": "2"}))["sCode"] == "51000"
    resting = bench.post("trade/order", {**order, "px": deep(bench, "bids" if side == "buy" else "asks")})
    change = {"instId": "BTC-USDT", "ordId": one(resting)["ordId"], "newPx": order["px"]}
    assert one(bench.post("trade/amend-order", change))["sCode"] == code
    assert one(bench.post("trade/amend-order", {**change, "pxAmendType": "1"}))["sCode"] == "0"
    assert shown(bench, resting)["state"] == "filled"


def test_an_order_that_comes_too_late_is_refused(bench: Any) -> None:
    order = {**LIMIT, "px": deep(bench)}
    late, soon = str(bench.now_ms - 1), str(bench.now_ms + 1_000)
    assert one(bench.post("trade/order", order, exptime=late))["sCode"] == "50036"
    assert one(bench.post("trade/batch-orders", [order, order], exptime=late))["sCode"] == "50036"
    placed = bench.post("trade/order", order, exptime=soon)
    assert placed["code"] == "0"
    change = {"instId": "BTC-USDT", "ordId": one(placed)["ordId"], "newSz": "0.02"}
    assert one(bench.post("trade/amend-order", change, exptime=late))["sCode"] == "50036"
    # A cancellation has no such header: it is carried out.
    assert one(bench.post("trade/cancel-order", change, exptime=late))["sCode"] == "0"


@pytest.mark.parametrize("cancels", [False, True])
def test_an_amendment_that_fails_may_end_the_order(bench: Any, cancels: bool) -> None:
    placed = bench.post("trade/order", {**LIMIT, "px": deep(bench)})
    change = {"instId": "BTC-USDT", "ordId": one(placed)["ordId"], "newSz": "1000", "cxlOnFail": cancels, "reqId": "r7"}
    assert one(bench.post("trade/amend-order", change))["sCode"] in ("51008", "51502")
    row = shown(bench, placed)
    assert (row["state"], row["cancelSource"]) == (("canceled", "0") if cancels else ("live", ""))
    assert row["sz"] == "0.01"


def test_a_market_order_may_be_made_smaller_unless_that_is_banned(bench: Any) -> None:
    """At the last price the money just lasts; in the book, a little dearer, it does not."""
    free = Decimal(bench.get("account/balance?ccy=USDT")[0]["details"][0]["availBal"])
    last = Decimal(bench.get("market/ticker?instId=BTC-USDT")[0]["last"])
    order = {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "market", "tgtCcy": "base_ccy"}
    order["sz"] = str((free / last).quantize(Decimal("0.00000001"), "ROUND_FLOOR"))
    assert one(bench.post("trade/order", {**order, "banAmend": True}))["sCode"] == "51008"
    row = shown(bench, bench.post("trade/order", order))
    assert row["state"] == "filled"
    assert Decimal("0.99") < Decimal(row["accFillSz"]) / Decimal(order["sz"]) < 1
    assert Decimal(bench.get("account/balance?ccy=USDT")[0]["details"][0]["cashBal"]) >= 0
    assert one(bench.post("trade/order", {**order, "sz": "1"}))["sCode"] == "51008"


@pytest.mark.parametrize(
    ("attached", "code"),
    [
        ({"tpTriggerPx": "1000", "tpOrdPx": "-1"}, "51046"),
        ({"slTriggerPx": "1000000", "slOrdPx": "-1"}, "51047"),
        ({"tpTriggerPx": "1000000"}, "51000"),
        ({"attachAlgoClOrdId": "x"}, "51178"),
        ({"tpTriggerPx": "1000000", "tpOrdPx": "-1", "attachAlgoClOrdId": "a_b"}, "51000"),
    ],
)
def test_what_may_not_hang_on_an_order(bench: Any, attached: dict[str, str], code: str) -> None:
    order = {**LIMIT, "px": deep(bench), "attachAlgoOrds": [attached]}
    assert one(bench.post("trade/order", order))["sCode"] == code


def test_a_sale_wants_the_other_side(bench: Any) -> None:
    order = {**LIMIT, "side": "sell", "px": deep(bench, "asks")}
    profit, loss = {"tpTriggerPx": "1000000", "tpOrdPx": "-1"}, {"slTriggerPx": "1", "slOrdPx": "-1"}
    for attached, code in ((profit, "51048"), (loss, "51049")):
        assert one(bench.post("trade/order", {**order, "attachAlgoOrds": [attached]}))["sCode"] == code
    reducing = {"instId": "BTC-USDT-SWAP", "tdMode": "cross", "side": "sell", "ordType": "market", "sz": "1"}
    reducing |= {"reduceOnly": "true", "tpTriggerPx": "1000", "tpOrdPx": "-1"}
    assert one(bench.post("trade/order", reducing))["sCode"] == "51100"


def test_orders_of_market_makers_are_not_for_this_account(bench: Any) -> None:
    assert one(bench.post("trade/order", {**LIMIT, "ordType": "mmp", "px": deep(bench)}))["sCode"] == "51036"
    answer = bench.post("trade/mass-cancel", {"instType": "OPTION", "instFamily": "BTC-USD"})
    assert answer["code"] == "51010"
    assert bench.post("trade/mass-cancel", {"instType": "SWAP", "instFamily": "BTC-USD"})["code"] == "51000"


def test_lists_are_paged_by_id_and_bounded_by_time(bench: Any) -> None:
    numbers = []
    for k in range(5):
        order = {**LIMIT, "px": deep(bench), "sz": "0.001", "tag": f"t{k}"}
        numbers.append(one(bench.post("trade/order", order))["ordId"])
        bench.advance(1_000)
    newest = numbers[::-1]

    def ids(query: str) -> list[str]:
        return [row["ordId"] for row in bench.get(f"trade/orders-pending?instType=SPOT{query}")]

    assert ids("") == newest
    assert ids("&limit=2") == newest[:2]
    assert ids(f"&after={newest[1]}") == newest[2:]
    assert ids(f"&before={newest[2]}") == newest[:2]
    assert ids("&instId=ETH-USDT") == []
    assert ids("&ordType=post_only,limit") == newest
    stamps = [int(row["cTime"]) for row in bench.get("trade/orders-pending")]
    assert ids(f"&begin={stamps[2]}&end={stamps[1]}") == newest[1:3]
    bench.post("trade/cancel-batch-orders", [{"instId": "BTC-USDT", "ordId": each} for each in numbers])
    done = "trade/orders-history{}?instType=SPOT&state=canceled"
    assert [row["ordId"] for row in bench.get(done.format(""))] == numbers[::-1]
    bench.advance(8 * 86_400_000)
    assert bench.get(done.format("")) == []
    assert len(bench.get(done.format("-archive"))) == 5


def test_fills_have_three_days_and_their_history_three_months(bench: Any) -> None:
    bench.post("trade/order", {**LIMIT, "ordType": "market", "sz": "200"})
    rows = bench.get("trade/fills?instType=SPOT")
    assert {row["subType"] for row in rows} == {"1"}
    assert {row["feeRate"] for row in rows} == {"-0.001"}
    bill = bench.get("account/bills?ccy=BTC")[0]
    assert bill["billId"] == rows[0]["billId"]
    assert bench.get(f"trade/fills?after={rows[0]['billId']}") == rows[1:]
    bench.advance(4 * 86_400_000)
    assert bench.get("trade/fills") == []
    assert bench.get("trade/fills-history?instType=SPOT") == rows
    assert len(bench.get("account/bills")) == 2 * len(rows)
    bench.advance(4 * 86_400_000)
    assert bench.get("account/bills") == []
    assert len(bench.get("account/bills-archive")) == 2 * len(rows)


def test_an_account_mode_is_changed_only_when_nothing_is_open(bench: Any) -> None:
    placed = bench.post("trade/order", {**LIMIT, "px": deep(bench)})
    assert bench.post("account/set-account-level", {"acctLv": "3"})["code"] == "59132"
    assert bench.get("account/set-account-switch-precheck?acctLv=3")[0]["sCode"] == "1"
    bench.post("trade/cancel-order", {"instId": "BTC-USDT", "ordId": one(placed)["ordId"]})
    assert bench.post("account/set-account-level", {"acctLv": "4"})["code"] == "51070"
    assert bench.post("account/set-account-level", {"acctLv": "3"})["data"] == [{"acctLv": "3"}]
    assert bench.get("account/config")[0]["acctLv"] == "3"
    assert one(bench.post("trade/order", {**LIMIT, "tdMode": "cross", "px": deep(bench)}))["sCode"] == "0"
    assert bench.get("trade/orders-pending")[0]["instType"] == "SPOT"


def test_margin_is_put_to_an_isolated_position_and_taken_back(bench: Any) -> None:
    swap = {"instId": "BTC-USDT-SWAP", "tdMode": "isolated", "side": "buy", "ordType": "market", "sz": "2"}
    body = {"instId": "BTC-USDT-SWAP", "posSide": "net", "type": "add", "amt": "50"}
    assert bench.post("account/position/margin-balance", body)["code"] == "59300"
    assert bench.post("trade/order", swap)["code"] == "0"
    before = bench.get("account/positions")[0]
    free = Decimal(bench.get("account/balance?ccy=USDT")[0]["details"][0]["availBal"])
    assert bench.post("account/position/margin-balance", body)["code"] == "0"
    after = bench.get("account/positions")[0]
    assert Decimal(after["margin"]) == Decimal(before["margin"]) + 50
    assert Decimal(after["liqPx"]) < Decimal(before["liqPx"])
    assert Decimal(bench.get("account/balance?ccy=USDT")[0]["details"][0]["availBal"]) == free - 50
    assert bench.post("account/position/margin-balance", {**body, "type": "reduce", "amt": "51"})["code"] == "59301"
    assert bench.post("account/position/margin-balance", {**body, "amt": "1e6"})["code"] == "59301"
    assert bench.post("account/position/margin-balance", {**body, "type": "reduce", "amt": "50"})["code"] == "0"
    assert bench.get("account/positions")[0]["margin"] == before["margin"]


@pytest.mark.parametrize("inst", ["BTC-USDT-SWAP", "BTC-USD-SWAP"])
@pytest.mark.parametrize(("side", "book"), [("buy", "asks"), ("sell", "bids")])
@pytest.mark.parametrize("mode", ["cross", "isolated"])
def test_what_the_precheck_says_comes_true(bench: Any, inst: str, side: str, book: str, mode: str) -> None:
    def ask(method: str, target: str, body: object = None) -> Any:
        text = "" if body is None else json.dumps(body)
        answer = json.loads(bench.send(method, f"/api/v5/{target}", text, environment="demo").body)
        assert answer["code"] == "0", answer
        return answer["data"]

    px = ask("GET", f"market/books?instId={inst}")[0][book][0][0]
    order = {"instId": inst, "tdMode": mode, "side": side, "ordType": "limit", "px": px, "sz": "0.1"}
    said = ask("POST", "trade/order-precheck", order)[0]
    before = ask("GET", "account/balance")[0]
    ask("POST", "trade/order", order)
    row, after = ask("GET", "account/positions")[0], ask("GET", "account/balance")[0]
    # With this much money behind a cross position no price of zero or more would take it.
    assert (said["liqPx"] == "") == (row["liqPx"] == "") == (said["liqPxDiff"] == "")
    if said["liqPx"]:
        assert abs(Decimal(said["liqPx"]) / Decimal(row["liqPx"]) - 1) < Decimal("1e-6")
        assert abs(Decimal(said["liqPxDiff"]) + Decimal(row["markPx"]) - Decimal(said["liqPx"])) < Decimal("1e-6")
    assert said["liqPx"] or mode == "cross"
    ratio = Decimal(said["mgnRatio"]) + Decimal(said["mgnRatioChg"])
    assert abs(ratio / Decimal(row["mgnRatio"]) - 1) < Decimal("1e-6")
    assert Decimal(said["adjEqChg"]) < 0
    if mode == "cross":
        change = Decimal(after["imr"]) - Decimal(before["imr"])
        assert abs(Decimal(said["imrChg"]) / change - 1) < Decimal("1e-6")
