"""``okxdoctor sim`` as a process: the ready line, the environment of a command, endings, bad input."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SIM = [sys.executable, "-c", "import sys; from okxdoctor.cli.main import main; sys.exit(main())", "sim"]
PROBE = (
    "import json,os,ssl,urllib.request;"
    "c=ssl.create_default_context(cafile=os.environ['SSL_CERT_FILE']);"
    "print(urllib.request.urlopen(os.environ['OKX_BASE_URL']+'/api/v5/public/time',context=c).read().decode());"
    "print(json.dumps(dict(os.environ)))"
)


def sim(*args: str, **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*SIM, *args], capture_output=True, text=True, timeout=60, check=False, **more)


def test_a_command_gets_the_environment_and_decides_the_status(tmp_path: Path) -> None:
    env_file = tmp_path / "okx.env"
    done = sim("--env-file", str(env_file), "--seed", "5", "--", sys.executable, "-c", PROBE + ";raise SystemExit(7)")
    assert done.returncode == 7, done.stderr
    ready, answer, environment = (json.loads(line) for line in done.stdout.splitlines())
    assert answer["code"] == "0"
    assert environment["OKX_BASE_URL"] == ready["rest_url"]
    assert environment["OKX_WS_URL"] == ready["ws_url"]
    assert environment["OKX_WS_URL"].endswith("/ws/v5")
    assert environment["OKX_API_KEY"] == ready["api_key"]
    assert environment["OKX_SECRET_KEY"] == ready["secret_key"]
    assert environment["OKX_PASSPHRASE"] == ready["passphrase"]
    assert len({environment[name] for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")}) == 1
    for name in (
        "plain_rest_url", "plain_ws_url", "ca_file", "dns_server", "ntp_server", "control_url", "proxy_url",
        "legacy_ws_port", "independent_dns_server", "named_rest_url", "named_ws_url",
    ):  # fmt: skip
        assert ready[name], name
    assert {(site["name"], site["environment"]) for site in ready["sites"]} == {
        (name, environment) for name in ("global", "eea", "us") for environment in ("live", "demo")
    }
    # What the exchange laid down is gone; what the user asked for stays, for the owner's eyes only.
    assert not Path(ready["ca_file"]).exists()
    assert not Path(environment["SSL_CERT_FILE"]).parent.exists()
    assert stat.S_IMODE(env_file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [env_file]
    values = dict(line.split("=", 1) for line in env_file.read_text().splitlines())
    assert values["OKX_BASE_URL"] == ready["rest_url"]


def test_the_bundle_has_the_public_roots_too() -> None:
    count = "import os;print(open(os.environ['SSL_CERT_FILE']).read().count('BEGIN CERTIFICATE'))"
    done = sim("--", sys.executable, "-c", count)
    assert int(done.stdout.splitlines()[1]) > 100


def test_the_same_seed_hands_out_the_same_key() -> None:
    keys = [json.loads(sim("--seed", "9", "--", "true").stdout)["api_key"] for _ in range(2)]
    assert keys[0] == keys[1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serving_ends_on_a_signal(number: signal.Signals) -> None:
    with subprocess.Popen(SIM, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        directory = Path(ready["ca_file"]).parent
        assert directory.exists()
        process.send_signal(number)
        _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (130, "")
    assert not directory.exists()


def test_a_signal_ends_the_command_too() -> None:
    command = [*SIM, "--", sys.executable, "-c", "import time,os;print(os.getpid(),flush=True);time.sleep(60)"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        child = int(process.stdout.readline())
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    assert process.returncode == 130
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def test_a_command_that_a_signal_ended() -> None:
    done = sim("--", sys.executable, "-c", "import os,signal;os.kill(os.getpid(),signal.SIGKILL)")
    assert done.returncode == 128 + signal.SIGKILL


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--fault", "clock-ahaed=45s"], "clock-ahead"),
        (["--fault", "clock-ahead=soon"], "duration"),
        (["--fault", "env-credentials-missing"], "--target sim"),
        (["--port", "70000"], "70000"),
        (["--port", "eighty"], "eighty"),
        (["--seed", "x"], "x"),
        (["--nonsense"], "nonsense"),
        (["--env-file", "/nonexistent-directory/x/okx.env"], "cannot write"),
        (["--", "/nonexistent-command"], "cannot run"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(args: list[str], said: str) -> None:
    done = sim(*args)
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Traceback" not in done.stderr


def test_a_port_in_use_is_one_line_and_exit_2() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = sim("--port", str(port))
    assert (done.returncode, done.stdout) == (2, "")
    assert f"port {port} is in use" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
