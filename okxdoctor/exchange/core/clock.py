"""One virtual clock: everything in the exchange that depends on time asks it and nothing else.

The clock maps the time of an injected source (nanoseconds, normally the machine's) to the exchange's
time. It can run with the source, stand still, be stepped, run fast, and be set off against the source;
whoever waits for virtual time registers a listener, which is called after each jump.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

FARTHEST_S = 1e9
FASTEST = 1e6
END_NS = 221_845_392_000 * 10**9
"""The year 9000: beyond are times that cannot be written any more."""

MEMORY = 100
"""Advances that are told apart; older ones count as one."""

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

    __slots__ = ("_listeners", "_pace", "_skipped", "_source", "offset_ms")

    def __init__(self, source: Source, *, at_ms: int | None = None, rate: float = 1.0) -> None:
        now = source()
        self._source = source
        self._pace = Pace(at_source_ns=now, at_virtual_ns=now if at_ms is None else at_ms * 1_000_000, rate=rate)
        self._listeners: list[Callable[[], None]] = []
        self._skipped: list[int] = []
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
        """Jump by ``seconds`` (may be negative), up to ``FARTHEST_S``; the pace stays."""
        if not abs(seconds) <= FARTHEST_S:
            raise ValueError(f"a clock is stepped by up to {FARTHEST_S:g} seconds")
        self._repace(self._pace.rate, int(seconds * 1e9))

    def advance(self, seconds: float) -> None:
        """Let ``seconds`` pass at once, which clients cannot have noticed: see ``readings_ms``; never negative."""
        if not 0 <= seconds <= FARTHEST_S:
            raise ValueError(f"time goes forward, by up to {FARTHEST_S:g} seconds")
        jump_ns = int(seconds * 1e9)
        self._repace(self._pace.rate, jump_ns)
        self._skipped.append(jump_ns)
        if len(self._skipped) > MEMORY:
            self._skipped[:2] = [sum(self._skipped[:2])]

    def readings_ms(self) -> tuple[int, ...]:
        """What an honest client may take the time to be: this clock's, or that before any of its advances.

        A client follows its own clock, or has asked the exchange for the time at some moment, and never since.
        """
        now_ns = self.now_ns()
        if not self._skipped:
            return (now_ns // 1_000_000,)
        return tuple((now_ns - missed) // 1_000_000 for missed in (0, *accumulate(reversed(self._skipped))))

    def freeze(self) -> None:
        """Stand still until ``resume`` or ``step``."""
        self._repace(0.0, 0)

    def resume(self) -> None:
        """Run with the source again, from the time shown now."""
        self._repace(1.0, 0)

    def run_at(self, rate: float) -> None:
        """Let one second of the source be ``rate`` seconds here; not negative."""
        if not 0 <= rate <= FASTEST:
            raise ValueError(f"a clock's rate is zero or more, up to {FASTEST:g}")
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
        if jump_ns and not 0 <= shown + jump_ns < END_NS:
            raise ValueError("a clock shows a time between 1970 and the year 9000")
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
