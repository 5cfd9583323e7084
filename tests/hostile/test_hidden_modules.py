"""A user's file that hides a module, and a package that is another one: named, and no defect of okxdoctor."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from okxdoctor_process import environment, okxdoctor

from okxdoctor.imports import to_blame


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("json.py", "x = 1\n"),
        ("ssl.py", "raise ValueError('a bot of mine')\n"),
        ("random/__init__.py", ""),
        ("datetime.py", "import re\n"),
    ],
)
def test_a_file_that_hides_a_module_of_python_is_named(name: str, text: str, tmp_path: Path) -> None:
    hiding = tmp_path / "mine" / name
    hiding.parent.mkdir(parents=True)
    hiding.write_text(text)
    done = okxdoctor("--rest-url", "http://127.0.0.1:9", env=environment(PYTHONPATH=str(tmp_path / "mine")))
    module = name.partition(".")[0].partition("/")[0]
    assert done.code == 2
    assert done.err.endswith(
        f"{hiding} hides Python's own module {module}: rename it, or take its folder out of PYTHONPATH.\n"
    )
    assert done.err.count("\n") == 1


def test_a_package_that_is_another_blinds_its_checks_alone(tmp_path: Path) -> None:
    (tmp_path / "websockets").mkdir()
    (tmp_path / "websockets" / "__init__.py").write_text("")
    done = okxdoctor("--target", "sim", "--only", "ws", "--format", "json", env=environment(PYTHONPATH=str(tmp_path)))
    assert done.code == 3
    assert f"the package websockets ({tmp_path / 'websockets' / '__init__.py'}) is another or not whole" in done.out
    assert "defect" not in done.out


def test_an_error_of_okxdoctor_stays_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where a file of such a name lies about, and has nothing to do with it."""
    (tmp_path / "json.py").write_text("")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    assert to_blame(ValueError("x")) == ""
    assert to_blame(AttributeError("'NoneType' object has no attribute 'x'")) == ""
    assert to_blame(ModuleNotFoundError("No module named 'okxdoctor.nothing'", name="okxdoctor.nothing")) == ""


def test_what_is_not_installed_is_named() -> None:
    error = RuntimeError("x")
    error.__cause__ = ModuleNotFoundError("No module named 'dns_of_others'", name="dns_of_others")
    assert to_blame(error) == "the package dns_of_others is not installed"
