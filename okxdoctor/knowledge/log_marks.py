"""What log lines are read by, beside codes and symptoms (`data/log_marks.toml`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from okxdoctor.knowledge import store


@dataclass(frozen=True, slots=True, kw_only=True)
class LogMarks:
    """`statuses` and `closes` give the causes behind a number, likeliest first. `not_in_logs` are phrases of the
    symptoms that healthy logs hold too, `generic` those that only wrap another failure, `other_venues` names of other
    exchanges, in lower case. `parameters` are the causes behind a parameter that a refusal names.

    Of texts that a person wrote: `answering` are the words before a number that was answered, `naming` those where it
    may be one, `going_on` those behind a status, `units` those behind a number that counts; `told` are phrases of
    `not_in_logs` that count there.
    """

    statuses: Mapping[str, tuple[str, ...]]
    closes: Mapping[str, tuple[str, ...]]
    not_in_logs: frozenset[str]
    generic: frozenset[str]
    other_venues: tuple[str, ...]
    parameters: Mapping[str, tuple[str, ...]]
    answering: frozenset[str]
    naming: frozenset[str]
    going_on: frozenset[str]
    units: frozenset[str]
    told: frozenset[str]


@cache
def log_marks() -> LogMarks:
    table = store.from_toml("log_marks.toml")
    return LogMarks(
        statuses={status: tuple(causes) for status, causes in table["status"].items()},
        closes={number: tuple(causes) for number, causes in table["close"].items()},
        not_in_logs=frozenset(table["not_in_logs"]),
        generic=frozenset(table["generic"]),
        other_venues=tuple(table["other_venues"]),
        parameters={name: tuple(causes) for name, causes in table["parameter"].items()},
        answering=frozenset(table["answering"]),
        naming=frozenset(table["naming"]),
        going_on=frozenset(table["going_on"]),
        units=frozenset(table["units"]),
        told=frozenset(table["told"]),
    )
