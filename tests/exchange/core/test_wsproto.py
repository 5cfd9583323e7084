"""The WebSocket protocol without sockets: acknowledgements, refusals, order of messages, virtual time."""

from __future__ import annotations

import json
from typing import Any

import pytest


def texts(frames: list[Any]) -> list[Any]:
    return [json.loads(frame.text) for frame in frames]


def subscribe(*args: dict[str, Any], **more: Any) -> str:
    return json.dumps({"op": "subscribe", "args": list(args), **more})


def logged_in(bench: Any, conn: str = "c0", path: str = "private") -> Any:
    session = bench.session(path, conn=conn)
    assert texts(session.receive(json.dumps({"op": "login", "args": [bench.login()]})))[0]["event"] == "login"
    return session


def test_text_ping_is_answered_by_text_pong(bench: Any) -> None:
    frames = bench.session().receive("ping")
    assert [frame.text for frame in frames] == ["pong"]
    bench.put("ws-no-pong")
    assert bench.session().receive("ping") == []


@pytest.mark.parametrize("text", ["", "{", "[]", "1", '{"op":1}', '{"op":"ping"}', "\x00", '{"args":[]}', "[" * 9000])
def test_what_is_no_request_meets_60012(bench: Any, text: str) -> None:
    answer = texts(bench.session().receive(text))
    assert [(each["event"], each["code"]) for each in answer] == [("error", "60012")]
    assert list(answer[0]) == ["event", "msg", "code", "connId"]
    assert len(answer[0]["msg"]) < 600


@pytest.mark.parametrize(
    ("path", "arg", "code"),
    [
        ("public", {"channel": "nothing"}, "60018"),
        ("public", {"channel": "tickers", "instId": "NOPE-USDT"}, "60018"),
        ("public", {"instId": "BTC-USDT"}, "60012"),
        ("public", {"channel": "candle1m", "instId": "BTC-USDT"}, "64001"),
        ("public", {"channel": "orders", "instType": "ANY"}, "60018"),
        ("private", {"channel": "orders", "instType": "ANY"}, "60011"),
        ("private", {"channel": "tickers", "instId": "BTC-USDT"}, "60018"),
        ("business", {"channel": "tickers", "instId": "BTC-USDT"}, "64002"),
        ("business", {"channel": "orders-algo", "instType": "ANY"}, "60011"),
        ("business", {"channel": "candle7m", "instId": "BTC-USDT"}, "60018"),
    ],
)
def test_refused_subscriptions(bench: Any, path: str, arg: dict[str, str], code: str) -> None:
    answer = texts(bench.session(path).receive(subscribe(arg, id="a1")))
    assert [(each["id"], each["event"], each["code"]) for each in answer] == [("a1", "error", code)]


def test_an_acknowledgement_echoes_the_argument_without_nulls(bench: Any) -> None:
    frames = bench.session().receive(
        subscribe({"channel": "tickers", "instId": "BTC-USDT", "instType": None, "uly": ""}, id="1512")
    )
    acknowledged, first = texts(frames)
    assert acknowledged == {
        "id": "1512", "event": "subscribe", "arg": {"channel": "tickers", "instId": "BTC-USDT"}, "connId": "c0",
    }  # fmt: skip
    assert first["arg"] == {"channel": "tickers", "instId": "BTC-USDT"}
    assert first["data"][0]["instId"] == "BTC-USDT"


def test_a_duplicate_subscription_is_acknowledged_and_sends_nothing_twice(bench: Any) -> None:
    session = bench.session()
    arg = {"channel": "trades", "instId": "BTC-USDT"}
    assert len(session.receive(subscribe(arg))) == 2
    assert [each["event"] for each in texts(session.receive(subscribe(arg)))] == ["subscribe"]
    bench.advance(100)
    assert len(session.tick()) == 1
    gone = texts(session.receive(json.dumps({"op": "unsubscribe", "args": [arg]})))
    assert gone[0]["event"] == "unsubscribe"
    bench.advance(100)
    assert session.tick() == []


def test_the_book_chain_is_unbroken_and_rebuilds_the_rest_book(bench: Any) -> None:
    first, second = bench.session(conn="c1"), bench.session(conn="c2")
    arg = {"channel": "books", "instId": "BTC-USDT"}
    snapshot = texts(first.receive(subscribe(arg)))[1]
    assert (snapshot["action"], snapshot["data"][0]["prevSeqId"], snapshot["data"][0]["checksum"]) == (
        "snapshot",
        -1,
        0,
    )
    sides = {side: {px: (sz, n) for px, sz, _, n in snapshot["data"][0][side]} for side in ("bids", "asks")}
    last = snapshot["data"][0]["seqId"]
    seen: list[list[int]] = [[], []]
    for step in range(30):
        if step == 10:
            second.receive(subscribe(arg))
        bench.advance(100 if step % 7 else 900)
        for update in texts(first.tick()):
            data = update["data"][0]
            assert (update["action"], data["prevSeqId"]) == ("update", last)
            last = data["seqId"]
            seen[0].append(last)
            for side, levels in sides.items():
                for px, sz, _, n in data[side]:
                    if sz == "0":
                        del levels[px]
                    else:
                        levels[px] = (sz, n)
        seen[1].extend(update["data"][0]["seqId"] for update in texts(second.tick()))
    assert seen[1]
    assert seen[0][-len(seen[1]) :] == seen[1]
    book = json.loads(bench.send("GET", "/api/v5/market/books?instId=BTC-USDT&sz=400", signed=False).body)["data"][0]
    assert book["seqId"] == last
    for side, levels in sides.items():
        assert {px: (sz, n) for px, sz, _, n in book[side]} == levels


