"""Lets these tests import what stands beside them: the hostile peers and the program as a process."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

_HERE = str(Path(__file__).parent)
if _HERE not in sys.path:
    sys.path.insert(0, _HERE)


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The facts of one run against the embedded exchange whose clock is 45 s off."""
    from okxdoctor.cli import main as cli

    path = tmp_path_factory.mktemp("hostile") / "facts.json"
    assert cli.main(["run", "--target", "sim", "--fault", "clock-ahead=45s", "--save-facts", str(path), "-q"]) == 1
    return path


@pytest.fixture(scope="session")
def cassette(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The HTTP part of a healthy run."""
    from okxdoctor.cli import main as cli

    path = tmp_path_factory.mktemp("hostile") / "healthy.yaml"
    assert cli.main(["run", "--target", "sim", "--record", str(path), "-q"]) == 0
    return path
