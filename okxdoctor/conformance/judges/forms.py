"""The ways in which each step of a signature is done, the wrong ones by the names that the reference vectors use."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import permutations
from typing import Any
from urllib.parse import quote, quote_plus, unquote

from okxdoctor.conformance.exact import NotJson, json_value
from okxdoctor.conformance.judges import values
from okxdoctor.conformance.judges.values import text_of

_NUMBER = re.compile(r"0|[1-9][0-9]{0,9}")


@dataclass(frozen=True, slots=True)
class Form:
    """One way to do a step. ``name`` is "" for the right one."""

    name: str
    value: Any


def keyed(name: str) -> Callable[[bytes, bytes], bytes]:
    return lambda key, message: hmac.digest(key, message, name)


DIGESTS = [
    Form("HMAC-SHA1", keyed("sha1")),
    Form("HMAC-SHA384", keyed("sha384")),
    Form("HMAC-SHA512", keyed("sha512")),
    Form("HMAC-MD5", keyed("md5")),
    Form("SHA-256 of prehash and secret", lambda key, message: hashlib.sha256(message + key).digest()),
    Form("SHA-256 of secret and prehash", lambda key, message: hashlib.sha256(key + message).digest()),
    Form("SHA-256 without the secret", lambda _key, message: hashlib.sha256(message).digest()),
    Form("HMAC with key and message exchanged", lambda key, message: hmac.digest(message, key, "sha256")),
]


def base64_text(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


ENCODINGS = [
    Form("hexadecimal", lambda raw: raw.hex()),
    Form("upper-case hexadecimal", lambda raw: raw.hex().upper()),
    Form("Base64 of the hexadecimal text", lambda raw: base64_text(raw.hex().encode())),
    Form("URL-safe Base64", lambda raw: base64.urlsafe_b64encode(raw).decode("ascii")),
    Form("Base64 without padding", lambda raw: base64_text(raw).rstrip("=")),
    Form("URL-safe Base64 without padding", lambda raw: base64.urlsafe_b64encode(raw).decode("ascii").rstrip("=")),
    Form("Base64 with a line feed", lambda raw: base64_text(raw) + "\n"),
    Form("the text of Python bytes", lambda raw: repr(base64.b64encode(raw))),
    Form("Base64 percent-encoded", lambda raw: quote(base64_text(raw), safe="")),
]


def timestamps(timestamp: str) -> Iterator[Form]:
    """Other forms of the same moment, and moments beside it; of a text in another form only that it is left out."""
    yield Form("left out", "")
    try:
        moment = datetime.strptime(timestamp, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    except ValueError:
        return
    whole = moment - datetime(1970, 1, 1, tzinfo=UTC)
    ms = (whole.days * 86_400 + whole.seconds) * 1000 + whole.microseconds // 1000
    head, fraction = timestamp[:-5], timestamp[-4:-1]
    yield Form("epoch seconds", str(ms // 1000))
    yield Form("epoch milliseconds", str(ms))
    yield Form("epoch seconds with a fraction", f"{ms // 1000}.{fraction}")
    # str(time.time()): a fraction without the zeros at its end, ".0" at a full second
    yield Form("epoch seconds with a fraction", f"{ms // 1000}.{fraction.rstrip('0') or '0'}")
    yield Form("without milliseconds", f"{head}Z")
    yield Form("with unpadded milliseconds", f"{head}.{int(fraction)}Z")
    yield Form("without trailing zeros", f"{head}.{fraction}".rstrip("0").rstrip(".") + "Z")
    yield Form("without Z", timestamp[:-1])
    yield Form("with microseconds", f"{timestamp[:-1]}000Z")
    yield Form("with nanoseconds", f"{timestamp[:-1]}000000Z")
    yield Form("with two fraction digits", f"{timestamp[:-2]}Z")
    yield Form("with a comma", timestamp.replace(".", ","))
    yield Form("in the form of the HTTP Date header", format_datetime(moment, usegmt=True))
    for hours in (-8, -7, -6, -5, -4, -3, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10):
        local = _iso(moment + timedelta(hours=hours))[:-1]
        yield Form("with a local offset", f"{local}{hours:+03d}:00")
        yield Form("in local time", f"{local}Z")
    yield Form("with an offset of zero", f"{timestamp[:-1]}+00:00")
    yield Form("with a space for T", timestamp.replace("T", " "))
    yield Form("in lower case", timestamp.lower())
    for delta, name in ((1, "one millisecond later"), (-1, "one millisecond earlier")):
        yield Form(name, _iso(moment + timedelta(milliseconds=delta)))
    for delta in (1, 2):
        word = "one second" if delta == 1 else "two seconds"
        yield Form(f"{word} later", _iso(moment + timedelta(seconds=delta)))
        yield Form(f"{word} earlier", _iso(moment - timedelta(seconds=delta)))


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def methods(method: str) -> Iterator[Form]:
    yield Form("in lower case", method.lower())
    yield Form("as it was given", method)
    yield Form("capitalised", method.capitalize())
    yield Form("left out", "")
    yield Form("the other of GET and POST", "POST" if method.upper() == "GET" else "GET")


def arrangements(parts: Mapping[str, str]) -> Iterator[Form]:
    """The same four parts in another order, or with something between them. ``parts`` by name, in the right order."""
    marks = {"": "nothing", "\n": "a line feed", " ": "a space", "+": "a plus sign", "|": "a bar", "&": "an ampersand",
             ",": "a comma", ":": "a colon", "-": "a hyphen"}  # fmt: skip
    for order in permutations(parts):
        for mark, name in marks.items():
            listed = f"{', '.join(order)}, with {name} between them"
            yield Form(listed, mark.join(parts[part] for part in order))
            yield Form(listed, mark.join(parts[part] for part in order if parts[part]))


RFC = "as RFC 3986 writes it"
HOSTS = ("www.okx.com", "openapi.okx.com", "eea.okx.com", "us.okx.com", "aws.okx.com", "my.okx.com")


def paths(path: str) -> Iterator[Form]:
    """What else signers take for the path."""
    yield Form("left out", "")
    for host in HOSTS:
        yield Form("with scheme and host", f"https://{host}{path}")
        yield Form("with host", f"{host}{path}")
    yield Form("without /api/v5", path.removeprefix("/api/v5"))
    yield Form("without /api", path.removeprefix("/api"))
    yield Form("without the first slash", path.removeprefix("/"))
    yield Form("with a slash after it", f"{path}/")
    yield Form("without the slash after it", path.removesuffix("/"))
    yield Form("in lower case", path.lower())
    yield Form("with a second slash before it", f"/{path}")


def queries(query: str, mark: str, params: Sequence[Sequence[Any]]) -> Iterator[Form]:
    """Other forms of what stands behind ``mark`` ("?" or ""): left out, sorted, encoded otherwise, from ``params``."""
    if mark:
        yield Form("left out", "")
    else:
        yield Form("with a bare ?", "?")
    if query:
        yield Form("without the ?", query)
        yield Form("sorted", "?" + "&".join(sorted(query.split("&"))))
        yield Form("reverse sorted", "?" + "&".join(sorted(query.split("&"), reverse=True)))
        yield Form("reversed", "?" + "&".join(reversed(query.split("&"))))
        yield Form("with spaces as +", "?" + query.replace("%20", "+"))
        yield Form("with spaces as %20", "?" + query.replace("+", "%20"))
        yield Form("with lower-case hexadecimal", "?" + _recased(query, str.lower))
        yield Form("with upper-case hexadecimal", "?" + _recased(query, str.upper))
        yield Form("encoded twice", "?" + query.replace("%", "%25"))
        yield Form("with commas left raw", "?" + query.replace("%2C", ",").replace("%2c", ","))
        yield Form("with commas escaped", "?" + query.replace(",", "%2C"))
        yield Form("decoded", "?" + unquote(query))
    sent = values.read(query)
    # Order and booleans as they are sent, so that another mistake beside them is seen for itself.
    pairs = [
        (str(name), str(value) if isinstance(value, bool) and (str(name), str(value)) in sent else value)
        for name, value in _as_ordered(params, sent)
    ]
    kept, _ = values.asked(pairs, sent)
    writers: Sequence[tuple[str, Callable[[str], str]]] = (
        (RFC, lambda text: quote(text, safe="")),
        ("with commas left raw", lambda text: quote(text, safe=",")),
        ("decoded", lambda text: text),
        ("with spaces as +", quote_plus),
        ("as encodeURIComponent writes it", lambda text: quote(text, safe="!'()*")),
        ("as encodeURI writes it", lambda text: quote(text, safe=";/?:@&=+$,#-_.!~*'()")),
        ("with lower-case hexadecimal", lambda text: _recased(quote(text, safe=""), str.lower)),
        ("with slashes left raw", lambda text: quote(text, safe="/")),
    )
    selections: Sequence[tuple[str, Sequence[tuple[str, str]]]] = (
        ("", kept),
        *values.ways(pairs),
        ("sorted", sorted(kept)),
        ("with one value for a repeated name", list(dict(kept).items())),
        ("without empty values", [pair for pair in kept if pair[1]]),
        ("with booleans as Python writes them", [(key, str(value)) for key, value in pairs if value is not None]),
        *(
            (f"with {word or 'an empty text'} for an absent value", values.asked(_filled(ordered, word), sent)[0])
            for word in ("None", "null", "undefined", "")
            for ordered in (pairs, _as_in_javascript(pairs))
        ),
        *(
            (f"{way}, with {word} for an absent value", chosen)
            for word in ("None", "null", "undefined")
            if any(value is None for _, value in pairs) and values.has_list(pairs)
            for way, chosen in values.ways(_filled(pairs, word))
        ),
        ("with Python's text of every value", [(key, str(value)) for key, value in params]),
    )
    # Every way to write that gives what was sent: it is no deviation beside another choice of pairs.
    usual = [name for name, write in writers if _joined(kept, write) == query] or [RFC]
    for selection, chosen in selections:
        # Beside another choice of pairs the usual encodings say nothing of their own, so they come first.
        for name, write in sorted(writers, key=lambda writer: writer[0] not in usual) if selection else writers:
            made = _joined(chosen, write)
            as_usual = name in usual
            yield Form(
                (name if not selection else selection if as_usual else f"{selection}, {name}"), made and f"?{made}"
            )


def _as_ordered(params: Sequence[Sequence[Any]], sent: values.Pairs) -> Sequence[Sequence[Any]]:
    """The parameters in the order in which their names are sent (JavaScript moves names like 10 to the front)."""
    places: dict[str, int] = {}
    for place, (name, _) in enumerate(sent):
        places.setdefault(name, place)
    ranks, last = [], -1
    for name, _ in params:
        last = places.get(str(name), places.get(f"{name}[]", places.get(f"{name}[0]", last)))
        ranks.append(last)
    return [params[at] for at in sorted(range(len(params)), key=ranks.__getitem__)]


def _as_in_javascript(pairs: Sequence[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """The order of an object's members there: names that are whole numbers first, by their size."""
    numbers = [pair for pair in pairs if _NUMBER.fullmatch(pair[0])]
    return sorted(numbers, key=lambda pair: int(pair[0])) + [pair for pair in pairs if pair not in numbers]


