"""The API key: does this site and environment accept it, and does it fit what the integration needs?

Looks at one signed read, GET account/config. If it is accepted, its answer tells the permissions and the IP list of
the key. If it is refused, exactly one thing is changed and the read is repeated, so that the cause is proven instead of
looked up in a table: the demo header is flipped (50101), the timestamp is corrected by the measured time (50102), and
the same key is tried on every other site and environment (50119). Any other refusal has to come twice to be certain.

What it finds, and what to do:
* the key lives on another site, or is a demo key: use the address or the environment that the finding names; a new
  key would not help.
* unknown everywhere, malformed, frozen, wrong passphrase, wrong secret: take all three values from one creation dialog.
* refused address: the finding says which address the exchange saw; that one belongs on the key's IP list.
* a permission too few or too many, no IP list, a private address on it: edit the key on the API page.
* a header that was sent and did not arrive, a timestamp or a method that arrived changed: something between this
  machine and the exchange rewrites requests.

Only reads. Without credentials this check is skipped. It needs the clock's result only after a refusal for time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from okxdoctor.check import Check, Inconclusive, Skip
from okxdoctor.model import Confidence, Finding, Json
from okxdoctor.port import AccountView, Answer, Ask, Io, KeyStanding, TimeBasis
from okxdoctor_checks._answers import Reply, exchange_ms, line, read, rows, standing_in_the_way, text
from okxdoctor_checks._limits import limit
from okxdoctor_checks._matrix import Environment, Trial, at_home, every_cell_told, walk
from okxdoctor_checks._refusals import (
    EXPIRED,
    KNOWS_THE_KEY,
    NAMED,
    NOT_LISTED,
    SIGNED,
    UNKNOWN_KEY,
    WRONG_ENVIRONMENT,
    WRONG_METHOD,
    Way,
    in_between,
    other_method,
    plain_refusal,
    seen,
    several_ways_out,
)
from okxdoctor_checks._standing import ALIASES, Setting, ip_list, permissions
from okxdoctor_checks._words import duration

CONFIG = "/api/v5/account/config"
_JUDGED = NAMED | WRONG_ENVIRONMENT | UNKNOWN_KEY | {EXPIRED, WRONG_METHOD}
MALFORMED = "50111"
_REPEATED = NAMED - {NOT_LISTED} | {WRONG_METHOD}
"""Refusals that are asked for twice. How requests leave, and whether each is refused, is the check `egress` to see."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """``first`` is the read as the user's program would send it.

    ``corrected``: repeated with the measured time, after 50102. ``flipped``: with the demo header the other way round,
    after 50101. ``matrix``: everywhere else, after 50119. ``again``: the same once more, after any other refusal;
    ``accepted``: signed requests of other checks that were, meanwhile.
    ``account``: of whichever of these was accepted, the flipped one and other places left out.
    ``at_home``: over new connections to the one place that knows the key, after that refused the address.
    ``addresses``: which ones the target declares right for itself. ``well_formed``: the key id that is sent has a key's
    form, asked after 50111.
    """

    site: str
    environment: Environment
    way: Way
    addresses: Literal["global", "loopback", "any"]
    need: tuple[str, ...]
    first: Reply
    basis: TimeBasis | None = None
    corrected: Reply | None = None
    flipped: Reply | None = None
    matrix: tuple[Trial, ...] = ()
    at_home: tuple[Reply, ...] = ()
    again: Reply | None = None
    accepted: int = 0
    account: AccountView | None = None
    well_formed: bool = False


def decisive(facts: Facts) -> Reply:
    """The reply that tells about the key: with the right time where the time was the obstacle."""
    return facts.first if facts.corrected is None else facts.corrected


# ---- probe -------------------------------------------------------------------------------------


async def probe(io: Io) -> Facts:
    view = io.view
    if not view.credentials:
        raise Skip("no whole API key (id, secret, passphrase) is set: private checks are not made")
    ask = Ask(method="GET", path=CONFIG, signed=True)
    answer = await io.http(ask)
    first = read(answer)
    if (obstacle := standing_in_the_way(first, view.rest.host)) is not None:
        raise obstacle
    route = view.rest_route
    facts = Facts(
        site=view.site,
        environment=view.environment,
        way=Way(host=view.rest.host, via=f"{route.host}:{route.port}" if route is not None else ""),
        addresses=view.addresses,
        need=view.need,
        first=first,
    )
    if first.code == EXPIRED:
        facts = replace(facts, basis=await io.given(TimeBasis) or _by_date(answer))
        if facts.basis is not None:
            ask = replace(ask, shift_s=(facts.basis.low_s + facts.basis.high_s) / 2)
            answer = await io.http(ask)
            facts = replace(facts, corrected=read(answer))
    reply = decisive(facts)
    if reply.code in WRONG_ENVIRONMENT:
        facts = replace(facts, flipped=read(await io.http(replace(ask, simulated=view.environment == "live"))))
    elif reply.code in UNKNOWN_KEY:
        facts = replace(facts, matrix=await walk(io, ask))
        facts = replace(facts, at_home=await at_home(io, ask, facts.matrix))
        every_cell_told(facts.matrix, facts.site, reply.code)
    elif reply.kind == "ok":
        facts = replace(facts, account=_account(answer))
    elif reply.code in _REPEATED:
        facts = await _asked_again(io, ask, facts)
        if reply.code == MALFORMED:
            facts = replace(facts, well_formed=await _well_formed(io))
    elif reply.kind == "refused" and reply.code not in _JUDGED:
        raise Inconclusive(_not_judged(reply, view.rest.base))
    return facts


async def _asked_again(io: Io, ask: Ask, facts: Facts) -> Facts:
    try:
        answer = await io.http(ask)
    except (Skip, Inconclusive):  # a recording does not hold it
        return facts
    again = read(answer)
    accepted = sum(row.code == "0" and row.path.startswith(SIGNED) for row in io.ledger())
    return replace(facts, again=again, accepted=accepted, account=_account(answer) if again.kind == "ok" else None)


async def _well_formed(io: Io) -> bool:
    try:
        shapes = (await io.surroundings()).credentials
    except (Skip, Inconclusive):  # a recording does not hold it
        return False
    return any(one.field == "api_key" and one.looks_like == "uuid" and not one.blemishes for one in shapes)


def _not_judged(reply: Reply, base: str) -> str:
    if reply.status == 404:
        path = f"{base}{reply.path}"
        return f"nothing is at {path} ({reply.said}): the configured address or something on the way changes the path"
    return f"account/config was refused with {reply.said}: okxdoctor explain {reply.code}"


def _by_date(answer: Answer) -> TimeBasis | None:
    """The exchange's time from the Date header of its refusal, for a run without the clock check; 1 s wide."""
    date_ms = exchange_ms(answer)
    if date_ms is None:
        return None
    low = date_ms / 1000 - answer.received_wall_ns / 1e9
    return TimeBasis(
        low_s=low,
        high_s=low + 1 + (answer.received_wall_ns - answer.sent_wall_ns) / 1e9,
        source="Date header of the refusal",
    )


