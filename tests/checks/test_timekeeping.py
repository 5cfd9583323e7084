"""The arithmetic behind the clock check, at the places where one reading more or less decides."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fakeio import EPOCH_NS

from okxdoctor.port import Instant
from okxdoctor_checks._timekeeping import (
    Sample,
    after_last_jump,
    doubt_s,
    exchange_offset,
    growth,
    jump_s,
    round_trip_ms,
)

S, MS = 10**9, 10**6


def sample(at_s: float, *, true_ahead_s: float = 0.0, trip_ms: float = 20.0, local_ahead_s: float = 0.0) -> Sample:
    """A round trip that begins at this second; the exchange's clock goes so far ahead of the true one."""
    sent_mono, trip = 10 * S + round(at_s * S), round(trip_ms * MS)
    true_ns = EPOCH_NS + round(at_s * S)
    sent_wall = true_ns + round(local_ahead_s * S)
    return Sample(
        sent_wall_ns=sent_wall, received_wall_ns=sent_wall + trip, sent_mono_ns=sent_mono,
        received_mono_ns=sent_mono + trip, server_ms=(true_ns + round(true_ahead_s * S) + trip // 2) // MS,
    )  # fmt: skip


@pytest.mark.parametrize("by_s", [0.4, -0.4])
def test_a_rate_is_seen_below_one_second_and_keeps_its_sign(by_s: float) -> None:
    """The exchange's time moves by 0.4 s within 4 s; 20 ms trips can hide 21 ms of it."""
    found = growth([sample(0.0), sample(2.0, true_ahead_s=by_s / 2), sample(4.0, true_ahead_s=by_s)])
    assert found is not None
    assert found.grown_s == pytest.approx(by_s, abs=0.025)
    assert abs(found.grown_s) < abs(by_s), "never more than what is proven"
    assert found.span_s == pytest.approx(4.0)


def test_what_goes_up_and_down_again_is_no_rate() -> None:
    assert growth([sample(0.0), sample(2.0, true_ahead_s=0.3), sample(4.0)]) is None
    assert growth([sample(0.0), sample(2.0), sample(4.0)]) is None


def test_a_sample_that_begins_with_the_step_was_taken_behind_it() -> None:
    before, behind = sample(0.0), sample(2.0, local_ahead_s=5.0)
    reading = Instant(wall_ns=behind.sent_wall_ns, mono_ns=behind.sent_mono_ns)
    assert after_last_jump([reading], [before, behind], 0.5) == (behind,)
    assert jump_s([reading], [before, behind], 0.5) == pytest.approx(5.0)
    assert after_last_jump([], [before], 0.5) == (before,)


def test_one_reading_that_was_held_up_is_no_step_and_the_largest_of_two_steps_is_told() -> None:
    line = [Instant(wall_ns=EPOCH_NS + n * S, mono_ns=10 * S + n * S) for n in range(5)]
    held_up = [*line[:2], replace(line[2], wall_ns=line[2].wall_ns + 3 * S), *line[3:]]
    assert jump_s(held_up, [], 0.5) == 0.0
    stepped = [*line[:2], *(replace(each, wall_ns=each.wall_ns - 3 * S) for each in line[2:])]
    assert jump_s(stepped, [], 0.5) == pytest.approx(-3.0)
    twice = [*stepped[:4], replace(line[4], wall_ns=line[4].wall_ns - 4 * S)]
    assert jump_s(twice, [], 0.5) == pytest.approx(-3.0)


def test_a_monotonic_clock_that_goes_backwards_leaves_the_wall_clock_to_tell_the_trip() -> None:
    whole = sample(0.0, trip_ms=100.0)
    odd = replace(whole, received_mono_ns=whole.sent_mono_ns - 1)
    assert exchange_offset([odd]) == exchange_offset([whole])
    assert round_trip_ms([odd]) is None
    assert round_trip_ms([whole]) == 100.0


def test_the_first_second_of_the_epoch_is_a_time() -> None:
    at_zero = Sample(sent_wall_ns=1, received_wall_ns=2, sent_mono_ns=1, received_mono_ns=2, server_ms=0)
    assert exchange_offset([at_zero]) is not None
    assert exchange_offset([replace(at_zero, server_ms=-1)]) is None


def test_two_that_were_under_way_together_raise_no_doubt() -> None:
    """The same millisecond for two requests side by side is what one clock shows; one after the other it is odd."""
    first = sample(0.0, trip_ms=30.0)
    together = replace(
        first, sent_mono_ns=first.sent_mono_ns + 10 * MS, received_mono_ns=first.received_mono_ns + 10 * MS,
        sent_wall_ns=first.sent_wall_ns + 10 * MS, received_wall_ns=first.received_wall_ns + 10 * MS,
    )  # fmt: skip
    after = replace(
        first, sent_mono_ns=first.received_mono_ns, received_mono_ns=first.received_mono_ns + 5 * MS,
        sent_wall_ns=first.received_wall_ns, received_wall_ns=first.received_wall_ns + 5 * MS,
    )  # fmt: skip
    now = after.received_mono_ns
    assert doubt_s([first, together], now, 0.2, 0.05) is None
    # Answered 5 ms ago: the span of 200 ms and a tenth more, less those 5 ms.
    assert doubt_s([first, after], now, 0.2, 0.05) == pytest.approx(0.22 - 0.005)
