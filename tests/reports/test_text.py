"""The text report: pinned pages, every width, every kind of terminal, hostile content."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import literals
import pytest
from hypothesis import given
from hypothesis import strategies as st

from okxdoctor.model import Outcome, Report, Severity, Verdict
from okxdoctor.reports import html, text
from okxdoctor.reports.look import Look

GOLDEN = Path(__file__).parent / "golden"
ANSI = re.compile(r"\x1b\[[0-9;]*m")


@pytest.mark.parametrize("name", literals.ALL)
def test_pinned_page(name: str) -> None:
    """Width 80, no colour. After an intended change: `python tests/reports/test_text.py`, then read the difference."""
    page = text.render(literals.ALL[name], Look(width=80))
    assert page == (GOLDEN / f"{name}.txt").read_text("utf-8")


@pytest.mark.parametrize("width", [1, 40, 57, 80, 100, 120, 500])
@pytest.mark.parametrize("verbose", [False, True])
@pytest.mark.parametrize("name", literals.ALL)
def test_lines_fit(name: str, width: int, verbose: bool) -> None:
    page = text.render(literals.ALL[name], Look(width=width, verbose=verbose))
    room = max(40, min(width, 120))
    commands = {remedy for root in literals.ALL[name].diagnosis for remedy in root.remedy}
    assert [
        line for line in page.splitlines() if len(line) > room and line.split("do ")[-1].strip() not in commands
    ] == []
    assert page.endswith("\n")
    assert not page.endswith("\n\n")
    assert [line for line in page.splitlines() if line != line.rstrip()] == []


@pytest.mark.parametrize("name", literals.ALL)
def test_colour_changes_no_character(name: str) -> None:
    report = literals.ALL[name]
    for verbose in (False, True):
        coloured = text.render(report, Look(colour=True, verbose=verbose))
        assert "\x1b[" in coloured
        assert ANSI.sub("", coloured) == text.render(report, Look(verbose=verbose))


@pytest.mark.parametrize("name", literals.ALL)
def test_ascii(name: str) -> None:
    page = text.render(literals.ALL[name], Look(unicode=False))
    assert page.isascii()
    assert "\\u" not in page


def test_the_first_line_is_the_answer() -> None:
    first = {name: text.render(report, Look()).splitlines()[0] for name, report in literals.ALL.items()}
    assert first["one-error"] == "✗ The clock of this machine is 45.0 s ahead of the exchange."
    assert first["warning"].startswith("! The clock is 1.8 s behind")
    assert first["healthy"].startswith("✓ Healthy")
    for name in ("inconclusive", "broken"):
        assert first[name].startswith("? ")
    assert first["interrupted"] == first["one-error"]


def test_wide_terminals_have_code_and_blame_on_the_first_line() -> None:
    first = text.render(literals.ONE_ERROR, Look(width=110)).splitlines()[0]
    assert first.endswith("clock.ahead · yours · certain")


@pytest.mark.parametrize("width", [40, 80, 120])
def test_a_command_is_never_broken(width: int) -> None:
    """Broken over two lines it could not be copied; a comment or another system's command goes to the next line."""
    command = "openssl s_client -connect openapi.okx.com:443 </dev/null | openssl x509 -noout -issuer -dates"
    sentence = "Own gateway: renew its certificate, reload the server, and look again after a minute or two has passed"
    finding = replace(literals.AHEAD, remedy=(f"{command}   # the dates", f"Linux: sudo {command}", sentence))
    root = literals.root(finding, Severity.ERROR, literals.Blame.YOURS)
    lines = text.render(replace(literals.ONE_ERROR, diagnosis=(root,)), Look(width=width)).splitlines()
    assert sum(command in line for line in lines) == 2
    assert (sentence in "\n".join(lines)) is (width == 120)
    assert " ".join(sentence.split()) in " ".join(" ".join(lines).split())


def test_every_part_of_a_diagnosis_is_printed() -> None:
    page = text.render(literals.ONE_ERROR, Look(width=120))
    (root,) = literals.ONE_ERROR.diagnosis
    for part in (root.summary, root.code, *root.remedy, *root.explains, *root.excluded, root.help, "45.02 s"):
        assert part in page


def test_a_healthy_run_is_short() -> None:
    assert len(text.render(literals.HEALTHY, Look()).splitlines()) <= 8


def test_a_healthy_run_says_what_was_not_looked_at() -> None:
    page = text.render(literals.SKIPPED, Look())
    assert "key, signature: skipped, no API key is set" in page


