"""What a whole run costs the exchange, counted on the exchange's side: requests, connections, budgets, and no change.

The profile is a full one: read and trade, instruments of several kinds, and orders to look over. The doctor reaches the
exchange as it reaches OKX, by addresses and a key from the environment.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
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


# ---- counted as the exchange counts, by the documentation's own figures ---------------------------

CONNECTIONS_PER_S = 3
OPERATIONS_PER_HOUR = 480
DIVIDERS = {"Instrument ID": "instId", "Instrument Type": "instType", "Instrument Family": "instFamily"}
FLIPS = 6
"""Read-only calls beyond those of a healthy run that telling look-alikes apart may cost."""


def most_within(times_ms: list[int], window_ms: int) -> int:
    return max(sum(at <= other < at + window_ms for other in times_ms) for at in times_ms)


def shares(entries: tuple[Any, ...]) -> dict[tuple[str, ...], tuple[int, int]]:
    """For each budget that was touched: the most in one window, and the limit."""
    spent: dict[tuple[str, ...], list[int]] = defaultdict(list)
    limits: dict[tuple[str, ...], tuple[int, int]] = {}
    for entry in entries:
        if entry.kind != "rest" or is_upgrade(entry):
            continue
        row = endpoint(entry.method, entry.path)
        assert row is not None, f"{entry.method} {entry.path} has no documented budget"
        query = parse_qs(entry.target.partition("?")[2])
        detail = tuple(query.get(name, [""])[0] for word, name in DIVIDERS.items() if word in row.scope.split(" + "))
        key = (entry.site, entry.method, entry.path, *detail)
        spent[key].append(entry.at_ms)
        limits[key] = (row.limit, row.per_seconds * 1000)
    return {key: (most_within(times, limits[key][1]), limits[key][0]) for key, times in spent.items()}


def over_half(used: dict[tuple[str, ...], tuple[int, int]]) -> dict[tuple[str, ...], tuple[int, int]]:
    """A budget of one in a window has no half: it is used once in a window."""
    return {key: (most, limit) for key, (most, limit) in used.items() if most > max(1, limit / 2)}


def is_upgrade(entry: Any) -> bool:
    """Also one that asks at an address where no WebSocket is."""
    return entry.kind == "ws-open" or (entry.kind == "rest" and "sec-websocket-key" in entry.headers)


def connections_in_a_second(entries: tuple[Any, ...]) -> int:
    return most_within([entry.at_ms for entry in entries if is_upgrade(entry)] or [0], 1000)


def operations(entries: tuple[Any, ...]) -> dict[tuple[str, str], int]:
    """Logins and (un)subscriptions of all connections to one site from one address: no fewer than those of each."""
    found: Counter[tuple[str, str]] = Counter()
    for entry in entries:
        found[entry.site, entry.peer] += entry.kind == "ws-in" and entry.body != "ping"
    return found


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., tuple[Report, tuple[Any, ...]]]:
    """A run in a world with faults, on a clock that leaps, and what the exchange saw of it.

    Where the exchange was started for the run alone, the run may use all of it; here it behaves as it does with OKX.
    """
    import leaping

    import okxdoctor.exchange
    from okxdoctor.exchange.serving.running import running
    from okxdoctor.targets.live import target
    from okxdoctor.targets.live.pacing import Pacing

    home = tmp_path_factory.mktemp("counted")

    def go(*faults: str, **more: Any) -> tuple[Report, tuple[Any, ...]]:
        seen: list[Any] = []

        @contextlib.asynccontextmanager
        async def watched(**settings: Any) -> AsyncIterator[Any]:
            async with running(**settings) as exchange:
                try:
                    yield exchange
                finally:
                    seen.extend(exchange.wire_log.entries())

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(okxdoctor.exchange, "running", watched, raising=False)
            patch.setattr(target, "Pacing", lambda alone: Pacing())
            settings = resolve(Flags(target="sim", faults=faults, seed=5, **more), {}, home)
            report = leaping.run(check_up(settings))
        return report, tuple(seen)

    return go


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
    used = shares(entries)
    assert len(used) >= 12
    assert over_half(used) == {}


def test_connections_are_half_of_what_an_address_may_open(measured: Any) -> None:
    """Three a second are documented, so one: half of them, and it is told how long the second was held back."""
    report, entries = measured
    assert connections_in_a_second(entries) == 1 <= CONNECTIONS_PER_S / 2
    assert sum(entry.kind == "ws-open" for entry in entries) == 2
    held = {attempt.check: attempt for attempt in report.attempts if attempt.held_ms}
    assert set(held) == {"ws.private"}, "no request of a healthy run is held back"
    assert held["ws.private"].held_ms > 500


def test_requests_on_a_connection_are_few(measured: Any) -> None:
    """480 an hour of login, subscribe and unsubscribe are documented for each."""
    assert max(operations(measured[1]).values()) <= 12


def test_nothing_is_changed(measured: Any) -> None:
    _, entries = measured
    for entry in entries:
        if entry.kind == "rest":
            assert entry.method == "GET" or entry.path in HARMLESS, str(entry)
        elif entry.kind == "ws-in" and entry.body.startswith("{"):
            assert json.loads(entry.body)["op"] in ("login", "subscribe", "unsubscribe"), entry.body


# ---- where something is wrong, and more is asked to tell what -------------------------------------

FLIPPED = (
    "key-unknown", "region-wrong-rest-host=eea", "region-wrong-ws-host=us", "key-wrong-environment",
    "key-wrong-environment-ws", "key-secret-wrong", "key-passphrase-wrong", "key-malformed",
    "ip-not-whitelisted=203.0.113.57", "ip-family-mismatch", "ip-egress-unstable=203.0.113.80",
    "permission-ip-binding-required", "key-frozen", "header-missing=passphrase", "clock-ahead=45s",
    "clock-behind=45s", "clock-timezone-shift=8h",
    "clock-server-time-cached=7s", "timestamp-expired=40s", "timestamp-format=epoch-ms", "ratelimit-shared=90%",
    "ratelimit-order-cap", "status-overloaded=50013", "http-not-json=html", "instrument-unknown=BTC-USDT",
    "ws-blocked=refuse", "ws-drops=100ms", "ws-drops-on-subscribe", "ws-login-refused=internal", "ws-silent",
    "ws-wrong-path=business", "ws-connection-limit=connects", "ws-connection-limit=channel",
    "ws-wrong-path-address=/api/v5",
)  # fmt: skip


@pytest.fixture(scope="module")
def healthy(counted: Any) -> Counter[tuple[str, ...]]:
    return asked(counted()[1])


def asked(entries: tuple[Any, ...]) -> Counter[tuple[str, ...]]:
    return Counter((entry.method, entry.path) for entry in entries if entry.kind == "rest" and not is_upgrade(entry))


@pytest.mark.parametrize("fault", FLIPPED)
def test_telling_look_alikes_apart_stays_within_the_budgets(counted: Any, healthy: Any, fault: str) -> None:
    report, entries = counted(fault)
    assert report.diagnosis
    assert over_half(shares(entries)) == {}
    assert connections_in_a_second(entries) <= CONNECTIONS_PER_S / 2
    assert max(operations(entries).values()) <= OPERATIONS_PER_HOUR / 2
    extra = asked(entries) - healthy
    assert sum(extra.values()) <= FLIPS, extra


def test_what_was_held_back_is_told_as_such(counted: Any) -> None:
    report, _ = counted()
    (private,) = (attempt for attempt in report.attempts if attempt.held_ms)
    assert private.check == "ws.private"
    assert private.held_ms == pytest.approx(1050, abs=30)
    assert private.facts["held_ms"] == pytest.approx(private.held_ms, abs=5)
    assert private.elapsed_ms - private.held_ms < 100, "what is left is the conversation"


def test_the_burst_spends_one_budget_and_no_other(counted: Any) -> None:
    _, entries = counted(burst=True)
    assert {path for _, _, path, *_ in over_half(shares(entries))} == {"/api/v5/market/ticker"}
    assert connections_in_a_second(entries) == 1


def test_the_order_round_trip_stays_within_the_budgets(counted: Any) -> None:
    report, entries = counted(demo_orders=True)
    assert not report.diagnosis
    assert sum(entry.path == "/api/v5/trade/order" and entry.method == "POST" for entry in entries) == 1
    assert over_half(shares(entries)) == {}
    assert connections_in_a_second(entries) == 1
