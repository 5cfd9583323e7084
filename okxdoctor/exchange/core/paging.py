"""Reading of the parameters that lists have in common: ``limit``, ``after``, ``before``, ``begin``, ``end``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from .protocol import Json, bad_parameter
from .rest import Call

T = TypeVar("T")


def limit_of(call: Call, default: int = 100, most: int = 100) -> int:
    """How many rows are wanted; more than ``most`` is ``most``."""
    text = call.params.get("limit", "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit()) or int(text[:9]) < 1:
        raise bad_parameter("limit")
    return min(int(text[:9]), most)


def number_of(call: Call, name: str) -> int | None:
    """A parameter that is a whole number (an id, a time); None when it is absent."""
    text = call.params.get(name, "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit()) or len(text) > 20:
        raise bad_parameter(name)
    return int(text)


def page(
    call: Call, found: Iterable[T], row: Callable[[T], Json], *, cursor: Callable[[T], int],
    at_ms: Callable[[T], int] | None = None, most: int = 100,
) -> list[Json]:  # fmt: skip
    """One page of ``found`` (newest first): ``after`` is older, ``before`` newer, both exclusive, by ``cursor``.

    ``begin`` and ``end`` bound ``at_ms`` where the list has times of its own.
    """
    after, before, limit = number_of(call, "after"), number_of(call, "before"), limit_of(call, most, most)
    begin, end = (number_of(call, "begin"), number_of(call, "end")) if at_ms is not None else (None, None)
    rows: list[Json] = []
    for each in found:
        if (after is not None and cursor(each) >= after) or (before is not None and cursor(each) <= before):
            continue
        if at_ms is not None and (
            (begin is not None and at_ms(each) < begin) or (end is not None and at_ms(each) > end)
        ):
            continue
        rows.append(row(each))
        if len(rows) >= limit:
            break
    return rows


def page_of_rows(call: Call, found: Iterable[dict[str, Json]]) -> list[Json]:
    """One page of rows as they go out, newest first, where ``after`` and ``before`` are times (``ts``)."""
    return page(call, found, lambda row: row, cursor=lambda row: int(str(row["ts"])))


def wanted(call: Call, *names: str) -> dict[str, list[str]]:
    """The filters that are given, each as a comma list."""
    return {name: call.params[name].split(",") for name in names if call.params.get(name)}


def matches(row: dict[str, Json], filters: dict[str, list[str]]) -> bool:
    """Whether ``row`` passes all ``filters``."""
    return all(str(row.get(name, "")) in values for name, values in filters.items())
