"""Orders of accounts in the public book: where they stand, whom they meet, in which order, at which price."""

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
    assert bench.get("market/ticker?instId=BTC-USDT")[0]["bidPx"] == px
    bench.post("trade/amend-order", {"instId": "BTC-USDT", "ordId": order_id, "newSz": "0.002"})
    assert book(bench)["bids"][0] == [px, "0.002", "0", "1"]
    bench.post("trade/cancel-order", {"instId": "BTC-USDT", "ordId": order_id})
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
    bench.post("trade/amend-order", {"instId": "BTC-USDT", "ordId": first, "newSz": "0.002"})
    other(bench, "sell", px, "0.001")
    assert [state(bench, each)["accFillSz"] for each in (first, second)] == ["0.001", "0"]
    bench.post("trade/amend-order", {"instId": "BTC-USDT", "ordId": first, "newSz": "0.005"})
    other(bench, "sell", px, "0.001")
    assert [state(bench, each)["accFillSz"] for each in (first, second)] == ["0.001", "0.001"]


def test_both_sides_of_a_trade_and_the_public_tape_agree(bench: Any) -> None:
    px = between(bench)
    maker = placed(bench, side="sell", px=px, sz="0.002")
    taker = other(bench, "buy", px, "0.002")
    mine = bench.get(f"trade/fills?instType=SPOT&ordId={maker}")[0]
    assert (mine["fillPx"], mine["fillSz"], mine["execType"]) == (px, "0.002", "M")
    assert Decimal(mine["fee"]) == -Decimal(px) * Decimal("0.002") * Decimal("0.0008")
    assert taker.last.trade_id == mine["tradeId"]
    assert (taker.last.role, taker.fee) == ("T", -Decimal("0.002") * Decimal("0.001"))
    newest = bench.get("market/trades?instId=BTC-USDT&limit=1")[0]
    assert (newest["tradeId"], newest["px"], newest["sz"], newest["side"]) == (mine["tradeId"], px, "0.002", "buy")
    assert bench.get("market/ticker?instId=BTC-USDT")[0]["last"] == px


def test_what_was_taken_is_gone_until_the_next_beat(bench: Any) -> None:
    before = book(bench)["asks"]
    (first, size, _, _), (second, _, _, _) = before[:2]
    sum_of_two = str(Decimal(size) + Decimal("0.00001"))
    assert Decimal(sum_of_two) * Decimal(first) < 9_000
    order_id = placed(bench, side="buy", ordType="market", sz=sum_of_two, tgtCcy="base_ccy")
    fills = bench.get(f"trade/fills?ordId={order_id}")
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
    assert bench.get("trade/fills") == []


def test_a_fill_or_kill_order_cannot_end_both_sides(bench: Any) -> None:
    answer = bench.post("trade/order", {
        **SPOT, "ordType": "fok", "side": "buy", "px": between(bench), "sz": "0.001", "stpMode": "cancel_both",
    })  # fmt: skip
    assert answer["data"][0]["sCode"] == "54036"


def test_the_market_fills_a_large_order_in_parts_at_its_price(bench: Any) -> None:
    venue = bench.exchange.venue("global", "live")
    venue.accounts[next(iter(venue.accounts))].balance("USDT").cash = Decimal(10) ** 9
    px = str(Decimal(book(bench)["bids"][10][0]))
    order_id = placed(bench, side="buy", px=px, sz="250")
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
    assert {row["fillPx"] for row in bench.get(f"trade/fills?ordId={order_id}")} == {px}
    assert {row["execType"] for row in bench.get(f"trade/fills?ordId={order_id}")} == {"M"}


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
    before = Decimal(bench.get("account/balance?ccy=USDT")[0]["details"][0]["cashBal"])
    order_id = placed(bench, side="buy", ordType="market", sz="100")
    row = state(bench, order_id)
    lot = Decimal("0.00000001")
    assert (row["state"], row["sz"], row["tgtCcy"]) == ("filled", "100", "quote_ccy")
    assert Decimal(row["accFillSz"]) == (100 / ask // lot) * lot
    after = Decimal(bench.get("account/balance?ccy=USDT")[0]["details"][0]["cashBal"])
    assert before - after == Decimal(row["accFillSz"]) * ask
    sold = placed(bench, side="sell", ordType="market", sz="50", tgtCcy="quote_ccy")
    got = state(bench, sold)
    assert 50 - ask * lot < Decimal(got["accFillSz"]) * Decimal(got["avgPx"]) <= 50
