"""Simple earn flexible: money of the funding wallet that is lent hour by hour at a rate of the market.

Names and the rule of the least rate are those of the documentation (2026-07). The rates themselves are made up from the
seed, lenders get 85 % of what borrowers pay (assumed), and what is there at a full hour is lent for that hour whole.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from . import seeded
from .decimals import EXACT, plain
from .protocol import Json

if TYPE_CHECKING:
    from .accounts import Account
    from .venue import Venue

HOUR_MS = 3_600_000
YEAR_HOURS = 365 * 24
LEAST, MOST = Decimal("0.01"), Decimal("3.65")
"""What a lender may want: 1 % to 365 % a year."""

FIRST_MS = 1_639_440_000_000
"""Rates are told from 14 December 2021 on."""

_LENDERS = Decimal("0.85")
_KEPT_HOURS = 90 * 24
"""Hours that are reckoned one by one after a jump of the clock; of older ones there are no earnings."""

_RECORDS = 1_000
_FINE = Decimal("1e-16")
_ZERO = Decimal(0)


@dataclass(slots=True, kw_only=True)
class Saving:
    """What an account has lent of one currency. ``amount`` includes ``earnings``; ``hour`` is the last one reckoned."""

    ccy: str
    rate: Decimal
    hour: int
    amount: Decimal = _ZERO
    earnings: Decimal = _ZERO
    lent: Decimal = _ZERO
    history: deque[dict[str, Json]] = field(default_factory=lambda: deque(maxlen=_RECORDS))

    def row(self) -> dict[str, Json]:
        """The object of finance/savings/balance."""
        return {
            "amt": plain(self.amount), "ccy": self.ccy, "earnings": plain(self.earnings), "loanAmt": plain(self.lent),
            "pendingAmt": plain(self.amount - self.lent), "rate": plain(self.rate), "redemptAmt": "",
        }  # fmt: skip


def borrowing_rate(venue: Venue, ccy: str, hour: int) -> Decimal:
    """What borrowers pay a year in the hour ``hour`` (hours since 1970)."""
    return Decimal(200 + seeded.number(venue.seed, "lending", ccy, hour) % 600).scaleb(-4)


def lending_rate(venue: Venue, ccy: str, hour: int) -> Decimal:
    """What lenders get a year in the hour ``hour``."""
    return EXACT.multiply(borrowing_rate(venue, ccy, hour), _LENDERS)


def reckon(venue: Venue, account: Account, now_ms: int) -> None:
    """Let the hours since the last look be lent and earned."""
    hour = now_ms // HOUR_MS
    for saving in account.savings.values():
        for each in range(max(saving.hour + 1, hour - _KEPT_HOURS), hour + 1):
            rate = lending_rate(venue, saving.ccy, each)
            saving.lent = saving.amount if rate >= saving.rate else _ZERO
            earned = EXACT.multiply(saving.lent, EXACT.divide(rate, Decimal(YEAR_HOURS))).quantize(_FINE, context=EXACT)
            if earned:
                saving.history.appendleft(
                    {
                        "amt": plain(saving.lent), "ccy": saving.ccy, "earnings": plain(earned), "rate": plain(rate),
                        "ts": str(each * HOUR_MS),
                    }
                )  # fmt: skip
                saving.earnings += earned
                saving.amount += earned
        saving.hour = max(saving.hour, hour)
