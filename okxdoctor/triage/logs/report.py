"""A triage as `okxdoctor.triage/1` and as text. Redacted before it is laid out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from okxdoctor import __version__
from okxdoctor.redact import Redactor
from okxdoctor.reports.look import Look
from okxdoctor.reports.paint import MARK_OF, STYLE_OF, Brush, folded, packed, steps
from okxdoctor.reports.values import to_json
from okxdoctor.reports.words import ascii_only, count, cut, duration, one_line
from okxdoctor.triage.logs.gather import Gathered, Group, Place
from okxdoctor.triage.logs.judge import UNKNOWN, Row
from okxdoctor.triage.logs.times import shown

SCHEMA = "okxdoctor.triage/1"

_GUTTER = 13
_CANDIDATES = 6
_LONGEST_EXAMPLE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was read and what it says."""

    gathered: Gathered
    rows: tuple[Row, ...]
    elapsed_ms: float

    @property
    def exit_code(self) -> int:
        return 1 if self.rows else 0


def schema() -> Mapping[str, Any]:
    """The JSON Schema of the report."""
    made: Mapping[str, Any] = json.loads(files(__package__).joinpath("triage.schema.json").read_text("utf-8"))
    return made


# ---- JSON ----------------------------------------------------------------------------------------------------------


def render_json(report: Report, redactor: Redactor) -> str:
    """The report as one JSON object; every text of the logs passes the redactor."""
    value = {
        "schema": SCHEMA,
        "version": __version__,
        "files": [
            {"name": one.name, "kind": one.kind, "bytes": one.bytes, "lines": one.lines, "notes": list(one.notes)}
            for one in report.gathered.files
        ],
        "elsewhere": report.gathered.elsewhere,
        "diagnosis": [_row_value(row, redactor) for row in report.rows],
        "exit_code": report.exit_code,
        "elapsed_ms": round(report.elapsed_ms, 3),
    }
    return to_json(value, indent=2) + "\n"


def _row_value(row: Row, redactor: Redactor) -> dict[str, Any]:
    group = row.group
    return {
        "code": row.code,
        "severity": row.severity.value,
        "blame": row.blame.value,
        "confidence": row.confidence.value,
        "summary": redactor.text(row.summary),
        "because": redactor.text(row.because),
        "symptom": {"kind": group.signal.kind, "name": group.signal.name, "says": group.signal.says},
        "candidates": [{"code": one.code, "tells": one.tells} for one in row.candidates],
        "points_to": row.points_to or None,
        "count": group.count,
        "first": _place(group.first),
        "last": _place(group.last),
        "lines": [{"file": file, "line": line} for file, line in group.numbers],
        "episodes": [
            {"first": shown(one.first, zoned=group.first.zoned), "last": shown(one.last, zoned=group.first.zoned),
             "count": one.count}
            for one in group.episodes
        ],
        "examples": _examples(group, redactor),
        "remedy": list(row.remedy),
        "separate": list(row.separate),
        "help": row.help,
    }  # fmt: skip


def _place(place: Place) -> dict[str, Any]:
    return {"file": place.file, "line": place.line, "time": shown(place.moment, zoned=place.zoned)}


def _examples(group: Group, redactor: Redactor) -> list[str]:
    """The lines as they stood, redacted whole and then cut: a cut before could leave the half of a secret."""
    return [cut(one_line(redactor.text(text)), _LONGEST_EXAMPLE) for text in group.examples]


# ---- text ----------------------------------------------------------------------------------------------------------


def render_text(report: Report, redactor: Redactor, look: Look) -> str:
    lines = [line.rstrip() for line in _lines(report, redactor, look)]
    text = "\n".join(lines) + "\n"
    return text if look.unicode else ascii_only(text)


def _lines(report: Report, redactor: Redactor, look: Look) -> Iterator[str]:
    brush = Brush(colour=look.colour)
    if not report.rows:
        yield f"{brush('✓', 'green', 'bold')} {brush('No failure of OKX is in what was read.', 'bold')}"
    for number, row in enumerate(report.rows):
        if look.quiet:
            mark = brush(MARK_OF[row.severity], STYLE_OF[row.severity])
            yield f"{mark} {row.group.count}x {redactor.text(_title(row))}  [{_tag(row)}]"
            continue
        if number:
            yield ""
        yield from _row(row, redactor, look, brush, several=len(report.gathered.files) > 1)
    if not look.quiet:
        yield ""
        yield from _closing(report, look, brush)


def _title(row: Row) -> str:
    return one_line(row.summary)


