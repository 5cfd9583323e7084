"""The WebSocket protocol without sockets: text in, frames out, time from outside.

A ``Session`` is one connection. The server hands it each text message (``receive``) and calls ``tick`` when
time has passed or something has changed; both answer with what to send. Payloads come from ``channels``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import localcontext

import msgspec

from .accounts import Account, KeyRecord
from .auth import LoginRefused, login
from .channels import Feed, Subject, feed_for, place_of
from .decimals import EXACT
from .exchange import Exchange
from .limits import Budget
from .matching import settle
from .protocol import Json, encode
from .rest import Call
from .rest_trade import BATCH, do_amend, do_cancel, do_place, items
from .tickets import text
from .venue import Venue

IDLE_MS = 30_000
OPERATIONS = Budget(480, 3_600_000, "ip")
"""Subscribe, unsubscribe and login requests of one connection in an hour."""
MAX_CHANNELS = 240
"""Subscriptions of one connection; the exchange's number is not published (assumed)."""
PER_CHANNEL = 30
"""Connections of one account that may hold the same private channel."""
COUNTED = ("orders", "account", "positions", "balance_and_position", "liquidation-warning", "account-greeks")
ORDER_OPS = {
    "order": (do_place, False), "batch-orders": (do_place, True), "cancel-order": (do_cancel, False),
    "batch-cancel-orders": (do_cancel, True), "amend-order": (do_amend, False), "batch-amend-orders": (do_amend, True),
}  # fmt: skip
_ID = re.compile(r"[A-Za-z0-9]{1,32}\Z", re.ASCII)
_HELP = "Please use the correct URL, channel and parameters referring to API document."


@dataclass(frozen=True, slots=True)
class Send:
    """One text frame."""

    text: str


@dataclass(frozen=True, slots=True)
class Close:
    """End the connection with this close frame."""

    code: int
    reason: str


Out = Send | Close


