"""Which findings are root causes, and what they explain. Pure; the relation is data (explains.toml).

A finding is explained when another finding of the run has a rule that covers it, unless its own evidence rules that
cause out. What nothing explains is a root. Roots are merged by code, and are as grave as the worst they explain. They
are put in order: errors before warnings, what stands in the way now before what is wrong with orders to come, a key
that is not the one that was meant before all that is said of it, then whatever explains most, then the layer nearest to
the machine, because a fault below makes everything above it doubtful.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files

from okxdoctor.knowledge.systems import ANYWHERE, System, on
from okxdoctor.model import Blame, Diagnosis, Finding, Json, Severity
from okxdoctor.runner.remedies import addressed

_ORDER = (
    "env", "clock", "dns", "tcp", "proxy", "tls", "http", "status", "region", "key", "ip", "permission",
    "header", "timestamp", "signature", "ratelimit", "account", "instrument", "precision", "order", "schema", "ws",
)  # fmt: skip
_TO_COME = ("precision", "order")
_NOT_MEANT = (
    "env.config-mangled",
    "env.credential-malformed",
    "env.credentials-missing",
    "env.credentials-swapped",
)
"""The key that was sent is another than the user has: nothing that was said of it holds before that is mended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """``cause`` explains every finding whose code matches one of ``of``; ``met_by``: only of this subject, "" any.
    ``doubtful``: also where the circumstances make it less grave by itself, because what it explains ends the doubt.
    """

    cause: tuple[str, ...]
    of: tuple[str, ...]
    same_subject: bool
    why: str
    met_by: str = ""
    doubtful: bool = False

    def covers(self, deep: Finding, shallow: Finding) -> bool:
        alike = not deep.subject or not shallow.subject or _within(shallow.subject, deep.subject)
        return (
            deep.code in self.cause
            and deep.code != shallow.code
            and any(fnmatchcase(shallow.code, glob) for glob in self.of)
            and (alike or not self.same_subject)
            and (not self.met_by or deep.subject == self.met_by)
            # A certificate that has expired by trusted time has not expired because the local clock is wrong.
            and not (deep.code in shallow.excluded and (alike or _by_a_way(deep.subject, shallow.subject)))
        )


def _by_a_way(deep: str, shallow: str) -> bool:
    """A cause on the way of all REST or WebSocket traffic, and something that travels by it, such as an instrument."""
    return deep in ("rest", "ws") and shallow.partition(" ")[0] not in ("rest", "ws")


