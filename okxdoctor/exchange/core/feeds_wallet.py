"""Private channels that tell a state: account, positions, and both together.

Each sends its state at the start, then what has changed, when something has. A position that was closed is told once
with size 0. ``account`` and ``positions`` repeat their state now and then, unless the client wants events alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from .accounts import Account, Event
from .decimals import plain
from .exchange import Exchange
from .protocol import Json, encode
from .rest import Call
from .rest_risk import greeks
from .statements import balance_row, position_rows
from .venue import Venue

REPEAT_MS = 5_000
"""How often account and positions are sent without a change."""
_INTERVALS = ("0", "2000", "3000", "4000")
Row = dict[str, Json]


def interval_ms(extra: str) -> int:
    """How often to repeat, by ``extraParams`` (a text that holds JSON); 0: not at all."""
    try:
        wanted = msgspec.json.decode(extra)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return REPEAT_MS
    given = wanted.get("updateInterval") if isinstance(wanted, dict) else None
    return int(given) if given in _INTERVALS else REPEAT_MS


@dataclass(slots=True, kw_only=True)
class State:
    """What the three have in common: where they stand in the account's events."""

    venue: Venue
    account: Account
    named: dict[str, str]
    head: str
    read: int
    sent_ms: int = 0

    def events(self) -> list[Event]:
        """What the account was told since, of this channel."""
        channel = self.named["channel"]
        found = [event for event in self.account.events_from(self.read) if event.channel == channel]
        self.read = self.account.told
        return found

    def due(self, now_ms: int) -> bool:
        every_ms = interval_ms(self.named.get("extraParams", ""))
        return every_ms > 0 and now_ms - self.sent_ms >= every_ms

    def message(self, event_type: str, rows: list[Json]) -> str:
        """``account`` and ``positions`` say what kind of message it is, snapshots also their page."""
        page = ',"curPage":1,"lastPage":true' if event_type == "snapshot" else ""
        return f'{self.head}"eventType":"{event_type}"{page},"data":{encode(rows).decode()}}}'


@dataclass(slots=True, kw_only=True)
class Funds(State):
    """``account``: the trading account with its currencies."""

    def opening(self, now_ms: int) -> list[str]:
        return [self._text("snapshot", now_ms)]

    def later(self, now_ms: int) -> list[str]:
        if self.events():
            return [self._text("event_update", now_ms)]
        return self.opening(now_ms) if self.due(now_ms) else []

    def _text(self, event_type: str, now_ms: int) -> str:
        self.sent_ms = now_ms
        ccy = self.named.get("ccy", "")
        return self.message(event_type, [balance_row(self.venue, self.account, now_ms, (ccy,) if ccy else ())])


@dataclass(slots=True, kw_only=True)
class Positions(State):
    """``positions``: the open ones, and each that is closed once more."""

    told: dict[str, Row] = field(default_factory=dict)

    def opening(self, now_ms: int) -> list[str]:
        self.sent_ms = now_ms
        self.told = self._open(now_ms)
        return [self.message("snapshot", list(self.told.values()))]

    def later(self, now_ms: int) -> list[str]:
        if self.events():
            now = self._open(now_ms)
            rows = changes(self.told, now, _MOVED, now_ms)
            self.told = now
            if rows:
                self.sent_ms = now_ms
                return [self.message("event_update", rows)]
        return self.opening(now_ms) if self.due(now_ms) else []

    def _open(self, now_ms: int) -> dict[str, Row]:
        wanted = self.named
        return {
            str(row["posId"]): row
            for row in position_rows(self.venue, self.account, now_ms)
            if wanted["instType"] in ("ANY", row["instType"])
            and wanted.get("instId", row["instId"]) == row["instId"]
            and wanted.get("posId", row["posId"]) == row["posId"]
            and wanted.get("instFamily", self._family(row)) == self._family(row)
        }

    def _family(self, row: Row) -> str:
        inst = self.venue.instruments.get(str(row["instId"]))
        return "" if inst is None else inst.listing.family


