"""Servers that answer with what no server should: each is a function of one connection, run in a thread of its own.

A plain blocking server on purpose: it shares nothing with the exchange or with the program under test.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import socket
import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Peer = Callable[[socket.socket], None]
UdpPeer = Callable[[bytes], list[bytes]]
PATIENCE_S = 20.0
RUBBISH = bytes((i * 167 + 13) % 256 for i in range(3000))
"""Always the same 3,000 bytes: no text, no TLS record, no HTTP."""


@contextmanager
def listening(peer: Peer) -> Iterator[int]:
    """The port of a TCP server that treats every connection so. All connections are gone afterwards."""
    server = socket.create_server(("127.0.0.1", 0))
    open_now: set[socket.socket] = set()

    def one(connection: socket.socket) -> None:
        with connection:
            connection.settimeout(PATIENCE_S)
            with suppress(OSError):
                peer(connection)
        open_now.discard(connection)

    def accept() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            open_now.add(connection)
            threading.Thread(target=one, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield server.getsockname()[1]
    finally:
        with suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
        server.close()
        for connection in list(open_now):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        thread.join(5)


@contextmanager
def receiving(peer: UdpPeer) -> Iterator[int]:
    """The port of a UDP server that answers each datagram with those of ``peer``."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(0.2)
        over = threading.Event()

        def loop() -> None:
            while not over.is_set():
                try:
                    packet, sender = server.recvfrom(65536)
                except TimeoutError:
                    continue
                except OSError:
                    return
                for answer in peer(packet):
                    with suppress(OSError):
                        server.sendto(answer, sender)

        thread = threading.Thread(target=loop, daemon=True)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            over.set()
            thread.join(5)


# ---- bytes over TCP ---------------------------------------------------------------------------


def head_of(connection: socket.socket) -> bytes:
    """The request up to its blank line. Raises OSError when it does not come."""
    got = b""
    while b"\r\n\r\n" not in got:
        part = connection.recv(65536)
        if not part:
            raise OSError("closed")
        got += part
    return got


def hold(connection: socket.socket) -> None:
    """Take everything, answer nothing."""
    while connection.recv(65536):
        pass


def close(connection: socket.socket) -> None: ...


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def says(data: bytes) -> Peer:
    """Says so before it is asked, then is silent."""

    def peer(connection: socket.socket) -> None:
        connection.sendall(data)
        hold(connection)

    return peer


def repeats(part: bytes, *, first: bytes = b"", every_s: float = 0.0, asked: bool = True) -> Peer:
    """Sends ``part`` for ever, as fast as it is taken or every so many seconds."""

    def peer(connection: socket.socket) -> None:
        if asked:
            head_of(connection)
        connection.sendall(first)
        while True:
            connection.sendall(part)
            if every_s:
                time.sleep(every_s)

    return peer


def answers(data: bytes, *, then: Peer = close) -> Peer:
    def peer(connection: socket.socket) -> None:
        head_of(connection)
        connection.sendall(data)
        then(connection)

    return peer


