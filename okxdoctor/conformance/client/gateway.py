"""The wire between the program and the exchange: it relays, writes down, and is where circumstances of a line happen.

REST and WebSocket have doors of their own, so that one of them can show a bad certificate. What passes is not
touched: targets, headers and bodies reach the exchange byte for byte.
"""

from __future__ import annotations

import asyncio
import gzip
import itertools
import logging
import ssl
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web

from okxdoctor.conformance.client.doors import Door
from okxdoctor.conformance.client.links import BODY, RelayedLink
from okxdoctor.conformance.client.record import Record
from okxdoctor.conformance.client.rest_circumstances import STRANGER, Change, Loss, Page, Script
from okxdoctor.conformance.client.trace import (
    Answered,
    Asked,
    Known,
    Opened,
    Played,
    Unanswered,
    decoded,
)
from okxdoctor.conformance.client.upstream import Unreachable, ask
from okxdoctor.conformance.client.ws_circumstances import Circumstance
from okxdoctor.okx.signing import json_body, signed_headers
from okxdoctor.okx.timestamps import iso_from_epoch_ms

HOST = "127.0.0.1"
_QUIET = logging.getLogger("okxdoctor.conformance.gateway")
_QUIET.addHandler(logging.NullHandler())
_QUIET.propagate = False
ANSWER = 6_000
SLOW_S = 0.4
FOREVER_S = 3_600.0


