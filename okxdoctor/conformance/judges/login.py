"""Judge of `ws_login`: the one element of `args` of a login.

The timestamp is the given second as text, the signature covers it + GET + /users/self/verify, key and passphrase
arrive as they are. A JSON integer as timestamp is observed to pass and is only noted.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterator, Mapping
from typing import Any

from okxdoctor.conformance.judges import recipes
from okxdoctor.conformance.judges.shape import reply_failure
from okxdoctor.conformance.verdict import Failure

PATH = "/users/self/verify"
_WANTED = "the login argument: an object with apiKey, passphrase, timestamp and sign"


def judge(given: Mapping[str, Any], value: Any) -> Failure | None:
    """The first requirement that the login argument misses."""
    if not isinstance(value, Mapping):
        return reply_failure("ws_login", _WANTED, value)
    key, passphrase, sign, timestamp = (value.get(name) for name in ("apiKey", "passphrase", "sign", "timestamp"))
    is_number = type(timestamp) is int
    sent = str(timestamp) if is_number else timestamp
    if not (isinstance(key, str) and isinstance(passphrase, str) and isinstance(sign, str) and isinstance(sent, str)):
        return reply_failure("ws_login", _WANTED, value)
    return (
        _time(given["epoch_s"], sent)
        or _signature(given, sent, sign)
        or _same("apiKey", given["key"], key)
        or _same("passphrase", given["passphrase"], passphrase)
        or (_as_number(sent) if is_number else None)
    )


def _time(asked: str, sent: str) -> Failure | None:
    if sent == asked:
        return None
    seconds = asked.partition(".")[0]
    mistake = "another time"
    if sent.startswith(seconds) and sent.isdecimal() and len(sent) in (13, 16, 19):
        mistake = {13: "milliseconds sent", 16: "microseconds sent", 19: "nanoseconds sent"}[len(sent)]
    elif sent.startswith(f"{seconds}."):
        mistake = "a fraction of a second sent"
    elif "T" in sent or "-" in sent:
        mistake = "ISO-8601 sent"
    return Failure(
        code="timestamp.format",
        mistake=mistake,
        summary="the login must carry the given second as text",
        compares="timestamp",
        expected=asked,
        actual=sent,
    )


def _signature(given: Mapping[str, Any], sent: str, sign: str) -> Failure | None:
    secret = given["secret"]
    prehash = f"{sent}GET{PATH}"
    right = base64.b64encode(hmac.digest(secret.encode(), prehash.encode(), "sha256")).decode("ascii")
    if sign == right:
        return None
    for name, text in _templates(sent):
        made = base64.b64encode(hmac.digest(secret.encode(), text.encode(), "sha256")).decode("ascii")
        if made == sign:
            return Failure(
                code="signature.ws-template",
                mistake=name,
                summary=f"the login signs another text: {name}",
                compares="signed text",
                expected=prehash,
                actual=text,
            )
    recipe = recipes.find(
        secret=secret,
        timestamp=sent,
        method="GET",
        request_path=PATH,
        body="",
        sign=sign,
        others={"the passphrase": given["passphrase"], "the API key": given["key"]},
    )
    if recipe is None:
        return Failure(
            code="signature.unexplained",
            mistake="no known mistake gives this login signature",
            summary="the signature of the login is wrong, and no known mistake reproduces it",
            compares="signature",
            expected=right,
            actual=sign,
        )
    first = recipe.deviations[0]
    template = first.step in ("timestamp", "method", "path", "query", "body")
    mistake = " and ".join(map(str, recipe.deviations))
    return Failure(
        code="signature.ws-template" if template else first.code,
        mistake=mistake,
        summary=f"the signature of the login is reproduced with the {mistake}",
        compares="signed text" if template else "signature",
        expected=prehash if template else right,
        actual=recipe.prehash if template else sign,
    )


def _templates(sent: str) -> Iterator[tuple[str, str]]:
    for path in ("/ws/v5/private", "/ws/v5/business", "/ws/v5/public", f"/api/v5{PATH}", "/users/self/verify/"):
        yield f"the path {path} signed", f"{sent}GET{path}"
    seconds = sent.partition(".")[0]
    yield "milliseconds signed", f"{seconds}000GET{PATH}"
    if seconds.isdecimal() and len(seconds) < 12:
        from datetime import UTC, datetime

        iso = datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        yield "ISO-8601 signed", f"{iso}GET{PATH}"
        yield "the next second signed", f"{int(seconds) + 1}GET{PATH}"
        yield "the second before signed", f"{int(seconds) - 1}GET{PATH}"
    yield "with a fraction signed", f"{seconds}.0GET{PATH}"


def _same(name: str, asked: str, sent: str) -> Failure | None:
    if asked == sent:
        return None
    # Both are credentials of the harness, made up for the call; still nothing of a user's can end up here.
    return Failure(
        code="signature.request-altered",
        mistake=f"{name} is changed",
        summary=f"the signature is valid, but {name} is not the one that was given",
        compares=name,
        expected=asked,
        actual=sent,
    )


def _as_number(sent: str) -> Failure:
    return Failure(
        code="timestamp.format",
        mistake="the login timestamp as a JSON number",
        summary="the login timestamp is a JSON number; documented is text (numbers are observed to pass)",
        compares="timestamp",
        expected=f'"{sent}"',
        actual=sent,
        level="should",
    )
