"""Configuration files as they lie on the disk: who can read them, and whether their parser keeps what was typed."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from okxdoctor.port import ConfigFile, Mangling
from okxdoctor.settings.profile import CREDENTIALS
from okxdoctor.settings.variables import VARIABLES

_LARGEST = 1_000_000
_GIT_SECONDS = 1.0
_FIELD_OF = {alias: field for field, aliases in CREDENTIALS.items() for alias in aliases}
_NAMES = frozenset(name for names in VARIABLES.values() for name in names)


def toml_file(path: Path, kind: str, profile: str | None, used: tuple[str, ...]) -> ConfigFile:
    """A profile file. ``profile`` is the table that is read ("" the head, None nothing); ``used`` the credentials
    that are effective from it."""
    text = _read(path)
    if text is None:
        return ConfigFile(path=str(path), kind=kind, exists=path.exists())
    table = {} if profile is None else _members(text, profile)
    holds = _holds_secrets(text)
    return _file(path, kind, holds, tuple(_mangled_toml(text, profile or "", table, used)))


def dotenv_file(path: Path, environ: Mapping[str, str]) -> ConfigFile | None:
    """A ``.env`` file, where the environment's credentials come from it; None where they do not."""
    text = _read(path)
    if text is None:
        return None
    lines = {name: raw for name, raw in _assignments(text) if name in _NAMES}
    mangled: list[Mangling] = []
    source_of_any = False
    for name, raw in lines.items():
        effective = environ.get(name)
        if effective is None:
            continue
        how = changed_by(raw, effective)
        if how:
            mangled.append(Mangling(member=name, how=how))
        source_of_any = source_of_any or bool(how) or (effective != "" and effective == _unquoted(raw))
    return _file(path, "dotenv", True, tuple(mangled)) if source_of_any else None


def not_loaded(folder: Path, unset: Collection[str]) -> str:
    """A note where a ``.env`` file has credentials of which the environment has none: it is there to be loaded by
    something, and nothing has. ``unset`` are the credentials without a value; "" where there is nothing to say."""
    path = folder / ".env"
    content = _content(path) or b""
    text = content.decode("utf-8-sig", "replace")
    wanted = [name for role in unset for name in VARIABLES[role]]
    names = [name for name, value in _assignments(text) if name in wanted and _unquoted(value)]
    if not names:
        return ""
    why = "it is not loaded into the environment (set -a; . ./.env; set +a)"
    if content.startswith(b"\xef\xbb\xbf"):
        why = "it begins with a byte order mark, which a shell takes for a part of the first line"
    elif re.search(rf"^\s*(?:export\s+)?(?:{'|'.join(names)})(?:\s+=|=\s+\S)", text, re.MULTILINE):
        why = "it has blanks beside =, which a shell does not take"
    return f"{path} has {', '.join(dict.fromkeys(names))}, and the environment has not: {why}"


def changed_by(raw: str, effective: str) -> str:
    """What turned the raw right-hand side of a ``.env`` line into the effective value; "" if nothing did.

    Only a difference that one of the readers' rules explains counts: another value is another value.
    """
    inner = _unquoted(raw)
    if effective == inner:
        return ""
    quoted = inner != raw
    if quoted and effective == raw:
        return "the quotes became part of the value"
    if not quoted and "#" in raw and effective == raw.partition("#")[0].rstrip():
        return "an unquoted # starts a comment"
    if "$" in inner and not raw.startswith("'"):
        parts = re.split(r"\$\{[^}]*\}|\$\w+|\$\$|\$", inner)
        if re.fullmatch(".*".join(map(re.escape, parts)), effective, re.DOTALL):
            return "$ was expanded"
    if "\\" in inner and not raw.startswith("'"):
        kept = re.sub(r"\\(.)", r"\1", inner)
        taken = re.sub(r"\\([ntr])", lambda hit: {"n": "\n", "t": "\t", "r": "\r"}[hit[1]], inner)
        if effective in (kept, taken):
            return "a backslash was taken as an escape"
    if not quoted and " " in raw and effective == raw.split(" ")[0]:
        return "an unquoted blank ends the value"
    return ""


