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
  dns.slow               every new connection waits this long before it begins

What to do: compare with another resolver (dig NAME @1.1.1.1). Where names are blocked, resolve them on the far side of
a proxy (socks5h://). Different addresses from different resolvers alone are normal: the edge has many.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from statistics import median
from typing import Literal

from okxdoctor.check import Check, Inconclusive, Skip
from okxdoctor.model import Confidence, Finding, Json, Severity
from okxdoctor.port import Dial, Io, Lookup, Role, Route
from okxdoctor_checks._addresses import WORDS, kind, parse
from okxdoctor_checks._certificates import covers
from okxdoctor_checks._limits import limit
from okxdoctor_checks._names import is_published, mistaken, nearest, successor
from okxdoctor_checks._words import ROLE_NAMES, duration, finite, listed

ROLES: tuple[Role, Role] = ("rest", "ws")


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """One name of the configuration. ``lookups``: the program's first; empty when the proxy resolves the name.

    ``dials``: attempts to reach the addresses, made only where the answers alone do not decide; ``presents``: the names
    in the certificate that is presented there, None where nobody looked or there was none.
    """

    name: str
    roles: tuple[Role, ...]
    lookups: tuple[Lookup, ...] = ()
    dials: tuple[Dial, ...] = ()
    presents: tuple[str, ...] | None = None


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


def _far_resolved(route: Route | None) -> bool:
    """Whether the proxy resolves the name. Only plain ``socks5`` and ``socks4`` leave that to this machine."""
    return route is not None and route.scheme not in ("socks5", "socks4")


async def _lookup(io: Io, name: str) -> tuple[Lookup, ...]:
    return await io.lookup(name) if name else ()


async def _with_dials(io: Io, host: Host, routes: dict[Role, Route | None], control: tuple[Lookup, ...]) -> Host:
    direct = [role for role in host.roles if routes[role] is None]
    odd = _odd(host, control)
    if not direct or not (odd or any(kind(a) == "fake-ip" for a in _seen(host))):
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


def _seen(host: Host) -> tuple[str, ...]:
    """The addresses that the program sees."""
    return host.lookups[0].addresses if host.lookups else ()


def _elsewhere(host: Host) -> dict[str, tuple[str, ...]]:
    """What servers asked directly gave, by server; only those that gave an address."""
    return {lookup.resolver: lookup.addresses for lookup in host.lookups[1:] if lookup.addresses}


def _contradicted(host: Host) -> bool:
    """Whether another resolver gives addresses of which the program sees none."""
    own = set(_seen(host))
    others = {address for addresses in _elsewhere(host).values() for address in addresses}
    return bool(own) and bool(others) and not own & others


def _captured(host: Host) -> str:
    """The longer name that a search list made of this one, ``""`` when it was looked up as it is."""
    canonical = (host.lookups[0].canonical or "").rstrip(".").lower() if host.lookups else ""
    return canonical if canonical.startswith(f"{host.name.rstrip('.').lower()}.") else ""


def _like_control(host: Host, control: tuple[Lookup, ...]) -> bool:
    """Whether every address is a public one that a name which has nothing to do with the exchange has as well."""
    own = set(_seen(host))
    if not own or not control or control[0].name == host.name:
        return False
    return own <= set(control[0].addresses) and all(kind(address) == "global" for address in own)


def _odd(host: Host, control: tuple[Lookup, ...]) -> bool:
    """Whether the addresses are worth a look at who is there. A hint only: edges have many addresses, and customers."""
    if parse(host.name) is not None:
        return False
    return _contradicted(host) or bool(_captured(host)) or _like_control(host, control)


def evaluate(facts: Facts) -> Iterator[Finding]:
    asked = [host for host in facts.hosts if host.lookups]
    failed = [host for host in asked if not _seen(host)]
    down = bool(failed) and len(failed) == len(asked) and _gave_nothing(facts.control)
    if down:
        yield _late(facts, asked) or _resolver_down(facts, asked)
    poisoned: list[Host] = []
    others: list[tuple[Host, str]] = []
    for host in facts.hosts:
        subject = host.roles[0] if len(host.roles) == 1 and len(facts.hosts) > 1 else ""
        found = tuple(_host(host, subject, facts, down=down))
        yield from found
        if any(one.code == "dns.poisoned" for one in found):
            poisoned.append(host)
        elif _contradicted(host):
            others.append((host, subject))
    for other, about in others:
        companion = next((one for one in poisoned if set(_seen(one)) == set(_seen(other))), None)
        if companion is not None:
            yield _likewise(other, about, companion)
    yield from _slow(facts)


def _gave_nothing(lookups: tuple[Lookup, ...]) -> bool:
    return bool(lookups) and not lookups[0].addresses


def _host(host: Host, subject: str, facts: Facts, *, down: bool) -> Iterator[Finding]:
    present = successor(host.name)
    if present is not None:
        yield _retired(host, subject, present)
        return
    if host.lookups and not _seen(host):
        if not down:
            yield _not_found(host, subject, facts)
        return
    if not facts.declared and not is_published(host.name) and parse(host.name) is None:
        yield _unofficial(host, subject)
    poisoned = (
        _wrong_kind(host, subject, facts)
        or _dead_answer(host, subject)
        or _dead_for_all(host, subject, facts)
        or _somebody_else(host, subject, facts)
    )
    if poisoned is not None:
        yield poisoned


def _outcomes(lookups: Iterable[Lookup]) -> dict[str, Json]:
    return {lookup.resolver: (list(lookup.addresses) or lookup.outcome) for lookup in lookups}


def _who(host: Host) -> str:
    return listed(ROLE_NAMES[role] for role in host.roles)


def _resolver_down(facts: Facts, asked: list[Host]) -> Finding:
    control = facts.control[0]
    outcomes = sorted({host.lookups[0].outcome for host in asked} | {control.outcome})
    others = any(lookup.addresses for host in asked for lookup in host.lookups[1:])
    return Finding(
        code="dns.resolver-down",
        summary=f"No name resolves: not {listed(host.name for host in asked)}, and not the control name {control.name} "
        f"({listed(outcomes)})" + ("; a server asked directly does answer." if others else "."),
        evidence={
            "names": [host.name for host in asked],
            "control_name": control.name,
            "outcomes": list(outcomes),
            "waited_ms": round(max((host.lookups[0].elapsed_ms for host in asked), default=0.0), 1),
            "answers": {host.name: _outcomes(host.lookups) for host in asked},
        },
        excluded=("dns.name-not-found",),
    )


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
    if len(answered) < len(asked) or any(lookup.outcome != "timeout" for lookup in (*waited, facts.control[0])):
        return None
    one = next(iter(answered.values()))
    waited_ms = max(lookup.elapsed_ms for lookup in waited)
    return Finding(
        code="dns.slow",
        summary=f"No name resolves within {duration(waited_ms / 1000)} the usual way, though {one.resolver}, asked "
        f"directly, answers in {one.elapsed_ms:.0f} ms: a dead server is asked first, or the IPv6 half of the answer "
        "never comes.",
        evidence={
            "waited_ms": finite(waited_ms, 1),
            "direct_ms": {lookup.resolver: finite(lookup.elapsed_ms, 1) for lookup in answered.values()},
            "limit_ms": limit("dns_slow_ms"),
            "answers": {host.name: _outcomes(host.lookups) for host in asked},
        },
        severity=Severity.ERROR,
        confidence=Confidence.LIKELY,
        remedy=(
            f"getent ahostsv4 {asked[0].name}; getent ahosts {asked[0].name}   # slow only the second: AAAA",
            "cat /etc/resolv.conf   # take dead servers out, the first above all; options timeout:1 single-request",
        ),
        excluded=("dns.resolver-down", "dns.name-not-found"),
    )


def _not_found(host: Host, subject: str, facts: Facts) -> Finding:
    outcome = host.lookups[0].outcome
    known = mistaken(host.name)
    meant = known[0] if known else None if is_published(host.name) else nearest(host.name)
    elsewhere = _elsewhere(host)
    said = {"nxdomain": "does not exist", "nodata": "has no address"}.get(outcome, f"does not resolve ({outcome})")
    summary = f"{host.name} ({_who(host)}) {said}"
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
            f"{_dig(host)}   # this one answers",
            "Use that resolver, or a proxy that resolves names itself: okxdoctor run --proxy socks5h://HOST:PORT",
        )
    return Finding(
        code="dns.name-not-found",
        summary=summary,
        evidence={
            "name": host.name,
            "outcome": outcome,
            "answers": _outcomes(host.lookups),
            "control": _outcomes(facts.control),
            "nearest": meant,
        },
        subject=subject,
        confidence=Confidence.CERTAIN if outcome in ("nxdomain", "nodata") else Confidence.LIKELY,
        remedy=remedy,
        excluded=("dns.resolver-down",) if any(lookup.addresses for lookup in facts.control) else (),
    )


