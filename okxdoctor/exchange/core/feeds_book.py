"""The ``books`` channel: one log of updates for each instrument, which every connection reads without a gap."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from .instruments import Instrument
from .market import LEVELS, SLOT_MS, Level, Market
from .matching import book
from .protocol import Json, encode
from .rest_market import levels
from .venue import Venue

LOG = 256
"""Updates kept for connections that lag; beyond them a connection gets a new snapshot."""


@dataclass(slots=True, kw_only=True)
class Stream:
    """The full book of one instrument as one log of updates that all connections read."""

    venue: Venue
    inst: Instrument
    market: Market
    slot: int = -1
    seq: int = -1
    bids: dict[int, Level] = field(default_factory=dict)
    asks: dict[int, Level] = field(default_factory=dict)
    log: deque[str] = field(default_factory=lambda: deque(maxlen=LOG))
    written: int = 0
    """Updates ever written; the log holds the last of them."""

    def advance(self, now_ms: int) -> None:
        """Bring the book to ``now_ms``, logging the difference.

        The channel speaks once a slot: what accounts change within one is told with the next.
        """
        slot = now_ms // SLOT_MS
        if slot == self.slot:
            return
        depth = book(self.venue, self.inst, now_ms)
        bids = {level[0]: level for level in depth.levels("buy", LEVELS)}
        asks = {level[0]: level for level in depth.levels("sell", LEVELS)}
        seq = depth.seq
        if self.slot >= 0:
            sides = {"asks": (self.asks, asks), "bids": (self.bids, bids)}
            rows = {name: levels(self.market, _difference(before, after)) for name, (before, after) in sides.items()}
            if depth.market is not self.market:
                # Another tick: every old level goes, written on the old grid, before the new ones come.
                gone = {name: levels(self.market, [(px, 0, 0) for px in side]) for name, (side, _) in sides.items()}
                rows = {name: gone[name] + levels(depth.market, [*side.values()]) for name, (_, side) in sides.items()}
            self.log.append(_body("update", rows["asks"], rows["bids"], slot, self.seq, seq))
            self.written += 1
        self.market = depth.market
        self.slot, self.seq, self.bids, self.asks = slot, seq, bids, asks

    def snapshot(self) -> str:
        """The whole book as a first message."""
        asks, bids = (levels(self.market, list(side.values())) for side in (self.asks, self.bids))
        return _body("snapshot", asks, bids, self.slot, -1, self.seq)


def _body(action: str, asks: list[Json], bids: list[Json], slot: int, before: int, seq: int) -> str:
    data = {
        "asks": asks, "bids": bids, "ts": str(slot * SLOT_MS), "checksum": 0, "prevSeqId": before, "seqId": seq,
    }  # fmt: skip
    return f'"action":"{action}","data":[{encode(data).decode()}]}}'


def _difference(before: dict[int, Level], after: dict[int, Level]) -> list[Level]:
    """Levels that are new or changed, and size 0 for those that are gone."""
    changed = [level for px, level in after.items() if before.get(px) != level]
    return changed + [(px, 0, 0) for px in before if px not in after]


def stream_of(venue: Venue, inst: Instrument) -> Stream:
    """The stream of an instrument, one for all connections of the venue."""
    market = venue.market(inst)
    found = venue.streams.get(inst.id)
    if not isinstance(found, Stream):
        found = venue.streams[inst.id] = Stream(venue=venue, inst=inst, market=market)
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
