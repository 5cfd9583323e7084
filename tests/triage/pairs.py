"""Two mistakes in one request, composed of those that the reference vectors show one at a time.

What such a client sends is computed by the openssl program. A pair counts where both mistakes show: where one alone
gives the same header and signature, the other left no trace and nobody could name it.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

VECTORS = Path(__file__).parents[1] / "vectors"


@dataclass(frozen=True)
class Pair:
    """One request with two mistakes. `causes` are the names that a right diagnosis gives."""

    what: str
    causes: frozenset[str]
    steps: tuple[str, ...]
    secret: str
    timestamp: str
    method: str
    target: str
    body: str
    sign: str
    login: bool


@contextmanager
def _beside() -> Iterator[None]:
    """The modules of the vector generator find each other by bare names."""
    sys.path.insert(0, str(VECTORS))
    try:
        yield
    finally:
        sys.path.remove(str(VECTORS))


def _generator() -> tuple[Any, Any, Any]:
    with _beside():
        import generate  # type: ignore[import-not-found]
        import login_cases  # type: ignore[import-not-found]
        import signing_mistakes  # type: ignore[import-not-found]
    return generate, signing_mistakes, login_cases


def _hopeless(mistake: Any) -> bool:
    """Another key's secret, and a header that holds no digest: beside these nothing else leaves a trace."""
    return mistake.cause == "signature.unexplained" or mistake.wrong in (
        "the text of a promise",
        "the text of an object",
    )


_WRITTEN = ("signature.encoding", "signature.not-text", "signature.digest", "signature.secret-altered")


def _both(right: Any, a: Any, b: Any) -> Any:
    """Both mistakes, in whichever order they can follow each other; None where they cannot."""
    for first, second in ((a, b), (b, a)):
        try:
            return second.apply(first.apply(right))
        except (ValueError, KeyError):  # no JSON to render any more, no hexadecimal to decode
            continue
    return None


def pairs(amount: int | None, seed: int = 1) -> list[Pair]:
    """Pairs of mistakes in the requests and logins that the vectors use, a random `amount` of them (None: all)."""
    generate, mistakes, logins = _generator()
    composed: list[tuple[Any, Any, Any, Any, bool]] = []
    rest = [m for m in mistakes.mistakes() if not _hopeless(m)]
    for base in mistakes.bases():
        right = mistakes.right_signing(base)
        composed += [(base, right, a, b, False) for a, b in combinations(rest, 2)]
    second = 1_767_225_600
    of_login = [m for m in logins.mistakes(second) if not _hopeless(m)]
    of_login += [m for m in rest if m.cause in _WRITTEN]
    login = logins.Login("", (), str(second))
    composed += [(login, logins.right_signing(login), a, b, True) for a, b in combinations(of_login, 2)]
    if amount is not None:
        composed = random.Random(seed).sample(composed, min(len(composed), amount))
    signings = []
    possible = []
    for row in composed:
        _, right, a, b, _ = row
        both = _both(right, a, b)
        if both is not None:
            possible.append(row)
            signings += [right, a.apply(right), b.apply(right), both]
    staged = generate.stages(signings)
    found = []
    for index, (_, right, a, b, is_login) in enumerate(possible):
        none, one, other, both = ((signings[4 * index + i].header, staged[4 * index + i]["sign"]) for i in range(4))
        same_place = a.step == b.step and a.cause == b.cause == "timestamp.format"
        if both in (none, one, other) or same_place:
            continue
        found.append(
            Pair(
                what=f"{a.step} {a.wrong} + {b.step} {b.wrong}",
                causes=frozenset({a.cause, b.cause}),
                steps=(a.step, b.step),
                secret=right.key.decode(),
                timestamp=both[0],
                method=right.method,
                target=right.request_path,
                body=right.body,
                sign=both[1],
                login=is_login,
            )
        )
    return found
