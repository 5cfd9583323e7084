"""How many requests a log holds within the window of a rate limit: the ledger that tells one's own burst from a shared
budget. A log that holds too few of them proves nothing, because it may not hold all.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field

from okxdoctor.knowledge.endpoint_table import EndpointRow, endpoint

_REQUEST = re.compile(r"""\b(GET|POST)\b["'\s:,]{1,4}(?:https?://[^\s"'/]+)?(/api/v5/[a-z0-9/-]+)""")
MOST = 4_000
"""Moments kept for one endpoint; no documented budget is larger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    """So many requests to one endpoint within its window, at or over the documented budget."""

    method: str
    path: str
    requests: int
    limit: int
    per_seconds: int


@dataclass(slots=True)
class Ledger:
    """Moments of the requests of one file, by endpoint."""

    _moments: dict[tuple[str, str], deque[float]] = field(default_factory=dict)
    _latest: tuple[str, str] | None = None
    worst: Burst | None = None
    """The largest burst that ended in a refusal."""

    def note(self, text: str, moment: float | None) -> None:
        """A line that may tell a request."""
        hit = _REQUEST.search(text)
        if hit is None or moment is None:
            return
        self._latest = (hit[1], hit[2])
        self._moments.setdefault(self._latest, deque(maxlen=MOST)).append(moment)

    def refused(self, text: str, moment: float | None) -> None:
        """A refusal for too many requests: of the endpoint in its line, else of the latest request."""
        hit = _REQUEST.search(text)
        name = (hit[1], hit[2]) if hit else self._latest
        row = endpoint(*name) if name is not None else None
        if name is None or row is None or moment is None:
            return
        burst = self._within(name, row, moment)
        if burst.requests >= row.limit and (self.worst is None or burst.requests > self.worst.requests):
            self.worst = burst

    def _within(self, name: tuple[str, str], row: EndpointRow, moment: float) -> Burst:
        # Logs round to the second; a window may then hold requests of one second more.
        begin = moment - row.per_seconds
        sent = sum(begin < one <= moment for one in self._moments.get(name, ()))
        return Burst(method=row.method, path=row.path, requests=sent, limit=row.limit, per_seconds=row.per_seconds)
