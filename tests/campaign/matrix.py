"""Results of many worlds: counts, the confusion of injected and named causes, and both as text and Markdown."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from expectations import FIRST_RIGHT, LAYERS, Judgement, Seen, expected, families
from sight import HIDDEN, STAND_INS
from together import NEVER, why_never
from worlds import EXTRA, KINDS, World, _valued, catalogue

NOBODY = "(nothing)"
"""Stands for no cause: injected in a healthy world, named in an empty diagnosis."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One world, what was seen in it, and whether that was right."""

    world: World
    seen: Seen
    judgement: Judgement

    @property
    def injected(self) -> str:
        """The cause that should stand first; of two that may, the one that was named, else the one nearer to us."""
        wanted = expected(self.world.wrong).first & {each.cause for each in self.world.wrong}
        if not wanted:
            return NOBODY
        if self.named in wanted:
            return self.named
        return min(wanted, key=lambda code: (LAYERS.index(families(code)), code))

    @property
    def named(self) -> str:
        return self.seen.roots[0] if self.seen.roots else NOBODY


def confusion(results: Iterable[Result]) -> dict[str, Counter[str]]:
    """Injected cause -> how often each cause was named first."""
    rows: dict[str, Counter[str]] = {}
    for result in results:
        rows.setdefault(result.injected, Counter())[result.named] += 1
    return dict(sorted(rows.items(), key=lambda row: _place(row[0])))


def _place(code: str) -> tuple[int, str]:
    return (-1 if code == NOBODY else LAYERS.index(families(code)), code)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """One line for a kind of worlds."""

    kind: str
    worlds: int
    first_right: int
    count: Counter[Judgement]
    seconds: float


def tally(kind: str, results: Sequence[Result]) -> Tally:
    count = Counter(result.judgement for result in results)
    return Tally(
        kind=kind,
        worlds=len(results),
        first_right=sum(times for judgement, times in count.items() if judgement in FIRST_RIGHT),
        count=count,
        seconds=median(result.seen.elapsed_s for result in results) if results else 0.0,
    )


def tallies(results: Sequence[Result]) -> list[Tally]:
    """One for each kind; those of the main kinds together; behind it those that are reported apart."""
    found = {kind: tally(kind, [r for r in results if r.world.kind == kind]) for kind in KINDS}
    main = [r for r in results if r.world.kind not in EXTRA]
    whole = [tally("all", main)] if main else []
    return [
        *(found[kind] for kind in KINDS if kind not in EXTRA and found[kind].worlds), *whole,
        *(found[kind] for kind in EXTRA if found[kind].worlds),
    ]  # fmt: skip


HEADS = (
    "worlds", "n", "right first", "whole right", "one missing", "something else beside", "wrong first", "unknown",
    "not met", "false alarms", "blind", "broken", "median s",
)  # fmt: skip


def _cells(row: Tally) -> tuple[str, ...]:
    share = f"{row.first_right} ({row.first_right / row.worlds:.2%})" if row.worlds else "0"
    order: tuple[Judgement, ...] = (
        "right", "half", "stray", "wrong", "unknown", "passed", "false-alarm", "blind", "defect",
    )  # fmt: skip
    return (row.kind, str(row.worlds), share, *(str(row.count[each]) for each in order), f"{row.seconds:.2f}")


def missteps(results: Iterable[Result]) -> list[Result]:
    """Everything that is not right in whole, the worst first."""
    order = ("defect", "false-alarm", "unknown", "wrong", "stray", "blind", "half")
    odd = [result for result in results if result.judgement not in ("right", "passed")]
    return sorted(odd, key=lambda r: (order.index(r.judgement), r.world.kind, r.world.index))


def told(result: Result) -> str:
    """One misstep in one line, with the way to have it again."""
    seen = result.seen
    roots = ", ".join(
        root + (f" (explains {', '.join(under)})" if under else "")
        for root, under in zip(seen.roots, seen.explained, strict=True)
    )
    extra = f"; broken: {', '.join(seen.broken)}" if seen.broken else ""
    extra += f"; inconclusive: {', '.join(seen.inconclusive)}" if seen.inconclusive else ""
    return f"{result.judgement}: {result.world} -> {roots or NOBODY}{extra}   # {result.world.label}"


