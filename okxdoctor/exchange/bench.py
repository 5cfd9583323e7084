"""The embedded exchange in the hands of somebody's tests: ``Bench`` blocks, its ``aio`` is awaited.

    with okxdoctor.exchange.serve() as served:
        x = Bench(served)
        x.add_funds("USDT", 500)
        x.move_market("BTC-USDT", by=-0.02)
        with x.inject("ws-no-pong"):
            ...

Everything works on the account behind the key that ``environ()`` names: global site, live environment, unless
``at`` says otherwise. Amounts and prices are texts, Decimals or numbers; what cannot be raises ``Impossible``, a
ValueError. The same can be done from any language: see ``okxdoctor.exchange.serving.control``.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any, TypedDict, TypeVar, Unpack

from .core.backstage import Amount, Impossible
from .core.protocol import Json
from .faults import Injected, When, parse, timed
from .serving.desk import Place
from .serving.info import Info, SiteInfo
from .serving.log import Entry
from .serving.running import Running
from .serving.thread import Served

__all__ = ["Amount", "AsyncBench", "AsyncInjection", "Bench", "Impossible", "Injection"]

T = TypeVar("T")
POLL_S = 0.01


class Times(TypedDict, total=False):
    """When faults are met: the fields of ``faults.When``."""

    p: float
    every: int
    skip: int
    count: int | None
    after_s: float
    for_s: float | None
    each_s: float | None
    until_s: float | None
    from_ms: int | None
    until_ms: int | None


class Bench:
    """One running exchange and what a test does to it; safe to use from any thread but the exchange's own."""

    def __init__(self, served: Served, place: Place | None = None) -> None:
        self._served = served
        self._desk = served.running.desk
        self._place = place or Place()
        self.aio = AsyncBench(served, self._place)
        """The same, awaitable in any loop."""

    def __repr__(self) -> str:
        return f"<bench of {self._served!r}, {self._place.site} {self._place.environment}>"

    def at(self, site: str = "global", environment: str = "live") -> Bench:
        """The same exchange, for another site (``global``, ``eea``, ``us``) or environment (``live``, ``demo``)."""
        return Bench(self._served, Place(site=site, environment=environment))

    @property
    def served(self) -> Served:
        """The exchange itself: ``clock``, ``faults``, ``wire_log``."""
        return self._served

    @property
    def info(self) -> Info:
        """Every address, file and key of the exchange."""
        return self._served.info

    @property
    def site(self) -> SiteInfo:
        """Addresses and keys of the site and environment of this bench."""
        return _site(self._served.info, self._place)

    def environ(self, sub: str = "") -> dict[str, str]:
        """The variables that ``okxdoctor sim -- COMMAND`` sets; nothing is set by this.

        ``sub`` takes the keys of a sub-account instead (``deskone``, ``desktwo``): another user of the same exchange.
        """
        return _environ(self._served.running, self._place, sub)

    # -- money, orders, prices, time -------------------------------------------------------------

    def add_funds(self, ccy: str, amount: Amount, wallet: str = "trading") -> str:
        """Pay into the ``trading`` or ``funding`` wallet (out of it when negative); what is there afterwards."""
        return self._served.run(self._desk.add_funds(self._place, ccy, amount, wallet))

    def balance(self, ccy: str, wallet: str = "trading") -> dict[str, str]:
        """``cash``, ``available`` and ``frozen`` of a currency."""
        return self._served.run(self._desk.balance(self._place, ccy, wallet))

    def orders(self) -> tuple[dict[str, Json], ...]:
        """The account's open orders, oldest first, each as trade/order would show it."""
        return self._served.run(self._desk.orders(self._place))

    def place_counter_order(self, inst: str, side: str, px: Amount, sz: Amount) -> dict[str, Json]:
        """Somebody else's limit order, matched by the rules that hold for all; the order after that.

        Other participants stand in the book as well: better prices than the account's order are taken first.
        To fill one certain order, ``fill`` it.
        """
        return self._served.run(self._desk.place_counter_order(self._place, inst, side, px, sz))

    def fill(self, ord_id: str, sz: Amount | None = None) -> dict[str, Json]:
        """Fill an open order (``ordId`` or ``clOrdId``) at its own price, wholly or by ``sz``; the order after that."""
        return self._served.run(self._desk.fill(self._place, ord_id, sz))

    def price(self, inst: str) -> str:
        """The last price."""
        return self._served.run(self._desk.price(self._place, inst))

    def move_market(self, inst: str, *, to: Amount | None = None, by: float | None = None) -> str:
        """Move the market to a price, or by a fraction (-0.05: down by 5 %); its best bid then.

        All instruments of the coin move together, in force with the market's next beat, which is waited for: at
        most 100 ms, while a clock that stands still is stepped by as much. The bid is on the price that was asked
        for, as far as the book has it, and wanders on from there. Orders that are reached are filled.
        """
        return self._served.run(self._desk.move_market(self._place, inst, to=to, by=by))

    def advance(self, seconds: float) -> int:
        """Let time pass at once; epoch milliseconds afterwards.

        Idle connections are closed, candles end, budgets are fresh. Timestamps of a client whose own clock has not
        moved stay acceptable; times inside of requests (``expTime``) are judged by the exchange's clock.
        """
        return self._served.run(self._desk.advance(seconds))

    def bind_key(self, *addresses: str) -> None:
        """Bind the key to these addresses and networks (its IP list); without any, it works from everywhere."""
        self._served.run(self._desk.bind_key(self._place, addresses))

    # -- what goes wrong --------------------------------------------------------------------------

    def inject(self, *faults: str | Injected, **when: Unpack[Times]) -> Injection:
        """Let faults be on (``okxdoctor list faults``) from now on; ``with`` it, for as long as the block lasts.

        ``inject("http-slow=2s", p=0.3, count=5, after_s=10)`` is the same as ``inject("http-slow=2s,p=0.3,count=5,
        after=10s")``: not always, but at these times and occasions (``faults.When``; times of the virtual clock).
        """
        read = _timed(faults, when)
        before = self._served.faults.on
        self._served.faults.turn_on(*read)
        return Injection(self._served, read, before)

    def lift(self, *names: str) -> None:
        """Let these faults be off again; without names: all."""
        if names:
            self._served.faults.turn_off(*names)
        else:
            self._served.faults.clear()

    def met(self, name: str) -> int:
        """How many occasions (requests, connections, lookups) have met a fault that is turned on and chooses them."""
        return _met(self._served.running, name)

    def reset_book(self, inst: str) -> int:
        """Let the numbers of a book begin anew, as after maintenance: its next update has a smaller ``seqId``."""
        return self._served.run(self._desk.reset_book(self._place, inst))

    def options(
        self, *, checksum: str | None = None, tier: int | None = None, slack: float | None = None
    ) -> dict[str, Json]:
        """Choose how the exchange is, within what is healthy; what is chosen then.

        ``checksum``: of books, ``zero`` (as since 2026-06) or ``crc`` (as before); ``tier``: the fee tier of the
        accounts, which gates tick-by-tick books and fills (1 to 9); ``slack``: the share beyond each request budget
        that passes, as at an edge that is not exact (0.65 was seen).
        """
        return self._served.run(self._desk.options(checksum=checksum, tier=tier, slack=slack))

    def cut_connections(self) -> int:
        """Break every WebSocket connection without a close frame; how many there were."""
        return self._served.run(self._desk.cut_connections())

    def notice(self, grace_s: float = 0.0) -> None:
        """Announce a service upgrade (64008) on every connection, and end them after ``grace_s`` real seconds."""
        self._served.run(self._desk.notice(grace_s))

    # -- what was seen ----------------------------------------------------------------------------

    @property
    def wire_log(self) -> tuple[Entry, ...]:
        """What crossed the wire so far, oldest first, without anything secret."""
        return self._served.wire_log.entries()

    def requests(self, method: str = "", path: str = "") -> tuple[Entry, ...]:
        """REST requests of the wire log by method and path (without query); empty: any."""
        return _requests(self.wire_log, method, path)

    def wait_for(self, predicate: Callable[[], T], timeout: float = 5.0) -> T:
        """The first true answer of ``predicate``, asked every 10 ms; TimeoutError after ``timeout`` real seconds."""
        end = time.monotonic() + timeout
        while True:
            answer = predicate()
            if answer:
                return answer
            if time.monotonic() >= end:
                raise TimeoutError(_too_late(self.wire_log, timeout))
            time.sleep(POLL_S)


