"""nginx before the exchange, set up as people set it up: each of its usual mistakes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from lab_components import Lab, codes, own_certificate, wait_for_port
from lab_wire import BEYOND, NEAR4

GATEWAY = 9444
UPGRADE = "proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;"


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory, _lab: Lab) -> Path:
    """A certificate of the gateway's own (with its key), made by the openssl program; its own CA."""
    folder = tmp_path_factory.mktemp("gateway")
    own_certificate(folder)
    return folder


@pytest.fixture
def at_loopback(lab: Lab) -> Iterator[None]:
    """The exchange sees the gateway: the key is bound to its address."""
    lab.control("key", {"ip": [BEYOND]})
    yield
    lab.control("key", {"ip": [NEAR4]})


def nginx(lab: Lab, ca: Path, *locations: str, server: str = "", http: str = "") -> None:
    port = lab.ready["plain_rest_url"].rsplit(":", 1)[1]
    rest = [line.replace("EXCHANGE", f"http://127.0.0.1:{port}") for line in locations]
    conf = ca / "nginx.conf"
    conf.write_text(
        f"""
        daemon off; pid {ca}/pid; error_log stderr; user root; worker_processes 1;
        events {{ worker_connections 256; }}
        http {{
          access_log off; {http}
          client_body_temp_path {ca}/1; proxy_temp_path {ca}/2; fastcgi_temp_path {ca}/3; uwsgi_temp_path {ca}/4;
          scgi_temp_path {ca}/5;
          server {{
            listen 127.0.0.1:{GATEWAY} ssl; ssl_certificate {ca}/ca.pem; ssl_certificate_key {ca}/key.pem; {server}
            proxy_bind {BEYOND};
            {" ".join(rest)}
          }}
        }}
        """
    )
    lab.start(lab.wire.far, "nginx", "-p", str(ca), "-c", str(conf))
    wait_for_port(lab.wire, lab.wire.far, "127.0.0.1", GATEWAY)
    lab.serve_at(GATEWAY)


def through(more: str = "", path: str = "/") -> str:
    return f"location {path} {{ proxy_pass EXCHANGE; proxy_set_header Host $host; {UPGRADE} {more} }}"


def diagnosed(lab: Lab, ca: Path) -> list[str]:
    return codes(lab.doctor(ca=str(ca / "ca.pem")))


@pytest.mark.usefixtures("at_loopback")
def test_a_gateway_that_is_in_order(lab: Lab, ca: Path) -> None:
    nginx(lab, ca, through())
    assert diagnosed(lab, ca) == []


@pytest.mark.usefixtures("at_loopback")
def test_websockets_are_not_passed_on(lab: Lab, ca: Path) -> None:
    nginx(lab, ca, "location / { proxy_pass EXCHANGE; proxy_set_header Host $host; }")
    assert diagnosed(lab, ca) == ["ws.blocked"]


def test_nothing_behind_the_gateway(lab: Lab, ca: Path) -> None:
    nginx(lab, ca, "location / { proxy_pass http://127.0.0.1:9; }")
    assert diagnosed(lab, ca) == ["http.origin-down"]


def test_a_page_instead_of_the_exchange(lab: Lab, ca: Path) -> None:
    nginx(
        lab, ca, "location / { default_type text/html; return 200 '<html><body>Welcome to the hotel</body></html>'; }"
    )
    assert diagnosed(lab, ca) == ["http.captive-portal"]


@pytest.mark.usefixtures("at_loopback")
def test_the_gateway_keeps_the_time_of_the_exchange(lab: Lab, ca: Path) -> None:
    nginx(lab, ca, through(), through("proxy_cache kept; proxy_cache_valid 10m; proxy_ignore_headers Cache-Control;",
          "= /api/v5/public/time"), http=f"proxy_cache_path {ca}/kept keys_zone=kept:1m;")  # fmt: skip
    assert diagnosed(lab, ca) == ["clock.server-time-cached"]


@pytest.mark.usefixtures("at_loopback")
@pytest.mark.parametrize("header", ["OK-ACCESS-SIGN", "OK-ACCESS-PASSPHRASE", "OK-ACCESS-TIMESTAMP"])
def test_a_header_is_taken_away(lab: Lab, ca: Path, header: str) -> None:
    nginx(lab, ca, through(f'proxy_set_header {header} "";'))
    assert diagnosed(lab, ca) == ["header.missing"]


@pytest.mark.usefixtures("at_loopback")
def test_the_query_is_rewritten(lab: Lab, ca: Path) -> None:
    nginx(lab, ca, through("set $args $args&via=gateway;"))
    assert diagnosed(lab, ca) == ["signature.unexplained"]


def test_another_host_is_to_be_asked(lab: Lab, ca: Path) -> None:
    nginx(lab, ca, "location / { return 301 https://www.okx.com$request_uri; }")
    assert diagnosed(lab, ca) == ["http.captive-portal"]


@pytest.mark.usefixtures("at_loopback")
def test_every_request_becomes_one_of_demo_trading(lab: Lab, ca: Path) -> None:
    nginx(lab, ca, through("proxy_set_header x-simulated-trading 1;"))
    assert diagnosed(lab, ca) == ["key.wrong-environment"]


@pytest.mark.usefixtures("at_loopback")
def test_answers_are_compressed_on_the_way(lab: Lab, ca: Path) -> None:
    nginx(lab, ca, through("gzip on; gzip_types *; gzip_min_length 1; gzip_proxied any;"))
    assert diagnosed(lab, ca) == []


@pytest.mark.usefixtures("at_loopback")
def test_the_gateway_has_a_limit_of_its_own(lab: Lab, ca: Path) -> None:
    nginx(lab, ca, through("limit_req zone=few; limit_req_status 429;"),
          http="limit_req_zone $binary_remote_addr zone=few:1m rate=1r/s;")  # fmt: skip
    assert diagnosed(lab, ca) == ["http.edge-blocked"]
