"""One login at a private WebSocket: made, tried elsewhere after a refusal, and the refusal judged.

A refusal of a key that REST accepts is about the WebSocket: its address may belong to another site or environment than
the key, which the same login at the right address proves; else the login service has a reason of its own. Where REST
was not asked, the code is all there is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from okxdoctor.knowledge import code
from okxdoctor.model import Blame, Confidence, Finding, Json
from okxdoctor.port import Cell, Frame, Io, Socket
from okxdoctor_checks._answers import line
from okxdoctor_checks._conversation import Ending, cells_of, code_of, ending, is_notice, message, patience_s, refusal

UNKNOWN_KEY = "60032"
WRONG_ENVIRONMENT = "50101"
OF_ANOTHER_PLACE = frozenset({UNKNOWN_KEY, WRONG_ENVIRONMENT})
MOST_FLIPS = 4
_NAMED = {"60005": "key.malformed", "60007": "key.secret-wrong", "60024": "key.passphrase-wrong"}
"""What a refusal says of the key; where REST accepts the same values it says something of the login service."""
_TIMELY = {"60004": "timestamp.format", "60006": "timestamp.expired"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """How one login went: ``code`` "0" accepted, another one refused with ``said``, "" not answered.

    ``pong``: whether a text ping beside it was answered. ``waited_s``: how long an answer was waited for, at most.
    """

    code: str = ""
    said: str = ""
    ms: float | None = None
    pong: bool = False
    notice: bool = False
    ended: Ending | None = None
    waited_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """The same login at the WebSocket of another cell of the matrix of sites and environments."""

    site: str
    environment: str
    ws_url: str
    login: Login


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A login that was not accepted, with what is known beside it.

    ``site``, ``environment``: where REST is asked; ``rest_accepts``: whether it accepts the key, None unknown.
    ``cell``: the cell that the address belongs to, "" unknown.
    """

    login: Login
    url: str
    site: str
    environment: str
    cell: str
    rest_accepts: bool | None
    flips: tuple[Flip, ...]


# ---- asking --------------------------------------------------------------------------------------


async def log_in(io: Io, socket: Socket) -> Login:
    """One login with a ping behind it: as answered."""
    begun_ns, limit_s = io.now().mono_ns, patience_s(io, "ws_login_s")
    await socket.login()
    await socket.send("ping")
    login = Login(waited_s=limit_s)
    while not login.code and login.ended is None:
        waited_s = (io.now().mono_ns - begun_ns) / 1e9
        if waited_s >= limit_s:
            break
        frame = await socket.receive(max(limit_s - waited_s, 0.001))
        if frame is not None:
            login = _heard_of_login(login, frame)
    return replace(login, ms=round((io.now().mono_ns - begun_ns) / 1e6, 1) if login.code else None)


def _heard_of_login(login: Login, frame: Frame) -> Login:
    if frame.kind == "close":
        return replace(login, ended=ending(frame, announced=login.notice))
    if frame.text == "pong":
        return replace(login, pong=True)
    content = message(frame.text)
    if is_notice(content):
        return replace(login, notice=True)
    if content.get("event") in ("login", "error"):
        return replace(login, code=code_of(content) or "error", said=refusal(content))
    return login


async def tried_elsewhere(io: Io, here: tuple[str, str], cell_here: str) -> tuple[Flip, ...]:
    """The same login at other WebSockets, one after the other, until one accepts: connections are limited.

    ``here``: site and environment where REST is asked; ``cell_here``: the cell of the address that refused.
    """
    flips: list[Flip] = []
    for cell in _candidates(here, cell_here, io.view.cells):
        socket = await io.open_socket("private", cell=f"{cell.site}/{cell.environment}")
        try:
            tried = await log_in(io, socket) if socket.opening.ok else Login()
        finally:
            await socket.close()
        flips.append(Flip(site=cell.site, environment=cell.environment, ws_url=cell.ws_url, login=tried))
        if tried.code == "0":
            break
    return tuple(flips)


def cell_of(url: str, cells: Iterable[Cell]) -> str:
    """The cell whose WebSocket has this address, "" where the table has none."""
    found = cells_of(url, cells)
    return f"{found[0].site}/{found[0].environment}" if found else ""


def _candidates(here: tuple[str, str], cell_here: str, cells: Iterable[Cell]) -> list[Cell]:
    """Where the key may live: beside REST, in the other environment of that site, on another site.

    Where REST has an address of its own the site is the one that the refusing address belongs to.
    """
    cells = tuple(cells)
    theirs = cell_here.partition("/")[0]
    site = here[0] if any(cell.site == here[0] for cell in cells) or not theirs else theirs
    others = [
        cell
        for cell in cells
        if f"{cell.site}/{cell.environment}" != cell_here and (cell.site == site or cell.environment == here[1])
    ]
    return sorted(others, key=lambda cell: (cell.site != site, cell.environment != here[1]))[:MOST_FLIPS]


# ---- judging -------------------------------------------------------------------------------------


