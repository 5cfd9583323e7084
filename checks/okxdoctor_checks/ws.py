"""Does the public WebSocket open, answer a ping, and deliver data, on the path that was asked for?

Opens /public, subscribes to the ticker of an instrument that always moves, and sends the text ping that OKX wants from
a quiet client. All three answers are awaited together. When the data does not come, the same ticker is read twice by
REST to see whether there was anything to deliver; when the upgrade does not work, REST is asked once to see whether it
is the WebSocket alone; when the connection ends by itself, a second one is opened to see whether it does so again.

What it finds, and what to do:
* blocked: REST works and the upgrade does not: a proxy or firewall that does not know WebSockets, or that drops the
  Upgrade header; port 443 and a CONNECT tunnel help.
* wrong path: the address or a gateway leads to another path than the one asked for.
* no pong: the text ping stays unanswered: something buffers or filters frames. The exchange closes a connection that is
  silent for 30 s, so a client that pings into the void loses it again and again.
* silent: acknowledged, no data that can be read, and REST shows the market moving.
* drops: the connection ends by itself; close code and age tell whose doing it is.
* connection limit: too many new connections, requests or subscriptions.
* service upgrade: the exchange announces that it will close this connection.

A host that cannot be reached at all is the business of the checks below, and is skipped here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from okxdoctor.check import Check, Inconclusive, Skip
from okxdoctor.knowledge import tunable
from okxdoctor.model import Confidence, Finding, Json
from okxdoctor.okx.signing import request_path
from okxdoctor.port import Answer, Ask, Frame, Io, Opening, Socket
from okxdoctor_checks._answers import broken_off, layer, line, read, rows, standing_in_the_way, text
from okxdoctor_checks._control import CONTROL_INSTRUMENTS
from okxdoctor_checks._conversation import (
    MISPLACED,
    SURELY_MISPLACED,
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
    ends_too,
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
from okxdoctor_checks._words import counted

TICKER = "/api/v5/market/ticker"
NOT_THERE, NOT_SERVED = (404, 405), "50121"
"""Refusals that say nothing of how well REST works: what was asked for, or who asked, is not served."""
_ID = "ticker"
_OTHERS = ("books",)
"""Channels that other checks ask for on the same connection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """What answered to one subscription and one ping, milliseconds from sending; None: did not come.

    ``refused``: the error that the subscription got. ``frames``: texts received, ``unreadable`` of them were no JSON
    objects. ``notice``: an upgrade was announced. ``ended``: the connection ended by itself before all came.
    """

    instrument: str
    ack_ms: float | None = None
    data_ms: float | None = None
    pong_ms: float | None = None
    refused: str = ""
    frames: int = 0
    unreadable: int = 0
    notice: bool = False
    ended: Ending | None = None
    waited_s: float = 0.0

    @property
    def code(self) -> str:
        """Code of the refusal, if it has one."""
        return self.refused.partition(" ")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """``rest_works``: asked only when the upgrade failed. ``moved``: whether REST saw the ticker change, if asked.

    ``again``: the same on a second connection, after the first one ended by itself. ``leads_to``: the path that this
    connection really is one to, if that was asked. ``published``: the upgrade at the site's published address on the
    same host, if that was tried.
    """

    upgrade: Upgrade
    rest_works: bool | None = None
    published: Upgrade | None = None
    talks: tuple[Talk, ...] = ()
    again: Talk | None = None
    leads_to: str = ""
    moved: bool | None = None


# ---- probe -------------------------------------------------------------------------------------


async def probe(io: Io) -> Facts:
    socket = await _opened(io)
    talks: list[Talk] = []
    moved: bool | None = None
    leads_to = ""
    try:
        upgrade = upgrade_of(socket.opening)
        if not upgrade.ok:
            return await _not_open(io, upgrade)
        for instrument in CONTROL_INSTRUMENTS:
            talk, moved = await _talk(io, socket, instrument, ping=not talks)
            if talks:
                talk = replace(talk, pong_ms=talks[0].pong_ms, notice=talk.notice or talks[0].notice)
            talks.append(talk)
            if talk.code not in MISPLACED or talk.code in SURELY_MISPLACED or talk.ended is not None:
                break
        last = talks[-1]
        if last.refused and last.code not in MISPLACED and last.code != TOO_FREQUENT:
            raise Inconclusive(f"the subscription to tickers is refused: {last.refused}")
        if last.code in MISPLACED and last.ended is None:
            leads_to = await whereabouts(io, socket, CONTROL_INSTRUMENTS[0])
    finally:
        await socket.close()
    again = await _again(io, last) if last.ended is not None and by_itself(last.ended) else None
    return Facts(upgrade=upgrade, talks=tuple(talks), again=again, leads_to=leads_to, moved=moved)


async def _opened(io: Io) -> Socket:
    """The connection that all share; where its upgrade had no answer, and a second one has, that one."""
    socket = await io.open_socket("public", shared=True)
    if not lost(socket.opening):
        return socket
    again = await io.open_socket("public", timeout_s=tunable("ws_again_s"))
    kept, other = (again, socket) if again.opening.ok else (socket, again)
    await other.close()
    return kept


