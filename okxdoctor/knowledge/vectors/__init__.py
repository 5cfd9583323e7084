"""The reference vectors: inputs, every intermediate stage and the expected result, as plain JSON files.

`sign.json`, `ws.json`, `round.json` and `parse.json` follow `schema.json`. The expected values come from the
`openssl` program and from rational arithmetic, not from the code of this package; the program that writes the
files is `tests/vectors/generate.py` in the sources.

Signing vectors (`sign`, `ws`) hold `input`, `wire` (the exact strings that are sent) and `expect` with the
stages `prehash`, `prehash_hex`, `digest_hex`, `sign`. One with `valid: false` shows a client's mistake:
`sent` is what that client signs and sends, `cause` names the mistake, `expect` is what it should have sent.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

KINDS = ("sign", "ws", "round", "parse")


@dataclass(frozen=True, slots=True, kw_only=True)
class Vector:
    """One vector. `data` is the whole JSON object as stored; treat it as read-only."""

    id: str
    kind: str
    op: str
    flags: tuple[str, ...]
    valid: bool
    comment: str
    cause: str | None
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorFile:
    """One file: `flags` says what each flag means."""

    kind: str
    note: str
    flags: Mapping[str, str]
    vectors: tuple[Vector, ...]


def read_text(kind: str) -> str:
    """The file of one kind as it is stored. An unknown kind is a KeyError."""
    if kind not in KINDS:
        raise KeyError(kind)
    return files(__name__).joinpath(f"{kind}.json").read_text(encoding="utf-8")


def schema() -> Mapping[str, Any]:
    """The JSON Schema of the files."""
    made: Mapping[str, Any] = json.loads(files(__name__).joinpath("schema.json").read_text(encoding="utf-8"))
    return made


@cache
def load(kind: str) -> VectorFile:
    """All vectors of one kind, in the order of the file."""
    document = json.loads(read_text(kind))
    return VectorFile(
        kind=kind,
        note=document["note"],
        flags=document["flags"],
        vectors=tuple(_vector(kind, row) for row in document["vectors"]),
    )


def _vector(kind: str, row: dict[str, Any]) -> Vector:
    return Vector(
        id=row["id"],
        kind=kind,
        op=row["op"],
        flags=tuple(row["flags"]),
        valid=row["valid"],
        comment=row["comment"],
        cause=row.get("cause"),
        data=row,
    )
