"""What orders and fills do to an account: money held, money moved, positions, and the events that tell of it.

Everything is exact: spot amounts are products of decimals; what has to be divided (margin, the value of inverse
contracts, the cost of a part of a position) is rounded once, and the rounded amount is what is moved.
"""

from __future__ import annotations

from decimal import Decimal

from . import bills, prices
from .accounts import MAKER_FEE, TAKER_FEE, ZERO, Account, Event
from .algos import attach
from .bills import credit
from .decimals import EXACT, plain
from .instruments import Instrument
from .margin import (
    DELIVERED,
    fee_of,
    fee_rate,
    free,
    lever_level,
    margin_of,
    notional,
    opening_need,
    short_option,
)  # fmt: skip
from .orders import Fill, Order
from .positions import closes, move_position
from .venue import Venue

_USD = Decimal("1e-10")


def held_in(inst: Instrument, side: str) -> str:
    """The currency that an order of ``side`` holds."""
    if inst.type == "SPOT":
        return inst.listing.quote if side == "buy" else inst.listing.base
    return inst.listing.settle


def closable(venue: Venue, account: Account, order: Order) -> Decimal:
    """Contracts that ``order`` can close: the position less what older closing orders will take."""
    position = account.positions.get((order.inst_id, order.position_side, order.mode))
    if position is None or not closes(order.side, position):
        return ZERO
    left = abs(position.quantity)
    for other in venue.orders.fellows(order):
        if other.order_id == order.order_id:
            break
        if other.side == order.side:
            left -= other.remaining
    return max(ZERO, left)


def only_closes(order: Order) -> bool:
    """By its own word, or because of its side in long/short mode, the order can never open a position."""
    return order.reduce_only or (order.position_side, order.side) in (("long", "sell"), ("short", "buy"))


def hold(account: Account, order: Order, amount: Decimal) -> None:
    """Let ``order`` hold exactly ``amount``."""
    account.balance(order.frozen_ccy).frozen += amount - order.frozen
    order.frozen = amount


def resting_need(venue: Venue, inst: Instrument, order: Order, opening: Decimal, now_ms: int) -> Decimal:
    """What the rest of a limit order holds; ``opening`` of its contracts would open a position."""
    if order.price is None:
        return ZERO
    if inst.type == "SPOT":
        return EXACT.multiply(order.remaining, order.price) if order.side == "buy" else order.remaining
    return opening_cost(venue, inst, order.side, order.lever, opening, order.price, now_ms)


def opening_cost(
    venue: Venue, inst: Instrument, side: str, leverage: str, size: Decimal, price: Decimal, now_ms: int
) -> Decimal:
    """What opening ``size`` at ``price`` needs: margin and fee; bought options are paid for at once."""
    if not size:
        return ZERO
    value = notional(inst, size, price)
    if inst.type != "OPTION":
        return opening_need(value, leverage, fee_rate(inst, "T"))
    fee = fee_of(venue, inst, size, price, "T", now_ms).quantize(Decimal("1e-12"), "ROUND_CEILING")
    return (value if side == "buy" else short_option(venue, inst, size, price, now_ms)[0] - value) + fee


def rehold(venue: Venue, account: Account, inst: Instrument, order: Order, now_ms: int) -> None:
    """Bring what the account's orders on the position of ``order`` hold in line with the position.

    Orders that only close are cut to what there is to close, and end when there is nothing; an order that would now
    open a position for which there is no money ends, too.
    """
    if inst.type == "SPOT":
        if order.open:
            hold(account, order, resting_need(venue, inst, order, ZERO, now_ms))
        return
    position = account.positions.get((order.inst_id, order.position_side, order.mode))
    if venue.orders.alone(order, ZERO if position is None else position.quantity):
        if order.open:
            _reheld(venue, account, inst, order, now_ms)
    else:
        while any(_reheld(venue, account, inst, each, now_ms) for each in venue.orders.fellows(order)):
            pass
    relieve(venue, account, inst.listing.settle, now_ms)


