"""What stands in the way now comes before what is wrong with orders that are to come."""

from __future__ import annotations

from okxdoctor.model import Finding
from okxdoctor.runner.diagnose import diagnose, vocabulary


def finding(code: str, subject: str = "") -> Finding:
    return Finding(code=code, summary=code, evidence={"n": 1}, subject=subject)


def test_a_refused_key_comes_before_an_order_that_explains_two_readings_of_its_size() -> None:
    found = [
        finding("order.unit-confusion", "o:1"), finding("precision.size-below-minimum", "o:1"),
        finding("precision.size-off-lot", "o:1"), finding("key.frozen"),
    ]  # fmt: skip
    assert [(root.code, len(root.explains)) for root in diagnose(found, vocabulary())] == [
        ("key.frozen", 0), ("order.unit-confusion", 2),
    ]  # fmt: skip


def test_an_order_that_is_refused_comes_before_a_warning_of_the_present() -> None:
    roots = diagnose([finding("dns.slow"), finding("precision.size-off-lot", "o:1")], vocabulary())
    assert [root.code for root in roots] == ["precision.size-off-lot", "dns.slow"]
