"""The embedded exchange: memory of its process, after the start, per connection, and under load.

    python tests/benchmarks/bench_memory.py [--connections 300]

Resident memory (RSS) of a process that serves and does nothing else, read from /proc. It is asked for after 20,000
and after 40,000 requests: logs and histories have a fixed length, so the second number is the first.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import multiprocessing
import socket
import ssl
import time
from typing import Any

LOGS = 20_000
UPGRADE = (
    b"GET /ws/v5/public HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
TEXT = b'{"op":"subscribe","args":[{"channel":"books","instId":"BTC-USDT"}]}'
SUBSCRIBE = b"\x81" + bytes([0x80 | len(TEXT)]) + bytes(4) + TEXT


def rss_kib() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * 4


def serve(pipe: Any) -> None:
    import okxdoctor.exchange.serving.thread

    imported = rss_kib()
    with okxdoctor.exchange.serving.thread.serve(seed=1) as served:
        served.faults.turn_on("ratelimit-limit-differs=1000000")
        pipe.send((served.info.as_json(), imported, rss_kib()))
        while pipe.recv():
            pipe.send(rss_kib())


def opened(port: int, context: ssl.SSLContext) -> ssl.SSLSocket:
    return context.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname="127.0.0.1")


def ask(port: int, context: ssl.SSLContext, count: int) -> None:
    client = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=20)
    for number in range(count):
        client.request("GET", f"/api/v5/market/books?instId=BTC-USDT&sz=20&n={number}")
        client.getresponse().read()
    client.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connections", type=int, default=300)
    connections = parser.parse_args().connections
    pipe, theirs = multiprocessing.get_context("spawn").Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,), daemon=True)
    server.start()
    info, imported, started = pipe.recv()
    context = ssl.create_default_context(cafile=info["ca_file"])
    port = int(info["rest_url"].rpartition(":")[2])

    def now() -> int:
        pipe.send(True)
        return int(pipe.recv())

    print(f"after the imports           {imported / 1024:7.1f} MiB")
    print(f"after the start             {started / 1024:7.1f} MiB")
    ask(port, context, 10)
    before = now()
    with contextlib.ExitStack() as held:
        peers = [held.enter_context(opened(port, context)) for _ in range(connections)]
        idle = now()
        print(f"an idle TLS connection      {(idle - before) / connections:7.1f} KiB")
        for peer in peers:
            peer.sendall(UPGRADE + SUBSCRIBE)
        time.sleep(1)
        print(f"more, subscribed to a book  {(now() - idle) / connections:7.1f} KiB")
    for load in (1, 2):
        ask(port, context, LOGS)
        print(f"after {load * LOGS:6} requests       {now() / 1024:7.1f} MiB")
    server.kill()


if __name__ == "__main__":
    main()
