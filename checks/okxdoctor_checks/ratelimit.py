"""Does the client stay within the request budgets, and does the exchange count as it documents?

Looks at every request of this run beside the documented budgets (per endpoint, scope and window), at refusals for a
limit among them, and at rate-limit headers where answers carry any. It causes no refusal itself, except with --burst:
then one public endpoint gets about ten requests more than it allows, once, to measure its budget and its refusal.

What it finds, and what to do:
* exceeded: refused, and the own requests were at or over the limit: space them out; prefer WebSocket channels.
* shared: refused although the own requests were few: another process, key or host behind the same address or user.
* order cap: new and amended orders of the sub-account in two seconds, over all instruments.
* headers that contradict each other, or the documentation: count requests in the client instead. OKX itself is not
  known to send such headers; a gateway may.
* refusal shape, limit differs: what the burst measured is not what is documented.

The default run never sleeps here. It waits for the other checks, because all requests of the run are its subject.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from okxdoctor.check import Check, Inconclusive
from okxdoctor.knowledge import endpoint, tunable
from okxdoctor.model import Confidence, Finding, Json, Severity
from okxdoctor.okx.signing import request_path
from okxdoctor.port import Answer, Ask, Io
from okxdoctor_checks._answers import line, read, standing_in_the_way
from okxdoctor_checks._burst import Burst, Shape, burst
from okxdoctor_checks._control import CONTROL_INSTRUMENTS
from okxdoctor_checks._ledger import Usage, usage
from okxdoctor_checks._words import counted

TICKER = "/api/v5/market/ticker"
SAMPLES = 3
"""Answers looked at for headers: a counter that does not grow needs two steps to be told from chance."""
ORDER_CAP = "50061"
_HEADER = re.compile(r"(?:x-|ok-)*rate-?limit-(?P<what>limit|used|remaining)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The rate-limit headers of one answer, as numbers; None where absent or no number. ``names``: those present."""

    at_s: float
    names: tuple[str, ...] = ()
    limit: int | None = None
    used: int | None = None
    remaining: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """``refused``: every answer over a limit in the run before the burst. ``documented``: budget of the endpoint that
    was sampled, per ``window_s``. ``order_cap``: answers with 50061."""

    usage: tuple[Usage, ...]
    refused: tuple[Shape, ...]
    order_cap: int
    documented: int
    window_s: float
    samples: tuple[Sample, ...]
    burst: Burst | None = None


# ---- probe -------------------------------------------------------------------------------------


async def probe(io: Io) -> Facts:
    ask = Ask(method="GET", path=request_path(TICKER, [("instId", CONTROL_INSTRUMENTS[0])]))
    known = endpoint("GET", TICKER)
    if known is None:
        raise Inconclusive(f"the budget of {TICKER} is not known")
    answers: list[Answer] = []
    for _ in range(SAMPLES):
        answers.append(await io.http(ask))
        reply = read(answers[-1])
        if reply.kind in ("failed", "not-json") and reply.status != 429:
            obstacle = standing_in_the_way(reply, io.view.rest.host)
            raise obstacle if obstacle is not None else Inconclusive(f"market/ticker: {reply.said}")
        if io.view.burst and reply.kind == "refused" and standing_in_the_way(reply, io.view.rest.host) is None:
            # A burst of these would take each refusal for one over the limit.
            raise Inconclusive(f"--burst was not made: market/ticker refuses a single request ({reply.said})")
    await io.settled()
    # A WebSocket upgrade has a budget of connections, not of requests, and its refusal no documented shape.
    sent = tuple(row for row in io.ledger() if row.path.startswith("/api/"))
    over = Counter((row.status, row.code) for row in sent if row.code == "50011" or _bare_429(row.status, row.code))
    measured = await burst(io, ask, limit=known.limit, window_s=float(known.per_seconds)) if io.view.burst else None
    return Facts(
        usage=usage(sent),
        refused=tuple(
            Shape(status=status, code=code, count=count) for (status, code), count in sorted(over.items(), key=str)
        ),
        order_cap=sum(row.code == ORDER_CAP for row in sent),
        documented=known.limit,
        window_s=float(known.per_seconds),
        samples=tuple(_sample(answer) for answer in answers),
        burst=measured,
    )


