"""A remedy is what can be typed where it is printed: of each system its own lines, whose commands exist there."""

from __future__ import annotations

import ast
import re
import shlex
import sys
from collections.abc import Iterator
from fnmatch import fnmatchcase
from importlib.util import find_spec
from pathlib import Path

import click
import pytest

from okxdoctor.cli.main import okxdoctor
from okxdoctor.knowledge import causes, systems
from okxdoctor.knowledge.package_table import package_conflicts
from okxdoctor.knowledge.systems import ANYWHERE, System, here, on, system_of
from okxdoctor.reports.paint import is_command
from okxdoctor.runner.discover import checks

DEBIAN = System(name="Linux", family="Debian")
ALPINE = System(name="Linux", family="Alpine")
SOME_LINUX = System(name="Linux")
WSL = System(name="Linux", family="Debian", wsl=True)
MACOS, WINDOWS = System(name="macOS"), System(name="Windows")
SYSTEMS = (DEBIAN, ALPINE, SOME_LINUX, WSL, MACOS, WINDOWS)

CLOCK = "Linux: sudo a     macOS: sudo b   # slowly     Windows (as administrator): c /d"
FILE = "cat /etc/x   # who is it?     Windows: type x"
ROOTS = "Debian: apt a     Alpine: apk a     macOS: Run b"


@pytest.mark.parametrize(
    ("line", "system", "wanted"),
    [
        (CLOCK, DEBIAN, ["sudo a"]),
        (CLOCK, MACOS, ["sudo b   # slowly"]),
        (CLOCK, WINDOWS, ["c /d   # as administrator"]),
        (CLOCK, ANYWHERE, [CLOCK]),
        ("Linux: a   (where a is)", DEBIAN, ["a   (where a is)"]),
        ("Linux: a   (where a is)", MACOS, []),
        (FILE, DEBIAN, ["cat /etc/x   # who is it?"]),
        (FILE, MACOS, ["cat /etc/x   # who is it?"]),
        (FILE, WINDOWS, ["type x"]),
        ("cat x   # Windows: type x     macOS: scutil", WINDOWS, ["type x"]),
        ("cat x   # Windows: type x     macOS: scutil", DEBIAN, ["cat x"]),
        ("Unix: cat x", MACOS, ["cat x"]),
        ("Unix: cat x", WINDOWS, []),
        ("Machine: restart it     WSL: sudo hwclock -s", DEBIAN, ["Machine: restart it"]),
        ("Machine: restart it     WSL: sudo hwclock -s", WSL, ["sudo hwclock -s"]),
        (ROOTS, DEBIAN, ["apt a"]),
        (ROOTS, ALPINE, ["apk a"]),
        (ROOTS, SOME_LINUX, ["Debian: apt a     Alpine: apk a"]),
        (ROOTS, MACOS, ["Run b"]),
        (ROOTS, WINDOWS, []),
        ("httpx: do a     requests: do b", WINDOWS, ["httpx: do a     requests: do b"]),
        ("okxdoctor run --only 'clock.*'   # again", WINDOWS, ['okxdoctor run --only "clock.*"   # again']),
        ("unset HTTPS_PROXY ALL_PROXY   # if none is meant", WINDOWS,
         ["Remove-Item Env:HTTPS_PROXY, Env:ALL_PROXY   # if none is meant"]),
        ("dig +short a.test @1.1.1.1   # elsewhere", WINDOWS, ["nslookup a.test 1.1.1.1   # elsewhere"]),
        ("curl -s https://a.test/", WINDOWS, ["curl.exe -s https://a.test/"]),
        ("unset HTTPS_PROXY", DEBIAN, ["unset HTTPS_PROXY"]),
    ],
)  # fmt: skip
def test_a_line_on_a_system(line: str, system: System, wanted: list[str]) -> None:
    assert list(on((line,), system)) == wanted


@pytest.mark.parametrize(
    ("platform", "system"),
    [
        ("Linux 6.1.0-13-amd64 x86_64", SOME_LINUX),
        ("Linux 6.1.0-13-amd64 x86_64 (Debian)", DEBIAN),
        ("Linux 6.6.9 x86_64 (Alpine)", ALPINE),
        ("Linux 5.15.153.1-microsoft-standard-WSL2 x86_64 (Debian)", WSL),
        ("Darwin 23.1.0 arm64", MACOS),
        ("win32", WINDOWS),
        ("FreeBSD 14.0-RELEASE amd64", ANYWHERE),
        ("", ANYWHERE),
    ],
)
def test_the_system_by_what_facts_say(platform: str, system: System) -> None:
    assert system_of(platform) == system


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda one: f"{one.name}{one.family}{'-wsl' if one.wsl else ''}")
def test_every_cause_has_a_remedy_on_every_system_and_names_no_other(system: System) -> None:
    others = {"Linux", "macOS", "Windows", "WSL"} - {system.name} - ({"WSL"} if system.wsl else set())
    for code, row in causes().items():
        told = on(row.remedy, system)
        assert told, code
        for line in told:
            assert not re.search(rf"\b(?:Unix|{'|'.join(others)})\b(?: \([^)]*\))?:", line), line


def test_this_system_is_known() -> None:
    assert here().name == {"linux": "Linux", "darwin": "macOS", "win32": "Windows"}[sys.platform]


