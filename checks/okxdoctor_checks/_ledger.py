"""The own requests of this run, counted as the exchange counts them: per endpoint, scope and window."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from okxdoctor.knowledge.budget import Budget, budget_of
from okxdoctor.port import LedgerRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """How much of one documented budget this run used at its busiest.

    ``most`` requests within some window of ``window_s``; ``refused`` of all ``sent`` were answered with 429 or 50011.
    ``bucket`` is the instrument, type or family where the budget is divided by it.
    """

    method: str
    path: str
    bucket: str
    scope: str
    limit: int
    window_s: float
    sent: int
    most: int
    refused: int

    @property
    def spent(self) -> bool:
        """At or over the limit. One request alone never is, however small the budget."""
        return self.most >= max(self.limit, 2)

    @property
    def said(self) -> str:
        return f"{self.method} {self.path}: {self.most} of {self.limit} in {self.window_s:g} s"


def path_of(request_path: str) -> str:
    """The endpoint of a request path: without its query."""
    return request_path.partition("?")[0]


def limited(row: LedgerRow) -> bool:
    """Refused for the endpoint's own budget. 50013 also comes with HTTP 429 and is not that."""
    return row.code == "50011" or (row.status == 429 and not row.code)


def usage(sent: Iterable[LedgerRow]) -> tuple[Usage, ...]:
    """The use of every documented budget that these requests touched. Endpoints without a known budget are left out."""
    groups: dict[tuple[str, str, str], list[LedgerRow]] = {}
    budgets: dict[tuple[str, str, str], Budget] = {}
    for row in sent:
        budget = budget_of(row.method, row.path)
        if budget is not None:
            key = (row.method, path_of(row.path), budget.bucket)
            groups.setdefault(key, []).append(row)
            budgets[key] = budget
    return tuple(
        Usage(
            method=method,
            path=path,
            bucket=bucket,
            scope=budget.scope,
            limit=budget.limit,
            window_s=budget.window_s,
            sent=len(rows),
            most=most_within([row.at_mono_ns for row in rows], budget.window_s),
            refused=sum(limited(row) for row in rows),
        )
        for (method, path, bucket), rows in sorted(groups.items())
        for budget in (budgets[method, path, bucket],)
    )


def most_within(times_ns: Iterable[int], window_s: float) -> int:
    """The largest number of these instants that any half-open window of this length holds."""
    ordered = sorted(times_ns)
    first = most = 0
    window_ns = round(window_s * 1e9)  # 4.041 * 1e9 is more than its nanoseconds
    for last, at in enumerate(ordered):
        while at - ordered[first] >= window_ns:
            first += 1
        most = max(most, last - first + 1)
    return most
