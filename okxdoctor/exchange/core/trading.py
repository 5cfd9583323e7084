"""Order operations: place, cancel, amend, and their acknowledgements.

An order is checked, planned and paid for before anything moves: what crosses is taken (``matching``), the rest of
a limit order stays in the book, the rest of every other order is canceled. Money and positions are in ``clearing``.
"""

from __future__ import annotations

from decimal import Decimal

from .accounts import ZERO, Account, Event
from .clearing import closable, close, held_in, hold, only_closes, opening_cost, rehold, tell
from .decimals import EXACT, parse, plain
from .depth import Depth
from .instruments import Instrument
from .margin import free, lever
from .matching import Plan, book, carry_out, plan, settle
from .orders import Order
from .positions import closes
from .protocol import UNKNOWN_INSTRUMENT, Json
from .tickets import Rejected, Ticket, checked_price, reattached, text, wrong
from .venue import Venue

MAX_OPEN = 500
"""Open orders of one instrument."""

MAX_TOTAL = 4_000
"""Open orders of an account."""

ROUNDS = 8
"""Plans of one order; a second one is needed when a maker's orders end by a fill of his."""


def place(venue: Venue, account: Account, wanted: Ticket, now_ms: int) -> Order:
    """Accept an order: take what crosses, leave the rest in the book or cancel it; raises ``Rejected``."""
    inst = wanted.inst
    depth = book(venue, inst, now_ms)
    if venue.orders.count(account.uid, inst.id) >= MAX_OPEN or venue.orders.total(account.uid) >= MAX_TOTAL:
        raise Rejected("51025", "Order count exceeds the limit.")
    spot = inst.type == "SPOT"
    received = inst.listing.base if wanted.side == "buy" else inst.listing.quote
    order = Order(
        order_id=venue.orders.next_id(), client_id=wanted.client_id, uid=account.uid, inst_id=inst.id,
        inst_type=inst.type, family=inst.listing.family, side=wanted.side, position_side=wanted.position_side,
        mode=wanted.mode, kind=wanted.kind, size_text=wanted.size_text, size=wanted.size, price=wanted.price,
        target_ccy=wanted.target_ccy, ccy=wanted.ccy, tag=wanted.tag, reduce_only=wanted.reduce_only and not spot,
        lever="" if spot else lever(account, inst, wanted.mode, wanted.position_side), created_ms=now_ms,
        updated_ms=now_ms, fee_ccy=received if spot else inst.listing.settle, frozen_ccy=held_in(inst, wanted.side),
        stp=wanted.stp or account.stp, source=wanted.source, algo_id=wanted.algo_id,
        algo_client_id=wanted.algo_client_id, attached=wanted.attached,
    )  # fmt: skip
    if not spot and only_closes(order):
        _fit(venue, account, order)
    first = plan(depth, order, size=order.size, quote=wanted.quote)
    if wanted.quote is not None:
        order.size = first.size
        if not order.size:
            raise Rejected("51020", "Your order should meet or exceed the minimum order amount.")
    need = _need(venue, account, inst, order, first, now_ms, wanted.quote)
    if spot and order.kind == "market" and wanted.quote is None and not wanted.ban_amend:
        first = _cut(venue, account, depth, order, first, need, now_ms)
        need = _need(venue, account, inst, order, first, now_ms)
    if free(venue, account, order.frozen_ccy, now_ms) < need:
        raise _insufficient(order)
    venue.orders.add(order)
    passive = order.kind != "post_only" or not _meets(first)
    if passive:
        tell(venue, account, inst, order, now_ms)
    account.tell(Event(channel="account", event_type="event_update"))
    return _run(venue, account, inst, order, first, now_ms)


def _cut(
    venue: Venue, account: Account, depth: Depth, order: Order, first: Plan, need: Decimal, now_ms: int
) -> Plan:  # fmt: skip
    """A spot market order for which the money lasts at the last price, but not in the book, buys what it can."""
    money = free(venue, account, order.frozen_ccy, now_ms)
    if order.side != "buy" or need <= money or EXACT.multiply(order.size, venue.price_of(order, now_ms)) > money:
        return first
    less = plan(depth, order, size=order.size, quote=money)
    if not less.size:
        return first
    order.size, order.size_text = less.size, plain(less.size)
    return less


def _fit(venue: Venue, account: Account, order: Order) -> None:
    """An order that only closes needs a position; in net mode it is cut to what there is to close."""
    position = account.positions.get((order.inst_id, order.position_side, order.mode))
    if position is None:
        message = "Order failed because you don't have any positions in this direction for this contract to close."
        raise Rejected("51169", message)
    if not closes(order.side, position):
        raise Rejected("51170", "A reduce-only order can't be the same trading direction as your existing positions.")
    room = closable(venue, account, order)
    if not room or (room < order.size and order.position_side != "net"):
        raise Rejected("51112", "Close order size exceeds available size for this position.")
    if room < order.size:
        order.size, order.size_text = room, plain(room)


def _meets(wanted: Plan) -> bool:
    return bool(wanted.matches or wanted.own or wanted.stopped)


def _insufficient(order: Order) -> Rejected:
    return Rejected("51008", f"Order failed. Insufficient {order.frozen_ccy} balance in account", "1000")


