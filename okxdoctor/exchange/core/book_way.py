"""What becomes of the messages of a book between the matching engine and one connection, when something is wrong there.

Each connection and book has a ``BookWay``. Without trouble messages pass as they are, unread.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from .protocol import encode
from .ws_world import BookTrouble

EVERY = 2
"""One of so many updates is lost, moved or repeated."""
NEAR = 12
"""Levels of a side, from the best on, whose sizes are altered."""


@dataclass(slots=True)
class BookWay:
    """The way of one book to one connection. ``seen`` counts updates, ``held`` is one that was overtaken."""

    seen: int = 0
    held: list[str] = field(default_factory=list)

    def passing(self, trouble: BookTrouble, texts: list[str]) -> list[str]:
        """What arrives of ``texts``, which were sent now."""
        arrived: list[str] = []
        for text in texts:
            arrived.extend(self._one(trouble, text))
        return arrived

    def _one(self, trouble: BookTrouble, text: str) -> list[str]:
        if '"action":"update"' in text:
            self.seen += 1
            if trouble in ("lost", "swapped", "repeated"):
                return self._displaced(trouble, text)
        return [_altered(trouble, text)]

    def _displaced(self, trouble: BookTrouble, text: str) -> list[str]:
        before, self.held = self.held, []
        if self.seen % EVERY != 1:
            return [text, *before]
        match trouble:
            case "lost":
                return before
            case "repeated":
                return [*before, text, text]
            case _:
                self.held = [text]
                return before


def _altered(trouble: BookTrouble, text: str) -> str:
    """``text`` with wrong contents and the right numbers of the chain."""
    message = msgspec.json.decode(text)
    data = message["data"][0]
    snapshot = message.get("action") != "update"
    match trouble:
        case "level":
            for side in ("asks", "bids"):
                data[side] = [
                    [px, _more(sz), *rest] if k < NEAR else [px, sz, *rest]
                    for k, (px, sz, *rest) in enumerate(data[side])
                ]
        case "crossed" if snapshot and data["asks"]:
            px, *rest = data["asks"][min(2, len(data["asks"]) - 1)]
            data["bids"] = [[px, *rest], *data["bids"]]
        case "duplicate" if snapshot and data["bids"]:
            px, sz, *rest = data["bids"][0]
            data["bids"] = [[px, sz, *rest], [px, _more(sz), *rest], *data["bids"][1:]]
        case "unsorted" if snapshot:
            data["bids"] = data["bids"][::-1]
        case "checksum":
            # Of the time when the field was filled, and not of this book.
            data["checksum"] = -855196043 ^ data["seqId"] & 0xFFFF
        case _:
            return text
    return encode(message).decode()


def _more(size: str) -> str:
    """Another size with the same number of decimals; a deletion stays one."""
    return size if size == "0" else f"1{size}"
