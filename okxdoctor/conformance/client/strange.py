"""Good answers that look unlike the ones a program was written with; each is something that OKX does or may do.

``change(path, body)`` gives the changed body; bodies that it does not speak of come back as they are. Sources: added
fields and values of enumerations are announced as compatible changes; the empty members are those that the
documentation and recorded answers show as empty.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Body = Callable[[str, bytes], bytes]

_INSTRUMENTS = ("/api/v5/public/instruments", "/api/v5/account/instruments")
_EMPTY = {
    # Members that are "not applicable" in some account mode, product or moment (recorded answers and documentation).
    "/api/v5/account/balance": (
        "adjEq",
        "imr",
        "isoEq",
        "mgnRatio",
        "mmr",
        "notionalUsd",
        "ordFroz",
        "upl",
        "borrowFroz",
        "notionalUsdForBorrow",
        "notionalUsdForFutures",
        "notionalUsdForOption",
        "notionalUsdForSwap",
    ),
    "/api/v5/account/positions": (
        "liqPx",
        "margin",
        "mgnRatio",
        "usdPx",
        "bizRefId",
        "bizRefType",
        "deltaBS",
        "vegaBS",
    ),
    "/api/v5/account/config": ("ip", "label", "levelTmp", "spotOffsetType", "settleCcy"),
    "/api/v5/trade/order": ("avgPx", "fillPx", "fillTime", "tradeId", "lever", "tag", "category", "source"),
    "/api/v5/trade/orders-pending": ("avgPx", "fillPx", "fillTime", "tradeId", "lever", "tag", "category", "source"),
    "/api/v5/trade/orders-history": ("cancelSource", "lever", "tag", "category", "source"),
    "/api/v5/trade/fills": ("fillIdxPx", "fillMarkPx", "fillMarkVol", "fillPxUsd", "tag"),
    "/api/v5/market/ticker": ("sodUtc0", "sodUtc8"),
    "/api/v5/market/tickers": ("sodUtc0", "sodUtc8"),
    "/api/v5/public/instruments": (
        "alias",
        "auctionEndTime",
        "category",
        "contTdSwTime",
        "expTime",
        "listTime",
        "optType",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Strange:
    name: str
    says: str
    change: Body


def _rows(change: Callable[[str, dict[str, Any]], None]) -> Body:
    """A change to the envelope of every good answer."""

    def changed(path: str, body: bytes) -> bytes:
        try:
            envelope = json.loads(body)
        except ValueError:
            return body
        if not isinstance(envelope, dict) or envelope.get("code") != "0" or not isinstance(envelope.get("data"), list):
            return body
        change(path, envelope)
        return json.dumps(envelope, separators=(",", ":"), ensure_ascii=False).encode()

    return changed


def _each(envelope: dict[str, Any]) -> list[dict[str, Any]]:
    return [row for row in envelope["data"] if isinstance(row, dict)]


def _added(path: str, envelope: dict[str, Any]) -> None:
    envelope["traceId"] = "b0d1f7c2"
    for row in _each(envelope):
        row |= {
            "zFutureField": "1",
            "zFutureList": [],
            "zFutureFlag": True,
            "zFutureNothing": None,
            "zFutureObject": {},
        }
        for inner in row.values():
            for detail in inner if isinstance(inner, list) else ():
                if isinstance(detail, dict):
                    detail["zFutureField"] = ""


def _turned(path: str, envelope: dict[str, Any]) -> None:
    data = [dict(reversed(row.items())) if isinstance(row, dict) else row for row in envelope["data"]]
    other = {name: value for name, value in envelope.items() if name not in ("code", "msg", "data")}
    envelope.clear()
    envelope |= {"msg": "", "data": data, **other, "code": "0"}


def _emptied(path: str, envelope: dict[str, Any]) -> None:
    for row in _each(envelope):
        for name in _EMPTY.get(path, ()):
            if name in row:
                row[name] = ""
        for detail in row.get("details", ()):
            for name in (
                "availEq",
                "isoEq",
                "mgnRatio",
                "notionalLever",
                "ordFrozen",
                "upl",
                "maxLoan",
                "twap",
                "interest",
            ):
                if isinstance(detail, dict) and name in detail and name != "availEq":
                    detail[name] = ""


def _waiting(path: str, envelope: dict[str, Any]) -> None:
    rows = _each(envelope)
    if path not in _INSTRUMENTS or len(rows) < 2:
        return
    # As listed before the opening in demo trading: nearly all is empty, the code is null, some names are missing.
    empty = dict.fromkeys(rows[0], "") | {
        "instType": rows[0].get("instType", ""),
        "instId": "TESTING-USDT42",
        "state": "preopen",
        "instIdCode": None,
        "tradeQuoteCcyList": [],
        "upcChg": [],
    }
    for name in ("uly", "posLmtAmt", "ruleType"):
        empty.pop(name, None)
    envelope["data"] = [empty, *envelope["data"], {**empty, "instId": "", "baseCcy": "LISTING", "quoteCcy": "USDT"}]


def _new_values(path: str, envelope: dict[str, Any]) -> None:
    rows = _each(envelope)
    if path in _INSTRUMENTS and rows:
        envelope["data"].append({**rows[0], "instId": "ZZZ-USDT", "state": "rebase", "instIdCode": 999_999_901})
        envelope["data"].append({**rows[0], "instId": "ZZY-USDT", "state": "zfuture", "instIdCode": 999_999_902})
        envelope["data"].append(
            {**rows[0], "instId": "ZZX-USDT", "ruleType": "zfuture", "openType": "zfuture", "instIdCode": 999_999_903}
        )
    if path == "/api/v5/trade/orders-history" and rows:
        envelope["data"].append({**rows[0], "ordId": "1", "clOrdId": "zf1", "state": "mmp_canceled", "ordType": "mmp"})
    if path == "/api/v5/account/config":
        for row in rows:
            row["perm"] = f"{row.get('perm', '')},zfuture"
    if path == "/api/v5/account/balance":
        for row in rows:
            if isinstance(row.get("details"), list) and row["details"]:
                row["details"].append({**row["details"][0], "ccy": "ZZZ", "eq": "0", "cashBal": "0", "availBal": "0"})


def _long(path: str, envelope: dict[str, Any]) -> None:
    for row in _each(envelope):
        for name in ("liqPx", "upl", "totalEq", "maxLmtSz", "vol24h", "volCcy24h", "liqPxDiff"):
            value = row.get(name)
            if isinstance(value, str) and value.replace(".", "").isdigit():
                row[name] = value + ("0" * 16 if "." in value else "." + "0" * 16)


def _bigger_envelope(path: str, envelope: dict[str, Any]) -> None:
    envelope |= {"inTime": "1748617662056837", "outTime": "1748617662056999"}
    envelope["msg"] = "ご注意 · ✓"


STRANGE: tuple[Strange, ...] = (
    Strange(
        name="added-fields", says="rows and envelope have members that are not documented yet", change=_rows(_added)
    ),
    Strange(name="other-order", says="members stand in another order, the code last", change=_rows(_turned)),
    Strange(name="empty-members", says="members that can be empty are ''", change=_rows(_emptied)),
    Strange(name="preopen-rows", says="the list of instruments has rows before their opening", change=_rows(_waiting)),
    Strange(name="new-values", says="other rows have states and types that are new", change=_rows(_new_values)),
    Strange(name="long-decimals", says="decimals have sixteen digits more", change=_rows(_long)),
    Strange(
        name="envelope-members",
        says="the envelope has times and a message that is not ASCII",
        change=_rows(_bigger_envelope),
    ),
)


def partially_refused(path: str, body: bytes) -> bytes:
    """The answer to a batch whose second order is refused; the gateway has that order cancelled before."""
    try:
        envelope = json.loads(body)
        items = envelope["data"]
        second = items[1]
    except (ValueError, TypeError, KeyError, IndexError):
        return body
    items[1] = {
        **second,
        "ordId": "",
        "sCode": "51008",
        "sMsg": "Order failed. Insufficient USDT balance in account.",
    }
    envelope |= {"code": "2", "msg": "Bulk operation partially succeeded."}
    return json.dumps(envelope, separators=(",", ":")).encode()


def already_gone(path: str, body: bytes) -> bytes:
    """The answer to a cancellation that lost a race: the order is gone, as it is now at the exchange too."""
    try:
        envelope = json.loads(body)
        items = envelope["data"]
        gone = [
            {
                **item,
                "sCode": "51400",
                "sMsg": "Order cancellation failed as the order has been filled, canceled or does not exist.",
            }
            for item in items
        ]
    except (ValueError, TypeError, KeyError):
        return body
    envelope |= {"code": "1", "data": gone, "msg": "All operations failed"}
    return json.dumps(envelope, separators=(",", ":")).encode()
