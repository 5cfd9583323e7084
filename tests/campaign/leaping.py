"""Waiting that costs nothing: a clock that stands while something is computed and leaps when nothing is left to do.

A world has distances, patience and answers that never come; in real time a campaign would mostly wait, and a busy
machine would make worlds slow that are not. Doctor and exchange run in one loop of one process, over real sockets on
loopback, where what was sent is readable at once. So when nothing is readable and no thread works, nothing can happen
before the next timer of this loop: the clocks of the process are set forward to it. Computing takes no time here, which
makes the same world the same again on any machine.
"""

from __future__ import annotations

import asyncio
import contextlib
import selectors
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")

LOOKS = 2
"""Looks at the sockets before a leap: for a packet that another core carries."""
WATCH_S = 0.002
"""Real seconds between two looks while a thread works, and as many on the clock."""
READING_NS = 1_000
"""What reading a clock takes: no two readings are the same."""
_READINGS = ("monotonic", "monotonic_ns", "time", "time_ns", "perf_counter", "perf_counter_ns")


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What computing takes on the clock: ``turn_ns`` for each turn of the loop, and ``stall_ns`` once, at turn number
    ``stall_at``, as a collection of garbage or a busy neighbour takes it. Doctor and exchange are on this machine."""

    turn_ns: int = 0
    stall_ns: int = 0
    stall_at: int = 0


FAST = Machine()


class Leap:
    """The clocks of one world. The readings of ``time`` are replaced while it is ``in_force``."""

    def __init__(self) -> None:
        self.passed_ns = 0
        self._real = {name: getattr(time, name) for name in _READINGS}
        self._begun_ns = {name: int(self._real[f"{name.removesuffix('_ns')}_ns"]()) for name in _READINGS}

    def reading(self, name: str) -> Callable[[], float | int]:
        """A clock of ``time`` by name."""
        begun_ns = self._begun_ns[name.removesuffix("_ns")]

        def read_ns() -> int:
            self.passed_ns += READING_NS
            return begun_ns + self.passed_ns

        return read_ns if name.endswith("_ns") else lambda: read_ns() / 1e9

    @contextlib.contextmanager
    def in_force(self) -> Iterator[None]:
        # The kernel stamps packets by real time, which is no clock of this process.
        from okxdoctor.targets.live import ntp

        stamps = ntp._SO_TIMESTAMPNS
        ntp._SO_TIMESTAMPNS = 0  # type: ignore[assignment]
        for name in _READINGS:
            setattr(time, name, self.reading(name))
        try:
            yield
        finally:
            ntp._SO_TIMESTAMPNS = stamps
            for name in _READINGS:
                setattr(time, name, self._real[name])


class _Selector(selectors.DefaultSelector):  # type: ignore[misc,valid-type]
    """Waits for bytes that are under way, and for nothing else."""

    def __init__(self, leap: Leap, machine: Machine) -> None:
        super().__init__()
        self._leap = leap
        self._machine = machine
        self._turns = 0
        self.working = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self._turns += 1
        self._leap.passed_ns += self._machine.turn_ns
        if self._turns == self._machine.stall_at:
            self._leap.passed_ns += self._machine.stall_ns
        ready: list[tuple[selectors.SelectorKey, int]] = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if self.working or timeout is None:
            # What a thread will do is not known: time goes by as it does.
            ready = super().select(WATCH_S)
            self._leap.passed_ns += int(min(WATCH_S, WATCH_S if timeout is None else timeout) * 1e9)
            return ready
        for _ in range(LOOKS):
            ready = super().select(0)
            if ready:
                return ready
        self._leap.passed_ns += int(timeout * 1e9)
        return ready


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self, leap: Leap, machine: Machine) -> None:
        self._monotonic = leap.reading("monotonic")
        self._waiting = _Selector(leap, machine)
        super().__init__(self._waiting)

    def time(self) -> float:
        return self._monotonic()

    def run_in_executor(self, executor: Executor | None, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:
        future = super().run_in_executor(executor, func, *args)
        self._waiting.working += 1
        future.add_done_callback(self._rested)
        return future

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """Threads end in real time; the five minutes that Python 3.12 gives them would be over with the first leap."""
        self._waiting.working += 1
        try:
            await super().shutdown_default_executor()
        finally:
            self._waiting.working -= 1

    def _rested(self, future: asyncio.Future[Any]) -> None:
        self._waiting.working -= 1


def run(main: Coroutine[Any, Any, T], machine: Machine = FAST) -> T:
    """``asyncio.run`` on a clock that leaps."""
    leap = Leap()
    with leap.in_force(), asyncio.Runner(loop_factory=lambda: _Loop(leap, machine)) as runner:
        return runner.run(main)
