"""A captured request, or a captured WebSocket login, as a value. What a reader could not know says so."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TypeAlias

MAX_FILE_BYTES = 64 * 1024 * 1024
"""A file beyond this is refused: browsers' HAR files rarely reach it, and everything is held in memory."""

MAX_BODY_BYTES = 4 * 1024 * 1024
"""A body beyond this is no API request."""


class CaptureError(ValueError):
    """The text holds no request that can be judged. One line, without any value from the capture that may be secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What the exchange answered, as far as the capture has it. `date_ms` is the Date header as epoch milliseconds: the
    only clock in a capture that is not the client's own.
    """

    status: int | None = None
    code: str = ""
    date_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One REST request.

    `origin` is scheme and host ("https://www.okx.com"; "" when the capture does not say). `target` is the request
    target as it stood on the wire, with the query, from the first slash on. `headers` keep their order and their
    names as written. `body` are the bytes without transfer and content coding. `exact_body` is False where the capture
    holds the body as a value and not as text, so that its rendering is unknown; `body_missing` where it is known that
    there was one and not which.
    """

    form: str
    label: str
    method: str
    origin: str
    target: str
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(repr=False)
    exact_body: bool = True
    body_missing: bool = False
    response: Response = Response()
    remarks: tuple[str, ...] = ()

    def header(self, name: str) -> str | None:
        """The value of the first header of this name, in any case; None where there is none."""
        wanted = name.lower()
        return next((value for written, value in self.headers if written.lower() == wanted), None)

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """One argument of a WebSocket login. A member that is absent is None; `numeric_timestamp` tells a JSON number."""

    label: str
    key: str | None = field(repr=False)
    passphrase: str | None = field(repr=False)
    timestamp: str | None
    sign: str | None = field(repr=False)
    numeric_timestamp: bool = False
    response: Response = Response()
    remarks: tuple[str, ...] = ()


Capture: TypeAlias = Request | Login

_REDACTED = re.compile(
    r"\W*(redacted|removed|hidden|masked|sanitized|censored|secret|your[-_ ][\w -]+)\W*"
    r"|[<\[({]*[*•x.…█#]{3,}[>\])}]*"
    r"|[\w+/=-]{0,12}(\*{3,}|…|•{3,}|\.{3,})[\w+/=-]{0,12}"
    r"|\$\{?[A-Za-z_]\w*\}?|\{\{\s*[\w.-]+\s*\}\}|%[A-Z][A-Z0-9_]+%"
    # a name in angle brackets, unless it is how a program prints an object
    r"|<(?!.*(?: at 0x|\bobject\b|\bbound\b|\bfunction\b|\bBuffer\b))[\w -]+>",
    re.IGNORECASE,
)


def is_redacted(value: str | None) -> bool:
    """Whether a value was blacked out before the capture was shared, or is the name of a variable nobody filled in."""
    return value is not None and len(value) <= 200 and _REDACTED.fullmatch(value.strip()) is not None
