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
from collections.abc import Callable, Iterable
from datetime import datetime

from okxdoctor.exchange.net.ca import Authority
from okxdoctor.exchange.net.delay import DelayedForwarder, Distance
from okxdoctor.exchange.net.dns import DnsServer
from okxdoctor.exchange.net.ntp import NtpServer
from okxdoctor.exchange.net.plan import CONTROL_NAME, NetPlan, PortState, ProxyPlan, net_plan
from okxdoctor.exchange.net.proxy import HttpProxy, ProxyBehaviour
from okxdoctor.exchange.net.pump import close_politely
from okxdoctor.exchange.net.service import Acceptor, StreamService, serve_stream
from okxdoctor.exchange.net.tcp import FilteredPort, HeldPort
from okxdoctor.exchange.net.tls import HEALTHY, Address, ContextFront, RawFront, ServerTls, tls_front

_ISSUER_PATH = "/issuing.cer"
_PORT_ATTEMPTS = 20


class TlsPort:
    """One TLS port of the exchange: the real server behind a context, a raw front, closed, or filtered.

    ``protocol_factory``  makes the real server's connections (an ``aiohttp.web.Server`` is one)
    ``names``             in the certificate: DNS names and IP addresses
    ``upstream``          plain listener of the same server, for fronts that end TLS themselves

    The number is held on ``::1`` too, where nothing ever listens.
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
    ) -> None:
        self._authority = authority
        self._factory = protocol_factory
        self._names = tuple(names)
        self._upstream = upstream
        self._alpn = alpn
        self._held, self._held_v6 = _hold_both(host, port)
        self.host = host
        self.port = self._held.port
        self._acceptor: Acceptor | None = None
        self._filtered: FilteredPort | None = None
        self._front: ContextFront | RawFront | None = None
        self._near: Acceptor | None = None
        self._far: DelayedForwarder | None = None

    async def apply(self, state: PortState, wish: ServerTls = HEALTHY, *, round_trip_s: float = 0.0) -> None:
        """Put the port into this state; new connections meet it, also those that wait to be accepted.

        A change of ``wish`` closes the port at no moment.  Raises ``NotFiltered`` where the kernel does not let a
        port be filtered; the port is closed then.
        """
        if state != "filtered" and self._filtered is not None:
            self._filtered.close()
            self._filtered = None
        await self._go_away(round_trip_s if state == "open" else 0.0)
        if state == "open":
            self._front = tls_front(
                wish, authority=self._authority, names=self._names, upstream=self._upstream, alpn=self._alpn
            )
            if self._acceptor is None:
                self._acceptor = Acceptor(self._held.listen(), self._serve)
            return
        if self._acceptor is not None:
            await self._acceptor.close()
            self._acceptor = None
        if state == "filtered" and self._filtered is None:
            self._filtered = self._held.filter()

    async def close(self) -> None:
        """Close the port and end the handshakes that are going on; established connections are the real server's."""
        await self.apply("closed")
        self._held.close()
        if self._held_v6 is not None:
            self._held_v6.close()

    async def _go_away(self, round_trip_s: float) -> None:
        """Put the servers behind a distance: a port nearby, and a forwarder between it and the public one."""
        at = self._far.distance.one_way_s * 2 if self._far is not None else 0.0
        if at == round_trip_s:
            return
        self._far = None
        if self._near is not None:
            await self._near.close()
            self._near = None
        if round_trip_s:
            listener = socket.create_server((self.host, 0))
            self._far = DelayedForwarder(listener.getsockname()[:2], Distance(one_way_s=round_trip_s / 2))
            self._near = Acceptor(listener, self._serve_front)

    async def _serve(self, sock: socket.socket) -> None:
        if self._far is not None:
            await serve_stream(sock, self._far.handle)
        else:
            await self._serve_front(sock)

    async def _serve_front(self, sock: socket.socket) -> None:
        match self._front:
            case ContextFront(context=context):
                loop = asyncio.get_running_loop()
                try:
                    await loop.connect_accepted_socket(self._factory, sock, ssl=context)
                except BaseException:
                    sock.close()
                    raise
            case RawFront(handle=handle):
                await serve_stream(sock, handle)
            case None:
                sock.close()


