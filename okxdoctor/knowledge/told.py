"""What somebody tells beside an error: what works and what does not, how often, since when (`data/differentials.toml`).

A contrast is evidence as good as a code: "every POST is refused, GET is accepted" leaves the body, whatever the message
says. The text is cut into clauses, each has a verdict, and the things named in a clause get the verdict nearest to
them. Nothing is concluded from a text without a contrast or a telling circumstance.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from okxdoctor.knowledge import store
from okxdoctor.knowledge.words import words

_CUT = re.compile(r"([.!?;](?=\s|$)|[\n。；！？])|[，：、]|[,:](?=\s|$)")
"""Signs between clauses; a group of its own for those that end what was said."""
_ADDRESS = re.compile(r"(?:https?|wss?)://([^\s/'\"?]{1,255})([^\s'\"]{0,2000})")
_QUERY = re.compile(r"[?&][a-zA-Z]{2,20}=")
_METHOD = re.compile(
    r"(?<![A-Za-z])(?:(GET|POST)s?(?![A-Za-z])|(get|post)(?=[\u3400-\u9fff])|(?<=[\u3400-\u9fff])(get|post)(?![A-Za-z]))"
)
_LISTED = re.compile(r"=[A-Za-z0-9-]{1,20}(?:,[A-Za-z0-9-]{1,20})+")
_EXPONENT = re.compile(r"\b\d(?:\.\d+)?[eE]-\d{1,2}\b")
_SIX = re.compile(r"(?<![\w:])[23][0-9a-fA-F]{3}:(?:[0-9a-fA-F]{0,4}:){1,6}[0-9a-fA-F]{1,4}(?![\w:])")
_SHARE = re.compile(r"\b\d{1,2}(?:-\d{1,2})?\s?%|\b(?:one|1) (?:in|of|out of) (?:ten|\d{1,3})\b", re.IGNORECASE)
_MANY = re.compile(r"\b\d{3,4} (?:symbols|channels|pairs|instruments|subscriptions|streams)\b", re.IGNORECASE)
_PERIOD = re.compile(r"(?<!\d)(?:\d{1,3}) ?(?:minutes?|mins?|hours?|days?)\b", re.IGNORECASE)
_SEEN: tuple[tuple[re.Pattern[str], str], ...] = (
    (_QUERY, "params"), (_LISTED, "odd-values"), (_EXPONENT, "tiny"), (_SIX, "six"), (_SHARE, "sometimes"),
    (_MANY, "many"), (_PERIOD, "hours"),
)  # fmt: skip
_STATUS_OR_CODE = re.compile(r"[45]\d\d|[5-6]\d{4}")
LONGEST = 8_000
"""Characters of a text that are read; more is no message of a person."""

_VERDICTS = ("works", "fails", "not", "only")
_TABLES = frozenset({"verdict", "clause", "mark", "differential", "source", "seen", "grade"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Differential:
    """What a contrast means. `within` are codes, statuses or causes of failures that it tells about; without them it
    is a failure of its own. `causes` are the likeliest then, the likeliest first."""

    says: str
    works: frozenset[str]
    fails: frozenset[str]
    marks: frozenset[str]
    within: tuple[str, ...]
    causes: tuple[str, ...]

    @property
    def weight(self) -> int:
        """How much must hold: the row that asks for more tells more."""
        return 2 * len(self.works) + 2 * len(self.fails) + len(self.marks)


@dataclass(slots=True, kw_only=True)
class Observed:
    """What a text tells: things that work, things that fail, and circumstances. A thing may do both."""

    works: set[str] = field(default_factory=set)
    fails: set[str] = field(default_factory=set)
    marks: set[str] = field(default_factory=set)


@cache
def differentials() -> tuple[Differential, ...]:
    """Every row, the one that asks for most first."""
    rows = (
        Differential(
            says=row["says"],
            works=frozenset(row.get("works", ())),
            fails=frozenset(row.get("fails", ())),
            marks=frozenset(row.get("marks", ())),
            within=tuple(row.get("with", ())),
            causes=tuple(row["causes"]),
        )
        for row in store.from_toml("differentials.toml")["differential"]
    )
    return tuple(sorted(rows, key=lambda row: -row.weight))


@cache
def kinds() -> Mapping[str, tuple[str, ...]]:
    """The kinds of things, with the things of each."""
    table = store.from_toml("differentials.toml")
    return {name: tuple(things) for name, things in table.items() if name not in _TABLES}


@cache
def marks() -> frozenset[str]:
    """Every circumstance that a row may ask for: the marks, and the things by their mere mention."""
    own = store.from_toml("differentials.toml")["mark"]
    return frozenset(own) | {thing for things in kinds().values() for thing in things}


def matching(observed: Observed) -> Iterator[Differential]:
    """The rows whose conditions hold, the most telling first."""
    for row in differentials():
        if row.works <= observed.works and row.fails <= observed.fails and row.marks <= observed.marks:
            yield row


def observe(text: str) -> Observed:
    """What `text` tells. Any text; only its beginning is read when it is long."""
    found = Observed()
    text = text[:LONGEST]
    for pattern, mark in _SEEN:
        if pattern.search(text):
            found.marks.add(mark)
    carried: list[_Clause] = []
    before = ""
    for clause, hard in _clauses(text):
        if hard:
            _rest(carried, found)
            carried = []
        if not clause.verdicts and clause.negated and before:
            # "works on demo but not live": the verdict of the clause before, turned round.
            clause.verdicts.append((clause.negated[0], "fails" if before == "works" else "works"))
        if not clause.verdicts:
            carried.append(clause)
            continue
        for part in (*carried, clause):
            _take(part, clause, found)
        before = clause.verdicts[-1][1]
        carried = []
    _rest(carried, found)
    return found


def _rest(carried: Sequence[_Clause], found: Observed) -> None:
    """Clauses that end without a verdict: "50113 only with a query" is told of a failure, others merely name things."""
    for part in carried:
        if part.only and part.things:
            part.verdicts.append((part.only[0], "fails"))
        _take(part, part, found)


def fails(text: str) -> bool:
    """Whether a failure is told at all, of whatever."""
    return any(verdict == "fails" for clause, _ in _clauses(text[:LONGEST]) for _, verdict in clause.words())


# ---- clauses --------------------------------------------------------------------------------------------------------


@dataclass(slots=True, kw_only=True)
class _Clause:
    """Places of words, and what stands there."""

    things: list[tuple[int, str]] = field(default_factory=list)
    ends: dict[int, int] = field(default_factory=dict)
    verdicts: list[tuple[int, str]] = field(default_factory=list)
    only: list[int] = field(default_factory=list)
    negated: list[int] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)

    def words(self) -> Iterator[tuple[int, str]]:
        """The verdicts that words give, not numbers."""
        return (one for one in self.verdicts if one[0] not in self.numbers)


def _take(part: _Clause, judged: _Clause, found: Observed) -> None:
    """The things of `part`, with the nearest verdict of `judged`: itself, or the clause that goes on with it."""
    found.marks.update(thing for _, thing in part.things)
    for place, thing in part.things:
        if thing not in _kind_of() or not judged.verdicts:
            continue
        at = place if part is judged else -1
        verdict = min(judged.verdicts, key=lambda one: (abs(one[0] - at), one[0]))[1]
        (found.works if verdict == "works" else found.fails).add(thing)
        if _alone(part, place) or (part is not judged and judged.only and not judged.things):
            others = {other for other in kinds()[_kind_of()[thing]] if other != thing}
            (found.fails if verdict == "works" else found.works).update(others)


def _alone(part: _Clause, place: int) -> bool:
    """Whether `only` is said of the thing: before it ("only POST"), or right behind it ("POST only")."""
    return any(one < place or one == part.ends.get(place) for one in part.only)


def _clauses(text: str) -> Iterator[tuple[_Clause, bool]]:
    """The clauses of a text, and whether each ends what was said before."""
    hard = True
    # What is between two clauses stands behind the first of them: the sign, or None for a comma.
    pieces = _CUT.split(_spelled(text))
    for piece, ends in zip(pieces[::2], (*pieces[1::2], None), strict=True):
        run, clause, place = words(piece), _Clause(), 0
        while place < len(run):
            name, length = _at(run, place)
            if name:
                clause.ends[place] = place + length
                _put(clause, place, name)
            elif run[place] in _between():
                yield clause, hard
                clause, hard = _Clause(), _between()[run[place]] == "hard"
            elif _STATUS_OR_CODE.fullmatch(run[place]):
                clause.verdicts.append((place, "fails"))
                clause.numbers.append(place)
            place += length
        yield clause, hard
        hard = ends is not None


def _at(run: Sequence[str], place: int) -> tuple[str, int]:
    """What the longest phrase at a place stands for, and how many words it has; "" and 1 where there is none."""
    for phrase, name in _phrases().get(run[place], ()):
        if tuple(run[place : place + len(phrase)]) == phrase:
            return name, len(phrase)
    return "", 1


def _spelled(text: str) -> str:
    """Signs that stand for words, as words; of an address only its host, which may tell the site. The methods are told
    by their capitals from the verbs."""
    text = _ADDRESS.sub(lambda hit: f"{hit[1]} with query " if "?" in hit[2] else hit[1], text)
    text = _METHOD.sub(lambda hit: f" {hit[1] or hit[2] or hit[3]} request ", text)
    text = _LISTED.sub("= comma ", text)
    return _QUERY.sub(" with query ", text)


def _put(clause: _Clause, place: int, name: str) -> None:
    if name == "only":
        clause.only.append(place)
    elif name == "not":
        clause.negated.append(place)
    elif name in _VERDICTS:
        clause.verdicts.append((place, name))
    else:
        clause.things.append((place, name))


@cache
def _phrases() -> Mapping[str, tuple[tuple[tuple[str, ...], str], ...]]:
    """Every phrase by its first word, the longest first."""
    table = store.from_toml("differentials.toml")
    groups = [table["verdict"], table["mark"], *(table[kind] for kind in kinds())]
    found: dict[str, list[tuple[tuple[str, ...], str]]] = {}
    for group in groups:
        for name, phrases in group.items():
            for phrase in phrases:
                found.setdefault(words(phrase)[0], []).append((words(phrase), name))
    return {first: tuple(sorted(rows, key=lambda row: -len(row[0]))) for first, rows in found.items()}


@cache
def _kind_of() -> Mapping[str, str]:
    return {thing: kind for kind, things in kinds().items() for thing in things}


@cache
def _between() -> Mapping[str, str]:
    """Single words that part clauses, and how."""
    table = store.from_toml("differentials.toml")["clause"]
    return {word: strength for strength in ("soft", "hard") for word in table[strength]}
