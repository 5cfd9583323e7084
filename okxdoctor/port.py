"""The one narrow port between checks and the world, and the facts that cross it.

``Io`` is what a probe may do. A target (live, cassette, …) stands on the far side; it owns the
sockets, clocks and secrets. Everything that comes back is frozen and JSON-able, and a failure is a
value (:class:`Failure`), never an exception. Two exceptions cross the port: ``Skip`` and
``Inconclusive`` of :mod:`okxdoctor.check`, raised by a target for what it cannot offer (a cassette
has no sockets) or what a lower layer already prevents.

Units are in the names: ``_ms`` milliseconds, ``_s`` seconds, ``_ns`` nanoseconds. Wall-clock
instants are integers of nanoseconds since the Unix epoch, or ISO-8601 text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

from okxdoctor.facts import (
    AccountView,
    Answer,
    Ask,
    Certificate,
    ConfigFile,
    CredentialShape,
    Dial,
    Failure,
    FailureKind,
    Frame,
    Handshake,
    Instant,
    KeyStanding,
    LedgerRow,
    Lookup,
    Mangling,
    NtpAnswer,
    Opening,
    Phases,
    ProxyDial,
    Route,
    Surroundings,
    TimeBasis,
    TrustStore,
    Verification,
)
from okxdoctor.trading_facts import Holding, Instruments, ListedInstrument, OrderDraft, Wallets
from okxdoctor.traffic import Conversation, Traffic

__all__ = [
    "AccountView",
    "Answer",
    "Ask",
    "Cell",
    "Certificate",
    "ConfigFile",
    "Conversation",
    "CredentialShape",
    "Dial",
    "Endpoint",
    "Failure",
    "FailureKind",
    "Frame",
    "Handshake",
    "Holding",
    "Instant",
    "Instruments",
    "Io",
    "KeyStanding",
    "LedgerRow",
    "ListedInstrument",
    "Lookup",
    "Mangling",
    "NtpAnswer",
    "Opening",
    "OrderDraft",
    "Phases",
    "ProxyDial",
    "Role",
    "Route",
    "Socket",
    "Surroundings",
    "TimeBasis",
    "Traffic",
    "TrustStore",
    "Verification",
    "View",
    "Wallets",
]

T = TypeVar("T")

Role = Literal["rest", "ws"]
"""Which of the two servers of a site: REST or WebSocket."""

# ---- what the target declares ---------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where one role of a site is reached. ``base`` is the path prefix (``""`` or ``/ws/v5``)."""

    role: Role
    url: str
    scheme: str
    host: str
    port: int
    base: str
    tls: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One site × environment of the matrix that flip tests walk."""

    site: str
    environment: Literal["live", "demo"]
    rest_url: str
    ws_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What is looked at and what the user's integration needs. No secret is in it.

    ``addresses``: which addresses are right for the hosts (``global`` unicast for public sites,
    ``loopback`` for the embedded exchange, ``any`` for hosts that the user declared).
    ``declared_hosts``: the user gave the addresses by flag, so an unpublished name is intended.
    ``declared_specs``: what the user's profile says of instruments (``{"BTC-USDT": {"tickSz": …}}``),
    as ``(instId, field, value)``.
    ``orders``: orders to look over, which are never sent. ``demo_orders``: the round trip of one own order is allowed.
    ``legacy_ws_port``: the retired WebSocket port (8443 for the public sites).
    ``answer_s``: one answer is waited for no longer in this run (--timeout): a probe that hears nothing can say so.
    """

    kind: Literal["live", "demo", "sim", "cassette", "facts"]
    site: str
    environment: Literal["live", "demo"]
    rest: Endpoint
    ws: Endpoint
    addresses: Literal["global", "loopback", "any"]
    declared_hosts: bool
    legacy_ws_port: int
    credentials: bool
    need: tuple[str, ...]
    instruments: tuple[str, ...]
    product: str | None
    trade_mode: str | None
    declared_specs: tuple[tuple[str, str, str], ...]
    burst: bool
    rest_route: Route | None
    ws_route: Route | None
    ca_file: str | None
    dns_servers: tuple[str, ...]
    ntp_servers: tuple[str, ...]
    ntp_declared: bool
    control_name: str
    cells: tuple[Cell, ...]
    orders: tuple[OrderDraft, ...] = ()
    demo_orders: bool = False
    answer_s: float = 5.0


# ---- a conversation ---------------------------------------------------------------------


class Socket(Protocol):
    """An open (or failed: see ``opening``) WebSocket conversation.

    ``send`` and ``receive`` never raise on a closed peer: receive gives a close frame once, then None.
    """

    @property
    def opening(self) -> Opening: ...

    @property
    def frames(self) -> tuple[Frame, ...]: ...

    async def send(self, text: str) -> None: ...

    async def login(self, *, shift_s: float = 0.0) -> None:
        """Send the login request, signed on the far side; the recorded frame has no secret in it."""
        ...

    async def receive(self, timeout_s: float) -> Frame | None: ...

    async def close(self) -> None: ...


# ---- the port -------------------------------------------------------------------------------


class Io(Protocol):
    """What a probe may ask. Lookups, dials, handshakes and the clock samples are shared within a run:
    the same question is asked of the world once, whoever asks first."""

    @property
    def view(self) -> View: ...

    def now(self) -> Instant: ...

    async def sleep(self, seconds: float) -> None: ...

    async def given(self, record: type[T]) -> T | None:
        """The record that a check named in ``reads`` offers, once it has settled; None if it has none.

        ``Traffic`` is offered by the run itself: what all checks have heard, once those in ``reads`` have settled.
        """
        ...

    async def settled(self) -> None:
        """Wait until every check named in ``reads`` has settled (for probes that look at the whole run)."""
        ...

    async def surroundings(self) -> Surroundings: ...

    async def lookup(self, name: str) -> tuple[Lookup, ...]:
        """What the program sees first (``system``), then the servers asked directly."""
        ...

    async def dial(self, role: Role, *, port: int | None = None) -> tuple[Dial, ...]:
        """One connection attempt to every address of the role's host. Direct, without proxy."""
        ...

    async def dial_elsewhere(self, role: Role) -> tuple[Dial, ...]:
        """The same for addresses that only servers asked directly gave, and the program does not see."""
        ...

    async def dial_control(self) -> tuple[Dial, ...]:
        """The same for control addresses that have nothing to do with the exchange."""
        ...

    async def dial_proxy(self, role: Role) -> ProxyDial | None:
        """The role's host through its proxy; None when it has none."""
        ...

    async def trust(self) -> TrustStore: ...

    async def handshake(self, role: Role, *, server_name: str | None = None, again: bool = False) -> Handshake:
        """TLS with the role's host (through its proxy if it has one), on the first address that connects.

        Once in a run for each name, whoever asks; ``again``: a second time.
        """
        ...

    async def http(self, ask: Ask) -> Answer: ...

    async def open_socket(
        self,
        path: Literal["public", "private", "business"],
        *,
        cell: str | None = None,
        timeout_s: float | None = None,
        shared: bool = False,
    ) -> Socket:
        """A conversation of one's own; ``shared``: one that every check of the run which shares it holds together.

        Of a shared one each holder receives everything, and the last to close it ends it.
        """
        ...

    async def ntp(self) -> tuple[NtpAnswer, ...]: ...

    def ledger(self) -> tuple[LedgerRow, ...]: ...
