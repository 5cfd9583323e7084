"""What channels say: books at rest, numbered anew and with a checksum; rare and gated channels; private state."""

from __future__ import annotations

import json
import zlib
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from okxdoctor.exchange.core import backstage
from okxdoctor.exchange.core.ws_world import Options

BOOKS = {"channel": "books", "instId": "BTC-USDT"}


def texts(frames: list[Any]) -> list[Any]:
    return [json.loads(frame.text) for frame in frames]


def subscribe(*args: dict[str, Any], **more: Any) -> str:
    return json.dumps({"op": "subscribe", "args": list(args), **more})


def logged_in(bench: Any, path: str = "private", conn: str = "c0") -> Any:
    session = bench.session(path, conn=conn)
    assert texts(session.receive(json.dumps({"op": "login", "args": [bench.login()]})))[0]["event"] == "login"
    return session


def venue(bench: Any) -> Any:
    return bench.exchange.venue("global", "live")


def code(bench: Any, inst_id: str) -> int:
    return int(venue(bench).instrument(inst_id).code)


def operate(session: Any, op: str, *args: dict[str, Any], **more: Any) -> Any:
    return texts(session.receive(json.dumps({"id": "1", "op": op, "args": list(args), **more})))[0]


# ---- books ------------------------------------------------------------------------------------------


def test_a_book_at_rest_is_told_as_such_once_a_minute(bench: Any) -> None:
    bench.put("instrument-not-live=suspend")
    session = bench.session()
    (_, snapshot) = texts(session.receive(subscribe(BOOKS)))
    seq = snapshot["data"][0]["seqId"]
    told: list[Any] = []
    for _ in range(125):
        bench.advance(1_000)
        session.receive("ping")
        told += texts(session.tick())
    assert [(each["data"][0]["asks"], each["data"][0]["bids"]) for each in told] == [([], [])] * 2
    assert [(each["data"][0]["prevSeqId"], each["data"][0]["seqId"]) for each in told] == [(seq, seq)] * 2
    stamps = [int(each["data"][0]["ts"]) for each in told]
    assert stamps[1] - stamps[0] == 60_000
    book = json.loads(bench.send("GET", "/api/v5/market/books?instId=BTC-USDT", signed=False).body)["data"][0]
    assert book["seqId"] == seq


def test_a_book_that_is_numbered_anew_keeps_its_chain(bench: Any) -> None:
    session = bench.session()
    last = texts(session.receive(subscribe(BOOKS)))[1]["data"][0]["seqId"]
    chain: list[tuple[int, int]] = []
    for step in range(8):
        if step == 3:
            backstage.reset_book(bench.exchange, venue(bench), "BTC-USDT")
        bench.advance(100)
        chain += [(each["data"][0]["prevSeqId"], each["data"][0]["seqId"]) for each in texts(session.tick())]
    assert [before for before, _ in chain] == [last, *(seq for _, seq in chain[:-1])]
    assert sum(seq < before for before, seq in chain) == 1
    book = json.loads(bench.send("GET", "/api/v5/market/books?instId=BTC-USDT", signed=False).body)["data"][0]
    assert book["seqId"] == chain[-1][1]


def test_the_checksum_of_old_is_that_of_the_best_levels(bench: Any) -> None:
    bench.exchange.options = Options(checksum="crc")
    session = bench.session()
    sides: dict[str, dict[Decimal, tuple[str, str]]] = {"bids": {}, "asks": {}}
    messages = texts(session.receive(subscribe(BOOKS)))[1:]
    for _ in range(5):
        bench.advance(100)
        messages += texts(session.tick())
    assert len(messages) == 6
    for message in messages:
        data = message["data"][0]
        for side, levels in sides.items():
            for px, sz, *_ in data[side]:
                levels.pop(Decimal(px), None)
                if sz != "0":
                    levels[Decimal(px)] = (px, sz)
        best = [
            [sides[side][px] for px in sorted(sides[side], reverse=side == "bids")[:25]] for side in ("bids", "asks")
        ]
        words = ":".join(f"{b[0]}:{b[1]}:{a[0]}:{a[1]}" for b, a in zip(*best, strict=True))
        crc = zlib.crc32(words.encode())
        assert data["checksum"] == (crc - 2**32 if crc >= 2**31 else crc) != 0


