"""Judging pages: who answers in place of the API, what is no envelope, and what never comes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from okxdoctor.model import Blame, Confidence, Finding, Json
from okxdoctor_checks._answers import layer
from okxdoctor_checks._pages import Page
from okxdoctor_checks._words import counted, duration, finite

REGION_CODE = "50121"
CONTENT_NETWORKS = ("Cloudflare", "CloudFront", "Akamai", "Fastly")
"""Edges before the exchange or its like. Behind those that anyone rents with a server, a page may be a stranger's."""
NO_HTTP = "the answer is no HTTP: "
"""How a target words that the peer spoke another protocol; its first words follow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """``pages`` in the order of asking; ``others``: what other checks got from this host in place of the API's answers,
    of ``heard`` answers in all; ``missing``: what they waited for in vain on connections that stood; ``plain``: without
    TLS.
    """

    host: str
    port: int = 443
    pages: tuple[Page, ...]
    others: tuple[Page, ...] = ()
    missing: tuple[Page, ...] = ()
    heard: int = 0
    plain: bool = False


def answered(page: Page) -> bool:
    """Whether the API itself answered, be it with a refusal."""
    return (
        page.failure is None
        and page.body == "envelope"
        and page.code != REGION_CODE
        and not page.misread
        and not page.truncated
        and page.status != 451
    )


def unsent(page: Page) -> bool:
    """Whether the request failed before there was a connection to send it on."""
    return page.failure is not None and layer(page.failure) != "http"


def _from_edge(page: Page) -> bool:
    return bool(page.edge or page.ray or page.mitigated)


def look(page: Page) -> dict[str, Json]:
    """What identifies a page, for the evidence."""
    return {
        "status": page.status,
        "server": page.server or None,
        "edge": page.edge or None,
        "ray_id": page.ray or None,
        "content_type": page.content_type or None,
        "title": page.title or None,
        "excerpt": page.excerpt or None,
        "length_chars": page.length,
    }


def finding(
    code: str,
    facts: Facts,
    odd: Sequence[Page],
    said: str,
    evidence: dict[str, Json],
    *,
    confidence: Confidence = Confidence.CERTAIN,
    remedy: tuple[str, ...] = (),
    excluded: tuple[str, ...] = (),
) -> Finding:
    if confidence is Confidence.CERTAIN and any(map(answered, facts.pages)):
        confidence = Confidence.LIKELY  # the same request was answered as well
    return Finding(
        code=code,
        summary=said,
        evidence={
            "host": facts.host,
            "port": facts.port,
            "answers": len(facts.pages),
            "affected": len(odd),
            **evidence,
        },
        subject="rest",
        confidence=confidence,
        remedy=remedy,
        excluded=excluded,
    )


def _ray(page: Page) -> str:
    return f" (ray {page.ray})" if page.ray else ""


# ---- somebody says no --------------------------------------------------------------------------


def unserved(facts: Facts, odd: Sequence[Page]) -> Finding | None:
    """The place is not served, whoever says so: the exchange, its CDN, or a page."""
    for page in odd:
        if page.failure is not None:
            continue
        if page.code == REGION_CODE:
            said = f"{facts.host} refuses service from this address (code {REGION_CODE})"
        elif page.status == 451:
            said = f"{facts.host} answers 451: not available here for legal reasons{_ray(page)}"
        elif page.speaks_of_region and page.status is not None and page.status >= 300:
            said = f"{facts.host} answers {page.status} with a page about a region that is not served{_ray(page)}"
        else:
            continue
        sure = page.code == REGION_CODE or page.status == 451
        return finding(
            "http.region-blocked",
            facts,
            odd,
            said + ".",
            look(page) | {"code": page.code or None},
            confidence=Confidence.CERTAIN if sure else Confidence.LIKELY,
            excluded=("key.unknown", "ip.not-whitelisted"),
        )
    return None


def wants_tls(facts: Facts, odd: Sequence[Page]) -> Finding | None:
    """A server that says so, to whoever speaks plain HTTP to it. Behind TLS it is a gateway's mistake, not this one."""
    page = next((page for page in odd if page.speaks_of_tls and (page.status or 0) >= 400), None)
    if page is None or not facts.plain:
        return None
    found = finding(
        "http.not-json",
        facts,
        odd,
        f"{facts.host} wants TLS on port {facts.port}, and http:// is configured: {page.title or page.excerpt}.",
        look(page),
        remedy=(
            f"Write https://{facts.host}:{facts.port} in place of http://, and wss:// in place of ws://",
            "okxdoctor run --show-settings   # shows who set the address",
        ),
        excluded=("http.captive-portal", "http.edge-blocked"),
    )
    return replace(found, blame=Blame.YOURS)


