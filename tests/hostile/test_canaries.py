"""Secrets of odd shapes, and a server that says everything it was told back in every form: no sink shows one."""

from __future__ import annotations

import base64
import json
import re
import shutil
import socket
import subprocess
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import pytest
from hostile_peers import Peer, frame, head_of, listening, response, upgrade
from okxdoctor_process import OKXDOCTOR, environment, okxdoctor

from okxdoctor.reports import formats

KEY = "0badcafe-1111-4222-8333-444455556666"
PROXY_PASSWORD = "pr0xy Wörd/%@!"
ODD = {
    "usual": ("C0FFEE00112233445566778899AABBCC", "Canary-Word-1!"),
    "quotes": ('it\'s "quoted" \\ back', "a'b\"c`d$e{f}g<h>&i;"),
    "percent": ("100%25%20%41%zz+plus/slash", "p%sd %(x)s {0} {x!r}"),
    "unicode": ("ключ-секрет-🔑-密码", "Pässwörd-ß-日本"),
    "spaces": ("  two  spaces  inside ", "tab\tand blank"),
    "short": ("abcd", "wxyz"),
    "long": ("S" * 3000 + "ecret", "P" * 500 + "hrase"),
}


def forms(secret: str) -> Iterator[str]:
    """How a secret may look in a layout; those of three characters and less would hit by chance."""
    raw = secret.encode()
    yield from (secret, secret.strip(), urllib.parse.quote(secret), urllib.parse.quote_plus(secret))
    yield from (json.dumps(secret)[1:-1], repr(secret)[1:-1], raw.hex(), raw.decode("latin-1"))
    yield base64.b64encode(raw).decode().rstrip("=")
    for before in ("me:", "user:"):
        yield base64.b64encode(before.encode() + raw).decode().rstrip("=")


def _echo(connection: socket.socket) -> None:
    """Answers an upgrade and says back every frame; says back every other request in all forms at once."""
    head = head_of(connection)
    if b"websocket" in head.lower():
        again = _Again(connection, head)
        upgrade(again)  # type: ignore[arg-type]
        while data := connection.recv(65536):
            event = {"event": "error", "code": "60009", "msg": f"refused: {_unmasked(data)}", "connId": "x"}
            connection.sendall(frame(1, json.dumps(event).encode()))
        return
    text = head.decode("latin-1")
    values = [line.partition(": ")[2] for line in text.split("\r\n")]
    said = [
        text,
        urllib.parse.quote(text),
        base64.b64encode(head).decode(),
        head.hex(),
        repr(values),
        json.dumps(values),
    ]
    said += [base64.b64encode(value.encode("latin-1")).decode() for value in values]
    body = {"code": "50110", "msg": " ".join(said), "data": [{"ts": value} for value in values]}
    encoded = [urllib.parse.quote(value).encode() for value in values if value]
    connection.sendall(
        response(json.dumps(body).encode(), *(b"X-Echo: " + value for value in encoded), status=b"401 Unauthorized")
    )


class _Again:
    """A connection whose request was already read."""

    def __init__(self, connection: socket.socket, head: bytes) -> None:
        self._connection, self._head = connection, head

    def recv(self, size: int) -> bytes:
        return self._head

    def sendall(self, data: bytes) -> None:
        self._connection.sendall(data)


def _unmasked(data: bytes) -> str:
    size = data[1] & 127
    start = 2 if size < 126 else 4 if size == 126 else 10
    mask, body = data[start : start + 4], data[start + 4 :]
    return bytes(byte ^ mask[index % 4] for index, byte in enumerate(body)).decode("utf-8", "replace")


ECHO: Peer = _echo


@pytest.mark.parametrize("how", ODD)
def test_no_sink_repeats_what_a_server_says_back(how: str, tmp_path: Path) -> None:
    secret, passphrase = ODD[how]
    files = {name: tmp_path / f"report.{name}" for name in formats()}
    outputs = [part for name, path in files.items() for part in ("--format", f"{name}={path}")]
    outputs += ["--save-facts", str(tmp_path / "facts.json"), "--record", str(tmp_path / "record.yaml")]
    env = environment(
        OKX_API_KEY=KEY, OKX_SECRET_KEY=secret, OKX_PASSPHRASE=passphrase, OKXDOCTOR_DEBUG="1",
        HTTPS_PROXY=f"http://me:{urllib.parse.quote(PROXY_PASSWORD, safe='')}@127.0.0.1:9",
    )  # fmt: skip
    with listening(ECHO) as port:
        urls = ["--rest-url", f"http://127.0.0.1:{port}", "--ws-url", f"ws://127.0.0.1:{port}"]
        limits = ["--timeout", "0.6", "--deadline", "4", "--ntp-server", "127.0.0.1:9"]
        ended = okxdoctor("run", *urls, *limits, "--verbose", *outputs, env=env)
        shown = okxdoctor("run", *urls, "--show-settings", env=env)
    assert ended.code in (1, 3), ended.err
    assert "broken" not in [check["outcome"] for check in json.loads(files["json"].read_text("utf-8"))["checks"]]
    texts = {path.name: path.read_text("utf-8") for path in tmp_path.iterdir()}
    assert len(texts) == len(files) + 2
    # A header cannot carry a value with a blank at its end, so that one is never sent and never said back.
    for name in ("facts.json", "record.yaml") if how != "spaces" else ():
        assert "***" in texts[name], "it was said back, and masked"
    texts |= {"stdout": ended.out, "stderr": ended.err, "settings": shown.out + shown.err}
    for name, text in texts.items():
        for value in (KEY, secret, passphrase, PROXY_PASSWORD):
            for form in forms(value):
                assert form not in text, (name, form[:40])


