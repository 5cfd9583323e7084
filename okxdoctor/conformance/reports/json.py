"""The result as one JSON object: `okxdoctor.conformance/1`."""

from __future__ import annotations

import json
from typing import Any

from okxdoctor import __version__
from okxdoctor.conformance.saved import row
from okxdoctor.conformance.suite import Result

SCHEMA = "okxdoctor.conformance/1"


def document(result: Result, *, saved: str = "") -> dict[str, Any]:
    """The members of the object; every number has its unit in its name."""
    return {
        "schema": SCHEMA,
        "version": __version__,
        "suite": result.suite,
        "subject": result.subject,
        "verdict": {0: "conforms", 1: "fails", 3: "nothing run"}[result.exit_code],
        "exit_code": result.exit_code,
        "seed": result.seed,
        "elapsed_ms": round(result.elapsed_ms, 1),
        "ran": [
            {"op": one.op, "vectors": one.vectors, "searched": one.searched, "skipped": one.skipped}
            for one in result.tallies
        ],
        "not_supported": list(result.missing),
        "failures": [row(one) for one in result.failures],
        "notes": [row(one) for one in result.found if one not in result.failures],
        "case_file": saved or None,
        "adapter_stderr": result.stderr.splitlines(),
    }


def render(result: Result, *, saved: str = "") -> str:
    return json.dumps(document(result, saved=saved), ensure_ascii=False, indent=2) + "\n"
