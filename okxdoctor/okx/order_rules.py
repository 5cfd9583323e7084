"""What the exchange would say to an order, here and now: the rules of account and instrument, in exact numbers. Pure.

:func:`judge` gives every rule that an order breaks, with its numbers, the code that the exchange refuses it with, and
the nearest value that would be right. The shape of the order comes first (`order_wire`), then the account's modes,
price and size (`order_figures`), ids; money last, and only for an order that is right otherwise (`order_funds`). A
member that is unreadable is told once and not judged any further. An instrument that is not listed or not open is the
business of whoever lists it: such an order is judged by its shape, and by what figures and modes there are.

Source: place order, instruments, price-limit, account/config and the error codes of the API v5 documentation.
Grade: documented; that off-tick prices outside options are refused (51150) is inferred from the code's text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction

from okxdoctor.model import Json as Value
from okxdoctor.okx import json_text
from okxdoctor.okx.account_modes import SIDED, modes_with, trade_modes
from okxdoctor.okx.json_text import Json
from okxdoctor.okx.order_attached import attached
from okxdoctor.okx.order_figures import above_zero, priced, sized
from okxdoctor.okx.order_funds import short_of_funds
from okxdoctor.okx.order_units import other_unit
from okxdoctor.okx.order_view import Breach, Place, code_of, fraction, number, product, shown, word
from okxdoctor.okx.order_wire import WRONG, WireFlaw, wire_flaws, wire_rules
from okxdoctor.okx.precision import PrecisionError, plain_text
from okxdoctor.okx.wire_numbers import CAUSE, NumberFlaw, number_flaws, without_noise
from okxdoctor.trading_facts import ListedInstrument

_LEVER = 'POST /api/v5/account/set-leverage {"instId":"…","lever":"…","mgnMode":"cross"}   # leverage is set there'
_NO_REDUCING = {"1": "51139", "3": "51133"}
"""Account modes whose refusal of a reduce-only spot order has a code of its own."""
_TRADED = ("SPOT", "MARGIN", "SWAP", "FUTURES", "OPTION")
_LEVEL = {"1": "spot mode", "2": "futures mode", "3": "multi-currency margin mode", "4": "portfolio margin mode"}


def order_of(wire: str) -> dict[str, Json]:
    """The order in a JSON text; empty for what is none."""
    value = json_text.read(wire)
    return value if isinstance(value, dict) else {}


def judge(order: Mapping[str, Json], place: Place) -> tuple[Breach, ...]:
    """Every rule that the order breaks, nearest to the wire first. Total."""
    listed = place.instrument(word(order, "instId"))
    found = [
        Breach(
            cause=flaw.cause,
            codes=flaw.codes,
            parameter=flaw.parameter,
            says=flaw.says.rstrip("."),
            evidence=flaw.evidence,
            fix=_respelt(order, flaw),
            sure=flaw.sure,
        )
        for flaw in wire_flaws(order, steps=_steps(listed))
        if not _without_effect(flaw.parameter, order, listed)
    ]
    found += _foreign(order, {breach.parameter for breach in found})
    spelt = {breach.parameter for breach in found}
    found += (breach for breach in above_zero(order) if breach.parameter not in spelt)
    found += _expiry(order, place)
    told = {breach.parameter for breach in found} | {str(breach.evidence.get("meant")) for breach in found}
    if listed is None or "instId" in told:
        return tuple(found)
    found += _code_of_another(order, listed, place)
    found += (breach for breach in _account(order, listed, place) if breach.parameter not in told)
    found += _of_another_product(order, listed) if "ordType" not in told else ()
    found += priced(order, listed, place) if "px" not in told else ()
    # What a spot order's size counts follows from these: where one is wrong it is not known.
    counted = {"sz", "tgtCcy", "ordType", "side"} if listed.type == "SPOT" else {"sz"}
    found += sized(order, listed, place) if not counted & told else ()
    found += attached(order, listed, place)
    found += _taken(order, place) if "clOrdId" not in told else ()
    if listed.state != "live" or told & {"px", "sz", "side", "ordType", "tdMode", "tgtCcy"}:
        return tuple(found)
    if not any(breach.codes for breach in found):
        found += short_of_funds(order, listed, place)
    return (*other_unit(order, listed, place, tuple(found)), *found)


def _foreign(order: Mapping[str, Json], told: set[str]) -> Iterator[Breach]:
    """Members that no order has: passed over, so what they were meant to do is not done. New ones may be unknown."""
    strangers = [name for name in order if name not in wire_rules().members and name[:40] not in told]
    for name in (stranger[:40] for stranger in strangers[:5]):
        lever = name.lower() in ("lever", "leverage")
        hint = f"Leave {name} out, or look up its name in the documentation of place order"
        yield Breach(
            cause="order.parameter-invalid",
            codes=(),
            parameter=name,
            says=f"{name} is no parameter of an order, and is passed over",
            evidence={"parameter": name},
            hints=(_LEVER,) if lever else (hint,),
            sure=False,
            mild=True,
        )


def _without_effect(parameter: str, order: Mapping[str, Json], listed: ListedInstrument | None) -> bool:
    """A member that means nothing for this order: whether it is looked at all the same is not known."""
    if parameter == "posSide":
        return listed is not None and product(order, listed) not in SIDED
    return parameter == "px" and word(order, "ordType") in ("market", "optimal_limit_ioc")


def _steps(listed: ListedInstrument | None) -> dict[str, str]:
    """Tick and lot of an instrument that has them."""
    found = {} if listed is None else {"px": listed.value("tickSz"), "sz": listed.value("lotSz")}
    return {name: step for name, step in found.items() if (fraction(step) or 0) > 0}


def _respelt(order: Mapping[str, Json], flaw: WireFlaw) -> tuple[tuple[str, str], ...]:
    """What was most likely meant by a name, a word, a number or an id that is not allowed as it stands."""
    name, value = flaw.parameter, order.get(flaw.parameter)
    if flaw.cause == CAUSE and isinstance(value, str | int | Decimal):
        return ((name, plainly),) if (plainly := _plainly(value)) else ()
    if not isinstance(value, str):
        return ()
    meant = flaw.evidence.get("meant")
    if isinstance(meant, str):
        return ((meant, value),)
    if flaw.cause == "order.client-id-invalid":
        kept = "".join(character for character in value if character.isascii() and character.isalnum())
        return ((name, kept),) if 0 < len(kept) <= wire_rules().id_characters else ()
    known = wire_rules().words.get(name, ())
    word_meant = next((each for each in known if each and each == value.strip().lower()), None)
    return ((name, word_meant),) if word_meant else ()


def _plainly(value: str | int | Decimal) -> str:
    """The number without what is wrong with its spelling; "" where it is not plain what number is meant."""
    flaws = number_flaws(value)
    text = format(value, "f") if isinstance(value, Decimal) else str(value).strip()
    if NumberFlaw.THOUSANDS in flaws:
        text = text.replace(",", "")
    if NumberFlaw.DECIMAL_COMMA in flaws:
        return ""
    try:
        return without_noise(text) or plain_text(text.replace("_", "").lstrip("+"))
    except PrecisionError:
        return ""


# ---- the account ---------------------------------------------------------------------------------


def _account(order: Mapping[str, Json], listed: ListedInstrument, place: Place) -> Iterator[Breach]:
    account = place.account
    if account is None:
        return
    mode, traded = word(order, "tdMode"), product(order, listed)
    level = _LEVEL.get(account.acct_lv, f"mode {account.acct_lv}")
    evidence: dict[str, Value] = {"acctLv": account.acct_lv, "product": traded, "tdMode": mode}
    allowed = trade_modes(account.acct_lv, traded)
    if mode in wire_rules().words["tdMode"] and allowed is not None and mode not in allowed:
        homes = " or ".join(modes_with(traded, mode)) or "none"
        takes = f"takes {' or '.join(allowed)}" if allowed else "does not trade it"
        yield Breach(
            cause="account.mode-forbids",
            codes=("51010", WRONG),
            parameter="tdMode",
            says=f"tdMode {mode} for {traded}: the account is in {level}, which {takes}",
            evidence={**evidence, "allowed": list(allowed), "account_modes_that_allow_it": homes},
            fix=tuple(("tdMode", each) for each in allowed[:2]),
        )
        return
    if traded == "MARGIN" and not listed.value("lever"):
        yield Breach(
            cause="account.mode-forbids",
            codes=("54000",),
            parameter="tdMode",
            says=f"tdMode {mode}: {listed.inst_id} is not traded with margin",
            evidence=evidence,
            fix=(("tdMode", "cash"),),
        )
    if traded == "MARGIN" and account.acct_lv == "2" and mode == "cross" and not word(order, "ccy"):
        yield Breach(
            cause="account.mode-forbids",
            codes=("50014",),
            parameter="ccy",
            says=f"cross margin in {level} needs ccy, the currency of the margin",
            evidence=evidence,
            fix=(("ccy", listed.value("quoteCcy")), ("ccy", listed.value("baseCcy"))),
        )
    yield from _sides(order, traded, account.pos_mode)
    if traded in SIDED:
        yield from _reducing(order, listed, place, account.pos_mode)
    elif traded == "SPOT" and word(order, "reduceOnly").lower() == "true":
        code = _NO_REDUCING.get(account.acct_lv, "51205")
        yield Breach(
            cause="order.parameter-invalid",
            codes=(),  # documented, and whether an order that only buys gets it is not
            parameter="reduceOnly",
            says=f"reduceOnly: in {level}, spot has no positions to reduce; passed over, or refused with {code}",
            evidence={"acctLv": account.acct_lv, "product": traded},
            hints=("Leave reduceOnly out of spot orders",),
            sure=False,
            mild=True,
        )


def _code_of_another(order: Mapping[str, Json], listed: ListedInstrument, place: Place) -> Iterator[Breach]:
    """Id and code of two instruments: REST goes by the one, the WebSocket by the other. Codes of demo are others."""
    code, right = code_of(order), listed.value("instIdCode")
    if not code or not right or code == right:
        return
    whose = next((one.inst_id for one in place.instruments if one.value("instIdCode") == code), "another instrument's")
    yield Breach(
        cause="order.parameter-invalid",
        codes=(),
        parameter="instIdCode",
        says=f"instIdCode {code[:20]} is not that of {listed.inst_id} here ({right}); the WebSocket goes by the code",
        evidence={"instId": listed.inst_id, "instIdCode": code[:20], "listed_code": right, "code_of": whose},
        fix=(("instIdCode", right),),
        mild=True,
    )


def _of_another_product(order: Mapping[str, Json], listed: ListedInstrument) -> Iterator[Breach]:
    """An order type that this product does not have."""
    kind, traded = word(order, "ordType"), product(order, listed)
    evidence: dict[str, Value] = {"ordType": kind, "product": traded}
    homes = wire_rules().of_products.get(kind)
    if traded == "OPTION" and kind in ("market", "optimal_limit_ioc"):
        yield Breach(
            cause="order.parameter-invalid",
            codes=("51066",),
            parameter="ordType",
            says=f"ordType {kind}: options take no market orders",
            evidence=evidence,
            fix=(("ordType", "limit"),),
        )
    elif homes is not None and traded not in homes and traded in _TRADED:
        meant = {"optimal_limit_ioc": "market", "mmp_and_post_only": "post_only", "op_fok": "fok"}.get(kind, "limit")
        yield Breach(
            cause="order.parameter-invalid",
            codes=(WRONG,),
            parameter="ordType",
            says=f"ordType {kind} is for {' and '.join(homes)} alone, and {listed.inst_id} is {traded}",
            evidence=evidence,
            fix=(("ordType", meant),),
        )


def _sides(order: Mapping[str, Json], traded: str, pos_mode: str) -> Iterator[Breach]:
    given = word(order, "posSide")
    if traded not in SIDED or given not in wire_rules().words["posSide"]:
        return
    evidence: dict[str, Value] = {"posMode": pos_mode, "posSide": given or "(absent)", "product": traded}
    if pos_mode == "long_short_mode" and given not in ("long", "short"):
        opens = {"buy": "long", "sell": "short"}.get(word(order, "side"), "long")
        yield Breach(
            cause="account.position-mode",
            codes=(WRONG,),
            parameter="posSide",
            says=f"posSide is {given or 'absent'}; the account is in long_short_mode, which needs long or short",
            evidence=evidence,
            fix=(("posSide", opens),),
            hints=(f"{opens} opens a position, {'short' if opens == 'long' else 'long'} closes one",),
        )
    elif pos_mode == "net_mode" and given in ("long", "short"):
        yield Breach(
            cause="account.position-mode",
            codes=(WRONG,),
            parameter="posSide",
            says=f"posSide is {given}; the account is in net_mode, which has no long and short side",
            evidence=evidence,
            fix=(("posSide", "net"),),
            hints=('To close only: add "reduceOnly": "true"',),
        )


def _reducing(order: Mapping[str, Json], listed: ListedInstrument, place: Place, pos_mode: str) -> Iterator[Breach]:
    """An order that can only close needs something to close."""
    side, given = word(order, "side"), word(order, "posSide")
    closing_side = (given, side) in (("long", "sell"), ("short", "buy"))
    reduce_only = word(order, "reduceOnly").lower() == "true"
    hedged = pos_mode == "long_short_mode"
    if place.positions is None or side not in ("buy", "sell") or (hedged and given not in ("long", "short")):
        return
    if not (closing_side if hedged else reduce_only):
        return
    held = next(
        (
            one
            for one in place.positions
            if (one.inst_id, one.margin_mode) == (listed.inst_id, word(order, "tdMode"))
            and one.side == (given if hedged else "net")
            and (fraction(one.quantity) or 0) != 0
        ),
        None,
    )
    evidence: dict[str, Value] = {"instrument": listed.inst_id, "position": held.quantity if held else "none"}
    parameter = "posSide" if hedged else "reduceOnly"
    if held is None:
        yield Breach(
            cause="order.parameter-invalid",
            codes=("51169",),
            parameter=parameter,
            says=f"the order can only close, and there is no {given if hedged else ''} position of {listed.inst_id} in "
            f"{word(order, 'tdMode')} margin".replace("no  ", "no "),
            evidence=evidence,
        )
        return
    quantity = fraction(held.quantity) or Fraction(0)
    if not hedged and (quantity > 0) == (side == "buy"):
        yield Breach(
            cause="order.parameter-invalid",
            codes=("51170",),
            parameter=parameter,
            says=f"a reduce-only {side} does not reduce a position of {held.quantity}",
            evidence=evidence,
            fix=(("side", "sell" if side == "buy" else "buy"),),
        )
        return
    room, asked = abs(fraction(held.available) or quantity), fraction(number(order, "sz"))
    if hedged and asked is not None and asked > room:
        yield Breach(
            cause="order.parameter-invalid",
            codes=("51112",),
            parameter="sz",
            says=f"the order closes {word(order, 'sz')}, and only {shown(room)} of the position are left to close",
            evidence={**evidence, "available": shown(room)},
            fix=(("sz", shown(room)),),
        )


# ---- ids and times -------------------------------------------------------------------------------


def _expiry(order: Mapping[str, Json], place: Place) -> Iterator[Breach]:
    given = order.get("expTime")
    if given in (None, ""):
        return
    text = str(given)
    if not (text.isascii() and text.isdigit() and len(text) == 13):
        yield Breach(
            cause="order.parameter-invalid",
            codes=(WRONG,),
            parameter="expTime",
            says=f"expTime is {text[:30]!r}; it is a time in epoch milliseconds, 13 digits",
            evidence={"expTime": text[:30]},
        )
    elif int(text) <= place.now_ms:
        late_s = (place.now_ms - int(text)) / 1000
        yield Breach(
            cause="order.parameter-invalid",
            codes=("50036",),
            parameter="expTime",
            says=f"expTime is {late_s:.1f} s in the past",
            evidence={"expTime": text, "late_s": round(late_s, 3)},
            hints=("Compute expTime when the order is sent: now + 2000 ms, by the exchange's clock",),
        )


def _taken(order: Mapping[str, Json], place: Place) -> Iterator[Breach]:
    client_id = word(order, "clOrdId")
    if client_id and client_id in place.taken:
        yield Breach(
            cause="order.client-id-invalid",
            codes=("51016",),
            parameter="clOrdId",
            says=f"clOrdId {client_id} belongs to a pending order",
            evidence={"parameter": "clOrdId", "clOrdId": client_id, "pending": True},
            hints=(f"GET /api/v5/trade/order?instId={word(order, 'instId')}&clOrdId={client_id}   # is it this one?",),
        )
