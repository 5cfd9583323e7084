"""From the host names of the configuration to addresses.

What it looks at: the names of the REST and the WebSocket host, as this machine's resolver answers them and as single
servers answer when asked directly; a control name that has nothing to do with the exchange; the kind of every address.
An answer alone is no success: blocking resolvers answer with an address at which nobody, or somebody else, is.

What it means
  dns.resolver-down      no name resolves, the control name neither
  dns.name-not-found     only this name does not exist: a typing error, or it is blocked by name
  dns.retired-name       a name of the past (okex.com and others); the present one is given
  dns.unofficial-name    no published host of OKX: never send a key to a mirror
  dns.poisoned           the address cannot be the exchange's, is dead while another resolver's address lives, or is an
                         odd one (others give another, every name gets it) with somebody else's certificate behind it
  dns.slow               every new connection waits this long before it begins; an error where a lookup ends without an
                         answer although its server, asked directly, gives one (lost packets, a dead server first, AAAA)

What to do: compare with another resolver (dig NAME @1.1.1.1). Where names are blocked, resolve them on the far side of
a proxy (socks5h://). Different addresses from different resolvers alone are normal: the edge has many.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from statistics import median_low
from typing import Literal

from okxdoctor.check import Check, Inconclusive, Skip
from okxdoctor.model import Confidence, Finding, Severity
from okxdoctor.port import Io, Lookup, Role, Route
from okxdoctor_checks._addresses import kind, parse
from okxdoctor_checks._limits import limit
from okxdoctor_checks._names import is_published, mistaken, nearest, successor
from okxdoctor_checks._poisoned import likewise, poisoned
from okxdoctor_checks._resolved import Host, addresses_of, answers, contradicted, dig, given_elsewhere, is_odd, who
from okxdoctor_checks._words import duration, finite, listed

ROLES: tuple[Role, Role] = ("rest", "ws")


_NO_ROUTE = frozenset({"ENETUNREACH", "ENETDOWN"})
"""What the system says of a datagram that has no way out (errno(3))."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """``addresses``: which kind is right for these hosts. ``declared``: the user gave the hosts by flag.

    ``servers_named``: the user named the name servers: the first is the program's, the others second opinions.
    """

    hosts: tuple[Host, ...]
    control: tuple[Lookup, ...]
    addresses: Literal["global", "loopback", "any"]
    declared: bool
    servers_named: bool = False


# ---- probe -----------------------------------------------------------------------------------


async def probe(io: Io) -> Facts:
    view = io.view
    routes: dict[Role, Route | None] = {"rest": view.rest_route, "ws": view.ws_route}
    names: dict[str, list[Role]] = {}
    for role, endpoint in zip(ROLES, (view.rest, view.ws), strict=True):
        names.setdefault(endpoint.host, []).append(role)
    asked = [name for name, roles in names.items() if not all(_far_resolved(routes[role]) for role in roles)]
    if not asked and all(_in_order(name, declared=view.declared_hosts) for name in names):
        raise Skip("the proxy resolves the names")
    control = view.control_name if asked else ""
    found = dict(
        zip((*asked, control), await asyncio.gather(*(_lookup(io, n) for n in (*asked, control))), strict=True)
    )
    hosts = [Host(name=name, roles=tuple(roles), lookups=found.get(name, ())) for name, roles in names.items()]
    return Facts(
        hosts=tuple(await asyncio.gather(*(_with_dials(io, host, routes, found[control]) for host in hosts))),
        control=found[control],
        addresses=view.addresses,
        declared=view.declared_hosts,
        servers_named=bool(view.dns_servers),
    )


def _in_order(name: str, *, declared: bool) -> bool:
    """Whether the name by itself is right, so that nothing is left to be said where nobody here resolves it."""
    return successor(name) is None and (declared or is_published(name) or parse(name) is not None)


def _far_resolved(route: Route | None) -> bool:
    """Whether the proxy resolves the name. Only plain ``socks5`` and ``socks4`` leave that to this machine."""
    return route is not None and route.scheme not in ("socks5", "socks4")


async def _lookup(io: Io, name: str) -> tuple[Lookup, ...]:
    return await io.lookup(name) if name else ()


async def _with_dials(io: Io, host: Host, routes: dict[Role, Route | None], control: tuple[Lookup, ...]) -> Host:
    direct = [role for role in host.roles if routes[role] is None]
    odd = is_odd(host, control)
    if not direct or not (odd or any(kind(a) == "fake-ip" for a in addresses_of(host))):
        return host
    try:
        seen, elsewhere = await asyncio.gather(io.dial(direct[0]), io.dial_elsewhere(direct[0]))
    except (Skip, Inconclusive):
        return host
    looked = replace(host, dials=(*seen, *elsewhere))
    if not odd or not any(dial.outcome == "connected" for dial in seen):
        return looked
    try:
        # The same greeting that the tls check looks at: no connection more.
        greeting = await io.handshake(direct[0])
    except (Skip, Inconclusive):
        return looked
    return replace(looked, presents=greeting.chain[0].names if greeting.chain else None)


# ---- evaluate --------------------------------------------------------------------------------


def evaluate(facts: Facts) -> Iterator[Finding]:
    asked = [host for host in facts.hosts if host.lookups]
    failed = [host for host in asked if not addresses_of(host)]
    down = bool(failed) and len(failed) == len(asked) and _gave_nothing(facts.control)
    if down:
        yield _late(facts, asked) or _resolver_down(facts, asked)
    wrong: list[Host] = []
    others: list[tuple[Host, str]] = []
    for host in facts.hosts:
        subject = host.roles[0] if len(host.roles) == 1 and len(facts.hosts) > 1 else ""
        found = tuple(_host(host, subject, facts, down=down))
        yield from found
        if any(one.code == "dns.poisoned" for one in found):
            wrong.append(host)
        elif contradicted(host):
            others.append((host, subject))
    for other, about in others:
        companion = next((one for one in wrong if set(addresses_of(one)) == set(addresses_of(other))), None)
        if companion is not None:
            yield likewise(other, about, companion)
    yield from _slow(facts)


def _gave_nothing(lookups: tuple[Lookup, ...]) -> bool:
    return bool(lookups) and not lookups[0].addresses


def _host(host: Host, subject: str, facts: Facts, *, down: bool) -> Iterator[Finding]:
    present = successor(host.name)
    if present is not None:
        yield _retired(host, subject, present)
        return
    if host.lookups and not addresses_of(host):
        if not down:
            yield _now_and_then(host, subject, facts) or _not_found(host, subject, facts)
        return
    if not _in_order(host.name, declared=facts.declared):
        yield _unofficial(host, subject)
    found = poisoned(host, subject, facts.control, facts.addresses)
    if found is not None:
        yield found


def _resolver_down(facts: Facts, asked: list[Host]) -> Finding:
    control = facts.control[0]
    outcomes = sorted({host.lookups[0].outcome for host in asked} | {control.outcome})
    others = any(lookup.addresses for host in asked for lookup in host.lookups[1:])
    cut_off = sorted({one.resolver for host in asked for one in host.lookups[1:] if one.detail in _NO_ROUTE})
    how = "; a server asked directly does answer." if others else "."
    if cut_off and not others:
        how = f"; this machine has no route to its resolver {listed(cut_off)}: no network, or one that is not up."
    return Finding(
        code="dns.resolver-down",
        summary=f"No name resolves: not {listed(host.name for host in asked)}, and not the control name {control.name} "
        f"({listed(outcomes)}){how}",
        evidence={
            "names": [host.name for host in asked],
            "control_name": control.name,
            "outcomes": list(outcomes),
            "waited_ms": round(max((host.lookups[0].elapsed_ms for host in asked), default=0.0), 1),
            "answers": {host.name: answers(host.lookups) for host in asked},
        },
        remedy=(
            "ip route   # is there a default route?     macOS: netstat -rn     Windows: route print",
            "Bring the interface or VPN up; Docker: do not run with --network none",
            "okxdoctor run --only dns   # looks again",
        )
        if cut_off and not others
        else (),
        excluded=("dns.name-not-found", *(("tcp.unreachable",) if _leaves(facts, asked) else ())),
    )


def _leaves(facts: Facts, asked: list[Host]) -> bool:
    """Whether questions leave this machine: of a server elsewhere no lack of a route is told. A stub on this machine
    always takes them, and says nothing of what lies behind it."""
    direct = [
        one
        for host in asked
        for one in host.lookups
        if one.resolver != "system"
        and not one.resolver.startswith("http")
        and (facts.addresses == "loopback" or not one.resolver.startswith(("127.", "[::1]")))
    ]
    return bool(direct) and not any(one.detail in _NO_ROUTE for one in direct)


def _late(facts: Facts, asked: list[Host]) -> Finding | None:
    """The program's way waits in vain while one of its own servers, asked directly, answers: no server is down.

    It waits for a dead server that is asked first, or for the other half of the answer (AAAA) that never comes.
    """
    if facts.servers_named:
        return None
    answered = {
        lookup.name: lookup
        for host in asked
        for lookup in host.lookups[1:]
        if lookup.addresses and not lookup.resolver.startswith("http")
    }
    waited = [host.lookups[0] for host in asked]
    if len(answered) < len(asked) or not all(map(_in_vain, (*waited, facts.control[0]))):
        return None
    one = next(iter(answered.values()))
    waited_ms = max(lookup.elapsed_ms for lookup in waited)
    return Finding(
        code="dns.slow",
        summary=f"No name resolves within {duration(waited_ms / 1000)} the usual way, though {one.resolver}, asked "
        f"directly, answers in {one.elapsed_ms:.0f} ms: a dead server is asked first, answers are lost or later than "
        "is waited for, or their IPv6 half never comes.",
        evidence={
            "waited_ms": finite(waited_ms, 1),
            "direct_ms": {lookup.resolver: finite(lookup.elapsed_ms, 1) for lookup in answered.values()},
            "limit_ms": limit("dns_slow_ms"),
            "answers": {host.name: answers(host.lookups) for host in asked},
        },
        severity=Severity.ERROR,
        confidence=Confidence.LIKELY,
        remedy=(
            f"Linux: getent ahostsv4 {asked[0].name}; getent ahosts {asked[0].name}   # slow only the second: AAAA",
            "Unix: cat /etc/resolv.conf   # take dead servers out, the first above all; options timeout:1 "
            "single-request",
        ),
        excluded=("dns.resolver-down", "dns.name-not-found"),
    )


def _in_vain(lookup: Lookup) -> bool:
    """Whether nothing came. The C library says EAI_AGAIN, told as a server's failure, when it gives up waiting too."""
    gave_up = lookup.detail == "EAI_AGAIN" and lookup.elapsed_ms > limit("dns_slow_ms")
    return lookup.outcome == "timeout" or gave_up


