"""Reads files and gathers the failures in them: one group for each, with places, times and a few lines as they stood.

What belongs together counts once: the lines of a traceback, a failure and the library's error around it. Memory is
bounded by the number of different failures, not by the size of the log.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from okxdoctor.knowledge.log_marks import log_marks
from okxdoctor.triage.logs.ledger import Ledger
from okxdoctor.triage.logs.lines import MARKS, Line, Tally, lines
from okxdoctor.triage.logs.signals import Signal, concerns_okx, signals
from okxdoctor.triage.logs.times import Clock

NEAR_LINES = 40
"""Lines within which a failure and what wraps it belong together; as far back the time of a line is looked for."""
NEAR_S = 5.0
EPISODE_GAP_S = 60.0
EPISODES = 50
EXAMPLES = 3
NUMBERS = 20
LIMITED = frozenset({"50011", "50061", "HTTP 429"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where something stands: file, line (or entry of a HAR), and when it was written. `zoned`: the time is UTC."""

    file: str
    line: int
    moment: float | None
    zoned: bool


@dataclass(slots=True, kw_only=True)
class Episode:
    """A run of the same failure without a pause of a minute."""

    first: float
    last: float
    count: int = 1


@dataclass(slots=True, kw_only=True)
class Group:
    """All occurrences of one failure."""

    signal: Signal
    first: Place
    last: Place
    count: int = 0
    numbers: list[tuple[str, int]] = field(default_factory=list)
    examples: list[str] = field(default_factory=list)
    episodes: list[Episode] = field(default_factory=list)
    decided: tuple[str, str] | None = None
    """A cause that something beside the text proves, and what proves it."""

    def note(self, place: Place, text: str) -> None:
        self.count += 1
        self.last = place
        if len(self.numbers) < NUMBERS:
            self.numbers.append((place.file, place.line))
        if len(self.examples) < EXAMPLES and not any(_alike(text, other) for other in self.examples):
            self.examples.append(text)
        if place.moment is not None:
            self._episode(place.moment)

    def _episode(self, moment: float) -> None:
        latest = self.episodes[-1] if self.episodes else None
        if latest is not None and latest.first - EPISODE_GAP_S <= moment <= latest.last + EPISODE_GAP_S:
            latest.first, latest.last = min(latest.first, moment), max(latest.last, moment)
            latest.count += 1
        elif len(self.episodes) < EPISODES:
            self.episodes.append(Episode(first=moment, last=moment))
        elif latest is not None:
            # One too many to tell apart: the last one takes the rest.
            latest.last = max(latest.last, moment)
            latest.count += 1


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """What was read of one file."""

    name: str
    kind: str
    bytes: int
    lines: int
    notes: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class Gathered:
    """The failures of all files, in the order of their first occurrence."""

    groups: dict[tuple[str, str], Group] = field(default_factory=dict)
    files: list[File] = field(default_factory=list)
    elsewhere: int = 0
    """Failures of other exchanges and hosts, which are left aside."""

    def note(self, signal: Signal, place: Place, text: str) -> Group:
        group = self.groups.get(signal.key)
        if group is None:
            group = self.groups[signal.key] = Group(signal=signal, first=place, last=place)
        elif len(signal.causes) > len(group.signal.causes):
            group.signal = signal  # a later line knows more: its address names a cause of its own
        group.note(place, text)
        return group


def _alike(one: str, other: str) -> bool:
    """Whether two lines differ in nothing but numbers."""
    return one.translate(_DIGITS) == other.translate(_DIGITS)


_DIGITS = str.maketrans("123456789", "000000000")


