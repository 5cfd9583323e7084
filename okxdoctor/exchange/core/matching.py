"""Price-time matching: orders of accounts against the seeded market and against each other.

A plan is made first and carried out afterwards, so that an order can be refused before anything has moved. In
each slot the market comes to the orders that stand in the book: its new levels trade with those that they would
cross, and the seeded trade of the slot meets orders that are better than the market's own level.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from .accounts import ZERO, Account
from .clearing import close, fill, rehold
from .decimals import EXACT
from .depth import OTHER, Depth, better
from .instruments import Instrument
from .market import SLOT_MS, Trade
from .orders import Order
from .venue import Venue

CATCH_UP = 3_000
"""Slots that are looked at after a jump of the clock (5 minutes); longer jumps are looked at in that many steps."""

FROZEN = ("suspend", "preopen", "rebase")
"""States in which nothing trades."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A part of a plan: price in ticks, size, and the order it is taken from; None for the market."""

    px: int
    price: Decimal
    size: Decimal
    maker: Order | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a taking order would do now.

    ``own`` are orders of the same account that it meets and that end; ``stopped`` says that it ends itself there.
    """

    matches: tuple[Match, ...]
    own: tuple[Order, ...] = ()
    stopped: bool = False

    @property
    def size(self) -> Decimal:
        return sum((match.size for match in self.matches), ZERO)

    @property
    def value(self) -> Decimal:
        """Sum of price times size."""
        return sum((EXACT.multiply(match.price, match.size) for match in self.matches), ZERO)


def plan(depth: Depth, order: Order, *, size: Decimal, quote: Decimal | None = None) -> Plan:
    """What ``order`` would take now: at most ``size``, or as much as ``quote`` of quote currency pays for."""
    market, side = depth.market, OTHER[order.side]
    found: list[Match] = []
    own: list[Order] = []
    left, money = size, quote
    for px, offered, maker in depth.offers(side):
        price = market.tick.decimal(px) if maker is None or maker.price is None else maker.price
        if order.price is not None and (price > order.price if order.side == "buy" else price < order.price):
            break
        if maker is not None and maker.uid == order.uid:
            if order.stp != "cancel_taker":
                own.append(maker)
            if order.stp == "cancel_maker":
                continue
            return Plan(matches=tuple(found), own=tuple(own), stopped=True)
        take = offered if money is None else min(offered, _affordable(depth, money, price))
        take = take if money is not None else min(take, left)
        if take <= 0:
            break
        found.append(Match(px=px, price=price, size=take, maker=maker))
        left -= take
        if money is not None:
            money -= EXACT.multiply(take, price)
        elif left <= 0:
            break
    return Plan(matches=tuple(found), own=tuple(own))


def _affordable(depth: Depth, money: Decimal, price: Decimal) -> Decimal:
    lot = depth.market.lot
    return lot.decimal(lot.floor(EXACT.divide(money, price)))


def carry_out(venue: Venue, account: Account, inst: Instrument, order: Order, wanted: Plan, now_ms: int) -> None:
    """Let ``order`` take what ``wanted`` says."""
    depth = venue.depth(inst, now_ms)
    for mine in wanted.own:
        if mine.open:
            close(venue, account, venue.inst_of(mine), mine, "canceled", now_ms, source="32")
            rehold(venue, account, venue.inst_of(mine), mine, now_ms)
    for match in wanted.matches:
        size = match.size
        if match.maker is not None:
            # A fill may have cut or ended another order of the same maker.
            size = min(size, match.maker.remaining) if match.maker.open else ZERO
        if not size:
            continue
        trade = depth.show(match.px, size, order.side, now_ms)
        if match.maker is None:
            depth.take(OTHER[order.side], match.px, depth.market.lot.floor(size))
        else:
            _make(venue, depth, match.maker, match.price, size, trade, now_ms)
        fill(
            venue, account, inst, order, price=match.price, size=size, role="T", trade_id=str(trade.trade_id),
            now_ms=now_ms,
        )  # fmt: skip


def _make(
    venue: Venue, depth: Depth, maker: Order, price: Decimal, size: Decimal, trade: Trade, now_ms: int
) -> None:  # fmt: skip
    """The maker's side of a trade."""
    account, inst = venue.accounts[maker.uid], venue.inst_of(maker)
    depth.changed()
    fill(
        venue, account, inst, maker, price=price, size=size, role="M", trade_id=str(trade.trade_id), now_ms=now_ms
    )  # fmt: skip
    rehold(venue, account, inst, maker, now_ms)


