"""The user's machine, made up: home, configuration file, environment, clock and company of a run on the exchange.

A run with ``--target sim`` must not depend on the machine it happens to run on, and what goes wrong on users'
machines must be reproducible: so the exchange's key reaches the run as it would reach a program, through a
profile file in a home directory and through environment variables, all of them made for the run. The faults here
change those circumstances and nothing else.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from okxdoctor.exchange.core.sites import MIRROR, WS_NAME
from okxdoctor.exchange.faults.model import Fault, Injected
from okxdoctor.port import Instant
from okxdoctor.targets.config import read_clocks
from okxdoctor.targets.world_orders import FAULTS as ORDER_FAULTS
from okxdoctor.targets.world_orders import orders_text

# What a healthy user of the exchange declares. The figures are those of facts.md §6 for these instruments.
NEED = ("read", "trade")
DECLARED: Mapping[str, Mapping[str, str]] = {
    "BTC-USDT": {"tickSz": "0.1", "lotSz": "0.00000001", "minSz": "0.00001"},
    "BTC-USDT-SWAP": {"tickSz": "0.1", "lotSz": "0.01", "minSz": "0.01", "ctVal": "0.01"},
}
CLIENT_PACKAGES: Mapping[str, str] = {"python-okx": "0.4.4", "httpx": "0.28.1", "websockets": "15.0.1"}

FAULTS: tuple[Fault, ...] = (
    Fault(
        name="env-credentials-missing",
        example="env-credentials-missing",
        layer="machine",
        says="the profile has a key and a secret, and an empty passphrase",
        cause="env.credentials-missing",
        value="choice",
        default="passphrase",
        choices=("passphrase", "secret_key", "api_key"),
    ),
    Fault(
        name="env-credential-malformed",
        example="env-credential-malformed=newline",
        layer="machine",
        says="one credential carries a character too many: the newline of `$(cat file)`, a blank, quotes, a BOM",
        cause="env.credential-malformed",
        value="choice",
        default="newline",
        choices=("newline", "space", "quotes", "bom"),
    ),
    Fault(
        name="env-credentials-swapped",
        example="env-credentials-swapped",
        layer="machine",
        says="secret and passphrase stand in each other's place",
        cause="env.credentials-swapped",
    ),
    Fault(
        name="env-config-mangled",
        example="env-config-mangled",
        layer="machine",
        says="the passphrase stands in the profile file without quotes, and is read as a number",
        cause="env.config-mangled",
    ),
    Fault(
        name="env-config-exposed",
        example="env-config-exposed",
        layer="machine",
        says="the profile file with the secret is readable by everybody on the machine",
        cause="env.config-exposed",
    ),
    Fault(
        name="env-tls-verification-off",
        example="env-tls-verification-off",
        layer="machine",
        says="an environment variable switches the verification of certificates off",
        cause="env.tls-verification-off",
        value="choice",
        default="PYTHONHTTPSVERIFY",
        choices=("PYTHONHTTPSVERIFY", "NODE_TLS_REJECT_UNAUTHORIZED"),
    ),
    Fault(
        name="env-dependency-conflict",
        example="env-dependency-conflict",
        layer="machine",
        says="python-okx is installed beside an httpx too old for the argument that it passes",
        cause="env.dependency-conflict",
    ),
    Fault(
        name="clock-jumped",
        example="clock-jumped=5s",
        layer="machine",
        says="the machine's wall clock is stepped while the run goes on",
        cause="clock.jumped",
        value="duration",
        default=5.0,
    ),
    Fault(
        name="dns-retired-name",
        example="dns-retired-name=www.okex.com",
        layer="machine",
        says="the configuration names a host of OKEx days",
        cause="dns.retired-name",
        value="text",
        default="www.okex.com",
    ),
    Fault(
        name="dns-unofficial-name",
        example="dns-unofficial-name",
        layer="machine",
        says="the profile's REST address is one that OKX does not publish",
        cause="dns.unofficial-name",
    ),
    Fault(
        name="proxy-split",
        example="proxy-split",
        layer="machine",
        says="the environment sends REST through a proxy and lets WebSocket go out directly",
        cause="proxy.split",
    ),
    Fault(
        name="tls-trust-store",
        example="tls-trust-store=missing",
        layer="machine",
        says="the file that SSL_CERT_FILE names is not there, or holds no certificate",
        cause="tls.trust-store",
        value="choice",
        default="missing",
        choices=("missing", "empty", "garbage"),
    ),
    Fault(
        name="region-wrong-rest-host",
        example="region-wrong-rest-host=eea",
        layer="machine",
        says="the key was made on another site than the one that the configuration names",
        cause="region.wrong-rest-host",
        value="choice",
        default="eea",
        choices=("eea", "us"),
    ),
    Fault(
        name="region-wrong-ws-host",
        example="region-wrong-ws-host=eea",
        layer="machine",
        says="the profile's REST address is that of the key's site, its WebSocket address that of another site",
        cause="region.wrong-ws-host",
        value="choice",
        default="eea",
        choices=("eea", "us"),
    ),
    Fault(
        name="key-wrong-environment-ws",
        example="key-wrong-environment-ws",
        layer="machine",
        says="the profile's WebSocket address is that of demo trading, the key and the REST address are live",
        cause="key.wrong-environment",
    ),
    Fault(
        name="ws-wrong-path-address",
        example="ws-wrong-path-address=/api/v5",
        layer="machine",
        says="the profile's WebSocket address has a base path under which no WebSocket is served",
        cause="ws.wrong-path",
        value="choice",
        default="/api/v5",
        choices=("/api/v5", "/ws/v4"),
    ),
    Fault(
        name="ratelimit-exceeded",
        example="ratelimit-exceeded=60",
        layer="machine",
        says="the user's own program keeps asking for tickers through the same connection pool, this many in a burst",
        cause="ratelimit.exceeded",
        value="number",
        default=60.0,
    ),
    *ORDER_FAULTS,
)


def catalogue() -> tuple[Fault, ...]:
    """The faults of the user's machine, for ``okxdoctor list faults``."""
    return FAULTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """The exchange's key as the user copied it. Not a dataclass to print: the fields hold secrets."""

    api_key: str
    secret_key: str
    passphrase: str

    def __repr__(self) -> str:
        return "Key(***)"


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What a program on this machine sees.

    ``environ``      its environment variables
    ``home``         its home directory, with the profile file in it
    ``search_path``  where its installed packages lie
    ``clock``        what its clocks say
    ``rest_url``, ``ca_file``  what its configuration names; ``ca_file`` None: only the environment names a store
    ``own_burst``    requests that its own program makes beside the run
    ``orders_file``  the orders that its program is about to send
    """

    environ: Mapping[str, str]
    home: Path
    search_path: tuple[str, ...]
    clock: Callable[[], Instant]
    rest_url: str
    rest_url_from_file: bool
    ws_url_from_file: bool
    ca_file: str | None
    own_burst: int
    orders_file: Path

    def __repr__(self) -> str:
        return f"World(home={str(self.home)!r})"


def build_world(
    injected: Iterable[Injected],
    folder: Path,
    *,
    key: Key,
    rest_url: str,
    ws_host: str,
    port: int,
    ca_file: str,
    proxy_url: str | None,
) -> World:
    """Lay the machine out under ``folder`` (which must be private and empty)."""
    on = {each.name: each.value for each in injected}
    home = folder / "home"
    profile = home / ".config" / "okxdoctor" / "config.toml"
    profile.parent.mkdir(parents=True)
    environ = {"HOME": str(home), "PATH": "/usr/bin:/bin"}
    named_ca: str | None = ca_file
    if "tls-trust-store" in on:
        named_ca, environ["SSL_CERT_FILE"] = None, str(_broken_store(folder, str(on["tls-trust-store"])))
    if "env-tls-verification-off" in on:
        environ[str(on["env-tls-verification-off"])] = "0"
    if proxy_url is not None:
        environ["HTTPS_PROXY"] = proxy_url
    if "proxy-split" in on:
        environ["NO_PROXY"] = ws_host
    ws_url: str | None = None
    from_file = "dns-unofficial-name" in on or "dns-retired-name" in on
    if "dns-unofficial-name" in on:
        rest_url, ws_url = f"https://{MIRROR}:{port}", f"wss://{MIRROR}:{port}/ws/v5"
    if "dns-retired-name" in on:
        rest_url = f"https://{on['dns-retired-name']}:{port}"
    need = ("read",) if "ip-unbound" in on else NEED  # that key may only read, and nobody misses more
    ws_url = _ws_address(on, port, ws_host) or ws_url
    text = _profile_text(_credentials(on, key), rest_url if from_file else None, ws_url, need)
    profile.write_text(text, "utf-8")
    profile.chmod(0o644 if "env-config-exposed" in on else 0o600)
    orders = home / "orders.json"
    orders.write_text(orders_text(on), "utf-8")
    packages = dict(CLIENT_PACKAGES)
    if "env-dependency-conflict" in on:
        packages["httpx"] = "0.25.2"
    return World(
        environ=environ,
        home=home,
        search_path=(_installed(folder / "site-packages", packages),),
        clock=_jumping(float(str(on["clock-jumped"]))) if "clock-jumped" in on else read_clocks,
        rest_url=rest_url,
        rest_url_from_file=from_file,
        ws_url_from_file=ws_url is not None,
        ca_file=named_ca,
        own_burst=int(float(str(on.get("ratelimit-exceeded", 0)))),
        orders_file=orders,
    )


def _ws_address(on: Mapping[str, object], port: int, ws_host: str) -> str | None:
    """The WebSocket address that stands in the profile, where it is a wrong one."""
    if "region-wrong-ws-host" in on:
        return f"wss://{WS_NAME[str(on['region-wrong-ws-host']), 'live']}:{port}/ws/v5"
    if "key-wrong-environment-ws" in on:
        return f"wss://{WS_NAME['global', 'demo']}:{port}/ws/v5"
    if "ws-wrong-path-address" in on:
        return f"wss://{ws_host}:{port}{on['ws-wrong-path-address']}"
    return None


def _credentials(on: Mapping[str, object], key: Key) -> dict[str, str]:
    """The three members as they stand in the file: TOML text, quotes included."""
    values = {"api_key": key.api_key, "secret_key": key.secret_key, "passphrase": key.passphrase}
    if "env-credentials-swapped" in on:
        values["secret_key"], values["passphrase"] = values["passphrase"], values["secret_key"]
    if "env-credentials-missing" in on:
        values[str(on["env-credentials-missing"])] = ""
    match on.get("env-credential-malformed"):
        case "newline":
            values["secret_key"] += "\n"
        case "space":
            values["secret_key"] = " " + values["secret_key"]
        case "quotes":
            values["secret_key"] = f"'{values['secret_key']}'"
        case "bom":
            values["api_key"] = "\ufeff" + values["api_key"]
    written = {name: _quoted(value) for name, value in values.items()}
    if "env-config-mangled" in on:
        written["passphrase"] = "20_240_101"
    return written


def _quoted(value: str) -> str:
    """A TOML string that shows what it holds: a line break as a line break, not as an escape."""
    return f"'''{value}'''" if "\n" in value else json.dumps(value, ensure_ascii=False)


def _profile_text(
    credentials: Mapping[str, str], rest_url: str | None, ws_url: str | None, need: tuple[str, ...]
) -> str:
    lines = ['default_profile = "sim"', "", "[profiles.sim]"]
    lines += [f"{name} = {written}" for name, written in credentials.items()]
    if rest_url is not None:
        lines.append(f"rest_url = {json.dumps(rest_url)}")
    if ws_url is not None:
        lines.append(f"ws_url = {json.dumps(ws_url)}")
    lines.append(f"need = {json.dumps(list(need))}")
    for instrument, specs in DECLARED.items():
        lines += ["", f"[profiles.sim.instruments.{json.dumps(instrument)}]"]
        lines += [f"{name} = {json.dumps(value)}" for name, value in specs.items()]
    return "\n".join(lines) + "\n"


def _installed(folder: Path, packages: Mapping[str, str]) -> str:
    """A directory that says these distributions are installed, in the form the packaging tools leave behind."""
    for name, version in packages.items():
        info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", "utf-8")
        top = "okx" if name == "python-okx" else name
        (info / "RECORD").write_text(f"{top}/__init__.py,,\n", "utf-8")
        (info / "top_level.txt").write_text(f"{top}\n", "utf-8")
        (folder / top).mkdir(exist_ok=True)
        (folder / top / "__init__.py").write_text("", "utf-8")
    return str(folder)


def _broken_store(folder: Path, how: str) -> Path:
    path = folder / "corporate-roots.pem"
    if how == "empty":
        path.write_text("", "utf-8")
    elif how == "garbage":
        path.write_text("-- not certificates --\n", "utf-8")
    return path


def _jumping(seconds: float) -> Callable[[], Instant]:
    """Clocks whose wall part is stepped some hundredths of a second after the run first looks at them."""
    first: list[int] = []

    def read() -> Instant:
        mono = time.monotonic_ns()
        first.append(mono) if not first else None
        stepped = int(seconds * 1e9) if mono - first[0] > 30_000_000 else 0
        return Instant(wall_ns=time.time_ns() + stepped, mono_ns=mono)

    return read
