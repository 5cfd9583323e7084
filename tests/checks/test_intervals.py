"""Intervals and what most of them agree on, against sets of whole numbers that are counted one by one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from okxdoctor_checks._intervals import Agreement, Interval, agreement, hull, overlap

WHOLE = st.tuples(st.integers(-6, 6), st.integers(0, 5)).map(lambda p: Interval(low_s=p[0], high_s=p[0] + p[1]))


def points(interval: Interval) -> set[int]:
    return set(range(round(interval.low_s), round(interval.high_s) + 1))


@given(WHOLE, WHOLE)
def test_two_intervals(one: Interval, other: Interval) -> None:
    common = points(one) & points(other)
    assert one.meets(other) == bool(common) == other.meets(one)
    assert one.gap_s(other) == (0 if common else min(abs(a - b) for a in points(one) for b in points(other)))
    assert all(one.holds(at) == (at in points(one)) for at in range(-8, 13))
    assert points(one.wider(1)) == {at + by for at in points(one) for by in (-1, 0, 1)}
    assert points(one.negated) == {-at for at in points(one)}
    shared = overlap([one, other])
    assert (set() if shared is None else points(shared)) == common
    assert hull([one, other]) == Interval(
        low_s=min(points(one) | points(other)), high_s=max(points(one) | points(other))
    )


@given(st.lists(WHOLE, max_size=6))
def test_the_agreement_is_that_of_the_most(found: list[Interval]) -> None:
    told = agreement(found)
    if not found:
        assert told is None
        return
    assert told is not None
    most = max(sum(each.holds(at) for each in found) for at in range(-6, 12))
    assert len(told.members) == most
    assert sorted((*told.members, *told.outside)) == list(range(len(found)))
    assert points(told.where) == set.intersection(*(points(found[n]) for n in told.members))


def test_of_two_sets_as_large_the_narrower_one_is_taken() -> None:
    wide, narrow = Interval(low_s=0, high_s=9), Interval(low_s=20, high_s=21)
    assert agreement([wide, narrow]) == Agreement(where=narrow, members=(1,), outside=(0,))
    assert agreement([narrow, wide]) == Agreement(where=narrow, members=(0,), outside=(1,))
    assert overlap([]) is None