def test_a_connection_that_was_away_too_long_gets_a_new_snapshot(bench: Any) -> None:
    away, busy = bench.session(conn="c1"), bench.session(conn="c2")
    arg = {"channel": "books", "instId": "ETH-USDT"}
    away.receive(subscribe(arg))
    busy.receive(subscribe(arg))
    for _ in range(300):
        bench.advance(100)
        busy.tick()
    again = texts(away.tick())
    assert [each["action"] for each in again] == ["snapshot"]


def test_thirty_virtual_seconds_without_data_end_in_4004(bench: Any) -> None:
    from okxdoctor.exchange.core.wsproto import Close

    session = bench.session()
    bench.advance(30_000)
    assert session.tick() == []
    session.receive("ping")
    bench.advance(30_000)
    assert session.tick() == []
    bench.advance(1)
    assert session.tick() == [Close(4004, "No data received in 30s.")]


def test_data_keeps_a_connection_alive_and_silence_does_not(bench: Any) -> None:
    session = bench.session()
    session.receive(subscribe({"channel": "tickers", "instId": "BTC-USDT"}))
    for _ in range(5):
        bench.advance(20_000)
        assert "4004" not in repr(session.tick())
    bench.put("ws-silent")
    assert session.tick() == []
    bench.advance(30_001)
    assert session.tick()[0].code == 4004


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"apiKey": "x"}, "60005"),
        ({"timestamp": "2026-11-22T16:00:00.123Z"}, "60004"),
        ({"timestamp": "1795363200123"}, "60004"),
        ({"timestamp": True}, "60004"),
        ({"timestamp": "1795363100"}, "60006"),
        ({"apiKey": "00000000-0000-4000-8000-000000000000"}, "60032"),
        ({"passphrase": "Another1!"}, "60024"),
        ({"sign": "AAAA"}, "60007"),
        ({"sign": None}, "60007"),
    ],
)
def test_refused_logins(bench: Any, change: dict[str, Any], code: str) -> None:
    session = bench.session("private")
    answer = texts(session.receive(json.dumps({"op": "login", "args": [{**bench.login(), **change}]})))
    assert [(each["event"], each["code"]) for each in answer] == [("error", code)]
    assert texts(session.receive(subscribe({"channel": "account"})))[0]["code"] == "60011"


def test_a_login_on_another_site_or_environment(bench: Any) -> None:
    request = json.dumps({"op": "login", "args": [bench.login()]})
    assert texts(bench.session("private", site="eea").receive(request))[0]["code"] == "60032"
    assert texts(bench.session("private", environment="demo").receive(request))[0]["code"] == "50101"


def test_a_second_login_meets_60031_and_the_connection_lives(bench: Any) -> None:
    session = logged_in(bench)
    again = texts(session.receive(json.dumps({"op": "login", "args": [bench.login()], "id": "2"})))
    assert [(each["id"], each["code"]) for each in again] == [("2", "60031")]
    assert texts(session.receive(subscribe({"channel": "account"})))[0]["event"] == "subscribe"


def test_private_channels_are_counted_and_the_thirty_first_connection_loses(bench: Any) -> None:
    arg = {"channel": "orders", "instType": "ANY"}
    sessions = [logged_in(bench, conn=f"c{k}") for k in range(31)]
    answers = [texts(session.receive(subscribe(arg))) for session in sessions]
    assert [answer[1]["event"] for answer in answers] == ["channel-conn-count"] * 30 + ["channel-conn-count-error"]
    assert [answer[1]["connCount"] for answer in answers] == [str(k + 1) for k in range(30)] + ["30"]
    sessions[0].end()
    assert texts(sessions[30].receive(subscribe(arg)))[1]["event"] == "channel-conn-count"


