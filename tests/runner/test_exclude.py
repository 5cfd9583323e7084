"""Look-alikes are ruled out by what was measured, and by nothing else."""

from __future__ import annotations

from dataclasses import replace
from fnmatch import fnmatchcase

import pytest

from okxdoctor.knowledge import causes
from okxdoctor.model import Attempt, Confidence, Finding, Outcome
from okxdoctor.runner.diagnose import diagnose, vocabulary
from okxdoctor.runner.discover import checks
from okxdoctor.runner.exclude import exclusions, with_exclusions

CAUSES_OF = {check.id: check.causes for check in checks()}
CAUSE_CODES = sorted(causes())


def attempt(check: str, *codes: str, outcome: Outcome = Outcome.COMPLETED, because: str | None = None) -> Attempt:
    findings = tuple(Finding(code=code, summary="s", evidence={"a": 1}) for code in codes)
    because = because or (None if outcome is Outcome.COMPLETED else "it could not")
    return Attempt(check=check, title="t", outcome=outcome, because=because, findings=findings)


def excluded(*attempts: Attempt, confidence: Confidence = Confidence.CERTAIN) -> dict[str, tuple[str, ...]]:
    words = vocabulary()
    roots = diagnose([finding for each in attempts for finding in each.findings], words)
    told = with_exclusions(
        [replace(root, confidence=confidence) for root in roots],
        attempts,
        causes_of=CAUSES_OF,
        look_alikes=words.look_alikes,
        words=words,
    )
    return {root.code: root.excluded for root in told}


def test_a_check_that_looked_and_found_nothing_rules_its_causes_out() -> None:
    found = excluded(attempt("tls", "tls.not-tls"), attempt("proxy", outcome=Outcome.COMPLETED))
    assert "proxy.scheme-wrong" in found["tls.not-tls"]


@pytest.mark.parametrize("outcome", [Outcome.SKIPPED, Outcome.INCONCLUSIVE, Outcome.BROKEN])
def test_a_check_that_did_not_look_rules_nothing_out(outcome: Outcome) -> None:
    found = excluded(attempt("tls", "tls.not-tls"), attempt("proxy", outcome=outcome))
    assert "proxy.scheme-wrong" not in found["tls.not-tls"]


def test_without_a_proxy_no_proxy_is_the_cause() -> None:
    skipped = attempt("proxy", outcome=Outcome.SKIPPED, because="no proxy is configured")
    assert "proxy.scheme-wrong" in excluded(attempt("tls", "tls.not-tls"), skipped)["tls.not-tls"]


def test_without_a_proxy_the_way_itself_may_still_be_the_cause() -> None:
    """The check of the proxy can name closed ways, too: that it had nothing to do says nothing of the direct one."""
    skipped = attempt("proxy", outcome=Outcome.SKIPPED, because="no proxy is configured")
    found = excluded(attempt("dns", "dns.resolver-down"), skipped, attempt("tcp", outcome=Outcome.SKIPPED))
    assert "tcp.unreachable" not in found["dns.resolver-down"]


def test_what_stands_in_the_report_is_not_ruled_out_beside_it() -> None:
    """One answer rules a cause out for REST, and the WebSocket has it."""
    edge = Finding(
        code="http.region-blocked", summary="s", evidence={"a": 1}, subject="rest", excluded=("key.unknown",)
    )
    key = Finding(code="key.unknown", summary="s", evidence={"a": 1}, subject="ws")
    attempts = [replace(attempt("http"), findings=(edge,)), replace(attempt("ws.private"), findings=(key,))]
    assert "key.unknown" not in excluded(*attempts)["http.region-blocked"]
    assert "key.unknown" in excluded(attempts[0])["http.region-blocked"]


def test_a_check_that_found_something_has_not_looked_for_the_rest() -> None:
    """Unless it judges each of its causes by itself."""
    found = excluded(attempt("ws", "ws.blocked"), attempt("proxy", "proxy.split"))
    assert "proxy.split" not in found.get("ws.blocked", ())
    assert "http.timeout" not in excluded(attempt("dns", "dns.slow"), attempt("http", "http.slow")).get("dns.slow", ())
    order = excluded(attempt("order", "order.price-out-of-band"))
    assert "precision.price-off-tick" in order["order.price-out-of-band"]


def test_what_was_found_is_never_ruled_out() -> None:
    found = excluded(attempt("order", "order.price-out-of-band", "precision.price-off-tick"))
    assert "precision.price-off-tick" not in found["order.price-out-of-band"]
    assert "order.price-out-of-band" not in found["precision.price-off-tick"]


def test_what_is_only_likely_rules_nothing_out_by_itself() -> None:
    sure = excluded(attempt("key", "key.frozen"))
    assert "permission.missing" in sure["key.frozen"]
    unsure = excluded(attempt("key", "key.frozen"), confidence=Confidence.POSSIBLE)
    assert unsure["key.frozen"] == ()


def test_the_data_speaks_of_causes_and_checks_that_exist() -> None:
    data = exclusions()
    assert data.each_by_itself <= set(CAUSES_OF)
    assert set(data.nothing_there) <= set(CAUSES_OF)
    for row in data.rows:
        assert len(row.why) > 15
        for glob in (*row.cause, *row.of):
            assert any(fnmatchcase(code, glob) for code in causes()), glob


def test_each_row_rules_a_look_alike_of_the_vocabulary_out() -> None:
    for row in exclusions().rows:
        assert any(row.covers(code, other) for code, others in vocabulary().look_alikes.items() for other in others), (
            row.why
        )


def test_a_row_speaks_of_its_own_causes_alone() -> None:
    row = next(iter(exclusions().rows))
    cause = next(code for code in CAUSE_CODES if any(fnmatchcase(code, glob) for glob in row.cause))
    other = next(code for code in CAUSE_CODES if any(fnmatchcase(code, glob) for glob in row.of) and code != cause)
    stranger = next(
        code for code in CAUSE_CODES
        if code != other and not any(fnmatchcase(code, glob) for glob in row.cause)
    )  # fmt: skip
    assert row.covers(cause, other)
    assert not row.covers(stranger, other)
    assert not row.covers(other, other)
    assert not row.covers(cause, cause)
