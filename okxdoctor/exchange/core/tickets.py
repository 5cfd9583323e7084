"""Order tickets: a request checked in the order in which the exchange complains."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal

from .accounts import Account
from .algos import PRICES, Attached, Leg
from .decimals import EXACT, parse, plain, written
from .instruments import Instrument
from .market import SLOT_MS
from .protocol import UNKNOWN_INSTRUMENT
from .venue import Venue

CLIENT_ID = re.compile(r"[A-Za-z0-9]{1,32}\Z", re.ASCII)
TAG = re.compile(r"[A-Za-z0-9]{1,16}\Z", re.ASCII)
STP = ("cancel_maker", "cancel_taker", "cancel_both")
PROTECTED = ("mmp", "mmp_and_post_only")
"""Orders of market makers in options; no account here may place them."""

KINDS = ("limit", "market", "post_only", "fok", "ioc", "optimal_limit_ioc")


class Rejected(Exception):
    """An order operation is refused with ``code`` and ``message`` as ``sCode`` and ``sMsg``."""

    def __init__(self, code: str, message: str, sub: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        self.sub = sub


def wrong(name: str) -> Rejected:
    # Two blanks are on the wire.
    return Rejected("51000", f"Parameter {name}  error")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A validated order request."""

    inst: Instrument
    mode: str
    side: str
    position_side: str
    kind: str
    size: Decimal
    size_text: str
    price: Decimal | None
    client_id: str
    tag: str
    target_ccy: str
    ccy: str
    reduce_only: bool
    quote: Decimal | None = None
    """What a market order is to spend or bring in quote currency; ``size`` is then an estimate."""
    stp: str = ""
    """Self-trade prevention of this order; '' leaves it to the account."""
    ban_amend: bool = False
    """A spot market order is refused rather than made smaller when the money is short."""
    attached: tuple[Attached, ...] = ()
    source: str = ""
    algo_id: str = ""
    algo_client_id: str = ""


