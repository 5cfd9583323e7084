"""Fetching a missing issuer from the address that a certificate names.

A stranger chose that address. So: plain http only (RFC 5280 fetches are not protected by what they prove), ports 80 and
443, addresses that are global unicast, resolved once and connected as resolved, no redirect, little time, few
bytes. Where the target itself is on loopback, loopback is where its issuers are, on any port, and nothing else.
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


def allowed(address: str, port: int, *, loopback: bool) -> bool:
    """Whether a fetch may connect there."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if loopback:
        return parsed.is_loopback
    return port in (80, 443) and parsed.is_global and not parsed.is_multicast


async def fetch_issuer(
    url: str,
    *,
    resolve: Callable[[str], Awaitable[Lookup]],
    loopback: bool,
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
            addresses = tuple(a for a in found.addresses if allowed(a, port, loopback=loopback))
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
