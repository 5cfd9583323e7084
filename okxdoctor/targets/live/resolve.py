"""Names to addresses: what the program sees (``system``), and what single servers answer when asked directly.

``system`` is getaddrinfo, or the first of the configured DNS servers. The codec is dnspython's; the sockets are
ours, so that every question has a deadline and nothing outlives the run.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path as FilePath

from okxdoctor.port import Lookup
from okxdoctor.targets.live.attention import Stopwatch, patience
from okxdoctor.targets.live.broken import gai_name
from okxdoctor.targets.live.memo import Memo

SYSTEM = "system"

SILENCE_S = 1.5
"""A resolver that says nothing for so long is worth a second opinion from outside."""

MOST_ASKED = 3
"""So often is a question put, each time that the one before has been without an answer for what counts as slow. The C
library does so by itself after 5 s."""

TURNS = 2
"""So often is a name asked for again that may give its addresses one at a time: one of four that is dead is missed."""

Server = tuple[str, int]

_SILENT = ("timeout", "servfail")
"""``EAI_AGAIN``, which is told as a server's failure, is what the C library says of silence as well."""

_RESOLV_CONF = FilePath("/etc/resolv.conf")
_MOST_SERVERS = 3  # as the C library reads it
_OUTCOMES = {socket.EAI_NONAME: "nxdomain", socket.EAI_AGAIN: "servfail"}
if hasattr(socket, "EAI_NODATA"):
    _OUTCOMES[socket.EAI_NODATA] = "nodata"


class Resolver:
    """Lookups of one run, each asked once.

    ``servers``: ask these instead of the operating system; the first one is what the program sees.
    """

    def __init__(self, servers: tuple[Server, ...], *, timeout_s: float, memo: Memo) -> None:
        self._servers = servers
        self._timeout_s = timeout_s
        self._memo = memo

    async def system(self, name: str) -> Lookup:
        """What the program sees. Total: a failure is an outcome."""
        literal = literal_address(name)
        if literal is not None:
            return Lookup(name=name, resolver=SYSTEM, outcome="ok", addresses=(literal,))
        return await self._memo.once((SYSTEM, name), lambda: self._system(name))

    async def all(self, name: str) -> tuple[Lookup, ...]:
        """``system`` first, then each server asked directly. A literal address needs no question."""
        if literal_address(name) is not None:
            return (await self.system(name),)
        servers = self._servers[1:] if self._servers else resolv_conf_servers()
        own, *direct = await asyncio.gather(self._at_leisure(name), *(self._direct(name, server) for server in servers))
        given = {address for lookup in direct for address in lookup.addresses}
        if own.addresses and given and not given & set(own.addresses):
            own = await self._in_turn(own)
        return (own, *direct)

    async def _in_turn(self, own: Lookup) -> Lookup:
        """An answer that its own server contradicts, asked for again: a name may give its addresses one at a time."""
        again = await asyncio.gather(
            *(self._memo.once(("turn", turn, own.name), lambda: self._asking(own.name)) for turn in range(TURNS))
        )
        others = dict.fromkeys(address for lookup in again for address in lookup.addresses)
        return replace(own, in_turn=tuple(address for address in others if address not in own.addresses))

    async def _at_leisure(self, name: str) -> Lookup:
        """As ``system``; an answer that took long is asked for once more: is it every time?"""
        found = await self.system(name)
        if found.outcome != "ok" or found.elapsed_ms <= _slow_ms():
            return found
        again = await self._memo.once(("again", name), lambda: self._asking(name))
        return replace(found, again_ms=again.elapsed_ms)

    async def _system(self, name: str) -> Lookup:
        return await _answered(lambda: self._asking(name), again_s=min(_slow_ms() / 1000, self._timeout_s / 4))

    async def _asking(self, name: str) -> Lookup:
        if self._servers:
            return replace(await self._ask(name, self._servers[0]), resolver=SYSTEM)
        return await ask_system(name, self._timeout_s)

    async def _direct(self, name: str, server: Server) -> Lookup:
        return await self._memo.once((server, name), lambda: self._ask(name, server))

    async def _ask(self, name: str, server: Server) -> Lookup:
        # Imported here: the codec costs 20 ms, and a run with addresses for hosts never asks a server.
        from okxdoctor.targets.live.nameserver import ask_server

        return await ask_server(name, server, self._timeout_s)


def _slow_ms() -> float:
    from okxdoctor.knowledge import tunable

    return tunable("dns_slow_ms")


