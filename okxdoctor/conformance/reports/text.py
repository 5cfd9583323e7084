"""The result for a reader: the answer in the first line, then each bug with its smallest input."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from okxdoctor.conformance.suite import Result, Tally, input_of
from okxdoctor.conformance.verdict import Found
from okxdoctor.reports.look import Look
from okxdoctor.reports.paint import Brush, folded
from okxdoctor.reports.words import ascii_only, count, cut, duration, one_line


def render(result: Result, look: Look, *, again: str = "") -> str:
    """The whole text. ``again`` is the command that runs the saved cases."""
    brush = Brush(colour=look.colour)
    lines = [_headline(result, brush)]
    if not look.quiet:
        shown = result.found if result.failures or look.verbose else result.found[:5]
        for one in shown:
            lines += ["", *_bug(one, result, look, brush)]
        if result.stderr and result.failures:
            lines += ["", "  the adapter's standard error, last lines"]
            lines += [f"    {cut(one_line(line), look.columns - 4)}" for line in result.stderr.splitlines()[-8:]]
        lines += ["", *_foot(result, look, again)]
    text = "\n".join(line.rstrip() for line in lines) + "\n"
    return text if look.unicode else ascii_only(text)


def _headline(result: Result, brush: Brush) -> str:
    subject = one_line(result.subject)
    failing = len(result.failures)
    if failing:
        kinds = {
            one.failure.code.startswith("adapter.") and one.failure.code not in ("adapter.error", "adapter.reply")
            for one in result.failures
        }
        if kinds == {True}:
            return f"{brush('✗', 'red', 'bold')} {subject}: {one_line(result.failures[0].failure.summary)}"
        return f"{brush('✗', 'red', 'bold')} {subject} does not conform: {count(failing, 'mistake')}"
    if not result.ran:
        why = f" ({', '.join(result.missing)} not supported)" if result.missing else ""
        return f"{brush('!', 'yellow', 'bold')} {subject}: nothing could be run{why}"
    noted = f", {count(len(result.found), 'note')}" if result.found else ""
    said = f"{count(result.ran, 'input')} in {duration(result.elapsed_ms)}{noted}"
    return f"{brush('✓', 'green', 'bold')} {subject} conforms: {said}"


def _bug(one: Found, result: Result, look: Look, brush: Brush) -> Iterator[str]:
    failure = one.failure
    fails = one in result.failures
    mark = brush("✗", "red") if fails else brush("!", "yellow")
    level = "" if failure.level == "must" else " (should)"
    yield f"{mark} {brush(failure.code, 'bold')}{level}"
    yield from folded(one_line(failure.summary), look.columns, "  ")
    if one.case.input:
        which = "smallest failing input" if one.smallest else "failing input"
        source = f", vector {one.case.id}" if one.case.id else ""
        yield f"  {which} ({one.case.op}{source})"
        yield from _input(one, look)
    if failure.compares and failure.compares != "reply":
        yield f"  {failure.compares}"
        yield from _beside(failure.expected, failure.actual, look)
    if one.answer:
        yield f"  answer      {cut(one_line(one.answer), look.columns - 14)}"
    if failure.code != "adapter.command":
        yield f"  {brush('more', 'dim')}        okxdoctor explain {failure.code}"


def _input(one: Found, look: Look) -> Iterator[str]:
    given = input_of(one.case)
    longest = max(map(len, given))
    for name, value in given.items():
        text = value if name == "body_json" and value is not None else json.dumps(value, ensure_ascii=False)
        yield f"    {name:<{longest}}  {cut(one_line(text), look.columns - longest - 6)}"


def _beside(expected: str, actual: str, look: Look) -> Iterator[str]:
    """Both texts under each other, cut around the first difference, and a mark under it."""
    first, second = (_visible(text) for text in (expected, actual))
    room = max(20, look.columns - 14)
    at = next((i for i, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), min(len(first), len(second)))
    start = (
        0 if max(len(first), len(second)) <= room else max(0, min(at - room // 3, max(len(first), len(second)) - room))
    )
    for name, text in (("expected", first), ("actual", second)):
        head = "…" if start else ""
        yield f"    {name:<8}  {cut(head + text[start + len(head) :], room)}"
    if first != second:
        yield f"    {'':<8}  {' ' * (at - start)}^"


def _visible(text: str) -> str:
    return json.dumps(text, ensure_ascii=False) if text != one_line(text) else text


def _foot(result: Result, look: Look, again: str) -> Iterator[str]:
    for tally in result.tallies:
        yield f"  {tally.op:<15} {_tally(tally)}"
    for op in result.missing:
        yield f"  {op:<15} not supported by the adapter"
    if result.seed is not None and any(tally.searched for tally in result.tallies):
        yield f"  seed            {result.seed}"
    for note in result.notes:
        yield from folded(note, look.columns, "  ")
    if again:
        yield f"  run it again    {again}"


def _tally(tally: Tally) -> str:
    parts: Sequence[str] = [
        count(tally.vectors, "vector"),
        f"{tally.searched} searched" if tally.searched else "",
        f"{tally.skipped} skipped ({one_line(tally.why_skipped)[:60]})" if tally.skipped else "",
    ]
    return ", ".join(part for part in parts if part)
