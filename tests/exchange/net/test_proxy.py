"""Proxies as curl and bare sockets use them."""

from __future__ import annotations

import base64
import http.client
import socket
import ssl
import subprocess
from typing import Any

import pytest

from okxdoctor.exchange.net.proxying import ProxyBehaviour, ProxyRequest
from okxdoctor.exchange.net.socks import SocksProxy

REST = "openapi.okx.test"
HELLO = b"hello from openapi.okx.test:"


def fetch(curl: str, world: Any, *options: str, scheme: str = "https") -> subprocess.CompletedProcess[bytes]:
    port = world.port if scheme == "https" else world.plain_port
    command = [curl, "-sS", "-m", "5", "--noproxy", "", "--cacert", world.root_file, *options]
    return subprocess.run([*command, f"{scheme}://{REST}:{port}/"], capture_output=True, check=False)


def connect(world: Any, target: str = "", *lines: str) -> http.client.HTTPResponse:
    """The proxy's answer to a CONNECT sent by a bare socket."""
    port = int(world.edge.proxy_url.rpartition(":")[2])
    sock = socket.create_connection(("127.0.0.1", port), timeout=5)
    target = target or f"{REST}:{world.port}"
    sock.sendall("\r\n".join([f"CONNECT {target} HTTP/1.1", f"Host: {target}", *lines, "", ""]).encode())
    answer = http.client.HTTPResponse(sock, method="CONNECT")
    answer.begin()
    sock.close()
    return answer


# ---- HTTP proxy --------------------------------------------------------------------------------


def test_tunnel(curl: str, world: Any) -> None:
    world.edge.proxy.requests.clear()
    done = fetch(curl, world, "--proxy", world.edge.proxy_url)
    assert done.stdout.startswith(HELLO)
    assert list(world.edge.proxy.requests) == [ProxyRequest(method="CONNECT", host=REST, port=world.port, outcome=200)]


def test_plain_request_is_forwarded_in_origin_form(curl: str, world: Any) -> None:
    done = fetch(curl, world, "--proxy", world.edge.proxy_url, scheme="http")
    assert done.stdout.startswith(HELLO)


def test_credentials_are_wanted(curl: str, world: Any) -> None:
    world.inject("proxy-auth-required")
    answer = connect(world)
    assert answer.status == 407
    assert answer.getheader("Proxy-Authenticate", "").startswith("Basic ")
    edge = world.edge
    right = f"{edge.proxy_user}:{edge.proxy_password}"
    for given in (f"{edge.proxy_user}:wrong", f"other:{edge.proxy_password}", ":"):
        token = base64.b64encode(given.encode()).decode()
        assert connect(world, "", f"Proxy-Authorization: Basic {token}").status == 407
    assert connect(world, "", f"Proxy-Authorization: Bearer {right}").status == 407
    assert fetch(curl, world, "--proxy", edge.proxy_url, "--proxy-user", right).stdout.startswith(HELLO)


@pytest.mark.parametrize("status", [403, 405, 451])
def test_refusal(world: Any, status: int) -> None:
    world.inject(f"proxy-forbidden={status}")
    assert connect(world).status == status


def test_closed_port(world: Any) -> None:
    world.inject("proxy-unreachable")
    with pytest.raises(ConnectionRefusedError):
        connect(world)
    world.inject()
    assert connect(world).status == 200


def test_tls_to_a_plain_proxy_is_answered_at_once(world: Any) -> None:
    world.inject("proxy-scheme-wrong=https")
    scheme, _, address = world.edge.proxy_url.partition("://")
    assert scheme == "https"
    host, _, port = address.partition(":")
    with socket.create_connection((host, int(port)), timeout=5) as sock, pytest.raises(ssl.SSLError) as caught:
        world.context().wrap_socket(sock, server_hostname=host)
    assert caught.value.reason == "WRONG_VERSION_NUMBER"


def test_socks_to_an_http_proxy(curl: str, world: Any) -> None:
    world.inject("proxy-scheme-wrong=socks5")
    assert world.edge.proxy_url.startswith("socks5://")
    done = fetch(curl, world, "--proxy", world.edge.proxy_url)
    assert done.returncode == 97  # CURLE_PROXY


def test_closed_target(world: Any) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        assert connect(world, f"{REST}:{nobody.getsockname()[1]}").status == 502


@pytest.mark.parametrize("target", ["/path", "x", ":99999", "[::1"])
def test_nonsense_target(world: Any, target: str) -> None:
    assert connect(world, target).status in (400, 502)


