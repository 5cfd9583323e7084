"""Judges on made-up traces: right and wrong variants of one thing; any trace at all gets a grade."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from traces import (
    ACCEPTED,
    BY_ID,
    GET,
    KEY,
    KNOWN,
    LATER,
    MUCH_LATER,
    ORDERS,
    PHRASE,
    SECRET,
    STAMP,
    TICKERS,
    asked,
    graded,
    heard,
    login,
    ok,
    opened,
    order,
    said,
    signed,
    subscribe,
)

from okxdoctor.conformance.client.cases import Case, cases, limits
from okxdoctor.conformance.client.judging import JUDGES, judge
from okxdoctor.conformance.client.trace import (
    Answered,
    Asked,
    Closed,
    Elsewhere,
    Ended,
    Event,
    Heard,
    Knock,
    Known,
    Opened,
    Pinged,
    Played,
    Printed,
    Said,
    Trace,
    Unanswered,
)

# ---- REST ----------------------------------------------------------------------------------------

RIGHT: list[tuple[str, list[Event]]] = [
    ("sign.plain", [asked(1, GET)]),
    ("sign.query", [asked(1, f"{GET}?ccy=BTC")]),
    ("sign.encoded", [asked(1, f"{GET}?ccy=BTC%2CETH"), asked(2, f"{GET}?ccy=BTC,ETH")]),
    ("sign.body", [order(1)]),
    ("header.public-clean", [asked(1, "/api/v5/market/ticker?instId=BTC-USDT")]),
    ("header.content-type", [asked(1, GET, method="POST", body="{}", content_type="application/json; charset=UTF-8")]),
    ("timestamp.form", [asked(1, GET, stamp="2020-12-08T09:08:57.700Z")]),
    ("site.demo-header", [asked(1, GET), asked(2, GET, x_simulated_trading="0")]),
    ("query.required-order", [asked(1, "/api/v5/trade/order?clOrdId=a&instId=BTC-USDT")]),
    ("query.times", [asked(1, "/api/v5/market/candles?instId=BTC-USDT&after=1700000000000")]),
    ("query.limit", [asked(1, "/api/v5/market/history-candles?limit=300")]),
    ("order.px", [order(1)]),
    ("order.px", [order(1, ordType="post_only", px="1.0")]),
    ("order.clOrdId", [order(1, clOrdId="6b9ad766b55dBCDE0123456789abcdef")]),
    ("order.posSide", [order(1, posSide="")]),
    ("order.number-text", [order(1)]),
    ("order.on-tick", [order(1, px="60000.10")]),
    ("order.on-lot", [order(1, sz="0.00100001")]),
    ("order.flag", [order(1, reduceOnly="false"), order(2, reduceOnly=True)]),
    ("order.unique-id", [order(1), order(2)]),
    ("order.names-one", [asked(1, "/api/v5/trade/cancel-order", method="POST", body='{"instId":"A","clOrdId":"x"}')]),
    ("login.sign", [opened(1, "private"), heard(1, login())]),
    ("login.seconds", [opened(1, "private"), heard(1, login("1700000000.371"))]),
    ("login.window", [opened(1, "private"), heard(1, login())]),
    ("login.awaited", [opened(1, "private"), heard(1, login()), said(1, ACCEPTED), heard(1, subscribe(ORDERS))]),
    ("ws.message", [opened(1, "public"), heard(1, subscribe(TICKERS)), heard(1, "ping")]),
    ("ws.path-business", [opened(1, "business"), heard(1, subscribe({"channel": "candle1H", "instId": "BTC-USDT"}))]),
    (
        "ws.once",
        [
            opened(1, "public"),
            heard(1, subscribe(TICKERS)),
            heard(1, {**subscribe(TICKERS), "op": "unsubscribe"}),
            heard(1, subscribe(TICKERS)),
        ],
    ),
    ("heartbeat.text", [opened(1, "public"), heard(1, "ping")]),
    ("order.code", [opened(1, "private"), heard(1, {"id": "1", "op": "order", "args": [{"instIdCode": 10459}]})]),
    ("secret.sent-passphrase", [asked(1, GET), opened(1, "private"), heard(1, login())]),
]

WRONG: list[tuple[str, list[Event]]] = [
    ("sign.plain", [asked(1, GET, sign=signed(STAMP + "get" + GET))]),
    ("sign.query", [asked(1, f"{GET}?ccy=BTC", sign=signed(STAMP + "GET" + GET))]),
    ("sign.encoded", [asked(1, f"{GET}?ccy=BTC%2CETH", sign=signed(f"{STAMP}GET{GET}?ccy=BTC,ETH"))]),
    ("sign.body", [asked(1, GET, method="POST", body='{"a": 1}', sign=signed(STAMP + "POST" + GET + '{"a":1}'))]),
    ("sign.array", [asked(1, GET, method="POST", body="[{}]", sign=signed("x"))]),
    ("sign.base64", [asked(1, GET, sign="ab" * 32)]),
    ("sign.fresh", [asked(1, GET), asked(2, GET, at=6.0)]),
    ("header.present-passphrase", [asked(1, GET, ok_access_passphrase="")]),
    ("header.value-passphrase", [asked(1, GET, ok_access_passphrase=f'"{PHRASE}"')]),
    (
        "header.public-clean",
        [
            Asked(
                at_s=0,
                epoch_ms=0,
                number=1,
                conn=1,
                method="GET",
                target="/api/v5/public/time",
                headers=(("ok-access-key", ""),),
            )
        ],
    ),
    (
        "header.content-type",
        [asked(1, GET, method="POST", body="a=1", content_type="application/x-www-form-urlencoded")],
    ),
    ("timestamp.form", [asked(1, GET, stamp="2020-12-08T09:08:57.7Z")]),
    ("timestamp.form", [asked(1, GET, stamp="1700000000000")]),
    ("timestamp.window", [asked(1, GET, stamp="2023-11-14T22:14:20.000Z")]),
    ("request.path", [asked(1, "/v5/account/balance")]),
    ("request.target", [asked(1, f"{GET}?")]),
    ("request.get-bodiless", [asked(1, GET, body="{}")]),
    ("request.json", [asked(1, GET, method="POST", body='{"a":1,"a":2}')]),
    ("request.endpoint", [asked(1, "/api/v5/account/balances"), ok(1, status=404, code="404")]),
    ("query.values", [asked(1, f"{GET}?ccy=None")]),
    ("query.once", [asked(1, f"{GET}?ccy=BTC&ccy=ETH")]),
    ("query.times", [asked(1, "/api/v5/market/candles?instId=BTC-USDT&after=1700000000")]),
    ("query.limit", [asked(1, "/api/v5/trade/orders-history?limit=500")]),
    ("query.required-instruments", [asked(1, "/api/v5/public/instruments")]),
    ("site.demo-header", [asked(1, GET, x_simulated_trading="1")]),
    (
        "site.demo-instruments",
        [
            asked(1, GET),
            Asked(
                at_s=0,
                epoch_ms=0,
                number=2,
                conn=1,
                method="GET",
                target="/api/v5/public/instruments?instType=SPOT",
                headers=(("x-simulated-trading", "1"),),
            ),
        ],
    ),
    ("site.elsewhere", [Elsewhere(at_s=0, host="www.okx.com:443")]),
    ("secret.sent-secret", [asked(1, GET, x_debug=SECRET)]),
    ("secret.sent-passphrase", [asked(1, f"{GET}?p={PHRASE}")]),
    ("secret.printed-secret", [Printed(at_s=1, stream="stderr", text=f"key {SECRET}")]),
    ("order.instId", [order(1, instId=...)]),
    ("order.side", [order(1, side="BUY")]),
    ("order.px", [order(1, px=...)]),
    ("order.tdMode", [order(1, tdMode="margin")]),
    ("order.clOrdId", [order(1, clOrdId="my-order_1")]),
    ("order.tag", [order(1, tag="a" * 17)]),
    ("order.names", [order(1, px=..., price="1")]),
    ("order.number-text", [order(1, sz=0.001)]),
    ("order.number-exponent", [order(1, sz="1e-05")]),
    ("order.number-noise", [order(1, px="0.30000000000000004")]),
    ("order.on-tick", [order(1, px="60000.15")]),
    ("order.on-lot", [order(1, sz="0.001000001")]),
    ("order.minimum", [order(1, sz="0.000001")]),
    ("order.positive", [order(1, px="-1")]),
    ("order.has-id", [order(1, clOrdId=...)]),
    ("order.flag", [order(1, reduceOnly="True")]),
    ("order.says-unit", [order(1, ordType="market")]),
    (
        "order.unique-id",
        [order(1, clOrdId="a"), ok(1, data=[{"sCode": "0", "ordId": "9"}]), order(2, clOrdId="a", sz="1")],
    ),
    ("order.names-one", [asked(1, "/api/v5/trade/cancel-order", method="POST", body='{"instId":"A","ordId":"None"}')]),
    (
        "order.same-instrument",
        [
            order(1),
            ok(1, data=[{"sCode": "0", "ordId": "9"}]),
            asked(2, "/api/v5/trade/cancel-order", method="POST", body='{"instId":"ETH-USDT","ordId":"9"}'),
        ],
    ),
    ("order.batch", [asked(1, "/api/v5/trade/batch-orders", method="POST", body=json.dumps([{"instId": "A"}] * 21))]),
    ("order.code", [opened(1, "private"), heard(1, {"id": "1", "op": "order", "args": [{"instId": "BTC-USDT"}]})]),
    ("order.code", [opened(1, "private"), heard(1, {"id": "1", "op": "order", "args": [{"instIdCode": 0}]})]),
    ("login.sign", [opened(1, "private"), heard(1, login(sign="x"))]),
    ("login.seconds", [opened(1, "private"), heard(1, login("1700000000000"))]),
    ("login.window", [opened(1, "private"), heard(1, login("1699999960"))]),
    ("login.members", [opened(1, "private"), heard(1, login(passphrase=""))]),
    ("login.place", [opened(1, "public"), heard(1, login())]),
    ("login.awaited", [opened(1, "private"), heard(1, login()), heard(1, subscribe(ORDERS)), said(1, ACCEPTED)]),
    ("login.awaited", [opened(1, "private"), heard(1, subscribe(ORDERS))]),
    ("login.fresh", [opened(1, "private"), heard(1, login()), opened(2, "private"), heard(2, login(), at=4.0)]),
    ("ws.message", [opened(1, "public"), heard(1, '{"method":"SUBSCRIBE"}')]),
    ("ws.id", [opened(1, "private"), heard(1, {"op": "order", "args": [{}]})]),
    (
        "ws.id-unique",
        [
            opened(1, "private"),
            heard(1, {"id": "1", "op": "order", "args": [{}]}),
            heard(1, {"id": "1", "op": "cancel-order", "args": [{}]}),
        ],
    ),
    ("ws.path-business", [opened(1, "public"), heard(1, subscribe({"channel": "candle1m", "instId": "BTC-USDT"}))]),
    ("ws.path-private", [opened(1, "public"), heard(1, subscribe(ORDERS))]),
    ("ws.once", [opened(1, "public"), heard(1, subscribe(TICKERS)), heard(1, subscribe(TICKERS))]),
    ("ws.channel", [opened(1, "public"), heard(1, subscribe({"channel": "ticker", "instId": "BTC-USDT"}))]),
    ("ws.readable", [opened(1, "public"), heard(1, subscribe(TICKERS)), said(1, {"event": "error", "code": "60012"})]),
    ("ws.connects", [opened(n, "public", at=n / 10) for n in range(4)]),
    ("heartbeat.text", [opened(1, "public"), heard(1, '{"op":"ping"}')]),
    ("budget.market", [asked(n, "/api/v5/market/ticker?instId=BTC-USDT", at=n / 100) for n in range(24)]),
]


@pytest.mark.parametrize(("case", "events"), RIGHT, ids=[f"{case}-{n}" for n, (case, _) in enumerate(RIGHT)])
def test_what_is_right_passes(case: str, events: list[Event]) -> None:
    assert graded(case, *events).verdict == "passed"


@pytest.mark.parametrize(("case", "events"), WRONG, ids=[f"{case}-{n}" for n, (case, _) in enumerate(WRONG)])
def test_what_is_wrong_fails_and_is_proven(case: str, events: list[Event]) -> None:
    found = graded(case, *events)
    assert found.verdict == "failed"
    assert found.says
    assert found.proof is not None
    assert found.proof.places


@pytest.mark.parametrize("case", [case.id for case in cases()])
def test_nothing_exercises_nothing(case: str) -> None:
    assert graded(case).verdict == "not exercised"


# ---- circumstances -------------------------------------------------------------------------------

BATCH = "/api/v5/trade/batch-orders"
LOST_ORDER = [order(1, at=1.0), Unanswered(at_s=1.1, number=1, done="lost-cut")]
REFUSED_ORDER = [order(1, at=1.0), ok(1, at=1.1, code="1", done="refused-51008", data=[{"sCode": "51008"}])]


def look(at: float) -> list[Event]:
    return [asked(90, "/api/v5/trade/order?instId=BTC-USDT&clOrdId=c1", at=at), ok(90, at=at + 0.1)]


@pytest.mark.parametrize(
    ("case", "events", "verdict"),
    [
        ("lost.cut", [*LOST_ORDER, order(2, at=2.0)], "failed"),
        ("lost.cut", [*LOST_ORDER, order(2, at=2.0, clOrdId=...)], "failed"),
        ("lost.cut", [*LOST_ORDER, *look(1.5), order(2, at=2.0)], "passed"),
        ("lost.cut", [*LOST_ORDER, order(2, at=2.0, clOrdId="c1")], "passed"),
        ("lost.cut", [*LOST_ORDER, order(2, at=2.0, px="59000")], "passed"),
        ("lost.cut", [*LOST_ORDER, LATER], "passed"),
        ("lost.cut-looked-up", [*LOST_ORDER, *look(2.0)], "passed"),
        ("lost.cut-looked-up", [*LOST_ORDER, LATER], "failed"),
        ("lost.cut-looked-up", [*LOST_ORDER, Ended(at_s=2.0, status=1)], "not exercised"),
        ("refused.51008", [*REFUSED_ORDER, LATER], "passed"),
        (
            "refused.51008",
            [
                *REFUSED_ORDER,
                asked(2, "/api/v5/trade/cancel-order", at=2.0, method="POST", body='{"instId":"BTC-USDT","ordId":""}'),
                LATER,
            ],
            "failed",
        ),
        (
            "refused.51008",
            [
                *REFUSED_ORDER,
                order(2, at=1.5, clOrdId="c1"),
                ok(2, data=[{"sCode": "0", "ordId": "9"}]),
                asked(
                    3, "/api/v5/trade/cancel-order", at=2.0, method="POST", body='{"instId":"BTC-USDT","clOrdId":"c1"}'
                ),
                LATER,
            ],
            "passed",
        ),
        ("refused.51008-once", [*REFUSED_ORDER, *(order(n, at=1.2 + n / 100) for n in range(2, 12)), LATER], "failed"),
    ],
)
def test_orders_in_trouble(case: str, events: list[Event], verdict: str) -> None:
    name = "lost" if case.startswith("lost") else "refused"
    assert graded(case, *events, name=name).verdict == verdict


def refusals(times: list[float], name: str, target: str = "/api/v5/market/ticker?instId=A") -> list[Event]:
    found: list[Event] = []
    for number, at in enumerate(times, 1):
        found += [asked(number, target, at=at), Answered(at_s=at, number=number, status=429, done=name)]
    return found


@pytest.mark.parametrize(
    ("case", "times", "verdict"),
    [
        ("lasting.limit-429-storm", [n * 0.05 for n in range(30)], "failed"),
        ("lasting.limit-429-storm", [0, 0.3, 0.9, 2.1], "passed"),
        ("lasting.limit-429-pauses", [0, 0.3, 0.6, 0.9, 1.2], "failed"),
        ("lasting.limit-429-pauses", [0, 0.3, 0.9, 2.1, 4.0], "passed"),
        ("lasting.limit-429-pauses", [0, 1.0, 2.0, 3.0, 4.0], "passed"),
        ("lasting.limit-429-pauses", [0, 0.3, 0.9], "not exercised"),
    ],
)
def test_what_lasts(case: str, times: list[float], verdict: str) -> None:
    assert graded(case, *refusals(times, "limit-429"), LATER, name="lasting-limit-429").verdict == verdict


def test_the_usual_pace_is_no_storm() -> None:
    pace = [n * 0.1 for n in range(40)]
    healthy = tuple(asked(n, "/api/v5/market/ticker?instId=A", at=at) for n, at in enumerate(pace, 1))
    events = refusals(pace, "limit-429")
    for case in ("lasting.limit-429-storm", "lasting.limit-429-pauses"):
        assert graded(case, *events, LATER, name="lasting-limit-429", healthy=healthy).verdict != "failed"


OLD = [opened(1, "private"), heard(1, login()), said(1, ACCEPTED), heard(1, subscribe(ORDERS), at=0.2)]
CUT = Closed(at_s=1.0, conn=1, by="circumstances", code=1006, done="cut")
NEW = [opened(2, "private", at=2.0), heard(2, login("1700000002"), at=2.0), said(2, ACCEPTED, at=2.1)]
AGAIN = heard(2, subscribe(ORDERS), at=2.2)
PENDING = asked(9, "/api/v5/trade/orders-pending", at=2.5)


@pytest.mark.parametrize(
    ("case", "events", "verdict"),
    [
        ("reconnect.cut-private", [*OLD, CUT, *NEW], "passed"),
        ("reconnect.cut-private", [*OLD, CUT, MUCH_LATER], "failed"),
        ("reconnect.cut-private", [*OLD, CUT, Ended(at_s=1.5, status=1)], "not exercised"),
        ("reconnect.cut-private", [*OLD, CUT, Ended(at_s=1.5, status=0)], "failed"),
        ("reconnect.cut-channels", [*OLD, CUT, *NEW, AGAIN, LATER], "passed"),
        ("reconnect.cut-channels", [*OLD, CUT, *NEW, LATER], "failed"),
        ("reconnect.cut-login", [*OLD, CUT, *NEW], "passed"),
        ("reconnect.cut-login", [*OLD, CUT, NEW[0], heard(2, login(), at=2.0)], "failed"),
        ("reconnect.cut-login", [*OLD, CUT, NEW[0], AGAIN], "failed"),
        ("reconnect.cut-reconciles", [*OLD, CUT, *NEW, AGAIN, PENDING, LATER], "passed"),
        ("reconnect.cut-reconciles", [*OLD, CUT, *NEW, AGAIN, LATER], "failed"),
        (
            "reconnect.cut-storm",
            [*OLD, CUT, *(opened(n, "private", at=2 + n / 10, status=503) for n in range(3, 9))],
            "failed",
        ),
        ("reconnect.cut-storm", [*OLD, CUT, *NEW], "passed"),
    ],
)
def test_lost_connections(case: str, events: list[Event], verdict: str) -> None:
    assert graded(case, *events, name="cut").verdict == verdict


@pytest.mark.parametrize(
    ("pauses", "grows", "jitter"),
    [
        ([0.5, 0.5, 0.5, 0.5], "failed", "failed"),
        ([0.5, 1.0, 2.0, 4.0], "passed", "failed"),
        ([0.52, 0.93, 2.31, 3.4], "passed", "passed"),
        ([2.5, 3.1, 2.2, 2.9], "passed", "passed"),
        ([0.5, 1.0], "not exercised", "not exercised"),
    ],
)
def test_pauses_between_attempts(pauses: list[float], grows: str, jitter: str) -> None:
    at, events = 1.5, [*OLD, Closed(at_s=1.0, conn=1, by="circumstances", code=1006, done="cut-503")]
    for number, pause in enumerate([0.0, *pauses], 2):
        at += pause
        events.append(opened(number, "private", at=at, status=503, done="cut-503-refused"))
    assert graded("reconnect.cut-503-pauses", *events, name="cut-503").verdict == grows
    assert graded("reconnect.cut-503-jitter", *events, name="cut-503").verdict == jitter


def cancel(number: int, at: float, order_id: str = "7") -> Asked:
    body = json.dumps({"instId": "BTC-USDT", "ordId": order_id})
    return asked(number, "/api/v5/trade/cancel-order", at=at, method="POST", body=body)


def gone(number: int, at: float) -> Answered:
    return ok(number, at=at, code="1", data=[{"ordId": "7", "sCode": "51400"}], done="cancel-gone")


@pytest.mark.parametrize(
    ("times", "verdict"), [([0.0], "passed"), ([0.0, 0.4, 0.9], "passed"), ([n / 10 for n in range(12)], "failed")]
)
def test_a_cancellation_that_comes_too_late(times: list[float], verdict: str) -> None:
    events = [event for n, at in enumerate(times) for event in (cancel(n, at), gone(n, at + 0.01))]
    assert graded("cancel.gone-once", *events, LATER, name="cancels").verdict == verdict


LOST_CANCEL = [cancel(1, 0.0), Unanswered(at_s=0.1, number=1, done="cancel-lost", reached=False)]
ASKED_FOR = asked(2, "/api/v5/trade/orders-pending", at=3.0)


@pytest.mark.parametrize(
    ("events", "verdict"),
    [
        ([*LOST_CANCEL, LATER], "failed"),
        ([*LOST_CANCEL, cancel(2, 0.5, "8"), ok(2, at=0.6), LATER], "failed"),
        ([*LOST_CANCEL, cancel(2, 0.5), ok(2, at=0.6), LATER], "passed"),
        ([*LOST_CANCEL, ASKED_FOR, ok(2, at=3.1), LATER], "passed"),
        ([*LOST_CANCEL, Printed(at_s=2.0, stream="stdout", text=".")], "not exercised"),
        ([*LOST_CANCEL, Ended(at_s=0.3, status=1), LATER], "not exercised"),
    ],
)
def test_a_cancellation_without_an_answer(events: list[Event], verdict: str) -> None:
    assert graded("cancel.lost-looked-up", *events, name="cancels").verdict == verdict
    # Who looks at its orders from time to time finds out later than the round can wait.
    usual = (cancel(1, 0.0), ok(1, at=0.1), ASKED_FOR, ok(2, at=3.1))
    if verdict == "failed":
        assert graded("cancel.lost-looked-up", *events, name="cancels", healthy=usual).verdict == "not exercised"


TIME = (asked(90, "/api/v5/public/time", sign=""), ok(90, data=[{"ts": "1700000000000"}]))
STEPPED = Played(at_s=3.0, name="clock-step", detail="+45 s")


def expired(number: int, at: float) -> list[Event]:
    return [asked(number, GET, at=at), ok(number, at=at + 0.1, code="50102", status=401)]


@pytest.mark.parametrize(
    ("events", "verdict"),
    [
        ([STEPPED, *expired(1, 3.5), asked(2, GET, at=4.0), ok(2, at=4.1)], "passed"),
        ([STEPPED, *expired(1, 3.5), *expired(2, 5.0), *expired(3, 9.5)], "failed"),
        ([STEPPED, *expired(1, 3.5), *expired(2, 4.0), *expired(3, 4.5)], "not exercised"),
        ([STEPPED, *expired(1, 3.5), Ended(at_s=4.0, status=1)], "not exercised"),
        ([asked(1, GET, at=1.0), ok(1, at=1.1), STEPPED], "not exercised"),
    ],
)
def test_clocks_that_part_on_the_way(events: list[Event], verdict: str) -> None:
    assert graded("clock.step-applied", *events, name="clock-step", healthy=TIME).verdict == verdict
    assert graded("clock.step-applied", *events, name="clock-step").verdict == "not exercised"


FLOODED = [opened(1, "public"), heard(1, subscribe(TICKERS)), Played(at_s=2.0, name="burst", conn=1, detail="4000")]


@pytest.mark.parametrize(
    ("events", "verdict"),
    [
        ([*FLOODED, Played(at_s=2.4, name="burst-read", conn=1)], "passed"),
        ([*FLOODED, Played(at_s=11.4, name="burst-read", conn=1)], "failed"),
        ([*FLOODED, Printed(at_s=20.0, stream="stdout", text=".")], "failed"),
        ([*FLOODED, Closed(at_s=3.0, conn=1, by="program")], "failed"),
        ([*FLOODED, Printed(at_s=5.0, stream="stdout", text=".")], "not exercised"),
        ([*FLOODED, Closed(at_s=3.0, conn=1, by="exchange"), MUCH_LATER], "not exercised"),
        (FLOODED[:2], "not exercised"),
    ],
)
def test_a_burst_of_messages(events: list[Event], verdict: str) -> None:
    assert graded("ws.reads", *events, name="burst").verdict == verdict


def book(conn: int, before: int, after: int, at: float, action: str = "update") -> Said:
    row = {"asks": 1, "bids": 1, "checksum": 0, "prevSeqId": before, "seqId": after}
    return said(conn, {"arg": {"channel": "books", "instId": "BTC-USDT"}, "action": action, "data": [row]}, at=at)


BOOKS = {"channel": "books", "instId": "BTC-USDT"}
SPELLED = '{"channel":"books","instId":"BTC-USDT"}'
FOLLOWED = [opened(1, "public"), heard(1, subscribe(BOOKS)), book(1, -1, 10, 0.1, "snapshot"), book(1, 10, 15, 0.2)]
ONWARD = [book(1, 20 + n, 21 + n, 1 + n / 2) for n in range(10)]


@pytest.mark.parametrize(
    ("case", "name", "events", "verdict"),
    [
        ("book.gap", "book-gap", ONWARD, "failed"),
        ("book.gap", "book-gap", [heard(1, subscribe(BOOKS), at=1.0), *ONWARD], "passed"),
        ("book.gap", "book-gap", [opened(2, "public", at=1.0), *ONWARD], "passed"),
        ("book.gap", "book-gap", [asked(1, "/api/v5/market/books?instId=BTC-USDT", at=1.0), *ONWARD], "passed"),
        ("book.keep-alive", "book-keep-alive", ONWARD, "passed"),
        ("book.keep-alive", "book-keep-alive", [heard(1, subscribe(BOOKS), at=1.0), *ONWARD], "failed"),
        ("book.reset", "book-reset", [heard(1, {**subscribe(BOOKS), "op": "unsubscribe"}, at=1.0), *ONWARD], "failed"),
        ("book.checksum", "healthy", [heard(1, subscribe(BOOKS), at=1.0), *ONWARD], "failed"),
        ("book.checksum", "healthy", ONWARD, "passed"),
    ],
)
def test_books(case: str, name: str, events: list[Event], verdict: str) -> None:
    noted = [] if name == "healthy" else [Played(at_s=0.9, name=name, conn=1, detail=SPELLED)]
    assert graded(case, *FOLLOWED, *noted, *events, name=name).verdict == verdict


@pytest.mark.parametrize(
    ("events", "verdict"),
    [
        ([LATER], "not exercised"),
        ([Printed(at_s=36.0, stream="stdout", text=".")], "failed"),
        (
            [heard(1, "ping", at=20.0), said(1, "pong", at=20.1), Printed(at_s=36.0, stream="stdout", text=".")],
            "passed",
        ),
        ([Pinged(at_s=20.0, conn=1), Printed(at_s=36.0, stream="stdout", text=".")], "passed"),
        ([heard(1, "ping", at=31.5), said(1, "pong", at=31.6)], "failed"),
    ],
)
def test_heartbeats(events: list[Event], verdict: str) -> None:
    quiet = [opened(1, "public"), heard(1, subscribe(TICKERS)), Played(at_s=0.1, name="quiet", conn=1)]
    assert graded("heartbeat.interval", *quiet, *events, name="quiet").verdict == verdict


@pytest.mark.parametrize(
    ("events", "verdict"),
    [
        ([Knock(at_s=0, conn=1, side="rest", outcome="refused", shown="expired", detail="unknown ca")], "passed"),
        ([Knock(at_s=0, conn=1, side="rest", outcome="complete", shown="expired"), asked(1, GET)], "failed"),
        ([Knock(at_s=0, conn=1, side="rest", outcome="complete", shown="expired")], "not exercised"),
        ([Knock(at_s=0, conn=1, side="ws", outcome="refused", shown="expired")], "not exercised"),
    ],
)
def test_certificates(events: list[Event], verdict: str) -> None:
    assert graded("tls.rest-expired", *events, name="tls-rest-expired").verdict == verdict


@pytest.mark.parametrize(
    ("events", "verdict"),
    [
        ([Ended(at_s=1.0, status=2)], "passed"),
        ([Printed(at_s=9.0, stream="stderr", text="error 50119")], "passed"),
        ([Printed(at_s=9.0, stream="stdout", text="API key doesn't exist")], "passed"),
        ([LATER], "failed"),
        ([Ended(at_s=1.0, status=0), Printed(at_s=1.0, stream="stdout", text="fine")], "failed"),
        ([Closed(at_s=9.0, conn=1, by="program")], "not exercised"),
    ],
)
def test_refused_keys_are_told(events: list[Event], verdict: str) -> None:
    refused = Answered(at_s=0.1, number=1, status=401, body='{"msg":"API key doesn\'t exist","code":"50119"}')
    assert graded("auth.50119-surfaced", asked(1, GET), refused, *events, name="auth-50119").verdict == verdict


def test_a_circumstance_that_was_too_much_alone_decides() -> None:
    met = ok(1, at=0.1, done="added-fields,preopen-rows")
    dead = Trace("odd-rest", [asked(1, GET), met, Ended(at_s=0.2, status=1)], KNOWN)
    fine = Trace("odd-rest:added-fields", [asked(1, GET), ok(1, done="added-fields"), LATER], KNOWN)
    died = Trace("odd-rest:preopen-rows", [asked(1, GET), ok(1, done="preopen-rows"), Ended(at_s=1, status=1)], KNOWN)
    traces = [Trace("healthy", (), KNOWN), dead, fine, died]
    assert judge(BY_ID["answer.added-fields"], traces, limits()).verdict == "passed"
    assert judge(BY_ID["answer.preopen-rows"], traces, limits()).verdict == "failed"
    assert judge(BY_ID["answer.gzip"], traces, limits()).verdict == "not exercised"


# ---- any trace -----------------------------------------------------------------------------------

times = st.floats(0, 60)
conns = st.integers(0, 3)
names = st.sampled_from(
    [
        "",
        "cut",
        "notice",
        "quiet",
        "silent",
        "book-gap",
        "book-reset",
        "lost-cut",
        "op-lost",
        "partial",
        "cancel-gone",
        "cancel-lost",
        "batch-refused",
        "burst",
        "burst-read",
        "clock-step",
        "limit-429",
        "retry-after-3",
        "redirect-302",
        "login-late",
        "added-fields,gzip",
        "unknown-event",
        "at-another-host",
        "close-1001",
    ]
)
leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(
        ["0", "BTC-USDT", "orders", "books", "candle1m", "1e999", "-0", "9" * 5000, "c1", "51008", "login"]
    ),
)
members = st.sampled_from(
    [
        "op",
        "args",
        "id",
        "event",
        "code",
        "arg",
        "channel",
        "instId",
        "instIdCode",
        "data",
        "sCode",
        "ordId",
        "clOrdId",
        "px",
        "sz",
        "side",
        "ordType",
        "timestamp",
        "sign",
        "apiKey",
        "msg",
        "action",
        "reduceOnly",
        "attachAlgoOrds",
        "tag",
    ]
)
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(members, inner, max_size=5), max_leaves=12
)
operations = st.builds(
    lambda op, args, more: {"op": op, "args": args, **more},
    st.sampled_from(["login", "subscribe", "unsubscribe", "order", "batch-orders", "cancel-order", "amend-order"]),
    st.lists(st.dictionaries(members, values, max_size=6), max_size=3) | values,
    st.dictionaries(members, values, max_size=2),
)
texts = st.one_of(
    st.text(max_size=30),
    st.just("ping"),
    st.just("pong"),
    values.map(lambda v: json.dumps(v)),
    operations.map(lambda v: json.dumps(v)),
)
paths = st.sampled_from(
    [
        "/api/v5/trade/order",
        BATCH,
        "/api/v5/trade/cancel-order",
        GET,
        "/api/v5/market/books",
        "/api/v5/public/time",
        "/api/v5/public/instruments",
        "/",
        "",
        "/api/v5/trade/orders-pending",
        "/api/v5/market/candles",
    ]
)
targets = st.builds(
    lambda path, query: path + query,
    paths,
    st.sampled_from(["", "?", "?a=1&a=2", "?after=1&limit=x", "?%ff=%"]) | st.text(max_size=12),
)
header_names = st.sampled_from(
    [
        "ok-access-key",
        "ok-access-sign",
        "ok-access-timestamp",
        "ok-access-passphrase",
        "x-simulated-trading",
        "content-type",
        "x",
    ]
)
header_values = st.sampled_from(
    [STAMP, "1700000000", "9" * 400, "1", KEY, PHRASE, "2020-13-45T99:99:99.999Z", ""]
) | st.text(max_size=8)
sides = st.sampled_from(["rest", "ws"])
events = st.one_of(
    st.builds(
        Asked,
        at_s=times,
        epoch_ms=st.integers(0, 10**15),
        number=st.integers(0, 9),
        conn=conns,
        method=st.sampled_from(["GET", "POST", "get", ""]),
        target=targets,
        body=texts,
        headers=st.lists(st.tuples(header_names, header_values), max_size=5).map(tuple),
    ),
    st.builds(
        Answered,
        at_s=times,
        number=st.integers(0, 9),
        status=st.sampled_from([0, 200, 401, 404, 429, 503]),
        body=texts,
        done=names,
    ),
    st.builds(Unanswered, at_s=times, number=st.integers(0, 9), done=names),
    st.builds(
        Opened,
        at_s=times,
        conn=conns,
        path=st.sampled_from(["public", "private", "business", "x"]),
        status=st.sampled_from([101, 503, 0]),
    ),
    st.builds(Heard, at_s=times, epoch_ms=st.integers(0, 10**15), conn=conns, text=texts),
    st.builds(Said, at_s=times, conn=conns, text=texts, done=names),
    st.builds(Pinged, at_s=times, conn=conns),
    st.builds(Closed, at_s=times, conn=conns, by=st.sampled_from(["program", "exchange", "circumstances"]), done=names),
    st.builds(Played, at_s=times, name=names, conn=conns, detail=st.sampled_from(["", SPELLED, "c1"])),
    st.builds(
        Knock,
        at_s=times,
        conn=conns,
        side=sides,
        outcome=st.sampled_from(["complete", "refused"]),
        shown=st.just("expired"),
    ),
    st.builds(Elsewhere, at_s=times, host=st.text(max_size=12)),
    st.builds(Printed, at_s=times, stream=st.sampled_from(["stdout", "stderr"]), text=st.text(max_size=20)),
    st.builds(Ended, at_s=times, status=st.integers(-15, 255)),
)


@given(st.lists(events, max_size=30), st.booleans())
@settings(max_examples=60)
def test_every_judge_grades_every_trace(made: list[Event], known: bool) -> None:
    trace = Trace("healthy", made, KNOWN if known else Known())
    for case in cases():
        found = JUDGES[case.judge](case, (trace,), trace, limits())
        assert found.verdict in ("passed", "failed", "not exercised")
        assert (found.proof is not None and bool(found.proof.places)) or found.verdict != "failed"
        if found.proof is not None:
            assert all(0 <= place < len(made) for place in found.proof.places)


def test_cases_are_whole() -> None:
    for case in cases():
        assert isinstance(case, Case)
        assert case.judge in JUDGES
        assert case.requirement.endswith(".")
        assert case.source
        assert case.grade in ("documented", "observed", "assumed", "chosen")
        assert case.level in ("must", "should")
    assert len(cases()) >= 325
    assert {case.judge for case in cases()} == set(JUDGES)


def test_judgement_knows_neither_the_exchange_nor_sockets_nor_clocks() -> None:
    import ast
    from importlib.resources import files

    package = files("okxdoctor.conformance.client")
    modules = [package.joinpath(f"{name}.py") for name in ("judging", "grade", "trace", "cases")]
    modules += [each for each in package.joinpath("judges").iterdir() if each.name.endswith(".py")]
    assert len(modules) > 10
    forbidden = (
        "okxdoctor.exchange",
        "okxdoctor.targets",
        "asyncio",
        "aiohttp",
        "socket",
        "ssl",
        "time",
        "random",
        "os",
    )
    for module in modules:
        for node in ast.walk(ast.parse(module.read_text("utf-8"))):
            names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not [name for name in names if name in forbidden or name.startswith("okxdoctor.exchange")], (
                module.name
            )
