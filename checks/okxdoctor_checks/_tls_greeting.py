"""One greeting of a TLS server as a fact, and a finding about it."""

from __future__ import annotations

from dataclasses import dataclass

from okxdoctor.model import Confidence, Finding, Json, Severity
from okxdoctor.port import Handshake, Role, Verification
from okxdoctor_checks._words import ROLE_NAMES


@dataclass(frozen=True, slots=True, kw_only=True)
class Greeting:
    """One role's handshake. ``flipped``: one that names another host at the same address, made when the first died."""

    role: Role
    host: str
    handshake: Handshake
    flipped: Handshake | None = None


def place(greeting: Greeting) -> str:
    return f"{greeting.host}:{greeting.handshake.port}"


def stores(greeting: Greeting) -> dict[str, Verification]:
    return {verification.store: verification for verification in greeting.handshake.verifications}


def accepted(greeting: Greeting) -> bool | None:
    """Whether the store in use leads the chain to a root; None when nobody asked it."""
    own = stores(greeting).get("in-use")
    return None if own is None else own.ok


def verified(greeting: Greeting) -> dict[str, Json]:
    return {store: found.message or ("ok" if found.ok else f"code {found.code}")
            for store, found in stores(greeting).items()}  # fmt: skip


def finding(
    code: str,
    greeting: Greeting,
    said: str,
    evidence: dict[str, Json],
    *,
    confidence: Confidence = Confidence.CERTAIN,
    severity: Severity | None = None,
    remedy: tuple[str, ...] = (),
    excluded: tuple[str, ...] = (),
) -> Finding:
    handshake = greeting.handshake
    common: dict[str, Json] = {"host": greeting.host, "address": handshake.address, "port": handshake.port}
    if handshake.chain:
        leaf = handshake.chain[0]
        common |= {
            "subject_name": leaf.subject,
            "issuer_name": leaf.issuer,
            "not_after": leaf.not_after,
            "version": handshake.version,
            "certificates_sent": len(handshake.chain),
        }
    return Finding(
        code=code,
        summary=f"{ROLE_NAMES[greeting.role]}: {said}",
        evidence=common | evidence,
        subject=greeting.role,
        confidence=confidence,
        severity=severity,
        remedy=remedy,
        excluded=excluded,
    )
