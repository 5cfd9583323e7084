"""Which mistake makes this signature: plausible ways to get it wrong, recomputed until one fits.

A signature is made in steps: a timestamp, a method, a path, a query and a body are written one after the other, keyed
by a secret, hashed, and written as text. Each step has its right form and the wrong forms that were seen in real
clients (reports in the cause vocabulary). First every single deviation is tried, then every pair. The names of steps
and deviations are those of the reference vectors.

Pure; about a hundred hashes for a single, some thousands for a pair.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, combinations
from typing import Any

from okxdoctor.conformance.judges import forms


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """A step that was done wrongly: ``step`` is what kind of thing, ``is_`` how it was done."""

    step: str
    is_: str

    @property
    def code(self) -> str:
        return cause_of(self.step, self.is_)

    def __str__(self) -> str:
        return f"{self.step} {self.is_}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What reproduces a signature: its deviations, and the text it was made of."""

    deviations: tuple[Deviation, ...]
    prehash: str


_ORDER = ("timestamp", "method", "path", "query", "body", "secret", "digest", "encoding")

_CAUSES = {
    "timestamp": "signature.timestamp-differs",
    "method": "signature.method-case",
    "path": "signature.path",
    "query": "signature.query-encoding",
    "body": "signature.body-reserialised",
    "order": "signature.prehash-order",
    "secret": "signature.secret-altered",
    "digest": "signature.digest",
    "encoding": "signature.encoding",
}
_NOT_TEXT = ("the text of a promise", "the text of an object", "the text of Python bytes")
_SPECIAL = {
    ("query", "left out"): "signature.query-unsigned",
    ("query", "without the ?"): "signature.path",
    ("query", "with a bare ?"): "signature.path",
}


def cause_of(step: str, is_: str) -> str:
    """The cause in the vocabulary for one deviation."""
    if step == "body" and (is_ == "left out" or is_.startswith("the text ")):
        return "signature.body-unsigned"
    if step == "encoding" and is_ in _NOT_TEXT:
        return "signature.not-text"
    if step == "query" and is_.startswith(("sorted", "reverse")):
        return "signature.query-sorted"
    return _SPECIAL.get((step, is_), _CAUSES[step])


def find(
    *,
    secret: str,
    timestamp: str,
    method: str,
    request_path: str,
    body: str,
    sign: str,
    params: Sequence[Sequence[Any]] | None = None,
    body_json: str | None = None,
    others: Mapping[str, str] | None = None,
) -> Recipe | None:
    """The recipe with the fewest deviations that gives ``sign``; None when none of singles and pairs does.

    The texts are those that are sent; ``params`` and ``body_json`` say what they were made from. ``others`` are texts
    that may stand in the secret's place, by name.
    """
    for step_form in _unreadable(sign):
        return Recipe(deviations=(step_form,), prehash="")
    path, mark, query = request_path.partition("?")
    axes: dict[str, Iterator[forms.Form]] = {
        "encoding": chain([forms.Form("", forms.base64_text)], forms.ENCODINGS),
        "digest": chain([forms.Form("", forms.keyed("sha256"))], forms.DIGESTS),
        "secret": chain([forms.Form("", secret.encode("utf-8", "surrogatepass"))], forms.secrets(secret, others or {})),
        "method": chain([forms.Form("", method.upper())], forms.methods(method)),
        "path": chain([forms.Form("", path)], forms.paths(path)),
        "body": chain([forms.Form("", body)], forms.bodies(body, body_json)),
        "query": chain([forms.Form("", f"{mark}{query}")], forms.queries(query, mark, params or ())),
        "timestamp": chain([forms.Form("", timestamp)], forms.timestamps(timestamp)),
    }
    right = {step: next(ways) for step, ways in axes.items()}
    known: dict[str, list[forms.Form]] = {}
    for step, ways in axes.items():
        known[step] = []
        seen = {right[step].value}
        for form in ways:
            if form.value in seen:  # comes out like an earlier one: a compact body of a body that is compact
                continue
            seen.add(form.value)
            known[step].append(form)
            made = {**right, step: form}
            if _signature(made) == sign:
                return _recipe(made)
    arranged = _arranged(right, sign)
    if arranged is not None:
        return arranged
    known["digest"], known["encoding"] = _of_length(len(sign), known["digest"], known["encoding"])
    for one, other in combinations(known, 2):
        for first in known[one]:
            for second in known[other]:
                made = {**right, one: first, other: second}
                if _signature(made) == sign:
                    return _recipe(made)
    return None


def _arranged(right: Mapping[str, forms.Form], sign: str) -> Recipe | None:
    """The right parts, put together in another way."""
    target = f"{right['path'].value}{right['query'].value}"
    parts = {"timestamp": right["timestamp"].value, "method": right["method"].value, "path": target}
    for form in forms.arrangements({**parts, "body": right["body"].value}):
        raw = right["digest"].value(right["secret"].value, form.value.encode("utf-8", "surrogatepass"))
        if right["encoding"].value(raw) == sign:
            return Recipe(deviations=(Deviation(step="order", is_=form.name),), prehash=form.value)
    return None


def _of_length(
    length: int, digests: list[forms.Form], encodings: list[forms.Form]
) -> tuple[list[forms.Form], list[forms.Form]]:
    """Of the wrong forms those that can give a text as long as the signature at all."""
    hashes = [forms.keyed("sha256"), *(digest.value for digest in digests)]
    writings = [forms.base64_text, *(encoding.value for encoding in encodings)]
    raws = [keyed(b"k", b"") for keyed in hashes]
    return (
        [
            one
            for one, raw in zip(digests, raws[1:], strict=True)
            if any(len(write(raw)) == length for write in writings)
        ],
        [one for one in encodings if any(len(one.value(raw)) == length for raw in raws)],
    )


def _prehash(made: Mapping[str, forms.Form]) -> str:
    return "".join(made[step].value for step in ("timestamp", "method", "path", "query", "body"))


def _signature(made: Mapping[str, forms.Form]) -> str:
    message = _prehash(made).encode("utf-8", "surrogatepass")
    text: str = made["encoding"].value(made["digest"].value(made["secret"].value, message))
    return text


def _recipe(made: Mapping[str, forms.Form]) -> Recipe:
    deviations = tuple(Deviation(step=step, is_=made[step].name) for step in _ORDER if made[step].name)
    return Recipe(deviations=deviations, prehash=_prehash(made))


def _unreadable(sign: str) -> Iterator[Deviation]:
    if sign.startswith(("[object Promise", "<coroutine")):
        yield Deviation(step="encoding", is_="the text of a promise")
    elif sign.startswith(("[object ", "<memory", "<built-in", "<function", "<hmac", "<_hashlib")):
        yield Deviation(step="encoding", is_="the text of an object")
