"""The TLS handshake with the REST and the WebSocket host, and the certificates they send.

What it looks at: one handshake with each, certificates taken whether or not they verify; dates by trusted time (the
exchange's or NTP's), so that a wrong local clock is not blamed on the server; names; whether the chain leads to a root
of the store in use, of the system's, of the public bundle, and with a missing issuer fetched; where the greeting is
cut off, a second one that names another host.

What it means
  tls.expired, tls.not-yet-valid, tls.expires-soon   dates, by trusted time
  tls.hostname-mismatch    another server answers, or the address uses another name
  tls.self-signed          nobody vouches for this certificate
  tls.intercepted          a private root re-signs the exchange's name: it sees the passphrase and can change bytes
  tls.trust-store          the chain is in order; this program's list of roots is not
  tls.incomplete-chain     the server does not send its intermediate; browsers repair that, programs do not
  tls.weak                 nothing above TLS 1.1, ciphers that no program of today accepts, a short key, or an
                           outdated signature
  tls.handshake-reset      the connection dies once the host name was sent in clear, by a filter, or by a gateway that
                           wants a certificate of the client
  tls.not-tls              what answers on this port is not TLS
  tcp.refused, http.timeout   whatever name is sent, the connection ends at once, or stays silent: nobody is behind
                           it, or packets of full size do not pass

What to do: never turn verification off. For a private root or gateway give the CA file to the program (SSL_CERT_FILE)
and to okxdoctor (--ca-file). Python 3.13 verifies strictly: a company root without key identifiers, accepted before,
is refused there and must be issued anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

from okxdoctor.check import Check, Inconclusive, Skip
from okxdoctor.facts import Handshake
from okxdoctor.model import Confidence, Finding
from okxdoctor.port import Endpoint, Io, Role, TimeBasis, TrustStore
from okxdoctor_checks._certificates import DAY_S, Ends, called, covers, dated, path, weakness
from okxdoctor_checks._limits import limit
from okxdoctor_checks._tls_greeting import Greeting, accepted, finding, place, verified
from okxdoctor_checks._tls_trust import broken_store, quietly_intercepted, untrusted
from okxdoctor_checks._words import duration, finite, listed

# Alerts of RFC 8446 §6 by which a peer says that it is older than us; others are about the name or the client.
TOO_OLD = frozenset({"protocol_version", "insufficient_security", "inappropriate_fallback"})
OLD_VERSIONS = frozenset({"SSLv2", "SSLv3", "TLSv1", "TLSv1.0", "TLSv1.1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """``wall_ns``: the local clock when all was seen. ``basis``: trusted time against it, None: nobody knows.

    ``public``: the hosts are published ones at public addresses, so a public root belongs behind them.
    """

    greetings: tuple[Greeting, ...]
    trust: TrustStore | None
    wall_ns: int
    basis: TimeBasis | None
    public: bool


# ---- probe -----------------------------------------------------------------------------------


async def probe(io: Io) -> Facts:
    view = io.view
    endpoints = [endpoint for endpoint in (view.rest, view.ws) if endpoint.tls]
    if not endpoints:
        raise Skip("the configured addresses are plain http:// and ws://")
    found = await asyncio.gather(*(_greet(io, endpoint) for endpoint in endpoints))
    greetings = tuple(one for one in found if isinstance(one, Greeting))
    if not greetings:
        raise next(one for one in found if not isinstance(one, Greeting))
    if all(one.handshake.outcome == "error" for one in greetings):
        raise Inconclusive(f"the handshake broke off: {greetings[0].handshake.detail or 'no reason given'}")
    try:
        trust = await io.trust()
    except (Skip, Inconclusive):
        trust = None
    basis = await io.given(TimeBasis)
    return Facts(
        greetings=greetings,
        trust=trust,
        wall_ns=io.now().wall_ns,
        basis=basis,
        public=view.addresses == "global" and not view.declared_hosts,
    )


async def _greet(io: Io, endpoint: Endpoint) -> Greeting | Skip | Inconclusive:
    role = endpoint.role
    first = asyncio.ensure_future(io.handshake(role))
    beside: asyncio.Future[tuple[Handshake | None, Handshake | None]] | None = None
    flipped: Handshake | None = None
    try:
        # Silence costs the whole patience for one handshake; two in a row would be all that a probe has.
        await asyncio.wait({first}, timeout=limit("tls_silence_s"))
        if not first.done():
            beside = asyncio.ensure_future(_flipped(io, role))
        handshake = await first
        if _cut(handshake):
            flipped, repeated = await (beside or _flipped(io, role))
            # One that was lost, on a line that is slow or loses packets, is not one that is cut off for its name.
            if repeated is not None and _spoken(repeated) and not _spoken(handshake):
                handshake, flipped = repeated, None
    except (Skip, Inconclusive) as reason:
        return reason
    finally:
        for task in (first, beside):
            if task is not None:
                task.cancel()
    if handshake.outcome != "ok" and not handshake.address:
        # No connection was there to greet over; the check below says why.
        phase = handshake.detail.partition(":")[0]
        routed = (io.view.rest_route if role == "rest" else io.view.ws_route) is not None
        layer = "proxy" if routed or phase == "proxy" else "dns" if phase == "resolve" else "tcp"
        return Skip(f"no connection to {endpoint.host} (see {layer})", layer=layer)
    return Greeting(role=role, host=endpoint.host, handshake=handshake, flipped=flipped)


def _cut(handshake: Handshake) -> bool:
    """Whether it ended in a way that may be the name's fault."""
    refused = handshake.outcome == "alert" and handshake.alert not in TOO_OLD
    return refused or handshake.outcome in ("reset", "closed", "timeout")


