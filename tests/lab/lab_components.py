"""What runs on the two hosts: the exchange, a resolver, a time server, proxies, TLS peers; and the doctor."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab_wire import BEYOND, FAR4, NEAR4, Wire, wire

BUDGET_S = 2.0
EXCHANGES = 3
"""How many stand on the far host. Each rests for the time of a budget after a run: three, and nobody waits for that."""
OKXDOCTOR = (sys.executable, "-m", "okxdoctor.cli.main")
LINE = str(Path(__file__).with_name("lab_line.py"))
TIME_SERVERS = ("time.cloudflare.com", "ntp.nict.jp", "ptbtime1.ptb.de", "time.apple.com")
"""The time servers that okxdoctor asks when none is declared; here all of them are the far host's chronyd."""


@dataclass(slots=True, kw_only=True)
class Exchange:
    """One exchange of the far host: ``ready`` is its ready line."""

    ready: dict[str, Any]
    rested_at: float = 0.0
    """When its budgets are fresh again (monotonic)."""

    @property
    def port(self) -> int:
        """Its TLS port."""
        return int(self.ready["rest_url"].rsplit(":", 1)[1])


@dataclass(slots=True, kw_only=True)
class Lab:
    """``exchange`` is the one that is reached; the others of ``exchanges`` take its place when they have rested."""

    wire: Wire
    folder: Path
    exchanges: tuple[Exchange, ...]
    exchange: Exchange
    running: ExitStack
    """What one test started."""
    dns: ExitStack = field(default_factory=ExitStack)
    time: ExitStack = field(default_factory=ExitStack)
    renamed: bool = False
    replaced: bool = False
    """Whether something else than the exchange itself is reached at its addresses."""

    @property
    def ready(self) -> dict[str, Any]:
        """The ready line of the exchange, read on the far host."""
        return self.exchange.ready

    def reset(self) -> None:
        self.running.close()
        self.wire.reset()
        self._relieve()
        if self.renamed:
            self.names()

    def serve_at(self, port: int) -> None:
        """Something else takes the exchange's place: what listens at this port of the far host (until ``reset``)."""
        self.replaced = True
        self.wire.serve_at(port)

    def _relieve(self) -> None:
        """The exchange that has rested longest is reached, directly."""
        self.exchange = min(self.exchanges, key=lambda one: one.rested_at)
        self.replaced = False
        self.wire.serve_at(self.exchange.port)

    def names(self, *changes: str, only: bool = False) -> None:
        """(Re)start dnsmasq on the far host; ``changes`` are options of it, beside the right records or ``only``."""
        self.dns.close()
        self.dns, self.renamed = ExitStack(), bool(changes)
        command = [
            "dnsmasq", "--keep-in-foreground", "--no-resolv", "--no-hosts", "--conf-file=/dev/null", "--user=root",
            "--pid-file", f"--listen-address={BEYOND}", "--bind-interfaces", "--local-ttl=0",
            *changes, *(() if only else (f"--address=/{name}/{FAR4}" for name in ("okx.com", *TIME_SERVERS))),
        ]  # fmt: skip
        self.dns.enter_context(process(self.wire.at(self.wire.far, *command)))
        wait_for_port(self.wire, self.wire.far, BEYOND, 53)

    def no_names(self) -> None:
        """Stop dnsmasq (until ``reset``)."""
        self.dns.close()
        self.renamed = True

    def time_server(self, *before: str) -> None:
        """(Re)start chronyd on the far host; it serves its clock and sets none. ``before``: ``faketime …``."""
        self.time.close()
        self.time = ExitStack()
        conf = self.folder / "chrony.conf"
        conf.write_text(
            f"local stratum 2\nallow all\nport 123\ncmdport 0\nbindaddress {FAR4}\n"
            f"pidfile {self.folder}/chrony.pid\ndriftfile {self.folder}/drift\n"
        )
        command = (*before, "chronyd", "-x", "-d", "-U", "-u", "root", "-f", str(conf))
        self.time.enter_context(process(self.wire.at(self.wire.far, *command)))

    def control(self, action: str, body: dict[str, Any]) -> Any:
        """POST to the exchange's control endpoint, on its own host."""
        url = f"{self.ready['control_url']}/{action}"
        done = subprocess.run(
            self.wire.at(self.wire.far, sys.executable, "-S", "-c", _POST, url, json.dumps(body)),
            capture_output=True, text=True, check=True, timeout=20,
        )  # fmt: skip
        return json.loads(done.stdout)

    def start(self, host: str, *command: str) -> subprocess.Popen[str]:
        """A program on a host, until the end of the test."""
        return self.running.enter_context(process(self.wire.at(host, *command)))

    def line(self, *cuts: dict[str, Any], mtu: int = 0, both: dict[str, Any] | None = None, **way: Any) -> None:
        """A long line in place of the wire (until ``reset``): see ``lab_line``. ``mtu`` is that of its two ends."""
        spec = {"up": both, "down": both, **way} if both is not None else way
        command = (sys.executable, "-S", LINE, self.wire.near, self.wire.far, json.dumps({**spec, "cuts": cuts}))
        begun = self.start(self.wire.far, *command)
        assert begun.stdout is not None
        assert begun.stdout.readline() == "carries\n", begun.communicate(timeout=5)[1]
        self.wire.lead_over("line", mtu=mtu)

    def doctor(
        self,
        *flags: str,
        before: Sequence[str] = (),
        env: dict[str, str] | None = None,
        ca: str | None = None,
    ) -> dict[str, Any]:
        """``okxdoctor run`` on the near host, by the system's resolver, with the exchange's keys: its JSON report.

        ``before`` is put before the command (``faketime …``). The exit code is held to what the report says.
        """
        # Two runs within the two seconds of a budget would spend it together, and the second be told so.
        if time.monotonic() < self.exchange.rested_at and not self.replaced:
            self._relieve()
        time.sleep(max(0.0, self.exchange.rested_at - time.monotonic()))
        ready = self.ready
        keys = {
            "OKX_API_KEY": ready["api_key"], "OKX_SECRET_KEY": ready["secret_key"],
            "OKX_PASSPHRASE": ready["passphrase"],
        }  # fmt: skip
        command = [
            *before, *OKXDOCTOR, "run", "--target", "live", "--ca-file", ca or ready["ca_file"], "--format", "json",
            "--timeout", "4", *flags,
        ]  # fmt: skip
        done = subprocess.run(
            self.wire.at(self.wire.near, *command),
            cwd=self.folder,
            env={**os.environ, **keys, "HOME": str(self.folder), **(env or {})},
            capture_output=True,
            text=True,
            timeout=90,
        )
        assert done.stdout, done.stderr
        report: dict[str, Any] = json.loads(done.stdout)
        assert done.returncode == report["exit_code"], done.stderr
        assert "Traceback" not in done.stderr
        if any(check["id"] in ("http", "ws") and check["outcome"] == "completed" for check in report["checks"]):
            self.exchange.rested_at = time.monotonic() + BUDGET_S
        return report


