"""The registry of formats: what is in the package is what there is."""

from __future__ import annotations

import pkgutil
import subprocess
import sys

import literals
import pytest

import okxdoctor.reports
from okxdoctor.reports import Look, formats, writer


def test_every_format_of_the_contract_so_far() -> None:
    assert next(iter(formats())) == "text"
    assert set(formats()) == {"text", "json", "jsonl", "junit", "sarif", "markdown", "github", "html"}
    assert all(0 < len(says) < 70 for says in formats().values())


@pytest.mark.parametrize("name", formats())
def test_every_format_renders_every_report(name: str) -> None:
    for report in literals.ALL.values():
        page = writer(name).render(report, Look())
        assert page.endswith("\n")
        assert page == writer(name).render(report, Look()), "the same report, the same page"


@pytest.mark.parametrize("name", ["", "xml", "TEXT", "look", "values", "../text", "okxdoctor", "text "])
def test_unknown_formats_are_a_key_error(name: str) -> None:
    with pytest.raises(KeyError):
        writer(name)


def test_rooms_are_no_formats() -> None:
    rooms = {info.name for info in pkgutil.iter_modules(okxdoctor.reports.__path__)} - set(formats())
    assert {"look", "values", "words", "paint"} <= rooms


def test_text_loads_no_terminal_library() -> None:
    script = "import sys; from okxdoctor.reports import writer; writer('text'); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert loaded & {"rich", "junitparser", "click", "msgspec", "httpx", "json"} == set()
