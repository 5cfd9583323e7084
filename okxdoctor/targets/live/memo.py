"""A question is asked of the world once per run, whoever asks first."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")


class Memo:
    """Runs each question in a task of its own and gives every asker the same answer.

    An asker that is cancelled takes only itself away: the task goes on for the others. ``close`` cancels what
    is still running and waits for it.
    """

    def __init__(self) -> None:
        self._tasks: dict[Hashable, asyncio.Task[Any]] = {}
        self._closed = False

    async def once(self, key: Hashable, ask: Callable[[], Awaitable[T]]) -> T:
        task = self._tasks.get(key)
        if task is None:
            if self._closed:
                raise RuntimeError("the target is closed")
            task = self._tasks[key] = asyncio.ensure_future(_run(ask))
        found: T = await asyncio.shield(task)
        return found

    async def close(self) -> None:
        self._closed = True
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        # The outcomes were given to whoever asked; here it only matters that nothing runs on.
        await asyncio.gather(*tasks, return_exceptions=True)


async def _run(ask: Callable[[], Awaitable[T]]) -> T:
    return await ask()
