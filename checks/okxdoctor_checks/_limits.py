"""Limits of judgement by name, from the project's knowledge."""

from __future__ import annotations

from okxdoctor.knowledge import tunable


def limit(name: str) -> float:
    """The value of one limit; its unit is in its name."""
    return tunable(name)
