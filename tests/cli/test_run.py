"""`okxdoctor run` from flags to files, on a run that is saved, so that nothing but the command line is slow."""

from __future__ import annotations

import asyncio
import io
import json
import os
import pty
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest

from okxdoctor.cli import main as cli
from okxdoctor.cli.screen import live_display, wants_colour
from okxdoctor.reports import formats
from okxdoctor.settings import Flags, resolve
from okxdoctor.settings.baseline import read_baseline

SECRETS = {
    "OKX_API_KEY": "0badcafe-1111-4222-8333-444455556666",
    "OKX_SECRET_KEY": "CANARY0123456789CANARY0123456789",
    "OKX_PASSPHRASE": "Canary-Word_1!",
    "HTTPS_PROXY": "http://me:canary-proxy@127.0.0.1:9",
}


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The facts of one run against the embedded exchange whose clock is 45 s off."""
    path = tmp_path_factory.mktemp("facts") / "facts.json"
    assert cli.main(["run", "--target", "sim", "--fault", "clock-ahead=45s", "--save-facts", str(path), "-q"]) == 1
    return path


def run(*args: str) -> int:
    return cli.main(["run", *args])


def test_the_files_that_help_shows_are_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing else tells a user on the terminal what a profile or a baseline looks like."""
    assert run("--help") == 0
    page = capsys.readouterr().out
    assert page.isascii()
    written = {}
    for name, first in (("profile", "  [profiles.bot]"), ("baseline", "  [[accept]]")):
        block = page[page.index(first) :].split("\n\n")[0].split("\n  \n")[0]
        written[name] = tmp_path / f"{name}.toml"
        written[name].write_text("\n".join(line.removeprefix("  ") for line in block.splitlines()), "utf-8")
    written["profile"].chmod(0o600)
    settings = resolve(Flags(config=str(written["profile"])), {}, tmp_path)
    assert (settings.profile, settings.need, settings.instruments) == ("bot", ("read", "trade"), ("BTC-USDT",))
    assert settings.addresses is not None
    assert settings.addresses.site == "eea"
    assert settings.notes == ()
    (accepted,) = read_baseline(written["baseline"])
    assert (accepted.code, accepted.owner, accepted.expires) == ("ip.unbound", "platform", "2027-01-31")


