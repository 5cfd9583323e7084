"""The embedded exchange under hostile peers: what an honest client notices.

    python tests/benchmarks/bench_hostile.py [--requests 300]

An honest client asks one thing after the other over TLS; beside it, in another process, one peer does one harm without
a pause. Printed: the median and the 99th percentile of the honest client's times, and the median as a ratio to the
median of the same run while nobody does harm. Aim: at most 2.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import multiprocessing
import socket
import ssl
import statistics
import time
from collections.abc import Callable
from typing import Any

POST = b"POST /api/v5/trade/order HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: "
UPGRADE = (
    b"GET /ws/v5/public HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


def frame(payload: bytes) -> bytes:
    """One masked text frame, whatever it holds."""
    return b"\x81\xff" + len(payload).to_bytes(8) + bytes(4) + payload


def saying(data: bytes) -> Callable[[int, list[socket.socket]], None]:
    """Connect, say this, take in what comes, go."""

    def harm(port: int, held: list[socket.socket]) -> None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=0.2) as peer:
            peer.sendall(data)
            peer.shutdown(socket.SHUT_WR)
            while peer.recv(65_536):
                pass

    return harm


def half_open(port: int, held: list[socket.socket]) -> None:
    """Two hundred connections that are held, each having said half of something."""
    if len(held) < 200:
        peer = socket.create_connection(("127.0.0.1", port), timeout=5)
        peer.sendall(b"GET /api/v5/public/time HT")
        held.append(peer)
    else:
        time.sleep(0.01)


def dripping(port: int, held: list[socket.socket]) -> None:
    """Fifty connections, to each of which a letter is said now and then."""
    if len(held) < 50:
        held.append(socket.create_connection(("127.0.0.1", port), timeout=5))
    for peer in held:
        with contextlib.suppress(OSError):
            peer.send(b"G")
    time.sleep(0.005)


def coming_and_going(port: int, held: list[socket.socket]) -> None:
    """Connections in turn that say nothing."""
    socket.create_connection(("127.0.0.1", port), timeout=5).close()


HARMS: dict[str, Callable[[int, list[socket.socket]], None]] = {
    "garbage": saying(bytes(range(256)) * 20),
    "heads without end": saying(b"GET / HTTP/1.1\r\nA: " + b"b" * 200_000),
    "bodies over the limit": saying(POST + b"2000000\r\n\r\n" + b" " * 2_000_000),
    "malformed JSON": saying(POST + b"60000\r\n\r\n" + b'{"a":' * 12_000),
    "deep nesting": saying(POST + b"60000\r\n\r\n" + b"[" * 60_000),
    "frames over the limit": saying(UPGRADE + frame(b"x" * 200_000)),
    "nested frames": saying(UPGRADE + frame(b"[" * 60_000)),
    "half-open": half_open,
    "dripping": dripping,
    "10,000 in turn": coming_and_going,
}


def serve(pipe: Any) -> None:
    from okxdoctor.exchange import serve as served_in_thread

    with served_in_thread(seed=1) as served:
        pipe.send(served.info.as_json())
        pipe.recv()


def do_harm(what: str, port: int) -> None:
    held: list[socket.socket] = []
    while True:
        HARMS[what](port, held)


def times(client: http.client.HTTPSConnection, requests: int) -> list[float]:
    taken = []
    for _ in range(requests):
        begun = time.perf_counter()
        client.request("GET", "/api/v5/without/a/budget")
        client.getresponse().read()
        taken.append(time.perf_counter() - begun)
    return sorted(taken)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=300)
    count = parser.parse_args().requests
    pipe, theirs = multiprocessing.Pipe()
    server = multiprocessing.Process(target=serve, args=(theirs,), daemon=True)
    server.start()
    info = pipe.recv()
    plain = int(info["plain_rest_url"].rpartition(":")[2])
    where = int(info["rest_url"].rpartition(":")[2])
    client = http.client.HTTPSConnection(
        "127.0.0.1", where, context=ssl.create_default_context(cafile=info["ca_file"]), timeout=20
    )  # fmt: skip
    times(client, count)
    for what in HARMS:
        calm = statistics.median(times(client, count))
        harm = multiprocessing.Process(target=do_harm, args=(what, plain), daemon=True)
        harm.start()
        time.sleep(0.3)
        taken = times(client, count)
        harm.kill()
        harm.join()
        ratio = statistics.median(taken) / calm
        late = taken[int(count * 0.99)]
        print(
            f"{what:24} median {statistics.median(taken) * 1000:6.2f} ms   99 % {late * 1000:6.2f} ms"
            f"   calm {calm * 1000:5.2f} ms   ratio {ratio:4.2f}   aim 2"
        )
    server.kill()


if __name__ == "__main__":
    main()
