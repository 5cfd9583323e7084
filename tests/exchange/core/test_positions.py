"""Positions and their margin, leverage, both position modes, and transfers between the wallets."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

SPOT = {"instId": "BTC-USDT", "tdMode": "cash", "ordType": "limit"}


def placed(bench: Any, **order: str) -> str:
    answer = bench.post("trade/order", {**SPOT, **order})
    assert answer["code"] == "0", answer
    return str(answer["data"][0]["ordId"])


def state(bench: Any, order_id: str, inst: str = "BTC-USDT") -> dict[str, str]:
    return dict(bench.get(f"trade/order?instId={inst}&ordId={order_id}")[0])


def book(bench: Any, inst: str = "BTC-USDT", depth: int = 400) -> Any:
    return bench.get(f"market/books?instId={inst}&sz={depth}")[0]


SWAP = {"instId": "BTC-USDT-SWAP", "tdMode": "cross", "ordType": "market"}


def account(bench: Any) -> dict[str, Decimal]:
    row = bench.get("account/balance?ccy=USDT")[0]["details"][0]
    return {name: Decimal(row[name]) for name in ("cashBal", "availBal", "frozenBal", "ordFrozen", "imr")}


def mark(bench: Any, inst: str = "BTC-USDT-SWAP") -> Decimal:
    return Decimal(bench.get(f"public/mark-price?instType=SWAP&instId={inst}")[0]["markPx"])


def test_a_position_keeps_its_margin_and_gives_it_back(bench: Any) -> None:
    free = account(bench)["availBal"]
    bench.post("account/set-leverage", {"instId": "BTC-USDT-SWAP", "mgnMode": "cross", "lever": "5"})
    opened = state(bench, placed(bench, **SWAP, side="buy", sz="2"), "BTC-USDT-SWAP")
    value = Decimal(opened["avgPx"]) * 2 / 100
    held, marked = account(bench), mark(bench) * 2 / 100
    assert held["imr"] == marked / 5 == held["frozenBal"]
    assert held["availBal"] == free - value * Decimal("0.0005") + (marked - value) - marked / 5
    lowered = bench.post("account/set-leverage", {"instId": "BTC-USDT-SWAP", "mgnMode": "cross", "lever": "2"})
    assert lowered["code"] == "0"
    assert account(bench)["imr"] == marked / 2
    assert bench.get("account/positions")[0]["lever"] == "2"
    placed(bench, **SWAP, side="sell", sz="2")
    assert bench.get("account/positions") == []
    assert account(bench)["frozenBal"] == 0


def test_an_inverse_contract_pays_in_its_coin(bench: Any) -> None:
    inverse = {**SWAP, "instId": "BTC-USD-SWAP"}
    coins = Decimal(bench.get("account/balance?ccy=BTC")[0]["details"][0]["cashBal"])
    opened = state(bench, placed(bench, **inverse, side="sell", sz="3"), "BTC-USD-SWAP")
    bench.advance(300_000)
    closed = state(bench, placed(bench, **inverse, side="buy", sz="3"), "BTC-USD-SWAP")
    assert opened["avgPx"] != closed["avgPx"]
    # A short of 300 USD earns coins when the price falls.
    gain = 300 / Decimal(closed["avgPx"]) - 300 / Decimal(opened["avgPx"])
    fees = [-300 / Decimal(row["avgPx"]) * Decimal("0.0005") for row in (opened, closed)]
    for row, fee in zip((opened, closed), fees, strict=True):
        assert abs(Decimal(row["fee"]) - fee) < Decimal("1e-14")
        assert row["feeCcy"] == "BTC"
    assert abs(Decimal(closed["pnl"]) - gain) < Decimal("1e-14")
    now = Decimal(bench.get("account/balance?ccy=BTC")[0]["details"][0]["cashBal"])
    assert abs(now - coins - gain - sum(fees)) < Decimal("1e-13")


def test_leverage_waits_for_open_orders(bench: Any) -> None:
    px = book(bench, "BTC-USDT-SWAP", 20)["bids"][19][0]
    placed(bench, **{**SWAP, "ordType": "limit", "side": "buy", "sz": "1", "px": px})
    body = {"instId": "BTC-USDT-SWAP", "mgnMode": "cross", "lever": "5"}
    assert bench.post("account/set-leverage", body)["code"] == "59107"


@pytest.mark.parametrize(
    ("inst", "mode", "lot"),
    [
        ("BTC-USDT", "cash", "0.00000001"),
        ("BTC-USDT-SWAP", "cross", "0.01"),
        ("BTC-USDT-SWAP", "isolated", "0.01"),
        ("BTC-USD-SWAP", "cross", "0.1"),
    ],
)
def test_the_greatest_size_is_accepted_and_one_lot_more_is_not(bench: Any, inst: str, mode: str, lot: str) -> None:
    px = book(bench, inst, 50)["bids"][49][0]
    most = bench.get(f"account/max-size?instId={inst}&tdMode={mode}&px={px}")[0]["maxBuy"]
    order = {"instId": inst, "tdMode": mode, "side": "buy", "ordType": "limit", "px": px}
    more = bench.post("trade/order", {**order, "sz": str(Decimal(most) + Decimal(lot))})
    assert more["data"][0]["sCode"] == "51008"
    assert bench.post("trade/order", {**order, "sz": most})["code"] == "0"


def test_all_money_in_a_position_does_not_keep_it_from_being_closed(bench: Any) -> None:
    most = bench.get("account/max-size?instId=BTC-USDT-SWAP&tdMode=cross")[0]["maxBuy"]
    size = str(Decimal(most) * Decimal("0.98") // Decimal("0.01") * Decimal("0.01"))
    placed(bench, **SWAP, side="buy", sz=size)
    more = bench.post("trade/order", {**SWAP, "side": "buy", "sz": size})
    assert more["data"][0]["sCode"] == "51008"
    assert state(bench, placed(bench, **SWAP, side="sell", sz=size), "BTC-USDT-SWAP")["state"] == "filled"
    assert bench.get("account/positions") == []


def test_long_and_short_side_by_side(bench: Any) -> None:
    assert bench.post("account/set-position-mode", {"posMode": "long_short_mode"})["code"] == "0"
    nothing = bench.post("trade/order", {**SWAP, "side": "sell", "posSide": "long", "sz": "1"})
    assert nothing["data"][0]["sCode"] == "51169"
    placed(bench, **SWAP, side="buy", posSide="long", sz="3")
    placed(bench, **SWAP, side="sell", posSide="short", sz="2")
    rows = {row["posSide"]: row for row in bench.get("account/positions")}
    assert {side: row["pos"] for side, row in rows.items()} == {"long": "3", "short": "2"}
    assert rows["long"]["availPos"] == "3"
    px = book(bench, "BTC-USDT-SWAP", 30)["asks"][29][0]
    closing = placed(bench, **{**SWAP, "ordType": "limit", "px": px, "side": "sell", "posSide": "long", "sz": "2"})
    assert {row["posSide"]: row["availPos"] for row in bench.get("account/positions")} == {"long": "1", "short": "2"}
    assert account(bench)["ordFrozen"] == 0
    too_much = bench.post("trade/order", {**SWAP, "side": "sell", "posSide": "long", "sz": "2"})
    assert too_much["data"][0]["sCode"] == "51112"
    busy = bench.post("account/set-position-mode", {"posMode": "net_mode"})
    assert busy["code"] == "59000"
    bench.post("trade/cancel-order", {"instId": "BTC-USDT-SWAP", "ordId": closing})
    placed(bench, **SWAP, side="sell", posSide="long", sz="3")
    placed(bench, **SWAP, side="buy", posSide="short", sz="2")
    assert bench.get("account/positions") == []
    assert account(bench)["frozenBal"] == 0


def test_reduce_only_orders_never_open(bench: Any) -> None:
    wrong = {**SWAP, "side": "sell", "sz": "1", "reduceOnly": True}
    assert bench.post("trade/order", wrong)["data"][0]["sCode"] == "51169"
    placed(bench, **SWAP, side="buy", sz="2")
    assert bench.post("trade/order", {**wrong, "side": "buy"})["data"][0]["sCode"] == "51170"
    px = book(bench, "BTC-USDT-SWAP", 30)["asks"][29][0]
    resting = placed(bench, **{**SWAP, "ordType": "limit", "px": px, "side": "sell", "sz": "2", "reduceOnly": "true"})
    placed(bench, **SWAP, side="sell", sz="1.5")
    row = state(bench, resting, "BTC-USDT-SWAP")
    assert (row["state"], row["sz"]) == ("live", "0.5")
    placed(bench, **SWAP, side="sell", sz="0.5")
    row = state(bench, resting, "BTC-USDT-SWAP")
    assert (row["state"], row["cancelSource"]) == ("canceled", "17")
    assert bench.get("account/positions") == []


def test_transfers_move_money_and_change_no_sum(bench: Any) -> None:
    def wallets() -> tuple[Decimal, Decimal]:
        rows = bench.get("asset/balances?ccy=USDT")
        return account(bench)["cashBal"], Decimal(rows[0]["bal"])

    trading, funding = wallets()
    body = {"ccy": "USDT", "amt": "100.25", "from": "6", "to": "18", "clientId": "move1"}
    answer = bench.post("asset/transfer", body)
    row = answer["data"][0]
    assert {**row, "transId": ""} == {
        "transId": "", "ccy": "USDT", "clientId": "move1", "from": "6", "amt": "100.25", "to": "18",
    }  # fmt: skip
    assert wallets() == (trading + Decimal("100.25"), funding - Decimal("100.25"))
    shown = bench.get(f"asset/transfer-state?transId={row['transId']}")[0]
    assert (shown["state"], shown["amt"], shown["clientId"]) == ("success", "100.25", "move1")
    assert bench.get("asset/transfer-state?clientId=move1") == [shown]
    bench.advance(1_000)
    assert bench.post("asset/transfer", {**body, "from": "18", "to": "6"})["code"] == "0"
    assert wallets() == (trading, funding)


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"ccy": ""}, 400, "50014"),
        ({"from": "1"}, 200, "58129"),
        ({"to": "6"}, 200, "58123"),
        ({"amt": "0"}, 400, "58114"),
        ({"amt": "-1"}, 400, "58114"),
        ({"amt": "x"}, 400, "51000"),
        ({"amt": "250.6"}, 200, "58116"),
        ({"ccy": "XRP"}, 200, "58008"),
        ({"type": "1", "subAcct": "nobody"}, 200, "58115"),
        ({"type": "9"}, 400, "51000"),
        ({"from": "18", "to": "6", "amt": "9990.0001"}, 200, "58116"),
    ],
)
def test_a_transfer_that_cannot_be(bench: Any, change: dict[str, str], status: int, code: str) -> None:
    placed(bench, side="buy", px="10000", sz="0.001")
    body = {"ccy": "USDT", "amt": "1", "from": "6", "to": "18", **change}
    reply = bench.send("POST", "/api/v5/asset/transfer", json.dumps(body))
    assert (reply.status, json.loads(reply.body)["code"]) == (status, code)
    assert bench.get("asset/balances?ccy=USDT")[0]["bal"] == "250.5"


def test_a_transfer_is_told_on_the_private_channels(bench: Any) -> None:
    session = bench.session("private")
    session.receive(json.dumps({"op": "login", "args": [bench.login()]}))
    session.receive(json.dumps({"op": "subscribe", "args": [{"channel": "balance_and_position"}]}))
    bench.post("asset/transfer", {"ccy": "USDT", "amt": "1", "from": "6", "to": "18"})
    told = json.loads(session.tick()[0].text)["data"][0]
    assert told["eventType"] == "transferred"
    assert {row["ccy"]: row["cashBal"] for row in told["balData"]}["USDT"] == "10001"