def other_server(facts: Facts, odd: Sequence[Page]) -> Finding | None:
    """The CDN, or somebody who is neither the CDN nor the exchange."""
    for page in odd:
        status = page.status
        if page.failure is not None or status is None or page.body == "envelope":
            continue
        if 520 <= status <= 530 or (status in (500, 502, 503, 504) and not page.speaks_of_challenge):
            return _origin_down(facts, odd, page, status)
        # A sign-in page answers anything but "too many": that is a limit of whoever answers.
        if status != 429 and _portal(page, status):
            return _captive(facts, odd, page, status)
        if status in (401, 403, 407, 429, 503) or page.mitigated or (page.speaks_of_challenge and _from_edge(page)):
            return _edge_blocked(facts, odd, page, status)
    return None


def _origin_down(facts: Facts, odd: Sequence[Page], page: Page, status: int) -> Finding:
    by = "The CDN" if page.edge in CONTENT_NETWORKS else page.edge or page.server or "A server in between"
    return finding(
        "http.origin-down",
        facts,
        odd,
        f"{by} answers {status} for {facts.host}: it does not reach the exchange behind it{_ray(page)}.",
        look(page),
        confidence=Confidence.CERTAIN if 520 <= status <= 530 else Confidence.LIKELY,
    )


def _portal(page: Page, status: int) -> bool:
    if status == 511:
        return True
    if page.mitigated or page.edge in CONTENT_NETWORKS:
        return False
    if page.edge and (status >= 400 or page.speaks_of_challenge):
        return False
    if 300 <= status < 400:
        return bool(page.redirect_host or page.redirect_path)
    if status in (401, 407) and not page.speaks_of_sign_in:
        return False  # who asks for a password by HTTP has no page to sign in at
    # A web page from a server that has a name, and not the edge's.
    return page.body == "html" and (bool(page.server) or page.speaks_of_sign_in)


def _captive(facts: Facts, odd: Sequence[Page], page: Page, status: int) -> Finding:
    who = f"A server that calls itself {page.server}" if page.server else "A server without a name"
    goal = page.redirect_host or page.redirect_path
    what = f"redirects to {goal}" if goal else f"answers {status} with a web page"
    title = f" ({page.title})" if page.title else ""
    sure = status == 511 or bool(page.redirect_host) or page.speaks_of_sign_in
    return finding(
        "http.captive-portal",
        facts,
        odd,
        f"{who} {what}{title} in place of {facts.host}.",
        look(page) | {"redirects_to": goal or None},
        confidence=Confidence.CERTAIN if sure else Confidence.LIKELY,
        excluded=("http.edge-blocked",),
    )


def _edge_blocked(facts: Facts, odd: Sequence[Page], page: Page, status: int) -> Finding:
    sure = _from_edge(page) and (status == 403 or bool(page.mitigated) or page.speaks_of_challenge)
    what = "a challenge page" if page.mitigated else "a page" if page.body == "html" else "an answer"
    who = "The edge" if page.edge in CONTENT_NETWORKS or not (page.edge or page.server) else None
    who = who or f"{page.edge or page.server} in front"
    return finding(
        "http.edge-blocked",
        facts,
        odd,
        f"{who} of {facts.host} answers {status} with {what} without a code of the exchange{_ray(page)}.",
        look(page) | {"mitigated": page.mitigated or None},
        confidence=Confidence.CERTAIN if sure else Confidence.LIKELY,
        remedy=_of_a_gateway(page, status),
        excluded=("key.unknown", "permission.missing", "ip.not-whitelisted"),
    )


_GATEWAY_WANTS = {
    400: "accept requests with four OK-ACCESS headers and a query of this length",
    401: "ask for no password of its own, or put its credentials into the client beside OK-ACCESS-*",
    404: "have a route for every path under /api/v5",
    405: "pass every method",
    407: "ask for no password of its own, or put its credentials into the client beside OK-ACCESS-*",
    413: "accept bodies of the size of an order",
    429: "count less strictly, or send more slowly",
    431: "accept requests with four OK-ACCESS headers of up to 100 characters each",
    501: "pass every method",
}


