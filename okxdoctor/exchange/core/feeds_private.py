"""Private channels that tell events: orders and algo orders, fills, deposits and withdrawals, warnings."""

from __future__ import annotations

from dataclasses import dataclass

from .accounts import Account, Event
from .protocol import Json, encode
from .statements import position_rows
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
class Warnings:
    """Positions that come near to their liquidation; nothing at the start."""

    venue: Venue
    account: Account
    named: dict[str, str]
    head: str
    read: int

    def opening(self, now_ms: int) -> list[str]:
        return []

    def later(self, now_ms: int) -> list[str]:
        events, self.read = self.account.events_from(self.read), self.account.told
        warned = {event.inst_id for event in events if event.channel == "liquidation-warning"}
        if not warned:
            return []
        rows: list[Json] = [
            {name: row[name] for name in _WARNED}
            for row in position_rows(self.venue, self.account, now_ms)
            if row["instId"] in warned
            and self.named["instType"] in ("ANY", row["instType"])
            and self.named.get("instId", row["instId"]) == row["instId"]
        ]
        return [f'{self.head}"data":{encode(rows).decode()}}}'] if rows else []


_WARNED = (
    "cTime", "ccy", "instId", "instType", "lever", "markPx", "mgnMode", "mgnRatio", "pTime", "pos", "posCcy", "posId",
    "posSide", "uTime",
)  # fmt: skip
