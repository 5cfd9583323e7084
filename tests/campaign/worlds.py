"""Worlds drawn at random: where the machine stands, what almost goes wrong, and what does.

``draw(kind, seed, index)`` gives the same world for the same three values, whatever else is drawn: every world has a
generator of its own.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, assert_never

from habits import drawn
from together import composable

Kind = Literal["healthy", "single", "pair", "triple", "sometimes"]
Vantage = Literal["sim", "outside"]
KeyUse = Literal["trading", "reading", "demo", "none"]

KINDS: tuple[Kind, ...] = ("healthy", "single", "pair", "triple", "sometimes")
EXTRA: tuple[Kind, ...] = ("triple", "sometimes")
"""Reported apart: three faults at once, and one that is met now and then or for a while."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """One fault that is on: its text for ``--fault``, and the cause that it must be named by."""

    text: str
    cause: str

    @property
    def name(self) -> str:
        return self.text.partition("=")[0].partition(",")[0]

    @property
    def family(self) -> str:
        return self.cause.partition(".")[0]

    @property
    def in_part(self) -> bool:
        """Whether one of several addresses is concerned: everything else goes on, and it is a warning."""
        return self.name.endswith(("-one-address", "-partly"))

    @property
    def goes_on(self) -> bool:
        """Whether REST goes on: some libraries take the common name of a certificate that has no other."""
        return self.name == "tls-hostname-mismatch-no-names"

    @property
    def host_alone(self) -> Literal["", "rest", "ws"]:
        """Which of REST and WebSocket is concerned where it is one of them alone."""
        if self.name == "dns-retired-name":
            return "rest"
        if self.name.endswith("-one-host"):
            return "ws" if self.text.endswith("=ws") else "rest"
        if self.name.startswith("dns-name-not-found") and "=" in self.text:
            return "ws" if "=ws." in self.text else "rest" if "=openapi." in self.text else ""
        return ""

    @property
    def of_the_websocket(self) -> bool:
        """Whether the configured WebSocket address is what is wrong, and nothing of REST."""
        return self.name in ("key-wrong-environment-ws", "region-wrong-ws-host")

    @property
    def by_proxy(self) -> bool:
        """Whether it is met at a proxy, of a layer above it."""
        return self.name == "tls-intercepted-by-proxy"

    @property
    def mute(self) -> bool:
        """Whether no handshake is answered, whatever the layer of its cause."""
        return self.name == "http-timeout-handshake" and not self.text.endswith("=large-packets")


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """One world.

    ``vantage``    ``sim``: the made-up machine of ``--target sim``; ``outside``: an exchange that is reached by
                   addresses and a CA file alone, as from another terminal
    ``wrong``      what must be named; ``almost`` are faults with values inside every limit, which must not be
    ``round_trip_s``, ``jitter_s``, ``loss``  of the way to the TLS ports; time and name servers have the distance alone
    ``proxy``      everything goes through an obliging HTTP proxy
    ``ipv6``       there is no IPv4: names have IPv6 addresses alone, and so have the name, time and proxy servers
    """

    kind: Kind
    campaign: int
    index: int
    exchange_seed: int
    vantage: Vantage
    wrong: tuple[Wrong, ...] = ()
    almost: tuple[str, ...] = ()
    round_trip_s: float = 0.0
    jitter_s: float = 0.0
    loss: float = 0.0
    proxy: bool = False
    ipv6: bool = False
    habits: tuple[str, ...] = ()
    """What differs and harms nobody (``habits.py``)."""
    key: KeyUse = "trading"
    instruments: tuple[str, ...] = ()
    burst: bool = False
    round_trip: bool = False
    """Whether the run may place an order (``--demo-orders``)."""

    @property
    def faults(self) -> tuple[str, ...]:
        """All that is switched on in the exchange or on the machine."""
        return (*(each.text for each in self.wrong), *self.almost)

    @property
    def now_and_then(self) -> bool:
        """Whether what is wrong may rightly not be met by a run."""
        return self.kind == "sometimes"

    @property
    def label(self) -> str:
        """How to have this world again."""
        return f"--seed {self.campaign} --only {self.kind} --world {self.index}"

    def __str__(self) -> str:
        parts = [f"{self.kind} {self.index}:", " + ".join(each.text for each in self.wrong) or "nothing wrong"]
        if self.almost:
            parts.append(f"(almost: {', '.join(self.almost)})")
        way = f"{self.vantage}, {self.round_trip_s * 1000:.0f} ms"
        way += f" + {self.jitter_s * 1000:.0f} ms jitter" if self.jitter_s else ""
        way += f", {self.loss:.0%} loss" if self.loss else ""
        way += ", by proxy" if self.proxy else ""
        way += ", IPv6 only" if self.ipv6 else ""
        way += "".join(f", {habit}" for habit in self.habits)
        parts.append(f"[{way}, {self.key} key, {len(self.instruments)} instruments{', burst' if self.burst else ''}]")
        return " ".join(parts)


# ---- values ------------------------------------------------------------------------------------

Value = Callable[[random.Random], str]


def _span(low_s: float, high_s: float) -> Value:
    """A duration, evenly spread over the orders of magnitude between both."""

    def draw(dice: random.Random) -> str:
        return _duration(low_s * (high_s / low_s) ** dice.random())

    return draw


def _duration(seconds: float) -> str:
    return f"{seconds * 1000:.0f}ms" if seconds < 10 else f"{seconds:.3f}s"


def _choice(*choices: str) -> Value:
    return lambda dice: dice.choice(choices)


def _share(low: float, high: float) -> Value:
    return lambda dice: f"{dice.uniform(low, high):.0f}%"


def _count(low: int, high: int) -> Value:
    return lambda dice: str(dice.randint(low, high))


def _skew(dice: random.Random) -> str:
    """Beyond the window of 30 s, up to four days, and nowhere near a whole quarter hour: that is another cause."""
    while True:
        seconds = 31.5 * (4 * 86_400 / 31.5) ** dice.random()
        if 5 < seconds % 900 < 895:
            return _duration(seconds)


def _zone(dice: random.Random) -> str:
    """Distances from UTC that zones have (tz database): whole hours, and some halves and quarters."""
    hours = dice.choice((*range(1, 15), 3.5, 4.5, 5.5, 5.75, 6.5, 8.75, 9.5, 10.5, 12.75))
    return f"{hours:g}h"


def _public_v4(dice: random.Random) -> str:
    first = dice.choice((5, 23, 45, 62, 80, 91, 104, 138, 151, 178, 185, 203, 213))
    return f"{first}.{dice.randint(1, 254)}.{dice.randint(0, 255)}.{dice.randint(1, 254)}"


def _private(dice: random.Random) -> str:
    a, b = dice.randint(0, 255), dice.randint(1, 254)
    blocks = (f"10.{a}.{b}", f"192.168.{a}", f"172.{16 + a % 16}.{b}", f"100.{64 + a % 64}.{b}")
    return f"{dice.choice(blocks)}.{b}"


def _dead(dice: random.Random) -> str:
    """Addresses at which nobody is and to which no packet leaves the machine."""
    loopback = f"127.{dice.randint(1, 250)}.{dice.randint(0, 255)}.{dice.randint(2, 254)}"
    return dice.choice((loopback, loopback, f"169.254.{dice.randint(0, 255)}.{dice.randint(1, 254)}", "240.0.0.1"))


def _foreign(dice: random.Random) -> str:
    """Link-local, and so nobody's but this network's; on this loopback one in 127/8 may be the exchange's."""
    return f"169.254.{dice.randint(0, 255)}.{dice.randint(1, 254)}"


