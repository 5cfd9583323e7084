"""What people met in the field can be met here: a client that does the same is told the same.

``field_failures.toml`` has a row for each of the catalogue's failures. The codes in it are those of the reports, not of
this exchange. Rows with a fault are run in tests/sim; those with ``ask`` are carried out here over the wire.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from okxdoctor.exchange import Bench, serve
from okxdoctor.exchange.core.clock import iso_ms
from okxdoctor.exchange.core.sites import REST_NAME
from okxdoctor.knowledge import causes

FAILURES: dict[str, dict[str, Any]] = tomllib.loads(Path(__file__).with_name("field_failures.toml").read_text("utf-8"))
ASKED = [(number, step) for number, row in FAILURES.items() if (step := row.get("ask"))]


@pytest.fixture(scope="module")
def x() -> Iterator[Bench]:
    with serve(seed=21) as served:
        yield Bench(served)


@pytest.fixture(autouse=True)
def fresh(request: pytest.FixtureRequest) -> None:
    if "x" in request.fixturenames:
        request.getfixturevalue("x").served.clock.step(10)


# ---- the table ----------------------------------------------------------------------------------


def test_every_failure_has_a_row_and_every_row_a_way() -> None:
    assert list(FAILURES) == [f"FF-{number:03d}" for number in range(1, 151)]
    for number, row in FAILURES.items():
        ways = {"fault", "ask", "input", "not"} & row.keys()
        assert ways, number
        assert "not" not in ways or ways == {"not"}, f"{number}: a way, and a reason why there is none"
        assert ("fault" in row) == ("cause" in row), number
        assert len(row["says"]) > 10
        assert len(row.get("not", "a reason that is long enough")) > 20
        assert row.get("cause", "clock.ahead") in causes(), number
        assert row.get("input", "clock.ahead") in causes(), number


def test_most_can_be_had() -> None:
    assert sum("not" in row for row in FAILURES.values()) <= 12


# ---- on the wire ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("number", "steps"), ASKED, ids=[number for number, _ in ASKED])
def test_a_client_that_does_this_is_told_that(x: Bench, number: str, steps: list[dict[str, Any]]) -> None:
    for step in steps:
        if "ws" in step:
            over_websocket(x, step)
        else:
            over_rest(x, step)


def over_rest(x: Bench, step: dict[str, Any]) -> None:
    method, target = ("GET", step["get"]) if "get" in step else ("POST", step["post"])
    body = step.get("body", "")
    headers = {"Content-Type": "application/json", "Host": f"{REST_NAME[step.get('host', 'global')]}:443"}
    headers |= signed(x, step, method, target, body)
    if step.get("demo"):
        headers["x-simulated-trading"] = "1"
    headers |= step.get("headers", {})
    with httpx.Client(trust_env=False, timeout=10) as client:
        url = httpx.URL(x.info.plain_rest_url, raw_path=target.encode())
        for _ in range(step.get("times", 1)):
            answer = client.request(method, url, headers=headers, content=body.encode() or None)
    told = answer.text
    assert answer.status_code == step.get("status", answer.status_code), told
    if "code" in step:
        assert answer.json()["code"] == step["code"], told
    if "item" in step:
        assert step["item"] in [row.get("sCode") for row in answer.json()["data"]], told
    if "rows" in step:
        assert len(answer.json()["data"]) == step["rows"], told[:300]
    assert step.get("has", "") in told
    assert "lacks" not in step or step["lacks"] not in told


def handed(x: Bench, step: dict[str, Any], name: str = "key") -> Any:
    site, environment = step.get(name, "global/live").split("/")
    return x.at(site, environment).site


def mac(secret: str, text: str) -> bytes:
    return hmac.digest(secret.encode(), text.encode(), hashlib.sha256)


def signed(x: Bench, step: dict[str, Any], method: str, target: str, body: str) -> dict[str, str]:
    """The headers of a signed request, with the mistake that the step names."""
    mistake = step.get("sign", "")
    if mistake == "none":
        return {}
    key, now_ms = handed(x, step), x.served.clock.now_ms() + round(step.get("ahead_s", 0) * 1000)
    stamp = iso_ms(now_ms)
    path, _, query = target.partition("?")
    match mistake:
        case "short-ms":
            stamp = iso_ms(now_ms // 1000 * 1000 + 510).replace("510Z", "51Z")
        case "epoch-s":
            stamp = str(now_ms // 1000)
        case "micros":
            stamp = stamp.replace("Z", "123Z")
    verb, said, text = method, target, body
    header_stamp = stamp
    match mistake:
        case "no-query":
            said = path
        case "with-query":
            said = f"{path}?ccy=BTC"
        case "sorted":
            said = f"{path}?{'&'.join(sorted(query.split('&')))}"
        case "decoded":
            said = target.replace("%2C", ",")
        case "spaced":
            text = json.dumps(json.loads(body))
        case "compact":
            text = json.dumps(json.loads(body), separators=(",", ":"))
        case "lower":
            verb = method.lower()
        case "host":
            said = f"https://openapi.okx.com{target}"
        case "question-mark":
            said = f"{target}?"
        case "braces":
            text = "{}"
        case "other-stamp":
            stamp = iso_ms(now_ms - 1)
    prehash = f"{stamp}{verb}{said}{text}"
    digest = mac(key.secret_key, prehash * 2 if mistake == "twice" else prehash)
    return {
        "OK-ACCESS-KEY": key.api_key,
        "OK-ACCESS-SIGN": digest.hex() if mistake == "hex" else base64.b64encode(digest).decode(),
        "OK-ACCESS-TIMESTAMP": header_stamp,
        "OK-ACCESS-PASSPHRASE": key.passphrase,
    }


def login(x: Bench, step: dict[str, Any]) -> str:
    key = handed(x, step, "login")
    now_ms = x.served.clock.now_ms() + round(step.get("ahead_s", 0) * 1000)
    stamp = str(now_ms if step.get("stamp") == "ms" else now_ms // 1000)
    secret = "another secret" if step.get("sign") == "wrong" else key.secret_key
    sign = base64.b64encode(mac(secret, f"{stamp}GET/users/self/verify")).decode()
    args = {"apiKey": key.api_key, "passphrase": key.passphrase, "timestamp": stamp, "sign": sign}
    return json.dumps({"op": "login", "args": [args]})


def over_websocket(x: Bench, step: dict[str, Any]) -> None:
    base = x.info.plain_ws_url.replace("/ws/v5", "/demo/ws/v5") if step.get("demo") else x.info.plain_ws_url
    with connect(f"{base}/{step['ws']}", proxy=None) as socket:
        if "pass_s" in step:
            socket.send("ping")
            assert socket.recv(timeout=5) == "pong"  # the session is there: time passes for it
            x.served.clock.step(step["pass_s"])
            with pytest.raises(ConnectionClosed) as ended:
                socket.recv(timeout=5)
            assert ended.value.rcvd is not None
            assert ended.value.rcvd.code == step["closed"]
            return
        told = ""
        if "login" in step:
            socket.send(login(x, step))
            told = str(socket.recv(timeout=5))
        if "say" in step:
            assert "login" not in step or json.loads(told)["event"] == "login"
            socket.send(step["say"])
            told = str(socket.recv(timeout=5))
            if "has" in step and step["has"] not in told:
                told = str(socket.recv(timeout=5))  # data, behind its acknowledgement
        assert step.get("text", told) == told
        assert "code" not in step or json.loads(told)["code"] == step["code"], told
        assert step.get("has", "") in told, told
