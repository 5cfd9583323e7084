"""Does the private WebSocket accept the login, and do account, positions and orders arrive?

Opens /private, logs in with the same key as REST, and subscribes to account, positions and orders; account sends its
state at once. The exchange tells how many connections hold each channel.

What it finds, and what to do:
* wrong WebSocket host: REST accepts the key, this host does not know it, and the WebSocket of the key's site does.
* wrong environment: the same with the demo host and a live key, or the other way round.
* login refused: for a reason of the login's own, since REST accepts the key; or not answered at all.
* connection limit: too many connections hold this channel; the newest one loses.
* wrong path: the address or a gateway leads to another path than /private.
* blocked, no pong, silent, drops, service upgrade: as for the public WebSocket, where REST accepts the key.

Only listens. Without credentials this check is skipped; where REST refuses the key, the check `key` says why.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from okxdoctor.check import Check, Inconclusive, Skip
from okxdoctor.knowledge import tunable
from okxdoctor.model import Confidence, Finding
from okxdoctor.port import Ask, Frame, Io, KeyStanding, Opening, Socket
from okxdoctor_checks._answers import layer, line, read
from okxdoctor_checks._control import CONTROL_INSTRUMENTS
from okxdoctor_checks._conversation import (
    MISPLACED,
    TOO_FREQUENT,
    Ending,
    Upgrade,
    announced,
    argument,
    blocked,
    by_itself,
    crowded,
    dropped,
    ending,
    is_notice,
    lost,
    message,
    misplaced,
    ours,
    patience_s,
    refusal,
    too_frequent,
    upgrade_of,
    whereabouts,
)
from okxdoctor_checks._proven_by_login import BAD_PASSPHRASE, BAD_SIGNATURE, altered_on_the_way, changed_on_the_way
from okxdoctor_checks._words import counted, listed
from okxdoctor_checks._ws_login import (
    OF_ANOTHER_PLACE,
    Flip,
    Login,
    Refused,
    cell_of,
    log_in,
    not_logged_in,
    tried_elsewhere,
)

CHANNELS = {
    "account": {"channel": "account"},
    "positions": {"channel": "positions", "instType": "ANY"},
    "orders": {"channel": "orders", "instType": "ANY"},
}
TIME = "/api/v5/public/time"
TELLS_AT_ONCE = ("account",)
"""Positions do so as well, where there are any; whether an account without any is told so is not known."""
NOT_LOGGED_IN = "60011"
LOGIN_FAILED = 4001
"""The close code of a login that failed."""
_ID = "private"


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One private channel, milliseconds from subscribing; None: did not come. ``connections``: how many hold it."""

    name: str
    ack_ms: float | None = None
    data_ms: float | None = None
    connections: int | None = None
    too_many: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """``ws_cell``: the cell that the configured address belongs to (site/environment), "" unknown. ``site`` and
    ``environment``: where REST is asked; ``rest_accepts``: whether it accepts the key, None where that is not known
    because the key is not looked at in this run; ``rest_code``: with what it refuses a key that is accepted here.
    ``flips``: after a refusal of the unknown key. ``before``: a first connection ended like this, and this is a second.
    ``closed``: the upgrade that did not work, where REST accepts the key. ``held_ms``: how long the connection was held
    back, because connections are limited.
    """

    url: str
    site: str
    environment: str
    status: int | None = None
    closed: Upgrade | None = None
    rest_accepts: bool | None = None
    rest_code: str = ""
    ws_cell: str = ""
    login: Login = field(default_factory=Login)
    flips: tuple[Flip, ...] = ()
    channels: tuple[Channel, ...] = ()
    refused: str = ""
    leads_to: str = ""
    unreadable: int = 0
    notice: bool = False
    ended: Ending | None = None
    before: Ending | None = None
    waited_s: float = 0.0
    held_ms: float = 0.0


# ---- probe --------------------------------------------------------------------------------------


async def probe(io: Io) -> Facts:
    view = io.view
    if not view.credentials:
        raise Skip("no whole API key (id, secret, passphrase) is set: private checks are not made")
    facts = await _attempt(io)
    end = facts.login.ended or facts.ended
    if end is None or not by_itself(end) or end.code == LOGIN_FAILED:
        return facts
    try:
        return replace(await _attempt(io), before=end)
    except Skip:
        return facts


