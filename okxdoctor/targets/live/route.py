"""The way to one host and port: names, addresses, the proxy if there is one. Found once, shared by all who go it."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from okxdoctor.port import Dial, Failure, Lookup
from okxdoctor.targets.live.attention import patience, waited_ms
from okxdoctor.targets.live.broken import Broken, broken_by, errno_name, kind_of
from okxdoctor.targets.live.ledger import Ledger
from okxdoctor.targets.live.proxy import ProxyAddress, tunnel
from okxdoctor.targets.live.tls import TlsWire
from okxdoctor.targets.live.wire import TcpWire, Wire, connect, race

Family = Literal["any", "v4", "v6"]
Step = Literal["connect", "handshake"]

# RFC 8305 §8 recommends 250 ms between two connection attempts.
STAGGER_S = 0.25


@dataclass(slots=True, kw_only=True)
class Trail:
    """Where one request is on its way, written as it goes: the phase it is in, and what the phases before took.

    ``first`` holds the first bytes that came back. ``ended_after``: streams after which the server ended an HTTP/2
    connection on which this request was.
    """

    phase: str = "resolve"
    first: bytes = b""
    resolve_ms: float | None = None
    connect_ms: float | None = None
    handshake_ms: float | None = None
    ended_after: int | None = None


class Route:
    """One (host, port, proxy).

    A route that failed before anything ever came through is broken for the rest of the run: who asks later gets
    the failure at once instead of waiting for the same timeout again. One success, and no failure is kept any more.
    A verified handshake that failed breaks the route for those who need one, not for those who look at the chain.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        proxy: ProxyAddress | None,
        resolve: Callable[[str], Awaitable[Lookup]],
        proxy_tls: Callable[[], Awaitable[ssl.SSLContext]],
        ledger: Ledger,
        timeout_s: float,
    ) -> None:
        self.host = host
        self.port = port
        self.proxy = proxy
        self._failures: dict[Step, Failure] = {}
        self._resolve = resolve
        self._proxy_tls = proxy_tls
        self._ledger = ledger
        self._timeout_s = timeout_s
        self._worked: set[Step] = set()
        self._good: str | None = None

    async def open(self, *, family: Family = "any", trail: Trail | None = None) -> Wire:
        """A connection to the host, TCP or a tunnel. Raises Broken. Bounded in time."""
        trail = trail or Trail()
        self.check("connect")
        try:
            wire = await self._open(family, trail)
        except Broken as broken:
            # One family alone failing says nothing about the way that programs take.
            if family == "any":
                self._remember(broken.failure, "connect")
            raise
        self._worked.add("connect")
        return wire

    async def open_tls(
        self,
        context: ssl.SSLContext,
        server_name: str,
        *,
        family: Family = "any",
        trail: Trail | None = None,
        alpn: tuple[str, ...] | None = None,
    ) -> TlsWire:
        """:meth:`open`, and TLS in it. Raises Broken."""
        trail = trail or Trail()
        self.check("connect", "handshake")
        wire = await self.open(family=family, trail=trail)
        return await self.secure(wire, context, server_name, trail=trail, alpn=alpn)

    async def secure(
        self,
        wire: Wire,
        context: ssl.SSLContext,
        server_name: str,
        *,
        trail: Trail,
        alpn: tuple[str, ...] | None = None,
    ) -> TlsWire:
        """TLS over a wire of this route, verified by ``context``. Closes the wire if it fails."""
        trail.phase = "handshake"
        started = time.monotonic()
        secured: TlsWire | None = None
        try:
            secured = TlsWire(wire, context, server_name, alpn=alpn)
            async with patience(self._timeout_s):
                await secured.handshake()
        except TimeoutError:
            wire.close()
            broken = Broken("timeout", "handshake", "no answer to the ClientHello")
            self._remember(broken.failure, "handshake")
            raise broken from None
        except BaseException as error:
            wire.close()
            if isinstance(error, Broken):
                self._remember(error.failure, "handshake")
            raise
        trail.handshake_ms = waited_ms(started)
        self._worked.add("handshake")
        return secured

    def check(self, *steps: Step) -> None:
        """Raises what is already known to be broken in these steps."""
        for step in steps:
            failure = self._failures.get(step)
            if failure is not None:
                raise Broken(failure.kind, failure.phase, failure.detail)

    def ran_out(self, phase: str, *, after_s: float) -> Failure:
        """The failure of somebody whose time ran out in a phase of this route; remembered if it was the usual time."""
        to_proxy = self.proxy is not None and phase in ("resolve", "connect", "proxy")
        failure = Failure(
            kind="proxy" if to_proxy else "timeout", phase=phase, detail=f"not complete after {after_s:g} s"
        )
        if phase in ("resolve", "connect", "proxy", "handshake") and after_s >= self._timeout_s:
            self._remember(failure, "handshake" if phase == "handshake" else "connect")
        return failure

    async def _open(self, family: Family, trail: Trail) -> Wire:
        trail.phase = "resolve"
        if self.proxy is None:
            return await self._connect(self.host, self.port, family, trail)
        try:
            wire = await self._connect(self.proxy.host, self.proxy.port, family, trail)
        except Broken as broken:
            # The peer that is not there is the proxy; what the exchange would do nobody knows.
            failure = broken.failure
            raise Broken("proxy", failure.phase, f"{failure.kind} {failure.detail}".strip()) from None
        trail.phase = "proxy"
        opened: Wire | None = None
        started = time.monotonic()
        try:
            async with patience(self._timeout_s):
                opened = await tunnel(
                    wire, self.proxy, self.host, self.port, tls=await self._proxy_tls() if self.proxy.tls else None
                )
                # Whoever waits for a connection waits for the tunnel as well.
                trail.connect_ms = (trail.connect_ms or 0.0) + waited_ms(started)
                return opened
        except TimeoutError:
            raise Broken("proxy", "proxy", "timeout") from None
        finally:
            if opened is None:
                wire.close()

    async def _connect(self, host: str, port: int, family: Family, trail: Trail) -> TcpWire:
        started = time.monotonic()
        found = await self._resolve(host)
        trail.resolve_ms = waited_ms(started)
        addresses = in_family(found.addresses, family)
        if not addresses:
            missing = f"no IP{family} address" if found.addresses else found.outcome
            raise Broken("dns", "resolve", f"{host}: {missing}")
        if self._good in addresses:
            addresses = (self._good, *(address for address in addresses if address != self._good))
        trail.phase = "connect"
        started = time.monotonic()
        try:
            async with patience(self._timeout_s):
                wire, failed = await race(addresses, port, stagger_s=STAGGER_S, ledger=self._ledger)
        except TimeoutError:
            raise Broken("timeout", "connect", f"{len(addresses)} of {len(addresses)} addresses silent") from None
        trail.connect_ms = waited_ms(started)
        if wire is None:
            raise broken_by(failed[-1][1], "connect")
        self._good = wire.address
        return wire

    def _remember(self, failure: Failure, step: Step) -> None:
        if step not in self._worked:
            self._failures.setdefault(step, failure)


def in_family(addresses: tuple[str, ...], family: Family) -> tuple[str, ...]:
    if family == "any":
        return addresses
    return tuple(address for address in addresses if (":" in address) == (family == "v6"))


async def dial(address: str, port: int, *, timeout_s: float, ledger: Ledger) -> Dial:
    """One TCP connection attempt, closed at once."""
    started = time.monotonic()
    outcome: Literal["connected", "refused", "timeout", "unreachable", "reset", "error"] = "connected"
    errno = ""
    try:
        async with asyncio.timeout(timeout_s):
            connected = await connect(address, port)
        ledger.connected()
        connected.close()
    except OSError as error:
        errno = errno_name(error)
        kind = kind_of(error)
        outcome = kind if kind in ("refused", "timeout", "unreachable", "reset") else "error"
    return Dial(
        address=address,
        port=port,
        family="v6" if ":" in address else "v4",
        outcome=outcome,
        elapsed_ms=_ms_since(started),
        errno=errno,
    )


def _ms_since(started: float) -> float:
    return round((time.monotonic() - started) * 1000, 3)
