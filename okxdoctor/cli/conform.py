"""`okxdoctor conform`: is somebody's signer, rounding or parser right?"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from okxdoctor.cli import options
from okxdoctor.settings.problem import UsageProblem

if TYPE_CHECKING:
    from okxdoctor.conformance.protocol import AdapterFault
    from okxdoctor.conformance.subject import Subject
    from okxdoctor.conformance.suite import Result

_TEMPLATES = {"python": "adapter.py.txt", "javascript": "adapter.mjs", "go": "adapter.go", "rust": "adapter.rs"}
_FORMATS = ("text", "json", "junit")
_CLIENT = "okxdoctor.cli.conform_client"


class _Suites(click.Group):
    """The suites; `client` has a module of its own."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        client = ["client"] if find_spec(_CLIENT) is not None else []
        return ["sign", "round", "parse", *client, "template"]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name == "client" and cmd_name in self.list_commands(ctx):
            found = import_module(_CLIENT).client
            assert isinstance(found, click.Command)
            return found
        return super().get_command(ctx, cmd_name)


@click.group("conform", cls=_Suites)
def conform() -> None:
    """Test an implementation against the rules of OKX, in any language.

    The implementation is a Python function (--python module:function) or a program that reads questions and prints
    answers as JSON lines (--adapter COMMAND); `okxdoctor conform template python` prints one to start from.

    Exit codes: 0 conforms, 1 a mistake of the implementation or its adapter, 2 usage, 3 nothing could be run.
    """


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    given = [
        click.option("--adapter", metavar="COMMAND", help="A program that speaks the harness protocol."),
        click.option("--python", "python_", metavar="MODULE:NAME", help="A function, or an object with methods."),
        click.option(
            "--examples",
            type=click.IntRange(0),
            default=None,
            help="Searched inputs for each operation; 0 runs the vectors alone.  [default: 1000, without --seconds]",
        ),
        click.option(
            "--seconds",
            type=click.FloatRange(0, min_open=True),
            default=None,
            help="Search this long at most, for each operation.",
        ),
        click.option("--seed", type=click.IntRange(0), default=None, help="The same seed gives the same search."),
        click.option(
            "--database",
            type=click.Path(file_okay=False, path_type=Path),
            default=None,
            help="Where found failures are kept, to be tried first next time.  [default: the user's cache]",
        ),
        click.option("--no-database", is_flag=True, help="Remember nothing between runs."),
        click.option(
            "--save-case",
            type=click.Path(dir_okay=False, path_type=Path),
            default=None,
            help="Where a failing case is saved.  [default: ./okxdoctor-case-*.json]",
        ),
        click.option("--no-save", is_flag=True, help="Save no case."),
        click.option(
            "--replay",
            type=click.Path(dir_okay=False, path_type=Path),
            default=None,
            help="Run the cases of a saved file and nothing else.",
        ),
        click.option(
            "--timeout",
            "timeout_s",
            type=click.FloatRange(0, min_open=True),
            default=5.0,
            show_default=True,
            help="Seconds for one call of the adapter.",
        ),
        click.option("--strict", is_flag=True, help="What the exchange merely tolerates fails as well."),
        click.option(
            "--format",
            "formats",
            multiple=True,
            metavar="FORMAT[=FILE]",
            help="text, json or junit. Repeatable, one of them on stdout.",
        ),
        options.color,
        click.option("--quiet", "-q", is_flag=True, help="Only the first line."),
        click.option("--verbose", "-v", is_flag=True, help="Every note."),
    ]
    for option in reversed(given):
        command = option(command)
    return command


@conform.command("sign")
@_options
def sign(**given: Any) -> int:
    """REST signatures and WebSocket logins.

    The signature must cover the bytes that are sent, and what is sent must mean what was asked: same path, same
    parameters, same JSON. A wrong signature is recomputed under known mistakes until one of them reproduces it.
    """
    return _run("sign", **given)


@conform.command("round")
@_options
def round_(**given: Any) -> int:
    """Prices on the tick (bands too) and sizes on the lot."""
    return _run("round", **given)


@conform.command("parse")
@_options
def parse(**given: Any) -> int:
    """Times and answers of the REST API."""
    return _run("parse", **given)


