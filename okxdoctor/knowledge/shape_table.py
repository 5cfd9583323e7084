"""Typed models of answers (`data/shapes/*.toml`): which field has which form on the wire."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from types import MappingProxyType
from typing import Literal

from okxdoctor.knowledge import store

Kind = Literal["text", "word", "decimal", "ms", "us", "number", "bool", "array", "object"]
"""text any text; word a text of a known set; decimal a plain decimal number as text; ms, us an epoch as digits in a
text; number a JSON number; bool, array, object as in JSON."""

KINDS: tuple[Kind, ...] = ("text", "word", "decimal", "ms", "us", "number", "bool", "array", "object")


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field. `path` is relative to the row (`details[].ccy`, `[0]` in a row that is an array).

    `always`: in every row; `empty`: may be ''; `null`: may be null; `exact`: lies on a grid, so that no digits are left
    over; `words`: the set of `enums.toml` for a word; `loose`: its form is not judged (documentation and observation
    differ).
    """

    path: str
    kind: Kind
    always: bool = False
    empty: bool = False
    null: bool = False
    exact: bool = False
    words: str = ""
    loose: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What the rows of some places look like. `open` are objects with members that are not listed.

    A place is `GET /api/v5/…`, `WS CHANNEL`, `WS event NAME`, or one of the envelopes `REST envelope` and `WS data`.
    `message` are fields beside `data`.
    """

    of: tuple[str, ...]
    fields: Mapping[str, Field]
    message: Mapping[str, Field]
    open: tuple[str, ...]
    source: str
    seen: str
    grade: str


_FILES = ("frame", "private", "public")
_WORD = re.compile(r"(?P<path>[^!?~=:]+)(?P<marks>[!?~=]*)(?::(?P<after>\w+))?\Z")


@cache
def shapes() -> tuple[Shape, ...]:
    """Every model. Raises store.Malformed for a row of the data that cannot be read."""
    return tuple(_shape(raw, name) for name in _FILES for raw in store.from_toml(f"shapes/{name}.toml")["shape"])


@cache
def shape(place: str) -> Shape | None:
    """The model of one place; None where there is none."""
    return next((one for one in shapes() if any(fnmatchcase(place, glob) for glob in one.of)), None)


def _shape(raw: Mapping[str, object], name: str) -> Shape:
    loose = set(str(raw.get("loose", "")).split())
    known = [_field(word, kind, loose) for kind in KINDS for word in str(raw.get(kind, "")).split()]
    beside = [_field(word, "word", loose) for word in str(raw.get("message", "")).split()]
    try:
        of, source, seen, grade = raw["of"], raw["source"], raw["seen"], raw["grade"]
    except KeyError as missing:
        raise store.Malformed(f"shapes/{name}.toml: {raw.get('of')}: {missing} is missing") from None
    return Shape(
        of=tuple(str(place) for place in of) if isinstance(of, list) else (),
        fields=MappingProxyType({field.path: field for field in known}),
        message=MappingProxyType({field.path: field for field in beside}),
        open=tuple(str(raw.get("open", "")).split()),
        source=str(source),
        seen=str(seen),
        grade=str(grade),
    )


def _field(word: str, kind: Kind, loose: set[str]) -> Field:
    found = _WORD.match(word)
    if found is None:
        raise store.Malformed(f"shapes: {word!r} is no field")
    after = found["after"] or ""
    if kind == "word" and after in KINDS:
        kind, after = next(each for each in KINDS if each == after), ""
    if (kind == "word") != bool(after):
        raise store.Malformed(f"shapes: {word!r}: a word needs a set, and nothing else has one")
    marks = found["marks"]
    return Field(
        path=found["path"],
        kind=kind,
        always="!" in marks,
        empty="?" in marks,
        null="~" in marks,
        exact="=" in marks,
        words=after,
        loose=found["path"] in loose,
    )
