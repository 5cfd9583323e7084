"""The report as Markdown, for an issue, a pull request or the summary of a CI job (`$GITHUB_STEP_SUMMARY`).

What a server said stands in it, so nothing of it may become markup, a mention or a reference: every character that
means something in GitHub Flavored Markdown is escaped, and what is to be typed stands in fences that it cannot close.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby

from okxdoctor.model import Attempt, Diagnosis, Outcome, Report, Severity
from okxdoctor.reports.look import Look
from okxdoctor.reports.paint import pieces
from okxdoctor.reports.values import severity_of
from okxdoctor.reports.words import count, cut, duration, measure, one_line, tally

NAME = "markdown"
SAYS = "for an issue or the summary of a CI job"
MARKUP = True

_SIGN = {Severity.ERROR: "❌", Severity.WARNING: "⚠️", Severity.INFO: "ℹ️"}
_VERDICT = {"healthy": "✅", "degraded": "⚠️", "broken": "❌", "inconclusive": "❔"}
_SPECIAL = re.compile(r"[\\`*_{}\[\]<>#|~&@$]|(?<=:)//|(?<![A-Za-z0-9])(?:www|GH-)")

# What opens a list, a rule or a heading at the start of a line or of a list's item.
_OPENS = re.compile(r"^(?P<number>\d{1,9})?(?P<sign>(?(number)[.)]|[-+=]))")


def render(report: Report, look: Look) -> str:
    return "\n".join(_lines(report, look)) + "\n"


def escaped(text: str) -> str:
    """One line of text that stays text: no markup, no mention, no link, no reference, no formula."""
    said = _SPECIAL.sub(_escape, one_line(text).strip())
    return _OPENS.sub(lambda hit: f"{hit['number'] or ''}\\{hit['sign']}", said)


def _escape(hit: re.Match[str]) -> str:
    found = hit.group()
    if found == "//":
        return "/&#47;"
    if len(found) > 1:
        return f"&#{ord(found[0])};{found[1:]}"
    return f"&#{ord(found)};" if found in "@<>&|#$" else f"\\{found}"


def _lines(report: Report, look: Look) -> Iterator[str]:
    yield f"## {_VERDICT[report.verdict.value]} okxdoctor: {report.verdict.value}"
    yield ""
    where = ", ".join(filter(None, (report.target.kind, report.target.site, report.target.rest)))
    completed = sum(attempt.outcome is Outcome.COMPLETED for attempt in report.attempts)
    yield (
        f"{escaped(where)} · {tally(report)} · {completed} of {count(len(report.attempts), 'check')} · "
        f"{duration(report.elapsed_ms)} · exit {report.exit_code}{' · interrupted' if report.interrupted else ''}"
    )
    for root in report.diagnosis:
        yield from _root(root, report)
    for root in report.accepted:
        reason = escaped(root.accepted or "by the baseline")
        yield from ("", f"- accepted `{root.code}`: {reason}")
    blind = [a for a in report.attempts if a.outcome in (Outcome.INCONCLUSIVE, Outcome.BROKEN)]
    if blind:
        yield ""
        for attempt in blind:
            word = "broke" if attempt.outcome is Outcome.BROKEN else "could not be judged"
            yield f"- ❔ `{attempt.check}` {word}: {escaped(attempt.because or 'no reason given')}"
    for note in report.notes:
        yield from ("", f"- {escaped(note)}")
    if look.quiet:
        return
    yield from ("", "<details><summary>Checks</summary>", "", "| check | outcome | |", "|---|---|---|")
    yield from (_row(attempt) for attempt in report.attempts)
    yield from ("", "</details>", "")
    yield f"_okxdoctor {escaped(report.version)}, {escaped(report.started)}_"


def _root(root: Diagnosis, report: Report) -> Iterator[str]:
    yield ""
    yield f"### {_SIGN[root.severity]} {escaped(root.summary)}"
    yield ""
    yield f"`{root.code}` · {root.blame.value} · {root.confidence.value}"
    if root.evidence:
        yield from ("", "| measured | |", "|---|---|")
        for name, value in root.evidence.items():
            label, _, said = _parted(name, measure(name, value))
            yield f"| {escaped(label)} | {escaped(cut(said, 300))} |"
    if root.remedy:
        yield from ("", "To do:", "")
        for typed, group in groupby(pieces(map(one_line, root.remedy)), key=lambda piece: piece[0]):
            lines = [text for _, text in group]
            yield from _fenced(lines) if typed else (f"- {escaped(text)}" for text in lines)
    summaries = {finding.code: finding.summary for attempt in report.attempts for finding in attempt.findings}
    if root.explains:
        yield from ("", "Explains:", "")
        for code in root.explains:
            said = escaped(summaries.get(code, ""))
            yield f"- `{code}`{': ' + said if said else ''}"
    if root.excluded:
        yield from ("", f"Ruled out: {', '.join(escaped(text) for text in root.excluded)}")
    yield from ("", f"More: `{root.help}`")


def _parted(name: str, said: str) -> tuple[str, str, str]:
    """`skew_s` and `skew 45.02 s` as the name and what was measured."""
    words = one_line(name.replace("_", " "))
    for end in range(len(words), 0, -1):
        if said.startswith(words[:end] + " "):
            return words[:end], " ", said[end + 1 :]
    return words, " ", said


def _fenced(lines: list[str]) -> Iterator[str]:
    """Commands as they are to be typed, in a fence longer than any run of backticks in them."""
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    yield from (f"{fence}sh", *lines, fence)


def _row(attempt: Attempt) -> str:
    said = "; ".join(f"{finding.code}: {one_line(finding.summary)}" for finding in attempt.findings)
    said = said or one_line(attempt.because or "")
    worst = min((severity_of(finding) for finding in attempt.findings), key=lambda s: s.rank, default=None)
    sign = {Outcome.SKIPPED: "–", Outcome.INCONCLUSIVE: "❔", Outcome.BROKEN: "❔"}.get(attempt.outcome, "✅")
    sign = _SIGN[worst] if worst is not None else sign
    return f"| `{attempt.check}` | {sign} {attempt.outcome.value} | {escaped(cut(said, 300))} |"