def _spoken(handshake: Handshake) -> bool:
    """Whether TLS came back, be it a refusal."""
    return handshake.outcome in ("ok", "alert")


async def _flipped(io: Io, role: Role) -> tuple[Handshake | None, Handshake | None]:
    """The same place greeted with the name of another host; and where that is answered, with the own one again."""
    try:
        flipped = await io.handshake(role, server_name=io.view.control_name)
    except (Skip, Inconclusive):
        return None, None
    if not _spoken(flipped):
        return flipped, None
    try:
        return flipped, await io.handshake(role, again=True)
    except (Skip, Inconclusive):
        return flipped, None


# ---- evaluate --------------------------------------------------------------------------------


def evaluate(facts: Facts) -> Iterator[Finding]:
    if facts.trust is not None and facts.trust.problem:
        yield broken_store(facts.trust)
    for greeting in facts.greetings:
        wrong = _judge(greeting, facts)
        if wrong is not None:
            yield wrong


def _judge(greeting: Greeting, facts: Facts) -> Finding | None:
    """The one thing that is wrong with a greeting, the deepest first; None when nothing is."""
    match greeting.handshake.outcome:
        case "not-tls":
            return _not_tls(greeting)
        case "alert" if greeting.handshake.alert in TOO_OLD:
            return _weak(greeting, f"the peer refuses every version and cipher on offer ({greeting.handshake.alert})")
        case "alert" | "reset" | "closed" | "timeout":
            return _cut_off(greeting)
        case "error":
            return None
        case "ok":
            pass
    if greeting.handshake.version in OLD_VERSIONS:
        return _weak(greeting, f"the peer speaks nothing newer than {greeting.handshake.version}")
    if greeting.handshake.refused:
        return _weak_cipher(greeting)
    if not greeting.handshake.chain:
        return None
    return (
        _self_signed(greeting)
        or _mismatch(greeting)
        or _weak_certificate(greeting)
        or (None if facts.trust is not None and facts.trust.problem else untrusted(greeting))
        or _dates(greeting, facts)
        or (quietly_intercepted(greeting) if facts.public else None)
    )


# ---- before any certificate --------------------------------------------------------------------


def _not_tls(greeting: Greeting) -> Finding:
    plain = greeting.handshake.plain
    heard = f" but {plain[:40]!r}" if plain else ""
    return finding(
        "tls.not-tls",
        greeting,
        f"what answers at {place(greeting)} is not TLS{heard}.",
        {"answered": plain[:80]},
        excluded=("tls.handshake-reset", "tls.weak"),
    )


