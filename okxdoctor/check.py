"""A check is a record of two functions.

``probe(io)`` asks the world through one narrow port and returns frozen, JSON-able facts: a
refused connection is a fact, not an exception. ``evaluate(facts)`` is pure and total and yields
findings. ``probe`` may raise only two things, both defined here: :class:`Skip` when there is
nothing to look at, and :class:`Inconclusive` when it looked and could not see.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from okxdoctor.model import Finding
from okxdoctor.port import Io

F = TypeVar("F")


class Skip(Exception):
    """There is nothing to look at; the text says why ("no API key is set").

    ``layer`` names the check whose result is the reason, where there is one.
    """

    def __init__(self, because: str, *, layer: str = "") -> None:
        super().__init__(because)
        self.because = because
        self.layer = layer


class Inconclusive(Exception):
    """The probe looked and could not see; the text says what stood in the way."""

    def __init__(self, because: str) -> None:
        super().__init__(because)
        self.because = because


@dataclass(frozen=True, slots=True, kw_only=True)
class Check(Generic[F]):
    """One thing that is looked at.

    id        short, stable, lower case; what ``--only`` matches and reports show
    title     an assertion in the present tense, true when green
    facts     the frozen dataclass that ``probe`` returns (needed to read a saved bundle)
    probe     gathers; may raise Skip and Inconclusive only
    evaluate  judges; pure and total
    causes    every code that ``evaluate`` can yield
    needs     ids of checks that must have completed without an error before this one starts
    reads     ids of checks whose offered records the probe awaits by ``io.given``; no ordering else; ``*``: every other
              check of the run
    brings    ids of checks that are chosen with this one (--only), because it can say nothing without their records
    offers    turns facts into records for the checks that read them
    private   needs credentials
    matters   whether the run could not look (exit code 3) when this check was inconclusive
    cleanup_s  how long a probe that is given up may take to put back what it changed
    """

    id: str
    title: str
    facts: type[F]
    probe: Callable[[Io], Awaitable[F]]
    evaluate: Callable[[F], Iterable[Finding]]
    causes: tuple[str, ...]
    needs: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    brings: tuple[str, ...] = ()
    offers: Callable[[F], Iterable[Any]] | None = None
    private: bool = False
    matters: bool = True
    cleanup_s: float = 0.0
