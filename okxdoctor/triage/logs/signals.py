"""Failures in one line of a log: codes of OKX, HTTP statuses, WebSocket closes, texts of libraries.

A number is a code only where the line says so: beside the word code, in an answer's JSON, behind an error's name. A
price of 51008 is none. What a line says of another exchange or another host is not OKX's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise

from okxdoctor.knowledge.code_table import CodeRow, code, codes
from okxdoctor.knowledge.log_marks import log_marks
from okxdoctor.knowledge.messages import in_logs
from okxdoctor.knowledge.words import words as words_of

_OKX = ("okx", "okex", "欧易", "/api/v5/", "/ws/v5/", "ok-access", '"scode"', "'scode'", "scode=")
_HOST = re.compile(r"(?:https?|wss?)://([a-z0-9.-]+)|\bhost[= ]['\"]?([a-z0-9-]+(?:\.[a-z0-9-]+)+)", re.IGNORECASE)
_OURS = re.compile(r"(^|\.)(okx|okex)\.(com|cab|test)$|^(localhost|127\.|0\.0\.0\.0|\[?::1)")

# Every repetition has a bound: a log may hold a line of sixteen thousand blanks behind the word error.
_MEMBER = re.compile(
    r"""(?P<name>\b(?:s|sub|ret|error_?|err_?|okx_?)?code)(?P<quote>\\{0,8}["']?)"""
    r"""(?:\s{0,3}(?:[:=]|\bis\b)\s{0,3}|\s{1,3}(?=[5-7]\d{4}\b))\\{0,8}["']?"""
    r"""(?P<number>-?\d{1,6})(?P<close>["']?)(?!\.?\d|\w)""",
    re.IGNORECASE,
)
_BEHIND = re.compile(
    r"\b(?:error|err|errno|exception|fail(?:s|ed|ure)?|rejected|refused|reason|reject)\b(?:\s\w{1,20}){0,3}?"
    r"(?:\s{0,3}[:=#(\[]\s{0,3}|\s{1,3})([5-7]\d{4})(?!\.?\d|\w)",
    re.IGNORECASE,
)
_BEFORE = re.compile(
    r"(?<![\w.-])([5-7]\d{4})(?!\.?\d|\w)\s{0,3}[:\])\-,]?\s{0,3}[(]?[\"']?\s{0,3}([A-Z][A-Za-z' -]{5,60})"
)
# The answer of OKX's gateway with its code as a bare number: whoever compares it with a text does not see it.
_AS_NUMBER = re.compile(r"""\{["']msg["']: ?["'][^"']{0,200}["'], ?["']code["']: ?\d{5}[,}]""")
_TYPE = "schema.type-changed"
_PARAMETER = re.compile(r"\bparameter\s[\"']?([A-Za-z]{2,20})\b", re.IGNORECASE)
_PARAMETER_ERROR = re.compile(r"\bParameter [\"']?[A-Za-z]{2,20}[\"']?\s{1,3}error\b")
_NAMING = ("51000", "50014")
_STATUS = re.compile(
    r"""(?:\bHTTP/\d(?:\.\d)?["']?\s{1,3}|\bstatus(?:_?code)?["']?(?:\s{1,3}is)?\s{0,3}[:=(]?\s{0,3}["']?|\bresponse\s{0,3}\["""
    r"""|\bcode["']?\s{0,3}[:=]\s{0,3}["']?|\bHTTP(?:[ _]?(?:error|code|status))?\s{0,3}[:=]?\s{1,3}"""
    r"""|\bserver response:?\s{1,3}|\brejected websocket connection: http\s{1,3})([345]\d\d)(?!\.?\d|\w)""",
    re.IGNORECASE,
)
_CLIENT_ERROR = re.compile(r"(?<![\d.])([45]\d\d)(?: (?:client|server) error\b|,\s*message=)", re.IGNORECASE)
_CLOSE = re.compile(
    r"\b(?:clos(?:e|ed|ing)|disconnect(?:ed)?|received|sent|code|ws|websocket|rcvd|sent)\b[^0-9\n]{0,24}?"
    r"(?<![\d.])(1001|1006|1009|1011|1012|1013|40(?:0\d|88))(?!\.?\d|\w)",
    re.IGNORECASE,
)
_SOCKET = re.compile(r"\bwss?\b|socket|connection|clos|disconnect", re.IGNORECASE)
_FAILURE = re.compile(
    r"error|exception|fail|warn|refus|reject|denied|\bs?msg\b|invalid|expired|incorrect|critical|fatal|okx|okex",
    re.IGNORECASE,
)
MOST_WORDS = 400
# Looked for first, because they are cheap: a line without such a number needs no closer look.
_MAYBE_CODE = re.compile(r"(?<![\d.])[4-7]\d{4}(?!\.?\d)")
_MAYBE_CLOSE = re.compile(r"(?<![\d.])(?:10(?:0[169]|1[123])|40\d\d)(?!\.?\d)")
_MAYBE_STATUS = re.compile(r"(?<![\d.,])[345]\d\d(?!\.?\d)")
_PLACEHOLDER = re.compile(r"\{[^}]*\}")
_BLANKS = {ord(c): " " for c in map(chr, range(128)) if not c.isalnum()} | {ord("'"): None}


@dataclass(frozen=True, slots=True)
class Signal:
    """One failure: `kind` code, status, close, text, told; `name` what a report calls it; `causes` likeliest first."""

    kind: str
    name: str
    causes: tuple[str, ...]
    says: str = ""
    generic: bool = False
    about: str = ""
    """The parameter that the message names: a failure of its own beside those of other parameters."""
    sure: bool = True
    """Whether its only cause, where it has but one, may be named for it."""

    @property
    def key(self) -> tuple[str, str]:
        return self.kind, f"{self.name} {self.about}".rstrip()


def concerns_okx(text: str) -> bool | None:
    """True where the line names OKX, False where it names another exchange or host, None where it names nobody."""
    lower = text.lower()
    if any(name in lower for name in _OKX):
        return True
    if "://" in lower or "host" in lower:
        for hit in _HOST.finditer(lower):
            if not _OURS.search(hit[1] or hit[2]):
                return False
    return False if any(name in lower for name in log_marks().other_venues) else None


def signals(text: str, *, told: bool = False) -> Iterator[Signal]:
    """The failures that a line tells. A code says more than the status or the text beside it.

    `told`: a person wrote it, whose words are no routine of a program's.
    """
    lower = text.lower()
    found = list(dict.fromkeys(_codes(text, lower)))
    if not found and _MAYBE_CLOSE.search(text):
        found = list(dict.fromkeys(_closes(text)))
    if not found:
        named = _texts(lower, told=told)
        if named is not None and named.kind == "text":
            named = _with_address(named, lower)
        found = [named] if named is not None else []
        if (named is None or named.generic) and _MAYBE_STATUS.search(text):
            found = list(dict.fromkeys(_statuses(text))) or found
    yield from found


# ---- codes ---------------------------------------------------------------------------------------------------------


def _codes(text: str, lower: str) -> Iterator[Signal]:
    if "code" not in lower and not _MAYBE_CODE.search(text) and "Parameter" not in text:
        return
    of_items: list[str] = []
    of_all: list[str] = []
    whole = ""
    for hit in _MEMBER.finditer(text):
        number, name = hit["number"], hit["name"].lower()
        if name == "scode":
            of_items.append(number)
        elif name == "subcode":
            continue
        elif number in ("1", "2"):
            # Only in an answer's own form; `exit code=1` is something else.
            whole = number if hit["quote"] and re.search(r"\b(data|msg)\b", text) else whole
        elif hit["close"] or hit["quote"].strip("\\") or _FAILURE.search(text):
            # Without quotes it may be any code: of a country, of a process.
            of_all.append(number)
    refused = [number for number in of_items if number not in ("0", "")]
    numbers = refused or of_all
    if not numbers and _FAILURE.search(text):
        numbers = _BEHIND.findall(text)
    if not numbers and _PARAMETER_ERROR.search(text):
        numbers = ["51000"]
    if not numbers:
        # The words of the message behind the number are evidence of their own.
        numbers = [number for number, said in _BEFORE.findall(text) if _says(number, said)]
    named = [signal for number in dict.fromkeys(numbers) if (signal := of_code(number)) is not None]
    parameter = _PARAMETER.search(text) if named else None
    if parameter is not None and parameter[1] in log_marks().parameters:
        named = [with_parameter(one, parameter[1]) for one in named]
    if named and _AS_NUMBER.search(text):
        named = [replace(one, causes=(*one.causes, _TYPE)) if len(one.causes) > 1 else one for one in named]
    yield from named
    if not named and whole and not of_items:
        yield Signal(
            "code", whole, (), "the request, or a part of it, was refused; the codes of its items are not in the log"
        )


def with_parameter(signal: Signal, parameter: str) -> Signal:
    """The same failure with the causes behind the parameter that it names, where its code names one."""
    if signal.name not in _NAMING:
        return signal
    causes = log_marks().parameters[parameter]
    return replace(signal, causes=causes, about=parameter, says=f"{signal.says} Here: {parameter}.")


def of_code(number: str) -> Signal | None:
    """The failure that a number stands for; None where no code of OKX looks like it."""
    if not re.fullmatch(r"[4-7]\d{4}|4088", number):
        return None
    try:
        row = code(number)
    except KeyError:
        return Signal("code", number, (), "a code that is not known here") if number[0] in "567" else None
    return _signal(row)


def _signal(row: CodeRow) -> Signal:
    return Signal("code", row.code, row.causes, row.meaning)


def _says(number: str, said: str) -> bool:
    """Whether the words behind a bare number are the message of that code."""
    try:
        row = code(number)
    except KeyError:
        return False
    words = set(words_of(said))
    return any(len(words & set(words_of(text))) >= 2 for text in (row.message, *row.variants))


# ---- closes and statuses -------------------------------------------------------------------------------------------


def _closes(text: str) -> Iterator[Signal]:
    if not _SOCKET.search(text):
        return
    for number in _CLOSE.findall(text):
        causes = log_marks().closes.get(number)
        if causes is not None:
            yield Signal("close", number, causes, f"the WebSocket was closed with {number}")
            continue
        try:
            row = code(number)
        except KeyError:
            continue
        if row.area == "close":
            yield Signal("close", number, row.causes, row.meaning)


def _statuses(text: str) -> Iterator[Signal]:
    for pattern in (_STATUS, _CLIENT_ERROR):
        for number in pattern.findall(text):
            if number in log_marks().statuses:
                causes = log_marks().statuses[number]
                yield Signal(
                    "status", f"HTTP {number}", causes, f"answered with HTTP {number}, without a code of OKX beside it"
                )


# ---- texts ---------------------------------------------------------------------------------------------------------

_ADDRESS = re.compile(r"\b([a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,6})(?::(\d{2,5})\b)?")
_LEGACY_PORT_OF_NOBODY = re.compile(r"(?<![a-z0-9.\]]):8443\b")
_PLACES = ("dns.", "tcp.", "tls.", "ws.", "http.")


def _with_address(signal: Signal, lower: str) -> Signal:
    """The address in the line says more than the text: a name that OKX has given up, the port that ends."""
    if not signal.causes or not signal.causes[0].startswith(_PLACES) or not ("okex" in lower or ":8443" in lower):
        return signal
    from okxdoctor.knowledge.host_table import hosts

    table = hosts()
    first = []
    for hit in _ADDRESS.finditer(lower):
        if table.retirement(hit[1]) is not None:
            first.append("dns.retired-name")
        if hit[2] == str(table.legacy_ws_port.port) and any(one.startswith(("tcp.", "ws.")) for one in signal.causes):
            first.append("tcp.port-8443-closed")
    if not first and _LEGACY_PORT_OF_NOBODY.search(lower) and signal.causes[0].startswith(("tcp.", "dns.")):
        first.append("tcp.port-8443-closed")  # a host that was cut from the line, its port left
    return replace(signal, causes=tuple(dict.fromkeys((*first, *signal.causes)))) if first else signal


Phrase = tuple[tuple[str, ...], int, Signal]
"""The words between blanks, in the parts that a gap leaves, how many they are, and what they stand for."""
GAP = "…"
"""In a phrase: any words between."""


def _texts(lower: str, *, told: bool) -> Signal | None:
    """What the longest known phrase in the line stands for, the one of most parts first; one that only wraps a failure
    counts last."""
    lower = lower.replace("apikey", "api key")
    words = (lower.translate(_BLANKS).split() if lower.isascii() else words_of(lower))[:MOST_WORDS]
    ones, pairs = _phrases(told)
    begins = [ones[word] for word in words if word in ones]
    begins += [pairs[pair] for pair in pairwise(words) if pair in pairs]
    if not begins:
        return None
    text = f" {' '.join(words)} "
    best: tuple[bool, int, int] = (False, 0, 0)
    found: Signal | None = None
    for phrases in begins:
        for parts, length, signal in phrases:
            worth = (not signal.generic, len(parts), length)
            if worth > best and _stands(parts, text):
                best, found = worth, signal
    return found


def _stands(parts: tuple[str, ...], text: str) -> bool:
    """Whether the parts of a phrase stand in the text, in their order."""
    at = 0
    for part in parts:
        at = text.find(part, at)
        if at < 0:
            return False
        at += len(part) - 1
    return True


@cache
def _phrases(told: bool) -> tuple[dict[str, tuple[Phrase, ...]], dict[tuple[str, str], tuple[Phrase, ...]]]:
    """Symptoms of libraries and messages of OKX: those that begin with a single word by it, the others by two."""
    from okxdoctor.knowledge import store

    marks = log_marks()
    found: dict[tuple[str, ...], list[Phrase]] = {}
    for row in store.from_toml("symptoms.toml")["symptom"]:
        for text in row["phrases"]:
            if text not in marks.not_in_logs or (told and text in marks.told):
                parts = tuple(words_of(part) for part in text.split(GAP))
                signal = Signal("text", row["phrases"][0], tuple(row["causes"]), "", text in marks.generic)
                found.setdefault(parts[0][:2], []).append((_spaced(parts), sum(map(len, parts)), signal))
    for parts, rows in _messages().items():
        names = tuple(dict.fromkeys(cause for row in rows for cause in row.causes))
        single = _signal(rows[0]) if len(rows) == 1 else Signal("text", rows[0].message, names, rows[0].meaning)
        found.setdefault(parts[0][:2], []).append((_spaced(parts), sum(map(len, parts)), single))
    return (
        {head[0]: tuple(phrases) for head, phrases in found.items() if len(head) == 1},
        {(head[0], head[1]): tuple(phrases) for head, phrases in found.items() if len(head) == 2},
    )


def _spaced(parts: tuple[tuple[str, ...], ...]) -> tuple[str, ...]:
    return tuple(f" {' '.join(part)} " for part in parts)


def _messages() -> dict[tuple[tuple[str, ...], ...], list[CodeRow]]:
    """Messages of OKX that are telling enough to be known without their code: of codes with a cause, three words or
    more (four around a placeholder), or of the area of keys and signatures."""
    found: dict[tuple[tuple[str, ...], ...], list[CodeRow]] = {}
    for row in codes().values():
        for text in (row.message, *row.variants, *in_logs().get(row.code, ())):
            parts = tuple(part for piece in _PLACEHOLDER.split(text) if (part := words_of(piece)))
            length = sum(map(len, parts))
            telling = length >= (3 if len(parts) == 1 else 4) or (row.area == "auth" and length == 2)
            if row.causes and telling and row.area != "close":
                found.setdefault(parts, []).append(row)
    return found
