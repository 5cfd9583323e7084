"""Judge of `sign`: the signature covers what is sent, and what is sent means what was asked.

Two requirements, each with failures of its own:

1. `sign` is Base64 of HMAC-SHA256 over timestamp + METHOD + request_path + body, the exact texts that are put on the
   wire. A miss is traced to its mistake by recomputing (`recipes`).
2. The request is the one that was asked for: the path, each parameter in its order, repeated names kept, nulls left
   out, the same JSON with exact numbers. A valid signature over another request is `signature.request-altered`: the
   exchange carries it out without a word.

A query is read as servers read it: `&` and `=` separate, `+` is a space, %XX are UTF-8 bytes (assumed for `+`; OKX
documents commas only). Of a list every convention that carries its items is right (`values`). Characters that cannot
stand in a request line are a failure although the signature covers them: the HTTP library escapes them on the way
out, and then it covers them no longer.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from okxdoctor.conformance.exact import NotJson, json_value, same, same_but_for_floats
from okxdoctor.conformance.judges import recipes, values
from okxdoctor.conformance.judges.shape import reply_failure, shown
from okxdoctor.conformance.judges.values import Pairs, decoded
from okxdoctor.conformance.verdict import Failure

ALTERED = "signature.request-altered"
CHANGED = "a value is changed"
ONCE = "a repeated name is sent once"
LEFT_OUT = "a parameter is left out"
_WANTED = "an object with the texts sign, request_path and body"

# Not allowed in a request target by RFC 3986, and escaped by every HTTP library that was tried.
_NEVER_RAW = re.compile(r'[^\x21-\x7e]|["<>#]')
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
# Not allowed by RFC 3986 either, but sent as they are by browsers and Node.
_RISKY_RAW = re.compile(r"[\\^`{|}]")


def judge(given: Mapping[str, Any], value: Any) -> Failure | None:
    """The first requirement that the answer misses: the signature first, then the meaning of what is sent."""
    parts = _parts(value)
    if parts is None:
        return reply_failure("sign", _WANTED, value)
    sign, request_path, body = parts
    prehash = f"{given['timestamp']}{given['method'].upper()}{request_path}{body}"
    raw = hmac.digest(given["secret"].encode(), prehash.encode("utf-8", "surrogatepass"), "sha256")
    right = base64.b64encode(raw).decode("ascii")
    if not hmac.compare_digest(sign.encode("utf-8", "surrogatepass"), right.encode()):
        return _wrong_signature(given, sign, request_path, body, prehash, right)
    return (
        _unsendable(request_path)
        or _path(given["path"], request_path)
        or _params(given["params"], request_path)
        or _body(given["method"], given["body_json"], body)
        or _risky(request_path)
    )


def _parts(value: Any) -> tuple[str, str, str] | None:
    if not isinstance(value, Mapping):
        return None
    sign, request_path, body = value.get("sign"), value.get("request_path"), value.get("body")
    body = "" if body is None else body
    if isinstance(sign, str) and isinstance(request_path, str) and isinstance(body, str):
        return sign, request_path, body
    return None


# ---- the signature -----------------------------------------------------------------------------------------


def _wrong_signature(
    given: Mapping[str, Any], sign: str, request_path: str, body: str, prehash: str, right: str
) -> Failure:
    recipe = recipes.find(
        secret=given["secret"],
        timestamp=given["timestamp"],
        method=given["method"],
        request_path=request_path,
        body=body,
        sign=sign,
        params=given["params"],
        body_json=given["body_json"],
    )
    if recipe is None:
        return Failure(
            code="signature.unexplained",
            mistake="no known mistake gives this signature",
            summary="the signature is wrong, and no single known mistake nor any pair of them reproduces it",
            compares="signature",
            expected=right,
            actual=sign,
        )
    mistake = " and ".join(map(str, recipe.deviations))
    if [one.step for one in recipe.deviations] == ["body"] and body:
        # The body was signed whole and lost something afterwards: one mistake, however the signed one was rendered.
        lost = _body(given["method"], given["body_json"], body)
        if lost is not None and "member" in lost.mistake:
            mistake = f"body as it was before: {lost.mistake}"
    signed_text = any(
        one.step in ("timestamp", "method", "path", "query", "body", "order") for one in recipe.deviations
    )
    return Failure(
        code=recipe.deviations[0].code,
        mistake=mistake,
        summary=f"the signature is not that of what is sent; it is reproduced with the {mistake}",
        compares="signed text" if signed_text else "signature",
        expected=prehash if signed_text else right,
        actual=recipe.prehash if signed_text else sign,
    )


# ---- what is sent ------------------------------------------------------------------------------------------


def _unsendable(request_path: str) -> Failure | None:
    found = _NEVER_RAW.search(request_path) or _BAD_ESCAPE.search(request_path)
    if found is None:
        return None
    character = found.group()
    name = {" ": "a raw space", "#": "a raw #", "%": "a raw %", '"': "a raw quote"}.get(character)
    name = name or ("a raw control character" if character < " " or character == "\x7f" else "")
    name = name or (f"a raw {character}" if character.isascii() else "raw non-ASCII text")
    return Failure(
        code="signature.query-encoding",
        mistake=f"{name} in the request path",
        summary=f"the request path holds {name}: it cannot be sent as it was signed",
        compares="request path",
        expected="percent-encoded, and sent as it was signed",
        actual=request_path,
    )


def _risky(request_path: str) -> Failure | None:
    found = _RISKY_RAW.search(request_path)
    if found is None:
        return None
    return Failure(
        code="signature.query-encoding",
        mistake=f"a raw {found.group()} in the request path",
        summary=f"a raw {found.group()} in the request path: some HTTP libraries escape it after it was signed",
        compares="request path",
        expected=f"%{ord(found.group()):02X}",
        actual=request_path,
        level="should",
    )


def _altered(mistake: str, summary: str, compares: str, expected: str, actual: str) -> Failure:
    return Failure(
        code=ALTERED,
        mistake=mistake,
        summary=f"the signature is valid, but for another request: {summary}",
        compares=compares,
        expected=expected,
        actual=actual,
    )


def _path(path: str, request_path: str) -> Failure | None:
    sent = request_path.partition("?")[0]
    if sent == path or decoded(sent) == path:
        return None
    return _altered("another path", "the path is another one", "path", path, sent)


def _params(params: Sequence[Sequence[Any]] | None, request_path: str) -> Failure | None:
    query = request_path.partition("?")[2]
    sent = values.read(query)
    asked, way = values.asked(params, sent)
    if sent == asked:
        return _own_text(params, way, query) if way in values.OWN_TEXTS else None
    nulls = {name for name, value in params or () if value is None}
    mistake = _how_altered(asked, sent, nulls, query)
    names = [name for name, _ in params or ()]
    of_lists = (CHANGED, LEFT_OUT) if len(set(names)) < len(names) else (CHANGED, LEFT_OUT, ONCE)
    if mistake in of_lists and values.lost_items(params, sent):
        mistake = "a list is sent without some of its items"
    expected, actual = shown([list(pair) for pair in asked]), shown([list(pair) for pair in sent])
    if mistake == "parameters in another order":
        # Same parameters, signed as sent: the exchange takes it. Order among equal names is checked before.
        return Failure(
            code="signature.query-sorted",
            mistake=mistake,
            summary="the parameters are sent and signed in another order than given; the exchange accepts that",
            compares="parameters",
            expected=expected,
            actual=actual,
            level="should",
        )
    return _altered(mistake, mistake, "parameters", expected, actual)


def _own_text(params: Sequence[Sequence[Any]] | None, way: str, query: str) -> Failure:
    # OKX documents no list but that with commas; it will refuse this one, and say so.
    return Failure(
        code=ALTERED,
        mistake="a list is sent as a text that no server reads",
        summary=f"a list is sent {way}: the signature is valid, but no server is known to read that as a list",
        compares="query",
        expected="&".join(f"{name}={value}" for name, value in values.written(params, values.with_commas)),
        actual=query,
        level="should",
    )


def _how_altered(asked: Pairs, sent: Pairs, nulls: set[str], query: str) -> str:
    if any(name in nulls for name, _ in sent if (name, _) not in asked):
        return "an absent value is sent as text"
    if [pair for pair in asked if pair[1]] == [pair for pair in sent if pair[1]] and len(sent) < len(asked):
        return "an empty value is left out"
    if len({name for name, _ in asked}) < len(asked) and len(sent) < len(asked) and dict(sent) in _picks(asked):
        return ONCE
    if sorted(sent) == sorted(asked):
        same_order = all(
            [value for name, value in sent if name == key] == [value for name, value in asked if name == key]
            for key, _ in asked
        )
        return "parameters in another order" if same_order else "values of a repeated name in another order"
    if sent == [(name.replace("+", " "), value.replace("+", " ")) for name, value in asked]:
        return "a raw + means a space"
    if sent == [(_escape(name), _escape(value)) for name, value in asked] or ("%25" in query and _twice(asked, sent)):
        return "values are encoded twice"
    if sent == [(decoded(name), decoded(value)) for name, value in asked]:
        return "a raw % in a value decodes it"
    if [(name, value.lower()) for name, value in asked] == [(name, value.lower()) for name, value in sent]:
        return "a value in another letter case"
    if [(name, value.strip()) for name, value in asked] == [(name, value.strip()) for name, value in sent]:
        return "white space around a value is dropped"
    if len(sent) < len(asked) and all(pair in asked for pair in sent):
        return LEFT_OUT
    if any("&" in value or "=" in value for pair in asked for value in pair):
        return "a raw & or = splits a value"
    if len(sent) > len(asked) and all(pair in sent for pair in asked):
        return "a parameter is added"
    return CHANGED


def _picks(asked: Pairs) -> list[dict[str, str]]:
    return [dict(asked), dict(reversed(asked))]


def _escape(text: str) -> str:
    return "".join(
        c if (c.isalnum() and c.isascii()) or c in "-._~" else "".join(f"%{b:02X}" for b in c.encode()) for c in text
    )


def _twice(asked: Pairs, sent: Pairs) -> bool:
    return [(decoded(name), decoded(value.replace("+", " "))) for name, value in sent] == asked


def _body(method: str, body_json: str | None, body: str) -> Failure | None:
    if body_json is None:
        if body == "":
            return None
        failure = _altered("a body where none was asked", "a body is sent that nobody asked for", "body", "", body)
        # An empty object asks for nothing either; beside a GET it is a body that some libraries do not send.
        return replace(failure, level="should") if method.upper() == "POST" and body == "{}" else failure
    if body == "":
        return _altered("the body is left out", "the body is not sent", "body", body_json, "")
    asked = json_value(body_json)
    try:
        sent = json_value(body)
    except NotJson:
        return _altered("a body that is no JSON", "the body is no JSON", "body", body_json, body)
    if same(asked, sent):
        return None
    if same_but_for_floats(asked, sent):
        return Failure(
            code="precision.number-format",
            mistake="a number of the body went through a float",
            summary="a number of the body lost digits in a binary float",
            compares="body",
            expected=body_json,
            actual=body,
        )
    mistake = _how_body_altered(asked, sent)
    return _altered(mistake, mistake, "body", body_json, body)


def _how_body_altered(asked: Any, sent: Any) -> str:
    if isinstance(asked, dict) and isinstance(sent, dict):
        missing = [name for name in asked if name not in sent]
        if missing and all(asked[name] is None for name in missing):
            return "a null member of the body is left out"
        if missing and all(asked[name] == "" for name in missing):
            return "an empty member of the body is left out"
        if missing:
            return "a member of the body is left out"
        if any(isinstance(sent.get(name), str) != isinstance(value, str) for name, value in asked.items()):
            return "a member of the body has another type"
    return "the body is another JSON"
