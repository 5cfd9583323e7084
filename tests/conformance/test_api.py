"""What users call in their own tests, the Python subjects, and saved cases."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from okxdoctor.conformance import NonConformance, assert_conforms, saved
from okxdoctor.conformance.callables import Callables, NotFound, Unsupported, load
from okxdoctor.conformance.protocol import OPS, Output, Refused, Skipped
from okxdoctor.conformance.suite import Book, Result, replay, run
from okxdoctor.conformance.verdict import Case, Failure, Found, Level


def test_right_functions_conform(right: ModuleType) -> None:
    assert_conforms(**{op: getattr(right, op) for op in OPS}, examples=30)


def test_a_wrong_function_is_named_with_its_smallest_input(right: ModuleType) -> None:
    def upper(**given: Any) -> str:
        return str(right.round_price(**{**given, "mode": "up"}))

    with pytest.raises(NonConformance) as caught:
        assert_conforms(round_price=upper, round_size=right.round_size, examples=100)
    text = str(caught.value)
    assert "precision.rounding-direction" in text
    assert "smallest failing input (round_price)" in text
    assert "expected" in text


def test_nothing_to_test_is_a_mistake_of_the_caller(right: ModuleType) -> None:
    with pytest.raises(ValueError, match="at least one"):
        assert_conforms()

    def never(**_given: Any) -> Any:
        raise Unsupported("not on this machine")

    with pytest.raises(NonConformance, match=r"every one of \d\d+ inputs was skipped"):
        assert_conforms(sign=never, examples=5)


def test_the_ways_a_function_may_answer() -> None:
    async def later(ts: str) -> str | None:
        return "1970-01-01T00:00:00.000Z" if ts == "0" else None

    def raises(ts: str) -> str:
        raise ValueError("bad\nthing")

    def skips(ts: str) -> str:
        raise NotImplementedError

    for function, answer in (
        (later, Output({"iso": "1970-01-01T00:00:00.000Z"})),
        (lambda ts: {"iso": "x"}, Output({"iso": "x"})),
        (raises, Refused("ValueError: bad thing")),
        (skips, Skipped("NotImplementedError")),
        (lambda: None, None),
    ):
        got = Callables({"parse_timestamp": function}).ask("parse_timestamp", {"ts": "0"})
        assert got == answer or (answer is None and isinstance(got, Refused) and "TypeError" in got.text)


def test_a_signer_gets_parameters_as_pairs_and_the_body_as_objects() -> None:
    seen: dict[str, Any] = {}

    def sign(**given: Any) -> Any:
        seen.update(given)

    given = {"secret": "s", "timestamp": "t", "method": "POST", "path": "/", "params": [["a", None]]}
    Callables({"sign": sign}).ask("sign", {**given, "body_json": '{"n":12345678901234567890,"x":[null]}'})
    assert seen["params"] == [("a", None)]
    assert seen["body"] == {"n": 12345678901234567890, "x": [None]}
    Callables({"sign": sign}).ask("sign", {**given, "params": None, "body_json": None})
    assert (seen["params"], seen["body"]) == (None, None)


def test_references_to_python_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "conform_bot.py").write_text(
        "def go(ts): return None\n"
        "class Client:\n    def parse_timestamp(self, ts): return None\n    def sign(self, **given): return {}\n"
        "class Needy:\n    def __init__(self, key): pass\n    def sign(self, **given): return {}\n"
        "client = Client()\nnumber = 5\n"
    )
    (tmp_path / "conform_broken.py").write_text("import no_such_library_at_all\n")
    (tmp_path / "conform_syntax.py").write_text("def (:\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "path", list(sys.path))
    assert load("conform_bot:go", "parse_timestamp").supports == ("parse_timestamp",)
    assert load("conform_bot:client", "parse_timestamp").supports == ("sign", "parse_timestamp")
    assert load("conform_bot:Client", "sign").supports == ("sign", "parse_timestamp")
    assert load("conform_bot:client.sign", "sign").supports == ("sign",)
    for reference, says in (
        ("conform_bot", "neither"), ("conform_bot:number", "neither"), ("conform_bot:nothing", "has no nothing"),
        ("conform_bot:Needy", "cannot be made"), ("conform_broken:x", "no_such_library_at_all"),
        ("conform_syntax:x", "SyntaxError"), ("conform_missing:x", "no module"), (":x", "has no module"),
    ):  # fmt: skip
        with pytest.raises(NotFound, match=says):
            load(reference, "sign")


def _failing(right: ModuleType) -> Result:
    def sign(**given: Any) -> Any:
        made = right.sign(**given)
        return {**made, "sign": made["sign"].rstrip("=")}

    return run(Callables({"sign": sign}, "mine"), "sign", search=None)


def test_a_saved_case_runs_again_and_passes_when_the_bug_is_gone(right: ModuleType, tmp_path: Path) -> None:
    result = _failing(right)
    path = saved.save(result, tmp_path / "case.json")
    assert path is not None
    suite, cases = saved.load(path)
    assert (suite, [case.op for case in cases]) == ("sign", ["sign"])
    assert cases[0].input == result.failures[0].case.input
    made = json.loads(path.read_text())
    assert made["cases"][0]["code"] == "signature.encoding"
    again = replay(Callables({"sign": right.sign}, "mine"), suite, cases)
    assert again.exit_code == 0
    assert again.ran == 1
    other = replay(Callables({"ws_login": right.ws_login}, "mine"), suite, cases)
    assert other.exit_code == 3


def test_a_case_file_is_named_after_its_inputs(
    right: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    first, second = saved.save(_failing(right), None), saved.save(_failing(right), None)
    assert first == second
    assert first is not None
    assert first.name.startswith("okxdoctor-case-sign-")
    assert list(tmp_path.iterdir()) == [tmp_path / first]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "not JSON"), ("[]", "no okxdoctor.case/1"), ('{"schema":"okxdoctor.case/1","suite":"sign"}', "no case"),
        ('{"schema":"okxdoctor.case/1","suite":"tea","cases":[{}]}', "no okxdoctor.case/1"),
        ('{"schema":"okxdoctor.case/1","suite":"sign","cases":[{"op":"tea","input":{}}]}', "no known op"),
        ('{"schema":"okxdoctor.case/1","suite":"sign","cases":[{"op":"sign","input":{}}]}', "input of case 0"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_case_is_refused(content: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "case.json"
    path.write_text(content)
    with pytest.raises(saved.Unreadable, match=says):
        saved.load(path)
    with pytest.raises(saved.Unreadable, match="cannot be read"):
        saved.load(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("op", "given"),
    [
        ("round_price", {"price": "x", "mode": "down", "side": "buy", "tick": "1"}),
        ("round_price", {"price": "1", "mode": "sideways", "side": "buy", "tick": "1"}),
        ("round_price", {"price": "1", "mode": "down", "side": "buy", "tick": "0"}),
        ("round_price", {"price": "1", "mode": "down", "side": "buy", "bands": []}),
        ("round_size", {"size": "1", "lot": "-1", "min": ""}),
        ("parse_timestamp", {"ts": "١"}),
        ("parse_response", {"status": "200", "headers": {}, "body": ""}),
        ("sign", {"secret": "s", "timestamp": "", "method": "GET", "path": "/", "params": [["a"]], "body_json": None}),
        ("sign", {"secret": "s", "timestamp": "", "method": "GET", "path": "/", "params": None, "body_json": "{"}),
    ],
)
def test_an_input_that_no_judge_could_take_is_refused(op: str, given: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "case.json"
    suite = "sign" if op == "sign" else "round" if op.startswith("round") else "parse"
    path.write_text(json.dumps({"schema": saved.SCHEMA, "suite": suite, "cases": [{"op": op, "input": given}]}))
    with pytest.raises(saved.Unreadable, match="is none for"):
        saved.load(path)


def test_a_case_without_an_input_is_not_saved(tmp_path: Path) -> None:
    from okxdoctor.conformance.suite import broken
    from okxdoctor.conformance.verdict import Found

    lie = Found(case=Case(op="sign", input={}), failure=broken(_fault(), "sign"), answer="")
    result = Result(suite="sign", subject="x", seed=None, elapsed_ms=1.0, found=(lie,))
    assert saved.save(result, tmp_path / "case.json") is None
    assert result.exit_code == 1


def _fault() -> Any:
    from okxdoctor.conformance.protocol import AdapterFault

    return AdapterFault("adapter.supports", "x")


def test_a_note_with_a_shorter_input_does_not_hide_a_failure() -> None:
    def found(level: Level, ts: str) -> Found:
        failure = Failure(code="timestamp.misread", mistake="x", summary="x", level=level)
        return Found(case=Case(op="parse_timestamp", input={"ts": ts}), failure=failure, answer="")

    for order in ((0, 1), (1, 0)):
        book = Book()
        both = (found("must", "1795341605123"), found("should", "1"))
        for place in order:
            book.note(both[place])
        assert [one.failure.level for one in book.sorted()] == ["must"]
