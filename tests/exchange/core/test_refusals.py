"""The gateway's refusals: status and exact bytes, in the order in which they come."""

from __future__ import annotations

import json
from typing import Any

import pytest

CONFIG = "/api/v5/account/config"


def without(name: str) -> Any:
    return lambda headers: headers.pop(name)


def with_(name: str, value: str) -> Any:
    return lambda headers: headers.__setitem__(name, value)


@pytest.mark.parametrize(
    ("change", "status", "body"),
    [
        (without("ok-access-key"), 401, '{"msg":"Request header OK-ACCESS-KEY can not be empty.","code":"50103"}'),
        (with_("ok-access-key", ""), 401, '{"msg":"Request header OK-ACCESS-KEY can not be empty.","code":"50103"}'),
        (without("ok-access-sign"), 401, '{"msg":"Request header OK-ACCESS-SIGN can not be empty.","code":"50106"}'),
        (
            without("ok-access-timestamp"),
            401,
            '{"msg":"Request header OK-ACCESS-TIMESTAMP can not be empty.","code":"50107"}',
        ),
        (
            without("ok-access-passphrase"),
            401,
            '{"msg":"Request header OK-ACCESS-PASSPHRASE can not be empty.","code":"50104"}',
        ),
        (with_("ok-access-key", "not-a-key"), 401, '{"msg":"Invalid OK-ACCESS-KEY","code":"50111"}'),
        (
            with_("ok-access-key", "00000000-0000-4000-8000-000000000000"),
            401,
            '{"msg":"API key doesn\'t exist","code":"50119"}',
        ),
        (
            with_("ok-access-passphrase", "Another1!"),
            401,
            '{"msg":"Request header OK-ACCESS-PASSPHRASE incorrect.","code":"50105"}',
        ),
        (with_("ok-access-sign", "AAAA"), 401, '{"msg":"Invalid Sign","code":"50113"}'),
        (with_("ok-access-sign", "caf\udce9"), 401, '{"msg":"Invalid Sign","code":"50113"}'),
        (
            with_("x-simulated-trading", "1"),
            401,
            '{"msg":"APIKey does not match current environment.","code":"50101"}',
        ),
    ],
)
def test_refusal_of_a_changed_header(bench: Any, change: Any, status: int, body: str) -> None:
    reply = bench.send("GET", CONFIG, change=change)
    assert (reply.status, reply.body.decode()) == (status, body)


@pytest.mark.parametrize(
    "stamp",
    ["1795363200123", "1795363200", "2026-11-22T16:00:00Z", "2026-11-22T16:00:00.123456Z", "2026-11-22T16:00:00.123",
     "2026-11-22T16:00:00.123+00:00", "2026-11-22 16:00:00.123Z", "2026-13-22T16:00:00.123Z",
     "٢٠٢٦-11-22T16:00:00.123Z"],
)  # fmt: skip
def test_a_timestamp_of_another_form_meets_50112(bench: Any, stamp: str) -> None:
    reply = bench.send("GET", CONFIG, stamp=stamp)
    assert (reply.status, reply.body) == (401, b'{"msg":"Invalid OK-ACCESS-TIMESTAMP","code":"50112"}')


@pytest.mark.parametrize(("offset", "status"), [(-30_000, 200), (30_000, 200), (-30_001, 401), (30_001, 401)])
def test_the_window_is_thirty_seconds_on_both_sides(bench: Any, offset: int, status: int) -> None:
    reply = bench.send("GET", CONFIG, stamp=bench.stamp(offset))
    assert reply.status == status
    if status == 401:
        assert reply.body == b'{"msg":"Timestamp request expired","code":"50102"}'


def test_the_timestamp_is_looked_at_before_the_key_and_the_key_before_the_signature(bench: Any) -> None:
    def unknown_and_meaningless(headers: dict[str, str]) -> None:
        headers["ok-access-key"] = "00000000-0000-4000-8000-000000000000"
        headers["ok-access-sign"] = "meaningless"

    assert b"50119" in bench.send("GET", CONFIG, change=unknown_and_meaningless).body
    late = bench.send("GET", CONFIG, change=unknown_and_meaningless, stamp=bench.stamp(-60_000))
    assert b"50102" in late.body


def test_a_refusal_of_an_address_names_address_and_key(bench: Any) -> None:
    key = bench.exchange.credentials().api_key
    reply = bench.send("GET", CONFIG, peer="203.0.113.9")
    text = f"Your IP 203.0.113.9 is not included in your API key's {key} IP whitelist."
    assert (reply.status, json.loads(reply.body)) == (401, {"msg": text, "code": "50110"})


