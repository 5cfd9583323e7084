"""Every documented endpoint: which are served, and that the gateway is the same in front of all of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from okxdoctor.exchange.core.rest import ROUTES, routes
from okxdoctor.exchange.core.rest_absent import nothing, out_of_service

TABLE = routes()
SERVED = sorted(each for each, route in TABLE.items() if route.handler not in (nothing, out_of_service))
EMPTY = sorted(each for each, route in TABLE.items() if route.handler is nothing)
ABSENT = sorted(each for each, route in TABLE.items() if route.handler is out_of_service)

WANTED = """
public: time instruments instrument-tick-bands price-limit mark-price funding-rate funding-rate-history open-interest
  position-tiers discount-rate-interest-free-quota underlying opt-summary estimated-price delivery-exercise-history
  insurance-fund interest-rate-loan-quota convert-contract-coin premium-history option-trades
market: ticker tickers books books-full trades history-trades candles history-candles index-tickers index-candles
  history-index-candles mark-price-candles history-mark-price-candles index-components exchange-rate platform-24-volume
system: status
support: announcements announcement-types
account: config balance positions positions-history account-position-risk instruments trade-fee leverage-info max-size
  max-avail-size max-loan max-withdrawal risk-state bills bills-archive interest-accrued interest-rate interest-limits
  greeks adjust-leverage-info subaccount/balances subaccount/max-withdrawal set-account-switch-precheck
  +set-settle-currency +set-leverage +set-position-mode +set-isolated-mode +set-account-level +set-greeks
  +position/margin-balance
asset: currencies balances bills bills-history transfer-state deposit-address deposit-history withdrawal-history
  non-tradable-assets asset-valuation exchange-list subaccount/balances subaccount/bills +transfer +subaccount/transfer
  convert/currencies convert/currency-pair convert/history +convert/estimate-quote +convert/trade
  +withdrawal +cancel-withdrawal
rubik: stat/trading-data/support-coin stat/taker-volume stat/taker-volume-contract stat/margin/loan-ratio
  stat/contracts/open-interest-history stat/contracts/open-interest-volume stat/contracts/long-short-account-ratio
  stat/contracts/long-short-account-ratio-contract stat/contracts/long-short-account-ratio-contract-top-trader
  stat/contracts/long-short-position-ratio-contract-top-trader stat/option/open-interest-volume
  stat/option/open-interest-volume-ratio
trade: order orders-pending orders-history orders-history-archive fills fills-history account-rate-limit order-algo
  orders-algo-pending orders-algo-history +order +batch-orders +amend-order +amend-batch-orders +cancel-order
  +cancel-batch-orders +order-precheck +close-position +order-algo +amend-algos +cancel-algos +mass-cancel
  +cancel-all-after
finance: savings/balance savings/lending-history savings/lending-rate-summary savings/lending-rate-history
  +savings/purchase-redempt +savings/set-lending-rate
users: subaccount/list subaccount/apikey +subaccount/apikey +subaccount/modify-apikey +subaccount/delete-apikey
  +subaccount/set-transfer-out
