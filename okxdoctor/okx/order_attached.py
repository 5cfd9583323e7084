"""Take profit and stop loss that hang on an order (attachAlgoOrds, or the older members of the order itself). Pure.

A trigger needs a price, and must lie on the right side of the order: the take profit of a buy above its price, the stop
loss below, and the reverse for a sell. A price of -1 means at market.

Source: place order (attachAlgoOrds) and error codes 51046 to 51049, 51100, 51178, 51415 of the API v5 documentation.
Grade: documented.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction

from okxdoctor.okx.json_text import Json
from okxdoctor.okx.off_grid import why_off_tick
from okxdoctor.okx.order_view import Breach, Place, fraction, grid, number, shown, word
from okxdoctor.okx.precision import PrecisionError
from okxdoctor.trading_facts import ListedInstrument

_NAMES = {"tp": "take profit", "sl": "stop loss"}
_BESIDE = {
    # side and leg -> whether the trigger lies above the order's price, and the code when it does not.
    ("buy", "tp"): (True, "51046"),
    ("buy", "sl"): (False, "51047"),
    ("sell", "tp"): (False, "51048"),
    ("sell", "sl"): (True, "51049"),
}


def attached(order: Mapping[str, Json], listed: ListedInstrument, place: Place) -> Iterator[Breach]:
    """Every rule that what hangs on the order breaks."""
    given = order.get("attachAlgoOrds")
    old = not isinstance(given, list) or not given
    items = [order] if old else [one for one in given if isinstance(one, dict)] if isinstance(given, list) else []
    if old and not any(_given(order, f"{leg}TriggerPx") for leg in _NAMES):
        return
    if word(order, "reduceOnly").lower() == "true":
        yield _wrong("51100", "reduceOnly", "a reduce-only order takes no take profit or stop loss")
        return
    beside = fraction(number(order, "px")) or place.price(listed.inst_id)
    for item in items:
        legs = [leg for leg in _NAMES if _given(item, f"{leg}TriggerPx") or _given(item, f"{leg}OrdPx")]
        if not legs:
            yield _wrong("51178", "attachAlgoOrds", "what is attached has neither tpTriggerPx nor slTriggerPx")
        for leg in legs:
            yield from _leg(item, leg, word(order, "side"), beside, listed)


def _given(item: Mapping[str, Json], name: str) -> bool:
    """Whether a member is there, however its value is written: that is judged as a number's form."""
    return item.get(name) not in (None, "")


def _wrong(code: str, parameter: str, says: str, *more: str, fix: tuple[tuple[str, str], ...] = ()) -> Breach:
    return Breach(
        cause="order.parameter-invalid",
        codes=(code, *more),
        parameter=parameter,
        says=says,
        evidence={"parameter": parameter},
        fix=fix,
    )


def _leg(
    item: Mapping[str, Json], leg: str, side: str, beside: Fraction | None, listed: ListedInstrument
) -> Iterator[Breach]:
    trigger_name, price_name, of_name = f"{leg}TriggerPx", f"{leg}OrdPx", f"{leg}TriggerPxType"
    trigger, price = fraction(number(item, trigger_name)), word(item, price_name)
    for name in (trigger_name, price_name):
        if not _given(item, name):
            yield _wrong("51178", name, f"{name} is missing beside its other half", "51000")
    if listed.type == "SPOT" and word(item, of_name) not in ("", "last"):
        says = f"{of_name} is {word(item, of_name)[:20]}; spot orders are triggered by the last price alone"
        yield _wrong("51415", of_name, says, fix=((of_name, "last"),))
    above, code = _BESIDE.get((side, leg), (True, ""))
    if trigger is not None and beside is not None and code and (trigger <= beside if above else trigger >= beside):
        yield _wrong(
            code,
            trigger_name,
            f"{trigger_name} {word(item, trigger_name)} is not {'above' if above else 'below'} {shown(beside)}: the "
            f"{_NAMES[leg]} of a {side} must be",
        )
    yield from _off_tick(price, price_name, listed)


def _off_tick(price: str, name: str, listed: ListedInstrument) -> Iterator[Breach]:
    value, ticks = fraction(price), grid(listed)
    if value is None or value <= 0 or ticks is None:
        return
    try:
        off = why_off_tick(price, ticks)
    except PrecisionError:  # a listing whose ticks make no sense
        return
    if off is not None:
        yield Breach(
            cause="precision.price-off-tick",
            codes=("51150",),
            parameter=name,
            says=f"{name} {price} is no multiple of {off.tick}, the tick of {listed.inst_id}",
            evidence={name: price, "tick": off.tick, "below": off.below, "above": off.above},
            fix=tuple((name, each) for each in (off.below, off.above) if each != "0"),
        )
