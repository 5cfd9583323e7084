"""The check of the exchange's state: windows by state, environment and service; 50001; busy answers."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from fakeio import EPOCH_NS, FakeIo, Scripted, codes, failed, judged, ok, page, refusal, run, view
from hypothesis import given
from hypothesis import strategies as st

from okxdoctor.check import Inconclusive, Skip
from okxdoctor.model import Confidence, Finding, Severity
from okxdoctor.port import LedgerRow
from okxdoctor_checks.status import CHECK, Facts, Window

STATUS = "GET /api/v5/system/status"
NOW_MS = EPOCH_NS // 1_000_000
HOUR_MS = 3_600_000
DATED = (("date", "Mon, 24 Nov 2025 16:00:00 GMT"),)


def window(state: str, *, begin_h: float = -1, end_h: float | None = 1, **changes: Any) -> dict[str, Any]:
    """A row of system/status, hours counted from now."""
    row = {
        "title": "Trading system upgrade", "state": state, "serviceType": "5", "env": "1", "maintType": "1",
        "system": "unified", "href": "", "scheDesc": "", "preOpenBegin": "",
        "begin": str(round(NOW_MS + begin_h * HOUR_MS)),
        "end": "" if end_h is None else str(round(NOW_MS + end_h * HOUR_MS)),
    }  # fmt: skip
    return {**row, **changes}


def row(path: str, code: str, *, at_s: float = 0.0, status: int = 200, method: str = "GET") -> LedgerRow:
    return LedgerRow(at_mono_ns=round(at_s * 1e9), method=method, path=path, scope="", status=status, code=code)


def look(
    *windows: dict[str, Any],
    table: Scripted | None = None,
    ledger: tuple[LedgerRow, ...] = (),
    **changes: Any,
) -> tuple[Facts, tuple[Finding, ...]]:
    script = {STATUS: table or ok(list(windows), headers=DATED)}
    return run(CHECK, FakeIo(view=view(**changes), http_script=script, ledger_rows=ledger))


def test_an_empty_table_is_health() -> None:
    facts, findings = look()
    assert findings == ()
    assert facts.now_ms == NOW_MS
    assert facts.clock == "exchange"


@pytest.mark.parametrize(
    ("state", "begin_h", "end_h", "expected"),
    [
        ("ongoing", -1, 1, ["status.maintenance"]),
        ("ongoing", -2, -1, ["status.maintenance"]),  # it lasts longer than announced
        ("ongoing", -1, None, ["status.maintenance"]),
        ("pre_open", -1, 1, ["status.maintenance"]),
        ("scheduled", 23.9, 25, ["status.maintenance-scheduled"]),
        ("scheduled", 24.1, 25, []),
        ("scheduled", -0.1, 1, ["status.maintenance-scheduled"]),
        ("scheduled", -2, -1, []),
        ("completed", -1, 1, []),
        ("canceled", -1, 1, []),
        ("something-new", -1, 1, []),
        ("", -1, 1, []),
    ],
)
def test_states(state: str, begin_h: float, end_h: float | None, expected: list[str]) -> None:
    assert codes(look(window(state, begin_h=begin_h, end_h=end_h))[1]) == expected


@pytest.mark.parametrize(
    ("env", "environment", "expected"),
    [
        ("1", "live", ["status.maintenance"]),
        ("2", "live", []),
        ("1", "demo", []),
        ("2", "demo", ["status.maintenance"]),
        ("", "live", ["status.maintenance"]),
        ("", "demo", ["status.maintenance"]),
    ],
)
def test_only_the_environment_asked_counts(env: str, environment: str, expected: list[str]) -> None:
    assert codes(look(window("ongoing", env=env), environment=environment)[1]) == expected


def test_the_classic_system_is_not_ours() -> None:
    assert look(window("ongoing", system="classic"))[1] == ()


@pytest.mark.parametrize(
    ("service", "severity"),
    [
        ("0", Severity.ERROR),
        ("5", Severity.ERROR),
        ("8", Severity.WARNING),
        ("9", Severity.WARNING),
        ("99", Severity.WARNING),
        ("77", Severity.WARNING),
        ("6", Severity.INFO),
        ("7", Severity.INFO),
        ("10", Severity.INFO),
        ("11", Severity.INFO),
    ],
)
def test_how_grave_depends_on_the_service(service: str, severity: Severity) -> None:
    (finding,) = look(window("ongoing", serviceType=service))[1]
    assert finding.severity is severity
    assert finding.subject == ("ws" if service == "0" else "")


def test_pre_open_is_a_warning_for_trading() -> None:
    (finding,) = look(window("pre_open"))[1]
    assert finding.severity is Severity.WARNING
    assert "pre-open" in finding.summary


def test_the_numbers_are_given() -> None:
    (finding,) = look(window("scheduled", begin_h=2, end_h=3))[1]
    assert finding.evidence["begins_in_h"] == 2
    assert finding.evidence["begin"] == "2025-11-24T18:00:00.000Z"
    assert "2.0 h" in finding.summary


def test_50001_without_a_window_is_maintenance() -> None:
    closed = refusal("50001", "Service temporarily unavailable", status=503)
    rows = (row("/api/v5/system/status", "50001", status=503), row("/api/v5/account/config", "50001", status=503))
    (finding,) = look(table=closed, ledger=rows)[1]
    assert finding.code == "status.maintenance"
    assert finding.evidence["calls_refused"] == 2


def test_50001_under_an_announced_window_is_one_finding() -> None:
    rows = (row("/api/v5/account/config", "50001", status=503),)
    assert codes(look(window("ongoing"), ledger=rows)[1]) == ["status.maintenance"]


def test_50001_beside_a_window_of_another_product_is_told() -> None:
    rows = (row("/api/v5/account/config", "50001", status=503),)
    _, findings = look(window("ongoing", serviceType="10"), ledger=rows)
    assert [finding.severity for finding in findings] == [Severity.INFO, None]


@pytest.mark.parametrize("code", ["50004", "50013", "50026"])
def test_busy_answers_within_the_limits_are_overload(code: str) -> None:
    rows = (row("/api/v5/account/config", code, status=429), row("/api/v5/account/config", "0"))
    (finding,) = look(ledger=rows)[1]
    assert finding.code == "status.overloaded"
    assert finding.confidence is Confidence.LIKELY
    assert "ratelimit.exceeded" in finding.excluded


def test_busy_answers_over_the_own_limit_are_not_overload() -> None:
    # account/config allows 5 in 2 s; the fifth within the window is at the limit.
    rows = tuple(row("/api/v5/account/config", "50013", at_s=0.1 * n, status=429) for n in range(5))
    assert look(ledger=rows)[1] == ()
    assert codes(look(ledger=rows[:4])[1]) == ["status.overloaded"]
    spread = tuple(row("/api/v5/account/config", "50013", at_s=0.6 * n, status=429) for n in range(5))
    assert codes(look(ledger=spread)[1]) == ["status.overloaded"]


def test_the_limit_of_an_endpoint_is_no_overload() -> None:
    assert look(ledger=(row("/api/v5/market/ticker", "50011", status=429),))[1] == ()


def test_a_table_that_is_refused_is_inconclusive_and_does_not_matter() -> None:
    with pytest.raises(Inconclusive, match="system/status"):
        look(table=refusal("50011", status=429))
    assert not CHECK.matters


@pytest.mark.parametrize(
    ("reply", "layer"),
    [
        (failed("refused", "connect"), "tcp"),
        (page(502), "http"),
        (failed("timeout", "first-byte"), "http"),
        (refusal("50121", status=200), "http"),
    ],
)
def test_no_answer_of_the_api_is_the_lower_layers(reply: Scripted, layer: str) -> None:
    with pytest.raises(Skip) as caught:
        look(table=reply)
    assert caught.value.layer == layer


def test_a_busy_refusal_of_the_table_itself_is_judged() -> None:
    rows = (row("/api/v5/system/status", "50026", status=500),)
    assert codes(look(table=refusal("50026", status=500), ledger=rows)[1]) == ["status.overloaded"]


def test_without_the_exchanges_time_the_local_clock_serves() -> None:
    facts, findings = look(table=ok([window("scheduled", begin_h=2)], headers=(("date", "soon"),)))
    assert facts.clock == "local"
    assert codes(findings) == ["status.maintenance-scheduled"]


@pytest.mark.parametrize("text", ["", "soon", "-5", "9" * 40, "99999999999999999"])
def test_odd_instants_are_no_crash(text: str) -> None:
    _, findings = look(window("scheduled", begin=text, end=text), window("ongoing", begin=text, end=text))
    assert "status.maintenance" in codes(findings)


def test_one_request_is_enough() -> None:
    io = FakeIo(http_script={STATUS: ok()})
    asyncio.run(CHECK.probe(io))
    assert [ask.path for ask in io.asks] == ["/api/v5/system/status"]


WINDOWS = st.builds(
    Window,
    state=st.sampled_from(["ongoing", "pre_open", "scheduled", "completed", "?"]),
    service=st.sampled_from(["0", "5", "8", "10", "99", "x"]) | st.text(max_size=5),
    environment=st.sampled_from(["1", "2", "", "x"]),
    begin_ms=st.none() | st.integers(-(10**18), 10**18),
    end_ms=st.none() | st.integers(-(10**18), 10**18),
)
REFUSALS = st.tuples(st.text(max_size=9), st.sampled_from(["50001", "50013", "0", ""]), st.integers(0, 9))


@given(st.builds(Facts), st.lists(WINDOWS, max_size=4), st.lists(REFUSALS, max_size=3), st.integers(-(10**18), 10**18))
def test_any_facts_are_judged(facts: Facts, windows: list[Window], refusals: list[Any], now_ms: int) -> None:
    judged(CHECK, replace(facts, windows=tuple(windows), refusals=tuple(refusals), now_ms=now_ms))


def test_an_end_that_nobody_announced_is_not_told() -> None:
    (announced,), (open_ended,) = look(window("ongoing", end_h=1))[1], look(window("ongoing", end_h=None))[1]
    assert "announced until 2025-11-24T17:00" in announced.summary
    assert announced.evidence["minutes_left"] == 60.0
    assert "until" not in open_ended.summary
    assert open_ended.evidence["minutes_left"] is None


@pytest.mark.parametrize(
    ("service", "confidence"), [("0", Confidence.CERTAIN), ("5", Confidence.CERTAIN), ("1", Confidence.LIKELY)]
)
def test_a_service_that_not_everybody_uses_is_only_likely_the_cause(service: str, confidence: Confidence) -> None:
    assert look(window("ongoing", serviceType=service))[1][0].confidence is confidence


def test_a_service_that_nobody_has_named_yet_is_told_by_its_number() -> None:
    assert "service 77" in look(window("ongoing", serviceType="77"))[1][0].summary
    assert "service without number" in look(window("ongoing", serviceType=""))[1][0].summary


def test_a_table_that_was_asked_for_once_too_often_says_so() -> None:
    with pytest.raises((Inconclusive, Skip), match=r"allows 1 request in 5 s, and this was one more \(50011\)"):
        look(table=refusal("50011", "Too Many Requests", status=429))


@pytest.mark.parametrize(
    ("begin_h", "told"), [(2.0, "begins in 2.0 h"), (-0.5, "should have begun 0.5 h ago"), (23.9, "begins in 23.9 h")]
)
def test_when_a_scheduled_window_begins(begin_h: float, told: str) -> None:
    (found,) = look(window("scheduled", begin_h=begin_h, end_h=begin_h + 3))[1]
    assert (told in found.summary, found.evidence["begins_in_h"]) == (True, begin_h)


def test_the_use_of_each_budget_that_was_refused_is_kept() -> None:
    ticker, time = "/api/v5/market/ticker", "/api/v5/public/time"
    facts, _ = look(ledger=(row(ticker, "50013"), row(time, "50026"), row("/api/v5/market/books", "0")))
    assert {use.path for use in facts.usage} == {ticker, time}
