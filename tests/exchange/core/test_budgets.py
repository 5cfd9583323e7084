"""Request budgets: by scope, in windows of virtual time, and under pressure."""

from __future__ import annotations

import json
from typing import Any

TIME = "/api/v5/public/time"
REFUSED = b'{"msg":"Too Many Requests","code":"50011"}'


def burst(bench: Any, target: str, count: int, **how: Any) -> list[int]:
    return [bench.send("GET", target, **how).status for _ in range(count)]


def test_the_eleventh_request_in_two_seconds_is_refused_and_the_window_slides(bench: Any) -> None:
    assert burst(bench, TIME, 11, signed=False) == [200] * 10 + [429]
    assert bench.send("GET", TIME, signed=False).body == REFUSED
    bench.advance(1_999)
    assert bench.send("GET", TIME, signed=False).status == 429
    bench.advance(1)
    assert burst(bench, TIME, 11, signed=False) == [200] * 10 + [429]


def test_budgets_of_addresses_types_and_users_are_apart(bench: Any) -> None:
    assert burst(bench, TIME, 10, signed=False) == [200] * 10
    assert bench.send("GET", TIME, signed=False, peer="203.0.113.4").status == 200
    spot, swap = (f"/api/v5/public/instruments?instType={kind}" for kind in ("SPOT", "SWAP"))
    assert burst(bench, spot, 21, signed=False)[-2:] == [200, 429]
    assert bench.send("GET", swap, signed=False).status == 200
    config = "/api/v5/account/config"
    assert burst(bench, config, 6) == [200] * 5 + [429]
    assert bench.send("GET", config, environment="demo").status == 200
    assert bench.send("GET", config, site="eea").status == 200


def test_a_refused_signature_spends_nothing(bench: Any) -> None:
    config = "/api/v5/account/config"
    for _ in range(20):
        assert bench.send("GET", config, change=lambda h: h.update({"ok-access-sign": "no"})).status == 401
    assert burst(bench, config, 5) == [200] * 5


def orders(bench: Any, inst: str, count: int) -> list[tuple[int, str]]:
    """Send ``count`` batches of twenty orders that are refused for what they lack, and count all the same."""
    found = []
    for _ in range(count):
        reply = bench.send("POST", "/api/v5/trade/batch-orders", json.dumps([{"instId": inst}] * 20))
        found.append((reply.status, json.loads(reply.body)["code"]))
    return found


def test_the_order_cap_of_an_account_is_50061(bench: Any) -> None:
    contracts = [f"{name}-USDT-SWAP" for name in ("BTC", "ETH", "SOL", "XRP")]
    assert [each for inst in contracts for each in orders(bench, inst, 13)] == [(200, "1")] * 50 + [(200, "50061")] * 2
    # Spot is exempt, cancellations do not count, and the demo account has a cap of its own.
    assert orders(bench, "BTC-USDT", 1) == [(200, "1")]
    reply = bench.send("POST", "/api/v5/trade/cancel-order", json.dumps({"instId": contracts[0], "ordId": "1"}))
    assert json.loads(reply.body)["data"][0]["sCode"] == "51400"
    demo = bench.send("POST", "/api/v5/trade/order", json.dumps({"instId": contracts[0]}), environment="demo")
    assert json.loads(demo.body)["code"] == "1"
    bench.advance(2_000)
    assert orders(bench, contracts[0], 1) == [(200, "1")]


FIGURES = {
    # Requests (or orders), seconds, scope: typed in from the pages of the documentation; a plus is POST.
    (1, 5, "ip"): "system/status",
    (1, 2, "ip"): "support/announcement-types",
    (5, 2, "ip"): "public/instrument-tick-bands",
    (10, 2, "ip"): "public/time",
    (20, 2, "ip"): "public/price-limit market/ticker market/tickers market/history-candles market/index-tickers",
    (40, 2, "ip"): "market/books market/candles",
    (100, 2, "ip"): "market/trades",
    (10, 2, "ip+inst"): "public/mark-price public/funding-rate",
    (20, 2, "ip+inst"): "public/open-interest",
    (20, 2, "ip+type"): "public/instruments",
    (1, 1, "user"): "trade/account-rate-limit",
    (5, 2, "user"): "account/config account/trade-fee +account/set-position-mode +trade/order-precheck",
    (6, 1, "user"): "asset/currencies asset/balances",
    (10, 2, "user"): "account/balance account/positions trade/fills-history",
    (10, 1, "user"): "asset/transfer-state",
    (20, 2, "user"): "account/leverage-info account/max-size account/max-avail-size +account/set-leverage",
    (40, 2, "user"): "trade/orders-history",
    (60, 2, "user"): "trade/orders-pending trade/fills",
    (2, 1, "user+ccy"): "+asset/transfer",
    (60, 2, "user+inst"): "+trade/order +trade/cancel-order +trade/amend-order trade/order",
    (300, 2, "user+inst"): "+trade/batch-orders +trade/cancel-batch-orders +trade/amend-batch-orders",
    (20, 2, "user+type"): "account/instruments",
}


