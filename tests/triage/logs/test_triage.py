"""`okxdoctor triage` from a file to its verdict."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from okxdoctor.cli.main import main
from okxdoctor.redact import Redactor
from okxdoctor.reports.look import Look
from okxdoctor.triage.logs.gather import Gathered, read_log
from okxdoctor.triage.logs.judge import UNKNOWN, Row, judge
from okxdoctor.triage.logs.report import Report, render_json, render_text, schema

Log = Callable[[str], Path]


@pytest.fixture
def log(tmp_path: Path) -> Log:
    def write(text: str) -> Path:
        path = tmp_path / "bot.log"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def rows(text: str) -> tuple[Row, ...]:
    gathered = Gathered()
    read_log("bot.log", io.BytesIO(text.encode()), gathered, year=2026)  # type: ignore[arg-type]
    return judge(gathered)


def told(text: str) -> dict[str, str]:
    return {row.group.signal.name: row.code for row in rows(text)}


TRACEBACK = """\
2026-11-22 10:00:05,001 ERROR request failed
Traceback (most recent call last):
  File "x.py", line 3, in <module>
socket.gaierror: [Errno -2] Name or service not known

During handling of the above exception, another exception occurred:

aiohttp.client_exceptions.ClientConnectorError: Cannot connect to host www.okx.com:443 [Name or service not known]
ccxt.base.errors.NetworkError: okx GET https://www.okx.com/api/v5/public/instruments
2026-11-22 10:00:06,001 INFO going on
"""


def test_a_traceback_is_one_failure_told_by_its_telling_line() -> None:
    (row,) = rows(TRACEBACK)
    assert row.group.signal.name == "name or service not known"
    assert row.group.count == 1
    assert row.group.first.line == 4
    assert row.code == UNKNOWN
    assert [one.code for one in row.candidates][:2] == ["dns.name-not-found", "dns.resolver-down"]
    assert row.separate == ("okxdoctor run --only 'dns.*'",)


def test_a_wrapping_error_counts_where_nothing_tells_more() -> None:
    text = "2026-11-22 10:00:05,001 ERROR okx ccxt.base.errors.NetworkError: okx GET https://www.okx.com/api/v5/x\n"
    assert list(told(text)) == ["cannot connect"]
    assert list(told(text + "x\n" * 100 + TRACEBACK)) == ["cannot connect", "name or service not known"]


def test_occurrences_are_counted_placed_and_grouped_in_time() -> None:
    lines = [
        f'2026-11-22T10:{minute:02d}:{second:02d}.000Z ERROR okx {{"code":"50001","msg":"unavailable"}}'
        for minute, second in ((0, 0), (0, 10), (0, 50), (10, 0), (10, 5), (59, 59))
    ]
    (row,) = rows("\n".join(lines))
    group = row.group
    assert group.count == 6
    assert (group.first.line, group.last.line) == (1, 6)
    assert [episode.count for episode in group.episodes] == [3, 2, 1]
    assert group.numbers == [("bot.log", number) for number in range(1, 7)]
    assert len(group.examples) == 1


def test_a_code_with_one_cause_is_named_and_one_with_several_stays_unknown() -> None:
    found = {
        row.group.signal.name: row for row in rows('okx {"code":"50100","msg":"x"}\nokx {"code":"50102","msg":"x"}\n')
    }
    assert (found["50100"].code, found["50100"].confidence.value) == ("key.frozen", "likely")
    assert found["50102"].code == UNKNOWN
    assert "clock.ahead" in [one.code for one in found["50102"].candidates]
    assert any("clock.*" in command for command in found["50102"].separate)
    assert all(one.tells for one in found["50102"].candidates)


def test_two_failures_that_share_one_cause_point_to_it() -> None:
    text = 'okx {"code":"50102","msg":"x"}\n' + "-\n" * 60 + "okx SSLError: certificate is not yet valid\n"
    found = {row.group.signal.name: row for row in rows(text)}
    assert {row.points_to for row in found.values()} == {"clock.behind"}
    assert found["50102"].candidates[0].code == "clock.behind"
    assert found["50102"].code == UNKNOWN, "it points to it and proves nothing"


REQUEST = "2026-11-22T10:00:{:06.3f}Z DEBUG GET https://www.okx.com/api/v5/market/candles?instId=X"
REFUSED = '2026-11-22T10:00:{:06.3f}Z ERROR okx {{"code":"50011","msg":"Too Many Requests"}}'


def test_the_ledger_of_the_log_tells_an_own_burst_from_a_shared_budget() -> None:
    limit = 40  # GET market/candles: 40 in 2 s
    own = "\n".join([REQUEST.format(5 + place / 100) for place in range(limit)] + [REFUSED.format(5.5)])
    (row,) = rows(own)
    assert row.code == "ratelimit.exceeded"
    assert f"{limit} requests to GET /api/v5/market/candles within 2 s" in row.because
    few = "\n".join([REQUEST.format(5 + place) for place in range(10)] + [REFUSED.format(15)])
    (row,) = rows(few)
    assert row.code == UNKNOWN
    assert {one.code for one in row.candidates} >= {"ratelimit.exceeded", "ratelimit.shared"}


def test_what_is_said_of_others_is_left_aside(log: Log, capsys: pytest.CaptureFixture[str]) -> None:
    text = 'ERROR binance {"code":"50011"}\nERROR https://api.example.com/x answered HTTP 429\nstatus=429 retrying\n'
    assert main(["triage", str(log(text))]) == 0
    out = capsys.readouterr().out
    assert "No failure of OKX" in out
    assert "2 failures of others left aside" in out


def test_a_status_counts_where_it_is_okx_s() -> None:
    assert told("x okx start\nERROR status=429\n") == {"HTTP 429": UNKNOWN}
    assert told("ERROR status=429\n") == {}
    assert told("okx start\nbinance start\nERROR status=429\n") == {}
    assert told("okx https://www.okx.com/api/v5/x status=451 \n") == {"HTTP 451": "http.region-blocked"}


def _har(*entries: dict[str, Any]) -> str:
    return json.dumps({"log": {"version": "1.2", "creator": {"name": "x", "version": "1"}, "entries": list(entries)}})


def _entry(url: str, status: int, body: str, *, sent: str = "2026-11-22T10:00:00.000Z", **more: Any) -> dict[str, Any]:
    headers = [
        {"name": "OK-ACCESS-KEY", "value": "7b0c5e1a-3f52-4d8e-9a61-0c4b7d2e9f13"},
        {"name": "OK-ACCESS-SIGN", "value": "AkD5YszBhggtIyjDlmTy/9PpNVntel+1Lff8wh0qpQw="},
        {"name": "OK-ACCESS-PASSPHRASE", "value": "hunter2hunter2"},
        {"name": "OK-ACCESS-TIMESTAMP", "value": sent},
    ]
    answered = [
        {"name": "Date", "value": "Sun, 22 Nov 2026 10:00:00 GMT"},
        {"name": "Content-Type", "value": "application/json"},
    ]
    return {
        "startedDateTime": "2026-11-22T10:00:00.000Z",
        "request": {"method": "GET", "url": url, "httpVersion": "HTTP/1.1", "headers": headers, "queryString": []},
        "response": {
            "status": status, "statusText": "", "headers": answered,
            "content": {"mimeType": "application/json", "text": body},
        },
        **more,
    }  # fmt: skip


def test_a_har_is_read_by_entries_and_what_its_bytes_prove_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expired = '{"msg":"Timestamp request expired","code":"50102"}'
    path = tmp_path / "session.har"
    path.write_text(
        _har(
            _entry("https://www.okx.com/api/v5/account/balance", 200, '{"code":"0","data":[],"msg":""}'),
            _entry("https://www.okx.com/api/v5/account/balance", 401, expired, sent="2026-11-22T10:02:10.500Z"),
            {
                **_entry("https://api.example.com/x", 500, "{}"),
                "request": {"method": "GET", "url": "https://api.example.com/x"},
            },
            _entry("https://www.okx.com/api/v5/account/config", 403, "<html>no</html>"),
        )
    )
    assert main(["triage", str(path), "--format", "json"]) == 1
    made = json.loads(capsys.readouterr().out)
    jsonschema.Draft202012Validator(schema()).validate(made)
    assert made["files"] == [{"name": str(path), "kind": "har", "bytes": path.stat().st_size, "lines": 4, "notes": []}]
    by_name = {row["symptom"]["name"]: row for row in made["diagnosis"]}
    assert by_name["50102"]["code"] == "timestamp.expired"
    assert "130 s" in by_name["50102"]["because"]
    assert by_name["50102"]["first"] == {"file": str(path), "line": 2, "time": "2026-11-22T10:00:00.000Z"}
    assert by_name["HTTP 403"]["code"] == UNKNOWN
    assert made["elsewhere"] == 1
    packed = tmp_path / "session.har.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert main(["triage", str(packed), "--format", "json"]) == 1
    again = json.loads(capsys.readouterr().out)
    assert [row["code"] for row in again["diagnosis"]] == [row["code"] for row in made["diagnosis"]]
    assert "hunter2" not in json.dumps(made)


def test_secrets_in_a_log_are_not_said_back(
    log: Log, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    secret, phrase, key = "C0FFEE00112233445566778899AABBCC", "Canary-Word-1!", "0badcafe-1111-4222-8333-444455556666"
    monkeypatch.setenv("OKX_SECRET_KEY", secret)
    path = log(
        f'okx error {{"code":"50105"}} secret {secret}\n'
        f'okx error {{"code":"50113"}} headers {{"OK-ACCESS-KEY": "{key}", "OK-ACCESS-PASSPHRASE": "{phrase}"}}\n'
        f"okx error code=50111 OK-ACCESS-KEY: {key}\n"
        f"okx error code=50100 proxy http://me:{phrase}@10.0.0.1:3128\n" + f"okx code=50114 {'x' * 460} {secret}\n"
    )
    for form in ("text", "json"):
        assert main(["triage", str(path), "--format", form, *(["--verbose"] if form == "text" else [])]) == 1
        out = capsys.readouterr().out
        assert "***" in out
        for value in (secret, phrase, key, secret[:12]):
            assert value not in out, (form, value)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["/nowhere/x.log"], "cannot be read"), ([], "FILE"), (["/"], "is a directory"),
        (["--format", "xml", "x"], "xml"),
        (["x\0y"], "no file name"),
    ],
)  # fmt: skip
def test_usage(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["triage", *arguments]) == 2
    caught = capsys.readouterr()
    assert caught.out == ""
    assert said in caught.err.replace("...", "")
    assert caught.err.count("\n") == 1


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\n", b"\0" * 5000, bytes(range(256)) * 40, b"{" * 5000,
        b'{"log":{"entries":[', b'{"log":{"entries":5}}',
        b'{"log":{"entries":[null,1,{"request":{"url":5}}]}}', b"\xff\xfe" + b"\xd8\x00" * 100, b"\x1f\x8b\x08broken",
        b'{"log":' * 20_000, gzip.compress(b"ok\n", mtime=0)[:-4],
    ],
)  # fmt: skip
def test_hostile_files_are_nothing_found(data: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x"
    path.write_bytes(data)
    for form in ("text", "json"):
        assert main(["triage", str(path), "--format", form]) == 0
        caught = capsys.readouterr()
        assert caught.err == ""
        if form == "json":
            jsonschema.Draft202012Validator(schema()).validate(json.loads(caught.out))


def test_a_hostile_line_cannot_steer_the_terminal(log: Log, capsys: pytest.CaptureFixture[str]) -> None:
    path = log('okx \x1b[2J\x1b]0;owned\x07 error {"code":"50113"} \u202e reversed\n')
    assert main(["triage", str(path)]) == 1
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\u202e" not in out


def test_several_files_are_told_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, when in (("a.log", "09"), ("b.log", "10")):
        (tmp_path / name).write_text(f'2026-11-22 {when}:00:00 okx error {{"code":"50113"}}\n')
    with gzip.open(tmp_path / "c.log.gz", "wt") as file:
        file.write('2026-11-22 11:00:00 okx error {"code":"50113"}\n')
    paths = [str(tmp_path / name) for name in ("a.log", "b.log", "c.log.gz")]
    assert main(["triage", *paths, "--format", "json"]) == 1
    (row,) = json.loads(capsys.readouterr().out)["diagnosis"]
    assert row["count"] == 3
    assert [place["file"] for place in row["lines"]] == paths
    assert (row["first"]["time"], row["last"]["time"]) == ("2026-11-22T09:00:00.000", "2026-11-22T11:00:00.000")


def test_quiet_is_one_line_for_each(log: Log, capsys: pytest.CaptureFixture[str]) -> None:
    path = log('okx {"code":"50113","msg":"x"}\nokx {"code":"50100","msg":"x"}\n')
    assert main(["triage", "-q", str(path)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[0].endswith("[key.frozen]")
    assert lines[1].endswith("[unknown, likeliest key.secret-wrong]")


PARTS = st.sampled_from(
    ["2026-11-22 10:00:00,5 ", "okx ", '{"code":"50113","msg":"x"}', "status=429 ", "HTTP/1.1 503 ", "Traceback\n",
     "\n", "Connection refused ",
     "\x1b[31m", "é\u2028", "closed code=1006 websocket ", "binance ", "sCode=51008 ", "\0", '"']
)  # fmt: skip


@settings(max_examples=150)
@given(st.lists(PARTS, max_size=40).map("".join), st.integers(20, 130))
def test_any_log_is_judged_and_laid_out(text: str, width: int) -> None:
    gathered = Gathered()
    read_log("x", io.BytesIO(text.encode()), gathered, year=2026)  # type: ignore[arg-type]
    report = Report(gathered=gathered, rows=judge(gathered), elapsed_ms=1.0)
    jsonschema.Draft202012Validator(schema()).validate(json.loads(render_json(report, Redactor())))
    page = render_text(report, Redactor(), Look(width=width))
    assert page.endswith("\n")
    assert "\x1b" not in page
    assert report.exit_code == bool(report.rows)
    assert sum(row.group.count for row in report.rows) <= text.count("\n") * 3 + 3 + len(text)
