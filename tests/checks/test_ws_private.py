"""The check of the private WebSocket: login, private channels, whose WebSocket it is."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest
from fakeio import FakeIo, FakeSocket, Scripted, Talk, codes, failed, judged, ok, page, run, view
from hypothesis import given
from hypothesis import strategies as st

from okxdoctor.check import Inconclusive, Skip
from okxdoctor.model import Confidence, Finding, Severity
from okxdoctor.port import Failure, KeyStanding, Opening
from okxdoctor.runner.diagnose import diagnose, vocabulary
from okxdoctor_checks.ws_private import CHANNELS, CHECK, Channel, Facts, Flip, Login

ACCEPTED = KeyStanding(standing="accepted")
GREETING = '{"event":"login","code":"0","msg":"","connId":"a4d3ae55"}'
GREETED = Talk(login=(GREETING,))


def error(code: str, msg: str = "no", **more: str) -> str:
    return json.dumps({**more, "event": "error", "msg": msg, "code": code, "connId": "a4d3ae55"})


def peer(
    *, pong: bool = True, data: tuple[str, ...] = ("account", "positions"), full: tuple[str, ...] = (),
    path: str = "private", first: Iterable[str | int] = (),
) -> Callable[[str], Iterable[str | int]]:  # fmt: skip
    """How the far side answers what is sent behind the login; ``path``: what the connection really is."""

    def respond(text: str) -> Iterable[str | int]:
        if text == "ping":
            return ["pong"] if pong else []
        request = json.loads(text)
        assert request["op"] == "subscribe"
        coming: list[str | int] = list(first)
        for arg in request["args"]:
            channel = arg["channel"]
            place = {"tickers": "public", "candle1m": "business"}.get(channel, "private")
            if place != path:
                coming.append(error("64002" if path == "business" else "60018", "no such channel", id=request["id"]))
                continue
            coming.append(json.dumps({"id": request["id"], "event": "subscribe", "arg": arg, "connId": "x"}))
            if channel in CHANNELS:
                event = "channel-conn-count-error" if channel in full else "channel-conn-count"
                count = "30" if channel in full else "2"
                coming.append(json.dumps({"event": event, "channel": channel, "connCount": count, "connId": "x"}))
                if channel in data and channel not in full:
                    coming.append(json.dumps({"arg": {**arg, "uid": "1"}, "eventType": "snapshot", "data": []}))
        return coming

    return respond


def look(
    *login: str | int,
    respond: Callable[[str], Iterable[str | int]] | None = None,
    plain: KeyStanding | None = ACCEPTED,
    sockets: dict[str, Talk | Exception] | None = None,
    script: dict[str, Scripted] | None = None,
    **changes: Any,
) -> tuple[tuple[Finding, ...], FakeIo, Facts]:
    talk = Talk(login=login or (GREETING,), respond=respond or peer())
    io = FakeIo(
        view=view(**changes), sockets={"private": talk, **(sockets or {})}, records=(plain,) if plain else (),
        http_script=dict(script or {}),
    )  # fmt: skip
    facts, findings = run(CHECK, io)
    return findings, io, facts


def one(findings: tuple[Finding, ...]) -> Finding:
    assert len(findings) == 1, codes(findings)
    return findings[0]


def test_health_takes_one_login_and_one_subscription_and_waits_for_nothing() -> None:
    findings, io, facts = look()
    assert findings == ()
    (socket,) = io.opened
    assert socket.logins == [0.0]
    assert socket.closed
    assert (io.asks, io.waited) == ([], [])
    assert io.elapsed_s < 0.3
    assert [(each.name, each.connections, each.too_many) for each in facts.channels] == [
        ("account", 2, False), ("positions", 2, False), ("orders", 2, False),
    ]  # fmt: skip


def test_no_key_is_a_skip() -> None:
    with pytest.raises(Skip, match="no whole API key"):
        asyncio.run(CHECK.probe(FakeIo(view=view(credentials=False))))


def test_a_recording_without_websockets_is_a_skip() -> None:
    with pytest.raises(Skip, match="holds no WebSocket"):
        look(sockets={"private": Skip("a cassette holds no WebSocket")})


# ---- the login ------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["60009", "60022", "60023", "63999", "60005", "60007", "60024", ""])
def test_a_login_refused_although_rest_accepts(code: str) -> None:
    finding = one(look(error(code))[0])
    assert finding.code == "ws.login-refused"
    assert finding.subject == "ws"
    assert "key.secret-wrong" in finding.excluded


@pytest.mark.parametrize(("code", "blame"), [("63999", "exchange"), ("60009", "yours"), ("60023", "yours")])
def test_an_error_inside_the_exchange_is_not_the_users(code: str, blame: str) -> None:
    """63999 says "Login failed due to internal error": nothing of the login is to be changed."""
    (root,) = diagnose([one(look(error(code))[0])], vocabulary())
    assert (root.code, root.blame) == ("ws.login-refused", blame)
    assert ("stay as they are" in root.remedy[0]) is (blame == "exchange")


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        ("60024", "key.passphrase-wrong"),
        ("60007", "key.secret-wrong"),
        ("60005", "key.malformed"),
        ("60009", "ws.login-refused"),
    ],
)
def test_without_the_word_of_rest_the_code_is_all_there_is(code: str, cause: str) -> None:
    finding = one(look(error(code), plain=None)[0])
    assert finding.code == cause
    assert set(finding.excluded) <= {"ws.no-pong"}  # an answer came


@pytest.mark.parametrize(("code", "cause"), [("60006", "timestamp.expired"), ("60004", "timestamp.format")])
def test_a_login_refused_for_its_time(code: str, cause: str) -> None:
    assert codes(look(error(code))[0]) == [cause]


@pytest.mark.parametrize("standing", ["refused", "undecided"])
@pytest.mark.parametrize("code", ["60007", "60009", "60032", "60006"])
def test_a_key_that_rest_does_not_accept_is_the_key_checks(code: str, standing: Any) -> None:
    with pytest.raises(Skip, match=code) as caught:
        look(error(code), plain=KeyStanding(standing=standing))
    assert caught.value.layer == "key"


def test_a_login_that_is_not_answered_beside_a_pong() -> None:
    finding = one(look("", respond=peer())[0])
    assert finding.code == "ws.login-refused"
    assert finding.confidence is Confidence.LIKELY
    assert finding.evidence["limit_s"] == 5


def test_when_nothing_is_answered_it_is_the_connections_fault() -> None:
    """Whatever holds it back: the public connection may be as mute, or let through what is larger."""
    finding = one(look("", respond=peer(pong=False))[0])
    assert (finding.code, finding.confidence) == ("ws.no-pong", Confidence.LIKELY)


@pytest.mark.parametrize("plain", [None, KeyStanding(standing="undecided"), KeyStanding(standing="refused", code="x")])
def test_a_mute_connection_beside_a_rest_that_was_not_seen_to_work_is_left_to_ws(plain: KeyStanding | None) -> None:
    with pytest.raises(Skip) as caught:
        look("", respond=peer(pong=False), plain=plain)
    assert caught.value.layer == "ws"


def test_too_many_requests_are_the_limit_and_no_refusal() -> None:
    assert codes(look(error("60014"))[0]) == ["ws.connection-limit"]


def test_other_events_before_the_answer_are_passed_over() -> None:
    assert look("pong", "[]", "{", '{"event":"x"}', GREETING)[0] == ()


# ---- whose WebSocket --------------------------------------------------------------------------------

EEA = replace(view().ws, url="wss://wseea.okx.com/ws/v5", host="wseea.okx.com")
DEMO = replace(view().ws, url="wss://wspap.okx.com/ws/v5", host="wspap.okx.com")


def test_the_websocket_of_another_site_is_proven_by_the_right_one() -> None:
    findings, io, facts = look(error("60032"), ws=EEA, sockets={"private @global/live": GREETED})
    finding = one(findings)
    assert finding.code == "region.wrong-ws-host"
    assert finding.confidence is Confidence.CERTAIN
    assert finding.evidence["ws_url"] == "wss://ws.okx.com/ws/v5"
    assert (facts.ws_cell, finding.evidence["configured"]) == ("eea/live", "eea/live")
    assert "wss://ws.okx.com/ws/v5" in finding.remedy[0]
    assert [len(socket.logins) for socket in io.opened] == [1, 1]


@pytest.mark.parametrize("code", ["50101", "60032"])
def test_the_demo_websocket_of_a_live_key(code: str) -> None:
    findings, io, _ = look(error(code), ws=DEMO, sockets={"private @global/live": GREETED})
    finding = one(findings)
    assert finding.code == "key.wrong-environment"
    assert finding.subject == "ws"
    assert finding.evidence["ws_url"] == "wss://ws.okx.com/ws/v5"
    assert len(io.opened) == 2


def test_an_address_of_ones_own_with_a_key_of_another_site() -> None:
    own = replace(view().ws, url="wss://gateway.example/ws/v5", host="gateway.example")
    findings, _, facts = look(error("60032"), ws=own, sockets={"private @us/live": GREETED})
    assert one(findings).code == "region.wrong-ws-host"
    assert facts.ws_cell == ""
    assert one(findings).evidence["ws_url"] == "wss://wsus.okx.com/ws/v5"


@pytest.mark.parametrize(("code", "cause"), [("60032", "region.wrong-ws-host"), ("50101", "key.wrong-environment")])
def test_a_key_that_no_websocket_knows_is_likely_the_address(code: str, cause: str) -> None:
    findings, io, _ = look(error(code))
    assert one(findings).code == cause
    assert one(findings).confidence is Confidence.LIKELY
    assert len(io.opened) <= 5


def test_a_key_that_no_websocket_knows_is_unknown_where_rest_says_nothing_for_it() -> None:
    nowhere = {f"private @{cell.site}/{cell.environment}": Talk(login=(error("60032"),)) for cell in view().cells}
    finding = one(look(error("60032"), plain=None, sockets=nowhere)[0])
    assert (finding.code, finding.confidence) == ("key.unknown", Confidence.LIKELY)
    assert finding.excluded == ("region.wrong-ws-host",)


def test_a_site_that_did_not_answer_may_know_the_key() -> None:
    """REST did not tell either: neither that the key is unknown nor that the address is wrong follows."""
    nowhere = {f"private @{cell.site}/{cell.environment}": Talk(login=(error("60032"),)) for cell in view().cells}
    shut = Talk(opening=Opening(url="wss://x", ok=False, failure=Failure(kind="refused", phase="connect")))
    with pytest.raises(Inconclusive, match="refused with 60032; whether elsewhere too us/live did not tell"):
        look(error("60032"), plain=None, sockets={**nowhere, "private @us/live": shut})


def test_a_key_of_the_other_environment_is_not_unknown_where_other_sites_do_not_know_it() -> None:
    """50101 says that the key is known here; and the other environment of the site is asked first."""
    elsewhere = {f"private @{site}/live": Talk(login=(error("60032"),)) for site in ("eea", "us", "tr")}
    dead = replace(view().rest, url="https://gateway.example", host="gateway.example")
    for home in ({}, {"private @global/demo": GREETED}):
        findings, _, facts = look(
            error("50101"), plain=None, site="custom", rest=dead, sockets={**elsewhere, **home}
        )  # fmt: skip
        assert one(findings).code == "key.wrong-environment"
        assert facts.flips[0].environment == "demo"
    assert one(findings).confidence is Confidence.CERTAIN


# ---- the channels -----------------------------------------------------------------------------------


def test_a_channel_that_too_many_hold() -> None:
    finding = one(look(respond=peer(full=("orders",)))[0])
    assert finding.code == "ws.connection-limit"
    assert (finding.evidence["channels"], finding.evidence["connections"]) == (["orders"], [30])


def test_private_channels_that_tell_nothing() -> None:
    finding = one(look(respond=peer(data=()))[0])
    assert finding.code == "ws.silent"
    assert finding.evidence["channels"] == ["account"]


def test_orders_tell_nothing_at_the_start_and_positions_perhaps() -> None:
    for data in (("account", "positions"), ("account",)):
        findings, io, _ = look(respond=peer(data=data))
        assert findings == ()
        assert io.elapsed_s < 0.3


@pytest.mark.parametrize("path", ["public", "business"])
def test_a_gateway_to_another_path(path: str) -> None:
    finding = one(look(respond=peer(path=path))[0])
    assert finding.code == "ws.wrong-path"
    assert (finding.evidence["asked"], finding.evidence["leads_to"]) == ("private", path)


def refusing(code: str) -> Callable[[str], Iterable[str | int]]:
    return lambda text: ["pong"] if text == "ping" else [error(code, "no", id=json.loads(text)["id"])]


def test_a_login_that_is_forgotten_at_once() -> None:
    """Accepted, and the subscription behind it is told to log in: nothing private would ever come."""
    finding = one(look(respond=refusing("60011"))[0])
    assert (finding.code, finding.confidence) == ("ws.login-refused", Confidence.LIKELY)
    assert finding.evidence["login_code"] == "0"


@pytest.mark.parametrize("code", ["64003", "60012", "50026", "63999"])
def test_a_subscription_that_is_refused_otherwise_is_a_blind_spot(code: str) -> None:
    with pytest.raises(Inconclusive, match=f"a private subscription is refused: {code} no"):
        look(respond=refusing(code))


def test_too_many_connections_in_a_second() -> None:
    shut = Talk(opening=Opening(url="wss://x", ok=False, status=429))
    assert codes(look(sockets={"private": shut})[0]) == ["ws.connection-limit"]


@pytest.mark.parametrize(("rest", "expected"), [(ok([{"ts": "1"}]), True), (page(522), False)])
def test_an_edge_that_answers_429_while_rest_is_out_of_reach_counts_nothing(rest: Scripted, expected: bool) -> None:
    """The key check has nothing to say then: REST is asked whether it is there."""
    io = FakeIo(
        http_script={"GET /api/v5/public/time": rest},
        sockets={"private": Talk(opening=Opening(url="wss://x", ok=False, status=429))},
    )
    if expected:
        assert codes(run(CHECK, io)[1]) == ["ws.connection-limit"]
        return
    with pytest.raises(Skip) as caught:
        run(CHECK, io)
    assert caught.value.layer == "ws"


def test_a_websocket_that_does_not_open_is_the_other_checks() -> None:
    shut = Opening(url="wss://x", ok=False, failure=Failure(kind="refused", phase="connect"))
    with pytest.raises(Skip) as caught:
        look(sockets={"private": Talk(opening=shut)})
    assert caught.value.layer == "ws"


@pytest.mark.parametrize(
    "shut",
    [
        Opening(url="wss://x/private", ok=False, status=404),
        Opening(url="wss://x/private", ok=False, status=101, failure=Failure(kind="protocol", phase="upgrade")),
    ],
)
def test_a_path_that_does_not_open_while_rest_accepts_the_key_is_blocked(shut: Opening) -> None:
    finding = one(look(sockets={"private": Talk(opening=shut)})[0])
    assert finding.code == "ws.blocked"
    assert "/private" in finding.summary
    with pytest.raises(Skip):
        look(sockets={"private": Talk(opening=shut)}, plain=KeyStanding(standing="refused", code="50113"))
    assert finding.confidence is Confidence.CERTAIN


def test_an_upgrade_that_was_lost_once_is_not_certain() -> None:
    lost = Opening(url="wss://x/private", ok=False, failure=Failure(kind="timeout", phase="upgrade"))
    finding = one(
        look(sockets={"private": Talk(opening=lost)}, script={"GET /api/v5/public/time": ok([{"ts": "1"}])})[0]
    )
    assert (finding.code, finding.confidence) == ("ws.blocked", Confidence.LIKELY)
    gone = {"GET /api/v5/public/time": failed("timeout", "first-byte")}
    with pytest.raises(Skip) as caught:
        look(sockets={"private": Talk(opening=lost)}, script=gone)
    assert caught.value.layer == "http"


def test_an_upgrade_that_stands_the_second_time_is_used() -> None:
    shut = Opening(url="wss://x/private", ok=False, failure=Failure(kind="reset", phase="upgrade"))
    talks = iter([Talk(opening=shut), Talk(login=(GREETING,), respond=peer())])

    class Second(FakeIo):
        async def open_socket(self, *_: Any, **__: Any) -> FakeSocket:
            socket = FakeSocket(self, next(talks))
            self.opened.append(socket)
            return socket

    io = Second(records=(ACCEPTED,), http_script={"GET /api/v5/public/time": ok([{"ts": "1"}])})
    assert run(CHECK, io)[1] == ()
    assert [socket.closed for socket in io.opened] == [True, True]


# ---- endings ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [1006, 4005, 4007])
def test_an_end_on_the_login_twice(code: int) -> None:
    findings, _, _ = look(code)
    finding = one(findings)
    assert finding.code == "ws.drops"
    assert finding.evidence["close_code"] == code
    assert finding.confidence is Confidence.CERTAIN
    assert (finding.evidence["ended"], finding.evidence["connections"]) == (2, 2)


def test_an_end_once_is_a_warning_and_the_rest_is_judged() -> None:
    talks = iter([Talk(login=(1006,)), Talk(login=(GREETING,), respond=peer(full=("orders",)))])

    class Once(FakeIo):
        async def open_socket(self, *_: Any, **__: Any) -> FakeSocket:
            socket = FakeSocket(self, next(talks))
            self.opened.append(socket)
            return socket

    _, findings = run(CHECK, Once(records=(ACCEPTED,)))
    assert [(each.code, each.severity) for each in findings] == [
        ("ws.drops", Severity.WARNING), ("ws.connection-limit", None),
    ]  # fmt: skip


def test_a_close_that_says_login_failed_is_a_refusal() -> None:
    finding = one(look(4001)[0])
    assert finding.code == "ws.login-refused"
    assert finding.evidence["close_code"] == 4001
    with pytest.raises(Skip) as caught:
        look(4001, plain=KeyStanding(standing="refused", code="50113"))
    assert caught.value.layer == "key"


@pytest.mark.parametrize(
    ("code", "cause", "names"),
    [
        ("50113", "signature.unexplained", "requests are changed on the way"),
        ("50105", "header.missing", "OK-ACCESS-PASSPHRASE does not arrive as it is sent"),
    ],
)
def test_what_rest_refuses_and_a_login_proves_right_is_changed_on_the_way(code: str, cause: str, names: str) -> None:
    finding = one(look(plain=KeyStanding(standing="refused", code=code))[0])
    assert (finding.code, finding.subject, finding.confidence) == (cause, "rest", Confidence.LIKELY)
    assert names in finding.summary
    assert finding.evidence["rest_code"] == code


@pytest.mark.parametrize("code", ["50119", "50110", "50101", "50120", "50111"])
def test_what_rest_refuses_for_other_reasons_proves_nothing_of_the_way(code: str) -> None:
    assert look(plain=KeyStanding(standing="refused", code=code))[0] == ()


def test_an_end_on_the_subscription() -> None:
    assert codes(look(respond=peer(first=[1011]))[0]) == ["ws.drops"]
    assert codes(look(respond=peer(first=[4003]))[0]) == ["ws.connection-limit"]


def test_a_notice_accounts_for_the_end() -> None:
    notice = json.dumps({"event": "notice", "code": "64008", "msg": "soon"})
    assert codes(look(respond=peer(first=[notice]))[0]) == ["ws.service-upgrade"]
    assert codes(look(respond=peer(first=[notice, 1001]))[0]) == ["ws.service-upgrade"]
    assert codes(look(notice, GREETING)[0]) == ["ws.service-upgrade"]


# ---- total ----------------------------------------------------------------------------------------------


@given(st.builds(Facts))
def test_any_facts_are_judged(facts: Facts) -> None:
    judged(CHECK, facts)


@given(
    st.builds(Facts),
    st.sampled_from(["0", "", "60032", "50101", "60007", "60009", "60006", "60014"]),
    st.lists(st.builds(Flip), max_size=2).map(tuple),
    st.lists(st.builds(Channel), max_size=3).map(tuple),
)
def test_any_login_is_judged(facts: Facts, code: str, flips: tuple[Flip, ...], channels: tuple[Channel, ...]) -> None:
    login: Login = replace(facts.login, code=code, ended=None)
    judged(CHECK, replace(facts, status=101, login=login, flips=flips, channels=channels))


def test_the_probe_survives_a_cancelled_wait() -> None:
    async def cancelled() -> FakeIo:
        io = FakeIo(sockets={"private": Talk(login=(GREETING,), respond=peer())}, records=(ACCEPTED,))
        task = asyncio.ensure_future(CHECK.probe(io))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return io

    assert all(socket.closed for socket in asyncio.run(cancelled()).opened)


@pytest.mark.parametrize(("count", "connections"), [("7", 7), ("", 0), ("²", 0), ("x", 0), ("123456789", 0)])
def test_a_count_of_connections_that_is_no_number_is_none(count: str, connections: int) -> None:
    """Characters that Python calls digits are no decimal digits, and a hostile one must not end the run."""

    def respond(text: str) -> Iterable[str | int]:
        for each in peer()(text):
            told = json.loads(each) if isinstance(each, str) and each.startswith("{") else {}
            yield json.dumps({**told, "connCount": count}) if "connCount" in told else each

    _, _, facts = look(respond=respond)
    assert {channel.connections for channel in facts.channels} == {connections}
