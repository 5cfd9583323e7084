"""The words of a command line, as a POSIX shell, cmd.exe or PowerShell would hand them to curl."""

from __future__ import annotations

import re

_ANSI = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "e": "\x1b", "E": "\x1b", "f": "\f", "v": "\v",
         "\\": "\\", "'": "'", '"': '"', "?": "?"}  # fmt: skip
_CODED = re.compile(r"x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8})|([0-7]{1,3})")
_CURL_WORD = re.compile(r"(?:.*[/\\])?curl(?:\.exe)?$")


def commands(source: str) -> list[list[str]]:
    """The words after each `curl`, as a POSIX shell splits them. Variables stay as they stand: nobody knows them."""
    if '^"' in source:  # cmd.exe as browsers copy for it: a caret before whatever it would read otherwise
        source = re.sub(r"\^(?:\r?\n[ \t]*|(.))", lambda hit: hit[1] or " ", source)
    source = re.sub(r"\^[ \t]*\r?\n", " ", source)  # cmd.exe's continuation; other shells do not end a line with it
    source = re.sub(r"`[ \t]*\r?\n", " ", source)  # that of PowerShell
    found: list[list[str]] = []
    words: list[str] | None = None
    for word, ends in _words(source):
        if word is not None:
            if words is None:
                words = [] if _CURL_WORD.fullmatch(word) else None
            else:
                words.append(word)
        if ends and words is not None:
            found.append(words)
            words = None
    if words is not None:
        found.append(words)
    return found


def _words(source: str) -> list[tuple[str | None, bool]]:
    """(word, whether the command ends after it). An open quote runs to the end, as a cut copy has it."""
    found: list[tuple[str | None, bool]] = []
    piece: list[str] | None = None
    i, end = 0, len(source)

    def finish(ends: bool) -> None:
        nonlocal piece
        found.append(("".join(piece) if piece is not None else None, ends))
        piece = None

    while i < end:
        c = source[i]
        if c == "\\":
            following = source[i + 1 : i + 3]
            if following[:1] == "\n":
                i += 2
                continue
            if following == "\r\n":
                i += 3
                continue
            piece = piece if piece is not None else []
            piece.append(following[:1])
            i += 2
        elif c == "'" or source.startswith("$'", i):
            ansi = c == "$"
            text, i = _single(source, i + 1 + ansi, ansi)
            piece = piece if piece is not None else []
            piece.append(text)
        elif c == '"' or source.startswith('$"', i):
            text, i = _double(source, i + (2 if c == "$" else 1))
            piece = piece if piece is not None else []
            piece.append(text)
        elif c in " \t":
            if piece is not None:
                finish(False)
            i += 1
        elif c in "\r\n;|&<>()":
            # An unquoted & between the letters of an address is a common slip: the shell ends the command there too.
            finish(True)
            i += 1
        elif c == "#" and piece is None:
            newline = source.find("\n", i)
            i = end if newline < 0 else newline
        else:
            piece = piece if piece is not None else []
            piece.append(c)
            i += 1
    if piece is not None:
        finish(False)
    return found


def _single(source: str, start: int, ansi: bool) -> tuple[str, int]:
    if not ansi:
        close = source.find("'", start)
        return (source[start:], len(source)) if close < 0 else (source[start:close], close + 1)
    made: list[str] = []
    i = start
    while i < len(source) and source[i] != "'":
        if source[i] != "\\" or i + 1 >= len(source):
            made.append(source[i])
            i += 1
            continue
        coded = _CODED.match(source, i + 1)
        if coded is not None:
            value = int(coded[1] or coded[2] or coded[3] or coded[4], 8 if coded[4] else 16)
            is_byte = coded[1] is not None or coded[4] is not None
            made.append(_character(value & 255 if is_byte else value, is_byte))
            i = coded.end()
        else:
            made.append(_ANSI.get(source[i + 1], "\\" + source[i + 1]))
            i += 2
    return _joined_bytes("".join(made)), i + 1


def _character(value: int, is_byte: bool) -> str:
    if is_byte and value >= 0x80:
        return chr(0xDC00 + value)  # a raw byte, as `surrogateescape` writes it
    return chr(value) if value <= 0x10FFFF else "\ufffd"


def _joined_bytes(text: str) -> str:
    r"""`$'\xc3\xa9'` is one character written as two bytes."""
    if not any("\udc80" <= c <= "\udcff" for c in text):
        return text
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text


def _double(source: str, start: int) -> tuple[str, int]:
    made: list[str] = []
    i = start
    while i < len(source) and source[i] != '"':
        if source[i] == "\\" and i + 1 < len(source):
            following = source[i + 1]
            if following == "\n":
                i += 2
                continue
            made.append(following if following in '$`"\\' else "\\" + following)
            i += 2
        else:
            made.append(source[i])
            i += 1
    return "".join(made), i + 1
