"""REST requests as they stand on the wire: signature, headers, timestamps, targets, bodies, what is never sent."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Callable, Iterable, Sequence
from urllib.parse import parse_qsl, unquote

from okxdoctor.conformance.client.cases import Case, Limits
from okxdoctor.conformance.client.grade import Grade, failed, not_exercised, passed
from okxdoctor.conformance.client.judges.common import Judge, calls, every, param, shown
from okxdoctor.conformance.client.trace import Call, Heard, Trace
from okxdoctor.knowledge import endpoint
from okxdoctor.okx import json_text
from okxdoctor.okx.signing import SigningError, sign
from okxdoctor.okx.timestamps import epoch_ms_from_iso, header_flaws

RequestCheck = Callable[[Case, Trace, Call, Limits], str | None]
_ESCAPED = re.compile(r"%[0-9A-Fa-f]{2}")
_NOTHINGS = frozenset({"None", "undefined", "null", "NaN", "nan", "[object Object]", "[object Promise]"})
OFFSET_ROUNDS = ("clock-ahead", "clock-behind", "clock-step")


def _over_calls(what: str, check: RequestCheck) -> Judge:
    def judged(case: Case, traces: Sequence[Trace], healthy: Trace | None, limits: Limits) -> Grade:
        return every(traces, calls, lambda trace, call: check(case, trace, call, limits), what)

    return judged


# ---- signature ---------------------------------------------------------------------------------


def _kind_of(call: Call) -> str:
    """Which part of the signing rule a request exercises."""
    if call.asked.body:
        return "array" if isinstance(call.json, list) else "body"
    if not call.query:
        return "plain"
    return "encoded" if _ESCAPED.search(call.query) or not call.query.isascii() or "," in call.query else "query"


def _public(call: Call) -> bool:
    """Whether nobody looks at what is signed: the endpoint is a public one."""
    row = endpoint(call.asked.method, call.path)
    return row is not None and not row.auth


def _signature(case: Case, trace: Trace, call: Call, limits: Limits) -> str | None:
    given = call.headers.get("ok-access-sign", "")
    stamp = call.headers.get("ok-access-timestamp", "")
    if not given or not stamp or not trace.known.secret:
        return None
    if _kind_of(call) != param(case, "kind") or _public(call):
        return None
    try:
        body = call.asked.body.encode("utf-8", "surrogateescape")
        wanted = sign(trace.known.secret, stamp, call.asked.method, call.asked.target, body)
    except (SigningError, UnicodeError, ValueError):
        return "the signature covers text that cannot be sent"
    if given == wanted:
        return ""
    return f"{call.asked.method} {shown(call.asked.target, 120)} has a signature that does not cover what was sent"


def _sign_shape(case: Case, trace: Trace, call: Call, limits: Limits) -> str | None:
    given = call.headers.get("ok-access-sign")
    if given is None:
        return None
    try:
        raw = b64decode(given, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) == 32 and len(given) == 44:
        return ""
    return f"OK-ACCESS-SIGN has {len(given)} characters and is not the base64 of 32 bytes"


def _method(case: Case, trace: Trace, call: Call, limits: Limits) -> str | None:
    method = call.asked.method
    return "" if method in ("GET", "POST") else f"the method is {shown(method)}"


def _present(case: Case, trace: Trace, call: Call, limits: Limits) -> str | None:
    name = param(case, "header")
    row = endpoint(call.asked.method, call.path)
    if not call.signed and not (row is not None and row.auth):
        return None
    return "" if call.headers.get(name) else f"{call.asked.method} {call.path} is sent without {name.upper()}"


def _right(case: Case, trace: Trace, call: Call, limits: Limits) -> str | None:
    name, known = param(case, "header"), trace.known
    given = call.headers.get(name)
    wanted = known.key if name == "ok-access-key" else known.passphrase
    if not given or not wanted:
        return None
    if given == wanted:
        return ""
    if given.strip(" \t\r\n\"'") == wanted:
        return f"{name.upper()} has white space or quotes around its value"
    return f"{name.upper()} is not the value of the configuration"


def _once(case: Case, trace: Trace, call: Call, limits: Limits) -> str | None:
    names = [name for name, _ in call.asked.headers if name.startswith("ok-access-") or name == "x-simulated-trading"]
    if not names:
        return None
    twice = sorted({name for name in names if names.count(name) > 1})
    return f"{twice[0].upper()} is sent {names.count(twice[0])} times" if twice else ""


def _unsigned(case: Case, trace: Trace, call: Call, limits: Limits) -> str | None:
    """Empty OK-ACCESS headers turn a public call into a failing private one."""
    given = [name for name, _ in call.asked.headers if name.startswith("ok-access-")]
    row = endpoint(call.asked.method, call.path)
    if row is None or row.auth:
        return None
    empty = [name for name in given if not call.headers.get(name)]
    return f"the public {call.path} carries an empty {empty[0].upper()}" if empty else ""


# ---- timestamps ----------------------------------------------------------------------------------


def _stamp_form(case: Case, trace: Trace, call: Call, limits: Limits) -> str | None:
    given = call.headers.get("ok-access-timestamp")
    if given is None:
        return None
    flaws = header_flaws(given)
    return f"OK-ACCESS-TIMESTAMP is {shown(given)}: {flaws[0].value}" if flaws else ""


def age_s(call: Call) -> float | None:
    given = call.headers.get("ok-access-timestamp", "")
    if not given or header_flaws(given):
        return None
    try:
        return (call.asked.epoch_ms - epoch_ms_from_iso(given)) / 1000
    except (ValueError, OverflowError):
        return None


def _stamp_age(case: Case, trace: Trace, call: Call, limits: Limits) -> str | None:
    age = age_s(call)
    if age is None or trace.name in OFFSET_ROUNDS or _public(call):
        return None
    most = limits.window_s if param(case, "limit") == "window" else limits.fresh_s
    return "" if abs(age) <= most else f"the timestamp of {call.path} is {age:.1f} s off when it arrives"


def _resigned(case: Case, traces: Sequence[Trace], healthy: Trace | None, limits: Limits) -> Grade:
    """Two requests with one signature, further apart than a transport's own repetition."""
    signed = 0
    for trace in traces:
        seen: dict[str, Call] = {}
        for call in trace.calls:
            given = call.headers.get("ok-access-sign")
            if not given or _public(call):
                continue
            signed += 1
            before = seen.setdefault(given, call)
            if before is not call and call.at_s - before.at_s > limits.fresh_s:
                return failed(
                    trace,
                    (before.place, call.place),
                    f"{call.path} is sent again after {call.at_s - before.at_s:.1f} s with the signature of before",
                )
    return (
        passed(signed, f"{signed} signed requests") if signed > 1 else not_exercised("fewer than two signed requests")
    )


