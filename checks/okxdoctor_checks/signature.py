"""Does a correct signature arrive as it was made, in a query and in a body?

First okxdoctor's own signing is computed over the reference vectors, so that a refusal cannot be its own mistake. Then
two forms are sent that a plain read does not cover: a GET whose query holds a percent-encoded comma and names that are
not sorted, and a POST whose body has blanks and an order of its own (order-precheck, which places nothing). Any answer
from behind the authentication proves the form, also a refusal for permission or account mode. The WebSocket login is
looked at by the check `ws.private`.

What it finds, and what to do:
* one form is refused with 50113 while the plain read of the key check is accepted: something between this machine and
  the exchange rewrites the query or the body. A variant of the form is sent to see what is rewritten. Take the proxy
  or gateway out of the way.
* a single endpoint refuses the signature, or the permission, of requests that other checks made: it is told here.
* the trading endpoint wants a key that is bound to an IP address, which reading does not.

When the plain read is refused as well, the key check names the cause and nothing is added here. Own requests that are
refused for the same reason are not repeated.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from okxdoctor.check import Check, Inconclusive, Skip
from okxdoctor.model import Confidence, Finding
from okxdoctor.okx import signing
from okxdoctor.port import Ask, Io, KeyStanding, LedgerRow
from okxdoctor_checks._answers import Reply, line, read, standing_in_the_way, together
from okxdoctor_checks._own_signing import vectors_reproduced
from okxdoctor_checks._refusals import (
    AUTHENTICATION,
    EXPIRED,
    NAMED,
    WRONG_METHOD,
    Way,
    in_between,
    other_method,
    plain_refusal,
    seen,
)

MAX_SIZE = "/api/v5/account/max-size"
PRECHECK = "/api/v5/trade/order-precheck"
BAD_SIGNATURE = "50113"
WRONG_CONTENT_TYPE = "50006"
NOT_ALLOWED = "50120"
# Reached only after the signature was found good: permission and binding are looked at behind it.
_UNBOUND = "50035"
_BEHIND = frozenset({NOT_ALLOWED, _UNBOUND})
_REFUSED_SIGN = AUTHENTICATION - _BEHIND | {WRONG_METHOD, WRONG_CONTENT_TYPE}

_LOOKED_AT = frozenset({MAX_SIZE, PRECHECK, "/api/v5/account/config"})
"""Endpoints whose refusals are told by the own forms and by the check `key`."""

Part = Literal["query", "body"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One signed request. ``variant``: first, or how it differs from the first, which was refused."""

    part: Part
    variant: str
    reply: Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Met:
    """A refusal that another check's signed request met: ``count`` of ``sent`` to this endpoint."""

    method: str
    path: str
    code: str
    count: int
    sent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """``plain``: how the key check's read without query and body fared. ``met``: what other requests of the run met."""

    way: Way
    vectors: int
    plain: KeyStanding
    forms: tuple[Form, ...]
    met: tuple[Met, ...] = ()


# ---- what is sent ------------------------------------------------------------------------------

# Gateways that read a query and write it anew sort its names, decode %2C, or both.
_NAMES = [("tdMode", "cash"), ("instId", "BTC-USDT,ETH-USDT")]
QUERY = Ask(method="GET", path=signing.request_path(MAX_SIZE, _NAMES), signed=True)
# Not sorted, with blanks: a rewriting of JSON on the way cannot leave it alone. The price is far from any market.
_ORDER = {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "limit", "sz": "0.00001", "px": "1"}
BODY = Ask(method="POST", path=PRECHECK, body=json.dumps(_ORDER), signed=True)
AGAIN = "nothing changed"
VARIANTS: dict[Part, tuple[tuple[str, Ask], ...]] = {
    "query": (
        ("an unencoded comma", Ask(method="GET", path=QUERY.path.replace("%2C", ","), signed=True)),
        (
            "sorted names and no comma",
            Ask(
                method="GET",
                path=signing.request_path(MAX_SIZE, [("instId", "BTC-USDT"), ("tdMode", "cash")]),
                signed=True,
            ),
        ),
    ),
    "body": (
        ("no blanks", Ask(method="POST", path=PRECHECK, body=signing.json_body(_ORDER), signed=True)),
        (
            "no blanks and sorted names",
            Ask(method="POST", path=PRECHECK, body=signing.json_body(dict(sorted(_ORDER.items()))), signed=True),
        ),
    ),
}


