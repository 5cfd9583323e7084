"""Workflow commands: undone as GitHub's runner undoes them, they give back what was meant."""

from __future__ import annotations

import re
from dataclasses import replace

import literals
import pytest
from hypothesis import given
from hypothesis import strategies as st

from okxdoctor.model import Severity
from okxdoctor.reports import github
from okxdoctor.reports.look import Look

COMMAND = re.compile(r"::(error|warning|notice) title=([^:,\r\n]*)::([^\r\n]*)")


def unescaped(text: str, *, in_property: bool) -> str:
    """The documented order: the percent sign last."""
    if in_property:
        text = text.replace("%3A", ":").replace("%2C", ",")
    return text.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")


@pytest.mark.parametrize("name", literals.ALL)
def test_one_annotation_for_each_root_and_a_plain_line(name: str) -> None:
    report = literals.ALL[name]
    *commands, summary = github.render(report, Look()).splitlines()
    assert all(COMMAND.fullmatch(command) for command in commands)
    assert not summary.startswith("::")
    assert f"exit {report.exit_code}" in summary
    roots = [c for c in commands if "okxdoctor explain" in c]
    assert len(roots) == len(report.diagnosis)
    if name in ("healthy", "skipped"):
        assert commands == []


def test_the_annotation_tells_the_cause() -> None:
    found = COMMAND.fullmatch(github.render(literals.ONE_ERROR, Look()).splitlines()[0])
    assert found is not None
    kind, title, message = found[1], unescaped(found[2], in_property=True), unescaped(found[3], in_property=False)
    assert kind == "error"
    assert title == "clock.ahead (yours, certain)"
    assert message.splitlines()[0] == literals.AHEAD.summary
    assert "To do: sudo chronyc makestep" in message
    assert "Explains: timestamp.expired" in message


@given(st.text())
def test_no_text_breaks_out_of_its_command(said: str) -> None:
    finding = replace(literals.AHEAD, summary=said, evidence={said: said}, remedy=(said, f"::error::{said}"))
    root = literals.root(finding, Severity.WARNING, literals.Blame.PATH)
    blind = replace(literals.INCONCLUSIVE.attempts[1], because=said or "-", check="a:b,c%")
    report = replace(literals.ONE_ERROR, attempts=(blind,), diagnosis=(root,))
    lines = github.render(report, Look()).split("\n")
    assert len(lines) == 4  # root, blind spot, summary, end of text
    for line in lines[:2]:
        assert COMMAND.fullmatch(line)
        assert "\r" not in line
    title = COMMAND.fullmatch(lines[1])
    assert title is not None
    assert unescaped(title[2], in_property=True) == "a:b,c% could not be judged"
