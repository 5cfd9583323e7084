"""What cannot be seen while a fault is on, and what may be said in its place: facts of the world, each with its reason.

A row stands here because no measurement could tell the other fault apart (behind a closed port nobody sees a wrong
key), never because the doctor happens not to. What the doctor could have seen and did not is missing from a report, and
the campaign counts it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from worlds import Wrong


@dataclass(frozen=True, slots=True, kw_only=True)
class Hidden:
    """While one of ``behind`` is on, ``of`` is out of sight. Globs over causes, or over the texts of faults."""

    behind: tuple[str, ...]
    of: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StandIn:
    """While one of ``behind`` is on, a world with ``of`` is the same to every measurement as one with ``reads_as``.

    ``as_well``: that is true of it beside, and takes nobody's place.
    """

    of: tuple[str, ...]
    reads_as: tuple[str, ...]
    behind: tuple[str, ...]
    why: str
    as_well: bool = False


_OF_THE_KEY = ("region.*", "key.*", "ip.*", "permission.*", "header.*", "timestamp.*")
_OF_THE_ACCOUNT = ("account.*", "order.insufficient-funds", "order.state-diverges", "order-parameter-invalid=nothing-*")
_NEEDS_REST = (
    *_OF_THE_KEY, *_OF_THE_ACCOUNT, "status.*", "ratelimit.*", "instrument.*", "precision.price-off-tick",
    "precision.size-*", "order.price-out-of-band", "order.unit-confusion", "schema.*", "clock.server-time-cached",
    "clock.sources-disagree", "clock.ntp-unreachable",
)  # fmt: skip
_NEEDS_GOOD_ANSWERS = (
    "region.*", "ip.private-listed", "ip.unbound", "key.idle-expiry", "key.wrong-environment", "permission.*",
    *(glob for glob in _NEEDS_REST if glob not in _OF_THE_KEY),
)  # fmt: skip
_NEEDS_ANY_ANSWER = ("http.*", "ws.*", *_NEEDS_REST)
_NEEDS_TLS = ("tls.*", *_NEEDS_ANY_ANSWER)
_NEEDS_TCP = ("tcp.*", *_NEEDS_TLS)
_CHAIN = (
    "tls.expired", "tls.not-yet-valid", "tls.hostname-mismatch", "tls.self-signed", "tls.intercepted",
    "tls.trust-store", "tls.incomplete-chain", "tls.weak", "tls.handshake-reset", "tls.not-tls",
)  # fmt: skip
_FROM_AN_ACCEPTED_KEY = (
    *_OF_THE_ACCOUNT, "permission.missing", "permission.excess", "permission.ip-binding-required", "ip.private-listed",
    "ip.unbound", "key.idle-expiry", "ratelimit.order-cap", "schema-unknown-value=acctLv", "ws.login-refused",
    "ws-silent-channel=account", "ws-connection-limit=channel",
)  # fmt: skip
_PROXY = ("proxy.unreachable", "proxy.auth-required", "proxy.forbidden", "proxy.scheme-wrong")

# The order in which a signed request is looked at (facts: presence and form, then time, then the key, then the rest;
# the order within the rest is assumed, as the embedded exchange has it). What is refused for the first of them is not
# looked at for the next.
GATE = (
    "header.missing", "key.malformed", "timestamp.format", "timestamp.expired", "region.wrong-rest-host", "key.unknown",
    "key.wrong-environment", "key.frozen", "ip.not-whitelisted", "ip.egress-unstable", "ip.family-mismatch",
    "key.passphrase-wrong", "key.secret-wrong",
)  # fmt: skip
_NOW_AND_THEN = ("ip.egress-unstable", "ip.family-mismatch")
"""These refuse some requests and let others pass: they hide nothing from whoever asks again."""
_OF_THE_LOGIN = ("region.wrong-ws-host", "key-wrong-environment-ws", "ws-wrong-path=public")
"""Whose WebSocket it is, and whether it is the private one, is told by a login that is refused for nothing else."""
_AGAINST_REST = ("ws.blocked", "ws.silent", "ws-book-corrupt=level")
"""By their measure these are told against REST."""

HIDDEN: tuple[Hidden, ...] = (
    # ---- names and ways
    Hidden(
        behind=("dns.resolver-down",), of=("dns.*", *_NEEDS_TCP),
        why="no name has an address, so nobody is asked anything",
    ),
    Hidden(
        behind=("dns.name-not-found", "dns.poisoned", "dns.retired-name"), of=_NEEDS_TCP,
        why="the name leads to nobody, so the exchange is asked nothing",
    ),
    Hidden(
        behind=("tcp.refused", "tcp.filtered", "tcp.unreachable"), of=_NEEDS_TLS,
        why="no connection is made, so nothing is said over one",
    ),
    Hidden(behind=("tcp.port-8443-closed",), of=("ws.*",), why="no WebSocket is opened at a closed port"),
    Hidden(
        behind=("tcp.port-8443-closed",), of=(*_OF_THE_LOGIN, "order.state-diverges"),
        why="nobody logs in where no WebSocket is opened",
    ),
    Hidden(
        behind=("tcp.ipv6-broken",), of=("ip.family-mismatch",),
        why="no request leaves over a family whose addresses are dead",
    ),
    Hidden(
        behind=_PROXY, of=("dns.*", *_NEEDS_TCP),
        why="the proxy resolves and connects in the program's place, and does not",
    ),
    Hidden(
        behind=("tcp.refused", "tcp.filtered", "tcp.unreachable"),
        of=("proxy-forbidden=502", "proxy-forbidden=503"),
        why="a proxy that says that it does not reach the exchange, and nobody who does: one reason is enough",
    ),
    Hidden(
        behind=("tls-intercepted-by-proxy",), of=("dns.*", "tcp.*"),
        why="the proxy resolves and connects in the program's place",
    ),
    Hidden(
        behind=("proxy.split",), of=("tcp-*-one-host=rest", "dns-name-not-found=openapi*"),
        why="the proxy resolves and connects for REST",
    ),
    # ---- TLS
    Hidden(
        behind=_CHAIN, of=("tls.*", *_NEEDS_ANY_ANSWER),
        why="a handshake ends at the first thing that is wrong with it, and nothing is said behind it",
    ),
    Hidden(
        behind=("http-timeout-handshake*",), of=_NEEDS_TLS,
        why="no handshake gets as far as a certificate (with large packets lost, as far as a long one)",
    ),
    # ---- HTTP
    Hidden(
        behind=("http.edge-blocked", "http.origin-down", "http.captive-portal", "http-region-blocked=451",
                "http-region-blocked=page", "http-not-json-redirect", "http-not-json-cut=close",
                "http-not-json-cut=reset", "http-timeout=headers"),
        of=_NEEDS_ANY_ANSWER,
        why="whoever stands in front answers, hangs up or is silent in the exchange's place, for upgrades as well",
    ),
    Hidden(
        behind=("http-timeout=*", "http-region-blocked=50121", "http-not-json-cut=half"),
        of=("http.*", *_NEEDS_REST), why="no answer of REST can be read",
    ),
    Hidden(
        behind=("http-not-json=*",), of=("http.*", *_NEEDS_GOOD_ANSWERS),
        why="refusals come through, good answers cannot be read",
    ),
    Hidden(
        behind=("http-not-json*", "http-timeout=*", "http-region-blocked=50121"),
        of=_AGAINST_REST, why="by their measure these are told against REST, which is not read",
    ),
    Hidden(
        behind=("http.goaway",), of=("http.timeout", "http.slow"),
        why="the connection ends before an answer could be late",
    ),
    Hidden(
        behind=("http.slow",),
        of=("ratelimit.refusal-shape", "ratelimit.limit-differs", "ratelimit.headers-inconsistent"),
        why="a burst that is not over within its window measures nothing",
    ),
    # ---- the state of the exchange
    Hidden(
        behind=("status.maintenance", "status.overloaded"),
        of=(*_OF_THE_KEY, *_FROM_AN_ACCEPTED_KEY, "schema-unknown-value=acctLv"),
        why="private services that are closed or too busy look at no key",
    ),
    # ---- clock
    Hidden(
        behind=("clock.server-time-cached",), of=("clock.*",),
        why="a copy of the exchange's time is no time to compare with",
    ),
    Hidden(
        behind=("clock.jumped",), of=("clock.drifting", "clock.sources-disagree"),
        why="two readings on two sides of a step cannot be told from two clocks that disagree",
    ),
    Hidden(
        behind=("clock.ahead", "clock.behind", "clock.timezone-shift"),
        of=("timestamp.expired", "ws-login-refused=stale"), why="the same refusal, which has one reason too many",
    ),
    Hidden(
        behind=("clock.ahead", "clock.behind", "clock.timezone-shift"),
        of=(*_OF_THE_ACCOUNT, *_OF_THE_LOGIN, "ratelimit.order-cap", "ws.login-refused", "ws.wrong-path",
            "ws-silent-channel=account", "ws-connection-limit=channel", "permission.ip-binding-required"),
        why="whatever takes a login or more than one signed read is refused before it is looked at",
    ),
    # ---- the gate of signed requests
    Hidden(
        behind=("env.credentials-missing",), of=(*GATE, *_OF_THE_LOGIN, "ip.*", *_FROM_AN_ACCEPTED_KEY),
        why="nothing is asked with half a key",
    ),
    Hidden(
        behind=("env.credential-malformed", "env.credentials-swapped", "env.config-mangled"),
        of=(*GATE, *_OF_THE_LOGIN, "ip.*", *_FROM_AN_ACCEPTED_KEY),
        why="a value that is not the key's is refused where the exchange looks at it",
    ),
    *(
        Hidden(
            behind=(code,), of=(*GATE[n + 1 :], *_OF_THE_LOGIN, *_FROM_AN_ACCEPTED_KEY),
            why="a request that is refused for this is not looked at for what comes later at the gate",
        )
        for n, code in enumerate(GATE)
        if code not in _NOW_AND_THEN
    ),
    Hidden(
        behind=_NOW_AND_THEN, of=_OF_THE_LOGIN,
        why="one login is made, and refused for its address",
    ),
    Hidden(
        behind=("ip.family-mismatch",), of=_FROM_AN_ACCEPTED_KEY,
        why="all that leaves as the program sends it is refused; few requests are allowed for trying the other family",
    ),
    Hidden(
        behind=("permission-missing=read",), of=(*_FROM_AN_ACCEPTED_KEY,),
        why="a key that may not read is told nothing about itself or the account",
    ),
    Hidden(
        behind=("permission.missing", "permission.ip-binding-required", "ip.unbound"),
        of=("ratelimit.order-cap", "order.state-diverges"),
        why="no order is taken, by which the cap or the channel would be seen",
    ),
    Hidden(
        behind=("ip.egress-unstable",), of=("ratelimit.refusal-shape", "ratelimit.limit-differs"),
        why="a burst is divided between two addresses, each of which has its own budget",
    ),
    Hidden(
        behind=("permission.ip-binding-required",), of=("ip.unbound", "key.idle-expiry"),
        why="the same missing IP list, which the refusal is about",
    ),
    # ---- limits, instruments, answers
    Hidden(
        behind=("ratelimit.exceeded", "ratelimit.shared"), of=("ratelimit.*",),
        why="a budget that others use up shows nothing about itself",
    ),
    Hidden(
        behind=("ratelimit.exceeded", "ratelimit.shared"), of=_OF_THE_ACCOUNT,
        why="what would be asked about the account is refused with 429",
    ),
    Hidden(
        behind=("instrument.not-live", "instrument.unknown"),
        of=("order.*", "precision.*", "ratelimit.refusal-shape", "ratelimit.limit-differs"),
        why="an order on an instrument that is not traded is refused before its figures are looked at; "
        "a burst asks for an instrument",
    ),
    Hidden(
        behind=("schema.field-missing", "schema.type-changed", "schema.unknown-value"),
        of=("instrument.*", "order.*", "precision.*", "account.*", "ws.silent", "ws.book-corrupt", "ws.sequence-gap"),
        why="what does not read as documented is not reckoned with",
    ),
    # ---- WebSocket
    Hidden(
        behind=("ws.blocked",), of=("ws.*", *_OF_THE_LOGIN, "order.state-diverges"),
        why="no WebSocket is open to say anything",
    ),
    Hidden(
        behind=("region-wrong-ws-host*", "key-wrong-environment-ws"),
        of=("ws.login-refused", "ws.wrong-path", "ws-silent-channel=account", "ws-connection-limit=channel",
            "order.state-diverges"),
        why="nobody is logged in, and what private channels bring is seen by nobody",
    ),
    Hidden(
        behind=("region-wrong-ws-host*", "key-wrong-environment-ws"), of=("ws-book-corrupt=level", "ws.silent"),
        why="two venues have two markets: what REST says of the one is no measure of the other",
    ),
    Hidden(
        behind=("ws.login-refused", "ws.no-pong", "ws.wrong-path", "ws.drops", "ws-connection-limit=requests"),
        of=_OF_THE_LOGIN,
        why="a login that is refused, lost or cut off for another reason does not tell whose WebSocket it is",
    ),
    Hidden(
        behind=("ws.drops", "ws.silent", "ws.login-refused", "ws.no-pong", "ws.wrong-path", "ws.connection-limit",
                "ws.service-upgrade"),
        of=("order.state-diverges",), why="a round trip is watched by the private channel",
    ),
)  # fmt: skip

STAND_INS: tuple[StandIn, ...] = (
    StandIn(
        of=("clock.sources-disagree",),
        reads_as=("clock.drifting", "clock.ahead", "clock.behind", "clock.timezone-shift"),
        behind=("dns.resolver-down", "dns.name-not-found", "dns.poisoned", "dns.retired-name", "tcp.refused",
                "tcp.filtered", "tcp.unreachable", *_PROXY, *_CHAIN, "http-timeout*", "http-not-json-cut*",
                "http-not-json-redirect", "http.captive-portal", "http-origin-down=50*"),
        why="time servers wrong together, and no answer of the exchange or its edge beside them: by all that can be "
        "asked, the local clock is the one that is wrong",
    ),
    StandIn(
        of=("region.wrong-rest-host", "key.unknown", "key.malformed", "key.frozen", "key.wrong-environment",
            "ip.*", "key.passphrase-wrong", "key.secret-wrong"),
        reads_as=("ws.login-refused",),
        behind=("http-not-json*", "http-timeout=*", "http-region-blocked=50121", "tcp-*-one-host=rest",
                "dns-name-not-found=openapi*", "dns.retired-name", "status.maintenance", "status.overloaded"),
        why="REST does not answer, and the codes of a WebSocket login are coarser: the same refusal at the other door",
    ),
    StandIn(
        of=("region.wrong-rest-host",), reads_as=("region.wrong-ws-host",),
        behind=("http-not-json*", "http-timeout=*", "http-region-blocked=50121", "tcp-*-one-host=rest",
                "dns-name-not-found=openapi*", "dns.retired-name", "status.maintenance", "status.overloaded"),
        as_well=True,
        why="true as well, and by the relation a consequence: a key of another site has another WebSocket",
    ),
    StandIn(
        of=("ws-login-refused=stale",), reads_as=("key.passphrase-wrong",),
        behind=("http-not-json*", "http-timeout=*", "http-region-blocked=50121", "tcp-*-one-host=rest",
                "dns-name-not-found=openapi*", "dns.retired-name", "status.maintenance", "status.overloaded"),
        why="60024 is what a wrong passphrase gets; that REST accepts the same one cannot be asked",
    ),
    StandIn(
        of=("tcp-filtered-one-address",), reads_as=("http.slow",), behind=("proxy.split",),
        as_well=True,
        why="true as well: the proxy waits for the dead address before it takes the other, which is all that REST sees",
    ),
    StandIn(
        of=("precision.size-above-maximum",), reads_as=("order.insufficient-funds",), behind=("*",),
        as_well=True,
        why="true as well: an order of this size is more than the account can pay",
    ),
    StandIn(
        of=("permission.ip-binding-required",), reads_as=("key.idle-expiry",), behind=("*",),
        as_well=True,
        why="the same record: a key that may trade and has no IP list ends after idle days, asked for an order or not",
    ),
)  # fmt: skip


def _on(wrong: Wrong, globs: tuple[str, ...]) -> bool:
    return any(fnmatchcase(wrong.cause, glob) or fnmatchcase(wrong.text, glob) for glob in globs)


def _hidden(one: Wrong, other: Wrong) -> bool:
    # The WebSocket's address alone is wrong: what is said of a cause that REST meets as well is not said of it.
    own = (one.text,) if one.of_the_websocket else (one.cause, one.text)
    return any(
        any(fnmatchcase(each, glob) for each in own for glob in row.behind) and _on(other, row.of) for row in HIDDEN
    )


def hides(one: Wrong, other: Wrong) -> bool:
    """Whether ``other`` may be out of sight while ``one`` is on."""
    if one.in_part:
        return False
    if other.by_proxy and one.cause.startswith(("dns.", "tcp.")):
        return False  # the proxy resolves and connects
    if other.mute and one.cause.startswith("tls."):
        return False  # no handshake gets as far
    if not _hidden(one, other):
        return False
    if one.host_alone == "ws" or one.goes_on:
        return _on(other, ("ws.*", *_OF_THE_LOGIN, "order.state-diverges"))
    if one.host_alone == "rest":
        return not _on(other, ("ws.*", *_OF_THE_LOGIN)) or _on(other, _AGAINST_REST)
    return True


def stand_ins(of: Wrong, behind: Wrong, *, in_its_place: bool = False) -> Iterator[str]:
    """What may be named for ``of`` while ``behind`` is on; ``in_its_place``: without what is only true as well."""
    for row in STAND_INS:
        if _on(of, row.of) and _on(behind, row.behind) and not (in_its_place and row.as_well):
            yield from row.reads_as
