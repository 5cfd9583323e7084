"""What the exchange's authentication refusals mean: codes that name their cause without a second request.

Shared by the checks that make signed requests. The order in which the exchange checks things gives these codes their
weight: a code of this list is only reached once headers are complete and the timestamp is inside the window.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from okxdoctor.check import Skip
from okxdoctor.model import Confidence, Finding, Json
from okxdoctor.port import AccountView, Io, KeyStanding
from okxdoctor_checks._answers import Reply, line

SIGNED = ("/api/v5/account/", "/api/v5/asset/", "/api/v5/trade/")
"""Where requests are signed: what is answered there says something of the key."""
EXPIRED = "50102"
NOT_LISTED = "50110"
WRONG_ENVIRONMENT = frozenset({"50101"})
WRONG_METHOD = "50115"
UNKNOWN_KEY = frozenset({"50119", "50067"})
# Refused for another reason than the key's absence: so the key exists there.
KNOWS_THE_KEY = frozenset({"50100", "50105", "50110", "50113", "50120", "50035"})
HEADERS = {
    "50103": "OK-ACCESS-KEY",
    "50104": "OK-ACCESS-PASSPHRASE",
    "50106": "OK-ACCESS-SIGN",
    "50107": "OK-ACCESS-TIMESTAMP",
}
NAMED = frozenset({*KNOWS_THE_KEY, *HEADERS, "50111", "50112"})
"""Codes for which :func:`plain_refusal` has a finding."""
AUTHENTICATION = frozenset({*NAMED, *WRONG_ENVIRONMENT, *UNKNOWN_KEY, EXPIRED, "50114"})
"""Every refusal that comes before the exchange looks at what was asked; 50120 and 50035 come right after."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How requests reach the exchange. ``via``: host:port of the proxy, "" without one."""

    host: str
    via: str


def seen(reply: Reply) -> dict[str, Json]:
    """The part of the evidence that every refusal has."""
    return {"http_status": reply.status, "code": reply.code, "message": reply.msg}


def in_between(way: Way, does: str) -> tuple[str, ...]:
    """What to try when something between this machine and the exchange changes what was sent."""
    if way.via:
        return (
            "env -u HTTPS_PROXY -u https_proxy okxdoctor run --only key   # the same without the proxy",
            f"Let the proxy {way.via} pass {way.host} as a tunnel (CONNECT), without opening it; it {does}",
        )
    return (
        "okxdoctor run --only key   # the same from another network",
        f"Gateway, TLS inspection: let OK-ACCESS-* headers and the path pass; something before {way.host} {does}",
    )


def plain_refusal(reply: Reply, way: Way) -> Iterator[Finding]:
    """The finding for a code of NAMED, nothing for others."""

    def finding(cause: str, summary: str, remedy: tuple[str, ...] = (), excluded: tuple[str, ...] = ()) -> Finding:
        return Finding(
            code=cause, summary=summary, evidence=seen(reply), subject="rest", remedy=remedy, excluded=excluded
        )

    match reply.code:
        case code if code in HEADERS:
            yield _header(reply, way)
        case "50100":
            yield finding("key.frozen", "The exchange has frozen this key (50100)")
        case "50105":
            yield finding("key.passphrase-wrong", "The key is known here and its passphrase is another one (50105)")
        case "50110":
            yield _address(reply, way)
        case "50111":
            yield finding("key.malformed", "The exchange says that the key id has no key's form (50111)")
        case "50112":
            yield finding(
                "timestamp.format",
                "A timestamp sent in the documented form arrives in another one (50112)",
                remedy=in_between(way, "rewrites the timestamp"),
            )
        case "50113":
            yield finding(
                "key.secret-wrong",
                "The key is known here and okxdoctor's own signature is refused (50113): the secret is another one",
                excluded=("timestamp.expired", "key.unknown"),
            )
        case "50120":
            yield finding("permission.missing", line(f"The key may not use {reply.method} {_endpoint(reply)} (50120)"))
        case "50035":
            yield finding(
                "permission.ip-binding-required", "The exchange wants this key bound to an IP address first (50035)"
            )
        case _:
            return