# ---- text --------------------------------------------------------------------------------------


def as_text(results: Sequence[Result]) -> str:
    rows = [HEADS, *map(_cells, tallies(results))]
    widths = [max(len(row[n]) for row in rows) for n in range(len(HEADS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines.append("")
    lines += _sparse(confusion(results))
    odd = missteps(results)
    if odd:
        lines += ["", *map(told, odd)]
    return "\n".join(lines)


def _sparse(rows: dict[str, Counter[str]]) -> list[str]:
    wide = max((len(code) for code in rows), default=0)
    return [
        f"{code.ljust(wide)}  {sum(named.values()):>5}  "
        + ", ".join(f"{other} {times}" for other, times in sorted(named.items(), key=lambda item: (-item[1], item[0])))
        for code, named in rows.items()
    ]


# ---- Markdown ----------------------------------------------------------------------------------


RIGHT = """\
**Right first**: of two faults the first diagnosis is the deeper one's cause (the one that explains the other by the
published relation, or behind which the other cannot be seen), either one's where neither is deeper, an error before a
warning. **Nothing else** is named: what is the cause of neither makes the world wrong wherever it stands, and where the
other one could have been seen and is not named, the world counts as *one missing*."""

WORDS = ("<!-- words -->", "<!-- end of words -->")
"""Between these a report keeps what was written by hand, when its numbers are made anew."""


def as_markdown(results: Sequence[Result], *, command: str, words: str = "") -> str:
    """The report that can be committed: what was tried, the confusion by layer and by cause, and every misstep."""
    main = [result for result in results if result.world.kind not in EXTRA] or list(results)
    out = [
        "# Campaign of random worlds",
        "",
        f"`{command}`",
        "",
        "Each world is a run of the doctor against the embedded exchange over sockets: healthy with variety, with one",
        "fault, or with two of different families. Apart from them: three faults at once (triple), and one fault that",
        "some requests, connections or packets meet and others do not (sometimes).",
        "",
        RIGHT,
        "",
        *_table(HEADS, [_cells(row) for row in tallies(results)]),
        "",
        WORDS[0],
        *([words.strip("\n")] if words.strip() else []),
        WORDS[1],
        "",
        "## Layers",
        "",
        "Rows: the layer of the cause that should stand first. Columns: the layer of the cause that did.",
        "",
        *_dense(main),
        "",
        "## Causes",
        "",
        *_table(
            ("injected", "n", "named first"),
            [
                (code, str(sum(named.values())), ", ".join(f"{o} {t}" for o, t in named.most_common()))
                for code, named in confusion(main).items()
            ],
        ),
    ]
    out += ["", "## What is confused with what, and why", "", *confused(main)]
    odd = missteps(results)
    out += ["", "## What was not right", "", *([f"- {told(result)}" for result in odd] or ["Nothing."])]
    out += ["", "## What is never drawn, and what may be said instead", "", *_tables()]
    return "\n".join(out) + "\n"


def kept(report: str) -> str:
    """What was written by hand into a report."""
    _, _, rest = report.partition(WORDS[0])
    return rest.partition(WORDS[1])[0] if WORDS[1] in rest else ""


def _pairs() -> tuple[int, int]:
    """How many pairs of faults of two families there are, and how many of them are never drawn."""
    faults = [_valued(name, random.Random(1)) for name in sorted(catalogue())]
    pairs = [(a, b) for n, a in enumerate(faults) for b in faults[n + 1 :] if a.family != b.family]
    return len(pairs), sum(bool(why_never(a.text, b.text)) for a, b in pairs)


def _tables() -> list[str]:
    """The rows by which the judge goes that are not plain: what is left out, and the stand-ins."""
    left_out = [(f"`{row.one}`", f"`{row.other}`", row.why) for row in NEVER]
    instead = [
        (", ".join(f"`{each}`" for each in row.of), ", ".join(f"`{each}`" for each in row.reads_as),
         ", ".join(f"`{each}`" for each in row.behind), row.why)
        for row in STAND_INS
    ]  # fmt: skip
    pairs, apart = _pairs()
    return [
        f"Of {pairs} pairs of faults of two families (counted with one value of each) {apart} cannot be set up and",
        "are never drawn: those of this table, and two mistakes in the same member of an order.",
        "",
        *_table(("one", "other", "why"), left_out, numbers=False),
        "",
        f"Behind some faults others are out of sight ({len(HIDDEN)} rows with their reasons in `sight.py`). Where the",
        "same things would be measured as in another world, that world's cause may be named:",
        "",
        *_table(("wrong is", "named may be", "while there is", "why"), instead, numbers=False),
    ]


def confused(results: Sequence[Result]) -> list[str]:
    """The confusions in words: which cause was taken for which other, how often, and what lies behind it."""
    groups: dict[tuple[str, str], list[Result]] = {}
    for result in results:
        if result.judgement in ("wrong", "stray", "unknown", "false-alarm", "blind", "defect"):
            groups.setdefault((result.injected, _taken_for(result)), []).append(result)
    right = sum(result.judgement in FIRST_RIGHT for result in results)
    lines = [f"Of {len(results)} worlds {right} had the right cause first, or rightly none."]
    if not groups:
        return [*lines, "", "No cause was taken for another."]
    lines += [f"The others fall into {len(groups)} groups:" if len(groups) > 1 else "The others are of one kind:", ""]
    for (injected, named), group in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0])):
        times = f"{len(group)} times" if len(group) > 1 else "once"
        what = (
            f"**{injected}** was taken for **{named}**"
            if group[0].judgement != "stray"
            else (f"beside **{injected}** stood **{named}**")
        )
        what = what if named != NOBODY else f"of **{injected}** nothing was said"
        if injected == NOBODY:
            what = (
                f"**{named}** was named in a healthy world" if named != NOBODY else "a healthy world was not seen whole"
            )
        lines.append(f"- {times}, {what}: {_why(injected, named, group)}.")
    return lines


