"""A response body from bytes to text: content codings undone within a limit, charset honoured, never a crash."""

from __future__ import annotations

import codecs
import re
import zlib

LIMIT = 2_000_000
"""Decoded bytes kept of one body. A gzip bomb ends here: nothing beyond is ever inflated."""

ACCEPTED = "gzip, deflate"

_CHARSET = re.compile(r'charset\s*=\s*"?([\w.:-]{1,40})', re.IGNORECASE)


def undo(raw: bytes, coding: str, *, limit: int = LIMIT) -> tuple[bytes, bool]:
    """The decoded bytes, and whether the limit cut them.

    What does not decode is given back as it came: a body that is not what its Content-Encoding says is a fact
    for the judge, who has the header beside it.
    """
    data, cut = raw, False
    for name in reversed([part.strip().lower() for part in coding.split(",") if part.strip()]):
        if name in ("gzip", "x-gzip"):
            inflated = _inflate(data, limit, 31)
        elif name == "deflate":
            # RFC 9110 §8.4.1.2 means the zlib format; some servers send the bare one.
            inflated = _inflate(data, limit, 15) or _inflate(data, limit, -15)
        elif name == "identity":
            continue
        else:
            inflated = None
        if inflated is None:
            return raw[:limit], len(raw) > limit
        data, more = inflated
        cut = cut or more
    return data[:limit], cut or len(data) > limit


def _inflate(data: bytes, limit: int, window: int) -> tuple[bytes, bool] | None:
    inflating = zlib.decompressobj(window)
    try:
        inflated = inflating.decompress(data, limit)
    except zlib.error:
        return None
    if window < 0 and not inflating.eof and not inflating.unconsumed_tail:
        # The bare format has no mark of its own: almost any text begins like it, but does not end like it.
        return None
    return inflated, bool(inflating.unconsumed_tail)


def text(data: bytes, content_type: str) -> str:
    """Bytes as text, by the charset named or UTF-8; what does not fit becomes U+FFFD."""
    named = _CHARSET.search(content_type)
    if named:
        try:
            codec = codecs.lookup(named.group(1))
            # Codecs such as "hex" or "zlib" are no charsets, and a stranger may name them.
            if codec._is_text_encoding:
                return data.decode(codec.name, "replace")
        except (LookupError, ValueError):
            pass
    return data.decode("utf-8", "replace")
