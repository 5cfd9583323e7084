"""Adapters for public Python clients, each driven through its own transport against a loopback server.

    okxdoctor conform sign --adapter 'PYTHON tests/conformance/adapters/python_clients.py NAME'

PYTHON is an interpreter that has the client NAME of `CLIENTS`, a distribution name of PyPI; several of them install a
package `okx` and cannot stand beside each other. A client is given the clock of the question and nothing else of it is
changed. What it has no way to say (a repeated name where it takes a dict) is skipped.
"""

from __future__ import annotations

import asyncio
import json
import sys
import types
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from wire import Skip, Wire, one_each, serve

KEY = "7b0c5e1a-3f52-4d8e-9a61-0c4b7d2e9f13"
WIRE = Wire()

Signer = Callable[[str, str, str, str, Any, Any], None]
"""Makes one request: secret, timestamp, method, path, params, body."""


class FrozenDatetime(datetime):
    """A clock that stands at the moment of the question."""

    moment = datetime(1970, 1, 1, tzinfo=UTC)

    @classmethod
    def utcnow(cls) -> datetime:
        return cls.moment.replace(tzinfo=None)

    @classmethod
    def now(cls, tz: Any = None) -> datetime:
        return cls.moment.astimezone(tz) if tz else cls.moment.replace(tzinfo=None)