def _cut_off(greeting: Greeting) -> Finding:
    handshake, flipped = greeting.handshake, greeting.flipped
    how = {
        "reset": "is reset",
        "closed": "is closed",
        "timeout": "goes silent",
        "alert": f"ends with the alert {handshake.alert}",
    }[handshake.outcome]
    # Any TLS answer to the other name will do: that this one is spoken to differently is what counts.
    answers = flipped is not None and flipped.outcome in ("ok", "alert") and flipped.alert not in TOO_OLD
    same = flipped is not None and (flipped.outcome, flipped.alert) == (handshake.outcome, handshake.alert)
    other = flipped.server_name if flipped is not None else ""
    # A filter drops one name at once and lets the other pass; where both are late, it is the line.
    late = flipped is not None and flipped.elapsed_ms > limit("tls_silence_s") * 1000
    if handshake.outcome == "timeout" and flipped is not None and (same or (answers and late)):
        return _mute(greeting, flipped)
    ends = ("reset", "closed")  # which of the two it is, is a matter of what the peer has read by then
    silent = flipped is not None and handshake.outcome in ends and flipped.outcome in ends and not flipped.began
    if silent and not handshake.began and not handshake.asks_certificate:
        return _nobody_behind(greeting, other, how)
    if handshake.asks_certificate:
        how += ", for want of a certificate of the client,"
    if answers and not same:
        said, confidence = f"; with the name {other} the same address answers", Confidence.CERTAIN
    elif flipped is not None:
        said, confidence = f"; with the name {other} as well", Confidence.POSSIBLE
    else:
        said, confidence = "", Confidence.LIKELY
    return finding(
        "tls.handshake-reset",
        greeting,
        f"the connection to {place(greeting)} {how} after the first TLS message{said}.",
        {
            "outcome": handshake.outcome,
            "alert": handshake.alert or None,
            "other_name": other or None,
            "other_outcome": flipped.outcome if flipped is not None else None,
            "waited_ms": finite(handshake.elapsed_ms, 1),
            **({"asks_certificate": True} if handshake.asks_certificate else {}),
        },
        confidence=confidence,
        remedy=_GATEWAY if handshake.asks_certificate else (),
        excluded=("tls.weak", "tls.not-tls") if confidence is Confidence.CERTAIN else (),
    )


def _mute(greeting: Greeting, flipped: Handshake) -> Finding:
    """Whatever name is asked for, nothing comes, or not before long: no filter that reads names."""
    waited_ms, other = greeting.handshake.elapsed_ms, flipped.server_name
    too = f"nor with the name {other}"
    if flipped.outcome != "timeout":
        too = f"and with the name {other} one only after {duration(flipped.elapsed_ms / 1000)}: a line that is slow"
    return finding(
        "http.timeout",
        greeting,
        f"{place(greeting)} accepts connections, and no TLS answer comes within {duration(waited_ms / 1000)}, {too}.",
        {
            "phase": "handshake",
            "waited_ms": finite(waited_ms, 1),
            "other_name": other,
            "other_ms": None if flipped.outcome == "timeout" else finite(flipped.elapsed_ms, 1),
        },
        confidence=Confidence.LIKELY,
        remedy=(
            "ping -M do -s 1472 -c 3 "
            f"{greeting.handshake.address or greeting.host}   # packets of full size; if only smaller ones (-s 1300) "
            "pass: lower the MTU of the VPN or container network",
            "A firewall that opens TCP and drops what is in it looks the same: try another network",
        ),
        excluded=("tls.handshake-reset", "tls.weak", "tcp.filtered"),
    )


def _nobody_behind(greeting: Greeting, other: str, how: str) -> Finding:
    """Ended before a byte came, whatever name is asked for: somebody accepts connections for a port that is closed."""
    return finding(
        "tcp.refused",
        greeting,
        f"a connection to {place(greeting)} is accepted and {how} before a byte has come, also with the name {other}: "
        "a forwarder (tunnel, load balancer, container port) with nobody behind it.",
        {
            "outcome": greeting.handshake.outcome,
            "other_name": other,
            "waited_ms": finite(greeting.handshake.elapsed_ms, 1),
        },
        confidence=Confidence.LIKELY,
        remedy=(
            "Look at what listens there for others: an SSH tunnel, a load balancer, docker ps (published ports)",
            f"openssl s_client -connect {greeting.handshake.address or greeting.host}:{greeting.handshake.port} "
            f"-servername {greeting.host}   # the same without okxdoctor",
        ),
        excluded=("tls.handshake-reset", "tls.weak"),
    )


_GATEWAY = (
    "OKX wants no certificate of a client, so a gateway of your own network answers here: use an address that reaches "
    "the exchange itself, or give the program the certificate that the gateway's owner issues",
)


def _weak_cipher(greeting: Greeting) -> Finding:
    handshake = greeting.handshake
    return _weak(
        greeting,
        f"the peer offers nothing that a program of today accepts: of {handshake.version} it chose {handshake.cipher}, "
        f"and to the usual offer the answer was: {handshake.refused}",
        "Let the server offer ECDHE with AES-GCM or ChaCha20, or TLS 1.3; programs that are made to accept less "
        "(@SECLEVEL=0) can be listened to",
    )


def _weak(greeting: Greeting, said: str, *remedy: str) -> Finding:
    handshake = greeting.handshake
    return finding(
        "tls.weak",
        greeting,
        f"{said}, at {place(greeting)}.",
        {"weak": said, "alert": handshake.alert or None, "cipher": handshake.cipher or None},
        remedy=remedy,
        excluded=("tls.handshake-reset",),
    )


