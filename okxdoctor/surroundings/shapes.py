"""What can be said of a credential without saying the credential.

Shapes: key ids are UUIDs, secrets 32 hexadecimal digits (OKX docs examples and recorded requests).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from okxdoctor.port import CredentialShape
from okxdoctor.secret import Secret

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_HEX32 = re.compile(r"[0-9a-f]{32}", re.IGNORECASE)
_QUOTES = "\"'`“”‘’«»"
_BOM = "\ufeff"
# Whole values only: a passphrase may well contain one of these words.
_PLACEHOLDER = re.compile(
    r"""(?:your|my|enter|insert|replace|put|paste|add|set)[-_ ].*
      | .*[-_ ](?:here|goes[-_ ]here)
      | <.*> | \{\{.*\}\} | \$\{?\w+\}? | %\w+% | \[.*\]
      | x{3,} | \*+ | \.{3,} | _+ | -+
      | change[-_ ]?me | to[-_ ]?do | tbd | none | null | nil | undefined | false | true
      | (?:okx[-_ ]?)?(?:api[-_ ]?)?(?:key|secret|secret[-_ ]?key|passphrase|password)
      | test | dummy | placeholder | example | sample | foo | bar""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)


def shape(
    field: Literal["api_key", "secret_key", "passphrase"], value: Secret, source: str, *, equals: tuple[str, ...] = ()
) -> CredentialShape:
    """The shape of one credential; ``equals`` names other fields that hold the very same value."""
    text = value.reveal()
    return CredentialShape(
        field=field,
        source=source,
        present=bool(text),
        length=len(text),
        looks_like=_looks_like(text),
        blemishes=tuple(_blemishes(text)),
        equals=equals,
    )


def _core(text: str) -> str:
    """The text without what copying adds around it, so that a blemish does not hide a shape."""
    return text.strip().strip(_BOM).strip(_QUOTES).strip()


def _looks_like(text: str) -> Literal["uuid", "hex32", "other", "empty"]:
    core = _core(text)
    if not core:
        return "empty"
    if _UUID.fullmatch(core):
        return "uuid"
    return "hex32" if _HEX32.fullmatch(core) else "other"


def _blemishes(text: str) -> Iterator[str]:
    head, tail = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]
    if head.strip("\r\n"):
        yield "leading-space"
    if tail.strip("\r\n"):
        yield "trailing-space"
    if "\n" in text or "\r" in text:
        yield "newline"
    if _BOM in text:
        yield "bom"
    core = text.strip().strip(_BOM)
    if len(core) > 1 and core[0] in _QUOTES and core[-1] in _QUOTES:
        yield "quotes"
    if _core(text) and _PLACEHOLDER.fullmatch(_core(text)):
        yield "placeholder"
    if not text.replace(_BOM, "").isascii():
        yield "non-ascii"
    if any(ord(c) < 32 or ord(c) == 127 for c in text if c not in "\r\n"):
        yield "control"
