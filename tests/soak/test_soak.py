"""A soak of seconds; the program beside this file has the long one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).with_name("soak.py")


def test_twenty_clients_for_some_seconds() -> None:
    done = subprocess.run(
        [sys.executable, str(PROGRAM), "--seconds", "5", "--seed", "7"], capture_output=True, text=True, timeout=100
    )
    told = json.loads(done.stdout)
    # Memory is for the long run: in seconds the logs and books of the exchange are still filling.
    assert [each for each in told["wrong"] if not each.startswith("memory")] == []
    assert done.stderr == ""
    assert told["clients"] == 20
    counts = told["counts"]
    assert min(counts[name] for name in ("filled", "canceled", "fills", "pushes", "reconnects", "vandalism")) > 0
