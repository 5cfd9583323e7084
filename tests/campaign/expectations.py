"""What a report must say of a world: worked out from how the world is made, not from how the doctor judges.

Two things are known here independently of the checks: on which layer a cause lies, and what cannot be seen while it
is on (behind a closed port nobody sees a wrong key). The one thing taken from the doctor is its published relation
"explains", because the report promises to fold what is explained under its cause.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from typing import Literal

from worlds import World, Wrong

Judgement = Literal["right", "first-right", "wrong", "unknown", "false-alarm", "blind", "defect"]
"""right: first and whole diagnosis; first-right: the right cause first, something missing or too much beside it;
blind: a healthy world of which the run could not see something that matters; defect: a check broke."""

LAYERS = (
    "env", "clock", "dns", "tcp", "proxy", "tls", "http", "status", "auth", "ratelimit", "account", "instrument",
    "precision", "order", "schema", "ws",
)  # fmt: skip
_AUTH = ("region", "key", "ip", "permission", "header", "timestamp")

# The order in which the exchange looks at a signed request (facts: presence and form, then time, then the key, then
# the rest; the order within the rest is how the embedded exchange does it). What comes first hides what comes after.
_GATE = (
    "header.missing", "key.malformed", "timestamp.format", "timestamp.expired", "region.wrong-rest-host", "key.unknown",
    "key.wrong-environment", "key.frozen", "ip.not-whitelisted", "key.passphrase-wrong", "key.secret-wrong",
)  # fmt: skip

# Of time servers that are silent the vocabulary says that the exchange's time stands alone: it must be there.
# And the clock is watched for as long as the exchange is asked for its time.
_NEEDS_EXCHANGE_TIME = (
    "clock.server-time-cached", "clock.sources-disagree", "clock.ntp-unreachable", "clock.jumped",
)  # fmt: skip
_BEHIND_HTTP = ("status.*", "region.*", "key.*", "ip.*", "permission.*", "header.*", "timestamp.*", "ratelimit.*",
                "account.*", "instrument.*", "precision.*", "order.*", "schema.*", "ws.*",
                *_NEEDS_EXCHANGE_TIME)  # fmt: skip
_BEHIND_TLS = ("http.*", *_BEHIND_HTTP)
_BEHIND_TCP = ("tls.*", *_BEHIND_TLS)
_BEHIND_NAMES = ("tcp.*", *_BEHIND_TCP)
_PREFLIGHT = ("account.*", "precision.*", "order.*")
"""Orders are judged by the account that they would be placed on."""
_REFUSED_KEY = ("permission.*", "ip.private-listed", "ip.unbound", "key.idle-expiry", "ratelimit.order-cap",
                "schema.unknown-value", "ws.login-refused", "ws.wrong-path", *_PREFLIGHT)  # fmt: skip

HIDES: dict[str, tuple[str, ...]] = {
    "dns.resolver-down": ("dns.*", *_BEHIND_NAMES),
    "dns.name-not-found": _BEHIND_NAMES,
    "dns.poisoned": _BEHIND_NAMES,
    # REST alone is gone: what needs REST, and of the layers between what concerns the REST host (both, in this world).
    "dns.retired-name": _BEHIND_NAMES,
    "tcp.refused": _BEHIND_TCP,
    "tcp.filtered": _BEHIND_TCP,
    "tcp.unreachable": _BEHIND_TCP,
    # The WebSocket alone is gone.
    "tcp.port-8443-closed": ("ws.*",),
    # A proxy resolves and connects in the program's place: that the program could not is nobody's trouble.
    "proxy.unreachable": ("dns.*", "tcp.*", *_BEHIND_TCP),
    "proxy.auth-required": ("dns.*", "tcp.*", *_BEHIND_TCP),
    "proxy.forbidden": ("dns.*", "tcp.*", *_BEHIND_TCP),
    "proxy.scheme-wrong": ("dns.*", "tcp.*", *_BEHIND_TCP),
    **dict.fromkeys(
        ("tls.expired", "tls.not-yet-valid", "tls.hostname-mismatch", "tls.self-signed", "tls.intercepted",
         "tls.trust-store", "tls.incomplete-chain", "tls.weak", "tls.handshake-reset", "tls.not-tls"),
        ("tls.*", *_BEHIND_TLS),
    ),
    **dict.fromkeys(
        ("http.edge-blocked", "http.region-blocked", "http.origin-down", "http.captive-portal", "http.not-json",
         "http.timeout"),
        ("http.*", *_BEHIND_HTTP),
    ),
    # A burst that is not over within its window measures nothing.
    "http.slow": ("ratelimit.refusal-shape", "ratelimit.limit-differs", "ratelimit.headers-inconsistent"),
    # Where connections end that early, requests are lost.
    "http.goaway": ("http.*", *_BEHIND_HTTP),
    # What the proxy resolves and connects, the program does not.
    "proxy.split": ("dns.*", "tcp.*"),
    # Services that are closed or busy look at no key.
    "status.maintenance": ("status.*", *_GATE, *_REFUSED_KEY),
    "status.overloaded": (*_GATE, *_REFUSED_KEY),
    # A copy of the exchange's time is no time; a step during the run leaves little to compare.
    "clock.server-time-cached": ("clock.*",),
    "clock.jumped": ("clock.*",),
    # No whole key: nothing is asked with one.
    "env.credentials-missing": (*_GATE, *_REFUSED_KEY),
    **{code: (*_GATE[n + 1 :], *_REFUSED_KEY) for n, code in enumerate(_GATE)},
    # A value that is not the key's is refused where the exchange looks at it.
    **dict.fromkeys(
        ("env.credential-malformed", "env.credentials-swapped", "env.config-mangled"), (*_GATE, *_REFUSED_KEY)
    ),
    # A wrong clock is refused before anything about the key is looked at.
    **dict.fromkeys(("clock.ahead", "clock.behind", "clock.timezone-shift"),
                    ("timestamp.*", "ratelimit.order-cap", *_PREFLIGHT)),
    "permission.ip-binding-required": ("ip.unbound", "key.idle-expiry"),
    "ratelimit.exceeded": ("ratelimit.*", *_PREFLIGHT),
    "ratelimit.shared": ("ratelimit.*", *_PREFLIGHT),
    "ws.blocked": ("ws.*", "order.state-diverges"),
    # What does not read as it should is not reckoned with.
    **dict.fromkeys(
        ("schema.field-missing", "schema.type-changed", "schema.unknown-value"),
        ("instrument.*", "ws.silent", "ws.book-corrupt", "ws.sequence-gap", *_PREFLIGHT),
    ),
    "region.wrong-ws-host": ("ws.*",),
    "permission.missing": _PREFLIGHT,
    # A round trip is watched by the private channel.
    **dict.fromkeys(
        ("ws.drops", "ws.silent", "ws.login-refused", "ws.no-pong", "ws.wrong-path", "ws.connection-limit",
         "ws.service-upgrade"),
        ("order.state-diverges",),
    ),
    "instrument.not-live": ("precision.*", "order.*"),
    # The burst wants an instrument that is there, and so does an order.
    "instrument.unknown": ("ratelimit.refusal-shape", "ratelimit.limit-differs", "precision.*", "order.*"),
}  # fmt: skip
"""What cannot be told (or not surely) while this cause is on."""

ONE_HOST = frozenset({"dns.retired-name", "dns.name-not-found"})
"""May concern one of the two hosts; what is wrong with the other one then stands beside it."""

INSTEAD: dict[str, frozenset[str]] = {
    # By time servers that are wrong together, alone with them, a right clock is wrong.
    "clock.sources-disagree": frozenset({"clock.drifting", "clock.ahead", "clock.behind", "clock.timezone-shift"}),
    # The same key, at the other door.
    **dict.fromkeys(_GATE[4:], frozenset({"ws.login-refused"})),
    # Refusals come through and good answers do not: the site that knows the key cannot say so.
    "region.wrong-rest-host": frozenset({"key.unknown", "region.wrong-ws-host", "ws.login-refused"}),
    # The same page, in place of the upgrade.
    "http.edge-blocked": frozenset({"ws.connection-limit", "ws.blocked"}),
    # The key has no IP list, which is seen without asking for what wants one.
    "permission.ip-binding-required": frozenset({"key.idle-expiry"}),
}
"""What may be said in place of a cause that is hidden."""

# Faults that set the same circumstance, or that take away what the other needs.
_CLASHES = (
    {"key-idle-expiry", "ip-unbound", "ip-private-listed", "permission-ip-binding-required", "ip-not-whitelisted"},
    {"ip-unbound", "permission-missing", "permission-excess", "key-idle-expiry", "permission-ip-binding-required"},
    # These change the record of the default key; in that world the user holds another site's.
    {"region-wrong-rest-host", "key-*"},
    {"region-wrong-rest-host", "ip-*"},
    {"region-wrong-rest-host", "permission-*"},
    # Both write the same member of the profile.
    {"dns-retired-name", "dns-unofficial-name"},
    # The exchange's own code for a region is given by the same services that are closed.
    {"http-region-blocked", "status-maintenance"},
    # That an answer is poisoned is told by another resolver's address, at which somebody is.
    {"dns-poisoned", "tcp-refused"},
    {"dns-poisoned", "tcp-filtered"},
    {"dns-poisoned", "tcp-unreachable"},
    # Behind the proxy another family speaks than beside it.
    {"proxy-split", "ip-family-mismatch"},
    {"tls-intercepted-by-proxy", "tcp-*"},
    {"tls-intercepted-by-proxy", "dns-*"},
    # One needs the proxy to be obliging, the others that it is not.
    {"proxy-split", "proxy-*"},
    # An own name for the host or a port of its own is asked of the proxy or the resolver, which does not know it.
    {"dns-retired-name", "proxy-*"},
    {"dns-unofficial-name", "proxy-*"},
    # The port that names the cause is closed in any case.
    {"tcp-port-8443-closed", "proxy-*"},
    # Of the layer of its cause, and made on a deeper one: no certificate is seen.
    {"http-timeout-handshake", "tls-*"},
    # By another name REST and the WebSocket are one host.
    {"dns-unofficial-name", "tcp-filtered-one-host"},
    {"dns-unofficial-name", "tcp-refused-one-host"},
)


def families(cause: str) -> str:
    """The layer of a cause."""
    family = cause.partition(".")[0]
    return "auth" if family in _AUTH else family


def depth(cause: str) -> int:
    """0 is nearest to the machine."""
    return LAYERS.index(families(cause))


def composable(one: str, other: str) -> bool:
    """Whether both faults can be on at once and each is still what it says."""
    for clash in _CLASHES:
        globs = sorted(clash)
        for n, a in enumerate(globs):
            for b in globs[n + 1 :]:
                if (fnmatchcase(one, a) and fnmatchcase(other, b)) or (fnmatchcase(one, b) and fnmatchcase(other, a)):
                    return False
    return True


BEFORE_TLS = frozenset({"http-timeout-handshake"})
"""Whatever the layer of their cause: no handshake is answered."""


def hides(one: Wrong, other: Wrong) -> bool:
    """Whether ``other`` may be out of sight while ``one`` is on."""
    if one.name.endswith("-ws"):
        return fnmatchcase(other.cause, "ws.*")
    if one.in_part or one.goes_on or (other.name in BEFORE_TLS and families(one.cause) == "tls"):
        return False
    if one.name in BEFORE_TLS and any(fnmatchcase(other.cause, glob) for glob in _BEHIND_TCP):
        return True
    return any(fnmatchcase(other.cause, glob) for glob in HIDES.get(one.cause, ()))


def explains(one: Wrong, other: Wrong) -> bool:
    """Whether the report folds ``other`` under ``one``. What one address of several does explains no more than that."""
    if families(one.cause) == "clock" and other.cause in ("tls.expired", "tls.not-yet-valid"):
        return False  # the faults move these dates against true time, which NTP tells
    return _published(one.cause, other.cause) and (not one.in_part or other.in_part)


@cache
def _published(one: str, other: str) -> bool:
    """Whether the published relation folds ``other`` under ``one``; directly, because a third cause is not there."""
    from okxdoctor.runner.diagnose import rules

    return any(one in rule.cause and any(fnmatchcase(other, glob) for glob in rule.of) for rule in rules())


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The part of a report that is judged. ``explained``: what hangs under each root, in the same order."""

    roots: tuple[str, ...]
    explained: tuple[tuple[str, ...], ...] = ()
    exit_code: int = 0
    broken: tuple[str, ...] = ()
    inconclusive: tuple[str, ...] = ()
    elapsed_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """``first``: any of these may stand first. ``roots``: must be named as roots; ``may``: these may stand beside."""

    first: frozenset[str]
    roots: frozenset[str]
    may: frozenset[str] = frozenset()


