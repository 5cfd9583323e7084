"""The facts bundle: what a run gathered, redacted, in one JSON file that can be mailed and judged again.

Shape, version 1::

    {"schema": "okxdoctor.facts/1", "version": "0.1.0", "started": "2026-…Z",
     "target": {"kind": "live", "site": "global", "rest": "https://…", "ws": "wss://…", "environment": "live"},
     "requests": 31, "connections": 12,
     "checks": [{"id": "clock", "title": "…", "outcome": "completed", "because": null, "elapsed_ms": 31.0,
                 "facts": {…}}]}

Findings are not in it: they are drawn from the facts each time, by the version that reads the bundle.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from okxdoctor.check import Skip
from okxdoctor.files import read_bounded
from okxdoctor.model import Attempt, Json, Outcome, Report, TargetName
from okxdoctor.port import Io

SCHEMA = "okxdoctor.facts/1"
LARGEST_BYTES = 64_000_000


class BadBundle(Exception):
    """The file is no facts bundle, or one that this version cannot read. The text is one clear line."""


def bundle(report: Report) -> str:
    """The bundle of a finished run, as text. The report is already redacted where it was gathered."""
    target = report.target
    whole = {
        "schema": SCHEMA,
        "version": report.version,
        "started": report.started,
        "target": {
            "kind": target.kind,
            "site": target.site,
            "rest": target.rest,
            "ws": target.ws,
            "environment": target.environment,
        },
        "requests": report.requests,
        "connections": report.connections,
        "checks": [
            {
                "id": a.check,
                "title": a.title,
                "outcome": a.outcome.value,
                "because": a.because,
                "elapsed_ms": a.elapsed_ms,
                "facts": a.facts,
            }
            for a in report.attempts
        ],
    }
    try:
        return json.dumps(whole, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
    except ValueError:
        # No fact should be infinite or no number at all; where one is, the rest of the run is still worth saving.
        whole = json.loads(json.dumps(whole), parse_constant=lambda word: None)
        return json.dumps(whole, ensure_ascii=False, indent=1) + "\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleTarget:
    """A target that is judged without any I/O. ``name.kind`` is ``facts``; what it was stays in site and addresses."""

    name: TargetName
    saved: Mapping[str, Attempt]
    effort: tuple[int, int]

    @property
    def io(self) -> Io:
        return cast(Io, _Nothing())

    @property
    def platform(self) -> str:
        """The machine it was made on, as its facts of the surroundings say; "" where it has none."""
        facts = self.saved["env"].facts if "env" in self.saved else None
        here = facts.get("surroundings") if isinstance(facts, dict) else None
        said = here.get("platform") if isinstance(here, dict) else None
        return said if isinstance(said, str) else ""


class _Nothing:
    """There is no world behind a bundle."""

    def __getattr__(self, name: str) -> Any:
        raise Skip("a facts bundle is judged without any I/O")


def read_bundle(path: Path) -> BundleTarget:
    """Read a bundle. Raises BadBundle with one clear line for whatever is wrong with it."""
    try:
        raw = json.loads(read_bounded(path, LARGEST_BYTES), parse_constant=_no_number, parse_float=_finite)
    except OSError as error:
        raise BadBundle(f"{path}: cannot be read ({error.strerror or type(error).__name__})") from None
    except UnicodeDecodeError as error:
        raise BadBundle(f"{path}: not JSON (not UTF-8, byte {error.start})") from None
    except (ValueError, RecursionError) as error:
        raise BadBundle(f"{path}: not JSON ({str(error)[:120]})") from None
    if not isinstance(raw, dict) or not isinstance(raw.get("schema"), str):
        raise BadBundle(f"{path}: not a facts bundle (no schema)")
    if raw["schema"] != SCHEMA:
        raise BadBundle(f"{path}: its schema is {raw['schema'][:60]!r}, this version reads {SCHEMA!r}")
    try:
        target = raw["target"]
        name = TargetName(
            kind="facts",
            site=str(target["site"]),
            rest=str(target["rest"]),
            ws=str(target["ws"]),
            environment=str(target.get("environment", "live")),
        )
        saved = {str(row["id"]): _attempt(row) for row in raw["checks"]}
        effort = (int(raw.get("requests", 0)), int(raw.get("connections", 0)))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadBundle(f"{path}: not a whole facts bundle ({type(error).__name__}: {error})") from None
    return BundleTarget(name=name, saved=saved, effort=effort)


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is no number")


def _finite(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else _no_number(text[:30])


def _attempt(row: Mapping[str, Any]) -> Attempt:
    because = row["because"]
    return Attempt(
        check=str(row["id"]),
        title=str(row["title"]),
        outcome=Outcome(row["outcome"]),
        because=None if because is None else str(because),
        elapsed_ms=float(row["elapsed_ms"]),
        facts=cast(Json, row["facts"]),
    )
