"""What a capture shows without the secret: header set, shapes, timestamp form and age, path, body. Pure and total."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches

from okxdoctor.knowledge import endpoint, tunable
from okxdoctor.model import Confidence, Finding, Severity
from okxdoctor.okx.timestamps import Flaw, header_flaws, login_flaws
from okxdoctor.triage import answers
from okxdoctor.triage.axes import digests, written
from okxdoctor.triage.axes.times import moment_us
from okxdoctor.triage.capture import Login, Request, Response, is_redacted

KEY, SIGN, TIMESTAMP, PASSPHRASE = "OK-ACCESS-KEY", "OK-ACCESS-SIGN", "OK-ACCESS-TIMESTAMP", "OK-ACCESS-PASSPHRASE"
AUTH_HEADERS = (KEY, SIGN, TIMESTAMP, PASSPHRASE)

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_UNSTEADY = re.compile(r"/(\?|$)|\?$|[^!-~]")
"""What libraries drop, keep or rewrite as they like: a dangling / or ?, a blank, a character outside ASCII."""

_RIGHT_SIGN = re.compile(r"[A-Za-z0-9+/]{43}=")


def of_request(request: Request) -> Iterator[Finding]:
    """Every finding about one REST request that needs no secret."""
    if is_private(request):
        yield from _header_set(request)
        yield from sign_shape(request.header(SIGN))
        yield from _timestamp(request)
        yield from _credentials(request.header(KEY), request.header(PASSPHRASE))
    yield from _target(request)
    yield from _body(request)


def of_login(login: Login) -> Iterator[Finding]:
    """Every finding about a WebSocket login that needs no secret."""
    members = {"apiKey": login.key, "passphrase": login.passphrase, "timestamp": login.timestamp, "sign": login.sign}
    missing = [name for name, value in members.items() if not value]
    if missing:
        yield Finding(
            code="header.missing",
            summary=f"The login lacks {' and '.join(missing)}.",
            evidence={"missing": missing, "hints": list(login.remarks)},
        )
    yield from sign_shape(login.sign)
    if login.timestamp and not is_redacted(login.timestamp):
        flaws = [flaw for flaw in login_flaws(login.timestamp) if flaw is not Flaw.FRACTIONAL_SECONDS]
        if flaws:
            yield Finding(
                code="timestamp.format",
                summary=f"The login's timestamp is {flaws[0].value}: the WebSocket wants whole epoch seconds.",
                evidence={"timestamp": login.timestamp[:60], "flaws": [flaw.value for flaw in flaws]},
            )
        yield from _age(login.timestamp, login.response)
    yield from _credentials(login.key, login.passphrase)


def is_private(request: Request) -> bool:
    """Whether the request must be signed: it carries a header of the signature, or its endpoint asks for one."""
    if any(name.lower().replace("_", "-").startswith("ok-access-") for name, _ in request.headers):
        return True
    row = endpoint(request.method, request.path.rstrip("/"))
    return row is not None and row.auth


# ---- headers -------------------------------------------------------------------------------------------------------


def _header_set(request: Request) -> Iterator[Finding]:
    present = {name.lower(): value for name, value in request.headers}
    missing = [name for name in AUTH_HEADERS if not present.get(name.lower(), "").strip()]
    if missing:
        near = {name: found for name in missing if (found := _near(name, request))}
        empty = [name for name in missing if name.lower() in present]
        how = "is empty" if len(missing) == 1 and empty else "are empty" if len(empty) == len(missing) else "missing"
        said = f"{_listed(missing)} {how}" if how != "missing" else f"The request lacks {_listed(missing)}"
        hint = "".join(f"; {found} was sent instead of {name}" for name, found in near.items())
        yield Finding(
            code="header.missing",
            summary=f"{said}{hint}.",
            evidence={"missing": missing, "empty": empty, "sent_instead": dict(near)},
        )
    counts = [
        name for name in AUTH_HEADERS if sum(written.lower() == name.lower() for written, _ in request.headers) > 1
    ]
    if counts:
        yield Finding(
            code="header.missing",
            summary=f"{_listed(counts)} is sent more than once: a server may take either, or both joined by a comma.",
            evidence={"repeated": counts},
            severity=Severity.WARNING,
            confidence=Confidence.POSSIBLE,
        )
    if request.method in ("POST", "PUT", "PATCH") and request.body:
        kind = request.header("Content-Type")
        if kind is None or not kind.strip():
            yield Finding(
                code="header.missing",
                summary="The request has a body and no Content-Type; OKX wants application/json.",
                evidence={"missing": ["Content-Type"]},
                confidence=Confidence.LIKELY,
            )


def _near(name: str, request: Request) -> str | None:
    """A header that was probably meant to be `name`."""
    others = {written.upper().replace("_", "-"): written for written, _ in request.headers}
    others = {
        upper: written for upper, written in others.items() if upper not in AUTH_HEADERS or upper != written.upper()
    }
    if name in others:
        return others[name]
    tail = name.removeprefix("OK-ACCESS-")
    likely = {"SIGN": ("SIGNATURE",), "KEY": ("API-KEY", "APIKEY"), "PASSPHRASE": ("PASS", "PASSWORD"),
              "TIMESTAMP": ("TIME",)}[tail]  # fmt: skip
    for upper, written_name in others.items():
        bare = (
            upper.removeprefix("OK-ACCESS-").removeprefix("OKX-ACCESS-").removeprefix("OKEX-ACCESS-").removeprefix("X-")
        )
        if bare == tail or bare in likely:
            return written_name
    close = get_close_matches(name, [upper for upper in others if upper.startswith("O")], n=1, cutoff=0.85)
    return others[close[0]] if close and close[0] not in AUTH_HEADERS else None


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


# ---- signature -----------------------------------------------------------------------------------------------------


def sign_shape(sign: str | None) -> Iterator[Finding]:
    """What the mere text of a signature tells: 44 characters of Base64 for 32 bytes are right."""
    if not sign or not sign.strip() or is_redacted(sign) or _RIGHT_SIGN.fullmatch(sign):
        return
    what = written.object_text(sign)
    shape = {"length_characters": len(sign)}
    if what is not None:
        yield Finding(
            code="signature.not-text",
            summary=f"The signature is the print-out of {what}, not a signature.",
            evidence={**shape, "looks_like": what},
        )
        return
    readings = [reading for reading in written.readings(sign) if len(reading.value) in digests.SIZES]
    sha256 = [reading for reading in readings if len(reading.value) == 32]
    if sha256 and sha256[0].steps:
        step = sha256[0].steps[0]
        yield Finding(
            code=step.cause,
            summary=f"The signature is {step.done}; OKX wants the Base64 of the 32 bytes, 44 characters.",
            evidence={**shape, "looks_like": step.done},
        )
    elif readings:
        size = len(readings[0].value)
        names = [method.name for method in digests.of_size(size)][:3]
        yield Finding(
            code="signature.digest",
            summary=f"The signature stands for {size} bytes, as of {names[0]}; HMAC-SHA256 has 32.",
            evidence={**shape, "digest_bytes": size, "fits": names},
            confidence=Confidence.LIKELY,
        )
    else:
        yield Finding(
            code="signature.encoding",
            summary=f"The signature has {len(sign)} characters, the Base64 of no digest; OKX wants 44 for 32 bytes.",
            evidence=shape,
            confidence=Confidence.LIKELY,
        )


# ---- timestamp -----------------------------------------------------------------------------------------------------


def _timestamp(request: Request) -> Iterator[Finding]:
    text = request.header(TIMESTAMP)
    if not text or not text.strip() or is_redacted(text):
        return
    flaws = header_flaws(text)
    if flaws:
        yield Finding(
            code="timestamp.format",
            summary=f"{TIMESTAMP} has the wrong form: {', '.join(flaw.value for flaw in flaws)}.",
            evidence={"timestamp": text[:60], "flaws": [flaw.value for flaw in flaws]},
        )
    yield from _age(text, request.response)


# Answers that leave the age open: none known, the refusal for it, and refusals that come before it is looked at.
_AGE_OPEN = frozenset(
    {"", "50102", "60006", "50103", "50104", "50106", "50107", "50111", "50112", "60004", "60005", "60009"}
)


def _age(text: str, answer: Response) -> Iterator[Finding]:
    """Judged only against the Date of the answer: the capture's own time. Nothing else here knows when it was sent."""
    us, now_ms = moment_us(text), answer.date_ms
    if us is None or now_ms is None or answer.code not in _AGE_OPEN:
        return
    age_s = (now_ms - us // 1000) / 1000
    window_s = tunable("request_window_s")
    # Date has a resolution of one second and is written after the request was judged.
    if abs(age_s) <= window_s + 1:
        return
    quarter = round(age_s / 900)
    shift = quarter != 0 and abs(age_s - quarter * 900) <= 5
    direction = "behind" if age_s > 0 else "ahead of"
    zone = f", {abs(quarter) / 4:g} hours to within seconds: a time zone" if shift else ""
    yield Finding(
        code="clock.timezone-shift" if shift else "timestamp.expired",
        summary=f"The timestamp is {abs(age_s):.0f} s {direction} the answer's Date{zone}; OKX allows {window_s:g} s.",
        evidence={"age_s": age_s, "window_s": window_s},
        confidence=Confidence.LIKELY if shift else Confidence.CERTAIN,
    )


# ---- key and passphrase --------------------------------------------------------------------------------------------


def _credentials(key: str | None, passphrase: str | None) -> Iterator[Finding]:
    if key and key.strip() and not is_redacted(key) and not _UUID.fullmatch(key):
        bare = key.strip().strip("\"'")
        why = (
            "blanks or quotation marks around it"
            if _UUID.fullmatch(bare)
            else "not 36 characters of hexadecimal and hyphens"
        )
        if _UUID.fullmatch(key.replace("-", "")) or re.fullmatch(r"[0-9a-fA-F]{32}", key):
            why = "no hyphens, as the secret has: key and secret may be exchanged"
        yield Finding(
            code="key.malformed",
            summary=f"The API key does not have the form of a key: {why}.",
            evidence={"length_characters": len(key), "why": why},
            confidence=Confidence.LIKELY,
        )
    if passphrase and passphrase.strip() and not is_redacted(passphrase):
        trouble = _passphrase_trouble(passphrase)
        if trouble:
            yield Finding(
                code="key.passphrase-wrong",
                summary=f"The passphrase as sent {trouble}.",
                evidence={"length_characters": len(passphrase), "why": trouble},
                severity=Severity.WARNING,
                confidence=Confidence.POSSIBLE,
            )


def _passphrase_trouble(passphrase: str) -> str | None:
    if passphrase.strip() != passphrase:
        return "has white space around it"
    if len(passphrase) > 2 and passphrase[0] == passphrase[-1] and passphrase[0] in "\"'":
        return "stands in quotation marks, which are sent with it"
    if written.object_text(passphrase) is not None or passphrase in ("undefined", "None", "null"):
        return "is the text of a missing value"
    if not passphrase.isprintable():
        return "holds a control character"
    return None


# ---- path and body -------------------------------------------------------------------------------------------------


def _target(request: Request) -> Iterator[Finding]:
    path = request.path
    why = None
    if "//" in path:
        why = "has two slashes in a row"
    elif not path.startswith("/api/v5/"):
        why = "does not begin with /api/v5/"
    elif request.response.code in answers.BAD_SIGN and _UNSTEADY.search(request.target):
        why = "ends in a slash or a question mark, or holds characters that libraries rewrite before sending"
    if why:
        yield Finding(
            code="signature.path",
            summary=f"The request path {why}.",
            evidence={"request_path": request.target[:200], "why": why},
            severity=Severity.WARNING,
            confidence=Confidence.POSSIBLE if path.startswith("/api/v5/") else Confidence.LIKELY,
        )


def _body(request: Request) -> Iterator[Finding]:
    body = request.body
    kind = (request.header("Content-Type") or "").partition(";")[0].strip().lower()
    if request.method in ("GET", "HEAD") and body:
        yield Finding(
            code="signature.body-unsigned",
            summary=f"A {request.method} carries a body of {len(body)} bytes: sign it too, or better send none.",
            evidence={"body_bytes": len(body)},
            severity=Severity.WARNING,
            confidence=Confidence.POSSIBLE,
        )
        return
    if not body or request.method not in ("POST", "PUT", "PATCH"):
        return
    is_json = body.lstrip()[:1] in (b"{", b"[")
    if not is_json and (kind == "application/x-www-form-urlencoded" or re.match(rb"[\w.%\[\]-]+=[^{]*$", body)):
        yield Finding(
            code="signature.body-unsigned",
            summary="The body is form-encoded; OKX reads JSON only, so the JSON that was signed was not sent.",
            evidence={"content_type": kind, "body_bytes": len(body)},
            confidence=Confidence.LIKELY,
        )
    elif kind and kind != "application/json" and not kind.endswith("+json"):
        yield Finding(
            code="header.missing",
            summary=f"Content-Type is {kind[:60]}; OKX wants application/json.",
            evidence={"content_type": kind[:60]},
            confidence=Confidence.LIKELY,
        )
