"""Judge of `parse_response`: what an answer of the REST API says.

An envelope is a JSON object with a `code`. Where elements of `data` carry an `sCode`, those decide, under code 0, 1
and 2 alike; "" is absent, not zero. Any other code refuses the whole. Without an envelope a status of 2xx is
`not_json`, any other is `http`. `retryable` is judged for the codes and statuses whose documented text settles it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from okxdoctor.conformance.judges.shape import reply_failure, shown
from okxdoctor.conformance.verdict import Failure, Level

ITEMS = "answer.items-ignored"
CODE = "answer.code-misread"
KIND = "answer.kind-misread"
RETRY = "answer.retry-misjudged"
KINDS = ("ok", "rejected", "partial", "http", "not_json")
_WANTED = "an object with kind, code, items and retryable"

# Documented text says: later, or too many, and nothing happened.
AGAIN = frozenset({"50001", "50011", "50013", "50061"})
# Documented text says: change the request, the key or the account first; or (50004) that the outcome is unknown.
NOT_AGAIN = frozenset(
    {
        *("50004", "50100", "50101", "50103", "50105", "50110", "50111", "50112", "50113", "50114", "50119", "50120"),
        *("51000", "51001", "51008", "51016", "51020", "51121", "51155", "51400", "51603"),
    }
)
STATUS_AGAIN = frozenset({429, 503})
STATUS_NOT_AGAIN = frozenset({400, 401, 403, 404, 405, 451})


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What an answer says; ``retryable`` None where nothing settles it, ``level`` should where parsers may differ."""

    kind: str
    code: str | None
    items: tuple[tuple[str, str], ...] = ()
    retryable: bool | None = False
    level: Level = "must"


def meaning(status: int, body: str) -> Meaning:
    """The meaning of an answer by its status and body."""
    level: Level = "must"
    value: Any = None
    try:
        value = json.loads(
            body, object_pairs_hook=_members, parse_constant=_refuse, parse_int=_Number, parse_float=_Number
        )
    except (_Twice, RecursionError):
        level = "should"  # common parsers take the last of equal names, or read any depth
    except _Constant:
        level = "should"  # some parsers read NaN
    except ValueError:
        pass
    code = value.get("code") if isinstance(value, dict) else None
    if isinstance(code, _Number) and code.lstrip("-").isdigit():
        code = str(code)
    elif isinstance(code, _Number) or not isinstance(code, str) or not code:
        return _without(status, level)
    items = _items(value.get("data"))
    kind = _kind(code, items)
    return Meaning(kind=kind, code=code, items=tuple(items), retryable=_retryable(kind, code, items))


class _Twice(ValueError):
    pass


class _Constant(ValueError):
    pass


class _Number(str):
    """A JSON number as its text."""

    __slots__ = ()


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _Twice
    return made


def _refuse(_name: str) -> Any:
    raise _Constant


def _without(status: int, level: Level) -> Meaning:
    if 200 <= status < 300:
        # The request may have been carried out: only the answer was lost.
        return Meaning(kind="not_json", code=None, retryable=False, level=level)
    again = True if status in STATUS_AGAIN else False if status in STATUS_NOT_AGAIN else None
    return Meaning(kind="http", code=None, retryable=again, level=level)


def _items(data: Any) -> list[tuple[str, str]]:
    if not isinstance(data, list):
        return []
    items = [(_text(row.get("sCode")), _text(row.get("sMsg"))) if isinstance(row, dict) else ("", "") for row in data]
    return items if any(code for code, _ in items) else []


def _text(value: Any) -> str:
    return str(value) if isinstance(value, str) else ""


def _kind(code: str, items: list[tuple[str, str]]) -> str:
    whole = {"0": "ok", "1": "rejected", "2": "partial"}
    if code not in whole:
        return "rejected"
    if not items:
        return whole[code]
    verdicts = {whole[code] if not item else "ok" if item == "0" else "rejected" for item, _ in items}
    return verdicts.pop() if len(verdicts) == 1 else "partial"