def _within(part: str, whole: str) -> bool:
    """The same subject, or a part of it: ``rest 203.0.113.7`` is one address of ``rest``."""
    return part == whole or part.startswith(f"{whole} ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What the vocabulary says of one cause."""

    severity: Severity
    blame: Blame
    remedy: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """The causes and the relation between them, as one value."""

    words: Mapping[str, Word]
    rules: tuple[Rule, ...]
    look_alikes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def known(self, code: str) -> bool:
        return code in self.words

    def eased(self, finding: Finding) -> bool:
        """Whether the circumstances make it less grave than it is by itself: a part of the ways is concerned."""
        word = self.words.get(finding.code)
        return finding.severity is not None and word is not None and finding.severity.rank > word.severity.rank

    def severity(self, finding: Finding) -> Severity:
        """The finding's own where it has one, else the vocabulary's."""
        if finding.severity is not None:
            return finding.severity
        word = self.words.get(finding.code)
        return word.severity if word is not None else Severity.ERROR


def alternatives(pattern: str) -> tuple[str, ...]:
    """``clock.{ahead,behind}`` -> both codes."""
    if "{" not in pattern:
        return (pattern,)
    head, _, rest = pattern.partition("{")
    inner, _, tail = rest.partition("}")
    return tuple(f"{head}{part}{tail}" for part in inner.split(","))


@cache
def rules() -> tuple[Rule, ...]:
    """The relation of explains.toml."""
    raw = tomllib.loads(files("okxdoctor.knowledge").joinpath("explains.toml").read_text("utf-8"))
    return tuple(
        Rule(
            cause=alternatives(row["cause"]),
            of=tuple(row["of"]),
            same_subject=row.get("subject") == "same",
            why=row["why"],
            met_by=row.get("met_by", ""),
            doubtful=row.get("doubtful", False),
        )
        for row in raw["explains"]
    )


@cache
def vocabulary() -> Vocabulary:
    """The shipped vocabulary."""
    from okxdoctor.knowledge import causes

    words = {
        code: Word(severity=Severity(row.severity), blame=Blame(row.blame), remedy=tuple(row.remedy))
        for code, row in causes().items()
    }
    alike = {code: tuple(other.code for other in row.look_alikes) for code, row in causes().items()}
    return Vocabulary(words=words, rules=rules(), look_alikes=alike)


def diagnose(findings: Iterable[Finding], words: Vocabulary, *, system: System = ANYWHERE) -> tuple[Diagnosis, ...]:
    """Root causes of severity error and warning, most explanatory first; ``system`` is where remedies are typed."""
    grave = [f for f in findings if words.severity(f) is not Severity.INFO]
    parents: dict[int, list[int]] = {
        i: [
            j
            for j, deep in enumerate(grave)
            if j != i
            and any(
                rule.covers(deep, shallow)
                # One address of several that is dead makes nothing fail that did not take it.
                and (rule.doubtful or not words.eased(deep) or words.eased(shallow))
                for rule in words.rules
            )
        ]
        for i, shallow in enumerate(grave)
    }
    roots = [i for i in parents if not parents[i]]
    explained: dict[int, list[Finding]] = {i: [] for i in roots}
    for i in parents:
        for root in _roots_above(i, parents):
            if root != i:
                explained[root].append(grave[i])
    merged: dict[str, list[int]] = {}
    for i in roots:
        merged.setdefault(grave[i].code, []).append(i)
    rows = [_row([grave[i] for i in group], [f for i in group for f in explained[i]], words, system)
            for group in merged.values()]  # fmt: skip
    return tuple(sorted(rows, key=lambda root: _precedence(root, words.words[root.code].severity)))


def _precedence(root: Diagnosis, by_itself: Severity) -> tuple[int, bool, bool, int, int, str]:
    """Errors first; what stands in the way now before what is wrong with orders that are to come; a key that was not
    meant before what is said of it; then what explains most, then the layer nearest to the machine.

    A cause that is grave by what orders to come lack, and by nothing else, belongs to them.
    """
    present = [code for code in root.explains if not _to_come(code)]
    to_come = _to_come(root.code) or (root.severity.rank < by_itself.rank and not present)
    meant = root.code not in _NOT_MEANT
    return (root.severity.rank, to_come, meant, -len(present), _layer(root.code), root.code)


def _to_come(code: str) -> bool:
    return code.split(".")[0] in _TO_COME


def _roots_above(start: int, parents: Mapping[int, Sequence[int]]) -> set[int]:
    seen: set[int] = set()
    pending = [start]
    found: set[int] = set()
    while pending:
        here = pending.pop()
        if here in seen:
            continue
        seen.add(here)
        if parents[here]:
            pending.extend(parents[here])
        else:
            found.add(here)
    return found


def _row(group: Sequence[Finding], under: Sequence[Finding], words: Vocabulary, system: System) -> Diagnosis:
    """One diagnosis of one or more findings with the same code (REST and WebSocket, two instruments).

    A cause that is a warning by itself is an error where an error follows from it: fixing it is what must be done.
    """
    worst = min(group, key=lambda f: (words.severity(f).rank, group.index(f)))
    word = words.words[worst.code]
    evidence: dict[str, Json] = dict(worst.evidence)
    subjects = list(dict.fromkeys(f.subject for f in group if f.subject))
    if others := list(dict.fromkeys(f.summary for f in group if f.summary != worst.summary)):
        evidence["also"] = others
    if len(subjects) > 1:
        evidence["subjects"] = subjects
    elif subjects:
        evidence.setdefault("subject", subjects[0])
    return Diagnosis(
        code=worst.code,
        severity=min((words.severity(f) for f in (worst, *under)), key=lambda severity: severity.rank),
        blame=worst.blame or word.blame,
        summary=worst.summary,
        confidence=worst.confidence,
        evidence=evidence,
        explains=tuple(sorted({f.code for f in under} - {worst.code})),
        excluded=tuple(dict.fromkeys(code for f in group for code in f.excluded)),
        remedy=on(worst.remedy, system) or addressed(on(word.remedy, system), worst.evidence),
    )


def _layer(code: str) -> int:
    family = code.split(".")[0]
    return _ORDER.index(family) if family in _ORDER else len(_ORDER)