VALUES: dict[str, Value] = {
    "clock-ahead": _skew,
    "clock-behind": _skew,
    "clock-drifting": _span(1.5, 28),
    "clock-timezone-shift": _zone,
    "clock-sources-disagree": _span(1.6, 3_600),
    "clock-server-time-cached": _span(1, 3_600),
    "clock-jumped": _span(0.4, 28),
    "dns-poisoned": _dead,
    "dns-poisoned-partly": _foreign,
    "dns-slow": _span(0.36, 0.9),
    "dns-slow-ipv6": _span(0.36, 0.9),
    "dns-name-not-found": _choice("*", "openapi.okx.test", "ws.okx.test"),
    "dns-retired-name": _choice("www.okex.com", "okex.com", "aws.okex.com", "api.okex.com"),
    "tls-expired": _span(3_600, 700 * 86_400),
    "tls-expired-issuer": _span(3_600, 700 * 86_400),
    "tls-not-yet-valid": _span(3_600, 300 * 86_400),
    "tls-expires-soon": _span(3_600, 13.5 * 86_400),
    "tls-expires-soon-issuer": _span(3_600, 13.5 * 86_400),
    "http-slow": _span(0.65, 0.95),
    "http-slow-body": _span(0.75, 0.95),
    "http-slow-handshake": _span(0.85, 1.6),
    "http-edge-blocked-agent": _choice("okxdoctor", "okxdoctor/", "OKXDOCTOR"),
    "http-goaway": _count(1, 4),
    "timestamp-expired": _span(31, 7_200),
    "status-maintenance-scheduled": _span(120, 23 * 3_600),
    "instrument-unknown": _choice("BTC-USDT", "BTC-USDT-SWAP"),
    "instrument-change-announced": _span(3_600, 6.8 * 86_400),
    "ip-not-whitelisted": _public_v4,
    "ip-egress-unstable": _public_v4,
    "ws-drops": _span(0.005, 0.1),  # a connection that outlives the run's interest in it does no harm
    "ws-silent-stale": _span(15, 3_600),
    "ip-private-listed": _private,
    "ratelimit-shared": _share(80, 97),
    "ratelimit-limit-differs": _share(30, 75),
    "ratelimit-exceeded": _count(40, 120),
}
"""A random value for each fault that takes other values than words of a list."""

