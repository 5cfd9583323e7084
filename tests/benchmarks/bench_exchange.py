"""The embedded exchange: start-up in a running loop, a whole TLS test, and signed requests a second.

    python tests/benchmarks/bench_exchange.py [--requests 3000]

1. Start of everything (REST, WebSocket, TLS of three sites, DNS, NTP, proxy) in a running loop: median ms. Aim: 5.
2. A whole test: start, one request over a verified TLS connection, stop: median ms. Aim: 15.
3. Signed REST requests a second over TLS, as a ratio to a bare aiohttp handler with the same context and a body of
   the same size, both in one run, asked by another process. Aim: 0.75.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import hmac
import multiprocessing
import ssl
import statistics
import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

TARGET = "/api/v5/account/config"


def signed(info: Any) -> bytes:
    stamp = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    digest = hmac.digest(info.secret_key.encode(), f"{stamp}GET{TARGET}".encode(), "sha256")
    return (
        f"GET {TARGET} HTTP/1.1\r\nHost: 127.0.0.1\r\nOK-ACCESS-KEY: {info.api_key}\r\n"
        f"OK-ACCESS-SIGN: {base64.b64encode(digest).decode()}\r\nOK-ACCESS-TIMESTAMP: {stamp}\r\n"
        f"OK-ACCESS-PASSPHRASE: {info.passphrase}\r\nContent-Type: application/json\r\n\r\n"
    ).encode()


async def one_answer(reader: asyncio.StreamReader) -> bytes:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    if b" 200 " not in head[:16]:
        raise RuntimeError(head[:80])
    at = head.index(b"content-length: ") + 16
    return await reader.readexactly(int(head[at : head.index(b"\r", at)]))


def hammer(port: int, ca_file: str, raw: bytes, count: int, answers: Any) -> None:
    """Another process: eight connections that ask one after the other."""

    async def connection(each: int) -> None:
        context = ssl.create_default_context(cafile=ca_file)
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
        for _ in range(each):
            writer.write(raw)
            await one_answer(reader)
        writer.close()

    async def go() -> None:
        begun = time.perf_counter()
        await asyncio.gather(*(connection(count // 8) for _ in range(8)))
        answers.put(count / (time.perf_counter() - begun))

    asyncio.run(go())


async def starts(runs: int) -> tuple[float, float]:
    from okxdoctor.exchange import running

    opened, whole = [], []
    for seed in range(runs):
        begun = time.perf_counter()
        async with running(seed=seed) as exchange:
            opened.append(time.perf_counter() - begun)
            context = ssl.create_default_context(cafile=exchange.ca_file)
            port = urlsplit(exchange.info.rest_url).port
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
            writer.write(b"GET /api/v5/public/time HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            await one_answer(reader)
            writer.close()
        whole.append(time.perf_counter() - begun)
    return statistics.median(opened) * 1000, statistics.median(whole) * 1000


async def throughput(count: int, rounds: int) -> tuple[float, float]:
    from aiohttp import web

    from okxdoctor.exchange import running
    from okxdoctor.exchange.faults import parse

    async with running() as exchange:
        # Without the documented budget, which five requests would exhaust.
        await exchange.faults.turn_on(parse("ratelimit-limit-differs=1000000"))
        context, _ = next(iter(exchange._edge.authority.contexts.values()))
        body = b'{"code":"0","data":[{"x":"' + b"y" * 580 + b'"}],"msg":""}'

        async def bare(request: web.BaseRequest) -> web.Response:
            return web.Response(body=body, content_type="application/json")

        loop = asyncio.get_running_loop()
        server = await loop.create_server(web.Server(bare, access_log=None), "127.0.0.1", 0, ssl=context)
        ports = {"bare": server.sockets[0].getsockname()[1], "exchange": urlsplit(exchange.info.rest_url).port}
        best = dict.fromkeys(ports, 0.0)
        answers: Any = multiprocessing.Queue()
        for _ in range(rounds):
            for name, port in ports.items():
                arguments = (port, exchange.ca_file, signed(exchange.info), count, answers)
                process = multiprocessing.Process(target=hammer, args=arguments)
                process.start()
                best[name] = max(best[name], await asyncio.to_thread(answers.get))
                await asyncio.to_thread(process.join)
        server.close()
    return best["exchange"], best["bare"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=3000)
    count = parser.parse_args().requests
    opened, whole = asyncio.run(starts(20))
    print(f"start in a running loop   {opened:6.1f} ms    aim  5")
    print(f"start, one request, stop  {whole:6.1f} ms    aim 15")
    ours, bare = asyncio.run(throughput(count, 3))
    print(f"signed requests/s         {ours:6.0f}       bare aiohttp {bare:.0f}, ratio {ours / bare:.2f}, aim 0.75")


if __name__ == "__main__":
    main()