def _assignments(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        found = re.fullmatch(r"\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(.*?)\s*", line)
        if found:
            yield found[1], found[2]


def _unquoted(raw: str) -> str:
    if len(raw) > 1 and raw[0] == raw[-1] and raw[0] in "\"'":
        return raw[1:-1]
    return raw


def _members(text: str, profile: str) -> Mapping[str, Any]:
    import tomllib

    try:
        table: Any = tomllib.loads(text)
        members = table.get("profiles", {}).get(profile, {}) if profile else table
    except (tomllib.TOMLDecodeError, RecursionError, AttributeError):
        return {}
    return members if isinstance(members, dict) else {}


def _holds_secrets(text: str) -> bool:
    """Whether any profile of the file has a secret or a passphrase in it."""
    import tomllib

    try:
        table: Any = tomllib.loads(text)
        tables = [table, *table.get("profiles", {}).values()]
        return any(t.get(name) for t in tables for name, field in _FIELD_OF.items() if field != "api_key")
    except (tomllib.TOMLDecodeError, RecursionError, AttributeError):
        return False


def _mangled_toml(text: str, profile: str, table: Mapping[str, Any], used: tuple[str, ...]) -> Iterator[Mangling]:
    """Members whose parsed value is not what the line shows."""
    for name, value in table.items():
        if _FIELD_OF.get(name) not in used:
            continue
        if isinstance(value, bool):
            yield Mangling(member=name, how="without quotes it is a truth value")
        elif isinstance(value, int | float):
            yield Mangling(member=name, how="without quotes it is a number")
        elif not isinstance(value, str):
            yield Mangling(member=name, how="without quotes it is no text")
        elif any(ord(c) < 32 for c in value) and re.search(r"\\[btnfrue]", _raw(text, profile, name)):
            yield Mangling(member=name, how="a backslash in double quotes is an escape")


def _raw(text: str, profile: str, member: str) -> str:
    """The right-hand side of a member as it stands in the file."""
    inside = not profile
    for line in text.splitlines():
        header = re.fullmatch(r"\s*\[\s*(.*?)\s*\]\s*(?:#.*)?", line)
        if header:
            name = header[1].replace('"', "").replace("'", "").replace(" ", "")
            inside = name == f"profiles.{profile}" if profile else False
        found = re.match(rf"""\s*["']?{re.escape(member)}["']?\s*=\s*(.*)""", line) if inside else None
        if found:
            return found[1]
    return ""


def _read(path: Path) -> str | None:
    content = _content(path)
    return None if content is None else content.decode("utf-8-sig", "replace")


def _content(path: Path) -> bytes | None:
    try:
        if not path.is_file() or path.stat().st_size > _LARGEST:
            return None
        return path.read_bytes()
    except OSError:
        return None


def _file(path: Path, kind: str, holds_secrets: bool, mangled: tuple[Mangling, ...]) -> ConfigFile:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return ConfigFile(path=str(path), kind=kind, exists=False)
    meaningful = os.name == "posix"
    return ConfigFile(
        path=str(path),
        kind=kind,
        exists=True,
        mode=f"{mode:04o}" if meaningful else "",
        readable_by_others=meaningful and bool(mode & 0o044),
        tracked_by_git=holds_secrets and _tracked_by_git(path),
        holds_secrets=holds_secrets,
        mangled=mangled,
    )


def _tracked_by_git(path: Path) -> bool:
    """Asks git, and only where the file lies in a work tree; no answer in time counts as no."""
    try:
        place = path.resolve()
        if not any((parent / ".git").exists() for parent in place.parents):
            return False
    except (OSError, RuntimeError):
        return False
    import shutil
    import subprocess

    git = shutil.which("git")
    if git is None:
        return False
    # A repository's own configuration may name programs to run; this question needs none of them.
    safe = ["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"]
    try:
        done = subprocess.run(
            [git, *safe, "ls-files", "--error-unmatch", "--", place.name],
            cwd=place.parent,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_GIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0
