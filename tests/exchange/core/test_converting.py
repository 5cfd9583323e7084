"""Converting one currency into another: quotes that hold for a while and once, money that goes where it is told."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import pytest

CONVERT = "/api/v5/asset/convert"
ASK = {"baseCcy": "ETH", "quoteCcy": "USDT", "side": "buy", "rfqSz": "30", "rfqSzCcy": "USDT"}
# The members of the documentation's examples of both answers.
QUOTE = {
    "baseCcy", "baseSz", "clQReqId", "cnvtPx", "origRfqSz", "quoteCcy", "quoteId", "quoteSz", "quoteTime", "rfqSz",
    "rfqSzCcy", "side", "ttlMs",
}  # fmt: skip
TRADE = {
    "baseCcy", "clTReqId", "fillBaseSz", "fillPx", "fillQuoteSz", "instId", "quoteCcy", "quoteId", "side", "state",
    "tradeId", "ts",
}  # fmt: skip


def post(bench: Any, what: str, **body: str) -> dict[str, Any]:
    reply = bench.send("POST", f"{CONVERT}/{what}", json.dumps(body))
    answer: dict[str, Any] = json.loads(reply.body)
    return answer | {"status": reply.status}


def get(bench: Any, target: str) -> list[dict[str, Any]]:
    answer = json.loads(bench.send("GET", target).body)
    assert answer["code"] == "0", answer
    found: list[dict[str, Any]] = answer["data"]
    return found


def quoted(bench: Any, **changes: str) -> dict[str, str]:
    bench.advance(6_000)
    answer = post(bench, "estimate-quote", **(ASK | changes))
    assert answer["code"] == "0", answer
    (row,) = answer["data"]
    return dict(row)


def traded(bench: Any, quote: dict[str, str], **changes: str) -> dict[str, Any]:
    meant = {name: quote[name] for name in ("quoteId", "baseCcy", "quoteCcy", "side")}
    return post(bench, "trade", **(meant | {"sz": quote["rfqSz"], "szCcy": quote["rfqSzCcy"]} | changes))


def cash(bench: Any) -> dict[str, Fraction]:
    (row,) = get(bench, "/api/v5/account/balance")
    return {each["ccy"]: Fraction(each["cashBal"]) for each in row["details"]}


@pytest.mark.parametrize("side", ["buy", "sell"])
@pytest.mark.parametrize("ccy", ["ETH", "USDT"])
def test_a_quote_is_made_and_traded(bench: Any, side: str, ccy: str) -> None:
    size = {"ETH": "0.5", "USDT": "1000"}[ccy]
    quote = quoted(bench, side=side, rfqSz=size, rfqSzCcy=ccy, clQReqId="q1")
    assert set(quote) == QUOTE
    assert (quote["ttlMs"], quote["clQReqId"], quote["rfqSz"], quote["origRfqSz"]) == ("10000", "q1", size, size)
    (book,) = get(bench, "/api/v5/market/books?instId=ETH-USDT&sz=1")
    assert quote["cnvtPx"] == book["asks" if side == "buy" else "bids"][0][0]
    # Both amounts agree with the price to the last place of eight.
    base, counter, price = (Fraction(quote[name]) for name in ("baseSz", "quoteSz", "cnvtPx"))
    assert abs(base * price - counter) <= max(price, Fraction(1)) * Fraction(1, 10**8)
    before = cash(bench)
    answer = traded(bench, quote, clTReqId="t1")
    assert answer["code"] == "0", answer
    (row,) = answer["data"]
    assert set(row) == TRADE
    assert (row["state"], row["fillBaseSz"], row["fillQuoteSz"]) == ("fullyFilled", quote["baseSz"], quote["quoteSz"])
    sign = 1 if side == "buy" else -1
    after = cash(bench)
    assert after["ETH"] - before["ETH"] == sign * base
    assert after["USDT"] - before["USDT"] == -sign * counter
    assert after["BTC"] == before["BTC"]
    into, out = get(bench, "/api/v5/account/bills?type=27")
    assert (into["subType"], out["subType"]) == ("318", "319")
    assert Fraction(into["balChg"]) == (base if side == "buy" else counter)
    assert Fraction(out["balChg"]) == -(counter if side == "buy" else base)
    (past,) = get(bench, f"{CONVERT}/history")
    assert past == {name: row[name] for name in TRADE - {"quoteId"}}


def test_a_quote_is_good_once_and_for_ten_seconds(bench: Any) -> None:
    quote = quoted(bench)
    assert traded(bench, quote)["code"] == "0"
    bench.advance(5_000)
    assert traded(bench, quote)["code"] == "52921"
    late = quoted(bench)
    bench.advance(9_999)
    assert traded(bench, late, sz="31")["code"] == "52920"
    bench.advance(1)
    assert traded(bench, late)["code"] == "52922"
    assert traded(bench, {**late, "quoteId": "quoterETH-USDT1"})["code"] == "52927"


def test_part_of_a_quote_may_be_traded(bench: Any) -> None:
    quote = quoted(bench)
    (row,) = traded(bench, quote, sz="10")["data"]
    assert row["fillQuoteSz"] == "10"
    assert Fraction(row["fillBaseSz"]) < Fraction(quote["baseSz"]) / 2


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"baseCcy": "BTC"}, "52919"), ({"quoteCcy": "USDC"}, "52919"), ({"side": "sell"}, "52919"),
        ({"szCcy": "ETH"}, "52919"), ({"sz": "30.1"}, "52920"), ({"sz": "0"}, "52903"), ({"sz": "x"}, "52903"),
        ({"sz": "1e-30"}, "52917"), ({"quoteId": ""}, "50014"), ({"clTReqId": "not-alnum"}, "51000"),
    ],
)  # fmt: skip
def test_a_trade_has_to_be_that_of_its_quote(bench: Any, changes: dict[str, str], code: str) -> None:
    quote, before = quoted(bench), cash(bench)
    assert traded(bench, quote, **changes)["code"] == code
    assert cash(bench) == before
    assert traded(bench, quote)["code"] == "0"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"side": "hold"}, "52904"), ({"baseCcy": "NOSUCH"}, "52901"), ({"quoteCcy": "SOL"}, "52902"),
        ({"baseCcy": "USDT", "quoteCcy": "ETH"}, "52901"), ({"rfqSz": "-1"}, "52903"), ({"rfqSz": "1e39"}, "52918"),
        ({"rfqSz": "0.5"}, "52917"), ({"rfqSz": "1e-39"}, "52917"), ({"rfqSzCcy": "BTC"}, "51000"),
        ({"rfqSz": ""}, "50014"), ({"clQReqId": "a" * 33}, "51000"),
    ],
)  # fmt: skip
def test_what_cannot_be_quoted_is_refused(bench: Any, changes: dict[str, str], code: str) -> None:
    assert post(bench, "estimate-quote", **(ASK | changes))["code"] == code


def test_the_pair_says_how_much(bench: Any) -> None:
    for query in ("fromCcy=USDT&toCcy=ETH", "fromCcy=ETH&toCcy=USDT"):
        (row,) = get(bench, f"{CONVERT}/currency-pair?{query}")
        assert (row["instId"], row["baseCcy"], row["quoteCcy"]) == ("ETH-USDT", "ETH", "USDT")
        for ccy, name in (("ETH", "baseCcy"), ("USDT", "quoteCcy")):
            assert quoted(bench, rfqSz=row[f"{name}Max"], rfqSzCcy=ccy)["rfqSz"] == row[f"{name}Max"]
            assert quoted(bench, rfqSz=row[f"{name}Min"], rfqSzCcy=ccy)["rfqSz"] == row[f"{name}Min"]
    assert {"BTC", "ETH", "USDT"} <= {row["ccy"] for row in get(bench, f"{CONVERT}/currencies")}


def test_money_that_is_not_there_or_bound_is_not_converted(bench: Any) -> None:
    assert traded(bench, quoted(bench, rfqSz="20000"))["code"] == "52914"
    order = {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "limit", "px": "20000", "sz": "0.45"}
    assert json.loads(bench.send("POST", "/api/v5/trade/order", json.dumps(order)).body)["code"] == "0"
    assert traded(bench, quoted(bench, rfqSz="2000"))["code"] == "52914"
    assert traded(bench, quoted(bench, rfqSz="900"))["code"] == "0"


def test_not_too_often(bench: Any) -> None:
    first = quoted(bench)
    again = post(bench, "estimate-quote", **ASK)
    assert (again["status"], again["code"]) == (429, "50011")
    other = post(bench, "estimate-quote", **(ASK | {"baseCcy": "BTC", "rfqSz": "50"}))
    assert other["code"] == "0"
    assert traded(bench, first)["code"] == "0"
    assert traded(bench, other["data"][0])["status"] == 429
    bench.advance(5_000)
    assert traded(bench, other["data"][0])["code"] == "0"


def test_ids_and_tags(bench: Any) -> None:
    quote = quoted(bench, clQReqId="same")
    bench.advance(5_000)
    assert post(bench, "estimate-quote", **ASK, clQReqId="same")["code"] == "52925"
    assert traded(bench, quote, clTReqId="one", tag="broker")["code"] == "0"
    assert traded(bench, quoted(bench), clTReqId="one")["code"] == "52909"
    assert get(bench, f"{CONVERT}/history") == []
    (row,) = get(bench, f"{CONVERT}/history?tag=broker&clTReqId=one")
    assert row["clTReqId"] == "one"
    assert get(bench, f"{CONVERT}/history?tag=broker&clTReqId=two") == []


def test_another_account_has_quotes_of_its_own(bench: Any) -> None:
    quote = quoted(bench)
    body = json.dumps(
        {"quoteId": quote["quoteId"], "baseCcy": "ETH", "quoteCcy": "USDT", "side": "buy", "sz": "30", "szCcy": "USDT"}
    )
    reply = bench.send("POST", f"{CONVERT}/trade", body, environment="demo")
    assert json.loads(reply.body)["code"] == "52927"
