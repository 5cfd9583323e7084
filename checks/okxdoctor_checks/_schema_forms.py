"""From the text of many answers to the forms of their fields: what was on the wire, counted and without judging.

Every path of every row is walked, not the first row alone. A path says where a field stands (``details[].ccy``; members
of a row that is an array are ``[0]``, ``[1]``), a form what was there. Values are not kept, save words where the model
knows a set of words, and one short example of public numbers.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

MOST_ROWS = 3_000
"""Rows of one place that are walked; of a longer list every n-th."""
MOST_PATHS = 400
MOST_WORDS = 40
_WORD = re.compile(r"[A-Za-z0-9_.:-]{1,32}\Z", re.ASCII)
_PLAIN = re.compile(r"-?\d+(\.\d+)?\Z", re.ASCII)
_EXPONENT = re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+\Z", re.ASCII)
_NOISE = re.compile(r"[1-9]\d*\.?\d*?(0{6,}|9{6,})\d{0,3}[1-9]\Z", re.ASCII)
"""What is left of a decimal that went through a binary float: 68585.399999999994."""
_LONGEST = 40
_EPOCHS = {10: "epoch-s", 13: "epoch-ms", 16: "epoch-us", 19: "epoch-ns"}
"""Digits of an instant between 2001 and 2286 in each unit."""


Part = Literal["rows", "beside", "answer", "refusal", "push", "event"]
"""Of a message: its rows, fields beside them that this place has, or the envelope (of a good answer, of a refusal, of
pushed data), or a whole event."""


class Number(str):
    """A JSON number as it was written: 0.10 and 1e-1 are not the same to a client that compares texts."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One path of one place: in how many of its parents it stood, and in which forms.

    ``forms``: null, bool, array, object; number, fraction, exponent (JSON numbers); and of texts: empty, blank (empty
    in a row of an instrument that may have nothing to say), zero, digits, epoch-s, -ms, -us, -ns, decimal, noise (a
    decimal with the digits that a binary float leaves), exponent-text, text. ``words``: values of a field whose set of
    words is known, with counts.
    """

    path: str
    of: int
    forms: tuple[tuple[str, int], ...]
    words: tuple[tuple[str, int], ...] = ()
    example: str = ""

    @property
    def count(self) -> int:
        return sum(count for _, count in self.forms)

    def line(self) -> str:
        """In one line, as facts keep it: a run has hundreds of them."""
        parts = [f"{self.path} ({self.of})", _counted(self.forms)]
        if self.words or self.example:
            parts.append(_counted(self.words))
        if self.example:
            parts.append(self.example)
        return " | ".join(parts)


def _counted(counts: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts)


_LINE = re.compile(
    r"(?P<path>.*?) \((?P<of>\d+)\) \| (?P<forms>[^|]*?)(?: \| (?P<words>[^|]*?))?(?: \| (?P<example>.*))?\Z"
)


def seen_of(line: str) -> Seen | None:
    """The reverse of :meth:`Seen.line`; None for what is no such line."""
    found = _LINE.match(line)
    if found is None:
        return None
    return Seen(
        path=found["path"],
        of=int(found["of"]),
        forms=_counts(found["forms"]),
        words=_counts(found["words"] or ""),
        example=found["example"] or "",
    )


def _counts(text: str) -> tuple[tuple[str, int], ...]:
    pairs = [part.rpartition(" ") for part in text.split(", ") if part]
    return tuple((name, int(count)) for name, _, count in pairs if count.isdigit())


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Everything that was seen in one part of the messages of one place.

    ``rows`` in those messages, and how many of them were ``walked``; each field as :meth:`Seen.line` has it.
    """

    place: str
    part: Part
    messages: int
    rows: int
    walked: int
    fields: tuple[str, ...] = ()


