"""A short text that a person wrote, such as a ticket: codes named in passing, and what is told beside them.

A log speaks in forms; a person says "50113 on every POST". So a number counts here where the sentence gives it as an
answer. What works and what does not reorders the causes of the failures that the text names, or is a failure of its
own. Nothing that is told makes a cause more than possible.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from okxdoctor.knowledge.code_table import codes
from okxdoctor.knowledge.log_marks import log_marks
from okxdoctor.knowledge.told import Differential, fails, matching, observe
from okxdoctor.triage.logs.gather import Gathered, Group, Place
from okxdoctor.triage.logs.signals import Signal, concerns_okx, of_code, signals, with_parameter
from okxdoctor.triage.logs.times import Clock

_NUMBER = re.compile(r"(?<![A-Za-z0-9_.,$€=+-])(?:[4-7]\d{4}|[45]\d\d)(?![A-Za-z0-9_%]|[.,:]\d)")
_CLOSES = re.compile(r"(?<![A-Za-z0-9_.])(1\d{3}) (?:errors?|closes?|disconnects?)\b", re.IGNORECASE)
_NAME = re.compile(r"\b[a-z]+[A-Z]?[A-Za-z]+\b|\b(?:px|sz)\b")
_OWN = ("500", "501", "60", "63", "64")
"""How codes begin that no price, size or row of a table is likely to be: of requests, keys and WebSockets."""
_FIVE = re.compile(r"(?<![A-Za-z0-9_.])[56]\d{4}(?![A-Za-z0-9_])")
_WORD_BEFORE = re.compile(r"([A-Za-z]+|[\u3400-\u9fff]|[(/:,;.]|\A)[\s\"'“‘(]*\Z")
_PROGRAM = re.compile(
    r"\A\W{0,3}(?:DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|CRITICAL|FATAL|TRACE)\b"
    r"|\A\s{0,9}(?:[{<]|File \"|Traceback\b|at [\w.$]+\()|\A(?:level|time|ts)="
)
"""How lines of programs begin that carry no time."""
_COMMAS = re.compile(r"\s?[,;/]\s?")
LONGEST_LIST = 400
LONGEST_PART = 48
_WORD_BEHIND = re.compile(r"\A[\s\"'”’)]*([A-Za-z]+)")


def read_said(name: str, text: str, gathered: Gathered, *, year: int) -> None:
    """The failures that a short text tells in words, added to those that its lines told. `text` is the whole file; its
    lines with a time, or that begin as programs write them, are left to the reading of logs."""
    clock = Clock(year)
    kept = [
        (number, line)
        for number, line in enumerate(text.splitlines(), 1)
        if line.strip() and clock.of(line) is None and not _PROGRAM.match(line)
    ]
    about = {concerns_okx(line) for _, line in kept}
    if not kept or (False in about and True not in about):
        return
    text = "\n".join(line for _, line in kept)
    observed = observe(text)
    known = {group.signal.name for group in gathered.groups.values()}
    for number, line in kept:
        place = Place(file=name, line=number, moment=None, zoned=False)
        named = [signal for signal in _named(line, okx=True in about, failing=fails(line)) if signal.name not in known]
        if not named and True in about and not any(not group.signal.generic for group in _of(name, gathered)):
            # What stands in the words of a program was found with the lines; a person has words of his own for it.
            named = [signal for signal in signals(line, told=True) if signal.kind in ("text", "code")]
        named = named or [signal for signal in _listed(line) if signal.name not in known]
        for signal in named:
            # One of several that are named in a breath is not sure to be the one that counts.
            gathered.note(replace(signal, sure=len(named) == 1), place, line)
    groups = _of(name, gathered)
    rows = list(matching(observed))
    # A number that may be a code would tell more than the contrast: then nothing is made of the contrast alone.
    coded = any(_FIVE.search(line) for _, line in kept)
    # A log that was given before the ticket holds the failure that the ticket tells about.
    if (
        not _told_of(list(gathered.groups.values()), rows)
        and not coded
        and all(group.signal.generic for group in groups)
    ):
        for row in rows:
            if not row.within and (True in about or (row.works and row.fails)):
                place = Place(file=name, line=kept[0][0], moment=None, zoned=False)
                gathered.note(Signal("told", row.says, row.causes, sure=False), place, kept[0][1])
                break


def _listed(line: str) -> list[Signal]:
    """The texts of a list of errors: "ETIMEDOUT, ECONNRESET / no route to host". A line gives only its longest one."""
    parts = _COMMAS.split(line[:LONGEST_LIST])
    if len(parts) < 3 or any(len(part) > LONGEST_PART for part in parts):
        return []
    found = [signal for part in parts for signal in signals(part, told=True) if signal.kind == "text"]
    return list({signal.name: signal for signal in found if not signal.generic}.values())


def _of(name: str, gathered: Gathered) -> list[Group]:
    return [group for group in gathered.groups.values() if group.first.file == name]


def _told_of(groups: Sequence[Group], rows: Sequence[Differential]) -> bool:
    """Puts the causes first that fit what is told; the most telling row counts. False where none fits."""
    fits = False
    for group in groups:
        row = next((row for row in rows if row.within and _within(row, group.signal)), None)
        if row is None or group.decided is not None:
            continue
        fits = True
        causes = tuple(dict.fromkeys((*row.causes, *group.signal.causes)))
        says = f"{group.signal.says} Told besides: {row.says}.".strip()
        group.signal = replace(group.signal, causes=causes, says=says)
    return fits


def _within(row: Differential, signal: Signal) -> bool:
    if signal.name in row.within or (signal.causes and signal.causes[0] in row.within):
        return True
    # Codes that share their text are one failure with the text for a name.
    return any(known.message == signal.name for one in row.within if (known := codes().get(one)) is not None)


def _named(line: str, *, okx: bool, failing: bool) -> Iterator[Signal]:
    """Codes, statuses and closes that a sentence gives as what was answered."""
    marks = log_marks()
    parameter = next((one for one in _NAME.findall(line) if one in marks.parameters), None)
    for number in _CLOSES.findall(line) if okx else ():
        if (causes := marks.closes.get(number)) is not None:
            yield Signal("close", number, causes, f"the WebSocket was closed with {number}")
    for hit in _NUMBER.finditer(line):
        before = _WORD_BEFORE.search(line[max(0, hit.start() - 40) : hit.start()])
        after = _WORD_BEHIND.search(line[hit.end() : hit.end() + 40])
        word, behind = before[1].lower() if before else "-", after[1].lower() if after else ""
        answered = word in marks.answering
        if behind in marks.units or not (answered or word in marks.naming):
            continue
        if len(hit[0]) == 3:
            causes = marks.statuses.get(hit[0])
            goes_on = not behind or behind in marks.going_on
            if causes is not None and okx and goes_on and (answered or behind in ("error", "errors")):
                yield Signal("status", f"HTTP {hit[0]}", causes, f"answered with HTTP {hit[0]}")
        elif (answered or failing or hit[0].startswith(_OWN)) and (signal := of_code(hit[0])) and signal.causes:
            yield signal if parameter is None else with_parameter(signal, parameter)
