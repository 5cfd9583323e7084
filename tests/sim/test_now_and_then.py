"""What happens to one request of a run and not to the next is told, and is not called certain."""

from __future__ import annotations

import pytest

from okxdoctor.model import Confidence, Outcome

ONCE = (
    "key-passphrase-wrong", "key-secret-wrong", "key-frozen", "key-malformed", "header-missing=passphrase",
    "http-not-json=html", "http-edge-blocked", "http-captive-portal=redirect", "http-origin-down=522",
)  # fmt: skip


@pytest.mark.parametrize("fault", ONCE)
def test_once_is_not_certain(leap, fault: str) -> None:
    report = leap(faults=[f"{fault},count=1"], seed=11)
    assert all(found.confidence is not Confidence.CERTAIN for found in report.diagnosis)
    # It is not passed over: it is named, or somebody could not look.
    assert report.diagnosis or any(each.outcome is Outcome.INCONCLUSIVE for each in report.attempts)


@pytest.mark.parametrize("fault", ONCE)
def test_always_is_certain(leap, fault: str) -> None:
    (found,) = leap(faults=[fault], seed=11).diagnosis
    assert found.confidence is Confidence.CERTAIN