def _account(answer: Answer) -> AccountView | None:
    """What account/config says. Older accounts and other regions lack fields: absent is empty, but for the IP list,
    whose emptiness says something."""
    found = rows(answer)
    if not found:
        return None
    row = found[0]
    return AccountView(
        uid=text(row, "uid"),
        perm=tuple(ALIASES.get(word, word) for word in _words(text(row, "perm"))),
        ip=_words(text(row, "ip")) if isinstance(row.get("ip"), str) else None,
        acct_lv=text(row, "acctLv"),
        pos_mode=text(row, "posMode"),
        kyc_lv=text(row, "kycLv"),
        account_type=text(row, "type"),
    )


def _words(listed: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for part in listed.split(",") if (word := part.strip())))


# ---- evaluate ----------------------------------------------------------------------------------


def evaluate(facts: Facts) -> Iterable[Finding]:
    if facts.first.code == EXPIRED:
        yield _expired(facts)
    reply = decisive(facts)
    if reply.kind == "refused" and reply.code != EXPIRED:
        yield from (_tempered(finding, facts) for finding in _refused(reply, facts))
    if facts.account is not None:
        setting = Setting(environment=facts.environment, need=facts.need, addresses=facts.addresses)
        yield from permissions(facts.account, setting)
        yield from ip_list(facts.account, setting)


