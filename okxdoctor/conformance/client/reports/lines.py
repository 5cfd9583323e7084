"""The wire log that proves a grade, as lines that may be shown to anybody.

Values of credentials and signatures are masked by name before the redaction of values, so that nothing depends on one
of them alone.
"""

from __future__ import annotations

import re

from okxdoctor.conformance.client.grade import Grade
from okxdoctor.conformance.client.suite import Outcome
from okxdoctor.conformance.client.trace import (
    Answered,
    Asked,
    Closed,
    Elsewhere,
    Ended,
    Event,
    Heard,
    Knock,
    Known,
    Opened,
    Pinged,
    Played,
    Printed,
    Said,
    Unanswered,
)
from okxdoctor.redact import Redactor
from okxdoctor.reports.words import cut, one_line

MOST = 8
LONG = 220
_MASKED = re.compile(r'("(?:sign|passphrase|apiKey|secret\w*)"\s*:\s*)"[^"]*"')


def redactor(known: Known) -> Redactor:
    return Redactor([value for value in (known.key, known.secret, known.passphrase) if value])


def proof(outcome: Outcome, grade: Grade) -> tuple[str, ...]:
    """The events of a grade, in the order of the wire, at most ``MOST``."""
    if grade.proof is None:
        return ()
    trace = next((each for each in outcome.traces if each.name == grade.proof.round), None)
    if trace is None:
        return ()
    clean = redactor(outcome.known)
    places = sorted({place for place in grade.proof.places if 0 <= place < len(trace.events)})
    # What an answer was belongs to the request that is shown.
    answers = {call.place: call.result_place for call in trace.calls if call.result_place is not None}
    places = sorted({*places, *(answers[place] for place in places if place in answers)})[:MOST]
    return tuple(line(trace.events[place], clean) for place in places)


def line(event: Event, clean: Redactor) -> str:
    """One event as a line, with its time in the round."""
    text = clean.text(_MASKED.sub(r'\1"***"', _words(event)))
    return cut(f"{event.at_s:8.3f} s  {one_line(text)}", LONG)


def _words(event: Event) -> str:
    match event:
        case Asked():
            stamp = dict(event.headers).get("ok-access-timestamp", "")
            signed = f"  [signed, timestamp {stamp}]" if stamp else ""
            return f"→ {event.method} {event.target}{signed} {event.body}"
        case Answered():
            by = f"  [{event.done}]" if event.done else ""
            return f"← {event.status}{by} {event.body}"
        case Unanswered():
            return f"← no answer  [{event.done}; the exchange {'has' if event.reached else 'has not'} seen the request]"
        case Opened():
            by = f"  [{event.done}]" if event.done else ""
            return f"→ WebSocket {event.conn} to /{event.path}: {event.status or 'reset'}{by}"
        case Heard():
            return f"→ ws {event.conn} {event.text}"
        case Said():
            by = f"[{event.done}] " if event.done else ""
            return f"← ws {event.conn} {by}{event.text}"
        case Pinged():
            return f"→ ws {event.conn} (a ping frame)"
        case Closed():
            by = f"{event.by}, {event.done}" if event.done else event.by
            return f"  WebSocket {event.conn} ends with {event.code} (by the {by})"
        case Played():
            return f"  {event.name} {event.detail}"
        case Knock():
            said = f": {event.detail}" if event.detail else ""
            return f"  TLS handshake with a certificate that is {event.shown}: {event.outcome}{said}"
        case Elsewhere():
            return f"→ a connection to {event.host} is asked of the proxy"
        case Printed():
            return f"  {event.stream}: {event.text}"
        case Ended():
            return f"  the program ends with status {event.status}"
