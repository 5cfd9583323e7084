"""REST: from a request to the reply, through the gateway's steps in their order.

Path, verb, service, signature, permission, budget, parameters, handler. ``ROUTES`` is the whole table;
handlers live in the modules that ``MODULES`` names.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import localcontext
from typing import Literal
from urllib.parse import parse_qsl

import msgspec

from .accounts import Account, KeyRecord
from .auth import authenticate
from .budgets import OverBudget, spend_request
from .decimals import EXACT
from .exchange import Exchange
from .limits import Budget, budgets
from .matching import settle
from .protocol import Refused, Reply, Request, empty_parameter, failure, refusal
from .venue import Venue

Access = Literal["public", "optional", "private"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request that has passed the gateway, with what its handler needs.

    ``params`` is the decoded query, ``body`` the decoded JSON of a POST; '' and null count as absent.
    ``account`` and ``key`` are None on public calls.
    """

    exchange: Exchange
    venue: Venue
    params: dict[str, str] = field(default_factory=dict)
    body: dict[str, object] = field(default_factory=dict)
    items: list[dict[str, object]] = field(default_factory=list)
    key: KeyRecord | None = None
    owner: Account | None = None
    now_ms: int = 0
    in_us: int = 0
    expires: str = ""
    """The header ``expTime``: the request is not to be carried out after it (epoch ms)."""

    @property
    def account(self) -> Account:
        """The account of a private call."""
        if self.owner is None:
            raise LookupError("a public call has no account")
        return self.owner

    def need(self, name: str) -> str:
        """A query parameter that must be there (50014)."""
        value = self.params.get(name, "")
        if not value:
            raise empty_parameter(name)
        return value


Handler = Callable[[Call], Reply]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One row of the table. ``permission`` is a word of a key's permissions; the body of ``batch`` is an array.

    None for ``batch``: it may be one.
    """

    handler: Handler
    access: Access
    permission: str = ""
    batch: bool | None = False
    budget: Budget | None = None


def routes() -> dict[tuple[str, str], Route]:
    """The table, put together once: every documented endpoint, with the handler that serves it here."""
    from importlib import import_module

    from .rest_absent import out_of_service

    limits = budgets()
    table: dict[tuple[str, str], Route] = {}
    for name in MODULES:
        module = import_module(f".{name}", __package__)
        for method, path, access, permission, handler in module.TABLE:
            table[method, path] = Route(
                handler=handler, access=access, permission=permission, budget=limits.get((method, path)),
                batch=None if handler is out_of_service else path in BATCHES,
            )  # fmt: skip
    return table


MODULES = (
    "rest_absent", "rest_public", "rest_market", "rest_candles", "rest_contracts", "rest_account", "rest_settings",
    "rest_risk", "rest_bills", "rest_asset", "rest_transfers", "rest_users", "rest_trade", "rest_algo",
    "rest_closing", "rest_precheck", "rest_convert", "rest_statistics", "rest_withdrawals", "rest_savings",
)  # fmt: skip
"""The handler modules; what a later one serves replaces what an earlier one says."""

BATCHES = frozenset(
    f"/api/v5/{name}"
    for name in (
        "trade/batch-orders", "trade/cancel-batch-orders", "trade/amend-batch-orders", "trade/cancel-algos",
        "trade/cancel-advance-algos", "rfq/maker-instrument-settings",
    )
)  # fmt: skip
"""Endpoints whose body is an array."""

ROUTES: dict[tuple[str, str], Route] = {}
_PATHS: set[str] = set()
PREFIX = "/api/v5/"

_BUSY = {
    "50001": (503, "Service temporarily unavailable. Please try again later."),
    "50004": (400, "API endpoint request timeout."),
    "50013": (429, "Systems are busy. Please try again later."),
    "50026": (500, "System error. Try again later"),
}


def respond(exchange: Exchange, site: str, request: Request) -> Reply:
    """The exchange's answer to ``request`` arriving at ``site``. Total: every request gets a reply."""
    if not ROUTES:
        ROUTES.update(routes())
        _PATHS.update(path for _, path in ROUTES)
    try:
        return _respond(exchange, site, request)
    except Refused as refused:
        return refused.reply


