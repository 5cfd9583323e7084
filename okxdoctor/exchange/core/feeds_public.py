"""Public channels but the full book: rows by period, trades, candles, windows, instruments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from .decimals import plain
from .depth import Depth
from .instruments import Instrument
from .market import SLOT_MS
from .matching import book
from .protocol import Json, encode
from .rest import Call
from .rest_candles import Span, price_candle, spans
from .rest_market import candle_row, levels, ticker_row, trade_row
from .rest_public import status_rows
from .seeded import mix
from .venue import Venue

RARE = 70
"""Slots from one liquidation of a type to the next."""


TAPES = 256
"""Slots of trades that a venue keeps as they were written."""


class Nothing:
    """A subscription that is acknowledged and stays quiet (nothing ever happens there)."""

    def opening(self, now_ms: int) -> list[str]:
        return []

    def later(self, now_ms: int) -> list[str]:
        return []


@dataclass(slots=True, kw_only=True)
class Rows:
    """Sends ``make(now)`` at once and in each new period of ``every_ms`` in which it has changed.

    ``made`` is the venue's: what one connection has made for a period is there for the others.
    """

    made: dict[tuple[str, str], tuple[int, str]]
    key: tuple[str, str]
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
        period, body = self.made.get(self.key, (-1, ""))
        if period != self.period:
            body = encode(self.make(now_ms)).decode()
            self.made[self.key] = (self.period, body)
        if body in (self.sent, "[]"):
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
    last: int = 0
    printed: int = 0

    def opening(self, now_ms: int) -> list[str]:
        self.slot, self.last = now_ms // SLOT_MS, 0
        return self._from(self.slot, now_ms)

    def later(self, now_ms: int) -> list[str]:
        slot, depth = now_ms // SLOT_MS, self.venue.depth(self.inst, now_ms)
        if slot == self.slot and depth.printed == self.printed:
            return []
        if slot < self.slot:
            # The clock was put back.
            return self.opening(now_ms)
        # After a long jump only the newest trades are told, as after a quiet market.
        return self._from(max(self.slot, slot - 20), now_ms)

    def _from(self, first: int, now_ms: int) -> list[str]:
        depth = book(self.venue, self.inst, now_ms)
        self.slot, self.printed = depth.slot, depth.printed
        texts: list[str] = []
        for each in range(first, depth.slot + 1):
            for trade_id, row in self._rows(depth, each):
                if trade_id > self.last:
                    texts.append(f'{self.head}"data":[{row}]}}')
                    self.last = trade_id
        return texts

    def _rows(self, depth: Depth, slot: int) -> list[tuple[int, str]]:
        """Trades of a slot as they are written, by their ids: made once for all connections."""
        key, tapes = (self.inst.id, self.one, slot, depth.printed), self.venue.tapes
        found = tapes.get(key)
        if found is not None and found[0] is depth:
            return found[1]
        rows: list[tuple[int, str]] = []
        for trade in depth.tape(slot):
            row = trade_row(depth.market, self.inst, trade)
            if not self.one:
                row["count"] = "1"
                row["seqId"] = depth.market.seq_id(slot)
            rows.append((trade.trade_id, encode(row).decode()))
        if len(tapes) >= TAPES:
            tapes.clear()
        tapes[key] = (depth, rows)
        return rows


@dataclass(slots=True, kw_only=True)
class Candles:
    """The bar that is open, at most once a second; a bar that has ended is sent once more, confirmed."""

    venue: Venue
    inst: Instrument
    head: str
    bar: str
    kind: str
    second: int = -1
    span: Span | None = None

    def opening(self, now_ms: int) -> list[str]:
        self.second = -1
        return self.later(now_ms)

    def later(self, now_ms: int) -> list[str]:
        if now_ms // 1000 == self.second:
            return []
        self.second = now_ms // 1000
        slot, before = now_ms // SLOT_MS, self.span
        span = self.span = next(spans(self.bar, slot))
        texts = [] if before is None or before == span else [self._text(before, slot)]
        return [*texts, self._text(span, slot)]

    def _text(self, span: Span, slot: int) -> str:
        row: Json
        if self.kind.startswith("candle"):
            row = candle_row(self.venue, self.inst, span[0], span[1] - span[0], slot)
        else:
            row = price_candle(self.venue, self.inst, span, slot)
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
        rows = [{**row, "ts": str(now_ms)} for row in status_rows(replace(self.call, now_ms=now_ms))]
        return [f'{self.head}"data":[{encode(row).decode()}]}}' for row in rows]


@dataclass(slots=True, kw_only=True)
class Listings:
    """Instruments that change (no list at the start); one that has expired is told once, with that state."""

    venue: Venue
    inst_type: str
    head: str
    version: int
    known: dict[str, Instrument] = field(default_factory=dict)
    expiry_ms: int | None = None

    def opening(self, now_ms: int) -> list[str]:
        self._look(now_ms)
        return []

    def later(self, now_ms: int) -> list[str]:
        over = self.expiry_ms is not None and now_ms >= self.expiry_ms
        if self.version == self.venue.version and not over:
            return []
        before = self.known
        self._look(now_ms)
        changed: list[Json] = [
            {**inst.row(), "instType": self.inst_type}
            for name, inst in self.known.items()
            if before.get(name) is not inst
        ]
        changed += [
            {**inst.row(), "instType": self.inst_type, "state": "expired"}
            for name, inst in before.items()
            if name not in self.known
        ]
        return [f'{self.head}"data":{encode(changed).decode()}}}'] if changed else []

    def _look(self, now_ms: int) -> None:
        self.version = self.venue.version
        self.known = {inst.id: inst for inst in self.venue.of_type(self.inst_type) if not inst.expired(now_ms)}
        ends = [inst.listing.expiry_ms for inst in self.known.values() if inst.listing.expiry_ms is not None]
        self.expiry_ms = min(ends, default=None)


@dataclass(slots=True, kw_only=True)
class Liquidations:
    """Positions of others that are closed by force: now and then one, at most one a second of each instrument."""

    venue: Venue
    inst_type: str
    head: str
    slot: int

    def opening(self, now_ms: int) -> list[str]:
        return []

    def later(self, now_ms: int) -> list[str]:
        now, then = now_ms // SLOT_MS, self.slot
        self.slot = now
        told = [inst for inst in self.venue.of_type(self.inst_type) if inst.trades]
        first = max(then // RARE + 1, now // RARE - 20)
        texts: list[str] = []
        for number in range(first, now // RARE + 1):
            if told:
                draw = mix(self.venue.seed, number)
                row = liquidation_row(self.venue, told[draw % len(told)], number * RARE, draw >> 20)
                texts.append(f'{self.head}"data":[{encode(row).decode()}]}}')
        return texts


def liquidation_row(venue: Venue, inst: Instrument, slot: int, draw: int) -> Json:
    """One forced close; the price at which the position is bankrupt lies behind the last one."""
    market = venue.market(inst)
    trade = market.trade(slot)
    side = "sell" if draw & 1 else "buy"
    px = max(1, trade.px - trade.px // 100 if side == "sell" else trade.px + trade.px // 100)
    return {
        "details": [
            {
                "bkLoss": "0", "bkPx": plain(market.tick.decimal(px)), "ccy": "",
                "posSide": "long" if side == "sell" else "short", "side": side,
                "sz": plain(market.lot.decimal(trade.sz)), "ts": str(slot * SLOT_MS),
            }
        ],
        "instFamily": inst.listing.family, "instId": inst.id, "instType": inst.type, "uly": inst.listing.family,
    }  # fmt: skip


def shallow(venue: Venue, inst: Instrument, depth: int, now_ms: int) -> Json:
    found = book(venue, inst, now_ms)
    row: dict[str, Json] = {
        "asks": levels(found.market, found.levels("sell", depth)),
        "bids": levels(found.market, found.levels("buy", depth)),
        "instId": inst.id, "ts": str(found.slot * SLOT_MS), "seqId": found.seq,
    }  # fmt: skip
    if depth == 1:
        del row["instId"]
    return row


def index_row(venue: Venue, inst: Instrument, name: str, now_ms: int) -> Json:
    row = ticker_row(venue, inst, now_ms // SLOT_MS * SLOT_MS)
    return {
        "instId": name, "idxPx": row["last"], "high24h": row["high24h"], "low24h": row["low24h"],
        "open24h": row["open24h"], "sodUtc0": row["sodUtc0"], "sodUtc8": row["sodUtc8"], "ts": row["ts"],
    }  # fmt: skip