async def _attempt(io: Io) -> Facts:
    """One connection, from its opening to the last answer."""
    view = io.view
    socket, rest_there = await _opened(io)
    facts = Facts(
        url=socket.opening.url, site=view.site, environment=view.environment, status=socket.opening.status,
        ws_cell=cell_of(view.ws.url, view.cells), held_ms=socket.opening.held_ms,
    )  # fmt: skip
    try:
        if not socket.opening.ok:
            if socket.opening.status == 429 and await _rest_answers(io):
                return facts
            if not rest_there:
                raise Skip("the WebSocket does not open, and REST does not answer either (see http)", layer="http")
            return await _not_open(io, facts, socket.opening)
        facts = replace(facts, login=await log_in(io, socket))
        if facts.login.code == "0":
            facts = await _channels(io, socket, facts)
            if facts.refused.partition(" ")[0] in MISPLACED and facts.ended is None:
                facts = replace(facts, leads_to=await whereabouts(io, socket, CONTROL_INSTRUMENTS[0]))
            standing = await io.given(KeyStanding)
            if standing is not None and standing.standing == "refused":
                return replace(facts, rest_accepts=False, rest_code=standing.code)
            if _refused_otherwise(facts):
                raise Inconclusive(line(f"a private subscription is refused: {facts.refused}"))
            return facts
    finally:
        await socket.close()
    return await _after_a_refusal(io, facts)


async def _opened(io: Io) -> tuple[Socket, bool]:
    """The connection, and whether REST is there. An upgrade without an answer is asked for again, beside REST: the
    whole network may have gone meanwhile, or one packet."""
    socket = await io.open_socket("private")
    if not lost(socket.opening):
        return socket, True
    await socket.close()
    again_s = tunable("ws_again_s")
    again, answer = await asyncio.gather(
        io.open_socket("private", timeout_s=again_s), io.http(Ask(method="GET", path=TIME, timeout_s=again_s))
    )
    return again, again.opening.ok or read(answer).kind in ("ok", "refused")


def _refused_otherwise(facts: Facts) -> bool:
    """A subscription was refused with a code of which nothing follows for login, path or limits."""
    code = facts.refused.partition(" ")[0]
    return bool(code) and code not in (TOO_FREQUENT, NOT_LOGGED_IN) and facts.leads_to in ("", "private")


async def _rest_answers(io: Io) -> bool:
    """Whether REST is there: an edge that answers upgrades with 429 may do so while nothing else is reached either."""
    if await io.given(KeyStanding) is not None:
        return True
    return read(await io.http(Ask(method="GET", path=TIME))).kind in ("ok", "refused")


async def _not_open(io: Io, facts: Facts, opening: Opening) -> Facts:
    """No upgrade: told here too where REST accepts the key, because it may be this path alone."""
    if opening.failure is None or layer(opening.failure) == "http":
        standing = await io.given(KeyStanding)
        if standing is not None and standing.standing == "accepted":
            return replace(facts, rest_accepts=True, closed=upgrade_of(opening))
    raise Skip("the WebSocket does not open (see ws)", layer="ws")


async def _after_a_refusal(io: Io, facts: Facts) -> Facts:
    """A login that was not accepted: whose business that is, and where it is accepted."""
    login = facts.login
    if login.code == TOO_FREQUENT or (login.ended is not None and login.ended.code != LOGIN_FAILED):
        return facts
    standing = await io.given(KeyStanding)
    if _mute(login) and (standing is None or standing.standing != "accepted"):
        raise Skip("nothing is answered on the connection (see ws)", layer="ws")
    if standing is not None and standing.standing != "accepted":
        told = f"refused with {login.code}" if login.code else "not answered"
        raise Skip(f"the login is {told}, and REST does not accept the key either (see key)", layer="key")
    facts = replace(facts, rest_accepts=None if standing is None else True)
    if login.code not in OF_ANOTHER_PLACE:
        return facts
    flips = await tried_elsewhere(io, (facts.site, facts.environment), facts.ws_cell)
    silent = [f"{flip.site}/{flip.environment}" for flip in flips if not flip.login.code]
    if standing is None and silent and not any(flip.login.code == "0" for flip in flips):
        where = ", ".join(silent)
        raise Inconclusive(line(f"the login is refused with {login.code}; whether elsewhere too {where} did not tell"))
    return replace(facts, flips=flips)


