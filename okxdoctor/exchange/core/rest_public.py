"""REST handlers that need no key: time, instruments, limits, mark price, funding, status, announcements."""

from __future__ import annotations

from decimal import Decimal

from . import prices
from .decimals import plain
from .instruments import TICK_BANDS, Instrument
from .prices import FUNDING_MS
from .protocol import Json, Reply, bad_parameter, empty_parameter, encode, ok, ok_encoded
from .rest import Call
from .tickets import limits
from .venue import Venue

_COIN = Decimal("1e-8")
TYPES = ("SPOT", "MARGIN", "SWAP", "FUTURES", "OPTION", "EVENTS")


def time(call: Call) -> Reply:
    """GET public/time: the clock, milliseconds as text."""
    return Reply(status=200, body=b'{"code":"0","data":[{"ts":"%d"}],"msg":""}' % call.now_ms)


def instruments(call: Call) -> Reply:
    """GET public/instruments: OPTION needs a family (``uly`` is understood), EVENTS a series."""
    inst_type = call.need("instType")
    if inst_type not in TYPES:
        raise bad_parameter("instType")
    family = call.params.get("instFamily") or call.params.get("uly", "")
    if inst_type == "OPTION" and not family:
        raise empty_parameter("instFamily")
    if inst_type == "EVENTS" and not call.params.get("seriesId"):
        raise empty_parameter("seriesId")
    inst_id = call.params.get("instId", "")
    if inst_id:
        call.venue.instrument(inst_id)
    return ok_encoded(call.venue.listing_json(inst_type, family, inst_id))


def tick_bands(call: Call) -> Reply:
    """GET public/instrument-tick-bands."""
    if call.need("instType") != "OPTION":
        raise bad_parameter("instType")
    wanted = call.params.get("instFamily", "")
    if wanted and wanted not in TICK_BANDS:
        raise bad_parameter("instFamily")
    return ok(
        [
            {
                "instFamily": family,
                "instType": "OPTION",
                "tickBand": [{"minPx": low, "maxPx": high, "tickSz": tick} for low, high, tick in bands],
            }
            for family, bands in TICK_BANDS.items()
            if not wanted or family == wanted
        ]
    )


def price_limit(call: Call) -> Reply:
    """GET public/price-limit."""
    inst = call.venue.instrument(call.need("instId"))
    return ok([price_limit_row(call, inst)])


def price_limit_row(call: Call, inst: Instrument) -> Json:
    row: dict[str, Json] = {
        "buyLmt": "", "enabled": False, "instId": inst.id, "instType": inst.type, "sellLmt": "", "ts": str(call.now_ms),
    }  # fmt: skip
    if inst.trades and inst.state == "live":
        row["buyLmt"], row["sellLmt"] = limits(call.venue, inst, call.now_ms)
        row["enabled"] = True
    return row


def mark_price(call: Call) -> Reply:
    """GET public/mark-price: instType required, instId or family optional.

    An instId without instType is answered, too: a client in wide use (ccxt) asks so.
    """
    wanted = call.params.get("instId", "")
    named = call.venue.instrument(wanted) if wanted else None
    inst_type = call.params.get("instType", "") or (named.type if named is not None else call.need("instType"))
    if inst_type not in TYPES:
        raise bad_parameter("instType")
    found = [inst for inst in call.venue.of_type(inst_type) if not wanted or inst.id == wanted]
    return ok([mark_row(call, inst, inst_type) for inst in found if inst.trades])


def mark_row(call: Call, inst: Instrument, inst_type: str = "") -> Json:
    px = plain(prices.mark(call.venue, inst, call.now_ms))
    return {"instId": inst.id, "instType": inst_type or inst.type, "markPx": px, "ts": str(call.now_ms)}


def funding_rate(call: Call) -> Reply:
    """GET public/funding-rate: one swap, or ANY for all."""
    wanted = call.need("instId")
    if wanted == "ANY":
        return ok([funding_row(call, inst) for inst in call.venue.of_type("SWAP") if inst.trades])
    inst = call.venue.instrument(wanted)
    if inst.type != "SWAP":
        raise bad_parameter("instId")
    return ok([funding_row(call, inst)] if inst.trades else [])


def funding_row(call: Call, inst: Instrument) -> Json:
    current = call.now_ms // FUNDING_MS
    rate, settled = (prices.funding_rate(call.venue, inst, current + k) for k in (0, -1))
    return {
        "formulaType": "withRate", "fundingRate": f"{rate:.16f}", "fundingTime": str((current + 1) * FUNDING_MS),
        "impactValue": "20000.0000000000000000", "instId": inst.id, "instType": "SWAP",
        "interestRate": "0.0001000000000000", "maxFundingRate": "0.00375", "method": "current_period",
        "minFundingRate": "-0.00375", "nextFundingRate": "", "nextFundingTime": str((current + 2) * FUNDING_MS),
        "premium": f"{rate / 2:.16f}", "prevFundingTime": str(current * FUNDING_MS),
        "settFundingRate": f"{settled:.16f}", "settState": "settled", "ts": str(call.now_ms),
    }  # fmt: skip