@pytest.mark.parametrize(
    ("fault", "method", "target", "status", "code"),
    [
        ("key-frozen", "GET", CONFIG, 400, "50100"),
        ("key-unknown", "GET", CONFIG, 401, "50119"),
        ("key-secret-wrong", "GET", CONFIG, 401, "50113"),
        ("key-passphrase-wrong", "GET", CONFIG, 401, "50105"),
        ("key-wrong-environment", "GET", CONFIG, 401, "50101"),
        ("permission-missing=read", "GET", CONFIG, 401, "50120"),
        ("permission-missing=trade", "POST", "/api/v5/trade/order", 401, "50120"),
        ("permission-ip-binding-required", "POST", "/api/v5/trade/order", 403, "50035"),
        ("http-region-blocked=50121", "GET", CONFIG, 200, "50121"),
    ],
)
def test_a_changed_record_is_refused_by_the_same_gateway(
    bench: Any, fault: str, method: str, target: str, status: int, code: str
) -> None:
    assert json.loads(bench.send(method, target, "{}" if method == "POST" else "").body)["code"] != code
    bench.put(fault)
    reply = bench.send(method, target, "{}" if method == "POST" else "")
    assert reply.status == status
    decoded = json.loads(reply.body)
    assert decoded["code"] == code
    assert list(decoded) == ["msg", "code"]
    bench.put()
    assert json.loads(bench.send(method, target, "{}" if method == "POST" else "").body)["code"] != code


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [("status-maintenance", 503, "50001"), ("status-overloaded=50013", 429, "50013"),
     ("status-overloaded=50026", 500, "50026"), ("status-overloaded=50004", 400, "50004")],
)  # fmt: skip
def test_a_busy_service_answers_private_requests_only(bench: Any, fault: str, status: int, code: str) -> None:
    bench.put(fault)
    reply = bench.send("GET", CONFIG)
    decoded = json.loads(reply.body)
    assert (reply.status, decoded["code"], decoded["data"]) == (status, code, [])
    assert bench.send("GET", "/api/v5/public/time", signed=False).status == 200


@pytest.mark.parametrize(
    ("method", "target", "status", "code"),
    [
        ("GET", "/api/v5/nothing/here", 404, "404"),
        ("GET", "/", 404, "404"),
        ("POST", "/api/v5/public/time", 405, "50115"),
        ("DELETE", "/api/v5/account/config", 405, "50115"),
        ("GET", "/api/v5/public/instruments", 400, "50014"),
        ("GET", "/api/v5/public/instruments?instType=", 400, "50014"),
        ("GET", "/api/v5/public/instruments?instType=COINS", 400, "51000"),
        ("GET", "/api/v5/public/instruments?instType=OPTION", 400, "50014"),
        ("GET", "/api/v5/public/instruments?instType=SPOT&instId=NOPE-USDT", 200, "51001"),
        ("GET", "/api/v5/market/ticker?instId=NOPE-USDT", 200, "51001"),
        ("GET", "/api/v5/market/books?instId=BTC-USDT&sz=401", 400, "51000"),
        ("GET", "/api/v5/market/books?instId=BTC-USDT&sz=x", 400, "51000"),
        ("GET", "/api/v5/market/candles?instId=BTC-USDT&bar=7m", 400, "51000"),
        ("GET", "/api/v5/market/candles?instId=BTC-USDT&limit=0", 400, "51000"),
    ],
)
def test_public_refusals(bench: Any, method: str, target: str, status: int, code: str) -> None:
    reply = bench.send(method, target, "{}" if method == "POST" else "", signed=False)
    assert (reply.status, json.loads(reply.body)["code"]) == (status, code)


@pytest.mark.parametrize(
    ("body", "content_type", "code"),
    [
        ("", "application/json", "50000"),
        ("{}", "application/x-www-form-urlencoded", "50006"),
        ("{", "application/json", "50002"),
        ("[]", "application/json", "50002"),
        ("[" * 5000, "application/json", "50002"),
        ('{"a":' * 100_000 + "1" + "}" * 100_000, "application/json", "50002"),
        ('"text"', "application/json", "50002"),
    ],
)
def test_a_body_that_is_no_json_object_is_refused(bench: Any, body: str, content_type: str, code: str) -> None:
    reply = bench.send("POST", "/api/v5/trade/order", body, change=with_("content-type", content_type))
    assert (reply.status, json.loads(reply.body)["code"]) == (400, code)


def test_announcements_become_private_with_a_key_header(bench: Any) -> None:
    target = "/api/v5/support/announcements"
    assert bench.send("GET", target, signed=False).status == 200
    assert bench.send("GET", target).status == 200
    empty = bench.send("GET", target, signed=False, change=with_("ok-access-key", ""))
    assert (empty.status, json.loads(empty.body)["code"]) == (401, "50103")
    assert bench.send("GET", "/api/v5/public/time", signed=False, change=with_("ok-access-key", "")).status == 200


def test_a_key_lives_on_one_site(bench: Any) -> None:
    from okxdoctor.exchange.core.protocol import Request
    from okxdoctor.exchange.core.rest import respond

    for home in ("global", "eea", "us"):
        headers = bench.headers("GET", CONFIG, site=home)
        codes = {
            site: json.loads(respond(bench.exchange, site, Request(method="GET", target=CONFIG, headers=headers)).body)[
                "code"
            ]
            for site in ("global", "eea", "us")
        }
        assert codes == {site: "0" if site == home else "50119" for site in codes}