def _now_and_then(host: Host, subject: str, facts: Facts) -> Finding | None:
    """One of the program's own servers gives the address when asked again: what was lost is an answer, not the name."""
    first = host.lookups[0]
    again = next((one for one in host.lookups[1:] if one.addresses and not one.resolver.startswith("http")), None)
    # EAI_AGAIN, which is told as a server's failure, is what the C library says of silence as well.
    if facts.servers_named or again is None or first.outcome not in ("timeout", "servfail"):
        return None
    return Finding(
        code="dns.slow",
        summary=f"{host.name} ({who(host)}) did not resolve ({first.outcome}), and "
        f"{again.resolver} gives {listed(again.addresses, limit=2)} when asked again: answers are lost.",
        evidence={
            "name": host.name,
            "waited_ms": finite(first.elapsed_ms, 1),
            "limit_ms": limit("dns_slow_ms"),
            "answers": answers(host.lookups),
            "control": answers(facts.control),
        },
        subject=subject,
        severity=Severity.ERROR,
        confidence=Confidence.LIKELY,
        remedy=(
            _how_many(host.name),
            "Set a nearer resolver, or a cache on this machine; options timeout:1 attempts:3 in /etc/resolv.conf",
        ),
        excluded=("dns.name-not-found", "dns.resolver-down"),
    )


