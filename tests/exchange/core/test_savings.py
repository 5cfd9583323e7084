"""Simple earn flexible: money of the funding wallet that is lent by the hour."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from okxdoctor.exchange.core.savings import reckon

HOUR = 3_600_000
SAVINGS = "finance/savings"


def ask(bench: Any, method: str, name: str, body: dict[str, str] | None = None) -> dict[str, Any]:
    bench.advance(1_000)
    text = "" if body is None else json.dumps(body)
    answer: dict[str, Any] = json.loads(bench.send(method, f"/api/v5/{name}", text).body)
    return answer


def get(bench: Any, name: str) -> list[dict[str, Any]]:
    answer = ask(bench, "GET", name)
    assert answer["code"] == "0", answer
    found: list[dict[str, Any]] = answer["data"]
    return found


def move(bench: Any, side: str, amount: str, **more: str) -> dict[str, Any]:
    return ask(bench, "POST", f"{SAVINGS}/purchase-redempt", {"ccy": "USDT", "amt": amount, "side": side, **more})


def funds(bench: Any) -> Decimal:
    return Decimal(get(bench, "asset/balances?ccy=USDT")[0]["bal"])


@pytest.fixture
def saver(bench: Any) -> Any:
    """An account with money in its funding wallet."""
    assert ask(bench, "POST", "asset/transfer", {"ccy": "USDT", "amt": "900", "from": "18", "to": "6"})["code"] == "0"
    return bench


def test_money_goes_there_and_back_with_what_it_has_earned(saver: Any) -> None:
    had = funds(saver)
    assert get(saver, f"{SAVINGS}/balance") == []
    assert move(saver, "purchase", "500", rate="0.01")["data"] == [
        {"amt": "500", "ccy": "USDT", "rate": "0.01", "side": "purchase"}
    ]
    assert funds(saver) == had - 500
    assert get(saver, "asset/bills?type=75")[0]["balChg"] == "-500"
    (saved,) = get(saver, f"{SAVINGS}/balance?ccy=USDT")
    assert (saved["amt"], saved["earnings"], saved["loanAmt"], saved["pendingAmt"]) == ("500", "0", "0", "500")
    saver.advance(3 * HOUR)
    rows = get(saver, f"{SAVINGS}/lending-history?ccy=USDT")
    assert len(rows) == 3
    market = {row["ts"]: row["lendingRate"] for row in get(saver, f"{SAVINGS}/lending-rate-history?ccy=USDT")}
    amount = Decimal(500)
    for row in reversed(rows):
        assert row["rate"] == market[row["ts"]]
        assert Decimal(row["amt"]) == amount
        assert abs(Decimal(row["earnings"]) - amount * Decimal(row["rate"]) / 8760) < Decimal("1e-12")
        amount += Decimal(row["earnings"])
    (saved,) = get(saver, f"{SAVINGS}/balance")
    assert Decimal(saved["amt"]) == amount == 500 + Decimal(saved["earnings"])
    assert Decimal(saved["loanAmt"]) + Decimal(saved["pendingAmt"]) == amount
    earn = get(saver, "asset/asset-valuation?ccy=USDT")[0]["details"]["earn"]
    assert abs(Decimal(earn) - amount) < Decimal("0.01")
    assert move(saver, "redempt", saved["amt"])["code"] == "0"
    assert funds(saver) == had + Decimal(saved["earnings"])
    assert get(saver, "asset/bills?type=76")[0]["balChg"] == saved["amt"]
    assert get(saver, f"{SAVINGS}/balance") == []


def test_nothing_is_lent_below_the_rate_that_is_wanted(saver: Any) -> None:
    move(saver, "purchase", "100", rate="3.65")
    saver.advance(5 * HOUR)
    (saved,) = get(saver, f"{SAVINGS}/balance")
    assert (saved["earnings"], saved["pendingAmt"], saved["rate"]) == ("0", "100", "3.65")
    assert get(saver, f"{SAVINGS}/lending-history") == []
    assert ask(saver, "POST", f"{SAVINGS}/set-lending-rate", {"ccy": "USDT", "rate": "0.01"})["data"] == [
        {"ccy": "USDT", "rate": "0.01"}
    ]
    saver.advance(HOUR)
    assert Decimal(get(saver, f"{SAVINGS}/balance")[0]["earnings"]) > 0


def test_a_clock_that_is_set_back_earns_nothing_twice(saver: Any) -> None:
    move(saver, "purchase", "100", rate="0.01")
    saver.advance(2 * HOUR)
    earned = get(saver, f"{SAVINGS}/balance")[0]["earnings"]
    venue = saver.exchange.venue("global", "live")
    (account,) = (each for each in venue.accounts.values() if each.savings)
    reckon(venue, account, saver.now_ms - 2 * HOUR)
    assert get(saver, f"{SAVINGS}/balance")[0]["earnings"] == earned


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"side": "purchase", "amt": "100000"}, "58350"),
        ({"side": "redempt", "amt": "1"}, "58350"),
        ({"side": "purchase", "amt": "1", "ccy": "NOSUCH"}, "58003"),
        ({"side": "purchase", "amt": "1", "rate": "0.009"}, "51000"),
        ({"side": "purchase", "amt": "1", "rate": "3.66"}, "51000"),
        ({"side": "purchase", "amt": "-1"}, "51000"),
        ({"side": "sell", "amt": "1"}, "51000"),
        ({"side": "purchase", "amt": "1", "ccy": ""}, "50014"),
    ],
)
def test_what_is_refused_moves_nothing(saver: Any, body: dict[str, str], code: str) -> None:
    had = funds(saver)
    assert ask(saver, "POST", f"{SAVINGS}/purchase-redempt", {"ccy": "USDT", **body})["code"] == code
    assert funds(saver) == had
    assert get(saver, f"{SAVINGS}/balance") == []


def test_rates_have_pages_and_a_summary(bench: Any) -> None:
    rows = get(bench, f"{SAVINGS}/lending-rate-history?ccy=BTC&limit=30")
    stamps = [int(row["ts"]) for row in rows]
    assert stamps == list(range(stamps[0], stamps[0] - 30 * HOUR, -HOUR))
    assert {row["ccy"] for row in rows} == {"BTC"}
    older = get(bench, f"{SAVINGS}/lending-rate-history?ccy=BTC&limit=5&after={stamps[3]}")
    assert older == rows[4:9]
    newer = get(bench, f"{SAVINGS}/lending-rate-history?ccy=BTC&before={stamps[3]}")
    assert newer == rows[:3]
    every = get(bench, f"{SAVINGS}/lending-rate-history?limit=1")
    assert {row["ts"] for row in every} == {rows[0]["ts"]}
    assert len(every) > 3
    (told,) = get(bench, f"{SAVINGS}/lending-rate-summary?ccy=BTC")
    assert told["preRate"] == rows[0]["rate"]
    mean = sum((Decimal(row["rate"]) for row in rows[:24]), Decimal(0)) / 24
    assert abs(Decimal(told["avgRate"]) - mean) <= Decimal("0.00005")
    assert get(bench, f"{SAVINGS}/lending-rate-history?ccy=BTC&after=1639440000001")[0]["ts"] == "1639440000000"
    assert get(bench, f"{SAVINGS}/lending-rate-history?ccy=BTC&after=1639440000000") == []


def test_what_takes_a_list_elsewhere_is_not_told_that_its_body_is_wrong(bench: Any) -> None:
    for body in ("[{}]", "{}"):
        bench.advance(3_000)
        reply = bench.send("POST", "/api/v5/tradingBot/grid/stop-order-algo", body)
        assert (reply.status, json.loads(reply.body)["code"]) == (410, "50005")
