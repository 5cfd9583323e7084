"""A target that is asked: any live Io under the runner's idea of a target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from okxdoctor.model import Attempt, TargetName
from okxdoctor.port import Io


class Counted(Protocol):
    """Counts what it asked of the world."""

    @property
    def requests_made(self) -> int: ...

    @property
    def connections_made(self) -> int: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbedTarget:
    """``io`` may be wrapped (recorded); ``live`` is what counts requests and connections."""

    name: TargetName
    io: Io
    live: Counted
    saved: Mapping[str, Attempt] | None = None

    @property
    def effort(self) -> tuple[int, int]:
        return self.live.requests_made, self.live.connections_made
