"""What `okxdoctor explain` prints: one page for each kind of row, in plain text of a given width."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from textwrap import wrap
from typing import TYPE_CHECKING, TypeAlias, assert_never

from okxdoctor.knowledge.cause_table import CauseRow, title
from okxdoctor.knowledge.code_table import CodeRow
from okxdoctor.knowledge.lookup import Endpoints, Family, Found, Matches

if TYPE_CHECKING:
    from okxdoctor.knowledge.endpoint_table import EndpointRow

Value: TypeAlias = "str | int | list[Value] | dict[str, Value] | None"

BLAME = {
    "yours": "on your side: configuration, machine or client code",
    "path": "on the way: the network between you and the exchange",
    "exchange": "on the exchange's side",
    "unknown": "on a side that the measurement cannot tell",
}
RETRY = {
    "no": "no, the same request is refused again",
    "yes": "yes, at once",
    "with backoff": "later, with growing and randomised pauses",
    "after reconcile": "only after asking what became of the first one",
}
_LEFT = 28
"""Room of a left column; the longest code has 27 characters."""

GRADE = {"documented": "documented", "observed": "observed in the field", "assumed": "assumed"}


def text(found: Found, width: int) -> str:
    """The page, its lines not longer than `width` (at least 40) as far as words allow, ending with a line break."""
    match found:
        case CauseRow():
            lines = _cause(found, width)
        case CodeRow():
            lines = _code(found, width)
        case Family():
            lines = _family(found, width)
        case Endpoints():
            lines = _endpoints(found, width)
        case Matches():
            lines = _matches(found, width)
        case _:
            assert_never(found)
    return "\n".join(lines) + "\n"


def value(found: Found) -> list[Value]:
    """The same as data: one object for each row, `kind` cause, code or endpoint."""
    match found:
        case CauseRow():
            return [_cause_value(found)]
        case CodeRow():
            return [_code_value(found)]
        case Family():
            return [_cause_value(row) for row in found.causes]
        case Endpoints():
            return [_endpoint_value(row) for row in found.rows]
        case Matches():
            return [_cause_value(row) if isinstance(row, CauseRow) else _code_value(row) for row in found.rows]
        case _:
            assert_never(found)


# ---- text ------------------------------------------------------------------------------------


def paragraph(words: str, width: int, *, indent: str = "", first: str | None = None) -> list[str]:
    """One paragraph, wrapped; `first` is the indentation of its first line."""
    return wrap(
        words,
        width,
        initial_indent=indent if first is None else first,
        subsequent_indent=indent,
        break_on_hyphens=False,
    )


def columns(rows: Iterable[tuple[str, str]], width: int, *, indent: str = "  ") -> Iterator[str]:
    """Two columns, the right one wrapped; a left one that is too long gets a line of its own."""
    rows = tuple(rows)
    left = min(max((len(name) for name, _ in rows), default=0), _LEFT, max(8, width // 2 - 6))
    for name, words in rows:
        lead = " " * (len(indent) + left + 2)
        if len(name) > left:
            yield indent + name
            yield from paragraph(words, width, indent=lead)
        else:
            yield from paragraph(words, width, indent=lead, first=f"{indent}{name:<{left}}  ")


def reflowed(page: str, width: int) -> Iterator[str]:
    """A docstring, its paragraphs filled anew. Lines that are indented or follow an indented one keep their breaks;
    those too long hang under their second column."""
    block: list[str] = []

    def filled() -> Iterator[str]:
        if block:
            yield from paragraph(" ".join(block), width)
            block.clear()

    for line in page.splitlines():
        if line and not line.startswith((" ", "* ", "- ")):
            block.append(line)
            continue
        yield from filled()
        if len(line) <= width:
            yield line
        else:
            column = re.match(r"(?:\s*\S(?:.*?\S)?\s{2,}|\s*[*-]\s+|\s*)", line)
            lead = column.end() if column is not None and column.end() < width // 2 else 2
            start = len(line) - len(line.lstrip())
            yield from paragraph(line[start:], width, indent=" " * lead, first=" " * start)
    yield from filled()


def _cause(row: CauseRow, width: int) -> Iterator[str]:
    yield from paragraph(f"{row.code}: {row.title}", width, indent="  ", first="")
    yield from paragraph(f"{row.severity}, {BLAME[row.blame]}", width, indent="  ")
    yield ""
    yield from paragraph(row.meaning, width)
    yield ""
    yield "What to do"
    for number, line in enumerate(row.remedy, 1):
        yield from _remedy(line, f"  {number}. ", width)
    yield ""
    yield "How it is recognised"
    yield from paragraph(row.tells, width, indent="  ")
    yield ""
    yield "Look-alikes, and what tells them apart"
    yield from columns(((other.code, other.by) for other in row.look_alikes), width)
    yield ""
    yield from _origin(row, width)


def _remedy(line: str, lead: str, width: int) -> Iterator[str]:
    """One remedy. Its pieces (alternatives, a comment behind a command) stay whole where they fit a line."""
    indent = " " * len(lead)
    pieces = re.split(r" {3,}", line)
    current = lead + pieces[0]
    for piece in pieces[1:]:
        if len(current) + 3 + len(piece) <= width:
            current += "   " + piece
        else:
            yield from _command(current, indent, width)
            current = indent + piece
    yield from _command(current, indent, width)


def _command(line: str, indent: str, width: int) -> Iterator[str]:
    """A line that is too long breaks behind `|`, `&&` or `;` where it can: a shell reads on there."""
    if len(line) <= width:
        yield line
        return
    current = ""
    for part in re.split(r"(?<=[|;&]) (?=\S)", line):
        if not current:
            current = part
        elif len(current) + 1 + len(part) <= width:
            current += f" {part}"
        else:
            yield from _wrapped(current, indent, width)
            current = f"{indent}  {part}"
    yield from _wrapped(current, indent, width)


def _wrapped(line: str, indent: str, width: int) -> Iterator[str]:
    start = len(line) - len(line.lstrip())
    yield from paragraph(line.lstrip(), width, indent=f"{indent}  ", first=line[:start])


def _code(row: CodeRow, width: int) -> Iterator[str]:
    sentence, _, rest = row.meaning.partition(". ")
    yield from paragraph(f"{row.code}: {sentence.rstrip('.')}.", width, indent="  ", first="")
    if rest:
        yield ""
        yield from paragraph(rest, width)
    yield ""
    yield from columns(_particulars(row), width)
    if row.causes:
        yield ""
        yield "Likely causes, the likeliest first"
        yield from columns(((name, title(name)) for name in row.causes), width)
    if row.reasons:
        yield ""
        yield "How it comes about"
        for reason in row.reasons:
            yield from paragraph(reason, width, indent="    ", first="  - ")
    if row.sub_codes:
        yield ""
        yield "subCode"
        yield from columns(row.sub_codes, width)
    yield ""
    yield from paragraph(row.run_next, width, indent="       ", first="Next:  ")
    yield from _origin(row, width)


def _particulars(row: CodeRow) -> Iterator[tuple[str, str]]:
    yield "area", row.area
    if row.message:
        yield "message", row.message
    for other in row.variants[:3]:
        yield "also seen", other
    documented, observed = (" and ".join(map(str, of)) for of in (row.http_documented, row.http_observed))
    if observed and observed == documented:
        yield "HTTP", f"{observed}, documented and observed"
    elif documented or observed:
        parts = [f"{documented} documented"] * bool(documented) + [f"{observed} observed"] * bool(observed)
        yield "HTTP", ", ".join(parts)
    if row.retry != "no" or row.code not in ("0", "1", "2"):
        yield "retry", RETRY[row.retry]


def _family(found: Family, width: int) -> Iterator[str]:
    count = len(found.causes)
    yield f"{found.name}: {count} cause{'' if count == 1 else 's'}"
    yield ""
    yield from columns(((row.code, row.title) for row in found.causes), width)
    yield ""
    yield from paragraph(f"okxdoctor explain {found.causes[0].code}", width, indent="       ", first="Next:  ")
    yield from paragraph(f"okxdoctor run --only '{found.name}.*'", width, indent="       ")


def _endpoints(found: Endpoints, width: int) -> Iterator[str]:
    for row in found.rows:
        budget = f"{row.limit} {row.unit}{'' if row.limit == 1 else 's'} in {_span(row.per_seconds)}"
        yield from paragraph(f"{row.method} {row.path}: {budget}", width, indent="  ", first="")
        options = f" (options: {row.option_scope})" if row.option_scope else ""
        yield from paragraph(f"counted by {row.scope}{options}", width, indent="  ")
        access = (
            f"must be signed; the key needs the permission {row.permission}" if row.auth else "public, without a key"
        )
        yield from paragraph(access, width, indent="  ")
        if row.note:
            yield from paragraph(row.note, width, indent="  ")
        yield from _origin(row, width)
        yield ""
    yield from paragraph("okxdoctor run --burst --only 'ratelimit.*'", width, indent="       ", first="Next:  ")


def _span(seconds: int) -> str:
    for unit, length in (("day", 86400), ("hour", 3600)):
        if seconds % length == 0:
            count = seconds // length
            return unit if count == 1 else f"{count} {unit}s"
    return f"{seconds} s"


def _matches(found: Matches, width: int) -> Iterator[str]:
    shown = f"the first {len(found.rows)} of {len(found.rows) + found.more}" if found.more else str(len(found.rows))
    yield from paragraph(f"{shown} {found.because}:", width)
    yield ""
    yield from columns(((row.code, _line(row)) for row in found.rows), width)
    yield ""
    yield from paragraph(f"okxdoctor explain {found.rows[0].code}", width, indent="       ", first="Next:  ")


def _line(row: CauseRow | CodeRow) -> str:
    return row.title if isinstance(row, CauseRow) else row.meaning.partition(". ")[0].rstrip(".")


def _origin(row: CauseRow | CodeRow | EndpointRow, width: int) -> Iterator[str]:
    yield from paragraph(f"{row.source} ({GRADE[row.grade]}, {row.seen})", width, indent="       ", first="From:  ")


# ---- data ------------------------------------------------------------------------------------


def _cause_value(row: CauseRow) -> Value:
    return {
        "kind": "cause",
        "code": row.code,
        "severity": row.severity,
        "blame": row.blame,
        "title": row.title,
        "meaning": row.meaning,
        "tells": row.tells,
        "remedy": list(row.remedy),
        "look_alikes": [{"code": other.code, "by": other.by} for other in row.look_alikes],
        "source": row.source,
        "seen": row.seen,
        "grade": row.grade,
    }


def _endpoint_value(row: EndpointRow) -> Value:
    return {
        "kind": "endpoint",
        "method": row.method,
        "path": row.path,
        "limit": row.limit,
        "unit": row.unit,
        "per_seconds": row.per_seconds,
        "scope": row.scope,
        "option_scope": row.option_scope,
        "auth": row.auth,
        "permission": row.permission,
        "note": row.note,
        "source": row.source,
        "seen": row.seen,
        "grade": row.grade,
    }


def _code_value(row: CodeRow) -> Value:
    return {
        "kind": "code",
        "code": row.code,
        "area": row.area,
        "http_documented": list(row.http_documented),
        "http_observed": list(row.http_observed),
        "message": row.message,
        "variants": list(row.variants),
        "meaning": row.meaning,
        "sub_codes": dict(row.sub_codes),
        "causes": list(row.causes),
        "reasons": list(row.reasons),
        "retry": row.retry,
        "run_next": row.run_next,
        "source": row.source,
        "seen": row.seen,
        "grade": row.grade,
    }