@pytest.mark.parametrize(("channel", "levels"), [("books-l2-tbt", 400), ("books50-l2-tbt", 50)])
def test_tick_by_tick_books_want_a_login_and_a_tier(bench: Any, channel: str, levels: int) -> None:
    arg = {"channel": channel, "instId": "BTC-USDT"}
    assert texts(bench.session().receive(subscribe(arg)))[0]["code"] == "60011"
    session = logged_in(bench, "public")
    assert texts(session.receive(subscribe(arg)))[0]["code"] == "64003"
    bench.exchange.options = Options(tier=5)
    acknowledged, snapshot = texts(session.receive(subscribe(arg)))
    assert acknowledged["event"] == "subscribe"
    assert [len(snapshot["data"][0][side]) for side in ("asks", "bids")] == [levels, levels]
    last = snapshot["data"][0]["seqId"]
    for _ in range(5):
        bench.advance(100)
        (update,) = texts(session.tick())
        assert update["data"][0]["prevSeqId"] == last
        last = update["data"][0]["seqId"]


def test_books_of_one_instrument_that_exclude_each_other(bench: Any) -> None:
    bench.exchange.options = Options(tier=5)
    session = logged_in(bench, "public")
    full, fifty = ({"channel": name, "instId": "BTC-USDT"} for name in ("books-l2-tbt", "books50-l2-tbt"))
    assert texts(session.receive(subscribe(full)))[0]["event"] == "subscribe"
    for other in (fifty, BOOKS):
        refused = texts(session.receive(subscribe(other)))[0]
        assert refused["code"] == "64004"
        assert "Unsubscribe books-l2-tbt first." in refused["msg"]
    assert texts(session.receive(subscribe({**fifty, "instId": "ETH-USDT"})))[0]["event"] == "subscribe"
    session.receive(json.dumps({"op": "unsubscribe", "args": [full]}))
    assert texts(session.receive(subscribe(BOOKS)))[0]["event"] == "subscribe"


def test_the_depth_channels_of_a_connection_come_in_their_order(bench: Any) -> None:
    bench.exchange.options = Options(tier=5)
    session = logged_in(bench, "public")
    asked = ("books5", "tickers", "books", "books50-l2-tbt", "bbo-tbt")
    session.receive(subscribe(*({"channel": each, "instId": "BTC-USDT"} for each in asked)))
    for _ in range(3):
        bench.advance(100)
        told = [each["arg"]["channel"] for each in texts(session.tick())]
        assert told == ["bbo-tbt", "books50-l2-tbt", "books", "books5", "tickers"]


# ---- other public channels ----------------------------------------------------------------------------


def test_liquidations_come_now_and_then_and_the_same_for_everybody(bench: Any) -> None:
    arg = {"channel": "liquidation-orders", "instType": "SWAP"}
    sessions = [bench.session(conn=f"c{k}") for k in range(2)]
    for session in sessions:
        assert [each.get("event") for each in texts(session.receive(subscribe(arg)))] == ["subscribe"]
    told: list[list[Any]] = [[], []]
    for _ in range(300):
        bench.advance(100)
        for k, session in enumerate(sessions):
            told[k] += texts(session.tick())
    assert told[0] == told[1]
    assert 2 <= len(told[0]) <= 6
    for each in told[0]:
        (row,) = each["data"]
        (detail,) = row["details"]
        assert row["instId"].endswith("-SWAP")
        assert {"bkPx", "sz", "ts", "side", "posSide", "bkLoss", "ccy"} == set(detail)
        assert (detail["side"] == "sell") == (detail["posSide"] == "long")
    assert texts(bench.session(conn="c3").receive(subscribe({**arg, "instType": "SPOT"})))[0]["code"] == "60018"


@pytest.mark.parametrize(
    ("channel", "endpoint", "inst_id"),
    [
        ("candle1m", "candles", "BTC-USDT"),
        ("candle1Dutc", "candles", "BTC-USDT"),
        ("candle1M", "candles", "BTC-USDT"),
        ("mark-price-candle5m", "mark-price-candles", "BTC-USDT-SWAP"),
        ("index-candle1H", "index-candles", "BTC-USD"),
    ],
)
def test_candles_are_those_of_rest(bench: Any, channel: str, endpoint: str, inst_id: str) -> None:
    bar = channel.rpartition("candle")[2]

    def rest() -> list[Any]:
        target = f"/api/v5/market/{endpoint}?instId={inst_id}&bar={bar}&limit=2"
        return list(json.loads(bench.send("GET", target, signed=False).body)["data"])

    session = bench.session("business")
    told = texts(session.receive(subscribe({"channel": channel, "instId": inst_id})))[1:]
    assert [each["data"][0] for each in told] == rest()[:1]
    for _ in range(3):
        bench.advance(20_000)
        told = texts(session.tick())
        assert told[-1]["data"][0] == rest()[0]


