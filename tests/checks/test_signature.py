"""The check of signing: own vectors, a query, a body; and what is not its business."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from fakeio import FakeIo, Scripted, codes, failed, judged, ok, page, refusal, run, view
from hypothesis import given
from hypothesis import strategies as st

from okxdoctor.check import Inconclusive, Skip
from okxdoctor.model import Confidence, Finding
from okxdoctor.okx import signing
from okxdoctor.port import Ask, KeyStanding, LedgerRow
from okxdoctor_checks import _own_signing
from okxdoctor_checks.signature import BODY, CHECK, QUERY, VARIANTS, Facts, Form, Met

MAX_SIZE = "GET /api/v5/account/max-size"
PRECHECK = "POST /api/v5/trade/order-precheck"
ACCEPTED = KeyStanding(standing="accepted")
MODE = refusal("51010", "Request unsupported under current account mode", status=200, data=True)


def look(
    *,
    query: Any = None,
    body: Any = None,
    plain: KeyStanding | None = ACCEPTED,
    **changes: Any,
) -> tuple[tuple[Finding, ...], FakeIo, Facts]:
    io = FakeIo(
        view=view(**changes),
        http_script={MAX_SIZE: query or ok([{}]), PRECHECK: body or MODE},
        records=(plain,) if plain is not None else (),
    )
    facts, findings = run(CHECK, io)
    return findings, io, facts


def one(findings: tuple[Finding, ...]) -> Finding:
    assert len(findings) == 1, codes(findings)
    return findings[0]


def test_health_takes_two_requests() -> None:
    findings, io, facts = look()
    assert findings == ()
    assert [(ask.method, ask.signed) for ask in io.asks] == [("GET", True), ("POST", True)]
    assert io.opened == []
    assert facts.vectors >= 300


def test_the_forms_are_what_they_claim_to_be() -> None:
    assert QUERY.path == "/api/v5/account/max-size?tdMode=cash&instId=BTC-USDT%2CETH-USDT"
    assert BODY.body is not None
    assert json.loads(BODY.body)["ordType"] == "limit"
    assert ", " in BODY.body
    assert list(json.loads(BODY.body)) != sorted(json.loads(BODY.body))
    for _, ask in VARIANTS["body"]:
        assert ask.body is not None
        assert json.loads(ask.body) == json.loads(BODY.body)
        assert " " not in ask.body


def test_no_key_is_a_skip() -> None:
    with pytest.raises(Skip, match="no whole API key"):
        asyncio.run(CHECK.probe(FakeIo(view=view(credentials=False))))


# ---- own signing ------------------------------------------------------------------------------


def test_a_wrong_signature_of_our_own_is_a_defect_and_no_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_own_signing.signing, "sign", lambda *_: "AAAA")
    with pytest.raises(RuntimeError, match=r"okxdoctor signs .* reference vectors wrongly"):
        look()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the openssl program")
def test_the_forms_are_signed_as_openssl_signs_them() -> None:
    secret, at = "22582BD0CFF14C41EDBF1AB98506286D", "2020-12-08T09:08:57.715Z"
    for ask in (QUERY, BODY):
        message = f"{at}{ask.method}{ask.path}{ask.body or ''}".encode()
        made = subprocess.run(
            ["openssl", "dgst", "-sha256", "-hmac", secret, "-binary"], input=message, capture_output=True, check=True
        )
        encoded = subprocess.run(["openssl", "base64", "-A"], input=made.stdout, capture_output=True, check=True)
        assert signing.sign(secret, at, ask.method, ask.path, ask.body or "") == encoded.stdout.decode()


# ---- what proves a form -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "reply",
    [
        ok([{"adjEq": "1"}]),
        MODE,
        refusal("50120", status=401),
        refusal("51000", "Parameter px error", status=400, data=True),
        refusal("51008", status=200, data=True),
    ],
)
def test_an_answer_from_behind_the_authentication_proves_the_body(reply: Scripted) -> None:
    assert look(body=reply)[0] == ()
    assert look(body=reply, query=reply, plain=None)[0] == ()


def test_a_trading_endpoint_that_wants_a_bound_key_is_told() -> None:
    assert codes(look(body=refusal("50035", status=403))[0]) == ["permission.ip-binding-required"]


# ---- rewriting on the way -----------------------------------------------------------------------


def test_a_query_that_is_decoded_on_the_way_is_seen_by_its_variants() -> None:
    def gateway(ask: Ask) -> Scripted:
        """Decodes %2C; the exchange signs what it receives."""
        return refusal("50113", "Invalid Sign") if "%2C" in ask.path else ok([{}])

    finding = one(look(query=gateway)[0])
    assert finding.code == "signature.unexplained"
    assert finding.evidence["changed"] == "query"
    assert finding.evidence["accepted_variant"] == "an unencoded comma"
    assert finding.confidence is Confidence.CERTAIN
    assert "key.secret-wrong" in finding.excluded


def test_a_query_whose_names_are_sorted_on_the_way_is_seen_by_its_variants() -> None:
    def gateway(ask: Ask) -> Scripted:
        """Reads the query and writes it anew, as libraries do; the exchange signs what it receives."""
        path, _, query = ask.path.partition("?")
        made = f"{path}?{urlencode(sorted(parse_qsl(query)))}"
        return ok([{}]) if made == ask.path else refusal("50113", "Invalid Sign")

    finding = one(look(query=gateway)[0])
    assert (finding.code, finding.confidence) == ("signature.unexplained", Confidence.CERTAIN)
    assert finding.evidence["accepted_variant"] == "sorted names and no comma"


def test_a_post_that_arrives_as_another_method_is_changed_on_the_way() -> None:
    finding = one(look(body=refusal("50115", "Invalid request method.", status=405))[0])
    assert (finding.code, finding.evidence["changed"]) == ("signature.unexplained", "method")
    assert (finding.evidence["method"], finding.confidence) == ("POST", Confidence.LIKELY)


def test_a_content_type_that_does_not_arrive_is_a_header_that_is_missing() -> None:
    finding = one(look(body=refusal("50006", "Invalid Content-Type.", status=400))[0])
    assert (finding.code, finding.evidence["header"]) == ("header.missing", "Content-Type")


def test_a_query_that_is_dropped_on_the_way_is_only_likely_rewriting() -> None:
    finding = one(look(query=refusal("50113"))[0])
    assert finding.code == "signature.unexplained"
    assert finding.confidence is Confidence.LIKELY
    assert finding.evidence["accepted_variant"] == ""


@pytest.mark.parametrize("names_sorted", [False, True])
def test_a_body_that_is_reserialised_on_the_way_is_seen_by_its_variants(names_sorted: bool) -> None:
    def gateway(ask: Ask) -> Scripted:
        made = json.dumps(json.loads(ask.body or ""), separators=(",", ":"), sort_keys=names_sorted)
        return MODE if made == ask.body else refusal("50113", "Invalid Sign")

    finding = one(look(body=gateway)[0])
    assert finding.code == "signature.unexplained"
    assert finding.evidence["changed"] == "body"
    assert finding.evidence["accepted_variant"] == ("no blanks and sorted names" if names_sorted else "no blanks")


def test_the_forms_alone_can_decide_without_the_key_check() -> None:
    assert codes(look(body=refusal("50113"), plain=None)[0]) == ["signature.unexplained"]
    assert look(body=refusal("50113"), query=refusal("50113"), plain=None)[0] == ()


@pytest.mark.parametrize("part", ["query", "body"])
def test_a_signature_refused_once_and_not_again_is_no_certain_rewriting(part: str) -> None:
    again = iter([refusal("50113"), ok([{}])])
    findings, _, facts = look(**{part: lambda ask: next(again)})
    (found,) = findings
    assert (found.code, found.confidence) == ("signature.unexplained", Confidence.POSSIBLE)
    assert "once more is accepted" in found.summary
    assert len(facts.forms) == 3, "nothing else is tried"


@pytest.mark.parametrize(
    ("code", "cause"),
    [("50106", "header.missing"), ("50112", "timestamp.format"), ("50102", "timestamp.expired")],
)
def test_one_form_refused_for_another_reason_says_so(code: str, cause: str) -> None:
    findings, io, _ = look(body=refusal(code))
    assert codes(findings) == [cause]
    assert findings[0].confidence is Confidence.LIKELY, "others of the same key were accepted"
    assert len(io.asks) == 2


def test_a_refused_plain_read_is_the_key_checks_to_explain() -> None:
    wrong = refusal("50113")
    refused = KeyStanding(standing="refused", code="50113")
    with pytest.raises(Skip, match=r"refused \(50113\)") as skip:
        look(query=wrong, body=wrong, plain=refused)
    assert skip.value.layer == "key"


# ---- what stands in the way -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "layer"),
    [
        (failed("refused", "connect"), "tcp"),
        (page(403), "http"),
        (refusal("50001", status=503), "status"),
        (refusal("50011", status=429), "ratelimit"),
    ],
)
def test_a_lower_layer_names_the_cause(reply: Scripted, layer: str) -> None:
    with pytest.raises(Skip) as caught:
        look(query=reply, body=reply, plain=None)
    assert caught.value.layer == layer


def test_a_post_that_alone_meets_a_wall_is_inconclusive() -> None:
    with pytest.raises(Inconclusive, match="order-precheck"):
        look(body=page(403))


@given(st.builds(Facts))
def test_any_facts_are_judged(facts: Facts) -> None:
    judged(CHECK, facts)


@given(
    st.builds(Facts),
    st.lists(st.builds(Form), max_size=4),
    st.sampled_from(["50113", "50102", "50103", "50105", "50110", "50120", "51010", "50119", "50101"]),
)
def test_any_refusals_are_judged(facts: Facts, forms: list[Form], code: str) -> None:
    refused = tuple(
        replace(form, variant="first", reply=replace(form.reply, kind="refused", code=code)) for form in forms
    )
    judged(CHECK, replace(facts, plain=ACCEPTED, forms=refused))


# ---- what other requests of the run met ---------------------------------------------------------------


def met(*rows: Met, plain: str = "accepted") -> tuple[Finding, ...]:
    facts = look()[2]
    return judged(CHECK, replace(facts, plain=KeyStanding(standing=plain), met=rows))


def once(path: str = "/api/v5/trade/fills", code: str = "50113", *, count: int = 1, sent: int = 1) -> Met:
    return Met(method="GET", path=path, code=code, count=count, sent=sent)


def test_an_endpoint_that_refuses_what_others_accept() -> None:
    (found,) = met(once(), once("/api/v5/account/positions", count=1, sent=2))
    assert (found.code, found.confidence) == ("signature.unexplained", Confidence.LIKELY)
    assert found.summary.startswith("GET trade/fills (and 1 more) is refused with 50113")
    (found,) = met(once(count=1, sent=2))
    assert found.confidence is Confidence.POSSIBLE
    (found,) = met(once(code="50120"))
    assert (found.code, found.remedy) == ("permission.missing", ())


def test_what_a_refused_key_meets_elsewhere_is_the_key_checks() -> None:
    assert met(once(), once(code="50120"), plain="refused") == ()
    assert met(once(), plain="undecided") == ()


def test_the_own_forms_tell_what_they_met_themselves() -> None:
    own = [("GET", QUERY.path), ("POST", BODY.path), ("GET", "/api/v5/account/config")]
    sent = [*own, ("GET", "/api/v5/trade/fills?x=1")]
    ledger = tuple(
        LedgerRow(at_mono_ns=0, method=method, path=path, scope="", status=401, code="50113") for method, path in sent
    )
    io = FakeIo(
        http_script={MAX_SIZE: ok([{}]), PRECHECK: MODE}, records=(ACCEPTED,), ledger_rows=ledger,
    )  # fmt: skip
    facts, findings = run(CHECK, io)
    assert facts.met == (once(),)
    assert codes(findings) == ["signature.unexplained"]
    both = replace(facts, forms=look(query=refusal("50113"))[2].forms)
    assert codes(judged(CHECK, both)) == ["signature.unexplained"]
