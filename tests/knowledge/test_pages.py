"""Pages: they fit the width, and their first line is the answer."""

from __future__ import annotations

import json
import re

import pytest

from okxdoctor.knowledge import CodeRow, causes, codes, endpoints, families
from okxdoctor.knowledge.cause_table import title
from okxdoctor.knowledge.lookup import Found, find
from okxdoctor.knowledge.pages import reflowed, text, value

EVERY: tuple[Found, ...] = (
    *causes().values(),
    *codes().values(),
    *(found for name in families() if (found := find(name))),
    *(found for row in endpoints() if (found := find(row.path))),
)


def test_every_page_fits_eighty_columns() -> None:
    for found in EVERY:
        for line in text(found, 80).splitlines():
            assert len(line) <= 80, line
            assert line == line.rstrip(), line
            assert line.isprintable(), line


@pytest.mark.parametrize("width", [40, 60, 100])
def test_other_widths_are_kept_too(width: int) -> None:
    for found in EVERY[:: 3 if width == 60 else 1]:
        for line in text(found, width).splitlines():
            assert len(line) <= width, line


def test_the_first_line_is_the_answer() -> None:
    for found in EVERY:
        page = text(found, 80)
        first = page.splitlines()[0]
        if isinstance(found, CodeRow):
            answer = found.meaning.partition(". ")[0]
            assert first.startswith(f"{found.code}: {answer[:25]}"), first
        assert page.endswith("\n")
        assert not page.endswith("\n\n")


def test_every_word_of_a_remedy_reaches_the_page() -> None:
    for row in causes().values():
        page = " ".join(text(row, 80).split())
        for line in row.remedy:
            assert all(word in page for word in line.split()), row.code


PROGRAMS = ("okxdoctor", "curl", "openssl", "python", "sudo", "printf", "env", "unset", "export", "grep", "chmod", "nc")


def test_commands_stay_whole_and_can_be_copied() -> None:
    """A command stands on one line; one that is too long breaks behind an operator only, where a shell reads on."""
    for row in causes().values():
        lines = text(row, 80).splitlines()
        for piece in (piece for line in row.remedy for piece in re.split(r" {3,}", line)):
            if not piece.startswith(PROGRAMS) or piece in (line[5:] for line in lines):
                continue
            if any(piece in line for line in lines):
                continue
            first = next(line for line in lines if line[5:].strip() and piece.startswith(line[5:].strip()))
            assert first.endswith(("|", "&&", ";")), piece


def test_titles_read_without_parsing_are_the_parsed_ones() -> None:
    for code, row in causes().items():
        assert title(code) == row.title
    with pytest.raises(KeyError):
        title("clock.purple")
    with pytest.raises(KeyError):
        title("nothing.at-all")


def test_a_code_page_shows_causes_with_titles_status_and_next_step() -> None:
    found = find("50119")
    assert found is not None
    page = text(found, 80)
    assert "region.wrong-rest-host  The REST host belongs to another site than the key" in page
    assert "200 documented, 401 observed" in page
    assert "Next:  okxdoctor run --only 'region.*' --only 'key.*'" in page


def test_an_endpoint_page_tells_budget_scope_and_access() -> None:
    found = find("trade/batch-orders")
    assert found is not None
    lines = text(found, 80).splitlines()
    assert lines[0] == "POST /api/v5/trade/batch-orders: 300 orders in 2 s"
    assert lines[1] == "  counted by User ID + Instrument ID (options: User ID + Instrument Family)"
    assert lines[2] == "  must be signed; the key needs the permission trade"
    public = find("public/time")
    assert public is not None
    assert "10 requests in 2 s" in text(public, 80)
    assert "public, without a key" in text(public, 80)
    (row,) = value(public)
    assert isinstance(row, dict)
    assert (row["kind"], row["limit"], row["scope"]) == ("endpoint", 10, "IP")


def test_values_are_json_and_carry_everything() -> None:
    for found in EVERY:
        rows = value(found)
        assert json.loads(json.dumps(rows)) == rows
    (row,) = value(causes()["clock.ahead"])
    assert isinstance(row, dict)
    assert row["kind"] == "cause"
    assert row["remedy"] == list(causes()["clock.ahead"].remedy)


def test_reflowed_docstrings_keep_tables() -> None:
    page = "A sentence that is\nbroken early.\n\nTable\n  name    " + "words " * 20 + "\n  other   short\n* point\nlast"
    lines = list(reflowed(page, 60))
    assert lines[0] == "A sentence that is broken early."
    assert "Table" in lines
    assert "  other   short" in lines
    assert all(len(line) <= 60 for line in lines)
    hanging = lines[lines.index("Table") + 2]
    assert hanging.startswith(" " * 10 + "words")
