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


@pytest.mark.parametrize(
    "faults",
    [
        ("instrument-unknown=BTC-USDT",), ("instrument-not-live=suspend",), ("instrument-spec-differs",),
        ("instrument-spec-differs", "account-funds-elsewhere"), ("account-mode-forbids", "order-insufficient-funds"),
    ],
    ids=lambda each: "+".join(each),
)  # fmt: skip
def test_an_order_outlives_what_comes_and_goes(bench: Any, faults: tuple[str, ...]) -> None:
    """States that hold now and then (``p``, ``every``) leave an open order and the money behind it as they were."""

    def get(target: str) -> list[Any]:
        return list(json.loads(bench.send("GET", f"/api/v5/{target}").body)["data"])

    order = {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "limit", "px": "20000.5", "sz": "0.012"}
    (placed,) = json.loads(bench.send("POST", "/api/v5/trade/order", json.dumps(order)).body)["data"]
    assert placed["sCode"] == "0"
    named = f"instId=BTC-USDT&ordId={placed['ordId']}"
    before, wallet = get(f"trade/order?{named}"), get("account/balance?ccy=USDT")[0]["details"][0]
    for _ in range(6):
        bench.put(*faults)
        bench.advance(7_000)
        get("trade/orders-pending")
        bench.put()
        bench.advance(7_000)
        assert [each["ordId"] for each in get("trade/orders-pending")] == [placed["ordId"]]
    assert get(f"trade/order?{named}") == before
    after = get("account/balance?ccy=USDT")[0]["details"][0]
    assert {name: after[name] for name in ("cashBal", "ordFrozen", "availBal")} == {
        name: wallet[name] for name in ("cashBal", "ordFrozen", "availBal")
    }
    assert wallet["ordFrozen"] == "240.006"
    body = json.dumps({"instId": "BTC-USDT", "ordId": placed["ordId"]})
    (gone,) = json.loads(bench.send("POST", "/api/v5/trade/cancel-order", body).body)["data"]
    assert gone["sCode"] == "0"
    assert get("account/balance?ccy=USDT")[0]["details"][0]["ordFrozen"] == "0"
