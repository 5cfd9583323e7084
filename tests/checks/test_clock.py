"""The clock check: literal facts, the arithmetic behind it, and the probe against a scripted world."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from fakeio import EPOCH_NS, FakeIo, Scripted, codes, failed, judged, ok, page, refusal, run, view
from hypothesis import given
from hypothesis import strategies as st

from okxdoctor.check import Inconclusive, Skip
from okxdoctor.model import Confidence, Finding, Severity
from okxdoctor.port import Ask, Instant, NtpAnswer, TimeBasis
from okxdoctor_checks._intervals import Interval, agreement, overlap
from okxdoctor_checks._timekeeping import Sample, exchange_offset
from okxdoctor_checks.clock import CHECK, Facts

S, MS = 10**9, 10**6
TIME = "GET /api/v5/public/time"


def sample(
    at_s: float = 0.0, *, skew_s: float = 0.0, trip_ms: float = 20.0, stamp_ms: int | None = None, **more: Any
) -> Sample:
    """A round trip at this monotonic second whose stamp was made half way, the local clock being ``skew_s`` ahead."""
    sent_mono, trip = 10 * S + round(at_s * S), round(trip_ms * MS)
    true_ns = EPOCH_NS + round(at_s * S)
    return Sample(
        sent_wall_ns=true_ns + round(skew_s * S),
        received_wall_ns=true_ns + round(skew_s * S) + trip,
        sent_mono_ns=sent_mono,
        received_mono_ns=sent_mono + trip,
        server_ms=(true_ns + trip // 2) // MS if stamp_ms is None else stamp_ms,
        **more,
    )


def ntp(offset_s: float = 0.0, *, server: str = "a.ntp:123", **more: Any) -> NtpAnswer:
    base = NtpAnswer(server=server, address="192.0.2.1", outcome="ok", offset_s=offset_s, delay_s=0.01, stratum=2)
    return replace(base, **more)


def facts(skew_s: float = 0.0, **changes: Any) -> Facts:
    """Five samples and two NTP servers that all see the same skew (local minus true)."""
    made = Facts(
        samples=tuple(sample(n * 0.06, skew_s=skew_s) for n in range(5)),
        ntp=(ntp(-skew_s), ntp(-skew_s + 0.001, server="b.ntp:123")),
        readings=(
            Instant(wall_ns=EPOCH_NS - S // 100 + round(skew_s * S), mono_ns=10 * S - S // 100),
            Instant(wall_ns=EPOCH_NS + S + round(skew_s * S), mono_ns=11 * S),
        ),
        ntp_declared=False,
    )
    return replace(made, **changes)


def only(found: tuple[Finding, ...]) -> Finding:
    assert len(found) == 1, found
    return found[0]


def basis(given_facts: Facts) -> TimeBasis:
    assert CHECK.offers is not None
    return next(iter(CHECK.offers(given_facts)))


# ---- literal facts ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("skew_s", "expected"),
    [
        (0.0, []),
        (0.9, []),
        (-0.9, []),
        (1.2, ["clock.drifting"]),
        (-1.2, ["clock.drifting"]),
        (29.9, ["clock.drifting"]),
        (30.005, ["clock.drifting"]),  # the interval still reaches below 30 s: not proven
        (30.1, ["clock.ahead"]),
        (-30.1, ["clock.behind"]),
        (45.0, ["clock.ahead"]),
        (-45.0, ["clock.behind"]),
        (899.0, ["clock.timezone-shift"]),
        (850.0, ["clock.ahead"]),
        (900.0, ["clock.timezone-shift"]),
        (-900.0, ["clock.timezone-shift"]),
        (8 * 3600.0, ["clock.timezone-shift"]),
        (-(5 * 3600 + 45 * 60.0), ["clock.timezone-shift"]),
        (3600.0 + 10, ["clock.ahead"]),
        (14 * 3600.0, ["clock.timezone-shift"]),
        (14 * 3600.0 + 900, ["clock.ahead"]),  # no zone is that far from UTC
        (86400.0 * 700, ["clock.ahead"]),
    ],
)
def test_skew(skew_s: float, expected: list[str]) -> None:
    assert codes(judged(CHECK, facts(skew_s))) == expected


def test_ahead_says_size_and_side() -> None:
    found = only(judged(CHECK, facts(45.02)))
    assert found.summary.startswith("The clock of this machine is 45.0 s ahead of the exchange")
    assert found.evidence["skew_s"] == pytest.approx(45.02, abs=0.01)
    assert found.evidence["width_s"] == pytest.approx(0.021, abs=0.002)
    assert found.evidence["ntp_offset_s"] == pytest.approx(-45.02, abs=0.01)
    assert found.evidence["samples"] == 5
    assert found.evidence["round_trip_ms"] == 20.0
    assert "behind" in only(judged(CHECK, facts(-45))).summary


def test_timezone_shift_says_the_hours() -> None:
    found = only(judged(CHECK, facts(8 * 3600.0)))
    assert "8 h ahead" in found.summary
    assert found.evidence["quarter_hours"] == 32


def test_without_ntp_servers_nothing_is_said_of_them() -> None:
    assert judged(CHECK, facts(0.0, ntp=())) == ()


@pytest.mark.parametrize("outcome", ["timeout", "unreachable", "kiss", "unsynchronised", "bogus", "name-not-found"])
def test_unusable_ntp_is_a_note_unless_declared(outcome: Any) -> None:
    mute = (ntp(outcome=outcome, stratum=0), ntp(outcome=outcome, server="b"))
    assert only(judged(CHECK, facts(ntp=mute))).severity is Severity.INFO
    assert only(judged(CHECK, facts(ntp=mute, ntp_declared=True))).severity is Severity.WARNING


def test_a_leap_3_or_stratum_16_server_is_not_believed() -> None:
    lying = (ntp(77.0, leap=3), ntp(77.0, stratum=16, server="b"))
    assert codes(judged(CHECK, facts(ntp=lying))) == ["clock.ntp-unreachable"]


def test_falseticker_is_named() -> None:
    three = (ntp(0.0), ntp(0.001, server="b.ntp:123"), ntp(12.0, server="liar.ntp:123"))
    found = only(judged(CHECK, facts(ntp=three, ntp_declared=True)))
    assert found.code == "clock.sources-disagree"
    assert "liar.ntp:123" in found.summary
    assert found.severity is Severity.WARNING
    assert only(judged(CHECK, facts(ntp=three))).severity is Severity.INFO


def test_exchange_decides_between_two_ntp_servers() -> None:
    found = only(judged(CHECK, facts(ntp=(ntp(0.0), ntp(-50.0, server="liar")), ntp_declared=True)))
    assert found.evidence["server"] == "liar"


@pytest.mark.parametrize(
    ("by_exchange_s", "by_ntp_s", "severity", "word"),
    [(0.0, 12.0, None, "the exchange"), (12.0, 0.0, None, "NTP"), (45.0, 0.0, Severity.ERROR, "refused")],
)
def test_ntp_against_exchange(by_exchange_s: float, by_ntp_s: float, severity: Severity | None, word: str) -> None:
    found = only(judged(CHECK, facts(by_exchange_s, ntp=(ntp(-by_ntp_s), ntp(-by_ntp_s, server="b")))))
    assert found.code == "clock.sources-disagree"
    assert found.severity is severity
    assert word in found.summary


def test_both_references_call_the_clock_wrong() -> None:
    found = judged(CHECK, facts(45.0, ntp=(ntp(-50.0), ntp(-50.0, server="b"))))
    assert codes(found) == ["clock.sources-disagree", "clock.ahead"]
    assert found[0].severity is None


def test_a_second_between_ntp_and_exchange_is_nothing() -> None:
    assert judged(CHECK, facts(0.0, ntp=(ntp(0.9), ntp(0.9, server="b")))) == ()


def test_only_ntp() -> None:
    found = only(judged(CHECK, facts(45.0, samples=())))
    assert found.code == "clock.ahead"
    assert found.evidence["measured_by"] == "NTP"
    assert "NTP" in found.summary
    assert basis(facts(45.0, samples=())).source == "NTP"


def test_only_http_date() -> None:
    dated = tuple(replace(sample(skew_s=60), server_ms=None, date_s=(EPOCH_NS + n * MS) // S) for n in range(2))
    found = only(judged(CHECK, facts(60.0, samples=dated, ntp=())))
    assert found.code == "clock.ahead"
    assert found.evidence["measured_by"] == "the HTTP Date header"


def by_date(skew_s: float, date_off_s: int = 0) -> tuple[Sample, ...]:
    """Pages of an edge, without the exchange's own time; its Date may be off itself."""
    return tuple(
        replace(sample(n * 0.06, skew_s=skew_s), server_ms=None, date_s=EPOCH_NS // S + date_off_s) for n in range(5)
    )


def test_time_servers_stand_alone_against_this_clock_and_the_date_of_the_edge() -> None:
    wrong_together = (ntp(68.0), ntp(68.001, server="b.ntp:123"))
    found = only(judged(CHECK, facts(0.0, samples=by_date(0.0), ntp=wrong_together)))
    assert found.code == "clock.sources-disagree"
    assert found.evidence["skew_by_ntp_s"] == pytest.approx(-68.0, abs=0.01)
    assert basis(facts(0.0, samples=by_date(0.0), ntp=wrong_together)).source == "the HTTP Date header"


@pytest.mark.parametrize("date_off_s", [-90, 90])
def test_a_date_that_stands_alone_says_nothing(date_off_s: int) -> None:
    """Edges are not kept to the second: a right clock that NTP confirms is right."""
    assert judged(CHECK, facts(0.0, samples=by_date(0.0, date_off_s))) == ()


def test_ntp_and_the_date_call_the_clock_wrong() -> None:
    assert only(judged(CHECK, facts(68.0, samples=by_date(68.0)))).code == "clock.ahead"


# ---- stored answers --------------------------------------------------------------------------


def stamped(ms: int, **more: Any) -> tuple[Sample, ...]:
    return tuple(sample(n * 0.06, stamp_ms=ms, trip_ms=2, **more) for n in range(5))


def test_cached_time_is_no_clock() -> None:
    old = stamped(EPOCH_NS // MS - 600_000)
    found = only(judged(CHECK, facts(0.0, samples=old)))
    assert found.code == "clock.server-time-cached"
    assert found.evidence["same_time_for_s"] == pytest.approx(0.238)
    assert basis(facts(0.0, samples=old)).source == "NTP"


def test_cached_time_with_a_wrong_clock_is_judged_by_ntp_alone() -> None:
    old = stamped(EPOCH_NS // MS, skew_s=45)
    assert codes(judged(CHECK, facts(45.0, samples=old))) == ["clock.server-time-cached", "clock.ahead"]


def test_a_short_line_shows_a_stored_time_as_well() -> None:
    """Five round trips within 15 ms: every one has the same millisecond."""
    old = tuple(sample(n * 0.0035, stamp_ms=EPOCH_NS // MS - 2_700, trip_ms=0.4) for n in range(5))
    assert only(judged(CHECK, facts(0.0, samples=old))).code == "clock.server-time-cached"


def test_two_servers_that_differ_may_show_the_same_millisecond() -> None:
    stamps = (EPOCH_NS // MS, EPOCH_NS // MS + 8, EPOCH_NS // MS + 8, EPOCH_NS // MS + 10)
    apart = tuple(sample(n * 0.01, stamp_ms=ms, trip_ms=9) for n, ms in enumerate(stamps))
    assert "clock.server-time-cached" not in codes(judged(CHECK, facts(0.0, samples=apart)))


def test_age_above_zero_means_stored_and_zero_does_not() -> None:
    aged = tuple(replace(s, age_s=12) for s in facts().samples)
    assert codes(judged(CHECK, facts(samples=aged))) == ["clock.server-time-cached"]
    assert judged(CHECK, facts(samples=tuple(replace(s, age_s=0, cache="DYNAMIC") for s in facts().samples))) == ()


def test_the_same_millisecond_twice_is_not_stored() -> None:
    near = (sample(0.0, stamp_ms=EPOCH_NS // MS, trip_ms=0.2), sample(0.0004, stamp_ms=EPOCH_NS // MS, trip_ms=0.2))
    assert judged(CHECK, facts(samples=near)) == ()


# ---- jumps and rate --------------------------------------------------------------------------


def test_jump_is_found_and_the_skew_after_it_judged() -> None:
    before, after = tuple(sample(n * 0.06) for n in range(2)), tuple(sample(0.2 + n * 0.06, skew_s=7) for n in range(3))
    end = Instant(wall_ns=EPOCH_NS + 8 * S, mono_ns=11 * S)
    jumped = facts(0.0, samples=(*before, *after), readings=(facts().readings[0], end), ntp=())
    found = judged(CHECK, jumped)
    assert codes(found) == ["clock.jumped", "clock.drifting"]
    assert found[0].evidence["jump_s"] == pytest.approx(7.0)
    assert found[1].evidence["skew_s"] == pytest.approx(7.0, abs=0.02)


@pytest.mark.parametrize(("step_s", "expected"), [(0.2, []), (0.3, ["clock.jumped"]), (-0.3, ["clock.jumped"])])
def test_jump_limit(step_s: float, expected: list[str]) -> None:
    start, end = facts().readings
    later = replace(end, wall_ns=end.wall_ns + round(step_s * S))
    stepped = facts(readings=(start, later, replace(later, mono_ns=later.mono_ns + 1, wall_ns=later.wall_ns + 1)))
    assert codes(judged(CHECK, stepped)) == expected


def test_a_reading_that_was_held_up_is_no_jump() -> None:
    start, end = facts().readings
    held = Instant(wall_ns=EPOCH_NS + S // 2, mono_ns=10 * S + S // 2 + 400 * MS)  # 400 ms between the two clocks
    assert judged(CHECK, facts(readings=(start, held, end))) == ()
    stepped = replace(end, wall_ns=end.wall_ns + 400 * MS)
    again = Instant(wall_ns=stepped.wall_ns + MS, mono_ns=stepped.mono_ns + MS)
    assert codes(judged(CHECK, facts(readings=(start, stepped, again)))) == ["clock.jumped"]


def test_growth_between_samples() -> None:
    growing = tuple(sample(n * 0.06, skew_s=n * 0.02, trip_ms=2) for n in range(5))
    found = only(judged(CHECK, facts(0.0, samples=growing, ntp=())))
    assert found.code == "clock.drifting"
    assert found.evidence["grown_s"] == pytest.approx(-0.08, abs=0.005)


def test_a_small_step_is_a_correction_and_no_rate() -> None:
    stepped = tuple(sample(n * 0.06, skew_s=0.0 if n < 2 else 0.069, trip_ms=2) for n in range(5))
    assert judged(CHECK, facts(0.0, samples=stepped, ntp=())) == ()


def test_two_servers_that_disagree_by_a_constant_are_no_growth() -> None:
    mixed = tuple(sample(n * 0.06, skew_s=(n % 2) * 0.04, trip_ms=2) for n in range(5))
    assert judged(CHECK, facts(0.0, samples=mixed, ntp=())) == ()


# ---- the arithmetic --------------------------------------------------------------------------

ms_values = st.integers(min_value=0, max_value=400)


@given(
    skew_us=st.integers(min_value=-(10**9), max_value=10**9),
    trips=st.lists(st.tuples(ms_values, ms_values, st.integers(0, 999)), min_size=1, max_size=7),
)
def test_truth_lies_in_the_interval(skew_us: int, trips: list[tuple[int, int, int]]) -> None:
    """Any delays there and back, any fraction of a millisecond: the exact offset is never outside."""
    made = []
    for n, (there_ms, back_ms, part_us) in enumerate(trips):
        true_sent = EPOCH_NS + n * S + part_us * 1000
        stamped_at, received = true_sent + there_ms * MS, true_sent + (there_ms + back_ms) * MS
        made.append(
            Sample(
                sent_wall_ns=true_sent + skew_us * 1000,
                received_wall_ns=received + skew_us * 1000,
                sent_mono_ns=(n + 1) * S,
                received_mono_ns=(n + 1) * S + (there_ms + back_ms) * MS,
                server_ms=stamped_at // MS,
            )
        )
    found = exchange_offset(made)
    assert found is not None
    truth, slack = Fraction(-skew_us, 10**6), Fraction(1, 10**9)
    assert Fraction(found.low_s) - slack <= truth <= Fraction(found.high_s) + slack
    shortest_ms = min(there + back for there, back, _ in trips)
    assert found.width_s <= (shortest_ms + 1) / 1000 + 1e-9


intervals = st.builds(
    lambda low, width: Interval(low_s=low, high_s=low + width), st.integers(-50, 50), st.integers(0, 30)
)


@given(st.lists(intervals, min_size=1, max_size=7))
def test_agreement_is_the_largest_set(found: list[Interval]) -> None:
    """Against brute force over all integer points (bounds are integers)."""
    agreed = agreement(found)
    assert agreed is not None
    most = max(sum(i.holds(point) for i in found) for point in range(-50, 81))
    assert len(agreed.members) == most
    assert overlap([found[n] for n in agreed.members]) == agreed.where
    assert sorted((*agreed.members, *agreed.outside)) == list(range(len(found)))


wild_int = st.integers(min_value=-(2**70), max_value=2**70) | st.sampled_from([0, EPOCH_NS, EPOCH_NS // MS])
maybe_int = st.none() | wild_int
wild_samples = st.builds(
    Sample,
    sent_wall_ns=wild_int,
    received_wall_ns=wild_int,
    sent_mono_ns=wild_int,
    received_mono_ns=wild_int,
    server_ms=maybe_int,
    date_s=maybe_int,
    age_s=maybe_int,
    cache=st.text(max_size=5),
)


@given(
    st.builds(
        Facts,
        samples=st.lists(wild_samples, max_size=6).map(tuple),
        ntp=st.lists(st.from_type(NtpAnswer), max_size=4).map(tuple),
        readings=st.lists(st.builds(Instant, wall_ns=wild_int, mono_ns=wild_int), max_size=4).map(tuple),
    )
)
def test_evaluate_is_total(any_facts: Facts) -> None:
    for found in CHECK.evaluate(any_facts):
        assert found.code in CHECK.causes
        assert found.evidence
    assert CHECK.offers is not None
    for offered in CHECK.offers(any_facts):
        assert offered.low_s <= offered.high_s


# ---- the probe -------------------------------------------------------------------------------


def clocked(io_skew_s: float = 0.0, trip_s: float = 0.02, **more: Any) -> FakeIo:
    """A world whose exchange stamps half way through each round trip."""
    io = FakeIo(skew_s=io_skew_s, **more)

    def now(_: Ask) -> Scripted:
        true_ns = EPOCH_NS + round((io.elapsed_s + trip_s / 2) * S)
        return ok([{"ts": str(true_ns // MS)}], elapsed_s=trip_s)

    io.http_script = {TIME: now}
    return io


def test_probe_makes_five_round_trips() -> None:
    io = clocked(45.0, ntp_answers=(ntp(-45.0),))
    found, findings = run(CHECK, io)
    assert [ask.path for ask in io.asks] == ["/api/v5/public/time"] * 5
    assert not any(ask.signed or ask.fresh for ask in io.asks)
    assert codes(findings) == ["clock.ahead"]
    assert basis(found).low_s <= -45.0 <= basis(found).high_s


def test_probe_spreads_short_round_trips_and_does_not_wait_on_long_ones() -> None:
    quick, slow = clocked(trip_s=0.001), clocked(trip_s=0.1)
    run(CHECK, quick)
    run(CHECK, slow)
    assert 0.05 < sum(quick.waited) < 0.3
    assert slow.waited == []


def test_probe_sees_a_cache() -> None:
    held = FakeIo(http_script={TIME: ok([{"ts": str(EPOCH_NS // MS)}], elapsed_s=0.001)})
    assert codes(run(CHECK, held)[1]) == ["clock.server-time-cached"]


@pytest.mark.parametrize("trip_s", [0.0005, 0.005, 0.016, 0.03, 0.045, 0.07, 0.2])
@pytest.mark.parametrize("opening_s", [0.0, 0.15, 0.6])
def test_probe_sees_a_cache_that_was_empty_on_any_line(trip_s: float, opening_s: float) -> None:
    """The first request of each connection is passed on, the later ones get what the last of these left."""
    io = FakeIo()
    stored: list[int] = []

    def gateway(_: Ask) -> Scripted:
        first = len(stored) < 2
        if first:
            stored.append((EPOCH_NS + round((io.elapsed_s + opening_s) * S)) // MS + len(stored))
        return ok([{"ts": str(stored[-1])}], elapsed_s=trip_s + (opening_s if first else 0.0))

    io.http_script = {TIME: gateway}
    assert codes(run(CHECK, io)[1]) == ["clock.server-time-cached"]
    assert len(io.asks) <= 6


def test_probe_asks_once_more_where_two_answers_share_a_millisecond() -> None:
    """A line far shorter than a millisecond after a connection that took long to open: nothing is stored."""
    io = FakeIo()

    def now(_: Ask) -> Scripted:
        true_ns = EPOCH_NS + round(io.elapsed_s * S)
        return ok([{"ts": str(true_ns // MS)}], elapsed_s=0.15 if len(io.asks) in (1, 4) else 0.0001)

    io.http_script = {TIME: now}
    assert codes(run(CHECK, io)[1]) == []
    assert len(io.asks) == 6
    assert sum(io.waited) < 0.1


def test_probe_without_connection_names_the_layer() -> None:
    io = FakeIo(http_script={TIME: failed("refused", "connect")})
    with pytest.raises(Skip, match="see tcp") as caught:
        asyncio.run(_probe(io))
    assert caught.value.layer == "tcp"
    assert len(io.asks) == 2  # one on each lane, then it gives up


def test_probe_falls_back_to_ntp() -> None:
    io = FakeIo(http_script={TIME: failed("tls", "handshake")}, ntp_answers=(ntp(3 * 86400.0),))
    found, findings = run(CHECK, io)
    assert codes(findings) == ["clock.behind"]
    assert basis(found).source == "NTP"


def test_probe_watches_this_clock_also_when_nobody_answers() -> None:
    """A refused connection takes no time; the clock is set a little later, while the run goes on."""

    def stepped(io: FakeIo) -> Instant:
        step_s = 3.0 if io.elapsed_s > 0.03 else 0.0
        return Instant(wall_ns=EPOCH_NS + round((io.elapsed_s + step_s) * S), mono_ns=S + round(io.elapsed_s * S))

    io = FakeIo(http_script={TIME: failed("refused", "connect")}, ntp_answers=(ntp(0.0),), instants=stepped)
    _, findings = run(CHECK, io)
    assert "clock.jumped" in codes(findings)
    assert 0.03 < sum(io.waited) < 0.3


def test_probe_of_a_target_that_holds_only_a_part() -> None:
    class NoNtp(FakeIo):
        async def ntp(self) -> tuple[NtpAnswer, ...]:
            raise Skip("no sockets here")

    class NoHttp(FakeIo):
        async def http(self, ask: Ask) -> Any:
            raise Skip("no requests here", layer="http")

    stamp = ok([{"ts": str(EPOCH_NS // MS)}], elapsed_s=0.1)
    found, _ = run(CHECK, NoNtp(http_script={TIME: stamp}))
    assert found.ntp == ()
    found, _ = run(CHECK, NoHttp(ntp_answers=(ntp(0.0),)))
    assert found.samples == ()
    with pytest.raises(Skip, match="no requests here"):
        asyncio.run(_probe(NoHttp()))


def test_two_ntp_servers_that_contradict_each_other_decide_nothing() -> None:
    two = (ntp(0.0), ntp(50.0, server="b"))
    found = only(judged(CHECK, facts(0.0, samples=(), ntp=two, ntp_declared=True)))
    assert (found.code, found.severity) == ("clock.sources-disagree", Severity.WARNING)
    assert found.evidence["offset_s"] == {"a.ntp:123": 0.0, "b": 50.0}
    assert CHECK.offers is not None
    assert list(CHECK.offers(facts(0.0, samples=(), ntp=two))) == []


def test_probe_takes_the_date_of_the_edge_and_not_of_a_portal() -> None:
    date = ("date", "Mon, 24 Nov 2025 16:00:00 GMT")
    edge = replace(page(403), headers=(("cf-ray", "8f-AMS"), date))
    found, _ = run(CHECK, FakeIo(http_script={TIME: edge}, skew_s=60))
    assert {s.date_s for s in found.samples} == {EPOCH_NS // S}
    portal = replace(page(200, server="nginx"), headers=(("server", "nginx"), date))
    with pytest.raises(Skip, match="see http"):
        asyncio.run(_probe(FakeIo(http_script={TIME: portal})))


def test_probe_in_maintenance_uses_the_date() -> None:
    closed = replace(
        refusal("50001", "Service temporarily unavailable", status=503),
        headers=(("date", "Mon, 24 Nov 2025 16:00:00 GMT"),),
    )
    assert run(CHECK, FakeIo(http_script={TIME: closed}))[1] == ()


def test_probe_inconclusive_without_any_time() -> None:
    with pytest.raises((Skip, Inconclusive)):
        asyncio.run(_probe(FakeIo(view=view(), http_script={TIME: ok([{"ts": "soon"}])})))


async def _probe(io: FakeIo) -> Any:
    return await CHECK.probe(io)


@pytest.mark.parametrize("skew_s", [45.0, 900.0, 5.0])
def test_one_time_server_alone_is_only_likely_right(skew_s: float) -> None:
    """The exchange itself decides; without it two time servers that agree do."""
    assert only(judged(CHECK, facts(skew_s, ntp=()))).confidence is Confidence.CERTAIN
    assert only(judged(CHECK, facts(skew_s, samples=()))).confidence is Confidence.CERTAIN
    assert only(judged(CHECK, facts(skew_s, samples=(), ntp=(ntp(-skew_s),)))).confidence is Confidence.LIKELY


def test_a_shift_tells_how_near_it_is_to_the_quarter_hour() -> None:
    assert "15 min ahead of the exchange, to within 1.0 s" in only(judged(CHECK, facts(901.0))).summary
    assert "15 min behind the exchange, to within 1.0 s" in only(judged(CHECK, facts(-901.0))).summary


def test_what_is_left_without_time_servers_is_told() -> None:
    silent = (ntp(server="a.ntp:123", outcome="timeout"),)
    found = only(judged(CHECK, facts(ntp=silent)))
    assert (found.code, found.summary.partition("; ")[2]) == (
        "clock.ntp-unreachable", "the exchange's time is the only reference."
    )  # fmt: skip
    nothing = only(judged(CHECK, facts(ntp=silent, samples=())))
    assert nothing.summary.endswith("no other reference is left.")
