"""Configuration files: who reads them, and what their parsers make of what was typed."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okxdoctor.port import Mangling
from okxdoctor.surroundings.files import changed_by, dotenv_file, not_loaded, toml_file

ALL = ("api_key", "secret_key", "passphrase")


def put(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text, "utf-8")
    path.chmod(mode)
    return path


@pytest.mark.parametrize(
    ("line", "how"),
    [
        ('passphrase = "Plain-1!"', None),
        ('passphrase = "with # and $ and \\\\ inside"', None),
        ("passphrase = 'C:\\temp\\new'", None),
        ('passphrase = "quote \\" inside"', None),
        ("passphrase = 12345678", "without quotes it is a number"),
        ("passphrase = 1_000", "without quotes it is a number"),
        ("passphrase = 0.10", "without quotes it is a number"),
        ("passphrase = true", "without quotes it is a truth value"),
        ("passphrase = 2026-11-22", "without quotes it is no text"),
        ('passphrase = "C:\\temp\\new"', "a backslash in double quotes is an escape"),
        ('secret = "a\\u0007b"', "a backslash in double quotes is an escape"),
    ],
)
def test_toml(tmp_path: Path, line: str, how: str | None) -> None:
    path = put(tmp_path / "config.toml", f"[profiles.other]\npassphrase = 5\n[profiles.a]\n{line}\n")
    seen = toml_file(path, "okxdoctor", "a", ALL)
    assert [each.how for each in seen.mangled] == ([] if how is None else [how])
    assert toml_file(path, "okxdoctor", "a", ()).mangled == (), "a value that is not in use harms nobody"
    assert seen.holds_secrets
    assert (seen.mode, seen.exists, seen.readable_by_others) == ("0600", True, False)


@pytest.mark.skipif(os.name != "posix", reason="permission bits")
@pytest.mark.parametrize(
    ("mode", "open_"), [(0o600, False), (0o640, True), (0o604, True), (0o644, True), (0o711, False)]
)
def test_permission_bits(tmp_path: Path, mode: int, open_: bool) -> None:
    seen = toml_file(put(tmp_path / "c", '[profiles.a]\nsecret_key = "x"\n', mode), "okx-kit", "a", ALL)
    assert seen.readable_by_others is open_
    assert seen.mode == f"{mode:04o}"


def test_a_key_id_alone_is_no_secret(tmp_path: Path) -> None:
    assert not toml_file(put(tmp_path / "c", '[profiles.a]\napi_key = "x"\n'), "okx-kit", "a", ALL).holds_secrets
    assert toml_file(put(tmp_path / "c", '[profiles.b]\nsecret_key = "x"\n'), "okx-kit", "a", ALL).holds_secrets


def test_what_is_not_there_or_not_toml(tmp_path: Path) -> None:
    assert not toml_file(tmp_path / "nothing", "okxdoctor", "a", ALL).exists
    assert toml_file(put(tmp_path / "c", "broken ["), "okxdoctor", "a", ALL).mangled == ()
    assert toml_file(tmp_path, "okxdoctor", "a", ALL).exists


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_tracked_by_git(tmp_path: Path) -> None:
    def git(*args: str) -> None:
        command = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *args]
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)

    path = put(tmp_path / "config.toml", '[profiles.a]\nsecret_key = "x"\n')
    assert not toml_file(path, "okxdoctor", "a", ALL).tracked_by_git
    git("init", "-q")
    assert not toml_file(path, "okxdoctor", "a", ALL).tracked_by_git
    git("add", "config.toml")
    assert toml_file(path, "okxdoctor", "a", ALL).tracked_by_git


@pytest.mark.parametrize(
    ("raw", "effective", "how"),
    [
        ("abc", "abc", ""),
        ('"abc"', "abc", ""),
        ("abc", "other", ""),
        ("ab#cd", "ab", "an unquoted # starts a comment"),
        ("#abc", "", "an unquoted # starts a comment"),
        ("'ab#cd'", "ab", ""),
        ("ab$cd!", "ab!", "$ was expanded"),
        ('"ab${X}cd"', "abYcd", "$ was expanded"),
        ("ab$$cd", "ab$cd", "$ was expanded"),
        ("'ab$cd'", "ab", ""),
        ("a\\bc", "abc", "a backslash was taken as an escape"),
        ('"a\\nc"', "a\nc", "a backslash was taken as an escape"),
        ('"abc"', '"abc"', "the quotes became part of the value"),
        ("ab cd", "ab", "an unquoted blank ends the value"),
    ],
)
def test_dotenv_rules(raw: str, effective: str, how: str) -> None:
    assert changed_by(raw, effective) == how


@given(st.text(max_size=20), st.text(max_size=20))
def test_dotenv_rules_are_total(raw: str, effective: str) -> None:
    assert isinstance(changed_by(raw, effective), str)
    assert changed_by(effective, effective) == "" or effective[:1] in "\"'"


@pytest.mark.skipif(shutil.which("sh") is None, reason="needs a shell")
@pytest.mark.parametrize("raw", ["ab$cd!", "ab\\cd", "ab #cd", '"ab$cd"', "'ab$cd'", "plain"])
def test_as_a_real_shell_reads_it(tmp_path: Path, raw: str) -> None:
    """The shell itself says what the effective value is; where it differs, a reason is named."""
    put(tmp_path / ".env", f"OKX_PASSPHRASE={raw}\n")
    done = subprocess.run(
        ["sh", "-c", 'set -a; . ./.env; printf %s "$OKX_PASSPHRASE"'],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    literal = raw.strip("\"'")
    assert (changed_by(raw, done.stdout) != "") == (done.stdout != literal)


def test_a_dotenv_file_counts_only_where_the_environment_comes_from_it(tmp_path: Path) -> None:
    path = put(tmp_path / ".env", "export OKX_PASSPHRASE=ab#cd\nOKX_API_KEY=k\nOTHER=x\n", 0o644)
    assert dotenv_file(path, {}) is None
    assert dotenv_file(path, {"OKX_PASSPHRASE": "of another place"}) is None
    same = dotenv_file(path, {"OKX_API_KEY": "k"})
    assert same is not None
    assert (same.kind, same.readable_by_others, same.mangled) == ("dotenv", True, ())
    cut = dotenv_file(path, {"OKX_PASSPHRASE": "ab"})
    assert cut is not None
    assert cut.mangled == (Mangling(member="OKX_PASSPHRASE", how="an unquoted # starts a comment"),)
    assert dotenv_file(tmp_path / "nothing", {"OKX_API_KEY": "k"}) is None


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (
            b"OKX_API_KEY=a\nexport OKX_API_SECRET='b'\n",
            "has OKX_API_KEY, OKX_API_SECRET, and the environment has not: it is",
        ),
        (b"\xef\xbb\xbfOKX_API_KEY=canary\n", "begins with a byte order mark"),
        (b"OKX_API_KEY = canary\n", "blanks beside ="),
        (b"OKX_API_KEY=\nOKX_PASSPHRASE=x\n", ""),
        (b"# OKX_API_KEY=canary\nBINANCE_KEY=x\n", ""),
        (b"\xff\xfe\x00", ""),
    ],
)
def test_credentials_that_nothing_has_loaded(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / ".env").write_bytes(content)
    found = not_loaded(tmp_path, ["api_key", "secret_key"])
    assert says in found
    assert bool(says) is bool(found)
    assert "canary" not in found
    assert not_loaded(tmp_path, []) == ""
