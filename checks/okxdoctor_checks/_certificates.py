"""What a sent chain of certificates says, without asking any store: names, dates, links, strength."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from okxdoctor.port import Certificate

DAY_S = 86_400
WEAK_HASHES = frozenset({"md2", "md4", "md5", "sha1"})
RSA_BITS_MIN = 2048
"""CA/Browser Forum baseline requirements 6.1.5; OpenSSL's security level 2 asks for the same."""


# ---- names (RFC 6125, as OpenSSL and Python apply it) ------------------------------------------


def covers(names: Sequence[str], host: str) -> bool:
    """Whether one of the SAN names or addresses is this host. A common name counts for nothing."""
    address = _address(host.strip("[]"))
    if address is not None:
        return any(_address(name) == address for name in names)
    wanted = host.rstrip(".").lower()
    return bool(wanted) and any(_matches(name.rstrip(".").lower(), wanted) for name in names)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _matches(pattern: str, host: str) -> bool:
    if not pattern.startswith("*."):
        return pattern == host
    # One star, for one whole label, and never for everything below a top-level domain.
    parent = pattern[2:]
    label, _, rest = host.partition(".")
    return "*" not in parent and "." in parent and bool(label) and rest == parent


# ---- dates -------------------------------------------------------------------------------------


def epoch_s(text: str) -> float | None:
    """ISO-8601 text as seconds since the epoch; None for what is none. Without an offset it is UTC."""
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """A certificate against a time: ``state`` expired | not-yet | valid, and by how many seconds."""

    position: int
    state: str
    by_s: float


def dated(chain: Sequence[Certificate], low_s: float, high_s: float, *, deep: bool) -> tuple[Ends, ...]:
    """Every certificate of the path with the time known to lie between ``low_s`` and ``high_s`` (epoch).

    The leaf and its issuer count always. Further up clients often find a way around an old cross-signed
    certificate, so these count only where ``deep``: no store found a way.
    """
    found = []
    for position, certificate in enumerate(path(chain)):
        if position > 1 and (not deep or certificate.self_issued):
            break
        begins, ends = epoch_s(certificate.not_before), epoch_s(certificate.not_after)
        if ends is not None and low_s > ends:
            found.append(Ends(position=position, state="expired", by_s=low_s - ends))
        elif begins is not None and high_s < begins:
            found.append(Ends(position=position, state="not-yet", by_s=begins - high_s))
        elif ends is not None:
            found.append(Ends(position=position, state="valid", by_s=ends - high_s))
    return tuple(found)


# ---- subjects and issuers -----------------------------------------------------------------------


def called(name: str) -> str:
    """A distinguished name as people call it: the common name, else the organisation, else all of it."""
    parts = dict(part.split("=", 1) for part in reversed(name.split(", ")) if "=" in part)
    return parts.get("CN") or parts.get("O") or name or "nobody"


# ---- links -------------------------------------------------------------------------------------


def path(chain: Sequence[Certificate]) -> tuple[Certificate, ...]:
    """The leaf and each next issuer that was sent, in order; servers may send them in any order and others too."""
    if not chain:
        return ()
    found, rest = [chain[0]], list(chain[1:])
    while not found[-1].self_issued:
        following = next((c for c in rest if c.subject == found[-1].issuer), None)
        if following is None:
            break
        found.append(following)
        rest.remove(following)
    return tuple(found)


# ---- strength ----------------------------------------------------------------------------------


def weakness(chain: Sequence[Certificate]) -> str:
    """What is too weak in the path, in words; "" for nothing. A root's own signature proves nothing and counts not."""
    for certificate in path(chain):
        if certificate.key_type.upper() in ("RSA", "DSA") and 0 < certificate.key_bits < RSA_BITS_MIN:
            bits = f"only {certificate.key_bits} bits"
            return f"the {certificate.key_type} key of the certificate of {called(certificate.subject)} has {bits}"
        hashed = certificate.signature_hash.lower().replace("-", "")
        if hashed in WEAK_HASHES and not certificate.self_issued:
            return f"the certificate of {called(certificate.subject)} is signed with {hashed.upper()}"
    return ""
