"""Peers for the live target: small real servers on loopback, good and bad, none of them okxdoctor's own."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from okxdoctor.port import Cell, Endpoint, Route, View
from okxdoctor.secret import Secret
from okxdoctor.targets.config import Credentials, TargetConfig
from okxdoctor.targets.live.target import LiveTarget

KEY = "0b7b3c8a-51f3-4a1e-9c7e-3f2f1d0c9e55"
SECRET = "22582BD0CFF14C41EDBF1AB98506286D"
PASSPHRASE = "Tr0ub4dor&3+x"

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Stage:
    """What the tests build their circumstances from."""

    key = KEY
    secret = SECRET
    passphrase = PASSPHRASE

    def __init__(self, authority: trustme.CA, ca_file: Path) -> None:
        self.authority = authority
        self.ca_file = str(ca_file)

    # ---- the target -----------------------------------------------------------------------

    def config(
        self,
        port: int = 1,
        *,
        host: str = "127.0.0.1",
        tls: bool = False,
        ws_port: int | None = None,
        environment: Any = "live",
        keyed: bool = False,
        addresses: Any = "loopback",
        cells: tuple[Cell, ...] = (),
        rest_proxy: str | None = None,
        ws_proxy: str | None = None,
        ca_file: str | None = None,
        timeout_s: float = 2.0,
        alone: bool = True,
        **more: Any,
    ) -> TargetConfig:
        """``alone``: nobody waits for a budget here; what is waited for has tests of its own."""

        def endpoint(role: Any, scheme: str, at: int, base: str) -> Endpoint:
            return Endpoint(
                role=role, url=f"{scheme}://{host}:{at}", scheme=scheme, host=host, port=at, base=base, tls=tls
            )

        def route(url: str | None) -> Route | None:
            if url is None:
                return None
            scheme, _, rest = url.partition("://")
            place = rest.rpartition("@")[2]
            name, _, at = place.rpartition(":")
            return Route(
                url=f"{scheme}://{place}", scheme=scheme, host=name, port=int(at), source="flag",
                has_credentials="@" in rest,
            )  # fmt: skip

        view = View(
            kind="sim",
            site="global",
            environment=environment,
            rest=endpoint("rest", "https" if tls else "http", port, ""),
            ws=endpoint("ws", "wss" if tls else "ws", ws_port or port, "/ws/v5"),
            addresses=addresses,
            declared_hosts=True,
            legacy_ws_port=8443,
            credentials=keyed,
            need=(),
            instruments=(),
            product=None,
            trade_mode=None,
            declared_specs=(),
            burst=False,
            rest_route=route(rest_proxy),
            ws_route=route(ws_proxy),
            ca_file=ca_file,
            dns_servers=(),
            ntp_servers=(),
            ntp_declared=False,
            control_name="control.test",
            cells=cells,
        )
        credentials = Credentials(api_key=Secret(KEY), secret_key=Secret(SECRET), passphrase=Secret(PASSPHRASE))
        return TargetConfig(
            view=view,
            credentials=credentials if keyed else None,
            ca_file=ca_file or self.ca_file,
            rest_proxy=Secret(rest_proxy) if rest_proxy else None,
            ws_proxy=Secret(ws_proxy) if ws_proxy else None,
            timeout_s=timeout_s,
            alone=alone,
            **more,
        )

    def target(self, *args: Any, **kwargs: Any) -> LiveTarget:
        return LiveTarget(self.config(*args, **kwargs))

    # ---- peers ----------------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def serve(
        self, handler: Handler, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1", port: int = 0
    ) -> AsyncIterator[int]:
        """A TCP (or TLS) server; yields its port."""

        serving: set[asyncio.Task[Any]] = set()
        writers: list[asyncio.StreamWriter] = []

        async def quiet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            serving.add(asyncio.current_task())  # type: ignore[arg-type]
            writers.append(writer)
            try:
                with contextlib.suppress(OSError, ssl.SSLError, asyncio.IncompleteReadError):
                    await handler(reader, writer)
            finally:
                writer.close()

        server = await asyncio.start_server(quiet, host, port, ssl=tls)
        # asyncio reports a client that leaves during the TLS handshake; here that is everyday.
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            for task in serving:
                task.cancel()
            await asyncio.gather(*serving, return_exceptions=True)
            for writer in writers:
                # A TLS transport would wait half a minute for the peer's farewell. One that has ended has let go of its
                # protocol, and says so by an AttributeError up to Python 3.11.2.
                with contextlib.suppress(AttributeError):
                    writer.transport.abort()
            await asyncio.sleep(0.01)

    @contextlib.asynccontextmanager
    async def answer(self, *chunks: bytes, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
        """A server that reads a request head, writes the chunks and closes."""

        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            for chunk in chunks:
                writer.write(chunk)
                await writer.drain()

        async with self.serve(handle, tls=tls) as port:
            yield port

    def server_tls(self, *names: str, issuer: trustme.CA | None = None) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        (issuer or self.authority).issue_cert(*(names or ("127.0.0.1", "localhost"))).configure_cert(context)
        return context

    def closed_port(self) -> int:
        """A port where nobody listens."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            return int(free.getsockname()[1])

    @contextlib.contextmanager
    def silent_port(self) -> Iterator[int]:
        """A port whose connections stand and never say a word."""
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", 0))
            listening.listen(64)
            yield listening.getsockname()[1]

    # ---- DNS, written from RFC 1035 with nothing but struct -------------------------------------

    @contextlib.asynccontextmanager
    async def dns(
        self, behave: Callable[[str, int, bytes], bytes | None], delay_s: Callable[[], float] = lambda: 0.0
    ) -> AsyncIterator[tuple[str, int]]:
        """A UDP server: ``behave(name, qtype, question)`` gives the answer packet, None for silence.

        Each answer is sent ``delay_s`` after the question came.
        """
        loop = asyncio.get_running_loop()

        class Server(asyncio.DatagramProtocol):
            def connection_made(self, transport: Any) -> None:
                self.transport = transport

            def datagram_received(self, data: bytes, addr: Any) -> None:
                name, qtype = question_of(data)
                answer = behave(name, qtype, data)
                if answer is not None and (wait_s := delay_s()):
                    loop.call_later(wait_s, self.transport.sendto, answer, addr)
                elif answer is not None:
                    self.transport.sendto(answer, addr)

        transport, _ = await loop.create_datagram_endpoint(Server, local_addr=("127.0.0.1", 0))
        try:
            yield transport.get_extra_info("sockname")
        finally:
            transport.close()
            await asyncio.sleep(0)

    @staticmethod
    def reply(
        question: bytes, *records: tuple[int, bytes], rcode: int = 0, truncated: bool = False, number: int | None = None
    ) -> bytes:
        """An answer packet with records (type, rdata), all owned by the name asked."""
        flags = 0x8180 | rcode | (0x0200 if truncated else 0)
        asked = question[12 : question.index(b"\0", 12) + 5]
        head = struct.pack(
            ">HHHHHH", int.from_bytes(question[:2], "big") if number is None else number, flags, 1, len(records), 0, 0
        )
        body = b"".join(b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 60, len(data)) + data for kind, data in records)
        return head + asked + body


def question_of(packet: bytes) -> tuple[str, int]:
    labels, at = [], 12
    while packet[at]:
        labels.append(packet[at + 1 : at + 1 + packet[at]].decode())
        at += 1 + packet[at]
    return ".".join(labels), int.from_bytes(packet[at + 1 : at + 3], "big")


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def stage(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Stage:
    ca_file = tmp_path_factory.mktemp("live") / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    return Stage(authority, ca_file)


@pytest.fixture
def openssl() -> Callable[..., str]:
    """Runs the openssl program; its output and errors as one text."""

    def run(*arguments: str, stdin: str = "") -> str:
        done = subprocess.run(["openssl", *arguments], input=stdin, capture_output=True, text=True, timeout=30)
        return done.stdout + done.stderr

    try:
        run("version")
    except FileNotFoundError:
        pytest.skip("there is no openssl program here")
    return run
