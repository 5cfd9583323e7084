"""The embedded exchange under hostile peers: what an honest client notices.

    python tests/benchmarks/bench_hostile.py [--requests 200] [--rounds 5] [--only "nested frames"]

An honest client asks one thing after the other over TLS; beside it, in another process, one peer does one harm without
a pause. Printed: the median and the 99th percentile of the honest client's times, and the median as a ratio to the
median while nobody does harm. Aim: at most 2.

Whoever does harm also takes a processor away, and the kernel's time for what it sends: that is the machine's slowness
and not the exchange's. So the same harm is done to another exchange, in a process of its own, and the honest client's
ratio to calm is printed for that, too ("elsewhere"): what a perfect exchange could reach here, or less, since the
other exchange takes part of a processor as well. Nothing is subtracted. Calm, harm and harm elsewhere take turns in
short rounds, so that what else the machine does meets them alike. The last column is the share of the time for which
the exchange's thread was busy while the harm was done.
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
from collections.abc import Callable, Iterator
from typing import Any

POST = b"POST /api/v5/trade/order HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: "
UPGRADE = (
    b"GET /ws/v5/public HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


def frame(payload: bytes) -> bytes:
    """One masked text frame, whatever it holds."""
    return b"\x81\xff" + len(payload).to_bytes(8) + bytes(4) + payload


def flooding(messages: bytes) -> Callable[[int, list[socket.socket]], None]:
    """One connection that says this over and over, and takes in what comes."""

    def harm(port: int, held: list[socket.socket]) -> None:
        if not held:
            held.append(socket.create_connection(("127.0.0.1", port), timeout=5))
            held[0].sendall(UPGRADE)
            held[0].recv(65_536)
        try:
            held[0].sendall(messages)
            held[0].setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while held[0].recv(1 << 20):
                    pass
            held[0].settimeout(5)
        except OSError:
            held.pop().close()
            time.sleep(0.4)  # three connections a second

    return harm


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


def shaking_hands(port: int, held: list[socket.socket]) -> None:
    """TLS handshakes in turn."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as peer:
        TRUSTING.wrap_socket(peer).close()


def coming_and_going(port: int, held: list[socket.socket]) -> None:
    """Connections in turn that say nothing."""
    socket.create_connection(("127.0.0.1", port), timeout=5).close()


TRUSTING = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
TRUSTING.check_hostname, TRUSTING.verify_mode = False, ssl.CERT_NONE
TO_TLS = ("handshakes",)
"""Done to the TLS port; everything else to the plain one, where nothing slows the peer down."""

HARMS: dict[str, Callable[[int, list[socket.socket]], None]] = {
    "garbage": saying(bytes(range(256)) * 20),
    "heads without end": saying(b"GET / HTTP/1.1\r\nA: " + b"b" * 200_000),
    "bodies over the limit": saying(POST + b"2000000\r\n\r\n" + b" " * 2_000_000),
    "malformed JSON": saying(POST + b"60000\r\n\r\n" + b'{"a":' * 12_000),
    "deep nesting": saying(POST + b"60000\r\n\r\n" + b"[" * 60_000),
    "frames over the limit": saying(UPGRADE + frame(b"x" * 200_000)),
    "nested frames": saying(UPGRADE + frame(b"[" * 60_000)),
    "unreadable messages": flooding(frame(b"[" * 60_000)),
    "pings": flooding(frame(b"ping") * 2_000),
    "handshakes": shaking_hands,
    "half-open": half_open,
    "dripping": dripping,
    "10,000 in turn": coming_and_going,
}


def serve(pipe: Any) -> None:
    """An exchange in a process of its own; told anything but an end, it tells the processor seconds of its thread."""
    from okxdoctor.exchange import serve as served_in_thread

    with served_in_thread(seed=1) as served:
        pipe.send(served.info.as_json())
        while pipe.recv():
            pipe.send(served.run(spent()))


async def spent() -> float:
    return time.thread_time()


class Exchange:
    """The process of an exchange, from here."""

    def __init__(self) -> None:
        self._pipe, theirs = multiprocessing.Pipe()
        self._process = multiprocessing.Process(target=serve, args=(theirs,), daemon=True)
        self._process.start()
        self.info = self._pipe.recv()
        self.plain, self.tls = (int(self.info[name].rpartition(":")[2]) for name in ("plain_rest_url", "rest_url"))

    def busy_s(self) -> float:
        self._pipe.send(True)
        return float(self._pipe.recv())

    def end(self) -> None:
        self._process.kill()
        self._process.join()


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
    return taken


@contextlib.contextmanager
def harming(what: str, exchange: Exchange) -> Iterator[None]:
    """Beside the block, somebody does harm to ``exchange``."""
    port = exchange.tls if what in TO_TLS else exchange.plain
    peer = multiprocessing.Process(target=do_harm, args=(what, port), daemon=True)
    peer.start()
    time.sleep(0.2)
    try:
        yield
    finally:
        peer.kill()
        peer.join()
        time.sleep(0.05)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=list(HARMS), action="append")
    given = parser.parse_args()
    exchange, other = Exchange(), Exchange()
    trusting = ssl.create_default_context(cafile=exchange.info["ca_file"])
    client = http.client.HTTPSConnection("127.0.0.1", exchange.tls, context=trusting, timeout=20)
    times(client, given.requests)
    for what in given.only or HARMS:
        calm, harmed, elsewhere = [], [], []
        busy_s = passed_s = 0.0
        for _ in range(given.rounds):
            calm += times(client, given.requests)
            with harming(what, exchange):
                began, busy = time.perf_counter(), exchange.busy_s()
                harmed += times(client, given.requests)
                busy_s += exchange.busy_s() - busy
                passed_s += time.perf_counter() - began
            with harming(what, other):
                elsewhere += times(client, given.requests)
        usual = statistics.median(calm)
        late = sorted(harmed)[int(len(harmed) * 0.99)]
        print(
            f"{what:22} median {statistics.median(harmed) * 1000:5.2f} ms   99 % {late * 1000:5.2f} ms   "
            f"calm {usual * 1000:4.2f} ms   ratio {statistics.median(harmed) / usual:4.2f}, aim 2   "
            f"elsewhere {statistics.median(elsewhere) / usual:4.2f}   busy {busy_s / passed_s:.0%}",
            flush=True,
        )
    exchange.end()
    other.end()


if __name__ == "__main__":
    main()
