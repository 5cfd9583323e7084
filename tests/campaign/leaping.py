"""Waiting that costs nothing: a clock that leaps to the next timer when no byte is under way.

A world has distances, patience and answers that never come; in real time a campaign would mostly wait. Doctor and
exchange run in one loop of one process, over real sockets on loopback, where what was sent is readable at once. So
when nothing is readable and no thread works, nothing can happen before the next timer of this loop: the clocks of the
process are set forward to it. What is computed takes real time and counts as such.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import selectors
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Executor
from typing import Any, TypeVar

T = TypeVar("T")

LOOKS = 2
"""Looks at the sockets before a leap, the kernel given a turn before each: for a packet that another core carries."""
WATCH_S = 0.002
"""Real seconds between two looks while a thread works."""


class Leap:
    """How far the clocks are ahead of real time. The readings of ``time`` are replaced while it is ``in_force``."""

    def __init__(self) -> None:
        self.ahead_ns = 0
        self._real = {name: getattr(time, name) for name in _READINGS}

    def monotonic(self) -> float:
        return float(self._real["monotonic"]()) + self.ahead_ns / 1e9

    def _reading(self, name: str) -> Callable[[], float | int]:
        real = self._real[name]
        if name.endswith("_ns"):
            return lambda: int(real()) + self.ahead_ns
        return lambda: float(real()) + self.ahead_ns / 1e9

    @contextlib.contextmanager
    def in_force(self) -> Iterator[None]:
        # The kernel stamps packets by real time, which is no clock of this process.
        from okxdoctor.targets.live import ntp

        stamps = ntp._SO_TIMESTAMPNS
        ntp._SO_TIMESTAMPNS = 0  # type: ignore[assignment]
        for name in _READINGS:
            setattr(time, name, self._reading(name))
        try:
            yield
        finally:
            ntp._SO_TIMESTAMPNS = stamps
            for name in _READINGS:
                setattr(time, name, self._real[name])


_READINGS = ("monotonic", "monotonic_ns", "time", "time_ns", "perf_counter", "perf_counter_ns")


class _Selector(selectors.DefaultSelector):  # type: ignore[misc,valid-type]
    """Waits for bytes that are under way, and for nothing else."""

    def __init__(self, leap: Leap) -> None:
        super().__init__()
        self._leap = leap
        self.working = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready: list[tuple[selectors.SelectorKey, int]] = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if self.working:
            # What a thread will do is not known: time goes by as it does.
            return super().select(WATCH_S if timeout is None else min(timeout, WATCH_S))
        if timeout is None:
            return super().select(WATCH_S)
        for _ in range(LOOKS):
            os.sched_yield()
            ready = super().select(0)
            if ready:
                return ready
        self._leap.ahead_ns += int(timeout * 1e9)
        return ready


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self, leap: Leap) -> None:
        self._leap = leap
        self._waiting = _Selector(leap)
        super().__init__(self._waiting)

    def time(self) -> float:
        return self._leap.monotonic()

    def run_in_executor(self, executor: Executor | None, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:
        future = super().run_in_executor(executor, func, *args)
        self._waiting.working += 1
        future.add_done_callback(self._rested)
        return future

    def _rested(self, future: asyncio.Future[Any]) -> None:
        self._waiting.working -= 1


def run(main: Coroutine[Any, Any, T]) -> T:
    """``asyncio.run`` on a clock that leaps."""
    leap = Leap()
    with leap.in_force(), asyncio.Runner(loop_factory=lambda: _Loop(leap)) as runner:
        return runner.run(main)
