"""Orders whose outcome is unknown, refused or halved: what a program may do next, and what it may not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from traces import LATER, MUCH_LATER, asked, graded, heard, login, ok, opened, order, said

from okxdoctor.conformance.client.trace import Answered, Asked, Event, Unanswered

ACCEPTED, REFUSED = [{"ordId": "7", "sCode": "0", "sMsg": ""}], [{"ordId": "", "sCode": "51000", "sMsg": "no"}]


def refusal(number: int, at: float, code: str = "51008", done: str = "") -> Answered:
    return ok(number, at=at, code="1", data=[{"ordId": "", "sCode": code, "sMsg": "no"}], done=done)


# ---- one name, one order -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "answer", "second", "verdict"),
    [
        ({}, ok(1, data=ACCEPTED), {"clOrdId": "c2"}, "passed"),
        ({}, ok(1, data=ACCEPTED), {"clOrdId": "c1"}, "failed"),
        ({}, ok(1, data=ACCEPTED), {"clOrdId": "c1", "px": "1"}, "failed"),
        # the name of an order that was refused is free again, for the same order and for another one
        ({}, refusal(1, 0.0), {"clOrdId": "c1"}, "passed"),
        ({}, refusal(1, 0.0), {"clOrdId": "c1", "px": "1"}, "passed"),
        # whoever does not know what became of it may send the same again, and no other one
        ({}, Unanswered(at_s=0, number=1, done="lost-cut"), {"clOrdId": "c1"}, "passed"),
        ({}, Unanswered(at_s=0, number=1, done="lost-cut"), {"clOrdId": "c1", "sz": "0.002"}, "failed"),
        ({"clOrdId": ...}, ok(1, data=ACCEPTED), {"clOrdId": ...}, "not exercised"),
    ],
)
def test_a_name_stands_for_one_order(
    first: dict[str, Any], answer: Event, second: dict[str, Any], verdict: str
) -> None:
    events = [order(1, **first), answer, order(2, at=1.0, **second)]
    assert graded("order.unique-id", *events).verdict == verdict


@pytest.mark.parametrize(
    ("inst", "kind", "verdict"),
    [("BTC-USDT", "limit", "failed"), ("BTC-USDT", "market", "not exercised")],
)
def test_a_market_order_may_count_its_size_in_the_quote_currency(inst: str, kind: str, verdict: str) -> None:
    assert graded("order.on-lot", order(1, instId=inst, ordType=kind, sz="0.001000001")).verdict == verdict


# ---- outcome unknown -----------------------------------------------------------------------------

LOST = Unanswered(at_s=0.5, number=1, done="lost-cut")
HISTORY = asked(5, "/api/v5/trade/orders-history?instType=SPOT", at=1.0)
MINE = asked(5, "/api/v5/trade/order?instId=BTC-USDT&clOrdId=c1", at=1.0)
OTHERS = asked(5, "/api/v5/trade/order?instId=BTC-USDT&clOrdId=zz", at=1.0)
HEARD = ok(5, at=1.1, data=[{}])
PUSH: list[Event] = [
    opened(3, "private"),
    said(3, {"arg": {"channel": "orders", "instType": "ANY"}, "data": [{"clOrdId": "c1", "state": "live"}]}, at=1.0),
]
STRANGE: list[Event] = [
    opened(3, "private"),
    said(3, {"arg": {"channel": "orders", "instType": "ANY"}, "data": [{"clOrdId": "zz", "state": "live"}]}, at=1.0),
]


def again(**changes: Any) -> Asked:
    return order(2, at=2.0, **changes)


@pytest.mark.parametrize(
    ("between", "second", "verdict"),
    [
        ([], again(clOrdId="c1"), "passed"), ([], again(clOrdId="c2"), "failed"), ([], again(clOrdId=...), "failed"),
        ([], again(clOrdId="c2", px="59000"), "passed"),  # another price is another decision
        ([], order(2, at=40.0, clOrdId="c2"), "passed"),
        ([HISTORY, HEARD], again(clOrdId="c2"), "passed"), ([MINE, HEARD], again(clOrdId="c2"), "passed"),
        ([OTHERS, HEARD], again(clOrdId="c2"), "failed"),  # asked for another one
        ([MINE], again(clOrdId="c2"), "failed"),  # asked, and not waited for the answer
        ([MINE, ok(5, at=1.1, status=500, code="50026")], again(clOrdId="c2"), "failed"),
        (PUSH, again(clOrdId="c2"), "passed"), (STRANGE, again(clOrdId="c2"), "failed"),
    ],
)  # fmt: skip
def test_nothing_is_sent_twice_before_the_first_is_known(between: list[Event], second: Asked, verdict: str) -> None:
    assert graded("lost.cut", order(1), LOST, *between, second, LATER, name="lost").verdict == verdict


def test_who_places_equal_orders_all_the_time_proves_nothing_by_another_one() -> None:
    usual = tuple(order(n, at=n * 1.0) for n in range(1, 6))
    events = [order(1), LOST, again(clOrdId="c2"), LATER]
    assert graded("lost.cut", *events, name="lost", healthy=usual).verdict == "not exercised"
    rare = (order(1), order(2, at=10.0))
    assert graded("lost.cut", *events, name="lost", healthy=rare).verdict == "failed"
    others = tuple(order(n, at=n * 1.0, sz=f"0.00{n}") for n in range(2, 6))
    assert graded("lost.cut", *events, name="lost", healthy=others).verdict == "failed"


@pytest.mark.parametrize(
    ("events", "verdict"),
    [
        ([HISTORY, HEARD, LATER], "passed"), ([again(clOrdId="c1"), LATER], "passed"), ([*PUSH, LATER], "passed"),
        ([LATER], "failed"), ([again(clOrdId="c2"), LATER], "failed"), ([OTHERS, HEARD, LATER], "failed"),
        ([], "not exercised"),
    ],
)  # fmt: skip
def test_what_became_of_an_order_is_learnt(events: list[Event], verdict: str) -> None:
    assert graded("lost.cut-looked-up", order(1), LOST, *events, name="lost").verdict == verdict


# ---- refused -------------------------------------------------------------------------------------


def insisting(*at: float, code: str = "51008") -> list[Event]:
    events: list[Event] = []
    for number, when in enumerate(at, 1):
        events += [order(number, at=when), refusal(number, when + 0.05, code, done="refused-51008")]
    return [*events, MUCH_LATER]


@pytest.mark.parametrize(
    ("at", "verdict"),
    [
        ((0.0,), "passed"), ((0.0, 0.3, 0.6), "passed"),
        (tuple(n * 0.3 for n in range(6)), "passed"),  # six in 2 s are allowed
        (tuple(n * 0.28 for n in range(8)), "failed"),
        (tuple(n * 0.05 for n in range(7)), "failed"),  # a rush without any pause
        (tuple(n * 2.0 for n in range(9)), "passed"),
    ],
)  # fmt: skip
def test_a_refused_order_is_not_sent_again_and_again(at: tuple[float, ...], verdict: str) -> None:
    assert graded("refused.51008-once", *insisting(*at), name="refused").verdict == verdict


# ---- a batch, half of it accepted ----------------------------------------------------------------

ONE = {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "limit", "px": "60000.1", "sz": "0.001"}
TWO = {**ONE, "px": "59000.1", "clOrdId": "b2"}
BATCH: list[Event] = [
    asked(1, "/api/v5/trade/batch-orders", method="POST", body=json.dumps([{**ONE, "clOrdId": "b1"}, TWO])),
    ok(1, at=0.1, code="2", data=[*ACCEPTED, *REFUSED], done="partial"),
]


def cancel(**names: str) -> Asked:
    body = json.dumps({"instId": "BTC-USDT", **names})
    return asked(3, "/api/v5/trade/cancel-order", at=1.0, method="POST", body=body)


@pytest.mark.parametrize(
    ("after", "verdict"),
    [
        ([], "passed"),
        ([order(2, at=1.0, clOrdId="b9")], "failed"),  # what was accepted is placed again
        ([order(2, at=1.0, px="59000.1", clOrdId="b8")], "passed"),  # what was refused is placed again
        ([cancel(clOrdId="b2")], "failed"), ([cancel(clOrdId="b1")], "passed"), ([cancel(ordId="7")], "passed"),
        ([cancel()], "failed"),
        ([order(2, at=0.5, px="59000.1", clOrdId="b2"), cancel(clOrdId="b2")], "passed"),
    ],
)  # fmt: skip
def test_only_what_was_refused_of_a_batch_is_left_to_do(after: list[Event], verdict: str) -> None:
    assert graded("refused.partial", *BATCH, *after, LATER, name="partial").verdict == verdict


def test_a_rush_is_one_also_for_a_program_that_places_many_equal_orders() -> None:
    """Five a second are its usual pace, so that seven in 2 s are few; six of them without a pause are not."""
    usual = tuple(order(n, at=n * 0.2) for n in range(1, 20))
    rush = insisting(*(n * 0.02 for n in range(7)))
    assert graded("refused.51008-once", *rush, name="refused", healthy=usual).verdict == "failed"
    even = insisting(*(n * 0.2 for n in range(7)))
    assert graded("refused.51008-once", *even, name="refused", healthy=usual).verdict == "passed"


# ---- by WebSocket --------------------------------------------------------------------------------


def operation(*codes: str, answered: str = "o1", done: str = "") -> list[Event]:
    """An operation with so many orders, and the acknowledgement of each; ``answered``: the id in the answer."""
    args = [{**ONE, "instIdCode": 10459, "clOrdId": f"w{n}"} for n, _ in enumerate(codes)]
    acks = [{"ordId": "", "sCode": code, "sMsg": "no"} for code in codes if code]
    return [
        opened(1, "private"), heard(1, login()), said(1, ACK),
        heard(1, {"id": "o1", "op": "batch-orders" if len(codes) > 1 else "order", "args": args}, at=1.0),
        said(1, {"id": answered, "op": "order", "code": "1", "msg": "", "data": acks}, at=1.1, done=done), LATER,
    ]  # fmt: skip


ACK = {"event": "login", "code": "0", "msg": "", "connId": "a4d3ae55"}


@pytest.mark.parametrize(
    ("events", "verdict"),
    [
        (operation("0"), "passed"), (operation("51121"), "failed"), (operation("0", "51121"), "failed"),
        (operation("51008"), "passed"),  # a refusal, though not for its form
        (operation("51121", done="op-refused"), "not exercised"),  # the circumstance's doing
        (operation("51121", answered="o2"), "not exercised"),  # the answer to another one
        (operation("0", ""), "passed"),  # fewer acknowledgements than orders
    ],
)  # fmt: skip
def test_orders_by_websocket_are_known_by_the_id_of_their_answer(events: list[Event], verdict: str) -> None:
    assert graded("order.refused-form", *events).verdict == verdict
