"""Orders of accounts in the public book: where they stand, whom they meet, in which order, at which price."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

SPOT = {"instId": "BTC-USDT", "tdMode": "cash", "ordType": "limit"}


def post(bench: Any, path: str, body: object) -> Any:
    return json.loads(bench.send("POST", f"/api/v5/{path}", json.dumps(body)).body)


def get(bench: Any, target: str) -> Any:
    return json.loads(bench.send("GET", f"/api/v5/{target}").body)["data"]


def placed(bench: Any, **order: str) -> str:
    answer = post(bench, "trade/order", {**SPOT, **order})
    assert answer["code"] == "0", answer
    return str(answer["data"][0]["ordId"])


def state(bench: Any, order_id: str, inst: str = "BTC-USDT") -> dict[str, str]:
    return dict(get(bench, f"trade/order?instId={inst}&ordId={order_id}")[0])


def book(bench: Any, inst: str = "BTC-USDT", depth: int = 400) -> Any:
    return get(bench, f"market/books?instId={inst}&sz={depth}")[0]


def between(bench: Any, inst: str = "BTC-USDT") -> str:
    """A price between the best bid and the best ask."""
    now = book(bench, inst, 1)
    bid, ask = Decimal(now["bids"][0][0]), Decimal(now["asks"][0][0])
    tick = Decimal("0.1")
    assert ask - bid > 2 * tick
    return str(bid + tick)


def other(bench: Any, side: str, px: str, sz: str, inst: str = "BTC-USDT") -> Any:
    from okxdoctor.exchange.core.backstage import counter_order

    return counter_order(bench.exchange, bench.exchange.venue("global", "live"), inst, side, px, sz)


def test_an_order_is_in_the_book_with_its_size_until_it_ends(bench: Any) -> None:
    before = book(bench)
    px = between(bench)
    order_id = placed(bench, side="buy", px=px, sz="0.003")
    now = book(bench)
    assert now["bids"][0] == [px, "0.003", "0", "1"]
    assert now["bids"][1:] == before["bids"][:399]
    assert now["asks"] == before["asks"]
    assert now["seqId"] > before["seqId"]
    assert get(bench, "market/ticker?instId=BTC-USDT")[0]["bidPx"] == px
    post(bench, "trade/amend-order", {"instId": "BTC-USDT", "ordId": order_id, "newSz": "0.002"})
    assert book(bench)["bids"][0] == [px, "0.002", "0", "1"]
    post(bench, "trade/cancel-order", {"instId": "BTC-USDT", "ordId": order_id})
    after = book(bench)
    assert (after["bids"], after["asks"]) == (before["bids"], before["asks"])
    assert after["seqId"] > now["seqId"]


def test_at_a_price_of_the_market_sizes_and_orders_add_up(bench: Any) -> None:
    px, size, _, count = book(bench)["bids"][4]
    placed(bench, side="buy", px=px, sz="0.003")
    placed(bench, side="buy", px=px, sz="0.002")
    level = book(bench)["bids"][4]
    assert level == [px, str(Decimal(size) + Decimal("0.005")), "0", str(int(count) + 2)]


def test_the_books_channel_tells_of_it_with_the_next_beat_and_without_a_gap(bench: Any) -> None:
    session = bench.session("public")
    subscribe = {"op": "subscribe", "args": [{"channel": "books", "instId": "BTC-USDT"}]}
    first = json.loads(session.receive(json.dumps(subscribe))[1].text)["data"][0]
    sides = {side: {px: (sz, n) for px, sz, _, n in first[side]} for side in ("bids", "asks")}
    # Far enough down to be left alone by the market of the next beat.
    px = str(Decimal(first["bids"][300][0]) + Decimal("0.1"))
    placed(bench, side="buy", px=px, sz="0.003")
    assert session.tick() == []
    bench.advance(100)
    update = json.loads(session.tick()[0].text)["data"][0]
    assert update["prevSeqId"] == first["seqId"]
    assert [px, "0.003", "0", "1"] in update["bids"]
    for side, levels in sides.items():
        for price, sz, _, n in update[side]:
            if sz == "0":
                del levels[price]
            else:
                levels[price] = (sz, n)
    now = book(bench)
    assert now["seqId"] == update["seqId"]
    assert {side: {price: (sz, n) for price, sz, _, n in now[side]} for side in sides} == sides


def test_another_tick_under_way_replaces_the_book_without_a_gap(bench: Any) -> None:
    session = bench.session("public")
    subscribe = {"op": "subscribe", "args": [{"channel": "books", "instId": "BTC-USDT"}]}
    first = json.loads(session.receive(json.dumps(subscribe))[1].text)["data"][0]
    sides = {side: {px: sz for px, sz, _, _ in first[side]} for side in ("bids", "asks")}
    order_id = placed(bench, side="buy", px=between(bench), sz="0.003")
    last = first["seqId"]
    bench.put("instrument-spec-differs")
    for _ in range(3):
        bench.advance(100)
        update = json.loads(session.tick()[0].text)["data"][0]
        assert update["prevSeqId"] == last
        last = update["seqId"]
        for side, levels in sides.items():
            for price, sz, _, _ in update[side]:
                if sz == "0":
                    del levels[price]
                else:
                    levels[price] = sz
    now = book(bench)
    assert {side: {price: sz for price, sz, _, _ in now[side]} for side in sides} == sides
    assert state(bench, order_id)["state"] in ("live", "filled", "partially_filled")


def test_better_prices_first_then_older_orders(bench: Any) -> None:
    px = between(bench)
    first = placed(bench, side="buy", px=px, sz="0.002")
    second = placed(bench, side="buy", px=px, sz="0.002")
    taker = other(bench, "sell", px, "0.003")
    assert taker.state == "filled"
    assert (state(bench, first)["state"], state(bench, first)["accFillSz"]) == ("filled", "0.002")
    assert (state(bench, second)["state"], state(bench, second)["accFillSz"]) == ("partially_filled", "0.001")
    better = placed(bench, side="buy", px=str(Decimal(px) + Decimal("0.1")), sz="0.001")
    other(bench, "sell", px, "0.0015")
    assert state(bench, better)["avgPx"] == str(Decimal(px) + Decimal("0.1"))
    assert state(bench, second)["accFillSz"] == "0.0015"


def test_a_smaller_size_keeps_the_place_and_another_price_gives_it_up(bench: Any) -> None:
    px = between(bench)
    first, second = (placed(bench, side="buy", px=px, sz="0.004") for _ in range(2))
    post(bench, "trade/amend-order", {"instId": "BTC-USDT", "ordId": first, "newSz": "0.002"})
    other(bench, "sell", px, "0.001")
    assert [state(bench, each)["accFillSz"] for each in (first, second)] == ["0.001", "0"]
    post(bench, "trade/amend-order", {"instId": "BTC-USDT", "ordId": first, "newSz": "0.005"})
    other(bench, "sell", px, "0.001")
    assert [state(bench, each)["accFillSz"] for each in (first, second)] == ["0.001", "0.001"]


def test_both_sides_of_a_trade_and_the_public_tape_agree(bench: Any) -> None:
    px = between(bench)
    maker = placed(bench, side="sell", px=px, sz="0.002")
    taker = other(bench, "buy", px, "0.002")
    mine = get(bench, f"trade/fills?instType=SPOT&ordId={maker}")[0]
    assert (mine["fillPx"], mine["fillSz"], mine["execType"]) == (px, "0.002", "M")
    assert Decimal(mine["fee"]) == -Decimal(px) * Decimal("0.002") * Decimal("0.0008")
    assert taker.last.trade_id == mine["tradeId"]
    assert (taker.last.role, taker.fee) == ("T", -Decimal("0.002") * Decimal("0.001"))
    newest = get(bench, "market/trades?instId=BTC-USDT&limit=1")[0]
    assert (newest["tradeId"], newest["px"], newest["sz"], newest["side"]) == (mine["tradeId"], px, "0.002", "buy")
    assert get(bench, "market/ticker?instId=BTC-USDT")[0]["last"] == px


def test_what_was_taken_is_gone_until_the_next_beat(bench: Any) -> None:
    before = book(bench)["asks"]
    (first, size, _, _), (second, _, _, _) = before[:2]
    sum_of_two = str(Decimal(size) + Decimal("0.00001"))
    assert Decimal(sum_of_two) * Decimal(first) < 9_000
    order_id = placed(bench, side="buy", ordType="market", sz=sum_of_two, tgtCcy="base_ccy")
    fills = get(bench, f"trade/fills?ordId={order_id}")
    assert [(row["fillPx"], row["fillSz"]) for row in reversed(fills)] == [(first, size), (second, "0.00001")]
    assert book(bench)["asks"][0][0] == second
    bench.advance(100)
    assert len(book(bench)["asks"]) == 400


@pytest.mark.parametrize(
    ("mode", "resting", "taking"),
    [
        ("", ("canceled", "32"), ("live", "")),
        ("cancel_maker", ("canceled", "32"), ("live", "")),
        ("cancel_taker", ("live", ""), ("canceled", "32")),
        ("cancel_both", ("canceled", "32"), ("canceled", "32")),
    ],
)
def test_an_account_never_trades_with_itself(
    bench: Any, mode: str, resting: tuple[str, str], taking: tuple[str, str]
) -> None:
    px = between(bench)
    first = placed(bench, side="buy", px=px, sz="0.002")
    second = placed(bench, side="sell", px=px, sz="0.001", stpMode=mode)
    for order_id, wanted in ((first, resting), (second, taking)):
        row = state(bench, order_id)
        assert (row["state"], row["cancelSource"], row["accFillSz"]) == (*wanted, "0")
    assert state(bench, second)["stpMode"] == (mode or "cancel_maker")
    assert get(bench, "trade/fills") == []


def test_a_fill_or_kill_order_cannot_end_both_sides(bench: Any) -> None:
    answer = post(bench, "trade/order", {
        **SPOT, "ordType": "fok", "side": "buy", "px": between(bench), "sz": "0.001", "stpMode": "cancel_both",
    })  # fmt: skip
    assert answer["data"][0]["sCode"] == "54036"


def test_the_market_fills_a_large_order_in_parts_at_its_price(bench: Any) -> None:
    venue = bench.exchange.venue("global", "live")
    venue.accounts[next(iter(venue.accounts))].balance("USDT").cash = Decimal(10) ** 9
    px = str(Decimal(book(bench)["bids"][10][0]))
    order_id = placed(bench, side="buy", px=px, sz="400")
    states = []
    for _ in range(6_000):
        bench.advance(100)
        row = state(bench, order_id)
        now = book(bench, depth=1)
        assert Decimal(now["bids"][0][0]) < Decimal(now["asks"][0][0])
        states.append((row["state"], Decimal(row["accFillSz"])))
        if row["state"] == "partially_filled" and states[-1][1] > 1:
            break
    assert states[-1][0] == "partially_filled"
    assert [size for _, size in states] == sorted(size for _, size in states)
    assert {row["fillPx"] for row in get(bench, f"trade/fills?ordId={order_id}")} == {px}
    assert {row["execType"] for row in get(bench, f"trade/fills?ordId={order_id}")} == {"M"}


def test_a_jump_of_the_clock_fills_what_the_market_passed_when_it_passed(bench: Any) -> None:
    market = bench.exchange.venue("global", "live").market(
        bench.exchange.venue("global", "live").instrument("BTC-USDT")
    )
    start = bench.now_ms // 100
    lows = {k: market.touch(start + k)[1] for k in range(1, 2_900)}
    when = min(lows, key=lambda k: lows[k])
    assert lows[2_899] > lows[when] + 20, "the market has to come back for this test"
    order_id = placed(bench, side="buy", px=market.tick.text(lows[when]), sz="0.00001")
    bench.advance(2_899 * 100)
    row = state(bench, order_id)
    assert row["state"] == "filled"
    assert int(row["fillTime"]) <= (start + when) * 100
    assert int(row["fillTime"]) == int(row["uTime"])
    assert int(row["fillTime"]) >= int(row["cTime"])


def test_a_market_order_by_quote_spends_no_more_than_asked(bench: Any) -> None:
    ask = Decimal(book(bench, depth=1)["asks"][0][0])
    before = Decimal(get(bench, "account/balance?ccy=USDT")[0]["details"][0]["cashBal"])
    order_id = placed(bench, side="buy", ordType="market", sz="100")
    row = state(bench, order_id)
    lot = Decimal("0.00000001")
    assert (row["state"], row["sz"], row["tgtCcy"]) == ("filled", "100", "quote_ccy")
    assert Decimal(row["accFillSz"]) == (100 / ask // lot) * lot
    after = Decimal(get(bench, "account/balance?ccy=USDT")[0]["details"][0]["cashBal"])
    assert before - after == Decimal(row["accFillSz"]) * ask
    sold = placed(bench, side="sell", ordType="market", sz="50", tgtCcy="quote_ccy")
    got = state(bench, sold)
    assert 50 - ask * lot < Decimal(got["accFillSz"]) * Decimal(got["avgPx"]) <= 50


SWAP = {"instId": "BTC-USDT-SWAP", "tdMode": "cross", "ordType": "market"}


def account(bench: Any) -> dict[str, Decimal]:
    row = get(bench, "account/balance?ccy=USDT")[0]["details"][0]
    return {name: Decimal(row[name]) for name in ("cashBal", "availBal", "frozenBal", "ordFrozen", "imr")}


def test_a_position_keeps_its_margin_and_gives_it_back(bench: Any) -> None:
    free = account(bench)["availBal"]
    post(bench, "account/set-leverage", {"instId": "BTC-USDT-SWAP", "mgnMode": "cross", "lever": "5"})
    opened = state(bench, placed(bench, **SWAP, side="buy", sz="2"), "BTC-USDT-SWAP")
    value = Decimal(opened["avgPx"]) * 2 / 100
    held = account(bench)
    assert held["imr"] == value / 5 == held["frozenBal"]
    assert held["availBal"] == free - value / 5 - value * Decimal("0.0005")
    lowered = post(bench, "account/set-leverage", {"instId": "BTC-USDT-SWAP", "mgnMode": "cross", "lever": "2"})
    assert lowered["code"] == "0"
    assert account(bench)["imr"] == value / 2
    assert get(bench, "account/positions")[0]["lever"] == "2"
    placed(bench, **SWAP, side="sell", sz="2")
    assert get(bench, "account/positions") == []
    assert account(bench)["frozenBal"] == 0


def test_an_inverse_contract_pays_in_its_coin(bench: Any) -> None:
    inverse = {**SWAP, "instId": "BTC-USD-SWAP"}
    coins = Decimal(get(bench, "account/balance?ccy=BTC")[0]["details"][0]["cashBal"])
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
    now = Decimal(get(bench, "account/balance?ccy=BTC")[0]["details"][0]["cashBal"])
    assert abs(now - coins - gain - sum(fees)) < Decimal("1e-13")


def test_leverage_waits_for_open_orders(bench: Any) -> None:
    px = book(bench, "BTC-USDT-SWAP", 20)["bids"][19][0]
    placed(bench, **{**SWAP, "ordType": "limit", "side": "buy", "sz": "1", "px": px})
    body = {"instId": "BTC-USDT-SWAP", "mgnMode": "cross", "lever": "5"}
    assert post(bench, "account/set-leverage", body)["code"] == "59107"


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
    most = get(bench, f"account/max-size?instId={inst}&tdMode={mode}&px={px}")[0]["maxBuy"]
    order = {"instId": inst, "tdMode": mode, "side": "buy", "ordType": "limit", "px": px}
    more = post(bench, "trade/order", {**order, "sz": str(Decimal(most) + Decimal(lot))})
    assert more["data"][0]["sCode"] == "51008"
    assert post(bench, "trade/order", {**order, "sz": most})["code"] == "0"


def test_all_money_in_a_position_does_not_keep_it_from_being_closed(bench: Any) -> None:
    most = get(bench, "account/max-size?instId=BTC-USDT-SWAP&tdMode=cross")[0]["maxBuy"]
    size = str(Decimal(most) * Decimal("0.98") // Decimal("0.01") * Decimal("0.01"))
    placed(bench, **SWAP, side="buy", sz=size)
    more = post(bench, "trade/order", {**SWAP, "side": "buy", "sz": size})
    assert more["data"][0]["sCode"] == "51008"
    assert state(bench, placed(bench, **SWAP, side="sell", sz=size), "BTC-USDT-SWAP")["state"] == "filled"
    assert get(bench, "account/positions") == []


def test_long_and_short_side_by_side(bench: Any) -> None:
    assert post(bench, "account/set-position-mode", {"posMode": "long_short_mode"})["code"] == "0"
    nothing = post(bench, "trade/order", {**SWAP, "side": "sell", "posSide": "long", "sz": "1"})
    assert nothing["data"][0]["sCode"] == "51169"
    placed(bench, **SWAP, side="buy", posSide="long", sz="3")
    placed(bench, **SWAP, side="sell", posSide="short", sz="2")
    rows = {row["posSide"]: row for row in get(bench, "account/positions")}
    assert {side: row["pos"] for side, row in rows.items()} == {"long": "3", "short": "2"}
    assert rows["long"]["availPos"] == "3"
    px = book(bench, "BTC-USDT-SWAP", 30)["asks"][29][0]
    closing = placed(bench, **{**SWAP, "ordType": "limit", "px": px, "side": "sell", "posSide": "long", "sz": "2"})
    assert {row["posSide"]: row["availPos"] for row in get(bench, "account/positions")} == {"long": "1", "short": "2"}
    assert account(bench)["ordFrozen"] == 0
    too_much = post(bench, "trade/order", {**SWAP, "side": "sell", "posSide": "long", "sz": "2"})
    assert too_much["data"][0]["sCode"] == "51112"
    busy = post(bench, "account/set-position-mode", {"posMode": "net_mode"})
    assert busy["code"] == "59000"
    post(bench, "trade/cancel-order", {"instId": "BTC-USDT-SWAP", "ordId": closing})
    placed(bench, **SWAP, side="sell", posSide="long", sz="3")
    placed(bench, **SWAP, side="buy", posSide="short", sz="2")
    assert get(bench, "account/positions") == []
    assert account(bench)["frozenBal"] == 0


def test_reduce_only_orders_never_open(bench: Any) -> None:
    wrong = {**SWAP, "side": "sell", "sz": "1", "reduceOnly": True}
    assert post(bench, "trade/order", wrong)["data"][0]["sCode"] == "51169"
    placed(bench, **SWAP, side="buy", sz="2")
    assert post(bench, "trade/order", {**wrong, "side": "buy"})["data"][0]["sCode"] == "51170"
    px = book(bench, "BTC-USDT-SWAP", 30)["asks"][29][0]
    resting = placed(bench, **{**SWAP, "ordType": "limit", "px": px, "side": "sell", "sz": "2", "reduceOnly": "true"})
    placed(bench, **SWAP, side="sell", sz="1.5")
    row = state(bench, resting, "BTC-USDT-SWAP")
    assert (row["state"], row["sz"]) == ("live", "0.5")
    placed(bench, **SWAP, side="sell", sz="0.5")
    row = state(bench, resting, "BTC-USDT-SWAP")
    assert (row["state"], row["cancelSource"]) == ("canceled", "17")
    assert get(bench, "account/positions") == []


def test_transfers_move_money_and_change_no_sum(bench: Any) -> None:
    def wallets() -> tuple[Decimal, Decimal]:
        rows = get(bench, "asset/balances?ccy=USDT")
        return account(bench)["cashBal"], Decimal(rows[0]["bal"])

    trading, funding = wallets()
    body = {"ccy": "USDT", "amt": "100.25", "from": "6", "to": "18", "clientId": "move1"}
    answer = post(bench, "asset/transfer", body)
    row = answer["data"][0]
    assert {**row, "transId": ""} == {
        "transId": "", "ccy": "USDT", "clientId": "move1", "from": "6", "amt": "100.25", "to": "18",
    }  # fmt: skip
    assert wallets() == (trading + Decimal("100.25"), funding - Decimal("100.25"))
    shown = get(bench, f"asset/transfer-state?transId={row['transId']}")[0]
    assert (shown["state"], shown["amt"], shown["clientId"]) == ("success", "100.25", "move1")
    assert get(bench, "asset/transfer-state?clientId=move1") == [shown]
    bench.advance(1_000)
    assert post(bench, "asset/transfer", {**body, "from": "18", "to": "6"})["code"] == "0"
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
    assert get(bench, "asset/balances?ccy=USDT")[0]["bal"] == "250.5"


def test_a_transfer_is_told_on_the_private_channels(bench: Any) -> None:
    session = bench.session("private")
    session.receive(json.dumps({"op": "login", "args": [bench.login()]}))
    session.receive(json.dumps({"op": "subscribe", "args": [{"channel": "balance_and_position"}]}))
    post(bench, "asset/transfer", {"ccy": "USDT", "amt": "1", "from": "6", "to": "18"})
    told = json.loads(session.tick()[0].text)["data"][0]
    assert told["eventType"] == "transferred"
    assert {row["ccy"]: row["cashBal"] for row in told["balData"]}["USDT"] == "10001"