def test_quiet_is_one_line_for_each_root() -> None:
    assert len(text.render(literals.HEALTHY, Look(quiet=True)).splitlines()) == 1
    assert len(text.render(literals.TWO_ROOTS, Look(quiet=True)).splitlines()) == 2
    assert "[clock.ahead]" in text.render(literals.TWO_ROOTS, Look(quiet=True))


@pytest.mark.parametrize("verbose", [False, True])
def test_no_check_is_dropped(verbose: bool) -> None:
    for report in literals.ALL.values():
        page = text.render(report, Look(verbose=verbose))
        for attempt in report.attempts:
            assert re.search(rf"\b{attempt.check}\b", page), attempt.check
            if attempt.outcome in (Outcome.SKIPPED, Outcome.INCONCLUSIVE, Outcome.BROKEN):
                assert attempt.because
                assert attempt.because.split()[0] in page


def test_the_closing_line_has_verdict_and_exit_code() -> None:
    for report in literals.ALL.values():
        page = text.render(report, Look(width=120))
        last = page.splitlines()[-1]
        assert last.startswith(report.verdict.value)
        assert last.endswith(f"exit {report.exit_code}")


def test_accepted_causes_and_notes_are_told() -> None:
    accepted = replace(literals.WARNING.diagnosis[0], accepted="new time server next week (ops, until 2027-01-31)")
    report = replace(literals.HEALTHY, accepted=(accepted,), notes=("the acceptance of x expired",))
    page = text.render(report, Look())
    assert "accepted clock.drifting: new time server next week" in page
    assert "the acceptance of x expired" in page
    # A cause that stands below as accepted was found.
    assert page.splitlines()[0] == f"✓ Nothing was found beyond what the baseline accepts ({accepted.code})."
    assert "Healthy" not in html.render(report, Look())


HOSTILE = "\x1b]0;owned\x07 \x1b[2J\r\nline two\u202e\x00\u2028tab\t"


def _with_text(report: Report, said: str) -> Report:
    finding = replace(literals.AHEAD, summary=said or "-", evidence={said or "a": said, "b": [said, {said: 1.0}]})
    attempt = replace(literals.ONE_ERROR.attempts[0], findings=(finding,), title=said)
    blind = replace(literals.INCONCLUSIVE.attempts[1], because=said)
    root = literals.root(finding, Severity.ERROR, literals.Blame.YOURS, "timestamp.expired")
    root = replace(root, remedy=(said,), excluded=(said,), accepted=said)
    return replace(
        report,
        diagnosis=(root,),
        attempts=(attempt, blind, replace(blind, outcome=Outcome.SKIPPED)),
        notes=(said,),
        accepted=(root,),
        verdict=Verdict.BROKEN,
    )


@pytest.mark.parametrize("look", [Look(), Look(verbose=True), Look(quiet=True), Look(unicode=False)])
def test_what_a_server_says_cannot_steer_the_terminal(look: Look) -> None:
    page = text.render(_with_text(literals.ONE_ERROR, HOSTILE), look)
    assert all(c.isprintable() or c == "\n" for c in page)


@given(st.text(max_size=200), st.integers(1, 200), st.booleans())
def test_any_text_is_laid_out(said: str, width: int, verbose: bool) -> None:
    page = text.render(_with_text(literals.ONE_ERROR, said), Look(width=width, verbose=verbose, unicode=False))
    assert page.isascii()
    assert page.endswith("exit 1\n")


def test_headlines_where_nothing_was_found() -> None:
    nothing = tuple(a for a in literals.SKIPPED.attempts if a.outcome is Outcome.SKIPPED)
    blind = literals.report(*nothing, verdict=Verdict.INCONCLUSIVE, exit_code=3)
    assert text.render(blind, Look()).startswith("? Nothing was looked at.\n")
    early = literals.report(*nothing, verdict=Verdict.INCONCLUSIVE, exit_code=130, interrupted=True)
    assert text.render(early, Look()).startswith("? Interrupted before anything wrong was found.\n")
    gate = replace(literals.HEALTHY, target=replace(literals.LIVE, rest="https://gate.example:8443/x"))
    assert text.render(gate, Look()).startswith("✓ Healthy: nothing wrong was found on the way to gate.example:8443.\n")


if __name__ == "__main__":
    for name, literal in literals.ALL.items():
        (GOLDEN / f"{name}.txt").write_text(text.render(literal, Look(width=80)), "utf-8")
