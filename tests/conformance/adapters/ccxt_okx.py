"""Adapter for ccxt (Python): what its `sign` returns, and the request target that requests makes of the address.

    okxdoctor conform sign --adapter 'PYTHON tests/conformance/adapters/ccxt_okx.py'     PYTHON has ccxt

Parameters go in as the dict that its implicit methods take: a repeated name cannot be said and is skipped.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from typing import Any

import ccxt
import requests

KEY = "7b0c5e1a-3f52-4d8e-9a61-0c4b7d2e9f13"

BRANDED = ("/api/v5/trade/order", "/api/v5/trade/batch-orders", "/api/v5/trade/order-algo")


class Skip(Exception):
    pass


def sign(secret: str, timestamp: str, method: str, path: str, params: Any, body: Any) -> dict[str, str]:
    names = [name for name, _ in params or ()]
    if len(set(names)) < len(names):
        raise Skip("a dict holds no name twice")
    if method.upper() == "POST" and params:
        raise Skip("a POST takes no query")
    if not path.startswith("/api/v5/"):
        raise Skip("another API")
    exchange = ccxt.okx({"apiKey": KEY, "secret": secret, "password": "phrase"})
    moment = datetime.strptime(timestamp, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    exchange.nonce = lambda: round(moment.timestamp() * 1000)
    orders = body if isinstance(body, list) else [body]
    if path in BRANDED and not all(isinstance(order, dict) and order.get("clOrdId") for order in orders):
        raise Skip("ccxt gives the order an id and a tag of its own")
    given = dict(params or ()) if method.upper() == "GET" else body if body is not None else {}
    made = exchange.sign(path.removeprefix("/api/v5/"), ["private"], method.upper(), given)
    if made["headers"]["OK-ACCESS-TIMESTAMP"] != timestamp:
        raise Skip("the clock could not be set")
    prepared = requests.Request(made["method"], made["url"], data=made["body"]).prepare()
    sent = prepared.body.decode() if isinstance(prepared.body, bytes) else prepared.body or ""
    return {"sign": made["headers"]["OK-ACCESS-SIGN"], "request_path": prepared.path_url, "body": sent}


def main() -> None:
    for line in sys.stdin.buffer:
        message = json.loads(line)
        if message["cmd"] == "stop":
            return
        if message["cmd"] == "start":
            reply = {"name": "ccxt", "version": ccxt.__version__, "language": "python", "supports": ["sign"]}
        else:
            reply = {"seq": message["seq"]}
            try:
                reply["output"] = sign(**message["input"])
            except Skip as reason:
                reply["skipped"] = str(reason)
            except Exception as error:
                reply["error"] = f"{type(error).__name__}: {error}"
        print(json.dumps(reply), flush=True)


main()
