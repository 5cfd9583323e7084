"""After a loss and around logins: the smallest difference between a program that is right and one that is not."""

from __future__ import annotations

from typing import Any

import pytest
from traces import ACCEPTED, LATER, ORDERS, graded, heard, login, opened, said, subscribe

from okxdoctor.conformance.client.trace import Closed, Event, Opened, Played, Said

NOTICE = {"event": "notice", "code": "64008", "msg": "upgrade", "connId": "a4d3ae55"}
REFUSED = {"event": "error", "code": "60009", "msg": "Login failed.", "connId": "a4d3ae55"}
OLD: list[Event] = [opened(1, "private"), heard(1, login()), said(1, ACCEPTED), heard(1, subscribe(ORDERS), at=0.2)]
TOLD = said(1, NOTICE, at=1.0, done="notice")


def end(at: float, by: Any = "circumstances", done: str = "notice") -> Closed:
    return Closed(at_s=at, conn=1, by=by, code=1006, done=done if by == "circumstances" else "")


def new(at: float, conn: int = 2, path: str = "private") -> Opened:
    return opened(conn, path, at=at)


@pytest.mark.parametrize(
    ("events", "verdict"),
    [
        ([*OLD, TOLD, new(2.0), end(5.0), LATER], "passed"),
        ([*OLD, TOLD, end(5.0), new(5.1), LATER], "failed"),
        ([*OLD, TOLD, end(2.0, by="program"), new(2.1), LATER], "passed"),
        ([*OLD, TOLD, end(5.0), LATER], "not exercised"),
        ([*OLD, TOLD, end(5.0), new(5.1, path="public"), LATER], "not exercised"),
        ([*OLD, end(5.0, done="cut"), new(5.1), LATER], "not exercised"),
        ([opened(1, "private"), TOLD, new(2.0), end(5.0), LATER], "not exercised"),
        # a connection that was there before the notice was not made because of it
        ([*OLD, new(0.5), TOLD, end(5.0), LATER], "not exercised"),
    ],
)
def test_a_notice_leaves_time_for_a_new_connection(events: list[Event], verdict: str) -> None:
    assert graded("reconnect.notice-early", *events, name="notice").verdict == verdict


def attempts(*at: float, first: int | None = None) -> list[Event]:
    """Upgrades after a loss at 1 s, refused but for the one at position ``first``."""
    loss = Closed(at_s=1.0, conn=1, by="circumstances", code=1006, done="cut-503")
    tries = [
        opened(
            n + 2, "private", at=when, status=101 if n == first else 503, done="" if n == first else "cut-503-refused"
        )
        for n, when in enumerate(at)
    ]
    return [*OLD, loss, *tries]


@pytest.mark.parametrize(
    ("at", "first", "grows"),
    [
        ((1.5, 2.0, 2.5, 3.2), None, "passed"),
        ((1.5, 2.0, 2.5, 3.1), None, "failed"),  # 0.6 s after 0.5 s: no more than jitter
        ((1.5, 2.0, 3.0, 3.5), None, "passed"),
        ((1.5, 3.5, 5.5, 7.5), None, "passed"),  # never quicker than every 2 s
        ((1.5, 3.4, 5.3, 7.2), None, "failed"),
        ((1.5, 2.0, 2.5), None, "not exercised"),
        # what comes after the attempt that succeeded is another story
        ((1.5, 2.0, 2.5, 3.0), 3, "failed"), ((1.5, 2.0, 2.5, 3.0, 3.5), 2, "not exercised"),
    ],
)  # fmt: skip
def test_pauses_that_grow(at: tuple[float, ...], first: int | None, grows: str) -> None:
    assert graded("reconnect.cut-503-pauses", *attempts(*at, first=first), name="cut-503").verdict == grows


