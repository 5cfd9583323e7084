"""The documented budget that one request spends: how many, in which window, counted by what."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qs

from okxdoctor.knowledge.endpoint_table import endpoint

# Scopes as the documentation words them, and the query parameter that divides the budget.
_DIVIDERS = {
    "Instrument ID": "instId",
    "Instrument Type": "instType",
    "Instrument Family": "instFamily",
    "Currency": "ccy",
    "tag": "tag",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """``limit`` requests in ``window_s`` for each ``scope``; ``bucket``: the instrument, its type … that divides it."""

    limit: int
    window_s: float
    scope: str
    bucket: str


def budget_of(method: str, request_path: str) -> Budget | None:
    """What a request with this path and query is counted for; None where no budget is known."""
    path, _, query = request_path.partition("?")
    row = endpoint(method, path)
    if row is None:
        return None
    given = parse_qs(query)
    parts = [given.get(name, [""])[0] for words, name in _DIVIDERS.items() if words in row.scope.split(" + ")]
    return Budget(
        limit=row.limit, window_s=float(row.per_seconds), scope=row.scope, bucket=" ".join(filter(None, parts))
    )
