"""How the digest was written into the header: every reading of the captured text as bytes, and its mistakes."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from urllib.parse import unquote

from okxdoctor.triage.recipe import Step, Variant, distinct

_HEX = re.compile(r"[0-9a-fA-F]+")
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_URL_SAFE = re.compile(r"[A-Za-z0-9_-]+={0,2}")
_BYTE_LIST = re.compile(r"\[?\s*-?\d{1,3}(\s*,\s*-?\d{1,3}){15,63}\s*\]?")
LONGEST = 1_000

# What programs write where the text of an object is put into a header.
NOT_TEXT: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("a JavaScript promise", re.compile(r"\[object Promise\]|Promise \{.*", re.DOTALL)),
    ("a JavaScript object", re.compile(r"\[object \w+\]|(async )?function.*|\(.*\) => .*", re.DOTALL)),
    ("a coroutine that was not awaited", re.compile(r"<coroutine object .*|<generator object .*", re.DOTALL)),
    ("a Python object", re.compile(r"<[\w. ]+ at 0x[0-9a-fA-F]+>|<(bound method|built-in|function) .*", re.DOTALL)),
    ("a Python bytes value", re.compile(r"b'[^']*'|b\"[^\"]*\"", re.DOTALL)),
    ("a bytearray", re.compile(r"bytearray\(.*\)", re.DOTALL)),
    ("a Node.js buffer", re.compile(r"<Buffer .*>|\{\"type\":\"Buffer\".*", re.DOTALL)),
    ("a Java array", re.compile(r"\[[BC]@[0-9a-f]+")),
    ("a .NET array", re.compile(r"System\.[\w.]+(\[\])?")),
    ("no value", re.compile(r"undefined|null|None|nil|NaN|True|False|true|false|Secret\(\*\*\*\)")),
    ("a list of byte values", _BYTE_LIST),
)  # fmt: skip


def object_text(text: str) -> str | None:
    """What the text of the header is the print-out of; None where it may be a signature."""
    bare = text.strip()
    return next((what for what, pattern in NOT_TEXT if pattern.fullmatch(bare)), None)


def readings(text: str) -> tuple[Variant[bytes], ...]:
    """The bytes that `text` may stand for. Standard Base64 with padding takes no mistake."""
    if len(text) > LONGEST:
        return ()
    found: list[Variant[bytes]] = []
    for bare, unwrapped in _unwrapped(text):
        for raw, step in _decoded(bare):
            found.append(Variant(value=raw, steps=(*unwrapped, *([step] if step else []))))
    return distinct(variant for variant in found if variant.value)


def _step(done: str, cause: str = "signature.encoding") -> Step:
    return Step(step="encoding", done=done, should_be="Base64 of the digest", cause=cause)


def _unwrapped(text: str) -> Iterator[tuple[str, tuple[Step, ...]]]:
    """The text itself, and what is inside of it."""
    yield text, ()
    if len(text) >= 3 and text[:2] in ("b'", 'b"') and text[-1] == text[1]:
        yield text[2:-1], (_step("the text of Python bytes", "signature.not-text"),)
    if len(text) >= 2 and text[0] in "'\"" and text[-1] == text[0]:
        yield text[1:-1], (_step("Base64 in quotation marks"),)
    if "%" in text:
        yield unquote(text), (_step("Base64, percent-encoded"),)
    if text != text.strip():
        yield text.strip(), (_step("Base64 with white space around it"),)
    inner = text.strip()
    if " " in inner:
        yield inner.replace(" ", "+"), (_step("Base64 with + turned into a space"),)
    if re.search(r"[\r\n]", inner) or "\\n" in inner:
        joined = re.sub(r"[\r\n]+|\\r|\\n", "", inner)
        yield joined, (_step("Base64 with line breaks"),)


def _decoded(text: str) -> Iterator[tuple[bytes, Step | None]]:
    if _BASE64.fullmatch(text):
        if len(text) % 4 == 0:
            yield _b64(text), None
        elif "=" not in text and len(text) % 4 != 1:
            yield _b64(text + "=" * (-len(text) % 4)), _step("Base64 without padding")
    elif _URL_SAFE.fullmatch(text):
        standard = text.replace("-", "+").replace("_", "/").rstrip("=")
        if len(standard) % 4 != 1:
            bare = "" if text.endswith("=") or len(text) % 4 == 0 else " without padding"
            yield _b64(standard + "=" * (-len(standard) % 4)), _step(f"URL-safe Base64{bare}")
    if len(text) % 2 == 0 and _HEX.fullmatch(text):
        upper = "upper-case " if text.upper() == text and text.lower() != text else ""
        yield bytes.fromhex(text), _step(f"{upper}hexadecimal")
    if text.lower().startswith("0x") and len(text) % 2 == 0 and _HEX.fullmatch(text[2:]):
        yield bytes.fromhex(text[2:]), _step("hexadecimal with 0x before it")
    if ":" in text or (text.count("-") >= 15):
        plain = text.replace(":", "").replace("-", "")
        if len(plain) % 2 == 0 and _HEX.fullmatch(plain):
            yield bytes.fromhex(plain), _step("hexadecimal with separators")
    if _BYTE_LIST.fullmatch(text):
        values = [int(part) for part in text.strip("[] ").split(",")]
        if all(-128 <= value <= 255 for value in values):
            yield bytes(value & 255 for value in values), _step("a list of byte values", "signature.not-text")
    yield from _twice(text)


def _twice(text: str) -> Iterator[tuple[bytes, Step | None]]:
    """Base64 or hexadecimal of a text that is itself hexadecimal or Base64."""
    outer: bytes | None = None
    name = ""
    if _BASE64.fullmatch(text) and (len(text) % 4 == 0 or "=" not in text) and len(text.rstrip("=")) % 4 != 1:
        outer, name = _b64(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4)), "Base64"
    if outer is not None:
        yield from _inner(outer, name)
    if len(text) % 2 == 0 and _HEX.fullmatch(text):
        yield from _inner(bytes.fromhex(text), "hexadecimal")


def _inner(outer: bytes, name: str) -> Iterator[tuple[bytes, Step | None]]:
    try:
        inner = outer.decode("ascii")
    except UnicodeDecodeError:
        return
    if len(inner) % 2 == 0 and _HEX.fullmatch(inner):
        upper = "upper-case " if inner.upper() == inner and inner.lower() != inner else ""
        yield bytes.fromhex(inner), _step(f"{name} of the {upper}hexadecimal text")
    elif _BASE64.fullmatch(inner) and len(inner) % 4 == 0:
        yield _b64(inner), _step(f"{name} of the Base64 text")


def _b64(text: str) -> bytes:
    try:
        return base64.b64decode(text)
    except (binascii.Error, ValueError):
        return b""
