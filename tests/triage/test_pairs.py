"""Two mistakes at once: both are named. The larger sample stands in `tests/benchmarks/bench_forensics.py`."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path
from types import ModuleType

import pytest

from okxdoctor.model import Severity
from okxdoctor.triage.capture import Capture, Login, Request
from okxdoctor.triage.inspection import Known, inspect_one

API_KEY = "7b0c5e1a-3f52-4d8e-9a61-0c4b7d2e9f13"
PASSPHRASE = "Vector-Phrase-1"
AIM = 0.95


def _composer() -> ModuleType:
    spec = importlib.util.spec_from_file_location("mistake_pairs", Path(__file__).with_name("pairs.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.skipif(shutil.which("openssl") is None, reason="the openssl program is not installed")
@pytest.mark.parametrize("part", range(2))
def test_both_mistakes_are_named(part: int) -> None:
    pairs = _composer().pairs(40, seed=part)
    assert len(pairs) > 15
    missed = []
    for pair in pairs:
        headers = (
            ("OK-ACCESS-KEY", API_KEY),
            ("OK-ACCESS-SIGN", pair.sign),
            ("OK-ACCESS-TIMESTAMP", pair.timestamp),
            ("OK-ACCESS-PASSPHRASE", PASSPHRASE),
            ("Content-Type", "application/json"),
        )
        capture: Capture
        if pair.login:
            capture = Login(label="", key=API_KEY, passphrase=PASSPHRASE, timestamp=pair.timestamp, sign=pair.sign)
        else:
            capture = Request(
                form="", label="", method=pair.method, origin="https://www.okx.com", target=pair.target,
                headers=headers, body=pair.body.encode(),
            )  # fmt: skip
        found = inspect_one(capture, Known(api_key=API_KEY, secret=pair.secret, passphrase=PASSPHRASE))
        named = {
            code
            for row in found.diagnosis
            if row.severity is Severity.ERROR and not row.code.startswith(("order.", "precision."))
            for code in (row.code, *row.explains)
        }
        if named != pair.causes:
            missed.append((pair.what, sorted(named)))
    assert len(missed) <= (1 - AIM) * len(pairs), missed
