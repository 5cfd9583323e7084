"""The preflight of orders: members of another kind than documented, types of other products, several in one line."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from fakeio import judged
from test_order import account, codes, findings, place, spot, swap

from okxdoctor.model import Severity
from okxdoctor.okx.order_files import read_orders
from okxdoctor.okx.order_view import Place
from okxdoctor.trading_facts import Holding
from okxdoctor_checks.order import CHECK, Facts

TAKE_PROFIT = {"tpTriggerPx": "66000", "tpOrdPx": "-1"}


def in_one_line(*orders: dict[str, Any]) -> Facts:
    """What a file with the list in one line gives, as json.dumps writes it."""
    return Facts(drafts=tuple(read_orders(json.dumps(orders).encode(), "o.json")), place=place())


@pytest.mark.parametrize(
    ("order", "says", "code"),
    [
        (spot(attachAlgoOrds=TAKE_PROFIT), "attachAlgoOrds must be a JSON list of objects, not an object", "51000"),
        (spot(attachAlgoOrds=json.dumps([TAKE_PROFIT])), "not a text", "51000"),
        (spot(attachAlgoOrds=["tp"]), "not a list of others", "51000"),
        (spot(stpMode="none"), "stpMode is 'none'; it must be one of cancel_both", "51000"),
        (spot(pxAmendType="2"), "pxAmendType is '2'", "51000"),
        (swap(reduceOnly="yes"), "reduceOnly is 'yes'; it must be true or false", "51000"),
        (spot(ordType="optimal_limit_ioc", px=None), "is for SWAP and FUTURES alone, and BTC-USDT is SPOT", "51000"),
        (spot(sz=["0.01"]), "sz is a list; a number in a text belongs there", "51000"),
        (spot(px={"value": "59000"}), "px is an object", "51000"),
        (
            swap(attachAlgoOrds=[{"slTriggerPx": "58000", "slOrdPx": "-1", "slTriggerPxType": "Last"}]),
            "slTriggerPxType is 'Last'; it must be one of index, last, mark",
            "51000",
        ),
        (swap(ordType="op_fok"), "is for OPTION alone, and BTC-USDT-SWAP is SWAP", "51000"),
        (swap(ordType="mmp_and_post_only"), "is for OPTION alone", "51000"),
        (swap(instId="BTC-USD-261225-70000-C", ordType="market", px=None), "options take no market orders", "51066"),
    ],
)
def test_a_member_that_the_exchange_cannot_take(order: dict[str, Any], says: str, code: str) -> None:
    found = findings(order)
    assert [one.code for one in found] == ["order.parameter-invalid"]
    assert says in found[0].summary
    assert found[0].evidence["code"] == code


@pytest.mark.parametrize(
    "order",
    [
        spot(attachAlgoOrds=[TAKE_PROFIT]), spot(attachAlgoOrds=[]), spot(attachAlgoOrds=""),
        spot(stpMode="", pxAmendType="0", reduceOnly="false", banAmend=False), spot(reduceOnly=False),
        swap(ordType="optimal_limit_ioc", px=None), swap(reduceOnly="False"), swap(stpMode="cancel_both"),
    ],
)  # fmt: skip
def test_members_in_every_documented_form(order: dict[str, Any]) -> None:
    assert codes(order) == []


@pytest.mark.parametrize(("level", "code"), [("1", "51139"), ("3", "51133"), ("4", "51205")])
def test_a_reduce_only_spot_order_is_a_warning_with_the_code_of_the_account_mode(level: str, code: str) -> None:
    (found,) = findings(spot(reduceOnly=True), place(account=account(acct_lv=level)))
    assert (found.code, found.severity) == ("order.parameter-invalid", Severity.WARNING)
    assert f"spot has no positions to reduce; passed over, or refused with {code}" in found.summary


def test_a_trigger_that_is_a_number_is_there_all_the_same() -> None:
    assert set(codes(spot(attachAlgoOrds=[{"tpTriggerPx": 66000, "tpOrdPx": -1}]))) == {"precision.number-format"}


def test_orders_in_one_line_are_told_apart() -> None:
    """A finding names one of them, and what is wrong with one explains nothing of another."""
    found = judged(CHECK, in_one_line(swap(sz="0.001"), spot(sz="0.000001"), spot(clOrdId="a"), spot(clOrdId="a")))
    told = {(one.code, one.subject) for one in found}
    assert {("order.unit-confusion", "o.json:1#1"), ("precision.size-below-minimum", "o.json:1#2")} <= told
    assert ("order.client-id-invalid", "o.json:1#4") in told
    repeated = next(one for one in found if one.code == "order.client-id-invalid")
    assert "clOrdId a stands in line 1#3 already (51016)" in repeated.summary


@pytest.mark.parametrize("available", ["", "many"])
def test_a_figure_that_is_no_number_is_no_lack_of_money(available: str) -> None:
    """A drifted answer: what is there is not known, and so is what is missing."""
    held = (Holding(ccy="USDT", cash=available, available=available, margin=available),)
    assert codes(spot(), place(holdings=held)) == []
    assert codes(swap(), place(holdings=held)) == []
    funding = (Holding(ccy="USDT", cash="900", available="900"),)
    assert [one.code for one in findings(spot(), place(holdings=held), funding=funding)] == []


def test_a_size_whose_unit_is_not_known_is_not_judged() -> None:
    """tgtCcy is wrong, so it is not known whether 50 are USDT or BTC."""
    assert codes(spot(ordType="market", px=None, sz="50", tgtCcy="USDT")) == ["order.parameter-invalid"]


@pytest.mark.parametrize(
    ("order", "told"),
    [
        (spot(ordType="post_only", px="60010"), True), (spot(ordType="post_only", px="60000.1"), True),
        (spot(ordType="post_only", px="60000"), False), (spot(ordType="limit", px="60010"), False),
        (spot(ordType="post_only", side="sell", px="59999.9"), True),
        (spot(ordType="post_only", side="sell", px="60000"), False),
    ],
)  # fmt: skip
def test_a_post_only_order_that_would_trade_at_once(order: dict[str, Any], told: bool) -> None:
    found = findings(order | {"sz": "0.001"}, place(best=(("BTC-USDT", "59999.9", "60000.1"),)))
    assert [(one.code, one.severity) for one in found] == [("order.parameter-invalid", Severity.WARNING)] * told
    if told:
        assert "would trade at once" in found[0].summary
        assert found[0].remedy[0].startswith(f'"px": "{"59999.9" if order["side"] == "buy" else "60000.1"}"')
    assert codes(order | {"sz": "0.001"}) == []  # where the best prices are not told


def test_a_limit_size_that_is_an_amount_of_quote_currency() -> None:
    found = findings(spot(sz="100"))
    assert [one.code for one in found] == ["order.unit-confusion", "order.insufficient-funds"]
    assert "sz 100 of a limit order is 100 BTC; 100 USDT at this price are 0.00169491 BTC" in found[0].summary
    sold = findings(spot(side="sell", px="61000", sz="100"))
    assert [one.code for one in sold] == ["order.unit-confusion", "order.insufficient-funds"]


@pytest.mark.parametrize(("sz", "side"), [("0.02", "buy"), ("2000", "buy"), ("0.05", "sell"), ("700", "sell")])
def test_a_size_that_cannot_be_paid_for_in_either_unit_is_just_too_large(sz: str, side: str) -> None:
    order = spot(sz=sz, side=side, px="59000" if side == "buy" else "61000")
    assert "order.unit-confusion" not in codes(order)


# ---- instruments by their code --------------------------------------------------------------------


def coded() -> Place:
    """The instruments of every test, with their codes."""
    code = {"BTC-USDT": "3", "BTC-USDT-SWAP": "10459"}
    listed = tuple(
        replace(one, spec=(*one.spec, ("instIdCode", code.get(one.inst_id, "")))) for one in place().instruments
    )
    return place(instruments=listed)


@pytest.mark.parametrize("code", [10459, "10459"])
def test_an_order_that_names_its_instrument_by_the_code_alone_is_judged(code: object) -> None:
    """As the WebSocket wants it: px beside the tick, and a size in coins."""
    order = swap(instIdCode=code, px="59000.05", sz="0.001")
    del order["instId"]
    found = findings(order, coded())
    assert {one.code for one in found} == {
        "precision.price-off-tick", "order.unit-confusion", "precision.size-below-minimum", "precision.size-off-lot",
    }  # fmt: skip


def test_a_code_that_is_another_instruments() -> None:
    (found,) = findings(spot(instIdCode=10459), coded())
    assert (found.code, found.severity) == ("order.parameter-invalid", Severity.WARNING)
    assert found.evidence["code_of"] == "BTC-USDT-SWAP"
    assert found.remedy[0].startswith('"instIdCode": "3"')


@pytest.mark.parametrize("code", [3, "3", None, ""])
def test_a_code_that_is_right_or_absent(code: object) -> None:
    assert findings(spot() | {"instIdCode": code}, coded()) == ()
    assert codes(spot(instIdCode=10459)) == []  # a listing without codes tells nothing of them
