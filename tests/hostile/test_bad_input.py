"""What cannot be used is told in one line on stderr with exit code 2; stdout stays empty and no file changes."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest
import trustme

from okxdoctor.cli import main as cli

ACCEPT = '[[accept]]\ncode = "{}"\nreason = "known"\nowner = "ops"\nexpires = {}\n'


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bundle: Path, cassette: Path) -> Path:
    """A working directory full of files that are not what they are called."""
    monkeypatch.chdir(tmp_path)
    whole, tape = bundle.read_text("utf-8"), cassette.read_text("utf-8")
    ca = trustme.CA().cert_pem.bytes()
    contents: dict[str, bytes] = {
        "empty": b"",
        "blank": b" \n\t\n",
        "random": bytes(range(256)) * 12,
        "binary.toml": b"a = 'b'\n\x00\xff",
        "large": b"#" * 1_200_000,
        "list.toml": b"profiles = 3\n",
        "deep.toml": b"a = " + b"[" * 5_000,
        "cut.toml": b'[profiles.x]\napi_key = "0badcafe',
        "numbers.toml": b'[profiles.x]\ntimeout_s = "soon"\n',
        "site.toml": b"[profiles.x]\nsite = 5\n",
        "server.toml": b'[profiles.x]\ndns_servers = ["300.1.1.1:x"]\n',
        "proxy.toml": b'[profiles.x]\nproxy_url = "http://me:canary-word@proxy:99999"\n',
        "zero.toml": b'[profiles.x]\nca_file = "a\\u0000b"\n',
        "two.toml": b"[profiles.a]\n[profiles.b]\n",
        "ca.pem": ca,
        "cut.pem": ca[: len(ca) // 2],
        "odd.pem": ca.replace(b"MII", b"!!!"),
        "future.json": whole.replace("okxdoctor.facts/1", "okxdoctor.facts/2").encode(),
        "other.json": b'{"schema": "okxdoctor.report/1"}',
        "half.json": whole[: len(whole) // 2].encode(),
        "infinite.json": whole.replace('"requests": ', '"requests": 1e999, "x": ', 1).encode(),
        "nan.json": whole.replace('"requests": ', '"requests": NaN, "x": ', 1).encode(),
        "deep.json": b'{"schema": "okxdoctor.facts/1", "x": ' + b"[" * 200_000,
        "array.json": b"[]",
        "half.yaml": tape[: len(tape) // 2].encode(),
        "foreign.yaml": b"version: 1\ninteractions: []\n",
        "code.yaml": b'!!python/object/apply:os.system ["touch pwned"]\n',
        "knot.yaml": b"&a [*a, *a]\n",
        "unknown.toml": ACCEPT.format("clock.ahed", "2027-01-31").encode(),
        "ownerless.toml": ACCEPT.format("clock.ahead", "2027-01-31").replace('"ops"', '""').encode(),
        "someday.toml": ACCEPT.format("clock.ahead", '"some day"').encode(),
        "bundle.json": whole.encode(),
        "tape.yaml": tape.encode(),
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "folder").mkdir()
    return tmp_path


def refused(args: list[str], here: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """The one line."""
    before = {path: path.read_bytes() for path in here.rglob("*") if path.is_file()}
    assert cli.main(args) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("okxdoctor: ")
    assert len(err.splitlines()) == 1
    assert "Traceback" not in err
    assert {path: path.read_bytes() for path in here.rglob("*") if path.is_file()} == before
    return err


SIM = "run --target sim "
LIVE = "run --rest-url https://127.0.0.1:9 "


@pytest.mark.parametrize(
    ("line", "said"),
    [
        # what the command line itself knows
        ("--nope", "No such option"),
        ("-x", "No such option"),
        ("nope", "no command 'nope'"),
        ("lst", "did you mean list"),
        ("run a b", "unexpected extra argument"),
        ("list nope", "'nope'"),
        ("list checks --format xml", "'xml'"),
        ("explain zzz.qqq", "not known"),
        ("vectors --format pdf", "'pdf'"),
        ("run --only [", "no check and no cause"),
        ("run --only nope.*", "no check and no cause"),
        ("run --skip *", "leave no check"),
        ("run --timeout nan", "not a time"),
        ("run --deadline inf", "not a time"),
        ("run --timeout 0", "not a time"),
        ("run --fail-on never", "'never'"),
        ("run --need fly", "'fly'"),
        ("run --product GOLD", "'GOLD'"),
        ("run --trade-mode yolo", "'yolo'"),
        ("run --site moon", "'moon'"),
        ("run --target sim:9", "did you mean sim"),
        (SIM + "--format xml", "'xml'"),
        (SIM + "--site eea", "brings its own addresses"),
        (SIM + "--seed many", "not a valid integer"),
        ("run --seed 1", "add --target sim"),
        ("run --demo-orders", "add --target demo"),
        ("run --target live --demo-orders", "add --target demo"),
        # faults and their values
        ("run --fault clock-ahead", "add --target sim"),
        (SIM + "--fault clok-ahead", "clock-ahead"),
        (SIM + "--fault clock-ahead=soon", "duration"),
        (SIM + "--fault clock-ahead=", "duration"),
        (SIM + "--fault clock-ahead=-5s", "duration"),
        (SIM + "--fault tls-weak=ssl9", "tls1.1"),
        (SIM + "--fault dns-poisoned=300.1.2.3", "address"),
        (SIM + "--fault http-edge-blocked=1", "takes no value"),
        (SIM + "--fault ratelimit-exceeded=1e9", "number"),
        ("sim --fault nope", "nope"),
        ("sim --port 70000", "70000"),
        ("sim --port -1", "-1"),
        ("sim --seed x", "'x'"),
        ("sim --env-file folder", "folder"),
        ("sim --env-file /proc/nowhere -- true", "cannot write"),
        ("sim -- ./nothing-here", "no such command"),
        ("sim -- folder/", "cannot run"),
        # configuration files
        ("run --config nothing-here", "does not exist"),
        ("run --config folder", "directory"),
        ("run --config random", "is not UTF-8"),
        ("run --config binary.toml", "is not UTF-8"),
        ("run --config large", "larger than"),
        ("run --config /dev/zero", "larger than"),
        ("run --config list.toml", "must be tables"),
        ("run --config deep.toml", "deep"),
        ("run --config cut.toml", "is not TOML"),
        ("run --config numbers.toml", "not a time"),
        ("run --config site.toml", "must be text"),
        ("run --config server.toml", "server.toml"),
        ("run --config proxy.toml", "no valid port"),
        ("run --config two.toml --profile c", "no profile 'c'"),
        ("run --profile c", "no profile 'c'"),
        # CA files
        (LIVE + "--ca-file nothing-here", "cannot be read"),
        (LIVE + "--ca-file folder", "cannot be read"),
        (LIVE + "--ca-file empty", "is empty"),
        (LIVE + "--ca-file blank", "is empty"),
        (LIVE + "--ca-file random", "no PEM certificate"),
        (LIVE + "--ca-file cut.pem", "cannot be read"),
        (LIVE + "--ca-file odd.pem", "cannot be read"),
        (LIVE + "--ca-file /dev/zero", "larger than"),
        # bundles
        ("run --target facts:", "needs a file"),
        ("run --target facts:nothing-here", "no file"),
        ("run --target facts:folder", "no file"),
        ("run --target facts:empty", "not JSON"),
        ("run --target facts:random", "not JSON"),
        ("run --target facts:half.json", "not JSON"),
        ("run --target facts:nan.json", "not JSON"),
        ("run --target facts:infinite.json", "not JSON"),
        ("run --target facts:deep.json", "not JSON"),
        ("run --target facts:array.json", "not a facts bundle"),
        ("run --target facts:other.json", "okxdoctor.report/1"),
        ("run --target facts:future.json", "okxdoctor.facts/2"),
        ("run --target facts:bundle.json --record x.yaml", "nothing to record"),
        # cassettes
        ("run --target cassette:", "needs a file"),
        ("run --target cassette:nothing-here", "cannot be read"),
        ("run --target cassette:folder", "not a file"),
        ("run --target cassette:/dev/zero", "not a file"),
        ("run --target cassette:empty", "empty"),
        ("run --target cassette:random", "not a cassette"),
        ("run --target cassette:half.yaml", "half.yaml"),
        ("run --target cassette:array.json", "not a cassette"),
        ("run --target cassette:foreign.yaml", "metadata"),
        ("run --target cassette:code.yaml", "not a cassette"),
        ("run --target cassette:knot.yaml", "not a cassette"),
        # baselines
        (SIM + "--baseline nothing-here", "cannot be read"),
        (SIM + "--baseline folder", "cannot be read"),
        (SIM + "--baseline random", "is not UTF-8"),
        (SIM + "--baseline deep.toml", "deep"),
        (SIM + "--baseline /dev/zero", "larger than"),
        (SIM + "--baseline site.toml", "[[accept]]"),
        (SIM + "--baseline unknown.toml", "did you mean clock.ahead"),
        (SIM + "--baseline ownerless.toml", "owner is missing"),
        (SIM + "--baseline someday.toml", "must be a day"),
        # where reports go
        (SIM + "--format json=folder", "is a directory"),
        (SIM + "--format json=folder/no/x", "cannot be written"),
        (SIM + "--format json=/proc/x", "cannot be written"),
        (SIM + "--save-facts folder", "is a directory"),
        (SIM + "--record /proc/x", "cannot be written"),
        (SIM + "--format json=x --format junit=x", "same file"),
        (SIM + "--format json=x --format json=./x", "same file"),
        (SIM + "--format json=x --save-facts x", "same file"),
        (SIM + "--save-facts x --record x", "same file"),
        # a report never replaces what it was made from
        ("run --target facts:bundle.json --save-facts bundle.json", "the target"),
        ("run --target facts:bundle.json --format json=./bundle.json", "the target"),
        ("run --target cassette:tape.yaml --format text=tape.yaml", "the target"),
        ("run --config two.toml --profile a --save-facts two.toml", "the configuration file"),
        (LIVE + "--ca-file ca.pem --record ca.pem", "the CA file"),
    ],
)
def test_one_line_and_exit_2(line: str, said: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert said in refused(line.split(" "), here, capsys)


URLS = [
    "", "x", "//x", "https:/x", "https://", "https://:443", "https://a:0", "https://a:-1", "https://a:65536", "https://a:b",
    "https://a:1:2", "https://[::1", "https://[zz]", "https://a b", "https://a\nb", "https://a?b", "https://a#b", "ftp://a",
    "file:///etc/passwd", "https://%00", "https://é..x", "https://" + "a" * 300, "https://me:canary-word@host",
    "javascript:alert(1)", "me:canary-word@host:/3128", "https://a\x1b[2J", "https://\udcff",
]  # fmt: skip


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize("flag", ["--rest-url", "--ws-url", "--proxy", "--site-url"])
def test_malformed_addresses(flag: str, url: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if flag == "--proxy" and (url in ("", "x", "https://a?b", "https://a#b") or url.startswith("https://me:")):
        pytest.skip("that is a proxy, or none")
    text = {"--ws-url": url.replace("https:", "wss:"), "--site-url": f"x={url}"}.get(flag, url)
    said = refused(["run", *(["--rest-url", "https://a"] if flag == "--site-url" else []), flag, text], here, capsys)
    assert flag.lstrip("-").partition("-")[0] in said
    assert "canary-word" not in said
    assert "\x1b" not in said


@pytest.mark.parametrize(
    "text", ["", ":", ":53", "a:", "a:0", "a:65536", "a:x", "[::1", "[::1]:x", "a b", "1.2.3.4:5:6"]
)
@pytest.mark.parametrize("flag", ["--dns-server", "--ntp-server"])
def test_malformed_servers(flag: str, text: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert flag in refused(["run", flag, text], here, capsys)


@pytest.mark.parametrize(
    "flag",
    ["--api-key", "--api_key", "--secret", "--secret-key", "--SECRET", "--passphrase", "--password", "--token",
     "--okx-passphrase", "--apisecret"],
)  # fmt: skip
@pytest.mark.parametrize("form", ["{}=Canary-Word-1!", "{} Canary-Word-1!"])
def test_secrets_are_not_taken_from_flags(flag: str, form: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("run", "sim", "list"):
        said = refused([command, *form.format(flag).split(" ")], here, capsys)
        assert "OKX_SECRET_KEY" in said
        assert "Canary" not in said


def test_a_port_in_use(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"port {port} is in use" in refused(["sim", "--port", str(port)], here, capsys)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.2, 0.5, 0.9, 0.999])
def test_a_bundle_that_was_cut_is_refused_wherever(
    share: float, here: Path, bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = bundle.read_bytes().rstrip()
    (here / "cut.json").write_bytes(whole[: int(len(whole) * share)])
    assert "not JSON" in refused(["run", "--target", "facts:cut.json"], here, capsys)


def test_an_odd_bundle_is_judged_as_far_as_it_goes(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Texts of a stranger's bundle neither steer the terminal nor break a format; facts that do not fit are said to."""
    evil = "\x1b[2J\n::error::x\ud800\u202e"
    rows = [
        {"id": "clock", "title": evil, "outcome": "completed", "because": None, "elapsed_ms": 1, "facts": {"x": evil}},
        {"id": "dns", "title": "", "outcome": "inconclusive", "because": evil, "elapsed_ms": -1, "facts": [evil]},
        {"id": evil, "title": "", "outcome": "broken", "because": evil, "elapsed_ms": 1e300, "facts": None},
    ]
    whole = {
        "schema": "okxdoctor.facts/1",
        "target": {"site": evil, "rest": evil, "ws": evil, "environment": evil},
        "checks": rows,
    }
    (here / "odd.json").write_text(json.dumps(whole), "utf-8")
    for name in ("text", "json", "jsonl", "junit", "github"):
        assert cli.main(["run", "--target", "facts:odd.json", "--format", name, "--save-facts", "again.json"]) == 3
        out, err = capsys.readouterr()
        assert err == ""
        assert "\x1b" not in out
        if name in ("text", "github"):
            assert "\u202e" not in out
            assert not any(line.startswith("::error title=x") or line == "::error::x" for line in out.splitlines())
        out.encode("utf-8")
        json.loads((here / "again.json").read_text("utf-8"))