@dataclass(slots=True, kw_only=True)
class Both(State):
    """``balance_and_position``: cash and positions in one message, with the trades that changed them."""

    cash: dict[str, str] = field(default_factory=dict)
    told: dict[str, Row] = field(default_factory=dict)

    def opening(self, now_ms: int) -> list[str]:
        self.cash, self.told = self._cash(), self._open(now_ms)
        return [self._text("snapshot", now_ms, list(self.cash), list(self.told.values()), [])]

    def later(self, now_ms: int) -> list[str]:
        trades: list[Json] = [
            {"instId": event.inst_id, "tradeId": str(event.row["tradeId"])}
            for event in self.account.events_from(self.read)
            if event.channel == "orders" and event.row.get("tradeId")
        ]
        events = self.events()
        if not events:
            return []
        cash, now = self._cash(), self._open(now_ms)
        moved = [ccy for ccy, amount in cash.items() if self.cash.get(ccy) != amount]
        rows = changes(self.told, now, ("pos", "avgPx"), now_ms)
        self.cash, self.told = cash, now
        kind = events[-1].event_type
        if not moved and not rows and kind == "filled" and not trades:
            return []
        return [self._text(kind, now_ms, moved, rows, trades if kind == "filled" else [])]

    def _cash(self) -> dict[str, str]:
        return {ccy: plain(held.cash) for ccy, held in sorted(self.account.balances.items())}

    def _open(self, now_ms: int) -> dict[str, Row]:
        return {
            str(row["posId"]): {name: row[name] for name in _BRIEF}
            for row in position_rows(self.venue, self.account, now_ms)
        }

    def _text(self, event_type: str, now_ms: int, moved: list[str], rows: list[Json], trades: list[Json]) -> str:
        data: Json = {
            "pTime": str(now_ms), "eventType": event_type,
            "balData": [
                {"ccy": ccy, "cashBal": self.cash[ccy], "uTime": str(self.account.balances[ccy].updated_ms)}
                for ccy in moved
            ],
            "posData": rows, "trades": trades,
        }  # fmt: skip
        return f'{self.head}"data":[{encode(data).decode()}]}}'


@dataclass(slots=True, kw_only=True)
class Greeks(State):
    """``account-greeks``: what the options of each coin add up to; nothing where there are none."""

    exchange: Exchange

    def opening(self, now_ms: int) -> list[str]:
        self.sent_ms = now_ms
        params = {"ccy": self.named["ccy"]} if "ccy" in self.named else {}
        call = Call(exchange=self.exchange, venue=self.venue, owner=self.account, now_ms=now_ms, params=params)
        rows: list[Json] = msgspec.json.decode(greeks(call).body)["data"]
        return [f'{self.head}"data":{encode(rows).decode()}}}'] if rows else []

    def later(self, now_ms: int) -> list[str]:
        moved = any(event.channel == "positions" for event in self.account.events_from(self.read))
        self.read = self.account.told
        return self.opening(now_ms) if moved or self.due(now_ms) else []


_BRIEF = (
    "posId", "tradeId", "instId", "instType", "mgnMode", "posSide", "pos", "ccy", "posCcy", "avgPx", "uTime",
)  # fmt: skip
_MOVED = ("pos", "avgPx", "lever", "margin", "tradeId", "uTime", "fundingFee", "availPos")
"""What makes a position another one; prices alone do not."""


def changes(before: dict[str, Row], now: dict[str, Row], by: tuple[str, ...], now_ms: int) -> list[Json]:
    """The positions that differ in one of the fields ``by``; those that are gone, with size 0."""
    found: list[Json] = [
        row for name, row in now.items() if name not in before or any(before[name].get(f) != row.get(f) for f in by)
    ]
    for name, row in before.items():
        if name not in now:
            found.append({**row, "pos": "0", "uTime": str(now_ms), **({"availPos": "0"} if "availPos" in row else {})})
    return found
