"""Position tiers: how much margin a position of what size needs.

The first tier of BTC-USDT margin trading is that of the documentation (leverage 10, maintenance 3 %). The others are
built in the same manner from the leverage of the listing and are assumed: each next tier holds as much again, allows
less leverage and wants more maintenance margin.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from .instruments import Instrument

_MAINTENANCE = {"SPOT": Decimal("0.03"), "SWAP": Decimal("0.004"), "FUTURES": Decimal("0.01")}
_SIZE = {"SPOT": Decimal(50), "SWAP": Decimal(25_000), "FUTURES": Decimal(5_000), "OPTION": Decimal(2_000)}
COUNT = 5
DAILY_INTEREST = Decimal("0.00024")
"""What a loan costs a day, as a share of it (assumed)."""

_DISCOUNT = {"USD": Decimal(1), "USDT": Decimal(1), "USDC": Decimal(1), "BTC": Decimal("0.98"), "ETH": Decimal("0.98")}
_OTHERS = Decimal("0.9")


def discount(ccy: str) -> Decimal:
    """The share of its value by which ``ccy`` counts as collateral; one tier each, without end (assumed)."""
    return _DISCOUNT.get(ccy, _OTHERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """One tier: sizes from ``low`` up to ``high`` (contracts, or base currency), rates of the position's value."""

    number: int
    low: Decimal
    high: Decimal
    lever: Decimal
    maintenance: Decimal

    @property
    def initial(self) -> Decimal:
        return (1 / self.lever).quantize(Decimal("1e-6"))


@lru_cache(maxsize=512)
def _tiers(lever: str, maintenance: Decimal, size: Decimal) -> tuple[Tier, ...]:
    most = Decimal(lever)
    return tuple(
        Tier(
            number=k + 1, low=size * k, high=size * (k + 1),
            lever=max(Decimal(1), (most / (1 + Decimal(k) / 2)).quantize(Decimal("0.01"))),
            maintenance=maintenance * (2 + k) / 2,
        )
        for k in range(COUNT)
    )  # fmt: skip


def tiers(inst: Instrument) -> tuple[Tier, ...]:
    """The tiers of an instrument, smallest sizes first; none where there is no leverage."""
    if not inst.listing.lever:
        return ()
    kind = inst.type
    return _tiers(inst.listing.lever, _MAINTENANCE.get(kind, Decimal("0.03")), _SIZE.get(kind, Decimal(50)))


def maintenance_rate(inst: Instrument, size: Decimal) -> Decimal:
    """The rate of maintenance margin of a position of ``size``; beyond the last tier that of the last."""
    found = tiers(inst)
    for tier in found:
        if size <= tier.high:
            return tier.maintenance
    return found[-1].maintenance if found else Decimal("0.03")
