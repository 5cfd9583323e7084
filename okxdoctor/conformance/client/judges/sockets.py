"""WebSocket connections as they stand on the wire: messages, logins, channels."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from okxdoctor.conformance.client.cases import Case, Limits
from okxdoctor.conformance.client.grade import Grade, failed, not_exercised, passed
from okxdoctor.conformance.client.judges.common import Judge, every, param, shown, text_of
from okxdoctor.conformance.client.judges.orders import WS_OPS as ORDER_OPS
from okxdoctor.conformance.client.judges.requests import OFFSET_ROUNDS
from okxdoctor.conformance.client.trace import Message, Socket, Trace, spelled
from okxdoctor.okx.signing import SigningError, ws_sign
from okxdoctor.okx.timestamps import Flaw, login_flaws

OPS = frozenset({"login", "subscribe", "unsubscribe", "mass-cancel", *ORDER_OPS})
_ID = re.compile(r"[A-Za-z0-9]{1,32}\Z", re.ASCII)
PRIVATE = frozenset(
    {
        "account",
        "positions",
        "balance_and_position",
        "orders",
        "fills",
        "liquidation-warning",
        "account-greeks",
        "orders-algo",
        "algo-advance",
        "deposit-info",
        "withdrawal-info",
        "grid-orders-spot",
        "grid-orders-contract",
        "grid-positions",
        "grid-sub-orders",
        "algo-recurring-buy",
        "rfqs",
        "quotes",
        "struc-block-trades",
    }
)
"""Channels of an account, on the private or the business path."""
ON_PRIVATE = frozenset(
    {"account", "positions", "balance_and_position", "orders", "fills", "liquidation-warning", "account-greeks"}
)
ON_PUBLIC = frozenset(
    {
        "tickers",
        "trades",
        "books",
        "books5",
        "bbo-tbt",
        "books-l2-tbt",
        "books50-l2-tbt",
        "instruments",
        "mark-price",
        "index-tickers",
        "funding-rate",
        "open-interest",
        "price-limit",
        "opt-summary",
        "estimated-price",
        "liquidation-orders",
        "adl-warning",
        "status",
    }
)
_ON_BUSINESS = re.compile(
    r"(mark-price-|index-)?candle|trades-all\Z|orders-algo\Z|algo-|grid-|sprd-|deposit-info\Z|withdrawal-info\Z|rfqs\Z|quotes\Z"
    r"|struc-block|public-struc|public-block|block-tickers|economic-calendar\Z"
)


def place_of(channel: str) -> str:
    """The path of a channel: public, private, business; "" for one that is not known here."""
    if channel in ON_PUBLIC:
        return "public"
    if channel in ON_PRIVATE:
        return "private"
    return "business" if _ON_BUSINESS.match(channel) else ""


Pair = tuple[Socket, Message]
MessageCheck = Callable[[Case, Trace, Socket, Message, Limits], str | None]


def heard(trace: Trace) -> Iterable[tuple[int, Pair]]:
    for socket in trace.sockets:
        for message in socket.heard:
            yield message.place, (socket, message)


def _over(what: str, check: MessageCheck) -> Judge:
    def judged(case: Case, traces: Sequence[Trace], healthy: Trace | None, limits: Limits) -> Grade:
        return every(traces, heard, lambda trace, pair: check(case, trace, *pair, limits), what)

    return judged


# ---- messages ------------------------------------------------------------------------------------


def _form(case: Case, trace: Trace, socket: Socket, message: Message, limits: Limits) -> str | None:
    text = message.event.text
    if text == "ping":
        return None
    if text == "(a binary message)":
        return "a binary message"
    if not message.json:
        return f"a message is no JSON object: {shown(text)}"
    if message.op not in OPS and not message.op.startswith("sprd-"):
        return None if message.op == "ping" else f"the op is {shown(text_of(message.json.get('op')))}"
    return ""


def _args(case: Case, trace: Trace, socket: Socket, message: Message, limits: Limits) -> str | None:
    if message.op not in ("login", "subscribe", "unsubscribe"):
        return None
    args = message.json.get("args")
    if isinstance(args, list) and args and all(isinstance(each, dict) for each in args):
        return ""
    return f"args of {message.op} is no list of objects"


def _id_form(case: Case, trace: Trace, socket: Socket, message: Message, limits: Limits) -> str | None:
    identifier = message.json.get("id")
    if message.op in ORDER_OPS and identifier in (None, ""):
        return f"{message.op} has no id"
    if identifier is None or message.op not in OPS:
        return None
    good = isinstance(identifier, str) and _ID.match(identifier)
    return "" if good else f"the id {shown(text_of(identifier))} is no text of up to 32 letters and digits"


def _id_unique(case: Case, traces: Sequence[Trace], healthy: Trace | None, limits: Limits) -> Grade:
    count = 0
    for trace in traces:
        for socket in trace.sockets:
            seen: dict[str, Message] = {}
            for message in socket.heard:
                identifier = message.json.get("id")
                if message.op not in ORDER_OPS or not isinstance(identifier, str):
                    continue
                count += 1
                before = seen.setdefault(identifier, message)
                if before is not message:
                    return failed(
                        trace, (before.place, message.place), f"two operations have the id {shown(identifier, 34)}"
                    )
    return passed(count, f"{count} operations") if count > 1 else not_exercised("fewer than two WebSocket operations")


def _size(case: Case, trace: Trace, socket: Socket, message: Message, limits: Limits) -> str | None:
    length = len(message.event.text.encode("utf-8", "replace"))
    return "" if length <= limits.message_bytes else f"a message of {length} bytes"


def _json_ping(case: Case, trace: Trace, socket: Socket, message: Message, limits: Limits) -> str | None:
    text = message.event.text
    if text == "ping":
        return ""
    wrong = text.strip().strip('"').lower() in ("ping", "pong", "heartbeat") or message.op.lower() in (
        "ping",
        "heartbeat",
    )
    return f"the heartbeat is {shown(text)}, not the text ping" if wrong else None


def _refused_form(case: Case, trace: Trace, socket: Socket, message: Message, limits: Limits) -> str | None:
    """What the exchange itself could not read. ``code`` is the one to look for."""
    if message.op not in OPS:
        return None
    wanted = param(case, "code")
    for reply in socket.said:
        if (
            reply.place > message.place
            and reply.name == "error"
            and not reply.done
            and reply.json.get("code") == wanted
        ):
            own = [each for each in socket.heard if each.place < reply.place and each.op in OPS]
            if own[-1] is message:
                return f"the exchange answers {wanted}: {shown(text_of(reply.json.get('msg')), 120)}"
    return ""


def _known_channel(case: Case, trace: Trace, socket: Socket, message: Message, limits: Limits) -> str | None:
    """A channel that neither the exchange nor the documentation has."""
    if message.op != "subscribe":
        return None
    unknown = [text_of(arg.get("channel")) for arg in message.args if not place_of(text_of(arg.get("channel")))]
    acked = {spelled(reply.arg) for reply in socket.said if reply.name == "subscribe"}
    refused = [name for name, arg in zip(unknown, message.args, strict=False) if spelled(arg) not in acked]
    return f"there is no channel {shown(refused[0])}" if refused else ""


# ---- login ---------------------------------------------------------------------------------------


def _login_arg(message: Message) -> dict[str, Any]:
    return message.args[0] if message.args else {}


def _login(case: Case, trace: Trace, socket: Socket, message: Message, limits: Limits) -> str | None:
    if message.op != "login":
        return None
    arg, known = _login_arg(message), trace.known
    stamp = arg.get("timestamp")
    text = text_of(stamp)
    match param(case, "rule"):
        case "members":
            missing = [name for name in ("apiKey", "passphrase", "timestamp", "sign") if not text_of(arg.get(name))]
            return f"a login has no {missing[0]}" if missing else ""
        case "seconds":
            flaws = [flaw for flaw in login_flaws(text) if flaw is not Flaw.FRACTIONAL_SECONDS]
            return f"the timestamp of a login is {shown(text)}: {flaws[0].value}" if flaws else ""
        case "window":
            flaws = [flaw for flaw in login_flaws(text) if flaw is not Flaw.FRACTIONAL_SECONDS]
            if flaws or not text or trace.name in OFFSET_ROUNDS:
                return None
            age = getattr(message.event, "epoch_ms", 0) / 1000 - float(text)
            return "" if abs(age) <= limits.window_s else f"the timestamp of a login is {age:.1f} s old"
        case "sign":
            if not text or not known.secret:
                return None
            try:
                right = ws_sign(known.secret, text)
            except (SigningError, UnicodeError, ValueError):
                return "the signature of a login covers text that cannot be sent"
            return "" if arg.get("sign") == right else "the signature of a login is not that of its timestamp"
        case "key":
            return "" if arg.get("apiKey") == known.key else "the apiKey of a login is not that of the configuration"
        case "passphrase":
            return (
                "" if arg.get("passphrase") == known.passphrase else "the passphrase of a login is not the configured"
            )
        case _:
            return None


def _login_place(case: Case, trace: Trace, socket: Socket, message: Message, limits: Limits) -> str | None:
    if message.op != "login":
        return None
    if socket.path in ("private", "business") or any("l2-tbt" in arg for arg in socket.subscribed):
        return ""
    return f"a login is sent on the {socket.path} connection"


def _login_once(case: Case, traces: Sequence[Trace], healthy: Trace | None, limits: Limits) -> Grade:
    def things(trace: Trace) -> Iterable[tuple[int, Socket]]:
        return ((socket.logins[-1].place, socket) for socket in trace.sockets if socket.login_ack and socket.logins)

    def check(trace: Trace, socket: Socket) -> str | None:
        ack = socket.login_ack
        later = [each for each in socket.logins if ack is not None and each.place > ack.place]
        return f"a connection that is logged in logs in again ({len(later)} times)" if later else ""

    return every(traces, things, check, "connections with a login")


def private_acts(socket: Socket) -> Iterable[Message]:
    """Messages that need a login: private channels and operations."""
    for message in socket.heard:
        if message.op in ORDER_OPS or (
            message.op == "subscribe" and any(arg.get("channel") in PRIVATE for arg in message.args)
        ):
            yield message


def _ack_awaited(case: Case, traces: Sequence[Trace], healthy: Trace | None, limits: Limits) -> Grade:
    """Nothing that needs a login is sent before its acceptance came."""
    held = 0
    last: tuple[Trace, int] | None = None
    for trace in traces:
        for socket in trace.sockets:
            ack = socket.login_ack
            for message in private_acts(socket):
                what = message.op if message.op in ORDER_OPS else f"a subscription of {_channel(message)}"
                if ack is None or message.place < ack.place:
                    why = "without a login" if not socket.logins else "before the login was accepted"
                    login = socket.logins[0].place if socket.logins else None
                    ack_at = ack.place if ack is not None else None
                    return failed(trace, (login, message.place, ack_at), f"{what} is sent {why}")
                held += 1
                last = (trace, message.place)
    if last is None:
        return not_exercised("nothing that needs a login was sent")
    return passed(held, f"{held} messages after the login's acceptance", last[0], (last[1],))


def _channel(message: Message) -> str:
    return next((text_of(arg.get("channel")) for arg in message.args if arg.get("channel") in PRIVATE), "a channel")


# ---- channels ------------------------------------------------------------------------------------


def _place(case: Case, trace: Trace, socket: Socket, message: Message, limits: Limits) -> str | None:
    if message.op != "subscribe":
        return None
    seen = False
    for arg in message.args:
        channel = text_of(arg.get("channel"))
        wanted = place_of(channel)
        if wanted != param(case, "path"):
            continue
        seen = True
        if wanted != socket.path:
            return f"the channel {shown(channel)} of /{wanted} is subscribed on /{socket.path}"
    return "" if seen else None


def _twice(case: Case, traces: Sequence[Trace], healthy: Trace | None, limits: Limits) -> Grade:
    def things(trace: Trace) -> Iterable[tuple[int, Socket]]:
        return ((socket.place, socket) for socket in trace.sockets)

    def check(trace: Trace, socket: Socket) -> str | None:
        live: set[str] = set()
        seen = False
        for message in socket.heard:
            for arg in message.args:
                name = spelled(arg)
                if message.op == "unsubscribe":
                    live.discard(name)
                elif message.op == "subscribe":
                    seen = True
                    if name in live:
                        return f"{shown(name, 100)} is subscribed twice on one connection"
                    live.add(name)
        return "" if seen else None

    return every(traces, things, check, "connections with subscriptions")


def _stable(case: Case, traces: Sequence[Trace], healthy: Trace | None, limits: Limits) -> Grade:
    """When all is well, connections and subscriptions stay."""
    count = 0
    for trace in traces:
        for socket in trace.sockets:
            if not socket.subscribed and not any(each.op == "subscribe" for each in socket.heard):
                continue
            count += 1
            if socket.closed is not None and socket.closed.by == "program":
                again = [each for each in trace.upgrades if each.path == socket.path and each.place > socket.place]
                if again and again[0].at_s >= socket.closed.at_s:
                    return failed(
                        trace,
                        (socket.closed_place, again[0].place),
                        f"a connection to /{socket.path} is given up after {socket.closed.at_s - socket.at_s:.1f} s "
                        "and made anew although nothing was wrong",
                    )
            for message in socket.heard:
                if message.op == "unsubscribe" and any(
                    spelled(arg) in {spelled(each) for each in later.args}
                    for later in socket.heard
                    if later.op == "subscribe" and later.place > message.place
                    for arg in message.args
                ):
                    return failed(
                        trace, message.place, "a channel is given up and subscribed again although nothing was wrong"
                    )
    return passed(count, f"{count} connections") if count else not_exercised("no connection with subscriptions")


def _connects(case: Case, traces: Sequence[Trace], healthy: Trace | None, limits: Limits) -> Grade:
    """New connections in any one second."""
    most = int(limits.connects_per_s)
    count = 0
    for trace in traces:
        upgrades = trace.upgrades
        count += len(upgrades)
        for first, last in zip(upgrades, upgrades[most:], strict=False):
            if last.at_s - first.at_s < 0.9:
                return failed(
                    trace,
                    tuple(each.place for each in upgrades if first.at_s <= each.at_s <= last.at_s),
                    f"{most + 1} connections within {last.at_s - first.at_s:.2f} s; {most} a second are allowed",
                )
    return passed(count, f"{count} connections") if count > 1 else not_exercised("fewer than two connections")


def _operations(case: Case, traces: Sequence[Trace], healthy: Trace | None, limits: Limits) -> Grade:
    """Subscribe, unsubscribe and login requests of one connection: 480 in an hour."""
    count = 0
    for trace in traces:
        for socket in trace.sockets:
            mine = [each for each in socket.heard if each.op in ("login", "subscribe", "unsubscribe")]
            count += len(mine)
            if len(mine) > 480:
                return failed(
                    trace, mine[480].place, f"{len(mine)} requests on one connection; 480 an hour are allowed"
                )
    return passed(count, f"{count} requests") if count else not_exercised("no login or subscription")


JUDGES: dict[str, Judge] = {
    "ws-form": _over("messages", _form),
    "ws-args": _over("requests with args", _args),
    "ws-id": _over("messages with id", _id_form),
    "ws-id-unique": _id_unique,
    "ws-size": _over("messages", _size),
    "ws-ping": _over("heartbeats", _json_ping),
    "ws-refused": _over("messages", _refused_form),
    "ws-channel": _over("subscriptions", _known_channel),
    "ws-login": _over("logins", _login),
    "ws-login-place": _over("logins", _login_place),
    "ws-login-once": _login_once,
    "ws-ack-awaited": _ack_awaited,
    "ws-place": _over("subscriptions", _place),
    "ws-twice": _twice,
    "ws-stable": _stable,
    "ws-connects": _connects,
    "ws-operations": _operations,
}
