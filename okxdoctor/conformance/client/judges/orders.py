"""Orders, cancellations and amendments as they stand on the wire, over REST and WebSocket alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from okxdoctor.conformance.client.cases import Case, Limits
from okxdoctor.conformance.client.grade import Grade, failed, not_exercised, passed
from okxdoctor.conformance.client.judges.common import Judge, every, param, shown, text_of
from okxdoctor.conformance.client.trace import Call, Message, Socket, Trace
from okxdoctor.okx import json_text
from okxdoctor.okx.off_grid import BelowMinimum, OffLot, size_faults, why_off_tick
from okxdoctor.okx.order_wire import wire_flaws, wire_rules
from okxdoctor.okx.precision import PrecisionError
from okxdoctor.okx.wire_numbers import NumberFlaw, number_flaws

_REST = {
    "/api/v5/trade/order": "place",
    "/api/v5/trade/batch-orders": "place",
    "/api/v5/trade/cancel-order": "cancel",
    "/api/v5/trade/cancel-batch-orders": "cancel",
    "/api/v5/trade/amend-order": "amend",
    "/api/v5/trade/amend-batch-orders": "amend",
}
WS_OPS = {
    "order": "place",
    "batch-orders": "place",
    "cancel-order": "cancel",
    "batch-cancel-orders": "cancel",
    "amend-order": "amend",
    "batch-amend-orders": "amend",
}
_PATH = {"place": "/api/v5/trade/order", "cancel": "/api/v5/trade/cancel-order", "amend": "/api/v5/trade/amend-order"}
_NOTHINGS = frozenset({"", "None", "undefined", "null", "NaN", "0", "-1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One order, cancellation or amendment of the program, with what it was told.

    ``what`` is place, cancel or amend, ``via`` REST or WebSocket; ``batch`` how many items the request had. ``ack`` is
    the item of the answer, None when there was none; ``answered`` whether the request had an answer at all. ``done``
    names the circumstance that the answer met. ``place`` and ``ack_place`` are positions in the trace.
    """

    place: int
    at_s: float
    what: str
    via: str
    body: dict[str, Any]
    batch: int
    number: int
    ack: dict[str, Any] | None = None
    answered: bool = False
    done: str = ""
    ack_place: int | None = None
    request: Call | Message | None = field(default=None, repr=False)

    def text(self, name: str) -> str:
        return text_of(self.body.get(name))

    def inst(self, trace: Trace) -> str:
        """The instrument's id, also where only its code was sent."""
        code = self.body.get("instIdCode")
        if isinstance(code, str) and code.isdigit() and len(code) < 19:
            code = int(code)
        by_code = trace.known.by_code(code) if isinstance(code, int) and not isinstance(code, bool) else None
        return by_code or self.text("instId")

    @property
    def accepted(self) -> bool:
        return self.ack is not None and self.ack.get("sCode") == "0"

    def what_it_is(self, trace: Trace) -> tuple[str, str, str, str, str]:
        """What makes two orders the same trade."""
        return (self.inst(trace), self.text("side"), self.text("ordType"), self.text("sz"), self.text("px"))


def _read(text: str) -> Any:
    found = json_text.read(text)
    return None if isinstance(found, json_text.Unreadable) else found


def _acks(answer: Any) -> list[dict[str, Any]]:
    rows = answer.get("data") if isinstance(answer, dict) else None
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def items(trace: Trace, *kinds: str) -> list[Item]:
    """What was sent, in the order of the wire. ``kinds``: place, cancel, amend; none: all."""
    found: list[Item] = []
    for call in trace.calls:
        what = _REST.get(call.path) if call.asked.method == "POST" else None
        if what is None:
            continue
        body = _read(call.asked.body)
        bodies = body if isinstance(body, list) else [body]
        acks = _acks(call.answer)
        for number, each in enumerate(bodies):
            if isinstance(each, dict):
                found.append(
                    Item(
                        place=call.place,
                        at_s=call.at_s,
                        what=what,
                        via="REST",
                        body=each,
                        batch=len(bodies),
                        number=number,
                        ack=acks[number] if number < len(acks) else None,
                        done=call.done,
                        answered=call.status != 0,
                        ack_place=call.result_place,
                        request=call,
                    )
                )
    for socket in trace.sockets:
        found.extend(_of_socket(socket))
    found.sort(key=lambda item: (item.place, item.number))
    return [item for item in found if not kinds or item.what in kinds]


def _of_socket(socket: Socket) -> Iterator[Item]:
    replies: dict[str, Message] = {}
    for message in socket.said:
        if "op" in message.json:
            replies.setdefault(text_of(message.json.get("id")), message)
    for message in socket.heard:
        what = WS_OPS.get(message.op)
        if what is None:
            continue
        body = _read(message.event.text)
        args = body.get("args") if isinstance(body, dict) else None
        bodies = args if isinstance(args, list) else []
        reply = replies.get(text_of(message.json.get("id")))
        acks = _acks(reply.json) if reply is not None else []
        for number, each in enumerate(bodies):
            if isinstance(each, dict):
                yield Item(
                    place=message.place,
                    at_s=message.at_s,
                    what=what,
                    via="WebSocket",
                    body=each,
                    batch=len(bodies),
                    number=number,
                    ack=acks[number] if number < len(acks) else None,
                    answered=reply is not None,
                    done=reply.done if reply is not None else "",
                    request=message,
                    ack_place=reply.place if reply is not None else None,
                )


