"""The words of a verdict: severity, blame, finding, attempt, diagnosis, report.

Values only. Nothing here does I/O, reads a clock or knows a check; reports, exit codes and the
runner speak in these types.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]
"""A JSON-able value."""

REPORT_SCHEMA = "okxdoctor.report/1"


class Severity(StrEnum):
    """How bad: ``error`` cannot work or money at risk, ``warning`` will bite, ``info`` good to know."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 is the worst, so that sorting ascending puts errors first."""
        return _RANK[self]


_RANK = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}


class Blame(StrEnum):
    """Whose move it is: the user's, the network's between, the exchange's, or not decided."""

    YOURS = "yours"
    PATH = "path"
    EXCHANGE = "exchange"
    UNKNOWN = "unknown"


class Confidence(StrEnum):
    """What the evidence carries: it proves the cause, fits it best, or merely fits it."""

    CERTAIN = "certain"
    LIKELY = "likely"
    POSSIBLE = "possible"


class Outcome(StrEnum):
    """What became of one check. Only ``completed`` says anything about the world."""

    COMPLETED = "completed"
    SKIPPED = "skipped"
    INCONCLUSIVE = "inconclusive"
    BROKEN = "broken"


class Verdict(StrEnum):
    """The whole run in one word."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    BROKEN = "broken"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One judged observation.

    ``code`` is a row of the cause vocabulary. ``summary`` is one line with the numbers in it.
    ``evidence`` holds the measurement; every number has its unit in its name (``skew_s``).
    ``subject`` says what it is about (``rest``, ``ws``, an instrument id, ``""`` for the whole);
    some explanations only hold for the same subject. ``severity``, ``blame`` and ``remedy`` override the
    vocabulary's where the circumstances change them; ``excluded`` names look-alikes that the
    evidence rules out.
    """

    code: str
    summary: str
    evidence: Mapping[str, Json]
    subject: str = ""
    severity: Severity | None = None
    blame: Blame | None = None
    confidence: Confidence = Confidence.CERTAIN
    remedy: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What became of one check: its outcome, why not completed, its findings, its facts.

    ``because`` is set for every outcome but ``completed``. ``facts`` is the JSON-able form of the
    facts, or None where there are none. ``trace`` is the redacted traceback of a broken check. ``held_ms``: for so
    long of ``elapsed_ms`` a documented budget held it back.
    """

    check: str
    title: str
    outcome: Outcome
    because: str | None = None
    elapsed_ms: float = 0.0
    findings: tuple[Finding, ...] = ()
    facts: Json = None
    trace: str | None = None
    matters: bool = True
    held_ms: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """One root cause: the finding that no other finding explains, with what it explains under it."""

    code: str
    severity: Severity
    blame: Blame
    summary: str
    confidence: Confidence
    evidence: Mapping[str, Json]
    explains: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    remedy: tuple[str, ...] = ()
    accepted: str | None = None

    @property
    def help(self) -> str:
        return f"okxdoctor explain {self.code}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetName:
    """The part of a report that says what was looked at. Holds no secret."""

    kind: str
    site: str
    rest: str
    ws: str
    environment: str = "live"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A finished (or interrupted, but complete) run, as every format prints it.

    ``started`` is ISO-8601 UTC with milliseconds; ``elapsed_ms`` runs on the monotonic clock.
    ``diagnosis`` holds root causes of severity error and warning, most explanatory first.
    """

    version: str
    target: TargetName
    started: str
    elapsed_ms: float
    verdict: Verdict
    exit_code: int
    diagnosis: tuple[Diagnosis, ...]
    attempts: tuple[Attempt, ...]
    interrupted: bool = False
    notes: tuple[str, ...] = ()
    requests: int = 0
    connections: int = 0
    accepted: tuple[Diagnosis, ...] = field(default=())
