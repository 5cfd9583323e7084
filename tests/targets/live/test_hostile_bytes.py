"""What a stranger sends is read by total functions: no bytes make them raise."""

from __future__ import annotations

import ssl
from functools import cache

import trustme
from hypothesis import given, settings
from hypothesis import strategies as st

from okxdoctor.targets.live import content
from okxdoctor.targets.live.certificates import describe, fetched
from okxdoctor.targets.live.ledger import envelope_code
from okxdoctor.targets.live.nameserver import Question
from okxdoctor.targets.live.ntp import _age_ns, _Sample, judge
from okxdoctor.targets.live.proxy import printable, spoken_in
from okxdoctor.targets.live.tls import alert_in, looks_like_tls


@cache
def certificate() -> bytes:
    pem = trustme.CA().issue_cert("api.test", "1.2.3.4").cert_chain_pems[0].bytes().decode()
    return ssl.PEM_cert_to_DER_cert(pem)


@settings(max_examples=200)
@given(st.data())
def test_a_certificate_with_flipped_bytes_is_read_or_called_unreadable(data: st.DataObject) -> None:
    der = bytearray(certificate())
    for _ in range(data.draw(st.integers(1, 4))):
        der[data.draw(st.integers(0, len(der) - 1))] = data.draw(st.integers(0, 255))
    told = describe(bytes(der))
    assert told.subject.startswith("unreadable") or told.not_after
    assert "\n" not in told.subject + told.issuer
    assert len(told.sha256) == 64


@given(st.binary(max_size=300))
def test_any_bytes_are_a_certificate_or_unreadable(data: bytes) -> None:
    assert describe(data).subject.startswith("unreadable")
    assert fetched(data) == ()


@given(st.binary(max_size=500), st.text(max_size=30) | st.sampled_from(["gzip", "deflate", "gzip, deflate", "x-gzip"]))
def test_any_body_is_undone_within_the_limit(data: bytes, coding: str) -> None:
    told, cut = content.undo(data, coding, limit=100)
    assert len(told) <= 100
    assert cut or len(told) <= 100
    assert isinstance(content.text(told, f"text/html; charset={coding}"), str)


@given(st.binary(max_size=200))
def test_any_first_bytes_have_a_reading(data: bytes) -> None:
    assert isinstance(alert_in(data), str)
    assert spoken_in(data) in ("", "http", "tls", "socks5")
    assert "\n" not in printable(data.decode("latin-1"))
    if data:
        assert looks_like_tls(data) in (True, False)


@given(st.binary(max_size=200))
def test_any_packet_is_an_answer_or_none(data: bytes) -> None:
    question = Question("api.test")
    question.take(data)
    assert not question.complete
    assert question.verdict()[0] == "timeout"
    sample = _Sample(left_ns=10**18, came_ns=10**18, packet=data, asked=bytes(40) + b"unlikely")
    assert judge(sample, server="s", address="a").outcome == "bogus"


@given(st.text(max_size=2000))
def test_any_text_has_a_code_or_none(text: str) -> None:
    assert len(envelope_code(text)) <= 8


def test_a_code_is_found_at_either_end_of_a_long_body() -> None:
    filler = '"x":"' + "y" * 5000 + '"'
    assert envelope_code('{"code":"50011",' + filler + "}") == "50011"
    assert envelope_code("{" + filler + ',"code" : "0"}') == "0"
    assert envelope_code("<html>") == ""


def test_the_age_of_a_packet_is_never_negative_nor_absurd() -> None:
    assert _age_ns([]) == 0
    assert _age_ns([(1, 35, b"short")]) == 0
    assert _age_ns([(1, 35, bytes(16))]) == 0