class _Log:
    """One text file on its way."""

    def __init__(self, name: str, gathered: Gathered, year: int) -> None:
        self._name = name
        self._gathered = gathered
        self._clock = Clock(year)
        self._ledger = Ledger()
        self._record = 0
        self._moment: float | None = None
        self._zoned = False
        self._seen: set[tuple[str, str]] = set()
        self._misses = 0
        self._waiting: deque[tuple[Signal, Place, str]] = deque()
        self._telling: Place | None = None
        self._okx = False
        self._others = False
        self._context: bool | None = None

    def line(self, line: Line) -> None:
        about = concerns_okx(line.text)
        self._okx |= about is True
        self._others |= about is False
        found = list(signals(line.text))
        request = "/api/v5/" in line.text
        if not found and not request:
            return  # most lines end here, and need no time
        self._placed(line, about)
        if request:
            self._ledger.note(line.text, self._moment)
        if not found:
            return
        if about is False or (about is None and self._context is False):
            self._gathered.elsewhere += len(found)
            return
        place = Place(file=self._name, line=line.number, moment=self._moment, zoned=self._zoned)
        for signal in found:
            if signal.kind == "status" and about is None and not (self._okx and not self._others):
                continue  # a status of nobody knows whom
            if signal.key in self._seen:
                continue
            self._seen.add(signal.key)
            self._tell(signal, place, line.text)

    def end(self) -> None:
        while self._waiting:
            self._gathered.note(*self._waiting.popleft())
        worst = self._ledger.worst
        if worst is not None:
            proof = (
                f"{worst.requests} requests to {worst.method} {worst.path} within {worst.per_seconds} s, "
                f"the documented budget is {worst.limit}"
            )
            for key, group in self._gathered.groups.items():
                if key[1] in LIMITED - {"50061"}:
                    group.decided = ("ratelimit.exceeded", proof)

    def _placed(self, line: Line, about: bool | None) -> None:
        """The record that a line belongs to, and its time: its own, or that of the line that begins the record."""
        own = self._clock.of(line.text) if not line.continued else None
        head, moment = line.number, own
        context = about if own is not None else None
        if own is None and self._misses < 3 * NEAR_LINES:
            for number, text in line.before(NEAR_LINES):
                moment = self._clock.of(text)
                if moment is not None:
                    head, context = number, concerns_okx(text)
                    break
            else:
                self._misses += 1
        if line.continued or (own is None and moment is None and self._moment is not None and not self._misses):
            return
        if head != self._record:
            self._record, self._seen, self._context = head, set(), context
        if moment is not None:
            self._moment, self._zoned, self._misses = moment, self._clock.zoned, 0

    def _tell(self, signal: Signal, place: Place, text: str) -> None:
        while self._waiting and not _near(self._waiting[0][1], place):
            self._gathered.note(*self._waiting.popleft())
        if not signal.generic:
            if signal.kind == "text" or signal.kind == "code":
                self._waiting.clear()
                self._telling = place
            group = self._gathered.note(signal, place, text)
            if group.signal.name in LIMITED:
                self._ledger.refused(text, place.moment)
        elif self._telling is None or not _near(self._telling, place):
            self._waiting.append((signal, place, text))


def _near(one: Place, other: Place) -> bool:
    if one.moment is not None and other.moment is not None and abs(one.moment - other.moment) > NEAR_S:
        return False
    return abs(other.line - one.line) <= NEAR_LINES


def read_log(name: str, stream: BinaryIO, gathered: Gathered, *, year: int) -> None:
    """The failures of one text file. `year` is taken for times that name none."""
    tally, log = Tally(), _Log(name, gathered, year)
    # Lines that name another exchange count too: they tell that a failure of nobody's need not be OKX's.
    venues = [name.encode() for name in log_marks().other_venues]
    for line in lines(stream, tally, (*MARKS, *venues)):
        log.line(line)
    log.end()
    if tally.short:
        from okxdoctor.triage.logs.said import read_said

        read_said(name, tally.short.decode("utf-8", "replace"), gathered, year=year)
    gathered.files.append(File(name=name, kind="log", bytes=tally.bytes, lines=tally.lines, notes=tuple(_notes(tally))))


def _notes(tally: Tally) -> Iterator[str]:
    if tally.problem:
        yield tally.problem
    if tally.zero_bytes > tally.bytes * 0.1:
        yield "it holds many zero bytes: perhaps no text"
    if not tally.bytes:
        yield "it is empty"