def _respond(exchange: Exchange, site: str, request: Request) -> Reply:
    path, _, query = request.target.partition("?")
    if exchange.world.refused_service is not None and path.startswith(PREFIX):
        peer = exchange.world.seen_address or request.peer
        return refusal(200, "50121", f"You can't access our services through the IP address ({peer})")
    route = ROUTES.get((request.method, path))
    if route is None:
        if path in _PATHS:
            return refusal(405, "50115", "Invalid request method.")
        # The body of an unknown path is not documented; the shape is assumed.
        return refusal(404, "404", "Not Found")
    environment = "demo" if request.headers.get("x-simulated-trading") == "1" else "live"
    venue = exchange.venue(site, environment)
    private = route.access == "private" or (route.access == "optional" and "ok-access-key" in request.headers)
    if private and exchange.world.busy is not None:
        status, message = _BUSY[exchange.world.busy]
        return failure(status, exchange.world.busy, message)
    in_us = exchange.clock.now_us()
    now_ms = in_us // 1000
    key: KeyRecord | None = None
    owner: Account | None = None
    if private:
        key = authenticate(exchange, site, environment, request)
        if route.permission and route.permission not in key.permissions:
            raise Refused(refusal(401, "50120", "This API key doesn't have permission to use this function"))
        if route.permission == "trade" and exchange.world.bound_keys_only and not key.addresses:
            raise Refused(refusal(403, "50035", "This endpoint requires that APIKey must be bound to IP"))
        owner = venue.accounts[key.uid]
    params = {name: value for name, value in parse_qsl(query) if value} if query else {}
    body: dict[str, object] = {}
    items: list[dict[str, object]] = []
    if request.method == "POST":
        body, items = _decoded(request, route.batch)
    if route.budget is not None:
        try:
            spend_request(
                exchange, venue, route.budget, request.method, path, peer=request.peer, key=key, params=params,
                body=body, items=items, now_ms=now_ms,
            )  # fmt: skip
        except OverBudget as over:
            raise Refused(over_limit(exchange, over.code)) from None
    with localcontext(EXACT):
        settle(venue, now_ms)
        return route.handler(
            Call(
                exchange=exchange,
                venue=venue,
                params=params,
                body=body,
                items=items,
                key=key,
                owner=owner,
                now_ms=now_ms,
                in_us=in_us,
                expires=request.headers.get("exptime", ""),
            )
        )


def _decoded(request: Request, batch: bool | None) -> tuple[dict[str, object], list[dict[str, object]]]:
    if not request.body:
        raise Refused(failure(400, "50000", "Body for POST request cannot be empty."))
    if "json" not in request.headers.get("content-type", "").lower():
        raise Refused(failure(400, "50006", 'Invalid Content-Type. Please use "application/JSON".'))
    try:
        decoded = msgspec.json.decode(request.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Refused(failure(400, "50002", "JSON syntax error")) from None
    if batch or (batch is None and isinstance(decoded, list)):
        if not isinstance(decoded, list) or not decoded or not all(isinstance(item, dict) for item in decoded):
            raise Refused(failure(400, "50002", "JSON syntax error"))
        return {}, decoded
    if not isinstance(decoded, dict):
        raise Refused(failure(400, "50002", "JSON syntax error"))
    return decoded, []


def over_limit(exchange: Exchange, code: str) -> Reply:
    """The refusal of an exhausted budget: HTTP 429 with 50011, unless the circumstances shape it otherwise."""
    if code == "50061":
        return failure(200, "50061", "You've reached the maximum order rate limit for this account.")
    match exchange.world.budgets.refusal:
        case None:
            return refusal(429, "50011", "Too Many Requests")
        case "200":
            message = "Rate limit reached. Please refer to API documentation and throttle requests accordingly."
            return failure(200, "50011", message)
        case "503":
            return failure(503, "50001", "Service temporarily unavailable. Please try again later.")
        case "text":
            return Reply(status=429, body=b"error code: 1015", content_type="text/plain; charset=UTF-8")
