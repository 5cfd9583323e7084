"""Anything may stand in a file: the answer is a report or one line, never an exception, and never the secret."""

from __future__ import annotations

import json
from base64 import b64encode

import jsonschema
from hypothesis import example, given, settings
from hypothesis import strategies as st

from okxdoctor.redact import Redactor
from okxdoctor.reports.look import Look
from okxdoctor.triage import report
from okxdoctor.triage.axes import bodies, keys, targets, times, written
from okxdoctor.triage.capture import Capture, CaptureError, Login, Request, Response
from okxdoctor.triage.inspection import Known, inspect_all
from okxdoctor.triage.readers import answer, read

KNOWN = Known(api_key="k", secret="22582BD0CFF14C41EDBF1AB98506286D", passphrase="Phrase-1")
REDACTOR = Redactor([KNOWN.secret, KNOWN.passphrase])

texts = st.text(st.characters(codec=None), max_size=60)
PIECES = (
    *("curl ", "-H ", "-d ", "'", '"', "$'", "\\", "\n", "https://www.okx.com/api/v5/x", "?a=1&b=2", " HTTP/1.1\r\n"),
    *("GET ", "POST ", "/api/v5/trade/order", "OK-ACCESS-SIGN: ", "OK-ACCESS-TIMESTAMP: ", "Content-Length: 5\r\n"),
    *("\r\n\r\n", "{}", "Transfer-Encoding: chunked\r\n", "Content-Encoding: gzip\r\n", "5\r\n", "> ", "< ", "}", "]}"),
    *('{"method":"GET","url":"/a"', '{"op":"login","args":[{"sign":"a"', '{"log":{"entries":['),
    *("--json", "-G", "-", "--", "@", "\ud800", "\x00"),
)
MEMBERS = (
    *(
        "method",
        "url",
        "request_path",
        "headers",
        "body",
        "response",
        "status",
        "request",
        "log",
        "entries",
        "postData",
    ),
    *("text", "params", "op", "args", "sign", "timestamp", "apiKey", "passphrase", "name", "value", "encoding"),
    *("bodySize", "content"),
)
noise = st.lists(st.sampled_from(PIECES) | texts, max_size=14).map("".join)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | texts
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=8
)
documents = st.recursive(
    values,
    lambda inner: st.dictionaries(st.sampled_from(MEMBERS), inner, max_size=6) | st.lists(inner, max_size=3),
    max_leaves=14,
)


def judged(captures: tuple[Capture, ...], known: Known = KNOWN) -> None:
    """Both forms of the report exist, fit the schema and do not show the secret."""
    made = report.Report(inspections=inspect_all(captures, known), elapsed_ms=1.0)
    out = report.render_json(made, REDACTOR)
    jsonschema.validate(json.loads(out), report.schema())
    shown = report.render_text(made, REDACTOR, Look(width=80))
    assert KNOWN.secret not in out + shown
    assert (made.exit_code == 1) == bool(json.loads(out)["diagnosis"])


def readable(data: bytes) -> None:
    answer(data)
    try:
        captures = read(data)
    except CaptureError as error:
        refusal = str(error)
        captures = ()
    else:
        refusal = ""
    assert bool(captures) != bool(refusal)
    assert "\n" not in refusal
    if captures:
        judged(captures[:3], Known())


@given(noise)
@settings(max_examples=100)
def test_any_text(text: str) -> None:
    readable(text.encode("utf-8", "surrogatepass"))


@given(
    st.binary(max_size=200), st.sampled_from([b"", b"curl ", b"GET / HTTP/1.1\r\n", b"{", b"\xff\xfe", b"\xef\xbb\xbf"])
)
@settings(max_examples=100)
def test_any_bytes(data: bytes, start: bytes) -> None:
    readable(start + data)


@given(documents)
@settings(max_examples=100)
def test_any_json(value: object) -> None:
    readable(json.dumps(value).encode())


digests = st.binary(min_size=32, max_size=32)
signs = (
    texts | digests.map(lambda raw: b64encode(raw).decode()) | st.sampled_from(["[object Promise]", "***", "a" * 64])
)
TIMES = (
    *("2020-12-08T09:08:57.715Z", "1767225600", "9999-12-31T23:59:59.999Z", "0001-01-01T00:00:00Z"),
    *("1970-01-01T00:00:00.000Z", "9999999999999"),
)
stamps = texts | st.sampled_from(TIMES)
ORDER = ("px", "sz", "side", "clOrdId", "tag", "ordType", "attachAlgoOrds", "instID")
orders = st.dictionaries(st.sampled_from(ORDER), values)
encoded = texts.map(lambda text: text.encode("utf-8", "surrogatepass"))
contents = st.binary(max_size=80) | orders.map(lambda order: json.dumps(order).encode()) | encoded
answers = st.builds(
    Response,
    status=st.none() | st.integers(),
    code=st.sampled_from(["", "0", "50113", "50102", "99999", "x"]),
    date_ms=st.none() | st.integers(-(10**15), 10**15),
)
PATHS = ("/api/v5/trade/order", "", "/", "/a?x=%zz&&=", "//")


@given(
    st.sampled_from(["GET", "POST", "", "get"]),
    st.sampled_from(PATHS),
    texts,
    signs,
    stamps,
    contents,
    answers,
    st.booleans(),
    texts,
)
@example("GET", "/a", "\ud800=\udfff", b64encode(bytes(32)).decode(), TIMES[0], b"", Response(), True, "\ud800")
@example("POST", "/a", "", b64encode(bytes(32)).decode(), TIMES[2], b'{"a":"\\ud800"}', Response(), True, "x")
@example("POST", "/a", "", b64encode(bytes(32)).decode(), TIMES[3], b'{"a":1e999,"b":[{}]}', Response(), False, "x")
@settings(max_examples=10)
def test_any_request(
    method: str, path: str, query: str, sign: str, stamp: str, body: bytes, answered: Response, exact: bool, secret: str
) -> None:
    headers = (("OK-ACCESS-SIGN", sign), ("OK-ACCESS-TIMESTAMP", stamp), ("OK-ACCESS-KEY", query), ("", ""))
    capture = Request(
        form="", label="x", method=method, origin=query, target=f"{path}?{query}", headers=headers, body=body,
        exact_body=exact, response=answered,
    )  # fmt: skip
    judged((capture,), Known(secret=secret) if secret else KNOWN)


@given(st.none() | texts, st.none() | texts, st.none() | stamps, st.none() | signs, answers)
@settings(max_examples=10)
def test_any_login(
    key: str | None, passphrase: str | None, stamp: str | None, sign: str | None, answered: Response
) -> None:
    judged((Login(label="x", key=key, passphrase=passphrase, timestamp=stamp, sign=sign, response=answered),))


@given(texts, st.binary(max_size=60), st.binary(max_size=40))
@settings(max_examples=60)
def test_every_axis_begins_with_what_was_sent(text: str, body: bytes, secret: bytes) -> None:
    """And no variant takes no mistake but the first."""
    raw = secret
    for first, *rest in (
        times.variants(text, cause="signature.timestamp-differs", near_ms=5),
        targets.variants(text, ""),
        bodies.variants(body, {}),
        keys.variants(raw, passphrases=(b"p",), keys=(b"k",)),
    ):
        assert first.steps == ()
        assert all(variant.steps for variant in rest)
        assert len({variant.value for variant in (first, *rest)}) == 1 + len(rest)
    assert all(reading.value for reading in written.readings(text))
