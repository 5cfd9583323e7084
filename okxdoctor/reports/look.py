"""How much room and which characters a sink has. Values only; the command line finds them out."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """``width`` in columns (40 to 120 are used), whether colour and characters beyond ASCII may be printed, and
    how much is told: ``quiet`` the verdict alone, ``verbose`` every check with its time."""

    width: int = 80
    colour: bool = False
    unicode: bool = True
    verbose: bool = False
    quiet: bool = False

    @property
    def columns(self) -> int:
        return max(40, min(self.width, 120))
