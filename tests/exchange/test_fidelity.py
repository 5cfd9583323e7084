"""The ledger is whole, and little of it is assumed."""

from __future__ import annotations

from datetime import date

from okxdoctor.exchange.fidelity import GRADES, rows


def test_the_ledger_is_whole() -> None:
    assert len(rows()) >= 80
    assert len({row.behaviour for row in rows()}) == len(rows())
    for row in rows():
        assert row.grade in GRADES
        assert date.fromisoformat(row.seen) <= date(2026, 12, 31)


def test_at_most_fifteen_percent_are_assumed() -> None:
    assert sum(row.grade == "assumed" for row in rows()) <= 0.15 * len(rows())