async def _again(io: Io, before: Talk) -> Talk | None:
    """The same on another connection; None when it does not even open."""
    socket = await io.open_socket("public", shared=True)
    try:
        if not socket.opening.ok:
            return None
        opened_ns = io.now().mono_ns
        talk, _ = await _talk(io, socket, before.instrument, ping=True)
        if talk.ended is not None or before.ended is None:
            return talk
        return replace(talk, ended=await ends_too(io, socket, opened_ns, before.ended))
    finally:
        await socket.close()


async def _not_open(io: Io, upgrade: Upgrade) -> Facts:
    """Decides whose business it is: a layer below, REST as well, or the WebSocket alone."""
    host = io.view.ws.host
    if upgrade.failure is not None and (below := layer(upgrade.failure)) != "http":
        raise Skip(f"no connection to {host}: {broken_off(upgrade.failure)} (see {below})", layer=below)
    answer = read(await _ticker(io, CONTROL_INSTRUMENTS[0]))
    if answer.kind in ("failed", "not-json"):
        raise standing_in_the_way(answer, io.view.rest.host) or Skip("REST does not answer either", layer="http")
    if answer.status in NOT_THERE or answer.code == NOT_SERVED:
        raise Skip(f"REST does not answer as the API does either: {answer.said} (see http)", layer="http")
    return Facts(upgrade=upgrade, rest_works=True, published=await _published(io, upgrade))


async def _published(io: Io, upgrade: Upgrade) -> Upgrade | None:
    """404: the same upgrade at the address that this site has in the table, where that is on the same server."""
    here = (io.view.site, io.view.environment)
    cell = next((cell for cell in io.view.cells if (cell.site, cell.environment) == here), None)
    if upgrade.status != 404 or cell is None:
        return None
    theirs, own = urlsplit(cell.ws_url), urlsplit(io.view.ws.url)
    if theirs.netloc != own.netloc or theirs.path.rstrip("/") == own.path.rstrip("/"):
        return None
    socket = await io.open_socket("public", cell="/".join(here))
    try:
        return upgrade_of(socket.opening)
    finally:
        await socket.close()


async def _ticker(io: Io, instrument: str) -> Answer:
    return await io.http(Ask(method="GET", path=request_path(TICKER, [("instId", instrument)])))


async def _talk(io: Io, socket: Socket, instrument: str, *, ping: bool) -> tuple[Talk, bool | None]:
    """One subscription (and a ping beside it), until everything came or the limits are over."""
    begun_ns = io.now().mono_ns
    begun_ms = max((frame.at_ms for frame in socket.frames), default=socket.opening.elapsed_ms)
    request = {"id": _ID, "op": "subscribe", "args": [{"channel": "tickers", "instId": instrument}]}
    await socket.send(json.dumps(request))
    if ping:
        await socket.send("ping")
    pong_s, data_s = patience_s(io, "ws_pong_s"), patience_s(io, "ws_first_data_s")
    talk = Talk(instrument=instrument)
    first_look: tuple[str, ...] | None = None
    moved: bool | None = None
    while not _complete(talk, ping=ping):
        waited_s = (io.now().mono_ns - begun_ns) / 1e9
        if waited_s >= max(pong_s, data_s):
            break
        quiet = talk.data_ms is None and not talk.refused
        if quiet and first_look is None and waited_s >= data_s / 4:
            first_look = await _seen_by_rest(io, instrument)
            continue
        pause_s = data_s / 4 if quiet and first_look is None else max(pong_s, data_s)
        frame = await socket.receive(max(pause_s - waited_s, 0.001))
        if frame is not None:
            talk = _heard(talk, frame, begun_ms)
    if talk.data_ms is None and not talk.refused and first_look and talk.ended is None:
        second_look = await _seen_by_rest(io, instrument)
        moved = first_look != second_look if second_look else None
    return replace(talk, waited_s=round((io.now().mono_ns - begun_ns) / 1e9, 3)), moved


def _complete(talk: Talk, *, ping: bool) -> bool:
    if talk.ended is not None:
        return True
    answered = bool(talk.refused) or (talk.ack_ms is not None and talk.data_ms is not None)
    return answered and (talk.pong_ms is not None or not ping)


def _heard(talk: Talk, frame: Frame, begun_ms: float) -> Talk:
    """One more frame. Events and data of other subscriptions than the own one count as frames only."""
    at_ms = round(max(frame.at_ms - begun_ms, 0.0), 1)
    if frame.kind == "close":
        return replace(talk, ended=ending(frame, announced=talk.notice))
    if frame.kind != "text":
        return talk
    talk = replace(talk, frames=talk.frames + 1)
    if frame.text == "pong":
        return replace(talk, pong_ms=at_ms) if talk.pong_ms is None else talk
    content = message(frame.text)
    if not content:
        return replace(talk, unreadable=talk.unreadable + 1)
    arg = argument(content)
    own = arg.get("instId") == talk.instrument and arg.get("channel") in (None, "tickers")
    if is_notice(content):
        return replace(talk, notice=True)
    match content.get("event"):
        case "subscribe" if own and talk.ack_ms is None:
            return replace(talk, ack_ms=at_ms)
        case "error" if not talk.refused and _about_the_ticker(content):
            return replace(talk, refused=refusal(content))
        case None if own and content.get("data") and talk.data_ms is None:
            return replace(talk, data_ms=at_ms)
        case _:
            return talk


