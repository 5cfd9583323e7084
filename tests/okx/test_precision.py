"""Rounding against an oracle of exact fractions, and reading of number texts.

The oracle here is the definition itself: the result is a grid price, and no grid price lies between it and
what was asked. (`tests/vectors` compares single results with another oracle.)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal, getcontext, localcontext
from fractions import Fraction
from typing import get_args

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from okxdoctor.okx.precision import (
    MAX_DIGITS,
    Band,
    Mode,
    PrecisionError,
    least_size,
    parse,
    plain_text,
    round_price,
    round_size,
    tick_in_force,
)

PROPERTY = settings(max_examples=250, deadline=None, database=None)

CM_OPTION = (Band(min="0", max="0.005", tick="0.0001"), Band(min="0.005", max="10000000", tick="0.0005"))
# As recorded, with its odd lower bound: the second band starts at 5, whatever its minimum says.
UM_OPTION = (Band(min="0", max="5", tick="1"), Band(min="0.005", max="150000", tick="5"))

# ---- the oracle --------------------------------------------------------------------------------------------

Rows = list[tuple[Fraction | None, Fraction | None, Fraction]]
"""(inclusive low or None, exclusive high or None, tick)."""


def rows_of(bands: Sequence[Band]) -> Rows:
    ordered = sorted(bands, key=lambda band: Fraction(band.max) if band.max else Fraction(10**60))
    highs = [Fraction(band.max) if band.max else None for band in ordered[:-1]] + [None]
    lows = [None, *highs[:-1]]
    return [(low, high, Fraction(band.tick)) for low, high, band in zip(lows, highs, ordered, strict=True)]


def is_on(price: Fraction, rows: Rows) -> bool:
    return any(
        (low is None or price >= low) and (high is None or price < high) and (price / tick).denominator == 1
        for low, high, tick in rows
    )


def any_between(after: Fraction, until: Fraction, rows: Rows) -> bool:
    """Whether a grid price lies in the open interval (after, until)."""
    for low, high, tick in rows:
        step = math.floor(after / tick) + 1
        if low is not None:
            step = max(step, math.ceil(low / tick))
        point = step * tick
        if point < until and (high is None or point < high):
            return True
    return False


# ---- inputs ------------------------------------------------------------------------------------------------

TICKS = (
    "0.5",
    "5",
    "0.0005",
    "0.000000000001",
    "0.1",
    "0.01",
    "1",
    "10",
    "0.05",
    "0.0002",
    "0.00005",
    "0.3",
    "4.7619",
    "25",
)


@st.composite
def decimal_texts(draw: st.DrawFn, *, negative: bool = True) -> str:
    """Plain and exponent writings, up to 45 digits: well beyond a double and the default decimal context."""
    units = draw(st.one_of(st.integers(0, 10**6), st.integers(0, 10**45)))
    places = draw(st.integers(0, 20))
    sign = draw(st.sampled_from(["", "-"])) if negative else ""
    digits = str(units).rjust(places + 1, "0")
    text = f"{digits[:-places]}.{digits[-places:]}" if places else digits
    exponent = draw(st.one_of(st.just(""), st.integers(-15, 15).map(lambda n: f"e{n}")))
    return f"{sign}{text}{exponent}"


@st.composite
def band_lists(draw: st.DrawFn) -> tuple[Band, ...]:
    ticks = draw(st.lists(st.sampled_from(TICKS), min_size=1, max_size=4))
    eighths = st.integers(1, 4000).map(lambda n: str(Decimal(n) / 8))
    bounds = draw(st.lists(eighths, min_size=len(ticks) - 1, max_size=len(ticks) - 1, unique=True))
    bounds.sort(key=Fraction)
    last = draw(st.sampled_from([None, "", "1000000000"]))
    bands = tuple(Band(tick=tick, max=high) for tick, high in zip(ticks, [*bounds, last], strict=True))
    return tuple(draw(st.permutations(bands)))


GRIDS = st.one_of(
    band_lists(), st.sampled_from([CM_OPTION, UM_OPTION]), st.sampled_from(TICKS).map(lambda t: (Band(tick=t),))
)


@st.composite
def prices_and_grids(draw: st.DrawFn) -> tuple[str, tuple[Band, ...]]:
    """A price anywhere, or right at or beside a boundary of the bands."""
    bands = draw(GRIDS)
    bounds = [band.max for band in bands if band.max]
    beside: bool = draw(st.booleans())
    if bounds and beside:
        bound = draw(st.sampled_from(bounds))
        offset = draw(st.integers(-30, 30))
        scale = draw(st.sampled_from([1, 10, 1000, 10**13]))
        value = Fraction(bound) + Fraction(offset, scale)
        places = 20
        text = str(Decimal(value.numerator * 10**places // value.denominator).scaleb(-places)) if value >= 0 else "0"
        with localcontext() as context:
            context.prec = 80
            text = format(Decimal(text), "f")
        return text, bands
    return draw(decimal_texts()), bands


# ---- rounding a price --------------------------------------------------------------------------------------


@PROPERTY
@given(prices_and_grids())
def test_down_and_up_are_the_grid_neighbours(case: tuple[str, tuple[Band, ...]]) -> None:
    price, bands = case
    value, rows = Fraction(price), rows_of(bands)
    below = Fraction(round_price(price, grid=bands, mode="down"))
    above = Fraction(round_price(price, grid=bands, mode="up"))
    assert below <= value <= above
    assert is_on(below, rows)
    assert is_on(above, rows)
    assert below == above or not any_between(below, above, rows)
    assert is_on(value, rows) == (below == above)


@PROPERTY
@given(prices_and_grids())
def test_nearest_is_the_closer_neighbour_and_a_tie_goes_up(case: tuple[str, tuple[Band, ...]]) -> None:
    price, bands = case
    value = Fraction(price)
    below = Fraction(round_price(price, grid=bands, mode="down"))
    above = Fraction(round_price(price, grid=bands, mode="up"))
    expected = below if value - below < above - value else above
    assert Fraction(round_price(price, grid=bands, mode="nearest")) == expected


@PROPERTY
@given(prices_and_grids())
def test_passive_is_down_for_a_buy_and_up_for_a_sell(case: tuple[str, tuple[Band, ...]]) -> None:
    price, bands = case
    assert round_price(price, grid=bands, mode="passive", side="buy") == round_price(price, grid=bands, mode="down")
    assert round_price(price, grid=bands, mode="passive", side="sell") == round_price(price, grid=bands, mode="up")


@PROPERTY
@given(prices_and_grids(), st.sampled_from(get_args(Mode)), st.sampled_from(["buy", "sell"]))
def test_rounding_is_idempotent_and_its_text_is_plain(
    case: tuple[str, tuple[Band, ...]], mode: Mode, side: str
) -> None:
    price, bands = case
    once = round_price(price, grid=bands, mode=mode, side=side)  # type: ignore[arg-type]
    assert round_price(once, grid=bands, mode=mode, side=side) == once  # type: ignore[arg-type]
    assert set(once) <= set("-0123456789.")
    assert not once.endswith(".")
    assert "." not in once or not once.endswith("0")
    assert once != "-0"


@PROPERTY
@given(prices_and_grids(), decimal_texts(), st.sampled_from(["down", "up", "nearest"]))
def test_rounding_is_monotone(case: tuple[str, tuple[Band, ...]], other: str, mode: Mode) -> None:
    price, bands = case
    low, high = sorted((price, other), key=Fraction)
    rounded_low, rounded_high = (Fraction(round_price(text, grid=bands, mode=mode)) for text in (low, high))
    assert rounded_low <= rounded_high


@PROPERTY
@given(prices_and_grids())
def test_the_tick_in_force_belongs_to_the_band_of_the_price(case: tuple[str, tuple[Band, ...]]) -> None:
    price, bands = case
    value = Fraction(price)
    tick = next(
        tick for low, high, tick in rows_of(bands) if (low is None or value >= low) and (high is None or value < high)
    )
    assert Fraction(tick_in_force(price, bands)) == tick


@PROPERTY
@given(decimal_texts(), st.sampled_from(TICKS))
def test_one_tick_is_one_open_band(price: str, tick: str) -> None:
    for mode in ("down", "up", "nearest"):
        assert round_price(price, grid=tick, mode=mode) == round_price(price, grid=(Band(tick=tick),), mode=mode)


@pytest.mark.parametrize(
    ("price", "tick", "down", "up"),
    [
        ("67001.3", "0.5", "67001", "67001.5"),
        ("67", "5", "65", "70"),
        ("0.0058", "0.0005", "0.0055", "0.006"),
        ("1.23456", "0.0002", "1.2344", "1.2346"),
        ("123", "10", "120", "130"),
        ("0.0000000012345678", "0.000000000001", "0.000000001234", "0.000000001235"),
        ("1e-12", "1E-12", "0.000000000001", "0.000000000001"),
        ("12345678901234567890123456789012345.678", "0.5", "12345678901234567890123456789012345.5",
         "12345678901234567890123456789012346"),
        ("-0.26", "0.1", "-0.3", "-0.2"),
    ],
)  # fmt: skip
def test_ticks_for_which_counting_decimals_is_wrong(price: str, tick: str, down: str, up: str) -> None:
    assert round_price(price, grid=tick, mode="down") == down
    assert round_price(price, grid=tick, mode="up") == up


@pytest.mark.parametrize(
    ("price", "down", "nearest", "up"),
    [
        ("0.00437", "0.0043", "0.0044", "0.0044"),
        ("0.00495", "0.0049", "0.005", "0.005"),  # up crosses into the coarser band and lands on its grid
        ("0.005", "0.005", "0.005", "0.005"),
        ("0.00525", "0.005", "0.0055", "0.0055"),
        ("0.0058", "0.0055", "0.006", "0.006"),
        ("20000000.0001", "20000000", "20000000", "20000000.0005"),  # the last band is open
    ],
)
def test_the_bands_of_an_option_family(price: str, down: str, nearest: str, up: str) -> None:
    modes: tuple[tuple[Mode, str], ...] = (("down", down), ("nearest", nearest), ("up", up))
    for mode, expected in modes:
        assert round_price(price, grid=CM_OPTION, mode=mode) == expected


def test_a_lower_bound_does_not_divide_the_bands() -> None:
    assert tick_in_force("4.999", UM_OPTION) == "1"
    assert tick_in_force("5", UM_OPTION) == "5"
    assert round_price("4.2", grid=UM_OPTION, mode="up") == "5"
    assert round_price("6", grid=UM_OPTION, mode="down") == "5"


def test_a_boundary_that_is_off_the_upper_grid() -> None:
    bands = (Band(tick="0.01", max="1"), Band(tick="0.3", max="10"), Band(tick="2"))
    assert round_price("0.995", grid=bands, mode="up") == "1.2"  # 1 is no multiple of 0.3
    assert round_price("1.1", grid=bands, mode="down") == "0.99"  # 0.9 is a multiple of 0.3, but not in its band
    assert round_price("1.1", grid=bands, mode="nearest") == "1.2"
    assert round_price("9.95", grid=bands, mode="up") == "10"


def test_the_decimal_context_plays_no_part() -> None:
    with localcontext() as context:
        context.prec = 3
        assert round_price("1234567.89", grid="0.5", mode="down") == "1234567.5"
    assert getcontext().prec == 28
    price = "1234567890123456789012345678901234567890.5"
    assert round_price(price, grid="0.5", mode="nearest") == price


def test_what_makes_no_grid_or_no_direction_is_refused() -> None:
    for grid in ("0", "-0.1", "", "x", (), (Band(tick="0"),), (Band(tick="1", max="x"),)):
        with pytest.raises(PrecisionError):
            round_price("1", grid=grid, mode="down")
    with pytest.raises(PrecisionError, match="end at the same price"):
        round_price("1", grid=(Band(tick="1", max="5"), Band(tick="2", max="5.0")), mode="down")
    with pytest.raises(PrecisionError, match="end at the same price"):
        round_price("1", grid=(Band(tick="1"), Band(tick="2")), mode="down")
    with pytest.raises(PrecisionError, match="side"):
        round_price("1", grid="1", mode="passive")
    with pytest.raises(PrecisionError, match="side"):
        round_price("1", grid="1", mode="down", side="long")  # type: ignore[arg-type]
    with pytest.raises(PrecisionError, match="mode"):
        round_price("1", grid="1", mode="half_even")  # type: ignore[arg-type]


# ---- sizes -------------------------------------------------------------------------------------------------


@PROPERTY
@given(decimal_texts(negative=False), st.sampled_from(TICKS), st.one_of(st.just(""), decimal_texts(negative=False)))
@example("0.05", "0.1", "0.01")  # an event contract: the minimum is not a multiple of the lot
def test_a_size_is_the_greatest_multiple_not_above_what_was_asked(size: str, lot: str, minimum: str) -> None:
    result = round_size(size, lot=lot, minimum=minimum)
    asked, step, least = Fraction(size), Fraction(lot), Fraction(minimum or "0")
    greatest = asked - asked % step
    if result is None:
        assert greatest == 0 or greatest < least
        return
    got = Fraction(result)
    assert got == greatest
    assert got <= asked
    assert got >= least
    assert round_size(result, lot=lot, minimum=minimum) == result


@PROPERTY
@given(decimal_texts(negative=False), decimal_texts(negative=False), st.sampled_from(TICKS))
def test_rounding_a_size_is_monotone(a: str, b: str, lot: str) -> None:
    low, high = sorted((a, b), key=Fraction)
    assert Fraction(round_size(low, lot=lot) or "0") <= Fraction(round_size(high, lot=lot) or "0")


@PROPERTY
@given(st.sampled_from(TICKS), st.one_of(st.just(""), decimal_texts(negative=False)))
def test_the_least_size_passes_and_one_lot_less_does_not(lot: str, minimum: str) -> None:
    assume(len(minimum) < 60)
    least = least_size(lot=lot, minimum=minimum)
    assert round_size(least, lot=lot, minimum=minimum) == least
    smaller = Fraction(least) - Fraction(lot)
    assert smaller == 0 or smaller < Fraction(minimum or "0")


def test_a_negative_size_and_a_lot_of_zero_are_refused() -> None:
    with pytest.raises(PrecisionError, match="size"):
        round_size("-1", lot="1")
    with pytest.raises(PrecisionError, match="lot"):
        round_size("1", lot="0")
    with pytest.raises(PrecisionError, match="minimum"):
        round_size("1", lot="1", minimum="-1")


# ---- number texts ------------------------------------------------------------------------------------------


@PROPERTY
@given(decimal_texts())
def test_the_plain_form_is_the_same_number(text: str) -> None:
    plain = plain_text(text)
    assert Fraction(plain) == Fraction(text)
    assert plain_text(plain) == plain
    assert "e" not in plain.lower()


@PROPERTY
@given(st.text(st.sampled_from("0123456789.eE+-_ nafi１,"), max_size=12) | st.text())
@example("1e999999999")
@example("1e-99999999999999999999999999999999999999999999")
@example("0" * 3_000 + "1")
@example("9" * 3_000)
def test_reading_is_total(text: str) -> None:
    """Whatever is read is what `Decimal` reads too; whatever is not is a PrecisionError."""
    try:
        number = parse(text)
    except PrecisionError:
        return
    assert Decimal(text).is_finite()
    assert Fraction(number.units, 10**number.places) == Fraction(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        ".",
        "-",
        "+.",
        "e5",
        "1e",
        "NaN",
        "sNaN",
        "Infinity",
        "-inf",
        "1_000",
        "1,5",
        " 1",
        "1 ",
        "1\n",
        "１",
        "٣",
        "0x1",
        "--1",
    ],
)
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(PrecisionError, match="not a decimal number"):
        parse(text)


def test_a_number_too_long_to_be_meant_is_refused_at_once() -> None:
    assert plain_text("1e" + str(MAX_DIGITS - 1)) == "1" + "0" * (MAX_DIGITS - 1)
    assert plain_text(f"1e-{MAX_DIGITS}") == "0." + "0" * (MAX_DIGITS - 1) + "1"
    for text in (f"1e{MAX_DIGITS}", f"1e-{MAX_DIGITS + 1}", "1e999999999", "1e-999999999", "1" * (MAX_DIGITS + 1)):
        with pytest.raises(PrecisionError, match="digits"):
            parse(text)
    assert plain_text("0e999999999") == "0"


def test_an_error_shows_the_start_of_a_long_text_only() -> None:
    with pytest.raises(PrecisionError) as caught:
        parse("x" * 10_000)
    assert len(str(caught.value)) < 100