@conform.command("template")
@click.argument("language", type=click.Choice(list(_TEMPLATES)))
def template(language: str) -> None:
    """Print an adapter to start from: complete, with right answers to replace by calls of your own code."""
    from importlib.resources import files

    text = files("okxdoctor.conformance").joinpath("templates", _TEMPLATES[language]).read_text("utf-8")
    click.echo(text, nl=False)


def _run(suite: str, **given: Any) -> int:
    from okxdoctor.cli.sinks import reserve, write_stdout
    from okxdoctor.conformance import saved
    from okxdoctor.conformance.suite import Result

    outputs = _outputs(given["formats"])
    places = {path: reserve(path, f"--format {name}") for name, path in outputs if path}
    try:
        # What the code under test prints must not stand between the lines of a report.
        with redirect_stdout(sys.stderr):
            subject = _subject(suite, given)
        if isinstance(subject, Result):
            result = subject
        else:
            try:
                with redirect_stdout(sys.stderr):
                    result = _judged(suite, subject, given)
            finally:
                subject.close()
        result = _redacted(result)
        kept = None
        if not given["no_save"] and given["replay"] is None:
            try:
                kept = saved.save(result, given["save_case"])
            except OSError as error:
                if given["save_case"] is not None:
                    raise UsageProblem(f"--save-case: cannot be written: {error.strerror or error}") from None
                # Nobody asked for it, and the report of what was found must not be lost over it.
                _note(f"the failing case is not saved: {error.strerror or error}; --save-case FILE names a place")
        for name, path in outputs:
            text = _rendered(name, result, given, kept, to_file=bool(path))
            if path:
                places[path].write(text)
            else:
                write_stdout(text)
        return result.exit_code
    finally:
        for place in places.values():
            place.leave()


def _outputs(formats: tuple[str, ...]) -> list[tuple[str, str]]:
    outputs = [(name, path) for name, _, path in (text.partition("=") for text in formats)]
    for name, _ in outputs:
        if name not in _FORMATS:
            raise UsageProblem(f"--format: {name!r} is not known here", ", ".join(_FORMATS))
    if sum(not path for _, path in outputs) > 1:
        raise UsageProblem("--format: only one format can go to stdout", "FORMAT=FILE for the others")
    if not any(not path for _, path in outputs):
        outputs.append(("text", ""))
    return outputs


def _subject(suite: str, given: dict[str, Any]) -> Subject | Result:
    from okxdoctor.conformance.protocol import AdapterFault

    adapter, python = given["adapter"], given["python_"]
    if (adapter is None) == (python is None):
        raise UsageProblem("say what to test: either --adapter COMMAND or --python MODULE:NAME")
    if python is not None:
        from okxdoctor.conformance.callables import NotFound, load
        from okxdoctor.conformance.suite import SUITES

        try:
            return load(python, SUITES[suite][0])
        except NotFound as problem:
            raise UsageProblem(f"--python: {problem}") from None
    from okxdoctor.conformance.process import Adapter

    try:
        return Adapter(adapter, call_timeout_s=given["timeout_s"])
    except ValueError as problem:
        raise UsageProblem(f"--adapter: {problem}") from None
    except AdapterFault as fault:
        if fault.code == "adapter.command":
            raise UsageProblem(f"--adapter: {fault.text}") from None
        return _not_started(suite, adapter, fault)


def _not_started(suite: str, adapter: str, fault: AdapterFault) -> Result:
    """An adapter that does not get through its first line is at fault itself."""
    from okxdoctor.conformance.suite import Result, broken
    from okxdoctor.conformance.verdict import Case, Found

    found = Found(case=Case(op="start", input={}), failure=broken(fault, "start"), answer="")
    return Result(suite=suite, subject=adapter, seed=None, elapsed_ms=0.0, found=(found,), stderr=fault.stderr)


def _judged(suite: str, subject: Subject, given: dict[str, Any]) -> Result:
    from okxdoctor.conformance import suite as suites

    if given["replay"] is not None:
        return _replayed(suite, subject, given)
    seed, searcher = _searcher(given)
    return suites.run(subject, suite, search=searcher, seed=seed, strict=given["strict"])


