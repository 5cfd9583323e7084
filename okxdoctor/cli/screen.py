"""What the terminal can do: colour, width, characters."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from typing import TextIO

from okxdoctor.reports.look import Look


def wants_colour(choice: str, stream: TextIO, environ: Mapping[str, str]) -> bool:
    """``--color`` first, then NO_COLOR (no-color.org), then FORCE_COLOR, then whether it is a terminal."""
    if choice != "auto":
        return choice == "always"
    if environ.get("NO_COLOR"):
        return False
    force = environ.get("FORCE_COLOR", "")
    if force and force not in ("0", "false"):
        return True
    return _is_terminal(stream) and environ.get("TERM") != "dumb"


def speaks_unicode(stream: TextIO) -> bool:
    """Whether the marks and dots of a report can be written to the stream."""
    try:
        "✓✗·–…".encode(getattr(stream, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def look_of(stream: TextIO, *, color: str, verbose: bool, quiet: bool) -> Look:
    """How a report on this stream looks."""
    return Look(
        width=shutil.get_terminal_size((80, 24)).columns,
        colour=wants_colour(color, stream, os.environ),
        unicode=speaks_unicode(stream),
        verbose=verbose,
        quiet=quiet,
    )


def live_display(environ: Mapping[str, str]) -> bool:
    """Whether progress may be drawn over itself: stderr is a terminal that can, and no CI log."""
    return _is_terminal(sys.stderr) and environ.get("TERM") != "dumb" and not environ.get("CI")


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except (ValueError, AttributeError):
        return False
