"""The one place that knows how much of a documented budget a run may use, and lets it wait: half, and no more.

What else runs beside the doctor has the other half: the user's own program on the same address, key and instruments.
An exchange that was started for the run alone has nobody else, and its budgets are used as documented.
A budget of one in its window has no half; it is used once in a window. Upgrades are counted for the address that they
leave from, to whichever host; requests for the endpoint, its host, and the parameter that divides its budget.

A turn is taken before sending, and corrected by the moment in which the request has really left, because the exchange
counts what arrives, not what was meant.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager, suppress

from okxdoctor.held import held


class Turn:
    """One use of a budget. ``held_s``: how long it was waited for."""

    __slots__ = ("_at", "_window", "held_s")

    def __init__(self, window: Window, at: float, held_s: float) -> None:
        self._window = window
        self._at = at
        self.held_s = held_s

    @property
    def at(self) -> float:
        """When it was used, on the monotonic clock in seconds."""
        return self._at

    def sent(self, mono_ns: int | None) -> None:
        """It has left later than it was taken, or (None) not at all."""
        if mono_ns is None:
            self._window.put_back(self)
        else:
            self._at = max(self._at, mono_ns / 1e9)


class Window:
    """At most ``most`` turns in any ``window_s`` seconds, first come, first served."""

    def __init__(self, most: int, window_s: float) -> None:
        self._most = most
        self._window_s = window_s
        self._turns: list[Turn] = []
        self._queue = asyncio.Lock()
        self._freed = asyncio.Event()

    async def turn(self) -> Turn:
        if not self._queue.locked() and self._left_s() <= 0:
            return self._take(0.0)
        begun = time.monotonic()
        with held():
            async with self._queue:
                # Turns may be corrected or put back meanwhile.
                while (left_s := self._left_s()) > 0:
                    self._freed.clear()
                    with suppress(TimeoutError):
                        async with asyncio.timeout(left_s):
                            await self._freed.wait()
                return self._take(time.monotonic() - begun)

    def put_back(self, turn: Turn) -> None:
        self._turns = [each for each in self._turns if each is not turn]
        self._freed.set()

    def _take(self, held_s: float) -> Turn:
        turn = Turn(self, time.monotonic(), held_s)
        self._turns.append(turn)
        return turn

    def _left_s(self) -> float:
        """Seconds until there is room for one more."""
        now = time.monotonic()
        self._turns = sorted((each for each in self._turns if each.at > now - self._window_s), key=lambda each: each.at)
        if len(self._turns) < self._most:
            return 0.0
        # A timer may ring early by the clock's grain.
        return max(self._turns[-self._most].at + self._window_s - now, 0.001)


class Pacing:
    """The windows of one run; ``alone``: no one else uses the budgets, and the whole of each is the run's."""

    def __init__(self, *, alone: bool = False) -> None:
        self._alone = alone
        self._windows: dict[Hashable, Window] = {}
        self._coming: set[object] = set()
        self._came = asyncio.Event()

    @contextmanager
    def coming(self) -> Iterator[Callable[[], None]]:
        """Around an opening that several checks wait for: until it calls what it is given here, it has precedence."""
        opening = object()
        self._coming.add(opening)

        def came() -> None:
            self._coming.discard(opening)
            if not self._coming:
                self._came.set()

        try:
            yield came
        finally:
            came()

    async def upgrade(self, *, first: bool = False) -> Turn:
        """A turn to ask for one more WebSocket connection. Unless it is the ``first``, it lets those pass that are
        ``coming``, if they come soon: who waits for the window anyhow loses nothing, and the others have more to do.
        """
        from okxdoctor.knowledge import tunable

        begun = time.monotonic()
        if self._coming and not first and not self._alone:
            self._came.clear()
            with held(), suppress(TimeoutError):
                async with asyncio.timeout(tunable("budget_precedence_s")):
                    await self._came.wait()
        passed_s = time.monotonic() - begun
        turn = await self._window("upgrade", int(tunable("ws_connections_per_s")), 1.0).turn()
        turn.held_s += passed_s
        return turn

    async def request(self, authority: str, method: str, request_path: str) -> Turn | None:
        """A turn for one request; None where no budget is known."""
        from okxdoctor.knowledge.budget import budget_of

        budget = budget_of(method, request_path)
        if budget is None:
            return None
        key = (authority, method, request_path.partition("?")[0], budget.bucket)
        return await self._window(key, budget.limit, budget.window_s).turn()

    def _window(self, key: Hashable, limit: int, window_s: float) -> Window:
        found = self._windows.get(key)
        if found is None:
            found = self._windows[key] = Window(limit if self._alone else allowed(limit), window_s + margin_s())
        return found


def allowed(limit: int) -> int:
    """So many of ``limit`` uses may one run make in a window."""
    from okxdoctor.knowledge import tunable

    return max(1, int(limit * tunable("budget_share_percent") / 100))


def margin_s() -> float:
    """What two requests may come closer to each other on their way."""
    from okxdoctor.knowledge import tunable

    return tunable("budget_margin_s")
