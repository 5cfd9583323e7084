"""The moment of a line, in the forms that loggers write."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okxdoctor.triage.logs.times import Clock, shown

AT = datetime(2026, 11, 22, 10, 0, 5, 123_000, UTC)


@pytest.mark.parametrize(
    ("line", "zoned"),
    [
        ("2026-11-22T10:00:05.123Z ERROR x", True),
        ("2026-11-22T10:00:05.123000000Z [ERROR] NODE", True),
        ("2026-11-22 10:00:05,123 ERROR x", False),
        ("[2026-11-22 10:00:05.123] ERROR x", False),
        ("2026/11/22 10:00:05.123 ERROR x", False),
        ("2026-11-22 11:00:05.123+01:00 ERROR x", True),
        ("2026-11-22T04:30:05.123-0530 ERROR x", True),
        ('{"level":50,"time":1795341605123,"msg":"x"}', True),
        ('{"timestamp":"1795341605.123","msg":"x"}', True),
        ('{"__REALTIME_TIMESTAMP":"1795341605123000","MESSAGE":"x"}', True),
        ('{"msg":"x","timestamp":"2026-11-22T10:00:05.123Z"}', True),
        ("1795341605.123 ERROR x", True),
        ("[1795341605123] ERROR x", True),
        ("Nov 22 10:00:05.123 host bot[12]: x", False),
        ("<14>Nov 22 10:00:05.123 host bot[12]: x", False),
    ],
)
def test_a_time_is_found(line: str, zoned: bool) -> None:
    clock = Clock(2026)
    assert clock.of(line) == pytest.approx(AT.timestamp(), abs=0.0005)
    assert clock.zoned is zoned


def test_the_common_log_format() -> None:
    line = '127.0.0.1 - - [22/Nov/2026:11:00:05 +0100] "GET /api/v5/x HTTP/1.1" 401 87'
    assert Clock(2020).of(line) == AT.replace(microsecond=0).timestamp()


@pytest.mark.parametrize(
    "line",
    [
        "", "no time here", "version 2026.11.22", "px 67001.5 qty 1795341605", "2026-13-22 10:00:05 x",
        "2026-11-31T10:00:05Z", "Foo 22 10:00:05 x", "ordId 590908157585625111", '{"ts":"1"}', "1795341605x",
    ],
)  # fmt: skip
def test_a_number_is_no_time(line: str) -> None:
    assert Clock(2026).of(line) is None


def test_a_time_without_a_year_is_in_the_year_of_the_log() -> None:
    clock = Clock(2020)
    assert clock.of("2026-11-22 10:00:00 x") is not None
    found = clock.of("Nov 22 10:00:05 host x")
    assert found is not None
    assert datetime.fromtimestamp(found, UTC).year == 2026


def test_times_are_shown_with_z_only_where_the_log_says_its_zone() -> None:
    assert shown(AT.timestamp(), zoned=True) == "2026-11-22T10:00:05.123Z"
    assert shown(AT.timestamp(), zoned=False) == "2026-11-22T10:00:05.123"
    assert shown(None, zoned=True) is None


@given(st.text("0123456789-/.:TZ+ ,[]{}\"'tsNovb", max_size=60))
def test_any_line_is_looked_at(line: str) -> None:
    found = Clock(2026).of(line)
    assert found is None or shown(found, zoned=True)
