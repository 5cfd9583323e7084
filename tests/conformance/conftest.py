"""The right adapter, as functions and as a program: the template that users start from."""

from __future__ import annotations

import importlib.util
import sys
from importlib.resources import files
from pathlib import Path
from types import ModuleType

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # the mutants, and the adapters that lie


@pytest.fixture(scope="session", autouse=True)
def _hypothesis_home(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What Hypothesis keeps beside examples goes away with the tests."""
    from hypothesis.configuration import set_hypothesis_home_dir

    set_hypothesis_home_dir(tmp_path_factory.mktemp("hypothesis"))


def template(name: str) -> str:
    return files("okxdoctor.conformance").joinpath("templates", name).read_text("utf-8")


@pytest.fixture(scope="session")
def adapter_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("adapter") / "adapter.py"
    path.write_text(template("adapter.py.txt"), "utf-8")
    return path


@pytest.fixture(scope="session")
def right(adapter_file: Path) -> ModuleType:
    """The template as a module: its functions are right implementations that share no code with the judges."""
    spec = importlib.util.spec_from_file_location("conformance_right_adapter", adapter_file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def python_command(adapter_file: Path) -> list[str]:
    return [sys.executable, str(adapter_file)]
