"""Orders: what is accepted, what is executed, and what that does to the account.

Orders trade against the seeded market: what crosses the touch is filled level by level, the rest of a
limit order stays open and is filled at its own price once the market has moved to it. Spot orders in cash
mode freeze and move balances; contracts change a position and need initial margin.
"""

from __future__ import annotations

from decimal import Decimal

from .accounts import (
    MAKER_FEE,
    SWAP_MAKER_FEE,
    SWAP_TAKER_FEE,
    TAKER_FEE,
    ZERO,
    Account,
    Event,
    Position,
)
from .decimals import EXACT, parse, plain
from .instruments import Instrument
from .market import SLOT_MS
from .orders import Fill, Order
from .protocol import UNKNOWN_INSTRUMENT, Json
from .tickets import Rejected, Ticket, checked_price, text, wrong
from .venue import Venue

DEPTH = 400
MAX_OPEN = 500
"""Open orders of one instrument."""


def place(venue: Venue, account: Account, wanted: Ticket, now_ms: int) -> Order:
    """Accept an order: reserve what it needs, execute what crosses, leave the rest open or cancel it."""
    inst = wanted.inst
    if sum(1 for order in venue.orders.open(account.uid) if order.inst_id == inst.id) >= MAX_OPEN:
        raise Rejected("51025", "Order count exceeds the limit.")
    spot = inst.type == "SPOT"
    settle = inst.listing.settle
    order = Order(
        order_id=venue.orders.next_id(), client_id=wanted.client_id, uid=account.uid, inst_id=inst.id,
        inst_type=inst.type, family=inst.listing.family, side=wanted.side, position_side=wanted.position_side,
        mode=wanted.mode, kind=wanted.kind, size_text=wanted.size_text, size=wanted.size, price=wanted.price,
        target_ccy=wanted.target_ccy, ccy=wanted.ccy, tag=wanted.tag, reduce_only=wanted.reduce_only,
        lever="" if spot else lever(account, inst, wanted.mode), created_ms=now_ms, updated_ms=now_ms,
        fee_ccy=(inst.listing.base if wanted.side == "buy" else inst.listing.quote) if spot else settle,
    )  # fmt: skip
    _reserve(venue, account, inst, order, now_ms)
    crossing = _crossing(venue, inst, order, now_ms)
    if order.kind == "post_only" and crossing:
        _accept(venue, account, inst, order, now_ms)
        order.cancel_source = "31"
        return _close(venue, account, inst, order, "canceled", now_ms)
    if order.kind == "fok" and sum((size for _, size in crossing), ZERO) < order.size:
        _accept(venue, account, inst, order, now_ms)
        return _close(venue, account, inst, order, "canceled", now_ms)
    _accept(venue, account, inst, order, now_ms)
    for price, size in crossing:
        execute(venue, account, inst, order, price, size, "T", now_ms)
    if order.open and order.kind not in ("limit", "post_only"):
        return _close(venue, account, inst, order, "canceled", now_ms)
    return order


def lever(account: Account, inst: Instrument, mode: str) -> str:
    """The leverage in force for an instrument and margin mode."""
    return account.leverage.get((inst.id, mode), "3")


def notional(inst: Instrument, size: Decimal, price: Decimal) -> Decimal:
    """Value of ``size`` contracts at ``price`` in the settlement currency."""
    value = EXACT.multiply(Decimal(inst.listing.ct_val), Decimal(inst.listing.ct_mult or "1"))
    if inst.linear or inst.type == "OPTION":
        return EXACT.multiply(EXACT.multiply(size, value), price)
    return EXACT.divide(EXACT.multiply(size, value), price)


def _reserve(venue: Venue, account: Account, inst: Instrument, order: Order, now_ms: int) -> None:
    price = order.price or EXACT.multiply(venue.price(inst, now_ms), Decimal("1.01"))
    if inst.type == "SPOT":
        ccy = inst.listing.quote if order.side == "buy" else inst.listing.base
        need = EXACT.multiply(order.size, price) if order.side == "buy" else order.size
    else:
        ccy = inst.listing.settle
        need = ZERO if order.reduce_only else EXACT.divide(notional(inst, order.size, price), Decimal(order.lever))
    balance = account.balance(ccy)
    if balance.available < need:
        raise Rejected("51008", f"Order failed. Insufficient {ccy} balance in account", "1000")
    balance.frozen += need
    order.frozen_ccy, order.frozen = ccy, need


