"""What a program does with answers and messages that it may not have been written with."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from okxdoctor.conformance.client.cases import Case, Limits
from okxdoctor.conformance.client.grade import Grade, failed, not_exercised, passed
from okxdoctor.conformance.client.judges.common import Judge, done_by, first_done, param
from okxdoctor.conformance.client.trace import Call, Socket, Trace

AFTERWARDS_S = 1.5
"""How long a program must go on for its answer to count as taken."""


def died(trace: Trace, healthy: Trace | None) -> str:
    """How a program came to an end that it does not come to when all is well; "" when it did not."""
    ended = trace.ended
    if ended is None or ended.status == 0:
        return ""
    if healthy is not None and healthy.ended is not None and healthy.ended.status == ended.status:
        return ""
    return f"the program ends with {f'status {ended.status}' if ended.status > 0 else f'signal {-ended.status}'}"


def _asks_again(trace: Trace, call: Call, healthy: Trace | None) -> Call | None:
    """A repetition of a request that is asked only once when all is well: its answer was not taken."""
    if healthy is None or sum(each.kind == call.kind for each in healthy.calls) != 1:
        return None
    same = [each for each in trace.calls if each.asked.target == call.asked.target and each.kind == call.kind]
    return same[3] if len(same) > 3 and same[3].place > call.place else None


def _taken(case: Case, traces: Sequence[Trace], healthy: Trace | None, limits: Limits) -> Grade:
    """An odd answer: the program goes on. Where it had to be played alone, that round decides."""
    name = param(case, "name")
    own = [trace for trace in traces if trace.name.endswith(f":{name}")]
    count = 0
    last: tuple[Trace, int | None] | None = None
    for trace in own or traces:
        met = [call for call in trace.calls if done_by(call.done, name)]
        if not met:
            continue
        said = died(trace, healthy)
        if said and own:
            return failed(trace, (met[0].place, met[0].result_place), f"{said} after such an answer to {met[0].path}")
        again = next(filter(None, (_asks_again(trace, call, healthy) for call in met)), None)
        if again is not None and own:
            return failed(
                trace, (met[0].place, again.place), f"{again.path} is asked again and again after such an answer"
            )
        if said or again:
            continue
        if trace.ended is not None or trace.end_s - met[0].at_s >= AFTERWARDS_S:
            count += len(met)
            last = (trace, met[-1].result_place)
    if last is None:
        return not_exercised("no answer of this kind was asked for")
    return passed(count, f"{count} such answers", last[0], (last[1],))


def _pushed(case: Case, traces: Sequence[Trace], healthy: Trace | None, limits: Limits) -> Grade:
    """An odd message: the program keeps the connection and goes on."""
    name = param(case, "name")
    own = [trace for trace in traces if trace.name.endswith(f":{name}")]
    count = 0
    last: tuple[Trace, int] | None = None
    for trace in own or traces:
        met = [(socket, message) for socket in trace.sockets for message in socket.said if message.done == name]
        if not met:
            continue
        socket, first = met[0]
        said = died(trace, healthy)
        if said and own:
            return failed(trace, first.place, f"{said} after such a message")
        given_up = _given_up(trace, socket)
        if given_up is not None and own:
            return failed(trace, (first.place, given_up), "the connection is given up after such a message")
        if given_up is not None and not own and not said:
            return failed(trace, (first.place, given_up), "the connection is given up after such a message")
        if said:
            continue
        if trace.ended is not None or trace.end_s - first.at_s >= AFTERWARDS_S:
            count += len(met)
            last = (trace, met[-1][1].place)
    if last is None:
        return not_exercised("no message of this kind could be sent")
    return passed(count, f"{count} such messages", last[0], (last[1],))


def _given_up(trace: Trace, socket: Socket) -> int | None:
    """Where the program closes a connection to make another one."""
    if socket.closed is None or socket.closed.by != "program" or socket.closed_place is None:
        return None
    later = [each for each in trace.upgrades if each.path == socket.path and each.at_s >= socket.closed.at_s]
    return socket.closed_place if later else None


def _goes_on(case: Case, traces: Sequence[Trace], healthy: Trace | None, limits: Limits) -> Grade:
    """After one answer that is none: the same is asked again, or the program does what it does."""
    name = param(case, "name")
    seen: tuple[Trace, Call] | None = None
    for trace in traces:
        call = first_done(trace, name)
        if call is None:
            continue
        seen = (trace, call)
        said = died(trace, healthy)
        end = call.result_place if call.result_place is not None else call.place
        later = next((each for each in trace.calls if each.place > end), None)
        if later is not None and (said == "" or later.kind == call.kind):
            return passed(
                1, f"{later.path} is asked {later.at_s - call.at_s:.1f} s later", trace, (call.place, later.place)
            )
        if said:
            return failed(trace, (call.place, call.result_place), f"{said} after such an answer to {call.path}")
        polls = healthy is not None and sum(each.kind == call.kind for each in healthy.calls) > 2
        if trace.ended is None and polls and trace.end_s - call.at_s > _longest_gap(healthy, call) * 3 + 2.0:
            return failed(
                trace, (call.place, call.result_place), f"after such an answer to {call.path} nothing is asked any more"
            )
    if seen is None:
        return not_exercised("the program asked for too little to be given such an answer")
    return not_exercised("the program does nothing afterwards that would show it")


def _longest_gap(healthy: Trace | None, call: Call) -> float:
    times = [each.at_s for each in healthy.calls if each.kind == call.kind] if healthy is not None else []
    return max((b - a for a, b in itertools.pairwise(times)), default=0.0)


JUDGES: dict[str, Judge] = {"answer-taken": _taken, "push-taken": _pushed, "goes-on": _goes_on}
