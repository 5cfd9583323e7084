"""Find rows by the text of a message, also when it is not quite the exchange's wording."""

from __future__ import annotations

import re

from okxdoctor.knowledge.cause_table import CauseRow, causes
from okxdoctor.knowledge.code_table import CodeRow, codes
from okxdoctor.knowledge.lookup import MOST, Matches

_WORD = re.compile(r"[a-z0-9]+")
_PLACEHOLDER = re.compile(r"\{[^}]*\}")
_IDLE = frozenset(
    re.findall(
        r"\w+", "a an and api be can code error for from header in is it msg not of on or request the this to your"
    )
)
"""Words that tell nothing about which row is meant."""


def _words(text: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(_PLACEHOLDER.sub(" ", text.lower()).replace("can not", "cannot").replace("'", "")))


def by_text(text: str) -> CauseRow | CodeRow | Matches | None:
    """Rows whose message (or title) is this text, then rows that contain it, then rows that share its words."""
    asked = _words(text)
    if not asked:
        return None
    scored: list[tuple[float, int, CauseRow | CodeRow]] = []
    for place, row in enumerate(codes().values()):
        if (score := max(_likeness(asked, _words(known)) for known in (row.message, *row.variants))) > 0:
            scored.append((score, place, row))
    for place, cause in enumerate(causes().values()):
        if (score := _likeness(asked, _words(cause.title)) * 0.95) > 0:
            scored.append((score, place, cause))
    if not scored:
        return None
    best = max(score for score, _, _ in scored)
    kept = sorted((one for one in scored if one[0] >= best * 0.8), key=lambda one: (-one[0], one[1]))
    rows = tuple(row for _, _, row in kept)
    if len(rows) == 1:
        return rows[0]
    return Matches(because="with this text" if best >= 1 else "with a similar text", rows=rows[:MOST])


def _likeness(asked: tuple[str, ...], known: tuple[str, ...]) -> float:
    """0 (nothing in common) to 1 (the same words in the same order)."""
    if not known:
        return 0.0
    if asked == known:
        return 1.0
    telling = {word for word in asked if word not in _IDLE} or set(asked)
    shared = telling & set(known)
    if len(shared) < len(telling) * 0.6:
        return 0.0
    covered = len(shared) / len(telling)
    # A long known text that merely contains the words is a weaker match than a short one.
    dense = len(set(asked) & set(known)) / len(set(asked) | set(known))
    run = 0.2 if _contains(known, asked) or _contains(asked, known) else 0.0
    return min(0.99, covered * 0.5 + dense * 0.3 + run)


def _contains(outer: tuple[str, ...], inner: tuple[str, ...]) -> bool:
    return any(outer[i : i + len(inner)] == inner for i in range(len(outer) - len(inner) + 1))