def _joined(pairs: Sequence[tuple[str, str]], write: Callable[[str], str]) -> str:
    return "&".join(f"{write(key)}={write(value)}" for key, value in pairs)


def _filled(pairs: Sequence[tuple[str, Any]], word: str) -> list[tuple[str, Any]]:
    return [(name, word if value is None else value) for name, value in pairs]


def _recased(query: str, case: Callable[[str], str]) -> str:
    pieces = query.split("%")
    return pieces[0] + "".join("%" + case(piece[:2]) + piece[2:] for piece in pieces[1:])


def bodies(body: str, body_json: str | None) -> Iterator[Form]:
    """What else signers take for the body: texts for none, and the same JSON written otherwise."""
    if body:
        yield Form("left out", "")
    for text in ("{}", "None", "null", "undefined", '""', "[]"):
        yield Form(f"the text {text}", text)
    if body:
        yield Form("with a line feed after it", body + "\n")
        yield Form("with escaped slashes", body.replace("/", "\\/"))
        yield Form("without escaped slashes", body.replace("\\/", "/"))
    for source in dict.fromkeys((body, body_json or "")):
        yield from _renderings(source, body)


def _renderings(source: str, sent: str) -> Iterator[Form]:
    if not source:
        return
    yield Form("as it was given", source)
    try:
        json_value(source)
        value = json.loads(source)
    except (NotJson, ValueError, RecursionError):
        return
    if isinstance(value, dict):
        ordered = dict(_as_in_javascript(list(value.items())))
        if list(ordered) != list(value):
            yield Form("as it was given", json.dumps(ordered, separators=(",", ":"), ensure_ascii=False))
    # What differs from the sent body names the deviation: spacing first, escapes where the spacing is the same.
    for name, separators in (("rendered compactly", (",", ":")), ("rendered with spaces", (", ", ": "))):
        raw = json.dumps(value, separators=separators, ensure_ascii=False)
        escaped = json.dumps(value, separators=separators)
        yield Form("without escapes for non-ASCII" if sent == escaped else name, raw)
        yield Form("with escapes for non-ASCII" if sent == raw else name, escaped)
    yield Form("with sorted names", json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False))
    yield Form("with sorted names", json.dumps(value, separators=(",", ":"), sort_keys=True))
    yield Form("with sorted names", json.dumps(value, sort_keys=True))
    for indent in (2, 4):
        yield Form("rendered over several lines", json.dumps(value, indent=indent, ensure_ascii=False))
        yield Form("rendered over several lines", json.dumps(value, indent=indent))
    yield Form("rendered over several lines", json.dumps(value, indent="\t", ensure_ascii=False))
    yield Form("as text of a Python dict", str(value))
    if isinstance(value, dict):
        yield Form("as a form", "&".join(f"{name}={text_of(item)}" for name, item in value.items()))
        yield Form(
            "as a form", "&".join(f"{quote_plus(name)}={quote_plus(text_of(item))}" for name, item in value.items())
        )
        yield Form("with names and values joined", "".join(f"{name}{text_of(item)}" for name, item in value.items()))


