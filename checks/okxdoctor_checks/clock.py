"""The clock of this machine against the exchange's, and against NTP.

OKX refuses a signed request whose timestamp differs from its own time by more than 30 seconds (50102; a WebSocket
login 60006). Public calls go on working, so a wrong clock looks like a wrong key.

What it looks at: five round trips to public/time, and a sixth where two answers are alike. Each of them bounds the
difference from both sides: the exchange stamped its answer after the request left and before the answer came. Where all
meet, the truth lies. NTP servers are asked beside it; a liar among them is named. The wall clock is compared with the
monotonic clock meanwhile.

What it means
  clock.ahead, clock.behind    beyond the 30 s window: private calls are refused
  clock.timezone-shift         off by whole quarter hours: local time was set, or read, as UTC
  clock.drifting               inside the window, but nobody corrects this clock
  clock.jumped                 the wall clock was stepped during the run (resume, a correction)
  clock.server-time-cached     answers of public/time do not advance: something on the way stores them
  clock.sources-disagree       NTP and the exchange contradict each other, or one NTP server the others
  clock.ntp-unreachable        no usable NTP answer: the exchange's time stands alone

What to do: let the operating system keep the time (Linux: timedatectl set-ntp true; Windows: w32tm /resync; a
container has its host's clock). Do not change the time zone to make the displayed time match.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

from okxdoctor.check import Check, Inconclusive, Skip
from okxdoctor.model import Confidence, Finding, Json, Severity
from okxdoctor.port import Answer, Ask, Instant, Io, NtpAnswer, TimeBasis
from okxdoctor_checks._answers import Reply, read, rows, standing_in_the_way, text
from okxdoctor_checks._clock_reading import Reading, read_clocks
from okxdoctor_checks._intervals import Interval
from okxdoctor_checks._limits import limit
from okxdoctor_checks._timekeeping import Growth, Sample, doubt_s, round_trip_ms
from okxdoctor_checks._words import counted, duration, finite, listed

PATH = "/api/v5/public/time"
LANES = (3, 2)
"""Round trips one after the other on each of two connections: five, in the time of three."""

QUARTER_HOUR_S = 900


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """``samples`` in the order of sending; ``readings`` of both clocks before, between and after them.

    ``ntp_declared``: the user named the NTP servers.
    """

    samples: tuple[Sample, ...]
    ntp: tuple[NtpAnswer, ...]
    readings: tuple[Instant, ...]
    ntp_declared: bool


# ---- probe -----------------------------------------------------------------------------------


async def probe(io: Io) -> Facts:
    if io.view.kind == "cassette":
        raise Skip("a cassette has no clock: its answers tell the time of the recording")
    # Each end is read twice, so that a reading that was held up stands against one that was not.
    readings = [io.now(), io.now()]
    (samples, in_the_way), ntp = await asyncio.gather(_samples(io, readings), _ntp(io))
    readings += (io.now(), io.now())
    if not samples or samples[-1].server_ms is None:
        # What is asked of nobody takes no time. Whether this clock is set while a run goes on shows all the same.
        watched_s = (readings[-1].mono_ns - readings[0].mono_ns) / 1e9
        if (rest_s := limit("clock_sample_span_s") - watched_s) > 0:
            await io.sleep(rest_s)
            readings += (io.now(), io.now())
    facts = Facts(
        samples=tuple(sorted(samples, key=lambda sample: sample.sent_mono_ns)),
        ntp=ntp,
        readings=tuple(readings),
        ntp_declared=io.view.ntp_declared,
    )
    if not any(sample.tells for sample in samples) and not any(answer.outcome == "ok" for answer in ntp):
        if in_the_way is not None:
            raise in_the_way
        raise Inconclusive("neither the exchange nor an NTP server gave a time")
    return facts


async def _ntp(io: Io) -> tuple[NtpAnswer, ...]:
    try:
        return await io.ntp()
    except (Skip, Inconclusive):
        return ()


async def _samples(io: Io, readings: list[Instant]) -> tuple[list[Sample], Skip | Inconclusive | None]:
    """The round trips, and what stood in the way of one that gave no time."""
    begun = io.now()
    step_s = limit("clock_sample_span_s") / (max(LANES) - 1)
    found: list[Sample] = []
    in_the_way: list[Skip | Inconclusive] = []

    async def lane(trips: int) -> None:
        for trip in range(trips):
            # Spread over a span in which the exchange's millisecond clock must advance, also where the way is short.
            elapsed_s = (io.now().mono_ns - begun.mono_ns) / 1e9
            if trip and (rest_s := trip * step_s - elapsed_s) > 0:
                await io.sleep(rest_s)
            try:
                answer = await io.http(Ask(method="GET", path=PATH))
            except (Skip, Inconclusive) as unasked:
                in_the_way.append(unasked)
                return
            readings.append(io.now())
            reply = read(answer)
            found.append(_sample(answer, reply))
            if reply.kind != "ok":
                reason = standing_in_the_way(reply, io.view.rest.host)
                in_the_way.append(reason or Inconclusive(f"public/time gave no time: {reply.said}"))
            if reply.failure is not None:
                return

    await asyncio.gather(*(lane(trips) for trips in LANES))
    wait_s = doubt_s(found, io.now().mono_ns, limit("clock_cache_span_s"), limit("clock_all_alike_s"))
    if wait_s is not None:
        # A connection that took long to open, or a line as long as the span, leaves requests too close to tell a
        # stored answer from two within one millisecond. One more, late enough, does.
        await io.sleep(wait_s)
        await lane(1)
    return found, in_the_way[0] if in_the_way else None


def _sample(answer: Answer, reply: Reply) -> Sample:
    row = next(iter(rows(answer)), {}) if reply.kind == "ok" else {}
    stamp, age = text(row, "ts"), answer.header("age") or ""
    # A date from somebody who is neither the exchange nor its edge (a portal) is no clock.
    trusted = reply.kind in ("ok", "refused") or bool(reply.ray)
    return Sample(
        sent_wall_ns=answer.sent_wall_ns,
        received_wall_ns=answer.received_wall_ns,
        sent_mono_ns=answer.sent_mono_ns,
        received_mono_ns=answer.received_mono_ns,
        server_ms=int(stamp) if stamp.isascii() and stamp.isdecimal() and len(stamp) == 13 else None,
        date_s=_epoch_s(answer.header("date")) if trusted else None,
        age_s=int(age) if age.isascii() and age.isdecimal() and len(age) < 10 else None,
        cache=(answer.header("cf-cache-status") or answer.header("x-cache") or "")[:40],
    )


def _epoch_s(date: str | None) -> int | None:
    from email.utils import parsedate_to_datetime

    try:
        return int(parsedate_to_datetime(date).timestamp()) if date else None
    except (ValueError, OverflowError, TypeError):
        return None


# ---- evaluate --------------------------------------------------------------------------------


def _reading(facts: Facts) -> Reading:
    return read_clocks(facts.samples, facts.ntp, facts.readings)


def evaluate(facts: Facts) -> Iterator[Finding]:
    seen = _reading(facts)
    if seen.jump_s:
        yield _jumped(seen)
    if seen.cached:
        yield _cached(facts, seen)
    if seen.ntp.spread_s:
        yield _contradiction(facts, seen)
    elif facts.ntp and seen.ntp.offset is None:
        yield _ntp_unreachable(facts, seen)
    yield from _falsetickers(facts, seen)
    if seen.date_against_ntp_s and not seen.jump_s:
        yield _two_against_ntp(facts, seen)
        return
    if seen.disagree_s > limit("clock_sources_gap_s") and not seen.jump_s:
        yield _disagree(facts, seen)
        if not seen.both_beyond:
            return
    yield from _skew(facts, seen)


def _evidence(facts: Facts, seen: Reading, offset: Interval | None, source: str) -> dict[str, Json]:
    found: dict[str, Json] = {}
    if offset is not None:
        found |= {"skew_s": finite(-offset.middle_s), "width_s": finite(offset.width_s, 4)}
    found |= {
        "window_s": limit("request_window_s"),
        "measured_by": source,
        "samples": sum(sample.server_ms is not None for sample in facts.samples),
        "round_trip_ms": round_trip_ms(facts.samples),
    }
    if seen.ntp.offset is not None:
        found |= {
            "ntp_offset_s": finite(seen.ntp.offset.middle_s, 4),
            "ntp_servers": [facts.ntp[n].server for n in seen.ntp.members],
        }
    return found


def _skew(facts: Facts, seen: Reading) -> Iterator[Finding]:
    if seen.basis is None:
        return
    offset, source = seen.basis
    skew = offset.negated
    evidence = _evidence(facts, seen, offset, source)
    window_s, warn_s = limit("request_window_s"), limit("clock_warn_s")
    reference = "the exchange" if source == "the exchange" else f"true time (by {source}; the exchange gave none)"
    beyond = skew.low_s > window_s or skew.high_s < -window_s
    sure = source == "the exchange" or (source == "NTP" and len(seen.ntp.members) > 1)
    excluded = ("clock.server-time-cached", *(("clock.sources-disagree",) if "ntp_offset_s" in evidence else ()))
    side = "ahead of" if skew.middle_s > 0 else "behind"
    quarters = _quarter_hours(skew)
    if beyond and quarters:
        yield Finding(
            code="clock.timezone-shift",
            summary=f"The clock of this machine is {duration(quarters * QUARTER_HOUR_S)} {side} {reference}, to within "
            f"{duration(skew.middle_s - quarters * QUARTER_HOUR_S)}: a time zone, not a drift.",
            evidence=evidence | {"quarter_hours": quarters},
            confidence=Confidence.CERTAIN if sure else Confidence.LIKELY,
            excluded=("clock.ahead" if quarters > 0 else "clock.behind", *excluded),
        )
    elif beyond:
        yield Finding(
            code="clock.ahead" if skew.middle_s > 0 else "clock.behind",
            summary=f"The clock of this machine is {duration(skew.middle_s)} {side} {reference}; "
            f"signed requests are refused beyond {duration(window_s)}.",
            evidence=evidence,
            confidence=Confidence.CERTAIN if sure else Confidence.LIKELY,
            excluded=("clock.timezone-shift", *excluded),
        )
    elif skew.low_s > warn_s or skew.high_s < -warn_s:
        yield Finding(
            code="clock.drifting",
            summary=f"The clock of this machine is {duration(skew.middle_s)} {side} {reference}: inside the "
            f"{duration(window_s)} window, but nothing corrects it.",
            evidence=evidence,
            confidence=Confidence.CERTAIN if sure else Confidence.LIKELY,
            excluded=excluded,
        )
    elif seen.growth is not None and not seen.jump_s and _too_fast(seen.growth):
        yield Finding(
            code="clock.drifting",
            summary=f"The difference to the exchange's time moved by {duration(seen.growth.grown_s)} within "
            f"{duration(seen.growth.span_s)}: this clock does not run at the right rate.",
            evidence=evidence
            | {"grown_s": finite(seen.growth.grown_s, 4), "span_s": finite(seen.growth.span_s),
               "rate_ms_per_s": finite(seen.growth.grown_s / seen.growth.span_s * 1000, 1)},
            confidence=Confidence.LIKELY,
            excluded=("clock.jumped", *excluded),
        )  # fmt: skip


def _too_fast(found: Growth) -> bool:
    moved = abs(found.grown_s)
    return moved > limit("clock_growth_s") and moved / found.span_s > limit("clock_growth_per_s")


def _quarter_hours(skew: Interval) -> int:
    """How many quarter hours the skew is, 0 when it is no whole number of them within the measurement."""
    nearest = round(skew.middle_s / QUARTER_HOUR_S)
    if abs(nearest) * QUARTER_HOUR_S > limit("utc_offset_max_s"):
        return 0
    wide = skew.wider(limit("clock_quarter_hour_slack_s"))
    return nearest if wide.width_s < QUARTER_HOUR_S / 2 and wide.holds(nearest * QUARTER_HOUR_S) else 0


def _jumped(seen: Reading) -> Finding:
    direction = "forward" if seen.jump_s > 0 else "back"
    return Finding(
        code="clock.jumped",
        summary=f"The wall clock was set {direction} by {duration(seen.jump_s)} while this run was measuring.",
        evidence={"jump_s": finite(seen.jump_s), "limit_s": limit("clock_jump_s")},
        excluded=("clock.drifting",),
    )


def _cached(facts: Facts, seen: Reading) -> Finding:
    age = seen.cached.get("age_s")
    how = f"an answer of public/time is {age} s old" if age else "answers of public/time do not advance"
    return Finding(
        code="clock.server-time-cached",
        summary=f"Something between here and the exchange stores its time: {how}.",
        evidence={"samples": len(facts.samples), **seen.cached},
        excluded=("clock.ahead", "clock.behind"),
    )


def _ntp_unreachable(facts: Facts, seen: Reading) -> Finding:
    asked = {answer.server: answer.outcome for answer in facts.ntp}
    stands = "the exchange's time is the only reference" if seen.exchange is not None else "no other reference is left"
    return Finding(
        code="clock.ntp-unreachable",
        summary=f"No usable answer from {counted(len(asked), 'NTP server')} ({listed(asked)}); {stands}.",
        evidence={"ntp_servers": dict(asked), "kiss_codes": [answer.kiss for answer in facts.ntp if answer.kiss]},
        # Servers that the user named are servers that the user relies on.
        severity=Severity.WARNING if facts.ntp_declared else Severity.INFO,
    )


def _contradiction(facts: Facts, seen: Reading) -> Finding:
    offsets: dict[str, Json] = {facts.ntp[n].server: finite(facts.ntp[n].offset_s) for n in seen.ntp.members}
    return Finding(
        code="clock.sources-disagree",
        summary=f"{counted(len(offsets), 'NTP server')} contradict each other by {duration(seen.ntp.spread_s)}, and "
        "nothing decides between them.",
        evidence={"offset_s": offsets, "spread_s": finite(seen.ntp.spread_s)},
        severity=Severity.WARNING if facts.ntp_declared else Severity.INFO,
    )


def _falsetickers(facts: Facts, seen: Reading) -> Iterator[Finding]:
    if seen.ntp.offset is None:
        return
    for position, gap_s in seen.ntp.falsetickers:
        if gap_s <= limit("clock_sources_gap_s"):
            continue
        liar = facts.ntp[position]
        others = len(seen.ntp.members)
        witness = f"{counted(others, 'other server')}" if others else "the exchange"
        yield Finding(
            code="clock.sources-disagree",
            summary=f"NTP server {liar.server} is {duration(gap_s)} away from what {witness} "
            f"{'say' if others > 1 else 'says'}.",
            evidence={
                "server": liar.server,
                "offset_s": finite(liar.offset_s),
                "ntp_offset_s": finite(seen.ntp.offset.middle_s, 4),
                "stratum": liar.stratum,
            },
            subject=liar.server,
            severity=Severity.WARNING if facts.ntp_declared else Severity.INFO,
        )


def _disagree(facts: Facts, seen: Reading) -> Finding:
    assert seen.exchange is not None
    assert seen.ntp.offset is not None
    by_exchange, by_ntp = seen.exchange.negated, seen.ntp.offset.negated
    window_s = limit("request_window_s")
    beyond = by_exchange.low_s > window_s or by_exchange.high_s < -window_s
    nearer = "the exchange" if abs(by_exchange.middle_s) < abs(by_ntp.middle_s) else "NTP"
    consequence = "; signed requests will be refused" if beyond and not seen.both_beyond else ""
    return Finding(
        code="clock.sources-disagree",
        summary=f"NTP and the exchange's time differ by {duration(by_exchange.middle_s - by_ntp.middle_s)}; "
        f"this machine agrees with {nearer}{consequence}.",
        evidence=_evidence(facts, seen, seen.exchange, "the exchange")
        | {"gap_s": finite(seen.disagree_s), "skew_by_ntp_s": finite(by_ntp.middle_s)},
        severity=Severity.ERROR if beyond and not seen.both_beyond else None,
        excluded=("clock.jumped",),
    )


def _two_against_ntp(facts: Facts, seen: Reading) -> Finding:
    assert seen.date is not None
    assert seen.ntp.offset is not None
    return Finding(
        code="clock.sources-disagree",
        summary=f"By NTP this clock is {duration(seen.date_against_ntp_s)} off; by the Date of the exchange's edge, "
        "which gave no better time, it is right.",
        evidence=_evidence(facts, seen, seen.date, "the HTTP Date header")
        | {"gap_s": finite(seen.date_against_ntp_s), "skew_by_ntp_s": finite(-seen.ntp.offset.middle_s)},
        confidence=Confidence.LIKELY,
        excluded=("clock.jumped",),
    )


def offers(facts: Facts) -> Iterator[TimeBasis]:
    """Trusted time, where the facts establish one."""
    basis = _reading(facts).basis
    if basis is not None:
        yield TimeBasis(low_s=basis[0].low_s, high_s=basis[0].high_s, source=basis[1])


CHECK = Check(
    id="clock",
    title="The clock of this machine agrees with the exchange",
    facts=Facts,
    probe=probe,
    evaluate=evaluate,
    causes=(
        "clock.ahead",
        "clock.behind",
        "clock.drifting",
        "clock.timezone-shift",
        "clock.jumped",
        "clock.ntp-unreachable",
        "clock.sources-disagree",
        "clock.server-time-cached",
    ),
    offers=offers,
)