async def _channels(io: Io, socket: Socket, facts: Facts) -> Facts:
    """Subscribe to all of them at once, until every acknowledgement and state has come or the time is over."""
    begun_ns, limit_s = io.now().mono_ns, patience_s(io, "ws_first_data_s")
    begun_ms = max((frame.at_ms for frame in socket.frames), default=0.0)
    await socket.send(json.dumps({"id": _ID, "op": "subscribe", "args": list(CHANNELS.values())}))
    facts = replace(facts, channels=tuple(Channel(name=name) for name in CHANNELS), notice=facts.login.notice)
    while not _complete(facts):
        waited_s = (io.now().mono_ns - begun_ns) / 1e9
        if waited_s >= limit_s:
            break
        frame = await socket.receive(max(limit_s - waited_s, 0.001))
        if frame is not None:
            facts = _heard(facts, frame, begun_ms)
    return replace(facts, waited_s=round((io.now().mono_ns - begun_ns) / 1e9, 3))


def _complete(facts: Facts) -> bool:
    if facts.refused or facts.ended is not None:
        return True
    return all(
        each.too_many
        or (
            (each.ack_ms is not None and each.connections is not None)
            and (each.data_ms is not None or each.name not in TELLS_AT_ONCE)
        )
        for each in facts.channels
    )


def _heard(facts: Facts, frame: Frame, begun_ms: float) -> Facts:
    if frame.kind == "close":
        return replace(facts, ended=ending(frame, announced=facts.notice))
    if frame.kind != "text" or frame.text == "pong":
        return facts
    content = message(frame.text)
    if not content:
        return replace(facts, unreadable=facts.unreadable + 1)
    if is_notice(content):
        return replace(facts, notice=True)
    event = str(content.get("event", ""))
    if event == "error":
        return replace(facts, refused=refusal(content)) if ours(content, _ID, *CHANNELS) else facts
    named = str(content.get("channel") or argument(content).get("channel") or "")
    at_ms = round(max(frame.at_ms - begun_ms, 0.0), 1)

    def heard(channel: Channel) -> Channel:
        if channel.name != named:
            return channel
        match event:
            case "subscribe" if channel.ack_ms is None:
                return replace(channel, ack_ms=at_ms)
            case "channel-conn-count" | "channel-conn-count-error":
                count = str(content.get("connCount", ""))
                known = int(count) if len(count) < 9 and count.isascii() and count.isdigit() else 0
                return replace(channel, connections=known, too_many=event.endswith("error"))
            case "" if "data" in content and channel.data_ms is None:
                return replace(channel, data_ms=at_ms)
            case _:
                return channel

    return replace(facts, channels=tuple(map(heard, facts.channels)))


# ---- evaluate -----------------------------------------------------------------------------------


def evaluate(facts: Facts) -> Iterable[Finding]:
    if facts.status == 429:
        yield crowded(Opening(url=facts.url, ok=False, status=429))
        return
    if facts.closed is not None:
        shut = blocked(facts.closed)
        # An answer says what stands there; an upgrade that was lost once may be a line that loses packets.
        yield shut if facts.closed.status is not None else replace(shut, confidence=Confidence.LIKELY)
        return
    if facts.notice or facts.login.notice:
        yield announced(facts.url)
    refused = facts.login.ended is not None and facts.login.ended.code == LOGIN_FAILED
    now = None if refused else facts.login.ended or facts.ended
    ends = tuple(end for end in (facts.before, now) if end is not None and not end.announced)
    doing = "after private subscriptions" if facts.login.code == "0" else "after a login"
    yield from dropped(ends, facts.url, tried=1 if facts.before is None else 2, doing=doing)
    if now is not None:
        return
    if facts.login.code == "0" and facts.rest_code == BAD_SIGNATURE:
        yield changed_on_the_way(facts.url)
    elif facts.login.code == "0" and facts.rest_code == BAD_PASSPHRASE:
        yield altered_on_the_way(facts.url)
    if TOO_FREQUENT in (facts.login.code, facts.refused.partition(" ")[0]):
        yield too_frequent(facts.url, facts.refused or facts.login.said)
    elif _mute(facts.login):
        yield _no_pong(facts)
    elif facts.login.code != "0":
        yield from not_logged_in(
            Refused(
                login=facts.login, url=facts.url, site=facts.site, environment=facts.environment, cell=facts.ws_cell,
                rest_accepts=facts.rest_accepts, flips=facts.flips,
            )
        )  # fmt: skip
    elif facts.leads_to not in ("", "private"):
        yield misplaced("private", facts.leads_to, facts.url, facts.refused, ", ".join(CHANNELS))
    elif facts.refused.partition(" ")[0] == NOT_LOGGED_IN:
        yield _not_held(facts)
    else:
        yield from _crowded_channels(facts)
        yield from _silent(facts)


