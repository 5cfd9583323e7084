"""What orders and fills do to an account: money held, money moved, positions, and the events that tell of it.

Everything is exact: spot amounts are products of decimals; what has to be divided (margin, the value of inverse
contracts, the cost of a part of a position) is rounded once, and the rounded amount is what is moved.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal

from .accounts import MAKER_FEE, SWAP_MAKER_FEE, SWAP_TAKER_FEE, TAKER_FEE, ZERO, Account, Balance, Event, Position
from .decimals import EXACT, plain
from .instruments import Instrument
from .orders import Fill, Order
from .venue import Venue

_VALUE = Decimal(1).scaleb(-16)
_MARGIN = Decimal(1).scaleb(-12)


def lever(account: Account, inst: Instrument, mode: str) -> str:
    """The leverage in force for an instrument and margin mode."""
    return account.leverage.get((inst.id, mode), "3")


def notional(inst: Instrument, size: Decimal, price: Decimal) -> Decimal:
    """Value of ``size`` contracts at ``price`` in the settlement currency."""
    value = EXACT.multiply(Decimal(inst.listing.ct_val), Decimal(inst.listing.ct_mult or "1"))
    if straight(inst):
        return EXACT.multiply(EXACT.multiply(size, value), price)
    return EXACT.quantize(EXACT.divide(EXACT.multiply(size, value), price), _VALUE)


def straight(inst: Instrument) -> bool:
    """Whether the value of a contract rises with the price (an inverse contract's falls)."""
    return inst.linear or inst.type == "OPTION"


def margin_of(value: Decimal, leverage: str) -> Decimal:
    """Initial margin of a position worth ``value``."""
    return EXACT.divide(value, Decimal(leverage)).quantize(_MARGIN, ROUND_CEILING, context=EXACT)


def opening_need(value: Decimal, leverage: str) -> Decimal:
    """What an order that opens ``value`` holds: initial margin and the taker's fee."""
    fee = EXACT.multiply(value, SWAP_TAKER_FEE).quantize(_MARGIN, ROUND_CEILING, context=EXACT)
    return EXACT.add(margin_of(value, leverage), fee)


def held_in(inst: Instrument, side: str) -> str:
    """The currency that an order of ``side`` holds."""
    if inst.type == "SPOT":
        return inst.listing.quote if side == "buy" else inst.listing.base
    return inst.listing.settle


def closes(side: str, position: Position) -> bool:
    """Whether an order of ``side`` makes ``position`` smaller."""
    return (side == "sell") == position.long


def closable(venue: Venue, account: Account, order: Order) -> Decimal:
    """Contracts that ``order`` can close: the position less what older closing orders will take."""
    position = account.positions.get((order.inst_id, order.position_side, order.mode))
    if position is None or not closes(order.side, position):
        return ZERO
    left = abs(position.quantity)
    for other in _fellows(venue, account, order):
        if other.order_id == order.order_id:
            break
        if other.side == order.side:
            left -= other.remaining
    return max(ZERO, left)


def only_closes(order: Order) -> bool:
    """By its own word, or because of its side in long/short mode, the order can never open a position."""
    return order.reduce_only or (order.position_side, order.side) in (("long", "sell"), ("short", "buy"))


def _fellows(venue: Venue, account: Account, order: Order) -> list[Order]:
    """The account's open orders on the same position, oldest first."""
    key = (order.inst_id, order.position_side, order.mode)
    return [
        each for each in venue.orders.open(account.uid) if (each.inst_id, each.position_side, each.mode) == key
    ]  # fmt: skip


def hold(account: Account, order: Order, amount: Decimal) -> None:
    """Let ``order`` hold exactly ``amount``."""
    account.balance(order.frozen_ccy).frozen += amount - order.frozen
    order.frozen = amount


def resting_need(inst: Instrument, order: Order, opening: Decimal) -> Decimal:
    """What the rest of a limit order holds; ``opening`` of its contracts would open a position."""
    if order.price is None:
        return ZERO
    if inst.type == "SPOT":
        return EXACT.multiply(order.remaining, order.price) if order.side == "buy" else order.remaining
    return opening_need(notional(inst, opening, order.price), order.lever)


def rehold(venue: Venue, account: Account, inst: Instrument, order: Order, now_ms: int) -> None:
    """Bring what the account's orders on the position of ``order`` hold in line with the position.

    Orders that only close are cut to what there is to close, and end when there is nothing; an order that would now
    open a position for which there is no money ends, too.
    """
    if inst.type == "SPOT":
        if order.open:
            hold(account, order, resting_need(inst, order, ZERO))
        return
    while any(_reheld(venue, account, inst, each, now_ms) for each in _fellows(venue, account, order)):
        pass


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
    need = resting_need(inst, order, order.remaining - closing)
    if need > order.frozen and account.balance(order.frozen_ccy).available < need - order.frozen:
        close(venue, account, inst, order, "canceled", now_ms, source="2")
        return True
    hold(account, order, need)
    return False


def fill(
    venue: Venue,
    account: Account,
    inst: Instrument,
    order: Order,
    *,
    price: Decimal,
    size: Decimal,
    role: str,
    trade_id: str,
    now_ms: int,
) -> None:
    """One execution of ``order`` (role M or T): money, position, fee, the order's state, events."""
    pnl = ZERO
    if inst.type == "SPOT":
        fee = _move_cash(account, inst, order, price, size, role, now_ms)
    else:
        rate = SWAP_MAKER_FEE if role == "M" else SWAP_TAKER_FEE
        fee = -EXACT.multiply(notional(inst, size, price), rate)
        settle = account.balance(inst.listing.settle)
        pnl = _move_position(venue, account, inst, order, price, size, fee, trade_id, now_ms)
        settle.cash += fee + pnl
        settle.updated_ms = now_ms
    order.filled += size
    order.paid += EXACT.multiply(price, size)
    order.fee += fee
    order.pnl += pnl
    order.last = Fill(
        trade_id=trade_id, bill_id=venue.orders.next_id(), price=price, size=size, fee=fee, role=role, ts=now_ms,
        pnl=pnl, order=order,
    )  # fmt: skip
    venue.orders.fill(order.last)
    if order.remaining <= 0:
        close(venue, account, inst, order, "filled", now_ms)
    else:
        order.state, order.updated_ms = "partially_filled", now_ms
        tell(venue, account, inst, order, now_ms)
    account.tell(Event(channel="account", event_type="event_update"))
    account.tell(Event(channel="balance_and_position", event_type="filled"))
    if inst.type != "SPOT":
        account.tell(Event(channel="positions", inst_type=inst.type, inst_id=inst.id))


def _move_cash(
    account: Account, inst: Instrument, order: Order, price: Decimal, size: Decimal, role: str, now_ms: int
) -> Decimal:
    """Exchange base for quote; the fee is taken from what is received, and is the answer (negative)."""
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
    return fee


def _move_position(
    venue: Venue, account: Account, inst: Instrument, order: Order, price: Decimal, size: Decimal, fee: Decimal,
    trade_id: str, now_ms: int,
) -> Decimal:  # fmt: skip
    """Open, extend, reduce or turn the position; the answer is the profit realised."""
    key = (inst.id, order.position_side, order.mode)
    position = account.positions.get(key)
    if position is None:
        position = account.positions[key] = Position(
            position_id=venue.orders.next_id(), inst_id=inst.id, mode=order.mode, side=order.position_side,
            quantity=ZERO, average=price, lever=order.lever, opened_ms=now_ms, updated_ms=now_ms,
        )  # fmt: skip
    pnl, left = ZERO, size
    if position.quantity and closes(order.side, position):
        held = abs(position.quantity)
        closed = min(held, size)
        # The last contract takes the rest of the cost, so that nothing is lost in rounding.
        cost = position.cost
        if closed < held:
            cost = EXACT.divide(EXACT.multiply(position.cost, closed), held).quantize(_VALUE, context=EXACT)
        gain = notional(inst, closed, price) - cost
        pnl = gain if position.long == straight(inst) else -gain
        position.cost -= cost
        position.quantity += -closed if position.quantity > 0 else closed
        left -= closed
    if left:
        up = position.side == "short" if order.side == "sell" else position.side != "short"
        position.quantity += left if up else -left
        position.cost += notional(inst, left, price)
        one = notional(inst, Decimal(1), Decimal(1))
        held = EXACT.multiply(abs(position.quantity), one)
        position.average = EXACT.divide(position.cost, held) if straight(inst) else EXACT.divide(held, position.cost)
    balance = account.balance(inst.listing.settle)
    margin = margin_of(position.cost, position.lever)
    balance.margin += margin - position.margin
    position.margin = margin
    position.realized += pnl
    position.fee += fee
    position.last_trade = trade_id
    position.updated_ms = now_ms
    if not position.quantity:
        del account.positions[key]
    return pnl


def close(
    venue: Venue, account: Account, inst: Instrument, order: Order, state: str, now_ms: int, *, source: str = ""
) -> Order:  # fmt: skip
    """End an order: out of the book, nothing held, told. ``source`` is the reason of a cancellation."""
    hold(account, order, ZERO)
    order.state, order.updated_ms, order.cancel_source = state, now_ms, source
    venue.depth(inst, now_ms).remove(order)
    venue.orders.finish(order)
    tell(venue, account, inst, order, now_ms)
    account.tell(Event(channel="account", event_type="event_update"))
    return order


def tell(
    venue: Venue, account: Account, inst: Instrument, order: Order, now_ms: int, *, amend: str = "",
    amend_source: str = "", request_id: str = "",
) -> None:  # fmt: skip
    """Tell the account's ``orders`` channels how ``order`` stands."""
    row = order.pushed_row(
        last_price=plain(venue.price(inst, now_ms)), amend=amend, amend_source=amend_source, request_id=request_id
    )
    account.tell(Event(channel="orders", inst_type=inst.type, inst_id=inst.id, family=inst.listing.family, row=row))


def profit(inst: Instrument, position: Position, price: Decimal) -> Decimal:
    """What closing the whole position at ``price`` would bring, fees aside."""
    gain = notional(inst, abs(position.quantity), price) - position.cost
    return gain if position.long == straight(inst) else -gain


def profits(venue: Venue, account: Account, now_ms: int) -> dict[str, Decimal]:
    """Unrealised profit by settlement currency."""
    found: dict[str, Decimal] = {}
    for position in account.positions.values():
        inst = venue.instruments.get(position.inst_id)
        if inst is not None and inst.trades:
            gain = profit(inst, position, venue.price(inst, now_ms)).quantize(Decimal("1e-12"))
            found[inst.listing.settle] = found.get(inst.listing.settle, ZERO) + gain
    return found


def set_lever(account: Account, inst: Instrument, mode: str, leverage: str) -> bool:
    """Put the leverage of an instrument and its positions to ``leverage``; False when the margin is not there."""
    balance = account.balance(inst.listing.settle or inst.listing.quote)
    held = [each for (inst_id, _, kept), each in account.positions.items() if (inst_id, kept) == (inst.id, mode)]
    margins = [margin_of(each.cost, leverage) for each in held]
    more = sum(margins, ZERO) - sum((each.margin for each in held), ZERO)
    if more > 0 and balance.available < more:
        return False
    for position, margin in zip(held, margins, strict=True):
        position.margin, position.lever = margin, leverage
    balance.margin += more
    account.leverage[inst.id, mode] = leverage
    return True


def move(account: Account, ccy: str, amount: Decimal, *, to_trading: bool, now_ms: int) -> None:
    """Carry ``amount`` between the funding and the trading wallet; the caller has seen that it is there."""
    balance: Balance = account.balance(ccy)
    signed = amount if to_trading else -amount
    balance.cash += signed
    balance.updated_ms = now_ms
    account.funding[ccy] = EXACT.subtract(account.funding.get(ccy, ZERO), signed)
    account.tell(Event(channel="account", event_type="event_update"))
    account.tell(Event(channel="balance_and_position", event_type="transferred"))
