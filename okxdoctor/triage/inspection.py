"""Judges captures: what is visible, and with the secret which mistake gives the captured signature. Pure and total."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from okxdoctor import knowledge
from okxdoctor.knowledge.systems import ANYWHERE, System, on
from okxdoctor.model import Blame, Confidence, Diagnosis, Finding, Json, Severity
from okxdoctor.okx.signing import WS_LOGIN_METHOD, WS_LOGIN_PATH
from okxdoctor.triage import answers, order_rules, visible
from okxdoctor.triage.capture import Capture, Login, Request, is_redacted
from okxdoctor.triage.recipe import Step
from okxdoctor.triage.search import Match, Search, Signed, search

_LONGEST_SHOWN = 2_000
_DEEP_FAILURES = 3
"""After so many signatures of one file that nothing explains, further ones are tried under single mistakes only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The credentials at hand, as text; "" for none. Only the secret is needed to recompute a signature.

    ``system``: where remedies are to be typed.
    """

    api_key: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)
    passphrase: str = field(default="", repr=False)
    system: System = ANYWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What is wrong with one capture. `recipe` are the mistakes that give the captured signature; `tried` the digests
    computed; `right` that the signature is the one these bytes must have (None: not recomputed).
    """

    label: str
    diagnosis: tuple[Diagnosis, ...]
    recipe: tuple[Step, ...]
    tried: int
    right: bool | None
    notes: tuple[str, ...]


def inspect_all(captures: Sequence[Capture], known: Known) -> tuple[Inspection, ...]:
    """One inspection for each capture, in order."""
    found: list[Inspection] = []
    failures = 0
    for capture in captures:
        made = inspect_one(capture, known, pairs=failures < _DEEP_FAILURES)
        failures += made.right is False and not made.recipe
        found.append(made)
    return tuple(found)


def inspect_one(capture: Capture, known: Known, *, pairs: bool = True) -> Inspection:
    """Everything about one capture."""
    notes = list(capture.remarks)
    findings = list(_visible(capture))
    signed = _signed(capture, known, notes)
    result = search(signed, pairs=pairs) if signed is not None else None
    recipe: tuple[Step, ...] = ()
    right: bool | None = None
    if signed is not None and result is not None and result.readable:
        match = _simplest(result, capture)
        right = match is not None and not match.steps
        if match is not None:
            recipe = match.steps
            findings = [finding for finding in findings if not _settled(finding, right)]
            findings += _from_match(match, result, signed)
        else:
            findings.append(_unexplained(result, signed, capture, known))
        if not result.complete:
            notes.append("the request is large: not every combination was tried")
        if match is None and not pairs:
            notes.append("pairs of mistakes were not tried: others of this file have no explanation either")
    findings += _other_passphrase(capture, known)
    if right:
        notes.append("the signature is right for these bytes")
        if capture.response.code in answers.BAD_SIGN:
            findings.append(answers.right_and_refused(capture))
    if not any(_severity(finding) is Severity.ERROR for finding in findings):
        suspected = any(finding.code.startswith("signature.") for finding in findings)
        findings += answers.hints(capture, settled=right is not None or suspected)
    form_steps = _form_steps(findings) if not any(step.step == "timestamp" for step in recipe) else ()
    return Inspection(
        label=capture.label,
        diagnosis=_diagnosis(findings, known.system),
        recipe=(*form_steps, *recipe),
        tried=result.tried if result is not None else 0,
        right=right,
        notes=tuple(dict.fromkeys(notes)),
    )


def _visible(capture: Capture) -> Iterator[Finding]:
    match capture:
        case Request():
            yield from visible.of_request(capture)
            yield from order_rules.of_request(capture)
        case Login():
            yield from visible.of_login(capture)


# ---- what is recomputed --------------------------------------------------------------------------------------------


def _signed(capture: Capture, known: Known, notes: list[str]) -> Signed | None:
    """The input of the search, or None and a note why there is none."""
    match capture:
        case Request():
            if not visible.is_private(capture):
                notes.append("the request is not signed, and its endpoint asks for no signature")
                return None
            sign, timestamp = capture.header(visible.SIGN), capture.header(visible.TIMESTAMP)
            key, passphrase = capture.header(visible.KEY), capture.header(visible.PASSPHRASE)
            method, target, body, origin = capture.method, capture.target, capture.body, capture.origin
            unknown_body = capture.body_missing
        case Login():
            sign, timestamp, key, passphrase = capture.sign, capture.timestamp, capture.key, capture.passphrase
            method, target, body, origin, unknown_body = WS_LOGIN_METHOD, WS_LOGIN_PATH, b"", "", False
    why = None
    if not sign:
        why = "there is no signature to recompute"
    elif is_redacted(sign):
        why = "the signature was blacked out before the capture was shared: only what is visible is judged"
    elif timestamp is None or is_redacted(timestamp):
        why = "the capture has no timestamp, so the signature cannot be recomputed"
    elif unknown_body:
        why = "the body is not in the capture, so the signature cannot be recomputed"
    elif not known.secret:
        why = "without the secret only what is visible is judged: set OKX_SECRET_KEY, or use --profile or --ask"
    if why is not None or not sign or timestamp is None:
        notes.append(why or "")
        return None
    return Signed(
        timestamp=timestamp,
        method=method,
        target=target,
        body=body,
        sign=sign,
        secret=_bytes(known.secret),
        origin=origin,
        passphrases=_distinct(passphrase, known.passphrase),
        keys=_distinct(key, known.api_key),
        login=isinstance(capture, Login),
    )


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _distinct(*values: str | None) -> tuple[bytes, ...]:
    return tuple(dict.fromkeys(_bytes(value) for value in values if value and not is_redacted(value)))


