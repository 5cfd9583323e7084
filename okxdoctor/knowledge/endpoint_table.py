"""REST endpoints of API v5 and their documented request budgets (`data/endpoints.json`)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from okxdoctor.knowledge import store

SCOPES = (
    "IP",
    "IP + Instrument ID",
    "IP + Instrument Type",
    "IP + Instrument Family",
    "IP + Instrument Type + Instrument Family",
    "User ID",
    "User ID + Instrument ID",
    "User ID + Instrument Type",
    "User ID + Instrument Family",
    "User ID + Currency",
    "User ID + tag",
    "User ID (main account)",
    "User ID or IP",
)
"""What a budget is counted by. Each sub-account is a user of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointRow:
    """One endpoint: `limit` units within `per_seconds`, counted by `scope`.

    `unit` is request or order (each order of a batch counts). `option_scope` replaces `scope` for options where it
    is not "". `auth`: the call must be signed. `permission` of the key: read, trade, withdraw or None.
    """

    method: str
    path: str
    limit: int
    per_seconds: int
    unit: str
    scope: str
    option_scope: str
    auth: bool
    permission: str | None
    note: str
    source: str
    seen: str
    grade: str


@cache
def _by_name() -> dict[tuple[str, str], EndpointRow]:
    table = store.from_json("endpoints.json")
    origins = table["origins"]
    found: dict[tuple[str, str], EndpointRow] = {}
    for raw in table["endpoints"]:
        origin = origins[raw["origin"]]
        row = EndpointRow(
            method=raw["method"],
            path=raw["path"],
            limit=raw["limit"],
            per_seconds=raw["per_seconds"],
            unit=raw.get("unit", "request"),
            scope=raw["scope"],
            option_scope=raw.get("option_scope", ""),
            auth=raw["auth"],
            permission=raw["permission"],
            note=raw.get("note", ""),
            source=origin["source"],
            seen=origin["seen"],
            grade=origin["grade"],
        )
        if (row.method, row.path) in found:
            raise store.Malformed(f"endpoints.json: {row.method} {row.path} stands twice")
        found[row.method, row.path] = row
    return found


def endpoints() -> tuple[EndpointRow, ...]:
    """Every endpoint, by path and method."""
    return tuple(_by_name().values())


def endpoint(method: str, path: str) -> EndpointRow | None:
    """The row of `GET /api/v5/…` (path without query), None when it is not known."""
    return _by_name().get((method.upper(), path))
