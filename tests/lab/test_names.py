"""A real resolver with wrong answers, asked by the system's own way of looking up names."""

from __future__ import annotations

import pytest
from lab_components import Lab, codes
from lab_wire import BEYOND, FAR4

GONE = "23.32.0.55"
"""An address of the far side at which nobody is."""


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "10.11.12.13", "169.254.1.1"])
def test_an_address_that_cannot_be_the_exchange(lab: Lab, address: str) -> None:
    lab.names(f"--address=/openapi.okx.com/{address}")
    assert codes(lab.doctor()) == ["dns.poisoned"]


def test_a_name_that_does_not_exist(lab: Lab) -> None:
    lab.names("--address=/openapi.okx.com/")
    assert codes(lab.doctor()) == ["dns.name-not-found"]


def test_no_resolver_is_running(lab: Lab) -> None:
    lab.no_names()
    assert codes(lab.doctor()) == ["dns.resolver-down"]


def test_the_resolver_is_filtered(lab: Lab) -> None:
    lab.wire.filter_near(f"ip daddr {BEYOND} udp dport 53 drop")
    assert codes(lab.doctor()) == ["dns.resolver-down"]


def test_the_resolver_refuses(lab: Lab) -> None:
    lab.names("--server=/okx.com/127.0.0.1#9", only=True)
    assert codes(lab.doctor()) == ["dns.resolver-down"]


def test_a_dead_resolver_before_a_living_one_is_not_the_cause_of_anything_else(lab: Lab) -> None:
    lab.wire.resolve_by(("23.32.0.77", BEYOND))
    assert set(codes(lab.doctor())) <= {"dns.slow"}


def test_a_line_in_the_hosts_file_from_another_time(lab: Lab) -> None:
    lab.wire.know(f"{GONE} openapi.okx.com")
    lab.wire.no_route(GONE)
    report = lab.doctor()
    assert codes(report) == ["dns.poisoned"]
    assert "nobody answers" in report["diagnosis"][0]["summary"]


def test_a_search_list_takes_the_name_elsewhere(lab: Lab) -> None:
    """As in a container with ``ndots:5``: the name with the list's domain behind it is asked for first, and exists."""
    lab.names(f"--address=/okx.com.corp.example/{GONE}")
    lab.wire.no_route(GONE)
    lab.wire.resolve_by((BEYOND,), "search corp.example", "options ndots:5")
    assert codes(lab.doctor()) == ["dns.poisoned"]


@pytest.mark.parametrize(
    ("verdict", "cause"),
    [("reject with icmp type host-unreachable", "tcp.unreachable"), ("reject with tcp reset", "tcp.refused")],
)
def test_one_of_two_addresses_is_wrong_and_the_right_one_shut(lab: Lab, verdict: str, cause: str) -> None:
    lab.names(f"--host-record=openapi.okx.com,{FAR4}", "--host-record=openapi.okx.com,127.0.0.1")
    lab.wire.filter_near(f"ip daddr {FAR4} tcp dport 443 {verdict}")
    assert codes(lab.doctor()) == [cause, "dns.poisoned"]


def test_an_address_of_this_machine_beside_the_right_one(lab: Lab) -> None:
    """A resolver that answers AAAA with junk: the answer is wrong, IPv6 is not."""
    lab.names(*(f"--host-record={name}.okx.com,{FAR4},::1" for name in ("openapi", "ws")))
    assert codes(lab.doctor()) == ["dns.poisoned"]
