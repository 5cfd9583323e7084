"""The report as SARIF 2.1.0, for code scanning and for every viewer of static results.

A rule for each cause that occurs, from the vocabulary; a result for each root cause, with what it explains in its
properties, and for each note (level `note`). What a baseline accepts is a suppressed result. A check that could not be
judged, or broke, is a notification of the invocation: it is no result, and it must not get lost.

The causes are in a network and not in a file, so the location is the address that was looked at, as an artifact, and
the check, as a logical location. Source: SARIF 2.1.0, OASIS Standard of 27 March 2020, sections 3.14 to 3.58.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from okxdoctor.model import Attempt, Diagnosis, Finding, Outcome, Report, Severity
from okxdoctor.reports.look import Look
from okxdoctor.reports.values import severity_of, target_value, to_json
from okxdoctor.reports.words import measure, one_line

if TYPE_CHECKING:
    from okxdoctor.knowledge.cause_table import CauseRow

NAME = "sarif"
SAYS = "SARIF 2.1.0: a rule for each cause, a result for each root cause"

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

_LEVEL = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


def render(report: Report, look: Look) -> str:
    codes = list(
        dict.fromkeys(
            [root.code for root in (*report.diagnosis, *report.accepted)]
            + [finding.code for _, finding in _notes(report)]
        )
    )
    results = [
        *(_root(root, report, codes) for root in report.diagnosis),
        *(_accepted(root, report, codes) for root in report.accepted),
        *(_note(attempt, finding, report, codes) for attempt, finding in _notes(report)),
    ]
    run = {
        "tool": {
            "driver": {
                "name": "okxdoctor",
                "version": report.version,
                "rules": [_rule(code) for code in codes],
            }
        },
        "automationDetails": {"id": f"okxdoctor/{report.target.kind}/{report.target.site or 'site'}/"},
        "invocations": [_invocation(report)],
        "columnKind": "unicodeCodePoints",
        "results": results,
        "properties": {
            "verdict": report.verdict.value,
            "target": target_value(report.target),
            "elapsed_ms": round(report.elapsed_ms, 3),
            "notes": list(report.notes),
        },
    }
    return to_json({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


# ---- rules ---------------------------------------------------------------------------------------------------------


def _rule(code: str) -> dict[str, Any]:
    row = _cause(code)
    if row is None:
        return {"id": code}
    remedy = "\n".join(f"- {line}" for line in row.remedy)
    return {
        "id": code,
        "name": "".join(part.capitalize() for part in code.replace(".", "-").split("-")),
        "shortDescription": {"text": row.title},
        "fullDescription": {"text": row.meaning},
        "defaultConfiguration": {"level": _LEVEL[Severity(row.severity)]},
        "help": {
            "text": f"{row.meaning}\n\nWhat tells it: {row.tells}\n\nTo do:\n{remedy}\n\nokxdoctor explain {code}"
        },
        "properties": {"tags": ["okx", row.family], "blame": row.blame, "grade": row.grade, "source": row.source},
    }


def _cause(code: str) -> CauseRow | None:
    from okxdoctor import knowledge

    try:
        return knowledge.cause(code)
    except LookupError:
        return None


# ---- results -------------------------------------------------------------------------------------------------------


def _root(root: Diagnosis, report: Report, codes: list[str]) -> dict[str, Any]:
    check, subject = _where(root.code, report)
    summaries = {finding.code: finding.summary for attempt in report.attempts for finding in attempt.findings}
    numbers = ", ".join(measure(name, value) for name, value in root.evidence.items())
    said = [one_line(root.summary), f"Measured: {numbers}" if numbers else ""]
    said += [f"To do: {one_line(line)}" for line in root.remedy]
    return {
        **_result(root.code, root.severity, "\n".join(filter(None, said)), check, subject, report, codes),
        "properties": {
            "blame": root.blame.value,
            "confidence": root.confidence.value,
            "evidence": dict(root.evidence),
            "explains": [{"code": code, "summary": summaries.get(code, "")} for code in root.explains],
            "excluded": list(root.excluded),
            "remedy": list(root.remedy),
            "help": root.help,
        },
    }


def _accepted(root: Diagnosis, report: Report, codes: list[str]) -> dict[str, Any]:
    suppression = {"kind": "external", "justification": one_line(root.accepted or "accepted by the baseline")}
    return {**_root(root, report, codes), "suppressions": [suppression]}


def _notes(report: Report) -> Iterator[tuple[Attempt, Finding]]:
    """Findings that are only worth knowing. What a root cause explains stands under that root."""
    told = {code for root in (*report.diagnosis, *report.accepted) for code in (root.code, *root.explains)}
    for attempt in report.attempts:
        for finding in attempt.findings:
            if finding.code not in told:
                yield attempt, finding


def _note(attempt: Attempt, finding: Finding, report: Report, codes: list[str]) -> dict[str, Any]:
    numbers = ", ".join(measure(name, value) for name, value in finding.evidence.items())
    said = "\n".join(filter(None, [one_line(finding.summary), numbers]))
    made = _result(finding.code, severity_of(finding), said, attempt.check, finding.subject, report, codes)
    return {**made, "properties": {"evidence": dict(finding.evidence)}}


def _result(
    code: str, severity: Severity, said: str, check: str, subject: str, report: Report, codes: list[str]
) -> dict[str, Any]:
    """`kind` is left out: it is `fail`, the only one that a level may stand beside (3.27.10)."""
    print_of = "|".join((code, report.target.kind, report.target.site, check, subject))
    logical = f"{check}/{subject}" if subject else check
    address = report.target.ws if subject == "ws" else report.target.rest
    location: dict[str, Any] = {
        "logicalLocations": [{"name": check or code, "fullyQualifiedName": logical or code, "kind": "check"}]
    }
    if address and one_line(address) == address and " " not in address:
        location["physicalLocation"] = {"artifactLocation": {"uri": address}}
    return {
        "ruleId": code,
        "ruleIndex": codes.index(code),
        "level": _LEVEL[severity],
        "message": {"text": said or code},
        "locations": [location],
        "partialFingerprints": {"cause/v1": hashlib.sha256(print_of.encode("utf-8", "replace")).hexdigest()[:32]},
    }


def _where(code: str, report: Report) -> tuple[str, str]:
    """The check that found a cause, and what about."""
    for attempt in report.attempts:
        for finding in attempt.findings:
            if finding.code == code:
                return attempt.check, finding.subject
    return code.partition(".")[0], ""


# ---- how it went ---------------------------------------------------------------------------------------------------


def _invocation(report: Report) -> Mapping[str, Any]:
    made: dict[str, Any] = {
        # A run that found something was carried out; only a defect or an interruption is no success (3.20.14).
        "executionSuccessful": report.exit_code not in (4, 130),
        "exitCode": report.exit_code,
    }
    try:
        began = datetime.fromisoformat(report.started)
        made["startTimeUtc"] = _instant(began)
        made["endTimeUtc"] = _instant(began + timedelta(milliseconds=report.elapsed_ms))
    except (ValueError, OverflowError):
        pass
    notifications = [_notification(attempt) for attempt in report.attempts if attempt.outcome is not Outcome.COMPLETED]
    return {**made, "toolExecutionNotifications": notifications}


def _instant(moment: datetime) -> str:
    """A time as SARIF takes it: UTC with a fraction and Z (3.9)."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _notification(attempt: Attempt) -> dict[str, Any]:
    because = one_line(attempt.because or "no reason given")
    match attempt.outcome:
        case Outcome.BROKEN:
            level, said = "error", f"{attempt.check}: a defect of okxdoctor: {because}"
        case Outcome.INCONCLUSIVE:
            level, said = "warning" if attempt.matters else "note", f"{attempt.check} could not be judged: {because}"
        case _:
            level, said = "none", f"{attempt.check} was skipped: {because}"
    return {"level": level, "message": {"text": said}, "descriptor": {"id": f"{attempt.outcome.value}/{attempt.check}"}}
