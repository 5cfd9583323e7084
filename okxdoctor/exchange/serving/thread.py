"""The exchange in a thread of its own, for programs that have no loop: ``with serve() as x: …``."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import os
import threading
from collections.abc import Coroutine, Iterable, Iterator
from typing import Any, TypeVar

from okxdoctor.exchange.core.clock import Clock
from okxdoctor.exchange.core.exchange import Exchange
from okxdoctor.exchange.faults import Injected

from .info import Info
from .log import WireLog
from .running import Running, running

T = TypeVar("T")


class ServedFaults:
    """The faults that are on, from another thread; each call returns when the change is in force."""

    def __init__(self, served: Served) -> None:
        self._served = served

    @property
    def on(self) -> tuple[Injected, ...]:
        return self._served.running.faults.on

    def turn_on(self, *faults: str | Injected) -> None:
        """As ``Faults.turn_on``."""
        self._served.run(self._served.running.faults.turn_on(*faults))

    def turn_off(self, *names: str) -> None:
        """As ``Faults.turn_off``."""
        self._served.run(self._served.running.faults.turn_off(*names))

    def clear(self) -> None:
        """Lift all."""
        self._served.run(self._served.running.faults.clear())


class Served:
    """An exchange that runs in a thread of its own."""

    def __init__(self, exchange: Running, loop: asyncio.AbstractEventLoop) -> None:
        self.running = exchange
        self.faults = ServedFaults(self)
        self._loop = loop

    def __repr__(self) -> str:
        return repr(self.running)

    @property
    def info(self) -> Info:
        return self.running.info

    @property
    def clock(self) -> Clock:
        return self.running.clock

    @property
    def exchange(self) -> Exchange:
        return self.running.exchange

    @property
    def wire_log(self) -> WireLog:
        return self.running.wire_log

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the exchange's loop and wait for it."""
        return self.submit(coroutine).result(90)

    def submit(self, coroutine: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        """Begin a coroutine in the exchange's loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)


@contextlib.contextmanager
def serve(
    *,
    seed: int = 0,
    faults: Iterable[str | Injected] = (),
    port: int = 0,
    host: str = "127.0.0.1",
    clock: Clock | None = None,
) -> Iterator[Served]:
    """An exchange in a thread, gone at the end of the block; arguments and errors as of ``running``."""
    ready = threading.Event()
    outcome: list[Served | BaseException] = []
    stop: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def live() -> None:
        end = asyncio.Event()
        loop = asyncio.get_running_loop()
        async with running(seed=seed, faults=faults, port=port, host=host, clock=clock) as exchange:
            stop.append((loop, end))
            outcome.append(Served(exchange, loop))
            ready.set()
            await end.wait()

    def run() -> None:
        try:
            asyncio.run(live())
        except BaseException as error:
            outcome.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=run, name="okxdoctor-exchange", daemon=True)
    thread.start()
    ready.wait()
    first = outcome[0]
    if isinstance(first, BaseException):
        thread.join()
        raise first
    owner = os.getpid()
    try:
        yield first
    finally:
        if os.getpid() == owner:  # a forked child has no such thread; the exchange goes on in its parent
            loop, end = stop[0]
            loop.call_soon_threadsafe(end.set)
            thread.join(10)
    if len(outcome) > 1 and isinstance(outcome[1], BaseException):
        raise outcome[1]
