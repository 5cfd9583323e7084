"""Ports as a plain socket meets them."""

from __future__ import annotations

import asyncio
import errno
import gc
import socket
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from okxdoctor.exchange.net import tcp
from okxdoctor.exchange.net.service import StreamService
from okxdoctor.exchange.net.tcp import LOOPBACK_BROADCAST, FilteredPort, HeldPort, NotFiltered, reset, stay_silent

linux_only = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a property of Linux")


@pytest.fixture
def held() -> Iterator[HeldPort]:
    port = HeldPort()
    yield port
    port.close()


def connect(port: int, host: str = "127.0.0.1", timeout: float = 5) -> socket.socket:
    return socket.create_connection((host, port), timeout=timeout)


def test_held_port_is_closed(held: HeldPort) -> None:
    with pytest.raises(ConnectionRefusedError):
        connect(held.port)


def test_port_opens_closes_and_opens(held: HeldPort) -> None:
    for _ in range(3):
        with held.listen(), connect(held.port):
            pass
        with pytest.raises(ConnectionRefusedError):
            connect(held.port)


@pytest.mark.parametrize("is_listening", [False, True])
def test_nobody_else_gets_the_number(held: HeldPort, is_listening: bool) -> None:
    listener = held.listen() if is_listening else None
    with socket.socket() as other:
        with pytest.raises(OSError) as caught:
            other.bind(("127.0.0.1", held.port))
        assert caught.value.errno == errno.EADDRINUSE
    if listener:
        listener.close()


def test_number_that_is_taken_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        with pytest.raises(OSError) as caught:
            HeldPort(port=taken.getsockname()[1])
        assert caught.value.errno == errno.EADDRINUSE


def test_number_can_be_asked_for(held: HeldPort) -> None:
    number = held.port
    held.close()
    again = HeldPort(port=number)
    assert again.port == number
    again.close()


@linux_only
def test_filtered_port_never_answers(held: HeldPort) -> None:
    filtered = held.filter()
    for _ in range(2):
        with pytest.raises(TimeoutError):
            connect(held.port, timeout=0.3)
    filtered.close()
    with pytest.raises(ConnectionRefusedError):
        connect(held.port)
    with held.listen(), connect(held.port):
        pass


@linux_only
def test_filtering_again_works(held: HeldPort) -> None:
    for _ in range(3):
        filtered = held.filter()
        with pytest.raises(TimeoutError):
            connect(held.port, timeout=0.2)
        filtered.close()


def test_kernel_that_goes_on_answering_is_noticed(held: HeldPort, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp, "_MOST_FILLERS", 3)
    with pytest.raises(NotFiltered):
        FilteredPort(host=held.host, port=held.port, listener=held.listen(100))
    with pytest.raises(ConnectionRefusedError):
        connect(held.port)


@linux_only
def test_there_is_no_route_to_the_loopback_broadcast_address() -> None:
    with pytest.raises(OSError) as caught:
        connect(443, LOOPBACK_BROADCAST)
    assert caught.value.errno == errno.ENETUNREACH


@pytest.fixture
def service(start_server: Callable[[StreamService], StreamService]) -> Callable[[Any], int]:
    """Start a service with a given handler; gives its port."""
    return lambda handler: start_server(StreamService(handler)).port


def test_reset_after_accept(service: Any) -> None:
    # The RST may be there before connect() has returned.
    with pytest.raises(ConnectionResetError), connect(service(reset)) as sock:
        sock.recv(1)


def test_silence_after_accept(service: Any) -> None:
    with connect(service(stay_silent), timeout=0.2) as sock:
        sock.sendall(b"anybody there?")
        with pytest.raises(TimeoutError):
            sock.recv(1)


def test_running_out_of_descriptors_is_a_pause() -> None:
    class Short(socket.socket):
        refusals = 0

        def accept(self) -> Any:
            if self.refusals < 2:
                self.refusals += 1
                raise OSError(errno.EMFILE, "too many open files")
            return super().accept()

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")

    async def scenario() -> None:
        listener = Short()
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        one = StreamService(greet)
        await one.start(listener=listener)
        reader, writer = await asyncio.open_connection(one.host, one.port)
        assert await asyncio.wait_for(reader.read(), 5) == b"hello"
        writer.close()
        assert listener.refusals == 2
        await one.close()

    asyncio.run(scenario())


@pytest.mark.parametrize("steps", range(6))
def test_service_closes_the_connections_it_has(steps: int) -> None:
    """However far the loop has come with a connection: waiting, accepted, its task started, its handler running."""

    async def scenario() -> None:
        one = StreamService(stay_silent)
        await one.start()
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex((one.host, one.port))
        for _ in range(steps):
            await asyncio.sleep(0)
        await one.close()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(one.host, one.port)
        client.setblocking(True)
        client.settimeout(5)
        try:
            assert client.recv(1) == b""
        except ConnectionResetError:
            pass
        client.close()

    asyncio.run(scenario())
    gc.collect()  # a socket that was forgotten gives its warning now
