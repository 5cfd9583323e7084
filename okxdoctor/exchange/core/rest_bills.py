"""REST handlers of what has happened to an account: bills of both wallets, closed positions, interest, funds moved."""

from __future__ import annotations

from .bills import QUARTER_MS, WEEK_MS, newest
from .paging import matches, page, wanted
from .protocol import Json, Reply, bad_parameter, ok
from .rest import Call
from .rest_public import TYPES

_FILTERS = ("instType", "instId", "ccy", "mgnMode", "type", "subType")


def _bills(call: Call, back_ms: int) -> Reply:
    """Newest first; ``after``, ``before`` are bill ids."""
    kind = call.params.get("instType", "")
    if kind and kind not in TYPES:
        raise bad_parameter("instType")
    filters, contract = wanted(call, *_FILTERS), call.params.get("ctType", "")
    rows = (bill.row() for bill in newest(call.account, since_ms=call.now_ms - back_ms))
    found = (
        row
        for row in rows
        if matches(row, filters) and (not contract or _contract_type(call, str(row["instId"])) == contract)
    )
    return ok(page(call, found, lambda row: row, cursor=lambda row: int(str(row["billId"])), at_ms=_stamp))


def _contract_type(call: Call, inst_id: str) -> str:
    inst = call.venue.instruments.get(inst_id)
    return "" if inst is None else inst.listing.ct_type


def _stamp(row: dict[str, Json]) -> int:
    return int(str(row["ts"]))


def bills(call: Call) -> Reply:
    """GET account/bills: seven days."""
    return _bills(call, WEEK_MS)


def bills_archive(call: Call) -> Reply:
    """GET account/bills-archive: three months."""
    return _bills(call, QUARTER_MS)


def positions_history(call: Call) -> Reply:
    """GET account/positions-history: positions that are closed, by when they were."""
    kind = call.params.get("type", "")
    if kind and kind not in ("1", "2", "3", "4", "5"):
        raise bad_parameter("type")
    filters = wanted(call, "instType", "instId", "mgnMode", "type", "posId")
    found = (row for row in reversed(call.account.past) if matches(row, filters))
    return ok(page(call, found, lambda row: row, cursor=lambda row: int(str(row["uTime"]))))


def interest_accrued(call: Call) -> Reply:
    """GET account/interest-accrued: what borrowing has cost, hour by hour."""
    filters = wanted(call, "ccy", "instId", "mgnMode", "type")
    found = (row for row in reversed(call.account.interest) if matches(row, filters))
    return ok(page(call, found, lambda row: row, cursor=_stamp))


def asset_bills(call: Call) -> Reply:
    """GET asset/bills and its history: the funding wallet; ``after``, ``before`` are times."""
    filters = wanted(call, "ccy", "type", "clientId")
    rows = (bill.row() for bill in reversed(call.account.funding_bills))
    found = (row for row in rows if matches(row, filters))
    return ok(page(call, found, lambda row: row, cursor=_stamp))


TABLE = (
    ("GET", "/api/v5/account/bills", "private", "read_only", bills),
    ("GET", "/api/v5/account/bills-archive", "private", "read_only", bills_archive),
    ("GET", "/api/v5/account/positions-history", "private", "read_only", positions_history),
    ("GET", "/api/v5/account/interest-accrued", "private", "read_only", interest_accrued),
    ("GET", "/api/v5/asset/bills", "private", "read_only", asset_bills),
    ("GET", "/api/v5/asset/bills-history", "private", "read_only", asset_bills),
)
