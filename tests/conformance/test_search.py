"""The search: several bugs in one run, the same seed the same inputs, found failures first, an end in time."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from okxdoctor.conformance import search
from okxdoctor.conformance.callables import Callables
from okxdoctor.conformance.process import Adapter
from okxdoctor.conformance.protocol import AdapterFault, Answer, Output
from okxdoctor.conformance.search import Search
from okxdoctor.conformance.suite import Book


def _listening(function: Callable[..., Any], heard: list[str]) -> Callable[..., Any]:
    def listen(**given: Any) -> Any:
        heard.append(repr(sorted(given.items())))
        return function(**given)

    return listen


def test_the_same_seed_gives_the_same_inputs_and_another_one_others(right: ModuleType) -> None:
    runs: list[list[str]] = []
    for seed in (5, 5, 6):
        heard: list[str] = []
        Search(examples=60, seed=seed)(Callables({"sign": _listening(right.sign, heard)}), "sign", Book())
        runs.append(heard)
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]
    assert len(set(runs[0])) > 40


def _cut(right: ModuleType) -> Callable[..., Any]:
    """Two bugs at once: sizes over a thousand are not rounded, and small ones are rounded to whole numbers."""

    def round_size(size: str, lot: str, min: str) -> Any:
        value = float(size)
        if value > 1000:
            return size
        return right.round_size(size, lot, "") or "0"

    return round_size


def test_several_bugs_are_found_and_each_is_shrunk(right: ModuleType) -> None:
    book = Book()
    Search(examples=300, seed=1)(Callables({"round_size": _cut(right)}), "round_size", book)
    bugs = {found.failure.code for found in book.found.values()}
    assert {"precision.size-below-minimum", "precision.size-off-lot"} <= bugs
    assert all(found.smallest for found in book.found.values())
    smallest = next(one for one in book.found.values() if one.failure.code == "precision.size-off-lot")
    assert float(smallest.case.input["size"]) < 1100


def test_a_found_failure_is_tried_first_next_time(right: ModuleType, tmp_path: Path) -> None:
    def broken(**given: Any) -> Any:
        made = right.sign(**given)
        return {**made, "sign": "x"} if any("," in str(value) for _, value in given["params"] or ()) else made

    first = Book()
    for seed in range(12):
        Search(examples=300, seed=seed, database=tmp_path, turns=1)(Callables({"sign": broken}, "mine"), "sign", first)
        if first.found:
            break
    (found,) = first.found.values()
    heard: list[str] = []
    Search(examples=60, seed=77, database=tmp_path, turns=1)(
        Callables({"sign": _listening(broken, heard)}, "mine"), "sign", Book()
    )
    wanted = repr(sorted({**found.case.input, "params": [tuple(p) for p in found.case.input["params"]]}.items()))
    assert wanted.split("'params'")[1][:40] in heard[0]
    assert "," in str(found.case.input["params"])


def test_the_time_bounds_the_search(right: ModuleType) -> None:
    began = time.monotonic()
    ran, _ = Search(seconds=0.3, seed=1)(
        Callables({"parse_timestamp": right.parse_timestamp}), "parse_timestamp", Book()
    )
    assert ran > 20
    assert time.monotonic() - began < 30


def test_no_examples_is_no_search(right: ModuleType) -> None:
    assert Search(examples=0, seed=1)(Callables({"sign": right.sign}), "sign", Book()) == (0, 0)


class _Breaks:
    """An adapter that breaks at an input."""

    name = "breaks"
    supports = ("parse_timestamp",)

    def __init__(self) -> None:
        self.asked = 0

    def ask(self, op: str, given: Mapping[str, Any]) -> Answer:
        self.asked += 1
        if self.asked == 5:
            raise AdapterFault("adapter.hung", "no reply", stderr="last words")
        seconds, ms = divmod(int(given["ts"] or "0"), 1000)
        import datetime

        moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=seconds)
        return Output({"iso": f"{moment.isoformat()}.{ms:03d}Z" if given["ts"] else None})

    def close(self) -> None:
        pass


def test_an_adapter_that_breaks_ends_the_search_with_the_input_that_broke_it() -> None:
    subject, book = _Breaks(), Book()
    Search(examples=100, seed=1)(subject, "parse_timestamp", book)
    assert subject.asked == 5
    (found,) = book.found.values()
    assert found.failure.code == "adapter.hung"
    assert set(found.case.input) == {"ts"}
    assert book.stderr == "last words"


def test_bugs_that_only_add_up_are_told_one_by_one(right: ModuleType) -> None:
    """Empty values dropped and spaces signed as +: an input with both looks like neither, and is no third bug."""

    def sloppy(**given: Any) -> Any:
        kept = [pair for pair in given["params"] or () if pair[1] != ""]
        made = right.sign(**{**given, "params": kept})
        signed = right.sign(**{**given, "path": made["request_path"].replace("%20", "+"), "params": None})
        return {**made, "sign": signed["sign"]}

    book = Book()
    for seed in range(3):
        Search(examples=400, seed=seed)(Callables({"sign": sloppy}), "sign", book)
    told = {bug for bug, found in book.found.items() if found.failure.level == "must"}
    assert told == {
        ("signature.request-altered", "an empty value is left out"),
        ("signature.query-encoding", "query with spaces as +"),
    }


@pytest.mark.parametrize(
    ("kind", "op", "code", "breaks", "longest"),
    [
        ("dies-at-non-ascii", "sign", "adapter.died", lambda given: not str(given).isascii(), 260),
        ("hangs-at-seven", "parse_timestamp", "adapter.hung", lambda given: given["ts"].endswith("7"), 25),
    ],
)
def test_an_input_that_breaks_the_adapter_is_made_smaller(
    kind: str, op: str, code: str, breaks: Callable[[Mapping[str, Any]], bool], longest: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(search, "LEAST_WAIT_S", 0.12)
    monkeypatch.setattr(search, "SHRINK_S", 8.0)
    adapter = Adapter([sys.executable, str(Path(__file__).with_name("liars.py")), kind], call_timeout_s=1.0)
    book = Book()
    try:
        Search(examples=300, seed=2)(adapter, op, book)
        assert adapter.call_timeout_s == 1.0
    finally:
        adapter.close()
    found = book.found[code, f"{op}: {code.partition('.')[2]}"]
    assert found.smallest
    assert breaks(found.case.input)
    assert len(str(dict(found.case.input))) < longest, "one trap and nothing else beside the shortest of everything"


def test_an_implementation_whose_answers_change_is_still_found_wrong(right: ModuleType) -> None:
    calls = iter(range(10**9))

    def moody(**given: Any) -> Any:
        made = right.parse_timestamp(**given)
        return None if next(calls) % 7 == 3 else made

    book = Book()
    Search(examples=100, seed=1)(Callables({"parse_timestamp": moody}), "parse_timestamp", book)
    assert {found.failure.code for found in book.found.values()} == {"timestamp.misread"}


def test_what_is_only_tolerated_is_noted_and_fails_when_strict(right: ModuleType) -> None:
    def sorts(**given: Any) -> Any:
        params = sorted((p for p in given["params"] or () if p[1] is not None), key=lambda pair: pair[0])
        return right.sign(**{**given, "params": params})

    for strict in (False, True):
        book = Book()
        for seed in range(5):
            Search(examples=200, seed=seed, strict=strict)(Callables({"sign": sorts}), "sign", book)
            if book.found:
                break
        levels = {(found.failure.code, found.failure.level) for found in book.found.values()}
        assert levels == {("signature.query-sorted", "should")}


@pytest.mark.parametrize("gap", [False, True])
def test_books_have_a_gap_exactly_when_one_is_asked_for(gap: bool) -> None:
    from hypothesis import given, settings

    from okxdoctor.strategies import book_updates

    @settings(max_examples=80)
    @given(book_updates(gap=gap))
    def check(messages: list[dict[str, Any]]) -> None:
        rows = [message["data"][0] for message in messages]
        assert rows[0]["prevSeqId"] == -1
        broken = [b for a, b in pairwise(rows) if b["prevSeqId"] != a["seqId"]]
        assert bool(broken) is gap

    check()


def test_strategies_give_documented_shapes() -> None:
    from fractions import Fraction

    from hypothesis import given, settings
    from hypothesis import strategies as st

    from okxdoctor import strategies as okx

    def beside(tick: str) -> st.SearchStrategy[tuple[str, str, str]]:
        return st.tuples(st.just(tick), okx.on_grid(tick), okx.off_grid(tick))

    @settings(max_examples=100)
    @given(
        okx.instruments(),
        okx.ticks().flatmap(lambda tick: st.tuples(st.just(tick), okx.on_grid(tick), okx.off_grid(tick))),
    )
    def check(instrument: dict[str, Any], prices: tuple[str, str, str]) -> None:
        tick, on, off = prices
        assert Fraction(on) % Fraction(tick) == 0
        assert Fraction(off) % Fraction(tick) != 0
        assert Fraction(instrument["tickSz"]) > 0
        assert Fraction(instrument["minSz"]) > 0
        if instrument["instType"] == "OPTION":
            tops = [Fraction(band["max"]) for band in instrument["bands"][:-1]]
            assert tops == sorted(set(tops))

    check()
