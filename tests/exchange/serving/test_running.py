"""Start and stop: with every fault, many times over, several at once, and when something is in the way."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from okxdoctor.exchange import running, serve
from okxdoctor.exchange.faults import BadFaultValue, UnknownFault, catalogue


def test_an_exchange_starts_and_stops_with_every_fault_of_the_catalogue() -> None:
    async def go() -> None:
        async with running() as exchange:
            for fault in catalogue():
                await exchange.faults.turn_on(fault.example)
                assert [each.name for each in exchange.faults.on] == [fault.name]
                await exchange.faults.clear()
        every = [fault.example for fault in catalogue() if fault.name != "tcp-filtered"]
        async with running(faults=every) as exchange:
            assert len(exchange.faults.on) == len(every)

    asyncio.run(go())


def test_nothing_is_left_behind() -> None:
    def open_files() -> int:
        return len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0

    async def go() -> list[str]:
        directories = []
        for seed in range(12):
            async with running(seed=seed) as exchange:
                directories.append(exchange.info.ca_file)
                reader, writer = await asyncio.open_connection(
                    "127.0.0.1", int(exchange.info.rest_url.rpartition(":")[2]),
                    ssl=ssl.create_default_context(cafile=exchange.info.ca_file),
                )  # fmt: skip
                writer.write(b"GET /api/v5/public/time HTTP/1.1\r\nHost: x\r\n\r\n")
                await reader.readline()
                writer.close()
        return directories

    asyncio.run(go())
    gc.collect()
    before = open_files()
    directories = asyncio.run(go())
    gc.collect()
    assert open_files() <= before + 1
    assert not any(Path(each).exists() for each in directories)


def test_two_exchanges_do_not_know_each_other() -> None:
    with serve(seed=1) as one, serve(seed=2) as two:
        assert one.info.api_key != two.info.api_key
        one.faults.turn_on("clock-ahead=45s")
        assert two.clock.now_ms() - one.clock.now_ms() > 40_000


def test_a_clock_of_one_s_own() -> None:
    from okxdoctor.exchange import Clock

    with serve(clock=Clock(time.time_ns, at_ms=1_607_418_537_715, rate=0)) as exchange:
        assert exchange.clock.now_ms() == 1_607_418_537_715
        exchange.clock.step(30)
        assert exchange.clock.now_ms() == 1_607_418_567_715


@pytest.mark.parametrize(("fault", "error"), [("nonsense", UnknownFault), ("http-slow=much", BadFaultValue)])
def test_a_bad_fault_opens_nothing(fault: str, error: type[Exception]) -> None:
    with pytest.raises(error), serve(faults=[fault]):
        pass


def test_a_port_that_is_taken() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OSError, match="in use"), serve(port=taken.getsockname()[1]):
            pass


def test_a_port_that_is_asked_for() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with serve(port=port) as exchange:
        assert exchange.info.rest_url == f"https://127.0.0.1:{port}"


def test_an_error_in_the_block_reaches_the_caller() -> None:
    with pytest.raises(ZeroDivisionError), serve():
        raise ZeroDivisionError


def test_only_loopback_is_listened_on() -> None:
    """Every listening TCP socket that the exchange opens is bound to a loopback address (Linux lists them)."""
    table = Path("/proc/net/tcp")
    if not table.exists():
        pytest.skip("only Linux shows its sockets this way")
    with serve() as exchange:
        ports = {int(url.rpartition(":")[2]) for url in (site.rest_url for site in exchange.info.sites)}
        ports.add(int(exchange.info.plain_rest_url.rpartition(":")[2]))
        rows = [line.split()[1:4] for line in table.read_text().splitlines()[1:]]
        found = {int(local[9:], 16): local[:8] for local, _, state in rows if state == "0A"}
        assert {port: found.get(port) for port in ports} == dict.fromkeys(ports, "0100007F")


def test_secrets_are_in_no_text_of_the_exchange() -> None:
    with serve(seed=4) as exchange:
        site: Any
        texts = "".join(map(repr, (exchange, exchange.info, exchange.running, exchange.exchange, exchange.faults)))
        for name in ("global", "eea", "us"):
            texts += repr(exchange.exchange.sites[name].keys) + repr(exchange.exchange.credentials(name))
        for site in exchange.info.sites:
            assert site.secret_key not in texts
            assert site.passphrase not in texts


def test_a_change_that_the_system_refuses_leaves_things_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    async def go() -> None:
        async with running(faults=["clock-ahead=45s"]) as exchange:
            real = exchange.apply

            async def refusing(injected: Any) -> None:
                on = tuple(injected)
                await real(on)
                if any(each.name == "http-slow" for each in on):
                    raise OSError("not on this system")

            monkeypatch.setattr(exchange, "apply", refusing)
            with pytest.raises(OSError, match="not on this system"):
                await exchange.faults.turn_on("http-slow", "key-frozen")
            assert [each.name for each in exchange.faults.on] == ["clock-ahead"]
            assert exchange.exchange.world.edge.delay_ms == 0
            assert not exchange.exchange.world.key.frozen

    asyncio.run(go())


FORKING = """
import json, os, sys, urllib.request
from okxdoctor.exchange import serve
with serve(seed=1) as served:
    url = served.info.plain_rest_url + "/api/v5/public/time"
    if not (child := os.fork()):
        assert json.load(urllib.request.urlopen(url, timeout=10))["code"] == "0"
        sys.exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert json.load(urllib.request.urlopen(url, timeout=10))["code"] == "0"
    assert os.path.exists(served.info.ca_file)
assert not os.path.exists(served.info.ca_file)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_leaves_the_exchange_to_its_parent() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKING], capture_output=True, text=True, timeout=60
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_it_ends_at_once_whoever_is_there() -> None:
    """Clients in every state, a hundred of them: nothing is said on the way out, and the ports are free."""
    upgrade = (
        b"GET /ws/v5/public HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    ask = b"GET /api/v5/public/time HTTP/1.1\r\nHost: x\r\n\r\n"
    beginnings = [b"", b"\x16\x03\x01\x02", ask, ask[:-2], upgrade, upgrade[:-2] + b"TE: x\r\n", b"\xff" * 50]
    troubles: list[Any] = []

    async def go() -> list[int]:
        asyncio.get_running_loop().set_exception_handler(lambda _, what: troubles.append(what))
        async with running(seed=2) as exchange:
            await exchange.faults.turn_on("ratelimit-limit-differs=100000")
            ports = [int(each.rpartition(":")[2]) for each in (exchange.info.rest_url, exchange.info.plain_rest_url)]
            for number in range(112):
                _, writer = await asyncio.open_connection("127.0.0.1", ports[number // 7 % 2])
                writer.write(beginnings[number % 7])
                peers.append(writer)
            for _ in range(20):
                await asyncio.sleep(0)
        assert exchange.wire_log.defects == []
        for writer in peers:
            writer.transport.abort()
        return ports

    peers: list[asyncio.StreamWriter] = []
    # Whoever waits for a client waits 20 s.
    for port in asyncio.run(asyncio.wait_for(go(), 15)):
        with socket.create_server(("127.0.0.1", port)):
            pass
    assert troubles == []