def _of_a_gateway(page: Page, status: int) -> tuple[str, ...]:
    """What to do about a server that says its name and is no content network's; those have the cause's own remedy."""
    if page.edge or not page.server:
        return ()
    wants = _GATEWAY_WANTS.get(status, "pass these requests")
    return (
        f"{page.server} in front: let it {wants}; its own log says why it refused",
        "okxdoctor run --only http   # the same from another network, without gateway and TLS inspection",
    )


# ---- answers that do not come, or are none -----------------------------------------------------


def timed_out(facts: Facts, odd: Sequence[Page]) -> Finding | None:
    late = [page for page in odd if page.failure is not None and page.failure.kind == "timeout"]
    if not late:
        return None
    phase = late[0].failure.phase if late[0].failure is not None else ""
    waited_ms = max(page.waited_ms for page in late)
    missing = {
        "send": "the request could not be sent",
        "first-byte": "no answer began",
        "body": "the answer began and did not end",
    }.get(phase, f"nothing came ({phase})")
    some = f" ({len(late)} of {counted(len(facts.pages), 'request')})" if len(late) < len(facts.pages) else ""
    return finding(
        "http.timeout",
        facts,
        late,
        f"{facts.host} accepts connections, but {missing} within {duration(waited_ms / 1000)}{some}.",
        {"phase": phase, "waited_ms": finite(waited_ms, 1), "http_version": late[0].http_version or None},
        excluded=("tcp.filtered", "http.slow"),
    )


def no_envelope(facts: Facts, odd: Sequence[Page]) -> Finding | None:
    if not odd:
        return None
    page = odd[0]
    some = f" ({len(odd)} of {counted(len(facts.pages), 'answer')})" if len(odd) < len(facts.pages) else ""
    goal = _goal(page, facts.host)
    said, sure = _flaw(page, goal)
    return finding(
        "http.not-json",
        facts,
        odd,
        f"{facts.host} answers with {said}{some}.",
        look(page)
        | {
            "announced_bytes": page.announced,
            "redirects_to": goal or None,
            "content_encoding": page.content_encoding or None,
            "failure": f"{page.failure.kind} during {page.failure.phase}" if page.failure is not None else None,
        },
        confidence=Confidence.CERTAIN if sure else Confidence.LIKELY,
        remedy=(f"Write {goal} for the REST address",) if page.redirect_scheme else (),
        excluded=("http.captive-portal", "http.edge-blocked") if page.failure is None else (),
    )


def _goal(page: Page, host: str) -> str:
    """Where a redirect leads, as far as it is another place than was asked."""
    scheme = page.redirect_scheme
    return (f"{scheme}://{page.redirect_host or host}" if scheme else page.redirect_host) + page.redirect_path


def _flaw(page: Page, goal: str) -> tuple[str, bool]:
    """What is wrong with an answer that is no envelope, and whether that is certain."""
    status = f"status {page.status} and "
    if page.failure is not None and page.failure.detail.startswith(NO_HTTP):
        return f"something that is no HTTP: {page.failure.detail.removeprefix(NO_HTTP)}", True
    if page.failure is not None:
        return f"a connection that ends before the answer does ({page.failure.kind})", False
    if page.truncated or (
        page.announced is not None and not page.content_encoding and page.length < page.announced // 4
    ):
        of = f" of {page.announced} bytes announced" if page.announced is not None else ""
        if page.content_encoding and page.announced is not None and page.announced < page.length:
            return f"{status}{page.announced} bytes of {page.content_encoding} that unpack to over {page.length}", True
        if page.body == "envelope":  # clients throw such an answer away
            return f"{status}a whole body on a connection that ends before the body's announced end{of}", True
        return f"{status}a body that is cut off after {page.length} characters{of}", True
    if page.status is not None and 300 <= page.status < 400 and page.status != 304:
        return f"status {page.status} and a redirect" + (f" to {goal}" if goal else ""), False
    if page.misread:
        return f"{status}a body that is not in the encoding it claims", True
    kind = {
        "empty": "an empty body",
        "html": f"a web page ({page.title})" if page.title else "a web page",
        "json": "JSON that is no envelope of the API",
        "broken-json": f"JSON that breaks off or is malformed ({page.length} characters)",
        "text": "a body that is not JSON",
        "envelope": "an envelope",
    }[page.body]
    return f"{status}{kind}", page.status == 200


def kept_back(facts: Facts, odd: Sequence[Page]) -> Finding | None:
    """Single requests are refused by who is not the exchange. No portal lets the others pass."""
    for page in odd:
        status = page.status or 0
        if (400 <= status < 500 or status == 501) and page.body != "envelope":
            return _edge_blocked(facts, odd, page, status)
    return None
