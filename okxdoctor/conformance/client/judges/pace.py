"""How fast and how often: documented budgets, storms, growing pauses, recovery."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
from math import inf
from urllib.parse import parse_qs

from okxdoctor.conformance.client.cases import Case, Limits
from okxdoctor.conformance.client.grade import Grade, failed, not_exercised, passed
from okxdoctor.conformance.client.judges.answers import died
from okxdoctor.conformance.client.judges.common import Judge, done_by, first_done, param, text_of
from okxdoctor.conformance.client.judges.orders import items
from okxdoctor.conformance.client.trace import Call, Trace
from okxdoctor.knowledge import endpoint


def _scope(call: Call, scope: str) -> str:
    """What beside the user or address a budget is counted by, for this request."""
    query = {name: values[0] for name, values in parse_qs(call.query).items()}
    body = call.json if isinstance(call.json, dict) else {}
    for words, name in (
        ("Instrument Type", "instType"),
        ("Instrument ID", "instId"),
        ("Instrument Family", "instFamily"),
        ("Currency", "ccy"),
    ):
        if words in scope:
            return query.get(name) or text_of(body.get(name))
    return ""


def _units(call: Call, scope: str, unit: str) -> list[tuple[str, int]]:
    """What a request spends, by what it is counted for: orders of a batch each for their instrument."""
    if unit != "order" or not isinstance(call.json, list):
        return [(_scope(call, scope), 1)]
    found: dict[str, int] = defaultdict(int)
    for item in call.json:
        found[text_of(item.get("instId")) if isinstance(item, dict) and "Instrument" in scope else ""] += 1
    return list(found.items())


def _budgets(case: Case, traces: Sequence[Trace], healthy: Trace | None, limits: Limits) -> Grade:
    """No window of any endpoint has more requests than documented."""
    group = param(case, "group")
    count = 0
    most = 0.0
    for trace in traces:
        windows: dict[tuple[str, ...], list[tuple[float, int]]] = defaultdict(list)
        for call in trace.calls:
            row = endpoint(call.asked.method, call.path)
            if row is None or not call.path.startswith(f"/api/v5/{group}/"):
                continue
            count += 1
            limit = int(row.limit * limits.window_slack) + 1
            for scope, units in _units(call, row.scope, row.unit):
                window = windows[call.asked.method, call.path, scope]
                window.extend([(call.at_s, call.place)] * units)
                recent = [each for each in window if each[0] > call.at_s - row.per_seconds]
                windows[call.asked.method, call.path, scope] = recent
                most = max(most, len(recent) / row.limit)
                if len(recent) > limit:
                    return failed(
                        trace,
                        (recent[0][1], call.place),
                        f"{len(recent)} {row.unit}s to {call.path} within {row.per_seconds} s; {row.limit} are allowed",
                    )
    if not count:
        return not_exercised(f"no request under /api/v5/{group}")
    return passed(count, f"{count} requests, at most {most:.0%} of a budget")


def _order_cap(case: Case, traces: Sequence[Trace], healthy: Trace | None, limits: Limits) -> Grade:
    count = 0
    for trace in traces:
        times = [(item.at_s, item.place) for item in items(trace, "place", "amend")]
        count += len(times)
        for (first, place), (last, at) in zip(times, times[1000:], strict=False):
            if last - first < 2.0:
                return failed(trace, (place, at), f"more than 1000 orders and amendments within {last - first:.1f} s")
    return passed(count, f"{count} orders and amendments") if count else not_exercised("no order")


def _met(trace: Trace, name: str) -> list[Call]:
    return [call for call in trace.calls if done_by(call.done, name)]


def _rate(healthy: Trace | None, call: Call, window_s: float) -> int:
    """The most requests of a kind within a window when all is well."""
    times = [each.at_s for each in healthy.calls if each.kind == call.kind] if healthy is not None else []
    return max((sum(a <= b < a + window_s for b in times) for a in times), default=0)


RUSH_S, RUSH = 0.1, 6


def _rush(same: Sequence[Call], usual_s: float) -> list[Call]:
    """Attempts at one target that follow each other without any pause, one after the other's refusal."""
    if usual_s < RUSH_S:
        return []
    run: list[Call] = []
    for call in same:
        if run and (call.asked.target != run[-1].asked.target or call.at_s - run[-1].at_s >= RUSH_S):
            run = []
        run.append(call)
        if len(run) >= RUSH:
            return run
    return []


def _shortest(healthy: Trace | None, call: Call) -> float:
    """The shortest pause between two requests of a kind when all is well; endless where there are not two."""
    times = [each.at_s for each in healthy.calls if each.kind == call.kind] if healthy is not None else []
    return min((b - a for a, b in pairwise(times)), default=inf)