# ---- the certificates --------------------------------------------------------------------------


def _self_signed(greeting: Greeting) -> Finding | None:
    leaf = greeting.handshake.chain[0]
    if not leaf.self_issued or accepted(greeting):
        return None
    return finding(
        "tls.self-signed",
        greeting,
        f"{place(greeting)} presents a certificate that it signed itself ({called(leaf.subject)}).",
        {"stores": verified(greeting), "covers_host": covers(leaf.names, greeting.host)},
        excluded=("tls.intercepted", "tls.incomplete-chain"),
    )


def _mismatch(greeting: Greeting) -> Finding | None:
    leaf = greeting.handshake.chain[0]
    if covers(leaf.names, greeting.host):
        return None
    named = f"is for {listed(leaf.names, limit=3)}" if leaf.names else "names no host"
    return finding(
        "tls.hostname-mismatch",
        greeting,
        f"the certificate at {place(greeting)} {named}, not for {greeting.host}.",
        {"names": list(leaf.names[:20]), "stores": verified(greeting)},
        excluded=("tls.trust-store",) if accepted(greeting) else (),
    )


def _weak_certificate(greeting: Greeting) -> Finding | None:
    said = weakness(greeting.handshake.chain)
    if not said:
        return None
    return _weak(greeting, said, "Issue the certificate anew: EC P-256 or RSA of 2048 bits and more, SHA-256")


def _dates(greeting: Greeting, facts: Facts) -> Finding | None:
    wall_s = facts.wall_ns / 1e9 if abs(facts.wall_ns) < 2**63 else 0.0
    basis = facts.basis
    low_s, high_s = (wall_s + basis.low_s, wall_s + basis.high_s) if basis is not None else (wall_s, wall_s)
    ends = dated(greeting.handshake.chain, low_s, high_s, deep=accepted(greeting) is False)
    bad = next((one for one in ends if one.state != "valid"), None)
    if bad is not None:
        return _outside(greeting, bad, basis)
    first = min((one for one in ends if one.position <= 1), key=lambda one: one.by_s, default=None)
    days = first.by_s / DAY_S if first is not None else None
    if first is None or days is None or not days < limit("tls_days_left"):
        return None
    certificate = path(greeting.handshake.chain)[first.position]
    return finding(
        "tls.expires-soon",
        greeting,
        f"the certificate of {_owner(greeting, first)} ends in {duration(first.by_s)} ({certificate.not_after}).",
        {"days_left": finite(days, 2), "limit_days": limit("tls_days_left"), "judged_by": _judge_of(basis)},
    )


def _outside(greeting: Greeting, bad: Ends, basis: TimeBasis | None) -> Finding:
    certificate = path(greeting.handshake.chain)[bad.position]
    expired = bad.state == "expired"
    when = f"expired {duration(bad.by_s)} ago" if expired else f"is valid only in {duration(bad.by_s)}"
    date = certificate.not_after if expired else certificate.not_before
    return finding(
        "tls.expired" if expired else "tls.not-yet-valid",
        greeting,
        f"the certificate of {_owner(greeting, bad)} {when} ({date}).",
        {
            "days": finite(bad.by_s / DAY_S, 2),
            "not_before": certificate.not_before,
            "which": certificate.subject,
            "judged_by": _judge_of(basis),
        },
        # Without trusted time the local clock may be what is wrong, in one direction; with it, it is not.
        confidence=Confidence.LIKELY if basis is None else Confidence.CERTAIN,
        excluded=("clock.behind" if expired else "clock.ahead",)
        if basis is None
        else ("clock.ahead", "clock.behind", "clock.timezone-shift"),
    )


def _judge_of(basis: TimeBasis | None) -> str:
    return "the local clock" if basis is None else basis.source


def _owner(greeting: Greeting, one: Ends) -> str:
    return place(greeting) if one.position == 0 else f"the issuer of {place(greeting)}"


CHECK = Check(
    id="tls",
    title="The hosts prove who they are",
    facts=Facts,
    probe=probe,
    evaluate=evaluate,
    causes=(
        "tls.expired",
        "tls.not-yet-valid",
        "tls.expires-soon",
        "tls.hostname-mismatch",
        "tls.self-signed",
        "tls.intercepted",
        "tls.trust-store",
        "tls.incomplete-chain",
        "tls.weak",
        "tls.handshake-reset",
        "tls.not-tls",
        "tcp.refused",
        "http.timeout",
    ),
    reads=("clock",),
)
