"""Time servers on loopback, their packets written by hand from RFC 5905 figure 8."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import struct
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from okxdoctor.port import Instant, Lookup
from okxdoctor.targets.config import read_clocks
from okxdoctor.targets.live import ntp

EPOCH = 2_208_988_800


def stamp(wall_ns: int) -> bytes:
    seconds, nanoseconds = divmod(wall_ns, 1_000_000_000)
    return struct.pack(">II", (seconds + EPOCH) % 2**32, (nanoseconds << 32) // 1_000_000_000)


def packet(
    question: bytes, *, ahead_ns: int = 0, leap: int = 0, mode: int = 4, stratum: int = 2, ref: bytes = b"GPS\0",
    origin: bytes | None = None,
) -> bytes:  # fmt: skip
    now = time.time_ns() + ahead_ns
    head = (
        struct.pack(">BBbb", leap << 6 | 4 << 3 | mode, stratum, 6, -20)
        + struct.pack(">II", 0x0000_8000, 0x0000_4000)
        + ref
    )
    return (
        head
        + stamp(now)
        + (question[40:48] if origin is None else origin)
        + stamp(now)
        + stamp(time.time_ns() + ahead_ns)
    )


@contextlib.asynccontextmanager
async def server(behave: Callable[[bytes], bytes | None]) -> AsyncIterator[tuple[str, int]]:
    class Server(asyncio.DatagramProtocol):
        def connection_made(self, transport: Any) -> None:
            self.transport = transport

        def datagram_received(self, data: bytes, addr: Any) -> None:
            answer = behave(data)
            if answer is not None:
                self.transport.sendto(answer, addr)

    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(Server, local_addr=("127.0.0.1", 0))
    try:
        yield transport.get_extra_info("sockname")
    finally:
        transport.close()


async def literal(name: str) -> Lookup:
    try:
        return Lookup(name=name, resolver="system", outcome="ok", addresses=(str(ipaddress.ip_address(name)),))
    except ValueError:
        return Lookup(name=name, resolver="system", outcome="nxdomain")


def ask(behave: Callable[[bytes], bytes | None], *, timeout_s: float = 2.0, clock: Any = read_clocks) -> Any:
    async def main() -> Any:
        async with server(behave) as place:
            return await ntp.ask(place, resolve=literal, clock=clock, timeout_s=timeout_s)

    return asyncio.run(main())


@pytest.mark.parametrize("ahead_s", [0, 45, -0.25, 1e6])
def test_the_offset_is_server_minus_local(ahead_s: float) -> None:
    seen = ask(lambda question: packet(question, ahead_ns=round(ahead_s * 1e9)))
    assert seen.outcome == "ok"
    assert seen.offset_s == pytest.approx(ahead_s, abs=0.05)
    assert abs(seen.offset_s - ahead_s) <= seen.delay_s / 2 + 0.001
    assert 0 <= seen.delay_s < 1
    assert (seen.stratum, seen.leap, seen.root_delay_s, seen.root_dispersion_s) == (2, 0, 0.5, 0.25)


def test_a_busy_loop_does_not_pass_for_a_distance(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel's stamp counts, where there is one: 100 ms of other work after the arrival change nothing."""
    if not ntp._SO_TIMESTAMPNS:
        pytest.skip("this system does not stamp packets")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.setsockopt(socket.SOL_SOCKET, ntp._SO_TIMESTAMPNS, 1)
        except OSError:
            pytest.skip("this kernel does not stamp packets")
        probe.bind(("127.0.0.1", 0))
        probe.sendto(b"x", probe.getsockname())
        if not probe.recvmsg(10, 64)[1]:
            pytest.skip("this kernel does not stamp packets")

    def slow(question: bytes) -> bytes:
        asyncio.get_running_loop().call_soon(time.sleep, 0.1)
        return packet(question)

    seen = ask(slow)
    assert seen.delay_s < 0.09
    assert abs(seen.offset_s) < 0.045


def test_the_clock_of_the_target_is_measured_and_not_the_machine_s() -> None:
    def ahead() -> Instant:
        now = read_clocks()
        return Instant(wall_ns=now.wall_ns + 45_000_000_000, mono_ns=now.mono_ns)

    seen = ask(packet, clock=ahead)
    assert seen.offset_s == pytest.approx(-45, abs=0.05)


