"""Plain HTTP to the REST host: whether the answers are the API's, and where the time of a request goes.

What it looks at: a few requests to a public endpoint, the first on a fresh way, and the time that each phase took. An
answer of the API is a JSON object with a code; everything else comes from somebody in between, who is told by its
status, its headers (Server, CF-RAY) and its words.

What it means
  http.edge-blocked     the CDN refuses this client (403 or a challenge): no key plays a part in it
  http.region-blocked   this place is not served (451, 50121, or a page that says so)
  http.origin-down      the CDN does not reach the exchange (52x)
  http.captive-portal   a network's sign-in page answers for everybody
  http.not-json         status 200 and no JSON envelope: empty, cut off, wrongly encoded, a web page
  http.timeout          connected, and no complete answer; the phase is named
  http.slow             a phase takes longer than the way explains
  http.goaway           connections are ended after some requests: not every client library repeats those

What to do: read status and Content-Type before parsing. Behind a block, try another way out (--proxy) before changing
keys; give the ray id to the exchange's support. Where HTTP/2 connections end early, httpx wants http2=False.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import median

from okxdoctor.check import Check, Inconclusive, Skip
from okxdoctor.model import Confidence, Finding, Json
from okxdoctor.port import Ask, Io, Traffic
from okxdoctor_checks._answers import broken_off, layer, line
from okxdoctor_checks._limits import limit
from okxdoctor_checks._pages import Page, reuse_seen, seen
from okxdoctor_checks._words import counted, duration, finite, listed

PATH = "/api/v5/public/price-limit?instId=BTC-USDT-SWAP"
"""Cheap, public, and with a budget of its own: public/time is the clock check's."""

LATER_IN_A_ROW, LATER_AT_ONCE, MOST_IN_A_ROW = 2, 4, 6
MOST_OTHERS = 20
REGION_CODE = "50121"
EDGE_SERVERS = ("cloudflare", "cloudfront", "akamai", "fastly")
NO_HTTP = "the answer is no HTTP: "
"""How a target words that the peer spoke another protocol; its first words follow."""
PHASES = ("resolve", "connect", "handshake", "first_byte", "body")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """``pages`` in the order of asking; ``others``: what other checks got from this host in place of the API's answers,
    of ``heard`` answers in all.
    """

    host: str
    port: int = 443
    pages: tuple[Page, ...]
    others: tuple[Page, ...] = ()
    heard: int = 0


# ---- probe -----------------------------------------------------------------------------------


async def probe(io: Io) -> Facts:
    host = io.view.rest.host

    async def ask(*, fresh: bool = False) -> Page:
        return seen(await io.http(Ask(method="GET", path=PATH, fresh=fresh)), host)

    # A connection of its own: its handshake is measured, and it waits for nobody whose answer does not come.
    first = await ask(fresh=True)
    if first.failure is not None and first.ended_after is None and (below := layer(first.failure)) != "http":
        raise Skip(f"no connection to {host}: {broken_off(first.failure)} (see {below})", layer=below)
    pages = [first]
    if (first.phases.handshake_ms or 0) > limit(_LIMITS["handshake"]):
        pages.append(await ask(fresh=True))  # one lost packet is no slowness
    if first.http_version == "HTTP/2":
        # Side by side on the one connection: what ends it after a few streams shows at once.
        pages += await asyncio.gather(*(ask() for _ in range(LATER_AT_ONCE)))
    elif first.failure is None:
        for _ in range(LATER_IN_A_ROW):
            pages.append(await ask())
        while len(pages) < MOST_IN_A_ROW and all(map(_answered, pages)) and not reuse_seen(pages):
            pages.append(await ask())
    lost = [page for page in pages if page.failure is not None and page.ended_after is None and _below(page)]
    if lost and all(_answered(page) for page in pages if page not in lost):
        failure = lost[0].failure
        assert failure is not None
        raise Inconclusive(
            f"{len(lost)} of {counted(len(pages), 'request')} found no way to {host}: "
            f"{broken_off(failure)} (see {layer(failure)})"
        )
    if all(page.failure is not None and page.failure.kind == "other" for page in pages):
        raise Inconclusive(f"the request to {host} broke off: {first.failure.detail if first.failure else ''}")
    facts = Facts(host=host, port=io.view.rest.port, pages=tuple(pages))
    return await _with_others(io, facts) if all(map(_answered, pages)) else facts


