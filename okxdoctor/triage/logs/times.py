"""The moment of a log line, in the forms that loggers write.

A time with a zone, or an epoch, is exact; one without is told as it stands and compared with its own kind only. The
first form found in the head of the line counts: later times belong to the message.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

HEAD = 220
"""Characters at the beginning of a line in which its time stands. JSON may put it anywhere: there the name tells."""

_ISO = re.compile(
    r"(?<!\d)(\d{4})[-/.](\d\d)[-/.](\d\d)[T _](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?\s?(Z|UTC|[+-]\d\d:?\d\d)?(?!\d)"
)
_COMMON = re.compile(r"\[(\d\d)/([A-Z][a-z]{2})/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-]\d{4})\]")
_SYSLOG = re.compile(r"^(?:<\d+>)?([A-Z][a-z]{2}) {1,2}(\d{1,2}) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?(?!\d)")
_NAMED = re.compile(
    r"""["'](?:ts|time|timestamp|@timestamp|asctime|t|date|datetime|__REALTIME_TIMESTAMP|startedDateTime)["']\s*:\s*"""
    r"""["']?(\d{10}(?:\.\d{1,9})?|\d{13}|\d{16}|\d{19})\b"""
)
_BARE = re.compile(r"^\[?(1[0-9]{9}(?:\.\d{1,9}|\d{3})?)\b(?=[\]\s,|:])")
_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTHS = {name: place for place, name in enumerate(_NAMES, 1)}


class Clock:
    """Finds the times of one file's lines. A time without a year (syslog) is placed by the latest full time of the
    file, else in the year that `year` says."""

    def __init__(self, year: int) -> None:
        self._year = year
        self.zoned = False
        """Whether the time that was found last names its zone, or is an epoch."""

    def of(self, line: str) -> float | None:
        """Seconds since 1970, by the zone that the line names, or as if its time were UTC; None without one."""
        first = line[:1]
        found = self._named(line) if first == "{" else None
        found = found or self._iso(line)
        if found is None and first:
            if first.isdigit() or first == "[":
                found = self._bare(line)
            elif first.isupper() or first == "<":
                found = self._syslog(line)
            found = found or self._common(line)
        return None if found is None else found.timestamp()

    def _iso(self, line: str) -> datetime | None:
        hit = _ISO.search(line, 0, HEAD) or (_ISO.search(line) if line.startswith("{") else None)
        if hit is None:
            return None
        year, month, day, hour, minute, second = (int(hit[place]) for place in range(1, 7))
        micro = int((hit[7] or "0").ljust(6, "0")[:6])
        zone = hit[8]
        self.zoned = bool(zone)
        offset = timedelta()
        if zone and zone[0] in "+-":
            offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:])) * (-1 if zone[0] == "-" else 1)
        try:
            moment = datetime(year, month, day, hour, minute, min(second, 59), micro, tzinfo=timezone(offset))
        except ValueError:
            return None
        self._year = year
        return moment

    def _named(self, line: str) -> datetime | None:
        hit = _NAMED.search(line)
        return self._epoch(hit[1]) if hit else None

    def _bare(self, line: str) -> datetime | None:
        hit = _BARE.match(line)
        return self._epoch(hit[1]) if hit else None

    def _epoch(self, digits: str) -> datetime | None:
        whole = digits.partition(".")[0]
        scale = {10: 1, 13: 1e3, 16: 1e6, 19: 1e9}.get(len(whole))
        if scale is None:
            return None
        self.zoned = True
        try:
            return datetime.fromtimestamp(float(digits) / scale, UTC)
        except (OverflowError, OSError, ValueError):
            return None

    def _common(self, line: str) -> datetime | None:
        hit = _COMMON.search(line, 0, HEAD)
        if hit is None or hit[2] not in _MONTHS:
            return None
        sign = -1 if hit[7][0] == "-" else 1
        zone = timezone(sign * timedelta(hours=int(hit[7][1:3]), minutes=int(hit[7][3:])))
        self.zoned = True
        try:
            return datetime(
                int(hit[3]), _MONTHS[hit[2]], int(hit[1]), int(hit[4]), int(hit[5]), int(hit[6]), tzinfo=zone
            )
        except ValueError:
            return None

    def _syslog(self, line: str) -> datetime | None:
        hit = _SYSLOG.match(line)
        if hit is None or hit[1] not in _MONTHS:
            return None
        self.zoned = False
        micro = int((hit[6] or "0").ljust(6, "0"))
        parts = (_MONTHS[hit[1]], int(hit[2]), int(hit[3]), int(hit[4]), int(hit[5]), micro)
        try:
            return datetime(self._year, *parts, tzinfo=UTC)
        except ValueError:
            return None


def shown(moment: float | None, *, zoned: bool) -> str | None:
    """ISO-8601 with milliseconds; without Z where the log does not say which zone."""
    if moment is None:
        return None
    text = datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z") if zoned else text.removesuffix("+00:00")
