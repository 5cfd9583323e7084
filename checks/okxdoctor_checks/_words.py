"""Numbers, times and lists as a reader wants them in one line."""

from __future__ import annotations

import math
from collections.abc import Iterable

from okxdoctor.okx.timestamps import TimestampError, iso_from_epoch_ms
from okxdoctor.port import Role

ROLE_NAMES: dict[Role, str] = {"rest": "REST", "ws": "WebSocket"}


def finite(value: float, digits: int = 3) -> float | None:
    """Rounded for the evidence; None for what is no number (infinite, NaN), which JSON cannot carry."""
    return round(value, digits) if math.isfinite(value) else None


def duration(value_s: float) -> str:
    """A length of time without sign: ``4 ms``, ``320 ms``, ``45.0 s``, ``8 h``, ``5 h 45 min``, ``3.0 d``."""
    size = abs(value_s)
    if not math.isfinite(size):
        return "an unknown time"
    if size < 0.9995:
        return f"{size * 1000:.0f} ms"
    if size < 600:
        return f"{size:.1f} s"
    if size < 36 * 3600:
        minutes = round(size / 60)
        hours, rest = divmod(minutes, 60)
        return " ".join(part for part in (f"{hours} h" if hours else "", f"{rest} min" if rest else "") if part)
    return f"{size / 86400:.1f} d"


def moment(epoch_ms: int | None) -> str:
    """``2026-11-22T08:00:00.000Z``; '' without a time, the bare number for one that no calendar has."""
    if epoch_ms is None:
        return ""
    try:
        return iso_from_epoch_ms(epoch_ms)
    except TimestampError:
        return str(epoch_ms)


def listed(words: Iterable[str], *, joint: str = "and", limit: int = 4) -> str:
    """``a``, ``a and b``, ``a, b and c``, ``a, b, c, d and 3 more``."""
    found = list(words)
    if len(found) > limit:
        found = [*found[:limit], f"{len(found) - limit} more"]
    if len(found) < 2:
        return "".join(found)
    return f"{', '.join(found[:-1])} {joint} {found[-1]}"


def counted(number: int, noun: str) -> str:
    """``1 answer``, ``3 answers``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
