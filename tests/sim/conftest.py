"""Runs of the whole doctor on the embedded exchange, over real sockets."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import okxdoctor
from okxdoctor.checkup import check_up
from okxdoctor.model import Report
from okxdoctor.reports import formats, writer
from okxdoctor.reports.look import Look
from okxdoctor.settings import Flags, resolve

sys.path += [str(Path(__file__).parent.parent / "campaign"), str(Path(__file__).parent)]

Run = Callable[..., Report]


@cache
def schema() -> jsonschema.Draft202012Validator:
    path = Path(okxdoctor.__file__).parent / "reports" / "report.schema.json"
    loaded = json.loads(path.read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(loaded)
    return jsonschema.Draft202012Validator(loaded)


@pytest.fixture
def rendered() -> Callable[[Report], dict[str, str]]:
    """The report in every format, by name."""
    return lambda report: {name: writer(name).render(report, Look()) for name in formats()}


@cache
def _secrets(seed: int) -> tuple[str, ...]:
    from okxdoctor.exchange import serve

    with serve(seed=seed) as exchange:
        info = exchange.info
        return info.api_key, info.secret_key, info.passphrase


@pytest.fixture
def secrets() -> Callable[[int], tuple[str, ...]]:
    """What the exchange of this seed hands out, asked of another exchange with the same seed."""
    return _secrets


def hold_to_contract(report: Report) -> dict[str, Any]:
    """What must be true of every report whatever it says; gives its JSON form."""
    value = json.loads(writer("json").render(report, Look()))
    schema().validate(value)
    for check in value["checks"]:
        assert (check["because"] is None) == (check["outcome"] == "completed"), check["id"]
        for finding in check["findings"]:
            assert finding["evidence"], f"{finding['code']} without evidence"
    for line in writer("jsonl").render(report, Look()).splitlines():
        json.loads(line)
    return value


def _look(wait: Callable[..., Report], home: Path) -> Run:
    def go(faults: Sequence[str] = (), seed: int = 0, **more: Any) -> Report:
        flags = replace(Flags(target="sim", faults=tuple(faults), seed=seed), **more)
        report = wait(check_up(resolve(flags, {}, home)))
        hold_to_contract(report)
        return report

    return go


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """``run(faults=(...), seed=3, only=(...))`` -> Report, held to the contract of every report."""
    return _look(asyncio.run, tmp_path)


@pytest.fixture
def leap(tmp_path: Path) -> Run:
    """``run`` on a clock that leaps: what never comes is not waited for, and a busy machine makes nothing slow."""
    import leaping

    return _look(leaping.run, tmp_path)