async def _with_others(io: Io, facts: Facts) -> Facts:
    """What this check was spared: single paths that somebody keeps for himself, single answers that are none."""
    traffic = await io.given(Traffic)
    if traffic is None:
        return facts
    own = io.view.rest.url.rstrip("/")
    heard = [answer for answer in traffic.answers if answer.status is not None and answer.url.startswith(f"{own}/")]
    # Who answers 429 counts requests, which is for the check `ratelimit`.
    told = [(answer, seen(answer, facts.host)) for answer in heard if answer.failure is None and answer.status != 429]
    odd = [replace(page, asked=line(f"{answer.method} {answer.path.partition('?')[0]}", 80))
           for answer, page in told if not _answered(page)]  # fmt: skip
    return replace(facts, others=tuple(odd[:MOST_OTHERS]), heard=len(heard))


# ---- evaluate --------------------------------------------------------------------------------


def evaluate(facts: Facts) -> Iterator[Finding]:
    odd = [page for page in facts.pages if not _answered(page)]
    ended = [page for page in facts.pages if page.ended_after is not None]
    if ended:
        yield _goaway(facts, ended)
    for judge in (_unserved, _other_server, _timed_out, _no_envelope):
        found = judge(facts, [page for page in odd if page.ended_after is None])
        if found is not None:
            yield found
            return
    if facts.others and not odd:
        yield from _by_others(facts)
    if not ended:
        yield from _not_kept(facts)
    yield from _slow(facts)


def _by_others(facts: Facts) -> Iterator[Finding]:
    """The own requests were answered by the API; what other checks got says who stands before single paths."""
    paths = list(dict.fromkeys(page.asked for page in facts.others))
    for judge in (_unserved, _kept_back, _other_server, _no_envelope):
        found = judge(facts, facts.others)
        if found is not None:
            many = f"{len(facts.others)} of {counted(facts.heard, 'answer')}"
            yield replace(
                found,
                summary=f"{found.summary.rstrip('.')} ({many}: {listed(paths, limit=2)}).",
                evidence={**found.evidence, "answers": facts.heard, "paths": list[Json](paths)},
                confidence=Confidence.LIKELY,
            )
            return


def _kept_back(facts: Facts, odd: Sequence[Page]) -> Finding | None:
    """Single requests are refused by who is not the exchange. No portal lets the others pass."""
    for page in odd:
        if page.status in (401, 403, 404, 405) and page.body != "envelope" and not page.redirect_host:
            return _edge_blocked(facts, odd, page, page.status)
    return None


def _answered(page: Page) -> bool:
    """Whether the API itself answered, be it with a refusal."""
    return (
        page.failure is None
        and page.body == "envelope"
        and page.code != REGION_CODE
        and not page.misread
        and page.status != 451
    )


def _below(page: Page) -> bool:
    """Whether the request failed before there was a connection to send it on."""
    return page.failure is not None and layer(page.failure) != "http"


def _from_edge(page: Page) -> bool:
    return bool(page.ray) or bool(page.mitigated) or page.server.lower().startswith(EDGE_SERVERS)


def _look(page: Page) -> dict[str, Json]:
    """What identifies a page, for the evidence."""
    return {
        "status": page.status,
        "server": page.server or None,
        "ray_id": page.ray or None,
        "content_type": page.content_type or None,
        "title": page.title or None,
        "excerpt": page.excerpt or None,
        "length_chars": page.length,
    }


