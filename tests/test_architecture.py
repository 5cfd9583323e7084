"""The layering, as contracts that a tool checks, and the rules of the house that no tool knows."""

from __future__ import annotations

import ast
import importlib.metadata
import os
import pkgutil
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import okxdoctor
import okxdoctor_checks

ROOT = Path(__file__).parents[1]
PACKAGES = {"okxdoctor": Path(okxdoctor.__file__).parent, "okxdoctor_checks": Path(okxdoctor_checks.__file__).parent}
MODULES = sorted(path for package in PACKAGES.values() for path in package.rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Every module that a file imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def test_what_is_tested_is_what_is_installed() -> None:
    if os.environ.get("OKXDOCTOR_TESTS_EXPECT") == "installed":
        assert PACKAGES["okxdoctor"] != ROOT / "okxdoctor"
        assert PACKAGES["okxdoctor_checks"] != ROOT / "checks" / "okxdoctor_checks"
    assert importlib.metadata.version("okxdoctor") == okxdoctor.__version__


@pytest.mark.skipif(
    shutil.which("lint-imports", path=str(Path(sys.executable).parent)) is None, reason="import-linter is not installed"
)
def test_the_import_contracts_hold() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--config", str(ROOT / "pyproject.toml"), "--no-cache"],
        cwd=ROOT, capture_output=True, text=True, timeout=100,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


def test_checks_do_not_import_each_other() -> None:
    names = {m.name for m in pkgutil.iter_modules([str(PACKAGES["okxdoctor_checks"])]) if not m.name.startswith("_")}
    for name in names:
        others = {f"okxdoctor_checks.{other}" for other in names - {name}}
        crossing = imported(PACKAGES["okxdoctor_checks"] / f"{name}.py") & others
        assert not crossing, f"{name} imports {crossing}"


def _assigned(node: ast.stmt) -> set[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return {target.id for target in targets if isinstance(target, ast.Name)}


def test_every_check_module_keeps_the_order_of_the_house() -> None:
    """Docstring (the user's page), facts, probe, evaluate, CHECK."""
    for info in pkgutil.iter_modules([str(PACKAGES["okxdoctor_checks"])]):
        if info.name.startswith("_"):
            continue
        tree = ast.parse((PACKAGES["okxdoctor_checks"] / f"{info.name}.py").read_text("utf-8"))
        assert len(ast.get_docstring(tree) or "") > 200, f"{info.name}: the page for the user is missing"
        lines = {
            node.name: node.lineno
            for node in tree.body
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name in ("probe", "evaluate")
        }
        check = next(node.lineno for node in tree.body if "CHECK" in _assigned(node))
        assert lines["probe"] < lines["evaluate"] < check, info.name


def test_modules_are_rooms() -> None:
    long = {p.name: n for p in MODULES if (n := len(p.read_text("utf-8").splitlines())) > 450}
    assert not long


def test_only_the_adapter_knows_httpx() -> None:
    """``http.py`` asks, ``connections.py`` beneath it brings the bytes; nobody else sees a type of theirs."""
    users = {p.name for p in MODULES if any(name.split(".")[0] in ("httpx", "httpcore") for name in imported(p))}
    assert users <= {"http.py", "connections.py"}


def test_nothing_reads_the_wall_clock_in_the_judgement() -> None:
    judging = [*PACKAGES["okxdoctor_checks"].rglob("*.py"), *(PACKAGES["okxdoctor"] / "okx").rglob("*.py")]
    for path in judging:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr in ("now", "utcnow", "today"):
                text = ast.unparse(node)
                assert text.startswith(("io.", "self.")), f"{path.name}: {text}"
