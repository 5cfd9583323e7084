"""The timestamp that was signed, where it is not the one that was sent: another moment, or another form of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from okxdoctor.triage.recipe import Step, Variant, distinct

_EPOCH = datetime(1970, 1, 1)
_FIRST_US, _LAST_US = 0, 253_402_300_799_999_999
_ISO = re.compile(r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2})(?:[.,](\d{1,9}))?\s*(Z|z|[+-]\d{2}:?\d{2})?", re.ASCII)
_NUMBER = re.compile(r"(\d{9,20})(?:\.(\d{1,9}))?", re.ASCII)

NEAR_MS = 750
"""How far around the sent moment each millisecond is tried: a client that reads the clock twice is within these."""

FAR_S = 30
"""How far whole seconds are tried: beyond, the exchange would refuse the timestamp before it looks at the signature."""

# Offsets from UTC that clocks are set to, in minutes, most common first; local time written as if it were UTC.
_ZONES = (
    480, 540, 60, 120, 330, 420, 180, 240, 360, 600, 660, 720, 300, 345, 390, 570, 210, 270, 630, 780, 840,
    -300, -240, -360, -420, -480, -180, -600, -540, -210, -120, -60, -660, -720,
)  # fmt: skip


def moment_us(text: str) -> int | None:
    """The moment that a timestamp of any usual form names, as epoch microseconds; None where it names none."""
    stripped = text.strip().strip("\"'")
    number = _NUMBER.fullmatch(stripped)
    if number is not None:
        return _from_number(number[1], number[2] or "")
    match = _ISO.fullmatch(stripped)
    try:
        if match is None:
            date = parsedate_to_datetime(stripped)
            moment = date.astimezone(UTC).replace(tzinfo=None) if date.tzinfo else date
            return _in_range(_us(moment))
        moment = datetime.fromisoformat(f"{match[1]}T{match[2]}")
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    us = _us(moment) + int((match[3] or "0")[:6].ljust(6, "0"))
    zone = match[4] or "Z"
    if zone not in "Zz":
        minutes = int(zone[1:3]) * 60 + int(zone[-2:])
        us -= (minutes if zone[0] == "+" else -minutes) * 60_000_000
    return _in_range(us)


def _from_number(whole: str, fraction: str) -> int | None:
    scale = {9: 6, 10: 6, 13: 3, 16: 0, 19: -3}.get(len(whole))
    if scale is None:
        return None
    if scale < 0:
        return _in_range(int(whole) // 1000)
    return _in_range(int(whole) * 10**scale + int(fraction[:scale].ljust(scale, "0") or "0"))


def _us(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _in_range(us: int) -> int | None:
    return us if _FIRST_US <= us <= _LAST_US else None


def _clock(us: int) -> str:
    return (_EPOCH + timedelta(seconds=us // 1_000_000)).isoformat()


def iso_ms(us: int) -> str:
    return f"{_clock(us)}.{us // 1000 % 1000:03d}Z"


def _trimmed(us: int) -> str:
    fraction = f"{us // 1000 % 1000:03d}".rstrip("0")
    return f"{_clock(us)}.{fraction}Z" if fraction else f"{_clock(us)}Z"


def _python_isoformat(us: int) -> str:
    """datetime.isoformat() leaves the fraction out when it is zero."""
    return (_EPOCH + timedelta(microseconds=us)).isoformat()


Form = tuple[str, Callable[[int], str]]

ISO_FORMS: tuple[Form, ...] = (
    ("ISO-8601 with milliseconds and Z", iso_ms),
    ("ISO-8601 without milliseconds", lambda us: f"{_clock(us)}Z"),
    ("ISO-8601 with milliseconds, without Z", lambda us: iso_ms(us)[:-1]),
    ("ISO-8601 without milliseconds and without Z", _clock),
    ("ISO-8601 with microseconds", lambda us: f"{_clock(us)}.{us % 1_000_000:06d}Z"),
    ("ISO-8601 with microseconds, without Z", lambda us: f"{_clock(us)}.{us % 1_000_000:06d}"),
    ("ISO-8601 with nanoseconds", lambda us: f"{_clock(us)}.{us % 1_000_000:06d}000Z"),
    ("ISO-8601 with its trailing zeros dropped", _trimmed),
    ("ISO-8601 with two fraction digits", lambda us: f"{_clock(us)}.{us // 10_000 % 100:02d}Z"),
    ("ISO-8601 with one fraction digit", lambda us: f"{_clock(us)}.{us // 100_000 % 10}Z"),
    ("ISO-8601 with an unpadded fraction", lambda us: f"{_clock(us)}.{us // 1000 % 1000}Z"),
    ("ISO-8601 with zeros for milliseconds", lambda us: f"{_clock(us)}.000Z"),
    ("ISO-8601 with +00:00", lambda us: f"{iso_ms(us)[:-1]}+00:00"),
    ("ISO-8601 with microseconds and +00:00", lambda us: f"{_clock(us)}.{us % 1_000_000:06d}+00:00"),
    ("ISO-8601 without milliseconds, with +00:00", lambda us: f"{_clock(us)}+00:00"),
    ("ISO-8601 with +0000", lambda us: f"{iso_ms(us)[:-1]}+0000"),
    ("ISO-8601 with both +00:00 and Z", lambda us: f"{iso_ms(us)[:-1]}+00:00Z"),
    ("the text of a Python datetime", lambda us: _python_isoformat(us).replace("T", " ")),
    ("ISO-8601 with a space for T", lambda us: iso_ms(us).replace("T", " ")),
    ("date and time with a space, without Z", lambda us: iso_ms(us).replace("T", " ")[:-1]),
    ("date and time to the second", lambda us: _clock(us).replace("T", " ")),
    ("ISO-8601 in lower case", lambda us: iso_ms(us).lower()),
    ("ISO-8601 with a comma", lambda us: iso_ms(us).replace(".", ",")),
    ("ISO-8601 in quotation marks", lambda us: f'"{iso_ms(us)}"'),
    ("ISO-8601 percent-encoded", lambda us: iso_ms(us).replace(":", "%3A")),
)  # fmt: skip
NUMBER_FORMS: tuple[Form, ...] = (
    ("epoch milliseconds", lambda us: str(us // 1000)),
    ("epoch seconds", lambda us: str(us // 1_000_000)),
    ("epoch seconds with a fraction", lambda us: f"{us // 1_000_000}.{us // 1000 % 1000:03d}"),
    ("epoch seconds as a float", lambda us: repr(us // 1000 / 1000)),
    ("epoch seconds as a float of whole seconds", lambda us: f"{us // 1_000_000}.0"),
    ("epoch seconds with microseconds", lambda us: f"{us // 1_000_000}.{us % 1_000_000:06d}"),
    ("epoch microseconds", lambda us: str(us)),
    ("epoch nanoseconds", lambda us: str(us * 1000)),
    ("whole epoch seconds with three zeros", lambda us: f"{us // 1_000_000}000"),
    ("epoch milliseconds as a float", lambda us: f"{us // 1000}.0"),
)
_DATE = ("the form of the HTTP Date header", lambda us: (_EPOCH + timedelta(microseconds=us)).strftime("%a, %d %b %Y %H:%M:%S GMT"))  # fmt: skip  # noqa: E501
FORMS: tuple[Form, ...] = (*ISO_FORMS, *NUMBER_FORMS, _DATE)


_TAILS = {"Z": "", "": ", without Z", "+00:00": " and +00:00"}


def _later(ms: int) -> str:
    amount = abs(ms)
    span = f"{amount // 1000} s" if amount % 1000 == 0 else f"{amount} ms"
    return f"{span} {'later' if ms > 0 else 'earlier'}"


def _form_of(text: str, us: int) -> Callable[[int], str] | None:
    """How the sent timestamp is written, so that another moment can be written in the same way."""
    return next((write for _, write in FORMS if write(us) == text), None)


def _wall(us: int, minutes: int) -> str:
    return f"UTC{'+' if minutes >= 0 else '-'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def variants(sent: str, *, cause: str, near_ms: int = NEAR_MS, pairs: bool = True) -> tuple[Variant[str], ...]:
    """What may have been signed where `sent` stands in the header or the login."""

    def made(value: str, *done: str) -> Variant[str]:
        # There are thousands of them: a list is made faster than a generator runs.
        steps = tuple([Step(step="timestamp", done=text, should_be="as sent", cause=cause) for text in done])
        return Variant(value=value, steps=steps)

    return distinct([made(sent), *(made(value, *done) for value, *done in _signed(sent, near_ms, pairs))])


def _signed(sent: str, near_ms: int, pairs: bool) -> Iterator[tuple[str, ...]]:
    yield "", "left out"
    if sent.strip() != sent:
        yield sent.strip(), "without the white space around it"
    us = moment_us(sent)
    if us is None:
        return
    for name, write in FORMS:
        yield write(us), name
    write = _form_of(sent, us) or iso_ms
    yield from _moments(us, write, near_ms)
    for minutes in _ZONES:
        local = us + minutes * 60_000_000
        if _in_range(local) is None:
            continue
        yield write(local), f"local time of {_wall(us, minutes)} written as UTC"
        yield f"{iso_ms(local)[:-1]}{_wall(us, minutes)[3:]}", f"local time with its offset ({_wall(us, minutes)})"
        yield iso_ms(local)[:-1], "without Z", f"local time of {_wall(us, minutes)}"
    if pairs:
        yield from _moments_in_other_forms(us, near_ms)


def _moments_in_other_forms(us: int, near_ms: int) -> Iterator[tuple[str, str, str]]:
    """Two mistakes in one: another moment in another form, or digits that were not sent."""
    if us % 1000 == 0:
        for more in range(1, 1000):
            text = iso_ms(us)[:-1]
            for tail in ("Z", "", "+00:00"):
                yield (
                    f"{text}{more:03d}{tail}",
                    f"ISO-8601 with microseconds{_TAILS[tail]}",
                    "digits that were not sent",
                )
    for seconds in (1, -1, 2, -2, 3, -3, 4, -4, 5, -5):
        for name, form in FORMS:
            if _in_range(us + seconds * 1_000_000) is not None:
                yield form(us + seconds * 1_000_000), name, _later(seconds * 1000)
    for ms in range(1, min(near_ms, 50) + 1):
        for name, form in FORMS:
            for signed_ms in (ms, -ms):
                if _in_range(us + signed_ms * 1000) is not None:
                    yield form(us + signed_ms * 1000), name, _later(signed_ms)


def _moments(us: int, write: Callable[[int], str], near_ms: int) -> Iterator[tuple[str, str]]:
    """Nearby moments in the form of the sent one, or in ISO form where that form cannot tell them apart."""
    for ms in range(1, near_ms + 1):
        for signed_ms in (ms, -ms):
            if _in_range(us + signed_ms * 1000) is not None:
                yield write(us + signed_ms * 1000), _later(signed_ms)
    for second in range(1, FAR_S + 1):
        for signed_ms in (second * 1000, -second * 1000):
            if _in_range(us + signed_ms * 1000) is not None:
                yield write(us + signed_ms * 1000), _later(signed_ms)
    if us % 1_000_000 == 0:
        # Sent without a fraction: the signed one may carry any.
        for ms in range(1, 1000 if near_ms >= NEAR_MS else 0):
            yield iso_ms(us + ms * 1000), f"with milliseconds ({ms:03d}) that were not sent"
            yield str(us // 1000 + ms), f"epoch milliseconds, with {ms} ms that were not sent"
            yield f"{us // 1_000_000}.{ms:03d}", f"epoch seconds with a fraction (.{ms:03d}) that was not sent"
