"""Closed intervals of seconds: what several measurements of one quantity allow together.

A measurement that is honest about its error contains the truth. So the truth lies where all intervals meet; when
one of them lies, it lies where most of them meet, and the liar is the one that stays outside (Marzullo 1984).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """All values from ``low_s`` to ``high_s``, both included; never empty (``low_s <= high_s``)."""

    low_s: float
    high_s: float

    @property
    def middle_s(self) -> float:
        return (self.low_s + self.high_s) / 2

    @property
    def width_s(self) -> float:
        return self.high_s - self.low_s

    def holds(self, value_s: float) -> bool:
        return self.low_s <= value_s <= self.high_s

    def meets(self, other: Interval) -> bool:
        return self.low_s <= other.high_s and other.low_s <= self.high_s

    def gap_s(self, other: Interval) -> float:
        """How far apart two intervals are; 0 when they meet."""
        return max(self.low_s - other.high_s, other.low_s - self.high_s, 0.0)

    def wider(self, by_s: float) -> Interval:
        return Interval(low_s=self.low_s - by_s, high_s=self.high_s + by_s)

    @property
    def negated(self) -> Interval:
        return Interval(low_s=-self.high_s, high_s=-self.low_s)


def overlap(intervals: Sequence[Interval]) -> Interval | None:
    """What all of them have in common; None when that is nothing (or there are none)."""
    if not intervals:
        return None
    low, high = max(i.low_s for i in intervals), min(i.high_s for i in intervals)
    return Interval(low_s=low, high_s=high) if low <= high else None


def hull(intervals: Sequence[Interval]) -> Interval:
    """The smallest interval that holds all of them. Needs at least one."""
    return Interval(low_s=min(i.low_s for i in intervals), high_s=max(i.high_s for i in intervals))


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Where most of the intervals meet, which of them (by position) do, and which do not."""

    where: Interval
    members: tuple[int, ...]
    outside: tuple[int, ...]


def agreement(intervals: Sequence[Interval]) -> Agreement | None:
    """The largest set of intervals that have a point in common; the narrowest one when several are as large."""
    best: tuple[int, float, Interval, tuple[int, ...]] | None = None
    for start in {i.low_s for i in intervals}:
        members = tuple(n for n, i in enumerate(intervals) if i.holds(start))
        where = overlap([intervals[n] for n in members])
        if where is None:
            continue
        candidate = (-len(members), where.width_s, where, members)
        if best is None or candidate[:2] < best[:2]:
            best = candidate
    if best is None:
        return None
    _, _, where, members = best
    return Agreement(where=where, members=members, outside=tuple(n for n in range(len(intervals)) if n not in members))
