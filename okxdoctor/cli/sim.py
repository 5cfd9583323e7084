"""``okxdoctor sim``: serve the embedded exchange until interrupted, or for as long as a command runs.

When the exchange is ready, one JSON line with its addresses and credentials goes to stdout. ``COMMAND`` gets
them in its environment and decides the exit status.
"""

from __future__ import annotations

import os
import shlex
from contextlib import suppress
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    import asyncio

    from okxdoctor.exchange import Info
    from okxdoctor.exchange.faults import Injected

USAGE, INTERRUPTED = 2, 130
PATIENCE_S = 2.0
"""How long an interrupted command may take to end by itself (the terminal has told it, too)."""


@click.command(
    name="sim",
    context_settings={"allow_interspersed_args": False},
    options_metavar="[OPTIONS] [-- COMMAND...]",
    help="Serve the embedded exchange until interrupted, or run COMMAND against it and exit with its status.",
    epilog="A fault is met always, or as the words behind it say:\n\n"
    "\b\n"  # what is copied is not wrapped
    "  http-slow=2s,p=0.3,count=5,after=10s,for=1min\n\n"
    "p: with this probability; every=5: each fifth; skip=10: not the first ten; count: so often; after, for, until by "
    "the exchange's clock; each=10s: how long one occasion of a state lasts. The same seed hits the same requests.\n\n"
    "While it runs, control_url of the ready line takes faults, time, funds, counter-orders and prices: "
    "GET it for the list. Python tests have the pytest fixture okx_exchange for the same.\n\n"
    "Limits: a body of 1 MiB (413), a head of 16 KiB, 64 KiB without the end of a head (400), a WebSocket message of "
    "64 KiB, 2000 messages waiting for a slow reader (cut off), 20 s for a TLS handshake, a head, a body, or a reader "
    "that does not read, 75 s idle between two requests. Without a free descriptor whoever came first and has said "
    "nothing has to go. It listens on loopback alone.",
)
@click.option("--port", type=click.IntRange(0, 65535), default=0, metavar="N", help="TLS port; 0 takes a free one.")
@click.option("--fault", "faults", multiple=True, metavar="NAME[=VALUE][,WHEN...]",
              help="Let something go wrong (repeatable): okxdoctor list faults.")  # fmt: skip
@click.option("--seed", type=int, default=0, metavar="N", help="Same seed, same exchange.")
@click.option(
    "--env-file", type=click.Path(dir_okay=False, path_type=str), metavar="FILE",
    help="Also write the environment of COMMAND to FILE (mode 0600).",
)  # fmt: skip
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="")
def sim(port: int, faults: tuple[str, ...], seed: int, env_file: str | None, command: tuple[str, ...]) -> int:
    injected = _parsed(faults)
    _find(command)
    import asyncio

    try:
        return asyncio.run(_serve(port, injected, seed, env_file, command))
    except OSError as error:
        import errno

        if error.errno == errno.EADDRINUSE and port:
            raise click.UsageError(f"port {port} is in use; choose another, or leave --port away") from None
        # Everything else that the system refuses (a privileged port, a kernel that cannot filter) is of its own making.
        raise click.UsageError(f"cannot serve: {error.strerror or error}") from None
    except KeyboardInterrupt:
        return INTERRUPTED


def _parsed(faults: tuple[str, ...]) -> list[Injected]:
    from okxdoctor.exchange.faults import BadFaultValue, UnknownFault, parse
    from okxdoctor.exchange.faults.when import split
    from okxdoctor.targets.world import FAULTS as OF_THE_MACHINE

    machine = {fault.name for fault in OF_THE_MACHINE}
    for text in faults:
        said = split(text.strip())[0]
        name = said.partition("=")[0]
        if name in machine:
            raise click.UsageError(
                f"{name} is a circumstance of the machine, not of the exchange; "
                f"try okxdoctor run --target sim --fault {said}"
            )
    try:
        return [parse(text) for text in faults]
    except (UnknownFault, BadFaultValue) as problem:
        raise click.UsageError(f"--fault: {problem}") from None


def _find(command: tuple[str, ...]) -> None:
    """Refuse what cannot be run before anything is served."""
    import shutil

    if command and shutil.which(command[0]) is None:
        there = os.path.exists(command[0]) and os.sep in command[0]
        why = "it is no program" if there else "there is no such command"
        raise click.UsageError(f"cannot run {command[0]!r}: {why}")


async def _serve(port: int, faults: list[Injected], seed: int, env_file: str | None, command: tuple[str, ...]) -> int:
    import asyncio
    import signal

    from okxdoctor.exchange import running

    stopped: asyncio.Queue[int] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is None or signal.getsignal(number) is signal.SIG_IGN:
            continue
        with suppress(NotImplementedError):
            loop.add_signal_handler(number, stopped.put_nowait, number)
    async with running(seed=seed, faults=faults, port=port) as exchange:
        environment = exchange.info.environ()
        if env_file is not None:
            write_env_file(env_file, environment)
        _say_ready(exchange.info)
        if not command:
            await stopped.get()
            return INTERRUPTED
        return await _run(command, environment, stopped)


def _say_ready(info: Info) -> None:
    import json

    click.echo(json.dumps(info.as_json(), separators=(", ", ": ")))


def write_env_file(path: str, values: dict[str, str]) -> None:
    """Write ``NAME=value`` lines that a shell can read, readable by the owner only, whole or not at all."""
    text = "".join(f"{name}={shlex.quote(value)}\n" for name, value in values.items())
    beside = f"{path}.{os.getpid()}.tmp"
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(beside, path)
    except OSError as error:
        with suppress(OSError):
            os.unlink(beside)
        raise click.UsageError(f"--env-file: cannot write {path}: {error.strerror}") from None


async def _run(command: tuple[str, ...], environment: dict[str, str], stopped: asyncio.Queue[int]) -> int:
    import asyncio
    import signal

    try:
        child = await asyncio.create_subprocess_exec(*command, env={**os.environ, **environment})
    except OSError as error:
        raise click.UsageError(f"cannot run {command[0]!r}: {error.strerror}") from None
    ended = asyncio.ensure_future(child.wait())
    asked = asyncio.ensure_future(stopped.get())
    try:
        await asyncio.wait({ended, asked}, return_when=asyncio.FIRST_COMPLETED)
        if not ended.done():
            if asked.result() == signal.SIGINT:
                await asyncio.wait({ended}, timeout=PATIENCE_S)
            if not ended.done():
                with suppress(ProcessLookupError):
                    child.terminate()
                await asyncio.wait({ended}, timeout=PATIENCE_S)
            if not ended.done():
                with suppress(ProcessLookupError):
                    child.kill()
            await ended
            return INTERRUPTED
    finally:
        asked.cancel()
    status = ended.result()
    return status if status >= 0 else 128 - status
