"""Texts that stand for a code beside its English message: the Chinese one, and what people call it.

`data/messages_zh.toml` are the exchange's own words; `data/also_called.toml` are those of its users.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from okxdoctor.knowledge import store


@cache
def in_logs() -> Mapping[str, tuple[str, ...]]:
    """The texts of a code that tell a failure wherever they stand; `{param0}` stands for one or more words."""
    return _merged(store.from_toml("messages_zh.toml")["messages"], store.from_toml("also_called.toml")["said"])


@cache
def in_questions() -> Mapping[str, tuple[str, ...]]:
    """Those, and the texts that people look for a code or a cause by."""
    return _merged(in_logs(), store.from_toml("also_called.toml")["asked"])


@cache
def families_meant() -> Mapping[str, str]:
    """Families of causes by a word of a vague question."""
    return MappingProxyType(store.from_toml("also_called.toml")["family"])


@cache
def same_words() -> Mapping[str, str]:
    """Words of a question by the word that the exchange's messages have for it."""
    return MappingProxyType(store.from_toml("also_called.toml")["same"])


def _merged(*tables: Mapping[str, Any]) -> Mapping[str, tuple[str, ...]]:
    numbers = dict.fromkeys(number for table in tables for number in table)
    return MappingProxyType({one: tuple(text for table in tables for text in table.get(one, ())) for one in numbers})
