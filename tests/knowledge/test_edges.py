"""The edges that are known: how each is told, and that the exchange's own answers are told from their pages."""

from __future__ import annotations

import re

import pytest

from okxdoctor.knowledge.edge_table import challenge, challenged, edge_of, edges


def test_every_edge_has_a_mark_and_a_source() -> None:
    names = [edge.name for edge in edges()]
    assert len(set(names)) == len(names) > 5
    for edge in edges():
        assert edge.headers or edge.words, edge.name
        assert all(name == name.lower() and begin == begin.lower() for name, begin in edge.headers.items()), edge.name
        assert edge.source
        assert edge.grade in ("documented", "observed", "assumed")
        assert re.fullmatch(r"20\d\d-\d\d-\d\d", edge.seen)
    assert challenge().headers
    assert challenge().locations


@pytest.mark.parametrize(
    "headers",
    [{}, {"server": "nginx/1.22.1"}, {"server": "Varnish"}, {"via": "1.1 varnish"}, {"x-cdn": "own"},
     {"x-served-by": "web-3"}, {"server": "Apache"}, {"server": "envoy"}],
)  # fmt: skip
def test_programs_that_anyone_installs_are_no_edge(headers: dict[str, str]) -> None:
    assert edge_of(headers, "<title>403 Forbidden</title> Access denied. Reference #4") == ""


def test_a_mark_is_how_a_value_begins_in_any_case() -> None:
    assert edge_of({"server": "AkamaiGHost"}, "") == "Akamai"
    assert edge_of({"x-served-by": "cache-fra-eddf8230-FRA"}, "") == "Fastly"
    assert edge_of({"server": "not-cloudflare"}, "") == ""


def test_an_empty_header_asks_for_nothing() -> None:
    assert challenged({"cf-mitigated": ""}) == ""
    assert challenged({"x-amzn-waf-action": "captcha"}) == "captcha"
    assert challenged({"location": "/cdn-cgi/access/login/x"}) == "/cdn-cgi/access/login"
