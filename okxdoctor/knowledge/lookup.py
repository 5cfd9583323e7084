"""Find what somebody asks about: a cause, a family of causes, a code, an endpoint, an HTTP status, or a message."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from okxdoctor.knowledge.cause_table import CauseRow, causes, families, family
from okxdoctor.knowledge.code_table import CodeRow, code, codes

if TYPE_CHECKING:
    from okxdoctor.knowledge.endpoint_table import EndpointRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """All causes of one family."""

    name: str
    causes: tuple[CauseRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """The methods of one path, each with its request budget."""

    rows: tuple[EndpointRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matches:
    """Several rows that fit what was asked, the best first; `because` says in what way they fit.

    `more` rows fit as well and are left out.
    """

    because: str
    rows: tuple[CauseRow | CodeRow, ...]
    more: int = 0


R = TypeVar("R", CodeRow, CauseRow | CodeRow)

Found = CauseRow | CodeRow | Family | Endpoints | Matches

MOST = 16
"""Rows that a list of matches shows at most."""

_LETTERS_FOR_DIGITS = str.maketrans("oil", "011")

FAR = 9
"""A number that is no plausible slip of another."""


def find(asked: str) -> Found | None:
    """The row, family or list of rows for `asked`, None when nothing fits. Case and outer blanks do not matter.

    A pasted answer of the exchange works too: its `sCode`s count before its `code`.
    """
    text = " ".join(asked.split())
    if not text:
        return None
    if (row := _exact(text)) is not None:
        return row
    if ("/" in text or re.fullmatch(r"[a-zA-Z]+(-[a-zA-Z]+)+", text)) and (called := _endpoints(text)) is not None:
        return called
    if (named := _pasted(text) or _listed(text)) is not None:
        return named
    if status := re.fullmatch(
        r"(?:(?:HTTP|status|error|response|code)[ /:=]*){0,3}([1-5][0-9]{2})", text, re.IGNORECASE
    ):
        return _with_status(int(status[1]))
    if close := re.fullmatch(r"(?:(?:close[d]?|code|ws|websocket|with)[ :=]*){0,4}(1[0-9]{3})", text, re.IGNORECASE):
        return _with_close(close[1])
    if text.isdigit():
        return None
    from okxdoctor.knowledge.search import by_text

    return by_text(text)


def near(asked: str, others: Iterable[str] = ()) -> tuple[str, ...]:
    """Up to four known names that look like `asked`, nearest first. `others` are further names, such as check ids."""
    text = asked.strip().lower()
    if (digits := text.translate(_LETTERS_FOR_DIGITS)) in codes():
        return (digits,)
    if re.fullmatch(r"[0-9]{3,6}", text):
        slips = sorted((_slip(text, one), one) for one in codes())
        return tuple(one for slip, one in slips[:4] if slip < FAR)
    from difflib import get_close_matches

    names = dict.fromkeys((*causes(), *families(), *others))
    close = get_close_matches(text, names, n=4, cutoff=0.6)
    # `clok.ahead` is near to many; `ahead` alone is the end of a name.
    ends = [name for name in names if text and name.endswith((f".{text}", f"-{text}"))]
    return tuple(dict.fromkeys((*ends, *close)))[:4]


def _exact(text: str) -> CauseRow | CodeRow | Family | None:
    name = text.lower()
    try:
        return code(text)
    except KeyError:
        pass
    # `tls`, `tls.` and `tls.*` are the same question.
    if (all_of := name.rstrip(".*")) in families():
        return Family(name=all_of, causes=family(all_of))
    return next((row for row in family(name.partition(".")[0]) if row.code == name), None)


def _with_close(number: str) -> CauseRow | CodeRow | Matches | None:
    """A close of the protocol's own, which is no code of OKX."""
    from okxdoctor.knowledge.log_marks import log_marks

    behind = [causes()[name] for name in log_marks().closes.get(number, ())]
    return several(behind, f"may be behind a WebSocket that was closed with {number}")


