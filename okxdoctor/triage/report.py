"""An inspection as `okxdoctor.inspection/1` and as text. Both are redacted before they are laid out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, cast

from okxdoctor.model import Diagnosis, Json
from okxdoctor.redact import Redactor
from okxdoctor.reports.look import Look
from okxdoctor.reports.paint import MARK_OF, STYLE_OF, Brush, folded, packed, steps
from okxdoctor.reports.values import diagnosis_value, to_json
from okxdoctor.reports.words import ascii_only, count, cut, duration, measure, one_line
from okxdoctor.triage.inspection import Inspection, merged

SCHEMA = "okxdoctor.inspection/1"

_GUTTER = 13
_TEXTS = ("should_be_signed", "was_signed")
_SEEN_ELSEWHERE = frozenset({"recipe", "same_beginning_characters", *_TEXTS})
_MAX_SHOWN = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All inspections of one file. `elapsed_ms` is the time it took to judge them."""

    inspections: tuple[Inspection, ...]
    elapsed_ms: float

    @property
    def exit_code(self) -> int:
        return 1 if any(inspection.diagnosis for inspection in self.inspections) else 0


def schema() -> Mapping[str, Any]:
    """The JSON Schema of the report."""
    made: Mapping[str, Any] = json.loads(files(__package__).joinpath("inspection.schema.json").read_text("utf-8"))
    return made


# ---- JSON ----------------------------------------------------------------------------------------------------------


def render_json(report: Report, redactor: Redactor) -> str:
    """One JSON object. With one request its diagnosis, recipe and count stand at the top; with several the merged ones,
    and each under `requests`.
    """
    value = {
        "schema": SCHEMA,
        "diagnosis": [_redacted(row, redactor) for row in merged(report.inspections)],
        "recipe": next((_recipe(inspection, redactor) for inspection in report.inspections if inspection.recipe), []),
        "tried": sum(inspection.tried for inspection in report.inspections),
        "elapsed_ms": round(report.elapsed_ms, 3),
        "requests": [_one(inspection, redactor) for inspection in report.inspections],
    }
    return to_json(value, indent=2) + "\n"


def _one(inspection: Inspection, redactor: Redactor) -> dict[str, Any]:
    return {
        "request": redactor.text(inspection.label),
        "signature": {True: "right", False: "wrong", None: "not recomputed"}[inspection.right],
        "diagnosis": [_redacted(row, redactor) for row in inspection.diagnosis],
        "recipe": _recipe(inspection, redactor),
        "tried": inspection.tried,
        "notes": [redactor.text(note) for note in inspection.notes],
    }


def _recipe(inspection: Inspection, redactor: Redactor) -> list[dict[str, str]]:
    return [{name: redactor.text(text) for name, text in step.value().items()} for step in inspection.recipe]


def _redacted(row: Diagnosis, redactor: Redactor) -> dict[str, Any]:
    made = diagnosis_value(row)
    for name in ("summary", "evidence", "excluded", "remedy"):
        made[name] = redactor.value(cast("Json", made[name]))
    return made


# ---- text ----------------------------------------------------------------------------------------------------------


def render_text(report: Report, redactor: Redactor, look: Look) -> str:
    lines = [line.rstrip() for line in _lines(report, redactor, look)]
    text = "\n".join(lines) + "\n"
    return text if look.unicode else ascii_only(text)


def _lines(report: Report, redactor: Redactor, look: Look) -> Iterator[str]:
    brush = Brush(colour=look.colour)
    troubled = [inspection for inspection in report.inspections if inspection.diagnosis]
    several = len(report.inspections) > 1
    if not troubled:
        yield from _nothing_wrong(report, redactor, look, brush)
    told: list[Json] = []
    for number, row in enumerate(merged(report.inspections)):
        if number:
            yield ""
        recipe = row.evidence.get("recipe")
        yield from _row(row, redactor, look, brush, compare=recipe not in told)
        told.append(recipe)
    if several:
        yield ""
        for inspection in report.inspections[:_MAX_SHOWN]:
            yield from _request(inspection, redactor, look, brush)
        if len(report.inspections) > _MAX_SHOWN:
            yield f"  … and {len(report.inspections) - _MAX_SHOWN} more"
    elif troubled:
        yield ""
    notes = [] if several or not troubled else [note for inspection in troubled for note in inspection.notes]
    for note in notes:
        yield from folded(one_line(redactor.text(note)), look.columns, "  ", "    ")
    parts = [
        *(
            [count(len(report.inspections), "request")]
            if several
            else [one_line(redactor.text(report.inspections[0].label))]
        ),
        f"{sum(inspection.tried for inspection in report.inspections)} signatures tried",
        duration(report.elapsed_ms),
        f"exit {report.exit_code}",
    ]
    for line in packed(parts, look.columns, ""):
        yield brush(line, "dim")


