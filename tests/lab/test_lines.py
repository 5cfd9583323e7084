"""Long lines, healthy and sick: delay, jitter, loss, copies, another order, small packets, connections that are cut."""

from __future__ import annotations

import pytest
from lab_components import Lab, codes
from lab_wire import BEYOND

ROUTER = """
  chain post { type nat hook postrouting priority srcnat; policy accept; masquerade random; }
  chain in { type filter hook input priority 0; policy drop;
    iif lo accept
    ct state established,related accept
  }
"""


@pytest.mark.parametrize(
    "way",
    [
        {"delay_ms": 100, "jitter_ms": 50},
        {"loss": 0.01, "delay_ms": 10},
        {"twice": 0.1, "late": 0.1, "late_ms": 60, "delay_ms": 20},
        {"away_each": [1, 0.3]},
        {"mtu": 1280},
    ],
    ids=["far", "lossy", "copies-and-disorder", "bursts", "mtu-that-is-told"],
)
def test_a_line_that_is_ugly_and_works(lab: Lab, way: dict[str, object]) -> None:
    lab.line(both=way)
    report = lab.doctor()
    assert (codes(report), report["exit_code"]) == ([], 0)


def test_a_router_that_gives_other_ports_and_lets_nothing_in(lab: Lab) -> None:
    lab.wire.translate_near(ROUTER)
    lab.line(both={"delay_ms": 20}, mtu=1400)
    report = lab.doctor()
    assert (codes(report), report["exit_code"]) == ([], 0)


def test_large_packets_vanish_and_nobody_tells(lab: Lab) -> None:
    """A tunnel of 1300 bytes whose ICMP is filtered: the certificates do not arrive."""
    lab.line(down={"mtu": 1300, "tells": False})
    report = lab.doctor()
    assert codes(report) == ["http.timeout"]
    assert "ping -M do" in report["diagnosis"][0]["remedy"][0]


@pytest.mark.parametrize("how", ["silence", "reset"])
def test_whoever_names_the_host_is_cut_off(lab: Lab, how: str) -> None:
    lab.line({"after_bytes": 0, "containing": "okx.com", "how": how})
    report = lab.doctor()
    assert codes(report) == ["tls.handshake-reset"]
    assert report["diagnosis"][0]["confidence"] == "certain"


def test_websockets_are_cut_off_after_some_bytes(lab: Lab) -> None:
    lab.names(f"--address=/ws.okx.com/{BEYOND}")
    lab.line({"after_bytes": 3000, "direction": "down", "address": BEYOND, "how": "reset"})
    assert codes(lab.doctor())[0] == "ws.drops"


def test_the_network_goes_away_in_the_middle(lab: Lab) -> None:
    """Whatever was being asked: it is the network, and no key, no site and no WebSocket."""
    lab.line(both={"away": [[1.0, 99.0]]})
    report = lab.doctor()
    assert report["exit_code"] in (1, 3)
    assert {code.split(".")[0] for code in codes(report)} <= {"dns", "tcp", "http", "clock"}


def test_a_line_that_is_far_too_slow(lab: Lab) -> None:
    """What is answered in time is chance; that it is the line is not."""
    lab.line(both={"kbit": 64})
    report = lab.doctor("--timeout", "10")
    assert codes(report) or report["exit_code"] == 3
    assert set(codes(report)) <= {"http.timeout", "http.slow", "dns.slow"}
