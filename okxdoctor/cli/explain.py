"""`okxdoctor explain X`: what a cause, a check, a code or a message of OKX means and what to do about it."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from okxdoctor.cli import options
from okxdoctor.cli.plain import printable, width
from okxdoctor.knowledge import lookup, pages

if TYPE_CHECKING:
    from okxdoctor.check import Check


@click.command("explain")
@click.argument("what", nargs=-1, required=True, metavar="X")
@options.form("json: one object with the answers.")
@click.pass_context
def explain(ctx: click.Context, what: tuple[str, ...], form: str) -> None:
    """Explain a cause, a check, an error code of OKX, or the text of a message.

    X is a cause (clock.ahead), a family or check (clock), a REST or WebSocket code (50113, 60009, 4004), an HTTP
    status (429), an endpoint (market/ticker), or text: "Invalid Sign", or a whole answer of the exchange.
    """
    asked = " ".join(what).strip()
    if not asked:
        raise click.UsageError("X is empty: name a cause, a check, a code or a message.", ctx)
    found = lookup.find(asked)
    # Checks are installed packages and slow to list: only asked where the data does not settle it.
    settled = found is not None and not isinstance(found, lookup.Family | lookup.Matches)
    check = None if settled or not _may_be_a_name(asked) else _check(asked)
    if isinstance(found, lookup.Matches) and check is not None:
        found = None
    if found is None and check is None:
        hint = lookup.near(asked, _check_ids() if _may_be_a_name(asked) and not asked.isdigit() else ())
        if form == "json":
            click.echo(_document(asked, [], list(hint)))
        raise click.UsageError(_unknown(asked, hint), ctx)
    if form == "json":
        answers = [*([_check_value(check)] if check else []), *(pages.value(found) if found else [])]
        click.echo(_document(asked, answers, []))
        return
    room = width()
    page = "\n".join(
        part for part in (_check_page(check, room) if check else "", pages.text(found, room) if found else "") if part
    )
    click.echo(printable(page), nl=False)


def _document(asked: str, answers: list[Any], near: list[str]) -> str:
    return json.dumps(
        {"schema": "okxdoctor.explanation/1", "asked": asked, "answers": answers, "near": near},
        ensure_ascii=False,
        indent=2,
    )


def _unknown(asked: str, near: tuple[str, ...]) -> str:
    shown = asked if len(asked) <= 60 else asked[:59] + "…"
    if near:
        return f"{shown} is not known. Did you mean {', '.join(near)}?"
    return f"{shown} is not known. `okxdoctor list causes` and `okxdoctor list checks` show what is."


# ---- checks ----------------------------------------------------------------------------------


def _checks() -> tuple[Check[Any], ...]:
    try:
        from okxdoctor.runner.discover import checks

        return checks()
    except Exception:
        # A foreign check that cannot be loaded must not keep anybody from reading about a cause.
        return ()


def _may_be_a_name(asked: str) -> bool:
    return asked.isascii() and asked.strip().replace("-", "").replace(".", "").replace("_", "").isalnum()


def _check(asked: str) -> Check[Any] | None:
    name = asked.strip().lower()
    return next((check for check in _checks() if check.id == name), None)


def _check_ids() -> tuple[str, ...]:
    return tuple(check.id for check in _checks())


def _own_page(check: Check[Any]) -> str:
    """The docstring of the module that a check comes from: its page for users."""
    import inspect

    module = sys.modules.get(check.probe.__module__)
    return inspect.cleandoc(module.__doc__ or "") if module is not None else ""


def _check_page(check: Check[Any], room: int) -> str:
    lines = pages.paragraph(f"check {check.id}: {check.title}", room, indent="  ", first="")
    lines += ["", *pages.reflowed(_own_page(check), room)]
    if check.needs:
        lines += ["", f"Needs: {', '.join(check.needs)}"]
    lines += ["", f"Run:   okxdoctor run --only {check.id}"]
    return "\n".join(lines) + "\n"


def _check_value(check: Check[Any]) -> dict[str, Any]:
    return {
        "kind": "check",
        "id": check.id,
        "title": check.title,
        "page": _own_page(check),
        "causes": list(check.causes),
        "needs": list(check.needs),
    }
