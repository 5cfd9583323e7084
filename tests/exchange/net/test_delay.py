"""A distance on loopback: time is added, nothing is lost, order is kept."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import pytest

from okxdoctor.exchange.net.delay import DelayedForwarder, Distance
from okxdoctor.exchange.net.service import Handler, StreamService
from okxdoctor.exchange.net.tcp import abort_with_reset


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.write_eof()


async def reset_it(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readexactly(5)
    abort_with_reset(writer)


async def close_it(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readexactly(5)


@contextlib.asynccontextmanager
async def far_echo(distance: Distance) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    service = StreamService(echo)
    await service.start()
    forwarder = DelayedForwarder((service.host, service.port), distance)
    await forwarder.start()
    reader, writer = await asyncio.open_connection(forwarder.host, forwarder.port)
    try:
        yield reader, writer
    finally:
        writer.close()
        await forwarder.close()
        await service.close()


def test_round_trips() -> None:
    async def scenario() -> list[float]:
        took = []
        async with far_echo(Distance(one_way_s=0.05)) as (reader, writer):
            for _ in range(3):
                begun = time.monotonic()
                writer.write(b"ping")
                assert await reader.readexactly(4) == b"ping"
                took.append(time.monotonic() - begun)
        return took

    first, *others = asyncio.run(scenario())
    # The first message makes up for the handshake of TCP, which the kernel has answered at once.
    assert 0.195 <= first < 1
    assert all(0.099 <= each < 0.8 for each in others)


@pytest.mark.parametrize(
    "distance",
    [
        Distance(one_way_s=0.005, jitter_s=0.03),
        Distance(one_way_s=0.001, loss=0.3, retransmit_s=0.02),
        Distance(one_way_s=0.0),
    ],
)
def test_bytes_arrive_once_and_in_order(distance: Distance) -> None:
    pieces = [f"{number:06d}".encode() * 200 for number in range(40)]

    async def scenario() -> bytes:
        async with far_echo(distance) as (reader, writer):

            async def send() -> None:
                for piece in pieces:
                    writer.write(piece)
                    await asyncio.sleep(0.002)
                writer.write_eof()

            sending = asyncio.create_task(send())
            received = await asyncio.wait_for(reader.read(), 10)
            await sending
            return received

    assert asyncio.run(scenario()) == b"".join(pieces)


def test_a_long_way_carries_much_at_a_time() -> None:
    """The distance is a delay, not a queue with one place: 8 MB there and back at 100 ms."""
    sent = bytes(8 * 1024 * 1024)

    async def scenario() -> float:
        async with far_echo(Distance(one_way_s=0.05)) as (reader, writer):
            begun = time.monotonic()

            async def send() -> None:
                writer.write(sent)
                await writer.drain()
                writer.write_eof()

            sending = asyncio.create_task(send())
            size = 0
            while data := await asyncio.wait_for(reader.read(1 << 20), 20):
                size += len(data)
            await sending
            assert size == len(sent)
            return time.monotonic() - begun

    assert asyncio.run(scenario()) < 10


@pytest.mark.parametrize("end", [reset_it, close_it])
def test_an_end_takes_its_time_and_stays_what_it_is(end: Handler) -> None:
    async def scenario() -> tuple[bytes, float]:
        service = StreamService(end)
        await service.start()
        forwarder = DelayedForwarder((service.host, service.port), Distance(one_way_s=0.1))
        await forwarder.start()
        begun = time.monotonic()
        reader, writer = await asyncio.open_connection(forwarder.host, forwarder.port)
        writer.write(b"hello")
        try:
            said = await asyncio.wait_for(reader.read(), 5)
        except ConnectionResetError:
            said = b"RST"
        took = time.monotonic() - begun
        writer.close()
        await forwarder.close()
        await service.close()
        return said, took

    said, took = asyncio.run(scenario())
    assert said == (b"RST" if end is reset_it else b"")
    assert took >= 0.39  # TCP there and back, "hello" there, the end back


def test_upstream_that_is_gone_ends_the_connection() -> None:
    async def scenario() -> bytes:
        service = StreamService(echo)
        await service.start()
        await service.close()
        forwarder = DelayedForwarder((service.host, service.port), Distance(one_way_s=0.01))
        await forwarder.start()
        reader, writer = await asyncio.open_connection(forwarder.host, forwarder.port)
        said = await asyncio.wait_for(reader.read(), 5)
        writer.close()
        await forwarder.close()
        return said

    assert asyncio.run(scenario()) == b""
