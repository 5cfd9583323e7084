"""Whatever arrives, the core answers: no input makes it raise, and no answer is anything but JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from okxdoctor.exchange.core.rest import BATCHES, ROUTES, routes
from okxdoctor.exchange.core.rest_absent import out_of_service

PATHS = sorted(routes())
SERVED = [each for each in PATHS if routes()[each].handler is not out_of_service]
PARAMETERS = (
    "instType", "instId", "instFamily", "uly", "sz", "limit", "after", "before", "bar", "ccy", "mgnMode", "tdMode",
    "px", "ordId", "clOrdId", "state", "annType", "page", "quoteCcy", "seriesId",
)  # fmt: skip
WORDS = st.one_of(
    st.sampled_from(["SPOT", "SWAP", "OPTION", "ANY", "BTC-USDT", "BTC-USDT-SWAP", "TESTING4-USDT", "cash", "cross",
                     "1m", "1D", "0", "-1", "1e9", "NaN", "9" * 40, "%2C", ",", "١", "BTC-USD", "1Dutc"]),
    st.text(max_size=12),
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)
SETTINGS = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@SETTINGS
@given(
    route=st.one_of(st.sampled_from(SERVED), st.sampled_from(PATHS)),
    query=st.dictionaries(st.sampled_from(PARAMETERS), WORDS, max_size=5),
    demo=st.booleans(),
)
def test_any_query_gets_json(bench: Any, route: tuple[str, str], query: dict[str, str], demo: bool) -> None:
    bench.advance(5_000)
    method, path = route
    target = path + "?" + "&".join(f"{name}={value}" for name, value in query.items())
    body = "{}" if method == "POST" else ""
    try:
        target.encode()
    except UnicodeEncodeError:
        return
    reply = bench.send(method, target, body, environment="demo" if demo else "live")
    assert "code" in json.loads(reply.body)
    assert reply.status in (200, 400, 401, 405, 410, 429)


ORDER = {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "limit", "px": "10000.1", "sz": "0.001"}
FIELDS = (
    *ORDER, "clOrdId", "ordId", "newSz", "newPx", "lever", "posMode", "expTime", "timeOut", "autoCxl", "algoId",
    "callbackRatio", "callbackSpread", "activePx", "slTriggerPx", "slOrdPx", "tpTriggerPx", "tpOrdPx", "triggerPx",
    "orderPx", "attachAlgoOrds", "closeFraction", "posSide", "mgnMode", "type", "amt", "ccy", "from", "to", "subAcct",
    "perm", "ip", "label", "passphrase", "isoMode", "acctLv", "greeksType", "newTpTriggerPx", "pxAmendType", "banAmend",
    "cxlOnFail", "tgtCcy", "reduceOnly", "slTriggerPxType", "apiKey", "fromSubAccount", "toSubAccount", "instFamily",
)  # fmt: skip
LIKELY = {
    # What lets a request get past the first complaint.
    "order-algo": {"ordType": "oco", "side": "sell", "tpTriggerPx": "90000", "tpOrdPx": "-1", "slTriggerPx": "50000",
                   "slOrdPx": "-1"},
    "close-position": {"mgnMode": "cross"}, "cancel-all-after": {"timeOut": "20"},
    "margin-balance": {"posSide": "net", "type": "add", "amt": "1"},
    "transfer": {"ccy": "USDT", "amt": "1", "from": "6", "to": "18", "subAcct": "deskone"},
    "apikey": {"subAcct": "deskone", "label": "b", "passphrase": "Correct1!x", "perm": "trade", "ip": "127.0.0.1"},
    "set-leverage": {"mgnMode": "cross", "lever": "3"}, "set-isolated-mode": {"isoMode": "automatic", "type": "MARGIN"},
    "set-account-level": {"acctLv": "2"}, "set-greeks": {"greeksType": "PA"},
    "mass-cancel": {"instType": "OPTION", "instFamily": "BTC-USD"},
}  # fmt: skip
NAMES = ("channel", "instId", "instType", "instIdCode", "apiKey", "timestamp", "sign", "sz", "ordId")
OPERATIONS = ("login", "subscribe", "unsubscribe", "order", "batch-orders", "cancel-order", "amend-order")


@SETTINGS
@given(
    path=st.sampled_from([path for method, path in SERVED if method == "POST"]),
    change=st.dictionaries(st.sampled_from(FIELDS), JSON),
)
def test_any_body_gets_json(bench: Any, path: str, change: dict[str, Any]) -> None:
    bench.advance(5_000)
    one = {**ORDER, **LIKELY.get(path.rpartition("/")[2], {}), **change}
    try:
        body = json.dumps([one, one] if path in BATCHES else one, allow_nan=False)
        body.encode()
    except ValueError:
        return
    reply = bench.send("POST", path, body)
    assert "code" in json.loads(reply.body)
    assert reply.status in (200, 400, 401, 410, 429)


@SETTINGS
@given(message=st.one_of(JSON, st.fixed_dictionaries({
    "op": st.sampled_from(OPERATIONS),
    "args": st.one_of(JSON, st.lists(st.dictionaries(
        st.sampled_from(NAMES),
        st.one_of(JSON, st.sampled_from(["tickers", "books", "orders", "candle1m", "account", "instruments"])),
        max_size=4), max_size=3)),
    "id": st.one_of(st.none(), st.just("a1"), JSON),
})))  # fmt: skip
def test_any_message_gets_json(bench: Any, message: Any) -> None:
    try:
        text = json.dumps(message, allow_nan=False)
        text.encode()
    except ValueError:
        return
    for path in ("public", "private", "business"):
        session = bench.session(path)
        if path == "private":
            session.receive(json.dumps({"op": "login", "args": [bench.login()]}))
        for frame in (*session.receive(text), *session.tick()):
            if hasattr(frame, "text"):
                json.loads(frame.text)


def test_every_route_is_fuzzed() -> None:
    assert set(PATHS) >= set(ROUTES)
    assert len(PATHS) >= 40


@pytest.mark.parametrize(
    "target", ["", "?", "/api/v5/public/time?" + "a=b&" * 20_000, "/api/v5/public/time#x", "*", "//"]
)
def test_odd_targets(bench: Any, target: str) -> None:
    assert bench.send("GET", target, signed=False).status in (200, 404)
