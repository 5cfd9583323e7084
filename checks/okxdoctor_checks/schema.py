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

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from okxdoctor.check import Check, Inconclusive, Skip
from okxdoctor.knowledge.shape_table import Field, Shape, shape
from okxdoctor.model import Confidence, Finding, Json, Severity
from okxdoctor.port import Answer, Ask, Conversation, Io, Traffic
from okxdoctor_checks._answers import line, read, standing_in_the_way, together
from okxdoctor_checks._control import CONTROL_INSTRUMENTS
from okxdoctor_checks._schema_drift import Change, Departure, departures
from okxdoctor_checks._schema_forms import Profile, Walk, decoded, walked

OWN_ASKS = (
    f"/api/v5/public/instruments?instType=SPOT&instId={CONTROL_INSTRUMENTS[0]}",
    f"/api/v5/market/books?instId={CONTROL_INSTRUMENTS[0]}&sz=5",
)
LIQUID = frozenset(CONTROL_INSTRUMENTS)
"""Of these, figures are never empty; of others nothing may be traded yet."""
REFUSED, ANSWERED, PUSHED = "REST envelope", "REST success", "WS data"
NAMED_AT_MOST = 3


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
    asked = await together(*(_ask(io, path) for path in OWN_ASKS))
    heard = await io.given(Traffic)
    own = tuple(answer for answer in asked if answer is not None)
    traffic = heard if heard is not None else Traffic(answers=own)
    gathered = _Gathered()
    here = f"{io.view.rest.url.rstrip('/')}/"
    for answer in traffic.answers:
        if answer.url.startswith(here):
            gathered.answer(answer)
    for conversation in traffic.conversations:
        gathered.conversation(conversation)
    if not gathered.answers and not gathered.messages:
        for answer in own:
            obstacle = standing_in_the_way(read(answer), io.view.rest.host)
            if obstacle is not None:
                raise obstacle
        raise Skip("no answer of the API was heard", layer="http")
    return gathered.facts()


async def _ask(io: Io, path: str) -> Answer | None:
    try:
        return await io.http(Ask(method="GET", path=path))
    except (Skip, Inconclusive):  # a recording does not hold it
        return None


class _Gathered:
    """What the messages of a run hold, by place."""

    def __init__(self) -> None:
        self.answers = self.messages = 0
        self._walks: dict[str, Walk] = {}
        self._odd: dict[str, Odd] = {}
        self._unmodelled: set[str] = set()

    def answer(self, answer: Answer) -> None:
        if answer.status is None or answer.failure is not None or answer.truncated or "\ufffd" in answer.body:
            return
        place = f"{answer.method} {answer.path.partition('?')[0]}"
        try:
            body = decoded(answer.body)
        except ValueError:
            body = None
        if not isinstance(body, dict) or "code" not in body:
            if answer.status == 200 and body is None:
                self._not_json(place, answer)
            elif answer.status == 200 and isinstance(body, dict) and "data" in body:
                self._frame(ANSWERED, body)
            return
        self.answers += 1
        self._frame(ANSWERED if body["code"] == "0" else REFUSED, body)
        if body["code"] in ("0", "1", "2") and answer.status == 200:
            self._rows(place, body.get("data"), {}, private=answer.signed)

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
            if text == "pong":
                continue
            try:
                body = decoded(text)
            except ValueError:
                continue
            if not isinstance(body, dict):
                continue
            self.messages += 1
            if isinstance(event := body.get("event"), str):
                self._frame(f"WS event {event[:40]}", body)
            elif isinstance(arg := body.get("arg"), dict) and isinstance(channel := arg.get("channel"), str):
                self._frame(PUSHED, body)
                self._rows(f"WS {channel[:40]}", body.get("data"), body, private=private)

    def _frame(self, place: str, body: dict[str, object]) -> None:
        """What stands around the rows: everything but what is in ``data``."""
        around = {name: ([] if isinstance(value, list) else value) if name == "data" else value
                  for name, value in body.items()}  # fmt: skip
        if isinstance(around.get("data"), dict):
            around["data"] = {}
        self._walk(place, private=True, rows=[around])

    def _rows(self, place: str, data: object, body: dict[str, object], *, private: bool) -> None:
        model = shape(place)
        if model is None:
            self._unmodelled.add(place)
        elif isinstance(data, list):
            self._walk(place, private=private, rows=data)
            if model.message:
                beside = {name: body[name] for name in model.message if name in body}
                self._walk(f"{place} message", private=True, rows=[beside], model=model)

    def _walk(self, place: str, *, private: bool, rows: list[object], model: Shape | None = None) -> None:
        model = model or shape(place)
        if model is None:
            self._unmodelled.add(place)
            return
        walk = self._walks.get(place)
        if walk is None:
            judged = model.message if place.endswith(" message") else model.fields
            words = frozenset(field.path for field in judged.values() if field.words)
            walk = self._walks[place] = Walk(place=place, words=words, examples=not private)
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
    found: dict[tuple[str, str], list[Departure]] = {}
    for profile in facts.profiles:
        for departure in _departures(profile):
            found.setdefault((_CODES[departure.change], _subject(profile.place)), []).append(departure)
    for (code, subject), group in found.items():
        yield _finding(code, subject, group, facts)
    if facts.answers and facts.odd:
        yield _not_json(facts)


