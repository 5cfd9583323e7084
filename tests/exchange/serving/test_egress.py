"""By which address a connection is seen: by turns, and over IPv6 as well."""

from __future__ import annotations

import json
import ssl
from http.client import HTTPSConnection
from urllib.parse import urlsplit

import pytest

from okxdoctor.exchange import serve
from okxdoctor.exchange.faults import parse


def seen_by(host: str, port: int, ca_file: str, exchange: object, requests: int = 2) -> list[str]:
    """The peer that the wire log tells for each request of one connection."""
    context = ssl.create_default_context(cafile=ca_file)
    context.check_hostname = False
    connection = HTTPSConnection(host, port, context=context, timeout=10)
    before = len(exchange.wire_log.entries())  # type: ignore[attr-defined]
    for _ in range(requests):
        connection.request("GET", "/api/v5/public/time")
        assert json.loads(connection.getresponse().read())["code"] == "0"
    connection.close()
    return [entry.peer for entry in exchange.wire_log.entries()[before:]]  # type: ignore[attr-defined]


def test_new_connections_leave_by_turns_and_each_keeps_its_address() -> None:
    with serve(seed=1, faults=[parse("ip-egress-unstable=203.0.113.80")]) as exchange:
        port = urlsplit(exchange.info.rest_url).port or 0
        peers = [seen_by("127.0.0.1", port, exchange.info.ca_file, exchange) for _ in range(4)]
    assert all(len(set(each)) == 1 for each in peers)
    assert [each[0] for each in peers] == ["127.0.0.1", "203.0.113.80"] * 2


def test_ipv6_is_served_while_the_fault_is_on() -> None:
    with serve(seed=1, faults=[parse("ip-family-mismatch")]) as exchange:
        port = urlsplit(exchange.info.rest_url).port or 0
        try:
            peers = seen_by("::1", port, exchange.info.ca_file, exchange)
        except OSError:
            pytest.skip("this machine has no IPv6 loopback")
        assert set(peers) == {"::1"}