def _not_found(host: Host, subject: str, facts: Facts) -> Finding:
    outcome = host.lookups[0].outcome
    known = mistaken(host.name)
    meant = known[0] if known else None if is_published(host.name) else nearest(host.name)
    elsewhere = given_elsewhere(host)
    said = {"nxdomain": "does not exist", "nodata": "has no address"}.get(outcome, f"does not resolve ({outcome})")
    summary = f"{host.name} ({who(host)}) {said}"
    if meant:
        summary += f"; did you mean {meant}?"
    elif elsewhere:
        summary += f", though {listed(elsewhere)} {'knows' if len(elsewhere) == 1 else 'know'} it: blocked by name."
    else:
        summary += "; other names resolve." if any(lookup.addresses for lookup in facts.control) else "."
    remedy: tuple[str, ...] = ()
    if meant:
        remedy = (f"Replace {host.name} by {meant} in the configuration", f"dig +short {meant}")
    elif elsewhere:
        remedy = (
            f"{dig(host)}   # this one answers",
            "Use that resolver, or a proxy that resolves names itself: okxdoctor run --proxy socks5h://HOST:PORT",
        )
    return Finding(
        code="dns.name-not-found",
        summary=summary,
        evidence={
            "name": host.name,
            "outcome": outcome,
            "answers": answers(host.lookups),
            "control": answers(facts.control),
            "nearest": meant,
        },
        subject=subject,
        confidence=Confidence.CERTAIN if outcome in ("nxdomain", "nodata") else Confidence.LIKELY,
        remedy=remedy,
        excluded=("dns.resolver-down",) if any(lookup.addresses for lookup in facts.control) else (),
    )


