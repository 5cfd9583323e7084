"""What the calendar brings: funding payments, interest, expiries, and the timers of cancel-all-after."""

from __future__ import annotations

from abc import ABC, abstractmethod
from decimal import Decimal

from . import bills, prices
from .accounts import ZERO, Account, Event, Position
from .bills import credit
from .clearing import close, fill, relieve
from .decimals import EXACT, plain
from .instruments import Instrument
from .margin import DELIVERED, VALUE, liability, notional
from .market import SLOT_MS
from .prices import FUNDING_MS
from .risk import forced_order
from .tiers import DAILY_INTEREST
from .venue import Venue

HOUR_MS = 3_600_000
MOST = 1_000
"""Periods of one jump of the clock that are charged: 333 days of funding, 41 days of interest; the newest ones."""


class _Periodic(ABC):
    """A chore of accounts with positions that recurs at whole multiples of ``EVERY_MS``."""

    EVERY_MS = HOUR_MS
    __slots__ = ("_done", "_first")

    def __init__(self) -> None:
        self._done = -1
        self._first = 0
        """The first period of the present jump of the clock that is charged."""

    def idle(self, venue: Venue) -> bool:
        return not any(account.positions for account in venue.accounts.values())

    def due(self, venue: Venue, after_ms: int, until_ms: int) -> list[int]:
        last = until_ms // self.EVERY_MS
        first = max(after_ms // self.EVERY_MS, last - MOST) + 1
        self._first = first
        return [k * self.EVERY_MS for k in range(first, last + 1)]

    def do(self, venue: Venue, at_ms: int) -> bool:
        period = at_ms // self.EVERY_MS
        # Only the moment itself counts: who opens a position later has nothing to pay for before.
        if period == self._done or period < self._first or at_ms // SLOT_MS != period * self.EVERY_MS // SLOT_MS:
            return False
        self._done = period
        moved = False
        for account in venue.accounts.values():
            for position in list(account.positions.values()):
                inst = venue.traded(position.inst_id, position.inst_type)
                if inst is not None and inst.trades:
                    moved = self.charge(venue, account, inst, position, period * self.EVERY_MS) or moved
        return moved

    @abstractmethod
    def charge(self, venue: Venue, account: Account, inst: Instrument, position: Position, at_ms: int) -> bool:
        """Charge one position for the period that ends at ``at_ms``; True when the account has changed."""


class Funding(_Periodic):
    """Holders of swaps pay each other at funding times: value at the mark price times the rate."""

    EVERY_MS = FUNDING_MS
    __slots__ = ()

    def charge(self, venue: Venue, account: Account, inst: Instrument, position: Position, at_ms: int) -> bool:
        if inst.type != "SWAP":
            return False
        rate = prices.funding_rate(venue, inst, at_ms // FUNDING_MS - 1)
        mark = prices.mark(venue, inst, at_ms)
        paid = EXACT.multiply(notional(inst, abs(position.quantity), mark), rate).quantize(VALUE, context=EXACT)
        change = -paid if position.long else paid
        if not change:
            return False
        sub = bills.FUNDING_PAID if change < 0 else bills.FUNDING_RECEIVED
        credit(
            venue, account, inst.listing.settle, change, kind=bills.FUNDING, sub=sub, now_ms=at_ms, inst_id=inst.id,
            inst_type=inst.type, mode=position.mode, size=abs(position.quantity), price=mark, pnl=change,
        )  # fmt: skip
        position.funding += change
        position.updated_ms = at_ms
        relieve(venue, account, inst.listing.settle, at_ms, source="9")
        account.tell(Event(channel="account"))
        account.tell(Event(channel="balance_and_position", event_type="funding_fee"))
        account.tell(Event(channel="positions", inst_type=inst.type, inst_id=inst.id))
        return True


class Interest(_Periodic):
    """What a margin position has borrowed costs interest each full hour, taken in the quote currency."""

    EVERY_MS = HOUR_MS
    __slots__ = ()

    def charge(self, venue: Venue, account: Account, inst: Instrument, position: Position, at_ms: int) -> bool:
        if inst.type != "MARGIN":
            return False
        mark = prices.mark(venue, inst, at_ms)
        owed = liability(position)
        value = owed if position.long else EXACT.multiply(owed, mark)
        rate = EXACT.divide(DAILY_INTEREST, Decimal(24))
        interest = EXACT.multiply(value, rate).quantize(VALUE, context=EXACT)
        if not interest:
            return False
        ccy = inst.listing.settle
        credit(
            venue, account, ccy, -interest, kind=bills.INTEREST, sub="9", now_ms=at_ms, inst_id=inst.id,
            inst_type=inst.type, mode=position.mode, interest=-interest,
        )  # fmt: skip
        position.interest += interest
        relieve(venue, account, ccy, at_ms)
        account.interest.append(
            {
                "ccy": inst.listing.quote if position.long else inst.listing.base, "instId": inst.id,
                "interest": plain(interest), "interestRate": plain(rate.quantize(VALUE)), "liab": plain(owed),
                "mgnMode": position.mode, "ts": str(at_ms), "type": "2",
            }
        )  # fmt: skip
        account.tell(Event(channel="balance_and_position", event_type="interest_deduction"))
        return True


class Expiry:
    """Futures and options end: orders are canceled, positions are closed at the index price without a fee."""

    __slots__ = ()

    def idle(self, venue: Venue) -> bool:
        return venue.next_expiry_ms is None

    def due(self, venue: Venue, after_ms: int, until_ms: int) -> list[int]:
        return [at for at in venue.expiries if after_ms < at <= until_ms]

    def do(self, venue: Venue, at_ms: int) -> bool:
        following = venue.next_expiry_ms
        if following is None or at_ms < following:
            return False
        venue.pass_expiry(at_ms)
        moved = False
        for account in venue.accounts.values():
            for order in venue.orders.open(account.uid):
                inst = venue.instruments.get(order.inst_id)
                if inst is not None and inst.expired(at_ms):
                    source = "10" if inst.type == "OPTION" else "7"
                    close(venue, account, inst, order, "canceled", at_ms, source=source)
                    moved = True
            for position in list(account.positions.values()):
                inst = venue.instruments.get(position.inst_id)
                if inst is not None and inst.expired(at_ms):
                    _deliver(venue, account, inst, position, at_ms)
                    moved = True
        return moved


def _deliver(venue: Venue, account: Account, inst: Instrument, position: Position, at_ms: int) -> None:
    expiry = inst.listing.expiry_ms or at_ms
    spot = prices.index(venue, prices.index_of(inst), expiry) or Decimal(1)
    price, sub, event = spot, "112" if position.long else "113", "delivered"
    if inst.type == "OPTION":
        strike = Decimal(inst.listing.strike)
        inner = max(ZERO, spot - strike if inst.listing.option_type == "C" else strike - spot)
        price = inner if inst.linear else EXACT.divide(inner, spot).quantize(VALUE)
        sub, event = ("172" if not inner else "170" if position.long else "171"), "exercised"
    size = abs(position.quantity)
    side = "sell" if position.long else "buy"
    order = forced_order(venue, account, inst, position.side, position.mode, side, size, expiry)
    order.category = "delivery"
    fill(
        venue, account, inst, order, price=price, size=size, role=DELIVERED, trade_id="", now_ms=expiry,
        kind=bills.DELIVERY, sub=sub,
    )  # fmt: skip
    account.past[-1]["type"] = "5"
    account.tell(Event(channel="balance_and_position", event_type=event))


class Timers:
    """cancel-all-after: unless it is wound up again in time, open orders end (source 20)."""

    __slots__ = ()

    def idle(self, venue: Venue) -> bool:
        return not venue.timers

    def due(self, venue: Venue, after_ms: int, until_ms: int) -> list[int]:
        return list(venue.timers.values())

    def do(self, venue: Venue, at_ms: int) -> bool:
        over = [key for key, when in venue.timers.items() if when <= at_ms]
        moved = False
        for key in over:
            when = venue.timers.pop(key)
            uid, tag = key
            for order in venue.orders.open(uid):
                if not tag or order.tag == tag:
                    inst, at = venue.inst_of(order), max(when, order.updated_ms)
                    close(venue, venue.accounts[uid], inst, order, "canceled", at, source="20")
                    moved = True
        return moved