async def accepted_account(io: Io) -> AccountView:
    """What account/config said of a key that is accepted as requests are sent; else the skip that names the reason."""
    standing, account = await io.given(KeyStanding), await io.given(AccountView)
    if standing is not None and standing.standing == "refused":
        raise Skip(f"the key is refused ({standing.code}) (see key)", layer="key")
    if account is None:
        raise Skip("account/config was not answered (see key)", layer="key")
    return account


def by_address(reply: Reply) -> Skip | None:
    """The skip for a request that was refused for the address it came from, though others of the key were not."""
    if reply.code != NOT_LISTED:
        return None
    return Skip(f"{_endpoint(reply)} was refused for the address it came from (50110, see egress)", layer="egress")


def _endpoint(reply: Reply) -> str:
    return reply.path.partition("?")[0].removeprefix("/api/v5/")


def _header(reply: Reply, way: Way) -> Finding:
    header = HEADERS[reply.code]
    return Finding(
        code="header.missing",
        summary=f"{header} was sent and did not arrive: the exchange answers {reply.code}",
        evidence={**seen(reply), "header": header, "via": way.via or "no proxy"},
        subject="rest",
        remedy=in_between(way, f"removes the header {header}"),
    )


def other_method(reply: Reply, way: Way) -> Finding:
    """50115 to a method that is the documented one."""
    return Finding(
        code="signature.unexplained",
        summary=f"A signed {reply.method} arrives as another method ({reply.code}): requests are changed on the way",
        evidence={**seen(reply), "method": reply.method, "changed": "method", "via": way.via or "no proxy"},
        subject="rest",
        confidence=Confidence.LIKELY,
        remedy=in_between(way, "changes the method"),
        excluded=("key.secret-wrong", "timestamp.expired"),
    )


def _address(reply: Reply, way: Way) -> Finding:
    """50110: the message says which address the exchange saw."""
    refused = next(iter(addresses_in(reply.msg)), "")
    six = ":" in refused
    entry = f"{refused}, or the network {ip_network(f'{refused}/64', strict=False)}," if six else refused
    return Finding(
        code="ip.not-whitelisted",
        summary=f"The key's IP list does not have {refused or 'the address this machine leaves from'} (50110)",
        evidence={
            **seen(reply),
            "refused_address": refused or "not in the message",
            "family": ("v6" if six else "v4") if refused else "",
            "via": way.via or "no proxy",
        },
        subject="rest",
        remedy=(
            f"API page, edit this key, add {entry} to its IP list",
            "Or leave from a listed address: fixed cloud address, NAT gateway, proxy",
            "Listed already? It may have been saved on another key: compare the last characters of the key id",
        )
        if refused
        else (),
        excluded=("key.unknown", "key.frozen"),
    )


def several_ways_out(refused: Reply, others: tuple[Reply, ...]) -> Finding | None:
    """One connection was refused for its address: the finding if one of ``others`` came from another address."""
    if all(reply.failure is not None or reply.msg == refused.msg for reply in others):
        return None
    shown = tuple(dict.fromkeys(address for reply in (refused, *others) for address in addresses_in(reply.msg)))
    accepted = any(reply.code != NOT_LISTED and reply.failure is None for reply in others)
    return Finding(
        code="ip.egress-unstable",
        summary=line(
            f"New connections leave from more than one address: {', '.join(shown[:4]) or 'an address'} refused (50110)"
            + (", others are not" if accepted else "")
        ),
        evidence={**seen(refused), "refused_addresses": list(shown), "attempts": [reply.said for reply in others]},
        subject="rest",
        confidence=Confidence.LIKELY,
        remedy=one_way_out(", ".join(shown[:4])),
        excluded=("ip.not-whitelisted",),
    )


def one_way_out(seen_so_far: str) -> tuple[str, ...]:
    """What to do about a way out that changes."""
    return (
        "Leave by one address: a fixed cloud address, a NAT gateway with one address, a proxy",
        f"Or list the whole pool, {seen_so_far} and the others; at most 20 entries, networks are allowed",
    )


def addresses_in(message: str) -> tuple[str, ...]:
    """The IP addresses that stand in a text as words, in order, in their canonical form."""
    found: list[str] = []
    for word in message.split():
        try:
            found.append(str(ip_address(word.strip("\"'.,;()<>[]"))))
        except ValueError:
            continue
    return tuple(found)
