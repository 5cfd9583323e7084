"""Orders whose outcome is unknown, refused orders, and batches that were taken in part."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import inf
from urllib.parse import parse_qs

from okxdoctor.conformance.client.cases import Case, Limits
from okxdoctor.conformance.client.grade import Grade, failed, not_exercised, passed
from okxdoctor.conformance.client.judges.common import Judge, done_by, param, text_of
from okxdoctor.conformance.client.judges.orders import Item, items
from okxdoctor.conformance.client.trace import Call, Played, Trace

_LOOKS = (
    "/api/v5/trade/order",
    "/api/v5/trade/orders-pending",
    "/api/v5/trade/orders-history",
    "/api/v5/trade/orders-history-archive",
    "/api/v5/trade/fills",
    "/api/v5/trade/fills-history",
    "/api/v5/account/positions",
)


def _unknown(trace: Trace, name: str, kind: str = "place") -> list[Item]:
    """Orders (or cancellations) whose answer met the circumstance."""
    noted = {event.detail: place for place, event in trace.of(Played) if event.name == name and event.detail}
    found: list[Item] = []
    for item in items(trace, kind):
        request = item.request
        if isinstance(request, Call):
            if done_by(request.done, name):
                found.append(item)
        elif request is not None and (item.done == name or text_of(request.json.get("id")) in noted):
            found.append(item)
    return found


def _looked(trace: Trace, item: Item, before: int) -> int | None:
    """Where the program learnt what became of an order: a question by REST, or an event of the orders channel."""
    known = item.text("clOrdId")
    for call in trace.calls:
        if item.place < call.place < before and call.asked.method == "GET" and call.path in _LOOKS:
            query = {name: values[0] for name, values in parse_qs(call.query).items()}
            if call.path == "/api/v5/trade/order" and query.get("clOrdId", known) != known:
                continue
            if call.result_place is not None and call.result_place < before and call.status == 200:
                return call.place
    for socket in trace.sockets:
        for message in socket.said:
            about = message.arg.get("channel") == "orders" and known and f'"{known}"' in message.event.text
            if about and item.place < message.place < before:
                return message.place
    return None


def _usual_pause(healthy: Trace | None, item: Item, trace: Trace) -> float:
    """The shortest pause between two such orders when all is well; endless where there are not two.

    An equal order that comes sooner is the first one again, and no new decision.
    """
    if healthy is None:
        return inf
    wanted = item.what_it_is(trace)[:4]
    times = [each.at_s for each in items(healthy, "place") if each.what_it_is(healthy)[:4] == wanted]
    return min((b - a for a, b in pairwise(times)), default=inf)


def _heard_s(trace: Trace, item: Item) -> float:
    """When the program was given its answer, or lost its connection."""
    return trace.events[item.ack_place].at_s if item.ack_place is not None else item.at_s


def _no_duplicate(case: Case, traces: Sequence[Trace], healthy: Trace | None, limits: Limits) -> Grade:
    """The same trade is not sent under another name before it is known what became of the first."""
    held = 0
    last: tuple[Trace, int] | None = None
    doubtful = False
    for trace in traces:
        for item in _unknown(trace, param(case, "name")):
            later = [
                each
                for each in items(trace, "place")
                if each.place > item.place
                and each.what_it_is(trace) == item.what_it_is(trace)
                and each.at_s - item.at_s < limits.duplicate_s
            ]
            other = next(
                (each for each in later if each.text("clOrdId") != item.text("clOrdId") or not item.text("clOrdId")),
                None,
            )
            if other is not None and _looked(trace, item, other.place) is None:
                if other.at_s - _heard_s(trace, item) >= 0.8 * _usual_pause(healthy, item, trace):
                    doubtful = True
                    continue
                named = "without a clOrdId" if not other.text("clOrdId") else "under another clOrdId"
                return failed(
                    trace,
                    (item.place, item.ack_place, other.place),
                    f"the order is sent again {named} after {other.at_s - item.at_s:.1f} s; the exchange has both",
                )
            held += 1
            last = (trace, item.place)
    if last is not None:
        return passed(held, f"{held} orders with unknown outcome", last[0], (last[1],))
    if doubtful:
        return not_exercised("the program places equal orders all the time: a second one proves nothing")
    return not_exercised("no order met this")


def _looked_up(case: Case, traces: Sequence[Trace], healthy: Trace | None, limits: Limits) -> Grade:
    """What became of the order is asked for (or told), or the same order is sent under the same name."""
    for trace in traces:
        for item in _unknown(trace, param(case, "name")):
            look = _looked(trace, item, len(trace.events))
            if look is not None:
                return passed(1, "its fate is learnt", trace, (item.place, look))
            again = next(
                (
                    each
                    for each in items(trace, "place")
                    if each.place > item.place and item.text("clOrdId") and each.text("clOrdId") == item.text("clOrdId")
                ),
                None,
            )
            if again is not None:
                return passed(1, "it is sent again under its name", trace, (item.place, again.place))
            if trace.ended is not None and trace.ended.status != 0:
                return not_exercised("the program ended with an error: whoever starts it again has to look")
            # Who is left without any answer waits as long as its own patience lasts.
            patience_s = 35.0 if param(case, "name").endswith("silence") else 4.0
            if trace.end_s - _heard_s(trace, item) > patience_s:
                return failed(trace, (item.place, item.ack_place), "nobody asks what became of the order")
    return not_exercised("no order met this")


def _sent_again(trace: Trace, item: Item, before: int) -> bool:
    """Whether an order was sent once more under its name, so that there may be one."""
    known = item.text("clOrdId")
    return any(item.place < each.place < before and each.text("clOrdId") == known for each in items(trace, "place"))


def _other_order(trace: Trace, item: Item, before: int) -> bool:
    """Whether another order came in between, so that something without a name is about that one."""
    return any(item.place < each.place < before for each in items(trace, "place"))


def _used_anyway(case: Case, traces: Sequence[Trace], healthy: Trace | None, limits: Limits) -> Grade:
    """A refused order is not cancelled, amended or asked about as if it were there."""
    for trace in traces:
        for item in _unknown(trace, param(case, "name")):
            known = item.text("clOrdId")
            for other in items(trace, "cancel", "amend"):
                if other.place <= (item.ack_place or item.place) or _sent_again(trace, item, other.place):
                    continue
                empty = not any(other.text(name) not in _NOTHINGS for name in ("ordId", "clOrdId"))
                if empty and _other_order(trace, item, other.place):
                    continue
                if empty or (known and other.text("clOrdId") == known):
                    return failed(
                        trace,
                        (item.place, item.ack_place, other.place),
                        f"{'an order without a name' if empty else 'the refused order'} is to be {_DONE[other.what]}",
                    )
            for call in trace.calls:
                if call.place <= (item.ack_place or item.place) or call.kind != ("GET", "/api/v5/trade/order"):
                    continue
                query = {name: values[0] for name, values in parse_qs(call.query).items()}
                if _other_order(trace, item, call.place):
                    continue
                if not any(query.get(name, "") not in _NOTHINGS for name in ("ordId", "clOrdId")):
                    return failed(
                        trace, (item.place, item.ack_place, call.place), "an order without a name is asked for"
                    )
            if trace.end_s - item.at_s > 1.0:
                return passed(1, "nothing is done with it", trace, (item.place, item.ack_place))
    return not_exercised("no order met this")


_NOTHINGS = ("", "None", "undefined", "null")
_DONE = {"cancel": "cancelled", "amend": "amended"}


def _not_insisted(case: Case, traces: Sequence[Trace], healthy: Trace | None, limits: Limits) -> Grade:
    """A refused order is not sent again and again."""
    most = max(2, int(limits.storm_requests // 2))
    for trace in traces:
        for item in _unknown(trace, param(case, "name")):
            same = [
                each
                for each in items(trace, "place")
                if each.what_it_is(trace) == item.what_it_is(trace) and 0 <= each.at_s - item.at_s < limits.storm_s
            ]
            pause = _usual_pause(healthy, item, trace)
            rush = [each for each, following in pairwise(same) if following.at_s - each.at_s < min(0.1, 0.5 * pause)]
            if len(rush) >= most:
                return failed(
                    trace,
                    tuple(each.place for each in rush[:6]),
                    f"{len(rush) + 1} times, without a pause between them",
                )
            usual = limits.storm_s / pause if pause > 0 else inf
            grade = _storm(trace, item, same, max(most, 2 * usual), limits)
            if grade is not None:
                return grade
    return not_exercised("no order met this")


def _storm(trace: Trace, item: Item, same: Sequence[Item], most: float, limits: Limits) -> Grade | None:
    """How often ``item`` was sent (``same``) in the time of a storm; None when the trace ends right behind it."""
    if len(same) > most:
        return failed(trace, tuple(each.place for each in same[:6]), f"{len(same)} times within {limits.storm_s:g} s")
    if trace.end_s - item.at_s > 1.0:
        return passed(1, f"sent {len(same)} times in {limits.storm_s:g} s", trace, (item.place,))
    return None


def _partial(case: Case, traces: Sequence[Trace], healthy: Trace | None, limits: Limits) -> Grade:
    """After code 2 what was accepted is not sent again."""
    for trace in traces:
        batch = [item for item in _unknown(trace, "partial") if item.batch > 1]
        accepted = [item for item in batch if item.accepted]
        if not accepted:
            continue
        for item in accepted:
            again = next(
                (
                    each
                    for each in items(trace, "place")
                    if each.place > item.place and each.what_it_is(trace) == item.what_it_is(trace)
                ),
                None,
            )
            sooner = 0.8 * _usual_pause(healthy, item, trace)
            if again is not None and again.at_s - _heard_s(trace, item) < sooner:
                return failed(
                    trace, (item.place, item.ack_place, again.place), "an order that was accepted is placed again"
                )
        refused = [item for item in batch if not item.accepted]
        for item in refused:
            other = next(
                (
                    each
                    for each in items(trace, "cancel", "amend")
                    if each.place > item.place
                    and not _sent_again(trace, item, each.place)
                    and (
                        each.text("clOrdId") == item.text("clOrdId") != ""
                        or not (each.text("ordId") or each.text("clOrdId"))
                    )
                ),
                None,
            )
            if other is not None:
                return failed(
                    trace, (item.place, item.ack_place, other.place), "the refused order is treated as if it were there"
                )
        if trace.end_s - batch[0].at_s > 1.0:
            return passed(1, "only what was refused is left", trace, (batch[0].place,))
    return not_exercised("no batch of two or more orders")


# ---- cancellations ---------------------------------------------------------------------------------


def _same_order(one: Item, other: Item) -> bool:
    return any(one.text(name) == other.text(name) != "" for name in ("ordId", "clOrdId"))


def _cancel_gone(case: Case, traces: Sequence[Trace], healthy: Trace | None, limits: Limits) -> Grade:
    """What is gone is not cancelled again and again."""
    most = max(2, int(limits.storm_requests // 2))
    for trace in traces:
        cancels = items(trace, "cancel")
        for item in _unknown(trace, param(case, "name"), "cancel"):
            same = [each for each in cancels if _same_order(item, each) and 0 <= each.at_s - item.at_s < limits.storm_s]
            grade = _storm(trace, item, same, most, limits)
            if grade is not None:
                return grade
    return not_exercised("no cancellation met this")


def _cancel_lost(case: Case, traces: Sequence[Trace], healthy: Trace | None, limits: Limits) -> Grade:
    """The order is asked for, or the cancellation is sent again."""
    for trace in traces:
        for item in _unknown(trace, param(case, "name"), "cancel"):
            again = next(
                (each for each in items(trace, "cancel") if each.place > item.place and _same_order(item, each)), None
            )
            if again is not None:
                return passed(1, "it is sent again", trace, (item.place, again.place))
            look = _asked_after(trace, item.ack_place or item.place)
            if look is not None:
                return passed(1, "its fate is learnt", trace, (item.place, look))
            if trace.ended is not None and trace.ended.status != 0:
                return not_exercised("the program ended with an error: whoever starts it again has to look")
            cancelled = next(iter(items(healthy, "cancel")), None) if healthy is not None else None
            if healthy is not None and cancelled is not None and _asked_after(healthy, cancelled.place) is not None:
                return not_exercised("the program looks at its orders from time to time, only not in this round")
            if trace.end_s - _heard_s(trace, item) > 4.0:
                return failed(trace, (item.place, item.ack_place), "nobody asks whether the order is still open")
    return not_exercised("no cancellation met this")


def _asked_after(trace: Trace, place: int) -> int | None:
    """Where orders, fills or positions are asked for, and told, after a place."""
    return next(
        (
            call.place
            for call in trace.calls
            if call.place > place and call.asked.method == "GET" and call.path in _LOOKS and call.status == 200
        ),
        None,
    )


JUDGES: dict[str, Judge] = {
    "cancel-gone": _cancel_gone,
    "cancel-lost": _cancel_lost,
    "no-duplicate": _no_duplicate,
    "looked-up": _looked_up,
    "used-anyway": _used_anyway,
    "not-insisted": _not_insisted,
    "partial": _partial,
}
