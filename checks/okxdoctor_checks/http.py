"""Plain HTTP to the REST host: whether the answers are the API's, and where the time of a request goes.

What it looks at: a few requests to a public endpoint, the first on a fresh way, and the time that each phase took. An
answer of the API is a JSON object with a code; everything else comes from somebody in between, who is told by its
status, its headers (Server, CF-RAY) and its words.

What it means
  http.edge-blocked     the CDN refuses this client (403 or a challenge), or a gateway in front refuses some requests
                        (password, method, size, number): no key plays a part in it
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
from dataclasses import replace
from statistics import median

from okxdoctor.check import Check, Inconclusive, Skip
from okxdoctor.model import Confidence, Finding, Json
from okxdoctor.port import Answer, Ask, Io, Traffic
from okxdoctor_checks._answers import broken_off, layer, line
from okxdoctor_checks._ledger import path_of, usage
from okxdoctor_checks._limits import limit
from okxdoctor_checks._page_verdicts import Facts as Facts
from okxdoctor_checks._page_verdicts import (
    answered,
    finding,
    kept_back,
    no_envelope,
    other_server,
    timed_out,
    unsent,
    unserved,
    wants_tls,
)
from okxdoctor_checks._pages import Page, reuse_seen, seen
from okxdoctor_checks._words import counted, duration, finite, listed

PATH = "/api/v5/public/price-limit?instId=BTC-USDT-SWAP"
"""Cheap, public, and with a budget of its own: public/time is the clock check's."""

LATER_IN_A_ROW, LATER_AT_ONCE, MOST_IN_A_ROW = 2, 4, 6
MOST_OTHERS = 20
PHASES = ("resolve", "connect", "handshake", "first_byte", "body")


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
    if any((getattr(first.phases, f"{name}_ms") or 0) > limit(_LIMITS[name]) for name in ("connect", "handshake")):
        pages.append(await ask(fresh=True))  # one lost packet is no slowness
    if first.http_version == "HTTP/2":
        # Side by side on the one connection: what ends it after a few streams shows at once.
        pages += await asyncio.gather(*(ask() for _ in range(LATER_AT_ONCE)))
    elif first.failure is None:
        for _ in range(LATER_IN_A_ROW):
            pages.append(await ask())
        while len(pages) < MOST_IN_A_ROW and all(map(answered, pages)) and not reuse_seen(pages):
            pages.append(await ask())
    lost = [page for page in pages if page.failure is not None and page.ended_after is None and unsent(page)]
    if lost and all(answered(page) for page in pages if page not in lost):
        failure = lost[0].failure
        assert failure is not None
        raise Inconclusive(
            f"{len(lost)} of {counted(len(pages), 'request')} found no way to {host}: "
            f"{broken_off(failure)} (see {layer(failure)})"
        )
    if all(page.failure is not None and page.failure.kind == "other" for page in pages):
        raise Inconclusive(f"the request to {host} broke off: {first.failure.detail if first.failure else ''}")
    facts = Facts(host=host, port=io.view.rest.port, pages=tuple(pages), plain=not io.view.rest.tls)
    return await _with_others(io, facts) if all(map(answered, pages)) else facts


async def _with_others(io: Io, facts: Facts) -> Facts:
    """What this check was spared: single paths that somebody keeps for himself, single answers that are none."""
    traffic = await io.given(Traffic)
    if traffic is None:
        return facts
    own = io.view.rest.url.rstrip("/")
    heard = [answer for answer in traffic.answers if answer.status is not None and answer.url.startswith(f"{own}/")]
    # A page that says "too many" where the budget was used up is the exchange's own, and for the check `ratelimit`.
    over = {(use.method, use.path) for use in usage(io.ledger()) if use.spent}
    told = [
        (answer, seen(answer, facts.host))
        for answer in heard
        if answer.failure is None and (answer.status != 429 or (answer.method, path_of(answer.path)) not in over)
    ]
    odd = [_named(answer, page) for answer, page in told if not answered(page)]
    missing = [_named(answer, seen(answer, facts.host)) for answer in _missing(traffic.answers, own)]
    return replace(facts, others=tuple(odd[:MOST_OTHERS]), missing=tuple(missing[:MOST_OTHERS]), heard=len(heard))