def test_a_bar_that_has_ended_is_confirmed_before_the_next(bench: Any) -> None:
    session = bench.session("business")
    session.receive(subscribe({"channel": "candle1m", "instId": "BTC-USDT"}))
    bench.advance(60_000)
    ended, begun = (each["data"][0] for each in texts(session.tick()))
    assert (ended[-1], begun[-1]) == ("1", "0")
    assert int(begun[0]) - int(ended[0]) == 60_000


def test_option_figures_are_those_of_rest(bench: Any) -> None:
    session = bench.session()
    arg = {"channel": "opt-summary", "instFamily": "BTC-USD"}
    _, data = texts(session.receive(subscribe(arg)))
    rest = json.loads(bench.send("GET", "/api/v5/public/opt-summary?instFamily=BTC-USD", signed=False).body)["data"]
    assert data["data"] == rest
    assert len(rest) >= 4
    for wrong in (
        {"channel": "opt-summary"},
        {"channel": "opt-summary", "instFamily": "NO-USD"},
        {"channel": "estimated-price", "instType": "FUTURES", "instId": "BTC-USD-000000"},
    ):
        assert texts(session.receive(subscribe(wrong)))[0]["code"] == "60018"


def test_a_delivery_price_is_told_in_the_last_hour(bench: Any) -> None:
    arg = {"channel": "estimated-price", "instType": "FUTURES", "instFamily": "BTC-USD"}
    assert [each["event"] for each in texts(bench.session().receive(subscribe(arg)))] == ["subscribe"]
    ends = min(inst.listing.expiry_ms for inst in venue(bench).of_type("FUTURES") if inst.listing.family == "BTC-USD")
    bench.advance(ends - bench.now_ms - 30 * 60_000)
    _, told = texts(bench.session(conn="c2").receive(subscribe(arg)))
    (row,) = told["data"]
    assert row["instId"].startswith("BTC-USD-")
    target = f"/api/v5/public/estimated-price?instId={row['instId']}"
    assert json.loads(bench.send("GET", target, signed=False).body)["data"] == [row]


def test_changes_of_instruments_are_told_alone_and_once(bench: Any) -> None:
    session = bench.session()
    session.receive(subscribe({"channel": "instruments", "instType": "SPOT"}))
    bench.put("instrument-not-live=suspend")
    (told,) = texts(session.tick())
    assert [(each["instId"], each["state"]) for each in told["data"]] == [("BTC-USDT", "suspend")]
    assert session.tick() == []
    bench.put()
    (told,) = texts(session.tick())
    assert [(each["instId"], each["state"]) for each in told["data"]] == [("BTC-USDT", "live")]
    bench.put("instrument-unknown=BTC-USDT")
    (told,) = texts(session.tick())
    assert [(each["instId"], each["state"]) for each in told["data"]] == [("BTC-USDT", "expired")]


def test_a_contract_that_has_expired_is_quoted_no_more(bench: Any) -> None:
    future = min(venue(bench).of_type("FUTURES"), key=lambda inst: inst.listing.expiry_ms or 0)
    ends, names = future.listing.expiry_ms or 0, ("books", "books5", "bbo-tbt", "trades", "tickers", "mark-price")
    business = ({"channel": "candle1m", "instId": future.id}, {"channel": "mark-price-candle1m", "instId": future.id})
    sessions = bench.session(), bench.session("business", conn="c2")
    bench.advance(ends - bench.now_ms - 40_000)
    for each, args in (
        (sessions[0], [{"channel": name, "instId": inst} for name in names for inst in (future.id, "BTC-USDT-SWAP")]),
        (sessions[1], business),
    ):
        for arg in args:
            assert [frame["event"] for frame in texts(each.receive(subscribe(arg))) if "event" in frame] == [
                "subscribe"
            ]

    def told() -> set[tuple[str, str]]:
        bench.advance(20_000)
        assert [frame.text for each in sessions for frame in each.receive("ping")] == ["pong", "pong"]
        frames = [frame for each in sessions for frame in texts(each.tick())]
        return {(frame["arg"]["instId"], frame["arg"]["channel"]) for frame in frames}

    swap = {("BTC-USDT-SWAP", name) for name in names}
    both = swap | {(future.id, name) for name in names} | {(future.id, arg["channel"]) for arg in business}
    assert told() == both
    for _ in range(6):
        # For longer than a minute: also not as a book that stands still.
        assert told() == swap
    kept = venue(bench).streams
    assert {key.partition(" ")[0] for key in kept} == {"BTC-USDT-SWAP"}
    (refused,) = texts(bench.session(conn="c3").receive(subscribe({"channel": "tickers", "instId": future.id})))
    assert refused["code"] == "60018"