ItemCheck = Callable[[Case, Trace, Item], str | None]


def _over(what: str, check: ItemCheck, *kinds: str) -> Judge:
    def judged(case: Case, traces: Sequence[Trace], healthy: Trace | None, limits: Limits) -> Grade:
        def things(trace: Trace) -> Iterable[tuple[int, Item]]:
            return ((item.place, item) for item in items(trace, *kinds))

        return every(traces, things, lambda trace, item: check(case, trace, item), what)

    return judged


def _wire(case: Case, trace: Trace, item: Item) -> str | None:
    """The flaws of one parameter (``parameter``) of the shape on the wire."""
    wanted = param(case, "parameter")
    body = item.body
    if item.via == "WebSocket" and "instIdCode" in body:
        body = {**body, "instId": text_of(body.get("instId")) or "-"}
    needed = wire_rules().required.get(_PATH[item.what], ())
    priced = wanted == "px" and item.what == "place" and item.text("ordType") in wire_rules().priced
    if wanted not in body and wanted not in needed and not priced:
        return None
    for flaw in wire_flaws(body, path=_PATH[item.what]):
        if flaw.parameter.rpartition(": ")[2] == wanted and flaw.cause != "precision.number-format":
            return f"{item.via}: {flaw.says}"
    return ""


def _misnamed(case: Case, trace: Trace, item: Item) -> str | None:
    for flaw in wire_flaws(item.body, path=_PATH[item.what]):
        if "meant" in flaw.evidence:
            return f"{item.via}: {flaw.says}"
    return ""


def _number(case: Case, trace: Trace, item: Item) -> str | None:
    """One flaw of writing (``flaw``) in any number of an order."""
    wanted = NumberFlaw[param(case, "flaw")]
    seen = False
    grid = trace.known.instrument(item.inst(trace))
    for name, value in item.body.items():
        if name not in wire_rules().numbers or value in (None, "") or isinstance(value, list | dict):
            continue
        seen = True
        step = None if grid is None else grid[1] if name.lower().endswith("sz") else grid[0]
        try:
            flaws = number_flaws(value, step=step)
        except PrecisionError:
            flaws = (NumberFlaw.NOT_A_NUMBER,)
        if wanted in flaws:
            return f"{item.via}: {name} is {shown(str(value), 40)}: {wanted.value}"
    return "" if seen else None


def _on_tick(case: Case, trace: Trace, item: Item) -> str | None:
    px, grid = item.text("px") or item.text("newPx"), trace.known.instrument(item.inst(trace))
    if not px or grid is None:
        return None
    try:
        off = why_off_tick(px, grid[0])
    except PrecisionError:
        return None
    return f"px {px} is off the tick {grid[0]} of {item.inst(trace)}" if off is not None else ""


def _size(case: Case, trace: Trace, item: Item) -> str | None:
    inst = item.inst(trace)
    sz, grid = item.text("sz"), trace.known.instrument(inst)
    spot = inst.count("-") == 1
    if not sz or grid is None or (spot and item.text("ordType") == "market"):
        # A market order of a spot instrument may count its size in the quote currency.
        return None
    wanted = OffLot if param(case, "rule") == "lot" else BelowMinimum
    try:
        faults = size_faults(sz, lot=grid[1], minimum=grid[2])
    except PrecisionError:
        return None
    if any(isinstance(fault, wanted) for fault in faults):
        rule = f"the lot {grid[1]}" if wanted is OffLot else f"the minimum {grid[2]}"
        return f"sz {sz} misses {rule} of {inst}"
    return ""


def _positive(case: Case, trace: Trace, item: Item) -> str | None:
    px = item.text("px")
    if not px:
        return None
    return f"px is {px}" if px.lstrip("+").startswith("-") or not px.strip("0.") else ""


def _has_id(case: Case, trace: Trace, item: Item) -> str | None:
    return "" if item.text("clOrdId") else f"an order by {item.via} has no clOrdId"


def _target_currency(case: Case, trace: Trace, item: Item) -> str | None:
    if item.text("ordType") != "market" or item.inst(trace).count("-") != 1:
        return None
    return "" if item.text("tgtCcy") else "a market order of a spot instrument does not say what its size counts"


def _flag(case: Case, trace: Trace, item: Item) -> str | None:
    value = item.body.get("reduceOnly")
    if value in (None, ""):
        return None
    return "" if value in (True, False, "true", "false") else f"reduceOnly is {shown(text_of(value))}"


def _names_order(case: Case, trace: Trace, item: Item) -> str | None:
    given = [item.text(name) for name in ("ordId", "clOrdId") if item.text(name)]
    useful = [value for value in given if value not in _NOTHINGS]
    if useful:
        return ""
    return (
        f"{item.what} by {item.via} names no order ({'ordId ' + shown(given[0]) if given else 'no ordId, no clOrdId'})"
    )