def _nothing_wrong(report: Report, redactor: Redactor, look: Look, brush: Brush) -> Iterator[str]:
    checked = [inspection for inspection in report.inspections if inspection.right]
    if checked and len(checked) == len(report.inspections):
        said = (
            "The signature is right for these bytes."
            if len(checked) == 1
            else f"All {len(checked)} signatures are right."
        )
    elif checked:
        said = (
            f"Nothing wrong was found; of {len(report.inspections)} signatures {len(checked)} were recomputed: right."
        )
    else:
        said = "Nothing wrong is visible."
    first, *others = folded(said, look.columns - 2)
    yield f"{brush('✓', 'green', 'bold')} {brush(first, 'bold')}"
    yield from (f"  {brush(line, 'bold')}" for line in others)
    notes = dict.fromkeys(note for inspection in report.inspections for note in inspection.notes)
    for note in list(notes)[:_MAX_SHOWN]:
        if note != "the signature is right for these bytes":
            yield from folded(one_line(redactor.text(note)), look.columns, "  ", "    ")


def _row(row: Diagnosis, redactor: Redactor, look: Look, brush: Brush, *, compare: bool) -> Iterator[str]:
    """One cause. `compare`: with the recipe and both texts, which two causes of one recipe share."""
    style = STYLE_OF[row.severity]
    first, *others = folded(one_line(redactor.text(row.summary)), look.columns - 2)
    yield f"{brush(MARK_OF[row.severity], style, 'bold')} {brush(first, 'bold')}"
    yield from (f"  {brush(line, 'bold')}" for line in others)
    yield f"  {brush(f'{row.code} · {row.blame.value} · {row.confidence.value}', style)}"
    evidence = cast("Mapping[str, Json]", redactor.value(row.evidence))
    recipe = evidence.get("recipe")
    for number, step in enumerate(recipe if compare and isinstance(recipe, list) else []):
        said = f"{step['step']}: {step['is']}, should be {step['should_be']}"
        yield from _labelled("recipe" if not number else "", said, look, brush)
    if compare:
        yield from _side_by_side(evidence, look, brush)
    shown = [cut(measure(name, value), 160) for name, value in evidence.items() if name not in _SEEN_ELSEWHERE]
    label = f"  {'measured':<{_GUTTER - 2}}"
    for number, line in enumerate(packed(shown, look.columns, label) if shown else ()):
        yield line if number else f"{brush(label, 'dim')}{line[len(label) :]}"
    for number, remedy in enumerate(row.remedy):
        first, *others = steps(one_line(redactor.text(remedy)), look.columns - _GUTTER)
        head = f"  {'' if number else 'to do':<{_GUTTER - 2}}"
        yield f"{brush(head, 'dim')}{brush(first, 'cyan')}"
        yield from (f"{'':<{_GUTTER}}{brush(other, 'cyan')}" for other in others)
    if row.excluded:
        yield from _labelled("ruled out", " · ".join(redactor.text(text) for text in row.excluded), look, brush)
    yield from (brush(line, "dim") for line in folded(row.help, look.columns, f"  {'more':<{_GUTTER - 2}}"))


def _labelled(label: str, text: str, look: Look, brush: Brush) -> Iterator[str]:
    head = f"  {label:<{_GUTTER - 2}}"
    first, *others = folded(one_line(text), look.columns, head)
    yield brush(head, "dim") + first[len(head) :]
    yield from others


def _side_by_side(evidence: Mapping[str, Json], look: Look, brush: Brush) -> Iterator[str]:
    """Both prehashes, one under the other, broken at the same columns, with a mark where they part."""
    texts = [evidence.get(name) for name in _TEXTS]
    if not all(isinstance(text, str) for text in texts):
        return
    want, was = (_visible(text) for text in texts if isinstance(text, str))
    room = look.columns - _GUTTER
    same = next((i for i, (a, b) in enumerate(zip(want, was, strict=False)) if a != b), min(len(want), len(was)))
    start = max(0, same // room * room - room) if max(len(want), len(was)) > room * 4 else 0
    end = min(max(len(want), len(was)), start + room * 4)
    for at in range(start, max(end, start + 1), room):
        marks = " " * (same - at) + "^" if at <= same < at + room else ""
        yield _piece("to sign", at == start, want[at : at + room], brush)
        if at == start or was[at : at + room]:
            yield _piece("signed", at == start, was[at : at + room], brush)
        if marks:
            yield " " * _GUTTER + brush(marks, "red")


def _piece(label: str, named: bool, text: str, brush: Brush) -> str:
    head = f"  {label if named else '':<{_GUTTER - 2}}"
    return f"{brush(head, 'dim')}{text}"


def _visible(text: str) -> str:
    """Line breaks and other unseen characters as escapes: here each of them may be the mistake."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def _request(inspection: Inspection, redactor: Redactor, look: Look, brush: Brush) -> Iterator[str]:
    codes = ", ".join(row.code for row in inspection.diagnosis)
    if inspection.diagnosis:
        mark, style = MARK_OF[inspection.diagnosis[0].severity], STYLE_OF[inspection.diagnosis[0].severity]
    else:
        mark, style = ("✓", "green") if inspection.right else ("–", "dim")
    said = codes or ("signature right" if inspection.right else "nothing wrong is visible")
    text = f"{one_line(redactor.text(inspection.label))}: {said}"
    first, *others = folded(text, look.columns, "    ")
    yield f"  {brush(mark, style)} {first[4:]}"
    yield from others
