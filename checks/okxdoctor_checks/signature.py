"""Does a correct signature arrive as it was made: in a query, in a body, and in the WebSocket login?

First okxdoctor's own signing is computed over the reference vectors, so that a refusal cannot be its own mistake. Then
three forms are sent that a plain read does not cover: a GET whose query holds a percent-encoded comma, a POST whose
body has blanks and an order of its own (order-precheck, which places nothing), and a WebSocket login. Any answer from
behind the authentication proves the form, also a refusal for permission or account mode.

What it finds, and what to do:
* one form is refused with 50113 while the plain read of the key check is accepted: something between this machine and
  the exchange rewrites the query or the body. A variant of the form is sent to see what is rewritten. Take the proxy
  or gateway out of the way.
* the WebSocket refuses the login that REST accepts: the WebSocket address belongs to another site or environment than
  the REST address, or the clock stands at the edge of the window; the finding says which.
* the trading endpoint wants a key that is bound to an IP address, which reading does not.

When the plain read is refused as well, the key check names the cause and nothing is added here. Own requests that are
refused for the same reason are not repeated.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from okxdoctor.check import Check, Inconclusive, Skip
from okxdoctor.knowledge import tunable
from okxdoctor.model import Confidence, Finding, Json
from okxdoctor.okx import signing
from okxdoctor.port import Ask, Cell, Io, KeyStanding, Socket
from okxdoctor_checks._answers import Reply, layer, line, read, standing_in_the_way, together
from okxdoctor_checks._own_signing import vectors_reproduced
from okxdoctor_checks._refusals import AUTHENTICATION, EXPIRED, NAMED, Way, plain_refusal, seen

BALANCE = "/api/v5/account/balance"
PRECHECK = "/api/v5/trade/order-precheck"
BAD_SIGNATURE = "50113"
# Reached only after the signature was found good: permission and binding are looked at behind it.
_UNBOUND = "50035"
_BEHIND = frozenset({"50120", _UNBOUND})
_REFUSED_SIGN = AUTHENTICATION - _BEHIND

Part = Literal["query", "body"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One signed request. ``variant``: first, or how it differs from the first, which was refused."""

    part: Part
    variant: str
    reply: Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """One WebSocket login. ``outcome``: accepted | refused (``code``) | closed (``close_code``) | silent | unopened."""

    url: str
    site: str
    environment: Literal["live", "demo"]
    outcome: Literal["accepted", "refused", "closed", "silent", "unopened"]
    code: str = ""
    msg: str = ""
    close_code: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """``plain``: how the key check's read without query and body fared. ``elsewhere``: logins at other addresses."""

    way: Way
    environment: Literal["live", "demo"]
    vectors: int
    plain: KeyStanding
    forms: tuple[Form, ...]
    login: Login
    elsewhere: tuple[Login, ...] = ()


# ---- what is sent ------------------------------------------------------------------------------

QUERY = Ask(method="GET", path=signing.request_path(BALANCE, [("ccy", "BTC,ETH")]), signed=True)
# Not sorted, with blanks: a rewriting of JSON on the way cannot leave it alone. The price is far from any market.
_ORDER = {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "limit", "sz": "0.00001", "px": "1"}
BODY = Ask(method="POST", path=PRECHECK, body=json.dumps(_ORDER), signed=True)
VARIANTS: dict[Part, tuple[tuple[str, Ask], ...]] = {
    "query": (
        ("an unencoded comma", Ask(method="GET", path=f"{BALANCE}?ccy=BTC,ETH", signed=True)),
        ("no comma", Ask(method="GET", path=f"{BALANCE}?ccy=BTC", signed=True)),
    ),
    "body": (
        ("no blanks", Ask(method="POST", path=PRECHECK, body=signing.json_body(_ORDER), signed=True)),
        (
            "no blanks and sorted names",
            Ask(method="POST", path=PRECHECK, body=signing.json_body(dict(sorted(_ORDER.items()))), signed=True),
        ),
    ),
}


# ---- probe -------------------------------------------------------------------------------------


async def probe(io: Io) -> Facts:
    view = io.view
    if not view.credentials:
        raise Skip("no API key is set: private checks are not made")
    # In a thread: the event loop times the round trips of other checks meanwhile.
    proving = asyncio.ensure_future(asyncio.to_thread(vectors_reproduced))
    logging_in = asyncio.ensure_future(_login(io))
    try:
        forms = await together(_form(io, "query", "first", QUERY), _form(io, "body", "first", BODY))
        login = await logging_in
        vectors = await proving
    finally:
        logging_in.cancel()
        proving.cancel()
    plain = await io.given(KeyStanding) or KeyStanding(standing="undecided")
    if plain.standing == "refused":
        # Why, is the key check's to say; how signed requests arrive cannot be seen through it.
        raise Skip(f"the key is refused{f' ({plain.code})' if plain.code else ''} (see key)", layer="key")
    _see_to_it_that_all_came(forms, login, view.rest.host)
    variants: list[Form] = []
    elsewhere: tuple[Login, ...] = ()
    for form in forms:
        if form.reply.code == BAD_SIGNATURE:
            variants += [await _form(io, form.part, name, ask) for name, ask in VARIANTS[form.part]]
    if login.code in (_WS_UNKNOWN_KEY, _WS_OTHER_ENVIRONMENT):
        elsewhere = await _login_elsewhere(io, login)
    route = view.rest_route
    return Facts(
        way=Way(host=view.rest.host, via=f"{route.host}:{route.port}" if route is not None else ""),
        environment=view.environment,
        vectors=vectors,
        plain=plain,
        forms=(*forms, *variants),
        login=login,
        elsewhere=elsewhere,
    )


