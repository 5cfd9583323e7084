"""HTML: balanced, self-contained, everything escaped; in a real browser where one is installed."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import literals
import pytest
from hypothesis import given
from hypothesis import strategies as st

from okxdoctor.model import Report, Severity
from okxdoctor.reports import html
from okxdoctor.reports.look import Look
from okxdoctor.reports.words import one_line
from okxdoctor.reports.xml_text import clean

VOID = {"meta", "br"}
TAGS = {
    *("html", "head", "meta", "title", "style", "body", "header", "main", "footer", "section", "h1", "h2", "h3", "p"),
    *("time", "dl", "dt", "dd", "pre", "code", "ul", "li", "table", "thead", "tbody", "tr", "th", "td", "b", "span"),
    *("br", "details", "summary"),
}


class Page(HTMLParser):
    """The tags, attributes and texts of a page. Fails where an end tag has no start."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def hostile(said: str) -> Report:
    finding = replace(literals.AHEAD, summary=said, evidence={said or "x": said, "more": [said]})
    root = replace(literals.root(finding, Severity.ERROR, literals.Blame.YOURS), remedy=(said,), excluded=(said,))
    return replace(
        literals.ONE_ERROR,
        attempts=(
            replace(literals.done("clock", said, finding), facts={said: [said]}),
            replace(literals.SKIPPED.attempts[-1], because=said),
        ),
        diagnosis=(root,),
        notes=(said,),
        target=replace(literals.LIVE, rest=said, site=said),
        started=said,
    )


def judged(page: str) -> Page:
    """Only known tags, no attribute that loads, links or runs something."""
    parsed = Page(page)
    assert set(parsed.tags) <= TAGS
    allowed = {"lang", "charset", "name", "content", "http-equiv", "class", "datetime"}
    assert {name for _, name, _ in parsed.attributes} <= allowed
    for tag, name, value in parsed.attributes:
        assert name != "class" or value in {"dim", "good", "warning", "error", "info", "tag"}, (tag, value)
    return parsed


@pytest.mark.parametrize("name", literals.ALL)
@pytest.mark.parametrize("look", [Look(), Look(verbose=True), Look(quiet=True)], ids=["usual", "verbose", "quiet"])
def test_every_report_is_a_whole_page(name: str, look: Look) -> None:
    report = literals.ALL[name]
    page = html.render(report, look)
    parsed = judged(page)
    texts = " ".join(parsed.texts)
    for root in report.diagnosis:
        assert one_line(root.summary) in texts
        assert root.help in texts
    for attempt in report.attempts:
        assert look.quiet or attempt.title in texts
    assert len(page.encode()) < 40_000
    assert ("http-equiv", "Content-Security-Policy") in [(name, value) for _, name, value in parsed.attributes]
    assert "url(" not in page
    assert "@import" not in page


def test_verbose_has_the_facts_and_cuts_them() -> None:
    big = replace(literals.HEALTHY.attempts[0], facts={"rows": ["x" * 100] * 2_000})
    page = html.render(replace(literals.HEALTHY, attempts=(big,) * 10), Look(verbose=True))
    assert page.count("<details>") == 10
    assert len(page.encode()) < 300_000
    assert "<details>" not in html.render(literals.HEALTHY, Look())


@given(st.text(alphabet=st.characters(exclude_categories=()), max_size=40))
def test_any_text_stays_text(said: str) -> None:
    page = html.render(hostile(said), Look(verbose=True))
    page.replace("\ud800", "?").encode("utf-8", "surrogatepass")
    parsed = judged(page)
    shown = clean(one_line(said))
    if shown.strip() and "\r" not in shown:
        assert shown in "".join(parsed.texts)


TRAPS = (
    "<script>document.title='owned'</script>", "<img src=x onerror=\"document.title='owned'\">",
    "</pre></section><svg/onload=document.title='owned'>", '"><style>body{display:none}</style>', "&lt;b&gt;",
    "</title><script>1</script>", "]]>", "<!--", "'\"`",
)  # fmt: skip


@pytest.mark.parametrize("said", TRAPS)
def test_markup_is_text(said: str) -> None:
    parsed = judged(html.render(hostile(said), Look(verbose=True)))
    assert parsed.texts.count(said) >= 4


@pytest.mark.lab
def test_a_browser_shows_it_and_fetches_nothing(tmp_path: Path) -> None:
    browser = shutil.which("chromium")
    if browser is None:
        pytest.skip("no chromium is installed")
    page = tmp_path / "report.html"
    page.write_text(html.render(hostile("".join(TRAPS)), Look(verbose=True)), "utf-8", "backslashreplace")
    log = tmp_path / "net.json"
    command = [
        browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}/profile",
        "--disable-background-networking", f"--log-net-log={log}", "--dump-dom", page.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert (
        "<title>okxdoctor: broken, sim</title>" in done.stdout
        or "<title>okxdoctor: broken, live</title>" in done.stdout
    )
    assert "<script" not in done.stdout.lower().replace("&lt;script", "")
