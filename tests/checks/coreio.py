"""The pure core of the exchange as the world that probes ask: no socket, no thread, a clock that stands still.

core = Core(seed=3)
core.put("account-position-mode")
facts = core.preflight([{"instId": "BTC-USDT", …}])     # the probes of key, instrument, account and order
core.place({"instId": "BTC-USDT", …})                   # "0", or the code of the refusal
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from fakeio import FakeIo, view

from okxdoctor.exchange.core.accounts import Account
from okxdoctor.exchange.core.clock import Clock
from okxdoctor.exchange.core.exchange import Exchange
from okxdoctor.exchange.core.protocol import Request
from okxdoctor.exchange.core.rest import respond
from okxdoctor.exchange.faults import parse
from okxdoctor.exchange.faults.effects import circumstances
from okxdoctor.port import Answer, Ask, Instant, OrderDraft
from okxdoctor_checks import account, instrument, key, order

NOW_MS = 1_795_363_200_123
"""2026-11-22T16:00:00.123Z."""


class Core:
    """One exchange, and requests signed by hand."""

    def __init__(self, seed: int = 0) -> None:
        self.now_ms = NOW_MS
        self.exchange = Exchange(clock=Clock(lambda: self.now_ms * 1_000_000), seed=seed)

    def put(self, *faults: str) -> None:
        self.exchange.set_circumstances(circumstances([parse(fault) for fault in faults]))

    @property
    def customer(self) -> Account:
        """The account behind the key."""
        return next(iter(self.exchange.venue("global", "live").accounts.values()))

    def send(self, method: str, target: str, body: str = "", *, signed: bool = True) -> tuple[int, str]:
        headers = {"content-type": "application/json"}
        if signed:
            handed = self.exchange.credentials()
            whole, ms = divmod(self.now_ms, 1000)
            stamp = datetime.fromtimestamp(whole, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{ms:03d}Z"
            digest = hmac.new(handed.secret_key.encode(), (stamp + method + target + body).encode(), hashlib.sha256)
            headers |= {
                "ok-access-key": handed.api_key,
                "ok-access-sign": base64.b64encode(digest.digest()).decode(),
                "ok-access-timestamp": stamp,
                "ok-access-passphrase": handed.passphrase,
            }
        reply = respond(
            self.exchange, "global", Request(method=method, target=target, headers=headers, body=body.encode())
        )
        return reply.status, reply.body.decode()

    def place(self, wanted: Mapping[str, Any]) -> str:
        """Send an order; the code that decides."""
        said = json.loads(self.send("POST", "/api/v5/trade/order", json.dumps(wanted))[1])
        return str(said["data"][0]["sCode"]) if said.get("data") else str(said["code"])

    def rows(self, target: str) -> list[dict[str, Any]]:
        said = json.loads(self.send("GET", target)[1])
        assert said["code"] == "0", said
        return list(said["data"])

    def io(self, orders: Sequence[Mapping[str, Any]] = (), **more: Any) -> CoreIo:
        drafts = tuple(OrderDraft(file="t", line=n + 1, wire=json.dumps(one)) for n, one in enumerate(orders))
        return CoreIo(core=self, view=view(orders=drafts, **more))

    def preflight(self, orders: Sequence[Mapping[str, Any]], **more: Any) -> order.Facts:
        """The facts of the order check, as its probe gathers them from this exchange."""
        io = self.io(orders, **more)

        async def gathered() -> order.Facts:
            for module in (key, instrument, account):
                facts = await module.CHECK.probe(io)
                io.records = (*io.records, *module.CHECK.offers(facts))
            return await order.CHECK.probe(io)

        return asyncio.run(gathered())


@dataclass(kw_only=True)
class CoreIo(FakeIo):
    """Every request goes to the core."""

    core: Core = field(default_factory=Core)

    def now(self) -> Instant:
        waited_ns = round(self.elapsed_s * 1e9)
        return Instant(wall_ns=self.core.now_ms * 1_000_000 + waited_ns, mono_ns=waited_ns)

    async def http(self, ask: Ask) -> Answer:
        self.asks.append(ask)
        status, body = self.core.send(ask.method, ask.path, ask.body or "", signed=ask.signed)
        headers = (("content-type", "application/json"), ("server", "cloudflare"))
        return Answer(
            method=ask.method, path=ask.path, url=ask.path, status=status, headers=headers, body=body,
            signed=ask.signed,
        )  # fmt: skip
