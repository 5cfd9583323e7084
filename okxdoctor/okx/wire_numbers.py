"""How a number of an order stands on the wire, and what is wrong with the way it is written.

OKX takes prices and sizes as JSON strings of plain decimal text. The usual ways to miss that are a program's
default rendering of a float (`1e-05`, `0.30000000000000004`), a JSON number, or text made for human eyes
(`1,234.5`). Each has another remedy, so each is told apart. Judged is the writing, not the value: tick and
lot are the business of `off_grid`.
"""

from __future__ import annotations

import re
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

from okxdoctor.okx.precision import Exact, PrecisionError, parse, plain, round_size

WireValue: TypeAlias = str | int | float | bool | Decimal | None

CAUSE = "precision.number-format"

# A double carries 15 to 17 significant digits. Noise shows as 16 or more digits that collapse to a short
# number when cut to 15; a number that keeps 13 or more digits after the cut is taken as meant.
_NOISE_DIGITS = 16
_CUT_DIGITS = 15
_SHORT_DIGITS = 12


class NumberFlaw(StrEnum):
    """How the text of a number misses the form that the exchange reads: plain decimal digits in a JSON string."""

    NOT_TEXT = "a JSON number where a string belongs"
    ABSENT = "null or empty"
    NOT_FINITE = "NaN or Infinity"
    EXPONENT = "an exponent"
    FLOAT_NOISE = "digits left over from binary floating point"
    THOUSANDS = "thousands separators"
    DECIMAL_COMMA = "a comma as decimal point"
    UNDERSCORE = "an underscore between digits"
    WHITE_SPACE = "white space"
    PLUS_SIGN = "a plus sign"
    BARE_POINT = "a point without digits on one side"
    LEADING_ZEROS = "leading zeros"
    FOREIGN_DIGITS = "digits that are not 0-9"
    NOT_A_NUMBER = "not a number"


_PLAIN = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_THOUSANDS = re.compile(r"-?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?")
_NOT_FINITE = re.compile(r"[+-]?(s?nan|inf|infinity)", re.IGNORECASE)


def number_flaws(value: WireValue, *, step: str | None = None) -> tuple[NumberFlaw, ...]:
    """Everything wrong with the way `value` is written; empty for plain decimal text. Total: any value gets
    an answer.

    With `step` (tick or lot) given, a number that is a multiple of it is never called noise, however many
    digits it has: 100000000.00000001 is a fine size where the lot is 0.00000001.
    """
    if isinstance(value, str):
        return _text_flaws(value, step)
    if value is None:
        return (NumberFlaw.ABSENT,)
    if isinstance(value, bool):
        return (NumberFlaw.NOT_A_NUMBER,)
    text = str(value) if not isinstance(value, int) else _int_text(value)
    return (NumberFlaw.NOT_TEXT, *_text_flaws(text, step))


def _int_text(value: int) -> str:
    # str() of an int beyond 4300 digits raises; no judgement needs more than the sign and one digit of it.
    return str(value) if value.bit_length() < 14_000 else "1" * 4_000


def _text_flaws(text: str, step: str | None) -> tuple[NumberFlaw, ...]:
    if text == "":
        return (NumberFlaw.ABSENT,)
    if _PLAIN.fullmatch(text):
        return _plain_flaws(text, step)
    found: list[NumberFlaw] = []
    bare = text.strip()
    if bare != text:
        found.append(NumberFlaw.WHITE_SPACE)
    if bare.startswith("+"):
        found.append(NumberFlaw.PLUS_SIGN)
        bare = bare[1:]
    if _NOT_FINITE.fullmatch(bare):
        return (*found, NumberFlaw.NOT_FINITE)
    if not bare.isascii() and any(c.isdecimal() and not c.isascii() for c in bare):
        found.append(NumberFlaw.FOREIGN_DIGITS)
        bare = "".join(str(int(c)) if c.isdecimal() else c for c in bare)
    if "_" in bare:
        found.append(NumberFlaw.UNDERSCORE)
        bare = bare.replace("_", "")
    if _THOUSANDS.fullmatch(bare):
        found.append(NumberFlaw.THOUSANDS)
        bare = bare.replace(",", "")
    elif bare.count(",") == 1 and "." not in bare:
        found.append(NumberFlaw.DECIMAL_COMMA)
        bare = bare.replace(",", ".")
    try:
        parse(bare)
    except PrecisionError:
        return (*found, NumberFlaw.NOT_A_NUMBER)
    mantissa, e, _ = bare.lower().partition("e")
    if e:
        found.append(NumberFlaw.EXPONENT)
    if mantissa.startswith((".", "-.")) or mantissa.endswith("."):
        found.append(NumberFlaw.BARE_POINT)
    return (*found, *_plain_flaws(mantissa, None if e else step))


def _plain_flaws(text: str, step: str | None) -> tuple[NumberFlaw, ...]:
    found: list[NumberFlaw] = []
    digits = text.lstrip("-")
    if len(digits) > 1 and digits[0] == "0" and digits[1] != ".":
        found.append(NumberFlaw.LEADING_ZEROS)
    if without_noise(text, step=step) is not None:
        found.append(NumberFlaw.FLOAT_NOISE)
    return tuple(found)


def without_noise(text: str, *, step: str | None = None) -> str | None:
    """The short number that `text` most likely means when it carries float noise, plain; None when it carries
    none.

    "0.30000000000000004" gives "0.3". `step` as in `number_flaws`. Text that is no number carries no noise.
    """
    try:
        number = parse(text)
        if step is not None and _multiple(number, step):
            return None
    except PrecisionError:
        return None
    digits = str(abs(number.units))
    if len(digits.rstrip("0")) < _NOISE_DIGITS:
        return None
    drop = len(digits) - _CUT_DIGITS
    scale: int = 10**drop
    cut = (abs(number.units) + scale // 2) // scale
    if len(str(cut).rstrip("0")) > _SHORT_DIGITS:
        return None
    units = cut * scale
    return plain(Exact(units=-units if number.units < 0 else units, places=number.places))


def _multiple(number: Exact, step: str) -> bool:
    size = plain(Exact(units=abs(number.units), places=number.places))
    return (round_size(size, lot=step) or "0") == size
