"""Every signing vector: mistakes are named, right signatures are left alone. Expected values are those of the files."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from okxdoctor.knowledge.vectors import Vector, load
from okxdoctor.model import Severity
from okxdoctor.triage.capture import Capture
from okxdoctor.triage.inspection import Inspection, Known, inspect_one

VECTORS = [vector for kind in ("sign", "ws") for vector in load(kind).vectors]
WRONG = [vector for vector in VECTORS if not vector.valid]
RIGHT = [vector for vector in VECTORS if vector.valid]

Captured = Callable[[Vector], Capture]
Knows = Callable[[Vector], Known]


def signing(inspection: Inspection) -> list[str]:
    """The causes named about the signature, with what they explain: printed bytes are no text and wrongly encoded.

    What is wrong with the order itself (a tag with a slash in it) is another matter and stands after these.
    """
    return [
        code
        for row in inspection.diagnosis
        if row.severity is Severity.ERROR and not row.code.startswith(("order.", "precision."))
        for code in (row.code, *row.explains)
    ]


@pytest.mark.parametrize("cause", sorted({vector.cause for vector in WRONG if vector.cause}))
def test_every_mistake_is_named(cause: str, captured: Captured, known: Knows) -> None:
    missed = []
    for vector in WRONG:
        if vector.cause == cause:
            found = inspect_one(captured(vector), known(vector))
            right = [[cause]]
            steps = {step.step for step in found.recipe}
            if cause not in ("signature.unexplained", "signature.not-text"):
                right = right if steps == {vector.data["sent"]["mistake"]["step"]} else []
            if signing(found) not in right or found.diagnosis[0].code != signing(found)[0]:
                missed.append((vector.id, vector.comment, [row.code for row in found.diagnosis]))
    assert missed == []


@pytest.mark.parametrize("part", range(4))
def test_a_right_signature_is_never_accused(part: int, captured: Captured, known: Knows) -> None:
    accused = []
    for vector in RIGHT[part::4]:
        found = inspect_one(captured(vector), known(vector))
        if found.right is not True or any(row.code.startswith("signature.") for row in found.diagnosis):
            accused.append((vector.id, vector.comment, [row.code for row in found.diagnosis]))
    assert accused == []


def test_without_the_secret_no_right_signature_is_accused(captured: Captured) -> None:
    accused = []
    for vector in RIGHT:
        found = inspect_one(captured(vector), Known())
        if any(not row.code.startswith(("order.", "precision.")) for row in found.diagnosis):
            accused.append((vector.id, vector.comment, [row.code for row in found.diagnosis]))
    assert accused == []
