"""How numbers are written: each habit has its own name, and plain text has none."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from okxdoctor.okx.precision import plain_text
from okxdoctor.okx.wire_numbers import NumberFlaw, WireValue, number_flaws, without_noise

PROPERTY = settings(max_examples=300, deadline=None, database=None)
F = NumberFlaw


@pytest.mark.parametrize(
    ("value", "flaws"),
    [
        ("0.1", ()),
        ("100", ()),
        ("1.50", ()),
        ("-0.25", ()),
        ("0", ()),
        ("12345678901234567890", ()),
        ("", (F.ABSENT,)),
        (None, (F.ABSENT,)),
        (True, (F.NOT_A_NUMBER,)),
        (5, (F.NOT_TEXT,)),
        (0.5, (F.NOT_TEXT,)),
        (Decimal("0.5"), (F.NOT_TEXT,)),
        (1e-5, (F.NOT_TEXT, F.EXPONENT)),
        (0.1 + 0.2, (F.NOT_TEXT, F.FLOAT_NOISE)),
        (float("nan"), (F.NOT_TEXT, F.NOT_FINITE)),
        ("1e-05", (F.EXPONENT,)),
        ("1E+2", (F.EXPONENT,)),
        ("0.30000000000000004", (F.FLOAT_NOISE,)),
        ("67000.00000000001", (F.FLOAT_NOISE,)),
        ("0.1000000000000000055511151231257827021181583404541015625", (F.FLOAT_NOISE,)),
        ("2.9999999999999996", (F.FLOAT_NOISE,)),
        ("1.0000000000000002e-5", (F.EXPONENT, F.FLOAT_NOISE)),
        ("1,234.5", (F.THOUSANDS,)),
        ("1,234,567", (F.THOUSANDS,)),
        ("1,5", (F.DECIMAL_COMMA,)),
        ("1_000", (F.UNDERSCORE,)),
        (" 1", (F.WHITE_SPACE,)),
        ("1\n", (F.WHITE_SPACE,)),
        ("+1", (F.PLUS_SIGN,)),
        (".5", (F.BARE_POINT,)),
        ("5.", (F.BARE_POINT,)),
        ("-.5", (F.BARE_POINT,)),
        ("007", (F.LEADING_ZEROS,)),
        ("00.5", (F.LEADING_ZEROS,)),
        ("00", (F.LEADING_ZEROS,)),
        ("5", ()),
        ("1€", (F.NOT_A_NUMBER,)),
        # 12 digits under the noise are short enough to be meant, 13 are not
        ("1234.567890120000004", (F.FLOAT_NOISE,)),
        ("1234.567890123000004", ()),
        # 16 digits can be noise, 15 cannot: a double shows 15 digits of any decimal faithfully
        ("0.1000000000000001", (F.FLOAT_NOISE,)),
        ("0.100000000000001", ()),
        ("１２", (F.FOREIGN_DIGITS,)),
        ("NaN", (F.NOT_FINITE,)),
        ("-Infinity", (F.NOT_FINITE,)),
        ("abc", (F.NOT_A_NUMBER,)),
        ("1.2.3", (F.NOT_A_NUMBER,)),
        ("$5", (F.NOT_A_NUMBER,)),
        (" +1,000.50", (F.WHITE_SPACE, F.PLUS_SIGN, F.THOUSANDS)),
    ],
)
def test_every_flaw_is_named(value: WireValue, flaws: tuple[NumberFlaw, ...]) -> None:
    assert number_flaws(value) == flaws


@pytest.mark.parametrize(
    "text",
    ["0.1234567890123456", "3.141592653589793", "123456789.12345678", "1.000000000000000", "99999.99999999", "1" * 20],
)
def test_many_meant_digits_are_no_noise(text: str) -> None:
    assert number_flaws(text) == ()


def test_a_multiple_of_its_step_is_no_noise() -> None:
    assert number_flaws("100000000.00000001") == (F.FLOAT_NOISE,)
    assert number_flaws("100000000.00000001", step="0.00000001") == ()


@PROPERTY
@given(st.integers(1, 10**9), st.integers(0, 9), st.sampled_from([2, 3, 7, 10]))
def test_the_number_under_the_noise_is_found(units: int, places: int, times: int) -> None:
    """Adding a decimal to itself in floats leaves noise or not; the text under it is always the exact sum."""
    exact = Fraction(units, 10**places) * times
    total = 0.0
    for _ in range(times):
        total += units / 10**places
    text = repr(total)
    if "e" in text or Fraction(text) == exact:
        return
    assert number_flaws(text) == (F.FLOAT_NOISE,)
    meant = without_noise(text)
    assert meant is not None
    assert Fraction(meant) == exact


@PROPERTY
@given(st.integers(0, 10**12), st.integers(0, 12))
def test_plain_text_of_a_usual_length_has_no_flaw(units: int, places: int) -> None:
    assert number_flaws(plain_text(f"{units}e-{places}")) == ()


@PROPERTY
@given(st.text() | st.integers() | st.floats() | st.booleans() | st.none() | st.decimals())
def test_judging_is_total(value: WireValue) -> None:
    number_flaws(value)
    number_flaws(value, step="0.1")


def test_numbers_of_absurd_size_are_judged() -> None:
    assert number_flaws(10**100_000)[0] is F.NOT_TEXT
    assert number_flaws("9" * 100_000) == ()
    assert number_flaws("1e999999999") == (F.NOT_A_NUMBER,)
