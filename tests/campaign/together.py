"""Which faults can be on at once: two that set the same circumstance cannot.

Only what cannot be set up is left out of the campaign, and each row says why. That the doctor has trouble with a pair
is no reason: it is drawn, and counted as wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True, slots=True, kw_only=True)
class Apart:
    """``one`` and ``other`` (globs over a fault's text, ``name`` or ``name=value``) cannot be on together."""

    one: str
    other: str
    why: str


_ONE_LIST = "the key's IP list is one: empty in the one world, with entries in the other"
_ONE_KEY = "one record of one key: permissions that it has in the one world are those that it lacks in the other"
_OTHER_KEY = "the fault alters the record of the key that was handed out; the user of that world holds another site's"
_ONE_ADDRESS = "the profile has one WebSocket address, and both write it"

NEVER: tuple[Apart, ...] = (
    # ---- one member of the profile, one variable of the environment
    Apart(one="dns-retired-name*", other="dns-unofficial-name", why="the profile has one REST address"),
    Apart(one="region-wrong-ws-host*", other="key-wrong-environment-ws", why=_ONE_ADDRESS),
    Apart(one="region-wrong-ws-host*", other="ws-wrong-path-address*", why=_ONE_ADDRESS),
    Apart(one="key-wrong-environment-ws", other="ws-wrong-path-address*", why=_ONE_ADDRESS),
    Apart(
        one="proxy-split", other="dns-unofficial-name",
        why="by the other name REST and the WebSocket are one host, and NO_PROXY goes by hosts",
    ),
    *(
        Apart(one="proxy-split", other=other, why="the WebSocket address is not the host that NO_PROXY names")
        for other in ("region-wrong-ws-host*", "key-wrong-environment-ws")
    ),
    Apart(
        one="dns-unofficial-name", other="tcp-*-one-host=ws",
        why="by the other name nobody asks the host whose port is closed",
    ),
    *(
        Apart(
            one="tcp-port-8443-closed", other=other,
            why="the WebSocket address that this fault writes into the profile does not name the old port",
        )
        for other in ("region-wrong-ws-host*", "key-wrong-environment-ws", "ws-wrong-path-address*",
                      "dns-unofficial-name")
    ),
    Apart(
        one="dns-name-not-found-blocked*", other="tcp-unreachable",
        why="both are an answer of the program's resolver: no address, or one to which there is no route",
    ),
    *(
        Apart(
            one="dns-name-not-found=ws.okx.test", other=other,
            why="nobody asks for the name that does not exist: the profile names another WebSocket host",
        )
        for other in ("region-wrong-ws-host*", "key-wrong-environment-ws")
    ),
    # ---- one record of the key
    *(
        Apart(one=one, other=other, why=_ONE_LIST)
        for one in ("ip-unbound", "key-idle-expiry", "permission-ip-binding-required")
        for other in ("ip-not-whitelisted*", "ip-private-listed*", "ip-family-mismatch", "ip-egress-unstable*")
    ),
    *(
        Apart(one=one, other=other, why=_ONE_KEY)
        for one, other in (
            ("ip-unbound", "permission-*"), ("ip-unbound", "key-idle-expiry"), ("key-idle-expiry", "permission-*"),
            ("permission-excess", "permission-*"), ("permission-missing*", "permission-ip-binding-required"),
        )
    ),
    *(
        Apart(one="region-wrong-rest-host*", other=other, why=_OTHER_KEY)
        for other in ("key-frozen", "key-idle-expiry", "key-passphrase-wrong", "key-secret-wrong", "key-unknown",
                      "key-wrong-environment", "ip-private-listed*", "ip-unbound", "permission-*")
    ),
    # ---- one wallet
    Apart(
        one="account-funds-elsewhere", other="order-insufficient-funds",
        why="the same money lies in the funding account in the one world and nowhere in the other",
    ),
    # ---- one packet, one address
    *(
        Apart(
            one="ip-family-mismatch", other=other,
            why="that world is reached over IPv6 as well, so no longer is every address dead",
        )
        for other in ("tcp-refused*", "tcp-filtered*", "tcp-unreachable*")
    ),
    Apart(
        one="dns-poisoned=127.*", other="tcp-*",
        why="on this loopback an address in 127/8 is foreign only by being dead, and then the right one is dead too",
    ),
)  # fmt: skip


def why_never(one: str, other: str) -> str:
    """Why both faults (their texts) cannot be on at once; empty when they can."""
    for row in NEVER:
        if any(fnmatchcase(a, row.one) and fnmatchcase(b, row.other) for a, b in ((one, other), (other, one))):
            return row.why
    both = members(one) & members(other)
    return f"both write {' and '.join(sorted(both))}" if both else ""


def composable(*faults: str) -> bool:
    """Whether all of these faults can be on at once, each being what it says."""
    return not any(why_never(one, other) for n, one in enumerate(faults) for other in faults[n + 1 :])


def members(fault: str) -> set[str]:
    """Which members of the user's two orders a mistake in them writes: ``px of the spot order``."""
    from okxdoctor.targets import world_orders

    name, _, value = fault.partition("=")
    found = world_orders._MISTAKES.get((name, value))
    return {f"{member} of the {found[0]} order" for member in found[1]} if found is not None else set()