def test_orders_and_balances_are_pushed(bench: Any) -> None:
    session = logged_in(bench)
    session.receive(subscribe({"channel": "orders", "instType": "SPOT"}, {"channel": "account", "ccy": "USDT"}))
    code = bench.exchange.venue("global", "live").instrument("BTC-USDT").code
    order = {"instIdCode": code, "tdMode": "cash", "side": "buy", "ordType": "limit", "px": "10000.1", "sz": "0.001"}
    answer = texts(session.receive(json.dumps({"id": "7", "op": "order", "args": [order]})))[0]
    assert (answer["id"], answer["op"], answer["code"], answer["data"][0]["sCode"]) == ("7", "order", "0", "0")
    pushed = texts(session.tick())
    assert [each["arg"]["channel"] for each in pushed] == ["orders", "account"]
    assert pushed[0]["data"][0]["state"] == "live"
    assert pushed[0]["data"][0]["ordId"] == answer["data"][0]["ordId"]
    assert pushed[0]["arg"]["uid"]
    assert pushed[1]["data"][0]["details"][0]["frozenBal"] == "10.0001"
    cancel = {"instIdCode": code, "ordId": answer["data"][0]["ordId"]}
    session.receive(json.dumps({"id": "8", "op": "cancel-order", "args": [cancel]}))
    assert texts(session.tick())[0]["data"][0]["state"] == "canceled"


def test_order_operations_want_the_instrument_code_an_id_and_a_login(bench: Any) -> None:
    order = {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "limit", "px": "10000.1", "sz": "0.001"}
    request = {"id": "1", "op": "order", "args": [order]}
    assert texts(bench.session("private").receive(json.dumps(request)))[0]["code"] == "60011"
    assert texts(bench.session("public").receive(json.dumps(request)))[0]["code"] == "60028"
    session = logged_in(bench)
    answer = texts(session.receive(json.dumps(request)))[0]
    assert (answer["code"], answer["data"][0]["sCode"]) == ("1", "50014")
    assert texts(session.receive(json.dumps({**request, "id": None})))[0]["code"] == "60013"
    assert texts(session.receive(json.dumps({"id": "1", "op": "order", "args": [order] * 2})))[0]["code"] == "60013"


def test_snapshots_of_the_wallets(bench: Any) -> None:
    session = logged_in(bench)
    args = [{"channel": "account"}, {"channel": "positions", "instType": "ANY"}, {"channel": "balance_and_position"}]
    data = [each for each in texts(session.receive(subscribe(*args))) if "data" in each]
    assert [(each["arg"]["channel"], each.get("eventType")) for each in data] == [
        ("account", "snapshot"), ("positions", "snapshot"), ("balance_and_position", None),
    ]  # fmt: skip
    assert (data[0]["curPage"], data[0]["lastPage"]) == (1, True)
    assert data[2]["data"][0]["eventType"] == "snapshot"
    bench.advance(5_000)
    assert [each["arg"]["channel"] for each in texts(session.tick())] == ["account", "positions"]


@pytest.mark.parametrize(
    ("path", "arg"),
    [
        ("public", {"channel": "bbo-tbt", "instId": "BTC-USDT"}),
        ("public", {"channel": "books5", "instId": "BTC-USDT-SWAP"}),
        ("public", {"channel": "mark-price", "instId": "BTC-USDT-SWAP"}),
        ("public", {"channel": "funding-rate", "instId": "BTC-USDT-SWAP"}),
        ("public", {"channel": "price-limit", "instId": "BTC-USDT-SWAP"}),
        ("public", {"channel": "index-tickers", "instId": "BTC-USD"}),
        ("public", {"channel": "open-interest", "instId": "BTC-USDT-SWAP"}),
        ("business", {"channel": "candle1m", "instId": "BTC-USDT"}),
        ("business", {"channel": "mark-price-candle1H", "instId": "BTC-USDT-SWAP"}),
        ("business", {"channel": "trades-all", "instId": "BTC-USDT"}),
    ],
)
def test_every_public_channel_sends_at_once(bench: Any, path: str, arg: dict[str, str]) -> None:
    acknowledged, *data = texts(bench.session(path).receive(subscribe(arg)))
    assert acknowledged["event"] == "subscribe"
    assert data
    assert all(each["arg"] == arg and each["data"] for each in data)


def test_instrument_and_status_changes_are_pushed(bench: Any) -> None:
    session = bench.session()
    args = ({"channel": "instruments", "instType": "SPOT"}, {"channel": "status"})
    assert [each["event"] for each in texts(session.receive(subscribe(*args)))] == ["subscribe", "subscribe"]
    bench.put("instrument-not-live=suspend", "status-maintenance-scheduled=1h")
    pushed = texts(session.tick())
    assert [(each["arg"]["channel"], each["data"][0]["state"]) for each in pushed] == [
        ("instruments", "suspend"), ("status", "scheduled"),
    ]  # fmt: skip


def test_too_many_operations_of_a_connection_meet_60014(bench: Any) -> None:
    session = bench.session()
    arg = {"channel": "tickers", "instId": "BTC-USDT"}
    answers = [texts(session.receive(subscribe(arg)))[0] for _ in range(481)]
    assert [each.get("code") for each in answers] == [None] * 480 + ["60014"]
