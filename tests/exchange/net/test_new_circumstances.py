"""The rarer faults of names, ports and certificates, seen with the eyes of other programs."""

from __future__ import annotations

import errno
import socket
import ssl
import subprocess
import time
from pathlib import Path
from typing import Any

import dns.exception
import dns.flags
import dns.message
import dns.query
import pytest

from okxdoctor.exchange.net.plan import SIDE_ADDRESS

REST, WS = "openapi.okx.test", "ws.okx.test"


def query(world: Any, name: str = REST, kind: str = "A", *, tcp: bool = False, message: Any = None) -> Any:
    server = world.edge.program_dns
    ask = dns.query.tcp if tcp else dns.query.udp
    return ask(message or dns.message.make_query(name, kind), server.host, port=server.port, timeout=0.3)


def addresses(answer: Any) -> list[str]:
    return [str(record) for rrset in answer.answer for record in rrset]


# ---- names ----------------------------------------------------------------------------------------


def test_a_truncating_resolver_gives_nothing_over_tcp(world: Any) -> None:
    world.inject("dns-resolver-down-truncated")
    answer = query(world)
    assert answer.flags & dns.flags.TC
    assert addresses(answer) == []
    with pytest.raises(dns.exception.Timeout):
        query(world, tcp=True)


def test_an_answer_under_a_foreign_id(world: Any) -> None:
    world.inject("dns-resolver-down=garbled")
    asked = dns.message.make_query(REST, "A")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(2)
        sock.sendto(asked.to_wire(), (world.edge.program_dns.host, world.edge.program_dns.port))
        answer = dns.message.from_wire(sock.recv(4096))
    assert answer.id != asked.id
    assert not asked.is_response(answer)


def test_a_lost_packet_is_answered_when_it_comes_again(world: Any) -> None:
    world.inject("dns-slow-lossy")
    asked = dns.message.make_query(REST, "A")
    with pytest.raises(dns.exception.Timeout):
        query(world, message=asked)
    assert addresses(query(world, message=asked)) == ["127.0.0.1"]


def test_only_questions_for_ipv6_are_slow(world: Any) -> None:
    world.inject("dns-slow-ipv6")
    began = time.monotonic()
    assert addresses(query(world)) == ["127.0.0.1"]
    four_s = time.monotonic() - began
    with pytest.raises(dns.exception.Timeout):
        query(world, kind="AAAA")
    assert four_s < 0.3


def test_a_foreign_address_comes_first(world: Any) -> None:
    world.inject("dns-poisoned-partly")
    assert addresses(query(world)) == ["169.254.0.2", "127.0.0.1"]


# ---- ports ----------------------------------------------------------------------------------------


def connected(address: str, port: int) -> str:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.settimeout(0.2)
        try:
            sock.connect((address, port))
        except TimeoutError:
            return "timeout"
        except OSError as error:
            return errno.errorcode[error.errno or 0]
        return "connected"


@pytest.mark.parametrize(
    ("fault", "address", "expected"),
    [
        ("tcp-refused-one-host", SIDE_ADDRESS, "ECONNREFUSED"),
        ("tcp-filtered-one-host", SIDE_ADDRESS, "timeout"),
        ("tcp-filtered-one-address", SIDE_ADDRESS, "timeout"),
        ("tcp-ipv6-broken", "::1", "ECONNREFUSED"),
        ("tcp-ipv6-broken=filtered", "::1", "timeout"),
    ],
)
def test_the_side_is_shut_and_the_front_is_open(world: Any, fault: str, address: str, expected: str) -> None:
    world.inject(fault)
    assert connected(address, world.port) == expected
    assert connected("127.0.0.1", world.port) == "connected"
    world.inject()
    assert connected(address, world.port) == "ECONNREFUSED"


@pytest.mark.parametrize("how", ["reset", "close"])
def test_nobody_is_behind_a_forwarder(world: Any, how: str) -> None:
    world.inject(f"tcp-refused-behind={how}")

    def first_byte() -> bytes:
        with socket.create_connection(("127.0.0.1", world.port), timeout=5) as sock:
            return sock.recv(1)

    if how == "close":
        assert first_byte() == b""
    else:
        with pytest.raises(ConnectionResetError):
            first_byte()


def test_large_packets_are_lost_and_small_ones_pass(world: Any) -> None:
    world.inject("http-timeout-handshake=large-packets")
    context = world.context()
    with (
        socket.create_connection(("127.0.0.1", world.port), timeout=0.3) as raw,
        pytest.raises(TimeoutError),
        context.wrap_socket(raw, server_hostname=REST),
    ):
        pass
    # An alert is a small packet: a client without a version in common with the server hears of it.
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{world.port}", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"],
        input=b"", capture_output=True, timeout=10, check=False,
    )  # fmt: skip
    assert b"alert" in done.stderr + done.stdout


