"""Faults of WebSocket connections: the way to them, the services behind them, and others who share their limits."""

from __future__ import annotations

from dataclasses import replace
from typing import cast, get_args

from okxdoctor.exchange.core.ws_world import CUT, BookTrouble, Channels, Crowd, LoginTrouble, Path

from .model import Fault

CHANNELS = ("tickers", "books", "account")
SHORTER_THAN_DATA = 180
"""Characters: acknowledgements are shorter, and what is pushed is longer."""
LIMIT_CODES = ("4003", "4008", "4009")
_GAPS = ("lost", "swapped", "repeated")
_CORRUPT = tuple(each for each in get_args(BookTrouble) if each not in _GAPS)
_REFUSALS = tuple(each for each in get_args(LoginTrouble) if each != "unanswered")

FAULTS: tuple[Fault, ...] = (
    Fault(
        name="ws-blocked", example="ws-blocked=refuse", layer="ws", cause="ws.blocked", value="choice",
        default="refuse", choices=("refuse", "strip", "hang", "redirect", "close"),
        says="WebSocket upgrades are refused, redirected, closed, lose their Upgrade header, or get no answer; REST "
        "works",
    ),
    Fault(
        name="ws-no-pong", example="ws-no-pong", layer="ws", cause="ws.no-pong",
        says="the text ping is not answered",
    ),
    Fault(
        name="ws-no-pong-half-open", example="ws-no-pong-half-open", layer="ws", cause="ws.no-pong",
        says="the upgrade is answered and nothing ever after: no pong, no acknowledgement, no data",
    ),
    Fault(
        name="ws-silent", example="ws-silent", layer="ws", cause="ws.silent",
        says="subscriptions are acknowledged and no data follows, while REST shows the market moving",
    ),
    Fault(
        name="ws-silent-channel", example="ws-silent-channel=books", layer="ws", cause="ws.silent", value="choice",
        default="books", choices=CHANNELS,
        says="one channel is acknowledged and brings nothing, all others work",
    ),
    Fault(
        name="ws-silent-stops", example="ws-silent-stops", layer="ws", cause="ws.silent",
        says="a subscription brings its first message and nothing after it, while REST shows the market moving",
    ),
    Fault(
        name="ws-silent-cut", example="ws-silent-cut", layer="ws", cause="ws.silent",
        says="something on the way cuts long frames off, so that what is pushed is no JSON any more",
    ),
    Fault(
        name="ws-silent-stale", example="ws-silent-stale=40s", layer="ws", cause="ws.silent", value="duration",
        default=40.0, says="the push service lags: what it sends is the state of so long ago, REST is up to date",
    ),
    Fault(
        name="ws-drops", example="ws-drops=100ms", layer="ws", cause="ws.drops", value="duration", default=0.1,
        says="connections are cut without a close frame at this age (a run sees what happens while it looks)",
    ),
    Fault(
        name="ws-drops-on-subscribe", example="ws-drops-on-subscribe", layer="ws", cause="ws.drops",
        says="connections are cut as soon as something is subscribed",
    ),
    Fault(
        name="ws-drops-code", example="ws-drops-code=1011", layer="ws", cause="ws.drops", value="choice",
        default="1011", choices=("1000", "1001", "1011", "1012", "1013", "4002", "4005", "4006"),
        says="a load balancer or the exchange closes connections with this code at the first subscription",
    ),
    Fault(
        name="ws-drops-compression", example="ws-drops-compression", layer="ws", cause="ws.drops",
        says="a proxy strikes the extension out of the upgrade's answer, and compressed frames arrive all the same",
    ),
    Fault(
        name="ws-wrong-path", example="ws-wrong-path=business", layer="ws", cause="ws.wrong-path", value="choice",
        default="business", choices=get_args(Path),
        says="a gateway leads every connection to this one path, whatever path was asked for",
    ),
    Fault(
        name="ws-sequence-gap", example="ws-sequence-gap=lost", layer="ws", cause="ws.sequence-gap", value="choice",
        default="lost", choices=_GAPS,
        says="updates of books are lost, change places, or are delivered twice",
    ),
    Fault(
        name="ws-book-corrupt", example="ws-book-corrupt=level", layer="ws", cause="ws.book-corrupt", value="choice",
        default="level", choices=_CORRUPT,
        says="books arrive wrong in an unbroken chain: sizes altered, sides crossed, a price twice, levels out of "
        "order, or an old-style checksum that does not fit",
    ),
    Fault(
        name="ws-connection-limit", example="ws-connection-limit=channel", layer="ws", cause="ws.connection-limit",
        value="choice", default="channel", choices=get_args(Crowd),
        says="others use a limit up: connections a second of the address, connections of a private channel of the "
        "account, or requests or subscriptions of a connection that a gateway shares out",
    ),
    Fault(
        name="ws-connection-limit-code", example="ws-connection-limit-code=4008", layer="ws",
        cause="ws.connection-limit", value="choice", default="4008", choices=LIMIT_CODES,
        says="a subscription too many ends the connection with this close code",
    ),
    Fault(
        name="ws-service-upgrade", example="ws-service-upgrade", layer="ws", cause="ws.service-upgrade",
        says="each connection is told soon after it opens that it will be closed for a service upgrade (64008)",
    ),
    Fault(
        name="ws-login-refused", example="ws-login-refused=internal", layer="ws", cause="ws.login-refused",
        value="choice", default="internal", choices=_REFUSALS,
        says="REST accepts the key; the login service is down or busy, knows an older record of the key, or sees "
        "connections come from an address that is not on the key's list",
    ),
    Fault(
        name="ws-login-refused-unanswered", example="ws-login-refused-unanswered", layer="ws",
        cause="ws.login-refused", says="logins are not answered, everything else on the connection is",
    ),
)  # fmt: skip


def troubled(channels: Channels, name: str, value: float | str | None) -> Channels:
    """The conversations' circumstances with one more fault on; faults that are not about them change nothing."""
    word = str(value)
    match name:
        case "ws-blocked":
            return replace(channels, upgrade=word)  # type: ignore[arg-type]
        case "ws-no-pong":
            return replace(channels, pong=False)
        case "ws-no-pong-half-open":
            return replace(channels, mute=True)
        case "ws-silent":
            return replace(channels, data=False)
        case "ws-silent-channel":
            return replace(channels, muted=word)
        case "ws-silent-stops":
            return replace(channels, first_only=True)
        case "ws-silent-cut":
            return replace(channels, cut_frames=SHORTER_THAN_DATA)
        case "ws-silent-stale":
            return replace(channels, lag_ms=round(float(value or 0) * 1000))
        case "ws-drops":
            return replace(channels, end_after_ms=round(float(value or 0) * 1000), end_code=CUT)
        case "ws-drops-on-subscribe":
            return replace(channels, end_on_subscribe=True, end_code=CUT)
        case "ws-drops-code" | "ws-connection-limit-code":
            return replace(channels, end_on_subscribe=True, end_code=int(word))
        case "ws-drops-compression":
            return replace(channels, undeclared_compression=True)
        case "ws-wrong-path":
            return replace(channels, led_to=cast(Path, word))
        case "ws-sequence-gap" | "ws-book-corrupt":
            return replace(channels, book=cast(BookTrouble, word))
        case "ws-connection-limit":
            return replace(channels, crowd=cast(Crowd, word))
        case "ws-service-upgrade":
            return replace(channels, upgrade_announced=True)
        case "ws-login-refused":
            return replace(channels, login=cast(LoginTrouble, word))
        case "ws-login-refused-unanswered":
            return replace(channels, login="unanswered")
        case _:
            return channels
