"""The harness protocol: one JSON object a line, in both directions.

    → {"cmd":"start","protocol":1}
    ← {"name":"…","version":"…","language":"…","supports":["sign",…]}
    → {"cmd":"run","seq":1,"op":"sign","input":{…}}
    ← {"seq":1,"output":…} | {"seq":1,"error":"…"} | {"seq":1,"skipped":"…"}
    → {"cmd":"stop"}

There is never more than one question open, so an adapter needs no queue and neither side can outrun the other.
This room only turns questions into lines and lines into answers; sockets, pipes and clocks are elsewhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

PROTOCOL = 1
OPS = ("sign", "ws_login", "round_price", "round_size", "parse_timestamp", "parse_response")
MAX_LINE = 1 << 20
"""The longest line an adapter may print, in bytes."""


@dataclass(frozen=True, slots=True)
class Output:
    """What the implementation returned."""

    value: Any


@dataclass(frozen=True, slots=True)
class Refused:
    """The implementation raised or returned an error: right where the input is no input."""

    text: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """The adapter cannot run this input, with its reason."""

    text: str


Answer: TypeAlias = Output | Refused | Skipped


class AdapterFault(Exception):
    """The adapter broke the protocol: it hung, died, printed something else. ``code`` is ``adapter.*``."""

    def __init__(self, code: str, text: str, *, stderr: str = "") -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.stderr = stderr


class Spent(AdapterFault):
    """The adapter broke so often that it is not started again. Says nothing of the input that was to be asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Greeting:
    """Who answers: the reply to `start`."""

    name: str
    version: str
    language: str
    supports: tuple[str, ...]


START = json.dumps({"cmd": "start", "protocol": PROTOCOL}, separators=(",", ":")).encode() + b"\n"
STOP = b'{"cmd":"stop"}\n'

_LINE_BREAKS = re.compile(r"[\r\n]+")


def question(seq: int, op: str, given: Mapping[str, Any]) -> bytes:
    """The line of one call. The body of a `sign` input is put in as the JSON text it is: no number is read."""
    if op != "sign":
        given_text = json.dumps(given, separators=(",", ":"))
    else:
        rest = {name: value for name, value in given.items() if name != "body_json"}
        body = given["body_json"]
        # A raw line break can only stand between the tokens of JSON, where a space means the same.
        spliced = "null" if body is None else _LINE_BREAKS.sub(" ", body)
        given_text = f'{json.dumps(rest, separators=(",", ":"))[:-1]},"body":{spliced}}}'
    return f'{{"cmd":"run","seq":{seq},"op":"{op}","input":{given_text}}}\n'.encode()


def greeting(line: bytes) -> Greeting:
    """The reply to `start`, or an AdapterFault that says what is wrong with it."""
    value = _object(line, "the reply to start")
    supports = value.get("supports")
    if not isinstance(supports, list) or not all(isinstance(op, str) for op in supports):
        raise AdapterFault("adapter.supports", "the reply to start has no list `supports` of operation names")
    unknown = [op for op in supports if op not in OPS]
    if unknown:
        raise AdapterFault(
            "adapter.supports", f"`supports` names {unknown[0]!r}, which is no operation: {', '.join(OPS)}"
        )

    def text(name: str) -> str:
        found = value.get(name)
        return found if isinstance(found, str) else ""

    return Greeting(
        name=text("name") or "adapter",
        version=text("version"),
        language=text("language"),
        supports=tuple(dict.fromkeys(supports)),
    )


def reply(line: bytes, seq: int) -> Answer:
    """The reply to question ``seq``, or an AdapterFault that says what is wrong with it."""
    value = _object(line, f"the reply to call {seq}")
    got = value.get("seq")
    if type(got) is not int or got != seq:
        raise AdapterFault("adapter.sequence", f"a reply with seq {got!r} came to call {seq}")
    kinds = [name for name in ("output", "error", "skipped") if name in value]
    if len(kinds) != 1:
        raise AdapterFault(
            "adapter.reply",
            f"the reply to call {seq} must have exactly one of output, error, skipped; it has "
            + (" and ".join(kinds) or "none"),
        )
    kind = kinds[0]
    if kind == "output":
        return Output(value["output"])
    said = value[kind]
    if not isinstance(said, str):
        raise AdapterFault("adapter.reply", f"`{kind}` in the reply to call {seq} is no text")
    return Refused(said) if kind == "error" else Skipped(said)


def _object(line: bytes, what: str) -> dict[str, Any]:
    try:
        value = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError:
        raise AdapterFault("adapter.garbage", f"{what} is not UTF-8: {_shown(line)}") from None
    except (ValueError, RecursionError):
        raise AdapterFault("adapter.garbage", f"{what} is not a line of JSON: {_shown(line)}") from None
    if not isinstance(value, dict):
        raise AdapterFault("adapter.garbage", f"{what} is no JSON object: {_shown(line)}")
    return value


def _shown(line: bytes) -> str:
    text = line.decode("utf-8", "backslashreplace").rstrip("\r\n")
    return repr(text if len(text) <= 120 else text[:119] + "…")
