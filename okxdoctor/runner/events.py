"""What the runner tells while it works. Listeners only read; they cannot change a run."""

from __future__ import annotations

from dataclasses import dataclass

from okxdoctor.model import Attempt, Report, TargetName


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    """The plan stands. ``checks`` are (id, title) in the order that reports show."""

    target: TargetName
    checks: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckStarted:
    """A probe was started."""

    check: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckFinished:
    """A check settled, whatever its outcome."""

    attempt: Attempt


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished:
    """The last event, also after Ctrl-C: the report is complete and valid."""

    report: Report


Event = RunStarted | CheckStarted | CheckFinished | RunFinished
