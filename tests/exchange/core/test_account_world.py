"""Circumstances of the account: what they change, and that nothing of them stays when they are over."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

ORDER = {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "limit", "px": "60000", "sz": "0.001"}
SWAP = ORDER | {"instId": "BTC-USDT-SWAP", "tdMode": "cross", "sz": "1"}


def account(bench: Any) -> Any:
    return next(iter(bench.exchange.venue("global", "live").accounts.values()))


def state(bench: Any) -> dict[str, Any]:
    mine = account(bench)
    trading = {ccy: held.cash for ccy, held in mine.balances.items() if held.cash}
    funding = {ccy: amount for ccy, amount in mine.funding.items() if amount}
    return {"settings": (mine.level, mine.position_mode, mine.kyc), "trading": trading, "funding": funding}


def place(bench: Any, order: dict[str, str]) -> str:
    said = json.loads(bench.send("POST", "/api/v5/trade/order", json.dumps(order)).body)
    return str(said["data"][0]["sCode"])


@pytest.mark.parametrize(
    "fault", ["account-mode-forbids", "account-position-mode", "account-unverified", "account-funds-elsewhere",
              "order-insufficient-funds"],
)  # fmt: skip
def test_a_lifted_fault_leaves_no_trace(bench: Any, fault: str) -> None:
    before = state(bench)
    bench.put(fault)
    assert state(bench) != before
    bench.put(fault, "ip-unbound")
    bench.put()
    assert state(bench) == before


def test_the_money_is_carried_not_made(bench: Any) -> None:
    before = state(bench)
    bench.put("account-funds-elsewhere")
    now = state(bench)
    assert now["trading"] == {}
    for ccy in ("USDT", "BTC", "ETH"):
        whole = before["trading"].get(ccy, Decimal(0)) + before["funding"].get(ccy, Decimal(0))
        assert now["funding"][ccy] == whole
    assert place(bench, ORDER) == "51008"
    bench.put("order-insufficient-funds")
    assert state(bench)["trading"]["USDT"] == before["trading"]["USDT"] / 1000


def test_what_the_account_did_meanwhile_stays(bench: Any) -> None:
    bench.put("account-funds-elsewhere")
    body = json.dumps({"ccy": "USDT", "amt": "9000", "from": "6", "to": "18"})
    assert json.loads(bench.send("POST", "/api/v5/asset/transfer", body).body)["code"] == "0"
    assert place(bench, ORDER) == "0"
    bench.put()
    held = account(bench).balance("USDT")
    assert held.cash + account(bench).funding["USDT"] == Decimal("10250.5")
    assert held.frozen == Decimal(60)


def test_the_settings_are_what_orders_are_judged_by(bench: Any) -> None:
    assert place(bench, SWAP) == "0"
    bench.put("account-mode-forbids")
    assert place(bench, SWAP) == "51010"
    assert place(bench, ORDER) == "0"
    bench.put("account-position-mode")
    assert place(bench, SWAP) == "51000"
    assert place(bench, SWAP | {"posSide": "long", "reduceOnly": "true"}) == "0", "without a meaning in this mode"


@pytest.mark.parametrize(
    ("change", "code"),
    [({"sz": "1e-3"}, "51000"), ({"px": "6E4"}, "51000"), ({"sz": "400"}, "51185"), ({"sz": ".001"}, "51000"),
     ({"ordType": "market", "px": "", "sz": "1000000.5"}, "51202")],
)  # fmt: skip
def test_numbers_and_amounts(bench: Any, change: dict[str, str], code: str) -> None:
    assert place(bench, ORDER | change) == code
