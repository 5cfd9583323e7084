"""Trading statistics agree with what the other endpoints tell of the same market."""

from __future__ import annotations

import itertools
import json
from fractions import Fraction
from typing import Any

import pytest

STAT = "/api/v5/rubik/stat"


def get(bench: Any, target: str) -> Any:
    bench.advance(2_000)
    answer = json.loads(bench.send("GET", target, signed=False).body)
    assert answer["code"] == "0", answer
    return answer["data"]


@pytest.mark.parametrize(("unit", "column"), [("1", 5), ("0", 6), ("2", 7)])
def test_takers_have_traded_what_the_candles_say(bench: Any, unit: str, column: int) -> None:
    rows = get(bench, f"{STAT}/taker-volume-contract?instId=BTC-USDT-SWAP&period=1H&unit={unit}&limit=20")
    candles = get(bench, "/api/v5/market/candles?instId=BTC-USDT-SWAP&bar=1H&limit=20")
    assert [row[0] for row in rows] == [row[0] for row in candles]
    # The last one goes on.
    for (_, sold, bought), candle in zip(rows[1:], candles[1:], strict=True):
        assert Fraction(sold) + Fraction(bought) == Fraction(candle[column])
        assert min(Fraction(sold), Fraction(bought)) > 0
    assert len({Fraction(sold) > Fraction(bought) for _, sold, bought in rows}) == 2


def test_volumes_of_a_currency_are_those_of_its_markets(bench: Any) -> None:
    spot = get(bench, f"{STAT}/taker-volume?ccy=ETH&instType=SPOT&period=1D")
    names = [row["instId"] for row in get(bench, "/api/v5/public/instruments?instType=SPOT")]
    days = [get(bench, f"/api/v5/market/candles?instId={name}&bar=1D") for name in names if name.startswith("ETH-")]
    for k in (1, 2, 50):
        assert Fraction(spot[k][1]) + Fraction(spot[k][2]) == sum(Fraction(rows[k][5]) for rows in days)
    assert len(spot) == 180


def test_open_interest_ends_in_what_is_open_now(bench: Any) -> None:
    rows = get(bench, f"{STAT}/contracts/open-interest-history?instId=BTC-USDT-SWAP&period=5m")
    (now,) = get(bench, "/api/v5/public/open-interest?instType=SWAP&instId=BTC-USDT-SWAP")
    assert len(rows) == 100
    assert rows[0][1:3] == [now["oi"], now["oiCcy"]]
    assert len({row[3] for row in rows}) > 50  # what it is worth goes with the price


@pytest.mark.parametrize(
    ("name", "period", "rows"),
    [("contracts/open-interest-volume", "1H", 720), ("margin/loan-ratio", "5m", 576),
     ("contracts/long-short-account-ratio", "1D", 180)],
)  # fmt: skip
def test_how_far_back(bench: Any, name: str, period: str, rows: int) -> None:
    found = get(bench, f"{STAT}/{name}?ccy=BTC&period={period}")
    stamps = [int(row[0]) for row in found]
    assert stamps == sorted(stamps, reverse=True)
    assert len(found) == rows
    length = {"5m": 300_000, "1H": 3_600_000, "1D": 86_400_000}[period]
    assert {one - two for one, two in itertools.pairwise(stamps)} == {length}
    assert all(float(each) > 0 for row in found for each in row)


def test_pages(bench: Any) -> None:
    target = f"{STAT}/contracts/long-short-account-ratio-contract?instId=BTC-USDT-SWAP&period=5m"
    rows = get(bench, f"{target}&limit=50")
    older = get(bench, f"{target}&limit=10&end={rows[9][0]}")
    assert older == rows[9:19]
    assert get(bench, f"{target}&begin={rows[9][0]}") == rows[:10]
    assert get(bench, f"{target}&end=0") == []


def test_the_coins_that_are_told_of(bench: Any) -> None:
    coins = get(bench, f"{STAT}/trading-data/support-coin")
    assert set(coins) == {"contract", "option", "spot"}
    for ccy in coins["contract"]:
        assert get(bench, f"{STAT}/taker-volume?ccy={ccy}&instType=CONTRACTS&period=1D")


def test_figures_of_options_are_those_of_their_contracts(bench: Any) -> None:
    """In coins; the ratio is calls to puts (measured on the wire by another program, 2026-09)."""
    rows = get(bench, f"{STAT}/option/open-interest-volume?ccy=BTC")
    ratios = get(bench, f"{STAT}/option/open-interest-volume-ratio?ccy=BTC")
    assert [row[0] for row in rows] == [row[0] for row in ratios]
    assert len(rows) == 72
    assert {int(a[0]) - int(b[0]) for a, b in itertools.pairwise(rows)} == {8 * 3_600_000}
    sides = {"C": Fraction(0), "P": Fraction(0)}
    for family in ("BTC-USD", "BTC-USD_UM"):
        for row in get(bench, f"/api/v5/public/open-interest?instType=OPTION&instFamily={family}"):
            sides[row["instId"][-1]] += Fraction(row["oiCcy"])
    assert abs(Fraction(rows[0][1]) - sum(sides.values())) < Fraction(1, 1_000)
    assert abs(Fraction(ratios[0][1]) - sides["C"] / sides["P"]) < Fraction(1, 1_000)
    days = get(bench, f"{STAT}/option/open-interest-volume?ccy=BTC&period=1D")
    # Days begin at 16:00 UTC, as those of candles do.
    assert {int(row[0]) % 86_400_000 for row in days} == {16 * 3_600_000}
    # A day is its three parts.
    day = [Fraction(row[2]) for row in rows if int(days[1][0]) <= int(row[0]) < int(days[0][0])]
    assert len(day) == 3
    assert abs(sum(day) / Fraction(days[1][2]) - 1) < Fraction(1, 100)
    for wrong in ("ccy=SOL", "ccy=BTC&period=5m"):
        bench.advance(2_000)
        answer = json.loads(bench.send("GET", f"{STAT}/option/open-interest-volume?{wrong}", signed=False).body)
        assert answer["code"] == "51000"
