"""`okxdoctor vectors`: print the reference vectors, to read them or to feed them to a program."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterable, Sequence
from textwrap import fill

import click

from okxdoctor.cli import options
from okxdoctor.knowledge.vectors import KINDS, Vector, VectorFile, load


@click.command("vectors")
@click.option("--kind", "kinds", multiple=True, metavar=f"[{'|'.join(KINDS)}]", help="Only this kind (repeatable).")
@click.option("--op", "ops", multiple=True, metavar="OP", help="Only this operation, e.g. round_size (repeatable).")
@click.option(
    "--flag", "flags", multiple=True, metavar="FLAG", help="Only vectors with this flag (repeatable: with all)."
)
@click.option("--cause", "causes", multiple=True, metavar="CODE", help="Only mistakes of this cause (repeatable).")
@click.option("--id", "ids", multiple=True, metavar="ID", help="This vector, with every stage (repeatable).")
@click.option("--valid/--must-fail", default=None, help="Only those that must pass, or that must fail.")
@options.form("json: one array; jsonl: one object a line.", "jsonl")
def vectors(
    kinds: tuple[str, ...],
    ops: tuple[str, ...],
    flags: tuple[str, ...],
    causes: tuple[str, ...],
    ids: tuple[str, ...],
    valid: bool | None,
    form: str,
) -> None:
    """Print the reference vectors for signing, rounding and parsing.

    Expected values come from the openssl program and from rational arithmetic. Signing vectors give every
    stage: the prehash as text and as bytes, the digest, the signature. Without a filter, the text form is a
    summary.
    """
    _known("--kind", kinds, set(KINDS))
    files = [load(kind) for kind in (kinds or KINDS)]
    everything = [vector for file in files for vector in file.vectors]
    _known("--op", ops, {vector.op for vector in everything})
    _known("--flag", flags, {flag for file in files for flag in file.flags})
    _known("--cause", causes, {vector.cause for vector in everything if vector.cause})
    _known("--id", ids, {vector.id for vector in everything})
    found = [
        vector
        for vector in everything
        if (not ops or vector.op in ops)
        and all(flag in vector.flags for flag in flags)
        and (not causes or vector.cause in causes)
        and (not ids or vector.id in ids)
        and (valid is None or vector.valid is valid)
    ]
    if form == "json":
        _write_array(found)
    elif form == "jsonl":
        for vector in found:
            click.echo(_line(vector))
    elif ids:
        click.echo("\n\n".join(_details(vector) for vector in found))
    elif ops or flags or causes or valid is not None or kinds:
        _write_table(found)
    else:
        _write_summary(files)


def _known(option: str, asked: Sequence[str], known: set[str]) -> None:
    """A name that no vector has is a mistake of the command line, not an empty result."""
    for name in asked:
        if name not in known:
            import difflib

            near = difflib.get_close_matches(name, sorted(known), n=3)
            few = f" Known: {', '.join(sorted(known))}." if len(known) <= 12 else ""
            hint = f" Did you mean {', '.join(near)}?" if near else few
            raise click.UsageError(f"{option} {name!r} is not among the vectors.{hint}")


def _line(vector: Vector) -> str:
    # ASCII only: the same bytes whatever the encoding of the terminal or pipe.
    return json.dumps(vector.data, ensure_ascii=True, separators=(",", ":"))


def _write_array(found: Sequence[Vector]) -> None:
    click.echo("[" + ",\n".join(_line(vector) for vector in found) + "]")


def _width() -> int:
    return max(60, min(shutil.get_terminal_size((100, 24)).columns, 110))


def _write_summary(files: Iterable[VectorFile]) -> None:
    for file in files:
        passing = sum(vector.valid for vector in file.vectors)
        failing = len(file.vectors) - passing
        click.echo(f"{file.kind}: {len(file.vectors)} vectors, {passing} valid, {failing} must fail")
        click.echo(fill(file.note, _width(), initial_indent="  ", subsequent_indent="  "))
        for op, count in Counter(vector.op for vector in file.vectors).items():
            click.echo(f"    {count:4d}  {op}")
        counts = Counter(flag for vector in file.vectors for flag in vector.flags)
        longest = max(map(len, file.flags))
        for flag, meaning in file.flags.items():
            head = f"    {counts[flag]:4d}  {flag:<{longest}}  "
            click.echo(fill(meaning, _width(), initial_indent=head, subsequent_indent=" " * len(head)))
        click.echo()
    click.echo("List them by --kind, --flag, --cause or --must-fail; see one with --id; feed them by --format jsonl.")


def _write_table(found: Sequence[Vector]) -> None:
    room = max(24, _width() - 49)
    for vector in found:
        verdict = "ok" if vector.valid else vector.cause or "must fail"
        comment = _shown(vector.comment or ", ".join(vector.flags))
        if len(comment) > room:
            comment = comment[: room - 1] + "…"
        click.echo(f"{vector.id:<16}  {verdict:<29}  {comment}".rstrip())
    count = len(found)
    click.echo(f"{count} vector{'' if count == 1 else 's'}")


def _shown(text: str) -> str:
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def _details(vector: Vector) -> str:
    """One vector in full; texts as JSON strings, so that spaces and control characters can be seen."""
    lines = [f"{vector.id}  {vector.op}  {'valid' if vector.valid else 'must fail: ' + str(vector.cause)}"]
    if vector.comment:
        lines.append(f"  {_shown(vector.comment)}")
    lines.append(f"  flags: {', '.join(vector.flags)}")
    if "source" in vector.data:
        lines.append(f"  source: {vector.data['source']}")
    for part in ("input", "wire", "expect", "sent"):
        if part not in vector.data:
            continue
        value = vector.data[part]
        if not isinstance(value, dict):
            lines.append(f"  {part}: {json.dumps(value)}")
            continue
        lines.append(f"  {part}:")
        lines += [f"    {name}: {json.dumps(inner, ensure_ascii=False)}" for name, inner in value.items()]
    return "\n".join(lines)
