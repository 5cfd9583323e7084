"""`okxdoctor inspect` as a user calls it: answers, exit codes, the schema, and that no secret comes out anywhere."""

from __future__ import annotations

import base64
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import jsonschema
import pytest

from okxdoctor.cli.main import main
from okxdoctor.triage.report import schema

SECRET = "22582BD0CFF14C41EDBF1AB98506286D"
PASSPHRASE = "Canary-Phrase-7"
KEY = "7b0c5e1a-3f52-4d8e-9a61-0c4b7d2e9f13"
PROXY_PASSWORD = "proxy-canary-91"
TIME = "2020-12-08T09:08:57.715Z"
PENDING = "/api/v5/trade/orders-pending?instType=SWAP&instId=BTC-USDT-SWAP"

# Signatures of published tables and of the reference vectors (openssl): the documentation's example secret at TIME.
RIGHT = "nLA7bQfhiHy6i2RsGsg2QT9rI/yc4iB0wV2yIyM/9SI="
QUERY_UNSIGNED = "i1Q9Q/iKwgtDHXQWdRrCD7ITJ1LQ2Zxugo+JVvlGwcs="
WS_RIGHT = "5/36BgGV6m/6pmdc20zdqk0mzF5ZalmzzPD2fo3wavU="


def headers(sign: str) -> dict[str, str]:
    return {
        "OK-ACCESS-KEY": KEY,
        "OK-ACCESS-SIGN": sign,
        "OK-ACCESS-TIMESTAMP": TIME,
        "OK-ACCESS-PASSPHRASE": PASSPHRASE,
    }


def as_json(sign: str, **more: object) -> str:
    return json.dumps({"method": "GET", "url": f"https://www.okx.com{PENDING}", "headers": headers(sign), **more})


def as_curl(sign: str) -> str:
    lines = "".join(f" \\\n  -H '{name}: {value}'" for name, value in headers(sign).items())
    return f"curl -s 'https://www.okx.com{PENDING}'{lines}\n"


def as_http(sign: str) -> str:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers(sign).items())
    return f"GET {PENDING} HTTP/1.1\r\nHost: www.okx.com\r\n{lines}\r\n"


def as_har(*signs: str) -> str:
    rows = [{"name": name, "value": value} for name, value in headers("").items()]
    entries = []
    for sign in signs:
        pairs = [{**row, "value": sign} if row["name"] == "OK-ACCESS-SIGN" else row for row in rows]
        request = {"method": "GET", "url": f"https://www.okx.com{PENDING}", "headers": pairs}
        entries.append({"request": request, "response": {"status": 401, "content": {"text": '{"code":"50113"}'}}})
    return json.dumps({"log": {"entries": entries}})


@pytest.fixture
def with_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OKX_API_KEY", KEY)
    monkeypatch.setenv("OKX_SECRET_KEY", SECRET)
    monkeypatch.setenv("OKX_PASSPHRASE", PASSPHRASE)
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:{PROXY_PASSWORD}@127.0.0.1:9")


def call(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str | bytes, *args: str) -> tuple[int, str, str]:
    file = tmp_path / "capture"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    code = main(["inspect", str(file), *args])
    out, err = capsys.readouterr()
    return code, out, err


