"""The baseline: causes that a team has accepted for now, each with a reason, an owner and a day it ends.

[[accept]]
code = "ip.unbound"
reason = "the cluster's egress changes until the NAT gateway is up"
owner = "platform"
expires = 2027-01-31
"""

from __future__ import annotations

import datetime
import tomllib
from pathlib import Path

from okxdoctor.files import read_bounded
from okxdoctor.runner.verdict import Acceptance
from okxdoctor.settings.problem import UsageProblem, suggestion

LARGEST_BYTES = 1_000_000

_MEMBERS = ("code", "reason", "owner", "expires")


def read_baseline(path: Path) -> tuple[Acceptance, ...]:
    """The acceptances of a file. Raises UsageProblem: a baseline that is misread would hide a failure."""
    try:
        table = tomllib.loads(read_bounded(path, LARGEST_BYTES).decode("utf-8-sig").replace("\r\n", "\n"))
    except OSError as error:
        raise UsageProblem(f"--baseline: {path} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise UsageProblem(f"--baseline: {path} is not UTF-8 (byte {error.start})") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageProblem(f"--baseline: {path} is not TOML: {error}") from None
    except RecursionError:
        raise UsageProblem(f"--baseline: {path} is nested too deep") from None
    rows = table.get("accept", [])
    if set(table) - {"accept"} or not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise UsageProblem(f"--baseline: {path} must hold [[accept]] tables only")
    return tuple(_acceptance(row, number, path) for number, row in enumerate(rows, 1))


def _acceptance(row: dict[str, object], number: int, path: Path) -> Acceptance:
    from okxdoctor.knowledge import causes

    place = f"--baseline: {path}, [[accept]] {number}"
    missing = [name for name in _MEMBERS if not row.get(name)]
    if missing:
        raise UsageProblem(f"{place}: {', '.join(missing)} is missing", "code, reason, owner and expires are needed")
    unknown = [name for name in row if name not in _MEMBERS]
    if unknown:
        raise UsageProblem(f"{place}: nothing reads {', '.join(unknown)}")
    code, expires = str(row["code"]), row["expires"]
    if code not in causes():
        raise UsageProblem(f"{place}: there is no cause {code!r}", suggestion(code, tuple(causes())))
    if not isinstance(expires, datetime.date) or isinstance(expires, datetime.datetime):
        try:
            expires = datetime.date.fromisoformat(str(expires))
        except ValueError:
            raise UsageProblem(f"{place}: expires must be a day", "expires = 2027-01-31") from None
    return Acceptance(code=code, reason=str(row["reason"]), owner=str(row["owner"]), expires=expires.isoformat())
