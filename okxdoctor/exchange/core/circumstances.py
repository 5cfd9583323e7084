"""The circumstances: everything about the world that a fault can change, as one frozen value.

The default is the healthy world. A fault is a function from circumstances to circumstances; the core and
the servers read this value at the place where the changed thing is, and nowhere is an answer looked up.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from .account_world import AccountChange
from .instruments import Change
from .limits import NO_PRESSURE, Pressure
from .redraft import Redraft
from .ws_world import Channels

HeaderName = Literal["ok-access-key", "ok-access-sign", "ok-access-timestamp", "ok-access-passphrase"]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyChange:
    """How the record of the handed-out key differs from what was handed out; None leaves a field alone."""

    deleted: bool = False
    frozen: bool = False
    other_secret: bool = False
    other_passphrase: bool = False
    environment: str | None = None
    permissions: tuple[str, ...] | None = None
    addresses: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """One maintenance window; seconds from now."""

    begins_in_s: int
    ends_in_s: int
    state: str
    service: str = "5"
    title: str = "Trading system upgrade"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page that something before the exchange answers with: status, body, headers, no exchange reached."""

    status: int
    body: bytes
    content_type: str = "text/html; charset=UTF-8"
    server: str = "cloudflare"
    headers: tuple[tuple[str, str], ...] = ()
    ray: bool = True
    """Whether the CDN adds its ray id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpEdge:
    """What happens to HTTP between the client and the exchange."""

    page: Page | None = None
    """Answered to every request, WebSocket upgrades included."""
    page_for_agent: str | None = None
    """Answered so only to requests whose User-Agent holds this text (lower case), or that have none."""
    garble: Literal["empty", "html", "truncated", "latin", "bom", "gzip", "no-envelope"] | None = None
    """What becomes of the body of a good answer."""
    stall: Literal["headers", "body", "drip"] | None = None
    delay_ms: int = 0
    body_ms: int = 0
    """How long a body takes, once the head is there."""
    cut: Literal["reset", "close", "half"] | None = None
    """How a connection ends in the place of an answer; ``half``: within one."""
    cut_reused: bool = False
    """A connection ends at its second request."""
    drop_headers: tuple[HeaderName, ...] = ()
    cut_key: bool = False
    """The key header arrives shorter than it was sent."""
    timestamp_form: Literal["epoch-ms", "epoch-s", "micros", "offset"] | None = None
    cache_time_s: int = 0
    """Age of the copy of public/time that a cache gives out; 0: no cache."""
    goaway_after: int = 0
    """Streams after which an HTTP/2 connection is told to go away; 0: HTTP/2 is not offered."""

    @property
    def at_once(self) -> bool:
        """Whether each request gets the exchange's own answer, whole and without waiting."""
        return (
            self.page is None
            and self.stall is None
            and self.cut is None
            and not (self.delay_ms or self.body_ms or self.cut_reused)
        )

    def page_for(self, agent: str) -> Page | None:
        """The page that stands in the way of a client that calls itself ``agent``."""
        unwanted = self.page_for_agent
        return self.page if unwanted is None or not agent or unwanted in agent.lower() else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Budgets:
    """How request budgets are counted, shown and refused."""

    pressure: Pressure = NO_PRESSURE
    headers: Literal["stuck", "over", "limit"] | None = None
    """Headers that contradict: used does not grow, used over the limit, limit not the documented one."""
    refusal: Literal["200", "503", "text"] | None = None
    """Shape of the over-limit answer instead of 429 with 50011."""
    orders_spent: bool = False
    """Another program of the same sub-account places orders up to its cap."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """The whole world as far as faults can change it."""

    clock_offset_ms: int = 0
    """Exchange and NTP minus the machine's clock."""
    verification_age_ms: int = 0
    """How long signed requests have waited when their timestamp is looked at."""
    key: KeyChange = field(default_factory=KeyChange)
    account: AccountChange = field(default_factory=AccountChange)
    seen_address: str | None = None
    """The address that the exchange sees instead of the peer's (a NAT, a gateway)."""
    seen_in_turn: tuple[str, ...] = ()
    """Addresses by which new connections leave, one after the other (the pool of a NAT)."""
    bound_keys_only: bool = False
    """Trade endpoints want an IP-bound key."""
    refused_service: str | None = None
    """Code and nature of a refusal of service by place: the address range is not served (50121)."""
    busy: str | None = None
    """50001, 50004, 50013, 50026: the state in which the private services are."""
    windows: tuple[Window, ...] = ()
    changes: tuple[Change, ...] = ()
    redrafts: tuple[Redraft, ...] = ()
    """How answers are written otherwise than documented."""
    edge: HttpEdge = field(default_factory=HttpEdge)
    budgets: Budgets = field(default_factory=Budgets)
    channels: Channels = field(default_factory=Channels)


HEALTHY = Circumstances()


def with_edge(world: Circumstances, **changes: object) -> Circumstances:
    return replace(world, edge=replace(world.edge, **changes))  # type: ignore[arg-type]


def with_key(world: Circumstances, **changes: object) -> Circumstances:
    return replace(world, key=replace(world.key, **changes))  # type: ignore[arg-type]


def with_budgets(world: Circumstances, **changes: object) -> Circumstances:
    return replace(world, budgets=replace(world.budgets, **changes))  # type: ignore[arg-type]
