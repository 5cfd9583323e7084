"""Peers that answer with what no server should: a verdict or "unknown", in time, in bounds, and never a defect."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hostile_peers import (
    dns_peers,
    http_peers,
    leaves_alone,
    listening,
    ntp_peers,
    receiving,
    tls_peers,
    ws_peers,
)
from okxdoctor_process import weighed

from okxdoctor.cli import main as cli

DEADLINE_S = 3.0
SHORT_S = 0.6
"""What each thing may take here: enough on this machine itself, and soon over where a peer never answers."""
ROOM_S = 12.0
"""Over the deadline: for a machine that has much else to do. What never ends takes longer than that."""


def diagnosed(
    capsys: pytest.CaptureFixture[str], *args: str, timeout_s: float = SHORT_S, deadline_s: float = DEADLINE_S
) -> dict[str, Any]:
    """The report of a run that has met its contract."""
    limits = ["--timeout", str(timeout_s), "--deadline", str(deadline_s), "--format", "json"]
    begun = time.monotonic()
    code = cli.main(["run", "--ntp-server", leaves_alone(), *args, *limits])
    took = time.monotonic() - begun
    out, err = capsys.readouterr()
    assert err == ""
    report = json.loads(out)
    assert took < deadline_s + ROOM_S
    assert code == report["exit_code"]
    assert code in (1, 3), "something is wrong, or it could not be seen"
    assert [check["because"] for check in report["checks"] if check["outcome"] == "broken"] == []
    assert (code == 1) == any(root["severity"] == "error" for root in report["diagnosis"])
    assert "\x1b" not in out
    return report


@pytest.fixture(autouse=True)
def _with_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OKX_API_KEY", "0badcafe-1111-4222-8333-444455556666")
    monkeypatch.setenv("OKX_SECRET_KEY", "0123456789ABCDEF0123456789ABCDEF")
    monkeypatch.setenv("OKX_PASSPHRASE", "Canary-Word-1!")


@pytest.mark.parametrize("name", http_peers())
def test_rest(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with listening(http_peers()[name]) as port:
        diagnosed(capsys, "--rest-url", f"http://127.0.0.1:{port}")


@pytest.mark.parametrize("name", tls_peers())
def test_tls(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with listening(tls_peers()[name]) as port:
        diagnosed(capsys, "--rest-url", f"https://127.0.0.1:{port}")


@pytest.mark.parametrize("name", ws_peers())
def test_websocket(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """REST is answered well enough that the WebSocket is looked at."""
    from okxdoctor.exchange import serve

    with serve() as exchange, listening(ws_peers()[name]) as port:
        only = [part for glob in ("ws", "ws.*") for part in ("--only", glob)]
        urls = ["--rest-url", exchange.info.plain_rest_url, "--ws-url", f"ws://127.0.0.1:{port}"]
        report = diagnosed(capsys, *urls, *only)
    ws = next(check for check in report["checks"] if check["id"] == "ws")
    assert ws["outcome"] in ("completed", "inconclusive")


@pytest.mark.parametrize("name", dns_peers())
def test_dns(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with receiving(dns_peers()[name]) as port:
        args = ["--rest-url", "http://api.okx.test:9", "--dns-server", f"127.0.0.1:{port}"]
        report = diagnosed(capsys, *args)
    assert all(root["code"].startswith("dns.") for root in report["diagnosis"]), "what lies behind is not judged"


@pytest.mark.parametrize("name", ntp_peers())
def test_ntp(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What a time server lies is not believed: it only leaves the clock unjudged."""
    with receiving(ntp_peers()[name]) as port:
        args = ["--rest-url", f"http://{leaves_alone()}", "--ntp-server", f"127.0.0.1:{port}"]
        report = diagnosed(capsys, *args, "--only", "clock", "--only", "tcp")
    clock = next(check for check in report["checks"] if check["id"] == "clock")
    assert clock["outcome"] in ("completed", "inconclusive", "skipped")


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the peak where Linux tells it")
@pytest.mark.parametrize(
    "name", ["gzip-bomb", "deflate-bomb", "10-megabytes", "body-for-ever", "chunks-for-ever", "one-header-for-ever"]
)
def test_memory_has_a_bound(name: str, tmp_path: Path) -> None:
    """Measured on the author's machine: 42 MB idle, at most 100 MB with these peers."""
    with listening(http_peers()[name]) as port:
        url = f"http://127.0.0.1:{port}"
        ended = weighed("run", "--rest-url", url, "--timeout", str(SHORT_S), "--deadline", "3", folder=tmp_path)
    assert ended.code in (1, 3), ended.err
    assert ended.peak_mb < 250


def test_every_phase_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing anywhere answers, and each waits in its own way; the deadline holds all the same."""
    with ExitStack() as peers:
        rest = peers.enter_context(listening(http_peers()["body-drips"]))
        ws = peers.enter_context(listening(ws_peers()["then-silent"]))
        ntp = peers.enter_context(receiving(lambda packet: []))
        urls = ["--rest-url", f"http://127.0.0.1:{rest}", "--ws-url", f"ws://127.0.0.1:{ws}"]
        diagnosed(capsys, *urls, "--ntp-server", f"127.0.0.1:{ntp}", timeout_s=30.0, deadline_s=1.5)
