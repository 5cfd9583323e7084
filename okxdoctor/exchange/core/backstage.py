"""What those who run the exchange do to it by hand: money, counterparties, prices, the passing of time.

None of this can be asked for over the API: it stands for what a test cannot wait for (somebody pays in, somebody
else trades, the market goes somewhere). What follows from it is the exchange's own: events, fees, fills,
sequence numbers. Refusals are ``Impossible`` with a sentence that says what would have been right.
"""

from __future__ import annotations

from decimal import Decimal, localcontext
from difflib import get_close_matches

from . import bills
from .accounts import ZERO, Account, Balance, Event
from .bills import credit, credit_funding
from .decimals import EXACT, parse, plain
from .exchange import Exchange
from .instruments import Instrument
from .margin import free
from .market import SLOT_MS
from .matching import book, fill_at_own_price, settle
from .orders import Order
from .protocol import Json
from .seeded import digest, digits
from .tickets import Rejected, ticket
from .trading import place
from .venue import Venue

WALLETS = ("trading", "funding")
DEEP = Decimal(10) ** 15
"""What a counterparty holds of each currency that it needs."""
FARTHEST = 1_000.0
"""How many times higher or lower than the seeded path a market can be moved."""

Amount = str | int | float | Decimal


class Impossible(ValueError):
    """The exchange cannot be brought into this state."""


def customer(venue: Venue) -> Account:
    """The account behind the key that was handed out."""
    return next(iter(venue.accounts.values()))


def counterparty(venue: Venue, inst: Instrument) -> Account:
    """Another participant of the venue, made when first needed, reachable by no key, with money for ``inst``."""
    uid = digits(venue.seed, 18, "counterparty", venue.name)
    found = venue.accounts.get(uid)
    if found is None:
        found = venue.accounts[uid] = Account(uid=uid, main_uid=uid, level="2")
    for ccy in (inst.listing.base, inst.listing.quote, inst.listing.settle):
        if ccy and found.balance(ccy).available < DEEP / 2:
            found.balance(ccy).cash += DEEP
    return found


def add_funds(exchange: Exchange, venue: Venue, ccy: str, amount: Amount, wallet: str = "trading") -> Decimal:
    """Pay ``amount`` of ``ccy`` into a wallet of the customer (or out of it, when negative); the new holding."""
    if wallet not in WALLETS:
        raise Impossible(f"a wallet is one of {', '.join(WALLETS)}, not {wallet!r}")
    if ccy not in _currencies(venue):
        raise Impossible(f"no instrument of {venue.name} is traded in {ccy[:32]!r}")
    change, account = number(amount, "amount"), customer(venue)
    now_ms = exchange.clock.now_ms()
    held = free(venue, account, ccy, now_ms) if wallet == "trading" else account.funding.get(ccy, ZERO)
    if EXACT.add(held, change) < 0:
        raise Impossible(f"only {plain(held)} {ccy} can be taken out of the {wallet} wallet")
    if wallet == "funding":
        credit_funding(venue, account, ccy, change, kind="1" if change > 0 else "2", now_ms=now_ms)
        if change > 0:
            account.tell(Event(channel="deposit-info", row=_deposit(venue, account, ccy, change, now_ms)))
        exchange.tell()
        return account.funding[ccy]
    credit(
        venue, account, ccy, change, kind=bills.TRANSFER, sub=bills.IN if change > 0 else bills.OUT, now_ms=now_ms,
        source="6" if change > 0 else "18", target="18" if change > 0 else "6",
    )  # fmt: skip
    # What arrives in a trading account comes from the funding account, and is told as a transfer.
    account.tell(Event(channel="account", event_type="event_update"))
    account.tell(Event(channel="balance_and_position", event_type="transferred"))
    exchange.tell()
    return account.balance(ccy).cash


def _deposit(venue: Venue, account: Account, ccy: str, amount: Decimal, now_ms: int) -> dict[str, Json]:
    """The row of a deposit that has been credited (state 2)."""
    purpose = (venue.name, account.uid, account.told)
    return {
        "actualDepBlkConfirm": "2", "amt": plain(amount), "areaCodeFrom": "", "ccy": ccy, "chain": f"{ccy}-Test",
        "depId": digits(venue.seed, 8, "deposit", *purpose), "from": "", "fromWdId": "", "pTime": str(now_ms),
        "state": "2", "subAcct": "", "to": digest(venue.seed, "address", ccy, account.uid).hex()[:34],
        "ts": str(now_ms), "txId": digest(venue.seed, "transaction", *purpose).hex(), "uid": account.uid,
    }  # fmt: skip


def counter_order(exchange: Exchange, venue: Venue, inst_id: str, side: str, px: Amount, sz: Amount) -> Order:
    """Let another participant place a limit order, under the rules that hold for every order."""
    inst, now_ms = trading_instrument(venue, inst_id), exchange.clock.now_ms()
    account = counterparty(venue, inst)
    wanted = {
        "instId": inst_id, "tdMode": "cash" if inst.type == "SPOT" else "cross", "side": side, "ordType": "limit",
        "px": plain(number(px, "px")), "sz": plain(number(sz, "sz")),
    }  # fmt: skip
    with localcontext(EXACT):
        try:
            order = place(venue, account, ticket(venue, account, dict(wanted), inst, now_ms), now_ms)
        except Rejected as refused:
            raise Impossible(f"the exchange refuses the counter-order: {refused.code} {refused.message}") from None
    exchange.tell()
    return order