def _bare_429(status: int | None, code: str) -> bool:
    """429 without a code of the exchange. 50013 comes with 429 as well and means overload."""
    return status == 429 and not code


def _sample(answer: Answer) -> Sample:
    values: dict[str, int] = {}
    names: list[str] = []
    for name, value in answer.headers:
        found = _HEADER.fullmatch(name)
        if found is None:
            continue
        names.append(line(name, 60))
        if value.strip().isascii() and value.strip().isdigit() and len(value) < 12:
            values.setdefault(found["what"], int(value))
    return Sample(
        at_s=round(answer.received_mono_ns / 1e9, 3),
        names=tuple(names[:10]),
        limit=values.get("limit"),
        used=values.get("used"),
        remaining=values.get("remaining"),
    )


# ---- evaluate ----------------------------------------------------------------------------------


def evaluate(facts: Facts) -> Iterable[Finding]:
    yield from _refusals(facts)
    if facts.order_cap:
        yield Finding(
            code="ratelimit.order-cap",
            summary=f"{counted(facts.order_cap, 'answer')} with 50061: the sub-account's orders per 2 s are used up",
            evidence={"refused": facts.order_cap, "cap_per_2s": tunable("order_cap_per_2s")},
        )
    yield from _headers(facts)
    yield from _shapes(facts)
    yield from _measured(facts)


def _share(found: Burst) -> float:
    """The measured budget as a share of the documented one; 1 when nothing was refused."""
    return found.accepted / found.limit if found.refused and found.limit > 0 else 1.0


def _is_other_limit(found: Burst | None) -> bool:
    """A budget that is smaller than documented by more than the slack, and not so small that somebody must use it."""
    if found is None:
        return False
    return tunable("ratelimit_shared_percent") / 100 <= _share(found) < 1 - tunable("ratelimit_slack_percent") / 100


def _refusals(facts: Facts) -> Iterator[Finding]:
    """Each refused budget against the own use of it."""
    for use in facts.usage:
        if not use.refused:
            continue
        evidence: dict[str, Json] = {
            "endpoint": f"{use.method} {use.path}",
            "scope": use.scope + (f" ({use.bucket})" if use.bucket else ""),
            "limit": use.limit,
            "window_s": use.window_s,
            "own_requests_in_window": use.most,
            "own_requests": use.sent,
            "refused": use.refused,
        }
        if use.spent:
            yield Finding(
                code="ratelimit.exceeded",
                summary=line(
                    f"More was sent from here than is allowed: {use.said}; {counted(use.refused, 'call')} refused"
                ),
                evidence=evidence,
                subject=use.path,
                excluded=("ratelimit.shared", "status.overloaded"),
            )
        elif use.limit > 1 and not _explained_by_measured_limit(use, facts.burst):
            # A budget of one is gone with one call of anybody, an earlier run of this program included.
            yield Finding(
                code="ratelimit.shared",
                summary=line(
                    f"{counted(use.refused, 'call')} refused although only this was sent from here: {use.said}"
                ),
                evidence=evidence,
                subject=use.path,
                confidence=Confidence.LIKELY,
                excluded=("ratelimit.exceeded",),
            )


def _explained_by_measured_limit(use: Usage, found: Burst | None) -> bool:
    return found is not None and _is_other_limit(found) and use.most >= max(use.limit * _share(found), 1)


def _headers(facts: Facts) -> Iterator[Finding]:
    named = sorted({name for sample in facts.samples for name in sample.names})
    if not named:
        if facts.samples:
            yield Finding(
                code="ratelimit.headers-absent",
                summary=f"No rate-limit header in {counted(len(facts.samples), 'answer')}",
                evidence={"answers": len(facts.samples), "documented_limit": facts.documented},
            )
        return
    problems = list(_contradictions(facts))
    if problems:
        yield Finding(
            code="ratelimit.headers-inconsistent",
            summary=line(f"Rate-limit headers contradict: {'; '.join(problems)}"),
            evidence={
                "headers": named,
                "limits": [sample.limit for sample in facts.samples],
                "used": [sample.used for sample in facts.samples],
                "remaining": [sample.remaining for sample in facts.samples],
                "documented_limit": facts.documented,
                "window_s": facts.window_s,
            },
        )