# ---- target and body -----------------------------------------------------------------------------


def _prefix(case: Case, trace: Trace, call: Call, limits: Limits) -> str | None:
    path = call.path
    if path.startswith("/api/v5/") and "//" not in path and not path.endswith("/"):
        return ""
    return f"the path is {shown(path)}"


def _target(case: Case, trace: Trace, call: Call, limits: Limits) -> str | None:
    target = call.asked.target
    if target.endswith("?"):
        return f"the target {shown(target)} ends with '?'"
    if "#" in target or any(c <= " " or c > "~" for c in target):
        return f"the target {shown(target)} has characters that are not escaped"
    return ""


def _known(case: Case, trace: Trace, call: Call, limits: Limits) -> str | None:
    result = call.result
    if result is None or result.done or call.status not in (404, 405):
        return None if call.status == 0 else ""
    if endpoint(call.asked.method, call.path) is not None:
        return None
    return f"{call.asked.method} {call.path} is no endpoint ({call.status})"


def _bodiless(case: Case, trace: Trace, call: Call, limits: Limits) -> str | None:
    if call.asked.method != "GET":
        return None
    return f"GET {call.path} has a body: {shown(call.asked.body)}" if call.asked.body else ""


def _content_type(case: Case, trace: Trace, call: Call, limits: Limits) -> str | None:
    if call.asked.method != "POST":
        return None
    given = call.headers.get("content-type", "")
    return "" if given.lower().startswith("application/json") else f"POST {call.path} has Content-Type {shown(given)}"