def settle(venue: Venue, now_ms: int) -> bool:
    """Let time pass until now, slot by slot: the market comes to the open orders, and what else is due is done.

    True when anything has happened to an account.
    """
    now = now_ms // SLOT_MS
    if now == venue.swept or venue.settling:
        # Orders that time itself brings (algo orders) are placed while it passes.
        return False
    if venue.calm:
        venue.swept = venue.looked = now
        venue.roll(now_ms)
        return False
    books = _trading(venue)
    first = min((venue.looked, *(depth.swept for _, depth in books))) + 1
    venue.swept, looked, venue.looked = now, venue.looked, now
    if first > now or looked > now:
        # The clock may have been put back; everything goes on from here.
        for _, depth in books:
            depth.swept = min(depth.swept, now)
        return False
    stride = max(1, (now - first + 1) // CATCH_UP)
    slots = [*range(first, now, stride), now]
    due = {-(-at // SLOT_MS) for chore in venue.chores for at in chore.due(venue, looked * SLOT_MS, now_ms)}
    if due:
        slots = sorted({*slots, *(slot for slot in due if first <= slot <= now)})
    venue.settling = True
    try:
        return _pass(venue, books, slots, looked, now_ms)
    finally:
        venue.settling = False
        venue.roll(now_ms)


def _pass(venue: Venue, books: list[tuple[Instrument, Depth]], slots: list[int], looked: int, now_ms: int) -> bool:
    """Go through ``slots``; what was due up to ``looked`` has been done before."""
    moved, now = False, now_ms // SLOT_MS
    for slot in slots:
        for _, depth in books:
            if depth.swept < slot:
                depth.swept = slot
                moved = _sweep(venue, depth, slot) or moved
        if slot > looked:
            at_ms = now_ms if slot == now else slot * SLOT_MS
            done = [chore.do(venue, at_ms) for chore in venue.chores if not chore.idle(venue)]
            if any(done):
                moved, books = True, _trading(venue)
    return moved


def _trading(venue: Venue) -> list[tuple[Instrument, Depth]]:
    """The books in which orders of accounts stand and may be met."""
    return [(inst, depth) for inst, depth in venue.depths() if inst.trades and inst.state not in FROZEN]


def _sweep(venue: Venue, depth: Depth, slot: int) -> bool:
    """The market of ``slot`` meets the orders in the book."""
    bid, ask = depth.market.touch(slot)
    highest, lowest = depth.best_order("buy"), depth.best_order("sell")
    if (highest is None or highest[0] <= bid) and (lowest is None or lowest[0] >= ask):
        # Behind or at the market's own levels; nothing comes to them.
        return False
    depth.at(slot)
    at_ms = slot * SLOT_MS
    moved = False
    for side in ("buy", "sell"):
        moved = _cross(venue, depth, side, at_ms) or moved
    return _meet(venue, depth, at_ms) or moved


def _cross(venue: Venue, depth: Depth, side: str, at_ms: int) -> bool:
    """The market's new levels trade with the orders of ``side`` that they would cross."""
    moved = False
    while True:
        best = depth.best_order(side)
        level = next(depth.market_levels(OTHER[side]), None)
        if best is None or level is None or better(side, level[0], best[0]):
            return moved
        (px, order), (at, lots, _) = best, level
        size = min(order.remaining, depth.market.lot.decimal(lots))
        depth.take(OTHER[side], at, depth.market.lot.floor(size))
        _given(venue, depth, order, px, size, OTHER[side], at_ms)
        moved = True


def _meet(venue: Venue, depth: Depth, at_ms: int) -> bool:
    """The seeded trade of the slot takes first what is better than the market's own level."""
    trade = depth.market.trade(depth.slot)
    side = OTHER[trade.side]
    left = trade.sz
    while left > 0:
        best = depth.best_order(side)
        if best is None or not better(side, best[0], trade.px):
            break
        px, order = best
        size = min(order.remaining, depth.market.lot.decimal(left))
        _given(venue, depth, order, px, size, trade.side, at_ms)
        left -= max(1, depth.market.lot.floor(size))
    if left == trade.sz:
        return False
    depth.shorten(max(0, left))
    return True


def _given(venue: Venue, depth: Depth, order: Order, px: int, size: Decimal, taker: str, at_ms: int) -> None:
    """The market takes ``size`` from ``order``, at its price."""
    trade = depth.show(px, size, taker, at_ms)
    _make(venue, depth, order, order.price or depth.market.tick.decimal(px), size, trade, at_ms)


def fill_at_own_price(venue: Venue, order: Order, size: Decimal, now_ms: int) -> None:
    """Let somebody outside take ``size`` from an open order, wherever the market is."""
    inst = venue.instrument(order.inst_id)
    depth = book(venue, inst, now_ms)
    if order.open and order.price is not None:
        px = depth.market.tick.floor(order.price)
        _given(venue, depth, order, px, min(size, order.remaining), OTHER[order.side], now_ms)


def book(venue: Venue, inst: Instrument, now_ms: int) -> Depth:
    """The book of ``inst`` as it stands at ``now_ms``, after the market has met the orders."""
    settle(venue, now_ms)
    depth = venue.depth(inst, now_ms)
    # The market of an instrument that is halted stands still; what leaves its book is seen all the same.
    return depth if inst.state in FROZEN else depth.at(now_ms // SLOT_MS)
