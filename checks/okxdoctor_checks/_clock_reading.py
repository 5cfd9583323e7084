"""What round trips, NTP answers and readings of the local clocks say together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from okxdoctor.model import Json
from okxdoctor.port import Instant, NtpAnswer
from okxdoctor_checks._intervals import Interval
from okxdoctor_checks._limits import limit
from okxdoctor_checks._timekeeping import (
    Growth,
    NtpView,
    Sample,
    after_last_jump,
    between_jumps,
    cache_signs,
    exchange_offset,
    growth,
    jump_s,
    ntp_view,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What the facts say together. Offsets are true time minus local time."""

    exchange: Interval | None
    ntp: NtpView
    date: Interval | None
    growth: Growth | None
    jump_s: float
    cached: dict[str, Json]

    @property
    def basis(self) -> tuple[Interval, str] | None:
        """The offset to judge and to offer, and where it comes from. For signing the exchange's time decides."""
        if self.exchange is not None:
            return self.exchange, "the exchange"
        if self.date is not None and self.date_against_ntp_s:
            return self.date, "the HTTP Date header"
        if self.ntp.offset is not None:
            return self.ntp.offset, "NTP"
        return (self.date, "the HTTP Date header") if self.date is not None else None

    @property
    def disagree_s(self) -> float:
        """How far apart the exchange and NTP are, beyond the widths of both."""
        if self.exchange is None or self.ntp.offset is None:
            return 0.0
        return self.exchange.gap_s(self.ntp.offset)

    @property
    def date_against_ntp_s(self) -> float:
        """How far NTP is from this clock and from the Date of the exchange's edge, which agree; 0.0: they do not.

        Only where the exchange gave no better time. A Date that stands alone says nothing: edges are not kept to it.
        """
        ntp, date = self.ntp.offset, self.date
        if self.exchange is not None or ntp is None or date is None or not date.holds(0.0):
            return 0.0
        gap_s, limit_s = min(date.gap_s(ntp), max(ntp.low_s, -ntp.high_s)), limit("clock_sources_gap_s")
        return gap_s if gap_s > limit_s else 0.0

    @property
    def both_beyond(self) -> bool:
        """Whether by the exchange and by NTP this clock is beyond the window, on the same side."""
        if self.exchange is None or self.ntp.offset is None:
            return False
        window_s = limit("request_window_s")
        both = (self.exchange, self.ntp.offset)
        return all(each.low_s > window_s for each in both) or all(each.high_s < -window_s for each in both)


def read_clocks(samples: Sequence[Sample], ntp: Sequence[NtpAnswer], readings: Sequence[Instant]) -> Reading:
    """All that the facts say of this clock. After a step only what was measured behind it counts."""
    jump = jump_s(readings, samples, limit("clock_jump_s"))
    recent = after_last_jump(readings, samples, limit("clock_jump_s"))
    cached = cache_signs(samples, limit("clock_cache_span_s"), limit("clock_all_alike_s"))
    exchange = None if cached else exchange_offset(recent)
    # A small step of the wall clock is a correction, and no rate at which the difference grows.
    steady = between_jumps(readings, samples, limit("clock_growth_s"))
    return Reading(
        exchange=exchange,
        ntp=ntp_view(ntp, limit("clock_ntp_slack_s"), arbiter=exchange),
        date=None if cached else exchange_offset(recent, by_date=True),
        growth=None if cached else growth(steady),
        jump_s=jump,
        cached=cached,
    )
