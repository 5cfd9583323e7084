"""The preflight of orders: each rule with its numbers, its code and the value that would be right."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest
from coreio import NOW_MS, Core
from fakeio import judged
from hypothesis import given
from hypothesis import strategies as st

from okxdoctor.check import Skip
from okxdoctor.facts import AccountView
from okxdoctor.model import Confidence, Finding, Severity
from okxdoctor.okx.order_attached import attached
from okxdoctor.okx.order_rules import judge
from okxdoctor.okx.order_units import means
from okxdoctor.okx.order_view import Leverage, MostSize, OpenPosition, Place, PriceLimits
from okxdoctor.runner.discover import checks
from okxdoctor.runner.plan import make_plan
from okxdoctor.trading_facts import Holding, Instruments, ListedInstrument, OrderDraft
from okxdoctor_checks._order_asks import PRECHECK, Prechecked
from okxdoctor_checks.order import CAUSES, CHECK, TOLD, Facts

SPOT = ListedInstrument(
    inst_id="BTC-USDT", type="SPOT", state="live",
    spec=(
        ("tickSz", "0.1"), ("lotSz", "0.00000001"), ("minSz", "0.00001"), ("maxLmtSz", "9999999999"),
        ("maxMktSz", "1000000"), ("maxLmtAmt", "20000000"), ("maxMktAmt", "1000000"), ("baseCcy", "BTC"),
        ("quoteCcy", "USDT"), ("lever", "10"),
    ),
)  # fmt: skip
SWAP = ListedInstrument(
    inst_id="BTC-USDT-SWAP", type="SWAP", state="live",
    spec=(
        ("tickSz", "0.1"), ("lotSz", "0.01"), ("minSz", "0.01"), ("maxLmtSz", "100000000"), ("maxMktSz", "34000"),
        ("maxLmtAmt", "20000000"), ("ctVal", "0.01"), ("ctMult", "1"), ("ctValCcy", "BTC"), ("ctType", "linear"),
        ("settleCcy", "USDT"), ("lever", "100"),
    ),
)  # fmt: skip
INVERSE = ListedInstrument(
    inst_id="BTC-USD-SWAP", type="SWAP", state="live",
    spec=(
        ("tickSz", "0.1"), ("lotSz", "0.1"), ("minSz", "0.1"), ("maxLmtSz", "100000"), ("maxMktSz", "20000"),
        ("maxLmtAmt", "20000000"), ("ctVal", "100"), ("ctMult", "1"), ("ctValCcy", "USD"), ("ctType", "inverse"),
        ("settleCcy", "BTC"), ("lever", "100"),
    ),
)  # fmt: skip
OPTION = ListedInstrument(
    inst_id="BTC-USD-261225-70000-C", type="OPTION", state="live",
    spec=(
        ("tickSz", "0.0001"), ("lotSz", "1"), ("minSz", "1"), ("maxLmtSz", "1000000"), ("ctVal", "1"),
        ("ctMult", "0.01"), ("ctValCcy", "BTC"), ("ctType", "inverse"), ("settleCcy", "BTC"),
    ),
    bands=(("0", "0.005", "0.0001"), ("0.005", "10000000", "0.0005")),
)  # fmt: skip


def account(**changes: Any) -> AccountView:
    base = AccountView(
        uid="1", perm=("read_only", "trade"), ip=(), acct_lv="2", pos_mode="net_mode", kyc_lv="2", account_type="0"
    )
    return replace(base, **changes)


def place(**changes: Any) -> Place:
    base = Place(
        account=account(),
        instruments=(SPOT, SWAP, INVERSE, OPTION),
        now_ms=NOW_MS,
        limits=(PriceLimits(inst_id="BTC-USDT", highest_buy="63000", lowest_sell="57000"),),
        last=(("BTC-USDT", "60000"), ("BTC-USDT-SWAP", "60000"), ("BTC-USD-SWAP", "60000")),
        leverages=(
            Leverage(inst_id="BTC-USDT-SWAP", margin_mode="cross", position_side="net", lever="3"),
            Leverage(inst_id="BTC-USD-SWAP", margin_mode="cross", position_side="net", lever="10"),
        ),
        positions=(),
        holdings=(
            Holding(ccy="USDT", cash="1000", available="1000", frozen="0", margin="1000"),
            Holding(ccy="BTC", cash="0.01", available="0.01", frozen="0", margin="0.01"),
        ),
        taker=(("SWAP", "", "-0.0005"), ("SWAP", "USDT", "-0.0004")),
    )
    return replace(base, **changes)


def spot(**changes: Any) -> dict[str, Any]:
    order = {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "limit", "px": "59000", "sz": "0.01"}
    return {name: value for name, value in (order | changes).items() if value is not None}


def swap(**changes: Any) -> dict[str, Any]:
    return spot(instId="BTC-USDT-SWAP", tdMode="cross", sz="1") | {k: v for k, v in changes.items() if v is not None}


def findings(order: dict[str, Any], where: Place | None = None, **more: Any) -> tuple[Finding, ...]:
    drafts = (OrderDraft(file="o.json", line=3, wire=json.dumps(order)),)
    return judged(CHECK, Facts(drafts=drafts, place=where or place(), **more))


def codes(order: dict[str, Any], where: Place | None = None) -> list[str]:
    return [finding.code for finding in findings(order, where)]


@pytest.mark.parametrize("order", [spot(), spot(clOrdId="a" * 32, tag="b" * 16), swap(), swap(posSide="net"),
                                   spot(ordType="market", px=None, sz="50"), spot(side="sell", px="61000"),
                                   swap(instId="BTC-USD-SWAP", sz="0.5")])  # fmt: skip
def test_a_right_order_gives_nothing(order: dict[str, Any]) -> None:
    assert codes(order) == []


@pytest.mark.parametrize(
    ("order", "cause", "says", "code", "fix"),
    [
        (spot(px=None, price="59000"), "order.parameter-invalid", "price is no parameter; px is meant", "51000",
         '"px": "59000"'),
        (spot(side="Buy"), "order.parameter-invalid", "side is 'Buy'", "51000", '"side": "buy"'),
        (spot(tdMode=None), "order.parameter-invalid", "tdMode is missing", "50014", ""),
        (spot(px=None), "order.parameter-invalid", "needs px", "51000", ""),
        (spot(expTime=str(NOW_MS - 1500)), "order.parameter-invalid", "1.5 s in the past", "50036", ""),
        (spot(clOrdId="a-b"), "order.client-id-invalid", "holds '-'", "51000", '"clOrdId": "ab"'),
        (spot(clOrdId="x" * 33), "order.client-id-invalid", "33 characters, at most 32", "51000", ""),
        (spot(px="59000.05"), "precision.price-off-tick", "no multiple of 0.1", "51150", '"px": "59000"'),
        (spot(side="sell", px="61000.05"), "precision.price-off-tick", "no multiple", "51150", '"px": "61000.1"'),
        (spot(px="63000.1"), "order.price-out-of-band", "63000.1 > 63000", "51137", '"px": "63000"'),
        (spot(side="sell", px="56999.9"), "order.price-out-of-band", "56999.9 < 57000", "51138", '"px": "57000"'),
        (swap(sz="1.015"), "precision.size-off-lot", "no multiple of 0.01", "51121", '"sz": "1.01"'),
        (spot(sz="0.000004"), "precision.size-below-minimum", "0.000004 BTC < 0.00001", "51020", '"sz": "0.00001"'),
        (swap(sz="100000000.01"), "precision.size-above-maximum", "maxLmtSz", "51005", '"sz": "100000000"'),
        (swap(ordType="market", sz="34000.01") | {"px": ""}, "precision.size-above-maximum", "maxMktSz", "51202",
         '"sz": "34000"'),
        (spot(sz="400"), "precision.size-above-maximum", "worth 23600000 USD", "51005", '"sz": "338.98305084"'),
        (spot(px="6e4"), "precision.number-format", "an exponent", "51000", '"px": "60000"'),
        (spot(px="58,000"), "precision.number-format", "thousands", "51000", '"px": "58000"'),
        (swap(posSide="long"), "account.position-mode", "net_mode", "51000", '"posSide": "net"'),
        (swap(tdMode="cash"), "account.mode-forbids", "cross or isolated", "51010", '"tdMode": "cross"'),
        (spot(tdMode="cross"), "account.mode-forbids", "needs ccy", "50014", '"ccy": "USDT"'),
        (swap(reduceOnly="true"), "order.parameter-invalid", "no position of BTC-USDT-SWAP", "51169", ""),
        (spot(sz="0.02"), "order.insufficient-funds", "needs 1180 USDT, has 1000, missing 180", "51008",
         '"sz": "0.01694915"'),
        (swap(instId="BTC-USDT-SWAP", sz="6"), "order.insufficient-funds",
         "needs 1181.416 USDT, has 1000, missing 181.416: 6 × 0.01 × 59000 / 3 + fee 1.416", "51008", '"sz": "5.07"'),
        (swap(instId="BTC-USD-SWAP", px="50000", sz="60"), "order.insufficient-funds",
         "needs 0.01206 BTC, has 0.01, missing 0.00206: 60 × 100 / 50000 / 10 + fee 0.00006", "51008", '"sz": "49.7"'),
        (spot(attachAlgoOrds=[{"tpTriggerPx": "58000", "tpOrdPx": "-1"}]), "order.parameter-invalid",
         "is not above 59000", "51046", ""),
    ],
)  # fmt: skip
def test_a_broken_rule(order: dict[str, Any], cause: str, says: str, code: str, fix: str) -> None:
    found = findings(order)
    assert [one.code for one in found] == [cause]
    assert says in found[0].summary
    assert found[0].summary.startswith("o.json:3: ")
    assert found[0].evidence["code"] == code
    assert not fix or found[0].remedy[0].startswith(fix)


def test_the_tick_of_an_option_is_that_of_its_band_and_is_no_refusal() -> None:
    order = swap(instId=OPTION.inst_id, px="0.0058", sz="1")
    (found,) = findings(order)
    assert (found.code, found.severity) == ("precision.price-off-tick", Severity.WARNING)
    assert found.evidence["tick"] == "0.0005"
    assert "rounds it without a word" in found.summary
    assert codes(order | {"px": "0.0048"}) == []
    assert codes(order | {"ordType": "market", "px": ""}) == ["order.parameter-invalid"]


@pytest.mark.parametrize(
    ("order", "meant", "fix"),
    [
        (swap(sz="0.002"), "0.002 BTC = 0.2 contracts", '"sz": "0.2"'),
        (spot(ordType="market", px=None, sz="0.002"), "0.002 BTC", '"tgtCcy": "base_ccy"'),
    ],
)  # fmt: skip
def test_a_size_in_another_unit_is_told_before_the_size(order: dict[str, Any], meant: str, fix: str) -> None:
    found = findings(order)
    assert found[0].code == "order.unit-confusion"
    assert found[0].evidence["meant_perhaps"] == meant
    assert found[0].remedy[0].startswith(fix)
    assert "precision.size-below-minimum" in [one.code for one in found]


def test_a_position_needs_no_margin_to_be_closed() -> None:
    long = OpenPosition(inst_id="BTC-USDT-SWAP", margin_mode="cross", side="net", quantity="5")
    poor = place(positions=(long,), holdings=())
    assert codes(swap(side="sell", px="60000", sz="5"), poor) == []
    assert codes(swap(side="sell", px="60000", sz="6"), poor) == ["order.insufficient-funds"]
    assert codes(swap(side="buy", sz="1", reduceOnly="true"), poor) == ["order.parameter-invalid"]
    assert codes(swap(side="sell", px="60000", sz="1", reduceOnly="true"), poor) == []


def test_long_and_short_sides() -> None:
    hedged = place(account=account(pos_mode="long_short_mode"))
    assert codes(swap(), hedged) == ["account.position-mode"]
    assert codes(swap(posSide="long"), hedged) == []
    assert codes(swap(posSide="short"), hedged) == ["order.parameter-invalid"], "a buy on the short side closes"
    assert codes(spot(), hedged) == []


def test_account_modes() -> None:
    spot_mode = place(account=account(acct_lv="1"))
    assert codes(spot(), spot_mode) == []
    assert codes(swap(), spot_mode) == ["account.mode-forbids"]
    assert codes(swap(), place(account=None)) == [], "without a key the account is not judged"


def lent(**changes: Any) -> dict[str, Any]:
    return spot(tdMode="cross", ccy="USDT", side="sell", px="59000", **changes)


def test_margin_orders_are_compared_with_what_the_exchange_says_is_the_most() -> None:
    most = MostSize(inst_id="BTC-USDT", mode="cross", px="59000", buy="0.4", sell="0.3")
    where = place(most=(most,))
    assert codes(lent(sz="0.3"), where) == []
    (found,) = findings(lent(sz="0.31"), where)
    assert (found.code, found.remedy[0][:11]) == ("order.insufficient-funds", '"sz": "0.3"')
    # A quantity there has no sign, so a position may be what this order closes.
    short = OpenPosition(inst_id="BTC-USDT", margin_mode="cross", side="net", quantity="1")
    assert codes(lent(sz="0.31"), place(most=(most,), positions=(short,))) == []
    assert codes(lent(sz="0.31"), place(most=(most,), positions=None)) == []
    assert codes(lent(sz="0.31"), place()) == [], "without the exchange's figure nothing is said"


def test_sold_options_are_compared_with_what_the_exchange_says_is_the_most() -> None:
    order = spot(instId=OPTION.inst_id, tdMode="cross", side="sell", px="0.05", sz="3")
    most = MostSize(inst_id=OPTION.inst_id, mode="cross", px="0.05", buy="9", sell="2")
    assert codes(order, place(most=(replace(most, sell="3"),))) == []
    assert codes(order, place(most=(most,))) == ["order.insufficient-funds"]


def test_other_modes_compare_what_the_exchange_says_is_the_most() -> None:
    most = MostSize(inst_id="BTC-USDT-SWAP", mode="cross", px="59000", buy="4", sell="3")
    where = place(account=account(acct_lv="3"), holdings=(), most=(most,))
    assert codes(swap(sz="4"), where) == []
    (found,) = findings(swap(sz="4.5"), where)
    assert (found.code, found.remedy[0][:9]) == ("order.insufficient-funds", '"sz": "4"')


def test_what_is_in_the_other_wallet_explains_what_is_missing() -> None:
    where = place(holdings=(Holding(ccy="BTC", cash="1", available="1"),))
    found = findings(spot(), where, funding=(Holding(ccy="USDT", cash="900", available="900"),))
    assert {one.code for one in found} == {"order.insufficient-funds", "account.funds-elsewhere"}
    transfer = next(one for one in found if one.code == "account.funds-elsewhere").remedy[0]
    assert '"ccy":"USDT","amt":"590","from":"6","to":"18"' in transfer


def test_an_id_twice_and_an_id_that_is_pending() -> None:
    drafts = tuple(OrderDraft(file="o.json", line=n, wire=json.dumps(spot(clOrdId="same", sz="0.001"))) for n in (1, 5))
    found = judged(CHECK, Facts(drafts=drafts, place=place()))
    assert [(one.code, one.subject) for one in found] == [("order.client-id-invalid", "o.json:5")]
    assert found[0].confidence is Confidence.LIKELY
    (pending,) = findings(spot(clOrdId="same"), place(taken=("same",)))
    assert pending.evidence["code"] == "51016"


def test_many_findings_of_one_kind_are_counted_not_listed() -> None:
    drafts = tuple(OrderDraft(file="o.json", line=n, wire=json.dumps(spot(px="1.05"))) for n in range(1, 101))
    found = judged(CHECK, Facts(drafts=drafts, place=place(limits=())))
    assert len(found) == TOLD
    assert found[0].evidence["orders_concerned"] == 100
    assert [line.split("#")[1].strip() for line in found[0].remedy] == [f"o.json:{n}" for n in range(1, 7)]


def test_the_second_opinion_of_the_exchange_counts_where_no_rule_is_broken() -> None:
    drafts = (OrderDraft(file="o.json", line=1, wire=json.dumps(spot())),)
    said = Prechecked(index=0, code="51008", msg="Order failed. Insufficient USDT balance in account")
    (found,) = judged(CHECK, Facts(drafts=drafts, place=place(), prechecked=(said,)))
    assert (found.code, found.confidence) == ("order.insufficient-funds", Confidence.LIKELY)
    assert judged(CHECK, Facts(drafts=drafts, place=place(), prechecked=(Prechecked(index=0, code="0"),))) == ()


# ---- the probe ---------------------------------------------------------------------------------


def test_without_orders_nothing_is_asked() -> None:
    io = Core().io()
    with pytest.raises(Skip, match="--order"):
        asyncio.run(CHECK.probe(io))
    assert io.asks == []


def test_without_instruments_another_check_tells_why() -> None:
    io = Core().io([spot()])
    with pytest.raises(Skip) as skipped:
        asyncio.run(CHECK.probe(io))
    assert skipped.value.layer == "instrument"


def test_only_what_the_orders_need_is_asked_and_nothing_is_sent() -> None:
    core = Core(3)
    io = core.io([spot(px="60000")])
    io.records = (Instruments(listed=(SPOT,)), account())
    asyncio.run(CHECK.probe(io))
    assert [ask.path.split("?")[0] for ask in io.asks] == ["/api/v5/public/price-limit"]
    many = [swap(clOrdId=f"a{n}") for n in range(50)] + [spot(ordType="market", px=None)]
    io = core.io(many)
    io.records = (Instruments(listed=(SPOT, SWAP)), account())
    asyncio.run(CHECK.probe(io))
    assert all(ask.method == "GET" for ask in io.asks)
    assert len(io.asks) <= 8


def test_precheck_is_asked_where_the_mode_offers_it_and_the_key_may_trade() -> None:
    core = Core(3)
    core.exchange.venue("global", "live").accounts[
        next(iter(core.exchange.venue("global", "live").accounts))
    ].level = "3"
    for level, perm, wanted in (("3", ("read_only", "trade"), 2), ("3", ("read_only",), 0), ("2", ("trade",), 0)):
        io = core.io([spot(px="60000", sz="0.001")] * 3)
        io.records = (Instruments(listed=(SPOT,)), account(acct_lv=level, perm=perm))
        facts = asyncio.run(CHECK.probe(io))
        sent = [ask for ask in io.asks if ask.method == "POST"]
        assert {ask.path for ask in sent} <= {PRECHECK}
        assert len(sent) == wanted == len(facts.prechecked)
        assert all(one.code == "0" for one in facts.prechecked)


# ---- total -------------------------------------------------------------------------------------

_words = st.one_of(
    st.sampled_from(["", "0", "-1", "1e3", "0.1", "buy", "sell", "limit", "market", "cross", "cash", "BTC-USDT",
                     "BTC-USDT-SWAP", "true", "x" * 50, "é", "9" * 500]),
    st.text(max_size=12), st.none(), st.booleans(), st.integers(),
    st.lists(st.dictionaries(st.sampled_from(["tpTriggerPx", "slOrdPx"]), st.text(max_size=4)), max_size=2),
)  # fmt: skip
_names = st.sampled_from(["instId", "tdMode", "side", "ordType", "px", "sz", "posSide", "clOrdId", "tag", "reduceOnly",
                          "tgtCcy", "expTime", "attachAlgoOrds", "tpTriggerPx", "price", "ccy"])  # fmt: skip


@given(order=st.dictionaries(_names, _words, max_size=12), broken=st.sampled_from(["", "0", "-1", "x", "9" * 401]))
def test_judging_is_total(order: dict[str, Any], broken: str) -> None:
    odd = replace(SPOT, spec=tuple((name, broken) for name, _ in SPOT.spec))
    for where in (place(), place(instruments=(odd, SWAP)), place(account=None, holdings=None, positions=None)):
        for breach in judge(order, where):
            assert breach.cause in CAUSES
            assert breach.says


@given(facts=st.from_type(Facts))
def test_any_facts_are_judged(facts: Facts) -> None:
    judged(CHECK, facts)


def test_a_size_that_is_far_beyond_the_money_may_be_meant_in_coins() -> None:
    found = findings(swap(instId="BTC-USD-SWAP", px="50000", sz="900"))
    assert found[0].code == "order.unit-confusion"
    assert found[0].evidence["meant_perhaps"] == "900 USD = 9 contracts"
    assert found[0].confidence is Confidence.LIKELY


def test_orders_that_can_each_be_paid_for_and_not_all_at_once() -> None:
    drafts = tuple(
        OrderDraft(file="o.json", line=n, wire=json.dumps(spot(sz="0.008"))) for n in (1, 2, 3)
    )  # fmt: skip
    (found,) = judged(CHECK, Facts(drafts=drafts, place=place()))
    assert (found.code, found.severity, found.confidence) == (
        "order.insufficient-funds", Severity.WARNING, Confidence.POSSIBLE,
    )  # fmt: skip
    assert found.subject == "o.json:3"
    assert found.evidence["needs"] == "1416 USDT"
    market = tuple(replace(draft, wire=json.dumps(spot(ordType="market", px=None, sz="600"))) for draft in drafts)
    assert judged(CHECK, Facts(drafts=market, place=place())) == (), "each is over before the next"


def test_a_number_of_hundreds_of_digits_does_not_fill_the_report() -> None:
    for found in findings(spot(px="9" * 390, sz="0." + "1" * 300)):
        assert len(found.summary) <= 300
        assert all(len(str(value)) < 120 for value in found.evidence.values())


def test_an_order_s_own_mistakes_are_told_where_nothing_can_be_asked() -> None:
    io = Core().io([spot(px="1e5")])
    assert [found.code for found in CHECK.evaluate(asyncio.run(CHECK.probe(io)))] == ["precision.number-format"]
    io = Core().io([spot(px="60000.05")])
    io.records = (Instruments(listed=(SPOT,)),)
    found = tuple(CHECK.evaluate(asyncio.run(CHECK.probe(io))))
    assert [one.code for one in found] == ["precision.price-off-tick"], "the key is not accepted, the tick is public"
    io = Core().io([spot(px="60000")])
    io.records = (Instruments(listed=(SPOT,)),)
    with pytest.raises(Skip) as skipped:
        asyncio.run(CHECK.probe(io))
    assert skipped.value.layer == "key", "without the account nothing is called right"


def test_choosing_the_preflight_chooses_what_it_stands_on() -> None:
    plan = make_plan(checks(), only=("order",))
    assert {check.id for check in plan.chosen} == {"order", "key", "account", "instrument"}
    assert make_plan(checks(), only=("order",), skip=("account",)).chosen


def test_a_member_that_no_order_has_is_a_warning() -> None:
    (found,) = findings(swap(lever="10"))
    assert (found.code, found.severity, found.confidence) == (
        "order.parameter-invalid", Severity.WARNING, Confidence.LIKELY,
    )  # fmt: skip
    assert "set-leverage" in found.remedy[0]
    assert codes(spot(banAmend="true", stpMode="cancel_maker", expTime=str(NOW_MS + 1000))) == []


@pytest.mark.parametrize(("cash", "told"), [("0", True), ("0.5", False), ("1", False)])
def test_a_wallet_with_a_little_money_is_not_empty(cash: str, told: bool) -> None:
    where = place(holdings=(Holding(ccy="USDT", cash=cash, available=cash),))
    found = findings(spot(), where, funding=(Holding(ccy="USDT", cash="900", available="900"),))
    assert ("account.funds-elsewhere" in {one.code for one in found}) == told


@pytest.mark.parametrize(("available", "told"), [("0", False), ("", False), ("0.5", True)])
def test_an_empty_wallet_elsewhere_explains_nothing(available: str, told: bool) -> None:
    found = findings(
        spot(), place(holdings=()), funding=(Holding(ccy="USDT", cash="900", available=available),)
    )  # fmt: skip
    assert ("account.funds-elsewhere" in {one.code for one in found}) == told


@pytest.mark.parametrize(
    ("order", "where", "told"),
    [
        (spot(reduceOnly="true"), place(), True),
        (spot(reduceOnly="false"), place(), False),
        (lent(reduceOnly="true"), place(), False),
    ],
)
def test_only_spot_has_nothing_to_reduce(order: dict[str, Any], where: Place, told: bool) -> None:
    assert ("order.parameter-invalid" in codes(order, where)) == told


@pytest.mark.parametrize(
    ("level", "ccy", "told"), [("2", None, True), ("2", "USDT", False), ("3", None, False), ("4", None, False)]
)
def test_cross_margin_names_its_currency_in_futures_mode_alone(level: str, ccy: str | None, told: bool) -> None:
    order = {**spot(tdMode="cross"), **({} if ccy is None else {"ccy": ccy})}
    found = [
        one for one in findings(order, place(account=account(acct_lv=level))) if one.evidence.get("code") != "51010"
    ]
    assert any("needs ccy" in one.summary for one in found) == told


@pytest.mark.parametrize(
    ("held", "order", "told"),
    [
        ("long", {"side": "sell", "posSide": "long"}, ""),
        ("long", {"side": "buy", "posSide": "short"}, "no short position"),
        ("short", {"side": "buy", "posSide": "short"}, ""),
        ("short", {"side": "sell", "posSide": "long"}, "no long position"),
        ("long", {"side": "buy", "posSide": "long"}, ""),
    ],
)
def test_a_position_is_closed_on_its_own_side(held: str, order: dict[str, str], told: str) -> None:
    open_one = OpenPosition(inst_id="BTC-USDT-SWAP", margin_mode="cross", side=held, quantity="5")
    leverages = tuple(
        Leverage(inst_id="BTC-USDT-SWAP", margin_mode="cross", position_side=side, lever="3")
        for side in ("long", "short")
    )  # fmt: skip
    where = place(account=account(pos_mode="long_short_mode"), positions=(open_one,), leverages=leverages)
    said = [one.summary for one in findings(swap(**order), where)]
    assert [told in text for text in said] == ([True] if told else [])


@pytest.mark.parametrize(
    ("side", "px", "sz", "enough"),
    [
        ("buy", "60000", "4.9", True), ("buy", "60000", "5", False),
        ("buy", "70000", "4.5", False),  # a buy above the market is reserved for at its own price
        ("sell", "50000", "4.9", True), ("sell", "50000", "5", False),  # a sell below it at the last one
    ],
)  # fmt: skip
def test_the_price_that_margin_is_reserved_at(side: str, px: str, sz: str, enough: bool) -> None:
    """1000 USDT at 3x, contracts of 0.01 BTC, last price 60000: 200 USDT a contract and the fee."""
    assert ("order.insufficient-funds" in codes(swap(side=side, px=px, sz=sz))) != enough


@pytest.mark.parametrize(
    ("margin", "available", "enough"),
    [("1000", "0", True), ("100", "1000", False), ("", "1000", True), ("", "0", False)],
)
def test_margin_is_paid_from_what_can_serve_as_margin(margin: str, available: str, enough: bool) -> None:
    where = place(holdings=(Holding(ccy="USDT", cash="1000", available=available, frozen="0", margin=margin),))
    assert ("order.insufficient-funds" in codes(swap(sz="1"), where)) != enough


@pytest.mark.parametrize(("frozen", "told"), [("0", False), ("", False), ("0.5", True), ("900", True)])
def test_what_open_orders_hold_is_told_where_they_hold_something(frozen: str, told: bool) -> None:
    where = place(holdings=(Holding(ccy="USDT", cash="900", available="1", frozen=frozen, margin="1"),))
    (found,) = findings(spot(), where)
    assert ("held_by_orders" in found.evidence) == told
    assert any("orders-pending" in step for step in found.remedy) == told


@pytest.mark.parametrize(
    ("listed", "sz", "over"), [(SWAP, "33000", False), (SWAP, "34000", True), (INVERSE, "99999", False)]
)
def test_the_greatest_amount_counts_what_contracts_are_worth(listed: ListedInstrument, sz: str, over: bool) -> None:
    """20 million USD: 0.01 BTC at 59000 are 590 USD, which makes 33898 contracts; of 100 USD each, 200000."""
    rich = (
        Holding(ccy="USDT", cash="1e9", available="1e9", frozen="0", margin="1000000000"),
        Holding(ccy="BTC", cash="1e9", available="1e9", frozen="0", margin="1000000000"),
    )
    found = codes(swap(instId=listed.inst_id, sz=sz), place(holdings=rich))
    assert ("precision.size-above-maximum" in found) == over


@pytest.mark.parametrize(
    ("order", "meant"),
    [
        (spot(ordType="market", px=None, side="sell", sz="300"), ("300 USDT", '"tgtCcy": "quote_ccy"')),
        (spot(ordType="market", px=None, side="sell", sz="0.05"), None),  # five times too much is a mistake in money
        (spot(ordType="market", px=None, side="sell", sz="300", tgtCcy="base_ccy"), None),
        (spot(ordType="market", px=None, sz="0.000001"), None),  # too little in coins as well
        (spot(ordType="market", px=None, sz="900000"), None),
        (swap(sz="0.00001"), None),  # 0.00001 BTC are 0.001 contracts, no lot either
    ],
)
def test_another_unit_is_only_meant_where_the_size_is_right_in_it(
    order: dict[str, Any], meant: tuple[str, str] | None
) -> None:
    found = [one for one in findings(order) if one.code == "order.unit-confusion"]
    assert [(one.evidence["meant_perhaps"], one.remedy[0][: len(meant[1])]) for one in found if meant] == (
        [meant] if meant else []
    )
    assert bool(found) == (meant is not None)


@pytest.mark.parametrize(
    ("order", "listed", "sentence"),
    [
        (swap(sz="2", px="60000"), SWAP, "buy 2 contracts of BTC-USDT-SWAP = 0.02 BTC at 60000, worth 1200 USDT"),
        (swap(sz="2", ordType="market") | {"px": ""}, SWAP,
         "buy 2 contracts of BTC-USDT-SWAP = 0.02 BTC at the market, worth 1200 USDT"),
        (swap(instId="BTC-USD-SWAP", sz="3"), INVERSE, "buy 3 contracts of BTC-USD-SWAP = 300 USD at 59000"),
        (spot(side="sell", sz="0.5"), SPOT, "sell 0.5 BTC at 59000, worth 29500 USDT"),
        (spot(ordType="market", px=None, sz="120"), SPOT, "buy BTC-USDT for 120 USDT at the market, about 0.002 BTC"),
        (spot(sz="much"), SPOT, ""), (spot(side="long"), SPOT, ""),
    ],
)  # fmt: skip
def test_what_an_order_asks_for_in_one_sentence(order: dict[str, Any], listed: ListedInstrument, sentence: str) -> None:
    assert means(order, listed, place()) == sentence


def test_without_a_price_nothing_is_said_of_what_it_is_worth() -> None:
    order, nowhere = spot(ordType="market", px=None, sz="120"), place(last=())
    assert means(order, SPOT, nowhere) == "buy BTC-USDT for 120 USDT at the market"
    assert means(order | {"side": "sell"}, SPOT, nowhere) == "sell 120 BTC at the market"
    assert means(swap(sz="2", ordType="market") | {"px": ""}, SWAP, nowhere) == (
        "buy 2 contracts of BTC-USDT-SWAP = 0.02 BTC at the market"
    )


@pytest.mark.parametrize(
    ("order", "told"),
    [
        # take profit above a buy and below a sell, stop loss the other way round; equal is not beside
        (spot(attachAlgoOrds=[{"tpTriggerPx": "59000.1", "tpOrdPx": "-1"}]), []),
        (spot(attachAlgoOrds=[{"tpTriggerPx": "59000", "tpOrdPx": "-1"}]), ["51046"]),
        (spot(attachAlgoOrds=[{"slTriggerPx": "58999.9", "slOrdPx": "-1"}]), []),
        (spot(attachAlgoOrds=[{"slTriggerPx": "59000", "slOrdPx": "-1"}]), ["51047"]),
        (swap(side="sell", attachAlgoOrds=[{"tpTriggerPx": "58999.9", "tpOrdPx": "-1"}]), []),
        (swap(side="sell", attachAlgoOrds=[{"tpTriggerPx": "59000", "tpOrdPx": "-1"}]), ["51048"]),
        (swap(side="sell", attachAlgoOrds=[{"slTriggerPx": "59000.1", "slOrdPx": "-1"}]), []),
        (swap(side="sell", attachAlgoOrds=[{"slTriggerPx": "59000", "slOrdPx": "-1"}]), ["51049"]),
        # beside the last price where the order has none
        (swap(ordType="market", attachAlgoOrds=[{"tpTriggerPx": "59999", "tpOrdPx": "-1"}]) | {"px": ""}, ["51046"]),
        (swap(ordType="market", attachAlgoOrds=[{"tpTriggerPx": "60001", "tpOrdPx": "-1"}]) | {"px": ""}, []),
        # the old members, on the order itself
        (spot(tpTriggerPx="58000", tpOrdPx="-1"), ["51046"]),
        (spot(tpTriggerPx="60000", tpOrdPx="-1"), []),
        # halves, and nothing at all
        (spot(attachAlgoOrds=[{"tpTriggerPx": "60000"}]), ["51178"]),
        (spot(attachAlgoOrds=[{"slOrdPx": "-1"}]), ["51178"]),
        (spot(attachAlgoOrds=[{"sz": "1"}]), ["51178"]),
        # spot is triggered by the last price alone, a swap by others too
        (spot(attachAlgoOrds=[{"tpTriggerPx": "60000", "tpOrdPx": "-1", "tpTriggerPxType": "mark"}]), ["51415"]),
        (spot(attachAlgoOrds=[{"tpTriggerPx": "60000", "tpOrdPx": "-1", "tpTriggerPxType": "last"}]), []),
        (swap(attachAlgoOrds=[{"tpTriggerPx": "60000", "tpOrdPx": "-1", "tpTriggerPxType": "mark"}]), []),
        # a reduce-only order closes; it takes nothing along
        (swap(reduceOnly="true", attachAlgoOrds=[{"tpTriggerPx": "60000", "tpOrdPx": "-1"}]), ["51100"]),
        # on the grid, or at the market
        (spot(attachAlgoOrds=[{"tpTriggerPx": "60000", "tpOrdPx": "60000.05"}]), ["51150"]),
        (spot(attachAlgoOrds=[{"tpTriggerPx": "60000", "tpOrdPx": "60000.1"}]), []),
    ],
)
def test_what_hangs_on_an_order(order: dict[str, Any], told: list[str]) -> None:
    listed = SPOT if order["instId"] == "BTC-USDT" else SWAP
    assert [breach.codes[0] for breach in attached(order, listed, place())] == told


def test_the_way_out_of_an_attached_price_is_a_price() -> None:
    (breach,) = attached(spot(attachAlgoOrds=[{"tpTriggerPx": "60000", "tpOrdPx": "0.05"}]), SPOT, place())
    assert breach.fix == (("tpOrdPx", "0.1"),), "the tick below is zero, and no price"
