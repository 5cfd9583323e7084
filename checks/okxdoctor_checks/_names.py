"""Whether a host name is one of the exchange's, and which of them it was probably meant to be."""

from __future__ import annotations

from functools import cache

from okxdoctor.knowledge import hosts

# The embedded exchange answers for the public names under .test, a top-level domain that cannot exist (RFC 6761).
_EMBEDDED, _PUBLIC = ".test", ".com"


@cache
def published() -> frozenset[str]:
    """Every host name of every site, those included that answer without being documented."""
    return frozenset(name for site in hosts().sites for name in (*site.all, *site.also_answers))


def _public_form(name: str) -> tuple[str, str]:
    """The name under its public domain, and the ending that gives it back its own form."""
    plain = name.rstrip(".").lower()
    if plain.endswith(_EMBEDDED):
        return plain.removesuffix(_EMBEDDED) + _PUBLIC, _EMBEDDED
    return plain, _PUBLIC


def _own_form(name: str, ending: str) -> str:
    return name.removesuffix(_PUBLIC) + ending if ending == _EMBEDDED else name


def is_published(name: str) -> bool:
    return _public_form(name)[0] in published()


def successor(name: str) -> str | None:
    """The present name of a retired one; None when the name is not retired."""
    public, ending = _public_form(name)
    row = hosts().retirement(public)
    return None if row is None else _own_form(row.successor, ending)


def mistaken(name: str) -> tuple[str, str] | None:
    """(the name to use, why) for a name that looks like an API host and never was one."""
    public, ending = _public_form(name)
    row = hosts().mistake(public)
    return None if row is None else (_own_form(row.use, ending), row.why)


def nearest(name: str, *, within: int = 4) -> str | None:
    """The published name that the fewest edits lead to, if they are few; None when none is near."""
    public, ending = _public_form(name)
    ranked = sorted((edits(public, other), other) for other in published())
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
