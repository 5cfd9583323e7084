"""The report as JSON Lines: ``run``, then every ``check``, every ``diagnosis``, then ``summary``.

Each line is an object with ``type`` and the members that ``okxdoctor.report/1`` gives that part.
"""

from __future__ import annotations

from okxdoctor.model import Report, Severity
from okxdoctor.reports.look import Look
from okxdoctor.reports.values import check_value, diagnosis_value, head_value, to_json

NAME = "jsonl"
SAYS = "one JSON object a line: run, each check, each diagnosis, summary"


def render(report: Report, look: Look) -> str:
    head = head_value(report)
    end = {name: head.pop(name) for name in ("elapsed_ms", "verdict", "exit_code")}
    lines = [
        {"type": "run", **head},
        *({"type": "check", **check_value(attempt)} for attempt in report.attempts),
        *({"type": "diagnosis", **diagnosis_value(diagnosis)} for diagnosis in report.diagnosis),
        {
            "type": "summary",
            **end,
            "errors": sum(d.severity is Severity.ERROR for d in report.diagnosis),
            "warnings": sum(d.severity is Severity.WARNING for d in report.diagnosis),
            "interrupted": report.interrupted,
            "requests": report.requests,
            "connections": report.connections,
            "notes": list(report.notes),
        },
    ]
    return "".join(to_json(line) + "\n" for line in lines)