def open_interest(call: Call) -> Reply:
    """GET public/open-interest."""
    inst_type = call.need("instType")
    if inst_type not in ("SWAP", "FUTURES", "OPTION"):
        raise bad_parameter("instType")
    wanted, family = call.params.get("instId", ""), call.params.get("instFamily") or call.params.get("uly", "")
    if wanted:
        call.venue.instrument(wanted)
    found = (
        inst for inst in call.venue.of_type(inst_type)
        if inst.trades and wanted in ("", inst.id) and family in ("", inst.listing.family)
    )  # fmt: skip
    return ok([interest_row(call.venue, inst, call.now_ms) for inst in found])


def interest_row(venue: Venue, inst: Instrument, now_ms: int) -> Json:
    """What is open of an instrument, in contracts, in coins and in USD; a steady figure."""
    market = venue.market(inst)
    size, price = market.lot.decimal(market.bar(0, 600, 600).volume), prices.mark(venue, inst, now_ms)
    one = Decimal(inst.listing.ct_val) * Decimal(inst.listing.ct_mult or "1")
    index = prices.index(venue, prices.index_of(inst), now_ms) or price
    coins = (size * one / index).quantize(_COIN) if inst.listing.ct_val_ccy == "USD" else size * one
    return {
        "instId": inst.id, "instType": inst.type, "oi": plain(size), "oiCcy": plain(coins),
        "oiUsd": plain((coins * index).quantize(_COIN)), "ts": str(now_ms),
    }  # fmt: skip


def status(call: Call) -> Reply:
    """GET system/status: windows of this environment; nothing announced is an empty list."""
    wanted = call.params.get("state", "")
    return ok([row for row in status_rows(call) if not wanted or row["state"] == wanted])


def status_rows(call: Call) -> list[dict[str, Json]]:
    return [
        {
            "begin": str(call.now_ms // 60_000 * 60_000 + window.begins_in_s * 1000),
            "end": str(call.now_ms // 60_000 * 60_000 + window.ends_in_s * 1000),
            "env": "2" if call.venue.environment == "demo" else "1", "href": "", "maintType": "1",
            "preOpenBegin": "", "scheDesc": "", "serviceType": window.service, "state": window.state,
            "system": "unified", "title": window.title,
        }
        for window in call.exchange.world.windows
    ]  # fmt: skip


_ANNOUNCEMENT_TYPES = (
    ("announcements-latest-announcements", "Latest announcements"),
    ("announcements-latest-events", "Latest events"),
    ("announcements-delistings", "Delistings"),
    ("announcements-new-listings", "New listings"),
    ("announcements-api", "API"),
)


def announcements(call: Call) -> Reply:
    """GET support/announcements: two composed notices; other pages are empty."""
    wanted, page = call.params.get("annType", ""), call.params.get("page", "1")
    if not page.isdigit():
        raise bad_parameter("page")
    day = call.now_ms // 86_400_000 * 86_400_000
    notices = (
        ("announcements-api", "Notice about changes of the order book channels", 3),
        ("announcements-new-listings", "A further spot pair will be listed", 9),
    )
    details: list[Json] = [
        {"annType": kind, "businessPTime": "", "pTime": str(day - days * 86_400_000), "title": title, "url": ""}
        for kind, title, days in notices
        if page == "1" and (not wanted or kind == wanted)
    ]
    return ok([{"details": details, "totalPage": "1"}])


def announcement_types(call: Call) -> Reply:
    """GET support/announcement-types."""
    del call
    return Reply(
        status=200,
        body=encode(
            {
                "code": "0",
                "data": [{"annType": kind, "annTypeDesc": text} for kind, text in _ANNOUNCEMENT_TYPES],
                "msg": "",
            }
        ),
    )


TABLE = (
    ("GET", "/api/v5/public/time", "public", "", time),
    ("GET", "/api/v5/public/instruments", "public", "", instruments),
    ("GET", "/api/v5/public/instrument-tick-bands", "public", "", tick_bands),
    ("GET", "/api/v5/public/price-limit", "public", "", price_limit),
    ("GET", "/api/v5/public/mark-price", "public", "", mark_price),
    ("GET", "/api/v5/public/funding-rate", "public", "", funding_rate),
    ("GET", "/api/v5/public/open-interest", "public", "", open_interest),
    ("GET", "/api/v5/system/status", "public", "", status),
    ("GET", "/api/v5/support/announcements", "optional", "", announcements),
    ("GET", "/api/v5/support/announcement-types", "public", "", announcement_types),
)
