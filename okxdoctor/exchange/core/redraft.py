"""Answers written differently from how they are documented: pure functions on the text that goes out.

An exchange changes its answers without a new version of its API, and what stands in between may convert them. A
:class:`Redraft` is one such change: it is made to every row of the places it names, after the answer was worked out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from .protocol import Reply

How = Literal[
    "drop", "rename", "number", "text", "null", "empty", "exponent", "noise", "seconds", "microseconds", "iso", "word",
    "add", "rows-by-number", "code-as-number",
]  # fmt: skip


_CHANNEL = re.compile(r'\{"arg":\{[^}]*?"channel":"([^"]{1,64})"')
"""Pushed data, also where something has cut the message off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Redraft:
    """``field`` (at any depth of the rows) is written as ``how`` says; ``value`` is the new name or word.

    ``places``: globs over ``market/ticker`` (REST, without the prefix) and ``ws tickers`` (a channel).
    """

    places: tuple[str, ...]
    how: How
    field: str = ""
    value: str = ""

    def concerns(self, place: str) -> bool:
        """Whether answers of this place are written so."""
        return any(fnmatchcase(place, glob) for glob in self.places)


def rest(drafts: Iterable[Redraft], target: str, reply: Reply) -> Reply:
    """A good answer as it is written now; refusals keep their form."""
    place = target.partition("?")[0].removeprefix("/api/v5/")
    mine = [draft for draft in drafts if draft.concerns(place)]
    if not mine or reply.status != 200:
        return reply
    return replace(reply, body=_rewritten(mine, reply.body.decode()).encode())


def message(drafts: Iterable[Redraft], text: str) -> str:
    """A message of pushed data as it is written now; everything else stays."""
    found = _CHANNEL.match(text)
    if found is None:
        return text
    mine = [draft for draft in drafts if draft.concerns(f"ws {found[1]}")]
    return _rewritten(mine, text) if mine else text


def _rewritten(drafts: list[Redraft], text: str) -> str:
    try:
        body = json.loads(text)
    except ValueError:
        return text
    if not isinstance(body, dict) or body.get("code", "0") != "0" or "data" not in body:
        return text
    for draft in drafts:
        match draft.how:
            case "rows-by-number":
                body["data"] = {str(at): row for at, row in enumerate(body["data"])}
            case "code-as-number":
                body["code"] = int(body.get("code", "0"))
            case _:
                _each_object(body["data"], draft)
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False)


def _each_object(value: Any, draft: Redraft) -> None:
    if isinstance(value, list):
        for inner in value:
            _each_object(inner, draft)
    elif isinstance(value, dict):
        for inner in tuple(value.values()):
            _each_object(inner, draft)
        _redraw(draft, value)


def _redraw(draft: Redraft, row: dict[str, Any]) -> None:
    if draft.how == "add":
        row[draft.field] = draft.value
        return
    if draft.field not in row:
        return
    value = row[draft.field]
    match draft.how:
        case "drop":
            del row[draft.field]
        case "rename":
            # In its place, as a renamed column would come.
            items = [(draft.value if name == draft.field else name, kept) for name, kept in row.items()]
            row.clear()
            row.update(items)
        case "null":
            row[draft.field] = None
        case "empty":
            row[draft.field] = ""
        case "word":
            row[draft.field] = draft.value
        case "text":
            row[draft.field] = str(value)
        case _:
            row[draft.field] = _otherwise(draft.how, value)


def _otherwise(how: str, value: object) -> object:
    """A number or an instant in another form; what is neither stays."""
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return value
    match how:
        case "number":
            return int(number) if number == number.to_integral_value() else float(number)
        case "exponent":
            return f"{number.normalize():E}"
        case "noise":
            return f"{float(number):.17g}"
        case "seconds":
            return str(int(number) // 1000)
        case "microseconds":
            return str(int(number) * 1000)
        case "iso":
            return datetime.fromtimestamp(int(number) / 1000, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"
        case _:
            return value