"""
"""What client libraries call and what the project promises to serve; a plus is POST."""

ELSEWHERE = (
    "affiliate", "broker", "copytrading", "fiat", "finance", "rfq", "rubik/stat/option", "sprd", "tradingBot",
    "trade/easy-convert", "trade/one-click-repay", "public/event-contract", "asset/monthly-statement",
)  # fmt: skip
"""Products that are no part of this exchange."""

SINGLE = {
    # Endpoints of the products that are served, without the part they belong to.
    "account/account-level-switch-preset", "account/activate-feature", "account/bills-history-archive",
    "account/collateral-assets", "account/mmp-config", "account/mmp-reset", "account/move-positions",
    "account/position-builder", "account/position-builder-graph", "account/position-tiers", "account/set-auto-earn",
    "account/set-auto-loan", "account/set-auto-repay", "account/set-collateral-assets", "account/set-fee-type",
    "account/set-riskOffset-amt", "account/set-trading-config",
    "account/spot-manual-borrow-repay", "account/subtypes", "asset/convert-dust-assets",
    "asset/deposit-lightning", "asset/deposit-withdraw-status", "asset/withdrawal-lightning",
    "market/open-oracle", "market/option/instrument-family-trades", "market/sprd-candles",
    "market/sprd-history-candles", "market/sprd-ticker", "public/economic-calendar",
    "public/estimated-settlement-info", "public/market-data-history", "public/settlement-history",
    "public/vip-interest-rate-loan-quota", "users/subaccount/create-subaccount",
}  # fmt: skip


def promised() -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    area = ""
    for word in WANTED.split():
        if word.endswith(":"):
            area = word[:-1]
        else:
            found.add(("POST" if word.startswith("+") else "GET", f"/api/v5/{area}/{word.lstrip('+')}"))
    return found


def test_what_is_promised_is_served() -> None:
    from okxdoctor.knowledge.endpoint_table import endpoints

    assert promised() <= set(SERVED)
    # Everything that is served is documented, and everything documented is at least known.
    assert {(row.method, row.path) for row in endpoints()} == set(TABLE)


def test_what_is_absent_is_absent_on_purpose() -> None:
    left = {path.removeprefix("/api/v5/") for _, path in ABSENT} - SINGLE
    assert {name for name in left if not name.startswith(ELSEWHERE)} == set()
    assert len(SERVED) >= 140


def test_who_may_ask_is_as_documented() -> None:
    """The tables of handlers say it, and the documentation says it: two sources."""
    from okxdoctor.knowledge.endpoint_table import endpoint

    words = {"read": "read_only", None: ""}
    for method, path in SERVED:
        row, route = endpoint(method, path), TABLE[method, path]
        assert row is not None
        assert (route.access == "private") == row.auth or route.access == "optional", path
        assert route.permission == words.get(row.permission, row.permission), path


def ask(bench: Any, method: str, target: str, body: str = "", **how: Any) -> tuple[int, str]:
    bench.advance(3_000)
    reply = bench.send(method, target, body, **how)
    return reply.status, json.loads(reply.body)["code"]


def test_the_gateway_stands_before_every_endpoint(bench: Any) -> None:
    paths = {path for _, path in TABLE}
    for path in paths:
        for method in ("GET", "POST", "PUT", "DELETE"):
            if (method, path) not in TABLE:
                assert ask(bench, method, path, "{}" if method != "GET" else "") == (405, "50115"), (method, path)
        assert ask(bench, "GET", f"{path}-x", signed=False)[0] == 404
    for (method, path), route in TABLE.items():
        body = "" if method == "GET" else "{}"
        if route.access == "private":
            assert ask(bench, method, path, body, signed=False) == (401, "50103"), path
        if route.permission == "withdraw":
            assert ask(bench, method, path, body) == (401, "50120"), path


def test_lists_of_what_nobody_has_are_empty_and_the_rest_says_that_it_is_not_offered(bench: Any) -> None:
    for method, path in EMPTY:
        bench.advance(3_000)
        reply = bench.send(method, path)
        assert json.loads(reply.body) == {"code": "0", "data": [], "msg": ""}, path
    for method, path in ABSENT:
        if TABLE[method, path].permission != "withdraw":
            body = "" if method == "GET" else "[{}]" if TABLE[method, path].batch else "{}"
            assert ask(bench, method, path, body) == (410, "50005"), path


QUERIES = {
    "public/instruments": "instType=SPOT", "public/instrument-tick-bands": "instType=OPTION",
    "public/price-limit": "instId=BTC-USDT", "public/mark-price": "instType=SWAP",
    "public/funding-rate": "instId=BTC-USDT-SWAP", "public/funding-rate-history": "instId=BTC-USDT-SWAP",
    "public/open-interest": "instType=SWAP", "public/position-tiers": "instType=SWAP&tdMode=cross&instFamily=BTC-USDT",
    "public/underlying": "instType=SWAP", "public/opt-summary": "instFamily=BTC-USD",
    "public/estimated-price": "instId=?FUTURES",
    "public/delivery-exercise-history": "instType=FUTURES&instFamily=BTC-USD",
    "public/insurance-fund": "instType=SWAP&instFamily=BTC-USD", "public/premium-history": "instId=BTC-USDT-SWAP",
    "public/convert-contract-coin": "instId=BTC-USDT-SWAP&sz=1", "public/option-trades": "instFamily=BTC-USD",
    "market/tickers": "instType=SPOT", "market/index-tickers": "quoteCcy=USDT",
    "market/index-candles": "instId=BTC-USD",
    "market/history-index-candles": "instId=BTC-USD", "market/index-components": "index=BTC-USDT",
    "account/trade-fee": "instType=SPOT", "account/instruments": "instType=SPOT",
    "account/leverage-info": "instId=BTC-USDT-SWAP&mgnMode=cross", "account/max-size": "instId=BTC-USDT&tdMode=cash",
    "account/max-avail-size": "instId=BTC-USDT&tdMode=cash", "account/max-loan": "instId=BTC-USDT&mgnMode=cross",
    "account/adjust-leverage-info": "instType=SWAP&mgnMode=cross&lever=5&instId=BTC-USDT-SWAP",
    "account/set-account-switch-precheck": "acctLv=2", "account/subaccount/balances": "subAcct=deskone",
    "account/subaccount/max-withdrawal": "subAcct=deskone", "asset/subaccount/balances": "subAcct=deskone",
    "asset/deposit-address": "ccy=BTC", "asset/transfer-state": "transId=1",
    "users/subaccount/apikey": "subAcct=deskone", "asset/convert/currency-pair": "fromCcy=USDT&toCcy=BTC",
    "rubik/stat/taker-volume": "ccy=BTC&instType=SPOT&period=1D", "rubik/stat/margin/loan-ratio": "ccy=BTC",
    "rubik/stat/taker-volume-contract": "instId=BTC-USDT-SWAP",
    "rubik/stat/contracts/open-interest-history": "instId=BTC-USDT-SWAP",
    "rubik/stat/contracts/open-interest-volume": "ccy=BTC&period=1D",
    "rubik/stat/option/open-interest-volume": "ccy=BTC", "rubik/stat/option/open-interest-volume-ratio": "ccy=BTC",
    "rubik/stat/contracts/long-short-account-ratio": "ccy=BTC",
    "rubik/stat/contracts/long-short-account-ratio-contract": "instId=BTC-USDT-SWAP",
    "rubik/stat/contracts/long-short-account-ratio-contract-top-trader": "instId=BTC-USDT-SWAP",
    "rubik/stat/contracts/long-short-position-ratio-contract-top-trader": "instId=BTC-USDT-SWAP",
    "trade/orders-history": "instType=SPOT", "trade/orders-history-archive": "instType=SPOT",
    "trade/fills-history": "instType=SPOT", "trade/fills-archive": "instType=SPOT",
    "trade/orders-algo-pending": "ordType=oco", "trade/orders-algo-history": "ordType=oco&state=canceled",
}  # fmt: skip
OBJECTS = ("market/index-components", "rubik/stat/trading-data/support-coin")
"""Where data is an object."""
WITHOUT_ANSWER = {
    # An account of another mode, or an order that there is not: a refusal is the answer.
    "account/risk-state": "51010", "trade/order": "51603", "trade/order-algo": "51603",
}  # fmt: skip


@pytest.mark.parametrize("environment", ["live", "demo"])
def test_every_get_has_an_answer_of_the_documented_form(bench: Any, environment: str) -> None:
    future = next(inst.id for inst in bench.exchange.venue("global", environment).of_type("FUTURES"))
    for method, path in SERVED:
        if method != "GET":
            continue
        name = path.removeprefix("/api/v5/")
        query = QUERIES.get(name, "")
        if (
            not query
            and name.startswith("market/")
            and name not in ("market/exchange-rate", "market/platform-24-volume")
        ):
            query = "instId=BTC-USDT"
        if name in ("trade/order", "trade/order-algo"):
            query = "instId=BTC-USDT&ordId=1&algoId=1"
        bench.advance(6_000)
        reply = bench.send("GET", f"{path}?{query.replace('?FUTURES', future)}", environment=environment)
        answer = json.loads(reply.body)
        assert answer["code"] == WITHOUT_ANSWER.get(name, "0"), (path, answer)
        assert isinstance(answer["data"], dict if name in OBJECTS else list)
        if name not in WITHOUT_ANSWER and environment == "live":
            _texts(answer["data"], path)


def _texts(value: Any, path: str) -> None:
    """Numbers are texts, but for the few that are documented as numbers."""
    if isinstance(value, dict):
        for name, each in value.items():
            if name not in ("instIdCode", "seqId", "stablecoinDailyQuota"):
                _texts(each, f"{path} {name}")
    elif isinstance(value, list):
        for each in value:
            _texts(each, path)
    else:
        assert value is None or isinstance(value, str | bool), path


def test_a_missing_parameter_is_50014_and_a_wrong_one_51000(bench: Any) -> None:
    for name, query in QUERIES.items():
        needed = query.split("=", 1)[0]
        if name in ("public/option-trades", "public/estimated-price", "account/adjust-leverage-info"):
            continue
        status, code = ask(bench, "GET", f"/api/v5/{name}")
        if name in ("market/index-tickers",):
            assert (status, code) == (400, "50015")
        else:
            assert (status, code) == (400, "50014"), (name, needed)
    wrong = (
        "public/instruments?instType=STOCK", "public/mark-price?instType=x", "public/open-interest?instType=SPOT",
        "market/candles?instId=BTC-USDT&bar=7m", "market/books?instId=BTC-USDT&sz=401",
        "market/books-full?instId=BTC-USDT&sz=5001", "market/history-trades?instId=BTC-USDT&type=3",
        "account/leverage-info?instId=BTC-USDT-SWAP&mgnMode=cash", "trade/orders-pending?instType=x",
        "trade/orders-pending?limit=0", "trade/fills?after=x", "account/bills?instType=x", "account/bills?limit=-1",
        "account/positions-history?type=9", "trade/orders-algo-pending?ordType=limit", "users/subaccount/list?enable=1",
        "rubik/stat/taker-volume?ccy=BTC&instType=SWAP", "rubik/stat/margin/loan-ratio?ccy=BTC&period=4H",
        "rubik/stat/margin/loan-ratio?ccy=NOSUCH", "rubik/stat/contracts/open-interest-history?instId=BTC-USDT",
        "rubik/stat/taker-volume-contract?instId=BTC-USDT-SWAP&unit=3",
        "rubik/stat/taker-volume-contract?instId=BTC-USDT-SWAP&period=1m",
    )  # fmt: skip
    for target in wrong:
        assert ask(bench, "GET", f"/api/v5/{target}") == (400, "51000"), target
    assert ask(bench, "GET", "/api/v5/market/ticker?instId=NO-SUCH") == (200, "51001")
    assert ask(bench, "GET", "/api/v5/market/index-candles?instId=NO-SUCH") == (200, "51014")


def test_the_table_is_put_together_once(bench: Any) -> None:
    bench.send("GET", "/api/v5/public/time", signed=False)
    assert set(ROUTES) == set(TABLE)
