"""The embedded exchange: market data to many WebSocket subscribers.

    python tests/benchmarks/bench_fanout.py [--subscribers 100] [--slots 300] [--channels books,tickers,trades]

Messages a second to 100 subscribers of books, tickers and trades over TLS, as a ratio to a bare aiohttp server that
broadcasts the very same texts over the same TLS: both in one run, read by another process. The exchange's clock is
moved one slot of the market at a time, as soon as everybody has the last one: so its capacity is measured and not the
pace of the market. Aim: 0.6. CPU time of the serving process is printed beside it, which does not depend on the reader.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import ssl
import time
from typing import Any
from urllib.parse import urlsplit

CHANNELS = "books,tickers,trades"
UPGRADE = (
    "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


def subscribing(channels: str) -> str:
    """The request for so many channels of one instrument."""
    args = [{"channel": each, "instId": "BTC-USDT"} for each in channels.split(",")]
    return json.dumps({"op": "subscribe", "args": args})


class Reader(asyncio.Protocol):
    """A subscriber that counts messages and keeps none."""

    def __init__(self, path: str, channels: str, told: Any) -> None:
        self._path, self._channels, self._told = path, channels, told
        self._rest, self._upgraded, self.messages = b"", False, 0

    def connection_made(self, transport: Any) -> None:
        transport.write(UPGRADE.format(path=self._path).encode())
        text = subscribing(self._channels).encode()
        transport.write(bytes([0x81, 0x80 | 126]) + len(text).to_bytes(2) + bytes(4) + text)

    def data_received(self, data: bytes) -> None:
        data, at = self._rest + data, 0
        if not self._upgraded:
            at = data.find(b"\r\n\r\n") + 4
            if at < 4:
                self._rest = data
                return
            self._upgraded = True
        while True:
            head = data[at : at + 10]
            short = head[1] if len(head) > 1 else -1
            start = {126: 4, 127: 10}.get(short, 2)
            if len(head) < max(2, start):
                break
            size = short if start == 2 else int.from_bytes(head[2:start])
            if at + start + size > len(data):
                break
            if data.startswith(b'{"arg"', at + start):
                self.messages += 1
            at += start + size
        self._rest = data[at:]
        self._told()


def read(port: int, path: str, channels: str, ca_file: str, subscribers: int, pipe: Any) -> None:
    """Another process: tells how many messages all have got, whenever that changes; ends when told to."""

    async def go() -> None:
        context, loop = ssl.create_default_context(cafile=ca_file), asyncio.get_running_loop()
        changed = asyncio.Event()
        readers: list[Reader] = []

        def another() -> Reader:
            readers.append(Reader(path, channels, changed.set))
            return readers[-1]

        for _ in range(subscribers):
            await loop.create_connection(another, "127.0.0.1", port, ssl=context)
        loop.add_reader(pipe.fileno(), loop.stop)
        while True:
            await changed.wait()
            changed.clear()
            pipe.send(min(reader.messages for reader in readers))

    loop = asyncio.new_event_loop()
    task = loop.create_task(go())
    loop.run_forever()
    task.cancel()


class Audience:
    """The other process, from here."""

    def __init__(self, port: int, path: str, channels: str, ca_file: str, subscribers: int) -> None:
        self.pipe, theirs = multiprocessing.Pipe()
        self._process = multiprocessing.Process(
            target=read, args=(port, path, channels, ca_file, subscribers, theirs), daemon=True
        )  # fmt: skip
        self._process.start()
        self._have, self._grown = 0, asyncio.Event()
        asyncio.get_running_loop().add_reader(self.pipe.fileno(), self._hear)

    def _hear(self) -> None:
        while self.pipe.poll():
            self._have = self.pipe.recv()
        self._grown.set()

    async def have(self, messages: int) -> None:
        """Return when every subscriber has got so many."""
        async with asyncio.timeout(60):
            while self._have < messages:
                self._grown.clear()
                await self._grown.wait()

    def leave(self) -> None:
        asyncio.get_running_loop().remove_reader(self.pipe.fileno())
        self._process.kill()
        self._process.join()


def said(frames: list[Any]) -> list[str]:
    return [frame.text for frame in frames]


async def by_the_exchange(
    channels: str, subscribers: int, slots: int
) -> tuple[list[list[str]], float, float, ssl.SSLContext, str]:
    """Texts of each slot, seconds, CPU seconds."""
    from okxdoctor.exchange import running
    from okxdoctor.exchange.core.clock import Clock
    from okxdoctor.exchange.core.wsproto import Session
    from okxdoctor.exchange.net.ca import server_context

    exchange_clock = Clock(time.time_ns, rate=0.0)
    texts: list[list[str]] = []
    async with running(seed=5, clock=exchange_clock) as exchange:
        await exchange.faults.turn_on("ratelimit-limit-differs=1000000")
        witness = Session(
            exchange=exchange.exchange, venue=exchange.exchange.venue("global", "live"), path="public", peer="::",
            conn_id="witness",
        )  # fmt: skip
        audience = Audience(
            urlsplit(exchange.info.rest_url).port or 0, "/ws/v5/public", channels, exchange.ca_file, subscribers
        )  # fmt: skip
        expected = sum(each.startswith('{"arg"') for each in said(witness.receive(subscribing(channels))))
        await audience.have(expected)
        begun, spent = time.perf_counter(), time.thread_time()
        for _ in range(slots):
            exchange_clock.step(0.1)
            texts.append(said(witness.tick()))
            expected += len(texts[-1])
            await audience.have(expected)
        elapsed, cpu = time.perf_counter() - begun, time.thread_time() - spent
        audience.leave()
        context = server_context(exchange._edge.authority.leaf(("127.0.0.1",)))
        assert not exchange.wire_log.defects
        with open(exchange.ca_file, encoding="ascii") as file:
            return texts, elapsed, cpu, context, file.read()


async def by_aiohttp(
    texts: list[list[str]], channels: str, subscribers: int, context: ssl.SSLContext, root: str
) -> tuple[float, float]:
    """Seconds and CPU seconds for the same texts."""
    import tempfile

    from aiohttp import web

    sockets: list[web.WebSocketResponse] = []

    async def bare(request: web.BaseRequest) -> web.StreamResponse:
        socket = web.WebSocketResponse(compress=True)
        await socket.prepare(request)
        sockets.append(socket)
        await socket.send_str('{"arg":{}}')
        async for _ in socket:
            pass
        return socket

    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(root)
        file.flush()
        server = await asyncio.get_running_loop().create_server(
            web.Server(bare, access_log=None), "127.0.0.1", 0, ssl=context
        )
        audience = Audience(server.sockets[0].getsockname()[1], "/", channels, file.name, subscribers)
        expected = 1
        await audience.have(expected)
        begun, spent = time.perf_counter(), time.thread_time()
        for slot in texts:
            for text in slot:
                for socket in sockets:
                    await socket.send_str(text)
            expected += len(slot)
            await audience.have(expected)
        elapsed, cpu = time.perf_counter() - begun, time.thread_time() - spent
        audience.leave()
        server.close()
    return elapsed, cpu


async def compare(channels: str, subscribers: int, slots: int, rounds: int) -> None:
    best: dict[str, tuple[float, float]] = {}
    for _ in range(rounds):
        texts, elapsed, cpu, context, root = await by_the_exchange(channels, subscribers, slots)
        messages = sum(map(len, texts)) * subscribers
        bare = await by_aiohttp(texts, channels, subscribers, context, root)
        for name, (seconds, spent) in {"exchange": (elapsed, cpu), "bare": bare}.items():
            rate, cost = best.get(name, (0.0, 1e9))
            best[name] = (max(rate, messages / seconds), min(cost, spent / messages * 1e6))
    ours, bare_best = best["exchange"], best["bare"]
    print(f"messages/s to {subscribers}    {ours[0]:7.0f}   bare aiohttp {bare_best[0]:.0f}, ratio "
          f"{ours[0] / bare_best[0]:.2f}, aim 0.60")  # fmt: skip
    print(f"CPU a message, µs     {ours[1]:7.1f}   bare aiohttp {bare_best[1]:.1f}, ratio {bare_best[1] / ours[1]:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subscribers", type=int, default=100)
    parser.add_argument("--slots", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--channels", default=CHANNELS)
    given = parser.parse_args()
    asyncio.run(compare(given.channels, given.subscribers, given.slots, given.rounds))


if __name__ == "__main__":
    main()
