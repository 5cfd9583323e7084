"""The healthy exchange leads to no cause. A false alarm is as bad as a wrong diagnosis."""

from __future__ import annotations

import os

import pytest

from okxdoctor.model import Outcome, Verdict

RUNS = int(os.environ.get("OKXDOCTOR_HEALTHY_RUNS", "6"))


@pytest.mark.parametrize("seed", range(1, RUNS + 1))
def test_a_healthy_world_gives_no_diagnosis(run, seed: int) -> None:
    report = run(seed=seed)
    assert [d.code for d in report.diagnosis] == []
    assert (report.verdict, report.exit_code) == (Verdict.HEALTHY, 0)
    looked = {a.check: a.outcome for a in report.attempts}
    assert {id for id, outcome in looked.items() if outcome is not Outcome.COMPLETED} <= {"proxy", "order.trip"}
    assert report.requests <= 60
    assert report.connections <= 40


def test_a_healthy_burst_is_no_alarm_either(run) -> None:
    report = run(burst=True)
    assert [d.code for d in report.diagnosis] == []
    assert report.exit_code == 0
