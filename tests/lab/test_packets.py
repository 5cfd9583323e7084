"""A real packet filter between two hosts: what the kernel does to the packets is what the doctor names."""

from __future__ import annotations

import pytest
from lab_components import Lab, codes
from lab_wire import BEYOND, FAR4, FAR6

CLIENT_HELLO = f"ip daddr {FAR4} tcp dport 443 tcp flags & psh == psh meta length > 200"


def test_nothing_wrong(lab: Lab) -> None:
    report = lab.doctor()
    assert codes(report) == []
    assert report["exit_code"] == 0


@pytest.mark.parametrize(
    ("verdict", "cause"),
    [
        ("drop", "tcp.filtered"),
        ("reject with tcp reset", "tcp.refused"),
        ("reject with icmp type port-unreachable", "tcp.refused"),
        ("reject with icmp type host-unreachable", "tcp.unreachable"),
        ("reject with icmp type net-unreachable", "tcp.unreachable"),
        ("reject with icmp type admin-prohibited", "tcp.unreachable"),
    ],
)
def test_a_firewall_before_the_exchange(lab: Lab, verdict: str, cause: str) -> None:
    lab.wire.filter_near(f"ip daddr {FAR4} tcp dport 443 {verdict}")
    assert codes(lab.doctor()) == [cause]


def test_a_firewall_before_every_one_of_several_addresses(lab: Lab) -> None:
    """Each attempt takes the whole patience: they must not wait for each other."""
    places = [FAR4, *(f"23.32.0.{n}" for n in (61, 62, 63))]
    lab.names(*(f"--host-record={name}.okx.com,{place}" for name in ("openapi", "ws") for place in places))
    lab.wire.filter_near(f"ip daddr {{ {', '.join(places)} }} tcp dport 443 drop", "tcp dport 8443 drop")
    assert codes(lab.doctor()) == ["tcp.filtered"]


def test_a_firewall_on_the_other_side(lab: Lab) -> None:
    lab.wire.filter_far(f"ip daddr {FAR4} tcp dport 443 drop")
    assert codes(lab.doctor()) == ["tcp.filtered"]


def test_no_route(lab: Lab) -> None:
    lab.wire.no_route(FAR4)
    assert codes(lab.doctor()) == ["tcp.unreachable"]


def test_no_network(lab: Lab) -> None:
    lab.wire.unplug()
    report = lab.doctor()
    assert (codes(report), report["exit_code"]) == (["dns.resolver-down"], 1)


@pytest.mark.parametrize(("verdict", "cause"), [("reject with tcp reset", "tcp.refused"), ("drop", "http.timeout")])
def test_no_first_byte_passes(lab: Lab, verdict: str, cause: str) -> None:
    """Whatever name is in it: so it is not the name."""
    lab.wire.filter_near(f"{CLIENT_HELLO} {verdict}")
    report = lab.doctor()
    assert codes(report) == [cause]
    assert "tls.handshake-reset" in report["diagnosis"][0]["excluded"]


def test_names_and_time_pass_and_no_connection_does(lab: Lab) -> None:
    """A server's firewall as its provider sets it up: DNS and NTP out, nothing else."""
    lab.wire.filter_near("tcp dport != 53 drop")
    report = lab.doctor()
    assert codes(report) == ["tcp.filtered"]
    assert "TCP is dropped on the way out" in report["diagnosis"][0]["summary"]


def test_few_files_may_be_open(lab: Lab) -> None:
    assert codes(lab.doctor(before=("sh", "-c", 'ulimit -n 30; exec "$@"', "sh"))) == []


def test_only_the_websocket_is_filtered(lab: Lab) -> None:
    lab.names(f"--address=/ws.okx.com/{BEYOND}")
    lab.wire.filter_near(f"ip daddr {BEYOND} tcp dport 443 drop")
    assert codes(lab.doctor()) == ["tcp.filtered"]


def test_only_the_old_port_is_filtered(lab: Lab) -> None:
    lab.wire.filter_near("tcp dport 8443 drop")
    assert codes(lab.doctor("--ws-url", "wss://ws.okx.com:8443/ws/v5")) == ["tcp.port-8443-closed"]


def test_only_the_newer_family_is_filtered(lab: Lab) -> None:
    lab.names(f"--address=/okx.com/{FAR6}")
    lab.wire.filter_near(f"ip6 daddr {FAR6} drop")
    assert codes(lab.doctor()) == ["tcp.ipv6-broken"]


@pytest.mark.parametrize("options", ["timeout:5 attempts:2", "timeout:1 attempts:1"])
def test_a_wire_that_loses_packets_is_no_alarm(lab: Lab, options: str) -> None:
    """Questions for names too: as the C library asks when nothing is set, and as impatiently as it can."""
    lab.wire.resolve_by((BEYOND,), f"options {options}")
    lab.wire.filter_far("numgen random mod 100 < 1 drop")
    for _ in range(3):
        assert codes(lab.doctor()) == []
