"""Error codes of OKX: REST, WebSocket events and close codes (`data/codes/*.json`, one file for each hundred).

The message is the exchange's own constant text and serves look-up; every other text is the project's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

from okxdoctor.knowledge import store

RETRIES = ("no", "yes", "with backoff", "after reconcile")
"""What may be done with the refused request.

`no`: the same request will be refused again. `yes`: send it again at once (after connecting anew, where a connection
ended). `with backoff`: later, with growing and randomised pauses. `after reconcile`: only after asking what became
of the first one, because it may have taken effect.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeRow:
    """One code.

    `area` groups codes (auth, general, trade, websocket, close …). `http_documented` and `http_observed` are HTTP
    statuses of the published table and of recorded answers; they differ for some. `message` is the exchange's
    constant text ("" where none is known), `variants` are other texts seen under the same code. `sub_codes` give the
    meaning of `subCode`. `causes` are codes of the vocabulary, likeliest first; `reasons` are further explanations
    in words. `retry` is one of RETRIES; `run_next` is a command.
    """

    code: str
    area: str
    http_documented: tuple[int, ...]
    http_observed: tuple[int, ...]
    message: str
    variants: tuple[str, ...]
    meaning: str
    sub_codes: tuple[tuple[str, str], ...]
    causes: tuple[str, ...]
    reasons: tuple[str, ...]
    retry: str
    run_next: str
    source: str
    seen: str
    grade: str


def _file_of(code: str) -> str:
    return code[:3] if len(code) == 5 else "short"


@cache
def _hundred(name: str) -> Mapping[str, CodeRow]:
    path = f"codes/{name}.json"
    table = store.from_json(path)
    defaults = table["defaults"]
    return {code: _row(code, {**defaults, **row}, path) for code, row in table["codes"].items()}


@cache
def codes() -> Mapping[str, CodeRow]:
    """Every code, in the order of its number."""
    rows = {code: row for name in store.names("codes", ".json") for code, row in _hundred(name).items()}
    return MappingProxyType(dict(sorted(rows.items(), key=lambda pair: int(pair[0]))))


def code(text: str) -> CodeRow:
    """The row of one code, `"50113"`. Reads one small file. Raises KeyError when the code is not known."""
    if re.fullmatch(r"[0-9]{1,5}", text) and _file_of(text) in store.names("codes", ".json"):
        return _hundred(_file_of(text))[text]
    raise KeyError(text)


_KNOWN = frozenset(CodeRow.__dataclass_fields__)


def _row(code: str, table: Mapping[str, Any], path: str) -> CodeRow:
    unknown = set(table) - _KNOWN
    if unknown:
        raise store.Malformed(f"{path}: {code}: unknown members {sorted(unknown)}")
    try:
        return CodeRow(
            code=code,
            area=table["area"],
            http_documented=tuple(table.get("http_documented", ())),
            http_observed=tuple(table.get("http_observed", ())),
            message=table["message"],
            variants=tuple(table.get("variants", ())),
            meaning=table["meaning"],
            sub_codes=tuple(table.get("sub_codes", {}).items()),
            causes=tuple(table.get("causes", ())),
            reasons=tuple(table.get("reasons", ())),
            retry=table["retry"],
            run_next=table["run_next"],
            source=table["source"],
            seen=table["seen"],
            grade=table["grade"],
        )
    except KeyError as missing:
        raise store.Malformed(f"{path}: {code}: {missing} is missing") from None
