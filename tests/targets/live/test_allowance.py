"""What may change something: the calls of one order round trip, and nothing else, whatever a check asks for."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okxdoctor.port import Ask, Endpoint, View
from okxdoctor.targets.live.allowance import AMEND, CANCEL, MOST, PLACE, Allowance
from okxdoctor.targets.live.asking import NotReadOnly, guard

OWN = "okxdoctor" + "0123456789abcdef0123"
REST = Endpoint(role="rest", url="https://x.test", scheme="https", host="x.test", port=443, base="", tls=True)


def view(**changes: Any) -> View:
    base = View(
        kind="demo", site="global", environment="demo", rest=REST, ws=replace(REST, role="ws"), addresses="global",
        declared_hosts=False, legacy_ws_port=8443, credentials=True, need=(), instruments=(), product=None,
        trade_mode=None, declared_specs=(), burst=False, rest_route=None, ws_route=None, ca_file=None,
        dns_servers=(), ntp_servers=(), ntp_declared=False, control_name="", cells=(), demo_orders=True,
    )  # fmt: skip
    return replace(base, **changes)


BODIES = {
    PLACE: {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "post_only", "px": "40000.1",
            "sz": "0.00001", "clOrdId": OWN},
    AMEND: {"instId": "BTC-USDT", "clOrdId": OWN, "newPx": "39000"},
    CANCEL: {"instId": "BTC-USDT", "clOrdId": OWN},
}  # fmt: skip


def ask(path: str = PLACE, body: Any = None, **changes: Any) -> Ask:
    text = body if isinstance(body, str) else json.dumps(BODIES[path] if body is None else body)
    return replace(Ask(method="POST", path=path, body=text, signed=True), **changes)


def passes(allowance: Allowance | None, wanted: Ask) -> bool:
    try:
        guard(wanted, allowance)
    except NotReadOnly:
        return False
    return True


@pytest.mark.parametrize(
    "where", [view(), view(kind="sim", environment="live", addresses="loopback")], ids=["demo", "sim"]
)
def test_the_round_trip_passes(where: View) -> None:
    allowance = Allowance(where)
    assert all(passes(allowance, ask(path)) for path in (PLACE, AMEND, CANCEL))


@pytest.mark.parametrize(
    "where",
    [
        view(demo_orders=False),
        view(kind="live", environment="live"),
        view(kind="live"),
        view(kind="demo", environment="live"),
        view(kind="sim", environment="live", addresses="global"),
        view(kind="sim", environment="live", addresses="any"),
        view(kind="cassette"),
        view(kind="facts"),
    ],
    ids=lambda where: f"{where.kind}-{where.environment}-{where.addresses}-{where.demo_orders}",
)
def test_nothing_passes_anywhere_else(where: View) -> None:
    allowance = Allowance(where)
    assert not any(passes(allowance, ask(path)) for path in (PLACE, AMEND, CANCEL))
    assert not any(passes(None, ask(path)) for path in (PLACE, AMEND, CANCEL))


@pytest.mark.parametrize(
    "wanted",
    [
        ask(signed=False), ask(simulated=False), ask(simulated=True), ask(cell="global/live"), ask(method="GET"),
        ask(path="/api/v5/trade/order?x=1", body=BODIES[PLACE]),
        ask(path="/api/v5/trade/batch-orders", body=[BODIES[PLACE]]),
        ask(path="/api/v5/trade/order-algo", body=BODIES[PLACE]), ask(path="/api/v5/trade/close-position", body={}),
        ask(path="/api/v5/asset/transfer", body={"ccy": "USDT"}), ask(path="/api/v5/account/set-leverage", body={}),
        ask(path="/api/v5/trade/mass-cancel", body={}), ask(path="/api/v5/trade/cancel-batch-orders", body=[]),
        ask(path="/api/v5/trade//order", body=BODIES[PLACE]), ask(path="/api/v5/trade/./order", body=BODIES[PLACE]),
        ask(body=[BODIES[PLACE]]), ask(body="null"), ask(body=""), ask(body="{"),
        ask(body=json.dumps(BODIES[PLACE])[:-1]),
        ask(body=json.dumps(BODIES[PLACE])[:-1] + ',"ordType":"market"}'),
        ask(body=BODIES[PLACE] | {"ordType": "limit"}), ask(body=BODIES[PLACE] | {"ordType": "market"}),
        ask(body=BODIES[PLACE] | {"tdMode": "isolated"}), ask(body=BODIES[PLACE] | {"clOrdId": "mine1"}),
        ask(body=BODIES[PLACE] | {"clOrdId": OWN + "0"}), ask(body=BODIES[PLACE] | {"clOrdId": OWN + "\n"}),
        ask(body=BODIES[PLACE] | {"instId": "BTC-USDT-SWAP"}), ask(body=BODIES[PLACE] | {"px": "1e5"}),
        ask(body=BODIES[PLACE] | {"px": 40000}), ask(body=BODIES[PLACE] | {"attachAlgoOrds": []}),
        ask(body={k: v for k, v in BODIES[PLACE].items() if k != "clOrdId"}),
        ask(AMEND, BODIES[AMEND]), ask(AMEND, {"instId": "BTC-USDT", "ordId": "1", "newPx": "1"}),
        ask(CANCEL, {"instId": "BTC-USDT", "ordId": "312269865356374016"}),
        ask(CANCEL, {"instId": "BTC-USDT", "clOrdId": "b"}),
    ],
    ids=range(36),
)  # fmt: skip
def test_nothing_else_passes(wanted: Ask) -> None:
    assert not passes(Allowance(view()), wanted)


def test_only_the_order_that_was_placed_is_amended_and_each_call_has_its_number() -> None:
    allowance = Allowance(view())
    assert passes(allowance, ask())
    other = "okxdoctor" + "f" * 20
    assert not passes(allowance, ask(AMEND, BODIES[AMEND] | {"clOrdId": other}))
    assert not passes(allowance, ask(body=BODIES[PLACE] | {"clOrdId": other})), "one order in a run"
    for path in (AMEND, CANCEL):
        assert [passes(allowance, ask(path)) for _ in range(MOST[path] + 2)] == [True] * MOST[path] + [False] * 2


@given(
    path=st.text(max_size=40) | st.sampled_from([f"/api/v5/{name}" for name in (
        "trade/order", "trade/cancel-order", "trade/amend-order", "trade/batch-orders", "asset/withdrawal",
        "users/subaccount/modify-apikey", "account/set-position-mode")]),
    body=st.none() | st.text(max_size=30) | st.builds(json.dumps, st.dictionaries(
        st.sampled_from(list(BODIES[PLACE])), st.sampled_from([*BODIES[PLACE].values(), "market", "", "1"]))),
    method=st.sampled_from(["GET", "POST", "DELETE", "PUT", "post"]),
)  # fmt: skip
def test_whatever_is_asked_only_reading_or_the_one_order_passes(path: str, body: str | None, method: Any) -> None:
    wanted = Ask(method=method, path=path, body=body, signed=True)
    if passes(Allowance(view()), wanted):
        read = method == "GET" and body is None and path.startswith("/api/v5/")
        placed = path == PLACE and '"ordType": "post_only"' in (body or "")
        canceled = path == CANCEL and f'"clOrdId": "{OWN}"' in (body or "")
        precheck = path == "/api/v5/trade/order-precheck"
        assert read or (method == "POST" and (placed or canceled or precheck))
