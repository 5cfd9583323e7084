"""Public data about the past and about contracts: trades, candles of prices, funding, tiers, conversions, figures."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from math import isclose
from typing import Any

import pytest


def get(bench: Any, target: str) -> Any:
    bench.advance(100)
    answer = json.loads(bench.send("GET", f"/api/v5/{target}", signed=False).body)
    assert answer["code"] == "0", answer
    return answer["data"]


def refused(bench: Any, target: str) -> str:
    bench.advance(500)
    return str(json.loads(bench.send("GET", f"/api/v5/{target}", signed=False).body)["code"])


def test_trades_are_paged_by_number_and_by_time(bench: Any) -> None:
    newest = get(bench, "market/trades?instId=BTC-USDT&limit=30")
    bench.advance(-100)
    numbers = [row["tradeId"] for row in newest]
    query = "market/history-trades?instId=BTC-USDT"
    assert [row["tradeId"] for row in get(bench, f"{query}&limit=10&after={numbers[4]}")] == numbers[5:15]
    by_time = get(bench, f"{query}&type=2&limit=10&after={newest[4]['ts']}")
    assert [row["tradeId"] for row in by_time] == numbers[5:15]
    assert get(bench, f"{query}&before={numbers[3]}")[-3:] == newest[:3]
    assert refused(bench, f"{query}&type=2&before=1") == "50039"
    assert len(get(bench, query)) == 100
    # Three months, and no trade twice.
    old = bench.now_ms - 30 * 86_400_000
    page = get(bench, f"{query}&type=2&after={old}")
    assert all(int(row["ts"]) < old for row in page)


@pytest.mark.parametrize("kind", ["mark-price", "index"])
def test_candles_of_prices_have_six_columns_and_hold_the_price(bench: Any, kind: str) -> None:
    inst = "BTC-USDT-SWAP" if kind == "mark-price" else "BTC-USDT"
    recent = get(bench, f"market/{kind}-candles?instId={inst}&bar=1m&limit=5")
    assert [len(row) for row in recent] == [6] * 5
    assert [row[5] for row in recent] == ["0", "1", "1", "1", "1"]
    assert [int(a[0]) - int(b[0]) for a, b in pairwise(recent)] == [60_000] * 4
    for row in recent:
        o, h, low, c = map(Decimal, row[1:5])
        assert low <= min(o, c) <= max(o, c) <= h
    if kind == "mark-price":
        now = get(bench, "public/mark-price?instType=SWAP&instId=BTC-USDT-SWAP")[0]["markPx"]
        assert get(bench, f"market/mark-price-candles?instId={inst}&bar=1m&limit=1")[0][4] == now
    history = get(bench, f"market/history-{kind}-candles?instId={inst}&bar=1m&after={recent[2][0]}&limit=2")
    assert history == recent[3:]


@pytest.mark.parametrize(("bar", "hours"), [("1M", 8), ("3M", 8), ("1Mutc", 0), ("3Mutc", 0)])
def test_months_are_those_of_the_calendar(bench: Any, bar: str, hours: int) -> None:
    rows = get(bench, f"market/history-candles?instId=BTC-USDT&bar={bar}&limit=6")
    opened = [datetime.fromtimestamp(int(row[0]) / 1000 + hours * 3600, UTC) for row in rows]
    assert all((each.day, each.hour, each.minute) == (1, 0, 0) for each in opened)
    months = [each.year * 12 + each.month for each in opened]
    step = int(bar[0])
    assert months == list(range(months[0], months[0] - 6 * step, -step))
    assert rows[0][8] == "0"


def test_a_bar_of_two_days_is_two_bars_of_one(bench: Any) -> None:
    two = get(bench, "market/candles?instId=ETH-USDT&bar=2Dutc&limit=2")[1]
    days = get(bench, "market/candles?instId=ETH-USDT&bar=1Dutc&limit=6")
    inside = [row for row in days if 0 <= int(row[0]) - int(two[0]) < 2 * 86_400_000]
    assert len(inside) == 2
    assert (two[1], two[4]) == (inside[1][1], inside[0][4])


def test_funding_history_goes_on_from_what_was_announced(bench: Any) -> None:
    bench.advance(8 * 3_600_000)
    shown = get(bench, "public/funding-rate?instId=BTC-USDT-SWAP")[0]
    rows = get(bench, "public/funding-rate-history?instId=BTC-USDT-SWAP&limit=3")
    assert rows[0]["fundingTime"] == shown["prevFundingTime"]
    assert rows[0]["realizedRate"] == shown["settFundingRate"]
    steps = [int(a["fundingTime"]) - int(b["fundingTime"]) for a, b in pairwise(rows)]
    assert steps == [8 * 3_600_000] * 2
    older = get(bench, f"public/funding-rate-history?instId=BTC-USDT-SWAP&after={rows[1]['fundingTime']}&limit=1")
    assert older == rows[2:]
    assert refused(bench, "public/funding-rate-history?instId=BTC-USDT") == "51000"
    swaps = [f"public/funding-rate?instId={each}-USDT-SWAP" for each in ("BTC", "ETH", "SOL")]
    assert len({get(bench, each)[0]["fundingRate"] for each in swaps}) == 3


def test_tiers_want_more_for_more(bench: Any) -> None:
    first = get(bench, "public/position-tiers?instType=MARGIN&tdMode=cross&instId=BTC-USDT")[0]
    # The first row of the documentation's example.
    assert (first["maxLever"], first["imr"], first["mmr"], first["maxSz"]) == ("10", "0.1", "0.03", "50")
    rows = get(bench, "public/position-tiers?instType=SWAP&tdMode=cross&instFamily=BTC-USDT")
    for name, rises in (("maxSz", True), ("mmr", True), ("imr", True), ("maxLever", False)):
        values = [Decimal(row[name]) for row in rows]
        assert values == sorted(values, reverse=not rises)
        assert len(set(values)) == len(values)
    assert [row["minSz"] for row in rows[1:]] == [row["maxSz"] for row in rows[:-1]]
    assert refused(bench, "public/position-tiers?instType=SWAP&tdMode=cross") == "50014"
    assert refused(bench, "public/position-tiers?instType=MARGIN&tdMode=cross") == "50015"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("instId=BTC-USDT-SWAP&type=1&sz=1.237", "123.7"),
        ("instId=BTC-USDT-SWAP&type=2&sz=120", "1.2"),
        ("instId=BTC-USDT-SWAP&type=1&sz=6800&px=68000&unit=usds", "10"),
        ("instId=BTC-USD-SWAP&type=1&sz=1&px=68000", "680"),
        ("instId=BTC-USD-SWAP&type=2&sz=680&px=68000", "1"),
        ("instId=BTC-USD-SWAP&type=1&sz=1000&unit=usds", "10"),
    ],
)
def test_coins_and_contracts(bench: Any, query: str, expected: str) -> None:
    assert get(bench, f"public/convert-contract-coin?{query}")[0]["sz"] == expected


def test_option_figures_agree_with_each_other(bench: Any) -> None:
    rows = {row["instId"]: row for row in get(bench, "public/opt-summary?instFamily=BTC-USD")}
    for name, call in rows.items():
        if not name.endswith("-C"):
            continue
        put = rows[name[:-1] + "P"]
        # Put-call parity: the deltas differ by one, gamma and vega are the same.
        assert isclose(float(call["deltaBS"]) - float(put["deltaBS"]), 1, abs_tol=1e-9)
        assert (call["gammaBS"], call["vegaBS"]) == (put["gammaBS"], put["vegaBS"])
        assert 0 < float(call["deltaBS"]) < 1
    calls = sorted((name for name in rows if name.endswith("-C")), key=lambda name: int(name.split("-")[3]))
    deltas = [float(rows[name]["deltaBS"]) for name in calls]
    assert deltas == sorted(deltas, reverse=True)


def test_expiries_of_the_past_are_fridays_at_eight(bench: Any) -> None:
    rows = get(bench, "public/delivery-exercise-history?instType=FUTURES&instFamily=BTC-USDT")
    stamps = [datetime.fromtimestamp(int(row["ts"]) / 1000, UTC) for row in rows]
    assert all((each.weekday(), each.hour) == (4, 8) for each in stamps)
    assert len(rows) == 13
    assert rows[0]["details"][0]["insId"] == f"BTC-USDT-{stamps[0]:%y%m%d}"


def test_the_whole_book_is_told_in_three_columns(bench: Any) -> None:
    full = get(bench, "market/books-full?instId=BTC-USDT&sz=5000")[0]
    bench.advance(-100)
    usual = get(bench, "market/books?instId=BTC-USDT&sz=400")[0]
    assert (len(full["asks"]), len(usual["asks"])) == (5_000, 400)
    assert [[px, sz, count] for px, sz, _, count in usual["bids"]] == full["bids"][:400]
    assert full["seqId"] == usual["seqId"]


def test_open_interest_in_contracts_coins_and_dollars(bench: Any) -> None:
    for inst, worth in (("BTC-USDT-SWAP", Decimal("0.01")), ("BTC-USD-SWAP", None)):
        row = get(bench, f"public/open-interest?instType=SWAP&instId={inst}")[0]
        if worth is not None:
            assert Decimal(row["oiCcy"]) == Decimal(row["oi"]) * worth
        else:
            assert abs(Decimal(row["oiUsd"]) - Decimal(row["oi"]) * 100) < Decimal("0.01")


def test_options_are_worth_more_than_nothing_and_no_less_than_inside(bench: Any) -> None:
    spot = Decimal(get(bench, "market/ticker?instId=BTC-USDT")[0]["last"])
    for family, in_usd in (("BTC-USD", False), ("BTC-USD_UM", True)):
        rows = get(bench, f"market/tickers?instType=OPTION&instFamily={family}")
        assert len(rows) == 6
        prices = {row["instId"]: Decimal(row["last"]) * (1 if in_usd else spot) for row in rows}
        for name, price in prices.items():
            strike, side = int(name.split("-")[3]), name[-1]
            inside = spot - strike if side == "C" else strike - spot
            # The seeded paths go a few per cent to both sides.
            assert price > max(Decimal(0), inside) - spot * Decimal("0.03")
            assert price > 0
        calls = sorted((int(name.split("-")[3]), price) for name, price in prices.items() if name.endswith("C"))
        assert [price for _, price in calls] == sorted((price for _, price in calls), reverse=True)


@pytest.mark.parametrize(
    ("family", "given", "becomes"),
    [
        ("BTC-USD", "0.0187", "0.0185"), ("BTC-USD", "0.01875", "0.019"), ("BTC-USD", "0.00312", "0.0031"),
        ("BTC-USD", "0.00001", "0.0001"), ("BTC-USD_UM", "1203", "1205"), ("BTC-USD_UM", "3.4", "3"),
    ],
)  # fmt: skip
def test_an_option_price_is_rounded_to_the_tick_of_its_band(bench: Any, family: str, given: str, becomes: str) -> None:
    from okxdoctor.exchange.core.tickets import checked_price

    venue = bench.exchange.venue("global", "live")
    inst = next(each for each in venue.of_type("OPTION") if each.listing.family == family)
    # Prices on the passive side are within the limits, however far they are from the market.
    side = "buy" if Decimal(given) < inst.reference else "sell"
    found = checked_price(venue, inst, side, "limit", given, bench.now_ms)
    assert found == Decimal(becomes)


def test_the_market_of_options_keeps_to_the_bands(bench: Any) -> None:
    for family, tick in (("BTC-USD", "0.0005"), ("BTC-USD_UM", "5")):
        for row in get(bench, f"public/instruments?instType=OPTION&instFamily={family}"):
            book = get(bench, f"market/books?instId={row['instId']}&sz=50")[0]
            for px, *_ in book["asks"]:
                assert Decimal(px) % Decimal(tick) == 0 or Decimal(px) < (Decimal("0.005") if tick != "5" else 5)
