"""One name server asked directly: A and AAAA together, by UDP, by TCP where the answer was truncated.

dnspython does the packets. Its own sockets and resolver are not used: they bring an HTTP stack and their own idea of
timeouts.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from typing import Literal, TypeAlias

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype

from okxdoctor.port import Lookup
from okxdoctor.targets.live.attention import Stopwatch, patience
from okxdoctor.targets.live.broken import errno_name
from okxdoctor.targets.live.wire import connect

Outcome: TypeAlias = Literal["ok", "nxdomain", "nodata", "servfail", "refused", "timeout", "error"]

_TYPES = (dns.rdatatype.A, dns.rdatatype.AAAA)
_RCODES: dict[int, Outcome] = {
    dns.rcode.NXDOMAIN: "nxdomain",
    dns.rcode.SERVFAIL: "servfail",
    dns.rcode.REFUSED: "refused",
}
# The worst news that both families share is the verdict; one family's answer stands for both otherwise.
_ORDER: tuple[Outcome, ...] = ("nxdomain", "nodata", "servfail", "refused", "error")


class Question:
    """One name in both address families, and what has been answered so far."""

    def __init__(self, name: str) -> None:
        try:
            qname = dns.name.from_text(name)
        except (dns.exception.DNSException, UnicodeError) as error:
            raise ValueError(f"not a name: {type(error).__name__}") from None
        self._name = qname
        self._asked = {kind: dns.message.make_query(qname, kind) for kind in _TYPES}
        self._got: dict[int, dns.message.Message] = {}

    def queries(self) -> list[bytes]:
        """The packets of the families that have no (complete) answer yet."""
        return [
            query.to_wire()
            for kind, query in self._asked.items()
            if kind not in self._got or self._got[kind].flags & dns.flags.TC
        ]

    def take(self, packet: bytes) -> None:
        """Takes an answer in; what is no answer to our question is left aside, as a resolver would."""
        try:
            answer = dns.message.from_wire(packet, ignore_trailing=True, raise_on_truncation=False)
        except (dns.exception.DNSException, ValueError, IndexError):
            return
        for kind, query in self._asked.items():
            if query.is_response(answer):
                self._got[kind] = answer

    @property
    def complete(self) -> bool:
        return len(self._got) == len(self._asked)

    @property
    def enough(self) -> bool:
        """Whether a program would go on with what there is: addresses of one family, or a name that does not exist."""
        return self.complete or any(
            answer.answer or answer.rcode() == dns.rcode.NXDOMAIN or answer.flags & dns.flags.TC
            for answer in self._got.values()
        )

    @property
    def truncated(self) -> bool:
        return any(answer.flags & dns.flags.TC for answer in self._got.values())

    def verdict(self) -> tuple[Outcome, tuple[str, ...], str | None]:
        """Outcome, addresses (IPv6 first, as RFC 8305 tries them) and the canonical name if there is another."""
        addresses: list[str] = []
        canonical: str | None = None
        outcomes: list[Outcome] = []
        for kind in reversed(_TYPES):
            answer = self._got.get(kind)
            if answer is None:
                continue
            if answer.rcode() != dns.rcode.NOERROR:
                outcomes.append(_RCODES.get(answer.rcode(), "error"))
                continue
            try:
                chain = answer.resolve_chaining() if isinstance(answer, dns.message.QueryMessage) else None
            except dns.exception.DNSException:
                outcomes.append("error")
                continue
            outcomes.append("nodata")
            if chain is None:
                continue
            if chain.answer is not None:
                addresses += [str(record.address) for record in chain.answer]
            if chain.canonical_name != self._name:
                canonical = chain.canonical_name.to_text(omit_final_dot=True)
        if addresses:
            return "ok", tuple(dict.fromkeys(addresses)), canonical
        if self.truncated or (not self.complete and set(outcomes) <= {"nodata"}):
            return "timeout", (), canonical  # that there is no address in one family says nothing of the other
        return next((outcome for outcome in _ORDER if outcome in outcomes), "timeout"), (), canonical


async def ask_server(name: str, server: tuple[str, int], timeout_s: float) -> Lookup:
    """Total: a failure is an outcome. ``resolver`` is ``HOST:PORT``."""
    host, port = server
    label = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    stopwatch = Stopwatch()
    detail = ""
    try:
        question = Question(name)
    except ValueError as error:
        return Lookup(name=name, resolver=label, outcome="error", detail=str(error))
    try:
        async with patience(timeout_s):
            await _by_udp(question, server, timeout_s)
            if question.truncated:
                await _by_tcp(question, server)
    except OSError as error:  # TimeoutError is one
        detail = errno_name(error)
    outcome, addresses, canonical = question.verdict()
    if outcome == "timeout" and detail not in ("", "ETIMEDOUT"):
        outcome = "error"
    return Lookup(
        name=name,
        resolver=label,
        outcome=outcome,
        addresses=addresses,
        canonical=canonical,
        elapsed_ms=stopwatch.waited_ms(),
        detail=detail,
    )


async def _by_udp(question: Question, server: tuple[str, int], timeout_s: float) -> None:
    loop = asyncio.get_running_loop()
    family = socket.AF_INET6 if ":" in server[0] else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as asking:
        asking.setblocking(False)
        # Connected, so that the kernel drops what others send and reports a closed port.
        asking.connect(server)
        resend_s = max(0.2, min(1.5, timeout_s / 3))
        while True:
            for query in question.queries():
                await loop.sock_sendall(asking, query)
            with contextlib.suppress(TimeoutError):
                # In time awake: a second packet is for one that was lost, not for an answer that nobody has read.
                async with patience(resend_s):
                    while not question.complete:
                        question.take(await loop.sock_recv(asking, 65535))
            # When one family has addresses the other is not asked again: programs go on with what they have.
            if question.enough:
                return


async def _by_tcp(question: Question, server: tuple[str, int]) -> None:
    loop = asyncio.get_running_loop()
    with await connect(*server) as asking:
        for query in question.queries():
            await loop.sock_sendall(asking, len(query).to_bytes(2, "big") + query)
            length = int.from_bytes(await _exactly(asking, 2), "big")
            question.take(await _exactly(asking, length))


async def _exactly(asking: socket.socket, count: int) -> bytes:
    loop = asyncio.get_running_loop()
    data = b""
    while len(data) < count:
        more = await loop.sock_recv(asking, count - len(data))
        if not more:
            raise ConnectionResetError(errno.ECONNRESET, "the server closed in mid-answer")
        data += more
    return data
