"""Sub-accounts: their list, their keys, transfers in all directions, and what they may not do."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from tests.exchange.conftest import sign


def ask(bench: Any, method: str, target: str, body: object = None, *, key: Any = None) -> Any:
    """A request signed with ``key`` (api key, secret, passphrase), the main account's unless told."""
    text = "" if body is None else json.dumps(body)
    bench.advance(1_000)

    def change(headers: dict[str, str]) -> None:
        if key is not None:
            name, secret, passphrase = key
            stamp = headers["ok-access-timestamp"]
            headers["ok-access-key"], headers["ok-access-passphrase"] = name, passphrase
            headers["ok-access-sign"] = sign(secret, f"{stamp}{method}/api/v5/{target}{text}")

    reply = bench.send(method, f"/api/v5/{target}", text, change=change)
    return json.loads(reply.body)


def sub_key(bench: Any, name: str = "deskone") -> tuple[str, str, str]:
    handed = bench.exchange.credentials("global", "live", name)
    return handed.api_key, handed.secret_key, handed.passphrase


def funds(bench: Any, ccy: str = "USDT", key: Any = None) -> tuple[Decimal, Decimal]:
    """Funding and trading wallet."""
    funding = ask(bench, "GET", f"asset/balances?ccy={ccy}", key=key)["data"]
    trading = ask(bench, "GET", f"account/balance?ccy={ccy}", key=key)["data"][0]["details"]
    return tuple(Decimal(rows[0][name] if rows else "0") for rows, name in ((funding, "bal"), (trading, "cashBal")))  # type: ignore[return-value]


def test_the_list_and_the_keys(bench: Any) -> None:
    rows = ask(bench, "GET", "users/subaccount/list")["data"]
    assert {row["subAcct"] for row in rows} == {"deskone", "desktwo"}
    assert all(row["type"] == "1" and row["enable"] is True for row in rows)
    keys = ask(bench, "GET", "users/subaccount/apikey?subAcct=deskone")["data"]
    assert [row["apiKey"] for row in keys] == [sub_key(bench)[0]]
    assert "secretKey" not in keys[0]
    assert ask(bench, "GET", "users/subaccount/apikey?subAcct=nobody")["code"] == "59510"
    assert ask(bench, "GET", "users/subaccount/list", key=sub_key(bench))["code"] == "59500"


def test_a_sub_account_is_an_account_of_its_own(bench: Any) -> None:
    key = sub_key(bench)
    config = ask(bench, "GET", "account/config", key=key)["data"][0]
    main = ask(bench, "GET", "account/config")["data"][0]
    assert (config["type"], main["type"]) == ("1", "0")
    assert config["mainUid"] == main["uid"] != config["uid"]
    order = {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "market", "sz": "100"}
    number = ask(bench, "POST", "trade/order", order, key=key)["data"][0]["ordId"]
    query = f"trade/order?instId=BTC-USDT&ordId={number}"
    assert ask(bench, "GET", query, key=key)["data"][0]["state"] == "filled"
    assert ask(bench, "GET", query)["code"] == "51603"
    shown = ask(bench, "GET", "account/subaccount/balances?subAcct=deskone")["data"][0]["details"]
    assert {row["ccy"] for row in shown} == {"BTC", "USDT"}
    assert funds(bench, "BTC")[1] == Decimal("0.25")


def test_money_goes_every_documented_way_and_none_is_lost(bench: Any) -> None:
    one, two = sub_key(bench), sub_key(bench, "desktwo")

    def everything() -> Decimal:
        return sum((sum(funds(bench, key=key)) for key in (None, one, two)), Decimal(0))

    before = everything()
    move = {"ccy": "USDT", "amt": "10", "from": "6", "to": "18"}
    ways = (
        ({**move, "type": "1", "subAcct": "deskone"}, None, (-10, 0), (0, 10), (0, 0)),
        ({**move, "type": "2", "subAcct": "deskone", "from": "18", "to": "6"}, None, (10, 0), (0, -10), (0, 0)),
        ({**move, "type": "3", "to": "6"}, one, (10, 0), (-10, 0), (0, 0)),
        ({**move, "type": "4", "subAcct": "desktwo"}, one, (0, 0), (-10, 0), (0, 10)),
    )
    for body, key, *changes in ways:
        was = [funds(bench, key=each) for each in (None, one, two)]
        answer = ask(bench, "POST", "asset/transfer", body, key=key)
        assert answer["code"] == "0", answer
        now = [funds(bench, key=each) for each in (None, one, two)]
        assert [tuple(b - a for a, b in zip(x, y, strict=True)) for x, y in zip(was, now, strict=True)] == changes
        number = answer["data"][0]["transId"]
        state = ask(bench, "GET", f"asset/transfer-state?transId={number}", key=key)["data"][0]
        assert (state["state"], state["type"]) == ("success", body["type"])
    between = {**move, "fromSubAccount": "desktwo", "toSubAccount": "deskone", "from": "18", "to": "6"}
    assert ask(bench, "POST", "asset/subaccount/transfer", between)["code"] == "0"
    assert everything() == before
    rows = ask(bench, "GET", "asset/subaccount/bills")["data"]
    assert [(row["subAcct"], row["type"]) for row in rows] == [
        ("desktwo", "1"), ("deskone", "1"), ("deskone", "1"), ("deskone", "1"), ("deskone", "0"),
    ]  # fmt: skip
    kinds = [row["type"] for row in ask(bench, "GET", "asset/bills")["data"]]
    assert kinds == ["21", "21", "20"]


