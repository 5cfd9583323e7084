"""Every mutant is killed by the search alone, by its own cause and mistake; the right implementations by nothing."""

from __future__ import annotations

from types import ModuleType

import pytest
from mutant import Mutant
from mutants import MUTANTS, functions

from okxdoctor.conformance.callables import Callables
from okxdoctor.conformance.protocol import OPS
from okxdoctor.conformance.search import Search
from okxdoctor.conformance.suite import SUITES, Book, run
from okxdoctor.knowledge import causes


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda one: f"{one.op}: {one.name}")
def test_each_mutant_is_killed_by_its_own_cause(mutant: Mutant, right: ModuleType) -> None:
    subject = Callables({mutant.op: mutant.make(functions(right))}, mutant.name)
    book = Book()
    fails: set[tuple[str, str]] = set()
    for seed in range(1, 7):  # a search is random: whatever the version of Hypothesis, some of them will find it
        Search(examples=200, seed=seed, turns=1)(subject, mutant.op, book)
        fails = {bug for bug, found in book.found.items() if found.failure.level == "must"}
        if (mutant.code, mutant.mistake) in fails:
            break
    assert (mutant.code, mutant.mistake) in fails, sorted(fails) or "survived"
    shrunk = book.found[mutant.code, mutant.mistake]
    assert shrunk.smallest
    assert len(str(dict(shrunk.case.input))) < 420


def test_there_are_enough_of_them_and_each_is_a_mistake_of_its_own() -> None:
    assert len(MUTANTS) >= 90
    assert len({(one.op, one.name) for one in MUTANTS}) == len(MUTANTS)
    assert len({(one.op, one.code, one.mistake) for one in MUTANTS}) >= len(MUTANTS) - 2
    assert {one.op for one in MUTANTS} == set(OPS)
    assert {one.code for one in MUTANTS} <= set(causes())
    assert all(one.source for one in MUTANTS)


@pytest.mark.parametrize("op", OPS)
def test_the_right_implementation_survives_every_seed(op: str, right: ModuleType) -> None:
    subject = Callables({op: getattr(right, op)}, "right")
    for seed in range(2):
        book = Book()
        ran, skipped = Search(examples=120, seed=seed)(subject, op, book)
        assert not book.found
        assert ran >= 90
        assert skipped == 0


@pytest.mark.parametrize("suite", SUITES)
def test_the_right_implementation_conforms(suite: str, right: ModuleType) -> None:
    subject = Callables({op: getattr(right, op) for op in SUITES[suite]}, "right")
    result = run(subject, suite, search=None)
    assert result.exit_code == 0
    assert not result.found
    assert result.ran == sum(tally.vectors for tally in result.tallies) > 100