def _need(
    venue: Venue, account: Account, inst: Instrument, order: Order, wanted: Plan, now_ms: int,
    quote: Decimal | None = None,
) -> Decimal:  # fmt: skip
    """What the open part of ``order`` needs of its currency if it goes as planned and the rest stands at its price."""
    if inst.type == "SPOT":
        if order.side == "sell":
            return order.remaining
        if order.price is not None:
            return EXACT.multiply(order.remaining, order.price)
        return wanted.value if quote is None else quote
    closing = min(order.remaining, closable(venue, account, order))
    parts = [(match.size, match.price) for match in wanted.matches]
    if order.price is not None:
        parts.append((order.remaining - wanted.size, order.price))
    need = ZERO
    for size, price in parts:
        closed = min(size, closing)
        closing -= closed
        need += opening_cost(venue, inst, order.side, order.lever, size - closed, price, now_ms)
    return need


def _run(venue: Venue, account: Account, inst: Instrument, order: Order, first: Plan, now_ms: int) -> Order:
    """Take what crosses, then rest or end."""
    if order.kind == "post_only" and _meets(first):
        return _end(venue, account, inst, order, now_ms, "31")
    if order.kind == "fok" and first.size < order.remaining:
        return _end(venue, account, inst, order, now_ms, "13")
    depth, wanted = venue.depth(inst, now_ms), first
    for _ in range(ROUNDS):
        carry_out(venue, account, inst, order, wanted, now_ms)
        if order.open and wanted.stopped:
            return _end(venue, account, inst, order, now_ms, "32")
        if not order.open or not _meets(wanted) or order.price is None:
            break
        wanted = plan(depth, order, size=order.remaining)
    if order.open and order.kind not in ("limit", "post_only"):
        return _end(venue, account, inst, order, now_ms, "14" if order.kind in ("ioc", "optimal_limit_ioc") else "0")
    if order.open:
        depth.add(order)
    rehold(venue, account, inst, order, now_ms)
    return order


def _end(venue: Venue, account: Account, inst: Instrument, order: Order, now_ms: int, source: str) -> Order:
    close(venue, account, inst, order, "canceled", now_ms, source=source)
    rehold(venue, account, inst, order, now_ms)
    return order


def cancel(
    venue: Venue, account: Account, order_id: str, client_id: str, inst_id: str, now_ms: int, *, source: str = "1"
) -> Order:  # fmt: skip
    """Cancel an open order; raises ``Rejected`` 51400 when there is none."""
    if not order_id and not client_id:
        raise Rejected("51003", "Either client order ID or order ID is required.")
    settle(venue, now_ms)
    order = venue.orders.find(account.uid, order_id, client_id)
    if order is None or not order.open or (inst_id and order.inst_id != inst_id):
        raise Rejected("51400", "Order cancellation failed as the order has been filled, canceled or does not exist.")
    return _end(venue, account, venue.inst_of(order), order, now_ms, source)


def amend(venue: Venue, account: Account, args: dict[str, object], inst: Instrument | None, now_ms: int) -> Order:
    """Change price or size of an open order; raises ``Rejected``.

    A smaller size keeps the place in the queue; another price or a larger size gives it up, and may take.
    """
    order_id, client_id = text(args.get("ordId")), text(args.get("clOrdId"))
    if not order_id and not client_id:
        raise Rejected("51003", "Either client order ID or order ID is required.")
    settle(venue, now_ms)
    order = venue.orders.find(account.uid, order_id, client_id)
    if inst is None:
        raise Rejected("51001", UNKNOWN_INSTRUMENT)
    if order is None or order.inst_id != inst.id:
        raise Rejected("51603", "Order does not exist.")
    inst = venue.inst_of(order)
    if not order.open:
        raise Rejected("51503", "Your order has already been filled or canceled.")
    new_size, new_price = text(args.get("newSz")), text(args.get("newPx"))
    attached = reattached(order.attached, args, inst)
    if not new_size and not new_price and attached == order.attached:
        raise Rejected("51500", "You must enter a price, quantity, or TP/SL")
    size = order.size
    if new_size:
        parsed = parse(new_size)
        if parsed is None or parsed <= 0:
            raise wrong("newSz")
        if inst.lot is None or inst.lot.index(parsed) is None:
            raise Rejected("51121", "Order quantity must be a multiple of the lot size.")
        if parsed <= order.filled:
            # Nothing is left to fill: the order is filled (documented).
            order.size, order.size_text = order.filled, plain(order.filled)
            close(
                venue, account, inst, order, "filled", now_ms, amend="0", amend_source="1",
                request_id=text(args.get("reqId")),
            )  # fmt: skip
            rehold(venue, account, inst, order, now_ms)
            return order
        size = parsed
    adjust = text(args.get("pxAmendType")) == "1"
    price = order.price
    if new_price:
        price = checked_price(venue, inst, order.side, order.kind, new_price, now_ms, adjust=adjust)
    depth = book(venue, inst, now_ms)
    before = (order.size, order.price, order.size_text)
    keeps = price == order.price and size <= order.size
    order.size, order.price, order.size_text = size, price, new_size or order.size_text
    order.attached = attached
    wanted = Plan(matches=()) if keeps else plan(depth, order, size=order.remaining)
    left = EXACT.add(free(venue, account, order.frozen_ccy, now_ms), order.frozen)
    if not only_closes(order) and left < _need(venue, account, inst, order, wanted, now_ms):
        order.size, order.price, order.size_text = before
        raise _insufficient(order)
    order.updated_ms = now_ms
    tell(
        venue, account, inst, order, now_ms, amend="0", amend_source="1", request_id=text(args.get("reqId"))
    )  # fmt: skip
    account.tell(Event(channel="account", event_type="event_update"))
    if keeps:
        depth.changed()
        rehold(venue, account, inst, order, now_ms)
        return order
    depth.remove(order)
    hold(account, order, ZERO)
    return _run(venue, account, inst, order, wanted, now_ms)


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
