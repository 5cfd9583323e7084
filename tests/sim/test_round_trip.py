"""The order round trip over real sockets, on the demo environment of an exchange that outlives the run."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from okxdoctor.checkup import check_up
from okxdoctor.exchange import serve
from okxdoctor.model import Outcome, Report
from okxdoctor.settings import Flags, resolve

TRIP = ["/api/v5/trade/order", "/api/v5/trade/amend-order", "/api/v5/trade/cancel-order"]


@pytest.fixture(scope="module")
def exchange() -> Iterator[Any]:
    with serve(seed=9) as served:
        yield served


def flags(exchange: Any, **more: Any) -> tuple[Flags, dict[str, str]]:
    info = exchange.info
    site = next(one for one in info.sites if (one.name, one.environment) == ("global", "demo"))
    given = Flags(
        target="demo", rest_url=site.named_rest_url, ws_url=site.named_ws_url, ca_file=info.ca_file,
        dns_servers=(info.dns_server,), ntp_servers=tuple(info.ntp_servers), need="read,trade",
        instruments=("BTC-USDT",), demo_orders=True, only=("order.trip", "key", "instrument"), **more,
    )  # fmt: skip
    key = {"OKX_API_KEY": site.api_key, "OKX_SECRET_KEY": site.secret_key, "OKX_PASSPHRASE": site.passphrase}
    return given, key


def trip(report: Report) -> Any:
    return next(attempt for attempt in report.attempts if attempt.check == "order.trip")


def left(exchange: Any) -> list[Any]:
    return [order for site in exchange.running.exchange.sites.values() for venue in site.venues.values()
            for order in venue.orders.all_open()]  # fmt: skip


def posts(exchange: Any) -> list[str]:
    return [entry.path for entry in exchange.wire_log.entries() if entry.method == "POST"]


def test_there_and_back_on_demo(exchange: Any, tmp_path: Path) -> None:
    exchange.wire_log.clear()
    given, key = flags(exchange)
    report = asyncio.run(check_up(resolve(given, key, tmp_path)))
    assert trip(report).outcome is Outcome.COMPLETED
    assert [d.code for d in report.diagnosis] == []
    steps = trip(report).facts["steps"]
    assert [(one["name"], one["channel"], one["rest"]) for one in steps] == [
        ("place", "live", "live"), ("amend", "live", "live"), ("cancel", "canceled", "canceled"),
    ]  # fmt: skip
    assert all(one["ack_ms"] <= one["channel_ms"] for one in steps)
    assert posts(exchange) == TRIP
    assert left(exchange) == []


@pytest.mark.parametrize("at", range(3))
def test_an_interruption_leaves_nothing_on_the_exchange(exchange: Any, tmp_path: Path, at: int) -> None:
    exchange.wire_log.clear()
    given, key = flags(exchange)

    async def go() -> Report:
        stop = asyncio.Event()
        running = asyncio.ensure_future(check_up(resolve(given, key, tmp_path), stop=stop))
        while len(posts(exchange)) <= at and not running.done():
            await asyncio.sleep(0.001)
        stop.set()
        return await running

    report = asyncio.run(go())
    assert left(exchange) == []
    assert report.interrupted
    assert posts(exchange)[: at + 1] == TRIP[: at + 1]
    if trip(report).outcome is Outcome.INCONCLUSIVE:
        assert "was canceled" in trip(report).because


def test_without_the_flag_nothing_is_placed(exchange: Any, tmp_path: Path) -> None:
    from dataclasses import replace

    exchange.wire_log.clear()
    given, key = flags(exchange)
    report = asyncio.run(check_up(resolve(replace(given, demo_orders=False), key, tmp_path)))
    assert trip(report).outcome is Outcome.SKIPPED
    assert posts(exchange) == []