@dataclass(slots=True, kw_only=True)
class Session:
    """One connection to ``path`` (public, private or business) of ``venue``."""

    exchange: Exchange
    venue: Venue
    path: str
    peer: str
    conn_id: str
    last_ms: int = 0
    key: KeyRecord | None = None
    account: Account | None = None
    feeds: dict[Subject, Feed] = field(default_factory=dict)
    closed: bool = False

    def __post_init__(self) -> None:
        self.last_ms = self.exchange.clock.now_ms()

    # -- from the client ----------------------------------------------------------------------

    def receive(self, raw: str) -> list[Out]:
        """What one text message of the client leads to."""
        now_ms = self.exchange.clock.now_ms()
        self.last_ms = now_ms
        if raw == "ping":
            return [Send("pong")] if self.exchange.world.channels.pong else []
        try:
            message = msgspec.json.decode(raw)
        except (msgspec.DecodeError, RecursionError, UnicodeError):
            message = None
        if not isinstance(message, dict) or not isinstance(message.get("op"), str):
            return [self._illegal(raw)]
        identifier = message.get("id")
        given = identifier if isinstance(identifier, str) and _ID.match(identifier) else None
        args = message.get("args")
        operation = message["op"]
        if operation in ORDER_OPS:
            return self._order(operation, given, args, message)
        if operation not in ("login", "subscribe", "unsubscribe"):
            if operation == "ping":
                return [self._illegal(raw)]
            return [self._error("60019", f"Invalid op: {operation[:64]}", given)]
        if not isinstance(args, list) or not args or not all(isinstance(arg, dict) for arg in args):
            return [self._illegal(raw, given)]
        if not self.exchange.ledger.take(("ws", self.conn_id), OPERATIONS, now_ms):
            return [self._error("60014", "Requests too frequent", given)]
        if operation == "login":
            return self._login(args, given)
        frames: list[Out] = []
        for arg in args:
            subject = self._subject(arg)
            frames.extend(
                self._subscribe(subject, arg, given, now_ms)
                if operation == "subscribe"
                else self._unsubscribe(subject, arg, given)
            )
        return frames

    def _login(self, args: list[dict[str, object]], given: str | None) -> list[Out]:
        if self.key is not None:
            # Seen from a client that logs in twice and lives: the connection stays.
            return [self._error("60031", "The WebSocket endpoint does not allow multiple or repeated logins.", given)]
        try:
            record = login(self.exchange, self.venue.site, self.venue.environment, args[0], self.peer)
        except LoginRefused as refused:
            return [self._error(refused.code, refused.message, given)]
        self.key, self.account = record, self.venue.accounts[record.uid]
        return [self._event(given, {"event": "login", "code": "0", "msg": "", "connId": self.conn_id})]

    def _subject(self, arg: dict[str, object]) -> Subject | None:
        """The argument without absent fields; None when it cannot name a channel."""
        clean = {name: value for name, value in arg.items() if value not in (None, "")}
        if not isinstance(clean.get("channel"), str) or not all(isinstance(v, str) for v in clean.values()):
            return None
        return tuple((name, str(value)) for name, value in clean.items())

    def _subscribe(self, subject: Subject | None, arg: dict[str, object], given: str | None, now_ms: int) -> list[Out]:
        named = dict(subject or ())
        channel = named.get("channel", "")
        if not channel:
            return [self._error("60012", f"Invalid request: {_short(arg)}", given)]
        where = place_of(channel)
        if where is None:
            return [self._unknown(named, given)]
        place, private = where
        if place != self.path:
            return [self._misplaced(place, channel, given)]
        if private and self.account is None:
            return [self._error("60011", "Please log in", given)]
        ack = self._event(given, {"event": "subscribe", "arg": dict(named), "connId": self.conn_id})
        frames: list[Out] = [ack]
        key = _key(subject or ())
        if key not in self.feeds:
            if len(self.feeds) >= MAX_CHANNELS:
                return [Close(4008, "The number of subscribed channels exceeds the maximum limit.")]
            with localcontext(EXACT):
                feed = feed_for(self.exchange, self.venue, self.account, named, now_ms)
            if feed is None:
                return [self._unknown(named, given)]
            counted = self._count(channel)
            if counted is not None:
                frames.append(counted)
                if "channel-conn-count-error" in counted.text:
                    return frames
            self.feeds[key] = feed
            if self.exchange.world.channels.data:
                with localcontext(EXACT):
                    frames.extend(Send(each) for each in feed.opening(now_ms))
        return frames

    def _unsubscribe(self, subject: Subject | None, arg: dict[str, object], given: str | None) -> list[Out]:
        named = dict(subject or ())
        if not named.get("channel"):
            return [self._error("60012", f"Invalid request: {_short(arg)}", given)]
        if self.feeds.pop(_key(subject or ()), None) is None and place_of(named["channel"]) is None:
            return [self._unknown(named, given)]
        self._uncount(named["channel"])
        return [self._event(given, {"event": "unsubscribe", "arg": dict(named), "connId": self.conn_id})]

    def _order(self, operation: str, given: str | None, args: object, message: dict[str, object]) -> list[Out]:
        if self.path != "private":
            message_text = (
                "The current operation is not supported by this URL. "
                "Please use the correct WebSocket URL for the operation."
            )
            return [self._error("60028", message_text, given)]
        if self.account is None or self.key is None:
            return [self._error("60011", "Please log in", given)]
        in_us = self.exchange.clock.now_us()
        run, many = ORDER_OPS[operation]
        fine = (
            given is not None
            and isinstance(args, list)
            and all(isinstance(arg, dict) for arg in args)
            and 1 <= len(args) <= (BATCH if many else 1)
        )
        if not fine or not isinstance(args, list):
            reply: dict[str, Json] = {"id": given or "", "op": operation, "code": "60013", "msg": "Invalid args"}
            reply["data"] = []
            return [self._text({**reply, "inTime": str(in_us), "outTime": str(self.exchange.clock.now_us())})]
        call = Call(
            exchange=self.exchange,
            venue=self.venue,
            key=self.key,
            owner=self.account,
            now_ms=in_us // 1000,
            in_us=in_us,
        )
        data: list[dict[str, Json]] = []
        if "trade" not in self.key.permissions:
            refused_text = "This API key doesn't have permission to use this function"
            data.extend(_refused(arg, "50120", refused_text, in_us // 1000) for arg in args)
        else:
            if "expTime" in message:
                args = [{"expTime": message["expTime"], **arg} for arg in args]
            ready = [_by_code(arg) for arg in args]
            with localcontext(EXACT):
                for arg in ready:
                    if "instIdCode" in arg:
                        data.extend(items(call, run, [arg]))
                    else:
                        data.append(_refused(arg, "50014", "Parameter instIdCode can not be empty", in_us // 1000))
        refused = sum(1 for item in data if item["sCode"] != "0")
        code = "0" if not refused else "1" if refused == len(data) else "2"
        reply = {"id": given, "op": operation, "code": code, "msg": "", "data": list(data)}
        return [self._text({**reply, "inTime": str(in_us), "outTime": str(self.exchange.clock.now_us())})]

    # -- from time and from the exchange --------------------------------------------------------

    def tick(self) -> list[Out]:
        """What time and the exchange have brought since the last call."""
        now_ms = self.exchange.clock.now_ms()
        frames: list[Out] = []
        if self.feeds and self.exchange.world.channels.data:
            with localcontext(EXACT):
                settle(self.venue, now_ms)
                for feed in self.feeds.values():
                    frames.extend(Send(each) for each in feed.later(now_ms))
        if frames:
            self.last_ms = now_ms
        elif now_ms - self.last_ms > IDLE_MS:
            frames.append(Close(4004, "No data received in 30s."))
        return frames

    def end(self) -> None:
        """Forget the connection: it counts for nothing any more."""
        self.closed = True
        for channel in {dict(subject)["channel"] for subject in self.feeds}:
            self._leave(channel)
        self.feeds.clear()

    def notice(self) -> Send:
        """The announcement that precedes a service upgrade."""
        message = "The connection will soon be closed for a service upgrade. Please reconnect."
        return self._text({"event": "notice", "code": "64008", "msg": message, "connId": self.conn_id})

    # -- counting of private channels -----------------------------------------------------------

    def _count(self, channel: str) -> Send | None:
        if channel not in COUNTED or self.account is None:
            return None
        holders = self.exchange.connections.setdefault((self.venue.name, self.account.uid, channel), set())
        fits = self.conn_id in holders or len(holders) < PER_CHANNEL
        if fits:
            holders.add(self.conn_id)
        event = "channel-conn-count" if fits else "channel-conn-count-error"
        return self._text({"event": event, "channel": channel, "connCount": str(len(holders)), "connId": self.conn_id})

    def _uncount(self, channel: str) -> None:
        if not any(dict(subject)["channel"] == channel for subject in self.feeds):
            self._leave(channel)

    def _leave(self, channel: str) -> None:
        if channel in COUNTED and self.account is not None:
            self.exchange.connections.get((self.venue.name, self.account.uid, channel), set()).discard(self.conn_id)

    # -- texts --------------------------------------------------------------------------------

    def _text(self, message: dict[str, Json]) -> Send:
        return Send(encode(message).decode())

    def _event(self, given: str | None, event: dict[str, Json]) -> Send:
        return self._text(event if given is None else {"id": given, **event})

    def _error(self, code: str, message: str, given: str | None = None) -> Send:
        return self._event(given, {"event": "error", "msg": message, "code": code, "connId": self.conn_id})

    def _illegal(self, raw: str, given: str | None = None) -> Send:
        return self._error("60012", f"Illegal request: {raw[:512]}", given)

    def _unknown(self, named: dict[str, str], given: str | None) -> Send:
        what = ",".join(f"{name}:{value}" for name, value in named.items())
        return self._error("60018", f"Wrong URL or {what} doesn't exist. {_HELP}", given)

    def _misplaced(self, place: str, channel: str, given: str | None) -> Send:
        more = (
            "More details can refer to: https://www.okx.com/help-center/"
            "changes-to-v5-api-websocket-subscription-parameter-and-url."
        )
        if place == "business":
            message_text = (
                f"This channel has been migrated to the '/business' URL. Please subscribe using the new URL. {more}"
            )
            return self._error("64001", message_text, given)
        if self.path == "business":
            message_text = (
                'This channel is not supported by "/business" URL. Please use "/private" URL(for private channels), '
                f'or "/public" URL(for public channels). {more}'
            )
            return self._error("64002", message_text, given)
        return self._unknown({"channel": channel}, given)


def _key(subject: Subject) -> Subject:
    return tuple(sorted(subject))


def _short(arg: object) -> str:
    try:
        return repr(arg)[:256]
    except RecursionError:
        return "..."


def _by_code(arg: dict[str, object]) -> dict[str, object]:
    """Only ``instIdCode`` names the instrument (since 2026); texts of digits are read as numbers."""
    code = arg.get("instIdCode")
    clean = {name: value for name, value in arg.items() if name not in ("instId", "instIdCode")}
    if isinstance(code, str) and code.isdigit() and len(code) < 19:
        code = int(code)
    return {**clean, "instIdCode": code} if isinstance(code, int) and not isinstance(code, bool) else clean


def _refused(arg: dict[str, object], code: str, message: str, now_ms: int) -> dict[str, Json]:
    return {
        "clOrdId": text(arg.get("clOrdId")), "ordId": text(arg.get("ordId")), "sCode": code, "sMsg": message,
        "tag": text(arg.get("tag")), "ts": str(now_ms),
    }  # fmt: skip
