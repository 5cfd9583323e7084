"""From flags, environment and files to :class:`Settings`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, cast

from okxdoctor.files import named as file_named
from okxdoctor.secret import Secret
from okxdoctor.settings.flags import Flags
from okxdoctor.settings.layers import Layers
from okxdoctor.settings.orders import read_order_files
from okxdoctor.settings.problem import UsageProblem, suggestion
from okxdoctor.settings.profile import CREDENTIALS, ConfigText, Kind, Profile, choose, default_files, read
from okxdoctor.settings.values import FileSeen, Given, SettingRow, Settings, TargetKind
from okxdoctor.settings.variables import VARIABLES, mixed, noticed, switches
from okxdoctor.settings.whereabouts import find_addresses

_TARGETS = ("live", "demo", "sim", "cassette:PATH", "facts:PATH")
_NEEDS = ("read", "trade", "withdraw")
_PRODUCTS = ("SPOT", "MARGIN", "SWAP", "FUTURES", "OPTION", "EVENTS")
_TRADE_MODES = ("cash", "cross", "isolated", "spot_isolated")
_SWITCHES = {**dict.fromkeys(("1", "true", "yes", "on"), True), **dict.fromkeys(("0", "false", "no", "off"), False)}
_SECONDS_PER_PROBE = 10.0
_SECONDS_PER_RUN = 30.0


def resolve(flags: Flags, environ: Mapping[str, str], home: Path) -> Settings:
    """The settings of a run: flags over environment over profile over defaults.

    Reads configuration files and files of orders, and nothing else. Targets that bring their own world (the embedded
    exchange, a cassette, a facts bundle) do not take addresses, credentials or default files of this machine. Raises
    :class:`UsageProblem`.
    """
    asked = _target(flags.target)
    kind, path = asked if asked else ("live", None)
    own_world = kind not in ("live", "demo")
    files = _read_files(flags, environ, home, own_world)
    profile = _profile(flags, environ, files)
    layers = Layers(environ={} if own_world else environ, profile=profile)
    environment, environment_source = _environment(asked, layers)
    if environment == "demo" and kind == "live":
        kind = "demo"

    rows = [
        SettingRow(
            name="target",
            shown=kind if path is None else f"{kind}:{path}",
            source="flag" if asked else environment_source,
        ),
        SettingRow(name="environment", shown=environment, source=environment_source),
    ]
    if files:
        shown = ", ".join(str(file.path) for file in files)
        rows.append(SettingRow(name="config", shown=shown, source="flag" if flags.config else "found"))
    if profile is not None:
        by = "flag" if flags.profile else "env:OKXDOCTOR_PROFILE" if environ.get("OKXDOCTOR_PROFILE") else "its file"
        rows.append(SettingRow(name="profile", shown=profile.name or "(head of the file)", source=by))
    addresses = None
    _refuse_misplaced(flags, kind)
    if own_world:
        _refuse_addresses(flags, kind)
    else:
        addresses, more = find_addresses(flags, layers, environment)
        rows += more
    keys = {name: _credential(name, layers, own_world) for name in CREDENTIALS}
    rows += [
        SettingRow(name=name, shown="***" if given.value else "(not set)", source=given.source or "default")
        for name, given in keys.items()
    ]

    def row(name: str, given: Given[Any] | None, default: str) -> Any:
        value = None if given is None else given.value
        text = ", ".join(value) if isinstance(value, tuple) else default if value is None else str(value)
        rows.append(SettingRow(name=name, shown=text or default, source=given.source if given else "default"))
        return value

    need = _needs(layers, flags)
    instruments, specs = _instruments(layers, flags)
    product = layers.text(flags.product, (), ("product",))
    trade_mode = layers.text(flags.trade_mode, (), ("trade_mode",))
    fail_on = Given(value=flags.fail_on, source="flag") if flags.fail_on else None
    return Settings(
        kind=kind,
        path=path,
        environment=environment,
        profile=profile.name if profile else "",
        addresses=addresses,
        **keys,
        need=row("need", need, "(not said)"),
        instruments=row("instruments", instruments, "(none)") or (),
        declared_specs=specs,
        orders=flags.orders,
        drafts=read_order_files(flags.orders),
        product=row("product", product and layers.one_of(product, _PRODUCTS, "--product", upper=True), "(any)"),
        trade_mode=row("trade_mode", trade_mode and layers.one_of(trade_mode, _TRADE_MODES, "--trade-mode"), "(any)"),
        only=flags.only,
        skip=flags.skip,
        timeout_s=row("timeout_s", layers.seconds(flags.timeout_s, "timeout_s", _SECONDS_PER_PROBE, "--timeout"), ""),
        deadline_s=row(
            "deadline_s", layers.seconds(flags.deadline_s, "deadline_s", _SECONDS_PER_RUN, "--deadline"), ""
        ),
        fail_on=cast(
            'Literal["error", "warning"]',
            row("fail_on", fail_on and layers.one_of(fail_on, ("error", "warning"), "--fail-on"), "error") or "error",
        ),
        baseline=flags.baseline,
        save_facts=flags.save_facts,
        record=flags.record,
        faults=flags.faults,
        seed=flags.seed if flags.seed is not None else 0,
        demo_orders=_orders_allowed(flags, environment, kind),
        burst=flags.burst,
        files=tuple(
            FileSeen(
                path=file.path,
                kind=file.kind,
                profile=profile.name if profile is not None and profile.file is file else None,
            )
            for file in files
        ),
        tls_off=_verification_off(profile),
        notes=(
            *(profile.unknown() if profile else ()),
            *mixed({name: given.source for name, given in keys.items() if given.value}),
            *noticed(layers.environ, [name for name, given in keys.items() if not given.value]),
            *(switches(layers.environ) if asked is None and environment == "live" else ()),
        ),
        origin=tuple(rows),
        environ=environ,
    )


def _target(text: str | None) -> tuple[TargetKind, str | None] | None:
    if text is None:
        return None
    kind, colon, path = text.partition(":")
    path = path and str(file_named(path))  # behind the colon no shell knows the ~
    match kind:
        case "live" | "demo" | "sim" if not colon:
            return kind, None
        case "cassette" | "facts":
            if not path:
                raise UsageProblem(f"--target: {kind} needs a file", f"{kind}:PATH")
            if not Path(path).is_file() and kind == "facts":
                raise UsageProblem(f"--target: there is no file {path}")
            return kind, path
        case _:
            raise UsageProblem(f"--target: {text!r} is not known", suggestion(kind, _TARGETS))


def _environment(asked: tuple[TargetKind, str | None] | None, layers: Layers) -> tuple[Literal["live", "demo"], str]:
    """Live or demo: the target decides; without one the variable, then the profile."""
    if asked is not None:
        return ("demo" if asked[0] == "demo" else "live"), "flag"
    variable = layers.environ.get("OKX_DEMO", "")
    if variable:
        word = variable.strip().lower()
        if word not in _SWITCHES:
            raise UsageProblem(f"env:OKX_DEMO: {variable!r} is neither yes nor no", "1 for demo trading, 0 for live")
        return ("demo" if _SWITCHES[word] else "live"), "env:OKX_DEMO"
    demo = layers.member("demo")
    if demo is None:
        return "live", "default"
    if not isinstance(demo, bool):
        raise layers.wrong("demo", "true or false, without quotes")
    return ("demo" if demo else "live"), layers.source


def _read_files(flags: Flags, environ: Mapping[str, str], home: Path, own_world: bool) -> tuple[ConfigText, ...]:
    named = flags.config or environ.get("OKXDOCTOR_CONFIG") or ""
    if named:
        path = file_named(named)
        kind: Kind = "okx-kit" if path == home / ".okx" / "config.toml" else "okxdoctor"
        return (read(path, kind),)
    if own_world and not flags.profile:
        return ()
    return tuple(read(_readable(path), kind) for path, kind in default_files(environ, home) if _is_there(path))


def _is_there(path: Path) -> bool:
    """Whether something has that name: a link that leads nowhere was meant to be read, too."""
    try:
        return os.path.lexists(path)
    except (OSError, ValueError):
        return False


def _readable(path: Path) -> Path:
    """Refuses what would be waited for and was never named: a pipe without a writer at the usual place."""
    if path.is_fifo():
        raise UsageProblem(f"configuration file {path} is a pipe", f"--config {path}, when it has a writer")
    return path


def _profile(flags: Flags, environ: Mapping[str, str], files: tuple[ConfigText, ...]) -> Profile | None:
    name = flags.profile or environ.get("OKXDOCTOR_PROFILE") or None
    if name is None and not files:
        return None
    return choose(files, name, "--profile" if flags.profile else "env:OKXDOCTOR_PROFILE")


def _credential(name: str, layers: Layers, own_world: bool) -> Given[Secret]:
    """The effective value. Nothing is stripped: a stray blank must be seen, not repaired."""
    empty: Given[Secret] | None = None
    if not own_world:
        for variable in VARIABLES[name]:
            if layers.environ.get(variable):
                return Given(value=Secret(layers.environ[variable]), source=f"env:{variable}")
            if variable in layers.environ:
                empty = empty or Given(value=Secret(""), source=f"env:{variable}")
        for member in CREDENTIALS[name]:
            value = layers.member(member)
            if value is None or isinstance(value, list | dict):
                continue
            if str(value):
                return Given(value=Secret(str(value)), source=layers.source)
            empty = empty or Given(value=Secret(""), source=layers.source)
        service = layers.member("keyring")
        if service is not None:
            return _from_keyring(name, service, layers)
    return empty or Given(value=Secret(""), source="")


def _from_keyring(name: str, service: object, layers: Layers) -> Given[Secret]:
    """One credential from the store of the operating system, under the service that the profile names."""
    if not isinstance(service, str) or not service:
        raise layers.wrong("keyring", "the name of a service in quotes")
    try:
        import keyring
    except ImportError:
        raise UsageProblem(
            f"{layers.where('keyring')}: the keyring package is not installed",
            "pip install 'okxdoctor[keyring]'",
        ) from None
    try:
        value = keyring.get_password(service, name)
    except Exception as error:  # a backend may raise anything of its own
        raise UsageProblem(f"{layers.where('keyring')}: the key store refuses ({type(error).__name__})") from None
    return Given(value=Secret(value or ""), source="keyring")


def _needs(layers: Layers, flags: Flags) -> Given[tuple[str, ...]]:
    given = layers.texts((flags.need,) if flags.need is not None else (), ("need",))
    if given is None:
        return Given(value=(), source="default")
    words = [word.strip().lower() for text in given.value for word in text.split(",") if word.strip()]
    if not words:
        raise UsageProblem("--need: nothing is named", f"known: {', '.join(_NEEDS)}")
    for word in words:
        layers.one_of(Given(value=word, source=given.source), _NEEDS, "--need")
    return Given(value=tuple(dict.fromkeys(words)), source=given.source)


def _instruments(
    layers: Layers, flags: Flags
) -> tuple[Given[tuple[str, ...]] | None, tuple[tuple[str, str, str], ...]]:
    """Instrument ids, and what the profile declares of them: ``[profiles.x.instruments."BTC-USDT"] tickSz = "0.1"``."""
    table = layers.member("instruments")
    typed = tuple(word.strip() for text in flags.instruments for word in text.split(","))
    if not all(typed):
        raise UsageProblem("--instrument: an id is empty", "for example BTC-USDT")
    if not isinstance(table, dict):
        return layers.texts(typed, ("instruments",)), ()
    specs: list[tuple[str, str, str]] = []
    for instrument, declared in table.items():
        if not isinstance(declared, dict):
            raise UsageProblem(f"{layers.where('instruments')}: {instrument!r} must be a table of fields")
        for name, value in declared.items():
            if isinstance(value, bool | list | dict) or value is None:
                raise UsageProblem(f"{layers.where('instruments')}: {instrument}.{name} must be a text or a number")
            specs.append((instrument, name, str(value)))
    ids = typed or tuple(table)
    kept = tuple(spec for spec in specs if spec[0] in ids)
    return Given(value=ids, source="flag" if typed else layers.source), kept


def _orders_allowed(flags: Flags, environment: str, kind: TargetKind) -> bool:
    if flags.demo_orders and environment != "demo" and kind != "sim":
        raise UsageProblem("--demo-orders: orders are only placed on demo or sim", "add --target demo")
    return flags.demo_orders


def _verification_off(profile: Profile | None) -> tuple[str, ...]:
    """The profile members that switch certificate verification off."""
    if profile is None or profile.members.get("verify", True) is not False:
        return ()
    return (f"{profile.where('verify')} = false",)


def _refuse_misplaced(flags: Flags, kind: TargetKind) -> None:
    """Flags that would do nothing with this target."""
    if kind != "sim":
        if flags.faults:
            raise UsageProblem("--fault: only the embedded exchange has faults", "add --target sim")
        if flags.seed is not None:
            raise UsageProblem("--seed: only the embedded exchange has a seed", "add --target sim")
    if kind in ("facts", "cassette") and flags.record:
        raise UsageProblem(f"--record: target {kind} asks nobody, so there is nothing to record")


def _refuse_addresses(flags: Flags, kind: TargetKind) -> None:
    """Addresses beside a target that brings its own are a misunderstanding, not a wish."""
    given = {
        "--site": flags.site if kind == "sim" else None,
        "--rest-url": flags.rest_url,
        "--ws-url": flags.ws_url,
        "--site-url": flags.site_urls,
        "--ca-file": flags.ca_file,
        "--dns-server": flags.dns_servers,
        "--ntp-server": flags.ntp_servers,
        "--proxy": flags.proxy,
    }
    for name, value in given.items():
        if value:
            raise UsageProblem(
                f"{name}: target {kind} brings its own addresses", f"leave out {name}, or --target {kind}"
            )
