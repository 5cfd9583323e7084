"""Right implementations with one mistake each; every mistake was made by somebody (FF-nnn: the collection of reported
failures; L: its list of look-alikes). A mutant says by which cause and mistake the harness must name it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Function = Callable[..., Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """``make`` gets the right functions by name and returns the mutant of ``op``."""

    name: str
    op: str
    make: Callable[[Mapping[str, Function]], Function]
    code: str
    mistake: str
    source: str
