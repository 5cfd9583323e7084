"""The search: inputs aimed at known mistakes, shrunk to the smallest that still fails, one for each bug.

Hypothesis is imported here and in `okxdoctor.strategies` alone. A bug is a pair of cause and mistake, and each is
shrunk on its own, so that one run names several. Found failures are kept in a directory and tried first next time.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from time import monotonic
from typing import Any, NoReturn

from okxdoctor.conformance.judges import judge
from okxdoctor.conformance.protocol import AdapterFault, Skipped, Spent
from okxdoctor.conformance.subject import Restartable, Subject
from okxdoctor.conformance.suite import Book, asks_list, spoken
from okxdoctor.conformance.verdict import Case, Found

EXAMPLES = 1000
NO_LIMIT = 100_000_000
TURNS = 4
"""So often the search goes on behind a found failure."""
SHORTEST_TURN = 50
"""Examples that are worth going on for."""
SHRINK_S = 20.0
"""How long a found failure may be made smaller once the time of the search is over; an input that breaks the adapter
never longer."""
SHRINK_RESTARTS = 200
"""So often an adapter is started again while an input that breaks it is made smaller."""
HASTE = 50
LEAST_WAIT_S = 0.3
"""While an input that hangs is made smaller, a call hangs after HASTE times the slowest answer so far, and not before
LEAST_WAIT_S. What is left in the end is asked once more with the whole patience."""


class _Wrong(AssertionError):
    """A failure of the implementation. Subclasses, one for each bug, keep bugs apart while they are shrunk."""


class _Enough(BaseException):
    """Ends the search from inside: the time is over, or the adapter broke. No failure that could be caught."""


class Search:
    """Searches an operation. ``seed`` makes it repeatable; ``database`` is a directory or None.

    Without ``examples`` and ``seconds`` a thousand inputs are tried; with ``seconds`` alone as many as fit.
    ``turns`` is how often the search goes on behind a found failure, the first time included.
    """

    def __init__(
        self,
        *,
        examples: int | None = None,
        seconds: float | None = None,
        seed: int | None = None,
        database: Path | None = None,
        strict: bool = False,
        turns: int = TURNS,
    ) -> None:
        self._turns = turns
        self._examples = examples if examples is not None else EXAMPLES if seconds is None else NO_LIMIT
        self._seconds = seconds
        self._seed = seed
        self._database = database
        self._strict = strict

    def __call__(self, subject: Subject, op: str, book: Book) -> tuple[int, int]:
        """Inputs that were run and inputs that were skipped; failures go into ``book``."""
        if self._examples == 0:
            return 0, 0
        probe = _Probe(subject, op, book, self._seconds, self._strict)
        for turn in range(self._turns):
            left = self._examples - probe.tried
            if turn and left < SHORTEST_TURN:
                break
            try:
                self._drive(probe, op, subject.name, left, turn)
            except _Enough:
                break
            except Exception as raised:
                _only_ours(raised)
            # Hypothesis stops soon after a failure. What was found is known from here on, and the search goes on.
            if not probe.turn_over() or probe.broke:
                break
        probe.settle()
        return probe.ran, probe.skipped

    def _drive(self, probe: _Probe, op: str, name: str, examples: int, turn: int) -> None:
        from hypothesis import HealthCheck, Phase, given, seed, settings
        from hypothesis.database import DirectoryBasedExampleDatabase

        from okxdoctor.conformance.inputs import inputs

        def search(given: Mapping[str, Any]) -> None:
            probe(given)

        tried = given(inputs(op))(search)
        if self._seed is not None:
            tried = seed(self._seed + turn)(tried)
        # The key under which failures are kept: the operation and who was asked, not the source of this function.
        setattr(tried, "_hypothesis_internal_database_key", f"{op} {name}".encode())  # noqa: B010
        tried = settings(
            max_examples=examples,
            database=None if self._database is None else DirectoryBasedExampleDatabase(self._database / "examples"),
            deadline=None,
            derandomize=False,
            phases=(*((Phase.reuse,) if turn == 0 else ()), Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
            report_multiple_bugs=True,
            print_blob=False,
        )(tried)
        tried()


def _only_ours(raised: BaseException) -> None:
    """Let go what is no failure of the implementation: a defect of the harness, or an answer that changes."""
    for one in raised.exceptions if isinstance(raised, BaseExceptionGroup) else (raised,):
        if isinstance(one, BaseExceptionGroup):
            _only_ours(one)
        elif not isinstance(one, _Wrong):
            from hypothesis.errors import Flaky

            if not isinstance(one, Flaky):
                raise one


class _Probe:
    """One input after the other, and what came of it."""

    def __init__(self, subject: Subject, op: str, book: Book, seconds: float | None, strict: bool) -> None:
        self._subject = subject
        self._op = op
        self._book = book
        self._end = None if seconds is None else monotonic() + seconds
        self._strict = strict
        self._kinds: dict[tuple[str, str], type[_Wrong]] = {}
        self._latest: dict[tuple[str, str], Found] = {}
        self._known: set[tuple[str, str]] = set()
        self._patience_s = getattr(subject, "call_timeout_s", 0.0)
        self._slowest_s = 0.0
        self._broken: dict[tuple[str, str], Found] = {}
        self._shrinks_until: float | None = None
        self._added_up: set[tuple[str, str]] = set()
        self.tried = 0
        self.ran = 0
        self.skipped = 0

    @property
    def broke(self) -> bool:
        """Whether the adapter broke: each such input costs a start, so the search ends with the smallest one."""
        return bool(self._broken)

    def __call__(self, given: Mapping[str, Any]) -> None:
        if self._over():
            raise _Enough
        case = Case(op=self._op, input=given)
        if self._book.without_lists and asks_list(self._op, given):
            return
        self.ran += 1
        # What is run to make a found failure smaller does not count as tried.
        self.tried += self._known.issuperset(self._latest)
        began = monotonic()
        try:
            answer = self._subject.ask(self._op, given)
        except Spent:
            raise _Enough from None
        except AdapterFault as fault:
            self._breaks(Found(case=case, failure=self._book.fault(fault, self._op), answer=""))
        self._slowest_s = max(self._slowest_s, monotonic() - began)
        self.skipped += isinstance(answer, Skipped)
        failure = judge(case, answer)
        if failure is None:
            return
        found = Found(case=case, failure=failure, answer=spoken(answer))
        if failure.level == "should" and not self._strict:
            self._book.note(found)
            return
        if failure.bug in self._known:
            return
        self._wrong(found)

    def _over(self) -> bool:
        now = monotonic()
        if self._shrinks_until is not None and now > self._shrinks_until:
            return True
        grace_s = SHRINK_S if not self._known.issuperset(self._latest) else 0.0
        return self._end is not None and now > self._end + grace_s

    def _wrong(self, found: Found) -> NoReturn:
        # The last input of a bug is the smallest one: it is what shrinking ends with and runs once more.
        failure = found.failure
        self._latest[failure.bug] = found
        kind = self._kinds.setdefault(failure.bug, type("_WrongInOneWay", (_Wrong,), {}))
        raise kind(f"{failure.code}: {failure.mistake}")

    def _breaks(self, found: Found) -> NoReturn:
        """The adapter died, hung or printed garbage at an input: make that smaller, within bounds."""
        subject = self._subject
        if not isinstance(subject, Restartable):
            self._book.note(found)
            raise _Enough
        if not self._broken:
            subject.allow(SHRINK_RESTARTS)
            self._shrinks_until = monotonic() + SHRINK_S
        self._broken.setdefault(found.failure.bug, found)
        if found.failure.code == "adapter.hung":
            subject.call_timeout_s = min(self._patience_s, max(LEAST_WAIT_S, HASTE * self._slowest_s))
        self._wrong(found)

    def turn_over(self) -> bool:
        """Whether this turn found something new; from now on it is known and does not end a turn."""
        new = set(self._latest) - self._known
        self._known |= new
        return bool(new)

    def settle(self) -> None:
        """Hand over what was found."""
        from dataclasses import replace

        for bug, found in sorted(self._latest.items(), key=lambda item: len(str(item[1].case.input))):
            if self._only_adds_up(found):
                continue
            if bug in self._broken and not self._breaks_again(found):
                self._book.note(self._broken[bug])
            else:
                self._book.note(replace(found, smallest=True))

    def _only_adds_up(self, found: Found) -> bool:
        """Whether each input with one parameter less fails too, by bugs that are told already: then this one is only
        how they look together."""
        params = found.case.input.get("params") or () if self._op == "sign" else ()
        if len(params) < 2 or found.failure.bug in self._broken:
            return False
        told = {bug for bug, one in self._book.found.items() if one.failure.level == "must"} - {found.failure.bug}
        told |= self._added_up
        for place in range(len(params)):
            fewer = {**found.case.input, "params": [*params[:place], *params[place + 1 :]]}
            try:
                failure = judge(Case(op=self._op, input=fewer), self._subject.ask(self._op, fewer))
            except AdapterFault:
                return False
            if failure is None or failure.bug not in told:
                return False
        # The vectors may have met it before, with a larger input.
        self._book.found.pop(found.failure.bug, None)
        self._added_up.add(found.failure.bug)
        return True

    def _breaks_again(self, found: Found) -> bool:
        """Whether an input that was taken for one that breaks does so with the whole patience too."""
        assert isinstance(self._subject, Restartable)
        self._subject.call_timeout_s = self._patience_s
        self._subject.allow(2)
        try:
            self._subject.ask(self._op, found.case.input)
        except AdapterFault as fault:
            return fault.code == found.failure.code
        return False