def _contradictions(facts: Facts) -> Iterator[str]:
    limits = {sample.limit for sample in facts.samples if sample.limit is not None}
    for sample in facts.samples:
        if sample.limit is not None and sample.used is not None and sample.used > sample.limit:
            yield f"{sample.used} used of {sample.limit}"
            break
    for sample in facts.samples:
        if None not in (sample.limit, sample.used, sample.remaining):
            total = (sample.used or 0) + (sample.remaining or 0)
            if total != sample.limit:
                yield f"{sample.used} used and {sample.remaining} remaining of {sample.limit}"
                break
    if limits and facts.documented not in limits:
        yield f"limit {min(limits)}, documented {facts.documented} in {facts.window_s:g} s"
    for what, values in (
        ("used", [sample.used for sample in facts.samples]),
        ("remaining", [sample.remaining for sample in facts.samples]),
    ):
        within = facts.samples[-1].at_s - facts.samples[0].at_s < facts.window_s
        if len(values) >= SAMPLES and None not in values and len(set(values)) == 1 and within:
            yield f"{what} stays {values[0]} over {len(values)} requests"


def _shapes(facts: Facts) -> Iterator[Finding]:
    """Refusals for a limit that are not HTTP 429 with code 50011.

    Who refused without a code what was within the budget need not be the exchange.
    """
    spent = any(use.spent for use in facts.usage if use.refused)
    own = (shape for shape in facts.refused if shape.code or spent)
    seen = (*own, *(facts.burst.refused if facts.burst is not None else ()))
    odd = [shape for shape in seen if (shape.status, shape.code) != (429, "50011")]
    if not odd:
        return
    shape = odd[0]
    told = f"HTTP {shape.status}" + (f" with code {shape.code}" if shape.code else " without a code")
    yield Finding(
        code="ratelimit.refusal-shape",
        summary=line(f"Requests over the limit are answered with {told}, not with HTTP 429 and code 50011"),
        evidence={
            "answers": [{"http_status": other.status, "code": other.code, "count": other.count} for other in odd],
            "expected_http_status": 429,
            "expected_code": "50011",
        },
    )


def _measured(facts: Facts) -> Iterator[Finding]:
    """What the burst says of the budget. Judged only when it was quick enough to lie in one window."""
    found = facts.burst
    if found is None or found.spread_s >= found.window_s or found.lost or found.limit <= 0:
        return
    evidence: dict[str, Json] = {
        "endpoint": found.path,
        "documented_limit": found.limit,
        "window_s": found.window_s,
        "sent": found.sent,
        "accepted": found.accepted,
        "spread_s": found.spread_s,
        "recovered_after_s": found.recovered_s,
        "slack_percent": tunable("ratelimit_slack_percent"),
    }
    told = f"{found.accepted} of {found.limit} documented requests in {found.window_s:g} s were accepted"
    if _is_other_limit(found):
        yield Finding(
            code="ratelimit.limit-differs",
            summary=told,
            evidence=evidence,
            subject=found.path,
            confidence=Confidence.LIKELY,
        )
    elif _share(found) < tunable("ratelimit_shared_percent") / 100:
        yield Finding(
            code="ratelimit.shared",
            summary=f"{told}: somebody else uses most of this budget",
            evidence=evidence,
            subject=found.path,
            severity=Severity.WARNING,
            confidence=Confidence.LIKELY,
        )


CHECK = Check(
    id="ratelimit",
    title="Requests stay within the documented budgets, and are counted as documented",
    facts=Facts,
    probe=probe,
    evaluate=evaluate,
    reads=("clock", "http", "status", "key", "signature", "account", "instrument", "order", "ws"),
    causes=(
        "ratelimit.exceeded",
        "ratelimit.shared",
        "ratelimit.order-cap",
        "ratelimit.headers-inconsistent",
        "ratelimit.headers-absent",
        "ratelimit.refusal-shape",
        "ratelimit.limit-differs",
    ),
)
