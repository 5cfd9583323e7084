"""``okxdoctor run``: flags in, a report out. What is typed is resolved by the settings, what is found by the runner."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import click

from okxdoctor.cli import options

if TYPE_CHECKING:
    from collections.abc import Callable

    from okxdoctor.cli.interrupts import Interrupts
    from okxdoctor.cli.sinks import Place
    from okxdoctor.model import Report
    from okxdoctor.runner.events import Event
    from okxdoctor.settings import Settings


_FILES = """\b
A profile, in ~/.config/okxdoctor/config.toml (chmod 600):
  [profiles.bot]
  site = "eea"                 # demo = true for demo trading
  api_key = '...'              # or: keyring = "SERVICE"
  secret_key = '...'
  passphrase = '...'
  need = ["read", "trade"]
  instruments = ["BTC-USDT"]   # also: rest_url, ws_url, ca_file,
                               # proxy, product, trade_mode ...

\b
A baseline (--baseline FILE), each accepted cause:
  [[accept]]
  code = "ip.unbound"
  reason = "the NAT gateway comes next month"
  owner = "platform"
  expires = 2027-01-31

\b
Exit codes: 0 nothing found, 1 findings, 2 usage or configuration,
3 could not look, 4 a defect of okxdoctor, 130 interrupted.
"""


@click.command("run", epilog=_FILES)
@click.option("--target", metavar="TARGET", help="live, demo, sim, cassette:PATH or facts:PATH. Default: live.")
@click.option("--site", metavar="SITE", help="global, eea, us or tr. Default: global.")
@click.option("--rest-url", metavar="URL", help="REST address instead of the site's.")
@click.option("--ws-url", metavar="URL", help="WebSocket base instead of the site's; /ws/v5/... is appended.")
@click.option(
    "--site-url",
    "site_urls",
    multiple=True,
    metavar="NAME=REST[,WS[,DEMO_WS]]",
    help="A site to compare with, beside --rest-url.",
)
@click.option("--ca-file", metavar="FILE", help="Verify certificates with this PEM file.")
@click.option("--dns-server", "dns_servers", multiple=True, metavar="HOST[:PORT]", help="Ask this name server.")
@click.option("--ntp-server", "ntp_servers", multiple=True, metavar="HOST[:PORT]", help="Ask this time server.")
@click.option("--proxy", metavar="URL", help="Go through this proxy; 'none' goes directly.")
@click.option("--profile", metavar="NAME", help="Profile of the configuration file.")
@click.option("--config", metavar="FILE", help="Configuration file (TOML).")
@click.option("--need", metavar="LIST", help="What your program does: read, trade, withdraw.")
@click.option("--instrument", "instruments", multiple=True, metavar="ID", help="Instrument your program uses.")
@click.option(
    "--order", "orders", multiple=True, metavar="FILE", help="Orders to look over (JSON, JSONL, CSV). Never sent."
)
@click.option("--trade-mode", metavar="MODE", help="cash, cross, isolated or spot_isolated.")
@click.option("--product", metavar="TYPE", help="SPOT, MARGIN, SWAP, FUTURES, OPTION or EVENTS.")
@click.option("--only", multiple=True, metavar="GLOB", help="Only these checks or causes.")
@click.option("--skip", multiple=True, metavar="GLOB", help="Without these checks or causes.")
@click.option("--timeout", "timeout_s", type=float, metavar="S", help="Seconds for one check. Default: 10.")
@click.option("--deadline", "deadline_s", type=float, metavar="S", help="Seconds for the whole run. Default: 30.")
@click.option(
    "--format",
    "formats",
    multiple=True,
    metavar="FORMAT[=FILE]",
    help="text, json, jsonl, junit, github ...: see `okxdoctor list formats`. Repeatable, one of them on stdout.",
)
@click.option("--quiet", "-q", is_flag=True, help="Only the verdict.")
@click.option("--verbose", "-v", is_flag=True, help="Every check with its time.")
@options.color
@click.option("--fail-on", metavar="SEVERITY", help="error or warning: what exit code 1 stands for. Default: error.")
@click.option("--baseline", metavar="FILE", help="Causes accepted for now: reason, owner and expiry of each.")
@click.option("--save-facts", metavar="FILE", help="Write what was gathered, redacted, to be judged again later.")
@click.option("--record", metavar="FILE", help="Write the HTTP part as a cassette, redacted.")
@click.option("--fault", "faults", multiple=True, metavar="NAME[=VALUE][,WHEN...]",
              help="With --target sim: make this wrong (okxdoctor list faults).")  # fmt: skip
@click.option("--seed", type=int, metavar="N", help="With --target sim: the seed of the exchange.")
@click.option("--demo-orders", is_flag=True, help="Allow the order round trip, on demo and sim only.")
@click.option("--burst", is_flag=True, help="Allow the bounded burst against one public endpoint.")
@click.option("--show-settings", is_flag=True, help="Print every setting with its source, and stop.")
def run(formats: tuple[str, ...], quiet: bool, verbose: bool, color: str, show_settings: bool, **given: Any) -> int:
    """Check every layer between this machine and OKX and name the root cause of what is wrong.

    Credentials come from OKX_API_KEY, OKX_SECRET_KEY and OKX_PASSPHRASE, from a profile, or from the key store of the
    system; never from a flag. A run only reads: it places no order.
    """
    from okxdoctor.cli.interrupts import Interrupts
    from okxdoctor.cli.sinks import keep_apart, reserve
    from okxdoctor.files import home
    from okxdoctor.settings import Flags, UsageProblem, resolve

    if quiet and verbose:
        raise UsageProblem("--quiet and --verbose exclude each other")
    with Interrupts() as interrupts, ExitStack() as cleanup:
        outputs = _outputs(formats)
        settings = resolve(Flags(**given), os.environ, home())
        if show_settings:
            return _show_settings(settings, formats)
        _say_beforehand(settings, quiet)
        saved = [("--save-facts", settings.save_facts), ("--record", settings.record)]
        written = [(f"--format {name}", path) for name, path in outputs if path]
        written += [(flag, path) for flag, path in saved if path is not None]
        keep_apart(written, _files_read(settings))
        places = {path: _reserved(path, f"--format {name}", cleanup) for name, path in outputs if path}
        for flag, path in saved:
            if path is not None:
                reserve(path, flag).leave()
        import asyncio

        from okxdoctor.cli.progress import listener
        from okxdoctor.cli.screen import wants_colour

        show = listener(verbose=verbose, quiet=quiet, colour=wants_colour(color, sys.stderr, os.environ))
        report = asyncio.run(_check_up(settings, show, interrupts))
        _write(report, outputs, places, color=color, quiet=quiet, verbose=verbose)
        _debug(report)
        return report.exit_code


def _files_read(settings: Settings) -> list[tuple[str, str]]:
    """What the run reads, as (name, path): none of it may be written over."""
    found = [("the configuration file", str(file.path)) for file in settings.files]
    found += [("the target", settings.path or ""), ("--baseline", settings.baseline or "")]
    if settings.addresses is not None:
        found.append(("the CA file", settings.addresses.ca_file or ""))
    return [*found, *(("--order", path) for path in settings.orders)]


def _debug(report: Report) -> None:
    """The tracebacks of broken checks, for a report of the defect; redacted with the rest of the report."""
    if os.environ.get("OKXDOCTOR_DEBUG"):
        from okxdoctor.cli.sinks import write_stderr

        for attempt in report.attempts:
            if attempt.trace is not None:
                write_stderr(f"check {attempt.check}: {attempt.trace}\n")


async def _check_up(settings: Settings, show: Callable[[Event], None], interrupts: Interrupts) -> Report:
    from okxdoctor.checkup import check_up

    return await check_up(settings, listen=show, stop=interrupts.stop_event())


def _reserved(path: str, flag: str, cleanup: ExitStack) -> Place:
    from okxdoctor.cli.sinks import reserve

    place = reserve(path, flag)
    cleanup.callback(place.leave)
    return place


def _outputs(formats: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """(format, file) pairs, "" for stdout; text goes to stdout where no other format does."""
    from okxdoctor.reports import formats as known_formats
    from okxdoctor.reports import writer
    from okxdoctor.settings import UsageProblem, suggestion

    outputs: list[tuple[str, str]] = []
    for text in formats:
        name, equals, path = text.partition("=")
        try:
            writer(name)
        except KeyError:
            known = tuple(known_formats())
            raise UsageProblem(f"--format: {name!r} is not known", suggestion(name, known)) from None
        if equals and not path:
            raise UsageProblem(f"--format: {text!r} names no file", f"{name}=FILE")
        outputs.append((name, "" if path == "-" else path))
    on_stdout = [name for name, path in outputs if not path]
    if len(on_stdout) > 1:
        raise UsageProblem(
            f"--format: {' and '.join(on_stdout)} cannot both go to stdout", f"{on_stdout[1]}=FILE for one of them"
        )
    return (*outputs, *([] if on_stdout else [("text", "")]))


def _write(
    report: Report,
    outputs: tuple[tuple[str, str], ...],
    places: dict[str, Place],
    *,
    color: str,
    quiet: bool,
    verbose: bool,
) -> None:
    """Files first, so that they stand before stdout can fail."""
    from okxdoctor.cli.screen import look_of
    from okxdoctor.cli.sinks import write_stdout
    from okxdoctor.reports import Look, writer
    from okxdoctor.settings import UsageProblem

    for name, path in outputs:
        if path:
            try:
                places[path].write(writer(name).render(report, Look(verbose=verbose, quiet=quiet)))
            except OSError as error:
                raise UsageProblem(f"--format {name}: {path} cannot be written: {error.strerror or error}") from None
    for name, path in outputs:
        if not path:
            look = look_of(sys.stdout, color=color, verbose=verbose, quiet=quiet)
            format_ = writer(name)
            write_stdout(format_.render(report, look), markup=getattr(format_, "MARKUP", False))


def _say_beforehand(settings: Settings, quiet: bool) -> None:
    """What the user should know of the settings; and no flag is taken that nothing reads."""
    from okxdoctor.cli.sinks import write_stderr
    from okxdoctor.reports.words import one_line
    from okxdoctor.settings import UsageProblem

    if settings.orders:
        from okxdoctor.runner.discover import checks

        if not any(check.id.partition(".")[0] == "order" for check in checks()):
            raise UsageProblem("--order: no installed check looks over orders")
    if not quiet:
        redactor = settings.redactor()
        for note in filter(None, (*settings.notes, settings.of_the_folder())):
            write_stderr(f"okxdoctor: note: {one_line(redactor.text(note))}\n")


def _show_settings(settings: Settings, formats: tuple[str, ...]) -> int:
    """The table of settings, or the same as JSON."""
    from okxdoctor.cli.sinks import write_stdout
    from okxdoctor.reports.words import one_line
    from okxdoctor.settings import UsageProblem

    rows = settings.rows()
    match formats:
        case ("json",):
            import json

            shown = [{"name": row.name, "value": row.shown, "source": row.source} for row in rows]
            write_stdout(json.dumps(shown, indent=2) + "\n")
        case () | ("text",):
            widths = [max(len(getattr(row, column)) for row in rows) for column in ("name", "shown")]
            lines = [f"{row.name:<{widths[0]}}  {row.shown:<{widths[1]}}  {row.source}".rstrip() for row in rows]
            notes = map(settings.redactor().text, settings.notes)
            write_stdout("".join(f"{one_line(line)}\n" for line in (*lines, *notes)))
        case _:
            raise UsageProblem("--show-settings prints text or json")
    return 0