class Edge:
    """Name servers, time servers, proxy, AIA and the exchange's TLS ports, by one plan.

    ``names``  host names of the exchange, lower case
    ``clock``  Unix seconds; what the time servers tell
    ``now``    middle of the certificates' validity; default: real UTC now
    """

    def __init__(
        self,
        *,
        names: Iterable[str],
        clock: Callable[[], float] = time.time,
        now: datetime | None = None,
        host: str = "127.0.0.1",
    ) -> None:
        self.names = tuple(names)
        self.host = host
        self.plan: NetPlan = net_plan((), names=self.names, address=host)
        self._aia_port = HeldPort(host)
        self._proxy_port = HeldPort(host)
        self.legacy_port = HeldPort(host)
        """The port that stands for 8443: held, never open."""
        self.authority = Authority(aia_url=f"http://{host}:{self._aia_port.port}{_ISSUER_PATH}", now=now)
        self.program_dns = DnsServer(self.plan.program_dns, host=host)
        self.independent_dns = DnsServer(self.plan.independent_dns, host=host)
        self.ntp = tuple(NtpServer(clock, each, host=host) for each in self.plan.ntp)
        self.proxy = HttpProxy(dict.fromkeys((*self.names, CONTROL_NAME), host))
        self.proxy_user = "operator"
        self.proxy_password = secrets.token_hex(16)
        self._proxy_service: StreamService | None = None
        self._aia_service = StreamService(self._serve_issuer)
        self._tls_ports: list[TlsPort] = []

    async def start(self) -> None:
        """Start the servers in the healthy plan (before ``apply``)."""
        await self._aia_service.start(listener=self._aia_port.listen())
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
        )
        self._tls_ports.append(opened)
        await opened.apply(self.plan.tls_ports, self.plan.tls, round_trip_s=self.plan.round_trip_s)
        return opened

    async def apply(self, plan: NetPlan) -> None:
        """Make ``plan`` true; what it does not change is not touched."""
        self.program_dns.answers = plan.program_dns
        self.independent_dns.answers = plan.independent_dns
        for server, behaviour in zip(self.ntp, plan.ntp, strict=True):
            server.behaviour = behaviour
        await self._apply_proxy(plan.proxy)
        for port in self._tls_ports:
            await port.apply(plan.tls_ports, plan.tls, round_trip_s=plan.round_trip_s)
        self.plan = plan

    @property
    def proxy_url(self) -> str:
        """As the client of the exchange has it in its configuration (``plan.proxy.in_use`` says whether it does)."""
        return f"{self.plan.proxy.url_scheme}://{self.host}:{self._proxy_port.port}"

    async def close(self) -> None:
        """End every server and connection; safe after a start that failed half-way."""
        for port in self._tls_ports:
            await port.close()
        if self._proxy_service is not None:
            await self._proxy_service.close()
        await self._aia_service.close()
        await self.program_dns.close()
        await self.independent_dns.close()
        for server in self.ntp:
            await server.close()
        for held in (self._aia_port, self._proxy_port, self.legacy_port):
            held.close()

    async def _apply_proxy(self, plan: ProxyPlan) -> None:
        self.proxy.behaviour = ProxyBehaviour(
            user=self.proxy_user if plan.demands_credentials else None,
            password=self.proxy_password,
            refusal=plan.refusal,
        )
        is_open = self._proxy_service is not None
        if plan.port == "open" and not is_open:
            self._proxy_service = StreamService(self.proxy.handle)
            await self._proxy_service.start(listener=self._proxy_port.listen())
        elif plan.port != "open" and self._proxy_service is not None:
            await self._proxy_service.close()
            self._proxy_service = None

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
    """One number on ``host`` and on ``::1``; without IPv6 on this machine only on ``host``."""
    if not _has_ipv6_loopback():
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
