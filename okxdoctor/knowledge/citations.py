"""What a source names by a number of this project, as places that a reader can open.

Failures of the field have numbers here (``FF-024``) so that a case, a fault and a cause can speak of the same one. To
a reader they mean nothing: what is shown are the public reports behind them, from ``data/reports.toml``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import zip_longest
from types import MappingProxyType

from okxdoctor.knowledge import store

MOST = 3
"""As many reports are shown of one source; they are examples, not a count."""

_NUMBER = r"FF-(\d{3})(?: to FF-(\d{3}))?"
_NUMBERS = re.compile(rf"{_NUMBER}(?:, {_NUMBER})*")
_THREAD = re.compile(r"[\w.-]+/[\w.-]+#\d+")


@cache
def reports() -> Mapping[str, tuple[str, ...]]:
    """The public places of each failure by its number: threads as ``owner/repository#number``, else words."""
    return MappingProxyType({number: tuple(places) for number, places in store.from_toml("reports.toml").items()})


def cited(source: str) -> str:
    """`source` with every run of numbers ("FF-041 to FF-043, FF-049") replaced by the reports behind them.

    Raises KeyError for a number that no failure has.
    """
    return _NUMBERS.sub(lambda run: _shown(tuple(_each(run.group()))), source)


def _each(run: str) -> Iterator[str]:
    for first, last in re.findall(_NUMBER, run):
        for number in range(int(first), int(last or first) + 1):
            yield f"FF-{number:03d}"


def _shown(numbers: tuple[str, ...]) -> str:
    """The first place of each failure, then the second of each: no failure crowds out the others."""
    rounds = zip_longest(*(reports()[number] for number in numbers))
    places = dict.fromkeys(place for round_ in rounds for place in round_ if place is not None)
    threads = [place for place in places if _THREAD.fullmatch(place)][:MOST]
    others = [place for place in places if not _THREAD.fullmatch(place)][: 0 if threads else 1]
    plural = "s" if len(threads) > 1 else ""
    return "; ".join([*([f"report{plural} {', '.join(threads)}"] if threads else []), *others])
