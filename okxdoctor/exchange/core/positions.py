"""Positions: how an execution opens, extends, reduces or turns one, and what is remembered of it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from .accounts import ZERO, Account, Position
from .decimals import EXACT, plain
from .instruments import Instrument
from .margin import VALUE, margin_of, notional, short_option, straight
from .orders import Order
from .protocol import Json
from .venue import Venue

AVERAGE = Decimal(1).scaleb(-12)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What an execution did: the profit it realised, and the subtype of its bill."""

    pnl: Decimal
    sub: str


def closes(side: str, position: Position) -> bool:
    """Whether an order of ``side`` makes ``position`` smaller."""
    return (side == "sell") == position.long


def move_position(
    venue: Venue, account: Account, inst: Instrument, order: Order, price: Decimal, size: Decimal, fee: Decimal,
    trade_id: str, now_ms: int,
) -> Moved:  # fmt: skip
    """Let ``size`` at ``price`` go into the position of ``order``; ``fee`` is negative for a charge."""
    key = (inst.id, order.position_side, order.mode)
    position = account.positions.get(key)
    pnl, left, closing = ZERO, size, ""
    if position is not None and closes(order.side, position):
        closing = "5" if position.long else "6"
        closed = min(abs(position.quantity), size)
        pnl = _reduce(inst, position, price, closed)
        left -= closed
        if not position.quantity:
            share = EXACT.divide(EXACT.multiply(fee, closed), size).quantize(VALUE) if left else fee
            _touch(position, share, pnl, trade_id, now_ms)
            _release(venue, account, inst, position, now_ms)
            end(account, inst, position, "2", now_ms)
            fee, position = fee - share, None
    if left or position is not None:
        if position is None:
            position = account.positions[key] = Position(
                position_id=venue.orders.next_id(), inst_id=inst.id, inst_type=inst.type, mode=order.mode,
                side=order.position_side, quantity=ZERO, average=price, lever=order.lever, opened_ms=now_ms,
                updated_ms=now_ms,
            )  # fmt: skip
        if left:
            _extend(inst, position, order, price, left)
        _release(venue, account, inst, position, now_ms)
        _touch(position, fee, pnl if not left else ZERO, trade_id, now_ms)
    return Moved(pnl=pnl, sub=_sub(inst, order, closing))


def _sub(inst: Instrument, order: Order, closing: str) -> str:
    if inst.type in ("MARGIN", "OPTION"):
        return "1" if order.side == "buy" else "2"
    return closing or ("3" if order.side == "buy" else "4")


def _reduce(inst: Instrument, position: Position, price: Decimal, closed: Decimal) -> Decimal:
    held = abs(position.quantity)
    # The last contract takes the rest of the cost, so that nothing is lost in rounding.
    cost = position.cost
    if closed < held:
        cost = EXACT.divide(EXACT.multiply(position.cost, closed), held).quantize(VALUE, context=EXACT)
        position.added -= EXACT.divide(EXACT.multiply(position.added, closed), held).quantize(VALUE, context=EXACT)
    else:
        position.added = ZERO
    worth = notional(inst, closed, price)
    gain = worth - cost
    position.cost -= cost
    position.closed += closed
    position.brought += worth
    position.quantity += -closed if position.quantity > 0 else closed
    return gain if _is_long(position) == straight(inst) else -gain


def _is_long(position: Position) -> bool:
    """The direction that the contracts just closed had; the position may be empty by now."""
    if position.side != "net":
        return position.side == "long"
    return position.quantity > 0 if position.quantity else position.opened > 0


def _extend(inst: Instrument, position: Position, order: Order, price: Decimal, size: Decimal) -> None:
    up = position.side == "short" if order.side == "sell" else position.side != "short"
    position.quantity += size if up else -size
    worth = notional(inst, size, price)
    position.cost += worth
    position.opened += size if up else -size
    position.paid += worth
    position.most = max(position.most, abs(position.quantity))
    position.average = average(inst, abs(position.quantity), position.cost)


def average(inst: Instrument, size: Decimal, cost: Decimal) -> Decimal:
    """The price at which ``size`` contracts are worth ``cost``."""
    held = EXACT.multiply(size, notional(inst, Decimal(1), Decimal(1)))
    return EXACT.divide(cost, held) if straight(inst) else EXACT.divide(held, cost)


def _release(venue: Venue, account: Account, inst: Instrument, position: Position, now_ms: int) -> None:
    """Bring the margin set aside for an isolated position in line with its size; bought options are paid for."""
    if position.mode != "isolated":
        return
    wanted = ZERO
    if position.quantity and inst.type != "OPTION":
        wanted = margin_of(position.cost, position.lever) + position.added
    elif position.quantity and not position.long:
        wanted, _ = short_option(venue, inst, abs(position.quantity), position.average, now_ms)
    account.balance(inst.listing.settle).margin += wanted - position.margin
    position.margin = wanted


def _touch(position: Position, fee: Decimal, pnl: Decimal, trade_id: str, now_ms: int) -> None:
    position.realized += pnl
    position.fee += fee
    position.last_trade, position.updated_ms = trade_id, now_ms


def end(account: Account, inst: Instrument, position: Position, kind: str, now_ms: int) -> None:
    """Take an empty position out and remember it; ``kind`` 2 closed, 3 liquidated, 5 delivered or exercised."""
    account.positions.pop((position.inst_id, position.side, position.mode), None)
    account.past.append(past_row(inst, position, kind, now_ms))


def past_row(inst: Instrument, position: Position, kind: str, now_ms: int) -> dict[str, Json]:
    """The object of account/positions-history."""
    size = abs(position.opened)
    opened = plain(average(inst, size, position.paid).quantize(AVERAGE)) if size and position.paid else ""
    brought = position.brought
    closed = plain(average(inst, position.closed, brought).quantize(AVERAGE)) if position.closed and brought else ""
    total = position.realized + position.fee + position.funding + position.penalty
    base = margin_of(position.paid, position.lever) if position.lever and position.paid else position.paid
    ratio = EXACT.divide(total, base).quantize(AVERAGE) if base else ZERO
    long = position.opened > 0 if position.side == "net" else position.side == "long"
    return {
        "cTime": str(position.opened_ms), "ccy": inst.listing.settle, "closeAvgPx": closed,
        "closeTotalPos": plain(position.closed), "direction": "long" if long else "short", "fee": plain(position.fee),
        "fundingFee": plain(position.funding), "instId": inst.id, "instType": inst.type, "lever": position.lever,
        "liqPenalty": plain(position.penalty), "mgnMode": position.mode, "nonSettleAvgPx": "",
        "openAvgPx": opened, "openMaxPos": plain(position.most), "pnl": plain(position.realized),
        "pnlRatio": plain(ratio), "posId": position.position_id, "posSide": position.side,
        "realizedPnl": plain(total), "settledPnl": "", "triggerPx": "", "type": kind, "uTime": str(now_ms),
        "uly": inst.listing.family,
    }  # fmt: skip