def _retired(host: Host, subject: str, present: str) -> Finding:
    alive = f", although it still resolves to {_seen(host)[0]}" if _seen(host) else ""
    return Finding(
        code="dns.retired-name",
        summary=f"{host.name} ({_who(host)}) is a retired name of the exchange{alive}; the present one is {present}.",
        evidence={"name": host.name, "present_name": present, "answers": _outcomes(host.lookups)},
        subject=subject,
        remedy=(f"Replace {host.name} by {present} in the configuration",),
        excluded=("dns.name-not-found",),
    )


def _unofficial(host: Host, subject: str) -> Finding:
    known = mistaken(host.name)
    meant, why = known if known is not None else (nearest(host.name), "")
    return Finding(
        code="dns.unofficial-name",
        summary=f"{host.name} ({_who(host)}) is no published host of OKX"
        + (f": {why}." if why else f"; did you mean {meant}?" if meant else "."),
        evidence={"name": host.name, "nearest": meant, "addresses": list(_seen(host))},
        subject=subject,
        remedy=(f"Replace {host.name} by {meant} in the configuration",) if meant else (),
    )


def _wrong_kind(host: Host, subject: str, facts: Facts) -> Finding | None:
    """An address that cannot be the exchange's, whoever asks."""
    if facts.addresses == "any" or parse(host.name) is not None:
        return None
    kinds = {address: kind(address) for address in _seen(host)}
    wrong = {address: found for address, found in kinds.items() if found != facts.addresses}
    # A tunnel that answers names itself and carries the connections is a deliberate way out, and it works.
    carried = {dial.address for dial in host.dials if dial.outcome == "connected"}
    wrong = {a: found for a, found in wrong.items() if not (found == "fake-ip" and a in carried)}
    if not wrong:
        return None
    address, found = next(iter(wrong.items()))
    some = len(wrong) < len(kinds)
    return Finding(
        code="dns.poisoned",
        summary=f"{host.name} ({_who(host)}) resolves to {address}, {WORDS[found]}"
        + (f"; {len(wrong)} of {len(kinds)} addresses are wrong." if some else "; the exchange is not there."),
        evidence={
            "name": host.name,
            "wrong": dict(wrong),
            "expected": facts.addresses,
            "answers": _outcomes(host.lookups),
        },
        subject=subject,
        severity=Severity.WARNING if some else None,
        remedy=_other_resolver(host),
    )