def _retryable(kind: str, code: str, items: list[tuple[str, str]]) -> bool | None:
    if kind != "rejected":
        return False
    codes = {item for item, _ in items if item and item != "0"} if code in ("0", "1", "2") else set()
    codes = codes or {code}
    if codes & NOT_AGAIN:
        return False
    if codes <= AGAIN:
        return True if len(codes) == 1 else None
    return None if code not in ("0", "1", "2") or items else False


def judge(given: Mapping[str, Any], value: Any) -> Failure | None:
    """What is wrong with the reading of an answer."""
    if not isinstance(value, Mapping) or value.get("kind") not in KINDS or "code" not in value:
        return reply_failure("parse_response", _WANTED, value)
    items = value.get("items")
    got = _got_items(items)
    if got is None or not isinstance(value.get("retryable"), bool):
        return reply_failure("parse_response", _WANTED, value)
    right = meaning(given["status"], given["body"])
    return (
        _wrong_kind(right, value)
        or _wrong_code(right, value["code"])
        or _wrong_items(right, got)
        or _wrong_retry(right, value["retryable"])
    )


def _got_items(items: Any) -> list[tuple[Any, Any]] | None:
    if not isinstance(items, list | tuple):
        return None
    rows = [(row.get("code"), row.get("message", "")) if isinstance(row, Mapping) else None for row in items]
    return None if None in rows else [row for row in rows if row is not None]


def _wrong_kind(right: Meaning, value: Mapping[str, Any]) -> Failure | None:
    kind = value["kind"]
    if kind == right.kind:
        return None
    code, mistake = KIND, f"{right.kind} is read as {kind}"
    if right.items:
        code = ITEMS
        mistake = "the codes of the items are not what decides"
    elif right.code in ("0", "1", "2") and right.kind in ("ok", "rejected", "partial"):
        code, mistake = CODE, f"code {right.code} is read as {kind}"
    return _failure(code, mistake, "kind", right.kind, kind, right.level)


def _wrong_code(right: Meaning, code: Any) -> Failure | None:
    if code == right.code and type(code) is type(right.code):
        return None
    if right.code is None and code == "":
        return None
    mistake = "the code is lost" if code in (None, "") else "the code is another one"
    if right.code is None:
        mistake = "a code is made up"
    elif isinstance(code, int) and str(code) == right.code:
        mistake = "the code is no text"
    return _failure(CODE, mistake, "code", shown(right.code), shown(code), right.level)


def _wrong_items(right: Meaning, got: list[tuple[Any, Any]]) -> Failure | None:
    if got == list(right.items):
        return None
    if not right.items and all(code in ("", None) for code, _ in got):
        return None
    expected, actual = shown([list(item) for item in right.items]), shown([list(item) for item in got])
    if not got:
        mistake = "the codes of the items are lost"
    elif any(mine == "" and other in ("0", 0) for (mine, _), (other, _) in zip(right.items, got, strict=False)):
        mistake = "an empty item code is read as zero"
    elif not right.items:
        mistake = "codes are made up for items that have none"
    elif len(got) != len(right.items):
        mistake = "some items are lost"
    elif [code for code, _ in got] == [code for code, _ in right.items]:
        mistake = "the message of an item is lost"
    else:
        mistake = "the code of an item is another one"
    return _failure(ITEMS, mistake, "items", expected, actual, right.level)


def _wrong_retry(right: Meaning, retryable: bool) -> Failure | None:
    if right.retryable is None or retryable is right.retryable:
        return None
    if right.retryable:
        mistake = "a refusal that passes by itself is taken as final"
    elif right.kind == "not_json":
        mistake = "an answer that was lost is repeated: the order may stand"
    elif right.kind == "partial":
        mistake = "a partly accepted batch is repeated as a whole"
    elif right.kind == "ok":
        mistake = "an accepted request is repeated"
    elif right.code == "50004":
        mistake = "an unknown outcome is repeated: the order may stand"
    else:
        mistake = "a final refusal is repeated"
    return _failure(RETRY, mistake, "retryable", shown(right.retryable), shown(retryable), right.level)


def _failure(code: str, mistake: str, compares: str, expected: str, actual: str, level: Level) -> Failure:
    return Failure(
        code=code,
        mistake=mistake,
        summary=f"the answer is read wrong: {mistake}",
        compares=compares,
        expected=expected,
        actual=actual,
        level=level,
    )