def test_an_instrument_that_expires_is_told_as_such(bench: Any) -> None:
    session = bench.session()
    session.receive(subscribe({"channel": "instruments", "instType": "FUTURES"}))
    ends = min(inst.listing.expiry_ms for inst in venue(bench).of_type("FUTURES"))
    gone = {inst.id for inst in venue(bench).of_type("FUTURES") if inst.listing.expiry_ms == ends}
    bench.advance(ends - bench.now_ms + 100)
    (told,) = texts(session.tick())
    states = {each["instId"]: each["state"] for each in told["data"]}
    assert {each for each, state in states.items() if state == "expired"} == gone
    # The contracts that take their place are told with them.
    fresh = {each for each, state in states.items() if state == "live"}
    assert len(fresh) == len(gone) == len(states) / 2
    assert fresh <= {inst.id for inst in venue(bench).of_type("FUTURES")}
    bench.advance(100)
    session.receive("ping")
    assert session.tick() == []


@pytest.mark.parametrize("channel", ["estimated-price", "adl-warning"])
def test_channels_that_have_nothing_to_say_are_acknowledged(bench: Any, channel: str) -> None:
    session = bench.session()
    arg = {"channel": channel, "instType": "FUTURES", "instFamily": "BTC-USD"}
    assert [each["event"] for each in texts(session.receive(subscribe(arg)))] == ["subscribe"]
    bench.advance(1_000)
    assert session.tick() == []


def test_a_connection_holds_hundreds_of_channels_and_no_more_than_its_limit(bench: Any) -> None:
    from okxdoctor.exchange.core.wsproto import MAX_CHANNELS, Close

    session = bench.session()
    args = [{"channel": "status", "extraParams": str(k)} for k in range(MAX_CHANNELS + 1)]
    assert all(each["event"] == "subscribe" for each in texts(session.receive(subscribe(*args[:-1]))))
    assert session.receive(subscribe(args[-1])) == [
        Close(4008, "The number of subscribed channels exceeds the maximum limit.")
    ]


def test_an_obsolete_parameter_is_refused(bench: Any) -> None:
    session = logged_in(bench)
    refused = texts(session.receive(subscribe({"channel": "orders", "instType": "SWAP", "uly": "BTC-USDT"})))[0]
    assert refused["code"] == "64000"
    assert "instFamily" in refused["msg"]


# ---- private state --------------------------------------------------------------------------------------


def swap_order(bench: Any, side: str, sz: str = "1", **more: Any) -> dict[str, Any]:
    return {"instIdCode": code(bench, "BTC-USDT-SWAP"), "tdMode": "cross", "side": side, "ordType": "market", "sz": sz,
            **more}  # fmt: skip


def test_a_position_is_told_when_it_opens_and_once_more_when_it_is_closed(bench: Any) -> None:
    session = logged_in(bench)
    session.receive(subscribe({"channel": "positions", "instType": "ANY"}))
    assert operate(session, "order", swap_order(bench, "buy"))["code"] == "0"
    (opened,) = texts(session.tick())
    assert opened["eventType"] == "event_update"
    (row,) = opened["data"]
    assert (row["instId"], row["pos"]) == ("BTC-USDT-SWAP", "1")
    bench.advance(1_000)
    assert session.tick() == []
    assert operate(session, "order", swap_order(bench, "sell"))["code"] == "0"
    (closed,) = texts(session.tick())
    assert [(each["posId"], each["pos"]) for each in closed["data"]] == [(row["posId"], "0")]
    bench.advance(5_000)
    (again,) = texts(session.tick())
    assert (again["eventType"], again["data"], again["curPage"], again["lastPage"]) == ("snapshot", [], 1, True)


