"""A real resolver with wrong answers, asked by the system's own way of looking up names."""

from __future__ import annotations

import pytest
from lab_components import Lab, codes
from lab_wire import BEYOND


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
