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


def test_a_client_that_is_started_again_and_one_that_fails() -> None:
    asking = "import os, urllib.request as u; u.urlopen(os.environ['OKX_BASE_URL'] + '/api/v5/public/{}').read()"
    for path, worked in (("time", 3), ("nothing", 0)):
        command = [sys.executable, str(PROGRAM.with_name("again.py")), "--times", "3", "--", sys.executable, "-c"]
        done = subprocess.run([*command, asking.format(path)], capture_output=True, text=True, timeout=100)
        told = json.loads(done.stdout)
        assert (told["worked"], told["before"], told["defects"]) == (worked, told["after"], [])
        assert done.returncode == (0 if worked else 1)
