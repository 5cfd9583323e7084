"""What an HTTP answer looks like from outside, kept small: whether it is the API's, and if not, whose it is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, assert_never

from okxdoctor.knowledge.edge_table import challenged, edge_of
from okxdoctor.okx import envelope
from okxdoctor.port import Answer, Failure, Phases
from okxdoctor_checks._answers import of_the_api

EXCERPT, TITLE = 200, 80

_TITLE = re.compile(r"<title[^>]{0,200}>(.{0,400}?)</title", re.IGNORECASE | re.DOTALL)
_GOAWAY = re.compile(r"\bgoaway after (\d{1,9}) streams?\b")
_GOAL = re.compile(r"(?:(https?):)?//([^/?#\\]{1,253})|(?=/)", re.IGNORECASE)

# How pages word that a place is not served; 1009 is the CDN's own number for it.
_PLACE = r"\b(?:country|region|jurisdiction|location|territory)"
_REGION = re.compile(
    r"legal reasons|error(?: code)?:? 1009\b"
    rf"|(?:not|n't|un)\s{{0,2}}(?:available|accessible|supported|offered|provided)[^.<]{{0,60}}{_PLACE}"
    rf"|(?:restricted|blocked|banned|prohibited|sanctioned)[^.<]{{0,40}}{_PLACE}"
    rf"|block access from your {_PLACE}"
    rf"|{_PLACE}[^.<]{{0,60}}(?:restricted|blocked|banned|not served|prohibited)",
    re.IGNORECASE,
)
_CHALLENGE = re.compile(
    r"cf-chl-|challenge-platform|just a moment|attention required|checking your browser|captcha|cf-error-details"
    r"|you have been blocked|access denied|request unsuccessful",
    re.IGNORECASE,
)
# What nginx, Apache, Go and Tomcat say to plain HTTP on a port of theirs that speaks TLS.
_WANTS_TLS = re.compile(
    r"plain http request was sent to https port|speaking plain http to an ssl-enabled server port"
    r"|client sent an http request to an https server|combination of host and port requires tls",
    re.IGNORECASE,
)
_SIGN_IN = re.compile(r"captive|hotspot|guest (?:network|access|wi-?fi)|log ?in to|sign ?in to", re.IGNORECASE)

Body = Literal["envelope", "json", "broken-json", "html", "empty", "text"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One answer, or the failure that came instead.

    ``body``: envelope (with ``code``) | json without one | broken-json | html | empty | text. ``misread``: it held
    bytes that its encoding does not have, or was not in the coding that it claims. ``length`` characters of text came;
    ``announced`` is Content-Length. ``edge``: the known edge that it came through; ``mitigated``: with what that asks
    for a proof. ``redirect_host``: where a Location leads, "" for none or the same host; ``redirect_path`` and
    ``redirect_scheme``: those of it, where they are others than were asked.
    ``ended_after``: streams after which HTTP/2 was ended. ``retried``: it was asked again, because a used connection
    ended without an answer. ``asked``: method and path, where others than this check asked.
    """

    asked: str = ""
    status: int | None = None
    body: Body = "empty"
    code: str = ""
    server: str = ""
    ray: str = ""
    mitigated: str = ""
    edge: str = ""
    content_type: str = ""
    content_encoding: str = ""
    announced: int | None = None
    length: int = 0
    truncated: bool = False
    misread: bool = False
    redirect_host: str = ""
    redirect_path: str = ""
    redirect_scheme: str = ""
    title: str = ""
    excerpt: str = ""
    speaks_of_region: bool = False
    speaks_of_challenge: bool = False
    speaks_of_sign_in: bool = False
    speaks_of_tls: bool = False
    http_version: str = ""
    reused: bool = False
    retried: bool = False
    phases: Phases = field(default_factory=Phases)
    failure: Failure | None = None
    ended_after: int | None = None
    waited_ms: float = 0.0


