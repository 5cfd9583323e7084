"""Programs that do not behave: a clear word about each, the suite goes on, nothing is left running."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from importlib.resources import files
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from okxdoctor.cli.main import main
from okxdoctor.conformance.client import cases as case_table
from okxdoctor.conformance.client import program
from okxdoctor.conformance.client.suite import CannotRun, Outcome, Wish, run
from okxdoctor.conformance.client.trace import Printed

FORM = case_table.only(case_table.cases(), ("sign", "header", "request", "secret", "site"))
ASK = (
    "import os, ssl, sys, urllib.request\n"
    "context = ssl.create_default_context(cafile=os.environ['SSL_CERT_FILE'])\n"
    "url = os.environ['OKX_BASE_URL'] + '/api/v5/public/time'\n"
    "answer = urllib.request.urlopen(url, context=context).read()\n"
)


def graded(script: str, *, seconds: float = 0.8, patterns: tuple[str, ...] = ()) -> Outcome:
    chosen = case_table.only(case_table.cases(), patterns) if patterns else FORM
    return asyncio.run(run(Wish(command=(sys.executable, "-c", script), cases=chosen, seconds=seconds)))


def test_a_program_that_ends_at_once() -> None:
    outcome = graded("raise SystemExit('no config')")
    assert outcome.exit_code() == 3
    assert "never came to the exchange" in outcome.said[0]
    assert "status 1" in outcome.said[0]
    assert outcome.said[1] == "its last words: no config"


def test_a_program_that_hangs() -> None:
    outcome = graded("import time; time.sleep(60)")
    assert outcome.exit_code() == 3
    assert "OKX_BASE_URL" in outcome.said[0]
    assert outcome.elapsed_ms < 10_000


def test_a_program_that_asks_once_and_is_done() -> None:
    outcome = graded(ASK, seconds=5.0)
    assert outcome.exit_code() == 0
    assert outcome.count("passed") > 5
    assert not outcome.said
    assert outcome.traces[0].ended is not None


def test_what_it_prints_stays_out_of_the_report(capfd: pytest.CaptureFixture[str]) -> None:
    flood = ASK + "sys.stdout.buffer.write(b'\\xff\\x00<x>' * 400_000)\nsys.stderr.write('word ' * 100_000)\n"
    outcome = graded(flood, seconds=5.0)
    assert outcome.exit_code() == 0
    assert sum(len(event.text) for _, event in outcome.traces[0].of(Printed)) <= 2 * program.KEPT
    assert capfd.readouterr() == ("", "")


def test_a_program_that_cannot_be_run(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_text("no program")
    for command in ("/nowhere/at/all", str(plain)):
        with pytest.raises(CannotRun):
            asyncio.run(run(Wish(command=(command,), cases=FORM)))


def _lives(number: int) -> bool:
    try:
        os.kill(number, 0)
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="finding detached children needs /proc")
def test_nothing_is_left_running(tmp_path: Path) -> None:
    script = (
        "import os, signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "code = 'import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)'\n"
        "one = subprocess.Popen([sys.executable, '-c', code])\n"
        "two = subprocess.Popen([sys.executable, '-c', code], start_new_session=True)\n"
        f"open({str(tmp_path / 'pids')!r}, 'w').write(f'{{os.getpid()}} {{one.pid}} {{two.pid}}')\n"
        "time.sleep(600)\n"
    )
    began = time.monotonic()
    graded(script, seconds=0.8)
    assert time.monotonic() - began < 15
    numbers = [int(each) for each in (tmp_path / "pids").read_text().split()]
    assert len(numbers) == 3
    assert not [number for number in numbers if _lives(number)]


def test_a_program_that_lives_once_at_a_time_gets_its_rounds_alone(tmp_path: Path) -> None:
    pytest.importorskip("fcntl", reason="the lock of this test is one of POSIX")
    lock = (
        "import fcntl, time\n"
        f"held = open({str(tmp_path / 'lock')!r}, 'w')\n"
        "fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)\n"
        "try:\n" + "".join(f"    {line}\n" for line in ASK.splitlines()) + "finally:\n    time.sleep(0.4)\n"
    )
    outcome = graded(lock, seconds=5.0, patterns=("tls.rest-*",))
    assert {one.case.id for one in outcome.graded if one.grade.verdict != "passed"} == set()


def test_a_judge_that_fails_does_not_cost_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    from okxdoctor.conformance.client import judging

    def broken(*_: object) -> Any:
        raise LookupError("oops")

    monkeypatch.setitem(judging.JUDGES, "method", broken)
    outcome = graded(ASK, seconds=5.0)
    assert outcome.exit_code() == 4
    assert any("request.method" in defect and "oops" in defect for defect in outcome.defects)
    assert outcome.count("passed") > 5


# ---- as a user types it --------------------------------------------------------------------------


def test_formats_and_exit_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from jsonschema import Draft202012Validator

    bad = ASK.replace("'/api/v5/public/time'", "'/api/v5/public/time?a=None'")
    paths = {name: tmp_path / f"report.{name}" for name in ("json", "junit")}
    arguments = [f"--format={name}={path}" for name, path in paths.items()]
    command = ["conform", "client", "--only", "query", "--only", "request", *arguments, "--", sys.executable, "-c", bad]
    assert main(command) == 1
    out = capsys.readouterr().out
    assert "query.values" in out
    assert "/api/v5/public/time?a=None" in out
    document = json.loads(paths["json"].read_text("utf-8"))
    schema = json.loads(files("okxdoctor.conformance.client").joinpath("client.schema.json").read_text("utf-8"))
    Draft202012Validator(schema).validate(document)
    missed = [case["id"] for case in document["cases"] if case["result"] == "failed"]
    assert missed == ["query.values"]
    suite = ElementTree.parse(paths["junit"]).getroot().find("testsuite")
    assert suite is not None
    assert suite.get("failures") == "1"
    assert int(suite.get("skipped", "0")) == document["summary"]["not_exercised"]


def test_what_should_hold_fails_the_run_only_when_asked(capsys: pytest.CaptureFixture[str]) -> None:
    script = ASK.replace("'/api/v5/public/time'", "'/api/v5/public/time?a='")
    command = ["--only", "query", "--", sys.executable, "-c", script]
    assert main(["conform", "client", *command]) == 0
    assert main(["conform", "client", "--fail-on", "should", *command]) == 1
    assert "query.empty (should)" in capsys.readouterr().out


def test_usage(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, told in (
        ([], "no program"),
        (["--only", "nosuch", "--", "true"], "no case is called 'nosuch'"),
        (["--format", "yaml", "--", "true"], "'yaml' is not known"),
        (["--format", "json", "--format", "junit", "--", "true"], "only one format"),
        (["--", "no-such-command-anywhere"], "no such command"),
        (["--jobs", "0", "--", "true"], "0"),
    ):
        assert main(["conform", "client", *arguments]) == 2
        assert told in capsys.readouterr().err


def test_the_list_needs_no_program(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["conform", "client", "--list", "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert len(rows) == len(case_table.cases())
    assert all(row["requirement"] and row["source"] for row in rows)
    assert main(["list", "cases", "--format", "json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert {row["id"] for row in rows} < {row["id"] for row in listed}
    assert "signature.query-encoding" in {row["id"] for row in listed}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_leaves_a_whole_report(number: signal.Signals, tmp_path: Path) -> None:
    waiting = tmp_path / "waiting"
    script = ASK + f"import time\nopen({str(waiting)!r}, 'w').close()\ntime.sleep(600)\n"
    code = "import sys; from okxdoctor.cli.main import main; sys.exit(main())"
    arguments = ["conform", "client", "--only", "request", "--format", "json", "--", sys.executable, "-c", script]
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    end = time.monotonic() + 30
    while not waiting.exists() and time.monotonic() < end:
        time.sleep(0.02)
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err == ""
    document = json.loads(out)
    assert document["verdict"] == "interrupted"
    assert document["summary"]["passed"] > 0


def test_no_secret_leaves_by_any_report(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    script = ASK.replace(
        "answer =",
        "key = os.environ['OKX_SECRET_KEY']; print(key); print(key, file=sys.stderr)\n"
        "phrase = os.environ['OKX_PASSPHRASE']\n"
        "urllib.request.urlopen(url + '?s=' + key + '&p=' + phrase, context=context)\n"
        "answer =",
    )
    paths = [tmp_path / name for name in ("a.json", "b.xml")]
    arguments = ["--only", "secret", "--verbose", f"--format=json={paths[0]}", f"--format=junit={paths[1]}"]
    assert main(["conform", "client", *arguments, "--", sys.executable, "-c", script]) == 1
    texts = [capsys.readouterr().out, *(path.read_text("utf-8") for path in paths)]
    from okxdoctor.exchange.core.seeded import passphrase, secret_key

    for text in texts:
        assert "secret.sent-secret" in text
        assert secret_key(0, "global", "live") not in text
        assert passphrase(0, "global", "live") not in text
