"""REST handler of trade/order-precheck: what an order would change if it were filled at its price. Nothing is placed.

For accounts of several currencies and portfolio margin only. Sums are in USD; the liquidation price is that of the
position afterwards, and its distances are from the mark price.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from .accounts import ZERO, Position
from .decimals import EXACT, plain
from .instruments import Instrument
from .margin import (
    Risk,
    Standing,
    cross_risk,
    fee_of,
    isolated_risk,
    lever,
    liquidation_price,
    margin_of,
    notional,
    standing,
    standings,
)
from .positions import average, closes
from .protocol import Json, Refused, Reply, failure, ok
from .rest import Call
from .rest_trade import instrument_of
from .statements import balance_row
from .tickets import Rejected, Ticket, ticket

_FINE = Decimal("1e-12")


def precheck(call: Call) -> Reply:
    """POST trade/order-precheck."""
    if call.account.level not in ("3", "4"):
        raise Refused(failure(200, "51010", "Request unsupported under current account mode"))
    try:
        wanted = ticket(call.venue, call.account, call.body, instrument_of(call, call.body), call.now_ms)
    except Rejected as refused:
        raise Refused(failure(200, refused.code, refused.message)) from None
    price = wanted.price or call.venue.price(wanted.inst, call.now_ms)
    row = _blank(call)
    if wanted.inst.type == "SPOT":
        return ok([{**row, **_spot(call, wanted, price)}])
    return ok([{**row, **_contract(call, wanted, price)}])


def _blank(call: Call) -> dict[str, Json]:
    """The account as it is."""
    now = balance_row(call.venue, call.account, call.now_ms)
    return {
        "adjEq": now["adjEq"], "adjEqChg": "0", "availBal": "", "availBalChg": "", "imr": now["imr"], "imrChg": "0",
        "liab": "", "liabChg": "", "liabChgCcy": "", "liqPx": "", "liqPxDiff": "", "liqPxDiffRatio": "",
        "mgnRatio": now["mgnRatio"] or "0", "mgnRatioChg": "0", "mmr": now["mmr"], "mmrChg": "0", "posBal": "",
        "posBalChg": "", "type": "",
    }  # fmt: skip


def _spot(call: Call, wanted: Ticket, price: Decimal) -> dict[str, Json]:
    """An exchange of one currency for another: what it binds while it is open, and what its fee costs."""
    used = EXACT.multiply(wanted.size, price)
    usd = call.venue.usd(wanted.inst.listing.quote, call.now_ms)
    fee = fee_of(call.venue, call.venue.margin(wanted.inst), wanted.size, price, "T", call.now_ms)
    return {"adjEqChg": plain(-EXACT.multiply(fee, usd)), "imrChg": plain(EXACT.multiply(used, usd))}


def _contract(call: Call, wanted: Ticket, price: Decimal) -> dict[str, Json]:
    venue, account, inst = call.venue, call.account, wanted.inst
    usd = venue.usd(inst.listing.settle, call.now_ms)
    fee = fee_of(venue, inst, wanted.size, price, "T", call.now_ms)
    key = (inst.id, wanted.position_side, wanted.mode)
    before = account.positions.get(key)
    after = _afterwards(call, wanted, price, before)
    found = standings(venue, account, call.now_ms)
    old = next((each for each in found if each.position is before), None)
    new = standing(venue, after, call.now_ms) if after.quantity else None
    others = [each for each in found if each is not old]
    changed = [*others, new] if new is not None else others
    risk = _risk(call, old or new, found, ZERO)
    # The fee of an isolated position is paid from outside of it.
    then = _risk(call, new or old, changed, ZERO if wanted.mode == "isolated" else -fee)
    answer: dict[str, Json] = {
        "adjEqChg": plain((-fee * usd).quantize(_FINE)),
        "imrChg": plain(((_initial(new) - _initial(old)) * usd).quantize(_FINE)),
        "mmrChg": plain(((_keep(new) - _keep(old)) * usd).quantize(_FINE)),
    }
    if then is not None and then.ratio is not None:
        was = risk.ratio if risk is not None and risk.ratio is not None else ZERO
        answer["mgnRatio"], answer["mgnRatioChg"] = plain(was), plain(then.ratio - was)
    if new is not None and then is not None:
        liquidation = liquidation_price(new, then)
        if liquidation is not None:
            away = liquidation - new.mark
            answer["liqPx"], answer["liqPxDiff"] = plain(liquidation), plain(away)
            answer["liqPxDiffRatio"] = plain(EXACT.divide(away, new.mark).quantize(_FINE))
    return answer


def _risk(call: Call, each: Standing | None, found: list[Standing], change: Decimal) -> Risk | None:
    """The risk unit of ``each`` among ``found``, with ``change`` more money in it."""
    if each is None:
        return None
    if each.position.mode == "isolated":
        risk = isolated_risk(each)
    else:
        risk = cross_risk(call.account, each.inst.listing.settle, found)
    return Risk(equity=risk.equity + change, need=risk.need)


def _initial(each: Standing | None) -> Decimal:
    return ZERO if each is None else each.initial


def _keep(each: Standing | None) -> Decimal:
    return ZERO if each is None else each.maintenance + each.closing_fee


def _afterwards(call: Call, wanted: Ticket, price: Decimal, before: Position | None) -> Position:
    """The position if the whole order were filled at ``price``."""
    inst, size = wanted.inst, wanted.size
    if before is None:
        leverage = lever(call.account, inst, wanted.mode, wanted.position_side)
        before = Position(
            position_id="", inst_id=inst.id, inst_type=inst.type, mode=wanted.mode, side=wanted.position_side,
            quantity=ZERO, average=price, lever=leverage, opened_ms=call.now_ms, updated_ms=call.now_ms,
        )  # fmt: skip
    held, signed = abs(before.quantity), _signed(wanted, before)
    if before.quantity and closes(wanted.side, before) and size <= held:
        cost = EXACT.multiply(before.cost, (held - size) / held)
    elif before.quantity and closes(wanted.side, before):
        cost = notional(inst, size - held, price)
    else:
        cost = before.cost + notional(inst, size, price)
    after = replace(before, quantity=before.quantity + signed, cost=cost, average=_price(inst, before, signed, cost))
    if after.mode == "isolated" and after.lever:
        after.margin = margin_of(cost, after.lever) + after.added
    return after


def _signed(wanted: Ticket, before: Position) -> Decimal:
    """The change of the quantity, which is positive on the short side of long/short mode, too."""
    up = before.side == "short" if wanted.side == "sell" else before.side != "short"
    return wanted.size if up else -wanted.size


def _price(inst: Instrument, before: Position, signed: Decimal, cost: Decimal) -> Decimal:
    size = abs(before.quantity + signed)
    return average(inst, size, cost) if size and cost else before.average


TABLE = (("POST", "/api/v5/trade/order-precheck", "private", "trade", precheck),)