def _named(answer: Answer, page: Page) -> Page:
    return replace(page, asked=line(f"{answer.method} {answer.path.partition('?')[0]}", 80))


def _missing(answers: Sequence[Answer], own: str) -> list[Answer]:
    """Answers that began and did not end; and those that never began, when nothing asked later was answered either.

    A single one that does not come, and others do, is a line that loses packets.
    """
    ours = [answer for answer in answers if answer.url.startswith(f"{own}/")]
    late = [
        (answer, answer.failure.phase)
        for answer in ours
        if answer.failure is not None and answer.failure.kind == "timeout" and layer(answer.failure) == "http"
    ]
    since_ns = min((answer.sent_mono_ns for answer, _ in late), default=0)
    gone = len(late) > 1 and not any(a.status is not None and a.sent_mono_ns > since_ns for a in ours)
    return [answer for answer, phase in late if gone or phase == "body"]


# ---- evaluate --------------------------------------------------------------------------------


def evaluate(facts: Facts) -> Iterator[Finding]:
    odd = [page for page in facts.pages if not answered(page)]
    ended = [page for page in facts.pages if page.ended_after is not None]
    if ended:
        yield _goaway(facts, ended)
    for judge in (wants_tls, unserved, other_server, timed_out, no_envelope):
        found = judge(facts, [page for page in odd if page.ended_after is None])
        if found is not None:
            yield found
            return
    if facts.others and not odd:
        yield from _by_others(facts)
    if facts.missing and not odd:
        yield _in_vain(facts)
    if not ended:
        yield from _not_kept(facts)
    yield from _slow(facts)


def _by_others(facts: Facts) -> Iterator[Finding]:
    """The own requests were answered by the API; what other checks got says who stands before single paths."""
    paths = list(dict.fromkeys(page.asked for page in facts.others))
    for judge in (unserved, kept_back, other_server, no_envelope):
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


def _in_vain(facts: Facts) -> Finding:
    """The own requests, short ones or early ones, were answered; others were not."""
    paths = list(dict.fromkeys(page.asked for page in facts.missing))
    began = any(page.failure is not None and page.failure.phase == "body" for page in facts.missing)
    how = "stopped in the middle" if began else "never began"
    waited_ms = max(page.waited_ms for page in facts.missing)
    remedy = (
        f"ping -M do -s 1472 -c 3 {facts.host}   # packets of full size; if only smaller ones (-s 1300) pass, lower "
        "the MTU of the VPN or container network",
        f"curl -sv -o /dev/null 'https://{facts.host}/api/v5/public/instruments?instType=SPOT'   # a long answer: "
        "where does it stop?",
        "Try another way out (--proxy): a filter on the way may let only the beginning of a connection pass",
    )
    return finding(
        "http.timeout",
        facts,
        facts.missing,
        f"{facts.host} answers, and {counted(len(facts.missing), 'answer')} to other checks {how}, in "
        f"{duration(waited_ms / 1000)} ({listed(paths, limit=2)}).",
        {
            "phase": "body" if began else "first-byte",
            "waited_ms": finite(waited_ms, 1),
            "answers": facts.heard,
            "paths": list[Json](paths),
        },
        confidence=Confidence.LIKELY,
        remedy=remedy if began else (),
        excluded=("tcp.filtered", "http.slow"),
    )


def _goaway(facts: Facts, ended: Sequence[Page]) -> Finding:
    after = min(page.ended_after for page in ended if page.ended_after is not None)
    failed = sum(not answered(page) for page in ended)
    then = "the requests on it failed" if failed else "the requests on it had to be sent again"
    return finding(
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
    yield finding(
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
    yield finding(
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
    reads=("key", "status", "signature", "account", "instrument", "order"),
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
