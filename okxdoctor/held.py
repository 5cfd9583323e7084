"""Waits that a rule imposes: time in which something is held back, told to whoever counts the time of what waits.

A documented budget holds a connection or a request back. That is neither the probe's own time, so no timeout of it
runs, nor the network's. The far side of the port says ``with held():``; whoever runs the probe says ``counting``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar

_COUNTS: ContextVar[Callable[[], AbstractContextManager[None]] | None] = ContextVar("okxdoctor_held", default=None)


@contextmanager
def counting(pause: Callable[[], AbstractContextManager[None]]) -> Iterator[None]:
    """What is held back in here, and in tasks started in here, is inside a ``pause()`` meanwhile."""
    token = _COUNTS.set(pause)
    try:
        yield
    finally:
        _COUNTS.reset(token)


@contextmanager
def held() -> Iterator[None]:
    """Stands around a wait that a rule imposes."""
    pause = _COUNTS.get()
    if pause is None:
        yield
        return
    with pause():
        yield
