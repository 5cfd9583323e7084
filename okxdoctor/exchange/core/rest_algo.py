"""REST handlers of algo orders: place, amend, cancel, and the lists of them."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from . import algos
from .accounts import Account
from .algos import CAPS, KINDS, PRICES, Algo, Leg
from .decimals import parse, plain
from .instruments import Instrument
from .margin import lever
from .paging import matches, page, wanted
from .protocol import UNKNOWN_INSTRUMENT, Json, Refused, Reply, bad_parameter, encode, failure, ok
from .rest import Call
from .rest_trade import BATCH
from .tickets import CLIENT_ID, TAG, Rejected, leg, position_side_of, text, view_of, wrong
from .triggers import price_of

STATES = ("effective", "canceled", "order_failed")
RATIO = (Decimal("0.001"), Decimal(1))
"""Least and greatest callback of a trailing stop."""

_NAMES = {"last": "last price", "mark": "mark price", "index": "index price"}
_CODES = {
    # Which price, side and leg -> code of a trigger that has been passed already.
    "last": {("buy", "tp"): "51277", ("buy", "sl"): "51278", ("sell", "tp"): "51279", ("sell", "sl"): "51280"},
    "mark": {("buy", "tp"): "51300", ("buy", "sl"): "51302", ("sell", "tp"): "51303", ("sell", "sl"): "51304"},
    "index": {("buy", "tp"): "51305", ("buy", "sl"): "51306", ("sell", "tp"): "51307", ("sell", "sl"): "51308"},
}


def _new(call: Call, args: dict[str, object]) -> Algo:
    """Check one request in the order in which the exchange complains; raises ``Rejected``."""
    venue, account = call.venue, call.account
    inst_id = text(args.get("instId"))
    if not inst_id:
        raise Rejected("50014", "Parameter instId can not be empty.")
    listed = venue.instruments.get(inst_id)
    if listed is None:
        raise Rejected("51001", UNKNOWN_INSTRUMENT)
    mode, side, kind = (text(args.get(name)) for name in ("tdMode", "side", "ordType"))
    for name, value, choices in (
        ("tdMode", mode, ("cash", "cross", "isolated")), ("side", side, ("buy", "sell")), ("ordType", kind, KINDS),
    ):  # fmt: skip
        if not value:
            raise Rejected("50014", f"Parameter {name} can not be empty.")
        if value not in choices:
            raise wrong(name)
    inst = view_of(venue, account, listed, mode)
    if not inst.trades or inst.state != "live" or inst.lot is None:
        raise Rejected("51021" if inst.state == "preopen" else "51022", "Contract suspended.")
    position_side = position_side_of(account, inst, text(args.get("posSide")))
    client_id, tag = text(args.get("algoClOrdId")), text(args.get("tag"))
    if client_id and not CLIENT_ID.match(client_id):
        raise wrong("algoClOrdId")
    if tag and not TAG.match(tag):
        raise wrong("tag")
    if client_id and venue.algos.taken(account.uid, client_id):
        raise Rejected("51065", "algoClOrdId already exists.")
    reduce_only = text(args.get("reduceOnly")).lower() == "true" and inst.type != "SPOT"
    size = _size(account, args, inst, mode, side, position_side, kind)
    algo = Algo(
        algo_id=venue.orders.next_id(), client_id=client_id, uid=account.uid, inst_id=inst.id, inst_type=inst.type,
        family=inst.listing.family, side=side, position_side=position_side, mode=mode, kind=kind, size=size,
        size_text="" if size is None else text(args.get("sz")), created_ms=call.now_ms, updated_ms=call.now_ms,
        reduce_only=reduce_only or size is None, tag=tag, ccy=text(args.get("ccy")),
        with_position=size is None or text(args.get("cxlOnClosePos")).lower() == "true",
        target_ccy=text(args.get("tgtCcy")),
        lever="" if inst.type == "SPOT" else lever(account, inst, mode, position_side),
    )  # fmt: skip
    _conditions(call, args, inst, algo)
    _room(call, algo)
    return algo


def _size(
    account: Account, args: dict[str, object], inst: Instrument, mode: str, side: str, position_side: str, kind: str
) -> Decimal | None:
    """The size; None for ``closeFraction`` 1, which closes what there will be."""
    fraction = text(args.get("closeFraction"))
    if fraction:
        if inst.type not in ("SWAP", "FUTURES"):
            raise Rejected("51327", "closeFraction is only available for Expiry Futures and Perpetual Futures")
        if fraction != "1" or kind not in ("conditional", "oco"):
            raise wrong("closeFraction")
        position = account.positions.get((inst.id, position_side, mode))
        if position is None or position.long != (side == "sell"):
            raise Rejected("51331", "closeFraction is only available for close position orders")
        return None
    size = parse(args.get("sz"))
    if size is None or size <= 0:
        raise wrong("sz")
    if inst.lot is not None and inst.type != "SPOT" and inst.lot.index(size) is None:
        raise Rejected("51121", "Order quantity must be a multiple of the lot size.")
    return size


def _conditions(call: Call, args: dict[str, object], inst: Instrument, algo: Algo) -> None:
    """What sets the order off, by its kind."""
    match algo.kind:
        case "trigger":
            algo.trigger = _trigger(args, inst)
            now = price_of(call.venue, inst, algo.trigger.of, call.now_ms)
            if text(args.get("tgtCcy")):
                raise Rejected("51281", "Trigger order do not support the tgtCcy parameter.")
            algo.rising = now is None or algo.trigger.trigger > now
            if inst.type == "SPOT" and algo.side == "buy":
                algo.target_ccy = "base_ccy"
        case "move_order_stop":
            _trailing(args, algo)
        case _:
            algo.tp, algo.sl = leg(args, inst, "tp"), leg(args, inst, "sl")
            if algo.kind == "oco" and (algo.tp is None or algo.sl is None):
                raise wrong("tpTriggerPx" if algo.tp is None else "slTriggerPx")
            if algo.tp is None and algo.sl is None:
                raise wrong("tpTriggerPx")
            for name, one in (("tp", algo.tp), ("sl", algo.sl)):
                if one is not None:
                    _not_passed(call, inst, algo.side, name, one)


def _trigger(args: dict[str, object], inst: Instrument) -> Leg:
    given = {"triggerTriggerPx": args.get("triggerPx"), "triggerTriggerPxType": args.get("triggerPxType")}
    found = leg({**given, "orderPx": args.get("orderPx") or args.get("ordPx")}, inst, "trigger", order="orderPx")
    if found is None:
        raise wrong("triggerPx")
    return found


def _trailing(args: dict[str, object], algo: Algo) -> None:
    ratio, spread = text(args.get("callbackRatio")), text(args.get("callbackSpread"))
    if bool(ratio) == bool(spread):
        raise wrong("callbackRatio")
    if ratio:
        algo.ratio = parse(ratio)
        if algo.ratio is None or not RATIO[0] <= algo.ratio <= RATIO[1]:
            message = "Trailing stop order callback rate error. The callback rate should be 0.1< x<=100%."
            raise Rejected("51257", message)
    else:
        algo.spread = parse(spread)
        if algo.spread is None or algo.spread <= 0:
            raise wrong("callbackSpread")
    active = text(args.get("activePx"))
    if active:
        algo.active = parse(active)
        if algo.active is None or algo.active <= 0:
            raise wrong("activePx")


def _not_passed(call: Call, inst: Instrument, side: str, name: str, one: Leg) -> None:
    """A take profit lies on the good side of the price, a stop loss on the bad one."""
    now = price_of(call.venue, inst, one.of, call.now_ms)
    above = (side == "sell") == (name == "tp")
    if now is not None and (one.trigger <= now if above else one.trigger >= now):
        relation = "lower" if above else "higher"
        message = f"{name.upper()} trigger price cannot be {relation} than the {_NAMES[one.of]}"
        raise Rejected(_CODES[one.of][side, name], message)


def _room(call: Call, algo: Algo) -> None:
    cap = CAPS[algo.kind]
    by_instrument = algo.kind in ("conditional", "oco")
    alike = ("conditional", "oco") if by_instrument else (algo.kind,)
    count = sum(
        1
        for each in call.venue.algos.of(algo.uid)
        if each.kind in alike and (not by_instrument or each.inst_id == algo.inst_id)
    )
    if count >= cap:
        code = {"trigger": "51299", "move_order_stop": "51260"}.get(algo.kind, "51261")
        raise Rejected(code, f"Order did not go through. You can hold a maximum of {cap} orders of this type.")


def _item(algo: Algo | None, args: dict[str, object], code: str = "0", message: str = "") -> dict[str, Json]:
    client_id = text(args.get("algoClOrdId")) if algo is None else algo.client_id
    return {
        "algoClOrdId": client_id, "algoId": text(args.get("algoId")) if algo is None else algo.algo_id,
        "clOrdId": client_id, "sCode": code, "sMsg": message, "subCode": "", "tag": text(args.get("tag")),
    }  # fmt: skip


def _cancelled(item: dict[str, Json]) -> dict[str, Json]:
    """An item as the answer to a cancellation has it."""
    return {name: value for name, value in item.items() if name != "subCode"}


def _amended(item: dict[str, Json], args: dict[str, object]) -> dict[str, Json]:
    """An item as the answer to an amendment has it."""
    return {
        "algoClOrdId": item["algoClOrdId"], "algoId": item["algoId"], "reqId": text(args.get("reqId")),
        "sCode": item["sCode"], "sMsg": item["sMsg"],
    }  # fmt: skip


def _answer(done: list[dict[str, Json]]) -> Reply:
    refused = sum(1 for item in done if item["sCode"] != "0")
    code, message = ("0", "") if not refused else ("1", "All operations failed")
    if 0 < refused < len(done):
        code, message = "2", "Bulk operation partially succeeded."
    return Reply(status=200, body=encode({"code": code, "data": done, "msg": message}))


def place_algo(call: Call) -> Reply:
    """POST trade/order-algo."""
    try:
        algo = _new(call, call.body)
    except Rejected as refused:
        return _answer([{**_item(None, call.body, refused.code, refused.message), "algoId": ""}])
    call.venue.algos.add(algo)
    algos.tell(call.venue, call.account, algo, call.now_ms)
    call.exchange.tell()
    return _answer([_item(algo, call.body)])


def _live(call: Call, args: dict[str, object]) -> Algo:
    algo_id, client_id = text(args.get("algoId")), text(args.get("algoClOrdId"))
    if not algo_id and not client_id:
        raise Rejected("50015", "Either parameter algoId or algoClOrdId is required")
    algo = call.venue.algos.find(call.account.uid, algo_id, client_id)
    if algo is None or not algo.live or text(args.get("instId")) not in ("", algo.inst_id):
        message = "Order cancellation failed as the order has been filled, canceled or does not exist."
        raise Rejected("51400", message)
    return algo


def cancel_algos(call: Call) -> Reply:
    """POST trade/cancel-algos: an array, at most ten."""
    if len(call.items) > BATCH // 2:
        raise Refused(failure(200, "51111", f"Maximum {BATCH // 2} orders can be placed in bulk."))
    done: list[dict[str, Json]] = []
    for args in call.items:
        try:
            if not text(args.get("instId")):
                raise Rejected("50014", "Parameter instId can not be empty.")
            algo = _live(call, args)
            algos.end(call.venue, call.account, algo, "canceled", call.now_ms)
            done.append(_cancelled(_item(algo, args)))
        except Rejected as refused:
            done.append(_cancelled(_item(None, args, refused.code, refused.message)))
    call.exchange.tell()
    return _answer(done)


def amend_algos(call: Call) -> Reply:
    """POST trade/amend-algos: size, trigger and order prices of one algo order."""
    args = call.body
    try:
        algo = _live(call, args)
        _amend(call, algo, args)
    except Rejected as refused:
        code = "51503" if refused.code == "51400" else refused.code
        message = "Your order has already been filled or canceled." if refused.code == "51400" else refused.message
        if text(args.get("cxlOnFail")).lower() == "true":
            found = call.venue.algos.find(call.account.uid, text(args.get("algoId")), text(args.get("algoClOrdId")))
            if found is not None and found.live:
                algos.end(call.venue, call.account, found, "canceled", call.now_ms)
        return _answer([_amended(_item(None, args, code, message), args)])
    algo.updated_ms = call.now_ms
    algos.tell(call.venue, call.account, algo, call.now_ms)
    call.exchange.tell()
    return _answer([_amended(_item(algo, args), args)])


def _amend(call: Call, algo: Algo, args: dict[str, object]) -> None:
    inst = call.venue.traded(algo.inst_id, algo.inst_type)
    if inst is None:
        raise Rejected("51001", UNKNOWN_INSTRUMENT)
    changes: dict[str, Leg | None] = {}
    for name, old in (("tp", algo.tp), ("sl", algo.sl), ("trigger", algo.trigger)):
        prefix = "" if name == "trigger" else name
        trigger, price, of = (
            text(args.get(f"new{prefix[:1].upper()}{prefix[1:]}{part}" if prefix else f"new{part}"))
            for part in ("TriggerPx", "OrdPx", "TriggerPxType")
        )
        if not (trigger or price or of):
            continue
        if old is None:
            message = "Order modification unsuccessful. Take profit/Stop loss conditions cannot be added to or removed."
            raise Rejected("51526", message)
        if of and of not in PRICES:
            raise wrong("newTriggerPxType")
        given: dict[str, object] = {
            f"{name}TriggerPx": trigger or plain(old.trigger), f"{name}OrdPx": price or old.order_price,
            f"{name}TriggerPxType": of or old.of,
        }  # fmt: skip
        changes[name] = leg(given, inst, name)
    size = text(args.get("newSz"))
    if not changes and not size:
        raise Rejected("51500", "You must enter a price, quantity, or TP/SL")
    if size:
        parsed = parse(size)
        if parsed is None or parsed <= 0 or algo.size is None:
            raise wrong("newSz")
        if inst.lot is not None and inst.lot.index(parsed) is None:
            raise Rejected("51121", "Order quantity must be a multiple of the lot size.")
        algo.size, algo.size_text = parsed, size
    for name, one in changes.items():
        if one is not None and name != "trigger":
            _not_passed(call, inst, algo.side, name, one)
    algo.tp, algo.sl = changes.get("tp", algo.tp), changes.get("sl", algo.sl)
    new = changes.get("trigger")
    if new is not None:
        now = price_of(call.venue, inst, new.of, call.now_ms)
        algo.trigger, algo.rising = replace(new), now is None or new.trigger > now


def _row(call: Call, algo: Algo) -> dict[str, Json]:
    inst = call.venue.instruments.get(algo.inst_id)
    return algo.row(None if inst is None or not inst.trades else call.venue.price(inst, call.now_ms))


def algo_details(call: Call) -> Reply:
    """GET trade/order-algo by ``algoId`` or ``algoClOrdId``."""
    algo_id, client_id = call.params.get("algoId", ""), call.params.get("algoClOrdId", "")
    if not algo_id and not client_id:
        raise Refused(failure(400, "50015", "Either parameter algoId or algoClOrdId is required"))
    algo = call.venue.algos.find(call.account.uid, algo_id, client_id)
    if algo is None:
        raise Refused(failure(200, "51603", "Order does not exist."))
    return ok([_row(call, algo)])


def _kinds(call: Call) -> list[str]:
    kinds = call.need("ordType").split(",")
    if not set(kinds) <= {*KINDS, "iceberg", "twap", "chase"}:
        raise bad_parameter("ordType")
    return kinds


def algo_pending(call: Call) -> Reply:
    """GET trade/orders-algo-pending of one kind."""
    kinds, filters = _kinds(call), wanted(call, "instType", "instId", "algoId", "algoClOrdId")
    found = (algo for algo in call.venue.algos.of(call.account.uid) if algo.kind in kinds)
    kept = (algo for algo in found if matches(algo.row(), filters))
    return ok(page(call, kept, lambda algo: _row(call, algo), cursor=lambda algo: int(algo.algo_id)))


def algo_history(call: Call) -> Reply:
    """GET trade/orders-algo-history of one kind: by ``state`` or by ``algoId``, one of which must be given."""
    kinds, state, algo_id = _kinds(call), call.params.get("state", ""), call.params.get("algoId", "")
    if not state and not algo_id:
        raise Refused(failure(200, "51602", "Either order status or order ID is required."))
    if state and algo_id:
        raise Refused(failure(200, "51601", "Order status and order id cannot exist at the same time."))
    if state and state not in STATES:
        raise bad_parameter("state")
    filters = wanted(call, "instType", "instId", "state", "algoId")
    found = (algo for algo in call.venue.algos.past(call.account.uid) if algo.kind in kinds)
    kept = (algo for algo in found if matches(algo.row(), filters))
    return ok(page(call, kept, lambda algo: _row(call, algo), cursor=lambda algo: int(algo.algo_id)))


TABLE = (
    ("POST", "/api/v5/trade/order-algo", "private", "trade", place_algo),
    ("POST", "/api/v5/trade/cancel-algos", "private", "trade", cancel_algos),
    ("POST", "/api/v5/trade/cancel-advance-algos", "private", "trade", cancel_algos),
    ("POST", "/api/v5/trade/amend-algos", "private", "trade", amend_algos),
    ("GET", "/api/v5/trade/order-algo", "private", "read_only", algo_details),
    ("GET", "/api/v5/trade/orders-algo-pending", "private", "read_only", algo_pending),
    ("GET", "/api/v5/trade/orders-algo-history", "private", "read_only", algo_history),
)