def _json_body(case: Case, trace: Trace, call: Call, limits: Limits) -> str | None:
    if call.asked.method != "POST":
        return None
    found = json_text.read(call.asked.body)
    if isinstance(found, json_text.Unreadable):
        return f"the body of {call.path} is {found.trouble.value}"
    return "" if isinstance(found, dict | list) else f"the body of {call.path} is no object and no array"


def _values(case: Case, trace: Trace, call: Call, limits: Limits) -> str | None:
    if not call.query:
        return None
    for name, value in parse_qsl(call.query, keep_blank_values=True):
        if value in _NOTHINGS:
            return f"{name} is sent as the text {value!r} in {call.path}"
    return ""


def _empty_values(case: Case, trace: Trace, call: Call, limits: Limits) -> str | None:
    if not call.query:
        return None
    empty = [name for name, value in parse_qsl(call.query, keep_blank_values=True) if value == ""]
    return f"{empty[0]} is sent empty in {call.path}" if empty else ""


def _repeated(case: Case, trace: Trace, call: Call, limits: Limits) -> str | None:
    if not call.query:
        return None
    names = [name for name, _ in parse_qsl(call.query, keep_blank_values=True)]
    twice = [name for name in names if names.count(name) > 1]
    return f"{twice[0]} is sent twice in {call.path}" if twice else ""


def _required(case: Case, trace: Trace, call: Call, limits: Limits) -> str | None:
    """``needs``: names that must all be there; a name with ``|`` is met by either."""
    if call.asked.method != "GET" or call.path != param(case, "path"):
        return None
    given = {name for name, value in parse_qsl(call.query) if value}
    needs = case.params.get("needs", ())
    for name in needs if isinstance(needs, tuple) else ():
        if not given.intersection(name.split("|")):
            return f"{call.path} is asked without {name.replace('|', ' or ')}"
    return ""


_TIMES = ("before", "after", "begin", "end")
_TIMED = (
    "/api/v5/market/candles",
    "/api/v5/market/history-candles",
    "/api/v5/market/mark-price-candles",
    "/api/v5/market/index-candles",
)


def _time_params(case: Case, trace: Trace, call: Call, limits: Limits) -> str | None:
    given = dict(parse_qsl(call.query))
    times = [name for name in _TIMES if given.get(name) and (name in ("begin", "end") or call.path in _TIMED)]
    if not times:
        return None
    for name in times:
        if not (given[name].isdigit() and len(given[name]) == 13):
            return f"{name} of {call.path} is {shown(given[name])}, not epoch milliseconds"
    return ""


def _page_size(case: Case, trace: Trace, call: Call, limits: Limits) -> str | None:
    given = dict(parse_qsl(call.query)).get("limit")
    if given is None:
        return None
    if not ("candles" in call.path or call.path.startswith(("/api/v5/trade/", "/api/v5/account/"))):
        return None  # Other pages have sizes of their own.
    most = 300 if "candles" in call.path else 100
    fits = given.isdigit() and len(given) < 6 and 1 <= int(given) <= most
    return "" if fits else f"limit of {call.path} is {shown(given)}, at most {most}"


# ---- demo header, secrets ------------------------------------------------------------------------


def _demo_value(case: Case, trace: Trace, call: Call, limits: Limits) -> str | None:
    given = call.headers.get("x-simulated-trading")
    if trace.known.environment == "demo":
        if not call.signed:
            return None
        return "" if given == "1" else f"{call.path} goes to demo trading without x-simulated-trading: 1"
    if given is None:
        return "" if call.signed else None
    return "" if given == "0" else f"x-simulated-trading is {shown(given)} with a key for live trading"


def _demo_public(case: Case, traces: Sequence[Trace], healthy: Trace | None, limits: Limits) -> Grade:
    """Instruments of demo trading are other ones: public calls have to say the same as private ones."""
    for trace in traces:
        private = {call.headers.get("x-simulated-trading", "0") for call in trace.calls if call.signed}
        public = [
            call for call in trace.calls if not call.signed and call.path.startswith("/api/v5/public/instruments")
        ]
        if len(private) != 1 or not public:
            continue
        wrong = [call for call in public if {call.headers.get("x-simulated-trading", "0")} != private]
        if wrong:
            return failed(
                trace,
                wrong[0].place,
                "instruments are asked for in another environment than the private requests are sent to",
            )
        return passed(len(public), f"{len(public)} public requests", trace, (public[0].place,))
    return not_exercised("no public/instruments beside private requests")