def _crossing(venue: Venue, inst: Instrument, order: Order, now_ms: int) -> list[tuple[Decimal, Decimal]]:
    """Price and size of what the order would take from the market now, best first."""
    market, slot = venue.market(inst), now_ms // SLOT_MS
    bid, ask = market.touch(slot)
    if order.price is not None:
        limit = market.tick.floor(order.price)
        if (order.side == "buy" and limit < ask) or (order.side == "sell" and limit > bid):
            return []
    taken: list[tuple[Decimal, Decimal]] = []
    left = order.size
    for px, lots, _ in market.asks(slot, DEPTH) if order.side == "buy" else market.bids(slot, DEPTH):
        price = market.tick.decimal(px)
        if order.price is not None and (price > order.price if order.side == "buy" else price < order.price):
            break
        size = min(left, market.lot.decimal(lots))
        taken.append((price, size))
        left -= size
        if left <= 0:
            break
    return taken


def execute(
    venue: Venue,
    account: Account,
    inst: Instrument,
    order: Order,
    price: Decimal,
    size: Decimal,
    role: str,
    now_ms: int,
) -> None:
    """One fill: order, balances or position, fee, events."""
    spot = inst.type == "SPOT"
    # The last fill releases all that is left, so that no rest of a division stays frozen.
    part = EXACT.divide(size, order.remaining)
    _release(account, order, order.frozen if size == order.remaining else EXACT.multiply(order.frozen, part))
    if spot:
        rate = MAKER_FEE if role == "M" else TAKER_FEE
        value = EXACT.multiply(price, size)
        base, quote = account.balance(inst.listing.base), account.balance(inst.listing.quote)
        if order.side == "buy":
            fee = -EXACT.multiply(size, rate)
            quote.cash -= value
            base.cash += size + fee
        else:
            fee = -EXACT.multiply(value, rate)
            base.cash -= size
            quote.cash += value + fee
        base.updated_ms = quote.updated_ms = now_ms
        pnl = ZERO
    else:
        rate = SWAP_MAKER_FEE if role == "M" else SWAP_TAKER_FEE
        fee = -EXACT.multiply(notional(inst, size, price), rate)
        settle = account.balance(inst.listing.settle)
        pnl = _move_position(venue, account, inst, order, price, size, fee, now_ms)
        settle.cash += fee + pnl
        settle.updated_ms = now_ms
    order.filled += size
    order.paid += EXACT.multiply(price, size)
    order.fee += fee
    order.pnl += pnl
    trade_id = str(venue.market(inst).trade(now_ms // SLOT_MS).trade_id)
    order.last = Fill(
        trade_id=trade_id, bill_id=venue.orders.next_id(), price=price, size=size, fee=fee, role=role, ts=now_ms,
        order=order,
    )  # fmt: skip
    venue.orders.fill(order.last)
    if order.remaining <= 0:
        _close(venue, account, inst, order, "filled", now_ms)
    else:
        order.state, order.updated_ms = "partially_filled", now_ms
        _tell(venue, account, inst, order, now_ms)
    account.tell(Event(channel="account", event_type="event_update"))
    account.tell(Event(channel="balance_and_position", event_type="filled"))
    if not spot:
        account.tell(Event(channel="positions", inst_type=inst.type, inst_id=inst.id))


def _move_position(
    venue: Venue,
    account: Account,
    inst: Instrument,
    order: Order,
    price: Decimal,
    size: Decimal,
    fee: Decimal,
    now_ms: int,
) -> Decimal:
    """Open, extend or reduce the position; the answer is the profit realised."""
    key = (inst.id, order.position_side, order.mode)
    position = account.positions.get(key)
    if position is None:
        position = account.positions[key] = Position(
            position_id=venue.orders.next_id(), inst_id=inst.id, mode=order.mode, side=order.position_side,
            quantity=ZERO, average=price, lever=order.lever, opened_ms=now_ms, updated_ms=now_ms,
        )  # fmt: skip
    long = position.side == "long" or (position.side == "net" and position.quantity > 0)
    sign = Decimal(1) if order.side == "buy" else Decimal(-1)
    change = EXACT.multiply(sign, size) if position.side != "short" else EXACT.multiply(-sign, size)
    before, after = position.quantity, EXACT.add(position.quantity, change)
    pnl = ZERO
    if before and (before > 0) != (change > 0):
        closed = min(abs(before), size)
        direction = Decimal(1) if long else Decimal(-1)
        gain = EXACT.subtract(notional(inst, closed, price), notional(inst, closed, position.average))
        pnl = EXACT.multiply(direction if inst.linear else -direction, gain)
        if after and (after > 0) != (before > 0):
            position.average = price
    else:
        total = EXACT.add(abs(before), size)
        position.average = EXACT.divide(
            EXACT.add(EXACT.multiply(abs(before), position.average), EXACT.multiply(size, price)), total
        )
    position.quantity = after
    position.realized += pnl
    position.fee += fee
    position.updated_ms = now_ms
    if not after:
        del account.positions[key]
    return pnl


def _release(account: Account, order: Order, amount: Decimal) -> None:
    account.balance(order.frozen_ccy).frozen -= amount
    order.frozen -= amount


def _accept(venue: Venue, account: Account, inst: Instrument, order: Order, now_ms: int) -> None:
    venue.orders.add(order)
    if order.kind != "post_only" or not _crossing(venue, inst, order, now_ms):
        _tell(venue, account, inst, order, now_ms)
    account.tell(Event(channel="account", event_type="event_update"))


def _close(venue: Venue, account: Account, inst: Instrument, order: Order, state: str, now_ms: int) -> Order:
    _release(account, order, order.frozen)
    order.state, order.updated_ms = state, now_ms
    venue.orders.finish(order)
    _tell(venue, account, inst, order, now_ms)
    account.tell(Event(channel="account", event_type="event_update"))
    return order


def _tell(
    venue: Venue,
    account: Account,
    inst: Instrument,
    order: Order,
    now_ms: int,
    *,
    amend: str = "",
    request_id: str = "",
) -> None:
    row = order.pushed_row(last_price=plain(venue.price(inst, now_ms)), amend=amend, request_id=request_id)
    account.tell(Event(channel="orders", inst_type=inst.type, inst_id=inst.id, family=inst.listing.family, row=row))


def cancel(venue: Venue, account: Account, order_id: str, client_id: str, inst_id: str, now_ms: int) -> Order:
    """Cancel an open order; raises ``Rejected`` 51400 when there is none."""
    if not order_id and not client_id:
        raise Rejected("51003", "Either client order ID or order ID is required.")
    order = venue.orders.find(account.uid, order_id, client_id)
    if order is None or not order.open or (inst_id and order.inst_id != inst_id):
        raise Rejected("51400", "Order cancellation failed as the order has been filled, canceled or does not exist.")
    order.cancel_source = "1"
    return _close(venue, account, venue.instrument(order.inst_id), order, "canceled", now_ms)


def amend(venue: Venue, account: Account, args: dict[str, object], inst: Instrument | None, now_ms: int) -> Order:
    """Change price or size of an open order; raises ``Rejected``."""
    order_id, client_id = text(args.get("ordId")), text(args.get("clOrdId"))
    if not order_id and not client_id:
        raise Rejected("51003", "Either client order ID or order ID is required.")
    order = venue.orders.find(account.uid, order_id, client_id)
    if inst is None:
        raise Rejected("51001", UNKNOWN_INSTRUMENT)
    if order is None or order.inst_id != inst.id:
        raise Rejected("51603", "Order does not exist.")
    if not order.open:
        raise Rejected("51503", "Your order has already been filled or canceled.")
    new_size, new_price = text(args.get("newSz")), text(args.get("newPx"))
    if not new_size and not new_price:
        raise Rejected("51500", "You must enter a price, quantity, or TP/SL")
    size = order.size
    if new_size:
        parsed = parse(new_size)
        if parsed is None or parsed <= order.filled:
            raise wrong("newSz")
        if inst.lot is None or inst.lot.index(parsed) is None:
            raise Rejected("51121", "Order quantity must be a multiple of the lot size.")
        size = parsed
    price = checked_price(venue, inst, order.side, order.kind, new_price, now_ms) if new_price else order.price
    held_ccy, held, old = order.frozen_ccy, order.frozen, (order.size, order.price, order.size_text)
    _release(account, order, held)
    order.size, order.price, order.size_text = size - order.filled, price, new_size or order.size_text
    try:
        _reserve(venue, account, inst, order, now_ms)
    except Rejected:
        order.size, order.price, order.size_text = old
        account.balance(held_ccy).frozen += held
        order.frozen = held
        raise
    order.size, order.updated_ms = size, now_ms
    _tell(venue, account, inst, order, now_ms, amend="0", request_id=text(args.get("reqId")))
    settle(venue, now_ms)
    return order


def settle(venue: Venue, now_ms: int) -> bool:
    """Fill open orders that the market has reached, at their own price; True when anything was filled."""
    if venue.orders.quiet:
        return False
    moved = False
    for order in venue.orders.all_open():
        inst, account = venue.instruments.get(order.inst_id), venue.accounts.get(order.uid)
        if inst is None or account is None or order.price is None or not inst.trades:
            continue
        if _crossing(venue, inst, order, now_ms):
            execute(venue, account, inst, order, order.price, order.remaining, "M", now_ms)
            moved = True
    return moved


def acknowledgement(order: Order, now_ms: int, message: str = "") -> dict[str, Json]:
    """The item of a successful operation."""
    return {
        "clOrdId": order.client_id, "ordId": order.order_id, "sCode": "0", "sMsg": message, "subCode": "",
        "tag": order.tag, "ts": str(now_ms),
    }  # fmt: skip


def rejection(refused: Rejected, args: dict[str, object], now_ms: int) -> dict[str, Json]:
    """The item of a refused operation."""
    return {
        "clOrdId": text(args.get("clOrdId")), "ordId": text(args.get("ordId")), "sCode": refused.code,
        "sMsg": refused.message, "subCode": refused.sub, "tag": text(args.get("tag")), "ts": str(now_ms),
    }  # fmt: skip
