"""What an answer of the REST API says: a closed union, from the status and the raw body.

`{"code": "0", "msg": "", "data": [...]}`, names in any order. Where elements of `data` carry an `sCode` (orders,
cancels, amendments), those decide, under code "0", "1" and "2" alike: an order can be refused under "0". An
empty `sCode` is absent, not zero: such an element has no verdict of its own and follows the code of the
envelope. Any other code refuses the whole request; its elements cannot take that back.

Authentication refusals carry `msg` and `code` only, no `data` (recorded). A status other than 2xx with an
envelope is still an envelope; without one it is `Http`. A 2xx without an envelope is `NotJson`.

Nothing here raises: any status and any bytes have a verdict. Numbers never pass through float (see
`json_text`).

Source: "General Info" and "Place order" of the API v5 documentation, recorded answers. Grade: documented,
with the empty `sCode` rule observed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar, TypeAlias

from okxdoctor.okx import retry
from okxdoctor.okx.json_text import Json, Trouble, Unreadable, read
from okxdoctor.okx.retry import Retry
from okxdoctor.okx.timestamps import TimestampError, parse_epoch_us

EXCERPT_CHARACTERS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """The verdict on one element of `data`; `code` is "" where it carries none. `index` is its place in
    `data`.
    """

    index: int
    code: str
    message: str = ""
    sub_code: str = ""

    @property
    def retry(self) -> Retry:
        return retry.by_code(self.code)


class Oddity(StrEnum):
    """A departure from the documented form that does not keep the answer from being understood."""

    CODE_IS_NUMBER = "code is a JSON number, not a string"
    DATA_MISSING = "code 0 without data"
    DATA_NOT_LIST = "data is not an array"
    ITEMS_CONTRADICT_CODE = "the code of the envelope and the codes of the items disagree"
    STATUS_CONTRADICTS_CODE = "code 0 under an HTTP status that is not a success"
    TIMES_UNREADABLE = "inTime or outTime is not epoch microseconds"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Envelope:
    """What every readable envelope has. `data` is None where the name is absent."""

    status: int
    code: str
    message: str = ""
    data: Json = None
    items: tuple[Item, ...] = ()
    in_time_us: int | None = None
    out_time_us: int | None = None
    oddities: tuple[Oddity, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ok(_Envelope):
    """Accepted, every item of it. For orders that is an acknowledgement, not an execution."""

    kind: ClassVar[str] = "ok"

    @property
    def retry(self) -> Retry:
        return Retry.NO


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected(_Envelope):
    """Refused as a whole: by the code of the envelope, or item by item without exception."""

    kind: ClassVar[str] = "rejected"

    @property
    def retry(self) -> Retry:
        """Of the code that refused; with several items, the answer that holds for all of them, else NO."""
        verdicts = {item.retry for item in self.items if item.code} or {retry.by_code(self.code)}
        return verdicts.pop() if len(verdicts) == 1 else Retry.NO


@dataclass(frozen=True, slots=True, kw_only=True)
class Partial(_Envelope):
    """Some items accepted, some refused. Never to be sent again as a whole; `Item.retry` answers for each."""

    kind: ClassVar[str] = "partial"

    @property
    def refused(self) -> tuple[Item, ...]:
        return tuple(item for item in self.items if item.code not in ("", "0"))

    @property
    def retry(self) -> Retry:
        return Retry.NO


@dataclass(frozen=True, slots=True, kw_only=True)
class Http:
    """No envelope, and a status that is no success: the answer of an edge, a gateway or a portal, or a bare
    404.
    """

    kind: ClassVar[str] = "http"
    status: int
    trouble: Trouble
    server: str = ""
    excerpt: str = ""

    @property
    def retry(self) -> Retry:
        return retry.by_status(self.status)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotJson:
    """A success status over something that is no envelope. `at` is the character (or byte) where reading
    failed.
    """

    kind: ClassVar[str] = "not_json"
    status: int
    trouble: Trouble
    at: int | None = None
    detail: str = ""
    excerpt: str = ""

    @property
    def retry(self) -> Retry:
        """The request may well have been carried out: only the answer was lost."""
        return Retry.AFTER_RECONCILE


Answer: TypeAlias = Ok | Rejected | Partial | Http | NotJson


def decode(status: int, body: str | bytes, headers: Mapping[str, str] | None = None) -> Answer:
    """The verdict on one answer. `headers` only names the server of an `Http`; names in any case. Total."""
    value = read(body)
    if isinstance(value, Unreadable):
        return _without_envelope(status, body, headers, value)
    code, odd = _code(value)
    if code is None or not isinstance(value, dict):
        return _without_envelope(status, body, headers, Unreadable(trouble=Trouble.NOT_ENVELOPE))
    return _with_envelope(status, code, value, odd)


def _code(value: Json) -> tuple[str | None, tuple[Oddity, ...]]:
    code = value.get("code") if isinstance(value, dict) else None
    if isinstance(code, str) and code:
        return code, ()
    if isinstance(code, int) and not isinstance(code, bool):
        return str(code), (Oddity.CODE_IS_NUMBER,)
    return None, ()


def _without_envelope(
    status: int, body: str | bytes, headers: Mapping[str, str] | None, why: Unreadable
) -> Http | NotJson:
    excerpt = _excerpt(body)
    if 200 <= status < 300:
        return NotJson(status=status, trouble=why.trouble, at=why.at, detail=why.detail, excerpt=excerpt)
    server = next((text for name, text in (headers or {}).items() if name.lower() == "server"), "")
    return Http(status=status, trouble=why.trouble, server=server, excerpt=excerpt)


def _excerpt(body: str | bytes) -> str:
    """The beginning of the body in one printable line."""
    head = body[: 4 * EXCERPT_CHARACTERS]
    text = head.decode("utf-8", "replace") if isinstance(head, bytes) else head
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line[:EXCERPT_CHARACTERS]


@dataclass(slots=True)
class _Reading:
    """What has been noticed so far about one envelope."""

    oddities: list[Oddity] = field(default_factory=list)

    def note(self, oddity: Oddity) -> None:
        if oddity not in self.oddities:
            self.oddities.append(oddity)


def _with_envelope(status: int, code: str, value: dict[str, Json], odd: tuple[Oddity, ...]) -> Answer:
    reading = _Reading(list(odd))
    data = value.get("data")
    items = _items(data)
    if code == "0" and "data" not in value:
        reading.note(Oddity.DATA_MISSING)
    if data is not None and not isinstance(data, list):
        reading.note(Oddity.DATA_NOT_LIST)
    made, contradicts = _verdict(code, items)
    if contradicts:
        reading.note(Oddity.ITEMS_CONTRADICT_CODE)
    if code == "0" and not 200 <= status < 300:
        reading.note(Oddity.STATUS_CONTRADICTS_CODE)
    in_time_us = _epoch_us(value.get("inTime"), reading)
    out_time_us = _epoch_us(value.get("outTime"), reading)
    return made(
        status=status,
        code=code,
        message=_text(value.get("msg")),
        data=data,
        items=items,
        in_time_us=in_time_us,
        out_time_us=out_time_us,
        oddities=tuple(reading.oddities),
    )


def _items(data: Json) -> tuple[Item, ...]:
    """One Item for each element of `data` when at least one of them carries a code; none otherwise."""
    elements = data if isinstance(data, list) else []
    items = tuple(
        Item(
            index=index,
            code=_text(element.get("sCode")),
            message=_text(element.get("sMsg")),
            sub_code=_text(element.get("subCode")),
        )
        if isinstance(element, dict)
        else Item(index=index, code="")
        for index, element in enumerate(elements)
    )
    return items if any(item.code for item in items) else ()


def _text(value: Json) -> str:
    """A text field; null and absent are "". A number is taken as its text, anything else as absent."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or value is None or isinstance(value, list | dict):
        return ""
    return str(value)


_Made: TypeAlias = type[Ok] | type[Rejected] | type[Partial]
_BY_CODE: dict[str, _Made] = {"0": Ok, "1": Rejected, "2": Partial}


def _verdict(code: str, items: tuple[Item, ...]) -> tuple[_Made, bool]:
    """Which of the three it is, and whether the items contradict the code of the envelope."""
    by_code = _BY_CODE.get(code)
    if by_code is None:
        return Rejected, False
    if not items:
        return by_code, False
    # An element without a code follows the envelope; under "2" it is undecided and leaves the answer partial.
    verdicts = {_accepted(item, code) for item in items}
    made: _Made = Partial
    if verdicts == {True}:
        made = Ok
    elif verdicts == {False}:
        made = Rejected
    return made, made is not by_code


def _accepted(item: Item, code: str) -> bool | None:
    if item.code:
        return item.code == "0"
    return {"0": True, "1": False}.get(code)


def _epoch_us(value: Json, reading: _Reading) -> int | None:
    if value is None:
        return None
    if isinstance(value, str):
        try:
            return parse_epoch_us(value)
        except TimestampError:
            pass
    reading.note(Oddity.TIMES_UNREADABLE)
    return None
