"""Find rows by the text of a message, also when it is not quite the exchange's wording."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from okxdoctor.knowledge import store
from okxdoctor.knowledge.cause_table import CauseRow, cause, causes, family
from okxdoctor.knowledge.code_table import CodeRow, codes
from okxdoctor.knowledge.lookup import Family, Matches, several
from okxdoctor.knowledge.messages import families_meant, in_questions, same_words
from okxdoctor.knowledge.words import words as words_of

_PLACEHOLDER = re.compile(r"\{[^}]*\}")
_IDLE = frozenset(
    words_of(
        "a access an and api be can code do does error for from header in is it msg not of ok on or request the this to"
        " your"
    )
)
"""Words that tell nothing about which row is meant."""

_COMMON = {"auth": 0.05, "general": 0.03, "trade": 0.02, "websocket": 0.01}
_RARE = dict.fromkeys(("algo", "bot", "convert", "copy", "finance", "grid", "block-spread"), -0.08)
"""Areas that people ask about most come first among equals, those of single products last."""

MOST_WORDS = 150
"""Of a pasted text so many words are compared; no message of the exchange is longer."""

SURE = 0.75
"""A likeness under which a family is the better answer to a vague question."""
MOST_VAGUE = 4
"""Words of a question that is vague."""
MOST_TYPED = 200
"""Characters of a question that are looked through for slips; what is longer was pasted."""

_SLOT = "*"
"""Stands for one or more words where the exchange's text has a placeholder."""
_HOLE = " xplaceholderx "
TELLING = 3
"""So many words of its own make a message with a placeholder as good as one without."""
GAP = "…"
"""In a phrase of the symptoms: any words between."""


def by_text(text: str) -> CauseRow | CodeRow | Family | Matches | None:
    """Rows whose message (or title) is this text or shares its words; texts of libraries by the causes behind them."""
    asked = _Text.of(_mended(text), most=MOST_WORDS)
    if not any(len(word) >= 3 and word.isalpha() for word in asked.words) and not _chinese(asked.words):
        return None
    scored = [(score, row) for row, texts, bonus in _rows() if (score := _best(asked, texts, bonus))]
    exact = any(score >= 0.965 for score, _ in scored)
    if not exact and (behind := _symptoms(asked.words)):
        return several(behind, "may be behind this text")
    if not exact and (behind := _told(text)):
        return several(behind, "may be behind what is told")
    if not exact and max((score for score, _ in scored), default=0.0) < SURE and (meant := _family(asked)):
        return meant
    scored.sort(key=lambda one: -one[0])
    rows = [row for score, row in scored if score >= (0.95 if exact else scored[0][0] * 0.8)]
    return several(rows, "with this text" if exact else "with a similar text")


def _family(asked: _Text) -> Family | None:
    """All causes of what a short, vague question speaks of: "SSL error"."""
    names = {families_meant()[word] for word in asked.words if word in families_meant()}
    if len(names) != 1 or len(asked.words) > MOST_VAGUE:
        return None
    (name,) = names
    return Family(name=name, causes=family(name))


def _chinese(words: tuple[str, ...]) -> bool:
    """Whether there are two Chinese characters: the shortest word that says something."""
    return sum(not word.isascii() for word in words) >= 2


def _told(text: str) -> list[CauseRow]:
    """The causes behind a contrast: "only POST fails". A circumstance alone is too little without a code."""
    from okxdoctor.knowledge.told import matching, observe

    row = next((row for row in matching(observe(text)) if row.weight >= 2), None)
    return [cause(name) for name in row.causes] if row is not None else []


def _mended(text: str) -> str:
    """`text` with words that no row has replaced by the one that they are a slip of the pen away from."""
    if " " not in text.strip():
        return text  # a name: what it may be meant for is suggested, not taken for it
    known = _vocabulary()
    slips = {}
    for word in dict.fromkeys(words_of(text[:MOST_TYPED])):
        if len(word) >= 4 and word.isalpha() and word.isascii() and word not in known:
            near = [one for one in known if abs(len(one) - len(word)) <= 1 and _is_slip(word, one)]
            exchanged = [one for one in near if sorted(one) == sorted(word)]
            if len(exchanged or near) == 1:
                slips[word] = (exchanged or near)[0]
    if not slips:
        return text
    return " ".join(slips.get(word, word) for word in words_of(text))


@cache
def _vocabulary() -> frozenset[str]:
    asked = {word for _, texts, _ in _rows() for text in texts for word in text.words}
    return frozenset(asked | set(same_words()) | {word for phrase, _ in symptoms() for word in phrase})


def _is_slip(one: str, other: str) -> bool:
    """Whether two words differ by one letter, or by two neighbours exchanged."""
    start = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    a, b = one[start:], other[start:]
    return a[1:] == b[1:] or a[1:] == b or a == b[1:] or (a[:2] == b[1::-1] and a[2:] == b[2:])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Text:
    """A text as words, and which of them tell anything."""

    words: tuple[str, ...]
    different: frozenset[str]
    telling: frozenset[str]

    @classmethod
    def of(cls, text: str, most: int | None = None) -> _Text:
        words = _words(text)[:most]
        same = same_words()
        different = frozenset(same.get(word, word) for word in words)
        telling = frozenset(word for word in different if word not in _IDLE and not word.isdigit())
        return cls(words=words, different=different, telling=telling or different)


@cache
def _rows() -> tuple[tuple[CauseRow | CodeRow, tuple[_Text, ...], float], ...]:
    """Every row with the texts it is found by, and what it gains among equals."""
    found: list[tuple[CauseRow | CodeRow, tuple[_Text, ...], float]] = []
    for row in codes().values():
        bonus = (_COMMON | _RARE).get(row.area, 0.0) + (0.02 if row.http_observed else 0.0)
        found.append((row, tuple(_Text.of(text) for text in _texts(row) if text), bonus))
    found += [
        (cause, tuple(_Text.of(text) for text in (cause.title, *in_questions().get(cause.code, ()))), -0.02)
        for cause in causes().values()
    ]
    return tuple(found)


def _texts(row: CodeRow) -> tuple[str, ...]:
    return (row.message, *row.variants, *in_questions().get(row.code, ()))


def _best(asked: _Text, texts: tuple[_Text, ...], bonus: float) -> float:
    score = max((_likeness(asked, text) for text in texts), default=0.0)
    if score >= 1:
        return score + max(bonus, -0.03)  # the very text: last among equals, and yet one of them
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
    """0 (too little in common) to 0.9; 0.93 for the same telling words, 1 for the same words in the same order with
    placeholders filled."""
    if asked.words == known.words:
        return 1.0
    shared = asked.telling & known.different
    if not shared:
        return 0.0
    slots = known.words.count(_SLOT)
    if slots and _fills(asked.words, known.words):
        return 1.0 if len(known.words) - slots >= TELLING or not asked.words[0].isascii() else 0.9
    if not slots and asked.telling == known.telling:
        return 0.93
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
