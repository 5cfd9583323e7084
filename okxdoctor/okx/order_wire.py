"""The shape of a trading request's order, as it stands on the wire, against the documented rules. Pure and total.

Only what the JSON alone can show: names, forms, words of closed sets, lengths. Ticks, lots and the account's modes need
the exchange (`order_rules`). Each flaw carries the code that the exchange would answer with; where the documentation
leaves it open which of several, all of them. Empty texts of optional members are no flaw: a common client sends them
and is served (observed).

Source: place order, batch orders, amend and cancel of the API v5 documentation; error codes 50014, 51000.
Grade: documented, except the names of other exchanges (`meant`), which are chosen.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import TypeAlias

from okxdoctor.okx.json_text import Json
from okxdoctor.okx.wire_numbers import NumberFlaw, number_flaws

MISSING, WRONG = "50014", "51000"
PLACE = "/api/v5/trade/order"
_SHOWN = 20
_OF_ATTACHED = ("tpTriggerPxType", "slTriggerPxType", "tpOrdKind")
Evidence: TypeAlias = "str | int | list[str]"


@dataclass(frozen=True, slots=True, kw_only=True)
class WireFlaw:
    """One rule that an order breaks by itself.

    `cause` is the code under which a report names it, `codes` are those the exchange may answer with, `parameter` the
    member (as sent), `sure` whether the rule decides (a likely meaning of an unknown name does not).
    """

    cause: str
    codes: tuple[str, ...]
    parameter: str
    says: str
    evidence: Mapping[str, Evidence] = field(default_factory=dict)
    sure: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class WireRules:
    """order_wire.toml."""

    required: Mapping[str, tuple[str, ...]]
    words: Mapping[str, tuple[str, ...]]
    priced: frozenset[str]
    numbers: frozenset[str]
    members: frozenset[str]
    ids: tuple[str, ...]
    booleans: tuple[str, ...]
    lists: tuple[str, ...]
    of_products: Mapping[str, tuple[str, ...]]
    meant: Mapping[str, str]
    batch_limit: int
    id_characters: int
    tag_characters: int


@cache
def wire_rules() -> WireRules:
    """The tables, read once."""
    raw = tomllib.loads(files(__package__).joinpath("order_wire.toml").read_text("utf-8"))
    members = raw["members"]
    return WireRules(
        required={path: tuple(names) for path, names in raw["required"].items()},
        words={name: tuple(words) for name, words in raw["words"].items()},
        priced=frozenset(members["priced"]),
        numbers=frozenset(members["numbers"]),
        members=frozenset((*members["numbers"], *members["others"])),
        ids=tuple(members["ids"]),
        booleans=tuple(members["booleans"]),
        lists=tuple(members["lists"]),
        of_products={kind: tuple(products) for kind, products in raw["of_products"].items()},
        meant=raw["meant"],
        batch_limit=raw["batch_limit"],
        id_characters=raw["id_characters"],
        tag_characters=raw["tag_characters"],
    )


def wire_flaws(
    order: Mapping[str, Json], *, path: str = PLACE, steps: Mapping[str, str] | None = None
) -> Iterator[WireFlaw]:
    """Every flaw of one order that is sent to `path`; nothing for a path that takes no orders.

    `steps`: tick and lot by member, where they are known: a number on its grid is no float noise, however long it is.
    """
    needed = wire_rules().required.get(path)
    if needed is None:
        return
    algo = path.endswith("order-algo")
    unknown = _unknown_names(order) if not algo else {}
    for name, meant in unknown.items():
        codes = (MISSING,) if meant in needed else (WRONG,)
        yield _invalid(
            codes, name, f"{name} is no parameter; {meant} is meant.", {"parameter": name, "meant": meant}, sure=False
        )
    for name in needed:
        absent = name == "instId" and order.get("instIdCode") not in (None, "")
        if order.get(name) in (None, "") and not absent and name not in unknown.values():
            yield _invalid((MISSING, WRONG), name, f"{name} is missing.", {"parameter": name})
    for name, allowed in wire_rules().words.items():
        if name != "ordType" or not algo:
            yield from _word(order, name, allowed)
    if not algo:
        priced = any(order.get(name) not in (None, "") for name in ("px", "pxUsd", "pxVol"))
        if (
            "sz" in needed
            and str(order.get("ordType")) in wire_rules().priced
            and not priced
            and "px" not in unknown.values()
        ):
            kind = order["ordType"]
            yield _invalid((WRONG, "51204"), "px", f"an order of type {kind} needs px.", {"parameter": "px"})
    yield from _forms(order)
    yield from _ids(order, "")
    yield from _numbers(order, "", steps or {})
    attached = order.get("attachAlgoOrds")
    for item in attached if isinstance(attached, list) else []:
        if isinstance(item, dict):
            for name in _OF_ATTACHED:
                yield from _word(item, name, wire_rules().words[name])
            yield from _ids(item, "attached: ")
            yield from _numbers(item, "attached: ", {})


def _invalid(
    codes: tuple[str, ...], parameter: str, says: str, evidence: Mapping[str, Evidence], *, sure: bool = True
) -> WireFlaw:
    return WireFlaw(
        cause="order.parameter-invalid", codes=codes, parameter=parameter[:40], says=says, evidence=evidence, sure=sure
    )


def _unknown_names(order: Mapping[str, Json]) -> dict[str, str]:
    """Names that differ from a known one by case or a letter, or that other exchanges use."""
    rules = wire_rules()
    lower = {name.lower(): name for name in rules.members}
    found: dict[str, str] = {}
    for name in list(order)[:200]:
        if name in rules.members:
            continue
        bare = name.replace("_", "").lower()
        meant = lower.get(bare) or rules.meant.get(name)
        if meant is None and len(name) > 4:
            meant = next(iter(get_close_matches(name, sorted(rules.members), n=1, cutoff=0.85)), None)
        if meant is not None and meant not in order:
            found[name[:40]] = meant
    return found


def _word(order: Mapping[str, Json], name: str, allowed: tuple[str, ...]) -> Iterator[WireFlaw]:
    value = order.get(name)
    if value is None or value in allowed or (value == "" and name in wire_rules().required[PLACE]):
        return
    shown = value if isinstance(value, str) else type(value).__name__
    known = ", ".join(sorted(word for word in allowed if word))
    yield _invalid(
        (WRONG,),
        name,
        f"{name} is {shown[:40]!r}; it must be one of {known}.",
        {"parameter": name, "value": str(shown)[:40]},
    )


def _forms(order: Mapping[str, Json]) -> Iterator[WireFlaw]:
    """Members that are neither text nor number. A boolean is written as one or as its word (both are documented)."""
    for name in wire_rules().booleans:
        value = order.get(name)
        if value not in (None, "") and str(value).lower() not in ("true", "false"):
            yield _invalid(
                (WRONG,), name, f"{name} is {str(value)[:40]!r}; it must be true or false.", {"parameter": name}
            )
    for name in wire_rules().lists:
        value = order.get(name)
        if value in (None, "", []):
            continue
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            sort = "a list of others" if isinstance(value, list) else _SORTS.get(type(value), "something else")
            says = f"{name} must be a JSON list of objects, not {sort}."
            yield _invalid((WRONG,), name, says, {"parameter": name})


_SORTS = {dict: "an object", str: "a text", list: "a list", bool: "a boolean"}


def _ids(order: Mapping[str, Json], where: str) -> Iterator[WireFlaw]:
    rules = wire_rules()
    for name in rules.ids:
        value = order.get(name)
        if value in (None, ""):
            continue
        if not isinstance(value, str):
            yield _invalid((WRONG,), name, f"{where}{name} must be text.", {"parameter": name})
            continue
        wrong = sorted({c for c in value if not (c.isascii() and c.isalnum())})
        if wrong or len(value) > rules.id_characters:
            too_long = f"{len(value)} characters, at most {rules.id_characters}"
            why = [too_long] * (len(value) > rules.id_characters)
            why += [f"holds {' '.join(repr(c) for c in wrong[:5])}"] if wrong else []
            yield WireFlaw(
                cause="order.client-id-invalid",
                codes=(WRONG,),
                parameter=name,
                says=f"{where}{name} must be 1 to {rules.id_characters} letters and digits: {', '.join(why)}."[:300],
                evidence={"parameter": name, "length_characters": len(value), "forbidden": wrong[:_SHOWN]},
            )
    tag = order.get("tag")
    if isinstance(tag, str) and not (re.fullmatch(r"[A-Za-z0-9]*", tag) and len(tag) <= rules.tag_characters):
        yield _invalid(
            (WRONG,),
            "tag",
            f"{where}tag must be at most {rules.tag_characters} letters and digits.",
            {"parameter": "tag", "length_characters": len(tag)},
        )


def _numbers(order: Mapping[str, Json], where: str, steps: Mapping[str, str]) -> Iterator[WireFlaw]:
    for name, value in order.items():
        if name not in wire_rules().numbers or value in (None, ""):
            continue
        if isinstance(value, list | dict):
            says = f"{where}{name} is {_SORTS[type(value)]}; a number in a text belongs there."
            yield _invalid((WRONG,), name, says, {"parameter": name})
            continue
        flaws = [flaw for flaw in number_flaws(value, step=steps.get(name)) if flaw is not NumberFlaw.LEADING_ZEROS]
        if flaws:
            # Noise is not told from digits that are meant: it is refused where it falls beside the grid.
            noise = flaws == [NumberFlaw.FLOAT_NOISE]
            shown = str(value)[:40]
            yield WireFlaw(
                cause="precision.number-format",
                codes=("51121", "51150", WRONG) if noise else (WRONG,),
                parameter=name,
                says=f"{where}{name} is {shown}: {', '.join(flaw.value for flaw in flaws)}.",
                evidence={"parameter": name, "value": shown, "flaws": [flaw.value for flaw in flaws]},
                sure=flaws != [NumberFlaw.NOT_TEXT],
            )
