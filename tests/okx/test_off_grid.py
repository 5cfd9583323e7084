"""Why a price or size does not fit: the evidence is exact and the neighbours keep the rule."""

from __future__ import annotations

from dataclasses import asdict
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from okxdoctor.okx.off_grid import AboveMaximum, BelowMinimum, OffLot, OffTick, size_faults, why_off_lot, why_off_tick
from okxdoctor.okx.precision import Band, PrecisionError

PROPERTY = settings(max_examples=200, deadline=None, database=None)
CM_OPTION = (Band(min="0", max="0.005", tick="0.0001"), Band(min="0.005", max="10000000", tick="0.0005"))
UNITS = st.integers(0, 10**30)
TICKS = ("0.5", "5", "0.0005", "0.000000000001", "0.1", "1", "0.0002")


def test_a_price_between_two_ticks() -> None:
    assert why_off_tick("67001.34", "0.1") == OffTick(price="67001.34", tick="0.1", below="67001.3", above="67001.4")
    assert why_off_tick("67001.3", "0.1") is None
    assert why_off_tick("67001.30", "0.1") is None
    assert why_off_tick("1e-12", "0.000000000001") is None


def test_an_option_price_is_judged_by_its_band() -> None:
    assert why_off_tick("0.0043", CM_OPTION) is None
    # 0.0058 is a multiple of the smallest tick, which is the one that the instrument itself lists
    assert why_off_tick("0.0058", CM_OPTION) == OffTick(price="0.0058", tick="0.0005", below="0.0055", above="0.006")


@PROPERTY
@given(UNITS, st.integers(0, 15), st.sampled_from(TICKS))
def test_a_price_is_off_exactly_when_it_is_no_multiple(units: int, places: int, tick: str) -> None:
    price = f"{units}e-{places}"
    off = why_off_tick(price, tick)
    ratio = Fraction(price) / Fraction(tick)
    assert (off is None) == (ratio.denominator == 1)
    if off is not None:
        assert Fraction(off.price) == Fraction(price)
        assert Fraction(off.above) - Fraction(off.below) == Fraction(tick)
        assert Fraction(off.below) < Fraction(price) < Fraction(off.above)


@PROPERTY
@given(UNITS, st.integers(0, 15), st.sampled_from(TICKS))
def test_a_size_is_off_exactly_when_it_is_no_multiple(units: int, places: int, lot: str) -> None:
    size = f"{units}e-{places}"
    off = why_off_lot(size, lot)
    assert (off is None) == ((Fraction(size) / Fraction(lot)).denominator == 1)
    if off is not None:
        assert Fraction(off.above) - Fraction(off.below) == Fraction(lot)
        assert Fraction(off.below) < Fraction(size) < Fraction(off.above)


@pytest.mark.parametrize(
    ("size", "lot", "minimum", "maximum", "faults"),
    [
        ("0.37", "0.01", "0.01", "34000", ()),
        ("0.01", "0.01", "0.01", "0.010", ()),
        ("1.049427", "0.01", "0.01", "", (OffLot(size="1.049427", lot="0.01", below="1.04", above="1.05"),)),
        ("0.009", "0.01", "0.01", "", (BelowMinimum(size="0.009", minimum="0.01", least="0.01"),
                                       OffLot(size="0.009", lot="0.01", below="0", above="0.01"))),
        # event contracts: the minimum is under one lot, so the least size is a lot
        ("0.05", "0.1", "0.01", "", (OffLot(size="0.05", lot="0.1", below="0", above="0.1"),)),
        ("0.001", "0.1", "0.01", "", (BelowMinimum(size="0.001", minimum="0.01", least="0.1"),
                                      OffLot(size="0.001", lot="0.1", below="0", above="0.1"))),
        ("34001", "1", "1", "34000", (AboveMaximum(size="34001", maximum="34000", most="34000"),)),
        ("12.5", "1", "1", "9.5", (AboveMaximum(size="12.5", maximum="9.5", most="9"),
                                   OffLot(size="12.5", lot="1", below="12", above="13"))),
        ("0", "1", "", "", (BelowMinimum(size="0", minimum="0", least="1"),)),
        ("-3", "1", "1", "", (BelowMinimum(size="-3", minimum="1", least="1"),)),
        ("1", "1", "", "", ()),
    ],
)  # fmt: skip
def test_every_rule_that_a_size_breaks_is_named(
    size: str, lot: str, minimum: str, maximum: str, faults: tuple[object, ...]
) -> None:
    assert size_faults(size, lot=lot, minimum=minimum, maximum=maximum) == faults


def test_faults_name_their_cause_and_are_plain_data() -> None:
    causes = {kind.cause for kind in (OffTick, OffLot, BelowMinimum, AboveMaximum)}
    assert causes == {
        "precision.price-off-tick",
        "precision.size-off-lot",
        "precision.size-below-minimum",
        "precision.size-above-maximum",
    }
    off = why_off_lot("1.5", "1")
    assert off is not None
    assert asdict(off) == {"size": "1.5", "lot": "1", "below": "1", "above": "2"}


def test_what_is_no_number_is_a_clear_error() -> None:
    with pytest.raises(PrecisionError, match="decimal number"):
        why_off_tick("1,5", "0.1")
    with pytest.raises(PrecisionError, match="decimal number"):
        size_faults("NaN", lot="1")