def test_devices_are_written_to_and_never_replaced(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pipe = here / "pipe"
    os.mkfifo(pipe)
    for device in ("/dev/null", "/dev/full"):
        before = os.stat(device).st_rdev
        for flag in (f"--format=json={device}", f"--save-facts={device}"):
            code = cli.main(["run", "--target", "facts:bundle.json", flag, "-q"])
            err = capsys.readouterr().err
            assert code == (1 if device == "/dev/null" else 2)
            assert len(err.splitlines()) == (0 if device == "/dev/null" else 1)
        assert os.stat(device).st_rdev == before
    assert cli.main(["run", "--target", "sim", "--record", "/dev/full", "--only", "status", "-q"]) == 2
    assert "No space left" in capsys.readouterr().err
    assert os.path.exists("/dev/full")
    assert not os.path.isfile("/dev/full")


def test_a_link_stays_and_what_it_names_is_replaced(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "link.json").symlink_to("real.json")
    (here / "link.yaml").symlink_to("real.yaml")
    args = ["run", "--target", "sim", "--only", "status", "-q"]
    assert cli.main([*args, "--save-facts", "link.json", "--record", "link.yaml"]) == 0
    assert (here / "link.json").is_symlink()
    assert (here / "link.yaml").is_symlink()
    assert json.loads((here / "real.json").read_text("utf-8"))["schema"] == "okxdoctor.facts/1"
    assert (here / "real.yaml").read_text("utf-8").startswith("interactions:")


def test_one_format_to_two_files(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--format", "json=a.json", "--format", "json=b.json"]
    assert cli.main(["run", "--target", "facts:bundle.json", *flags]) == 1
    assert (here / "a.json").read_text("utf-8") == (here / "b.json").read_text("utf-8") != ""


def test_an_acceptance_that_ran_out_does_not_hide(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for expires, code in (("2020-01-31", 1), ("2999-01-31", 0)):
        (here / "baseline.toml").write_text(ACCEPT.format("clock.ahead", expires), "utf-8")
        assert cli.main(["run", "--target", "facts:bundle.json", "--baseline", "baseline.toml"]) == code
        out = capsys.readouterr().out
        assert ("expired on 2020-01-31" in out) == (code == 1)
