"""A core on a clock that stands still, and requests signed by hand."""

from __future__ import annotations

import base64
import gc
import hashlib
import hmac
import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

NOW_MS = 1_795_363_200_123
"""2026-11-22T16:00:00.123Z."""


class Bench:
    """An exchange whose source of time is a number that the test moves."""

    def __init__(self, seed: int = 0) -> None:
        from okxdoctor.exchange.core.clock import Clock
        from okxdoctor.exchange.core.exchange import Exchange

        self.now_ns = NOW_MS * 1_000_000
        self.exchange = Exchange(clock=Clock(lambda: self.now_ns), seed=seed)

    def advance(self, ms: int) -> None:
        self.now_ns += ms * 1_000_000

    @property
    def now_ms(self) -> int:
        return self.now_ns // 1_000_000

    def stamp(self, offset_ms: int = 0) -> str:
        from datetime import UTC, datetime

        whole, ms = divmod(self.now_ms + offset_ms, 1000)
        return datetime.fromtimestamp(whole, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{ms:03d}Z"

    def headers(
        self,
        method: str,
        target: str,
        body: str = "",
        *,
        site: str = "global",
        environment: str = "live",
        stamp: str | None = None,
    ) -> dict[str, str]:
        handed = self.exchange.credentials(site, environment)
        stamp = self.stamp() if stamp is None else stamp
        headers = {
            "ok-access-key": handed.api_key,
            "ok-access-sign": sign(handed.secret_key, stamp + method + target + body),
            "ok-access-timestamp": stamp,
            "ok-access-passphrase": handed.passphrase,
            "content-type": "application/json",
        }
        if environment == "demo":
            headers["x-simulated-trading"] = "1"
        return headers

    def send(
        self,
        method: str,
        target: str,
        body: str = "",
        *,
        signed: bool = True,
        site: str = "global",
        environment: str = "live",
        change: Callable[[dict[str, str]], object] | None = None,
        peer: str = "127.0.0.1",
        stamp: str | None = None,
    ) -> Any:
        from okxdoctor.exchange.core.protocol import Request
        from okxdoctor.exchange.core.rest import respond

        headers = (
            self.headers(method, target, body, site=site, environment=environment, stamp=stamp)
            if signed
            else {"content-type": "application/json"}
        )
        if change is not None:
            change(headers)
        request = Request(method=method, target=target, headers=headers, body=body.encode(), peer=peer)
        return respond(self.exchange, site, request)

    def get(self, target: str) -> Any:
        """The rows of a read that is accepted; ``target`` behind /api/v5/."""
        answer = json.loads(self.send("GET", f"/api/v5/{target}").body)
        assert answer["code"] == "0", answer
        return answer["data"]

    def post(self, path: str, body: object, **headers: str) -> Any:
        """The whole answer to a body; ``path`` behind /api/v5/."""
        text = json.dumps(body)
        return json.loads(self.send("POST", f"/api/v5/{path}", text, change=lambda given: given.update(headers)).body)

    def put(self, *faults: str) -> None:
        from okxdoctor.exchange.faults import parse
        from okxdoctor.exchange.faults.effects import circumstances

        self.exchange.set_circumstances(circumstances([parse(fault) for fault in faults]))

    def session(
        self, path: str = "public", *, site: str = "global", environment: str = "live", conn: str = "c0"
    ) -> Any:
        from okxdoctor.exchange.core.wsproto import Session

        venue = self.exchange.venue(site, environment)
        return Session(exchange=self.exchange, venue=venue, path=path, peer="127.0.0.1", conn_id=conn)

    def login(self, timestamp: str | None = None, *, site: str = "global", environment: str = "live") -> dict[str, str]:
        handed = self.exchange.credentials(site, environment)
        stamp = str(self.now_ms // 1000) if timestamp is None else timestamp
        return {
            "apiKey": handed.api_key,
            "passphrase": handed.passphrase,
            "timestamp": stamp,
            "sign": sign(handed.secret_key, f"{stamp}GET/users/self/verify"),
        }


def sign(secret: str, prehash: str) -> str:
    return base64.b64encode(hmac.new(secret.encode(), prehash.encode(), hashlib.sha256).digest()).decode()


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def make_bench() -> type[Bench]:
    return Bench


@pytest.fixture(scope="module")
def served() -> Iterator[Any]:
    """One exchange on sockets for a module's tests; each test leaves it without faults."""
    from okxdoctor.exchange import serve

    with serve(seed=3) as exchange:
        yield exchange


@pytest.fixture
def uncollected() -> Iterator[Any]:
    """Counts what cannot be reached any more and is still there, by type, since it was asked last."""
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)

    def found() -> Counter[str]:
        gc.collect()
        kinds = Counter(type(each).__name__ for each in gc.garbage)
        gc.garbage.clear()
        return kinds

    yield found
    gc.set_debug(0)
    gc.garbage.clear()
    gc.enable()
