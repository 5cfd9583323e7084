"""What has to be asked before orders can be judged: price limits, prices, leverage, positions, fees, pending ids.

Each question is asked once for all orders, only where an order needs it, and never for more instruments than a quarter
of the documented budget allows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from okxdoctor.check import Inconclusive, Skip
from okxdoctor.okx.account_modes import DERIVATIVES
from okxdoctor.okx.json_text import Json
from okxdoctor.okx.order_rules import judge
from okxdoctor.okx.order_view import Leverage, MostSize, OpenPosition, Place, PriceLimits, number, product, word
from okxdoctor.okx.signing import request_path
from okxdoctor.port import AccountView, Answer, Ask, Io, ListedInstrument, OrderDraft
from okxdoctor_checks._answers import read, recorded, rows, standing_in_the_way, text, together
from okxdoctor_checks._refusals import by_address

LIMIT = "/api/v5/public/price-limit"
TICKER = "/api/v5/market/ticker"
LEVERAGE = "/api/v5/account/leverage-info"
POSITIONS = "/api/v5/account/positions"
FEE = "/api/v5/account/trade-fee"
PENDING = "/api/v5/trade/orders-pending"
MAX_SIZE = "/api/v5/account/max-size"
PRECHECK = "/api/v5/trade/order-precheck"

INSTRUMENTS = 5
"""Instruments whose price limits and prices are asked for: a quarter of 20 in 2 s."""
TYPES, PRECHECKED = 2, 2
"""Fee tables, and orders for the exchange's own precheck: both have 5 in 2 s."""

OF_THE_REQUEST = "50"
"""Codes that say that the question was not heard; others say that there is no answer to it."""

_MARKET = ("market", "optimal_limit_ioc")
Order = Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prechecked:
    """What order-precheck said of the order with this index; code "" where it did not say anything."""

    index: int
    code: str
    msg: str = ""


async def place_of(
    io: Io, orders: Sequence[Order], listed: tuple[ListedInstrument, ...], account: AccountView | None
) -> Place:
    """Everything that these orders are judged against, but what the account holds. Raises what stands in the way."""
    known = {one.inst_id: one for one in listed}
    mine = [order for order in orders if word(order, "instId") in known]
    open_ones = [order for order in mine if known[word(order, "instId")].state == "live"]
    # In spot mode there are no positions and no leverage to ask for.
    trades_contracts = account is None or account.acct_lv != "1"
    contracts = [one for one in open_ones if trades_contracts and known[word(one, "instId")].type in DERIVATIVES]
    priced = _ids(order for order in open_ones if word(order, "ordType") not in _MARKET)
    at_once = [order for order in open_ones if word(order, "ordType") in (*_MARKET, "post_only")]
    moving = _ids([*at_once, *(contracts if account is not None else ())])
    asks: dict[str, Ask] = {}
    for inst_id in priced[:INSTRUMENTS]:
        asks[f"limit {inst_id}"] = _get(LIMIT, instId=inst_id)
    for inst_id in moving[:INSTRUMENTS]:
        asks[f"ticker {inst_id}"] = _get(TICKER, instId=inst_id)
    if account is not None:
        asks |= _account_asks(open_ones, contracts, known, account)
    answers = dict(zip(asks, await recorded(io, *asks.values()), strict=True))
    for name, answer in answers.items():
        reply = read(answer)
        if (obstacle := standing_in_the_way(reply, io.view.rest.host) or by_address(reply)) is not None:
            raise obstacle
        if reply.kind == "refused" and (reply.code.startswith(OF_THE_REQUEST) or name == "positions"):
            raise Inconclusive(f"{reply.path.partition('?')[0].removeprefix('/api/v5/')}: {reply.said}")
    return Place(
        account=account,
        instruments=listed,
        now_ms=io.now().wall_ns // 1_000_000,
        limits=tuple(found for name in priced[:INSTRUMENTS] for found in _limits(name, answers[f"limit {name}"])),
        last=tuple(found for name in moving[:INSTRUMENTS] for found in _last(name, answers[f"ticker {name}"])),
        best=tuple(found for name in moving[:INSTRUMENTS] for found in _best(name, answers[f"ticker {name}"])),
        leverages=tuple(
            found for name, answer in answers.items() if name.startswith("leverage ") for found in _leverages(answer)
        ),
        positions=_positions(answers["positions"]) if "positions" in answers else None,
        taker=tuple(found for name, answer in answers.items() if name.startswith("fee ") for found in _taker(answer)),
        most=tuple(
            found for name, answer in answers.items() if name.startswith("most ") for found in _most(name, answer)
        ),
        taken=_taken(answers["pending"]) if "pending" in answers else (),
    )


def _get(path: str, *, signed: bool = False, **query: str) -> Ask:
    return Ask(method="GET", path=request_path(path, list(query.items())), signed=signed)


def _ids(orders: Iterable[Order]) -> list[str]:
    return list(dict.fromkeys(word(order, "instId") for order in orders))


def _last(inst_id: str, answer: Answer) -> list[tuple[str, str]]:
    return [(inst_id, text(row, "last")[:60]) for row in rows(answer)[:1]]


