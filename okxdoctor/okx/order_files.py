"""Files of orders: JSON (one object or a list), JSON Lines, or CSV with a line of field names. Pure.

Operations of the WebSocket (``{"op":"order","args":[…]}``) count as the orders in them.

An order keeps the text in which it stands, because the way a number is written is part of what is judged: only CSV,
which knows no types, is written out as JSON texts. Rules of orders are not applied here; what is refused here cannot be
read as orders at all, and the problem says in which line.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator

from okxdoctor.okx import json_text
from okxdoctor.okx.order_wire import wire_rules
from okxdoctor.trading_facts import OrderDraft

LARGEST_BYTES = 2_000_000
MOST_ORDERS = 1_000
_SPACE = " \t\r\n"
# Numbers stay text: nothing is computed from them here, and an integer of a million digits costs nothing.
_DECODER = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)


class OrderFileProblem(Exception):
    """A file that holds no orders. The text is one clear line, and ``line`` where in the file it is (0: nowhere)."""

    def __init__(self, says: str, line: int = 0) -> None:
        super().__init__(says)
        self.says = says
        self.line = line


def read_orders(content: bytes, name: str) -> tuple[OrderDraft, ...]:
    """The orders of a file called ``name``, in their order. Raises OrderFileProblem."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise OrderFileProblem("is not UTF-8", content.count(b"\n", 0, error.start) + 1) from None
    if "\x00" in text:
        raise OrderFileProblem("is no text", text.count("\n", 0, text.index("\x00")) + 1)
    found: list[OrderDraft] = []
    source = _from_json(text) if text.lstrip()[:1] in ("{", "[") else _from_csv(text)
    for line, wire in source:
        if len(found) == MOST_ORDERS:
            raise OrderFileProblem(f"has more than {MOST_ORDERS} orders", line)
        found.append(OrderDraft(file=name, line=line, wire=wire))
    if not found:
        raise OrderFileProblem("holds no order")
    return tuple(found)


# ---- JSON, JSON Lines ----------------------------------------------------------------------------


def _from_json(text: str) -> Iterator[tuple[int, str]]:
    """Objects one after the other, or one list of them."""
    at = _skip(text, 0)
    if text[at] == "[":
        yield from _from_list(text, at + 1)
        return
    while at < len(text):
        end = _object_end(text, at)
        inside = _arguments(text, at)
        if inside is None:
            yield _line(text, at), text[at:end]
        else:
            yield from (
                (_line(text, inside) + line - 1, wire) for line, wire in _from_list(text[inside:end], 1, inside=True)
            )
        at = _skip(text, end)


def _arguments(text: str, at: int) -> int | None:
    """Where the list ``args`` begins in the object at ``at``, if that is an operation of the WebSocket."""
    at = _skip(text, at + 1)
    seen: dict[str, int] = {}
    while text[at] == '"':
        name, at = _DECODER.raw_decode(text, at)
        at = _skip(text, _skip(text, at) + 1)
        seen[name] = at
        _, at = _DECODER.raw_decode(text, at)
        at = _skip(text, _skip(text, at) + 1) if text[_skip(text, at)] == "," else _skip(text, at)
    found = seen.get("args")
    return found if found is not None and "op" in seen and text[found] == "[" else None


def _from_list(text: str, at: int, *, inside: bool = False) -> Iterator[tuple[int, str]]:
    """The objects of the list whose first member is at ``at``; ``inside``: more of another value follows it."""
    at = _skip(text, at)
    first = True
    while text[at : at + 1] != "]":
        if not first:
            if text[at : at + 1] != ",":
                raise OrderFileProblem("is not JSON: a comma or the end of the list is missing", _line(text, at))
            at = _skip(text, at + 1)
        first = False
        end = _object_end(text, at)
        yield _line(text, at), text[at:end]
        at = _skip(text, end)
    rest = _skip(text, at + 1)
    if rest < len(text) and not inside:
        raise OrderFileProblem("is not JSON: something follows the list", _line(text, rest))


def _object_end(text: str, at: int) -> int:
    """Where the object that begins at ``at`` ends."""
    if text[at : at + 1] != "{":
        raise OrderFileProblem("an order must be a JSON object", _line(text, at))
    try:
        _, end = _DECODER.raw_decode(text, at)
    except json.JSONDecodeError as error:
        # What is not closed is missed at the end of the file, and begins where it begins.
        cut = not text[error.pos :].strip()
        line = _line(text, at) if cut else error.lineno
        raise OrderFileProblem(f"is not JSON: {'it is not closed' if cut else error.msg}", line) from None
    except RecursionError:
        raise OrderFileProblem("is nested too deep", _line(text, at)) from None
    value = json_text.read(text[at:end])
    if isinstance(value, json_text.Unreadable):
        detail = f" ({value.detail[:60]})" if value.detail else ""
        raise OrderFileProblem(f"{value.trouble.value}{detail}", _line(text, at))
    return end


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in _SPACE:
        at += 1
    return at


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


# ---- CSV -----------------------------------------------------------------------------------------


def _from_csv(text: str) -> Iterator[tuple[int, str]]:
    """Rows as orders: every cell a text, an empty cell no member."""
    head = next((line for line in text.splitlines() if line.strip()), "")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(head), strict=True)
    names: list[str] = []
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise OrderFileProblem(f"is no CSV: {error}", max(line, reader.line_num)) from None
        cells = [cell.strip() for cell in row]
        if not any(cells):
            continue
        if not names:
            names = _names(cells, line)
            continue
        if len(cells) > len(names):
            raise OrderFileProblem(f"has {len(cells)} cells under {len(names)} names", line)
        order = {name: cell for name, cell in zip(names, cells, strict=False) if cell and name}
        yield line, json.dumps(order, ensure_ascii=False)


def _names(cells: list[str], line: int) -> list[str]:
    rules = wire_rules()
    if not any(name in rules.members or name in rules.meant or name.lower() == "instid" for name in cells):
        raise OrderFileProblem(
            "is neither JSON nor CSV with the names of an order's fields in the first line (instId,tdMode,side,…)", line
        )
    repeated = next((name for name in cells if name and cells.count(name) > 1), None)
    if repeated is not None:
        raise OrderFileProblem(f"names the column {repeated[:40]!r} twice", line)
    return cells


def _delimiter(head: str) -> str:
    return max(",;\t", key=head.count)
