"""`okxdoctor conform` as a user types it."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from okxdoctor.cli.main import main
from okxdoctor.conformance.cases import vectors

LIARS = str(Path(__file__).parents[1] / "conformance" / "liars.py")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory of its own, with the Python template and a bad signer in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    for name in ("conform_right", "conform_bad"):
        sys.modules.pop(name, None)
    (tmp_path / "conform_right.py").write_text(_template("adapter.py.txt"), "utf-8")
    (tmp_path / "conform_bad.py").write_text(
        "import conform_right as right\n"
        "def sign(**given):\n"
        "    made = right.sign(**given)\n"
        "    path = made['request_path'].partition('?')[0]\n"
        "    text = given['timestamp'] + given['method'].upper() + path + made['body']\n"
        "    return {**made, 'sign': right._sign(given['secret'], text)}\n"
    )


def _template(name: str) -> str:
    from importlib.resources import files

    return files("okxdoctor.conformance").joinpath("templates", name).read_text("utf-8")


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def go(*args: str) -> tuple[int, str, str]:
        code = main(["conform", *args])
        out, err = capsys.readouterr()
        return code, out, err

    return go


@pytest.mark.parametrize("suite", ["sign", "round", "parse"])
def test_a_right_implementation_conforms(run: Run, suite: str) -> None:
    code, out, err = run(suite, "--python", "conform_right", "--examples", "20", "--seed", "3")
    assert (code, err) == (0, "")
    assert out.startswith("✓ conform_right conforms: ")
    assert "seed            3" in out


def test_a_wrong_one_is_explained_saved_and_runs_again(run: Run, tmp_path: Path) -> None:
    code, out, _ = run("sign", "--python", "conform_bad:sign", "--examples", "60", "--seed", "1")
    assert code == 1
    first, *_ = out.splitlines()
    assert first == "✗ conform_bad:sign does not conform: 1 mistake"
    assert "signature.query-unsigned" in out
    assert "okxdoctor explain signature.query-unsigned" in out
    assert "ws_login        not supported" in out
    lines = out.splitlines()
    expected = next(line for line in lines if line.startswith("    expected"))
    actual = next(line for line in lines if line.startswith("    actual"))
    assert "?" in expected
    assert "?" not in actual
    (case,) = tmp_path.glob("okxdoctor-case-sign-*.json")
    assert f"--replay {case.name}" in out
    code, out, _ = run("sign", "--python", "conform_bad:sign", "--replay", case.name)
    assert code == 1
    assert "signature.query-unsigned" in out
    code, out, _ = run("sign", "--python", "conform_right:sign", "--replay", case.name)
    assert (code, out.splitlines()[0].split(" in ")[0]) == (0, "✓ conform_right:sign conforms: 1 input")
    assert run("round", "--python", "conform_right", "--replay", case.name)[0] == 2


def test_machine_formats(run: Run, tmp_path: Path) -> None:
    args = ("sign", "--python", "conform_bad:sign", "--examples", "0", "--no-save")
    code, out, _ = run(*args, "--format", "json", "--format", "junit=out.xml", "--format", "text=out.txt")
    assert code == 1
    made = json.loads(out)
    assert (made["schema"], made["verdict"], made["exit_code"]) == ("okxdoctor.conformance/1", "fails", 1)
    assert made["failures"][0]["code"] == "signature.query-unsigned"
    assert made["failures"][0]["input"]["params"]
    assert made["not_supported"] == ["ws_login"]
    assert made["ran"] == [{"op": "sign", "vectors": len(list(vectors(["sign"]))), "searched": 0, "skipped": 0}]
    assert made["case_file"] is None
    suite = ElementTree.parse(tmp_path / "out.xml").getroot()[0]
    assert (suite.get("failures"), suite.get("skipped"), suite.get("tests")) == ("1", "1", "2")
    assert (tmp_path / "out.txt").read_text("utf-8").startswith("✗ conform_bad:sign does not conform")
    assert not list(tmp_path.glob("okxdoctor-case-*"))


def test_what_the_code_under_test_prints_stays_out_of_the_report(run: Run, tmp_path: Path) -> None:
    (tmp_path / "conform_loud.py").write_text(
        "import conform_right\nprint('loading')\n"
        "def parse_timestamp(ts):\n    print('debug')\n    if ts == '0':\n        raise SystemExit(9)\n"
        "    return conform_right.parse_timestamp(ts)\n"
    )
    code, out, err = run("parse", "--python", "conform_loud:parse_timestamp", "--examples", "0", "--no-save",
                         "--format", "json")  # fmt: skip
    assert code == 1
    assert json.loads(out)["failures"][0]["actual"] == "error: SystemExit: 9"
    assert err.startswith("loading\ndebug\n")


def test_quiet_is_the_first_line(run: Run) -> None:
    code, out, _ = run("parse", "--python", "conform_right", "--examples", "0", "-q")
    assert code == 0
    assert out.count("\n") == 1


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("sign",), "either --adapter COMMAND or --python"),
        (("sign", "--python", "x:y", "--adapter", "z"), "either --adapter COMMAND or --python"),
        (("sign", "--python", "conform_missing:y"), "no module"),
        (("sign", "--adapter", "/nowhere/at/all"), "cannot be started"),
        (("sign", "--adapter", "'unclosed"), "--adapter"),
        (("sign", "--adapter", ""), "is empty"),
        (("sign", "--python", "conform_right", "--format", "sarif"), "not known here"),
        (("sign", "--python", "conform_right", "--format", "json", "--format", "text"), "only one"),
        (("sign", "--python", "conform_right", "--format", "json=no/such/dir/x"), "cannot be written"),
        (("sign", "--python", "conform_right", "--replay", "none.json"), "cannot be read"),
        (("sign", "--python", "conform_right", "--examples", "-1"), "--examples"),
        (("sing",), "sing"),
    ],
)
def test_usage(run: Run, args: tuple[str, ...], says: str) -> None:
    code, out, err = run(*args)
    assert (code, out) == (2, "")
    assert says in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("kind", "code", "says"),
    [
        ("dead-at-start", 1, "exit status 3"), ("banner", 1, "not a line of JSON"), ("dies", 1, "exit status 7"),
        ("prints", 1, "not a line of JSON"), ("wrong-seq", 1, "a reply with seq"), ("skips", 1, "every one of"),
        ("unknown-support", 1, "make_coffee"), ("supports-nothing", 3, "nothing could be run"),
    ],
)  # fmt: skip
def test_adapters_that_break_the_protocol(run: Run, kind: str, code: int, says: str) -> None:
    args = ("parse", "--adapter", f"{sys.executable} {LIARS} {kind}", "--examples", "5", "--no-save")
    got, out, _ = run(*args)
    assert got == code
    assert says in out.splitlines()[0] or says in out
    got, out, _ = run(*args, "--format", "json")
    assert got == code
    assert json.loads(out)["exit_code"] == code


def test_an_adapter_that_hangs(run: Run) -> None:
    command = f"{sys.executable} {LIARS} hangs"
    code, out, _ = run("parse", "--adapter", command, "--examples", "0", "--timeout", "0.3", "--no-save")
    assert code == 1
    assert "within 0.3 s" in out.splitlines()[0]


def test_what_an_adapter_says_on_its_way_out_is_redacted(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OKX_SECRET_KEY", "hunter2hunter2")
    for form in ("text", "json"):
        code, out, _ = run(
            "parse", "--adapter", f"{sys.executable} {LIARS} dies", "--examples", "0", "--no-save", "--format", form
        )
        assert code == 1
        assert "the secret plan" in out
        assert "hunter2" not in out


def test_nothing_is_left_in_the_working_directory(run: Run, tmp_path: Path) -> None:
    before = {path.name for path in tmp_path.iterdir()} | {"cache", "__pycache__"}
    run("round", "--python", "conform_right", "--examples", "20")
    assert {path.name for path in tmp_path.iterdir()} <= before


def test_each_template_is_printed(run: Run) -> None:
    for language, word in (
        ("python", "def sign("),
        ("javascript", "node:readline"),
        ("go", "package main"),
        ("rust", "fn main"),
    ):
        code, out, _ = run("template", language)
        assert code == 0
        assert word in out
        assert "okxdoctor conform" in out


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
@pytest.mark.parametrize("suite", ["sign", "round", "parse"])
def test_the_javascript_template_conforms(run: Run, tmp_path: Path, suite: str) -> None:
    (tmp_path / "adapter.mjs").write_text(_template("adapter.mjs"), "utf-8")
    code, out, _ = run(suite, "--adapter", "node adapter.mjs", "--examples", "100", "--seed", "1")
    assert code == 0, out


@pytest.mark.skipif(shutil.which("rustc") is None, reason="rustc is not installed")
def test_the_rust_template_conforms(run: Run, tmp_path: Path) -> None:
    (tmp_path / "adapter.rs").write_text(_template("adapter.rs"), "utf-8")
    home = {**os.environ, "HOME": pwd.getpwuid(os.getuid()).pw_dir}  # where rustup keeps its compilers
    subprocess.run(["rustc", "-O", "adapter.rs"], check=True, cwd=tmp_path, capture_output=True, env=home)
    code, out, _ = run("sign", "--adapter", "./adapter", "--examples", "100", "--seed", "1")
    assert code == 0, out


@pytest.mark.skipif(shutil.which("go") is None, reason="go is not installed")
@pytest.mark.parametrize("suite", ["sign", "round", "parse"])
def test_the_go_template_conforms(run: Run, tmp_path: Path, suite: str) -> None:
    (tmp_path / "adapter.go").write_text(_template("adapter.go"), "utf-8")
    environment = {**os.environ, "GOCACHE": str(tmp_path / "gocache"), "GO111MODULE": "off"}
    subprocess.run(["go", "build", "adapter.go"], check=True, cwd=tmp_path, capture_output=True, env=environment)
    code, out, _ = run(suite, "--adapter", "./adapter", "--examples", "100", "--seed", "1")
    assert code == 0, out


def test_the_python_template_conforms_as_a_program(run: Run) -> None:
    code, out, _ = run("sign", "--adapter", f"{sys.executable} conform_right.py", "--examples", "50", "--seed", "1")
    assert code == 0, out
    assert "my client 1.0 (python)" in out


def test_a_cache_that_nobody_asked_for_and_cannot_be_made_costs_nothing(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    code, out, err = run("sign", "--python", "conform_right:sign", "--examples", "1", "-q")
    assert (code, err.count("\n")) == (0, 1)
    assert err.startswith("okxdoctor: note: found failures are not remembered: ")
    assert out.startswith("✓")
    named = str(tmp_path / "file" / "database")
    assert run("sign", "--python", "conform_right:sign", "--examples", "1", "--database", named)[0] == 2


def test_a_report_is_not_lost_where_no_case_can_be_saved(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    code, out, err = run("sign", "--python", "conform_bad:sign", "--examples", "0", "-q")
    assert (code, out[:1]) == (1, "✗")
    assert err.startswith("okxdoctor: note: the failing case is not saved: ")
    assert run("sign", "--python", "conform_bad:sign", "--examples", "0", "--save-case", "case.json", "-q")[0] == 2
