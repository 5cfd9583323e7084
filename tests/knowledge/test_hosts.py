"""Host names: the published ones, the retired ones, and what is neither."""

from __future__ import annotations

import datetime
import ipaddress

import pytest

from okxdoctor.knowledge import hosts


@pytest.mark.parametrize(
    ("site", "rest", "ws", "demo"),
    [
        ("global", ("openapi.okx.com", "www.okx.com"), "ws.okx.com", "wspap.okx.com"),
        ("eea", ("eea.okx.com",), "wseea.okx.com", "wseeapap.okx.com"),
        ("us", ("us.okx.com",), "wsus.okx.com", "wsuspap.okx.com"),
        ("tr", ("tr.okx.com",), "", ""),
    ],
)
def test_sites(site: str, rest: tuple[str, ...], ws: str, demo: str) -> None:
    row = hosts().site(site)
    assert (row.rest, row.ws, row.demo_ws) == (rest, ws, demo)
    for name in row.all:
        assert hosts().site_of(name) is row
        assert hosts().retirement(name) is None
        assert hosts().mistake(name) is None


def test_no_other_site() -> None:
    with pytest.raises(KeyError):
        hosts().site("moon")


def test_names_are_compared_as_dns_does() -> None:
    found = hosts().site_of("WsEEA.okx.COM.")
    assert found is not None
    assert found.name == "eea"
    assert hosts().site_of("ws.okx.com.evil.example") is None
    assert hosts().site_of("notokx.com") is None


@pytest.mark.parametrize(
    ("name", "successor"),
    [
        ("www.okex.com", "openapi.okx.com"),
        ("OKEX.com", "openapi.okx.com"),
        ("ws.okex.com", "ws.okx.com"),
        ("real.okex.com", "ws.okx.com"),
        ("anything.okex.com", "openapi.okx.com"),
        ("aws.okx.com", "openapi.okx.com"),
        ("wsaws.okx.com", "ws.okx.com"),
        ("okex.me", "openapi.okx.com"),
    ],
)
def test_retired_names_have_a_successor_that_is_published(name: str, successor: str) -> None:
    row = hosts().retirement(name)
    assert row is not None
    assert row.successor == successor
    assert hosts().site_of(successor) is not None


def test_a_name_that_only_ends_like_a_retired_one_is_not_retired() -> None:
    assert hosts().retirement("notokex.com") is None
    assert hosts().retirement("okex.com.example") is None
    assert hosts().retirement("") is None


def test_names_that_never_were_api_hosts() -> None:
    for name in ("okx.com", "api.okx.com", "demo.okx.com"):
        row = hosts().mistake(name)
        assert row is not None
        assert hosts().site_of(row.use) is not None
        assert hosts().site_of(name) is None


def test_controls_are_global_addresses_of_others() -> None:
    control = hosts().control
    assert control.names
    assert not [name for name in control.names if "okx" in name]
    for address in (*control.addresses, *control.addresses_v6):
        host, _, port = address.rpartition(":")
        assert ipaddress.ip_address(host.strip("[]")).is_global
        assert port == "443"


def test_the_end_of_port_8443() -> None:
    legacy = hosts().legacy_ws_port
    assert (legacy.port, legacy.successor, legacy.ends) == (8443, 443, datetime.date(2026, 10, 31))


def test_every_row_has_source_date_and_grade() -> None:
    known = hosts()
    rows = (*known.sites, *known.retired, *known.mistaken, known.legacy_ws_port)
    for source, grade, seen in [(row.source, row.grade, row.seen) for row in rows]:  # type: ignore[attr-defined]
        assert len(source) >= 8
        assert grade in {"documented", "observed", "assumed"}
        assert datetime.date.fromisoformat(seen) < datetime.date(2027, 1, 1)
