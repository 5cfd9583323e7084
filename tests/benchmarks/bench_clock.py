"""How far a time server's measured offset is from the truth, on loopback.

    python tests/benchmarks/bench_clock.py

The server is another process that reads the very same system clock, so the true offset is zero and every deviation is
error of the measurement. Measured twice: in an idle event loop, and in one that is kept busy with 5 ms blocks of
other work, as in a run that imports and verifies meanwhile. Target: ≤ 0.1 ms.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import socket
import statistics
import struct
import sys
import time
from multiprocessing.connection import Connection

from okxdoctor.port import Lookup
from okxdoctor.targets.config import read_clocks
from okxdoctor.targets.live.ntp import ask

ROUNDS = 100
EPOCH = 2_208_988_800


def stamp(wall_ns: int) -> bytes:
    seconds, nanoseconds = divmod(wall_ns, 1_000_000_000)
    return struct.pack(">II", (seconds + EPOCH) % 2**32, (nanoseconds << 32) // 1_000_000_000)


def serve(pipe: Connection) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        pipe.send(udp.getsockname()[1])
        while True:
            question, place = udp.recvfrom(512)
            came = time.time_ns()
            head = struct.pack(">BBbb", 4 << 3 | 4, 1, 6, -20) + bytes(8) + b"GPS\0" + stamp(came)
            udp.sendto(head + question[40:48] + stamp(came) + stamp(time.time_ns()), place)


async def literal(name: str) -> Lookup:
    return Lookup(name=name, resolver="system", outcome="ok", addresses=(name,))


async def busy() -> None:
    while True:
        time.sleep(0.005)  # blocking the loop is the point
        await asyncio.sleep(0.001)


async def main(port: int) -> None:
    for name in ("idle loop", "busy loop"):
        work = asyncio.ensure_future(busy()) if name == "busy loop" else None
        errors = []
        for _ in range(ROUNDS):
            seen = await ask(("127.0.0.1", port), resolve=literal, clock=read_clocks, timeout_s=2.0)
            if seen.outcome != "ok":
                raise SystemExit(f"no answer: {seen}")
            errors.append(abs(seen.offset_s) * 1000)
        if work is not None:
            work.cancel()
        errors.sort()
        sys.stdout.write(
            f"{name}: NTP error median {statistics.median(errors):6.4f} ms, 95 % {errors[94]:6.4f} ms, "
            f"largest {errors[-1]:6.4f} ms (target ≤ 0.1)   {ROUNDS} rounds\n"
        )


if __name__ == "__main__":
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(there,), daemon=True)
    server.start()
    try:
        asyncio.run(main(here.recv()))
    finally:
        server.terminate()
