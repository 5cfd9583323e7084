"""The result as JUnit XML: one test case for each operation, a failure for each bug."""

from __future__ import annotations

from typing import Any

from okxdoctor.conformance.suite import Result, input_of
from okxdoctor.conformance.verdict import Found
from okxdoctor.reports.xml_text import clean
from okxdoctor.reports.xml_text import document as as_text


def render(result: Result) -> str:
    from junitparser import JUnitXml, Skipped, TestCase, TestSuite

    suite: Any = TestSuite(clean(f"okxdoctor conform {result.suite}"))
    suite.add_property("subject", clean(result.subject))
    if result.seed is not None:
        suite.add_property("seed", str(result.seed))
    ops = [tally.op for tally in result.tallies]
    for tally in result.tallies:
        case: Any = TestCase(tally.op, classname=f"okxdoctor.conform.{result.suite}")
        case.result = [_failure(one) for one in result.failures if one.case.op == tally.op]
        if not case.result and tally.vectors + tally.searched == tally.skipped:
            case.result = [Skipped(clean(tally.why_skipped) or "nothing could be run")]
        notes = [one for one in result.found if one not in result.failures and one.case.op == tally.op]
        said = [f"{tally.vectors} vectors, {tally.searched} searched, {tally.skipped} skipped"]
        said += [f"{one.failure.code}: {one.failure.summary}" for one in notes]
        case.system_out = clean("\n".join(said))
        suite.add_testcase(case)
    for op in result.missing:
        case = TestCase(op, classname=f"okxdoctor.conform.{result.suite}")
        case.result = [Skipped("not supported by the adapter")]
        suite.add_testcase(case)
    for one in result.failures:
        if one.case.op not in ops:
            case = TestCase("adapter", classname=f"okxdoctor.conform.{result.suite}")
            case.result = [_failure(one)]
            suite.add_testcase(case)
    suite.update_statistics()
    suite.time = round(result.elapsed_ms / 1000, 3)
    document: Any = JUnitXml("okxdoctor")
    document.add_testsuite(suite)
    document.update_statistics()
    return as_text(document)


def _failure(one: Found) -> Any:
    from junitparser import Failure

    made = Failure(clean(one.failure.summary), one.failure.code)
    lines = [f"{name}: {value!r}" for name, value in input_of(one.case).items()]
    lines += [
        f"expected {one.failure.compares}: {one.failure.expected}",
        f"actual {one.failure.compares}: {one.failure.actual}",
    ]
    made.text = clean("\n".join(lines))
    return made
