"""The port to an implementation under test: ask it one question, get one answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from okxdoctor.conformance.protocol import Answer


class Subject(Protocol):
    """An implementation under test. `ask` raises AdapterFault when it does not answer by the protocol."""

    @property
    def name(self) -> str:
        """How a report calls it."""
        ...

    @property
    def supports(self) -> tuple[str, ...]:
        """The operations that it has."""
        ...

    def ask(self, op: str, given: Mapping[str, Any]) -> Answer:
        """The answer to one input (in the form of the reference vectors)."""
        ...

    def close(self) -> None:
        """End it. Nothing is left running."""
        ...


@runtime_checkable
class Restartable(Subject, Protocol):
    """A subject that starts again after it broke, so that the input that breaks it can be made smaller."""

    call_timeout_s: float
    """How long one answer may take."""

    def allow(self, restarts: int) -> None:
        """So many more starts than before."""
        ...
