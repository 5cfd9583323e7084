"""`okxdoctor list`."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner, Result

from okxdoctor.cli.list_ import list_
from okxdoctor.cli.main import main
from okxdoctor.knowledge import causes


def run(*arguments: str) -> Result:
    return CliRunner(env={"COLUMNS": "80"}).invoke(list_, list(arguments))


def rows(kind: str) -> list[dict[str, object]]:
    result = run(kind, "--format", "json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.output)
    assert isinstance(found, list)
    return found


@pytest.mark.parametrize("kind", ["causes", "checks", "faults", "formats", "fidelity"])
def test_text_has_a_line_for_each_row_and_fits(kind: str) -> None:
    result = run(kind)
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert all(len(line) <= 80 for line in lines)
    assert sum(not line.startswith(" ") for line in lines) == len(rows(kind))


@pytest.mark.parametrize(("kind", "members"), [("cases", ("requirement", "source")), ("fidelity", ("source", "seen"))])
def test_text_tells_where_a_rule_comes_from(kind: str, members: tuple[str, ...]) -> None:
    told = "".join(run(kind).output.split())
    for row in rows(kind):
        for member in members:
            assert "".join(str(row[member]).split()) in told, row
    assert "FF-" not in told


def test_causes_are_the_whole_vocabulary() -> None:
    found = rows("causes")
    assert [row["code"] for row in found] == list(causes())
    assert found[0].keys() == {"code", "severity", "blame", "title"}


def test_checks_name_their_causes() -> None:
    found = rows("checks")
    assert "clock" in {row["id"] for row in found}
    for row in found:
        assert row.keys() == {"id", "title", "causes", "needs"}
        assert isinstance(row["causes"], list)
        assert set(row["causes"]) <= set(causes()), row["id"]


def test_faults_have_the_documented_members_and_lead_to_known_causes() -> None:
    found = rows("faults")
    names = [row["name"] for row in found]
    assert len(set(names)) == len(names)
    assert "clock-ahead" in names
    for row in found:
        assert list(row) == ["name", "example", "layer", "says", "cause"]
        assert row["cause"] in causes(), row["name"]
        assert str(row["example"]).partition("=")[0] == row["name"]
        assert row["says"]


def test_formats() -> None:
    found = rows("formats")
    assert found[0]["name"] == "text"
    assert {"text", "json", "jsonl", "junit", "github"} <= {row["name"] for row in found}


def test_fidelity_grades_every_behaviour() -> None:
    found = rows("fidelity")
    assert found
    for row in found:
        assert {"behaviour", "grade", "source"} <= row.keys()
        assert row["grade"] in {"documented", "observed", "assumed"}


def test_an_unknown_kind_ends_with_2_and_names_the_kinds(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "everything"]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert "causes" in err
    assert "faults" in err


def test_without_a_kind_it_is_a_usage_error() -> None:
    assert run().exit_code == 2