def secrets(secret: str, others: Mapping[str, str]) -> Iterator[Form]:
    """What the secret may have been mistaken for: the same changed, or one of ``others`` (name and value)."""
    changed = [
        *others.items(),
        ("in lower case", secret.lower()),
        ("in upper case", secret.upper()),
        ("without white space around it", secret.strip()),
        ("with a line feed after it", f"{secret}\n"),
        ("with a carriage return after it", f"{secret}\r"),
        ("with a carriage return and line feed after it", f"{secret}\r\n"),
        ("with a space before it", f" {secret}"),
        ("with a space after it", f"{secret} "),
        ("in double quotes", f'"{secret}"'),
        ("in single quotes", f"'{secret}'"),
        ("with its last character missing", secret[:-1]),
        ("with its first character missing", secret[1:]),
        ("with a byte order mark", f"\ufeff{secret}"),
        ("encoded as Base64", base64.b64encode(secret.encode("utf-8", "surrogatepass")).decode()),
        ("empty", ""),
    ]
    for name, text in changed:
        yield Form(name, text.encode("utf-8", "surrogatepass"))
    try:
        yield Form("in Latin-1", secret.encode("latin-1"))
    except UnicodeEncodeError:
        pass
    try:
        yield Form("decoded from hexadecimal", bytes.fromhex(secret))
    except ValueError:
        pass
    for padding in ("", "=", "=="):
        try:
            yield Form("decoded from Base64", base64.b64decode(secret + padding, validate=True))
            return
        except (binascii.Error, ValueError):
            continue