def test_positions_of_one_instrument_alone(bench: Any) -> None:
    session = logged_in(bench)
    session.receive(subscribe({"channel": "positions", "instType": "SWAP", "instId": "ETH-USDT-SWAP"}))
    operate(session, "order", swap_order(bench, "buy"))
    assert session.tick() == []


def test_balances_and_positions_tell_what_has_changed_and_the_trade(bench: Any) -> None:
    session = logged_in(bench)
    snapshot = texts(session.receive(subscribe({"channel": "balance_and_position"})))[-1]["data"][0]
    assert {each["ccy"] for each in snapshot["balData"]} >= {"USDT", "BTC", "ETH"}
    operate(session, "order", swap_order(bench, "buy"))
    (told,) = texts(session.tick())
    (data,) = told["data"]
    assert data["eventType"] == "filled"
    assert [each["ccy"] for each in data["balData"]] == ["USDT"]
    assert [(each["instId"], each["pos"]) for each in data["posData"]] == [("BTC-USDT-SWAP", "1")]
    fills = json.loads(bench.send("GET", "/api/v5/trade/fills").body)["data"]
    assert {each["tradeId"] for each in data["trades"]} == {each["tradeId"] for each in fills}
    backstage.add_funds(bench.exchange, venue(bench), "USDT", "5")
    (moved,) = texts(session.tick())
    assert [each["ccy"] for each in moved["data"][0]["balData"]] == ["USDT"]
    assert moved["data"][0]["eventType"] == "transferred"
    assert moved["data"][0]["posData"] == moved["data"][0]["trades"] == []


@pytest.mark.parametrize(
    ("extra", "after_ms"),
    [('{"updateInterval":"0"}', None), ('{"updateInterval": "2000"}', 2_000), ("", 5_000), ("nonsense", 5_000)],
)
def test_how_often_a_state_is_repeated(bench: Any, extra: str, after_ms: int | None) -> None:
    session = logged_in(bench)
    session.receive(subscribe({"channel": "account", "extraParams": extra}))
    first = None
    for step in range(1, 60):
        bench.advance(100)
        if session.tick() and first is None:
            first = step * 100
    assert first == after_ms


def test_greeks_are_told_where_there_are_options(bench: Any) -> None:
    session = logged_in(bench)
    assert [each["event"] for each in texts(session.receive(subscribe({"channel": "account-greeks"})))] == [
        "subscribe", "channel-conn-count",
    ]  # fmt: skip
    option = next(inst for inst in venue(bench).of_type("OPTION") if inst.trades and inst.listing.settle == "BTC")
    limit = json.loads(bench.send("GET", f"/api/v5/public/price-limit?instId={option.id}", signed=False).body)["data"][
        0
    ]
    bought = {"instIdCode": option.code, "tdMode": "cross", "side": "buy", "ordType": "limit", "sz": "1",
              "px": limit["buyLmt"]}  # fmt: skip
    assert operate(session, "order", bought)["data"][0]["sMsg"] == "Order placed"
    (told,) = texts(session.tick())
    assert told["data"] == json.loads(bench.send("GET", "/api/v5/account/greeks").body)["data"]
    (row,) = told["data"]
    assert row["ccy"] == "BTC"
    assert row["deltaBS"] not in ("", "0")
    bench.advance(5_000)
    assert len(session.tick()) == 1


def test_fills_want_a_tier_and_tell_each_fill(bench: Any) -> None:
    session = logged_in(bench)
    assert texts(session.receive(subscribe({"channel": "fills"})))[0]["code"] == "64003"
    bench.exchange.options = Options(tier=4)
    assert [each["event"] for each in texts(session.receive(subscribe({"channel": "fills"})))] == ["subscribe"]
    operate(session, "order", swap_order(bench, "buy", clOrdId="123"))
    operate(session, "order", swap_order(bench, "sell", clOrdId="abc"))
    told = [each["data"][0] for each in texts(session.tick())]
    fills = {each["tradeId"]: each for each in json.loads(bench.send("GET", "/api/v5/trade/fills").body)["data"]}
    assert {each["tradeId"] for each in told} == set(fills)
    for each in told:
        assert (each["fillPx"], each["fillSz"]) == (fills[each["tradeId"]]["fillPx"], fills[each["tradeId"]]["fillSz"])
    # A client id that is no whole number reads 0.
    assert {each["clOrdId"] for each in told} == {"123", "0"}