def _best(inst_id: str, answer: Answer) -> list[tuple[str, str, str]]:
    return [(inst_id, text(row, "bidPx")[:60], text(row, "askPx")[:60]) for row in rows(answer)[:1]]


def _most(name: str, answer: Answer) -> list[MostSize]:
    _, inst_id, mode, price = name.split(" ")
    return [
        MostSize(inst_id=inst_id, mode=mode, px=price, buy=text(row, "maxBuy")[:60], sell=text(row, "maxSell")[:60])
        for row in rows(answer)[:1]
    ]


def _taken(answer: Answer) -> tuple[str, ...]:
    ids = (text(row, "clOrdId")[:40] for row in rows(answer))
    return tuple(client_id for client_id in ids if client_id)


def _account_asks(
    open_ones: Sequence[Order], contracts: Sequence[Order], known: Mapping[str, ListedInstrument], account: AccountView
) -> dict[str, Ask]:
    asks: dict[str, Ask] = {}
    lent = account.acct_lv != "1" and any(product(one, known[word(one, "instId")]) == "MARGIN" for one in open_ones)
    if contracts or lent:
        asks["positions"] = _get(POSITIONS, signed=True)
    if contracts:
        for mode in ("cross", "isolated"):
            ids = _ids(order for order in contracts if word(order, "tdMode") == mode)[:20]
            if ids:
                asks[f"leverage {mode}"] = _get(LEVERAGE, signed=True, instId=",".join(ids), mgnMode=mode)
        types = list(dict.fromkeys(known[word(order, "instId")].type for order in contracts))
        for kind in [kind for kind in types if kind != "OPTION"][:TYPES]:
            asks[f"fee {kind}"] = _get(FEE, signed=True, instType=kind)
    if any(word(order, "clOrdId") for order in open_ones):
        asks["pending"] = _get(PENDING, signed=True)
    for one in open_ones if account.acct_lv != "1" else ():
        listed = known[word(one, "instId")]
        key = f"most {listed.inst_id} {word(one, 'tdMode')} {number(one, 'px')}"
        most = sum(name.startswith("most ") for name in asks)
        if product(one, listed) != "SPOT" and word(one, "tdMode") in ("cross", "isolated") and most < INSTRUMENTS:
            given = {"ccy": word(one, "ccy"), "px": number(one, "px")}
            more = {name: value for name, value in given.items() if value}
            asks[key] = _get(MAX_SIZE, signed=True, instId=listed.inst_id, tdMode=word(one, "tdMode"), **more)
    return asks


def _limits(inst_id: str, answer: Answer) -> list[PriceLimits]:
    found = []
    for row in rows(answer)[:1]:
        on = text(row, "enabled") != "false"
        found.append(
            PriceLimits(
                inst_id=inst_id,
                highest_buy=text(row, "buyLmt")[:60] if on else "",
                lowest_sell=text(row, "sellLmt")[:60] if on else "",
            )
        )
    return found


def _leverages(answer: Answer) -> list[Leverage]:
    return [
        Leverage(
            inst_id=text(row, "instId")[:64],
            margin_mode=text(row, "mgnMode")[:20],
            position_side=text(row, "posSide")[:20],
            lever=text(row, "lever")[:20],
        )
        for row in rows(answer)[:80]
    ]


def _positions(answer: Answer) -> tuple[OpenPosition, ...]:
    return tuple(
        OpenPosition(
            inst_id=text(row, "instId")[:64],
            margin_mode=text(row, "mgnMode")[:20],
            side=text(row, "posSide")[:20],
            quantity=text(row, "pos")[:60],
            available=text(row, "availPos")[:60],
        )
        for row in rows(answer)[:200]
    )


def _taker(answer: Answer) -> list[tuple[str, str, str]]:
    """(instType, settlement currency or "", rate): USDT and USDC contracts have rates of their own."""
    found = []
    for row in rows(answer)[:1]:
        kind = text(row, "instType")
        for ccy, name in (("", "taker"), ("USDT", "takerU"), ("USDC", "takerUSDC")):
            if rate := text(row, name)[:30]:
                found.append((kind, ccy, rate))
    return found


async def prechecks(
    io: Io, drafts: Sequence[OrderDraft], orders: Sequence[Order], place: Place
) -> tuple[Prechecked, ...]:
    """The exchange's own opinion of the first orders that break no rule; only where the account mode offers it."""
    account = place.account
    if account is None or account.acct_lv not in ("3", "4") or "trade" not in account.perm:
        return ()
    right = [
        index
        for index, order in enumerate(orders)
        if place.instrument(word(order, "instId")) is not None and not judge(order, place)
    ][:PRECHECKED]

    async def one(index: int) -> Prechecked:
        try:
            ask = Ask(method="POST", path=PRECHECK, body=drafts[index].wire, signed=True)
            reply = read(await io.http(ask))
        except (Skip, Inconclusive):  # a recording does not hold it
            return Prechecked(index=index, code="")
        return Prechecked(index=index, code=reply.code, msg=reply.msg)

    return await together(*(one(index) for index in right))