def _taken_for(result: Result) -> str:
    """What stands first wrongly, or beside what stands first rightly."""
    if result.judgement != "stray":
        return result.named
    wanted = expected(result.world.wrong)
    real = {each.cause for each in result.world.wrong} | wanted.may
    return next((code for code in result.seen.roots if code not in real), result.named)


def _why(injected: str, named: str, group: Sequence[Result]) -> str:
    """What lies behind a confusion, as far as the worlds themselves say it."""
    from okxdoctor.knowledge import causes

    blind = sorted({check for result in group for check in result.seen.inconclusive})
    if named == NOBODY or group[0].judgement == "blind":
        return f"the run says that it could not look ({', '.join(blind)})" if blind else "nothing pointed to it"
    faults = {each.cause for result in group for each in result.world.wrong}
    beside = sum(injected in result.seen.roots for result in group)
    told = f"; in {beside} of {len(group)} it is named as well, after the other" if beside else ""
    if named in faults:
        return f"both were wrong, and the other one stands first{told}"
    if injected in causes():
        for other in causes()[injected].look_alikes:
            if other.code == named:
                return f"they look alike; what tells them apart: {other.by}{told}"
    names = sorted({each.name for result in group for each in result.world.wrong})
    return f"seen with {', '.join(names) or 'nothing wrong'}{told}"


def _dense(results: Sequence[Result]) -> list[str]:
    order = (NOBODY, *LAYERS)

    def layer(code: str) -> str:
        return NOBODY if code == NOBODY else families(code)

    count = Counter((layer(r.injected), layer(r.named)) for r in results)
    used = [name for name in order if any(name in pair for pair in count)]
    return _table(
        ("", *used), [(row, *(str(count[row, column] or "·") for column in used)) for row in used]
    )  # fmt: skip


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: bool = True) -> list[str]:
    rule = ["---", *("---:" if numbers and len(heads) > 3 else "---" for _ in heads[1:])]
    return [f"| {' | '.join(row)} |" for row in (heads, rule, *rows)]
