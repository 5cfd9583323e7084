"""The port to an implementation under test: ask it one question, get one answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

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
