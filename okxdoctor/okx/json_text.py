"""JSON as the exchange means it: whole numbers stay whole, decimals stay exact, and what cannot be read is
named.

Unlike `json.loads`: numbers never become floats, duplicate names are refused instead of the last one winning,
NaN and Infinity are refused, nesting is limited, and every failure is a value (`Unreadable`), never an
exception: a body is what a stranger sent.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, TypeAlias

Json: TypeAlias = "str | int | bool | Decimal | list[Json] | dict[str, Json] | None"

MAX_NUMBER_CHARACTERS = 400
MAX_DEPTH = 100


class Trouble(StrEnum):
    EMPTY = "empty"
    NOT_UTF8 = "not UTF-8"
    BYTE_ORDER_MARK = "starts with a byte order mark"
    HTML = "an HTML page"
    TRUNCATED = "ends in the middle"
    INVALID = "not JSON"
    TOO_DEEP = "nested too deeply"
    DUPLICATE_NAME = "an object with the same name twice"
    NUMBER_TOO_LONG = "a number too long to be meant"
    NOT_ENVELOPE = "JSON, but no envelope with a code"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """`at` is the character (for NOT_UTF8: the byte) where reading failed, None where it has no one place."""

    trouble: Trouble
    at: int | None = None
    detail: str = ""


class _Refused(Exception):
    def __init__(self, trouble: Trouble, detail: str) -> None:
        super().__init__(detail)
        self.trouble = trouble
        self.detail = detail


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _Refused(Trouble.DUPLICATE_NAME, _first_repeated(pairs)[:40])
    return made


def _first_repeated(pairs: list[tuple[str, Any]]) -> str:
    last = {name: place for place, (name, _) in enumerate(pairs)}
    return next(name for place, (name, _) in enumerate(pairs) if last[name] != place)


def _whole(text: str) -> int:
    if len(text) > MAX_NUMBER_CHARACTERS:
        raise _Refused(Trouble.NUMBER_TOO_LONG, f"{len(text)} characters")
    return int(text)


def _decimal(text: str) -> Decimal:
    if len(text) > MAX_NUMBER_CHARACTERS:
        raise _Refused(Trouble.NUMBER_TOO_LONG, f"{len(text)} characters")
    try:
        number = Decimal(text)  # exact: the constructor ignores the context's precision
    except InvalidOperation:  # an exponent of more than 18 digits
        raise _Refused(Trouble.NUMBER_TOO_LONG, "exponent") from None
    if not -MAX_NUMBER_CHARACTERS <= number.adjusted() <= MAX_NUMBER_CHARACTERS:
        raise _Refused(Trouble.NUMBER_TOO_LONG, "exponent")
    return number


def _constant(text: str) -> Any:
    raise _Refused(Trouble.INVALID, f"{text} is not JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_int=_whole, parse_float=_decimal, parse_constant=_constant)


def read_text(body: bytes) -> str | Unreadable:
    """The text of a body that claims to be JSON (always UTF-8)."""
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        return Unreadable(trouble=Trouble.NOT_UTF8, at=error.start)


def read(body: str | bytes) -> Json | Unreadable:
    """The JSON value of `body`, or why there is none. Total."""
    text = read_text(body) if isinstance(body, bytes) else body
    if isinstance(text, Unreadable):
        return text
    if not text.strip():
        return Unreadable(trouble=Trouble.EMPTY)
    if not _encodable(text):
        return Unreadable(trouble=Trouble.INVALID, detail="a lone surrogate")
    if text.startswith("\ufeff"):
        return Unreadable(trouble=Trouble.BYTE_ORDER_MARK, at=0)
    try:
        value: Json = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        return _invalid(text, error)
    except _Refused as refused:
        return Unreadable(trouble=refused.trouble, detail=refused.detail)
    except RecursionError:
        return Unreadable(trouble=Trouble.TOO_DEEP)
    # The interpreter's own limit moves with the depth of the caller; this one makes the verdict the same
    # everywhere.
    if (
        text.count("[") + text.count("{") > MAX_DEPTH
        and isinstance(value, list | dict)
        and _deeper_than(value, MAX_DEPTH)
    ):
        return Unreadable(trouble=Trouble.TOO_DEEP)
    if _SURROGATE_ESCAPE.search(text) and not _encodable(json.dumps(value, ensure_ascii=False, default=str)):
        return Unreadable(trouble=Trouble.INVALID, detail="a lone surrogate")
    return value


_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")


def _encodable(text: str) -> bool:
    """Text with a lone surrogate can be read but not written again as UTF-8, so no report could carry it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


# What a text can end in when it was cut inside a token: a literal, a number, an escape or a pair of escapes.
_CUT_TOKEN = re.compile(
    r"t|tr|tru|f|fa|fal|fals|n|nu|nul|-|\.|[eE][+-]?|\\?u?[0-9a-fA-F]{0,4}(\\(u[0-9a-fA-F]{0,4})?)?"
)


def _invalid(text: str, error: json.JSONDecodeError) -> Unreadable:
    start = text.lstrip()[:1]
    if start == "<":
        return Unreadable(trouble=Trouble.HTML, at=error.pos)
    cut = error.msg.startswith("Unterminated string") or _CUT_TOKEN.fullmatch(text[error.pos :].rstrip())
    trouble = Trouble.TRUNCATED if start in ("{", "[") and cut else Trouble.INVALID
    return Unreadable(trouble=trouble, at=error.pos, detail=error.msg)


def _deeper_than(value: list[Json] | dict[str, Json], limit: int) -> bool:
    """Whether containers nest deeper than `limit`, level by level, so without recursion of its own."""
    level: list[Any] = [value]
    for _ in range(limit):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, list | dict)
        ]
        if not level:
            return False
    return True
