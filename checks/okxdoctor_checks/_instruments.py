"""Instrument ids and rows of public/instruments: what can be read from them without judging."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from okxdoctor.okx.json_text import Json
from okxdoctor.okx.precision import PrecisionError, parse
from okxdoctor.okx.signing import request_path
from okxdoctor.okx.timestamps import TimestampError, parse_epoch_ms
from okxdoctor_checks._answers import text

INSTRUMENTS = "/api/v5/public/instruments"
TICK_BANDS = "/api/v5/public/instrument-tick-bands"
SPEC = (
    "tickSz",
    "lotSz",
    "minSz",
    "ctVal",
    "ctMult",
    "ctValCcy",
    "ctType",
    "settleCcy",
    "maxLmtSz",
    "maxMktSz",
    "maxLmtAmt",
    "maxMktAmt",
    "baseCcy",
    "quoteCcy",
    "lever",
    "instIdCode",
)
"""The fields that clients keep copies of."""

_OPTION = re.compile(r"(?P<family>[^-]+-[^-]+)-\d{6}-[^-]+-[CP]")
_FUTURE = re.compile(r"[^-]+-[^-]+-\d{6}")
_EVENT = re.compile(r"(?P<series>[^-]+(?:-[A-Z][A-Z0-9]*)+)-\d{6}-.+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The list that an instrument stands in: its type, and the family or series that some types need."""

    type: str
    family: str = ""
    series: str = ""

    def path(self, inst_id: str = "") -> str:
        """The request path for one instrument of this list, or for all of it."""
        return request_path(INSTRUMENTS, [("instType", self.type), *self._narrowing(), ("instId", inst_id or None)])

    def bands_path(self) -> str:
        """The request path for the tick bands of this list; only options and event contracts have any."""
        return request_path(TICK_BANDS, [("instType", self.type), *self._narrowing()])

    @property
    def banded(self) -> bool:
        return bool(self.family or self.series)

    def _narrowing(self) -> list[tuple[str, str | None]]:
        return [("instFamily", self.family or None), ("seriesId", self.series or None)]


def listing_of(inst_id: str) -> Listing:
    """Where an id belongs by its form; SPOT for two parts and for forms that nobody knows."""
    inst_id = inst_id.upper()  # an id in small letters is none, and the right one stands in that list
    if inst_id.endswith("-SWAP"):
        return Listing(type="SWAP")
    if (option := _OPTION.fullmatch(inst_id)) is not None:
        return Listing(type="OPTION", family=option["family"])
    if _FUTURE.fullmatch(inst_id) is not None:
        return Listing(type="FUTURES")
    if (event := _EVENT.fullmatch(inst_id)) is not None:
        return Listing(type="EVENTS", series=event["series"])
    return Listing(type="SPOT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One announced change (upcChg): parameter, new value, when (epoch ms, None where unreadable)."""

    parameter: str
    value: str
    at_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One instrument as listed. Absent, null and "" are all "": preopen rows have hardly anything else."""

    state: str
    rule: str
    list_ms: int | None
    end_ms: int | None
    spec: tuple[tuple[str, str], ...]
    changes: tuple[Change, ...]

    def value(self, name: str) -> str:
        return dict(self.spec).get(name, "")


def row_of(raw: Mapping[str, Json], also: tuple[str, ...] = ()) -> Row:
    """What matters of one row; ``also`` names further fields to keep."""
    names = tuple(dict.fromkeys((*SPEC, *also)))
    upcoming = raw.get("upcChg")
    return Row(
        state=text(raw, "state"),
        rule=text(raw, "ruleType"),
        list_ms=instant(text(raw, "listTime")),
        end_ms=instant(text(raw, "expTime")),
        spec=tuple((name, text(raw, name)[:60]) for name in names),
        changes=tuple(
            Change(
                parameter=text(change, "param")[:40],
                value=text(change, "newValue")[:60],
                at_ms=instant(text(change, "effTime")),
            )
            for change in (upcoming if isinstance(upcoming, list) else [])[:20]
            if isinstance(change, dict)
        ),
    )


def instant(epoch_ms: str) -> int | None:
    """Epoch milliseconds, None for absent and for unreadable."""
    try:
        return parse_epoch_ms(epoch_ms)
    except TimestampError:
        return None


def same_value(one: str, other: str) -> bool:
    """Equal as numbers where both are numbers ("0.10" and "0.1"), else equal as text."""
    try:
        return parse(one) == parse(other)
    except PrecisionError:
        return one == other
