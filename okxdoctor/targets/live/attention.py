"""When this process was awake: what it did elsewhere while an answer lay waiting is not the network's slowness.

An event loop that is busy, or a machine that gives it no time, reads an answer later than it came. How much later
nobody can say; that it came after the loop was last seen waiting is certain. So a wait is told as what it lasted at
least: up to the last moment at which this process was ready to read. And patience is counted in time awake: an
answer that lies there when the loop comes back is not too late.
"""

from __future__ import annotations

import asyncio
import time
from types import TracebackType
from weakref import WeakKeyDictionary

STEP_S = 0.01
"""How often the loop is looked at."""
LATE_S = 0.005
"""A look that comes later than this after its time shows a loop that was busy."""


class Attention:
    """Watches one event loop from ``start`` to ``stop``."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._awake = self._loop.time()
        self._lost_s = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        _WATCHED.setdefault(self._loop, self)
        self._awake = self._loop.time()
        self._again()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if _WATCHED.get(self._loop) is self:
            del _WATCHED[self._loop]

    def absent_s(self) -> float:
        """Seconds since the loop was last seen waiting; 0.0 when that is no longer than usual."""
        since = self._loop.time() - self._awake
        return since if since > STEP_S + LATE_S else 0.0

    def lost_s(self) -> float:
        """Seconds in all, since ``start``, in which the loop was kept from looking."""
        late = self._loop.time() - self._timer.when() if self._timer is not None else 0.0
        return self._lost_s + (late if late > LATE_S else 0.0)

    def _again(self) -> None:
        self._timer = self._loop.call_later(STEP_S, self._look)

    def _look(self) -> None:
        now = self._loop.time()
        late = now - self._timer.when() if self._timer is not None else 0.0
        if late > LATE_S:
            self._lost_s += late
        else:
            self._awake = now
        self._again()


_WATCHED: WeakKeyDictionary[asyncio.AbstractEventLoop, Attention] = WeakKeyDictionary()


def absent_s() -> float:
    """:meth:`Attention.absent_s` of the running loop; 0.0 where nobody watches, in a thread for instance."""
    watched = _here()
    return watched.absent_s() if watched is not None else 0.0


def _here() -> Attention | None:
    try:
        return _WATCHED.get(asyncio.get_running_loop())
    except RuntimeError:
        return None


def waited_ms(started: float) -> float:
    """Milliseconds since ``started`` (``time.monotonic``) that were surely spent waiting for what has just come."""
    return less_absence(time.monotonic() - started, absent_s())


def less_absence(elapsed_s: float, absent_s: float) -> float:
    """What is left of a wait, in milliseconds; never nothing, because something was waited for."""
    return round(max(1e-6, elapsed_s - absent_s) * 1000, 3)


class Stopwatch:
    """How long something has taken at least that was waited for in several steps: less all the time that was lost."""

    def __init__(self) -> None:
        self._watched = _here()
        self._lost_before_s = self._watched.lost_s() if self._watched is not None else 0.0
        self._began = time.monotonic()

    def waited_ms(self) -> float:
        """Milliseconds since it was made that were surely spent waiting."""
        lost_s = self._watched.lost_s() - self._lost_before_s if self._watched is not None else 0.0
        return less_absence(time.monotonic() - self._began, max(lost_s, absent_s()))


class patience:
    """``asyncio.timeout`` in time awake: seconds that the loop was kept away are added, up to as many again."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._timeout = asyncio.timeout(None)
        self._watched = _here()
        self._timer: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> None:
        loop = asyncio.get_running_loop()
        await self._timeout.__aenter__()
        self._began = loop.time()
        self._lost_before_s = self._watched.lost_s() if self._watched is not None else 0.0
        self._timer = loop.call_later(self._seconds, self._over)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        await self._timeout.__aexit__(kind, error, trace)

    def _over(self) -> None:
        loop = asyncio.get_running_loop()
        lost_s = self._watched.lost_s() - self._lost_before_s if self._watched is not None else 0.0
        left_s = self._seconds + min(lost_s, self._seconds) - (loop.time() - self._began)
        if left_s > 0:
            self._timer = loop.call_later(left_s, self._over)
        else:
            self._timeout.reschedule(loop.time())
