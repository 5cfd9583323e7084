"""Would the exchange take these orders, here and now? Nothing is sent.

Looks at each order of --order FILE (JSON, JSON Lines or CSV, in the form of POST /api/v5/trade/order) beside the
instrument's figures, the price limits, the settings of the account and what it holds. In multi-currency and portfolio
margin, account/max-size is asked, and order-precheck for the first orders; no order is placed by either.

What it finds, and what to do: every finding says the file and the line, the rule in numbers, the code that the
exchange would refuse the order with, and the nearest value that would be right.
* parameter-invalid, number-format, client-id-invalid: the order as it would stand on the wire. Prices and sizes are
  JSON texts of plain decimals; names are case-sensitive (px, not price).
* mode-forbids, position-mode: tdMode and posSide must fit the account.
* price-off-tick, price-out-of-band: tick and band are those of this moment.
* size-off-lot, -below-minimum, -above-maximum: mind the unit; derivatives count contracts, spot market buys the quote
  currency unless tgtCcy says otherwise. unit-confusion is told when the size would be right in the other unit.
* insufficient-funds: the whole inequality is printed: needs, has, missing, with price, leverage and fee.

An instrument that is not listed or not open is told by the check `instrument`. Without credentials the rules of the
account are left out. Where the exchange cannot be asked, an order's own mistakes are told all the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from okxdoctor.check import Check, Inconclusive, Skip
from okxdoctor.knowledge import code as code_row
from okxdoctor.model import Confidence, Finding, Json, Severity
from okxdoctor.okx.json_text import Json as Wire
from okxdoctor.okx.order_funds import all_at_once, needs
from okxdoctor.okx.order_rules import judge, order_of
from okxdoctor.okx.order_units import means
from okxdoctor.okx.order_view import Breach, Place, fraction, identified, shown, word
from okxdoctor.okx.order_wire import MISSING, WRONG
from okxdoctor.port import Holding, Instruments, Io, OrderDraft, Wallets
from okxdoctor_checks._answers import line
from okxdoctor_checks._order_asks import Prechecked, place_of, prechecks
from okxdoctor_checks._refusals import accepted_account

TOLD, MENDED = 12, 6
"""Findings of one cause that are told one by one (the first says how many there are), and mended."""

LONGEST = 80
"""Characters of a value that are shown."""

CAUSES = (
    "order.parameter-invalid",
    "order.client-id-invalid",
    "order.price-out-of-band",
    "order.insufficient-funds",
    "order.unit-confusion",
    "precision.number-format",
    "precision.price-off-tick",
    "precision.size-off-lot",
    "precision.size-below-minimum",
    "precision.size-above-maximum",
    "account.mode-forbids",
    "account.position-mode",
    "account.funds-elsewhere",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """``place``: the exchange and the account as they were. ``funding``: the other wallet. ``meanings``: each order in
    a sentence, "" where it cannot be said. ``prechecked``: what the exchange itself said of the first orders."""

    drafts: tuple[OrderDraft, ...]
    place: Place
    funding: tuple[Holding, ...] | None = None
    meanings: tuple[str, ...] = ()
    prechecked: tuple[Prechecked, ...] = ()


# ---- probe -------------------------------------------------------------------------------------


async def probe(io: Io) -> Facts:
    drafts = io.view.orders
    if not drafts:
        raise Skip("no order is given (--order FILE)")
    orders: list[Mapping[str, Wire]] = [order_of(draft.wire) for draft in drafts]
    if (listed := await io.given(Instruments)) is not None:
        orders = [identified(order, listed.listed) for order in orders]
    place, funding, obstacle = await _place(io, orders)
    facts = Facts(
        drafts=drafts,
        place=place,
        funding=funding,
        meanings=tuple(_meaning(order, place) for order in orders),
        prechecked=await prechecks(io, drafts, orders, place) if obstacle is None else (),
    )
    # What can be told without the rest is told; but without all of it nothing is called right.
    if obstacle is not None and not any(True for _ in evaluate(facts)):
        raise obstacle
    return facts


async def _place(
    io: Io, orders: Sequence[Mapping[str, Wire]]
) -> tuple[Place, tuple[Holding, ...] | None, Skip | Inconclusive | None]:
    """As much as can be known of exchange and account, the funding wallet, and what stands in the way of the rest."""
    place = Place(account=None, instruments=(), now_ms=io.now().wall_ns // 1_000_000)
    listed = await io.given(Instruments)
    if listed is None:
        return place, None, Skip("the instruments were not read (see instrument)", layer="instrument")
    account, obstacle = None, None
    if io.view.credentials:
        try:
            account = await accepted_account(io)
        except Skip as refused:
            obstacle = refused
    try:
        place = await place_of(io, orders, listed.listed, account)
    except (Skip, Inconclusive) as unseen:
        return replace(place, instruments=listed.listed), None, obstacle or unseen
    wallets = await io.given(Wallets) if account is not None else None
    if wallets is None:
        return place, None, obstacle
    return replace(place, holdings=wallets.trading), wallets.funding, obstacle


def _meaning(order: Mapping[str, Wire], place: Place) -> str:
    listed = place.instrument(word(order, "instId"))
    return line(means(order, listed, place)) if listed is not None else ""


# ---- evaluate ----------------------------------------------------------------------------------


def evaluate(facts: Facts) -> Iterable[Finding]:
    alike: dict[str, list[Finding]] = {}
    for finding in _all(facts):
        alike.setdefault(finding.code, []).append(finding)
    for first, *others in alike.values():
        yield _for_all(first, others) if others else first
        yield from others[: TOLD - 1]


def _for_all(first: Finding, others: list[Finding]) -> Finding:
    """The first of several findings of one cause: a report shows them as one, so it says what to do for each."""
    remedy = [*first.remedy[:1], *(line for other in others for line in other.remedy[:1])]
    return replace(
        first,
        evidence={**first.evidence, "orders_concerned": 1 + len(others)},
        remedy=tuple(dict.fromkeys(remedy))[:MENDED],
    )


def _all(facts: Facts) -> Iterator[Finding]:
    seen: dict[tuple[str, str], str] = {}
    right: list[int] = []
    orders = [identified(order_of(draft.wire), facts.place.instruments) for draft in facts.drafts]
    places = _where(facts.drafts)
    for number, (draft, where, order) in enumerate(zip(facts.drafts, places, orders, strict=True)):
        breaches = judge(order, facts.place)
        for breach in (*breaches, *_elsewhere(order, breaches, facts)):
            if breach.cause in CAUSES:
                yield _finding(where, breach, facts.meanings[number] if number < len(facts.meanings) else "")
        yield from _repeated(draft.file, where, order, seen)
        if not breaches:
            right.append(number)
            yield from _second_opinion(where, number, facts)
    yield from _at_once([orders[number] for number in right], [places[number] for number in right], facts)


def _at_once(orders: Sequence[Mapping[str, Wire]], places: Sequence[str], facts: Facts) -> Iterator[Finding]:
    """Each order can be paid for, and all of them together cannot: whether they stand at once only the user knows."""
    for one in all_at_once(orders, facts.place):
        where = places[one.index]
        yield Finding(
            code="order.insufficient-funds",
            summary=line(
                f"{where}: together with the {one.count - 1} before it needs {one.needs} {one.ccy}, has {one.has}, "
                f"missing {one.missing} (51008 if all stand at once)",
                300,
            ),
            evidence={
                "orders_together": one.count,
                "needs": f"{one.needs} {one.ccy}",
                "has": f"{one.has} {one.ccy}",
                "missing": f"{one.missing} {one.ccy}",
                "code": "51008",
            },
            subject=where,
            severity=Severity.WARNING,
            confidence=Confidence.POSSIBLE,
            remedy=("Place them one after the other, make them smaller, or transfer what is missing",),
        )


def _cut(value: Json) -> Json:
    """A number of hundreds of digits is shown by its beginning."""
    return f"{value[:LONGEST]}…" if isinstance(value, str) and len(value) > LONGEST else value


def _where(drafts: Sequence[OrderDraft]) -> list[str]:
    """File and line of each order; of several in one line (JSON is often written so) also which one it is."""
    lines = [f"{draft.file}:{draft.line}" for draft in drafts]
    shared, nth = Counter(lines), Counter[str]()
    places: list[str] = []
    for line_ in lines:
        nth[line_] += 1
        places.append(f"{line_}#{nth[line_]}" if shared[line_] > 1 else line_)
    return places


def _finding(where: str, breach: Breach, meaning: str) -> Finding:
    told = f" ({breach.codes[0]})" if breach.codes else ""
    evidence: dict[str, Json] = {"parameter": breach.parameter}
    evidence |= {name: _cut(value) for name, value in breach.evidence.items()}
    if breach.codes:
        evidence["code"] = breach.codes[0]
    if meaning and breach.cause in ("order.insufficient-funds", "order.unit-confusion", "precision.size-above-maximum"):
        evidence["asks_for"] = meaning
    fixes = tuple(f'"{name}": "{line(value, 80)}"   # {where}' for name, value in breach.fix[:3] if value)
    return Finding(
        code=breach.cause,
        summary=line(f"{where}: {breach.says}{told}", 300),
        evidence=evidence,
        subject=where,
        severity=Severity.WARNING if breach.mild else None,
        confidence=Confidence.CERTAIN if breach.sure else Confidence.LIKELY,
        # A code that stands for one rule says more than the cause's own remedies; these two stand for many.
        remedy=(*fixes, *breach.hints)
        or tuple(f"okxdoctor explain {code}" for code in breach.codes[:1] if code not in (MISSING, WRONG)),
    )


def _elsewhere(order: Mapping[str, Wire], breaches: tuple[Breach, ...], facts: Facts) -> Iterator[Breach]:
    """An order for which there is nothing at all in the trading account, and something in the funding account."""
    if facts.funding is None or not any(breach.cause == "order.insufficient-funds" for breach in breaches):
        return
    listed = facts.place.instrument(word(order, "instId"))
    need = needs(order, listed, facts.place) if listed is not None else None
    if need is None:
        return
    here = next((one for one in facts.place.holdings or () if one.ccy == need.ccy), None)
    there = next((one for one in facts.funding if one.ccy == need.ccy), None)
    held = fraction(here.cash) if here is not None else 0
    if held is None or held > 0 or there is None or not (fraction(there.available) or 0):
        return
    amount = min(need.amount, fraction(there.available) or need.amount)
    yield Breach(
        cause="account.funds-elsewhere",
        codes=(),
        parameter="sz",
        says=f"needs {need.ccy}; the trading account has none, the funding account {there.available}",
        evidence={"needs": f"{shown(need.amount, up=True)} {need.ccy}", "trading": f"0 {need.ccy}",
                  "funding": f"{there.available} {need.ccy}"},
        hints=(
            f'POST /api/v5/asset/transfer {{"ccy":"{need.ccy}","amt":"{shown(amount, up=True)}","from":"6","to":"18"}}',
        ),
    )  # fmt: skip


def _repeated(file: str, where: str, order: Mapping[str, Wire], seen: dict[tuple[str, str], str]) -> Iterator[Finding]:
    """The same client order id twice in what is sent together."""
    client_id = word(order, "clOrdId")
    if not client_id:
        return
    first = seen.setdefault((file, client_id), where)
    if first == where:
        return
    place = first.removeprefix(f"{file}:")
    yield Finding(
        code="order.client-id-invalid",
        summary=line(f"{where}: clOrdId {client_id} stands in line {place} already (51016)"),
        evidence={"parameter": "clOrdId", "first_line": place, "code": "51016"},
        subject=where,
        # An order that is filled at once gives its id free again.
        confidence=Confidence.LIKELY,
        remedy=("uuid.uuid4().hex   # a new one for each order; a retry of the same order keeps its own",),
    )


def _second_opinion(where: str, number: int, facts: Facts) -> Iterator[Finding]:
    """An order that breaks no rule known here, and that order-precheck refuses."""
    said = next((one for one in facts.prechecked if one.index == number), None)
    if said is None or said.code in ("", "0"):
        return
    try:
        likely = next((cause for cause in code_row(said.code).causes if cause in CAUSES), None)
    except KeyError:
        return
    if likely is None:
        return
    yield Finding(
        code=likely,
        summary=line(f"{where}: order-precheck refuses it: {said.code} {said.msg}"),
        evidence={"code": said.code, "message": said.msg},
        subject=where,
        confidence=Confidence.LIKELY,
        remedy=(f"okxdoctor explain {said.code}",),
    )


CHECK = Check(
    id="order",
    title="The exchange would take the given orders",
    facts=Facts,
    probe=probe,
    evaluate=evaluate,
    reads=("key", "account", "instrument"),
    brings=("key", "account", "instrument"),
    causes=CAUSES,
)
