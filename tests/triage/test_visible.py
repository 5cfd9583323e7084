"""What is seen without the secret: each circumstance leads to its cause, and a sound request to none."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from okxdoctor.triage.capture import Capture, Login, Request, Response
from okxdoctor.triage.inspection import Inspection, Known, inspect_one

KEY = "7b0c5e1a-3f52-4d8e-9a61-0c4b7d2e9f13"
SIGN = "AkD5YszBhggtIyjDlmTy/9PpNVntel+1Lff8wh0qpQw="
TIME = "2020-12-08T09:08:57.715Z"
TIME_MS = 1_607_418_537_715
NOTHING = Known()

READ = Request(
    form="", label="a read", method="GET", origin="https://www.okx.com", target="/api/v5/account/balance",
    headers=(("OK-ACCESS-KEY", KEY), ("OK-ACCESS-SIGN", SIGN), ("OK-ACCESS-TIMESTAMP", TIME),
             ("OK-ACCESS-PASSPHRASE", "Vector-Phrase-1")),
    body=b"",
)  # fmt: skip
ORDER = {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "limit", "px": "2.15", "sz": "2"}
LOGIN = Login(label="a login", key=KEY, passphrase="Vector-Phrase-1", timestamp="1767225600", sign=SIGN)


def write(body: object, path: str = "/api/v5/trade/order", kind: str | None = "application/json") -> Request:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = READ.headers if kind is None else (*READ.headers, ("Content-Type", kind))
    return replace(READ, method="POST", target=path, body=data, headers=headers)


def without(name: str) -> Request:
    return replace(READ, headers=tuple(pair for pair in READ.headers if pair[0] != name))


def with_header(name: str, value: str, *more: tuple[str, str]) -> Request:
    return replace(READ, headers=(*((n, value if n == name else v) for n, v in READ.headers), *more))


def look(capture: Capture) -> Inspection:
    return inspect_one(capture, NOTHING)


def codes(capture: Capture) -> list[str]:
    return [row.code for row in look(capture).diagnosis]


@pytest.mark.parametrize(
    "capture",
    [
        READ, LOGIN, write(ORDER),
        write([ORDER, {**ORDER, "clOrdId": "Abc123"}], "/api/v5/trade/batch-orders"),
        write({**ORDER, "posSide": "", "clOrdId": "", "tag": "", "ccy": "", "reduceOnly": False}),
        write({**ORDER, "attachAlgoOrds": [{"tpTriggerPx": "3", "tpOrdPx": "-1", "attachAlgoClOrdId": "a1"}]}),
        write({"instIdCode": 5, **{k: v for k, v in ORDER.items() if k != "instId"}}),
        write({"instId": "BTC-USDT", "ordId": "1"}, "/api/v5/trade/cancel-order"),
        write({"ccy": "USDT", "amt": "1.5", "from": "6", "to": "18"}, "/api/v5/asset/transfer"),
        replace(READ, target="/api/v5/public/time", headers=()),
        replace(READ, target="/api/v5/market/ticker?instId=BTC-USDT", headers=(("User-Agent", "x"),)),
        replace(READ, response=Response(status=200, code="0", date_ms=TIME_MS + 29_000)),
        replace(READ, response=Response(status=200, code="0", date_ms=TIME_MS - 29_000)),
        replace(READ, response=Response(date_ms=None)),
        replace(READ, response=Response(code="0", date_ms=TIME_MS + 60_000)),
        replace(READ, target="/api/v5/account/balance?"),
        with_header("OK-ACCESS-SIGN", "[REDACTED]"), with_header("OK-ACCESS-PASSPHRASE", "***"),
        with_header("OK-ACCESS-KEY", "<redacted>"),
        replace(LOGIN, timestamp="1767225600.123", numeric_timestamp=True),
        replace(READ, headers=tuple((name.lower(), value) for name, value in READ.headers)),
    ],
)  # fmt: skip
def test_a_sound_capture_leads_to_nothing(capture: Capture) -> None:
    assert codes(capture) == []


@pytest.mark.parametrize(
    ("sign", "cause"),
    [
        ("9cb03b6d07e1887cba8b646c1ac836413f6b23fc9ce22074c15db223233ff522", "signature.encoding"),
        ("9CB03B6D07E1887CBA8B646C1AC836413F6B23FC9CE22074C15DB223233FF522", "signature.encoding"),
        ("AkD5YszBhggtIyjDlmTy_9PpNVntel-1Lff8wh0qpQw=", "signature.encoding"),
        ("AkD5YszBhggtIyjDlmTy/9PpNVntel+1Lff8wh0qpQw", "signature.encoding"),
        ("AkD5YszBhggtIyjDlmTy%2F9PpNVntel%2B1Lff8wh0qpQw%3D", "signature.encoding"),
        ('"AkD5YszBhggtIyjDlmTy/9PpNVntel+1Lff8wh0qpQw="', "signature.encoding"),
        ("OWNiMDNiNmQwN2UxODg3Y2JhOGI2NDZjMWFjODM2NDEzZjZiMjNmYzljZTIyMDc0YzE1ZGIyMjMyMzNmZjUyMg==",
         "signature.encoding"),
        ("tooshort", "signature.encoding"),
        ("b'AkD5YszBhggtIyjDlmTy/9PpNVntel+1Lff8wh0qpQw='", "signature.not-text"),
        ("[object Promise]", "signature.not-text"), ("[object Object]", "signature.not-text"),
        ("<coroutine object sign at 0x7f1>", "signature.not-text"), ("undefined", "signature.not-text"),
        ("<memory at 0x7f0a>", "signature.not-text"), ("[B@6d06d69c", "signature.not-text"),
        ("System.Byte[]", "signature.not-text"), ("<Buffer 12 34 ... 12 more bytes>", "signature.not-text"),
        ("L70kGpnb9GB6tjL+wnmnFEePhX4=", "signature.digest"),
        ("0" * 128, "signature.digest"),
    ],
)  # fmt: skip
def test_the_shape_of_a_signature(sign: str, cause: str) -> None:
    assert codes(with_header("OK-ACCESS-SIGN", sign)) == [cause]
    assert codes(replace(LOGIN, sign=sign)) == [cause]


@pytest.mark.parametrize("name", ["OK-ACCESS-KEY", "OK-ACCESS-SIGN", "OK-ACCESS-TIMESTAMP", "OK-ACCESS-PASSPHRASE"])
def test_a_missing_header_is_named(name: str) -> None:
    for capture in (without(name), with_header(name, ""), with_header(name, "  ")):
        (row,) = look(capture).diagnosis
        assert row.code == "header.missing"
        assert name in row.summary


def test_a_private_endpoint_without_any_header() -> None:
    (row,) = look(replace(READ, headers=())).diagnosis
    assert row.code == "header.missing"
    assert row.evidence["missing"] == ["OK-ACCESS-KEY", "OK-ACCESS-SIGN", "OK-ACCESS-TIMESTAMP", "OK-ACCESS-PASSPHRASE"]


@pytest.mark.parametrize(
    ("wrong", "right"),
    [("OK_ACCESS_KEY", "OK-ACCESS-KEY"), ("OK-ACCESS-SIGNATURE", "OK-ACCESS-SIGN"),
     ("OKX-ACCESS-SIGN", "OK-ACCESS-SIGN"), ("X-SIGN", "OK-ACCESS-SIGN"), ("X-API-KEY", "OK-ACCESS-KEY"),
     ("OK-ACCESS-TIME", "OK-ACCESS-TIMESTAMP"), ("okx-access-passphrase", "OK-ACCESS-PASSPHRASE"),
     ("OK-ACCESS-PASSPHARSE", "OK-ACCESS-PASSPHRASE")],
)  # fmt: skip
def test_a_header_with_a_slip_in_its_name(wrong: str, right: str) -> None:
    headers = tuple((wrong if name == right else name, value) for name, value in READ.headers)
    (row,) = look(replace(READ, headers=headers)).diagnosis
    assert row.code == "header.missing"
    assert row.evidence["sent_instead"] == {right: wrong}


@pytest.mark.parametrize(
    "stamp",
    ["1607418537", "1607418537715", "2020-12-08T09:08:57Z", "2020-12-08T09:08:57.715000Z", "now",
     "2020-12-08T17:08:57.715+08:00", "Tue, 08 Dec 2020 09:08:57 GMT"],
)  # fmt: skip
def test_the_form_of_the_timestamp(stamp: str) -> None:
    inspection = look(with_header("OK-ACCESS-TIMESTAMP", stamp))
    assert [row.code for row in inspection.diagnosis] == ["timestamp.format"]
    assert [step.step for step in inspection.recipe] == ["timestamp"]


@pytest.mark.parametrize("stamp", ["1767225600000", "1767225600000000", "2026-01-01T00:00:00.000Z", "soon"])
def test_the_form_of_a_login_timestamp(stamp: str) -> None:
    assert codes(replace(LOGIN, timestamp=stamp)) == ["timestamp.format"]


@pytest.mark.parametrize("late_s", [45, -45, 500])
def test_age_is_judged_against_the_answer(late_s: int) -> None:
    (row,) = look(replace(READ, response=Response(date_ms=TIME_MS + late_s * 1000))).diagnosis
    assert row.code == "timestamp.expired"
    assert row.evidence["age_s"] == pytest.approx(late_s)


@pytest.mark.parametrize("hours", [8, -5, 5.5, 0.25])
def test_whole_quarters_of_an_hour_are_a_time_zone(hours: float) -> None:
    capture = replace(READ, response=Response(date_ms=TIME_MS + int(hours * 3_600_000) + 700))
    assert codes(capture) == ["clock.timezone-shift"]


@pytest.mark.parametrize(
    ("capture", "code"),
    [
        (with_header("OK-ACCESS-KEY", KEY[:-1]), "key.malformed"),
        (with_header("OK-ACCESS-KEY", f" {KEY}"), "key.malformed"),
        (with_header("OK-ACCESS-KEY", "22582BD0CFF14C41EDBF1AB98506286D"), "key.malformed"),
        (with_header("OK-ACCESS-PASSPHRASE", '"Vector-Phrase-1"'), "key.passphrase-wrong"),
        (with_header("OK-ACCESS-PASSPHRASE", "undefined"), "key.passphrase-wrong"),
        (replace(READ, target="/v5/account/balance"), "signature.path"),
        (replace(READ, target="/api/v5//account/balance"), "signature.path"),
        (replace(READ, target="/api/v5/account/balance?", response=Response(code="50113")), "signature.path"),
        (replace(READ, body=b"{}"), "signature.body-unsigned"),
        (write(b"instId=BTC-USDT&sz=1", kind="application/x-www-form-urlencoded"), "signature.body-unsigned"),
        (write(ORDER, kind=None), "header.missing"),
        (write(ORDER, kind="text/plain"), "header.missing"),
        (write(b"\xef\xbb\xbf" + json.dumps(ORDER).encode()), "order.parameter-invalid"),
        (write(b"{'instId': 'BTC-USDT'}"), "order.parameter-invalid"),
        (write(json.dumps(ORDER).encode()[:-5]), "order.parameter-invalid"),
        (write([ORDER]), "order.parameter-invalid"),
        (write(ORDER, "/api/v5/trade/batch-orders"), "order.parameter-invalid"),
        (write([ORDER] * 21, "/api/v5/trade/batch-orders"), "order.parameter-invalid"),
        (write({**ORDER, "side": "BUY"}), "order.parameter-invalid"),
        (write({**ORDER, "ordType": "LIMIT"}), "order.parameter-invalid"),
        (write({**ORDER, "tdMode": "spot"}), "order.parameter-invalid"),
        (write({**ORDER, "posSide": "both"}), "order.parameter-invalid"),
        (write({**ORDER, "tag": "my-tag"}), "order.parameter-invalid"),
        (write({k: v for k, v in ORDER.items() if k != "px"}), "order.parameter-invalid"),
        (write({k: v for k, v in ORDER.items() if k != "tdMode"}), "order.parameter-invalid"),
        (write({**{k: v for k, v in ORDER.items() if k != "px"}, "price": "1"}), "order.parameter-invalid"),
        (write({**{k: v for k, v in ORDER.items() if k != "instId"}, "instID": "X"}), "order.parameter-invalid"),
        (write({**ORDER, "clOrdId": "my-order"}), "order.client-id-invalid"),
        (write({**ORDER, "clOrdId": "a" * 33}), "order.client-id-invalid"),
        (write({**ORDER, "clOrdId": "é"}), "order.client-id-invalid"),
        (write({**ORDER, "px": "1e-05"}), "precision.number-format"),
        (write({**ORDER, "px": "0.30000000000000004"}), "precision.number-format"),
        (write({**ORDER, "sz": 2}), "precision.number-format"),
        (write({**ORDER, "sz": "1,000"}), "precision.number-format"),
        (write({**ORDER, "sz": "NaN"}), "precision.number-format"),
    ],
)  # fmt: skip
def test_a_circumstance_leads_to_its_cause(capture: Request, code: str) -> None:
    assert codes(capture)[:1] == [code]


@pytest.mark.parametrize(
    ("code", "cause"),
    [("50113", "signature.unexplained"), ("50105", "key.passphrase-wrong"), ("50119", "region.wrong-rest-host"),
     ("50101", "key.wrong-environment"), ("50110", "ip.not-whitelisted"), ("50120", "permission.missing"),
     ("50112", "timestamp.format"), ("50011", "ratelimit.exceeded")],
)  # fmt: skip
def test_the_answer_is_a_hint_where_nothing_is_visible(code: str, cause: str) -> None:
    (row,) = look(replace(READ, response=Response(status=401, code=code))).diagnosis
    assert row.code == cause
    assert row.confidence.value in ("possible", "likely")


def test_what_is_visible_wins_over_the_answer() -> None:
    capture = replace(with_header("OK-ACCESS-SIGN", "[object Promise]"), response=Response(status=401, code="50119"))
    assert codes(capture) == ["signature.not-text"]


def test_a_login_without_a_member() -> None:
    for name in ("key", "passphrase", "timestamp", "sign"):
        assert codes(replace(LOGIN, **{name: None}))[0] == "header.missing"


@pytest.mark.parametrize("hidden", ["[REDACTED]", "***", "<redacted>"])
def test_what_was_masked_is_not_judged(hidden: str) -> None:
    for name in ("key", "passphrase", "timestamp", "sign"):
        assert codes(replace(LOGIN, **{name: hidden})) == [], name


def test_one_header_of_a_signature_makes_any_request_a_signed_one() -> None:
    """The endpoint may be too new for the table, or the path a gateway's own."""
    strange = replace(READ, target="/gateway/balance", headers=READ.headers[:1])
    (row,) = [row for row in look(strange).diagnosis if row.code == "header.missing"]
    assert row.evidence["missing"] == ["OK-ACCESS-SIGN", "OK-ACCESS-TIMESTAMP", "OK-ACCESS-PASSPHRASE"]
    assert "header.missing" not in codes(replace(strange, headers=(("Accept", "*/*"),)))