def text(value: object) -> str:
    """A request field as text; null, '' and absent are the same."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    # An array or object stands where a text belongs; how deep it goes is of no interest.
    return str(value) if isinstance(value, int | float) else "{}"


def limits(venue: Venue, inst: Instrument, now_ms: int) -> tuple[str, str]:
    """Highest buy and lowest sell price, as text on the tick (5 % around the last price, of options half; assumed)."""
    market = venue.market(inst)
    last = market.trade(now_ms // SLOT_MS).px
    if inst.type == "OPTION":
        return market.tick.text(last * 3 // 2 + 100), market.tick.text(max(1, last // 2 - 100))
    return market.tick.text(last * 105 // 100 + 1), market.tick.text(max(1, last * 95 // 100))


def ticket(
    venue: Venue, account: Account, args: dict[str, object], inst: Instrument | None, now_ms: int, *,
    in_base: bool = False,
) -> Ticket:  # fmt: skip
    """Check one order request in the order in which the exchange complains; raises ``Rejected``.

    ``in_base``: the size of a market order on margin is in base currency, as the exchange's own orders have it.
    """
    if inst is None:
        raise Rejected("51001", UNKNOWN_INSTRUMENT)
    mode, side, kind = text(args.get("tdMode")), text(args.get("side")), text(args.get("ordType"))
    inst = view_of(venue, account, inst, mode)
    for name, value, choices in (
        ("tdMode", mode, ("cash", "cross", "isolated")), ("side", side, ("buy", "sell")), ("ordType", kind, KINDS),
    ):  # fmt: skip
        if not value:
            raise Rejected("50014", f"Parameter {name} can not be empty.")
        if name == "ordType" and value in PROTECTED:
            raise Rejected("51036", "Only options instrument of the PM account supports MMP orders.")
        if value not in choices:
            raise wrong(name)
    client_id, tag = text(args.get("clOrdId")), text(args.get("tag"))
    if client_id and not CLIENT_ID.match(client_id):
        raise wrong("clOrdId")
    if tag and not TAG.match(tag):
        raise wrong("tag")
    stp = text(args.get("stpMode"))
    if stp not in ("", *STP):
        raise wrong("stpMode")
    if kind == "fok" and (stp or account.stp) == "cancel_both":
        raise Rejected("54036", "A fill-or-kill order cannot have self-trade prevention for both maker and taker.")
    _mode_allowed(account, inst, mode)
    position_side = position_side_of(account, inst, text(args.get("posSide")))
    if inst.type == "OPTION" and kind in ("market", "optimal_limit_ioc"):
        message = "Market orders unavailable for options trading. Place a limit order to close position."
        raise Rejected("51066", message)
    if inst.expired(now_ms):
        raise Rejected("51027", "Contract expired.")
    if inst.state != "live" and not (inst.state == "post_only" and kind == "post_only"):
        raise Rejected("51021" if inst.state == "preopen" else "51022", "Contract suspended.")
    size = written(args.get("sz"))
    if size is None or size <= 0:
        raise wrong("sz")
    target = text(args.get("tgtCcy"))
    spot = inst.type in ("SPOT", "MARGIN")
    if kind == "market" and spot:
        # Margin trading buys for quote currency and sells base currency, whatever the order says.
        if inst.type == "MARGIN":
            target = "base_ccy" if in_base else ""
        target = target or ("quote_ccy" if side == "buy" else "base_ccy")
    if target not in ("", "base_ccy", "quote_ccy"):
        raise wrong("tgtCcy")
    in_quote = kind == "market" and spot and target == "quote_ccy"
    px_amend = text(args.get("pxAmendType"))
    if px_amend not in ("", "0", "1"):
        raise wrong("pxAmendType")
    price = checked_price(venue, inst, side, kind, args.get("px"), now_ms, adjust=px_amend == "1")
    attached = attachments(venue, account, args, inst, side, price, now_ms)
    if in_quote:
        last = venue.price(inst, now_ms)
        base = EXACT.divide(size, last)
        if inst.lot is None:
            raise Rejected("51001", UNKNOWN_INSTRUMENT)
        size_base = inst.lot.decimal(inst.lot.floor(base))
    else:
        size_base = size
        if inst.lot is None or inst.lot.index(size) is None:
            raise Rejected("51121", "Order quantity must be a multiple of the lot size.")
    minimum = parse(inst.listing.minimum)
    if size_base <= 0 or (minimum is not None and size_base < minimum):
        raise Rejected("51020", "Your order should meet or exceed the minimum order amount.")
    maximum = parse(inst.listing.max_market if kind == "market" else inst.listing.max_limit)
    usd = size_base * (venue.usd(inst.listing.base, now_ms) if spot and kind == "market" else 1)
    if in_quote:
        usd = EXACT.multiply(size, venue.usd(inst.listing.quote, now_ms))
    if maximum is not None and usd > maximum:
        raise Rejected("51202" if kind == "market" else "51005", "Your order amount exceeds the max order amount.")
    most_usd = parse(str(inst.listing.field("maxMktAmt" if kind == "market" else "maxLmtAmt")))
    if most_usd is not None and _usd(venue, inst, size_base, price, now_ms) > most_usd:
        raise Rejected("51185", f"The maximum value allowed per order is {plain(most_usd)} USD")
    if client_id and venue.orders.has_open_client_id(account.uid, client_id):
        raise Rejected("51016", "Client order ID already exists.")
    return Ticket(
        inst=inst, mode=mode, side=side, position_side=position_side, kind=kind, size=size_base,
        size_text=text(args.get("sz")), price=price, client_id=client_id, tag=tag,
        target_ccy=target if spot else "", ccy=text(args.get("ccy")),
        reduce_only=_reduces(inst, position_side, text(args.get("reduceOnly"))),
        quote=size if in_quote else None, stp=stp,
        ban_amend=text(args.get("banAmend")).lower() == "true", attached=attached,
    )  # fmt: skip


def _reduces(inst: Instrument, position_side: str, given: str) -> bool:
    """Whether reduceOnly is on; it only has a meaning for margin, and for contracts in net mode (documented)."""
    return given.lower() == "true" and position_side == "net" and inst.type in ("MARGIN", "SWAP", "FUTURES")


def view_of(venue: Venue, account: Account, inst: Instrument, mode: str) -> Instrument:
    """Spot traded on margin is another instrument; accounts of several currencies trade spot in cross mode, too."""
    if inst.type != "SPOT" or mode not in ("cross", "isolated"):
        return inst
    return inst if mode == "cross" and account.level in ("3", "4") else venue.margin(inst)


def _usd(venue: Venue, inst: Instrument, size: Decimal, price: Decimal | None, now_ms: int) -> Decimal:
    """What an order is worth in USD: at its own price, a market order at the last one. Options count nothing here."""
    if inst.type == "OPTION":
        return Decimal(0)
    at = venue.price(inst, now_ms) if price is None else price
    if inst.type == "SPOT":
        return EXACT.multiply(EXACT.multiply(size, at), venue.usd(inst.listing.quote, now_ms))
    value = EXACT.multiply(size, Decimal(inst.listing.ct_val))
    if not inst.linear:
        return value
    return EXACT.multiply(EXACT.multiply(value, at), venue.usd(inst.listing.settle, now_ms))


def _mode_allowed(account: Account, inst: Instrument, mode: str) -> None:
    if inst.type == "SPOT" and (mode == "cash" or account.level in ("3", "4")):
        return
    if account.level == "1" or (inst.type != "SPOT" and mode == "cash"):
        raise Rejected("51010", "Request unsupported under current account mode")
    if inst.type == "MARGIN" and not inst.listing.lever:
        raise Rejected("54000", "Margin trading is not supported.")


def position_side_of(account: Account, inst: Instrument, given: str) -> str:
    """The side as the order has it: "" for spot, "net", or the one named. Refuses a side that the mode has not."""
    if inst.type in ("SPOT", "MARGIN", "OPTION"):
        # A side that has no meaning here is passed over.
        return "" if inst.type == "SPOT" else "net"
    if account.position_mode == "long_short_mode":
        if given not in ("long", "short"):
            raise wrong("posSide")
        return given
    if given not in ("", "net"):
        raise wrong("posSide")
    return "net"


def checked_price(
    venue: Venue, inst: Instrument, side: str, kind: str, given: object, now_ms: int, *, adjust: bool = False
) -> Decimal | None:
    """The price of an order, on its tick and within the limits; ``adjust`` brings it to the limit that it is beyond."""
    if kind in ("market", "optimal_limit_ioc"):
        return None
    price = written(given)
    if price is None or price <= 0 or inst.tick is None:
        raise wrong("px")
    tick = inst.tick_at(price) or inst.tick
    if tick.index(price) is None:
        if inst.type != "OPTION":
            raise Rejected("51150", "The precision of the number of trades or the price exceeds the limit.")
        price = tick.decimal(max(1, tick.nearest(price)))
    highest, lowest = (Decimal(limit) for limit in limits(venue, inst, now_ms))
    if adjust:
        return min(price, highest) if side == "buy" else max(price, lowest)
    if side == "buy" and price > highest:
        raise Rejected("51137", f"The highest price limit for buy orders is {plain(highest)}.")
    if side == "sell" and price < lowest:
        raise Rejected("51138", f"The lowest price limit for sell orders is {plain(lowest)}.")
    return price


def leg(args: dict[str, object], inst: Instrument, prefix: str, *, order: str = "") -> Leg | None:
    """``tpTriggerPx``, ``tpOrdPx`` and ``tpTriggerPxType`` (or ``sl…``) of a request; None when there are none.

    A trigger needs an order price; -1 is at market.
    """
    trigger_name, order_name = f"{prefix}TriggerPx", order or f"{prefix}OrdPx"
    trigger, price = text(args.get(trigger_name)), text(args.get(order_name))
    if not trigger and not price:
        return None
    of = text(args.get(f"{prefix}TriggerPxType")) or "last"
    if of not in PRICES:
        raise wrong(f"{prefix}TriggerPxType")
    if inst.type == "SPOT" and of != "last":
        message = (
            "Unable to place order. Spot trading only supports using the last price as trigger price. "
            'Please select "Last" and try again.'
        )
        raise Rejected("51415", message)
    at = written(trigger)
    if at is None or at <= 0:
        raise wrong(trigger_name)
    if price in ("-1", "-1.0"):
        return Leg(trigger=at, price=None, of=of)
    wanted = written(price)
    if wanted is None or wanted <= 0 or inst.tick is None:
        raise wrong(order_name)
    if inst.tick.index(wanted) is None:
        raise Rejected("51150", "The precision of the number of trades or the price exceeds the limit.")
    return Leg(trigger=at, price=wanted, of=of)


_BESIDE = {
    # side, leg, whether the trigger has to be above -> code and text, beside the order price.
    ("buy", "tp"): (True, "51046", "The take profit trigger price must be higher than the order price"),
    ("buy", "sl"): (False, "51047", "The stop loss trigger price must be lower than the order price"),
    ("sell", "tp"): (False, "51048", "The take profit trigger price must be lower than the order price"),
    ("sell", "sl"): (True, "51049", "The stop loss trigger price must be higher than the order price"),
}


def attachments(
    venue: Venue, account: Account, args: dict[str, object], inst: Instrument, side: str, price: Decimal | None,
    now_ms: int,
) -> tuple[Attached, ...]:  # fmt: skip
    """Take profit and stop loss that the request hangs on its order (``attachAlgoOrds``, or the older fields)."""
    given = args.get("attachAlgoOrds")
    if given in (None, "", []):
        given = [args] if text(args.get("tpTriggerPx")) or text(args.get("slTriggerPx")) else []
    if not isinstance(given, list) or len(given) > 10 or not all(isinstance(each, dict) for each in given):
        raise wrong("attachAlgoOrds")
    if given and text(args.get("reduceOnly")).lower() == "true":
        message = "Unable to place order. Take profit/Stop loss conditions cannot be added to reduce-only orders."
        raise Rejected("51100", message)
    found: list[Attached] = []
    for each in given:
        client_id = text(each.get("attachAlgoClOrdId"))
        if client_id and not CLIENT_ID.match(client_id):
            raise wrong("attachAlgoClOrdId")
        if client_id and venue.algos.taken(account.uid, client_id):
            raise Rejected("51065", "algoClOrdId already exists.")
        legs = {name: leg(each, inst, name) for name in ("tp", "sl")}
        if not any(legs.values()):
            raise Rejected("51178", "tpTriggerPx&tpOrdPx or slTriggerPx&slOrdPx can't be empty.")
        beside = price or venue.price(inst, now_ms)
        for name, one in legs.items():
            above, code, message = _BESIDE[side, name]
            if one is not None and (one.trigger <= beside if above else one.trigger >= beside):
                raise Rejected(code, message)
        part = None if each is args else text(each.get("sz"))
        size = parse(part) if part else None
        if part and (size is None or size <= 0):
            raise wrong("sz")
        found.append(
            Attached(
                algo_id=venue.orders.next_id(), client_id=client_id, tp=legs["tp"], sl=legs["sl"], size=size
            )
        )  # fmt: skip
    return tuple(found)


def reattached(
    attached: tuple[Attached, ...], args: dict[str, object], inst: Instrument
) -> tuple[Attached, ...]:  # fmt: skip
    """What hangs on an order after an amendment (``attachAlgoOrds`` with ``newTpTriggerPx`` and so on)."""
    given = args.get("attachAlgoOrds")
    if given in (None, "", []):
        return attached
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        raise wrong("attachAlgoOrds")
    found = list(attached)
    for each in given:
        number, client_id = text(each.get("attachAlgoId")), text(each.get("attachAlgoClOrdId"))
        at = [k for k, one in enumerate(found) if one.algo_id == number or (client_id and one.client_id == client_id)]
        if not at:
            message = "Order modification failed. At least 1 of the attached TP/SL orders does not exist."
            raise Rejected("51527", message)
        old = found[at[0]]
        tp, sl = _changed_leg(each, inst, "tp", old.tp), _changed_leg(each, inst, "sl", old.sl)
        found[at[0]] = replace(old, tp=tp, sl=sl)
    return tuple(found)


def _changed_leg(args: dict[str, object], inst: Instrument, prefix: str, old: Leg | None) -> Leg | None:
    name = prefix.capitalize()
    trigger, price, of = (text(args.get(f"new{name}{part}")) for part in ("TriggerPx", "OrdPx", "TriggerPxType"))
    if not (trigger or price or of):
        return old
    given: dict[str, object] = {
        f"{prefix}TriggerPx": trigger or ("" if old is None else plain(old.trigger)),
        f"{prefix}OrdPx": price or ("" if old is None else old.order_price),
        f"{prefix}TriggerPxType": of or ("" if old is None else old.of),
    }
    return leg(given, inst, prefix)
