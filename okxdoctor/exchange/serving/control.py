"""The control endpoint on the plain listener: what a test does to the exchange, in any language.

``control_url`` of the ready line (and ``Info.control_url``) is its address. A POST is a JSON object with
``Content-Type: application/json``; every answer is JSON: status 200, or an ``error`` that says what would have been
right, with 400 (what is asked for), 403 (who asks), 404 (where) or 415 (no JSON). Amounts and prices are texts or
numbers. ``site`` (global, eea, us) and ``environment`` (live, demo) may stand in every body or query that concerns an
account or a market; the default is global, live.

    GET  /__control__                 what there is
    GET  /__control__/environ         variables for a client, as ``okxdoctor sim -- COMMAND`` sets them; ?sub=deskone
                                      with the keys of a sub-account
    GET  /__control__/faults          {"on": [{"name", "value", "when", "occasions", "met"}]}: what was turned on,
                                      and how many occasions it has had and met where it chooses among them
    POST /__control__/faults          {"on": ["clock-ahead=45s", "http-slow=2s,p=0.3,count=5,after=10s,for=1min"],
                                      "off": ["http-slow"], "clear": false}; ``faults.when`` has the words
    GET  /__control__/clock           {"now_ms", "rate"}
    POST /__control__/clock           {"advance_s": 31} (clients need not have noticed), {"step_s": -31},
                                      {"freeze": true}, {"resume": true} or {"rate": 60}
    GET  /__control__/funds?ccy=USDT  {"cash", "available", "frozen"}, also with wallet=funding
    POST /__control__/funds           {"ccy": "USDT", "amount": "500", "wallet": "trading"}
    GET  /__control__/orders          {"orders": [...]} open orders of the account, as trade/order shows them
    POST /__control__/counter-order   {"inst": "BTC-USDT", "side": "sell", "px": "60000", "sz": "0.1"}
    POST /__control__/fill            {"ord_id": "...", "sz": "0.05"} at the order's own price; without sz: all of it
    GET  /__control__/market?inst=I   {"inst", "last"}
    POST /__control__/market          {"inst": "BTC-USDT", "to": "60000"} or {"inst": ..., "by": -0.05}; {"inst", "bid"}
    POST /__control__/key             {"ip": ["203.0.113.7"]} what the key is bound to; [] for a key without an IP list
    POST /__control__/reset-book      {"inst": "BTC-USDT"} its numbers begin anew, as after maintenance; {"seq_id"}
    POST /__control__/options         {"checksum": "crc", "tier": 5, "slack": 0.65} how it is, within what is healthy
    GET  /__control__/log?after=N     wire log, without anything secret, entries numbered above N
    POST /__control__/cut             break every WebSocket connection; {"cut": how many}
    POST /__control__/notice          announce a service upgrade, close the connections after {"grace_s": 0.1}

What each of them does in detail: ``okxdoctor.exchange.Bench`` has the same by the same names.

Only for this machine: the Host header must be a loopback address, and an Origin header (a browser's) must
be as well. A POST must be JSON, which a page of another origin cannot send unasked.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

import msgspec
from aiohttp import web

from okxdoctor.exchange.core.protocol import encode

from .desk import Place

if TYPE_CHECKING:
    from .running import Running

Given = dict[str, object]
"""What a request brings: the fields of its body, or of its query."""
Action = Callable[[Given], Awaitable[object]]
FIELDS = {
    "/faults": ("on", "off", "clear"),
    "/clock": ("advance_s", "step_s", "freeze", "resume", "rate"),
    "/funds": ("ccy", "amount", "wallet"),
    "/counter-order": ("inst", "side", "px", "sz"),
    "/fill": ("ord_id", "sz"),
    "/market": ("inst", "to", "by"),
    "/key": ("ip",),
    "/reset-book": ("inst",),
    "/options": ("checksum", "tier", "slack"),
    "/cut": (),
    "/notice": ("grace_s",),
}
"""What a POST may say, besides ``site`` and ``environment``: whoever misspells a field is to hear of it."""


class Control:
    """Answers control requests for one running exchange."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._desk = running.desk
        self._actions: dict[tuple[str, str], Action] = {
            ("GET", ""): self._index, ("GET", "/environ"): self._environ,
            ("GET", "/faults"): self._faults, ("POST", "/faults"): self._set_faults,
            ("GET", "/clock"): self._clock, ("POST", "/clock"): self._set_clock,
            ("GET", "/funds"): self._funds, ("POST", "/funds"): self._add_funds,
            ("GET", "/orders"): self._orders, ("POST", "/counter-order"): self._counter_order,
            ("POST", "/fill"): self._fill, ("GET", "/market"): self._market, ("POST", "/market"): self._move_market,
            ("POST", "/key"): self._bind_key,
            ("GET", "/log"): self._log, ("POST", "/cut"): self._cut, ("POST", "/notice"): self._notice,
            ("POST", "/reset-book"): self._reset_book, ("POST", "/options"): self._options,
        }  # fmt: skip

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        if not _loopback(request.headers.get("Host", "")):
            return _answer(403, {"error": "the control endpoint only answers to loopback addresses"})
        origin = request.headers.get("Origin")
        if origin is not None and not _loopback(origin.partition("://")[2]):
            return _answer(403, {"error": "the control endpoint refuses other origins"})
        path, _, query = request.raw_path.removeprefix("/__control__").partition("?")
        action = self._actions.get((request.method, path.rstrip("/")))
        if action is None:
            return _answer(404, {"error": "no such control action", "actions": self._names()})
        given: Given = dict(parse_qsl(query))
        if request.method == "POST":
            if "json" not in request.headers.get("Content-Type", ""):
                return _answer(415, {"error": "send Content-Type: application/json"})
            raw = await request.read()
            try:
                body: object = msgspec.json.decode(raw or b"{}")
            except (msgspec.DecodeError, UnicodeError) as wrong:
                return _answer(400, {"error": f"the body is not JSON: {wrong}"})
            except RecursionError:
                return _answer(400, {"error": "the body is nested too deeply"})
            if not isinstance(body, dict):
                return _answer(400, {"error": "the body is no JSON object"})
            given = {**given, **body}
            known = ("site", "environment", *FIELDS[path.rstrip("/")])
            if unknown := next((name for name in given if name not in known), None):
                return _answer(400, {"error": f"{unknown[:64]!r} is not known here; there is: {', '.join(known)}"})
        try:
            return _answer(200, await action(given))
        except (ValueError, TypeError) as wrong:
            return _answer(400, {"error": str(wrong)})
        except OSError as wrong:
            return _answer(400, {"error": f"the system does not allow it: {wrong.strerror or wrong}"})

    def _names(self) -> list[str]:
        return [f"{method} /__control__{path}" for method, path in self._actions]

    async def _index(self, given: Given) -> object:
        return {"actions": self._names(), "help": (__doc__ or "").splitlines()}

    async def _environ(self, given: Given) -> object:
        place, info = _place(given), self._running.info
        for site in info.sites:
            if (site.name, site.environment) == (place.site, place.environment):
                found, sub = info.environ(site), _text(given, "sub", "")
                return found | self._desk.sub_environ(place, sub) if sub else found
        raise ValueError(f"{place.site} is not served")

    # -- faults and time --------------------------------------------------------------------------

    async def _faults(self, given: Given) -> object:
        return {
            "on": [
                {
                    "name": record.injected.name,
                    "value": record.injected.value,
                    "when": str(record.injected.when),
                    "occasions": record.seen_times,
                    "met": record.met_times,
                }
                for record in self._running.faults.records
            ]
        }

    async def _set_faults(self, given: Given) -> object:
        on, off = _texts(given, "on"), _texts(given, "off")
        if given.get("clear"):
            await self._running.faults.clear()
        await self._running.faults.turn_off(*off)
        await self._running.faults.turn_on(*on)
        return await self._faults(given)

    async def _clock(self, given: Given) -> object:
        return {"now_ms": self._running.clock.now_ms(), "rate": self._running.clock.rate}

    async def _set_clock(self, given: Given) -> object:
        clock = self._running.clock
        rate, step, advance = (_number(given, name) for name in ("rate", "step_s", "advance_s"))
        if given.get("freeze"):
            clock.freeze()
        if given.get("resume"):
            clock.resume()
        if rate is not None:
            clock.run_at(rate)
        if step is not None:
            clock.step(step)
        if advance is not None:
            await self._desk.advance(advance)
        await self._running.faults.settle()
        return await self._clock(given)

    # -- money, orders, prices --------------------------------------------------------------------

    async def _funds(self, given: Given) -> object:
        return await self._desk.balance(_place(given), _text(given, "ccy"), _text(given, "wallet", "trading"))

    async def _add_funds(self, given: Given) -> object:
        place, wallet = _place(given), _text(given, "wallet", "trading")
        await self._desk.add_funds(place, _text(given, "ccy"), _text(given, "amount"), wallet)
        return await self._desk.balance(place, _text(given, "ccy"), wallet)

    async def _orders(self, given: Given) -> object:
        return {"orders": await self._desk.orders(_place(given))}

    async def _counter_order(self, given: Given) -> object:
        inst, side, px, sz = (_text(given, name) for name in ("inst", "side", "px", "sz"))
        return await self._desk.place_counter_order(_place(given), inst, side, px, sz)

    async def _fill(self, given: Given) -> object:
        return await self._desk.fill(_place(given), _text(given, "ord_id"), _text(given, "sz", "") or None)

    async def _market(self, given: Given) -> object:
        inst = _text(given, "inst")
        return {"inst": inst, "last": await self._desk.price(_place(given), inst)}

    async def _move_market(self, given: Given) -> object:
        inst, to, by = _text(given, "inst"), _text(given, "to", ""), _number(given, "by")
        return {"inst": inst, "bid": await self._desk.move_market(_place(given), inst, to=to or None, by=by)}

    async def _bind_key(self, given: Given) -> object:
        if "ip" not in given:
            raise ValueError("ip is missing")
        addresses = _texts(given, "ip")
        await self._desk.bind_key(_place(given), tuple(addresses))
        return {"ip": addresses}

    async def _reset_book(self, given: Given) -> object:
        return {"seq_id": await self._desk.reset_book(_place(given), _text(given, "inst"))}

    async def _options(self, given: Given) -> object:
        tier = _number(given, "tier")
        return await self._desk.options(
            checksum=_text(given, "checksum", "") or None, tier=None if tier is None else int(tier),
            slack=_number(given, "slack"),
        )  # fmt: skip

    # -- connections ------------------------------------------------------------------------------

    async def _log(self, given: Given) -> object:
        after = _text(given, "after", "0")
        if not (after.isascii() and after.isdigit()) or len(after) > 18:
            raise ValueError("after is the number of an entry")
        return {"entries": self._running.wire_log.as_json(int(after))}

    async def _cut(self, given: Given) -> object:
        return {"cut": await self._desk.cut_connections()}

    async def _notice(self, given: Given) -> object:
        await self._desk.notice(_number(given, "grace_s") or 0.0)
        return {}


def _loopback(netloc: str) -> bool:
    try:
        host = urlsplit(f"//{netloc}").hostname or ""
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _place(given: Given) -> Place:
    return Place(site=_text(given, "site", "global"), environment=_text(given, "environment", "live"))


def _texts(given: Given, name: str) -> list[str]:
    value = given.get(name, [])
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ValueError(f"{name} is a list of texts")
    return value


def _text(given: Given, name: str, default: str | None = None) -> str:
    """A text, or a number as the text that it prints as."""
    value = given.get(name)
    if value is None:
        if default is None:
            raise ValueError(f"{name} is missing")
        return default
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"{name} is a text or a number")
    return str(value)


def _number(given: Given, name: str) -> float | None:
    value = given.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{name} is a number")
    try:
        return float(value)
    except OverflowError:
        raise ValueError(f"{name} is too large") from None


def _answer(status: int, value: object) -> web.Response:
    return web.Response(status=status, body=encode(value), content_type="application/json")
