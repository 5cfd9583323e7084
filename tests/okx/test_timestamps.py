"""Times: exact both ways, empty is absent, and every wrong form is named."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from okxdoctor.okx.timestamps import (
    EpochUnit,
    Flaw,
    TimestampError,
    epoch_ms_from_iso,
    header_flaws,
    iso_from_epoch_ms,
    iso_from_epoch_us,
    likely_unit,
    login_flaws,
    parse_epoch_ms,
    parse_epoch_us,
)

PROPERTY = settings(max_examples=300, deadline=None, database=None)
FIRST_MS, LAST_MS = -62_135_596_800_000, 253_402_300_799_999


def test_a_moment_that_is_often_misread() -> None:
    # 1709137844000 has been published as 2025-02-28 13:50:44; it is a year earlier and another time of day.
    assert iso_from_epoch_ms(1_709_137_844_000) == "2024-02-28T16:30:44.000Z"


def test_the_edges_of_the_calendar() -> None:
    assert iso_from_epoch_ms(0) == "1970-01-01T00:00:00.000Z"
    assert iso_from_epoch_ms(-1) == "1969-12-31T23:59:59.999Z"
    assert iso_from_epoch_ms(FIRST_MS) == "0001-01-01T00:00:00.000Z"
    assert iso_from_epoch_ms(LAST_MS) == "9999-12-31T23:59:59.999Z"
    assert iso_from_epoch_us(1) == "1970-01-01T00:00:00.000001Z"
    for beyond in (FIRST_MS - 1, LAST_MS + 1, 10**30):
        with pytest.raises(TimestampError, match="unit"):
            iso_from_epoch_ms(beyond)


@PROPERTY
@given(st.integers(FIRST_MS, LAST_MS))
def test_writing_and_reading_is_a_round_trip(moment: int) -> None:
    text = iso_from_epoch_ms(moment)
    assert header_flaws(text) == ()
    assert epoch_ms_from_iso(text) == moment


@PROPERTY
@given(st.integers(FIRST_MS, LAST_MS))
def test_the_text_is_what_datetime_reads(moment: int) -> None:
    expected = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=moment)
    assert datetime.fromisoformat(iso_from_epoch_ms(moment)) == expected


@PROPERTY
@given(st.integers(FIRST_MS, LAST_MS), st.integers(FIRST_MS, LAST_MS))
def test_later_moments_have_later_texts(a: int, b: int) -> None:
    assert (a < b) == (iso_from_epoch_ms(a) < iso_from_epoch_ms(b))


# ---- epoch texts -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("absent", ["", None])
def test_empty_is_absent_and_not_zero(absent: str | None) -> None:
    assert parse_epoch_ms(absent) is None
    assert parse_epoch_us(absent) is None
    assert parse_epoch_ms("0") == 0


@pytest.mark.parametrize(
    "text", [" ", " 1", "1\n", "-1", "+1", "1.0", "1e3", "1_000", "１２３", "²", "0x1", "abc", "NaN", "9" * 33]
)
def test_anything_but_digits_is_refused(text: str) -> None:
    for parse in (parse_epoch_ms, parse_epoch_us):
        with pytest.raises(TimestampError):
            parse(text)


def test_a_moment_beyond_the_calendar_is_refused_with_its_likely_reason() -> None:
    assert parse_epoch_ms("253402300799999") == LAST_MS
    assert parse_epoch_us("253402300800000") == 253_402_300_800_000
    for parse, first_refused in ((parse_epoch_ms, 253_402_300_800_000), (parse_epoch_us, 253_402_300_800_000_000)):
        assert parse(str(first_refused - 1)) == first_refused - 1
        with pytest.raises(TimestampError, match="unit"):
            parse(str(first_refused))
    with pytest.raises(TimestampError, match="unit"):
        parse_epoch_ms("1748617662056837")  # microseconds read as milliseconds


@PROPERTY
@given(st.integers(0, LAST_MS))
def test_an_epoch_text_is_read_exactly(moment: int) -> None:
    assert parse_epoch_ms(str(moment)) == moment
    assert parse_epoch_us(str(moment * 1000 + 7)) == moment * 1000 + 7


@PROPERTY
@given(st.text())
def test_reading_is_total(text: str) -> None:
    for parse in (parse_epoch_ms, parse_epoch_us):
        try:
            assert isinstance(parse(text), int | None)
        except TimestampError:
            pass
    header_flaws(text)
    login_flaws(text)


@pytest.mark.parametrize(
    ("number", "unit"),
    [
        (1_795_361_598, EpochUnit.SECONDS),
        (1_795_361_598_371, EpochUnit.MILLISECONDS),
        (1_795_361_598_371_000, EpochUnit.MICROSECONDS),
        (1_795_361_598_371_000_000, EpochUnit.NANOSECONDS),
        (0, None),
        (-1_795_361_598, None),
        (10**25, None),
        (179_536_159_837, None),
    ],
)
def test_the_count_of_digits_tells_the_unit(number: int, unit: EpochUnit | None) -> None:
    assert likely_unit(number) is unit


# ---- the header --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "flaws"),
    [
        ("2020-12-08T09:08:57.715Z", ()),
        ("", (Flaw.EMPTY,)),
        ("1607418537", (Flaw.EPOCH_SECONDS,)),
        ("1607418537.715", (Flaw.EPOCH_SECONDS,)),
        ("1607418537715", (Flaw.EPOCH_MILLISECONDS,)),
        ("1607418537715000", (Flaw.EPOCH_OTHER,)),
        ("2020-12-08T09:08:57Z", (Flaw.NO_FRACTION,)),
        ("2020-12-08T09:08:57.7Z", (Flaw.FRACTION_WIDTH,)),
        ("2020-12-08T09:08:57.715123Z", (Flaw.MICROSECONDS,)),
        ("2020-12-08T09:08:57.715123456Z", (Flaw.NANOSECONDS,)),
        ("2020-12-08T09:08:57.715", (Flaw.NO_ZONE,)),
        ("2020-12-08T09:08:57.715123", (Flaw.MICROSECONDS, Flaw.NO_ZONE)),
        ("2020-12-08T17:08:57+08:00", (Flaw.NO_FRACTION, Flaw.OFFSET)),
        ("2020-12-08T09:08:57.715+00:00", (Flaw.OFFSET,)),
        ("2020-12-08t09:08:57.715z", (Flaw.LOWER_CASE,)),
        ("2020-12-08 09:08:57.715Z", (Flaw.SPACE_SEPARATOR,)),
        ("2020-12-08T09:08:57,715Z", (Flaw.COMMA_FRACTION,)),
        (" 2020-12-08T09:08:57.715Z", (Flaw.WHITE_SPACE,)),
        ("2020-12-08T09:08:57.715Z\n", (Flaw.WHITE_SPACE,)),
        ("2021-02-29T09:08:57.715Z", (Flaw.NOT_A_TIME,)),
        ("2016-12-31T23:59:60.000Z", (Flaw.NOT_A_TIME,)),
        ("2020-12-08T24:00:00.000Z", (Flaw.NOT_A_TIME,)),
        ("0000-12-08T00:00:00.000Z", (Flaw.NOT_A_TIME,)),
        ("Tue, 08 Dec 2020 09:08:57 GMT", (Flaw.UNREADABLE,)),
        ("２０２０-12-08T09:08:57.715Z", (Flaw.UNREADABLE,)),
    ],
)
def test_every_flaw_of_a_header_timestamp_is_named(text: str, flaws: tuple[Flaw, ...]) -> None:
    assert header_flaws(text) == flaws
    if flaws:
        with pytest.raises(TimestampError, match="not a valid header timestamp"):
            epoch_ms_from_iso(text)


@pytest.mark.parametrize(
    ("text", "flaws"),
    [
        ("1704876947", ()),
        ("", (Flaw.EMPTY,)),
        ("1704876947000", (Flaw.MILLISECONDS,)),
        ("1704876947.5", (Flaw.FRACTIONAL_SECONDS,)),
        ("170487694", (Flaw.EPOCH_OTHER,)),
        ("2024-01-10T08:55:47.000Z", (Flaw.ISO,)),
        (" 1704876947", (Flaw.WHITE_SPACE,)),
        ("now", (Flaw.UNREADABLE,)),
    ],
)
def test_every_flaw_of_a_login_timestamp_is_named(text: str, flaws: tuple[Flaw, ...]) -> None:
    assert login_flaws(text) == flaws
