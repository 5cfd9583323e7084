"""The book of one instrument: the seeded market's levels and the orders of accounts, side by side.

The market's levels are new in each slot; what accounts have taken from them is gone for the rest of the slot.
At one price the market's quantity stands before that of accounts, and these stand in the order of arrival.
The tape has the trades: the seeded one of each slot, and those in which an account took part.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from .market import Level, Market, Trade
from .orders import Order

KEPT_SLOTS = 2_000
"""Slots whose account trades stay on the tape."""

OTHER = {"buy": "sell", "sell": "buy"}

Offer = tuple[int, Decimal, Order | None]
"""Price in ticks, size, and the order behind it; None for the market."""


class Depth:
    """Levels, queue and tape at ``slot``. ``seq`` is the sequence number of this state of the book."""

    def __init__(self, market: Market, slot: int) -> None:
        self.market = market
        self.slot = slot
        self.seq = market.seq_id(slot)
        self.swept = slot
        """The last slot in which the market has met the orders."""
        self.printed = 0
        """Account trades ever printed."""
        self._taken: dict[str, dict[int, int]] = {"buy": {}, "sell": {}}
        self._queues: dict[str, dict[int, list[Order]]] = {"buy": {}, "sell": {}}
        self._place: dict[str, tuple[str, int]] = {}
        self._best: dict[str, int | None] = {"buy": None, "sell": None}
        self._tape: dict[int, list[Trade]] = {}

    # -- time ---------------------------------------------------------------------------------

    def at(self, slot: int) -> Depth:
        """Bring the market's levels to ``slot``."""
        if slot != self.slot:
            fresh = self.market.seq_id(slot)
            self.seq = max(self.seq + 1, fresh) if slot > self.slot else fresh
            self.slot = slot
            for taken in self._taken.values():
                taken.clear()
        return self

    def restart(self) -> None:
        """Number the book from a small number on, as happens after maintenance."""
        self.market.restarted = self.slot
        self.seq = self.market.seq_id(self.slot)

    # -- orders -------------------------------------------------------------------------------

    @property
    def resting(self) -> bool:
        """An account's order is in the book."""
        return bool(self._place)

    def add(self, order: Order) -> None:
        """Let ``order`` stand at its price, behind those that are there."""
        if order.price is None:
            raise ValueError("an order without a price cannot rest")
        if not self.resting:
            self.swept = self.slot
        # After a change of the tick a price may lie between two of them; it then stands on its passive side.
        px = self.market.tick.floor(order.price)
        if order.side == "sell" and self.market.tick.decimal(px) < order.price:
            px += 1
        self._queues[order.side].setdefault(px, []).append(order)
        self._place[order.order_id] = (order.side, px)
        best = self._best[order.side]
        if best is None or better(order.side, px, best):
            self._best[order.side] = px
        self.seq += 1

    def remove(self, order: Order) -> None:
        """Take ``order`` out, where it stands."""
        place = self._place.pop(order.order_id, None)
        if place is None:
            return
        side, px = place
        queue = self._queues[side][px]
        queue.remove(order)
        if not queue:
            del self._queues[side][px]
            prices = self._queues[side]
            self._best[side] = None if not prices else max(prices) if side == "buy" else min(prices)
        self.seq += 1

    def best_order(self, side: str) -> tuple[int, Order] | None:
        """The account order that is next on ``side``, with its price in ticks."""
        px = self._best[side]
        return None if px is None else (px, self._queues[side][px][0])

    # -- levels -------------------------------------------------------------------------------

    def market_levels(self, side: str) -> Iterator[Level]:
        """What the market still offers on ``side``, best first."""
        taken = self._taken[side]
        for px, lots, count in self.market.side(side, self.slot):
            left = lots - taken.get(px, 0)
            if left > 0:
                yield px, left, count

    def take(self, side: str, px: int, lots: int) -> None:
        """An account took ``lots`` from the market's level ``px`` of ``side``."""
        taken = self._taken[side]
        taken[px] = taken.get(px, 0) + lots
        self.seq += 1

    def changed(self) -> None:
        """An order in the book has another size."""
        self.seq += 1

    def levels(self, side: str, depth: int) -> list[Level]:
        """The best ``depth`` levels of ``side`` (buy: bids), market and accounts together."""
        queues = self._queues[side]
        if not queues and not self._taken[side]:
            return self.market.bids(self.slot, depth) if side == "buy" else self.market.asks(self.slot, depth)
        own = sorted(queues, reverse=side == "buy")
        found: list[Level] = []
        k = 0
        for px, lots, count in self.market_levels(side):
            while k < len(own) and better(side, own[k], px):
                found.append(self._queued(side, own[k]))
                k += 1
            if k < len(own) and own[k] == px:
                _, more, orders = self._queued(side, px)
                lots, count = lots + more, count + orders
                k += 1
            found.append((px, lots, count))
            if len(found) >= depth:
                break
        found.extend(self._queued(side, px) for px in own[k:])
        return [level for level in found if level[1] > 0][:depth]

    def _queued(self, side: str, px: int) -> Level:
        queue = self._queues[side][px]
        return px, sum(self.market.lot.floor(order.remaining) for order in queue), len(queue)

    def offers(self, side: str) -> Iterator[Offer]:
        """All that can be taken from ``side``, best first. Not to be changed while it is read."""
        own = sorted(self._queues[side], reverse=side == "buy")
        k = 0
        for px, lots, _ in self.market_levels(side):
            while k < len(own) and better(side, own[k], px):
                yield from ((own[k], order.remaining, order) for order in self._queues[side][own[k]])
                k += 1
            yield px, self.market.lot.decimal(lots), None
        for each in own[k:]:
            yield from ((each, order.remaining, order) for order in self._queues[side][each])

    def touch(self) -> tuple[int | None, int | None]:
        """Best bid and best ask in ticks."""
        bids, asks = self.levels("buy", 1), self.levels("sell", 1)
        return (bids[0][0] if bids else None), (asks[0][0] if asks else None)

    # -- tape ---------------------------------------------------------------------------------

    def tape(self, slot: int) -> list[Trade]:
        """The trades of ``slot``, oldest first."""
        return self._tape.get(slot) or [self.market.trade(slot)]

    def last(self, slot: int) -> Trade:
        """The newest trade at ``slot``."""
        return self.tape(slot)[-1]

    def show(self, px: int, size: Decimal, side: str, at_ms: int) -> Trade:
        """Print a trade of an account in the present slot; ``side`` is the taker's."""
        trades = self._tape.setdefault(self.slot, [])
        if not trades:
            trades.append(self.market.trade(self.slot))
        trade = Trade(
            trade_id=trades[-1].trade_id + 1, px=px, sz=self.market.lot.floor(size), side=side, ts=at_ms,
        )  # fmt: skip
        trades.append(trade)
        self.printed += 1
        while len(self._tape) > KEPT_SLOTS:
            del self._tape[next(iter(self._tape))]
        return trade

    def shorten(self, lots: int) -> None:
        """The seeded trade of the slot left only ``lots`` for the market's own levels."""
        trades = self._tape[self.slot]
        first = trades[0]
        rest = trades[1:]
        kept = [] if lots == 0 else [Trade(first.trade_id, first.px, lots, first.side, first.ts)]
        self._tape[self.slot] = kept + rest


def better(side: str, px: int, than: int) -> bool:
    """Whether ``px`` comes before ``than`` on ``side``: higher bids, lower asks."""
    return px > than if side == "buy" else px < than
