"""What the user must change before a run can start."""

from __future__ import annotations


class UsageProblem(Exception):
    """A setting that cannot be used: one line that says which and why, and a hint what to type instead.

    Ends the program with exit code 2. The text never holds a secret: it names where a value came from, and
    shows the value only where it cannot be secret.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


def suggestion(word: str, known: list[str] | tuple[str, ...]) -> str:
    """``did you mean X?`` for the nearest known word, else the list of them."""
    from difflib import get_close_matches

    near = get_close_matches(word, known, n=2, cutoff=0.6)
    if near:
        return f"did you mean {' or '.join(near)}?"
    return f"known: {', '.join(known)}" if known else ""
