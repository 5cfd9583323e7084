"""Which judge grades which case, and the one call that grades: a case and traces in, a grade out. Total."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from okxdoctor.conformance.client.cases import Case, Limits
from okxdoctor.conformance.client.grade import Grade, not_exercised
from okxdoctor.conformance.client.judges import (
    answers,
    liveness,
    orders,
    outcomes,
    pace,
    recovery,
    requests,
    sockets,
    trust,
)
from okxdoctor.conformance.client.judges.common import Judge
from okxdoctor.conformance.client.trace import Trace

JUDGES: dict[str, Judge] = {
    **requests.JUDGES,
    **orders.JUDGES,
    **sockets.JUDGES,
    **liveness.JUDGES,
    **answers.JUDGES,
    **pace.JUDGES,
    **outcomes.JUDGES,
    **recovery.JUDGES,
    **trust.JUDGES,
}


def judge(case: Case, traces: Sequence[Trace], limits: Limits) -> Grade:
    """The grade of one case over the rounds that it speaks of."""
    seen = tuple(trace for trace in traces if any(fnmatchcase(trace.name, pattern) for pattern in case.rounds))
    if not seen:
        return not_exercised("no round that could show it was played")
    healthy = next((trace for trace in traces if trace.name == "healthy"), None)
    return JUDGES[case.judge](case, seen, healthy, limits)
