"""The vocabulary of verdicts: one row for each cause, in one file for each family (`data/causes/FAMILY.toml`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

from okxdoctor.knowledge import store


@dataclass(frozen=True, slots=True, kw_only=True)
class LookAlike:
    """Another cause that shows the same symptom, and the measurement `by` which the two are told apart."""

    code: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseRow:
    """One cause that a run, an inspection or a conformance case can name.

    `severity` is error, warning or info; `blame` is yours, path, exchange or unknown. `title` says in the present
    tense what is wrong, `tells` which measurement separates it, `meaning` what that means for the user. `remedy`
    lists things to type or do, most likely first. `look_alikes` are confused with it. `field_failures` are numbers
    of reported failures that it explains. `source`, `seen` (ISO date) and `grade` (documented, observed, assumed)
    say where the knowledge comes from.
    """

    code: str
    severity: str
    blame: str
    title: str
    tells: str
    meaning: str
    remedy: tuple[str, ...]
    look_alikes: tuple[LookAlike, ...]
    source: str
    seen: str
    grade: str
    field_failures: tuple[str, ...] = ()

    @property
    def family(self) -> str:
        """The part before the first dot: `clock` of `clock.ahead`."""
        return self.code.partition(".")[0]


@cache
def families() -> tuple[str, ...]:
    """All families, in alphabetical order."""
    return store.names("causes", ".toml")


@cache
def family(name: str) -> tuple[CauseRow, ...]:
    """The causes of one family in the order of its file; empty when there is no such family."""
    if name not in families():
        return ()
    path = f"causes/{name}.toml"
    return tuple(_row(table, path) for table in store.from_toml(path)["cause"])


@cache
def causes() -> Mapping[str, CauseRow]:
    """Every cause by its code, family by family."""
    return MappingProxyType({row.code: row for name in families() for row in family(name)})


def cause(code: str) -> CauseRow:
    """The row of one cause. Reads one file only. Raises KeyError for a code outside the vocabulary."""
    for row in family(code.partition(".")[0]):
        if row.code == code:
            return row
    raise KeyError(code)


def title(code: str) -> str:
    """The title alone, read without parsing the file: `explain` shows many titles of many families at once.

    Raises KeyError for a code outside the vocabulary.
    """
    name = code.partition(".")[0]
    if name in families():
        start = f'[[cause]]\ncode = "{code}"\n'
        _, found, rest = store.text(f"causes/{name}.toml").partition(start)
        line = rest.partition('\ntitle = "')[2].partition('"\n')[0]
        if found and line and "\\" not in line and "\n" not in line:
            return line
    return cause(code).title


_TEXTS = ("code", "severity", "blame", "title", "tells", "meaning", "source", "seen", "grade")


def _row(table: Mapping[str, Any], path: str) -> CauseRow:
    code = table.get("code", "without code")
    unknown = set(table) - {*_TEXTS, "remedy", "look_alikes", "ff"}
    if unknown:
        raise store.Malformed(f"{path}: {code}: unknown members {sorted(unknown)}")
    try:
        return CauseRow(
            **{name: store.words(table[name]) for name in _TEXTS},
            remedy=tuple(table["remedy"]),
            look_alikes=tuple(LookAlike(code=code, by=by) for code, by in table["look_alikes"].items()),
            field_failures=tuple(table.get("ff", ())),
        )
    except KeyError as missing:
        raise store.Malformed(f"{path}: {code}: {missing} is missing") from None
