"""Turns: what is not ordinary waits while ordinary requests are being answered.

All connections share one thread. An ordinary request on a connection that is open costs it a twentieth of a
millisecond; a TLS handshake, an upgrade, a request that cannot be read, two megabytes that were refused and are still
on their way cost ten times as much, and nobody needs to be honest to ask for them. So they take turns, one after the
other and with a pause between them, as long as there is somebody else to serve; when there is not, they wait for
nothing. What is paced is the kind of work and not the peer: on loopback all peers have one address.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

PAUSE_S = 0.001
"""Real seconds from one turn to the next while ordinary requests are being answered."""
BUSY_S = 0.01
"""Real seconds after an ordinary request for which the exchange counts as busy with them."""
AT_ONCE = 16
"""Turns in a row when nobody else is to be served; then the loop looks at its connections again."""

Work = Callable[[], bool]
"""Does something, or finds that nobody wants it any more: False, and the turn is the next one's."""


class Turns:
    """The queue of one exchange, in its loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._time = self._loop.time
        self._waiting: deque[Work] = deque()
        self._next_s = self._busy_until_s = 0.0
        self._timer: asyncio.TimerHandle | asyncio.Handle | None = None

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def ordinary(self) -> None:
        """An ordinary request has come."""
        self._busy_until_s = self._time() + BUSY_S

    def free(self) -> bool:
        """Take a turn, if one is to be had at once."""
        now_s = self._time()
        if self._waiting or now_s < min(self._next_s, self._busy_until_s):
            return False
        self._next_s = now_s + PAUSE_S
        return True

    def wait(self, work: Work) -> None:
        """Do ``work`` when its turn has come."""
        self._waiting.append(work)
        if self._timer is None:
            self._timer = self._loop.call_at(self._next_s, self._serve)

    async def turn(self) -> None:
        """Return when it is one's turn."""
        if self.free():
            return
        called = self._loop.create_future()

        def call() -> bool:
            if not called.done():
                called.set_result(None)
                return True
            return False

        self.wait(call)
        await called

    def close(self) -> None:
        """No pauses any more, once everything else has been closed: who still waits finds that nobody wants it."""
        if self._timer is not None:
            self._timer.cancel()
        while self._waiting:
            self._waiting.popleft()()

    def _serve(self) -> None:
        self._timer = None
        done = 0
        while self._waiting:
            now_s = self._time()
            if now_s < min(self._next_s, self._busy_until_s):
                self._timer = self._loop.call_at(self._next_s, self._serve)
                return
            if done == AT_ONCE:
                self._timer = self._loop.call_soon(self._serve)
                return
            if self._waiting.popleft()():
                # From the end of the work on: what takes long is followed by as long a pause for others as any.
                self._next_s = self._time() + PAUSE_S
                done += 1
