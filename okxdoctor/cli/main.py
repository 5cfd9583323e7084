"""The command ``okxdoctor``: finds the sub-command, loads only that one, and turns every ending into an exit code.

Without a sub-command it is ``run``. Nothing is imported here but click, so that ``--help`` and ``explain`` start
at once.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module

from okxdoctor import __version__

try:
    import click
except Exception as error:
    from okxdoctor.imports import to_blame

    if not (said := to_blame(error)):
        raise
    sys.stderr.write(f"okxdoctor: {said}.\n")
    raise SystemExit(2) from None

_COMMANDS: dict[str, tuple[str, str, str]] = {
    "run": ("okxdoctor.cli.run", "run", "Check every layer between this machine and OKX (the default)."),
    "explain": ("okxdoctor.cli.explain", "explain", "Explain a cause, a check or an error code of OKX."),
    "list": ("okxdoctor.cli.list_", "list_", "List checks, causes, faults or formats."),
    "sim": ("okxdoctor.cli.sim", "sim", "Serve the embedded exchange."),
    "vectors": ("okxdoctor.cli.vectors", "vectors", "Print the reference vectors."),
    "conform": ("okxdoctor.cli.conform", "conform", "Test a signer, a rounding, a parser or a client."),
    "inspect": ("okxdoctor.cli.inspect", "inspect", "Find out what is wrong with a captured request."),
    "triage": ("okxdoctor.cli.triage", "triage", "Read logs and HAR files."),
}
_SECRET_FLAGS = frozenset(
    f"--{name}"
    for name in (
        *("key", "api-key", "apikey", "okx-api-key", "secret", "secret-key", "secretkey", "api-secret", "apisecret"),
        *("okx-secret-key", "okx-api-secret", "passphrase", "pass-phrase", "api-passphrase", "okx-passphrase"),
        *("password", "token", "credentials"),
    )
)

USAGE, COULD_NOT_LOOK, DEFECT, INTERRUPTED = 2, 3, 4, 130


class Commands(click.Group):
    """A group that imports a sub-command when it is called, and mounts only those whose module is there."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        here = os.path.dirname(__file__)
        modules = {name: module.rpartition(".")[2] for name, (module, _, _) in _COMMANDS.items()}
        return [name for name, stem in modules.items() if os.path.exists(os.path.join(here, f"{stem}.py"))]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        module, attribute, _ = _COMMANDS[cmd_name]
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and self.get_command(ctx, args[0]) is None:
            from okxdoctor.settings.problem import suggestion

            hint = suggestion(args[0], tuple(self.list_commands(ctx)))
            raise click.UsageError(f"There is no command {args[0]!r} ({hint}).", ctx)
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        _refuse_secrets(args)
        own = {"--help", "-h", "--version"}
        if args and args[0] == "help":
            args = [*args[1:], "--help"]
        # While a shell asks what may follow, nothing typed is not yet `run`.
        if (not args and not ctx.resilient_parsing) or (args and args[0].startswith("-") and args[0] not in own):
            args = ["run", *args]
        return super().parse_args(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(name, _COMMANDS[name][2]) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def _refuse_secrets(args: Sequence[str]) -> None:
    """A secret on the command line stands in the shell's history and in every process list. What was typed after
    the flag is not repeated."""
    for arg in args:
        if arg == "--":
            return
        name = arg.partition("=")[0].lower().replace("_", "-")
        if name in _SECRET_FLAGS:
            raise click.UsageError(
                f"{name} is not taken: credentials never come from a flag. Set OKX_API_KEY, OKX_SECRET_KEY and "
                "OKX_PASSPHRASE, or use a profile. If a real secret was typed here, replace the key."
            )


@click.group(
    cls=Commands, context_settings={"help_option_names": ["-h", "--help"]}, subcommand_metavar="[COMMAND] [ARGS]..."
)
@click.version_option(__version__, prog_name="okxdoctor")
def okxdoctor() -> None:
    """Why does my integration with the OKX API v5 not work, and will it work tomorrow?

    Without a command, okxdoctor checks every layer between this machine and OKX and names the one root cause of what
    is wrong. `okxdoctor run --help` lists the flags.

    Exit codes: 0 nothing found, 1 findings, 2 usage or configuration, 3 could not look, 4 a defect of okxdoctor,
    130 interrupted.
    """


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line. Returns the exit code; prints at most one line about what went wrong, never a traceback."""
    _have_streams()
    _speak_utf8()
    _end_on_signals()
    code = _ended(argv)
    if argv is None:
        _past_interrupting()
    return code


def _ended(argv: Sequence[str] | None) -> int:
    """The exit code of every ending there is."""
    try:
        code = _call(list(sys.argv[1:] if argv is None else argv))
        _flush()
    except BrokenPipeError:
        from okxdoctor.cli.sinks import drop_stdout

        drop_stdout()
        return 0
    except KeyboardInterrupt:
        return INTERRUPTED
    except SystemExit as end:
        # click answers a closed pipe with a wrapper around stdout (its name differs between versions) and exit
        # code 1, which would read as findings.
        pipe_closed = type(sys.stdout).__name__.endswith("PacifyFlushWrapper")
        return 0 if pipe_closed else _from_system_exit(end)
    except OSError as error:
        return _machine(error)
    except Exception as error:
        return _defect(error)
    return code


_NO_PLACE = ("ENOSPC", "EDQUOT", "EFBIG", "EROFS")
_NO_MEANS = ("EMFILE", "ENFILE", "ENOMEM", "ENOBUFS")


def _machine(error: OSError) -> int:
    """Where the machine has no room to write or no means to look, that is its fault and not okxdoctor's."""
    import errno

    from okxdoctor.cli.sinks import drop_stdout

    name = errno.errorcode.get(error.errno or 0, "")
    if name in _NO_PLACE:
        drop_stdout()
        _complain(f"okxdoctor: {error.filename or 'the output'} cannot be written: {error.strerror}.")
        return USAGE
    if error.filename and error.filename == os.environ.get("SSLKEYLOGFILE"):
        _complain(f"okxdoctor: SSLKEYLOGFILE names a file that cannot be written: {error.strerror}.")
        return USAGE
    if name in _NO_MEANS or "usable temporary directory" in str(error):
        _complain(f"okxdoctor: could not look: {error.strerror}.")
        return COULD_NOT_LOOK
    return _defect(error)


def _call(args: list[str]) -> int:
    try:
        result = okxdoctor.main(args=args, prog_name="okxdoctor", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as problem:
        _complain(problem.format_message())
        return USAGE
    except click.UsageError as problem:
        where = problem.ctx.command_path if problem.ctx is not None else "okxdoctor"
        said = problem.format_message()
        target = re.fullmatch(r"Got unexpected extra argument \((live|demo|sim|(?:facts|cassette):.*)\)", said)
        if target is not None and where.endswith(" run"):
            said += f": did you mean --target {target[1]}?"
        _complain(f"okxdoctor: {_sentence(said)} Try `{where} --help`.")
        return USAGE
    except click.Abort:
        return INTERRUPTED
    except click.ClickException as problem:
        _complain(f"okxdoctor: {_sentence(problem.format_message())}")
        return problem.exit_code if problem.exit_code != 1 else USAGE
    except Exception as problem:
        from okxdoctor.settings.problem import UsageProblem

        found = sys.modules.get("okxdoctor.runner.discover")
        if found is not None and isinstance(problem, found.BrokenCheck):
            problem = UsageProblem(f"an installed check cannot be used: {problem}")
        if not isinstance(problem, UsageProblem):
            raise
        _complain(f"okxdoctor: {_sentence(problem.message)}" + (f" Hint: {problem.hint}" if problem.hint else ""))
        return USAGE
    # A command that returns a number means an exit code; anything else means it is done.
    return result if isinstance(result, int) and not isinstance(result, bool) else 0


def _sentence(text: str) -> str:
    text = " ".join(text.split())
    return text if text.endswith((".", "?", "!", ")")) else f"{text}."


def _complain(line: str) -> None:
    from okxdoctor.reports.words import one_line

    _say(_redacted(one_line(line)) + "\n")


def _say(text: str) -> None:
    """On stderr, where one takes it: the exit code must come through without."""
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except (OSError, ValueError):
        # What could not be written is still in the buffer; at exit it must not turn the exit code into 120.
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def _defect(error: Exception) -> int:
    """One line for an error that nobody foresaw. The traceback only when asked for, and redacted."""
    from okxdoctor.imports import to_blame

    if isinstance(error, MemoryError) or "can't start new thread" in str(error):
        _complain("okxdoctor: could not look: the memory or the threads that this process may use are too few.")
        return COULD_NOT_LOOK
    if said := to_blame(error):
        _say(f"okxdoctor: {said}.\n")  # as it is: what redacts may be what cannot be loaded
        return USAGE
    text = " ".join(str(error).split())[:300]
    _complain(f"okxdoctor defect: {type(error).__name__}{': ' if text else ''}{text}")
    if os.environ.get("OKXDOCTOR_DEBUG"):
        import traceback

        _say(_redacted("".join(traceback.format_exception(error))))
    else:
        _say("This is a fault of okxdoctor, not of your set-up. Set OKXDOCTOR_DEBUG=1 for what a report needs.\n")
    return DEFECT


def _redacted(text: str) -> str:
    """What is written before or beside a run passes the same point as everything else."""
    from okxdoctor.redact import Redactor, url_secrets

    names = ("OKX_API_KEY", "OKX_SECRET_KEY", "OKX_API_SECRET", "OKX_PASSPHRASE", "OKX_API_PASSPHRASE")
    secrets = [os.environ[name] for name in names if os.environ.get(name)]
    for name, value in os.environ.items():
        if name.lower().endswith("_proxy") and "@" in value:
            secrets += url_secrets(value if "://" in value else f"http://{value}")
    return Redactor(secrets).text(text)


def _from_system_exit(end: SystemExit) -> int:
    if end.code is None:
        return 0
    if isinstance(end.code, int):
        return end.code
    _complain(str(end.code))
    return USAGE


def _have_streams() -> None:
    """Streams that were closed before the start (``>&-``) lead nowhere, instead of to the first file or socket that
    gets their number."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            with suppress(OSError):
                os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  # for as long as the process lives
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115


def _speak_utf8() -> None:
    """A terminal that cannot show a character gets an escape instead of an exception."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _end_on_signals() -> None:
    """SIGTERM and a terminal that is closed end like Ctrl-C: connections are closed, temporary files removed, and the
    report so far is written. A program started by ``nohup`` goes on."""
    import signal
    import threading

    if threading.current_thread() is not threading.main_thread():
        return
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)


def _past_interrupting() -> None:
    """What was asked for is done and said: a signal while the interpreter closes must not change the exit code."""
    import signal
    import threading

    if threading.current_thread() is threading.main_thread():
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), signal.SIG_IGN)


def _flush() -> None:
    if sys.stdout is not None:
        sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
