"""What round trips to public/time and NTP answers bound, as pure arithmetic.

All instants are integer nanoseconds; offsets are seconds, true time minus local wall clock.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from okxdoctor.model import Json
from okxdoctor.port import Instant, NtpAnswer
from okxdoctor_checks._intervals import Interval, agreement, hull, overlap

MS, S = 1_000_000, 1_000_000_000
LARGEST_NS = 2**63
"""Beyond this no clock of this world counts (year 2262); such facts bound nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One request to public/time.

    ``server_ms`` the exchange's stamp, epoch milliseconds, cut off below; None: none came. ``date_s`` the HTTP Date
    header as epoch seconds. ``age_s`` the Age header, ``cache`` what a cache says of itself (``HIT``, ``DYNAMIC``).
    Clocks of 0 mean that the times of this exchange of bytes were not observable.
    """

    sent_wall_ns: int
    received_wall_ns: int
    sent_mono_ns: int
    received_mono_ns: int
    server_ms: int | None
    date_s: int | None = None
    age_s: int | None = None
    cache: str = ""

    @property
    def timed(self) -> bool:
        return 0 < self.sent_wall_ns < LARGEST_NS and 0 < self.received_wall_ns < LARGEST_NS

    @property
    def tells(self) -> bool:
        """Whether anything of the exchange's time is in it."""
        return self.timed and (self.server_ms is not None or self.date_s is not None)


def _bounds(sample: Sample, *, by_date: bool) -> Interval | None:
    """The stamp was made after sending and before receiving, and lies within one unit above its text."""
    unit, stamp = (S, sample.date_s) if by_date else (MS, sample.server_ms)
    if stamp is None or not sample.timed or not 0 <= stamp * unit < LARGEST_NS:
        return None
    # The wall clock may be stepped between sending and receiving: the trip's length is the monotonic clock's.
    trip_ns = sample.received_mono_ns - sample.sent_mono_ns
    if not 0 <= trip_ns < LARGEST_NS:
        trip_ns = max(sample.received_wall_ns - sample.sent_wall_ns, 0)
    received_ns = sample.sent_wall_ns + trip_ns
    return Interval(low_s=(stamp * unit - received_ns) / S, high_s=((stamp + 1) * unit - sample.sent_wall_ns) / S)


def exchange_offset(samples: Sequence[Sample], *, by_date: bool = False) -> Interval | None:
    """Where all samples agree; where they cannot (the clock runs wrong meanwhile), the hull of all of them."""
    bounds = [found for sample in samples if (found := _bounds(sample, by_date=by_date)) is not None]
    if not bounds:
        return None
    return overlap(bounds) or hull(bounds)


def round_trip_ms(samples: Sequence[Sample]) -> float | None:
    """The shortest round trip, milliseconds."""
    trips = [s.received_mono_ns - s.sent_mono_ns for s in samples if s.server_ms is not None]
    return round(min(trips) / MS, 2) if trips and 0 <= min(trips) < LARGEST_NS else None


# ---- steps and rate --------------------------------------------------------------------------


def _timeline(readings: Sequence[Instant], samples: Sequence[Sample]) -> list[tuple[int, int]]:
    """(monotonic, wall minus monotonic) in order of the monotonic clock."""
    pairs = [(r.mono_ns, r.wall_ns - r.mono_ns) for r in readings if 0 < r.wall_ns < LARGEST_NS]
    for sample in samples:
        if sample.timed and sample.sent_mono_ns > 0:
            pairs.append((sample.sent_mono_ns, sample.sent_wall_ns - sample.sent_mono_ns))
            pairs.append((sample.received_mono_ns, sample.received_wall_ns - sample.received_mono_ns))
    pairs.sort()
    # Both clocks are read one after the other; a process that was held up in between shows a step that is none. It
    # is gone with the next reading, a real one stays.
    return [
        pair
        for before, pair, after in zip(pairs[:1] + pairs, pairs, pairs[1:] + pairs[-1:], strict=False)
        if not (abs(pair[1] - before[1]) > abs(after[1] - before[1]) < abs(pair[1] - after[1]))
    ]


