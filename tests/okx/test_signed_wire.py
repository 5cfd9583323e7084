"""What is signed is what an HTTP library puts on the wire: awkward queries and bodies through httpx, no server."""

from __future__ import annotations

import base64
import hashlib
import hmac

import httpx
import pytest
import respx

from okxdoctor.okx.signing import json_body, request_path, signed_headers

SECRET = "22582BD0CFF14C41EDBF1AB98506286D"  # the example of OKX's documentation
STAMP = "2020-12-08T09:08:57.715Z"
HOST = "https://openapi.okx.com"


def received_sign(request: httpx.Request) -> str:
    """What a server computes from the bytes that it got; nothing of okxdoctor in it."""
    target = request.url.raw_path.decode("ascii")
    prehash = request.headers["OK-ACCESS-TIMESTAMP"] + request.method + target + request.content.decode("utf-8")
    digest = hmac.new(SECRET.encode(), prehash.encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


@pytest.mark.parametrize(
    "params",
    [
        [], [("ccy", "BTC")], [("ccy", "BTC,ETH")], [("instId", "BTC-USDT"), ("after", "1"), ("before", "2")],
        [("b", "2"), ("a", "1")], [("x", "a b")], [("x", "a+b")], [("x", "50%")], [("x", "a&b=c")], [("x", "#frag")],
        [("x", "[1]")], [("x", "'\"")], [("x", "é漢")], [("x", "")], [("x", "1"), ("x", "2")], [("x", "a/b?c")],
        [("x", "~._-")], [("x", "%2C")], [("x", "|\\^`{}")],
    ],
)  # fmt: skip
@respx.mock(base_url=HOST)
def test_a_query_reaches_the_server_as_it_was_signed(
    params: list[tuple[str, str]], respx_mock: respx.MockRouter
) -> None:
    route = respx_mock.get(url__startswith=HOST).respond(json={"code": "0", "msg": "", "data": []})
    path = request_path("/api/v5/account/balance", params)
    headers = signed_headers(key="k", secret=SECRET, passphrase="p", timestamp=STAMP, method="GET", request_path=path)
    httpx.get(HOST + path, headers=headers)
    sent = route.calls.last.request
    assert sent.url.raw_path.decode("ascii") == path
    assert sent.headers["OK-ACCESS-SIGN"] == received_sign(sent)


@pytest.mark.parametrize(
    "value",
    [{"instId": "BTC-USDT", "lever": "5", "mgnMode": "isolated"}, [{"a": "1"}, {"a": "2"}], {}, {"n": None, "b": True},
     {"tag": "é漢\U0001f600"}, {"big": 12345678901234567890}],
)  # fmt: skip
@respx.mock(base_url=HOST)
def test_a_body_reaches_the_server_as_it_was_signed(value: object, respx_mock: respx.MockRouter) -> None:
    route = respx_mock.post("/api/v5/trade/order").respond(json={"code": "0", "msg": "", "data": []})
    body = json_body(value)
    headers = signed_headers(
        key="k", secret=SECRET, passphrase="p", timestamp=STAMP, method="POST",
        request_path="/api/v5/trade/order", body=body,
    )  # fmt: skip
    httpx.post(f"{HOST}/api/v5/trade/order", content=body, headers=headers)
    sent = route.calls.last.request
    assert sent.content.decode("utf-8") == body
    assert sent.headers["OK-ACCESS-SIGN"] == received_sign(sent)
