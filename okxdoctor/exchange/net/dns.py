"""A name server on loopback, UDP and TCP on one port, whose answers are a value that can be swapped.

It plays the recursive resolver that a machine is configured with: it answers A and AAAA from its own records
and knows nothing else (NXDOMAIN), so that no query ever leaves the machine.  The exchange runs two of them,
the program's resolver and an independent one, so that a disagreement between the two is a real one.
"""

from __future__ import annotations

import asyncio
import struct
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast

import dns.exception
import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from okxdoctor.exchange.net.service import StreamService, netloc

Refusal = Literal["SERVFAIL", "REFUSED", "NXDOMAIN"]

_HEADER_SIZE = 12
_PORT_ATTEMPTS = 20
_TCP_IDLE_S = 10.0
_LOG_SIZE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsAnswers:
    """What a name server says.

    ``records``   name (lower case, no final dot) → IPv4 and IPv6 addresses; a name that is not here does not exist
    ``refusals``  name → response code instead of an answer; the key ``*`` stands for every name
    ``silent``    no answer to anything, over UDP or TCP
    ``silent_tcp``  no answer over TCP
    ``delay_s``   seconds before each answer
    ``aaaa_delay_s``  seconds more before each answer to a question for IPv6 addresses
    ``truncate``  UDP answers are empty with TC set: the client has to come back over TCP
    ``garble``    answers belong to no question: another id, as of a sender who guesses
    ``lose_first``  the first packet of each question over UDP is lost; who asks again is answered
    ``ttl_s``     time to live of each record, seconds
    """

    records: Mapping[str, tuple[str, ...]]
    refusals: Mapping[str, Refusal] = field(default_factory=dict)
    silent: bool = False
    silent_tcp: bool = False
    delay_s: float = 0.0
    aaaa_delay_s: float = 0.0
    truncate: bool = False
    garble: bool = False
    lose_first: bool = False
    ttl_s: int = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsQuery:
    """One question that arrived."""

    name: str
    kind: str
    transport: Literal["udp", "tcp"]


