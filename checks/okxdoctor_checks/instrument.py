"""Do the instruments exist here, are they open, and are their figures the ones the integration uses?

Looks at public/instruments for each instrument named by --instrument, by the profile or by an order of --order; without
any, at one that always exists. For options and event contracts the tick depends on the price, so their tick bands are
read as well.

What it finds, and what to do:
* unknown: the id is not listed on this site and environment. The finding gives the nearest id, and says when another
  environment or site lists it. Demo and live have different lists and different figures.
* not live: suspended, not yet open, in settlement…: nothing can be traded, whatever the order looks like.
* change announced: tick, lot or minimum change soon; read the instrument again after the given moment.
* spec differs: a figure that the profile declares is not the live one, compared as numbers. Often it is the demo's. A
  single declared tick for an option is also told: above a price the tick is coarser, and the exchange rounds silently.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from okxdoctor.check import Check, Inconclusive, Skip
from okxdoctor.knowledge import enums, tunable
from okxdoctor.model import Confidence, Finding
from okxdoctor.okx.order_rules import order_of
from okxdoctor.okx.order_view import code_of, word
from okxdoctor.port import Answer, Ask, Instruments, Io, ListedInstrument
from okxdoctor_checks._answers import Reply, exchange_ms, line, read, rows, standing_in_the_way, text, together
from okxdoctor_checks._control import CERTAIN_ON, CONTROL_INSTRUMENTS
from okxdoctor_checks._instruments import Listing, Row, listing_of, row_of, same_value
from okxdoctor_checks._words import listed, moment

MANY = 5
"""More instruments than this in one list are read as the whole list, which is one request."""
CODED = ("SPOT", "SWAP", "FUTURES")
"""Lists that are looked through for a code; options would have to be read family by family."""
MOST = 200
"""Instruments that are looked at; a file of orders may name any number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """From ``low`` on, up to ``high`` ("" open), prices are multiples of ``tick``."""

    low: str
    high: str
    tick: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """``row`` is None when the list does not have it, then ``nearest`` and ``elsewhere`` (site/environment) help.
    ``nowhere``: every other site and environment answered, and none lists it.

    ``declared``: what the profile says of it. ``other``: the same figures in the other environment, asked for when
    the declared ones are not the live ones.
    """

    inst_id: str
    type: str
    asked_for: bool
    reply: Reply
    row: Row | None = None
    declared: tuple[tuple[str, str], ...] = ()
    bands: tuple[Band, ...] = ()
    nearest: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()
    nowhere: bool = False
    other: Row | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """``now_ms``: the exchange's time by the Date of its answer, else this machine's. ``unlisted_codes``: of orders
    without an id, instIdCodes that no list of ``CODED`` has."""

    site: str
    environment: Literal["live", "demo"]
    now_ms: int
    instruments: tuple[Instrument, ...]
    unlisted_codes: tuple[str, ...] = ()


# ---- probe -------------------------------------------------------------------------------------


async def probe(io: Io) -> Facts:
    view = io.view
    declared: dict[str, list[tuple[str, str]]] = {}
    for inst_id, name, value in view.declared_specs:
        declared.setdefault(inst_id, []).append((name, value))
    orders = [order_of(draft.wire) for draft in view.orders]
    ordered = [word(order, "instId")[:64] for order in orders]
    coded, nowhere = await _by_code(io, [code_of(order)[:20] for order in orders if not word(order, "instId")])
    named = tuple(dict.fromkeys((*view.instruments, *declared, *filter(None, ordered), *coded)))[:MOST]
    wanted = named or (() if nowhere else CONTROL_INSTRUMENTS[:1])
    lists: dict[Listing, list[str]] = {}
    for inst_id in wanted:
        lists.setdefault(listing_of(inst_id), []).append(inst_id)
    asks = [(listing, inst_id) for listing, ids in lists.items() for inst_id in (ids if len(ids) <= MANY else [""])]
    answers = dict(zip(asks, await together(*(_ask(io, listing.path(one)) for listing, one in asks)), strict=True))
    obstacles = [standing_in_the_way(read(answer), view.rest.host) for answer in answers.values()]
    if obstacles and all(obstacle is not None for obstacle in obstacles):
        raise next(obstacle for obstacle in obstacles if obstacle is not None)

    async def one(inst_id: str) -> Instrument:
        listing = listing_of(inst_id)
        answer = answers.get((listing, inst_id)) or answers[listing, ""]
        return await _instrument(io, inst_id, listing, answer, tuple(declared.get(inst_id, ())), bool(named))

    found = await together(*(one(inst_id) for inst_id in wanted))
    undecided = [instrument for instrument in found if instrument.row is None and not _absent(instrument.reply)]
    if undecided:
        first = undecided[0]
        raise standing_in_the_way(first.reply, view.rest.host) or Inconclusive(
            f"{first.inst_id}: public/instruments answered {first.reply.said}"
        )
    told = next((at for answer in answers.values() if (at := exchange_ms(answer)) is not None), None)
    return Facts(
        site=view.site,
        environment=view.environment,
        now_ms=told if told is not None else io.now().wall_ns // 1_000_000,
        instruments=found,
        unlisted_codes=nowhere,
    )


