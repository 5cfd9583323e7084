"""The whole edge: plans carried out, switched under load, and nothing left behind."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import socket
import ssl
import threading
import time
from typing import Any
from urllib.parse import urlsplit

import dns.exception
import dns.message
import dns.query
import dns.rcode
import ntplib
import pytest

from okxdoctor.exchange.faults.model import Injected
from okxdoctor.exchange.net.delay import Distance
from okxdoctor.exchange.net.edge import Edge
from okxdoctor.exchange.net.faults import FAULTS
from okxdoctor.exchange.net.plan import CONTROL_NAME, net_plan

REST = "openapi.okx.test"


def resolve(server: Any, name: str = REST, kind: str = "A", timeout: float = 5) -> list[str]:
    answer = dns.query.udp(dns.message.make_query(name, kind), server.host, port=server.port, timeout=timeout)
    if answer.rcode() != dns.rcode.NOERROR:
        return [dns.rcode.to_text(answer.rcode())]
    return [item.to_text() for rrset in answer.answer for item in rrset]


def connect(address: str, port: int, timeout: float = 5) -> None:
    socket.create_connection((address, port), timeout=timeout).close()


def test_healthy(world: Any) -> None:
    edge = world.edge
    for server in (edge.program_dns, edge.independent_dns):
        assert resolve(server) == ["127.0.0.1"]
        assert resolve(server, kind="AAAA") == []
        assert resolve(server, CONTROL_NAME) == ["127.0.0.1"]
        assert resolve(server, "nowhere.test") == ["NXDOMAIN"]
    for server in edge.ntp:
        assert abs(ntplib.NTPClient().request(server.host, port=server.port).offset) < 0.25
    assert len({server.port for server in edge.ntp}) == 3


@pytest.mark.parametrize(("how", "said"), [("servfail", ["SERVFAIL"]), ("refused", ["REFUSED"])])
def test_resolver_that_fails(world: Any, how: str, said: list[str]) -> None:
    world.inject(f"dns-resolver-down={how}")
    assert resolve(world.edge.program_dns) == resolve(world.edge.program_dns, CONTROL_NAME) == said
    assert resolve(world.edge.independent_dns) == ["127.0.0.1"]


def test_resolver_that_is_silent(world: Any) -> None:
    world.inject("dns-resolver-down")
    for name in (REST, CONTROL_NAME):
        with pytest.raises(dns.exception.Timeout):
            resolve(world.edge.program_dns, name, timeout=0.2)
    assert resolve(world.edge.independent_dns) == ["127.0.0.1"]


def test_poisoned_name_leads_to_nobody(world: Any) -> None:
    world.inject("dns-poisoned")
    (address,) = resolve(world.edge.program_dns)
    with pytest.raises(OSError):
        connect(address, world.port, timeout=0.5)
    connect(*resolve(world.edge.independent_dns), world.port)


def test_unreachable_name(world: Any) -> None:
    world.inject("tcp-unreachable")
    assert resolve(world.edge.program_dns) == resolve(world.edge.independent_dns)
    with pytest.raises(OSError):
        connect(*resolve(world.edge.program_dns), world.port, timeout=0.5)


def test_nobody_is_at_the_ipv6_address(world: Any) -> None:
    world.inject("tcp-ipv6-broken")
    (v6,) = resolve(world.edge.program_dns, kind="AAAA")
    with pytest.raises(OSError):
        connect(v6, world.port, timeout=0.5)
    connect(*resolve(world.edge.program_dns), world.port)


def test_number_is_held_at_the_ipv6_address_too(world: Any) -> None:
    with socket.socket(socket.AF_INET6) as other:
        try:
            other.bind(("::1", 0))
        except OSError:
            pytest.skip("no IPv6 on this machine")
    with socket.socket(socket.AF_INET6) as other, pytest.raises(OSError):
        other.bind(("::1", world.port))


def test_ports_refused_and_filtered_in_turn(world: Any) -> None:
    for _ in range(2):
        world.inject("tcp-refused")
        with pytest.raises(ConnectionRefusedError):
            connect("127.0.0.1", world.port)
        world.inject("tcp-filtered")
        with pytest.raises(TimeoutError):
            connect("127.0.0.1", world.port, timeout=0.2)
        world.inject()
        assert world.get()


def test_legacy_port_is_closed(world: Any) -> None:
    with pytest.raises(ConnectionRefusedError):
        connect("127.0.0.1", world.edge.legacy_port.port)


def test_time_servers_fall_silent(world: Any) -> None:
    world.inject("clock-ntp-unreachable")
    for server in world.edge.ntp:
        with pytest.raises(ntplib.NTPException):
            ntplib.NTPClient().request(server.host, port=server.port, timeout=0.1)


def test_switching_refuses_nobody(world: Any) -> None:
    """While plans change, every connection to the open port is taken, and served by the one plan or the other."""
    outcomes: list[str] = []
    stop = threading.Event()

    def hammer() -> None:
        while not stop.is_set():
            try:
                world.get()
                outcomes.append("served")
            except ssl.SSLCertVerificationError as error:
                outcomes.append(f"code {error.verify_code}")
            except ConnectionError as error:
                outcomes.append(type(error).__name__)

    thread = threading.Thread(target=hammer)
    thread.start()
    try:
        for _ in range(10):
            world.inject("tls-expired")
            world.run(asyncio.sleep(0.01))
            world.inject("tls-handshake-reset")
            world.run(asyncio.sleep(0.01))
            world.inject()
            world.run(asyncio.sleep(0.01))
    finally:
        stop.set()
        thread.join(10)
    assert set(outcomes) == {"served", "code 10", "ConnectionResetError"}


def test_distance_is_there_for_names_times_and_connections(world: Any) -> None:
    def took(do: Any, *arguments: Any, **options: Any) -> float:
        begun = time.monotonic()
        do(*arguments, **options)
        return time.monotonic() - begun

    edge = world.edge
    world.run(edge.apply(net_plan((), names=[REST], distance=Distance(one_way_s=0.05))))
    assert 0.099 <= took(resolve, edge.program_dns) < 0.9
    assert 0.099 <= took(ntplib.NTPClient().request, edge.ntp[0].host, port=edge.ntp[0].port) < 0.9
    # TCP, TLS 1.3 and one request: a round trip each
    assert 0.298 <= took(world.get) < 2
    world.inject("tls-expired")
    assert took(resolve, edge.program_dns) < 0.09
    with pytest.raises(ssl.SSLCertVerificationError):
        world.get()


def test_faults_are_as_far_away_as_the_rest(world: Any) -> None:
    on = [Injected(fault=fault, value=fault.default) for fault in FAULTS if fault.name == "tls-handshake-reset"]
    world.run(world.edge.apply(net_plan(on, names=[REST], distance=Distance(one_way_s=0.025))))
    begun = time.monotonic()
    with pytest.raises((ConnectionResetError, ssl.SSLEOFError)):
        world.get()
    assert time.monotonic() - begun >= 0.099


def test_stranger_at_the_issuers_port_disturbs_nobody(world: Any) -> None:
    port = urlsplit(world.edge.authority.aia_url).port
    for said in (b"", b"GET /", b"\x16\x03" * 50_000):
        with socket.create_connection(("127.0.0.1", port), timeout=5) as sock, contextlib.suppress(OSError):
            sock.sendall(said)
    gc.collect()  # a task whose exception nobody took would say so now
    world.inject("tls-incomplete-chain")


def test_connection_that_is_open_outlives_a_plan(world: Any) -> None:
    context = world.context()
    with (
        socket.create_connection(("127.0.0.1", world.port), timeout=5) as raw,
        context.wrap_socket(raw, server_hostname=REST) as sock,
    ):
        world.inject("tcp-refused", "tls-expired")
        sock.sendall(b"GET / HTTP/1.1\r\nHost: old.friend\r\n\r\n")
        assert b"hello from old.friend" in sock.recv(1000)


def open_files() -> set[str]:
    return set(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else set()


def test_closing_leaves_nothing() -> None:
    """No socket and no task; whatever plan was on and whoever was connected."""

    async def scenario(*names: str) -> None:
        before = open_files()
        edge = Edge(names=[REST])
        await edge.start()
        port = await edge.tls_port(protocol_factory=asyncio.Protocol, names=[REST])
        on = [Injected(fault=fault, value=fault.default) for fault in FAULTS if fault.name in names]
        await edge.apply(net_plan(on, names=[REST]))
        ports = edge.program_dns.port, port.port, int(edge.proxy_url.rpartition(":")[2])
        clients = [socket.socket() for _ in ports]
        for sock, number in zip(clients, ports, strict=True):
            sock.setblocking(False)
            sock.connect_ex(("127.0.0.1", number))
        await asyncio.sleep(0.01)
        await edge.close()
        assert asyncio.all_tasks() == {asyncio.current_task()}
        for sock in clients:
            sock.close()
        assert open_files() == before

    for names in ((), ("tcp-refused",), ("tcp-filtered", "proxy-unreachable"), ("tls-not-tls", "dns-slow")):
        asyncio.run(scenario(*names))


def test_closing_after_a_start_that_failed() -> None:
    async def scenario() -> None:
        edge = Edge(names=[REST])
        with socket.create_server(("127.0.0.1", 0)) as taken:
            with pytest.raises(OSError):
                await edge.tls_port(protocol_factory=asyncio.Protocol, names=[REST], port=taken.getsockname()[1])
            await edge.close()

    asyncio.run(scenario())


def test_clock_of_the_time_servers_is_the_given_one() -> None:
    async def scenario() -> float:
        edge = Edge(names=[REST], clock=lambda: 1_000_000_000.0)
        await edge.start()
        server = edge.ntp[0]
        stats = await asyncio.to_thread(ntplib.NTPClient().request, server.host, port=server.port)
        await edge.close()
        return float(stats.tx_time)

    assert asyncio.run(scenario()) == pytest.approx(1_000_000_000.0, abs=1e-6)
