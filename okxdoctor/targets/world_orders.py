"""The orders that the made-up user of the embedded exchange is about to send, and the mistakes in them.

Healthy: a spot and a swap order that are right at every price that the seeded market reaches, on grids coarser than the
exchange's own. Each fault is one mistake of the user's program in one of them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from okxdoctor.exchange.faults.model import Fault

Order = dict[str, object]

SPOT: Mapping[str, object] = {
    "instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "limit", "px": "60000", "sz": "0.01",
    "clOrdId": "spot1",
}  # fmt: skip
SWAP: Mapping[str, object] = {
    "instId": "BTC-USDT-SWAP", "tdMode": "cross", "side": "sell", "ordType": "limit", "px": "80000", "sz": "2",
    "clOrdId": "swap1",
}  # fmt: skip

# Fault and choice -> which order, and what differs in it. None: the member is left out.
_MISTAKES: Mapping[tuple[str, str], tuple[str, Order]] = {
    ("order-parameter-invalid", "name"): ("spot", {"px": None, "price": "60000"}),
    ("order-parameter-invalid", "case"): ("spot", {"side": "BUY"}),
    ("order-parameter-invalid", "missing"): ("swap", {"tdMode": None}),
    ("order-parameter-invalid", "no-price"): ("swap", {"px": None}),
    ("order-parameter-invalid", "negative"): ("spot", {"sz": "-0.01"}),
    ("order-parameter-invalid", "expired"): ("spot", {"expTime": "1700000000000"}),
    ("order-parameter-invalid", "nothing-to-close"): ("swap", {"reduceOnly": "true"}),
    ("order-client-id-invalid", "hyphen"): ("spot", {"clOrdId": "3f2b8c1e-9d4a-4c7b"}),
    ("order-client-id-invalid", "long"): ("swap", {"clOrdId": "brokertag" + "0123456789abcdef" * 2}),
    ("order-client-id-invalid", "repeated"): ("swap", {"clOrdId": "spot1"}),
    ("order-price-out-of-band", "buy"): ("spot", {"px": "90000"}),
    ("order-price-out-of-band", "sell"): ("swap", {"px": "50000"}),
    ("order-unit-confusion", "coins"): ("swap", {"sz": "0.002"}),
    ("order-unit-confusion", "quote"): ("spot", {"ordType": "market", "px": None, "sz": "0.002"}),
    ("precision-price-off-tick", ""): ("spot", {"px": "60000.05"}),
    ("precision-size-off-lot", ""): ("swap", {"sz": "1.015"}),
    ("precision-size-below-minimum", ""): ("spot", {"sz": "0.000004"}),
    ("precision-size-above-maximum", "limit"): ("swap", {"sz": "200000000"}),
    ("precision-size-above-maximum", "market"): ("swap", {"ordType": "market", "px": None, "sz": "40000"}),
    ("precision-size-above-maximum", "amount"): ("spot", {"sz": "1000"}),
    ("precision-number-format", "exponent"): ("spot", {"sz": "1e-2"}),
    ("precision-number-format", "noise"): ("swap", {"px": "80000.10000000001"}),
    ("precision-number-format", "comma"): ("spot", {"px": "60,000.5"}),
    ("precision-number-format", "number"): ("spot", {"px": 60000.5}),
}


def _choices(name: str) -> tuple[str, ...]:
    return tuple(choice for fault, choice in _MISTAKES if fault == name)


def _chosen(name: str, cause: str, says: str) -> Fault:
    words = _choices(name)
    return Fault(
        name=name, example=f"{name}={words[0]}", layer="machine", says=says, cause=cause, value="choice",
        default=words[0], choices=words,
    )  # fmt: skip


def _plain(name: str, cause: str, says: str) -> Fault:
    return Fault(name=name, example=name, layer="machine", says=says, cause=cause)


FAULTS: tuple[Fault, ...] = (
    _chosen(
        "order-parameter-invalid", "order.parameter-invalid",
        "the user's program sends an order with a misspelt, missing or impossible parameter",
    ),
    _chosen(
        "order-client-id-invalid", "order.client-id-invalid",
        "the user's program makes client order ids with hyphens, of 41 characters, or the same twice",
    ),
    _chosen(
        "order-price-out-of-band", "order.price-out-of-band",
        "the user's program prices an order from old data, far over or under the market",
    ),
    _chosen(
        "order-unit-confusion", "order.unit-confusion",
        "the user's program gives a size in coins where contracts, or quote currency, are counted",
    ),
    _plain(
        "precision-price-off-tick", "precision.price-off-tick", "the user's program sends a price between two ticks"
    ),
    _plain("precision-size-off-lot", "precision.size-off-lot", "the user's program sends a size between two lots"),
    _plain(
        "precision-size-below-minimum", "precision.size-below-minimum",
        "the user's program sends a size under the minimum of the instrument",
    ),
    _chosen(
        "precision-size-above-maximum", "precision.size-above-maximum",
        "the user's program sends a size over the maximum for limit orders, for market orders, or by its value",
    ),
    _chosen(
        "precision-number-format", "precision.number-format",
        "the user's program writes a number with an exponent, float noise, a separator, or without quotes",
    ),
)  # fmt: skip


def orders_text(on: Mapping[str, object]) -> str:
    """The user's file of orders, as JSON, with the mistakes of the faults that are on."""
    spot, swap = dict(SPOT), dict(SWAP)
    for fault in FAULTS:
        if fault.name not in on:
            continue
        which, changes = _MISTAKES[fault.name, str(on[fault.name] or "")]
        order = spot if which == "spot" else swap
        order.update(changes)
    lines = [json.dumps({name: value for name, value in one.items() if value is not None}) for one in (spot, swap)]
    return "[\n  " + ",\n  ".join(lines) + "\n]\n"
