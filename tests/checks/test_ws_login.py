"""A refused login at a private WebSocket: where else the key is tried, and what the answers there prove."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from fakeio import FakeIo, Talk, view

from okxdoctor.model import Confidence, Finding
from okxdoctor.port import Opening
from okxdoctor_checks._ws_login import Flip, Login, Refused, not_logged_in, tried_elsewhere

URL = "wss://ws.okx.com/ws/v5/private"
UNKNOWN = Login(code="60032", said="60032 API key doesn't exist")
ACCEPTED = Login(code="0")
REFUSED = Refused(
    login=UNKNOWN, url=URL, site="global", environment="live", cell="global/live", rest_accepts=True, flips=()
)  # fmt: skip


def flip(site: str, environment: str, login: Login) -> Flip:
    return Flip(site=site, environment=environment, ws_url=f"wss://{site}.{environment}.test", login=login)


def judged(facts: Refused) -> Finding:
    (found,) = not_logged_in(facts)
    return found


@pytest.mark.parametrize(
    ("home", "cause"),
    [
        (("eea", "live"), "region.wrong-ws-host"),
        (("us", "live"), "region.wrong-ws-host"),
        (("global", "demo"), "key.wrong-environment"),
    ],
)
@pytest.mark.parametrize("code", ["60032", "50101"])
def test_the_place_that_accepts_decides_and_not_the_code(home: tuple[str, str], cause: str, code: str) -> None:
    login = replace(UNKNOWN, code=code)
    found = judged(replace(REFUSED, login=login, flips=(flip("eea", "demo", UNKNOWN), flip(*home, ACCEPTED))))
    assert (found.code, found.confidence) == (cause, Confidence.CERTAIN)
    assert found.evidence["ws_url"] == f"wss://{home[0]}.{home[1]}.test"
    assert f"okxdoctor run --ws-url wss://{home[0]}.{home[1]}.test" in found.remedy


def test_nobody_who_accepts_leaves_it_likely_and_without_an_address_to_use() -> None:
    found = judged(replace(REFUSED, flips=(flip("global", "demo", UNKNOWN),)))
    assert (found.code, found.confidence) == ("region.wrong-ws-host", Confidence.LIKELY)
    assert found.evidence["ws_url"] == ""
    assert not [step for step in found.remedy if "--ws-url" in step]


@pytest.mark.parametrize(
    ("logins", "rest_accepts", "code"),
    [
        ((UNKNOWN, UNKNOWN), None, "key.unknown"),
        ((UNKNOWN, UNKNOWN), True, "region.wrong-ws-host"),
        ((UNKNOWN,), None, "region.wrong-ws-host"),
        ((UNKNOWN, Login(code="60009", said="60009 Login failed")), None, "region.wrong-ws-host"),
        ((UNKNOWN, Login(), UNKNOWN), None, "key.unknown"),  # a place that did not answer says nothing
        ((UNKNOWN, Login()), None, "region.wrong-ws-host"),
    ],
)
def test_a_key_that_nobody_knows_is_unknown_only_where_all_of_several_say_so(
    logins: tuple[Login, ...], rest_accepts: bool | None, code: str
) -> None:
    flips = tuple(flip(f"site{n}", "live", login) for n, login in enumerate(logins))
    found = judged(replace(REFUSED, rest_accepts=rest_accepts, flips=flips))
    assert found.code == code
    assert found.confidence is Confidence.LIKELY


@pytest.mark.parametrize(("rest_accepts", "told"), [(True, "global/live accepts the key"), (None, "not asked")])
def test_what_rest_says_of_the_key_stands_beside_it(rest_accepts: bool | None, told: str) -> None:
    found = judged(replace(REFUSED, login=replace(UNKNOWN, code="60005", said="60005 no"), rest_accepts=rest_accepts))
    assert found.evidence["rest"] == told
    assert ("REST accepts the same key" in found.summary) == (rest_accepts is True)
    assert found.code == ("ws.login-refused" if rest_accepts else "key.malformed")


def elsewhere(accepting: str) -> tuple[tuple[Flip, ...], FakeIo]:
    """The places that are tried from global/live, of which one accepts."""
    refusal = '{"event":"error","code":"60032","msg":"API key doesn\'t exist"}'
    io = FakeIo(
        view=view(),
        sockets={
            f"private @{cell.site}/{cell.environment}": Talk(
                login=['{"event":"login","code":"0"}' if f"{cell.site}/{cell.environment}" == accepting else refusal]
            )
            for cell in view().cells
        },
    )
    return asyncio.run(tried_elsewhere(io, ("global", "live"), "global/live")), io


def test_the_nearest_places_are_tried_first_and_none_behind_the_one_that_accepts() -> None:
    flips, io = elsewhere("eea/live")
    assert [(each.site, each.environment, each.login.code) for each in flips] == [
        ("global", "demo", "60032"), ("eea", "live", "0"),
    ]  # fmt: skip
    assert all(socket.closed for socket in io.opened)
    nowhere, _ = elsewhere("")
    assert [f"{each.site}/{each.environment}" for each in nowhere] == ["global/demo", "eea/live", "us/live"]
    assert all(each.login.ms is not None for each in nowhere), "an answered login has its time"


def test_a_place_that_does_not_open_is_passed_over() -> None:
    shut = Talk(opening=Opening(url=URL, ok=False, status=503, elapsed_ms=5.0))
    io = FakeIo(
        view=view(),
        sockets={"private": Talk(login=['{"event":"login","code":"0"}']), "private @global/demo": shut},
    )  # fmt: skip
    flips = asyncio.run(tried_elsewhere(io, ("global", "live"), "global/live"))
    assert [(each.site, each.login.code, each.login.ms is None) for each in flips] == [
        ("global", "", True), ("eea", "0", False),
    ]  # fmt: skip
