"""Names the causes behind gathered failures, or says that a log does not decide between them. Pure.

A failure that only one cause has is that cause. One that several share stays `unknown`, with the candidates in the
order of their likelihood, what tells them apart, and the command that does. A log is told, not measured, and an error
names the check that failed first, not the thing that is wrong: nothing here is ever more than likely.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from okxdoctor import knowledge
from okxdoctor.knowledge.systems import ANYWHERE, System, on
from okxdoctor.model import Blame, Confidence, Severity
from okxdoctor.triage.logs.gather import Gathered, Group

UNKNOWN = "unknown"

_BY_INSPECT = ("signature.", "header.", "timestamp.")
_BY_ORDER = ("order.", "precision.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A cause that may be behind a failure, and the measurement that tells it from the others."""

    code: str
    tells: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One failure of the log, judged. `code` is a cause or `unknown`; `because` is what decides it, or "".

    `points_to` is a candidate that other failures of the same log name as well. `separate` are commands that decide.
    """

    code: str
    severity: Severity
    blame: Blame
    confidence: Confidence
    summary: str
    because: str
    candidates: tuple[Candidate, ...]
    points_to: str
    remedy: tuple[str, ...]
    separate: tuple[str, ...]
    help: str
    group: Group


def judge(gathered: Gathered, *, system: System = ANYWHERE) -> tuple[Row, ...]:
    """A row for each failure: errors first, what is decided before what is not, the most frequent first.

    ``system``: where the remedies are to be typed.
    """
    groups = list(gathered.groups.values())
    decided = {code for group in groups if (code := _decided(group)[0]) != UNKNOWN}
    rows = [_row(group, _points_to(group, groups, decided), system) for group in groups]
    return tuple(
        sorted(rows, key=lambda row: (row.severity.rank, row.code == UNKNOWN and not row.points_to, -row.group.count))
    )


def _decided(group: Group) -> tuple[str, Confidence, str]:
    signal = group.signal
    if group.decided is not None:
        code, because = group.decided
        return code, Confidence.LIKELY, because
    if len(signal.causes) == 1 and signal.sure:
        return signal.causes[0], Confidence.LIKELY, "no other cause is known for it"
    return UNKNOWN, Confidence.POSSIBLE, ""


def _points_to(group: Group, groups: Sequence[Group], decided: Iterable[str]) -> str:
    """A candidate that another failure of the log has decided, or the only one that it shares with another one."""
    own = group.signal.causes
    if len(own) < 2 or group.decided is not None:
        return ""
    known = [code for code in own if code in set(decided)]
    if known:
        return known[0] if len(known) == 1 else ""
    shared = [
        {code for code in own if code in other.signal.causes}
        for other in groups
        if other is not group and len(other.signal.causes) > 1 and other.decided is None and not other.signal.generic
    ]
    common = [codes for codes in shared if codes]
    if not common or group.signal.generic:
        return ""
    left = set.intersection(*common)
    return left.pop() if len(left) == 1 else ""


def _row(group: Group, points_to: str, system: System) -> Row:
    signal = group.signal
    code, confidence, because = _decided(group)
    if code != UNKNOWN:
        word = knowledge.cause(code)
        return Row(
            code=code,
            severity=_counted(Severity(word.severity)),
            blame=Blame(word.blame),
            confidence=confidence,
            summary=_summary(group),
            because=because,
            candidates=(),
            points_to="",
            remedy=on(word.remedy, system),
            separate=separating((code,)),
            help=f"okxdoctor explain {code}",
            group=group,
        )
    order = sorted(signal.causes, key=lambda one: one != points_to)
    words = [knowledge.cause(one) for one in order]
    ranks = [_counted(Severity(word.severity)) for word in words]
    blames = {word.blame for word in words}
    return Row(
        code=UNKNOWN,
        severity=min(ranks, key=lambda severity: severity.rank, default=Severity.WARNING),
        blame=Blame(blames.pop()) if len(blames) == 1 else Blame.UNKNOWN,
        confidence=confidence,
        summary=_summary(group),
        because="",
        candidates=tuple(Candidate(code=word.code, tells=word.tells) for word in words),
        points_to=points_to,
        remedy=(),
        separate=separating(order),
        help=f"okxdoctor explain {signal.name.removeprefix('HTTP ')}"
        if signal.kind in ("code", "status", "close")
        else "",
        group=group,
    )


def _counted(severity: Severity) -> Severity:
    """What stands in a log as a failure is no mere note."""
    return Severity.WARNING if severity is Severity.INFO else severity


def _summary(group: Group) -> str:
    signal = group.signal
    if signal.kind == "code":
        try:
            message = knowledge.code(signal.name).message
        except KeyError:
            message = signal.says
        return f"{signal.name} {message or signal.says}".strip()
    if signal.kind == "close":
        return f"WebSocket closed with {signal.name}"
    return signal.says if signal.kind == "status" else f"“{signal.name}”"


def separating(causes: Sequence[str]) -> tuple[str, ...]:
    """The commands that tell these causes apart, that of the likeliest first."""
    families: dict[str, None] = {}
    commands: dict[str, str] = {}
    for one in causes:
        if one.startswith(_BY_ORDER):
            commands["order"] = "okxdoctor run --need read,trade --order ORDER.json"
        elif one.startswith(_BY_INSPECT):
            commands["inspect"] = "okxdoctor inspect REQUEST"
        elif one.startswith("env.dependency"):
            commands["packages"] = "okxdoctor run --only 'env.*'"
        else:
            families[one.partition(".")[0]] = None
            commands["run"] = "okxdoctor run " + " ".join(f"--only '{family}.*'" for family in families)
    return tuple(commands.values())