def _finding(
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
    if confidence is Confidence.CERTAIN and any(map(_answered, facts.pages)):
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


def _unserved(facts: Facts, odd: Sequence[Page]) -> Finding | None:
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
        return _finding(
            "http.region-blocked",
            facts,
            odd,
            said + ".",
            _look(page) | {"code": page.code or None},
            confidence=Confidence.CERTAIN if sure else Confidence.LIKELY,
            excluded=("key.unknown", "ip.not-whitelisted"),
        )
    return None


def _other_server(facts: Facts, odd: Sequence[Page]) -> Finding | None:
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
        if status in (401, 403, 429, 503) or page.mitigated or (page.speaks_of_challenge and _from_edge(page)):
            return _edge_blocked(facts, odd, page, status)
    return None


def _origin_down(facts: Facts, odd: Sequence[Page], page: Page, status: int) -> Finding:
    by = "The CDN" if _from_edge(page) else page.server or "A server in between"
    return _finding(
        "http.origin-down",
        facts,
        odd,
        f"{by} answers {status} for {facts.host}: it does not reach the exchange behind it{_ray(page)}.",
        _look(page),
        confidence=Confidence.CERTAIN if 520 <= status <= 530 else Confidence.LIKELY,
    )


def _portal(page: Page, status: int) -> bool:
    if status == 511:
        return True
    if _from_edge(page):
        return False
    if 300 <= status < 400:
        return bool(page.redirect_host)
    # A web page from a server that has a name, and not the edge's.
    return page.body == "html" and (bool(page.server) or page.speaks_of_sign_in)


def _captive(facts: Facts, odd: Sequence[Page], page: Page, status: int) -> Finding:
    who = f"A server that calls itself {page.server}" if page.server else "A server without a name"
    what = f"redirects to {page.redirect_host}" if page.redirect_host else f"answers {status} with a web page"
    title = f" ({page.title})" if page.title else ""
    sure = status == 511 or bool(page.redirect_host) or page.speaks_of_sign_in
    return _finding(
        "http.captive-portal",
        facts,
        odd,
        f"{who} {what}{title} in place of {facts.host}.",
        _look(page) | {"redirects_to": page.redirect_host or None},
        confidence=Confidence.CERTAIN if sure else Confidence.LIKELY,
        excluded=("http.edge-blocked",),
    )


def _edge_blocked(facts: Facts, odd: Sequence[Page], page: Page, status: int) -> Finding:
    sure = _from_edge(page) and (status == 403 or bool(page.mitigated) or page.speaks_of_challenge)
    what = "a challenge page" if page.mitigated else "a page" if page.body == "html" else "an answer"
    who = "The edge" if _from_edge(page) or not page.server else f"{page.server} in front"
    return _finding(
        "http.edge-blocked",
        facts,
        odd,
        f"{who} of {facts.host} answers {status} with {what} without a code of the exchange{_ray(page)}.",
        _look(page) | {"mitigated": page.mitigated or None},
        confidence=Confidence.CERTAIN if sure else Confidence.LIKELY,
        excluded=("key.unknown", "permission.missing", "ip.not-whitelisted"),
    )


# ---- answers that do not come, or are none -----------------------------------------------------


def _timed_out(facts: Facts, odd: Sequence[Page]) -> Finding | None:
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
    return _finding(
        "http.timeout",
        facts,
        late,
        f"{facts.host} accepts connections, but {missing} within {duration(waited_ms / 1000)}{some}.",
        {"phase": phase, "waited_ms": finite(waited_ms, 1), "http_version": late[0].http_version or None},
        excluded=("tcp.filtered", "http.slow"),
    )


def _no_envelope(facts: Facts, odd: Sequence[Page]) -> Finding | None:
    if not odd:
        return None
    page = odd[0]
    some = f" ({len(odd)} of {counted(len(facts.pages), 'answer')})" if len(odd) < len(facts.pages) else ""
    said, sure = _flaw(page)
    return _finding(
        "http.not-json",
        facts,
        odd,
        f"{facts.host} answers with {said}{some}.",
        _look(page)
        | {
            "announced_bytes": page.announced,
            "content_encoding": page.content_encoding or None,
            "failure": f"{page.failure.kind} during {page.failure.phase}" if page.failure is not None else None,
        },
        confidence=Confidence.CERTAIN if sure else Confidence.LIKELY,
        excluded=("http.captive-portal", "http.edge-blocked") if page.failure is None else (),
    )


def _flaw(page: Page) -> tuple[str, bool]:
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
        return f"{status}a body that is cut off after {page.length} characters{of}", True
    if page.misread:
        return f"{status}a body that is not in the encoding it claims", True
    kind = {
        "empty": "an empty body",
        "html": f"a web page ({page.title})" if page.title else "a web page",
        "json": "JSON that is no envelope (no code)",
        "broken-json": f"JSON that breaks off or is malformed ({page.length} characters)",
        "text": "a body that is not JSON",
        "envelope": "an envelope",
    }[page.body]
    return f"{status}{kind}", page.status == 200


def _goaway(facts: Facts, ended: Sequence[Page]) -> Finding:
    after = min(page.ended_after for page in ended if page.ended_after is not None)
    failed = sum(not _answered(page) for page in ended)
    then = "the requests on it failed" if failed else "the requests on it had to be sent again"
    return _finding(
        "http.goaway",
        facts,
        ended,
        f"The server ended an HTTP/2 connection after {counted(after, 'request')}, and {then}.",
        {"streams": after, "failed": failed, "http_version": "HTTP/2"},
        excluded=("http.timeout",),
    )


def _not_kept(facts: Facts) -> Iterator[Finding]:
    """Used connections that ended unannounced, one request after the other: none had the time to grow stale."""
    again = [page for page in facts.pages if page.retried]
    if len(again) < LATER_IN_A_ROW:
        return
    yield _finding(
        "http.goaway",
        facts,
        again,
        f"{facts.host} ends connections when they are used again, without an answer and without having said so: "
        f"{len(again)} of {counted(len(facts.pages), 'request')} had to be sent twice.",
        {"retried": len(again), "http_version": again[0].http_version or None},
        remedy=(
            "Repeat GET requests once, on a new connection, when a used one ends without an answer; for orders look up "
            "the clOrdId first",
            "Or keep no connections: requests.get(…, headers={'Connection': 'close'}), httpx.Limits("
            "max_keepalive_connections=0)",
            "Behind a gateway of your own: let its keep-alive time-out be longer than that of the clients",
        ),
        excluded=("http.timeout", "http.not-json"),
    )


# ---- where the time goes -----------------------------------------------------------------------


def _slow(facts: Facts) -> Iterator[Finding]:
    table = _phase_table(facts.pages)
    over = {name: ms for name, ms in table.items() if name in _LIMITS and ms > limit(_LIMITS[name])}
    if not over:
        return
    worst = max(over, key=lambda name: over[name])
    words = {"connect": "TCP connect", "handshake": "TLS handshake", "first_byte": "first byte", "body": "body"}
    yield _finding(
        "http.slow",
        facts,
        [page for page in facts.pages if page.failure is None],
        f"The {words[worst]} of {facts.host} takes {over[worst]:.0f} ms (median; over "
        f"{limit(_LIMITS[worst]):.0f} ms is slow).",
        {
            "phases_ms": {name: finite(ms, 1) for name, ms in table.items()},
            "limits_ms": {name: limit(key) for name, key in _LIMITS.items()},
            "slow_phases": list(over),
        },
        excluded=("http.timeout",),
    )


_LIMITS = {
    "connect": "http_slow_connect_ms",
    "handshake": "http_slow_handshake_ms",
    "first_byte": "http_slow_first_byte_ms",
    "body": "http_slow_body_ms",
}


def _phase_table(pages: Sequence[Page]) -> dict[str, float]:
    """The median of each phase that could be observed, milliseconds."""
    found: dict[str, float] = {}
    for name in PHASES:
        values = [
            value
            for page in pages
            if page.failure is None and (value := getattr(page.phases, f"{name}_ms")) is not None
        ]
        if values:
            # Ways are opened once or twice in a run: the quicker one tells how long it takes when no packet is lost.
            found[name] = min(values) if name in ("connect", "handshake") else median(values)
    return found


CHECK = Check(
    id="http",
    title="The REST host answers as the API does",
    facts=Facts,
    probe=probe,
    evaluate=evaluate,
    reads=("key", "status", "signature", "account", "instrument"),
    causes=(
        "http.edge-blocked",
        "http.region-blocked",
        "http.origin-down",
        "http.captive-portal",
        "http.not-json",
        "http.timeout",
        "http.slow",
        "http.goaway",
    ),
)