def _departures(profile: Profile) -> Iterator[Departure]:
    place = profile.place.removesuffix(" message")
    model = shape(place)
    if model is None:
        return
    fields: dict[str, Field] = dict(model.message if place != profile.place else model.fields)
    for departure in departures(profile, model, fields):
        if departure.change == "new" and place in (REFUSED, ANSWERED, PUSHED):
            # Beside the rows some endpoints have more (hasNext, inTime): nobody's model of an envelope is closed.
            continue
        yield departure


def _subject(place: str) -> str:
    return "ws" if place.startswith("WS ") else "rest"


def _finding(code: str, subject: str, group: Sequence[Departure], facts: Facts) -> Finding:
    first = max(group, key=lambda departure: departure.count / max(1, departure.of))
    told = "; ".join(_told(departure) for departure in group[:NAMED_AT_MOST])
    more = f"; and {len(group) - NAMED_AT_MOST} more" if len(group) > NAMED_AT_MOST else ""
    sure = first.count == first.of and first.change not in ("unknown-word", "new")
    rows: list[Json] = [
        {
            "place": departure.place,
            "field": departure.path,
            "change": departure.change,
            "documented": departure.was,
            "seen": departure.now,
            "count": departure.count,
            "of": departure.of,
        }
        for departure in group[:20]
    ]
    return Finding(
        code=code,
        summary=line(f"{told}{more}."),
        evidence={"changes": rows, "fields": len(group), "answers": facts.answers, "messages": facts.messages},
        subject=subject,
        confidence=Confidence.CERTAIN if sure or code in ("schema.new-field", "schema.unknown-value")
        else Confidence.LIKELY,
        excluded=_excluded(code),
    )  # fmt: skip


_RULED_OUT = {
    "schema.field-missing": ("schema.type-changed",),
    "schema.type-changed": ("schema.field-missing",),
    "schema.unknown-value": ("schema.new-field",),
    "schema.new-field": ("schema.unknown-value",),
}


def _excluded(code: str) -> tuple[str, ...]:
    return _RULED_OUT[code]


def _told(departure: Departure) -> str:
    where = departure.place.removeprefix("GET /api/v5/").removeprefix("POST /api/v5/").removesuffix(" message")
    part = f" ({departure.count} of {departure.of})" if departure.count < departure.of else ""
    match departure.change:
        case "missing" | "renamed":
            return f"{where}: {departure.path} is {departure.now}{part}"
        case "unknown-word":
            return f"{where}: {departure.path} is {departure.now!r}, which is no known value"
        case "new":
            return f"{where}: {departure.path} is new"
        case _:
            return f"{where}: {departure.path} is {departure.now}, documented as {departure.was}{part}"


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