ALMOST: dict[str, Value] = {
    # Inside the limits of the check that looks at them, by a margin for the distance and for a busy machine.
    "clock-ahead": _span(0.005, 0.8),
    "clock-behind": _span(0.005, 0.8),
    "clock-sources-disagree": _span(0.005, 0.8),
    "dns-slow": _span(0.005, 0.1),
    "http-slow": _span(0.005, 0.2),
    "http-goaway": _count(300, 900),
    "tls-expires-soon": _span(14.1 * 86_400, 80 * 86_400),
    "status-maintenance-scheduled": _span(25 * 3_600, 30 * 86_400),
    "instrument-change-announced": _span(7.1 * 86_400, 90 * 86_400),
    "instrument-unknown": _choice("DOGE-USDT", "LTC-USDT-SWAP"),
    "timestamp-expired": _span(0.01, 25),
    "ratelimit-shared": _share(1, 30),
    "schema-new-field": lambda dice: "",
}
ALMOST_ON_THE_MACHINE: dict[str, Value] = {
    "clock-jumped": _span(0.001, 0.15),
    "ratelimit-exceeded": _count(1, 3),
}

LOST_ON_THE_WAY = ("dns-resolver-down=silent", "clock-ntp-unreachable=silent")
"""Packets that never come back, one in a hundred of them."""

RESOLVER_FAR_S = 0.15

INSTRUMENTS = (
    "BTC-USDT", "ETH-USDT", "SOL-USDT", "XRP-USDT", "ADA-USDT", "PEPE-USDT", "SATS-USDT", "BABYDOGE-USDT", "OKB-USDT",
    "ETH-BTC", "BTC-USDT-SWAP", "ETH-USDT-SWAP", "XRP-USDT-SWAP", "YFI-USDT-SWAP", "BTC-USD-SWAP", "BTC-USDC-SWAP",
)  # fmt: skip

NOT_ON_DEMO = frozenset({"BABYDOGE-USDT"})

# ---- drawing -----------------------------------------------------------------------------------


def catalogue() -> dict[str, Wrong]:
    """Every fault by name, with its example; those apart that lead to something merely good to know."""
    from okxdoctor.exchange.faults import catalogue as exchange_faults
    from okxdoctor.targets.world import catalogue as machine_faults

    return {
        fault.name: Wrong(text=fault.example, cause=fault.cause)
        for fault in (*exchange_faults(), *machine_faults())
        if fault.name not in ALMOST or fault.value is not None
    }


