"""Files appear whole or not at all, and an unwritable place is told before anything starts."""

from __future__ import annotations

import io
import os
import stat
import sys
from pathlib import Path

import pytest

from okxdoctor.cli.sinks import reserve, write_stdout
from okxdoctor.settings import UsageProblem


def test_a_file_is_there_only_when_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "report.json"
    place = reserve(str(target), "--format json")
    assert not target.exists()
    place.write("ünï\n")
    assert target.read_bytes() == "ünï\n".encode()
    assert [p.name for p in tmp_path.iterdir()] == ["report.json"]
    place.leave()
    assert target.exists()


def test_leaving_takes_the_draft_away(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("old")
    place = reserve(str(tmp_path / "old"), "x")
    place.leave()
    place.leave()
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("old", "old")]


def test_modes(tmp_path: Path) -> None:
    mask = os.umask(0o027)
    try:
        fresh = reserve(str(tmp_path / "fresh"), "x")
        fresh.write("")
    finally:
        os.umask(mask)
    assert stat.S_IMODE((tmp_path / "fresh").stat().st_mode) == 0o640
    kept = tmp_path / "kept"
    kept.write_text("")
    kept.chmod(0o604)
    reserve(str(kept), "x").write("new")
    assert (stat.S_IMODE(kept.stat().st_mode), kept.read_text()) == (0o604, "new")


def test_links_are_followed(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    reserve(str(tmp_path / "link"), "x").write("new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


def test_devices_are_written_to_directly() -> None:
    reserve("/dev/null", "x").write("gone")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path, tmp_path / "no" / "such" / "folder", tmp_path / "file" / "below", tmp_path / ("a" * 300)):
        with pytest.raises(UsageProblem, match=r"^--format json: "):
            reserve(str(path), "--format json")
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="needs a user whom permissions bind")
def test_a_read_only_folder(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(UsageProblem, match="cannot be written"):
            reserve(str(tmp_path / "x"), "x")
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_stdout_shows_what_it_can(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding, errors="strict"))
    write_stdout("✓ ok\n")
    expected = "✓ ok\n" if encoding == "utf-8" else "\\u2713 ok\n"
    assert raw.getvalue() == expected.encode(encoding)
