"""Converting: what is quoted to an account, and what it has converted.

A quote holds for ten seconds and for one trade. Its price is the one at which the spot market would take the whole
amount from the best level (assumed: what a quote costs above that is not documented); it bears no fee.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from decimal import Decimal

from .accounts import RECORDS, Account
from .decimals import EXACT, plain
from .instruments import Instrument
from .matching import book
from .protocol import Json
from .venue import Venue

TTL_MS = 10_000
PACE_MS = 5_000
"""Between two quotes of one pair, and between two trades of one side."""
KEPT = 200
"""Quotes of an account that are remembered."""
STEP = Decimal("1e-8")
LEAST_QUOTE, MOST_QUOTE = Decimal(1), Decimal(200_000)
"""Bounds of one trade in the quote currency (assumed)."""


@dataclass(slots=True, kw_only=True)
class Quote:
    """A price for ``base`` against ``quote``; ``asked`` is in ``asked_ccy``, ``traded`` once it was used."""

    number: str
    inst_id: str
    base: str
    quote: str
    side: str
    asked: Decimal
    asked_ccy: str
    price: Decimal
    made_ms: int
    client_id: str = ""
    traded: bool = False

    def sizes(self, size: Decimal) -> tuple[Decimal, Decimal]:
        """Amounts of base and of quote currency of ``size`` in the currency that was asked in."""
        if self.asked_ccy == self.base:
            return size, EXACT.multiply(size, self.price).quantize(STEP, context=EXACT)
        return EXACT.divide(size, self.price).quantize(STEP, context=EXACT), size


@dataclass(slots=True, kw_only=True)
class Conversions:
    """What one account asked for and did; ``done`` as asset/convert/history shows it, with the tag of each."""

    quotes: dict[str, Quote] = field(default_factory=dict)
    done: deque[tuple[str, dict[str, Json]]] = field(default_factory=lambda: deque(maxlen=RECORDS))
    paces: dict[str, int] = field(default_factory=dict)
    """What must not be done too often -> when it was done last."""
    request_ids: set[str] = field(default_factory=set)

    def too_soon(self, what: str, now_ms: int) -> bool:
        """Whether ``what`` was done less than ``PACE_MS`` ago; if not, it is done now."""
        last = self.paces.get(what)
        if last is not None and 0 <= now_ms - last < PACE_MS:
            return True
        self.paces[what] = now_ms
        return False

    def keep(self, quote: Quote) -> None:
        self.quotes[quote.number] = quote
        while len(self.quotes) > KEPT:
            gone = self.quotes.pop(next(iter(self.quotes)))
            self.request_ids.discard(gone.client_id)


def conversions(account: Account) -> Conversions:
    """Those of ``account``, made when it first converts."""
    if account.conversions is None:
        account.conversions = Conversions()
    return account.conversions


def pair(venue: Venue, one: str, other: str) -> Instrument | None:
    """The spot market in which ``one`` and ``other`` are exchanged, whichever is the base."""
    for name in (f"{one}-{other}", f"{other}-{one}"):
        found = venue.instruments.get(name)
        if found is not None and found.type == "SPOT" and found.trades and found.state == "live":
            return found
    return None


def bounds(inst: Instrument) -> tuple[Decimal, Decimal, Decimal, Decimal]:
    """Least and most of base currency, least and most of quote currency."""
    most = EXACT.divide(MOST_QUOTE, inst.reference).quantize(STEP, context=EXACT)
    return Decimal(inst.listing.minimum or "0"), most, LEAST_QUOTE, MOST_QUOTE


def price_of(venue: Venue, inst: Instrument, side: str, now_ms: int) -> Decimal:
    """What one unit of base currency costs (buy) or brings (sell)."""
    depth = book(venue, inst, now_ms)
    (level,) = depth.levels("sell" if side == "buy" else "buy", 1)[:1] or [(0, 0, 0)]
    return depth.market.tick.decimal(level[0])


def quote_row(quote: Quote, original: Decimal) -> dict[str, Json]:
    """The object of asset/convert/estimate-quote."""
    base, counter = quote.sizes(quote.asked)
    return {
        "baseCcy": quote.base, "baseSz": plain(base), "clQReqId": quote.client_id, "cnvtPx": plain(quote.price),
        "origRfqSz": plain(original), "quoteCcy": quote.quote, "quoteId": quote.number, "quoteSz": plain(counter),
        "quoteTime": str(quote.made_ms), "rfqSz": plain(quote.asked), "rfqSzCcy": quote.asked_ccy,
        "side": quote.side, "ttlMs": str(TTL_MS),
    }  # fmt: skip
