"""The notebook of a round: events with their times, from one loop, bounded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

from okxdoctor.conformance.client.trace import Event, Known, Printed, Trace

MOST = 60_000
"""Events of one round that are kept."""


@dataclass(slots=True)
class Record:
    """What happens in one round, as it happens. ``now_ms`` is the exchange's clock, ``began`` seconds of this machine's
    monotonic one, from which the times of the events count."""

    now_ms: Callable[[], int]
    events: list[Event] = field(default_factory=list)
    began: float = field(default_factory=monotonic)
    over: bool = False
    """Whether the program is being ended: what it does then is no longer of its own choice."""

    def at(self) -> float:
        return round(monotonic() - self.began, 4)

    def add(self, event: Event) -> None:
        if len(self.events) < MOST and (not self.over or isinstance(event, Printed)):
            self.events.append(event)

    def trace(self, name: str, known: Known) -> Trace:
        return Trace(name, tuple(self.events), known)
