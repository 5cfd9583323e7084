"""A scripted world for probes: every question answers from what the test wrote down, and is remembered.

Nothing here is clever. A question that the test did not script raises AssertionError, so a probe that asks more
than its test expects fails loudly.

    io = FakeIo(http_script={"GET /api/v5/public/time": ok([{"ts": "1700000000000"}])})
    facts = asyncio.run(CHECK.probe(io))
    assert [ask.path for ask in io.asks] == ["/api/v5/public/time"]
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeVar

import msgspec

from okxdoctor.check import Check
from okxdoctor.model import Finding
from okxdoctor.port import (
    Answer,
    Ask,
    Cell,
    Dial,
    Endpoint,
    Failure,
    FailureKind,
    Frame,
    Handshake,
    Instant,
    LedgerRow,
    Lookup,
    NtpAnswer,
    Opening,
    Phases,
    ProxyDial,
    Role,
    Surroundings,
    TrustStore,
    View,
)

T = TypeVar("T")
EPOCH_NS = 1_764_000_000_000_000_000
"""The wall clock of the scripted world at its start: 2025-11-24T16:00:00Z."""


def view(**changes: Any) -> View:
    """A healthy live view of the public global site with credentials; change what the test is about."""
    base = View(
        kind="live",
        site="global",
        environment="live",
        rest=Endpoint(
            role="rest",
            url="https://openapi.okx.com",
            scheme="https",
            host="openapi.okx.com",
            port=443,
            base="",
            tls=True,
        ),
        ws=Endpoint(
            role="ws", url="wss://ws.okx.com/ws/v5", scheme="wss", host="ws.okx.com", port=443, base="/ws/v5", tls=True
        ),
        addresses="global",
        declared_hosts=False,
        legacy_ws_port=8443,
        credentials=True,
        need=(),
        instruments=(),
        product=None,
        trade_mode=None,
        declared_specs=(),
        burst=False,
        rest_route=None,
        ws_route=None,
        ca_file=None,
        dns_servers=(),
        ntp_servers=(),
        ntp_declared=False,
        control_name="example.com",
        cells=(
            Cell(
                site="global", environment="live", rest_url="https://openapi.okx.com", ws_url="wss://ws.okx.com/ws/v5"
            ),
            Cell(
                site="global",
                environment="demo",
                rest_url="https://openapi.okx.com",
                ws_url="wss://wspap.okx.com/ws/v5",
            ),
            Cell(site="eea", environment="live", rest_url="https://eea.okx.com", ws_url="wss://wseea.okx.com/ws/v5"),
            Cell(site="eea", environment="demo", rest_url="https://eea.okx.com", ws_url="wss://wseeapap.okx.com/ws/v5"),
            Cell(site="us", environment="live", rest_url="https://us.okx.com", ws_url="wss://wsus.okx.com/ws/v5"),
            Cell(site="us", environment="demo", rest_url="https://us.okx.com", ws_url="wss://wsuspap.okx.com/ws/v5"),
        ),
    )
    return replace(base, **changes)


QUICK = Phases(first_byte_ms=20.0, total_ms=20.0)
UPGRADED = Opening(url="wss://ws.okx.com/ws/v5/public", ok=True, status=101, elapsed_ms=30.0)

# ---- answers ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Scripted:
    """One answer to come; what it does not say is filled in from the request."""

    status: int | None = 200
    body: str = ""
    headers: tuple[tuple[str, str], ...] = (("content-type", "application/json"), ("server", "cloudflare"))
    failure: Failure | None = None
    truncated: bool = False
    elapsed_s: float = 0.02
    phases: Phases = QUICK


def ok(data: Sequence[Any] = (), **more: Any) -> Scripted:
    """HTTP 200 with code 0 and these rows."""
    return Scripted(body=json.dumps({"code": "0", "msg": "", "data": list(data)}), **more)


def refusal(code: str, msg: str = "refused", *, status: int = 401, data: bool = False, **more: Any) -> Scripted:
    """A refusal as the exchange words it: msg first, no data (business errors carry ``data: []``)."""
    body: dict[str, Any] = {"msg": msg, "code": code}
    if data:
        body["data"] = []
    return Scripted(status=status, body=json.dumps(body), **more)


def page(
    status: int, html: str = "<html><title>no</title></html>", *, server: str = "cloudflare", **more: Any
) -> Scripted:
    """Something that is no JSON envelope."""
    return Scripted(status=status, body=html, headers=(("content-type", "text/html"), ("server", server)), **more)


def failed(kind: FailureKind, phase: str, detail: str = "") -> Scripted:
    """No response at all."""
    return Scripted(status=None, headers=(), failure=Failure(kind=kind, phase=phase, detail=detail))


Reply = Scripted | Callable[[Ask], Scripted] | list[Any]
"""An answer, a function of the request, or a list of these used up in order (the last one stays)."""


# ---- sockets ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """How a scripted WebSocket behaves: the opening, and the texts that answer each sent text.

    ``respond(text)`` gives what arrives next: texts, or a close code as an int. ``login`` likewise for the login.
    """

    opening: Opening = UPGRADED
    respond: Callable[[str], Iterable[str | int]] = lambda text: ()
    login: Iterable[str | int] = ()


class FakeSocket:
    """Stands for :class:`okxdoctor.port.Socket`. A wait without anything to come ends at once (None)."""

    def __init__(self, io: FakeIo, talk: Talk) -> None:
        self._io = io
        self._talk = talk
        self._coming: list[str | int] = []
        self._frames: list[Frame] = []
        self._start = io.elapsed_s
        self.logins: list[float] = []
        self.closed = False

    @property
    def opening(self) -> Opening:
        return self._talk.opening

    @property
    def frames(self) -> tuple[Frame, ...]:
        return tuple(self._frames)

    def _at_ms(self) -> float:
        return (self._io.elapsed_s - self._start) * 1000

    async def send(self, text: str) -> None:
        self._frames.append(Frame(direction="sent", kind="text", at_ms=self._at_ms(), text=text))
        self._coming.extend(self._talk.respond(text))

    async def login(self, *, shift_s: float = 0.0) -> None:
        self.logins.append(shift_s)
        self._frames.append(Frame(direction="sent", kind="text", at_ms=self._at_ms(), text='{"op":"login"}'))
        self._coming.extend(self._talk.login)

    async def receive(self, timeout_s: float) -> Frame | None:
        if self.closed:
            return None
        if not self._coming:
            self._io.elapsed_s += timeout_s
            return None
        self._io.elapsed_s += 0.01
        match self._coming.pop(0):
            case int() as code:
                self.closed = True
                frame = Frame(direction="received", kind="close", at_ms=self._at_ms(), code=code)
            case text:
                frame = Frame(direction="received", kind="text", at_ms=self._at_ms(), text=text)
        self._frames.append(frame)
        return frame

    async def close(self) -> None:
        self.closed = True


# ---- the world -------------------------------------------------------------------------------


@dataclass(kw_only=True)
class FakeIo:
    """Satisfies :class:`okxdoctor.port.Io` from the values given to it.

    ``http_script``: "METHOD /path" (its query may be left out), or with " @site/environment" behind it, to Reply;
    ``sockets``: "public" or "public @site/environment" to Talk. ``records``: what other checks offer.
    ``waited`` holds the sleeps. The clocks advance only by scripted elapsed time.
    """

    view: View = field(default_factory=view)
    http_script: Mapping[str, Reply] = field(default_factory=dict)
    sockets: Mapping[str, Talk | Exception] = field(default_factory=dict)
    records: Sequence[Any] = ()
    surroundings_fact: Surroundings | None = None
    lookups: Mapping[str, tuple[Lookup, ...]] = field(default_factory=dict)
    dials: Mapping[str, tuple[Dial, ...]] = field(default_factory=dict)
    control_dials: tuple[Dial, ...] = ()
    proxy_dials: Mapping[str, ProxyDial] = field(default_factory=dict)
    trust_fact: TrustStore | None = None
    handshakes: Mapping[str, Handshake] = field(default_factory=dict)
    ntp_answers: tuple[NtpAnswer, ...] = ()
    ledger_rows: tuple[LedgerRow, ...] = ()
    instants: Callable[[FakeIo], Instant] | None = None
    skew_s: float = 0.0
    elapsed_s: float = 0.0
    asks: list[Ask] = field(default_factory=list)
    opened: list[FakeSocket] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)
    _used: dict[str, int] = field(default_factory=dict)

    def now(self) -> Instant:
        if self.instants is not None:
            return self.instants(self)
        return Instant(
            wall_ns=EPOCH_NS + round((self.elapsed_s + self.skew_s) * 1e9), mono_ns=round(self.elapsed_s * 1e9)
        )

    async def sleep(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.elapsed_s += seconds

    async def given(self, record: type[T]) -> T | None:
        return next((value for value in self.records if isinstance(value, record)), None)

    async def settled(self) -> None:
        return None

    async def surroundings(self) -> Surroundings:
        assert self.surroundings_fact is not None, "surroundings are not scripted"
        return self.surroundings_fact

    async def lookup(self, name: str) -> tuple[Lookup, ...]:
        assert name in self.lookups, f"lookup of {name} is not scripted"
        return self.lookups[name]

    async def dial(self, role: Role, *, port: int | None = None) -> tuple[Dial, ...]:
        key = role if port is None else f"{role}:{port}"
        assert key in self.dials, f"dial of {key} is not scripted"
        return self.dials[key]

    async def dial_elsewhere(self, role: Role) -> tuple[Dial, ...]:
        return self.dials.get(f"{role} elsewhere", ())

    async def dial_control(self) -> tuple[Dial, ...]:
        return self.control_dials

    async def dial_proxy(self, role: Role) -> ProxyDial | None:
        return self.proxy_dials.get(role)

    async def trust(self) -> TrustStore:
        assert self.trust_fact is not None, "the trust store is not scripted"
        return self.trust_fact

    async def handshake(self, role: Role, *, server_name: str | None = None, again: bool = False) -> Handshake:
        key = role if server_name is None else f"{role} {server_name}"
        key = f"{key} again" if again and f"{key} again" in self.handshakes else key
        assert key in self.handshakes, f"handshake with {key} is not scripted"
        return self.handshakes[key]

    async def http(self, ask: Ask) -> Answer:
        self.asks.append(ask)
        where = f" @{ask.cell}" if ask.cell else ""
        full, bare = f"{ask.method} {ask.path}", f"{ask.method} {ask.path.split('?')[0]}"
        for key in (full + where, bare + where, full, bare):
            if key in self.http_script:
                break
        else:
            raise AssertionError(f"{full}{where} is not scripted")
        reply = self.http_script[key]
        if isinstance(reply, list):
            index = self._used.get(key, 0)
            self._used[key] = index + 1
            reply = reply[min(index, len(reply) - 1)]
        scripted: Scripted = reply(ask) if callable(reply) else reply
        sent = self.now()
        self.elapsed_s += scripted.elapsed_s
        got = self.now()
        return Answer(
            method=ask.method,
            path=ask.path,
            url=self.view.rest.url + ask.path,
            status=scripted.status,
            headers=scripted.headers,
            body=scripted.body,
            truncated=scripted.truncated,
            http_version="HTTP/1.1" if scripted.status else "",
            phases=scripted.phases,
            sent_wall_ns=sent.wall_ns,
            received_wall_ns=got.wall_ns,
            sent_mono_ns=sent.mono_ns,
            received_mono_ns=got.mono_ns,
            failure=scripted.failure,
            reused=scripted.status is not None and not ask.fresh,
            signed=ask.signed,
        )

    async def open_socket(
        self,
        path: Literal["public", "private", "business"],
        *,
        cell: str | None = None,
        timeout_s: float | None = None,
        shared: bool = False,
    ) -> FakeSocket:
        key = f"{path} @{cell}" if cell and f"{path} @{cell}" in self.sockets else path
        assert key in self.sockets, f"WebSocket {key} is not scripted"
        talk = self.sockets[key]
        if isinstance(talk, Exception):  # what a recording does: it holds no sockets
            raise talk
        socket = FakeSocket(self, talk)
        self.opened.append(socket)
        return socket

    async def ntp(self) -> tuple[NtpAnswer, ...]:
        return self.ntp_answers

    def ledger(self) -> tuple[LedgerRow, ...]:
        return self.ledger_rows


# ---- what every test of a check asks ----------------------------------------------------------


def judged(check: Check[Any], facts: Any) -> tuple[Finding, ...]:
    """The findings, after proving that the facts survive JSON and are judged the same from it."""
    again = msgspec.convert(msgspec.json.decode(msgspec.json.encode(facts)), check.facts)
    assert again == facts
    findings = tuple(check.evaluate(facts))
    assert tuple(check.evaluate(again)) == findings
    for finding in findings:
        assert finding.code in check.causes
        assert finding.summary
        assert "\n" not in finding.summary
        assert finding.evidence
        msgspec.json.encode(dict(finding.evidence))
    return findings


def codes(findings: Iterable[Finding]) -> list[str]:
    return [finding.code for finding in findings]


def run(check: Check[Any], io: FakeIo) -> tuple[Any, tuple[Finding, ...]]:
    """Probe the scripted world and judge what came out."""
    import asyncio

    awaiting: Awaitable[Any] = check.probe(io)

    async def once() -> Any:
        return await awaiting

    facts = asyncio.run(once())
    return facts, judged(check, facts)
