"""Selections: which checks take part, in which order they are shown, and what a wrong word says."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from okxdoctor.check import Check, Io
from okxdoctor.model import Finding
from okxdoctor.runner.plan import PlanProblem, in_order, make_plan, read_by


async def nothing(io: Io) -> int:
    return 0


def none(facts: int) -> Iterable[Finding]:
    return ()


def check(name: str, *causes: str, **more: Any) -> Check[int]:
    return Check(
        id=name, title=name, facts=int, probe=nothing, evaluate=none, causes=causes or (f"{name}.wrong",), **more
    )  # fmt: skip


ENV, TLS, OWN = check("env"), check("tls", "tls.weak", "tls.expired"), check("mine", needs=("tls",))
KEY = check("key", "key.unknown", "region.wrong-rest-host", reads=("tls", "absent"), brings=("env",))
ALL = (OWN, KEY, TLS, ENV)


def ids(found: Iterable[Check[Any]]) -> list[str]:
    return [each.id for each in found]


def test_the_way_of_the_bytes_and_then_the_checks_of_others() -> None:
    assert ids(in_order((*ALL, check("abc")))) == ["env", "tls", "key", "abc", "mine"]
    late = check("env", reads=("tls",))
    assert ids(in_order((TLS, late))) == ["env", "tls"], "who waits for whom does not change what reports show first"


def test_a_circle_is_named_and_a_diamond_is_none() -> None:
    with pytest.raises(PlanProblem, match=r"wait for each other: a -> b -> c -> a"):
        in_order((check("a", needs=("b",)), check("b", reads=("c",)), check("c", needs=("a",))))
    diamond = (check("a", needs=("b", "c")), check("b", needs=("d",)), check("c", needs=("d",)), check("d"))
    assert ids(in_order(diamond)) == ["a", "b", "c", "d"]


def test_only_what_takes_part_is_read() -> None:
    assert read_by(KEY, ALL) == ("tls",)
    listener, other = check("schema", reads=("*",)), check("http", reads=("*",))
    assert read_by(listener, (*ALL, listener, other)) == ("mine", "key", "tls", "env")


@pytest.mark.parametrize(
    ("only", "skip", "chosen", "asked"),
    [
        ((), (), ["mine", "key", "tls", "env"], set()),
        (("key",), (), ["key", "env"], {"key"}),
        (("m*",), (), ["mine", "tls"], {"mine"}),
        (("tls.expired",), (), ["tls"], {"tls"}),
        (("region.*",), (), ["key", "env"], {"key"}),
        ((), ("key",), ["mine", "tls", "env"], set()),
        (("mine",), ("tls",), ["mine"], {"mine"}),
        ((), ("tls.expired",), ["mine", "key", "tls", "env"], set()),
    ],
)
def test_what_takes_part(only: tuple[str, ...], skip: tuple[str, ...], chosen: list[str], asked: set[str]) -> None:
    plan = make_plan(ALL, only=only, skip=skip)
    assert ids(plan.chosen) == chosen
    assert plan.asked == asked
    assert sorted(ids(each for each, _ in plan.left_out) + chosen) == sorted(ids(ALL))
    for each, why in plan.left_out:
        assert why == ("left out by --skip" if each.id in skip else "not selected by --only")


def test_a_cause_that_was_named_is_all_that_its_check_reports() -> None:
    plan = make_plan(ALL, only=("tls.exp*", "key"), skip=("region.*",))
    assert [plan.reports("tls", code) for code in ("tls.expired", "tls.weak")] == [True, False]
    assert [plan.reports("key", code) for code in ("key.unknown", "region.wrong-rest-host")] == [True, False]
    whole = make_plan(ALL)
    assert all(whole.reports(each.id, code) for each in ALL for code in each.causes)


@pytest.mark.parametrize(
    ("only", "skip", "says"),
    [
        (("tsl",), (), "--only tsl: no check"), ((), ("tsl",), "--skip tsl: no check"),
        (("tls", "nope.*"), (), "--only nope"), (("env",), ("env",), "leave no check to run"),
    ],
)  # fmt: skip
def test_a_word_that_selects_nothing_is_an_error(only: tuple[str, ...], skip: tuple[str, ...], says: str) -> None:
    with pytest.raises(PlanProblem, match=says.replace("*", r"\*")):
        make_plan(ALL, only=only, skip=skip)
