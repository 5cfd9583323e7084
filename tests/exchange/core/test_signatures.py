"""Signatures: the exchange accepts what the openssl program signs, byte for byte as on the wire."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from typing import Any

import pytest

openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="the openssl program is the oracle")


def by_openssl(secret: str, prehash: bytes) -> str:
    done = subprocess.run(
        ["openssl", "dgst", "-sha256", "-mac", "HMAC", "-macopt", f"hexkey:{secret.encode().hex()}", "-binary"],
        input=prehash,
        capture_output=True,
        check=True,
    )
    return base64.b64encode(done.stdout).decode()


@openssl
@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        ("GET", "/api/v5/account/config", ""),
        ("GET", "/api/v5/account/balance?ccy=BTC,ETH", ""),
        ("GET", "/api/v5/account/balance?ccy=BTC%2CETH", ""),
        ("GET", "/api/v5/trade/orders-pending?instType=SWAP&instId=BTC-USDT-SWAP", ""),
        ("GET", "/api/v5/trade/orders-pending?instId=BTC-USDT-SWAP&instType=SWAP", ""),
        ("GET", "/api/v5/account/config?", ""),
        ("POST", "/api/v5/account/set-position-mode", '{"posMode":"net_mode"}'),
        ("POST", "/api/v5/account/set-position-mode", '{"posMode": "net_mode", "note": "caf\u00e9 \u2713"}'),
    ],
)
def test_what_openssl_signs_is_accepted(bench: Any, method: str, target: str, body: str) -> None:
    secret = bench.exchange.credentials().secret_key
    stamp = bench.stamp()
    signature = by_openssl(secret, (stamp + method + target + body).encode())
    reply = bench.send(
        method, target, body, stamp=stamp, change=lambda headers: headers.__setitem__("ok-access-sign", signature)
    )
    assert (reply.status, json.loads(reply.body)["code"]) == (200, "0")


@openssl
@pytest.mark.parametrize(
    ("method", "target", "body", "prehash"),
    [
        ("GET", "/api/v5/account/balance?ccy=BTC,ETH", "", "{ts}GET/api/v5/account/balance?ccy=BTC%2CETH"),
        ("GET", "/api/v5/account/balance?ccy=BTC", "", "{ts}GET/api/v5/account/balance"),
        ("GET", "/api/v5/account/config", "", "{ts}get/api/v5/account/config"),
        ("GET", "/api/v5/account/config", "", "{ts}GET/api/v5/account/config{{}}"),
        (
            "POST", "/api/v5/account/set-position-mode", '{"posMode": "net_mode"}',
            '{ts}POST/api/v5/account/set-position-mode{{"posMode":"net_mode"}}',
        ),
    ],
)  # fmt: skip
def test_bytes_that_differ_from_the_wire_are_refused(
    bench: Any, method: str, target: str, body: str, prehash: str
) -> None:
    secret = bench.exchange.credentials().secret_key
    signature = by_openssl(secret, prehash.format(ts=bench.stamp()).encode())
    reply = bench.send(method, target, body, change=lambda headers: headers.__setitem__("ok-access-sign", signature))
    assert (reply.status, reply.body) == (401, b'{"msg":"Invalid Sign","code":"50113"}')


@openssl
@pytest.mark.parametrize("form", ["1795363200", "1795363200.371", 1795363200])
def test_a_login_of_each_textual_form_is_accepted(bench: Any, form: str | int) -> None:
    session = bench.session("private")
    argument: dict[str, Any] = bench.login()
    argument["timestamp"] = form
    secret = bench.exchange.credentials().secret_key
    argument["sign"] = by_openssl(secret, f"{form}GET/users/self/verify".encode())
    frames = session.receive(json.dumps({"op": "login", "args": [argument]}))
    assert [json.loads(frame.text) for frame in frames] == [{"event": "login", "code": "0", "msg": "", "connId": "c0"}]


def test_the_documented_example_is_reproduced() -> None:
    from okxdoctor.exchange.core.auth import signature

    secret = "22582BD0CFF14C41EDBF1AB98506286D"
    for prehash, expected in (
        ("2020-12-08T09:08:57.715ZGET/api/v5/account/balance?ccy=BTC", "HiZhvSfMtWJA3uUIVXV3a/bSXNPCWvYFXoGCVS8V4zY="),
        ("1704876947GET/users/self/verify", "5/36BgGV6m/6pmdc20zdqk0mzF5ZalmzzPD2fo3wavU="),
    ):
        assert signature(secret, prehash.encode()).decode() == expected
