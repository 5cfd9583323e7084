"""Money at the mark price: profits, margin, funding, interest, expiries and liquidation, each with its bill."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

SWAP = {"instId": "BTC-USDT-SWAP", "tdMode": "cross", "ordType": "market"}
HOUR = 3_600_000


def placed(bench: Any, **order: str) -> dict[str, str]:
    answer = bench.post("trade/order", order)
    assert answer["code"] == "0", answer
    return dict(bench.get(f"trade/order?instId={order['instId']}&ordId={answer['data'][0]['ordId']}")[0])


def detail(bench: Any, ccy: str = "USDT") -> dict[str, Decimal]:
    """The figures of one currency; zeros when nothing is left of it, as it is not listed then."""
    names = ("cashBal", "availBal", "frozenBal", "eq", "imr", "upl")
    rows = bench.get(f"account/balance?ccy={ccy}")[0]["details"]
    return {name: Decimal(rows[0][name] if rows else "0") for name in names}


def position(bench: Any, inst: str = "BTC-USDT-SWAP") -> dict[str, str]:
    return dict(next(row for row in bench.get("account/positions") if row["instId"] == inst))


def move(bench: Any, inst: str, by: float) -> None:
    from okxdoctor.exchange.core.backstage import move_market

    venue = bench.exchange.venue("global", "live")
    move_market(bench.exchange, venue, inst, by=by)
    bench.advance(1_000)


def bills(bench: Any, **wanted: str) -> list[dict[str, str]]:
    """All bills, newest first, page by page."""
    query = "".join(f"&{name}={value}" for name, value in wanted.items())
    found: list[dict[str, str]] = []
    while True:
        after = f"&after={found[-1]['billId']}" if found else ""
        page = bench.get(f"account/bills?limit=50{query}{after}")
        found += page
        if len(page) < 50:
            return found


def leverage(bench: Any, lever: str, mode: str = "cross", inst: str = "BTC-USDT-SWAP") -> None:
    assert bench.post("account/set-leverage", {"instId": inst, "mgnMode": mode, "lever": lever})["code"] == "0"


def until(bench: Any, hour: int) -> None:
    """Let the clock go to the next moment whose hour (UTC) is a multiple of ``hour``."""
    bench.advance(hour * HOUR - bench.now_ms % (hour * HOUR))


def test_unrealised_profit_follows_the_mark_price(bench: Any) -> None:
    opened = placed(bench, **SWAP, side="buy", sz="4")
    move(bench, "BTC-USDT", 0.02)
    row, held = position(bench), detail(bench)
    mark, average = Decimal(row["markPx"]), Decimal(row["avgPx"])
    assert mark == Decimal(bench.get("public/mark-price?instType=SWAP&instId=BTC-USDT-SWAP")[0]["markPx"])
    assert average == Decimal(opened["avgPx"])
    assert Decimal(row["upl"]) == (mark - average) * 4 / 100
    assert Decimal(row["uplLastPx"]) == (Decimal(row["last"]) - average) * 4 / 100
    assert held["upl"] == Decimal(row["upl"])
    assert held["eq"] == held["cashBal"] + held["upl"]
    assert held["imr"] == Decimal(row["imr"])
    assert abs(held["imr"] - mark * 4 / 300) < Decimal("1e-11")
    assert held["availBal"] == held["eq"] - held["imr"]


@pytest.mark.parametrize("inst", ["BTC-USDT-SWAP", "BTC-USD-SWAP"])
@pytest.mark.parametrize("side", ["buy", "sell"])
@pytest.mark.parametrize("mode", ["cross", "isolated"])
def test_a_position_is_liquidated_at_its_liquidation_price_and_not_before(
    bench: Any, inst: str, side: str, mode: str
) -> None:
    leverage(bench, "20", mode, inst)
    before = {row["ccy"]: Decimal(row["cashBal"]) for row in bench.get("account/balance")[0]["details"]}
    most = bench.get(f"account/max-size?instId={inst}&tdMode={mode}")[0]["maxBuy"]
    size = str(int(Decimal(most) * Decimal("0.9")))
    placed(bench, instId=inst, tdMode=mode, ordType="market", side=side, sz=size)
    row = position(bench, inst)
    liquidation, mark, ccy = Decimal(row["liqPx"]), Decimal(row["markPx"]), row["ccy"]
    assert (liquidation < mark) == (side == "buy")
    away = float(liquidation / mark - 1)
    move(bench, inst, away * 0.97)
    assert position(bench, inst)["pos"] == row["pos"]
    assert Decimal(position(bench, inst)["mgnRatio"]) > 1
    move(bench, inst, away * 0.06)
    assert bench.get("account/positions") == []
    order = next(each for each in bench.get("trade/orders-history?instType=SWAP") if each["category"] != "normal")
    assert (order["category"], order["state"], order["sz"]) == ("full_liquidation", "filled", size)
    found = bills(bench, type="5")
    assert {bill["subType"] for bill in found} == {"104" if side == "buy" else "105", "109"}
    lost = sum(Decimal(bill["balChg"]) for bill in found)
    cash = detail(bench, ccy)["cashBal"]
    opening = sum(Decimal(bill["balChg"]) for bill in bills(bench, type="2"))
    assert cash == before[ccy] + lost + opening
    if mode == "isolated":
        assert -lost == Decimal(row["margin"])
    assert cash >= 0
    past = bench.get("account/positions-history")[0]
    assert (past["type"], past["closeTotalPos"], past["instId"]) == ("3", size, inst)
    assert Decimal(past["realizedPnl"]) == lost + opening


def test_a_gap_beyond_the_margin_costs_no_more_than_there_is(bench: Any) -> None:
    leverage(bench, "50", "isolated")
    placed(bench, **{**SWAP, "tdMode": "isolated"}, side="buy", sz="20")
    margin, cash = Decimal(position(bench)["margin"]), detail(bench)["cashBal"]
    move(bench, "BTC-USDT", -0.3)
    assert bench.get("account/positions") == []
    assert detail(bench)["cashBal"] == cash - margin
    assert bills(bench, type="1")[0]["subType"] == "200"


def test_liquidation_cancels_the_orders_of_its_currency(bench: Any) -> None:
    leverage(bench, "20")
    px = bench.get("market/books?instId=ETH-USDT&sz=400")[0]["bids"][399][0]
    resting = placed(bench, instId="ETH-USDT", tdMode="cash", side="buy", ordType="limit", px=px, sz="0.2")
    coin = placed(bench, instId="BTC-USDT", tdMode="cash", side="sell", ordType="limit", px="69500", sz="0.01")
    placed(bench, **SWAP, side="buy", sz="250")
    move(bench, "BTC-USDT", -0.08)
    row = bench.get(f"trade/order?instId=ETH-USDT&ordId={resting['ordId']}")[0]
    assert (row["state"], row["cancelSource"]) == ("canceled", "3")
    assert bench.get(f"trade/order?instId=BTC-USDT&ordId={coin['ordId']}")[0]["state"] == "live"
    assert bench.get("account/positions") == []
    assert detail(bench)["frozenBal"] == 0


@pytest.mark.parametrize(("side", "sign"), [("buy", -1), ("sell", 1)])
def test_funding_is_paid_at_funding_times(bench: Any, side: str, sign: int) -> None:
    placed(bench, **SWAP, side=side, sz="10")
    shown = bench.get("public/funding-rate?instId=BTC-USDT-SWAP")[0]
    cash = detail(bench)["cashBal"]
    until(bench, 8)
    row, bill = position(bench), bills(bench, type="8")[0]
    assert int(bill["ts"]) == int(shown["fundingTime"])
    amount = sign * Decimal(shown["fundingRate"]) * Decimal(bill["px"]) * 10 / 100
    assert abs(Decimal(bill["balChg"]) - amount) < Decimal("1e-15")
    assert bill["subType"] == ("174" if amount > 0 else "173")
    assert detail(bench)["cashBal"] == cash + Decimal(bill["balChg"])
    assert row["fundingFee"] == bill["balChg"] == bill["pnl"]
    history = bench.get("public/funding-rate-history?instId=BTC-USDT-SWAP&limit=1")[0]
    assert (history["fundingTime"], history["realizedRate"]) == (shown["fundingTime"], shown["fundingRate"])
    # A day in one jump has three more of them, and no hour is paid twice.
    bench.advance(24 * HOUR)
    bench.get("account/config")
    assert len(bills(bench, type="8")) == 4
    assert len({bill["ts"] for bill in bills(bench, type="8")}) == 4


def test_who_opens_after_a_funding_time_does_not_pay_for_it(bench: Any) -> None:
    until(bench, 8)
    placed(bench, **SWAP, side="buy", sz="1")
    bench.advance(60_000)
    assert bills(bench, type="8") == []


def test_a_bought_option_costs_its_premium(bench: Any) -> None:
    inst = options(bench, "C")[0]
    coins = detail(bench, "BTC")["cashBal"]
    order = {"instId": inst, "tdMode": "cross"}
    refused = bench.post("trade/order", {**order, "side": "buy", "ordType": "market", "sz": "1"})
    assert refused["data"][0]["sCode"] == "51066"
    ask = bench.get(f"market/books?instId={inst}&sz=5")[0]["asks"][4][0]
    bought = placed(bench, instId=inst, tdMode="cross", side="buy", ordType="ioc", px=ask, sz="3")
    premium, fee = Decimal(bought["avgPx"]) * 3 / 100, Decimal(bought["fee"])
    assert 0 < -fee <= premium * Decimal("0.07")
    held = detail(bench, "BTC")
    assert held["cashBal"] == coins - premium + fee
    assert bills(bench, type="2")[0]["balChg"] == str(-premium + fee)
    row = position(bench, inst)
    assert (row["pos"], row["lever"], row["imr"]) == ("3", "", "0")
    assert Decimal(row["optVal"]) == Decimal(row["markPx"]) * 3 / 100
    assert held["eq"] == held["cashBal"] + Decimal(row["optVal"])
    bid = bench.get(f"market/books?instId={inst}&sz=5")[0]["bids"][4][0]
    sold = placed(bench, instId=inst, tdMode="cross", side="sell", ordType="ioc", px=bid, sz="3", reduceOnly="true")
    back = Decimal(sold["avgPx"]) * 3 / 100
    assert detail(bench, "BTC")["cashBal"] == coins - premium + fee + back + Decimal(sold["fee"])
    assert Decimal(sold["pnl"]) == back - premium
    assert bench.get("account/positions") == []


def test_a_sold_option_wants_margin(bench: Any) -> None:
    inst = options(bench, "P")[0]
    bid = bench.get(f"market/books?instId={inst}&sz=5")[0]["bids"][4][0]
    free = detail(bench, "BTC")["availBal"]
    placed(bench, instId=inst, tdMode="cross", side="sell", ordType="ioc", px=bid, sz="5")
    row = position(bench, inst)
    assert row["pos"] == "-5"
    assert Decimal(row["optVal"]) < 0
    # At least a tenth of what the options stand for, and their price.
    assert Decimal(row["imr"]) >= Decimal("0.005") - Decimal(row["optVal"])
    assert detail(bench, "BTC")["availBal"] < free - Decimal("0.0045")
    much = bench.post(
        "trade/order",
        {"instId": inst, "tdMode": "cross", "side": "sell", "ordType": "limit", "px": bid, "sz": "500"},
    )  # fmt: skip
    assert much["data"][0]["sCode"] == "51008"


def options(bench: Any, side: str) -> list[str]:
    rows = bench.get("public/instruments?instType=OPTION&instFamily=BTC-USD")
    return [row["instId"] for row in rows if row["instId"].endswith(f"-{side}")]


def expiry(bench: Any, inst_id: str) -> int:
    kind = "OPTION" if inst_id.count("-") == 4 else "FUTURES"
    family = "&instFamily=BTC-USD" if kind == "OPTION" else ""
    rows = bench.get(f"public/instruments?instType={kind}{family}")
    return int(next(row["expTime"] for row in rows if row["instId"] == inst_id))


@pytest.mark.parametrize("kind", ["FUTURES", "C", "P"])
def test_contracts_end_at_their_expiry(bench: Any, kind: str) -> None:
    if kind == "FUTURES":
        futures = bench.exchange.venue("global", "live").of_type("FUTURES")
        inst = next(each.id for each in futures if each.id.startswith("BTC-USD-"))
    else:
        inst = options(bench, kind)[0 if kind == "C" else -1]
    px = bench.get(f"market/books?instId={inst}&sz=9")[0]["asks"][8][0]
    bought = placed(bench, instId=inst, tdMode="cross", side="buy", ordType="ioc", px=px, sz="2")
    low = bench.get(f"market/books?instId={inst}&sz=300")[0]["bids"][-1][0]
    resting = placed(bench, instId=inst, tdMode="cross", side="buy", ordType="limit", px=low, sz="1")
    coins, at = detail(bench, "BTC")["cashBal"], expiry(bench, inst)
    bench.advance(at - HOUR // 2 - bench.now_ms)
    assert [row["instId"] for row in bench.get("account/positions")] == [inst]
    shown = bench.get(f"public/estimated-price?instId={inst}")
    assert shown[0]["instId"] == inst
    state = bench.get(f"trade/order?instId={inst}&ordId={resting['ordId']}")[0]["state"]
    bench.advance(HOUR // 2)
    row = bench.get(f"trade/order?instId={inst}&ordId={resting['ordId']}")[0]
    if state == "live":
        assert (row["state"], row["cancelSource"]) == ("canceled", "7" if kind == "FUTURES" else "10")
    assert bench.get("account/positions") == []
    again = {"instId": inst, "tdMode": "cross", "side": "buy", "ordType": "limit", "px": px, "sz": "1"}
    late = bench.post("trade/order", again)
    assert late["data"][0]["sCode"] == "51027"
    past = bench.get("account/positions-history")[0]
    assert past["type"] == "5"
    bill = bills(bench, type="3")[0]
    assert int(bill["ts"]) == at
    delivered = bench.get("public/delivery-exercise-history?instType=FUTURES&instFamily=BTC-USD&limit=1")[0]
    assert int(delivered["ts"]) == at
    index = Decimal(delivered["details"][0]["px"])
    size, paid = Decimal(past["closeTotalPos"]), Decimal(bought["avgPx"])
    if kind == "FUTURES":
        worth = 200 / paid - 200 / index if state == "live" else None
        assert bill["subType"] == "112"
        if worth is not None:
            assert abs(Decimal(bill["pnl"]) - worth) < Decimal("1e-14")
            assert abs(Decimal(bill["fee"]) + 200 / index / 10_000) < Decimal("1e-14")
    else:
        strike = Decimal(inst.split("-")[3])
        inner = max(Decimal(0), index - strike if kind == "C" else strike - index) / index * size / 100
        assert bill["subType"] == ("170" if inner else "172")
        assert abs(Decimal(bill["balChg"]) - Decimal(bill["fee"]) - inner) < Decimal("1e-14")
    assert detail(bench, "BTC")["cashBal"] - coins < 1


def test_spot_on_margin_borrows_and_pays_interest(bench: Any) -> None:
    margin = {"instId": "ETH-USDT", "tdMode": "cross", "ordType": "market"}
    cash, coins = detail(bench)["cashBal"], detail(bench, "ETH")["cashBal"]
    bought = placed(bench, **margin, side="buy", sz="6000")
    assert (bought["instType"], bought["feeCcy"], bought["lever"]) == ("MARGIN", "USDT", "3")
    value = Decimal(bought["avgPx"]) * Decimal(bought["accFillSz"])
    assert Decimal("5990") < value <= 6000
    assert detail(bench)["cashBal"] == cash + Decimal(bought["fee"])
    assert detail(bench, "ETH")["cashBal"] == coins
    row = position(bench, "ETH-USDT")
    shown = (row["instType"], row["posCcy"], row["liabCcy"], row["pos"])
    assert shown == ("MARGIN", "ETH", "USDT", bought["accFillSz"])
    assert abs(Decimal(row["liab"]) + value) < Decimal("1e-9")
    until(bench, 1)
    bill = bills(bench, type="7")[0]
    assert abs(-Decimal(bill["balChg"]) - value * Decimal("0.00001")) < Decimal("1e-9")
    accrued = bench.get("account/interest-accrued?mgnMode=cross")[0]
    assert (accrued["ccy"], accrued["interest"], accrued["ts"]) == ("USDT", bill["balChg"][1:], bill["ts"])
    sold = placed(bench, **margin, side="sell", sz=bought["accFillSz"])
    assert bench.get("account/positions") == []
    back = Decimal(sold["avgPx"]) * Decimal(sold["accFillSz"])
    fees = sum(Decimal(each["fee"]) for each in (bought, sold))
    expected = cash + fees + Decimal(bill["balChg"]) + back - value
    assert abs(detail(bench)["cashBal"] - expected) < Decimal("1e-9")
    nowhere = bench.post("trade/order", {**margin, "instId": "SATS-USDT", "side": "buy", "sz": "10"})
    assert nowhere["data"][0]["sCode"] == "54000"


def test_a_jump_of_many_years_is_over_soon(bench: Any) -> None:
    """Thirty years with a position, an order and an algo order: only the newest periods are charged."""
    placed(bench, **SWAP, side="buy", sz="0.1")
    placed(bench, instId="ETH-USDT", tdMode="cross", ordType="market", side="buy", sz="50")
    stop = {"instId": "BTC-USDT-SWAP", "tdMode": "cross", "side": "sell", "sz": "0.1", "ordType": "conditional"}
    assert bench.post("trade/order-algo", {**stop, "slTriggerPx": "1000", "slOrdPx": "-1"})["code"] == "0"
    bench.advance(30 * 365 * 24 * HOUR)
    bench.get("account/config")
    account = next(iter(bench.exchange.venue("global", "live").accounts.values()))
    charged = [bill.kind for bill in account.bills]
    assert charged.count("8") == charged.count("7") == 1_000


@pytest.mark.parametrize("side", ["buy", "sell"])
@pytest.mark.parametrize("kind", ["option", "margin", "futures"])
def test_the_greatest_size_of_every_product_is_accepted(bench: Any, kind: str, side: str) -> None:
    if kind == "option":
        inst = options(bench, "C")[0]
    else:
        futures = bench.exchange.venue("global", "live").of_type("FUTURES")
        inst = "ETH-USDT" if kind == "margin" else next(each.id for each in futures if each.id.startswith("ETH-USDT-"))
    rows = bench.get(f"public/instruments?instType={'SPOT' if kind == 'margin' else kind.upper()}&instFamily="
               f"{'BTC-USD' if kind == 'option' else ''}")  # fmt: skip
    lot = Decimal(next(row["lotSz"] for row in rows if row["instId"] == inst))
    levels = bench.get(f"market/books?instId={inst}&sz=30")[0]
    px = levels["bids" if side == "buy" else "asks"][-1][0]
    row = bench.get(f"account/max-size?instId={inst}&tdMode=cross&px={px}")[0]
    most = Decimal(row["maxBuy" if side == "buy" else "maxSell"])
    assert most > 0
    order = {"instId": inst, "tdMode": "cross", "side": side, "ordType": "limit", "px": px}
    more = bench.post("trade/order", {**order, "sz": format(most + lot, "f")})
    assert more["data"][0]["sCode"] == "51008"
    assert bench.post("trade/order", {**order, "sz": format(most, "f")})["code"] == "0"


def test_an_instrument_that_has_gone_does_not_stop_the_clock(bench: Any) -> None:
    px = bench.get("market/books?instId=BTC-USDT-SWAP&sz=200")[0]["bids"][199][0]
    resting = placed(bench, **{**SWAP, "ordType": "limit"}, side="buy", sz="1", px=px)
    placed(bench, **SWAP, side="buy", sz="1")
    assert bench.post("trade/cancel-all-after", {"timeOut": "10"})["code"] == "0"
    bench.put("instrument-unknown=BTC-USDT-SWAP")
    bench.advance(9 * HOUR)
    assert bench.get("account/config")
    assert bench.get("account/positions") == []
    bench.put()
    assert bench.get(f"trade/order?instId=BTC-USDT-SWAP&ordId={resting['ordId']}")[0]["cancelSource"] == "20"
    assert position(bench)["pos"] == "1"


def test_a_fill_tells_mark_index_and_what_it_was_worth(bench: Any) -> None:
    account = next(iter(bench.exchange.venue("global", "live").accounts.values()))
    placed(bench, **SWAP, side="buy", sz="3")
    fill = bench.get("trade/fills?instType=SWAP")[0]
    assert fill["fillMarkPx"] == bench.get("public/mark-price?instType=SWAP&instId=BTC-USDT-SWAP")[0]["markPx"]
    index = bench.get("market/index-components?index=BTC-USDT")["last"]
    assert fill["fillIdxPx"] == index
    told = [event.row for event in account.events if event.channel == "orders" and event.row["state"] == "filled"][-1]
    # That of the order: of all its fills.
    worth = Decimal(told["avgPx"]) * Decimal(told["accFillSz"]) / 100
    assert abs(Decimal(told["fillNotionalUsd"]) - worth) < Decimal("1e-6")
    assert Decimal(told["notionalUsd"]) > 0
    spot = placed(bench, instId="BTC-USDT", tdMode="cash", ordType="market", side="buy", sz="100")
    assert spot["tradeQuoteCcy"] == "USDT"
    assert bench.get("trade/fills?instType=SPOT")[0]["fillMarkPx"] == ""


def test_contracts_follow_each_other_and_none_goes_before_its_time(bench: Any) -> None:
    def listed(kind: str) -> dict[str, dict[str, Any]]:
        family = "&instFamily=BTC-USD" if kind == "OPTION" else ""
        return {row["instId"]: row for row in bench.get(f"public/instruments?instType={kind}{family}")}

    before = {kind: listed(kind) for kind in ("FUTURES", "OPTION", "SWAP")}
    for _ in range(30):
        bench.advance(7 * 24 * HOUR)
        now = {kind: listed(kind) for kind in before}
        for kind, rows in now.items():
            for inst_id, row in before[kind].items():
                over = row["expTime"] and int(row["expTime"]) <= bench.now_ms
                assert (inst_id in rows) == (not over), inst_id
                assert over or rows[inst_id]["instIdCode"] == row["instIdCode"]
            assert all(not row["expTime"] or int(row["expTime"]) > bench.now_ms for row in rows.values())
            assert len({row["instIdCode"] for row in rows.values()}) == len(rows) >= 4
        before = now
    fresh = next(iter(before["FUTURES"]))
    px = bench.get(f"market/books?instId={fresh}&sz=5")[0]["asks"][4][0]
    order = {"instId": fresh, "tdMode": "cross", "side": "buy", "ordType": "ioc", "px": px, "sz": "1"}
    assert bench.post("trade/order", order)["code"] == "0"
    assert position(bench, fresh)["pos"] == "1"


@pytest.mark.parametrize(("side", "sz", "opposite"), [("buy", "900", "sell"), ("sell", "0.4", "buy")])
def test_a_position_on_margin_is_closed_whole(bench: Any, side: str, sz: str, opposite: str) -> None:
    """Market orders buy for quote currency here; what closes a short position is in coins all the same."""
    margin = {"instId": "ETH-USDT", "tdMode": "isolated"}
    placed(bench, **margin, ordType="market", side=side, sz=sz)
    before = position(bench, "ETH-USDT")
    assert before["posCcy"] == ("ETH" if side == "buy" else "USDT")
    closed = bench.post("trade/close-position", {"instId": "ETH-USDT", "mgnMode": "isolated"})
    assert closed["code"] == "0", closed
    assert bench.get("account/positions") == []
    placed(bench, **margin, ordType="market", side=side, sz=sz)
    held = bench.exchange.venue("global", "live").accounts
    quantity = abs(next(iter(held.values())).positions["ETH-USDT", "net", "isolated"].quantity)
    last = Decimal(bench.get("market/ticker?instId=ETH-USDT")[0]["last"])
    away = Decimal("0.99") if side == "buy" else Decimal("1.01")
    stop = {**margin, "side": opposite, "ordType": "conditional", "slOrdPx": "-1", "sz": str(quantity)}
    stop["slTriggerPx"] = str((last * away).quantize(Decimal("0.01")))
    assert bench.post("trade/order-algo", stop)["code"] == "0"
    move(bench, "ETH-USDT", -0.02 if side == "buy" else 0.02)
    assert bench.get("account/positions") == []


# ---- several currencies as one -------------------------------------------------------------------

OF_THE_ACCOUNT = (
    "adjEq", "availEq", "imr", "mgnRatio", "mmr", "notionalUsd", "notionalUsdForBorrow", "notionalUsdForFutures",
    "notionalUsdForOption", "notionalUsdForSwap", "ordFroz", "upl",
)  # fmt: skip


def whole(bench: Any, environment: str) -> dict[str, Any]:
    (row,) = json.loads(bench.send("GET", "/api/v5/account/balance", environment=environment).body)["data"]
    return dict(row)


def test_several_currencies_stand_behind_positions_by_what_they_count_for(bench: Any) -> None:
    """acctLv 3, as demo accounts have it: adjEq is each equity times its discount rate times its price in USD."""
    order = {"instId": "BTC-USDT-SWAP", "tdMode": "cross", "side": "buy", "ordType": "market", "sz": "3"}
    reply = bench.send("POST", "/api/v5/trade/order", json.dumps(order), environment="demo")
    assert json.loads(reply.body)["code"] == "0", reply.body
    row = whole(bench, "demo")
    rates = {}
    for each in json.loads(bench.send("GET", "/api/v5/public/discount-rate-interest-free-quota").body)["data"]:
        (tier,) = each["details"]
        rates[each["ccy"]] = Decimal(tier["discountRate"])
    assert rates["USDT"] == 1
    assert rates["BTC"] < 1
    total = adjusted = Decimal(0)
    for held in row["details"]:
        worth = Decimal(held["eq"]) * Decimal(held["coinUsdPrice"])
        assert abs(Decimal(held["eqUsd"]) - worth) < Decimal("1e-9")
        assert abs(Decimal(held["disEq"]) - worth * rates[held["ccy"]]) < Decimal("1e-9")
        total, adjusted = total + worth, adjusted + worth * rates[held["ccy"]]
    assert abs(Decimal(row["totalEq"]) - total) < Decimal("1e-8")
    assert abs(Decimal(row["adjEq"]) - adjusted) < Decimal("1e-8")
    assert adjusted < total
    (usdt,) = (held for held in row["details"] if held["ccy"] == "USDT")
    assert abs(Decimal(row["imr"]) - Decimal(usdt["imr"])) < Decimal("1e-9")
    assert abs(Decimal(row["mgnRatio"]) * Decimal(row["mmr"]) / adjusted - 1) < Decimal("1e-9")
    assert abs(Decimal(row["availEq"]) - (adjusted - Decimal(row["imr"]))) < Decimal("1e-8")
    assert row["notionalUsdForSwap"] == row["notionalUsd"] != "0"


def test_isolated_margin_does_not_stand_behind_others(bench: Any) -> None:
    before = Decimal(whole(bench, "demo")["adjEq"])
    order = {"instId": "BTC-USDT-SWAP", "tdMode": "isolated", "side": "buy", "ordType": "market", "sz": "3"}
    bench.send("POST", "/api/v5/trade/order", json.dumps(order), environment="demo")
    row = whole(bench, "demo")
    assert Decimal(row["isoEq"]) > 0
    assert (row["imr"], row["mgnRatio"]) == ("0", "")
    assert Decimal(row["adjEq"]) < before - Decimal(row["isoEq"]) + 5


def test_where_each_currency_stands_for_itself_there_are_no_figures_of_the_account(bench: Any) -> None:
    """acctLv 2, and 1: as answers of such accounts have them."""
    order = {"instId": "BTC-USDT-SWAP", "tdMode": "cross", "side": "buy", "ordType": "market", "sz": "3"}
    bench.send("POST", "/api/v5/trade/order", json.dumps(order))
    row = whole(bench, "live")
    assert [row[name] for name in OF_THE_ACCOUNT] == [""] * len(OF_THE_ACCOUNT)
    (usdt,) = (held for held in row["details"] if held["ccy"] == "USDT")
    assert Decimal(usdt["imr"]) > 0
    assert Decimal(usdt["mgnRatio"]) > 1
    assert Decimal(row["totalEq"]) > 0
