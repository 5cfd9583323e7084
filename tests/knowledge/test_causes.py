"""The vocabulary of verdicts: complete, unchanged, sourced, and every remedy something one can do."""

from __future__ import annotations

import datetime
import re
from pathlib import Path

import msgspec
import pytest

from okxdoctor.knowledge import CauseRow, cause, causes, families, family
from okxdoctor.knowledge.store import Malformed

ROWS = tuple(causes().values())
AGREED = [
    line.split()
    for line in Path(__file__).with_name("vocabulary.txt").read_text("utf-8").splitlines()
    if not line.startswith("#")
]

each_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.code)


def test_the_vocabulary_is_complete_and_unchanged() -> None:
    assert len(AGREED) == 127
    for code, severity, blame, *failures in AGREED:
        row = causes()[code]
        assert (row.severity, row.blame) == (severity, blame), code
        assert row.field_failures == (tuple(failures[0].split(",")) if failures else ()), code


def test_codes_are_unique_and_stand_in_the_file_of_their_family() -> None:
    codes = [row.code for name in families() for row in family(name)]
    assert len(codes) == len(set(codes)) == len(ROWS)
    for name in families():
        assert {row.family for row in family(name)} == {name}


def test_one_cause_is_found_without_the_others_and_an_unknown_one_is_an_error() -> None:
    assert cause("clock.ahead") is causes()["clock.ahead"]
    with pytest.raises(KeyError):
        cause("clock.purple")
    with pytest.raises(KeyError):
        cause("")
    with pytest.raises(KeyError):
        cause("../hosts.x")
    assert family("nothing") == ()


@each_row
def test_texts_are_present_short_and_plain(row: CauseRow) -> None:
    assert re.fullmatch(r"[a-z]+[a-z0-9]*\.[a-z0-9]+(-[a-z0-9]+)*", row.code)
    assert row.severity in {"error", "warning", "info"}
    assert row.blame in {"yours", "path", "exchange", "unknown"}
    assert 10 <= len(row.title) <= 80
    assert row.title[0].isupper()
    assert not row.title.endswith((".", "!"))
    assert len(row.tells) >= 15
    sentences = re.findall(r"[.:](?= [A-Z]|$)", row.meaning)
    assert 1 <= len(sentences) <= 6
    assert 60 <= len(row.meaning) <= 600
    for text in (row.title, row.tells, row.meaning, *row.remedy, *(one.by for one in row.look_alikes)):
        assert text == text.strip()
        assert "\n" not in text
        assert "  " not in text.replace("   ", " ").replace("     ", " ") or text in row.remedy


VAGUE = re.compile(
    r"check your (credentials|connection|settings|configuration|network)|try again later\.?$"
    r"|contact (your )?administrator|make sure everything"
    r"|verify your (key|credentials)|^(check|fix|retry)\W*$|something went wrong|as needed",
    re.IGNORECASE,
)


@each_row
def test_each_remedy_is_something_to_do(row: CauseRow) -> None:
    assert 1 <= len(row.remedy) <= 4
    for line in row.remedy:
        assert len(line) >= 20, line
        assert not VAGUE.search(line), line
    assert len(set(row.remedy)) == len(row.remedy)


def test_the_sieve_for_vague_remedies_catches_them() -> None:
    for line in ("Check your credentials", "Please try again later", "verify your key", "Retry."):
        assert VAGUE.search(line), line


@each_row
def test_source_date_and_grade_are_given(row: CauseRow) -> None:
    assert len(row.source) >= 8
    assert row.grade in {"documented", "observed", "assumed"}
    assert datetime.date(2025, 1, 1) < datetime.date.fromisoformat(row.seen) < datetime.date(2027, 1, 1)


@each_row
def test_look_alikes_exist_and_name_the_measurement(row: CauseRow) -> None:
    assert row.look_alikes
    for other in row.look_alikes:
        assert other.code in causes(), other.code
        assert other.code != row.code
        assert len(other.by) >= 15


def test_no_two_causes_share_a_title_or_a_meaning() -> None:
    assert len({row.title for row in ROWS}) == len(ROWS)
    assert len({row.meaning for row in ROWS}) == len(ROWS)


def test_commands_in_remedies_exist() -> None:
    """A remedy that names an okxdoctor command uses one, and options, of the fixed command line."""
    commands = {"run", "list", "sim", "conform", "explain", "inspect", "triage", "vectors"}
    options = {"--target", "--site", "--rest-url", "--ws-url", "--ca-file", "--dns-server", "--ntp-server", "--proxy",
               "--profile", "--config", "--need", "--instrument", "--order", "--only", "--skip", "--timeout",
               "--deadline", "--verbose", "--show-settings", "--burst", "--trade-mode", "--product"}  # fmt: skip
    for row in ROWS:
        for line in row.remedy:
            for words in re.findall(r"okxdoctor ((?:[^\s#;,)]+ ?)+)", line):
                first, *rest = words.split()
                if first in commands:
                    assert {word for word in rest if word.startswith("--")} <= options, line


def test_rows_are_plain_data() -> None:
    for row in ROWS:
        again = msgspec.convert(msgspec.json.decode(msgspec.json.encode(row)), CauseRow)
        assert again == row


def test_a_spoilt_row_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from okxdoctor.knowledge import cause_table, store

    monkeypatch.setattr(store, "from_toml", lambda path: {"cause": [{"code": "clock.ahead", "severity": "error"}]})
    with pytest.raises(Malformed, match=r"causes/clock.toml: clock.ahead: 'blame' is missing"):
        cause_table.family.__wrapped__("clock")
    monkeypatch.setattr(store, "from_toml", lambda path: {"cause": [{"code": "clock.ahead", "colour": "red"}]})
    with pytest.raises(Malformed, match="colour"):
        cause_table.family.__wrapped__("clock")


def test_sources_can_be_followed() -> None:
    """A reader outside the project can go to each source: documentation, standard, public thread, or our own choice."""
    known = re.compile(
        r"OKX (docs|change log|notice)|RFC \d+|[\w.-]+/[\w.-]+#\d+|recorded|logged|probe|Cloudflare|our choice"
        r"|operating system|measurement rule|inference|comparison|compared|noted case"
    )
    for row in ROWS:
        assert known.search(row.source), row.code
        assert "FF-" not in row.source, row.code
        if "inference" in row.source and "OKX" not in row.source and "RFC" not in row.source:
            assert row.grade == "assumed" or "recorded" in row.source, row.code
