"""Have the answers of this run the documented shape?

Looks at everything that the run has heard, whichever check asked for it: each REST answer of the target, each message
of its WebSockets, all rows and all paths. It compares the forms of the fields with typed models of the answers (field,
form on the wire, known words, may it be empty). Of what nobody else asks it reads one list and one order book.

What it finds, and what to do:
* field missing: a field that every answer had is gone or has another name. Read it with a default.
* type changed: a JSON number where a text stood or the other way round, null or '' where a number stood, a number with
  an exponent, another unit of time, another envelope. Strict parsers stop here; lenient ones read a wrong value.
* unknown value: a word outside of the known set (a new state, a new type). Skip such rows.
* new field: harmless, and told for parsers that forbid what they do not know.
* not JSON: one endpoint answers with status 200 and a page or nothing, while others answer as they should.

A proxy or SDK in between can be the one that changes values: look at the raw answer (curl -s) before blaming the
exchange. Figures of private answers are not kept, only their forms.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs

from okxdoctor.check import Check, Inconclusive, Skip
from okxdoctor.knowledge.shape_table import Field, Shape, shape
from okxdoctor.model import Confidence, Finding, Json, Severity
from okxdoctor.port import Answer, Ask, Conversation, Io, Traffic
from okxdoctor_checks._answers import MESSAGE_LENGTH, line, read, standing_in_the_way, together
from okxdoctor_checks._control import CONTROL_INSTRUMENTS
from okxdoctor_checks._schema_drift import Change, Departure, departures
from okxdoctor_checks._schema_forms import Part, Profile, Walk, decoded, walked

OWN_ASKS = (
    f"/api/v5/public/instruments?instType=SPOT&instId={CONTROL_INSTRUMENTS[0]}",
    f"/api/v5/market/books?instId={CONTROL_INSTRUMENTS[0]}&sz=5",
)
LIQUID = frozenset(CONTROL_INSTRUMENTS)
"""Of these, figures are never empty; of others nothing may be traded yet."""
NAMED_AT_MOST = 3
_INST_ID = re.compile(r'"instId"\s*:\s*"([^"]{1,64})"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Odd:
    """An endpoint that answered 200 with something that is no JSON."""

    place: str
    content_type: str
    begins: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """``unmodelled``: places whose rows were not compared, for want of a model."""

    answers: int
    messages: int
    profiles: tuple[Profile, ...]
    odd: tuple[Odd, ...] = ()
    unmodelled: tuple[str, ...] = ()


# ---- probe -------------------------------------------------------------------------------------


async def probe(io: Io) -> Facts:
    heard = await io.given(Traffic) or Traffic()
    # Of other instruments figures may be empty: they do not stand for these.
    known = {answer.path.partition("?")[0] for answer in heard.answers if _of_liquid(answer)}
    missing = [path for path in OWN_ASKS if path.partition("?")[0] not in known]
    own = tuple(answer for answer in await together(*(_ask(io, path) for path in missing)) if answer is not None)
    traffic = Traffic(answers=(*heard.answers, *own), conversations=heard.conversations)
    gathered = _Gathered()
    here = f"{io.view.rest.url.rstrip('/')}/"
    for answer in traffic.answers:
        if answer.url.startswith(here):
            gathered.answer(answer)
    for conversation in traffic.conversations:
        gathered.conversation(conversation)
    if not gathered.answers and not gathered.messages:
        for answer in traffic.answers:
            obstacle = standing_in_the_way(read(answer), io.view.rest.host)
            if obstacle is not None:
                raise obstacle
        raise Skip("no answer of the API was heard", layer="http")
    return gathered.facts()


def _of_liquid(answer: Answer) -> bool:
    """Not the contract on it, which names it as its family."""
    asked = parse_qs(answer.path.partition("?")[2]).get("instId")
    return not LIQUID.isdisjoint(asked or _INST_ID.findall(answer.body))


async def _ask(io: Io, path: str) -> Answer | None:
    try:
        return await io.http(Ask(method="GET", path=path))
    except (Skip, Inconclusive):  # a recording does not hold it
        return None


class _Gathered:
    """What the messages of a run hold, by place."""

    def __init__(self) -> None:
        self.answers = self.messages = 0
        self._walks: dict[tuple[str, Part], Walk] = {}
        self._odd: dict[str, Odd] = {}
        self._unmodelled: set[str] = set()

    def answer(self, answer: Answer) -> None:
        if answer.status is None or answer.failure is not None or answer.truncated or "\ufffd" in answer.body:
            return
        place = f"{answer.method} {answer.path.partition('?')[0]}"
        try:
            body = decoded(answer.body)
        except ValueError:
            if answer.status == 200:
                self._not_json(place, answer)
            return
        if not isinstance(body, dict) or not ("code" in body or "data" in body):
            return
        if not isinstance(body.get("data"), list) and read(answer).kind == "not-json":
            return  # a gateway's own, whatever its members are called
        self.answers += 1
        code = body.get("code", "0")
        good = answer.status == 200 and isinstance(code, str) and code in _WITH_ROWS
        self._walk(place, "answer" if good else "refusal", [_without_rows(body)], private=True)
        if good:
            self._rows(place, body, private=answer.signed)

    def _not_json(self, place: str, answer: Answer) -> None:
        before = self._odd.get(place)
        self._odd[place] = Odd(
            place=place,
            content_type=line(answer.header("content-type") or "", 60),
            begins=line(answer.body, 60),
            count=1 + (before.count if before is not None else 0),
        )

    def conversation(self, conversation: Conversation) -> None:
        private = conversation.url.rstrip("/").endswith(("/private", "/business"))
        for text in conversation.received:
            try:
                body = decoded(text)
            except ValueError:  # a pong, or what the check of the WebSocket judges
                continue
            if not isinstance(body, dict):
                continue
            self.messages += 1
            if isinstance(event := body.get("event"), str):
                self._walk(f"WS event {event[:40]}", "event", [body], private=True)
            elif isinstance(arg := body.get("arg"), dict) and isinstance(channel := arg.get("channel"), str):
                place = f"WS {channel[:40]}"
                self._walk(place, "push", [_without_rows(body)], private=True)
                self._rows(place, body, private=private)

    def _rows(self, place: str, body: dict[str, object], *, private: bool) -> None:
        model, data = shape(place), body.get("data")
        if model is None:
            self._unmodelled.add(place)
        elif isinstance(data, list):
            self._walk(place, "rows", data, private=private)
            if model.message:
                beside: object = {name: body[name] for name in model.message if name in body}
                self._walk(place, "beside", [beside], private=True)

    def _walk(self, place: str, part: Part, rows: list[object], *, private: bool) -> None:
        found = judged(place, part)
        if found is None:
            self._unmodelled.add(place)
            return
        walk = self._walks.get((place, part))
        if walk is None:
            words = frozenset(field.path for field in found[1].values() if field.words)
            walk = self._walks[place, part] = Walk(place=place, part=part, words=words, examples=not private)
        walk.messages += 1
        walk.add_rows(rows, liquid=LIQUID)

    def facts(self) -> Facts:
        return Facts(
            answers=self.answers,
            messages=self.messages,
            profiles=walked(self._walks.values()),
            odd=tuple(self._odd[place] for place in sorted(self._odd)),
            unmodelled=tuple(sorted(self._unmodelled)),
        )


_WITH_ROWS = frozenset({"0", "1", "2"})


def _without_rows(body: dict[str, object]) -> dict[str, object]:
    """What stands around the rows."""
    data = body.get("data")
    empty: object = [] if isinstance(data, list) else {} if isinstance(data, dict) else data
    return {**body, "data": empty} if "data" in body else body


_ENVELOPES: dict[Part, str] = {"answer": "REST success", "refusal": "REST envelope", "push": "WS data"}


def judged(place: str, part: Part) -> tuple[Shape, Mapping[str, Field]] | None:
    """The model for a part of the messages of a place, and its fields that lie in that part."""
    model = shape(_ENVELOPES.get(part, place))
    if model is None:
        return None
    return model, model.message if part == "beside" else model.fields


# ---- evaluate ----------------------------------------------------------------------------------

_CODES: dict[Change, str] = {
    "missing": "schema.field-missing",
    "renamed": "schema.field-missing",
    "type": "schema.type-changed",
    "null": "schema.type-changed",
    "emptied": "schema.type-changed",
    "number-format": "schema.type-changed",
    "time-unit": "schema.type-changed",
    "unknown-word": "schema.unknown-value",
    "new": "schema.new-field",
}


def evaluate(facts: Facts) -> Iterable[Finding]:
    found: dict[tuple[str, str], list[tuple[Profile, Departure]]] = {}
    for profile in facts.profiles:
        model = judged(profile.place, profile.part)
        for departure in departures(profile, *model) if model is not None else ():
            # Beside the rows some endpoints have more (hasNext, inTime): no model of an envelope is closed.
            if departure.change != "new" or profile.part in ("rows", "event"):
                key = (_CODES[departure.change], _subject(profile.place))
                found.setdefault(key, []).append((profile, departure))
    for (code, subject), group in found.items():
        yield _finding(code, subject, group, facts)
    if facts.answers and facts.odd:
        yield _not_json(facts)


def _subject(place: str) -> str:
    """The way, and whether it is the order book, which the check of the book rebuilds from these fields."""
    way = "ws" if place.startswith("WS ") else "rest"
    return f"{way} books" if place in ("WS books", "GET /api/v5/market/books") else way


def _finding(code: str, subject: str, group: Sequence[tuple[Profile, Departure]], facts: Facts) -> Finding:
    words = [_told(*each) for each in group[:NAMED_AT_MOST]]
    while len(words) > 1 and len("; ".join(words)) > MESSAGE_LENGTH - len("; and 99 more."):
        words.pop()
    more = f"; and {len(group) - len(words)} more" if len(group) > len(words) else ""
    told = "; ".join(words)
    # A figure that is odd in some rows only may be those rows' peculiarity.
    sure = code in _SURE or any(departure.count == departure.of for _, departure in group)
    rows: list[Json] = [
        {
            "place": profile.place,
            "part": profile.part,
            "field": departure.path,
            "change": departure.change,
            "documented": departure.documented,
            "seen": departure.seen,
            "count": departure.count,
            "of": departure.of,
        }
        for profile, departure in group[:20]
    ]
    return Finding(
        code=code,
        summary=line(f"{told}{more}."),
        evidence={"changes": rows, "fields": len(group), "answers": facts.answers, "messages": facts.messages},
        subject=subject,
        confidence=Confidence.CERTAIN if sure else Confidence.LIKELY,
        excluded=_RULED_OUT[code],
    )


_SURE = frozenset({"schema.unknown-value", "schema.new-field"})
_RULED_OUT = {
    "schema.field-missing": ("schema.type-changed",),
    "schema.type-changed": ("schema.field-missing",),
    "schema.unknown-value": ("schema.new-field",),
    "schema.new-field": ("schema.unknown-value",),
}


def _told(profile: Profile, departure: Departure) -> str:
    where = profile.place.removeprefix("GET /api/v5/").removeprefix("POST /api/v5/")
    part = f" ({departure.count} of {departure.of})" if departure.count < departure.of else ""
    match departure.change:
        case "missing" | "renamed":
            return f"{where}: {departure.path} is {departure.seen}{part}"
        case "unknown-word":
            return f"{where}: {departure.path} is {departure.seen!r}, which is no known value"
        case "new":
            return f"{where}: {departure.path} is new"
        case _:
            return f"{where}: {departure.path} is {departure.seen}, documented as {departure.documented}{part}"


def _not_json(facts: Facts) -> Finding:
    worst = max(facts.odd, key=lambda odd: odd.count)
    where = worst.place.removeprefix("GET /api/v5/")
    return Finding(
        code="http.not-json",
        summary=line(
            f"{where} answers 200 with no JSON ({worst.content_type or 'no type'}) while others answer in JSON."
        ),
        evidence={
            "places": [odd.place for odd in facts.odd],
            "content_type": worst.content_type or None,
            "excerpt": worst.begins or None,
            "answers_in_json": facts.answers,
        },
        subject="rest",
        severity=Severity.WARNING,
        confidence=Confidence.LIKELY,
        excluded=("schema.type-changed",),
    )


CHECK = Check(
    id="schema",
    title="The answers have the documented shape",
    facts=Facts,
    probe=probe,
    evaluate=evaluate,
    reads=("*",),
    matters=False,
    causes=(
        "schema.field-missing",
        "schema.type-changed",
        "schema.unknown-value",
        "schema.new-field",
        "http.not-json",
    ),
)
