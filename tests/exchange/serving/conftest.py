"""What every test over sockets needs: a clean exchange with fresh budgets, and one request at a time."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import http.client
import json
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from fractions import Fraction
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import pytest
from websockets.sync.client import connect


@pytest.fixture(autouse=True)
def _clean(request: pytest.FixtureRequest) -> Iterator[None]:
    """Budgets are those of the real exchange: each test gets windows of its own by a step of virtual time."""
    if "served" not in request.fixturenames:
        yield
        return
    served = request.getfixturevalue("served")
    served.clock.step(10)
    yield
    served.faults.clear()
    assert served.wire_log.defects == []


@pytest.fixture
def ask(served: Any) -> Any:
    return partial(_ask, served)


Answer = tuple[int, dict[str, str], bytes]
"""Status, headers by lower-case name, body."""


def _ask(served: Any, method: str, target: str, *, site: int = 0, port_of: int = 0, host: str | None = None,
         signed: bool = False, body: str = "", headers: dict[str, str] | None = None) -> Answer:  # fmt: skip
    """One request over a new verified TLS connection."""
    where, who = urlsplit(served.info.sites[port_of].rest_url), served.info.sites[site]
    context = ssl.create_default_context(cafile=served.info.ca_file)
    all_headers = {"Content-Type": "application/json", **(headers or {})}
    if host is not None:
        all_headers["Host"] = f"{host}:{where.port}"
    if signed:
        now = datetime.fromtimestamp(served.clock.now_ms() / 1000, UTC)
        stamp = now.strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond // 1000:03d}Z"
        digest = hmac.new(who.secret_key.encode(), (stamp + method + target + body).encode(), hashlib.sha256).digest()
        all_headers.update({
            "OK-Access-Key": who.api_key, "ok-access-sign": base64.b64encode(digest).decode(),
            "OK-ACCESS-TIMESTAMP": stamp, "OK-ACCESS-PASSPHRASE": who.passphrase,
        })  # fmt: skip
    connection = http.client.HTTPSConnection("127.0.0.1", where.port, context=context, timeout=10)
    try:
        connection.request(method, target, body=body.encode() or None, headers=all_headers)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


class OwnClient:
    """A client with its own clock: the machine's, or one that it is given."""

    def __init__(self, bench: Any, now: Callable[[], float] = time.time) -> None:
        self.site, self.info, self.now = bench.site, bench.info, now
        self.context = ssl.create_default_context(cafile=bench.info.ca_file)

    def sign(self, text: str) -> str:
        return base64.b64encode(hmac.digest(self.site.secret_key.encode(), text.encode(), hashlib.sha256)).decode()

    def __call__(self, method: str, target: str, body: dict[str, Any] | None = None) -> Any:
        at = datetime.fromtimestamp(self.now(), UTC)
        stamp, raw = f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z", "" if body is None else json.dumps(body)
        headers = {
            "OK-ACCESS-KEY": self.site.api_key, "OK-ACCESS-PASSPHRASE": self.site.passphrase,
            "OK-ACCESS-TIMESTAMP": stamp, "OK-ACCESS-SIGN": self.sign(stamp + method + target + raw),
            "Content-Type": "application/json",
        }  # fmt: skip
        if self.site.environment == "demo":
            headers["x-simulated-trading"] = "1"
        url = self.site.rest_url + target
        request = urllib.request.Request(url, raw.encode() or None, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10, context=self.context) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as refused:
            with refused:
                return json.load(refused)

    def order(self, px: str, sz: str, side: str = "buy", inst: str = "BTC-USDT") -> str:
        wanted = {"instId": inst, "tdMode": "cash", "side": side, "ordType": "limit", "px": px, "sz": sz}
        answer = self("POST", "/api/v5/trade/order", wanted)
        assert answer["code"] == "0", answer
        return str(answer["data"][0]["ordId"])

    def cash(self, ccy: str) -> Fraction:
        details = self("GET", f"/api/v5/account/balance?ccy={ccy}")["data"][0]["details"]
        return Fraction(details[0]["cashBal"]) if details else Fraction(0)

    @contextlib.contextmanager
    def private(self) -> Iterator[Any]:
        """An open connection to the private channels, logged in."""
        with connect(f"{self.site.ws_url}/private", ssl=self.context) as socket:
            stamp = str(int(self.now()))
            login = {
                "apiKey": self.site.api_key, "passphrase": self.site.passphrase, "timestamp": stamp,
                "sign": self.sign(f"{stamp}GET/users/self/verify"),
            }  # fmt: skip
            socket.send(json.dumps({"op": "login", "args": [login]}))
            assert json.loads(socket.recv(timeout=10))["event"] == "login"
            yield socket


def _until(socket: Any, wanted: Callable[[Any], bool]) -> Any:
    """The first message that is wanted."""
    while True:
        message = json.loads(socket.recv(timeout=10))
        if wanted(message):
            return message


@pytest.fixture(name="Client")
def _client() -> type[OwnClient]:
    return OwnClient


@pytest.fixture(name="until")
def _until_fixture() -> Any:
    return _until
