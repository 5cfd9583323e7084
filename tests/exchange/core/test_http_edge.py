"""What stands before the exchange changes bytes, and nothing else."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from okxdoctor.exchange.core.circumstances import HttpEdge
from okxdoctor.exchange.core.http_edge import TimeCache, arriving, cached, leaving
from okxdoctor.exchange.core.protocol import Reply, Request

FRESH = Reply(status=200, body=b'{"code":"0","data":[{"ts":"1795363200123"}],"msg":""}')
ASKED = Request(method="GET", target="/api/v5/public/time", headers={"ok-access-timestamp": "2026-11-22T16:00:00.123Z"})


def test_a_healthy_edge_passes_everything_through() -> None:
    assert arriving(HttpEdge(), ASKED) is ASKED
    assert leaving(HttpEdge(), FRESH) is FRESH
    assert cached(HttpEdge(), TimeCache(), ASKED.target, 0, FRESH) is FRESH


@pytest.mark.parametrize(
    ("form", "stamp"),
    [("epoch-ms", "1795363200123"), ("epoch-s", "1795363200"), ("micros", "2026-11-22T16:00:00.123000Z"),
     ("offset", "2026-11-22T16:00:00.123+00:00")],
)  # fmt: skip
def test_a_gateway_rewrites_the_instant_and_keeps_it(form: str, stamp: str) -> None:
    edge = replace(HttpEdge(), timestamp_form=form)  # type: ignore[arg-type]
    assert arriving(edge, ASKED).headers["ok-access-timestamp"] == stamp


def test_a_cache_gives_out_one_body_that_ages() -> None:
    edge, cache = HttpEdge(cache_time_s=7), TimeCache()
    first = cached(edge, cache, ASKED.target, 1_795_363_200_123, FRESH)
    later = cached(edge, cache, ASKED.target, 1_795_363_203_123, FRESH)
    assert first.body == later.body
    assert json.loads(first.body)["data"][0]["ts"] == "1795363193123"
    assert (dict(first.headers)["Age"], dict(later.headers)["Age"]) == ("7", "10")
    assert cached(edge, cache, "/api/v5/market/ticker?instId=BTC-USDT", 0, FRESH) is FRESH


@pytest.mark.parametrize("garble", ["empty", "html", "truncated", "latin"])
def test_a_garbled_body_is_no_envelope_and_refusals_pass(garble: str) -> None:
    edge = replace(HttpEdge(), garble=garble)  # type: ignore[arg-type]
    body = leaving(edge, FRESH).body
    with pytest.raises(ValueError, match=r".*"):
        json.loads(body)
    refused = replace(FRESH, status=401)
    assert leaving(edge, refused) is refused


def test_a_gateway_that_cuts_headers_leaves_a_key_of_no_known_form() -> None:
    key = "0a1b2c3d-1111-2222-3333-444455556666"
    asked = replace(ASKED, headers={**ASKED.headers, "ok-access-key": key})
    arrived = arriving(HttpEdge(cut_key=True), asked)
    assert arrived.headers["ok-access-key"] == key[:24]
    assert arriving(HttpEdge(cut_key=True), ASKED).headers == ASKED.headers
