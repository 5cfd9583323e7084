"""Leverage at its documented levels, as a public client reads it (okx-trade 1.0.2 wants both sides in cross margin)."""

from __future__ import annotations

import json
from typing import Any

import pytest

SWAP = "BTC-USDT-SWAP"


def get(bench: Any, mode: str, inst_id: str = SWAP) -> dict[str, str]:
    bench.advance(3_000)
    answer = json.loads(bench.send("GET", f"/api/v5/account/leverage-info?instId={inst_id}&mgnMode={mode}").body)
    assert answer["code"] == "0"
    return {row["posSide"]: row["lever"] for row in answer["data"]}


def put(bench: Any, **body: str) -> tuple[int, dict[str, Any]]:
    bench.advance(3_000)
    reply = bench.send("POST", "/api/v5/account/set-leverage", json.dumps(body))
    return reply.status, json.loads(reply.body)


def post(bench: Any, name: str, **body: str) -> dict[str, Any]:
    bench.advance(3_000)
    answer: dict[str, Any] = json.loads(bench.send("POST", f"/api/v5/{name}", json.dumps(body)).body)
    return answer


@pytest.fixture
def both(bench: Any) -> Any:
    assert post(bench, "account/set-position-mode", posMode="long_short_mode")["code"] == "0"
    return bench


def test_long_short_mode_tells_both_sides_whatever_the_margin_mode(both: Any) -> None:
    assert get(both, "cross") == {"long": "3", "short": "3"}
    assert get(both, "isolated") == {"long": "3", "short": "3"}
    # Margin trading has no sides.
    assert get(both, "isolated", "BTC-USDT") == {"net": "3"}


def test_cross_margin_has_one_leverage_and_isolated_margin_one_for_each_side(both: Any) -> None:
    assert put(both, instId=SWAP, lever="7", mgnMode="cross")[1]["data"][0]["lever"] == "7"
    assert get(both, "cross") == {"long": "7", "short": "7"}
    assert get(both, "isolated") == {"long": "3", "short": "3"}
    assert put(both, instId=SWAP, lever="5", mgnMode="isolated", posSide="long")[1]["code"] == "0"
    assert get(both, "isolated") == {"long": "5", "short": "3"}


def test_the_side_of_isolated_margin_must_be_said(both: Any) -> None:
    status, answer = put(both, instId=SWAP, lever="5", mgnMode="isolated")
    assert (status, answer["code"], answer["msg"]) == (400, "51000", "Parameter posSide error")
    assert get(both, "isolated") == {"long": "3", "short": "3"}


def test_each_side_opens_with_its_own_leverage(both: Any) -> None:
    put(both, instId=SWAP, lever="5", mgnMode="isolated", posSide="long")
    put(both, instId=SWAP, lever="10", mgnMode="isolated", posSide="short")
    for side, position in (("buy", "long"), ("sell", "short")):
        placed = post(
            both, "trade/order", instId=SWAP, tdMode="isolated", side=side, posSide=position, ordType="market", sz="1"
        )  # fmt: skip
        assert placed["code"] == "0", placed
    rows = json.loads(both.send("GET", "/api/v5/account/positions").body)["data"]
    assert {row["posSide"]: row["lever"] for row in rows} == {"long": "5", "short": "10"}
    # Another leverage of one side leaves the other position as it is.
    assert put(both, instId=SWAP, lever="4", mgnMode="isolated", posSide="long")[1]["code"] == "0"
    rows = json.loads(both.send("GET", "/api/v5/account/positions").body)["data"]
    assert {row["posSide"]: row["lever"] for row in rows} == {"long": "4", "short": "10"}


def test_futures_on_cross_margin_share_a_leverage_by_their_underlying(bench: Any) -> None:
    listed = bench.exchange.venue("global", "live").of_type("FUTURES")
    first, second, *_ = (inst.id for inst in listed if inst.listing.family == "BTC-USD")
    put(bench, instId=first, lever="8", mgnMode="cross")
    assert get(bench, "cross", second) == {"net": "8"}
    put(bench, instId=first, lever="6", mgnMode="isolated")
    assert get(bench, "isolated", second) == {"net": "3"}


def test_what_the_configuration_says_is_what_can_be_done(bench: Any) -> None:
    """Options are traded, so they are activated; the currency of settlement is one that may be chosen."""

    def told() -> dict[str, Any]:
        bench.advance(3_000)
        answer: dict[str, Any] = json.loads(bench.send("GET", "/api/v5/account/config").body)["data"][0]
        return answer

    assert told()["opAuth"] == "1"
    assert told()["settleCcy"] in told()["settleCcyList"]
    for ccy in told()["settleCcyList"]:
        assert post(bench, "account/set-settle-currency", settleCcy=ccy)["data"] == [{"settleCcy": ccy}]
        assert told()["settleCcy"] == ccy
    assert post(bench, "account/set-settle-currency", settleCcy="USDT")["code"] == "51000"
    assert told()["settleCcy"] == ccy


ORDER = {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "post_only", "px": "10000", "sz": "0.001"}


def test_answers_of_operations_have_the_documented_names(bench: Any) -> None:
    """Of an order that is changed or taken back there is no tag, and an amendment tells its request."""
    base = {"clOrdId", "ordId", "sCode", "sMsg", "subCode", "ts"}
    placed = post(bench, "trade/order", **ORDER, tag="desk")["data"][0]
    assert set(placed) == base | {"tag"}
    assert placed["tag"] == "desk"
    known = {"instId": "BTC-USDT", "ordId": placed["ordId"]}
    for _ in ("accepted", "refused"):
        amended = post(bench, "trade/amend-order", **known, newSz="0.002", reqId="r1")["data"][0]
        assert set(amended) == base | {"reqId"}
        assert amended["reqId"] == "r1"
        cancelled = post(bench, "trade/cancel-order", **known)["data"][0]
        assert set(cancelled) == base
    assert (amended["sCode"], cancelled["sCode"]) == ("51503", "51400")


def test_answers_of_algo_operations_have_the_documented_names(bench: Any) -> None:
    names = {"algoClOrdId", "algoId", "sCode", "sMsg"}
    placed = post(
        bench, "trade/order-algo", instId="BTC-USDT", tdMode="cash", side="buy", ordType="trigger", sz="0.001",
        triggerPx="10000", orderPx="-1",
    )["data"][0]  # fmt: skip
    known = {"instId": "BTC-USDT", "algoId": placed["algoId"]}
    for _ in ("accepted", "refused"):
        amended = post(bench, "trade/amend-algos", **known, newSz="0.002", reqId="r1")["data"][0]
        assert set(amended) == names | {"reqId"}
        bench.advance(3_000)
        cancelled = json.loads(bench.send("POST", "/api/v5/trade/cancel-algos", json.dumps([known])).body)["data"][0]
        assert set(cancelled) == names | {"clOrdId", "tag"}
