"""The shipped stories: each replays offline to the causes that it names, and shows nothing secret."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
import yaml

from okxdoctor.checkup import check_up
from okxdoctor.model import Outcome, Report
from okxdoctor.settings import Flags, UsageProblem, resolve

FOLDER = Path(__file__).parents[2] / "cassettes"
STORIES = sorted(FOLDER.glob("*.yaml"))


def replay(path: Path | str, home: Path, **more: object) -> Report:
    flags = Flags(target=f"cassette:{path}", **more)  # type: ignore[arg-type]
    return asyncio.run(check_up(resolve(flags, {}, home)))


def test_there_are_enough_stories() -> None:
    assert len(STORIES) >= 12


@pytest.mark.parametrize("path", STORIES, ids=lambda p: p.stem)
def test_a_story_gives_its_causes(path: Path, tmp_path: Path) -> None:
    about = yaml.safe_load(path.read_text("utf-8"))["metadata"]["okxdoctor"]
    report = replay(path, tmp_path)
    assert [d.code for d in report.diagnosis] == about["causes"]
    assert len(about["story"].split()) >= 4
    assert not [a for a in report.attempts if a.outcome is Outcome.BROKEN]
    # What a cassette does not hold is skipped with that reason, and nothing else is inconclusive.
    for attempt in report.attempts:
        if attempt.check in ("dns", "tcp", "tls", "clock"):
            assert attempt.outcome is Outcome.SKIPPED
            assert "cassette" in (attempt.because or "")
    assert report.exit_code == (1 if any(d.severity == "error" for d in report.diagnosis) else 0)


@pytest.mark.parametrize("path", STORIES, ids=lambda p: p.stem)
def test_a_story_replays_the_same_twice(path: Path, tmp_path: Path) -> None:
    one, two = (replay(path, tmp_path) for _ in range(2))
    # Ages are measured from the recording's clock, which runs on while it is played.
    assert [(d.code, d.confidence, d.explains) for d in one.diagnosis] == [
        (d.code, d.confidence, d.explains) for d in two.diagnosis
    ]


@pytest.mark.parametrize("path", STORIES, ids=lambda p: p.stem)
def test_nothing_secret_is_in_a_cassette(path: Path) -> None:
    text = path.read_text("utf-8")
    assert not re.search(r"ok-access-(sign|passphrase|key)['\"]?:", text, re.IGNORECASE)
    assert not re.search(r"\b[0-9A-F]{32}\b", text), "a secret key's shape"
    assert not re.search(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", text), "an API key's shape"
    assert not re.search(r"[A-Za-z0-9+/]{43}=", text), "a signature's shape"


def test_a_shipped_story_is_found_by_its_name(tmp_path: Path) -> None:
    assert replay("healthy", tmp_path).exit_code == 0


@pytest.mark.parametrize(
    "content",
    ["", "not: a cassette", "[]", "{", "\x00\xff", "interactions: 3\nversion: 1", "interactions: []\nversion: 1",
     "version: 1\ninteractions: []\nmetadata: {okxdoctor: {format: 1}}", "!!python/object:os.system x", "a: " * 3000],
)  # fmt: skip
def test_garbage_is_refused_in_one_line(tmp_path: Path, content: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(UsageProblem) as refusal:
        replay(path, tmp_path)
    assert "\n" not in str(refusal.value)


def test_a_recording_of_a_run_replays_to_the_same_diagnosis(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    flags = Flags(target="sim", faults=("key-passphrase-wrong",), seed=11, record=str(path))
    live = asyncio.run(check_up(resolve(flags, {}, tmp_path)))
    again = replay(path, tmp_path)
    assert [d.code for d in again.diagnosis] == [d.code for d in live.diagnosis] == ["key.passphrase-wrong"]
    assert list(tmp_path.glob(".*partial*")) == []
    assert list(tmp_path.glob("*.partial")) == []