def _tag(row: Row) -> str:
    if row.code != UNKNOWN or not row.candidates:
        return row.code
    return f"unknown, likeliest {row.candidates[0].code}"


def _row(row: Row, redactor: Redactor, look: Look, brush: Brush, *, several: bool) -> Iterator[str]:
    style = STYLE_OF[row.severity]
    first, *others = folded(redactor.text(_title(row)), look.columns - 2)
    yield f"{brush(MARK_OF[row.severity], style, 'bold')} {brush(first, 'bold')}"
    yield from (f"  {brush(line, 'bold')}" for line in others)
    yield f"  {brush(f'{_tag(row)} · {row.blame.value} · {row.confidence.value}', style)}"
    yield from _labelled("seen", _seen(row.group, several=several), look, brush)
    says = row.group.signal.says
    if says and says not in row.summary:
        yield from _labelled("means", [says], look, brush)
    if row.because:
        yield from _labelled("because", [redactor.text(row.because)], look, brush)
    for place, one in enumerate(row.candidates[:_CANDIDATES]):
        mark = " (other failures of this log point to it)" if one.code == row.points_to else ""
        yield from _labelled("" if place else "one of", [f"{one.code}{mark}: {one.tells}"], look, brush)
    if len(row.candidates) > _CANDIDATES:
        yield from _labelled("", [f"… and {len(row.candidates) - _CANDIDATES} more"], look, brush)
    for text in _examples(row.group, redactor)[: 3 if look.verbose else 1]:
        yield from _labelled("example", [cut(text, 3 * (look.columns - _GUTTER))], look, brush)
    told = row.remedy if row.code != UNKNOWN else ()
    for place, text in enumerate(told):
        yield from _typed("" if place else "to do", text, look, brush)
    for place, text in enumerate(row.separate):
        yield from _typed("" if place else ("confirm" if row.code != UNKNOWN else "decide by"), text, look, brush)
    if row.help:
        yield from (brush(line, "dim") for line in folded(row.help, look.columns, f"  {'more':<{_GUTTER - 2}}"))


def _seen(group: Group, *, several: bool) -> list[str]:
    first, last = group.first, group.last
    times = [shown(place.moment, zoned=place.zoned) for place in (first, last)]
    parts = [count(group.count, "time")]
    if times[0] and times[1]:
        parts.append(times[0] if times[0] == times[1] else f"{times[0]} to {times[1]}")
    where = [f"{file}:{line}" if several else str(line) for file, line in group.numbers[:8]]
    more = f" … {last.file + ':' if several else ''}{last.line}" if group.count > len(where) else ""
    parts.append(f"{'' if several else 'line ' if group.count == 1 else 'lines '}{', '.join(where)}{more}")
    if len(group.episodes) > 1:
        parts.append(f"in {len(group.episodes)} episodes")
    return [one_line(part) for part in parts]


def _labelled(label: str, items: list[str], look: Look, brush: Brush) -> Iterator[str]:
    head = f"  {label:<{_GUTTER - 2}}"
    for number, line in enumerate(packed(items, look.columns, head)):
        yield line if number else f"{brush(head, 'dim')}{line[len(head) :]}"


def _typed(label: str, text: str, look: Look, brush: Brush) -> Iterator[str]:
    first, *others = steps(one_line(text), look.columns - _GUTTER)
    head = f"  {label:<{_GUTTER - 2}}"
    yield f"{brush(head, 'dim')}{brush(first, 'cyan')}"
    yield from (f"{'':<{_GUTTER}}{brush(other, 'cyan')}" for other in others)


def _closing(report: Report, look: Look, brush: Brush) -> Iterator[str]:
    for one in report.gathered.files:
        for note in one.notes:
            yield from folded(f"{one_line(one.name)}: {one_line(note)}", look.columns, "  ", "    ")
    total = sum(one.bytes for one in report.gathered.files)
    kinds = {one.kind for one in report.gathered.files}
    unit = "entries" if kinds == {"har"} else "lines"
    parts = [
        count(len(report.gathered.files), "file"),
        f"{sum(one.lines for one in report.gathered.files):,} {unit}",
        f"{total / 1e6:.1f} MB" if total >= 100_000 else f"{total:,} bytes",
        *([f"{count(report.gathered.elsewhere, 'failure')} of others left aside"] if report.gathered.elsewhere else []),
        duration(report.elapsed_ms),
        f"exit {report.exit_code}",
    ]
    for line in packed(parts, look.columns, ""):
        yield brush(line, "dim")