# ---- probe -------------------------------------------------------------------------------------


async def probe(io: Io) -> Facts:
    view = io.view
    if not view.credentials:
        raise Skip("no whole API key (id, secret, passphrase) is set: private checks are not made")
    # In a thread: the event loop times the round trips of other checks meanwhile.
    proving = asyncio.ensure_future(asyncio.to_thread(vectors_reproduced))
    try:
        forms = await together(_form(io, "query", "first", QUERY), _form(io, "body", "first", BODY))
        vectors = await proving
    finally:
        proving.cancel()
    plain = await io.given(KeyStanding) or KeyStanding(standing="undecided")
    if plain.standing == "refused":
        # Why, is the key check's to say; how signed requests arrive cannot be seen through it.
        raise Skip(f"the key is refused{f' ({plain.code})' if plain.code else ''} (see key)", layer="key")
    _see_to_it_that_all_came(forms, view.rest.host)
    variants: list[Form] = []
    for form, ask in zip(forms, (QUERY, BODY), strict=True):
        if form.reply.code != BAD_SIGNATURE:
            continue
        variants.append(await _form(io, form.part, AGAIN, ask))
        if not _accepted(variants[-1]):
            variants += [await _form(io, form.part, name, other) for name, other in VARIANTS[form.part]]
    route = view.rest_route
    await io.settled()
    return Facts(
        way=Way(host=view.rest.host, via=f"{route.host}:{route.port}" if route is not None else ""),
        vectors=vectors,
        plain=plain,
        forms=(*forms, *variants),
        met=_met(io.ledger()),
    )


def _met(sent: Iterable[LedgerRow]) -> tuple[Met, ...]:
    """By endpoint. What the own forms and the plain read meet is looked at by itself."""
    rows = [(row.method, row.path.partition("?")[0], row.code) for row in sent]
    asked = Counter((method, path) for method, path, _ in rows)
    refused = Counter(row for row in rows if row[2] in (BAD_SIGNATURE, NOT_ALLOWED) and row[1] not in _LOOKED_AT)
    return tuple(
        Met(method=method, path=path, code=code, count=count, sent=asked[method, path])
        for (method, path, code), count in sorted(refused.items())
    )


async def _form(io: Io, part: Part, variant: str, ask: Ask) -> Form:
    return Form(part=part, variant=variant, reply=read(await io.http(ask)))


def _see_to_it_that_all_came(forms: tuple[Form, ...], host: str) -> None:
    obstacles = [standing_in_the_way(form.reply, host) for form in forms]
    for form, obstacle in zip(forms, obstacles, strict=True):
        if obstacle is None:
            continue
        if obstacle.layer != "http" or None not in obstacles:
            raise obstacle
        # One of the two came through: no lower check has reason to see what stopped the other.
        raise Inconclusive(f"{form.reply.method} {form.reply.path} was not decided: {obstacle.because}")


# ---- evaluate ----------------------------------------------------------------------------------


def evaluate(facts: Facts) -> Iterable[Finding]:
    if facts.plain.standing == "refused":
        return  # the key check names the cause
    first = [form for form in facts.forms if form.variant == "first"]
    proven = facts.plain.standing == "accepted" or any(_accepted(form) for form in first)
    for form in first:
        if proven and form.reply.kind == "refused":
            yield from _form_refused(form, facts)
    if facts.plain.standing == "accepted":
        yield from _others_refused(facts, told=any(form.reply.code == BAD_SIGNATURE for form in first))


def _others_refused(facts: Facts, *, told: bool) -> Iterator[Finding]:
    """Single endpoints that refuse what the rest of the run is allowed; ``told``: an own form has met it as well."""
    for code, cause, how in (
        (BAD_SIGNATURE, "signature.unexplained", "is refused with 50113 and other signed requests are accepted"),
        (NOT_ALLOWED, "permission.missing", "is refused for want of a permission (50120), other reads are not"),
    ):
        met = [one for one in facts.met if one.code == code]
        if not met or (told and code == BAD_SIGNATURE):
            continue
        always = [one for one in met if one.count == one.sent]
        one = (always or met)[0]
        more = f" (and {len(met) - 1} more)" if len(met) > 1 else ""
        yield Finding(
            code=cause,
            summary=line(f"{one.method} {one.path.removeprefix('/api/v5/')}{more} {how}"),
            evidence={
                "code": code,
                "endpoints": [f"{each.method} {each.path}: {each.count} of {each.sent}" for each in met],
                "account_config": "accepted",
            },
            subject="rest",
            confidence=Confidence.LIKELY if always else Confidence.POSSIBLE,
            remedy=in_between(facts.way, "changes the path or the query") if code == BAD_SIGNATURE else (),
            excluded=("key.secret-wrong",) if code == BAD_SIGNATURE else (),
        )


