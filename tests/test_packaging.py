"""What a user installs: both packages, the data, the cassettes; nothing stray at the top level."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from importlib.metadata import entry_points
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Wheel and sdist of the working tree, by the build backend itself (no network)."""
    out = tmp_path_factory.mktemp("dist")
    code = (
        "import sys; from hatchling import build; "
        "print(build.build_wheel(sys.argv[1])); print(build.build_sdist(sys.argv[1]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(out)], cwd=ROOT, capture_output=True, text=True, timeout=100, check=True
    )
    wheel, sdist = done.stdout.split()
    return {"wheel": out / wheel, "sdist": out / sdist}


def wheel_names(built: dict[str, Path]) -> list[str]:
    with zipfile.ZipFile(built["wheel"]) as wheel:
        return wheel.namelist()


def test_the_wheel_has_two_packages_and_nothing_else_on_top(built: dict[str, Path]) -> None:
    tops = {name.split("/")[0] for name in wheel_names(built)}
    assert {t for t in tops if not t.endswith(".dist-info")} == {"okxdoctor", "okxdoctor_checks"}


def test_the_wheel_carries_its_knowledge(built: dict[str, Path]) -> None:
    names = wheel_names(built)
    for needed in ("okxdoctor/py.typed", "okxdoctor/knowledge/explains.toml", "okxdoctor/reports/report.schema.json"):
        assert needed in names
    assert any(n.startswith("okxdoctor/knowledge/vectors/") and n.endswith(".json") for n in names)
    assert sum(n.startswith("okxdoctor/_cassettes/") and n.endswith(".yaml") for n in names) >= 12
    assert not [n for n in names if "__pycache__" in n or n.endswith(".pyc")]


def test_everything_beside_the_code_is_in_the_wheel_too(built: dict[str, Path]) -> None:
    names = set(wheel_names(built))
    for top, folder in (("okxdoctor", ROOT / "okxdoctor"), ("okxdoctor_checks", ROOT / "checks" / "okxdoctor_checks")):
        for path in folder.rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                assert f"{top}/{path.relative_to(folder).as_posix()}" in names


def test_the_sdist_can_be_built_from_and_tested(built: dict[str, Path]) -> None:
    with tarfile.open(built["sdist"]) as sdist:
        names = {"/".join(name.split("/")[1:]) for name in sdist.getnames()}
    for needed in ("pyproject.toml", "README.md", "LICENSE", "tox.ini", "tests/conftest.py", "okxdoctor/__init__.py"):
        assert needed in names
    assert any(n.startswith("checks/okxdoctor_checks/") for n in names)
    assert any(n.startswith("cassettes/") for n in names)


def test_the_built_in_checks_enter_like_anybody_elses() -> None:
    assert "okxdoctor_checks" in {point.value for point in entry_points(group="okxdoctor.checks")}
