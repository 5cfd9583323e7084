"""What WebSocket faults do to conversations, seen from the client's end of the way, without sockets."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from okxdoctor.exchange.core.ws_frames import Close, Send
from okxdoctor.exchange.faults import catalogue

BOOKS = {"channel": "books", "instId": "BTC-USDT"}
TICKERS = {"channel": "tickers", "instId": "BTC-USDT"}


def texts(frames: list[Any]) -> list[Any]:
    return [json.loads(frame.text) for frame in frames]


def subscribe(*args: dict[str, Any]) -> str:
    return json.dumps({"op": "subscribe", "args": list(args)})


def log_in(bench: Any, session: Any) -> list[Any]:
    return session.receive(json.dumps({"op": "login", "args": [bench.login()]}))


def book_messages(bench: Any, steps: int = 8) -> list[dict[str, Any]]:
    session = bench.session()
    told = texts(session.receive(subscribe(BOOKS)))[1:]
    for _ in range(steps):
        bench.advance(100)
        told += texts(session.tick())
    return [{"action": each["action"], **each["data"][0]} for each in told]


def test_there_are_at_least_fifteen_faults_of_conversations() -> None:
    assert len([fault for fault in catalogue() if fault.layer == "ws"]) >= 15


@pytest.mark.parametrize("fault", [fault.example for fault in catalogue() if fault.layer == "ws"])
def test_a_lifted_fault_leaves_nothing_behind(bench: Any, fault: str) -> None:
    bench.put(fault)
    bench.session(conn="c1").receive(subscribe(TICKERS))
    bench.put()
    session = bench.session("private", conn="c2")
    assert texts(log_in(bench, session))[0]["event"] == "login"
    assert [each["event"] for each in texts(session.receive(subscribe({"channel": "orders", "instType": "ANY"})))] == [
        "subscribe", "channel-conn-count",
    ]  # fmt: skip
    messages = book_messages(bench)
    assert [each["prevSeqId"] for each in messages[1:]] == [each["seqId"] for each in messages[:-1]]


# ---- silence ------------------------------------------------------------------------------------------


def test_a_half_open_connection_says_nothing(bench: Any) -> None:
    bench.put("ws-no-pong-half-open")
    session = bench.session()
    assert session.receive("ping") == []
    assert session.receive(subscribe(TICKERS)) == []
    bench.advance(100)
    assert session.tick() == []


def test_one_silent_channel_leaves_the_others_alone(bench: Any) -> None:
    bench.put("ws-silent-channel=books")
    session = bench.session()
    told = texts(session.receive(subscribe(BOOKS, TICKERS)))
    assert [(each.get("event"), each["arg"]["channel"]) for each in told] == [
        ("subscribe", "books"), ("subscribe", "tickers"), (None, "tickers"),
    ]  # fmt: skip


def test_long_frames_are_cut_and_short_ones_are_whole(bench: Any) -> None:
    bench.put("ws-silent-cut")
    acknowledged, data = bench.session().receive(subscribe(TICKERS))
    assert json.loads(acknowledged.text)["event"] == "subscribe"
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        json.loads(data.text)


def test_a_lagging_push_service_sends_the_past(bench: Any) -> None:
    bench.put("ws-silent-stale=40s")
    session = bench.session()
    row = texts(session.receive(subscribe(TICKERS)))[1]["data"][0]
    assert abs(bench.now_ms - 40_000 - int(row["ts"])) <= 100
    bench.advance(10_000)
    (later,) = texts(session.tick())
    assert int(later["data"][0]["ts"]) - int(row["ts"]) == 10_000


# ---- ends ---------------------------------------------------------------------------------------------


def test_a_connection_ends_at_its_age(bench: Any) -> None:
    bench.put("ws-drops=20s")
    session = bench.session()
    session.receive(subscribe(TICKERS))
    bench.advance(19_900)
    assert all(isinstance(frame, Send) for frame in session.tick())
    bench.advance(100)
    assert session.tick() == [Close(1006, "")]


@pytest.mark.parametrize(
    ("fault", "end"),
    [
        ("ws-drops-on-subscribe", Close(1006, "")),
        ("ws-drops-code=1011", Close(1011, "")),
        ("ws-drops-code=4005", Close(4005, "Buffer is full, cannot write data")),
        (
            "ws-connection-limit-code=4009",
            Close(4009, "The number of subscription channels for this connection exceeds the limit"),
        ),
        (
            "ws-connection-limit=subscriptions",
            Close(4008, "The number of subscribed channels exceeds the maximum limit."),
        ),
    ],
)
def test_a_subscription_ends_the_connection(bench: Any, fault: str, end: Close) -> None:
    bench.put(fault)
    session = bench.session("private")
    assert texts(log_in(bench, session))[0]["event"] == "login"
    assert session.receive(subscribe({"channel": "account"})) == [end]


def test_an_upgrade_is_announced_once_and_comes_a_minute_later(bench: Any) -> None:
    bench.put("ws-service-upgrade")
    session = bench.session()
    first = texts(session.receive(subscribe(TICKERS)))
    assert [each.get("event") for each in first] == ["notice", "subscribe", None]
    assert first[0]["code"] == "64008"
    for _ in range(59):
        bench.advance(1_000)
        assert all("notice" not in frame.text for frame in session.tick())
    bench.advance(1_000)
    assert session.tick() == [Close(1001, "")]


# ---- limits -------------------------------------------------------------------------------------------


def test_a_channel_that_others_hold_is_left_out(bench: Any) -> None:
    bench.put("ws-connection-limit=channel")
    session = bench.session("private")
    log_in(bench, session)
    told = texts(session.receive(subscribe({"channel": "account"}, {"channel": "deposit-info"})))
    assert [(each["event"], each.get("connCount")) for each in told[:2]] == [
        ("subscribe", None), ("channel-conn-count-error", "30"),
    ]  # fmt: skip
    bench.advance(5_000)
    assert session.tick() == []


def test_the_requests_of_a_shared_connection_are_spent(bench: Any) -> None:
    bench.put("ws-connection-limit=requests")
    session = bench.session("private")
    assert texts(log_in(bench, session))[0]["code"] == "60014"
    assert [frame.text for frame in session.receive("ping")] == ["pong"]


# ---- logins -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "code"), [("internal", "63999"), ("busy", "60023"), ("stale", "60024"), ("address", "60009")]
)
def test_a_login_meets_the_state_of_the_service(bench: Any, how: str, code: str) -> None:
    bench.put(f"ws-login-refused={how}")
    session = bench.session("private")
    assert texts(log_in(bench, session))[0]["code"] == code
    assert texts(session.receive(subscribe({"channel": "account"})))[0]["code"] == "60011"
    # REST has nothing to do with it.
    assert bench.send("GET", "/api/v5/account/config").status == 200


def test_an_unbound_key_may_log_in_from_anywhere(bench: Any) -> None:
    bench.put("ws-login-refused=address", "ip-unbound")
    assert texts(log_in(bench, bench.session("private")))[0]["event"] == "login"


def test_a_login_without_an_answer(bench: Any) -> None:
    bench.put("ws-login-refused-unanswered")
    session = bench.session("private")
    assert log_in(bench, session) == []
    assert [frame.text for frame in session.receive("ping")] == ["pong"]


# ---- books --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["lost", "swapped", "repeated"])
def test_a_displaced_update_breaks_the_chain(bench: Any, how: str) -> None:
    messages = book_messages(bench)
    whole = [(each["prevSeqId"], each["seqId"]) for each in messages]
    bench.put(f"ws-sequence-gap={how}")
    start = bench.now_ms
    displaced = [(each["prevSeqId"], each["seqId"]) for each in book_messages(bench)]
    bench.put()
    bench.now_ns = start * 1_000_000
    assert [before for before, _ in whole[1:]] == [seq for _, seq in whole[:-1]]
    assert [before for before, _ in displaced[1:]] != [seq for _, seq in displaced[:-1]]
    match how:
        case "lost":
            assert len(displaced) < len(whole)
        case "repeated":
            assert len(set(displaced)) < len(displaced)
        case _:
            assert sorted(displaced[1:]) != displaced[1:]


@pytest.mark.parametrize("how", ["level", "crossed", "duplicate", "unsorted", "checksum"])
def test_a_corrupt_book_has_a_whole_chain(bench: Any, how: str) -> None:
    right = book_messages(bench, 0)[0]
    bench.put(f"ws-book-corrupt={how}")
    messages = book_messages(bench)
    wrong = messages[0]
    assert [each["prevSeqId"] for each in messages[1:]] == [each["seqId"] for each in messages[:-1]]
    assert wrong["seqId"] == right["seqId"]
    prices = {side: [float(level[0]) for level in wrong[side]] for side in ("bids", "asks")}
    match how:
        case "level":
            assert wrong["bids"][0][0] == right["bids"][0][0]
            assert wrong["bids"][0][1] != right["bids"][0][1]
        case "crossed":
            assert prices["bids"][0] > prices["asks"][0]
        case "duplicate":
            assert prices["bids"][0] == prices["bids"][1]
        case "unsorted":
            assert prices["bids"] == sorted(prices["bids"])
        case _:
            assert wrong["checksum"] != 0
            assert {name: wrong[name] for name in ("bids", "asks")} == {name: right[name] for name in ("bids", "asks")}


# ---- whatever is asked, whatever is wrong --------------------------------------------------------------

_CHANNELS = st.sampled_from([
    "tickers", "trades", "books", "books5", "bbo-tbt", "books-l2-tbt", "instruments", "status", "liquidation-orders",
    "orders", "account", "positions", "balance_and_position", "fills", "liquidation-warning", "orders-algo",
    "deposit-info", "candle1m", "nothing", "",
])  # fmt: skip
_ARGS = st.fixed_dictionaries(
    {},
    optional={
        "channel": _CHANNELS | st.integers() | st.none(),
        "instId": st.sampled_from(["BTC-USDT", "BTC-USDT-SWAP", "NOPE", "", None]),
        "instType": st.sampled_from(["SPOT", "SWAP", "ANY", "x", None]),
        "extraParams": st.sampled_from(['{"updateInterval":"0"}', "[", '{"updateInterval":7}', ""]),
        "instIdCode": st.integers(-1, 40) | st.text(max_size=3),
        "side": st.sampled_from(["buy", "sell", 1]), "ordType": st.just("market"), "sz": st.sampled_from(["1", "x"]),
        "tdMode": st.sampled_from(["cash", "cross"]), "ordId": st.text("0123456789", max_size=4),
    },
)  # fmt: skip
_REQUESTS = st.fixed_dictionaries(
    {"op": st.sampled_from(["subscribe", "subscribe", "unsubscribe", "order", "batch-orders", "cancel-order",
                            "amend-order", "mass-cancel", "login", "ping"])},
    optional={"id": st.text(max_size=3) | st.integers(), "args": st.lists(_ARGS, max_size=3) | st.none() | _ARGS},
)  # fmt: skip
_FAULTS = st.lists(st.sampled_from([fault.example for fault in catalogue() if fault.layer == "ws"]), max_size=3)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(_FAULTS, st.lists(_REQUESTS, max_size=4), st.sampled_from(["public", "private", "business"]), st.booleans())
def test_any_request_in_any_trouble_is_answered(
    make_bench: Any, faults: list[str], requests: list[dict[str, Any]], path: str, known: bool
) -> None:
    bench = _BENCHES.setdefault("one", make_bench())
    bench.put(*dict.fromkeys(faults))
    bench.advance(2_000)
    session = bench.session(path, conn=f"f{bench.now_ns}")
    if known:
        log_in(bench, session)
    for request in requests:
        frames = [*session.receive(json.dumps(request)), *session.tick()]
        bench.advance(100)
        for frame in (*frames, *session.tick()):
            assert isinstance(frame, Send | Close)
            if isinstance(frame, Send) and "ws-silent-cut" not in faults and frame.text != "pong":
                assert isinstance(json.loads(frame.text), dict)
    session.end()
    assert not any(held for held in bench.exchange.connections.values())


_BENCHES: dict[str, Any] = {}
"""One exchange for all examples: making one takes longer than an example."""
