"""A long line between the two hosts: what a wire does to packets that no packet filter can do.

Runs on the far host as a program: two TUN devices, one of them moved to the near host, and this process between them.
Each direction (``up`` leads to the exchange, ``down`` to the user) delays, loses, doubles, reorders, queues at a rate,
and has an MTU with or without the ICMP that tells of it; ``cuts`` end single connections as middleboxes do. Seeded.

    python -S lab_line.py NEAR FAR '{"down": {"delay_ms": 125, "jitter_ms": 20}, "cuts": [{"after_bytes": 5000}]}'

Prints one line when it carries.
"""

from __future__ import annotations

import fcntl
import heapq
import json
import os
import random
import selectors
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
TCP, FIN, SYN, RST, PSH, ACK = 6, 1, 2, 4, 8, 16
LONGEST_QUEUE_S = 2.0
"""What waits longer for its turn at the line's rate is dropped, as a router's buffer does."""


class Packet:
    """The parts of an IP packet that a middlebox looks at; ``flow`` is None where it is no TCP."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        six = raw[0] >> 4 == 6
        self.four = not six
        head = 40 if six else (raw[0] & 15) * 4
        proto = raw[6] if six else raw[9]
        self.whole = six or raw[6] & 0x40 != 0  # DF: nobody on the way may break it up
        self.source, self.target = (raw[8:24], raw[24:40]) if six else (raw[12:16], raw[16:20])
        self.flow: tuple[bytes, int, bytes, int] | None = None
        self.payload = b""
        if proto == TCP and len(raw) >= head + 20:
            self.sport, self.dport, self.seq, self.ack = struct.unpack("!HHII", raw[head : head + 12])
            self.flags = raw[head + 13]
            self.payload = raw[head + (raw[head + 12] >> 4) * 4 :]
            self.flow = (self.source, self.sport, self.target, self.dport)


class Way:
    """One direction."""

    def __init__(self, device: int, back: int, seed: int, **asked: Any) -> None:
        self.device, self.back = device, back
        self.chance = random.Random(seed)
        self.free_at = 0.0
        self.delay_ms: float = asked.pop("delay_ms", 0.0)
        self.jitter_ms: float = asked.pop("jitter_ms", 0.0)
        self.loss: float = asked.pop("loss", 0.0)
        self.twice: float = asked.pop("twice", 0.0)
        self.late: float = asked.pop("late", 0.0)
        """The part of the packets that comes ``late_ms`` after its turn."""
        self.late_ms: float = asked.pop("late_ms", 10.0)
        self.kbit: float = asked.pop("kbit", 0.0)
        self.mtu: int = asked.pop("mtu", 0)
        self.tells: bool = asked.pop("tells", True)
        """Whether a packet over the MTU is answered by ICMP, or only dropped."""
        self.away: list[list[float]] = asked.pop("away", [])
        """[from, to] in seconds after the first packet: nothing passes."""
        self.away_each: list[float] = asked.pop("away_each", [])
        """[period, length] in seconds: nothing passes at the beginning of each period."""
        if asked:
            raise SystemExit(f"unknown: {', '.join(asked)}")

    def times(self, packet: Packet, now: float, age: float) -> Iterator[float]:
        """When the packet leaves the line: once, twice, or never."""
        if any(begin <= age < end for begin, end in self.away):
            return
        if self.away_each and age % self.away_each[0] < self.away_each[1]:
            return
        if self.mtu and len(packet.raw) > self.mtu:
            if self.tells and packet.four and packet.whole:
                os.write(self.back, too_big(packet, self.mtu))
            return
        if self.chance.random() < self.loss:
            return
        if self.kbit:
            self.free_at = max(now, self.free_at)
            if self.free_at - now > LONGEST_QUEUE_S:
                return
            self.free_at += len(packet.raw) * 8 / (self.kbit * 1000)
            now = self.free_at
        for _ in range(2 if self.chance.random() < self.twice else 1):
            # Jitter alone keeps the order no more than a real line with parallel ways does.
            late_ms = self.late_ms if self.chance.random() < self.late else 0.0
            yield now + (self.delay_ms + self.chance.uniform(0.0, self.jitter_ms) + late_ms) / 1000


class Cut:
    """A middlebox that ends connections: after so many bytes of payload, so long, or so long an idleness."""

    def __init__(self, **asked: Any) -> None:
        self.after_bytes: int | None = asked.pop("after_bytes", None)
        self.after_s: float | None = asked.pop("after_s", None)
        self.after_idle_s: float | None = asked.pop("after_idle_s", None)
        self.direction: str = asked.pop("direction", "both")
        """Whose bytes count, and who is not heard any more: up, down or both."""
        self.how: str = asked.pop("how", "silence")
        self.containing: bytes = asked.pop("containing", "").encode()
        """Only connections that carried this text."""
        self.address: str = asked.pop("address", "")
        if asked:
            raise SystemExit(f"unknown: {', '.join(asked)}")
        self.flows: dict[tuple[bytes, int, bytes, int], dict[str, Any]] = {}

    def passes(self, packet: Packet, up: bool, now: float) -> bool:
        """Whether the packet does; if not, it vanishes."""
        if packet.flow is None:
            return True
        a, b, c, d = packet.flow
        key = packet.flow if up else (c, d, a, b)
        if self.address and ".".join(map(str, key[2])) != self.address:
            return True
        flow = self.flows.get(key)
        if flow is None or (packet.flags & SYN and not packet.flags & ACK):
            flow = self.flows[key] = {
                "since": now,
                "last": now,
                "bytes": 0,
                "named": not self.containing,
                "dead": False,
            }
        if self.containing and self.containing in packet.payload:
            flow["named"] = True
        counts = self.direction in ("both", "up" if up else "down")
        if not flow["dead"] and flow["named"]:
            if counts:
                flow["bytes"] += len(packet.payload)
            flow["dead"] = (
                (self.after_bytes is not None and flow["bytes"] > self.after_bytes)
                or (self.after_s is not None and now - flow["since"] > self.after_s)
                or (self.after_idle_s is not None and now - flow["last"] > self.after_idle_s)
            )
        flow["last"] = now
        return not flow["dead"] or not counts


def resets(packet: Packet) -> tuple[bytes, bytes]:
    """What its sender, and whom it was meant for, get in its place: each a RST as from the other end."""
    length = len(packet.payload) + bool(packet.flags & SYN) + bool(packet.flags & FIN)
    back = packet.target, packet.dport, packet.source, packet.sport, packet.ack, packet.seq + length
    on = packet.source, packet.sport, packet.target, packet.dport, packet.seq, packet.ack
    return rst(*back), rst(*on)


def rst(source: bytes, sport: int, target: bytes, dport: int, seq: int, ack: int) -> bytes:
    head = struct.pack("!HHIIBB", sport, dport, seq, ack & 0xFFFFFFFF, 5 << 4, RST | ACK) + b"\0" * 6
    pseudo = source + target + struct.pack("!BBH", 0, TCP, len(head))
    return ip(source, target, TCP, head[:16] + struct.pack("!H", checksum(pseudo + head)) + head[18:])


def too_big(packet: Packet, mtu: int) -> bytes:
    """ICMP "fragmentation needed" (RFC 1191) from the place that the packet was meant for."""
    body = struct.pack("!BBHHH", 3, 4, 0, 0, mtu) + packet.raw[:28]
    return ip(packet.target, packet.source, 1, body[:2] + struct.pack("!H", checksum(body)) + body[4:])


def ip(source: bytes, target: bytes, proto: int, body: bytes) -> bytes:
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(body), 0, 0x4000, 64, proto, 0, source, target)
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + body


def checksum(data: bytes) -> int:
    words: tuple[int, ...] = struct.unpack(f"!{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2))
    total = sum(words)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def tun(name: str) -> int:
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    return device


def carry(far: int, near: int, spec: dict[str, Any]) -> None:
    seed = spec.pop("seed", 1)
    up, down = Way(far, near, seed, **spec.pop("up", {})), Way(near, far, seed + 1, **spec.pop("down", {}))
    cuts = [Cut(**one) for one in spec.pop("cuts", [])]
    if spec:
        raise SystemExit(f"unknown: {', '.join(spec)}")
    waiting: list[tuple[float, int, int, bytes]] = []
    number, began = 0, 0.0
    ready = selectors.DefaultSelector()
    ready.register(near, selectors.EVENT_READ, up)
    ready.register(far, selectors.EVENT_READ, down)
    while True:
        left = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
        for found, _ in ready.select(left):
            way, device = found.data, int(found.fd)
            for _ in range(64):
                try:
                    packet = Packet(os.read(device, 65536))
                except BlockingIOError:
                    break
                now = time.monotonic()
                began = began or now
                ended = [cut for cut in cuts if not cut.passes(packet, way is up, now)]
                if any(cut.how == "reset" for cut in ended) and packet.four and not packet.flags & RST:
                    # Not before what came before: a reset that overtakes data is not believed (RFC 5961).
                    for answer, end in zip(resets(packet), (device, way.device), strict=True):
                        number += 1
                        heapq.heappush(waiting, (now, number, end, answer))
                if ended:
                    continue
                for due in way.times(packet, now, now - began):
                    number += 1
                    heapq.heappush(waiting, (due, number, way.device, packet.raw))
        now = time.monotonic()
        while waiting and waiting[0][0] <= now:
            _, _, device, raw = heapq.heappop(waiting)
            try:
                os.write(device, raw)
            except OSError:
                pass  # the host behind it takes no more: a full queue drops as well


def main(near: str, far: str, spec: str) -> None:
    ends = tun("line"), tun("lineN")
    subprocess.run(["ip", "-n", far, "link", "set", "lineN", "netns", near, "name", "line"], check=True)
    for host in (near, far):
        subprocess.run(["ip", "-n", host, "link", "set", "line", "up"], check=True)
    print("carries", flush=True)
    carry(*ends, json.loads(spec))


if __name__ == "__main__":
    main(*sys.argv[1:])
