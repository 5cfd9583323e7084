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


def weighed(*args: str, folder: Path) -> Ended:
    """The same, and how much memory it held at most: output goes to files, so that the process is waited for once."""
    with open(folder / "stdout", "wb") as out, open(folder / "stderr", "wb") as err:
        process = subprocess.Popen([*OKXDOCTOR, *args], stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    unit = 1_000_000 if sys.platform == "darwin" else 1_000  # bytes there, kilobytes elsewhere
    return Ended(
        code=process.returncode,
        out=(folder / "stdout").read_text("utf-8"),
        err=(folder / "stderr").read_text("utf-8"),
        peak_mb=usage.ru_maxrss / unit,
    )


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
