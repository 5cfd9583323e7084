"""The check of the public WebSocket: upgrade, subscription, data, text ping."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest
from fakeio import UPGRADED, FakeIo, FakeSocket, Scripted, Talk, codes, failed, judged, ok, page, refusal, run, view
from hypothesis import given
from hypothesis import strategies as st

from okxdoctor.check import Inconclusive, Skip
from okxdoctor.model import Confidence, Finding, Severity
from okxdoctor.port import Failure, Frame, Opening
from okxdoctor_checks import ws
from okxdoctor_checks.ws import CHECK, Facts

TICKER = "GET /api/v5/market/ticker"


def peer(
    *,
    pong: bool = True,
    ack: bool = True,
    data: bool = True,
    unknown: tuple[str, ...] = (),
    first: Iterable[str | int] = (),
    path: str = "public",
    echo: bool = True,
) -> Callable[[str], Iterable[str | int]]:
    """How the far side answers what is sent; ``path``: what it really is, ``echo``: whether it repeats ids."""
    lives = {"tickers": "public", "candle1m": "business", "account": "private"}

    def respond(text: str) -> Iterable[str | int]:
        if text == "ping":
            return ["pong"] if pong else []
        message = json.loads(text)
        arg = message["args"][0]
        assert message["op"] == "subscribe"
        named = {"id": message["id"]} if echo else {}

        def refused(code: str, msg: str) -> str:
            return json.dumps({**named, "event": "error", "code": code, "msg": msg, "connId": "a4d3ae55"})

        place = lives[arg["channel"]]
        if place != path:
            code = "64001" if place == "business" else "64002" if path == "business" else "60018"
            return [refused(code, f"channel:{arg['channel']} doesn't exist")]
        if place == "private":
            return [refused("60011", "Please log in")]
        if arg["instId"] in unknown:
            return [refused("60018", f"instId:{arg['instId']} doesn't exist")]
        coming: list[str | int] = list(first)
        if ack:
            coming.append(json.dumps({**named, "event": "subscribe", "arg": arg, "connId": "a4d3ae55"}))
        if data:
            coming.append(json.dumps({"arg": arg, "data": [{"last": "1"}]}))
        return coming

    return respond


def moving(*texts: str) -> list[Scripted]:
    return [ok([{"ts": text, "last": "1"}]) for text in texts]


def look(talk: Talk, script: Any = None, **changes: Any) -> tuple[tuple[Finding, ...], FakeIo, Facts]:
    io = FakeIo(view=view(**changes), sockets={"public": talk}, http_script=script or {})
    facts, findings = run(CHECK, io)
    return findings, io, facts


def one(findings: tuple[Finding, ...]) -> Finding:
    assert len(findings) == 1, codes(findings)
    return findings[0]


def test_health_asks_nothing_of_rest_and_waits_for_nothing() -> None:
    findings, io, facts = look(Talk(respond=peer()))
    assert findings == ()
    assert io.asks == []
    assert io.waited == []
    assert io.elapsed_s < 0.1
    (talk,) = facts.talks
    assert None not in (talk.ack_ms, talk.data_ms, talk.pong_ms)
    assert all(socket.closed for socket in io.opened)


# ---- blocked -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "opening",
    [
        Opening(url="wss://x", ok=False, status=403, body="Forbidden"),
        Opening(url="wss://x", ok=False, status=400, body="Bad Request"),
        Opening(url="wss://x", ok=False, status=200, headers=(("connection", "close"),)),
        Opening(url="wss://x", ok=False, status=101),
        Opening(url="wss://x", ok=False, failure=Failure(kind="timeout", phase="upgrade")),
        Opening(url="wss://x", ok=False, failure=Failure(kind="closed", phase="upgrade")),
        Opening(url="wss://x", ok=False, failure=Failure(kind="protocol", phase="upgrade")),
    ],
)
@pytest.mark.parametrize("rest", [ok([{"ts": "1"}]), refusal("51001", status=200, data=True)])
def test_an_upgrade_that_fails_while_rest_works_is_blocked(opening: Opening, rest: Scripted) -> None:
    findings, io, _ = look(Talk(opening=opening), {TICKER: rest})
    assert one(findings).code == "ws.blocked"
    assert one(findings).subject == "ws"
    assert len(io.asks) == 1


@pytest.mark.parametrize(
    ("kind", "phase", "layer"),
    [
        ("dns", "resolve", "dns"),
        ("refused", "connect", "tcp"),
        ("timeout", "connect", "tcp"),
        ("tls", "handshake", "tls"),
        ("timeout", "handshake", "tls"),
        ("proxy", "proxy", "proxy"),
    ],
)
def test_a_host_that_is_not_reached_is_the_lower_layers(kind: Any, phase: str, layer: str) -> None:
    shut = Opening(url="wss://x", ok=False, failure=Failure(kind=kind, phase=phase))
    with pytest.raises(Skip) as caught:
        look(Talk(opening=shut))
    assert caught.value.layer == layer


@pytest.mark.parametrize(
    "rest",
    [
        page(403), failed("timeout", "first-byte"), refusal("404", "Not Found", status=404),
        refusal("50115", "Invalid request method.", status=405), refusal("50121", status=403),
    ],
)  # fmt: skip
def test_when_rest_does_not_work_either_it_is_not_the_websocket(rest: Scripted) -> None:
    with pytest.raises(Skip) as caught:
        look(Talk(opening=Opening(url="wss://x", ok=False, status=403)), {TICKER: rest})
    assert caught.value.layer == "http"


def test_an_upgrade_that_had_no_answer_once_is_not_blocked() -> None:
    """A packet was lost: the second one stands, and is the connection that is looked at."""
    talks = [Talk(opening=Opening(url="wss://x", ok=False, failure=Failure(kind="timeout", phase="upgrade")))]

    class Second(FakeIo):
        async def open_socket(self, *asked: Any, **more: Any) -> FakeSocket:
            if not talks:
                return await super().open_socket(*asked, **more)
            socket = FakeSocket(self, talks.pop())
            self.opened.append(socket)
            return socket

    io = Second(sockets={"public": Talk(respond=peer())})
    found, findings = run(CHECK, io)
    assert (findings, found.upgrade.ok) == ((), True)
    assert [socket.closed for socket in io.opened] == [True, True]


def test_too_many_connections_is_the_limit_and_not_blocked() -> None:
    shut = Talk(opening=Opening(url="wss://x", ok=False, status=429))
    finding = one(look(shut, {TICKER: ok([{"ts": "1"}])})[0])
    assert finding.code == "ws.connection-limit"
    assert finding.confidence is Confidence.LIKELY
    assert "ws.blocked" in finding.excluded


@pytest.mark.parametrize(
    ("rest", "below"),
    [
        (failed("refused", "connect"), "tcp"),
        (failed("timeout", "first-byte"), "http"),
        (page(429, "slow down"), "http"),
    ],
)
def test_an_edge_that_answers_429_while_rest_is_out_of_reach_counts_nothing(rest: Scripted, below: str) -> None:
    with pytest.raises(Skip) as caught:
        look(Talk(opening=Opening(url="wss://x", ok=False, status=429)), {TICKER: rest})
    assert caught.value.layer == below


# ---- pong ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("answer_s", "sure"), [(5.0, Confidence.CERTAIN), (2.0, Confidence.LIKELY)])
def test_a_pong_is_waited_for_as_long_as_the_run_waits_for_an_answer(answer_s: float, sure: Confidence) -> None:
    findings, _, facts = look(Talk(respond=peer(pong=False)), answer_s=answer_s)
    finding = one(findings)
    assert (finding.code, finding.confidence) == ("ws.no-pong", sure)
    assert f"within {answer_s:g} s" in finding.summary
    assert facts.talks[0].waited_s == pytest.approx(answer_s, abs=0.1)


def test_a_ping_without_pong_beside_data_is_certain() -> None:
    finding = one(look(Talk(respond=peer(pong=False)))[0])
    assert finding.code == "ws.no-pong"
    assert finding.confidence is Confidence.CERTAIN
    assert finding.evidence["waited_s"] == pytest.approx(5, abs=0.5)


def test_nothing_at_all_is_no_pong_and_not_also_silence() -> None:
    talk = Talk(respond=peer(pong=False, ack=False, data=False))
    finding = one(look(talk, {TICKER: moving("1", "2")})[0])
    assert finding.code == "ws.no-pong"
    assert finding.confidence is Confidence.LIKELY


# ---- silence ---------------------------------------------------------------------------------------


def test_no_data_while_rest_moves_is_silence() -> None:
    finding = one(look(Talk(respond=peer(data=False)), {TICKER: moving("1", "2")})[0])
    assert finding.code == "ws.silent"
    assert finding.confidence is Confidence.CERTAIN
    assert finding.evidence["first_data_ms"] is None


def test_no_data_in_a_market_that_stands_still_is_nothing() -> None:
    findings, io, facts = look(Talk(respond=peer(data=False)), {TICKER: moving("1", "1")})
    assert findings == ()
    assert facts.moved is False
    assert len(io.asks) == 2


@pytest.mark.parametrize("rest", [failed("timeout", "first-byte"), ok()])
def test_no_data_and_no_word_of_rest_is_nothing(rest: Scripted) -> None:
    assert look(Talk(respond=peer(data=False)), {TICKER: rest})[0] == ()


def test_no_acknowledgement_either_is_likely_silence() -> None:
    finding = one(look(Talk(respond=peer(ack=False, data=False)), {TICKER: moving("1", "2")})[0])
    assert finding.code == "ws.silent"
    assert finding.confidence is Confidence.LIKELY


def test_data_that_is_cut_off_is_silence_with_its_reason() -> None:
    cut = json.dumps({"arg": {"channel": "tickers", "instId": "BTC-USDT"}, "data": [{"last": "1"}]})[:40]
    finding = one(look(Talk(respond=peer(data=False, first=[cut])), {TICKER: moving("1", "2")})[0])
    assert finding.code == "ws.silent"
    assert finding.evidence["frames_unreadable"] == 1
    assert "no JSON" in finding.summary


def test_data_of_another_subscription_is_not_ours() -> None:
    other = json.dumps({"arg": {"channel": "tickers", "instId": "ETH-USDT"}, "data": [{}]})
    talk = Talk(respond=peer(data=False, first=[other]))
    assert codes(look(talk, {TICKER: moving("1", "2")})[0]) == ["ws.silent"]


# ---- other things that happen -------------------------------------------------------------------------


def test_a_site_without_the_first_instrument_is_asked_for_the_next() -> None:
    findings, _, facts = look(Talk(respond=peer(unknown=("BTC-USDT",))))
    assert findings == ()
    assert [talk.instrument for talk in facts.talks] == ["BTC-USDT", "BTC-USDC"]
    assert facts.talks[-1].data_ms is not None


def test_a_site_without_any_of_them_is_still_pinged() -> None:
    every = ("BTC-USDT", "BTC-USDC", "BTC-EUR")
    assert look(Talk(respond=peer(unknown=every)))[0] == ()
    assert codes(look(Talk(respond=peer(unknown=every, pong=False)))[0]) == ["ws.no-pong"]


@pytest.mark.parametrize("code", [1000, 1006, 1013, 4004, 4005])
def test_a_connection_that_ends_twice_drops(code: int) -> None:
    findings, io, facts = look(Talk(respond=lambda text: [code]))
    finding = one(findings)
    assert finding.code == "ws.drops"
    assert finding.confidence is Confidence.CERTAIN
    assert finding.evidence["close_code"] == code
    assert (finding.evidence["ended"], finding.evidence["connections"]) == (2, 2)
    assert facts.again is not None
    assert len(io.opened) == 2
    # Half of the documented 3 connections a second at most.


def test_a_connection_that_ends_once_is_a_warning() -> None:
    ends = iter([True, False])

    class Once(FakeIo):
        async def open_socket(self, *_: Any, **__: Any) -> FakeSocket:
            respond = (lambda text: [1006]) if next(ends) else peer()
            socket = FakeSocket(self, Talk(respond=respond))
            self.opened.append(socket)
            return socket

    _, findings = run(CHECK, Once())
    finding = one(findings)
    assert (finding.code, finding.severity, finding.confidence) == ("ws.drops", Severity.WARNING, Confidence.POSSIBLE)
    assert finding.evidence["ended"] == 1


@pytest.mark.parametrize("code", [4003, 4008, 4009])
def test_a_close_for_too_many_subscriptions_is_the_limit(code: int) -> None:
    findings, io, _ = look(Talk(respond=lambda text: [code]))
    assert one(findings).code == "ws.connection-limit"
    assert len(io.opened) == 1


def test_too_many_requests_are_the_limit() -> None:
    error = json.dumps({"id": "ticker", "event": "error", "code": "60014", "msg": "Requests too frequent"})
    finding = one(look(Talk(respond=lambda text: ["pong"] if text == "ping" else [error]))[0])
    assert finding.code == "ws.connection-limit"


def test_the_error_of_another_subscription_on_the_connection_is_not_ours() -> None:
    theirs = json.dumps({"id": "book", "event": "error", "code": "60014", "msg": "Requests too frequent"})
    nameless = json.dumps({"event": "error", "code": "60018", "msg": "channel:books,instId:X doesn't exist"})
    assert look(Talk(respond=peer(first=[theirs, nameless])))[0] == ()


# ---- the wrong path --------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["private", "business"])
def test_a_gateway_to_another_path_is_found_by_what_it_accepts(path: str) -> None:
    findings, io, facts = look(Talk(respond=peer(path=path)))
    finding = one(findings)
    assert finding.code == "ws.wrong-path"
    assert finding.evidence["leads_to"] == facts.leads_to == path
    assert len(io.opened) == 1
    assert io.asks == []


def test_a_refusal_for_another_reason_is_inconclusive() -> None:
    error = json.dumps({"event": "error", "code": "64007", "msg": "Operation subscribe failed"})
    with pytest.raises(Inconclusive, match="64007"):
        look(Talk(respond=lambda text: ["pong"] if text == "ping" else [error]))


def test_an_unknown_instrument_on_the_right_path_is_no_wrong_path() -> None:
    findings, _, facts = look(Talk(respond=peer(unknown=("BTC-USDT", "BTC-USDC", "BTC-EUR"))))
    assert findings == ()
    assert facts.leads_to == ""


def test_a_server_that_repeats_no_ids_is_understood_as_well() -> None:
    assert look(Talk(respond=peer(echo=False)))[0] == ()
    assert one(look(Talk(respond=peer(echo=False, path="business")))[0]).code == "ws.wrong-path"


@pytest.mark.parametrize(("opens", "cause"), [(True, "ws.wrong-path"), (False, "ws.blocked")])
def test_no_websocket_at_the_configured_address_of_the_right_server(opens: bool, cause: str) -> None:
    ws = replace(view().ws, url="wss://ws.okx.com/ws/v5/public", base="/ws/v5/public")
    gone = Opening(url="wss://ws.okx.com/ws/v5/public/public", ok=False, status=404)
    there = Talk(opening=replace(UPGRADED, ok=opens, status=101 if opens else 404))
    io = FakeIo(
        view=view(ws=ws), sockets={"public": Talk(opening=gone), "public @global/live": there},
        http_script={TICKER: ok([{"ts": "1"}])},
    )  # fmt: skip
    _, findings = run(CHECK, io)
    assert one(findings).code == cause


def test_404_at_a_server_of_ones_own_is_blocked() -> None:
    ws = replace(view().ws, url="wss://gateway.example/okx", base="/okx", host="gateway.example")
    gone = Opening(url="wss://gateway.example/okx/public", ok=False, status=404)
    findings, io, _ = look(Talk(opening=gone), {TICKER: ok([{"ts": "1"}])}, ws=ws)
    assert one(findings).code == "ws.blocked"
    assert len(io.opened) == 1


def test_an_announced_upgrade_is_told() -> None:
    notice = json.dumps({"event": "notice", "code": "64008", "msg": "The connection will soon be closed."})
    assert codes(look(Talk(respond=peer(first=[notice])))[0]) == ["ws.service-upgrade"]


def test_a_notice_before_the_end_accounts_for_it() -> None:
    notice = json.dumps({"event": "notice", "code": "64008", "msg": "The connection will soon be closed."})
    findings, io, _ = look(Talk(respond=lambda text: [notice, 1001]))
    assert codes(findings) == ["ws.service-upgrade"]
    assert len(io.opened) == 1


@pytest.mark.parametrize(
    "rubbish", ["", "[]", "null", "{", "1e999", '{"arg":1,"data":2}', '{"event":["x"]}', "[" * 9000]
)
def test_rubbish_is_passed_over(rubbish: str) -> None:
    assert look(Talk(respond=peer(first=[rubbish])))[0] == ()


def test_protocol_pings_are_not_texts() -> None:
    answers = peer()

    class Pinging(FakeSocket):
        async def receive(self, timeout_s: float) -> Frame | None:
            if not any(frame.kind == "ping" for frame in self.frames):
                self._frames.append(Frame(direction="received", kind="ping", at_ms=1.0))
                return self._frames[-1]
            return await super().receive(timeout_s)

    class PingingIo(FakeIo):
        async def open_socket(self, *_: Any, **__: Any) -> FakeSocket:
            return Pinging(self, Talk(respond=answers))

    facts, findings = run(CHECK, PingingIo())
    assert findings == ()
    assert facts.talks[0].frames == 3


def test_compression_is_a_fact() -> None:
    opened = replace(UPGRADED, extensions="permessage-deflate; server_no_context_takeover")
    assert "permessage-deflate" in look(Talk(opening=opened, respond=peer()))[2].upgrade.extensions


# ---- total ----------------------------------------------------------------------------------------------


@given(st.builds(Facts))
def test_any_facts_are_judged(facts: Facts) -> None:
    judged(CHECK, facts)


@given(st.lists(st.builds(ws.Talk), min_size=1, max_size=3), st.none() | st.booleans(), st.builds(ws.Upgrade))
def test_any_talk_is_judged(talks: list[ws.Talk], moved: bool | None, upgrade: ws.Upgrade) -> None:
    judged(CHECK, Facts(upgrade=replace(upgrade, ok=True), talks=tuple(talks), moved=moved))
    judged(CHECK, Facts(upgrade=replace(upgrade, ok=False), rest_works=True))


def test_the_probe_survives_a_cancelled_wait() -> None:
    async def cancelled() -> FakeIo:
        io = FakeIo(sockets={"public": Talk(respond=peer())})
        task = asyncio.ensure_future(CHECK.probe(io))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return io

    assert all(socket.closed for socket in asyncio.run(cancelled()).opened)


def test_a_push_without_rows_is_no_data() -> None:
    def respond(text: str) -> Iterable[str | int]:
        for each in peer()(text):
            told = json.loads(each) if isinstance(each, str) and each.startswith("{") else {}
            yield json.dumps({**told, "data": []}) if "data" in told else each

    findings, _, facts = look(Talk(respond=respond), {TICKER: moving("1", "2")})
    assert facts.talks[-1].data_ms is None
    assert codes(findings) == ["ws.silent"]
