"""The reference vectors as cases of the harness."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from okxdoctor.conformance.verdict import Case

_KINDS = {"sign": "sign", "ws_login": "ws", "round_price": "round", "round_size": "round"}


def vectors(ops: Sequence[str]) -> Iterator[Case]:
    """A case for each input among the vectors of these operations, every input once.

    The vectors that show a client's mistake count too: their input is one that this mistake spoils.
    """
    from okxdoctor.knowledge.vectors import load

    for op in ops:
        seen: set[str] = set()
        for vector in load(_KINDS.get(op, "parse")).vectors:
            if vector.op != op:
                continue
            given = _input(op, vector.data["input"])
            if repr(given) in seen:
                continue
            seen.add(repr(given))
            refuse = not vector.valid and vector.data["expect"] is None
            yield Case(op=op, input=given, id=vector.id, must_refuse=refuse)


def _input(op: str, given: dict[str, Any]) -> dict[str, Any]:
    return {**given, "side": given.get("side")} if op == "round_price" else given