def _frozen(timestamp: str) -> None:
    FrozenDatetime.moment = datetime.strptime(timestamp, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


def _no_query(method: str, params: Any) -> None:
    if method == "POST" and params:
        raise Skip("a POST takes no query")


def _body_or_params(method: str, params: Any, body: Any) -> Any:
    """What a client takes that has one argument for the query of a GET and the body of a POST."""
    _no_query(method, params)
    if method == "GET":
        return one_each(params)
    return {} if body is None else body


def okx_sdk() -> Signer:
    from okx.restapi import BaseClient

    module: Any = BaseClient
    module.datetime = types.SimpleNamespace(datetime=FrozenDatetime)

    def make(secret: str, timestamp: str, method: str, path: str, params: Any, body: Any) -> None:
        client = module.OkxBaseClient(KEY, secret, "phrase", base_api=WIRE.url)
        client._request(method, path, _body_or_params(method, params, body))

    return make


def okx() -> Signer:
    from okx.api import _client

    _client.datetime = types.SimpleNamespace(datetime=FrozenDatetime)

    def make(secret: str, timestamp: str, method: str, path: str, params: Any, body: Any) -> None:
        client = _client.Client(KEY, secret, "phrase", proxy_host=WIRE.url, retry_num=1)
        given = _body_or_params(method, params, body)
        if isinstance(given, list):
            client.send_request(path, method, given, proxies={}, proxy_host="")
        else:
            client.send_request(path, method, **given, proxies={}, proxy_host="")

    return make


def okx_api() -> Signer:
    from okx_api import _client

    _client.datetime = types.SimpleNamespace(datetime=FrozenDatetime)

    def make(secret: str, timestamp: str, method: str, path: str, params: Any, body: Any) -> None:
        client = _client.Client(KEY, secret, "phrase")
        client.API_URL = WIRE.url
        given = _body_or_params(method, params, body)
        if isinstance(given, list):
            raise Skip("it takes no list")
        client.send_request(path, method, **given)

    return make


def okxpy() -> Signer:
    from okxpy import okx, utils

    utils.datetime = types.SimpleNamespace(datetime=FrozenDatetime)
    okx.OKX.BASE_URL = WIRE.url

    def make(secret: str, timestamp: str, method: str, path: str, params: Any, body: Any) -> None:
        client = okx.OKX(KEY, secret, "phrase")
        given = _body_or_params(method, params, body)
        if method == "GET":
            given = {name: value for name, value in given.items() if value is not None}
            client.send_signed_request("GET", f"{path}{utils.urlencode(**given)}")
        else:
            client.send_signed_request("POST", path, given)

    return make


def okxv5() -> Signer:
    from okxv5 import client as module
    from okxv5 import consts, utils

    consts.API_URL = WIRE.url

    def make(secret: str, timestamp: str, method: str, path: str, params: Any, body: Any) -> None:
        utils.get_timestamp = lambda: timestamp
        client = module.Client(KEY, secret, "phrase")
        client._request(method, path, _body_or_params(method, params, body))

    return make


def python_okx_async() -> Signer:
    from okx_async import client as module
    from okx_async import utils

    def make(secret: str, timestamp: str, method: str, path: str, params: Any, body: Any) -> None:
        utils.get_timestamp = lambda: timestamp
        client = module.Client(KEY, secret, "phrase", base_api=WIRE.url, debug=False)
        client._request(method, path, _body_or_params(method, params, body))

    return make


def okx_perp_reliable() -> Signer:
    from okx_perp_reliable import http

    def make(secret: str, timestamp: str, method: str, path: str, params: Any, body: Any) -> None:
        http.generate_timestamp = lambda: timestamp

        async def ask() -> None:
            client = http.OkxHttpClient(
                api_key=KEY, api_secret=secret, passphrase="phrase", demo=False, timeout=5, base_url=WIRE.url
            )
            try:
                await client.request(method, path, params=one_each(params) or None, json_body=body)
            finally:
                await client.close()

        asyncio.run(ask())

    return make


def pyokx() -> Signer:
    from pyokx import auth, base

    base.BASE_URL = WIRE.url
    auth.datetime = types.SimpleNamespace(datetime=FrozenDatetime)

    def make(secret: str, timestamp: str, method: str, path: str, params: Any, body: Any) -> None:
        _no_query(method, params)
        client = base.OKXClient(key=KEY, secret=secret, passphrase="phrase")
        query = one_each(params)
        if method == "GET":
            client.make_request(path, "GET", **({"params": query} if query else {}))
        else:
            client.make_request(path, "POST", **({} if body is None else {"body": body}))

    return make


def hummingbot() -> Signer:
    """Its signing and its connection as they stand in the source; the exchange around them needs a whole bot."""
    import aiohttp

    for name, names in (
        ("hummingbot.connector.time_synchronizer", ["TimeSynchronizer"]),
        ("hummingbot.core.web_assistant.auth", ["AuthBase"]),
        ("hummingbot.core.web_assistant.connections.data_types", ["RESTRequest", "WSRequest", "RESTResponse"]),
    ):
        module = types.ModuleType(name)
        for each in names:
            setattr(module, each, type(each, (), {}))
        sys.modules[name] = module
    from hummingbot.connector.exchange.okx import okx_auth  # type: ignore[import-not-found]
    from hummingbot.core.web_assistant.connections import rest_connection  # type: ignore[import-not-found]

    okx_auth.datetime = types.SimpleNamespace(datetime=FrozenDatetime, UTC=UTC)
    rest_connection.RESTResponse = lambda answer: answer

    def make(secret: str, timestamp: str, method: str, path: str, params: Any, body: Any) -> None:
        _no_query(method, params)
        clock = types.SimpleNamespace(time=lambda: FrozenDatetime.moment.timestamp())
        okx_auth.datetime.datetime.fromtimestamp = lambda _at, _zone: FrozenDatetime.moment
        request = types.SimpleNamespace(
            method=types.SimpleNamespace(value=method),
            url=f"{WIRE.url}{path}",
            params=one_each(params) or None,
            data=None if body is None else json.dumps(body),
            headers={"Content-Type": "application/json"},
        )

        async def ask() -> None:
            auth = okx_auth.OkxAuth(KEY, secret, "phrase", clock)
            async with aiohttp.ClientSession() as session:
                await rest_connection.RESTConnection(session).call(await auth.rest_authenticate(request))

        asyncio.run(ask())

    return make


CLIENTS: dict[str, Callable[[], Signer]] = {
    "okx-sdk": okx_sdk,
    "okx": okx,
    "okx-api": okx_api,
    "okxpy": okxpy,
    "okxv5": okxv5,
    "python-okx-async": python_okx_async,
    "okx-perp-reliable": okx_perp_reliable,
    "pyokx": pyokx,
    "hummingbot": hummingbot,
}


def main(name: str) -> None:
    make = CLIENTS[name]()

    def sign(secret: str, timestamp: str, method: str, path: str, params: Any, body: Any) -> dict[str, str]:
        _frozen(timestamp)
        WIRE.clear()
        make(secret, timestamp, method.upper(), path, params, body)
        sent = WIRE.take()
        if sent.headers["ok-access-timestamp"] != timestamp:
            raise Skip("the clock could not be set")
        return {"sign": sent.headers["ok-access-sign"], "request_path": sent.target, "body": sent.body}

    serve(name, _version(name), "python", {"sign": sign})


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:  # a source tree on the path
        return ""


main(sys.argv[1])
