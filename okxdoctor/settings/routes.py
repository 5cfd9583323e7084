"""Which way each role goes out: through a proxy, or directly. As the user's own programs would take it.

The environment's rules are those of the standard library (requests, httpx and websockets follow it): the
lower-case variable wins, ``ALL_PROXY`` serves where the scheme's own is not set, ``NO_PROXY`` names hosts that
go directly, and a WebSocket takes the proxy of its own scheme where one is set (websockets reads ``WSS_PROXY`` first),
else that of the HTTP scheme that it begins as.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from okxdoctor.port import Endpoint, Route
from okxdoctor.secret import Secret
from okxdoctor.settings.addresses import route


@dataclass(frozen=True, slots=True, kw_only=True)
class WayOut:
    """The route of one role and the full URL behind it; both None when it goes out directly. ``source`` says why."""

    route: Route | None
    url: Secret | None
    source: str

    @property
    def shown(self) -> str:
        return self.route.url if self.route else "direct"


DIRECT = WayOut(route=None, url=None, source="default")


def through(url: str, source: str) -> WayOut:
    """Through the proxy at ``url``; ``""``, ``none`` and ``direct`` mean no proxy."""
    if url.strip().lower() in ("", "none", "direct"):
        return WayOut(route=None, url=None, source=source)
    shown, full = route(url, source)
    return WayOut(route=shown, url=Secret(full), source=source)


def from_environment(endpoint: Endpoint, environ: Mapping[str, str]) -> WayOut:
    """What the proxy variables say for this server."""
    own = (f"{endpoint.scheme}_proxy",) if endpoint.role == "ws" else ()
    for name in (*own, "https_proxy" if endpoint.tls else "http_proxy", "all_proxy"):
        variable = _variable(name, environ)
        if variable is None:
            continue
        if _bypassed(endpoint, environ):
            return WayOut(route=None, url=None, source=f"env:{_variable('no_proxy', environ)}")
        return through(environ[variable], f"env:{variable}")
    return DIRECT


def _variable(name: str, environ: Mapping[str, str]) -> str | None:
    """The spelling of the variable that is set; the lower-case one wins, also when it is empty (then: no proxy)."""
    if name in environ:
        return name if environ[name] else None
    upper = name.upper()
    if upper == "HTTP_PROXY" and "REQUEST_METHOD" in environ:
        return None  # under CGI a client can set it by a Proxy: header
    return upper if environ.get(upper) else None


def _bypassed(endpoint: Endpoint, environ: Mapping[str, str]) -> bool:
    variable = _variable("no_proxy", environ)
    if variable is None:
        return False
    # Imported only when there is a proxy to go around: urllib.request loads much.
    from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]

    host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
    proxies = {"no": environ[variable]}
    return bool(
        proxy_bypass_environment(f"{host}:{endpoint.port}", proxies) or proxy_bypass_environment(endpoint.host, proxies)
    )
