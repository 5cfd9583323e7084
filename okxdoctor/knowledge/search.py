"""Find rows by the text of a message, also when it is not quite the exchange's wording."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from okxdoctor.knowledge import store
from okxdoctor.knowledge.cause_table import CauseRow, cause, causes
from okxdoctor.knowledge.code_table import CodeRow, codes
from okxdoctor.knowledge.lookup import Matches, several
from okxdoctor.knowledge.messages import in_chinese
from okxdoctor.knowledge.words import words as words_of

_PLACEHOLDER = re.compile(r"\{[^}]*\}")
_IDLE = frozenset(
    words_of("a an and api be can code error for from header in is it msg not of on or request the this to your")
)
"""Words that tell nothing about which row is meant."""

_COMMON = {"auth": 0.05, "general": 0.03, "trade": 0.02, "websocket": 0.01}
"""Areas that people ask about most come first among equals."""

MOST_WORDS = 150
"""Of a pasted text so many words are compared; no message of the exchange is longer."""

_SLOT = "*"
"""Stands for one or more words where the exchange's text has a placeholder."""
_HOLE = " xplaceholderx "
GAP = "…"
"""In a phrase of the symptoms: any words between."""


def by_text(text: str) -> CauseRow | CodeRow | Matches | None:
    """Rows whose message (or title) is this text or shares its words; texts of libraries by the causes behind them."""
    asked = _Text.of(text, most=MOST_WORDS)
    if not any(len(word) >= 3 and word.isalpha() for word in asked.words):
        return None
    scored = [(score, row) for row, texts, bonus in _rows() if (score := _best(asked, texts, bonus))]
    exact = any(score >= 1 and isinstance(row, CodeRow) for score, row in scored)
    if not exact and (behind := _symptoms(asked.words)):
        return several(behind, "may be behind this text")
    scored.sort(key=lambda one: -one[0])
    rows = [row for score, row in scored if score >= scored[0][0] * 0.8]
    return several(rows, "with this or a similar text" if exact else "with a similar text")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Text:
    """A text as words, and which of them tell anything."""

    words: tuple[str, ...]
    different: frozenset[str]
    telling: frozenset[str]

    @classmethod
    def of(cls, text: str, most: int | None = None) -> _Text:
        words = _words(text)[:most]
        different = frozenset(words)
        telling = frozenset(word for word in words if word not in _IDLE and not word.isdigit())
        return cls(words=words, different=different, telling=telling or different)


@cache
def _rows() -> tuple[tuple[CauseRow | CodeRow, tuple[_Text, ...], float], ...]:
    """Every row with the texts it is found by, and what it gains among equals."""
    found: list[tuple[CauseRow | CodeRow, tuple[_Text, ...], float]] = []
    for row in codes().values():
        bonus = _COMMON.get(row.area, 0.0) + (0.02 if row.http_observed else 0.0)
        found.append((row, tuple(_Text.of(text) for text in _texts(row) if text), bonus))
    found += [(cause, (_Text.of(cause.title),), -0.02) for cause in causes().values()]
    return tuple(found)


def _texts(row: CodeRow) -> tuple[str, ...]:
    return (row.message, *row.variants, *in_chinese().get(row.code, ()))


def _best(asked: _Text, texts: tuple[_Text, ...], bonus: float) -> float:
    score = max((_likeness(asked, text) for text in texts), default=0.0)
    return score + bonus if score else 0.0


@cache
def symptoms() -> tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]:
    """Phrases of libraries and operating systems (as words) with the causes they stand for, longest phrase first."""
    rows = [
        (_words(phrase), tuple(row["causes"]))
        for row in store.from_toml("symptoms.toml")["symptom"]
        for phrase in row["phrases"]
    ]
    return tuple(sorted(rows, key=lambda row: -len(row[0])))


def _symptoms(asked: tuple[str, ...]) -> list[CauseRow]:
    names = next((names for phrase, names in symptoms() if _contains(asked, phrase)), ())
    return [cause(name) for name in names]


def _words(text: str) -> tuple[str, ...]:
    plain = text.lower().replace("can not", "cannot").replace(GAP, _HOLE)
    if "{" in plain or GAP in text:
        return tuple(_SLOT if word == _HOLE.strip() else word for word in words_of(_PLACEHOLDER.sub(_HOLE, plain)))
    return words_of(plain)


def _likeness(asked: _Text, known: _Text) -> float:
    """0 (too little in common) to 0.9, and 1 for the same words in the same order with placeholders filled."""
    if asked.words == known.words:
        return 1.0
    shared = asked.telling & known.different
    if not shared:
        return 0.0
    slots = known.words.count(_SLOT)
    if slots and _fills(asked.words, known.words):
        return 1.0
    # Each placeholder may stand for one of the words asked.
    filled = min(slots, len(asked.telling - known.different))
    covered = (len(shared) + filled) / len(asked.telling)
    if covered < 0.6:
        return 0.0
    # A long known text that merely contains the words is a weaker match than a short one.
    dense = (len(asked.different & known.different) + filled) / len(asked.different | known.different)
    run = 0.2 if _contains(known.words, asked.words) or _contains(asked.words, known.words) else 0.0
    return min(0.9, covered * 0.5 + dense * 0.3 + run)


def _fills(asked: tuple[str, ...], known: tuple[str, ...]) -> bool:
    """Whether `asked` is the template `known` with words in its slots. The template must have two words of its own."""
    if sum(word != _SLOT for word in known) < 2:
        return False
    pattern = " ".join(r"\S+(?: \S+)*?" if word == _SLOT else word for word in known)
    return re.fullmatch(pattern, " ".join(asked)) is not None


def _contains(outer: tuple[str, ...], inner: tuple[str, ...]) -> bool:
    """Whether the words of `inner` follow each other somewhere in `outer`, a slot of `outer` standing for any word."""
    return any(
        all(have in (want, _SLOT) for have, want in zip(outer[i:], inner, strict=False))
        for i in range(len(outer) - len(inner) + 1)
    )
