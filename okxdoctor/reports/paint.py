"""Lines for a terminal: a style around a piece of text, and wrapping that knows nothing of styles.

Plain ANSI, because printing a verdict must not cost the import of a terminal library.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from textwrap import wrap

from okxdoctor.model import Severity

_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "blue": "34", "cyan": "36"}

STYLE_OF = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: "blue"}
MARK_OF = {Severity.ERROR: "✗", Severity.WARNING: "!", Severity.INFO: "i"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Brush:
    """Puts styles around text where colour is wanted."""

    colour: bool

    def __call__(self, text: str, *styles: str) -> str:
        if not self.colour or not styles or not text:
            return text
        return f"\x1b[{';'.join(_CODES[style] for style in styles)}m{text}\x1b[0m"


def folded(text: str, width: int, first: str = "", rest: str | None = None) -> list[str]:
    """``text`` in lines of at most ``width``; ``first`` begins the first line, ``rest`` the others."""
    rest = " " * len(first) if rest is None else rest
    return wrap(
        text,
        max(width, len(first) + 12),
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=True,
        break_on_hyphens=False,
    ) or [first.rstrip()]


def packed(items: Iterable[str], width: int, first: str, separator: str = " · ") -> Iterator[str]:
    """Items side by side, none broken over lines unless it is longer than a line."""
    indent = " " * len(first)
    line = first
    empty = True
    for item in items:
        if not empty and len(line) + len(separator) + len(item) > width:
            yield line
            line, empty = indent, True
        if len(line) + len(item) > width and empty:
            *whole, line = folded(item, width, line, indent)
            yield from whole
            empty = False
            continue
        line += item if empty else separator + item
        empty = False
    if not empty:
        yield line
