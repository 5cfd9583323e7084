"""Sources are shown as places that a reader can open, never as numbers of this project."""

from __future__ import annotations

import re

import pytest

from okxdoctor.conformance.client.cases import cases
from okxdoctor.conformance.listing import listed
from okxdoctor.knowledge.citations import MOST, cited, reports

THREAD = re.compile(r"[A-Za-z0-9-]+/[A-Za-z0-9._-]+#[1-9]\d*")


def test_every_failure_of_the_field_has_a_place_or_says_how_else_it_is_known() -> None:
    assert list(reports()) == [f"FF-{number:03d}" for number in range(1, 151)]
    for number, places in reports().items():
        assert places, number
        assert len(set(places)) == len(places), number
        for place in places:
            assert THREAD.fullmatch(place) or ("#" not in place and " " in place), (number, place)


def test_numbers_become_the_reports_behind_them() -> None:
    shown = cited("OKX docs, demo trading, error 50101; FF-011, FF-012")
    assert shown.startswith("OKX docs, demo trading, error 50101; reports ")
    assert len(THREAD.findall(shown)) == MOST
    assert shown.endswith(", ".join(THREAD.findall(shown)))


def test_of_several_failures_each_has_its_first_report_shown() -> None:
    first = [reports()[number][0] for number in ("FF-041", "FF-042", "FF-043")]
    assert THREAD.findall(cited("FF-041 to FF-043")) == first


def test_words_around_a_number_stay() -> None:
    shown = cited("FF-085: each TLS handshake costs two round trips")
    assert shown.startswith("report ")
    assert shown.endswith(": each TLS handshake costs two round trips")


def test_one_report_is_one() -> None:
    assert cited("FF-135") == "report okxapi/python-okx#116"


def test_where_nobody_reported_it_the_source_says_so() -> None:
    assert cited("OKX docs, error 50102; FF-048") == (
        "OKX docs, error 50102; inference from how machines and protocols behave"
    )


def test_a_source_without_numbers_stays() -> None:
    assert cited("RFC 9110, field order") == "RFC 9110, field order"


def test_a_number_that_no_failure_has_is_refused() -> None:
    with pytest.raises(KeyError):
        cited("FF-999")


def test_no_requirement_names_a_number_of_this_project() -> None:
    assert [case.id for case in cases() if "FF-" in case.source] == []
    assert [row.id for row in listed() if "FF-" in row.source] == []
