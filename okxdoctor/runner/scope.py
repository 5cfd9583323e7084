"""The port as one check sees it: the target's own, plus the records that other checks offer, plus an ear.

What any check hears is kept for the whole run (:class:`Heard`), so that a check that looks at every answer needs to
ask nothing again, and hears the same on every target.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal, TypeVar, cast

from okxdoctor.held import counting
from okxdoctor.port import Answer, Ask, Conversation, Io, Socket, Traffic

T = TypeVar("T")


class Settling:
    """The records a check offers, once it has settled."""

    __slots__ = ("_future",)

    def __init__(self) -> None:
        self._future: asyncio.Future[tuple[Any, ...]] = asyncio.get_running_loop().create_future()

    def settle(self, records: tuple[Any, ...]) -> None:
        if not self._future.done():
            self._future.set_result(records)

    async def records(self) -> tuple[Any, ...]:
        return await asyncio.shield(self._future)


class Heard:
    """Every answer and conversation of one run, whichever check asked for it."""

    __slots__ = ("_answers", "_sockets")

    def __init__(self) -> None:
        self._answers: list[Answer] = []
        self._sockets: list[Socket] = []

    def answer(self, answer: Answer) -> None:
        self._answers.append(answer)

    def socket(self, socket: Socket) -> None:
        # A shared conversation has one opening, however many hold it.
        if not any(known.opening is socket.opening for known in self._sockets):
            self._sockets.append(socket)

    def traffic(self) -> Traffic:
        return Traffic(
            answers=tuple(self._answers),
            conversations=tuple(
                Conversation(
                    url=socket.opening.url,
                    received=tuple(
                        frame.text for frame in socket.frames if frame.direction == "received" and frame.kind == "text"
                    ),
                )
                for socket in self._sockets
                if socket.opening.ok
            ),
        )


class ScopedIo:
    """Delegates everything to the target's Io, except waiting for other checks.

    Time spent waiting for another check is not the probe's own, so it does not count towards its timeout, and neither
    does what a documented budget holds back: ``paused_s`` is what has been spent waiting, ``waiting`` whether it waits
    now, ``held_s`` what was held back.
    """

    def __init__(self, io: Io, reads: Mapping[str, Settling], heard: Heard) -> None:
        self._io = io
        self._reads = reads
        self._heard = heard
        self._paused_s = 0.0
        self._since: float | None = None
        self._waiters = 0
        self._held: list[tuple[float, float]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._io, name)

    @property
    def waiting(self) -> bool:
        return self._waiters > 0

    @property
    def paused_s(self) -> float:
        running = time.monotonic() - self._since if self._since is not None else 0.0
        return self._paused_s + running

    @property
    def held_s(self) -> float:
        """Seconds in which at least one of the probe's requests was held back."""
        total, until = 0.0, 0.0
        for begun, ended in sorted(self._held):
            total += max(0.0, ended - max(begun, until))
            until = max(until, ended)
        return total

    async def _wait(self, settling: Settling) -> tuple[Any, ...]:
        with self._pause():
            return await settling.records()

    @contextmanager
    def _hold(self) -> Iterator[None]:
        begun = time.monotonic()
        try:
            with self._pause():
                yield
        finally:
            self._held.append((begun, time.monotonic()))

    @contextmanager
    def _pause(self) -> Iterator[None]:
        if self._waiters == 0:
            self._since = time.monotonic()
        self._waiters += 1
        try:
            yield
        finally:
            self._waiters -= 1
            if self._waiters == 0 and self._since is not None:
                self._paused_s += time.monotonic() - self._since
                self._since = None

    async def http(self, ask: Ask) -> Answer:
        with counting(self._hold):
            answer = await self._io.http(ask)
        self._heard.answer(answer)
        return answer

    async def open_socket(
        self,
        path: Literal["public", "private", "business"],
        *,
        cell: str | None = None,
        timeout_s: float | None = None,
        shared: bool = False,
    ) -> Socket:
        with counting(self._hold):
            socket = await self._io.open_socket(path, cell=cell, timeout_s=timeout_s, shared=shared)
        self._heard.socket(socket)
        return socket

    async def given(self, record: type[T]) -> T | None:
        if record is Traffic:
            await self.settled()
            return cast(T, self._heard.traffic())
        for settling in self._reads.values():
            for offered in await self._wait(settling):
                if isinstance(offered, record):
                    return offered
        return None

    async def settled(self) -> None:
        for settling in self._reads.values():
            await self._wait(settling)


def scoped(io: Io, reads: Mapping[str, Settling], heard: Heard) -> ScopedIo:
    return ScopedIo(io, reads, heard)


def as_io(scope: ScopedIo) -> Io:
    """A ScopedIo is an Io: what it does not define itself it takes from the target's."""
    return cast(Io, scope)