def relieve(venue: Venue, account: Account, ccy: str, now_ms: int, *, source: str = "0") -> None:
    """After a loss: orders end, the newest first, until what is left covers what the others hold (assumed).

    When the loss was more than all there is, the exchange's insurance fund pays the rest.
    """
    held = account.balance(ccy)
    if held.available >= 0:
        return
    for order in reversed(venue.orders.open(account.uid)):
        if order.frozen_ccy == ccy and order.frozen:
            close(venue, account, venue.inst_of(order), order, "canceled", now_ms, source=source)
            if held.available >= 0:
                return
    others = (venue.traded(each.inst_id, each.inst_type) for each in account.positions.values())
    if held.cash < held.margin and not any(inst is not None and inst.listing.settle == ccy for inst in others):
        missing = held.margin - held.cash
        credit(
            venue, account, ccy, missing, kind=bills.TRANSFER, sub="200", now_ms=now_ms, note="insurance fund"
        )  # fmt: skip


def _reheld(venue: Venue, account: Account, inst: Instrument, order: Order, now_ms: int) -> bool:
    """Bring one order in line; True when it had to end, so that the others have to be looked at again."""
    closing = min(order.remaining, closable(venue, account, order))
    if only_closes(order):
        if not closing:
            close(venue, account, inst, order, "canceled", now_ms, source="17")
            return True
        if closing < order.remaining:
            order.size = EXACT.add(order.filled, closing)
            order.size_text, order.updated_ms = plain(order.size), now_ms
            venue.depth(inst, now_ms).changed()
            tell(venue, account, inst, order, now_ms, amend="0", amend_source="4")
        hold(account, order, ZERO)
        return False
    need = resting_need(venue, inst, order, order.remaining - closing, now_ms)
    if need > order.frozen and free(venue, account, order.frozen_ccy, now_ms) < need - order.frozen:
        close(venue, account, inst, order, "canceled", now_ms, source="2")
        return True
    hold(account, order, need)
    return False


def fill(
    venue: Venue, account: Account, inst: Instrument, order: Order, *, price: Decimal, size: Decimal, role: str,
    trade_id: str, now_ms: int, kind: str = bills.TRADE, sub: str = "",
) -> None:  # fmt: skip
    """One execution of ``order`` (role M or T): money, position, fee, the order's state, bills, events."""
    pnl, bill_id = ZERO, venue.orders.next_id()
    if inst.type == "SPOT":
        fee, sub = _exchange(venue, account, inst, order, price, size, role, trade_id, bill_id, now_ms)
    else:
        fee = -fee_of(venue, inst, size, price, role, now_ms)
        moved = move_position(venue, account, inst, order, price, size, fee, trade_id, now_ms)
        pnl, sub = moved.pnl, sub or moved.sub
        change = pnl
        if inst.type == "OPTION":
            # The premium changes hands; the profit is in it already.
            premium = notional(inst, size, price)
            change = -premium if order.side == "buy" else premium
        credit(
            venue, account, inst.listing.settle, change + fee, kind=kind, sub=sub, now_ms=now_ms, bill_id=bill_id,
            inst_id=inst.id, inst_type=inst.type, mode=order.mode, size=size, price=price, fee=fee, pnl=pnl,
            trade_id=trade_id, role="" if role == DELIVERED else role, order=order,
        )  # fmt: skip
    order.filled += size
    order.paid += EXACT.multiply(price, size)
    order.fee += fee
    order.pnl += pnl
    role = "" if role == DELIVERED else role
    mark = "" if inst.type == "SPOT" else plain(prices.mark(venue, inst, now_ms))
    index = prices.index(venue, prices.index_of(inst), now_ms)
    order.last = Fill(
        trade_id=trade_id, bill_id=bill_id, price=price, size=size, fee=fee, role=role, ts=now_ms, pnl=pnl, sub=sub,
        rate=fee_rate(inst, role), mark=mark, index="" if index is None else plain(index), order=order,
    )  # fmt: skip
    venue.orders.fill(order.last)
    if order.remaining <= 0:
        close(venue, account, inst, order, "filled", now_ms, last=order.last)
    else:
        order.state, order.updated_ms = "partially_filled", now_ms
        tell(venue, account, inst, order, now_ms, last=order.last)
    account.tell(Event(channel="account", event_type="event_update"))
    account.tell(Event(channel="balance_and_position", event_type="filled"))
    if inst.type != "SPOT":
        account.tell(Event(channel="positions", inst_type=inst.type, inst_id=inst.id))