class AsyncBench:
    """``Bench`` for a running loop: the same methods, awaited; on ``serve``'s exchange or on ``running``'s."""

    def __init__(self, exchange: Running | Served, place: Place | None = None) -> None:
        self._exchange = exchange
        self._running = exchange.running if isinstance(exchange, Served) else exchange
        self._desk = self._running.desk
        self._place = place or Place()

    def __repr__(self) -> str:
        return f"<bench of {self._running!r}, {self._place.site} {self._place.environment}>"

    def at(self, site: str = "global", environment: str = "live") -> AsyncBench:
        """As ``Bench.at``."""
        return AsyncBench(self._exchange, Place(site=site, environment=environment))

    @property
    def info(self) -> Info:
        """As ``Bench.info``."""
        return self._running.info

    @property
    def site(self) -> SiteInfo:
        """As ``Bench.site``."""
        return _site(self._running.info, self._place)

    def environ(self, sub: str = "") -> dict[str, str]:
        """As ``Bench.environ``."""
        return _environ(self._running, self._place, sub)

    async def add_funds(self, ccy: str, amount: Amount, wallet: str = "trading") -> str:
        """As ``Bench.add_funds``."""
        return await self._do(self._desk.add_funds(self._place, ccy, amount, wallet))

    async def balance(self, ccy: str, wallet: str = "trading") -> dict[str, str]:
        """As ``Bench.balance``."""
        return await self._do(self._desk.balance(self._place, ccy, wallet))

    async def orders(self) -> tuple[dict[str, Json], ...]:
        """As ``Bench.orders``."""
        return await self._do(self._desk.orders(self._place))

    async def place_counter_order(self, inst: str, side: str, px: Amount, sz: Amount) -> dict[str, Json]:
        """As ``Bench.place_counter_order``."""
        return await self._do(self._desk.place_counter_order(self._place, inst, side, px, sz))

    async def fill(self, ord_id: str, sz: Amount | None = None) -> dict[str, Json]:
        """As ``Bench.fill``."""
        return await self._do(self._desk.fill(self._place, ord_id, sz))

    async def price(self, inst: str) -> str:
        """As ``Bench.price``."""
        return await self._do(self._desk.price(self._place, inst))

    async def move_market(self, inst: str, *, to: Amount | None = None, by: float | None = None) -> str:
        """As ``Bench.move_market``."""
        return await self._do(self._desk.move_market(self._place, inst, to=to, by=by))

    async def advance(self, seconds: float) -> int:
        """As ``Bench.advance``."""
        return await self._do(self._desk.advance(seconds))

    async def bind_key(self, *addresses: str) -> None:
        """As ``Bench.bind_key``."""
        await self._do(self._desk.bind_key(self._place, addresses))

    def inject(self, *faults: str | Injected, **when: Unpack[Times]) -> AsyncInjection:
        """As ``Bench.inject``: to be awaited, or entered by ``async with``."""
        return AsyncInjection(self, _timed(faults, when))

    async def lift(self, *names: str) -> None:
        """As ``Bench.lift``."""
        faults = self._running.faults
        await self._do(faults.turn_off(*names) if names else faults.clear())

    def met(self, name: str) -> int:
        """As ``Bench.met``."""
        return _met(self._running, name)

    async def reset_book(self, inst: str) -> int:
        """As ``Bench.reset_book``."""
        return await self._do(self._desk.reset_book(self._place, inst))

    async def options(
        self, *, checksum: str | None = None, tier: int | None = None, slack: float | None = None
    ) -> dict[str, Json]:
        """As ``Bench.options``."""
        return await self._do(self._desk.options(checksum=checksum, tier=tier, slack=slack))

    async def cut_connections(self) -> int:
        """As ``Bench.cut_connections``."""
        return await self._do(self._desk.cut_connections())

    async def notice(self, grace_s: float = 0.0) -> None:
        """As ``Bench.notice``."""
        await self._do(self._desk.notice(grace_s))

    @property
    def wire_log(self) -> tuple[Entry, ...]:
        """As ``Bench.wire_log``."""
        return self._running.wire_log.entries()

    def requests(self, method: str = "", path: str = "") -> tuple[Entry, ...]:
        """As ``Bench.requests``."""
        return _requests(self.wire_log, method, path)

    async def wait_for(self, predicate: Callable[[], T | Awaitable[T]], timeout: float = 5.0) -> T:
        """As ``Bench.wait_for``; ``predicate`` may be a coroutine function."""
        try:
            async with asyncio.timeout(timeout):
                while True:
                    answer = predicate()
                    found = await answer if inspect.isawaitable(answer) else answer
                    if found:
                        return found
                    await asyncio.sleep(POLL_S)
        except TimeoutError:
            raise TimeoutError(_too_late(self.wire_log, timeout)) from None

    async def _do(self, coroutine: Coroutine[Any, Any, T]) -> T:
        if isinstance(self._exchange, Served):
            return await asyncio.wrap_future(self._exchange.submit(coroutine))
        return await coroutine


