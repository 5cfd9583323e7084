"""The grade of one case: what was seen, and where in the traces it can be looked up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from okxdoctor.conformance.client.trace import Trace

Verdict = Literal["passed", "failed", "not exercised"]
Level = Literal["must", "should"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Places of events in the trace of one round."""

    round: str
    places: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grade:
    """What a judge says about one case.

    ``says``   one sentence with the numbers
    ``times``  how often the requirement was met or missed
    ``proof``  the events that show it; never empty when failed
    """

    verdict: Verdict
    says: str = ""
    times: int = 0
    proof: Proof | None = None


def not_exercised(says: str) -> Grade:
    return Grade(verdict="not exercised", says=says)


def failed(trace: Trace, places: int | tuple[int | None, ...], says: str, times: int = 1) -> Grade:
    """A failure that the events at ``places`` of the trace prove."""
    many = (places,) if isinstance(places, int) else tuple(each for each in places if each is not None)
    return Grade(verdict="failed", says=says, times=times, proof=Proof(round=trace.name, places=many))


def passed(times: int, says: str = "", trace: Trace | None = None, places: tuple[int | None, ...] = ()) -> Grade:
    """A requirement that was met ``times`` times."""
    many = tuple(each for each in places if each is not None)
    proof = Proof(round=trace.name, places=many) if trace is not None and many else None
    return Grade(verdict="passed", says=says, times=times, proof=proof)