# ---- certificates -----------------------------------------------------------------------------------


def said_by_openssl(world: Any, openssl: str, name: str, *options: str) -> str:
    command = [openssl, "s_client", "-connect", f"127.0.0.1:{world.port}", "-servername", name, "-CAfile",
               world.root_file, "-verify_hostname", name, *options]  # fmt: skip
    done = subprocess.run(command, input=b"", capture_output=True, timeout=10, check=False)
    return (done.stdout + done.stderr).decode()


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("tls-expired-issuer", "certificate has expired"),
        ("tls-expires-soon-issuer", "Verify return code: 0 (ok)"),
        ("tls-hostname-mismatch-wildcard", "hostname mismatch"),
        ("tls-self-signed-authority", "self-signed certificate"),
        ("tls-incomplete-chain-wrong-issuer", "unable to get local issuer certificate"),
        ("tls-incomplete-chain-unfetchable", "unable to get local issuer certificate"),
        ("http-slow-handshake", "Verify return code: 0 (ok)"),
    ],
)
def test_certificates(world: Any, openssl: str, fault: str, said: str) -> None:
    world.inject(fault)
    told = said_by_openssl(world, openssl, REST)
    assert said in told.replace("self signed", "self-signed"), told


def test_a_common_name_alone_is_a_name_for_few(world: Any) -> None:
    world.inject("tls-hostname-mismatch-no-names")
    context = world.context()
    assert world.get(context=context).startswith(b"hello")  # OpenSSL falls back to it, unless it is told not to
    context.hostname_checks_common_name = False  # as urllib3 has it, and browsers
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        world.get(context=context)


def test_the_missing_issuer_is_nowhere_to_be_had(world: Any) -> None:
    url = world.edge.authority.aia_url
    port = int(url.split(":")[2].partition("/")[0])
    assert connected("127.0.0.1", port) == "connected"
    world.inject("tls-incomplete-chain-unfetchable")
    assert connected("127.0.0.1", port) == "ECONNREFUSED"
    world.inject()
    assert connected("127.0.0.1", port) == "connected"


# ---- proxies ----------------------------------------------------------------------------------------


def by_proxy(world: Any, curl: str, *options: str) -> subprocess.CompletedProcess[bytes]:
    command = [curl, "-sS", "-m", "3", "--noproxy", "", "--cacert", world.root_file, *options]
    return subprocess.run([*command, f"https://{REST}:{world.port}/"], capture_output=True, timeout=10, check=False)


def test_a_rejected_login_is_not_the_right_one(world: Any, curl: str, tmp_path: Path) -> None:
    world.inject("proxy-auth-required-rejected")
    url = world.edge.proxy_url
    assert "@" in url
    assert b"407" in by_proxy(world, curl, "--proxy", url).stderr
    right = f"{world.edge.proxy_user}:{world.edge.proxy_password}"
    assert right not in url
    plain = f"http://{url.rpartition('@')[2]}"
    assert by_proxy(world, curl, "--proxy", plain, "--proxy-user", right).stdout.startswith(b"hello")


def test_a_socks_proxy_in_the_proxys_place(world: Any, curl: str) -> None:
    world.inject("proxy-scheme-wrong-socks")
    url = world.edge.proxy_url
    assert url.startswith("http://")
    assert by_proxy(world, curl, "--proxy", url).returncode != 0
    right = url.replace("http://", "socks5h://")
    assert by_proxy(world, curl, "--proxy", right).stdout.startswith(b"hello")
    world.inject("proxy-forbidden-socks")
    assert by_proxy(world, curl, "--proxy", right).returncode == 97  # CURLE_PROXY
    world.inject("proxy-auth-required-socks")
    assert by_proxy(world, curl, "--proxy", right).returncode == 97


@pytest.mark.parametrize(("fault", "code"), [("proxy-unreachable=filtered", 28), ("proxy-unreachable=silent", 28)])
def test_a_proxy_that_does_not_answer(world: Any, curl: str, fault: str, code: int) -> None:
    world.inject(fault)
    assert by_proxy(world, curl, "--proxy", world.edge.proxy_url, "-m", "0.4").returncode == code


def test_a_proxy_that_hangs_up(world: Any, curl: str) -> None:
    world.inject("proxy-forbidden=hang-up")
    assert by_proxy(world, curl, "--proxy", world.edge.proxy_url).returncode == 56  # CURLE_RECV_ERROR
