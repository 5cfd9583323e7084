"""Answers that lead elsewhere than to the exchange: addresses that cannot be its own, are dead, or somebody else's."""

from __future__ import annotations

from typing import Literal

from okxdoctor.model import Confidence, Finding, Severity
from okxdoctor.port import Lookup
from okxdoctor_checks._addresses import WORDS, kind, parse
from okxdoctor_checks._certificates import covers
from okxdoctor_checks._resolved import (
    Host,
    addresses_of,
    answers,
    captured_as,
    contradicted,
    dig,
    given_elsewhere,
    is_odd,
    like_control,
    who,
)
from okxdoctor_checks._words import listed

Addresses = Literal["global", "loopback", "any"]


def poisoned(host: Host, subject: str, control: tuple[Lookup, ...], addresses: Addresses) -> Finding | None:
    """Why the addresses that the program sees are not the exchange's; ``addresses``: which kind is right for it."""
    return (
        _wrong_kind(host, subject, addresses)
        or _dead_answer(host, subject)
        or _dead_for_all(host, subject, control)
        or _somebody_else(host, subject, control)
    )


def _wrong_kind(host: Host, subject: str, addresses: Addresses) -> Finding | None:
    """An address that cannot be the exchange's, whoever asks."""
    if addresses == "any" or parse(host.name) is not None:
        return None
    kinds = {address: kind(address) for address in addresses_of(host)}
    wrong = {address: found for address, found in kinds.items() if found != addresses}
    # A tunnel that answers names itself and carries the connections is a deliberate way out, and it works.
    carried = {dial.address for dial in host.dials if dial.outcome == "connected"}
    wrong = {a: found for a, found in wrong.items() if not (found == "fake-ip" and a in carried)}
    if not wrong:
        return None
    address, found = next(iter(wrong.items()))
    some = len(wrong) < len(kinds)
    return Finding(
        code="dns.poisoned",
        summary=f"{host.name} ({who(host)}) resolves to {address}, {WORDS[found]}"
        + (f"; {len(wrong)} of {len(kinds)} addresses are wrong." if some else "; the exchange is not there."),
        evidence={
            "name": host.name,
            "wrong": dict(wrong),
            "expected": addresses,
            "answers": answers(host.lookups),
        },
        subject=subject,
        severity=Severity.WARNING if some else None,
        remedy=_other_resolver(host),
    )


def _dead_answer(host: Host, subject: str) -> Finding | None:
    """Another resolver's address lives and none that the program sees does."""
    if not contradicted(host):
        return None
    reached = {dial.address: dial.outcome == "connected" for dial in host.dials}
    own, elsewhere = addresses_of(host), given_elsewhere(host)
    alive = {r: addresses for r, addresses in elsewhere.items() if any(reached.get(a) for a in addresses)}
    if not alive or not all(reached.get(a) is False for a in own):
        return None
    if any(reached.get(address) for address in host.lookups[0].in_turn):
        return None  # the same way leads to living addresses too, one at a time: this one is dead, not the answer wrong
    resolver, addresses = next(iter(alive.items()))
    living = next(address for address in addresses if reached.get(address))
    return Finding(
        code="dns.poisoned",
        summary=f"{host.name} ({who(host)}) resolves to {listed(own)}, where nobody answers; "
        f"{resolver} gives {living}, which does.",
        evidence={
            "name": host.name,
            "answers": answers(host.lookups),
            "connected": dict(reached),
        },
        subject=subject,
        remedy=_other_resolver(host),
        excluded=("tcp.refused", "tcp.filtered"),
    )


def _dead_for_all(host: Host, subject: str, control: tuple[Lookup, ...]) -> Finding | None:
    """The address that every name gets, and nobody is there: a sinkhole."""
    own = addresses_of(host)
    reached = {dial.address: dial.outcome == "connected" for dial in host.dials}
    if not like_control(host, control) or not all(reached.get(address) is False for address in own):
        return None
    return Finding(
        code="dns.poisoned",
        summary=f"{host.name} ({who(host)}) resolves to {listed(own)}, as the control name "
        f"{control[0].name} does, and nobody answers there.",
        evidence={
            "name": host.name,
            "like": control[0].name,
            "answers": answers(host.lookups),
            "connected": dict(reached),
        },
        subject=subject,
        confidence=Confidence.LIKELY,
        remedy=_other_resolver(host),
        excluded=("tcp.refused", "tcp.filtered"),
    )


def _somebody_else(host: Host, subject: str, control: tuple[Lookup, ...]) -> Finding | None:
    """An odd address, and whoever is there has another name in the certificate."""
    if host.presents is None or not is_odd(host, control) or covers(host.presents, host.name):
        return None
    captured = captured_as(host)
    if captured:
        why = f"a search list makes {captured} of it"
    elif contradicted(host):
        others = given_elsewhere(host)
        why = f"{listed(others)} {'gives' if len(others) == 1 else 'give'} another address"
    else:
        why = f"the control name {control[0].name} resolves to the same"
    named = listed(host.presents, limit=3) if host.presents else "nobody"
    return Finding(
        code="dns.poisoned",
        summary=f"{host.name} ({who(host)}) resolves to {listed(addresses_of(host))}, where the certificate is "
        f"{named}'s; {why}.",
        evidence={
            "name": host.name,
            "presents": list(host.presents[:20]),
            "canonical": captured or None,
            "answers": answers(host.lookups),
            "control": answers(control),
        },
        subject=subject,
        remedy=(
            "Unix: cat /etc/resolv.conf   # its search list and ndots; a dot behind a name keeps the list away",
            *_other_resolver(host),
        )
        if captured
        else (f"getent hosts {host.name}; grep {host.name} /etc/hosts   # where it comes from", *_other_resolver(host)),
        excluded=("tls.hostname-mismatch", "tls.intercepted"),
    )


def likewise(host: Host, subject: str, companion: Host) -> Finding:
    """The same answer as for a name that is surely poisoned, and others contradict it here as well."""
    return Finding(
        code="dns.poisoned",
        summary=f"{host.name} ({who(host)}) resolves to {listed(addresses_of(host))} like {companion.name}; "
        f"{listed(given_elsewhere(host))} {'gives' if len(given_elsewhere(host)) == 1 else 'give'} another address.",
        evidence={
            "name": host.name,
            "like": companion.name,
            "answers": answers(host.lookups),
            "connected": {dial.address: dial.outcome == "connected" for dial in host.dials},
        },
        subject=subject,
        confidence=Confidence.LIKELY,
        remedy=_other_resolver(host),
        excluded=("tcp.refused", "tcp.filtered"),
    )


def _other_resolver(host: Host) -> tuple[str, ...]:
    return (
        f"{dig(host)}   # what another resolver answers",
        "Set a resolver you trust (/etc/resolv.conf, the router, the container), or DNS over HTTPS",
        "Or let a proxy resolve the names: okxdoctor run --proxy socks5h://HOST:PORT",
    )
