"""The report as JUnit XML: one test case for each check, a failure for each finding that counts.

The root causes stand in the failure of the check that found them, with remedy and help; a cause that another one
explains says so. What does not count for the exit code fails no case; it stands in the case's output.
"""

from __future__ import annotations

from typing import Any

from okxdoctor.model import Attempt, Diagnosis, Finding, Outcome, Report, Severity
from okxdoctor.reports.look import Look
from okxdoctor.reports.values import severity_of
from okxdoctor.reports.words import measure, one_line
from okxdoctor.reports.xml_text import clean
from okxdoctor.reports.xml_text import document as as_text

NAME = "junit"
SAYS = "JUnit XML: one test case for each check"
MARKUP = True


def render(report: Report, look: Look) -> str:
    from junitparser import JUnitXml, TestSuite

    suite: Any = TestSuite("okxdoctor")
    suite.timestamp = report.started.removesuffix("Z")
    for name, value in (
        ("target", f"{report.target.kind} {report.target.site}"),
        ("rest", report.target.rest),
        ("ws", report.target.ws),
        ("version", report.version),
        ("verdict", report.verdict.value),
        ("exit_code", str(report.exit_code)),
        *(("note", note) for note in report.notes),
    ):
        suite.add_property(name, clean(value))
    for attempt in report.attempts:
        suite.add_testcase(_case(attempt, report))
    suite.update_statistics()
    suite.time = round(report.elapsed_ms / 1000, 3)
    document: Any = JUnitXml("okxdoctor")
    document.add_testsuite(suite)
    document.update_statistics()
    document.time = suite.time
    return as_text(document)


def _case(attempt: Attempt, report: Report) -> Any:
    from junitparser import Error, Failure, Skipped, TestCase

    case = TestCase(clean(attempt.title), classname=clean(f"okxdoctor.{attempt.check}"))
    case.time = round(attempt.elapsed_ms / 1000, 3)
    because = clean(attempt.because or "")
    results: list[Any] = []
    for finding in attempt.findings:
        if not _fails(finding, report):
            continue
        failure = Failure(clean(one_line(finding.summary)), f"{severity_of(finding).value} {finding.code}")
        failure.text = clean(_told(finding, report))
        results.append(failure)
    match attempt.outcome:
        case Outcome.COMPLETED:
            pass
        case Outcome.SKIPPED:
            results.append(Skipped(because, "skipped"))
        case Outcome.INCONCLUSIVE:
            # It neither passed nor failed; a check that matters must not look green.
            results.append(Error(because, "inconclusive") if attempt.matters else Skipped(because, "inconclusive"))
        case Outcome.BROKEN:
            error = Error(because, "defect of okxdoctor")
            error.text = clean(attempt.trace or because)
            results.append(error)
    case.result = results
    said = [f"{f.code}: {one_line(f.summary)}" for f in attempt.findings if not _fails(f, report)]
    if said:
        case.system_out = clean("\n".join(said))
    return case


def _fails(finding: Finding, report: Report) -> bool:
    """Whether the case is red: never redder than the exit code.

    The report does not say what ``--fail-on`` was: exit code 1 without an error among the roots means that
    warnings count.
    """
    if report.exit_code == 0 or any(finding.code in (root.code, *root.explains) for root in report.accepted):
        return False
    severity = severity_of(finding)
    errors = any(root.severity is Severity.ERROR for root in report.diagnosis)
    return severity is Severity.ERROR or (severity is Severity.WARNING and report.exit_code == 1 and not errors)


def _told(finding: Finding, report: Report) -> str:
    """Evidence, and the diagnosis it belongs to."""
    lines = [finding.summary, ", ".join(measure(name, value) for name, value in finding.evidence.items())]
    for root in report.diagnosis:
        if root.code == finding.code:
            lines += [*_root(root), f"more: {root.help}"]
        elif finding.code in root.explains:
            lines.append(f"explained by {root.code}: {root.summary}")
    return "\n".join(line for line in lines if line)


def _root(root: Diagnosis) -> list[str]:
    lines = [f"root cause {root.code}, {root.blame.value}, {root.confidence.value}"]
    lines += [f"explains {code}" for code in root.explains]
    lines += [f"to do: {remedy}" for remedy in root.remedy]
    return lines
