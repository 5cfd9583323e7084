"""One virtual clock: everything in the exchange that depends on time asks it and nothing else.

The clock maps the time of an injected source (nanoseconds, normally the machine's) to the exchange's
time. It can run with the source, stand still, be stepped, run fast, and be set off against the source;
whoever waits for virtual time registers a listener, which is called after each jump.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

Source = Callable[[], int]
"""Gives nanoseconds since the Unix epoch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How virtual time follows the source: ``virtual = at_virtual + (source - at_source) * rate``."""

    at_source_ns: int
    at_virtual_ns: int
    rate: float


class Clock:
    """Virtual time of the exchange.

    ``rate`` 1 follows the source, 0 is frozen, 60 makes a minute of each second. ``offset_ms`` is set by
    the circumstances (a wrong clock of the user is a shifted clock of the world) and survives stepping.
    """

    __slots__ = ("_listeners", "_pace", "_skipped_ns", "_source", "offset_ms")

    def __init__(self, source: Source, *, at_ms: int | None = None, rate: float = 1.0) -> None:
        now = source()
        self._source = source
        self._pace = Pace(at_source_ns=now, at_virtual_ns=now if at_ms is None else at_ms * 1_000_000, rate=rate)
        self._listeners: list[Callable[[], None]] = []
        self._skipped_ns = 0
        self.offset_ms = 0

    def now_ns(self) -> int:
        """Virtual nanoseconds since the Unix epoch."""
        pace = self._pace
        passed = self._source() - pace.at_source_ns
        if pace.rate != 1.0:
            passed = int(passed * pace.rate)
        return pace.at_virtual_ns + passed + self.offset_ms * 1_000_000

    def now_us(self) -> int:
        return self.now_ns() // 1_000

    def now_ms(self) -> int:
        return self.now_ns() // 1_000_000

    @property
    def rate(self) -> float:
        return self._pace.rate

    def step(self, seconds: float) -> None:
        """Jump by ``seconds`` (may be negative); the pace stays."""
        self._repace(self._pace.rate, int(seconds * 1e9))

    def advance(self, seconds: float) -> None:
        """Let ``seconds`` pass at once, which clients cannot have noticed: see ``readings_ms``; never negative."""
        if not 0 <= seconds < 1e9:
            raise ValueError("time goes forward, by up to 1e9 seconds")
        self._skipped_ns += int(seconds * 1e9)
        self._repace(self._pace.rate, int(seconds * 1e9))

    def readings_ms(self) -> tuple[int, ...]:
        """What an honest client may take the time to be: this clock, and one that was not advanced with it."""
        now_ms = self.now_ms()
        return (now_ms, now_ms - self._skipped_ns // 1_000_000) if self._skipped_ns else (now_ms,)

    def freeze(self) -> None:
        """Stand still until ``resume`` or ``step``."""
        self._repace(0.0, 0)

    def resume(self) -> None:
        """Run with the source again, from the time shown now."""
        self._repace(1.0, 0)

    def run_at(self, rate: float) -> None:
        """Let one second of the source be ``rate`` seconds here; not negative."""
        if rate < 0:
            raise ValueError("a clock's rate is zero or more")
        self._repace(rate, 0)

    def set_offset(self, offset_ms: int) -> None:
        """Replace the circumstances' offset."""
        self.offset_ms = offset_ms
        self._tell()

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call ``listener`` after each jump or change of pace; the answer ends that."""
        self._listeners.append(listener)

        def forget() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return forget

    def _repace(self, rate: float, jump_ns: int) -> None:
        source = self._source()
        pace = self._pace
        shown = pace.at_virtual_ns + int((source - pace.at_source_ns) * pace.rate)
        self._pace = Pace(at_source_ns=source, at_virtual_ns=shown + jump_ns, rate=rate)
        self._tell()

    def _tell(self) -> None:
        for listener in tuple(self._listeners):
            listener()


def iso_ms(epoch_ms: int) -> str:
    """``2020-12-08T09:08:57.715Z`` from epoch milliseconds."""
    from datetime import UTC, datetime

    whole, ms = divmod(epoch_ms, 1000)
    return datetime.fromtimestamp(whole, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{ms:03d}Z"


_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def http_date(epoch_ms: int) -> str:
    """``Tue, 08 Dec 2020 09:08:57 GMT`` (RFC 9110), never in the language of the machine."""
    return _http_date(epoch_ms // 1000)


@lru_cache(maxsize=64)
def _http_date(seconds: int) -> str:
    from datetime import UTC, datetime

    at = datetime.fromtimestamp(seconds, UTC)
    return f"{_DAYS[at.weekday()]}, {at.day:02d} {_MONTHS[at.month - 1]} {at.year} {at:%H:%M:%S} GMT"
