"""What a target is built from: the public view, and beside it what must stay on the far side of the port."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from okxdoctor.port import Instant, Surroundings, View
from okxdoctor.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """One key. Any part may be empty; then signed requests are not made."""

    api_key: Secret
    secret_key: Secret
    passphrase: Secret

    @property
    def complete(self) -> bool:
        return bool(self.api_key) and bool(self.secret_key) and bool(self.passphrase)


def read_clocks() -> Instant:
    """Both local clocks, one directly after the other."""
    return Instant(wall_ns=time.time_ns(), mono_ns=time.monotonic_ns())


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetConfig:
    """Everything a live target needs, resolved from the settings.

    dns_servers           (host, port); when set, the first one is what the program sees (``system``), the others
                          are asked directly; when empty, getaddrinfo is ``system`` and resolv.conf's servers are asked
    doh_urls              DNS-over-HTTPS services asked only to confirm a suspicion; may be empty
    ntp_servers           (host, port)
    rest_proxy, ws_proxy  full URLs, credentials included (Secret), or None
    ca_file               verify with this PEM file instead of the default store
    control_name          a name that has nothing to do with the exchange; control_addresses: (address, port)
    timeout_s             for one connect / handshake / answer inside a probe
    connections, requests at most this many at the same time
    alone                 nobody else can be using the exchange's budgets: a run need not leave half of each to others
    trust_environ         variables that name a trust store (SSL_CERT_FILE); None: this process's own environment
    clock                 reads both local clocks (replaced only where a world makes the clock jump)
    surroundings          gathers the offline facts; kept as a callable so that it runs once and late
    """

    view: View
    credentials: Credentials | None = None
    dns_servers: tuple[tuple[str, int], ...] = ()
    doh_urls: tuple[str, ...] = ()
    ntp_servers: tuple[tuple[str, int], ...] = ()
    rest_proxy: Secret | None = None
    ws_proxy: Secret | None = None
    ca_file: str | None = None
    control_name: str = "example.com"
    control_addresses: tuple[tuple[str, int], ...] = ()
    timeout_s: float = 5.0
    connections: int = 16
    requests: int = 12
    alone: bool = False
    trust_environ: Mapping[str, str] | None = None
    clock: Callable[[], Instant] = read_clocks
    surroundings: Callable[[], Surroundings] | None = None
    extra_headers: Mapping[str, str] = field(default_factory=dict)
