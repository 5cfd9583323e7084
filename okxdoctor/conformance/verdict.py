"""What the harness says about one call: a failure with its cause, or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Level = Literal["must", "should"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One requirement that an answer misses.

    ``code`` is a row of the cause vocabulary, or ``adapter.*`` where the adapter itself is at fault. ``mistake``
    names the exact mistake in a few words; equal pairs of code and mistake are one bug. ``expected`` and ``actual``
    stand side by side, ``compares`` says what they are ("signed text", "price"). ``level`` is ``should`` for what
    the exchange tolerates; such a failure is shown and does not fail the run.
    """

    code: str
    mistake: str
    summary: str
    compares: str = ""
    expected: str = ""
    actual: str = ""
    level: Level = "must"

    @property
    def bug(self) -> tuple[str, str]:
        return self.code, self.mistake


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One call: an operation and its input as the reference vectors write it.

    The body of a `sign` input is ``body_json``, JSON as text or None, so that no number in it passes through a
    float on the way to the adapter. ``id`` is that of the vector, "" for a searched case. ``must_refuse`` marks an
    input that is no input: an error is the right answer.
    """

    op: str
    input: Mapping[str, Any]
    id: str = ""
    must_refuse: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A failure with the case that shows it and the answer that was given."""

    case: Case
    failure: Failure
    answer: str
    smallest: bool = False
    """Whether the case was shrunk: nothing simpler was found to fail in this way."""
