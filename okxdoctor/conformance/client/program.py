"""The program under test: started in a group of its own, listened to, and ended with everything it has started.

A program may hang, ignore SIGTERM, fork, detach its children or flood its output: none of it may hold up the suite or
outlive it. On Linux a mark in the environment finds children that have left the group.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

KEPT = 20_000
"""Characters of each stream that are kept."""
GRACE_S = 0.7
MARK = "OKXDOCTOR_CLIENT_ROUND"


class Program:
    """One run of a command."""

    def __init__(self, process: asyncio.subprocess.Process, mark: str) -> None:
        self._process = process
        self._mark = mark
        self._heard: dict[str, bytearray] = {"stdout": bytearray(), "stderr": bytearray()}
        self._ears = [
            asyncio.ensure_future(self._listen(stream, name))
            for stream, name in ((process.stdout, "stdout"), (process.stderr, "stderr"))
            if stream is not None
        ]
        self._waiting = asyncio.ensure_future(process.wait())

    @property
    def status(self) -> int | None:
        """Exit status, negative for a signal; None while it runs."""
        return self._process.returncode

    def output(self, name: str) -> str:
        return bytes(self._heard[name]).decode("utf-8", "replace")

    async def ended(self, timeout_s: float) -> bool:
        """Whether it ends by itself within this time."""
        done, _ = await asyncio.wait({self._waiting}, timeout=timeout_s)
        return bool(done)

    async def end(self) -> None:
        """Ask it to end, then end it, and whatever it has started."""
        if self.status is None:
            self._signal(signal.SIGTERM)
            await self.ended(GRACE_S)
        self._signal(_KILL)
        _end_marked(self._mark)
        if self.status is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._waiting
        await asyncio.wait(self._ears, timeout=0.3)
        for ear in self._ears:
            ear.cancel()
        # A pipe that a child still holds would keep its reader in the loop.
        transport = getattr(self._process, "_transport", None)
        if transport is not None:
            transport.close()

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if os.name == "posix" and sys.platform != "win32":
                os.killpg(self._process.pid, number)
            else:
                self._process.send_signal(number)

    async def _listen(self, stream: asyncio.StreamReader, name: str) -> None:
        kept = self._heard[name]
        with contextlib.suppress(ConnectionError, ValueError):
            while chunk := await stream.read(65_536):
                kept += chunk[: max(0, KEPT - len(kept))]


_KILL = getattr(signal, "SIGKILL", signal.SIGTERM)


async def start(command: Sequence[str], environment: Mapping[str, str]) -> Program:
    """Run the command; raises OSError where it cannot be."""
    mark = secrets.token_hex(12)
    group: dict[str, Any] = {"start_new_session": True} if os.name == "posix" else {}
    process = await asyncio.create_subprocess_exec(
        *command,
        env={**environment, MARK: mark},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **group,
    )
    return Program(process, mark)


def _end_marked(mark: str) -> None:
    """End what carries the mark in its environment, wherever it has moved to (where /proc is there)."""
    wanted = f"{MARK}={mark}".encode()
    for _ in range(3):
        found = False
        try:
            numbers = [int(name) for name in os.listdir("/proc") if name.isdigit()]
        except OSError:
            return
        for number in numbers:
            try:
                with open(f"/proc/{number}/environ", "rb") as file:
                    carries = wanted in file.read()
                if carries and number != os.getpid():
                    os.kill(number, _KILL)
                    found = True
            except OSError:
                continue
        if not found:
            return
