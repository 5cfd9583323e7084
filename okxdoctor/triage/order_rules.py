"""Order parameters of a captured request, against the documented rules of :mod:`okxdoctor.okx.order_wire`.

Pure and total. Only what a body alone can show; ticks, lots and the account's modes need the exchange.
"""

from __future__ import annotations

from collections.abc import Iterator

from okxdoctor.model import Confidence, Finding
from okxdoctor.okx import json_text
from okxdoctor.okx.order_wire import wire_flaws, wire_rules
from okxdoctor.triage.capture import Request


def of_request(request: Request) -> Iterator[Finding]:
    """Every finding about the body of a trading request."""
    if request.method != "POST" or not request.body:
        return
    path = request.path.rstrip("/")
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
    if path not in wire_rules().required:
        return
    items = value if isinstance(value, list) else [value]
    if isinstance(value, list) != ("batch" in path):
        want = "a list of orders" if "batch" in path else "one object, not a list"
        yield _invalid(f"The body of {path} must be {want}.", {"request_path": path})
    limit = wire_rules().batch_limit
    if len(items) > limit:
        yield _invalid(f"The batch has {len(items)} orders; at most {limit} are taken.", {"orders_count": len(items)})
    for number, item in enumerate(items):
        where = f"order {number + 1}: " if len(items) > 1 else ""
        if not isinstance(item, dict):
            yield _invalid(f"{where}an order must be an object", {})
            continue
        for flaw in wire_flaws(item, path=path):
            yield Finding(
                code=flaw.cause,
                summary=f"{where}{flaw.says}",
                evidence=flaw.evidence,
                confidence=Confidence.CERTAIN if flaw.sure else Confidence.LIKELY,
            )


def _invalid(summary: str, evidence: dict[str, str | int]) -> Finding:
    return Finding(code="order.parameter-invalid", summary=summary, evidence=evidence)