_USUAL = frozenset({"trade", "account", "market", "public", "asset"})
"""Groups of endpoints that people mean where others have one of the same name."""


def _endpoints(text: str) -> Endpoints | None:
    """`GET /api/v5/market/ticker?instId=X`, a whole address, `market/ticker`, or its last part (`orders-pending`)."""
    asked = re.fullmatch(
        r"(?:(GET|POST) )?(?:https?://[^/ ]+)?/?(?:api/v5/)?([a-z0-9/-]+?)/?(?:\?\S*)?", text, re.IGNORECASE
    )
    if asked is None:
        return None
    from okxdoctor.knowledge.endpoint_table import endpoints

    path, method = f"/api/v5/{asked[2]}".lower(), (asked[1] or "").upper()
    rows = tuple(row for row in endpoints() if row.path.lower() == path and method in ("", row.method))
    if "/" not in text:
        named = (row for row in endpoints() if row.path.lower().rpartition("/")[2] == text.lower())
        rows = tuple(sorted(named, key=lambda row: row.path.split("/")[3] not in _USUAL))
    return Endpoints(rows=rows) if rows else None


def _pasted(text: str) -> CodeRow | Matches | None:
    found: dict[str, list[str]] = {"scode": [], "code": []}
    for kind, number in re.findall(r"""["']?\b(s?code)["']?\s*[:=]\s*["']?([0-9]{1,5})\b""", text, re.IGNORECASE):
        found[kind.lower()].append(number)
    items = [number for number in found["scode"] if number != "0"]
    rows = [row for number in dict.fromkeys(items or found["code"]) if (row := codes().get(number)) is not None]
    return several(rows, "named in the pasted answer")


def _listed(text: str) -> CodeRow | Matches | None:
    """Codes named in passing: `50102, 50113`, `error 50113`."""
    numbers = dict.fromkeys(
        re.findall(r"(?<![\w.])(?:E|ERR_?|OKX_?|CODE_?)?([0-9]{4,5})(?![\w]|\.[0-9])", text, re.IGNORECASE)
    )
    return several([row for number in numbers if (row := codes().get(number)) is not None], "named here")


def several(rows: Sequence[R], because: str) -> R | Matches | None:
    """None for no row, the row itself for one, else the list of them."""
    if len(rows) <= 1:
        return rows[0] if rows else None
    return Matches(because=because, rows=tuple(rows[:MOST]), more=max(0, len(rows) - MOST))


def _with_status(status: int) -> CauseRow | CodeRow | Matches | None:
    rows: list[CauseRow | CodeRow] = [row for row in codes().values() if status in row.http_observed]
    rows += [row for row in codes().values() if status in row.http_documented and row not in rows]
    if status == 200:
        return None  # it stands for most codes and so for none
    from okxdoctor.knowledge.log_marks import log_marks

    # A status that hardly any code has comes from what stands before the exchange.
    behind = [causes()[name] for name in log_marks().statuses.get(str(status), ())]
    if not behind:
        return several(rows, f"answered with HTTP {status}")
    return several([*rows, *behind] if len(rows) > 1 else [*behind, *rows], f"may be behind HTTP {status}")


def _slip(asked: str, known: str) -> int:
    """How far a typed number is from a known one: 0 two digits exchanged, 1 to 3 one digit wrong (last digit
    likeliest), 4 one digit too many or too few, FAR all else."""
    if len(asked) == len(known):
        differ = [i for i in range(len(known)) if asked[i] != known[i]]
        if len(differ) == 2 and differ[1] == differ[0] + 1 and asked[differ[0]] == known[differ[1]]:
            return 0 if asked[differ[1]] == known[differ[0]] else FAR
        if len(differ) == 1:
            return {1: 1, 2: 2}.get(len(known) - differ[0], 3)
        return FAR
    longer, shorter = (asked, known) if len(asked) > len(known) else (known, asked)
    if len(longer) == len(shorter) + 1 and any(longer[:i] + longer[i + 1 :] == shorter for i in range(len(longer))):
        return 4
    return FAR
