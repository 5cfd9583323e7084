"""The order book of the incremental channels: the chain of its messages, the book that they build, its checksum.

Rules (OKX docs, order book channel; seen 2026-07-26; the checksum notice of 2026-05-21):

* a snapshot has ``prevSeqId`` -1; each update names in ``prevSeqId`` the ``seqId`` before it, in jumps of any size;
* ``seqId`` equal to ``prevSeqId`` with two empty sides is a keep-alive, about once a minute of a book at rest;
* ``seqId`` below ``prevSeqId`` is a reset after maintenance: a link like any other, and numbering goes on from there;
* a level is ``[price, size, …]``, its size is absolute, and size 0 takes it away;
* ``checksum`` 0 is no checksum (since June 2026). Another value is the CRC-32, as a signed 32-bit integer, of the
  best 25 levels as ``bidPrice:bidSize:askPrice:askSize:…`` in the texts as sent; of a shorter side what there is.

Pure. Texts stay texts; prices are compared as exact decimals.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Literal
from zlib import crc32

CHECKED_LEVELS = 25
MOST_LEVELS = 5_000
"""Levels of a side that are read; the deepest book of the exchange has so many."""
Side = Literal["bids", "asks"]
SIDES: tuple[Side, Side] = ("bids", "asks")


@dataclass(frozen=True, slots=True, kw_only=True)
class BookMessage:
    """One message of a book, or one REST book (``action`` ""). Levels are ``"price size"`` in the order sent.

    ``seq``, ``prev``, ``checksum``, ``ts_ms``: None where absent or no integer. ``arrived_ms``: on the caller's clock.
    """

    action: str = ""
    seq: int | None = None
    prev: int | None = None
    checksum: int | None = None
    ts_ms: int | None = None
    bids: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
    arrived_ms: float = 0.0

    def levels(self, side: Side) -> tuple[str, ...]:
        return self.bids if side == "bids" else self.asks


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldedMessage:
    """The same with each side as one text, ``"price size, price size"``: what is kept of a message in few lines."""

    action: str = ""
    seq: int | None = None
    prev: int | None = None
    checksum: int | None = None
    ts_ms: int | None = None
    bids: str = ""
    asks: str = ""
    arrived_ms: float = 0.0


def folded(message: BookMessage) -> FoldedMessage:
    return FoldedMessage(
        action=message.action, seq=message.seq, prev=message.prev, checksum=message.checksum, ts_ms=message.ts_ms,
        bids=", ".join(message.bids), asks=", ".join(message.asks), arrived_ms=message.arrived_ms,
    )  # fmt: skip


def unfolded(kept: FoldedMessage) -> BookMessage:
    """The message again; a level that held a comma is no level before or after."""
    return BookMessage(
        action=kept.action, seq=kept.seq, prev=kept.prev, checksum=kept.checksum, ts_ms=kept.ts_ms,
        bids=tuple(kept.bids.split(", ")) if kept.bids else (), asks=tuple(kept.asks.split(", ")) if kept.asks else (),
        arrived_ms=kept.arrived_ms,
    )  # fmt: skip


def book_message(data: Mapping[str, object], *, action: str = "", arrived_ms: float = 0.0) -> BookMessage:
    """A message from the object in ``data``; total, whatever the object holds."""
    return BookMessage(
        action=action,
        seq=_integer(data.get("seqId")),
        prev=_integer(data.get("prevSeqId")),
        checksum=_integer(data.get("checksum")),
        ts_ms=_integer(data.get("ts")),
        bids=_levels(data.get("bids")),
        asks=_levels(data.get("asks")),
        arrived_ms=arrived_ms,
    )


def _integer(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        digits = value.removeprefix("-")
        value = int(value) if len(digits) < 20 and digits.isascii() and digits.isdigit() else None
    return value if isinstance(value, int) and abs(value) < 1 << 63 else None


def _levels(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        return ()
    return tuple(
        f"{row[0]} {row[1]}"
        if isinstance(row, list | tuple) and len(row) >= 2 and isinstance(row[0], str) and isinstance(row[1], str)
        else "?"
        for row in value[:MOST_LEVELS]
    )


# ---- the chain ----------------------------------------------------------------------------------

Link = Literal["snapshot", "next", "keep-alive", "reset", "repeated", "gap", "headless", "unnumbered"]
BROKEN: frozenset[Link] = frozenset({"gap", "headless", "repeated"})


def links(messages: Sequence[BookMessage]) -> tuple[Link, ...]:
    """How each message joins the one before it.

    ``repeated``: it was there before. ``headless``: an update before any snapshot. ``unnumbered``: no numbers to
    judge by. After a gap the chain is followed from what came.
    """
    found: list[Link] = []
    last: int | None = None
    seen: set[tuple[int, int]] = set()
    for message in messages:
        link = _link(message, last, seen)
        found.append(link)
        if message.seq is not None and link != "repeated":
            last = message.seq
        if link == "snapshot":
            seen.clear()
        if message.seq is not None and message.prev is not None and message.seq != message.prev:
            seen.add((message.prev, message.seq))
    return tuple(found)


def _link(message: BookMessage, last: int | None, seen: set[tuple[int, int]]) -> Link:
    if message.action == "snapshot":
        return "snapshot"
    if message.seq is None or message.prev is None:
        return "unnumbered"
    if last is None:
        return "headless"
    if message.prev != last:
        return "repeated" if (message.prev, message.seq) in seen else "gap"
    if message.seq == message.prev:
        return "keep-alive"
    return "reset" if message.seq < message.prev else "next"


# ---- the book -----------------------------------------------------------------------------------

Kind = Literal["not-a-level", "duplicate", "unsorted", "crossed", "checksum", "differs"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Defect:
    """Something that no right book has. ``message`` counts from 0; ``says`` shows it."""

    kind: Kind
    message: int
    says: str


class Book:
    """A book as its messages build it: price to (price, size) in the texts as sent, for each side."""

    def __init__(self) -> None:
        self._sides: dict[Side, dict[Decimal, tuple[str, str]]] = {"bids": {}, "asks": {}}

    def apply(self, message: BookMessage) -> list[tuple[Side, Kind, str]]:
        """Take a message in; what is wrong with its levels."""
        wrong: list[tuple[Side, Kind, str]] = []
        for side in SIDES:
            levels = self._sides[side]
            if message.action == "snapshot":
                levels.clear()
            new: set[Decimal] = set()
            before: Decimal | None = None
            for level in message.levels(side):
                parsed = _parsed(level)
                if parsed is None:
                    wrong.append((side, "not-a-level", level[:60]))
                    continue
                price, size, px, sz = parsed
                if message.action == "snapshot":
                    if price in new:
                        wrong.append((side, "duplicate", px))
                    elif before is not None and (price > before if side == "bids" else price < before):
                        wrong.append((side, "unsorted", f"{before} before {px}"))
                    new.add(price)
                    before = price
                if size == 0:
                    levels.pop(price, None)
                else:
                    levels[price] = (px, sz)
        return wrong

    def best(self, side: Side, count: int) -> tuple[tuple[str, str], ...]:
        """The best levels of a side, best first."""
        levels = self._sides[side]
        prices = sorted(levels, reverse=side == "bids")[:count]
        return tuple(levels[price] for price in prices)

    @property
    def crossed(self) -> str:
        """The best bid and ask where they cross, else nothing."""
        bids, asks = self._sides["bids"], self._sides["asks"]
        if not bids or not asks or (bid := max(bids)) < (ask := min(asks)):
            return ""
        return f"bid {bids[bid][0]}, ask {asks[ask][0]}"

    def checksum(self) -> int:
        """The signed CRC-32 of the best 25 levels."""
        bids, asks = self.best("bids", CHECKED_LEVELS), self.best("asks", CHECKED_LEVELS)
        words: list[str] = []
        for k in range(max(len(bids), len(asks))):
            for side in (bids, asks):
                words.extend(side[k] if k < len(side) else ())
        value = crc32(":".join(words).encode("utf-8", "replace"))
        return value - (1 << 32) if value >= 1 << 31 else value


def _parsed(level: str) -> tuple[Decimal, Decimal, str, str] | None:
    px, _, sz = level.partition(" ")
    try:
        price, size = Decimal(px), Decimal(sz)
    except InvalidOperation:
        return None
    if not price.is_finite() or not size.is_finite() or price <= 0 or size < 0:
        return None
    return price, size, px, sz


def defects(messages: Sequence[BookMessage], rest: Iterable[BookMessage] = ()) -> tuple[Defect, ...]:
    """What is wrong with the book that ``messages`` build, up to the first broken link of their chain.

    Each book of ``rest`` is compared where the own book has the same ``seq``, as deep as it goes. Sides that cross
    count when they do so in a snapshot or in two states: for a moment that may happen behind a reset.
    """
    joined = links(messages)
    whole = next((k for k, link in enumerate(joined) if link in BROKEN), len(messages))
    wanted = {other.seq: other for other in rest if other.seq is not None}
    book, found = Book(), list[Defect]()
    crossed: list[tuple[int, str]] = []
    for k, message in enumerate(messages[:whole]):
        found += [Defect(kind=kind, message=k, says=f"{side}: {says}") for side, kind, says in book.apply(message)]
        if book.crossed:
            crossed.append((k, book.crossed))
        if message.checksum and message.checksum != book.checksum():
            says = f"sent {message.checksum}, own book {book.checksum()}"
            found.append(Defect(kind="checksum", message=k, says=says))
        other = wanted.get(message.seq) if message.seq is not None else None
        if other is not None:
            found += [Defect(kind="differs", message=k, says=says) for says in _differences(book, other)]
    if len(crossed) > 1 or (crossed and messages[crossed[0][0]].action == "snapshot"):
        found.append(Defect(kind="crossed", message=crossed[0][0], says=crossed[0][1]))
    return tuple(sorted(found, key=lambda defect: defect.message))


def compared(messages: Sequence[BookMessage], rest: Iterable[BookMessage]) -> int:
    """How many books of ``rest`` have the ``seq`` of a message before the first broken link."""
    joined = links(messages)
    whole = next((k for k, link in enumerate(joined) if link in BROKEN), len(messages))
    own = {message.seq for message in messages[:whole]} - {None}
    return sum(1 for other in rest if other.seq in own)


def _differences(book: Book, other: BookMessage) -> list[str]:
    found: list[str] = []
    for side in SIDES:
        theirs = [(level.partition(" ")[0], level.partition(" ")[2]) for level in other.levels(side)]
        own = book.best(side, len(theirs))
        for k, (px, sz) in enumerate(theirs):
            mine = own[k] if k < len(own) else ("nothing", "")
            if not _same(mine, (px, sz)):
                found.append(f"{side} {k + 1}: own book {' '.join(mine).strip()}, REST {px} {sz}")
                break
    return found


def _same(one: tuple[str, str], other: tuple[str, str]) -> bool:
    a, b = _parsed(" ".join(one)), _parsed(" ".join(other))
    return a is not None and b is not None and a[:2] == b[:2]