async def _form(io: Io, part: Part, variant: str, ask: Ask) -> Form:
    return Form(part=part, variant=variant, reply=read(await io.http(ask)))


def _see_to_it_that_all_came(forms: tuple[Form, ...], login: Login, host: str) -> None:
    obstacles = [standing_in_the_way(form.reply, host) for form in forms]
    for form, obstacle in zip(forms, obstacles, strict=True):
        if obstacle is None:
            continue
        if obstacle.layer != "http" or None not in obstacles:
            raise obstacle
        # One of the two came through: no lower check has reason to see what stopped the other.
        raise Inconclusive(f"{form.reply.method} {form.reply.path} was not decided: {obstacle.because}")
    if login.outcome == "silent":
        raise Inconclusive(f"the WebSocket login at {login.url} was not answered")
    if login.code in _WS_BUSY:
        raise Inconclusive(f"the WebSocket did not decide the login: {login.code} {login.msg}")


async def _login(io: Io, cell: Cell | None = None) -> Login:
    """Open the private WebSocket, log in, and take what answers it."""
    view = io.view
    blank = Login(
        url=cell.ws_url if cell is not None else view.ws.url,
        site=cell.site if cell is not None else view.site,
        environment=cell.environment if cell is not None else view.environment,
        outcome="unopened",
    )
    try:
        socket = await io.open_socket("private", cell=f"{cell.site}/{cell.environment}" if cell is not None else None)
    except (Skip, Inconclusive) as unseen:  # a recording holds no WebSocket
        return replace(blank, msg=line(unseen.because))
    try:
        return await _answered(socket, blank)
    finally:
        await socket.close()


async def _answered(socket: Socket, blank: Login) -> Login:
    if not socket.opening.ok:
        failure = socket.opening.failure
        return replace(blank, msg=f"see {layer(failure)}" if failure is not None else "see ws")
    await socket.login()
    while (frame := await socket.receive(tunable("ws_pong_s"))) is not None:
        if frame.kind == "close":
            return replace(blank, outcome="closed", close_code=frame.code)
        event = _event(frame.text)
        code, msg = line(str(event.get("code", "")), 16), _short(event.get("msg"))
        match event.get("event"):
            case "login" if code in ("0", ""):
                return replace(blank, outcome="accepted", code=code, msg=msg)
            case "login" | "error":
                return replace(blank, outcome="refused", code=code, msg=msg)
            case _:
                continue
    return replace(blank, outcome="silent")


def _event(text: str) -> dict[str, object]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _short(value: object) -> str:
    return line(value) if isinstance(value, str) else ""


async def _login_elsewhere(io: Io, refused: Login) -> tuple[Login, ...]:
    """The same login where the key might be at home, one after the other: connections are limited per second."""
    same_site = refused.code == _WS_OTHER_ENVIRONMENT
    found: list[Login] = []
    for cell in io.view.cells:
        if cell.ws_url == io.view.ws.url or (cell.site, cell.environment) == (io.view.site, io.view.environment):
            continue
        if (cell.site == io.view.site) if same_site else (cell.environment == io.view.environment):
            await io.sleep(1 / tunable("ws_connections_per_s"))
            found.append(await _login(io, cell))
    return tuple(found)


# ---- evaluate ----------------------------------------------------------------------------------

_WS_UNKNOWN_KEY = "60032"
_WS_OTHER_ENVIRONMENT = "50101"
_WS_BUSY = frozenset({"60014", "60023", "63999"})
# WebSocket login errors that say what a REST refusal says, and the cause both have.
_WS_CAUSES = {
    "60004": "timestamp.format",
    "60005": "key.malformed",
    "60006": "timestamp.expired",
    "60007": "key.secret-wrong",
    "60024": "key.passphrase-wrong",
}


def evaluate(facts: Facts) -> Iterable[Finding]:
    if facts.plain.standing == "refused":
        return  # the key check names the cause
    first = [form for form in facts.forms if form.variant == "first"]
    proven = facts.plain.standing == "accepted" or any(_accepted(form) for form in first)
    for form in first:
        if proven and form.reply.kind == "refused":
            yield from _form_refused(form, facts)
    if proven:
        yield from _login_refused(facts)


def _accepted(form: Form) -> bool:
    """Answered from behind the authentication, whatever the answer."""
    return form.reply.kind == "ok" or (form.reply.kind == "refused" and form.reply.code not in _REFUSED_SIGN)


