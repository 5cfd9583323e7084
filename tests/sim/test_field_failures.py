"""Failures of the field that have a fault here: the whole doctor names their cause first."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from okxdoctor.exchange.faults import catalogue as exchange_faults
from okxdoctor.targets.world import catalogue as machine_faults

FAILURES: dict[str, dict[str, Any]] = tomllib.loads(
    (Path(__file__).parent.parent / "exchange" / "field_failures.toml").read_text("utf-8")
)
PROVEN: dict[str, str] = {}
"""What the tests beside this one run already (examples, choices), and the cause that they hold it to."""
for _fault in (*exchange_faults(), *machine_faults()):
    PROVEN |= dict.fromkeys((_fault.example, *(f"{_fault.name}={choice}" for choice in _fault.choices)), _fault.cause)
OTHER = {row["fault"]: row["cause"] for row in FAILURES.values() if "fault" in row and row["fault"] not in PROVEN}


@pytest.mark.parametrize(("fault", "cause"), OTHER.items())
def test_a_value_of_its_own_leads_to_the_cause(leap: Any, fault: str, cause: str) -> None:
    report = leap(faults=[fault], seed=3)
    assert [found.code for found in report.diagnosis] == [cause]


def test_the_others_are_run_as_examples_and_choices_of_their_faults() -> None:
    for number, row in FAILURES.items():
        if row.get("fault") in PROVEN:
            assert PROVEN[row["fault"]] == row["cause"], number
