"""A check that reads every other one hears what they all heard, once they have settled."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest

from okxdoctor.check import Check, Skip
from okxdoctor.model import Outcome, Report, TargetName
from okxdoctor.port import Answer, Ask, Frame, Io, Opening, Traffic
from okxdoctor.runner.plan import PlanProblem, in_order, make_plan, read_by
from okxdoctor.runner.run import Options, run_checks


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    heard: tuple[str, ...] = ()


@dataclass
class Socket:
    opening: Opening
    frames: tuple[Frame, ...] = ()


@dataclass
class Wire:
    """Answers every request by its path, and opens a WebSocket that has said two things."""

    asked: list[str] = field(default_factory=list)

    async def http(self, ask: Ask) -> Answer:
        await asyncio.sleep(0)
        self.asked.append(ask.path)
        return Answer(method=ask.method, path=ask.path, url=f"https://x.test{ask.path}", status=200)

    async def open_socket(self, path: str, **how: Any) -> Socket:
        opening = Opening(url=f"wss://x.test/{path}", ok=path != "private")
        said = [
            Frame(direction=direction, kind=kind, at_ms=1.0, text=text)
            for direction, kind, text in (
                ("sent", "text", "ping"), ("received", "text", "pong"), ("received", "close", ""),
                ("received", "text", '{"event":"x"}'),
            )
        ]  # fmt: skip
        return Socket(opening=opening, frames=tuple(said))  # type: ignore[arg-type]


NAME = TargetName(kind="sim", site="global", rest="https://x.test", ws="wss://x.test")


@dataclass
class Target:
    io: Any = field(default_factory=Wire)
    saved: None = None
    effort: tuple[int, int] = (0, 0)
    name: TargetName = NAME


def asks(*paths: str) -> Any:
    async def probe(io: Io) -> Facts:
        for path in paths:
            await io.http(Ask(method="GET", path=path))
        await io.open_socket("public")
        await io.open_socket("private")
        if paths[-1] == "/gives-up":
            raise Skip("enough")
        return Facts()

    return probe


async def listens(io: Io) -> Facts:
    heard = await io.given(Traffic)
    assert heard is not None
    texts = tuple(text for each in heard.conversations for text in each.received)
    return Facts(heard=(*sorted(answer.path for answer in heard.answers), *texts))


def make(id: str, probe: Any, reads: tuple[str, ...] = ()) -> Check[Facts]:
    return Check(id=id, title=id, facts=Facts, probe=probe, evaluate=lambda facts: (), causes=(), reads=reads)


def go(*checks: Check[Facts]) -> Report:
    async def main() -> Report:
        return await run_checks(make_plan(in_order(checks)), Target(), Options())

    return asyncio.run(main())


def test_everything_that_others_heard_is_heard() -> None:
    report = go(make("a", asks("/a1", "/a2")), make("z", asks("/gives-up")), make("schema", listens, ("*",)))
    (listener,) = (attempt for attempt in report.attempts if attempt.check == "schema")
    assert listener.outcome is Outcome.COMPLETED
    heard = listener.facts["heard"]  # type: ignore[index,call-overload]
    # Also of a check that gave up; of a WebSocket that did not open, and of what was sent, nothing.
    assert heard == ("/a1", "/a2", "/gives-up", "pong", '{"event":"x"}', "pong", '{"event":"x"}')


def test_those_who_read_every_check_do_not_wait_for_each_other() -> None:
    one, other, third = make("one", listens, ("*",)), make("other", listens, ("*",)), make("third", asks("/x"))
    assert read_by(one, (one, other, third)) == ("third",)
    report = go(one, other, third)
    assert {attempt.outcome for attempt in report.attempts} == {Outcome.COMPLETED}


def test_a_circle_through_one_who_reads_every_check_is_refused() -> None:
    with pytest.raises(PlanProblem, match="wait for each other"):
        in_order((make("schema", listens, ("*",)), make("a", asks("/a"), ("schema",))))


def test_read_by_leaves_out_who_does_not_take_part() -> None:
    assert read_by(make("a", listens, ("b", "gone")), (make("b", listens),)) == ("b",)
