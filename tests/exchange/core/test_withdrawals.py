"""Withdrawals by the API: who may ask, what is wrong with a request, and that nothing leaves to an unknown address."""

from __future__ import annotations

import json
from typing import Any

import pytest

WITHDRAW = "/api/v5/asset/withdrawal"
ASK = {"ccy": "USDT", "amt": "100", "dest": "4", "toAddr": "TQ5NMqJjWvTxqMKPHcu4jPJkCmVvgaaaaa", "chain": "USDT-TRC20"}


def post(bench: Any, path: str, body: dict[str, str]) -> str:
    bench.advance(1_000)
    return str(json.loads(bench.send("POST", path, json.dumps(body)).body)["code"])


def test_a_key_needs_the_permission(bench: Any) -> None:
    assert post(bench, WITHDRAW, ASK) == "50120"
    bench.put("permission-excess")
    assert post(bench, WITHDRAW, ASK) == "58207"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, "58207"), ({"dest": "3", "toAddr": "someone@example.test"}, "58207"), ({"toAddr": ""}, "50014"),
        ({"ccy": ""}, "50014"), ({"dest": "5"}, "51000"), ({"amt": "x"}, "51000"), ({"amt": "-1"}, "51000"),
        ({"ccy": "NOSUCH"}, "51012"), ({"amt": "0.0001"}, "58206"), ({"amt": "1e9"}, "58205"),
        ({"amt": "250.5"}, "58350"),  # all of it, which leaves nothing for the fee
        ({"amt": "250.5", "dest": "3"}, "58207"), ({"clientId": "a b"}, "51000"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_and_nothing_moves(bench: Any, changes: dict[str, str], code: str) -> None:
    bench.put("permission-excess")
    before = bench.send("GET", "/api/v5/asset/balances").body
    assert post(bench, WITHDRAW, ASK | changes) == code
    assert bench.send("GET", "/api/v5/asset/balances").body == before
    assert json.loads(bench.send("GET", "/api/v5/asset/withdrawal-history").body)["data"] == []


def test_only_what_waits_can_be_canceled(bench: Any) -> None:
    from okxdoctor.exchange.core.backstage import add_funds

    cancel = "/api/v5/asset/cancel-withdrawal"
    assert post(bench, cancel, {"wdId": "1123456"}) == "58215"
    assert post(bench, cancel, {"wdId": ""}) == "50014"
    add_funds(bench.exchange, bench.exchange.venue("global", "live"), "USDT", "-5", "funding")
    (row,) = json.loads(bench.send("GET", "/api/v5/asset/withdrawal-history").body)["data"]
    assert post(bench, cancel, {"wdId": row["wdId"]}) == "58216"
