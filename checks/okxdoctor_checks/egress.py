"""By which addresses do requests leave, as the exchange sees them?

OKX says which address it saw only when it refuses it (50110). So this check waits for the others and, only if one of
their requests was refused for its address, repeats a read: over IPv4 alone, over IPv6 alone, and over fresh connections
as programs make them, and logs in over a WebSocket. Spread over two endpoints, six requests in all.

What it finds, and what to do:
* family mismatch: one address family is refused and the other accepted: list the refused address too, or connect over
  the listed family alone. Libraries differ in which one they try first, and so may REST and WebSocket.
* egress unstable: new connections leave from more than one address, and not all are listed: some requests pass and some
  do not, by chance. Or REST leaves by another way than the WebSocket. Leave by one address, or list them all.

One address that is refused each time is told by the check `key`. Without credentials this check is skipped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from ipaddress import ip_network
from typing import Literal

from okxdoctor.check import Check, Inconclusive, Skip
from okxdoctor.model import Finding, Json
from okxdoctor.port import AccountView, Ask, Io, TimeBasis
from okxdoctor_checks._answers import Reply, line, read, together
from okxdoctor_checks._conversation import message, patience_s
from okxdoctor_checks._refusals import (
    EXPIRED,
    NOT_LISTED,
    SIGNED,
    WRONG_ENVIRONMENT,
    Way,
    addresses_in,
    one_way_out,
    plain_refusal,
)

CONFIG = "/api/v5/account/config"
BALANCE = "/api/v5/account/balance"
FRESH = 3
BEHIND_THE_ADDRESS = ("50105", "50113", "50120")
"""Passphrase, signature, permission: refused for these, a request has come from a listed address."""
Family = Literal["v4", "v6"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """One attempt: over which family ("any": as programs do), accepted, refused for its ``address``, or neither.

    ``otherwise``: refused for something that is looked at behind the address, so the address is listed.
    """

    family: Literal["any", "v4", "v6"]
    outcome: Literal["accepted", "refused", "unknown"]
    address: str = ""
    otherwise: Reply | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """``refused``, ``accepted``: signed requests of the whole run before, by their answers. ``passages``: the same read
    over other connections, only after a refusal. ``listed``: the key's entries, where the exchange told them.
    ``websocket``: what a login there met, which may leave by another way."""

    host: str = ""
    via: str = ""
    refused: int = 0
    accepted: int = 0
    passages: tuple[Passage, ...] = ()
    listed: tuple[str, ...] = ()
    websocket: Literal["accepted", "refused", "unknown"] = "unknown"


# ---- probe -------------------------------------------------------------------------------------


async def probe(io: Io) -> Facts:
    if not io.view.credentials:
        raise Skip("no whole API key (id, secret, passphrase) is set: private checks are not made")
    await io.settled()
    codes = [row.code for row in io.ledger() if row.path.startswith(SIGNED)]
    facts = Facts(refused=codes.count(NOT_LISTED), accepted=codes.count("0"))
    if not facts.refused:
        return facts
    route, account = io.view.rest_route, await io.given(AccountView)
    # With a wrong clock nothing comes as far as the list of addresses.
    time = await io.given(TimeBasis) if EXPIRED in codes else None
    shift_s = (time.low_s + time.high_s) / 2 if time is not None else 0.0
    config = Ask(method="GET", path=CONFIG, signed=True, fresh=True, shift_s=shift_s)
    if not WRONG_ENVIRONMENT.isdisjoint(codes):
        # Nor in the environment that is not the key's.
        config = replace(config, simulated=io.view.environment == "live")
    asks = [replace(config, family="v4"), replace(config, family="v6"), *[replace(config, path=BALANCE)] * FRESH]
    return Facts(
        host=io.view.rest.host,
        via=f"{route.host}:{route.port}" if route is not None else "",
        refused=facts.refused,
        accepted=facts.accepted,
        passages=await together(*(_passage(io, ask) for ask in asks)),
        listed=(account.ip or ()) if account is not None else (),
        websocket=await _login(io),
    )


async def _login(io: Io) -> Literal["accepted", "refused", "unknown"]:
    """One login over a WebSocket of its own."""
    try:
        socket = await io.open_socket("private")
    except (Skip, Inconclusive):  # a recording holds no sockets
        return "unknown"
    try:
        if not socket.opening.ok:
            return "unknown"
        await socket.login()
        frame = await socket.receive(patience_s(io, "ws_login_s"))
        event = message(frame.text).get("event") if frame is not None else None
        return "accepted" if event == "login" else "refused" if event == "error" else "unknown"
    finally:
        await socket.close()


async def _passage(io: Io, ask: Ask) -> Passage:
    try:
        reply = read(await io.http(ask))
    except (Skip, Inconclusive):  # a recording does not hold it
        return Passage(family=ask.family, outcome="unknown")
    if reply.code == NOT_LISTED:
        return Passage(family=ask.family, outcome="refused", address=next(iter(addresses_in(reply.msg)), ""))
    if reply.code in BEHIND_THE_ADDRESS:
        return Passage(family=ask.family, outcome="accepted", otherwise=reply)
    return Passage(family=ask.family, outcome="accepted" if reply.kind == "ok" else "unknown")


# ---- evaluate ----------------------------------------------------------------------------------


def evaluate(facts: Facts) -> Iterable[Finding]:
    refused = tuple(dict.fromkeys(one.address for one in facts.passages if one.outcome == "refused" and one.address))
    evidence: dict[str, Json] = {
        "refused_addresses": list(refused) or ["not in the message"],
        "attempts": [f"{one.family} {one.outcome} {one.address}".strip() for one in facts.passages],
        "requests_refused": facts.refused,
        "requests_accepted": facts.accepted,
        "websocket_login": facts.websocket,
        "via": facts.via or "no proxy",
        **({"listed": list(facts.listed)} if facts.listed else {}),
    }
    told = {str(one.family): one.outcome for one in facts.passages if one.family != "any"}
    for family, other in (("v6", "v4"), ("v4", "v6")):
        if (
            {_family(address) for address in refused} == {family}
            and (told.get(family), told.get(other)) == ("refused", "accepted")
        ):  # fmt: skip
            yield _mismatch(family, other, refused, evidence)
            yield from _behind(facts)
            return
    yield from _unstable(facts, refused, evidence)


def _family(address: str) -> Family:
    return "v6" if ":" in address else "v4"


def _mismatch(family: str, other: str, refused: tuple[str, ...], evidence: dict[str, Json]) -> Finding:
    six = family == "v6"
    entry = f"{refused[0]}, or the network {ip_network(f'{refused[0]}/64', strict=False)}," if six else refused[0]
    names = {"v4": "IPv4", "v6": "IPv6"}
    return Finding(
        code="ip.family-mismatch",
        summary=line(
            f"Requests leave over {names[family]} ({refused[0]}), which the key's IP list does not have; over "
            f"{names[other]} the same request is accepted"
        ),
        evidence={**evidence, "refused_family": family, "accepted_family": other},
        subject="rest",
        remedy=(
            f"API page, edit this key, add {entry} to its IP list",
            f"Or connect over {names[other]} alone: httpx local_address="
            + ("'0.0.0.0'" if six else "'::'")
            + ("; aiohttp TCPConnector(family=socket.AF_INET)" if six else ""),
            f"curl -{6 if six else 4}s https://www.cloudflare.com/cdn-cgi/trace   # ip=: the refused way",
        ),
        excluded=("ip.not-whitelisted", "ip.egress-unstable"),
    )


def _unstable(facts: Facts, refused: tuple[str, ...], evidence: dict[str, Json]) -> Iterator[Finding]:
    fresh = {one.outcome for one in facts.passages if one.family == "any"}
    mixed = bool(facts.refused) and (facts.accepted > 0 or "accepted" in fresh)
    if not mixed and len(refused) < 2:
        if facts.refused and facts.websocket == "accepted":
            yield _two_ways(refused, evidence)
        return
    shown = ", ".join(refused[:4]) or "an address"
    yield Finding(
        code="ip.egress-unstable",
        summary=line(
            f"New connections leave from more than one address: {shown} {'are' if len(refused) > 1 else 'is'} refused "
            "(50110)" + (", others are accepted" if mixed else "")
        ),
        evidence=evidence,
        subject="rest",
        remedy=one_way_out(shown),
        excluded=("ip.family-mismatch",),
    )


def _two_ways(refused: tuple[str, ...], evidence: dict[str, Json]) -> Finding:
    return Finding(
        code="ip.egress-unstable",
        summary=line(
            f"REST leaves by {', '.join(refused) or 'an address'} and is refused (50110); the WebSocket leaves by "
            "another way, which is accepted"
        ),
        evidence=evidence,
        subject="rest",
        remedy=(
            "Send both the same way: the same proxy, or none, for REST and WebSocket",
            f"Or list both addresses: {', '.join(refused) or 'the refused one'} and the one of the WebSocket",
        ),
        excluded=("ip.family-mismatch",),
    )


def _behind(facts: Facts) -> Iterator[Finding]:
    """What the other family met behind the address."""
    met = next((one.otherwise for one in facts.passages if one.otherwise is not None), None)
    if met is not None:
        yield from plain_refusal(met, Way(host=facts.host, via=facts.via))


CHECK = Check(
    id="egress",
    title="Requests leave by addresses that the key's list has",
    facts=Facts,
    probe=probe,
    evaluate=evaluate,
    reads=("clock", "key", "signature", "account", "order"),
    brings=("key",),
    private=True,
    causes=(
        "ip.family-mismatch",
        "ip.egress-unstable",
        "key.passphrase-wrong",
        "key.secret-wrong",
        "permission.missing",
    ),
)
