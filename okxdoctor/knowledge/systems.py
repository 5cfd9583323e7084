"""What a remedy says on one system: `Linux: sudo chronyc makestep     macOS: sudo sntp -sS time.apple.com`.

A remedy is one line of pieces that stand three blanks or more apart. A piece may begin with the name of a system
(`Linux:`, `macOS:`, `Windows:`, `Unix:` for the first two, `WSL:`, or a family of distributions, `Debian:`, `Fedora:`,
`Alpine:`), also inside a comment (`# Windows: …`). A comment or a remark in parentheses belongs to the piece before it.
On a system the line is what stands under its name, else what stands under none, else nothing.

The data holds the whole line, and `okxdoctor explain` shows it; a report prints what can be typed where it was made.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Literal

Name = Literal["Linux", "macOS", "Windows", ""]

_UNIX = ("Linux", "macOS")
_FAMILIES = {
    "Debian": ("debian", "ubuntu"),
    "Fedora": ("fedora", "rhel", "centos"),
    "Alpine": ("alpine",),
}
"""Each family by the words of ID and ID_LIKE in os-release(5)."""

OS_RELEASE = "/etc/os-release"

_GAP = re.compile(r"\s{3,}")
_LABEL = re.compile(rf"(?:# )?(Linux|macOS|Windows|Unix|WSL|{'|'.join(_FAMILIES)})( \([^)]*\))?: ")


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """An operating system: ``name`` "" is one that no remedy names, ``family`` "" a distribution that is not known."""

    name: Name
    family: str = ""
    wsl: bool = False

    def meant_by(self, label: str) -> bool:
        """Whether a piece under this label is for it. An unknown distribution is shown those of all families."""
        match label:
            case "Unix":
                return self.name in _UNIX
            case "WSL":
                return self.wsl
            case "Linux" | "macOS" | "Windows":
                return self.name == label
        return self.name == "Linux" and self.family in ("", label)


ANYWHERE = System(name="")
"""No system in particular: remedies stay whole."""


@cache
def here() -> System:
    """The system that this process runs on."""
    return system_of(platform())


def platform() -> str:
    """This machine in a line: ``Linux 6.1.0-13-amd64 x86_64 (Debian)``, ``Darwin 23.1.0 arm64``, ``win32``."""
    if os.name != "posix":
        return sys.platform
    machine, family = os.uname(), _family()
    return f"{machine.sysname} {machine.release} {machine.machine}" + (f" ({family})" if family else "")


def system_of(platform: str) -> System:
    """The system by such a line, which facts bundles hold."""
    word = platform.partition(" ")[0].lower()
    if word in ("win32", "windows"):
        return System(name="Windows")
    if word == "darwin":
        return System(name="macOS")
    if word == "linux":
        family = next((family for family in _FAMILIES if platform.endswith(f"({family})")), "")
        return System(name="Linux", family=family, wsl="microsoft" in platform.lower())
    return System(name="")


def on(remedy: Iterable[str], system: System) -> tuple[str, ...]:
    """The remedy as one types it on that system; whole where no remedy knows the system."""
    if not system.name:
        return tuple(remedy)
    return tuple(told for line in remedy if (told := _line(line, system)))


def _line(line: str, system: System) -> str:
    own: list[str] = []
    common: list[str] = []
    taken: list[str] | None = None
    for piece in _GAP.split(line):
        found = _LABEL.match(piece)
        if found is None and piece.startswith(("#", "(")) and (own or common or taken is not None):
            if taken:
                taken[-1] += f"   {piece}"
            continue
        if found is None:
            taken = common
            taken.append(piece)
        elif system.meant_by(found[1]):
            # Of a distribution that is not known the name stays: the reader knows which is theirs.
            kept = found[1] in _FAMILIES and not system.family
            taken = own
            taken.append(piece.removeprefix("# ") if kept else piece[found.end() :] + _remark(found[2]))
        else:
            taken = []
    return "     ".join(map(_as_powershell, common) if system.name == "Windows" and not own else own or common)


def _as_powershell(piece: str) -> str:
    """Commands that are the same on every system, or made by a check, in the shell of Windows."""
    if piece.startswith("okxdoctor "):
        return re.sub(r"'([^'\"]*)'", r'"\1"', piece)  # PowerShell takes both quotes, cmd only these
    if piece.startswith("unset "):
        command, gap, remark = piece.partition("   ")
        return f"Remove-Item {', '.join(f'Env:{name}' for name in command.split()[1:])}{gap}{remark}"
    # There `curl` alone is another program's short name.
    return re.sub(r"^dig \+short (\S+)(?: @(\S+))?", r"nslookup \1 \2", re.sub(r"^curl ", "curl.exe ", piece)).rstrip()


def _remark(said: str | None) -> str:
    """`Windows (as administrator):` says it behind the command."""
    return f"   # {said.strip(' ()')}" if said else ""


def _family() -> str:
    """The family of distributions, "" where the system does not tell, or is none of those that remedies name."""
    try:
        with open(OS_RELEASE, encoding="utf-8", errors="replace") as file:
            text = file.read(20_000)
    except OSError:
        return ""
    words = set(" ".join(re.findall(r"^ID(?:_LIKE)?=[\"']?([^\"'\n]*)", text, re.MULTILINE)).lower().split())
    return next((family for family, names in _FAMILIES.items() if words & set(names)), "")
