"""What judges share: the form of a judge, and "every one of these must hold"."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from okxdoctor.conformance.client.cases import Case, Limits
from okxdoctor.conformance.client.grade import Grade, failed, not_exercised, passed
from okxdoctor.conformance.client.trace import Call, Trace

Judge = Callable[[Case, Sequence[Trace], Trace | None, Limits], Grade]
"""Case, the traces of its rounds, the healthy trace if there is one, limits."""

Thing = TypeVar("Thing")
Check = Callable[[Trace, Thing], str | None]
"""None: does not apply; "": holds; anything else: what is wrong."""


def every(
    traces: Iterable[Trace],
    things: Callable[[Trace], Iterable[tuple[int, Thing]]],
    check: Check[Thing],
    what: str,
) -> Grade:
    """Failed with the first thing that does not hold, passed when all hold, not exercised when there is none."""
    held, wrong = 0, 0
    first: tuple[Trace, int, str] | None = None
    last: tuple[Trace, int] | None = None
    for trace in traces:
        for place, thing in things(trace):
            said = check(trace, thing)
            if said is None:
                continue
            if said:
                wrong += 1
                first = first or (trace, place, said)
            else:
                held += 1
                last = last or (trace, place)
    if first is not None:
        trace, place, said = first
        many = f" ({wrong} of {wrong + held} {what})" if wrong + held > 1 else ""
        return failed(trace, place, f"{said}{many}", wrong)
    if held and last is not None:
        return passed(held, f"{held} {what}", last[0], (last[1],))
    return not_exercised(f"no {what}")


def calls(trace: Trace) -> Iterable[tuple[int, Call]]:
    return ((call.place, call) for call in trace.calls)


def text_of(value: Any) -> str:
    """A JSON value as text: texts as they are, numbers as they print, everything else nothing."""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return str(value)
        except ValueError:  # more digits than Python converts
            return ""
    return ""


def param(case: Case, name: str, default: str = "") -> str:
    found = case.params.get(name, default)
    return found if isinstance(found, str) else default


def done_by(done: str, name: str) -> bool:
    """Whether the circumstance ``name`` is among those that made a message."""
    return name in done.split(",")


def first_done(trace: Trace, name: str) -> Call | None:
    """The first request that met the circumstance."""
    return next((call for call in trace.calls if done_by(call.done, name)), None)


def shown(text: str, most: int = 60) -> str:
    """A value of the program in a sentence."""
    return repr(text if len(text) <= most else text[: most - 1] + "…")