class Gateway:
    """Both doors and everything behind them, for one round."""

    def __init__(
        self,
        *,
        record: Record,
        rest_url: str,
        ws_url: str,
        scripts: Sequence[Script] = (),
        circumstances: Sequence[Circumstance] = (),
        known: Known,
        tls: ssl.SSLContext | None,
        rest_tls: tuple[str, ssl.SSLContext] | None = None,
        ws_tls: tuple[str, ssl.SSLContext] | None = None,
    ) -> None:
        split = urlsplit(rest_url)
        self.record = record
        self.scripts = tuple(scripts)
        self.circumstances = tuple(circumstances)
        self.defects: list[str] = []
        self._known = known
        self._place = (split.hostname or HOST, split.port or 80)
        self._ws_base = ws_url.removesuffix("/ws/v5")
        self._numbers = itertools.count(1)
        self._conns = itertools.count(1)
        self._server = web.Server(
            self._guarded,
            access_log=None,
            logger=_QUIET,
            keepalive_timeout=75,
            handler_cancellation=True,
            max_line_size=16_384,
            max_headers=128,
            max_field_size=16_384,
        )
        self._session: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.links: set[RelayedLink] = set()
        shown, context = rest_tls or ("healthy", tls)
        self.rest = Door("rest", record, self._server, self._conns, context=context, shown=shown)
        shown, context = ws_tls or ("healthy", tls)
        self.ws = Door("ws", record, self._server, self._conns, context=context, shown=shown)
        self._lifted = itertools.count(1)
        self._stranger = Door(
            "rest",
            record,
            web.Server(self._elsewhere, access_log=None, logger=_QUIET),
            self._conns,
            context=None,
            shown="stranger",
        )

    async def open(self) -> None:
        self._session = aiohttp.ClientSession()
        await self.rest.open(HOST)
        await self.ws.open(HOST)
        await self._stranger.open(HOST)

    async def close(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()
        await self.rest.close()
        await self.ws.close()
        await self._stranger.close()
        await self._server.shutdown(0.1)
        if self._session is not None:
            await self._session.close()

    @property
    def rest_url(self) -> str:
        return f"{'http' if self.rest.context is None else 'https'}://{HOST}:{self.rest.port}"

    @property
    def ws_url(self) -> str:
        return f"{'ws' if self.ws.context is None else 'wss'}://{HOST}:{self.ws.port}/ws/v5"

    def later(self, delay_s: float, action: Callable[[], object]) -> None:
        """Do something after a while, unless the round is over."""

        async def wait() -> None:
            await asyncio.sleep(delay_s)
            action()

        self.keep(asyncio.get_running_loop().create_task(wait()))

    def keep(self, task: asyncio.Task[None]) -> None:
        """Remember a task until it is done, and end it with the round."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- REST -------------------------------------------------------------------------------------

    async def _guarded(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            if request.headers.get("Upgrade", "").lower() == "websocket":
                return await self._upgrade(request)
            return await self._rest(request)
        except (web.HTTPException, ConnectionError):
            raise
        except Exception as defect:
            self.defects.append(f"{request.method} {request.path}: {defect!r}")
            raise

    async def _rest(self, request: web.BaseRequest) -> web.StreamResponse:
        record, number = self.record, next(self._numbers)
        body = await request.read()
        headers = tuple(
            (name.decode("latin-1").lower(), value.decode("utf-8", "surrogateescape"))
            for name, value in request.raw_headers
        )
        record.add(
            Asked(
                at_s=record.at(),
                epoch_ms=record.now_ms(),
                number=number,
                conn=_number_of(request),
                method=request.method,
                target=request.raw_path,
                headers=headers,
                body=body.decode("utf-8", "surrogateescape")[:BODY],
            )
        )
        path = request.raw_path.partition("?")[0]
        chosen = [each for script in self.scripts for each in script.choose(request.method, path, body)]
        done = ",".join(each.name for each in chosen)
        for each in chosen:
            match each.act:
                case Page() as page:
                    if page.reached:
                        await self._relay(request, body)
                    told = page.told(body.count(b'"instId'))
                    record.add(
                        Answered(
                            at_s=record.at(),
                            number=number,
                            status=page.status,
                            reached=page.reached,
                            done=done,
                            body=told.decode("utf-8", "replace")[:ANSWER],
                        )
                    )
                    more = [(name, self._stranger_url if value == STRANGER else value) for name, value in page.headers]
                    return _response(page.status, page.content_type, told, more)
                case Loss() as loss:
                    return await self._lost(request, body, loss, number, done)
                case Change():
                    pass
        status, kind, content, more = await self._relay(request, body)
        came = []
        for each in chosen:
            if not isinstance(each.act, Change):
                continue
            if each.act.undo_second:
                await self._cancel_second(body, content)
            before = content
            if each.act.text is not None and status == 200:
                content = each.act.text(path, content)
            offered = each.act.wrap != "gzip" or "gzip" in request.headers.get("Accept-Encoding", "")
            if content != before or (each.act.wrap and offered):
                came.append(each)
        done = ",".join(each.name for each in came)
        wraps: set[str] = {each.act.wrap for each in came if isinstance(each.act, Change)}
        if "slow" in wraps:
            await asyncio.sleep(SLOW_S)
        record.add(
            Answered(
                at_s=record.at(),
                number=number,
                status=status,
                done=done,
                body=content[: ANSWER * 4].decode("utf-8", "replace")[:ANSWER],
            )
        )
        return await self._wrapped(request, _response(status, kind, content, more), content, wraps)

    async def _relay(self, request: web.BaseRequest, body: bytes) -> tuple[int, str, bytes, list[tuple[str, str]]]:
        try:
            return await ask(self._place, request.method, request.raw_path, request.raw_headers, body)
        except Unreachable as defect:
            self.defects.append(str(defect))
            raise ConnectionResetError from None

    @property
    def _stranger_url(self) -> str:
        return f"http://{HOST}:{self._stranger.port}/api/v5/account/balance"

    async def _elsewhere(self, request: web.BaseRequest) -> web.StreamResponse:
        """Another host, to which a redirect led."""
        names = sorted(name.lower() for name in request.headers if name.lower().startswith("ok-access-"))
        self.record.add(Played(at_s=self.record.at(), name="at-another-host", detail=",".join(names)))
        return _response(200, "application/json", b'{"code":"0","data":[],"msg":""}', [])

    async def _cancel_second(self, asked: bytes, content: bytes) -> None:
        """Take the second order of a batch out of the exchange, as the program could itself."""
        orders, answer = decoded(asked.decode("utf-8", "replace")), decoded(content.decode("utf-8", "replace"))
        try:
            wanted = {"instId": str(orders[1]["instId"]), "ordId": str(answer["data"][1]["ordId"])}
        except (TypeError, KeyError, IndexError):
            return
        known, path, body = self._known, "/api/v5/trade/cancel-order", json_body(dict(wanted))
        headers = signed_headers(
            key=known.key,
            secret=known.secret,
            passphrase=known.passphrase,
            method="POST",
            request_path=path,
            timestamp=iso_from_epoch_ms(self.record.now_ms()),
            body=body,
        )
        if known.environment == "demo":
            headers["x-simulated-trading"] = "1"
        raw = [(b"Host", b"127.0.0.1"), *((name.encode(), value.encode()) for name, value in headers.items())]
        await ask(self._place, "POST", path, raw, body.encode())

    async def _wrapped(
        self, request: web.BaseRequest, response: web.Response, content: bytes, wraps: set[str]
    ) -> web.StreamResponse:
        if "gzip" in wraps:
            response.body = gzip.compress(content)
            response.headers["Content-Encoding"] = "gzip"
        if "close-after" in wraps and request.transport is not None:
            # The server of a connection that looks alive is gone: no header announces it.
            self.later(0.05, request.transport.close)
        if "chunked" not in wraps:
            return response
        streamed = web.StreamResponse(status=response.status, headers=response.headers)
        streamed.headers.popall("Content-Length", None)
        streamed.enable_chunked_encoding()
        await streamed.prepare(request)
        raw = response.body if isinstance(response.body, bytes) else content
        for start in range(0, len(raw), 777):
            await streamed.write(raw[start : start + 777])
        await streamed.write_eof()
        return streamed

    async def _lost(
        self, request: web.BaseRequest, body: bytes, loss: Loss, number: int, done: str
    ) -> web.StreamResponse:
        content, status, kind = b'{"code":"0","data":[{}],"msg":""}', 200, "application/json"
        if loss.reached:
            status, kind, content, _ = await self._relay(request, body)
        self.record.add(Unanswered(at_s=self.record.at(), number=number, done=done, reached=loss.reached))
        match loss.how:
            case "cut":
                pass
            case "half":
                response = web.StreamResponse(status=status, headers={"Content-Type": kind})
                response.content_length = len(content)
                await response.prepare(request)
                await response.write(content[: len(content) // 2])
                await asyncio.sleep(0.02)
            case "silence":
                await asyncio.sleep(FOREVER_S)
        if request.transport is not None:
            request.transport.abort()
        raise ConnectionResetError

    # -- WebSocket --------------------------------------------------------------------------------

    async def _upgrade(self, request: web.BaseRequest) -> web.StreamResponse:
        record, target = self.record, request.raw_path
        path = target.partition("?")[0].rstrip("/").rpartition("/")[2]
        number = next(self._lifted)
        headers = tuple((name.lower(), value) for name, value in request.headers.items())

        def opened(status: int, done: str = "") -> None:
            record.add(
                Opened(
                    at_s=record.at(), conn=number, path=path, status=status, target=target, done=done, headers=headers
                )
            )

        for each in self.circumstances:
            refusal = each.upgrade(path)
            if refusal is not None:
                opened(refusal.status, refusal.done)
                if refusal.status == 0:
                    if request.transport is not None:
                        request.transport.abort()
                    raise ConnectionResetError
                return _response(refusal.status, "text/plain", b"not now\n", [])
        assert self._session is not None
        try:
            upstream = await self._session.ws_connect(f"{self._ws_base}{target}", autoping=True, max_msg_size=0)
        except aiohttp.WSServerHandshakeError as refused:
            opened(refused.status)
            body = b'{"msg":"Too Many Requests","code":"50011"}' if refused.status == 429 else b"Bad Request"
            return _response(refused.status, "application/json", body, [])
        except aiohttp.ClientError as defect:
            self.defects.append(f"{target[:200]}: {defect!r}")
            raise ConnectionResetError from None
        compress = not any(each.plain for each in self.circumstances)
        socket = web.WebSocketResponse(autoping=False, compress=compress, max_msg_size=1 << 20, timeout=1.0)
        opened(101)
        await socket.prepare(request)
        link = RelayedLink(self, number, path, socket, upstream, request.transport)
        self.links.add(link)
        try:
            await link.relay()
        finally:
            self.links.discard(link)
            await upstream.close()
        return socket


def _number_of(request: web.BaseRequest) -> int:
    """Something that requests of one connection share."""
    peer = request.transport.get_extra_info("peername") if request.transport is not None else None
    return int(peer[1]) if isinstance(peer, tuple) else 0


def _response(status: int, kind: str, body: bytes, more: list[tuple[str, str]]) -> web.Response:
    response = web.Response(status=status, body=body, headers={"Server": "cloudflare", "Content-Type": kind})
    for name, value in more:
        response.headers[name] = value
    return response
