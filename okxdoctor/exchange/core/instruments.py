"""Instruments of one venue: figures on exact grids, and their rows as the exchange sends them.

The figures (ticks, lots, minima, contract values) are those observed in production and in demo trading in
2026; expiry dates follow the clock. Demo trading has other figures for many names, other ``instIdCode``
for all, and placeholders whose figures are empty.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from .decimals import Grid, grid
from .listing import FIELDS, Listing, listings
from .protocol import Json
from .seeded import number

Band = tuple[str, str, str]
"""Lower bound, upper bound, tick."""

TICK_BANDS: Mapping[str, tuple[Band, ...]] = {
    # As observed in 2026-04, the odd lower bound of the second band included.
    "BTC-USD_UM": (("0", "5", "1"), ("0.005", "150000", "5")),
    "BTC-USD": (("0", "0.005", "0.0001"), ("0.005", "10000000", "0.0005")),
    "ETH-USD": (("0", "0.005", "0.0001"), ("0.005", "10000000", "0.0005")),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """One row of the list with its grids ready for use; ``listing`` has every field as text.

    ``tick``, ``lot`` are None for placeholders that cannot trade (``preopen``). ``reference`` is the price
    that the seeded market moves around, in quote currency.
    """

    listing: Listing
    code: int | None
    tick: Grid | None
    lot: Grid | None
    reference: Decimal
    upcoming: tuple[tuple[str, str, int], ...] = ()
    """Announced changes: parameter, new value, effective time (epoch ms)."""

    @property
    def id(self) -> str:
        return self.listing.inst_id

    @property
    def type(self) -> str:
        return self.listing.inst_type

    @property
    def state(self) -> str:
        return self.listing.state

    @property
    def trades(self) -> bool:
        """Has a market at all."""
        return self.tick is not None and self.lot is not None

    def tick_at(self, price: Decimal) -> Grid | None:
        """The tick in force at ``price``: options have a finer one for small prices."""
        if self.type == "OPTION":
            for _, high, tick in TICK_BANDS.get(self.listing.family, ()):
                if price < Decimal(high):
                    return grid(tick)
        return self.tick

    def expired(self, now_ms: int) -> bool:
        """Whether its last day is over."""
        return self.listing.expiry_ms is not None and now_ms >= self.listing.expiry_ms

    @property
    def linear(self) -> bool:
        return self.listing.ct_type == "linear"

    def row(self) -> dict[str, Json]:
        """The object of public/instruments, fields in the order of the wire."""
        row: dict[str, Json] = {}
        for name in FIELDS:
            row[name] = self.listing.field(name)
        row["instIdCode"] = self.code
        row["upcChg"] = [{"param": param, "newValue": value, "effTime": str(at)} for param, value, at in self.upcoming]
        return row


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What the circumstances do to one instrument: hide it, or replace some of its figures."""

    inst_id: str
    removed: bool = False
    state: str | None = None
    tick: str | None = None
    lot: str | None = None
    minimum: str | None = None
    upcoming: tuple[tuple[str, str, int], ...] = ()
    """Parameter, new value, seconds from now until it takes effect."""


def catalogue(seed: int, site: str, environment: str, now_ms: int) -> dict[str, Instrument]:
    """All instruments of a venue, by id, MARGIN rows not included (they share the ids of SPOT)."""
    found: dict[str, Instrument] = {}
    for listing in listings(site, environment, now_ms):
        found[listing.inst_id] = Instrument(
            listing=listing,
            code=_code(seed, environment, listing),
            tick=grid(listing.tick) if listing.tick else None,
            lot=grid(listing.lot) if listing.lot else None,
            reference=Decimal(listing.reference or "1"),
        )
    return found


def _code(seed: int, environment: str, listing: Listing) -> int | None:
    if listing.state == "preopen":
        return None
    code = number(seed, "instIdCode", environment, listing.inst_type, listing.inst_id) % 900_000 + 1_000
    # Demo trading shows codes of sixteen digits for some rows.
    return 2_021_000_000_000_000 + code if environment == "demo" and listing.state == "test" else code


def changed(instruments: Mapping[str, Instrument], changes: Iterable[Change], now_ms: int) -> dict[str, Instrument]:
    """The instruments after ``changes``; unknown ids are left alone."""
    result = dict(instruments)
    for change in changes:
        now = result.get(change.inst_id)
        if now is None:
            continue
        if change.removed:
            del result[change.inst_id]
            continue
        listing = replace(
            now.listing,
            state=change.state or now.listing.state,
            tick=change.tick or now.listing.tick,
            lot=change.lot or now.listing.lot,
            minimum=change.minimum or now.listing.minimum,
        )
        result[change.inst_id] = replace(
            now,
            listing=listing,
            tick=grid(listing.tick) if listing.tick else None,
            lot=grid(listing.lot) if listing.lot else None,
            upcoming=now.upcoming
            + tuple((param, value, now_ms + seconds * 1000) for param, value, seconds in change.upcoming),
        )
    return result