def codes(report: dict[str, Any]) -> list[str]:
    return [one["code"] for one in report["diagnosis"]]


@contextmanager
def start_lab(folder: Path) -> Iterator[Lab]:
    with wire() as made, ExitStack() as base:
        command = made.at(made.far, *OKXDOCTOR, "sim", "--port", "0", "--seed", "3")
        exchanges = tuple(
            Exchange(ready=_ready(one)) for one in [base.enter_context(process(command)) for _ in range(EXCHANGES)]
        )
        lab = Lab(wire=made, folder=folder, exchanges=exchanges, exchange=exchanges[0], running=ExitStack())
        lab.time_server()
        for lab.exchange in exchanges:
            lab.control("key", {"ip": [NEAR4]})
        lab.reset()
        lab.names()
        try:
            yield lab
        finally:
            for part in (lab.running, lab.dns, lab.time):
                part.close()


def _ready(exchange: subprocess.Popen[str]) -> dict[str, Any]:
    assert exchange.stdout is not None
    line = exchange.stdout.readline()
    assert line, exchange.communicate(timeout=5)[1]
    ready: dict[str, Any] = json.loads(line)
    return ready


@contextmanager
def process(command: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
    """A program in a group of its own, ended with everything that it started."""
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as running:
        try:
            yield running
        finally:
            for sign in (signal.SIGTERM, signal.SIGKILL):
                with suppress(ProcessLookupError):
                    os.killpg(running.pid, sign)
                with suppress(subprocess.TimeoutExpired):
                    running.communicate(timeout=5)
                    break


_POST = """
import sys, urllib.request as u
print(u.urlopen(u.Request(sys.argv[1], sys.argv[2].encode(), {"Content-Type": "application/json"})).read().decode())
"""
_CONNECT = "import socket,sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=1).close()"


def wait_for_port(made: Wire, host: str, address: str, port: int) -> None:
    """Until something listens there."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        done = subprocess.run(
            made.at(host, sys.executable, "-S", "-c", _CONNECT, address, str(port)), capture_output=True, check=False
        )
        if done.returncode == 0:
            return
        time.sleep(0.05)
    raise AssertionError(f"nothing listens at {address} port {port}")


def free_port() -> int:
    """A port that nobody on this machine uses; the hosts of the lab have all of theirs free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def own_certificate(folder: Path) -> None:
    """``ca.pem`` and ``key.pem`` in ``folder``, made by the openssl program: for every name of okx.com, its own CA."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "ca.pem",
         "-days", "90", "-subj", "/O=Lab/CN=Lab Root", "-addext", "subjectAltName=DNS:*.okx.com",
         "-addext", "keyUsage=critical,keyCertSign,cRLSign,digitalSignature"],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