def _replayed(suite: str, subject: Subject, given: dict[str, Any]) -> Result:
    from okxdoctor.conformance import saved
    from okxdoctor.conformance.suite import replay

    try:
        of, cases = saved.load(given["replay"])
    except saved.Unreadable as problem:
        raise UsageProblem(f"--replay: {problem}") from None
    if of != suite:
        raise UsageProblem(f"--replay: these are cases of `conform {of}`, not of `conform {suite}`")
    return replay(subject, suite, cases, strict=given["strict"])


def _searcher(given: dict[str, Any]) -> tuple[int | None, Any]:
    if given["examples"] == 0:
        return None, None
    import random

    from okxdoctor.conformance.search import Search

    seed = given["seed"] if given["seed"] is not None else random.SystemRandom().randrange(1 << 32)
    database = None if given["no_database"] else given["database"] or _cache()
    _keep_hypothesis_out_of_here(database)
    return seed, Search(
        examples=given["examples"],
        seconds=given["seconds"],
        seed=seed,
        database=database,
        strict=given["strict"],
    )


def _keep_hypothesis_out_of_here(database: Path | None) -> None:
    """What Hypothesis keeps for itself goes beside the database or away, not into the user's working directory."""
    from hypothesis.configuration import set_hypothesis_home_dir

    if database is None:
        import atexit
        import tempfile

        kept = tempfile.TemporaryDirectory(prefix="okxdoctor-")
        atexit.register(kept.cleanup)
        set_hypothesis_home_dir(kept.name)
        return
    try:
        database.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageProblem(f"--database: {database} cannot be made: {error.strerror or error}") from None
    set_hypothesis_home_dir(database)


def _cache() -> Path | None:
    """The user's cache; None, with a note, where it cannot be written: nobody asked for it."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    place = Path(base) / "okxdoctor" / "conformance"
    try:
        place.mkdir(parents=True, exist_ok=True)
        if not os.access(place, os.W_OK):
            raise PermissionError(13, "it is not writable")
    except OSError as error:
        _note(f"found failures are not remembered: {place}: {error.strerror or error}; --database names a place")
        return None
    return place


def _note(text: str) -> None:
    from okxdoctor.cli.sinks import write_stderr
    from okxdoctor.reports.words import one_line

    write_stderr(f"okxdoctor: note: {one_line(text)}\n")


def _redacted(result: Result) -> Result:
    """What an adapter prints may hold a secret of the user's environment; nothing else here does."""
    from dataclasses import replace

    from okxdoctor.redact import Redactor

    names = ("OKX_API_KEY", "OKX_SECRET_KEY", "OKX_API_SECRET", "OKX_PASSPHRASE", "OKX_API_PASSPHRASE")
    redactor = Redactor([os.environ[name] for name in names if os.environ.get(name)])

    def clean(one: Any) -> Any:
        failure = one.failure
        return replace(
            one,
            answer=redactor.text(one.answer) if names_any(one.answer) else one.answer,
            failure=replace(failure, summary=exact(failure.summary), actual=exact(failure.actual)),
        )

    values = [os.environ[name] for name in names if os.environ.get(name)]

    def names_any(text: str) -> bool:
        return any(value in text for value in values)

    def exact(text: str) -> str:
        return redactor.text(text) if names_any(text) else text

    return replace(result, stderr=redactor.text(result.stderr), found=tuple(map(clean, result.found)))


def _rendered(name: str, result: Result, given: dict[str, Any], kept: Path | None, *, to_file: bool) -> str:
    if name == "json":
        from okxdoctor.conformance.reports import json

        return json.render(result, saved=str(kept) if kept else "")
    if name == "junit":
        from okxdoctor.conformance.reports import junit

        return junit.render(result)
    from okxdoctor.cli.screen import look_of
    from okxdoctor.conformance.reports import text
    from okxdoctor.reports.look import Look

    look = (
        Look() if to_file else look_of(sys.stdout, color=given["color"], verbose=given["verbose"], quiet=given["quiet"])
    )
    return text.render(result, look, again=_again(result, given, kept))


def _again(result: Result, given: dict[str, Any], kept: Path | None) -> str:
    if kept is None:
        return ""
    who = ["--adapter", given["adapter"]] if given["adapter"] else ["--python", given["python_"]]
    return shlex.join(["okxdoctor", "conform", result.suite, *who, "--replay", str(kept)])
