"""Markdown: read back by a CommonMark parser; whatever a server said stays text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import literals
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from okxdoctor.model import Severity
from okxdoctor.reports import markdown
from okxdoctor.reports.look import Look
from okxdoctor.reports.words import one_line

PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def _inline(page: str) -> Iterator[Token]:
    for token in PARSER.parse(page):
        yield token
        yield from token.children or ()


@pytest.mark.parametrize("name", literals.ALL)
def test_every_report_has_its_roots_and_checks(name: str) -> None:
    report = literals.ALL[name]
    page = markdown.render(report, Look())
    headings = [token.content for token in PARSER.parse(page) if token.type == "inline" and token.level == 1]
    assert any(report.verdict.value in heading for heading in headings)
    for root in report.diagnosis:
        assert f"`{root.code}`" in page
        assert f"`okxdoctor explain {root.code}`" in page
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert len(rows) == len(report.attempts)
    assert "<details>" not in markdown.render(report, Look(quiet=True))


def test_commands_stand_in_fences_and_sentences_in_lists() -> None:
    root = replace(
        literals.ONE_ERROR.diagnosis[0],
        remedy=("Linux: sudo chronyc makestep   (where chrony runs)   WSL: sudo hwclock -s", "Ask the network team"),
    )
    page = markdown.render(replace(literals.ONE_ERROR, diagnosis=(root,)), Look())
    (fence,) = [token for token in PARSER.parse(page) if token.type == "fence"]
    assert fence.content.splitlines() == [
        "sudo chronyc makestep   # Linux; where chrony runs",
        "sudo hwclock -s   # WSL",
    ]
    assert "- Ask the network team" in page


OPENERS = ("link_open", "image", "code_block", "blockquote_open", "ordered_list_open", "hr", "s_open", "strong_open")
TRAPS = (
    "@octocat look at #12 and okx/okx#1", "<img src=x onerror=alert(1)>", "[a](https://e.test)", "![x](y)", "a | b",
    "`code` ``two`` ```three", "**b** _i_ ~~s~~", "# head", "- item", "1. item", "> quote", "    code", "---",
    "&amp; &lt;",     "\\", "a\\|b", "www.example.test", "https://example.test/x", "$x^2$", "</details>", "<!-- -->",
    "GH-12", "==", "+ x",
)  # fmt: skip


@given(st.text(max_size=60) | st.sampled_from(TRAPS))
@example("a\u2028b")
@example("|")
def test_whatever_was_said_stays_text(said: str) -> None:
    line = one_line(said)
    parsed = PARSER.parse(f"### x {markdown.escaped(said)}")
    (inline,) = [token for token in parsed if token.type == "inline"]
    texts = [child for child in inline.children or () if child.type in ("text", "text_special", "softbreak")]
    assert len(texts) == len(inline.children or ()), [child.type for child in inline.children or ()]
    assert "".join(child.content for child in texts) == f"x {line.strip()}".strip()


@pytest.mark.parametrize("said", TRAPS)
def test_no_trap_opens_anything_in_the_page(said: str) -> None:
    finding = replace(literals.AHEAD, summary=said, evidence={"said": said})
    root = replace(literals.root(finding, Severity.ERROR, literals.Blame.YOURS), remedy=(said, f"sudo x {said}"))
    report = replace(
        literals.ONE_ERROR,
        attempts=(literals.done("clock", said, finding), replace(literals.SKIPPED.attempts[-1], because=said)),
        diagnosis=(root,),
        notes=(said,),
    )
    page = markdown.render(report, Look())
    tokens = list(_inline(page))
    html = [token.content.strip() for token in tokens if token.type in ("html_block", "html_inline")]
    assert html == ["<details><summary>Checks</summary>", "</details>"]
    assert not [token.type for token in tokens if token.type in OPENERS]
    assert len([token for token in tokens if token.type == "table_open"]) == 2
    assert len([token for token in tokens if token.type == "bullet_list_open"]) <= 3, "no list in a list"
    # A mention or a reference works wherever GitHub sees it, but not behind a character reference.
    outside = [re.sub(r"&#\d+;", "", token.content) for token in tokens if token.type == "inline"]
    assert not any("@" in content or "#" in content for content in outside)
