"""The facts bundle: saved, mailed, judged again without I/O to the same verdict; garbage is refused in one line."""

from __future__ import annotations

import asyncio
import json
import socket
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okxdoctor.checkup import check_up
from okxdoctor.knowledge import cause
from okxdoctor.knowledge.systems import on, system_of
from okxdoctor.model import Report
from okxdoctor.settings import Flags, UsageProblem, resolve
from okxdoctor.targets.bundle import SCHEMA, BadBundle, read_bundle


def go(home: Path, **flags: Any) -> Report:
    return asyncio.run(check_up(resolve(Flags(**flags), {}, home)))


@pytest.mark.parametrize("faults", [(), ("clock-ahead=45s",), ("tls-expired",), ("dns-slow=800ms",)])
def test_a_bundle_is_judged_again_to_the_same_verdict(
    tmp_path: Path, faults: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "facts.json"
    live = go(tmp_path, target="sim", faults=faults, seed=5, save_facts=str(path))

    def no_io(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError("a bundle is judged without I/O")

    with monkeypatch.context() as patch:
        patch.setattr(socket.socket, "connect", no_io)
        patch.setattr(socket.socket, "sendto", no_io)
        again = go(tmp_path, target=f"facts:{path}")
    assert again.diagnosis == live.diagnosis
    assert again.exit_code == live.exit_code
    assert again.verdict == live.verdict
    assert {(a.check, a.outcome, a.because) for a in again.attempts} == {
        (a.check, a.outcome, a.because) for a in live.attempts
    }
    assert again.target.kind == "facts"
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "text", ["", "nonsense", "[]", "{}", '{"schema": "other/9"}', json.dumps({"schema": SCHEMA}),
             json.dumps({"schema": SCHEMA, "target": {}, "checks": []}),
             json.dumps({"schema": SCHEMA, "checks": [{"id": 1}],
                         "target": {"site": "", "rest": "", "ws": ""}}), "[" * 100_000],
)  # fmt: skip
def test_garbage_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bad.json"
    path.write_text(text, "utf-8")
    with pytest.raises(UsageProblem) as refusal:
        go(tmp_path, target=f"facts:{path}")
    assert "\n" not in str(refusal.value)


@given(st.binary(max_size=200))
def test_no_bytes_make_it_crash(content: bytes) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.json"
        path.write_bytes(content)
        with pytest.raises(BadBundle):
            read_bundle(path)


@pytest.mark.parametrize(
    ("facts", "first"),
    [
        ({"surroundings": {"platform": "win32"}}, "w32tm"),
        ({"surroundings": {"platform": "Darwin 23.1.0 arm64"}}, "sudo sntp"),
        ({"surroundings": {"platform": "Linux 6.1.0 x86_64 (Alpine)"}}, "sudo timedatectl"),
        ({"surroundings": {"platform": 7}}, "Linux: sudo timedatectl"),
        ({"surroundings": []}, "Linux: sudo timedatectl"),
        (None, "Linux: sudo timedatectl"),
    ],
)
def test_remedies_are_those_of_the_machine_that_was_looked_at(tmp_path: Path, facts: Any, first: str) -> None:
    """Wherever the bundle is judged: support reads on Linux what a customer types on Windows."""
    row = {"title": "t", "outcome": "completed", "because": None, "elapsed_ms": 1.0}
    whole = {
        "schema": SCHEMA,
        "target": {"site": "global", "rest": "https://a.test", "ws": "wss://a.test"},
        "checks": [{"id": "env", "facts": facts, **row}],
    }
    path = tmp_path / "facts.json"
    path.write_text(json.dumps(whole), "utf-8")
    remedy = on(cause("clock.ahead").remedy, system_of(read_bundle(path).platform))
    assert remedy[0].startswith(first)