@pytest.mark.parametrize("fault", ["ip-not-whitelisted", "key-secret-wrong", "key-unknown", "key-passphrase-wrong"])
def test_what_the_exchange_echoes_is_masked(fault: str, tmp_path: Path) -> None:
    """Two processes: 50110 repeats the key, and the doctor's sinks do not."""
    from okxdoctor.exchange import serve
    from okxdoctor.exchange.faults import UnknownFault, parse

    try:
        injected = [parse(fault)]
    except UnknownFault:
        pytest.skip(f"the exchange has no fault {fault}")
    with serve(faults=injected) as exchange:
        info = exchange.info
        (tmp_path / "config.toml").write_text(
            f'[profiles.x]\napi_key = "{info.api_key}"\nsecret_key = "{info.secret_key}"\n'
            f'passphrase = "{info.passphrase}"\n'
        )
        (tmp_path / "config.toml").chmod(0o600)
        out = tmp_path / "out"
        out.mkdir()
        ended = okxdoctor(
            "run", "--config", str(tmp_path / "config.toml"), "--rest-url", info.plain_rest_url,
            "--ws-url", info.plain_ws_url, "--ntp-server", "127.0.0.1:9", "--verbose", "--format", f"json={out}/r.json",
            "--save-facts", f"{out}/facts.json", "--record", f"{out}/record.yaml",
        )  # fmt: skip
    assert ended.code == 1, ended.err
    texts = [ended.out, ended.err, *(path.read_text("utf-8") for path in out.iterdir())]
    for text in texts:
        for secret in (info.api_key, info.secret_key, info.passphrase):
            assert not any(form in text for form in forms(secret))


def test_no_network_at_all(tmp_path: Path) -> None:
    """An empty network namespace: a verdict that names the layer, in time."""
    unshare = shutil.which("unshare")
    if unshare is None or subprocess.run([unshare, "-n", "true"], capture_output=True, check=False).returncode:
        pytest.skip("needs the right to make a network namespace")
    for args, cause in [
        ([], "dns.resolver-down"),
        (["--target", "demo"], "dns.resolver-down"),
        (["--dns-server", "10.255.0.1"], "dns.resolver-down"),
        (["--rest-url", "https://10.9.8.7"], "tcp.unreachable"),
    ]:
        command = [unshare, "-n", *OKXDOCTOR, "run", *args, "--format", "json", "--timeout", "4", "--deadline", "8"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, env=environment(), check=False)
        assert (done.returncode, done.stderr) == (1, "")
        report = json.loads(done.stdout)
        assert report["diagnosis"][0]["code"] == cause
        assert report["elapsed_ms"] < 8000
        assert "broken" not in [check["outcome"] for check in report["checks"]]


def test_a_resolver_that_cannot_be_reached() -> None:
    """Nobody listens there; no name is needed to say so."""
    ended = okxdoctor("run", "--dns-server", "127.0.0.1:9", "--timeout", "2", "--deadline", "5", "--format", "json")
    report = json.loads(ended.out)
    assert ended.code == 1
    assert report["diagnosis"][0]["code"] == "dns.resolver-down"


def test_a_large_bundle_is_judged_within_bounds(bundle: Path, tmp_path: Path) -> None:
    """50 MB, nearly the most that is taken."""
    from okxdoctor_process import weighed

    whole = json.loads(bundle.read_text("utf-8"))
    whole["checks"][0]["facts"]["padding"] = ["x" * 990] * 50_000
    (tmp_path / "large.json").write_text(json.dumps(whole), "utf-8")
    ended = weighed("run", "--target", f"facts:{tmp_path}/large.json", folder=tmp_path)
    assert ended.code == 1, ended.err
    assert "clock.ahead" in ended.out
    assert ended.peak_mb < 1000
    assert re.search(r"exit 1\n$", ended.out)
