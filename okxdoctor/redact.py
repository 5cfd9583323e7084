"""The one point that every sink passes: nothing secret gets by it.

A :class:`Redactor` knows the secret values of this run and the places where secrets stand (header names,
members of a login, the user part of a URL). It works on values before they are laid out, so that no
escape or line break of a format can hide what it looks for; text that already has a layout (a traceback, a
log line) goes through :meth:`Redactor.text`, which therefore looks for the usual escapes as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from okxdoctor.secret import Secret

if TYPE_CHECKING:
    import logging

    from okxdoctor.model import Attempt, Diagnosis, Finding, Json, Report

MASK = "***"

SHORTEST = 4
"""A value shorter than this is not searched for in running text: it would hit ordinary words. Where its
name stands beside it (a header, a member, a URL) it is still masked."""

_NAMES = frozenset(
    {
        "sign",
        "signature",
        "passphrase",
        "apikey",
        "secret",
        "secretkey",
        "apisecret",
        "apipassphrase",
        "okaccesskey",
        "okaccesssign",
        "okaccesspassphrase",
        "okxapikey",
        "okxsecretkey",
        "okxapisecret",
        "okxpassphrase",
        "okxapipassphrase",
        "password",
        "proxyauthorization",
        "authorization",
        "cookie",
        "setcookie",
    }
)
"""Names (letters only, lower case) whose value is never shown."""

_HEADER = r"ok-access-(?:key|sign|passphrase)|proxy-authorization|authorization|(?:set-)?cookie"
_MEMBER = (
    r"sign|passphrase|password|api_?key|secret(?:_?key)?|api_?secret|api_?passphrase"
    r"|okx_(?:api_key|secret_key|api_secret|passphrase|api_passphrase)"
)

_QUOTED = re.compile(
    rf"""(?P<head>(?P<esc>\\?)(?P<q>["'])(?:{_HEADER}|{_MEMBER})(?P=esc)(?P=q)\s*[:,]\s*b?)"""
    r"""(?P<value>(?P<vesc>\\?)(?:"(?:[^"\\]|\\(?!").|\\")*?(?P=vesc)"|'(?:[^'\\]|\\.)*?'))""",
    re.IGNORECASE | re.DOTALL,
)
_HEADER_LINE = re.compile(rf"""(?P<head>\b(?:{_HEADER})\s*[:=][ \t]*)(?P<value>[^\s"'][^\r\n"']*)""", re.IGNORECASE)
_ASSIGNED = re.compile(
    rf"""(?P<head>\b(?:{_MEMBER})=)(?P<value>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s&"',;]+)""", re.IGNORECASE
)
_USERINFO = re.compile(r"""://(?!USER:PASSWORD@[^\s/?#"'<>@]*(?![^\s/?#"'<>]))[^\s/?#"'<>]+@""")
_PLACEHOLDER = re.compile(r"(?P<edge>[\"']?)…(?P=edge)")
"""What stands for a value in a line to be typed (``OKX_PASSPHRASE='…'``), as ``USER:PASSWORD`` does in a URL: masked,
it would look like a part of the line."""
_WORTH_A_LOOK = (
    "sign",
    "passphrase",
    "password",
    "apikey",
    "api_key",
    "access-key",
    "secret",
    "authorization",
    "cookie",
)
"""What some name of a secret contains. Searching for these is a hundred times quicker than for the patterns."""
_BASE64 = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/_=-")


def _letters(name: str) -> str:
    return "".join(c for c in name.lower() if c.isalnum())


def _plain_forms(value: str) -> Iterator[str]:
    """The value as escapes of common layouts write it."""
    import base64
    import html
    import json
    from urllib.parse import quote, quote_plus

    raw = value.encode("utf-8", "surrogatepass")
    yield value
    yield value.strip()
    for encoded in (quote(raw, safe=""), quote(raw), quote_plus(raw)):
        yield encoded
        yield re.sub(r"%[0-9A-F]{2}", lambda hit: hit.group().lower(), encoded)
    yield json.dumps(value)[1:-1]
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    yield json.dumps(json.dumps(value))[3:-3]
    yield repr(value)[1:-1]
    yield repr(raw)[2:-1]
    yield value.replace("\\", "\\\\").replace('"', '\\"')
    yield html.escape(value)
    yield html.escape(value, quote=False)
    yield raw.hex()
    yield raw.hex().upper()
    yield raw.decode("latin-1")
    yield base64.b64encode(raw).decode().rstrip("=")
    yield base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _base64_cores(value: str) -> Iterator[str]:
    """The characters of a base64 text that depend on the value alone, wherever in the input it stands.

    A value inside a longer input (``user:password``) starts at one of three offsets within a group of three
    bytes; the characters shared with its neighbours are left out.
    """
    import base64

    raw = value.encode("utf-8", "surrogatepass")
    for offset in range(3):
        padded = b"\0" * offset + raw
        whole = len(padded) // 3 * 3
        text = base64.b64encode(padded[:whole]).decode()
        core = text[4 if offset else 0 :]
        if len(core) >= 8:
            yield core
            yield core.replace("+", "-").replace("/", "_")


class Redactor:
    """Masks secrets in text and in JSON-able values.

    ``secrets`` are the values themselves; an empty one is ignored. The result never contains a value of four
    or more characters, nor its URL, JSON, repr, HTML, hexadecimal or base64 form; from eight bytes on not even
    encoded in base64 together with something else. Applying it twice changes nothing.
    """

    __slots__ = ("_cores", "_forms", "_values")

    def __init__(self, secrets: Iterable[Secret | str] = ()) -> None:
        values = {s.reveal() if isinstance(s, Secret) else s for s in secrets}
        self._values = frozenset(v for v in values if v)
        searched = [v for v in self._values if len(v) >= SHORTEST]
        forms = {form for v in searched for form in _plain_forms(v) if len(form) >= SHORTEST}
        self._forms = tuple(sorted(forms, key=lambda form: (-len(form), form)))
        self._cores = tuple(sorted({core for v in searched for core in _base64_cores(v)}))

    def __repr__(self) -> str:
        return f"Redactor({len(self._values)} values)"

    def also(self, secrets: Iterable[Secret | str]) -> Redactor:
        """A redactor that knows these values too."""
        return Redactor([*self._values, *secrets])

    def text(self, text: str) -> str:
        """The text with every secret replaced by ``***``."""
        # A replacement can bring characters together that form a secret again; every exact hit makes the text
        # shorter, so this ends.
        while True:
            masked = self._once(text)
            if masked == text:
                return text
            text = masked

    def _once(self, text: str) -> str:
        for core in self._cores:
            if core in text:
                text = _without_word(text, core)
        for form in self._forms:
            if form in text:
                text = text.replace(form, MASK)
        if "://" in text:
            text = _USERINFO.sub(f"://{MASK}@", text)
        lower = text.lower()
        if any(word in lower for word in _WORTH_A_LOOK):
            text = _QUOTED.sub(_mask_quoted, text)
            text = _HEADER_LINE.sub(lambda hit: hit["head"] + MASK, text)
            text = _ASSIGNED.sub(_mask_assigned, text)
        return text

    def value(self, value: Json) -> Json:
        """The same for a JSON-able value, keys and leaves, keeping its shape."""
        match value:
            case str():
                return self.text(value)
            case None | bool() | int() | float():
                return value
            case Mapping():
                return {
                    self.text(key): MASK if self._names_secret(key, item) else self.value(item)
                    for key, item in value.items()
                }
            case list() | tuple():
                items = [self.value(item) for item in value]
                if len(value) == 2 and isinstance(value[0], str) and self._names_secret(value[0], value[1]):
                    items = [items[0], MASK]
                return items if isinstance(value, list) else tuple(items)
        raise TypeError(f"not a JSON-able value: {type(value).__name__}")

    @staticmethod
    def _names_secret(name: str, item: Json) -> bool:
        return isinstance(item, str) and item != "" and _letters(name) in _NAMES

    def report(self, report: Report) -> Report:
        """A report with every free text and every fact redacted. Codes, ids and numbers stay."""
        return replace(
            report,
            target=replace(report.target, rest=self.text(report.target.rest), ws=self.text(report.target.ws)),
            diagnosis=tuple(map(self._diagnosis, report.diagnosis)),
            accepted=tuple(map(self._diagnosis, report.accepted)),
            attempts=tuple(map(self.attempt, report.attempts)),
            notes=tuple(map(self.text, report.notes)),
        )

    def attempt(self, attempt: Attempt) -> Attempt:
        """One attempt, redacted; progress displays show attempts before there is a report."""
        return replace(
            attempt,
            because=None if attempt.because is None else self.text(attempt.because),
            findings=tuple(map(self._finding, attempt.findings)),
            facts=self.value(attempt.facts),
            trace=None if attempt.trace is None else self.text(attempt.trace),
        )

    def _finding(self, finding: Finding) -> Finding:
        return replace(
            finding,
            summary=self.text(finding.summary),
            evidence=self._evidence(finding.evidence),
            remedy=tuple(map(self.text, finding.remedy)),
            excluded=tuple(map(self.text, finding.excluded)),
        )

    def _diagnosis(self, diagnosis: Diagnosis) -> Diagnosis:
        return replace(
            diagnosis,
            summary=self.text(diagnosis.summary),
            evidence=self._evidence(diagnosis.evidence),
            remedy=tuple(map(self.text, diagnosis.remedy)),
            excluded=tuple(map(self.text, diagnosis.excluded)),
            accepted=None if diagnosis.accepted is None else self.text(diagnosis.accepted),
        )

    def _evidence(self, evidence: Mapping[str, Json]) -> Mapping[str, Json]:
        return cast("Mapping[str, Json]", self.value(evidence))

    def trace(self, error: BaseException) -> str:
        """The traceback of an exception as text, redacted."""
        import traceback

        return self.text("".join(traceback.format_exception(error)))

    def log_filter(self) -> logging.Filter:
        """A filter for logging handlers: messages, arguments and tracebacks come out redacted."""
        import logging

        redactor = self

        class Redacting(logging.Filter):
            def filter(self, record: logging.LogRecord) -> bool:
                record.msg, record.args = redactor.text(record.getMessage()), ()
                if record.exc_info and record.exc_info[1] is not None:
                    record.exc_text = redactor.trace(record.exc_info[1])
                return True

        return Redacting()


def _without_word(text: str, core: str) -> str:
    """The text without the base64 words that ``core`` stands in: their ends carry some bits of the value too."""
    kept: list[str] = []
    done = 0
    while (hit := text.find(core, done)) >= 0:
        begin, end = hit, hit + len(core)
        while begin > done and text[begin - 1] in _BASE64:
            begin -= 1
        while end < len(text) and text[end] in _BASE64:
            end += 1
        kept += (text[done:begin], MASK)
        done = end
    return "".join((*kept, text[done:]))


def _mask_quoted(hit: re.Match[str]) -> str:
    value = hit["value"]
    edge = hit["vesc"] + value[len(hit["vesc"])]
    return f"{hit['head']}{edge}{MASK}{edge}"


def _mask_assigned(hit: re.Match[str]) -> str:
    return hit.group() if _PLACEHOLDER.fullmatch(hit["value"]) else f"{hit['head']}{MASK}"


def url_secrets(url: str) -> tuple[str, ...]:
    """The secret parts of a URL with credentials in it: the password, raw and decoded (or a lone token).

    Everything before the last ``@`` counts: a password with a raw ``/`` or ``@`` in it is no valid URL, but it is
    a password all the same.
    """
    from urllib.parse import unquote

    before, at, _ = url.partition("://")[2].rpartition("@")
    if not at:
        return ()
    user, colon, password = before.partition(":")
    secret = password if colon else user
    return tuple(dict.fromkeys(part for part in (secret, unquote(secret)) if part))


def shown_url(url: str) -> str:
    """The URL as it may be shown: ``http://***@host:port`` when there is anything before an ``@``, with or without a
    scheme."""
    scheme, separator, rest = url.partition("://") if "://" in url else ("", "", url)
    _, at, host = rest.rpartition("@")
    return f"{scheme}{separator}{MASK}@{host}" if at else url
