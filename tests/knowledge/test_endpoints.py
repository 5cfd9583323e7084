"""Request budgets: counts per endpoint and scope, as documented."""

from __future__ import annotations

import datetime

import pytest

from okxdoctor.knowledge import endpoint, endpoints
from okxdoctor.knowledge.endpoint_table import SCOPES

ROWS = endpoints()


@pytest.mark.parametrize(
    ("method", "path", "limit", "per_seconds", "scope"),
    [
        ("GET", "/api/v5/public/time", 10, 2, "IP"),
        ("GET", "/api/v5/public/instruments", 20, 2, "IP + Instrument Type"),
        ("GET", "/api/v5/public/instrument-tick-bands", 5, 2, "IP"),
        ("GET", "/api/v5/public/price-limit", 20, 2, "IP"),
        ("GET", "/api/v5/market/ticker", 20, 2, "IP"),
        ("GET", "/api/v5/system/status", 1, 5, "IP"),
        ("GET", "/api/v5/support/announcements", 5, 2, "User ID or IP"),
        ("GET", "/api/v5/account/config", 5, 2, "User ID"),
        ("GET", "/api/v5/account/balance", 10, 2, "User ID"),
        ("GET", "/api/v5/account/instruments", 20, 2, "User ID + Instrument Type"),
        ("GET", "/api/v5/trade/account-rate-limit", 1, 1, "User ID"),
        ("POST", "/api/v5/trade/order", 60, 2, "User ID + Instrument ID"),
        ("POST", "/api/v5/trade/order-precheck", 5, 2, "User ID"),
        ("POST", "/api/v5/trade/batch-orders", 300, 2, "User ID + Instrument ID"),
        ("GET", "/api/v5/users/subaccount/apikey", 20, 2, "User ID"),
    ],
)
def test_budgets_as_documented(method: str, path: str, limit: int, per_seconds: int, scope: str) -> None:
    row = endpoint(method, path)
    assert row is not None
    assert (row.limit, row.per_seconds, row.scope) == (limit, per_seconds, scope)


def test_each_row_is_well_formed() -> None:
    assert len(ROWS) >= 345
    for row in ROWS:
        assert row.method in {"GET", "POST"}
        assert row.path.startswith("/api/v5/")
        assert not row.path.endswith("/")
        assert "?" not in row.path
        assert row.limit >= 1
        assert row.per_seconds >= 1
        assert row.unit in {"request", "order"}
        assert row.scope in SCOPES, row.path
        assert row.option_scope in {"", *SCOPES}
        assert (row.permission is not None) == row.auth, row.path
        assert row.permission in {None, "read", "trade", "withdraw"}
        assert row.grade in {"documented", "observed", "assumed"}
        assert datetime.date(2025, 1, 1) < datetime.date.fromisoformat(row.seen) < datetime.date(2027, 1, 1)
        assert len(row.source) >= 8


def test_orders_are_counted_by_order_in_batches_and_by_family_for_options() -> None:
    batch = endpoint("POST", "/api/v5/trade/batch-orders")
    assert batch is not None
    assert batch.unit == "order"
    assert batch.option_scope == "User ID + Instrument Family"


def test_public_paths_that_need_a_key_say_so() -> None:
    calendar = endpoint("GET", "/api/v5/public/economic-calendar")
    assert calendar is not None
    assert calendar.auth


def test_lookup_is_by_method_and_path() -> None:
    assert endpoint("get", "/api/v5/public/time") is endpoint("GET", "/api/v5/public/time")
    assert endpoint("POST", "/api/v5/public/time") is None
    assert endpoint("GET", "/api/v5/public/time?x=1") is None
    get, post = endpoint("GET", "/api/v5/trade/order"), endpoint("POST", "/api/v5/trade/order")
    assert get is not None
    assert post is not None
    assert (get.permission, post.permission) == ("read", "trade")
