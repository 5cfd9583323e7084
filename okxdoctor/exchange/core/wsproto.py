"""The WebSocket protocol without sockets: text in, frames out, time from outside.

A ``Session`` is one connection. The server hands it each text message (``receive``) and calls ``tick`` when
time has passed or something has changed; both answer with what to send. Payloads come from ``channels``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from decimal import getcontext, localcontext

import msgspec

from . import ws_orders
from .accounts import Account, KeyRecord
from .auth import LoginRefused, login
from .book_way import BookWay
from .channels import DEPTH_ORDER, EXCLUSIVE, GATED, Feed, Subject, feed_for, place_of
from .decimals import EXACT
from .exchange import Exchange
from .limits import Budget
from .matching import settle
from .seeded import passphrase
from .venue import Venue
from .ws_frames import Close, Out, Send, arriving, ending, message
from .ws_world import Channels

__all__ = ["Close", "Out", "Send", "Session"]

IDLE_MS = 30_000
OPERATIONS = Budget(480, 3_600_000, "ip")
"""Subscribe, unsubscribe and login requests of one connection in an hour."""
MAX_CHANNELS = 1_000
"""Subscriptions of one connection; the exchange's number is not published (assumed)."""
PER_CHANNEL = 30
"""Connections of one account that may hold the same private channel."""
COUNTED = ("orders", "account", "positions", "balance_and_position", "liquidation-warning", "account-greeks")
UPGRADE_MS = 60_000
"""Between the announcement of a service upgrade and the end of the connection."""
ELSEWHERE = "198.51.100.23"
"""Where connections seem to come from whose address is not that of REST requests (RFC 5737)."""
_ID = re.compile(r"[A-Za-z0-9]{1,32}\Z", re.ASCII)
_CHANGES = "https://www.okx.com/help-center/changes-to-v5-api-websocket-subscription-parameter-and-url"
_HELP = "Please use the correct URL, channel and parameters referring to API document."


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
    ways: dict[Subject, BookWay] = field(default_factory=dict)
    opened_ms: int = 0
    announced_ms: int | None = None
    closed: bool = False

    def __post_init__(self) -> None:
        self.last_ms = self.opened_ms = self.exchange.clock.now_ms()

    @property
    def _channels(self) -> Channels:
        return self.exchange.world.channels

    # -- from the client ----------------------------------------------------------------------

    def receive(self, raw: str) -> list[Out]:
        """What one text message of the client leads to."""
        now_ms = self.exchange.clock.now_ms()
        self.last_ms = now_ms
        return arriving(self._channels, [*self._announcement(now_ms), *self._answers(raw, now_ms)])

    def _answers(self, raw: str, now_ms: int) -> list[Out]:
        if raw == "ping":
            return [Send("pong")] if self._channels.pong else []
        try:
            request = msgspec.json.decode(raw)
        except (msgspec.DecodeError, RecursionError, UnicodeError):
            request = None
        if not isinstance(request, dict) or not isinstance(request.get("op"), str):
            return [self._illegal(raw)]
        identifier = request.get("id")
        given = identifier if isinstance(identifier, str) and _ID.match(identifier) else None
        args = request.get("args")
        operation = request["op"]
        if ws_orders.known(operation):
            return [self._order(given, request)]
        if operation not in ("login", "subscribe", "unsubscribe"):
            if operation == "ping":
                return [self._illegal(raw)]
            return [self._error("60019", f"Invalid op: {operation[:64]}", given)]
        if not isinstance(args, list) or not args or not all(isinstance(arg, dict) for arg in args):
            return [self._illegal(raw, given)]
        spent = self._channels.crowd == "requests"
        if spent or not self.exchange.ledger.take(("ws", self.conn_id), OPERATIONS, now_ms):
            return [self._error("60014", "Requests too frequent", given)]
        if operation == "login":
            return self._login(args, given)
        if operation == "subscribe" and self._channels.end_on_subscribe:
            return [ending(self._channels.end_code)]
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
        trouble = self._channels.login
        if trouble == "unanswered":
            return []
        if trouble == "internal":
            return [self._error("63999", "Login failed due to internal error. Please try again later.", given)]
        if trouble == "busy":
            return [self._error("60023", "Bulk login requests too frequent", given)]
        known = self._older if trouble == "stale" else None
        peer = ELSEWHERE if trouble == "address" else self.peer
        try:
            record = login(self.exchange, self.venue.site, self.venue.environment, args[0], peer, known=known)
        except LoginRefused as refused:
            return [self._error(refused.code, refused.message, given)]
        self.key, self.account = record, self.venue.accounts[record.uid]
        return [message({"event": "login", "code": "0", "msg": "", "connId": self.conn_id}, given)]

    def _older(self, record: KeyRecord) -> KeyRecord:
        """The record as it was before the key's passphrase was set."""
        return replace(record, passphrase=passphrase(self.exchange.seed, self.venue.site, "before"))

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
        refused = self._gate(channel, private, named, given)
        if refused is not None:
            return [refused]
        frames: list[Out] = [
            message({"event": "subscribe", "arg": dict(named), "connId": self.conn_id}, given)
        ]  # fmt: skip
        key = _key(subject or ())
        if key not in self.feeds:
            if len(self.feeds) >= MAX_CHANNELS or self._channels.crowd == "subscriptions":
                return [ending(4008)]
            at_ms = now_ms - self._channels.lag_ms
            with localcontext(EXACT):
                feed = feed_for(self.exchange, self.venue, self.account, named, at_ms)
            if feed is None:
                return [self._unknown(named, given)]
            counted = self._count(channel)
            if counted is not None:
                frames.append(counted)
                if "channel-conn-count-error" in counted.text:
                    return frames
            self.feeds[key] = feed
            if channel in DEPTH_ORDER:
                self.feeds = dict(sorted(self.feeds.items(), key=_depth_rank))
            with localcontext(EXACT):
                frames.extend(self._pushed(key, feed.opening(at_ms)))
        return frames

    def _gate(self, channel: str, private: bool, named: dict[str, str], given: str | None) -> Send | None:
        """The refusal of a channel that this connection may not have, or not beside those it has."""
        if (private or channel in GATED) and self.account is None:
            return self._error("60011", "Please log in", given)
        if self.exchange.options.tier < GATED.get(channel, 0):
            tier = "Your trading fee tier doesn't meet the requirement to access this channel"
            return self._error("64003", tier, given)
        if "uly" in named and private:
            more = "please replace uly with instFamily. More details can refer to: "
            said = f"Subscription parameter uly is unavailable anymore, {more}{_CHANGES}."
            return self._error("64000", said, given)
        held = {(each.get("channel"), each.get("instId")) for each in map(dict, self.feeds)}
        for one, other in EXCLUSIVE:
            if channel in (one, other) and (other if channel == one else one, named.get("instId")) in held:
                said = (
                    f"Subscribe to both {one} and {other} for {named.get('instId')} is not allowed. "
                    f"Unsubscribe {other if channel == one else one} first."
                )
                return self._error("64004", said, given)
        return None

    def _pushed(self, key: Subject, texts: list[str]) -> list[Out]:
        """What a feed has to say, as far as it is pushed at all, and as it comes through."""
        channels = self._channels
        if not texts or not channels.data:
            return []
        if channels.muted is not None and ("channel", channels.muted) in key:
            return []
        if channels.endings_lost:
            texts = [each for each in texts if '"state":"canceled"' not in each]
        if texts and channels.book is not None and '"action":"' in texts[0]:
            texts = self.ways.setdefault(key, BookWay()).passing(channels.book, texts)
        return [Send(each) for each in texts]

    def _unsubscribe(self, subject: Subject | None, arg: dict[str, object], given: str | None) -> list[Out]:
        named = dict(subject or ())
        if not named.get("channel"):
            return [self._error("60012", f"Invalid request: {_short(arg)}", given)]
        if self.feeds.pop(_key(subject or ()), None) is None and place_of(named["channel"]) is None:
            return [self._unknown(named, given)]
        self.ways.pop(_key(subject or ()), None)
        self._uncount(named["channel"])
        return [message({"event": "unsubscribe", "arg": dict(named), "connId": self.conn_id}, given)]

    def _order(self, given: str | None, request: dict[str, object]) -> Send:
        if self.path != "private":
            said = (
                "The current operation is not supported by this URL. "
                "Please use the correct WebSocket URL for the operation."
            )
            return self._error("60028", said, given)
        if self.account is None or self.key is None:
            return self._error("60011", "Please log in", given)
        return ws_orders.operate(self.exchange, self.venue, self.key, self.account, request, given)

    # -- from time and from the exchange --------------------------------------------------------

    def tick(self) -> list[Out]:
        """What time and the exchange have brought since the last call."""
        now_ms, channels = self.exchange.clock.now_ms(), self._channels
        if channels.end_after_ms is not None and now_ms - self.opened_ms >= channels.end_after_ms:
            return [ending(channels.end_code)]
        frames = self._announcement(now_ms)
        if self.announced_ms is not None and now_ms - self.announced_ms >= UPGRADE_MS:
            # With which code a connection ends for an upgrade is not documented; going away is assumed.
            return [ending(1001)]
        if self.feeds and not channels.first_only:
            if getcontext() is EXACT:  # so it is where many sessions are looked at, one after the other
                self._news(frames, now_ms)
            else:
                with localcontext(EXACT):
                    self._news(frames, now_ms)
        if frames:
            self.last_ms = now_ms
        elif now_ms - self.last_ms > IDLE_MS:
            frames.append(ending(4004))
        return arriving(channels, frames)

    def _news(self, frames: list[Out], now_ms: int) -> None:
        """Add what the feeds have to say."""
        settle(self.venue, now_ms)
        at_ms = now_ms - self._channels.lag_ms
        for key, feed in self.feeds.items():
            texts = feed.later(at_ms)
            if texts:
                frames.extend(self._pushed(key, texts))

    def _announcement(self, now_ms: int) -> list[Out]:
        """The notice of an upgrade, once."""
        if not self._channels.upgrade_announced or self.announced_ms is not None:
            return []
        self.announced_ms = now_ms
        return [self.notice()]

    def end(self) -> None:
        """Forget the connection: it counts for nothing any more."""
        self.closed = True
        for channel in {dict(subject)["channel"] for subject in self.feeds}:
            self._leave(channel)
        self.feeds.clear()
        self.exchange.ledger.forget(("ws", self.conn_id))

    def notice(self) -> Send:
        """The announcement that precedes a service upgrade."""
        said = "The connection will soon be closed for a service upgrade. Please reconnect."
        return message({"event": "notice", "code": "64008", "msg": said, "connId": self.conn_id})

    # -- counting of private channels -----------------------------------------------------------

    def _count(self, channel: str) -> Send | None:
        if channel not in COUNTED or self.account is None:
            return None
        holders = self.exchange.connections.setdefault((self.venue.name, self.account.uid, channel), set())
        others = PER_CHANNEL if self._channels.crowd == "channel" else 0
        fits = self.conn_id in holders or len(holders) + others < PER_CHANNEL
        if fits:
            holders.add(self.conn_id)
        event = "channel-conn-count" if fits else "channel-conn-count-error"
        count = str(min(PER_CHANNEL, len(holders) + others))
        return message({"event": event, "channel": channel, "connCount": count, "connId": self.conn_id})

    def _uncount(self, channel: str) -> None:
        if not any(dict(subject)["channel"] == channel for subject in self.feeds):
            self._leave(channel)

    def _leave(self, channel: str) -> None:
        if channel in COUNTED and self.account is not None:
            self.exchange.connections.get((self.venue.name, self.account.uid, channel), set()).discard(self.conn_id)

    # -- texts --------------------------------------------------------------------------------

    def _error(self, code: str, said: str, given: str | None = None) -> Send:
        return message({"event": "error", "msg": said, "code": code, "connId": self.conn_id}, given)

    def _illegal(self, raw: str, given: str | None = None) -> Send:
        return self._error("60012", f"Illegal request: {raw[:512]}", given)

    def _unknown(self, named: dict[str, str], given: str | None) -> Send:
        what = ",".join(f"{name}:{value}" for name, value in named.items())
        return self._error("60018", f"Wrong URL or {what} doesn't exist. {_HELP}", given)

    def _misplaced(self, place: str, channel: str, given: str | None) -> Send:
        more = f"More details can refer to: {_CHANGES}."
        if place == "business":
            said = f"This channel has been migrated to the '/business' URL. Please subscribe using the new URL. {more}"
            return self._error("64001", said, given)
        if self.path == "business":
            said = (
                'This channel is not supported by "/business" URL. Please use "/private" URL(for private channels), '
                f'or "/public" URL(for public channels). {more}'
            )
            return self._error("64002", said, given)
        return self._unknown({"channel": channel}, given)


def _depth_rank(held: tuple[Subject, Feed]) -> int:
    return DEPTH_ORDER.get(dict(held[0])["channel"], len(DEPTH_ORDER))


def _key(subject: Subject) -> Subject:
    return tuple(sorted(subject))


def _short(arg: object) -> str:
    try:
        return repr(arg)[:256]
    except RecursionError:
        return "..."
