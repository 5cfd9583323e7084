"""After a WebSocket connection is lost, and around logins that are late, lost or refused."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from okxdoctor.conformance.client.cases import Case, Limits
from okxdoctor.conformance.client.grade import Grade, failed, not_exercised, passed
from okxdoctor.conformance.client.judges.common import Judge, param, text_of
from okxdoctor.conformance.client.judges.sockets import private_acts
from okxdoctor.conformance.client.trace import Played, Socket, Trace

_RECONCILES = (
    "/api/v5/trade/orders-pending",
    "/api/v5/trade/order",
    "/api/v5/trade/orders-history",
    "/api/v5/trade/fills",
    "/api/v5/account/balance",
    "/api/v5/account/positions",
    "/api/v5/trade/fills-history",
    "/api/v5/trade/orders-algo-pending",
)


def _lost(trace: Trace, name: str, path: str = "") -> Iterator[Socket]:
    """Connections that the circumstance ended, with something subscribed on them."""
    for socket in trace.sockets:
        closed = socket.closed
        if closed is None or not socket.subscribed or path not in ("", socket.path):
            continue
        # Who is told of the end may close the connection first.
        told = name == "notice" and closed.by == "program" and any(each.done == name for each in socket.said)
        if closed.done == name or told:
            yield socket


def _successors(trace: Trace, socket: Socket) -> list[Socket]:
    """Connections to the same path that were made because this one ended (or was announced to)."""
    began = next((message.place for message in socket.said if message.name == "notice"), socket.closed_place or 0)
    return [each for each in trace.sockets if each.path == socket.path and each.place > began]


def _stopped(trace: Trace) -> str:
    """Why a program that is gone is not asked to reconnect: it said so by its exit status."""
    ended = trace.ended
    return (
        f"the program ended with status {ended.status}: whoever starts it again reconnects"
        if ended and ended.status
        else ""
    )


def _reconnects(case: Case, traces: Sequence[Trace], healthy: Trace | None, limits: Limits) -> Grade:
    name, path = param(case, "name"), param(case, "path")
    for trace in traces:
        for socket in _lost(trace, name, path):
            assert socket.closed is not None
            new = _successors(trace, socket)
            if new:
                return passed(
                    1,
                    f"connected again after {max(0.0, new[0].at_s - socket.closed.at_s):.1f} s",
                    trace,
                    (socket.closed_place, new[0].place),
                )
            if _stopped(trace):
                return not_exercised(_stopped(trace))
            tries = [
                each for each in trace.upgrades if each.path == socket.path and each.place > (socket.closed_place or 0)
            ]
            waited = trace.end_s - socket.closed.at_s
            if tries:
                return not_exercised(f"{len(tries)} attempts were refused in the time of the round")
            if waited >= limits.reconnect_s or trace.ended is not None:
                return failed(trace, (socket.closed_place,), f"no new connection within {waited:.0f} s")
    return not_exercised("no such connection with a subscription was open")


def _resubscribes(case: Case, traces: Sequence[Trace], healthy: Trace | None, limits: Limits) -> Grade:
    """On the new connections stands everything that stood on the old one."""
    name, path = param(case, "name"), param(case, "path")
    for trace in traces:
        for socket in _lost(trace, name, path):
            new = _successors(trace, socket)
            if not new or trace.end_s - new[0].at_s < 1.5:
                continue
            now = {arg for each in new for arg in each.subscribed}
            elsewhere = {
                arg for each in trace.sockets if each is not socket and each.closed is None for arg in each.subscribed
            }
            missing = sorted(socket.subscribed - now - elsewhere)
            if missing and trace.end_s - new[-1].at_s >= 3.0:
                return failed(
                    trace,
                    (socket.closed_place, new[0].place),
                    f"{len(missing)} of {len(socket.subscribed)} channels are not subscribed again: {missing[0][:100]}",
                )
            if not missing:
                return passed(len(socket.subscribed), f"{len(socket.subscribed)} channels", trace, (new[0].place,))
    return not_exercised("no new connection was made")


def _fresh_login(case: Case, traces: Sequence[Trace], healthy: Trace | None, limits: Limits) -> Grade:
    """The login of a new connection is a new one, and comes before what needs it."""
    name = param(case, "name")
    for trace in traces:
        for socket in _lost(trace, name):
            if not socket.logins:
                continue
            for new in _successors(trace, socket):
                if not new.logins:
                    early = next(iter(private_acts(new)), None)
                    if early is not None:
                        return failed(
                            trace, (socket.closed_place, early.place), "the new connection is used without a login"
                        )
                    continue
                stamps = [
                    text_of(each.args[0].get("timestamp")) if each.args else ""
                    for each in (socket.logins[0], new.logins[0])
                ]
                if stamps[0] == stamps[1] and new.logins[0].at_s - socket.logins[0].at_s > 1.2:
                    return failed(
                        trace,
                        (socket.logins[0].place, new.logins[0].place),
                        "the login of the new connection has the timestamp of the old one",
                    )
                return passed(1, "a new login", trace, (new.logins[0].place,))
    return not_exercised("no connection with a login was made anew")


def _reconciles(case: Case, traces: Sequence[Trace], healthy: Trace | None, limits: Limits) -> Grade:
    """What happened while the private connection was away is asked for by REST, after it is back."""
    name = param(case, "name")
    for trace in traces:
        for socket in _lost(trace, name, "private"):
            if not any('"orders"' in arg or '"positions"' in arg or '"account"' in arg for arg in socket.subscribed):
                continue
            new = _successors(trace, socket)
            if not new:
                continue
            asked = next(
                (
                    call
                    for call in trace.calls
                    if call.place > (socket.closed_place or 0)
                    and call.asked.method == "GET"
                    and call.path in _RECONCILES
                ),
                None,
            )
            if asked is not None:
                return passed(1, f"{asked.path} is asked", trace, (socket.closed_place, new[0].place, asked.place))
            told = any(
                message.arg.get("channel") in ("account", "positions", "balance_and_position")
                for each in new
                for message in each.said
            )
            if told and not any('"orders"' in arg for arg in socket.subscribed):
                return not_exercised("the new connection began with a snapshot of everything")
            if trace.end_s - new[0].at_s >= 5.0:
                return failed(
                    trace,
                    (socket.closed_place, new[0].place),
                    f"nothing is asked about orders, fills or positions within {trace.end_s - new[0].at_s:.0f} s",
                )
    return not_exercised("no private connection was made anew")


def _before_end(case: Case, traces: Sequence[Trace], healthy: Trace | None, limits: Limits) -> Grade:
    """After the notice a new connection stands before the old one ends."""
    for trace in traces:
        for socket in _lost(trace, "notice"):
            notice = next((message for message in socket.said if message.name == "notice"), None)
            new = _successors(trace, socket)
            if notice is None or not new or socket.closed_place is None:
                continue
            if new[0].place < socket.closed_place or (socket.closed is not None and socket.closed.by == "program"):
                return passed(
                    1, "a new connection before the exchange ends the old", trace, (notice.place, new[0].place)
                )
            return failed(
                trace,
                (notice.place, socket.closed_place, new[0].place),
                "the new connection comes after the end of the old",
            )
    return not_exercised("no connection was told of its end")


def _attempts(trace: Trace, name: str) -> Iterator[list[Socket]]:
    """Upgrades after a loss, path by path: the refused ones and the first that was not."""
    for socket in _lost(trace, name):
        tries = [
            each for each in trace.upgrades if each.path == socket.path and each.place > (socket.closed_place or 0)
        ]
        refused = [each for each in tries if each.opened.status != 101]
        first = next((each for each in tries if each.opened.status == 101), None)
        row = [each for each in refused if first is None or each.place < first.place] + ([first] if first else [])
        if len(row) > 1:
            yield row


def _reconnect_grows(case: Case, traces: Sequence[Trace], healthy: Trace | None, limits: Limits) -> Grade:
    for trace in traces:
        for row in _attempts(trace, param(case, "name")):
            pauses = [b.at_s - a.at_s for a, b in itertools.pairwise(row)]
            if len(pauses) < 3:
                continue
            if max(pauses[1:]) > pauses[0] * 1.25 or min(pauses) >= 2.0:
                return passed(
                    len(row),
                    f"pauses from {pauses[0]:.2f} s to {pauses[-1]:.2f} s",
                    trace,
                    (row[0].place, row[-1].place),
                )
            return failed(
                trace,
                tuple(each.place for each in row),
                f"{len(row)} attempts with pauses of {min(pauses):.2f} to {max(pauses):.2f} s that do not grow",
            )
    return not_exercised("fewer than four attempts in a row")


def _reconnect_jitter(case: Case, traces: Sequence[Trace], healthy: Trace | None, limits: Limits) -> Grade:
    """Pauses are not the same for everybody: neither a constant nor exact powers."""
    for trace in traces:
        for row in _attempts(trace, param(case, "name")):
            pauses = [b.at_s - a.at_s for a, b in itertools.pairwise(row)]
            if len(pauses) < 4 or min(pauses) < 0.15:
                continue
            ratios = [b / a for a, b in itertools.pairwise(pauses)]
            if max(ratios) - min(ratios) < 0.02 or max(pauses) - min(pauses) < 0.02:
                return failed(
                    trace,
                    tuple(each.place for each in row),
                    f"pauses of {', '.join(f'{pause:.2f}' for pause in pauses)} s",
                )
            return passed(
                len(row), f"pauses of {', '.join(f'{pause:.2f}' for pause in pauses)} s", trace, (row[0].place,)
            )
    return not_exercised("fewer than five attempts in a row")


def _reconnect_storm(case: Case, traces: Sequence[Trace], healthy: Trace | None, limits: Limits) -> Grade:
    """While upgrades are refused, no more of them are tried in a second than may be."""
    name = param(case, "name")
    for trace in traces:
        lost = list(_lost(trace, name))
        if not lost:
            continue
        tries = [each for each in trace.upgrades if each.place > min(each.closed_place or 0 for each in lost)]
        most = int(limits.connects_per_s)
        for first, last in zip(tries, tries[most:], strict=False):
            if last.at_s - first.at_s < 0.9:
                return failed(
                    trace,
                    tuple(each.place for each in tries[:6]),
                    f"{most + 1} attempts within {last.at_s - first.at_s:.2f} s",
                )
        if tries:
            return passed(len(tries), f"{len(tries)} attempts", trace, (tries[0].place, tries[-1].place))
    return not_exercised("no attempt to reconnect")


# ---- logins ----------------------------------------------------------------------------------------


def _around_login(case: Case, traces: Sequence[Trace], healthy: Trace | None, limits: Limits) -> Grade:
    """While the answer to a login is late or lost, nothing is sent that needs it."""
    name = param(case, "name")
    for trace in traces:
        for _, event in trace.of(Played):
            socket = next((each for each in trace.sockets if each.conn == event.conn), None)
            if event.name != name or socket is None or not socket.logins:
                continue
            ack = next((each for each in socket.said if each.done == name), None)
            for message in private_acts(socket):
                if message.place > socket.logins[0].place and (ack is None or message.place < ack.place):
                    return failed(
                        trace,
                        (socket.logins[0].place, message.place),
                        f"{message.op} {message.at_s - socket.logins[0].at_s:.1f} s after a login without its answer",
                    )
            return passed(1, "nothing is sent before", trace, (socket.logins[0].place, ack.place if ack else None))
    return not_exercised("no login")


def _after_refusal(case: Case, traces: Sequence[Trace], healthy: Trace | None, limits: Limits) -> Grade:
    """After a refused login nothing is sent on that connection that needs one."""
    for trace in traces:
        for socket in trace.sockets:
            refused = next(
                (
                    each
                    for each in socket.said
                    if each.name == "error"
                    and _login_code(each.json.get("code"))
                    and socket.logins
                    and each.place > socket.logins[0].place
                ),
                None,
            )
            if refused is None or socket.login_ack is not None:
                continue
            late = next((each for each in private_acts(socket) if each.place > refused.place), None)
            if late is not None:
                return failed(
                    trace,
                    (socket.logins[0].place, refused.place, late.place),
                    f"the login is refused with {refused.json.get('code')} and {late.op} is sent all the same",
                )
            return passed(1, "nothing is sent after the refusal", trace, (socket.logins[0].place, refused.place))
    return not_exercised("no login was refused")


def _login_code(code: object) -> bool:
    return code in ("60004", "60005", "60006", "60007", "60009", "60024", "60032", "50101")


def _login_storm(case: Case, traces: Sequence[Trace], healthy: Trace | None, limits: Limits) -> Grade:
    """A refused login is not tried again in a rush, on the same connection or on new ones."""
    for trace in traces:
        logins = [message for socket in trace.sockets for message in socket.logins if socket.login_ack is None]
        refused = [
            message
            for socket in trace.sockets
            for message in socket.said
            if message.name == "error" and _login_code(message.json.get("code"))
        ]
        if not refused:
            continue
        times = sorted((message.at_s, message.place) for message in logins)
        most = max(4, int(limits.storm_requests // 2))
        for (first, place), (last, at) in zip(times, times[most:], strict=False):
            if last - first < limits.storm_s:
                return failed(trace, (place, at), f"{most + 1} logins within {last - first:.2f} s, each refused")
        return passed(len(times), f"{len(times)} logins", trace, (times[0][1],) if times else ())
    return not_exercised("no login was refused")


def _same_login(case: Case, traces: Sequence[Trace], healthy: Trace | None, limits: Limits) -> Grade:
    """No two connections log in with one timestamp and signature, seconds apart."""
    count = 0
    for trace in traces:
        seen: dict[str, tuple[float, int, int]] = {}
        for socket in trace.sockets:
            for message in socket.logins:
                arg = message.args[0] if message.args else {}
                sign = text_of(arg.get("sign"))
                if not sign:
                    continue
                count += 1
                at_s, place, conn = seen.setdefault(sign, (message.at_s, message.place, socket.conn))
                if conn != socket.conn and message.at_s - at_s > 1.2:
                    return failed(
                        trace, (place, message.place), f"a login is sent again {message.at_s - at_s:.1f} s later"
                    )
    return passed(count, f"{count} logins") if count > 1 else not_exercised("fewer than two logins")


JUDGES: dict[str, Judge] = {
    "reconnects": _reconnects,
    "resubscribes": _resubscribes,
    "fresh-login": _fresh_login,
    "reconciles": _reconciles,
    "before-end": _before_end,
    "reconnect-grows": _reconnect_grows,
    "reconnect-jitter": _reconnect_jitter,
    "reconnect-storm": _reconnect_storm,
    "around-login": _around_login,
    "after-refusal": _after_refusal,
    "login-storm": _login_storm,
    "same-login": _same_login,
}
