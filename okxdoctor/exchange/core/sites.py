"""Which host name belongs to which site and environment (REST hosts serve both environments)."""

from __future__ import annotations

_SITES = (
    # site, REST hosts, WebSocket host, WebSocket host of demo trading
    ("global", ("openapi", "www"), "ws", "wspap"),
    ("eea", ("eea", "my"), "wseea", "wseeapap"),
    ("us", ("us", "app"), "wsus", "wsuspap"),
)

HOSTS: dict[str, tuple[str, str]] = {}
"""Host name -> site and environment; both under ``okx.test`` (answered by the own DNS) and ``okx.com``."""
for _site, _rest, _ws, _demo in _SITES:
    for _domain in ("okx.test", "okx.com"):
        HOSTS.update({f"{_host}.{_domain}": (_site, "live") for _host in (*_rest, _ws)})
        HOSTS[f"{_demo}.{_domain}"] = (_site, "demo")

MIRROR = "openapi.okx.example"
"""Somebody's mirror: it leads to the global site, works, and is published by nobody."""
HOSTS[MIRROR] = ("global", "live")

TEST_NAMES = tuple(name for name in HOSTS if name.endswith((".test", ".example")))
"""The names that the own DNS answers."""

CERTIFICATE_NAMES = (*HOSTS, "okx.com", "okx.test", "localhost", "127.0.0.1", "::1")

REST_NAME = {site: f"{rest[0]}.okx.test" for site, rest, _, _ in _SITES}
WS_NAME = {
    (site, environment): f"{name}.okx.test"
    for site, _, ws, demo in _SITES
    for environment, name in (("live", ws), ("demo", demo))
}
