"""Numbers with their units, text that is safe, pieces of remedies."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okxdoctor.reports.paint import as_typed, is_command, packed, steps
from okxdoctor.reports.words import ascii_only, cut, duration, measure, number, one_line


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("skew_s", 45.02, "skew 45.02 s"),
        ("skew_s", -0.00012345678, "skew -0.000123457 s"),
        ("round_trip_ms", 80, "round trip 80 ms"),
        ("loss_percent", 12.5, "loss 12.5%"),
        ("pong_ms", None, "pong none"),
        ("key_bits", 1024, "key 1024 bits"),
        ("code", "50102", "code 50102"),
        ("port", 8443, "port 8443"),
        ("ok", True, "ok yes"),
        ("ok_s", False, "ok s no"),
        ("days", 3, "days 3"),
        ("ip", [], "ip none"),
        ("perm", ["read", "trade"], "perm read, trade"),
        ("who", {"a": 1, "b": [None]}, "who a 1, b none"),
        ("text", "", "text (empty)"),
        ("id", 12345678901234567890, "id 12345678901234567890"),
        ("x", math.inf, "x inf"),
        ("big_s", 1e30, "big 1e+30 s"),
    ],
)
def test_measures(name: str, value: object, shown: str) -> None:
    assert measure(name, value) == shown  # type: ignore[arg-type]


@given(st.floats(min_value=-1e300, max_value=1e300, allow_nan=False))
def test_numbers_keep_six_digits_or_three_with_an_exponent(value: float) -> None:
    assert math.isclose(float(number(value)), value, rel_tol=5e-3)


@pytest.mark.parametrize(("ms", "shown"), [(0, "0 ms"), (412.7, "413 ms"), (999.4, "999 ms"), (1234, "1.2 s")])
def test_durations(ms: float, shown: str) -> None:
    assert duration(ms) == shown


@given(st.text())
def test_one_line_is_one_printable_line(text: str) -> None:
    assert all(c.isprintable() or c == "\u00a0" for c in one_line(text))
    assert ascii_only(text).isascii()


@given(st.text(max_size=30), st.integers(1, 40))
def test_cut_fits(text: str, room: int) -> None:
    assert len(cut(text, room)) <= room or room == 1


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("sudo chronyc makestep", True),
        ("Linux: sudo chronyc makestep", True),
        ("printf '%s' \"$OKX_SECRET_KEY\" | wc -c", True),
        ("Lost: the secret is shown only once", False),
        ("In CI: okxdoctor run for the gate, live checks elsewhere", False),
        ("Take the key again", False),
        ("# a comment", False),
        ("live key: okxdoctor run --target live", True),
        ("for i in 1 2 3; do date; done", True),
        ("systemd: add EnvironmentFile= to the unit; Docker: pass --env-file", False),
        ("ccxt users: apiKey = key id, secret = secret key", False),
        ("short opens a position, long closes one", False),
        ("catalogue the keys", False),
    ],
)
def test_commands(text: str, command: bool) -> None:
    assert is_command(text) is command


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("okxdoctor run", "okxdoctor run"),
        ("okxdoctor run   # once more", "okxdoctor run   # once more"),
        ("Linux: sudo chronyc makestep   (where chrony runs)", "sudo chronyc makestep   # Linux; where chrony runs"),
        ("Windows (as administrator): w32tm /resync", "w32tm /resync   # Windows (as administrator)"),
        ("curl -s 'http://a.test/?x=(1)'", "curl -s 'http://a.test/?x=(1)'"),
    ],
)
def test_a_command_is_shown_as_a_shell_takes_it(text: str, typed: str) -> None:
    assert as_typed(text) == typed


def test_records_stand_further_apart_than_their_members() -> None:
    assert measure("seen", [{"a": 1, "b": 2}, {"a": 3}]) == "seen a 1, b 2; a 3"
    assert measure("seen", ["a, b", "c"]) == "seen a, b; c"
    assert measure("seen", [1, 2]) == "seen 1, 2"


def test_minus_zero_is_zero() -> None:
    assert measure("skew_s", -0.0) == "skew 0 s"


@given(st.text(alphabet="ab ,:#L", max_size=80), st.integers(12, 60))
def test_steps_lose_no_word(text: str, width: int) -> None:
    assert "".join(" ".join(steps(text, width)).split()) == "".join(text.split())


@given(st.lists(st.text(alphabet="abc ", min_size=1, max_size=30).map(str.strip).filter(bool)), st.integers(20, 60))
def test_packed_lines_fit(items: list[str], width: int) -> None:
    lines = list(packed(items, width, "  label "))
    assert all(len(line) <= width for line in lines)
    assert "".join("".join(lines).replace("label", "").replace("·", "").split()) == "".join("".join(items).split())
