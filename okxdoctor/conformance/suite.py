"""A whole run: the reference vectors, then the search; what was found, by bug, and what may be said about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Any

from okxdoctor.conformance.cases import vectors
from okxdoctor.conformance.judges import judge
from okxdoctor.conformance.judges.shape import shown
from okxdoctor.conformance.judges.values import has_list
from okxdoctor.conformance.protocol import AdapterFault, Answer, Output, Refused, Skipped
from okxdoctor.conformance.subject import Subject
from okxdoctor.conformance.verdict import Case, Failure, Found

SUITES: dict[str, tuple[str, ...]] = {
    "sign": ("sign", "ws_login"),
    "round": ("round_price", "round_size"),
    "parse": ("parse_timestamp", "parse_response"),
}
BROKEN_AT_MOST = 3
"""So often an adapter may break in the vectors before the run ends there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Numbers of one operation: vectors and searched inputs that were run, and inputs that the adapter skipped. It
    broke at ``broke`` of the vectors."""

    op: str
    vectors: int = 0
    broke: int = 0
    searched: int = 0
    skipped: int = 0
    why_skipped: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a run found. ``found`` holds one entry for each bug, smallest input each, must before should."""

    suite: str
    subject: str
    seed: int | None
    elapsed_ms: float
    tallies: tuple[Tally, ...] = ()
    found: tuple[Found, ...] = ()
    missing: tuple[str, ...] = ()
    stderr: str = ""
    strict: bool = False
    notes: tuple[str, ...] = ()

    @property
    def failures(self) -> tuple[Found, ...]:
        """What fails the run."""
        return tuple(one for one in self.found if self.strict or one.failure.level == "must")

    @property
    def ran(self) -> int:
        return sum(tally.vectors + tally.searched - tally.skipped for tally in self.tallies)

    @property
    def exit_code(self) -> int:
        """0 conforms, 1 fails, 3 nothing could be run."""
        if self.failures:
            return 1
        return 0 if self.ran else 3


@dataclass(slots=True)
class Book:
    """What has been found so far, the smallest input of each bug."""

    found: dict[tuple[str, str], Found] = field(default_factory=dict)
    stderr: str = ""
    without_lists: bool = False
    """Whether the adapter died at a parameter that is a list. It is asked none any more: OKX has no such parameter."""

    def note(self, one: Found) -> None:
        known = self.found.get(one.failure.bug)
        # A failure counts before a note of the same bug, however short the input of the note is.
        if known is None or (one.failure.level, _size(one)) < (known.failure.level, _size(known)):
            self.found[one.failure.bug] = one

    def fault(self, fault: AdapterFault, op: str) -> Failure:
        """The failure of an adapter that broke in an operation, its last words kept."""
        if fault.stderr:
            self.stderr = fault.stderr
        return broken(fault, op)

    def sorted(self) -> tuple[Found, ...]:
        order = {"must": 0, "should": 1}
        told = {one.failure.mistake for one in self.found.values()}
        return tuple(
            sorted(
                (one for one in self.found.values() if not _adds_up(one.failure.mistake, told)),
                key=lambda one: (order[one.failure.level], _size(one)),
            )
        )


def _adds_up(mistake: str, told: set[str]) -> bool:
    """Whether a mistake is two others at once ("query A, B", "query A and body B") that are told by themselves."""
    first, both, second = mistake.partition(" and ")
    if both and {first, second} <= told:
        return True
    first, both, second = mistake.rpartition(", ")
    return bool(both) and {first, f"{mistake.partition(' ')[0]} {second}"} <= told


def _size(one: Found) -> tuple[bool, int, str]:
    text = shown(dict(one.case.input))
    return not one.smallest, len(text), text


def broken(fault: AdapterFault, op: str) -> Failure:
    """The failure of an adapter that did not answer by the protocol; in each operation one of its own."""
    wanted = {
        "adapter.hung": "a reply in time",
        "adapter.died": "a reply, and the process still there",
        "adapter.garbage": "one line of JSON for each call, and nothing else on standard output",
        "adapter.sequence": "the reply to the call that was made",
        "adapter.supports": "a list of operations that it has",
    }
    return Failure(
        code=fault.code,
        mistake=f"{op}: {fault.code.partition('.')[2]}",
        summary=fault.text,
        compares="reply",
        expected=wanted.get(fault.code, "a reply by the protocol"),
        actual=fault.text,
    )


def spoken(answer: Answer) -> str:
    """An answer as a report shows it."""
    match answer:
        case Output(value=value):
            return shown(value)
        case Refused(text=text):
            return f"error: {text}"
        case Skipped(text=text):
            return f"skipped: {text}"


