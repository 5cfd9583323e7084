"""Mistakes that the vectors do not show, made by hand and signed by the standard library's hmac."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import replace

import pytest

from okxdoctor.triage.axes import times
from okxdoctor.triage.capture import Login, Request, Response
from okxdoctor.triage.inspection import Inspection, Known, inspect_all, inspect_one
from okxdoctor.triage.search import MAX_BYTES, Signed, search

SECRET = "22582BD0CFF14C41EDBF1AB98506286D"
KEY, PASSPHRASE = "7b0c5e1a-3f52-4d8e-9a61-0c4b7d2e9f13", "Vector-Phrase-1"
TIME = "2020-12-08T09:08:57.715Z"
ORDER = '{"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "limit", "px": "0.00001", "sz": "2"}'
KNOWN = Known(api_key=KEY, secret=SECRET, passphrase=PASSPHRASE)


def mac(text: str, secret: str = SECRET) -> str:
    return base64.b64encode(hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()).decode()


def request(
    signed: str, *, method: str = "GET", target: str = "/api/v5/account/balance", body: str = "", stamp: str = TIME
) -> Request:
    headers = (("OK-ACCESS-KEY", KEY), ("OK-ACCESS-SIGN", mac(signed)), ("OK-ACCESS-TIMESTAMP", stamp),
               ("OK-ACCESS-PASSPHRASE", PASSPHRASE), ("Content-Type", "application/json"))  # fmt: skip
    return Request(
        form="", label="", method=method, origin="https://www.okx.com", target=target, headers=headers,
        body=body.encode(),
    )  # fmt: skip


def look(capture: Request | Login) -> Inspection:
    return inspect_one(capture, KNOWN)


BALANCE = "/api/v5/account/balance"
PATH = "/api/v5/trade/order"
FEES = "/api/v5/x?b=1%2C2&a=%E4%BD%A0+%2F"


@pytest.mark.parametrize(
    ("capture", "steps"),
    [
        (request(f"GET{TIME}{BALANCE}"), ["order"]),
        (request(f"{TIME}\nGET\n{BALANCE}\n"), ["order"]),
        (request(f"{TIME} GET {BALANCE}"), ["order"]),
        (request(f"GET{TIME}{BALANCE}?"), ["path", "order"]),
        (request(f"2020-12-08T09:08:57.715321ZGET{BALANCE}"), ["timestamp", "timestamp"]),
        (request(f"2020-12-08T09:08:58.215ZGET{BALANCE}"), ["timestamp"]),
        (request(f"2020-12-08T17:08:57.715ZGET{BALANCE}"), ["timestamp"]),
        (request(f"2020-12-08T14:38:57.715ZGET{BALANCE}"), ["timestamp"]),
        (request(f"2020-12-08T09:09:27.715ZGET{BALANCE}"), ["timestamp"]),
        (request(f"2020-12-08T09:08:57.5ZGET{BALANCE}", stamp="2020-12-08T09:08:57.500Z"), ["timestamp"]),
        (request(f"2020-12-08T09:08:57.005ZGET{BALANCE}", stamp="2020-12-08T09:08:57.000Z"), ["timestamp"]),
        (request(f"{TIME}GET{BALANCE}" + "{'ccy': 'BTC'}", target=f"{BALANCE}?ccy=BTC"), ["path", "query"]),
        (request(f"{TIME}GET/api/v5/x?a=%E4%BD%A0+%2F&b=1%2C2", target=FEES), ["query"]),
        (request(f"{TIME}GET/api/v5/x?b=1,2&a=你 /", target=FEES), ["query"]),
        (request(f"{TIME}GET/api/v5/x?a=你 /&b=1,2", target=FEES), ["query", "query"]),
        (request(f"{TIME}GET/api/v5/x?b=1%2c2&a=%e4%bd%a0+%2f", target=FEES), ["query"]),
        (request(f"{TIME}POST{PATH}" + '{"a":1,"b":1e-7,"c":0.00001}', method="POST", target=PATH,
                 body='{"a": 1.0, "b": 1e-07, "c": 1e-05}'), ["body"]),
        (request(f"{TIME}POST{PATH}" + '{"a":"\\u003c\\u0026"}', method="POST", target=PATH,
                 body='{"a":"<&"}'), ["body"]),
        (request(f"{TIME}POST{PATH}" + '{"a":"\\u00E9"}', method="POST", target=PATH, body='{"a":"é"}'), ["body"]),
        (request(f"{TIME}POST{PATH}" + '{"sz":2}', method="POST", target=PATH, body='{"sz":"2"}'), ["body"]),
        (request(f"{TIME}POST{PATH}" + '{"a":"1"}', method="POST", target=PATH, body='{"a":"1","b":null}'), ["body"]),
        (request(f"{TIME}POST{PATH}" + '{"sz":"1","a":"b c"}', method="POST", target=PATH,
                 body="sz=1&a=b+c"), ["body"]),
        (request(f"{TIME}post{PATH}" + json.dumps(json.loads(ORDER), sort_keys=True), method="POST", target=PATH,
                 body=ORDER), ["method", "body"]),
        (request(f"{TIME}POST{PATH}12345678901234567890", method="POST", target=PATH,
                 body="12345678901234567890 "), ["body"]),
    ],
)  # fmt: skip
def test_a_recipe_is_found(capture: Request, steps: list[str]) -> None:
    found = look(capture)
    assert [step.step for step in found.recipe] == steps
    assert {step.cause for step in found.recipe} <= {row.code for row in found.diagnosis}


@pytest.mark.parametrize(
    "secret", [f"{SECRET}\n", f" {SECRET} ", f'"{SECRET}"', SECRET.lower(), SECRET[:-1], PASSPHRASE, KEY, "", "None"]
)
def test_another_key_than_the_secret(secret: str) -> None:
    text = f"{TIME}GET{BALANCE}"
    capture = request(text)
    headers = tuple((n, mac(text, secret) if n == "OK-ACCESS-SIGN" else v) for n, v in capture.headers)
    found = look(replace(capture, headers=headers))
    assert [row.code for row in found.diagnosis] == ["signature.secret-altered"]
    # and the reverse: the client was right, and what is at hand is altered
    if secret.strip().strip('"') == SECRET:
        found = inspect_one(capture, replace(KNOWN, secret=secret))
        assert [row.code for row in found.diagnosis] == ["signature.secret-altered"]


def test_the_fewest_mistakes_win_and_ties_are_told() -> None:
    found = look(request(f"{TIME}GET{BALANCE}?ccy=BTC,ETH", target=f"{BALANCE}?ccy=BTC%2CETH"))
    (row,) = found.diagnosis
    assert [step.done for step in found.recipe] == ["decoded"]
    assert "query: with commas left raw" in row.evidence["same_result"]  # type: ignore[operator]


def test_a_body_of_unknown_rendering_is_no_mistake() -> None:
    capture = request(f"{TIME}POST{PATH}{ORDER}", method="POST", target=PATH, body=ORDER.replace(": ", ":"))
    assert look(capture).right is False
    assert look(replace(capture, exact_body=False)).right is True


def test_unexplained_says_what_was_excluded() -> None:
    found = inspect_one(request("anything else"), KNOWN)
    (row,) = found.diagnosis
    assert row.code == "signature.unexplained"
    assert found.tried > 200_000
    assert any("timestamp" in text for text in row.excluded)
    assert "every pair of these" in row.excluded
    other = inspect_one(request("anything else"), replace(KNOWN, api_key="another"))
    assert other.diagnosis[0].evidence["key_differs"] is True


def test_pairs_are_left_out_once_a_file_shows_that_nothing_explains_it() -> None:
    captures = [request(f"number {i}") for i in range(5)]
    tried = [found.tried for found in inspect_all(captures, KNOWN)]
    assert min(tried[:3]) > 20 * max(tried[3:])


def test_a_passphrase_that_is_not_the_one_at_hand() -> None:
    found = inspect_one(request(f"{TIME}GET{BALANCE}"), replace(KNOWN, passphrase=f"{PASSPHRASE} "))
    assert [row.code for row in found.diagnosis] == ["key.passphrase-wrong"]
    assert PASSPHRASE not in repr(found)


def test_a_right_signature_with_another_refusal() -> None:
    capture = replace(request(f"{TIME}GET{BALANCE}"), response=Response(status=401, code="50119"))
    assert [row.code for row in look(capture).diagnosis] == ["region.wrong-rest-host"]


def test_a_large_body_is_searched_within_bounds() -> None:
    body = json.dumps([json.loads(ORDER)] * 400).encode()
    signed = Signed(
        timestamp=TIME, method="POST", target=PATH, body=body, sign=mac("x"), secret=SECRET.encode(), origin="",
    )  # fmt: skip
    found = search(signed)
    assert not found.complete
    assert found.tried * len(body) < 2 * MAX_BYTES
    assert found.tried > 1_000


@pytest.mark.parametrize(
    ("text", "epoch_us"),
    [("1970-01-01T00:00:00.000Z", 0), ("2020-12-08T09:08:57.715Z", 1_607_418_537_715_000),
     ("2020-12-08 17:08:57,715+08:00", 1_607_418_537_715_000), ("1607418537", 1_607_418_537_000_000),
     ("1607418537.715", 1_607_418_537_715_000), ("1607418537715", 1_607_418_537_715_000),
     ("1607418537715000000", 1_607_418_537_715_000), ("Tue, 08 Dec 2020 09:08:57 GMT", 1_607_418_537_000_000),
     ("", None), ("soon", None), ("2020-13-08T09:08:57Z", None), ("12345", None)],
)  # fmt: skip
def test_moments(text: str, epoch_us: int | None) -> None:
    assert times.moment_us(text) == epoch_us


def test_nothing_that_is_printed_by_chance_holds_a_secret() -> None:
    capture = request(f"{TIME}GET{BALANCE}")
    login = Login(label="", key=KEY, passphrase=PASSPHRASE, timestamp="1", sign=mac("x"))
    signed = Signed(timestamp="", method="", target="", body=b"", sign=mac("x"), secret=SECRET.encode())
    for value in (KNOWN, capture, login, signed):
        for secret in (SECRET, PASSPHRASE, KEY, mac("x"), mac(f"{TIME}GET{BALANCE}")):
            assert secret not in repr(value)
