"""WebSocket connections over time: heartbeats on quiet ones, and books that follow their sequence numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from okxdoctor.conformance.client.cases import Case, Limits
from okxdoctor.conformance.client.grade import Grade, failed, not_exercised, passed
from okxdoctor.conformance.client.judges.common import Judge, param, shown
from okxdoctor.conformance.client.trace import Asked, Call, Opened, Played, Socket, Trace, spelled

# ---- heartbeat -----------------------------------------------------------------------------------


def _heartbeat(case: Case, traces: Sequence[Trace], healthy: Trace | None, limits: Limits) -> Grade:
    """Whenever nothing passed for the limit, the program has said something before."""
    held = 0
    last: tuple[Trace, int] | None = None
    for trace in traces:
        for socket in trace.sockets:
            noted = any(played.conn == socket.conn for _, played in _quiet(trace))
            end = socket.closed.at_s if socket.closed is not None else trace.end_s
            ours = [message.at_s for message in socket.heard] + [ping.at_s for ping in socket.pings]
            times = sorted([socket.at_s, *ours, *(message.at_s for message in socket.said)])
            gaps = [b - a for a, b in zip(times, [*times[1:], end], strict=False)]
            long = max(gaps, default=0.0)
            if long > limits.idle_s:
                return failed(
                    trace,
                    (socket.place, socket.closed_place),
                    f"nothing was sent for {long:.1f} s on a quiet connection; it is closed after {limits.idle_s:g} s",
                )
            beats = [message for message in socket.heard if message.event.text == "ping"]
            if noted and (beats or socket.pings):
                held += len(beats) + len(socket.pings)
                last = (trace, beats[0].place if beats else socket.place)
    if last is None:
        return not_exercised("no connection was quiet for long enough")
    return passed(held, f"{held} heartbeats", last[0], (last[1],))


def _quiet(trace: Trace) -> Iterable[tuple[int, Any]]:
    return ((place, event) for place, event in trace.of(Played) if event.name in ("quiet", "silent"))


PONG_S = 1.5
"""How long a program must go on after a pong for it to count as taken."""


def _pong_taken(case: Case, traces: Sequence[Trace], healthy: Trace | None, limits: Limits) -> Grade:
    """After a pong the connection goes on: it is not closed by the program, which lives on."""
    held = 0
    for trace in traces:
        for socket in trace.sockets:
            pongs = [message for message in socket.said if message.event.text == "pong"]
            if not pongs:
                continue
            closed, ended, first = socket.closed, trace.ended, pongs[0]
            soon = closed is not None and closed.by == "program" and 0 <= closed.at_s - first.at_s < 0.5
            if closed is not None and soon and _goes_on(trace, closed.at_s):
                return failed(
                    trace, (first.place, socket.closed_place), "the connection is closed on the answer to a ping"
                )
            if ended is not None and ended.status != 0 and 0 <= ended.at_s - first.at_s < PONG_S:
                return failed(
                    trace, first.place, f"the program ends with status {ended.status} on the answer to a ping"
                )
            held += sum(trace.end_s - pong.at_s >= PONG_S for pong in pongs)
    return passed(held, f"{held} pongs") if held else not_exercised("no text ping was answered early enough")


def _goes_on(trace: Trace, after_s: float) -> bool:
    return any(socket.at_s >= after_s for socket in trace.upgrades) or any(call.at_s >= after_s for call in trace.calls)


def _dead(case: Case, traces: Sequence[Trace], healthy: Trace | None, limits: Limits) -> Grade:
    """A ping that is not answered: the connection is given up."""
    for trace in traces:
        for _, played in _quiet(trace):
            socket = next((each for each in trace.sockets if each.conn == played.conn), None)
            if socket is None:
                continue
            beats = [each for each in socket.heard if each.event.text == "ping" and each.at_s >= played.at_s]
            if not beats:
                continue
            gone = socket.closed
            if gone is not None and gone.by == "program":
                return passed(
                    1,
                    f"given up {gone.at_s - beats[0].at_s:.1f} s after the ping",
                    trace,
                    (beats[0].place, socket.closed_place),
                )
            if trace.end_s - beats[0].at_s >= limits.idle_s:
                return failed(
                    trace,
                    (beats[0].place,),
                    f"pings are not answered for {trace.end_s - beats[0].at_s:.0f} s and the connection is kept",
                )
    return not_exercised("no ping stayed without an answer for long enough")


# ---- books ---------------------------------------------------------------------------------------


def _noted(trace: Trace, name: str) -> Iterable[tuple[int, float, Socket, str]]:
    for place, event in trace.of(Played):
        if event.name == name:
            socket = next((each for each in trace.sockets if each.conn == event.conn), None)
            if socket is not None:
                yield place, event.at_s, socket, event.detail


def _rebuilds(trace: Trace, place: int, socket: Socket, arg: str) -> int | None:
    """Where the program begins to build its book anew after an event: a subscription, a connection, a snapshot."""
    for at, event in trace.acts_after(place):
        message = next((each for each in socket.heard if each.place == at), None)
        if message is not None and message.op in ("unsubscribe", "subscribe"):
            if arg in {spelled(each) for each in message.args}:
                return at
        elif (isinstance(event, Opened) and event.path == socket.path) or (
            isinstance(event, Asked)
            and event.target.partition("?")[0] in ("/api/v5/market/books", "/api/v5/market/books-full")
        ):
            return at
    if socket.closed is not None and socket.closed.by == "program" and (socket.closed_place or 0) > place:
        return socket.closed_place
    return None


def _polls_books(healthy: Trace | None) -> bool:
    """Whether the program asks for books by REST as a habit, so that a request tells nothing."""
    many: list[Call] = []
    if healthy is not None:
        many = [call for call in healthy.calls if call.path in ("/api/v5/market/books", "/api/v5/market/books-full")]
    return len(many) > 2


def _gap(case: Case, traces: Sequence[Trace], healthy: Trace | None, limits: Limits) -> Grade:
    if _polls_books(healthy):
        return not_exercised("books are asked for by REST all the time")
    for trace in traces:
        for place, at_s, socket, arg in _noted(trace, "book-gap"):
            found = _rebuilds(trace, place, socket, arg)
            if found is not None:
                return passed(1, "the book is built anew", trace, (place, found))
            after = [each for each in socket.said if each.place > place and '"update"' in each.event.text]
            if len(after) >= 3 and trace.end_s - at_s >= limits.rebuild_s:
                return failed(
                    trace,
                    (place, after[0].place),
                    f"an update of {shown(arg, 80)} is missing (prevSeqId is not the last seqId), the book goes on for"
                    f" {trace.end_s - at_s:.1f} s",
                )
    return not_exercised("no gap could be made")


def _book_kept(case: Case, traces: Sequence[Trace], healthy: Trace | None, limits: Limits) -> Grade:
    """What is no gap does not make the program build its book anew."""
    name = param(case, "name")
    for trace in traces:
        for place, at_s, socket, arg in _noted(trace, name):
            found = _rebuilds(trace, place, socket, arg)
            if found is not None and not _polls_books(healthy):
                return failed(trace, (place, found), f"{param(case, 'says')}: taken for a gap, the book is built anew")
            if trace.ended is not None and trace.ended.status != 0:
                return failed(trace, place, f"{param(case, 'says')}: the program ends with status {trace.ended.status}")
            if trace.end_s - at_s >= 1.0:
                return passed(1, "the book is kept", trace, (place,))
    return not_exercised("no book with sequence numbers was subscribed")


def _checksum(case: Case, traces: Sequence[Trace], healthy: Trace | None, limits: Limits) -> Grade:
    """Books with checksum 0 are taken as they are."""
    for trace in traces:
        for socket in trace.sockets:
            books = [
                each for each in socket.said if '"checksum":0' in each.event.text and '"update"' in each.event.text
            ]
            if len(books) < 5:
                continue
            found = _rebuilds(trace, books[0].place, socket, spelled(books[0].arg))
            if found is not None and not _polls_books(healthy):
                return failed(
                    trace, (books[0].place, found), "a book with checksum 0 is built anew: the checksum is always 0"
                )
            return passed(len(books), f"{len(books)} updates with checksum 0", trace, (books[-1].place,))
    return not_exercised("no book with a checksum was subscribed")


def _burst_read(case: Case, traces: Sequence[Trace], healthy: Trace | None, limits: Limits) -> Grade:
    """Many messages at once are read in time."""
    name = param(case, "name")
    for trace in traces:
        begun = {event.conn: (place, event) for place, event in trace.of(Played) if event.name == name}
        done = {event.conn: (place, event) for place, event in trace.of(Played) if event.name == f"{name}-read"}
        for conn, (place, event) in begun.items():
            socket = next((each for each in trace.sockets if each.conn == conn), None)
            if socket is None:
                continue
            if conn in done:
                end, read = done[conn]
                took_s = read.at_s - event.at_s
                if took_s <= limits.burst_s:
                    return passed(1, f"{event.detail} read in {took_s:.1f} s", trace, (place, end))
                return failed(trace, (place, end), f"{event.detail} are read in {took_s:.1f} s")
            if socket.closed is not None and socket.closed.by == "program":
                return failed(trace, (place, socket.closed_place), "the connection is given up in a burst of messages")
            if trace.end_s - event.at_s > limits.burst_s and socket.closed is None:
                return failed(trace, (place,), f"{event.detail} are not read within {trace.end_s - event.at_s:.0f} s")
    return not_exercised("no connection had messages that can be repeated")


JUDGES: dict[str, Judge] = {
    "burst-read": _burst_read,
    "ws-heartbeat": _heartbeat,
    "ws-pong": _pong_taken,
    "ws-dead": _dead,
    "book-gap": _gap,
    "book-kept": _book_kept,
    "book-checksum": _checksum,
}
