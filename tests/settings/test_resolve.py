"""Flags over environment over profile over default, each value with its source; bad settings in one line."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trustme

from okxdoctor.settings import Flags, Settings, UsageProblem, resolve

KEY = "d0c0ffee-1234-4abc-8def-0123456789ab"
SECRET = "0123456789ABCDEF0123456789ABCDEF"
WORD = "Pass-phrase_9!"

Go = Callable[..., Settings]


@pytest.fixture
def go(tmp_path: Path) -> Go:
    def run(environ: Mapping[str, str] | None = None, **flags: Any) -> Settings:
        return resolve(Flags(**flags), environ or {}, tmp_path)

    return run


def put(home: Path, text: str, *, kit: bool = False) -> Path:
    path = home / ".okx" / "config.toml" if kit else home / ".config" / "okxdoctor" / "config.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    path.chmod(0o600)
    return path


def source(settings: Settings, name: str) -> str:
    return next(row.source for row in settings.rows() if row.name == name)


def shown(settings: Settings, name: str) -> str:
    return next(row.shown for row in settings.rows() if row.name == name)


# ---- order of the layers --------------------------------------------------------------------


def test_every_layer_wins_over_the_ones_below(go: Go, tmp_path: Path) -> None:
    path = put(tmp_path, '[profiles.a]\nsite = "us"\nrest_url = "https://eea.okx.com"\n')
    profile = f"profile:a ({path})"
    assert (shown(go(), "site"), source(go(), "site")) == ("us", profile)
    assert source(go(), "rest_url") == profile
    env = {"OKX_SITE": "tr", "OKX_BASE_URL": "https://www.okx.com", "OKX_WS_URL": "wss://ws.okx.com"}
    assert (shown(go(env), "site"), source(go(env), "site")) == ("tr", "env:OKX_SITE")
    assert (shown(go(env), "rest_url"), source(go(env), "rest_url")) == ("https://www.okx.com", "env:OKX_BASE_URL")
    both = go(env, site="global", rest_url="https://openapi.okx.com", ws_url="wss://ws.okx.com")
    assert {source(both, name) for name in ("site", "rest_url", "ws_url")} == {"flag"}


@pytest.mark.parametrize("kit", [True, False])
def test_a_site_above_outranks_the_address_of_another_site(go: Go, tmp_path: Path, kit: bool) -> None:
    """The kit writes base_url into its profiles: `--site us`, typed because a verdict says so, must move REST, too."""
    put(tmp_path, '[profiles.a]\nsite = "eea"\nbase_url = "https://eea.okx.com"\n', kit=kit)
    assert (shown(go(), "rest_url"), shown(go(), "ws_url")) == ("https://eea.okx.com", "wss://wseea.okx.com/ws/v5")
    for settings, by in ((go(site="us"), "flag"), (go({"OKX_SITE": "us"}), "env:OKX_SITE")):
        assert (shown(settings, "rest_url"), source(settings, "rest_url")) == ("https://us.okx.com", by)
        assert (shown(settings, "ws_url"), source(settings, "ws_url")) == ("wss://wsus.okx.com/ws/v5", by)
    both = {"OKX_BASE_URL": "https://us.okx.com", "OKX_WS_URL": "wss://wsus.okx.com"}
    assert shown(go(both, site="eea"), "rest_url") == "https://eea.okx.com"
    assert shown(go(both, site="eea"), "ws_url") == "wss://wseea.okx.com/ws/v5"
    assert shown(go(both, site="us"), "rest_url") == "https://us.okx.com"


def test_a_gateway_stays_whatever_site_is_named_above_it(go: Go, tmp_path: Path) -> None:
    put(tmp_path, '[profiles.a]\nrest_url = "https://gateway.example"\n')
    assert shown(go(site="us"), "rest_url") == "https://gateway.example"
    assert shown(go(rest_url="https://eea.okx.com", site="us"), "rest_url") == "https://eea.okx.com"


def test_defaults(go: Go) -> None:
    settings = go()
    view = settings.target_config().view
    assert (view.kind, view.site, view.environment, view.addresses) == ("live", "global", "live", "global")
    assert (view.rest.url, view.ws.url) == ("https://openapi.okx.com", "wss://ws.okx.com/ws/v5")
    assert (view.credentials, view.need, view.declared_hosts) == (False, (), False)
    assert {(cell.site, cell.environment) for cell in view.cells} >= {("eea", "live"), ("us", "demo")}
    assert {row.source for row in settings.rows()} == {"default"}
    assert settings.credentials() is None


def test_demo_has_the_live_rest_host_and_its_own_websocket(go: Go) -> None:
    view = go(target="demo", site="eea").target_config().view
    assert (view.kind, view.environment) == ("demo", "demo")
    assert (view.rest.url, view.ws.url) == ("https://eea.okx.com", "wss://wseeapap.okx.com/ws/v5")


@pytest.mark.parametrize(
    ("environ", "profile", "target", "kind"),
    [
        ({}, "demo = true", None, "demo"),
        ({}, "demo = true", "live", "live"),
        ({"OKX_DEMO": "0"}, "demo = true", None, "live"),
        ({"OKX_DEMO": "1"}, "demo = false", None, "demo"),
        ({"OKX_DEMO": ""}, "", None, "live"),
    ],
)
def test_demo_from_each_layer(
    go: Go, tmp_path: Path, environ: dict[str, str], profile: str, target: str | None, kind: str
) -> None:
    put(tmp_path, f"[profiles.a]\n{profile}\n")
    settings = go(environ, target=target)
    assert settings.kind == kind
    assert settings.target_config().view.environment == kind


@pytest.mark.parametrize("word", ["banana", "2", "ture"])
def test_a_switch_that_says_neither_is_refused(go: Go, word: str) -> None:
    with pytest.raises(UsageProblem, match="neither yes nor no"):
        go({"OKX_DEMO": word})


def test_instruments_are_repeated_or_listed(go: Go) -> None:
    assert go(instruments=("BTC-USDT, ETH-USDT", "OKB-USDT")).instruments == ("BTC-USDT", "ETH-USDT", "OKB-USDT")


# ---- credentials ----------------------------------------------------------------------------


def test_credentials_from_each_place(go: Go, tmp_path: Path) -> None:
    path = put(tmp_path, f'[profiles.a]\napi_key = "{KEY}"\nsecret_key = "{SECRET}"\npassphrase = "{WORD}"\n', kit=True)
    settings = go({"OKX_API_SECRET": "F" * 32, "OKX_API_PASSPHRASE": ""})
    key = settings.credentials()
    assert key is not None
    assert key.complete
    assert (key.api_key.reveal(), key.secret_key.reveal(), key.passphrase.reveal()) == (KEY, "F" * 32, WORD)
    assert settings.api_key.source == f"profile:a ({path})"
    assert settings.secret_key.source == "env:OKX_API_SECRET"
    assert settings.target_config().view.credentials


def test_an_empty_variable_is_seen(go: Go) -> None:
    settings = go({"OKX_API_KEY": KEY, "OKX_SECRET_KEY": SECRET, "OKX_PASSPHRASE": ""})
    assert settings.passphrase.source == "env:OKX_PASSPHRASE"
    assert not settings.passphrase.value
    assert not settings.target_config().view.credentials


def test_nothing_is_stripped_from_a_credential(go: Go) -> None:
    assert go({"OKX_PASSPHRASE": f" {WORD}\n"}).passphrase.value.reveal() == f" {WORD}\n"


@pytest.mark.parametrize("names", [("apiKey", "secretKey", "passphrase"), ("key", "secret", "password")])
def test_other_spellings_of_members(go: Go, tmp_path: Path, names: tuple[str, ...]) -> None:
    lines = "\n".join(f'{name} = "{value}"' for name, value in zip(names, (KEY, SECRET, WORD), strict=True))
    put(tmp_path, f"[profiles.a]\n{lines}\n")
    key = go().credentials()
    assert key is not None
    assert key.complete


def test_no_secret_is_shown_anywhere(go: Go, tmp_path: Path) -> None:
    put(tmp_path, f'[profiles.a]\napi_key = "{KEY}"\nproxy_url = "http://me:pr0xy-w0rd@p:1"\n')
    settings = go({"OKX_SECRET_KEY": SECRET, "OKX_PASSPHRASE": WORD, "ALL_PROXY": "http://u:0ther-w0rd@q:2"})
    everything = repr(settings) + repr(settings.rows()) + repr(settings.target_config()) + repr(settings.surroundings())
    for secret in (KEY, SECRET, WORD, "pr0xy-w0rd", "0ther-w0rd"):
        assert secret not in everything
        assert secret not in settings.redactor().text(f"<{secret}>")
    rows = {row.name: row.shown for row in settings.rows()}
    assert rows["api_key"] == rows["secret_key"] == rows["passphrase"] == "***"
    assert rows["rest_proxy"] == "http://***@p:1"


def test_keyring_is_asked_only_where_a_profile_names_it(
    go: Go, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys
    import types

    put(tmp_path, '[profiles.a]\nkeyring = "okx-main"\n')
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(UsageProblem, match="keyring package is not installed"):
        go()
    store = types.SimpleNamespace(get_password=lambda service, name: f"{service}/{name}")
    monkeypatch.setitem(sys.modules, "keyring", store)
    settings = go({"OKX_API_KEY": KEY})
    assert settings.api_key.source == "env:OKX_API_KEY"
    assert (settings.secret_key.value.reveal(), settings.secret_key.source) == ("okx-main/secret_key", "keyring")


# ---- profiles -------------------------------------------------------------------------------


def test_the_kit_s_file_is_read(go: Go, tmp_path: Path) -> None:
    text = f"""
