"""What a run shows on stderr while it works: a live list on a terminal, plain lines if verbose, else nothing."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from okxdoctor.cli.screen import live_display, speaks_unicode
from okxdoctor.model import Attempt, Outcome, Severity
from okxdoctor.reports.paint import MARK_OF
from okxdoctor.reports.values import severity_of
from okxdoctor.reports.words import ascii_only, duration
from okxdoctor.runner.events import CheckFinished, CheckStarted, Event, RunFinished, RunStarted

if TYPE_CHECKING:
    from rich.text import Text

_MARKS = {Outcome.COMPLETED: "✓", Outcome.SKIPPED: "–", Outcome.INCONCLUSIVE: "?", Outcome.BROKEN: "#"}
_COLOURS = {"✓": "green", "✗": "red", "!": "yellow", "–": "dim", "?": "yellow", "#": "red"}


def listener(*, verbose: bool, quiet: bool, colour: bool) -> Callable[[Event], None]:
    """The listener that fits this stderr."""
    if quiet:
        return _silent
    if live_display(os.environ):
        return LiveList(colour=colour).listen
    return _plain_lines if verbose else _silent


def _silent(event: Event) -> None:
    """Nothing to see."""


def _mark(attempt: Attempt) -> str:
    """The worst of what was found, in the marks of the report; else what became of the check."""
    worst = min((severity_of(finding) for finding in attempt.findings), key=lambda s: s.rank, default=Severity.INFO)
    return MARK_OF[worst] if worst is not Severity.INFO else _MARKS[attempt.outcome]


def _codes(attempt: Attempt) -> str:
    """What was found, notes left out."""
    weighty = (finding for finding in attempt.findings if severity_of(finding) is not Severity.INFO)
    return ", ".join(dict.fromkeys(finding.code for finding in weighty))


def _plain_lines(event: Event) -> None:
    """One line for each check as it settles, for logs."""
    if not isinstance(event, CheckFinished):
        return
    attempt = event.attempt
    codes = _codes(attempt)
    line = f"{_mark(attempt)} {attempt.check} {codes or attempt.outcome.value} {duration(attempt.elapsed_ms)}"
    sys.stderr.write((line if speaks_unicode(sys.stderr) else ascii_only(line)) + "\n")
    sys.stderr.flush()


@dataclass(slots=True)
class LiveList:
    """The list of checks, redrawn in place while they run.

    rich takes a while to import; that happens in a thread beside the run, which must not wait for its display. A run
    that is over before then is never drawn.
    """

    colour: bool
    titles: dict[str, str] = field(default_factory=dict)
    started: dict[str, float] = field(default_factory=dict)
    settled: dict[str, Attempt] = field(default_factory=dict)
    over: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None

    def listen(self, event: Event) -> None:
        match event:
            case RunStarted():
                self.titles = dict(event.checks)
                self.thread = threading.Thread(target=self._draw, name="okxdoctor-progress", daemon=True)
                self.thread.start()
            case CheckStarted():
                self.started[event.check] = time.monotonic()
            case CheckFinished():
                self.settled[event.attempt.check] = event.attempt
            case RunFinished():
                self.over.set()
                if self.thread is not None:
                    self.thread.join(timeout=2)

    def _draw(self) -> None:
        if self.over.wait(0.15):
            return
        from rich.console import Console
        from rich.live import Live

        if self.over.is_set():
            return
        console = Console(stderr=True, no_color=not self.colour, highlight=False)
        with Live(get_renderable=self._rows, console=console, refresh_per_second=10, transient=True):
            self.over.wait()

    def _rows(self) -> Text:
        from rich.text import Text

        now = time.monotonic()
        text = Text(no_wrap=True, overflow="ellipsis")
        for check, title in list(self.titles.items()):
            attempt = self.settled.get(check)
            if attempt is not None:
                mark = _mark(attempt)
                codes = _codes(attempt)
                text.append(f"{mark} ", style=_COLOURS[mark])
                text.append(f"{check}  {codes or title}\n", style="dim" if mark == "–" else "")
            elif check in self.started:
                spinner = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"[int(now * 10) % 10]
                text.append(f"{spinner} ", style="cyan")
                text.append(f"{check}  {title}  {now - self.started[check]:.1f} s\n")
            else:
                text.append(f"  {check}\n", style="dim")
        return text
