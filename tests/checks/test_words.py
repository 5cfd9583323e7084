"""Numbers, times and lists in one line."""

from __future__ import annotations

import math

import pytest

from okxdoctor_checks._words import counted, duration, finite, listed, moment


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0 ms"),
        (0.0042, "4 ms"),
        (0.9994, "999 ms"),
        (0.9996, "1.0 s"),
        (-45.02, "45.0 s"),
        (599.9, "599.9 s"),
        (600.0, "10 min"),
        (5 * 3600 + 45 * 60, "5 h 45 min"),
        (8 * 3600, "8 h"),
        (3 * 86400, "3.0 d"),
        (math.inf, "an unknown time"),
        (math.nan, "an unknown time"),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ([], ""),
        (["a"], "a"),
        (["a", "b"], "a and b"),
        (["a", "b", "c"], "a, b and c"),
        (list("abcdef"), "a, b, c, d and 2 more"),
    ],
)
def test_listed(words: list[str], text: str) -> None:
    assert listed(words) == text


def test_finite_is_what_json_can_carry() -> None:
    assert finite(1.23456) == 1.235
    assert finite(math.nan) is None
    assert finite(-math.inf) is None


def test_counted() -> None:
    assert (counted(1, "answer"), counted(0, "answer")) == ("1 answer", "0 answers")


def test_moment_is_whatever_a_calendar_makes_of_it() -> None:
    assert moment(1_700_000_000_123) == "2023-11-14T22:13:20.123Z"
    assert moment(None) == ""
    assert moment(10**18) == "1000000000000000000"
