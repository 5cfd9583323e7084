"""The fidelity ledger: what the exchange does, and how well it is known that OKX does it so.

rows()      every row of fidelity.toml, checked
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache

GRADES = ("documented", "observed", "assumed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One behaviour. ``grade``: documented by OKX, observed on the wire, or assumed; ``seen`` is a date (ISO)."""

    area: str
    behaviour: str
    grade: str
    source: str
    seen: str


class BrokenLedger(ValueError):
    """fidelity.toml does not have the shape of a ledger."""


@cache
def rows() -> tuple[Row, ...]:
    """All rows, in the order of the file."""
    import tomllib
    from importlib.resources import files

    found = tomllib.loads(files(__package__).joinpath("fidelity.toml").read_text(encoding="utf-8"))
    names = {field.name for field in fields(Row)}
    for number, row in enumerate(found["row"], start=1):
        if set(row) != names or not all(isinstance(value, str) and value for value in row.values()):
            raise BrokenLedger(f"row {number} of the ledger does not have the fields {sorted(names)}")
        if row["grade"] not in GRADES:
            raise BrokenLedger(f"row {number} of the ledger has the grade {row['grade']!r}")
    return tuple(Row(**row) for row in found["row"])
