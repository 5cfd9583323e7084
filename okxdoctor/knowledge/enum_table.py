"""Closed sets of words in answers (`data/enums.toml`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType

from okxdoctor.knowledge import store


@dataclass(frozen=True, slots=True, kw_only=True)
class WordSet:
    """The known `values` of one field, in documented order, with plain `words` for those that are numbers.

    `marked` are named subsets: `tradable` of instrument states, `terminal` of order states, `active` of maintenance
    states, `also` for aliases, `ws_only` for values that only the WebSocket pushes.
    """

    name: str
    values: tuple[str, ...]
    words: Mapping[str, str] = field(default_factory=dict)
    marked: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    source: str
    seen: str
    grade: str

    def __contains__(self, value: object) -> bool:
        return value in self.values or any(value in self.marked.get(name, ()) for name in ("also", "ws_only"))

    def word(self, value: str) -> str:
        """The value in words where there are some, else the value itself."""
        return self.words.get(value, value)


_PLAIN = ("values", "words", "source", "seen", "grade")


@cache
def enums() -> Mapping[str, WordSet]:
    """Every set by name: instrument_state, order_state, account_mode, position_mode, permission …"""
    found = {
        name: WordSet(
            name=name,
            values=tuple(raw["values"]),
            words=MappingProxyType(dict(raw.get("words", {}))),
            marked=MappingProxyType({key: tuple(value) for key, value in raw.items() if key not in _PLAIN}),
            source=raw["source"],
            seen=raw["seen"],
            grade=raw["grade"],
        )
        for name, raw in store.from_toml("enums.toml").items()
    }
    return MappingProxyType(found)