async def _answered(ask: Callable[[], Awaitable[Lookup]], *, again_s: float) -> Lookup:
    """The first answer, of at most ``MOST_ASKED`` questions; one follows another that is silent for ``again_s``.

    A packet that is lost costs the C library five seconds of waiting; one in twenty-five lookups on a wire that loses
    one packet of a hundred. That is how such a wire is, and no reason to go without addresses. A server that is slow
    or dead is so for each question. ``unanswered`` of what is returned: the questions that were put before this one
    and had no answer yet.
    """
    asked: list[asyncio.Future[Lookup]] = []
    try:
        while True:
            asked.append(asyncio.ensure_future(ask()))
            # In time awake: an answer that nobody has read yet was not lost.
            waiting, left_s = Stopwatch(), again_s
            while left_s > 0:
                try:
                    async with asyncio.timeout(left_s if len(asked) < MOST_ASKED else None):
                        return await _decided(asked)
                except TimeoutError:
                    left_s = again_s - waiting.waited_ms() / 1000
    finally:
        for task in asked:
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)


async def _decided(asked: list[asyncio.Future[Lookup]]) -> Lookup:
    """What decides: anything but silence; silence too where the first question has used its patience up."""
    while True:
        for place, task in enumerate(asked):
            if task.done() and (task.result().outcome not in _SILENT or all(other.done() for other in asked)):
                return replace(task.result(), unanswered=place)
        if asked[0].done() and asked[0].result().outcome == "timeout":
            return asked[0].result()
        await asyncio.wait([task for task in asked if not task.done()], return_when=asyncio.FIRST_COMPLETED)


def literal_address(name: str) -> str | None:
    """The address that a text is, without brackets; None for a name."""
    try:
        return str(ipaddress.ip_address(name.strip("[]").partition("%")[0]))
    except ValueError:
        return None


def suspicious(lookup: Lookup) -> bool:
    """Whether an answer is worth a second opinion from outside: no address, or one that no public host has."""
    return not lookup.addresses or not all(ipaddress.ip_address(one).is_global for one in lookup.addresses)


def resolv_conf_servers(path: FilePath = _RESOLV_CONF) -> tuple[Server, ...]:
    """The name servers that the C library would ask; none where there is no such file."""
    try:
        lines = path.read_text("utf-8", "replace").splitlines()
    except OSError:
        return ()
    found: list[Server] = []
    for line in lines:
        words = line.split()
        if len(words) >= 2 and words[0] == "nameserver" and literal_address(words[1]):
            found.append((words[1], 53))
    return tuple(found[:_MOST_SERVERS])


# ---- the operating system ---------------------------------------------------------------------


async def ask_system(name: str, timeout_s: float) -> Lookup:
    """getaddrinfo in a thread of its own.

    A daemon thread and not the loop's executor: getaddrinfo cannot be cancelled, and the executor would hold up
    the end of the program until the C library gives up on a dead resolver.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[Lookup] = loop.create_future()

    def settle(lookup: Lookup) -> None:
        if not answer.done():
            answer.set_result(lookup)

    def ask() -> None:
        lookup = _getaddrinfo(name)
        try:
            loop.call_soon_threadsafe(settle, lookup)
        except RuntimeError:
            pass  # the loop has been closed meanwhile: nobody is waiting

    threading.Thread(target=ask, name="okxdoctor-getaddrinfo", daemon=True).start()
    started = time.monotonic()
    try:
        async with patience(timeout_s):
            return await answer
    except TimeoutError:
        return Lookup(name=name, resolver=SYSTEM, outcome="timeout", elapsed_ms=_ms_since(started))


def _ms_since(started: float) -> float:
    return round((time.monotonic() - started) * 1000, 3)


def _getaddrinfo(name: str) -> Lookup:
    started = time.monotonic()
    try:
        rows = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM, flags=socket.AI_CANONNAME)
    except socket.gaierror as error:
        outcome = _OUTCOMES.get(error.errno or 0, "error")
        return Lookup(
            name=name, resolver=SYSTEM, outcome=outcome, elapsed_ms=_ms_since(started), detail=gai_name(error)  # type: ignore[arg-type]
        )  # fmt: skip
    except (UnicodeError, ValueError, OSError) as error:
        return Lookup(
            name=name, resolver=SYSTEM, outcome="error", elapsed_ms=_ms_since(started), detail=type(error).__name__
        )
    addresses = tuple(dict.fromkeys(str(row[4][0]) for row in rows))
    canonical = next((row[3].rstrip(".") for row in rows if row[3]), None)
    return Lookup(
        name=name,
        resolver=SYSTEM,
        outcome="ok",
        addresses=addresses,
        canonical=canonical if canonical != name else None,
        elapsed_ms=_ms_since(started),
    )
