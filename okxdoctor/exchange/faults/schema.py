"""Faults of the shape of answers: what each of them rewrites, and where."""

from __future__ import annotations

from okxdoctor.exchange.core.redraft import How, Redraft

from .model import Fault

_LISTS = ("public/instruments", "account/instruments", "ws instruments")
_TICKERS = ("market/ticker", "market/tickers", "ws tickers")
_BOOKS = ("market/books", "ws books*", "ws bbo-tbt")
_CONFIG = ("account/config",)
_WHERE = {
    "lotSz": _LISTS, "minSz": _LISTS, "tickSz": _LISTS, "state": _LISTS, "instType": _LISTS, "instIdCode": _LISTS,
    "last": _TICKERS, "askPx": _TICKERS, "bidPx": _TICKERS, "ts": (*_TICKERS, *_BOOKS), "acctLv": _CONFIG,
}  # fmt: skip
_UNITS: dict[str, How] = {"seconds": "seconds", "microseconds": "microseconds", "iso": "iso"}
_NEW_NAMES = {"tickSz": "tickSize", "askPx": "askPrice"}
_NEW_WORDS = {"state": "halted", "instType": "SPOT_MARGIN", "acctLv": "7"}

FAULTS: tuple[Fault, ...] = (
    Fault(
        name="schema-field-missing", example="schema-field-missing=lotSz", layer="schema",
        cause="schema.field-missing", value="choice", default="lotSz", choices=("lotSz", "last", "ts"),
        says="answers come without this field: lists of instruments, tickers, or tickers and order books",
    ),
    Fault(
        name="schema-field-missing-renamed", example="schema-field-missing-renamed=tickSz", layer="schema",
        cause="schema.field-missing", value="choice", default="tickSz", choices=("tickSz", "askPx"),
        says="a field of lists of instruments, or of tickers, has a new name",
    ),
    Fault(
        name="schema-type-changed", example="schema-type-changed=number", layer="schema",
        cause="schema.type-changed", value="choice", default="number", choices=("number", "text"),
        says="prices of tickers become JSON numbers, or the number instIdCode becomes a text",
    ),
    Fault(
        name="schema-type-changed-null", example="schema-type-changed-null=lotSz", layer="schema",
        cause="schema.type-changed", value="choice", default="lotSz", choices=("lotSz", "bidPx"),
        says="null stands where a figure stood",
    ),
    Fault(
        name="schema-type-changed-empty", example="schema-type-changed-empty=minSz", layer="schema",
        cause="schema.type-changed", value="choice", default="minSz", choices=("minSz", "last"),
        says="an empty text stands where a figure stood",
    ),
    Fault(
        name="schema-type-changed-exponent", example="schema-type-changed-exponent=lotSz", layer="schema",
        cause="schema.type-changed", value="choice", default="lotSz", choices=("lotSz", "last"),
        says="figures are written with an exponent",
    ),
    Fault(
        name="schema-type-changed-noise", example="schema-type-changed-noise", layer="schema",
        cause="schema.type-changed",
        says="prices of tickers went through a binary float: 0.1 comes as 0.10000000000000001",
    ),
    Fault(
        name="schema-type-changed-time", example="schema-type-changed-time=seconds", layer="schema",
        cause="schema.type-changed", value="choice", default="seconds", choices=("seconds", "microseconds", "iso"),
        says="timestamps of tickers and order books come in another unit, or as ISO-8601",
    ),
    Fault(
        name="schema-type-changed-envelope", example="schema-type-changed-envelope=rows", layer="schema",
        cause="schema.type-changed", value="choice", default="rows", choices=("rows", "code"),
        says="data of tickers and books is an object of numbered rows, or the code 0 is a number",
    ),
    Fault(
        name="schema-unknown-value", example="schema-unknown-value=state", layer="schema",
        cause="schema.unknown-value", value="choice", default="state", choices=("state", "instType", "acctLv"),
        says="a field has a word that nobody knows: the state or type of instruments, or the account mode",
    ),
    Fault(
        name="schema-new-field", example="schema-new-field", layer="schema", cause="schema.new-field",
        says="lists of instruments have a field more, as they get some times a year",
    ),
)  # fmt: skip


def redrafts(name: str, value: float | str | None) -> tuple[Redraft, ...]:
    """What a fault of this module rewrites."""
    field = str(value)
    where = _WHERE.get(field, ())
    match name:
        case "schema-field-missing":
            return (Redraft(places=where, how="drop", field=field),)
        case "schema-field-missing-renamed":
            return (Redraft(places=where, how="rename", field=field, value=_NEW_NAMES[field]),)
        case "schema-type-changed" if value == "text":
            return (Redraft(places=_LISTS, how="text", field="instIdCode"),)
        case "schema-type-changed":
            return tuple(Redraft(places=_TICKERS, how="number", field=each) for each in ("last", "askPx", "bidPx"))
        case "schema-type-changed-null":
            return (Redraft(places=where, how="null", field=field),)
        case "schema-type-changed-empty":
            return (Redraft(places=where, how="empty", field=field),)
        case "schema-type-changed-exponent":
            return (Redraft(places=where, how="exponent", field=field),)
        case "schema-type-changed-noise":
            return tuple(Redraft(places=_TICKERS, how="noise", field=each) for each in ("last", "askPx", "bidPx"))
        case "schema-type-changed-time":
            return (Redraft(places=(*_TICKERS, *_BOOKS), how=_UNITS[field], field="ts"),)
        case "schema-type-changed-envelope" if value == "code":
            return (Redraft(places=("*/*",), how="code-as-number"),)
        case "schema-type-changed-envelope":
            return (Redraft(places=("market/ticker", "market/tickers", "market/books"), how="rows-by-number"),)
        case "schema-unknown-value":
            return (Redraft(places=where, how="word", field=field, value=_NEW_WORDS[field]),)
        case "schema-new-field":
            return (Redraft(places=_LISTS, how="add", field="priceBandId", value="3"),)
        case _:
            return ()
