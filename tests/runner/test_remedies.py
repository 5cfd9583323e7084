"""A command to type names the host that was measured, not the one of the example."""

from __future__ import annotations

import pytest

from okxdoctor.knowledge.systems import ANYWHERE, System
from okxdoctor.model import Finding
from okxdoctor.runner.diagnose import diagnose, vocabulary
from okxdoctor.runner.remedies import addressed


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("nc -vz openapi.okx.com 443   # Windows: Test-NetConnection openapi.okx.com -Port 443",
         "nc -vz gw.test 9443   # Windows: Test-NetConnection gw.test -Port 9443"),
        ("openssl s_client -connect openapi.okx.com:443 </dev/null",
         "openssl s_client -connect gw.test:9443 </dev/null"),
        ("openssl s_client -connect HOST:443 -tls1_2 </dev/null",
         "openssl s_client -connect gw.test:9443 -tls1_2 </dev/null"),
        ("curl -si https://openapi.okx.com/api/v5/public/time", "curl -si https://gw.test:9443/api/v5/public/time"),
        ("sudo traceroute -T -p 443 openapi.okx.com", "sudo traceroute -T -p 9443 gw.test"),
        ("Use openapi.okx.com (global)", "Use openapi.okx.com (global)"),
    ],
)  # fmt: skip
def test_commands_are_addressed_and_prose_is_not(line: str, wanted: str) -> None:
    assert addressed((line,), {"host": "gw.test", "port": 9443}) == (wanted,)


def test_without_host_and_port_nothing_changes() -> None:
    line = ("curl -si https://openapi.okx.com/api/v5/public/time",)
    for evidence in (
        {},
        {"host": "x"},
        {"port": 1},
        {"host": None, "port": 2},
        {"host": "openapi.okx.com", "port": 443},
    ):
        assert addressed(line, evidence) == line


def test_an_ipv6_address_is_bracketed() -> None:
    line = ("openssl s_client -connect openapi.okx.com:443",)
    assert addressed(line, {"host": "::1", "port": 9443}) == ("openssl s_client -connect [::1]:9443",)


@pytest.mark.parametrize(
    ("system", "first", "last"),
    [
        (System(name="Linux", family="Debian"), "sudo timedatectl set-ntp true", "okxdoctor run --only 'clock.*'"),
        (System(name="macOS"), "sudo sntp -sS time.apple.com", "okxdoctor run --only 'clock.*'"),
        (System(name="Windows"), "w32tm /resync /force", 'okxdoctor run --only "clock.*"'),
        (ANYWHERE, "Linux: sudo timedatectl set-ntp true", "okxdoctor run --only 'clock.*'"),
    ],
)
def test_a_diagnosis_tells_what_can_be_typed_on_that_system(system: System, first: str, last: str) -> None:
    (root,) = diagnose([Finding(code="clock.ahead", summary="45 s", evidence={})], vocabulary(), system=system)
    assert root.remedy[0].startswith(first)
    assert root.remedy[-1].startswith(last)


def test_what_a_check_tells_to_type_is_told_for_that_system_too() -> None:
    found = Finding(
        code="proxy.unreachable", summary="dead", evidence={}, remedy=("unset HTTPS_PROXY   # if none is meant",)
    )
    (root,) = diagnose([found], vocabulary(), system=System(name="Windows"))
    assert root.remedy == ("Remove-Item Env:HTTPS_PROXY   # if none is meant",)


def test_the_command_of_another_system_asks_the_measured_host_too() -> None:
    found = Finding(code="tcp.refused", summary="no", evidence={"host": "gw.test", "port": 9443})
    (root,) = diagnose([found], vocabulary(), system=System(name="Windows"))
    assert root.remedy[0] == "Test-NetConnection gw.test -Port 9443"
