"""Mark and index prices, and the rates of funding, as functions of time.

The mark price follows the middle of the book more slowly than the last price does; the index is that of the spot
market of the coin. Both are new once a second (the steps are assumed; that they differ from the last price is not).
"""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache

from .instruments import Instrument
from .market import SLOT_MS
from .seeded import number, unit
from .venue import Venue

STEP_SLOTS = 10
"""How long a mark price stands, in slots."""

FUNDING_MS = 8 * 3_600_000
"""Distance of funding times: 00:00, 08:00 and 16:00 UTC."""

_RATE = Decimal(1).scaleb(-16)


def mark_ticks(venue: Venue, inst: Instrument, slot: int) -> int:
    """The mark price at ``slot`` in ticks."""
    return max(1, round(venue.market(inst).mid(slot // STEP_SLOTS * STEP_SLOTS)))


def mark(venue: Venue, inst: Instrument, now_ms: int) -> Decimal:
    """The mark price."""
    return venue.market(inst).tick.decimal(mark_ticks(venue, inst, now_ms // SLOT_MS))


def index_of(inst: Instrument) -> str:
    """The name of the index that an instrument follows."""
    return (inst.listing.family or inst.id).removesuffix("_UM")


def index_market(venue: Venue, name: str) -> Instrument | None:
    """The spot instrument behind an index; an index in USD is that of the market in USDT."""
    inst = venue.instruments.get(name) or venue.instruments.get(f"{name}T" if name.endswith("-USD") else name)
    return inst if inst is not None and inst.type == "SPOT" and inst.trades else None


def index(venue: Venue, name: str, now_ms: int) -> Decimal | None:
    """The index price; None for a name that is no index here."""
    inst = index_market(venue, name)
    return None if inst is None else mark(venue, inst, now_ms)


def funding_rate(venue: Venue, inst: Instrument, period: int) -> Decimal:
    """The rate of the funding period that ends at ``(period + 1) * FUNDING_MS``; at most 0.0001 from zero."""
    return Decimal(round(unit(_salt(venue.seed, inst.id), period) * 1e12)) * _RATE


@lru_cache(maxsize=256)
def _salt(seed: int, inst_id: str) -> int:
    return number(seed, "funding", inst_id) & ((1 << 62) - 1)
