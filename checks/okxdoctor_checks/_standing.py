"""Judging what account/config says of a key: its permissions against the need, and its IP list."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Literal

from okxdoctor.model import Finding, Json
from okxdoctor.port import AccountView
from okxdoctor_checks._answers import line
from okxdoctor_checks._limits import limit

ALIASES = {"read": "read_only"}
"""The documentation prints both words; account/config answers with the second."""

# Never seen by the exchange as a peer: private use (RFC 1918, RFC 4193), shared (RFC 6598), link-local, unspecified.
_PRIVATE = (
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "0.0.0.0/8",
    "fc00::/7", "fe80::/10", "::/128",
)  # fmt: skip
_LOOPBACK = ("127.0.0.0/8", "::1/128")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What the key is for. ``addresses``: which ones the target declares right for itself (see View)."""

    environment: Literal["live", "demo"]
    need: tuple[str, ...]
    addresses: Literal["global", "loopback", "any"]


def permissions(account: AccountView, setting: Setting) -> Iterator[Finding]:
    """permission.missing and permission.excess."""
    needed = {ALIASES.get(word, word) for word in setting.need}
    held = set(account.perm)
    if not held:
        return  # an answer without perm tells nothing about permissions
    evidence: dict[str, Json] = {"perm": list(account.perm), "need": list(setting.need)}
    if missing := sorted(needed - held):
        yield Finding(
            code="permission.missing",
            summary=line(f"The integration needs {' and '.join(missing)}; the key has only {', '.join(account.perm)}"),
            evidence={**evidence, "missing": missing},
            subject="rest",
        )
    spare = held - needed - {"read_only"} if needed else held & {"withdraw"}
    if spare:
        yield Finding(
            code="permission.excess",
            summary=line(
                f"The key may {' and '.join(sorted(spare))}, which the integration "
                + ("does not need" if needed else "was not said to need")
            ),
            evidence={**evidence, "excess": sorted(spare)},
        )


def ip_list(account: AccountView, setting: Setting) -> Iterator[Finding]:
    """ip.private-listed, or for an empty list exactly one of key.idle-expiry and ip.unbound.

    One circumstance, one finding: an unbound live key that may trade or withdraw is deleted when idle, and that says
    its reach too; demo keys do not expire, and a key that only reads does not either.
    """
    if account.ip is None:
        return  # an answer without a list tells nothing about one
    evidence: dict[str, Json] = {"ip": list(account.ip), "perm": list(account.perm), "environment": setting.environment}
    if not account.ip:
        powers = [word for word in account.perm if word in ("trade", "withdraw")]
        if powers and setting.environment == "live":
            days = limit("key_idle_days")
            yield Finding(
                code="key.idle-expiry",
                summary=f"The key may {' and '.join(powers)} and has no IP list: {days:g} days without use delete it",
                evidence={**evidence, "idle_days": days},
            )
        else:
            yield Finding(code="ip.unbound", summary="The key works from every address", evidence=evidence)
        return
    nowhere = [entry for entry in account.ip if _never_seen(entry, setting.addresses)]
    if nowhere:
        yield Finding(
            code="ip.private-listed",
            summary=line(f"The key's IP list has {', '.join(nowhere)}, which the exchange never sees as a peer"),
            evidence={**evidence, "private": nowhere},
        )


def _never_seen(entry: str, addresses: str) -> bool:
    try:
        listed = ip_network(entry, strict=False)
    except ValueError:
        return False
    return any(_within(listed, ip_network(block)) for block in _PRIVATE + (_LOOPBACK if addresses == "global" else ()))


def _within(listed: IPv4Network | IPv6Network, block: IPv4Network | IPv6Network) -> bool:
    match listed, block:
        case (IPv4Network(), IPv4Network()) | (IPv6Network(), IPv6Network()):
            return listed.subnet_of(block)  # type: ignore[arg-type]  # both of one version
        case _:
            return False
