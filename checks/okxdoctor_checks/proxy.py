"""The proxy between this machine and the exchange, if one is configured.

What it looks at: which proxy REST and WebSocket take and where that was set; whether the proxy is there, speaks the
protocol its URL says, lets this user in, and opens a tunnel to the exchange.

What it means
  proxy.unreachable     the peer that refuses is the proxy, not the exchange: often a left-over setting
  proxy.auth-required   it wants a user and password (407), or others than these
  proxy.forbidden       it will not open a tunnel to this host
  proxy.scheme-wrong    the URL says https:// or socks5:// and the proxy speaks something else
  tcp.refused, tcp.filtered, tcp.unreachable, dns.name-not-found, dns.poisoned   the proxy could not get through to the
                        exchange (502, 503, 504, silence), nor can this machine without it
  proxy.split           REST and WebSocket leave by different ways: two egress addresses, one IP list

What to do: correct or unset the variable or setting that is named. Most proxies for https are written http://HOST:PORT;
with socks5h:// the proxy resolves names too, with socks5:// this machine does. Give both transports the same proxy:
many WebSocket libraries ignore HTTPS_PROXY.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

from okxdoctor.check import Check, Inconclusive, Skip
from okxdoctor.model import Confidence, Finding, Json
from okxdoctor.port import Dial, Endpoint, Io, Lookup, ProxyDial, Role, Route
from okxdoctor_checks._addresses import WORDS, kind
from okxdoctor_checks._limits import limit
from okxdoctor_checks._words import ROLE_NAMES, listed

AUTHENTICATION_REQUIRED = frozenset({407, 401})
"""401 is no answer of a proxy by the book; tinyproxy gives it for a wrong password."""
GATEWAY_STATUSES = frozenset({502, 503, 504})
"""With these a proxy says that the far side, not the request, is the trouble."""
SOCKS_UNREACHED = frozenset({3, 4, 5, 6})
"""The same in SOCKS5 (RFC 1928 §6): network or host unreachable, connection refused, TTL expired."""
SHUT = {"refused": "tcp.refused", "reset": "tcp.refused", "timeout": "tcp.filtered", "unreachable": "tcp.unreachable"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How one role leaves: its proxy and what came of a tunnel through it; both None for the direct way.

    ``direct``: attempts without the proxy, made where it says that the far side is the trouble; ``lookups``: this
    machine's own, where there was no address to try.
    """

    role: Role
    host: str
    route: Route | None
    dial: ProxyDial | None
    direct: tuple[Dial, ...] = ()
    lookups: tuple[Lookup, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """``variables``: proxy variables of the environment, values redacted. ``public``: the hosts are public ones."""

    ways: tuple[Way, ...]
    variables: tuple[tuple[str, str], ...]
    public: bool = False


# ---- probe -----------------------------------------------------------------------------------


async def probe(io: Io) -> Facts:
    view = io.view
    if view.rest_route is None and view.ws_route is None:
        raise Skip("no proxy is configured")
    rest, ws, variables = await asyncio.gather(
        _way(io, view.rest, view.rest_route), _way(io, view.ws, view.ws_route), _variables(io)
    )
    return Facts(ways=(rest, ws), variables=variables, public=view.addresses == "global")


async def _way(io: Io, endpoint: Endpoint, route: Route | None) -> Way:
    if route is None:
        return Way(role=endpoint.role, host=endpoint.host, route=None, dial=None)
    asked, direct = asyncio.ensure_future(io.dial_proxy(endpoint.role)), None
    try:
        # A proxy that is silent may be waiting for the far side itself; both waits in a row would be too long.
        await asyncio.wait({asked}, timeout=limit("tls_silence_s"))
        if not asked.done():
            direct = asyncio.ensure_future(_direct(io, endpoint))
        found = await asked
        decides = found is not None and _far_side(found)
        dials, lookups = await (direct if direct is not None else _direct(io, endpoint)) if decides else ((), ())
    finally:
        for task in (asked, direct):
            if task is not None:
                task.cancel()
    return Way(role=endpoint.role, host=endpoint.host, route=route, dial=found, direct=dials, lookups=lookups)


async def _direct(io: Io, endpoint: Endpoint) -> tuple[tuple[Dial, ...], tuple[Lookup, ...]]:
    """What this machine meets on its own way: connection attempts, or the lookups that gave no address for one."""
    try:
        dials = await io.dial(endpoint.role)
        return dials, (() if dials else await io.lookup(endpoint.host))
    except (Skip, Inconclusive):
        return (), ()


def _far_side(dial: ProxyDial) -> bool:
    """Whether the proxy says that it was willing and could not get through."""
    speaks_socks = dial.route.scheme.startswith("socks")
    if dial.outcome == "timeout":
        return _alive(dial)
    return dial.outcome == "status" and dial.status in (SOCKS_UNREACHED if speaks_socks else GATEWAY_STATUSES)


def _alive(dial: ProxyDial) -> bool:
    """Whether it answered a greeting in the language of its address, though not the request for a tunnel."""
    own = {"socks5": "socks5", "socks5h": "socks5", "https": "tls"}.get(dial.route.scheme, "http")
    return dial.speaks == own


async def _variables(io: Io) -> tuple[tuple[str, str], ...]:
    try:
        return (await io.surroundings()).proxy_variables
    except (Skip, Inconclusive):
        return ()


# ---- evaluate --------------------------------------------------------------------------------


def evaluate(facts: Facts) -> Iterator[Finding]:
    found = [(way, finding) for way in facts.ways if (finding := _judge(way, public=facts.public)) is not None]
    # One proxy for both is one thing that is wrong.
    if len(found) == 2 and found[0][0].route == found[1][0].route and found[0][1].code == found[1][1].code:
        yield _judge(found[0][0], public=facts.public, subject="") or found[0][1]
    else:
        yield from (finding for _, finding in found)
    yield from _split(facts)


def _judge(way: Way, *, public: bool, subject: str | None = None) -> Finding | None:
    if way.dial is None or way.dial.outcome == "established":
        return None
    dial, route = way.dial, way.dial.route
    place = f"{route.host}:{route.port}"
    code, confidence, said, remedy = _neither_way(way, dial, public=public) or _verdict(dial)
    who = "The proxy" if subject == "" else f"{ROLE_NAMES[way.role]}: the proxy"
    return Finding(
        code=code,
        summary=f"{who} {place} ({_origin(route)}) {said}.",
        evidence={
            "proxy": route.url,
            "set_by": route.source,
            "target": dial.target,
            "outcome": dial.outcome,
            "status": dial.status,
            "speaks": dial.speaks or None,
            "addresses": {each.address: each.errno or each.outcome for each in dial.dials},
            "direct": {each.address: each.errno or each.outcome for each in way.direct},
            "lookups": {each.resolver: each.outcome for each in way.lookups},
            "waited_ms": round(dial.elapsed_ms, 1) if 0 <= dial.elapsed_ms < 1e12 else None,
        },
        subject=way.role if subject is None else subject,
        confidence=confidence,
        remedy=remedy,
        excluded=("tcp.refused", "tcp.filtered")
        if code == "proxy.unreachable"
        else ("proxy.forbidden",)
        if not code.startswith("proxy.")
        else (),
    )


def _origin(route: Route) -> str:
    if route.source == "flag":
        return "set by --proxy"
    kind, _, name = route.source.partition(":")
    return f"set by {name}" if kind == "env" and name else f"from the {kind}" if kind else "configured"


def _neither_way(way: Way, dial: ProxyDial, *, public: bool) -> tuple[str, Confidence, str, tuple[str, ...]] | None:
    """The proxy was willing and could not get through, and without it there is no way either: not the proxy's doing."""
    if not _far_side(dial):
        return None
    told = f"({dial.status})" if dial.status is not None else "in time"
    said = f"was willing and could not reach {dial.target} {told}, and "
    if way.lookups and all(lookup.outcome in ("nxdomain", "nodata") for lookup in way.lookups):
        unknown = f"no resolver of this machine knows {way.host} either"
        return "dns.name-not-found", Confidence.LIKELY, said + unknown, ()
    if public and way.direct and not any(kind(each.address) == "global" for each in way.direct):
        wrong = way.direct[0].address
        said += f"this machine's resolver gives {wrong}, {WORDS[kind(wrong)]}: the proxy may have the same answer"
        return "dns.poisoned", Confidence.LIKELY, said, ()
    codes = {SHUT.get(each.outcome) for each in way.direct}
    code = codes.pop() if len(codes) == 1 else None
    if code is None:
        return None
    how = {"tcp.refused": "is refused", "tcp.filtered": "stays unanswered", "tcp.unreachable": "finds no route"}[code]
    return code, Confidence.LIKELY, f"{said}a connection without it {how} as well", ()


def _verdict(dial: ProxyDial) -> tuple[str, Confidence, str, tuple[str, ...]]:
    """(cause, confidence, what is said of it, remedy) for a tunnel that was not established."""
    route = dial.route
    drop = _unset(route)
    match dial.outcome:
        case "timeout" if _alive(dial):
            said = f"answers, but not when asked for a tunnel to {dial.target}"
            return "proxy.forbidden", Confidence.LIKELY, said, ()
        case "refused" | "timeout" | "unreachable" | "name-not-found":
            how = {
                "refused": "is not there: connections are refused",
                "timeout": "does not answer",
                "unreachable": "cannot be reached: no route",
                "name-not-found": f"cannot be found: {route.host} has no address",
            }[dial.outcome]
            return "proxy.unreachable", Confidence.CERTAIN, how, (*drop, "Or start it, or correct host and port")
        case "auth-required":
            return _authentication(route)
        case "status" if dial.status in AUTHENTICATION_REQUIRED:
            return _authentication(route)
        case "status":
            sure = Confidence.LIKELY if _far_side(dial) else Confidence.CERTAIN
            number = f"SOCKS reply {dial.status}" if route.scheme.startswith("socks") and dial.status else dial.status
            said = f"answers {number or 'with a refusal'} when asked for a tunnel to {dial.target}"
            return "proxy.forbidden", sure, said, ()
        case "not-proxy":
            speaks = {"http": "plain HTTP", "tls": "TLS", "socks5": "SOCKS5"}.get(dial.speaks, "something else")
            right = {"http": "http", "tls": "https", "socks5": "socks5h"}.get(dial.speaks)
            repair = (f"Write {right}://{route.host}:{route.port} instead of {route.scheme}://…",) if right else ()
            said = f"is configured as {route.scheme}:// and speaks {speaks}"
            return "proxy.scheme-wrong", Confidence.CERTAIN, said, repair
        case "closed" if route.scheme == "https" or dial.speaks not in ("", route.scheme):
            said = f"is configured as {route.scheme}:// and hangs up on the first bytes of it"
            repair = (f"Write http://{route.host}:{route.port}: the proxy itself speaks plain HTTP",)
            return "proxy.scheme-wrong", Confidence.LIKELY, said, repair if route.scheme == "https" else ()
        case _:
            return "proxy.forbidden", Confidence.POSSIBLE, f"hangs up when asked for a tunnel to {dial.target}", ()


def _authentication(route: Route) -> tuple[str, Confidence, str, tuple[str, ...]]:
    said = "refuses the user and password it was given" if route.has_credentials else "wants a user and a password"
    form = f"{route.scheme}://USER:PASSWORD@{route.host}:{route.port}"
    task = "Correct them in" if route.has_credentials else "Put them into"
    where = route.source.removeprefix("env:") if route.source.startswith("env:") else "the proxy setting"
    return (
        "proxy.auth-required",
        Confidence.CERTAIN,
        said,
        (f"{task} {where}: {form}   (percent-encode special characters)",),
    )


def _unset(route: Route) -> tuple[str, ...]:
    if not route.source.startswith("env:"):
        return ("Take the proxy out of the configuration if none is meant",)
    name = route.source.removeprefix("env:")
    return (f"unset {name}   # if no proxy is meant; then okxdoctor run",)


def _split(facts: Facts) -> Iterator[Finding]:
    ways = {way.role: way for way in facts.ways}
    rest, ws = ways.get("rest"), ways.get("ws")
    if rest is None or ws is None or _same(rest.route, ws.route):
        return
    proxied = rest if rest.route is not None else ws
    other = ws if proxied is rest else rest
    route = proxied.route
    assert route is not None
    by = _exit(other.route)
    evidence: dict[str, Json] = {
        "rest": rest.route.url if rest.route else "direct",
        "ws": ws.route.url if ws.route else "direct",
        "set_by": route.source,
        "variables": dict(facts.variables),
    }
    yield Finding(
        code="proxy.split",
        summary=f"{ROLE_NAMES[proxied.role]} leaves through {_exit(route)} ({_origin(route)}), "
        f"{ROLE_NAMES[other.role]} {'directly' if other.route is None else f'through {by}'}: the exchange sees "
        "two addresses.",
        evidence=evidence,
        remedy=(*_exempted(facts, other), *_together(facts, route)),
    )


def _same(one: Route | None, other: Route | None) -> bool:
    if one is None or other is None:
        return one is other
    return (one.host, one.port) == (other.host, other.port)


def _exit(route: Route | None) -> str:
    return "no proxy" if route is None else f"{route.host}:{route.port}"


def _exempted(facts: Facts, way: Way) -> tuple[str, ...]:
    """The entry of NO_PROXY that sends one of the two directly; setting more variables would change nothing."""
    for name, value in facts.variables if way.route is None else ():
        for entry in value.split(",") if name.lower() == "no_proxy" else ():
            domain = entry.strip().lower().removeprefix("*").removeprefix(".").partition(":")[0]
            if entry.strip() == "*" or (domain and f".{way.host}".endswith(f".{domain}")):
                return (f"Take {entry.strip()} out of {name}: it sends {ROLE_NAMES[way.role]} directly",)
    return ()


def _together(facts: Facts, route: Route) -> tuple[str, ...]:
    names = [name for name, _ in facts.variables if name.lower() != "no_proxy"]
    hint = f"   (now set: {listed(names)})" if names else ""
    return (
        f"Give both the same proxy: export HTTPS_PROXY={route.url} ALL_PROXY={route.url}{hint}",
        "Hand the proxy to the WebSocket library itself: websockets.connect(…, proxy=URL), aiohttp ws_connect(…, "
        "proxy=URL)",
        "Or put both egress addresses on the key's IP list",
    )


CHECK = Check(
    id="proxy",
    title="The configured proxy carries REST and WebSocket",
    facts=Facts,
    probe=probe,
    evaluate=evaluate,
    causes=(
        "proxy.unreachable",
        "proxy.auth-required",
        "proxy.forbidden",
        "proxy.scheme-wrong",
        "proxy.split",
        "tcp.refused",
        "tcp.filtered",
        "tcp.unreachable",
        "dns.name-not-found",
        "dns.poisoned",
    ),
)
