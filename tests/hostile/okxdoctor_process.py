"""The program as a process of its own: what it said, how it ended, what it used."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

OKXDOCTOR = (sys.executable, "-m", "okxdoctor.cli.main")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """``code`` as a shell shows it (-N for signal N); ``peak_mb`` is the most memory it held."""

    code: int
    out: str
    err: str
    peak_mb: float


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, **more}


def okxdoctor(*args: str, cwd: Path | None = None, env: dict[str, str] | None = None, **more: Any) -> Ended:
    """Run to the end. Standard input leads nowhere unless given."""
    more.setdefault("stdin", subprocess.DEVNULL)
    with subprocess.Popen(
        [*OKXDOCTOR, *args],
        cwd=cwd,
        env=env if env is not None else environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="backslashreplace",
        **more,
    ) as process:
        out, err = process.communicate(timeout=60)
    return Ended(code=process.returncode, out=out, err=err, peak_mb=0.0)


_WEIGHED = """
import sys
from okxdoctor.cli.main import main
code = main(sys.argv[2:])
with open("/proc/self/status") as status, open(sys.argv[1], "w") as told:
    told.write(next(line.split()[1] for line in status if line.startswith("VmHWM")))
sys.exit(code)
"""


def weighed(*args: str, folder: Path) -> Ended:
    """The same, and how much memory it held at most. It says so itself: what the system counts for a child
    contains the memory of the parent that it was forked from."""
    command = [sys.executable, "-c", _WEIGHED, str(folder / "peak"), *args]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
    peak_mb = int((folder / "peak").read_text()) / 1000
    return Ended(code=done.returncode, out=done.stdout, err=done.stderr, peak_mb=peak_mb)


def shell(script: str, *, env: dict[str, str] | None = None, cwd: Path | None = None) -> Ended:
    """A line of shell in which ``$OKXDOCTOR`` is the program; for what only a shell can close or connect."""
    done = subprocess.run(
        ["bash", "-c", script],
        env={**(env if env is not None else environment()), "OKXDOCTOR": " ".join(OKXDOCTOR)},
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="backslashreplace",
        timeout=60,
        check=False,
    )
    return Ended(code=done.returncode, out=done.stdout, err=done.stderr, peak_mb=0.0)