def _storm(case: Case, traces: Sequence[Trace], healthy: Trace | None, limits: Limits) -> Grade:
    """While something lasts, no request is repeated in a rush. The pace of the healthy round is no rush."""
    name = param(case, "name")
    for trace in traces:
        met = _met(trace, name) if name else [call for call in trace.calls if call.code == param(case, "code")]
        for call in met:
            same = [
                each for each in trace.calls if each.kind == call.kind and 0 <= each.at_s - call.at_s < limits.storm_s
            ]
            allowed = max(limits.storm_requests, 1.5 * _rate(healthy, call, limits.storm_s))
            rush = _rush(same, _shortest(healthy, call))
            if rush:
                return failed(
                    trace,
                    tuple(each.place for each in rush),
                    f"{len(rush)} attempts at {call.path} within {rush[-1].at_s - rush[0].at_s:.2f} s, each refused",
                )
            if len(same) > allowed:
                return failed(
                    trace,
                    tuple(each.place for each in same[:6]),
                    f"{len(same)} requests to {call.path} within {limits.storm_s:g} s, each refused",
                )
        if met:
            return passed(len(met), f"{len(met)} refused requests", trace, (met[0].place, met[-1].place))
    return not_exercised("nothing was asked for while it lasted")


def _runs(calls: Sequence[Call]) -> list[list[Call]]:
    """Refused requests to one target, in their order."""
    kinds: dict[tuple[str, str], list[Call]] = defaultdict(list)
    for call in calls:
        kinds[call.asked.method, call.asked.target].append(call)
    return [run for run in kinds.values() if len(run) > 1]


def _habit(healthy: Trace | None, call: Call) -> float:
    """The usual pause between two requests of a kind; 0 when it is asked once."""
    times = [each.at_s for each in healthy.calls if each.kind == call.kind] if healthy is not None else []
    pauses = sorted(b - a for a, b in itertools.pairwise(times))
    return pauses[len(pauses) // 2] if pauses else 0.0


def _grows(case: Case, traces: Sequence[Trace], healthy: Trace | None, limits: Limits) -> Grade:
    """Pauses before further attempts do not stay as short as the first."""
    name = param(case, "name")
    for trace in traces:
        for run in _runs(_met(trace, name)):
            if len(run) < 4:
                continue
            pauses = [b.at_s - a.at_s for a, b in itertools.pairwise(run)]
            if max(pauses[-2:]) > pauses[0] * 1.3 or min(pauses) >= 1.0:
                return passed(
                    len(run),
                    f"pauses from {pauses[0]:.2f} s to {pauses[-1]:.2f} s",
                    trace,
                    (run[0].place, run[-1].place),
                )
            habit = _habit(healthy, run[0])
            if habit and min(pauses) >= habit * 0.8:
                continue  # It asks at its own pace, and does not try again beside it.
            return failed(
                trace,
                tuple(call.place for call in run[:5]),
                f"{len(run)} attempts at {run[0].path} with pauses of {min(pauses):.2f} to {max(pauses):.2f} s "
                "that do not grow",
            )
    return not_exercised("fewer than four attempts beside the usual pace")


def _recovers(case: Case, traces: Sequence[Trace], healthy: Trace | None, limits: Limits) -> Grade:
    """Once it is over, the program goes on as before."""
    name = param(case, "name")
    for trace in traces:
        met = _met(trace, name)
        if not met:
            continue
        later = next((call for call in trace.calls if call.place > met[-1].place and call.fine), None)
        if later is not None:
            return passed(
                1,
                f"{later.path} is served again after {later.at_s - met[0].at_s:.1f} s",
                trace,
                (met[-1].place, later.place),
            )
        said = died(trace, healthy)
        if said:
            return failed(trace, (met[0].place, met[-1].result_place), f"{said} after {len(met)} refused requests")
        return not_exercised("the program asked for nothing afterwards")
    return not_exercised("nothing was asked for while it lasted")


def _retry_after(case: Case, traces: Sequence[Trace], healthy: Trace | None, limits: Limits) -> Grade:
    for trace in traces:
        call = first_done(trace, "retry-after-3")
        if call is None:
            continue
        again = next(
            (each for each in trace.calls if each.place > call.place and each.asked.target == call.asked.target), None
        )
        if again is None:
            return not_exercised("the request was not repeated")
        pause = again.at_s - call.at_s
        if pause >= 2.9:
            return passed(1, f"repeated after {pause:.1f} s", trace, (call.place, again.place))
        return failed(trace, (call.place, again.place), f"repeated after {pause:.2f} s")
    return not_exercised("the program asked for too little to be given such an answer")


JUDGES: dict[str, Judge] = {
    "budget": _budgets,
    "order-cap": _order_cap,
    "no-storm": _storm,
    "pauses-grow": _grows,
    "recovers": _recovers,
    "retry-after": _retry_after,
}
