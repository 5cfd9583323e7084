"""Times as OKX v5 writes them, in whole numbers only: no float ever touches a time here.

* OK-ACCESS-TIMESTAMP: ISO-8601 in UTC with exactly three fraction digits and `Z`, "2020-12-08T09:08:57.715Z".
* `ts` and most time fields: epoch milliseconds as text; `inTime` and `outTime`: epoch microseconds as text.
  An empty text means "not applicable" and is None here, never zero.
* WebSocket login: epoch seconds as text.

Source: API v5 documentation, "REST Authentication", "Login" and the field tables (text of 2026-07). Grade:
documented. That fractional seconds and JSON integers pass in a WebSocket login is observed with common
clients.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from enum import StrEnum

_EPOCH = datetime(1970, 1, 1)
_ISO_MS = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})\.([0-9]{3})Z")
_DIGITS = re.compile(r"[0-9]{1,32}")

# The years that datetime and the four-digit form can write: 0001-01-01T00:00:00Z up to, not including, year
# 10000.
_MIN_S = -62_135_596_800
_END_S = 253_402_300_800


class TimestampError(ValueError):
    """The text or number is no time in the form that was asked for."""


# ---- writing -----------------------------------------------------------------------------------------------


def iso_from_epoch_ms(epoch_ms: int) -> str:
    """Epoch milliseconds as the header writes them: "1970-01-01T00:00:00.000Z" for 0. Exact; years 1 to
    9999.
    """
    seconds, ms = divmod(epoch_ms, 1000)
    return f"{_date_and_time(seconds)}.{ms:03d}Z"


def iso_from_epoch_us(epoch_us: int) -> str:
    """Epoch microseconds with six fraction digits: for display, not a valid header."""
    seconds, us = divmod(epoch_us, 1_000_000)
    return f"{_date_and_time(seconds)}.{us:06d}Z"


def _date_and_time(epoch_s: int) -> str:
    if not _MIN_S <= epoch_s < _END_S:
        raise TimestampError("the time lies outside the years 1 to 9999: is the unit right?")
    return (_EPOCH + timedelta(seconds=epoch_s)).isoformat()


# ---- reading -----------------------------------------------------------------------------------------------


def epoch_ms_from_iso(text: str) -> int:
    """Epoch milliseconds of a well-formed OK-ACCESS-TIMESTAMP. Any other form is a TimestampError naming its
    flaws.
    """
    found = header_flaws(text)
    if found:
        raise TimestampError(f"not a valid header timestamp: {', '.join(flaw.value for flaw in found)}")
    match = _ISO_MS.fullmatch(text)
    assert match is not None  # no flaw means that the pattern matched
    *fields, ms = map(int, match.groups())
    since = datetime(*fields, tzinfo=UTC) - _EPOCH.replace(tzinfo=UTC)  # type: ignore[misc, arg-type]
    return (since.days * 86_400 + since.seconds) * 1000 + ms


def parse_epoch_ms(text: str | None) -> int | None:
    """Epoch milliseconds from their text; None for "" and None (absent, not zero)."""
    return _parse_epoch(text, per_second=1000)


def parse_epoch_us(text: str | None) -> int | None:
    """Epoch microseconds (`inTime`, `outTime`) from their text; None for "" and None."""
    return _parse_epoch(text, per_second=1_000_000)


def _parse_epoch(text: str | None, *, per_second: int) -> int | None:
    if text is None or text == "":
        return None
    if not _DIGITS.fullmatch(text):
        raise TimestampError("an epoch time is written with the digits 0-9 only, at most 32 of them")
    number = int(text)
    if number >= _END_S * per_second:
        raise TimestampError("the time lies after the year 9999: is the unit right?")
    return number


class EpochUnit(StrEnum):
    SECONDS = "s"
    MILLISECONDS = "ms"
    MICROSECONDS = "us"
    NANOSECONDS = "ns"


def likely_unit(number: int) -> EpochUnit | None:
    """The unit in which `number` falls between 2001-09-09 and 2286-11-20, None where it does in none.

    In these years the count of digits tells the unit: 10, 13, 16 or 19.
    """
    if number < 0:
        return None
    return {
        10: EpochUnit.SECONDS,
        13: EpochUnit.MILLISECONDS,
        16: EpochUnit.MICROSECONDS,
        19: EpochUnit.NANOSECONDS,
    }.get(len(str(number)) if number < 10**19 else 0)


# ---- why a text is not a header timestamp ------------------------------------------------------------------


class Flaw(StrEnum):
    """One way in which a text misses the form of OK-ACCESS-TIMESTAMP or of a login timestamp."""

    EMPTY = "empty"
    WHITE_SPACE = "white space around it"
    EPOCH_SECONDS = "epoch seconds instead of ISO-8601"
    EPOCH_MILLISECONDS = "epoch milliseconds instead of ISO-8601"
    EPOCH_OTHER = "a bare number instead of ISO-8601"
    LOWER_CASE = "lower-case t or z"
    SPACE_SEPARATOR = "a space instead of T"
    NO_FRACTION = "no milliseconds"
    MICROSECONDS = "microseconds instead of milliseconds"
    NANOSECONDS = "nanoseconds instead of milliseconds"
    FRACTION_WIDTH = "not exactly three fraction digits"
    COMMA_FRACTION = "a comma before the fraction"
    NO_ZONE = "no Z at the end"
    OFFSET = "an offset instead of Z"
    NOT_A_TIME = "a date or time of day that does not exist"
    UNREADABLE = "not a timestamp"
    # a WebSocket login wants whole epoch seconds
    ISO = "ISO-8601 instead of epoch seconds"
    MILLISECONDS = "epoch milliseconds instead of epoch seconds"
    FRACTIONAL_SECONDS = "fractional epoch seconds"


_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")
_LOOSE_ISO = re.compile(
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})(?P<sep>[Tt ])(?P<time>[0-9]{2}:[0-9]{2}:[0-9]{2})"
    r"(?:(?P<point>[.,])(?P<fraction>[0-9]+))?(?P<zone>[Zz]|[+-][0-9]{2}:?[0-9]{2})?"
)


def header_flaws(text: str) -> tuple[Flaw, ...]:
    """Every way in which `text` misses the documented form of OK-ACCESS-TIMESTAMP; empty when it is well
    formed.

    Total: any text gets an answer. The form only; whether the moment is within the window is another
    question.
    """
    if text == "":
        return (Flaw.EMPTY,)
    stripped = text.strip()
    found: list[Flaw] = [Flaw.WHITE_SPACE] if stripped != text else []
    if _NUMBER.fullmatch(stripped):
        return (*found, _bare_number_flaw(stripped))
    match = _LOOSE_ISO.fullmatch(stripped)
    if match is None:
        return (*found, Flaw.UNREADABLE)
    if match["sep"] == "t" or match["zone"] == "z":
        found.append(Flaw.LOWER_CASE)
    if match["sep"] == " ":
        found.append(Flaw.SPACE_SEPARATOR)
    if match["point"] == ",":
        found.append(Flaw.COMMA_FRACTION)
    width = _fraction_flaw(match["fraction"])
    if width is not None:
        found.append(width)
    if match["zone"] is None:
        found.append(Flaw.NO_ZONE)
    elif match["zone"] not in "Zz":
        found.append(Flaw.OFFSET)
    if not _exists(match["date"], match["time"]):
        found.append(Flaw.NOT_A_TIME)
    return tuple(found)


def _bare_number_flaw(text: str) -> Flaw:
    whole = text.partition(".")[0]
    match len(whole):
        case 10:
            return Flaw.EPOCH_SECONDS
        case 13:
            return Flaw.EPOCH_MILLISECONDS
        case _:
            return Flaw.EPOCH_OTHER


def _fraction_flaw(fraction: str | None) -> Flaw | None:
    match len(fraction or ""):
        case 3:
            return None
        case 0:
            return Flaw.NO_FRACTION
        case 6:
            return Flaw.MICROSECONDS
        case 9:
            return Flaw.NANOSECONDS
        case _:
            return Flaw.FRACTION_WIDTH


def _exists(date: str, time: str) -> bool:
    try:
        datetime.fromisoformat(f"{date}T{time}")
    except ValueError:  # month 13, 30 February, hour 24, a leap second, the year 0
        return False
    return True


def login_flaws(text: str) -> tuple[Flaw, ...]:
    """Every way in which `text` misses the documented form of a WebSocket login's timestamp (whole epoch
    seconds).

    Fractional seconds are reported although the exchange is observed to take them: they are not the
    documented form.
    """
    if text == "":
        return (Flaw.EMPTY,)
    stripped = text.strip()
    found: list[Flaw] = [Flaw.WHITE_SPACE] if stripped != text else []
    if _NUMBER.fullmatch(stripped):
        whole, point, _ = stripped.partition(".")
        if len(whole) == 13:
            found.append(Flaw.MILLISECONDS)
        elif len(whole) != 10:
            found.append(Flaw.EPOCH_OTHER)
        if point:
            found.append(Flaw.FRACTIONAL_SECONDS)
    elif _LOOSE_ISO.fullmatch(stripped):
        found.append(Flaw.ISO)
    else:
        found.append(Flaw.UNREADABLE)
    return tuple(found)
