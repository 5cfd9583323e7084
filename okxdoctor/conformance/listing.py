"""Everything that `okxdoctor conform` requires, as rows: the cases of client grading, and the causes that the suites
for signing, rounding and parsing can name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from okxdoctor.knowledge import CauseRow, family

_SUITES = (
    ("sign", "signature"),
    ("sign", "timestamp"),
    ("round", "precision"),
    ("parse", "answer"),
    ("parse", "timestamp"),
    ("adapter", "adapter"),
)
"""Suite (or the adapter of any of them) and the family of causes that its judges name."""


_OF_TIMES = {"sign": "timestamp.format", "parse": "timestamp.misread"}
"""The other causes of that family are the exchange's to tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One requirement. ``kind``: client, sign, round, parse or adapter; ``level``: must or should."""

    id: str
    kind: str
    level: str
    requirement: str
    source: str
    grade: str


def listed() -> tuple[Row, ...]:
    """Client cases first, then the causes by suite."""
    from okxdoctor.conformance.client.cases import cases

    client = tuple(
        Row(
            id=case.id,
            kind="client",
            level=case.level,
            requirement=case.requirement,
            source=case.source,
            grade=case.grade,
        )
        for case in cases()
    )
    return (*client, *_causes())


def _causes() -> Iterator[Row]:
    for kind, name in _SUITES:
        for cause in family(name):
            if name != "timestamp" or cause.code == _OF_TIMES.get(kind):
                yield Row(
                    id=cause.code, kind=kind, level=_level(cause), requirement=f"It must not be that: {cause.title}.",
                    source=cause.source, grade=cause.grade,
                )  # fmt: skip


def _level(cause: CauseRow) -> str:
    return "must" if cause.severity == "error" else "should"
