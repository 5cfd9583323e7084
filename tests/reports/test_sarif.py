"""SARIF: the structure that the standard asks for, checked against a schema of its requirements written from the text
of the standard, and the meaning: one result for each root cause, none lost.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import jsonschema
import literals
import pytest
from hypothesis import given
from hypothesis import strategies as st

from okxdoctor import knowledge
from okxdoctor.model import Severity
from okxdoctor.reports import sarif
from okxdoctor.reports.look import Look

# The requirements of SARIF 2.1.0 on the objects that are used, by section. The properties that the standard defines for
# an object and that are not used here are not allowed: a misspelt name is no property of the standard.
MESSAGE = {
    "type": "object",
    "required": ["text"],
    "additionalProperties": False,
    "properties": {"text": {"type": "string", "minLength": 1}},
}  # 3.11
BAG = {"type": "object"}  # 3.8
LEVEL = {"enum": ["none", "note", "warning", "error"]}  # 3.27.10, 3.58.6
INSTANT = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$"}  # 3.9


def _object(required: str, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": required.split(), "additionalProperties": False, "properties": properties}


LOCATION = _object(  # 3.28
    "",
    physicalLocation=_object("artifactLocation", artifactLocation=_object("uri", uri={"type": "string"})),
    logicalLocations={"type": "array", "uniqueItems": True, "items": _object(
        "", name={"type": "string"}, fullyQualifiedName={"type": "string"}, kind={"type": "string"})},
)  # fmt: skip
RULE = _object(  # 3.49
    "id",
    id={"type": "string", "minLength": 1}, name={"type": "string"}, shortDescription=MESSAGE, fullDescription=MESSAGE,
    help=MESSAGE, defaultConfiguration=_object("", level=LEVEL), properties=BAG,
)  # fmt: skip
RESULT = _object(  # 3.27; a level other than none needs the kind fail, which is the default
    "message ruleId ruleIndex level",
    ruleId={"type": "string"}, ruleIndex={"type": "integer", "minimum": 0}, level=LEVEL, message=MESSAGE,
    locations={"type": "array", "items": LOCATION},
    partialFingerprints={"type": "object", "additionalProperties": {"type": "string"}},
    suppressions={"type": "array", "items": _object(
        "kind", kind={"enum": ["inSource", "external"]}, justification={"type": "string"})},
    properties=BAG,
)  # fmt: skip
INVOCATION = _object(  # 3.20
    "executionSuccessful",
    executionSuccessful={"type": "boolean"}, exitCode={"type": "integer"}, startTimeUtc=INSTANT, endTimeUtc=INSTANT,
    toolExecutionNotifications={"type": "array", "items": _object(  # 3.58
        "message", level=LEVEL, message=MESSAGE, descriptor=_object("id", id={"type": "string"}))},
)  # fmt: skip
LOG = _object(  # 3.13 and 3.14
    "version runs",
    **{"$schema": {"type": "string", "format": "uri"}, "version": {"const": "2.1.0"}},
    runs={"type": "array", "minItems": 1, "maxItems": 1, "items": _object(
        "tool results",
        tool=_object("driver", driver=_object(
            "name", name={"const": "okxdoctor"}, version={"type": "string"},
            rules={"type": "array", "uniqueItems": True, "items": RULE})),
        automationDetails=_object("id", id={"type": "string"}),
        invocations={"type": "array", "items": INVOCATION},
        columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
        results={"type": "array", "items": RESULT}, properties=BAG)},
)  # fmt: skip


def _run(report: Any) -> dict[str, Any]:
    log = json.loads(sarif.render(report, Look()))
    jsonschema.Draft202012Validator(LOG).validate(log)
    run: dict[str, Any] = log["runs"][0]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert len(set(rules)) == len(rules)
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"], "3.52.5: the index is that of the rule"
    assert {result["ruleId"] for result in run["results"]} == set(rules)
    return run


@pytest.mark.parametrize("name", literals.ALL)
def test_every_report_is_valid_and_loses_nothing(name: str) -> None:
    report = literals.ALL[name]
    run = _run(report)
    strong = [result for result in run["results"] if result["level"] in ("error", "warning")]
    assert [(one["ruleId"], one["level"]) for one in strong] == [
        (root.code, root.severity.value) for root in report.diagnosis
    ]
    (invocation,) = run["invocations"]
    assert invocation["exitCode"] == report.exit_code
    assert invocation["executionSuccessful"] is (name not in ("interrupted", "broken"))
    told = [one["message"]["text"] for one in invocation["toolExecutionNotifications"]]
    for attempt in report.attempts:
        if attempt.because:
            assert any(attempt.check in text and attempt.because in text for text in told)


def test_a_result_says_what_to_do_and_what_it_explains() -> None:
    run = _run(literals.ONE_ERROR)
    (result,) = run["results"]
    assert result["message"]["text"].startswith(literals.AHEAD.summary)
    assert "skew 45.02 s" in result["message"]["text"]
    assert "sudo chronyc makestep" in result["message"]["text"]
    assert result["properties"]["explains"] == [{"code": "timestamp.expired", "summary": literals.EXPIRED.summary}]
    assert result["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] == "clock"
    (rule,) = run["tool"]["driver"]["rules"]
    assert rule["shortDescription"]["text"] == knowledge.cause("clock.ahead").title
    assert "okxdoctor explain clock.ahead" in rule["help"]["text"]


def test_the_fingerprint_is_that_of_the_cause_and_not_of_its_numbers() -> None:
    def prints(report: Any) -> list[str]:
        return [one["partialFingerprints"]["cause/v1"] for one in _run(report)["results"]]

    later = replace(literals.AHEAD, summary="The clock is 46 s ahead.", evidence={"skew_s": 46})
    root = literals.root(later, Severity.ERROR, literals.Blame.YOURS)
    moved = replace(literals.ONE_ERROR, attempts=(literals.done("clock", "x", later),), diagnosis=(root,))
    assert prints(moved) == prints(literals.ONE_ERROR)
    assert prints(replace(moved, target=literals.LIVE)) != prints(moved)
    assert len(set(prints(literals.TWO_ROOTS))) == 2


def test_what_a_baseline_accepts_is_suppressed_with_its_reason() -> None:
    accepted = replace(literals.ONE_ERROR.diagnosis[0], accepted="known (ops, until 2027-01-31)")
    run = _run(replace(literals.ONE_ERROR, diagnosis=(), accepted=(accepted,), exit_code=0))
    (result,) = run["results"]
    assert result["suppressions"] == [{"kind": "external", "justification": "known (ops, until 2027-01-31)"}]


def test_a_cause_outside_the_vocabulary_is_a_rule_all_the_same() -> None:
    odd = replace(literals.AHEAD, code="mycheck.odd")
    root = literals.root(odd, Severity.ERROR, literals.Blame.YOURS)
    run = _run(replace(literals.ONE_ERROR, attempts=(literals.done("my", "x", odd),), diagnosis=(root,)))
    assert run["tool"]["driver"]["rules"] == [{"id": "mycheck.odd"}]


@given(st.text(alphabet=st.characters(exclude_categories=()), max_size=40))
def test_any_text_is_valid(said: str) -> None:
    finding = replace(literals.AHEAD, summary=said, subject=said, evidence={said or "x": said})
    root = replace(literals.root(finding, Severity.ERROR, literals.Blame.YOURS), remedy=(said,), excluded=(said,))
    target = replace(literals.LIVE, rest=said, site=said)
    left = replace(literals.SKIPPED.attempts[-1], because=said)
    _run(
        replace(
            literals.ONE_ERROR,
            attempts=(literals.done("clock", said, finding), left),
            diagnosis=(root,),
            target=target,
            started=said,
            notes=(said,),
        )
    )
