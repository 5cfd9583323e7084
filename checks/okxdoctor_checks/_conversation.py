"""What the checks of the WebSocket share: reading messages, telling endings apart, finding out which path this is."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from okxdoctor.knowledge import tunable
from okxdoctor.model import Confidence, Finding, Json, Severity
from okxdoctor.port import Cell, Failure, Frame, Io, Opening, Socket, View
from okxdoctor_checks._answers import broken_off, line

UPGRADE_NOTICE = "64008"
TOO_FREQUENT = "60014"
MISPLACED = frozenset({"60008", "60018", "60028", "64001", "64002"})
"""Refusals of a subscription on the wrong path; 60018 also means that there is no such instrument."""
SURELY_MISPLACED = MISPLACED - {"60018"}
LIMIT_CLOSES = frozenset({4003, 4008, 4009})
"""Close codes that say that the connection or the key has too many subscriptions."""
OLDER = 1.5
"""How many times the age of a connection that ended by itself the next one is let reach."""
_LOG_IN = "60011"


def patience_s(io: Io, limit: str) -> float:
    """How long this run waits for an answer: the limit of that name, or less where --timeout leaves less."""
    return min(tunable(limit), io.view.answer_s)


def message(told: str) -> dict[str, object]:
    """The JSON object that a text holds; empty for anything else."""
    try:
        found = json.loads(told)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def argument(content: Mapping[str, object]) -> dict[str, object]:
    found = content.get("arg")
    return found if isinstance(found, dict) else {}


def ours(content: Mapping[str, object], request_id: str, *words: str) -> bool:
    """Whether an error answers the request with this id. Without an id, one of ``words`` must stand in its text."""
    given = content.get("id")
    if isinstance(given, str) and given:
        return given == request_id
    told = str(content.get("msg", ""))
    return any(word in told for word in words)


def code_of(content: Mapping[str, object]) -> str:
    return line(str(content.get("code", "")), 16)


def refusal(content: Mapping[str, object]) -> str:
    """Code and text of an error, as one line."""
    return line(f"{content.get('code', '')} {content.get('msg', '')}", 160) or "error"


# ---- openings ------------------------------------------------------------------------------------


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


def upgrade_of(opening: Opening) -> Upgrade:
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


def blocked(upgrade: Upgrade) -> Finding:
    """The upgrade does not work although REST does."""
    if upgrade.failure is not None:
        how = broken_off(upgrade.failure)
    elif upgrade.status == 101:
        how = "a 101 that is no WebSocket upgrade"
    else:
        how = f"HTTP {upgrade.status} instead of 101"
    return Finding(
        code="ws.blocked",
        summary=line(f"REST works and the WebSocket upgrade to /{upgrade.url.rpartition('/')[2]} does not: {how}"),
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


def lost(opening: Opening) -> bool:
    """Whether an upgrade had no answer at all: stopped on the way, or on a line that loses packets for once."""
    failure = opening.failure
    return failure is not None and failure.phase == "upgrade" and failure.kind in ("timeout", "reset", "closed")


# ---- endings ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a connection ended by itself: close code (1006: without a close frame), what it said, its age."""

    code: int
    said: str = ""
    age_ms: float = 0.0
    announced: bool = False


def ending(frame: Frame, *, announced: bool = False) -> Ending:
    code = frame.code if frame.code is not None else 1005
    return Ending(code=code, said=line(frame.text, 80), age_ms=round(frame.at_ms, 1), announced=announced)


async def ends_too(io: Io, socket: Socket, opened_ns: int, before: Ending) -> Ending | None:
    """Whether a connection ends by itself when it is let grow older than the one before: whoever ends connections at an
    age would else not be seen. Where that takes longer than an answer may, nobody waits for it.
    """
    notice, until_s = False, OLDER * before.age_ms / 1e3
    if until_s > io.view.answer_s:
        return None
    while (left_s := until_s - (io.now().mono_ns - opened_ns) / 1e9) > 0:
        frame = await socket.receive(left_s)
        if frame is None:
            break
        if frame.kind == "close":
            return ending(frame, announced=notice)
        notice = notice or is_notice(message(frame.text))
    return None


def by_itself(seen: Ending) -> bool:
    """Whether nothing that was said accounts for the end."""
    return not seen.announced and seen.code not in LIMIT_CLOSES


def dropped(seen: tuple[Ending, ...], url: str, *, tried: int, doing: str) -> Iterator[Finding]:
    """The finding for connections that ended by themselves; ``tried``: how many there were."""
    if not seen:
        return
    last = seen[-1]
    how = "without a close frame" if last.code == 1006 else f"with close code {last.code}"
    evidence: dict[str, Json] = {
        "url": url,
        "close_code": last.code,
        "close_reason": last.said,
        "ages_ms": [each.age_ms for each in seen],
        "connections": tried,
        "ended": len(seen),
    }
    if last.code in LIMIT_CLOSES:
        yield Finding(
            code="ws.connection-limit",
            summary=line(f"The exchange closes the connection for too many subscriptions: {last.code} {last.said}"),
            evidence=evidence,
            subject="ws",
            excluded=("ws.drops",),
        )
        return
    once = tried > len(seen)
    yield Finding(
        code="ws.drops",
        summary=f"The WebSocket connection ends by itself {how}, {last.age_ms:.0f} ms old, {doing}"
        + (f" ({len(seen)} of {tried})" if tried > 1 else ""),
        evidence=evidence,
        subject="ws",
        severity=Severity.WARNING if once else None,
        confidence=Confidence.POSSIBLE if once else Confidence.CERTAIN if tried > 1 else Confidence.LIKELY,
        excluded=("ws.service-upgrade", "ws.connection-limit"),
    )