@pytest.mark.parametrize(
    ("body", "who", "code"),
    [
        ({"type": "1", "subAcct": "nobody"}, "", "58115"),
        ({"type": "1"}, "", "50014"),
        ({"type": "3"}, "", "58127"),
        ({"type": "1", "subAcct": "desktwo"}, "deskone", "58128"),
        ({"type": "4", "subAcct": "desktwo", "amt": "50.01"}, "deskone", "58116"),
    ],
)
def test_transfers_that_are_refused(bench: Any, body: dict[str, str], who: str, code: str) -> None:
    key = sub_key(bench, who) if who else None
    full = {"ccy": "USDT", "amt": "1", "from": "6", "to": "18", **body}
    assert ask(bench, "POST", "asset/transfer", full, key=key)["code"] == code


def test_a_sub_account_that_may_not_send(bench: Any) -> None:
    body = {"subAcct": "deskone", "canTransOut": False}
    assert ask(bench, "POST", "users/subaccount/set-transfer-out", body)["data"] == [
        {"canTransOut": False, "subAcct": "deskone"}
    ]
    out = {"ccy": "USDT", "amt": "1", "from": "6", "to": "6", "type": "3"}
    assert ask(bench, "POST", "asset/transfer", out, key=sub_key(bench))["code"] == "58119"
    listed = ask(bench, "GET", "users/subaccount/list?subAcct=deskone")["data"]
    assert listed[0]["canTransOut"] is False


def test_a_key_is_made_used_changed_and_deleted(bench: Any) -> None:
    body = {"subAcct": "desktwo", "label": "bot1", "passphrase": "Correct1!x", "perm": "trade", "ip": "127.0.0.1"}
    made = ask(bench, "POST", "users/subaccount/apikey", body)["data"][0]
    key = (made["apiKey"], made["secretKey"], made["passphrase"])
    assert ask(bench, "GET", "account/config", key=key)["data"][0]["label"] == "bot1"
    assert ask(bench, "POST", "users/subaccount/apikey", body)["code"] == "59502"
    assert (
        ask(bench, "POST", "users/subaccount/apikey", {**body, "label": "b2", "passphrase": "short"})["code"] == "59505"
    )
    many = ",".join(f"10.0.0.{k}" for k in range(21))
    assert ask(bench, "POST", "users/subaccount/apikey", {**body, "label": "b2", "ip": many})["code"] == "59503"
    change = {"subAcct": "desktwo", "apiKey": key[0], "ip": "203.0.113.9"}
    assert ask(bench, "POST", "users/subaccount/modify-apikey", change)["data"][0]["ip"] == "203.0.113.9"
    assert ask(bench, "GET", "account/config", key=key)["code"] == "50110"
    # Keys survive a change of the circumstances.
    bench.put("clock-ahead=5s")
    bench.put()
    assert ask(bench, "GET", "account/config", key=key)["code"] == "50110"
    assert ask(bench, "POST", "users/subaccount/delete-apikey", change)["code"] == "0"
    assert ask(bench, "GET", "account/config", key=key)["code"] == "50119"
    assert ask(bench, "POST", "users/subaccount/delete-apikey", change)["code"] == "59506"


def test_deposits_and_what_everything_is_worth(bench: Any) -> None:
    from okxdoctor.exchange.core.backstage import add_funds

    venue = bench.exchange.venue("global", "live")
    add_funds(bench.exchange, venue, "USDT", "75.5", "funding")
    add_funds(bench.exchange, venue, "USDT", "-5", "funding")
    paid, out = (ask(bench, "GET", f"asset/{name}-history")["data"] for name in ("deposit", "withdrawal"))
    assert [row["amt"] for row in (*paid, *out)] == ["75.5", "5"]
    address = ask(bench, "GET", "asset/deposit-address?ccy=BTC")["data"][0]
    assert (address["chain"], address["to"]) == ("BTC-Bitcoin", "6")
    assert ask(bench, "GET", "asset/deposit-address?ccy=NOPE")["code"] == "51012"
    worth = ask(bench, "GET", "asset/asset-valuation?ccy=USDT")["data"][0]
    total = Decimal(ask(bench, "GET", "account/balance")["data"][0]["totalEq"])
    parts = worth["details"]
    assert abs(Decimal(parts["trading"]) / total - 1) < Decimal("0.01")
    assert abs(Decimal(worth["totalBal"]) - Decimal(parts["funding"]) - Decimal(parts["trading"])) < Decimal("1e-10")


def test_a_program_can_be_started_as_a_sub_account(served: Any) -> None:
    from okxdoctor.exchange import Bench

    bench = Bench(served)
    main, one, two = bench.environ(), bench.environ("deskone"), bench.environ("desktwo")
    assert len({each["OKX_API_KEY"] for each in (main, one, two)}) == 3
    assert {name for name in main if main[name] != one[name]} == {"OKX_API_KEY", "OKX_SECRET_KEY", "OKX_PASSPHRASE"}
    demo = bench.at(environment="demo").environ("deskone")
    assert demo["OKX_API_KEY"] != one["OKX_API_KEY"]
    with pytest.raises(ValueError, match="deskone, desktwo"):
        bench.environ("nobody")
