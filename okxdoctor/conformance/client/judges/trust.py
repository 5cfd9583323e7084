"""Certificates, other hosts, refused keys, clocks that differ."""

from __future__ import annotations

import re
from collections.abc import Sequence

from okxdoctor.conformance.client.cases import Case, Limits
from okxdoctor.conformance.client.grade import Grade, failed, not_exercised, passed
from okxdoctor.conformance.client.judges.common import Judge, param
from okxdoctor.conformance.client.judges.orders import items
from okxdoctor.conformance.client.judges.requests import age_s
from okxdoctor.conformance.client.trace import Asked, Call, Elsewhere, Knock, Opened, Played, Trace


def _certificate(case: Case, traces: Sequence[Trace], healthy: Trace | None, limits: Limits) -> Grade:
    """A bad certificate: no handshake is completed with it and nothing is sent."""
    side, shown = param(case, "side"), param(case, "shown")
    refused: tuple[Trace, int] | None = None
    for trace in traces:
        for place, knock in trace.of(Knock):
            if knock.side != side or knock.shown != shown:
                continue
            if knock.outcome == "complete":
                sent = next(
                    (
                        at
                        for at, event in trace.of(Asked, Opened)
                        if at > place and (isinstance(event, Opened)) == (side == "ws")
                    ),
                    None,
                )
                if sent is not None:
                    return failed(trace, (place, sent), "the handshake is completed and a request is sent")
                continue
            refused = refused or (trace, place)
    if refused is not None:
        trace, place = refused
        detail = getattr(trace.events[place], "detail", "")
        return passed(1, f"refused: {detail}", trace, (place,))
    return not_exercised("no connection was tried")


def _elsewhere(case: Case, traces: Sequence[Trace], healthy: Trace | None, limits: Limits) -> Grade:
    """No connection to an address of OKX that is not the configured one."""
    count = 0
    for trace in traces:
        count += len(trace.calls) + len(trace.upgrades)
        for place, event in trace.of(Elsewhere):
            host = event.host.rpartition(":")[0] or event.host
            if re.search(r"(^|\.)ok(x|ex|link)\.[a-z]+\Z", host):
                return failed(trace, place, f"a connection to {event.host} is wanted")
    return passed(count, f"{count} requests to the configured addresses") if count else not_exercised("no request")


def _no_credentials_elsewhere(case: Case, traces: Sequence[Trace], healthy: Trace | None, limits: Limits) -> Grade:
    name = param(case, "name")
    for trace in traces:
        met = next((call for call in trace.calls if name in call.done.split(",")), None)
        if met is None:
            continue
        for place, event in trace.of(Played):
            if event.name == "at-another-host" and place > met.place and event.detail:
                return failed(trace, (met.place, place), f"{event.detail} are sent to the other host")
        if trace.end_s - met.at_s > 0.5:
            return passed(1, "nothing signed goes there", trace, (met.place,))
    return not_exercised("no request could be redirected")


def _refused(trace: Trace, code: str) -> list[Call]:
    return [call for call in trace.calls if call.code == code]


def _surfaced(case: Case, traces: Sequence[Trace], healthy: Trace | None, limits: Limits) -> Grade:
    """A lasting refusal is told: by the exit status, or with its code or message in the output."""
    code = param(case, "code")
    for trace in traces:
        met = _refused(trace, code)
        if not met:
            continue
        if trace.ended is not None and trace.ended.status != 0:
            return passed(1, f"the program ends with status {trace.ended.status}", trace, (met[0].place,))
        message = met[0].answer.get("msg") if isinstance(met[0].answer, dict) else ""
        if code in trace.printed or (isinstance(message, str) and message and message.rstrip(".") in trace.printed):
            return passed(1, "it stands in the output", trace, (met[0].place, met[0].result_place))
        silent = not any(each.printed for each in (trace, *([healthy] if healthy is not None else [])))
        if silent:
            return not_exercised("the program prints nothing at all; where it reports to is not seen here")
        if trace.ended is not None or trace.end_s - met[0].at_s > 2.0:
            return failed(trace, (met[0].place, met[0].result_place), f"{code} is neither printed nor the exit status")
    return not_exercised("no request was refused")