class DnsServer:
    """Serve ``answers`` (replace the attribute to change them) on ``host``; UDP and TCP share the port number."""

    def __init__(self, answers: DnsAnswers, *, host: str = "127.0.0.1") -> None:
        self.answers = answers
        self.choose: Callable[[], DnsAnswers | None] = lambda: None
        """Asked at each query: the answers for this one alone, None for those of always."""
        self.host = host
        self.port = 0
        self.queries: deque[DnsQuery] = deque(maxlen=_LOG_SIZE)
        self._datagrams: asyncio.DatagramTransport | None = None
        self._streams = StreamService(self._serve_stream)
        self._pending: set[asyncio.Task[None]] = set()
        self._asked_once: set[bytes] = set()

    @property
    def address(self) -> str:
        """``HOST:PORT`` as ``--dns-server`` takes it."""
        return netloc(self.host, self.port)

    async def start(self, port: int = 0) -> None:
        """Bind and serve.  Raises OSError if ``port`` is taken, or if no common free port is found."""
        loop = asyncio.get_running_loop()
        for attempt in range(_PORT_ATTEMPTS):
            await self._streams.start(self.host, port)
            try:
                self._datagrams, _ = await loop.create_datagram_endpoint(
                    lambda: _Datagrams(self), local_addr=(self.host, self._streams.port)
                )
            except OSError:
                # Free for TCP, taken for UDP: another try, unless the number was asked for.
                await self._streams.close()
                if port or attempt == _PORT_ATTEMPTS - 1:
                    raise
                continue
            self.port = self._streams.port
            return

    async def close(self) -> None:
        if self._datagrams is not None:
            self._datagrams.close()  # its socket one step later, within what follows
        await self._streams.close()
        for task in list(self._pending):
            task.cancel()
        await asyncio.gather(*self._pending, return_exceptions=True)

    async def respond(self, wire: bytes, transport: Literal["udp", "tcp"]) -> bytes | None:
        """The answer to one message, after its delay; None: stay silent."""
        answers = self.choose() or self.answers
        if answers.silent or (answers.silent_tcp and transport == "tcp"):
            return None
        if answers.lose_first and transport == "udp" and self._first_time(wire):
            return None
        if answers.delay_s:
            await asyncio.sleep(answers.delay_s)
        try:
            query = dns.message.from_wire(wire)
        except (dns.exception.DNSException, ValueError):
            return _format_error(wire)
        if query.flags & dns.flags.QR:
            return None  # an answer, not a question: answering it could go on for ever
        if query.question:
            asked = query.question[0]
            self.queries.append(
                DnsQuery(name=_plain_name(asked), kind=dns.rdatatype.to_text(asked.rdtype), transport=transport)
            )
            if answers.aaaa_delay_s and asked.rdtype == dns.rdatatype.AAAA:
                await asyncio.sleep(answers.aaaa_delay_s)
        response = answer(query, answers)
        if transport == "udp" and answers.truncate:
            response.answer.clear()
            response.flags |= dns.flags.TC
        if answers.garble:
            response.id ^= 0xFFFF
        return response.to_wire(want_shuffle=False)  # the same answer gives the same bytes

    def _first_time(self, wire: bytes) -> bool:
        """Whether this very packet was not seen before; a client that asks again repeats its id."""
        if len(self._asked_once) > _LOG_SIZE:
            self._asked_once.clear()
        known = wire in self._asked_once
        self._asked_once.add(wire)
        return not known

    def _spawn(self, coroutine: Any) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._pending.add(task)
        task.add_done_callback(self._pending.discard)

    async def _serve_stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            async with asyncio.timeout(_TCP_IDLE_S):
                (length,) = struct.unpack("!H", await reader.readexactly(2))
                query = await reader.readexactly(length)
            wire = await self.respond(query, "tcp")
            if wire is not None:
                writer.write(struct.pack("!H", len(wire)) + wire)
                await writer.drain()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, server: DnsServer) -> None:
        self._server = server
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not by isinstance: until 3.12 asyncio's own transport does not inherit from DatagramTransport.
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        self._server._spawn(self._answer(data, addr))

    async def _answer(self, data: bytes, address: tuple[str | Any, int]) -> None:
        wire = await self._server.respond(data, "udp")
        if wire is not None and self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(wire, address)


def answer(query: dns.message.Message, answers: DnsAnswers) -> dns.message.Message:
    """The response to a parsed query, by ``answers.records`` and ``answers.refusals`` alone (pure)."""
    response = dns.message.make_response(query, recursion_available=True)
    if query.opcode() != dns.opcode.QUERY or len(query.question) != 1:
        response.set_rcode(dns.rcode.NOTIMP)
        return response
    asked = query.question[0]
    name = _plain_name(asked)
    refusal = answers.refusals.get(name) or answers.refusals.get("*")
    if refusal is not None:
        response.set_rcode(dns.rcode.from_text(refusal))
        return response
    addresses = answers.records.get(name)
    if addresses is None or asked.rdclass != dns.rdataclass.IN:
        response.set_rcode(dns.rcode.NXDOMAIN)
        return response
    wanted = [each for each in addresses if _kind_of(each) == asked.rdtype]
    if wanted:
        response.answer.append(dns.rrset.from_text_list(asked.name, answers.ttl_s, "IN", asked.rdtype, wanted))
    return response


def _kind_of(address: str) -> dns.rdatatype.RdataType:
    return dns.rdatatype.AAAA if ":" in address else dns.rdatatype.A


def _plain_name(asked: dns.rrset.RRset) -> str:
    return asked.name.to_text(omit_final_dot=True).lower()


def _format_error(wire: bytes) -> bytes | None:
    """FORMERR with the query's id (RFC 1035 §4.1.1), or nothing if not even a header came."""
    if len(wire) < _HEADER_SIZE or wire[2] & 0x80:
        return None
    return wire[:2] + bytes((0x80 | (wire[2] & 0x01), 0x80 | dns.rcode.FORMERR)) + bytes(8)