def _mute(login: Login) -> bool:
    """Neither the login nor the ping beside it was answered, and the connection stands."""
    return not login.code and not login.pong and login.ended is None


def _no_pong(facts: Facts) -> Finding:
    limit_s = facts.login.waited_s
    return Finding(
        code="ws.no-pong",
        summary=f"The private WebSocket answers neither the login nor a text ping within {limit_s:g} s",
        evidence={"url": facts.url, "waited_s": limit_s, "rest": "accepts the key"},
        subject="ws",
        confidence=Confidence.LIKELY,
    )


def _not_held(facts: Facts) -> Finding:
    """The login was accepted, and a moment later the same connection is one without a login."""
    return Finding(
        code="ws.login-refused",
        summary=line(f"The WebSocket login is accepted, and the subscription behind it is refused: {facts.refused}"),
        evidence={"url": facts.url, "code": NOT_LOGGED_IN, "message": facts.refused, "login_code": facts.login.code},
        subject="ws",
        confidence=Confidence.LIKELY,
        remedy=(
            f"okxdoctor explain {NOT_LOGGED_IN}",
            "okxdoctor run --only 'ws.*'   # the same from another network, without gateway",
        ),
        excluded=("ws.wrong-path",),
    )


def _crowded_channels(facts: Facts) -> Iterator[Finding]:
    full = [channel for channel in facts.channels if channel.too_many]
    if full:
        most = tunable("ws_private_connections")
        yield Finding(
            code="ws.connection-limit",
            summary=f"{listed(channel.name for channel in full)}: {full[0].connections} connections of this "
            f"account hold the channel already ({most:g} are allowed), and this one was left out",
            evidence={
                "url": facts.url,
                "channels": [channel.name for channel in full],
                "connections": [channel.connections for channel in full],
                "limit": most,
            },
            subject="ws",
        )


def _silent(facts: Facts) -> Iterator[Finding]:
    quiet = [
        channel.name
        for channel in facts.channels
        if channel.name in TELLS_AT_ONCE and channel.data_ms is None and channel.ack_ms is not None
        and not channel.too_many
    ]  # fmt: skip
    if quiet:
        brings = f"{counted(facts.unreadable, 'frame')} with no JSON" if facts.unreadable else "nothing"
        yield Finding(
            code="ws.silent",
            summary=f"{listed(quiet)}: acknowledged, and {brings} in {facts.waited_s:.1f} s where the present "
            "state comes at once",
            evidence={
                "url": facts.url,
                "channels": quiet,
                "frames_unreadable": facts.unreadable,
                "waited_s": facts.waited_s,
            },
            subject="ws",
            excluded=("ws.wrong-path",),
        )


CHECK = Check(
    id="ws.private",
    title="The private WebSocket accepts the login and delivers the account",
    facts=Facts,
    probe=probe,
    evaluate=evaluate,
    reads=("key",),
    private=True,
    causes=(
        "region.wrong-ws-host",
        "key.wrong-environment",
        "key.unknown",
        "key.malformed",
        "key.secret-wrong",
        "key.passphrase-wrong",
        "timestamp.expired",
        "timestamp.format",
        "signature.unexplained",
        "header.missing",
        "ws.blocked",
        "ws.no-pong",
        "ws.login-refused",
        "ws.wrong-path",
        "ws.silent",
        "ws.drops",
        "ws.connection-limit",
        "ws.service-upgrade",
    ),
)
