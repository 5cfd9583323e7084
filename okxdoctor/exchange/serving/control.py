"""The control endpoint on the plain listener, for tests in any language.

    GET  /__control__              what there is
    GET  /__control__/faults       faults that are on
    POST /__control__/faults       {"on": ["clock-ahead=45s"], "off": ["http-slow"], "clear": false}
    GET  /__control__/clock        {"now_ms", "rate"}
    POST /__control__/clock        {"step_s": 31} | {"freeze": true} | {"resume": true} | {"rate": 60}
    GET  /__control__/log?after=N  wire log, without anything secret
    POST /__control__/cut          break every WebSocket connection
    POST /__control__/notice       announce a service upgrade and close the connections: {"grace_s": 0.1}

Only for this machine: the Host header must be a loopback address, and an Origin header (a browser's) must
be as well. A POST must be JSON, which a page of another origin cannot send unasked.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import msgspec
from aiohttp import web

from okxdoctor.exchange.core.protocol import encode

if TYPE_CHECKING:
    from .running import Running


class Control:
    """Answers control requests for one running exchange."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._actions: dict[tuple[str, str], Callable[[dict[str, object], str], Awaitable[object]]] = {
            ("GET", ""): self._index, ("GET", "/faults"): self._faults, ("POST", "/faults"): self._set_faults,
            ("GET", "/clock"): self._clock, ("POST", "/clock"): self._set_clock, ("GET", "/log"): self._log,
            ("POST", "/cut"): self._cut, ("POST", "/notice"): self._notice,
        }  # fmt: skip

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        if not _loopback(request.headers.get("Host", "")):
            return _answer(403, {"error": "the control endpoint only answers to loopback addresses"})
        origin = request.headers.get("Origin")
        if origin is not None and not _loopback(urlsplit(origin).netloc):
            return _answer(403, {"error": "the control endpoint refuses other origins"})
        path, _, query = request.raw_path.removeprefix("/__control__").partition("?")
        action = self._actions.get((request.method, path.rstrip("/")))
        if action is None:
            return _answer(404, {"error": "no such control action", "actions": _names(self._actions)})
        body: object = {}
        if request.method == "POST":
            if "json" not in request.headers.get("Content-Type", ""):
                return _answer(415, {"error": "send Content-Type: application/json"})
            raw = await request.read()
            try:
                body = msgspec.json.decode(raw or b"{}")
            except msgspec.DecodeError:
                body = None
        if not isinstance(body, dict):
            return _answer(400, {"error": "the body is no JSON object"})
        try:
            return _answer(200, await action(body, query))
        except (ValueError, TypeError) as wrong:
            return _answer(400, {"error": str(wrong)})

    async def _index(self, body: dict[str, object], query: str) -> object:
        return {"actions": _names(self._actions)}

    async def _faults(self, body: dict[str, object], query: str) -> object:
        return {"on": [{"name": each.name, "value": each.value} for each in self._running.faults.on]}

    async def _set_faults(self, body: dict[str, object], query: str) -> object:
        on, off = _texts(body, "on"), _texts(body, "off")
        if body.get("clear"):
            await self._running.faults.clear()
        await self._running.faults.turn_off(*off)
        await self._running.faults.turn_on(*on)
        return await self._faults(body, query)

    async def _clock(self, body: dict[str, object], query: str) -> object:
        return {"now_ms": self._running.clock.now_ms(), "rate": self._running.clock.rate}

    async def _set_clock(self, body: dict[str, object], query: str) -> object:
        clock = self._running.clock
        if body.get("freeze"):
            clock.freeze()
        if body.get("resume"):
            clock.resume()
        if "rate" in body:
            clock.run_at(_number(body, "rate"))
        if "step_s" in body:
            clock.step(_number(body, "step_s"))
        return await self._clock(body, query)

    async def _log(self, body: dict[str, object], query: str) -> object:
        after = parse_qs(query).get("after", ["0"])[0]
        return {"entries": self._running.wire_log.as_json(int(after))}

    async def _cut(self, body: dict[str, object], query: str) -> object:
        return {"cut": await self._running.sockets.cut()}

    async def _notice(self, body: dict[str, object], query: str) -> object:
        await self._running.sockets.notice(min(60.0, _number(body, "grace_s")) if "grace_s" in body else 0.0)
        return {}


def _loopback(netloc: str) -> bool:
    host = urlsplit(f"//{netloc}").hostname or ""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _names(actions: dict[tuple[str, str], Callable[[dict[str, object], str], Awaitable[object]]]) -> list[str]:
    return [f"{method} /__control__{path}" for method, path in actions]


def _texts(body: dict[str, object], name: str) -> list[str]:
    value = body.get(name, [])
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ValueError(f"{name} is a list of texts")
    return value


def _number(body: dict[str, object], name: str) -> float:
    value = body[name]
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ValueError(f"{name} is a number")
    return float(value)


def _answer(status: int, value: object) -> web.Response:
    return web.Response(status=status, body=encode(value), content_type="application/json")