def _form_refused(form: Form, facts: Facts) -> Iterator[Finding]:
    if form.reply.code == BAD_SIGNATURE:
        yield _rewritten(form, facts)
    elif form.reply.code == EXPIRED:
        yield Finding(
            code="timestamp.expired",
            summary=line(f"{form.reply.method} {_endpoint(form)} is refused as expired (50102), a plain read is not"),
            evidence={**seen(form.reply), "request_age_ms": form.reply.age_ms},
            subject="rest",
            confidence=Confidence.LIKELY,
        )
    elif form.reply.code == _UNBOUND or (form.reply.code in NAMED and not _accepted(form)):
        yield from plain_refusal(form.reply, facts.way)


def _rewritten(form: Form, facts: Facts) -> Finding:
    variants = [other for other in facts.forms if other.part == form.part and other.variant != "first"]
    passing = next((other.variant for other in variants if _accepted(other)), "")
    what = {"query": "A query with %2C", "body": "A JSON body with blanks"}[form.part]
    told = f"the same with {passing} is accepted" if passing else "a read without it is accepted"
    return Finding(
        code="signature.unexplained",
        summary=f"{what} is refused with 50113 and {told}: the {form.part} is changed on the way",
        evidence={
            **seen(form.reply),
            "method": form.reply.method,
            "path": form.reply.path,
            "changed": form.part,
            "accepted_variant": passing,
            "variants": {other.variant: other.reply.code for other in variants},
            "vectors_right": facts.vectors,
            "via": facts.way.via or "no proxy",
        },
        subject="rest",
        confidence=Confidence.CERTAIN if passing else Confidence.LIKELY,
        remedy=(
            "okxdoctor run --only signature   # the same from another network, without proxy and gateway",
            f"Proxy {facts.way.via}, gateway, TLS inspection: pass the {form.part} byte for byte"
            if facts.way.via
            else f"Gateway, TLS inspection: pass the {form.part} byte for byte",
        ),
        excluded=("key.secret-wrong", "timestamp.expired"),
    )


def _endpoint(form: Form) -> str:
    return form.reply.path.partition("?")[0].removeprefix("/api/v5/")


def _login_refused(facts: Facts) -> Iterator[Finding]:
    login = facts.login
    evidence: dict[str, Json] = {"url": login.url, "code": login.code, "message": login.msg, "rest": "accepted"}

    def finding(cause: str, summary: str, confidence: Confidence, remedy: tuple[str, ...] = ()) -> Finding:
        return Finding(
            code=cause, summary=line(summary), evidence=evidence, subject="ws", confidence=confidence, remedy=remedy
        )

    if login.outcome == "closed":
        evidence["close_code"] = login.close_code
        yield finding(
            "ws.login-refused",
            f"The WebSocket ended on the login with close code {login.close_code}, and REST accepts the key",
            Confidence.LIKELY,
        )
    if login.outcome != "refused":
        return
    homes = [other for other in facts.elsewhere if other.outcome == "accepted"]
    evidence["elsewhere"] = {
        f"{other.site}/{other.environment}": other.code or other.outcome for other in facts.elsewhere
    }
    if login.code in (_WS_UNKNOWN_KEY, _WS_OTHER_ENVIRONMENT) and homes:
        home = homes[0]
        evidence["ws_url"] = home.url
        same_site = login.code == _WS_OTHER_ENVIRONMENT
        yield finding(
            "key.wrong-environment" if same_site else "region.wrong-ws-host",
            f"REST accepts the key and {login.url} does not ({login.code}); {home.url} does",
            Confidence.CERTAIN if len(homes) == 1 else Confidence.LIKELY,
            remedy=(f"Use {home.url} for the WebSocket, with the REST address as it is",),
        )
    elif login.code == _WS_OTHER_ENVIRONMENT:
        yield finding(
            "key.wrong-environment",
            f"REST accepts the key as {facts.environment}, and {login.url} serves the other environment (50101)",
            Confidence.LIKELY,
        )
    elif login.code == _WS_UNKNOWN_KEY:
        yield finding(
            "region.wrong-ws-host",
            f"REST accepts the key and {login.url} does not know it (60032): it is another site's WebSocket",
            Confidence.LIKELY,
        )
    elif login.code in _WS_CAUSES:
        yield finding(
            _WS_CAUSES[login.code],
            f"The WebSocket login is refused with {login.code} ({login.msg or 'no text'}), and REST accepts the key",
            Confidence.LIKELY,
        )
    else:
        yield finding(
            "ws.login-refused",
            f"The WebSocket login is refused with {login.code or 'no code'} ({login.msg or 'no text'})",
            Confidence.CERTAIN,
        )


CHECK = Check(
    id="signature",
    title="Signed requests and the WebSocket login arrive as they were signed",
    facts=Facts,
    probe=probe,
    evaluate=evaluate,
    reads=("key",),
    private=True,
    causes=(
        "signature.unexplained",
        "ws.login-refused",
        "region.wrong-ws-host",
        "key.wrong-environment",
        "key.malformed",
        "key.passphrase-wrong",
        "key.secret-wrong",
        "key.frozen",
        "ip.not-whitelisted",
        "header.missing",
        "timestamp.expired",
        "timestamp.format",
        "permission.ip-binding-required",
    ),
)
