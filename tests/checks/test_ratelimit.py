"""The check of request budgets: own use against the documented one, headers, and the burst."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from fakeio import FakeIo, Scripted, codes, failed, judged, ok, page, refusal, run, view
from hypothesis import given
from hypothesis import strategies as st

from okxdoctor.check import Inconclusive, Skip
from okxdoctor.model import Finding
from okxdoctor.port import Ask, LedgerRow
from okxdoctor_checks._burst import OVER, Burst, Shape
from okxdoctor_checks._ledger import Usage, most_within, usage
from okxdoctor_checks.ratelimit import CHECK, Facts, Sample

TICKER = "GET /api/v5/market/ticker"
TIME = "/api/v5/public/time"
JSON = ("content-type", "application/json")


def rows(
    count: int, *, refused: int = 0, path: str = TIME, every_s: float = 0.05, code: str = "50011", status: int = 429
) -> tuple[LedgerRow, ...]:
    """``count`` requests, the last ``refused`` of them over a limit."""
    return tuple(
        LedgerRow(
            at_mono_ns=round(n * every_s * 1e9),
            method="GET",
            path=path,
            scope="IP",
            status=status if n >= count - refused else 200,
            code=code if n >= count - refused else "0",
        )
        for n in range(count)
    )


def look(
    *, ledger: tuple[LedgerRow, ...] = (), ticker: Any = None, **changes: Any
) -> tuple[tuple[Finding, ...], FakeIo, Facts]:
    """Every finding but the information that there are no headers."""
    io = FakeIo(view=view(**changes), http_script={TICKER: ticker or ok([{}])}, ledger_rows=ledger)
    facts, findings = run(CHECK, io)
    return tuple(f for f in findings if f.code != "ratelimit.headers-absent"), io, facts


def one(findings: tuple[Finding, ...]) -> Finding:
    assert len(findings) == 1, codes(findings)
    return findings[0]


# ---- counting -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("times_s", "most"),
    [
        ([], 0),
        ([0.0], 1),
        ([0.0, 1.999999999], 2),
        ([0.0, 2.0], 1),
        ([0.0, 1.0, 2.0, 3.0], 2),
        ([5.0, 0.0, 5.1, 5.2, 9.0], 3),
    ],
)
def test_the_busiest_window_is_half_open(times_s: list[float], most: int) -> None:
    assert most_within([round(at * 1e9) for at in times_s], 2.0) == most


@given(st.lists(st.integers(0, 10_000), max_size=30), st.integers(1, 5_000))
def test_the_busiest_window_by_counting_every_one(times_ms: list[int], window_ms: int) -> None:
    brute = max((sum(start <= at < start + window_ms for at in times_ms) for start in times_ms), default=0)
    assert most_within([at * 1_000_000 for at in times_ms], window_ms / 1000) == brute


def test_budgets_are_counted_for_each_type_of_instrument() -> None:
    path = "/api/v5/public/instruments?instType="
    found = usage((*rows(3, path=f"{path}SPOT"), *rows(2, path=f"{path}SWAP&instId=BTC-USDT-SWAP")))
    assert [(use.bucket, use.most, use.limit) for use in found] == [("SPOT", 3, 20), ("SWAP", 2, 20)]


def test_an_endpoint_without_a_known_budget_is_left_out() -> None:
    assert usage(rows(3, path="/ws/v5/public")) == ()


# ---- refusals against the own use -----------------------------------------------------------------


def test_health_takes_three_requests_and_never_sleeps() -> None:
    findings, io, _ = look(ledger=rows(9))
    assert findings == ()
    assert len(io.asks) == 3
    assert io.waited == []


@pytest.mark.parametrize(
    ("sent", "refused", "expected"),
    [
        (12, 2, ["ratelimit.exceeded"]),
        (10, 1, ["ratelimit.exceeded"]),  # public/time allows 10 in 2 s: at the limit is over it
        (9, 1, ["ratelimit.shared"]),
        (1, 1, ["ratelimit.shared"]),
        (12, 0, []),
    ],
)
def test_own_use_decides_who_spent_the_budget(sent: int, refused: int, expected: list[str]) -> None:
    assert codes(look(ledger=rows(sent, refused=refused))[0]) == expected


def test_the_same_number_over_a_longer_time_is_not_too_many() -> None:
    assert codes(look(ledger=rows(12, refused=2, every_s=0.3))[0]) == ["ratelimit.shared"]


def test_the_numbers_are_given() -> None:
    finding = one(look(ledger=rows(12, refused=2))[0])
    assert finding.evidence["own_requests_in_window"] == 12
    assert finding.evidence["limit"] == 10
    assert finding.evidence["window_s"] == 2
    assert finding.evidence["scope"] == "IP"


def test_a_budget_of_one_tells_nothing_about_others() -> None:
    assert look(ledger=rows(1, refused=1, path="/api/v5/system/status"))[0] == ()


def test_overload_with_status_429_is_no_limit() -> None:
    assert look(ledger=rows(3, refused=2, code="50013"))[0] == ()


def test_a_refused_websocket_upgrade_is_no_refused_request() -> None:
    assert look(ledger=rows(3, refused=3, path="/ws/v5/public", code=""))[0] == ()


def test_the_order_cap_is_its_own_cause() -> None:
    path = "/api/v5/account/config"
    finding = one(look(ledger=rows(3, refused=2, path=path, code="50061", status=200))[0])
    assert finding.code == "ratelimit.order-cap"
    assert finding.evidence["refused"] == 2


@pytest.mark.parametrize(
    ("status", "code", "odd"),
    [(429, "50011", False), (200, "50011", True), (429, "", True), (403, "50011", True)],
)
def test_the_shape_of_a_refusal(status: int, code: str, odd: bool) -> None:
    found = codes(look(ledger=rows(20, refused=1, status=status, code=code))[0])
    assert ("ratelimit.refusal-shape" in found) == odd
    assert "ratelimit.exceeded" in found


def test_a_bare_429_within_the_budget_says_nothing_of_how_the_exchange_refuses() -> None:
    assert codes(look(ledger=rows(3, refused=1, status=429, code=""))[0]) == ["ratelimit.shared"]


# ---- headers ----------------------------------------------------------------------------------------


def with_headers(*each: dict[str, str]) -> list[Scripted]:
    return [ok([{}], headers=(JSON, *headers.items())) for headers in each]


def test_no_header_is_information() -> None:
    _, findings = run(CHECK, FakeIo(http_script={TICKER: ok([{}])}))
    assert codes(findings) == ["ratelimit.headers-absent"]


@pytest.mark.parametrize(
    "headers",
    [
        [{"x-ratelimit-limit": "20", "x-ratelimit-used": str(n)} for n in (1, 2, 3)],
        [{"ratelimit-limit": "20", "ratelimit-remaining": str(n)} for n in (19, 18, 17)],
        [{"x-rate-limit-limit": "20", "x-rate-limit-used": str(n), "x-rate-limit-remaining": str(20 - n)}
         for n in (4, 5, 6)],
        [{"x-ratelimit-limit": "20", "x-ratelimit-used": str(n)} for n in (20, 1, 2)],  # a new window
        [{"x-ratelimit-limit": "many"}] * 3,
        [{"x-ratelimit-reset": "2"}, {"retry-after": "1"}, {}],
    ],
)  # fmt: skip
def test_headers_that_agree_are_fine(headers: list[dict[str, str]]) -> None:
    assert look(ticker=with_headers(*headers))[0] == ()


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ([{"x-ratelimit-limit": "20", "x-ratelimit-used": "1"}] * 3, "used stays 1"),
        ([{"x-ratelimit-limit": "20", "x-ratelimit-remaining": "19"}] * 3, "remaining stays 19"),
        ([{"x-ratelimit-limit": "20", "x-ratelimit-used": str(n)} for n in (25, 26, 27)], "25 used of 20"),
        ([{"x-ratelimit-limit": "61", "x-ratelimit-used": str(n)} for n in (1, 2, 3)], "limit 61, documented 20"),
        (
            [{"x-ratelimit-limit": "20", "x-ratelimit-used": str(n), "x-ratelimit-remaining": "9"} for n in (1, 2, 3)],
            "1 used and 9 remaining of 20",
        ),
    ],
)
def test_headers_that_contradict(headers: list[dict[str, str]], told: str) -> None:
    finding = one(look(ticker=with_headers(*headers))[0])
    assert finding.code == "ratelimit.headers-inconsistent"
    assert told in finding.summary


def test_a_counter_that_starts_anew_with_each_window_is_fine() -> None:
    headers = (JSON, ("x-ratelimit-limit", "20"), ("x-ratelimit-used", "1"))
    assert look(ticker=ok([{}], headers=headers, elapsed_s=1.1))[0] == ()
    assert codes(look(ticker=ok([{}], headers=headers, elapsed_s=0.9))[0]) == ["ratelimit.headers-inconsistent"]


# ---- the burst ----------------------------------------------------------------------------------------


def counting(limit: int, over: Scripted, window_s: float = 2.0) -> tuple[Any, list[FakeIo]]:
    """An exchange with a sliding window of its own, on the scripted clock."""
    place: list[FakeIo] = []
    taken: list[float] = []

    def reply(ask: Ask) -> Scripted:
        now_s = place[0].elapsed_s
        taken[:] = [at for at in taken if at > now_s - window_s]
        if len(taken) >= limit:
            return over
        taken.append(now_s)
        return ok([{}], elapsed_s=0.002)

    return reply, place


REFUSED = refusal("50011", "Too Many Requests", status=429, elapsed_s=0.001)


def burst(limit: int, over: Scripted = REFUSED) -> tuple[tuple[Finding, ...], FakeIo, Facts]:
    reply, place = counting(limit, over)
    io = FakeIo(view=view(burst=True), http_script={TICKER: reply})
    place.append(io)
    facts, findings = run(CHECK, io)
    return tuple(f for f in findings if f.code != "ratelimit.headers-absent"), io, facts


def test_a_burst_on_a_true_budget_finds_nothing_and_sees_the_recovery() -> None:
    findings, io, facts = burst(20)
    assert findings == ()
    assert facts.burst is not None
    assert (facts.burst.sent, facts.burst.accepted) == (30, 20)
    assert facts.burst.recovered_s == pytest.approx(2, abs=0.2)
    assert len(io.asks) == 3 + 20 + OVER + 1
    assert facts.usage == ()


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        (33, []),
        (16, []),
        (15, ["ratelimit.limit-differs"]),
        (10, ["ratelimit.limit-differs"]),
        (5, ["ratelimit.limit-differs"]),
        (4, ["ratelimit.shared"]),
    ],
)
def test_the_measured_budget_against_the_documented_one(limit: int, expected: list[str]) -> None:
    assert codes(burst(limit)[0]) == expected


@pytest.mark.parametrize(
    "over",
    [
        refusal("50011", status=200, data=True, elapsed_s=0.001),
        refusal("50001", status=503, data=True, elapsed_s=0.001),
        page(429, "error code: 1015", elapsed_s=0.001),
    ],
)
def test_the_shape_of_the_refusal_is_seen_by_the_burst(over: Scripted) -> None:
    assert codes(burst(20, over)[0]) == ["ratelimit.refusal-shape"]


def test_no_burst_of_requests_that_are_refused_one_by_one() -> None:
    gone = refusal("51001", "Instrument ID does not exist", status=200, data=True)
    io = FakeIo(view=view(burst=True), http_script={TICKER: gone})
    with pytest.raises(Inconclusive, match="51001"):
        run(CHECK, io)
    assert [ask.path.partition("?")[0] for ask in io.asks] == ["/api/v5/market/ticker"]


def test_refusals_that_fit_the_measured_limit_are_not_somebody_elses() -> None:
    reply, place = counting(10, REFUSED)
    io = FakeIo(view=view(burst=True), http_script={TICKER: reply}, ledger_rows=rows(7, refused=2))
    place.append(io)
    _, findings = run(CHECK, io)
    assert "ratelimit.limit-differs" in codes(findings)
    assert "ratelimit.shared" not in codes(findings)


def test_a_slow_burst_is_not_judged() -> None:
    slow = Burst(
        path="/p", limit=20, window_s=2, sent=30, accepted=10, lost=0, spread_s=2.0,
        refused=(Shape(status=429, code="50011", count=20),),
    )  # fmt: skip
    facts = Facts(usage=(), refused=(), order_cap=0, documented=20, window_s=2, samples=(), burst=slow)
    assert judged(CHECK, facts) == ()


# ---- what stands in the way ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "layer"), [(failed("dns", "resolve"), "dns"), (failed("tls", "handshake"), "tls"), (page(403), "http")]
)
def test_a_lower_layer_names_the_cause(reply: Scripted, layer: str) -> None:
    with pytest.raises(Skip) as caught:
        asyncio.run(CHECK.probe(FakeIo(http_script={TICKER: reply})))
    assert caught.value.layer == layer


def test_being_refused_is_no_obstacle() -> None:
    assert look(ticker=page(429, "error code: 1015"))[0] == ()


# ---- total ------------------------------------------------------------------------------------------------


@given(st.builds(Facts))
def test_any_facts_are_judged(facts: Facts) -> None:
    judged(CHECK, facts)


@given(
    st.lists(st.builds(Usage, refused=st.integers(0, 3), limit=st.integers(-1, 30), most=st.integers(0, 40))),
    st.lists(st.builds(Sample), min_size=1, max_size=4),
    st.none() | st.builds(Burst, limit=st.integers(-1, 30), accepted=st.integers(0, 40)),
)
def test_any_counts_are_judged(usages: list[Usage], samples: list[Sample], found: Burst | None) -> None:
    facts = Facts(
        usage=tuple(usages), refused=(), order_cap=1, documented=20, window_s=2.0, samples=tuple(samples), burst=found
    )
    judged(CHECK, facts)


def test_the_least_of_two_told_limits_is_named() -> None:
    told = [{"x-ratelimit-limit": str(limit), "x-ratelimit-used": "1"} for limit in (61, 59, 61)]
    (found,) = [each for each in look(ticker=with_headers(*told))[0] if "documented 20" in each.summary]
    assert "limit 59, documented 20" in found.summary


def test_two_equal_counts_are_too_few_to_call_a_counter_stuck() -> None:
    once = Sample(at_s=0.0, names=("x-ratelimit-used",), limit=None, used=1, remaining=None)
    _, _, facts = look()
    for samples, stuck in ((2, False), (3, True)):
        given_facts = replace(facts, samples=tuple(replace(once, at_s=n / 10) for n in range(samples)))
        told = [found for found in judged(CHECK, given_facts) if "used stays 1" in found.summary]
        assert bool(told) == stuck