def _dead_answer(host: Host, subject: str) -> Finding | None:
    """Another resolver's address lives and none that the program sees does."""
    if not _contradicted(host):
        return None
    reached = {dial.address: dial.outcome == "connected" for dial in host.dials}
    own, elsewhere = _seen(host), _elsewhere(host)
    alive = {r: addresses for r, addresses in elsewhere.items() if any(reached.get(a) for a in addresses)}
    if not alive or not all(reached.get(a) is False for a in own):
        return None
    resolver, addresses = next(iter(alive.items()))
    living = next(address for address in addresses if reached.get(address))
    return Finding(
        code="dns.poisoned",
        summary=f"{host.name} ({_who(host)}) resolves to {listed(own)}, where nobody answers; "
        f"{resolver} gives {living}, which does.",
        evidence={
            "name": host.name,
            "answers": _outcomes(host.lookups),
            "connected": dict(reached),
        },
        subject=subject,
        remedy=_other_resolver(host),
        excluded=("tcp.refused", "tcp.filtered"),
    )


def _dead_for_all(host: Host, subject: str, facts: Facts) -> Finding | None:
    """The address that every name gets, and nobody is there: a sinkhole."""
    own = _seen(host)
    reached = {dial.address: dial.outcome == "connected" for dial in host.dials}
    if not _like_control(host, facts.control) or not all(reached.get(address) is False for address in own):
        return None
    return Finding(
        code="dns.poisoned",
        summary=f"{host.name} ({_who(host)}) resolves to {listed(own)}, as the control name "
        f"{facts.control[0].name} does, and nobody answers there.",
        evidence={
            "name": host.name,
            "like": facts.control[0].name,
            "answers": _outcomes(host.lookups),
            "connected": dict(reached),
        },
        subject=subject,
        confidence=Confidence.LIKELY,
        remedy=_other_resolver(host),
        excluded=("tcp.refused", "tcp.filtered"),
    )