def test_text_is_the_default(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--target", f"facts:{bundle}") == 1
    out, err = capsys.readouterr()
    assert out.startswith("✗ The clock of this machine is")
    assert out.endswith("exit 1\n")
    assert err == ""


def test_every_format_on_stdout_is_that_format_and_nothing_else(
    bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in formats():
        assert run("--target", f"facts:{bundle}", "--format", name) == 1
        out, err = capsys.readouterr()
        assert err == ""
        match name:
            case "json":
                assert json.loads(out)["diagnosis"][0]["code"] == "clock.ahead"
            case "jsonl":
                assert next(json.loads(line)["type"] for line in out.splitlines()) == "run"
            case "junit":
                assert ElementTree.fromstring(out).tag == "testsuites"
            case "github":
                assert out.startswith("::error title=clock.ahead")
            case _:
                assert "clock.ahead" in out


def test_files_beside_stdout(bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {name: tmp_path / f"out.{name}" for name in formats()}
    flags = [part for name, path in files.items() for part in ("--format", f"{name}={path}")]
    assert run("--target", f"facts:{bundle}", *flags) == 1
    assert capsys.readouterr().out.startswith("✗ "), "text still goes to stdout"
    assert all(path.read_text("utf-8").endswith("\n") for path in files.values())
    assert sorted(tmp_path.iterdir()) == sorted(files.values())
    assert "\x1b" not in files["text"].read_text("utf-8")


def test_an_unwritable_file_is_told_before_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for flag in (
        ["--format", f"json={tmp_path}/no/x"],
        ["--save-facts", f"{tmp_path}/no/x"],
        ["--record", f"{tmp_path}"],
    ):
        assert run("--target", "sim", *flag) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert len(err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_quiet_and_verbose(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("--target", f"facts:{bundle}", "--quiet")
    assert len(capsys.readouterr().out.splitlines()) == 1
    run("--target", f"facts:{bundle}", "--verbose")
    out, err = capsys.readouterr()
    assert " ms" in out
    assert any(line.startswith("✗ clock clock.ahead") for line in err.splitlines())
    assert "\x1b" not in err


def test_fail_on_and_only(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--target", f"facts:{bundle}", "--skip", "clock", "--skip", "clock.*", "--skip", "timestamp.*") == 0
    assert run("--target", f"facts:{bundle}", "--only", "clock", "--fail-on", "warning") == 1


def test_settings_are_shown_with_their_sources_and_without_secrets(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    assert run("--show-settings", "--site", "eea") == 0
    table = capsys.readouterr().out
    assert run("--show-settings", "--format", "json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["name"]: row["source"] for row in rows}["passphrase"] == "env:OKX_PASSPHRASE"
    assert {row["name"]: row["value"] for row in rows}["rest_proxy"] == "http://***@127.0.0.1:9"
    assert "site         eea" in table
    for secret in (*SECRETS.values(), "canary-proxy"):
        assert secret not in table
        assert secret not in json.dumps(rows)


def _popen(*args: str, **more: object) -> subprocess.Popen[str]:
    return subprocess.Popen(  # type: ignore[call-overload,no-any-return]
        [sys.executable, "-m", "okxdoctor.cli.main", "run", *args],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **more,
    )


def test_no_sink_shows_a_secret(tmp_path: Path) -> None:
    """A live run against an address where nobody listens, with secrets everywhere: no output has one in it."""
    files = {name: tmp_path / f"out.{name}" for name in formats()}
    facts, record = tmp_path / "facts.json", tmp_path / "record.yaml"
    flags = [part for name, path in files.items() for part in ("--format", f"{name}={path}")]
    process = _popen(
        *(
            "--rest-url",
            "http://127.0.0.1:9",
            "--ws-url",
            "ws://127.0.0.1:9",
            "--ntp-server",
            "127.0.0.1:9",
            "--verbose",
        ),
        *("--timeout", "2", "--deadline", "6", "--save-facts", str(facts), "--record", str(record), *flags),
        env={**os.environ, **SECRETS, "HTTP_PROXY": SECRETS["HTTPS_PROXY"], "OKXDOCTOR_DEBUG": "1"},
    )
    out, err = process.communicate(timeout=60)
    assert process.returncode in (1, 3), err
    texts = [out, err, *(path.read_text("utf-8") for path in tmp_path.iterdir())]
    assert len(texts) >= len(files) + 3
    for text in texts:
        for secret in (*SECRETS.values(), "canary-proxy", "bWU6Y2FuYXJ5LXByb3h5"):
            assert secret not in text


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_a_whole_report(number: signal.Signals, tmp_path: Path) -> None:
    """A proxy that accepts and stays silent keeps the run busy until the signal comes."""

    async def scenario() -> tuple[int | None, str, str]:
        held: list[asyncio.StreamWriter] = []
        reached = asyncio.Event()

        async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            held.append(writer)
            reached.set()

        server = await asyncio.start_server(silent, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        process = _popen(
            *("--rest-url", f"http://127.0.0.1:{port}", "--ntp-server", "127.0.0.1:9", "--format", "json"),
            *("--timeout", "30", "--deadline", "60"),
        )
        await asyncio.wait_for(reached.wait(), 30)
        process.send_signal(number)
        out, err = await asyncio.to_thread(process.communicate, timeout=30)
        for writer in held:
            writer.transport.abort()
        server.close()
        return process.returncode, out, err

    begun = time.monotonic()
    code, out, err = asyncio.run(scenario())
    assert time.monotonic() - begun < 25
    assert code == 130, err
    assert "Traceback" not in err
    report = json.loads(out)
    assert report["exit_code"] == 130
    assert report["checks"]


def _on_a_terminal(*args: str, **environ: str) -> tuple[int, bytes]:
    """What a terminal of 80 columns receives, stdout and stderr together."""
    parent, child = pty.openpty()
    env = {**os.environ, "TERM": "xterm", "COLUMNS": "80", **environ}
    for name in ("NO_COLOR", "CI"):
        if name not in environ:
            env.pop(name, None)
    process = subprocess.Popen(
        [sys.executable, "-m", "okxdoctor.cli.main", "run", *args], stdin=child, stdout=child, stderr=child, env=env
    )
    os.close(child)
    received = b""
    while True:
        try:
            part = os.read(parent, 65536)
        except OSError:
            break
        if not part:
            break
        received += part
    os.close(parent)
    return process.wait(timeout=30), received


def test_on_a_terminal_there_is_colour_and_a_live_list(bundle: Path) -> None:
    code, shown = _on_a_terminal("--target", f"facts:{bundle}")
    assert code == 1
    assert b"\x1b[" in shown
    code, shown = _on_a_terminal("--target", f"facts:{bundle}", NO_COLOR="1")
    assert b"\x1b[" not in shown.replace(b"\x1b[?25", b"")


def test_a_slow_run_shows_its_progress_and_takes_it_away() -> None:
    """The kernel takes the connection and nobody ever answers, so the run takes as long as its patience."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        args = ("--rest-url", url, "--ntp-server", "127.0.0.1:9", "--only", "clock", "--timeout", "3")
        code, shown = _on_a_terminal(*args)
    assert code in (1, 3)
    assert b"\x1b[?25l" in shown, "the cursor is hidden while the list is drawn"
    assert shown.count(b"\x1b[?25l") == shown.count(b"\x1b[?25h")
    assert b"clock" in shown


@pytest.mark.parametrize(
    ("terminal", "environ", "live"),
    [(True, {}, True), (False, {}, False), (True, {"CI": "true"}, False), (True, {"TERM": "dumb"}, False)],
)
def test_progress_is_drawn_only_on_a_terminal_that_can(
    terminal: bool, environ: dict[str, str], live: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = io.StringIO()
    stream.isatty = lambda: terminal  # type: ignore[method-assign]
    monkeypatch.setattr(sys, "stderr", stream)
    assert live_display(environ) is live


@pytest.mark.parametrize(
    ("choice", "environ", "terminal", "colour"),
    [
        ("auto", {}, True, True),
        ("auto", {}, False, False),
        ("auto", {"NO_COLOR": "1"}, True, False),
        ("auto", {"NO_COLOR": ""}, True, True),
        ("auto", {"FORCE_COLOR": "1"}, False, True),
        ("auto", {"FORCE_COLOR": "0"}, False, False),
        ("auto", {"NO_COLOR": "1", "FORCE_COLOR": "1"}, True, False),
        ("auto", {"TERM": "dumb"}, True, False),
        ("always", {"NO_COLOR": "1"}, False, True),
        ("never", {"FORCE_COLOR": "1"}, True, False),
    ],
)
def test_colour(choice: str, environ: dict[str, str], terminal: bool, colour: bool) -> None:
    stream = io.StringIO()
    stream.isatty = lambda: terminal  # type: ignore[method-assign]
    assert wants_colour(choice, stream, environ) is colour


def test_a_reader_that_goes_away_does_not_change_the_verdict(bundle: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "okxdoctor.cli.main", "run", "--target", f"facts:{bundle}"]
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, timeout=60, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (1, b"")


def test_notes_go_to_stderr(tmp_path: Path, bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[profiles.a]\npasphrase = "canary-value"\n')
    flags = ("--target", f"facts:{bundle}", "--config", str(config), "--format", "json")
    assert run(*flags) == 1
    out, err = capsys.readouterr()
    json.loads(out)
    assert err.startswith("okxdoctor: note: ")
    assert "did you mean passphrase" in err
    assert "canary-value" not in err
    assert run(*flags, "--quiet") == 1
    assert capsys.readouterr().err == ""


def test_a_broken_check_is_traced_only_when_asked(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from dataclasses import replace

    from okxdoctor.runner import discover

    def broken(facts: object) -> list[object]:
        raise ZeroDivisionError("in a check")

    real = discover.checks()
    spoilt = tuple(replace(check, evaluate=broken) if check.id == "clock" else check for check in real)
    monkeypatch.setattr("okxdoctor.checkup.checks", lambda: spoilt)
    assert run("--target", f"facts:{bundle}", "--only", "clock", "--skip", "timestamp.*") == 4
    out, err = capsys.readouterr()
    assert "defect" in out
    assert "Traceback" not in out + err
    monkeypatch.setenv("OKXDOCTOR_DEBUG", "1")
    assert run("--target", f"facts:{bundle}", "--only", "clock") == 4
    assert "ZeroDivisionError: in a check" in capsys.readouterr().err
