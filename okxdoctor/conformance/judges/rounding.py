"""Judges of `round_price` and `round_size`, in rational numbers.

The grid of a price is every multiple of the tick of the band that it lies in; the maximum of a band is exclusive, the
last one is open, lower bounds are as listed and not used (recorded ones are wrong). `down` is the greatest point not
above the price, `up` the least not below, `nearest` the closer one and upwards in a tie, `passive` down to buy and up
to sell. A size is the greatest multiple of the lot not above what was asked, and null when that is under the minimum.

A wrong answer is traced to its mistake by trying the wrong ways that are known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import ROUND_DOWN, Decimal
from fractions import Fraction
from math import ceil, floor
from typing import Any

from okxdoctor.conformance.exact import is_plain, number, plain
from okxdoctor.conformance.judges.shape import reply_failure, shown
from okxdoctor.conformance.verdict import Failure, Level

OFF_TICK = "precision.price-off-tick"
DIRECTION = "precision.rounding-direction"
BAND = "precision.tick-band"
OFF_LOT = "precision.size-off-lot"
MORE = "precision.size-over-asked"
MINIMUM = "precision.size-below-minimum"
FORMAT = "precision.number-format"

_NEGATIVE_TIE = "a tie of negative prices is rounded away from zero"

Bands = Sequence[tuple[Fraction | None, Fraction]]
"""Upper bound (None: open) and tick of each band, lowest first."""


# ---- price -------------------------------------------------------------------------------------------------


def judge_price(given: Mapping[str, Any], value: Any) -> Failure | None:
    """What is wrong with a rounded price."""
    text = value.get("price") if isinstance(value, Mapping) else None
    if text is None or (isinstance(value, Mapping) and "price" not in value):
        return reply_failure("round_price", "an object with the text price", value)
    price = _exact(given["price"])
    bands = _bands(given)
    mode = _direction(given["mode"], given.get("side"))
    right = _round(price, bands, mode)
    flaw = _form(text, right, "price")
    if flaw is not None:
        return flaw
    got = _exact(text)
    if got == right:
        return None
    code, mistake = _price_mistake(price, bands, mode, got, given)
    return Failure(
        # "Half up" of many languages is away from zero: of negative prices that is a matter of taste.
        level="should" if mistake == _NEGATIVE_TIE else "must",
        code=code,
        mistake=mistake,
        summary=f"the price is wrong: {mistake}",
        compares="price",
        expected=plain(right),
        actual=text,
    )


def _bands(given: Mapping[str, Any]) -> Bands:
    if "bands" not in given:
        return [(None, _exact(given["tick"]))]
    rows = [(_exact(row["max"]) if row.get("max") else None, _exact(row["tick"])) for row in given["bands"]]
    rows.sort(key=lambda row: (row[0] is None, row[0] or 0))
    return [*rows[:-1], (None, rows[-1][1])]


def _direction(mode: str, side: str | None) -> str:
    if mode != "passive":
        return mode
    return "down" if side == "buy" else "up"


def _tick(at: Fraction, bands: Bands) -> Fraction:
    return next(tick for top, tick in bands if top is None or at < top)


def _candidates(price: Fraction, bands: Bands) -> Iterator[Fraction]:
    """Grid points around the price: the multiples beside it of every tick, and those beside every bound."""
    for place in (price, *(top for top, _ in bands if top is not None)):
        for _, tick in bands:
            base = floor(place / tick)
            for count in (base - 1, base, base + 1, base + 2):
                point = count * tick
                if (point / _tick(point, bands)).denominator == 1:
                    yield point


def _round(price: Fraction, bands: Bands, mode: str) -> Fraction:
    points = set(_candidates(price, bands))
    below = max(point for point in points if point <= price)
    above = min(point for point in points if point >= price)
    match mode:
        case "down":
            return below
        case "up":
            return above
        case _:
            return below if price - below < above - price else above


def _price_mistake(
    price: Fraction, bands: Bands, mode: str, got: Fraction, given: Mapping[str, Any]
) -> tuple[str, str]:
    on_grid = (got / _tick(got, bands)).denominator == 1
    if len(bands) > 1:
        if any(price == top for top, _ in bands) and got == _round(price, _inclusive(bands, price), mode):
            return BAND, "the maximum of a band is taken as inclusive"
        for name, tick in (
            ("the tick of the lowest band", bands[0][1]),
            ("the tick of the highest band", bands[-1][1]),
        ):
            if got == _round(price, [(None, tick)], mode) and not on_grid:
                return BAND, f"{name} is used for all prices"
        used = _round(price, [(None, _tick(price, bands))], mode)
        if got == used and not on_grid:
            return BAND, "the result leaves the band and is not on the grid there"
        for top, tick in bands:
            if got == _round(price, [(None, tick)], mode):
                return BAND, f"the tick of another band is used{'' if top is not None else ' (the open one)'}"
    elif not on_grid:
        mistake = _off_grid(price, bands[0][1], got, given)
        return OFF_TICK, mistake
    if on_grid:
        if mode == "nearest" and abs(got - price) == abs(_round(price, bands, mode) - price):
            return DIRECTION, "a tie is not rounded up" if price >= 0 or got > price else _NEGATIVE_TIE
        for other in ("down", "up", "nearest"):
            if other != mode and got == _round(price, bands, other):
                if given["mode"] == "passive":
                    return DIRECTION, f"a passive {given['side']} is rounded {_way(other)}"
                return DIRECTION, f"rounded {_way(other)} where {_way(mode)} was asked"
        if price < 0 and got == -_round(-price, bands, mode):
            return DIRECTION, "a negative price is rounded towards zero instead of down"
        if (price / _tick(price, bands)).denominator == 1:
            return DIRECTION, "a price on the grid is moved"
        return DIRECTION, "a grid price that is not the nearest in the asked direction"
    return OFF_TICK, "the result is on no grid"


def _way(mode: str) -> str:
    return "to the nearest" if mode == "nearest" else mode


def _inclusive(bands: Bands, price: Fraction) -> Bands:
    return [(None, next(tick for top, tick in bands if top is None or price <= top))]


def _off_grid(price: Fraction, tick: Fraction, got: Fraction, given: Mapping[str, Any]) -> str:
    if got == price:
        return "the price is not rounded"
    places = _places(given["tick"])
    unit = Fraction(1, 10**places)
    if got in {floor(price / unit) * unit, ceil(price / unit) * unit, round(price / unit) * unit}:
        return "rounded to the decimals of the tick, not to the tick"
    near = {floor(price / tick) * tick, ceil(price / tick) * tick}
    if any(abs(got - point) <= abs(point) / 10**12 + Fraction(1, 10**18) for point in near):
        return "binary floating point leaves digits behind the grid"
    if any(point and abs(got - point) <= abs(point) / 10**6 for point in near):
        return "digits are lost"
    return "the result is no multiple of the tick"


def _places(text: str) -> int:
    exponent = Decimal(text).as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


# ---- size --------------------------------------------------------------------------------------------------


def judge_size(given: Mapping[str, Any], value: Any) -> Failure | None:
    """What is wrong with a rounded size."""
    if not isinstance(value, Mapping) or "size" not in value:
        return reply_failure("round_size", "an object with size, a text or null", value)
    text = value["size"]
    asked, lot = _exact(given["size"]), _exact(given["lot"])
    least = _exact(given["min"]) if given["min"] else Fraction(0)
    fitted = floor(asked / lot) * lot
    right = fitted if fitted > 0 and fitted >= least else None
    expected = "null" if right is None else plain(right)
    if text is None:
        if right is None:
            return None
        return _size(MINIMUM, "a size that can be sent is left out", expected, "null")
    flaw = _form(text, right if right is not None else fitted, "size")
    if flaw is not None:
        return flaw
    got = _exact(text)
    if got == right:
        return None
    if (got / lot).denominator != 1:
        return _size(OFF_LOT, _off_lot(asked, lot, got, given), expected, text)
    if got > asked:
        mistake = "raised to the minimum: more than asked" if got == least else "rounded up: more than asked"
        return _size(MORE, mistake, expected, text)
    if right is None:
        mistake = "zero is sent instead of nothing" if got == 0 else "a size under the minimum is sent"
        return _size(MINIMUM, mistake, expected, text)
    less = "whole contracts assumed" if got == floor(asked) else "less than the greatest size that fits"
    return _size(OFF_LOT, less, expected, text)


def _off_lot(asked: Fraction, lot: Fraction, got: Fraction, given: Mapping[str, Any]) -> str:
    if got == asked:
        return "the size is not rounded"
    places = _places(given["lot"])
    unit = Fraction(1, 10**places)
    if got in {floor(asked / unit) * unit, round(asked / unit) * unit}:
        return "rounded to the decimals of the lot, not to the lot"
    if got == floor(asked):
        return "whole contracts assumed"
    if any(abs(got - point) <= abs(point) / 10**12 for point in (floor(asked / lot) * lot, ceil(asked / lot) * lot)):
        return "binary floating point leaves digits behind the grid"
    return "the result is no multiple of the lot"


def _size(code: str, mistake: str, expected: str, actual: str) -> Failure:
    return Failure(
        code=code,
        mistake=mistake,
        summary=f"the size is wrong: {mistake}",
        compares="size",
        expected=expected,
        actual=actual,
    )


# ---- both --------------------------------------------------------------------------------------------------


def _exact(text: str) -> Fraction:
    found = number(text)
    if found is None:
        raise ValueError(f"{text!r} is no decimal number")
    return found


def _form(text: Any, right: Fraction, what: str) -> Failure | None:
    """Whether the text is one that OKX takes as a number."""
    if isinstance(text, str) and is_plain(text):
        return None
    if not isinstance(text, str):
        mistake = f"the {what} is no text"
    elif number(text) is None:
        mistake = f"the {what} is no number"
    elif "e" in text.lower():
        mistake = "written with an exponent"
    elif number(text) == 0:
        mistake = "zero with a minus"
    else:
        mistake = "not plain decimal text"
    return Failure(
        code=FORMAT,
        mistake=mistake,
        summary=f"the {what} cannot be sent as it is written: {mistake}",
        compares=what,
        expected=plain(right),
        actual=shown(text),
    )


def not_refused(given: Mapping[str, Any], value: Any) -> Failure:
    """The failure of an answer to something that is no number. Blanks, underscores and digits of other scripts are
    read by many number parsers and only noted."""
    text = given.get("price", given.get("size", ""))
    lenient = text.strip() != "" and _readable(text) and "tick" not in _positive_missing(given)
    level: Level = "should" if lenient else "must"
    return Failure(
        code=FORMAT,
        mistake="text that is no plain number is taken for one"
        if lenient
        else "an input that is no number is answered",
        summary=f"{text!r} is no decimal number, or its grid is none, and is answered all the same",
        compares="answer",
        expected="an error",
        actual=shown(value),
        level=level,
    )


def _positive_missing(given: Mapping[str, Any]) -> tuple[str, ...]:
    tick = number(given.get("tick", "1"))
    return () if tick is not None and tick > 0 else ("tick",)


def _readable(text: str) -> bool:
    try:
        return Decimal(text).quantize(Decimal(1), rounding=ROUND_DOWN).is_finite()
    except ArithmeticError:
        return False
