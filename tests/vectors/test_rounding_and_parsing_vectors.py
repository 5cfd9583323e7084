"""okxdoctor's rounding and parsing against the vectors, whose results come from fractions and from the rules by
hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from types import ModuleType
from typing import Any

import pytest

from okxdoctor.knowledge.vectors import Vector, load
from okxdoctor.okx.envelope import Http, NotJson, decode
from okxdoctor.okx.precision import Band, Grid, PrecisionError, plain_text, round_price, round_size
from okxdoctor.okx.retry import Retry
from okxdoctor.okx.timestamps import (
    TimestampError,
    epoch_ms_from_iso,
    header_flaws,
    iso_from_epoch_ms,
    iso_from_epoch_us,
    parse_epoch_ms,
    parse_epoch_us,
)

VECTORS = load("round").vectors + load("parse").vectors


def _round_price(given: Mapping[str, Any]) -> object:
    grid: Grid = given["tick"] if "tick" in given else tuple(Band(**row) for row in given["bands"])
    return {"price": round_price(given["price"], grid=grid, mode=given["mode"], side=given["side"])}


def _round_size(given: Mapping[str, Any]) -> object:
    return {"size": round_size(given["size"], lot=given["lot"], minimum=given["min"])}


def _parse_timestamp(given: Mapping[str, Any]) -> object:
    moment = parse_epoch_ms(given["ts"])
    return {"iso": None if moment is None else iso_from_epoch_ms(moment)}


def _parse_epoch_us(given: Mapping[str, Any]) -> object:
    moment = parse_epoch_us(given["ts"])
    return {"iso": None if moment is None else iso_from_epoch_us(moment)}


def _header_timestamp(given: Mapping[str, Any]) -> object:
    assert bool(header_flaws(given["timestamp"])) is not _is_header(given["timestamp"])
    return {"epoch_ms": str(epoch_ms_from_iso(given["timestamp"]))}


def _is_header(text: str) -> bool:
    try:
        epoch_ms_from_iso(text)
    except TimestampError:
        return False
    return True


def _parse_number(given: Mapping[str, Any]) -> object:
    return {"plain": plain_text(given["text"])}


def _parse_response(given: Mapping[str, Any]) -> object:
    answer = decode(given["status"], given["body"], given["headers"])
    enveloped = None if isinstance(answer, Http | NotJson) else answer
    items = enveloped.items if enveloped else ()
    return {
        "kind": answer.kind,
        "code": enveloped.code if enveloped else None,
        "items": [{"code": item.code, "message": item.message} for item in items],
        # Sent again as it is, without asking what became of the first one.
        "retryable": answer.retry is Retry.AFTER_WAIT,
    }


OPERATIONS = {
    "round_price": _round_price,
    "round_size": _round_size,
    "parse_timestamp": _parse_timestamp,
    "parse_epoch_us": _parse_epoch_us,
    "header_timestamp": _header_timestamp,
    "parse_number": _parse_number,
    "parse_response": _parse_response,
}


@pytest.mark.parametrize("op", sorted(OPERATIONS))
def test_okxdoctor_gives_what_the_vectors_expect(op: str) -> None:
    vectors = [vector for vector in VECTORS if vector.op == op]
    assert vectors
    differing = {vector.id: (_outcome(vector), vector.data["expect"]) for vector in vectors}
    assert {id: pair for id, pair in differing.items() if pair[0] != pair[1]} == {}


def _outcome(vector: Vector) -> object:
    """The output, or None where the input is refused."""
    try:
        return OPERATIONS[vector.op](vector.data["input"])
    except (PrecisionError, TimestampError):
        return None


def test_refused_inputs_are_exactly_the_must_fail_ones() -> None:
    for vector in VECTORS:
        assert (vector.data["expect"] is None) == (not vector.valid), vector.id
        if vector.valid:
            assert _outcome(vector) is not None, vector.id


def test_every_operation_of_the_files_is_tested() -> None:
    assert {vector.op for vector in VECTORS} == set(OPERATIONS)


def test_expected_prices_are_on_the_grid_by_fractions(oracle: ModuleType) -> None:
    for vector in VECTORS:
        if vector.op != "round_price" or not vector.valid:
            continue
        given = vector.data["input"]
        rows = given.get("bands") or [{"max": "", "tick": given["tick"]}]
        bands = [(Fraction(row["max"]) if row["max"] else None, Fraction(row["tick"])) for row in rows]
        price, result = Fraction(given["price"]), Fraction(vector.data["expect"]["price"])
        assert oracle.on_grid(result, bands), vector.id
        direction = {"passive": "down" if given["side"] == "buy" else "up"}.get(given["mode"], given["mode"])
        assert direction != "down" or result <= price, vector.id
        assert direction != "up" or result >= price, vector.id