def _about_the_ticker(content: dict[str, object]) -> bool:
    """An error without an id is ours unless it names a channel that another check asks for on this connection."""
    told = str(content.get("msg", ""))
    return ours(content, _ID) if content.get("id") else not any(channel in told for channel in _OTHERS)


async def _seen_by_rest(io: Io, instrument: str) -> tuple[str, ...]:
    """What moves in a ticker; empty when REST does not tell."""
    found = rows(await _ticker(io, instrument))
    return tuple(text(found[0], name) for name in ("ts", "last", "bidPx", "askPx", "vol24h")) if found else ()


# ---- evaluate ----------------------------------------------------------------------------------


def evaluate(facts: Facts) -> Iterable[Finding]:
    if not facts.upgrade.ok:
        if facts.upgrade.status == 429:
            yield crowded(Opening(url=facts.upgrade.url, ok=False, status=429))
        elif facts.published is not None and facts.published.ok:
            yield _wrong_address(facts.upgrade, facts.published)
        elif facts.rest_works:
            yield blocked(facts.upgrade)
        return
    if not facts.talks:
        return
    talk = facts.talks[-1]
    if any(each.notice for each in (*facts.talks, *((facts.again,) if facts.again else ()))):
        yield announced(facts.upgrade.url)
    elif talk.ended is not None:
        tried = (talk,) if facts.again is None else (talk, facts.again)
        ends = tuple(each.ended for each in tried if each.ended is not None)
        yield from dropped(ends, facts.upgrade.url, tried=len(tried), doing="after a subscription and a ping")
    if talk.ended is not None:
        return
    if talk.code == TOO_FREQUENT:
        yield too_frequent(facts.upgrade.url, talk.refused)
    elif facts.leads_to not in ("", "public"):
        yield misplaced("public", facts.leads_to, facts.upgrade.url, talk.refused, "tickers")
    elif talk.pong_ms is None:
        yield _no_pong(talk, facts)
    elif talk.data_ms is None and not talk.refused and facts.moved:
        yield _silent(talk, facts)


def _numbers(talk: Talk, facts: Facts) -> dict[str, Json]:
    return {
        "url": facts.upgrade.url,
        "instrument": talk.instrument,
        "open_ms": facts.upgrade.elapsed_ms,
        "ack_ms": talk.ack_ms,
        "first_data_ms": talk.data_ms,
        "pong_ms": talk.pong_ms,
        "waited_s": talk.waited_s,
        "frames_received": talk.frames,
        "frames_unreadable": talk.unreadable,
    }


def _no_pong(talk: Talk, facts: Facts) -> Finding:
    beside = f", {talk.frames} other messages came" if talk.frames else ", and nothing else came"
    pong_s = tunable("ws_pong_s")
    waited_s = min(pong_s, round(talk.waited_s, 1))
    return Finding(
        code="ws.no-pong",
        summary=f"The WebSocket does not answer a text ping within {waited_s:g} s{beside}",
        evidence=_numbers(talk, facts),
        subject="ws",
        confidence=Confidence.CERTAIN if talk.frames and waited_s >= pong_s else Confidence.LIKELY,
    )


def _silent(talk: Talk, facts: Facts) -> Finding:
    acknowledged = "is acknowledged" if talk.ack_ms is not None else "is not acknowledged"
    brings = f"{counted(talk.unreadable, 'frame')} with no JSON" if talk.unreadable else "nothing"
    return Finding(
        code="ws.silent",
        summary=line(
            f"A subscription to {talk.instrument} {acknowledged} and brings {brings} in {talk.waited_s:.1f} s, "
            "while REST shows it moving"
        ),
        evidence=_numbers(talk, facts),
        subject="ws",
        confidence=Confidence.CERTAIN if talk.ack_ms is not None else Confidence.LIKELY,
        excluded=("ws.no-pong",),
    )


def _wrong_address(upgrade: Upgrade, published: Upgrade) -> Finding:
    return Finding(
        code="ws.wrong-path",
        summary=line(f"There is no WebSocket at the configured address (404); {published.url} opens"),
        evidence={"url": upgrade.url, "http_status": upgrade.status, "published": published.url},
        subject="ws",
        remedy=(
            f"Configure {published.url.removesuffix('/public')} as the base: /public, /private and /business follow",
            "okxdoctor run --show-settings   # where the address comes from",
        ),
        excluded=("ws.blocked",),
    )


CHECK = Check(
    id="ws",
    title="The public WebSocket opens, answers a ping and delivers data",
    facts=Facts,
    probe=probe,
    evaluate=evaluate,
    causes=(
        "ws.blocked",
        "ws.wrong-path",
        "ws.no-pong",
        "ws.silent",
        "ws.drops",
        "ws.connection-limit",
        "ws.service-upgrade",
    ),
)
