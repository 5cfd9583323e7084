"""The vector files as data: schema, ids, flags, counts, and the signatures that others have published."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import jsonschema
import pytest

from okxdoctor.knowledge.vectors import KINDS, load, read_text, schema

GENERATOR = Path(__file__).with_name("generate.py")

# Computed elsewhere with the example secret of OKX's documentation; the last one is from an independent tutorial.
PUBLISHED = {
    "AkD5YszBhggtIyjDlmTy/9PpNVntel+1Lff8wh0qpQw=",
    "HiZhvSfMtWJA3uUIVXV3a/bSXNPCWvYFXoGCVS8V4zY=",
    "oah2EOT2Fnz1bjkgiAnuKl+zFQzDG3/nqPUqyYzArrE=",
    "X/i/q53ENYaVFJP/x3gMqfyuIw8hS3HPa3eFxfQQFaY=",
    "nLA7bQfhiHy6i2RsGsg2QT9rI/yc4iB0wV2yIyM/9SI=",
    "7IskpKhIorWQkd57zdc1wl7aynPET0X6m2w6l7SZXV0=",
    "eCnnCgWLjlQ9XnpUkrcny3qNq3WW/81KNrDr/XR6Xv8=",
    "/XctMG4gU+l0Tv1E5CsSdhrndN0MZxclhFp3+SFofI8=",
    "5/36BgGV6m/6pmdc20zdqk0mzF5ZalmzzPD2fo3wavU=",
    "FN++QZPqWIZja9FNV7ev3w3IvSQUleBYxtJidJKKB+E=",
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_follows_its_schema(kind: str) -> None:
    validator = jsonschema.Draft202012Validator(schema())
    problems = [f"{list(error.absolute_path)}: {error.message[:200]}" for error in validator.iter_errors(_raw(kind))]
    assert problems == []


def _raw(kind: str) -> dict[str, object]:
    raw = json.loads(read_text(kind))
    assert isinstance(raw, dict)
    return raw


def test_the_schema_itself_is_valid_and_refuses_a_wrong_file() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    validator = jsonschema.Draft202012Validator(schema())
    good = _raw("ws")
    vector = next(v for v in json.loads(read_text("ws"))["vectors"] if not v["valid"])
    for spoil in ({"cause": "no-family"}, {"id": "ws-1"}, {"valid": True}, {"expect": {"sign": "x"}}, {"extra": 1}):
        assert not validator.is_valid({**good, "vectors": [{**vector, **spoil}]})
    assert validator.is_valid({**good, "vectors": [vector]})


def test_ids_are_unique_and_made_of_what_is_asked() -> None:
    vectors = [vector for kind in KINDS for vector in load(kind).vectors]
    assert len({vector.id for vector in vectors}) == len(vectors)
    for vector in vectors:
        data = vector.data
        wire = {name: text for name, text in data.get("wire", {}).items() if name != "sign"}
        asked = [data["op"], data["input"], data.get("sent", {}).get("mistake"), wire]
        text = json.dumps(asked, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
        assert vector.id == f"{vector.kind}-{hashlib.sha256(text.encode()).hexdigest()[:10]}"


@pytest.mark.parametrize("kind", KINDS)
def test_every_flag_has_a_note_and_every_note_a_vector(kind: str) -> None:
    file = load(kind)
    assert {flag for vector in file.vectors for flag in vector.flags} == set(file.flags)


def test_there_are_enough_of_each_sort() -> None:
    counts = {kind: len(load(kind).vectors) for kind in KINDS}
    signing = load("sign").vectors + load("ws").vectors
    must_fail = [vector for vector in signing if not vector.valid]
    assert counts["sign"] + counts["ws"] >= 1000
    assert counts["ws"] >= 100
    assert counts["round"] + counts["parse"] >= 5000
    assert len(must_fail) >= 200
    assert len([vector for vector in signing if vector.valid]) >= 200
    assert len([vector for vector in signing if "list" in vector.flags and vector.valid]) >= 100
    assert len([vector for vector in signing if "list" in vector.flags and not vector.valid]) >= 50


def test_every_signing_cause_has_a_vector() -> None:
    causes = Counter(vector.cause for kind in ("sign", "ws") for vector in load(kind).vectors if vector.cause)
    assert set(causes) == {
        "signature.query-unsigned",
        "signature.query-sorted",
        "signature.query-encoding",
        "signature.body-reserialised",
        "signature.body-unsigned",
        "signature.method-case",
        "signature.path",
        "signature.prehash-order",
        "signature.timestamp-differs",
        "signature.encoding",
        "signature.digest",
        "signature.secret-altered",
        "signature.not-text",
        "signature.ws-template",
        "signature.unexplained",
        "timestamp.format",
    }


def test_every_cause_is_in_the_vocabulary() -> None:
    from okxdoctor.knowledge import causes

    named = {vector.cause for kind in KINDS for vector in load(kind).vectors if vector.cause}
    assert named <= set(causes())


def test_the_published_signatures_are_among_them() -> None:
    signs = {vector.data["expect"]["sign"] for kind in ("sign", "ws") for vector in load(kind).vectors if vector.valid}
    assert signs >= PUBLISHED


def test_one_wrong_signature_never_has_two_causes() -> None:
    """Forensics could not tell such mistakes apart, so a vector must not claim to."""
    causes: dict[tuple[str, str, str], set[str | None]] = {}
    for kind in ("sign", "ws"):
        for vector in load(kind).vectors:
            if not vector.valid and vector.cause != "signature.not-text":
                sent = vector.data["sent"]
                wire = (
                    json.dumps({**vector.data["wire"], "sign": None}, sort_keys=True) + vector.data["input"]["secret"]
                )
                causes.setdefault((wire, sent["timestamp"], sent["sign"]), set()).add(vector.cause)
    assert [key for key, found in causes.items() if len(found) > 1] == []


def test_the_files_are_what_the_generator_writes(openssl: ModuleType) -> None:
    done = subprocess.run([sys.executable, str(GENERATOR), "--check"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
