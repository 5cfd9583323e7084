"""Nothing secret passes the redaction point: not as it is, not escaped, not inside something longer."""

from __future__ import annotations

import base64
import html
import json
import logging
import re
import time
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from okxdoctor.model import (
    Attempt,
    Blame,
    Confidence,
    Diagnosis,
    Finding,
    Outcome,
    Report,
    Severity,
    TargetName,
    Verdict,
)
from okxdoctor.redact import MASK, SHORTEST, Redactor, shown_url, url_secrets
from okxdoctor.secret import Secret

ODD = st.text(alphabet=st.characters(exclude_categories=("Cs",)), min_size=SHORTEST, max_size=40)
ASCII = st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=40)
SECRET = st.one_of(ODD, ASCII, st.from_regex(r"[0-9A-F]{32}", fullmatch=True))
TEXT = st.text(max_size=60)

CANARY = "Ca/n+4ry\"'%&#$\\ é=Z"


@given(SECRET, TEXT, TEXT)
@example("****", "*", "**")
@example("***a", "xxxx", "a")
@example("a%41b", "", "")
def test_the_value_itself_is_gone(secret: str, before: str, after: str) -> None:
    redactor = Redactor([secret])
    masked = redactor.text(f"{before}{secret}{after}{secret}")
    assert secret not in masked
    assert redactor.text(masked) == masked


@given(st.lists(SECRET, min_size=1, max_size=4), TEXT)
def test_several_values_and_idempotence(secrets: list[str], between: str) -> None:
    redactor = Redactor(secrets)
    masked = redactor.text(between.join(secrets))
    assert [s for s in secrets if s in masked] == []
    assert redactor.text(masked) == masked


