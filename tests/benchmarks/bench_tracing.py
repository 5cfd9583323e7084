"""One request with everything noted, against plain httpx, over kept connections to one server, in one run.

    python tests/benchmarks/bench_tracing.py

Both send the same GET to an asyncio server in another process and read the JSON text; okxdoctor's side also takes
clocks, phases, the ledger row, content codings and the veil. The two take turns. Target: ≤ 1.10x.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import statistics
import sys
import time
from dataclasses import replace
from multiprocessing.connection import Connection

import httpx
from bench_tls import config

from okxdoctor.port import Ask, Endpoint
from okxdoctor.targets.live.target import LiveTarget

ROUNDS, REQUESTS = 15, 100
BODY = b'{"code":"0","msg":"","data":[{"ts":"1790000000000"}]}'
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)


def serve(pipe: Connection) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(ANSWER)
        except (asyncio.IncompleteReadError, OSError):
            writer.close()

    async def run() -> None:
        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


async def main(port: int) -> None:
    def plain(endpoint: Endpoint, scheme: str) -> Endpoint:
        return replace(endpoint, scheme=scheme, url=f"{scheme}://127.0.0.1:{port}", tls=False)

    tls_config = config(port, "")
    view = replace(tls_config.view, rest=plain(tls_config.view.rest, "http"), ws=plain(tls_config.view.ws, "ws"))
    ask = Ask(method="GET", path="/api/v5/public/time")
    theirs, ours = [], []
    async with (
        httpx.AsyncClient(trust_env=False) as client,
        LiveTarget(replace(tls_config, view=view, ca_file=None)) as target,
    ):
        url = f"http://127.0.0.1:{port}{ask.path}"
        for round_ in range(ROUNDS + 1):
            started = time.perf_counter()
            for _ in range(REQUESTS):
                if (await client.get(url)).text[:5] != '{"cod':
                    raise SystemExit("no answer")
            middle = time.perf_counter()
            for _ in range(REQUESTS):
                if (await target.http(ask)).body[:5] != '{"cod':
                    raise SystemExit("no answer")
            if round_:
                theirs.append(middle - started)
                ours.append(time.perf_counter() - middle)
    base, whole = statistics.median(theirs) / REQUESTS, statistics.median(ours) / REQUESTS
    sys.stdout.write(
        f"plain httpx {base * 1e6:6.0f} µs   okxdoctor {whole * 1e6:6.0f} µs   ratio {whole / base:4.2f} "
        f"(target ≤ 1.10)   {ROUNDS} rounds of {REQUESTS}, medians\n"
    )


if __name__ == "__main__":
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(there,), daemon=True)
    server.start()
    try:
        asyncio.run(main(here.recv()))
    finally:
        server.terminate()
