"""The outcome as JUnit XML: one test case for each requirement; what was not exercised is skipped."""

from __future__ import annotations

import shlex
from typing import Any, Literal

from okxdoctor.conformance.client.reports.lines import proof, redactor
from okxdoctor.conformance.client.suite import Outcome


def render(outcome: Outcome, *, fail_on: Literal["must", "should"] = "must") -> str:
    from junitparser import Failure, JUnitXml, Skipped, TestCase, TestSuite

    from okxdoctor.reports.xml_text import clean as legal
    from okxdoctor.reports.xml_text import document as as_text

    redacted = redactor(outcome.known).text
    suite: Any = TestSuite("okxdoctor conform client")
    suite.add_property("command", legal(redacted(shlex.join(outcome.command))))
    suite.add_property("seed", str(outcome.seed))
    suite.add_property("exit_code", str(outcome.exit_code(fail_on)))
    for said in (*outcome.said, *outcome.defects):
        suite.add_property("note", legal(redacted(said)))
    for one in outcome.graded:
        case: Any = TestCase(one.case.id, classname=f"okxdoctor.conform.client.{one.case.area}")
        says = legal(redacted(one.grade.says))
        counts = one.case.level == "must" or fail_on == "should"
        told = "\n".join(
            (one.case.requirement, says, *proof(outcome, one.grade), f"{one.case.source} ({one.case.grade})")
        )
        if one.grade.verdict == "failed" and counts:
            failure: Any = Failure(says, f"{one.case.level} {one.case.id}")
            failure.text = legal(told)
            case.result = [failure]
        elif one.grade.verdict == "failed":
            case.system_out = legal(f"should: {told}")
        elif one.grade.verdict == "not exercised":
            case.result = [Skipped(f"not exercised: {says}" if says else "not exercised")]
        else:
            case.system_out = says
        suite.add_testcase(case)
    suite.update_statistics()
    suite.time = round(outcome.elapsed_ms / 1000, 3)
    document: Any = JUnitXml("okxdoctor")
    document.add_testsuite(suite)
    document.update_statistics()
    return as_text(document)
