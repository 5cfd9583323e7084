"""The exchange's messages in Chinese (`data/messages_zh.toml`), as an account or a browser set to it is answered."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from okxdoctor.knowledge import store


@cache
def in_chinese() -> Mapping[str, tuple[str, ...]]:
    """The texts of a code, by the code; `{param0}` stands for one or more words."""
    table = store.from_toml("messages_zh.toml")["messages"]
    return MappingProxyType({number: tuple(texts) for number, texts in table.items()})
