"""Order operations over WebSocket: place, amend, cancel, their batches, and the mass cancellation."""

from __future__ import annotations

from collections.abc import Callable
from decimal import localcontext

from .accounts import Account, KeyRecord
from .budgets import OverBudget, spend_operation
from .decimals import EXACT
from .exchange import Exchange
from .matching import settle
from .orders import Order
from .protocol import Json
from .rest import Call
from .rest_trade import BATCH, answered, do_amend, do_cancel, do_place, items
from .tickets import Rejected, text
from .trading import cancel, rejection
from .venue import Venue
from .ws_frames import Send, message

Operation = Callable[[Call, dict[str, object]], dict[str, Json]]

OPERATIONS: dict[str, tuple[Operation, bool]] = {
    "order": (do_place, False), "batch-orders": (do_place, True), "cancel-order": (do_cancel, False),
    "batch-cancel-orders": (do_cancel, True), "amend-order": (do_amend, False), "batch-amend-orders": (do_amend, True),
}  # fmt: skip
MASS_CANCEL = "mass-cancel"
_MAKER_PROTECTED = ("mmp", "mmp_and_post_only")
_OVER = {
    "50011": "Rate limit reached. Please refer to API documentation and throttle requests accordingly.",
    "50061": "You've reached the maximum order rate limit for this account.",
}


def known(operation: str) -> bool:
    """Whether ``operation`` is one on orders."""
    return operation in OPERATIONS or operation == MASS_CANCEL


def operate(
    exchange: Exchange, venue: Venue, key: KeyRecord, account: Account, request: dict[str, object], given: str | None
) -> Send:
    """Carry out one request of a connection that is logged in; every order gets an item of the answer."""
    in_us = exchange.clock.now_us()
    operation, args = str(request["op"]), request.get("args")

    def answer(code: str, said: str = "", data: list[Json] | None = None) -> Send:
        content: dict[str, Json] = {"id": given or "", "op": operation, "code": code, "msg": said, "data": data or []}
        return message({**content, "inTime": str(in_us), "outTime": str(exchange.clock.now_us())})

    many = operation in OPERATIONS and OPERATIONS[operation][1]
    if (
        given is None
        or not isinstance(args, list)
        or not all(isinstance(arg, dict) for arg in args)
        or not 1 <= len(args) <= (BATCH if many else 1)
    ):
        return answer("60013", "Invalid args")
    call = Call(exchange=exchange, venue=venue, key=key, owner=account, now_ms=in_us // 1000, in_us=in_us)
    if "trade" not in key.permissions:
        # The texts of REST are taken for the refusals of an operation (assumed).
        return answer("50120", "This API key doesn't have permission to use this function")
    if exchange.world.busy is not None:
        return answer(exchange.world.busy, "Service temporarily unavailable. Please try again later.")
    ready = [_by_code(arg) for arg in args]
    try:
        spend_operation(exchange, venue, key, operation, ready, call.now_ms)
    except OverBudget as over:
        return answer(over.code, _OVER[over.code])
    with localcontext(EXACT):
        settle(venue, call.now_ms)
        if operation == MASS_CANCEL:
            return _mass_cancel(call, args[0], answer)
        data = _carried_out(call, operation, ready, request)
    refused = sum(1 for item in data if item["sCode"] != "0")
    return answer("0" if not refused else "1" if refused == len(data) else "2", "", list(data))


def _carried_out(
    call: Call, operation: str, args: list[dict[str, object]], request: dict[str, object]
) -> list[dict[str, Json]]:
    run, _ = OPERATIONS[operation]
    data: list[dict[str, Json]] = []
    for arg in args:
        if "instIdCode" not in arg:
            said = Rejected("50014", "Parameter instIdCode can not be empty")
            data.append(answered(run, rejection(said, arg, call.now_ms), arg))
            continue
        timed = {"expTime": request["expTime"], **arg} if "expTime" in request else arg
        data.extend(items(call, run, [timed]))
    return data


def _mass_cancel(call: Call, arg: dict[str, object], answer: Callable[..., Send]) -> Send:
    """Cancel the market-maker-protected option orders of a family. That other account modes meet 51010 is assumed."""
    family = text(arg.get("instFamily"))
    if text(arg.get("instType")) != "OPTION" or not family:
        return answer("60013", "Invalid args")
    if call.account.level != "4":
        return answer("51010", "Request unsupported under current account mode")
    protected: list[Order] = [
        order
        for order in call.venue.orders.open(call.account.uid)
        if order.inst_type == "OPTION" and order.family == family and order.kind in _MAKER_PROTECTED
    ]
    for order in protected:
        cancel(call.venue, call.account, order.order_id, "", order.inst_id, call.now_ms)
    call.exchange.tell()
    return answer("0", "", [{"result": True}])


def _by_code(arg: dict[str, object]) -> dict[str, object]:
    """Only ``instIdCode`` names the instrument (since 2026); texts of digits are read as numbers."""
    code = arg.get("instIdCode")
    clean = {name: value for name, value in arg.items() if name not in ("instId", "instIdCode")}
    if isinstance(code, str) and code.isascii() and code.isdigit() and len(code) < 19:
        code = int(code)
    return {**clean, "instIdCode": code} if isinstance(code, int) and not isinstance(code, bool) else clean
