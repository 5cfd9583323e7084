"""Where the output goes: narrow, dumb, ASCII, full, closed, gone. The exit code comes through, no defect."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from okxdoctor_process import OKXDOCTOR, Ended, environment, okxdoctor, shell

from okxdoctor.reports import formats


def calm(ended: Ended) -> Ended:
    assert "Traceback" not in ended.out + ended.err
    assert "defect" not in ended.err
    assert "Exception ignored" not in ended.err
    return ended


@pytest.mark.parametrize("columns", ["20", "40", "200", "0", "-5", "many"])
def test_any_width(columns: str, bundle: Path) -> None:
    ended = calm(okxdoctor("run", "--target", f"facts:{bundle}", "-v", env=environment(COLUMNS=columns)))
    assert ended.code == 1
    assert "clock.ahead" in ended.out
    if columns in ("40", "200"):
        # What is to be typed stays in one piece; what is told folds.
        assert max(map(len, ended.out.partition("  to do")[0].splitlines())) <= int(columns)


@pytest.mark.parametrize(
    "locale",
    [
        {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "ascii:strict"},
        {"PYTHONIOENCODING": "latin-1"},
        {"PYTHONIOENCODING": "cp1252"},
    ],
    ids=lambda locale: "-".join(locale.values()),
)
def test_any_encoding(locale: dict[str, str], bundle: Path) -> None:
    for name in formats() if locale == {"PYTHONIOENCODING": "ascii"} else ["text"]:
        flags = ["run", "--target", f"facts:{bundle}", "--verbose", "--format", name]
        command = [*OKXDOCTOR, *flags]
        env = environment(**locale)
        if "PYTHONIOENCODING" not in locale:
            env.pop("PYTHONIOENCODING", None)  # tox sets one
        done = subprocess.run(command, capture_output=True, env=env, timeout=60, check=False)
        assert done.returncode == 1
        assert b"Traceback" not in done.stdout + done.stderr
        if "ascii" in locale.get("PYTHONIOENCODING", "ascii"):
            assert done.stdout.isascii(), name
            assert done.stderr.isascii(), name
            assert b"\\u" not in done.stdout or name in ("json", "jsonl"), "marks have likes, not escapes"


def test_colour_where_it_is_wanted_and_nowhere_else(bundle: Path) -> None:
    plain = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    for more, flags, coloured in [
        ({}, (), False),
        ({"FORCE_COLOR": "1"}, (), True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, (), False),
        ({"FORCE_COLOR": "1", "TERM": "dumb"}, ("--color", "never"), False),
        ({"NO_COLOR": "1", "TERM": "dumb"}, ("--color", "always"), True),
    ]:
        ended = calm(okxdoctor("run", "--target", f"facts:{bundle}", *flags, env={**plain, **more}))
        assert ("\x1b[" in ended.out) == coloured, (more, flags)
        assert "\x1b" not in ended.err
    ended = okxdoctor("run", "--target", f"facts:{bundle}", "--format", "json", env={**plain, "FORCE_COLOR": "1"})
    assert "\x1b" not in ended.out
    json.loads(ended.out)


COMMANDS = [
    ("run --target facts:{}", 1),
    ("run --target facts:{} --format json", 1),
    ("run --show-settings", 0),
    ("list causes", 0),
    ("--help", 0),
]


@pytest.mark.parametrize(("line", "code"), COMMANDS)
def test_streams_that_are_closed_full_or_gone(line: str, code: int, bundle: Path, tmp_path: Path) -> None:
    """Closed: said nowhere, the exit code tells. A reader that has seen enough: the same. A full disk: that is told."""
    run = f"$OKXDOCTOR {line.format(bundle)}"
    script = f"""
        {run} >&-;                echo "closed $?" >&3
        {run} 2>&- >/dev/null;    echo "mute $?" >&3
        {run} 2>/dev/full >/dev/null; echo "deaf $?" >&3
        {run} <&- >&- 2>&-;       echo "nothing $?" >&3
        {run} | head -n 1 >/dev/null; echo "head ${{PIPESTATUS[0]}}" >&3
        {run} >/dev/full;         echo "full $?" >&3
    """
    with open(tmp_path / "codes", "wb") as codes:
        done = subprocess.run(
            ["bash", "-c", f"exec 3>&{codes.fileno()}\n{script}"],
            env=environment(OKXDOCTOR=" ".join(OKXDOCTOR)),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            pass_fds=[codes.fileno()],
            timeout=100,
            check=False,
        )
    told = dict(line.split() for line in (tmp_path / "codes").read_text().splitlines())
    assert told == {
        "closed": str(code), "mute": str(code), "deaf": str(code), "nothing": str(code), "head": str(code),
        "full": "2",
    }, done.stderr  # fmt: skip
    notes = [text for text in done.stderr.splitlines() if text.startswith("okxdoctor: ")]
    assert len(notes) == 1
    assert "No space left on device" in notes[0]
    assert "Traceback" not in done.stderr
    assert "defect" not in done.stderr


def test_a_usage_problem_needs_no_stderr() -> None:
    assert shell("$OKXDOCTOR run --nope 2>&-").code == 2
    assert shell("$OKXDOCTOR run --nope 2>/dev/full").code == 2


@pytest.mark.parametrize("home", [None, "", "/nonexistent", "/proc"])
def test_any_home(home: str | None, tmp_path: Path) -> None:
    env = {name: value for name, value in os.environ.items() if name != "HOME"}
    if home is not None:
        env["HOME"] = home
    assert calm(okxdoctor("run", "--show-settings", env=env)).code == 0
    assert calm(okxdoctor("run", "--target", "sim", "--only", "status", "-q", env=env)).code == 0


def test_an_empty_environment() -> None:
    # On Windows not even sockets work without SYSTEMROOT.
    ended = calm(okxdoctor("run", "--target", "sim", "--only", "status", "-q", env={}))
    assert (ended.code, ended.err) == (0, "")


def test_a_working_directory_that_was_removed(bundle: Path, tmp_path: Path) -> None:
    def gone(line: str) -> Ended:
        (tmp_path / "gone").mkdir()
        return calm(shell(f"cd {tmp_path}/gone && rmdir ../gone && $OKXDOCTOR {line}"))

    assert gone(f"run --target facts:{bundle} -q").code == 1
    assert gone("run --target sim --only status -q").code == 0
    live = gone("run --rest-url http://127.0.0.1:9 --only env --timeout 2 --deadline 4 --format json")
    assert [check["outcome"] for check in json.loads(live.out)["checks"] if check["id"] == "env"] == ["completed"]
    for line in (f"run --target facts:{bundle} --format json=x", f"run --target facts:{bundle} --save-facts x"):
        ended = gone(line)
        assert (ended.code, ended.out, len(ended.err.splitlines())) == (2, "", 1)


@pytest.mark.parametrize(
    ("more", "codes"),
    [
        ({"TMPDIR": "/nonexistent"}, {0}),
        ({"PYTHONWARNINGS": "error"}, {0}),
        ({"PYTHONOPTIMIZE": "2"}, {0}),
        ({"TZ": "Mars/Olympus"}, {0}),
        ({"PATH": ""}, {0}),
        ({"OPENSSL_CONF": "/nonexistent"}, {0}),
        ({"SSLKEYLOGFILE": "/nonexistent/keys"}, {0, 2}),
        ({"HTTPS_PROXY": "://", "OKX_SITE": "moon", "OKX_BASE_URL": "nonsense"}, {0}),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_odd_environments(more: dict[str, str], codes: set[int]) -> None:
    ended = calm(okxdoctor("run", "--target", "sim", "-q", env=environment(**more)))
    assert ended.code in codes, ended.err
    assert len(ended.err.splitlines()) == (ended.code == 2)


def test_a_very_long_host_name() -> None:
    host = ".".join(["a" * 63] * 3)
    flags = ["--rest-url", f"http://{host}.test:9", "--dns-server", "127.0.0.1:9", "--timeout", "1", "--deadline", "3"]
    ended = calm(okxdoctor("run", *flags, env=environment(COLUMNS="40")))
    assert ended.code in (1, 3)
    assert host in ended.out.replace("\n", "").replace(" ", ""), "told in full"


def test_few_file_descriptors() -> None:
    """Whatever cannot be opened is a fact or a line, never a defect."""
    for limit in (16, 24):
        ended = calm(shell(f"ulimit -n {limit}; $OKXDOCTOR run --target sim --format json"))
        assert ended.code in (0, 1, 3), (limit, ended.err)
        if ended.out:
            report = json.loads(ended.out)
            assert "broken" not in [check["outcome"] for check in report["checks"]]


def test_too_few_files_are_this_process_s_and_not_the_exchange_s() -> None:
    """An exchange in the same process that can open nothing would answer 500, as a broken one does."""
    ended = calm(shell("ulimit -n 40; $OKXDOCTOR run --target sim"))
    assert (ended.code, ended.out) == (3, "")
    assert "this process may open 40 files (ulimit -n)" in ended.err
    raised = calm(shell("ulimit -Sn 40; $OKXDOCTOR run --target sim --only env"))
    assert raised.code == 0


def test_a_dumb_terminal_gets_plain_lines(bundle: Path) -> None:
    parent, child = pty.openpty()
    env = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS")}
    command = [sys.executable, "-m", "okxdoctor.cli.main", "run", "--target", f"facts:{bundle}", "-v"]
    with subprocess.Popen(command, stdin=child, stdout=child, stderr=child, env={**env, "TERM": "dumb"}) as process:
        os.close(child)
        shown = b""
        while part := _read(parent):
            shown += part
    os.close(parent)
    assert process.returncode == 1
    assert b"\x1b" not in shown
    assert b"clock.ahead" in shown


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # Linux answers a closed terminal so
        return b""
