"""Circumstances of the account behind the handed-out key: its settings, and where its money lies.

Settings are put back when the circumstances are over, money is carried to the other wallet and back; whatever the
account did meanwhile stays.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .accounts import Account
    from .venue import Venue


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountChange:
    """How the account differs from the one that was handed out; None leaves it alone.

    ``share`` of what is free stays in the trading wallet, the rest goes to ``rest``: the funding wallet, or somewhere
    out of reach.
    """

    level: str | None = None
    position_mode: str | None = None
    kyc: str | None = None
    share: str | None = None
    rest: str = "funding"


@dataclass(slots=True, kw_only=True)
class Altered:
    """What has to be put back."""

    settings: dict[str, str] = field(default_factory=dict)
    moved: dict[str, Decimal] = field(default_factory=dict)
    rest: str = "funding"


def alter(venue: Venue, account: Account, change: AccountChange, now_ms: int) -> Altered:
    """Bring the account into these circumstances; what is given back is for ``restore``."""
    done = Altered(rest=change.rest)
    for name in ("level", "position_mode", "kyc"):
        value = getattr(change, name)
        if value is not None:
            done.settings[name] = getattr(account, name)
            setattr(account, name, value)
    if change.share is not None:
        for ccy, held in list(account.balances.items()):
            amount = held.available - held.available * Decimal(change.share)
            if amount > 0:
                _carry(venue, account, ccy, -amount, change.rest, now_ms)
                done.moved[ccy] = amount
    return done


def restore(venue: Venue, account: Account, done: Altered, now_ms: int) -> None:
    """Put back what ``alter`` changed; a setting that was changed by its owner meanwhile included."""
    for name, value in done.settings.items():
        setattr(account, name, value)
    for ccy, amount in done.moved.items():
        there = account.funding.get(ccy, Decimal(0)) if done.rest == "funding" else amount
        _carry(venue, account, ccy, min(amount, there), done.rest, now_ms)


def _carry(venue: Venue, account: Account, ccy: str, amount: Decimal, rest: str, now_ms: int) -> None:
    """``amount`` into the trading wallet (out of it when negative), with its bills."""
    from . import bills
    from .bills import credit, credit_funding

    if not amount:
        return
    sub = bills.IN if amount > 0 else bills.OUT
    credit(venue, account, ccy, amount, kind=bills.TRANSFER, sub=sub, now_ms=now_ms)
    if rest == "funding":
        credit_funding(venue, account, ccy, -amount, kind="131" if amount > 0 else "130", now_ms=now_ms)
