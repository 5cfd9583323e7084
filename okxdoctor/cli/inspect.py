"""`okxdoctor inspect FILE`: what is wrong with a captured request, and which mistake made its signature."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, BinaryIO

import click

from okxdoctor.cli import options

if TYPE_CHECKING:
    from collections.abc import Iterable

    from okxdoctor.redact import Redactor
    from okxdoctor.triage.capture import Capture
    from okxdoctor.triage.inspection import Known


@click.command("inspect")
@click.argument("file", metavar="FILE")
@click.option("--response", metavar="FILE", help="The answer to the request, as HTTP text or as its JSON body.")
@click.option(
    "--entry", type=click.IntRange(min=1), metavar="N", help="Only the Nth request of the file, counted from 1."
)
@click.option("--profile", metavar="NAME", help="Profile to take credentials from.")
@click.option("--config", metavar="FILE", help="Configuration file (TOML).")
@click.option("--ask", is_flag=True, help="Ask for the secret on the terminal; it is not shown.")
@options.form("json: one object.")
@options.color
def inspect(
    file: str,
    response: str | None,
    entry: int | None,
    profile: str | None,
    config: str | None,
    ask: bool,
    form: str,
    color: str,
) -> int:
    """Find out what is wrong with a captured request.

    FILE is a curl command, HTTP text, a HAR, JSON with method, url (or request_path), headers and body, or a WebSocket
    login; - reads standard input. With the secret (OKX_SECRET_KEY, a profile, or --ask) the signature is recomputed
    under every usual mistake and every pair of them, and the simplest one that gives the captured signature is named.
    Without it, everything visible is judged. Nothing is sent.

    Exit codes: 0 nothing wrong, 1 findings, 2 usage.
    """
    from time import perf_counter

    from okxdoctor.cli.screen import look_of
    from okxdoctor.cli.sinks import write_stdout
    from okxdoctor.triage import report
    from okxdoctor.triage.inspection import inspect_all

    captures = _captures(file, response, entry)
    known, redactor = _credentials(profile, config, ask)
    redactor = redactor.also(_secrets_of(captures))
    start = perf_counter()
    inspections = inspect_all(captures, known)
    made = report.Report(inspections=inspections, elapsed_ms=(perf_counter() - start) * 1000)
    if form == "json":
        write_stdout(report.render_json(made, redactor))
    else:
        look = look_of(sys.stdout, color=color, verbose=False, quiet=False)
        write_stdout(report.render_text(made, redactor, look))
    return made.exit_code


def _captures(file: str, response: str | None, entry: int | None) -> tuple[Capture, ...]:
    from dataclasses import replace

    from okxdoctor.settings.problem import UsageProblem
    from okxdoctor.triage.capture import CaptureError
    from okxdoctor.triage.readers import answer, read

    data = _content(file, "FILE")
    try:
        captures = read(data)
    except CaptureError as error:
        raise UsageProblem(f"{_name(file)}: {error}") from None
    if entry is not None:
        if entry > len(captures):
            there = "there is 1 request" if len(captures) == 1 else f"there are {len(captures)} requests"
            raise UsageProblem(f"--entry: {there} in {_name(file)}")
        captures = captures[entry - 1 : entry]
    if response is not None:
        if len(captures) != 1:
            raise UsageProblem("--response: it belongs to one request", "add --entry N")
        told = answer(_content(response, "--response"))
        if told.status is None and not told.code and told.date_ms is None:
            raise UsageProblem(
                f"--response: no answer is found in {_name(response)}", "HTTP text, or the JSON body of an answer"
            )
        captures = (replace(captures[0], response=told),)
    return captures


def _name(file: str) -> str:
    return "standard input" if file == "-" else file


def _content(file: str, flag: str) -> bytes:
    """At most one byte more than is allowed: a device that never ends is refused like a file that is too large."""
    from okxdoctor.files import named
    from okxdoctor.settings.problem import UsageProblem
    from okxdoctor.triage.capture import MAX_FILE_BYTES

    if file == "-":
        stream: BinaryIO = sys.stdin.buffer
        return stream.read(MAX_FILE_BYTES + 1)
    path = named(file)
    try:
        if path.is_dir():
            raise UsageProblem(f"{flag}: {file} is a directory")
        with open(path, "rb") as handle:
            return handle.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise UsageProblem(f"{flag}: {file} cannot be read: {error.strerror or type(error).__name__}") from None
    except ValueError:
        raise UsageProblem(f"{flag}: that is no file name") from None


def _credentials(profile: str | None, config: str | None, ask: bool) -> tuple[Known, Redactor]:
    """What is at hand, and the redaction point that knows it."""
    from okxdoctor.cli.sinks import write_stderr
    from okxdoctor.files import home
    from okxdoctor.knowledge.systems import here
    from okxdoctor.redact import url_secrets
    from okxdoctor.settings import Flags, resolve
    from okxdoctor.settings.variables import VARIABLES, noticed
    from okxdoctor.triage.inspection import Known

    # Nothing is dialled, so an address or a proxy that cannot be used must not stop anybody; its password stays hidden.
    names = {name for group in VARIABLES.values() for name in group}
    environ = {name: value for name, value in os.environ.items() if name in names or name.startswith("OKXDOCTOR_")}
    environ |= {name: os.environ[name] for name in ("XDG_CONFIG_HOME", "APPDATA") if name in os.environ}
    settings = resolve(Flags(profile=profile, config=config), environ, home())
    proxies = [value for name, value in os.environ.items() if name.lower().endswith("_proxy") and "@" in value]
    redactor = settings.redactor().also(
        part for value in proxies for part in url_secrets(value if "://" in value else f"http://{value}")
    )
    secret = settings.secret_key.value.reveal()
    if not secret and not ask:
        for note in noticed(os.environ, ["secret_key"]):
            write_stderr(f"okxdoctor: note: {note}\n")
    if ask:
        secret = _asked()
        redactor = redactor.also([secret])
    known = Known(
        api_key=settings.api_key.value.reveal(),
        secret=secret,
        passphrase=settings.passphrase.value.reveal(),
        system=here(),
    )
    return known, redactor


def _asked() -> str:
    import getpass
    import warnings

    from okxdoctor.settings.problem import UsageProblem

    try:
        with warnings.catch_warnings():
            # Without a terminal getpass would show what is typed; then nothing is asked at all.
            warnings.simplefilter("error", getpass.GetPassWarning)
            secret = getpass.getpass("Secret key (not shown): ", stream=sys.stderr)
    except (getpass.GetPassWarning, EOFError, OSError):
        raise UsageProblem("--ask: there is no terminal to ask on", "set OKX_SECRET_KEY or use --profile") from None
    if not secret:
        raise UsageProblem("--ask: nothing was typed")
    return secret


def _secrets_of(captures: Iterable[Capture]) -> list[str]:
    """The values in the captures that no report may repeat."""
    from okxdoctor.triage.capture import is_redacted
    from okxdoctor.triage.readers.parts import secrets_of

    return [value for capture in captures for value in secrets_of(capture) if not is_redacted(value)]
