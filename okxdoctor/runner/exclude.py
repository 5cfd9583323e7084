"""Which look-alikes of a root cause this run has ruled out. Pure; what follows from what is data (excludes.toml).

The vocabulary says what each cause is mistaken for. Of those, a run has ruled out what the finding's own evidence
excludes, what a check looked for and did not find, and what cannot be by the definition of the cause.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files

from okxdoctor.model import Attempt, Confidence, Diagnosis, Outcome, Severity
from okxdoctor.runner.diagnose import Vocabulary, alternatives


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """The certain finding of a ``cause`` says by itself that none of ``of`` is there."""

    cause: tuple[str, ...]
    of: tuple[str, ...]
    why: str

    def covers(self, cause: str, other: str) -> bool:
        return (
            cause != other
            and any(fnmatchcase(cause, glob) for glob in self.cause)
            and any(fnmatchcase(other, glob) for glob in self.of)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusions:
    """``each_by_itself``: checks whose silence about one cause says something although they name another.

    ``nothing_there``: by check, the reason for which it is skipped when none of its causes can be there.
    """

    each_by_itself: frozenset[str]
    nothing_there: Mapping[str, str]
    rows: tuple[Exclusion, ...]


@cache
def exclusions() -> Exclusions:
    """The data of excludes.toml."""
    raw = tomllib.loads(files("okxdoctor.knowledge").joinpath("excludes.toml").read_text("utf-8"))
    return Exclusions(
        each_by_itself=frozenset(raw["each_by_itself"]["checks"]),
        nothing_there=dict(raw["nothing_there"]),
        rows=tuple(
            Exclusion(
                cause=tuple(code for glob in row["cause"] for code in alternatives(glob)),
                of=tuple(code for glob in row["of"] for code in alternatives(glob)),
                why=row["why"],
            )
            for row in raw["excludes"]
        ),
    )


def with_exclusions(
    diagnosis: Sequence[Diagnosis],
    attempts: Sequence[Attempt],
    *,
    causes_of: Mapping[str, Iterable[str]],
    look_alikes: Mapping[str, Sequence[str]],
    words: Vocabulary,
) -> tuple[Diagnosis, ...]:
    """The diagnosis, each root with the look-alikes that were ruled out.

    ``causes_of``: what each check can name; ``look_alikes``: of each cause, as the vocabulary has them.
    """
    found = {finding.code for attempt in attempts for finding in attempt.findings}
    data = exclusions()
    measured: set[str] = set()
    for attempt in attempts:
        if attempt.outcome is Outcome.COMPLETED:
            silent = all(words.severity(finding) is Severity.INFO for finding in attempt.findings)
            if silent or attempt.check in data.each_by_itself:
                measured.update(causes_of.get(attempt.check, ()))
        elif attempt.outcome is Outcome.SKIPPED and attempt.because == data.nothing_there.get(attempt.check, ""):
            # Without a proxy none is wrong; the way to the exchange may still be, for which `tcp` and `dns` look.
            shared = {code for check, codes in causes_of.items() if check != attempt.check for code in codes}
            measured.update(set(causes_of.get(attempt.check, ())) - shared)
    rows = []
    for root in diagnosis:
        sure = root.confidence is Confidence.CERTAIN
        ruled_out = tuple(
            other
            for other in look_alikes.get(root.code, ())
            if other not in found
            and (other in measured or (sure and any(row.covers(root.code, other) for row in data.rows)))
        )
        # What a finding rules out as the cause may be there as its effect, or be true of something else.
        told = dict.fromkeys(code for code in (*root.excluded, *ruled_out) if code not in found)
        rows.append(replace(root, excluded=tuple(told)))
    return tuple(rows)