def test_every_documented_endpoint_is_known_and_keeps_its_budget() -> None:
    from okxdoctor.exchange.core.limits import budgets

    known = budgets()
    assert len(known) >= 340
    for (limit, seconds, scope), names in FIGURES.items():
        for word in names.split():
            budget = known["POST" if word.startswith("+") else "GET", f"/api/v5/{word.lstrip('+')}"]
            found = f"{budget.owner}+{budget.detail}".rstrip("+")
            assert (budget.limit, budget.window_ms, found) == (limit, seconds * 1000, scope), word
    for word in ("order", "batch-orders", "amend-order", "cancel-order", "close-position", "order-algo"):
        assert known["POST", f"/api/v5/trade/{word}"].options == "family"


def test_options_share_the_budget_of_their_family(bench: Any) -> None:
    options = [inst.id for inst in bench.exchange.venue("global", "live").of_type("OPTION")]
    family = [inst for inst in options if inst.startswith("BTC-USD-")]
    other = next(inst for inst in options if not inst.startswith("BTC-USD-"))
    body = [json.dumps({"instId": inst, "ordId": "1"}) for inst in (family[0], family[1], other)]
    send = [bench.send("POST", "/api/v5/trade/cancel-order", body[k % 2]).status for k in range(61)]
    assert send == [200] * 60 + [429]
    assert bench.send("POST", "/api/v5/trade/cancel-order", body[2]).status == 200


def test_an_edge_that_is_not_exact_lets_more_through(make_bench: Any) -> None:
    from okxdoctor.exchange.core.ws_world import Options

    bench = make_bench()
    bench.exchange.options = Options(slack=0.65)
    assert burst(bench, "/api/v5/market/ticker?instId=BTC-USDT", 60, signed=False).count(200) == 33


def test_names_that_no_instrument_has_cost_no_memory(bench: Any) -> None:
    before = len(bench.exchange.ledger)
    for number in range(200):
        bench.send("GET", f"/api/v5/public/mark-price?instType=SWAP&instId=NO-{number}", signed=False)
    assert len(bench.exchange.ledger) == before + 1


def test_a_batch_counts_its_orders_and_a_batch_of_one_the_single_budget(bench: Any) -> None:
    order = {"instId": "BTC-USDT", "ordId": "1"}

    def cancel(count: int) -> int:
        return int(bench.send("POST", "/api/v5/trade/cancel-batch-orders", json.dumps([order] * count)).status)

    assert [cancel(20) for _ in range(16)] == [200] * 15 + [429]
    assert cancel(1) == 200
    single = [bench.send("POST", "/api/v5/trade/cancel-order", json.dumps(order)).status for _ in range(60)]
    assert single == [200] * 59 + [429]


def test_others_behind_the_same_address_leave_less(bench: Any) -> None:
    bench.put("ratelimit-shared=80%")
    assert burst(bench, TIME, 3, signed=False) == [200, 200, 429]
    assert burst(bench, "/api/v5/account/config", 5) == [200] * 5


def test_limits_that_differ_and_refusals_of_another_shape(bench: Any) -> None:
    bench.put("ratelimit-limit-differs=50%", "ratelimit-refusal-shape=200")
    assert burst(bench, TIME, 5, signed=False) == [200] * 5
    reply = bench.send("GET", TIME, signed=False)
    assert (reply.status, json.loads(reply.body)["code"]) == (200, "50011")
    bench.put("ratelimit-limit-differs=50%", "ratelimit-refusal-shape=503")
    assert bench.send("GET", TIME, signed=False).status == 503


def test_a_clock_that_goes_back_does_not_lock_anyone_out(bench: Any) -> None:
    assert burst(bench, TIME, 10, signed=False) == [200] * 10
    bench.advance(-3_600_000)
    assert bench.send("GET", TIME, signed=False).status == 200
