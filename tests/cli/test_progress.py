"""What a run shows while it works, and how signals reach it."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time

import pytest

from okxdoctor.cli.interrupts import Interrupts
from okxdoctor.cli.progress import LiveList, listener
from okxdoctor.model import Attempt, Finding, Outcome, Report, TargetName, Verdict
from okxdoctor.runner.events import CheckFinished, CheckStarted, RunFinished, RunStarted

TARGET = TargetName(kind="live", site="global", rest="https://x", ws="wss://x")
FOUND = Finding(code="clock.ahead", summary="x", evidence={"a": 1})
ENDINGS = (
    Attempt(check="clock", title="c", outcome=Outcome.COMPLETED, findings=(FOUND,), elapsed_ms=1500),
    Attempt(check="dns", title="The names resolve", outcome=Outcome.COMPLETED),
    Attempt(check="tls", title="t", outcome=Outcome.SKIPPED, because="b"),
    Attempt(check="ws", title="w", outcome=Outcome.INCONCLUSIVE, because="b"),
)
REPORT = Report(
    version="0",
    target=TARGET,
    started="2026-11-22T10:15:30.123Z",
    elapsed_ms=1,
    verdict=Verdict.HEALTHY,
    exit_code=0,
    diagnosis=(),
    attempts=(),
)


def test_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    listen = listener(verbose=True, quiet=False, colour=False)
    listen(RunStarted(target=TARGET, checks=(("clock", "c"),)))
    for attempt in ENDINGS:
        listen(CheckFinished(attempt=attempt))
    listen(RunFinished(report=REPORT))
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "✗ clock clock.ahead 1.5 s",
        "✓ dns completed 0 ms",
        "– tls skipped 0 ms",
        "? ws inconclusive 0 ms",
    ]


@pytest.mark.parametrize(("verbose", "quiet"), [(False, False), (True, True), (False, True)])
def test_silence(verbose: bool, quiet: bool, capsys: pytest.CaptureFixture[str]) -> None:
    listen = listener(verbose=verbose, quiet=quiet, colour=False)
    for attempt in ENDINGS:
        listen(CheckFinished(attempt=attempt))
    assert capsys.readouterr() == ("", "")


def test_the_live_list_shows_every_check_and_its_state() -> None:
    live = LiveList(colour=False)
    live.titles = {"clock": "c", "dns": "The names resolve", "tls": "t", "http": "REST answers", "ws": "w", "env": "e"}
    live.listen(CheckStarted(check="http"))
    for attempt in ENDINGS:
        live.listen(CheckFinished(attempt=attempt))
    lines = live._rows().plain.splitlines()
    assert lines[:3] == ["✗ clock  clock.ahead", "✓ dns  The names resolve", "– tls  t"]
    assert lines[3].split("  ")[1:2] == ["REST answers"]
    assert lines[4:] == ["? ws  w", "  env"]


def test_a_quick_run_is_never_drawn(capsys: pytest.CaptureFixture[str]) -> None:
    live = LiveList(colour=True)
    live.listen(RunStarted(target=TARGET, checks=(("clock", "c"),)))
    live.listen(RunFinished(report=REPORT))
    assert live.thread is not None
    assert not live.thread.is_alive()
    assert capsys.readouterr() == ("", "")


def test_the_first_signal_ends_the_run_and_the_second_ends_everything() -> None:
    before = signal.getsignal(signal.SIGINT)

    async def wait(interrupts: Interrupts) -> float:
        stop = interrupts.stop_event()
        begun = time.monotonic()
        threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()
        await asyncio.wait_for(stop.wait(), 20)
        return time.monotonic() - begun

    with Interrupts() as interrupts:
        assert asyncio.run(wait(interrupts)) < 10
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_a_signal_before_the_loop_is_not_lost() -> None:
    async def stopped(interrupts: Interrupts) -> bool:
        return interrupts.stop_event().is_set()

    with Interrupts() as interrupts:
        signal.raise_signal(signal.SIGTERM)
        assert asyncio.run(stopped(interrupts))


def test_outside_the_main_thread_signals_are_left_alone() -> None:
    seen: list[object] = []

    def body() -> None:
        with Interrupts():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGINT)]
