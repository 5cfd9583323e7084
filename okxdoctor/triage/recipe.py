"""What a client may have signed instead: variants of one part, each with the mistakes that lead to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One mistake: in which part (`step`), what was done (`done`), what should have been (`should_be`), and the cause
    of the vocabulary that names it.
    """

    step: str
    done: str
    should_be: str
    cause: str

    def value(self) -> dict[str, str]:
        """As the report prints it."""
        return {"step": self.step, "is": self.done, "should_be": self.should_be}


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant(Generic[T]):
    """One form of a part and the fewest mistakes that make it; `ties` are other mistakes with the same result."""

    value: T
    steps: tuple[Step, ...] = ()
    ties: tuple[tuple[Step, ...], ...] = ()


_MAX_TIES = 4


def distinct(variants: Iterable[Variant[T]]) -> tuple[Variant[T], ...]:
    """One variant for each value: the one with the fewest mistakes, of equals the first; the others are its ties."""
    best: dict[T, Variant[T]] = {}
    for variant in variants:
        known = best.get(variant.value)
        if known is None or len(variant.steps) < len(known.steps):
            best[variant.value] = variant
        elif (
            variant.steps
            and len(variant.steps) == len(known.steps)
            and len(known.ties) < _MAX_TIES
            and variant.steps not in (known.steps, *known.ties)
        ):
            best[variant.value] = replace(known, ties=(*known.ties, variant.steps))
    return tuple(sorted(best.values(), key=lambda variant: len(variant.steps)))


def by_cost(variants: Iterable[Variant[T]]) -> tuple[tuple[Variant[T], ...], ...]:
    """The variants with no, one and two mistakes."""
    groups: tuple[list[Variant[T]], ...] = ([], [], [])
    for variant in variants:
        if len(variant.steps) <= 2:
            groups[len(variant.steps)].append(variant)
    return tuple(tuple(group) for group in groups)