def announced(url: str) -> Finding:
    """Notice 64008 came."""
    notice_s = tunable("ws_upgrade_notice_s")
    return Finding(
        code="ws.service-upgrade",
        summary=f"The exchange announces that it closes this connection within about {notice_s:g} s (64008)",
        evidence={"url": url, "code": UPGRADE_NOTICE, "notice_s": notice_s},
        subject="ws",
    )


def is_notice(content: Mapping[str, object]) -> bool:
    return content.get("event") == "notice" and str(content.get("code", "")) == UPGRADE_NOTICE


# ---- limits -------------------------------------------------------------------------------------


def crowded(opening: Opening) -> Finding:
    """429 instead of the upgrade."""
    per_s = tunable("ws_connections_per_s")
    return Finding(
        code="ws.connection-limit",
        summary=f"The upgrade is answered with 429: more than {per_s:g} new connections in a second from this address",
        evidence={"url": opening.url, "http_status": opening.status, "limit_per_s": per_s},
        subject="ws",
        confidence=Confidence.LIKELY,
        excluded=("ws.blocked",),
    )


def too_frequent(url: str, told: str) -> Finding:
    """60014 to one of the first requests of a connection."""
    per_h = tunable("ws_requests_per_h")
    return Finding(
        code="ws.connection-limit",
        summary=f"A first request on the connection is refused as too frequent (60014; {per_h:g} an hour are allowed)",
        evidence={"url": url, "refused": told, "limit_per_h": per_h},
        subject="ws",
    )


# ---- places and paths ---------------------------------------------------------------------------


def cells_of(url: str, cells: Iterable[Cell]) -> tuple[Cell, ...]:
    """The cells whose WebSocket has this address: the whole of it, or else the same host and port."""
    cells = tuple(cells)
    same = tuple(cell for cell in cells if cell.ws_url.rstrip("/") == url.rstrip("/"))
    return same or tuple(cell for cell in cells if urlsplit(cell.ws_url).netloc == urlsplit(url).netloc)


def of_one_market(view: View) -> bool:
    """Whether REST and WebSocket may show the same books: not where the table has the two on different sites.

    REST changes to demo trading by a header and the WebSocket by its host: of one that is in no table nobody knows.
    """
    found = cells_of(view.ws.url, view.cells)
    if not found:
        return view.environment != "demo"
    return any((cell.site, cell.environment) == (view.site, view.environment) for cell in found)


async def whereabouts(io: Io, socket: Socket, instrument: str) -> str:
    """Which path this connection really leads to, by what it accepts: public, private, business, or "" unknown.

    Asks for one channel of each. A private channel without a login is refused as such on its own path only.
    """
    marks = {
        "public": {"channel": "tickers", "instId": instrument},
        "business": {"channel": "candle1m", "instId": instrument},
        "private": {"channel": "account"},
    }
    for path, arg in marks.items():
        await socket.send(json.dumps({"id": f"where{path}", "op": "subscribe", "args": [arg]}))
    errors = 0
    begun_ns, limit_s = io.now().mono_ns, patience_s(io, "ws_first_data_s")
    while errors < len(marks):
        waited_s = (io.now().mono_ns - begun_ns) / 1e9
        frame = await socket.receive(max(limit_s - waited_s, 0.001)) if waited_s < limit_s else None
        if frame is None or frame.kind == "close":
            break
        content = message(frame.text)
        named = argument(content).get("channel")
        if content.get("event") == "subscribe" and named is not None:
            found = next((path for path, arg in marks.items() if arg["channel"] == named), "")
            if found:
                return found
        elif content.get("event") == "error":
            # Refusals of what was asked before may still arrive; without ids they cannot be told from ours.
            errors += str(content.get("id", "")).startswith("where")
            if code_of(content) == _LOG_IN:
                return "private"
    return ""


def misplaced(asked: str, really: str, opening_url: str, refused: str, channel: str) -> Finding:
    """A path that leads to another one."""
    return Finding(
        code="ws.wrong-path",
        summary=f"The connection to /{asked} is one to /{really}: {channel} is refused here ({refused[:5]}), and what "
        f"lives on /{really} is accepted",
        evidence={"url": opening_url, "asked": asked, "leads_to": really, "refused": refused, "channel": channel},
        subject="ws",
        remedy=(
            f"Look at the WebSocket address and at the gateway before it: /{asked} must reach .../ws/v5/{asked}",
            "okxdoctor run --only 'ws.*' --ws-url wss://ws.okx.com/ws/v5   # the same without the gateway",
        ),
        excluded=("instrument.unknown",),
    )
