"""Where the forms that were seen depart from the models: a :class:`Departure` for each field and kind of change. Pure.

A model says what a client may rely on. Its forms are those of the documentation and of recorded answers; where the two
differ the model is wide. A field that no model has is no fault: the exchange adds fields at any time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from okxdoctor.knowledge import enums
from okxdoctor.knowledge.shape_table import Field, Shape
from okxdoctor_checks._schema_forms import Profile, Seen, by_path, children, parent_of

Change = Literal[
    "missing", "renamed", "type", "null", "emptied", "number-format", "time-unit", "unknown-word", "new",
]  # fmt: skip

_NUMBERS = frozenset({"zero", "digits", "decimal", "noise", "epoch-s", "epoch-ms", "epoch-us", "epoch-ns"})
_TEXTS = _NUMBERS | {"empty", "blank", "exponent-text", "text"}
_JSON_NUMBERS = frozenset({"number", "fraction", "exponent"})
_UNITS = {"epoch-s": "seconds", "epoch-us": "microseconds", "epoch-ns": "nanoseconds", "epoch-ms": "milliseconds"}
_SAID = {
    "null": "null",
    "bool": "a JSON boolean",
    "array": "an array",
    "object": "an object",
    "number": "a JSON number",
    "fraction": "a JSON number",
    "exponent": "a JSON number with an exponent",
    "exponent-text": "a number with an exponent",
    "noise": "a number with the digits that a binary float leaves",
    "empty": "''",
    "text": "another text",
}
_DOCUMENTED = {
    "text": "a text",
    "word": "a word",
    "decimal": "text with a plain decimal",
    "ms": "text with milliseconds",
    "us": "text with microseconds",
    "number": "a JSON number",
    "bool": "a JSON boolean",
    "array": "an array",
    "object": "an object",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """One field that is not as documented, ``count`` times of ``of``; ``seen`` and ``documented`` for a reader."""

    change: Change
    path: str
    documented: str
    seen: str
    count: int
    of: int


def departures(profile: Profile, model: Shape, fields: Mapping[str, Field]) -> Iterator[Departure]:
    """Everything at one place that departs from its model; ``fields`` of the model that are judged here."""
    seen = by_path(profile)
    unknown = [path for path in seen if path not in fields and _is_field(path, fields, model)]
    renamed: set[str] = set()
    yield from _rows(fields, seen.get(""))
    for path, known in fields.items():
        there = seen.get(path)
        if known.always and (gone := _missing(known, there, seen)) is not None:
            heir = _heir(path, unknown, seen, gone) if there is None else None
            if heir is not None:
                renamed.add(heir)
            yield Departure(
                change="missing" if heir is None else "renamed",
                path=path,
                documented=_DOCUMENTED[known.kind],
                seen="absent" if heir is None else f"absent; {heir} stands there",
                count=gone,
                of=gone + (there.count if there is not None else 0),
            )
        if there is not None and not known.loose:
            yield from _forms(known, there)
            yield from _words(known, there)
    for path in unknown:
        if path not in renamed:
            there = seen[path]
            yield Departure(
                change="new", path=path, documented="not known", seen="present", count=there.count,
                of=there.of,
            )  # fmt: skip


def _rows(fields: Mapping[str, Field], there: Seen | None) -> Iterator[Departure]:
    """Rows that are no objects (or no arrays, where those are documented)."""
    wanted = "array" if any(path.startswith("[") for path in fields) else "object"
    for form, count in there.forms if there is not None and fields else ():
        if form != wanted:
            yield Departure(
                change="type", path="data[]", documented=_DOCUMENTED[wanted], seen=_SAID.get(form, "a text"),
                count=count, of=there.count if there is not None else count,
            )  # fmt: skip


def _is_field(path: str, fields: Mapping[str, Field], model: Shape) -> bool:
    """A member of its own of an object that is known as one, and closed."""
    if not path or path.endswith("]") or any(path.startswith(root) for root in model.open):
        return False
    parent = fields.get(parent_of(path))
    return parent.kind == "object" if parent is not None else not parent_of(path)


def _missing(known: Field, there: Seen | None, seen: Mapping[str, Seen]) -> int | None:
    """In how many parents the field is not, None when it is in each (or its parent never came)."""
    if there is not None:
        return there.of - there.count if there.count < there.of else None
    parent = seen.get(parent_of(known.path))
    if parent is None:
        return None
    wanted = "array" if known.path.endswith("]") else "object"
    count = dict(parent.forms).get(wanted, 0)
    return count or None


def _heir(path: str, unknown: list[str], seen: Mapping[str, Seen], gone: int) -> str | None:
    """A field that no model has, stands where this one is missing, and is called alike."""
    beside = [other for other in children(unknown, parent_of(path)) if seen[other].count >= gone]
    alike = [(SequenceMatcher(None, path.lower(), other.lower()).ratio(), other) for other in beside]
    best = max(alike, default=(0.0, ""))
    return best[1] if best[0] >= 0.6 else None


def _forms(known: Field, there: Seen) -> Iterator[Departure]:
    """The forms that are not the documented ones, by what has changed."""
    changes: dict[tuple[Change, str], int] = {}
    for form, count in there.forms:
        found = _change(known, form)
        if found is not None:
            changes[found] = changes.get(found, 0) + count
    for (change, now), count in changes.items():
        shown = there.example if count == there.count and change != "emptied" else ""  # else it may be one in order
        yield Departure(
            change=change,
            path=there.path,
            documented=_DOCUMENTED[known.kind],
            seen=f"{now} ({shown})" if shown else now,
            count=count,
            of=there.count,
        )


def _change(known: Field, form: str) -> tuple[Change, str] | None:
    if form == "null":
        return None if known.null or (known.empty and known.kind in ("array", "object")) else ("null", "null")
    if form == "blank":
        return None if known.kind not in ("number", "bool") else ("type", "''")
    if form == "empty":
        return None if known.empty or known.kind == "text" else ("emptied", "''")
    match known.kind:
        case "number":
            right = form in _JSON_NUMBERS
        case "bool" | "array" | "object":
            right = form == known.kind
        case "text" | "word":
            right = form in _TEXTS
        case "decimal":
            if form == "exponent-text" or (form == "noise" and known.exact):
                return "number-format", _SAID[form]
            right = form in _NUMBERS
        case "ms" | "us":
            wanted = "epoch-ms" if known.kind == "ms" else "epoch-us"
            if form in _UNITS and form != wanted:
                return "time-unit", _UNITS[form]
            # "0" stands for no instant; ten digits or more make one in some unit.
            right = form in (wanted, "zero")
            if not right and form in ("digits", "decimal", "text"):
                return "time-unit", "no epoch of that unit"
    return None if right else ("type", _SAID.get(form, "a text"))


def _words(known: Field, there: Seen) -> Iterator[Departure]:
    """Words outside of the known set, the empty one apart."""
    if known.kind != "word":
        return
    words = enums()[known.words]
    for said, count in there.words:
        if said not in words:
            yield Departure(
                change="unknown-word",
                path=there.path,
                documented=f"one of {', '.join(words.values)}",
                seen=said,
                count=count,
                of=there.count,
            )
