"""The name server as dnspython's client and bare sockets see it."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
import time
from collections.abc import Callable

import dns.exception
import dns.flags
import dns.message
import dns.opcode
import dns.query
import dns.rcode
import dns.resolver
import pytest
from hypothesis import given
from hypothesis import strategies as st

from okxdoctor.exchange.net.dns import DnsAnswers, DnsServer

RECORDS = {"openapi.okx.test": ("127.0.0.1",), "both.okx.test": ("::1", "127.0.0.1", "127.0.0.2")}
Start = Callable[..., DnsServer]


@pytest.fixture
def start(start_server: Callable[[DnsServer], DnsServer]) -> Start:
    """Start name servers in a thread."""
    return lambda **answers: start_server(DnsServer(DnsAnswers(records=RECORDS, **answers)))


def ask(
    server: DnsServer,
    name: str,
    kind: str = "A",
    *,
    how: Callable[..., dns.message.Message] = dns.query.udp,
    timeout: float = 5,
) -> dns.message.Message:
    return how(dns.message.make_query(name, kind), server.host, port=server.port, timeout=timeout)


def addresses(message: dns.message.Message) -> list[str]:
    return [item.to_text() for rrset in message.answer for item in rrset]


@pytest.mark.parametrize("how", [dns.query.udp, dns.query.tcp])
def test_addresses_by_kind(start: Start, how: Callable[..., dns.message.Message]) -> None:
    server = start()
    assert addresses(ask(server, "openapi.okx.test", how=how)) == ["127.0.0.1"]
    # In any order: the encoder shuffles, as resolvers do.
    assert sorted(addresses(ask(server, "both.okx.test", how=how))) == ["127.0.0.1", "127.0.0.2"]
    assert addresses(ask(server, "both.okx.test", "AAAA", how=how)) == ["::1"]
    assert [each.transport for each in server.queries] == [how.__name__] * 3
    assert server.queries[2].name == "both.okx.test"
    assert server.queries[2].kind == "AAAA"


def test_name_without_that_kind_exists(start: Start) -> None:
    answer = ask(start(), "openapi.okx.test", "AAAA")
    assert (answer.rcode(), answer.answer) == (dns.rcode.NOERROR, [])


@pytest.mark.parametrize("name", ["www.okx.test", "okx.com", "."])
def test_unknown_name_does_not_exist(start: Start, name: str) -> None:
    assert ask(start(), name).rcode() == dns.rcode.NXDOMAIN


def test_case_of_a_name_is_kept_and_ignored(start: Start) -> None:
    answer = ask(start(), "OpenAPI.okx.TEST")
    assert answer.answer[0].name.to_text() == "OpenAPI.okx.TEST."
    assert addresses(answer) == ["127.0.0.1"]


def test_it_plays_a_recursive_resolver(start: Start) -> None:
    resolver = dns.resolver.Resolver(configure=False)
    server = start(ttl_s=17)
    resolver.nameservers, resolver.port = [server.host], server.port
    found = resolver.resolve("openapi.okx.test")
    assert found.response.flags & dns.flags.RA
    assert found.rrset is not None
    assert found.rrset.ttl == 17
    with pytest.raises(dns.resolver.NXDOMAIN):
        resolver.resolve("nowhere.okx.test")


def test_answer_in_octets(start: Start) -> None:
    """RFC 1035 §4.1 put together by hand, with an id and without any library."""
    server = start()
    question = b"\x07openapi\x03okx\x04test\x00\x00\x01\x00\x01"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(5)
        header = b"\xbe\xef\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
        sock.sendto(header + question, (server.host, server.port))
        answer = sock.recv(512)
    assert answer == (
        b"\xbe\xef\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00" + question
        + b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\x7f\x00\x00\x01"
    )  # fmt: skip


@pytest.mark.parametrize("how", [dns.query.udp, dns.query.tcp])
def test_silent(start: Start, how: Callable[..., dns.message.Message]) -> None:
    with pytest.raises(dns.exception.Timeout):
        ask(start(silent=True), "openapi.okx.test", how=how, timeout=0.2)


@pytest.mark.parametrize("code", ["SERVFAIL", "REFUSED", "NXDOMAIN"])
def test_refusal_of_one_name_and_of_all(start: Start, code: str) -> None:
    one = start(refusals={"openapi.okx.test": code})
    assert dns.rcode.to_text(ask(one, "openapi.okx.test").rcode()) == code
    assert addresses(ask(one, "both.okx.test"))
    every = start(refusals={"*": code})
    assert {dns.rcode.to_text(ask(every, name).rcode()) for name in (*RECORDS, "no.test")} == {code}


def test_delay_holds_each_answer_and_not_the_server(start: Start) -> None:
    server = start(delay_s=0.3)
    begun = time.monotonic()
    threads = [threading.Thread(target=ask, args=(server, "openapi.okx.test")) for _ in range(10)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert 0.29 <= time.monotonic() - begun < 2.5


def test_truncated_answer_is_whole_over_tcp(start: Start) -> None:
    server = start(truncate=True)
    cut = ask(server, "openapi.okx.test")
    assert cut.flags & dns.flags.TC
    assert cut.answer == []
    query = dns.message.make_query("openapi.okx.test", "A")
    answer, used_tcp = dns.query.udp_with_fallback(query, server.host, port=server.port, timeout=5)
    assert used_tcp
    assert addresses(answer) == ["127.0.0.1"]


def test_several_queries_on_one_connection(start: Start) -> None:
    server = start()
    with socket.create_connection((server.host, server.port), timeout=5) as sock:
        queries = [dns.message.make_query(name, "A") for name in RECORDS]
        wires = [query.to_wire() for query in queries]
        sock.sendall(b"".join(struct.pack("!H", len(wire)) + wire for wire in wires))
        for query in queries:
            answer, _ = dns.query.receive_tcp(sock, expiration=time.time() + 5)
            assert query.is_response(answer)


def test_answers_can_be_changed(start: Start) -> None:
    server = start()
    server.answers = DnsAnswers(records={"openapi.okx.test": ("127.66.6.6",)})
    assert addresses(ask(server, "openapi.okx.test")) == ["127.66.6.6"]


def test_only_plain_questions_are_understood(start: Start) -> None:
    server = start()
    update = dns.message.make_query("openapi.okx.test", "A")
    update.set_opcode(dns.opcode.NOTIFY)
    assert dns.query.udp(update, server.host, port=server.port, timeout=5).rcode() == dns.rcode.NOTIMP
    assert ask(server, "openapi.okx.test", "TXT").answer == []


@given(junk=st.binary(max_size=80))
def test_junk_gets_an_error_or_nothing(junk: bytes) -> None:
    server = DnsServer(DnsAnswers(records=RECORDS))
    answer = asyncio.run(server.respond(junk, "udp"))
    if answer is not None:
        assert answer[:2] == junk[:2]
        assert answer[2] & 0x80
        assert not junk[2] & 0x80, "an answer to an answer could go back and forth for ever"


def test_answer_to_an_answer_is_silence() -> None:
    server = DnsServer(DnsAnswers(records=RECORDS))
    query = dns.message.make_query("openapi.okx.test", "A")
    assert asyncio.run(server.respond(query.to_wire(), "udp")) is not None
    assert asyncio.run(server.respond(dns.message.make_response(query).to_wire(), "udp")) is None


def test_junk_does_not_stop_the_server(start: Start) -> None:
    server = start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for packet in (b"", b"\x00", b"\xff" * 11, b"\x12\x34" + b"\x00\x00" + b"\xff" * 200):
            sock.sendto(packet, (server.host, server.port))
    with socket.create_connection((server.host, server.port), timeout=5) as stream:
        stream.sendall(b"\x00\x05junk")
    assert addresses(ask(server, "openapi.okx.test")) == ["127.0.0.1"]


def test_port_is_one_for_udp_and_tcp_and_a_taken_one_is_refused(start: Start) -> None:
    taken = start()

    async def refused(port: int) -> None:
        server = DnsServer(DnsAnswers(records=RECORDS))
        with pytest.raises(OSError):
            await server.start(port)
        await server.close()

    asyncio.run(refused(taken.port))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))  # the number is free for TCP, and not for UDP
        asyncio.run(refused(other.getsockname()[1]))
