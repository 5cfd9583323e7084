"""`okxdoctor conform client -- COMMAND`: somebody's program is run against the exchange and graded on the wire."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from okxdoctor.cli import options
from okxdoctor.settings.problem import UsageProblem, suggestion

if TYPE_CHECKING:
    from okxdoctor.cli.interrupts import Interrupts
    from okxdoctor.conformance.client.cases import Case
    from okxdoctor.conformance.client.suite import Outcome, Wish

_FORMATS = ("text", "json", "junit")


@click.command(
    "client",
    context_settings={"allow_interspersed_args": False},
    options_metavar="[OPTIONS] -- COMMAND...",
)
@click.option("--only", multiple=True, metavar="GLOB", help="Only these cases, by id or area (repeatable).")
@click.option("--list", "list_", is_flag=True, help="List the cases and run nothing.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="The same seed, the same exchange.")
@click.option(
    "--seconds",
    type=click.FloatRange(0, min_open=True),
    default=60.0,
    show_default=True,
    help="The longest a round may last; most end earlier by themselves.",
)
@click.option("--jobs", type=click.IntRange(1, 32), default=4, show_default=True, help="Rounds side by side.")
@click.option(
    "--environment",
    type=click.Choice(["live", "demo"]),
    default="live",
    show_default=True,
    help="Where the key that the program is given belongs.",
)
@click.option("--plain", is_flag=True, help="Addresses without TLS, for a program that cannot be given a CA file.")
@click.option(
    "--fail-on",
    type=click.Choice(["must", "should"]),
    default="must",
    show_default=True,
    help="should: what only should hold fails the run, too.",
)
@click.option(
    "--format",
    "formats",
    multiple=True,
    metavar="FORMAT[=FILE]",
    help="text, json or junit. Repeatable, one on stdout.",
)
@options.color
@click.option("--quiet", "-q", is_flag=True, help="Only the first line.")
@click.option("--verbose", "-v", is_flag=True, help="Every case with what was seen.")
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="")
def client(command: tuple[str, ...], **given: Any) -> int:
    """Run a program against the embedded exchange and grade what it does on the wire.

    COMMAND is run several times, each time in other circumstances: a bad certificate, a refused login, an order whose
    answer is lost, a gap in the book, a limit that is reached. It gets the addresses and keys of the exchange in its
    environment: OKX_BASE_URL, OKX_WS_URL, OKX_API_KEY, OKX_SECRET_KEY, OKX_PASSPHRASE, SSL_CERT_FILE and relatives,
    as by `okxdoctor sim -- COMMAND`. It just does what it always does; what it never does is not exercised.

    Exit codes: 0 all that was exercised holds, 1 a requirement is missed, 2 usage, 3 nothing could be graded,
    4 a defect of okxdoctor, 130 interrupted.
    """
    from okxdoctor.cli.interrupts import Interrupts
    from okxdoctor.cli.sinks import reserve

    outputs = _outputs(given["formats"])
    cases = _chosen(given["only"])
    if given["list_"]:
        return _listed(cases, outputs)
    if not command:
        raise UsageProblem("no program is named", "okxdoctor conform client -- python mybot.py")
    places = {path: reserve(path, f"--format {name}") for name, path in outputs if path}
    try:
        with Interrupts() as interrupts:
            outcome = _graded(command, cases, given, interrupts)
            for name, path in outputs:
                if path:
                    places[path].write(_rendered(name, outcome, given, to_file=True))
            for name, path in outputs:
                if not path:
                    from okxdoctor.cli.sinks import write_stdout

                    write_stdout(_rendered(name, outcome, given, to_file=False))
            return outcome.exit_code(given["fail_on"])
    finally:
        for place in places.values():
            place.leave()


def _graded(
    command: tuple[str, ...], cases: tuple[Case, ...], given: dict[str, Any], interrupts: Interrupts
) -> Outcome:
    import asyncio

    from okxdoctor.conformance.client.cases import limits
    from okxdoctor.conformance.client.suite import CannotRun, Wish, run

    wish = Wish(
        command=command, cases=cases, seed=given["seed"], seconds=given["seconds"], jobs=given["jobs"],
        environment=given["environment"], plain=given["plain"], limits=limits(),
    )  # fmt: skip

    async def whole(wish: Wish) -> Outcome:
        return await run(wish, stop=interrupts.stop_event(), progress=_progress(given))

    try:
        return asyncio.run(whole(wish))
    except CannotRun as problem:
        raise UsageProblem(f"the program cannot be run: {problem}") from None


def _progress(given: dict[str, Any]) -> Any:
    import os

    from okxdoctor.cli.screen import live_display
    from okxdoctor.cli.sinks import write_stderr

    if given["quiet"] or not live_display(os.environ):
        return lambda said: None
    return lambda said: write_stderr(f"round {said}\n")


def _outputs(formats: tuple[str, ...]) -> list[tuple[str, str]]:
    outputs: list[tuple[str, str]] = []
    for text in formats:
        name, equals, path = text.partition("=")
        if name not in _FORMATS:
            raise UsageProblem(f"--format: {name!r} is not known here", suggestion(name, _FORMATS))
        if equals and not path:
            raise UsageProblem(f"--format: {text!r} names no file", f"{name}=FILE")
        outputs.append((name, "" if path == "-" else path))
    if sum(not path for _, path in outputs) > 1:
        raise UsageProblem("--format: only one format can go to stdout", "FORMAT=FILE for the others")
    if not any(not path for _, path in outputs):
        outputs.append(("text", ""))
    return outputs


def _chosen(patterns: tuple[str, ...]) -> tuple[Case, ...]:
    from okxdoctor.conformance.client.cases import cases, only

    chosen = only(cases(), patterns)
    for pattern in patterns:
        if not only(cases(), (pattern,)):
            areas = tuple(dict.fromkeys(case.area for case in cases()))
            near = suggestion(pattern, (*areas, *(case.id for case in cases())))
            raise UsageProblem(
                f"--only: no case is called {pattern!r}",
                near if near.startswith("did you") else f"areas: {', '.join(areas)}; okxdoctor conform client --list",
            )
    return chosen


def _listed(cases: tuple[Case, ...], outputs: list[tuple[str, str]]) -> int:
    from okxdoctor.cli.plain import printable, width
    from okxdoctor.cli.sinks import write_stdout
    from okxdoctor.knowledge.pages import columns

    if any(name == "json" for name, _ in outputs):
        import json
        from dataclasses import asdict

        from okxdoctor.conformance.listing import listed

        chosen = {case.id for case in cases}
        found = [asdict(row) for row in listed() if row.kind == "client" and row.id in chosen]
        write_stdout(json.dumps(found, ensure_ascii=False, indent=2) + "\n")
        return 0
    rows = ((case.id, f"{case.level}: {case.requirement} ({case.source}; {case.grade})") for case in cases)
    lines = columns(rows, width(), indent="")
    write_stdout(printable("\n".join(lines)) + "\n")
    return 0


def _rendered(name: str, outcome: Outcome, given: dict[str, Any], *, to_file: bool) -> str:
    if name == "json":
        from okxdoctor.conformance.client.reports import json

        return json.render(outcome, fail_on=given["fail_on"])
    if name == "junit":
        from okxdoctor.conformance.client.reports import junit

        return junit.render(outcome, fail_on=given["fail_on"])
    from okxdoctor.cli.screen import look_of
    from okxdoctor.conformance.client.reports import text
    from okxdoctor.reports.look import Look

    look = Look(verbose=given["verbose"], quiet=given["quiet"])
    if not to_file:
        look = look_of(sys.stdout, color=given["color"], verbose=given["verbose"], quiet=given["quiet"])
    return text.render(outcome, look)
