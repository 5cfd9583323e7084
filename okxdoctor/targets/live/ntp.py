"""Time servers, all asked at once: ntplib's packets over our own UDP sockets.

Where the kernel stamps arriving packets (SO_TIMESTAMPNS, Linux), its stamp is taken: then a busy event loop cannot
pass its own delay off as the distance of a clock.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

import ntplib

from okxdoctor.port import Instant, Lookup, NtpAnswer
from okxdoctor.targets.live.broken import kind_of

PORT = 123
SAMPLES = 2
"""Questions to each server; the one with the shortest round trip counts (RFC 5905 §10, clock filter)."""
AGAIN_S = 1.0
"""A question without an answer for so long is put once more: a packet was lost, or nobody is there."""

_SIZE = 48
_SERVER_MODE = 4
_UNIX_TO_NTP_S = 2_208_988_800  # RFC 5905 figure 4: 1970-01-01 in seconds since 1900
_ERA_S = 1 << 32
_SO_TIMESTAMPNS = 35 if sys.platform == "linux" else 0  # asm-generic/socket.h; the module has no name for it

Outcome = Literal["ok", "timeout", "unreachable", "name-not-found", "kiss", "unsynchronised", "bogus"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sample:
    """One answered question: when it left and came by the local clock, and the packet."""

    left_ns: int
    came_ns: int
    packet: bytes
    asked: bytes


async def ask_all(
    servers: tuple[tuple[str, int], ...],
    *,
    resolve: Callable[[str], Awaitable[Lookup]],
    clock: Callable[[], Instant],
    timeout_s: float,
) -> tuple[NtpAnswer, ...]:
    """One answer for each server, in their order. Total."""
    return tuple(
        await asyncio.gather(*(ask(server, resolve=resolve, clock=clock, timeout_s=timeout_s) for server in servers))
    )


async def ask(
    server: tuple[str, int],
    *,
    resolve: Callable[[str], Awaitable[Lookup]],
    clock: Callable[[], Instant],
    timeout_s: float,
) -> NtpAnswer:
    """One question to one server (host, port); lookup and all tries together take ``timeout_s`` at the most. Total:
    whatever goes wrong is an outcome."""
    host, port = server
    label = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    deadline = time.monotonic() + timeout_s
    found = await resolve(host)
    if not found.addresses:
        return NtpAnswer(server=label, address="", outcome="name-not-found")
    # NTP is mostly spoken over IPv4; a v6 address that leads nowhere must not cost the whole time.
    address = next((one for one in found.addresses if ":" not in one), found.addresses[0])
    answers: list[NtpAnswer] = []
    failure: Outcome = "timeout"
    waiting = _Waiting()
    try:
        with _asking(address, port) as udp:
            while len(answers) < SAMPLES and (left_s := deadline - time.monotonic()) > 0:
                waiting.put(udp, clock)
                try:
                    async with asyncio.timeout(min(AGAIN_S, left_s)):
                        sample = await waiting.answer(udp, clock)
                except TimeoutError:
                    if answers:
                        break  # one answer is enough to wait for no other
                    continue
                answers.append(judge(sample, server=label, address=address))
                if answers[-1].outcome != "ok":
                    break
    except OSError as error:
        failure = "timeout" if kind_of(error) == "timeout" else "unreachable"
    good = [answer for answer in answers if answer.outcome == "ok"]
    if good:
        return min(good, key=lambda answer: answer.delay_s)
    return answers[-1] if answers else NtpAnswer(server=label, address=address, outcome=failure)


def _asking(address: str, port: int) -> socket.socket:
    udp = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        udp.setblocking(False)
        if _SO_TIMESTAMPNS:
            try:
                udp.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
            except OSError:
                pass  # a kernel without it (gVisor): the loop's own reading has to do
        udp.connect((address, port))
    except BaseException:
        udp.close()
        raise
    return udp


class _Waiting:
    """The questions put to one server: an answer that comes late is that of the question that it names."""

    def __init__(self) -> None:
        self._put: dict[bytes, tuple[bytes, int]] = {}
        self._answered: set[bytes] = set()
        self._newest = b""

    def put(self, udp: socket.socket, clock: Callable[[], Instant]) -> None:
        asked, left_ns = question(clock().wall_ns)
        udp.send(asked)
        self._newest = asked[40:48]
        self._put[self._newest] = asked, left_ns

    async def answer(self, udp: socket.socket, clock: Callable[[], Instant]) -> _Sample:
        """The next packet that is no second copy of one before. The caller bounds the time."""
        while True:
            packet, came_ns = await _received(udp, clock)
            named = packet[24:32]
            if named in self._answered:
                continue
            asked, left_ns = self._put.get(named) or self._put[self._newest]
            self._answered.add(asked[40:48])
            return _Sample(left_ns=left_ns, came_ns=came_ns, packet=packet, asked=asked)


async def _received(udp: socket.socket, clock: Callable[[], Instant]) -> tuple[bytes, int]:
    """A packet, and when it came by the local clock."""
    loop = asyncio.get_running_loop()
    if not _SO_TIMESTAMPNS:
        return await loop.sock_recv(udp, 512), clock().wall_ns
    while True:
        readable = loop.create_future()
        loop.add_reader(udp, _wake, readable)
        try:
            await readable
        finally:
            loop.remove_reader(udp)
        try:
            packet, notes, _, _ = udp.recvmsg(512, 64)
        except BlockingIOError:
            continue
        return packet, clock().wall_ns - _age_ns(notes)


def _wake(readable: asyncio.Future[None]) -> None:
    if not readable.done():
        readable.set_result(None)


def _age_ns(notes: list[tuple[int, int, bytes]]) -> int:
    """How long ago the kernel took the packet in. A difference of real time, so that it fits any local clock."""
    for level, kind, data in notes:
        if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS and len(data) >= 16:
            seconds, nanoseconds = struct.unpack("@qq", data[:16])
            age_ns = time.time_ns() - (seconds * 1_000_000_000 + nanoseconds)
            # A step of the system clock between the two readings would make nonsense of it.
            return age_ns if 0 <= age_ns < 1_000_000_000 else 0
    return 0


def question(wall_ns: int) -> tuple[bytes, int]:
    """A client packet, and the local time that its transmit timestamp stands for.

    Its lowest bits are random, so that nobody who did not see the question can answer it; they are below a
    microsecond.
    """
    packet = ntplib.NTPPacket(version=4, mode=3, tx_timestamp=0).to_data()
    stamp = _to_ntp(wall_ns) & ~0xFFF | int.from_bytes(os.urandom(2), "big") & 0xFFF
    return packet[:40] + stamp.to_bytes(8, "big"), wall_ns


def judge(sample: _Sample, *, server: str, address: str) -> NtpAnswer:
    """What an answer is worth. ntplib reads it; what ntplib accepts and nobody should, is refused here."""
    packet = sample.packet
    bogus = NtpAnswer(server=server, address=address, outcome="bogus")
    if len(packet) < _SIZE:
        return bogus
    answer = ntplib.NTPPacket()
    try:
        answer.from_data(packet)
    except ntplib.NTPException:
        return bogus
    # The origin timestamp proves that this answers our question, bit for bit.
    if answer.mode != _SERVER_MODE or packet[24:32] != sample.asked[40:48]:
        return bogus
    seen = {"server": server, "address": address, "stratum": answer.stratum, "leap": answer.leap}
    if answer.stratum == 0:
        kiss = packet[12:16].decode("ascii", "replace").strip("\0 ")
        return NtpAnswer(outcome="kiss", kiss=kiss, **seen)
    transmitted = int.from_bytes(packet[40:48], "big")
    if answer.leap == 3 or answer.stratum >= 16 or not transmitted:
        return NtpAnswer(outcome="unsynchronised", **seen)
    # In integers of nanoseconds: at today's dates a float of seconds is half a microsecond coarse.
    arrived_ns = _from_ntp(int.from_bytes(packet[32:40], "big"), near_ns=sample.left_ns)
    answered_ns = _from_ntp(transmitted, near_ns=sample.left_ns)
    offset_ns = ((arrived_ns - sample.left_ns) + (answered_ns - sample.came_ns)) / 2
    delay_ns = (sample.came_ns - sample.left_ns) - (answered_ns - arrived_ns)
    return NtpAnswer(
        outcome="ok",
        offset_s=offset_ns / 1e9,
        delay_s=max(0.0, delay_ns / 1e9),
        root_delay_s=answer.root_delay,
        root_dispersion_s=answer.root_dispersion,
        **seen,
    )


def _to_ntp(wall_ns: int) -> int:
    """Nanoseconds since 1970 as 64 bits: 32 of seconds since 1900 (of the era), 32 of fraction."""
    return (((wall_ns << 32) // 1_000_000_000) + (_UNIX_TO_NTP_S << 32)) % (1 << 64)


def _from_ntp(stamp: int, *, near_ns: int) -> int:
    """The instant that a 64-bit timestamp means, in the era that lies nearest to ``near_ns`` (RFC 5905 §6)."""
    wall_ns = (((stamp - (_UNIX_TO_NTP_S << 32)) * 1_000_000_000) + (1 << 31)) >> 32
    era_ns = _ERA_S * 1_000_000_000
    return wall_ns + round((near_ns - wall_ns) / era_ns) * era_ns
