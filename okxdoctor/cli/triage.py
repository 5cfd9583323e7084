"""`okxdoctor triage FILE…`: which failures of OKX are in these logs and HAR files, and what may be behind them."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from okxdoctor.cli import options

if TYPE_CHECKING:
    from okxdoctor.redact import Redactor
    from okxdoctor.triage.logs.gather import Gathered

_HAR_BEGINS = 4096


@click.command("triage")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@options.form("json: one object.")
@options.color
@click.option("--quiet", "-q", is_flag=True, help="One line for each failure.")
@click.option("--verbose", "-v", is_flag=True, help="More lines as examples.")
def triage(files: tuple[str, ...], form: str, color: str, quiet: bool, verbose: bool) -> int:
    """Find the failures of OKX in logs and HAR files, and name what may be behind them.

    FILE is a log of any form (plain text, JSON lines, journald), a HAR, either compressed with gzip, or - for standard
    input; any size. A short text that a person wrote, such as a ticket, is read too: what works and what does not is
    evidence. Failures are grouped by code, status, WebSocket close or text, with how often, when and where. A
    failure that several causes share stays unknown, and the command that decides between them is named. Nothing is
    sent.

    Exit codes: 0 nothing found, 1 findings, 2 usage.
    """
    from time import perf_counter

    from okxdoctor.cli.screen import look_of
    from okxdoctor.cli.sinks import write_stdout
    from okxdoctor.knowledge.systems import here
    from okxdoctor.triage.logs import report
    from okxdoctor.triage.logs.gather import Gathered
    from okxdoctor.triage.logs.judge import judge

    start = perf_counter()
    gathered = Gathered()
    for file in dict.fromkeys(files):
        _read(file, gathered)
    redactor = _redactor()
    rows = judge(gathered, system=here())
    made = report.Report(gathered=gathered, rows=rows, elapsed_ms=(perf_counter() - start) * 1000)
    if form == "json":
        write_stdout(report.render_json(made, redactor))
    else:
        look = look_of(sys.stdout, color=color, verbose=verbose, quiet=quiet)
        write_stdout(report.render_text(made, redactor, look))
    return made.exit_code


def _read(file: str, gathered: Gathered) -> None:
    from okxdoctor.files import named
    from okxdoctor.settings.problem import UsageProblem

    if file == "-":
        _take("standard input", sys.stdin.buffer, None, gathered)
        return
    path = named(file)
    try:
        if path.is_dir():
            raise UsageProblem(f"FILE: {file} is a directory", "name the files in it")
        with open(path, "rb") as stream:
            _take(file, stream, path, gathered)
    except OSError as error:
        raise UsageProblem(f"FILE: {file} cannot be read: {error.strerror or type(error).__name__}") from None
    except ValueError:
        raise UsageProblem("FILE: that is no file name") from None


def _take(name: str, stream: BinaryIO, path: Path | None, gathered: Gathered) -> None:
    from datetime import UTC, datetime

    from okxdoctor.triage.logs.gather import read_log

    if path is not None and path.is_file() and _as_har(name, path, gathered):
        return
    # A log without years (syslog) was written in the year of its file.
    written = path.stat().st_mtime if path is not None else None
    year = (datetime.fromtimestamp(written, UTC) if written is not None else datetime.now(UTC)).year
    read_log(name, stream, gathered, year=year)


def _as_har(name: str, path: Path, gathered: Gathered) -> bool:
    """A HAR is one JSON value and is read whole, up to the size that `inspect` takes; anything else is lines."""
    import gzip
    import json
    import zlib

    from okxdoctor.triage.capture import MAX_FILE_BYTES
    from okxdoctor.triage.logs.har import is_har, read_har

    with open(path, "rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        try:
            stream = gzip.GzipFile(fileobj=file) if packed else file
            head = stream.read(_HAR_BEGINS).lstrip(b"\xef\xbb\xbf \t\r\n")
            if not head.startswith(b"{") or b'"log"' not in head:
                return False
            stream.seek(0)
            data = stream.read(MAX_FILE_BYTES + 1)
        except (OSError, EOFError, zlib.error):
            return False  # damaged: what can be read of it is read as lines
    if len(data) > MAX_FILE_BYTES:
        return False
    try:
        value: Any = json.loads(data.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError):
        return False
    if not is_har(value):
        return False
    read_har(name, value, len(data), gathered)
    return True


def _redactor() -> Redactor:
    """Knows the credentials at hand, so that a log that repeats one does not show it."""
    from okxdoctor.files import home
    from okxdoctor.settings import Flags, resolve
    from okxdoctor.settings.problem import UsageProblem
    from okxdoctor.settings.variables import VARIABLES

    names = {name for group in VARIABLES.values() for name in group}
    environ = {name: value for name, value in os.environ.items() if name in names or name.startswith("OKXDOCTOR_")}
    environ |= {name: os.environ[name] for name in ("XDG_CONFIG_HOME", "APPDATA") if name in os.environ}
    try:
        return resolve(Flags(), environ, home()).redactor()
    except UsageProblem:
        # A profile that cannot be read must not keep anybody from reading a log; what the environment says is known.
        from okxdoctor.redact import Redactor

        secret = ("OKX_API_KEY", "OKX_SECRET_KEY", "OKX_API_SECRET", "OKX_PASSPHRASE", "OKX_API_PASSPHRASE")
        return Redactor([os.environ[name] for name in secret if os.environ.get(name)])
