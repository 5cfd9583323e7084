"""Whatever a client does, the books balance: money moves by fills alone, frozen money stands behind open orders."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

SPOT = ("BTC-USDT", "ETH-USDT", "ETH-BTC")


class Trading(RuleBasedStateMachine):
    """Trades, cancels, amends and lets time pass on one account's spot markets."""

    make_bench: Any = None

    def __init__(self) -> None:
        super().__init__()
        self.bench = Trading.make_bench()
        key = self.bench.exchange.credentials().api_key
        self.venue = self.bench.exchange.venue("global", "live")
        self.account = self.venue.accounts[self.bench.exchange.sites["global"].keys[key].uid]
        self.start = {ccy: held.cash for ccy, held in self.account.balances.items()}
        self.ids: set[str] = set()

    def post(self, path: str, body: object) -> Any:
        self.bench.advance(50)
        return json.loads(self.bench.send("POST", f"/api/v5/trade/{path}", json.dumps(body)).body)

    @rule(
        inst=st.sampled_from(SPOT),
        side=st.sampled_from(["buy", "sell"]),
        kind=st.sampled_from(["limit", "market", "post_only", "ioc", "fok", "optimal_limit_ioc"]),
        away=st.integers(-30, 30),
        lots=st.integers(1, 40),
        quote=st.booleans(),
    )
    def order(self, inst: str, side: str, kind: str, away: int, lots: int, quote: bool) -> None:
        market = self.venue.market(self.venue.instrument(inst))
        bid, _ = market.touch(self.bench.now_ms // 100)
        order = {
            "instId": inst, "tdMode": "cash", "side": side, "ordType": kind, "sz": str(Decimal(lots) / 1000),
            "px": market.tick.text(bid + away * 6), "tgtCcy": "quote_ccy" if quote else "base_ccy",
        }  # fmt: skip
        for item in self.post("order", order)["data"]:
            if item["sCode"] == "0":
                assert item["ordId"] not in self.ids
                self.ids.add(item["ordId"])

    @rule(pick=st.integers(0, 10))
    def cancel(self, pick: int) -> None:
        orders = self.venue.orders.open(self.account.uid)
        if orders:
            one = orders[pick % len(orders)]
            self.post("cancel-order", {"instId": one.inst_id, "ordId": one.order_id})

    @rule(pick=st.integers(0, 10), lots=st.integers(1, 40))
    def amend(self, pick: int, lots: int) -> None:
        orders = self.venue.orders.open(self.account.uid)
        if orders:
            one = orders[pick % len(orders)]
            self.post("amend-order", {"instId": one.inst_id, "ordId": one.order_id, "newSz": str(Decimal(lots) / 1000)})

    @rule(ms=st.sampled_from([100, 5_000, 600_000, 40_000_000]))
    def wait(self, ms: int) -> None:
        self.bench.advance(ms)
        self.bench.send("GET", "/api/v5/trade/orders-pending")

    @invariant()
    def frozen_money_stands_behind_open_orders(self) -> None:
        behind: dict[str, Decimal] = {}
        for order in self.venue.orders.open(self.account.uid):
            assert order.open
            assert order.frozen > 0
            behind[order.frozen_ccy] = behind.get(order.frozen_ccy, Decimal(0)) + order.frozen
        for ccy, held in self.account.balances.items():
            assert held.frozen == behind.get(ccy, Decimal(0)), ccy
            assert held.available >= 0, ccy

    @invariant()
    def money_moves_by_fills_alone(self) -> None:
        expected = dict(self.start)
        for fill in self.venue.orders.fills(self.account.uid):
            base, quote = fill.order.inst_id.split("-")
            sign = 1 if fill.order.side == "buy" else -1
            expected[base] = expected.get(base, Decimal(0)) + sign * fill.size
            expected[quote] = expected.get(quote, Decimal(0)) - sign * fill.size * fill.price
            expected[fill.order.fee_ccy] += fill.fee
        for ccy, held in self.account.balances.items():
            assert abs(held.cash - expected.get(ccy, Decimal(0))) < Decimal("1e-18"), ccy

    @invariant()
    def fills_add_up(self) -> None:
        for order in (*self.venue.orders.open(self.account.uid), *self.venue.orders.finished(self.account.uid)):
            fills = [fill for fill in self.venue.orders.fills(self.account.uid) if fill.order is order]
            assert order.filled == sum((fill.size for fill in fills), Decimal(0))
            assert order.filled <= order.size
            assert (order.state == "filled") == (order.filled == order.size)
            assert order.state != "partially_filled" or order.filled > 0


def test_the_books_balance(make_bench: Any) -> None:
    Trading.make_bench = make_bench
    run_state_machine_as_test(Trading, settings=settings(max_examples=15, stateful_step_count=25, deadline=None))
