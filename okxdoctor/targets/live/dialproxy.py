"""One attempt to reach a host through its proxy, looked at closely: which peer failed, and what it really speaks."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable
from typing import Literal

from okxdoctor.port import Dial, Lookup, ProxyDial, Route
from okxdoctor.targets.live.broken import Broken
from okxdoctor.targets.live.ledger import Ledger
from okxdoctor.targets.live.proxy import ProxyAddress, ProxyRefused, spoken_in, tunnel
from okxdoctor.targets.live.route import dial
from okxdoctor.targets.live.wire import TcpWire, Wire, connect

# A peer that was greeted in its own language answers at once, or never.
_GREETING_S = 1.0

_HELLOS = {"http": b"OPTIONS * HTTP/1.0\r\n\r\n", "socks5": b"\x05\x01\x00", "tls": b""}

Outcome = Literal[
    "established", "refused", "timeout", "unreachable", "name-not-found", "status", "auth-required", "not-proxy",
    "closed",
]  # fmt: skip


async def dial_proxy(
    route: Route,
    proxy: ProxyAddress,
    host: str,
    port: int,
    *,
    resolve: Callable[[str], Awaitable[Lookup]],
    tls: Callable[[], Awaitable[ssl.SSLContext]],
    ledger: Ledger,
    timeout_s: float,
) -> ProxyDial:
    """Total: every failure is an outcome."""
    started = time.monotonic()

    def seen(
        outcome: Outcome, *, status: int | None = None, reason: str = "", speaks: str = "", dials: tuple[Dial, ...] = ()
    ) -> ProxyDial:
        return ProxyDial(
            route=route,
            target=f"{host}:{port}",
            outcome=outcome,
            status=status,
            reason=reason,
            speaks=speaks,
            dials=dials,
            elapsed_ms=round((time.monotonic() - started) * 1000, 3),
        )

    found = await resolve(proxy.host)
    if not found.addresses:
        return seen("name-not-found", reason=found.outcome)
    dials = tuple(
        await asyncio.gather(
            *(dial(address, proxy.port, timeout_s=timeout_s, ledger=ledger) for address in found.addresses[:4])
        )
    )
    reached = next((one.address for one in dials if one.outcome == "connected"), None)
    if reached is None:
        worst = dials[0].outcome
        kept = worst if worst in ("refused", "timeout", "unreachable") else "closed"
        return seen(kept, reason=dials[0].errno, dials=dials)
    try:
        async with asyncio.timeout(timeout_s):
            wire = TcpWire(await connect(reached, proxy.port), reached, ledger.connected())
    except OSError:
        return seen("closed", reason="gone at the second connection", dials=dials)
    try:
        context = await tls() if proxy.tls else None
        async with asyncio.timeout(timeout_s):
            await tunnel(wire, proxy, host, port, tls=context)
        return seen("established", dials=dials, speaks="socks5" if proxy.socks else "http")
    except TimeoutError:
        refused = ProxyRefused("timeout", reason="no answer")
    except ProxyRefused as error:
        refused = error
    except Broken as broken:
        refused = ProxyRefused("closed", reason=broken.failure.detail)
    finally:
        wire.close()
    outcome, speaks = refused.outcome, refused.speaks
    if not speaks and outcome in ("not-proxy", "closed", "timeout"):
        # Where it is silent it may be waiting itself, for the far side: then it answers others at once.
        speaks = await _identify(reached, proxy, ledger, also_own=outcome == "timeout")
        if speaks and speaks != _own(proxy):
            outcome = "not-proxy"
    reason = refused.reason or refused.failure.detail
    return seen(outcome, status=refused.status, reason=reason, speaks=speaks, dials=dials)


def _own(proxy: ProxyAddress) -> str:
    """What a proxy of this scheme speaks first."""
    return "socks5" if proxy.socks else "tls" if proxy.tls else "http"


async def _identify(address: str, proxy: ProxyAddress, ledger: Ledger, *, also_own: bool) -> str:
    """Greets the peer in each other language it could speak, a connection each; the first that it answers in.

    ``also_own``: in the language of its address first, with a greeting that asks for nothing far away.
    """
    own = _own(proxy)
    others = [language for language in _HELLOS if language != own]
    asked = [own, *others] if also_own else others
    # At once: one that answers in none would cost the patience for each.
    heard = await asyncio.gather(*(_greet(address, proxy.port, language, ledger) for language in asked))
    return next((spoken for spoken in heard if spoken), "")


async def _greet(address: str, port: int, language: str, ledger: Ledger) -> str:
    try:
        async with asyncio.timeout(_GREETING_S):
            wire: Wire = TcpWire(await connect(address, port), address, ledger.connected())
            try:
                if language == "tls":
                    return await _speaks_tls(wire)
                await wire.write(_HELLOS[language])
                return spoken_in((await wire.read())[:16])
            finally:
                wire.close()
    except (Broken, OSError):
        return ""


async def _speaks_tls(wire: Wire) -> str:
    from okxdoctor.targets.live.handshake import lenient_context
    from okxdoctor.targets.live.tls import TlsBroken, TlsWire

    try:
        await TlsWire(wire, lenient_context(), None).handshake()
    except TlsBroken as broken:
        return spoken_in(broken.heard)
    return "tls"
