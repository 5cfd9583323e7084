"""Certificates follow the clocks: valid by this machine's and by the exchange's, or by neither."""

from __future__ import annotations

import socket
import ssl
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography import x509

from okxdoctor.exchange import Bench, Clock, serve
from okxdoctor.exchange.net.ca import VALID_FROM, VALID_UNTIL, Authority, lifetime

DAY = timedelta(days=1)
NOW = datetime(2026, 11, 22, tzinfo=UTC)


def leaf_of(served: Any, *, verify: bool = True) -> x509.Certificate:
    """The certificate that a new connection is shown."""
    context = ssl.create_default_context(cafile=served.info.ca_file)
    if not verify:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    at = urlsplit(served.info.rest_url)
    with (
        socket.create_connection((at.hostname, at.port), timeout=5) as raw,
        context.wrap_socket(raw, server_hostname="openapi.okx.test") as secured,
    ):
        der = secured.getpeercert(binary_form=True)
    assert der is not None
    return x509.load_der_x509_certificate(der)


def holds(leaf: x509.Certificate, *times: datetime) -> bool:
    return all(leaf.not_valid_before_utc <= at <= leaf.not_valid_after_utc for at in times)


@pytest.mark.parametrize(
    ("begins", "ends", "expected"),
    [
        (VALID_FROM, VALID_UNTIL, (NOW - DAY, NOW + 1490 * DAY)),  # valid by both
        (-93 * DAY, -3 * DAY, (NOW - 93 * DAY, NOW - 3 * DAY)),  # over by both
        (3 * DAY, 93 * DAY, (NOW + 1403 * DAY, NOW + 1493 * DAY)),  # not begun by either
        (-87 * DAY, 3 * DAY, (NOW - 87 * DAY, NOW + 1403 * DAY)),  # about to end by the later one, over by neither
    ],
)
def test_what_two_clocks_make_of_a_lifetime(begins: timedelta, ends: timedelta, expected: Any) -> None:
    assert lifetime((NOW, NOW + 1400 * DAY), begins, ends) == expected
    assert lifetime((NOW, NOW), begins, ends) == (NOW + begins, NOW + ends)


def test_authorities_outlive_every_clock() -> None:
    authority = Authority()
    for pem in (authority.root_pem, authority.issuing_pem):
        certificate = x509.load_pem_x509_certificate(pem)
        assert holds(certificate, datetime(1971, 1, 1, tzinfo=UTC), datetime(8999, 12, 31, tzinfo=UTC))


@pytest.mark.parametrize("year", [1999, 2030, 2400])
def test_an_exchange_in_another_year_shows_a_valid_certificate(year: int) -> None:
    there = datetime(year, 6, 1, tzinfo=UTC)
    real = datetime.now(UTC)
    clock = Clock(lambda: int(datetime.now(UTC).timestamp() * 1e9), at_ms=int(there.timestamp() * 1000))
    with serve(clock=clock) as served:
        assert holds(leaf_of(served), there, real)
        served.faults.turn_on("tls-expired=3d")
        leaf = leaf_of(served, verify=False)
        assert leaf.not_valid_after_utc < min(real, there)


def test_a_clock_that_jumps_takes_the_certificates_along() -> None:
    with serve() as served:
        bench = Bench(served)
        first = leaf_of(served)
        bench.advance(3_600)
        assert leaf_of(served).serial_number == first.serial_number
        bench.advance(400 * 86_400)
        later = leaf_of(served)
        assert holds(later, datetime.now(UTC), datetime.now(UTC) + 400 * DAY)
        bench.inject("clock-behind=4000d")
        assert holds(leaf_of(served), datetime.now(UTC), datetime.now(UTC) + 4400 * DAY)
        bench.lift()
        bench.inject("tls-expires-soon=2d")
        left = leaf_of(served).not_valid_after_utc - datetime.fromtimestamp(served.clock.now_ms() / 1000, UTC)
        assert abs(left - 2 * DAY) < timedelta(minutes=2)
        bench.advance(86_400)
        left = leaf_of(served).not_valid_after_utc - datetime.fromtimestamp(served.clock.now_ms() / 1000, UTC)
        assert abs(left - 2 * DAY) < timedelta(minutes=2)
