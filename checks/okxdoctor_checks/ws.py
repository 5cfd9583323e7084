"""Does the public WebSocket open, answer a ping, and deliver data?

Opens /public, subscribes to the ticker of an instrument that always moves, and sends the text ping that OKX wants from
a quiet client. All three answers are awaited together. When the data does not come, the same ticker is read twice by
REST to see whether there was anything to deliver; when the upgrade does not work, REST is asked once to see whether it
is the WebSocket alone.

What it finds, and what to do:
* blocked: REST works and the upgrade does not: a proxy or firewall that does not know WebSockets, or that drops the
  Upgrade header; port 443 and a CONNECT tunnel help.
* no pong: the text ping stays unanswered: something buffers or filters frames. The exchange closes a connection that is
  silent for 30 s, so a client that pings into the void loses it again and again.
* silent: acknowledged, no data, and REST shows the market moving.
* service upgrade: the exchange announces that it will close this connection.

A host that cannot be reached at all is the business of the checks below, and is skipped here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from okxdoctor.check import Check, Inconclusive, Skip
from okxdoctor.knowledge import tunable
from okxdoctor.model import Confidence, Finding, Json
from okxdoctor.okx.signing import request_path
from okxdoctor.port import Answer, Ask, Failure, Frame, Io, Opening, Socket
from okxdoctor_checks._answers import layer, line, read, rows, standing_in_the_way, text
from okxdoctor_checks._control import CONTROL_INSTRUMENTS

TICKER = "/api/v5/market/ticker"
UPGRADE_NOTICE = "64008"


@dataclass(frozen=True, slots=True, kw_only=True)
class Upgrade:
    """How the opening went, without its body. ``said``: the first characters of what came instead of an upgrade."""

    url: str
    ok: bool
    status: int | None = None
    server: str = ""
    connection: str = ""
    said: str = ""
    extensions: str = ""
    failure: Failure | None = None
    elapsed_ms: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """What answered to one subscription and one ping, milliseconds from sending; None: did not come.

    ``refused``: the error that the subscription got. ``frames``: texts received. ``notice``: an announced upgrade.
    """

    instrument: str
    ack_ms: float | None = None
    data_ms: float | None = None
    pong_ms: float | None = None
    refused: str = ""
    close_code: int | None = None
    closed_ms: float | None = None
    frames: int = 0
    notice: str = ""
    waited_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """``rest_works``: asked only when the upgrade failed. ``moved``: whether REST saw the ticker change, if asked."""

    upgrade: Upgrade
    rest_works: bool | None = None
    talks: tuple[Talk, ...] = ()
    moved: bool | None = None


# ---- probe -------------------------------------------------------------------------------------


async def probe(io: Io) -> Facts:
    socket = await io.open_socket("public")
    try:
        upgrade = _upgrade(socket.opening)
        if not upgrade.ok:
            return await _not_open(io, upgrade)
        talks: list[Talk] = []
        moved: bool | None = None
        for instrument in CONTROL_INSTRUMENTS:
            talk, moved = await _talk(io, socket, instrument, ping=not talks)
            if talks:
                talk = replace(talk, pong_ms=talks[0].pong_ms)
            talks.append(talk)
            if not talk.refused or talk.close_code is not None:
                break
    finally:
        await socket.close()
    last = talks[-1]
    if last.close_code is not None and (last.pong_ms is None or last.data_ms is None):
        raise Inconclusive(
            f"the WebSocket was closed with {last.close_code} after {last.closed_ms} ms, before all came"
        )
    return Facts(upgrade=upgrade, talks=tuple(talks), moved=moved)


def _upgrade(opening: Opening) -> Upgrade:
    headers = dict(opening.headers)
    return Upgrade(
        url=opening.url,
        ok=opening.ok,
        status=opening.status,
        server=line(headers.get("server", ""), 60),
        connection=line(headers.get("connection", ""), 60),
        said=line(opening.body, 80),
        extensions=line(opening.extensions, 120),
        failure=opening.failure,
        elapsed_ms=round(opening.elapsed_ms, 1),
    )


async def _not_open(io: Io, upgrade: Upgrade) -> Facts:
    """Decides whose business it is: a layer below, REST as well, or the WebSocket alone."""
    host = io.view.ws.host
    if upgrade.failure is not None and (below := layer(upgrade.failure)) != "http":
        raise Skip(f"no connection to {host}: {upgrade.failure.kind} (see {below})", layer=below)
    if upgrade.status == 429:
        per_s = tunable("ws_connections_per_s")
        raise Inconclusive(f"{host} answered 429: more than {per_s:g} new connections in a second from this address")
    answer = read(await _ticker(io, CONTROL_INSTRUMENTS[0]))
    if answer.kind in ("failed", "not-json"):
        raise standing_in_the_way(answer, io.view.rest.host) or Skip("REST does not answer either", layer="http")
    return Facts(upgrade=upgrade, rest_works=True)


async def _ticker(io: Io, instrument: str) -> Answer:
    return await io.http(Ask(method="GET", path=request_path(TICKER, [("instId", instrument)])))


async def _talk(io: Io, socket: Socket, instrument: str, *, ping: bool) -> tuple[Talk, bool | None]:
    """One subscription (and a ping beside it), until everything came or the limits are over."""
    begun_ns = io.now().mono_ns
    begun_ms = max((frame.at_ms for frame in socket.frames), default=socket.opening.elapsed_ms)
    await socket.send(json.dumps({"op": "subscribe", "args": [{"channel": "tickers", "instId": instrument}]}))
    if ping:
        await socket.send("ping")
    pong_s, data_s = tunable("ws_pong_s"), tunable("ws_first_data_s")
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
    if talk.data_ms is None and not talk.refused and first_look and talk.close_code is None:
        second_look = await _seen_by_rest(io, instrument)
        moved = first_look != second_look if second_look else None
    return replace(talk, waited_s=round((io.now().mono_ns - begun_ns) / 1e9, 3)), moved


def _complete(talk: Talk, *, ping: bool) -> bool:
    if talk.close_code is not None:
        return True
    answered = bool(talk.refused) or (talk.ack_ms is not None and talk.data_ms is not None)
    return answered and (talk.pong_ms is not None or not ping)


def _heard(talk: Talk, frame: Frame, begun_ms: float) -> Talk:
    """One more frame. Events and data of other subscriptions than the own one count as frames only."""
    at_ms = round(max(frame.at_ms - begun_ms, 0.0), 1)
    if frame.kind == "close":
        return replace(talk, close_code=frame.code if frame.code is not None else 1005, closed_ms=at_ms)
    if frame.kind != "text":
        return talk
    talk = replace(talk, frames=talk.frames + 1)
    if frame.text == "pong":
        return replace(talk, pong_ms=at_ms) if talk.pong_ms is None else talk
    message = _message(frame.text)
    arg = message.get("arg")
    ours = isinstance(arg, dict) and arg.get("instId") == talk.instrument
    match message.get("event"):
        case "subscribe" if ours and talk.ack_ms is None:
            return replace(talk, ack_ms=at_ms)
        case "error":
            return replace(talk, refused=line(f"{message.get('code', '')} {message.get('msg', '')}", 160) or "error")
        case "notice":
            return replace(talk, notice=line(str(message.get("code", "")), 16))
        case None if ours and message.get("data") and talk.data_ms is None:
            return replace(talk, data_ms=at_ms)
        case _:
            return talk


def _message(told: str) -> dict[str, object]:
    try:
        found = json.loads(told)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


async def _seen_by_rest(io: Io, instrument: str) -> tuple[str, ...]:
    """What moves in a ticker; empty when REST does not tell."""
    found = rows(await _ticker(io, instrument))
    return tuple(text(found[0], name) for name in ("ts", "last", "bidPx", "askPx", "vol24h")) if found else ()


# ---- evaluate ----------------------------------------------------------------------------------


def evaluate(facts: Facts) -> Iterable[Finding]:
    if not facts.upgrade.ok:
        if facts.rest_works:
            yield _blocked(facts.upgrade)
        return
    if not facts.talks:
        return
    talk = facts.talks[-1]
    if talk.pong_ms is None:
        yield _no_pong(talk, facts)
    elif talk.data_ms is None and not talk.refused and facts.moved:
        yield _silent(talk, facts)
    yield from _announced(facts)


def _blocked(upgrade: Upgrade) -> Finding:
    if upgrade.failure is not None:
        how = f"{upgrade.failure.kind} during {upgrade.failure.phase}"
    elif upgrade.status == 101:
        how = "a 101 that is no WebSocket upgrade"
    else:
        how = f"HTTP {upgrade.status} instead of 101"
    return Finding(
        code="ws.blocked",
        summary=line(f"REST works and the WebSocket upgrade does not: {how}"),
        evidence={
            "url": upgrade.url,
            "http_status": upgrade.status,
            "answer": upgrade.said,
            "server": upgrade.server,
            "connection_header": upgrade.connection,
            "failure": f"{upgrade.failure.kind} during {upgrade.failure.phase}" if upgrade.failure else "",
            "elapsed_ms": upgrade.elapsed_ms,
        },
        subject="ws",
        excluded=("http.edge-blocked",),
    )


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
    }


def _no_pong(talk: Talk, facts: Facts) -> Finding:
    beside = f", {talk.frames} other messages came" if talk.frames else ", and nothing else came"
    return Finding(
        code="ws.no-pong",
        summary=f"The WebSocket does not answer a text ping within {tunable('ws_pong_s'):g} s{beside}",
        evidence=_numbers(talk, facts),
        subject="ws",
        confidence=Confidence.CERTAIN if talk.frames else Confidence.LIKELY,
    )


def _silent(talk: Talk, facts: Facts) -> Finding:
    acknowledged = "is acknowledged" if talk.ack_ms is not None else "is not acknowledged"
    return Finding(
        code="ws.silent",
        summary=line(
            f"A subscription to {talk.instrument} {acknowledged} and brings nothing in {talk.waited_s:.1f} s, "
            "while REST shows it moving"
        ),
        evidence=_numbers(talk, facts),
        subject="ws",
        confidence=Confidence.CERTAIN if talk.ack_ms is not None else Confidence.LIKELY,
        excluded=("ws.no-pong",),
    )


def _announced(facts: Facts) -> Iterator[Finding]:
    if any(talk.notice == UPGRADE_NOTICE for talk in facts.talks):
        notice_s = tunable("ws_upgrade_notice_s")
        yield Finding(
            code="ws.service-upgrade",
            summary=f"The exchange announces that it closes this connection within about {notice_s:g} s (64008)",
            evidence={"url": facts.upgrade.url, "code": UPGRADE_NOTICE, "notice_s": notice_s},
            subject="ws",
        )


CHECK = Check(
    id="ws",
    title="The public WebSocket opens, answers a ping and delivers data",
    facts=Facts,
    probe=probe,
    evaluate=evaluate,
    causes=("ws.blocked", "ws.no-pong", "ws.silent", "ws.service-upgrade"),
)
