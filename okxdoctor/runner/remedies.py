"""Remedies of the vocabulary, addressed: the example host in a command becomes the host that was measured. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import ip_address

from okxdoctor.model import Json

EXAMPLE_HOST, EXAMPLE_PORT = "openapi.okx.com", 443
_COMMANDS = re.compile(
    r"(?:\w+: )?(?:openssl|curl|curl\.exe|nc|sudo traceroute|getent|resolvectl|Test-NetConnection|Resolve-DnsName) "
)


def addressed(remedy: tuple[str, ...], evidence: Mapping[str, Json]) -> tuple[str, ...]:
    """The lines with commands asking the host and port of the evidence, where it has both; others as they are."""
    host, port = evidence.get("host"), evidence.get("port")
    if not isinstance(host, str) or not isinstance(port, int) or not host or (host, port) == (EXAMPLE_HOST, 443):
        return remedy
    return tuple(_one(line, host, port) if _COMMANDS.match(line) else line for line in remedy)


def _one(line: str, host: str, port: int) -> str:
    shown = f"[{host}]" if _is_v6(host) else host
    where = f"{shown}:{port}"
    web = shown if port == EXAMPLE_PORT else where
    for old, new in (
        (f"{EXAMPLE_HOST}:{EXAMPLE_PORT}", where),
        (f"HOST:{EXAMPLE_PORT}", where),
        ("HOST:PORT", where),
        (f"{EXAMPLE_HOST} {EXAMPLE_PORT}", f"{host} {port}"),
        (f"{EXAMPLE_HOST} -Port {EXAMPLE_PORT}", f"{host} -Port {port}"),
        (f"-p {EXAMPLE_PORT} {EXAMPLE_HOST}", f"-p {port} {host}"),
        (f"https://{EXAMPLE_HOST}/", f"https://{web}/"),
        (EXAMPLE_HOST, host),
    ):
        line = line.replace(old, new)
    return line


def _is_v6(host: str) -> bool:
    try:
        return ip_address(host).version == 6
    except ValueError:
        return False