def _no_order(case: Case, traces: Sequence[Trace], healthy: Trace | None, limits: Limits) -> Grade:
    """While every private request is refused, orders are not tried on and on."""
    code = param(case, "code")
    for trace in traces:
        met = _refused(trace, code)
        if not met:
            continue
        orders = [item for item in items(trace, "place") if item.place > met[0].place]
        usual = len(items(healthy, "place")) if healthy is not None else 0
        if len(orders) > max(3, usual):
            return failed(
                trace, tuple(item.place for item in orders[:5]), f"{len(orders)} orders are sent after {code}"
            )
        return passed(1, f"{len(orders)} orders", trace, (met[0].place,))
    return not_exercised("no request was refused")


def _offset(case: Case, traces: Sequence[Trace], healthy: Trace | None, limits: Limits) -> Grade:
    """Who asks for the exchange's time uses it: later timestamps are within the window."""
    for trace in traces:
        asked = next((call for call in trace.calls if call.path == "/api/v5/public/time" and call.fine), None)
        if asked is None or asked.result_place is None:
            continue
        # The first request after the answer may have been on its way when the time came.
        known_s = trace.events[asked.result_place].at_s + 0.01
        after = [call for call in trace.calls if call.place > asked.result_place]
        signed = [
            call
            for number, call in enumerate(after)
            if (number > 0 or call.at_s >= known_s) and call.headers.get("ok-access-timestamp")
        ]
        judged = [(call, age) for call in signed if (age := age_s(call)) is not None]
        if not judged:
            continue
        late = [call for call, age in judged if abs(age) > limits.window_s]
        if len(late) == len(judged):
            age = age_s(late[0]) or 0.0
            return failed(
                trace,
                (asked.place, late[0].place, late[-1].place),
                f"the time is asked for and {len(late)} later timestamps are still {abs(age):.0f} s off",
            )
        if any(abs(age) <= limits.window_s for _, age in judged):
            return passed(len(judged) - len(late), "timestamps follow the exchange's clock", trace, (asked.place,))
    return not_exercised("the program does not ask for the exchange's time")


STEP_PATIENCE_S = 6.0
"""How long after the clocks parted a program may take to find out."""


def _step(case: Case, traces: Sequence[Trace], healthy: Trace | None, limits: Limits) -> Grade:
    """Who asks for the exchange's time asks again when requests are refused as expired, and is accepted again."""
    asks = healthy is not None and any(call.path == "/api/v5/public/time" for call in healthy.calls)
    if not asks:
        return not_exercised("the program does not ask for the exchange's time")
    for trace in traces:
        at, stepped = next(((place, event) for place, event in trace.of(Played) if event.name == trace.name), (0, None))
        signed = [call for call in trace.calls if call.place > at and call.signed and call.status]
        if stepped is None or not signed:
            continue
        late = [call for call in signed if call.code == "50102"]
        good = next((call for call in signed if call.code == "0" and (not late or call.place > late[0].place)), None)
        if good is not None:
            return passed(
                1, f"accepted again {good.at_s - stepped.at_s:.1f} s after the clocks parted", trace, (at, good.place)
            )
        if trace.ended is not None and trace.ended.status != 0:
            return not_exercised("the program ended with an error: whoever starts it again measures anew")
        if len(late) > 2 and late[-1].at_s - stepped.at_s >= STEP_PATIENCE_S:
            return failed(
                trace,
                (at, late[0].place, late[-1].place),
                f"{late[-1].at_s - stepped.at_s:.0f} s after the clocks parted every request is still refused (50102)",
            )
    return not_exercised("nothing private was asked after the clocks had parted")


def _expired_storm(case: Case, traces: Sequence[Trace], healthy: Trace | None, limits: Limits) -> Grade:
    for trace in traces:
        met = _refused(trace, "50102")
        for call in met:
            same = [each for each in met if 0 <= each.at_s - call.at_s < limits.storm_s]
            if len(same) > limits.storm_requests:
                return failed(
                    trace,
                    tuple(each.place for each in same[:5]),
                    f"{len(same)} requests within {limits.storm_s:g} s are refused as expired",
                )
        if met:
            return passed(len(met), f"{len(met)} refused requests", trace, (met[0].place,))
    return not_exercised("no request was refused as expired")


JUDGES: dict[str, Judge] = {
    "certificate": _certificate,
    "elsewhere": _elsewhere,
    "credentials-elsewhere": _no_credentials_elsewhere,
    "surfaced": _surfaced,
    "no-orders": _no_order,
    "offset-applied": _offset,
    "step-applied": _step,
    "expired-storm": _expired_storm,
}
