"""Documented endpoints of products that this exchange does not have.

Everything before the handler is as everywhere: verb, signature, permission, budget. Lists of things that an account
can only have by using such a product (bots, copies, quotes, stakes) are empty, as they are for every account that
never did; everything else is answered as an endpoint out of service.
"""

from __future__ import annotations

from okxdoctor.knowledge.endpoint_table import endpoints

from .protocol import Refused, Reply, failure, ok
from .rest import Access, Call, Handler

_PERMISSION = {"read": "read_only", "trade": "trade", "withdraw": "withdraw"}

_LISTS = (
    "account/move-positions-history", "account/spot-borrow-repay-history", "asset/convert/history",
    "asset/subaccount/managed-subaccount-bills", "copytrading/current-lead-traders",
    "copytrading/current-subpositions", "copytrading/profit-sharing-details", "copytrading/subpositions-history",
    "copytrading/total-profit-sharing", "copytrading/unrealized-profit-sharing-details",
    "copytrading/lead-traders-history", "fiat/buy-sell/history", "fiat/deposit-order-history",
    "fiat/withdrawal-order-history", "finance/flexible-loan/interest-accrued", "finance/flexible-loan/loan-history",
    "finance/flexible-loan/loan-info", "finance/staking-defi/eth/balance",
    "finance/staking-defi/eth/purchase-redeem-history", "finance/staking-defi/orders-active",
    "finance/staking-defi/orders-history", "finance/staking-defi/sol/balance",
    "finance/staking-defi/sol/purchase-redeem-history", "market/block-tickers", "market/call-auction-details",
    "public/block-trades", "rfq/counterparties", "rfq/public-trades", "rfq/quotes", "rfq/rfqs", "rfq/trades",
    "sprd/orders-history", "sprd/orders-history-archive", "sprd/orders-pending", "sprd/public-trades",
    "sprd/spreads", "sprd/trades", "trade/easy-convert-history", "trade/one-click-repay-history",
    "trade/one-click-repay-history-v2", "tradingBot/grid/orders-algo-history", "tradingBot/grid/orders-algo-pending",
    "tradingBot/recurring/orders-algo-history", "tradingBot/recurring/orders-algo-pending",
    "tradingBot/signal/orders-algo-history", "tradingBot/signal/orders-algo-pending",
    "tradingBot/signal/positions-history", "tradingBot/signal/signals", "users/entrust-subaccount-list",
)  # fmt: skip


def nothing(call: Call) -> Reply:
    """A list that has no rows."""
    del call
    return ok([])


def out_of_service(call: Call) -> Reply:
    """50005 with 410: the code that is documented for an endpoint that cannot be used."""
    del call
    raise Refused(failure(410, "50005", "API endpoint is inactive or unavailable."))


def _table() -> tuple[tuple[str, str, Access, str, Handler], ...]:
    lists = {f"/api/v5/{name}" for name in _LISTS}
    return tuple(
        (
            row.method, row.path, "private" if row.auth else "public", _PERMISSION.get(row.permission or "", ""),
            nothing if row.method == "GET" and row.path in lists else out_of_service,
        )
        for row in endpoints()
    )  # fmt: skip


TABLE = _table()