async def _by_code(io: Io, codes: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The ids of orders that name their instrument by its code alone, and the codes that are in none of the lists."""
    wanted = [code for code in dict.fromkeys(codes) if code]
    if not wanted:
        return (), ()
    answers = await together(*(_ask(io, Listing(type=kind).path()) for kind in CODED))
    for answer in answers:
        reply = read(answer)
        if reply.kind != "ok":
            raise standing_in_the_way(reply, io.view.rest.host) or Inconclusive(f"public/instruments: {reply.said}")
    ids = {text(row, "instIdCode"): text(row, "instId") for answer in answers for row in rows(answer)}
    return tuple(ids[code] for code in wanted if code in ids), tuple(code for code in wanted if code not in ids)


async def _ask(io: Io, path: str, *, simulated: bool | None = None, cell: str | None = None) -> Answer:
    return await io.http(Ask(method="GET", path=path, simulated=simulated, cell=cell))


_OTHER_SIGNS = re.compile(r"[/_: ]+")
"""What other exchanges and libraries put between the parts of an id (BTC/USDT)."""
_NO_SUCH = frozenset({"51001", "51000"})  # 51000: "Parameter instId error", the answer for an impossible id


def _absent(reply: Reply) -> bool:
    """The list was read and does not have it."""
    return reply.kind == "ok" or reply.code in _NO_SUCH


async def _instrument(
    io: Io, inst_id: str, listing: Listing, answer: Answer, declared: tuple[tuple[str, str], ...], asked_for: bool
) -> Instrument:
    reply = read(answer)
    also = tuple(name for name, _ in declared)
    row = _row(answer, inst_id, also)
    bands: tuple[Band, ...] = ()
    nearest: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()
    nowhere = False
    other: Row | None = None
    if row is None and _absent(reply):
        nearest, elsewhere, nowhere = await _looked_for(io, inst_id, listing)
    elif row is not None:
        if listing.banded:
            bands = _bands(await _ask(io, listing.bands_path()))
        if any(_differs(row, name, value) for name, value in declared):
            flipped = io.view.environment == "live"
            other = _row(await _ask(io, listing.path(inst_id), simulated=flipped), inst_id, also)
    return Instrument(
        inst_id=inst_id,
        type=listing.type,
        asked_for=asked_for,
        reply=reply,
        row=row,
        declared=declared,
        bands=bands,
        nearest=nearest,
        elsewhere=elsewhere,
        nowhere=nowhere,
        other=other,
    )


def _row(answer: Answer, inst_id: str, also: tuple[str, ...]) -> Row | None:
    return next((row_of(raw, also) for raw in rows(answer) if text(raw, "instId") == inst_id), None)


def _bands(answer: Answer) -> tuple[Band, ...]:
    found = [
        band for raw in rows(answer)[:1] if isinstance(band_list := raw.get("tickBand"), list) for band in band_list
    ]
    return tuple(
        Band(low=text(band, "minPx"), high=text(band, "maxPx"), tick=text(band, "tickSz"))
        for band in found[:20]
        if isinstance(band, dict)
    )


async def _looked_for(io: Io, inst_id: str, listing: Listing) -> tuple[tuple[str, ...], tuple[str, ...], bool]:
    """The nearest ids of the list, the sites and environments that list this very id, and whether surely none does."""
    here = (io.view.site, io.view.environment)
    cells = [cell for cell in io.view.cells if (cell.site, cell.environment) != here]

    async def listed_by(site: str, environment: str) -> str | None:
        """Its name where it is listed, "" where it is not, None where that was not told."""
        name = f"{site}/{environment}"
        try:
            answer = await _ask(io, listing.path(inst_id), cell=name, simulated=environment == "demo")
        except (Skip, Inconclusive):  # a recording does not hold it
            return None
        if _row(answer, inst_id, ()) is not None:
            return name
        return "" if _absent(read(answer)) else None

    found = await together(*(listed_by(cell.site, cell.environment) for cell in cells))
    ids = [text(raw, "instId") for raw in rows(await _ask(io, listing.path()))]
    meant = _OTHER_SIGNS.sub("-", inst_id.upper())
    nowhere = bool(found) and all(name == "" for name in found)
    return tuple(get_close_matches(meant, ids, n=3, cutoff=0.6)), tuple(name for name in found if name), nowhere


def _differs(row: Row, name: str, declared: str) -> bool:
    """Both sides say something and it is not the same. "" is absent: nothing to compare."""
    live = row.value(name)
    return bool(live and declared) and not same_value(live, declared)


# ---- evaluate ----------------------------------------------------------------------------------


def evaluate(facts: Facts) -> Iterable[Finding]:
    for instrument in facts.instruments:
        if instrument.row is not None:
            yield from _state(instrument, instrument.row, facts)
            yield from _changes(instrument, instrument.row, facts)
            yield from _declared(instrument, instrument.row, facts)
        elif _absent(instrument.reply) and (instrument.asked_for or facts.site == CERTAIN_ON):
            yield _unknown(instrument, facts)
    for code in facts.unlisted_codes:
        yield Finding(
            code="instrument.unknown",
            summary=line(
                f"No instrument of {listed(CODED)} has the instIdCode {code} on {facts.site} ({facts.environment})"
            ),
            evidence={"instIdCode": code, "lists": list(CODED), "site": facts.site, "environment": facts.environment},
            subject=f"instIdCode {code}",
            confidence=Confidence.LIKELY,
            remedy=("Read instIdCode from public/instruments at each start: demo and live have other codes",),
        )


def _unknown(instrument: Instrument, facts: Facts) -> Finding:
    place = f"{facts.site} ({facts.environment})"
    summary = f"{instrument.inst_id} is not listed on {place}"
    remedy: tuple[str, ...] = ()
    if instrument.elsewhere:
        summary += f"; {listed(instrument.elsewhere, limit=8)} {'has' if len(instrument.elsewhere) == 1 else 'have'} it"
    if instrument.nearest:
        summary += f"; nearest: {', '.join(instrument.nearest)}"
        remedy = (f"okxdoctor run --instrument {instrument.nearest[0]}   # if that is the one that is meant",)
    return Finding(
        code="instrument.unknown",
        summary=line(summary),
        evidence={
            "instrument": instrument.inst_id,
            "type": instrument.type,
            "site": facts.site,
            "environment": facts.environment,
            "nearest": list(instrument.nearest),
            "elsewhere": list(instrument.elsewhere),
            "answer": instrument.reply.said,
        },
        subject=instrument.inst_id,
        remedy=remedy,
        excluded=("region.wrong-rest-host", "key.wrong-environment") if instrument.nowhere else (),
    )


def _state(instrument: Instrument, row: Row, facts: Facts) -> Iterator[Finding]:
    states = enums()["instrument_state"]
    if row.state in states.marked["tradable"] or row.state not in states:
        return  # a state that nobody knows is a question of the schema
    opens = f", listed from {moment(row.list_ms)}" if row.state == "preopen" and row.list_ms is not None else ""
    yield Finding(
        code="instrument.not-live",
        summary=line(f"{instrument.inst_id} is in state {row.state}, not live{opens}"),
        evidence={
            "instrument": instrument.inst_id,
            "state": row.state,
            "rule": row.rule,
            "listed_from": moment(row.list_ms),
            "expires": moment(row.end_ms),
            "environment": facts.environment,
        },
        subject=instrument.inst_id,
    )


def _changes(instrument: Instrument, row: Row, facts: Facts) -> Iterator[Finding]:
    horizon_days = tunable("change_horizon_days")
    near = [
        (change, (change.at_ms - facts.now_ms) / 86_400_000)
        for change in row.changes
        if change.at_ms is not None and 0 < change.at_ms - facts.now_ms <= horizon_days * 86_400_000
    ]
    if not near:
        return
    soonest = min(days for _, days in near)
    told = ", ".join(f"{c.parameter} {row.value(c.parameter) or 'unset'} to {c.value}" for c, _ in near)
    yield Finding(
        code="instrument.change-announced",
        summary=line(f"{instrument.inst_id} changes in {_span(soonest)}: {told}"),
        evidence={
            "instrument": instrument.inst_id,
            "changes": [
                {"parameter": c.parameter, "now": row.value(c.parameter), "then": c.value, "at": moment(c.at_ms)}
                for c, _ in near
            ],
            "in_days": round(soonest, 3),
            "horizon_days": horizon_days,
        },
        subject=instrument.inst_id,
    )


def _span(days: float) -> str:
    return f"{days:.1f} days" if days >= 2 else f"{days * 24:.1f} h"


def _declared(instrument: Instrument, row: Row, facts: Facts) -> Iterator[Finding]:
    wrong = [(name, value) for name, value in instrument.declared if _differs(row, name, value)]
    if wrong:
        other = instrument.other
        theirs = other is not None and all(same_value(other.value(name), value) for name, value in wrong)
        there = {"live": "demo", "demo": "live"}[facts.environment]
        told = ", ".join(f"{name} {value} (here {row.value(name)})" for name, value in wrong)
        yield Finding(
            code="instrument.spec-differs",
            summary=line(f"{instrument.inst_id}: declared {told}" + (f"; these are the {there} figures" * theirs)),
            evidence={
                "instrument": instrument.inst_id,
                "declared": dict(wrong),
                "listed": {name: row.value(name) for name, _ in wrong},
                "environment": facts.environment,
                "figures_of": there if theirs else "",
            },
            subject=instrument.inst_id,
            remedy=(
                line(f"In the profile: {', '.join(f'{name} = {row.value(name)!r}' for name, _ in wrong)}"),
                "In the client: load the instruments at each start, and once for each environment",
            ),
        )
    elif (tick := dict(instrument.declared).get("tickSz")) and any(
        band.tick and not same_value(band.tick, tick) for band in instrument.bands
    ):
        coarser = next(band for band in instrument.bands if band.tick and not same_value(band.tick, tick))
        yield Finding(
            code="instrument.spec-differs",
            summary=line(
                f"{instrument.inst_id}: one tick ({tick}) is declared, and the tick depends on the price "
                f"({coarser.tick} in another band)"
            ),
            evidence={
                "instrument": instrument.inst_id,
                "declared_tick": tick,
                "bands": [{"from": band.low, "below": band.high, "tick": band.tick} for band in instrument.bands],
            },
            subject=instrument.inst_id,
            confidence=Confidence.LIKELY,
            remedy=(f"Read the bands: GET {listing_of(instrument.inst_id).bands_path()}",),
        )


# ---- record ------------------------------------------------------------------------------------


def offers(facts: Facts) -> Iterable[Instruments]:
    listed = [
        ListedInstrument(
            inst_id=one.inst_id,
            type=one.type,
            state=one.row.state,
            spec=one.row.spec,
            bands=tuple((band.low, band.high, band.tick) for band in one.bands),
        )
        for one in facts.instruments
        if one.row is not None
    ]
    yield Instruments(listed=tuple(listed))


CHECK = Check(
    id="instrument",
    title="The instruments are listed, open, and as the integration takes them",
    facts=Facts,
    probe=probe,
    evaluate=evaluate,
    offers=offers,
    causes=(
        "instrument.unknown",
        "instrument.not-live",
        "instrument.change-announced",
        "instrument.spec-differs",
    ),
)