def _tempered(finding: Finding, facts: Facts) -> Finding:
    """What did not come twice is not certain: the same request was accepted a moment later, or refused otherwise. Nor
    is what came twice while others of the same key were accepted: it comes now and then, or to this path alone."""
    again = facts.again
    if again is None:
        return finding
    if again.kind == "refused" and again.code == finding.evidence.get("code"):
        if not facts.accepted or finding.confidence is not Confidence.CERTAIN:
            return finding
        then, confidence = "other requests of the same key are accepted", Confidence.LIKELY
    elif again.kind == "ok":
        then, confidence = "the same request is accepted a moment later", Confidence.POSSIBLE
    else:
        then, confidence = f"then {again.said}", Confidence.LIKELY
    return replace(
        finding,
        summary=line(f"{finding.summary}; {then}"),
        evidence={**finding.evidence, "asked_again": again.code or again.said, "others_accepted": facts.accepted},
        confidence=confidence,
        excluded=(),
    )


def _expired(facts: Facts) -> Finding:
    """50102. Whether the clock is the reason is the clock check's to say; here it is measured beside it."""
    window_s = limit("request_window_s")
    evidence: dict[str, Json] = {**seen(facts.first), "request_age_ms": facts.first.age_ms, "window_s": window_s}
    if facts.basis is None:
        return Finding(
            code="timestamp.expired",
            summary=f"A request is refused as more than {window_s:g} s old a moment after it was signed (50102)",
            evidence=evidence,
            subject="rest",
            confidence=Confidence.LIKELY,
        )
    skew_s = -(facts.basis.low_s + facts.basis.high_s) / 2
    evidence |= {"skew_s": round(skew_s, 3), "skew_width_s": round(facts.basis.high_s - facts.basis.low_s, 3)}
    if facts.corrected is not None:
        evidence["code_with_corrected_time"] = facts.corrected.code
    off_s = max(abs(facts.basis.low_s), abs(facts.basis.high_s))
    if off_s < window_s:
        return Finding(
            code="timestamp.expired",
            summary=f"A fresh request is refused as expired (50102) though the clock is right within {duration(off_s)}",
            evidence=evidence,
            subject="rest",
            remedy=in_between(facts.way, "holds requests back"),
            excluded=("clock.ahead", "clock.behind", "clock.timezone-shift", "clock.sources-disagree"),
        )
    return Finding(
        code="timestamp.expired",
        summary=f"Signed requests are refused as expired (50102): their timestamp is {abs(skew_s):.1f} s off",
        evidence=evidence,
        subject="rest",
    )


def _refused(reply: Reply, facts: Facts) -> Iterator[Finding]:
    if reply.code in WRONG_ENVIRONMENT:
        yield from _environment(reply, facts)
    elif reply.code in UNKNOWN_KEY:
        yield from _elsewhere(reply, facts)
    elif reply.code == WRONG_METHOD:
        yield other_method(reply, facts.way)
    elif reply.code == MALFORMED and facts.well_formed:
        for finding in plain_refusal(reply, facts.way):
            yield replace(
                finding,
                summary=f"The key id is sent in a key's form and does not arrive in it ({MALFORMED}): it is changed on "
                "the way",
                remedy=in_between(facts.way, "changes the header OK-ACCESS-KEY"),
            )
    else:
        yield from plain_refusal(reply, facts.way)


def _other(environment: Environment) -> Environment:
    return "demo" if environment == "live" else "live"


def _environment(reply: Reply, facts: Facts) -> Iterator[Finding]:
    """50101: proven when the flipped header is accepted; likely when it is refused for what lies behind."""
    other = _other(facts.environment)
    flipped = facts.flipped
    evidence: dict[str, Json] = {**seen(reply), "environment": facts.environment}
    if flipped is not None:
        evidence |= {"flipped_to": other, "flipped_code": flipped.code}
    if flipped is not None and flipped.kind == "ok":
        yield Finding(
            code="key.wrong-environment",
            summary=f"This is a {other} key and the run asks the {facts.environment} environment (50101)",
            evidence=evidence,
            subject="rest",
            excluded=("key.unknown", "region.wrong-rest-host"),
        )
        return
    behind = flipped is not None and flipped.code in KNOWS_THE_KEY
    yield Finding(
        code="key.wrong-environment",
        summary=f"The key does not belong to the {facts.environment} environment (50101)"
        + (f"; as a {other} key it is refused with {flipped.code}" if flipped is not None and behind else "")
        + (f", and asking as {other} did not help" if not behind else ""),
        evidence=evidence,
        subject="rest",
        confidence=Confidence.LIKELY if behind else Confidence.POSSIBLE,
        remedy=() if behind else in_between(facts.way, "may change x-simulated-trading"),
    )
    if flipped is not None and flipped.code in KNOWS_THE_KEY:
        yield from plain_refusal(flipped, facts.way)


