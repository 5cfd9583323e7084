"""What is forgotten is gone at once: histories leave nothing behind that only the garbage collector would find."""

from __future__ import annotations

import json
from typing import Any

import pytest

from okxdoctor.exchange.core import accounts, orders
from okxdoctor.exchange.core.limits import MOST_WINDOWS, Ledger, per
from okxdoctor.exchange.core.wsproto import OPERATIONS, Session


def trade(bench: Any, **order: str) -> None:
    """An order at the market's price, and one that is canceled."""
    bench.advance(200)
    given = {"ordType": "market", **order}
    placed = json.loads(bench.send("POST", "/api/v5/trade/order", json.dumps(given)).body)
    assert placed["code"] == "0", placed


@pytest.mark.parametrize(
    "order",
    [
        {"instId": "BTC-USDT", "tdMode": "cash", "sz": "0.001", "tgtCcy": "base_ccy"},
        {"instId": "BTC-USDT-SWAP", "tdMode": "cross", "sz": "0.1"},
    ],
    ids=["spot", "swap"],
)  # fmt: skip
def test_forgotten_orders_are_gone(
    make_bench: Any, monkeypatch: pytest.MonkeyPatch, uncollected: Any, order: dict[str, str]
) -> None:
    monkeypatch.setattr(orders, "KEPT", 5)
    monkeypatch.setattr(accounts, "BILLS", 5)
    bench = make_bench()
    for _ in range(10):
        for side in ("buy", "sell"):
            trade(bench, side=side, **order)
    uncollected()
    for _ in range(20):
        for side in ("buy", "sell"):
            trade(bench, side=side, **order)
    left = uncollected()
    assert not {"Order", "Fill", "Bill", "Event", "Decimal", "Request"} & left.keys(), left


def test_a_connection_that_has_ended_leaves_no_window(bench: Any) -> None:
    exchange = bench.exchange
    before = len(exchange.ledger)
    for number in range(50):
        session = Session(
            exchange=exchange, venue=exchange.venue("global", "live"), path="public", peer="::1", conn_id=str(number)
        )  # fmt: skip
        args = [{"channel": "tickers", "instId": "BTC-USDT"}]
        assert session.receive(json.dumps({"op": "subscribe", "args": args}))
        session.end()
    assert len(exchange.ledger) == before


def test_windows_have_a_bound_also_while_they_are_in_use() -> None:
    """An hour's window of every connection is spent within seconds: the oldest go, the newest stay."""
    ledger = Ledger()
    most = 0
    for number in range(60_000):
        assert ledger.take(("ws", str(number)), OPERATIONS, 1_000_000 + number // 100)
        most = max(most, len(ledger))
    assert most <= MOST_WINDOWS
    assert ledger.used(("ws", "59999"), OPERATIONS, 1_000_600) == 1
    once = per(1, 2)
    assert ledger.take(("a",), once, 2_000_000)
    assert not ledger.take(("a",), once, 2_000_001)
