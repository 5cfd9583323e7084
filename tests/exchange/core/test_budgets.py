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


def test_the_order_cap_of_an_account_is_50061(bench: Any) -> None:
    from okxdoctor.exchange.core.limits import SUBACCOUNT_ORDERS

    uid = bench.exchange.sites["global"].keys[bench.exchange.credentials().api_key].uid
    window = ("orders", "global", "live", uid)
    assert bench.exchange.ledger.take(window, SUBACCOUNT_ORDERS, bench.now_ms, cost=1000)
    reply = bench.send("POST", "/api/v5/trade/order", "{}")
    assert (reply.status, json.loads(reply.body)["code"]) == (200, "50061")


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