def _elsewhere(reply: Reply, facts: Facts) -> Iterator[Finding]:
    """50119: where else the key lives decides between a wrong site, a wrong environment and no such key."""
    alive = [trial for trial in facts.matrix if trial.reply.kind == "ok"]
    known = alive or [trial for trial in facts.matrix if trial.reply.code in KNOWS_THE_KEY]
    tried: dict[str, Json] = {
        f"{trial.site}/{trial.environment}": trial.reply.code or trial.reply.said for trial in facts.matrix
    }
    evidence: dict[str, Json] = {**seen(reply), "asked": f"{facts.site}/{facts.environment}", "elsewhere": tried}
    if not known:
        silent = [trial for trial in facts.matrix if trial.reply.code not in UNKNOWN_KEY]
        where = f"any of {len(facts.matrix) + 1} sites and environments" if facts.matrix else "this site"
        yield Finding(
            code="key.unknown",
            summary=f"The key does not exist on {where} (50119): deleted, idle too long, or mistyped"
            if not silent
            else f"The key does not exist here (50119); {len(silent)} of {len(facts.matrix)} other places did not tell",
            evidence=evidence,
            subject="rest",
            confidence=Confidence.CERTAIN if facts.matrix and not silent else Confidence.LIKELY,
            excluded=("region.wrong-rest-host", "key.wrong-environment") if facts.matrix and not silent else (),
        )
        return
    home = known[0]
    sure = len(alive) == 1
    names = " and ".join(f"{trial.site} ({trial.environment})" for trial in known)
    evidence["lives_on"] = [f"{trial.site}/{trial.environment}" for trial in known]
    if home.same_host and len(known) == 1:
        yield Finding(
            code="key.wrong-environment",
            summary=f"This is a {home.environment} key, asked in the {facts.environment} environment ({reply.code})",
            evidence=evidence,
            subject="rest",
            confidence=Confidence.CERTAIN if sure else Confidence.LIKELY,
            excluded=("key.unknown", "region.wrong-rest-host"),
        )
    else:
        yield Finding(
            code="region.wrong-rest-host",
            summary=line(f"No such key on {facts.site} ({facts.environment}); it lives on {names}: {home.rest_url}"),
            evidence={**evidence, "rest_url": home.rest_url, "ws_url": home.ws_url},
            subject="rest",
            confidence=Confidence.CERTAIN if sure else Confidence.LIKELY,
            remedy=(
                f"okxdoctor run --site {home.site}" + (" --target demo" if home.environment == "demo" else ""),
                f"Use {home.rest_url} for REST and {home.ws_url} for the WebSocket; a new key would not help",
                "ccxt: class myokx for the EEA, okxus for the US; python-okx: pass domain= with that address",
            ),
            excluded=("key.unknown",),
        )
    if not alive and len(known) == 1:
        elsewise = several_ways_out(home.reply, facts.at_home)
        yield from plain_refusal(home.reply, facts.way) if elsewise is None else (elsewise,)


# ---- record ------------------------------------------------------------------------------------


def offers(facts: Facts) -> Iterable[KeyStanding | AccountView]:
    once_more = facts.again is not None and facts.again.kind == "ok" and facts.corrected is None
    if facts.first.kind == "ok" or once_more:
        yield KeyStanding(standing="accepted")
    elif facts.first.kind == "refused":
        yield KeyStanding(standing="refused", code=facts.first.code)
    else:
        yield KeyStanding(standing="undecided")
    if facts.account is not None:
        yield facts.account


CHECK = Check(
    id="key",
    title="The exchange accepts the API key, and it fits the integration",
    facts=Facts,
    probe=probe,
    evaluate=evaluate,
    offers=offers,
    reads=("clock",),
    private=True,
    causes=(
        "region.wrong-rest-host",
        "key.wrong-environment",
        "key.malformed",
        "key.unknown",
        "key.passphrase-wrong",
        "key.secret-wrong",
        "key.frozen",
        "key.idle-expiry",
        "ip.not-whitelisted",
        "ip.egress-unstable",
        "ip.private-listed",
        "ip.unbound",
        "permission.missing",
        "permission.excess",
        "permission.ip-binding-required",
        "header.missing",
        "timestamp.expired",
        "timestamp.format",
        "signature.unexplained",
    ),
)