LAYOUTS = {
    "quote": lambda s: quote(s, safe=""),
    "quote with slash": quote,
    "quote lower": lambda s: re.sub("%..", lambda m: m[0].lower(), quote(s, safe="")),
    "quote_plus": quote_plus,
    "json": lambda s: json.dumps({"x": s}),
    "json unicode": lambda s: json.dumps({"x": s}, ensure_ascii=False),
    "json in json": lambda s: json.dumps(json.dumps([s])),
    "repr": lambda s: repr((s,)),
    "repr bytes": lambda s: repr(s.encode()),
    "html": html.escape,
    "hex": lambda s: s.encode().hex(),
    "HEX": lambda s: s.encode().hex().upper(),
    "base64": lambda s: base64.b64encode(s.encode()).decode(),
    "base64 url": lambda s: base64.urlsafe_b64encode(s.encode()).decode(),
    "exception": lambda s: str(ValueError(f"cannot send {s!r} to peer")),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_of_an_odd_value(layout: str) -> None:
    written = LAYOUTS[layout](CANARY)
    masked = Redactor([CANARY]).text(f"before {written} after")
    assert MASK in masked
    assert CANARY not in masked
    assert masked.startswith("before ")
    assert masked.endswith(" after")
    # What remains is the layout around the value, nothing of the value.
    assert re.fullmatch(
        r"""before [\W_]*(?:x|b|cannot send|to peer|amp;|[\W_])*\*\*\*[\W_]*(?:to peer)? after""", masked
    )


@given(ASCII, st.sampled_from(sorted(LAYOUTS)))
def test_layouts_of_any_value(secret: str, layout: str) -> None:
    assume("*" not in secret)
    written = LAYOUTS[layout](secret)
    core = written.strip("'\"()[]{}, x:b\\")
    masked = Redactor([secret]).text(f"<{written}>")
    assert secret not in masked
    assert core not in masked or not core


@given(ASCII, st.binary(max_size=7), st.binary(max_size=7))
def test_inside_base64_at_any_offset(secret: str, before: bytes, after: bytes) -> None:
    token = base64.b64encode(before + secret.encode() + after).decode()
    masked = Redactor([secret]).text(f"Basic {token} end")
    assert masked == f"Basic {MASK} end"


@pytest.mark.parametrize("secret", ["abcd", "Pa55w", "s3cret"])
def test_a_short_value_in_base64(secret: str) -> None:
    assert Redactor([secret]).text(f"<{base64.b64encode(secret.encode()).decode()}>") in (
        f"<{MASK}>",
        f"<{MASK}=>",
        f"<{MASK}==>",
    )


@pytest.mark.parametrize(
    "text",
    [
        "QUJD" * 50_000,
        '"' * 200_000,
        '\\"' * 100_000,
        "http://" + "a" * 300_000,
        "://" * 100_000,
        "sign=" * 50_000,
        "ok-access-key " * 20_000,
        '"sign":"' * 20_000,
        '"sign":"' + "\\" * 200_000,
    ],
    ids=lambda text: text[:12],
)
def test_hostile_text_takes_no_time(text: str) -> None:
    """Each pattern stays linear: what a server sends passes here."""
    begun = time.perf_counter()
    Redactor(["CANARY0123456789CANARY0123456789", CANARY]).text(text)
    assert time.perf_counter() - begun < 10


def test_values_keep_their_shape() -> None:
    redactor = Redactor([Secret("hunter-2-hunter")])
    value = {
        "note": "sent hunter-2-hunter",
        "hunter-2-hunter": [1, 2.5, None, True, ("x", "hunter-2-hunter")],
        "passphrase": "ab",
        "apiKey": "k",
        "sign": "",
        "headers": [["ok-access-sign", "zzz"], ("OK-ACCESS-KEY", "kkk"), ["date", "now"]],
        "count": 3,
    }
    assert redactor.value(value) == {
        "note": f"sent {MASK}",
        MASK: [1, 2.5, None, True, ("x", MASK)],
        "passphrase": MASK,
        "apiKey": MASK,
        "sign": "",
        "headers": [["ok-access-sign", MASK], ("OK-ACCESS-KEY", MASK), ["date", "now"]],
        "count": 3,
    }
    assert value["passphrase"] == "ab", "the value given is left alone"


def test_what_is_no_json_is_refused_rather_than_passed() -> None:
    with pytest.raises(TypeError):
        Redactor().value(Secret("x"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given_text", "expected"),
    [
        ("OK-ACCESS-SIGN: abc+/=", "OK-ACCESS-SIGN: ***"),
        ("OK-ACCESS-PASSPHRASE: with blanks in it\r\nDate: now", "OK-ACCESS-PASSPHRASE: ***\r\nDate: now"),
        ("{'OK-ACCESS-KEY': 'abc', 'x': 1}", "{'OK-ACCESS-KEY': '***', 'x': 1}"),
        ("('ok-access-sign', 'abc')", "('ok-access-sign', '***')"),
        (
            '{"op":"login","args":[{"sign":"a\\"b","timestamp":"1"}]}',
            '{"op":"login","args":[{"sign":"***","timestamp":"1"}]}',
        ),
        ('{\\"passphrase\\":\\"x y\\"}', '{\\"passphrase\\":\\"***\\"}'),
        ("passphrase=abc&x=1", "passphrase=***&x=1"),
        ("export OKX_SECRET_KEY='a b'", "export OKX_SECRET_KEY=***"),
        ("http://user:p@ss:w@proxy:3128/x@y", "http://***@proxy:3128/x@y"),
        ("export OKX_PASSPHRASE='…'", "export OKX_PASSPHRASE='…'"),
        ("OKX_API_KEY=… OKX_SECRET_KEY=ab…", "OKX_API_KEY=… OKX_SECRET_KEY=***"),
        ("http://USER:PASSWORD@proxy:3128", "http://USER:PASSWORD@proxy:3128"),
        ("http://USER:PASSWORD@x:y@proxy:3128", "http://***@proxy:3128"),
        ("Proxy-Authorization: Basic dXNlcjpw", "Proxy-Authorization: ***"),
        ("Set-Cookie: __cf_bm=abc; path=/", "Set-Cookie: ***"),
        ("b'OK-ACCESS-SIGN': b'abc'", "b'OK-ACCESS-SIGN': b'***'"),
    ],
)
def test_places_where_secrets_stand(given_text: str, expected: str) -> None:
    assert Redactor().text(given_text) == expected
    assert Redactor().text(expected) == expected


@pytest.mark.parametrize(
    "innocent",
    [
        "Request header OK-ACCESS-PASSPHRASE incorrect.",
        "the headers OK-ACCESS-KEY, OK-ACCESS-SIGN are missing",
        "clock.ahead: signature of the design; assign nothing",
        "https://openapi.okx.com/api/v5/public/time?x=1",
        "mail me@example.org",
        "field passphrase is empty",
        "the secret is 32 characters long",
    ],
)
def test_ordinary_text_is_left_alone(innocent: str) -> None:
    assert Redactor(["", "ab", "a"]).text(innocent) == innocent


def test_short_values_do_not_destroy_the_text_but_are_masked_in_their_place() -> None:
    redactor = Redactor(["a", "ok", "abc"])
    assert redactor.text("a cat looks ok, abc") == "a cat looks ok, abc"
    assert redactor.text('{"passphrase": "abc"}') == '{"passphrase": "***"}'
    assert redactor.value({"passphrase": "ok"}) == {"passphrase": MASK}


def _report(canary: str) -> Report:
    finding = Finding(
        code="clock.ahead",
        summary=canary,
        evidence={"x": canary, canary: [canary]},
        remedy=(canary,),
        excluded=(canary,),
        subject="rest",
    )
    diagnosis = Diagnosis(
        code="clock.ahead",
        severity=Severity.ERROR,
        blame=Blame.YOURS,
        summary=canary,
        confidence=Confidence.CERTAIN,
        evidence={"x": canary},
        excluded=(canary,),
        remedy=(canary,),
        accepted=canary,
    )
    attempt = Attempt(
        check="clock",
        title="The clock is right",
        outcome=Outcome.BROKEN,
        because=canary,
        findings=(finding,),
        facts={"deep": [{"er": (canary,)}]},
        trace=f"Traceback\n{canary!r}",
    )
    return Report(
        version="0",
        target=TargetName(kind="live", site="global", rest=f"https://{canary}@h", ws=canary),
        started="2026-11-22T10:15:30.123Z",
        elapsed_ms=1,
        verdict=Verdict.BROKEN,
        exit_code=1,
        diagnosis=(diagnosis,),
        accepted=(diagnosis,),
        attempts=(attempt,),
        notes=(canary,),
    )


@given(SECRET)
@example(CANARY)
@example('","code":"')
def test_no_format_shows_a_canary(canary: str) -> None:
    """A report in which every free text is a secret, in every format."""
    from okxdoctor.reports import Look, formats, writer

    # A canary that our own words contain would be found whatever the redactor does.
    plain = _report("")
    bare = {name: writer(name).render(plain, Look(verbose=True)) for name in formats()}
    assume(not any(canary in page for page in bare.values()))
    redacted = Redactor([canary]).report(_report(canary))
    for name in formats():
        for look in (Look(verbose=True), Look(quiet=True, unicode=False), Look(width=40, colour=True)):
            page = writer(name).render(redacted, look)
            leaked = canary in page and canary not in page.replace(MASK, "")
            assert not leaked or canary in MASK * 3, name


def test_tracebacks_and_logs(caplog: pytest.LogCaptureFixture) -> None:
    redactor = Redactor([CANARY])
    try:
        raise ValueError(f"bad value {CANARY!r}") from KeyError(CANARY)
    except ValueError as error:
        trace = redactor.trace(error)
        record = logging.LogRecord("x", 40, "f", 1, "told %s", (CANARY,), (type(error), error, error.__traceback__))
    assert CANARY not in trace
    assert repr(CANARY)[1:-1] not in trace
    assert "ValueError" in trace
    assert redactor.log_filter().filter(record)
    shown = logging.Formatter("%(message)s").format(record)
    assert CANARY not in shown
    assert repr(CANARY)[1:-1] not in shown
    assert "told ***" in shown


def test_a_redactor_does_not_print_what_it_knows() -> None:
    assert "hunter-2" not in repr(Redactor(["hunter-2"]))


@pytest.mark.parametrize(
    ("url", "shown", "secrets"),
    [
        ("http://user:pass@h:1", "http://***@h:1", ("pass",)),
        ("http://user:p%40ss@h:1/x", "http://***@h:1/x", ("p%40ss", "p@ss")),
        ("http://token@h", "http://***@h", ("token",)),
        ("http://u:p@ss@h", "http://***@h", ("p@ss",)),
        ("http://u:p/ss@h", "http://***@h", ("p/ss",)),
        ("http://:p@h", "http://***@h", ("p",)),
        ("http://u:@h", "http://***@h", ()),
        ("http://h", "http://h", ()),
        ("h:3128", "h:3128", ()),
        ("http://u:p@[bad", "http://***@[bad", ("p",)),
    ],
)
def test_urls(url: str, shown: str, secrets: tuple[str, ...]) -> None:
    assert shown_url(url) == shown
    assert url_secrets(url) == secrets
