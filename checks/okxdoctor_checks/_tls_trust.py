"""Why the store in use leads a chain to no root: the store, the chain, or somebody between."""

from __future__ import annotations

from okxdoctor.model import Confidence, Finding, Json, Severity
from okxdoctor.port import TrustStore, Verification
from okxdoctor_checks._certificates import called, path
from okxdoctor_checks._tls_greeting import Greeting, finding, place, stores, verified
from okxdoctor_checks._words import listed

# Verify codes of OpenSSL (x509_vfy.h) that come only from VERIFY_X509_STRICT, which Python sets since 3.13.
STRICT_CODES = range(80, 95)
NO_KEY_IDENTIFIER = 85
NO_ISSUER = frozenset({2, 19, 20, 21})


def broken_store(trust: TrustStore) -> Finding:
    said = {
        "missing": "does not exist",
        "unreadable": "cannot be read",
        "empty": "holds no certificate",
        "not-pem": "is no PEM file",
    }.get(trust.problem, trust.problem)
    named = trust.source.removeprefix("env:")
    by = f", named by {named}," if trust.source.startswith("env:") else ""
    repair = f"unset {named}" if trust.source.startswith("env:") else "Name a CA file that exists, or none"
    return Finding(
        code="tls.trust-store",
        summary=f"The store of trusted roots {trust.path or trust.source}{by} {said}: no server can be verified.",
        evidence={
            "source": trust.source,
            "path": trust.path,
            "problem": trust.problem,
            "certificates": trust.certificates,
        },
        remedy=(
            f"{repair}   # then the system's roots are used",
            'cat "$(python3 -m certifi)" own-root.pem > both.pem   # for both'
            "     Windows: Get-Content (python -m certifi), own-root.pem | Set-Content both.pem   # for both",
        ),
        excluded=("tls.intercepted",),
    )


def untrusted(greeting: Greeting) -> Finding | None:
    """Why the store in use does not lead the chain to a root; None when it does, or nobody asked."""
    asked = stores(greeting)
    own = asked.get("in-use")
    if own is None or own.ok:
        return None
    others = [name for name in ("system", "bundled") if name in asked and asked[name].ok]
    evidence: dict[str, Json] = {"stores": verified(greeting), "verify_code": own.code, "store_in_use": own.source}
    if own.code in STRICT_CODES:
        return _strict(greeting, own, evidence)
    if others:
        words = {"system": "the system's store", "bundled": "the public bundle (certifi)"}
        return finding(
            "tls.trust-store",
            greeting,
            f"the chain of {place(greeting)} leads to a root of {listed(words[name] for name in others)} and not of "
            f"the store in use ({own.source or 'unnamed'}).",
            evidence,
            excluded=("tls.intercepted", "tls.incomplete-chain"),
        )
    sent = path(greeting.handshake.chain)
    end = sent[-1]
    completed = asked.get("in-use+aia")
    if completed is not None and completed.ok:
        return finding(
            "tls.incomplete-chain",
            greeting,
            f"{place(greeting)} does not send the certificate of its issuer ({called(end.issuer)}); fetched, it "
            "completes the chain.",
            evidence | {"missing": end.issuer, "fetched_from": list(greeting.handshake.aia_fetched)},
            excluded=("tls.intercepted", "tls.trust-store"),
        )
    if len(sent) == 1 and end.aia_issuers and not greeting.handshake.aia_fetched:
        # The issuer can be had somewhere and was not: it may complete the chain to a public root or to a private one.
        return finding(
            "tls.incomplete-chain",
            greeting,
            f"{place(greeting)} does not send the certificate of its issuer ({called(end.issuer)}), and it could not "
            "be fetched.",
            evidence | {"missing": end.issuer, "fetch_from": list(end.aia_issuers[:2])},
            confidence=Confidence.POSSIBLE,
        )
    return finding(
        "tls.intercepted",
        greeting,
        f"the certificate of {place(greeting)} comes from {called(end.issuer)}, which no public store knows.",
        evidence | {"root": end.issuer, "complete": end.self_issued},
        confidence=Confidence.CERTAIN if end.self_issued or len(sent) > 1 else Confidence.LIKELY,
        excluded=("tls.self-signed", "tls.trust-store", "tls.incomplete-chain"),
    )


def _strict(greeting: Greeting, own: Verification, evidence: dict[str, Json]) -> Finding:
    what = "has no authority key identifier" if own.code == NO_KEY_IDENTIFIER else f"breaks RFC 5280 ({own.message})"
    return finding(
        "tls.trust-store",
        greeting,
        f"a certificate of the chain of {place(greeting)} {what}; Python 3.13 refuses that, earlier ones accept it.",
        evidence | {"strict": True},
        remedy=(
            "Have the company root or gateway certificate issued anew with subject and authority key identifiers",
            "Until then: context.verify_flags &= ~ssl.VERIFY_X509_STRICT in the client (verification stays on)",
        ),
        excluded=("tls.intercepted",),
    )


def quietly_intercepted(greeting: Greeting) -> Finding | None:
    """A root that this machine was told to trust and no public bundle has, behind a public name."""
    asked = stores(greeting)
    bundled, own = asked.get("bundled"), asked.get("in-use")
    if own is None or not own.ok or bundled is None or bundled.code not in NO_ISSUER:
        return None
    end = path(greeting.handshake.chain)[-1]
    return finding(
        "tls.intercepted",
        greeting,
        f"the certificate of {place(greeting)} comes from {called(end.issuer)}, which this machine trusts and the "
        "public bundle does not know; clients that use certifi fail.",
        {"stores": verified(greeting), "root": end.issuer},
        confidence=Confidence.LIKELY,
        severity=Severity.WARNING,
    )
