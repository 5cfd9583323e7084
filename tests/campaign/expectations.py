"""What a report must say of a world: worked out from how the world is made, not from how the doctor judges.

Right first: the first diagnosis is the deeper fault's cause (the one that explains the other by the published relation,
or behind which the other cannot be seen), either one's where neither is deeper, an error before a warning. And nothing
but the causes of these faults stands among the diagnoses: what is named beside them makes the report wrong, whatever
stands first.

Known here independently of the checks: on which layer a cause lies, and what cannot be seen while it is on
(``sight.py``). The one thing taken from the doctor is its published relation "explains", because the report promises to
fold what is explained under its cause.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from typing import Literal

from sight import hides, stand_ins
from together import members
from worlds import World, Wrong

Judgement = Literal["right", "half", "stray", "wrong", "unknown", "passed", "false-alarm", "blind", "defect"]
"""``right``: first and whole diagnosis. ``half``: right first, and another one that could be seen is missing, or not
folded under what explains it. ``stray``: something is named that is not there. ``passed``: a fault that comes now
and then did not come, and nothing was named. ``blind``: a healthy world of which the run could not see something that
matters. ``defect``: a check broke."""

FIRST_RIGHT = frozenset({"right", "half", "passed"})

LAYERS = (
    "env", "clock", "dns", "tcp", "proxy", "tls", "http", "status", "auth", "ratelimit", "account", "instrument",
    "precision", "order", "schema", "ws",
)  # fmt: skip
_AUTH = ("region", "key", "ip", "permission", "header", "timestamp")


def families(cause: str) -> str:
    """The layer of a cause."""
    family = cause.partition(".")[0]
    return "auth" if family in _AUTH else family


def depth(cause: str) -> int:
    """0 is nearest to the machine."""
    return LAYERS.index(families(cause))


def explains(one: Wrong, other: Wrong) -> bool:
    """Whether the report folds ``other`` under ``one``. What one address of several does explains no more than that."""
    if families(one.cause) == "clock" and other.cause in ("tls.expired", "tls.not-yet-valid"):
        return False  # the faults move these dates against true time, which NTP tells
    if (one.cause, other.cause) == ("ratelimit.exceeded", "status.overloaded"):
        return False  # the burst is for public tickers; what is overloaded are private services
    if (one.cause, other.cause) == ("clock.sources-disagree", "timestamp.expired"):
        return False  # the time servers are wrong in that world; by the exchange's time this clock is right
    if one.of_the_websocket and not other.cause.startswith("ws."):
        return False  # what REST meets does not come from the WebSocket's address
    if one.cause.startswith("http.") and other.cause.startswith(("key.", "ip.", "permission.")):
        return False  # what REST meets at the edge; a WebSocket that opens has the exchange's own word of the key
    if one.cause.startswith("schema.") and not one.text.startswith(_OF_BOOKS):
        return False  # tickers and lists of instruments, which no book is made of and no login reads
    if (mine := members(one.text)) and (its := members(other.text)) and _orders(mine) != _orders(its):
        return False  # mistakes in two orders
    return _published(one.cause, other.cause) and (not one.in_part or other.in_part)


_OF_BOOKS = ("schema-field-missing=ts", "schema-type-changed-time", "schema-type-changed-envelope")
"""The faults of shapes that order books have, too."""


def _orders(written: set[str]) -> set[str]:
    return {each.partition(" of ")[2] for each in written}


@cache
def _published(one: str, other: str) -> bool:
    """Whether the published relation folds ``other`` under ``one``; directly, because a third cause is not there."""
    from okxdoctor.runner.diagnose import rules

    return any(one in rule.cause and any(fnmatchcase(other, glob) for glob in rule.of) for rule in rules())


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The part of a report that is judged. ``explained``: what hangs under each root, in the same order."""

    roots: tuple[str, ...]
    explained: tuple[tuple[str, ...], ...] = ()
    exit_code: int = 0
    broken: tuple[str, ...] = ()
    inconclusive: tuple[str, ...] = ()
    elapsed_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """``first``: any of these may stand first. ``roots``: must be named as roots; ``may``: these may stand beside.

    ``one_of``: of each of these one must be named; they hide each other, or are the same to every measurement.
    ``beside``: may stand first where what is looked at before it is named as well: the order within one gate shows only
    who looks no further.
    """

    first: frozenset[str]
    roots: frozenset[str]
    may: frozenset[str] = frozenset()
    one_of: tuple[frozenset[str], ...] = ()
    beside: frozenset[str] = frozenset()

    def whole(self, roots: Iterable[str]) -> bool:
        """Whether nothing that could be seen is missing among these."""
        named = set(roots)
        return self.roots <= named and all(named & pair for pair in self.one_of)