@pytest.mark.parametrize(
    ("text", "family"),
    [
        ('ID=debian\nVERSION_ID="12"\n', "Debian"),
        ("NAME=x\nID=linuxmint\nID_LIKE='ubuntu debian'\n", "Debian"),
        ('ID="rocky"\nID_LIKE="rhel centos fedora"\n', "Fedora"),
        ("ID=alpine\n", "Alpine"),
        ("ID=arch\n", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_the_family_by_os_release(
    text: str | None, family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "os-release"
    if text is not None:
        place.write_text(text, "utf-8")
    monkeypatch.setattr(systems, "OS_RELEASE", str(place))
    assert systems.platform().endswith(f"({family})") is bool(family)


# ---- programs ------------------------------------------------------------------------------------

DEBIAN_PACKAGES = {
    "apt-get": "apt", "cat": "coreutils", "certbot": "certbot", "chmod": "coreutils", "chronyc": "chrony",
    "curl": "curl", "date": "coreutils", "dig": "bind9-dnsutils", "docker": "docker.io", "env": "coreutils",
    "getent": "libc-bin", "git": "git", "grep": "grep", "head": "coreutils", "hwclock": "util-linux",
    "ip": "iproute2", "journalctl": "systemd", "nc": "netcat-openbsd", "openssl": "openssl",
    "ping": "iputils-ping", "pip": "python3-pip", "printf": "coreutils", "python3": "python3", "sudo": "sudo",
    "systemctl": "systemd", "timedatectl": "systemd",
    "traceroute": "traceroute", "wc": "coreutils",
}  # fmt: skip
"""Programs by the package of Debian 12 that brings them under that name (its Contents index)."""
OF_THE_SHELL = {"export", "unset", "for", "do", "done", "printf"}


def commands(line: str) -> Iterator[str]:
    """The pieces of a line that are typed, without their remarks."""
    for piece in re.split(r"\s{3,}", line):
        if not piece.startswith(("#", "(")) and is_command(piece):
            yield re.sub(r"^[A-Za-z][^:']{0,40}: ", "", piece)


def programs(command: str) -> Iterator[str]:
    """Every program of a command line as a shell starts it."""
    inner = re.findall(r"\$\(([^)]*)\)", command)
    for part in re.split(r"\|\||&&|[|;]", re.sub(r"'[^']*'|\"[^\"]*\"|\$\([^)]*\)", "x", command)):
        words = part.split()
        while words and words[0] in ("sudo", "do"):
            yield words.pop(0)
        if words:
            yield words[0]
    for text in inner:
        yield from programs(text)


def own_remedies() -> Iterator[tuple[str, str]]:
    """What the checks themselves tell to do: the texts of their source under the name `remedy`."""
    spec = find_spec("okxdoctor_checks")
    assert spec is not None
    for path in sorted(Path(next(iter(spec.submodule_search_locations or ()))).glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.keyword(arg="remedy", value=value):
                    yield from ((f"{path.name}:{value.lineno}", text) for text in texts(value))
                case ast.Assign(targets=[ast.Name(id="remedy")], value=value):
                    yield from ((f"{path.name}:{value.lineno}", text) for text in texts(value))


def texts(node: ast.AST) -> Iterator[str]:
    """The texts in an expression; what stands in braces is put in as X."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=parts):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in parts)
        case _:
            for child in ast.iter_child_nodes(node):
                yield from texts(child)


REMEDIES = [
    *((code, line) for code, row in causes().items() for line in row.remedy),
    *((f"packages: {row.package}", row.remedy) for row in package_conflicts()),
    *own_remedies(),
]


def test_programs_exist_under_that_name_in_debian() -> None:
    seen = set()
    for where, line in REMEDIES:
        for told in on((line,), DEBIAN):
            for command in commands(told):
                for program in programs(command):
                    seen.add(program)
                    known = program in DEBIAN_PACKAGES or program in OF_THE_SHELL or program == "okxdoctor"
                    assert known or "=" in program, (where, program, command)
    assert seen >= {"sudo", "timedatectl", "chronyc", "curl", "okxdoctor", "openssl", "grep", "pip", "nc"}


def test_what_is_typed_to_okxdoctor_is_taken_by_its_command_line() -> None:
    """Parsed by the real commands; what selects something selects at least one check, cause or case of the present."""
    names = {check.id for check in checks()} | set(causes())
    count = 0
    for where, line in REMEDIES:
        for system in (DEBIAN, WINDOWS):
            for told in on((line,), system):
                for command in commands(told):
                    for text in re.findall(r"(?:^|[;&|] ?)okxdoctor\b(?! for)[^#;]*", command):
                        words = shlex.split(text.strip().removeprefix("; "))[1:]
                        globs = parsed(words, where)
                        for glob in globs:
                            assert any(fnmatchcase(name, glob) for name in names), line
                        count += 1
    assert count > 60


def parsed(words: list[str], where: str) -> tuple[str, ...]:
    """Lets the command line read the words without running anything; the globs of --only and --skip."""
    command: click.Command = okxdoctor
    context = click.Context(okxdoctor, info_name="okxdoctor")
    while isinstance(command, click.Group):
        name = words[0] if words and not words[0].startswith("-") else "run"
        words = words[1:] if words and words[0] == name else words
        found = command.get_command(context, name)
        assert found is not None, (where, name)
        command = found
    made = command.make_context("okxdoctor", [word.replace("…", "x") for word in words])
    return (*made.params.get("only", ()), *made.params.get("skip", ()))
