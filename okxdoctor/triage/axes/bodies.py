"""The body that was signed: another rendering of the same JSON, or nothing where something was sent, or the reverse."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import quote_plus, urlencode

from okxdoctor.triage.recipe import Step, Variant, distinct

_EMPTY = ("{}", "None", "null", "undefined", '""', "[]", "''", "nil", "NaN", "false", "0", "\n", " ", '"{}"', "b''",
          "[object Object]", "{ }", "[{}]", "()")  # fmt: skip
_MAX_PAIRS = 20_000
"""Bytes. A longer body is taken in single mistakes only."""

_MAX_RENDERED = 100_000
"""Bytes. A longer body is not written anew, which would take hundreds of times its size."""

# Numbers are kept as they are written: they travel through the JSON library as marked texts.
_OPEN, _CLOSE = "\ue000", "\ue001"
_MARKED = re.compile(r'"(?:\ue000|\\ue000)([^"]*?)(?:\ue001|\\ue001)"')


def variants(body: bytes, parameters: dict[str, str], *, pairs: bool = True) -> tuple[Variant[bytes], ...]:
    """What may have been signed where `body` was sent; `parameters` are those of the query."""
    found = [Variant(value=body)]
    found += [_one(value, done, cause) for value, done, cause in _mistakes(body, parameters)]
    if pairs and 0 < len(body) <= _MAX_PAIRS:
        for first in found[1:]:
            for value, done, cause in _afterwards(first.value):
                second = _one(value, done, cause)
                found.append(Variant(value=value, steps=(*first.steps, *second.steps)))
    return distinct(found)


def _one(value: bytes, done: str, cause: str) -> Variant[bytes]:
    should_be = "as sent" if cause == "signature.body-reserialised" or done == "left out" else "empty: nothing was sent"
    return Variant(value=value, steps=(Step(step="body", done=done, should_be=should_be, cause=cause),))


Made = tuple[bytes, str, str]


def _mistakes(body: bytes, parameters: dict[str, str]) -> Iterator[Made]:
    unsigned, rendered = "signature.body-unsigned", "signature.body-reserialised"
    if not body:
        for text in _EMPTY:
            yield text.encode(), f"the text {json.dumps(text) if text.isspace() else text}", unsigned
        for text, done in _of_parameters(parameters) if parameters else ():
            yield _utf8(text), done, unsigned
        return
    yield b"", "left out", unsigned
    for text in ("{}", "None", "null", "undefined", "[object Object]", '""', "[]"):
        yield text.encode(), f"the text {text}", unsigned
    for text, done in _renderings(body):
        yield _utf8(text), done, rendered
    for value, done in _byte_changes(body):
        yield value, done, rendered


def _of_parameters(parameters: dict[str, str]) -> Iterator[tuple[str, str]]:
    yield json.dumps(parameters, separators=(",", ":")), "the parameters as JSON"
    yield json.dumps(parameters), "the parameters as JSON with spaces"
    yield str(parameters), "the parameters as text of a Python dict"
    yield urlencode(parameters, errors="replace"), "the parameters form-encoded"


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _afterwards(body: bytes) -> Iterator[Made]:
    """What happens to a text that was already rendered in another way."""
    for value, done in _byte_changes(body):
        yield value, done, "signature.body-reserialised"


def _byte_changes(body: bytes) -> Iterator[tuple[bytes, str]]:
    yield body.strip(), "without the white space around it"
    yield body + b"\n", "with a line feed after it"
    yield body + b"\r\n", "with a line break after it"
    yield body.replace(b"/", b"\\/"), "with escaped slashes"
    yield body.replace(b"\\/", b"/"), "with plain slashes"
    yield body.replace(b" ", b""), "with every space removed"
    yield b"\xef\xbb\xbf" + body, "with a byte order mark"
    yield body.removeprefix(b"\xef\xbb\xbf"), "without the byte order mark"
    yield b"b'" + body + b"'", "as text of Python bytes"
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return
    yield json.dumps(text).encode(), "as a JSON string in itself"
    yield quote_plus(text).encode(), "form-encoded as a whole"
    yield text.replace('"', "'").encode(), "with single quotes"
    yield text.replace("\r\n", "\n").encode(), "with line feeds for line breaks"
    yield text.encode("latin-1", "replace"), "in Latin-1"
    yield text.encode("ascii", "replace"), "with ? for non-ASCII"


# ---- other renderings of the same JSON -----------------------------------------------------------------------------


def _renderings(body: bytes) -> Iterator[tuple[str, str]]:
    if len(body) > _MAX_RENDERED:
        return
    try:
        text = body.decode("utf-8-sig")
        exact = json.loads(text, parse_float=_mark, parse_int=_mark, parse_constant=_mark)
        floats = json.loads(text)
    except (ValueError, RecursionError):
        yield from _of_a_form(body)
        return
    yield from _all(exact, "")
    yield from _all(_sorted_items(exact), "with the batch sorted") if isinstance(exact, list) else ()
    yield from _all(floats, "with numbers written anew")
    yield from _all(_as_javascript(floats), "with numbers as JavaScript writes them")
    yield from _all(_numbers_as_text(exact), "with numbers as text")
    yield from _all(_text_as_numbers(exact), "with numeric texts as numbers")
    yield from _all(_without(exact, (None,)), "without null members")
    yield from _all(_without(exact, (None, "")), "without empty members")
    yield from _all([exact], "in a list")
    if isinstance(exact, list) and len(exact) == 1:
        yield from _all(exact[0], "without the list around it")
    yield str(floats), "as text of a Python dict"
    yield str(_texts(floats)), "as text of a Python dict of texts"
    if isinstance(floats, dict):
        yield urlencode(floats, errors="replace"), "form-encoded"
        yield "&".join(f"{name}={value}" for name, value in floats.items()), "as name=value pairs"
        yield "&".join(f"{name}={value}" for name, value in sorted(floats.items())), "as sorted name=value pairs"


_SPACING: tuple[tuple[str, dict[str, Any]], ...] = (
    ("rendered compactly", {"separators": (",", ":")}),
    ("rendered with spaces", {"separators": (", ", ": ")}),
    ("rendered with a space after colons", {"separators": (",", ": ")}),
    ("rendered with a space after commas", {"separators": (", ", ":")}),
    ("rendered over several lines", {"indent": 2}),
    ("rendered over several lines, four deep", {"indent": 4}),
    ("rendered over several lines with tabs", {"indent": "\t"}),
)


def _all(value: Any, note: str) -> Iterator[tuple[str, str]]:
    """Every usual rendering of one value."""
    for in_order in (True, False):
        for spacing, form in _SPACING:
            for ascii_only in (False, True):
                try:
                    text = json.dumps(value, ensure_ascii=ascii_only, sort_keys=not in_order, **form)
                except (TypeError, ValueError, RecursionError):
                    continue
                text = _MARKED.sub(lambda hit: hit[1], text)
                parts = [*([note] if note else []), *([] if in_order else ["with sorted names"]), spacing]
                done = ", ".join([*parts, *(["with escapes for non-ASCII"] if ascii_only else [])])
                yield text, done
                if spacing == "rendered compactly":
                    yield from _escaped(text, done)


_UPPER_ESCAPE = re.compile(r"\\u[0-9a-f]{4}")
_HTML = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}
_GSON = {**_HTML, "=": "\\u003d", "'": "\\u0027"}


def _escaped(text: str, done: str) -> Iterator[tuple[str, str]]:
    """Escapes that JSON writers of other languages add."""
    yield text.replace("/", "\\/"), f"{done} and slashes escaped"
    yield _UPPER_ESCAPE.sub(lambda hit: f"\\u{hit.group()[2:].upper()}", text), f"{done}, in upper-case hexadecimal"
    yield "".join(_HTML.get(c, c) for c in text), f"{done}, <, > and & escaped as Go does"
    yield "".join(_GSON.get(c, c) for c in text), f"{done}, <, >, &, = and ' escaped as Gson does"


def _as_javascript(value: Any) -> Any:
    """Numbers as JSON.stringify writes them: 1.0 is 1, and exponents begin below 1e-6 and from 1e21 on."""
    match value:
        case float():
            return _mark(_javascript_number(value))
        case list():
            return [_as_javascript(item) for item in value]
        case dict():
            return {name: _as_javascript(item) for name, item in value.items()}
        case _:
            return value


def _javascript_number(value: float) -> str:
    if value - value != 0:
        return "null"
    if value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    text = repr(value)
    mantissa, e, exponent = text.partition("e")
    if not e:
        return text
    if int(exponent) >= -6:
        return format(Decimal(text), "f")
    return f"{mantissa}e{int(exponent):+d}"


def _mark(text: str) -> str:
    return f"{_OPEN}{text}{_CLOSE}"


def _is_number(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(_OPEN)


def _numbers_as_text(value: Any) -> Any:
    match value:
        case str() if _is_number(value):
            return value[1:-1]
        case list():
            return [_numbers_as_text(item) for item in value]
        case dict():
            return {name: _numbers_as_text(item) for name, item in value.items()}
        case _:
            return value


_NUMERIC = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")


def _text_as_numbers(value: Any) -> Any:
    match value:
        case str() if _NUMERIC.fullmatch(value):
            return _mark(value)
        case list():
            return [_text_as_numbers(item) for item in value]
        case dict():
            return {name: _text_as_numbers(item) for name, item in value.items()}
        case _:
            return value


def _without(value: Any, dropped: tuple[Any, ...]) -> Any:
    match value:
        case list():
            return [_without(item, dropped) for item in value]
        case dict():
            return {name: _without(item, dropped) for name, item in value.items() if item not in dropped}
        case _:
            return value


def _texts(value: Any) -> Any:
    match value:
        case list():
            return [_texts(item) for item in value]
        case dict():
            return {name: _texts(item) for name, item in value.items()}
        case _:
            return str(value)


def _sorted_items(value: list[Any]) -> list[Any]:
    return sorted(value, key=lambda item: json.dumps(item, sort_keys=True))


def _of_a_form(body: bytes) -> Iterator[tuple[str, str]]:
    """A form-encoded body: what was signed is likely the JSON of the same members."""
    try:
        text = body.decode("ascii")
    except UnicodeDecodeError:
        return
    if "=" not in text or len(text) > _MAX_PAIRS:
        return
    from urllib.parse import parse_qsl

    members = dict(parse_qsl(text, keep_blank_values=True))
    if not members:
        return
    yield from _all(members, "as JSON")
    yield str(members), "as text of a Python dict"
