"""REST handlers of trading: place, batch, amend, cancel, query, fills, precheck, order rate."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from .bills import QUARTER_MS, WEEK_MS
from .instruments import Instrument
from .orders import Fill, Order
from .paging import page
from .protocol import Json, Refused, Reply, acknowledged, bad_parameter, failure, ok, unknown_instrument
from .rest import Call
from .rest_public import TYPES
from .tickets import Rejected, text, ticket
from .trading import acknowledgement, amend, cancel, place, rejection

THREE_DAYS_MS = 3 * 86_400_000
BATCH = 20
"""Orders in one batch request."""

Operation = Callable[[Call, dict[str, object]], dict[str, Json]]


def instrument_of(call: Call, args: dict[str, object]) -> Instrument | None:
    """By ``instIdCode`` where it is given (WebSocket since 2026), else by ``instId``."""
    code = args.get("instIdCode")
    if isinstance(code, int) and not isinstance(code, bool):
        return call.venue.by_code(code)
    inst_id = text(args.get("instId"))
    if not inst_id:
        raise Rejected("50014", "Parameter instId can not be empty.")
    return call.venue.known(inst_id)


def do_place(call: Call, args: dict[str, object]) -> dict[str, Json]:
    """One order; the answer is its acknowledgement, refusals raise ``Rejected``."""
    _expiry(call, args)
    wanted = ticket(call.venue, call.account, args, instrument_of(call, args), call.now_ms)
    order = place(call.venue, call.account, wanted, call.now_ms)
    return acknowledgement(order, call.now_ms, "Order placed")


def do_cancel(call: Call, args: dict[str, object]) -> dict[str, Json]:
    """One cancellation. An unknown instrument is refused before the order is looked for."""
    inst = instrument_of(call, args)
    if inst is None:
        raise Rejected("51001", "Instrument ID, Instrument ID code or Spread ID doesn't exist.")
    order = cancel(call.venue, call.account, text(args.get("ordId")), text(args.get("clOrdId")), inst.id, call.now_ms)
    return acknowledgement(order, call.now_ms)


def do_amend(call: Call, args: dict[str, object]) -> dict[str, Json]:
    """One amendment; with ``cxlOnFail`` the order ends when it cannot be amended."""
    _expiry(call, args)
    inst = instrument_of(call, args)
    try:
        order = amend(call.venue, call.account, args, inst, call.now_ms)
    except Rejected:
        if inst is not None and text(args.get("cxlOnFail")).lower() == "true":
            with suppress(Rejected):
                ids = text(args.get("ordId")), text(args.get("clOrdId"))
                cancel(call.venue, call.account, *ids, inst.id, call.now_ms, source="0")
        raise
    return acknowledgement(order, call.now_ms)


def _expiry(call: Call, args: dict[str, object]) -> None:
    expires = text(args.get("expTime")) or call.expires
    if expires.isdigit() and int(expires) <= call.now_ms:
        message = "The expTime can't be earlier than the current system time. Please adjust the expTime and try again."
        raise Rejected("50036", message)


def items(call: Call, operation: Operation, many: list[dict[str, object]]) -> list[dict[str, Json]]:
    """Run ``operation`` on each request; refusals become items."""
    done: list[dict[str, Json]] = []
    for args in many:
        try:
            item = operation(call, args)
        except Rejected as refused:
            item = rejection(refused, args, call.now_ms)
        done.append(answered(operation, item, args))
    call.exchange.tell()
    return done


def answered(operation: Operation, item: dict[str, Json], args: dict[str, object]) -> dict[str, Json]:
    """An item as ``operation`` answers it: only orders that are placed have a tag, only amendments a ``reqId``."""
    if operation is not do_place:
        del item["tag"]
    if operation is do_amend:
        item["reqId"] = text(args.get("reqId"))
    return item


def _answer(call: Call, done: list[dict[str, Json]]) -> Reply:
    return acknowledged(done, call.in_us, call.exchange.clock.now_us())


def place_order(call: Call) -> Reply:
    """POST trade/order."""
    return _answer(call, items(call, do_place, [call.body]))


def cancel_order(call: Call) -> Reply:
    """POST trade/cancel-order."""
    return _answer(call, items(call, do_cancel, [call.body]))


def amend_order(call: Call) -> Reply:
    """POST trade/amend-order."""
    return _answer(call, items(call, do_amend, [call.body]))


def _batch(call: Call, operation: Operation) -> Reply:
    if len(call.items) > BATCH:
        raise Refused(failure(200, "51111", f"Maximum {BATCH} orders can be placed in bulk."))
    return _answer(call, items(call, operation, call.items))


def batch_orders(call: Call) -> Reply:
    """POST trade/batch-orders."""
    return _batch(call, do_place)


def cancel_batch(call: Call) -> Reply:
    """POST trade/cancel-batch-orders."""
    return _batch(call, do_cancel)


def amend_batch(call: Call) -> Reply:
    """POST trade/amend-batch-orders."""
    return _batch(call, do_amend)


def query_order(call: Call) -> Reply:
    """GET trade/order by ``ordId`` or ``clOrdId``."""
    if call.venue.known(call.need("instId")) is None:
        raise unknown_instrument()
    order_id, client_id = call.params.get("ordId", ""), call.params.get("clOrdId", "")
    if not order_id and not client_id:
        raise Refused(failure(200, "51003", "Either client order ID or order ID is required."))
    order = call.venue.orders.find(call.account.uid, order_id, client_id)
    if order is None or order.inst_id != call.params["instId"]:
        raise Refused(failure(200, "51603", "Order does not exist"))
    return ok([order.row()])


_FIELDS: dict[str, Callable[[Order], str]] = {
    "instType": lambda order: order.inst_type, "instId": lambda order: order.inst_id,
    "instFamily": lambda order: order.family, "uly": lambda order: order.family.removesuffix("_UM"),
    "ordType": lambda order: order.kind, "state": lambda order: order.state,
    "category": lambda order: order.category, "ordId": lambda order: order.order_id,
}  # fmt: skip
"""What order lists and fills can be filtered by; read off the order, so that nothing is written out in vain."""


def _chosen(call: Call, *names: str) -> Callable[[Order], bool]:
    wanted = [(_FIELDS[name], call.params[name].split(",")) for name in names if call.params.get(name)]
    return lambda order: all(read(order) in values for read, values in wanted)


def _orders(call: Call, orders: list[Order], since_ms: int = 0) -> Reply:
    """Newest first, filtered, paged by order id."""
    kind = call.params.get("instType", "")
    if kind and kind not in TYPES:
        raise bad_parameter("instType")
    chosen = _chosen(call, "instType", "instId", "instFamily", "uly", "ordType", "state", "category")
    found = (order for order in orders if order.updated_ms >= since_ms and chosen(order))
    return ok(
        page(call, found, Order.row, cursor=lambda order: int(order.order_id), at_ms=lambda order: order.created_ms)
    )


def pending(call: Call) -> Reply:
    """GET trade/orders-pending."""
    return _orders(call, call.venue.orders.open(call.account.uid)[::-1])


def history(call: Call) -> Reply:
    """GET trade/orders-history: orders finished in seven days; ``instType`` is required."""
    call.need("instType")
    return _orders(call, call.venue.orders.finished(call.account.uid), call.now_ms - WEEK_MS)


def archive(call: Call) -> Reply:
    """GET trade/orders-history-archive: orders finished in three months; ``instType`` is required."""
    call.need("instType")
    return _orders(call, call.venue.orders.finished(call.account.uid), call.now_ms - QUARTER_MS)


def _fills(call: Call, since_ms: int) -> Reply:
    """Newest first, paged by bill id."""
    kind = call.params.get("instType", "")
    if kind and kind not in TYPES:
        raise bad_parameter("instType")
    chosen, sub = _chosen(call, "instType", "instId", "instFamily", "uly", "ordId"), call.params.get("subType", "")
    found = (
        fill for fill in call.venue.orders.fills(call.account.uid)
        if fill.ts >= since_ms and chosen(fill.order) and sub in ("", fill.sub)
    )  # fmt: skip
    return ok(page(call, found, Fill.row, cursor=lambda fill: int(fill.bill_id), at_ms=lambda fill: fill.ts))


def fills(call: Call) -> Reply:
    """GET trade/fills: three days."""
    return _fills(call, call.now_ms - THREE_DAYS_MS)


def fills_history(call: Call) -> Reply:
    """GET trade/fills-history: three months; ``instType`` is required."""
    call.need("instType")
    return _fills(call, call.now_ms - QUARTER_MS)


def order_rate(call: Call) -> Reply:
    """GET trade/account-rate-limit: below VIP5 the ratios are ''."""
    row: dict[str, Json] = {
        "accRateLimit": "1000", "fillRatio": "", "mainFillRatio": "", "nextAccRateLimit": "",
        "ts": str(call.now_ms),
    }  # fmt: skip
    return ok([row])


TABLE = (
    ("POST", "/api/v5/trade/order", "private", "trade", place_order),
    ("POST", "/api/v5/trade/batch-orders", "private", "trade", batch_orders),
    ("POST", "/api/v5/trade/cancel-order", "private", "trade", cancel_order),
    ("POST", "/api/v5/trade/cancel-batch-orders", "private", "trade", cancel_batch),
    ("POST", "/api/v5/trade/amend-order", "private", "trade", amend_order),
    ("POST", "/api/v5/trade/amend-batch-orders", "private", "trade", amend_batch),
    ("GET", "/api/v5/trade/order", "private", "read_only", query_order),
    ("GET", "/api/v5/trade/orders-pending", "private", "read_only", pending),
    ("GET", "/api/v5/trade/orders-history", "private", "read_only", history),
    ("GET", "/api/v5/trade/orders-history-archive", "private", "read_only", archive),
    ("GET", "/api/v5/trade/fills", "private", "read_only", fills),
    ("GET", "/api/v5/trade/fills-history", "private", "read_only", fills_history),
    ("GET", "/api/v5/trade/fills-archive", "private", "read_only", fills_history),
    ("GET", "/api/v5/trade/account-rate-limit", "private", "read_only", order_rate),
)