default_profile = "live"

[profiles.live]
site = "eea"
api_key = "{KEY}"
secret_key = "{SECRET}"
passphrase = "{WORD}"
proxy_url = "http://127.0.0.1:7890"

[profiles.demo]
api_key = "x"
demo = true
"""
    put(tmp_path, text, kit=True)
    view = go().target_config().view
    assert (view.site, view.credentials, view.environment) == ("eea", True, "live")
    assert view.rest_route is not None
    assert view.rest_route.url == "http://127.0.0.1:7890"
    assert go(profile="demo").kind == "demo"


def test_own_file_first_then_the_kit_s(go: Go, tmp_path: Path) -> None:
    put(tmp_path, '[profiles.a]\nsite = "us"\n')
    put(tmp_path, '[profiles.b]\nsite = "eea"\n', kit=True)
    assert go().profile == "a"
    assert shown(go(profile="b"), "site") == "eea"
    assert go({"OKXDOCTOR_PROFILE": "b"}).profile == "b"


def test_the_head_of_the_own_file_holds_for_every_profile(go: Go, tmp_path: Path) -> None:
    put(tmp_path, 'site = "us"\nneed = "read,trade"\n[profiles.a]\n[profiles.b]\nsite = "eea"\n')
    assert (shown(go(profile="a"), "site"), shown(go(profile="b"), "site")) == ("us", "eea")
    assert go(profile="b").need == ("read", "trade")
    assert shown(go(), "site") == "us"


def test_xdg_and_named_files(go: Go, tmp_path: Path) -> None:
    other = tmp_path / "other" / "okxdoctor" / "config.toml"
    other.parent.mkdir(parents=True)
    other.write_text('[profiles.x]\nsite = "tr"\nws_url = "wss://tr.example"\n')
    assert go({"XDG_CONFIG_HOME": str(tmp_path / "other")}).profile == "x"
    assert go(config=str(other)).profile == "x"
    assert go({"OKXDOCTOR_CONFIG": str(other)}).profile == "x"


def test_declared_specs_keep_their_digits(go: Go, tmp_path: Path) -> None:
    table = '[profiles.a.instruments."BTC-USDT"]'
    put(tmp_path, f'{table}\ntickSz = "0.1"\nlotSz = 0.00000010\nminSz = 1\n[profiles.a.instruments.X]\n')
    settings = go()
    assert settings.instruments == ("BTC-USDT", "X")
    assert settings.declared_specs == (
        ("BTC-USDT", "tickSz", "0.1"),
        ("BTC-USDT", "lotSz", "0.00000010"),
        ("BTC-USDT", "minSz", "1"),
    )
    assert go(instruments=("X",)).declared_specs == ()


def test_a_misspelt_member_is_noted(go: Go, tmp_path: Path) -> None:
    put(tmp_path, '[profiles.a]\npasphrase = "x"\n')
    (note,) = go().notes
    assert "pasphrase" in note
    assert "did you mean passphrase" in note


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[profiles.a]\nsite = "us"\nsite = "eea"\n', "line 3"),
        ("[profiles.a]\npassphrase = my#word\n", "line 2, column 14"),
        ('[profiles.a]\npassphrase = "a\\qb"\n', "line 2"),
        ("[profiles.a\n", "is not TOML"),
        ('[profiles.a]\npassphrase = "open', "is not TOML"),
        ("profiles = 3\n", "must be tables"),
        ('default_profile = "b"\n[profiles.main]\n', "default_profile 'b' is not one of its profiles"),
        ("[profiles.a]\nsite = 5\n", "[profiles.a] site: must be text in quotes"),
        ('[profiles.a]\nsite = "mars"\n', "'mars' is not known"),
        ('[profiles.a]\ndemo = "yes"\n', "demo: must be true or false"),
        ('[profiles.a]\nrest_url = "okx"\n', "is not a URL"),
        ("[profiles.a]\nneed = [1]\n", "an array of texts"),
        ('[profiles.a]\nneed = "fly"\n', "'fly' is not known"),
        ('[profiles.a]\ntimeout_s = "soon"\n', "is not a time in seconds"),
        ("[profiles.a]\ntimeout_s = true\n", "is not a time in seconds"),
        ('[profiles.a]\nproxy_url = "ftp://x"\n', "not a proxy scheme"),
        ("[profiles.a]\ninstruments = {x = 1}\n", "must be a table"),
        ('[profiles.a]\ndns_servers = ["a b"]\n', "is not HOST"),
    ],
)
def test_bad_files_are_one_line(go: Go, tmp_path: Path, text: str, said: str) -> None:
    path = put(tmp_path, text)
    with pytest.raises(UsageProblem) as problem:
        go()
    assert said in str(problem.value)
    assert "\n" not in str(problem.value)
    assert "my#word" not in str(problem.value)
    if "site" not in said and "known" not in said:
        assert str(path) in str(problem.value) or "dns" in text or "proxy" in text


def test_files_that_cannot_be_read(go: Go, tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="does not exist"):
        go(config=str(tmp_path / "nothing.toml"))
    with pytest.raises(UsageProblem, match="cannot be read"):
        go(config=str(tmp_path))
    put(tmp_path, "").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageProblem, match="not UTF-8"):
        go()


def test_a_file_at_the_usual_place_is_read_or_refused(go: Go, tmp_path: Path) -> None:
    """A link that leads nowhere or in a circle, or a pipe that nobody writes, was meant to be a configuration."""
    path = put(tmp_path, "")
    path.unlink()
    path.symlink_to(path.name)
    with pytest.raises(UsageProblem, match="cannot be read"):
        go()
    path.unlink()
    path.symlink_to(tmp_path / "gone.toml")
    with pytest.raises(UsageProblem, match=r"does not exist \(a link to .*gone.toml"):
        go()
    if hasattr(os, "mkfifo"):
        path.unlink()
        os.mkfifo(path)
        with pytest.raises(UsageProblem, match="is a pipe"):
            go()


def test_a_table_that_is_no_profile_is_told_its_name(go: Go, tmp_path: Path) -> None:
    put(tmp_path, '[bot]\napi_key = "x"\n')
    assert go().notes[0].endswith("nothing reads this member (did you mean [profiles.bot]?)")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="needs a user whom permissions bind")
def test_a_file_without_permission(go: Go, tmp_path: Path) -> None:
    put(tmp_path, "").chmod(0)
    with pytest.raises(UsageProblem, match="cannot be read: Permission denied"):
        go()


def test_unknown_profile_suggests(go: Go, tmp_path: Path) -> None:
    put(tmp_path, "[profiles.live]\n")
    put(tmp_path, "[profiles.demo]\n", kit=True)
    with pytest.raises(UsageProblem) as problem:
        go(profile="lvie")
    assert "did you mean live" in problem.value.hint
    with pytest.raises(UsageProblem, match="env:OKXDOCTOR_PROFILE"):
        go({"OKXDOCTOR_PROFILE": "x"})


# ---- addresses ------------------------------------------------------------------------------


def test_a_gateway_serves_both_roles_and_is_its_own_site(go: Go) -> None:
    view = go(rest_url="https://gate.example:8443/okx").target_config().view
    assert view.ws.url == "wss://gate.example:8443/okx/ws/v5"
    assert (view.site, view.addresses, view.declared_hosts, view.cells) == ("custom", "any", True, ())


def test_the_matrix_of_declared_sites(go: Go) -> None:
    settings = go(
        rest_url="https://openapi.okx.test:444",
        site_urls=(
            "one=https://openapi.okx.test:444,wss://ws.okx.test:444,wss://wspap.okx.test:444",
            "two=https://eea.okx.test:444",
        ),
        dns_servers=("127.0.0.1:5353",),
        ntp_servers=("127.0.0.1:1123",),
    )
    view = settings.target_config().view
    assert view.site == "one"
    assert (view.addresses, view.control_name) == ("loopback", "control.okxdoctor.test")
    assert [(c.site, c.environment, c.rest_url, c.ws_url) for c in view.cells] == [
        ("one", "live", "https://openapi.okx.test:444", "wss://ws.okx.test:444/ws/v5"),
        ("one", "demo", "https://openapi.okx.test:444", "wss://wspap.okx.test:444/ws/v5"),
        ("two", "live", "https://eea.okx.test:444", ""),
        ("two", "demo", "https://eea.okx.test:444", ""),
    ]
    assert view.dns_servers == ("127.0.0.1:5353",)
    assert (view.ntp_servers, view.ntp_declared) == (("127.0.0.1:1123",), True)


def test_a_machine_of_either_family_finds_a_control_of_its_own(go: Go) -> None:
    families = {":" in host for host, _ in go().target_config().control_addresses}
    assert families == {True, False}


def test_a_site_beside_an_address_keeps_the_published_matrix(go: Go) -> None:
    view = go(rest_url="https://gate.example", site="eea").target_config().view
    assert view.site == "eea"
    assert view.ws.url == "wss://wseea.okx.com/ws/v5"
    assert {cell.site for cell in view.cells} >= {"global", "eea", "us"}


@pytest.mark.parametrize(
    ("url", "site", "addresses"),
    [
        ("https://www.okx.com", "global", "global"),
        ("https://eea.okx.com", "eea", "global"),
        ("https://app.okx.com", "us", "global"),
        ("https://www.okex.com", "global", "global"),
        ("https://new.okx.com", "custom", "global"),
        ("https://127.0.0.1:1", "custom", "loopback"),
        ("https://localhost:1", "custom", "loopback"),
        ("https://10.0.0.1", "custom", "any"),
    ],
)
def test_which_addresses_are_right(go: Go, url: str, site: str, addresses: str) -> None:
    view = go({"OKX_BASE_URL": url}).target_config().view
    assert (view.site, view.addresses) == (site, addresses)
    assert view.declared_hosts is (addresses == "loopback" or url == "https://10.0.0.1")


def test_the_websocket_address_of_tr_is_not_invented(go: Go) -> None:
    with pytest.raises(UsageProblem, match="not published"):
        go(site="tr")
    assert go(site="tr", ws_url="wss://ws.example").target_config().view.ws.host == "ws.example"


def test_routes_differ_by_role(go: Go) -> None:
    view = go({"HTTPS_PROXY": "http://u:pw@p:1", "NO_PROXY": "ws.okx.com"}).target_config().view
    assert view.rest_route is not None
    assert (view.rest_route.url, view.rest_route.source) == ("http://***@p:1", "env:HTTPS_PROXY")
    assert view.ws_route is None
    assert go({"HTTPS_PROXY": "http://p:1"}, proxy="none").target_config().view.rest_route is None


# ---- refusals -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"target": "lvie"}, "did you mean live"),
        ({"target": "live:x"}, "is not known"),
        ({"target": "cassette:"}, "needs a file"),
        ({"target": "facts:/does/not/exist"}, "there is no file"),
        ({"site": "uk"}, "'uk' is not known"),
        ({"rest_url": "nope"}, "--rest-url: "),
        ({"ws_url": "https://x"}, "must begin with wss://"),
        ({"site_urls": ("one",)}, "--site-url: "),
        ({"site_urls": ("a=https://x", "a=https://y")}, "given twice"),
        ({"site_urls": ("a=https://x,ftp://y",)}, "--site-url a: "),
        ({"ca_file": "/does/not/exist"}, "cannot be read"),
        ({"dns_servers": ("h:99999",)}, "--dns-server: "),
        ({"ntp_servers": ("a b",)}, "--ntp-server: "),
        ({"proxy": "gopher://x"}, "not a proxy scheme"),
        ({"need": "read,fly"}, "'fly' is not known"),
        ({"need": ","}, "nothing is named"),
        ({"product": "swaps"}, "did you mean SWAP"),
        ({"trade_mode": "iso"}, "is not known"),
        ({"fail_on": "info"}, "is not known"),
        ({"timeout_s": 0.0}, "--timeout: "),
        ({"timeout_s": float("nan")}, "--timeout: "),
        ({"deadline_s": 1e9}, "--deadline: "),
        ({"demo_orders": True}, "only placed on demo or sim"),
        ({"target": "sim", "rest_url": "https://x"}, "brings its own addresses"),
        ({"faults": ("clock-ahead",)}, "--fault"),
        ({"seed": 3}, "--seed"),
        ({"instruments": ("",)}, "--instrument: an id is empty"),
        ({"instruments": ("BTC-USDT,,ETH-USDT",)}, "--instrument: an id is empty"),
        ({"proxy": "http://"}, "--proxy: "),
        ({"target": "facts:{bundle}", "record": "x"}, "--record"),
    ],
)
def test_bad_flags(go: Go, tmp_path: Path, flags: dict[str, Any], said: str) -> None:
    bundle = tmp_path / "bundle.json"
    bundle.write_text("{}")
    if "target" in flags:
        flags = {**flags, "target": flags["target"].replace("{bundle}", str(bundle))}
    with pytest.raises(UsageProblem) as problem:
        go(**flags)
    assert said in str(problem.value)
    assert "\n" not in str(problem.value)


def test_the_home_directory_is_meant_behind_an_equals_sign_or_a_colon_too(
    go: Go, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``--target facts:~/x`` and a profile's ``ca_file`` pass no shell that would know the sign."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "bundle.json").write_text("{}")
    (tmp_path / "root.pem").write_bytes(trustme.CA().cert_pem.bytes())
    assert go(target="facts:~/bundle.json").path == str(tmp_path / "bundle.json")
    assert shown(go(ca_file="~/root.pem"), "ca_file") == str(tmp_path / "root.pem")


@pytest.mark.parametrize(
    ("flags", "hint"),
    [
        ({"rest_url": "http://openapi.okx.com"}, "--rest-url: http:// would send .* https://openapi.okx.com"),
        ({"ws_url": "ws://wseea.okx.com:8443/ws/v5/public"}, "--ws-url: ws:// would send .* wss://wseea.okx.com"),
    ],
)
def test_a_host_of_okx_is_not_spoken_to_in_clear(go: Go, flags: dict[str, Any], hint: str) -> None:
    with pytest.raises(UsageProblem) as problem:
        go(**flags)
    assert re.match(hint, str(problem.value).replace("(", "").replace(")", ""))


def test_ca_files(go: Go, tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    unfinished = b"-----BEGIN CERTIFICATE-----\n"
    for content in (b"", b" \n", b"not a certificate", unfinished, unfinished + b"AAAA\n-----END CERTIFICATE-----\n"):
        file.write_bytes(content)
        with pytest.raises(UsageProblem, match="--ca-file: "):
            go(ca_file=str(file))
    file.write_bytes(b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    with pytest.raises(UsageProblem, match="a private key and no certificate"):
        go(ca_file=str(file))
    trustme.CA().cert_pem.write_to_path(str(file))
    assert go(ca_file=str(file)).target_config().ca_file == str(file)


def test_a_world_of_its_own_takes_nothing_of_this_machine(go: Go, tmp_path: Path) -> None:
    """A broken profile, a proxy and a key of this machine have nothing to do with the embedded exchange."""
    put(tmp_path, "broken [")
    settings = go({"OKX_API_KEY": KEY, "HTTPS_PROXY": "http://p:1", "OKX_SITE": "mars"}, target="sim")
    assert settings.addresses is None
    assert settings.credentials() is None
    assert settings.files == ()
    with pytest.raises(ValueError, match="its own addresses"):
        settings.target_config()


def test_settings_of_one_target_serve_another_with_its_own_addresses(go: Go) -> None:
    public = go()
    assert public.addresses is not None
    own = replace(public.addresses, site="elsewhere", declared_hosts=True)
    config = go(target="sim", need="trade").target_config(own)
    assert (config.view.kind, config.view.site, config.view.need) == ("sim", "elsewhere", ("trade",))


def test_rows_are_plain_text(go: Go) -> None:
    rows = [(row.name, row.shown, row.source) for row in go(need="read,trade", timeout_s=3).rows()]
    assert json.loads(json.dumps(rows)) == [list(row) for row in rows]
    assert len({name for name, _, _ in rows}) == len(rows)
    assert ("need", "read, trade", "flag") in rows
    assert ("timeout_s", "3.0", "flag") in rows
