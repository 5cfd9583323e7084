"""Saved cases: what failed, as a file that runs again.

    {"schema": "okxdoctor.case/1", "version": "…", "suite": "sign", "subject": "…",
     "cases": [{"op": "sign", "input": {…}, "must_refuse": false, "vector": "", "code": "…", "mistake": "…",
                "summary": "…", "compares": "…", "expected": "…", "actual": "…", "answer": "…"}]}

Secrets in it are the harness's own inventions.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from okxdoctor import __version__
from okxdoctor.conformance.exact import NotJson, json_value, number
from okxdoctor.conformance.protocol import OPS
from okxdoctor.conformance.suite import SUITES, Result
from okxdoctor.conformance.verdict import Case, Found
from okxdoctor.files import write_whole

SCHEMA = "okxdoctor.case/1"
MAX_BYTES = 4 << 20


class Unreadable(ValueError):
    """The file is no saved case. The text says what is wrong with it."""


def document(result: Result) -> str:
    """The failures of a run as the text of a case file."""
    made = {
        "schema": SCHEMA,
        "version": __version__,
        "suite": result.suite,
        "subject": result.subject,
        "cases": [row(one) for one in result.failures if one.case.input],
    }
    return json.dumps(made, ensure_ascii=True, indent=1) + "\n"


def row(one: Found) -> dict[str, Any]:
    """One failure as JSON."""
    failure = one.failure
    return {
        "op": one.case.op,
        "input": dict(one.case.input),
        "must_refuse": one.case.must_refuse,
        "vector": one.case.id,
        "smallest": one.smallest,
        "code": failure.code,
        "mistake": failure.mistake,
        "level": failure.level,
        "summary": failure.summary,
        "compares": failure.compares,
        "expected": failure.expected,
        "actual": failure.actual,
        "answer": one.answer,
    }


def save(result: Result, path: Path | None) -> Path | None:
    """Write the case file; without a path, `okxdoctor-case-….json` here, named after its inputs. None where no
    failure has an input."""
    if not any(one.case.input for one in result.failures):
        return None
    if path is None:
        inputs = json.dumps([[one.case.op, dict(one.case.input)] for one in result.failures], sort_keys=True)
        digest = hashlib.sha256(inputs.encode()).hexdigest()[:8]
        path = Path(f"okxdoctor-case-{result.suite}-{digest}.json")
    write_whole(path, document(result), mode=0o644)
    return path


def load(path: Path) -> tuple[str, tuple[Case, ...]]:
    """The suite and the cases of a file, or Unreadable."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise Unreadable(f"{path} is too large for a case file")
        made = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise Unreadable(f"{path} cannot be read: {error.strerror or error}") from None
    except (ValueError, RecursionError):
        raise Unreadable(f"{path} is not JSON") from None
    if not isinstance(made, dict) or made.get("schema") != SCHEMA or made.get("suite") not in SUITES:
        raise Unreadable(f"{path} is no {SCHEMA} file")
    rows = made.get("cases")
    if not isinstance(rows, list) or not rows:
        raise Unreadable(f"{path} holds no case")
    cases = tuple(_case(path, place, one) for place, one in enumerate(rows))
    return made["suite"], cases


def _case(path: Path, place: int, one: Any) -> Case:
    if not isinstance(one, dict) or one.get("op") not in OPS or not isinstance(one.get("input"), dict):
        raise Unreadable(f"{path}: case {place} has no known op or no input")
    op, given = one["op"], one["input"]
    refuse = one.get("must_refuse") is True
    if not _valid(op, given, refuse):
        raise Unreadable(f"{path}: the input of case {place} is none for {op}")
    vector = one.get("vector")
    return Case(op=op, input=given, id=vector if isinstance(vector, str) else "", must_refuse=refuse)


def _valid(op: str, given: dict[str, Any], refuse: bool) -> bool:
    texts = {
        "sign": ("secret", "timestamp", "method", "path"),
        "ws_login": ("key", "secret", "passphrase", "epoch_s"),
        "round_price": ("price", "mode"),
        "round_size": ("size", "lot", "min"),
        "parse_timestamp": ("ts",),
        "parse_response": ("body",),
    }[op]
    if not all(isinstance(given.get(name), str) for name in texts):
        return False
    match op:
        case "sign":
            return _pairs(given.get("params")) and _json(given.get("body_json"))
        case "round_price":
            return given["mode"] in ("down", "up", "nearest", "passive") and (refuse or _grid(given))
        case "round_size":
            return refuse or bool(_above_zero(given["lot"]) and number(given["size"]) is not None)
        case "parse_timestamp":
            ts: str = given["ts"]
            return refuse or ts == "" or (ts.isascii() and ts.isdigit() and len(ts) < 16)
        case "parse_response":
            return type(given.get("status")) is int and isinstance(given.get("headers"), dict)
    return True


def _pairs(params: Any) -> bool:
    return params is None or (
        isinstance(params, list)
        and all(isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str) for pair in params)
    )


def _json(body: Any) -> bool:
    if body is None:
        return True
    try:
        json_value(body)
    except (NotJson, TypeError):
        return False
    return True


def _above_zero(text: Any) -> bool:
    found = number(text) if isinstance(text, str) else None
    return found is not None and found > 0


def _grid(given: dict[str, Any]) -> bool:
    if number(given["price"]) is None:
        return False
    bands = given.get("bands")
    if bands is None:
        return _above_zero(given.get("tick"))
    return (
        isinstance(bands, list)
        and bool(bands)
        and all(
            isinstance(band, dict)
            and _above_zero(band.get("tick"))
            and (not band.get("max") or _above_zero(band["max"]))
            for band in bands
        )
    )
