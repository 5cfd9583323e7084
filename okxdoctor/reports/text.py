"""The report for a reader: the answer first, its numbers, what to type, then what was looked at.

✗ The clock of this machine is 45.0 s ahead of the exchange.
  clock.ahead · yours · certain
  measured   skew 45.02 s · width 0.01 s
  to do      …
  explains   timestamp.expired
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from okxdoctor.model import Attempt, Diagnosis, Finding, Outcome, Report, Severity, Verdict
from okxdoctor.reports.look import Look
from okxdoctor.reports.paint import MARK_OF, STYLE_OF, Brush, folded, packed, steps
from okxdoctor.reports.values import severity_of
from okxdoctor.reports.words import ascii_only, count, cut, duration, measure, one_line, tally

NAME = "text"
SAYS = "for people: the answer, its numbers, what to do, then the checks"

_GUTTER = 13
_VERDICT_STYLE = {
    Verdict.HEALTHY: "green",
    Verdict.DEGRADED: "yellow",
    Verdict.BROKEN: "red",
    Verdict.INCONCLUSIVE: "yellow",
}


def render(report: Report, look: Look) -> str:
    lines = list(_quiet(report, look) if look.quiet else _lines(report, look))
    text = "\n".join(line.rstrip() for line in lines) + "\n"
    return text if look.unicode else ascii_only(text)


def _quiet(report: Report, look: Look) -> Iterator[str]:
    """One line for each root cause, or one for the whole."""
    brush = Brush(colour=look.colour)
    for root in report.diagnosis:
        yield f"{brush(MARK_OF[root.severity], STYLE_OF[root.severity])} {one_line(root.summary)}  [{root.code}]"
    if not report.diagnosis:
        yield " ".join(line.strip() for line in _headline(report, look, brush))


def _lines(report: Report, look: Look) -> Iterator[str]:
    brush = Brush(colour=look.colour)
    if report.diagnosis:
        for number, root in enumerate(report.diagnosis):
            if number:
                yield ""
            yield from _root(root, report, look, brush)
    else:
        yield from _headline(report, look, brush)
    yield ""
    yield from _checks(report, look, brush)
    yield from _asides(report, look)
    yield ""
    yield from _closing(report, look, brush)


# ---- the answer -------------------------------------------------------------------------------


def _headline(report: Report, look: Look, brush: Brush) -> Iterator[str]:
    """The first line where no cause was found."""
    blind = [a for a in report.attempts if a.outcome is Outcome.INCONCLUSIVE and a.matters]
    broken = [a for a in report.attempts if a.outcome is Outcome.BROKEN]
    if report.interrupted:
        mark, style, text = "?", "yellow", "Interrupted before anything wrong was found."
    elif broken:
        mark, style = "?", "yellow"
        text = f"Nothing wrong was found, but {count(len(broken), 'check')} of okxdoctor broke."
    elif blind:
        mark, style = "?", "yellow"
        text = f"Nothing wrong was seen, but {', '.join(a.check for a in blind)} could not be judged."
    elif report.verdict is Verdict.HEALTHY and report.accepted:
        codes = ", ".join(root.code for root in report.accepted)
        mark, style, text = "✓", "green", f"Nothing was found beyond what the baseline accepts ({codes})."
    elif report.verdict is Verdict.HEALTHY:
        peer = "the embedded exchange" if report.target.kind == "sim" else _peer(report.target.rest)
        mark, style, text = "✓", "green", f"Healthy: nothing wrong was found on the way to {peer}."
    elif not any(a.outcome is Outcome.COMPLETED for a in report.attempts):
        mark, style, text = "?", "yellow", "Nothing was looked at."
    else:
        mark, style, text = "?", "yellow", "What was asked for was not looked at."
    first, *others = folded(text, look.columns - 2)
    yield f"{brush(mark, style, 'bold')} {brush(first, 'bold')}"
    yield from (f"  {brush(line, 'bold')}" for line in others)


def _peer(rest_url: str) -> str:
    """OKX by its name, a gateway by its own."""
    host = rest_url.partition("://")[2].partition("/")[0]
    return "OKX" if host.endswith("okx.com") or not host else one_line(host)


def _root(root: Diagnosis, report: Report, look: Look, brush: Brush) -> Iterator[str]:
    style = STYLE_OF[root.severity]
    tag = f"{root.code} · {root.blame.value} · {root.confidence.value}"
    first, *others = folded(one_line(root.summary), look.columns - 2)
    line = f"{brush(MARK_OF[root.severity], style, 'bold')} {brush(first, 'bold')}"
    if not others and 2 + len(first) + 3 + len(tag) <= look.columns:
        yield f"{line}   {brush(tag, style)}"
    else:
        yield line
        yield from (f"  {brush(other, 'bold')}" for other in others)
        yield f"  {brush(tag, style)}"
    yield from _labelled(
        "measured", [cut(measure(name, value), 160) for name, value in root.evidence.items()], look, brush
    )
    for number, remedy in enumerate(root.remedy):
        label = "" if number else "to do"
        first, *others = steps(one_line(remedy), look.columns - _GUTTER)
        yield f"  {brush(f'{label:<{_GUTTER - 2}}', 'dim')}{brush(first, 'cyan')}"
        yield from (f"{'':<{_GUTTER}}{brush(other, 'cyan')}" for other in others)
    summaries = {f.code: one_line(f.summary) for attempt in report.attempts for f in attempt.findings}
    for number, code in enumerate(root.explains):
        label = f"  {'' if number else 'explains':<{_GUTTER - 2}}"
        said = f"{code}: {summaries[code]}" if code in summaries else code
        first, *others = folded(said, look.columns, label)
        yield brush(label, "dim") + first[len(label) :]
        yield from others
    yield from _labelled("ruled out", [one_line(text) for text in root.excluded], look, brush)
    more = folded(root.help, look.columns, f"  {'more':<{_GUTTER - 2}}")
    yield from (brush(line, "dim") for line in more)


def _labelled(label: str, items: list[str] | tuple[str, ...], look: Look, brush: Brush) -> Iterator[str]:
    first = f"  {label:<{_GUTTER - 2}}"
    for number, line in enumerate(packed(items, look.columns, first)):
        yield line if number else f"{brush(first, 'dim')}{line[len(first) :]}"


# ---- what was looked at -----------------------------------------------------------------------


def _checks(report: Report, look: Look, brush: Brush) -> Iterator[str]:
    """What has something to say, one line each; what is fine, side by side; what was skipped, with its reason."""
    if look.verbose:
        for attempt in report.attempts:
            yield from _check_in_full(attempt, report, look, brush)
        return
    told = [a for a in report.attempts if _weighty(a) or a.outcome in (Outcome.INCONCLUSIVE, Outcome.BROKEN)]
    column = max((len(attempt.check) for attempt in told), default=0)
    for attempt in sorted(told, key=_urgency):
        yield from _check(attempt, column, report, look, brush)
    fine = [a.check for a in report.attempts if a.outcome is Outcome.COMPLETED and not _weighty(a)]
    yield from _group("✓", "green", fine, "", look, brush)
    skipped = [a for a in report.attempts if a.outcome is Outcome.SKIPPED and not _weighty(a)]
    for because, group in groupby(sorted(skipped, key=lambda a: a.because or ""), key=lambda a: a.because or ""):
        yield from _group("–", "dim", [a.check for a in group], f": skipped, {one_line(because)}", look, brush)


def _weighty(attempt: Attempt) -> tuple[Finding, ...]:
    """Findings that say something is wrong. Notes (info) are for who asks for everything."""
    return tuple(finding for finding in attempt.findings if severity_of(finding) is not Severity.INFO)


def _urgency(attempt: Attempt) -> int:
    ranks = [severity_of(finding).rank for finding in attempt.findings]
    return min([*ranks, 1 if attempt.outcome in (Outcome.INCONCLUSIVE, Outcome.BROKEN) else 3])


def _group(mark: str, style: str, ids: list[str], tail: str, look: Look, brush: Brush) -> Iterator[str]:
    if not ids:
        return
    first, *others = folded(", ".join(ids) + tail, look.columns, "    ")
    yield f"  {brush(mark, style)} {first[4:]}"
    yield from others


def _mark(attempt: Attempt) -> tuple[str, str]:
    match attempt.outcome:
        case Outcome.SKIPPED:
            return "–", "dim"
        case Outcome.INCONCLUSIVE:
            return "?", "yellow"
        case Outcome.BROKEN:
            return "#", "red"
        case Outcome.COMPLETED:
            if not attempt.findings:
                return "✓", "green"
            worst = min(map(severity_of, attempt.findings), key=lambda severity: severity.rank)
            return MARK_OF[worst], STYLE_OF[worst]


def _said(attempt: Attempt, report: Report, *, notes: bool) -> Iterator[str]:
    """What one check has to say, a line for each part; what was printed above is only named, and once."""
    above = {root.code for root in report.diagnosis}
    explained = {code: root.code for root in report.diagnosis for code in root.explains}
    lines = []
    for finding in sorted(attempt.findings if notes else _weighty(attempt), key=lambda f: severity_of(f).rank):
        if finding.code in above:
            lines.append(f"{finding.code}, see above")
        elif finding.code in explained:
            lines.append(f"{finding.code}, explained by {explained[finding.code]}")
        else:
            lines.append(f"{finding.code}: {one_line(finding.summary)}")
    yield from dict.fromkeys(lines)
    because = one_line(attempt.because or "no reason given")
    match attempt.outcome:
        case Outcome.INCONCLUSIVE:
            yield f"could not be judged: {because}"
        case Outcome.BROKEN:
            yield because
        case Outcome.SKIPPED:
            yield f"skipped: {because}"
        case Outcome.COMPLETED:
            pass


def _check(attempt: Attempt, column: int, report: Report, look: Look, brush: Brush) -> Iterator[str]:
    mark, style = _mark(attempt)
    lead = f"{attempt.check:<{column}}  "
    for number, said in enumerate(_said(attempt, report, notes=False)):
        first, *others = folded(said, look.columns, " " * (4 + len(lead)))
        if number == 0:
            yield f"  {brush(mark, style)} {lead}{first[4 + len(lead) :]}"
        else:
            yield first
        yield from others


def _check_in_full(attempt: Attempt, report: Report, look: Look, brush: Brush) -> Iterator[str]:
    mark, style = _mark(attempt)
    took = duration(attempt.elapsed_ms)
    if attempt.held_ms:
        took = f"{took}, held back {duration(attempt.held_ms)}"
    room = look.columns - 4 - len(took) - 2
    label = cut(f"{attempt.check}  {one_line(attempt.title)}", room)
    yield f"  {brush(mark, style)} {label:<{room}}  {brush(took, 'dim')}"
    for said in _said(attempt, report, notes=True):
        yield from folded(said, look.columns, "      ")


def _asides(report: Report, look: Look) -> Iterator[str]:
    """Causes that a baseline accepts, and notes of the run."""
    for root in report.accepted:
        reason = one_line(root.accepted or "by the baseline")
        yield from folded(f"accepted {root.code}: {reason}", look.columns, "  ", "    ")
    for note in report.notes:
        yield from folded(one_line(note), look.columns, "  ", "    ")


def _took(report: Report) -> str:
    """How long it took, and how much of that was waited for because limits are documented."""
    held_ms = max((attempt.held_ms for attempt in report.attempts), default=0.0)
    return duration(report.elapsed_ms) + (f" (held back {duration(held_ms)} by rate limits)" if held_ms else "")


def _closing(report: Report, look: Look, brush: Brush) -> Iterator[str]:
    target = report.target
    where = [target.kind, *([target.site] if target.site else []), *filter(None, (target.rest, target.ws))]
    if target.environment == "demo" and target.kind != "demo":
        where.insert(1, "demo environment")
    for line in packed([one_line(part) for part in where], look.columns, ""):
        yield brush(line, "dim")
    completed = sum(a.outcome is Outcome.COMPLETED for a in report.attempts)
    notes = sum(len(a.findings) - len(_weighty(a)) for a in report.attempts)
    parts = [
        report.verdict.value,
        *(["interrupted"] if report.interrupted else []),
        *([tally(report)] if report.diagnosis else []),
        f"{completed} of {count(len(report.attempts), 'check')}",
        *([f"{count(notes, 'note')} (--verbose)"] if notes and not look.verbose else []),
        _took(report),
        f"{count(report.requests, 'request')} on {count(report.connections, 'connection')}",
        f"exit {report.exit_code}",
    ]
    first, *others = packed(parts, look.columns, "")
    verdict = report.verdict.value
    yield brush(verdict, _VERDICT_STYLE[report.verdict], "bold") + first[len(verdict) :]
    yield from others
