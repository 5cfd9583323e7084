"""`okxdoctor explain`."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner, Result

from okxdoctor.cli.explain import explain
from okxdoctor.cli.main import main


def run(*arguments: str, columns: str = "80") -> Result:
    return CliRunner(env={"COLUMNS": columns}).invoke(explain, list(arguments))


def test_a_cause() -> None:
    result = run("clock.ahead")
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert lines[0] == "clock.ahead: The clock of this machine is ahead of the exchange"
    assert "What to do" in lines
    assert "  1. Linux: sudo timedatectl set-ntp true" in lines
    assert all(len(line) <= 80 for line in lines)


def test_a_code() -> None:
    result = run("50113")
    assert result.exit_code == 0
    assert result.output.startswith("50113: The signature does not fit the request.\n")
    assert "key.secret-wrong" in result.output
    assert "Invalid Sign" in result.output
    assert "Next:  okxdoctor run" in result.output


@pytest.mark.parametrize("code", ["60009", "4004", "0", "51008"])
def test_other_codes(code: str) -> None:
    result = run(code)
    assert result.exit_code == 0
    assert result.output.startswith(f"{code}: ")


def test_a_family_that_is_also_a_check_shows_both() -> None:
    result = run("clock")
    assert result.exit_code == 0
    assert result.output.startswith("check clock: ")
    assert "Run:   okxdoctor run --only clock" in result.output
    assert "clock.server-time-cached" in result.output
    assert all(len(line) <= 80 for line in result.output.splitlines())


def test_a_family_without_a_check() -> None:
    result = run("timestamp")
    assert result.exit_code == 0
    assert result.output.startswith("timestamp: 3 causes\n")


def test_a_message_of_several_words_needs_no_quotes() -> None:
    assert run("Invalid", "Sign").output == run("Invalid Sign").output
    assert "50113" in run("Invalid Sign").output
    assert "60007" in run("Invalid Sign").output


def test_a_pasted_answer() -> None:
    assert run('{"msg":"API key doesn\'t exist","code":"50119"}').output.startswith("50119: ")


@pytest.mark.parametrize("columns", ["40", "100", "500", "0", "many"])
def test_the_width_follows_the_terminal_within_reason(columns: str) -> None:
    result = run("50119", columns=columns)
    widest = max(len(line) for line in result.output.splitlines())
    assert widest <= (100 if columns == "500" else int(columns) if columns in ("40", "100") else 80)


def test_json_is_one_document() -> None:
    for asked, kind, count in (("50113", "code", 1), ("clock.ahead", "cause", 1), ("timestamp", "cause", 3)):
        result = run(asked, "--format", "json")
        assert result.exit_code == 0
        document = json.loads(result.output)
        assert document["schema"] == "okxdoctor.explanation/1"
        assert document["asked"] == asked
        assert [row["kind"] for row in document["answers"]] == [kind] * count
        assert document["near"] == []
    code = json.loads(run("50119", "--format", "json").output)["answers"][0]
    assert code["http_observed"] == [401]
    assert code["causes"][0] == "region.wrong-rest-host"


def test_json_of_a_check() -> None:
    rows = json.loads(run("clock", "--format", "json").output)["answers"]
    assert rows[0]["kind"] == "check"
    assert "clock.ahead" in rows[0]["causes"]
    assert rows[0]["page"]
    assert {row["kind"] for row in rows[1:]} == {"cause"}


# ---- what is not known --------------------------------------------------------------------------


def test_a_near_miss_is_suggested_and_ends_with_2(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "50131"]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert "50131 is not known. Did you mean 50113, " in err
    assert err.count("\n") == 1


def test_a_misspelt_cause(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "clok.ahead"]) == 2
    assert "Did you mean clock.ahead" in capfd.readouterr().err


def test_nothing_near_points_to_the_lists(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "xyzzy"]) == 2
    assert "okxdoctor list causes" in capfd.readouterr().err


def test_an_unknown_text_is_not_echoed_at_length(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "q" * 5000]) == 2
    assert len(capfd.readouterr().err) < 300


def test_control_characters_do_not_reach_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "\x1b[31mred\x07"]) == 2
    err = capfd.readouterr().err
    assert "\x1b" not in err
    assert "\x07" not in err


@pytest.mark.parametrize("arguments", [[], [""], ["   "]])
def test_nothing_asked(arguments: list[str]) -> None:
    assert run(*arguments).exit_code == 2


def test_json_of_an_unknown_name_is_still_a_document(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "--format", "json", "50131"]) == 2
    out, err = capfd.readouterr()
    document = json.loads(out)
    assert document["answers"] == []
    assert document["near"][0] == "50113"
    assert "50131 is not known" in err


# ---- start-up -----------------------------------------------------------------------------------


def test_a_code_is_explained_without_anything_heavy() -> None:
    """Speed is measured elsewhere; here it is held that nothing is imported which the answer does not need."""
    program = (
        "import sys; from okxdoctor.cli.main import main; main(['explain', '50113']); "
        "heavy = {'rich', 'httpx', 'aiohttp', 'cryptography', 'websockets', 'asyncio', 'ssl', 'hypothesis', "
        "'importlib.metadata', 'okxdoctor_checks', 'okxdoctor.runner', 'okxdoctor.knowledge.search', 'tomllib'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_terminal_without_utf_8_gets_plain_signs() -> None:
    program = "from okxdoctor.cli.main import main; main(['explain', 'env.credentials-missing'])"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        timeout=60,
        check=True,
        env={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "PATH": ""},
    )
    page = done.stdout.decode("ascii")
    assert "OKX_API_KEY='...'" in page
    assert "\\u" not in page
