"""Exact decimal numbers on the exchange's grids: integers inside, plain decimal text outside."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Context, Decimal, InvalidOperation
from functools import lru_cache

EXACT = Context(prec=60)
"""Wide enough for every product of a price, a size and a contract value that passes validation."""


@dataclass(frozen=True, slots=True)
class Grid:
    """All multiples of ``step * 10**-places``: the prices of a tick, the sizes of a lot."""

    step: int
    places: int

    def text(self, n: int) -> str:
        """The ``n``-th multiple as OKX writes it: no exponent, no trailing zero."""
        return fixed(n * self.step, self.places)

    def decimal(self, n: int) -> Decimal:
        return Decimal(n * self.step).scaleb(-self.places, EXACT)

    def index(self, value: Decimal) -> int | None:
        """Which multiple ``value`` is; None if it is none."""
        scaled = value.scaleb(self.places, EXACT)
        whole = int(scaled)
        if scaled != whole:
            return None
        n, rest = divmod(whole, self.step)
        return None if rest else n

    def floor(self, value: Decimal) -> int:
        """The largest multiple that is not above ``value``."""
        scaled = value.scaleb(self.places, EXACT)
        whole = int(scaled.to_integral_value("ROUND_FLOOR"))
        return whole // self.step

    def nearest(self, value: Decimal) -> int:
        """The multiple closest to ``value``, halves up."""
        half = Decimal(self.step).scaleb(-self.places, EXACT) / 2
        return self.floor(EXACT.add(value, half))


@lru_cache(maxsize=256)
def grid(text: str) -> Grid:
    """The grid whose smallest step is ``text`` (``0.0005``, ``5``)."""
    whole, _, fraction = text.partition(".")
    fraction = fraction.rstrip("0")
    return Grid(step=int(whole + fraction), places=len(fraction))


def fixed(units: int, places: int) -> str:
    """``units * 10**-places`` without exponent and trailing zeros."""
    if places == 0:
        return str(units)
    sign = "-" if units < 0 else ""
    digits = str(abs(units)).rjust(places + 1, "0")
    fraction = digits[-places:].rstrip("0")
    return f"{sign}{digits[:-places]}{'.' + fraction if fraction else ''}"


def plain(value: Decimal) -> str:
    """A decimal as OKX writes it: no exponent, no trailing zero, no minus zero."""
    if not value:
        return "0"
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def parse(text: object) -> Decimal | None:
    """A plain decimal number as clients may send it (also with an exponent); None if it is none."""
    if not isinstance(text, str) or not text or len(text) > 64 or not text.isascii():
        return None
    if not set(text) <= set("0123456789.+-eE"):
        return None
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return value if value.is_finite() and -40 <= value.adjusted() <= 40 else None


_WRITTEN = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?\Z")


def written(text: object) -> Decimal | None:
    """A number as orders have to write it: a text of plain decimals; None for exponents and everything else.

    Reported for prices and sizes with an exponent: 51000 (ccxt/ccxt#14906, #13952, #21907).
    """
    return parse(text) if isinstance(text, str) and _WRITTEN.match(text) else None