def expected(wrong: Iterable[Wrong]) -> Expected:
    """What the diagnosis must be when all of this is wrong."""
    wrong = tuple({each.cause: each for each in wrong}.values())
    match wrong:
        case ():
            return Expected(first=frozenset(), roots=frozenset())
        case (only,):
            return Expected(first=frozenset({only.cause}), roots=frozenset({only.cause}))
        case (one, other):
            return _of_two(one, other)
        case _:
            raise ValueError("no more than two at once")


def _is_error(wrong: Wrong) -> bool:
    from okxdoctor.knowledge import causes

    return causes()[wrong.cause].severity == "error" and not wrong.in_part


def _of_two(one: Wrong, other: Wrong) -> Expected:
    both = frozenset({one.cause, other.cause})
    for deep, shallow in ((one, other), (other, one)):
        if explains(deep, shallow) or (hides(deep, shallow) and not hides(shallow, deep)):
            unseen = INSTEAD.get(shallow.cause, frozenset()) if hides(deep, shallow) else frozenset()
            nearer = {code for code in {shallow.cause, *unseen} if depth(code) < depth(deep.cause)}
            if (not explains(deep, shallow) and _is_error(shallow) and not _is_error(deep)) or deep.one_host:
                nearer.add(shallow.cause)  # a report has its errors before its warnings; another host is another matter
            apart = deep.one_host or deep.cause in ONE_HOST or not explains(deep, shallow)
            return Expected(
                # What is nearer to the machine and was seen all the same may stand first.
                first=frozenset({deep.cause, *nearer}), roots=frozenset({deep.cause}),
                may=(frozenset({shallow.cause}) if apart else frozenset()) | unseen,
            )  # fmt: skip
    if hides(one, other):
        deep = min(one, other, key=lambda each: depth(each.cause))
        return Expected(first=frozenset({deep.cause}), roots=frozenset({deep.cause}), may=both)
    return Expected(first=both, roots=both)


def judge(world: World, seen: Seen) -> Judgement:
    """Whether the report says what it must."""
    if seen.broken:
        return "defect"
    wanted = expected(world.wrong)
    if not world.wrong:
        if seen.roots:
            return "false-alarm"
        return "right" if seen.exit_code == 0 else "blind"
    if not seen.roots:
        return "unknown"
    if seen.roots[0] not in wanted.first:
        return "wrong"
    whole = wanted.roots <= set(seen.roots) <= wanted.roots | wanted.may
    return "right" if whole else "first-right"