def _somebody_else(host: Host, subject: str, facts: Facts) -> Finding | None:
    """An odd address, and whoever is there has another name in the certificate."""
    if host.presents is None or not _odd(host, facts.control) or covers(host.presents, host.name):
        return None
    captured = _captured(host)
    if captured:
        why = f"a search list makes {captured} of it"
    elif _contradicted(host):
        others = _elsewhere(host)
        why = f"{listed(others)} {'gives' if len(others) == 1 else 'give'} another address"
    else:
        why = f"the control name {facts.control[0].name} resolves to the same"
    named = listed(host.presents, limit=3) if host.presents else "nobody"
    return Finding(
        code="dns.poisoned",
        summary=f"{host.name} ({_who(host)}) resolves to {listed(_seen(host))}, where the certificate is {named}'s; "
        f"{why}.",
        evidence={
            "name": host.name,
            "presents": list(host.presents[:20]),
            "canonical": captured or None,
            "answers": _outcomes(host.lookups),
            "control": _outcomes(facts.control),
        },
        subject=subject,
        remedy=(
            "cat /etc/resolv.conf   # its search list and ndots; a dot behind a name keeps the list away",
            *_other_resolver(host),
        )
        if captured
        else (f"getent hosts {host.name}; grep {host.name} /etc/hosts   # where it comes from", *_other_resolver(host)),
        excluded=("tls.hostname-mismatch", "tls.intercepted"),
    )


def _likewise(host: Host, subject: str, companion: Host) -> Finding:
    """The same answer as for a name that is surely poisoned, and others contradict it here as well."""
    return Finding(
        code="dns.poisoned",
        summary=f"{host.name} ({_who(host)}) resolves to {listed(_seen(host))} like {companion.name}; "
        f"{listed(_elsewhere(host))} {'gives' if len(_elsewhere(host)) == 1 else 'give'} another address.",
        evidence={
            "name": host.name,
            "like": companion.name,
            "answers": _outcomes(host.lookups),
            "connected": {dial.address: dial.outcome == "connected" for dial in host.dials},
        },
        subject=subject,
        confidence=Confidence.LIKELY,
        remedy=_other_resolver(host),
        excluded=("tcp.refused", "tcp.filtered"),
    )


def _other_resolver(host: Host) -> tuple[str, ...]:
    return (
        f"{_dig(host)}   # what another resolver answers",
        "Set a resolver you trust (/etc/resolv.conf, the router, the container), or DNS over HTTPS",
        "Or let a proxy resolve the names: okxdoctor run --proxy socks5h://HOST:PORT",
    )


def _dig(host: Host) -> str:
    """Asks another resolver that gave an address, else a public one."""
    server, _, port = next((r for r in _elsewhere(host) if not r.startswith("http")), "1.1.1.1:53").rpartition(":")
    return f"dig +short {host.name} @{server.strip('[]')}" + (f" -p {port}" if port != "53" else "")


def _slow(facts: Facts) -> Iterator[Finding]:
    lookups = [host.lookups[0] for host in facts.hosts if host.lookups and parse(host.name) is None]
    answered = [lookup for lookup in (*lookups, *facts.control[:1]) if lookup.addresses]
    limit_ms = limit("dns_slow_ms")
    if not answered:
        return
    typical_ms = median(lookup.elapsed_ms for lookup in answered)
    if typical_ms > limit_ms:
        yield Finding(
            code="dns.slow",
            summary=f"A name takes {typical_ms:.0f} ms to resolve (median of {len(answered)}; "
            f"over {limit_ms:.0f} ms is slow).",
            evidence={
                "median_ms": round(typical_ms, 1) if typical_ms < 1e12 else None,
                "limit_ms": limit_ms,
                "by_name_ms": {lookup.name: round(min(lookup.elapsed_ms, 1e12), 1) for lookup in answered},
            },
        )


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
