"""Traces by hand: requests, answers, messages and connections of a made-up program, and the grade of one case."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

from okxdoctor.conformance.client.cases import cases, limits
from okxdoctor.conformance.client.grade import Grade
from okxdoctor.conformance.client.judging import judge
from okxdoctor.conformance.client.trace import Answered, Asked, Event, Heard, Known, Opened, Printed, Said, Trace

SECRET, PHRASE, KEY = "22582BD0CFF14C41EDBF1AB98506286D", "Passphrase-9", "a7e0c2f1-0000-4000-8000-1234567890ab"
GRID = ("0.1", "0.00000001", "0.00001", 10459)
KNOWN = Known(key=KEY, secret=SECRET, passphrase=PHRASE, instruments=(("BTC-USDT", GRID), ("ETH-USDT", (*GRID[:3], 7))))
EPOCH_MS = 1_700_000_000_000
STAMP = "2023-11-14T22:13:20.000Z"
BY_ID = {case.id: case for case in cases()}


def signed(text: str) -> str:
    return base64.b64encode(hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).digest()).decode()


def asked(
    number: int,
    target: str,
    *,
    at: float = 0.0,
    method: str = "GET",
    body: str = "",
    stamp: str = STAMP,
    sign: str | None = None,
    **more: str,
) -> Asked:
    headers = {
        "ok-access-key": KEY,
        "ok-access-passphrase": PHRASE,
        "ok-access-timestamp": stamp,
        "ok-access-sign": signed(stamp + method + target + body) if sign is None else sign,
    }
    if body:
        headers["content-type"] = "application/json"
    headers |= {name.replace("_", "-"): value for name, value in more.items()}
    return Asked(
        at_s=at,
        epoch_ms=EPOCH_MS,
        number=number,
        conn=number,
        method=method,
        target=target,
        body=body,
        headers=tuple((name, value) for name, value in headers.items() if value),
    )


def ok(number: int, *, at: float = 0.0, data: Any = (), code: str = "0", done: str = "", status: int = 200) -> Answered:
    body = json.dumps({"code": code, "data": list(data), "msg": ""})
    return Answered(at_s=at, number=number, status=status, body=body, done=done)


def order(number: int, *, at: float = 0.0, **changes: Any) -> Asked:
    body = {
        "instId": "BTC-USDT",
        "tdMode": "cash",
        "side": "buy",
        "ordType": "limit",
        "px": "60000.1",
        "sz": "0.001",
        "clOrdId": f"c{number}",
        **changes,
    }
    text = json.dumps({name: value for name, value in body.items() if value is not ...})
    return asked(number, "/api/v5/trade/order", at=at, method="POST", body=text)


def heard(conn: int, value: object, at: float = 0.0) -> Heard:
    text = value if isinstance(value, str) else json.dumps(value)
    return Heard(at_s=at, epoch_ms=EPOCH_MS, conn=conn, text=text)


def said(conn: int, value: object, at: float = 0.0, done: str = "") -> Said:
    text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
    return Said(at_s=at, conn=conn, text=text, done=done)


def opened(conn: int, path: str, at: float = 0.0, status: int = 101, done: str = "") -> Opened:
    return Opened(at_s=at, conn=conn, path=path, status=status, done=done)


def login(stamp: str = "1700000000", **changes: Any) -> dict[str, Any]:
    arg = {"apiKey": KEY, "passphrase": PHRASE, "timestamp": stamp, "sign": signed(f"{stamp}GET/users/self/verify")}
    return {"op": "login", "args": [{**arg, **changes}]}


ACCEPTED = {"event": "login", "code": "0", "msg": "", "connId": "a4d3ae55"}
ORDERS = {"channel": "orders", "instType": "ANY"}
TICKERS = {"channel": "tickers", "instId": "BTC-USDT"}


def subscribe(*args: dict[str, str]) -> dict[str, Any]:
    return {"op": "subscribe", "args": list(args)}


def graded(case: str, *events: Event, name: str = "healthy", healthy: tuple[Event, ...] = ()) -> Grade:
    traces = [Trace(name, events, KNOWN)]
    if name != "healthy":
        traces.insert(0, Trace("healthy", healthy, KNOWN))
    return judge(BY_ID[case], traces, limits())


GET = "/api/v5/account/balance"
LATER = Printed(at_s=9.0, stream="stdout", text=".")
MUCH_LATER = Printed(at_s=30.0, stream="stdout", text=".")