def fill(exchange: Exchange, venue: Venue, order_id: str, sz: Amount | None = None) -> Order:
    """Let somebody trade with an open order, at its own price: all that is left of it, or ``sz`` of that."""
    now_ms = exchange.clock.now_ms()
    with localcontext(EXACT):
        settle(venue, now_ms)
        order = next((each for each in venue.orders.all_open() if order_id in (each.order_id, each.client_id)), None)
        if order is None or order.price is None:
            raise Impossible(f"no order of {venue.name} is open under {order_id[:64]!r}")
        inst = venue.instrument(order.inst_id)
        size = order.remaining if sz is None else number(sz, "sz")
        if not 0 < size <= order.remaining or inst.lot is None or inst.lot.index(size) is None:
            raise Impossible(f"{plain(size)} is no part of the {plain(order.remaining)} that are left, in whole lots")
        fill_at_own_price(venue, order, size, now_ms)
    exchange.tell()
    return order


def move_market(
    exchange: Exchange, venue: Venue, inst_id: str, *, to: Amount | None = None, by: float | None = None
) -> int:
    """Let the market of an instrument's coin go to a price, or by a fraction (-0.05: five per cent down).

    The jump happens with the next beat of the market; the answer is when that is, in epoch milliseconds. All
    instruments of the coin go together, as arbitrage would have it; afterwards the market wanders on from there.
    """
    inst = trading_instrument(venue, inst_id)
    if (to is None) == (by is None):
        raise Impossible("a market is moved either to a price or by a fraction")
    market, moves = venue.market(inst), venue.moves(inst)
    slot = exchange.clock.now_ms() // SLOT_MS + 1
    before = moves.factor(slot)
    if by is not None:
        factor = before * (1.0 + by)
    else:
        target = number(to, "to")
        if inst.tick is None or target < inst.tick.decimal(1):
            raise Impossible(f"{plain(target)} is no price of {inst_id}")
        # A quarter of a tick keeps rounding from putting the bid one step too low.
        factor = before * (market.tick.nearest(target) + 0.25) / market.mid(slot)
    if not 1 / FARTHEST <= factor <= FARTHEST:
        raise Impossible(f"a market moves up to {FARTHEST:g} times its seeded price, up or down")
    moves.move(slot, factor)
    return slot * SLOT_MS


def market_bid(exchange: Exchange, venue: Venue, inst_id: str) -> str:
    """The best bid of the market itself, whatever orders of accounts stand or have just traded beside it."""
    market = venue.market(trading_instrument(venue, inst_id))
    return market.tick.text(market.touch(exchange.clock.now_ms() // SLOT_MS)[0])


def reset_book(exchange: Exchange, venue: Venue, inst_id: str) -> int:
    """Let the numbers of a book begin anew, as after maintenance; the next update has a smaller ``seqId``: this one."""
    depth = book(venue, trading_instrument(venue, inst_id), exchange.clock.now_ms())
    depth.restart()
    exchange.tell()
    return depth.seq


def settle_all(exchange: Exchange) -> None:
    """Fill what the market has reached, everywhere, as the next request would."""
    now_ms = exchange.clock.now_ms()
    with localcontext(EXACT):
        for site in exchange.sites.values():
            for venue in site.venues.values():
                settle(venue, now_ms)
    exchange.tell()


def trading_instrument(venue: Venue, inst_id: str) -> Instrument:
    """The instrument called ``inst_id``, which must have a market."""
    inst = venue.instruments.get(inst_id)
    if inst is None or not inst.trades:
        near = get_close_matches(inst_id[:64], [each.id for each in venue.instruments.values() if each.trades], n=3)
        hint = f"; did you mean {', '.join(near)}?" if near else ""
        raise Impossible(f"no instrument of {venue.name} trades as {inst_id[:64]!r}{hint}")
    return inst


def number(value: Amount | None, name: str) -> Decimal:
    """A plain decimal; floats count as what they print as."""
    found = None if isinstance(value, bool) else parse(str(value))
    if found is None:
        raise Impossible(f"{name} is a number, not {str(value)[:64]!r}")
    return found


def holding(venue: Venue, ccy: str, wallet: str = "trading") -> Balance:
    """What the customer holds of ``ccy``; in the funding wallet nothing is frozen."""
    account = customer(venue)
    if wallet == "funding":
        return Balance(cash=account.funding.get(ccy, ZERO))
    held = account.balances.get(ccy)
    return Balance(cash=ZERO) if held is None else held


def available(exchange: Exchange, venue: Venue, ccy: str, wallet: str = "trading") -> Decimal:
    """What the customer can spend of ``ccy``: with open positions that goes up and down with the mark price."""
    if wallet == "funding":
        return holding(venue, ccy, wallet).cash
    with localcontext(EXACT):
        return max(ZERO, free(venue, customer(venue), ccy, exchange.clock.now_ms()))


def _currencies(venue: Venue) -> set[str]:
    names = {
        ccy for inst in venue.instruments.values()
        for ccy in (inst.listing.base, inst.listing.quote, inst.listing.settle) if ccy
    }  # fmt: skip
    return names | customer(venue).funding.keys()