def _steps(readings: Sequence[Instant], samples: Sequence[Sample], limit_s: float) -> list[tuple[int, int]]:
    """(monotonic time after the step, its size), each step larger than the limit."""
    line = _timeline(readings, samples)
    return [(after, now - before) for (_, before), (after, now) in pairwise(line) if abs(now - before) > limit_s * S]


def jump_s(readings: Sequence[Instant], samples: Sequence[Sample], limit_s: float) -> float:
    """The largest step of the wall clock against the monotonic clock, 0.0 when none is over the limit."""
    sizes = [size for _, size in _steps(readings, samples, limit_s)]
    return max(sizes, key=abs) / S if sizes and max(map(abs, sizes)) < LARGEST_NS else 0.0


def after_last_jump(readings: Sequence[Instant], samples: Sequence[Sample], limit_s: float) -> tuple[Sample, ...]:
    """The samples sent after the wall clock was last stepped; all of them when that leaves none."""
    steps = _steps(readings, samples, limit_s)
    if not steps:
        return tuple(samples)
    last = steps[-1][0]
    return tuple(sample for sample in samples if sample.sent_mono_ns >= last) or tuple(samples)


def between_jumps(readings: Sequence[Instant], samples: Sequence[Sample], limit_s: float) -> tuple[Sample, ...]:
    """The longest row of samples between which the wall clock was not stepped."""
    steps = [at for at, _ in _steps(readings, samples, limit_s)]
    rows: list[list[Sample]] = [[] for _ in range(len(steps) + 1)]
    for sample in samples:
        rows[sum(at <= sample.sent_mono_ns for at in steps)].append(sample)
    return tuple(sorted(rows, key=len)[-1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """The offset moved by at least ``grown_s`` (sign included) within ``span_s``."""

    grown_s: float
    span_s: float


def growth(samples: Sequence[Sample]) -> Growth | None:
    """A change of the offset that the widths of the samples cannot hide; None when a constant one fits.

    The change must go on in one direction: two servers behind one name that disagree by a constant show both.
    """
    points = [
        (sample.sent_mono_ns, found) for sample in samples if (found := _bounds(sample, by_date=False)) is not None
    ]
    if overlap([found for _, found in points]) is not None:
        return None
    pairs = [(earlier, later) for n, earlier in enumerate(points) for later in points[n + 1 :]]
    rises = [(later[1].low_s - earlier[1].high_s, later[0] - earlier[0]) for earlier, later in pairs]
    falls = [(earlier[1].low_s - later[1].high_s, later[0] - earlier[0]) for earlier, later in pairs]
    best_rise, best_fall = max(rises, default=(0.0, 0)), max(falls, default=(0.0, 0))
    if (best_rise[0] > 0) == (best_fall[0] > 0):
        return None
    grown_s, span_ns = best_rise if best_rise[0] > 0 else (-best_fall[0], best_fall[1])
    return Growth(grown_s=grown_s, span_s=span_ns / S) if 0 < span_ns < LARGEST_NS else None


# ---- stored answers --------------------------------------------------------------------------


def cache_signs(samples: Sequence[Sample], span_s: float, all_alike_s: float) -> dict[str, Json]:
    """What shows that public/time was answered from a store; empty when nothing does.

    Either a cache says so (an Age above 0, a hit), or the same millisecond came for two requests of which the
    second left more than ``span_s`` after the first was answered. Where every answer has it, ``all_alike_s`` is
    enough: on a short line the samples are taken within a few milliseconds.
    """
    signs: dict[str, Json] = {}
    stamped = [sample for sample in samples if sample.server_ms is not None]
    ages = [sample.age_s for sample in stamped if sample.age_s]
    if ages:
        signs["age_s"] = max(ages)
    hits = [sample.cache for sample in stamped if "hit" in sample.cache.casefold()]
    if hits:
        signs["cache_status"] = hits[0]
    apart = [later.sent_mono_ns - earlier.received_mono_ns for earlier, later in _twins(stamped)]
    alike = len(stamped) > 2 and len({sample.server_ms for sample in stamped}) == 1
    if apart and (all_alike_s if alike else span_s) * S < max(apart) < LARGEST_NS:
        signs["same_time_for_s"] = round(max(apart) / S, 3)
    return signs


def doubt_s(samples: Sequence[Sample], now_ns: int, span_s: float, all_alike_s: float) -> float | None:
    """How long to wait before one more request can tell whether answers are stored; None: nothing is in doubt.

    In doubt are two requests, one sent after the other was answered, with the same millisecond for both.
    """
    ordered = sorted(samples, key=lambda sample: sample.sent_mono_ns)
    answered = [earlier.received_mono_ns for earlier, later in _twins(ordered)
                if earlier.timed and later.sent_mono_ns >= earlier.received_mono_ns]  # fmt: skip
    if not answered or cache_signs(ordered, span_s, all_alike_s):
        return None
    # A tenth more than the span, so that the reading that follows is surely beyond it.
    return min(max(0.0, (max(answered) - now_ns) / S + span_s * 1.1), span_s * 1.1)


def _twins(samples: Sequence[Sample]) -> list[tuple[Sample, Sample]]:
    """Pairs with the same stamp, in the order of the samples."""
    return [
        (earlier, later)
        for n, earlier in enumerate(samples)
        for later in samples[n + 1 :]
        if earlier.server_ms is not None and earlier.server_ms == later.server_ms
    ]


# ---- NTP -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class NtpView:
    """What the NTP servers say together. Positions are those of the answers.

    ``offset`` None: no usable answer, or servers that contradict each other by ``spread_s`` and none to decide.
    ``falsetickers``: (position, seconds from what the others say).
    """

    offset: Interval | None
    members: tuple[int, ...] = ()
    falsetickers: tuple[tuple[int, float], ...] = ()
    spread_s: float = 0.0


def _ntp_bounds(answer: NtpAnswer, slack_s: float) -> Interval | None:
    if answer.outcome != "ok" or answer.leap == 3 or not 0 < answer.stratum < 16:
        return None
    error_s = answer.delay_s / 2 + answer.root_delay_s / 2 + answer.root_dispersion_s + slack_s
    if not math.isfinite(answer.offset_s) or not math.isfinite(error_s) or error_s < 0:
        return None
    found = Interval(low_s=answer.offset_s - error_s, high_s=answer.offset_s + error_s)
    return found if math.isfinite(found.low_s) and math.isfinite(found.high_s) else None


def ntp_view(answers: Sequence[NtpAnswer], slack_s: float, *, arbiter: Interval | None) -> NtpView:
    """Where most servers meet, and who stays outside; ``arbiter`` (the exchange's time) decides a tie."""
    bounded = [(n, found) for n, answer in enumerate(answers) if (found := _ntp_bounds(answer, slack_s)) is not None]
    if not bounded:
        return NtpView(offset=None)
    agreed = agreement([found for _, found in bounded])
    assert agreed is not None
    where, members = agreed.where, agreed.members
    if 2 * len(members) <= len(bounded):
        near = [n for n, (_, found) in enumerate(bounded) if arbiter is not None and found.meets(arbiter)]
        common = overlap([bounded[n][1] for n in near])
        if common is None:
            middles = [found.middle_s for _, found in bounded]
            return NtpView(offset=None, members=tuple(n for n, _ in bounded), spread_s=max(middles) - min(middles))
        where, members = common, tuple(near)
    return NtpView(
        offset=where,
        members=tuple(bounded[n][0] for n in members),
        falsetickers=tuple(
            (position, found.gap_s(where)) for n, (position, found) in enumerate(bounded) if n not in members
        ),
    )
