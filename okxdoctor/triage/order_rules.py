"""Order parameters as they stand on the wire, against the documented rules. Pure and total.

Only what a body alone can show: forms, words of closed sets, lengths. Ticks, lots and the account's modes need the
exchange. Empty texts of optional members are not reported: a common client sends them and is served (observed).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files

from okxdoctor.model import Confidence, Finding
from okxdoctor.okx import json_text
from okxdoctor.okx.wire_numbers import NumberFlaw, number_flaws
from okxdoctor.triage.capture import Request

_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rules:
    """order_rules.toml."""

    required: Mapping[str, tuple[str, ...]]
    words: Mapping[str, tuple[str, ...]]
    priced: frozenset[str]
    numbers: frozenset[str]
    members: frozenset[str]
    ids: tuple[str, ...]
    meant: Mapping[str, str]
    batch_limit: int
    id_characters: int
    tag_characters: int


@cache
def _rules() -> _Rules:
    raw = tomllib.loads(files(__package__).joinpath("order_rules.toml").read_text("utf-8"))
    members = raw["members"]
    return _Rules(
        required={path: tuple(names) for path, names in raw["required"].items()},
        words={name: tuple(words) for name, words in raw["words"].items()},
        priced=frozenset(members["priced"]),
        numbers=frozenset(members["numbers"]),
        members=frozenset((*members["numbers"], *members["others"])),
        ids=tuple(members["ids"]),
        meant=raw["meant"],
        batch_limit=raw["batch_limit"],
        id_characters=raw["id_characters"],
        tag_characters=raw["tag_characters"],
    )


def of_request(request: Request) -> Iterator[Finding]:
    """Every finding about the body of a trading request."""
    if request.method != "POST" or not request.body:
        return
    path = request.path.rstrip("/")
    needed = _rules().required.get(path)
    value = json_text.read(request.body)
    if isinstance(value, json_text.Unreadable):
        if path.startswith("/api/v5/") and request.body.lstrip()[:1] in (b"{", b"[", b"\xef"):
            where = f" at character {value.at}" if value.at is not None else ""
            yield Finding(
                code="order.parameter-invalid",
                summary=f"The body is not JSON that OKX can read: {value.trouble.value}{where}.",
                evidence={"trouble": value.trouble.value, "detail": value.detail[:80]},
            )
        return
    if needed is None:
        return
    items = value if isinstance(value, list) else [value]
    if isinstance(value, list) != ("batch" in path):
        want = "a list of orders" if "batch" in path else "one object, not a list"
        yield _invalid(f"The body of {path} must be {want}.", {"request_path": path})
    if len(items) > _rules().batch_limit:
        yield _invalid(
            f"The batch has {len(items)} orders; at most {_rules().batch_limit} are taken.",
            {"orders_count": len(items)},
        )
    for number, item in enumerate(items):
        where = f"order {number + 1}: " if len(items) > 1 else ""
        if isinstance(item, dict):
            yield from _of_order(item, needed, where, algo=path.endswith("order-algo"))
        else:
            yield _invalid(f"{where}an order must be an object", {})


def _invalid(summary: str, evidence: dict[str, str | int], sure: Confidence = Confidence.CERTAIN) -> Finding:
    return Finding(code="order.parameter-invalid", summary=summary, evidence=evidence, confidence=sure)


def _of_order(
    order: dict[str, json_text.Json], needed: tuple[str, ...], where: str, *, algo: bool
) -> Iterator[Finding]:
    unknown = _unknown_names(order) if not algo else {}
    for name, meant in unknown.items():
        yield _invalid(
            f"{where}{name} is no parameter; {meant} is meant.", {"parameter": name, "meant": meant}, Confidence.LIKELY
        )
    for name in needed:
        absent = name == "instId" and order.get("instIdCode") not in (None, "")
        if order.get(name) in (None, "") and not absent and name not in unknown.values():
            yield _invalid(f"{where}{name} is missing.", {"parameter": name})
    for name, allowed in _rules().words.items():
        if name != "ordType" or not algo:
            yield from _word(order, name, allowed, where)
    if not algo:
        priced = any(order.get(name) not in (None, "") for name in ("px", "pxUsd", "pxVol"))
        if (
            "sz" in needed
            and str(order.get("ordType")) in _rules().priced
            and not priced
            and "px" not in unknown.values()
        ):
            yield _invalid(f"{where}an order of type {order['ordType']} needs px.", {"parameter": "px"})
    yield from _ids(order, where)
    yield from _numbers(order, where)
    attached = order.get("attachAlgoOrds")
    for item in attached if isinstance(attached, list) else []:
        if isinstance(item, dict):
            yield from _ids(item, f"{where}attached: ")
            yield from _numbers(item, f"{where}attached: ")


def _unknown_names(order: dict[str, json_text.Json]) -> dict[str, str]:
    """Names that differ from a known one by case or a letter, or that other exchanges use."""
    lower = {name.lower(): name for name in _rules().members}
    found: dict[str, str] = {}
    for name in list(order)[:200]:
        if name in _rules().members:
            continue
        bare = name.replace("_", "").lower()
        meant = lower.get(bare) or _rules().meant.get(name)
        if meant is None and len(name) > 4:
            meant = next(iter(get_close_matches(name, sorted(_rules().members), n=1, cutoff=0.85)), None)
        if meant is not None and meant not in order:
            found[name[:40]] = meant
    return found


def _word(order: dict[str, json_text.Json], name: str, allowed: tuple[str, ...], where: str) -> Iterator[Finding]:
    value = order.get(name)
    if value is None or value in allowed or (value == "" and name == "ordType"):
        return
    shown = value if isinstance(value, str) else type(value).__name__
    known = ", ".join(sorted(word for word in allowed if word))
    yield _invalid(
        f"{where}{name} is {shown[:40]!r}; it must be one of {known}.", {"parameter": name, "value": str(shown)[:40]}
    )


def _ids(order: dict[str, json_text.Json], where: str) -> Iterator[Finding]:
    longest = _rules().id_characters
    for name in _rules().ids:
        value = order.get(name)
        if value in (None, ""):
            continue
        if not isinstance(value, str):
            yield _invalid(f"{where}{name} must be text.", {"parameter": name})
            continue
        wrong = sorted({c for c in value if not (c.isascii() and c.isalnum())})
        if wrong or len(value) > longest:
            why = [*([f"{len(value)} characters, at most {longest}"] if len(value) > longest else []),
                   *([f"holds {' '.join(repr(c) for c in wrong[:5])}"] if wrong else [])]  # fmt: skip
            yield Finding(
                code="order.client-id-invalid",
                summary=f"{where}{name} must be 1 to {longest} letters and digits: {', '.join(why)}."[:300],
                evidence={"parameter": name, "length_characters": len(value), "forbidden": wrong[:_SHOWN]},
            )
    tag = order.get("tag")
    if isinstance(tag, str) and not (re.fullmatch(r"[A-Za-z0-9]*", tag) and len(tag) <= _rules().tag_characters):
        yield _invalid(
            f"{where}tag must be at most {_rules().tag_characters} letters and digits.",
            {"parameter": "tag", "length_characters": len(tag)},
        )


def _numbers(order: dict[str, json_text.Json], where: str) -> Iterator[Finding]:
    for name, value in order.items():
        if name not in _rules().numbers or value in (None, "") or isinstance(value, list | dict):
            continue
        flaws = [flaw for flaw in number_flaws(value) if flaw is not NumberFlaw.LEADING_ZEROS]
        if flaws:
            shown = str(value)[:40]
            yield Finding(
                code="precision.number-format",
                summary=f"{where}{name} is {shown}: {', '.join(flaw.value for flaw in flaws)}.",
                evidence={"parameter": name, "value": shown, "flaws": [flaw.value for flaw in flaws]},
                confidence=Confidence.LIKELY if flaws == [NumberFlaw.NOT_TEXT] else Confidence.CERTAIN,
            )
