"""What this process did on the wire: the own side of every rate-limit question."""

from __future__ import annotations

import re

from okxdoctor.port import LedgerRow

# The envelope's own code stands at the top level, and in practice at the very start or the very end of the
# text; a megabyte of instruments is not parsed only to read it.
_CODE = re.compile(r'"code"\s*:\s*"(\w{1,8})"')
_EDGE = 400


class Ledger:
    """Counts connections and requests of one run, and keeps a row for each request."""

    def __init__(self) -> None:
        self.connections = 0
        self._rows: list[LedgerRow] = []

    def connected(self) -> int:
        """One more TCP connection stands; returns its number in this run, from 1."""
        self.connections += 1
        return self.connections

    def sent(self, row: LedgerRow) -> None:
        self._rows.append(row)

    @property
    def requests(self) -> int:
        return len(self._rows)

    def rows(self) -> tuple[LedgerRow, ...]:
        return tuple(self._rows)


def scope_of(method: str, path: str) -> str:
    """What the budget of this endpoint is counted by, ``""`` where the knowledge has no row for it."""
    from okxdoctor import knowledge

    find = getattr(knowledge, "endpoint", None)
    row = find(method, path.partition("?")[0]) if find else None
    return str(row.scope) if row is not None else ""


def envelope_code(body: str) -> str:
    """The ``code`` of an OKX envelope, ``""`` where the text holds none."""
    if len(body) > 2 * _EDGE:
        body = f"{body[:_EDGE]} {body[-_EDGE:]}"
    match = _CODE.search(body)
    return match.group(1) if match else ""