def seen(answer: Answer, host: str) -> Page:
    """The page that an answer is; ``host`` is the one that was asked."""
    waited_ms = round(max(answer.received_mono_ns - answer.sent_mono_ns, 0) / 1e6, 1)
    if answer.status is None or answer.failure is not None:
        failure = answer.failure or Failure(kind="other", phase="first-byte")
        ended = _GOAWAY.search(failure.detail.lower())
        return Page(
            status=answer.status,
            server=_header(answer, "server"),
            failure=Failure(kind=failure.kind, phase=failure.phase, detail=failure.detail[:120]),
            http_version=answer.http_version[:20],
            ended_after=int(ended.group(1)) if ended else answer.ended_after,
            reused=answer.reused,
            phases=answer.phases,
            waited_ms=max(waited_ms, round(answer.phases.total_ms, 1)),
        )
    body, code = _body(answer)
    title = _TITLE.search(answer.body[:20_000])
    words = answer.body[:20_000] if body not in ("envelope",) else ""
    announced = _header(answer, "content-length")
    headers = {name: value.strip() for name, value in answer.headers}
    redirect_host, redirect_path, redirect_scheme = _elsewhere(answer, host)
    return Page(
        status=answer.status,
        body=body,
        code=code[:16],
        server=_header(answer, "server"),
        ray=_header(answer, "cf-ray"),
        mitigated=_line(challenged(headers), 40),
        edge=edge_of(headers, words),
        content_type=_header(answer, "content-type"),
        content_encoding=_header(answer, "content-encoding"),
        announced=int(announced) if announced.isascii() and announced.isdecimal() and len(announced) < 16 else None,
        length=len(answer.body),
        truncated=answer.truncated,
        misread="\ufffd" in answer.body or answer.miscoded,
        redirect_host=redirect_host,
        redirect_path=redirect_path,
        redirect_scheme=redirect_scheme,
        title=_line(title.group(1), TITLE) if title else "",
        excerpt=_line(answer.body, EXCERPT) if body != "envelope" else "",
        speaks_of_region=_REGION.search(words) is not None,
        speaks_of_challenge=_CHALLENGE.search(words) is not None,
        speaks_of_sign_in=_SIGN_IN.search(words) is not None,
        speaks_of_tls=_WANTS_TLS.search(words) is not None,
        http_version=answer.http_version[:20],
        reused=answer.reused,
        retried=answer.retried,
        phases=answer.phases,
        ended_after=answer.ended_after,
        waited_ms=waited_ms,
    )


def _header(answer: Answer, name: str, most: int = 80) -> str:
    return (answer.header(name) or "").strip()[:most]


def _line(text: str, most: int) -> str:
    """The beginning in one printable line."""
    return " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * most]).split())[:most]


def _elsewhere(answer: Answer, host: str) -> tuple[str, str, str]:
    """Host, path and scheme that a Location leads to, each "" where it is the one that was asked.

    A slash more or less at the end is the same path, and what stands behind ``?`` is left out: it may hold a token.
    """
    location = _header(answer, "location", 400)
    found = _GOAL.match(location)
    if found is None:
        return "", "", ""
    scheme, named = (found.group(1) or "").lower(), found.group(2) or ""
    named = named.rpartition("@")[2]
    named = (named.rpartition(":")[0] or named).lower()
    path = re.split(r"[?#]", location[found.end() :], maxsplit=1)[0]
    asked_scheme, _, asked = answer.url.partition("://")
    asked_path = f"/{asked.partition('?')[0].partition('/')[2]}"
    return (
        "" if named in ("", host.lower()) else named,
        "" if path.rstrip("/") == asked_path.rstrip("/") else _line(path or "/", TITLE),
        scheme if asked_scheme and scheme != asked_scheme.lower() else "",
    )


def _body(answer: Answer) -> tuple[Body, str]:
    text = answer.body.strip()
    if not text:
        return "empty", ""
    match envelope.decode(answer.status or 0, answer.body):
        case (envelope.Ok() | envelope.Rejected() | envelope.Partial()) as found if of_the_api(found):
            return "envelope", found.code
        case envelope.Ok() | envelope.Rejected() | envelope.Partial():
            return "json", ""
        case envelope.Http() | envelope.NotJson():
            pass
        case _ as never:
            assert_never(never)
    if text[:1] in "{[":
        return ("json" if _is_json(text) else "broken-json"), ""
    html = text[:1] == "<" or "html" in (answer.header("content-type") or "").lower()
    return ("html" if html else "text"), ""


def _is_json(text: str) -> bool:
    import json

    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def reuse_seen(pages: Sequence[Page]) -> bool:
    """Whether it is seen what becomes of connections that are used again.

    One used connection that ended may have grown stale in the pool; another one that does has not.
    """
    return sum(page.retried for page in pages) != 1 and any(page.reused or page.retried for page in pages)
