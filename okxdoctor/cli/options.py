"""Options that several commands have in common, written once so that they are the same everywhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

C = TypeVar("C", bound=Callable[..., Any])

color: Callable[[C], C] = click.option(
    "--color", "--colour", type=click.Choice(["auto", "always", "never"]), default="auto", show_default=True
)
"""``--color`` (parameter ``color``): when to colour; auto goes by the terminal, NO_COLOR and FORCE_COLOR."""


def form(says: str, *more: str) -> Callable[[C], C]:
    """``--format`` (parameter ``form``) of commands that print one thing: text, json, and what ``more`` names.

    ``says`` is the help: what json is, an array or an object.
    """
    return click.option(
        "--format", "form", type=click.Choice(["text", "json", *more]), default="text", show_default=True, help=says
    )
