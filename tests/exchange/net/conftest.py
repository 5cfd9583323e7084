"""The edge of the exchange in a thread of its own, so that the tests' clients are plain blocking programs."""

from __future__ import annotations

import asyncio
import http.client
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from okxdoctor.exchange.faults.model import Injected
from okxdoctor.exchange.net.edge import Edge, TlsPort
from okxdoctor.exchange.net.faults import FAULTS
from okxdoctor.exchange.net.plan import net_plan

NAMES = ("openapi.okx.test", "ws.okx.test")
T = TypeVar("T")


class Greeter(asyncio.Protocol):
    """Stands for the exchange's HTTP server: one answer to any request, saying for which host it was."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport
        self.received = b""

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, end, body = self.received.partition(b"\r\n\r\n")
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        if end and len(body) >= int(fields.get(b"content-length", b"0")):
            answer = b"hello from " + fields.get(b"host", b"?") + b" " + body
            self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(answer) + answer)
            self.transport.close()


class Thread:
    """A loop that runs in a thread of its own until it is closed."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever)
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, T], *, timeout_s: float = 20) -> T:
        """Run in the loop and wait for the result."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(timeout_s)

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(20)
        self.loop.close()


@pytest.fixture(scope="module")
def start_server() -> Iterator[Callable[[Any], Any]]:
    """Start anything with ``start()`` and ``close()`` in a thread; it is closed when the module's tests are over."""
    thread = Thread()
    servers: list[Any] = []

    def started(server: Any) -> Any:
        thread.run(server.start())
        servers.append(server)
        return server

    async def stop() -> None:
        for server in servers:
            await server.close()
        await asyncio.sleep(0)

    yield started
    thread.run(stop())
    thread.close()


class World(Thread):
    """A started edge with one TLS port and a plain listener."""

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self.edge, self.tls, self._plain = self.run(self._start())
        self.plain_port: int = self._plain.sockets[0].getsockname()[1]
        self.root_file = str(self.edge.authority.root_file(directory))

    async def _start(self) -> tuple[Edge, TlsPort, asyncio.Server]:
        loop = asyncio.get_running_loop()
        plain = await loop.create_server(Greeter, "127.0.0.1", 0)
        edge = Edge(names=NAMES)
        await edge.start()
        port = await edge.tls_port(
            protocol_factory=Greeter,
            names=(*NAMES, "localhost", "127.0.0.1"),
            upstream=("127.0.0.1", plain.sockets[0].getsockname()[1]),
        )
        return edge, port, plain

    @property
    def port(self) -> int:
        return self.tls.port

    def inject(self, *arguments: str) -> None:
        """Have exactly these faults on: ``name`` or ``name=choice`` (durations as their default)."""
        self.run(self.edge.apply(net_plan(map(injected, arguments), names=NAMES)))

    def close(self) -> None:
        async def stop() -> None:
            self._plain.close()
            await self.edge.close()
            others = asyncio.all_tasks() - {asyncio.current_task()}
            await asyncio.gather(*others, return_exceptions=True)

        self.run(stop())
        super().close()

    # ---- clients -------------------------------------------------------------------------------

    def context(self) -> ssl.SSLContext:
        """A client that trusts the exchange's root and checks everything that Python 3.13 checks by default."""
        context = ssl.create_default_context(cafile=self.root_file)
        context.verify_flags = context.verify_flags | ssl.VERIFY_X509_STRICT
        # Distributions leave the version to their OpenSSL's configuration, where Python's own builds say it.
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context

    def get(self, name: str | None = NAMES[0], *, context: ssl.SSLContext | None = None, body: bytes = b"") -> bytes:
        """One HTTPS request to the TLS port by Python's own TLS; the body of the answer."""
        context = context or self.context()
        with (
            socket.create_connection(("127.0.0.1", self.port), timeout=5) as raw,
            context.wrap_socket(raw, server_hostname=name) as sock,
        ):
            head = f"POST / HTTP/1.1\r\nHost: {name}\r\nContent-Length: {len(body)}\r\n\r\n"
            sock.sendall(head.encode() + body)
            with http.client.HTTPResponse(sock) as answer:
                answer.begin()
                return answer.read()

    def s_client(self, *arguments: str, name: str | None = NAMES[0], timeout_s: float = 5) -> str:
        """What the ``openssl s_client`` program prints about a connection to the TLS port."""
        program = shutil.which("openssl")
        if program is None:
            pytest.skip("no openssl program")
        asked = ("-servername", name, "-verify_hostname", name) if name else ("-noservername",)
        done = subprocess.run(
            [program, "s_client", "-connect", f"127.0.0.1:{self.port}", "-CAfile", self.root_file, *asked, *arguments],
            input=b"",
            capture_output=True,
            timeout=timeout_s,
            check=False,
        )
        return (done.stdout + done.stderr).decode("utf-8", "replace")


def injected(argument: str) -> Injected:
    name, _, value = argument.partition("=")
    fault = next(each for each in FAULTS if each.name == name)
    return Injected(fault=fault, value=value or fault.default)


@pytest.fixture(scope="session")
def _world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(tmp_path_factory.mktemp("edge"))
    yield world
    world.close()


@pytest.fixture
def world(_world: World) -> Iterator[World]:
    """The edge, healthy before and after the test."""
    yield _world
    _world.inject()


@pytest.fixture
def openssl() -> str:
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("no openssl program")
    return program


@pytest.fixture
def curl() -> str:
    program = shutil.which("curl")
    if program is None:
        pytest.skip("no curl program")
    return program
