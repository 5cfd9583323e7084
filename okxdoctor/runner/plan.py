"""Which checks run, in which order reports show them, and who waits for whom. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from okxdoctor.check import Check

# The way bytes take, from the machine outwards; checks of others come after, by name.
LAYERS = (
    "env", "clock", "dns", "tcp", "proxy", "tls", "http", "status", "key", "egress", "signature", "ratelimit",
    "account", "instrument", "order", "schema", "ws",
)  # fmt: skip


class PlanProblem(Exception):
    """The selection cannot be run: nothing matches, or the dependencies go in a circle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """``chosen`` run; ``left_out`` are reported as skipped with the reason. ``asked`` are the ids that ``--only``
    names, without what these need; empty where it names none.

    ``only_causes``: by check, the globs of the causes that the selection named; a check that is absent may report all
    of its own. Causes that ``skip_causes`` (globs) match are reported by none.
    """

    chosen: tuple[Check[Any], ...]
    left_out: tuple[tuple[Check[Any], str], ...] = ()
    only_causes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    skip_causes: tuple[str, ...] = ()
    asked: frozenset[str] = frozenset()

    def reports(self, check: str, code: str) -> bool:
        """Whether a finding of this code from this check is wanted."""
        if any(fnmatchcase(code, glob) for glob in self.skip_causes):
            return False
        wanted = self.only_causes.get(check)
        return wanted is None or any(fnmatchcase(code, glob) for glob in wanted)


def _rank(check: Check[Any]) -> tuple[int, str]:
    family = check.id.split(".")[0]
    return (LAYERS.index(family) if family in LAYERS else len(LAYERS), check.id)


EVERY = "*"
"""In ``reads``: every check of the run that does not itself read every check."""


def read_by(check: Check[Any], checks: Iterable[Check[Any]]) -> tuple[str, ...]:
    """The ids that a check reads, of those that take part."""
    if EVERY in check.reads:
        return tuple(other.id for other in checks if other.id != check.id and EVERY not in other.reads)
    present = {other.id for other in checks}
    return tuple(read for read in check.reads if read in present)


def in_order(checks: Sequence[Check[Any]]) -> tuple[Check[Any], ...]:
    """By layer, then by name, as reports show them; who waits for whom is another matter.

    Raises PlanProblem for a circle of ``needs`` and ``reads``: such checks would wait for each other for ever.
    """
    by_id = {check.id: check for check in checks}
    done: set[str] = set()
    on_the_way: list[str] = []

    def visit(check: Check[Any]) -> None:
        if check.id in done:
            return
        if check.id in on_the_way:
            circle = " -> ".join([*on_the_way[on_the_way.index(check.id) :], check.id])
            raise PlanProblem(f"checks wait for each other: {circle}")
        on_the_way.append(check.id)
        for other in sorted((*check.needs, *read_by(check, checks))):
            if other in by_id:
                visit(by_id[other])
        on_the_way.pop()
        done.add(check.id)

    ordered = sorted(checks, key=_rank)
    for check in ordered:
        visit(check)
    return tuple(ordered)


def _matches(globs: Iterable[str], text: str) -> bool:
    return any(fnmatchcase(text, glob) for glob in globs)


def make_plan(checks: Sequence[Check[Any]], *, only: Sequence[str] = (), skip: Sequence[str] = ()) -> Plan:
    """Apply ``--only`` and ``--skip`` (globs over check ids or causes).

    What a chosen check needs or brings is chosen too. Raises PlanProblem when a glob matches nothing: a typing error
    that silently ran no check would read as health.
    """
    for flag, globs in (("--only", only), ("--skip", skip)):
        for glob in globs:
            if not any(_matches([glob], c.id) or any(_matches([glob], code) for code in c.causes) for c in checks):
                raise PlanProblem(f"{flag} {glob}: no check and no cause has such a name")
    by_id = {check.id: check for check in checks}
    only_causes: dict[str, tuple[str, ...]] = {}
    wanted: set[str] = set()
    for check in checks:
        if not only or _matches(only, check.id):
            wanted.add(check.id)
            continue
        globs = tuple(glob for glob in only if any(_matches([glob], code) for code in check.causes))
        if globs:
            wanted.add(check.id)
            only_causes[check.id] = globs
    asked = frozenset(wanted if only else ())
    pending = list(wanted)
    while pending:
        check = by_id[pending.pop()]
        for need in (*check.needs, *check.brings):
            if need in by_id and need not in wanted:
                wanted.add(need)
                pending.append(need)
    left_out: list[tuple[Check[Any], str]] = []
    chosen: list[Check[Any]] = []
    for check in checks:
        if _matches(skip, check.id):
            left_out.append((check, "left out by --skip"))
        elif check.id not in wanted:
            left_out.append((check, "not selected by --only"))
        else:
            chosen.append(check)
    if not chosen:
        raise PlanProblem("--only and --skip together leave no check to run")
    return Plan(
        chosen=tuple(chosen),
        left_out=tuple(left_out),
        only_causes=only_causes,
        skip_causes=tuple(skip),
        asked=asked,
    )
