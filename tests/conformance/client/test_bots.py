"""The reference program through real rounds: right, it misses nothing; with one known mistake, exactly its cases.

All of them run side by side and mostly wait. `python tests/conformance/bots/mistakes.py` runs every mistake there is.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from okxdoctor.conformance.client.cases import cases, limits, only
from okxdoctor.conformance.client.suite import Outcome, Wish, run

sys.path.insert(0, str(Path(__file__).parents[1] / "bots"))

from mistakes import BOT, disagreement, enough, missed, several

ROUNDS = ("answer", "push", "book", "lost.cut", "refused.51008", "login.refused", "reconnect.cut-[plc]*")
"""Cases of circumstances that the right program is led through here."""
SHOWN = (
    "query-unsigned", "microseconds", "exponent", "inst-by-name", "other-host", "login-still-not-awaited",
    "no-subscription-again", "sends-again", "scode-ignored", "gap-ignored", "name-unchecked", "storms",
    "offset-ignored",
)  # fmt: skip


@pytest.fixture(scope="module")
def outcomes() -> dict[str, Outcome]:
    async def right() -> Outcome:
        parts = "rest,orders,public,private"
        environ = {"BOT_PACE": "0.15", "BOT_PARTS": parts}
        wish = Wish(
            command=(sys.executable, str(BOT)),
            cases=only(cases(), ROUNDS),
            healthy_s=20.0,
            jobs=8,
            limits=limits(),
            environ=environ,
            enough=enough(parts),
        )
        return await run(wish)

    async def all_of_them() -> dict[str, Outcome]:
        wrong, good = await asyncio.gather(several([*SHOWN], 4), right())
        return {**wrong, "none": good}

    return asyncio.run(all_of_them())


def test_a_right_program_misses_nothing(outcomes: dict[str, Outcome]) -> None:
    outcome = outcomes["none"]
    assert missed(outcome) == set()
    assert outcome.defects == ()
    assert outcome.exit_code("should") == 0
    idle = [one.case.id for one in outcome.graded if one.grade.verdict == "not exercised"]
    assert len(idle) <= 2, idle


@pytest.mark.parametrize("name", SHOWN)
def test_a_mistake_misses_its_cases_and_no_other(outcomes: dict[str, Outcome], name: str) -> None:
    assert disagreement(name, outcomes[name]) == ""
