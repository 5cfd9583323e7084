"""DNS over HTTPS (RFC 8484), asked only to confirm a suspicion: dnspython's packets over our own HTTP client."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from urllib.parse import urlsplit

from okxdoctor import __version__
from okxdoctor.port import Lookup
from okxdoctor.targets.live.hosts import ascii_host
from okxdoctor.targets.live.http import HttpClient, Reply, Sending
from okxdoctor.targets.live.nameserver import Question

_MEDIA = "application/dns-message"


async def ask_doh(name: str, url: str, *, client: HttpClient, timeout_s: float) -> Lookup:
    """Both families from one service. Total: a failure is an outcome; ``resolver`` is the URL."""
    started = time.monotonic()
    asked = Lookup(name=name, resolver=url, outcome="error")
    try:
        parts = urlsplit(url)
        host, port = ascii_host(parts.hostname or ""), parts.port or 443
        question = Question(name)
    except ValueError as error:
        return replace(asked, detail=type(error).__name__)
    if parts.scheme != "https" or not host:
        return replace(asked, detail="not an https URL")
    detail = ""

    async def ask(packet: bytes) -> Reply:
        headers = (
            ("Host", host if port == 443 else f"{host}:{port}"),
            ("Accept", _MEDIA),
            ("Content-Type", _MEDIA),
            ("Content-Length", str(len(packet))),
            ("User-Agent", f"okxdoctor/{__version__}"),
        )
        return await client.exchange(
            Sending(
                method="POST",
                scheme="https",
                host=host,
                port=port,
                target=parts.path or "/dns-query",
                headers=lambda: headers,
                body=packet,
                timeout_s=timeout_s,
                limit=65535,
            )
        )

    # Both families at once: a service that is silent costs the patience for one answer, not for two; and a place in
    # the pool that does not come free costs no more.
    try:
        async with asyncio.timeout(timeout_s):
            replies = await asyncio.gather(*map(ask, question.queries()))
    except TimeoutError:
        return replace(asked, detail="timeout", elapsed_ms=round((time.monotonic() - started) * 1000, 3))
    for reply in replies:
        if reply.status == 200:
            question.take(reply.body)
        else:
            detail = reply.failure.kind if reply.failure else f"HTTP {reply.status}"
    outcome, addresses, canonical = question.verdict()
    return Lookup(
        name=name,
        resolver=url,
        outcome="error" if outcome == "timeout" else outcome,
        addresses=addresses,
        canonical=canonical,
        elapsed_ms=round((time.monotonic() - started) * 1000, 3),
        detail=detail,
    )
