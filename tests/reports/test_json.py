"""JSON: the contract's fields in the contract's order, valid by the shipped schema, for any content."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.resources import files
from typing import Any

import jsonschema
import literals
import pytest
from hypothesis import given
from hypothesis import strategies as st

from okxdoctor.model import Report
from okxdoctor.reports import json as json_format
from okxdoctor.reports import jsonl
from okxdoctor.reports.look import Look

# The order of members as the contract prints them.
REPORT = ["schema", "version", "target", "started", "elapsed_ms", "verdict", "exit_code", "diagnosis", "checks"]
DIAGNOSIS = ["code", "severity", "blame", "summary", "confidence", "evidence", "explains", "excluded", "remedy", "help"]
CHECK = ["id", "title", "outcome", "because", "elapsed_ms", "findings", "facts"]
FINDING = ["code", "severity", "summary", "evidence"]


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((files("okxdoctor.reports") / "report.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(loaded)
    return loaded


def _strict(text: str) -> Any:
    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    return json.loads(text, parse_constant=refuse)


@pytest.mark.parametrize("name", literals.ALL)
def test_valid_by_the_schema_and_in_order(name: str, schema: dict[str, Any]) -> None:
    value = _strict(json_format.render(literals.ALL[name], Look()))
    jsonschema.validate(value, schema)
    assert list(value) == REPORT
    assert list(value["target"]) == ["kind", "site", "rest", "ws"]
    for diagnosis in value["diagnosis"]:
        assert list(diagnosis) == DIAGNOSIS
    for check in value["checks"]:
        assert list(check) == CHECK
        assert [list(finding) for finding in check["findings"]] == [FINDING] * len(check["findings"])


def test_values_are_the_report_s() -> None:
    value = _strict(json_format.render(literals.ONE_ERROR, Look()))
    assert value["schema"] == "okxdoctor.report/1"
    assert (value["verdict"], value["exit_code"], value["elapsed_ms"]) == ("broken", 1, 412.7)
    (root,) = value["diagnosis"]
    assert root["evidence"] == {"skew_s": 45.02, "width_s": 0.01, "limit_s": 30, "ntp_servers": 3}
    assert root["explains"] == ["timestamp.expired"]
    assert root["help"] == "okxdoctor explain clock.ahead"
    assert [check["id"] for check in value["checks"]] == [a.check for a in literals.ONE_ERROR.attempts]
    skipped = value["checks"][-1]
    assert (skipped["outcome"], skipped["because"], skipped["facts"]) == ("skipped", "signature did not pass", {})


def test_a_finding_without_its_own_severity_has_the_vocabulary_s(schema: dict[str, Any]) -> None:
    bare = replace(literals.DRIFTING, severity=None)
    report = replace(literals.HEALTHY, attempts=(literals.done("clock", "x", bare),))
    value = _strict(json_format.render(report, Look()))
    jsonschema.validate(value, schema)
    assert value["checks"][0]["findings"][0]["severity"] == "warning"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda v: v.pop("verdict"),
        lambda v: v.update(extra=1),
        lambda v: v["diagnosis"][0].update(severity="info"),
        lambda v: v["diagnosis"][0].pop("remedy"),
        lambda v: v["checks"][0].update(surprise=True),
        lambda v: v["checks"][0].update(because="it is completed"),
        lambda v: v["checks"][-1].update(because=None),
        lambda v: v.update(exit_code=2),
        lambda v: v.update(started="yesterday"),
    ],
)
def test_the_schema_is_strict(spoil: Any, schema: dict[str, Any]) -> None:
    value = _strict(json_format.render(literals.ONE_ERROR, Look()))
    spoil(value)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(value, schema)


_LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
_FACTS = st.dictionaries(
    st.text(), st.recursive(_LEAVES, lambda s: st.lists(s) | st.dictionaries(st.text(), s), max_leaves=8)
)


def _holding(facts: dict[str, Any], said: str) -> Report:
    finding = replace(literals.AHEAD, summary=said or "-", evidence=facts)
    attempt = replace(literals.done("clock", "title", finding), facts=facts)
    return replace(literals.ONE_ERROR, attempts=(attempt,), notes=(said,))


@given(_FACTS, st.text(alphabet=st.characters(exclude_categories=())))
def test_any_content_is_one_valid_document(facts: dict[str, Any], said: str) -> None:
    report = _holding(facts, said)
    document = json_format.render(report, Look())
    value = _strict(document)
    assert value["checks"][0]["facts"].keys() >= {k for k in facts if k.isascii()}
    document.encode("ascii")
    lines = jsonl.render(report, Look()).splitlines()
    assert [_strict(line)["type"] for line in lines] == ["run", "check", "diagnosis", "summary"]


@pytest.mark.parametrize("name", literals.ALL)
def test_jsonl_is_the_same_report_line_by_line(name: str) -> None:
    report = literals.ALL[name]
    value = _strict(json_format.render(report, Look()))
    lines = [_strict(line) for line in jsonl.render(report, Look()).splitlines()]
    by_type: dict[str, list[dict[str, Any]]] = {}
    for line in lines:
        by_type.setdefault(line.pop("type"), []).append(line)
    assert by_type.get("check", []) == value["checks"]
    assert by_type.get("diagnosis", []) == value["diagnosis"]
    (head,), (summary,) = by_type["run"], by_type["summary"]
    assert {**head, **summary}.items() >= {
        (k, v) for k, v in value.items() if k not in ("target", "diagnosis", "checks")
    }
    assert head["target"] == value["target"]
    assert summary["errors"] + summary["warnings"] == len(value["diagnosis"])
    assert summary["interrupted"] is report.interrupted