def machine_faults() -> frozenset[str]:
    """Faults of the machine, which only the target ``sim`` makes up."""
    from okxdoctor.targets.world import catalogue as on_the_machine

    return frozenset(fault.name for fault in on_the_machine())


def _valued(name: str, dice: random.Random) -> Wrong:
    """The fault with a random allowed value."""
    from okxdoctor.exchange.faults import catalogue as exchange_faults
    from okxdoctor.targets.world import catalogue as on_the_machine

    fault = next(each for each in (*exchange_faults(), *on_the_machine()) if each.name == name)
    if fault.name in VALUES:
        text = f"{name}={VALUES[name](dice)}"
    elif fault.choices:
        text = f"{name}={dice.choice(fault.choices)}"
    else:
        text = name
    return Wrong(text=text, cause=fault.cause)


# The target sim alone names the port that stands for 8443 and a need that is read alone, and declares figures and
# orders.
ONLY_SIM = frozenset({"tcp-port-8443-closed", "ip-unbound", "instrument-spec-differs"})
OF_THE_SIMS_USER = ("account-", "order-", "precision-")
# Slow as they are; and a distance is a forwarder, whose address is what the exchange sees then.
NEARBY = frozenset({"dns-slow", "http-slow", "ip-family-mismatch"})
BURST = frozenset({"ratelimit-refusal-shape", "ratelimit-limit-differs"})
# With a proxy that carries everything these are nobody's trouble, or the proxy's.
NOT_BY_PROXY = ("dns-", "tcp-", "proxy-", "ip-family-")


def draw(kind: Kind, seed: int, index: int) -> World:
    """World number ``index`` of this kind in campaign ``seed``."""
    dice = random.Random(f"{seed}/{kind}/{index}")
    names = sorted(catalogue())
    match kind:
        case "healthy":
            return _healthy(dice, seed, index)
        case "single":
            # In turn, so that every fault comes about equally often; the order is the campaign's.
            order = random.Random(f"{seed}/order")
            order.shuffle(names)
            wrong: tuple[Wrong, ...] = (_valued(names[index % len(names)], dice),)
        case "pair":
            wrong = _several(dice, names, 2)
        case "triple":
            wrong = _several(dice, names, 3)
        case "sometimes":
            wrong = (_now_and_then(dice, names),)
        case _:
            assert_never(kind)
    return _unwell(kind, dice, seed, index, wrong)


def _several(dice: random.Random, names: Sequence[str], count: int) -> tuple[Wrong, ...]:
    """So many faults, no two of one family, each being what it says beside the others."""
    while True:
        wrong = tuple(_valued(name, dice) for name in dice.sample(names, count))
        if len({each.family for each in wrong}) == count and composable(*(each.text for each in wrong)):
            return wrong


def _now_and_then(dice: random.Random, names: Sequence[str]) -> Wrong:
    """One fault that some occasions meet, or that begins late, or ends soon."""
    on_the_machine = machine_faults()
    wrong = _valued(dice.choice([name for name in names if name not in on_the_machine]), dice)
    when = dice.choice((
        f"p={dice.uniform(0.03, 0.97):.2f}", f"every={dice.randint(2, 7)}", f"skip={dice.randint(1, 12)}",
        f"count={dice.randint(1, 9)}", f"after={_duration(dice.uniform(0.02, 1.5))}",
        f"for={_duration(dice.uniform(0.05, 4))}",
        f"p={dice.uniform(0.2, 0.9):.2f},count={dice.randint(2, 20)},skip={dice.randint(1, 4)}",
    ))  # fmt: skip
    return replace(wrong, text=f"{wrong.text},{when}")


