"""Proxy variables: the same answer as the standard library and requests give, role by role."""

from __future__ import annotations

import urllib.request

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okxdoctor.settings.addresses import endpoint
from okxdoctor.settings.routes import DIRECT, from_environment, through

REST = endpoint("rest", "https://openapi.okx.com", "x")
WS = endpoint("ws", "wss://ws.okx.com", "x")
PLAIN = endpoint("rest", "http://127.0.0.1:8080", "x")


@pytest.mark.parametrize(
    ("environ", "rest", "ws", "source"),
    [
        ({}, "direct", "direct", "default"),
        ({"HTTPS_PROXY": "http://p:1"}, "http://p:1", "http://p:1", "env:HTTPS_PROXY"),
        ({"HTTPS_PROXY": "http://p:1", "https_proxy": "http://q:2"}, "http://q:2", "http://q:2", "env:https_proxy"),
        ({"HTTP_PROXY": "http://p:1"}, "direct", "direct", "default"),
        ({"ALL_PROXY": "socks5://p:1"}, "socks5://p:1", "socks5://p:1", "env:ALL_PROXY"),
        ({"ALL_PROXY": "http://a:1", "HTTPS_PROXY": "http://p:1"}, "http://p:1", "http://p:1", "env:HTTPS_PROXY"),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "*"}, "direct", "direct", "env:NO_PROXY"),
        ({"HTTPS_PROXY": "http://p:1", "no_proxy": ".okx.com"}, "direct", "direct", "env:no_proxy"),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "ws.okx.com"}, "http://p:1", "direct", "env:HTTPS_PROXY"),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "openapi.okx.com:443"}, "direct", "http://p:1", "env:NO_PROXY"),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "example.com"}, "http://p:1", "http://p:1", "env:HTTPS_PROXY"),
        ({"HTTPS_PROXY": "", "ALL_PROXY": ""}, "direct", "direct", "default"),
        ({"WSS_PROXY": "http://w:1"}, "direct", "http://w:1", "default"),
        ({"wss_proxy": "http://w:1", "HTTPS_PROXY": "http://p:1"}, "http://p:1", "http://w:1", "env:HTTPS_PROXY"),
        ({"WS_PROXY": "http://w:1", "HTTPS_PROXY": "http://p:1"}, "http://p:1", "http://p:1", "env:HTTPS_PROXY"),
        ({"https_proxy": "", "HTTPS_PROXY": "http://p:1"}, "direct", "direct", "default"),
    ],
)
def test_variables(environ: dict[str, str], rest: str, ws: str, source: str) -> None:
    assert from_environment(REST, environ).shown == rest
    assert from_environment(WS, environ).shown == ws
    assert from_environment(REST, environ).source == source


def test_plain_http_takes_the_plain_variable() -> None:
    assert from_environment(PLAIN, {"HTTP_PROXY": "http://p:1"}).shown == "http://p:1"
    assert from_environment(PLAIN, {"HTTPS_PROXY": "http://p:1"}).shown == "direct"
    cgi = {"HTTP_PROXY": "http://evil:1", "REQUEST_METHOD": "GET"}
    assert from_environment(PLAIN, cgi) == DIRECT, "a CGI client may set it by a header"


@given(
    st.dictionaries(
        st.sampled_from(["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]),
        st.sampled_from(["http://p:1", "http://q:2", ""]),
    ),
    st.sampled_from(["", "*", "okx.com", ".okx.com", "openapi.okx.com", "openapi.okx.com:443", "com,example.org", "x"]),
)
def test_as_the_standard_library_reads_them(environ: dict[str, str], no_proxy: str) -> None:
    """Independent answer: urllib's own functions on the very same environment."""
    environ = {**environ, "NO_PROXY": no_proxy}
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"):
            patch.delenv(name, raising=False)
        for name, value in environ.items():
            patch.setenv(name, value)
        proxies = urllib.request.getproxies_environment()
        bypass = urllib.request.proxy_bypass_environment(f"{REST.host}:{REST.port}")
    expected = None if bypass else proxies.get("https") or proxies.get("all")
    assert from_environment(REST, environ).shown == (expected or "direct")


def test_none_means_direct() -> None:
    for text in ("none", "direct", "", " None "):
        assert through(text, "flag").route is None


def test_the_full_url_is_a_secret() -> None:
    way = through("http://user:pa55word@p:1", "flag")
    assert way.url is not None
    assert way.url.reveal() == "http://user:pa55word@p:1"
    assert "pa55word" not in repr(way)
