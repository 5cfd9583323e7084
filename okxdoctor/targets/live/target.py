"""The live target: everything a probe may ask, asked of the real world (or of a world on loopback: no difference)."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Literal, TypeVar

from okxdoctor.check import Skip
from okxdoctor.port import (
    Answer,
    Ask,
    Dial,
    Handshake,
    Instant,
    LedgerRow,
    Lookup,
    NtpAnswer,
    ProxyDial,
    Role,
    Socket,
    Surroundings,
    TrustStore,
    View,
)
from okxdoctor.port import Route as ProxyRoute
from okxdoctor.targets.config import TargetConfig
from okxdoctor.targets.live.allowance import Allowance
from okxdoctor.targets.live.asking import Asking, find_cell
from okxdoctor.targets.live.attention import Attention
from okxdoctor.targets.live.hosts import Place, cell_place, place_of
from okxdoctor.targets.live.ledger import Ledger
from okxdoctor.targets.live.memo import Memo
from okxdoctor.targets.live.pacing import Pacing, Turn
from okxdoctor.targets.live.proxy import ProxyAddress, proxy_address
from okxdoctor.targets.live.resolve import SILENCE_S, Resolver, suspicious
from okxdoctor.targets.live.route import Route, dial
from okxdoctor.targets.live.trust import Trust
from okxdoctor.targets.live.veil import Veil

if TYPE_CHECKING:
    from okxdoctor.targets.live.http import HttpClient
    from okxdoctor.targets.live.shared import Lines
    from okxdoctor.targets.live.websocket import LiveSocket

T = TypeVar("T")

MOST_DIALS = 12
"""Addresses of one name that are dialled; a resolver that lies may give any number."""

PUBLIC = "1.1.1.1"
"""Any global unicast address: stands for the place of a public host."""

_ELSEWHERE = 4
"""So many addresses of other resolvers are tried: one that lives decides."""


class LiveTarget:
    """Implements :class:`okxdoctor.port.Io` over real sockets. Opens nothing before it is asked; leaving its context
    closes everything and cancels what still runs."""

    def __init__(self, config: TargetConfig) -> None:
        self._config = config
        self._memo = Memo()
        self._ledger = Ledger()
        self._pacing = Pacing(alone=config.alone)
        self._resolver = Resolver(config.dns_servers, timeout_s=config.timeout_s, memo=self._memo)
        self._trust = Trust(config.ca_file, config.trust_environ)
        self._veil = Veil(_secrets(config))
        self._proxies: dict[Role, ProxyAddress | None] = {
            "rest": proxy_address(config.rest_proxy.reveal()) if config.rest_proxy else None,
            "ws": proxy_address(config.ws_proxy.reveal()) if config.ws_proxy else None,
        }
        self._routes: dict[tuple[str, int, Role], Route] = {}
        # Pooled HTTP connections stay open, and probes must not wait for them; nor must the attempts and handshakes
        # that tell why all others hang wait for these. So each kind has its share; of few connections these have none.
        own = max(0, config.connections - 8) // 2
        self._pooled = max(1, min(config.requests, config.connections // 2 if own else config.connections * 5 // 8))
        self._probes = asyncio.Semaphore(max(1, config.connections - self._pooled - own))
        self._greetings = asyncio.Semaphore(own) if own else self._probes
        # Attempts come on top: they are over once they have become connections, and else are none. Where all are silent
        # each takes the whole patience, and a second row of them would take all that the check has.
        self._dials = asyncio.Semaphore(2 * MOST_DIALS) if own else self._probes
        self._client: HttpClient | None = None
        self._sockets: set[Socket] = set()
        self._lines: Lines | None = None
        self._asking = Asking(
            view=config.view,
            credentials=config.credentials,
            clock=config.clock,
            client=self._http_client,
            ledger=self._ledger,
            pacing=self._pacing,
            veil=self._veil,
            timeout_s=config.timeout_s,
            extra_headers=config.extra_headers,
            allowance=Allowance(config.view) if config.view.demo_orders else None,
        )

    async def __aenter__(self) -> LiveTarget:
        self._attention = Attention()
        self._attention.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._attention.stop()
        if self._lines is not None:
            await self._lines.close()
        for socket in tuple(self._sockets):
            await socket.close()
        await self._memo.close()
        if self._client is not None:
            await self._client.close()
        await self._trust.close()

    # ---- what needs no network ----------------------------------------------------------------

    @property
    def view(self) -> View:
        return self._config.view

    @property
    def requests_made(self) -> int:
        """HTTP requests and WebSocket upgrades sent so far."""
        return self._ledger.requests

    @property
    def connections_made(self) -> int:
        """TCP connections that stood, so far."""
        return self._ledger.connections

    def now(self) -> Instant:
        return self._config.clock()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def given(self, record: type[T]) -> T | None:
        """Records come from the runner, which stands around a target."""
        return None

    async def settled(self) -> None:
        """As :meth:`given`: the runner's."""

    async def surroundings(self) -> Surroundings:
        gather = self._config.surroundings
        if gather is None:
            raise Skip("this target has no surroundings")
        return await self._memo.once("surroundings", lambda: asyncio.to_thread(gather))

    def ledger(self) -> tuple[LedgerRow, ...]:
        return self._ledger.rows()

    # ---- names and connections ----------------------------------------------------------------

    async def lookup(self, name: str) -> tuple[Lookup, ...]:
        return await self._memo.once(("lookup", name), lambda: self._lookup(name))

    async def _lookup(self, name: str) -> tuple[Lookup, ...]:
        asked, confirmed = asyncio.ensure_future(self._resolver.all(name)), None
        try:
            # A resolver that is silent uses all of its patience up; a second opinion asked only then comes too late.
            await asyncio.wait({asked}, timeout=min(SILENCE_S, self._config.timeout_s / 2))
            if not asked.done():
                confirmed = asyncio.ensure_future(self._confirmed(name))
            found = await asked
            if not suspicious(found[0]):
                return found
            return (*found, *await (confirmed if confirmed is not None else self._confirmed(name)))
        finally:
            for task in (asked, confirmed):
                if task is not None:
                    task.cancel()

    async def _confirmed(self, name: str) -> tuple[Lookup, ...]:
        if not self._config.doh_urls:
            return ()
        from okxdoctor.targets.live.doh import ask_doh

        client = await self._http_client()
        asking = (ask_doh(name, url, client=client, timeout_s=self._config.timeout_s) for url in self._config.doh_urls)
        return tuple(await asyncio.gather(*asking))

    async def dial(self, role: Role, *, port: int | None = None) -> tuple[Dial, ...]:
        place = self._place(role)
        port = place.port if port is None else port
        return await self._memo.once(("dial", place.host, port), lambda: self._dial(place.host, port))

    async def _dial(self, host: str, port: int) -> tuple[Dial, ...]:
        found = await self._resolver.system(host)
        return await self._dial_all(tuple((address, port) for address in found.addresses[:MOST_DIALS]))

    async def dial_elsewhere(self, role: Role) -> tuple[Dial, ...]:
        place = self._place(role)
        return await self._memo.once(("dial-elsewhere", place.host, place.port), lambda: self._dial_elsewhere(place))

    async def _dial_elsewhere(self, place: Place) -> tuple[Dial, ...]:
        own, *others = await self.lookup(place.host)
        unseen = dict.fromkeys((*own.in_turn, *(address for other in others for address in other.addresses)))
        return await self._dial_all(
            tuple((address, place.port) for address in unseen if address not in own.addresses)[:_ELSEWHERE]
        )

    async def dial_control(self) -> tuple[Dial, ...]:
        return await self._memo.once("dial-control", self._dial_control)

    async def _dial_control(self) -> tuple[Dial, ...]:
        # Few, and asked where others hang: in their queue they would come too late to tell anything.
        asking = (dial(*place, timeout_s=self._config.timeout_s, ledger=self._ledger)
                  for place in self._config.control_addresses)  # fmt: skip
        return tuple(await asyncio.gather(*asking))

    async def _dial_all(self, places: tuple[tuple[str, int], ...]) -> tuple[Dial, ...]:
        async def one(address: str, port: int) -> Dial:
            async with self._dials:
                return await dial(address, port, timeout_s=self._config.timeout_s, ledger=self._ledger)

        return tuple(await asyncio.gather(*(one(*place) for place in places)))

    async def dial_proxy(self, role: Role) -> ProxyDial | None:
        proxy = self._proxies[role]
        route = self.view.rest_route if role == "rest" else self.view.ws_route
        if proxy is None or route is None:
            return None
        place = self._place(role)
        return await self._memo.once(
            ("dial-proxy", route, place.host, place.port), lambda: self._dial_proxy(route, proxy, place)
        )

    async def _dial_proxy(self, route: ProxyRoute, proxy: ProxyAddress, place: Place) -> ProxyDial:
        from okxdoctor.targets.live.dialproxy import dial_proxy

        async with self._probes:
            seen = await dial_proxy(
                route,
                proxy,
                place.host,
                place.port,
                resolve=self._resolver.system,
                tls=self._proxy_tls,
                ledger=self._ledger,
                timeout_s=self._config.timeout_s,
            )
        return replace(seen, reason=self._veil(seen.reason))

    # ---- time servers -------------------------------------------------------------------------

    async def ntp(self) -> tuple[NtpAnswer, ...]:
        return await self._memo.once("ntp", self._ntp)

    async def _ntp(self) -> tuple[NtpAnswer, ...]:
        from okxdoctor.targets.live.ntp import ask_all

        return await ask_all(
            self._config.ntp_servers,
            resolve=self._resolver.system,
            clock=self._config.clock,
            timeout_s=self._config.timeout_s,
        )

    # ---- TLS ----------------------------------------------------------------------------------

    async def trust(self) -> TrustStore:
        return (await self._trust.in_use()).store

    async def handshake(self, role: Role, *, server_name: str | None = None, again: bool = False) -> Handshake:
        place = self._place(role)
        if not place.tls:
            raise Skip(f"{place.authority} is reached without TLS")
        name = server_name or place.host
        return await self._memo.once(
            ("handshake", place.host, place.port, name, again), lambda: self._handshake(role, place, name)
        )

    async def _handshake(self, role: Role, place: Place, name: str) -> Handshake:
        from okxdoctor.targets.live.handshake import lenient_context, shake

        async with self._greetings:
            return await shake(
                self._route(place.host, place.port, role),
                name,
                context=lenient_context(),
                trust=self._trust,
                fetch=self._fetch_issuer,
                timeout_s=self._config.timeout_s,
            )

    async def _fetch_issuer(self, url: str, reached: str) -> bytes:
        from okxdoctor.targets.live.aia import fetch_issuer

        return await fetch_issuer(
            url,
            resolve=self._resolver.system,
            # Whoever answers for a public host from an address inside is an impostor, and gets no fetch inside.
            beside=PUBLIC if self.view.addresses == "global" else reached,
            ledger=self._ledger,
            timeout_s=self._config.timeout_s,
        )

    # ---- HTTP ---------------------------------------------------------------------------------

    async def http(self, ask: Ask) -> Answer:
        return await self._asking(ask)

    async def _http_client(self) -> HttpClient:
        if self._client is None:
            # The first lookup is on its way while Python reads in the HTTP library.
            place = self._place("rest")
            if self._proxies["rest"] is None:
                early = asyncio.ensure_future(self._resolver.system(place.host))
                early.add_done_callback(_forget)
                await asyncio.sleep(0)
            from okxdoctor.targets.live.http import HttpClient

            context = (await self._trust.in_use()).context
            if self._client is None:
                self._client = HttpClient(
                    lambda host, port: self._route(host, port, "rest"),
                    context,
                    clock=self._config.clock,
                    pooled=self._pooled,
                    extra=self._probes,
                )
        return self._client

    # ---- WebSocket ----------------------------------------------------------------------------

    async def open_socket(
        self,
        path: Literal["public", "private", "business"],
        *,
        cell: str | None = None,
        timeout_s: float | None = None,
        shared: bool = False,
    ) -> Socket:
        if shared:
            from okxdoctor.targets.live.shared import Lines

            self._lines = self._lines or Lines()
            return await self._lines.listener((path, cell), lambda: self._open_first(path, cell, timeout_s))
        return await self._open_socket(path, cell, timeout_s, self._pacing.upgrade)

    async def _open_first(self, path: str, cell: str | None, timeout_s: float | None) -> LiveSocket:
        with self._pacing.coming() as came:

            async def turn() -> Turn:
                taken = await self._pacing.upgrade(first=True)
                came()
                return taken

            return await self._open_socket(path, cell, timeout_s, turn)

    async def _open_socket(
        self, path: str, cell: str | None, timeout_s: float | None, turn: Callable[[], Awaitable[Turn]]
    ) -> LiveSocket:
        place = self._place("ws") if cell is None else cell_place(find_cell(self.view, cell).ws_url, socket=True)
        from okxdoctor.targets.live.conversation import Opener

        opener = Opener(
            route=self._route(place.host, place.port, "ws"),
            trust=self._trust,
            ledger=self._ledger,
            turn=turn,
            veil=self._veil,
            credentials=self._config.credentials,
            clock=self._config.clock,
            headers=self._config.extra_headers,
            places=self._probes,
        )
        limit_s = self._config.timeout_s if timeout_s is None else timeout_s
        socket = await opener.open(place, f"{place.base}/{path}", timeout_s=limit_s)
        self._sockets.add(socket)
        return socket

    # ---- places and routes --------------------------------------------------------------------

    def _place(self, role: Role) -> Place:
        return place_of(self.view.rest if role == "rest" else self.view.ws)

    def _route(self, host: str, port: int, role: Role) -> Route:
        key = (host, port, role)
        # Two roles on one host share the way unless a proxy stands in one of them.
        if self._proxies["rest"] == self._proxies["ws"]:
            key = (host, port, "rest")
        found = self._routes.get(key)
        if found is None:
            found = self._routes[key] = Route(
                host,
                port,
                proxy=self._proxies[role],
                resolve=self._resolver.system,
                proxy_tls=self._proxy_tls,
                ledger=self._ledger,
                timeout_s=self._config.timeout_s,
            )
        return found

    async def _proxy_tls(self) -> ssl.SSLContext:
        return (await self._trust.in_use()).context


def _secrets(config: TargetConfig) -> tuple[str, ...]:
    found: list[str] = []
    if config.credentials is not None:
        parts = (config.credentials.api_key, config.credentials.secret_key, config.credentials.passphrase)
        found += [part.reveal() for part in parts]
    for url in (config.rest_proxy, config.ws_proxy):
        if url:
            found.append(proxy_address(url.reveal()).password.reveal())
    return tuple(found)


def _forget(task: asyncio.Future[Lookup]) -> None:
    # The answer is in the resolver's memory; whoever needs it asks there.
    if not task.cancelled():
        task.exception()
