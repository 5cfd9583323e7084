"""Adapter for python-okx: what its client puts on the wire, caught at httpx's transport.

    okxdoctor conform sign --adapter 'PYTHON tests/conformance/adapters/python_okx.py'     PYTHON has python-okx

Parameters go in as the dict that its functions take: a repeated name cannot be said and is skipped.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import httpx
from okx import consts, okxclient, utils

KEY = "7b0c5e1a-3f52-4d8e-9a61-0c4b7d2e9f13"


class Skip(Exception):
    pass


def sign(secret: str, timestamp: str, method: str, path: str, params: Any, body: Any) -> dict[str, str]:
    names = [name for name, _ in params or ()]
    if len(set(names)) < len(names):
        raise Skip("a dict holds no name twice")
    if method.upper() == "POST" and params:
        raise Skip("a POST takes no query")
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"code": "0", "msg": "", "data": []})

    client = okxclient.OkxClient(KEY, secret, "phrase")
    client._mounts = {}
    client._transport = httpx.MockTransport(answer)
    utils.get_timestamp = lambda: timestamp
    if method.upper() == "GET":
        client._request_with_params(consts.GET, path, dict(params or ()))
    elif body is None:
        client._request_without_params(consts.POST, path)
    else:
        client._request_with_params(consts.POST, path, body)
    (request,) = seen
    return {
        "sign": request.headers["OK-ACCESS-SIGN"],
        "request_path": request.url.raw_path.decode("ascii"),
        "body": request.content.decode(),
    }


def ws_login(key: str, secret: str, passphrase: str, epoch_s: str) -> Any:
    from okx.websocket import WsUtils

    WsUtils.getLocalTime = WsUtils.getServerTime = lambda: epoch_s
    # The client asks the wall clock; here it is told the second that the login is for.
    WsUtils.time.time = lambda: float(epoch_s)
    return json.loads(WsUtils.initLoginParams(False, key, passphrase, secret))["args"][0]


OPS = {"sign": sign, "ws_login": ws_login}


def main() -> None:
    from importlib.metadata import version

    for line in sys.stdin.buffer:
        message = json.loads(line)
        if message["cmd"] == "stop":
            return
        if message["cmd"] == "start":
            reply = {
                "name": "python-okx",
                "version": version("python-okx"),
                "language": "python",
                "supports": list(OPS),
            }
        else:
            reply = {"seq": message["seq"]}
            try:
                reply["output"] = OPS[message["op"]](**message["input"])
            except Skip as reason:
                reply["skipped"] = str(reason)
            except Exception as error:
                reply["error"] = f"{type(error).__name__}: {error}"
        print(json.dumps(reply), flush=True)


main()
