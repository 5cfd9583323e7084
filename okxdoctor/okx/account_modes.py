"""Which products and trade modes an account mode allows (`order_modes.toml`). Pure."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

DERIVATIVES = ("SWAP", "FUTURES", "OPTION")
SIDED = ("SWAP", "FUTURES")
"""Products whose positions have a side in long_short_mode."""


@cache
def _table() -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    raw = tomllib.loads(files(__package__).joinpath("order_modes.toml").read_text("utf-8"))
    return {level: {name: tuple(modes) for name, modes in row.items()} for level, row in raw.items()}


def trade_modes(level: str, product: str) -> tuple[str, ...] | None:
    """The tdMode words for a product in account mode ``level``; () for none at all, None where it is not known.

    Products outside the table (EVENTS) are not known in any mode.
    """
    row = _table().get(level)
    if row is None or not any(product in each for each in _table().values()):
        return None
    return row.get(product, ())


def modes_with(product: str, trade_mode: str = "") -> tuple[str, ...]:
    """The account modes that allow a product, with that trade mode if one is named."""
    return tuple(
        level for level, row in _table().items() if product in row and (not trade_mode or trade_mode in row[product])
    )
