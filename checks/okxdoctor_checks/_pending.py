from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    limit: int
    per_seconds: float
    scope: str


_ROWS = {
    "GET /api/v5/public/time": Row(10, 2, "IP"),
    "GET /api/v5/system/status": Row(1, 5, "IP"),
    "GET /api/v5/market/ticker": Row(20, 2, "IP"),
    "GET /api/v5/public/instruments": Row(20, 2, "IP + Instrument Type"),
    "GET /api/v5/account/config": Row(5, 2, "User ID"),
    "GET /api/v5/account/balance": Row(10, 2, "User ID"),
    "POST /api/v5/trade/order-precheck": Row(5, 2, "User ID"),
}


def endpoint(method: str, path: str) -> Row | None:
    return _ROWS.get(f"{method} {path}")
