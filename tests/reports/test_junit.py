"""JUnit: parsed back with the standard library and with junitparser, never redder than the exit code."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import junitparser
import literals
import pytest
from hypothesis import given
from hypothesis import strategies as st

from okxdoctor.model import Severity
from okxdoctor.reports import junit
from okxdoctor.reports.look import Look

FAILURES = {
    # name: (failures, errors, skipped)
    "healthy": (0, 0, 0),
    "skipped": (0, 0, 2),
    "one-error": (2, 0, 1),
    "two-roots": (3, 0, 0),
    "warning": (0, 0, 0),
    "inconclusive": (0, 1, 1),
    "interrupted": (1, 0, 2),
    "broken": (0, 1, 0),
}


@pytest.mark.parametrize("name", literals.ALL)
def test_counts(name: str) -> None:
    report = literals.ALL[name]
    root = ElementTree.fromstring(junit.render(report, Look()))
    suite = root.find("testsuite")
    assert suite is not None
    assert len(suite.findall("testcase")) == int(suite.attrib["tests"]) == len(report.attempts)
    counted = tuple(len(suite.findall(f"testcase/{kind}")) for kind in ("failure", "error", "skipped"))
    assert counted == FAILURES[name]
    assert tuple(int(suite.attrib[kind]) for kind in ("failures", "errors", "skipped")) == counted
    # What the schema junit-10.xsd of the xUnit plugin, which pytest tests its own reports by, allows at the root.
    assert set(root.attrib) <= {"name", "time", "tests", "failures", "disabled", "errors"}
    assert (counted[0] + counted[1] > 0) == (report.exit_code not in (0, 2))


def test_warnings_are_red_only_where_they_count() -> None:
    counted = replace(literals.WARNING, exit_code=1)
    assert junit.render(counted, Look()).count("<failure") == 2
    calm = junit.render(literals.WARNING, Look())
    assert "<failure" not in calm
    assert "clock.drifting: The clock is 1.8 s behind" in calm


def test_an_accepted_cause_is_not_red() -> None:
    accepted = replace(literals.ONE_ERROR.diagnosis[0], accepted="known (ops, until 2027-01-31)")
    other = literals.root(literals.EXPOSED, Severity.ERROR, literals.Blame.YOURS)
    report = replace(
        literals.ONE_ERROR,
        attempts=(*literals.ONE_ERROR.attempts, literals.done("env", "x", literals.EXPOSED)),
        diagnosis=(other,),
        accepted=(accepted,),
    )
    page = junit.render(report, Look())
    assert page.count("<failure") == 1
    assert 'type="error env.config-exposed"' in page


def test_failures_carry_the_diagnosis() -> None:
    suites = junitparser.JUnitXml.fromstring(junit.render(literals.ONE_ERROR, Look()).encode())
    cases = {case.classname: case for suite in suites for case in suite}
    (clock,) = cases["okxdoctor.clock"].result
    assert clock.message == literals.AHEAD.summary
    assert clock.type == "error clock.ahead"
    for part in (
        "skew 45.02 s",
        "sudo chronyc makestep",
        "explains timestamp.expired",
        "okxdoctor explain clock.ahead",
    ):
        assert part in clock.text
    (signature,) = cases["okxdoctor.signature"].result
    assert "explained by clock.ahead" in signature.text
    (skipped,) = cases["okxdoctor.ratelimit"].result
    assert isinstance(skipped, junitparser.Skipped)
    assert skipped.message == "signature did not pass"


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_any_text_is_well_formed(said: str) -> None:
    finding = replace(literals.AHEAD, summary=said, evidence={"said": said})
    root = replace(literals.root(finding, Severity.ERROR, literals.Blame.YOURS), remedy=(said,))
    broken = replace(literals.BROKEN.attempts[1], because=said or "-", trace=said)
    report = replace(
        literals.ONE_ERROR,
        attempts=(literals.done("clock", said, finding), broken, replace(literals.SKIPPED.attempts[-1], because=said)),
        diagnosis=(root,),
        notes=(said,),
    )
    page = junit.render(report, Look())
    parsed = ElementTree.fromstring(page.encode("utf-8"))
    assert len(parsed.findall("testsuite/testcase")) == 3
