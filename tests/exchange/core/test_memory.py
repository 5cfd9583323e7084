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


def test_expired_contracts_are_known_as_long_as_histories_tell_of_them(bench: Any) -> None:
    """An order of an expired contract is refused as such for three months; then nobody knows the name any more."""
    venue = bench.exchange.venue("global", "live")
    first = min(venue.of_type("FUTURES"), key=lambda inst: inst.listing.expiry_ms or 0)
    order = {"instId": first.id, "tdMode": "cross", "side": "buy", "ordType": "limit", "px": "1", "sz": "1"}

    def refusal() -> str:
        placed = json.loads(bench.send("POST", "/api/v5/trade/order", json.dumps(order)).body)
        return str(placed["data"][0]["sCode"])

    bench.advance(first.listing.expiry_ms - bench.now_ms + 1_000)
    assert refusal() == "51027"
    bench.advance(80 * 86_400_000)
    assert refusal() == "51027"
    bench.advance(20 * 86_400_000)
    assert refusal() == "51001"


def test_the_list_of_expired_contracts_does_not_grow_for_ever(bench: Any) -> None:
    venue = bench.exchange.venue("global", "live")
    kept: list[int] = []
    for _ in range(60):
        bench.advance(7 * 86_400_000)
        bench.send("GET", "/api/v5/account/config")
        kept.append(len(venue._gone))
    assert max(kept[:14]) > 0
    assert max(kept[30:]) <= max(kept[:30])


def test_an_order_that_is_still_open_keeps_its_contract(bench: Any) -> None:
    """Nothing ends an order of an instrument that no longer exists by circumstance; its contract stays known."""
    venue = bench.exchange.venue("global", "live")
    first = min(venue.of_type("FUTURES"), key=lambda inst: inst.listing.expiry_ms or 0)
    rows = json.loads(bench.send("GET", f"/api/v5/market/books?instId={first.id}&sz=300").body)["data"][0]["bids"]
    order = {"instId": first.id, "tdMode": "cross", "side": "buy", "ordType": "post_only", "px": rows[-1][0], "sz": "1"}
    placed = json.loads(bench.send("POST", "/api/v5/trade/order", json.dumps(order)).body)["data"][0]
    assert placed["sCode"] == "0"
    bench.put(f"instrument-unknown={first.id}")
    bench.advance(first.listing.expiry_ms - bench.now_ms + 1_000)
    bench.send("GET", "/api/v5/account/config")
    bench.put()
    for _ in range(15):
        bench.advance(7 * 86_400_000)
        bench.send("GET", "/api/v5/account/config")
    reply = bench.send("POST", "/api/v5/trade/cancel-order", json.dumps({"instId": first.id, "ordId": placed["ordId"]}))
    assert json.loads(reply.body)["data"][0]["sCode"] in ("0", "51400")
