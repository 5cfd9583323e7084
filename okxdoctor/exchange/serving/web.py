"""REST over HTTP/1.1: from an aiohttp request to the core and back, with what stands before the exchange."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary, WeakSet

from aiohttp import web
from multidict import CIMultiDict

from okxdoctor.exchange.core import http_edge, redraft
from okxdoctor.exchange.core.circumstances import HEALTHY, Circumstances, HttpEdge, Page
from okxdoctor.exchange.core.clock import http_date
from okxdoctor.exchange.core.exchange import Exchange
from okxdoctor.exchange.core.protocol import Reply, Request
from okxdoctor.exchange.core.rest import PREFIX, ROUTES, respond
from okxdoctor.exchange.core.sites import HOSTS
from okxdoctor.exchange.net.service import forget_frames

from . import spoiled
from .express import Express
from .log import WireLog
from .turns import Turns

if TYPE_CHECKING:
    from okxdoctor.exchange.faults.occasions import Occasions

    from .sockets import Sockets


class _Forgetful(logging.Handler):
    """Shows nothing, and lets go of what an error holds: frames with all that a peer has sent, in a cycle."""

    def handle(self, record: logging.LogRecord) -> bool:
        if record.exc_info is not None and record.exc_info[1] is not None:
            forget_frames(record.exc_info[1])
            record.exc_info = None
        return False


_QUIET = logging.getLogger("okxdoctor.exchange.http")
"""What hostile peers send is not worth a traceback on somebody's terminal; defects are kept in the wire log."""
_QUIET.setLevel(logging.DEBUG)
_QUIET.addHandler(_Forgetful())
_QUIET.propagate = False

PATIENCE_S = 20.0
"""Real seconds in which a connection must bring its first request head, and a request its body."""
KEEPALIVE_S = 75.0
"""Real seconds for which a connection may be idle between two requests."""
WS_PATHS = ("public", "private", "business")

_FIXED: CIMultiDict[str] = CIMultiDict(
    {
        "Server": "cloudflare",
        "cf-cache-status": "DYNAMIC",
        "Cache-Control": "no-cache, no-store, max-age=0, must-revalidate",
        "strict-transport-security": "max-age=63072000; includeSubdomains; preload",
        "x-content-type-options": "nosniff",
        "x-brokerid": "0",
    }
)


_FIXED_BLOCK = "".join(f"{name}: {value}\r\n" for name, value in _FIXED.items())


