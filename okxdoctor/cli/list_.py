"""`okxdoctor list KIND`: causes, checks, cases, faults, formats and the fidelity ledger, for readers and programs."""

from __future__ import annotations

import json
from collections.abc import Callable
from textwrap import wrap
from typing import Any

import click

from okxdoctor.cli import options
from okxdoctor.cli.plain import printable, width

Row = dict[str, Any]


def _causes() -> list[Row]:
    from okxdoctor.knowledge import causes

    return [
        {"code": row.code, "severity": row.severity, "blame": row.blame, "title": row.title}
        for row in causes().values()
    ]


def _checks() -> list[Row]:
    from okxdoctor.runner.discover import checks

    return [
        {"id": one.id, "title": one.title, "causes": list(one.causes), "needs": list(one.needs)} for one in checks()
    ]


def _faults() -> list[Row]:
    from okxdoctor.exchange import faults
    from okxdoctor.targets import world

    return [
        {"name": one.name, "example": one.example, "layer": one.layer, "says": one.says, "cause": one.cause}
        for one in sorted((*faults.catalogue(), *world.catalogue()), key=lambda one: (one.layer, one.name))
    ]


def _formats() -> list[Row]:
    from okxdoctor.reports import formats

    return [{"name": name, "says": says} for name, says in formats().items()]


def _cases() -> list[Row]:
    from dataclasses import asdict

    from okxdoctor.conformance.listing import listed

    return [asdict(row) for row in listed()]


def _fidelity() -> list[Row]:
    from dataclasses import asdict

    from okxdoctor.exchange.fidelity import rows

    return [asdict(row) for row in rows()]


# What to list, the member that begins a line of the text, and what follows it.
_KINDS: dict[str, tuple[Callable[[], list[Row]], str, str]] = {
    "causes": (_causes, "code", "{title}"),
    "checks": (_checks, "id", "{title}"),
    "cases": (_cases, "id", "{level}: {requirement} ({source}; {grade})"),
    "faults": (_faults, "example", "{says}"),
    "formats": (_formats, "name", "{says}"),
    "fidelity": (_fidelity, "grade", "{behaviour} ({source}; {seen})"),
}


@click.command("list")
@click.argument("kind", type=click.Choice(list(_KINDS)), metavar="|".join(_KINDS))
@options.form("json: one array.")
def list_(kind: str, form: str) -> None:
    """List what there is.

    causes: what a run can name; checks: what it looks at; cases: what `okxdoctor conform` requires of a client;
    faults: what the embedded exchange can be made to do; formats: how a report is shown; fidelity: how well it is
    known that OKX does what the embedded exchange does.
    """
    gather, name, says = _KINDS[kind]
    rows = gather()
    if form == "json":
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    from okxdoctor.knowledge.pages import columns

    lines = [*columns(((str(row[name]), says.format(**row)) for row in rows), width(), indent="")]
    if kind == "faults":
        lines += wrap(_WHEN, width(), initial_indent="  ", subsequent_indent="  ")
    click.echo(printable("\n".join(lines)))


_WHEN = (
    "Behind a fault may stand when it is met, each after a comma: p=0.3 (with this probability), every=5, skip=10, "
    "count=3, after=10s, for=30s, until=1h (times of the exchange's clock; after and until also take an instant: "
    "2030-01-01T00:00:00Z). Counted are requests, connections, lookups, whatever the fault is about; of a state of the "
    "world (an instrument, an account, an address) stretches of time, a minute each unless each=10s says another: it "
    "holds in some of them. A fault of the machine holds for the whole run. The same --seed hits the same ones. "
    "Example: http-origin-down=502,p=0.3,count=5,after=10s,for=30s"
)
