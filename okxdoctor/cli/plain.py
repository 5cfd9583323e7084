"""Plain pages on standard output: how wide, and which characters. Kept apart from reports, so that it loads at once."""

from __future__ import annotations

import os
import sys

NARROWEST, USUAL, WIDEST = 40, 80, 100


def width() -> int:
    """Columns to use: those of the terminal between 40 and 100, else 80."""
    try:
        columns = int(os.environ.get("COLUMNS", "0")) or os.get_terminal_size(sys.stdout.fileno()).columns
    except (ValueError, OSError, AttributeError):
        columns = USUAL
    return max(NARROWEST, min(columns or USUAL, WIDEST))


def printable(page: str) -> str:
    """Without the few characters beyond ASCII where standard output cannot show them."""
    try:
        page.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return page.replace("…", "...").replace("×", "x")
    return page
