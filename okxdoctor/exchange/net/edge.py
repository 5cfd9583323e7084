"""Everything around the exchange started on loopback and switched, at any time, by a ``NetPlan``.

    edge = Edge(names=HOST_NAMES, clock=clock.time)
    await edge.start()
    port = edge.tls_port(protocol_factory=web_server, names=…, upstream=("127.0.0.1", plain_port))
    await edge.apply(net_plan(injected, names=HOST_NAMES))
    …
    await edge.close()

Connections that are open when a plan is applied are left alone; a plan speaks of new ones.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
import time
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal

from okxdoctor.exchange.faults.model import Unit
from okxdoctor.exchange.net.ca import Authority
from okxdoctor.exchange.net.delay import NEAR, DelayedForwarder, Distance
from okxdoctor.exchange.net.dns import DnsAnswers, DnsServer
from okxdoctor.exchange.net.ntp import NtpBehaviour, NtpServer
from okxdoctor.exchange.net.plan import CONTROL_NAME, SIDE_ADDRESS, NetPlan, PortState, ProxyPlan, net_plan
from okxdoctor.exchange.net.proxy import HttpProxy
from okxdoctor.exchange.net.proxying import ProxyBehaviour
from okxdoctor.exchange.net.pump import close_politely
from okxdoctor.exchange.net.service import Acceptor, Handler, StreamService, netloc, serve_stream
from okxdoctor.exchange.net.socks import SocksProxy
from okxdoctor.exchange.net.tcp import FilteredPort, HeldPort, reset, stay_silent
from okxdoctor.exchange.net.tls import (
    HEALTHY,
    Address,
    ContextFront,
    RawFront,
    ServerTls,
    context_of,
    terminate,
    tls_front,
)

_ISSUER_PATH = "/issuing.cer"
_PORT_ATTEMPTS = 20
HANDSHAKE_S = 20.0
"""Real seconds for a TLS handshake."""


class TlsPort:
    """One TLS port of the exchange: the real server behind a context, a raw front, closed, or filtered.

    ``protocol_factory``  makes the real server's connections (an ``aiohttp.web.Server`` is one)
    ``names``             in the certificate: DNS names and IP addresses
    ``upstream``          plain listener of the same server, for fronts that end TLS themselves
    ``choose``            asked at each connection: the plan for this one alone, None for that of always
    ``short``             called when there is no descriptor for a connection
    ``turn``              awaited before each handshake of the real server, which costs the exchange's thread a lot

    The number is held on ``::1`` and, while something is said of it, on ``SIDE_ADDRESS``; nobody serves there, unless
    the plan opens IPv6.
    A port that is closed or filtered for some connections alone is one that resets or ignores them once the kernel
    has let them in: nobody else can refuse a single SYN without being root.
    """

    def __init__(
        self,
        *,
        authority: Authority,
        protocol_factory: Callable[[], asyncio.BaseProtocol],
        names: Iterable[str],
        upstream: Address | None = None,
        alpn: tuple[str, ...] = ("http/1.1",),
        host: str = "127.0.0.1",
        port: int = 0,
        choose: Callable[[], NetPlan | None] = lambda: None,
        short: Callable[[], None] = lambda: None,
        turn: Callable[[], Awaitable[None]] = lambda: asyncio.sleep(0),
    ) -> None:
        self._authority = authority
        self._short = short
        self._turn = turn
        self._shaking: dict[asyncio.Task[Any] | None, None] = {}
        self._choose = choose
        self._factory = protocol_factory
        self._names = tuple(names)
        self.upstream = upstream
        self._alpn = alpn
        self._held, self._held_v6 = _hold_both(host, port)
        self.host = host
        self.port = self._held.port
        self._acceptor: Acceptor | None = None
        self._acceptor_v6: Acceptor | None = None
        self._filtered: dict[str, FilteredPort] = {}
        self._side: HeldPort | None = None
        self._wish: ServerTls = HEALTHY
        self._near: Acceptor | None = None
        self._far: DelayedForwarder | None = None

    async def apply(self, plan: NetPlan) -> None:
        """Bring the port into the state of ``plan``; new connections meet it, also those that wait to be accepted.

        A change of certificates closes the port at no moment.  Raises ``NotFiltered`` where the kernel does not let
        a port be filtered; the port is closed then.
        """
        if plan.side_ports == "filtered" and self._side is None:
            self._side = HeldPort(SIDE_ADDRESS, self.port)
        self._filter("side", self._side, plan.side_ports)
        self._filter("ipv6", self._held_v6, plan.ipv6_ports)
        await self._serve_ipv6(plan.ipv6_ports == "open")
        if plan.tls_ports != "filtered":
            self._filter("own", self._held, plan.tls_ports)
        await self._go_away(plan.distance if plan.tls_ports == "open" else NEAR)
        if plan.tls_ports == "open":
            self._wish = plan.tls
            self._front(plan.tls)  # a certificate that cannot be made is an error here, not at the first connection
            if self._acceptor is None:
                self._acceptor = Acceptor(self._held.listen(), self._serve, short=self._short)
            return
        if self._acceptor is not None:
            await self._acceptor.close()
            self._acceptor = None
        self._filter("own", self._held, plan.tls_ports)

    async def _serve_ipv6(self, wanted: bool) -> None:
        """The same servers on ``::1``; where the machine has no IPv6 nobody is there."""
        if not wanted and self._acceptor_v6 is not None:
            await self._acceptor_v6.close()
            self._acceptor_v6 = None
        elif wanted and self._acceptor_v6 is None and self._held_v6 is not None:
            self._acceptor_v6 = Acceptor(self._held_v6.listen(), self._serve)

    def offer(self, alpn: tuple[str, ...]) -> None:
        """What the real server speaks, for connections from now on."""
        self._alpn = alpn

    def _filter(self, which: str, held: HeldPort | None, state: PortState) -> None:
        if state != "filtered" and which in self._filtered:
            self._filtered.pop(which).close()
        elif state == "filtered" and which not in self._filtered and held is not None:
            self._filtered[which] = held.filter()

    async def close(self) -> None:
        """Close the port and end the handshakes that are going on; established connections are the real server's."""
        if self._acceptor is not None:
            await self._acceptor.close()
            self._acceptor = None
        await self._serve_ipv6(False)
        await self._go_away(NEAR)
        for filtered in self._filtered.values():
            filtered.close()
        self._filtered.clear()
        for held in (self._held, self._held_v6, self._side):
            if held is not None:
                held.close()

    async def _go_away(self, distance: Distance) -> None:
        """Put the servers behind a distance: a port nearby, and a forwarder between it and the public one."""
        if distance == (self._far.distance if self._far is not None else NEAR):
            return
        self._far = None
        if self._near is not None:
            await self._near.close()
            self._near = None
        if distance != NEAR:
            family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
            listener = socket.create_server((self.host, 0), family=family)
            self._far = DelayedForwarder(listener.getsockname()[:2], distance)
            self._near = Acceptor(listener, self._serve_nearby)

    async def _serve(self, sock: socket.socket) -> None:
        if self._far is not None:
            await serve_stream(sock, self._far.handle)
        else:
            await self._serve_nearby(sock)

    async def _serve_nearby(self, sock: socket.socket) -> None:
        chosen = self._choose()
        if chosen is None:
            await self._serve_front(sock, self._front(self._wish))
        elif chosen.tls_ports == "open":
            await self._serve_front(sock, self._front(chosen.tls))
        else:
            await serve_stream(sock, reset if chosen.tls_ports == "closed" else stay_silent)

    def shed(self) -> None:
        """Give up the older half of the handshakes that are going on."""
        for task in list(self._shaking)[: len(self._shaking) // 2 + 1]:
            if task is not None:
                task.cancel()

    def _front(self, wish: ServerTls) -> ContextFront | RawFront:
        """Made for each connection, because certificates follow the clock; what is costly in it is kept."""
        return tls_front(wish, authority=self._authority, names=self._names, upstream=self.upstream, alpn=self._alpn)

    async def _serve_front(self, sock: socket.socket, front: ContextFront | RawFront) -> None:
        match front:
            case ContextFront(context=context):
                loop, task = asyncio.get_running_loop(), asyncio.current_task()
                self._shaking[task] = None
                try:
                    await self._turn()
                    await loop.connect_accepted_socket(
                        self._factory, sock, ssl=context, ssl_handshake_timeout=HANDSHAKE_S
                    )
                except BaseException:
                    sock.close()
                    raise
                finally:
                    del self._shaking[task]
            case RawFront(handle=handle):
                await serve_stream(sock, handle)


class Edge:
    """Name servers, time servers, proxy, AIA and the exchange's TLS ports, by one plan.

    ``names``  host names of the exchange, lower case
    ``clock``  Unix seconds; what the time servers tell, and what certificates are valid by, besides real time
    ``meets``  may be replaced: the plan that one occasion meets (its unit, and where), None for that of always
    ``short``  may be replaced: called when there is no descriptor for a connection
    ``turn``   may be replaced: awaited before each TLS handshake of the real servers
    """

    def __init__(
        self,
        *,
        names: Iterable[str],
        clock: Callable[[], float] = time.time,
        host: str = "127.0.0.1",
    ) -> None:
        self.names = tuple(names)
        self.host = host
        self.meets: Callable[[Unit, str], NetPlan | None] = lambda _unit, _place: None
        self.short: Callable[[], None] = lambda: None
        self.turn: Callable[[], Awaitable[None]] = lambda: asyncio.sleep(0)
        self.plan: NetPlan = net_plan((), names=self.names, address=host)
        self._aia_port = HeldPort(host)
        self._proxy_port = HeldPort(host)
        self.legacy_port = HeldPort(host)
        """The port that stands for 8443: held, never open."""
        self.authority = Authority(
            aia_url=f"http://{netloc(host, self._aia_port.port)}{_ISSUER_PATH}",
            times=lambda: (datetime.now(UTC), datetime.fromtimestamp(clock(), UTC)),
        )
        self.program_dns = DnsServer(self.plan.program_dns, host=host)
        self.independent_dns = DnsServer(self.plan.independent_dns, host=host)
        self.ntp = tuple(NtpServer(clock, each, host=host) for each in self.plan.ntp)
        self.proxy = HttpProxy({})
        self.socks = SocksProxy({})
        self._resolve_for_proxies(self.plan)
        self.proxy_user = "operator"
        self.proxy_password = secrets.token_hex(16)
        self._proxy_service: StreamService | None = None
        self._proxy_filtered: FilteredPort | None = None
        self._aia_service: StreamService | None = None
        self._tls_ports: list[TlsPort] = []
        self._choose_by_query()

    async def start(self) -> None:
        """Start the servers in the healthy plan (before ``apply``)."""
        await self._apply_aia(self.plan.aia_port)
        await self.program_dns.start()
        await self.independent_dns.start()
        for server in self.ntp:
            await server.start()
        await self._apply_proxy(self.plan.proxy)

    async def tls_port(
        self,
        *,
        protocol_factory: Callable[[], asyncio.BaseProtocol],
        names: Iterable[str],
        upstream: Address | None = None,
        alpn: tuple[str, ...] = ("http/1.1",),
        port: int = 0,
    ) -> TlsPort:
        """Open one more TLS port in the state of the present plan.  Raises OSError if ``port`` is taken."""
        opened = TlsPort(
            authority=self.authority,
            protocol_factory=protocol_factory,
            names=names,
            upstream=upstream,
            alpn=alpn,
            host=self.host,
            port=port,
            choose=lambda: self.meets("connection", ""),
            short=self._shed,
            turn=lambda: self.turn(),
        )
        self._tls_ports.append(opened)
        await opened.apply(self.plan)
        return opened

    def _shed(self) -> None:
        """Let go of whoever came first and has said nothing yet: there is no descriptor for who comes now."""
        for port in self._tls_ports:
            port.shed()
        self.short()

    async def apply(self, plan: NetPlan) -> None:
        """Make ``plan`` true; what it does not change is not touched."""
        self.program_dns.answers = plan.program_dns
        self.independent_dns.answers = plan.independent_dns
        for server, behaviour in zip(self.ntp, plan.ntp, strict=True):
            server.behaviour = behaviour
        self._resolve_for_proxies(plan)
        await self._apply_proxy(plan.proxy)
        await self._apply_aia(plan.aia_port)
        for port in self._tls_ports:
            await port.apply(plan)
        self.plan = plan

    def offer(self, alpn: tuple[str, ...]) -> None:
        """What the real servers speak (ALPN), for connections from now on."""
        for port in self._tls_ports:
            port.offer(alpn)

    @property
    def proxy_url(self) -> str:
        """As the client of the exchange has it in its configuration (``plan.proxy.in_use`` says whether it does)."""
        plan = self.plan.proxy
        # Another password at each start is another than the right one.
        login = f"{self.proxy_user}:{secrets.token_hex(4)}@" if plan.url_credentials else ""
        return f"{plan.url_scheme}://{login}{netloc(plan.url_host or self.host, self._proxy_port.port)}"

    async def close(self) -> None:
        """End every server and connection; safe after a start that failed half-way."""
        for port in self._tls_ports:
            await port.close()
        await self._apply_proxy(ProxyPlan(port="closed"))
        await self._apply_aia("closed")
        await self.program_dns.close()
        await self.independent_dns.close()
        for server in self.ntp:
            await server.close()
        for held in (self._aia_port, self._proxy_port, self.legacy_port):
            held.close()

    def _choose_by_query(self) -> None:
        """Name and time servers ask at each query what it meets; each counts its own."""

        def answers(place: Literal["program", "independent"]) -> DnsAnswers | None:
            met = self.meets("lookup", place)
            if met is None:
                return None
            return met.program_dns if place == "program" else met.independent_dns

        def behaviour(number: int) -> NtpBehaviour | None:
            met = self.meets("packet", str(number))
            return None if met is None else met.ntp[number]

        self.program_dns.choose = partial(answers, "program")
        self.independent_dns.choose = partial(answers, "independent")
        for number, server in enumerate(self.ntp):
            server.choose = partial(behaviour, number)

    def _resolve_for_proxies(self, plan: NetPlan) -> None:
        """A proxy stands elsewhere: it resolves as those do whom nobody on this machine configured."""
        records = plan.independent_dns.records
        self.proxy.hosts = self.socks.hosts = {name: records.get(name, ()) for name in (*self.names, CONTROL_NAME)}

    async def _apply_proxy(self, plan: ProxyPlan) -> None:
        if plan.port != "filtered" and self._proxy_filtered is not None:
            self._proxy_filtered.close()
            self._proxy_filtered = None
        if plan.port == "open" and self._proxy_service is None:
            self._proxy_service = StreamService(self._serve_proxy)
            await self._proxy_service.start(listener=self._proxy_port.listen())
        elif plan.port != "open" and self._proxy_service is not None:
            await self._proxy_service.close()
            self._proxy_service = None
        if plan.port == "filtered" and self._proxy_filtered is None:
            self._proxy_filtered = self._proxy_port.filter()

    async def _serve_proxy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        plan = (self.meets("tunnel", "") or self.plan).proxy
        if plan.port != "open":
            # For this connection alone, which the kernel has let in already.
            await (reset if plan.port == "closed" else stay_silent)(reader, writer)
            return
        behaviour = ProxyBehaviour(
            user=self.proxy_user if plan.demands_credentials else None,
            password=self.proxy_password,
            refusal=plan.refusal,
            hang=plan.hang,
            hang_up=plan.hang_up,
            inspect=self._inspection() if plan.inspects else None,
        )
        await (self.socks if plan.speaks == "socks5" else self.proxy).serve(reader, writer, behaviour)

    def _inspection(self) -> Handler:
        """Ends the TLS of a tunnel with a certificate of its own, and passes on what was inside."""
        upstream = next((port.upstream for port in self._tls_ports), None)
        wish = ServerTls(issuer="inspection", sends="chain-and-root")
        context = context_of(wish, authority=self.authority, names=self.names, alpn=("http/1.1",))
        return terminate(context, upstream)

    async def _apply_aia(self, state: PortState) -> None:
        if state == "open" and self._aia_service is None:
            self._aia_service = StreamService(self._serve_issuer)
            await self._aia_service.start(listener=self._aia_port.listen())
        elif state != "open" and self._aia_service is not None:
            await self._aia_service.close()
            self._aia_service = None

    async def _serve_issuer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One HTTP answer: the intermediate, as AIA promises it (RFC 5280 §4.2.2.1)."""
        async with asyncio.timeout(5):
            request = await reader.readuntil(b"\r\n\r\n")
        if request.startswith(f"GET {_ISSUER_PATH} ".encode()):
            status, body = "200 OK", self.authority.issuing_der
        else:
            status, body = "404 Not Found", b""
        head = (
            f"HTTP/1.1 {status}\r\nContent-Type: application/pkix-cert\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        writer.write(head.encode() + body)
        await writer.drain()
        await close_politely(reader, writer)


def _hold_both(host: str, port: int) -> tuple[HeldPort, HeldPort | None]:
    """One number on ``host`` and on ``::1``; only on ``host`` where that is IPv6, or where the machine has none."""
    if ":" in host or not _has_ipv6_loopback():
        return HeldPort(host, port), None
    for _ in range(_PORT_ATTEMPTS):
        held = HeldPort(host, port)
        with contextlib.suppress(OSError):
            return held, HeldPort("::1", held.port)
        if port:
            return held, None  # asked for by number: somebody else has it on ::1, which is none of our business
        held.close()
    raise OSError("no port number is free on both IPv4 and IPv6 loopback")


def _has_ipv6_loopback() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True