def run_cases(subject: Subject, cases: Iterable[Case], book: Book) -> list[Tally]:
    """Ask every case once. Ends early when the adapter broke too often."""
    tallies: dict[str, Tally] = {}
    broke = 0
    for case in cases:
        tally = tallies.get(case.op, Tally(op=case.op))
        listed = asks_list(case.op, case.input)
        if listed and book.without_lists:
            tallies[case.op] = replace(
                tally, vectors=tally.vectors + 1, skipped=tally.skipped + 1, why_skipped="it dies at a list"
            )
            continue
        try:
            answer = subject.ask(case.op, case.input)
        except AdapterFault as fault:
            fell = book.fault(fault, case.op)
            if listed and fault.code == "adapter.died":
                book.without_lists = True
                lenient = replace(fell, level="should", mistake=f"{fell.mistake} at a list")
                book.note(Found(case=case, failure=lenient, answer=""))
                tallies[case.op] = replace(tally, vectors=tally.vectors + 1)
                continue
            book.note(Found(case=case, failure=fell, answer=""))
            tallies[case.op] = replace(tally, vectors=tally.vectors + 1, broke=tally.broke + 1)
            broke += 1
            if broke >= BROKEN_AT_MOST:
                break
            continue
        skipped = isinstance(answer, Skipped)
        tallies[case.op] = replace(
            tally,
            vectors=tally.vectors + 1,
            skipped=tally.skipped + skipped,
            why_skipped=answer.text if isinstance(answer, Skipped) else tally.why_skipped,
        )
        failure = judge(case, answer)
        if failure is not None:
            book.note(Found(case=case, failure=failure, answer=spoken(answer)))
    return list(tallies.values())


def asks_list(op: str, given: Mapping[str, Any]) -> bool:
    """Whether a parameter of the call is a list."""
    return op == "sign" and has_list(given.get("params"))


Searcher = Callable[[Subject, str, Book], tuple[int, int]]
"""Searches one operation: inputs run, and inputs skipped."""


def run(
    subject: Subject,
    suite: str,
    *,
    search: Searcher | None,
    seed: int | None = None,
    strict: bool = False,
    ops: Sequence[str] = (),
) -> Result:
    """The vectors of a suite, then ``search`` for each operation that the subject has."""
    began = monotonic()
    wanted = tuple(ops) or SUITES[suite]
    have = [op for op in wanted if op in subject.supports]
    book = Book()
    tallies = {tally.op: tally for tally in run_cases(subject, vectors(have), book)}
    # One that breaks whatever it is asked is not asked on; one that breaks at some inputs is, for the smallest of them.
    hopeless = any(tally.broke for tally in tallies.values()) and all(
        tally.broke == tally.vectors for tally in tallies.values()
    )
    for op in have:
        tally = tallies.get(op, Tally(op=op))
        if search is not None and not hopeless and not _never(tally):
            searched, skipped = search(subject, op, book)
            tally = replace(tally, searched=searched, skipped=tally.skipped + skipped)
        tallies[op] = tally
        if _never(tally):
            book.note(_lie(tally))
    return Result(
        suite=suite,
        subject=subject.name,
        seed=seed,
        elapsed_ms=(monotonic() - began) * 1000,
        tallies=tuple(tallies.values()),
        found=book.sorted(),
        missing=tuple(op for op in wanted if op not in subject.supports),
        stderr=book.stderr,
        strict=strict,
    )


def _never(tally: Tally) -> bool:
    return 0 < tally.vectors + tally.searched == tally.skipped


def _lie(tally: Tally) -> Found:
    """An operation that the adapter says it has and never runs."""
    failure = Failure(
        code="adapter.supports",
        mistake=f"{tally.op} is named in supports and never run",
        summary=f"{tally.op} is named in `supports`, and every one of {tally.vectors} inputs was skipped",
        compares="reply",
        expected="an output, or supports without it",
        actual=f"skipped: {tally.why_skipped}",
    )
    return Found(case=Case(op=tally.op, input={}), failure=failure, answer="")


def replay(subject: Subject, suite: str, cases: Sequence[Case], *, strict: bool = False) -> Result:
    """Saved cases again."""
    began = monotonic()
    book = Book()
    have = [case for case in cases if case.op in subject.supports]
    tallies = run_cases(subject, have, book)
    return Result(
        suite=suite,
        subject=subject.name,
        seed=None,
        elapsed_ms=(monotonic() - began) * 1000,
        tallies=tuple(tallies),
        found=book.sorted(),
        missing=tuple(dict.fromkeys(case.op for case in cases if case.op not in subject.supports)),
        stderr=book.stderr,
        strict=strict,
    )


def input_of(case: Case) -> dict[str, Any]:
    """The input of a case as a report shows it, longest texts cut."""
    return {
        name: value if not isinstance(value, str) or len(value) <= 2_000 else value[:1_999] + "…"
        for name, value in case.input.items()
    }
