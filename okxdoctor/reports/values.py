"""The parts of ``okxdoctor.report/1`` as plain dictionaries, in the order in which the schema lists them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from okxdoctor.model import REPORT_SCHEMA, Attempt, Diagnosis, Finding, Report, Severity, TargetName


def severity_of(finding: Finding) -> Severity:
    """The finding's own severity, else the vocabulary's; a code that no vocabulary has counts as a warning."""
    if finding.severity is not None:
        return finding.severity
    from okxdoctor import knowledge

    try:
        return Severity(knowledge.cause(finding.code).severity)
    except (KeyError, LookupError):
        return Severity.WARNING


def target_value(target: TargetName) -> dict[str, Any]:
    return {"kind": target.kind, "site": target.site, "rest": target.rest, "ws": target.ws}


def diagnosis_value(diagnosis: Diagnosis) -> dict[str, Any]:
    """One root cause as the report's JSON has it."""
    return {
        "code": diagnosis.code,
        "severity": diagnosis.severity.value,
        "blame": diagnosis.blame.value,
        "summary": diagnosis.summary,
        "confidence": diagnosis.confidence.value,
        "evidence": dict(diagnosis.evidence),
        "explains": list(diagnosis.explains),
        "excluded": list(diagnosis.excluded),
        "remedy": list(diagnosis.remedy),
        "help": diagnosis.help,
    }


def finding_value(finding: Finding) -> dict[str, Any]:
    """One finding, with the severity that the vocabulary gives it where it has none of its own."""
    return {
        "code": finding.code,
        "severity": severity_of(finding).value,
        "summary": finding.summary,
        "evidence": dict(finding.evidence),
    }


def check_value(attempt: Attempt) -> dict[str, Any]:
    """One check; facts that are no object (a check that did not run) are an empty one."""
    return {
        "id": attempt.check,
        "title": attempt.title,
        "outcome": attempt.outcome.value,
        "because": attempt.because,
        "elapsed_ms": round(attempt.elapsed_ms, 3),
        "findings": [finding_value(finding) for finding in attempt.findings],
        "facts": attempt.facts if isinstance(attempt.facts, Mapping) else {},
    }


def head_value(report: Report) -> dict[str, Any]:
    """Everything before ``diagnosis``."""
    return {
        "schema": REPORT_SCHEMA,
        "version": report.version,
        "target": target_value(report.target),
        "started": report.started,
        "elapsed_ms": round(report.elapsed_ms, 3),
        "verdict": report.verdict.value,
        "exit_code": report.exit_code,
    }


def report_value(report: Report) -> dict[str, Any]:
    """The whole report. Tuples may stand where JSON has arrays."""
    return {
        **head_value(report),
        "diagnosis": [diagnosis_value(diagnosis) for diagnosis in report.diagnosis],
        "checks": [check_value(attempt) for attempt in report.attempts],
    }


def to_json(value: object, *, indent: int | None = None) -> str:
    """JSON text that every parser accepts: no NaN, no lone surrogates, characters beyond ASCII escaped."""
    import json

    separators = (",", ": ") if indent else (",", ":")
    return json.dumps(_finite(value), indent=indent, separators=separators, ensure_ascii=True, default=str)


def _finite(value: object) -> object:
    """NaN and infinities are no JSON; they become their names. Lone surrogates become U+FFFD."""
    match value:
        case float():
            return value if value - value == 0 else str(value)
        case str():
            return value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        case Mapping():
            return {str(_finite(key)): _finite(item) for key, item in value.items()}
        case list() | tuple():
            return [_finite(item) for item in value]
        case _:
            return value
