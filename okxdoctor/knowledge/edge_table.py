"""Edges: content networks, firewalls and load balancers that answer in a service's place (`data/edges.toml`)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from okxdoctor.knowledge import store


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """`headers`: names in lower case and how their values begin, in lower case; "" any. `words`: None where its pages
    have none of their own."""

    name: str
    headers: Mapping[str, str]
    words: re.Pattern[str] | None
    source: str
    seen: str
    grade: str

    def answers(self, headers: Mapping[str, str], page: str) -> bool:
        """Whether an answer with these headers (names in lower case) and this text came through it."""
        if any(name in headers and headers[name].lower().startswith(begin) for name, begin in self.headers.items()):
            return True
        return self.words is not None and self.words.search(page) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """How an edge says that it asks for a proof: by a header, or by the path of a Location."""

    headers: tuple[str, ...]
    locations: tuple[str, ...]


@cache
def edges() -> tuple[Edge, ...]:
    return tuple(
        Edge(**{**row, "words": re.compile(row["words"], re.IGNORECASE) if row["words"] else None})
        for row in store.from_toml("edges.toml")["edge"]
    )


@cache
def challenge() -> Challenge:
    row = store.from_toml("edges.toml")["challenge"]
    return Challenge(headers=tuple(row["headers"]), locations=tuple(row["locations"]))


def edge_of(headers: Mapping[str, str], page: str) -> str:
    """The name of the edge that an answer came through, "" for none that is known."""
    return next((edge.name for edge in edges() if edge.answers(headers, page)), "")


def challenged(headers: Mapping[str, str]) -> str:
    """With what an edge asks for a proof (`challenge`, `captcha`, a path to sign in), "" where it does not."""
    asks = challenge()
    by_header = next((headers[name] for name in asks.headers if headers.get(name)), "")
    location = headers.get("location", "")
    return by_header or next((path for path in asks.locations if path in location), "")
