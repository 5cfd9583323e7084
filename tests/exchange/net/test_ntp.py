"""Time servers as ntplib's client sees them, and the packets against RFC 5905."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable
from fractions import Fraction

import ntplib
import pytest

from okxdoctor.exchange.net.ntp import NtpBehaviour, NtpServer, reply, timestamp

Start = Callable[..., NtpServer]


@pytest.fixture
def start(start_server: Callable[[NtpServer], NtpServer]) -> Start:
    """Start time servers in a thread."""

    def started(clock: Callable[[], float] = time.time, behaviour: NtpBehaviour | None = None) -> NtpServer:
        return start_server(NtpServer(clock, behaviour or NtpBehaviour()))

    return started


def ask(server: NtpServer, version: int = 4, timeout: float = 5) -> ntplib.NTPStats:
    return ntplib.NTPClient().request(server.host, version=version, port=server.port, timeout=timeout)


@pytest.mark.parametrize("version", [2, 3, 4])
def test_honest_server(start: Start, version: int) -> None:
    stats = ask(start(), version)
    assert abs(stats.offset) < 0.25
    assert (stats.mode, stats.version, stats.stratum, stats.leap) == (4, version, 2, 0)
    assert stats.ref_timestamp <= stats.recv_timestamp <= stats.tx_timestamp
    assert stats.root_delay < 0.01
    assert stats.root_dispersion < 0.01


def test_several_servers_tell_their_own_clocks(start: Start) -> None:
    ahead = start(lambda: time.time() - 45)
    servers = [start(), ahead, start(behaviour=NtpBehaviour(offset_s=3600))]
    assert [round(ask(each).offset) for each in servers] == [0, -45, 3600]
    ahead.behaviour = NtpBehaviour(offset_s=45)
    assert round(ask(ahead).offset) == 0


def test_silent_server(start: Start) -> None:
    with pytest.raises(ntplib.NTPException):
        ask(start(behaviour=NtpBehaviour(silent=True)), timeout=0.2)


def test_kiss_of_death(start: Start) -> None:
    stats = ask(start(behaviour=NtpBehaviour(kiss="RATE")))
    assert (stats.stratum, stats.leap, struct.pack("!I", stats.ref_id)) == (0, 3, b"RATE")


@pytest.mark.parametrize(("stratum", "leap"), [(16, 0), (16, 3), (2, 3), (1, 0)])
def test_unsynchronized_server_says_so(start: Start, stratum: int, leap: int) -> None:
    stats = ask(start(behaviour=NtpBehaviour(stratum=stratum, leap=leap)))
    assert (stats.stratum, stats.leap) == (stratum, leap)


def test_way_to_the_server_takes_its_time_and_does_not_shift_the_clock(start: Start) -> None:
    stats = ask(start(behaviour=NtpBehaviour(round_trip_s=0.1)))
    assert stats.delay >= 0.099
    assert abs(stats.offset) < stats.delay / 2


def request(origin: int, *, version: int = 4, mode: int = 3, poll: int = 6) -> bytes:
    return struct.pack("!BBbbIIIQQQQ", version << 3 | mode, 0, poll, 0, 0, 0, 0, 0, 0, 0, origin)


def test_origin_is_what_the_client_sent() -> None:
    packet = reply(request(0xDEADBEEF_12345678), lambda: 0.0)
    assert packet is not None
    assert struct.unpack_from("!Q", packet, 24) == (0xDEADBEEF_12345678,)
    forged = reply(request(0xDEADBEEF_12345678), lambda: 0.0, NtpBehaviour(wrong_origin=True))
    assert forged is not None
    assert struct.unpack_from("!Q", forged, 24) != (0xDEADBEEF_12345678,)


STRAY = [b"", b"x" * 47, *(request(1, mode=mode) for mode in (4, 6, 7)), *(request(1, version=v) for v in (0, 5))]


@pytest.mark.parametrize("packet", STRAY)
def test_only_clients_are_answered(packet: bytes) -> None:
    assert reply(packet, lambda: 0.0) is None


def test_stray_packets_do_not_stop_the_server(start: Start) -> None:
    server = start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for packet in (b"", b"x" * 47, b"\xff" * 1400):
            sock.sendto(packet, (server.host, server.port))
    assert abs(ask(server).offset) < 0.25


def test_timestamps() -> None:
    # RFC 5905 §6, figure 4: the first day of Unix is 2,208,988,800 s in era 0; era 1 begins on 2036-02-07 06:28:16 UTC.
    assert timestamp(0.0) == 2_208_988_800 << 32
    assert timestamp(0.5) == (2_208_988_800 << 32) + 2**31
    assert timestamp(2_085_978_496.0) == 0
    assert timestamp(2_085_978_497.25) == (1 << 32) + 2**30


@pytest.mark.parametrize("unix_s", [1_795_365_000.123456, 1.9999999, 1_600_000_000.0, 0.1])
def test_timestamp_is_exact(unix_s: float) -> None:
    exact = (Fraction(unix_s) + 2_208_988_800) * 2**32
    assert timestamp(unix_s) == int(exact)
