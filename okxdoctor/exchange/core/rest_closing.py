"""REST handlers that end things: close a position, cancel by product, cancel unless one is heard of again."""

from __future__ import annotations

from .clearing import close, rehold
from .decimals import plain
from .protocol import Json, Refused, Reply, bad_parameter, empty_parameter, failure, ok
from .rest import Call
from .tickets import CLIENT_ID, TAG, Rejected, text, ticket
from .trading import place

TIMEOUT_S = (10, 120)
"""Least and greatest time of cancel-all-after; 0 turns it off."""

TAG_TIMERS = 20


def close_position(call: Call) -> Reply:
    """POST trade/close-position: the whole position at market."""
    body, account, venue = call.body, call.account, call.venue
    inst_id, mode = text(body.get("instId")), text(body.get("mgnMode"))
    for name, value in (("instId", inst_id), ("mgnMode", mode)):
        if not value:
            raise empty_parameter(name)
    if mode not in ("cross", "isolated"):
        raise bad_parameter("mgnMode")
    inst = venue.instrument(inst_id)
    side = text(body.get("posSide"))
    if account.position_mode == "long_short_mode" and inst.type in ("SWAP", "FUTURES"):
        if side not in ("long", "short"):
            raise bad_parameter("posSide")
    elif side not in ("", "net"):
        raise bad_parameter("posSide")
    side = side or "net"
    client_id, tag = text(body.get("clOrdId")), text(body.get("tag"))
    if client_id and not CLIENT_ID.match(client_id):
        raise bad_parameter("clOrdId")
    if tag and not TAG.match(tag):
        raise bad_parameter("tag")
    position = account.positions.get((inst.id, side, mode))
    if position is None:
        raise Refused(failure(200, "51023", "Position doesn't exist."))
    closing = "sell" if position.long else "buy"
    waiting = [
        order for order in venue.orders.of_position(account.uid, inst.id, side, mode)
        if order.side == closing and (order.reduce_only or side != "net")
    ]  # fmt: skip
    if waiting and text(body.get("autoCxl")).lower() != "true":
        raise Refused(failure(429, "51115", "Cancel all pending close-orders before liquidation."))
    for order in waiting:
        close(venue, account, venue.inst_of(order), order, "canceled", call.now_ms, source="1")
        rehold(venue, account, venue.inst_of(order), order, call.now_ms)
    wanted: dict[str, object] = {
        "instId": inst.id, "tdMode": mode, "side": closing, "posSide": side, "ordType": "market",
        "sz": plain(abs(position.quantity)), "reduceOnly": "true", "clOrdId": client_id, "tag": tag,
    }  # fmt: skip
    try:
        place(venue, account, ticket(venue, account, wanted, inst, call.now_ms, in_base=True), call.now_ms)
    except Rejected as refused:
        raise Refused(failure(200, refused.code, refused.message)) from None
    call.exchange.tell()
    return ok([{"clOrdId": client_id, "instId": inst.id, "posSide": side, "tag": tag}])


def mass_cancel(call: Call) -> Reply:
    """POST trade/mass-cancel: protected orders of market makers in options, for portfolio margin accounts only."""
    kind, family = text(call.body.get("instType")), text(call.body.get("instFamily"))
    for name, value in (("instType", kind), ("instFamily", family)):
        if not value:
            raise empty_parameter(name)
    if kind != "OPTION":
        raise bad_parameter("instType")
    if family not in call.venue.families:
        raise bad_parameter("instFamily")
    if call.account.level != "4":
        raise Refused(failure(200, "51010", "Request unsupported under current account mode"))
    return ok([{"result": True}])


def cancel_all_after(call: Call) -> Reply:
    """POST trade/cancel-all-after: wind the timer up (10 to 120 s), or turn it off (0); also for one tag only."""
    given, tag = text(call.body.get("timeOut")), text(call.body.get("tag"))
    if not given:
        raise empty_parameter("timeOut")
    if not (given.isascii() and given.isdigit()) or len(given) > 3:
        raise bad_parameter("timeOut")
    seconds = int(given)
    if seconds and not TIMEOUT_S[0] <= seconds <= TIMEOUT_S[1]:
        raise bad_parameter("timeOut")
    if tag and not TAG.match(tag):
        raise bad_parameter("tag")
    key, timers = (call.account.uid, tag), call.venue.timers
    if seconds and tag and key not in timers and sum(1 for uid, each in timers if each and uid == key[0]) >= TAG_TIMERS:
        raise Refused(failure(200, "51071", "You've reached the maximum limit for tag level cancel all after timers."))
    when = "0"
    if seconds:
        timers[key] = call.now_ms + seconds * 1000
        when = str(timers[key])
    else:
        timers.pop(key, None)
    row: dict[str, Json] = {"tag": tag, "triggerTime": when, "ts": str(call.now_ms)}
    return ok([row])


TABLE = (
    ("POST", "/api/v5/trade/close-position", "private", "trade", close_position),
    ("POST", "/api/v5/trade/mass-cancel", "private", "trade", mass_cancel),
    ("POST", "/api/v5/trade/cancel-all-after", "private", "trade", cancel_all_after),
)
