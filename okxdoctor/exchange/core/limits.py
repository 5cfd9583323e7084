"""Documented request budgets of the endpoints served here, and the windows that enforce them.

Figures: documentation of 2025-11 and 2026-07 (grade documented). A budget is counted for a scope: the
address that the exchange sees, or the user id, sometimes together with an instrument. The window slides;
the real edge is not exact, so ``slack`` admits that share more.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

Scope = Literal["ip", "ip+type", "ip+inst", "ip+family", "user", "user+type", "user+inst", "user+ccy"]


class Budget(NamedTuple):
    """``limit`` requests (orders, for batches) in ``window_ms`` for each value of ``scope``."""

    limit: int
    window_ms: int
    scope: Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressure:
    """What the circumstances do to budgets.

    ``foreign`` is the share of each address budget that others behind the same address use up;
    ``factor`` scales every limit away from the documented one.
    """

    foreign: float = 0.0
    factor: float = 1.0


NO_PRESSURE = Pressure()


class Ledger:
    """Sliding windows of all budgets. Times are virtual milliseconds."""

    __slots__ = ("_windows",)

    def __init__(self) -> None:
        self._windows: dict[tuple[str, ...], deque[int]] = {}

    def take(
        self, key: tuple[str, ...], budget: Budget, now_ms: int, pressure: Pressure = NO_PRESSURE, cost: int = 1
    ) -> bool:
        """Spend ``cost`` of a budget; False, and nothing spent, when it does not fit into the window."""
        window = self._windows.get(key)
        if window is None:
            if len(self._windows) > 20_000:
                self._forget(now_ms)
            window = self._windows[key] = deque()
        oldest = now_ms - budget.window_ms
        while window and (window[0] <= oldest or window[0] > now_ms):
            window.popleft()
        if len(window) + cost > allowance(budget, pressure):
            return False
        window.extend([now_ms] * cost)
        return True

    def used(self, key: tuple[str, ...], budget: Budget, now_ms: int) -> int:
        """How much of the window is spent."""
        return sum(1 for at in self._windows.get(key, ()) if now_ms - budget.window_ms < at <= now_ms)

    def _forget(self, now_ms: int) -> None:
        for key in list(self._idle(now_ms)):
            del self._windows[key]

    def _idle(self, now_ms: int) -> Iterator[tuple[str, ...]]:
        for key, window in self._windows.items():
            if not window or window[-1] < now_ms - 3_600_000:
                yield key


def allowance(budget: Budget, pressure: Pressure) -> int:
    """Requests left for one's own in an empty window."""
    limit = int(budget.limit * pressure.factor)
    if budget.scope.startswith("ip"):
        limit -= int(limit * pressure.foreign)
    return limit


def per(limit: int, seconds: int, scope: Scope) -> Budget:
    return Budget(limit, seconds * 1000, scope)


BUDGETS: dict[tuple[str, str], Budget] = {
    ("GET", "/api/v5/public/time"): per(10, 2, "ip"),
    ("GET", "/api/v5/public/instruments"): per(20, 2, "ip+type"),
    ("GET", "/api/v5/public/instrument-tick-bands"): per(5, 2, "ip"),
    ("GET", "/api/v5/public/price-limit"): per(20, 2, "ip"),
    ("GET", "/api/v5/public/mark-price"): per(10, 2, "ip+inst"),
    ("GET", "/api/v5/public/funding-rate"): per(10, 2, "ip+inst"),
    ("GET", "/api/v5/public/open-interest"): per(20, 2, "ip+inst"),
    ("GET", "/api/v5/market/ticker"): per(20, 2, "ip"),
    ("GET", "/api/v5/market/tickers"): per(20, 2, "ip"),
    ("GET", "/api/v5/market/books"): per(40, 2, "ip"),
    ("GET", "/api/v5/market/trades"): per(100, 2, "ip"),
    ("GET", "/api/v5/market/candles"): per(40, 2, "ip"),
    ("GET", "/api/v5/market/history-candles"): per(20, 2, "ip"),
    ("GET", "/api/v5/market/index-tickers"): per(20, 2, "ip"),
    ("GET", "/api/v5/system/status"): per(1, 5, "ip"),
    ("GET", "/api/v5/support/announcements"): per(5, 2, "ip"),
    ("GET", "/api/v5/support/announcement-types"): per(1, 2, "ip"),
    ("GET", "/api/v5/account/config"): per(5, 2, "user"),
    ("GET", "/api/v5/account/balance"): per(10, 2, "user"),
    ("GET", "/api/v5/account/positions"): per(10, 2, "user"),
    ("GET", "/api/v5/account/instruments"): per(20, 2, "user+type"),
    ("GET", "/api/v5/account/trade-fee"): per(5, 2, "user"),
    ("GET", "/api/v5/account/leverage-info"): per(20, 2, "user"),
    ("GET", "/api/v5/account/max-size"): per(20, 2, "user"),
    ("GET", "/api/v5/account/max-avail-size"): per(20, 2, "user"),
    ("POST", "/api/v5/account/set-leverage"): per(20, 2, "user"),
    ("POST", "/api/v5/account/set-position-mode"): per(5, 2, "user"),
    ("GET", "/api/v5/asset/currencies"): per(6, 1, "user"),
    ("GET", "/api/v5/asset/balances"): per(6, 1, "user"),
    ("POST", "/api/v5/asset/transfer"): per(2, 1, "user+ccy"),
    ("GET", "/api/v5/asset/transfer-state"): per(10, 1, "user"),
    ("GET", "/api/v5/trade/account-rate-limit"): per(1, 1, "user"),
    ("POST", "/api/v5/trade/order-precheck"): per(5, 2, "user"),
    ("POST", "/api/v5/trade/order"): per(60, 2, "user+inst"),
    ("POST", "/api/v5/trade/batch-orders"): per(300, 2, "user+inst"),
    ("POST", "/api/v5/trade/cancel-order"): per(60, 2, "user+inst"),
    ("POST", "/api/v5/trade/cancel-batch-orders"): per(300, 2, "user+inst"),
    ("POST", "/api/v5/trade/amend-order"): per(60, 2, "user+inst"),
    ("POST", "/api/v5/trade/amend-batch-orders"): per(300, 2, "user+inst"),
    ("GET", "/api/v5/trade/order"): per(60, 2, "user+inst"),
    ("GET", "/api/v5/trade/orders-pending"): per(60, 2, "user"),
    ("GET", "/api/v5/trade/orders-history"): per(40, 2, "user"),
    ("GET", "/api/v5/trade/fills"): per(60, 2, "user"),
    ("GET", "/api/v5/trade/fills-history"): per(10, 2, "user"),
}
"""By method and path."""

SUBACCOUNT_ORDERS = Budget(1000, 2000, "user")
"""New and amended orders of one sub-account; beyond it 50061."""
