"""The requirements, as data: `data/*.toml`, one file for each group of areas.

A row may stand for several cases: ``each`` maps a name to words, and ``{name}`` and ``{words}`` in the other members
are replaced by them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from okxdoctor.conformance.client.grade import Level
from okxdoctor.knowledge.citations import cited

Param = str | float | bool | tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One requirement on a client.

    ``rounds`` are patterns of the rounds that its judge looks at ("*": all); ``judge`` names the judge, ``params`` are
    its arguments. ``grade`` says how well the rule behind it is known: documented, observed, assumed, chosen.
    """

    id: str
    area: str
    level: Level
    requirement: str
    source: str
    grade: str
    judge: str
    rounds: tuple[str, ...] = ("*",)
    params: Mapping[str, Param] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of judgement, in seconds unless the name says otherwise: `data/limits.toml`, with their sources."""

    window_s: float
    idle_s: float
    fresh_s: float
    storm_s: float
    storm_requests: float
    reconnect_s: float
    rebuild_s: float
    duplicate_s: float
    connects_per_s: float
    message_bytes: float
    window_slack: float
    burst_s: float


@cache
def limits() -> Limits:
    """The limits that ship."""
    raw = tomllib.loads(_text("limits.toml"))
    return Limits(**{name: float(row["value"]) for name, row in raw.items()})


@cache
def cases() -> tuple[Case, ...]:
    """Every case, in the order of the files."""
    found: list[Case] = []
    for name in ("wire", "orders", "channels", "answers", "refusals", "network"):
        for row in tomllib.loads(_text(f"{name}.toml"))["case"]:
            found.extend(_expanded(row))
    seen: set[str] = set()
    for case in found:
        if case.id in seen:
            raise ValueError(f"the case {case.id} stands twice")
        seen.add(case.id)
    return tuple(found)


def only(cases: Sequence[Case], patterns: Sequence[str]) -> tuple[Case, ...]:
    """The cases whose id or area one of the patterns names."""
    return tuple(
        case
        for case in cases
        if not patterns or any(fnmatchcase(case.id, each) or fnmatchcase(case.area, each) for each in patterns)
    )


def _text(name: str) -> str:
    return files(__package__).joinpath("data", name).read_text("utf-8")


def _expanded(row: dict[str, Any]) -> Iterator[Case]:
    each: dict[str, str] = row.pop("each", None) or {"": ""}
    for name, words in each.items():
        yield _case({key: _filled(value, name, words) for key, value in row.items()})


def _filled(value: Any, name: str, words: str) -> Any:
    match value:
        case str():
            return value.replace("{name}", name).replace("{words}", words)
        case list():
            return [_filled(item, name, words) for item in value]
        case dict():
            return {key: _filled(item, name, words) for key, item in value.items()}
        case _:
            return value


def _case(row: dict[str, Any]) -> Case:
    given = row.get("params", {})
    return Case(
        id=row["id"],
        area=row["id"].partition(".")[0],
        level=row["level"],
        requirement=" ".join(row["requirement"].split()),
        source=cited(row["source"]),
        grade=row["grade"],
        judge=row["judge"],
        rounds=tuple(row.get("rounds", ["*"])),
        params=MappingProxyType(
            {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
        ),
    )