@dataclass(slots=True, kw_only=True)
class Front:
    """Everything one listener needs: the exchange, the site that its port stands for, the log."""

    exchange: Exchange
    site: str
    log: WireLog
    sockets: Sockets
    occasions: Occasions
    pace: Turns
    """Whose turn it is, of all that is not ordinary."""
    plain: bool = False
    control: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]] | None = None
    cache: http_edge.TimeCache = field(default_factory=http_edge.TimeCache)
    server: web.Server | None = None
    direct: set[asyncio.Transport] = field(default_factory=set)
    """Open connections that are not in aiohttp's hands: HTTP/2, and ordinary requests over HTTP/1.1."""
    unheard: dict[asyncio.Transport, None] = field(default_factory=dict)
    """Those of them that have brought no request yet, oldest first."""
    heard: WeakSet[asyncio.BaseTransport] = field(default_factory=WeakSet)
    """HTTP/1.1 connections whose request is being answered."""
    served: WeakKeyDictionary[asyncio.BaseTransport, float] = field(default_factory=WeakKeyDictionary)
    """HTTP/1.1 connections on which a request was answered, and when the last one was (the loop's time)."""
    turns: WeakKeyDictionary[asyncio.BaseTransport, int] = field(default_factory=WeakKeyDictionary)
    """Which of the addresses behind a NAT a connection leaves by, as a running number."""
    turned: int = 0
    rays: int = 0

    def factory(self) -> Callable[[], asyncio.BaseProtocol]:
        """Makes the connections of a listener: HTTP/1.1, or HTTP/2 where a TLS handshake agreed on it."""
        self.listener()
        return lambda: ByAgreement(self)

    def listener(self) -> web.Server:
        """Makes HTTP/1.1 connections."""
        if self.server is None:
            self.server = web.Server(
                self.guarded, access_log=None, logger=_QUIET, keepalive_timeout=KEEPALIVE_S, tcp_keepalive=False,
                handler_cancellation=True, max_line_size=16_384, max_headers=128, max_field_size=16_384,
            )  # fmt: skip
        return self.server

    async def close(self) -> None:
        """End every connection of this listener."""
        for transport in tuple(self.direct):
            transport.close()  # says goodbye, where there is TLS
            transport.abort()
        if self.server is not None:
            await self.server.shutdown(0.1)

    def shed(self) -> None:
        """Let go of the older half of those who have said nothing yet."""
        for transport in list(self.unheard)[: len(self.unheard) // 2 + 1]:
            transport.abort()

    @property
    def patience_s(self) -> float:
        """Real seconds that a request may take to arrive."""
        return PATIENCE_S

    def waits(self) -> bool:
        """Whether requests do not, or not all, get their answer at once in the present circumstances."""
        edge = self.exchange.world.edge
        return (edge is not HEALTHY.edge and not edge.at_once) or self.occasions.choose("request")

    def is_special(self, target: str) -> bool:
        """Whether ``target`` is no request to the exchange's REST side."""
        return not target.startswith(PREFIX) and (target.startswith("/__control__") or _channel(target) is not None)

    def inherit(self, transport: asyncio.Transport, *, served: bool) -> web.RequestHandler:
        """Let aiohttp serve a connection from here on; ``served``: requests were answered on it before."""
        heir, loop = self.listener()(), asyncio.get_running_loop()
        loop.call_later(PATIENCE_S, self.lose_patience, transport)
        if served:
            # A while ago, so that what is under way now is due within the patience.
            self.served[transport] = loop.time() - KEEPALIVE_S
        transport.set_protocol(heir)
        heir.connection_made(transport)
        return heir

    def lose_patience(self, transport: asyncio.BaseTransport) -> None:
        """Cut a connection that has not brought a whole request head in its time, and look again later if it has."""
        if not isinstance(transport, asyncio.Transport) or transport.is_closing():
            return
        loop = asyncio.get_running_loop()
        left_s = KEEPALIVE_S if transport in self.heard else 0.0
        if transport not in self.heard and transport in self.served:
            # Between two requests a client may be idle for a while.
            left_s = self.served[transport] + KEEPALIVE_S + PATIENCE_S - loop.time()
        if left_s <= 0:
            transport.abort()
        else:
            loop.call_later(left_s, self.lose_patience, transport)

    async def guarded(self, request: web.BaseRequest) -> web.StreamResponse:
        """``handle``, with a defect of the exchange told apart from what clients do to it."""
        if request.transport is not None:
            self.heard.add(request.transport)
        if request.transport in self.served:
            await self.pace.turn()  # the first request has had it when its connection came here
        try:
            return await self.handle(request)
        except (web.HTTPException, ConnectionError):
            raise
        except Exception as defect:
            self.log.defects.append(f"{request.method} {request.path}: {defect!r}")
            raise
        finally:
            if (transport := request.transport) is not None:
                self.heard.discard(transport)
                self.served[transport] = asyncio.get_running_loop().time()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """One request of any kind."""
        target = request.raw_path
        if self.control is not None and target.startswith("/__control__"):
            return await self.control(request)
        site, environment = self.place(request.headers.get("Host", ""))
        world = self.meets()
        edge, peer = world.edge, self.seen(request.remote, world, request.transport)
        channel = _channel(target)
        page = edge.page_for(request.headers.get("User-Agent", ""))
        if page is not None:
            return self._page(request, page, site, peer)
        if edge.stall == "headers":
            await asyncio.sleep(spoiled.FOR_EVER_S)
        if edge.cut in ("reset", "close") or (edge.cut_reused and request.transport in self.served):
            return await spoiled.cut(request, reset=edge.cut == "reset")
        if edge.delay_ms and channel is None:
            await asyncio.sleep(edge.delay_ms / 1000)
        if channel is not None:
            path, demo = channel
            met = self.occasions.meet("session")
            world = self.occasions.world(world, met)
            if world.channels.upgrade is None and request.headers.get("Upgrade", "").lower() == "websocket":
                return await self.sockets.serve(request, site, "demo" if demo else environment, path, peer, met)
            return await self._no_upgrade(request, site, peer, world)
        try:
            async with asyncio.timeout(PATIENCE_S):
                body = await request.read() if request.body_exists else b""
        except TimeoutError:
            return self._response(Reply(status=408, body=b'{"msg":"Request Timeout","code":"408"}'))
        except web.HTTPRequestEntityTooLarge:
            return self._response(Reply(status=413, body=b'{"msg":"Payload Too Large","code":"413"}'))
        headers = {name.lower(): value for name, value in request.headers.items()}
        asked = Request(method=request.method, target=target, headers=headers, body=body, peer=peer)
        reply = self.reply(site, asked, world)
        if edge.at_once:
            return self._response(reply)
        return await self._spoiled(request, reply, edge)

    def meets(self) -> Circumstances:
        """The circumstances that the request of this moment meets."""
        return self.occasions.world(self.exchange.world, self.occasions.meet("request"))

    def reply(self, site: str, request: Request, world: Circumstances) -> Reply:
        """The answer as it leaves the edge: what stands before the exchange, the exchange, and back."""
        with self.exchange.under(world):
            return self.replied(site, request, world, self.exchange.clock.now_ms())

    def replied(self, site: str, request: Request, world: Circumstances, now_ms: int) -> Reply:
        """``reply`` where ``world`` is the exchange's, to a request that has come at ``now_ms``."""
        if world.edge is HEALTHY.edge and not world.redrafts and self.cache.reply is None:
            incoming, reply = request, respond(self.exchange, site, request)
        else:
            incoming = http_edge.arriving(world.edge, request)
            reply = respond(self.exchange, site, incoming)
            reply = http_edge.cached(world.edge, self.cache, request.target, now_ms, reply)
            reply = http_edge.leaving(world.edge, redraft.rest(world.redrafts, request.target, reply))
        if world.budgets.headers is not None:
            reply = self._budget_headers(reply, incoming)
        self.log.add(
            at_ms=now_ms, kind="rest", site=site, peer=request.peer, method=request.method,
            target=request.target, status=reply.status, headers=tuple(request.headers), body=request.body,
            answer=reply.body,
        )  # fmt: skip
        return reply

    def place(self, authority: str) -> tuple[str, str]:
        """Site and environment of a Host header; an address stands for the site of the port."""
        host = authority.rpartition(":")[0] or authority
        return HOSTS.get(host.strip("[]").lower(), (self.site, "live"))

    def seen(self, peer: str | None, world: Circumstances, connection: asyncio.BaseTransport | None = None) -> str:
        """The address that the exchange sees."""
        if world.seen_address is not None:
            return world.seen_address
        if world.seen_in_turn and connection is not None:
            if connection not in self.turns:
                self.turns[connection] = self.turned
                self.turned += 1
            return world.seen_in_turn[self.turns[connection] % len(world.seen_in_turn)]
        return (peer or "127.0.0.1").removeprefix("::ffff:").partition("%")[0]

    def headers(self, reply: Reply) -> CIMultiDict[str]:
        """The header block of recorded answers: the CDN's and the gateway's."""
        headers = CIMultiDict(_FIXED)
        headers["Date"] = http_date(self.exchange.clock.now_ms())
        headers["Content-Type"] = reply.content_type
        headers["CF-RAY"] = self._ray()
        for name, value in reply.headers:
            headers[name] = value
        return headers

    def header_block(self, reply: Reply, now_ms: int) -> str:
        """``headers`` as they are written at ``now_ms``."""
        if reply.headers:
            return "".join(f"{name}: {value}\r\n" for name, value in self.headers(reply).items())
        date = http_date(now_ms)
        return f"{_FIXED_BLOCK}Date: {date}\r\nContent-Type: {reply.content_type}\r\nCF-RAY: {self._ray()}\r\n"

    def _ray(self) -> str:
        self.rays += 1
        return http_edge.ray_id(self.exchange.seed * 7919 + self.rays * 0x9E3779B97F4A7C15)

    def _response(self, reply: Reply) -> web.Response:
        return web.Response(status=reply.status, body=reply.body, headers=self.headers(reply))

    def _page(self, request: web.BaseRequest, page: Page, site: str, peer: str) -> web.Response:
        self.log_page(request.method, request.raw_path, page, site, peer)
        return web.Response(status=page.status, body=page.body, headers=self.page_headers(page))

    def log_page(self, method: str, target: str, page: Page, site: str, peer: str) -> None:
        self.log.add(
            at_ms=self.exchange.clock.now_ms(), kind="rest", site=site, peer=peer, method=method, target=target,
            status=page.status, detail="page",
        )  # fmt: skip

    def page_headers(self, page: Page) -> CIMultiDict[str]:
        """The header block of a page that did not come from the exchange."""
        headers: CIMultiDict[str] = CIMultiDict(
            {
                "Date": http_date(self.exchange.clock.now_ms()),
                "Content-Type": page.content_type,
                "Server": page.server,
                "Cache-Control": "private, max-age=0, no-store",
            }
        )
        if page.ray:
            headers["CF-RAY"] = self._ray()
        for name, value in page.headers:
            headers[name] = value
        return headers

    async def _no_upgrade(
        self, request: web.BaseRequest, site: str, peer: str, world: Circumstances
    ) -> web.StreamResponse:
        how = world.channels.upgrade
        if how == "hang":
            await asyncio.sleep(3_600)
        if how == "close" and request.transport is not None:
            request.transport.close()
        # Without an Upgrade header (never sent, or lost on the way) the gateway sees a plain GET (shape assumed).
        status, text = {"refuse": (403, b"Forbidden"), "redirect": (302, b"")}.get(how or "", (400, b"Bad Request"))
        self.log.add(
            at_ms=self.exchange.clock.now_ms(),
            kind="ws-open",
            site=site,
            peer=peer,
            target=request.raw_path,
            status=status,
        )
        page = (("Location", "https://www.okx.com/"),) if how == "redirect" else ()
        return self._response(Reply(status=status, body=text, content_type="text/plain; charset=utf-8", headers=page))

    async def _spoiled(self, request: web.BaseRequest, reply: Reply, edge: HttpEdge) -> web.StreamResponse:
        """Send an answer as the circumstances let it arrive."""
        headers = self.headers(reply)
        if edge.stall == "drip":
            return await spoiled.drip(request, reply, headers)
        if edge.stall == "body" or edge.cut == "half":
            response = await spoiled.send_half(request, reply, headers)
            if edge.stall == "body":
                await asyncio.sleep(spoiled.FOR_EVER_S)
            await spoiled.cut(request, reset=False)
            return response
        if edge.body_ms:
            return await spoiled.send_slowly(request, reply, headers, edge.body_ms / 1000)
        return self._response(reply)

    def _budget_headers(self, reply: Reply, request: Request) -> Reply:
        """Rate-limit headers that contradict; nothing of the kind is sent otherwise."""
        from dataclasses import replace

        route = ROUTES.get((request.method, request.target.partition("?")[0]))
        if route is None or route.budget is None:
            return reply
        limit, self.rays = route.budget.limit, self.rays + 1
        used, shown = self.rays % limit + 1, limit
        match self.exchange.world.budgets.headers:
            case "stuck":
                used = 1
            case "over":
                used = limit + 7
            case "limit":
                shown = limit * 3 + 1
            case None:
                return reply
        return replace(
            reply, headers=(*reply.headers, ("X-RateLimit-Limit", str(shown)), ("X-RateLimit-Used", str(used)))
        )


class ByAgreement(asyncio.Protocol):
    """Hands a new connection to the protocol that its handshake, if any, agreed on (ALPN)."""

    def __init__(self, front: Front) -> None:
        self._front = front

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        agreed = transport.get_extra_info("ssl_object")
        protocol: asyncio.Protocol
        if agreed is not None and agreed.selected_alpn_protocol() == "h2":
            from .h2 import Http2

            protocol = Http2(self._front)
        else:
            protocol = Express(self._front)
        if isinstance(transport, asyncio.Transport):
            transport.set_protocol(protocol)
        protocol.connection_made(transport)


def _channel(target: str) -> tuple[str, bool] | None:
    """Path (public, private, business) of a WebSocket target, and whether it is the demo one.

    ``/ws/v5/public`` is what OKX has. ``/demo/ws/v5/public`` is demo trading for clients that use an address
    instead of a name; a base that already ends in ``/ws/v5`` may be appended to, as some clients do.
    """
    path = target.partition("?")[0].rstrip("/")
    demo = path.startswith("/demo/")
    parts = path.removeprefix("/demo").strip("/").split("/")
    if parts[-1] not in WS_PATHS or len(parts) > 5:
        return None
    return (parts[-1], demo) if "/".join(parts[:-1]) in ("ws/v5", "ws/v5/ws/v5", "") else None
