"""An adapter in any language: one long-lived process that is asked over its standard input.

The asking thread writes a line and reads a line, nothing in between, so a call costs two system calls and two switches.
Two threads stand beside it: one keeps the last lines of the adapter's standard error, one is the watch that kills the
process when a call takes too long. A kill ends whatever the asking thread is blocked in, a write into a full pipe as
well as a read, so that no adapter can hang the harness. The process leads a group of its own, and the whole group is
ended: an adapter that is a shell script leaves no child behind.

After a crash or a hang the next question starts a new process, a bounded number of times.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from time import monotonic
from typing import IO, Any

from okxdoctor.conformance import protocol
from okxdoctor.conformance.protocol import MAX_LINE, AdapterFault, Answer, Greeting, Spent

CALL_TIMEOUT_S = 5.0
START_TIMEOUT_S = 20.0
"""Interpreters with a compiler in front (`go run`, `cargo run`) take their time before the first line."""
STOP_TIMEOUT_S = 2.0
RESTARTS = 20
STDERR_LINES = 20


class Adapter:
    """A process under test."""

    def __init__(
        self,
        command: str | Sequence[str],
        *,
        call_timeout_s: float = CALL_TIMEOUT_S,
        start_timeout_s: float = START_TIMEOUT_S,
        restarts: int = RESTARTS,
    ) -> None:
        self._command = shlex.split(command) if isinstance(command, str) else list(command)
        if not self._command:
            raise AdapterFault("adapter.command", "the command of the adapter is empty")
        self.call_timeout_s = call_timeout_s
        self._start_timeout_s = start_timeout_s
        self._restarts_left = restarts
        self._running: _Running | None = None
        self._seq = 0
        self._greeting = self._start()

    @property
    def name(self) -> str:
        greeting = self._greeting
        words = [greeting.name, greeting.version, f"({greeting.language})" if greeting.language else ""]
        return " ".join(word for word in words if word)

    @property
    def supports(self) -> tuple[str, ...]:
        return self._greeting.supports

    @property
    def restarts_left(self) -> int:
        return self._restarts_left

    def allow(self, restarts: int) -> None:
        """More restarts: whoever looks for the smallest input that breaks it breaks it on purpose."""
        self._restarts_left += restarts

    def ask(self, op: str, given: Mapping[str, Any]) -> Answer:
        """One call. An AdapterFault ends the process; the next call starts it again while restarts are left."""
        if self._running is None:
            if self._restarts_left == 0:
                raise Spent("adapter.died", "the adapter broke too often and is not started again")
            self._restarts_left -= 1
            self._greeting = self._start()
        running = self._running
        assert running is not None
        self._seq += 1
        try:
            line = running.exchange(
                protocol.question(self._seq, op, given), self.call_timeout_s, f"{op} call {self._seq}"
            )
            return protocol.reply(line, self._seq)
        except AdapterFault as fault:
            raise self._ended(fault) from None

    def close(self) -> None:
        """Say stop, wait a moment, then end the process."""
        running, self._running = self._running, None
        if running is not None:
            running.stop()

    def _start(self) -> Greeting:
        try:
            self._running = _Running(self._command)
        except OSError as error:
            raise AdapterFault(
                "adapter.command", f"the adapter {self._command[0]!r} cannot be started: {error.strerror or error}"
            ) from None
        try:
            return protocol.greeting(self._running.exchange(protocol.START, self._start_timeout_s, "start"))
        except AdapterFault as fault:
            raise self._ended(fault) from None

    def _ended(self, fault: AdapterFault) -> AdapterFault:
        running, self._running = self._running, None
        stderr = running.kill() if running is not None else ""
        return AdapterFault(fault.code, fault.text, stderr=stderr)


class _Running:
    """One process with its two threads."""

    def __init__(self, command: Sequence[str]) -> None:
        new_group: dict[str, Any] = {"start_new_session": True} if os.name == "posix" else {}
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0, **new_group
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._stdin: IO[bytes] = self._process.stdin
        self._reader = os.fdopen(os.dup(self._process.stdout.fileno()), "rb", buffering=1 << 16)
        self._stderr: deque[bytes] = deque(maxlen=STDERR_LINES)
        self._deadline: float | None = None
        self._timed_out = False
        self._over = threading.Event()
        self._listener = threading.Thread(target=self._listen, args=(self._process.stderr,), daemon=True)
        self._watch = threading.Thread(target=self._watching, daemon=True)
        self._listener.start()
        self._watch.start()

    def exchange(self, line: bytes, timeout_s: float, what: str) -> bytes:
        """Write one line, read one line."""
        self._deadline = monotonic() + timeout_s
        got = b""
        try:
            view = memoryview(line)
            while view:  # a raw pipe may take a part of a long line only
                view = view[self._stdin.write(view) :]
            got = self._reader.readline(MAX_LINE)
        except OSError:
            pass
        self._deadline = None
        if self._timed_out:
            raise AdapterFault("adapter.hung", f"no reply to {what} within {timeout_s:g} s")
        if not got:
            raise AdapterFault("adapter.died", f"the adapter ended before its reply to {what}{self._status()}")
        if not got.endswith(b"\n"):
            long = len(got) >= MAX_LINE
            raise AdapterFault(
                "adapter.garbage" if long else "adapter.died",
                f"the reply to {what} is longer than {MAX_LINE} bytes"
                if long
                else f"the adapter ended within its reply to {what}{self._status()}",
            )
        return got

    def stop(self) -> None:
        self._deadline = monotonic() + STOP_TIMEOUT_S
        try:
            self._stdin.write(protocol.STOP)
            self._stdin.close()
            self._process.wait(STOP_TIMEOUT_S)
        except (OSError, subprocess.TimeoutExpired):
            pass
        self.kill()

    def kill(self) -> str:
        """End the process and everything it started; the last lines of its standard error."""
        self._status(0.2)
        self._over.set()
        _end(self._process)
        self._process.wait()
        self._listener.join(1.0)
        self._watch.join(1.0)
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        for stream in (self._stdin, self._reader, self._process.stdout, self._process.stderr):
            try:
                stream.close()
            except OSError:
                pass
        return b"".join(self._stderr).decode("utf-8", "backslashreplace").strip()

    def _status(self, patience_s: float = 1.0) -> str:
        try:
            code = self._process.wait(0 if self._timed_out else patience_s)
        except subprocess.TimeoutExpired:
            return ""
        return f" (exit status {code})" if code >= 0 else f" (signal {_signal(-code)})"

    def _listen(self, stream: IO[bytes]) -> None:
        pending = b""
        try:
            while chunk := os.read(stream.fileno(), 65_536):
                *lines, pending = (pending + chunk).split(b"\n")
                self._stderr.extend(line + b"\n" for line in lines)
                pending = pending[-4_000:]
        except (OSError, ValueError):
            pass
        if pending:
            self._stderr.append(pending)

    def _watching(self) -> None:
        while not self._over.wait(0.05):
            deadline = self._deadline
            if deadline is not None and monotonic() > deadline:
                self._timed_out = True
                _end(self._process)
                return


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        if os.name == "posix" and sys.platform != "win32":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    except (ProcessLookupError, PermissionError):
        pass
