"""Every cause of the vocabulary can be reached: something leads to it, and it stands first.

A cause that the doctor sees is proven by a fault of the catalogues (``test_faults`` runs each of them). The others are
listed in ``vocabulary.toml`` with the proof that is carried out here: a world, a captured request, an implementation
with a mistake, an adapter that breaks the protocol, a log. The vocabulary is the shipped table, held against the one
that was agreed (``tests/knowledge/vocabulary.txt``); who adds a cause adds what leads to it.
"""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from okxdoctor.exchange.faults import catalogue as exchange_faults
from okxdoctor.knowledge import causes
from okxdoctor.model import Severity
from okxdoctor.targets.world import catalogue as machine_faults

HERE = Path(__file__).parent
AGREED = {
    line.split()[0]
    for line in (HERE.parent / "knowledge" / "vocabulary.txt").read_text("utf-8").splitlines()
    if line and not line.startswith("#")
}
FAULTS = {fault.name: fault for fault in (*exchange_faults(), *machine_faults())}
BY_FAULT = {fault.cause for fault in FAULTS.values()}
LISTED: dict[str, dict[str, Any]] = tomllib.loads((HERE / "vocabulary.toml").read_text("utf-8"))
KINDS = ("world", "vector", "mutant", "adapter", "log")


def proofs(kind: str) -> list[str]:
    return sorted(code for code, row in LISTED.items() if kind in row)


def test_every_cause_has_something_that_leads_to_it() -> None:
    dropped = AGREED - set(causes())
    assert not dropped, "agreed causes are never dropped"
    assert set(causes()) - BY_FAULT - set(LISTED) == set()


def test_what_is_listed_is_a_cause_with_one_known_kind_of_proof() -> None:
    for code, row in LISTED.items():
        assert code in causes(), code
        assert len(set(row) & set(KINDS)) == 1, code
        assert code not in BY_FAULT, f"{code}: a fault leads to it, and the row is not needed"


# ---- worlds ------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", proofs("world"))
def test_a_world(leap: Callable[..., Any], tmp_path: Path, code: str) -> None:
    """A run on the exchange with these faults and settings. ``noted``: of severity info, under its check."""
    world = dict(LISTED[code]["world"])
    orders = world.pop("orders", None)
    if orders is not None:
        world["order"] = str(tmp_path / "orders.json")
        Path(world["order"]).write_text(json.dumps(orders), "utf-8")
    if "instruments" in world:
        world["instruments"] = tuple(world["instruments"])
    report = leap(faults=world.pop("faults", ()), seed=world.pop("seed", 7), **world)
    if LISTED[code].get("noted"):
        assert causes()[code].severity == Severity.INFO
        assert [root.code for root in report.diagnosis] == []
        assert code in [finding.code for attempt in report.attempts for finding in attempt.findings]
    else:
        assert [root.code for root in report.diagnosis][:1] == [code]


# ---- captured requests -------------------------------------------------------------------------


@pytest.mark.parametrize("code", proofs("vector"))
def test_a_captured_request(code: str) -> None:
    """A request as a client with this mistake sends it, out of the reference vectors (signed by openssl)."""
    from okxdoctor.knowledge.vectors import load
    from okxdoctor.triage.inspection import inspect_one

    captures = _module(HERE.parent / "triage" / "conftest.py", "triage_captures")
    wrong = [v for kind in ("sign", "ws") for v in load(kind).vectors if v.cause == code]
    assert wrong, "no vector has this mistake"
    named = [inspect_one(captures.capture_of(v), captures.known_of(v)).diagnosis[0].code for v in wrong[:3]]
    assert named == [code] * len(named)


# ---- implementations under test ----------------------------------------------------------------


@pytest.fixture(scope="module")
def right(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """The adapter template: right implementations that share no code with the judges."""
    path = tmp_path_factory.mktemp("adapter") / "adapter.py"
    template = files("okxdoctor.conformance").joinpath("templates", "adapter.py.txt")
    path.write_text(template.read_text("utf-8"), "utf-8")
    return _module(path, "vocabulary_right_adapter")


@pytest.fixture(scope="module")
def mutants() -> Iterator[ModuleType]:
    """The mutants of the conformance tests."""
    folder, before = str(HERE.parent / "conformance"), set(sys.modules)
    sys.path.insert(0, folder)
    try:
        yield import_module("mutants")
    finally:
        sys.path.remove(folder)
        for name in set(sys.modules) - before:
            if str(getattr(sys.modules[name], "__file__", "")).startswith(folder):
                del sys.modules[name]


@pytest.mark.parametrize("code", proofs("mutant"))
def test_a_mutant(mutants: ModuleType, right: ModuleType, code: str) -> None:
    """The right implementation with one mistake: the suite names it."""
    from okxdoctor.conformance.callables import Callables
    from okxdoctor.conformance.search import Search
    from okxdoctor.conformance.suite import Book

    mutant = next(one for one in mutants.MUTANTS if one.code == code)
    subject = Callables({mutant.op: mutant.make(mutants.functions(right))}, mutant.name)
    book = Book()
    for seed in range(1, 7):
        Search(examples=200, seed=seed, turns=1)(subject, mutant.op, book)
        if (mutant.code, mutant.mistake) in book.found:
            break
    assert (mutant.code, mutant.mistake) in book.found


@pytest.mark.parametrize("code", proofs("adapter"))
def test_an_adapter(code: str) -> None:
    """A process that breaks the protocol, or a function that gives up on what it is asked."""
    from okxdoctor.conformance.callables import Callables
    from okxdoctor.conformance.protocol import AdapterFault
    from okxdoctor.conformance.suite import run

    row = LISTED[code]["adapter"]
    if row["kind"] == "raises":
        result = run(Callables({"parse_timestamp": _gives_up}, "gives up"), "parse", search=None)
        assert code in {found.failure.code for found in result.found}
        return
    command = [sys.executable, str(HERE.parent / "conformance" / "liars.py"), row["kind"]]
    with pytest.raises(AdapterFault) as caught:
        _ask_once(command, row.get("start_s", 20.0))
    assert caught.value.code == code


def _ask_once(command: list[str], start_s: float) -> None:
    from okxdoctor.conformance.process import Adapter

    adapter = Adapter(command, call_timeout_s=10.0, start_timeout_s=start_s, restarts=1)
    try:
        adapter.ask("parse_timestamp", {"ts": ""})
    finally:
        adapter.close()


def _gives_up(given: object) -> object:
    raise ValueError("not today")


def _module(path: Path, name: str) -> ModuleType:
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules.setdefault(name, module)
    spec.loader.exec_module(module)
    return module
