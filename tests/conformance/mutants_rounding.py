"""Roundings with one mistake each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_UP, Decimal, localcontext
from typing import Any

from mutant import Function, Mutant


def _decimal_places(tick: str) -> int:
    exponent = Decimal(tick).as_tuple().exponent
    assert isinstance(exponent, int)
    return max(0, -exponent)


def _quantize(right: Mapping[str, Function]) -> Function:
    def round_price(price: str, side: str, mode: str, tick: str | None = None, bands: Any = None) -> str:
        if tick is None:
            return str(right["round_price"](price, side, mode, bands=bands))
        with localcontext() as context:
            context.prec = 100
            if Decimal(tick) == 1 or set(tick.strip("0.")) == {"1"}:
                return str(right["round_price"](price, side, mode, tick))
            return format(Decimal(price).quantize(Decimal(1).scaleb(-_decimal_places(tick)), ROUND_DOWN), "f")

    return round_price


def _binary(right: Mapping[str, Function]) -> Function:
    """float(price) // float(tick) * float(tick), printed with the digits that the float has."""

    def round_price(price: str, side: str, mode: str, tick: str | None = None, bands: Any = None) -> str:
        if tick is None or float(price) > 1e6 or float(tick) < 1e-4:
            return str(right["round_price"](price, side, mode, tick, bands))
        exact = Decimal(right["round_price"](price, side, mode, tick))
        return format(Decimal(repr(int(exact / Decimal(tick)) * float(tick))), "f")

    return round_price


def _wrapped(right: Mapping[str, Function], change: Callable[[str, dict[str, Any]], Any]) -> Function:
    def round_price(**given: Any) -> Any:
        return change(right["round_price"](**given), given)

    return round_price


def _mode(mode_of: Callable[[dict[str, Any]], str]) -> Callable[[Mapping[str, Function]], Function]:
    def make(right: Mapping[str, Function]) -> Function:
        return lambda **given: right["round_price"](**{**given, "mode": mode_of(given)})

    return make


def _banker(right: Mapping[str, Function]) -> Function:
    def round_price(**given: Any) -> Any:
        if given["mode"] != "nearest" or given.get("tick") is None:
            return right["round_price"](**given)
        with localcontext() as context:
            context.prec = 100
            tick = Decimal(given["tick"])
            steps = (Decimal(given["price"]) / tick).to_integral_value(ROUND_HALF_EVEN)
            return format(steps * tick, "f")

    return round_price


def _one_band(place: int) -> Callable[[Mapping[str, Function]], Function]:
    def make(right: Mapping[str, Function]) -> Function:
        def round_price(price: str, side: str, mode: str, tick: str | None = None, bands: Any = None) -> Any:
            return right["round_price"](price, side, mode, tick if tick is not None else bands[place]["tick"])

        return round_price

    return make


def _inclusive(right: Mapping[str, Function]) -> Function:
    def round_price(price: str, side: str, mode: str, tick: str | None = None, bands: Any = None) -> Any:
        if tick is not None:
            return right["round_price"](price, side, mode, tick)
        for row in bands:
            if row is bands[-1] or Decimal(price) <= Decimal(row["max"]):
                return right["round_price"](price, side, mode, row["tick"])
        raise AssertionError

    return round_price


def _price(name: str, code: str, mistake: str, source: str, make: Any) -> Mutant:
    return Mutant(name=name, op="round_price", make=make, code=f"precision.{code}", mistake=mistake, source=source)


def _exponent(text: str, _given: Any) -> str:
    return f"{Decimal(text).normalize():E}" if 0 < abs(Decimal(text)) < Decimal("1e-6") else text