def test_a_deposit_is_told_on_business(bench: Any) -> None:
    session = logged_in(bench, "business")
    assert [each["event"] for each in texts(session.receive(subscribe({"channel": "deposit-info"})))] == ["subscribe"]
    backstage.add_funds(bench.exchange, venue(bench), "USDT", "25", "funding")
    backstage.add_funds(bench.exchange, venue(bench), "USDT", "25")
    (told,) = texts(session.tick())
    assert told["arg"]["uid"]
    assert (told["data"][0]["ccy"], told["data"][0]["amt"], told["data"][0]["state"]) == ("USDT", "25", "2")


# ---- operations -----------------------------------------------------------------------------------------


def limit_order(bench: Any, **more: Any) -> dict[str, Any]:
    return {"instIdCode": code(bench, "BTC-USDT"), "tdMode": "cash", "side": "buy", "ordType": "limit", "px": "10000.1",
            "sz": "0.001", **more}  # fmt: skip


def test_a_batch_tells_each_order(bench: Any) -> None:
    session = logged_in(bench)
    answer = operate(session, "batch-orders", limit_order(bench), limit_order(bench, sz="0"), limit_order(bench))
    assert answer["code"] == "2"
    assert [item["sCode"] == "0" for item in answer["data"]] == [True, False, True]
    placed = [item["ordId"] for item in answer["data"] if item["sCode"] == "0"]
    amend = [{"instIdCode": code(bench, "BTC-USDT"), "ordId": each, "newPx": "10001.1", "reqId": f"r{k}"}
             for k, each in enumerate(placed)]  # fmt: skip
    amended = operate(session, "batch-amend-orders", *amend)
    assert [(item["sCode"], item["reqId"], "tag" in item) for item in amended["data"]] == [
        ("0", "r0", False), ("0", "r1", False),
    ]  # fmt: skip
    gone = operate(session, "batch-cancel-orders", *({"instIdCode": code(bench, "BTC-USDT"), "ordId": each}
                                                    for each in placed))  # fmt: skip
    assert (gone["code"], ["tag" in item for item in gone["data"]]) == ("0", [False, False])
    assert operate(session, "batch-orders", *([limit_order(bench)] * 21))["code"] == "60013"


def test_an_operation_may_expire(bench: Any) -> None:
    session = logged_in(bench)
    late = operate(session, "order", limit_order(bench), expTime=str(bench.now_ms - 1))
    assert (late["code"], late["data"][0]["sCode"]) == ("1", "50036")
    assert operate(session, "order", limit_order(bench), expTime=str(bench.now_ms + 1))["code"] == "0"


def test_operations_spend_the_budget_that_rest_spends(bench: Any) -> None:
    session = logged_in(bench)
    for _ in range(30):
        body = json.dumps({"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "limit", "px": "10000.1",
                           "sz": "0.00001"})  # fmt: skip
        assert bench.send("POST", "/api/v5/trade/order", body).status == 200
    codes = [operate(session, "order", limit_order(bench, sz="0.00001"))["code"] for _ in range(31)]
    assert codes == ["0"] * 30 + ["50011"]
    # Placing, cancelling and amending have a budget each.
    assert operate(session, "cancel-order", {"instIdCode": code(bench, "BTC-USDT"), "ordId": "1"})["code"] == "1"
    bench.advance(2_001)
    assert operate(session, "order", limit_order(bench, sz="0.00001"))["code"] == "0"


def test_the_mass_cancellation_is_for_protected_option_orders(bench: Any) -> None:
    session = logged_in(bench)
    family = {"instType": "OPTION", "instFamily": "BTC-USD"}
    assert operate(session, "mass-cancel", family)["code"] == "51010"
    assert operate(session, "mass-cancel", {"instType": "SPOT", "instFamily": "BTC-USD"})["code"] == "60013"
    backstage.customer(venue(bench)).level = "4"
    answer = operate(session, "mass-cancel", family)
    assert (answer["code"], answer["data"]) == ("0", [{"result": True}])


def test_a_key_that_may_only_read_places_nothing(bench: Any) -> None:
    bench.put("permission-missing=trade")
    session = logged_in(bench)
    assert operate(session, "order", limit_order(bench))["code"] == "50120"


def test_what_was_chosen_must_exist() -> None:
    with pytest.raises(ValueError, match="zero or crc"):
        replace(Options(), checksum="md5")
    with pytest.raises(ValueError, match="1 to 9"):
        Options(tier=0)
