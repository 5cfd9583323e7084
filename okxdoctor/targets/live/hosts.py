"""URLs of sites as places to connect to."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from okxdoctor.port import Endpoint

WS_BASE = "/ws/v5"

_DEFAULT_PORTS = {True: 443, False: 80}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A host and port, whether TLS is spoken there, and the path that everything is under."""

    host: str
    port: int
    tls: bool
    base: str

    @property
    def authority(self) -> str:
        """What the Host header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.tls] else f"{host}:{self.port}"


def place_of(endpoint: Endpoint) -> Place:
    return Place(host=ascii_host(endpoint.host), port=endpoint.port, tls=endpoint.tls, base=endpoint.base.rstrip("/"))


def cell_place(url: str, *, socket: bool = False) -> Place:
    """The place of a cell's URL. WebSocket URLs may be given with or without ``/ws/v5``."""
    parts = urlsplit(url)
    tls = parts.scheme in ("https", "wss")
    base = parts.path.rstrip("/")
    if socket and not base.endswith(WS_BASE):
        base += WS_BASE
    return Place(host=ascii_host(parts.hostname or ""), port=parts.port or _DEFAULT_PORTS[tls], tls=tls, base=base)


def ascii_host(host: str) -> str:
    """A host as it goes on the wire: no brackets, no final dot, IDNA where it is not ASCII."""
    host = host.strip("[]").rstrip(".").lower()
    if host.isascii():
        return host
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:
        return host.encode("ascii", "replace").decode("ascii")
