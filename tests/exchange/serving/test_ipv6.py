"""An exchange on ``::1``: every address that it tells can be used as it stands."""

from __future__ import annotations

import json
import socket
import ssl
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import dns.message
import dns.query
import ntplib
import pytest
from websockets.sync.client import connect

from okxdoctor.exchange import serve
from okxdoctor.exchange.faults import catalogue
from okxdoctor.settings.addresses import host_port


def _no_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return False
    except OSError:
        return True


pytestmark = pytest.mark.skipif(_no_ipv6(), reason="this machine has no IPv6 loopback")


@pytest.fixture(scope="module")
def served() -> Iterator[Any]:
    with serve(seed=36, host="::1") as exchange:
        yield exchange


def _get(served: Any, url: str) -> Any:
    context = ssl.create_default_context(cafile=served.info.ca_file)
    with urllib.request.urlopen(url, timeout=10, context=context) as answer:
        return json.load(answer)


def test_rest_of_every_site(served: Any) -> None:
    urls = {site.rest_url for site in served.info.sites} | {served.info.plain_rest_url}
    assert len(urls) == 4
    for url in urls:
        assert urlsplit(url).hostname == "::1"
        assert _get(served, f"{url}/api/v5/public/time")["code"] == "0"
    assert "now_ms" in _get(served, f"{served.info.control_url}/clock")


def test_websocket(served: Any) -> None:
    context = ssl.create_default_context(cafile=served.info.ca_file)
    for url in (served.info.ws_url, served.info.plain_ws_url):
        with connect(f"{url}/public", ssl=context if url.startswith("wss") else None) as wire:
            wire.send("ping")
            assert wire.recv(timeout=10) == "pong"


def test_name_and_time_servers(served: Any) -> None:
    host, port = host_port(served.info.dns_server, "here", None)
    question = dns.message.make_query("www.okx.test", "AAAA")
    (found,) = dns.query.udp(question, host, timeout=10, port=port).answer
    assert [each.address for each in found] == ["::1"]
    assert dns.query.tcp(question, host, timeout=10, port=port).answer == [found]
    for server in served.info.ntp_servers:
        host, port = host_port(server, "here", None)
        with closing(socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)) as asker:
            asker.settimeout(10)
            asker.sendto(ntplib.NTPPacket(version=4, mode=3, tx_timestamp=3_900_000_000).to_data(), (host, port))
            said = ntplib.NTPPacket()
            said.from_data(asker.recv(512))
        assert abs(ntplib.ntp_to_system_time(said.tx_timestamp) - served.clock.now_ns() / 1e9) < 60


def test_faults_around_it_come_and_go(served: Any) -> None:
    for fault in (fault for fault in catalogue() if fault.layer in ("dns", "tcp", "proxy", "tls")):
        served.faults.turn_on(fault.example)
    served.faults.clear()
    assert _get(served, f"{served.info.rest_url}/api/v5/public/time")["code"] == "0"
    assert served.wire_log.defects == []


def test_the_proxy(served: Any) -> None:
    proxy = urlsplit(served.info.proxy_url)
    port = urlsplit(served.info.rest_url).port
    with socket.create_connection((proxy.hostname, proxy.port), timeout=10) as peer:
        peer.sendall(f"CONNECT [::1]:{port} HTTP/1.1\r\nHost: [::1]:{port}\r\n\r\n".encode())
        assert peer.recv(4_096).split(b" ")[1] == b"200"
