"""The first of two veils: what is known to be secret on the far side never enters a fact.

The sinks have their own redaction; this one keeps an echo (50110 prints the API key in its message, a proxy may
print a header) from becoming part of a fact at all.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from urllib.parse import quote

MASK = "***"

# A value shorter than this is no credential of the exchange (a passphrase has at least 8 characters) and stands
# inside ordinary words: masking "live" in every body would destroy the facts and protect nothing.
_SHORTEST = 6


class Veil:
    """Replaces secret texts by ``***``. Each is also known in the forms that it takes inside JSON and a URL."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._forms: list[str] = []
        for secret in secrets:
            self.add(secret)

    def add(self, secret: str) -> None:
        if len(secret) < _SHORTEST:
            return
        as_json = json.dumps(secret)[1:-1]
        for form in (secret, as_json, as_json.replace("/", "\\/"), quote(secret, safe="", errors="replace")):
            if form not in self._forms:
                self._forms.append(form)
        # The longest first, so that no part of a longer form is left standing.
        self._forms.sort(key=len, reverse=True)

    def __call__(self, text: str, *also: str) -> str:
        """The text without any of the secrets, ``also`` being secret for this text alone (a signature)."""
        for form in also:
            if len(form) >= _SHORTEST:
                text = text.replace(form, MASK)
        for form in self._forms:
            if form in text:
                text = text.replace(form, MASK)
        return text


def veil_header(name: str, value: str) -> str:
    """Cookies keep their name and attributes, which tell who set them, and lose their value."""
    if name not in ("set-cookie", "cookie"):
        return value
    pair, semicolon, attributes = value.partition(";")
    return f"{pair.partition('=')[0].strip()}={MASK}{semicolon}{attributes}"
