"""Crowds: more connections than the process has descriptors, hundreds in turn, and clients started again and again."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect as connect_async
from websockets.sync.client import connect

from okxdoctor.exchange import serve

FEW = 160
"""Descriptors of the exchange's process; it needs some forty itself."""
SERVER = f"""
import json, resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, ({FEW}, {FEW}))
from okxdoctor.exchange import serve
with serve(seed=3) as served:
    served.faults.turn_on("ratelimit-limit-differs=100000")
    print(json.dumps(served.info.as_json()), flush=True)
    sys.stdin.readline()
    print(json.dumps(served.wire_log.defects), flush=True)
"""


@pytest.fixture(scope="module")
def served() -> Iterator[Any]:
    with serve(seed=4) as exchange:
        yield exchange


@pytest.fixture
def unlimited(served: Any) -> Any:
    """Without the limit of three connections a second."""
    served.faults.turn_on("ratelimit-limit-differs=100000")
    return served


def _port(url: str) -> int:
    return int(url.rpartition(":")[2])


@pytest.mark.parametrize("begun", [b"", b"\x16\x03\x01", b"GET / HT"], ids=["nothing", "a hello", "a head"])
def test_more_half_open_connections_than_descriptors(begun: bytes) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    info = json.loads(process.stdout.readline())
    context = ssl.create_default_context(cafile=info["ca_file"])
    with contextlib.ExitStack() as crowd:
        for name in ("rest_url", "plain_rest_url"):
            for _ in range(FEW):
                peer = crowd.enter_context(socket.create_connection(("127.0.0.1", _port(info[name])), timeout=10))
                with contextlib.suppress(ConnectionError):
                    peer.sendall(begun)
            url = f"{info[name]}/api/v5/public/time"
            with urllib.request.urlopen(
                url, timeout=15, context=context if url.startswith("https") else None
            ) as answer:
                assert json.load(answer)["code"] == "0"
    out, errors = process.communicate("\n", timeout=20)
    assert (json.loads(out), errors, process.returncode) == ([], "", 0)


def test_hundreds_of_connections_in_turn(unlimited: Any) -> None:
    """They come, say something or nothing, and go in one way or another; nothing of them stays."""
    served = unlimited
    where = ("127.0.0.1", _port(served.info.plain_rest_url))
    for number in range(600):
        with socket.create_connection(where, timeout=10) as peer:
            if number % 3:
                peer.sendall(b"GET /api/v5/public/time HTTP/1.1\r\nHost: x\r\n\r\n"[: 10 * (number % 7)])
            if number % 2:
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01" + bytes(7))
    with urllib.request.urlopen(f"{served.info.plain_rest_url}/api/v5/public/time", timeout=10) as answer:
        assert json.load(answer)["code"] == "0"

    async def left() -> int:
        await asyncio.sleep(0)
        return sum(len(front.direct) + len(front.unheard) for front in served.running._fronts)

    assert served.running._plain is not None
    _until(lambda: served.run(left()) == 0)
    assert served.wire_log.defects == []


def _until(true: Any) -> None:
    import time

    end = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_blocking_websocket_client_works_fifty_times(unlimited: Any) -> None:
    context, served = ssl.create_default_context(cafile=unlimited.info.ca_file), unlimited
    for _ in range(50):
        with connect(f"{served.info.ws_url}/public", ssl=context) as wire:
            wire.send("ping")
            assert wire.recv(timeout=10) == "pong"


def test_clients_of_one_loop_work_fifty_times(unlimited: Any) -> None:
    context, served = ssl.create_default_context(cafile=unlimited.info.ca_file), unlimited

    async def go() -> None:
        for _ in range(50):
            async with connect_async(f"{served.info.ws_url}/public", ssl=context) as wire:
                await wire.send("ping")
                assert await wire.recv() == "pong"
            async with httpx.AsyncClient(verify=context, trust_env=False) as client:
                assert (await client.get(f"{served.info.rest_url}/api/v5/public/time")).json()["code"] == "0"

    asyncio.run(go())
