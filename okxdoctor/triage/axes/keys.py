"""The key that the client signed with, and the hash it used."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Iterator
from urllib.parse import quote, unquote

from okxdoctor.triage.recipe import Step, Variant, distinct

CAUSE = "signature.secret-altered"


def variants(
    secret: bytes, *, passphrases: tuple[bytes, ...], keys: tuple[bytes, ...], pairs: bool = True
) -> tuple[Variant[bytes], ...]:
    """What may have been used as the key where `secret` belongs. `passphrases` and `keys` are the other credentials."""
    mistakes = list(_mistakes(passphrases, keys))
    ones = [(step, change(secret)) for step, change in mistakes]
    found = [Variant(value=secret)]
    found += [Variant(value=made, steps=(step,)) for step, made in ones if made is not None]
    for first, made in ones if pairs else ():
        if made is None or made == secret:
            continue
        for second, change in mistakes:
            twice = change(made)
            if twice is not None:
                found.append(Variant(value=twice, steps=(first, second)))
    return distinct(found)


Change = Callable[[bytes], bytes | None]


def _mistakes(passphrases: tuple[bytes, ...], keys: tuple[bytes, ...]) -> Iterator[tuple[Step, Change]]:
    def row(done: str, change: Change) -> tuple[Step, Change]:
        return Step(step="secret", done=done, should_be="as given", cause=CAUSE), change

    yield row("without the white space around it", bytes.strip)
    for value in passphrases:
        yield row("the passphrase", _always(value))
    for value in keys:
        yield row("the API key", _always(value))
    yield row("with a line feed after it", lambda key: key + b"\n")
    yield row("with a line break after it", lambda key: key + b"\r\n")
    yield row("with a carriage return after it", lambda key: key + b"\r")
    yield row("with a space after it", lambda key: key + b" ")
    yield row("with a space before it", lambda key: b" " + key)
    yield row("with a tab after it", lambda key: key + b"\t")
    yield row("with spaces around it", lambda key: b" " + key + b" ")
    yield row("with a byte order mark before it", lambda key: b"\xef\xbb\xbf" + key)
    yield row("with a zero-width space after it", lambda key: key + b"\xe2\x80\x8b")
    yield row("with a no-break space after it", lambda key: key + b"\xc2\xa0")
    yield row("in double quotes", lambda key: b'"' + key + b'"')
    yield row("in single quotes", lambda key: b"'" + key + b"'")
    yield row("as text of Python bytes", lambda key: b"b'" + key + b"'")
    yield row("with a comma after it", lambda key: key + b",")
    yield row("with a semicolon after it", lambda key: key + b";")
    yield row("without the quotation marks around it", lambda key: key.strip(b"\"'"))
    yield row("in lower case", bytes.lower)
    yield row("in upper case", bytes.upper)
    yield row("decoded from hexadecimal", _from_hex)
    yield row("decoded from Base64", _from_base64)
    yield row("decoded from Base32", _from_base32)
    yield row("encoded as Base64", base64.b64encode)
    yield row("encoded as hexadecimal", binascii.hexlify)
    yield row("decoded from percent-encoding", lambda key: unquote(key.decode("latin-1")).encode())
    yield row("percent-encoded", lambda key: quote(key, safe="").encode())
    yield row("in UTF-16", _utf16)
    yield row("in Latin-1", _latin1)
    yield row("with its last character missing", lambda key: key[:-1])
    yield row("with its first character missing", lambda key: key[1:])
    yield row("backwards", lambda key: key[::-1])
    yield row("hashed with SHA-256", lambda key: hashlib.sha256(key).digest())
    yield row("hashed with SHA-256, in hexadecimal", lambda key: hashlib.sha256(key).hexdigest().encode())
    yield row(
        "hashed with MD5, in hexadecimal", lambda key: hashlib.md5(key, usedforsecurity=False).hexdigest().encode()
    )
    yield row("empty", _always(b""))
    for text in (b"None", b"undefined", b"null", b"***", b"[object Object]", b"Secret(***)", b"OKX_SECRET_KEY"):
        yield row(f"the text {text.decode()}", _always(text))


def _always(value: bytes) -> Change:
    return lambda key: value


def _from_hex(key: bytes) -> bytes | None:
    try:
        return bytes.fromhex(key.decode("ascii"))
    except ValueError:
        return None


def _from_base64(key: bytes) -> bytes | None:
    """As lenient decoders do: either alphabet, padding completed."""
    bare = key.strip().rstrip(b"=").replace(b"-", b"+").replace(b"_", b"/")
    try:
        return base64.b64decode(bare + b"=" * (-len(bare) % 4), validate=True)
    except ValueError:
        return None


def _from_base32(key: bytes) -> bytes | None:
    try:
        return base64.b32decode(key.strip().rstrip(b"=") + b"=" * (-len(key.strip().rstrip(b"=")) % 8))
    except ValueError:
        return None


def _utf16(key: bytes) -> bytes | None:
    try:
        return key.decode().encode("utf-16-le")
    except UnicodeDecodeError:
        return None


def _latin1(key: bytes) -> bytes | None:
    try:
        return key.decode().encode("latin-1")
    except UnicodeError:
        return None