@pytest.mark.parametrize(
    ("behave", "outcome"),
    [
        (lambda q: packet(q, stratum=0, ref=b"RATE"), "kiss"),
        (lambda q: packet(q, stratum=16), "unsynchronised"),
        (lambda q: packet(q, leap=3), "unsynchronised"),
        (lambda q: packet(q)[:40] + bytes(8), "unsynchronised"),
        (lambda q: packet(q, origin=bytes(8)), "bogus"),
        (lambda q: packet(q, origin=q[40:47] + bytes([q[47] ^ 1])), "bogus"),
        (lambda q: packet(q, mode=3), "bogus"),
        (lambda q: packet(q, mode=5), "bogus"),
        (lambda q: q, "bogus"),
        (lambda q: b"short", "bogus"),
        (lambda q: None, "timeout"),
    ],
)
def test_answers_that_nobody_should_set_a_clock_by(behave: Any, outcome: str) -> None:
    started = time.monotonic()
    seen = ask(behave, timeout_s=0.4)
    assert seen.outcome == outcome
    assert seen.kiss == ("RATE" if outcome == "kiss" else "")
    assert seen.offset_s == 0.0
    assert time.monotonic() - started < 3


def test_the_shorter_of_two_round_trips_counts_and_one_lost_is_enough() -> None:
    answers = 0

    def second_only_slow(question: bytes) -> bytes | None:
        nonlocal answers
        answers += 1
        if answers == 2:
            time.sleep(0.05)
        return packet(question)

    seen = ask(second_only_slow)
    assert seen.outcome == "ok"
    assert seen.delay_s < 0.05

    answers = 10

    def first_only(question: bytes) -> bytes | None:
        nonlocal answers
        answers += 1
        return packet(question) if answers == 11 else None

    assert ask(first_only, timeout_s=0.5).outcome == "ok"


@pytest.mark.parametrize("late", [False, True])
def test_a_question_without_an_answer_is_put_again(monkeypatch: pytest.MonkeyPatch, late: bool) -> None:
    """Lost, or answered only after the next one was put: then by the question that the answer names."""
    monkeypatch.setattr(ntp, "AGAIN_S", 0.05)
    first: list[bytes] = []

    def behave(question: bytes) -> bytes | None:
        if not first:
            first.append(question)
            return None
        return packet(first[0] if late else question)

    started = time.monotonic()
    found = ask(behave, timeout_s=4.0)
    assert time.monotonic() - started < 2.0
    assert found.outcome == "ok"
    assert (found.delay_s > 0.04) == late
    assert abs(found.offset_s) < 0.05


def test_a_packet_that_comes_twice_answers_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a line that doubles packets has it: the copy is not taken for a forged answer to the second question."""

    async def main() -> Any:
        seen: list[bytes] = []

        class Twice(asyncio.DatagramProtocol):
            def connection_made(self, transport: Any) -> None:
                self.transport = transport

            def datagram_received(self, data: bytes, addr: Any) -> None:
                seen.append(data)
                for _ in range(2):
                    self.transport.sendto(packet(data), addr)

        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(Twice, local_addr=("127.0.0.1", 0))
        try:
            await ntp.ask(transport.get_extra_info("sockname"), resolve=literal, clock=read_clocks, timeout_s=2.0)
        finally:
            transport.close()
        return len(seen)

    judged: list[str] = []
    judge = ntp.judge

    def kept(*asked: Any, **more: Any) -> Any:
        found = judge(*asked, **more)
        judged.append(found.outcome)
        return found

    monkeypatch.setattr(ntp, "judge", kept)
    assert asyncio.run(main()) == 2
    assert judged == ["ok", "ok"]


def test_several_servers_are_asked_at_once_and_told_in_order(stage: Any) -> None:
    async def main() -> Any:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(("127.0.0.1", 0))
            closed = free.getsockname()
        async with server(packet) as good, server(lambda question: None) as silent:
            servers = (silent, good, closed, ("nowhere.test", 123))
            async with stage.target(
                1, ntp_servers=servers, dns_servers=(("127.0.0.1", closed[1]),), timeout_s=0.5
            ) as target:
                started = time.monotonic()
                one, two = await asyncio.gather(target.ntp(), target.ntp())
                assert one is two
                return one, time.monotonic() - started

    answers, took_s = asyncio.run(main())
    assert [answer.outcome for answer in answers] == ["timeout", "ok", "unreachable", "name-not-found"]
    assert all(answer.server.rpartition(":")[2].isdigit() for answer in answers)
    assert took_s < 3


@pytest.mark.parametrize(
    "wall_ns",
    [
        0,
        1,
        999_999_999,
        1_790_000_000_123_456_789,
        2_085_978_495_999_999_999,
        2_085_978_496_000_000_001,
        4_000_000_000_000_000_000,
    ],
)
def test_timestamps_keep_their_nanoseconds_and_their_era(wall_ns: int) -> None:
    there = ntp._from_ntp(ntp._to_ntp(wall_ns), near_ns=wall_ns + 3_600_000_000_000)
    assert abs(there - wall_ns) <= 1


def test_two_questions_in_the_same_nanosecond_differ() -> None:
    one, two = ntp.question(1_790_000_000_000_000_000)[0], ntp.question(1_790_000_000_000_000_000)[0]
    assert one[:40] == two[:40]
    assert one[0] == 0b00_100_011, "no leap, version 4, client"
    assert len({ntp.question(0)[0] for _ in range(50)}) > 40