class Injection:
    """Faults that are on; leaving the block brings back how things were with them before."""

    def __init__(self, served: Served, faults: tuple[Injected, ...], before: tuple[Injected, ...]) -> None:
        self._served = served
        self._faults = faults
        self._before = before

    def __enter__(self) -> Injection:
        return self

    def __exit__(self, *_: object) -> None:
        self._served.run(_restore(self._served.running, self._faults, self._before))


class AsyncInjection:
    """``Injection`` for a running loop: the faults are on once it is awaited or entered."""

    def __init__(self, bench: AsyncBench, faults: tuple[Injected, ...]) -> None:
        self._bench = bench
        self._faults = faults
        self._before: tuple[Injected, ...] = ()

    def __await__(self) -> Generator[Any, None, AsyncInjection]:
        return self.__aenter__().__await__()

    async def __aenter__(self) -> AsyncInjection:
        running = self._bench._running
        self._before = running.faults.on
        await self._bench._do(running.faults.turn_on(*self._faults))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._bench._do(_restore(self._bench._running, self._faults, self._before))


async def _restore(running: Running, faults: tuple[Injected, ...], before: tuple[Injected, ...]) -> None:
    names = {fault.name for fault in faults}
    again = [fault for fault in before if fault.name in names]
    await running.faults.turn_off(*names)
    if again:
        await running.faults.turn_on(*again)


def _timed(faults: tuple[str | Injected, ...], when: Times) -> tuple[Injected, ...]:
    read = (each if isinstance(each, Injected) else parse(each) for each in faults)
    return tuple(timed(each, When(**when)) if when else each for each in read)


def _met(running: Running, name: str) -> int:
    return next((record.met_times for record in running.faults.records if record.injected.name == name), 0)


def _environ(running: Running, place: Place, sub: str) -> dict[str, str]:
    found = running.info.environ(_site(running.info, place))
    return found | running.desk.sub_environ(place, sub) if sub else found


def _site(info: Info, place: Place) -> SiteInfo:
    return next(site for site in info.sites if (site.name, site.environment) == (place.site, place.environment))


def _requests(entries: tuple[Entry, ...], method: str, path: str) -> tuple[Entry, ...]:
    return tuple(
        entry
        for entry in entries
        if entry.kind == "rest" and method.upper() in ("", entry.method) and path in ("", entry.path)
    )


def _too_late(entries: tuple[Entry, ...], timeout: float) -> str:
    return f"nothing within {timeout:g} s; last on the wire: {'; '.join(map(str, entries[-3:])) or 'nothing at all'}"
