"""What the search asks in each operation, put together from `okxdoctor.strategies`."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from okxdoctor.strategies import (
    band_prices,
    bands,
    between,
    envelopes,
    epochs_ms,
    header_timestamps,
    json_bodies,
    lots,
    params,
    prices,
    ticks,
)

Json = dict[str, Any]

_PAGES = ("", "<html>Access denied</html>", "upstream unavailable", "{", '{"error":"not found"}', "[]", "null")
_STATUSES = (200, 403, 429, 502, 503, 404, 401, 525)

_SECRETS = ("22582BD0CFF14C41EDBF1AB98506286D", "0f1e2d3c4b5a69788796a5b4c3d2e1f0", "A" * 80)


_BODIES = json_bodies()
"""One for all inputs: examining a new one costs Hypothesis more than drawing from it."""


@st.composite
def sign_inputs(draw: st.DrawFn) -> Json:
    """Inputs of `sign`, the body as JSON text (``body_json``)."""
    method = draw(st.sampled_from(("GET", "POST")))
    reads = ("/api/v5/account/balance", "/api/v5/trade/orders-history", "/api/v5/account/config")
    writes = ("/api/v5/trade/order", "/api/v5/account/set-leverage")
    return {
        "secret": draw(st.sampled_from(_SECRETS)),
        "timestamp": draw(header_timestamps()),
        "method": method,
        "path": draw(st.sampled_from(reads if method == "GET" else writes)),
        "params": draw(params() if method == "GET" else st.none()),
        "body_json": draw(_BODIES) if method == "POST" and draw(st.sampled_from((True, True, False))) else None,
    }


def login_inputs() -> SearchStrategy[Json]:
    """Inputs of `ws_login`."""
    return st.fixed_dictionaries(
        {
            "key": st.sampled_from(("7b0c5e1a-3f52-4d8e-9a61-0c4b7d2e9f13", "00000000-0000-4000-8000-000000000000")),
            "secret": st.sampled_from(_SECRETS),
            "passphrase": st.sampled_from(("Phrase-1", 'pä$$ "w\\ord', "a b"))
            | st.text("aB1$\\'\" #&", min_size=1, max_size=8),
            "epoch_s": st.integers(1_000_000_000, 4_102_444_799).map(str),
        }
    )


@st.composite
def price_inputs(draw: st.DrawFn) -> Json:
    """Inputs of `round_price`, one tick or bands."""
    made: Json = {
        "side": draw(st.sampled_from(("buy", "sell"))),
        "mode": draw(st.sampled_from(("down", "up", "nearest", "passive", "nearest"))),
    }
    if draw(st.booleans()):
        rows = draw(bands())
        return {"price": draw(band_prices(rows)), **made, "bands": rows}
    tick = draw(ticks())
    return {"price": draw(_spelled(draw(prices(tick)))), **made, "tick": tick}


def _spelled(number: str) -> SearchStrategy[str]:
    """The number in a spelling that OKX and programs use for it."""
    longer = f"{number}00" if "." in number else f"{number}.00"
    whole, _, fraction = number.partition(".")
    # As Python writes a small Decimal: 1E-8.
    short = f"{int(whole + fraction)}E-{len(fraction)}" if fraction else f"{number}e0"
    return st.sampled_from((number, number, number, number, number, longer, short))


@st.composite
def size_inputs(draw: st.DrawFn) -> Json:
    """Inputs of `round_size`."""
    lot = draw(lots())
    least = draw(st.sampled_from((between(lot, 1, 0), between(lot, 10, 0), between(lot, 0, 100), between(lot, 1, 500))))
    return {"size": draw(_spelled(draw(prices(lot)))), "lot": lot, "min": least}


def timestamp_inputs() -> SearchStrategy[Json]:
    """Inputs of `parse_timestamp`; "" among them."""
    return st.fixed_dictionaries({"ts": epochs_ms().map(str) | st.just("")})


@st.composite
def answer_inputs(draw: st.DrawFn) -> Json:
    """Inputs of `parse_response`: envelopes, pages of an edge, broken and empty answers."""
    if draw(st.sampled_from((True, True, False))):
        body = draw(envelopes())
        status, kind = draw(st.sampled_from((200, 200, 401, 400, 429))), "application/json"
        if draw(st.sampled_from((False,) * 7 + (True,))):
            body, status = body[: draw(st.integers(0, len(body) - 1))], 200
    else:
        body, status = draw(st.sampled_from(_PAGES)), draw(st.sampled_from(_STATUSES))
        kind = "text/html" if body.startswith("<") else "text/plain"
    return {"status": status, "headers": {"Content-Type": kind}, "body": body}


def inputs(op: str) -> SearchStrategy[Json]:
    """What the harness asks in an operation. KeyError for an unknown one."""
    return {
        "sign": sign_inputs,
        "ws_login": login_inputs,
        "round_price": price_inputs,
        "round_size": size_inputs,
        "parse_timestamp": timestamp_inputs,
        "parse_response": answer_inputs,
    }[op]()
