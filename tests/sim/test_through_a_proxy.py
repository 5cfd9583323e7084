"""What goes wrong behind a proxy that does its work is not blamed on the proxy."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent.parent / "campaign"))

from trial import look
from worlds import World, Wrong


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        ("tcp-refused", "tcp.refused"),
        ("tcp-refused-one-host=ws", "tcp.refused"),
        ("tcp-filtered", "tcp.filtered"),
        ("tcp-refused-behind=close", "tcp.refused"),
        ("http-timeout-handshake", "http.timeout"),
        ("dns-name-not-found", "dns.name-not-found"),
        ("tls-expired", "tls.expired"),
        ("tls-not-tls=ssh", "tls.not-tls"),
        ("tls-handshake-reset", "tls.handshake-reset"),
        ("http-goaway-reused", "http.goaway"),
        ("proxy-forbidden=502", "proxy.forbidden"),
        ("proxy-unreachable=silent", "proxy.unreachable"),
    ],
)
def test_the_cause_is_the_same_with_a_proxy_before_it(fault: str, cause: str) -> None:
    world = World(kind="single", campaign=0, index=0, exchange_seed=2, vantage="outside", proxy=True,
                  wrong=(Wrong(text=fault, cause=cause),))  # fmt: skip
    seen, _ = look(world)
    assert seen.roots == (cause,)


@pytest.mark.parametrize("fault", ["tcp-refused-one-address", "dns-slow=800ms", "tcp-ipv6-broken"])
def test_what_the_proxy_gets_over_is_nobodys_trouble(fault: str) -> None:
    world = World(kind="single", campaign=0, index=0, exchange_seed=2, vantage="outside", proxy=True,
                  wrong=(Wrong(text=fault, cause="dns.slow"),))  # fmt: skip
    seen, _ = look(world)
    assert seen.roots == ()
