"""The report as one HTML page: no script, nothing fetched, readable in the dark, on a telephone and on paper.

The page forbids itself everything by a Content-Security-Policy, so that even an escape that was forgotten could load
and run nothing. With `--verbose` the facts of each check stand in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from itertools import groupby

from okxdoctor.model import Attempt, Diagnosis, Finding, Outcome, Report, Severity
from okxdoctor.reports.look import Look
from okxdoctor.reports.paint import pieces
from okxdoctor.reports.values import severity_of, to_json
from okxdoctor.reports.words import count, cut, duration, measure, one_line, tally
from okxdoctor.reports.xml_text import clean

NAME = "html"
SAYS = "one page to open, mail or print: no script, nothing fetched"
MARKUP = True

_MARK = {Severity.ERROR: "✗", Severity.WARNING: "!", Severity.INFO: "i"}
_FACTS = 10_000
"""Characters of one check's facts; a page stays well under 300 kB."""

_STYLE = """
:root{color-scheme:light dark;--ink:#1b1f24;--dim:#59636e;--paper:#fff;--card:#f6f8fa;--line:#d1d9e0;--error:#b3261e;
--warning:#8a5a00;--info:#0b57a4;--good:#1a6b32;--code:#eaeef2}
@media(prefers-color-scheme:dark){:root{--ink:#e6e9ec;--dim:#9aa4af;--paper:#12161b;--card:#1b2128;--line:#343c46;
--error:#ff8a80;--warning:#f2c14e;--info:#8ab4f8;--good:#7fd694;--code:#252d36}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:60rem;padding:1.25rem 1rem 3rem;color:var(--ink);background:var(--paper);
font:1rem/1.5 system-ui,sans-serif;overflow-wrap:anywhere}
h1{font-size:1.35rem;margin:0 0 .25rem}h2{font-size:1.1rem;margin:0}h3{font-size:1rem;margin:2rem 0 .5rem}
p{margin:.4rem 0}.dim{color:var(--dim)}.error{color:var(--error)}.warning{color:var(--warning)}.info{color:var(--info)}
.good{color:var(--good)}
section{background:var(--card);border:1px solid var(--line);border-left:.3rem solid currentColor;border-radius:.4rem;
margin:1rem 0;padding:.8rem 1rem}
section>*{color:var(--ink)}section>h2 b,section>p.tag{color:inherit}section.error>p.tag{color:var(--error)}
section.warning>p.tag{color:var(--warning)}
dl{display:grid;grid-template-columns:minmax(6rem,max-content) 1fr;gap:.15rem 1rem;margin:.6rem 0}
dt{color:var(--dim)}dd{margin:0;font-variant-numeric:tabular-nums}
pre,code{font:.9rem/1.45 ui-monospace,monospace;background:var(--code);border-radius:.25rem}
code{padding:.05rem .3rem}pre{padding:.5rem .7rem;margin:.4rem 0;overflow-x:auto;white-space:pre-wrap}
ul{margin:.4rem 0;padding-left:1.2rem}
table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;padding:.35rem .5rem;
border-bottom:1px solid var(--line)}td:last-child{text-align:right;white-space:nowrap}
@media(max-width:36rem){dl{grid-template-columns:minmax(5rem,38%) 1fr}
table,tbody,tr,td{display:block}thead{display:none}tr{border-bottom:1px solid var(--line);padding:.4rem 0}
td{border:0;padding:.1rem 0}td:last-child{text-align:left}}
@media print{body{max-width:none}section{break-inside:avoid}}
""".strip()


def render(report: Report, look: Look) -> str:
    """The whole page, UTF-8."""
    return "\n".join(_lines(report, look)) + "\n"


def _text(said: str) -> str:
    """Text from anywhere as text of the page: control characters visible, markup escaped."""
    return escape(clean(one_line(said)))


def _lines(report: Report, look: Look) -> Iterator[str]:
    verdict = report.verdict.value
    where = " · ".join(filter(None, (report.target.kind, report.target.site, report.target.rest, report.target.ws)))
    yield "<!doctype html>"
    yield '<html lang="en"><head><meta charset="utf-8">'
    policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    yield f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield '<meta name="referrer" content="no-referrer">'
    yield f"<title>okxdoctor: {verdict}, {_text(report.target.kind)}</title>"
    yield f"<style>{_STYLE}</style></head><body>"
    tone = {"healthy": "good", "degraded": "warning", "broken": "error", "inconclusive": "warning"}[verdict]
    said = {
        "healthy": "Nothing was found beyond what the baseline accepts"
        if report.accepted
        else "Healthy: nothing wrong was found",
        "degraded": "It works, with warnings",
        "broken": "The integration cannot work as it is",
        "inconclusive": "No verdict: something that matters could not be looked at or judged",
    }[verdict]
    yield f'<header><h1 class="{tone}">{said}{" (interrupted)" if report.interrupted else ""}</h1>'
    completed = sum(attempt.outcome is Outcome.COMPLETED for attempt in report.attempts)
    yield f'<p class="dim">{_text(where)}</p>'
    yield (
        f'<p class="dim"><time datetime="{_text(report.started)}">{_text(report.started)}</time> · {tally(report)} · '
        f"{completed} of {count(len(report.attempts), 'check')} · {duration(report.elapsed_ms)} · "
        f"{count(report.requests, 'request')} · exit {report.exit_code}</p></header><main>"
    )
    for root in report.diagnosis:
        yield from _root(root, report)
    yield from _asides(report)
    if not look.quiet:
        yield from _checks(report, look)
    yield f'</main><footer class="dim"><p>okxdoctor {_text(report.version)}</p></footer></body></html>'