def _simplest(result: Search, capture: Capture) -> Match | None:
    """The first of the matches with the fewest mistakes. Where the rendering of the body is not known, another one is
    no mistake.
    """
    if not result.matches:
        return None
    first, *others = result.matches
    ties = (*first.ties, *(other.steps for other in others), *(tie for other in others for tie in other.ties))
    match = replace(first, ties=tuple(tie for tie in dict.fromkeys(ties) if tie != first.steps))
    if isinstance(capture, Request) and not capture.exact_body:
        kept = tuple(step for step in match.steps if step.cause != "signature.body-reserialised")
        return replace(match, steps=kept, ties=() if kept != match.steps else match.ties)
    return match


def _settled(finding: Finding, right: bool) -> bool:
    """Whether a guess about the signature from its looks is settled by the recomputation."""
    if finding.code in ("signature.encoding", "signature.not-text", "signature.digest"):
        return True
    return right and finding.code.startswith("signature.") and finding.confidence is Confidence.POSSIBLE


# ---- findings of the search ----------------------------------------------------------------------------------------


def _from_match(match: Match, result: Search, signed: Signed) -> Iterator[Finding]:
    """One finding for each cause of the recipe."""
    shown = _compared(signed, match)
    for cause in dict.fromkeys(step.cause for step in match.steps):
        steps = [step for step in match.steps if step.cause == cause]
        others = [step for step in match.steps if step.cause != cause]
        evidence: dict[str, Json] = {
            "recipe": [step.value() for step in match.steps],
            "tried_digests": result.tried,
            **shown,
        }
        if match.ties:
            evidence["same_result"] = [_differing(tie, match.steps) for tie in match.ties[:6]]
        said = "; ".join(f"{step.step}: {step.done}" for step in (*steps, *others))
        yield Finding(
            code=cause,
            summary=f"{knowledge.cause(cause).title}: the captured signature comes out with {said}.",
            evidence=evidence,
            excluded=("key.secret-wrong",) if cause != "signature.secret-altered" else (),
        )


def _differing(tie: tuple[Step, ...], steps: tuple[Step, ...]) -> str:
    """Another recipe with the same result, by what it does otherwise."""
    return "; ".join(f"{step.step}: {step.done}" for step in tie if step not in steps) or "the same in another order"


def _compared(signed: Signed, match: Match) -> dict[str, Json]:
    """Both texts side by side, from where they differ."""
    right = b"".join((_bytes(signed.timestamp), _bytes(signed.method), _bytes(signed.target), signed.body))
    if right == match.prehash:
        return {"signed_text": "the right one"}
    want, was = (text.decode("utf-8", "backslashreplace") for text in (right, match.prehash))
    same = next((i for i, (a, b) in enumerate(zip(want, was, strict=False)) if a != b), min(len(want), len(was)))
    start = max(0, same - 200) if max(len(want), len(was)) > _LONGEST_SHOWN else 0
    lead = "…" if start else ""
    return {
        "should_be_signed": lead + _cut(want[start:]),
        "was_signed": lead + _cut(was[start:]),
        "same_beginning_characters": same,
    }


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 1]}…"


def _unexplained(result: Search, signed: Signed, capture: Capture, known: Known) -> Finding:
    key = capture.key if isinstance(capture, Login) else capture.header(visible.KEY)
    other_key = bool(key and known.api_key and key != known.api_key and not is_redacted(key))
    what = "pair" if result.pairs else "single mistake"
    because = "the capture was made with another API key than the one at hand" if other_key else (
        "the secret is another key's, or the bytes changed after they were signed"
    )  # fmt: skip
    return Finding(
        code="signature.unexplained",
        summary=f"No known mistake and no {what} of mistakes gives this signature: {because}.",
        evidence={
            "tried_digests": result.tried,
            "key_differs": other_key,
            "form": "login" if signed.login else "request",
        },
        excluded=tuple(_excluded(result)),
    )