def _accepted(form: Form) -> bool:
    """Answered from behind the authentication, whatever the answer."""
    return form.reply.kind == "ok" or (form.reply.kind == "refused" and form.reply.code not in _REFUSED_SIGN)


def _form_refused(form: Form, facts: Facts) -> Iterator[Finding]:
    if form.reply.code == BAD_SIGNATURE:
        yield _rewritten(form, facts)
    elif form.reply.code == WRONG_METHOD:
        yield other_method(form.reply, facts.way)
    elif form.reply.code == WRONG_CONTENT_TYPE:
        yield _other_content_type(form, facts.way)
    elif form.reply.code == EXPIRED:
        yield Finding(
            code="timestamp.expired",
            summary=line(f"{form.reply.method} {_endpoint(form)} is refused as expired (50102), a plain read is not"),
            evidence={**seen(form.reply), "request_age_ms": form.reply.age_ms},
            subject="rest",
            confidence=Confidence.LIKELY,
            excluded=("clock.sources-disagree",),
        )
    elif form.reply.code == _UNBOUND:
        yield from plain_refusal(form.reply, facts.way)
    elif form.reply.code in NAMED and not _accepted(form):
        for finding in plain_refusal(form.reply, facts.way):
            yield replace(
                finding,
                summary=line(f"{finding.summary}; other requests of the same key are accepted"),
                confidence=Confidence.LIKELY,
                excluded=(),
            )


def _other_content_type(form: Form, way: Way) -> Finding:
    return Finding(
        code="header.missing",
        summary=line(f"Content-Type: application/json was sent and did not arrive ({form.reply.said})"),
        evidence={**seen(form.reply), "header": "Content-Type", "via": way.via or "no proxy"},
        subject="rest",
        confidence=Confidence.LIKELY,
        remedy=in_between(way, "changes the header Content-Type"),
    )


def _rewritten(form: Form, facts: Facts) -> Finding:
    variants = [other for other in facts.forms if other.part == form.part and other.variant != "first"]
    passing = next((other.variant for other in variants if _accepted(other)), "")
    now_and_then = passing == AGAIN
    what = {"query": "A query with %2C and unsorted names", "body": "A JSON body with blanks"}[form.part]
    told = f"the same with {passing} is accepted" if passing else "a read without it is accepted"
    judged = f"the {form.part} is changed on the way"
    if now_and_then:
        told, judged = "the same once more is accepted", "something is changed on one of several ways, or now and then"
    return Finding(
        code="signature.unexplained",
        summary=f"{what} is refused with 50113 and {told}: {judged}",
        evidence={
            **seen(form.reply),
            "method": form.reply.method,
            "path": form.reply.path,
            "changed": form.part,
            "accepted_variant": passing,
            "variants": {other.variant: other.reply.code for other in variants},
            "vectors_right": facts.vectors,
            "via": facts.way.via or "no proxy",
        },
        subject="rest",
        confidence=Confidence.POSSIBLE if now_and_then else Confidence.CERTAIN if passing else Confidence.LIKELY,
        remedy=(
            "okxdoctor run --only signature   # the same from another network, without proxy and gateway",
            f"Proxy {facts.way.via}, gateway, TLS inspection: pass the {form.part} byte for byte"
            if facts.way.via
            else f"Gateway, TLS inspection: pass the {form.part} byte for byte",
        ),
        excluded=("key.secret-wrong", "timestamp.expired"),
    )


def _endpoint(form: Form) -> str:
    return form.reply.path.partition("?")[0].removeprefix("/api/v5/")


CHECK = Check(
    id="signature",
    title="Signed requests arrive as they were signed",
    facts=Facts,
    probe=probe,
    evaluate=evaluate,
    reads=("key", "account", "order"),
    brings=("key",),
    private=True,
    causes=(
        "signature.unexplained",
        "key.malformed",
        "key.passphrase-wrong",
        "key.secret-wrong",
        "key.frozen",
        "ip.not-whitelisted",
        "header.missing",
        "timestamp.expired",
        "timestamp.format",
        "permission.ip-binding-required",
        "permission.missing",
    ),
)
