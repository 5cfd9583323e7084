"""From addresses to connections, without any proxy.

What it looks at: one connection attempt to every address of the REST and of the WebSocket host, IPv4 and IPv6, on the
configured port. Where nothing connects, also to addresses that have nothing to do with the exchange: only they tell
"these packets are dropped" from "there is no network".

What it means
  tcp.refused            answered by a reset at once: a firewall that rejects, or nobody on that port
  tcp.filtered           no answer at all, while other places answer (or time servers, where no connection stands
                         anywhere): a firewall that drops, a block by region
                         (either as a warning: of one address among several, while others connect)
  tcp.unreachable        the machine has no route there
  tcp.ipv6-broken        IPv4 works and IPv6 does not: clients that try IPv6 first wait in vain
  tcp.port-8443-closed   the old WebSocket port, closed since 2026-10-31: leave ":8443" out of the address

What to do: a firewall rule for TCP to the named address and port, another way out (--proxy), or the right port. A
machine without IPv6 at all is healthy: its programs do not try.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from okxdoctor.check import Check, Inconclusive, Skip
from okxdoctor.model import Confidence, Finding, Json, Severity
from okxdoctor.port import Dial, Endpoint, Io, Role
from okxdoctor_checks._addresses import kind
from okxdoctor_checks._limits import limit
from okxdoctor_checks._words import ROLE_NAMES, counted, listed

HTTPS_PORT = 443

# What a machine says that has no IPv6: at once, and to every program.
_NO_SUCH_FAMILY = frozenset({"ENETUNREACH", "EADDRNOTAVAIL", "EAFNOSUPPORT", ""})

_SPENT = {
    "EMFILE": "this process may open no more files (ulimit -n)",
    "ENFILE": "this machine may open no more files (fs.file-max)",
    "ENOBUFS": "this machine has no buffer space left",
    "ENOMEM": "this machine has no memory left",
}
"""What says nothing of the network: the attempt never left this machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """One host and port and who knocked. ``dials`` empty: the name has no address.

    ``elsewhere``: attempts at other ports of the same host, made only where they decide.
    """

    role: Role
    host: str
    port: int
    dials: tuple[Dial, ...]
    elsewhere: tuple[Dial, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """``doors`` of the roles that connect without a proxy. ``control``: dials made when a door did not open.

    ``passes``: time servers that answered, looked at only where no connection stood anywhere. ``addresses``: which
    kind is right for these hosts.
    """

    doors: tuple[Door, ...]
    control: tuple[Dial, ...]
    legacy_port: int
    passes: tuple[str, ...] = ()
    addresses: Literal["global", "loopback", "any"] = "any"


# ---- probe -----------------------------------------------------------------------------------


async def probe(io: Io) -> Facts:
    view = io.view
    direct = [endpoint for endpoint, route in ((view.rest, view.rest_route), (view.ws, view.ws_route)) if route is None]
    if not direct:
        raise Skip("REST and WebSocket both go through a proxy (see proxy)")
    asked = asyncio.ensure_future(_doors(io, direct))
    beside: asyncio.Future[tuple[Dial, ...]] | None = None
    try:
        # Silence costs the whole patience for one attempt; two in a row would be all that a probe has.
        await asyncio.wait({asked}, timeout=limit("tcp_side_port_s"))
        if not asked.done():
            beside = asyncio.ensure_future(io.dial_control())
        doors = await asked
        tried = [door for door in doors if door.dials]
        if not tried:
            raise Skip(f"there is no address for {listed(dict.fromkeys(d.host for d in doors))} (see dns)", layer="dns")
        shut = [door for door in tried if not _open(door.dials)]
        control = await (beside if beside is not None else io.dial_control()) if shut else ()
    finally:
        for task in (asked, beside):
            if task is not None:
                task.cancel()
    facts = Facts(doors=doors, control=control, legacy_port=view.legacy_ws_port, addresses=view.addresses)
    if len(shut) == len(tried) and not any(_verdict(door, facts) for door in shut):
        if spent := _spent(dial for door in shut for dial in door.dials):
            raise Inconclusive(f"no connection can be begun here: {spent}")
        facts = replace(facts, passes=await _passes(io))
        if not any(_verdict(door, facts) for door in shut):
            names = listed(dict.fromkeys(f"{door.host}:{door.port}" for door in shut))
            raise Inconclusive(f"no connection to {names}, and none to the control addresses either: no network?")
    return facts


async def _doors(io: Io, direct: list[Endpoint]) -> tuple[Door, ...]:
    return tuple(await asyncio.gather(*(_door(io, endpoint) for endpoint in direct)))


async def _passes(io: Io) -> tuple[str, ...]:
    """Time servers on the public internet that answered: there is a network, though no connection leaves it."""
    try:
        answers = await io.ntp()
    except (Skip, Inconclusive):
        return ()
    return tuple(one.server for one in answers if one.outcome == "ok" and kind(one.address) == "global")


async def _door(io: Io, endpoint: Endpoint) -> Door:
    legacy = io.view.legacy_ws_port
    others: tuple[int, ...] = ()
    if endpoint.role == "ws" and legacy:
        # The usual port beside the old one where the old one is configured, else the old one for the record.
        others = tuple(dict.fromkeys((HTTPS_PORT, io.view.rest.port))) if endpoint.port == legacy else (legacy,)
    dials, *elsewhere = await asyncio.gather(
        io.dial(endpoint.role), *(_within(io, endpoint.role, port) for port in others)
    )
    return Door(
        role=endpoint.role,
        host=endpoint.host,
        port=endpoint.port,
        dials=dials,
        elsewhere=tuple(dial for found in elsewhere for dial in found),
    )


async def _within(io: Io, role: Role, port: int) -> tuple[Dial, ...]:
    """A second port is asked in passing: nobody waits long for one that drops packets."""
    try:
        async with asyncio.timeout(limit("tcp_side_port_s")):
            return await io.dial(role, port=port)
    except (TimeoutError, Skip, Inconclusive):
        return ()


# ---- evaluate --------------------------------------------------------------------------------


def _open(dials: tuple[Dial, ...]) -> bool:
    return any(dial.outcome == "connected" for dial in dials)


def _counting(door: Door, facts: Facts) -> tuple[Dial, ...]:
    """Without what says nothing of the way to the exchange, unless nothing else is left.

    IPv6 attempts of a machine that has no IPv6; addresses that cannot be the exchange's: the resolver's doing.
    """
    known = tuple(dial for dial in door.dials if not _family_missing(dial)) or door.dials
    return _possible(known, facts) or known


def _possible(dials: tuple[Dial, ...], facts: Facts) -> tuple[Dial, ...]:
    """Without those to addresses that cannot be the exchange's."""
    if facts.addresses == "any":
        return dials
    return tuple(dial for dial in dials if kind(dial.address) == facts.addresses)


def _family_missing(dial: Dial) -> bool:
    return dial.family == "v6" and dial.outcome in ("unreachable", "error") and dial.errno in _NO_SUCH_FAMILY


def _spent(dials: Iterable[Dial]) -> str:
    return next((_SPENT[dial.errno] for dial in dials if dial.errno in _SPENT), "")


def _verdict(door: Door, facts: Facts) -> tuple[str, Confidence] | None:
    """The cause for a door that opened on no address, or None when what was seen does not decide it."""
    counting = tuple(dial for dial in _counting(door, facts) if dial.errno not in _SPENT)
    tally = Counter(dial.outcome for dial in counting)
    if not tally or tally["connected"]:
        return None
    outcome, times = tally.most_common(1)[0]
    sure = Confidence.CERTAIN if times == len(counting) else Confidence.LIKELY
    match outcome:
        case "refused" | "reset":
            return "tcp.refused", Confidence.LIKELY if _elsewhere_open(door, facts) else sure
        case "timeout":
            # A door beside it that opened shows as well as the control addresses that there is a network.
            beside = tuple(dial for other in facts.doors for dial in other.dials)
            # A machine may have one family only: the other one's control says nothing of these addresses.
            families = {dial.family for dial in counting}
            control = tuple(dial for dial in facts.control if dial.family in families) or facts.control
            if control and not _open((*control, *beside)):
                return ("tcp.filtered", Confidence.LIKELY) if facts.passes else None
            witnessed = bool(facts.control) or _open(beside)
            return "tcp.filtered", sure if witnessed and not _elsewhere_open(door, facts) else Confidence.LIKELY
        case "unreachable":
            return "tcp.unreachable", sure
        case _:
            return "tcp.unreachable", Confidence.POSSIBLE


def _elsewhere_open(door: Door, facts: Facts) -> bool:
    """Whether the very places that are silent here answered another attempt of this run: lost, not dropped."""
    reached = {
        (dial.address, dial.port) for other in facts.doors for dial in other.dials if dial.outcome == "connected"
    }
    return all((dial.address, dial.port) in reached for dial in _counting(door, facts))


def evaluate(facts: Facts) -> Iterator[Finding]:
    for door in facts.doors:
        legacy = _legacy(door, facts)
        if legacy is not None:
            yield legacy
        if not door.dials or (legacy is not None and legacy.severity is Severity.ERROR):
            continue
        if _open(door.dials):
            yield from _ipv6(door, facts)
            yield from _some(door)
        elif (verdict := _verdict(door, facts)) is not None:
            yield _shut(door, *verdict, facts)


def _shut(door: Door, code: str, confidence: Confidence, facts: Facts) -> Finding:
    where = listed(f"{dial.address}" for dial in _counting(door, facts))
    lost = code == "tcp.filtered" and _elsewhere_open(door, facts)
    local = sorted({dial.errno for dial in _counting(door, facts) if dial.errno == "EADDRNOTAVAIL"})
    said = {
        "tcp.refused": "refused at once",
        "tcp.filtered": "unanswered",
        "tcp.unreachable": f"not begun, as this machine has no port or address left for them ({local[0]})"
        if local
        else "without a route",
    }[code]
    answering = sum(dial.outcome == "connected" for dial in facts.control)
    beside = f", while {counted(answering, 'other place')} answered" if code == "tcp.filtered" and answering else ""
    if lost:
        beside = ", while another attempt to the same place stood: packets are lost on the way"
    elif code == "tcp.refused" and _elsewhere_open(door, facts):
        beside = ", while another attempt to the same place stood: not all that are made at the same time may stand"
    elif code == "tcp.filtered" and facts.passes:
        beside = (
            f", as those to the control addresses are, while time servers answer ({listed(facts.passes)}): TCP is "
            "dropped on the way out"
        )
    return Finding(
        code=code,
        summary=f"{ROLE_NAMES[door.role]}: connections to {door.host} port {door.port} are {said} ({where}){beside}.",
        evidence={
            "host": door.host,
            "port": door.port,
            "addresses": _told(door.dials),
            "control": _told(facts.control),
            "longest_wait_ms": _longest_ms(door.dials),
        },
        subject=door.role,
        severity=Severity.WARNING if lost else None,
        confidence=confidence,
        excluded=tuple(
            other
            for other in ("tcp.refused", "tcp.filtered", "tcp.unreachable")
            if other != code and confidence is Confidence.CERTAIN
        ),
    )


def _told(dials: tuple[Dial, ...]) -> dict[str, Json]:
    return {dial.address: dial.errno or dial.outcome for dial in dials}


def _longest_ms(dials: tuple[Dial, ...]) -> float | None:
    longest = max((dial.elapsed_ms for dial in dials), default=0.0)
    return round(longest, 1) if 0 <= longest < 1e12 else None


def _ipv6(door: Door, facts: Facts) -> Iterator[Finding]:
    six = [dial for dial in _possible(door.dials, facts) if dial.family == "v6"]
    four = [dial for dial in door.dials if dial.family == "v4"]
    broken = [dial for dial in six if dial.outcome != "connected" and not _family_missing(dial)]
    if not six or len(broken) < len(six) or not _open(tuple(four)):
        return
    first = broken[0]
    yield Finding(
        code="tcp.ipv6-broken",
        summary=f"{ROLE_NAMES[door.role]}: {door.host} answers on IPv4 ({four[0].address}) and not on IPv6 "
        f"({first.address}: {first.errno or first.outcome}).",
        evidence={
            "host": door.host,
            "port": door.port,
            "addresses": _told(door.dials),
            "longest_wait_ms": _longest_ms(tuple(broken)),
        },
        subject=door.role,
        confidence=Confidence.CERTAIN,
    )


def _some(door: Door) -> Iterator[Finding]:
    """One of several IPv4 addresses is dead: clients that take it fail, or wait, now and then."""
    four = [dial for dial in door.dials if dial.family == "v4"]
    dead = [dial for dial in four if dial.outcome in ("refused", "reset", "timeout")]
    if not dead or not _open(tuple(four)):
        return
    first = dead[0]
    silent = first.outcome == "timeout"
    yield Finding(
        code="tcp.filtered" if silent else "tcp.refused",
        summary=f"{ROLE_NAMES[door.role]}: {len(dead)} of {len(four)} addresses of {door.host} "
        f"{'do not answer' if silent else 'refuse connections'} ({listed(dial.address for dial in dead)}); "
        "clients that take it fail now and then.",
        evidence={
            "host": door.host,
            "port": door.port,
            "addresses": _told(door.dials),
            "longest_wait_ms": _longest_ms(tuple(dead)),
        },
        # Of one address, not of the host: what goes wrong at the others has another cause.
        subject=f"{door.role} {first.address}",
        severity=Severity.WARNING,
        confidence=Confidence.CERTAIN,
        remedy=(
            f"curl -sv --resolve {door.host}:{door.port}:{first.address} https://{door.host}:{door.port}/"
            "   # that address alone",
            "Let the client try the next address when one fails (RFC 8305), and set a connect timeout of a few seconds",
        ),
    )


def _legacy(door: Door, facts: Facts) -> Finding | None:
    """The old WebSocket port: a note when merely closed, the cause when it is the one in the address."""
    if door.role != "ws" or not facts.legacy_port:
        return None
    if door.port != facts.legacy_port:
        old = [dial for dial in door.elsewhere if dial.port == facts.legacy_port]
        if not old or _open(tuple(old)) or not _open(door.dials):
            return None
        return Finding(
            code="tcp.port-8443-closed",
            summary=f"{door.host} answers on port {door.port} and no longer on {facts.legacy_port}, as announced.",
            evidence={"host": door.host, "port": door.port, "old_port": facts.legacy_port, "old": _told(tuple(old))},
            subject=door.role,
        )
    living = [dial for dial in door.elsewhere if dial.outcome == "connected"]
    if _open(door.dials) or not door.dials or not living:
        return None
    return Finding(
        code="tcp.port-8443-closed",
        summary=f"The WebSocket address names the retired port {door.port}, which is closed; {door.host} answers "
        f"on {living[0].port}.",
        evidence={
            "host": door.host,
            "old_port": door.port,
            "open_port": living[0].port,
            "addresses": _told(door.dials),
        },
        subject=door.role,
        severity=Severity.ERROR,
        remedy=(f"Take :{door.port} out of the WebSocket address (443 is the default), or write :{living[0].port}",),
        excluded=("tcp.refused", "tcp.filtered"),
    )


CHECK = Check(
    id="tcp",
    title="The hosts accept connections",
    facts=Facts,
    probe=probe,
    evaluate=evaluate,
    causes=("tcp.refused", "tcp.filtered", "tcp.unreachable", "tcp.ipv6-broken", "tcp.port-8443-closed"),
)
