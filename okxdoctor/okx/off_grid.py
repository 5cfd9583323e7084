"""Why a price or a size would be refused (or silently changed) for its tick, lot, minimum or maximum.

Evidence only: each value says what was asked, what rule it breaks and the nearest numbers that keep the rule.
The `cause` of a class is the code under which a report names it. All numbers are plain decimal text.

Source: order errors 51121 (lot), 51020 (minimum); option prices off the band are rounded by the server
without a word (documented), what happens to other off-tick prices is not documented.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from okxdoctor.okx.precision import (
    Grid,
    least_size,
    parse,
    plain,
    plain_text,
    round_price,
    round_size,
    tick_in_force,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OffTick:
    """`price` is no multiple of `tick`, the tick in force there; `below` and `above` are its grid
    neighbours.
    """

    cause: ClassVar[str] = "precision.price-off-tick"
    price: str
    tick: str
    below: str
    above: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OffLot:
    """`size` is no multiple of `lot`; `below` ("0" where there is none) and `above` are the nearest
    multiples.
    """

    cause: ClassVar[str] = "precision.size-off-lot"
    size: str
    lot: str
    below: str
    above: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BelowMinimum:
    """`size` is under `minimum`; `least` is the smallest size that keeps both the minimum and the lot."""

    cause: ClassVar[str] = "precision.size-below-minimum"
    size: str
    minimum: str
    least: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AboveMaximum:
    """`size` is over `maximum` (same unit as the size); `most` is the greatest size that keeps maximum and
    lot.
    """

    cause: ClassVar[str] = "precision.size-above-maximum"
    size: str
    maximum: str
    most: str


SizeFault: TypeAlias = OffLot | BelowMinimum | AboveMaximum


def why_off_tick(price: str, grid: Grid) -> OffTick | None:
    """None when `price` lies on the grid, else the tick in force and the neighbours."""
    below, above = round_price(price, grid=grid, mode="down"), round_price(price, grid=grid, mode="up")
    if below == above:
        return None
    return OffTick(price=plain_text(price), tick=tick_in_force(price, grid), below=below, above=above)


def why_off_lot(size: str, lot: str) -> OffLot | None:
    """None when `size` is a multiple of `lot` (zero is one), else the neighbours."""
    below = round_size(size, lot=lot) or "0"
    asked = plain_text(size)
    if below == asked:
        return None
    return OffLot(size=asked, lot=plain_text(lot), below=below, above=_next_multiple(below, lot))


def _next_multiple(multiple: str, lot: str) -> str:
    start, step = parse(multiple), parse(lot)
    places = max(start.places, step.places)
    return plain(type(start)(units=start.at(places) + step.at(places), places=places))


def size_faults(size: str, *, lot: str, minimum: str = "", maximum: str = "") -> tuple[SizeFault, ...]:
    """Every rule that `size` breaks. "" is an absent minimum or maximum (placeholders before a listing have
    them).
    """
    found: list[SizeFault] = []
    asked = plain_text(size)
    if _less(size, minimum or "0") or asked == "0":
        least = least_size(lot=lot, minimum=minimum)
        found.append(BelowMinimum(size=asked, minimum=plain_text(minimum or "0"), least=least))
    if maximum and _less(maximum, size):
        most = round_size(maximum, lot=lot) or "0"
        found.append(AboveMaximum(size=asked, maximum=plain_text(maximum), most=most))
    off = why_off_lot(size, lot) if not _less(size, "0") else None
    if off is not None:
        found.append(off)
    return tuple(found)


def _less(a: str, b: str) -> bool:
    left, right = parse(a), parse(b)
    places = max(left.places, right.places)
    return left.at(places) < right.at(places)
