"""What a value of a parameter is as text: booleans as in JSON, lists in the conventions of clients.

OKX documents lists as one text with commas (`ccy=BTC,ETH`) and no value of another type. What a client makes of a list
in its own language is therefore its own convention: one text with commas, the name repeated, the name with brackets,
JSON. Each of them carries every item in its order, so none is wrong here; that the signature covers what was written
is judged elsewhere. A text that only the client's own language reads (`['BTC', 'ETH']`) is noted, items that are lost
are a failure.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote_to_bytes

Pairs = list[tuple[str, str]]
Params = Sequence[Sequence[Any]]
Writer = Callable[[str, Sequence[str]], Pairs]


def text_of(value: Any) -> str:
    """A value as it is sent: booleans as in JSON."""
    if value is True:
        return "true"
    if value is False:
        return "false"
    return str(value)


def read(query: str) -> Pairs:
    """The query as a server reads it: empty pieces ignored, a piece without `=` has an empty value."""
    pairs = []
    for piece in query.split("&"):
        if piece:
            name, _, value = piece.partition("=")
            pairs.append((decoded(name.replace("+", " ")), decoded(value.replace("+", " "))))
    return pairs


def decoded(text: str) -> str:
    return unquote_to_bytes(text).decode("utf-8", "backslashreplace")


def with_commas(name: str, items: Sequence[str]) -> Pairs:
    """One text with commas: the one form of a list that OKX documents."""
    return [(name, ",".join(items))]


CONVENTIONS: Mapping[str, Writer] = {
    "joined by commas": with_commas,
    "as repeated names": lambda name, items: [(name, item) for item in items],
    "with [] after repeated names": lambda name, items: [(f"{name}[]", item) for item in items],
    "with numbers after repeated names": lambda name, items: [
        (f"{name}[{place}]", item) for place, item in enumerate(items)
    ],
    "as JSON": lambda name, items: [(name, json.dumps(list(items), separators=(",", ":"), ensure_ascii=False))],
}
"""Ways to write a list that carry its items to any server that knows the way."""

OWN_TEXTS: Mapping[str, Writer] = {
    "as text of a Python list": lambda name, items: [(name, str(list(items)))],
    "as text of a Python tuple": lambda name, items: [(name, str(tuple(items)))],
    "as text of a Go slice": lambda name, items: [(name, f"[{' '.join(items)}]")],
    "as text of a Java list": lambda name, items: [(name, f"[{', '.join(items)}]")],
    "joined by semicolons": lambda name, items: [(name, ";".join(items))],
    "joined by bars": lambda name, items: [(name, "|".join(items))],
    "joined by spaces": lambda name, items: [(name, " ".join(items))],
    "joined by commas and spaces": lambda name, items: [(name, ", ".join(items))],
}
"""Texts that still hold the items, which no server is known to read."""


_ALL: tuple[tuple[str, Writer], ...] = (
    *CONVENTIONS.items(),
    ("as JSON", lambda name, items: [(name, json.dumps(list(items), ensure_ascii=False))]),
    ("as JSON", lambda name, items: [(name, json.dumps(list(items), separators=(",", ":")))]),
    ("as JSON", lambda name, items: [(name, json.dumps(list(items)))]),
    *OWN_TEXTS.items(),
)


def has_list(params: Params | None) -> bool:
    return any(isinstance(value, (list, tuple)) for _, value in params or ())


def written(params: Params | None, write: Writer) -> Pairs:
    """What was asked for, nulls left out, each list written in one way."""
    made: Pairs = []
    for name, value in params or ():
        if isinstance(value, (list, tuple)):
            made += write(name, [text_of(item) for item in value])
        elif value is not None:
            made.append((name, text_of(value)))
    return made


def asked(params: Params | None, sent: Pairs) -> tuple[Pairs, str]:
    """What was asked for, its lists written in the way that comes closest to ``sent``, and the name of that way.

    The name is "" without lists. Of ways that are equally close the first of `CONVENTIONS` is taken.
    """
    if not has_list(params):
        return written(params, with_commas), ""
    candidates = [(written(params, write), name) for name, write in _ALL]
    return max(candidates, key=lambda candidate: _closeness(candidate[0], sent))


def _closeness(made: Pairs, sent: Pairs) -> tuple[bool, float, float]:
    names = _common([name for name, _ in made], [name for name, _ in sent])
    return made == sent, _common(made, sent), names


def _common(one: Sequence[Any], other: Sequence[Any]) -> float:
    """How much two collections share, without regard to order: 0 to 1."""
    shared = (Counter(one) & Counter(other)).total()
    return 2 * shared / (len(one) + len(other)) if one or other else 1.0


def lost_items(params: Params | None, sent: Pairs) -> bool:
    """Whether some items of a list arrive and others of it do not."""
    texts = [value for _, value in sent]
    for _, value in params or ():
        if isinstance(value, (list, tuple)):
            arrived = [any(text_of(item) in text for text in texts) for item in value if item != ""]
            if any(arrived) and not all(arrived):
                return True
    return False


def ways(params: Params | None) -> Iterator[tuple[str, Pairs]]:
    """The parameters with their lists in every way that is known; nothing where there is no list.

    Without a list those that a client had before: a name that is repeated, a text with commas.
    """
    lists = params if has_list(params) else _folded(params or ())
    if has_list(lists):
        full = any(len(value) for _, value in lists or () if isinstance(value, (list, tuple)))
        for name, write in (*CONVENTIONS.items(), *OWN_TEXTS.items()):
            yield f"with lists {name}" if full else "with an empty list", written(lists, write)


def _folded(params: Params) -> Params:
    found: dict[str, list[Any]] = {}
    for name, value in params:
        if value is not None:
            items = value.split(",") if isinstance(value, str) else [value]
            found.setdefault(str(name).removesuffix("[]"), []).extend(items)
    return [(name, items if len(items) > 1 else items[0]) for name, items in found.items()]
