"""The seeded market: price path, book, trades and candles as functions of time alone.

Nothing is advanced, so a clock that jumps, stands still or runs fast does no harm, and every client sees
the same market. Time is cut into slots of 100 ms. The mid price is a reference times one plus four waves,
each linear between knots that the seed fixes; a level of the book keeps its size for some slots and then
takes another; there is one trade a slot, on the touch of that moment. Whoever runs the exchange may move the
market of a coin: ``Moves`` says from which slot on the path is multiplied by what.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from .decimals import Grid
from .instruments import Instrument
from .listing import dollars
from .seeded import mix, number, unit

SLOT_MS = 100

_WAVES = (
    # knot distance in slots, amplitude: 6 h, 15 min, 20 s, 400 ms
    (216_000, 0.025),
    (9_000, 0.006),
    (200, 0.0008),
    (4, 0.00012),
)
LEVELS = 400
"""Depth of the full book, each side."""

SEQUENCE_ROOM = 256
"""Sequence numbers of a slot."""

TRADE_ROOM = 10_000
"""Trade numbers of a slot: the seeded trade has the first, those of accounts the next."""

_FIRST_TRADE = 15_000_000_000
"""Slot (in 2017) whose trade would have number 0."""

Level = tuple[int, int, int]
"""Price in ticks, size in lots, number of orders."""


def slot_of_trade(trade_id: int) -> int:
    """The slot whose trades have numbers around ``trade_id``."""
    return trade_id // TRADE_ROOM + _FIRST_TRADE


def coin_of(instrument: Instrument) -> str:
    """The coin whose price an instrument follows."""
    return (instrument.listing.family or instrument.id).partition("-")[0]


@dataclass(frozen=True, slots=True)
class Trade:
    """One public trade; price in ticks, size in lots."""

    trade_id: int
    px: int
    sz: int
    side: str
    ts: int


@dataclass(frozen=True, slots=True)
class Bar:
    """One candle; prices in ticks, volume in lots."""

    ts: int
    open: int
    high: int
    low: int
    close: int
    volume: int
    confirmed: bool


class Moves:
    """How far a market was moved by hand; before the first move by nothing, so that the past stays as it was."""

    __slots__ = ("_factors", "_slots")

    def __init__(self) -> None:
        self._slots: list[int] = []
        self._factors: list[float] = []

    def factor(self, slot: int) -> float:
        """What the path is multiplied by at ``slot``."""
        if not self._slots:
            return 1.0
        at = bisect_right(self._slots, slot)
        return self._factors[at - 1] if at else 1.0

    def within(self, start: int, end: int) -> list[int]:
        """The slots from ``start`` up to ``end`` between which the path jumps."""
        inside = [slot for slot in self._slots if start < slot < end]
        return [each for slot in inside for each in (slot - 1, slot)]

    def move(self, slot: int, factor: float) -> None:
        """Multiply the path by ``factor`` from ``slot`` on; later moves, if any, are dropped."""
        while self._slots and self._slots[-1] >= slot:
            self._slots.pop()
            self._factors.pop()
        self._slots.append(slot)
        self._factors.append(factor)


class Market:
    """The market of one instrument of one venue."""

    __slots__ = ("_bar", "_lot_scale", "_path", "_reference", "_salt", "_step", "lot", "moves", "restarted", "tick")

    def __init__(self, seed: int, venue: str, instrument: Instrument, moves: Moves | None = None) -> None:
        if instrument.tick is None or instrument.lot is None:
            raise ValueError(f"{instrument.id} has no market")
        self.tick: Grid = instrument.tick
        self.lot: Grid = instrument.lot
        self.moves = Moves() if moves is None else moves
        self.restarted = 0
        """The slot from which the book is numbered anew."""
        self._salt = number(seed, "market", venue, instrument.id) & ((1 << 62) - 1)
        # Spot, swaps and futures of one coin go the same way on every site; only the finest wave is each one's own.
        path = number(seed, "path", coin_of(instrument)) & ((1 << 62) - 1)
        self._path = (*(path + n for n in range(len(_WAVES) - 1)), self._salt)
        self._reference = float(max(2, self.tick.nearest(instrument.reference)))
        self._step = max(1, int(self._reference * 0.00001))
        if instrument.type == "OPTION":
            # Where the price may come into the next band, its tick is kept everywhere: it is a multiple.
            coarse = instrument.tick_at(instrument.reference * 2)
            self._step = self._step if coarse is None else max(1, self.tick.floor(coarse.decimal(1)))
        # About 2,000 USD a level, in lots.
        price = max(float(instrument.reference), 1e-18) * dollars(instrument.listing)
        usd = price * float(self.lot.decimal(1))
        if instrument.listing.ct_val:
            value = float(instrument.listing.ct_val) * float(instrument.listing.ct_mult or "1")
            inverse = instrument.listing.ct_type == "inverse" and instrument.type != "OPTION"
            usd = value * float(self.lot.decimal(1)) * (1.0 if inverse else price)
        self._lot_scale = max(3, min(10**12, int(2_000 / usd) if usd > 0 else 100))
        self._bar = lru_cache(maxsize=4096)(self._closed_bar)

    def mid(self, slot: int) -> float:
        """The path, in ticks."""
        x = 0.0
        for n, (distance, amplitude) in enumerate(_WAVES):
            knot, rest = divmod(slot, distance)
            a = unit(self._path[n], knot)
            x += amplitude * (a + (unit(self._path[n], knot + 1) - a) * rest / distance)
        return self._reference * (1.0 + x) * self.moves.factor(slot)

    def touch(self, slot: int) -> tuple[int, int]:
        """Best bid and best ask in ticks; the bid is below the ask and above zero."""
        bid = max(self._step, int(self.mid(slot)) // self._step * self._step)
        return bid, bid + self._step

    def bids(self, slot: int, depth: int) -> list[Level]:
        """The best ``depth`` bids, highest first; fewer when the price would reach zero."""
        best, _ = self.touch(slot)
        return [
            (px, *self._size(px, slot)) for px in range(best, max(0, best - depth * self._step), -self._step) if px > 0
        ]

    def asks(self, slot: int, depth: int) -> list[Level]:
        """The best ``depth`` asks, lowest first."""
        _, best = self.touch(slot)
        return [(px, *self._size(px, slot)) for px in range(best, best + depth * self._step, self._step)]

    def side(self, side: str, slot: int) -> Iterator[Level]:
        """All levels of one side (buy: bids), best first, each made when it is asked for."""
        bid, ask = self.touch(slot)
        step = -self._step if side == "buy" else self._step
        px = bid if side == "buy" else ask
        for _ in range(LEVELS):
            if px <= 0:
                return
            yield (px, *self._size(px, slot))
            px += step

    def _size(self, px: int, slot: int) -> tuple[int, int]:
        h = mix(self._salt + px, (slot + px * 40_503) // (8 + (px * 2_654_435_761 >> 7 & 31)))
        return 1 + h % (2 * self._lot_scale), 1 + (h >> 40) % 9

    def seq_id(self, slot: int) -> int:
        """The sequence number of the book of ``slot``: rises with it, in uneven jumps, with room for changes within."""
        since = slot - self.restarted if slot >= self.restarted else slot
        return SEQUENCE_ROOM * since + mix(self._salt + 77, slot) % (SEQUENCE_ROOM // 4)

    def trade(self, slot: int) -> Trade:
        """The trade of ``slot``."""
        h = mix(self._salt + 99, slot)
        bid, ask = self.touch(slot)
        buy = bool(h & 1)
        return Trade(
            trade_id=(slot - _FIRST_TRADE) * TRADE_ROOM,
            px=ask if buy else bid,
            sz=1 + (h >> 8) % self._lot_scale,
            side="buy" if buy else "sell",
            ts=slot * SLOT_MS,
        )

    def bar(self, start: int, end: int, now: int) -> Bar:
        """The candle over slots ``start`` to ``end``, as far as ``now`` (a slot) has come."""
        if end <= now:
            return self._bar(start, end)
        bar = self._range(start, max(start + 1, min(end, now + 1)))
        return Bar(bar.ts, bar.open, bar.high, bar.low, bar.close, bar.volume, confirmed=False)

    def _closed_bar(self, start: int, end: int) -> Bar:
        return self._range(start, end)

    def _range(self, start: int, end: int) -> Bar:
        """High and low bound the path: its coarse part at every knot, its fine part by amplitude."""
        first, last = self.trade(start).px, self.trade(end - 1).px
        fine = 0.0
        points = [start, end - 1]
        for distance, amplitude in reversed(_WAVES):
            if (end - start) // distance <= 64:
                points.extend(range(start // distance * distance + distance, end, distance))
                break
            fine += 2 * amplitude
        else:
            distance = _WAVES[0][0]
            points.extend(range(start // distance * distance + distance, end, max(distance, (end - start) // 64)))
        points.extend(self.moves.within(start, end))
        mids = [self.mid(point) for point in points]
        slack = self._reference * fine * max(map(self.moves.factor, points))
        high = int(max(mids) + slack) // self._step * self._step + self._step
        low = max(self._step, int(min(mids) - slack) // self._step * self._step)
        slots = end - start
        volume = slots * (self._lot_scale // 2) + mix(self._salt + 55, start) % self._lot_scale
        return Bar(
            ts=start * SLOT_MS,
            open=first,
            high=max(high, first, last),
            low=min(low, first, last),
            close=last,
            volume=volume,
            confirmed=True,
        )
