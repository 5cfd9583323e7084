"""`okxdoctor vectors`: summaries for people, and machine formats that are nothing else."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner, Result

from okxdoctor.cli.vectors import vectors
from okxdoctor.knowledge.vectors import KINDS, load


def run(*arguments: str) -> Result:
    return CliRunner().invoke(vectors, arguments, env={"COLUMNS": "100"})


def test_the_summary_counts_every_kind_and_explains_every_flag() -> None:
    result = run()
    assert result.exit_code == 0
    for kind in KINDS:
        assert f"{kind}: {len(load(kind).vectors)} vectors" in result.output
        for flag in load(kind).flags:
            assert f"  {flag}" in result.output
    assert all(len(line) <= 110 for line in result.output.splitlines())


@pytest.mark.parametrize("kind", KINDS)
def test_json_is_one_array_of_the_vectors_as_stored(kind: str) -> None:
    result = run("--kind", kind, "--format", "json")
    assert json.loads(result.stdout) == [dict(vector.data) for vector in load(kind).vectors]
    assert result.stdout.isascii()


def test_jsonl_is_one_object_a_line() -> None:
    result = run("--format", "jsonl")
    lines = result.stdout.splitlines()
    assert len(lines) == sum(len(load(kind).vectors) for kind in KINDS)
    assert [json.loads(line)["id"] for line in lines] == [v.id for kind in KINDS for v in load(kind).vectors]


def ids(*arguments: str) -> list[str]:
    result = run(*arguments, "--format", "jsonl")
    assert result.exit_code == 0
    return [json.loads(line)["id"] for line in result.stdout.splitlines()]


def test_filters_narrow_and_combine() -> None:
    sign = load("sign").vectors
    assert ids("--kind", "sign", "--must-fail") == [v.id for v in sign if not v.valid]
    assert ids("--kind", "sign", "--valid") == [v.id for v in sign if v.valid]
    both = [v.id for v in sign if {"order", "canonical"} <= set(v.flags)]
    assert ids("--kind", "sign", "--flag", "order", "--flag", "canonical") == both
    assert both
    sorted_ids = ids("--cause", "signature.query-sorted")
    assert sorted_ids == [v.id for v in sign if v.cause == "signature.query-sorted"]
    assert set(ids("--op", "round_size")) == {v.id for v in load("round").vectors if v.op == "round_size"}


def test_nothing_found_is_an_empty_array() -> None:
    assert run("--kind", "round", "--flag", "tick", "--flag", "size", "--format", "json").stdout == "[]\n"
    assert run("--kind", "round", "--flag", "tick", "--flag", "size", "--format", "jsonl").stdout == ""


def test_a_table_names_the_cause_and_fits_the_width() -> None:
    result = run("--kind", "ws", "--must-fail")
    assert "signature.ws-template" in result.output
    assert all(len(line) <= 100 for line in result.output.splitlines())
    assert result.output.splitlines()[-1].endswith(" vectors")


def test_one_vector_is_shown_with_every_stage() -> None:
    vector = next(v for v in load("sign").vectors if v.cause == "signature.query-sorted")
    result = run("--id", vector.id)
    for stage in ("prehash", "prehash_hex", "digest_hex", "sign"):
        assert json.dumps(vector.data["expect"][stage], ensure_ascii=False) in result.output
        assert json.dumps(vector.data["sent"][stage], ensure_ascii=False) in result.output
    assert "must fail: signature.query-sorted" in result.output


def test_several_vectors_are_shown_with_source_and_refusals() -> None:
    source = next(v for v in load("sign").vectors if "source" in v.data)
    refused = next(v for v in load("parse").vectors if v.data["expect"] is None)
    result = run("--id", source.id, "--id", refused.id)
    assert f"source: {source.data['source']}" in result.output
    assert "expect: null" in result.output
    assert result.output.count("flags:") == 2


def test_a_count_of_one_is_singular() -> None:
    assert run("--flag", "independent").output.endswith("\n1 vector\n")


def test_an_unknown_kind_is_a_key_error() -> None:
    with pytest.raises(KeyError, match="signs"):
        load("signs")


def test_control_characters_of_a_vector_do_not_reach_the_terminal() -> None:
    result = run("--kind", "round", "--flag", "rejected")
    detail = run("--id", next(v.id for v in load("sign").vectors if "a line feed" in v.comment))
    for text in (result.output, detail.output):
        assert not any(ord(c) < 32 and c != "\n" for c in text)


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("--flag", "encodng"), "encoding"),
        (("--id", "sign-0000000000"), ""),
        (("--cause", "signature.query-sort"), "signature.query-sorted"),
        (("--op", "round"), "round_size"),
        (("--kind", "signs"), "sign"),
        (("--format", "yaml"), "json"),
        (("--colour",), ""),
    ],
)
def test_a_name_that_no_vector_has_is_a_usage_error(arguments: tuple[str, ...], hint: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert hint in result.stderr


def test_it_needs_nothing_but_click() -> None:
    """The heavy libraries stay unloaded, so that the command starts at once."""
    program = (
        "import sys; from okxdoctor.cli.vectors import vectors; "
        "vectors(['--format', 'jsonl'], standalone_mode=False); "
        "heavy = {'httpx', 'aiohttp', 'cryptography', 'hypothesis', 'rich', 'websockets', 'msgspec', 'asyncio'}; "
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"
    assert all(json.loads(line) for line in done.stdout.splitlines())
