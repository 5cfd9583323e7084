"""Fetching a missing issuer from the address that a certificate names.

A stranger chose that address. So: plain http only (the fetch proves nothing, the signature does), ports 80 and 443,
addresses that are global unicast, resolved once and connected as resolved, no redirect, little time, few bytes. Only
where the target itself has an address inside (private, loopback) may its issuer be fetched from the same kind of
address, on loopback from any port.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from okxdoctor.port import Lookup
from okxdoctor.targets.live.broken import Broken
from okxdoctor.targets.live.hosts import ascii_host
from okxdoctor.targets.live.ledger import Ledger
from okxdoctor.targets.live.wire import race

LIMIT = 65536
_MOST_S = 3.0


def allowed(address: str, port: int, *, beside: str) -> bool:
    """Whether a fetch may connect there, for a target that was reached at the address ``beside``."""
    try:
        there, here = ipaddress.ip_address(address), ipaddress.ip_address(beside)
    except ValueError:
        return False
    if there.is_loopback:
        return here.is_loopback
    if port not in (80, 443) or there.is_multicast or there.is_unspecified or there.is_link_local:
        return False
    return there.is_global or (there.is_private and here.is_private)


async def fetch_issuer(
    url: str,
    *,
    resolve: Callable[[str], Awaitable[Lookup]],
    beside: str,
    ledger: Ledger,
    timeout_s: float,
) -> bytes:
    """The body of a 200 answer, ``b""`` for everything else."""
    try:
        parts = urlsplit(url)
        host, port = ascii_host(parts.hostname or ""), parts.port or 80
    except ValueError:
        return b""
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if parts.scheme.lower() != "http" or not host or not target.isascii() or any(c <= " " for c in target):
        return b""
    try:
        async with asyncio.timeout(min(timeout_s, _MOST_S)):
            found = await resolve(host)
            addresses = tuple(a for a in found.addresses if allowed(a, port, beside=beside))
            if not addresses:
                return b""
            wire, _ = await race(addresses, port, stagger_s=0.25, ledger=ledger)
            if wire is None:
                return b""
            try:
                # HTTP/1.0: no chunks, the end of the connection is the end of the body.
                await wire.write(f"GET {target} HTTP/1.0\r\nHost: {host}:{port}\r\n\r\n".encode("ascii"))
                answer = b""
                while len(answer) <= LIMIT:
                    more = await wire.read()
                    if not more:
                        break
                    answer += more
            finally:
                wire.close()
    except (Broken, OSError):
        return b""
    head, _, body = answer.partition(b"\r\n\r\n")
    words = head.split(None, 2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or words[1] != b"200" or len(answer) > LIMIT:
        return b""
    return body
