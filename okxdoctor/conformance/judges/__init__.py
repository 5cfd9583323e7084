"""The judges: for each operation one pure function from input and answer to a failure or None.

None of them uses the signing, rounding or parsing code of this package; what must hold is written down a second time,
in other terms (`fractions`, the standard library's HMAC), so that the two can contradict each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from okxdoctor.conformance.judges import answers, login, rounding, signing, times
from okxdoctor.conformance.judges.values import has_list
from okxdoctor.conformance.protocol import Answer, Output, Refused, Skipped
from okxdoctor.conformance.verdict import Case, Failure

__all__ = ["judge"]

_JUDGES: Mapping[str, Callable[[Mapping[str, Any], Any], Failure | None]] = {
    "sign": signing.judge,
    "ws_login": login.judge,
    "round_price": rounding.judge_price,
    "round_size": rounding.judge_size,
    "parse_timestamp": times.judge,
    "parse_response": answers.judge,
}
_NOT_REFUSED: Mapping[str, Callable[[Mapping[str, Any], Any], Failure]] = {
    "round_price": rounding.not_refused,
    "round_size": rounding.not_refused,
    "parse_timestamp": times.not_refused,
}


def judge(case: Case, answer: Answer) -> Failure | None:
    """What is wrong with an answer. A skipped call is neither right nor wrong: None."""
    failure = _judged(case, answer)
    if failure is not None and _beyond_what_is_given_out(case):
        return replace(failure, level="should")
    return failure


def _beyond_what_is_given_out(case: Case) -> bool:
    """Whether the input is one that no account of OKX gives rise to: a secret beyond ASCII, a login at a fraction of
    a second, zeros before a time. Worth a note, and no reason to fail anyone."""
    given = case.input
    match case.op:
        case "sign":
            return not given["secret"].isascii()
        case "ws_login":
            return not given["secret"].isascii() or "." in given["epoch_s"]
        case "parse_timestamp":
            return len(given["ts"]) > 1 and given["ts"].startswith("0")
    return False


def _may_be_refused(case: Case) -> list[str]:
    """Why an implementation may well refuse the input instead of sending it: control characters in a parameter, a
    value that is no text."""
    pairs = case.input.get("params") or () if case.op == "sign" else ()
    reasons = []
    if any(not isinstance(value, str) for _, value in pairs):
        reasons.append(" with a parameter that is no text")
    if any(c < " " or c == "\x7f" for name, value in pairs for c in f"{name}{value}"):
        reasons.append(" with a control character")
    return reasons


def _judged(case: Case, answer: Answer) -> Failure | None:
    match answer:
        case Skipped():
            return None
        case Refused(text=text):
            # A client whose parameters are texts may say so: no endpoint of OKX takes a list in its query.
            if case.must_refuse or (case.op == "sign" and has_list(case.input.get("params"))):
                return None
            reasons = _may_be_refused(case)
            if len(reasons) > 1:
                # Nobody knows which of them it was; each is asked for alone as well.
                return None
            why = "".join(reasons)
            return Failure(
                level="should" if why else "must",
                code="adapter.error",
                mistake=f"{case.op} refused a valid input{why}",
                summary=f"{case.op} ended in an error for a valid input{why}",
                compares="answer",
                expected="an output",
                actual=f"error: {text}",
            )
        case Output(value=value):
            if case.must_refuse:
                return _NOT_REFUSED[case.op](case.input, value)
            return _JUDGES[case.op](case.input, value)
