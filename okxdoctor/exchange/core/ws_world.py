"""The circumstances of WebSocket conversations, as one frozen value: a part of ``Circumstances``.

The default is the healthy world. What is here is about the way (a proxy, a gateway, a half-dead connection), about the
exchange's services behind it (login, push, books), or about others who use the same limits; what a session answers
under them, it works out as always.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Path = Literal["public", "private", "business"]
BookTrouble = Literal["lost", "swapped", "repeated", "level", "crossed", "duplicate", "unsorted", "checksum"]
LoginTrouble = Literal["internal", "busy", "stale", "address", "unanswered"]
Crowd = Literal["connects", "channel", "requests", "subscriptions"]

CUT = 1006
"""Stands for an end without a close frame (RFC 6455 section 7.4.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Channels:
    """What happens to WebSocket connections.

    upgrade      what becomes of the request to upgrade
    pong, data   whether the text ping is answered, and whether anything is pushed
    muted        a channel of which nothing is pushed
    first_only   what is sent on subscribing is pushed, and nothing after it
    endings_lost  what tells of the end of an order is not pushed
    mute         nothing at all comes back once the connection is open
    end_after_ms, end_on_subscribe, end_code  when a connection ends by itself, and with which close code
    undeclared_compression  an agreement to compress is struck out of the upgrade's answer, and frames are compressed
    led_to       a gateway leads every connection to this path
    cut_frames   texts longer than this many characters arrive cut off there; 0: whole
    lag_ms       what is pushed is the state of so long ago
    book         what becomes of book messages between the matching engine and the client
    login        the state of the login service
    crowd        which limit others use up: connections a second of the address, connections of a private channel,
                 requests or subscriptions of the connection (which a gateway shares out)
    upgrade_announced  a service upgrade is announced on each connection soon after it opens
    """

    upgrade: Literal["refuse", "strip", "hang", "redirect", "close"] | None = None
    pong: bool = True
    data: bool = True
    muted: str | None = None
    first_only: bool = False
    endings_lost: bool = False
    mute: bool = False
    end_after_ms: int | None = None
    end_on_subscribe: bool = False
    end_code: int = CUT
    undeclared_compression: bool = False
    led_to: Path | None = None
    cut_frames: int = 0
    lag_ms: int = 0
    book: BookTrouble | None = None
    login: LoginTrouble | None = None
    crowd: Crowd | None = None
    upgrade_announced: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What an operator chooses; each choice is a healthy exchange.

    checksum  of books: ``zero`` as since 2026-06, or ``crc``, the CRC-32 of before
    tier      the fee tier of the accounts, which gates the tick-by-tick books and fills (1: a regular user)
    slack     the share beyond each request budget that passes, as at an edge that counts in many places: 0 is exact,
              0.65 was seen (33 of 60 requests at a limit of 20)
    """

    checksum: Literal["zero", "crc"] = "zero"
    tier: int = 1
    slack: float = 0.0

    def __post_init__(self) -> None:
        if self.checksum not in ("zero", "crc"):
            raise ValueError("checksum is zero or crc")
        if not 1 <= self.tier <= 9:
            raise ValueError("tier is a number from 1 to 9")
        if not 0 <= self.slack <= 10:
            raise ValueError("slack is a share from 0 to 10")
