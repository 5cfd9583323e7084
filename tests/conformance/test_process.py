"""Adapters as processes: every way of not answering has a verdict, and nothing is left running."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from okxdoctor.conformance import process
from okxdoctor.conformance.process import Adapter
from okxdoctor.conformance.protocol import AdapterFault, Output, Refused, Skipped
from okxdoctor.conformance.search import Search
from okxdoctor.conformance.suite import run

LIARS = str(Path(__file__).with_name("liars.py"))
TS = {"ts": ""}


def liar(kind: str, *more: str, timeout_s: float = 10.0, start_s: float = 20.0, restarts: int = 3) -> Adapter:
    command = [sys.executable, LIARS, kind, *more]
    return Adapter(command, call_timeout_s=timeout_s, start_timeout_s=start_s, restarts=restarts)


def test_a_right_adapter_answers_in_order(python_command: list[str]) -> None:
    adapter = Adapter(python_command)
    try:
        assert adapter.name == "my client 1.0 (python)"
        assert adapter.supports[0] == "sign"
        for ms in range(50):
            assert adapter.ask("parse_timestamp", {"ts": str(ms)}) == Output({"iso": f"1970-01-01T00:00:00.{ms:03d}Z"})
        assert isinstance(adapter.ask("parse_timestamp", {"ts": "x"}), Refused)
        assert adapter.ask("parse_timestamp", TS) == Output({"iso": None})
    finally:
        adapter.close()


@pytest.mark.parametrize(
    ("kind", "code", "says"),
    [
        ("dead-at-start", "adapter.died", "exit status 3"),
        ("banner", "adapter.garbage", "Debugger listening"),
        ("array", "adapter.garbage", "no JSON object"),
        ("no-supports", "adapter.supports", "no list"),
        ("unknown-support", "adapter.supports", "make_coffee"),
    ],
)
def test_an_adapter_that_does_not_start_rightly(kind: str, code: str, says: str) -> None:
    with pytest.raises(AdapterFault) as caught:
        liar(kind)
    assert caught.value.code == code
    assert says in caught.value.text
    if kind == "dead-at-start":
        assert caught.value.stderr == "cannot find my config"


def test_an_adapter_that_dies_at_a_list_is_asked_none_any_more(adapter_file: Path, tmp_path: Path) -> None:
    """A client whose parameters are texts and whose adapter lets no error through: noted, and judged by the rest."""
    source = adapter_file.read_text("utf-8")
    fatal = source.replace(
        "    if isinstance(value, (list, tuple)):\n", "    if isinstance(value, list):\n        sys.exit(9)\n"
    )
    assert fatal != source
    path = tmp_path / "fatal.py"
    path.write_text(fatal.replace("except Exception", "except ValueError"), "utf-8")
    adapter = Adapter([sys.executable, str(path)], restarts=2)
    try:
        result = run(adapter, "sign", search=Search(examples=150, seed=1), ops=("sign",))
    finally:
        adapter.close()
    assert result.exit_code == 0, result.failures
    (noted,) = result.found
    assert (noted.failure.code, noted.failure.level) == ("adapter.died", "should")
    (tally,) = result.tallies
    assert tally.vectors > 400
    assert tally.skipped > 5
    assert tally.searched > 50


def test_an_adapter_that_says_nothing_at_the_start_is_not_waited_for() -> None:
    began = time.monotonic()
    with pytest.raises(AdapterFault) as caught:
        liar("silent", start_s=0.5)
    assert caught.value.code == "adapter.hung"
    assert time.monotonic() - began < 20


@pytest.mark.parametrize(
    ("kind", "code", "says"),
    [
        ("dies", "adapter.died", "exit status 7"),
        ("dies-in-a-line", "adapter.died", "within its reply"),
        ("prints", "adapter.garbage", "debug: got a call"),
        ("not-utf8", "adapter.garbage", "not UTF-8"),
        ("endless", "adapter.garbage", "longer than"),
        ("wrong-seq", "adapter.sequence", "seq 2 came to call 1"),
        ("seq-as-text", "adapter.sequence", "'1'"),
        ("two-answers", "adapter.reply", "output and error"),
        ("no-answer", "adapter.reply", "none"),
        ("error-object", "adapter.reply", "no text"),
    ],
)
def test_an_adapter_that_breaks_the_protocol_in_a_call(kind: str, code: str, says: str) -> None:
    adapter = liar(kind)
    try:
        with pytest.raises(AdapterFault) as caught:
            adapter.ask("parse_timestamp", TS)
        assert caught.value.code == code
        assert says in caught.value.text
    finally:
        adapter.close()


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_the_signal_that_killed_an_adapter_is_named() -> None:
    adapter = liar("killed")
    try:
        with pytest.raises(AdapterFault, match="SIGKILL"):
            adapter.ask("parse_timestamp", TS)
    finally:
        adapter.close()


@pytest.mark.parametrize("kind", ["hangs", "deaf", "hangs-with-child"])
def test_a_hang_ends_by_the_clock_and_so_does_everything_the_adapter_started(kind: str) -> None:
    adapter = liar(kind, timeout_s=0.5)
    began = time.monotonic()
    try:
        # 4 MB into a process that does not read: the write itself blocks, and must be ended too.
        given = {"ts": "1" * (4 << 20)} if kind == "deaf" else TS
        with pytest.raises(AdapterFault) as caught:
            adapter.ask("parse_timestamp", given)
        assert caught.value.code == "adapter.hung"
    finally:
        adapter.close()
    assert time.monotonic() - began < 20


def test_after_a_crash_the_next_call_starts_it_again_a_bounded_number_of_times(tmp_path: Path) -> None:
    adapter = liar("dies-once", str(tmp_path / "flag"), restarts=1)
    try:
        with pytest.raises(AdapterFault):
            adapter.ask("parse_timestamp", TS)
        assert adapter.ask("parse_timestamp", TS) == Output({"iso": None})
        assert adapter.restarts_left == 0
    finally:
        adapter.close()
    adapter = liar("dies", restarts=2)
    try:
        for _ in range(3):
            with pytest.raises(AdapterFault, match="exit status 7"):
                adapter.ask("parse_timestamp", TS)
        with pytest.raises(AdapterFault, match="too often"):
            adapter.ask("parse_timestamp", TS)
    finally:
        adapter.close()


def test_standard_error_is_drained_and_its_last_lines_kept() -> None:
    adapter = liar("chatty")
    try:
        for _ in range(3):  # more than any pipe holds
            assert adapter.ask("parse_timestamp", TS) == Output({"iso": None})
    finally:
        adapter.close()


def test_an_adapter_that_ignores_stop_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "STOP_TIMEOUT_S", 0.3)
    adapter = liar("ignores-stop")
    began = time.monotonic()
    adapter.close()
    adapter.close()
    assert time.monotonic() - began < 20


@pytest.mark.parametrize("command", ["/nowhere/adapter", ["/nowhere/adapter", "x"]])
def test_a_command_that_is_not_there_is_a_matter_of_usage(command: str | list[str]) -> None:
    with pytest.raises(AdapterFault) as caught:
        Adapter(command)
    assert caught.value.code == "adapter.command"


def test_an_operation_that_is_named_and_never_run_is_a_lie() -> None:
    adapter = liar("skips")
    try:
        assert isinstance(adapter.ask("parse_timestamp", TS), Skipped)
        result = run(adapter, "parse", search=None)
    finally:
        adapter.close()
    assert result.exit_code == 1
    assert {(one.failure.code, one.case.op) for one in result.found} == {
        ("adapter.supports", "parse_timestamp"), ("adapter.supports", "parse_response")
    }  # fmt: skip


def test_nothing_supported_is_nothing_run() -> None:
    adapter = liar("supports-nothing")
    try:
        result = run(adapter, "parse", search=None)
    finally:
        adapter.close()
    assert result.exit_code == 3
    assert result.missing == ("parse_timestamp", "parse_response")


def test_a_run_ends_when_the_adapter_breaks_again_and_again() -> None:
    adapter = liar("dies", restarts=20)
    try:
        result = run(adapter, "parse", search=None)
    finally:
        adapter.close()
    assert result.exit_code == 1
    assert [one.failure.code for one in result.failures] == ["adapter.died"]
    assert sum(tally.vectors for tally in result.tallies) == 3
    assert "Traceback" in result.stderr


def test_the_body_of_a_request_reaches_the_adapter_as_it_is(python_command: list[str]) -> None:
    """No number of it passes through a float on the way, and raw line breaks do not break the line."""
    adapter = Adapter(python_command)
    body = '{\r\n "n": 12345678901234567890,\n "s": "a\\nb é",\r "t": "\u2028"}'
    given = {"secret": "s", "timestamp": "t", "method": "POST", "path": "/x", "params": None, "body_json": body}
    try:
        answer = adapter.ask("sign", given)
    finally:
        adapter.close()
    assert isinstance(answer, Output)
    assert answer.value["body"] == '{"n": 12345678901234567890, "s": "a\\nb \\u00e9", "t": "\\u2028"}'
