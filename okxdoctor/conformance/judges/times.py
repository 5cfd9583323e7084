"""Judge of `parse_timestamp`: epoch milliseconds as text to ISO-8601 in UTC with three decimals; "" is absent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from okxdoctor.conformance.judges.shape import reply_failure, shown
from okxdoctor.conformance.verdict import Failure

MISREAD = "timestamp.misread"
FORMAT = "timestamp.format"

_FORM = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z")
_EPOCH = datetime(1970, 1, 1)


def judge(given: Mapping[str, Any], value: Any) -> Failure | None:
    """What is wrong with a time that was read."""
    if not isinstance(value, Mapping) or "iso" not in value:
        return reply_failure("parse_timestamp", "an object with iso, a text or null", value)
    ts, iso = given["ts"], value["iso"]
    if ts == "":
        if iso is None:
            return None
        return _failure(MISREAD, "an absent time is read as a time", "null", shown(iso))
    ms = int(ts)
    right = _iso(ms)
    if iso == right:
        return None
    if not isinstance(iso, str):
        return _failure(
            MISREAD, "a time is read as absent" if iso is None else "the time is no text", right, shown(iso)
        )
    if _FORM.fullmatch(iso) is None:
        return _failure(FORMAT, _form_mistake(iso, right), right, iso)
    return _failure(MISREAD, _mistake(ms, iso), right, iso)


def _iso(ms: int) -> str:
    seconds, rest = divmod(ms, 1000)
    return f"{(_EPOCH + timedelta(seconds=seconds)).isoformat()}.{rest:03d}Z"


def _form_mistake(iso: str, right: str) -> str:
    head = right[:-5]
    if iso in (f"{head}Z", head):
        return "milliseconds are missing"
    if re.fullmatch(r"\.[0-9]{1,2}Z?", iso[len(head) :]) and iso.startswith(head):
        return "milliseconds without their zeros"
    if re.fullmatch(r".*\.[0-9]{6}(Z|\+00:00)?", iso):
        return "microseconds instead of milliseconds"
    if iso == right[:-1]:
        return "Z is missing"
    if re.search(r"[+-][0-9]{2}:?[0-9]{2}$", iso):
        return "an offset instead of Z"
    if iso.replace(" ", "T") == right:
        return "a space instead of T"
    return "not ISO-8601 in UTC with milliseconds"


def _mistake(ms: int, iso: str) -> str:
    try:
        moment = datetime.strptime(iso, "%Y-%m-%dT%H:%M:%S.%fZ")
    except ValueError:
        return "a date that does not exist"
    since = moment - _EPOCH
    got = (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000
    if got in (ms // 1000, ms // 1000 // 1000 * 1000):
        return "milliseconds read as microseconds"
    if got == ms * 1000:
        return "milliseconds read as seconds"
    if got == ms // 1000 * 1000:
        return "milliseconds are cut off"
    if abs(got - ms) <= 2:
        return "off by a millisecond: binary floating point"
    if abs(got - ms) <= 1000:
        return "rounded to another second"
    if (got - ms) % 900_000 == 0 and abs(got - ms) <= 26 * 3_600_000:
        return "local time instead of UTC"
    return "another time"


def _failure(code: str, mistake: str, expected: str, actual: str) -> Failure:
    return Failure(
        code=code,
        mistake=mistake,
        summary=f"the time is read wrong: {mistake}",
        compares="time",
        expected=expected,
        actual=actual,
    )


def not_refused(given: Mapping[str, Any], value: Any) -> Failure:
    """The failure of an answer to something that is no epoch time. What many number parsers read is only noted."""
    ts = given["ts"]
    try:
        lenient = ts.strip().lower() != "nan" and abs(float(ts)) < float("inf")
    except ValueError:
        lenient = "T" in ts or ts.startswith("0x")
    return Failure(
        code=FORMAT,
        mistake="text that is no epoch time is read leniently" if lenient else "an input that is no time is answered",
        summary=f"{ts!r} is no epoch time in milliseconds, and is answered all the same",
        compares="answer",
        expected="an error",
        actual=shown(value),
        level="should" if lenient else "must",
    )
