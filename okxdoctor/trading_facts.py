"""Facts of trading that cross the port or pass between checks: instruments, wallets, orders. Frozen and JSON-able.

Figures are the texts that the exchange gave; "" is absent, never zero.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedInstrument:
    """One instrument as the exchange lists it now. ``spec``: (field, value) of its figures, "" absent.

    ``bands``: (from, below, tick) of an instrument whose tick depends on the price, else empty.
    """

    inst_id: str
    type: str
    state: str
    spec: tuple[tuple[str, str], ...]
    bands: tuple[tuple[str, str, str], ...] = ()

    def value(self, name: str) -> str:
        return next((value for key, value in self.spec if key == name), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruments:
    """The instruments that were found listed."""

    listed: tuple[ListedInstrument, ...]

    def named(self, inst_id: str) -> ListedInstrument | None:
        return next((one for one in self.listed if one.inst_id == inst_id), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """One currency of one wallet, plain decimal texts: what is there, what of it can be spent, what open orders hold,
    and what can serve as margin ("" where the account mode has no such figure)."""

    ccy: str
    cash: str
    available: str
    frozen: str = ""
    margin: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wallets:
    """Both wallets of the account; None where the exchange did not tell."""

    trading: tuple[Holding, ...] | None
    funding: tuple[Holding, ...] | None


# ---- what the integration is about to do --------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderDraft:
    """One order of a file that the run is asked to look over. ``wire``: its JSON text, as it would be sent."""

    file: str
    line: int
    wire: str
