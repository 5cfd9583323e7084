"""What crosses the border of the REST core: one request in, one reply out, both plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

encode = msgspec.json.Encoder().encode
"""Compact JSON as the exchange writes it: no blanks, UTF-8, keys in the order given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A REST request as it came off the wire.

    ``target`` is the request target exactly as sent (path and query, undecoded) and ``body`` the raw
    bytes: these are what a signature covers. ``headers`` has lower-case names. ``peer`` is the address
    that the exchange sees.
    """

    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    peer: str = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer: HTTP status, exact body, additional headers."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str = "application/json"


def ok(data: list[Json]) -> Reply:
    """Code 0 with ``data``."""
    return Reply(status=200, body=encode({"code": "0", "data": data, "msg": ""}))


def ok_encoded(data: bytes) -> Reply:
    """Code 0 with ``data`` that is JSON text already (large lists that rarely change)."""
    return Reply(status=200, body=b'{"code":"0","data":' + data + b',"msg":""}')


def refusal(status: int, code: str, message: str) -> Reply:
    """An authentication refusal: message first, no ``data`` (recorded live bodies)."""
    return Reply(status=status, body=encode({"msg": message, "code": code}))


def failure(status: int, code: str, message: str) -> Reply:
    """A refusal of the business side: an envelope with empty ``data``."""
    return Reply(status=status, body=encode({"code": code, "data": [], "msg": message}))


def acknowledged(items: list[dict[str, Json]], in_us: int, out_us: int) -> Reply:
    """The envelope of trade operations: 0 all accepted, 1 all refused, 2 some of them."""
    refused = sum(1 for item in items if item["sCode"] != "0")
    code, message = ("0", "") if not refused else ("1", "All operations failed")
    if 0 < refused < len(items):
        code, message = "2", "Bulk operation partially succeeded."
    return Reply(
        status=200,
        body=encode({"code": code, "data": items, "inTime": str(in_us), "msg": message, "outTime": str(out_us)}),
    )


class Refused(Exception):
    """Raised inside a handler to answer with ``reply`` at once."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


def bad_parameter(name: str) -> Refused:
    """51000: the value of ``name`` is not acceptable (HTTP 400)."""
    return Refused(failure(400, "51000", f"Parameter {name} error"))


def empty_parameter(name: str) -> Refused:
    """50014: ``name`` is required (HTTP 400)."""
    return Refused(failure(400, "50014", f"Parameter {name} can not be empty."))


UNKNOWN_INSTRUMENT = "Instrument ID, Instrument ID code or Spread ID doesn't exist."


def unknown_instrument() -> Refused:
    """51001 arrives with HTTP 200 (observed)."""
    return Refused(failure(200, "51001", UNKNOWN_INSTRUMENT))
