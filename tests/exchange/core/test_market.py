"""The seeded market: on its grids, consistent between its views, a function of time and seed alone."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

NOW_MS = 1_795_363_200_123
SLOTS = st.integers(min_value=15_200_000_000, max_value=22_000_000_000)


def market(inst_id: str, seed: int = 0) -> Any:
    from okxdoctor.exchange.core.instruments import catalogue
    from okxdoctor.exchange.core.market import Market

    return Market(seed, "global-live", catalogue(seed, "global", "live", NOW_MS)[inst_id])


AWKWARD = ("BTC-USDT", "BABYDOGE-USDT", "YFI-USDT", "SATS-USDT-SWAP", "BTC-USD-SWAP", "ETH-BTC")


@pytest.mark.parametrize("inst_id", AWKWARD)
@settings(max_examples=25, deadline=None)
@given(slot=SLOTS)
def test_the_book_is_never_crossed_and_lies_on_the_grid(inst_id: str, slot: int) -> None:
    it = market(inst_id)
    bids, asks = it.bids(slot, 50), it.asks(slot, 50)
    prices = [px for px, _, _ in reversed(bids)] + [px for px, _, _ in asks]
    assert prices == sorted(set(prices))
    assert prices[0] > 0
    assert all(size > 0 and count > 0 for _, size, count in (*bids, *asks))
    tick = Fraction(it.tick.text(1))
    assert Fraction(it.tick.text(prices[0])) / tick == prices[0]


@settings(max_examples=25, deadline=None)
@given(slot=SLOTS, length=st.sampled_from([10, 600, 9_000, 36_000, 864_000]))
def test_a_candle_bounds_every_trade_within_it(slot: int, length: int) -> None:
    it = market("BTC-USDT")
    bar = it.bar(slot, slot + length, slot + length)
    assert bar.confirmed
    inside = [it.trade(each).px for each in range(slot, slot + length, max(1, length // 97))]
    assert bar.low <= min(inside)
    assert max(inside) <= bar.high
    assert (bar.open, bar.close) == (it.trade(slot).px, it.trade(slot + length - 1).px)


@settings(max_examples=50, deadline=None)
@given(slot=SLOTS)
def test_sequence_numbers_rise_with_time(slot: int) -> None:
    it = market("BTC-USDT")
    numbers = [it.seq_id(slot + k) for k in range(20)]
    assert numbers == sorted(set(numbers))
    assert numbers[-1] < 2**53


def test_the_market_moves_within_a_second() -> None:
    it = market("BTC-USDT")
    first = NOW_MS // 100
    assert len({it.touch(first + k) for k in range(10)}) > 3


def test_views_agree_at_one_moment(bench: Any) -> None:
    def data(target: str) -> Any:
        return json.loads(bench.send("GET", f"/api/v5/{target}", signed=False).body)["data"]

    ticker = data("market/ticker?instId=BTC-USDT")[0]
    book = data("market/books?instId=BTC-USDT&sz=400")[0]
    trades = data("market/trades?instId=BTC-USDT")
    candle = data("market/candles?instId=BTC-USDT&limit=1")[0]
    listed = next(row for row in data("market/tickers?instType=SPOT") if row["instId"] == "BTC-USDT")
    assert listed == ticker
    assert book["bids"][0][:2] == [ticker["bidPx"], ticker["bidSz"]]
    assert book["asks"][0][:2] == [ticker["askPx"], ticker["askSz"]]
    assert len(book["bids"]) == len(book["asks"]) == 400
    assert (trades[0]["px"], trades[0]["sz"]) == (ticker["last"], ticker["lastSz"])
    assert [int(row["tradeId"]) for row in trades] == sorted((int(row["tradeId"]) for row in trades), reverse=True)
    assert candle[4] == ticker["last"]
    assert candle[8] == "0"
    assert Decimal(candle[3]) <= Decimal(ticker["last"]) <= Decimal(candle[2])
    assert Decimal(ticker["low24h"]) <= Decimal(candle[3])
    assert Decimal(candle[2]) <= Decimal(ticker["high24h"])


def test_candles_are_contiguous_and_paged_exclusively(bench: Any) -> None:
    def rows(more: str) -> list[list[str]]:
        target = f"/api/v5/market/candles?instId=BTC-USDT-SWAP&bar=5m&limit=10{more}"
        return list(json.loads(bench.send("GET", target, signed=False).body)["data"])

    newest = rows("")
    stamps = [int(row[0]) for row in newest]
    assert [a - b for a, b in pairwise(stamps)] == [300_000] * 9
    assert [row[8] for row in newest] == ["0"] + ["1"] * 9
    older = rows(f"&after={stamps[-1]}")
    assert int(older[0][0]) == stamps[-1] - 300_000
    newer = rows(f"&before={stamps[3]}")
    assert [int(row[0]) for row in newer] == stamps[:3]
    daily = json.loads(bench.send("GET", "/api/v5/market/candles?instId=BTC-USDT&bar=1D", signed=False).body)["data"]
    assert int(daily[0][0]) % 86_400_000 == 16 * 3_600_000


TARGETS = (
    "public/time", "public/instruments?instType=SWAP", "market/books?instId=ETH-USDT&sz=30",
    "market/tickers?instType=SPOT",
    "market/candles?instId=BTC-USDT", "public/funding-rate?instId=ANY", "market/trades?instId=DOGE-USDT",
)  # fmt: skip


def test_same_seed_and_time_give_the_same_bytes_and_another_seed_others(make_bench: Any) -> None:
    def everything(seed: int) -> list[bytes]:
        bench = make_bench(seed)
        public = [bench.send("GET", f"/api/v5/{target}", signed=False).body for target in TARGETS]
        return [*public, *(bench.send("GET", f"/api/v5/account/{name}").body for name in ("config", "balance"))]

    first = everything(11)
    assert first == everything(11)
    other = everything(12)
    assert first[2:] != other[2:]
    assert make_bench(11).exchange.credentials().api_key != make_bench(12).exchange.credentials().api_key


def test_instruments_have_awkward_figures_and_demo_has_others(bench: Any) -> None:
    def listed(environment: str, kind: str) -> dict[str, Any]:
        headers = {"x-simulated-trading": "1"} if environment == "demo" else {}
        target = f"/api/v5/public/instruments?instType={kind}"
        reply = bench.send("GET", target, signed=False, change=lambda h: h.update(headers))
        return {row["instId"]: row for row in json.loads(reply.body)["data"]}

    live, demo = listed("live", "SPOT"), listed("demo", "SPOT")
    assert live["BABYDOGE-USDT"]["tickSz"] == "0.000000000001"
    assert live["YFI-USDT"]["tickSz"] == "1"
    assert demo["ATOM-USDT"]["tickSz"] == "0.005"
    assert demo["TESTING4-USDT"]["tickSz"] == ""
    assert demo["TESTING4-USDT"]["instIdCode"] is None
    both = live.keys() & demo.keys()
    assert all(live[name]["instIdCode"] != demo[name]["instIdCode"] for name in both)
    codes = [row["instIdCode"] for kind in ("SPOT", "SWAP", "FUTURES") for row in listed("live", kind).values()]
    assert len(codes) == len(set(codes))
    for row in (*live.values(), *listed("live", "SWAP").values()):
        assert Fraction(row["minSz"]) % Fraction(row["lotSz"]) == 0
        assert isinstance(row["futureSettlement"], bool)
        assert isinstance(row["upcChg"], list)


@settings(max_examples=200, deadline=None)
@given(
    step=st.sampled_from(["0.1", "0.5", "5", "0.0005", "0.000000000001", "1", "0.0002"]),
    text=st.decimals(min_value=0, max_value=10**9, places=12, allow_nan=False),
)
def test_grids_agree_with_fractions(step: str, text: Decimal) -> None:
    from okxdoctor.exchange.core.decimals import grid

    it, value, tick = grid(step), Fraction(text), Fraction(step)
    assert it.floor(text) == value // tick
    assert it.index(text) == (value / tick if (value / tick).denominator == 1 else None)
    assert Fraction(it.text(it.floor(text))) == value // tick * tick
    assert "E" not in it.text(it.floor(text))


@settings(max_examples=25, deadline=None)
@given(slot=SLOTS, at=st.integers(1, 599), factor=st.sampled_from([0.25, 0.97, 1.04, 30.0]))
def test_a_move_leaves_the_past_alone_and_lies_within_its_candle(slot: int, at: int, factor: float) -> None:
    still, it = market("BTC-USDT"), market("BTC-USDT")
    it.moves.move(slot + at, factor)
    trades = [it.trade(slot + k) for k in range(600)]
    assert trades[:at] == [still.trade(slot + k) for k in range(at)]
    for k in (at, 599):
        moved = Fraction(it.tick.text(trades[k].px)) / Fraction(still.tick.text(still.trade(slot + k).px))
        assert abs(moved - Fraction(factor)) < Fraction(factor) / 1_000
    bar = it.bar(slot, slot + 600, slot + 600)
    assert bar.low <= min(trade.px for trade in trades)
    assert max(trade.px for trade in trades) <= bar.high
    bids, asks = it.bids(slot + at, 50), it.asks(slot + at, 50)
    assert bids[0][0] < asks[0][0]
    it.moves.move(slot, 1.0)
    assert [it.trade(slot + k) for k in range(600)] == [still.trade(slot + k) for k in range(600)]


@pytest.mark.parametrize("inst_id", ["BTC-USDT", "ETH-BTC", "BTC-USDT-SWAP", "BTC-USD-SWAP", "?BTC-USD", "?BTC-USD_UM"])
def test_a_level_of_every_book_is_worth_some_thousand_dollars(bench: Any, inst_id: str) -> None:
    """Whatever the price is in: a pair priced in BTC is no deeper than one priced in USDT."""
    venue = bench.exchange.venue("global", "live")
    if inst_id.startswith("?"):
        inst_id = next(inst.id for inst in venue.of_type("OPTION") if inst.listing.family == inst_id[1:])

    def get(target: str) -> Any:
        return json.loads(bench.send("GET", f"/api/v5/{target}", signed=False).body)["data"]

    listing, bitcoin = venue.instrument(inst_id).listing, Fraction(get("market/ticker?instId=BTC-USDT")[0]["last"])
    worth = []
    for px, size, *_ in get(f"market/books?instId={inst_id}&sz=100")[0]["bids"]:
        if listing.ct_type == "inverse" and listing.inst_type == "SWAP":
            worth.append(Fraction(size) * Fraction(listing.ct_val))
            continue
        value = Fraction(px) * Fraction(size) * Fraction(listing.ct_val or 1) * Fraction(listing.ct_mult or 1)
        worth.append(value * (bitcoin if "BTC" in (listing.quote, listing.settle) else 1))
    assert 200 < sum(worth) / len(worth) < 20_000
