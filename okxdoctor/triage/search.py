"""Recomputes a captured signature under every single mistake and every pair of mistakes, fewest first.

The parts of what is signed vary independently: timestamp, method, request path, body, key, hash. The captured text is
decoded once into the digests it may stand for, so how it was written costs nothing. Counted as tried are the digests
computed, each for another combination of parts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations, product

from okxdoctor.triage.axes import bodies, digests, keys, methods, orders, targets, times, written
from okxdoctor.triage.recipe import Step, Variant, by_cost

MAX_BYTES = 300_000_000
"""Bytes hashed at most, about a second of work. Only requests with large bodies come near it."""

_BYTES_FOR_MOMENTS = 80_000_000
"""How many of them the nearby moments may take in combination with other mistakes."""


_FORMS_ONLY = 40
"""How many variants of the timestamp, the most plausible, are combined with another order of the parts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """What is known of one signature: the parts as sent, the text of the signature, the credentials."""

    timestamp: str
    method: str
    target: str
    body: bytes = field(repr=False)
    sign: str = field(repr=False)
    secret: bytes = field(repr=False)
    origin: str = ""
    passphrases: tuple[bytes, ...] = field(default=(), repr=False)
    keys: tuple[bytes, ...] = field(default=(), repr=False)
    login: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A recipe that gives the captured signature. `prehash` is what was signed; no steps: all is right."""

    steps: tuple[Step, ...]
    prehash: bytes
    ties: tuple[tuple[Step, ...], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """The matches with the fewest mistakes (none where nothing matched) and how many digests were computed.

    `covered` says how many single mistakes each part has; `pairs` whether they were combined; `complete` is False where
    the size of the request left room for fewer moments; `readable` is False where the text is no digest in any writing.
    """

    matches: tuple[Match, ...]
    tried: int
    readable: bool = True
    complete: bool = True
    pairs: bool = True
    covered: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class _Parts:
    """The variants of each part by number of mistakes: parts[i][cost]."""

    timestamp: tuple[tuple[Variant[bytes], ...], ...]
    method: tuple[tuple[Variant[bytes], ...], ...]
    target: tuple[tuple[Variant[bytes], ...], ...]
    body: tuple[tuple[Variant[bytes], ...], ...]
    key: tuple[tuple[Variant[bytes], ...], ...]

    @property
    def message(self) -> tuple[tuple[tuple[Variant[bytes], ...], ...], ...]:
        return (self.timestamp, self.method, self.target, self.body)


def search(signed: Signed, *, pairs: bool = True) -> Search:
    """The simplest recipes that give the captured signature, under single mistakes and, with `pairs`, two at once.

    Total and pure; nothing of the secret is held afterwards.
    """
    readings = [reading for reading in written.readings(signed.sign) if len(reading.value) in digests.SIZES]
    if not readings:
        return Search(matches=(), tried=0, readable=False)
    wanted = {reading.value: reading for reading in reversed(readings)}
    as_sent = b"".join((_bytes(signed.timestamp), _bytes(signed.method), _bytes(signed.target), signed.body))
    reading = wanted.get(digests.hmac_sha256(signed.secret)(as_sent))
    if reading is not None:  # the usual case is told at once, without any variant
        return Search(matches=(Match(steps=reading.steps, prehash=as_sent, ties=reading.ties),), tried=1)
    sizes = sorted({len(value) for value in wanted}, key=lambda size: size != 32)
    methods_used = [method for size in sizes for method in digests.of_size(size)]
    near_ms = _near_ms(len(signed.body) + len(signed.target))
    parts = _parts(signed, near_ms, pairs=False)
    run = _Run(wanted=wanted)
    for cost in (0, 1, 2) if pairs else (0, 1):
        if cost == 2:
            parts = _parts(signed, near_ms, pairs=True)
        for method in methods_used:
            rest = cost - len(method.steps)
            if rest >= 0:
                run.level(parts, method, rest)
        for method in methods_used:
            if cost > len(method.steps):
                run.arranged(signed, parts, method, cost - len(method.steps))
        if run.matches:
            break
    fewest = min((len(match.steps) for match in run.matches), default=0)
    best = [match for match in run.matches if len(match.steps) == fewest]
    return Search(
        matches=tuple(best),
        tried=run.tried,
        complete=near_ms == times.NEAR_MS and run.bytes_left >= 0,
        pairs=pairs,
        covered=_covered(parts, len(methods_used) - 1),
    )


def _covered(parts: _Parts, hashes: int) -> tuple[tuple[str, int], ...]:
    counts: Counter[str] = Counter()
    for part in (*parts.message, parts.key):
        counts.update(variant.steps[0].step for variant in part[1])
    counts["digest"] = hashes
    return tuple((step, amount) for step, amount in counts.items() if amount > 0)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _near_ms(length: int) -> int:
    """How many milliseconds around can be afforded. Some 250 combinations carry each of them in both directions."""
    affordable = _BYTES_FOR_MOMENTS // max(1, length * 500)
    return max(0, min(times.NEAR_MS, affordable))


def _parts(signed: Signed, near_ms: int, *, pairs: bool) -> _Parts:
    template = "signature.ws-template" if signed.login else ""
    moments = times.variants(
        signed.timestamp, cause=template or "signature.timestamp-differs", near_ms=near_ms, pairs=pairs
    )
    paths = targets.variants(signed.target, signed.origin, pairs=pairs)
    contents = bodies.variants(signed.body, targets.parameters(signed.target.partition("?")[2]), pairs=pairs)
    return _Parts(
        timestamp=by_cost(_renamed(_encoded(moments), "")),
        method=by_cost(_renamed(_encoded(methods.variants(signed.method)), template)),
        target=by_cost(_renamed(_encoded((*paths, *_login_paths(signed.login))), template)),
        body=by_cost(_renamed(contents, template)),
        key=by_cost(keys.variants(signed.secret, passphrases=signed.passphrases, keys=signed.keys, pairs=pairs)),
    )


def _login_paths(login: bool) -> Iterator[Variant[str]]:
    """Paths that are signed in a login by mistake: those of the socket."""
    if login:
        for path in ("/ws/v5/private", "/ws/v5/public", "/ws/v5/business", "/users/self/login",
                     "/user/self/verify", "/users/self/verify?", "/ws/v5/users/self/verify"):  # fmt: skip
            step = Step(step="path", done=path, should_be="/users/self/verify", cause="signature.ws-template")
            yield Variant(value=path, steps=(step,))


def _encoded(variants: Sequence[Variant[str]]) -> Iterator[Variant[bytes]]:
    for variant in variants:
        yield Variant(value=_bytes(variant.value), steps=variant.steps, ties=variant.ties)


def _renamed(variants: Iterator[Variant[bytes]] | Sequence[Variant[bytes]], cause: str) -> Iterator[Variant[bytes]]:
    """In a login every part of the text is given, so each mistake in it has one name. No ``cause``: as they are."""
    if not cause:
        yield from variants
        return

    def named(steps: tuple[Step, ...]) -> tuple[Step, ...]:
        return tuple(Step(step=s.step, done=s.done, should_be=s.should_be, cause=cause) for s in steps)

    for variant in variants:
        ties = tuple(named(tie) for tie in variant.ties)
        yield Variant(value=variant.value, steps=named(variant.steps), ties=ties)


@dataclass(slots=True)
class _Run:
    wanted: dict[bytes, Variant[bytes]]
    tried: int = 0
    bytes_left: int = MAX_BYTES
    matches: list[Match] = field(default_factory=list)

    def _afford(self, count: int, length: int) -> bool:
        """Counts `count` digests of about `length` bytes each; False once there is no room for them."""
        self.bytes_left -= count * length
        if self.bytes_left < 0:
            return False
        self.tried += count
        return True

    def level(self, parts: _Parts, method: digests.Method, cost: int) -> None:
        """Every combination of parts that has `cost` mistakes, under one hash."""
        for key_cost in range(cost + 1):
            for key in parts.key[key_cost]:
                digest = method.prepared(key.value)
                for costs in _splits(cost - key_cost, len(parts.message)):
                    self._messages(parts.message, costs, digest, (*key.steps, *method.steps), key)

    def arranged(self, signed: Signed, parts: _Parts, method: digests.Method, cost: int) -> None:
        """The parts in another order, alone or beside one more mistake in a part or in the key."""
        cause = "signature.ws-template" if signed.login else "signature.prehash-order"
        for key_cost in range(cost):
            for key in parts.key[key_cost]:
                digest = method.prepared(key.value)
                for costs in _splits(cost - 1 - key_cost, len(parts.message)):
                    # The thousands of nearby moments are left out: an order of its own is rare enough.
                    stamps, *others = (part[c] for part, c in zip(parts.message, costs, strict=True))
                    for chosen in product(stamps[:_FORMS_ONLY], *others):
                        values = _values(chosen)
                        if not self._afford(orders.AMOUNT, sum(map(len, values))):
                            return
                        for text, step in orders.arrangements(values, cause):
                            found = digest(text)
                            if found in self.wanted:
                                self._note(found, text, (*chosen, key), (*key.steps, step, *method.steps))

    def _messages(
        self,
        message: tuple[tuple[tuple[Variant[bytes], ...], ...], ...],
        costs: tuple[int, ...],
        digest: Callable[[bytes], bytes],
        steps: tuple[Step, ...],
        key: Variant[bytes],
    ) -> None:
        stamps, names, paths, contents = (part[cost] for part, cost in zip(message, costs, strict=True))
        wanted = self.wanted
        for name in names:
            for path in paths:
                for content in contents:
                    tail = name.value + path.value + content.value
                    if not self._afford(len(stamps), len(tail)):
                        return
                    for stamp in stamps:
                        found = digest(stamp.value + tail)
                        if found in wanted:
                            chosen = (stamp, name, path, content, key)
                            self._note(found, stamp.value + tail, chosen, steps)

    def _note(self, found: bytes, prehash: bytes, chosen: tuple[Variant[bytes], ...], steps: tuple[Step, ...]) -> None:
        reading = self.wanted[found]
        *message, key = chosen
        of_method = steps[len(key.steps) :]
        order = [part.steps for part in message]
        tail = (*of_method, *reading.steps)
        made = (*(step for part in order for step in part), *key.steps, *tail)
        ties = [
            (*(step for other in chosen for step in (tie if other is part else other.steps)), *tail)
            for part in chosen
            for tie in part.ties
        ]
        self.matches.append(Match(steps=made, prehash=prehash, ties=tuple(ties)))


def _values(chosen: tuple[Variant[bytes], ...]) -> tuple[bytes, bytes, bytes, bytes]:
    stamp, name, path, content = (variant.value for variant in chosen)
    return stamp, name, path, content


def _splits(cost: int, parts: int) -> Iterator[tuple[int, ...]]:
    """Every way to spread `cost` mistakes (0, 1 or 2) over the parts."""
    none = (0,) * parts
    if cost == 0:
        yield none
        return
    for place in range(parts):
        yield (*none[:place], cost, *none[place + 1 :])
    if cost == 2:
        for one, other in combinations(range(parts), 2):
            yield tuple(1 if place in (one, other) else 0 for place in range(parts))
