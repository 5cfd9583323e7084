"""The embedded exchange for the tests of those who use OKX: a pytest plugin that costs nothing when unused.

    import base64, datetime, hashlib, hmac, json, urllib.request

    import pytest

    def ask(x, method, path, body=""):                 # stands for the client under test
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        sign = hmac.new(x.info.secret_key.encode(), (now + method + path + body).encode(), hashlib.sha256)
        headers = {
            "OK-ACCESS-KEY": x.info.api_key, "OK-ACCESS-PASSPHRASE": x.info.passphrase,
            "OK-ACCESS-TIMESTAMP": now, "OK-ACCESS-SIGN": base64.b64encode(sign.digest()).decode(),
            "Content-Type": "application/json",
        }
        request = urllib.request.Request(x.info.plain_rest_url + path, body.encode() or None, headers, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def test_an_order_is_filled(okx_exchange):
        okx_exchange.add_funds("USDT", 50_000)
        okx_exchange.move_market("BTC-USDT", to=60_000)
        order = {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "limit", "px": "59000", "sz": "0.5"}
        placed = ask(okx_exchange, "POST", "/api/v5/trade/order", json.dumps(order))["data"][0]
        okx_exchange.fill(placed["ordId"], "0.2")
        assert okx_exchange.orders()[0]["accFillSz"] == "0.2"
        okx_exchange.move_market("BTC-USDT", by=-0.03)
        assert okx_exchange.orders() == ()

    @pytest.mark.okx(faults=["key-frozen"])
    def test_a_frozen_key(okx_exchange):
        with pytest.raises(urllib.error.HTTPError):
            ask(okx_exchange, "GET", "/api/v5/account/balance")
        okx_exchange.lift("key-frozen")
        assert ask(okx_exchange, "GET", "/api/v5/account/balance")["code"] == "0"

``okx_exchange``
    An exchange of the test's own: fresh accounts, budgets and ports. It is an ``okxdoctor.exchange.Bench``, with
    what a test does to an exchange (``okx_exchange.aio`` has the same for coroutines). It sets nothing in the
    environment; ``okx_exchange.environ()`` gives the variables that ``okxdoctor sim -- COMMAND`` sets.
``okx_exchange_env``
    The same, with those variables set while the test runs.
``@pytest.mark.okx(faults=["clock-ahead=45s"], seed=7)``
    What is wrong from the start (``okxdoctor list faults``), and the seed. The faults of markers on module, class
    and function add up; the nearest seed counts.
``okx_seed`` in pytest's configuration
    The seed where no marker gives one; 0 without.

When a test fails, the end of the wire log is part of its report.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from okxdoctor.exchange import Bench

SHOWN = 30
"""Entries of the wire log in the report of a failed test."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini("okx_seed", "seed of the exchange that okx_exchange starts", default="0")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "okx(faults=[...], seed=N): how the exchange of okx_exchange is at the start")


@pytest.fixture
def okx_exchange(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """An embedded OKX exchange of the test's own: ``okxdoctor.exchange.Bench``."""
    faults, seed = _asked_for(request.node)
    # Imported here: whoever has the plugin installed and does not use it pays nothing for it.
    from okxdoctor.exchange import Bench, serve
    from okxdoctor.exchange.faults import BadFaultValue, UnknownFault, parse

    try:
        injected = [parse(fault) for fault in faults]
    except (UnknownFault, BadFaultValue) as problem:
        pytest.fail(f"pytest.mark.okx: {problem}", pytrace=False)
    # A start takes about as long as clearing everything would, and leaves no doubt about what is clear.
    with serve(seed=seed, faults=injected) as served:
        yield Bench(served)
        defects = list(served.wire_log.defects)
    if defects:
        pytest.fail(f"defects of the embedded exchange: {'; '.join(defects[:5])}", pytrace=False)


@pytest.fixture
def okx_exchange_env(okx_exchange: Bench, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """``okx_exchange``, with the variables that lead a client to it set in the environment."""
    for name, value in okx_exchange.environ().items():
        monkeypatch.setenv(name, value)
    return okx_exchange


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    bench = getattr(item, "funcargs", {}).get("okx_exchange")
    if bench is not None and report.when == "call" and report.failed:
        entries = bench.wire_log
        shown = [f"{entry.at_ms} {entry}" for entry in entries[-SHOWN:]]
        if len(entries) > SHOWN:
            shown.insert(0, f"({len(entries) - SHOWN} earlier ones)")
        report.sections.append(("OKX wire log", "\n".join(shown) or "nothing crossed the wire"))
    return report


def _asked_for(node: pytest.Item) -> tuple[list[str], int]:
    """Faults and seed of the markers and the configuration."""
    faults: list[str] = []
    seeds: list[object] = []
    for marker in node.iter_markers("okx"):
        unknown = [*map(repr, marker.args), *(name for name in marker.kwargs if name not in ("faults", "seed"))]
        if unknown:
            pytest.fail(f"pytest.mark.okx takes faults=[...] and seed=N, not {', '.join(unknown)}", pytrace=False)
        named = marker.kwargs.get("faults", ())
        if not isinstance(named, list | tuple) or not all(isinstance(each, str) for each in named):
            pytest.fail("pytest.mark.okx: faults is a list of texts", pytrace=False)
        faults[:0] = named
        seeds.extend([marker.kwargs["seed"]] if "seed" in marker.kwargs else [])
    seed = seeds[0] if seeds else node.config.getini("okx_seed")
    try:
        return faults, int(str(seed))
    except ValueError:
        pytest.fail(f"okx_seed is a whole number, not {seed!r}", pytrace=False)