@pytest.mark.usefixtures("with_secret")
@pytest.mark.parametrize("form", [as_json, as_curl, as_http, as_har])
def test_every_form_leads_to_the_same_answer(form, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:  # type: ignore[no-untyped-def]
    code, out, err = call(tmp_path, capsys, form(QUERY_UNSIGNED), "--format", "json")
    assert (code, err) == (1, "")
    report = json.loads(out)
    jsonschema.validate(report, schema())
    assert [row["code"] for row in report["diagnosis"]] == ["signature.query-unsigned"]
    assert report["recipe"] == [{"step": "query", "is": "left out", "should_be": "as sent"}]
    assert report["tried"] > 1
    assert report["diagnosis"][0]["evidence"]["was_signed"] == f"{TIME}GET/api/v5/trade/orders-pending"
    assert report["diagnosis"][0]["evidence"]["should_be_signed"] == f"{TIME}GET{PENDING}"


@pytest.mark.usefixtures("with_secret")
def test_a_right_signature(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call(tmp_path, capsys, as_curl(RIGHT))
    assert code == 0
    assert "The signature is right for these bytes." in out.splitlines()[0]
    code, out, _ = call(tmp_path, capsys, as_curl(RIGHT), "--format", "json")
    report = json.loads(out)
    jsonschema.validate(report, schema())
    assert (report["diagnosis"], report["recipe"], report["requests"][0]["signature"]) == ([], [], "right")


@pytest.mark.usefixtures("with_secret")
def test_a_right_signature_that_was_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer = tmp_path / "answer"
    answer.write_text('{"msg":"Invalid Sign","code":"50113"}')
    code, out, _ = call(tmp_path, capsys, as_json(RIGHT), "--response", str(answer))
    assert code == 1
    assert "right for these bytes" in out
    assert "signature.unexplained" in out


@pytest.mark.usefixtures("with_secret")
def test_the_login_of_a_published_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(tmp_path, capsys, login(sign=WS_RIGHT))[0] == 0
    code, out, _ = call(tmp_path, capsys, login(sign=WS_RIGHT, timestamp="1704876948"))
    assert code == 1
    assert "signature.ws-template" in out


@pytest.mark.usefixtures("with_secret")
def test_several_entries_and_one_of_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call(tmp_path, capsys, as_har(RIGHT, QUERY_UNSIGNED, QUERY_UNSIGNED), "--format", "json")
    report = json.loads(out)
    jsonschema.validate(report, schema())
    assert code == 1
    assert [row["signature"] for row in report["requests"]] == ["right", "wrong", "wrong"]
    row = next(row for row in report["diagnosis"] if row["code"] == "signature.query-unsigned")
    assert len(row["evidence"]["requests"]) == 2
    code, out, _ = call(tmp_path, capsys, as_har(RIGHT, QUERY_UNSIGNED), "--entry", "2", "--format", "json")
    assert [row["request"] for row in json.loads(out)["requests"]] == ["entry 2: GET /api/v5/trade/orders-pending"]
    assert call(tmp_path, capsys, as_har(RIGHT, QUERY_UNSIGNED))[0] == 1
    assert call(tmp_path, capsys, as_har(RIGHT), "--entry", "2")[0] == 2


def test_a_secret_under_another_name_is_noted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OKX_SECRET", SECRET)
    _, out, err = call(tmp_path, capsys, as_curl(RIGHT))
    assert (
        err == "okxdoctor: note: OKX_SECRET is set, and nothing reads it: the secret key is read from OKX_SECRET_KEY\n"
    )
    assert SECRET not in out
    monkeypatch.setenv("OKX_SECRET_KEY", SECRET)
    assert call(tmp_path, capsys, as_curl(RIGHT))[2] == ""


@pytest.mark.parametrize("text", ["", "50113 Invalid Sign", '{"msg":"Inv', "GET / HTTP/1.1\r\n\r\n", "[1,2]"])
def test_a_response_that_is_none_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    answer = tmp_path / "answer"
    answer.write_text(text)
    code, out, err = call(tmp_path, capsys, as_curl(RIGHT), "--response", str(answer))
    assert (code, out) == (2, "")
    assert "no answer is found" in err


def test_without_the_secret_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call(tmp_path, capsys, as_curl(QUERY_UNSIGNED))
    assert code == 0
    assert "Nothing wrong is visible." in out
    assert "OKX_SECRET_KEY" in out


def test_standard_input(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(as_curl("[object Promise]").encode())))
    assert main(["inspect", "-"]) == 1
    assert "signature.not-text" in capsys.readouterr().out


def test_a_profile_brings_the_secret(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "okx.toml"
    config.write_text(
        f'[profiles.bot]\napi_key = "{KEY}"\nsecret_key = "{SECRET}"\npassphrase = "{PASSPHRASE}"\n', encoding="utf-8"
    )
    code, out, _ = call(tmp_path, capsys, as_curl(QUERY_UNSIGNED), "--config", str(config), "--profile", "bot")
    assert code == 1
    assert "signature.query-unsigned" in out


def test_asking_for_the_secret(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("getpass.getpass", lambda *args, **kwargs: SECRET)
    code, out, err = call(tmp_path, capsys, as_curl(QUERY_UNSIGNED), "--ask")
    assert code == 1
    assert "signature.query-unsigned" in out
    assert SECRET not in out + err


def test_asking_without_a_terminal(tmp_path: Path) -> None:
    file = tmp_path / "c"
    file.write_text(as_curl(QUERY_UNSIGNED))
    done = subprocess.run(
        [sys.executable, "-m", "okxdoctor.cli.main", "inspect", str(file), "--ask"],
        input=f"{SECRET}\n", capture_output=True, text=True, timeout=60, start_new_session=True, check=False,
        env={**os.environ, "HOME": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 2
    assert "terminal" in done.stderr
    assert SECRET not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("text", "says"),
    [("", "empty"), ("hello", "no request is found"), ("{", "begins like JSON"), ('{"a":1}', "holds no request"),
     ("curl", "curl"), (b"\x00\x80\xff", "no request")],
)  # fmt: skip
def test_garbage_is_one_line_and_exit_2(
    text: str | bytes, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = call(tmp_path, capsys, text, "--format", "json")
    assert (code, out) == (2, "")
    assert says in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("file", ["/nowhere/at/all", "."])
def test_a_file_that_cannot_be_read(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", file]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_secret_is_never_a_flag(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = call(tmp_path, capsys, as_curl(RIGHT), "--secret", SECRET)
    assert code == 2
    assert SECRET not in out + err


# ---- canaries ------------------------------------------------------------------------------------------------------


def leaks(text: str, *values: str) -> list[str]:
    """Every secret that stands in the text, plain or in a usual encoding."""
    forms = {
        form
        for value in values
        for form in (
            value, value.lower(), value[::-1], quote(value, safe=""), json.dumps(value)[1:-1], value.encode().hex(),
            base64.b64encode(value.encode()).decode().rstrip("="),
        )
    }  # fmt: skip
    return sorted(form for form in forms if form in text)


def login(**members: str) -> str:
    right = {"apiKey": KEY, "passphrase": PASSPHRASE, "timestamp": "1704876947", "sign": RIGHT}
    return json.dumps({"op": "login", "args": [{**right, **members}]})


CANARIES = [
    # where each secret stands in its own place
    as_curl(RIGHT),
    as_curl(QUERY_UNSIGNED),
    as_json(QUERY_UNSIGNED),
    as_http(QUERY_UNSIGNED),
    as_har(RIGHT, QUERY_UNSIGNED),
    as_json("A" * 43 + "="),
    as_json(f"b'{QUERY_UNSIGNED}'"),
    as_json(QUERY_UNSIGNED.rstrip("=")),
    login(),
    # and where one was put into another's
    as_json(SECRET),
    as_json(RIGHT, body={"passphrase": PASSPHRASE, "secret": SECRET}),
    as_json(RIGHT, body=f"{SECRET} {PASSPHRASE} {RIGHT}"),
    as_json(RIGHT).replace("instType=SWAP", f"instType={SECRET}&x={PASSPHRASE}"),
    as_json(RIGHT).replace(TIME, SECRET),
    as_json(RIGHT).replace(KEY, SECRET),
    as_json(RIGHT).replace("GET", SECRET),
    as_json(RIGHT).replace("OK-ACCESS-KEY", SECRET),
    as_curl(RIGHT).replace("okx.com", f"{SECRET}:{PASSPHRASE}@okx.com"),
    f"{SECRET} {PASSPHRASE} {RIGHT}",
    "{" + f'"{SECRET}": "{PASSPHRASE}',
    f"curl {SECRET}",
    f"curl -d {SECRET}",
    login(timestamp=SECRET),
    login(apiKey=SECRET),
    json.dumps(
        {
            "method": "POST",
            "url": "/api/v5/trade/order",
            "headers": headers(RIGHT),
            "body": {"clOrdId": SECRET + "-", "px": PASSPHRASE, "side": SECRET, SECRET: 1},
        }
    ),
]


@pytest.mark.usefixtures("with_secret")
@pytest.mark.parametrize("number", range(len(CANARIES)))
@pytest.mark.parametrize("form", ["text", "json"])
def test_no_sink_shows_a_secret(
    number: int, form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OKXDOCTOR_DEBUG", "1")
    code, out, err = call(tmp_path, capsys, CANARIES[number], "--format", form)
    assert code in (0, 1, 2)
    assert leaks(out + err, SECRET, PASSPHRASE, PROXY_PASSWORD, RIGHT, QUERY_UNSIGNED) == []


@pytest.mark.parametrize("number", range(len(CANARIES)))
def test_the_values_of_the_capture_alone_stay_hidden(
    number: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is configured, so only the places tell what is secret: headers and members of that name."""
    _, out, err = call(tmp_path, capsys, CANARIES[number], "--format", "json")
    in_place = [PASSPHRASE, RIGHT, QUERY_UNSIGNED] if number < 9 else []
    assert leaks(out + err, *in_place) == []
