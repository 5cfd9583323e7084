"""Request budgets and the sliding windows that enforce them.

The figures are those of the documentation, read from the endpoint table (``knowledge``). A budget is counted for a
scope: the address that the exchange sees, or the user id, sometimes together with an instrument, its type or family,
a currency or a tag. The window slides; the real edge is not exact, so a choice of the operator can admit some share
more.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from okxdoctor.knowledge.endpoint_table import EndpointRow, endpoints

_DETAILS = {
    "": "", "Instrument ID": "inst", "Instrument Type": "type", "Instrument Family": "family", "Currency": "ccy",
    "tag": "tag", "Instrument Type + Instrument Family": "family",
}  # fmt: skip
_OWNERS = {"IP": "ip", "User ID": "user", "User ID (main account)": "main", "User ID or IP": "user"}


class Budget(NamedTuple):
    """``limit`` requests in ``window_ms`` for each ``owner`` (ip, user, main) and each value of ``detail``.

    ``detail`` is '', inst, type, family, ccy or tag; ``options`` replaces it for options where it is not ''.
    ``orders``: each order of a batch counts.
    """

    limit: int
    window_ms: int
    owner: str = "ip"
    detail: str = ""
    options: str = ""
    orders: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressure:
    """What the circumstances do to budgets.

    ``foreign`` is the share of each address budget that others behind the same address use up;
    ``factor`` scales every limit away from the documented one.
    """

    foreign: float = 0.0
    factor: float = 1.0


NO_PRESSURE = Pressure()
MOST_WINDOWS = 20_000
IDLE_MS = 3_600_000
"""Windows that nobody has spent of for so long go first when there are too many."""


class Ledger:
    """Sliding windows of all budgets. Times are virtual milliseconds."""

    __slots__ = ("_windows",)

    def __init__(self) -> None:
        self._windows: dict[tuple[str, ...], deque[int]] = {}

    def __len__(self) -> int:
        return len(self._windows)

    def take(
        self, key: tuple[str, ...], budget: Budget, now_ms: int, pressure: Pressure = NO_PRESSURE, cost: int = 1,
        slack: float = 0.0,
    ) -> bool:  # fmt: skip
        """Spend ``cost`` of a budget; False, and nothing spent, when it does not fit into the window.

        ``slack`` is the share beyond the limit that fits all the same.
        """
        window = self._windows.get(key)
        if window is None:
            if len(self._windows) >= MOST_WINDOWS:
                self._make_room(now_ms)
            window = self._windows[key] = deque()
        oldest = now_ms - budget.window_ms
        while window and (window[0] <= oldest or window[0] > now_ms):
            window.popleft()
        limit = allowance(budget, pressure)
        if slack:
            limit += int(limit * slack)
        if len(window) + cost > limit:
            return False
        window.extend([now_ms] * cost)
        return True

    def used(self, key: tuple[str, ...], budget: Budget, now_ms: int) -> int:
        """How much of the window is spent."""
        return sum(1 for at in self._windows.get(key, ()) if now_ms - budget.window_ms < at <= now_ms)

    def forget(self, key: tuple[str, ...]) -> None:
        """Nobody will spend of this window any more."""
        self._windows.pop(key, None)

    def _make_room(self, now_ms: int) -> None:
        """Drop what is idle; if that is too little, those that were spent of longest ago, until half is free."""
        kept = [key for key, window in self._windows.items() if window and window[-1] >= now_ms - IDLE_MS]
        if len(kept) > MOST_WINDOWS // 2:
            kept.sort(key=lambda key: self._windows[key][-1])
            del kept[: len(kept) - MOST_WINDOWS // 2]
        self._windows = {key: self._windows[key] for key in kept}


def allowance(budget: Budget, pressure: Pressure) -> int:
    """Requests left for one's own in an empty window."""
    limit = int(budget.limit * pressure.factor)
    if budget.owner == "ip":
        limit -= int(limit * pressure.foreign)
    return limit


def per(limit: int, seconds: int, owner: str = "ip") -> Budget:
    return Budget(limit, seconds * 1000, owner)


def _budget(row: EndpointRow) -> Budget:
    owner, _, detail = row.scope.partition(" + ")
    _, _, options = row.option_scope.partition(" + ")
    return Budget(
        limit=row.limit, window_ms=row.per_seconds * 1000, owner=_OWNERS[owner], detail=_DETAILS[detail],
        options=_DETAILS[options], orders=row.unit == "order",
    )  # fmt: skip


@cache
def budgets() -> dict[tuple[str, str], Budget]:
    """Every documented budget, by method and path."""
    return {(row.method, row.path): _budget(row) for row in endpoints()}


SUBACCOUNT_ORDERS = Budget(1000, 2000, "user")
"""New and amended orders of one sub-account; beyond it 50061."""