@dataclass(slots=True)
class Walk:
    """Collects what is seen at one place."""

    place: str
    part: Part
    words: frozenset[str]
    examples: bool
    messages: int = 0
    rows: int = 0
    walked: int = 0
    forms: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    said: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    parents: Counter[str] = field(default_factory=Counter)
    shown: dict[str, str] = field(default_factory=dict)

    def add_rows(self, rows: list[object], *, liquid: frozenset[str]) -> None:
        """Walk the rows of one message."""
        self.rows += len(rows)
        step = max(1, -(-(self.walked + len(rows)) // MOST_ROWS))
        for row in rows[::step]:
            self.walked += 1
            quiet = isinstance(row, dict) and not _trading(row, liquid)
            self.value(row, "", quiet=quiet)

    def value(self, value: object, path: str, *, quiet: bool) -> None:
        """Walk one value and all that is in it."""
        if path not in self.forms and len(self.forms) >= MOST_PATHS:
            return
        form = form_of(value)
        self.forms[path]["blank" if quiet and form == "empty" else form] += 1
        if isinstance(value, str):
            if (
                path in self.words
                and not isinstance(value, Number)
                and _WORD.match(value)
                and len(self.said[path]) < MOST_WORDS
            ):
                self.said[path][str(value)] += 1
            if self.examples and path not in self.shown and len(value) <= 32 and value.isprintable():
                self.shown[path] = str(value)
        elif isinstance(value, dict):
            self.parents[path] += 1
            for name, inner in value.items():
                self.value(inner, f"{path}.{name}" if path else str(name)[:64], quiet=quiet)
        elif isinstance(value, list):
            in_row = path == "" or path.endswith("[]")
            if in_row:
                self.parents[path] += 1
            for at, inner in enumerate(value[:500]):
                # An array inside of an array is a row whose places have meanings: a level of a book, a candle.
                self.value(inner, f"{path}[{at}]" if in_row else f"{path}[]", quiet=quiet)

    def profile(self) -> Profile:
        """The facts."""
        return Profile(
            place=self.place,
            part=self.part,
            messages=self.messages,
            rows=self.rows,
            walked=self.walked,
            fields=tuple(
                Seen(
                    path=path,
                    of=self.parents[parent_of(path)],
                    forms=tuple(sorted(forms.items())),
                    words=tuple(sorted(self.said[path].items())) if path in self.said else (),
                    example=self.shown.get(path, ""),
                ).line()
                for path, forms in self.forms.items()
            ),
        )


def _trading(row: dict[str, object], liquid: frozenset[str]) -> bool:
    """Whether figures of a row are there for sure: it names no instrument, or one that is traded all the time."""
    name = row.get("instId")
    return not isinstance(name, str) or (name in liquid and row.get("state") in (None, "", "live"))


def parent_of(path: str) -> str:
    """Where a path stands in: ``details[].ccy`` in ``details[]``, ``asks[][0]`` in ``asks[]``."""
    dot, bracket = path.rfind("."), path.rfind("[")
    return path[: max(dot, bracket)] if max(dot, bracket) > 0 else ""


def form_of(value: object) -> str:
    """The form of one JSON value."""
    match value:
        case None:
            return "null"
        case bool():
            return "bool"
        case Number():
            return "exponent" if "e" in value.lower() else "fraction" if "." in value else "number"
        case str():
            return _text(value)
        case list():
            return "array"
        case _:
            return "object"


def _text(value: str) -> str:
    if not value:
        return "empty"
    if _PLAIN.match(value):
        if value.strip("0.") in ("", "-"):
            return "zero"
        if value.isdigit():
            return _EPOCHS.get(len(value), "digits")
        return "noise" if len(value) <= _LONGEST and _NOISE.search(value) and _digits(value) >= 16 else "decimal"
    return "exponent-text" if _EXPONENT.match(value) else "text"


def _digits(number: str) -> int:
    """Significant digits; a binary float has sixteen or seventeen."""
    return len(number.strip("-0.").replace(".", ""))


def decoded(text: str) -> object:
    """JSON with numbers as they were written. Raises ValueError for what is none, or is nested too deeply."""
    try:
        return json.loads(text, parse_int=Number, parse_float=Number, parse_constant=Number)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def walked(walks: Iterable[Walk]) -> tuple[Profile, ...]:
    """The profiles, by place."""
    return tuple(walk.profile() for walk in sorted(walks, key=lambda walk: (walk.place, walk.part)))


def by_path(profile: Profile) -> Mapping[str, Seen]:
    """The fields of a profile by path."""
    return {seen.path: seen for line in profile.fields if (seen := seen_of(line)) is not None}


def children(paths: Iterable[str], parent: str) -> Iterator[str]:
    """The paths that stand directly in ``parent``."""
    return (path for path in paths if path and parent_of(path) == parent)
