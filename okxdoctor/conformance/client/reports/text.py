"""The outcome for a reader: the answer first, then every requirement that is missed, with the lines that prove it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from okxdoctor.conformance.client.reports.lines import proof, redactor
from okxdoctor.conformance.client.suite import Graded, Outcome
from okxdoctor.reports.look import Look
from okxdoctor.reports.paint import Brush, folded
from okxdoctor.reports.words import ascii_only, count, cut, duration, one_line


def render(outcome: Outcome, look: Look) -> str:
    brush = Brush(colour=look.colour)
    lines = [*_headline(outcome, brush, look)]
    if not look.quiet:
        for level in ("must", "should"):
            for one in outcome.graded:
                if one.grade.verdict == "failed" and one.case.level == level:
                    lines += ["", *_failed(one, outcome, look, brush)]
        lines += ["", *_areas(outcome)]
        if look.verbose:
            lines += ["", *_all(outcome, look)]
        lines += ["", *_foot(outcome, look)]
    text = "\n".join(line.rstrip() for line in lines) + "\n"
    return text if look.unicode else ascii_only(text)


def _name(outcome: Outcome) -> str:
    return cut(one_line(redactor(outcome.known).text(shlex.join(outcome.command))), 60)


def _headline(outcome: Outcome, brush: Brush, look: Look) -> Iterator[str]:
    musts = sum(one.grade.verdict == "failed" and one.case.level == "must" for one in outcome.graded)
    shoulds = outcome.count("failed") - musts
    ran = outcome.count("passed") + outcome.count("failed")
    name = _name(outcome)
    if not outcome.reached:
        head = f"{brush('!', 'yellow', 'bold')} {name}: nothing could be graded"
    elif musts or shoulds:
        mark = brush("✗", "red", "bold") if musts else brush("!", "yellow", "bold")
        missed = " and ".join(
            text for number, text in ((musts, f"{musts} that must hold"), (shoulds, f"{shoulds} that should")) if number
        )
        head = f"{mark} {name} misses {missed}, of {ran} requirements that it exercised"
    else:
        head = f"{brush('✓', 'green', 'bold')} {name} meets all of the {ran} requirements that it exercised"
    yield from folded(head, look.columns + (len(head) - len(_plain(head))), "", "  ")
    for said in (*outcome.said, *(["interrupted: what was seen until then is graded"] if outcome.interrupted else [])):
        yield from folded(one_line(said), look.columns, "  ")


def _plain(text: str) -> str:
    import re

    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def _failed(one: Graded, outcome: Outcome, look: Look, brush: Brush) -> Iterator[str]:
    must = one.case.level == "must"
    mark = brush("✗", "red") if must else brush("!", "yellow")
    yield f"{mark} {brush(one.case.id, 'bold')}{'' if must else ' (should)'}"
    clean = redactor(outcome.known)
    yield from folded(one.case.requirement, look.columns, "  ")
    yield from folded(one_line(clean.text(one.grade.says)), look.columns, "  seen    ")
    where = one.grade.proof.round if one.grade.proof is not None else ""
    for number, line in enumerate(proof(outcome, one.grade)):
        yield f"  {'wire' if number == 0 else '':<6}  {cut(line, look.columns - 10)}"
    yield from folded(
        f"{one.case.source} ({one.case.grade})" + (f"; round {where}" if where else ""), look.columns, "  source  "
    )


def _areas(outcome: Outcome) -> Iterator[str]:
    areas = list(dict.fromkeys(one.case.area for one in outcome.graded))
    yield f"  {'area':<12} {'passed':>7} {'failed':>7} {'not exercised':>14}"
    rows = [(area, [one for one in outcome.graded if one.case.area == area]) for area in areas]
    for name, graded in [*rows, ("all", list(outcome.graded))]:
        numbers = [
            sum(one.grade.verdict == verdict for one in graded) for verdict in ("passed", "failed", "not exercised")
        ]
        yield f"  {name:<12} {numbers[0]:>7} {numbers[1] or '':>7} {numbers[2] or '':>14}"


def _all(outcome: Outcome, look: Look) -> Iterator[str]:
    clean = redactor(outcome.known)
    for one in outcome.graded:
        mark = {"passed": "✓", "failed": "✗", "not exercised": "–"}[one.grade.verdict]
        said = f": {one_line(clean.text(one.grade.says))}" if one.grade.says else ""
        yield from folded(f"{one.case.id}{said}", look.columns, f"  {mark} ", "      ")


def _foot(outcome: Outcome, look: Look) -> Iterator[str]:
    yield f"  {count(len(outcome.traces), 'round')} in {duration(outcome.elapsed_ms)}, seed {outcome.seed}"
    for defect in outcome.defects[:5]:
        yield from folded(one_line(f"a defect of okxdoctor: {defect}"), look.columns, "  ")
    if outcome.count("failed"):
        yield "  more of one: okxdoctor conform client --only ID --verbose -- COMMAND"
