"""Signals at any moment: exit code 130, a whole report, no traceback, nothing left behind."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from okxdoctor_process import OKXDOCTOR, environment, okxdoctor

# A program that is still importing itself cannot answer a signal; from this line on it can. The tests wait for it.
READY = (
    "import sys\n"
    "import okxdoctor.cli.run\n"
    "from okxdoctor.cli import interrupts\n"
    "enter = interrupts.Interrupts.__enter__\n"
    "def told(self):\n"
    "    entered = enter(self)\n"
    "    print('ready', file=sys.stderr, flush=True)\n"
    "    return entered\n"
    "interrupts.Interrupts.__enter__ = told\n"
    "from okxdoctor.cli.main import main\n"
    "sys.exit(main())\n"
)


def started(*args: str, folder: Path) -> subprocess.Popen[str]:
    """``okxdoctor ARGS`` whose temporary files go to ``folder``; returned when signals are its own affair."""
    process = subprocess.Popen(
        [sys.executable, "-c", READY, *args],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(TMPDIR=str(folder)),
    )
    assert process.stderr is not None
    assert process.stderr.readline() == "ready\n"
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("name", ["json", "text"])
def test_at_any_moment_of_a_run(number: signal.Signals, name: str, tmp_path: Path) -> None:
    moments = random.Random(f"{number}{name}")
    for _ in range(3):
        process = started("run", "--target", "sim", "--format", name, folder=tmp_path)
        time.sleep(moments.uniform(0, 0.35))
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
        assert err == ""
        assert process.returncode in (0, 130), "healthy where the signal came too late to matter"
        if name == "json":
            report = json.loads(out)
            assert report["exit_code"] == process.returncode
            assert len(report["checks"]) > 10
            for check in report["checks"]:
                assert (check["because"] is None) == (check["outcome"] == "completed")
        else:
            assert f"exit {process.returncode}" in out
        assert list(tmp_path.iterdir()) == [], "no certificate, no made-up home is left"


def test_the_second_signal_ends_at_once(tmp_path: Path) -> None:
    moments = random.Random(2)
    for _ in range(4):
        process = started("run", "--target", "sim", "--format", "json", folder=tmp_path)
        time.sleep(moments.uniform(0, 0.25))
        process.send_signal(signal.SIGINT)
        time.sleep(moments.uniform(0, 0.03))
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
        assert process.returncode == 130
        assert err.strip() == ""
        assert out == "" or json.loads(out)["exit_code"] == 130
        assert list(tmp_path.iterdir()) == []


def test_a_signal_that_is_ignored_from_the_start_stays_so(tmp_path: Path) -> None:
    """As under ``nohup``: a closed terminal does not end it."""
    process = subprocess.Popen(
        ["bash", "-c", 'trap "" HUP; exec "$@"', "-", sys.executable, "-c", READY, "run", "--target", "sim", "-q"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert process.stderr.readline() == "ready\n"
    process.send_signal(signal.SIGHUP)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert out.startswith("✓")


# ---- the exchange as a command ----------------------------------------------------------------


def served(*command: str, folder: Path) -> subprocess.Popen[str]:
    """``okxdoctor sim -- COMMAND``, when it is ready."""
    process = subprocess.Popen(
        [*OKXDOCTOR, "sim", *(["--", *command] if command else [])],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(TMPDIR=str(folder)),
    )
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["rest_url"]
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_exchange_cleans_up(number: signal.Signals, tmp_path: Path) -> None:
    process = served(folder=tmp_path)
    assert len(list(tmp_path.iterdir())) == 1
    process.send_signal(number)
    if number is signal.SIGINT:
        process.send_signal(number)  # impatience
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (130, "")
    assert list(tmp_path.iterdir()) == []


def test_a_command_that_ignores_signals_is_ended(tmp_path: Path) -> None:
    deaf = (
        "import os, signal, time\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print(os.getpid(), flush=True)\n"
        "time.sleep(60)\n"
    )
    process = served(sys.executable, "-c", deaf, folder=tmp_path)
    assert process.stdout is not None
    child = int(process.stdout.readline())
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (130, "")
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["true"], 0),
        (["sh", "-c", "exit 255"], 255),
        (["sh", "-c", "kill -SEGV $$"], 139),
        (["sh", "-c", "kill $$"], 143),
    ],
)
def test_the_status_of_a_command(command: list[str], code: int, tmp_path: Path) -> None:
    process = served(*command, folder=tmp_path)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (code, "")
    assert list(tmp_path.iterdir()) == []


def test_a_command_that_prints_a_lot(tmp_path: Path) -> None:
    process = served(sys.executable, "-c", "print('x' * 20_000_000)", folder=tmp_path)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, err, len(out)) == (0, "", 20_000_001)


def test_a_command_that_is_not_there_serves_nothing(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("no program")
    for command in ("./nothing", "", str(tmp_path), str(tmp_path / "data")):
        ended = okxdoctor("sim", "--", command)
        assert (ended.code, ended.out) == (2, "")
        assert len(ended.err.splitlines()) == 1
        assert "cannot run" in ended.err