@pytest.mark.parametrize(
    ("at", "verdict"),
    [
        ((2.0, 2.2, 2.4, 2.85), "failed"), ((2.0, 2.3, 2.6, 2.95), "passed"),
        ((2.0, 2.1, 2.2, 3.2, 3.3, 3.4), "passed"),
        ((2.0, 3.0, 3.1, 3.2, 3.3), "failed"), ((2.0,), "passed"), ((), "not exercised"),
    ],
)  # fmt: skip
def test_no_more_than_three_attempts_in_a_second(at: tuple[float, ...], verdict: str) -> None:
    assert graded("reconnect.cut-503-storm", *attempts(*at), name="cut-503").verdict == verdict


def logins(*at: float, refused: bool = True, one_connection: bool = False) -> list[Event]:
    events: list[Event] = []
    for n, when in enumerate(at, 1):
        conn = 1 if one_connection else n
        if conn == n:
            events.append(opened(conn, "private", at=when))
        events.append(heard(conn, login(str(1_700_000_000 + n)), at=when))
        if refused:
            events.append(said(conn, REFUSED, at=when + 0.01, done="login-refused"))
    return [*events, LATER]


@pytest.mark.parametrize("one_connection", [False, True])
@pytest.mark.parametrize(
    ("at", "refused", "verdict"),
    [
        ((0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6), True, "failed"),  # seven within 2 s
        ((0.0, 0.1, 0.2, 0.3, 0.4, 0.5), True, "passed"),
        ((0.0, 0.4, 0.8, 1.2, 1.6, 2.0, 2.4), True, "passed"),
        ((0.0, 5.0, 5.1, 5.2, 5.3, 5.4, 5.5, 5.6), True, "failed"),
        ((0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6), False, "not exercised"),
    ],
)
def test_a_refused_login_is_not_repeated_in_a_rush(
    at: tuple[float, ...], refused: bool, verdict: str, one_connection: bool
) -> None:
    events = logins(*at, refused=refused, one_connection=one_connection)
    assert graded("login.storm", *events, name="login-refused").verdict == verdict


@pytest.mark.parametrize(
    ("first", "second", "later_s", "verdict"),
    [
        ("1700000000", "1700000000", 3.0, "failed"), ("1700000000", "1700000003", 3.0, "passed"),
        ("1700000000", "1700000000", 1.0, "passed"),  # within one second both are of the same moment
    ],
)  # fmt: skip
def test_a_login_is_made_anew(first: str, second: str, later_s: float, verdict: str) -> None:
    events = [opened(1, "private"), heard(1, login(first)), opened(2, "private", at=later_s)]
    assert graded("login.fresh", *events, heard(2, login(second), at=later_s)).verdict == verdict
    assert graded("login.fresh", *events).verdict == "not exercised"


def test_the_same_login_again_on_its_own_connection_is_another_requirement() -> None:
    events = [opened(1, "private"), heard(1, login()), heard(1, login(), at=5.0)]
    assert graded("login.fresh", *events).verdict == "passed"


@pytest.mark.parametrize(
    ("acts", "verdict"),
    [
        ([], "passed"),
        ([heard(1, subscribe(ORDERS), at=2.0)], "failed"),
        ([heard(1, subscribe(ORDERS), at=4.0)], "passed"),
        ([heard(1, "ping", at=2.0)], "passed"),
        ([heard(1, subscribe({"channel": "tickers", "instId": "BTC-USDT"}), at=2.0)], "passed"),
    ],
)
def test_nothing_private_is_sent_before_the_answer_to_the_login(acts: list[Event], verdict: str) -> None:
    late = Played(at_s=0.1, name="login-late", conn=1)
    answer: Said = said(1, ACCEPTED, at=3.0, done="login-late")
    events = sorted(
        [opened(1, "private"), heard(1, login(), at=0.05), late, answer, *acts, LATER], key=lambda e: e.at_s
    )
    assert graded("login.awaited-late", *events, name="login-late").verdict == verdict
    before = [event for event in events if event is not late]
    assert graded("login.awaited-late", *before, name="login-late").verdict == "not exercised"
