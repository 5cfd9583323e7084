"""haproxy, varnish, Apache and Caddy before the exchange: in order, and set up as people set them up."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lab_components import Lab, codes, own_certificate, wait_for_port
from lab_wire import BEYOND, NEAR4

FRONT, BEHIND = 9445, 9446
LOOPBACK = "127.0.0.1"
PACKAGES = {"haproxy": "haproxy", "varnishd": "varnish", "apache2": "apache2-bin", "caddy": "caddy"}


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory, _lab: Lab) -> Path:
    """Certificate and key of the front in one file, made by the openssl program; its own CA."""
    folder = tmp_path_factory.mktemp("front")
    own_certificate(folder)
    (folder / "both.pem").write_text((folder / "ca.pem").read_text() + (folder / "key.pem").read_text())
    return folder


@pytest.fixture
def start(lab: Lab, pem: Path) -> Iterator[Callable[..., None]]:
    """``start(port, PROGRAM, …)`` on the far host; the key is bound to the address that the exchange sees then."""

    def go(port: int, *command: str) -> None:
        if shutil.which(command[0], path="/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/bin") is None:
            pytest.skip(f"the lab needs a program that is not here: apt-get install {PACKAGES[command[0]]}")
        lab.start(lab.wire.far, *command)
        wait_for_port(lab.wire, lab.wire.far, LOOPBACK, port)
        if port == FRONT:
            lab.serve_at(FRONT)

    lab.control("key", {"ip": [BEYOND, LOOPBACK]})
    yield go
    lab.control("key", {"ip": [NEAR4]})


Start = Callable[..., None]


def exchange(lab: Lab) -> str:
    return f"{LOOPBACK}:{lab.ready['plain_rest_url'].rsplit(':', 1)[1]}"


def haproxy(start: Start, pem: Path, upstream: str, *front: str, limits: str = "") -> None:
    conf = pem / "haproxy.cfg"
    lines = [
        "global", "expose-experimental-directives",
        "defaults", "mode http", "timeout client 30s", "timeout server 30s", "timeout connect 3s", "timeout tunnel 1m",
        limits, "frontend front", f"bind {LOOPBACK}:{FRONT} ssl crt {pem}/both.pem alpn h2,http/1.1", *front,
        "default_backend back", "backend back", f"source {BEYOND}", f"server one {upstream}" if upstream else "",
    ]  # fmt: skip
    conf.write_text("\n".join(lines) + "\n")
    start(FRONT, "haproxy", "-db", "-f", str(conf))


def varnish(start: Start, pem: Path, upstream: str, receive: str, more: str = "") -> None:
    host, _, port = upstream.partition(":")
    conf = pem / "varnish.vcl"
    conf.write_text(
        f"""vcl 4.1; import std;
        backend default {{ .host = "{host}"; .port = "{port}"; }}
        sub vcl_recv {{ if (req.http.upgrade) {{ return (pipe); }} {receive} }}
        sub vcl_pipe {{
          set bereq.http.upgrade = req.http.upgrade; set bereq.http.connection = req.http.connection;
        }}
        {more}
        """
    )
    start(
        BEHIND, "varnishd", "-j", "none", "-F", "-a", f"{LOOPBACK}:{BEHIND}", "-f", str(conf),
        "-n", str(pem / "varnish"), "-s", "malloc,16m",
    )  # fmt: skip
    haproxy(start, pem, f"{LOOPBACK}:{BEHIND}")


def apache(start: Start, pem: Path, *lines: str) -> None:
    modules = ("mpm_event", "authz_core", "headers", "proxy", "proxy_http", "socache_shmcb", "ssl")
    conf = pem / "apache.conf"
    conf.write_text(
        "\n".join([
            f"ServerRoot {pem}", f"PidFile {pem}/apache.pid", f"Listen {LOOPBACK}:{FRONT}", "ErrorLog /dev/stderr",
            "ServerName openapi.okx.com", f"DefaultRuntimeDir {pem}", "User www-data", "Group www-data",
            *(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so" for name in modules),
            f"<VirtualHost {LOOPBACK}:{FRONT}>", "SSLEngine on", f"SSLCertificateFile {pem}/ca.pem",
            f"SSLCertificateKeyFile {pem}/key.pem", "ProxyPreserveHost On", *lines, "</VirtualHost>", "",
        ])
    )  # fmt: skip
    start(FRONT, "apache2", "-DFOREGROUND", "-f", str(conf))


def caddy(start: Start, pem: Path, *lines: str) -> None:
    conf = pem / "Caddyfile"
    site = [f":{FRONT} {{", f"bind {LOOPBACK}", f"tls {pem}/ca.pem {pem}/key.pem", *lines, "}", ""]
    conf.write_text("\n".join(["{", "admin off", "auto_https off", "}", *site]))
    start(FRONT, "caddy", "run", "--config", str(conf), "--adapter", "caddyfile")


def diagnosed(lab: Lab, pem: Path, *flags: str) -> list[str]:
    """What the report names. That the list has a private address is so here, and beside the matter."""
    return [code for code in codes(lab.doctor(*flags, ca=str(pem / "ca.pem"))) if code != "ip.private-listed"]


def test_haproxy_in_order(lab: Lab, pem: Path, start: Start) -> None:
    haproxy(start, pem, exchange(lab))
    assert diagnosed(lab, pem) == []


def test_haproxy_sorts_the_query(lab: Lab, pem: Path, start: Start) -> None:
    haproxy(start, pem, exchange(lab), "http-request normalize-uri query-sort-by-name")
    assert diagnosed(lab, pem) == ["signature.unexplained"]


def test_haproxy_keeps_private_paths_back(lab: Lab, pem: Path, start: Start) -> None:
    haproxy(start, pem, exchange(lab), "http-request deny if { path_beg /api/v5/account /api/v5/trade /api/v5/asset }")
    assert diagnosed(lab, pem) == ["http.edge-blocked"]


def test_haproxy_counts_requests(lab: Lab, pem: Path, start: Start) -> None:
    haproxy(
        start, pem, exchange(lab), "stick-table type ip size 1k expire 10s store http_req_rate(10s)",
        "http-request track-sc0 src", "http-request deny deny_status 429 if { sc_http_req_rate(0) gt 5 }",
    )  # fmt: skip
    assert diagnosed(lab, pem) == ["http.edge-blocked"]


def test_haproxy_has_nobody_behind_it(lab: Lab, pem: Path, start: Start) -> None:
    haproxy(start, pem, "")
    assert diagnosed(lab, pem) == ["http.origin-down"]


def test_varnish_in_order(lab: Lab, pem: Path, start: Start) -> None:
    varnish(start, pem, exchange(lab), "return (pass);")
    assert diagnosed(lab, pem) == []


def test_varnish_sorts_the_query(lab: Lab, pem: Path, start: Start) -> None:
    varnish(start, pem, exchange(lab), "set req.url = std.querysort(req.url); return (pass);")
    assert diagnosed(lab, pem) == ["signature.unexplained"]


def test_varnish_keeps_every_answer(lab: Lab, pem: Path, start: Start) -> None:
    varnish(
        start, pem, exchange(lab), 'if (req.method == "GET") { return (hash); } return (pass);',
        "sub vcl_backend_response { set beresp.ttl = 60s; unset beresp.http.cache-control; return (deliver); }",
    )  # fmt: skip
    assert diagnosed(lab, pem) == ["clock.server-time-cached"]


def test_apache_does_not_pass_websockets(lab: Lab, pem: Path, start: Start) -> None:
    apache(start, pem, f"ProxyPass / http://{exchange(lab)}/")
    assert diagnosed(lab, pem) == ["ws.blocked"]


def test_apache_takes_no_header_of_that_size_and_no_upgrade(lab: Lab, pem: Path, start: Start) -> None:
    apache(start, pem, "LimitRequestFieldSize 42", f"ProxyPass / http://{exchange(lab)}/")
    assert diagnosed(lab, pem)[0] == "http.edge-blocked"


def test_caddy_in_order(lab: Lab, pem: Path, start: Start) -> None:
    caddy(start, pem, f"reverse_proxy {exchange(lab)}")
    assert diagnosed(lab, pem) == []


def test_caddy_that_knows_no_such_site(lab: Lab, pem: Path, start: Start) -> None:
    """It answers 200 with nothing."""
    caddy(start, pem)
    assert diagnosed(lab, pem) == ["http.not-json"]


def test_caddy_wants_a_password(lab: Lab, pem: Path, start: Start) -> None:
    hashed = "$2a$14$Zkx19XLiW6VYouLHR5NmfOFU0z2GTNmpkT/5qqR7hx4IjWJPDhjvG"
    caddy(start, pem, "basicauth {", f"somebody {hashed}", "}", f"reverse_proxy {exchange(lab)}")
    assert diagnosed(lab, pem) == ["http.edge-blocked"]