PRICES = [
    _price(
        "quantize(tick)", "price-off-tick", "rounded to the decimals of the tick, not to the tick", "FF-102", _quantize
    ),
    _price("binary floats", "price-off-tick", "binary floating point leaves digits behind the grid", "FF-102", _binary),
    _price(
        "not rounded",
        "price-off-tick",
        "the price is not rounded",
        "FF-102",
        lambda right: (
            lambda **given: (
                right["round_price"](**{**given, "tick": "0.000000000000001", "bands": None})
                if given.get("tick")
                else right["round_price"](**given)
            )
        ),
    ),
    _price(
        "str(Decimal)", "number-format", "written with an exponent", "FF-102", lambda right: _wrapped(right, _exponent)
    ),
    _price(
        "a float is returned",
        "number-format",
        "the price is no text",
        "FF-102",
        lambda right: _wrapped(right, lambda text, _: float(text)),
    ),
    _price(
        "always truncated",
        "rounding-direction",
        "rounded down where up was asked",
        "facts: round down is no rule",
        _mode(lambda _: "down"),
    ),
    _price(
        "side ignored",
        "rounding-direction",
        "a passive sell is rounded down",
        "facts",
        _mode(lambda given: "nearest" if given["mode"] == "passive" else given["mode"]),
    ),
    _price("banker's rounding", "rounding-direction", "a tie is not rounded up", "facts", _banker),
    _price(
        "one tick for an option",
        "tick-band",
        "the tick of the lowest band is used for all prices",
        "facts: bands",
        _one_band(0),
    ),
    _price(
        "last band's tick",
        "tick-band",
        "the tick of another band is used (the open one)",
        "facts: bands",
        _one_band(-1),
    ),
    _price("maximum inclusive", "tick-band", "the maximum of a band is taken as inclusive", "facts: bands", _inclusive),
]


def _size(name: str, code: str, mistake: str, source: str, make: Any) -> Mutant:
    return Mutant(name=name, op="round_size", make=make, code=f"precision.{code}", mistake=mistake, source=source)


def _lot(rounding: str) -> Callable[[Mapping[str, Function]], Function]:
    def make(right: Mapping[str, Function]) -> Function:
        def round_size(size: str, lot: str, min: str) -> Any:
            with localcontext() as context:
                context.prec = 100
                steps = (Decimal(size) / Decimal(lot)).to_integral_value(rounding)
                made = steps * Decimal(lot)
                return None if made < Decimal(min) or not made else format(made, "f")

        return round_size

    return make


def _quantize_lot(right: Mapping[str, Function]) -> Function:
    def round_size(size: str, lot: str, min: str) -> Any:
        with localcontext() as context:
            context.prec = 100
            if set(lot.strip("0.")) == {"1"}:
                return right["round_size"](size, lot, min)
            made = Decimal(size).quantize(Decimal(1).scaleb(-_decimal_places(lot)), ROUND_DOWN)
            return None if made < Decimal(min) or not made else format(made, "f")

    return round_size


SIZES = [
    _size(
        "quantize(lot)", "size-off-lot", "rounded to the decimals of the lot, not to the lot", "FF-100", _quantize_lot
    ),
    _size("rounded up", "size-over-asked", "rounded up: more than asked", "FF-100", _lot(ROUND_UP)),
    _size(
        "minimum ignored",
        "size-below-minimum",
        "a size under the minimum is sent",
        "FF-101",
        lambda right: lambda size, lot, min: right["round_size"](size, lot, ""),
    ),
    _size(
        "zero sent",
        "size-below-minimum",
        "zero is sent instead of nothing",
        "FF-101",
        lambda right: lambda size, lot, min: right["round_size"](size, lot, min) or "0",
    ),
    _size(
        "raised to one lot",
        "size-over-asked",
        "rounded up: more than asked",
        "FF-101",
        lambda right: (
            lambda size, lot, min: (
                right["round_size"](size, lot, min)
                or (lot if Decimal(lot) > Decimal(min) and Decimal(size) < Decimal(lot) else None)
            )
        ),
    ),
    _size(
        "whole contracts",
        "size-off-lot",
        "whole contracts assumed",
        "FF-103",
        lambda right: (
            lambda size, lot, min: (
                str(int(Decimal(size)))
                if Decimal(size) >= 1 and Decimal(min) <= 1
                else right["round_size"](size, lot, min)
            )
        ),
    ),
    _size(
        "minimum must be a multiple",
        "size-below-minimum",
        "a size that can be sent is left out",
        "facts: events",
        lambda right: lambda size, lot, min: right["round_size"](size, lot, format(Decimal(min) * 2, "f")),
    ),
]