def _exchange(
    venue: Venue, account: Account, inst: Instrument, order: Order, price: Decimal, size: Decimal, role: str,
    trade_id: str, bill_id: str, now_ms: int,
) -> tuple[Decimal, str]:  # fmt: skip
    """Exchange base for quote; the fee is taken from what is received, and is the answer (negative)."""
    rate = MAKER_FEE if role == "M" else TAKER_FEE
    value, base, quote = EXACT.multiply(price, size), inst.listing.base, inst.listing.quote
    buys = order.side == "buy"
    received, given = (base, quote) if buys else (quote, base)
    amount, cost, sub = (size, value, "1") if buys else (value, size, "2")
    fee = -EXACT.multiply(amount, rate)
    for ccy, change, charged, number in ((given, -cost, ZERO, ""), (received, amount + fee, fee, bill_id)):
        credit(
            venue, account, ccy, change, kind=bills.TRADE, sub=sub, now_ms=now_ms, bill_id=number, inst_id=inst.id,
            inst_type=inst.type, mode=order.mode, price=price, fee=charged, trade_id=trade_id, role=role, order=order,
        )  # fmt: skip
    return fee, sub


def close(
    venue: Venue, account: Account, inst: Instrument, order: Order, state: str, now_ms: int, *, source: str = "",
    last: Fill | None = None, amend: str = "", amend_source: str = "", request_id: str = "",
) -> Order:  # fmt: skip
    """End an order: out of the book, nothing held, told. ``source`` is the reason of a cancellation, ``last`` the fill
    that ends it; the others are those of an amendment that does."""
    hold(account, order, ZERO)
    order.state, order.updated_ms, order.cancel_source = state, now_ms, source
    venue.depth(inst, now_ms).remove(order)
    venue.orders.finish(order)
    tell(
        venue, account, inst, order, now_ms, last=last, amend=amend, amend_source=amend_source, request_id=request_id
    )  # fmt: skip
    if order.attached:
        attach(venue, account, order, now_ms)
    account.tell(Event(channel="account", event_type="event_update"))
    return order


def tell(
    venue: Venue, account: Account, inst: Instrument, order: Order, now_ms: int, *, last: Fill | None = None,
    amend: str = "", amend_source: str = "", request_id: str = "",
) -> None:  # fmt: skip
    """Tell the account's ``orders`` channels how ``order`` stands, and of the fill that is the reason, if one is."""
    price = venue.price(inst, now_ms)
    filled = ""
    if order.filled:
        filled = worth_usd(venue, inst, order.filled, EXACT.divide(order.paid, order.filled), now_ms)
    row = order.pushed_row(
        last_price=plain(price), usd=worth_usd(venue, inst, order.size, order.price or price, now_ms),
        filled_usd=filled, fill=last, amend=amend, amend_source=amend_source, request_id=request_id,
    )  # fmt: skip
    account.tell(Event(channel="orders", inst_type=inst.type, inst_id=inst.id, family=inst.listing.family, row=row))


def worth_usd(venue: Venue, inst: Instrument, size: Decimal, price: Decimal, now_ms: int) -> str:
    """What ``size`` at ``price`` is worth in USD; of options, their premium."""
    if inst.type in ("SPOT", "MARGIN"):
        value, ccy = EXACT.multiply(size, price), inst.listing.quote
    else:
        value, ccy = notional(inst, size, price) if price else ZERO, inst.listing.settle
    return plain(EXACT.multiply(value, venue.usd(ccy, now_ms)).quantize(_USD))


def set_lever(
    venue: Venue, account: Account, inst: Instrument, mode: str, leverage: str, now_ms: int, side: str = "net"
) -> bool:  # fmt: skip
    """Put the leverage of an instrument and its positions to ``leverage``; False when the margin is not there."""
    ccy = inst.listing.settle or inst.listing.quote
    level = lever_level(account, inst, mode, side)
    held = [
        each
        for each in account.positions.values()
        if each.inst_type == inst.type
        and (listed := venue.traded(each.inst_id, each.inst_type)) is not None
        and lever_level(account, listed, each.mode, each.side) == level
    ]
    before = [each.lever for each in held]
    for position in held:
        position.lever = leverage
    more = ZERO
    if mode == "isolated":
        more = sum((margin_of(each.cost, leverage) + each.added - each.margin for each in held), ZERO)
    if held and free(venue, account, ccy, now_ms) < max(ZERO, more):
        for position, lever in zip(held, before, strict=True):
            position.lever = lever
        return False
    if mode == "isolated":
        for position in held:
            position.margin = margin_of(position.cost, leverage) + position.added
        account.balance(ccy).margin += more
    account.leverage[level] = leverage
    return True
