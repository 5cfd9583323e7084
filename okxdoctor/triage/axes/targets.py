"""The request path that was signed: another path, another order or another percent-encoding of the query."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import quote, quote_plus, unquote, unquote_plus, urlencode

from okxdoctor.triage.recipe import Step, Variant, distinct

_HOSTS = ("www.okx.com", "openapi.okx.com", "aws.okx.com", "eea.okx.com", "my.okx.com", "us.okx.com", "app.okx.com",
          "tr.okx.com", "okx.com")  # fmt: skip
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
_MAX_QUERY = 4_000
"""A longer query is taken in its plain mistakes only, not in pairs of them."""


@dataclass(frozen=True, slots=True)
class _Target:
    """Path and query apart; `mark` is what stands between them ("" where there is no query)."""

    path: str
    mark: str
    query: str

    @property
    def text(self) -> str:
        return f"{self.path}{self.mark}{self.query}"


Change = Callable[[_Target], _Target]
Mistake = tuple[Step, Change]


def variants(target: str, origin: str, *, pairs: bool = True) -> tuple[Variant[str], ...]:
    """What may have been signed where `target` was sent to `origin` (scheme and host, may be "")."""
    path, mark, query = target.partition("?")
    sent = _Target(path, mark, query)
    mistakes = [*_path_mistakes(origin, sent), *_query_mistakes(sent)]
    ones = [(step, change, made) for step, change in mistakes if (made := _changed(change, sent)) is not None]
    found = [Variant(value=target)]
    found += [Variant(value=made.text, steps=(step,)) for step, _, made in ones]
    if pairs and len(query) <= _MAX_QUERY:
        for first, _, made in ones:
            if made == sent:
                continue
            for second, change in mistakes:
                twice = _changed(change, made) if second is not first else None
                if twice is not None:
                    found.append(Variant(value=twice.text, steps=(first, second)))
    return distinct(found)


def _changed(change: Change, target: _Target) -> _Target | None:
    """None where the change is not possible: a lone surrogate has no percent-encoding."""
    try:
        return change(target)
    except UnicodeError:
        return None


# ---- path ----------------------------------------------------------------------------------------------------------


def _path_mistakes(origin: str, sent: _Target) -> Iterator[Mistake]:
    def row(done: str, change: Change, should_be: str = "as sent") -> Mistake:
        return Step(step="path", done=done, should_be=should_be, cause="signature.path"), change

    from_api = "from /api on"
    host = origin.partition("://")[2]
    hosts = dict.fromkeys(name for name in (host, host.partition(":")[0], *_HOSTS) if name)
    for name in hosts:
        at = "" if name == host else f" ({name})"
        yield row(f"with scheme and host{at}", _before(f"https://{name}"), from_api)
        yield row(f"with host{at}", _before(name), from_api)
    if origin.startswith("http://"):
        yield row("with scheme and host (http)", _before(origin), from_api)
    yield row("without /api", _path(lambda path: path.removeprefix("/api")), from_api)
    yield row("without /api/v5", _path(lambda path: path.removeprefix("/api/v5")), from_api)
    yield row("without the first slash", _path(lambda path: path.removeprefix("/")), from_api)
    yield row("with a slash after it", _path(lambda path: f"{path}/"))
    yield row("without the slash after it", _path(lambda path: path.rstrip("/") or path))
    yield row("with a bare ?", lambda t: t if t.query else _Target(t.path, "?", ""))
    yield row("without the ?", lambda t: t if t.query else _Target(t.path, "", ""))
    yield row("without the ? before the query", lambda t: _Target(t.path, "", t.query))
    yield row("with & for ?", lambda t: _Target(t.path, "&", t.query) if t.query else t)
    yield row("with two question marks", lambda t: _Target(t.path, "??", t.query) if t.query else t)
    yield row("with a second slash before it", _path(lambda path: f"/{path}"))
    yield row("with single slashes", _path(lambda path: re.sub("//+", "/", path)))
    yield row("with /api/v5 before it", _path(lambda path: f"/api/v5{path}"))
    yield row("with /api before it", _path(lambda path: f"/api{path}"))
    yield row("without its last part", _path(lambda path: path.rpartition("/")[0]))
    yield row("its last part alone", _path(lambda path: "/" + path.rpartition("/")[2]))
    yield row("decoded", _path(unquote))
    yield row("percent-encoded", _path(quote))
    yield row("in lower case", _path(str.lower))
    yield row("of the WebSocket login", lambda t: _Target("/users/self/verify", "", ""), from_api)
    yield row("left out", _path(lambda path: ""), from_api)
    if not sent.path.startswith("/api/v5/"):
        yield row("as if /api/v5 stood once", _path(lambda path: "/api/v5/" + path.rpartition("/api/v5/")[2]))


def _before(text: str) -> Change:
    return lambda t: _Target(text + t.path, t.mark, t.query)


def _path(change: Callable[[str], str]) -> Change:
    return lambda t: _Target(change(t.path), t.mark, t.query)


# ---- query ---------------------------------------------------------------------------------------------------------


def _query_mistakes(sent: _Target) -> Iterator[Mistake]:
    if not sent.query:
        return

    def row(cause: str, done: str, change: Callable[[str], str]) -> Mistake:
        step = Step(step="query", done=done, should_be="as sent", cause=f"signature.{cause}")
        return step, lambda t: _Target(t.path, t.mark, change(t.query)) if t.query else t

    gone = Step(step="query", done="left out", should_be="as sent", cause="signature.query-unsigned")
    yield gone, lambda t: _Target(t.path, "", "")
    yield row("query-unsigned", "its first parameter alone", lambda q: q.partition("&")[0])
    yield row("query-unsigned", "without its last parameter", lambda q: q.rpartition("&")[0] or q)
    yield row("query-unsigned", "without its first parameter", lambda q: q.partition("&")[2] or q)
    yield row("query-unsigned", "without empty parameters", _without_empty)
    yield row("query-unsigned", "each name once, the last value", lambda q: "&".join(_by_name(q).values()))
    yield row("query-unsigned", "each name once, the first value", _first_values)
    yield row("query-unsigned", "values alone", lambda q: "".join(p.partition("=")[2] for p in q.split("&")))
    yield row("query-sorted", "sorted", lambda q: "&".join(sorted(q.split("&"))))
    yield row("query-sorted", "sorted by name", lambda q: "&".join(sorted(q.split("&"), key=_name)))
    yield row("query-sorted", "reverse sorted", lambda q: "&".join(sorted(q.split("&"), reverse=True)))
    yield row("query-sorted", "in reverse order", lambda q: "&".join(reversed(q.split("&"))))
    yield row("query-sorted", "sorted without regard to case", lambda q: "&".join(sorted(q.split("&"), key=str.lower)))
    yield row("query-sorted", "sorted by value", lambda q: "&".join(sorted(q.split("&"), key=lambda p: p[::-1])))
    for done, change in (*_ENCODINGS, *_LISTS):
        yield row("query-encoding", done, change)


def _name(pair: str) -> str:
    return pair.partition("=")[0]


def _by_name(query: str) -> dict[str, str]:
    return {_name(pair): pair for pair in query.split("&")}


def _first_values(query: str) -> str:
    kept: dict[str, str] = {}
    for pair in query.split("&"):
        kept.setdefault(_name(pair), pair)
    return "&".join(kept.values())


def _without_empty(query: str) -> str:
    return "&".join(pair for pair in query.split("&") if pair.partition("=")[2])


def _recoded(encode: Callable[[str], str], decode: Callable[[str], str] = unquote) -> Callable[[str], str]:
    """Each name and value decoded, then encoded anew."""

    def change(query: str) -> str:
        pairs = (pair.partition("=") for pair in query.split("&"))
        return "&".join(f"{encode(decode(name))}{mark}{encode(decode(value))}" for name, mark, value in pairs)

    return change


def _quoted(safe: str) -> Callable[[str], str]:
    return lambda text: quote(text, safe=safe)


def _plus_quoted(safe: str) -> Callable[[str], str]:
    return lambda text: quote_plus(text, safe=safe)


def _lower_escapes(query: str) -> str:
    return _ESCAPE.sub(lambda hit: hit.group().lower(), query)


def _upper_escapes(query: str) -> str:
    return _ESCAPE.sub(lambda hit: hit.group().upper(), query)


def _parsed(query: str) -> list[tuple[str, str]]:
    pairs = (pair.partition("=") for pair in query.split("&"))
    return [(unquote_plus(name), unquote_plus(value)) for name, _, value in pairs]


# ---- lists: one library writes them for the signature, another for the wire ----------------------------------------

_MARK = re.compile(r"(?:\[[0-9]*\]|%5B[0-9]*%5D)$", re.IGNORECASE)
_COMMA = re.compile(",|%2C", re.IGNORECASE)


def _grouped(query: str) -> dict[str, list[str]]:
    """The values of each name as they were sent; `ids[]` and `ids[0]` are the name `ids`."""
    found: dict[str, list[str]] = {}
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        found.setdefault(_MARK.sub("", name), []).append(value)
    return found


def _as_lists(write: Callable[[str, list[str]], str]) -> Callable[[str], str]:
    """Names that are repeated in another writing of lists."""

    def change(query: str) -> str:
        return "&".join(
            write(name, values) if len(values) > 1 else f"{name}={values[0]}"
            for name, values in _grouped(query).items()
        )

    return change


def _one_text(text: Callable[[list[str]], str], encode: Callable[[str], str]) -> Callable[[str], str]:
    return _as_lists(lambda name, values: f"{name}={encode(text([unquote_plus(value) for value in values]))}")


def _marked(mark: str) -> Callable[[str], str]:
    return _as_lists(lambda name, values: "&".join(f"{name}{mark}={value}" for value in values))


def _split(mark: str) -> Callable[[str], str]:
    """Values with commas as repeated names."""

    def change(query: str) -> str:
        pairs = (pair.partition("=") for pair in query.split("&"))
        pieces = ((name, _COMMA.split(value)) for name, _, value in pairs)
        return "&".join(f"{name}{mark if len(items) > 1 else ''}={item}" for name, items in pieces for item in items)

    return change


def _json_list(items: list[str]) -> str:
    return json.dumps(items, separators=(",", ":"), ensure_ascii=False)


_LISTS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("with lists joined by commas", _as_lists(lambda name, values: f"{name}={'%2C'.join(values)}")),
    ("with lists joined by raw commas", _as_lists(lambda name, values: f"{name}={','.join(values)}")),
    ("with [] after repeated names", _marked("[]")),
    ("with %5B%5D after repeated names", _marked("%5B%5D")),
    ("with lists as repeated names", _marked("")),
    ("with lists as repeated names", _split("")),
    ("with [] after repeated names", _split("[]")),
    ("with %5B%5D after repeated names", _split("%5B%5D")),
    ("with lists as text of a Python list", _one_text(str, quote_plus)),
    ("with lists as text of a Python list", _one_text(str, _quoted(""))),
    ("with lists as text of a Python list", _one_text(str, str)),
    ("with lists as JSON", _one_text(_json_list, _quoted(""))),
)

_JS = "!'()*"
_ENCODINGS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("decoded", unquote),
    ("decoded, + as a space", unquote_plus),
    ("percent-encoded throughout", _recoded(_quoted(""))),
    ("with commas left raw", _recoded(_quoted(","))),
    ("with slashes left raw", _recoded(_quoted("/"))),
    ("with commas and slashes left raw", _recoded(_quoted(",/"))),
    ("with colons left raw", _recoded(_quoted(":"))),
    ("with commas and colons left raw", _recoded(_quoted(",:"))),
    ("with lower-case hexadecimal", _lower_escapes),
    ("with upper-case hexadecimal", _upper_escapes),
    ("percent-encoded with lower-case hexadecimal", lambda query: _lower_escapes(_recoded(_quoted(""))(query))),
    ("form-encoded with lower-case hexadecimal", lambda query: _lower_escapes(_recoded(_plus_quoted("!*()"))(query))),
    ("with spaces as +", _recoded(_plus_quoted(""))),
    ("with spaces as +, commas raw", _recoded(_plus_quoted(","))),
    ("with %20 written as +", lambda query: query.replace("%20", "+")),
    ("with + written as %20", lambda query: query.replace("+", "%20")),
    ("with + written as %2B", lambda query: query.replace("+", "%2B")),
    ("form-encoded, + read as a space", _recoded(_plus_quoted(""), unquote_plus)),
    ("percent-encoded, + read as a space", _recoded(_quoted(""), unquote_plus)),
    ("as encodeURIComponent writes it", _recoded(_quoted(_JS))),
    ("as encodeURI writes it", lambda query: quote(unquote(query), safe=f"{_JS};,/?:@&=+$#")),
    ("as URLSearchParams writes it", _recoded(lambda text: quote_plus(text, safe="*").replace("~", "%7E"))),
    ("as Java's URLEncoder writes it", _recoded(lambda text: quote_plus(text, safe="*").replace("~", "%7E"))),
    ("as yarl writes it", _recoded(lambda text: quote(text, safe="!'()*,/:;?@$").replace("%20", "+"))),
    ("as requests writes it", lambda query: quote(query, safe="!#$%&'()*+,/:;=?@[]~")),
    ("with brackets left raw", _recoded(_quoted("[]"))),
    ("encoded twice", lambda query: quote(query, safe="=&")),
    ("encoded twice throughout", _recoded(lambda text: quote(text, safe=""), str)),
    ("encoded with its = and &", lambda query: quote(query, safe="")),
    ("with &amp; for &", lambda query: query.replace("&", "&amp;")),
    ("with a & after it", lambda query: f"{query}&"),
    ("with a & before it", lambda query: f"&{query}"),
    ("joined without &", lambda query: query.replace("&", "")),
    ("in lower case", str.lower),
    ("as JSON", lambda query: json.dumps(dict(_parsed(query)), separators=(",", ":"))),
    ("as JSON with spaces", lambda query: json.dumps(dict(_parsed(query)))),
    ("as text of a Python dict", lambda query: str(dict(_parsed(query)))),
    ("as text of a Python list", lambda query: str(_parsed(query))),
    ("with lists as urlencode writes them", lambda query: urlencode(dict(_parsed(query)))),
)


def parameters(query: str) -> dict[str, str]:
    """The parameters of a query, decoded, the last of each name: what a client hands to its JSON writer by mistake."""
    return dict(_parsed(query)) if query else {}
