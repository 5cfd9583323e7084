"""The oracle, for tests that recompute what the vector files say."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


def _load_oracle() -> ModuleType:
    spec = importlib.util.spec_from_file_location("vector_oracle", Path(__file__).with_name("oracle.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def oracle() -> ModuleType:
    return _load_oracle()


@pytest.fixture(scope="session")
def openssl(oracle: ModuleType) -> ModuleType:
    """The oracle, where the openssl program is there to answer."""
    if oracle.OPENSSL is None:
        pytest.skip("the openssl program is not installed")
    return oracle
