"""The method that was signed."""

from __future__ import annotations

from collections.abc import Iterator

from okxdoctor.triage.recipe import Step, Variant, distinct

_METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS")
CAUSE = "signature.method-case"


def variants(sent: str) -> tuple[Variant[str], ...]:
    """What may have been signed where a request with method `sent` left."""
    return distinct([Variant(value=sent.upper()), *_mistakes(sent.upper())])


def _mistakes(sent: str) -> Iterator[Variant[str]]:
    def made(value: str, *rows: tuple[str, str]) -> Variant[str]:
        steps = tuple(Step(step="method", done=done, should_be=right, cause=CAUSE) for done, right in rows)
        return Variant(value=value, steps=steps)

    case, one = "in upper case", "the one sent"
    yield made(sent.lower(), ("in lower case", case))
    yield made(sent.capitalize(), ("capitalised", case))
    yield made("", ("left out", one))
    for other in _METHODS:
        if other != sent:
            yield made(other, (other, one))
    for text in ("undefined", "None", "null", "Method.GET", "Method.POST", "HTTPMethod.GET", "RequestMethod.GET"):
        yield made(text, (f"the text {text}", one))
    yield made(f"{sent} ", ("with a space after it", one))
    yield made(f"{sent}\n", ("with a line feed after it", one))
    for other in _METHODS:
        if other != sent:
            yield made(other.lower(), (other, one), ("in lower case", case))
            yield made(other.capitalize(), (other, one), ("capitalised", case))