def expected(wrong: Iterable[Wrong]) -> Expected:
    """What the diagnosis must be when all of this is wrong."""
    faults = tuple({each.cause: each for each in wrong}.values())
    above = {each: [other for other in faults if other is not each and _over(other, each)] for each in faults}
    tops = [each for each in faults if not above[each]] or list(faults[:1])
    first = {each.cause for each in tops}
    may: set[str] = set()
    beside: set[str] = set()
    for shallow in faults:
        for deep in above[shallow]:
            first |= _seen_before(deep, shallow)
            if not explains(deep, shallow) or deep.host_alone:
                may.add(shallow.cause)
                beside |= {shallow.cause} if families(deep.cause) == families(shallow.cause) else set()
            instead = set(stand_ins(shallow, deep))
            may |= instead
            first |= {code for code in instead if depth(code) < depth(deep.cause) or not _is_error(deep)}
    # A record can say the same of itself where nothing hides it.
    may |= {code for each in faults for other in faults if other is not each for code in stand_ins(each, other)}
    pairs = [
        frozenset({one.cause, other.cause})
        for n, one in enumerate(tops) for other in tops[n + 1 :] if hides(one, other) and hides(other, one)
    ]  # fmt: skip
    for top in tops:
        same = {code for other in faults if other is not top for code in stand_ins(top, other, in_its_place=True)}
        if same:
            pairs.append(frozenset({top.cause, *same}))
    either: frozenset[str] = frozenset().union(*pairs)
    roots = frozenset(each.cause for each in tops) - either
    return Expected(
        first=frozenset(first),
        roots=roots,
        may=frozenset(may | either) - roots,
        one_of=tuple(pairs),
        beside=frozenset(beside),
    )


_GRAVE_HERE = {
    "tcp.port-8443-closed": "the configuration names the port, which by the vocabulary makes it an error",
    "account.funds-elsewhere": "an order cannot be paid, and that follows from it",
    "order.unit-confusion": "a size is refused, and that follows from it",
}
"""Warnings by themselves, errors in the worlds of these faults."""


def _over(deep: Wrong, shallow: Wrong) -> bool:
    """Whether ``deep`` is the deeper of the two: because it hides the other, or by the relation."""
    if hides(deep, shallow) or hides(shallow, deep):
        return hides(deep, shallow) and not hides(shallow, deep)
    return explains(deep, shallow)


def _seen_before(deep: Wrong, shallow: Wrong) -> set[str]:
    """The shallower cause, where it may be seen all the same and then rightly stands before the deeper one."""
    nearer = depth(shallow.cause) < depth(deep.cause)  # the layer nearest to the machine comes first
    graver = not explains(deep, shallow) and _is_error(shallow) and not _is_error(deep)
    return {shallow.cause} if nearer or graver or deep.host_alone else set()


def _is_error(wrong: Wrong) -> bool:
    from okxdoctor.knowledge import causes

    grave = causes()[wrong.cause].severity == "error" or wrong.cause in _GRAVE_HERE
    return grave and not wrong.in_part


def judge(world: World, seen: Seen) -> Judgement:
    """Whether the report says what it must."""
    if seen.broken:
        return "defect"
    wanted = expected(world.wrong)
    if not world.wrong:
        if seen.roots:
            return "false-alarm"
        return "right" if seen.exit_code == 0 else "blind"
    if not seen.roots:
        return "passed" if world.now_and_then else "unknown"
    first = wanted.first | (wanted.beside if wanted.roots <= set(seen.roots) else frozenset())
    if seen.roots[0] not in first or _warning_first(world, seen):
        return "wrong"
    if not set(seen.roots) <= wanted.roots | wanted.may:
        return "stray" if set(seen.roots) - {each.cause for each in world.wrong} - wanted.may else "half"
    return "right" if wanted.whole(seen.roots) else "half"


def _warning_first(world: World, seen: Seen) -> bool:
    """Whether a warning stands before the error of another fault that was named as well.

    What an error follows from is as grave as that error.
    """
    grave = {
        each.cause: _is_error(each) or any(_is_error(other) and explains(each, other) for other in world.wrong)
        for each in world.wrong
    }
    return not grave.get(seen.roots[0], True) and any(grave.get(code, False) for code in seen.roots[1:])
