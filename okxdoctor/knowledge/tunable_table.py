"""Limits of judgement (`data/tunables.toml`): no number like "30 s" stands in a check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from okxdoctor.knowledge import store


@dataclass(frozen=True, slots=True, kw_only=True)
class Tunable:
    """One limit. The unit stands in the name; `says` what it decides; grade `chosen` is the project's own choice."""

    name: str
    value: float
    says: str
    source: str
    seen: str
    grade: str


@cache
def tunables() -> Mapping[str, Tunable]:
    """Every limit by name."""
    found = {
        name: Tunable(
            name=name,
            value=float(raw["value"]),
            says=raw["says"],
            source=raw["source"],
            seen=raw["seen"],
            grade=raw["grade"],
        )
        for name, raw in store.from_toml("tunables.toml").items()
    }
    return MappingProxyType(found)


def tunable(name: str) -> float:
    """The value of one limit, in the unit its name ends with. Raises KeyError for an unknown name."""
    return tunables()[name].value
