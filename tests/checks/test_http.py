"""The HTTP check: who answers, whether it is the API, and where the time goes."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from fakeio import FakeIo, Scripted, codes, failed, judged, ok, page, refusal, run
from hypothesis import given
from hypothesis import strategies as st

from okxdoctor.check import Inconclusive, Skip
from okxdoctor.model import Blame, Confidence, Finding
from okxdoctor.port import Answer, Ask, Failure, LedgerRow, Phases, Traffic
from okxdoctor_checks._pages import Page, seen
from okxdoctor_checks.http import CHECK, LATER_AT_ONCE, LATER_IN_A_ROW, Facts

HOST = "openapi.okx.com"
ENDPOINT = "GET /api/v5/public/price-limit"
ROW = {"instId": "BTC-USDT-SWAP", "buyLmt": "90000", "sellLmt": "80000", "enabled": True}
HEALTHY = ok([ROW])


def judge(reply: Any) -> tuple[Finding, ...]:
    """The findings of a world in which every request is answered so."""
    return run(CHECK, FakeIo(http_script={ENDPOINT: reply}))[1]


def only(found: tuple[Finding, ...]) -> Finding:
    assert len(found) == 1, found
    return found[0]


def with_headers(reply: Scripted, *headers: tuple[str, str]) -> Scripted:
    return replace(reply, headers=headers)


CLOUDFLARE = (("server", "cloudflare"), ("cf-ray", "8f2a6c1d9e3b4705-FRA"), ("content-type", "text/html"))
BLOCKED = "<html><head><title>Attention Required! | Cloudflare</title></head><body>Sorry, you have been blocked</body>"


# ---- the API answers -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "reply",
    [
        HEALTHY,
        ok([]),
        refusal("51001", "Instrument ID doesn't exist", status=200, data=True),
        refusal("50011", "Too Many Requests", status=429),
        refusal("50001", "Service temporarily unavailable", status=503),
        refusal("50103", "Request header OK-ACCESS-KEY can not be empty.", status=401),
        refusal("50026", "System error", status=500),
    ],
)
def test_an_envelope_is_an_answer_whatever_it_says(reply: Scripted) -> None:
    assert judge(reply) == ()


def facts_of(*pages: Page) -> Facts:
    return Facts(host=HOST, pages=pages)


FINE = Page(status=200, body="envelope", code="0", http_version="HTTP/1.1")


@pytest.mark.parametrize(("times", "expected"), [(0, []), (1, []), (2, ["http.goaway"])])
def test_connections_that_end_when_used_again(times: int, expected: list[str]) -> None:
    """One may have grown stale in a pool; two in a row have not."""
    again = (replace(FINE, retried=True),) * times
    assert codes(judged(CHECK, facts_of(FINE, *again, *(FINE,) * (2 - times)))) == expected


def test_a_way_that_is_there_now_and_then_is_no_matter_of_http() -> None:
    """A handshake that fails for one request of three is the business of the layer below."""
    replies = iter((HEALTHY, failed("tls", "handshake"), HEALTHY))
    io = FakeIo(http_script={ENDPOINT: lambda ask: next(replies)})
    with pytest.raises(Inconclusive, match=r"1 of 3 requests found no way .* \(see tls\)"):
        asyncio.run(CHECK.probe(io))


def test_another_protocol_is_quoted() -> None:
    heard = Failure(kind="protocol", phase="first-byte", detail="the answer is no HTTP: 'SSH-2.0-OpenSSH_9.6'")
    found = only(judged(CHECK, facts_of(Page(failure=heard))))
    assert (found.code, found.confidence) == ("http.not-json", Confidence.CERTAIN)
    assert "'SSH-2.0-OpenSSH_9.6'" in found.summary
    other = Failure(kind="protocol", phase="first-byte", detail="illegal header line: x")
    assert only(judged(CHECK, facts_of(Page(failure=other)))).confidence is Confidence.LIKELY


@pytest.mark.parametrize(("stale", "asked", "expected"), [((1,), 6, []), ((1, 4), 5, ["http.goaway"]), ((), 3, [])])
def test_one_stale_connection_is_followed_up(stale: tuple[int, ...], asked: int, expected: list[str]) -> None:
    class Io(FakeIo):
        async def http(self, ask: Ask) -> Answer:
            answer = await super().http(ask)
            return replace(answer, retried=len(self.asks) - 1 in stale)

    io = Io(http_script={ENDPOINT: HEALTHY})
    assert codes(run(CHECK, io)[1]) == expected
    assert len(io.asks) == asked


def test_a_whole_body_whose_end_never_comes_is_no_answer_to_a_client() -> None:
    answer = Answer(method="GET", path="/", url="https://x/", status=200, headers=(("transfer-encoding", "chunked"),),
                    body='{"code":"0","data":[],"msg":""}', truncated=True)  # fmt: skip
    found = only(judged(CHECK, facts_of(seen(answer, HOST))))
    assert (found.code, found.confidence) == ("http.not-json", Confidence.CERTAIN)
    assert "ends before the body's announced end" in found.summary


def test_a_body_in_another_coding_than_announced_is_not_read_by_chance() -> None:
    answer = Answer(method="GET", path="/", url="https://x/", status=200, headers=(("content-encoding", "gzip"),),
                    body='{"code":"0","data":[],"msg":""}', miscoded=True)  # fmt: skip
    found = only(judged(CHECK, facts_of(seen(answer, HOST))))
    assert (found.code, found.confidence) == ("http.not-json", Confidence.CERTAIN)
    assert "encoding it claims" in found.summary


# ---- somebody else answers -------------------------------------------------------------------


@pytest.mark.parametrize(
    "reply",
    [
        with_headers(page(403, BLOCKED), *CLOUDFLARE),
        with_headers(page(403, "error code: 1020"), *CLOUDFLARE),
        with_headers(page(503, "<title>Just a moment...</title>"), *CLOUDFLARE, ("cf-mitigated", "challenge")),
        with_headers(page(200, "<title>Just a moment...</title>"), *CLOUDFLARE, ("cf-mitigated", "challenge")),
        with_headers(page(403, '{"message":"You have been denied access"}'), *CLOUDFLARE),
    ],
)
def test_edge_blocked(reply: Scripted) -> None:
    found = only(judge(reply))
    assert found.code == "http.edge-blocked"
    assert found.evidence["ray_id"] == "8f2a6c1d9e3b4705-FRA"
    assert "8f2a6c1d9e3b4705-FRA" in found.summary


CLOUDFRONT = "<H2>The request could not be satisfied.</H2>{} Generated by cloudfront (CloudFront)"
INCAPSULA = (
    '<iframe src="/_Incapsula_Resource?incident_id=1-2">Request unsuccessful. Incapsula incident ID: 1-2</iframe>'
)


@pytest.mark.parametrize(
    ("reply", "edge"),
    [
        (with_headers(page(200, INCAPSULA), ("x-iinfo", "10-1-0"), ("x-cdn", "Imperva")), "Imperva"),
        (page(200, INCAPSULA, server=""), "Imperva"),
        (with_headers(page(202, ""), ("x-amzn-waf-action", "challenge")), "AWS"),
        (with_headers(page(405, "<title>Human Verification</title>"), ("x-amzn-waf-action", "captcha")), "AWS"),
        (page(403, "<title>403 Forbidden</title>", server="awselb/2.0"), "AWS"),
        (page(403, CLOUDFRONT.format("Request blocked."), server="CloudFront"), "CloudFront"),
        (page(403, "<TITLE>Access Denied</TITLE>Reference&#32;&#35;18&#46;2f3e4d17", server=""), "Akamai"),
        (with_headers(page(403, "<h2>The request is blocked.</h2>"), ("x-azure-ref", "2024-x")), "Azure"),
        (page(403, "<h1>403</h1>", server="Microsoft-Azure-Application-Gateway/v2"), "Azure"),
        (page(403, "<title>Sucuri WebSite Firewall - Access Denied</title>", server="Sucuri/Cloudproxy"), "Sucuri"),
        (with_headers(page(403, '{"url":"https://geo.captcha-delivery.com/captcha/"}'), ("x-datadome", "protected")),
         "DataDome"),
        (with_headers(page(302, ""), ("location", "https://team.cloudflareaccess.com/cdn-cgi/access/login/x?kid=1"),
                      ("server", "cloudflare")), "Cloudflare"),
    ],
)  # fmt: skip
def test_every_edge_blocks_in_its_own_words(reply: Scripted, edge: str) -> None:
    found = only(judge(reply))
    assert (found.code, found.evidence["edge"]) == ("http.edge-blocked", edge)


@pytest.mark.parametrize(("status", "word"), [(401, "password"), (413, "size of an order"), (429, "more slowly")])
def test_what_to_do_about_a_gateway_is_not_what_to_do_about_the_cdn(status: int, word: str) -> None:
    theirs = beside(heard(TIME, HEALTHY), heard(CONFIG, page(status, "no", server="nginx/1.22.1")))
    assert word in only(theirs).remedy[0]
    assert only(theirs).remedy[0].startswith("nginx/1.22.1 in front")
    cdn = only(judge(with_headers(page(403, BLOCKED), *CLOUDFLARE)))
    assert cdn.remedy == ()  # those of the cause


def test_an_edge_that_keeps_a_country_out_speaks_of_the_region() -> None:
    words = CLOUDFRONT.format("The distribution is configured to block access from your country.")
    assert codes(judge(page(403, words, server="CloudFront"))) == ["http.region-blocked"]


def test_a_page_of_success_behind_somebodys_load_balancer_may_be_anyones() -> None:
    assert codes(judge(page(200, "<title>Welcome</title>", server="awselb/2.0"))) == ["http.captive-portal"]


@pytest.mark.parametrize("status", [401, 407])
def test_who_asks_for_a_password_by_http_is_no_sign_in_page(status: int) -> None:
    reply = page(status, f"<title>{status} Authorization Required</title>", server="nginx/1.22.1")
    assert codes(judge(reply)) == ["http.edge-blocked"]


@pytest.mark.parametrize(
    ("status", "body", "cause"),
    [
        (401, '{"code":401,"message":"Unauthorized"}', "http.edge-blocked"),
        (401, '{"code":"401","msg":"Unauthorized"}', "http.edge-blocked"),
        (403, '{"kind":"Status","status":"Failure","message":"forbidden","code":403}', "http.edge-blocked"),
        (401, '{"code":"900902","message":"Missing Credentials"}', "http.edge-blocked"),
        (429, '{"code":429,"msg":"slow down"}', "http.edge-blocked"),
        (200, '{"code":0,"message":"success","data":null}', "http.not-json"),
        (502, '{"code":502,"msg":"bad gateway"}', "http.origin-down"),
    ],
)
def test_json_of_a_gateway_that_has_a_code_of_its_own(status: int, body: str, cause: str) -> None:
    assert codes(judge(with_headers(page(status, body), ("content-type", "application/json")))) == [cause]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, '{"code":0,"msg":"","data":[]}'),  # for the check of the schema
        (200, '{"code":"0","data":[]}'),
        (400, '{"code":"51000"}'),
        (400, '{"msg":"a new refusal","code":"59999"}'),
        (404, '{"code":"404","msg":"Not Found","data":{}}'),
    ],
)
def test_an_envelope_that_lacks_something_is_still_the_exchanges(status: int, body: str) -> None:
    assert judge(with_headers(page(status, body), ("content-type", "application/json"))) == ()


@pytest.mark.parametrize(
    ("location", "cause", "told"),
    [
        ("/oauth2/sign_in?rd=%2Fapi", "http.captive-portal", "redirects to /oauth2/sign_in"),
        ("//login.corp.example/x", "http.captive-portal", "redirects to login.corp.example"),
        ("http://openapi.okx.com/api/v5/public/price-limit?instId=BTC-USDT-SWAP", "http.not-json",
         "a redirect to http://openapi.okx.com"),
        ("/api/v5/public/price-limit/", "http.not-json", "a redirect."),
        ("", "http.not-json", "a redirect."),
    ],
)  # fmt: skip
def test_where_a_redirect_leads(location: str, cause: str, told: str) -> None:
    found = only(judge(with_headers(page(302, ""), ("location", location))))
    assert found.code == cause
    assert told in found.summary
    assert "rd=" not in str(found.evidence)


def test_403_without_any_trace_of_a_server_is_less_certain() -> None:
    found = only(judge(with_headers(page(403, "Forbidden"), ("content-type", "text/plain"))))
    assert (found.code, found.confidence) == ("http.edge-blocked", Confidence.LIKELY)


def test_a_limit_of_somebody_in_front_is_no_sign_in_page() -> None:
    found = only(judge(page(429, "<h1>429 Too Many Requests</h1>", server="nginx/1.22.1")))
    assert (found.code, found.confidence) == ("http.edge-blocked", Confidence.LIKELY)
    assert found.summary.startswith("nginx/1.22.1 in front of")


@pytest.mark.parametrize(
    "reply",
    [
        with_headers(page(451, "Unavailable For Legal Reasons"), *CLOUDFLARE),
        refusal("50121", "You can't access our services through the IP address (203.0.113.9)", status=200),
        with_headers(page(403, "This service is not available in your region."), *CLOUDFLARE),
        with_headers(page(403, "<p>error code: 1009</p>"), *CLOUDFLARE),
        with_headers(page(403, "Access from your country has been blocked"), *CLOUDFLARE),
    ],
)
def test_region_blocked(reply: Scripted) -> None:
    assert codes(judge(reply)) == ["http.region-blocked"]


@pytest.mark.parametrize("status", [520, 521, 522, 523, 524, 525, 530])
def test_origin_down(status: int) -> None:
    found = only(judge(with_headers(page(status, f"<title>okx.com | {status}: timed out</title>"), *CLOUDFLARE)))
    assert (found.code, found.confidence) == ("http.origin-down", Confidence.CERTAIN)
    assert str(status) in found.summary


def test_a_bare_503_page_is_likely_the_origin() -> None:
    found = only(judge(page(503, "<h1>503 Service Temporarily Unavailable</h1>", server="nginx")))
    assert (found.code, found.confidence) == ("http.origin-down", Confidence.LIKELY)


@pytest.mark.parametrize(
    ("reply", "confidence"),
    [
        (with_headers(page(302, ""), ("location", "http://portal.hotel.example/login"), ("server", "Portal/2")),
         Confidence.CERTAIN),
        (with_headers(page(307, ""), ("location", "https://user@gate.example:8443/x")), Confidence.CERTAIN),
        (page(200, "<title>Guest network</title>Sign in to go online", server="Portal/2"), Confidence.CERTAIN),
        (page(200, "<title>Router</title>", server="lighttpd"), Confidence.LIKELY),
        (page(511, "<title>Log in</title>", server="x"), Confidence.CERTAIN),
        (page(404, "<title>404</title>", server="Apache"), Confidence.LIKELY),
        (page(403, "<title>Web filter</title>", server="squid"), Confidence.LIKELY),
    ],
)  # fmt: skip
def test_captive_portal(reply: Scripted, confidence: Confidence) -> None:
    found = only(judge(reply))
    assert (found.code, found.confidence) == ("http.captive-portal", confidence)


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("<title>400 The plain HTTP request was sent to HTTPS port</title>", "nginx/1.22.1"),
        ("<title>400 Bad Request</title>Reason: You're speaking plain HTTP to an SSL-enabled server port.", "Apache"),
        ("Client sent an HTTP request to an HTTPS server.\n", ""),
        ("Bad Request\r\nThis combination of host and port requires TLS.\r\n", ""),
    ],
)
def test_plain_http_to_a_port_of_tls(text: str, server: str) -> None:
    """The user's http://, and nobody's portal; behind TLS the same page is of two servers that misunderstand."""
    headers = (("server", server), ("content-type", "text/html"))
    one = seen(Answer(method="GET", path="/", url="", status=400, headers=headers, body=text), HOST)
    found = only(judged(CHECK, Facts(host=HOST, port=8443, pages=(one,) * 3, plain=True)))
    assert (found.code, found.blame, found.confidence) == ("http.not-json", Blame.YOURS, Confidence.CERTAIN)
    assert f"Write https://{HOST}:8443" in found.remedy[0]
    assert all(each.blame is None for each in judged(CHECK, Facts(host=HOST, port=8443, pages=(one,) * 3)))


def test_redirect_names_its_goal() -> None:
    reply = with_headers(page(302, ""), ("location", "http://portal.hotel.example/login?u=1"))
    assert "portal.hotel.example" in only(judge(reply)).summary


# ---- no envelope -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "word"),
    [
        (with_headers(page(200, ""), ("server", "cloudflare")), "empty"),
        (with_headers(page(200, "<title>Welcome</title>"), *CLOUDFLARE), "web page (Welcome)"),
        (with_headers(page(200, '{"code":"0","data":[{"buyL'), ("server", "cloudflare")), "breaks off"),
        (replace(HEALTHY, truncated=True, body=HEALTHY.body[:20]), "cut off after 20"),
        (replace(HEALTHY, body='{"code":"0","data":[{"note":"caf\ufffd"}],"msg":""}'), "encoding"),
        (replace(HEALTHY, body='{"hello":1}'), "no envelope"),
        (replace(HEALTHY, body="[1,2]"), "no envelope"),
        (replace(HEALTHY, body="pong"), "not JSON"),
        (replace(HEALTHY, body="\x1f\x8b\x08\x00"), "not JSON"),
        (failed("closed", "first-byte"), "connection that ends"),
        (failed("reset", "body"), "connection that ends"),
        (failed("protocol", "first-byte", "illegal status line"), "connection that ends"),
    ],
)
def test_not_json(reply: Scripted, word: str) -> None:
    found = only(judge(reply))
    assert found.code == "http.not-json"
    assert word in found.summary


def test_one_bad_answer_of_three_is_counted() -> None:
    found = only(judge([HEALTHY, replace(HEALTHY, body=""), HEALTHY]))
    assert found.code == "http.not-json"
    assert "1 of 3 answers" in found.summary


# ---- time ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("phase", "word"), [("first-byte", "no answer began"), ("body", "did not end")])
def test_timeout(phase: str, word: str) -> None:
    found = only(judge(replace(failed("timeout", phase), elapsed_s=5.0)))
    assert found.code == "http.timeout"
    assert found.evidence["phase"] == phase
    assert word in found.summary
    assert "5.0 s" in found.summary


def timed(**phases: float) -> Scripted:
    return replace(HEALTHY, phases=Phases(total_ms=sum(phases.values()), **phases))


@pytest.mark.parametrize(
    ("phases", "slow"),
    [
        ({"first_byte_ms": 599.0}, []),
        ({"first_byte_ms": 601.0}, ["first_byte"]),
        ({"connect_ms": 499.0}, []),
        ({"connect_ms": 501.0}, ["connect"]),
        ({"handshake_ms": 701.0, "first_byte_ms": 700.0}, ["handshake", "first_byte"]),
        ({"body_ms": 601.0}, ["body"]),
        ({"resolve_ms": 9000.0}, []),  # names are the DNS check's
    ],
)
def test_slow(phases: dict[str, float], slow: list[str]) -> None:
    found = judge(timed(**phases))
    assert codes(found) == (["http.slow"] if slow else [])
    if found:
        assert found[0].evidence["slow_phases"] == slow


def test_one_slow_request_of_three_is_not_slow() -> None:
    assert judge([timed(first_byte_ms=5000.0), timed(first_byte_ms=30.0), timed(first_byte_ms=30.0)]) == ()


@pytest.mark.parametrize("phase", ["connect_ms", "handshake_ms"])
def test_a_way_that_is_slow_once_is_opened_once_more(phase: str) -> None:
    """One lost packet costs a second where nothing was measured yet."""
    opened, asked = [timed(**{phase: 1020.0}), timed(**{phase: 20.0})], []

    def reply(ask: Ask) -> Scripted:
        asked.append(ask.fresh)
        return opened.pop(0) if ask.fresh else HEALTHY

    assert judge(reply) == ()
    assert asked.count(True) == 2


def test_unobservable_phases_are_no_crash() -> None:
    assert judge(replace(HEALTHY, phases=Phases())) == ()


# ---- HTTP/2 ----------------------------------------------------------------------------------


def test_goaway() -> None:
    ended = Page(
        failure=Failure(kind="protocol", phase="first-byte", detail="goaway after 3 streams, error code 0"),
        ended_after=3,
        http_version="",
    )
    good = Page(status=200, body="envelope", code="0", http_version="HTTP/2")
    found = only(judged(CHECK, Facts(host=HOST, pages=(good, good, ended))))
    assert found.code == "http.goaway"
    assert found.evidence["streams"] == 3


def test_goaway_that_cost_a_second_sending_only() -> None:
    good = Page(status=200, body="envelope", code="0", http_version="HTTP/2")
    found = only(judged(CHECK, Facts(host=HOST, pages=(good, replace(good, ended_after=2)))))
    assert (found.code, found.evidence["streams"], found.evidence["failed"]) == ("http.goaway", 2, 0)
    assert "sent again" in found.summary


def test_time_that_ran_out_over_ended_connections_is_no_timeout() -> None:
    late = Page(failure=Failure(kind="timeout", phase="handshake"), ended_after=1)
    assert [found.code for found in judged(CHECK, Facts(host=HOST, pages=(late, late)))] == ["http.goaway"]


def test_goaway_is_read_from_the_failure() -> None:
    answer = Answer(
        method="GET",
        path="/",
        url="",
        status=None,
        failure=Failure(kind="protocol", phase="first-byte", detail="goaway after 1000 streams, error code 0"),
    )
    assert seen(answer, HOST).ended_after == 1000
    other = replace(answer, failure=Failure(kind="protocol", phase="first-byte", detail="stream reset, error code 2"))
    assert seen(other, HOST).ended_after is None


def test_probe_asks_side_by_side_over_http2_and_in_a_row_over_http1() -> None:
    class Two(FakeIo):
        async def http(self, ask: Ask) -> Answer:
            return replace(await super().http(ask), http_version="HTTP/2")

    one, two = FakeIo(http_script={ENDPOINT: HEALTHY}), Two(http_script={ENDPOINT: HEALTHY})
    run(CHECK, one)
    run(CHECK, two)
    assert len(one.asks) == 1 + LATER_IN_A_ROW
    assert len(two.asks) == 1 + LATER_AT_ONCE


# ---- layers below ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "phase", "layer"),
    [
        ("dns", "resolve", "dns"),
        ("refused", "connect", "tcp"),
        ("timeout", "connect", "tcp"),
        ("unreachable", "connect", "tcp"),
        ("tls", "handshake", "tls"),
        ("reset", "handshake", "tls"),
        ("proxy", "proxy", "proxy"),
    ],
)
def test_a_lower_layer_is_left_to_its_check(kind: Any, phase: str, layer: str) -> None:
    io = FakeIo(http_script={ENDPOINT: failed(kind, phase)})

    async def once() -> Any:
        return await CHECK.probe(io)

    with pytest.raises(Skip, match=f"see {layer}") as caught:
        asyncio.run(once())
    assert caught.value.layer == layer
    assert len(io.asks) == 1


# ---- totality --------------------------------------------------------------------------------


@given(st.builds(Facts, pages=st.lists(st.from_type(Page), max_size=4).map(tuple)))
def test_evaluate_is_total(any_facts: Facts) -> None:
    for found in CHECK.evaluate(any_facts):
        assert found.code in CHECK.causes
        assert found.evidence


@given(
    st.builds(
        Answer,
        status=st.none() | st.integers(100, 599),
        body=st.text(max_size=40) | st.sampled_from(['{"code":', "[" * 50_000, "<html>", '{"code":"0"}']),
        headers=st.lists(
            st.tuples(
                st.sampled_from(["server", "location", "content-length", "content-type", "cf-ray"]),
                st.text(max_size=20) | st.sampled_from(["http://[", "http://a:b:c/", "9" * 40, "-1"]),
            ),
            max_size=4,
        ).map(tuple),
    )
)
def test_every_answer_has_a_page(answer: Answer) -> None:
    assert len(seen(answer, HOST).excerpt) <= 200


# ---- what other checks got ------------------------------------------------------------------------


def heard(path: str, reply: Scripted, *, host: str = "https://openapi.okx.com", method: str = "GET") -> Answer:
    return Answer(
        method=method, path=path, url=f"{host}{path}", status=reply.status, headers=reply.headers, body=reply.body,
        phases=Phases(), failure=reply.failure,
    )  # fmt: skip


def beside(*answers: Answer) -> tuple[Finding, ...]:
    return run(CHECK, FakeIo(http_script={ENDPOINT: HEALTHY}, records=(Traffic(answers=answers),)))[1]


CONFIG, TIME = "/api/v5/account/config", "/api/v5/public/time"


@pytest.mark.parametrize(
    ("reply", "cause"),
    [
        (page(403, server="zscaler"), "http.edge-blocked"),
        (page(404, server="nginx"), "http.edge-blocked"),
        (page(413, "<title>413 Request Entity Too Large</title>", server="nginx"), "http.edge-blocked"),
        (page(400, "<title>400 Request Header Or Cookie Too Large</title>", server="nginx"), "http.edge-blocked"),
        (page(431, ""), "http.edge-blocked"),
        (page(501, "<title>Not Implemented</title>", server="Apache"), "http.edge-blocked"),
        (page(429, '{"message":"API rate limit exceeded"}', server="kong/3.4"), "http.edge-blocked"),
        (page(200, "<title>Sign in to the guest network</title>", server="Portal"), "http.captive-portal"),
        (page(502, server="nginx"), "http.origin-down"),
        (Scripted(status=451, body="no"), "http.region-blocked"),
        (Scripted(body="{"), "http.not-json"),
    ],
)
def test_who_stands_before_single_paths_is_named(reply: Scripted, cause: str) -> None:
    found = only(beside(heard(TIME, HEALTHY), heard(f"{CONFIG}?x=1", reply), heard(TIME, HEALTHY)))
    assert (found.code, found.confidence) == (cause, Confidence.LIKELY)
    assert "1 of 3 answers: GET /api/v5/account/config" in found.summary
    assert found.evidence["paths"] == ["GET /api/v5/account/config"]


@pytest.mark.parametrize(
    "answer",
    [
        heard(CONFIG, page(403), host="https://eea.okx.com"),
        heard(CONFIG, page(403), host="https://openapi.okx.com.evil.example"),
        heard(CONFIG, refusal("50011", status=429)),
        heard(CONFIG, failed("timeout", "first-byte")),
        heard(CONFIG, refusal("50113")),
    ],
)
def test_what_is_not_a_page_of_this_host_is_not_judged(answer: Answer) -> None:
    assert beside(heard(TIME, HEALTHY), answer) == ()


def test_a_page_about_a_limit_is_the_exchanges_own_where_the_budget_was_used_up() -> None:
    spent = tuple(
        LedgerRow(at_mono_ns=n, method="GET", path=CONFIG, scope="user", status=429 if n == 5 else 200, code="")
        for n in range(6)
    )
    records = (Traffic(answers=(heard(TIME, HEALTHY), heard(CONFIG, page(429)))),)
    for ledger, expected in ((spent, []), (spent[:2], ["http.edge-blocked"])):
        io = FakeIo(http_script={ENDPOINT: HEALTHY}, records=records, ledger_rows=ledger)
        assert codes(run(CHECK, io)[1]) == expected


def test_who_answers_no_request_needs_no_other_witness() -> None:
    io = FakeIo(
        http_script={ENDPOINT: page(403, server="zscaler")}, records=(Traffic(answers=(heard(TIME, HEALTHY),)),)
    )
    facts, _ = run(CHECK, io)
    assert (facts.others, facts.heard) == ((), 0)


def at(mono_s: float, path: str, reply: Scripted) -> Answer:
    return replace(heard(path, reply), sent_mono_ns=round(mono_s * 1e9))


UNFINISHED, SILENT = failed("timeout", "body"), failed("timeout", "first-byte")


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ((at(1, TIME, HEALTHY), at(2, CONFIG, UNFINISHED), at(3, TIME, HEALTHY)), "GET /api/v5/account/config"),
        (
            (at(1, TIME, HEALTHY), at(2, CONFIG, SILENT), at(2.1, TIME, SILENT)),
            "2 answers to other checks never began",
        ),
        # One is a packet that was lost; and where a later one is answered, so were two.
        ((at(1, TIME, HEALTHY), at(2, CONFIG, SILENT)), ""),
        ((at(1, TIME, HEALTHY), at(2, CONFIG, SILENT), at(2.1, TIME, SILENT), at(3, TIME, HEALTHY)), ""),
        # No connection: for the check below.
        ((at(2, CONFIG, failed("timeout", "connect")), at(2.1, TIME, failed("timeout", "handshake"))), ""),
    ],
)
def test_long_answers_that_stop_and_a_network_that_goes_away_in_the_middle(
    answers: tuple[Answer, ...], expected: str
) -> None:
    """What passes before is no contradiction: short answers do, or those before the network went."""
    found = beside(*answers)
    assert codes(found) == (["http.timeout"] if expected else [])
    assert all(expected in one.summary and one.confidence is Confidence.LIKELY for one in found)


REGION_PAGE = Page(status=403, body="html", server="cloudflare", speaks_of_region=True)


@pytest.mark.parametrize(
    ("seen_page", "confidence"),
    [
        (REGION_PAGE, Confidence.LIKELY),
        (replace(REGION_PAGE, status=451, speaks_of_region=False), Confidence.CERTAIN),
        (Page(status=403, body="envelope", code="50121"), Confidence.CERTAIN),
    ],
)
def test_a_code_or_a_status_of_its_own_is_more_than_a_page_about_a_region(
    seen_page: Page, confidence: Confidence
) -> None:
    found = only(judged(CHECK, facts_of(seen_page, seen_page, seen_page)))
    assert (found.code, found.confidence) == ("http.region-blocked", confidence)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"body": "html"}, "answers 403 with a page"), ({"body": "text"}, "answers 403 with an answer"),
        ({"body": "html", "mitigated": "challenge"}, "answers 403 with a challenge page"),
    ],
)  # fmt: skip
def test_what_the_edge_answers_with_is_called_by_its_kind(changes: dict[str, Any], told: str) -> None:
    blocked = replace(Page(status=403, body="html", server="cloudflare", edge="Cloudflare", ray="8f2a"), **changes)
    assert told in only(judged(CHECK, facts_of(*[blocked] * 3))).summary


def test_only_answers_that_came_are_counted_as_slow() -> None:
    slow = replace(FINE, phases=Phases(first_byte_ms=9_000.0, total_ms=9_000.0))
    lost = Page(
        status=None, body="empty", ended_after=1, failure=Failure(kind="timeout", phase="first-byte", detail="")
    )
    found = next(each for each in judged(CHECK, facts_of(slow, slow, lost)) if each.code == "http.slow")
    assert (found.evidence["answers"], found.evidence["affected"]) == (3, 2)


@pytest.mark.parametrize(
    ("text", "announced"), [("150", 150), ("", None), ("-1", None), ("²", None), ("1.5", None), ("9" * 16, None)]
)
def test_a_length_that_is_no_number_was_not_announced(text: str, announced: int | None) -> None:
    headers = (("content-type", "text/html"), *((("content-length", text),) if text else ()))
    given = Answer(method="GET", path="/", url="", status=200, headers=headers, body="<html>")
    assert seen(given, HOST).announced == announced
