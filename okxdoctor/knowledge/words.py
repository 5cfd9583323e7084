"""A text as words that can be compared: lower case, without punctuation, each Chinese character a word of its own."""

from __future__ import annotations

import re

WORD = re.compile(r"[a-z0-9]+|[\u3400-\u9fff]")
_GLUED = str.maketrans("", "", "'\u2019")


def words(text: str) -> tuple[str, ...]:
    """`"Can't connect（超时）"` gives `("cant", "connect", "超", "时")`; `APIKey` is two words, as others write it."""
    return tuple(WORD.findall(text.lower().translate(_GLUED).replace("apikey", "api key")))
