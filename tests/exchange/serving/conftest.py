"""What every test over sockets needs: a clean exchange with fresh budgets, and one request at a time."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import pytest


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
