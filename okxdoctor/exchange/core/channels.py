"""WebSocket channels: which exist where, and what each one sends when.

A ``Feed`` belongs to one subscription of one connection. ``opening`` is sent after the acknowledgement,
``later`` whenever time has passed or something has changed. Public payloads are made once for each slot of
the market and shared by all connections; a book's updates are one log, so that sequences agree everywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from .accounts import Account
from .exchange import Exchange
from .feeds_book import Books, stream_of
from .feeds_private import Fills, Orders, Told, Warnings
from .feeds_public import (
    Candles,
    Liquidations,
    Listings,
    Nothing,
    Rows,
    Status,
    Trades,
    index_row,
    shallow,
)
from .feeds_wallet import Both, Funds, Greeks, Positions
from .instruments import Instrument
from .market import LEVELS, SLOT_MS
from .protocol import Json, encode
from .rest import Call
from .rest_candles import MONTHS
from .rest_contracts import estimated, greeks_row
from .rest_market import BARS, ticker_row
from .rest_public import funding_row, interest_row, mark_row, price_limit_row
from .venue import Venue

Subject = tuple[tuple[str, str], ...]
"""A subscription argument without absent fields."""

FUNDING_PUSH_MS = 60_000


class Feed(Protocol):
    """The sending side of one subscription."""

    def opening(self, now_ms: int) -> list[str]: ...

    def later(self, now_ms: int) -> list[str]: ...


@dataclass(slots=True, kw_only=True)
class Ending:
    """The feed of a contract, which ends with it: what has expired is quoted no more."""

    feed: Feed
    ends_ms: int

    def opening(self, now_ms: int) -> list[str]:
        return self.feed.opening(now_ms) if now_ms < self.ends_ms else []

    def later(self, now_ms: int) -> list[str]:
        return self.feed.later(now_ms) if now_ms < self.ends_ms else []


BOOKS = {"books": LEVELS, "books-l2-tbt": LEVELS, "books50-l2-tbt": 50}
"""Channels that send a snapshot and updates, and their levels."""
PUBLIC = (
    "tickers", "trades", *BOOKS, "books5", "bbo-tbt", "instruments", "mark-price", "funding-rate", "price-limit",
    "index-tickers", "open-interest", "status", "liquidation-orders", "estimated-price", "opt-summary",
    "adl-warning",
)  # fmt: skip
PRIVATE = ("orders", "account", "positions", "balance_and_position", "fills", "liquidation-warning", "account-greeks")
BUSINESS_PRIVATE = ("orders-algo", "algo-advance", "deposit-info", "withdrawal-info")
GATED = {"books-l2-tbt": 4, "books50-l2-tbt": 4, "fills": 4}
"""Channels that want a login and this fee tier (documented as VIP4; for books-l2-tbt an older text says VIP5)."""
EXCLUSIVE = (("books50-l2-tbt", "books-l2-tbt"), ("books", "books-l2-tbt"))
"""Books of one instrument that one connection cannot have both."""
DEPTH_ORDER = {"bbo-tbt": 0, "books-l2-tbt": 1, "books50-l2-tbt": 2, "books": 3, "books5": 4}
"""In which order one connection is told of one state of a book."""
_TYPES = ("SPOT", "MARGIN", "SWAP", "FUTURES", "OPTION")


def place_of(channel: str) -> tuple[str, bool] | None:
    """Path and whether a login is needed; None for a channel that does not exist."""
    if channel in PUBLIC:
        return "public", False
    if channel in PRIVATE:
        return "private", True
    if channel in BUSINESS_PRIVATE:
        return "business", True
    bar = _bar(channel)
    if channel == "trades-all" or (bar != channel and (bar in BARS or bar in MONTHS)):
        return "business", False
    return None


def feed_for(
    exchange: Exchange, venue: Venue, account: Account | None, named: dict[str, str], now_ms: int
) -> Feed | None:
    """The feed of a subscription; None when its instrument or type does not exist."""
    channel, head = named["channel"], '{"arg":' + encode(named).decode() + ","
    if place_of(channel) in (("private", True), ("business", True)):
        return None if account is None else _private(exchange, venue, account, named, now_ms)
    call = Call(exchange=exchange, venue=venue, now_ms=now_ms, in_us=now_ms * 1000)
    if channel == "status":
        return Status(call=call, head=head)
    if channel == "instruments":
        inst_type = named.get("instType", "")
        known = inst_type in _TYPES
        return Listings(venue=venue, inst_type=inst_type, head=head, version=venue.version) if known else None
    if channel in ("liquidation-orders", "estimated-price", "opt-summary", "adl-warning"):
        return _by_type(call, named, head)
    inst = venue.instruments.get(_instrument_id(channel, named.get("instId", "")))
    if inst is None:
        return None
    if not inst.trades:
        return Nothing()
    feed, ends_ms = _of_instrument(call, inst, named, head), inst.listing.expiry_ms
    return feed if feed is None or ends_ms is None else Ending(feed=feed, ends_ms=ends_ms)


def _of_instrument(call: Call, inst: Instrument, named: dict[str, str], head: str) -> Feed | None:
    """Channels of one instrument."""
    venue, channel, now_ms = call.venue, named["channel"], call.now_ms
    make: Callable[[int], Json]
    match channel:
        case "books" | "books-l2-tbt" | "books50-l2-tbt":
            return Books(stream=stream_of(call.exchange, venue, inst, BOOKS[channel]), head=head)
        case "trades" | "trades-all":
            return Trades(venue=venue, inst=inst, head=head, slot=now_ms // SLOT_MS, one=channel == "trades-all")
        case "funding-rate" if inst.type != "SWAP":
            return None
        case "funding-rate":
            every, make = FUNDING_PUSH_MS, lambda at: funding_row(_at(call, at), inst)
        case "mark-price":
            every, make = 200, lambda at: mark_row(_at(call, at), inst)
        case "price-limit":
            every, make = 200, lambda at: price_limit_row(_at(call, at), inst)
        case "books5":
            every, make = SLOT_MS, lambda at: shallow(venue, inst, 5, at)
        case "bbo-tbt":
            every, make = SLOT_MS, lambda at: shallow(venue, inst, 1, at)
        case "tickers":
            every, make = SLOT_MS, lambda at: ticker_row(venue, inst, at // SLOT_MS * SLOT_MS)
        case "index-tickers":
            every, make = SLOT_MS, lambda at: index_row(venue, inst, named["instId"], at)
        case "open-interest":
            every, make = 3_000, lambda at: interest_row(venue, inst, at)
        case _:
            return Candles(venue=venue, inst=inst, head=head, bar=_bar(channel), kind=channel)
    key = (channel, named["instId"])
    return Rows(made=venue.made, key=key, head=head, every_ms=every, make=lambda at: [make(at)])


def _by_type(call: Call, named: dict[str, str], head: str) -> Feed | None:
    """Channels of a whole type or family of derivatives."""
    venue, channel = call.venue, named["channel"]
    inst_type = "OPTION" if channel == "opt-summary" else named.get("instType", "")
    family, inst_id = named.get("instFamily", ""), named.get("instId", "")
    if inst_type not in _TYPES[1:] or (family and family not in venue.families):
        return None
    if inst_id and inst_id not in venue.instruments:
        return None
    if channel == "liquidation-orders":
        return Liquidations(venue=venue, inst_type=inst_type, head=head, slot=call.now_ms // SLOT_MS)
    if channel == "adl-warning" or (channel == "opt-summary" and not family):
        # Nobody is deleveraged here: the insurance fund is never strained.
        return Nothing() if channel == "adl-warning" else None

    def wanted() -> list[Instrument]:
        found = (inst for inst in venue.of_type(inst_type) if inst.trades)
        return [each for each in found if family in ("", each.listing.family) and inst_id in ("", each.id)]

    def make(at: int) -> list[Json]:
        if channel == "opt-summary":
            return [greeks_row(_at(call, at), inst) for inst in wanted()]
        return [row for inst in wanted() for row in estimated(_at(call, at), inst)]

    key = (channel, f"{inst_type} {family} {inst_id}")
    return Rows(made=venue.made, key=key, head=head, every_ms=1_000, make=make)


def _at(call: Call, now_ms: int) -> Call:
    return replace(call, now_ms=now_ms)


def _bar(channel: str) -> str:
    return channel.removeprefix("mark-price-candle").removeprefix("index-candle").removeprefix("candle")


def _instrument_id(channel: str, inst_id: str) -> str:
    if channel.startswith("index-") and inst_id.endswith("-USD"):
        return f"{inst_id}T"
    return inst_id


def _private(exchange: Exchange, venue: Venue, account: Account, named: dict[str, str], now_ms: int) -> Feed | None:
    del now_ms
    channel = named["channel"]
    head = '{"arg":' + encode({**named, "uid": account.uid}).decode() + ","
    start = account.told
    match channel:
        case "orders" | "orders-algo" | "algo-advance":
            if named.get("instType") not in (*_TYPES, "ANY"):
                return None
            return Orders(account=account, named=named, head=head, read=start)
        case "fills":
            return Fills(account=account, named=named, head=head, read=start)
        case "deposit-info" | "withdrawal-info":
            return Told(account=account, named=named, head=head, read=start)
        case "account":
            return Funds(venue=venue, account=account, named=named, head=head, read=start)
        case "balance_and_position":
            return Both(venue=venue, account=account, named=named, head=head, read=start)
        case "positions" | "liquidation-warning" if named.get("instType") not in (*_TYPES[1:], "ANY"):
            return None
        case "positions":
            return Positions(venue=venue, account=account, named=named, head=head, read=start)
        case "account-greeks":
            return Greeks(exchange=exchange, venue=venue, account=account, named=named, head=head, read=start)
        case "liquidation-warning":
            return Warnings(venue=venue, account=account, named=named, head=head, read=start)
        case _:
            return Nothing()