def not_logged_in(facts: Refused) -> Iterator[Finding]:
    login = facts.login
    evidence: dict[str, Json] = {
        "url": facts.url,
        "code": login.code,
        "message": login.said,
        "rest": f"{facts.site}/{facts.environment} accepts the key" if facts.rest_accepts else "not asked",
        "elsewhere": {f"{flip.site}/{flip.environment}": flip.login.code or "no answer" for flip in facts.flips},
    }
    beside = ", and REST accepts the same key" if facts.rest_accepts else ""
    if login.code in OF_ANOTHER_PLACE:
        yield _elsewhere(facts, evidence, beside)
        return
    if login.ended is not None:
        yield Finding(
            code="ws.login-refused",
            summary=line(
                f"The WebSocket is closed on the login with code {login.ended.code} {login.ended.said}{beside}"
            ),
            evidence={**evidence, "close_code": login.ended.code},
            subject="ws",
            confidence=Confidence.LIKELY,
        )
        return
    if not login.code:
        limit_s = login.waited_s
        yield Finding(
            code="ws.login-refused",
            summary=f"The WebSocket login is not answered within {limit_s:g} s, though a ping is{beside}",
            evidence={**evidence, "limit_s": limit_s},
            subject="ws",
            confidence=Confidence.LIKELY,
            excluded=("ws.no-pong",),
        )
        return
    named = _TIMELY.get(login.code) or ("" if facts.rest_accepts else _NAMED.get(login.code, ""))
    if named:
        yield Finding(
            code=named,
            summary=line(f"The WebSocket login is refused ({login.said}){beside}"),
            evidence=evidence,
            subject="ws",
            confidence=Confidence.LIKELY,
        )
        return
    if _by_itself(login.code):
        yield Finding(
            code="ws.login-refused",
            summary=line(f"The WebSocket login fails inside the exchange ({login.said}){beside}"),
            evidence=evidence,
            subject="ws",
            blame=Blame.EXCHANGE,
            remedy=(
                "Repeat the login with growing pauses; key, signature and program stay as they are",
                "okxdoctor run --only 'status.*'   # is maintenance announced?",
                f"okxdoctor explain {login.code}",
            ),
            excluded=("key.secret-wrong", "key.passphrase-wrong", "clock.ahead", "clock.behind")
            if facts.rest_accepts
            else (),
        )
        return
    yield Finding(
        code="ws.login-refused",
        summary=line(f"The WebSocket login is refused ({login.said}){beside}"),
        evidence=evidence,
        subject="ws",
        remedy=(
            f"okxdoctor explain {login.code}",
            "Key on an IP list: REST and WebSocket must leave by the same address (the same proxy for both)",
            "Each connection needs a login of its own: seconds + 'GET' + '/users/self/verify', signed once",
        ),
        # An answer came, so the connection brings what is sent and said.
        excluded=("ws.no-pong", "key.secret-wrong", "key.passphrase-wrong", "clock.ahead", "clock.behind")
        if facts.rest_accepts
        else ("ws.no-pong",),
    )


def _by_itself(number: str) -> bool:
    """Whether the documentation says of this code that the exchange failed, whatever the request was."""
    try:
        return any(cause.startswith("status.") for cause in code(number).causes[:1])
    except KeyError:
        return False


def _elsewhere(facts: Refused, evidence: dict[str, Json], beside: str) -> Finding:
    """This WebSocket does not know the key: that of another site may, or of the other environment of the same one."""
    home = next((flip for flip in facts.flips if flip.login.code == "0"), None)
    site, _, environment = facts.cell.partition("/")
    other_site = site != home.site if site and home is not None else facts.login.code == UNKNOWN_KEY
    where = f" ({facts.cell})" if facts.cell else ""
    evidence = {**evidence, "configured": facts.cell, "ws_url": home.ws_url if home is not None else ""}
    accepts = f"; {home.ws_url} accepts it" if home is not None else ""
    remedy = (
        (
            f"Use {home.ws_url} for public, private and business together",
            f"okxdoctor run --ws-url {home.ws_url}",
        )
        if home is not None
        else ()
    )
    asked = [flip for flip in facts.flips if flip.login.code]
    nowhere = facts.login.code == UNKNOWN_KEY and all(flip.login.code == UNKNOWN_KEY for flip in asked)
    if facts.rest_accepts is None and len(asked) > 1 and nowhere:
        return Finding(
            code="key.unknown",
            summary=f"Neither this WebSocket{where} nor {len(asked)} of other sites know the key ({UNKNOWN_KEY})",
            evidence=evidence,
            subject="ws",
            confidence=Confidence.LIKELY,
            excluded=("region.wrong-ws-host",),
        )
    if other_site:
        return Finding(
            code="region.wrong-ws-host",
            summary=line(f"The WebSocket host{where} does not know the key ({facts.login.code}){beside}{accepts}"),
            evidence=evidence,
            subject="ws",
            remedy=remedy,
            confidence=Confidence.CERTAIN if home is not None else Confidence.LIKELY,
            excluded=("key.unknown", "key.wrong-environment") if home is not None else (),
        )
    whose = f"This is a {home.environment} key, and" if home is not None else "The key is not of this environment:"
    return Finding(
        code="key.wrong-environment",
        summary=line(
            f"{whose} the WebSocket address is that of the {environment or 'other'} environment "
            f"({facts.login.code}){beside}{accepts}"
        ),
        evidence=evidence,
        subject="ws",
        remedy=remedy,
        confidence=Confidence.CERTAIN if home is not None else Confidence.LIKELY,
        excluded=("key.unknown", "region.wrong-ws-host") if home is not None else (),
    )