def _root(root: Diagnosis, report: Report) -> Iterator[str]:
    yield f'<section class="{root.severity.value}"><h2>{_MARK[root.severity]} {_text(root.summary)}</h2>'
    yield f'<p class="tag">{_text(root.code)} · {root.blame.value} · {root.confidence.value}</p>'
    if root.evidence:
        yield "<dl>"
        for name, value in root.evidence.items():
            label = one_line(name.replace("_", " "))
            said = measure(name, value)
            shared = next((end for end in range(len(label), 0, -1) if said.startswith(label[:end] + " ")), 0)
            label, said = (label[:shared], said[shared + 1 :]) if shared else (label, said)
            yield f"<dt>{_text(label)}</dt><dd>{_text(cut(said, 600))}</dd>"
        yield "</dl>"
    if root.remedy:
        yield "<p>To do</p>"
        for typed, group in groupby(pieces(map(one_line, root.remedy)), key=lambda piece: piece[0]):
            lines = [_text(text) for _, text in group]
            told = "\n".join(lines) if typed else "</li><li>".join(lines)
            yield f"<pre>{told}</pre>" if typed else f"<ul><li>{told}</li></ul>"
    summaries = {finding.code: finding.summary for attempt in report.attempts for finding in attempt.findings}
    if root.explains:
        yield "<p>Explains</p><ul>"
        for code in root.explains:
            yield f"<li><code>{_text(code)}</code> {_text(summaries.get(code, ''))}</li>"
        yield "</ul>"
    if root.excluded:
        yield f'<p class="dim">Ruled out: {", ".join(_text(text) for text in root.excluded)}</p>'
    yield f'<p class="dim">More: <code>{_text(root.help)}</code></p></section>'


def _asides(report: Report) -> Iterator[str]:
    lines = [f"accepted {root.code}: {root.accepted or 'by the baseline'}" for root in report.accepted]
    lines += report.notes
    if lines:
        yield "<ul>" + "".join(f"<li>{_text(line)}</li>" for line in lines) + "</ul>"


def _checks(report: Report, look: Look) -> Iterator[str]:
    yield "<h3>Checks</h3><table><thead><tr><th>check</th><th>what it says</th><th>time</th></tr></thead><tbody>"
    for attempt in report.attempts:
        tone, mark = _tone(attempt)
        yield (
            f'<tr><td><b class="{tone}">{mark}</b> {_text(attempt.check)}</td>'
            f'<td>{_text(attempt.title)}{"".join(_said(attempt, report))}</td><td class="dim">'
            f"{duration(attempt.elapsed_ms)}</td></tr>"
        )
    yield "</tbody></table>"
    if look.verbose:
        for attempt in report.attempts:
            if attempt.facts:
                facts = cut(to_json(attempt.facts, indent=1), _FACTS)
                yield f"<details><summary>Facts of {_text(attempt.check)}</summary>"
                yield f"<pre>{escape(clean(facts), quote=False)}</pre></details>"


def _tone(attempt: Attempt) -> tuple[str, str]:
    match attempt.outcome:
        case Outcome.SKIPPED:
            return "dim", "–"
        case Outcome.INCONCLUSIVE | Outcome.BROKEN:
            return "warning", "?"
        case Outcome.COMPLETED:
            if not attempt.findings:
                return "good", "✓"
            worst = min(map(severity_of, attempt.findings), key=lambda severity: severity.rank)
            return worst.value, _MARK[worst]


def _said(attempt: Attempt, report: Report) -> Iterator[str]:
    if attempt.because:
        yield f'<br><span class="dim">{attempt.outcome.value}: {_text(attempt.because)}</span>'
    for finding in attempt.findings:
        yield f'<br><span class="{severity_of(finding).value}">{_text(finding.code)}</span> {_told(finding, report)}'


def _told(finding: Finding, report: Report) -> str:
    for root in report.diagnosis:
        if finding.code == root.code:
            return "see above"
        if finding.code in root.explains:
            return f"explained by {_text(root.code)}"
    return _text(finding.summary)
