"""What REST refuses although a login over the WebSocket proves it right: it was changed on the way."""

from __future__ import annotations

from okxdoctor.model import Confidence, Finding

BAD_SIGNATURE, BAD_PASSPHRASE = "50113", "50105"
_ELSEWHERE = "okxdoctor run --only key   # the same from another network, without proxy and gateway"


def changed_on_the_way(url: str) -> Finding:
    """The secret signs a login that is accepted, so it is the key's; REST receives other bytes than were signed."""
    return Finding(
        code="signature.unexplained",
        summary="REST refuses the signature (50113) and the WebSocket accepts a login that the same secret signed: "
        "requests are changed on the way",
        evidence={"url": url, "websocket_login": "accepted", "rest_code": BAD_SIGNATURE, "key_known": True},
        subject="rest",
        confidence=Confidence.LIKELY,
        remedy=(
            _ELSEWHERE,
            "Gateway, reverse proxy, TLS inspection: pass path, query and body byte for byte, and add nothing",
        ),
        excluded=("key.secret-wrong", "timestamp.expired"),
    )


def altered_on_the_way(url: str) -> Finding:
    """The passphrase is the key's, for a login with it is accepted; REST receives another one."""
    header = "OK-ACCESS-PASSPHRASE"
    return Finding(
        code="header.missing",
        summary=f"{header} does not arrive as it is sent: REST refuses it ({BAD_PASSPHRASE}) and the WebSocket "
        "accepts a login with the same",
        evidence={"url": url, "websocket_login": "accepted", "rest_code": BAD_PASSPHRASE, "header": header},
        subject="rest",
        confidence=Confidence.LIKELY,
        remedy=(
            _ELSEWHERE,
            f"Gateway, reverse proxy, TLS inspection: pass {header} once and as it is",
        ),
        excluded=("key.passphrase-wrong",),
    )
