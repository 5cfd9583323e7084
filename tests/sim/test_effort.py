"""What a whole run costs the exchange, counted on the exchange's side: requests, connections, budgets, and no change.

The profile is a full one: read and trade, instruments of several kinds, and orders to look over. The doctor reaches the
exchange as it reaches OKX, by addresses and a key from the environment.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from okxdoctor.checkup import check_up
from okxdoctor.exchange import serve
from okxdoctor.knowledge import endpoint
from okxdoctor.model import Outcome, Report
from okxdoctor.settings import Flags, resolve

HARMLESS = {"/api/v5/trade/order-precheck"}
ORDERS = [
    {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "limit", "px": "60000", "sz": "0.01",
     "clOrdId": "a1"},
    {"instId": "ETH-USDT", "tdMode": "cash", "side": "sell", "ordType": "market", "sz": "0.1", "clOrdId": "a2"},
    {"instId": "BTC-USDT-SWAP", "tdMode": "cross", "side": "sell", "ordType": "post_only", "px": "80000", "sz": "1"},
    {"instId": "BTC-USD-SWAP", "tdMode": "isolated", "side": "buy", "ordType": "limit", "px": "60000", "sz": "1"},
]  # fmt: skip


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Report, tuple[Any, ...]]]:
    """One run, and what the exchange saw of it."""
    folder = tmp_path_factory.mktemp("effort")
    (folder / "orders.json").write_text(json.dumps(ORDERS), "utf-8")
    with serve(seed=5) as exchange:
        info = exchange.info
        flags = Flags(
            rest_url=info.named_rest_url, ws_url=info.named_ws_url, ca_file=info.ca_file,
            dns_servers=(info.dns_server,), ntp_servers=tuple(info.ntp_servers), need="read,trade",
            instruments=("BTC-USDT", "ETH-USDT", "BTC-USDT-SWAP", "BTC-USD-SWAP"),
            orders=(str(folder / "orders.json"),),
            site_urls=tuple(
                f"{site.name}={site.named_rest_url},{site.named_ws_url}"
                for site in info.sites if site.environment == "live"
            ),
        )  # fmt: skip
        environ = {"OKX_API_KEY": info.api_key, "OKX_SECRET_KEY": info.secret_key, "OKX_PASSPHRASE": info.passphrase}
        report = asyncio.run(check_up(resolve(flags, environ, Path(folder))))
        yield report, tuple(exchange.wire_log.entries())


def test_the_run_is_whole_and_healthy(measured: Any) -> None:
    report, _ = measured
    assert [d.code for d in report.diagnosis] == []
    looked = {a.check for a in report.attempts if a.outcome is Outcome.COMPLETED}
    assert {"key", "account", "instrument", "order", "ws", "ws.private", "egress"} <= looked


def test_at_most_sixty_requests_on_forty_connections(measured: Any) -> None:
    report, entries = measured
    seen = sum(entry.kind in ("rest", "ws-open") for entry in entries)
    assert seen <= report.requests <= 60, "the report does not tell fewer than the exchange saw"
    assert report.connections <= 40


def test_no_budget_is_used_by_more_than_half(measured: Any) -> None:
    _, entries = measured
    spent: dict[tuple[str, ...], list[int]] = defaultdict(list)
    limits: dict[tuple[str, ...], tuple[int, int]] = {}
    for entry in entries:
        if entry.kind != "rest":
            continue
        row = endpoint(entry.method, entry.path)
        assert row is not None, f"{entry.method} {entry.path} has no documented budget"
        query = parse_qs(entry.target.partition("?")[2])
        parts = {"Instrument ID": "instId", "Instrument Type": "instType", "Instrument Family": "instFamily"}
        detail = tuple(query.get(name, [""])[0] for word, name in parts.items() if word in row.scope)
        key = (entry.method, entry.path, *detail)
        spent[key].append(entry.at_ms)
        limits[key] = (row.limit, row.per_seconds * 1000)
    worst: dict[tuple[str, ...], float] = {}
    for key, times in spent.items():
        limit, window_ms = limits[key]
        most = max(sum(at <= other < at + window_ms for other in times) for at in times)
        worst[key] = most / limit
        # A budget of one in a window has no half.
        assert most == 1 or most <= limit / 2, f"{key}: {most} of {limit}"
    assert len(worst) >= 12


def test_nothing_is_changed(measured: Any) -> None:
    _, entries = measured
    for entry in entries:
        if entry.kind == "rest":
            assert entry.method == "GET" or entry.path in HARMLESS, str(entry)
        elif entry.kind == "ws-in" and entry.body.startswith("{"):
            assert json.loads(entry.body)["op"] in ("login", "subscribe", "unsubscribe"), entry.body
