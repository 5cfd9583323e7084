"""The outcome as one JSON object: `okxdoctor.client-conformance/1`."""

from __future__ import annotations

import json
from typing import Any, Literal

from okxdoctor import __version__
from okxdoctor.conformance.client.reports.lines import proof, redactor
from okxdoctor.conformance.client.suite import Graded, Outcome

SCHEMA = "okxdoctor.client-conformance/1"


def document(outcome: Outcome, *, fail_on: Literal["must", "should"] = "must") -> dict[str, Any]:
    """The members of the object (`client.schema.json`); every number has its unit in its name."""
    code = outcome.exit_code(fail_on)
    clean = redactor(outcome.known)
    return {
        "schema": SCHEMA,
        "version": __version__,
        "command": [clean.text(word) for word in outcome.command],
        "verdict": {0: "conforms", 1: "fails", 3: "nothing graded", 4: "defect", 130: "interrupted"}[code],
        "exit_code": code,
        "seed": outcome.seed,
        "elapsed_ms": round(outcome.elapsed_ms, 1),
        "summary": {
            "passed": outcome.count("passed"),
            "failed": outcome.count("failed"),
            "not_exercised": outcome.count("not exercised"),
        },
        "notes": [clean.text(said) for said in outcome.said],
        "defects": [clean.text(defect) for defect in outcome.defects],
        "cases": [_case(one, outcome) for one in outcome.graded],
        "rounds": [
            {
                "name": trace.name,
                "elapsed_ms": round(trace.end_s * 1000, 1),
                "requests": len(trace.calls),
                "connections": len(trace.upgrades),
                "program_status": trace.ended.status if trace.ended is not None else None,
            }
            for trace in outcome.traces
        ],
    }


def _case(one: Graded, outcome: Outcome) -> dict[str, Any]:
    case, grade = one.case, one.grade
    return {
        "id": case.id,
        "area": case.area,
        "level": case.level,
        "requirement": case.requirement,
        "source": case.source,
        "grade": case.grade,
        "result": grade.verdict,
        "says": redactor(outcome.known).text(grade.says),
        "times": grade.times,
        "round": grade.proof.round if grade.proof is not None else None,
        "wire": list(proof(outcome, grade)),
    }


def render(outcome: Outcome, *, fail_on: Literal["must", "should"] = "must") -> str:
    return json.dumps(document(outcome, fail_on=fail_on), ensure_ascii=False, indent=2) + "\n"
