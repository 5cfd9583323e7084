"""Profile files: okxdoctor's own ``config.toml`` and the one of OKX's trade kit (``~/.okx/config.toml``).

Both are TOML: ``default_profile``, and ``[profiles.NAME]`` with ``api_key``, ``secret_key``, ``passphrase``, ``site``,
``demo``, ``base_url``, ``proxy_url``. okxdoctor's own file knows more members (see ``MEMBERS``), and members
above the first table hold for every profile. Source of the kit's format: okx/agent-trade-kit,
docs/configuration.md, seen 2026-11-22.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from okxdoctor.files import read_bounded
from okxdoctor.settings.problem import UsageProblem, suggestion

LARGEST_BYTES = 1_000_000

Kind = Literal["okxdoctor", "okx-kit"]

CREDENTIALS: Mapping[str, tuple[str, ...]] = {
    "api_key": ("api_key", "apiKey", "key"),
    "secret_key": ("secret_key", "secretKey", "api_secret", "apiSecret", "secret"),
    "passphrase": ("passphrase", "api_passphrase", "password"),
}
"""Each credential and the member names under which files are known to hold it."""

MEMBERS = (
    "site",
    "demo",
    "base_url",
    "rest_url",
    "ws_url",
    "ca_file",
    "dns_servers",
    "ntp_servers",
    "proxy_url",
    "proxy",
    "verify",
    "need",
    "instruments",
    "product",
    "trade_mode",
    "timeout_s",
    "deadline_s",
    "keyring",
)


class NumberText(str):
    """A number that stood without quotes, as it was written: ``0.10`` stays ``0.10``."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigText:
    """One configuration file as read. ``table`` is its TOML."""

    path: Path
    kind: Kind
    table: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The chosen profile, members of the file's head beneath it. ``name`` is "" where only the head is used."""

    name: str
    file: ConfigText
    members: Mapping[str, Any] = field(repr=False)

    @property
    def source(self) -> str:
        return f"profile:{self.name} ({self.file.path})" if self.name else f"file:{self.file.path}"

    def where(self, member: str) -> str:
        return f"{self.file.path}, [profiles.{self.name}] {member}" if self.name else f"{self.file.path}, {member}"

    def unknown(self) -> tuple[str, ...]:
        """Notes on members that nothing reads: a misspelt name is a value that is not there."""
        known = [*MEMBERS, *(alias for aliases in CREDENTIALS.values() for alias in aliases)]
        if self.file.kind != "okxdoctor":
            return ()
        return tuple(
            f"{self.where(name)}: nothing reads this member ({_meant(name, value, known)})"
            for name, value in self.members.items()
            if name not in known
        )


def _meant(name: str, value: object, known: list[str]) -> str:
    if isinstance(value, dict) and any(member in known for member in value):
        return f"did you mean [profiles.{name}]?"
    return suggestion(name, tuple(known))


def default_files(environ: Mapping[str, str], home: Path) -> tuple[tuple[Path, Kind], ...]:
    """Where profiles are looked for when no file is named: okxdoctor's own, then the kit's."""
    base = environ.get("XDG_CONFIG_HOME", "")
    own = Path(base) if base.startswith("/") else home / ".config"
    return (own / "okxdoctor" / "config.toml", "okxdoctor"), (home / ".okx" / "config.toml", "okx-kit")


def read(path: Path, kind: Kind) -> ConfigText:
    """The file's TOML. Numbers with a fraction stay text, so that a tick size is not rounded."""
    import tomllib

    try:
        text = read_bounded(path, LARGEST_BYTES).decode("utf-8-sig")
        table = tomllib.loads(text.replace("\r\n", "\n"), parse_float=NumberText)
    except FileNotFoundError:
        leads = f" (a link to {path.readlink()})" if path.is_symlink() else ""
        raise UsageProblem(f"configuration file {path} does not exist{leads}") from None
    except OSError as error:
        raise UsageProblem(f"configuration file {path} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise UsageProblem(f"configuration file {path} is not UTF-8 (byte {error.start})") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageProblem(f"configuration file {path} is not TOML: {_place(error)}", _toml_hint(error)) from None
    except RecursionError:
        raise UsageProblem(f"configuration file {path} is nested too deep") from None
    profiles = table.get("profiles", {})
    if not isinstance(profiles, dict) or not all(isinstance(p, dict) for p in profiles.values()):
        raise UsageProblem(f"configuration file {path}: [profiles.NAME] must be tables")
    return ConfigText(path=path, kind=kind, table=table)


def choose(files: tuple[ConfigText, ...], name: str | None, asked_by: str) -> Profile | None:
    """The profile ``name`` of the first file that has it; without a name each file's own choice, first file first."""
    if name is None:
        return next(filter(None, map(_own_choice, files)), None)
    for file in files:
        if name in file.table.get("profiles", {}):
            return _profile(file, name)
    known = tuple(dict.fromkeys(key for file in files for key in file.table.get("profiles", {})))
    looked = ", ".join(str(file.path) for file in files) or "no configuration file was found"
    raise UsageProblem(
        f"{asked_by}: there is no profile {name!r} ({looked})",
        suggestion(name, known) or "no profile is defined",
    )


def _own_choice(file: ConfigText) -> Profile | None:
    """The profile that a file means without being asked for one."""
    profiles = file.table.get("profiles", {})
    default = file.table.get("default_profile")
    if default is not None:
        if not isinstance(default, str) or default not in profiles:
            raise UsageProblem(
                f"{file.path}: default_profile {default!r} is not one of its profiles",
                suggestion(str(default), tuple(profiles)),
            )
        return _profile(file, default)
    if "default" in profiles:
        return _profile(file, "default")
    if len(profiles) == 1:
        return _profile(file, next(iter(profiles)))
    return Profile(name="", file=file, members=_head(file)) if _head(file) else None


def _profile(file: ConfigText, name: str) -> Profile:
    return Profile(name=name, file=file, members={**_head(file), **file.table["profiles"][name]})


def _head(file: ConfigText) -> dict[str, Any]:
    """Members above the first table; the kit does not read any there but ``default_profile``."""
    if file.kind != "okxdoctor":
        return {}
    return {name: value for name, value in file.table.items() if name not in ("profiles", "default_profile")}


def _place(error: Exception) -> str:
    """tomllib's message with the place first, as editors want it."""
    found = re.fullmatch(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", str(error), re.DOTALL)
    if found is None:
        return str(error)
    place = f"line {found[2]}, column {found[3]}" if found[2] else "end of file"
    return f"{place}: {found[1]}"


def _toml_hint(error: Exception) -> str:
    text = str(error)
    if "Invalid value" in text or "Expected newline" in text:
        return "text values need quotes; single quotes take # $ and \\ as they are"
    return "single quotes take a backslash as it is" if "escape" in text else ""
