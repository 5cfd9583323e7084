"""Numbers and JSON compared by value, exactly: rational arithmetic, no float, no decimal context.

The harness judges rounding with this instead of the package's own rounding rules, so that the two check each other.
"""

from __future__ import annotations

import json
import re
from fractions import Fraction
from typing import Any

MAX_CHARACTERS = 4_000
MAX_EXPONENT = 4_000

_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,9})?")
_PLAIN = re.compile(r"(?:0|[1-9][0-9]*)(?:\.[0-9]+)?|-(?:0\.[0-9]*[1-9][0-9]*|[1-9][0-9]*(?:\.[0-9]+)?)")


def number(text: str) -> Fraction | None:
    """The number that a decimal text writes (ASCII digits, a point, an exponent), None for any other text."""
    if len(text) > MAX_CHARACTERS or _DECIMAL.fullmatch(text) is None:
        return None
    mantissa, _, exponent = text.lower().partition("e")
    if exponent and abs(int(exponent)) > MAX_EXPONENT:
        return None
    return Fraction(mantissa if mantissa.lstrip("+-")[:1] != "." else mantissa.replace(".", "0.", 1)) * (
        Fraction(10) ** int(exponent or "0")
    )


def is_plain(text: str) -> bool:
    """Whether a number is written as OKX takes it: digits and one point, no exponent, no sign but a minus before a
    number under zero, no leading zeros. Zeros at the end are harmless."""
    return len(text) <= MAX_CHARACTERS and _PLAIN.fullmatch(text) is not None


def plain(value: Fraction) -> str:
    """The shortest plain text of a number that has a finite decimal form."""
    places = 0
    denominator = value.denominator
    while (10**places) % denominator:
        places += 1
        if places > MAX_CHARACTERS:
            raise ValueError("no finite decimal form")
    units = value.numerator * (10**places // denominator)
    digits = str(abs(units)).rjust(places + 1, "0")
    text = f"{digits[: len(digits) - places]}.{digits[len(digits) - places :]}" if places else digits
    return f"-{text}" if units < 0 else text


class NotJson(ValueError):
    """The text is no JSON, or has an object with the same name twice."""


def json_value(text: str) -> Any:
    """The JSON with every number as a Fraction, so that 1e-8 and 0.00000001 are equal and 0.1 is not its float."""

    def numeral(digits: str) -> Fraction:
        found = number(digits)
        if found is None:
            raise NotJson("a number too long to compare")
        return found

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) != len(pairs):
            raise NotJson("an object with the same name twice")
        return made

    def constant(name: str) -> Any:
        raise NotJson(f"{name} is no JSON")

    try:
        return json.loads(
            text, parse_int=numeral, parse_float=numeral, parse_constant=constant, object_pairs_hook=members
        )
    except NotJson:
        raise
    except (ValueError, RecursionError) as error:
        raise NotJson(str(error)) from None


def same(one: Any, other: Any) -> bool:
    """Whether two values of `json_value` are the same JSON: order of members does not count, types do."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def same_but_for_floats(one: Any, other: Any) -> bool:
    """Whether the two differ only in numbers that are one and the same double: the sign of a trip through a float."""
    if isinstance(one, Fraction) and isinstance(other, Fraction):
        try:
            return float(one) == float(other)
        except OverflowError:
            return False
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same_but_for_floats(one[name], other[name]) for name in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same_but_for_floats, one, other))
    return bool(one == other)
