"""The exchange in one process, the doctor in another: how live is proven. Only addresses and trust are given."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

OKXDOCTOR = [sys.executable, "-m", "okxdoctor.cli.main"]


@contextmanager
def exchange(home: Path, *faults: str) -> Iterator[dict[str, Any]]:
    """``okxdoctor sim --port 0`` and its ready line."""
    command = [*OKXDOCTOR, "sim", "--port", "0", "--seed", "3"]
    for fault in faults:
        command += ["--fault", fault]
    with subprocess.Popen(command, cwd=home, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, process.stderr.read() if process.stderr else ""
            yield json.loads(line)
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=20)


def doctor(home: Path, ready: dict[str, Any], *more: str, via: str = "named_") -> dict[str, Any]:
    env = {
        **{k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")},
        "OKX_API_KEY": ready["api_key"],
        "OKX_SECRET_KEY": ready["secret_key"],
        "OKX_PASSPHRASE": ready["passphrase"],
        "HOME": str(home),
    }
    command: Sequence[str] = [
        *OKXDOCTOR, "run", "--rest-url", ready[f"{via}rest_url"], "--ws-url", ready[f"{via}ws_url"],
        "--ca-file", ready["ca_file"], "--dns-server", ready["dns_server"], "--ntp-server", ready["ntp_server"],
        "--need", "read,trade", "--format", "json", *more,
    ]  # fmt: skip
    for site in ready["sites"]:
        if site["environment"] == "live":
            command = [*command, "--site-url", f"{site['name']}={site[f'{via}rest_url']},{site[f'{via}ws_url']}"]
    done = subprocess.run(command, cwd=home, env=env, capture_output=True, text=True, timeout=90)
    report = json.loads(done.stdout)
    assert done.returncode == report["exit_code"]
    for secret in (ready["secret_key"], ready["passphrase"], ready["api_key"]):
        assert secret not in done.stdout + done.stderr
    return report


@pytest.mark.parametrize("via", ["named_", ""])
def test_healthy(tmp_path: Path, via: str) -> None:
    with exchange(tmp_path) as ready:
        report = doctor(tmp_path, ready, via=via)
    assert [d["code"] for d in report["diagnosis"]] == []
    assert report["exit_code"] == 0


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        ("clock-ahead=45s", "clock.ahead"),
        ("clock-timezone-shift=8h", "clock.timezone-shift"),
        ("dns-poisoned=169.254.0.2", "dns.poisoned"),
        ("tcp-refused", "tcp.refused"),
        ("tcp-filtered", "tcp.filtered"),
        ("tls-expired", "tls.expired"),
        ("tls-weak=tls1.1", "tls.weak"),
        ("tls-intercepted", "tls.intercepted"),
        ("http-edge-blocked", "http.edge-blocked"),
        ("status-maintenance", "status.maintenance"),
        ("key-secret-wrong", "key.secret-wrong"),
        ("key-unknown", "key.unknown"),
        ("ip-not-whitelisted", "ip.not-whitelisted"),
        ("ws-no-pong", "ws.no-pong"),
    ],
)
def test_the_same_verdict_as_in_one_process(tmp_path: Path, fault: str, cause: str) -> None:
    with exchange(tmp_path, fault) as ready:
        report = doctor(tmp_path, ready)
    assert [d["code"] for d in report["diagnosis"]] == [cause]
    assert report["exit_code"] == 1


def test_a_proxy_by_flag(tmp_path: Path) -> None:
    with exchange(tmp_path, "proxy-auth-required") as ready:
        report = doctor(tmp_path, ready, "--proxy", ready["proxy_url"])
    assert [d["code"] for d in report["diagnosis"]] == ["proxy.auth-required"]
