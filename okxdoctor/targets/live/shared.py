"""One WebSocket conversation for several checks: each listens to all of it, and the last to leave ends it.

The exchange allows few new connections in a second, so checks that look at different sides of one conversation hold
it together. Like a lookup or a handshake, it is opened once, by whoever asks first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable

from okxdoctor.port import Frame, Opening, Socket
from okxdoctor.targets.live.websocket import LiveSocket


class Listener:
    """Implements :class:`okxdoctor.port.Socket` on a conversation that others may hold as well."""

    def __init__(self, line: LiveSocket) -> None:
        self._line = line
        self._queue = line.listen_in()

    @property
    def opening(self) -> Opening:
        return self._line.opening

    @property
    def frames(self) -> tuple[Frame, ...]:
        return self._line.frames

    async def send(self, text: str) -> None:
        await self._line.send(text)

    async def login(self, *, shift_s: float = 0.0) -> None:
        await self._line.login(shift_s=shift_s)

    async def receive(self, timeout_s: float) -> Frame | None:
        return await self._line.heard(self._queue, timeout_s)

    async def close(self) -> None:
        if self._line.listen_no_more(self._queue):
            await self._line.close()


class Lines:
    """The conversations that are shared, by what was asked for."""

    def __init__(self) -> None:
        self._opening: dict[Hashable, asyncio.Task[LiveSocket]] = {}

    async def listener(self, key: Hashable, open_it: Callable[[], Awaitable[LiveSocket]]) -> Socket:
        """A place at the conversation ``key``, which is opened if nobody holds it.

        Who is cancelled takes only itself away: the opening goes on for the others.
        """
        task = self._opening.get(key)
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None or task.result().left)):
            task = self._opening[key] = asyncio.ensure_future(_run(open_it))
        return Listener(await asyncio.shield(task))

    async def close(self) -> None:
        """End what is still being opened; who holds a conversation closes it."""
        tasks, self._opening = [*self._opening.values()], {}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _run(open_it: Callable[[], Awaitable[LiveSocket]]) -> LiveSocket:
    return await open_it()
