"""Whether a host name is one of the exchange's, and which of them it was probably meant to be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

# The embedded exchange answers for the public names under .test, a top-level domain that cannot exist (RFC 6761).
_EMBEDDED, _PUBLIC = ".test", ".com"


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """``published`` host names; ``retired`` ones with the name that took their place ("" none known)."""

    published: tuple[str, ...]
    retired: Mapping[str, str]


@cache
def known() -> Names:
    """The names of the project's knowledge."""
    return Names(
        published=(
            "openapi.okx.com", "www.okx.com", "eea.okx.com", "my.okx.com", "us.okx.com", "app.okx.com", "tr.okx.com",
            "ws.okx.com", "wspap.okx.com", "wseea.okx.com", "wseeapap.okx.com", "wsus.okx.com", "wsuspap.okx.com",
        ),
        retired={
            "www.okex.com": "www.okx.com", "okex.com": "www.okx.com", "aws.okex.com": "openapi.okx.com",
            "aws.okx.com": "openapi.okx.com", "wsaws.okx.com": "ws.okx.com", "ws.okex.com": "ws.okx.com",
            "real.okex.com": "ws.okx.com", "wspap.okex.com": "wspap.okx.com", "www.okex.me": "www.okx.com",
        },
    )  # fmt: skip


def _public_form(name: str) -> tuple[str, str]:
    """The name under its public domain, and the ending that gives it back its own form."""
    plain = name.rstrip(".").lower()
    if plain.endswith(_EMBEDDED):
        return plain.removesuffix(_EMBEDDED) + _PUBLIC, _EMBEDDED
    return plain, _PUBLIC


def _own_form(name: str, ending: str) -> str:
    return name.removesuffix(_PUBLIC) + ending if ending == _EMBEDDED else name


def is_published(name: str) -> bool:
    return _public_form(name)[0] in known().published


def successor(name: str) -> str | None:
    """The present name of a retired one, "" where none is known; None when the name is not retired."""
    public, ending = _public_form(name)
    found = known().retired.get(public)
    if found is None and public.rpartition(".")[0].rpartition(".")[2] == "okex":
        # Every name of the brand before 2022, also those that no list has.
        same = public.removesuffix(".com").removesuffix(".okex") + ".okx.com"
        found = same if same in known().published else ""
    return None if found is None else _own_form(found, ending)


def nearest(name: str, *, within: int = 4) -> str | None:
    """The published name that the fewest edits lead to, if they are few; None when none is near."""
    public, ending = _public_form(name)
    ranked = sorted((edits(public, other), other) for other in known().published)
    distance, best = ranked[0] if ranked else (within + 1, "")
    return _own_form(best, ending) if 0 < distance <= within else None


def edits(one: str, other: str) -> int:
    """Levenshtein's distance, two neighbours swapped counting as one (optimal string alignment)."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        before, row, last = row, [i], before
        for j, b in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
    return row[-1]
