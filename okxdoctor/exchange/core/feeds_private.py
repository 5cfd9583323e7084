"""Private channels: events of orders, fills and deposits, and the account's wallets and positions."""

from __future__ import annotations

from dataclasses import dataclass

from .accounts import Account, Event
from .decimals import plain
from .protocol import Json, encode
from .statements import balance_row, position_rows
from .venue import Venue

REPEAT_MS = 5_000
"""How often account and positions are sent without a change."""


@dataclass(slots=True, kw_only=True)
class Orders:
    """Events of orders, or of algo orders; nothing at the start."""

    account: Account
    named: dict[str, str]
    head: str
    read: int

    def opening(self, now_ms: int) -> list[str]:
        return []

    def later(self, now_ms: int) -> list[str]:
        return [f'{self.head}"data":[{encode(event.row).decode()}]}}' for event in self._wanted()]

    def _wanted(self) -> list[Event]:
        """What has happened since, as far as the argument asks for it."""
        wanted, channel = self.named, self.named["channel"]
        found = [
            event
            for event in self.account.events_from(self.read)
            if event.channel == channel
            and wanted["instType"] in ("ANY", event.inst_type, "MARGIN" if event.inst_type == "SPOT" else "")
            and wanted.get("instId", event.inst_id) == event.inst_id
            and wanted.get("instFamily", event.family) == event.family
        ]
        self.read = self.account.told
        return found


@dataclass(slots=True, kw_only=True)
class Fills:
    """Fills alone, each with what a fast reader needs of it; client ids that are no int64 read 0."""

    account: Account
    named: dict[str, str]
    head: str
    read: int

    def opening(self, now_ms: int) -> list[str]:
        return []

    def later(self, now_ms: int) -> list[str]:
        events, self.read = self.account.events_from(self.read), self.account.told
        only = self.named.get("instId")
        rows = [
            _fill(event.row)
            for event in events
            if event.channel == "orders" and event.row.get("tradeId") and only in (None, event.inst_id)
        ]
        return [f'{self.head}"data":[{encode(row).decode()}]}}' for row in rows]


def _fill(row: dict[str, Json]) -> dict[str, Json]:
    client = str(row.get("clOrdId", ""))
    whole = client.isascii() and client.isdigit() and int(client) < 2**63
    return {
        "instId": row["instId"], "fillSz": row["fillSz"], "fillPx": row["fillPx"], "side": row["side"],
        "ts": row["fillTime"], "ordId": row["ordId"], "clOrdId": client if whole else "0",
        "tradeId": row["tradeId"], "execType": row["execType"], "count": "1",
    }  # fmt: skip


@dataclass(slots=True, kw_only=True)
class Told:
    """Whatever the account is told under the channel's name; nothing at the start."""

    account: Account
    named: dict[str, str]
    head: str
    read: int

    def opening(self, now_ms: int) -> list[str]:
        return []

    def later(self, now_ms: int) -> list[str]:
        events, self.read = self.account.events_from(self.read), self.account.told
        ccy = self.named.get("ccy")
        return [
            f'{self.head}"data":[{encode(event.row).decode()}]}}'
            for event in events
            if event.channel == self.named["channel"] and ccy in (None, event.row.get("ccy"))
        ]


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
        extra = self.named.get("extraParams", "").replace(" ", "")
        quiet = channel == "balance_and_position" or '"updateInterval":"0"' in extra
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
