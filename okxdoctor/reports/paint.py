"""Lines for a terminal: a style around a piece of text, and wrapping that knows nothing of styles.

Plain ANSI, because printing a verdict must not cost the import of a terminal library.
"""

from __future__ import annotations

import re
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


# Programs that a remedy may begin with, at its start or behind a label ("Linux: sudo …"). Other words begin a sentence.
_PROGRAMS = re.compile(
    r"cat|chmod|chronyc|chronyd|curl(?:\.exe)?|date|dig|docker|env|export|findstr|for|getent|git|grep|hwclock|icacls|ip"
    r"|ipconfig|journalctl|kubectl|log|nc|netsh|npm|nslookup|ntpdate|okxdoctor|openssl|pip|ping|printf|python3?"
    r"|resolvectl|route|scutil|sntp|ss|sudo|systemctl|tail|timedatectl|traceroute|tracert|tzutil|unset|w32tm"
    r"|Get-(?:ChildItem|Content|DnsClientServerAddress)|Remove-Item|Resolve-DnsName|Set-Content|Test-NetConnection"
    r"|\$env:[\w.=]+"
)
_LABEL = re.compile(r"(?P<label>[A-Za-z][^:]{0,40}: )?(?P<word>[A-Za-z$][\w.:-]*)(?=[ =]|$)")


def is_command(text: str) -> bool:
    """Whether a piece of remedy is something to type: it begins with a program, perhaps after ``Linux:``."""
    found = _LABEL.match(text)
    if found is None or _PROGRAMS.fullmatch(found["word"]) is None:
        return False
    # After a label a comma tells a sentence ("In CI: okxdoctor run … for the gate, live checks from …").
    return not found["label"] or ", " not in text


def as_typed(text: str) -> str:
    """A command as a shell takes it: what stood before it (``Linux:``) and behind it becomes its comment."""
    found = _LABEL.match(text)
    label = (found["label"] or "") if found is not None else ""
    command, *remarks = re.split(r"\s{3,}", text[len(label) :])
    said = [remark.removeprefix("#").strip().removeprefix("(").removesuffix(")") for remark in remarks]
    notes = "; ".join(filter(None, (label.removesuffix(": "), *said)))
    return f"{command}   # {notes}" if notes else command


def steps(text: str, width: int) -> list[str]:
    """A remedy in lines. Pieces stand apart by three blanks or more (a command, its comment, the same for another
    system) and are broken there first; a command is never broken, so that it can be copied."""
    lines = [""]
    for piece in re.split(r"\s{3,}", text.strip()):
        if lines[-1] and len(lines[-1]) + 3 + len(piece) <= width:
            lines[-1] += f"   {piece}"
            continue
        more = [piece] if is_command(piece) else folded(piece, width)
        lines = [*lines, *more] if lines[-1] else more
    return lines


def pieces(remedy: Iterable[str]) -> Iterator[tuple[bool, str]]:
    """The pieces of remedies one by one, and whether each is something to type, then as a shell takes it: for pages,
    which have no columns.

    A piece in parentheses, or a comment, is said of the one before it and stays with it.
    """
    for line in remedy:
        held = ""
        for piece in re.split(r"\s{3,}", line.strip()):
            if piece.startswith(("(", "#")) and held:
                held += f"   {piece}"
                continue
            if held:
                yield _told(held)
            held = piece
        if held:
            yield _told(held)


def _told(piece: str) -> tuple[bool, str]:
    return (True, as_typed(piece)) if is_command(piece) else (False, piece)


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
