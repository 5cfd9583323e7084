"""Sliding windows against a list of all times, and what is dropped when there are too many of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okxdoctor.exchange.core import limits
from okxdoctor.exchange.core.limits import IDLE_MS, Budget, Ledger, Pressure, allowance, budgets, per


@given(
    st.lists(st.tuples(st.integers(0, 700), st.integers(1, 3)), max_size=40), st.integers(1, 6),
    st.sampled_from([0.0, 0.1, 0.5]),
)  # fmt: skip
def test_a_window_holds_what_was_spent_in_it(steps: list[tuple[int, int]], limit: int, slack: float) -> None:
    ledger, budget, spent, now = Ledger(), Budget(limit, 1_000), [], 10_000
    for pause, cost in steps:
        now += pause
        inside = sum(now - at < 1_000 for at in spent)
        assert ledger.used(("a",), budget, now) == inside
        fits = inside + cost <= limit + int(limit * slack)
        assert ledger.take(("a",), budget, now, cost=cost, slack=slack) == fits
        spent += [now] * cost * fits


def test_a_clock_that_was_put_back_leaves_no_debt() -> None:
    ledger, once = Ledger(), per(1, 2)
    assert ledger.take(("a",), once, 50_000)
    assert ledger.take(("a",), once, 20_000)
    assert not ledger.take(("a",), once, 20_001)
    assert ledger.used(("a",), once, 10_000) == 0


@pytest.mark.parametrize(
    ("owner", "pressure", "left"),
    [
        ("ip", Pressure(), 20), ("ip", Pressure(foreign=0.75), 5), ("user", Pressure(foreign=0.75), 20),
        ("ip", Pressure(factor=0.5), 10), ("user", Pressure(factor=0.5), 10), ("ip", Pressure(factor=2.0), 40),
        ("ip", Pressure(factor=0.5, foreign=0.5), 5), ("ip", Pressure(foreign=1.0), 0),
    ],
)  # fmt: skip
def test_what_circumstances_leave_of_a_budget(owner: str, pressure: Pressure, left: int) -> None:
    budget = per(20, 2, owner)
    assert allowance(budget, pressure) == left
    ledger = Ledger()
    assert sum(ledger.take(("a",), budget, 1_000, pressure) for _ in range(50)) == left


def test_idle_windows_go_first_and_then_those_of_longest_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_WINDOWS", 10)
    budget, now = per(1, 2), 10 * IDLE_MS

    def full(*ages_ms: int) -> Ledger:
        ledger = Ledger()
        for age in sorted(ages_ms, reverse=True):
            assert ledger.take((str(age),), budget, now - age)
        return ledger

    def kept(ledger: Ledger) -> set[str]:
        assert ledger.take(("new",), budget, now)
        return {key[0] for key in ledger._windows} - {"new"}

    fresh = range(0, 700, 100)
    assert kept(full(*fresh)) == {str(age) for age in fresh}, "there is room for one more"
    idle = (IDLE_MS + 1, IDLE_MS + 2, IDLE_MS + 3, IDLE_MS + 4, IDLE_MS + 5, IDLE_MS + 6)
    assert kept(full(*idle, 1, 2, 3, IDLE_MS)) == {"1", "2", "3", str(IDLE_MS)}
    assert kept(full(*range(10))) == {"0", "1", "2", "3", "4"}, "the newest half"


def test_a_batch_counts_by_its_orders_where_the_documentation_says_so() -> None:
    table = budgets()
    assert table["POST", "/api/v5/trade/batch-orders"].orders
    assert not table["POST", "/api/v5/trade/order"].orders
    assert not table["GET", "/api/v5/market/ticker"].orders