def _excluded(result: Search) -> Iterator[str]:
    names = {
        "timestamp": "moments and forms of the timestamp",
        "method": "methods",
        "path": "paths",
        "query": "forms of the query",
        "body": "forms of the body",
        "secret": "alterations of the secret",
        "digest": "other hashes",
    }
    for step, amount in result.covered:
        yield f"{amount} {names[step]}"
    if result.pairs:
        yield "every pair of these"


# ---- other findings ------------------------------------------------------------------------------------------------


def _other_passphrase(capture: Capture, known: Known) -> Iterator[Finding]:
    if isinstance(capture, Login):
        key, passphrase = capture.key, capture.passphrase
    else:
        key, passphrase = capture.header(visible.KEY), capture.header(visible.PASSPHRASE)
    if not passphrase or is_redacted(passphrase) or not known.passphrase or key != known.api_key:
        return
    if passphrase != known.passphrase:
        same = passphrase.strip().strip("\"'") == known.passphrase.strip().strip("\"'")
        yield Finding(
            code="key.passphrase-wrong",
            summary="The passphrase in the capture is not the one at hand for this key"
            + (": they differ in blanks or quotation marks." if same else "."),
            evidence={"sent_length_characters": len(passphrase), "known_length_characters": len(known.passphrase)},
            confidence=Confidence.LIKELY,
        )


def _form_steps(findings: Iterable[Finding]) -> tuple[Step, ...]:
    """A timestamp in the wrong form is signed and sent alike, so the search has no step for it."""
    return tuple(
        Step(
            step="timestamp",
            done=", ".join(str(flaw) for flaw in flaws),
            should_be="as documented",
            cause=finding.code,
        )
        for finding in findings
        if finding.code == "timestamp.format" and isinstance(flaws := finding.evidence.get("flaws"), list)
    )


# ---- diagnosis -----------------------------------------------------------------------------------------------------

_SURE = {Confidence.CERTAIN: 0, Confidence.LIKELY: 1, Confidence.POSSIBLE: 2}
_LAYERS = ("header", "timestamp", "clock", "key", "signature", "precision", "order")


def _severity(finding: Finding) -> Severity:
    return finding.severity or Severity(knowledge.cause(finding.code).severity)


def _diagnosis(findings: Sequence[Finding], system: System) -> tuple[Diagnosis, ...]:
    """One row for each cause: errors first, then the surest, then whatever the exchange looks at first."""
    groups: dict[str, list[Finding]] = {}
    for finding in findings:
        groups.setdefault(finding.code, []).append(finding)
    rows = [_row(sorted(group, key=_rank), system) for group in groups.values()]
    return tuple(sorted(rows, key=lambda row: (row.severity.rank, _SURE[row.confidence], _layer(row.code))))


def _rank(finding: Finding) -> tuple[int, int]:
    return _severity(finding).rank, _SURE[finding.confidence]


def _layer(code: str) -> int:
    family = code.partition(".")[0]
    return _LAYERS.index(family) if family in _LAYERS else len(_LAYERS)


def _row(group: Sequence[Finding], system: System) -> Diagnosis:
    first, *others = group
    word = knowledge.cause(first.code)
    evidence: dict[str, Json] = dict(first.evidence)
    if others:
        evidence["also"] = [other.summary for other in others][:20]
    return Diagnosis(
        code=first.code,
        severity=_severity(first),
        blame=Blame(word.blame),
        summary=first.summary,
        confidence=first.confidence,
        evidence=evidence,
        excluded=tuple(dict.fromkeys(text for finding in group for text in finding.excluded)),
        remedy=on(first.remedy or word.remedy, system),
    )


def merged(inspections: Sequence[Inspection]) -> tuple[Diagnosis, ...]:
    """The diagnoses of several captures, one row for each cause, with the requests it was found in."""
    groups: dict[str, list[tuple[str, Diagnosis]]] = {}
    for inspection in inspections:
        for row in inspection.diagnosis:
            groups.setdefault(row.code, []).append((inspection.label, row))
    counts = Counter({code: len(group) for code, group in groups.items()})
    rows: list[Diagnosis] = []
    for group in groups.values():
        worst = min((row for _, row in group), key=lambda row: (row.severity.rank, _SURE[row.confidence]))
        evidence = dict(worst.evidence)
        if len(inspections) > 1:
            evidence["requests"] = [label for label, _ in group][:50]
            others = dict.fromkeys(row.summary for _, row in group if row.summary != worst.summary)
            if others:
                evidence["elsewhere"] = list(others)[:5]
        rows.append(replace(worst, evidence=evidence))
    return tuple(
        sorted(rows, key=lambda row: (row.severity.rank, _SURE[row.confidence], -counts[row.code], _layer(row.code)))
    )
