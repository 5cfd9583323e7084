"""How the parts were put together: in another order, or with something between them.

A login has a template of its own; there it is told as a wrong template.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

from okxdoctor.triage.recipe import Step

_NAMES = ("timestamp", "method", "path", "body")
_RIGHT = "timestamp, method, path, body, with nothing between them"
_BETWEEN = (("\n", "a line feed"), (" ", "a space"), ("+", "a plus sign"), ("|", "a bar"), ("&", "an ampersand"),
            (",", "a comma"), (":", "a colon"), ("-", "a hyphen"), ("", "nothing"))  # fmt: skip

AMOUNT = 24 * len(_BETWEEN) - 1
"""How many texts there are, without those that leave out empty parts."""


def arrangements(parts: tuple[bytes, bytes, bytes, bytes], cause: str) -> Iterator[tuple[bytes, Step]]:
    """Every other text that the same four parts make. Empty parts may be left out together with their separator."""
    for order in permutations(range(4)):
        for mark, name in _BETWEEN:
            if order == (0, 1, 2, 3) and not mark:
                continue
            listed = ", ".join(_NAMES[i] for i in order)
            done = f"{listed}, with {name} between them"
            step = Step(step="order", done=done, should_be=_RIGHT, cause=cause)
            chosen = [parts[i] for i in order]
            yield mark.encode().join(chosen), step
            if mark and not all(chosen):
                yield mark.encode().join(part for part in chosen if part), step
