"""The report as workflow commands of GitHub Actions: an annotation for each root cause, then one plain line.

Escapes as the runner undoes them: ``%``, CR and LF in messages, and ``:`` and ``,`` as well in properties.
Source: docs.github.com, workflow commands for GitHub Actions; actions/toolkit, packages/core.
"""

from __future__ import annotations

from okxdoctor.model import Diagnosis, Outcome, Report, Severity
from okxdoctor.reports.look import Look
from okxdoctor.reports.words import count, duration, measure, one_line, tally

NAME = "github"
SAYS = "annotations for GitHub Actions"

_COMMAND = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


def render(report: Report, look: Look) -> str:
    lines = [_annotation(root) for root in report.diagnosis]
    for attempt in report.attempts:
        if attempt.outcome is Outcome.INCONCLUSIVE and attempt.matters:
            because = one_line(attempt.because or "no reason given")
            lines.append(_command("warning", f"{attempt.check} could not be judged", because))
        elif attempt.outcome is Outcome.BROKEN:
            because = one_line(attempt.because or "no reason given")
            lines.append(_command("warning", f"defect of okxdoctor in {attempt.check}", because))
    lines += [
        _command("notice", f"accepted {root.code}", one_line(root.accepted or root.summary)) for root in report.accepted
    ]
    completed = sum(attempt.outcome is Outcome.COMPLETED for attempt in report.attempts)
    summary = (
        f"okxdoctor: {report.verdict.value}, {tally(report)}, {completed} of {count(len(report.attempts), 'check')}, "
        f"{duration(report.elapsed_ms)}, exit {report.exit_code}"
    )
    return "".join(f"{line}\n" for line in [*lines, summary])


def _annotation(root: Diagnosis) -> str:
    title = f"{root.code} ({root.blame.value}, {root.confidence.value})"
    body = [
        one_line(root.summary),
        ", ".join(measure(name, value) for name, value in root.evidence.items()),
        *(f"To do: {one_line(remedy)}" for remedy in root.remedy),
        *([f"Explains: {', '.join(root.explains)}"] if root.explains else []),
        f"More: {root.help}",
    ]
    return _command(_COMMAND[root.severity], title, "\n".join(line for line in body if line))


def _command(command: str, title: str, message: str) -> str:
    return f"::{command} title={_property(title)}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(one_line(text)).replace(":", "%3A").replace(",", "%2C")