@pytest.mark.parametrize("said", [b"\x16\x03\x01\x02\x00", b"GET\r\n\r\n", b"G" * 70_000, b"GET / SPDY/3\r\n\r\n"])
def test_nonsense(world: Any, said: bytes) -> None:
    port = int(world.edge.proxy_url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
        sock.sendall(said)
        assert sock.recv(100).startswith(b"HTTP/1.1 400 ")


def test_hanging_proxy(world: Any) -> None:
    world.inject("proxy-unreachable=silent")
    port = int(world.edge.proxy_url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=0.2) as sock:
        sock.sendall(f"CONNECT {REST}:443 HTTP/1.1\r\n\r\n".encode())
        with pytest.raises(TimeoutError):
            sock.recv(1)


def test_inspecting_proxy_shows_its_own_certificate(curl: str, world: Any) -> None:
    world.inject("tls-intercepted-by-proxy")
    done = fetch(curl, world, "--proxy", world.edge.proxy_url)
    assert done.returncode == 60  # CURLE_PEER_FAILED_VERIFICATION
    done = fetch(curl, world, "--proxy", world.edge.proxy_url, "--insecure")
    assert done.stdout.startswith(HELLO)


def test_password_stays_out_of_repr() -> None:
    assert "open-sesame" not in repr(ProxyBehaviour(user="u", password="open-sesame"))


# ---- SOCKS5 proxy ------------------------------------------------------------------------------


@pytest.fixture
def socks(world: Any) -> Any:
    proxy = SocksProxy({REST: ("127.0.0.1",)})
    world.run(proxy.start())
    yield proxy
    world.run(proxy.close())


def test_socks_tunnel_by_name(curl: str, world: Any, socks: SocksProxy) -> None:
    done = fetch(curl, world, "--proxy", f"socks5h://127.0.0.1:{socks.port}")
    assert done.stdout.startswith(HELLO)
    assert list(socks.requests) == [ProxyRequest(method="SOCKS5", host=REST, port=world.port, outcome=0)]


def test_socks_tunnel_by_address(curl: str, world: Any, socks: SocksProxy) -> None:
    resolve = f"{REST}:{world.port}:127.0.0.1"
    done = fetch(curl, world, "--proxy", f"socks5://127.0.0.1:{socks.port}", "--resolve", resolve)
    assert done.stdout.startswith(HELLO)
    assert socks.requests[0].host == "127.0.0.1"


def test_socks_credentials(curl: str, world: Any, socks: SocksProxy) -> None:
    socks.behaviour = ProxyBehaviour(user="u", password="p")
    assert fetch(curl, world, "--proxy", f"socks5h://u:p@127.0.0.1:{socks.port}").stdout.startswith(HELLO)
    for given in ("", "u:wrong@", "x:p@"):
        done = fetch(curl, world, "--proxy", f"socks5h://{given}127.0.0.1:{socks.port}")
        assert done.returncode == 97


@pytest.mark.parametrize(("password", "status"), [(b"\x01p", 0), (b"\x01q", 1), (b"\x00", 1)])
def test_socks_password_in_octets(world: Any, socks: SocksProxy, password: bytes, status: int) -> None:
    """RFC 1929: version 1, length and user, length and password; status 0 lets in, any other ends it."""
    socks.behaviour = ProxyBehaviour(user="u", password="p")
    with socket.create_connection(("127.0.0.1", socks.port), timeout=5) as sock:
        sock.sendall(b"\x05\x02\x00\x02")
        assert sock.recv(2) == b"\x05\x02"
        sock.sendall(b"\x01\x01u" + password)
        assert sock.recv(2) == bytes([1, status])
        if status:
            assert sock.recv(1) == b""


# RFC 1928 octet by octet: greeting, request → method, reply
GREETING, NO_AUTH = b"\x05\x01\x00", b"\x05\x00"


@pytest.mark.parametrize(
    ("behaviour", "request_", "reply"),
    [
        (ProxyBehaviour(), b"\x05\x01\x00\x01\x7f\x00\x00\x01\x00\x01", 5),  # nobody is on port 1: refused
        (ProxyBehaviour(), b"\x05\x02\x00\x01\x7f\x00\x00\x01\x00\x50", 7),  # BIND: command not supported
        (ProxyBehaviour(), b"\x05\x01\x00\x09", 8),  # address type not supported
        (ProxyBehaviour(refusal=403), b"\x05\x01\x00\x03\x06a.test\x01\xbb", 2),  # not allowed by ruleset
    ],
)
def test_socks_replies(world: Any, socks: SocksProxy, behaviour: ProxyBehaviour, request_: bytes, reply: int) -> None:
    socks.behaviour = behaviour
    with socket.create_connection(("127.0.0.1", socks.port), timeout=5) as sock:
        sock.sendall(GREETING)
        assert sock.recv(2) == NO_AUTH
        sock.sendall(request_)
        assert sock.recv(10) == bytes([5, reply, 0, 1]) + bytes(6)
        assert sock.recv(1) == b""


@pytest.mark.parametrize("said", [b"GET / HTTP/1.1\r\n\r\n", b"\x04\x01", b"\x05\x01\x02"])
def test_socks_wants_version_5_and_a_method_it_has(world: Any, socks: SocksProxy, said: bytes) -> None:
    with socket.create_connection(("127.0.0.1", socks.port), timeout=5) as sock:
        sock.sendall(said)
        assert sock.recv(2) in (b"", b"\x05\xff")
