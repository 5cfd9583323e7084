"""Spending of request budgets: what one request or one order operation costs, and where.

REST and WebSocket operations spend the same windows; new and amended orders also count for the cap of their
sub-account.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .accounts import KeyRecord
from .exchange import Exchange
from .limits import SUBACCOUNT_ORDERS, Budget, budgets
from .tickets import text
from .venue import Venue

OPERATIONS = {
    "order": "/api/v5/trade/order", "batch-orders": "/api/v5/trade/batch-orders",
    "cancel-order": "/api/v5/trade/cancel-order", "batch-cancel-orders": "/api/v5/trade/cancel-batch-orders",
    "amend-order": "/api/v5/trade/amend-order", "batch-amend-orders": "/api/v5/trade/amend-batch-orders",
    "mass-cancel": "/api/v5/trade/mass-cancel",
}  # fmt: skip
"""WebSocket operations and the REST endpoint whose budget they share."""

_PLACING = frozenset(f"/api/v5/trade/{name}" for name in ("order", "batch-orders", "amend-order", "amend-batch-orders"))
_ASKING = "/api/v5/trade/order-precheck"
UNKNOWN = "?"
"""Names that no instrument has are counted together: they cost no memory of their own."""

Arguments = Mapping[str, object]


class OverBudget(Exception):
    """A budget is spent: code 50011, or 50061 for the order cap of the sub-account."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def spend_request(
    exchange: Exchange, venue: Venue, budget: Budget, method: str, path: str, *, peer: str, key: KeyRecord | None,
    params: Arguments, body: Arguments, items: Sequence[Arguments], now_ms: int,
) -> None:  # fmt: skip
    """Spend what a REST request costs; raises ``OverBudget``."""
    who = peer if budget.owner == "ip" or key is None else key.uid
    if budget.owner == "main" and key is not None:
        who = venue.accounts[key.uid].main_uid
    if budget.detail:
        single = path.replace("batch-orders", "order")
        if len(items) == 1 and single != path:
            # A batch of one order spends the budget of the single endpoint.
            path, budget = single, budgets().get((method, single), budget)
        costs = _costs(venue, budget, items or (body if method == "POST" else params,))
    else:
        costs = {"": 1}
    pressure, slack = exchange.world.budgets.pressure, exchange.options.slack
    for detail, cost in costs.items():
        window = (venue.name, method, path, who, detail)
        if not exchange.ledger.take(window, budget, now_ms, pressure, cost, slack):
            raise OverBudget("50011")
    if key is not None and method == "POST":
        _spend_orders(exchange, venue, key.uid, path, items or (body,), now_ms)


def spend_operation(
    exchange: Exchange, venue: Venue, key: KeyRecord, operation: str, args: Sequence[Arguments], now_ms: int
) -> None:
    """Spend what an order operation over WebSocket costs; raises ``OverBudget``."""
    path = OPERATIONS[operation]
    items = args if "batch" in operation else ()
    spend_request(
        exchange, venue, budgets()["POST", path], "POST", path, peer="", key=key, params={},
        body=args[0] if args else {}, items=items, now_ms=now_ms,
    )  # fmt: skip


def _costs(venue: Venue, budget: Budget, items: Sequence[Arguments]) -> dict[str, int]:
    """How much is spent for which value of the budget's detail."""
    costs: dict[str, int] = {}
    for item in items:
        name = _detail(venue, budget, item)
        costs[name] = costs.get(name, 0) + 1 if budget.orders or name not in costs else costs[name]
    return costs


def _detail(venue: Venue, budget: Budget, item: Arguments) -> str:
    match budget.detail:
        case "inst":
            code = item.get("instIdCode")
            by_code = venue.by_code(code) if isinstance(code, int) and not isinstance(code, bool) else None
            inst = by_code or venue.instruments.get(text(item.get("instId")))
            if inst is None:
                return UNKNOWN if item.get("instId") else ""
            return inst.listing.family if budget.options and inst.type == "OPTION" else inst.id
        case "type":
            return text(item.get("instType"))[:16]
        case "family":
            family = text(item.get("instFamily")) or text(item.get("uly"))
            return f"{text(item.get('instType'))[:16]} {family if family in venue.families else UNKNOWN}"
        case "tag":
            return text(item.get("tag"))[:16]
        case _:
            ccy = text(item.get("ccy"))
            return ccy if ccy in venue.currencies else UNKNOWN


def _spend_orders(
    exchange: Exchange, venue: Venue, uid: str, path: str, items: Sequence[Arguments], now_ms: int
) -> None:
    """The cap on new and amended orders of a sub-account. Spot orders are exempt."""
    placing, asking = path in _PLACING, path == _ASKING
    if not placing and not asking:
        return
    window = ("orders", venue.name, uid)
    ledger = exchange.ledger
    if exchange.world.budgets.orders_spent:
        # The other program's orders go into the same window as everybody's.
        left = SUBACCOUNT_ORDERS.limit - ledger.used(window, SUBACCOUNT_ORDERS, now_ms)
        ledger.take(window, SUBACCOUNT_ORDERS, now_ms, cost=left)
    if asking:
        # That a precheck meets a spent cap, and spends nothing of it, is assumed.
        if ledger.used(window, SUBACCOUNT_ORDERS, now_ms) >= SUBACCOUNT_ORDERS.limit:
            raise OverBudget("50061")
        return
    cost = sum(1 for item in items if not _exempt(venue, item))
    if cost and not ledger.take(window, SUBACCOUNT_ORDERS, now_ms, cost=cost):
        raise OverBudget("50061")


def _exempt(venue: Venue, item: Arguments) -> bool:
    inst = venue.instruments.get(text(item.get("instId")))
    if inst is None:
        code = item.get("instIdCode")
        inst = venue.by_code(code) if isinstance(code, int) and not isinstance(code, bool) else None
    return inst is not None and inst.type == "SPOT"
