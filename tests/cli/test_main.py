"""The command line as a process and as a function: one line for every problem, the exit code of the contract."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from okxdoctor import __version__
from okxdoctor.cli import main as cli

CONTRACT = ["run", "explain", "list", "sim", "vectors"]


def okxdoctor(*args: str, **environ: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "NO_COLOR": "1", **environ}
    return subprocess.run(
        [sys.executable, "-m", "okxdoctor.cli.main", *args],
        capture_output=True,
        text=True,
        timeout=60,
        env=env,
        check=False,
    )


def test_version_and_help() -> None:
    assert okxdoctor("--version").stdout == f"okxdoctor, version {__version__}\n"
    for flag in ("--help", "-h"):
        done = okxdoctor(flag)
        assert done.returncode == 0
        assert "Commands:" in done.stdout
        for code in ("0 nothing", "1 findings", "2 usage", "3 could", "4 a defect", "130 interrupted"):
            assert code in " ".join(done.stdout.split())


def test_commands_are_mounted_only_where_their_module_is() -> None:
    listed = cli.okxdoctor.list_commands(click.Context(cli.okxdoctor))
    folder = Path(cli.__file__).parent
    for name, (module, _, says) in cli._COMMANDS.items():
        assert (name in listed) == (folder / f"{module.rpartition('.')[2]}.py").exists()
        assert says.endswith(".")
    assert set(CONTRACT) <= set(listed)


@pytest.mark.parametrize("name", CONTRACT)
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([name, "--help"]) == 0
    assert "Usage: okxdoctor " + name in capsys.readouterr().out

    assert cli.main(["help", name]) == 0
    assert "Usage: okxdoctor " + name in capsys.readouterr().out


def test_the_package_runs_as_a_module() -> None:
    done = subprocess.run([sys.executable, "-m", "okxdoctor", "explain", "50113"], capture_output=True, text=True)
    assert (done.returncode, done.stdout[:6]) == (0, "50113:")


@pytest.mark.parametrize(
    ("typed", "offered"), [("okxdoctor ru", "plain,run"), ("okxdoctor --target sim --form", "plain,--format")]
)
def test_a_shell_is_told_what_may_follow(
    typed: str, offered: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("_OKXDOCTOR_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", typed)
    monkeypatch.setenv("COMP_CWORD", str(len(typed.split()) - 1))
    cli.main([])
    assert offered in capsys.readouterr().out.splitlines()


def test_help_loads_next_to_nothing() -> None:
    script = "import sys; from okxdoctor.cli.main import main; main(['--help']); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    heavy = {
        "httpx",
        "aiohttp",
        "cryptography",
        "hypothesis",
        "rich",
        "websockets",
        "msgspec",
        "asyncio",
        "tomllib",
        "json",
    }
    assert heavy & {name.partition(".")[0] for name in done.stderr.split()} == set()
    ours = {name for name in done.stderr.split() if name.startswith("okxdoctor")}
    assert ours == {"okxdoctor", "okxdoctor.cli", "okxdoctor.cli.main"}


@pytest.mark.parametrize("args", [["--help"], ["--target", "facts:x", "--help"], ["-q", "--help"]])
def test_run_is_the_default(args: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(args) == 0
    usage = capsys.readouterr().out.splitlines()[0]
    assert usage.startswith("Usage: okxdoctor run" if len(args) > 1 else "Usage: okxdoctor [OPTIONS]")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["rnu"], "did you mean run?"),
        (["--no-such-flag"], "No such option"),
        (["run", "--targt", "sim"], "--target"),
        (["run", "--target"], "requires an argument"),
        (["run", "--timeout", "soon"], "not a valid float"),
        (["run", "surplus"], "unexpected extra argument"),
        (["run", "sim"], "did you mean --target sim?"),
        (["run", "--rest-url", "openapi.okx.com"], "Hint: https://openapi.okx.com"),
        (["run", "--dns-server", "https://1.1.1.1/dns-query"], "is a URL, not HOST[:PORT]"),
        (["run", "--target", "mars"], "'mars' is not known"),
        (["run", "--format", "pdf"], "'pdf' is not known"),
        (["run", "--format", "json="], "names no file"),
        (["run", "--format", "json", "--format", "text"], "cannot both go to stdout"),
        (["run", "--format", "json=x", "--format", "text=x"], "same file"),
        (["run", "--quiet", "--verbose"], "exclude each other"),
        (["run", "--color", "pink"], "Invalid value"),
        (["run", "--config", "/does/not/exist"], "does not exist"),
        (["run", "--rest-url", "nonsense"], "is not a URL"),
        (["run", "--target", "facts:/does/not/exist"], "there is no file"),
        (["run", "--target", "cassette:/does/not/exist"], "/does/not/exist"),
        (["run", "--target", "sim", "--fault", "no-such-fault"], "no-such-fault"),
        (["run", "--target", "sim", "--only", "no-such-check"], "no-such-check"),
        (["run", "--show-settings", "--format", "junit"], "prints text or json"),
        (["run", "--baseline", "/does/not/exist", "--target", "sim"], "cannot be read"),
        (["run", "--config", "~nobody-has-this-name/x"], "does not exist"),
        (["run", "--order", "~nobody-has-this-name/x"], "cannot be read: No such file"),
        (["run", "--ca-file", "~nobody-has-this-name/x"], "cannot be read: No such file"),
        (["inspect", "~nobody-has-this-name/x"], "cannot be read: No such file"),
        (["triage", "~nobody-has-this-name/x"], "cannot be read: No such file"),
        (["vectors", "--kind", "http"], "Known: parse, round, sign, ws"),
        (["conform", "client", "--only", "no-such-case", "--", "true"], "areas: sign, "),
    ],
)
def test_usage_problems_are_one_line_and_exit_2(
    args: list[str], said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(args) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert err.startswith("okxdoctor: ")
    assert len(err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == [], "nothing half-written"


@pytest.mark.parametrize(
    "flag",
    [
        "--passphrase",
        "--secret",
        "--secret-key",
        "--api-key",
        "--api_secret",
        "--OKX-PASSPHRASE",
        "--password",
        "--key",
    ],
)
def test_secrets_are_refused_as_flags_and_not_repeated(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    for args in ([flag, "canary-value"], [f"{flag}=canary-value"], ["run", flag, "canary-value"]):
        assert cli.main(args) == 2
        out, err = capsys.readouterr()
        assert "canary-value" not in out + err
        assert "never come from a flag" in err


def _command(monkeypatch: pytest.MonkeyPatch, body: object) -> None:
    """Puts a command of its own in the place of run."""
    monkeypatch.setattr(cli.Commands, "get_command", lambda self, ctx, name: click.Command("run", callback=body))  # type: ignore[arg-type]


def _raising(error: BaseException) -> object:
    def body() -> None:
        raise error

    return body


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (KeyboardInterrupt(), 130),
        (click.Abort(), 130),
        (SystemExit(3), 3),
        (SystemExit(None), 0),
        (click.ClickException("no"), 2),
        (BrokenPipeError(), 0),
        (ZeroDivisionError("x"), 4),
        (RecursionError(), 4),
        (MemoryError(), 3),
        (RuntimeError("can't start new thread"), 3),
        (OSError(28, "No space left on device"), 2),
        (OSError(24, "Too many open files"), 3),
        (OSError(5, "Input/output error"), 4),
    ],
)
def test_every_ending_has_its_exit_code(
    error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _command(monkeypatch, _raising(error))
    monkeypatch.setattr("okxdoctor.cli.sinks.drop_stdout", lambda: None)
    assert cli.main(["run"]) == code
    out, err = capsys.readouterr()
    assert "Traceback" not in out + err
    assert out == ""


@pytest.mark.parametrize(("result", "code"), [(None, 0), (0, 0), (1, 1), (3, 3), (True, 0), ("text", 0)])
def test_a_command_s_number_is_the_exit_code(result: object, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    _command(monkeypatch, lambda: result)
    assert cli.main(["run"]) == code


def test_a_defect_is_one_line_and_the_traceback_only_when_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    canary = "Canary-word-1!"
    monkeypatch.setenv("OKX_PASSPHRASE", canary)
    monkeypatch.setenv("HTTPS_PROXY", "http://me:pr0xy-word@p:1")
    _command(monkeypatch, _raising(RuntimeError(f"bad\n{canary} and http://me:pr0xy-word@p:1")))
    assert cli.main(["run"]) == 4
    err = capsys.readouterr().err
    assert err.startswith("okxdoctor defect: RuntimeError: bad *** and http://***@p:1")
    assert "Traceback" not in err
    monkeypatch.setenv("OKXDOCTOR_DEBUG", "1")
    assert cli.main(["run"]) == 4
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert canary not in err
    assert "pr0xy-word" not in err


@pytest.mark.parametrize("args", [["--help"], ["list", "causes"], ["run", "--show-settings"]])
def test_a_reader_that_goes_away_is_no_error(args: list[str]) -> None:
    read, write = os.pipe()
    os.close(read)
    process = subprocess.run(
        [sys.executable, "-m", "okxdoctor.cli.main", *args],
        stdout=write,
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
    )
    os.close(write)
    assert process.stderr == b""
    assert process.returncode == 0


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_any_terminal_encoding(encoding: str) -> None:
    done = okxdoctor("run", "--target", "mars\u2713", PYTHONIOENCODING=encoding, LC_ALL="C")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "mars" in done.stderr