def _unwell(kind: Kind, dice: random.Random, seed: int, index: int, wrong: tuple[Wrong, ...]) -> World:
    on = {each.name for each in wrong}
    outside = (
        not on & (machine_faults() | ONLY_SIM)
        and not any(name.startswith(OF_THE_SIMS_USER) for name in on)
        and dice.random() < 0.4
    )
    by_proxy = outside and not any(name.startswith(NOT_BY_PROXY) for name in on) and dice.random() < 0.25
    # From outside nothing is declared, so what is not listed has to be asked for.
    gone = tuple(each.text.partition("=")[2] for each in wrong if outside and each.name == "instrument-unknown")
    far = dice.random() < 0.5 and not on & NEARBY
    return World(
        kind=kind,
        campaign=seed,
        index=index,
        exchange_seed=dice.randrange(1_000_000),
        vantage="outside" if outside else "sim",
        wrong=wrong,
        round_trip_s=round(dice.uniform(0.005, 0.12), 3) if far else 0.0,
        jitter_s=round(dice.uniform(0.0, 0.06), 3) if far else 0.0,
        loss=dice.choice((0.0, 0.0, 0.0, 0.01)) if far else 0.0,
        proxy=by_proxy,
        burst=bool(on & BURST),
        round_trip="order-state-diverges" in on,
        instruments=gone
        or (_asked(dice) if dice.random() < 0.3 and not any(n.startswith("instrument-") for n in on) else ()),
    )


def _healthy(dice: random.Random, seed: int, index: int) -> World:
    outside = dice.random() < 0.6
    key: KeyUse = dice.choice(("trading", "trading", "reading", "demo", "none")) if outside else "trading"
    near = dict(ALMOST) if outside else {**ALMOST, **ALMOST_ON_THE_MACHINE}
    if key == "demo":
        near.pop("instrument-unknown")  # it is said of production
    habits = drawn(dice, records=outside and key != "none")
    chosen = dice.sample(sorted(near), dice.choice((0, 0, 1, 2, 3, 5, 7)))
    if {"clock-ahead", "clock-behind"} <= set(chosen):
        chosen.remove("clock-behind")
    almost = tuple(f"{name}={value}" if (value := near[name](dice)) else name for name in chosen)
    if key == "reading":
        almost = (*almost, "permission-missing=trade")  # a key that may only read, for a program that only reads
    far = dice.random() < 0.6
    # On its loopback the target sim waits 1.2 s for an answer; over the way around the world that is no patience.
    farthest_s = 0.25 if outside else 0.12
    shaky = outside and far and dice.random() < 0.25
    distance_s = round(dice.uniform(0.002, farthest_s), 3) if far else 0.0
    if distance_s > RESOLVER_FAR_S:
        # So far from a resolver that takes its time lookups are slow, and it is right to say so.
        almost = tuple(each for each in almost if not each.startswith("dns-slow="))
    loss = dice.choice((0.0, 0.0, 0.01)) if far else 0.0
    if loss:
        # What is lost of a byte stream comes again; of lookups and questions for the time nothing does.
        almost = (*almost, *(f"{each},p={loss}" for each in LOST_ON_THE_WAY if each not in chosen))
    asked = _asked(dice, demo=key == "demo") if dice.random() < 0.6 else ()
    if "account-level=1" in habits:
        asked = tuple(inst_id for inst_id in asked if "SWAP" not in inst_id)  # that mode has none, and it is said so
    return World(
        kind="healthy",
        campaign=seed,
        index=index,
        exchange_seed=dice.randrange(1_000_000),
        vantage="outside" if outside else "sim",
        almost=almost,
        round_trip_s=distance_s,
        jitter_s=round(dice.uniform(0.0, 0.3 if shaky else farthest_s / 5), 3) if far else 0.0,
        loss=loss,
        proxy=outside and dice.random() < 0.3,
        ipv6=outside and dice.random() < 0.2,
        habits=habits,
        key=key,
        instruments=asked,
        burst=not almost and dice.random() < 0.1,
    )


def _asked(dice: random.Random, *, demo: bool = False) -> tuple[str, ...]:
    listed = [inst_id for inst_id in INSTRUMENTS if not (demo and inst_id in NOT_ON_DEMO)]
    return tuple(dice.sample(listed, dice.choice((1, 2, 3, 6, 10))))
