"""Funds carried between wallets: trading and funding, of one account or of two under one main account."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from . import bills
from .accounts import ZERO, Account, Event
from .bills import credit, credit_funding
from .margin import free
from .venue import Venue

FUNDING, TRADING = "6", "18"
"""The numbers of the wallets."""

_OUT = {"own": "131", "sub": "20", "main": "22"}
_IN = {"own": "130", "sub": "21", "main": "23"}
"""Types of funding bills by where the money goes to or comes from: the own trading account, a sub-account, the main."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wallet:
    """One wallet of one account."""

    account: Account
    number: str

    def held(self, ccy: str) -> Decimal:
        """Everything of ``ccy``."""
        if self.number == FUNDING:
            return self.account.funding.get(ccy, ZERO)
        found = self.account.balances.get(ccy)
        return ZERO if found is None else found.cash

    def spare(self, venue: Venue, ccy: str, now_ms: int) -> Decimal:
        """What may leave: not what is bound, and not what positions have won or lost."""
        found = self.account.balances.get(ccy)
        if self.number == FUNDING or found is None:
            return self.held(ccy)
        return min(found.available, free(venue, self.account, ccy, now_ms))


def carry(
    venue: Venue, source: Wallet, target: Wallet, ccy: str, amount: Decimal, *, now_ms: int, client_id: str = ""
) -> None:  # fmt: skip
    """Carry ``amount``; the caller has seen that it is there."""
    _book(venue, source, target, ccy, -amount, now_ms, client_id)
    _book(venue, target, source, ccy, amount, now_ms, client_id)
    for wallet in (source, target):
        if wallet.number == TRADING:
            wallet.account.tell(Event(channel="account"))
            wallet.account.tell(Event(channel="balance_and_position", event_type="transferred"))


def _book(
    venue: Venue, mine: Wallet, other: Wallet, ccy: str, change: Decimal, now_ms: int, client_id: str
) -> None:  # fmt: skip
    if mine.number == TRADING:
        ends = (mine.number, other.number) if change < 0 else (other.number, mine.number)
        credit(
            venue, mine.account, ccy, change, kind=bills.TRANSFER, sub=bills.OUT if change < 0 else bills.IN,
            now_ms=now_ms, source=ends[0], target=ends[1],
        )  # fmt: skip
        return
    who = "own"
    if other.account is not mine.account:
        who = "main" if other.account.uid == mine.account.main_uid else "sub"
    kinds = _OUT if change < 0 else _IN
    credit_funding(venue, mine.account, ccy, change, kind=kinds[who], now_ms=now_ms, client_id=client_id)