def _changes(case: Case, trace: Trace, item: Item) -> str | None:
    return (
        ""
        if any(item.text(name) for name in ("newSz", "newPx", "newPxUsd", "newPxVol"))
        or item.body.get("attachAlgoOrds")
        else "an amendment changes nothing"
    )


def _batch(case: Case, trace: Trace, item: Item) -> str | None:
    limit = wire_rules().batch_limit
    return "" if item.batch <= limit else f"a batch of {item.batch}; at most {limit} are taken"


def _code_sent(case: Case, trace: Trace, item: Item) -> str | None:
    if item.via != "WebSocket":
        return None
    code = item.body.get("instIdCode")
    if code in (None, ""):
        return f"{item.what} has no instIdCode"
    if isinstance(code, str) and code.isdigit() and len(code) < 19:
        code = int(code)
    if not isinstance(code, int) or isinstance(code, bool) or trace.known.by_code(code) is None:
        return f"instIdCode {shown(text_of(code))} is no instrument's"
    named = item.text("instId")
    right = trace.known.by_code(code)
    return f"instIdCode {code} is that of {right}, not of {shown(named)}" if named and named != right else ""


def _same_inst(case: Case, traces: Sequence[Trace], healthy: Trace | None, limits: Limits) -> Grade:
    """Cancellations and amendments name the instrument that the order was placed on."""
    held = 0
    for trace in traces:
        where: dict[str, str] = {}
        for item in items(trace):
            names = [value for value in (item.text("ordId"), item.text("clOrdId")) if value]
            if item.what == "place":
                acked = text_of(item.ack.get("ordId")) if item.ack is not None else ""
                where.update(dict.fromkeys(filter(None, (item.text("clOrdId"), acked)), item.inst(trace)))
                continue
            wanted = next((where[name] for name in names if name in where), None)
            if wanted is None:
                continue
            if item.inst(trace) != wanted:
                return failed(
                    trace, item.place, f"{item.what} names {shown(item.inst(trace))}; the order is one of {wanted}"
                )
            held += 1
    return passed(held, f"{held} operations") if held else not_exercised("no cancellation or amendment of an own order")


def _unique(case: Case, traces: Sequence[Trace], healthy: Trace | None, limits: Limits) -> Grade:
    """A clOrdId stands for one order. The same order sent again after an unknown outcome may use it again."""
    count = 0
    for trace in traces:
        seen: dict[str, Item] = {}
        for item in items(trace, "place"):
            identifier = item.text("clOrdId")
            if not identifier:
                continue
            count += 1
            before = seen.setdefault(identifier, item)
            if before is item or (before.what_it_is(trace) == item.what_it_is(trace) and not before.accepted):
                continue
            if before.accepted:
                return failed(
                    trace,
                    (before.place, item.place),
                    f"clOrdId {shown(identifier, 34)} of an accepted order is used for another one",
                )
            if before.what_it_is(trace) != item.what_it_is(trace) and (before.done or not before.answered):
                return failed(
                    trace,
                    (before.place, item.place),
                    f"clOrdId {shown(identifier, 34)} of an order with unknown outcome is used for another one",
                )
    return passed(count, f"{count} identifiers") if count > 1 else not_exercised("fewer than two orders with a clOrdId")


def _accepted(case: Case, traces: Sequence[Trace], healthy: Trace | None, limits: Limits) -> Grade:
    """Orders are not refused for their form or precision."""
    codes = case.params.get("codes", ())

    def check(trace: Trace, item: Item) -> str | None:
        if item.done or not item.answered:
            return None
        code = text_of(item.ack.get("sCode")) if item.ack is not None else ""
        if isinstance(codes, tuple) and code in codes:
            return f"an order is refused with {code}: {shown(text_of((item.ack or {}).get('sMsg')), 80)}"
        return ""

    return every(traces, lambda trace: ((item.place, item) for item in items(trace, "place")), check, "answered orders")


JUDGES: dict[str, Judge] = {
    "order-wire": _over("orders", _wire, "place"),
    "order-misnamed": _over("orders", _misnamed, "place"),
    "order-number": _over("orders with numbers", _number, "place", "amend"),
    "order-tick": _over("prices", _on_tick, "place", "amend"),
    "order-size": _over("sizes", _size, "place"),
    "order-positive": _over("prices", _positive, "place"),
    "order-has-id": _over("orders", _has_id, "place"),
    "order-target-currency": _over("spot market orders", _target_currency, "place"),
    "order-flag": _over("orders with reduceOnly", _flag, "place"),
    "order-names": _over("cancellations and amendments", _names_order, "cancel", "amend"),
    "order-changes": _over("amendments", _changes, "amend"),
    "order-batch": _over("orders", _batch),
    "order-code": _over("WebSocket operations", _code_sent),
    "order-same-inst": _same_inst,
    "order-unique": _unique,
    "order-accepted": _accepted,
}
