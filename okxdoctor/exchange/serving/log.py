"""The wire log: what arrived and what was answered, without anything secret."""

from __future__ import annotations

import itertools
from collections import deque
from dataclasses import asdict, dataclass

SECRET_HEADERS = frozenset(
    {"ok-access-sign", "ok-access-passphrase", "ok-access-key", "authorization", "proxy-authorization", "cookie"}
)
KEPT = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One exchange of bytes.

    ``kind``: ``rest``, ``ws-open``, ``ws-in``, ``ws-out``, ``ws-close``. ``at_ms`` is virtual time. ``detail`` is
    the code of the answer, or a shortened text; login messages are not kept.
    """

    number: int
    at_ms: int
    kind: str
    site: str
    peer: str
    method: str = ""
    target: str = ""
    status: int = 0
    detail: str = ""
    headers: tuple[str, ...] = ()
    """Names of the request's headers, lower case."""


class WireLog:
    """The last ``KEPT`` entries, oldest first; safe to read from another thread."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=KEPT)
        self._numbers = itertools.count(1)
        self.defects: list[str] = []
        """Errors of the exchange itself: none, unless something is wrong with it."""

    def add(self, *, at_ms: int, kind: str, site: str, peer: str, method: str = "", target: str = "", status: int = 0,
            detail: str = "", headers: tuple[str, ...] = ()) -> None:  # fmt: skip
        self._entries.append(
            Entry(
                number=next(self._numbers),
                at_ms=at_ms,
                kind=kind,
                site=site,
                peer=peer,
                method=method,
                target=target,
                status=status,
                detail=detail,
                headers=headers,
            )
        )

    def entries(self, after: int = 0) -> tuple[Entry, ...]:
        """Entries whose number is above ``after``."""
        return tuple(entry for entry in tuple(self._entries) if entry.number > after)

    def clear(self) -> None:
        self._entries.clear()

    def as_json(self, after: int = 0) -> list[dict[str, object]]:
        return [asdict(entry) for entry in self.entries(after)]
