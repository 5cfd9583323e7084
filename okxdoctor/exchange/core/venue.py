"""One venue: a site in one environment, with its own instruments, markets, accounts and orders."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from functools import cached_property
from typing import Protocol

from . import seeded
from .accounts import Account, Balance
from .algos import Algos
from .bills import QUARTER_MS
from .depth import Depth
from .instruments import Change, Instrument, catalogue, changed
from .listing import expiries
from .market import SLOT_MS, Market, Moves, coin_of
from .orders import Book, Order
from .protocol import Json, encode, unknown_instrument


class Chore(Protocol):
    """Something that time brings to the accounts of a venue."""

    def idle(self, venue: Venue) -> bool:
        """Whether there is nothing to wait for now."""

    def due(self, venue: Venue, after_ms: int, until_ms: int) -> Iterable[int]:
        """Moments that must not be passed over, after one and up to another."""

    def do(self, venue: Venue, at_ms: int) -> bool:
        """What is due at ``at_ms``; True when an account has changed."""


class Venue:
    """State of one site in one environment (``live`` or ``demo``).

    ``instruments`` are those in force (circumstances applied); markets and books are made when first asked for.
    """

    def __init__(self, *, seed: int, site: str, environment: str, now_ms: int) -> None:
        self.seed = seed
        self.site = site
        self.environment = environment
        self._opened_ms = now_ms
        self._changed: dict[str, Instrument] | None = None
        self._changes: tuple[Change, ...] = ()
        self._gone: dict[str, Instrument] = {}
        """Contracts that have expired and are listed no more; as long as histories tell of them."""
        self._rolls_ms = _next_expiry(now_ms)
        self._codes: dict[int, Instrument] = {}
        self._markets: dict[str, Market] = {}
        self._depths: dict[str, Depth] = {}
        self.swept = -1
        """The slot up to which time has passed here."""
        self.looked = now_ms // SLOT_MS
        """The slot up to which everything that is due has been done."""
        self.settling = False
        """Time is being passed at this moment."""
        self.chores: tuple[Chore, ...] = ()
        """What time brings to accounts, in the order in which it comes within one slot."""
        self.timers: dict[tuple[str, str], int] = {}
        """cancel-all-after: user id and tag ('' for all orders) -> when it goes off, epoch ms."""
        self.liquidations: deque[dict[str, Json]] = deque(maxlen=1_000)
        """Positions that were taken over, as the channel liquidation-orders shows them."""
        self._expired_ms = now_ms
        self._moves: dict[str, Moves] = {}
        self._lists: dict[tuple[str, str, str], bytes] = {}
        self._margin: dict[str, tuple[Instrument, Instrument]] = {}
        self.accounts: dict[str, Account] = {}
        self.orders = Book(seed=seed, venue=self.name)
        self.algos = Algos()
        self.streams: dict[str, object] = {}
        """Book streams by instrument; they belong to ``channels``."""
        self.made: dict[tuple[str, str], tuple[int, str]] = {}
        """Payloads of public channels: (channel, instrument) -> period and text; for all connections."""
        self.tapes: dict[tuple[str, bool, int, int], tuple[Depth, list[tuple[int, str]]]] = {}
        """Trades as they were written: instrument, one a message or not, slot, account trades so far -> id and text."""
        self.version = 0

    @property
    def calm(self) -> bool:
        """No order is open, and nothing else waits for time to pass."""
        return self.orders.quiet and all(chore.idle(self) for chore in self.chores)

    @property
    def name(self) -> str:
        return f"{self.site}-{self.environment}"

    @cached_property
    def _listed(self) -> dict[str, Instrument]:
        # Made when first asked for: most programs look at one venue of six.
        return catalogue(self.seed, self.site, self.environment, self._opened_ms)

    @cached_property
    def families(self) -> frozenset[str]:
        """Instrument families of the contracts listed here."""
        return frozenset(inst.listing.family for inst in self._listed.values() if inst.listing.family)

    @cached_property
    def currencies(self) -> frozenset[str]:
        """Every currency that an instrument listed here is traded or settled in."""
        listings = [inst.listing for inst in self._listed.values()]
        return frozenset(ccy for each in listings for ccy in (each.base, each.quote, each.settle) if ccy)

    @cached_property
    def expiries(self) -> tuple[int, ...]:
        """When contracts listed here expire, epoch ms, in order."""
        return tuple(sorted({at for inst in self._listed.values() if (at := inst.listing.expiry_ms) is not None}))

    @property
    def next_expiry_ms(self) -> int | None:
        """The first expiry that has not been dealt with; None when nobody holds anything."""
        if self.orders.quiet and not any(account.positions for account in self.accounts.values()):
            return None
        return next((at for at in self.expiries if at > self._expired_ms), None)

    def pass_expiry(self, at_ms: int) -> None:
        """Expiries up to ``at_ms`` have been dealt with."""
        self._expired_ms = at_ms

    @property
    def instruments(self) -> dict[str, Instrument]:
        """The instruments in force, by id."""
        return self._listed if self._changed is None else self._changed

    def apply(self, changes: tuple[Change, ...], now_ms: int) -> None:
        """Put the instruments into the circumstances ``changes``."""
        before, self._changes = self.instruments, changes
        self._changed = changed(self._listed, changes, now_ms) if changes else None
        if before is not self.instruments:
            self._codes.clear()
            for inst_id in list(self._markets):
                now, old = self.instruments.get(inst_id), before.get(inst_id)
                if now is None or old is None or (now.tick, now.lot) != (old.tick, old.lot):
                    del self._markets[inst_id]
                    self._depths.pop(inst_id, None)
            self._lists.clear()
            self.made.clear()
            self.version += 1

    def roll(self, now_ms: int) -> None:
        """After an expiry: what has expired is listed no more, and new contracts are."""
        if now_ms < self._rolls_ms:
            return
        self._rolls_ms = _next_expiry(now_ms)
        before = self._listed
        fresh = catalogue(self.seed, self.site, self.environment, now_ms)
        kept = {inst_id: inst for inst_id, inst in before.items() if not inst.expired(now_ms)}
        self._gone |= {inst_id: inst for inst_id, inst in before.items() if inst_id not in kept}
        self._forget(now_ms)
        self.__dict__["_listed"] = {**{each: kept.get(each, inst) for each, inst in fresh.items()}, **kept}
        for name in ("families", "currencies", "expiries"):
            self.__dict__.pop(name, None)
        for inst_id in before.keys() - kept.keys():
            self._markets.pop(inst_id, None)
            self._depths.pop(inst_id, None)
        self.streams = {key: each for key, each in self.streams.items() if key.partition(" ")[0] in self._listed}
        self._changed = changed(self._listed, self._changes, now_ms) if self._changes else None
        self._codes.clear()
        self._lists.clear()
        self.made.clear()
        self.version += 1

    def _forget(self, now_ms: int) -> None:
        """Expired contracts go when no history tells of them any more, unless somebody holds them still."""
        held = {order.inst_id for order in self.orders.all_open()}
        held |= {position.inst_id for account in self.accounts.values() for position in account.positions.values()}
        told = now_ms - QUARTER_MS
        self._gone = {
            inst_id: inst for inst_id, inst in self._gone.items() if inst_id in held or not inst.expired(told)
        }  # fmt: skip

    def known(self, inst_id: str) -> Instrument | None:
        """The instrument, also when it has expired within three months, as far as histories reach back."""
        return self.instruments.get(inst_id) or self._gone.get(inst_id)

    def instrument(self, inst_id: str) -> Instrument:
        """The instrument called ``inst_id``; refuses with 51001."""
        found = self.instruments.get(inst_id)
        if found is None:
            raise unknown_instrument()
        return found

    def traded(self, inst_id: str, inst_type: str) -> Instrument | None:
        """The instrument as an order or position of ``inst_type`` trades it: margin trading has a view of its own."""
        inst = self.instruments.get(inst_id)
        return inst if inst is None or inst_type != "MARGIN" else self.margin(inst)

    def inst_of(self, order: Order) -> Instrument:
        """The instrument that ``order`` trades."""
        # An instrument may have gone since, by a change of the circumstances or by its expiry; the order has it still.
        inst = self.known(order.inst_id) or self._listed[order.inst_id]
        return self.margin(inst) if order.inst_type == "MARGIN" else inst

    def margin(self, inst: Instrument) -> Instrument:
        """Margin trading of a spot instrument: positions in base currency, settled in quote currency."""
        found = self._margin.get(inst.id)
        if found is None or found[0] is not inst:
            listing = replace(
                inst.listing, inst_type="MARGIN", settle=inst.listing.quote, ct_val="1", ct_mult="1", ct_type="linear"
            )
            found = self._margin[inst.id] = (inst, replace(inst, listing=listing))
        return found[1]

    def listed(self, inst_id: str) -> Instrument | None:
        """The instrument as it is listed, without the circumstances."""
        return self._listed.get(inst_id)

    def by_code(self, code: int) -> Instrument | None:
        """The instrument whose ``instIdCode`` is ``code``."""
        if not self._codes:
            self._codes.update((inst.code, inst) for inst in self.instruments.values() if inst.code is not None)
        return self._codes.get(code)

    def of_type(self, inst_type: str) -> list[Instrument]:
        """All instruments of a type; MARGIN is SPOT with leverage."""
        if inst_type == "MARGIN":
            return [inst for inst in self.instruments.values() if inst.type == "SPOT" and inst.listing.lever]
        return [inst for inst in self.instruments.values() if inst.type == inst_type]

    def market(self, inst: Instrument) -> Market:
        """The market of an instrument that trades."""
        found = self._markets.get(inst.id)
        if found is None:
            # Who asks may have known the instrument before the circumstances changed its figures.
            now = self.instruments.get(inst.id, inst)
            now = now if now.trades else inst
            found = self._markets[inst.id] = Market(self.seed, self.name, now, self.moves(inst))
        return found

    def moves(self, inst: Instrument) -> Moves:
        """How the market of the instrument's coin was moved by hand; all instruments of a coin go together."""
        return self._moves.setdefault(coin_of(inst), Moves())

    def depth(self, inst: Instrument, now_ms: int) -> Depth:
        """The book of an instrument that trades, with the open orders in it."""
        found = self._depths.get(inst.id)
        if found is None:
            found = self._depths[inst.id] = Depth(self.market(inst), now_ms // SLOT_MS)
            for order in self.orders.all_open():
                if order.inst_id == inst.id and order.price is not None:
                    found.add(order)
        return found

    def depths(self) -> list[tuple[Instrument, Depth]]:
        """Books in which orders of accounts stand."""
        return [
            (self.instruments[inst_id], depth)
            for inst_id, depth in self._depths.items()
            if depth.resting and inst_id in self.instruments
        ]

    def listing_json(self, inst_type: str, family: str, inst_id: str) -> bytes:
        """JSON array of the rows of public/instruments; kept, since it only changes with circumstances."""
        key = (inst_type, family, inst_id)
        found = self._lists.get(key)
        if found is None:
            rows: list[Json] = []
            for inst in self.of_type(inst_type):
                if (not family or inst.listing.family == family) and (not inst_id or inst.id == inst_id):
                    row = inst.row()
                    row["instType"] = inst_type
                    rows.append(row)
            found = encode(rows)
            if len(self._lists) < 2_000:
                self._lists[key] = found
        return found

    def price(self, inst: Instrument, now_ms: int) -> Decimal:
        """The last price."""
        market, depth = self.market(inst), self._depths.get(inst.id)
        slot = now_ms // SLOT_MS
        return market.tick.decimal((market.trade(slot) if depth is None else depth.last(slot)).px)

    def price_of(self, order: Order, now_ms: int) -> Decimal:
        """The last price of what ``order`` trades."""
        return self.price(self.inst_of(order), now_ms)

    def closing_algos(self, uid: str, inst_id: str, side: str) -> list[Json]:
        """The algo orders that wait to close a position, as account/positions shows them."""
        found = [algo for algo in self.algos.of(uid) if (algo.inst_id, algo.position_side or "net") == (inst_id, side)]
        names = ("algoId", "slTriggerPx", "slTriggerPxType", "tpTriggerPx", "tpTriggerPxType")
        return [
            {**{name: algo.row()[name] for name in names}, "closeFraction": "1" if algo.size is None else ""}
            for algo in found
            if algo.reduce_only
        ]

    def usd(self, ccy: str, now_ms: int) -> Decimal:
        """What one unit of ``ccy`` is worth in USD by the spot market; stable coins count as 1."""
        if ccy in ("USDT", "USD", "USDC"):
            return Decimal(1)
        inst = self.instruments.get(f"{ccy}-USDT")
        return Decimal(0) if inst is None or not inst.trades else self.price(inst, now_ms)


def _next_expiry(now_ms: int) -> int:
    """The first expiry of any contract after ``now_ms``."""
    following, _ = expiries(now_ms)[0]
    return int(following.timestamp()) * 1000


SUB_ACCOUNTS = ("deskone", "desktwo")
"""Names of the sub-accounts that every main account has."""


def sub_accounts(seed: int, venue: Venue, main: Account, now_ms: int) -> list[Account]:
    """The sub-accounts under ``main``, with a little money."""
    found: list[Account] = []
    for name in SUB_ACCOUNTS:
        uid = seeded.digits(seed, 18, "uid", venue.name, name)
        account = Account(
            uid=uid, main_uid=main.uid, level=main.level, label=name, opened_ms=now_ms - 86_400_000 * (len(found) + 1)
        )
        account.balances["USDT"] = Balance(cash=Decimal(500), updated_ms=now_ms)
        account.funding = {"USDT": Decimal(50)}
        venue.accounts[uid] = account
        found.append(account)
    return found


def funded_account(seed: int, venue: Venue, now_ms: int) -> Account:
    """The account behind the handed-out key: money in both wallets, nothing open."""
    uid = seeded.digits(seed, 18, "uid", venue.name)
    account = Account(uid=uid, main_uid=uid, level="3" if venue.environment == "demo" else "2")
    for ccy, amount in (("USDT", "10000"), ("BTC", "0.25"), ("ETH", "2.5")):
        account.balances[ccy] = Balance(cash=Decimal(amount), updated_ms=now_ms)
    account.funding = {"USDT": Decimal("250.5"), "OKB": Decimal("1.5")}
    venue.accounts[uid] = account
    return account
