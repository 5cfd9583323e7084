"""REST over real sockets: sites by port and by name, faults that come and go, hostile peers, control."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
import time
from typing import Any
from urllib.parse import urlsplit

import pytest

CONFIG = "/api/v5/account/config"


def test_public_time_with_the_header_block_of_the_edge(served: Any, ask: Any) -> None:
    status, headers, body = ask("GET", "/api/v5/public/time")
    assert status == 200
    assert abs(int(json.loads(body)["data"][0]["ts"]) - served.clock.now_ms()) < 5_000
    assert headers["content-type"] == "application/json"
    assert headers["server"] == "cloudflare"
    assert headers["cf-ray"].endswith("-FRA")
    assert headers["date"].endswith(" GMT")
    assert not [name for name in headers if "ratelimit" in name or name == "retry-after"]


def test_a_signed_request_with_header_names_in_any_case(served: Any, ask: Any) -> None:
    status, _, body = ask("GET", CONFIG, signed=True)
    assert (status, json.loads(body)["data"][0]["perm"]) == (200, "read_only,trade")
    assert ask("GET", "/api/v5/account/balance?ccy=BTC%2CETH", signed=True)[0] == 200
    order = (
        '{"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "limit", "px": "10000.1", "sz": "0.001"}'
    )
    status, _, body = ask("POST", "/api/v5/trade/order", signed=True, body=order)
    assert (status, json.loads(body)["code"]) == (200, "0")


@pytest.mark.parametrize(("index", "name"), [(0, "global"), (2, "eea"), (4, "us")])
def test_a_site_is_chosen_by_port_and_by_name(served: Any, ask: Any, index: int, name: str) -> None:
    assert served.info.sites[index].name == name
    by_port = ask("GET", CONFIG, site=index, port_of=index, signed=True)
    assert by_port[0] == 200
    wrong = ask("GET", CONFIG, site=index, port_of=(index + 2) % 6, signed=True)
    assert (wrong[0], json.loads(wrong[2])["code"]) == (401, "50119")
    host = urlsplit(served.info.sites[index].named_rest_url).hostname
    assert ask("GET", CONFIG, site=index, port_of=0, host=host, signed=True)[0] == 200


def test_demo_is_the_same_host_with_a_header(served: Any, ask: Any) -> None:
    assert ask("GET", CONFIG, site=1, signed=True, headers={"x-simulated-trading": "1"})[0] == 200
    status, _, body = ask("GET", CONFIG, site=1, signed=True)
    assert (status, json.loads(body)["code"]) == (401, "50101")
    status, _, body = ask("GET", CONFIG, site=0, signed=True, headers={"x-simulated-trading": "1"})
    assert (status, json.loads(body)["code"]) == (401, "50101")


@pytest.mark.parametrize(
    ("fault", "status", "mark"),
    [
        ("http-edge-blocked", 403, b"Cloudflare Ray ID"),
        ("http-region-blocked=451", 451, b"not available in your region"),
        ("http-origin-down=525", 525, b"525"),
        ("http-captive-portal=redirect", 302, b""),
        ("http-captive-portal=page", 200, b"Guest network"),
        ("http-not-json=html", 200, b"<!DOCTYPE html>"),
        ("http-not-json=empty", 200, b""),
    ],
)
def test_pages_of_the_edge(served: Any, ask: Any, fault: str, status: int, mark: bytes) -> None:
    served.faults.turn_on(fault)
    got, headers, body = ask("GET", "/api/v5/public/time")
    assert got == status
    assert mark in body
    assert b'"code"' not in body
    assert ("cf-ray" in headers) == ("portal" not in fault)
    if got == 302:
        assert headers["location"].startswith("http://portal.")
        assert headers["server"] != "cloudflare"
    served.faults.turn_off(fault)
    assert ask("GET", "/api/v5/public/time")[0] == 200


@pytest.mark.parametrize("phase", ["headers", "body"])
def test_an_answer_that_stops(served: Any, ask: Any, phase: str) -> None:
    served.faults.turn_on(f"http-timeout={phase}")
    where = urlsplit(served.info.plain_rest_url)
    with socket.create_connection((where.hostname, where.port), timeout=0.4) as peer:
        peer.sendall(b"GET /api/v5/public/time HTTP/1.1\r\nHost: x\r\n\r\n")
        received = b""
        try:
            while chunk := peer.recv(4096):
                received += chunk
        except TimeoutError:
            pass
        else:
            pytest.fail("the connection was ended")
    assert (b"200 OK" in received) == (phase == "body")
    assert not received.endswith(b"}")


def test_a_slow_answer_is_slow(served: Any, ask: Any) -> None:
    served.faults.turn_on("http-slow=300ms")
    start = time.monotonic()
    assert ask("GET", "/api/v5/public/time")[0] == 200
    assert time.monotonic() - start >= 0.3


def test_a_dropped_header_and_a_rewritten_timestamp(served: Any, ask: Any) -> None:
    served.faults.turn_on("header-missing=passphrase")
    assert json.loads(ask("GET", CONFIG, signed=True)[2])["code"] == "50104"
    served.faults.clear()
    served.faults.turn_on("timestamp-format=micros")
    assert json.loads(ask("GET", CONFIG, signed=True)[2])["code"] == "50112"


def test_a_cached_time_is_identical_and_ages(served: Any, ask: Any) -> None:
    served.faults.turn_on("clock-server-time-cached=20s")
    first, second = (ask("GET", "/api/v5/public/time") for _ in range(2))
    assert first[2] == second[2]
    assert int(first[1]["age"]) >= 20


def test_rate_limit_headers_that_contradict(served: Any, ask: Any) -> None:
    served.faults.turn_on("ratelimit-headers-inconsistent=stuck")
    seen = [ask("GET", "/api/v5/market/ticker?instId=BTC-USDT")[1] for _ in range(3)]
    assert [each["x-ratelimit-used"] for each in seen] == ["1", "1", "1"]


def test_faults_compose_and_a_bad_one_changes_nothing(served: Any, ask: Any) -> None:
    from okxdoctor.exchange.faults import BadFaultValue

    before = served.clock.now_ms()
    served.faults.turn_on("clock-ahead=45s", "key-frozen", "http-slow=10ms")
    assert abs(served.clock.now_ms() - before + 45_000) < 10_000
    status, _, body = ask("GET", CONFIG, signed=True)
    assert (status, json.loads(body)["code"]) == (400, "50100")
    with pytest.raises(BadFaultValue):
        served.faults.turn_on("ws-silent", "clock-ahead=soon")
    assert [each.name for each in served.faults.on] == ["clock-ahead", "key-frozen", "http-slow"]
    served.faults.clear()
    assert abs(served.clock.now_ms() - before) < 10_000
    assert ask("GET", CONFIG, signed=True)[0] == 200


def test_an_expired_certificate_and_back(served: Any, ask: Any) -> None:
    served.faults.turn_on("tls-expired")
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        ask("GET", "/api/v5/public/time")
    served.faults.clear()
    assert ask("GET", "/api/v5/public/time")[0] == 200


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x00\xff\xfe garbage\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"A: " + b"b" * 200_000 + b"\r\n\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
        b"POST /api/v5/trade/order HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"POST /api/v5/trade/order HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        b"GET /api/v5/public/time HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
def test_garbage_ends_its_own_connection_only(served: Any, ask: Any, garbage: bytes) -> None:
    where = urlsplit(served.info.plain_rest_url)
    with socket.create_connection((where.hostname, where.port), timeout=3) as peer:
        answer = b""
        # The server may have closed before the last byte was sent: the connection is then gone (ENOTCONN, EPIPE) at
        # any of these calls.
        with contextlib.suppress(OSError):
            peer.sendall(garbage)
            peer.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionError):
            while chunk := peer.recv(65536):
                answer += chunk
    assert not answer.startswith(b"HTTP/1.1 200")
    assert b"Traceback" not in answer
    assert ask("GET", "/api/v5/public/time")[0] == 200


def test_a_body_over_the_limit_is_refused(served: Any, ask: Any) -> None:
    status, _, body = ask("POST", "/api/v5/trade/order", body="x" * 2_000_000)
    assert (status, json.loads(body)["code"]) == (413, "413")


def test_many_half_open_connections_do_not_stop_others(served: Any, ask: Any) -> None:
    where = urlsplit(served.info.rest_url)
    idle = [socket.create_connection((where.hostname, where.port), timeout=3) for _ in range(60)]
    try:
        for peer in idle:
            peer.sendall(b"\x16\x03\x01")
        assert ask("GET", "/api/v5/public/time")[0] == 200
    finally:
        for peer in idle:
            peer.close()


def control(served: Any, method: str, path: str, body: object = None, **headers: str) -> tuple[int, Any]:
    where = urlsplit(served.info.control_url)
    connection = http.client.HTTPConnection("127.0.0.1", where.port, timeout=10)
    try:
        raw = None if body is None else json.dumps(body)
        connection.request(
            method, f"/__control__{path}", body=raw, headers={"Content-Type": "application/json", **headers}
        )
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def test_control_moves_the_clock_and_switches_faults(served: Any, ask: Any) -> None:
    status, index = control(served, "GET", "")
    assert status == 200
    assert "POST /__control__/faults" in index["actions"]
    status, faults = control(served, "POST", "/faults", {"on": ["clock-ahead=45s"]})
    assert (status, [(each["name"], each["value"]) for each in faults["on"]]) == (200, [("clock-ahead", 45.0)])
    status, wrong = control(served, "POST", "/faults", {"on": ["nonsense"]})
    assert status == 400
    assert "nonsense" in wrong["error"]
    assert control(served, "POST", "/faults", {"clear": True})[1]["on"] == []
    before = control(served, "GET", "/clock")[1]["now_ms"]
    assert control(served, "POST", "/clock", {"step_s": 3600})[1]["now_ms"] >= before + 3_600_000
    control(served, "POST", "/clock", {"step_s": -3600})
    assert control(served, "POST", "/clock", {"rate": -1})[0] == 400
    assert control(served, "GET", "/nowhere")[0] == 404


def test_control_refuses_other_hosts_and_origins(served: Any, ask: Any) -> None:
    assert control(served, "GET", "/faults", Host="evil.example")[0] == 403
    assert control(served, "POST", "/faults", {"clear": True}, Origin="https://evil.example")[0] == 403
    assert control(served, "POST", "/faults", {"clear": True}, Origin="null")[0] == 403
    assert control(served, "POST", "/faults", {"clear": True}, **{"Content-Type": "text/plain"})[0] == 415
    assert control(served, "GET", "/faults", Origin="http://localhost:8080")[0] == 200
    assert ask("GET", "/__control__/faults")[0] == 404


def test_the_log_has_no_secret(served: Any, ask: Any) -> None:
    ask("GET", CONFIG, signed=True)
    entries = control(served, "GET", "/log")[1]["entries"]
    last = entries[-1]
    assert (last["method"], last["target"], last["status"], last["detail"]) == ("GET", CONFIG, 200, "0")
    assert "ok-access-sign" in last["headers"]
    text = json.dumps(entries) + repr(served.wire_log.entries()) + repr(served) + repr(served.info)
    for site in served.info.sites:
        assert site.secret_key not in text
        assert site.passphrase not in text


def test_http2_is_offered_under_goaway_only_and_ends_after_its_streams(served: Any) -> None:
    import httpx

    context = ssl.create_default_context(cafile=served.info.ca_file)

    ports: list[int] = []

    def ask_repeatedly(client: httpx.Client, count: int) -> list[str]:
        answers = []
        for _ in range(count):
            answer = client.get("/api/v5/market/books?instId=BTC-USDT&sz=400")
            answers.append(f"{answer.http_version} {answer.status_code}")
            ports.append(answer.extensions["network_stream"].get_extra_info("client_addr")[1])
        return answers

    def client() -> httpx.Client:
        return httpx.Client(verify=context, http2=True, base_url=served.info.rest_url, trust_env=False, timeout=10)

    with client() as healthy:
        assert ask_repeatedly(healthy, 2) == ["HTTP/1.1 200"] * 2
    served.faults.turn_on("http-goaway=3")
    with client() as ended:
        ports.clear()
        assert ask_repeatedly(ended, 7) == ["HTTP/2 200"] * 7
        assert [ports.count(port) for port in dict.fromkeys(ports)] == [3, 3, 1]
    served.faults.clear()
    with client() as healthy:
        assert ask_repeatedly(healthy, 1) == ["HTTP/1.1 200"]


@pytest.mark.parametrize("sent", [b"", b"GET /api/v5/public/time HTTP/1.1\r\nHost: x\r\nA: "])
def test_a_peer_that_never_finishes_its_request_is_cut(
    served: Any, ask: Any, sent: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("okxdoctor.exchange.serving.web.PATIENCE_S", 0.2)
    where = urlsplit(served.info.plain_rest_url)
    with socket.create_connection((where.hostname, where.port), timeout=5) as peer:
        peer.sendall(sent)
        try:
            assert peer.recv(4096) == b""
        except ConnectionResetError:
            pass
    assert ask("GET", "/api/v5/public/time")[0] == 200


def test_a_body_that_never_ends_is_refused(served: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("okxdoctor.exchange.serving.web.PATIENCE_S", 0.2)
    where = urlsplit(served.info.plain_rest_url)
    with socket.create_connection((where.hostname, where.port), timeout=5) as peer:
        peer.sendall(b"POST /api/v5/trade/order HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        assert peer.recv(4096).startswith(b"HTTP/1.1 408")
