"""What the answer in a capture says: a hint where nothing else was found, never more. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from okxdoctor import knowledge
from okxdoctor.model import Confidence, Finding
from okxdoctor.triage.capture import Capture

BAD_SIGN = frozenset({"50113", "60007"})
"""Codes that refuse a signature, over REST and in a WebSocket login."""

# Families of causes that one request can show; those of this machine and network cannot be seen in a capture.
_FAMILIES = frozenset(
    ("key", "region", "ip", "permission", "timestamp", "header", "order", "precision", "account", "instrument",
     "ratelimit", "status", "http", "ws")
)  # fmt: skip


def right_and_refused(capture: Capture) -> Finding:
    """A refusal for the signature although it is the one these bytes must have."""
    code = capture.response.code
    return Finding(
        code="signature.unexplained",
        summary=f"The signature is right for these bytes under the secret at hand, yet OKX answered {code}: "
        "the secret is not the one of this key, or the request was changed on its way.",
        evidence={"response_code": capture.response.code},
        excluded=("every mistake in what is signed and how", "another secret in the client than the one at hand"),
        remedy=(
            "okxdoctor run   signs a request of its own: if it is refused too, key and secret do not belong together",
            "Go round any proxy that opens TLS: it may rewrite path, query or body after the request was signed",
        ),
    )


def hints(capture: Capture, *, settled: bool) -> Iterator[Finding]:
    """The likeliest cause of the code that was answered. `settled`: whether the signature was
    recomputed, or something visible is suspected in it.
    """
    code = capture.response.code
    if code in ("", "0", "1", "2"):
        return
    try:
        row = knowledge.code(code)
    except KeyError:
        return
    if code in BAD_SIGN:
        if not settled:
            yield Finding(
                code="signature.unexplained",
                summary=f"OKX refused this signature ({code}); nothing visible is wrong, and it was not recomputed.",
                evidence={"response_code": code},
                confidence=Confidence.POSSIBLE,
                remedy=("Set OKX_SECRET_KEY (or --profile, --ask) and inspect again: the mistake is then named",),
            )
        return
    cause = next((cause for cause in row.causes if cause.partition(".")[0] in _FAMILIES), None)
    if cause is not None:
        yield Finding(
            code=cause,
            summary=f"OKX answered {code}: {row.meaning.split('. ')[0].rstrip('.')}.",
            evidence={"response_code": code, "other_causes": [other for other in row.causes if other != cause]},
            confidence=Confidence.LIKELY if len(row.causes) == 1 else Confidence.POSSIBLE,
        )