def response(
    body: bytes, *headers: bytes, status: bytes = b"200 OK", length: object = None, kind: bytes = b"application/json"
) -> bytes:
    size = str(len(body) if length is None else length).encode()
    lines = [b"HTTP/1.1 " + status, b"Content-Type: " + kind, b"Content-Length: " + size, *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def envelope(data: object, **more: object) -> bytes:
    return json.dumps({"code": "0", "msg": "", "data": data, **more}).encode()


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
STEERING = "\x1b[2J\x1b]0;title\x07\n::error::x\r\u202e"


def http_peers() -> dict[str, Peer]:
    """By name: what answers a REST request wrongly."""
    return {
        "silent": hold,
        "closes": close,
        "resets": reset,
        "rubbish-at-once": says(RUBBISH),
        "rubbish": answers(RUBBISH),
        "ssh": says(b"SSH-2.0-OpenSSH_9.9\r\n"),
        "http-0.9": answers(b"hello\n"),
        "headers-for-ever": repeats(b"X: " + b"a" * 1000 + b"\r\n", first=OK),
        "one-header-for-ever": repeats(b"a" * 65536, first=OK + b"X: "),
        "headers-drip": repeats(b"X: a\r\n", first=OK, every_s=0.05),
        "body-drips": repeats(b" ", first=response(b"", length=10**6), every_s=0.05),
        "body-for-ever": repeats(b"a" * 65536, first=OK + b"\r\n"),
        "chunks-for-ever": repeats(b"10000\r\n" + b"a" * 65536 + b"\r\n", first=CHUNKED),
        "chunk-extension-for-ever": repeats(b"a" * 65536, first=CHUNKED + b"1;"),
        "no-chunk": answers(CHUNKED + b"zzz\r\n", then=hold),
        "100-for-ever": repeats(b"HTTP/1.1 100 Continue\r\n\r\n"),
        "100-as-fast-as-can-be": repeats(b"HTTP/1.1 100 Continue\r\n\r\n" * 2000),
        "103-for-ever": repeats(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 1000),
        "gzip-bomb": answers(response(gzip.compress(bytes(100_000_000), 1), b"Content-Encoding: gzip")),
        "deflate-bomb": answers(response(zlib.compress(bytes(50_000_000), 1), b"Content-Encoding: deflate")),
        "no-gzip": answers(response(b"not gzip", b"Content-Encoding: gzip")),
        "unknown-coding": answers(response(b"xxx", b"Content-Encoding: br, zstd, gzip, gzip, gzip")),
        "10-megabytes": answers(response(envelope([{"ts": "1700000000000"}] * 400_000))),
        "deep": answers(response(b'{"code":"0","data":' + b"[" * 100_000 + b"]" * 100_000 + b"}")),
        "shorter-than-told": answers(response(b'{"code":"0"', length=1000)),
        "longer-than-told": answers(response(envelope([]), length=5)),
        "length-negative": answers(OK + b"Content-Length: -5\r\n\r\nabc"),
        "length-huge": answers(response(b"{}", length=10**30)),
        "two-lengths": answers(response(b"{}", b"Content-Length: 50")),
        "status-999": answers(response(b"{}", status=b"999 X")),
        "status-word": answers(b"HTTP/1.1 abc\r\n\r\n"),
        "http-9": answers(b"HTTP/9.9 200 OK\r\n\r\n{}"),
        "many-headers": answers(response(b"{}", *(b"X-%d: y" % i for i in range(3000)))),
        "surrogates": answers(response(b'{"code":"\\u0000","msg":"\\ud800","data":[{"ts":"\\ud800"}]}')),
        "not-a-number": answers(response(b'{"code":"0","msg":"","data":[{"ts":NaN}]}')),
        "huge-number": answers(response(b'{"code":"0","msg":"","data":[{"ts":' + b"9" * 6000 + b"}]}")),
        "huge-number-text": answers(response(envelope([{"ts": "9" * 400}]))),
        "array": answers(response(b"[1,2]")),
        "data-null": answers(response(envelope(None))),
        "data-mixed": answers(response(envelope([1, None, "x", [], {}]))),
        "empty": answers(response(b"")),
        "odd-charset": answers(response(b"\xff\xfe\x00x", kind=b"text/html; charset=rot13")),
        "steering": answers(
            response(
                json.dumps({"code": "50001", "msg": STEERING, "data": []}).encode(),
                b"Server: \x1b[2J\xff",
                status=b"503 \x1b[2J",
            )
        ),
        "odd-dates": answers(
            response(
                envelope([{"ts": "-1"}]),
                b"Date: Foo, 99 Bar 99999 99:99:99 GMT",
                b"Age: -99999999999999999999",
                b"Retry-After: 1e999",
            )
        ),
        "redirects": answers(response(b"", b"Location: file:///etc/passwd", status=b"302 Found")),
        "upgrades": answers(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"),
    }


def tls_peers() -> dict[str, Peer]:
    """By name: what answers a ClientHello wrongly."""
    return {
        "silent": hold,
        "closes": close,
        "resets": reset,
        "rubbish": says(RUBBISH),
        "rubbish-for-ever": repeats(RUBBISH * 20, asked=False),
        "http": says(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        "alert": says(b"\x15\x03\x01\x00\x02\x02\x28"),
        "unknown-alert": says(b"\x15\x03\x01\x00\x02\x09\xff"),
        "warnings-for-ever": repeats(b"\x15\x03\x03\x00\x02\x01\x5a" * 100, asked=False),
        "cipher-changes-for-ever": repeats(b"\x14\x03\x03\x00\x01\x01" * 1000, asked=False),
        "empty-records-for-ever": repeats(b"\x16\x03\x03\x00\x00" * 1000, asked=False),
        "record-too-large": says(b"\x16\x03\x03\xff\xff" + b"a" * 200_000),
        "drips": repeats(b"\x16", every_s=0.1, asked=False),
        "hello-cut": says(bytes.fromhex("160303007a020000760303") + bytes(8)),
    }


# ---- WebSocket --------------------------------------------------------------------------------


def upgrade(connection: socket.socket, *headers: bytes) -> None:
    """The right answer to an upgrade; a request that is none gets an empty envelope, and OSError is raised."""
    head = head_of(connection)
    lines = [line.partition(b":") for line in head.split(b"\r\n")]
    keys = [value.strip() for name, _, value in lines if name.lower() == b"sec-websocket-key"]
    if not keys:
        connection.sendall(response(envelope([])))
        raise OSError("no upgrade")
    accept = base64.b64encode(hashlib.sha1(keys[0] + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
    told = [b"HTTP/1.1 101 Switching Protocols", b"Upgrade: websocket", b"Connection: Upgrade"]
    connection.sendall(b"\r\n".join([*told, b"Sec-WebSocket-Accept: " + accept, *headers]) + b"\r\n\r\n")


def frame(
    opcode: int, data: bytes, *, fin: int = 1, mask: int = 0, reserved: int = 0, told: int | None = None
) -> bytes:
    """A frame of RFC 6455 §5.2; ``told`` is a length that may lie."""
    size = len(data) if told is None else told
    first = bytes([fin << 7 | reserved << 4 | opcode])
    if size < 126:
        return first + bytes([mask << 7 | size]) + data
    if size < 65536:
        return first + bytes([mask << 7 | 126]) + struct.pack(">H", size) + data
    return first + bytes([mask << 7 | 127]) + struct.pack(">Q", size) + data


def sends(data: bytes, *, for_ever: bool = False, subscribed: bool = False) -> Peer:
    """After the upgrade (and an ack, if ``subscribed``) these bytes, once or for ever."""

    def peer(connection: socket.socket) -> None:
        upgrade(connection)
        if subscribed:
            connection.recv(65536)
            ack = {"event": "subscribe", "arg": {"channel": "tickers", "instId": "BTC-USDT"}, "connId": "x"}
            connection.sendall(frame(1, json.dumps(ack).encode()))
        connection.sendall(data)
        while for_ever:
            connection.sendall(data)
        hold(connection)

    return peer


def _in_pieces_for_ever(connection: socket.socket) -> None:
    upgrade(connection)
    connection.sendall(frame(1, b"a", fin=0))
    while True:
        connection.sendall(frame(0, b"a" * 1000, fin=0) * 60)


def ws_peers() -> dict[str, Peer]:
    """By name: what answers an upgrade, or goes on after it, wrongly."""
    switch = b"HTTP/1.1 101 Switching Protocols\r\n"
    upgraded = switch + b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
    return {
        "silent": hold,
        "closes": close,
        "rubbish": says(RUBBISH),
        "no-upgrade": answers(response(b"{}")),
        "no-accept": answers(switch + b"\r\n"),
        "wrong-accept": answers(upgraded + b"Sec-WebSocket-Accept: eA==\r\n\r\n"),
        "headers-for-ever": repeats(b"X: " + b"a" * 1000 + b"\r\n", first=switch),
        "100-for-ever": repeats(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000),
        "refusal-for-ever": repeats(b"a" * 65536, first=b"HTTP/1.1 403 Forbidden\r\n\r\n"),
        "then-silent": sends(b""),
        "then-closes": lambda connection: upgrade(connection),
        "then-rubbish": sends(RUBBISH),
        "then-rubbish-for-ever": sends(RUBBISH * 20, for_ever=True),
        "masked": sends(frame(1, b"abcdabcd", mask=1)),
        "reserved-bits": sends(frame(1, b"a", reserved=7)),
        "unknown-opcode": sends(frame(3, b"a")),
        "terabyte": sends(frame(1, b"a" * 1000, told=2**40)),
        "length-negative": sends(frame(1, b"", told=2**63)),
        "50-megabytes": sends(frame(1, b"a" * 50_000_000)),
        "pieces-for-ever": _in_pieces_for_ever,
        "no-utf-8": sends(frame(1, b"\xff\xfe")),
        "binary": sends(frame(2, RUBBISH)),
        "deep": sends(frame(1, b"[" * 100_000)),
        "pings-for-ever": sends(frame(9, b"x" * 100) * 500, for_ever=True),
        "pongs-for-ever": sends(frame(10, b"") * 5000, for_ever=True),
        "texts-for-ever": sends(frame(1, b'{"event":"x"}') * 4000, for_ever=True),
        "ping-too-large": sends(frame(9, b"a" * 200)),
        "close-of-one-byte": sends(frame(8, b"\x00")),
        "close-steering": sends(frame(8, struct.pack(">H", 4000) + STEERING.encode()[:100])),
        "odd-event": sends(frame(1, b'{"event":["x"],"arg":5,"data":7}')),
        "odd-error": sends(frame(1, b'{"event":"error","code":{},"msg":[1],"connId":1}')),
        "surrogates": sends(frame(1, b'{"event":"error","code":"\\ud800","msg":"\\ud800\\u001b[2J"}')),
        "odd-data": sends(
            frame(1, b'{"arg":{"channel":"tickers","instId":"BTC-USDT"},"data":[{"ts":{}},null,5]}'), subscribed=True
        ),
        "data-for-ever": sends(
            frame(1, b'{"arg":{"channel":"tickers","instId":"BTC-USDT"},"data":[{"ts":"1"}]}') * 500,
            subscribed=True,
            for_ever=True,
        ),
    }


# ---- UDP --------------------------------------------------------------------------------------


def _question(packet: bytes) -> bytes:
    """The question section of a query."""
    end = 12
    while packet[end]:
        end += packet[end] + 1
    return packet[12 : end + 5]


def _dns(packet: bytes, records: bytes, *, flags: int = 0x8180, count: int = 1) -> bytes:
    return packet[:2] + struct.pack(">HHHHH", flags, 1, count, 0, 0) + _question(packet) + records


_A = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4"
_LOCAL = _A + b"\x7f\0\0\1"


def dns_peers() -> dict[str, UdpPeer]:
    """By name: what answers a query wrongly."""
    return {
        "silent": lambda packet: [],
        "rubbish": lambda packet: [RUBBISH[:200]],
        "empty": lambda packet: [b""],
        "echo": lambda packet: [packet],
        "wrong-id": lambda packet: [bytes(b ^ 0xFF for b in packet[:2]) + _dns(packet, _LOCAL)[2:]],
        "cut": lambda packet: [_dns(packet, _LOCAL)[:-2]],
        "name-in-a-circle": lambda packet: [
            packet[:2] + struct.pack(">HHHHH", 0x8180, 1, 1, 0, 0) + b"\xc0\x0c\0\1\0\1"
        ],
        "huge": lambda packet: [_dns(packet, (_A + b"\x0a\0\0\1") * 3000, count=3000)],
        "count-lies": lambda packet: [_dns(packet, _LOCAL, count=65535)],
        "truncated": lambda packet: [_dns(packet, b"", flags=0x8380, count=0)],
        "alias-of-itself": lambda packet: [_dns(packet, b"\xc0\x0c\0\5\0\1\0\0\0\x3c\0\2\xc0\x0c")],
        "address-of-3-bytes": lambda packet: [_dns(packet, b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\3\x7f\0\0")],
        "flood": lambda packet: [RUBBISH[:500]] * 2000,
        "refused": lambda packet: [_dns(packet, b"", flags=0x8185, count=0)],
        "unknown-code": lambda packet: [_dns(packet, b"", flags=0x818F, count=0)],
    }


def ntp_peers() -> dict[str, UdpPeer]:
    """By name: what answers a time request wrongly."""
    return {
        "rubbish": lambda packet: [RUBBISH[:48]],
        "short": lambda packet: [b"x"],
        "long": lambda packet: [RUBBISH * 20],
        "empty": lambda packet: [b""],
        "echo": lambda packet: [packet],
        "zero": lambda packet: [bytes(24) + packet[40:48] + bytes(16)],
        "far-future": lambda packet: [b"\x24\1\0\xec" + b"\x7f" * 12 + b"\xff" * 8 + packet[40:48] + b"\xff" * 16],
        "kiss-of-death": lambda packet: [b"\xe4\0\0\0" + bytes(8) + b"RATE" + bytes(8) + packet[40:48] + b"\xe0" * 16],
        "flood": lambda packet: [RUBBISH[:48]] * 2000,
    }


def leaves_alone() -> str:
    """An address where nobody listens: a port that was free a moment ago."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"
