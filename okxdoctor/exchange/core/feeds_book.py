"""The ``books`` channel: one log of updates for each instrument, which every connection reads without a gap."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

from .exchange import Exchange
from .instruments import Instrument
from .market import LEVELS, SLOT_MS, Level, Market
from .matching import book
from .protocol import Json, encode
from .rest_market import levels
from .venue import Venue

LOG = 256
"""Updates kept for connections that lag; beyond them a connection gets a new snapshot."""


STILL_SLOTS = 60_000 // SLOT_MS
"""After this long without a change a book is told to stand still."""


@dataclass(slots=True, kw_only=True)
class Stream:
    """The book of one instrument, ``depth`` levels a side, as one log of updates that all connections read."""

    exchange: Exchange
    venue: Venue
    inst: Instrument
    market: Market
    depth: int = LEVELS
    slot: int = -1
    seq: int = -1
    told_slot: int = -1
    """The slot of the last message."""
    bids: dict[int, Level] = field(default_factory=dict)
    asks: dict[int, Level] = field(default_factory=dict)
    log: deque[str] = field(default_factory=lambda: deque(maxlen=LOG))
    written: int = 0
    """Updates ever written; the log holds the last of them."""

    def advance(self, now_ms: int) -> None:
        """Bring the book to ``now_ms``, logging the difference.

        The channel speaks once a slot: what accounts change within one is told with the next. A book that stands
        still is told as such once a minute: two empty sides, and the same number twice.
        """
        slot = now_ms // SLOT_MS
        if slot == self.slot:
            return
        depth = book(self.venue, self.inst, now_ms)
        before, first = self.seq, self.slot < 0
        bids = {level[0]: level for level in depth.levels("buy", self.depth)}
        asks = {level[0]: level for level in depth.levels("sell", self.depth)}
        sides = {"asks": (self.asks, asks), "bids": (self.bids, bids)}
        rows = {name: levels(self.market, _difference(was, now)) for name, (was, now) in sides.items()}
        if depth.market is not self.market:
            # Another tick: every old level goes, written on the old grid, before the new ones come.
            gone = {name: levels(self.market, [(px, 0, 0) for px in side]) for name, (side, _) in sides.items()}
            rows = {name: gone[name] + levels(depth.market, [*side.values()]) for name, (_, side) in sides.items()}
        self.market = depth.market
        self.slot, self.seq, self.bids, self.asks = slot, depth.seq, bids, asks
        if first:
            self.told_slot = slot
        elif rows["asks"] or rows["bids"] or depth.seq != before or slot - self.told_slot >= STILL_SLOTS:
            self.log.append(self._body("update", rows["asks"], rows["bids"], before))
            self.written += 1
            self.told_slot = slot

    def snapshot(self) -> str:
        """The whole book as a first message."""
        asks, bids = (levels(self.market, list(side.values())) for side in (self.asks, self.bids))
        return self._body("snapshot", asks, bids, -1)

    def _body(self, action: str, asks: list[Json], bids: list[Json], before: int) -> str:
        data = {
            "asks": asks, "bids": bids, "ts": str(self.slot * SLOT_MS), "checksum": self._checksum(),
            "prevSeqId": before, "seqId": self.seq,
        }  # fmt: skip
        return f'"action":"{action}","data":[{encode(data).decode()}]}}'

    def _checksum(self) -> int:
        """0 since 2026-06; before that the CRC-32 (signed) of the best 25 levels, bid and ask in turn."""
        if self.exchange.options.checksum == "zero":
            return 0
        bids, asks = (levels(self.market, list(side.values())[:25]) for side in (self.bids, self.asks))
        words: list[str] = []
        for k in range(max(len(bids), len(asks))):
            for side in (bids, asks):
                if k < len(side):
                    row: Any = side[k]
                    words += [row[0], row[1]]
        value = crc32(":".join(words).encode())
        return value - (1 << 32) if value >= 1 << 31 else value


def _difference(before: dict[int, Level], after: dict[int, Level]) -> list[Level]:
    """Levels that are new or changed, and size 0 for those that are gone."""
    changed = [level for px, level in after.items() if before.get(px) != level]
    return changed + [(px, 0, 0) for px in before if px not in after]


def stream_of(exchange: Exchange, venue: Venue, inst: Instrument, depth: int) -> Stream:
    """The stream of an instrument, one for all connections of the venue."""
    market, key = venue.market(inst), f"{inst.id} {depth}"
    found = venue.streams.get(key)
    if not isinstance(found, Stream):
        found = venue.streams[key] = Stream(exchange=exchange, venue=venue, inst=inst, market=market, depth=depth)
    return found


@dataclass(slots=True, kw_only=True)
class Books:
    """Snapshot, then every update of the stream without a gap."""

    stream: Stream
    head: str
    read: int = 0

    def opening(self, now_ms: int) -> list[str]:
        self.stream.advance(now_ms)
        self.read = self.stream.written
        return [self.head + self.stream.snapshot()]

    def later(self, now_ms: int) -> list[str]:
        stream = self.stream
        stream.advance(now_ms)
        missing = stream.written - self.read
        if missing == 0:
            return []
        if missing > len(stream.log):
            return self.opening(now_ms)
        self.read = stream.written
        return [self.head + stream.log[k] for k in range(len(stream.log) - missing, len(stream.log))]
