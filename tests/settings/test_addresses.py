"""Addresses as text: what is understood, and the one line for what is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okxdoctor.settings import UsageProblem
from okxdoctor.settings.addresses import endpoint, host_port, route


@pytest.mark.parametrize(
    ("role", "url", "shown", "host", "port", "base"),
    [
        ("rest", "https://openapi.okx.com", "https://openapi.okx.com", "openapi.okx.com", 443, ""),
        ("rest", "https://WWW.OKX.com/", "https://www.okx.com", "www.okx.com", 443, ""),
        ("rest", "https://www.okx.com:443/api/v5/", "https://www.okx.com", "www.okx.com", 443, ""),
        ("rest", "http://127.0.0.1:8080/gate", "http://127.0.0.1:8080/gate", "127.0.0.1", 8080, "/gate"),
        ("rest", "https://[::1]:8443", "https://[::1]:8443", "::1", 8443, ""),
        ("rest", "https://bücher.example", "https://xn--bcher-kva.example", "xn--bcher-kva.example", 443, ""),
        ("ws", "wss://ws.okx.com", "wss://ws.okx.com/ws/v5", "ws.okx.com", 443, "/ws/v5"),
        ("ws", "wss://ws.okx.com:8443/ws/v5/public", "wss://ws.okx.com:8443/ws/v5", "ws.okx.com", 8443, "/ws/v5"),
        ("ws", "ws://localhost:9/ws/v5/", "ws://localhost:9/ws/v5", "localhost", 9, "/ws/v5"),
        ("ws", "wss://h/gate", "wss://h/gate/ws/v5", "h", 443, "/gate/ws/v5"),
    ],
)
def test_endpoints(role: str, url: str, shown: str, host: str, port: int, base: str) -> None:
    place = endpoint(role, url, "--x")  # type: ignore[arg-type]
    assert (place.url, place.host, place.port, place.base) == (shown, host, port, base)
    assert place.tls == url.startswith(("https", "wss"))
    assert endpoint(role, place.url, "--x") == place, "what is shown can be typed again"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "url",
    [
        "",
        " ",
        "openapi.okx.com",
        "www.okx.com:443",
        "ftp://h",
        "wss://h",
        "https://",
        "https:///path",
        "https://h:0",
        "https://h:70000",
        "https://h:x",
        "https://h?x=1",
        "https://h#x",
        "https://h/?",
        "https://h h",
        "https://h\n",
        "https://[::1",
        "https://-bad-",
        "https://a..b",
        "https://u:canarycanary@h",
        "https://" + "a" * 300,
        "https://ex\u2028ample",
        "https://\ud800",
        "https://https://h",
        "http:https://h",
        "https://h/api/v5/public/time",
        "https://h/gw/api/v5/x/",
    ],
)
def test_bad_rest_urls_are_one_clear_line(url: str) -> None:
    with pytest.raises(UsageProblem) as problem:
        endpoint("rest", url, "--rest-url")
    assert problem.value.message.startswith("--rest-url: ")
    assert "\n" not in str(problem.value)
    assert "canary" not in str(problem.value)


@given(st.text(max_size=40))
def test_any_url_is_an_endpoint_or_a_usage_problem(text: str) -> None:
    for role in ("rest", "ws"):
        try:
            place = endpoint(role, text, "x")
        except UsageProblem:
            continue
        assert 0 < place.port < 65536
        assert place.host


@pytest.mark.parametrize(
    ("text", "default", "expected"),
    [
        ("1.2.3.4", 53, ("1.2.3.4", 53)),
        ("1.2.3.4:5353", 53, ("1.2.3.4", 5353)),
        ("Time.Example:1", 123, ("time.example", 1)),
        ("[::1]:53", None, ("::1", 53)),
        ("[::1]", 53, ("::1", 53)),
        ("fe80::1", 53, ("fe80::1", 53)),
    ],
)
def test_host_port(text: str, default: int | None, expected: tuple[str, int]) -> None:
    assert host_port(text, "--x", default) == expected


@pytest.mark.parametrize(
    "text", ["", ":53", "h:", "h:0", "h:65536", "h:٣", "a b", "[::1", "[::1]x", "h:53:", "udp://h:53"]
)
def test_bad_host_port(text: str) -> None:
    with pytest.raises(UsageProblem, match=r"^--dns-server: "):
        host_port(text, "--dns-server", 53)


@given(st.text(max_size=20))
def test_any_host_port_is_one_or_a_usage_problem(text: str) -> None:
    try:
        host, port = host_port(text, "x", 53)
    except UsageProblem:
        return
    assert host
    assert 0 < port < 65536


@pytest.mark.parametrize(
    ("url", "shown", "credentials"),
    [
        ("proxy:3128", "http://proxy:3128", False),
        ("http://proxy", "http://proxy:80", False),
        ("https://user:pa55word@proxy:1", "https://***@proxy:1", True),
        ("socks5h://[::1]", "socks5h://[::1]:1080", False),
        ("SOCKS://p", "socks5://p:1080", False),
    ],
)
def test_proxies(url: str, shown: str, credentials: bool) -> None:
    value, full = route(url, "flag")
    assert value.url == shown
    assert value.has_credentials is credentials
    assert "pa55word" not in repr(value)
    assert ("pa55word" in full) is credentials


@pytest.mark.parametrize(
    "url",
    ["ftp://p", "http://", "http://u:canarycanary@", "http://p:99999", "socks4://p:1", "http://p q", "http//p:3128"],
)
def test_bad_proxies(url: str) -> None:
    with pytest.raises(UsageProblem) as problem:
        route(url, "env:HTTPS_PROXY")
    assert "env:HTTPS_PROXY" in str(problem.value)
    assert "canary" not in str(problem.value)


def test_an_address_that_goes_on_is_told_its_base() -> None:
    with pytest.raises(UsageProblem, match="https://h:8443/gw is the base of all"):
        endpoint("rest", "https://h:8443/gw/api/v5/public/time", "--rest-url")
    with pytest.raises(UsageProblem, match="wss://h is the base of all"):
        endpoint("ws", "wss://h/ws/v5/tickers", "--ws-url")
