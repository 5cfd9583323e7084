"""One host name of the configuration, how it was answered, and what is odd about the answer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from okxdoctor.model import Json
from okxdoctor.port import Dial, Lookup, Role
from okxdoctor_checks._addresses import kind, parse
from okxdoctor_checks._words import ROLE_NAMES, listed


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


def addresses_of(host: Host) -> tuple[str, ...]:
    """The addresses that the program sees."""
    return host.lookups[0].addresses if host.lookups else ()


def given_elsewhere(host: Host) -> dict[str, tuple[str, ...]]:
    """What servers asked directly gave, by server; only those that gave an address."""
    return {lookup.resolver: lookup.addresses for lookup in host.lookups[1:] if lookup.addresses}


def contradicted(host: Host) -> bool:
    """Whether another resolver gives addresses of which the program sees none."""
    own = set(addresses_of(host))
    others = {address for addresses in given_elsewhere(host).values() for address in addresses}
    return bool(own) and bool(others) and not own & others


def captured_as(host: Host) -> str:
    """The longer name that a search list made of this one, ``""`` when it was looked up as it is."""
    canonical = (host.lookups[0].canonical or "").rstrip(".").lower() if host.lookups else ""
    return canonical if canonical.startswith(f"{host.name.rstrip('.').lower()}.") else ""


def like_control(host: Host, control: tuple[Lookup, ...]) -> bool:
    """Whether every address is a public one that a name which has nothing to do with the exchange has as well."""
    own = set(addresses_of(host))
    if not own or not control or control[0].name == host.name:
        return False
    return own <= set(control[0].addresses) and all(kind(address) == "global" for address in own)


def is_odd(host: Host, control: tuple[Lookup, ...]) -> bool:
    """Whether the addresses are worth a look at who is there. A hint only: edges have many addresses, and customers."""
    if parse(host.name) is not None:
        return False
    return contradicted(host) or bool(captured_as(host)) or like_control(host, control)


def answers(lookups: Iterable[Lookup]) -> dict[str, Json]:
    return {lookup.resolver: (list(lookup.addresses) or lookup.outcome) for lookup in lookups}


def who(host: Host) -> str:
    return listed(ROLE_NAMES[role] for role in host.roles)


def dig(host: Host) -> str:
    """Asks another resolver that gave an address, else a public one."""
    server, _, port = next((r for r in given_elsewhere(host) if not r.startswith("http")), "1.1.1.1:53").rpartition(":")
    return f"dig +short {host.name} @{server.strip('[]')}" + (f" -p {port}" if port != "53" else "")