def _retired(host: Host, subject: str, present: str) -> Finding:
    alive = f", although it still resolves to {addresses_of(host)[0]}" if addresses_of(host) else ""
    return Finding(
        code="dns.retired-name",
        summary=f"{host.name} ({who(host)}) is a retired name of the exchange{alive}; the present one is {present}.",
        evidence={"name": host.name, "present_name": present, "answers": answers(host.lookups)},
        subject=subject,
        remedy=(f"Replace {host.name} by {present} in the configuration",),
        excluded=("dns.name-not-found",),
    )


def _unofficial(host: Host, subject: str) -> Finding:
    known = mistaken(host.name)
    meant, why = known if known is not None else (nearest(host.name), "")
    return Finding(
        code="dns.unofficial-name",
        summary=f"{host.name} ({who(host)}) is no published host of OKX"
        + (f": {why}." if why else f"; did you mean {meant}?" if meant else "."),
        evidence={"name": host.name, "nearest": meant, "addresses": list(addresses_of(host))},
        subject=subject,
        remedy=(f"Replace {host.name} by {meant} in the configuration",) if meant else (),
    )


def _slow(facts: Facts) -> Iterator[Finding]:
    lookups = [host.lookups[0] for host in facts.hosts if host.lookups and parse(host.name) is None]
    answered = [lookup for lookup in (*lookups, *facts.control[:1]) if lookup.addresses]
    limit_ms = limit("dns_slow_ms")
    if not answered:
        return
    # Of two, the faster: what waited once may have lost a packet.
    typical_ms = median_low(_each_time_ms(lookup) for lookup in answered)
    lost = sum(lookup.unanswered for lookup in answered)
    if typical_ms <= limit_ms and lost > len(answered):
        # Of a wire that loses one packet of a hundred, one question of 25 stays without an answer.
        yield Finding(
            code="dns.slow",
            summary=f"More questions for names are lost than answered ({lost} to {len(answered)}): a program "
            "that asks once waits 5 s before it asks again.",
            evidence={
                "unanswered": {lookup.name: lookup.unanswered for lookup in answered},
                "by_name_ms": {lookup.name: finite(lookup.elapsed_ms, 1) for lookup in answered},
                "limit_ms": limit_ms,
            },
            confidence=Confidence.LIKELY,
            remedy=(
                _how_many(answered[0].name),
                "Set a nearer resolver, or a cache on this machine; options timeout:1 attempts:3 in /etc/resolv.conf",
            ),
        )
    elif typical_ms > limit_ms:
        yield Finding(
            code="dns.slow",
            summary=f"A name takes {typical_ms:.0f} ms to resolve (median of {len(answered)}; "
            f"over {limit_ms:.0f} ms is slow).",
            evidence={
                "median_ms": round(typical_ms, 1) if typical_ms < 1e12 else None,
                "limit_ms": limit_ms,
                "by_name_ms": {lookup.name: finite(lookup.elapsed_ms, 1) for lookup in answered},
                "again_ms": {
                    lookup.name: finite(lookup.again_ms, 1) for lookup in answered if lookup.again_ms is not None
                },
            },
        )


def _how_many(name: str) -> str:
    return f"for i in 1 2 3 4 5 6 7 8 9; do dig +short {name} +tries=1 +time=1; done   # how many come through"


def _each_time_ms(lookup: Lookup) -> float:
    """What every new connection waits: an answer that is fast when it is asked for again is in a cache by then."""
    return lookup.elapsed_ms if lookup.again_ms is None else min(lookup.elapsed_ms, lookup.again_ms)


CHECK = Check(
    id="dns",
    title="The host names lead to the exchange",
    facts=Facts,
    probe=probe,
    evaluate=evaluate,
    causes=(
        "dns.resolver-down",
        "dns.name-not-found",
        "dns.retired-name",
        "dns.unofficial-name",
        "dns.poisoned",
        "dns.slow",
    ),
)
