"""Results of many worlds: counts, the confusion of injected and named causes, and both as text and Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from expectations import LAYERS, Judgement, Seen, expected, families
from worlds import KINDS, World

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
        wanted = expected(self.world.wrong).first
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
    right: int
    wrong: int
    unknown: int
    false_alarms: int
    blind: int
    defects: int
    seconds: float


def tally(kind: str, results: Sequence[Result]) -> Tally:
    count = Counter(result.judgement for result in results)
    return Tally(
        kind=kind,
        worlds=len(results),
        first_right=count["right"] + count["first-right"],
        right=count["right"],
        wrong=count["wrong"],
        unknown=count["unknown"],
        false_alarms=count["false-alarm"],
        blind=count["blind"],
        defects=count["defect"],
        seconds=median(result.seen.elapsed_s for result in results) if results else 0.0,
    )


def tallies(results: Sequence[Result]) -> list[Tally]:
    found = [tally(kind, [r for r in results if r.world.kind == kind]) for kind in KINDS]
    return [*(each for each in found if each.worlds), tally("all", results)]


HEADS = ("worlds", "n", "right first", "whole right", "wrong", "unknown", "false alarms", "blind", "broken", "median s")


def _cells(row: Tally) -> tuple[str, ...]:
    share = f"{row.first_right} ({row.first_right / row.worlds:.2%})" if row.worlds else "0"
    return (
        row.kind, str(row.worlds), share, str(row.right), str(row.wrong), str(row.unknown), str(row.false_alarms),
        str(row.blind), str(row.defects), f"{row.seconds:.2f}",
    )  # fmt: skip


def missteps(results: Iterable[Result]) -> list[Result]:
    """Everything that is not right in whole, the worst first."""
    order = ("defect", "false-alarm", "unknown", "wrong", "blind", "first-right")
    odd = [result for result in results if result.judgement != "right"]
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


def as_markdown(results: Sequence[Result], *, command: str) -> str:
    """The report that can be committed: what was tried, the confusion by layer and by cause, and every misstep."""
    out = [
        "# Campaign of random worlds",
        "",
        f"`{command}`",
        "",
        "Each world is a run of the doctor against the embedded exchange over sockets: healthy with variety, with one",
        "fault, or with two on different layers. Of two faults the deeper one must stand first.",
        "",
        *_table(HEADS, [_cells(row) for row in tallies(results)]),
        "",
        "## Layers",
        "",
        "Rows: the layer of the cause that should stand first. Columns: the layer of the cause that did.",
        "",
        *_dense(results),
        "",
        "## Causes",
        "",
        *_table(
            ("injected", "n", "named first"),
            [
                (code, str(sum(named.values())), ", ".join(f"{o} {t}" for o, t in named.most_common()))
                for code, named in confusion(results).items()
            ],
        ),
    ]
    out += ["", "## What is confused with what, and why", "", *confused(results)]
    odd = missteps(results)
    out += ["", "## What was not right", "", *([f"- {told(result)}" for result in odd] or ["Nothing."])]
    return "\n".join(out) + "\n"


def confused(results: Sequence[Result]) -> list[str]:
    """The confusions in words: which cause was taken for which other, how often, and what lies behind it."""
    groups: dict[tuple[str, str], list[Result]] = {}
    for result in results:
        if result.judgement in ("wrong", "unknown", "false-alarm", "blind"):
            groups.setdefault((result.injected, result.named), []).append(result)
    right = sum(result.judgement in ("right", "first-right") for result in results)
    lines = [f"Of {len(results)} worlds {right} had the right cause first, or rightly none."]
    if not groups:
        return [*lines, "", "No cause was taken for another."]
    lines += [f"The others fall into {len(groups)} groups:" if len(groups) > 1 else "The others are of one kind:", ""]
    for (injected, named), group in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0])):
        times = f"{len(group)} times" if len(group) > 1 else "once"
        what = f"**{injected}** was taken for **{named}**" if named != NOBODY else f"of **{injected}** nothing was said"
        if injected == NOBODY:
            what = (
                f"**{named}** was named in a healthy world" if named != NOBODY else "a healthy world was not seen whole"
            )
        lines.append(f"- {times}, {what}: {_why(injected, named, group)}.")
    return lines


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


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    rule = ["---", *("---:" if len(heads) > 3 else "---" for _ in heads[1:])]
    return [f"| {' | '.join(row)} |" for row in (heads, rule, *rows)]
