"""The account's settings against what the integration does; both wallets."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from fakeio import FakeIo, codes, judged, ok, refusal, run, view
from hypothesis import given
from hypothesis import strategies as st

from okxdoctor.check import Inconclusive, Skip
from okxdoctor.facts import AccountView, KeyStanding
from okxdoctor.okx.account_modes import modes_with, trade_modes
from okxdoctor.trading_facts import OrderDraft, Wallets
from okxdoctor_checks.account import CHECK, Facts

BALANCE, FUNDING = "GET /api/v5/account/balance", "GET /api/v5/asset/balances"
ACCOUNT = AccountView(
    uid="1", perm=("read_only", "trade"), ip=(), acct_lv="2", pos_mode="net_mode", kyc_lv="2", account_type="0"
)


def balance(**amounts: str) -> Any:
    rows = [{"ccy": ccy, "cashBal": text, "availBal": text, "availEq": text, "ordFrozen": "0"}
            for ccy, text in amounts.items()]  # fmt: skip
    return ok([{"details": rows}])


def funding(**amounts: str) -> Any:
    return ok([{"ccy": ccy, "bal": text, "availBal": text, "frozenBal": "0"} for ccy, text in amounts.items()])


def world(trading: Any = None, other: Any = None, records: tuple[Any, ...] = (ACCOUNT,), **changes: Any) -> FakeIo:
    script = {BALANCE: trading or balance(USDT="100"), FUNDING: other or funding()}
    return FakeIo(view=view(**{"need": ("read", "trade"), **changes}), http_script=script, records=records)


@pytest.mark.parametrize(
    ("level", "changes", "named"),
    [
        ("1", {"product": "SWAP"}, "SWAP; mode 2 (futures), 3"),
        ("1", {"instruments": ("BTC-USDT", "BTC-USDT-SWAP")}, "SWAP"),
        ("1", {"product": "SPOT", "trade_mode": "cross"}, "SPOT with tdMode cross; mode 3"),
        ("1", {"trade_mode": "isolated"}, "tdMode isolated; mode 2"),
        ("2", {"product": "SWAP", "trade_mode": "cash"}, "SWAP with tdMode cash"),
        ("2", {"product": "SPOT", "trade_mode": "cross"}, "SPOT with tdMode cross; mode 3"),
    ],
)
def test_a_mode_that_forbids(level: str, changes: dict[str, Any], named: str) -> None:
    io = world(records=(replace(ACCOUNT, acct_lv=level),), **changes)
    _, (found,) = run(CHECK, io)
    assert found.code == "account.mode-forbids"
    assert named in found.summary


@pytest.mark.parametrize(
    ("level", "changes"),
    [
        ("1", {"product": "SPOT", "trade_mode": "cash"}), ("2", {"product": "SWAP", "trade_mode": "cross"}),
        ("2", {"trade_mode": "cash"}), ("3", {"product": "SPOT", "trade_mode": "cross"}), ("9", {"product": "SWAP"}),
        ("1", {"product": "EVENTS"}), ("1", {"need": ("read",), "instruments": ("BTC-USDT-SWAP",)}),
    ],
)  # fmt: skip
def test_a_mode_that_allows(level: str, changes: dict[str, Any]) -> None:
    assert codes(run(CHECK, world(records=(replace(ACCOUNT, acct_lv=level),), **changes))[1]) == []


def test_the_table_of_modes() -> None:
    assert trade_modes("1", "SWAP") == ()
    assert trade_modes("7", "SWAP") is None
    assert trade_modes("2", "EVENTS") is None
    assert modes_with("SWAP", "cross") == ("2", "3", "4")


def test_money_in_the_other_wallet() -> None:
    _, (found,) = run(CHECK, world(balance(USDT="0"), funding(BTC="0.1", USDT="250.5")))
    assert found.code == "account.funds-elsewhere"
    assert found.remedy[0] == 'POST /api/v5/asset/transfer {"ccy":"USDT","amt":"250.5","from":"6","to":"18"}'
    for trading, other in (
        (balance(USDT="1"), funding(USDT="250")),
        (balance(), funding()),
        (balance(), funding(X="0")),
    ):
        assert codes(run(CHECK, world(trading, other))[1]) == []


def test_an_unverified_account_is_told_on_live_alone() -> None:
    unverified = (replace(ACCOUNT, kyc_lv="0"),)
    assert codes(run(CHECK, world(records=unverified))[1]) == ["account.unverified"]
    assert codes(run(CHECK, world(records=unverified, environment="demo"))[1]) == []


def test_balances_are_asked_for_only_where_the_integration_trades() -> None:
    io = world(need=("read",))
    run(CHECK, io)
    assert io.asks == []
    io = world(need=("read",), orders=(OrderDraft(file="f", line=1, wire="{}"),))
    facts, _ = run(CHECK, io)
    assert len(io.asks) == 2
    (wallets,) = CHECK.offers(facts)
    assert isinstance(wallets, Wallets)
    assert wallets.trading is not None
    assert wallets.trading[0].available == "100"


@pytest.mark.parametrize(
    ("io", "layer"),
    [
        (world(credentials=False), ""),
        (world(records=()), "key"),
        (world(records=(ACCOUNT, KeyStanding(standing="refused", code="50102"))), "key"),
        (world(refusal("50110", "Your IP 203.0.113.4 is not included")), "egress"),
        (world(refusal("50001", "down", status=503)), "status"),
    ],
)
def test_what_stands_in_the_way(io: FakeIo, layer: str) -> None:
    with pytest.raises(Skip) as skipped:
        asyncio.run(CHECK.probe(io))
    assert skipped.value.layer == layer


def test_a_refusal_nobody_knows_is_a_blind_spot() -> None:
    with pytest.raises(Inconclusive, match="50999"):
        asyncio.run(CHECK.probe(world(refusal("50999", "something", status=200, data=True))))


@given(facts=st.from_type(Facts))
def test_any_facts_are_judged(facts: Facts) -> None:
    judged(CHECK, facts)


@pytest.mark.parametrize("wish", [{"product": "SPOT"}, {"trade_mode": "cash"}, {"need": ("trade",)}])
def test_what_is_a_wish_to_trade_and_what_is_none(wish: dict[str, Any]) -> None:
    wishes = world(**{"need": ("read",), **wish})
    run(CHECK, wishes)
    assert [ask.path for ask in wishes.asks] == ["/api/v5/account/balance", "/api/v5/asset/balances"]
    reads = world(need=("read",))
    run(CHECK, reads)
    assert reads.asks == []


def test_what_is_no_row_in_a_wallet_is_passed_over() -> None:
    io = world(trading=ok([{"details": ["USDT", None, {"ccy": "USDT", "cashBal": "7", "availBal": "7"}]}]))
    facts, _ = run(CHECK, io)
    assert [(one.ccy, one.cash) for one in facts.trading] == [("USDT", "7")]


@pytest.mark.parametrize("row", [{}, {"details": None}, {"details": "[]"}])
def test_an_answer_without_a_list_of_currencies_is_no_empty_account(row: dict[str, Any]) -> None:
    facts, findings = run(CHECK, world(trading=ok([row]), other=funding(USDT="900")))
    assert facts.trading is None
    assert findings == ()


def test_an_amount_that_is_no_text_is_no_empty_account() -> None:
    held = ok([{"details": [{"ccy": "USDT", "cashBal": 7.5, "availBal": 7.5}]}])
    assert run(CHECK, world(trading=held, other=funding(USDT="900")))[1] == ()