def _texts(trace: Trace) -> Iterable[tuple[int, tuple[str, str]]]:
    """Everything that the program sent, with a word for where."""
    for call in trace.calls:
        yield call.place, ("the target", unquote(call.asked.target))
        yield call.place, ("the body", call.asked.body)
        for name, value in call.asked.headers:
            yield call.place, (f"the header {name}", value)
    for place, event in trace.of(Heard):
        yield place, ("a message", event.text)


def _never_sent(case: Case, traces: Sequence[Trace], healthy: Trace | None, limits: Limits) -> Grade:
    what = param(case, "what")
    meant = {"secret": "the secret key", "passphrase": "the passphrase", "key": "the key"}[what]

    def check(trace: Trace, thing: tuple[str, str]) -> str | None:
        where, text = thing
        value = {"secret": trace.known.secret, "passphrase": trace.known.passphrase, "key": trace.known.key}[what]
        if len(value) < 4:
            return None
        allowed = {"secret": "", "passphrase": "the header ok-access-passphrase", "key": "the header ok-access-key"}[
            what
        ]
        if where == allowed or (what != "secret" and where == "a message" and '"login"' in text):
            return ""
        return f"{meant} stands in {where}" if value in text else ""

    return every(traces, _texts, check, "texts sent")


def _never_printed(case: Case, traces: Sequence[Trace], healthy: Trace | None, limits: Limits) -> Grade:
    what = param(case, "what")
    meant = {"secret": "the secret key", "passphrase": "the passphrase"}[what]

    def check(trace: Trace, event: object) -> str | None:
        value = trace.known.secret if what == "secret" else trace.known.passphrase
        text = getattr(event, "text", "")
        if len(value) < 4 or not text:
            return None
        return f"{meant} is printed on {getattr(event, 'stream', '')}" if value in text else ""

    from okxdoctor.conformance.client.trace import Printed

    return every(traces, lambda trace: trace.of(Printed), check, "outputs")


def _kept_alive(case: Case, traces: Sequence[Trace], healthy: Trace | None, limits: Limits) -> Grade:
    """Whether connections are used again where there is much to ask."""
    for trace in traces:
        count, conns = len(trace.calls), len({call.asked.conn for call in trace.calls})
        if count >= 10:
            if conns >= count:
                return failed(trace, trace.calls[-1].place, f"{count} requests on {conns} connections")
            return passed(count, f"{count} requests on {conns} connections", trace, (trace.calls[-1].place,))
    return not_exercised("fewer than ten requests")


JUDGES: dict[str, Judge] = {
    "signature": _over_calls("signed requests", _signature),
    "sign-shape": _over_calls("signatures", _sign_shape),
    "method": _over_calls("requests", _method),
    "header-present": _over_calls("private requests", _present),
    "header-right": _over_calls("private requests", _right),
    "header-once": _over_calls("private requests", _once),
    "public-unsigned": _over_calls("public requests", _unsigned),
    "stamp-form": _over_calls("timestamps", _stamp_form),
    "stamp-age": _over_calls("timestamps", _stamp_age),
    "resigned": _resigned,
    "path-prefix": _over_calls("requests", _prefix),
    "target": _over_calls("requests", _target),
    "endpoint-known": _over_calls("requests", _known),
    "get-bodiless": _over_calls("GET requests", _bodiless),
    "content-type": _over_calls("POST requests", _content_type),
    "json-body": _over_calls("POST requests", _json_body),
    "query-values": _over_calls("queries", _values),
    "query-empty": _over_calls("queries", _empty_values),
    "query-repeated": _over_calls("queries", _repeated),
    "query-required": _over_calls("requests", _required),
    "time-params": _over_calls("requests with times", _time_params),
    "page-size": _over_calls("requests with a limit", _page_size),
    "demo-value": _over_calls("requests", _demo_value),
    "demo-public": _demo_public,
    "never-sent": _never_sent,
    "never-printed": _never_printed,
    "kept-alive": _kept_alive,
}
