"""Real proxies on the near host: tinyproxy (HTTP CONNECT) and microsocks (SOCKS5)."""

from __future__ import annotations

import pytest
from lab_components import Lab, codes, wait_for_port
from lab_wire import FAR4

AT = "127.0.0.1"
PORT = 3128


def tinyproxy(lab: Lab, *lines: str) -> None:
    conf = lab.folder / "tinyproxy.conf"
    conf.write_text(
        "\n".join(["User root", f"Port {PORT}", f"Listen {AT}", "Timeout 20", "MaxClients 100", *lines]) + "\n"
    )
    lab.start(lab.wire.near, "tinyproxy", "-d", "-c", str(conf))
    wait_for_port(lab.wire, lab.wire.near, AT, PORT)


def microsocks(lab: Lab, *options: str) -> None:
    lab.start(lab.wire.near, "microsocks", "-i", AT, "-p", str(PORT), *options)
    wait_for_port(lab.wire, lab.wire.near, AT, PORT)


def behind(lab: Lab) -> None:
    """The exchange is reached from the proxy's user only: not directly."""
    lab.wire.filter_near(f"ip daddr {FAR4} tcp dport 443 meta skuid 65534 drop")


@pytest.mark.parametrize("by", ["flag", "environment"])
def test_a_proxy_that_works(lab: Lab, by: str) -> None:
    tinyproxy(lab, "ConnectPort 443")
    url = f"http://{AT}:{PORT}"
    report = lab.doctor("--proxy", url) if by == "flag" else lab.doctor(env={"HTTPS_PROXY": url})
    assert codes(report) == []


def test_a_proxy_that_does_not_allow_the_port(lab: Lab) -> None:
    tinyproxy(lab, "ConnectPort 8080")
    assert codes(lab.doctor("--proxy", f"http://{AT}:{PORT}")) == ["proxy.forbidden"]


def test_a_proxy_that_asks_for_a_password(lab: Lab) -> None:
    tinyproxy(lab, "ConnectPort 443", "BasicAuth user open-sesame")
    assert codes(lab.doctor("--proxy", f"http://{AT}:{PORT}")) == ["proxy.auth-required"]
    assert codes(lab.doctor("--proxy", f"http://user:wrong@{AT}:{PORT}")) == ["proxy.auth-required"]
    assert codes(lab.doctor("--proxy", f"http://user:open-sesame@{AT}:{PORT}")) == []


def test_nothing_listens(lab: Lab) -> None:
    assert codes(lab.doctor("--proxy", f"http://{AT}:{PORT}")) == ["proxy.unreachable"]


def test_socks(lab: Lab) -> None:
    microsocks(lab)
    for scheme in ("socks5", "socks5h"):
        assert codes(lab.doctor("--proxy", f"{scheme}://{AT}:{PORT}")) == []


def test_socks_with_a_password(lab: Lab) -> None:
    microsocks(lab, "-u", "user", "-P", "open-sesame")
    assert codes(lab.doctor("--proxy", f"socks5h://{AT}:{PORT}")) == ["proxy.auth-required"]
    assert codes(lab.doctor("--proxy", f"socks5h://user:open-sesame@{AT}:{PORT}")) == []


def test_another_scheme_than_the_proxy_speaks(lab: Lab) -> None:
    microsocks(lab)
    assert codes(lab.doctor("--proxy", f"http://{AT}:{PORT}")) == ["proxy.scheme-wrong"]


def test_tls_to_a_proxy_that_speaks_none(lab: Lab) -> None:
    tinyproxy(lab, "ConnectPort 443")
    assert codes(lab.doctor("--proxy", f"https://{AT}:{PORT}")) == ["proxy.scheme-wrong"]


_MUTE = "import socket,sys,time; s=socket.create_server((sys.argv[1], int(sys.argv[2]))); time.sleep(600)"


def test_a_proxy_that_accepts_and_says_nothing(lab: Lab) -> None:
    lab.start(lab.wire.near, "python3", "-S", "-c", _MUTE, AT, str(PORT))
    wait_for_port(lab.wire, lab.wire.near, AT, PORT)
    assert codes(lab.doctor(env={"HTTPS_PROXY": f"http://{AT}:{PORT}"})) == ["proxy.unreachable"]


def test_the_proxy_s_resolver_leads_inside_as_ours_does(lab: Lab) -> None:
    lab.names("--address=/okx.com/10.1.1.1", only=True)
    microsocks(lab)
    assert codes(lab.doctor("--proxy", f"socks5h://{AT}:{PORT}")) == ["dns.poisoned"]
