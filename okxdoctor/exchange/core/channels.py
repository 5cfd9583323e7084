"""WebSocket channels: which exist where, and what each one sends when.

A ``Feed`` belongs to one subscription of one connection. ``opening`` is sent after the acknowledgement,
``later`` whenever time has passed or something has changed. Public payloads are made once for each slot of
the market and shared by all connections; a book's updates are one log, so that sequences agree everywhere.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from .accounts import Account
from .exchange import Exchange
from .instruments import Instrument
from .market import LEVELS, SLOT_MS, Level, Market
from .protocol import Json, encode
from .rest import Call
from .rest_account import balance_row, position_rows
from .rest_market import BARS, candle_row, levels, ticker_row, trade_row
from .rest_public import funding_row, mark_row, price_limit_row, status_rows
from .venue import Venue

Subject = tuple[tuple[str, str], ...]
"""A subscription argument without absent fields."""

REPEAT_MS = 5_000
"""How often account and positions are sent without a change."""
FUNDING_PUSH_MS = 60_000
LOG = 256
"""Book updates kept for connections that lag; beyond them a connection gets a new snapshot."""


class Feed(Protocol):
    """The sending side of one subscription."""

    def opening(self, now_ms: int) -> list[str]: ...

    def later(self, now_ms: int) -> list[str]: ...


PUBLIC = (
    "tickers", "trades", "books", "books5", "bbo-tbt", "instruments", "mark-price", "funding-rate", "price-limit",
    "index-tickers", "open-interest", "status",
)  # fmt: skip
PRIVATE = ("orders", "account", "positions", "balance_and_position", "fills", "liquidation-warning", "account-greeks")
BUSINESS_PRIVATE = ("orders-algo", "algo-advance", "deposit-info", "withdrawal-info")


def place_of(channel: str) -> tuple[str, bool] | None:
    """Path and whether a login is needed; None for a channel that does not exist."""
    if channel in PUBLIC:
        return "public", False
    if channel in PRIVATE:
        return "private", True
    if channel in BUSINESS_PRIVATE:
        return "business", True
    bar = channel.removeprefix("mark-price-candle").removeprefix("index-candle").removeprefix("candle")
    if channel == "trades-all" or (bar != channel and bar in BARS):
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
        known = inst_type in ("SPOT", "MARGIN", "SWAP", "FUTURES", "OPTION")
        return Listings(venue=venue, inst_type=inst_type, head=head, version=venue.version) if known else None
    inst = venue.instruments.get(_instrument_id(channel, named.get("instId", "")))
    if inst is None:
        return None
    if not inst.trades:
        return Nothing()
    match channel:
        case "books":
            return Books(stream=stream_of(venue, inst), head=head)
        case "trades" | "trades-all":
            return Trades(venue=venue, inst=inst, head=head, slot=now_ms // SLOT_MS, one=channel == "trades-all")
        case "funding-rate":
            return None if inst.type != "SWAP" else Rows(
                head=head, every_ms=FUNDING_PUSH_MS, make=lambda at: [funding_row(_at(call, at), inst)]
            )
        case "mark-price":
            return Rows(head=head, every_ms=200, make=lambda at: [mark_row(_at(call, at), inst)])
        case "price-limit":
            return Rows(head=head, every_ms=1_000, make=lambda at: [price_limit_row(_at(call, at), inst)])
        case "books5" | "bbo-tbt":
            depth = 5 if channel == "books5" else 1
            return Rows(head=head, every_ms=SLOT_MS, make=lambda at: [_shallow(venue, inst, depth, at)])
        case "tickers":
            return Rows(head=head, every_ms=SLOT_MS, make=lambda at: [ticker_row(venue, inst, at // SLOT_MS * SLOT_MS)])
        case "index-tickers":
            return Rows(head=head, every_ms=SLOT_MS, make=lambda at: [_index(venue, inst, named["instId"], at)])
        case "open-interest":
            return Rows(head=head, every_ms=3_000, make=lambda at: [_interest(venue, inst, at)])
        case _:
            return Candles(venue=venue, inst=inst, head=head, bar=BARS[_bar(channel)], kind=channel)


def _at(call: Call, now_ms: int) -> Call:
    from dataclasses import replace

    return replace(call, now_ms=now_ms)


def _bar(channel: str) -> str:
    return channel.removeprefix("mark-price-candle").removeprefix("index-candle").removeprefix("candle")


def _instrument_id(channel: str, inst_id: str) -> str:
    if channel.startswith("index-") and inst_id.endswith("-USD"):
        return f"{inst_id}T"
    return inst_id


# -- public ---------------------------------------------------------------------------------------


class Nothing:
    """A subscription that is acknowledged and stays quiet (nothing ever happens there)."""

    def opening(self, now_ms: int) -> list[str]:
        return []

    def later(self, now_ms: int) -> list[str]:
        return []


@dataclass(slots=True, kw_only=True)
class Rows:
    """Sends ``make(now)`` at once and in each new period of ``every_ms`` in which it has changed."""

    head: str
    every_ms: int
    make: Callable[[int], list[Json]]
    period: int = -1
    sent: str = ""

    def opening(self, now_ms: int) -> list[str]:
        self.period, self.sent = now_ms // self.every_ms, ""
        return self._fresh(now_ms)

    def later(self, now_ms: int) -> list[str]:
        period = now_ms // self.every_ms
        if period == self.period:
            return []
        self.period = period
        return self._fresh(now_ms)

    def _fresh(self, now_ms: int) -> list[str]:
        body = encode(self.make(now_ms)).decode()
        if body == self.sent:
            return []
        self.sent = body
        return [f'{self.head}"data":{body}}}']


@dataclass(slots=True, kw_only=True)
class Trades:
    """One message a trade."""

    venue: Venue
    inst: Instrument
    head: str
    slot: int
    one: bool

    def opening(self, now_ms: int) -> list[str]:
        self.slot = now_ms // SLOT_MS - 1
        return self.later(now_ms)

    def later(self, now_ms: int) -> list[str]:
        slot, market = now_ms // SLOT_MS, self.venue.market(self.inst)
        # After a long jump only the newest trades are told, as after a quiet market.
        first = max(self.slot + 1, slot - 20)
        self.slot = slot
        texts: list[str] = []
        for each in range(first, slot + 1):
            row = trade_row(market, self.inst, each)
            if not self.one:
                row["count"] = "1"
                row["seqId"] = market.seq_id(each)
            texts.append(f'{self.head}"data":[{encode(row).decode()}]}}')
        return texts


@dataclass(slots=True, kw_only=True)
class Candles:
    """The bar that is open, at most once a second; a bar that has ended is sent once more, confirmed."""

    venue: Venue
    inst: Instrument
    head: str
    bar: tuple[int, int]
    kind: str
    second: int = -1
    start: int = -1

    def opening(self, now_ms: int) -> list[str]:
        self.second = -1
        return self.later(now_ms)

    def later(self, now_ms: int) -> list[str]:
        if now_ms // 1000 == self.second:
            return []
        self.second = now_ms // 1000
        slot, (length, offset) = now_ms // SLOT_MS, self.bar
        start = (slot - offset) // length * length + offset
        texts = [] if self.start in (-1, start) else [self._text(self.start, slot)]
        self.start = start
        return [*texts, self._text(start, slot)]

    def _text(self, start: int, slot: int) -> str:
        row = candle_row(self.venue, self.inst, start, self.bar[0], slot)
        if self.kind.startswith(("mark-price-candle", "index-candle")):
            row = [*row[:5], row[8]]
        return f'{self.head}"data":[{encode(row).decode()}]}}'


@dataclass(slots=True, kw_only=True)
class Status:
    """Maintenance windows: told at once when there are any, and when they change."""

    call: Call
    head: str
    told: int = 0

    def opening(self, now_ms: int) -> list[str]:
        self.told = 0
        return self.later(now_ms)

    def later(self, now_ms: int) -> list[str]:
        windows = self.call.exchange.world.windows
        if hash(windows) == self.told or (not windows and not self.told):
            return []
        self.told = hash(windows)
        rows = [{**row, "ts": str(now_ms)} for row in status_rows(_at(self.call, now_ms))]
        return [f'{self.head}"data":[{encode(row).decode()}]}}' for row in rows]


@dataclass(slots=True, kw_only=True)
class Listings:
    """Instruments that change (incremental since 2026-09; no list at the start)."""

    venue: Venue
    inst_type: str
    head: str
    version: int

    def opening(self, now_ms: int) -> list[str]:
        return []

    def later(self, now_ms: int) -> list[str]:
        if self.version == self.venue.version:
            return []
        self.version = self.venue.version
        changed: list[Json] = [
            inst.row() for inst in self.venue.of_type(self.inst_type) if inst is not self.venue.listed(inst.id)
        ]
        return [f'{self.head}"data":{encode(changed).decode()}}}'] if changed else []


def _shallow(venue: Venue, inst: Instrument, depth: int, now_ms: int) -> Json:
    market, slot = venue.market(inst), now_ms // SLOT_MS
    row: dict[str, Json] = {
        "asks": levels(market, market.asks(slot, depth)), "bids": levels(market, market.bids(slot, depth)),
        "instId": inst.id, "ts": str(slot * SLOT_MS), "seqId": market.seq_id(slot),
    }  # fmt: skip
    if depth == 1:
        del row["instId"]
    return row


def _index(venue: Venue, inst: Instrument, name: str, now_ms: int) -> Json:
    row = ticker_row(venue, inst, now_ms // SLOT_MS * SLOT_MS)
    return {
        "instId": name, "idxPx": row["last"], "high24h": row["high24h"], "low24h": row["low24h"],
        "open24h": row["open24h"], "sodUtc0": row["sodUtc0"], "sodUtc8": row["sodUtc8"], "ts": row["ts"],
    }  # fmt: skip


def _interest(venue: Venue, inst: Instrument, now_ms: int) -> Json:
    volume = str(venue.market(inst).bar(0, 600, 600).volume)
    return {"instId": inst.id, "instType": inst.type, "oi": volume, "oiCcy": volume, "oiUsd": volume, "ts": str(now_ms)}


# -- order book -----------------------------------------------------------------------------------


@dataclass(slots=True, kw_only=True)
class Stream:
    """The full book of one instrument as one log of updates that all connections read."""

    market: Market
    slot: int = -1
    seq: int = -1
    bids: dict[int, Level] = field(default_factory=dict)
    asks: dict[int, Level] = field(default_factory=dict)
    log: deque[str] = field(default_factory=lambda: deque(maxlen=LOG))
    written: int = 0
    """Updates ever written; the log holds the last of them."""

    def advance(self, now_ms: int) -> None:
        """Bring the book to ``now_ms``, logging the difference."""
        slot = now_ms // SLOT_MS
        if slot == self.slot:
            return
        bids = {level[0]: level for level in self.market.bids(slot, LEVELS)}
        asks = {level[0]: level for level in self.market.asks(slot, LEVELS)}
        seq = self.market.seq_id(slot)
        if self.slot >= 0:
            asks_changed, bids_changed = _difference(self.asks, asks), _difference(self.bids, bids)
            self.log.append(self._body("update", asks_changed, bids_changed, slot, self.seq, seq))
            self.written += 1
        self.slot, self.seq, self.bids, self.asks = slot, seq, bids, asks

    def snapshot(self) -> str:
        """The whole book as a first message."""
        return self._body("snapshot", list(self.asks.values()), list(self.bids.values()), self.slot, -1, self.seq)

    def _body(self, action: str, asks: list[Level], bids: list[Level], slot: int, before: int, seq: int) -> str:
        data = {
            "asks": levels(self.market, asks), "bids": levels(self.market, bids), "ts": str(slot * SLOT_MS),
            "checksum": 0, "prevSeqId": before, "seqId": seq,
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
    if not isinstance(found, Stream) or found.market is not market:
        found = venue.streams[inst.id] = Stream(market=market)
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


# -- private --------------------------------------------------------------------------------------


def _private(exchange: Exchange, venue: Venue, account: Account, named: dict[str, str], now_ms: int) -> Feed | None:
    del exchange, now_ms
    channel = named["channel"]
    head = '{"arg":' + encode({**named, "uid": account.uid}).decode() + ","
    start = account.told
    match channel:
        case "orders":
            if named.get("instType") not in ("SPOT", "MARGIN", "SWAP", "FUTURES", "OPTION", "ANY"):
                return None
            return Orders(account=account, named=named, head=head, read=start)
        case "positions" if not named.get("instType"):
            return None
        case "account" | "positions" | "balance_and_position":
            return Wallet(venue=venue, account=account, named=named, head=head, read=start)
        case _:
            return Nothing()


@dataclass(slots=True, kw_only=True)
class Orders:
    """Order events; nothing at the start."""

    account: Account
    named: dict[str, str]
    head: str
    read: int

    def opening(self, now_ms: int) -> list[str]:
        return []

    def later(self, now_ms: int) -> list[str]:
        texts: list[str] = []
        for event in self.account.events_from(self.read):
            wanted = self.named
            if (
                event.channel == "orders"
                and wanted["instType"] in ("ANY", event.inst_type, "MARGIN" if event.inst_type == "SPOT" else "")
                and wanted.get("instId", event.inst_id) == event.inst_id
                and wanted.get("instFamily", event.family) == event.family
            ):
                texts.append(f'{self.head}"data":[{encode(event.row).decode()}]}}')
        self.read = self.account.told
        return texts


@dataclass(slots=True, kw_only=True)
class Wallet:
    """``account``, ``positions`` and ``balance_and_position``: snapshot, then changes; the first two repeat."""

    venue: Venue
    account: Account
    named: dict[str, str]
    head: str
    read: int
    sent_ms: int = 0

    def opening(self, now_ms: int) -> list[str]:
        self.sent_ms = now_ms
        return [self._text("snapshot", now_ms)]

    def later(self, now_ms: int) -> list[str]:
        channel = self.named["channel"]
        events = [event for event in self.account.events_from(self.read) if event.channel == channel]
        self.read = self.account.told
        if events:
            self.sent_ms = now_ms
            return [self._text(events[-1].event_type, now_ms)]
        quiet = channel == "balance_and_position" or '"updateInterval":"0"' in self.named.get("extraParams", "").replace(" ", "")
        if not quiet and now_ms - self.sent_ms >= REPEAT_MS:
            return self.opening(now_ms)
        return []

    def _text(self, event_type: str, now_ms: int) -> str:
        channel, ccy = self.named["channel"], self.named.get("ccy", "")
        page = ',"curPage":1,"lastPage":true' if event_type == "snapshot" else ""
        if channel == "balance_and_position":
            return f'{self.head}"data":[{encode(self._both(event_type, now_ms)).decode()}]}}'
        rows: list[Json]
        if channel == "account":
            rows = [balance_row(self.venue, self.account, now_ms, (ccy,) if ccy else ())]
        else:
            inst_type = self.named["instType"]
            rows = [
                row for row in position_rows(self.venue, self.account, now_ms) if inst_type in ("ANY", row["instType"])
            ]
        return f'{self.head}"eventType":"{event_type}"{page},"data":{encode(rows).decode()}}}'

    def _both(self, event_type: str, now_ms: int) -> Json:
        from .decimals import plain

        return {
            "pTime": str(now_ms), "eventType": event_type,
            "balData": [
                {"ccy": ccy, "cashBal": plain(held.cash), "uTime": str(held.updated_ms)}
                for ccy, held in sorted(self.account.balances.items())
            ],
            "posData": [
                {name: row[name] for name in (
                    "posId", "tradeId", "instId", "instType", "mgnMode", "posSide", "pos", "ccy", "posCcy", "avgPx",
                    "uTime",
                )}
                for row in position_rows(self.venue, self.account, now_ms)
            ],
            "trades": [],
        }  # fmt: skip
