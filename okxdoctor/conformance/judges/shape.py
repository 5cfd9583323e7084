"""Whether an output has the members it must have, before anything is judged about them."""

from __future__ import annotations

import json
from typing import Any

from okxdoctor.conformance.verdict import Failure


def reply_failure(op: str, wanted: str, value: Any) -> Failure:
    return Failure(
        code="adapter.reply",
        mistake=f"{op} output has another shape",
        summary=f"the output of {op} must be {wanted}",
        compares="output",
        expected=wanted,
        actual=shown(value),
    )


def shown(value: Any) -> str:
    """A value as JSON in one line, as the reader of a report sees it."""
    try:
        text = json.dumps(value, ensure_ascii=False, default=repr)
    except (TypeError, ValueError, RecursionError):
        text = repr(value)
    return text if len(text) <= 2_000 else text[:1_999] + "…"
